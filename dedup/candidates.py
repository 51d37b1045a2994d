"""Which texts share a band key with another: the first rows of the bands tell nearly all of them apart.

A pair of texts must agree in all rows of a band. Of strangers nearly all differ in the first few rows already, so of
every text only those are signed, and a *brief* key is made of them, half as long. The texts that meet another by it are
signed again, whole, in the bands in which they do: pairs that look like near copies when their shingle sets are made in
any case. Who shares a key is the same as if all rows had been signed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.fold_table import load
from dedup.kernel.reference import I32, I64, U16, U32, U64, fmix64
from dedup.segments import Segments, wide
from dedup.settings import Settings
from dedup.sketch import leading_permutations
from dedup.work import Work

_SAMPLE = 1024  # texts, and a thousand times as many code points, that tell how many rows are signed first
_LEADING = 2  # rows at least: strangers that agree in one row are everywhere
_MORE_APART = 10  # times fewer strangers agree in one row more (measured: 5 to 20)
_METS = 0.5  # strangers that a text may meet by its brief keys: to sign it again then costs as much as a row more
_NEAR = 0.25  # of the bands: who meets others in more of them is no stranger
_MOST = 0.5  # of the texts are near copies: to sign most of them twice costs more than it saves
_TOLD = 4  # bands: near copies share one of so many as a rule
_BANDS = 5  # that are looked through together, for a byte a text and band
_TOGETHER = 1 << 16  # segments that are looked at together
_OF_LENGTHS = 16  # segments of one in so many lengths tell how many stand elsewhere too


class Keys(NamedTuple):
    """The band keys of some texts.

    Attributes:
        rows: the first rows of each band that they are made of.
        keys: [bands, columns]: uint64, or uint32 where rows are missing (the upper halves).
        more: [bands, more], of the same dtype; their columns count on behind those of *keys*.
        column: int32 [texts], the column of each text.
    """

    rows: int
    keys: U32 | U64
    more: U32 | U64
    column: I32

    def of(self, band: int, texts: I64) -> U32 | U64:
        """The keys of these texts in one band: [texts]."""
        column = self.column[texts]
        keys = np.take(self.keys[band], column, mode="clip") if len(self.keys[band]) else self.more[band, column]
        beyond = np.flatnonzero(column >= len(self.keys[band]))
        keys[beyond] = self.more[band, column[beyond] - len(self.keys[band])]
        return keys


class Signed(NamedTuple):
    """Band keys that segments have already got.

    Attributes:
        column: int32 [segments of their array], the column of each; -1 for what is not signed.
        rows: the first rows of each band that the keys are made of.
        keys: their keys, a column each, as in `Keys`.
    """

    column: I32
    rows: int
    keys: U32 | U64


def own_keys(rows: int, keys: U32 | U64, work: Work) -> Keys:
    """Keys of which each text has the column of its own number."""
    return Keys(rows, keys, keys[:, :0], work.stored(np.arange(keys.shape[1], dtype=np.int32)))


def nested_keys(texts: Segments, wanted: NDArray[np.bool_], settings: Settings, work: Work) -> tuple[Keys, Signed]:
    """The band keys of texts that are joined, and of the *wanted* segments in them: every shingle is signed once.

    Args:
        texts: texts made of segments that rise.
        wanted: bool [segments of the array].
    """
    assert texts.chosen is not None
    nested = (wanted & (texts.offsets[1:] > texts.offsets[:-1]))[texts.chosen]
    rows = _leading(texts, settings, work)
    keys, nested_keys = _sign(texts, nested, rows, settings, work)
    column = np.full(len(wanted), -1, np.int32)
    count = 0
    for first in range(0, len(nested), _TOGETHER):  # in little memory
        some = texts.chosen[first : first + _TOGETHER][nested[first : first + _TOGETHER]]
        column[some] = np.arange(count, count + len(some))
        count += len(some)
    return own_keys(rows, keys, work), Signed(work.stored(column), rows, nested_keys)


def keys_of(texts: Segments, settings: Settings, work: Work, signed: Signed | None = None) -> Keys:
    """The band keys of texts, taken from what is *signed* where they stand there; then they are one segment each."""
    if signed is None or not signed.keys.shape[1]:
        rows = _leading(texts, settings, work)
        nested = np.zeros(len(texts) if texts.chosen is None else len(texts.chosen), bool)
        return own_keys(rows, _sign(texts, nested, rows, settings, work)[0], work)
    column = signed.column.copy() if texts.chosen is None else signed.column[texts.chosen]
    apart = np.flatnonzero(column < 0)
    column[apart] = signed.keys.shape[1] + np.arange(len(apart), dtype=np.int32)
    more, _ = _sign(texts.of(apart), np.zeros(len(apart), bool), signed.rows, settings, work)
    return Keys(signed.rows, signed.keys, more, work.stored(column))


def meeting_in_runs(keys: Keys, asks: NDArray[np.bool_], runs: I64, work: Work) -> NDArray[np.bool_]:
    """The texts that share a band key, or its first rows, with another of their run, one of both asking: bool [texts].

    Args:
        keys: the keys of the texts.
        asks: bool [texts].
        runs: int64 [runs + 1], offsets: run r are the texts runs[r] ... runs[r + 1] - 1.
    """
    bounds = [(len(runs) - 1) * worker // work.workers for worker in range(work.workers + 1)]

    def meets(some: tuple[int, int]) -> NDArray[np.bool_]:
        own = runs[some[0] : some[1] + 1]
        texts = slice(own[0], own[-1])
        return kernel.repeated_in_runs(keys.keys, keys.more, keys.column[texts], asks[texts], own - own[0])

    return np.concatenate(list(work.in_threads(meets, pairwise(bounds))))


def shared_bands(texts: Segments, domain: I64, keys: Keys, settings: Settings, work: Work) -> tuple[I64, I32]:
    """The texts that share a band key with another of their domain, and with whom. An empty text shares none.

    Args:
        domain: int64 [texts].
        keys: the keys of the texts.

    Returns:
        int64 [sharing], rising, and int32 [bands + 1, sharing], per band the number of the group of texts with the same
        key, dense, and -1 for alone. In the last row these are pairs that stand in no other: two texts that meet nobody
        else, and each other in so many bands by the first rows that they may well share a key. `confirmed` tells.
    """
    salt = fmix64(domain.astype(np.uint64)) if domain.any() else None
    meeting, wanted = _meeting(texts, salt, keys, settings, work)
    salt = None if salt is None else salt[meeting]
    missing = np.uint64(64 - 8 * keys.keys.itemsize)  # bits of keys that are halves

    def of(band: int, these: I64) -> U64:
        return keys.of(band, meeting[these]).astype(np.uint64) << missing

    groups = _grouped(of, wanted, salt, work)
    if keys.rows < settings.rows:
        pairs = _pairs(groups, settings)
        others = np.flatnonzero(pairs < 0)
        wanted = np.take(wanted, others, axis=1)
        whole = _whole_keys(texts.of(meeting[others]), wanted, settings, work)
        salt = None if salt is None else salt[others]
        groups[:-1] = -1
        groups[:-1, others] = _grouped(lambda band, these: whole[band, these], wanted, salt, work)[:-1]
        groups[-1] = pairs
    sharing = np.flatnonzero((groups >= 0).any(axis=0))
    return meeting[sharing], np.take(groups, sharing, axis=1)


def confirmed(pairs: I32, sets: U64, offsets: I64, settings: Settings) -> I32:
    """The pairs of texts that share a band key; who shares none is alone, -1: int32 [texts].

    Args:
        pairs: int32 [texts], the number of the pair of each text, -1 for none: the last row of `shared_bands`.
        sets: uint64 segment array, the shingle set of each text.
        offsets: its offsets.
    """
    a, b = leading_permutations(settings, settings.rows)
    both = np.argsort(pairs, kind="stable")[np.count_nonzero(pairs < 0) :].reshape(-1, 2)
    for first, end in pairwise((0, min(_TOLD, settings.bands), settings.bands)):  # one of the first is shared as a rule
        rows = slice(first * settings.rows, end * settings.rows)
        signed = kernel.signatures(*kernel.take_segments(sets, offsets, both.ravel()), a[rows], b[rows])
        same = (signed[::2] == signed[1::2]).reshape(len(both), end - first, settings.rows)
        both = both[~same.all(axis=2).any(axis=1)]
    found = pairs.copy()
    found[both] = -1
    return found


def _grouped(keys: Callable[[int, I64], U64], wanted: NDArray[np.bool_], salt: U64 | None, work: Work) -> I32:
    """Groups of texts with the same key and salt, in rows as those of `shared_bands`, the last one empty.

    Args:
        keys: (band, texts that are wanted in it) -> their keys, which are written to.
        wanted: bool [bands, texts]; the others are alone.
        salt: uint64 [texts].
    """
    groups = np.full((len(wanted) + 1, wanted.shape[1]), -1, np.int32)

    def group(band: int) -> None:
        these = np.flatnonzero(wanted[band])
        own = keys(band, these)
        if salt is not None:
            own ^= salt[these]
        groups[band, these] = kernel.collisions(own)

    _all(work.in_threads(group, range(len(wanted))))
    return groups


def _pairs(groups: I32, settings: Settings) -> I32:
    """The number of the pair of each text that stands in groups with one and the same other only: int32 [texts], or -1.

    None of their keys has more texts than a bucket of two holds: the greedy rule asks only whether they share any. Who
    meets in few bands is left out: to sign strangers costs less than to make their shingle sets.
    """
    count = groups.shape[1]
    mate = np.full(count, -1)
    bands = np.zeros(count, np.int64)
    apart = np.zeros(count, np.bool_)
    for band in groups:
        these = np.flatnonzero(band >= 0)
        group = band[these]
        both = np.bincount(group, weights=these).astype(np.int64)  # of two texts the sum of their numbers: exact
        other = both[group] - these
        apart[these] |= (np.bincount(group)[group] != 2) | ((mate[these] != other) & (bands[these] > 0))
        mate[these] = other
        bands[these] += 1
    apart |= bands <= _NEAR * settings.bands
    apart |= settings.bucket < 2
    one = np.flatnonzero(~apart & (mate > np.arange(count)))
    one = one[~apart[mate[one]]]
    pairs = np.full(count, -1, np.int32)
    pairs[one] = pairs[mate[one]] = np.arange(len(one))
    return pairs


def _meeting(
    texts: Segments, salt: U64 | None, keys: Keys, settings: Settings, work: Work
) -> tuple[I64, NDArray[np.bool_]]:
    """The texts whose keys meet, and in which bands: int64 [meeting], bool [bands, meeting]."""
    met = work.zeros((settings.bands, -(-len(texts) // 8)), np.uint8)  # a bit for each text
    salt = np.zeros(0, np.uint64) if salt is None else salt

    def meets(bands: slice) -> None:
        found = np.empty((bands.stop - bands.start, len(texts)), np.bool_)
        kernel.repeated_bands(keys.keys[bands], keys.more[bands], keys.column, salt, found)
        met[bands] = np.packbits(found, axis=1)

    count = -(-settings.bands // (_BANDS * work.workers)) * work.workers
    bounds = [settings.bands * number // count for number in range(count + 1)]
    _all(work.in_threads(meets, map(slice, bounds, bounds[1:])))

    meeting = np.flatnonzero(np.unpackbits(np.bitwise_or.reduce(met, axis=0), count=len(texts)))
    meeting = meeting[texts.of(meeting).lengths > 0]
    wanted = np.take(met, meeting >> 3, axis=1)
    wanted <<= (meeting & 7).astype(np.uint8)
    wanted >>= 7
    return meeting, wanted.view(np.bool_)


def _leading(texts: Segments, settings: Settings, work: Work) -> int:
    """How many rows of each band are signed of every text: as few as leave few texts to be signed again; perhaps all.

    Near copies are to be signed whole in any case, so where most of the texts are some, all rows are signed at once.
    How many strangers a text will meet is told by a sample of texts, of which two rows of each band are signed.
    """
    count = len(texts)
    if settings.rows <= _LEADING or not count or _repeated_share(texts, work) > _MOST:
        return settings.rows
    bounds = texts.bounds
    most = max(1, _SAMPLE * _SAMPLE // (int(bounds[-1] - bounds[0]) // count + 1))
    sample = texts.of(np.linspace(0, count - 1, min(count, most, _SAMPLE)).astype(np.int64))

    def sign(some: I64) -> U32 | U64:
        own = sample.of(some)
        return _sign(own, np.zeros(_segments(own), bool), _LEADING, settings, Work())[0]

    keys = np.concatenate(list(work.in_threads(sign, np.array_split(np.arange(len(sample)), work.workers))), axis=1)
    bands = np.stack([kernel.repeated(band) for band in keys]).sum(axis=0)
    strangers = bands[bands <= _NEAR * settings.bands]
    if len(strangers) < (1 - _MOST) * len(sample):
        return settings.rows
    alone = max(1, int((strangers == 0).sum())) / len(strangers)
    mets = -math.log(alone) * count / len(sample)  # more texts, more strangers
    rows = _LEADING
    while mets > _METS and rows < settings.rows:
        mets /= _MORE_APART
        rows += 1
    return rows


def _repeated_share(texts: Segments, work: Work) -> float:
    """The share of the segments of joined texts that stand elsewhere too, and so, about, that of near copies.

    It is that of a sample of segments that has either all those that are equal or none.
    """
    if texts.chosen is None or texts.groups is None:
        return 0.0
    wanted = np.zeros(len(texts.offsets) - 1, bool)
    for first in range(0, len(wanted), _TOGETHER):
        lengths = np.diff(texts.offsets[first : first + _TOGETHER + 1])
        wanted[first : first + _TOGETHER] = (lengths % _OF_LENGTHS == 0) & (lengths >= 2 * _OF_LENGTHS)
    some = wide(texts.chosen[wanted[texts.chosen]])
    if not len(some):
        return 0.0

    def digests(own: I64) -> U64:
        return kernel.text_digests(texts.flat, texts.offsets, own, np.arange(len(own) + 1), load())[:, 0]

    found = np.concatenate(list(work.in_threads(digests, np.array_split(some, work.workers))))
    return float(kernel.repeated(found).mean())


def _sign(
    texts: Segments, nested: NDArray[np.bool_], rows: int, settings: Settings, work: Work
) -> tuple[U32 | U64, U32 | U64]:
    """The keys of texts, and of their *nested* segments, of the first *rows* of each band."""
    dtype = np.uint64 if rows == settings.rows else np.uint32
    keys = work.table(settings.bands, len(texts), dtype)
    nested_keys = work.table(settings.bands, int(np.count_nonzero(nested)), dtype)
    permutations = leading_permutations(settings, rows)

    def with_columns() -> Iterator[tuple[Some, int, int]]:
        column = 0
        for some in pieces(texts):
            count = int(np.count_nonzero(nested[some.segments]))
            yield some, column, count
            column += count

    def sign(piece: tuple[Some, int, int]) -> None:
        some, column, count = piece
        with keys.some(some.first, len(some.texts[-1]) - 1) as own, nested_keys.some(column, count) as own_nested:
            kernel.text_band_keys(
                some.texts, nested[some.segments], load(), settings.shingle, permutations, rows, *own, *own_nested
            )

    _all(work.in_threads(sign, with_columns()))
    return keys.whole(), nested_keys.whole()


def _whole_keys(texts: Segments, wanted: NDArray[np.bool_], settings: Settings, work: Work) -> U64:
    """The keys of texts of all rows, in the bands that are *wanted*: uint64 [bands, texts]."""
    keys = work.zeros((settings.bands, len(texts)), np.uint64)
    permutations = leading_permutations(settings, settings.rows)

    def sign(some: Some) -> None:
        kernel.wanted_band_keys(
            some.texts, load(), settings.shingle, permutations, settings.rows, wanted, keys, some.first
        )

    _all(work.in_threads(sign, pieces(texts)))
    return keys


class Some(NamedTuple):
    """Some texts in a row, as the kernel takes them."""

    first: int
    segments: slice  # of those that are chosen
    texts: tuple[U16 | U32, I64, I64, I64]


def _segments(texts: Segments) -> int:
    return len(texts) if texts.chosen is None else len(texts.chosen)


def pieces(texts: Segments) -> Iterator[Some]:
    """All texts, some at a time."""
    for some in texts.runs():
        first, last = int(some[0]), int(some[-1]) + 1
        part = texts.part(first, last)
        assert part.chosen is not None
        groups = np.arange(last - first + 1) if part.groups is None else part.groups
        begin = first if texts.groups is None else int(texts.groups[first])
        segments = slice(begin, begin + len(part.chosen))
        yield Some(first, segments, (part.flat, part.offsets, wide(part.chosen), groups))


def _all(done: Iterator[None]) -> None:
    for _ in done:
        pass
