"""The meaning of shingling, signing and banding, in NumPy.

All integer arithmetic is modulo 2**64 (hashes) or 2**32 (signatures), which is what unsigned NumPy arrays do.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
I32 = NDArray[np.int32]

# 2**64 over the golden ratio, made odd (Knuth, The Art of Computer Programming 3, 6.4)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
# UTF-16: a code point from ABOVE on is a unit from HIGH on and one from LOW on, with ten bits each
ABOVE, HIGH, LOW, HALF, _LAST_CODE = map(np.uint32, (0x10000, 0xD800, 0xDC00, 0x400, 0x10FFFF))
_BLOCK = 1 << 18  # positions hashed at a time: the temporary arrays then fit the second-level cache
_SIGN_BLOCK = 512  # shingles signed at a time, for the same reason


def fmix64(hashes: U64) -> U64:
    """The finalizer of MurmurHash3 (Austin Appleby, public domain): a bijection of 64 bits that avalanches."""
    mixed = hashes ^ (hashes >> np.uint64(33))
    mixed *= np.uint64(0xFF51AFD7ED558CCD)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xC4CEB9FE1A85EC53)
    mixed ^= mixed >> np.uint64(33)
    return mixed


def fmix32(hashes: U32) -> U32:
    """The 32-bit finalizer of MurmurHash3, with which `affine32` begins."""
    mixed = hashes ^ (hashes >> np.uint32(16))
    mixed *= np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return mixed


def segment_ids(offsets: I64) -> I64:
    """The segment that each element of the flat array lies in: int64 [elements]."""
    return np.repeat(np.arange(len(offsets) - 1, dtype=np.int64), np.diff(offsets))


def offsets_of(lengths: NDArray[np.integer] | NDArray[np.bool_]) -> I64:
    """Segment lengths to offsets; of truths, how many stand before each."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def positions(starts: I64, lengths: I64) -> I64:
    """The flat positions starts[i] ... starts[i] + lengths[i] - 1 of all i, in a row."""
    offsets = offsets_of(lengths)
    return np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1], dtype=np.int64)


def take_segments(flat: NDArray, offsets: I64, segments: I64) -> tuple[NDArray, I64]:  # type: ignore[type-arg]
    """The named segments, in the order in which they are named, as a segment array of their own."""
    lengths = offsets[segments + 1] - offsets[segments]
    return flat[positions(offsets[segments], lengths)], offsets_of(lengths)


def taken_offsets(flat: NDArray, offsets: I64, segments: I64) -> I64:  # type: ignore[type-arg]
    """The offsets alone of what `take_segments` takes."""
    return offsets_of(offsets[segments + 1] - offsets[segments])


def to_utf16(codes: U32, offsets: I64) -> tuple[U16, I64]:
    """Segments of code points in UTF-16: half the bytes of nearly every text.

    Returns:
        uint16 segment array and its offsets, which count units: a code point above 0xFFFF takes two.

    Raises:
        ValueError: a code point is a surrogate or above 0x10FFFF.
    """
    wrong = (codes > _LAST_CODE) | ((codes >= HIGH) & (codes < LOW + HALF))
    if wrong.any():
        raise ValueError(f"code points must be what UTF-16 can hold, found {codes[wrong][0]}")
    above = codes >= ABOVE
    before = offsets_of(above)
    first = np.arange(len(codes)) + before[:-1]
    units = np.empty(len(codes) + before[-1], np.uint16)
    units[first] = np.where(above, HIGH + ((codes - ABOVE) >> np.uint32(10)), codes)
    units[first[above] + 1] = LOW + codes[above] % HALF
    return units, offsets + before[offsets]


def take_codes(text: U16 | U32, offsets: I64, segments: I64) -> tuple[U32, I64]:
    """The named segments, in the order in which they are named, as code points: what `to_utf16` made decoded.

    A surrogate that is not the half of a pair within its segment stands for itself.
    """
    taken, bounds = take_segments(text, offsets, segments)
    if taken.dtype != np.uint16:
        return taken, bounds
    codes = taken.astype(np.uint32)
    half = codes - codes % HALF
    second = np.zeros(len(codes), bool)
    second[1:] = (half[:-1] == HIGH) & (half[1:] == LOW)
    second[bounds[:-1][np.diff(bounds) > 0]] = False  # what begins a segment ends no pair
    first = np.flatnonzero(second) - 1
    codes[first] = ABOVE + (codes[first] % HALF << np.uint32(10)) + codes[second] % HALF
    return codes[~second], offsets_of(~second)[bounds]


def digests(folded: U32, offsets: I64) -> U64:
    """A 128-bit digest of each segment: uint64 [segments, 2].

    Two sums of independently mixed code points times powers of two odd numbers, finalized with the length. Equal
    texts have equal digests; whoever forges two texts with one digest gains nothing, as texts are compared.
    """
    lengths = np.diff(offsets)
    sums = np.zeros((len(lengths), 2), np.uint64)
    for low, high, segments, starts in _blocks(offsets, _BLOCK):
        within = np.arange(low, high, dtype=np.int64) - np.repeat(offsets[segments], np.diff(starts, append=high - low))
        codes = folded[low:high].astype(np.uint64)
        for lane, salt in enumerate(_DIGEST_SALTS):
            weights = fmix64(within.astype(np.uint64) * _GOLDEN + salt) | np.uint64(1)
            sums[segments, lane] += np.add.reduceat(fmix64(codes + salt) * weights, starts)
    return fmix64(sums + lengths.astype(np.uint64)[:, None] * _GOLDEN)


_DIGEST_SALTS = (np.uint64(0xD6E8FEB86659FD93), np.uint64(0xA0761D6478BD642F))


def _blocks(offsets: I64, size: int) -> Iterator[tuple[int, int, I64, I64]]:
    """The flat array in blocks: (low, high, the segments that lie in it, where each begins in the block).

    A segment longer than a block stands in several; empty segments stand in none (`reduceat` cannot do them).
    """
    filled = np.flatnonzero(np.diff(offsets) > 0)
    begins = offsets[:-1][filled]
    for low in range(0, int(offsets[-1]), size):
        high = min(low + size, int(offsets[-1]))
        first = int(np.searchsorted(begins, low, side="right")) - 1
        last = int(np.searchsorted(begins, high, side="left"))
        yield low, high, filled[first:last], np.maximum(begins[first:last], low) - low


def shingles(folded: U32, offsets: I64, widths: U8, size: int) -> tuple[U64, I64]:
    """The hash of every shingle of every segment, in the order of the text, with repetitions.

    A shingle is the shortest run of code points that spans at least *size* columns; a segment narrower than that,
    but not empty, is one shingle.

    Args:
        folded: uint32 segment array.
        offsets: its offsets.
        widths: uint8 [elements], columns of each code point, 1 or 2.
        size: columns of a shingle.

    Returns:
        uint64 segment array of hashes, and its offsets.
    """
    ends = np.repeat(offsets[1:], np.diff(offsets))
    counts = np.zeros(len(folded), np.uint8)  # code points of the shingle that begins here, 0: none does
    hashes = np.empty(len(folded), np.uint64)
    for low in range(0, len(folded), _BLOCK):
        high = min(low + _BLOCK, len(folded))
        hashes[low:high], counts[low:high] = _shingles_at(folded, widths, ends, low, high, size)
    begins = offsets[:-1]
    narrow = np.flatnonzero(np.diff(offsets) > 0)
    narrow = narrow[counts[begins[narrow]] == 0]
    for segment in narrow:
        begin, end = int(begins[segment]), int(offsets[segment + 1])
        hashes[begin] = _hash_of(folded[begin:end])
        counts[begin] = 1
    present = counts > 0
    kept = np.concatenate((np.zeros(1, np.int64), np.cumsum(present, dtype=np.int64)))
    return hashes[present], kept[offsets]


def _shingles_at(folded: U32, widths: U8, ends: I64, low: int, high: int, size: int) -> tuple[U64, U8]:
    """The shingles that begin at low ... high - 1: their hashes, and their code points (0 where none begins)."""
    reach = min(high + size, len(folded))
    codes = folded[low:reach].astype(np.uint64)
    width = widths[low:reach]
    count = high - low
    room = np.minimum(ends[low:high] - np.arange(low, high, dtype=np.int64), size)
    spanned = np.zeros(count, np.int64)
    hashes = np.zeros(count, np.uint64)
    lengths = np.zeros(count, np.uint8)
    for step in range(size):
        inside = min(count, reach - low - step)
        if inside <= 0:
            break
        growing = (spanned[:inside] < size) & (room[:inside] > step)
        mixed = absorb(hashes[:inside], codes[step : step + inside])
        np.copyto(hashes[:inside], mixed, where=growing)
        spanned[:inside] += np.where(growing, width[step : step + inside], 0)
        lengths[:inside] += growing
    whole = spanned >= size
    return _finish(hashes, lengths), np.where(whole, lengths, 0).astype(np.uint8)


def absorb(hashes: U64, codes: U64) -> U64:
    """One code point more. The xor-shift breaks the linearity by which sums of code points could cancel out."""
    mixed = (hashes + codes + np.uint64(1)) * _GOLDEN
    mixed ^= mixed >> np.uint64(29)
    return mixed


def _finish(hashes: U64, lengths: NDArray[np.integer]) -> U64:
    return fmix64(hashes + lengths.astype(np.uint64))


def _hash_of(codes: U32) -> np.uint64:
    """The hash of one run of code points."""
    hashes = np.zeros(1, np.uint64)
    for code in codes.astype(np.uint64):
        hashes = absorb(hashes, code)
    return np.uint64(_finish(hashes, np.array([len(codes)]))[0])


def segment_sets(hashes: U64, offsets: I64) -> tuple[U64, I64]:
    """Each segment sorted and freed of repetitions."""
    ordered = hashes.copy()
    for begin, end in pairwise(offsets.tolist()):  # a short sort each: five times faster than one lexsort of all
        ordered[begin:end].sort()
    fresh = np.ones(len(ordered), bool)
    fresh[1:] = ordered[1:] != ordered[:-1]
    fresh[offsets[:-1][np.diff(offsets) > 0]] = True
    kept = np.concatenate((np.zeros(1, np.int64), np.cumsum(fresh, dtype=np.int64)))
    return ordered[fresh], kept[offsets]


def shingle_sets(folded: U32, offsets: I64, widths: U8, size: int) -> tuple[U64, I64]:
    """The sorted distinct shingles of each segment, see `shingles` and `segment_sets`."""
    return segment_sets(*shingles(folded, offsets, widths, size))


def permutations(num_perm: int, seed: int) -> tuple[U32, U32]:
    """The odd factors a and the summands b of the permutations: uint32 [num_perm] each.

    Drawn as datasketch 2.0 draws them for its scheme `affine32`, from NumPy's legacy generator, whose stream NumPy
    has promised never to change.
    """
    generator = np.random.RandomState(seed)
    a = generator.randint(0, 1 << 31, num_perm, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = generator.randint(0, 1 << 32, num_perm, dtype=np.uint32)
    return a, b


def signatures(hashes: U64, offsets: I64, a: U32, b: U32) -> U32:
    """MinHash signatures, scheme `affine32`: uint32 [segments, num_perm].

    Each shingle is the upper half of its hash, mixed once with `fmix32`; permutation k maps it to a[k] * x + b[k]
    modulo 2**32, and the least value counts. A segment without shingles has the signature of all ones, as in
    datasketch.
    """
    result = np.full((len(offsets) - 1, len(a)), 0xFFFFFFFF, np.uint32)
    values = np.empty((_SIGN_BLOCK, len(a)), np.uint32)
    for low, high, segments, starts in _blocks(offsets, _SIGN_BLOCK):
        mixed = fmix32((hashes[low:high] >> np.uint64(32)).astype(np.uint32))
        block = values[: high - low]
        np.multiply(mixed[:, None], a, out=block)
        block += b
        for segment, begin, end in zip(
            segments.tolist(), starts.tolist(), [*starts[1:].tolist(), high - low], strict=True
        ):
            # a reduction each: three times faster than one reduceat over all
            np.minimum(result[segment], block[begin:end].min(axis=0), out=result[segment])
    return result


def shingle_signatures(folded: U32, offsets: I64, widths: U8, size: int, a: U32, b: U32) -> U32:
    """The signatures of the shingles of each segment, see `shingles` and `signatures`: uint32 [segments, num_perm]."""
    return signatures(*shingles(folded, offsets, widths, size), a, b)


def band_keys(signature: U32, bands: int, rows: int) -> U64:
    """The key of each band of each signature: uint64 [bands, segments].

    Two texts share a band when their keys in it are equal. That two different bands of rows get one key has a
    probability of 2**-64 and costs a verification, never a wrong answer.
    """
    keys = np.empty((bands, len(signature)), np.uint64)
    for band in range(bands):
        key = np.full(len(signature), fmix64(np.array([band + 1], np.uint64))[0])
        for row in range(band * rows, (band + 1) * rows):
            key = absorb(key, signature[:, row].astype(np.uint64))
        keys[band] = fmix64(key)
    return keys


def shingle_band_keys(folded: U32, offsets: I64, widths: U8, size: int, a: U32, b: U32, bands: int, rows: int) -> U64:
    """The band keys of each segment, see `shingle_signatures` and `band_keys`: uint64 [bands, segments]."""
    return band_keys(shingle_signatures(folded, offsets, widths, size, a, b), bands, rows)


def collisions(keys: U64) -> I32:
    """Dense numbers of the groups of equal keys in one band: int32 [texts], -1 for a key that stands alone."""
    groups = np.full(len(keys), -1, np.int32)
    if len(keys) == 0:
        return groups
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    new = np.concatenate((np.ones(1, bool), ordered[1:] != ordered[:-1]))
    number = np.cumsum(new) - 1
    shared = np.bincount(number)[number] > 1
    _, groups[order[shared]] = np.unique(number[shared], return_inverse=True)
    return groups


def repeated(keys: U32 | U64) -> NDArray[np.bool_]:
    """Which keys stand twice or more: bool [keys]."""
    _, number, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return counts[number] > 1


def repeated_bands(keys: U32 | U64, more: U32 | U64, column: I32, salt: U64, found: NDArray[np.bool_]) -> None:
    """Tells for each band which texts have a key that another has too.

    Args:
        keys: [bands, columns].
        more: [bands, other columns], of the same dtype, which count on behind those of *keys*.
        column: int32 [texts], the column of each text's keys.
        salt: uint64 [texts], its upper bits are what the keys of each text are exclusive-ored with; or [0].
        found: bool [bands, texts], written to.
    """
    for band, (first, rest) in enumerate(zip(keys, more, strict=True)):
        own = np.concatenate((first, rest))[column]
        if len(salt):
            own ^= (salt >> np.uint64(64 - 8 * own.itemsize)).astype(own.dtype)
        found[band] = repeated(own)


def repeated_in_runs(
    keys: U32 | U64, more: U32 | U64, column: I32, asks: NDArray[np.bool_], runs: I64
) -> NDArray[np.bool_]:
    """Which texts have a key in a band that another text of their run has too, one of the two asking: bool [texts].

    Args:
        keys, more, column: as for `repeated_bands`.
        asks: bool [texts].
        runs: int64 [runs + 1], offsets: run r are the texts runs[r] ... runs[r + 1] - 1.
    """
    found = np.zeros(len(column), bool)
    run = np.repeat(np.arange(len(runs) - 1), np.diff(runs))
    for first, rest in zip(keys, more, strict=True):
        own = np.concatenate((first, rest))[column]
        order = np.lexsort((own, run))
        one, other = order[:-1], order[1:]
        same = (own[one] == own[other]) & (run[one] == run[other])
        group = np.cumsum(~np.concatenate((np.zeros(1, bool), same)))[: len(order)]
        asked = np.bincount(group, weights=asks[order], minlength=1) > 0
        found[order] |= asked[group] & (np.bincount(group, minlength=1)[group] > 1)
    return found


def dense(groups: I32, batch: I64) -> I32:
    """Groups numbered anew in each batch of texts, in the order in which they are met: int32 [bands, texts], -1 stays.

    Args:
        groups: int32 [bands, texts], each band as `collisions` gives it: below the number of texts, -1 for none.
        batch: int64 [texts], below the number of texts; all texts of a group are of one batch.
    """
    numbered = np.full(groups.shape, -1, np.int32)
    for band, of in zip(numbered, groups, strict=True):
        numbers: dict[int, int] = {}
        following = np.zeros(len(batch), np.int64)
        for text in np.flatnonzero(of >= 0).tolist():
            if int(of[text]) not in numbers:
                numbers[int(of[text])] = int(following[batch[text]])
                following[batch[text]] += 1
            band[text] = numbers[int(of[text])]
    return numbered


def components(groups: I32) -> I64:
    """The smallest text of each text's connected component: int64 [texts].

    Texts that share a group in any band are connected, and so is what is connected with one of them.

    Args:
        groups: int32 [bands, texts], each band as `collisions` gives it: below the number of texts, -1 for none.
    """
    smallest = np.arange(groups.shape[1])
    while True:
        before = smallest.copy()
        for band in groups:
            in_group = band >= 0
            of_group = np.full(groups.shape[1], groups.shape[1])
            np.minimum.at(of_group, band[in_group], smallest[in_group])
            smallest[in_group] = of_group[band[in_group]]
        if np.array_equal(smallest, before):
            return smallest


def intersections(sets: U64, offsets: I64, left: I64, right: I64) -> I64:
    """How many shingles each pair of sets shares: int64 [pairs].

    Args:
        sets: uint64 segment array of sorted distinct hashes.
        offsets: its offsets.
        left, right: int64 [pairs], the segments of each pair.
    """
    shared = np.zeros(len(left), np.int64)
    for pair, (one, other) in enumerate(zip(left, right, strict=True)):
        first = sets[offsets[one] : offsets[one + 1]]
        second = sets[offsets[other] : offsets[other + 1]]
        shared[pair] = len(np.intersect1d(first, second, assume_unique=True))
    return shared
