"""The marks of many articles in arrays: what rules, debris and frequency name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from dedup.boilerplate import Mark
from dedup.kernel.reference import I64, offsets_of, positions
from dedup.model import Grain, Kind


class Head(NamedTuple):
    """What a mark is, but where it stands; few differ."""

    kind: Kind
    grain: Grain
    rule: str
    removed: bool
    evidence: Mapping[str, Any]


def head_of(mark: Mark) -> Head:
    """What a mark is."""
    return Head(mark.kind, mark.grain, mark.rule, mark.removed, mark.evidence)


class Heads:
    """Heads by number, each once."""

    def __init__(self) -> None:
        self.all: list[Head] = []
        self._numbers: dict[bytes, int] = {}

    def number(self, head: Head) -> int:
        """Its number, the next for one that is new."""
        key = orjson.dumps(tuple(head))
        if key not in self._numbers:
            self._numbers[key] = len(self.all)
            self.all.append(head)
        return self._numbers[key]

    def numbers(self, heads: Iterable[Head]) -> I64:
        """The number of each."""
        return np.array([self.number(head) for head in heads], np.int64)


class Marks(Mapping[int, Sequence[Mark]]):
    """The marks of articles, made into objects when they are asked for.

    Args:
        offsets: int64 [rows + 1], the marks of row r are offsets[r] ... offsets[r + 1] - 1.
        start, end: int64 [marks].
        head: int32 [marks], the number of what it is.
        heads: what marks are.
        row: int64 [articles], the row of each article; None: as many rows as articles, in their order.
    """

    def __init__(
        self,
        offsets: I64,
        start: I64,
        end: I64,
        head: NDArray[np.int32],
        heads: Sequence[Head],
        row: I64 | None = None,
    ) -> None:
        self.heads = heads
        self.start, self.end, self.head = start, end, head
        self._offsets = offsets
        self._row = row

    @classmethod
    def of(cls, marks: Mapping[int, Sequence[Mark]], articles: int) -> Marks:
        """The marks of so many articles."""
        heads, counts = Heads(), np.zeros(articles, np.int64)
        rows = sorted(marks)
        counts[rows] = [len(marks[article]) for article in rows]
        every = list(chain.from_iterable(marks[article] for article in rows))
        return cls(
            offsets_of(counts),
            np.array([mark.start for mark in every], np.int64),
            np.array([mark.end for mark in every], np.int64),
            heads.numbers(map(head_of, every)).astype(np.int32),
            heads.all,
        )

    def of_articles(self, articles: I64) -> tuple[I64, I64, I64, NDArray[np.int32]]:
        """The marks of these articles in their order: the place of its article among them, start, end, head of each."""
        rows = articles if self._row is None else self._row[articles]
        first, counts = self._offsets[rows], self._offsets[rows + 1] - self._offsets[rows]
        at = positions(first, counts)
        return np.repeat(np.arange(len(articles)), counts), self.start[at], self.end[at], self.head[at]

    def has(self) -> NDArray[np.bool_]:
        """The articles with anything: bool [articles]."""
        some = self._offsets[1:] > self._offsets[:-1]
        return some if self._row is None else some[self._row]

    def counts(self) -> I64:
        """How many each row has: int64 [rows]."""
        return np.diff(self._offsets)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """To be kept; `from_arrays` is the inverse."""
        return {
            "mark_offsets": self._offsets,
            "mark_start": self.start,
            "mark_end": self.end,
            "mark_head": self.head,
            "mark_heads": np.frombuffer(orjson.dumps(list(map(tuple, self.heads))), np.uint8),
            **({} if self._row is None else {"mark_row": self._row}),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Marks:
        """The inverse of `to_arrays`."""
        heads = [Head(*head) for head in orjson.loads(arrays["mark_heads"].tobytes())]
        offsets, start, end, head = (arrays[f"mark_{name}"] for name in ("offsets", "start", "end", "head"))
        return cls(offsets, start, end, head, heads, arrays.get("mark_row"))

    def __getitem__(self, article: int) -> Sequence[Mark]:
        if article not in self:
            raise KeyError(article)
        row = article if self._row is None else int(self._row[article])
        own = slice(*self._offsets[row : row + 2].tolist())
        return [
            Mark(start, end, *self.heads[head])
            for start, end, head in zip(
                self.start[own].tolist(), self.end[own].tolist(), self.head[own].tolist(), strict=True
            )
        ]

    def __contains__(self, article: object) -> bool:
        if not isinstance(article, int) or not 0 <= article < self._articles:
            return False
        row = article if self._row is None else int(self._row[article])
        return bool(self._offsets[row] < self._offsets[row + 1])

    def __iter__(self) -> Iterator[int]:
        return iter(np.flatnonzero(self.has()).tolist())

    def __len__(self) -> int:
        return int(self.has().sum())

    @property
    def _articles(self) -> int:
        return len(self._offsets) - 1 if self._row is None else len(self._row)
