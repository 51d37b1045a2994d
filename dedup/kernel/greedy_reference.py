"""The greedy rule: every text joins the most similar kept text that it may join, or is kept itself.

Texts are taken in order. A text meets the kept texts with which it shares a posted band key. Those that verify
(exact Jaccard similarity of the shingle sets at or above the threshold) are tried from the most similar down, ties
to the earliest; the first that `acceptable` admits is joined. A text that joins none is kept and posted, and linked
to the most similar that verified, if any did.

Which texts a text meets can be looked up in two ways with one answer: in the postings of its bands, or, where those
are long, in postings of prefixes (Chaudhuri, Ganti & Kaushik 2006; Bayardo, Ma & Srikant 2007): of two sets with
Jaccard similarity t or more, the first |x| - ceil(t |x|) + 1 shingles of each, rarest first, have one in common.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.kernel.fold_reference import FoldTable, columns
from dedup.kernel.reference import (
    I32,
    I64,
    U32,
    U64,
    offsets_of,
    positions,
    segment_ids,
    segment_sets,
    shingles,
    take_segments,
)

Acceptable = Callable[[int, I64], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class NumbersAgree:
    """The rule that two texts may join unless each has a number that the other lacks.

    It is an `Acceptable` made of arrays alone, so that the compiled kernel applies it without calling Python.

    Attributes:
        numbers: uint64 segment array, the sorted distinct numbers of each text.
        offsets: its offsets.
    """

    numbers: U64
    offsets: I64

    def __call__(self, text: int, met: I64) -> NDArray[np.bool_]:
        common = self.common(text, met)
        counts = np.diff(self.offsets)
        return (common == counts[text]) | (common == counts[met])

    def common(self, text: int, met: I64) -> I64:
        """How many numbers *text* shares with each of *met*: int64 [met]."""
        own = self.numbers[self.offsets[text] : self.offsets[text + 1]]
        if len(own) == 0:
            return np.zeros(len(met), np.int64)
        theirs, their_offsets = take_segments(self.numbers, self.offsets, met)
        hits = offsets_of(np.isin(theirs, own))
        return np.diff(hits[their_offsets])

    def mostly(self, text: int, met: I64) -> NDArray[np.bool_]:
        """Whether two thirds of the numbers of whichever text has fewer stand in the other too; without any, they do.

        Half is too few: dailies of one form share their small numbers.
        """
        counts = np.diff(self.offsets)
        return 3 * self.common(text, met) >= 2 * np.minimum(counts[text], counts[met])


@dataclass(frozen=True, slots=True)
class PassagesCovered:
    """The rule that an article may join another that covers each of its longer passages, if their numbers agree.

    A passage is covered when at least the threshold's share of its shingles stands in the kept article, or in that
    together with what is masked of it. Numbers agree when two thirds of them do (`NumbersAgree.mostly`); for a text
    with fewer than two longer passages, when there is no conflict. It is an `Acceptable` made of arrays alone, so that
    the compiled kernel applies it without calling Python; shingles are made of those texts alone that are asked about.

    Attributes:
        numbers: the numbers of the texts; None: they are not looked at.
        sets, offsets: uint64 segment array, the shingle set of each text.
        folded, folded_offsets: uint32 segment array, folded passages.
        longer, longer_offsets: int64 segment array, the segments of *folded* that are the longer passages of each text.
        masked, masked_offsets: uint32 segment array, for each text what is masked of it, folded.
        table: the fold table, for the columns of code points.
        size: columns of a shingle, 1 to 255.
        threshold: the least share, above 0 and at most 1.
    """

    numbers: NumbersAgree | None
    sets: U64
    offsets: I64
    folded: U32
    folded_offsets: I64
    longer: I64
    longer_offsets: I64
    masked: U32
    masked_offsets: I64
    table: FoldTable
    size: int
    threshold: Fraction

    def __call__(self, text: int, met: I64) -> NDArray[np.bool_]:
        longer = self.longer[self.longer_offsets[text] : self.longer_offsets[text + 1]]
        agree = np.ones(len(met), bool)
        if self.numbers is not None:
            agree = self.numbers(text, met) if len(longer) < 2 else self.numbers.mostly(text, met)
        pieces, piece_offsets = self._sets(*take_segments(self.folded, self.folded_offsets, longer))
        for rank in np.flatnonzero(agree).tolist():
            kept = int(met[rank])
            whole = self.sets[self.offsets[kept] : self.offsets[kept + 1]]
            if self._covers(whole, pieces, piece_offsets):
                break
            more, _ = self._sets(*take_segments(self.masked, self.masked_offsets, np.array([kept])))
            if len(more) and self._covers(np.union1d(whole, more), pieces, piece_offsets):
                break
            agree[rank] = False
        return agree

    def _sets(self, folded: U32, offsets: I64) -> tuple[U64, I64]:
        return segment_sets(*shingles(folded, offsets, columns(folded, self.table), self.size))

    def _covers(self, whole: U64, pieces: U64, offsets: I64) -> bool:
        """Whether the set *whole* holds at least the threshold's share of each piece."""
        held = np.diff(offsets_of(np.isin(pieces, whole))[offsets])
        enough = held * self.threshold.denominator >= self.threshold.numerator * np.diff(offsets)
        return bool(enough.all())


class Choice(NamedTuple):
    """What became of each text.

    Attributes:
        keeper: int64 [texts], the kept text that it joined; its own number where it is kept.
        linked: int64 [texts], for a kept text the most similar kept text that verified but was not acceptable; -1.
        shared, united: int64 [texts], shingles in the intersection and the union with that keeper or linked text.
        full: the number of band keys that had more kept texts than they may post.
    """

    keeper: I64
    linked: I64
    shared: I64
    united: I64
    full: int


def greedy(
    sets: U64,
    offsets: I64,
    chars: I64,
    groups: I32,
    fixed: NDArray[np.bool_],
    threshold: Fraction,
    short_chars: int,
    short_containment: Fraction,
    bucket: int,
    acceptable: Acceptable,
) -> Choice:
    """Judges every text in order.

    Args:
        sets: uint64 segment array, the shingle set of each text (sorted, distinct).
        offsets: its offsets.
        chars: int64 [texts], folded characters.
        groups: int32 [bands, texts], per band the number of the group of texts with the same key, -1 for alone;
            numbers are dense within a band.
        fixed: bool [texts], kept and posted without being judged (reference texts).
        threshold: least similarity.
        short_chars, short_containment: where either text has fewer characters, this containment is needed too.
        bucket: a band key posts at most this many kept texts.
        acceptable: (text, int64 [k] kept texts, most similar first) -> bool [k] or shorter: the answers up to and
            including the first True are enough.
    """
    count = len(offsets) - 1
    sizes = np.diff(offsets)
    postings = _Postings(sets, offsets, groups, threshold, bucket)
    num, den = threshold.numerator, threshold.denominator
    keeper = np.arange(count, dtype=np.int64)
    linked = np.full(count, -1, np.int64)
    shared_with = np.zeros(count, np.int64)
    united_with = np.zeros(count, np.int64)
    for text in range(count):
        met = _NONE if fixed[text] else postings.met(text)
        if len(met):
            shared = postings.overlaps(text, met)
            united = sizes[text] + sizes[met] - shared
            enough = shared * den >= num * united
            least = np.minimum(sizes[text], sizes[met])
            short = np.minimum(chars[text], chars[met]) < short_chars
            enough &= ~short | (shared * short_containment.denominator >= short_containment.numerator * least)
            met, shared, united = met[enough], shared[enough], united[enough]
        if len(met):
            # a float quotient orders these fractions exactly: their denominators are far below 2**26
            order = np.lexsort((met, -(shared / united)))
            admitted = np.flatnonzero(acceptable(text, met[order]))
            best = order[admitted[0]] if len(admitted) else order[0]
            shared_with[text], united_with[text] = shared[best], united[best]
            if len(admitted):
                keeper[text] = met[best]
                continue
            linked[text] = met[best]
        postings.post(text)
    return Choice(keeper, linked, shared_with, united_with, postings.full)


_NONE = np.zeros(0, np.int64)


class _Postings:
    """The kept texts so far, posted under their band keys and under the shingles of their prefixes."""

    def __init__(self, sets: U64, offsets: I64, groups: I32, threshold: Fraction, bucket: int) -> None:
        self._num, self._den = threshold.numerator, threshold.denominator
        self._bucket = bucket
        self._sizes = np.diff(offsets)
        self._ids, self._offsets = _rare_first(sets, offsets)
        self._common = np.diff(self._offsets)  # shingles of a text that any other text has at all
        least = -(-self._num * self._sizes // self._den)
        # the rarest shingles are those that no other text has: no one is met through them, so they are not listed
        self._prefix = np.maximum(self._common - least + 1, 0)
        group_count = groups.max(axis=1, initial=-1).astype(np.int64) + 1
        base = offsets_of(group_count)[:-1]
        self._groups = np.where(groups >= 0, groups + base[:, None], -1).T.copy()  # [texts, bands]
        self._by_band: list[list[int]] = [[] for _ in range(int(group_count.sum()))]
        self._by_shingle: list[list[int] | None] = [None] * (int(self._ids.max(initial=-1)) + 1)
        self._posted = np.zeros(self._groups.shape, bool)
        self._full: set[int] = set()
        self._mark = np.zeros(len(self._by_shingle), bool)

    @property
    def full(self) -> int:
        """Band keys that had more kept texts than their bucket holds."""
        return len(self._full)

    def post(self, text: int) -> None:
        """Posts a kept text, under a band key only where its bucket has room."""
        refused = []
        for group in self._groups_of(text):
            posts = self._by_band[group]
            if len(posts) < self._bucket:
                posts.append(text)
            else:
                refused.append(group)
        self._posted[text] = self._groups[text] >= 0
        if refused:
            self._full.update(refused)
            self._posted[text] &= ~np.isin(self._groups[text], refused)
        for shingle in self._prefix_of(text):
            posts_or_none = self._by_shingle[shingle]
            if posts_or_none is None:
                self._by_shingle[shingle] = [text]
            else:
                posts_or_none.append(text)

    def met(self, text: int) -> I64:
        """The kept texts that share a posted band key with *text* and are not ruled out by their sizes: sorted.

        Texts below the threshold that the prefixes rule out may be missing.
        """
        by_band = [self._by_band[group] for group in self._groups_of(text)]
        entries = sum(map(len, by_band))
        if entries == 0:
            return _NONE
        if entries > _LONG:
            by_shingle = [
                posts for shingle in self._prefix_of(text) if (posts := self._by_shingle[shingle]) is not None
            ]
            if sum(map(len, by_shingle)) < entries:
                met = self._could_verify(text, _union(by_shingle))
                return met[((self._groups[met] == self._groups[text]) & self._posted[met]).any(axis=1)]
        return self._could_verify(text, _union(by_band))

    def overlaps(self, text: int, met: I64) -> I64:
        """How many shingles *text* shares with each of *met*: int64 [met]."""
        own = self._ids[self._offsets[text] : self._offsets[text + 1]]
        self._mark[own] = True
        starts = self._offsets[met]
        lengths = self._offsets[met + 1] - starts
        hits = offsets_of(self._mark[self._ids[positions(starts, lengths)]])
        self._mark[own] = False
        ends = np.cumsum(lengths)
        return hits[ends] - hits[ends - lengths]

    def _groups_of(self, text: int) -> list[int]:
        return [group for group in self._groups[text].tolist() if group >= 0]

    def _prefix_of(self, text: int) -> list[int]:
        start = int(self._offsets[text])
        return self._ids[start : start + int(self._prefix[text])].tolist()

    def _could_verify(self, text: int, met: I64) -> I64:
        """The texts whose sizes, and whose counts of shingles that occur elsewhere, still allow the threshold."""
        sizes, common = self._sizes, self._common
        least, most = np.minimum(sizes[text], sizes[met]), np.maximum(sizes[text], sizes[met])
        reachable = np.minimum(common[text], common[met])
        united = sizes[text] + sizes[met] - reachable
        return met[(least * self._den >= self._num * most) & (reachable * self._den >= self._num * united)]


_LONG = 64  # postings from which a look at the prefixes costs less than it may save; the answer is the same


def _union(posts: list[list[int]]) -> I64:
    """The distinct texts of several posting lists, sorted."""
    met = set().union(*posts)
    return np.sort(np.fromiter(met, np.int64, len(met)))


def _rare_first(sets: U64, offsets: I64) -> tuple[I64, I64]:
    """The shingles that two texts or more have, as numbers from the rarest up, sorted in each text."""
    if len(sets) == 0:
        return np.zeros(0, np.int64), offsets.copy()
    _, number, frequency = np.unique(sets, return_inverse=True, return_counts=True)
    rank = np.empty(len(frequency), np.int64)
    rank[np.argsort(frequency, kind="stable")] = np.arange(len(frequency))
    alone = int((frequency == 1).sum())
    ids = rank[number] - alone
    text = segment_ids(offsets)[ids >= 0]
    ids = ids[ids >= 0]
    order = np.argsort(text * (len(frequency) + 1) + ids, kind="stable")
    return ids[order], offsets_of(np.bincount(text, minlength=len(offsets) - 1))
