"""Articles written without what was found in them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import orjson

from dedup.articles import Corpus, Ids, InputFile, PassedOver, Reading, Rewriting, copy, rewrite_file, write_jsonl
from dedup.errors import BadInput
from dedup.model import Finding
from dedup.rewriting import clean_text, cut_whole, cuts, described, first_fault
from dedup.runs.by_article import ByArticle
from dedup.runs.folder import sha256_of
from dedup.runs.names import CLEAN, DROPPED, PLACES, REJECTED, safe_name


def write_clean(
    corpus: Corpus,
    findings: Path,
    folder: Path,
    progress: Callable[[int], object] | None = None,
) -> None:
    """Writes clean/, dropped/, rejected/ and places.jsonl of a run into *folder*.

    Files that were passed over whole go to rejected/ as they are, where they can be read at all.

    places.jsonl has a line for every file but plain text files, {"file", "lines", "texts"}: the lines of the records
    that were cut whole, and a SHA-256 of the original texts of all others, by which `restore_run` knows that it gives
    back what was read; where there is need of them "bom": false (U+FEFF at the start of a clean text file is a part of
    its text), "rejected" (the lines of the records that could not be read, which lie in rejected/ as they were),
    "row_groups" (the numbers of rows in those of a Parquet file), and "blanks" (blank lines of a CSV file that would
    have melted into the line end before them).

    Args:
        corpus: as it was scanned.
        findings: findings.jsonl, what was found in it.
        progress: told how many more bytes of the inputs, as stored, have been read.

    Raises:
        BadInput: a file has changed since, a finding does not fit its article, or its article is unknown.
    """
    if not corpus.complete:
        for _ in corpus:
            pass
    with ByArticle(findings, sound=True) as found:
        write_articles(
            corpus.files,
            Judged(found),
            folder,
            reading=corpus.reading,
            digests=corpus.digests,
            progress=progress,
        )
    keep_rejected(corpus.passed_over, folder)


def keep_rejected(passed_over: Iterable[PassedOver], folder: Path) -> None:
    """Copies whole files to rejected/. Raises BadInput where one has changed."""
    for of in passed_over:
        if of.file is None or of.sha256 is None:
            continue
        path = folder / REJECTED / safe_name(of.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            copy(of.file, path)
        except OSError as error:
            raise BadInput(f"{of.file.shown}: cannot be read any more: {error.strerror}; scan again") from None
        if sha256_of(path) != of.sha256:
            raise BadInput(f"{of.file.shown}: has changed since it was scanned; scan again when nothing writes to it")


class Judged:
    """Texts as they come, without what was found in them.

    Args:
        findings: of all articles.
        named: whether errors name the file and the line of a finding.
        tell: told the findings of each article that has any, by start.
    """

    def __init__(
        self, findings: ByArticle, named: bool = False, tell: Callable[[list[Finding]], object] | None = None
    ) -> None:
        self._findings, self._named, self._tell = findings, named, tell

    def clean(self, id: str, text: str) -> str | None:
        """The clean text, None if the article is cut whole.

        Raises:
            BadInput: a finding does not fit the text, or two overlap.
        """
        placed = self._findings.of(id)
        if not placed:
            return text
        own = [finding for _, finding in placed]
        whole = cut_whole(own)
        fault = first_fault(text, cuts(own))
        if whole is not None:
            fault = first_fault(text, [whole]) or fault
            if whole.text != text:
                fault = whole, f"cuts the article whole, which has {len(text)} characters; give it all of them"
        if fault is not None:
            line = next(line for line, finding in placed if finding is fault[0])
            raise BadInput(f"{self._described(line, fault[0])}: {fault[1]}")
        clean = None if whole is not None else clean_text(text, own)
        if self._tell is not None:
            self._tell(sorted(own, key=lambda finding: finding.start))
        return clean

    def refuse_unseen(self) -> None:
        """Raises BadInput if there are findings of an article that did not come."""
        if (unseen := self._findings.unseen()) is not None:
            raise BadInput(f"{self._described(*unseen)}: there is no such article; fix its id")

    def _described(self, line: int, finding: Finding) -> str:
        place = f"{self._findings.path}:{line}: " if self._named else ""
        return place + described(finding)


def write_articles(
    files: Iterable[InputFile],
    judged: Judged,
    folder: Path,
    *,
    reading: Reading,
    digests: Mapping[str, str] | None = None,
    progress: Callable[[int], object] | None = None,
) -> None:
    """Writes clean/, dropped/, rejected/ and places.jsonl; *digests* are those that the files must still have."""
    ids = Ids(reading.id_field)
    (folder / CLEAN).mkdir()
    with (folder / PLACES).open("wb") as places:
        for file in files:
            done, texts = _write_one(file, judged, folder, ids=ids, reading=reading, progress=progress)
            if digests is not None and done.sha256 != digests[file.name]:
                raise BadInput(f"{file.shown}: has changed since it was scanned; scan again when nothing writes to it")
            place: dict[str, Any] = {"file": file.name, "lines": done.lines, "texts": texts}
            if done.bom_lost_its_place:
                place["bom"] = False
            if done.rejected:
                place["rejected"] = done.rejected
            if done.row_groups:
                place["row_groups"] = done.row_groups
            if done.blanks:
                place["blanks"] = done.blanks
            if file.format != "text" or (not done.lines and (file.compression or done.bom_lost_its_place)):
                places.write(orjson.dumps(place, option=orjson.OPT_APPEND_NEWLINE))
    judged.refuse_unseen()


def _write_one(
    file: InputFile,
    judged: Judged,
    folder: Path,
    *,
    ids: Ids,
    reading: Reading,
    progress: Callable[[int], object] | None,
) -> tuple[Rewriting, str]:
    """(what was done, SHA-256 of the original texts that are kept)."""
    texts = hashlib.sha256()

    def judge(id: str, text: str) -> str | None:
        clean = judged.clean(id, text)
        if clean is not None:
            add_text(texts, text)
        return clean

    places = [folder / part / file.name for part in (CLEAN, DROPPED, REJECTED)]
    done = rewrite_file(file, judge, *places, ids=ids, reading=reading, progress=progress)
    return done, texts.hexdigest()


def copy_jsonl(corpus: Corpus, run: Path, out: IO[bytes]) -> None:
    """Writes the clean articles of a run to *out* as JSONL; a text file becomes a record with its id and text."""
    for file in corpus.files:
        clean = run / CLEAN / file.name
        if clean.exists():
            write_jsonl(replace(file, path=clean, shown=str(clean), url=""), corpus.reading, out)


def add_text(texts: hashlib._Hash, text: str) -> None:
    """Adds a text to a digest of texts, so that where one ends counts."""
    encoded = text.encode()
    texts.update(b"%d:" % len(encoded))
    texts.update(encoded)
