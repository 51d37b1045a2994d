"""Findings and families as lines of JSON, put together from columns: many at a time, without an object for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from dedup import kernel
from dedup.kernel.reference import I64, U8, offsets_of
from dedup.marks import Head
from dedup.model import Grain
from dedup.tables import Tables

Column = int | I64
"""The number of a piece, for all rows or for each."""


class Pieces:
    """Bytes that rows are put together from, by numbers."""

    def __init__(self) -> None:
        self._flat: list[U8] = []
        self._lengths: list[I64] = []
        self._count = 0
        self.nothing = self.literal(b"")

    def add(self, flat: U8, lengths: I64) -> I64:
        """The pieces that lie in *flat* in a row: their numbers, int64 as *lengths*."""
        self._flat.append(flat)
        self._lengths.append(lengths)
        self._count += len(lengths)
        return np.arange(self._count - len(lengths), self._count)

    def literal(self, piece: bytes) -> int:
        """One piece."""
        return int(self.literals([piece])[0])

    def literals(self, pieces: Sequence[bytes]) -> I64:
        """Some pieces."""
        return self.add(np.frombuffer(b"".join(pieces), np.uint8), np.array([*map(len, pieces)], np.int64))

    def numbers(self, values: I64) -> I64:
        """Numbers in decimal, int64 [values]."""
        return self._listed(orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY), len(values))

    def similarities(self, values: NDArray[np.float64]) -> I64:
        """Fractions to four decimals, and null where there is none (NaN): int64 [values]."""
        distinct, of = np.unique(values, return_inverse=True)
        rounded = rounded_similarities(distinct)
        return self._listed(orjson.dumps(rounded), len(rounded))[of]  # orjson writes NaN as null

    def _listed(self, written: bytes, count: int) -> I64:
        """The elements of a list of JSON without strings."""
        listed = np.frombuffer(written, np.uint8)[1:]
        ends = np.flatnonzero((listed == ord(",")) | (listed == ord("]")))
        bounds = np.stack((ends, ends + 1), axis=1).ravel()  # each, and what parts it from the next
        return self.add(listed, np.diff(bounds, prepend=0))[: 2 * count : 2]

    def strings(self, utf8: U8, starts: I64, ends: I64) -> I64:
        """Spans of UTF-8 as they stand in a string of JSON, without its quotes: int64 [spans]."""
        written, offsets = kernel.json_strings(utf8, starts, ends)
        quotes = np.ones(len(starts), np.int64)
        lengths = np.stack((quotes, np.diff(offsets) - 2, quotes), axis=1).ravel()
        return self.add(written, lengths)[1::3]

    def rows(self, columns: Sequence[Column], count: int) -> tuple[U8, I64]:
        """Rows of one piece of each column: a segment array, a row a segment."""
        index = np.empty((count, len(columns)), np.int64)
        for place, column in enumerate(columns):
            index[:, place] = column
        offsets = offsets_of(np.concatenate(self._lengths))
        taken, ends = kernel.take_segments(np.concatenate(self._flat), offsets, index.reshape(-1))
        return taken, ends[:: len(columns)]


def rounded_similarities(values: NDArray[np.float64]) -> list[float]:
    """Each to four decimals as Python rounds; NumPy does it otherwise."""
    return [round(value, 4) for value in values.tolist()]


class Places:
    """Places of articles, to be written into rows.

    Args:
        pieces: to which they are added.
        tables: of the articles.
        article, start, end: int64 [places].
    """

    def __init__(self, pieces: Pieces, tables: Tables, article: I64, start: I64, end: I64) -> None:
        self._pieces = pieces
        distinct, of = np.unique(article, return_inverse=True)
        utf8, offsets = tables.ids_utf8(distinct)
        self.id = pieces.strings(utf8, offsets[:-1], offsets[1:])[of]
        self.start, self.end = pieces.numbers(start), pieces.numbers(end)
        fixed = np.flatnonzero(tables.fixed[article])
        against = [tables.against[number] for number in article[fixed].tolist()]
        numbers: dict[str | None, int] = {None: 0}
        self._reference = np.zeros(len(article), np.int64)
        self._reference[fixed] = [numbers.setdefault(name, len(numbers)) for name in against]
        self._names = list(numbers)

    def family(self, is_article: NDArray[np.bool_]) -> list[Column]:
        """The name of the family of which each is the kept place, as `dedup.told` names it, in its quotes.

        Args:
            is_article: bool [places], the grain of the family.
        """
        origins = ["" if name is None else f"@{name}" for name in self._names]
        names = [f"{grain}{origin}:" for origin in origins for grain in ("passage", "article")]
        before = self._pieces.literals([orjson.dumps(name)[:-1] for name in names])
        colon, dash, quote = map(self._pieces.literal, (b":", b"-", b'"'))
        return [before[2 * self._reference + is_article], self.id, colon, self.start, dash, self.end, quote]

    def object(self, tail: bytes = b"") -> list[Column]:
        """Each as an object of JSON, with *tail* for its end."""
        against = [b"" if name is None else b',"against":' + orjson.dumps(name) for name in self._names]
        before, start, end = map(self._pieces.literal, (b'{"article":"', b'","start":', b',"end":'))
        after = self._pieces.literals([written + tail for written in against])
        return [before, self.id, start, self.start, end, self.end, after[self._reference]]


class FindingColumns(NamedTuple):
    """Findings as they are told. Arrays are [findings]; int64 if not said.

    Attributes:
        article, start, end: where each is.
        head: the number of what it is, among *heads*.
        similarity: float64, NaN where nothing is compared.
        source, source_start, source_end: the place that it repeats, -1 where none.
        named: bool, whether it is of the family of that place.
        from_byte, to_byte: its text in *utf8*.
        utf8: uint8.
        heads: what findings are.
    """

    article: I64
    start: I64
    end: I64
    head: I64
    similarity: NDArray[np.float64]
    source: I64
    source_start: I64
    source_end: I64
    named: NDArray[np.bool_]
    from_byte: I64
    to_byte: I64
    utf8: U8
    heads: Sequence[Head]


def finding_lines(tables: Tables, found: FindingColumns) -> bytes:
    """Lines of findings.jsonl."""
    pieces = Pieces()
    places = Places(pieces, tables, found.article, found.start, found.end)
    used, head = np.unique(found.head, return_inverse=True)
    heads = [found.heads[number] for number in used.tolist()]
    kind, removed, tail = (pieces.literals(of)[head] for of in zip(*map(_head, heads), strict=True))
    is_article = np.array([of.grain == "article" for of in heads])[head]
    at = np.flatnonzero(found.source >= 0)
    sources = Places(pieces, tables, found.source[at], found.source_start[at], found.source_end[at])
    null = pieces.literal(b"null")

    def where(columns: Sequence[Column], which: NDArray[np.bool_] | slice) -> list[Column]:
        """Columns of some of the sources in the rows of their findings; null in the others."""
        rows = at[which]
        spread: list[Column] = []
        for column in columns:
            whole = np.full(len(head), pieces.nothing if spread else null)
            whole[rows] = column if isinstance(column, int) else column[which]
            spread.append(whole)
        return spread

    columns = [
        *places.object(),
        kind,
        pieces.similarities(found.similarity),
        pieces.literal(b',"family":'),
        *where(sources.family(is_article[at]), found.named[at]),
        pieces.literal(b',"source":'),
        *where(sources.object(b"}"), slice(None)),
        removed,
        pieces.strings(found.utf8, found.from_byte, found.to_byte),
        tail,
    ]
    return pieces.rows(columns, len(head))[0].tobytes()


def _head(head: Head) -> tuple[bytes, bytes, bytes]:
    """What stands behind the place of a finding, behind its source, and behind its text."""
    kind = orjson.dumps({"kind": head.kind, "grain": head.grain, "rule": head.rule})
    evidence = b',"evidence":' + orjson.dumps(head.evidence) if head.evidence else b""
    removed = b"true" if head.removed else b"false"
    return b',%b,"similarity":' % kind[1:-1], b',"removed":%b,"text":"' % removed, b'"%b}\n' % evidence


class FamilyColumns(NamedTuple):
    """Families as they are told, of one grain.

    Attributes:
        grain: of all of them.
        kept: int64 [families], the articles or passages that are kept.
        bounds: int64 [families + 1], rising from 0: family f has the members bounds[f] ... bounds[f + 1] - 1.
        members: int64 [members].
        similarity: float64 [members], of each to the kept one.
    """

    grain: Grain
    kept: I64
    bounds: I64
    members: I64
    similarity: NDArray[np.float64]

    def spans(self, tables: Tables, places: I64) -> tuple[I64, I64, I64]:
        """Articles, starts and ends of places, of this grain."""
        if self.grain == "article":
            return places, np.zeros(len(places), np.int64), tables.lengths[places]
        return tables.article[places], tables.start[places], tables.end[places]


def family_lines(tables: Tables, families: FamilyColumns) -> bytes:
    """Lines of families.jsonl."""
    inner = Pieces()
    members = Places(inner, tables, *families.spans(tables, families.members))
    comma = np.full(len(families.members), inner.literal(b","))
    comma[families.bounds[:-1]] = inner.nothing
    columns = [comma, *members.object(b',"similarity":'), inner.similarities(families.similarity), inner.literal(b"}")]
    written, offsets = inner.rows(columns, len(comma))
    pieces = Pieces()
    count = len(families.kept)
    kept = Places(pieces, tables, *families.spans(tables, families.kept))
    lines = [
        pieces.literal(b'{"family":'),
        *kept.family(np.full(count, families.grain == "article")),
        pieces.literal(b',"grain":%b,"kept":' % orjson.dumps(families.grain)),
        *kept.object(b'},"members":['),
        pieces.add(written, np.diff(offsets[families.bounds])),
        pieces.literal(b"]}\n"),
    ]
    return pieces.rows(lines, count)[0].tobytes()
