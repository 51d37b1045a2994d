"""Many articles looked at together: what `boilerplate.look` says of each, without a look at most of them.

Few articles hold anything that a rule or debris could name, and where one does, words alone often decide. One look-up a
code point and one regular expression over all lines tell which; only what is left is judged article by article.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.boilerplate import (
    LEAD_IN,
    SENTENCE,
    Lines,
    Mark,
    Signs,
    Verdict,
    debris,
    debris_kinds,
    debris_signs,
    judge_lines,
    line_mark,
    look,
    markup_lines,
    settled,
    shapes,
)
from dedup.boilerplate import running as running_lines
from dedup.fold_table import load
from dedup.kernel.line_reference import MARKED, LineTable, Outlines
from dedup.kernel.reference import I64, U8, U32, offsets_of
from dedup.marks import Heads, Marks, head_of
from dedup.rules import (
    COMMA,
    OPENERS,
    OPENS_MARKUP,
    any_beginnings,
    beginnings,
    endings,
    matcher,
    reading_codes,
    reading_table,
    signs,
)
from dedup.settings import Settings

Mask = NDArray[np.bool_]


class Looks(NamedTuple):
    """What articles show by themselves. Arrays are [lines], of the lines that are not blank, all articles in a row.

    Attributes:
        masked: bool, lines that a rule or the markup rule names.
        shape: uint8, LEAD_IN or SENTENCE (see `dedup.boilerplate`).
        marks: what was found in each article, by start.
    """

    masked: Mask
    shape: U8
    marks: Marks


_FEW = 1 << 17  # code points; for fewer it does not pay to know what rules begin with


def outlines(codes: U32, offsets: I64) -> Outlines:
    """The lines of several articles that are not blank, and what is seen of each by itself."""
    return kernel.outlines(codes, offsets, line_table(len(codes) >= _FEW))


@lru_cache(maxsize=2)
def line_table(many: bool) -> LineTable:
    """What lines are looked at by, few or *many*."""
    if many:
        kinds, told = beginnings()
        return line_table(False)._replace(kinds=kinds, beginnings=told)
    table = LineTable(signs(), OPENERS, *any_beginnings(), endings(shapes()))
    table.signs[np.flatnonzero(debris_kinds())] |= MARKED
    return table


def look_all(texts: Sequence[str], codes: U32, offsets: I64, lines: Outlines, settings: Settings) -> Looks:
    """What `boilerplate.look` says of each of several articles.

    Args:
        texts: their texts.
        codes, offsets: uint32 segment array, the code points of the texts.
        lines: their `outlines`.
        settings: as for `boilerplate.look`.
    """
    starts, ends = lines.starts, lines.ends
    rows = _Rows(codes, offsets, lines, settings)
    masked, shape = np.zeros(len(starts), bool), rows.shape.copy()
    marks: dict[int, list[Mark]] = {}  # of articles that are judged one by one, and of debris
    debris_at = debris_signs(codes, lines.marked)
    annotated = _annotated(codes, offsets, debris_at.toned)
    for number in annotated.tolist():  # what is read of them is not what was read above
        seen = look(texts[number], codes[offsets[number] : offsets[number + 1]], settings)
        own = rows.own(number)
        masked[own], shape[own], marks[number] = seen.masked, seen.shape, list(seen.marks)
    of_suspect, of_opener = (rows.articles_of(some) for some in (rows.suspects, rows.openers))
    clear = rows.settled()
    clear[annotated] = clear[of_opener] = False
    by_words = clear[of_suspect]
    masked[rows.suspects[by_words]] = True
    for number in _without(np.append(of_suspect[~by_words], of_opener), annotated):
        named, marks[number] = rows.judged(number, texts[number])
        masked[named] = True
    with_debris = _segments_of(offsets, np.append(debris_at.control, debris_at.broken))
    for number in _without(with_debris, annotated):
        own, begin, end = rows.own(number), int(offsets[number]), int(offsets[number + 1])
        of_text = texts[number], codes[begin:end], Signs(*(_within(places, begin, end) - begin for places in debris_at))
        found = debris(*of_text, [], starts[own] - begin, ends[own] - begin, settings)
        marks[number] = [*marks.get(number, ()), *found]
    return Looks(masked, shape, rows.marks(by_words, marks))


def _without(articles: I64, others: I64) -> list[int]:
    """The articles that are none of the others, rising, each once; mostly there are none, and that is told at once."""
    return sorted(set(articles.tolist()).difference(others.tolist())) if len(articles) else []


def _annotated(codes: U32, offsets: I64, toned: I64) -> I64:
    """The articles that hold annotations, rising."""
    articles = _segments_of(offsets, toned)
    articles = articles[np.diff(articles, prepend=-1) > 0]
    spans = (codes[slice(*offsets[number : number + 2])] for number in articles)
    return articles[[bool(kernel.annotations(own, load())) for own in spans]]


def _within(rising: I64, begin: int, end: int) -> I64:
    """Those of rising numbers that are at least *begin* and less than *end*."""
    return rising[slice(*np.searchsorted(rising, (begin, end)).tolist())]


def _segments_of(offsets: I64, places: I64) -> I64:
    """The segment in which each place lies."""
    return np.searchsorted(offsets, places, side="right") - 1


class _Rows:
    """The lines of all articles, as rules see them.

    Attributes:
        shape: uint8 [lines], see `Looks`.
        suspects, openers: int64, the lines that a rule may name, and those that may be markup; both rising.
    """

    def __init__(self, codes: U32, offsets: I64, lines: Outlines, settings: Settings) -> None:
        self._codes, self._offsets, self._lines = codes, offsets, lines
        self._settings, self._rules = settings, matcher(settings.rules, settings.keep_rules)
        self.shape = lines.endings & np.uint8(LEAD_IN | SENTENCE)
        self._running = running_lines(self.shape, lines.chars, (lines.signs & COMMA) > 0)
        self.openers = np.flatnonzero(lines.beginnings & OPENS_MARKUP)
        self.suspects = self._matched = np.zeros(0, np.int64)
        if settings.boilerplate != "off":
            self.suspects, self._matched = self._rules.suspects(lines, self._readings)

    def _readings(self, lines: I64 | slice) -> tuple[U8, I64]:
        return kernel.readings(self._codes, self._lines.starts[lines], self._lines.content_ends[lines], reading_table())

    def own(self, article: int) -> slice:
        """The lines of an article."""
        return slice(*self._lines.first[article : article + 2].tolist())

    def articles_of(self, lines: I64) -> I64:
        """The article of each line."""
        return _segments_of(self._lines.first, lines)

    def settled(self) -> Mask:
        """See `boilerplate.settled`."""
        return settled(self.suspects, self._matched, self._running, self._lines.first, self._rules)

    def marks(self, which: Mask, more: Mapping[int, Sequence[Mark]]) -> Marks:
        """The marks of suspects that words alone name, lines in a row with one name as one mark, and some more."""
        line, rule = self.suspects[which], self._matched[which]
        article = self.articles_of(line)
        of_name = article * len(self._rules.names) + _numbered(self._rules.names)[rule]
        apart = np.ones(len(line) + 1, bool)
        apart[1:-1] = (np.diff(line) != 1) | (np.diff(of_name) != 0)
        run = np.flatnonzero(apart)
        first, last, article, rule = line[run[:-1]], line[run[1:] - 1], article[run[:-1]], rule[run[:-1]]
        low, high, begin = self._lines.first[article], self._lines.first[article + 1], self._offsets[article]
        start, end = self._lines.starts[first] - begin, self._lines.ends[last] - begin
        at = start, end, first - low, last + 1 - low, high - low
        # what a mark says of its place depends on no more than a few lines at the ends
        count, before, behind = last + 1 - first, np.minimum(first - low, 5), np.minimum(high - last - 1, 5)
        alike = ((rule * (np.max(count, initial=0) + 1) + count) * 6 + before) * 6 + behind
        _, some, kind = np.unique(alike, return_index=True, return_inverse=True)
        verdicts = [(Verdict(self._rules.names[rule[one]]), [int(column[one]) for column in at]) for one in some]
        heads = Heads()
        head = heads.numbers(head_of(line_mark(*verdict, self._settings)) for verdict in verdicts)[kind]
        if more:
            others = [(number, mark) for number, found in more.items() for mark in found]
            article = np.append(article, np.array([number for number, _ in others], np.int64))
            start = np.append(start, np.array([mark.start for _, mark in others], np.int64))
            end = np.append(end, np.array([mark.end for _, mark in others], np.int64))
            head = np.append(head, heads.numbers(head_of(mark) for _, mark in others))
            order = np.lexsort((end, start, article))  # it is stable, as `in_order` is
            article, start, end, head = article[order], start[order], end[order], head[order]
        counts = np.bincount(article, minlength=len(self._offsets) - 1)
        return Marks(offsets_of(counts), start, end, head.astype(np.int32), heads.all)

    def judged(self, article: int, text: str) -> tuple[list[int], list[Mark]]:
        """The lines of an article that are masked, and the marks of lines."""
        own, begin = self.own(article), self._offsets[article]
        opened, some = (
            slice(*np.searchsorted(lines, (own.start, own.stop))) for lines in (self.openers, self.suspects)
        )
        opener, markup = self.openers[opened], []
        if len(opener):
            spans = ((edge[opener] - begin).tolist() for edge in (self._lines.starts, self._lines.content_ends))
            markup = (opener[markup_lines(text, *spans)] - own.start).tolist()
        matched = dict(zip((self.suspects[some] - own.start).tolist(), self._matched[some].tolist(), strict=True))
        read, bounds = self._readings(own)
        texts = _Texts(read.tobytes(), bounds.tolist())
        lines = Lines(texts, np.diff(bounds) - 1, reading_codes(self._lines.lasts[own]), self._running[own])
        edges = self._lines.starts[own] - begin, self._lines.ends[own] - begin
        masked, marks = judge_lines(lines, markup, matched, *edges, self._settings)
        return [line + own.start for line in masked], marks


@lru_cache(maxsize=16)
def _numbered(names: tuple[str, ...]) -> I64:
    """A number for each of some names, for equal ones the same."""
    return np.unique(names, return_inverse=True)[1]


class _Texts(Sequence[str]):
    """Lines that were read, as strings that are made when they are asked for."""

    def __init__(self, read: bytes, bounds: list[int]) -> None:
        self._read, self._bounds = read, bounds

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def __getitem__(self, line: Any) -> Any:
        at = range(len(self))[line]  # so that what is beyond the last is an error
        return self._read[self._bounds[at] : self._bounds[at + 1] - 1].decode()
