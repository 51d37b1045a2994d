"""Folded texts that lie somewhere, often in a file, and are taken when they are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dedup import kernel
from dedup.fold_table import load
from dedup.kernel.reference import I32, I64, U16, U32
from dedup.work import Work

_CHUNK = 1 << 20  # code points taken at a time, unless one text is longer
_AT_ONCE = 1 << 17  # texts whose bounds are held at most
_JOINED = 1 << 12  # joined texts whose bounds are reckoned at a time: those of their segments stay in the cache


@dataclass(frozen=True)
class Segments:
    """Texts, each one segment of an array or several of them joined; only `take` copies any.

    Attributes:
        flat, offsets: segment array: uint32 code points, or uint16 as `kernel.to_utf16` makes them, which is what is
            stored.
        chosen: int64 [chosen], or int32 to take less room, the segments that the texts are made of; None: all.
        groups: int64 [texts + 1], text t is chosen[groups[t]] ... chosen[groups[t + 1] - 1] joined; None: one each.
    """

    flat: U16 | U32
    offsets: I64
    chosen: I32 | I64 | None = None
    groups: I64 | None = None

    def __len__(self) -> int:
        if self.groups is not None:
            return len(self.groups) - 1
        return len(self.offsets) - 1 if self.chosen is None else len(self.chosen)

    @property
    def lengths(self) -> I64:
        """Elements of *flat* that each text has: int64 [texts]; without the blanks where segments are joined.

        They are code points only where *flat* holds these.
        """
        return np.diff(self.bounds)

    @property
    def bounds(self) -> I64:
        """What lengths add up to before each text, and behind the last: int64 [texts + 1], rising from anything."""
        if self.groups is not None:
            return self._of_joined
        chosen = self.chosen
        return self.offsets if chosen is None else kernel.taken_offsets(self.flat, self.offsets, wide(chosen))

    @cached_property
    def _of_joined(self) -> I64:
        """The bounds of texts that are joined: asked for again and again, and few beside those of the segments."""
        assert self.groups is not None
        if self.chosen is None:
            return self.offsets[self.groups]
        bounds = np.zeros(len(self.groups), np.int64)
        for first in range(0, len(self), _JOINED):
            groups = self.groups[first : first + _JOINED + 1]
            own = kernel.taken_offsets(self.flat, self.offsets, wide(self.chosen[groups[0] : groups[-1]]))
            bounds[first : first + len(groups)] = bounds[first] + own[groups - groups[0]]
        return bounds

    def of(self, texts: I32 | I64) -> Segments:
        """These texts, in this order, to be taken later."""
        if self.groups is None:
            return Segments(self.flat, self.offsets, texts if self.chosen is None else self.chosen[texts])
        every = np.arange(len(self.offsets) - 1) if self.chosen is None else self.chosen
        return Segments(self.flat, self.offsets, *kernel.take_segments(every, self.groups, wide(texts)))

    def part(self, first: int, last: int) -> Segments:
        """The texts *first* to *last*, exclusive: of these alone something is copied, if at all."""
        if self.groups is None:
            chosen = np.arange(first, last) if self.chosen is None else self.chosen[first:last]
            return Segments(self.flat, self.offsets, chosen)
        begin, end = int(self.groups[first]), int(self.groups[last])
        chosen = np.arange(begin, end) if self.chosen is None else self.chosen[begin:end]
        return Segments(self.flat, self.offsets, chosen, self.groups[first : last + 1] - begin)

    def stored(self, work: Work) -> Segments:
        """The same, whose numbers are in memory only while there is room for them."""
        parts = (None if part is None else work.stored(part) for part in (self.chosen, self.groups))
        return Segments(self.flat, self.offsets, *parts)

    def take(self, texts: I64) -> tuple[U32, I64]:
        """These texts, in this order, as a segment array of code points."""
        these = self.of(texts)
        assert these.chosen is not None
        if these.groups is None:
            return kernel.take_codes(these.flat, these.offsets, wide(these.chosen))
        flat, offsets, _ = kernel.join_segments(these.flat, these.offsets, wide(these.chosen), these.groups, load())
        return flat, offsets

    def whole(self) -> tuple[U32, I64]:
        """All texts as a segment array of code points, which is what they lie in where that is one already."""
        if self.chosen is None and self.groups is None and self.flat.dtype == np.uint32:
            return self.flat.astype(np.uint32, copy=False), self.offsets
        return self.take(np.arange(len(self)))

    def chunks(self, texts: I64 | None = None) -> Iterator[tuple[I64, U32, I64]]:
        """(texts, segment array) of about a million code points at a time, all texts or these in their order."""
        for some in self.runs(texts):
            yield (some, *self.take(some))

    def runs(self, texts: I64 | None = None) -> Iterator[I64]:
        """The texts alone, as many at a time."""
        at = self if texts is None else self.of(texts)
        for begin in range(0, len(at), _AT_ONCE):
            end = min(begin + _AT_ONCE, len(at))
            bounds = at.part(begin, end).bounds if at.groups is None else at.bounds[begin : end + 1]
            first = 0
            while first < len(bounds) - 1:
                last = max(int(np.searchsorted(bounds, bounds[first] + _CHUNK, side="right")) - 1, first + 1)
                some = slice(begin + first, begin + last)
                yield np.arange(some.start, some.stop) if texts is None else texts[some]
                first = last


def wide(numbers: I32 | I64) -> I64:
    """As the kernel takes them."""
    return numbers.astype(np.int64, copy=False)
