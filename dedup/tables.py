"""All articles of a run as tables of numbers, in keep order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.errors import BadInput, BadSettings
from dedup.fold_table import load
from dedup.kept import Stage
from dedup.kernel.fold_reference import INVISIBLE, SPACE
from dedup.kernel.line_reference import Outlines
from dedup.kernel.reference import I64, U16, U32, U64, offsets_of, positions
from dedup.looking import Looks, look_all, outlines
from dedup.marks import Head, Heads, Marks
from dedup.model import Article, Place
from dedup.parts import Given, Part, Partible, Records, Room, Settled, memory
from dedup.segments import Segments
from dedup.settings import Settings
from dedup.sketch import sizes, sizes_of
from dedup.strings import OwnTexts, Strings, Where
from dedup.text import Texts, codepoints, fold_passages_to_utf16, sentences
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
        folded, offsets: segment array, one segment a passage: uint16 as `kernel.to_utf16` makes them, or uint32 code
            points.
        chars: int64 [passages], folded characters.
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

    ids: Sequence[str]
    against: Sequence[str | None]
    lengths: I64
    fixed: NDArray[np.bool_]
    read: I64
    article: I64
    start: I64
    end: I64
    folded: U16 | U32
    offsets: I64
    chars: I64
    size: I64
    of_article: I64
    line: I64
    bare: U64
    masked: NDArray[np.bool_]
    shape: NDArray[np.uint8]
    source: I64
    marks: Marks
    texts: Strings
    source_names: Sequence[str] = ()

    @property
    def at(self) -> Segments:
        """The folded text of each passage."""
        return Segments(self.folded, self.offsets)

    def ids_of(self, articles: I64) -> list[str]:
        """The ids of these articles."""
        if isinstance(self.ids, Strings):
            return self.ids.strings(articles)
        return [self.ids[article] for article in articles.tolist()]

    def ids_utf8(self, articles: I64) -> tuple[NDArray[np.uint8], I64]:
        """The same in UTF-8: a segment array."""
        if isinstance(self.ids, Strings):
            return self.ids.of(articles)
        flat = _flat("ids", self.ids_of(articles))
        return flat["ids"], offsets_of(flat["ids_bytes"])

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
    rows = _Rows(work, settings)
    for name, references in _named(against):
        rows.add(references, name, progress)
    references_end = len(rows)
    rows.add(articles, None, progress)
    if settings.source_field is not None and len(rows) and not rows.any_source:
        raise BadSettings(f"source_field is {settings.source_field!r}, but no article has that field")
    own = _keep_order(rows, references_end, settings) + references_end
    order = np.concatenate((np.arange(references_end), own))
    return _in_order(rows, order, references_end, articles, work)


_PLAIN = (
    *("lengths", "fixed", "read", "source", "of_article"),
    *("article", "start", "end", "folded", "offsets", "chars", "size", "line", "bare", "masked", "shape"),
)


def stage_of(tables: Tables, inputs: Any) -> Stage:
    """Tables as arrays, to be kept, with what is said of the inputs."""
    assert isinstance(tables.ids, Strings)
    assert isinstance(tables.against, Origins)
    arrays = {name: getattr(tables, name) for name in _PLAIN}
    arrays["against"] = tables.against.ends
    arrays.update(tables.marks.to_arrays())
    for name, strings in (("ids", tables.ids), ("texts", tables.texts)):
        arrays.update({f"{name}{number}": part for number, part in enumerate(strings.arrays)})
    if isinstance(tables.texts, OwnTexts):
        arrays.update({f"text_{name}": column for name, column in tables.texts.where._asdict().items()})
    meta = {"against": tables.against.names, "sources": list(tables.source_names), "inputs": inputs}
    return Stage(arrays, meta)


def from_stage(stage: Stage, articles: Iterable[Article] | Partible) -> Tables:
    """The inverse of `stage_of`, of the same articles."""
    arrays = stage.arrays

    def three(name: str) -> Any:
        return (arrays[f"{name}{number}"] for number in range(3))

    return Tables(
        ids=Strings(*three("ids")),
        against=Origins(stage.meta["against"], arrays["against"], len(arrays["lengths"])),
        marks=Marks.from_arrays(arrays),
        texts=_texts(Strings(*three("texts")), arrays, arrays["lengths"], articles),
        source_names=stage.meta["sources"],
        **{name: arrays[name] for name in _PLAIN},
    )


def _texts(
    copies: Strings, columns: Mapping[str, NDArray[Any]], lengths: I64, articles: Iterable[Article] | Partible
) -> Strings:
    """The texts of articles, as copies or where they stand."""
    if "text_file" not in columns or not (columns["text_file"] >= 0).any():
        return copies
    assert isinstance(articles, Partible)  # nothing else says where its texts stand
    where = Where(*(columns[f"text_{name}"] for name in Where._fields))
    return OwnTexts(copies, where, lengths, articles)


def _named(against: References | None) -> Iterator[tuple[str, Iterable[Article]]]:
    if isinstance(against, Mapping):
        yield from against.items()
    elif against is not None:
        yield "against", against


_ARTICLE_COLUMNS = {
    **dict.fromkeys(("lengths", "counts", "mark_counts", "ids_bytes", "texts_bytes", "keep_bytes", "source"), np.int64),
    **{"keep_kind": np.uint8, "text_file": np.int32, "text_start": np.int64, "text_end": np.int64},
}
_MARK_COLUMNS = {"mark_start": np.int64, "mark_end": np.int64, "mark_head": np.int32}
_PASSAGE_COLUMNS = {
    "start": np.int64,
    "end": np.int64,
    "line": np.int64,
    "units": np.int64,
    "chars": np.int64,
    "size": np.int64,
    "bare": np.uint64,
    "masked": np.bool_,
    "shape": np.uint8,
}
_FLAT = {"folded": np.uint16, **dict.fromkeys(("ids", "texts", "keep"), np.uint8)}
_LENGTHS = {"folded": "units", "texts": "texts_bytes", "keep": "keep_bytes"}


class _Made(NamedTuple):
    """A part of a corpus in arrays.

    Attributes:
        arrays: by the names of columns; "source" is 0 where an article lacks the field, else counts *sources* from 1.
        sources: what the field says.
        heads: what "mark_head" counts.
        records: the records that the articles were, without their texts and fields.
    """

    arrays: Mapping[str, NDArray[Any]]
    sources: Sequence[str]
    heads: Sequence[Head]
    records: Records

    def only(self, rows: I64) -> _Made:
        """The same with some of the articles."""
        taken = np.zeros(len(self.arrays["counts"]), bool)
        taken[rows] = True
        of_passage = np.repeat(taken, self.arrays["counts"])
        of_mark = np.repeat(taken, self.arrays["mark_counts"])
        arrays = {}
        for name, array in self.arrays.items():
            chosen = of_passage if name in _PASSAGE_COLUMNS else of_mark if name in _MARK_COLUMNS else taken
            if name in _FLAT:
                chosen = np.repeat(of_passage if name == "folded" else taken, self.arrays[_LENGTHS[name]])
            arrays[name] = array[chosen]
        return self._replace(arrays=arrays)


def _made(settings: Settings, own: bool, part: Part) -> _Made:
    """Makes arrays of a part of a corpus: all of it in one process, whichever that is."""
    _keep_memory()
    records = part.records()
    found = analysis(Batch(records.texts, records.ids, settings))
    arrays = {name: array for name, array in found._asdict().items() if name != "mark_heads"}
    if own:
        arrays.update(_own_texts(records))
    if settings.keep_field is not None:
        arrays.update(_kept_by([of.get(settings.keep_field) for of in records.fields]))
    arrays["source"], sources = np.zeros(len(records.texts), np.int64), list[str]()
    if settings.source_field is not None:
        arrays["source"], sources = _sources([of.get(settings.source_field) for of in records.fields])
    return _Made(arrays, sources, found.mark_heads, records._replace(texts=(), fields=(), where=None))


def _own_texts(records: Records) -> dict[str, NDArray[Any]]:
    """Where the texts of records stand, and copies of those that stand nowhere."""
    nothing = np.zeros(len(records.texts), np.int64)
    if records.where is None:
        return {"text_file": nothing - 1, "text_start": nothing, "text_end": nothing, **_flat("texts", records.texts)}
    (file, _), (start, end) = records.files[0], records.where
    where = {"text_file": nothing + file, "text_start": start, "text_end": end}
    return {**where, "texts": np.zeros(0, np.uint8), "texts_bytes": nothing}


def _sources(values: Sequence[Any]) -> tuple[I64, list[str]]:
    """What a field says: the number of each, from 1, 0 for nothing; and what is numbered."""
    numbers: dict[str | None, int] = {None: 0}
    names = [None if value is None else str(value) for value in values]
    numbered = np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)
    return numbered, [name for name in numbers if name is not None]


@lru_cache(maxsize=1)
def _keep_memory() -> None:
    """Lets the C library keep what arrays of a part give back, once a process.

    glibc maps a block that is larger than any that it was given back, and gives back itself what is twice as much, so
    that the arrays of each part would be mapped and cleared anew. Nothing is written here: it takes no memory.
    """
    np.empty((1 << 25) - (1 << 16), np.uint8)  # 32 MB is the most it heeds


def _flat(name: str, strings: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Strings in UTF-8 in a row, and the length of each."""
    if isinstance(strings, Texts):
        utf8, bounds = strings.utf8()
        return {name: utf8, f"{name}_bytes": np.diff(bounds)}
    if all(map(str.isascii, strings)):  # as ids mostly are
        lengths = np.array(list(map(len, strings)), np.int64)
        return {name: np.frombuffer("".join(strings).encode(), np.uint8), f"{name}_bytes": lengths}
    encoded = [string.encode(errors="surrogatepass") for string in strings]
    lengths = np.array(list(map(len, encoded)), np.int64)
    return {name: np.frombuffer(b"".join(encoded), np.uint8), f"{name}_bytes": lengths}


_MISSING, _BOOL, _INT, _FLOAT, _OTHER = range(5)
_KINDS: dict[int, type] = {_MISSING: type(None), _BOOL: bool, _INT: int, _FLOAT: float, _OTHER: object}


def _kept_by(values: Sequence[Any]) -> dict[str, NDArray[Any]]:
    """The values of a field as strings, and what each is."""
    kinds = [next(kind for kind, types in _KINDS.items() if isinstance(value, types)) for value in values]
    return {"keep_kind": np.array(kinds, np.uint8), **_flat("keep", list(map(_as_text, values)))}


def _as_text(value: Any) -> str:
    """A value as a string; a number of a type of its own as the number that it is, a whole one in hexadecimal: Python
    writes no more than 4300 decimal digits.
    """
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return hex(value)
    return str(float(value) if isinstance(value, float) else value)


class _Rows:
    """What reading gathers, in the order of reading."""

    def __init__(self, work: Work, settings: Settings) -> None:
        self._work = work
        self._settings = settings
        self.origins: dict[str, int] = {}  # the name of each reference input -> where its articles end
        self.sources: dict[str, int] = {}
        self.any_source = False
        self._heads = Heads()
        columns = {**_ARTICLE_COLUMNS, **_PASSAGE_COLUMNS, **_MARK_COLUMNS, **_FLAT}
        self._columns = {name: work.column(dtype) for name, dtype in columns.items()}
        self._whole: dict[str, NDArray[Any]] = {}

    def __len__(self) -> int:
        return len(self._columns["lengths"])

    def add(self, articles: Iterable[Article] | Partible, against: str | None, progress: Progress) -> None:
        """Reads articles to their end."""
        settings = self._settings
        fields = [name for name in (settings.keep_field, settings.source_field) if name is not None]
        reading = articles.begin(fields) if isinstance(articles, Partible) else _Given(articles, fields, against)
        made = partial(_made, settings, against is None)
        before = self._work.held
        for part in self._work.in_processes(made, reading.parts(self._work.room)):
            ids, taken, error = reading.settle(part.records)
            if error is not None:
                raise error
            self._append(part if taken is None else part.only(np.array(taken, np.int64)), ids)
            self._work.foresee(before, reading.share())
            progress("reading", len(self), None)
        reading.finish()
        if against is not None:
            self.origins[against] = len(self)

    def _append(self, part: _Made, ids: Sequence[str]) -> None:
        arrays = {**part.arrays, **_flat("ids", ids)}
        of_part = arrays["source"]
        numbers = np.full(len(part.sources) + 1, -1)
        said = of_part[np.sort(np.unique(of_part, return_index=True)[1])].tolist() if part.sources else []
        for number in said:
            self.any_source |= number > 0
            if number and (name := part.sources[number - 1]):
                numbers[number] = self.sources.setdefault(name, len(self.sources))
        arrays["source"] = numbers[of_part]
        arrays["mark_head"] = self._heads.numbers(part.heads)[arrays["mark_head"]]
        for name, array in arrays.items():
            self._columns[name].append(array)

    def column(self, name: str) -> NDArray[Any]:
        """One of the arrays, whole; nothing is added after that."""
        if name not in self._whole:
            self._whole[name] = self._columns[name].whole()
        return self._whole[name]

    def marks(self, order: I64) -> Marks:
        """The marks of the articles in this order."""
        offsets = offsets_of(self.column("mark_counts"))
        start, end, head = (self.column(name) for name in _MARK_COLUMNS)
        return Marks(offsets, start, end, head, self._heads.all, order)

    def strings(self, name: str) -> tuple[NDArray[np.uint8], I64]:
        """Strings in UTF-8, and their offsets."""
        return self.column(name), offsets_of(self.column(f"{name}_bytes"))


class _Given:
    """Articles in batches, read as parts of a corpus."""

    def __init__(self, articles: Iterable[Article], fields: Sequence[str], against: str | None) -> None:
        self._articles = articles
        self._fields = fields
        self._where = "" if against is None else f"reference {against!r}: "
        self._ids: list[str] = []

    def parts(self, room: Room = memory) -> Iterator[Part]:
        """Batches."""
        batch: list[Article] = []
        filled = 0
        try:
            for article in self._articles:
                _check(article)
                batch.append(article)
                filled += len(article.text)
                if filled >= _BATCH:
                    yield self._part(batch)
                    batch, filled = [], 0
        except Exception:
            if batch:  # what is wrong with these comes first
                yield self._part(batch)
            raise
        if batch:
            yield self._part(batch)

    def _part(self, batch: Sequence[Article]) -> Part:
        count = len(batch)
        names = self._fields
        fields = [{name: _plain(one.fields.get(name)) for name in names} for one in batch] if names else ()
        ids, texts = [one.id for one in batch], [one.text for one in batch]
        return Given(Records([(0, count)], range(count), ids, texts, fields))

    def share(self) -> float:
        """Nobody knows."""
        return 0

    def settle(self, records: Records) -> Settled:
        """The ids as they are."""
        self._ids += records.ids
        return Settled(records.ids)

    def finish(self) -> None:
        """Raises BadInput if an id stands twice."""
        _check_ids(self._ids, self._where)


def _plain(value: Any) -> Any:
    """The value of a field as it is sorted and named, for a worker: not every object can be sent to one."""
    return value if value is None or isinstance(value, int | float) else str(value)


class Origins(Sequence[str | None]):
    """The reference input of each article, None for the corpus's own, which come last.

    Args:
        names: of the reference inputs.
        ends: int64 [names], rising: where the articles of each end.
        count: how many articles there are.
    """

    def __init__(self, names: Sequence[str], ends: I64, count: int) -> None:
        self.names, self.ends = names, ends
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, article: int) -> str | None: ...
    @overload
    def __getitem__(self, article: slice) -> Sequence[str | None]: ...
    def __getitem__(self, article: int | slice) -> str | Sequence[str | None] | None:
        if isinstance(article, slice):
            return [self[one] for one in range(*article.indices(self._count))]
        if not 0 <= article < self._count:
            raise IndexError(article)
        reference = int(np.searchsorted(self.ends, article, side="right"))
        return self.names[reference] if reference < len(self.names) else None


class Analysis(NamedTuple):
    """What some articles are made of, all in arrays: a row an article, a row a passage.

    Attributes:
        lengths, counts: int64 [articles], code points of the text, and passages.
        mark_counts: int64 [articles], how many marks each has.
        mark_start, mark_end, mark_head: int64, int64, int32 [marks]; a head is a place in *mark_heads*.
        start, end, line, chars, size, bare, masked, shape: see `Tables`.
        folded: uint16, the folded passages in a row, as `kernel.to_utf16` makes them.
        units: int64 [passages], how many of these each has.
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
    folded: U16
    units: I64
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
    codes, offsets = _codepoints(texts, ids)
    lines = outlines(codes, offsets)
    starts, ends = lines.starts, lines.ends
    if masked is None:
        seen = look_all(texts, codes, offsets, lines, settings)
    else:
        seen = Looks(masked, np.zeros(len(masked), np.uint8), Marks.of({}, len(texts)))
    counts = np.diff(lines.first)
    line, masked, shape = np.arange(len(starts)), seen.masked, seen.shape
    if settings.passage == "sentence":
        starts, ends = _sentences(codes, offsets, lines).T
        counts = np.diff(np.searchsorted(starts, offsets))
        line = np.searchsorted(lines.starts, starts, side="right") - 1
        masked, shape = masked[line], shape[line]
    begin = np.repeat(offsets[:-1], counts)
    folded = fold_passages_to_utf16(codes, starts, ends)
    return Analysis(
        lengths=np.diff(offsets),
        counts=counts,
        start=starts - begin,
        end=ends - begin,
        line=line - np.repeat(lines.first[:-1], counts),
        folded=folded.units,
        units=np.diff(folded.offsets),
        chars=folded.chars,
        size=sizes_of(folded.widths),
        bare=_bare(codes, starts, ends, folded.chars == 0),
        masked=masked,
        shape=shape,
        mark_counts=seen.marks.counts(),
        mark_start=seen.marks.start,
        mark_end=seen.marks.end,
        mark_head=seen.marks.head,
        mark_heads=seen.marks.heads,
    )


def _sentences(codes: U32, offsets: I64, lines: Outlines) -> I64:
    """The sentences of all articles: what ends one looks ahead, and must not see the next article."""
    spans = [np.zeros((0, 2), np.int64)]
    edges = lines.starts, lines.content_ends, lines.ends
    for article, start in enumerate(offsets[:-1].tolist()):
        own = slice(*lines.first[article : article + 2].tolist())
        spans.append(start + sentences(codes[start : offsets[article + 1]], *(edge[own] - start for edge in edges)))
    return np.concatenate(spans)


def _bare(codes: U32, starts: I64, ends: I64, empty: NDArray[np.bool_]) -> U64:
    """A digest of the signs of each passage that folds to nothing: uint64 [passages], 0 for the others."""
    bare = np.zeros(len(empty), np.uint64)
    if not empty.any():
        return bare
    starts, ends = starts[empty], ends[empty]
    signs = codes[positions(starts, ends - starts)]
    shown = (load().flags[signs] & (SPACE | INVISIBLE)) == 0
    offsets = offsets_of(shown)[offsets_of(ends - starts)]
    bare[empty] = kernel.digests(signs[shown], offsets)[:, 0]
    return bare


def _codepoints(texts: Sequence[str], ids: Sequence[str]) -> tuple[U32, I64]:
    """The code points of all texts in a row, and their offsets."""
    if isinstance(texts, Texts):
        return texts.codes, texts.offsets
    try:
        return codepoints("".join(texts)), offsets_of(np.array(list(map(len, texts)), np.int64))
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
    count = len(rows) - references_end
    order = np.arange(count)
    if settings.keep == "last":
        return order[::-1]
    if settings.keep == "longest":
        unmasked = np.where(rows.column("masked"), 0, rows.column("chars"))
        of_article = offsets_of(rows.column("counts"))
        lengths = np.diff(offsets_of(unmasked)[of_article])[references_end:]
        return np.argsort(-lengths, kind="stable")
    if settings.keep_field is not None:
        return _by_field(rows, references_end, settings)
    return order


def _by_field(rows: _Rows, references_end: int, settings: Settings) -> I64:
    """Articles by a field: numbers by size, everything else by its text; those without it come last."""
    kinds = rows.column("keep_kind")[references_end:]
    given = np.flatnonzero(kinds != _MISSING)
    if len(kinds) and not len(given):
        raise BadSettings(f"keep is {settings.keep!r}, but no article has that field")
    texts = Strings(*rows.strings("keep"), given + references_end)
    values: list[Any] = [_value(text, kind) for text, kind in zip(texts, kinds[given].tolist(), strict=True)]
    if (kinds == _OTHER).any():
        values = list(map(str, values))
    order = sorted(range(len(given)), key=values.__getitem__, reverse=settings.keep.endswith(":desc"))
    return np.concatenate((given[order], np.flatnonzero(kinds == _MISSING)))


def _value(text: str, kind: int) -> bool | int | float | str:
    """What `_as_text` made a string of, or of what is no number the string."""
    if kind == _BOOL:
        return text == "True"
    if kind == _INT:
        return int(text, 16)
    return float(text) if kind == _FLOAT else text


def _in_order(
    rows: _Rows, order: I64, references_end: int, articles: Iterable[Article] | Partible, work: Work
) -> Tables:
    counts = rows.column("counts")
    passages = {name: rows.column(name) for name in _PASSAGE_COLUMNS}
    folded, offsets = rows.column("folded"), work.stored(offsets_of(passages.pop("units")))
    if not np.array_equal(order, np.arange(len(order))):
        moved, _ = kernel.take_segments(np.arange(len(offsets) - 1), offsets_of(counts), order)
        column = work.column(np.uint16)
        for some in Segments(folded, offsets).runs(moved):
            column.append(kernel.take_segments(folded, offsets, some)[0])
        folded, offsets = column.whole(), work.stored(offsets_of(np.diff(offsets)[moved]))
        passages = {name: work.stored(values[moved]) for name, values in passages.items()}
        counts = counts[order]
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    lengths = rows.column("lengths")[order]
    where = {name: rows.column(name) for name in ("text_file", "text_start", "text_end")}
    return Tables(
        ids=Strings(*rows.strings("ids"), order),
        against=Origins(list(rows.origins), np.array(list(rows.origins.values()), np.int64), len(order)),
        lengths=lengths,
        fixed=np.arange(len(order)) < references_end,
        read=place[references_end:],
        article=work.stored(np.repeat(np.arange(len(order)), counts)),
        folded=folded,
        offsets=offsets,
        of_article=offsets_of(counts),
        source=rows.column("source")[order],
        marks=rows.marks(order),
        texts=_texts(Strings(*rows.strings("texts"), order - references_end), where, lengths, articles),
        source_names=list(rows.sources),
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
    column = work.column(np.uint16)
    units, chars, size = (work.column(np.int64) for _ in range(3))
    for _, folded, offsets in joined(tables, first).chunks():
        encoded, unit_offsets = kernel.to_utf16(folded, offsets)
        column.append(encoded)
        units.append(np.diff(unit_offsets))
        chars.append(np.diff(offsets))
        size.append(sizes(folded, offsets))
    return replace(
        tables,
        article=tables.article[first],
        start=tables.start[first],
        end=tables.end[last],
        folded=column.whole(),
        offsets=offsets_of(units.whole()),
        chars=chars.whole(),
        size=size.whole(),
        of_article=np.searchsorted(first, tables.of_article),
        line=tables.line[first],
        bare=np.add.reduceat(tables.bare, first),
        masked=tables.masked[first],
        shape=tables.shape[first],
    )
