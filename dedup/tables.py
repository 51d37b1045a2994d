"""All articles of a run as tables of numbers, in keep order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.boilerplate import Mark
from dedup.errors import BadInput, BadSettings
from dedup.fold_table import WIDE, load
from dedup.kernel.fold_reference import INVISIBLE, SPACE
from dedup.kernel.reference import I64, U32, U64, offsets_of, positions
from dedup.looking import look_all
from dedup.model import Article, Place
from dedup.settings import Settings
from dedup.sketch import sizes
from dedup.text import codepoints, fold_passages, line_spans, sentences

Progress = Callable[[str, int, int | None], None]
"""Called with a stage's name, how much of it is done, and how much there is to do (None: not known)."""

References = Mapping[str, Iterable[Article]] | Iterable[Article]
_BATCH = 1 << 20  # code points folded at a time, unless one article is longer


@dataclass(frozen=True, slots=True)
class Tables:
    """All articles in keep order, reference articles first: a row an article, a row a passage.

    Attributes:
        ids: the id of each article.
        against: the reference input of each article, None for the corpus's own.
        lengths: int64 [articles], code points of the text.
        fixed: bool [articles], reference articles.
        read: int64, the corpus's own articles in the order in which they were read, as numbers of this table.
        article: int64 [passages].
        start, end: int64 [passages], span in code points of the text.
        folded, offsets: uint32 segment array, one segment a passage.
        size: int64 [passages], what floors are measured in (see `dedup.sketch.sizes`).
        of_article: int64 [articles + 1], the passages of article a are of_article[a] ... of_article[a + 1] - 1.
        line: int64 [passages], the line of each passage among those of its article that are not blank; of a paragraph
            the first.
        bare: uint64 [passages], a digest of the signs of a passage that folds to nothing, 0 for others.
        masked: bool [passages], lies in a line that rules or debris name.
        shape: uint8 [passages], of the line (see `dedup.boilerplate.Look`).
        source: int64 [articles], the number of each article's source by the field; -1 where it has none.
        marks: article -> what was found in it by itself; only articles with anything.
    """

    ids: list[str]
    against: list[str | None]
    lengths: I64
    fixed: NDArray[np.bool_]
    read: I64
    article: I64
    start: I64
    end: I64
    folded: U32
    offsets: I64
    size: I64
    of_article: I64
    line: I64
    bare: U64
    masked: NDArray[np.bool_]
    shape: NDArray[np.uint8]
    source: I64
    marks: Mapping[int, Sequence[Mark]]

    @property
    def chars(self) -> I64:
        """Folded characters of each passage: int64 [passages]."""
        return np.diff(self.offsets)

    def article_place(self, article: int) -> Place:
        """The whole of an article."""
        return Place(self.ids[article], 0, int(self.lengths[article]), self.against[article])

    def passage_place(self, first: int, last: int | None = None) -> Place:
        """From the start of a passage to the end of that or of a later passage of its article."""
        article = int(self.article[first])
        end = self.end[first if last is None else last]
        return Place(self.ids[article], int(self.start[first]), int(end), self.against[article])


def read_tables(
    articles: Iterable[Article],
    against: References | None,
    settings: Settings,
    progress: Progress,
) -> Tables:
    """Reads, splits, folds and looks at all articles, and puts them in keep order.

    The passages are lines or, where they are asked for, sentences; `in_paragraphs` makes paragraphs of lines.

    Raises:
        BadInput: an id of the corpus or of one reference stands twice, or a text is no string or holds a lone
            surrogate.
        BadSettings: `keep` or `source_field` names a field that no article has.
    """
    rows = _Rows(*([] for _ in fields(_Rows)))
    for name, references in _named(against):
        begin = len(rows.ids)
        rows.add(references, name, settings, progress)
        _check_ids(rows.ids[begin:], f"reference {name!r}: ")
    references_end = len(rows.ids)
    rows.add(articles, None, settings, progress)
    _check_ids(rows.ids[references_end:])
    if settings.source_field is not None and rows.ids and all(source is None for source in rows.sources):
        raise BadSettings(f"source_field is {settings.source_field!r}, but no article has that field")
    own = _keep_order(rows, references_end, settings) + references_end
    order = np.concatenate((np.arange(references_end), own))
    return _in_order(rows, order, references_end)


def _named(against: References | None) -> Iterator[tuple[str, Iterable[Article]]]:
    if isinstance(against, Mapping):
        yield from against.items()
    elif against is not None:
        yield "against", against


@dataclass(frozen=True, slots=True)
class _Rows:
    """What reading gathers, in the order of reading: an item an article."""

    ids: list[str]
    against: list[str | None]
    keep_by: list[Any]
    sources: list[str | None]
    parts: list[Analysis]

    def add(self, articles: Iterable[Article], against: str | None, settings: Settings, progress: Progress) -> None:
        texts: list[str] = []
        filled = 0
        field = settings.keep_field
        for article in articles:
            _check(article)
            texts.append(article.text)
            filled += len(article.text)
            source = None if settings.source_field is None else article.fields.get(settings.source_field)
            self.sources.append(None if source is None else str(source))
            self.ids.append(article.id)
            self.against.append(against)
            self.keep_by.append(None if field is None else article.fields.get(field))
            if filled >= _BATCH:
                self._analyse(texts, settings)
                texts, filled = [], 0
                progress("reading", len(self.ids), None)
        self._analyse(texts, settings)
        progress("reading", len(self.ids), None)

    def _analyse(self, texts: Sequence[str], settings: Settings) -> None:
        if texts:
            self.parts.append(analysis(texts, self.ids[-len(texts) :], settings))

    def column(self, name: str, dtype: type[np.generic]) -> NDArray[Any]:
        """One of the arrays of all parts in a row."""
        return np.concatenate([*(getattr(part, name) for part in self.parts), np.zeros(0, dtype)])


@dataclass(frozen=True, slots=True)
class Analysis:
    """What some articles are made of, all in arrays: a row an article, a row a passage.

    Attributes:
        lengths, counts: int64 [articles], code points of the text, and passages.
        start, end, line, chars, bare, masked, shape, folded: see `Tables`; chars are those of each folded passage.
        marks: what was found in each article by itself, by its number here; only articles with anything.
    """

    lengths: I64
    counts: I64
    start: I64
    end: I64
    line: I64
    folded: U32
    chars: I64
    bare: U64
    masked: NDArray[np.bool_]
    shape: NDArray[np.uint8]
    marks: Mapping[int, Sequence[Mark]]


def analysis(texts: Sequence[str], ids: Sequence[str], settings: Settings) -> Analysis:
    """Splits articles into passages, folds those and looks at their lines.

    Args:
        texts: the texts of the articles.
        ids: by which errors name them.

    Raises:
        BadInput: a text holds a lone surrogate.
    """
    lengths = np.array([len(text) for text in texts], np.int64)
    offsets = offsets_of(lengths)
    codes = _codepoints(texts, ids)
    starts, content_ends, ends, blank = line_spans(codes, offsets)
    shown = ~blank
    starts, content_ends, ends = starts[shown], content_ends[shown], ends[shown]
    of_line = np.searchsorted(offsets, starts, side="right") - 1
    seen = look_all(texts, codes, offsets, (starts, content_ends, of_line), settings)
    spans = np.stack((starts, ends), axis=1)
    line = np.arange(len(starts))
    if settings.passage == "sentence":
        spans = _sentences(codes, offsets, (starts, content_ends, ends), of_line)
        line = np.searchsorted(starts, spans[:, 0], side="right") - 1
    article = of_line[line]
    folded, folded_offsets = fold_passages(codes, spans)
    chars = np.diff(folded_offsets)
    first_line = np.searchsorted(of_line, np.arange(len(texts)))
    return Analysis(
        lengths=lengths,
        counts=np.bincount(article, minlength=len(texts)),
        start=spans[:, 0] - offsets[article],
        end=spans[:, 1] - offsets[article],
        line=line - first_line[article],
        folded=folded,
        chars=chars,
        bare=_bare(codes, spans, chars == 0),
        masked=seen.masked[line],
        shape=seen.shape[line],
        marks=seen.marks,
    )


def _sentences(codes: U32, offsets: I64, lines: tuple[I64, I64, I64], of_line: I64) -> I64:
    """The sentences of all articles: what ends one looks ahead, and must not see the next article."""
    bounds = np.searchsorted(of_line, np.arange(len(offsets)))
    spans = [np.zeros((0, 2), np.int64)]
    for article, start in enumerate(offsets[:-1].tolist()):
        own = slice(bounds[article], bounds[article + 1])
        spans.append(start + sentences(codes[start : offsets[article + 1]], *(edge[own] - start for edge in lines)))
    return np.concatenate(spans)


def _bare(codes: U32, spans: I64, empty: NDArray[np.bool_]) -> U64:
    """A digest of the signs of each passage that folds to nothing: uint64 [passages], 0 for the others."""
    bare = np.zeros(len(empty), np.uint64)
    starts, ends = spans[empty].T
    signs = codes[positions(starts, ends - starts)]
    shown = (load().flags[signs] & (SPACE | INVISIBLE)) == 0
    offsets = offsets_of(shown)[offsets_of(ends - starts)]
    bare[empty] = kernel.digests(signs[shown], offsets)[:, 0]
    return bare


def _codepoints(texts: Sequence[str], ids: Sequence[str]) -> U32:
    """The code points of all texts in a row."""
    try:
        return codepoints("".join(texts))
    except BadInput:
        for text, id in zip(texts, ids, strict=True):
            codepoints(text, f"article {id!r}")  # one raises, by its name
        raise


def _check(article: Article) -> None:
    if not isinstance(article, Article):
        raise BadInput(f"scan takes articles, found {type(article).__name__}; make dedup.Article(id, text)")
    if not isinstance(article.id, str) or not isinstance(article.text, str):
        raise BadInput(
            f"article {article.id!r}: id and text must be strings, "
            f"found {type(article.id).__name__} and {type(article.text).__name__}"
        )


def _check_ids(ids: list[str], where: str = "") -> None:
    if len(set(ids)) == len(ids):
        return
    first: dict[str, int] = {}
    for position, name in enumerate(ids):
        if name in first:
            raise BadInput(
                f"{where}articles {first[name] + 1} and {position + 1} have the same id {name!r}; give each its own"
            )
        first[name] = position


def _keep_order(rows: _Rows, references_end: int, settings: Settings) -> I64:
    """The corpus's own articles in keep order, ties in the order of reading: int64, numbers from 0."""
    count = len(rows.ids) - references_end
    order = np.arange(count)
    if settings.keep == "last":
        return order[::-1]
    if settings.keep == "longest":
        unmasked = np.where(rows.column("masked", np.bool_), 0, rows.column("chars", np.int64))
        of_article = offsets_of(rows.column("counts", np.int64))
        lengths = np.diff(offsets_of(unmasked)[of_article])[references_end:]
        return np.argsort(-lengths, kind="stable")
    if settings.keep_field is not None:
        return _by_field(rows.keep_by[references_end:], settings)
    return order


def _by_field(values: list[Any], settings: Settings) -> I64:
    """Articles by a field: numbers by size, everything else by its text; those without it come last."""
    given = [position for position, value in enumerate(values) if value is not None]
    if values and not given:
        raise BadSettings(f"keep is {settings.keep!r}, but no article has that field")
    numeric = all(isinstance(values[position], int | float) for position in given)
    given.sort(
        key=lambda position: values[position] if numeric else str(values[position]),
        reverse=settings.keep.endswith(":desc"),
    )
    missing = [position for position, value in enumerate(values) if value is None]
    return np.array(given + missing, np.int64)


def _in_order(rows: _Rows, order: I64, references_end: int) -> Tables:
    folded, offsets = rows.column("folded", np.uint32), offsets_of(rows.column("chars", np.int64))
    counts = rows.column("counts", np.int64)
    of_article = offsets_of(counts)
    passages = {
        name: rows.column(name, dtype)
        for name, dtype in (
            ("start", np.int64),
            ("end", np.int64),
            ("line", np.int64),
            ("bare", np.uint64),
            ("masked", np.bool_),
            ("shape", np.uint8),
        )
    }
    if not np.array_equal(order, np.arange(len(order))):
        moved, _ = kernel.take_segments(np.arange(len(offsets) - 1), of_article, order)
        folded, offsets = kernel.take_segments(folded, offsets, moved)
        passages = {name: column[moved] for name, column in passages.items()}
        counts = counts[order]
        of_article = offsets_of(counts)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    read = place[references_end:]
    names = {name: number for number, name in enumerate(dict.fromkeys(filter(None, rows.sources)))}
    return Tables(
        ids=[rows.ids[article] for article in order.tolist()],
        against=[rows.against[article] for article in order.tolist()],
        lengths=rows.column("lengths", np.int64)[order],
        fixed=np.arange(len(order)) < references_end,
        read=read,
        article=np.repeat(np.arange(len(order)), counts),
        folded=folded,
        offsets=offsets,
        size=sizes(folded, offsets),
        of_article=of_article,
        **passages,
        source=np.array([names.get(rows.sources[article] or "", -1) for article in order.tolist()], np.int64),
        marks={int(place[article]): marks for article, marks in _marked(rows)},
    )


def _marked(rows: _Rows) -> Iterator[tuple[int, Sequence[Mark]]]:
    """The articles with marks, by their numbers in the order of reading."""
    first = 0
    for part in rows.parts:
        for article, marks in part.marks.items():
            yield first + article, marks
        first += len(part.lengths)


def joined(tables: Tables, first: I64) -> tuple[U32, I64]:
    """The folded texts of runs of passages that begin at *first* (rising from 0): a segment array, one a run."""
    wide = (load().flags[tables.folded] & WIDE) > 0
    return kernel.join_segments(tables.folded, tables.offsets, wide, np.append(first, len(tables.article)))


def in_paragraphs(tables: Tables, out: NDArray[np.bool_]) -> Tables:
    """The same with paragraphs for lines: runs of lines that no blank line and no line that is *out* parts."""
    if not len(tables.article):
        return tables
    apart = np.ones(len(tables.article), bool)
    apart[1:] = (tables.start[1:] != tables.end[:-1]) | (np.diff(tables.article) != 0) | out[1:] | out[:-1]
    first = np.flatnonzero(apart)
    last = np.append(first[1:], len(apart)) - 1
    folded, offsets = joined(tables, first)
    return replace(
        tables,
        article=tables.article[first],
        start=tables.start[first],
        end=tables.end[last],
        folded=folded,
        offsets=offsets,
        size=sizes(folded, offsets),
        of_article=np.searchsorted(first, tables.of_article),
        line=tables.line[first],
        bare=np.add.reduceat(tables.bare, first),
        masked=tables.masked[first],
        shape=tables.shape[first],
    )
