"""The meaning of look-ups in long sorted rows of keys: filters, blocks, merging, in NumPy.

*Entries* are keys (uint64, evenly spread as hashes are) with a place each (uint32), sorted by key.

A *filter* says of most keys that they are not among some entries, at the cost of one cache line each. It is a Bloom
filter in lines of 64 bytes (Putze, Sanders & Singler, Cache-, Hash- and Space-Efficient Bloom Filters, 2007): the upper
bits of a key choose the line, so that lines follow each other as keys do, and its lower bits choose one bit in each of
seven words. The eighth word is a checksum of the others, of the line's number and of a salt, a number of the filter's
own, lest a line of another filter be taken for one of this: whoever reads a line checks it.

A *block* is `BLOCK` keys followed by their places, 3 KiB. The last one is filled up with the greatest key.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup.kernel.reference import I64, U8, U32, U64, fmix64, positions

Mask = NDArray[np.bool_]
BLOCK = 256
BLOCK_TYPE = np.dtype([("keys", "<u8", BLOCK), ("places", "<u4", BLOCK)])
FILTER_BITS = 12  # of an entry: about one key in 230 that is not there passes
_WORDS, _WORD_BITS = 7, 6
_SHIFTS = np.arange(_WORDS, dtype=np.uint64) * np.uint64(_WORD_BITS)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_LOW = np.uint64(0xFFFFFFFF)


def filter_size(entries: int) -> int:
    """How many lines a filter of so many entries has."""
    return max(1, -(-entries * FILTER_BITS // (64 * _WORDS)))


def filter_lines(keys: U64, lines: int, first: int, end: int, salt: int = 0) -> U64:
    """Lines *first* to *end* (exclusive) of a filter of *lines* (below 2**32), with their checksums: uint64 [lines, 8].

    Args:
        keys: uint64, all keys that belong into those lines, and no others.
        lines, first, end: see above.
        salt: below 2**64.
    """
    found = np.zeros((end - first, _WORDS + 1), np.uint64)
    bits = np.uint64(1) << (keys[:, None] >> _SHIFTS & np.uint64(63))
    line = _lines_of(keys, lines) - first
    for word in range(_WORDS):
        np.bitwise_or.at(found[:, word], line, bits[:, word])
    found[:, _WORDS] = _checksums(found, np.arange(first, end), salt)
    return found


def filtered(lines: U64, wanted: U64, salt: int = 0) -> tuple[I64, int]:
    """The numbers of those *wanted* keys that may be among the entries of a filter, and the first damaged line met.

    Args:
        lines: uint64 [lines, 8], the filter.
        wanted: uint64 keys.
        salt: that with which the filter was made.

    Returns:
        int64 numbers, rising; and the number of a line that is not what was written, -1 for none: then the answer
        before it is worth nothing.
    """
    line = _lines_of(wanted, len(lines))
    met = lines[line]
    wrong = np.flatnonzero(_checksums(met, line, salt) != met[:, _WORDS])
    there = (met[:, :_WORDS] >> (wanted[:, None] >> _SHIFTS & np.uint64(63)) & np.uint64(1)).all(axis=1)
    return np.flatnonzero(there), int(line[wrong[0]]) if len(wrong) else -1


def _lines_of(keys: U64, lines: int) -> I64:
    """The upper half of keys times lines."""
    low = (keys & _LOW) * np.uint64(lines) >> np.uint64(32)
    return ((keys >> np.uint64(32)) * np.uint64(lines) + low >> np.uint64(32)).astype(np.int64)


def _checksums(lines: U64, numbers: I64, salt: int) -> U64:
    check = numbers.astype(np.uint64) + np.uint64(salt)
    for word in range(_WORDS):
        check = (check + lines[:, word] + np.uint64(1)) * _GOLDEN
        check ^= check >> np.uint64(29)
    return fmix64(check)


def find(blocks: U8, first: U64, sound: Mask, entries: int, wanted: U64) -> tuple[I64, U32] | None:
    """Which of the *wanted* keys have which places: (numbers in *wanted*, places), int64 and uint32 [hits].

    Args:
        blocks: uint8, the blocks in a row.
        first: uint64 [blocks], the first key of each.
        sound: bool [blocks], whether it may be looked into.
        entries: how many there are; what fills up the last block is none.
        wanted: uint64 keys.

    Returns:
        The hits in the order of *wanted*, then of the entries; None where a block is not sound in which any of the keys
        might stand (see `block_spans`).
    """
    begin, end = block_spans(first, wanted)
    if not sound[positions(begin, end - begin)].all():
        return None
    of = np.frombuffer(blocks, BLOCK_TYPE)
    numbers, places = [np.zeros(0, np.int64)], [np.zeros(0, np.uint32)]
    for number, key in enumerate(wanted):
        span = of[begin[number] : end[number]]
        kept = max(entries - int(begin[number]) * BLOCK, 0)
        hits = np.flatnonzero(span["keys"].ravel()[:kept] == key)
        numbers.append(np.full(len(hits), number))
        places.append(span["places"].ravel()[hits])
    return np.concatenate(numbers), np.concatenate(places)


def block_spans(first: U64, wanted: U64) -> tuple[I64, I64]:
    """The blocks in which the places of each key stand, if it has any: from the one to the other, exclusive."""
    begin = np.searchsorted(first, wanted, side="left") - 1
    return np.maximum(begin, 0), np.searchsorted(first, wanted, side="right")


def merge_entries(keys: U64, places: U32, offsets: I64) -> tuple[U64, U32]:
    """Several rows of entries as one; of equal keys those of an earlier row come first.

    Args:
        keys, places: segment arrays, each segment of *keys* sorted.
        offsets: their offsets.
    """
    order = np.argsort(keys, kind="stable")
    return keys[order], places[order]
