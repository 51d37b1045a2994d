"""Runs of passages that stand in the same order at an earlier place."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.kernel.reference import I32, I64, offsets_of


class Block(NamedTuple):
    """Passages *first* to *last* (inclusive) repeat the run that begins at passage *source*."""

    first: int
    last: int
    source: int

    @property
    def source_last(self) -> int:
        """The last passage of the run that is repeated."""
        return self.source + self.last - self.first


class Passages(NamedTuple):
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
    repeated, bigram = _bigrams(passages)
    by_bigram = repeated[np.argsort(bigram, kind="stable")]
    bounds = offsets_of(np.bincount(bigram))
    depth = passages.removed.astype(np.int8) if depth is None else depth
    depth[begin:] = passages.removed[begin:]
    search = _Search(passages, alike, depth)
    may_begin = passages.removed[repeated]
    starts, bigram = repeated[may_begin], bigram[may_begin]
    longest = _longest_possible(repeated, passages.removed, starts)
    blocks: list[Block] = []
    reached = begin
    for start, number, possible in zip(starts.tolist(), bigram.tolist(), longest.tolist(), strict=True):
        if start < reached or possible < 2:
            continue
        places = by_bigram[bounds[number] : bounds[number + 1]]
        places = places[: np.searchsorted(places, start)]
        length, source = search.longest(start, places, possible)
        if length >= 2:
            blocks.append(Block(start, start + length - 1, source))
            search.depth[start : start + length] = 1 + search.depth[source : source + length]
            reached = start + length
    return blocks


_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # odd, so that different keys stay different


def _bigrams(passages: Passages) -> tuple[I64, I32]:
    """The passages that stand elsewhere too with the one behind them, rising, and a number for each such pair."""
    token, article = passages.token, passages.article
    # most stand once: no pair of theirs stands twice
    often = kernel.repeated(token.view(np.uint32) if token.itemsize == 4 else token.view(np.uint64))
    pairs = np.flatnonzero(often[:-1] & often[1:])
    one, two = token[pairs], token[pairs + 1]
    paired = (one != two) & (article[pairs] == article[pairs + 1])
    pairs = pairs[paired]
    keys = one[paired].astype(np.uint64)
    keys *= np.uint64(int(token.max(initial=0)) + 1)
    keys += two[paired].astype(np.uint64)
    keys *= _SPREAD
    number = kernel.collisions(keys)
    return pairs[number >= 0], number[number >= 0]


def _longest_possible(repeated: I64, removed: NDArray[np.bool_], starts: I64) -> I64:
    """How long a run from each of some passages can be at most: int64 [starts].

    It goes on as long as neighbours stand together elsewhere too, and ends on a passage that is cut.

    Args:
        repeated: int64, rising, the passages that stand elsewhere too with the one behind them.
        removed: bool [passages].
        starts: int64, some of *repeated* that are cut.
    """
    if not len(starts):
        return starts
    before_gaps = repeated[np.append(np.diff(repeated) != 1, True)]
    last = before_gaps[np.searchsorted(before_gaps, starts)] + 1  # that a run can hold
    cut = np.flatnonzero(removed)
    return cut[np.searchsorted(cut, last, side="right") - 1] - starts + 1


_DEPTH = 2  # steps to kept text: as many from a passage that is cut, one less from one that is cited
_CHUNK = 64  # places looked at together at first; a footer on every page is done with the first of them


class _Search(NamedTuple):
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
        usable = passages.source[places] & (self.depth[places] + passages.firm[start] < _DEPTH)
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

    def _run(self, start: int, place: int, room: int) -> int:
        """How many passages from *start* repeat those from *place*, up to the last that may end a block."""
        passages = self.passages
        here, there = slice(start, start + room), slice(place, place + room)
        agree = passages.token[here] == passages.token[there]
        agree &= self.depth[there] + passages.firm[here] < _DEPTH
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
