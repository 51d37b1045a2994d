"""Runs of passages that stand in the same order at an earlier place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.kernel.reference import I64, offsets_of


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
    """All passages in keep order. Arrays are [passages].

    Attributes:
        article: int64, the article of each passage, not decreasing.
        text: int64, the folded text of each passage.
        token: int64, the text that the passage's family keeps, else its own text.
        removed: bool, cut as a duplicate of another passage.
        across: bool, long enough to be matched across articles.
        source: bool, may be the source of a block.
        within_only, across_only: where the source must lie, by the scope.
    """

    article: I64
    text: I64
    token: I64
    removed: NDArray[np.bool_]
    across: NDArray[np.bool_]
    source: NDArray[np.bool_]
    within_only: bool
    across_only: bool


def find_blocks(passages: Passages, alike: Callable[[int, int], bool]) -> list[Block]:
    """The longest run at each place where one can begin, from the top; ties go to the earliest source.

    A run begins and ends on a passage that is cut and long enough to be cut alone, holds two passages or more, no
    passage right after its own like, and does not overlap its source. Its passages equal their counterparts, or are
    long enough to be cut alone and `alike`. No passage of the source is itself part of a block whose source is cut:
    following the source of a cut so ends at kept text in two steps.

    Args:
        passages: the passages of all articles that are not cut whole, reference articles included.
        alike: (text, text) -> whether the two verify directly and without number conflict.
    """
    following = _bigrams(passages)
    starts = np.flatnonzero(passages.removed & (following >= 0))
    by_bigram = np.argsort(following, kind="stable")
    bounds = np.searchsorted(following[by_bigram], np.arange(int(following.max(initial=-1)) + 2))
    ends = _article_ends(passages.article)
    depth = passages.removed.astype(np.int8)  # steps from here to kept text
    blocks: list[Block] = []
    reached = 0
    for start in starts.tolist():
        if start < reached:
            continue
        low, high = bounds[following[start]], bounds[following[start] + 1]
        places = by_bigram[low:high]
        places = places[: np.searchsorted(places, start)]
        same = passages.article[places] == passages.article[start]
        usable = passages.source[places] & (depth[places] < 2)
        if passages.within_only or not passages.across[start]:
            usable &= same
        if passages.across_only:
            usable &= ~same
        length, source = _longest(passages, alike, ends, depth, start, places[usable])
        if length >= 2:
            blocks.append(Block(start, start + length - 1, source))
            depth[start : start + length] = 1 + depth[source : source + length].max()
            reached = start + length
    return blocks


def _bigrams(passages: Passages) -> I64:
    """A number for each pair of neighbouring passages that stands at two places or more; -1 for the others."""
    count = len(passages.token)
    following = np.full(count, -1, np.int64)
    if count < 2:
        return following
    one, two = passages.token[:-1], passages.token[1:]
    pairs = np.flatnonzero((passages.article[:-1] == passages.article[1:]) & (one != two))
    _, number, frequency = np.unique(
        one[pairs] * (int(passages.token.max()) + 1) + two[pairs], return_inverse=True, return_counts=True
    )
    repeated = frequency[number] > 1
    following[pairs[repeated]] = number[repeated]
    return following


def _article_ends(article: I64) -> I64:
    """For each passage, one past the last passage of its article."""
    lengths = np.bincount(article) if len(article) else np.zeros(0, np.int64)
    return offsets_of(lengths)[1:][article]


def _longest(
    passages: Passages, alike: Callable[[int, int], bool], ends: I64, depth: NDArray[np.int8], start: int, places: I64
) -> tuple[int, int]:
    """The length and the source of the longest run from *start* that also stands at one of *places* (ascending)."""
    best, source = 0, -1
    room = np.minimum(ends[places] - places, ends[start] - start)
    same = passages.article[places] == passages.article[start]
    room[same] = np.minimum(room[same], start - places[same])
    while len(places):
        length = _run(passages, alike, depth, start, int(places[0]), int(room[0]))
        if length > best:
            best, source = length, int(places[0])
        # whatever beats the best so far agrees with it one passage further on
        longer = room > max(best, 1)
        longer[0] = False
        places, room = places[longer], room[longer]
        if start + best < len(passages.token):
            further = passages.token[places + best] == passages.token[start + best]
            places, room = places[further], room[further]
    return best, source


def _run(
    passages: Passages, alike: Callable[[int, int], bool], depth: NDArray[np.int8], start: int, place: int, room: int
) -> int:
    """How many passages from *start* repeat those from *place*, up to the last that may end a block."""
    here, there = slice(start, start + room), slice(place, place + room)
    agree = passages.token[here] == passages.token[there]
    agree &= depth[there] < 2
    agree[1:] &= passages.token[here][1:] != passages.token[here][:-1]
    length = room if agree.all() else int(np.argmin(agree))
    own_article = passages.article[start] == passages.article[place]
    last = 0
    for step in range(length):
        one, other = start + step, place + step
        judged = bool(passages.removed[one]) and bool(own_article or passages.across[one])
        if step == 0 and not judged:
            return 0
        if passages.text[one] != passages.text[other] and not (
            judged and alike(int(passages.text[one]), int(passages.text[other]))
        ):
            break
        if judged:
            last = step + 1
    return last
