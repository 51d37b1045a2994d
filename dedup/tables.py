"""All articles of a run as tables of numbers, in keep order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.errors import BadInput, BadSettings
from dedup.fold_table import load
from dedup.kept import Stage
from dedup.kernel.fold_reference import INVISIBLE, SPACE
from dedup.kernel.reference import I64, U32, U64, offsets_of, positions
from dedup.looking import Looks, look_all
from dedup.marks import Head, Heads, Marks
from dedup.model import Article, Place
from dedup.segments import Segments
from dedup.settings import Settings
from dedup.sketch import sizes
from dedup.text import codepoints, fold_passages, line_spans, sentences
from dedup.work import Work

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
        texts: the texts of the corpus's own articles.
        source_names: what the field says of each source.
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
    marks: Marks
    texts: Stored
    source_names: Sequence[str] = ()

    @property
    def at(self) -> Segments:
        """The folded text of each passage."""
        return Segments(self.folded, self.offsets)

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
    work: Work,
) -> Tables:
    """Reads, splits, folds and looks at all articles, and puts them in keep order.

    The passages are lines or, where they are asked for, sentences; `in_paragraphs` makes paragraphs of lines.

    Raises:
        BadInput: an id of the corpus or of one reference stands twice, or a text is no string or holds a lone
            surrogate.
        BadSettings: `keep` or `source_field` names a field that no article has.
        BadRun: there is no room for the work files.
    """
    rows = _Rows(work)
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
    return _in_order(rows, order, references_end, work)


_PLAIN = (
    *("lengths", "fixed", "read", "source", "of_article"),
    *("article", "start", "end", "folded", "offsets", "size", "line", "bare", "masked", "shape"),
)


def stage_of(tables: Tables, inputs: Any) -> Stage:
    """Tables as arrays, to be kept, with what is said of the inputs."""
    ids = [id.encode() for id in tables.ids]
    names = list(dict.fromkeys(tables.against))
    arrays = {name: getattr(tables, name) for name in _PLAIN}
    arrays["ids"] = np.frombuffer(b"".join(ids), np.uint8)
    arrays["id_offsets"] = offsets_of(np.array(list(map(len, ids)), np.int64))
    arrays["against"] = np.array([names.index(name) for name in tables.against], np.int64)
    arrays.update(tables.marks.to_arrays())
    arrays.update({f"texts{number}": part for number, part in enumerate(tables.texts.arrays)})
    return Stage(arrays, {"against": names, "sources": list(tables.source_names), "inputs": inputs})


def from_stage(stage: Stage) -> Tables:
    """The inverse of `stage_of`."""
    arrays, names = stage.arrays, stage.meta["against"]
    whole, bounds = arrays["ids"].tobytes(), arrays["id_offsets"].tolist()
    return Tables(
        ids=[whole[start:end].decode() for start, end in pairwise(bounds)],
        against=[names[number] for number in arrays["against"].tolist()],
        marks=Marks.from_arrays(arrays),
        texts=Stored(*(arrays[f"texts{number}"] for number in range(3))),
        source_names=stage.meta["sources"],
        **{name: arrays[name] for name in _PLAIN},
    )


def _named(against: References | None) -> Iterator[tuple[str, Iterable[Article]]]:
    if isinstance(against, Mapping):
        yield from against.items()
    elif against is not None:
        yield "against", against


_ARTICLE_COLUMNS = {"lengths": np.int64, "counts": np.int64, "mark_counts": np.int64}
_MARK_COLUMNS = {"mark_start": np.int64, "mark_end": np.int64}
_PASSAGE_COLUMNS = {
    "start": np.int64,
    "end": np.int64,
    "line": np.int64,
    "chars": np.int64,
    "size": np.int64,
    "bare": np.uint64,
    "masked": np.bool_,
    "shape": np.uint8,
}


class _Rows:
    """What reading gathers, in the order of reading."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.ids: list[str] = []
        self.against: list[str | None] = []
        self.keep_by: list[Any] = []
        self.sources: list[str | None] = []
        columns = {**_ARTICLE_COLUMNS, **_PASSAGE_COLUMNS, **_MARK_COLUMNS, "folded": np.uint32}
        self._columns = {name: work.column(dtype) for name, dtype in columns.items()}
        self._mark_head, self._heads = work.column(np.int32), Heads()
        self._texts, self._text_bytes = work.column(np.uint8), work.column(np.int64)
        self._whole: dict[str, NDArray[Any]] = {}

    def add(self, articles: Iterable[Article], against: str | None, settings: Settings, progress: Progress) -> None:
        """Reads articles to their end."""
        batches = self._batches(articles, against, settings)
        for found in self._work.in_processes(analysis, batches):
            for name, column in self._columns.items():
                column.append(getattr(found, name))
            self._mark_head.append(self._heads.numbers(found.mark_heads)[found.mark_head])
            progress("reading", len(self._columns["lengths"]), None)

    def _batches(self, articles: Iterable[Article], against: str | None, settings: Settings) -> Iterator[Batch]:
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
                yield self._batch(texts, settings)
                texts, filled = [], 0
        if texts:
            yield self._batch(texts, settings)

    def _batch(self, texts: Sequence[str], settings: Settings) -> Batch:
        ids = self.ids[-len(texts) :]
        if self.against[-1] is None:
            encoded = [_utf8(text, id) for text, id in zip(texts, ids, strict=True)]
            self._texts.append(np.frombuffer(b"".join(encoded), np.uint8))
            self._text_bytes.append(np.array([len(text) for text in encoded], np.int64))
        return Batch(texts, ids, settings)

    def column(self, name: str) -> NDArray[Any]:
        """One of the arrays, whole; nothing is added after that."""
        if name not in self._whole:
            self._whole[name] = self._columns[name].whole()
        return self._whole[name]

    def marks(self, order: I64) -> Marks:
        """The marks of the articles in this order."""
        offsets = offsets_of(self.column("mark_counts"))
        start, end = (self.column(name) for name in _MARK_COLUMNS)
        return Marks(offsets, start, end, self._mark_head.whole(), self._heads.all, order)

    def texts(self) -> tuple[NDArray[np.uint8], I64]:
        """The texts of the corpus's own articles in UTF-8, and their offsets."""
        return self._texts.whole(), offsets_of(self._text_bytes.whole())


class Stored:
    """Texts by the numbers of their articles."""

    def __init__(self, utf8: NDArray[np.uint8], offsets: I64, number: I64) -> None:
        self.arrays = utf8, offsets, number

    def __getitem__(self, article: int) -> str:
        utf8, offsets, numbers = self.arrays
        number = numbers[article]
        return utf8[offsets[number] : offsets[number + 1]].tobytes().decode()

    def of(self, articles: I64) -> tuple[NDArray[np.uint8], I64]:
        """The texts of these in UTF-8: a segment array, which is a part of what is stored where they lie in a row."""
        utf8, offsets, numbers = self.arrays
        chosen = numbers[articles]
        if not len(chosen) or (np.diff(chosen) != 1).any():
            return kernel.take_segments(utf8, offsets, chosen)
        own = offsets[chosen[0] : chosen[-1] + 2]
        return utf8[own[0] : own[-1]], own - own[0]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What some articles are made of, all in arrays: a row an article, a row a passage.

    Attributes:
        lengths, counts: int64 [articles], code points of the text, and passages.
        mark_counts: int64 [articles], how many marks each has.
        mark_start, mark_end, mark_head: int64, int64, int32 [marks]; a head is a place in *mark_heads*.
        start, end, line, size, bare, masked, shape, folded: see `Tables`; chars are those of each folded passage.
    """

    lengths: I64
    counts: I64
    mark_counts: I64
    mark_start: I64
    mark_end: I64
    mark_head: NDArray[np.int32]
    mark_heads: Sequence[Head]
    start: I64
    end: I64
    line: I64
    folded: U32
    chars: I64
    size: I64
    bare: U64
    masked: NDArray[np.bool_]
    shape: NDArray[np.uint8]


class Batch(NamedTuple):
    """Articles that are analysed together: their texts, the ids by which errors name them."""

    texts: Sequence[str]
    ids: Sequence[str]
    settings: Settings


def analysis(batch: Batch, masked: NDArray[np.bool_] | None = None) -> Analysis:
    """Splits articles into passages, folds those and looks at their lines.

    Args:
        batch: the articles.
        masked: bool [lines], of the lines that are not blank, what a look said of them where that is known; they are
            not looked at then, and have no shapes and marks.

    Raises:
        BadInput: a text holds a lone surrogate.
    """
    texts, ids, settings = batch
    lengths = np.array([len(text) for text in texts], np.int64)
    offsets = offsets_of(lengths)
    codes = _codepoints(texts, ids)
    starts, content_ends, ends, blank = line_spans(codes, offsets)
    shown = ~blank
    starts, content_ends, ends = starts[shown], content_ends[shown], ends[shown]
    of_line = np.searchsorted(offsets, starts, side="right") - 1
    if masked is None:
        seen = look_all(texts, codes, offsets, (starts, content_ends, ends), settings)
    else:
        seen = Looks(masked, np.zeros(len(masked), np.uint8), {})
    spans = np.stack((starts, ends), axis=1)
    line = np.arange(len(starts))
    if settings.passage == "sentence":
        spans = _sentences(codes, offsets, (starts, content_ends, ends), of_line)
        line = np.searchsorted(starts, spans[:, 0], side="right") - 1
    article = of_line[line]
    folded, folded_offsets = fold_passages(codes, spans)
    chars = np.diff(folded_offsets)
    first_line = np.searchsorted(of_line, np.arange(len(texts)))
    marks = Marks.of(seen.marks, len(texts))
    return Analysis(
        lengths=lengths,
        counts=np.bincount(article, minlength=len(texts)),
        start=spans[:, 0] - offsets[article],
        end=spans[:, 1] - offsets[article],
        line=line - first_line[article],
        folded=folded,
        chars=chars,
        size=sizes(folded, folded_offsets),
        bare=_bare(codes, spans, chars == 0),
        masked=seen.masked[line],
        shape=seen.shape[line],
        mark_counts=marks.counts(),
        mark_start=marks.start,
        mark_end=marks.end,
        mark_head=marks.head,
        mark_heads=marks.heads,
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


def _utf8(text: str, id: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        codepoints(text, f"article {id!r}")  # raises, by its name
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
        unmasked = np.where(rows.column("masked"), 0, rows.column("chars"))
        of_article = offsets_of(rows.column("counts"))
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


def _in_order(rows: _Rows, order: I64, references_end: int, work: Work) -> Tables:
    counts = rows.column("counts")
    passages = {name: rows.column(name) for name in _PASSAGE_COLUMNS}
    folded, offsets = rows.column("folded"), work.stored(offsets_of(passages.pop("chars")))
    if not np.array_equal(order, np.arange(len(order))):
        moved, _ = kernel.take_segments(np.arange(len(offsets) - 1), offsets_of(counts), order)
        column = work.column(np.uint32)
        for _, some, _ in Segments(folded, offsets).chunks(moved):
            column.append(some)
        folded, offsets = column.whole(), work.stored(offsets_of(np.diff(offsets)[moved]))
        passages = {name: work.stored(values[moved]) for name, values in passages.items()}
        counts = counts[order]
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    names = {name: number for number, name in enumerate(dict.fromkeys(filter(None, rows.sources)))}
    return Tables(
        ids=[rows.ids[article] for article in order.tolist()],
        against=[rows.against[article] for article in order.tolist()],
        lengths=rows.column("lengths")[order],
        fixed=np.arange(len(order)) < references_end,
        read=place[references_end:],
        article=work.stored(np.repeat(np.arange(len(order)), counts)),
        folded=folded,
        offsets=offsets,
        of_article=offsets_of(counts),
        source=np.array([names.get(rows.sources[article] or "", -1) for article in order.tolist()], np.int64),
        marks=rows.marks(order),
        texts=Stored(*rows.texts(), order - references_end),
        source_names=list(names),
        **passages,
    )


def joined(tables: Tables, first: I64) -> Segments:
    """The folded texts of runs of passages that begin at *first* (rising from 0), one a run."""
    return Segments(tables.folded, tables.offsets, None, np.append(first, len(tables.article)))


def in_paragraphs(tables: Tables, out: NDArray[np.bool_], work: Work) -> Tables:
    """The same with paragraphs for lines: runs of lines that no blank line and no line that is *out* parts."""
    if not len(tables.article):
        return tables
    apart = np.ones(len(tables.article), bool)
    apart[1:] = (tables.start[1:] != tables.end[:-1]) | (np.diff(tables.article) != 0) | out[1:] | out[:-1]
    first = np.flatnonzero(apart)
    last = np.append(first[1:], len(apart)) - 1
    column, chars, size = work.column(np.uint32), work.column(np.int64), work.column(np.int64)
    for _, folded, offsets in joined(tables, first).chunks():
        column.append(folded)
        chars.append(np.diff(offsets))
        size.append(sizes(folded, offsets))
    return replace(
        tables,
        article=tables.article[first],
        start=tables.start[first],
        end=tables.end[last],
        folded=column.whole(),
        offsets=offsets_of(chars.whole()),
        size=size.whole(),
        of_article=np.searchsorted(first, tables.of_article),
        line=tables.line[first],
        bare=np.add.reduceat(tables.bare, first),
        masked=tables.masked[first],
        shape=tables.shape[first],
    )
