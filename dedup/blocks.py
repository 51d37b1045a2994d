"""Runs of passages that stand in the same order at an earlier place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.kernel.reference import I32, I64


@dataclass(frozen=True, slots=True)
class Block:
    """Passages *first* to *last* (inclusive) repeat the run that begins at passage *source*."""

    first: int
    last: int
    source: int

    @property
    def source_last(self) -> int:
        """The last passage of the run that is repeated."""
        return self.source + self.last - self.first


@dataclass(frozen=True, slots=True)
class Passages:
    """All passages in keep order. Arrays are [passages]; the numbers may be int32 to take less room.

    Attributes:
        article: int, the article of each passage, not decreasing.
        text: int, the folded text of each passage.
        token: int, the text that the passage's family keeps, else its own text.
        removed: bool, cut as a duplicate of another passage.
        across: bool, long enough to be matched across articles.
        source: bool, may be the source of a block.
        opens: bool, begins a line; a block that begins inside a line ends in it, or two kept lines would meet.
        firm: bool, something cites this place as kept: if a block takes it, then for text that is itself kept.
        within_only, across_only: where the source must lie, by the scope.
    """

    article: I32 | I64
    text: I32 | I64
    token: I32 | I64
    removed: NDArray[np.bool_]
    across: NDArray[np.bool_]
    source: NDArray[np.bool_]
    opens: NDArray[np.bool_]
    firm: NDArray[np.bool_]
    within_only: bool
    across_only: bool


def find_blocks(
    passages: Passages,
    alike: Callable[[int, int], object],
    begin: int = 0,
    depth: NDArray[np.int8] | None = None,
) -> list[Block]:
    """The longest run at each place where one can begin, from the top; ties go to the earliest source.

    A run begins and ends on a passage that is cut and long enough to be cut alone, holds two passages or more, no
    passage right after its own like, and does not overlap its source. Its passages equal their counterparts, or are
    long enough to be cut alone and `alike`. Following the source of a cut ends at kept text in two steps: no passage
    of a run has a counterpart that is itself two steps away, and none that is cited one that is cut.

    Args:
        passages: the passages of all articles that are not cut whole, reference articles included.
        alike: (text, text) -> whether the two verify directly and without number conflict.
        begin: the first passage whose blocks are sought.
        depth: int8 [passages], the steps from each passage to kept text, known for those before *begin*; made right for
            the others.
    """
    following = _bigrams(passages)
    repeated = np.flatnonzero(following >= 0)
    by_bigram = repeated[np.argsort(following[repeated], kind="stable")]
    bounds = np.searchsorted(following[by_bigram], np.arange(int(following.max(initial=-1)) + 2))
    depth = passages.removed.astype(np.int8) if depth is None else depth
    depth[begin:] = passages.removed[begin:]
    search = _Search(passages, alike, depth)
    starts = np.flatnonzero(passages.removed & (following >= 0))
    longest = _longest_possible(passages, following, starts)
    starts, longest = starts[longest > 1], longest[longest > 1]
    blocks: list[Block] = []
    reached = begin
    for start, possible in zip(starts.tolist(), longest.tolist(), strict=True):
        if start < reached:
            continue
        places = by_bigram[bounds[following[start]] : bounds[following[start] + 1]]
        places = places[: np.searchsorted(places, start)]
        length, source = search.longest(start, places, possible)
        if length >= 2:
            blocks.append(Block(start, start + length - 1, source))
            search.depth[start : start + length] = 1 + search.depth[source : source + length]
            reached = start + length
    return blocks


_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # odd, so that different keys stay different


def _bigrams(passages: Passages) -> I32:
    """A number for each pair of neighbouring passages that stands at two places or more; -1 for the others."""
    count = len(passages.token)
    following = np.full(count, -1, np.int32)
    if count < 2:
        return following
    one, two = passages.token[:-1], passages.token[1:]
    # most stand once: no pair of theirs stands twice
    token = passages.token
    often = kernel.repeated(token.view(np.uint32) if token.itemsize == 4 else token.view(np.uint64))
    pairs = np.flatnonzero((passages.article[:-1] == passages.article[1:]) & (one != two) & often[:-1] & often[1:])
    keys = one[pairs].astype(np.uint64)
    keys *= np.uint64(int(passages.token.max()) + 1)
    keys += two[pairs].astype(np.uint64)
    keys *= _SPREAD
    following[pairs] = kernel.collisions(keys)
    return following


def _longest_possible(passages: Passages, following: I32, starts: I64) -> I64:
    """How long a run from each of some passages can be at most: int64 [starts].

    It goes on as long as neighbours stand together elsewhere too, and ends on a passage that is cut.
    """
    count = len(following)
    reach = np.arange(count, dtype=np.int32)
    reach[following >= 0] = count
    np.minimum.accumulate(reach[::-1], out=reach[::-1])
    last = np.minimum(reach[starts], count - 1)  # that a run can hold
    del reach
    cut = np.arange(count, dtype=np.int32)
    cut[~passages.removed] = -1
    np.maximum.accumulate(cut, out=cut)
    return cut[last] - starts + 1


_CHUNK = 64  # places looked at together at first; a footer on every page is done with the first of them


@dataclass(frozen=True, slots=True)
class _Search:
    """The search for the longest run; `depth` counts the steps from each passage to kept text, as far as known."""

    passages: Passages
    alike: Callable[[int, int], object]
    depth: NDArray[np.int8]

    def longest(self, start: int, places: I64, possible: int) -> tuple[int, int]:
        """The length and the source of the longest run from *start* that also stands at one of *places* (rising)."""
        best, source = 0, -1
        low, size = 0, _CHUNK
        while low < len(places) and best < possible:
            best, source = self._longest_of(start, places[low : low + size], best, source)
            low, size = low + size, 2 * size
        return best, source

    def _longest_of(self, start: int, places: I64, best: int, source: int) -> tuple[int, int]:
        passages = self.passages
        same = passages.article[places] == passages.article[start]
        usable = passages.source[places] & (self.depth[places] < self._depth_allowed(start))
        if passages.within_only or not passages.across[start]:
            usable &= same
        if passages.across_only:
            usable &= ~same
        places, same = places[usable], same[usable]
        room = np.minimum(self._ends(places) - places, self._ends(np.array([start])) - start)
        room[same] = np.minimum(room[same], start - places[same])
        while len(places):
            # whatever beats the best so far agrees with it one passage further on
            longer = room > max(best, 1)
            places, room = places[longer], room[longer]
            if not len(places):
                break
            further = passages.token[places + best] == passages.token[start + best]
            places, room = places[further], room[further]
            if len(places):
                length = self._run(start, int(places[0]), int(room[0]))
                if length > best:
                    best, source = length, int(places[0])
                places, room = places[1:], room[1:]
        return best, source

    def _ends(self, places: I64) -> I64:
        """For each place, one past the last passage of its article: int64 [places]."""
        return np.searchsorted(self.passages.article, self.passages.article[places], side="right")

    def _depth_allowed(self, passage: int | slice) -> NDArray[np.int64]:
        return np.where(self.passages.firm[passage], 1, 2)

    def _run(self, start: int, place: int, room: int) -> int:
        """How many passages from *start* repeat those from *place*, up to the last that may end a block."""
        passages = self.passages
        here, there = slice(start, start + room), slice(place, place + room)
        agree = passages.token[here] == passages.token[there]
        agree &= self.depth[there] < self._depth_allowed(here)
        agree[1:] &= passages.token[here][1:] != passages.token[here][:-1]
        if not passages.opens[start]:
            agree[1:] &= ~passages.opens[here][1:]
        length = room if agree.all() else int(np.argmin(agree))
        own_article = passages.article[start] == passages.article[place]
        last = 0
        for step in range(length):
            one, other = start + step, place + step
            judged = bool(passages.removed[one]) and bool(own_article or passages.across[one])
            if step == 0 and not judged:
                return 0
            if passages.text[one] != passages.text[other] and not (
                judged and self.alike(int(passages.text[one]), int(passages.text[other]))
            ):
                break
            if judged:
                last = step + 1
        return last
