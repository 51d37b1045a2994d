"""Boilerplate by frequency in an index: counted over everything when asked, applied to what comes after.

How often a line stands on the pages of a source is known only of a whole corpus. So an index counts when it is told to
(`rejudge`), keeps the lines that were found to be boilerplate then as *templates*, and takes what fits them out of new
articles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.boilerplate import Mark
from dedup.frequency import Frequent, Lines, frequent, frequent_marks, masked_line
from dedup.index.excerpts import Folded, Reading
from dedup.judging import opening
from dedup.kernel.reference import I64, offsets_of
from dedup.model import Article
from dedup.segments import Segments
from dedup.settings import Settings
from dedup.tables import joined
from dedup.work import Work

Mask = NDArray[np.bool_]
Evidence = tuple[int, float]
"""How many article families of its source carry a line, and their share."""


@dataclass(frozen=True, slots=True)
class Templates:
    """What was boilerplate by frequency when it was last counted.

    Attributes:
        lines: (source, masked line) -> evidence.
        copies: folded line -> evidence, for long lines that go wherever they stand, as their first place goes.
    """

    lines: Mapping[tuple[str, str], Evidence]
    copies: Mapping[str, Evidence]

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "lines": [[*key, *evidence] for key, evidence in self.lines.items()],
            "copies": [[text, *evidence] for text, evidence in self.copies.items()],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Templates:
        """The inverse of `to_json`."""
        lines = {(source, line): (families, share) for source, line, families, share in value["lines"]}
        return cls(lines, {text: (families, share) for text, families, share in value["copies"]})


NONE = Templates({}, {})


@dataclass(frozen=True, slots=True)
class ReadLines:
    """The lines of some articles that are not blank. Arrays are [lines].

    Attributes:
        text: the folded lines.
        article: int64, the article of each, as a number of the reading.
        masked: bool.
        shape: uint8.
        start, end: int64, span in code points.
        of_article: int64 [articles + 1].
    """

    text: Folded
    article: I64
    masked: Mask
    shape: NDArray[np.uint8]
    start: I64
    end: I64
    of_article: I64


def lines_of(reading: Reading) -> ReadLines:
    """The lines of what was read."""
    units = reading.units
    fresh = opening(units.article, units.line)
    first = np.flatnonzero(fresh)
    text = units.at.whole() if fresh.all() else joined(units, first).whole()
    return ReadLines(
        text=text,
        article=units.article[first],
        masked=units.masked[first],
        shape=units.shape[first],
        start=units.start[first],
        end=units.end[np.append(first, len(fresh))[1:] - 1],
        of_article=np.searchsorted(first, units.of_article),
    )


def source_of(article: Article, settings: Settings) -> str:
    """The source of an article, "" where none is known."""
    value = None if settings.source_field is None else article.fields.get(settings.source_field)
    return "" if value is None else str(value)


def fitting(
    reading: Reading, templates: Templates, settings: Settings, known: Sequence[Mask] | None = None
) -> tuple[list[Mask], list[list[Mark]]]:
    """What goes of some articles: the lines that are out, and the marks of all that was found, for each article.

    Args:
        reading: the articles.
        templates: what is boilerplate.
        settings: the settings of the index.
        known: bool [lines] for each article, what is out, where that is decided.
    """
    if not (templates.lines or templates.copies) or settings.scope == "within":
        return reading.masks, [list(found) for found in reading.marks]
    lines = lines_of(reading)
    found = _frequent(reading.articles, lines, templates, settings)
    if known is not None:
        line = np.concatenate([np.zeros(0, bool), *known]) & ~lines.masked
        found = Frequent(line, found.families, found.share)
    return with_frequent(reading, lines, found, settings)


def with_frequent(
    reading: Reading, lines: ReadLines, found: Frequent, settings: Settings
) -> tuple[list[Mask], list[list[Mark]]]:
    """What `fitting` gives, from what frequency says of the lines."""
    marks = [list(own) for own in reading.marks]
    for number, more in frequent_marks(found, lines.start, lines.end, lines.of_article, settings).items():
        marks[number] += more
    return np.split(lines.masked | found.line, lines.of_article[1:-1]), marks


def _frequent(articles: Sequence[Article], lines: ReadLines, templates: Templates, settings: Settings) -> Frequent:
    """The lines that fit templates, with their evidence; evidence of all lines that a template is about."""
    count = len(lines.article)
    families, share = np.zeros(count, np.int64), np.zeros(count)
    fits, copies = np.zeros(count, bool), np.zeros(count, bool)
    sources = [source_of(article, settings) for article in articles]
    chars = np.diff(lines.text[1])
    for line in np.flatnonzero(~lines.masked & (chars > 0)).tolist():
        text = string(lines.text, line)
        evidence = templates.lines.get((sources[lines.article[line]], masked_line(text)))
        fits[line] = evidence is not None
        if evidence is None and chars[line] >= settings.min_chars:
            evidence = templates.copies.get(text)
            copies[line] = evidence is not None
        if evidence is not None:
            families[line], share[line] = evidence
    own = (chars > 0) & ~lines.masked & ~fits
    stays = np.bincount(lines.article[own], minlength=len(articles)) > 0
    return Frequent((fits & stays[lines.article]) | copies, families, share)


def string(text: Folded, number: int) -> str:
    """A folded text as a string."""
    flat, offsets = text
    return flat[offsets[number] : offsets[number + 1]].astype("<u4").tobytes().decode("utf-32-le")


def count(readings: Iterable[tuple[Reading, Sequence[int]]], settings: Settings) -> tuple[Templates, Frequent, I64]:
    """Counts the lines of all articles.

    Args:
        readings: all articles in order, lot by lot, with the family of each: the number of the first article of it.
        settings: the settings of the index.

    Returns:
        What is boilerplate; what frequency says of the lines of all articles in a row; int64 [articles + 1], the lines
        of article a are those from the a-th on.
    """
    lots: list[ReadLines] = []
    families: list[int] = []
    names: dict[str, int] = {"": 0}
    sources: list[int] = []
    for reading, of in readings:
        lots.append(lines_of(reading))
        families += of
        sources += [names.setdefault(source_of(article, settings), len(names)) for article in reading.articles]
    counts = np.concatenate([np.zeros(0, np.int64), *(np.diff(lot.of_article) for lot in lots)])
    article, of_article = np.repeat(np.arange(len(counts)), counts), offsets_of(counts)
    folded = np.concatenate([np.zeros(0, np.uint32), *(lot.text[0] for lot in lots)])
    chars = np.concatenate([np.zeros(0, np.int64), *(np.diff(lot.text[1]) for lot in lots)])
    lines = Lines(
        at=Segments(folded, offsets_of(chars)),
        chars=chars,
        article=article,
        of_article=of_article,
        masked=np.concatenate([np.zeros(0, bool), *(lot.masked for lot in lots)]),
        shape=np.concatenate([np.zeros(0, np.uint8), *(lot.shape for lot in lots)]),
        counted=np.ones(len(article), bool),
        family=np.array(families, np.int64),
        source=np.array(sources, np.int64),
    )
    with Work() as work:
        found = frequent(lines, settings, work)
    return _templates(lines, found, list(names), settings), found, of_article


def _templates(lines: Lines, found: Frequent, names: Sequence[str], settings: Settings) -> Templates:
    """What fits from now on: the lines found, by source, and the long ones of them that stand first."""
    by_line: dict[tuple[str, str], Evidence] = {}
    copies: dict[str, Evidence] = {}
    seen: set[str] = set()
    long = (lines.chars >= settings.min_chars) & ~lines.masked
    for line in np.flatnonzero(found.line | (long if found.line.any() else False)).tolist():
        text = string(lines.at.take(np.array([line])), 0)
        evidence = int(found.families[line]), float(found.share[line])
        if long[line] and text not in seen:
            seen.add(text)
            if found.line[line]:
                copies[text] = evidence
        if found.line[line]:
            by_line.setdefault((names[lines.source[lines.article[line]]], masked_line(text)), evidence)
    return Templates(by_line, copies)
