"""The findings of a file, asked for by article."""

from __future__ import annotations

import re
import shutil
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np

from dedup.errors import BadInput
from dedup.model import Finding
from dedup.runs.lines import filled_lines, finding_of_line, unreadable

_ARTICLE = re.compile(rb'\{"article":"([^"\\]*+)",')  # as a run writes it, unless the id holds escapes


class ByArticle:
    """The findings of a file by article, in any order: read once to see where they stand, and again when asked for.

    There may be more of them than memory holds: of those of one article that stand in a row five numbers are held. Who
    changes the file meanwhile gets an error, or, where its lines still stand where they stood, what they say now.

    Args:
        path: a findings.jsonl, as a run left it or someone edited it; it may be a pipe, which is copied.
        changed: what becomes of each finding.
        sound: the lines were written just now, so that it is enough to read them carefully when they are asked for.

    Raises:
        BadInput: the file or a line cannot be read; the message names the line.
    """

    def __init__(self, path: Path, changed: Callable[[Finding], Finding] | None = None, *, sound: bool = False) -> None:
        self.path, self._changed = path, changed
        try:
            with ExitStack() as opened:
                self._file = opened.enter_context(_seekable(path))
                self._index(sound)
                opened.pop_all()
        except OSError as error:
            raise unreadable(path, "finding", error) from None

    def _index(self, sound: bool) -> None:
        keys, starts, lines = array("q"), array("q"), array("q")
        before, end = None, 0
        for number, start, line in filled_lines(self._file):
            plain = _ARTICLE.match(line) if sound else None
            article = finding_of_line(self.path, number, line).article if plain is None else plain[1].decode()
            if article != before:
                keys.append(hash(article))
                starts.append(start)
                lines.append(number)
                before = article
            end = start + len(line)
        starts.append(end)
        self._keys, self._starts, self._lines, self._seen = keys, starts, lines, bytearray(len(keys))
        order = np.argsort(keys, kind="stable")
        self._sorted, self._order = np.array(keys, np.int64)[order].data, order.data

    def __enter__(self) -> ByArticle:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def of(self, article: str) -> list[tuple[int, Finding]]:
        """The findings of an article in the order of the file, each with the number of its line.

        Raises:
            BadInput: the file has changed.
        """
        key = hash(article)
        first = bisect_left(self._sorted, key)
        if first == len(self._sorted) or self._sorted[first] != key:
            return []
        found: list[tuple[int, Finding]] = []
        for row in self._order[first : bisect_right(self._sorted, key, first)]:
            own = self._read(row)
            if own[0][1].article == article:  # and not another with this hash
                self._seen[row] = True
                found += own
        return found

    def unseen(self) -> tuple[int, Finding] | None:
        """The first finding, and its line, of an article that was not asked for.

        Raises:
            BadInput: the file has changed.
        """
        row = self._seen.find(0)
        return None if row < 0 else self._read(row)[0]

    def _read(self, row: int) -> list[tuple[int, Finding]]:
        """Findings of one article that stand in a row."""
        at, stop = self._starts[row], self._starts[row + 1]
        found: list[tuple[int, Finding]] = []
        try:
            self._file.seek(at)
            for number, line in enumerate(self._file, self._lines[row]):
                at += len(line)
                if not line.isspace():
                    found.append((number, finding_of_line(self.path, number, line)))
                if at >= stop:
                    break
        except OSError as error:
            raise unreadable(self.path, "finding", error) from None
        except BadInput:
            found = []
        articles = {finding.article for _, finding in found}
        if at != stop or len(articles) != 1 or hash(*articles) != self._keys[row]:
            raise BadInput(f"{self.path}: has changed while it was read; start again when nothing writes to it")
        if self._changed is not None:
            found = [(number, self._changed(finding)) for number, finding in found]
        return found


def _seekable(path: Path) -> IO[bytes]:
    file = path.open("rb")
    if file.seekable():
        return file
    copy = TemporaryFile()  # noqa: SIM115  (closed by who asked for it)
    with file:
        shutil.copyfileobj(file, copy)
    copy.seek(0)
    return copy
