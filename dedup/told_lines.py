"""Findings and families as lines of JSON, put together from columns: many at a time, without an object for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from dedup import kernel
from dedup.kernel import Column, Picked, Quoted
from dedup.kernel.reference import I64, U8, offsets_of
from dedup.marks import Head
from dedup.model import Grain
from dedup.tables import Tables


def rounded_similarities(values: NDArray[np.float64]) -> list[float]:
    """Each to four decimals as Python rounds; NumPy does it otherwise."""
    return [round(value, 4) for value in values.tolist()]


def _picked(pieces: Sequence[bytes], which: I64) -> Picked:
    """One of some pieces for each row."""
    offsets = offsets_of(np.array([*map(len, pieces)], np.int64))
    return Picked(np.frombuffer(b"".join(pieces), np.uint8), offsets, which)


def _similarities(values: NDArray[np.float64]) -> Picked:
    """Fractions to four decimals, and null where there is none (NaN)."""
    known = np.flatnonzero(~np.isnan(values))
    distinct, of = np.unique(values[known], return_inverse=True)
    which = np.full(len(values), len(distinct))
    which[known] = of
    return _picked([*map(orjson.dumps, rounded_similarities(distinct)), b"null"], which)


def _or_null(columns: Sequence[Column], at: I64, count: int) -> Picked:
    """The rows that columns make as pieces for those of *count* rows that are named, null for the others."""
    written, offsets = kernel.joined_rows(columns, len(at))
    flat = np.frombuffer(written + b"null", np.uint8)
    which = np.full(count, len(at))
    which[at] = np.arange(len(at))
    return Picked(flat, np.append(offsets, len(flat)), which)


class Places:
    """Places of articles, to be written into rows.

    Args:
        tables: of the articles.
        article, start, end: int64 [places].
    """

    def __init__(self, tables: Tables, article: I64, start: I64, end: I64) -> None:
        utf8, offsets = tables.ids_utf8(article)
        self._id = Quoted(utf8, offsets[:-1], offsets[1:])
        self._start, self._end = start, end
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
        before = _picked([orjson.dumps(name)[:-1] for name in names], 2 * self._reference + is_article)
        return [before, self._id, b":", self._start, b"-", self._end, b'"']

    def object(self, tail: bytes = b"") -> list[Column]:
        """Each as an object of JSON, with *tail* for its end."""
        against = [b"" if name is None else b',"against":' + orjson.dumps(name) for name in self._names]
        after = _picked([written + tail for written in against], self._reference)
        return [b'{"article":"', self._id, b'","start":', self._start, b',"end":', self._end, after]


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
    count = len(found.head)
    used, head = np.unique(found.head, return_inverse=True)
    heads = [found.heads[number] for number in used.tolist()]
    kind, removed, tail = (_picked(of, head) for of in zip(*map(_head, heads), strict=True))
    is_article = np.array([of.grain == "article" for of in heads])[head]
    at = np.flatnonzero(found.source >= 0)
    sources = Places(tables, found.source[at], found.source_start[at], found.source_end[at])
    named = at[found.named[at]]
    kept = Places(tables, found.source[named], found.source_start[named], found.source_end[named])
    columns = [
        *Places(tables, found.article, found.start, found.end).object(),
        kind,
        _similarities(found.similarity),
        b',"family":',
        _or_null(kept.family(is_article[named]), named, count),
        b',"source":',
        _or_null(sources.object(b"}"), at, count),
        removed,
        Quoted(found.utf8, found.from_byte, found.to_byte),
        tail,
    ]
    return kernel.joined_rows(columns, count)[0]


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
    members = Places(tables, *families.spans(tables, families.members))
    comma = np.ones(len(families.members), np.int64)
    comma[families.bounds[:-1]] = 0
    columns = [
        _picked([b"", b","], comma),
        *members.object(b',"similarity":'),
        _similarities(families.similarity),
        b"}",
    ]
    written, offsets = kernel.joined_rows(columns, len(comma))
    count = len(families.kept)
    kept = Places(tables, *families.spans(tables, families.kept))
    lines = [
        b'{"family":',
        *kept.family(np.full(count, families.grain == "article")),
        b',"grain":%b,"kept":' % orjson.dumps(families.grain),
        *kept.object(b'},"members":['),
        Picked(np.frombuffer(written, np.uint8), offsets[families.bounds], np.arange(count)),
        b"]}\n",
    ]
    return kernel.joined_rows(lines, count)[0]
