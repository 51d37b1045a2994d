"""The meaning of texts that are made of segments and digested and signed without being written anywhere.

Texts are given as (folded, offsets, segments, groups), see `join_segments`: text t is segments[groups[t]] ...
segments[groups[t + 1] - 1] of the segment array *folded*, joined; that is code points or UTF-16.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup.kernel.fold_reference import FoldTable, columns, join_segments
from dedup.kernel.reference import (
    ABOVE,
    HALF,
    HIGH,
    I64,
    LOW,
    U16,
    U32,
    U64,
    absorb,
    digests,
    fmix64,
    offsets_of,
    shingle_band_keys,
    take_codes,
)

Mask = NDArray[np.bool_]


def text_digests(folded: U16 | U32, offsets: I64, segments: I64, groups: I64, table: FoldTable) -> U64:
    """The digest of each text, see `digests`: uint64 [texts, 2]."""
    joined, bounds, _ = join_segments(folded, offsets, segments, groups, table)
    return digests(joined, bounds)


def text_glances(folded: U16 | U32, offsets: I64, segments: I64, groups: I64, table: FoldTable) -> U64:
    """What is seen of each text at a glance: a hash of its length and of a few elements of it, uint64 [texts].

    Equal texts look the same, and of others few do. Both count in units of UTF-16 where *folded* is made of them. Of a
    text no more than the ends of its segments and those elements are read.
    """
    codes, bounds, _ = join_segments(folded, offsets, segments, groups, table)
    above = (codes >= ABOVE) & (folded.dtype == np.uint16)
    ends = offsets_of(1 + above)
    elements = np.repeat(codes, 1 + above)
    elements[ends[1:][above] - 2] = HIGH + ((codes[above] - ABOVE) >> np.uint32(10))
    elements[ends[1:][above] - 1] = LOW + codes[above] % HALF
    begins, lengths = ends[bounds[:-1]], np.diff(ends[bounds])
    glances = absorb(np.zeros(len(lengths), np.uint64), lengths.astype(np.uint64))
    some = np.flatnonzero(lengths)
    for step in range(1, _GLANCES + 1):
        place = begins[some] + lengths[some] * step // (_GLANCES + 1)
        glances[some] = absorb(glances[some], elements[place].astype(np.uint64))
    return fmix64(glances)


_GLANCES = 3


def text_band_keys(
    texts: tuple[U16 | U32, I64, I64, I64],
    nested: Mask,
    table: FoldTable,
    size: int,
    permutations: tuple[U32, U32],
    rows: int,
    keys: U32 | U64,
    first: int,
    nested_keys: U32 | U64,
    nested_first: int,
) -> None:
    """Writes the band keys of texts, and those of some of the segments that they are made of; see `shingle_band_keys`.

    Args:
        texts: the texts.
        nested: bool [segments], those that have keys of their own.
        table: what is wide.
        size: columns of a shingle.
        permutations: those of the rows, band by band.
        rows: the rows of a band.
        keys: [bands, columns]; the texts are written to the columns from *first* on. uint64, or uint32 for the upper
            halves of the keys.
        nested_keys: the same for the segments, from *nested_first* on.
    """
    folded, offsets, segments, _ = texts
    joined, bounds, _ = join_segments(*texts, table)
    own, own_bounds = take_codes(folded, offsets, segments[nested])
    for codes, of, to, at in ((joined, bounds, keys, first), (own, own_bounds, nested_keys, nested_first)):
        found = shingle_band_keys(codes, of, columns(codes, table), size, *permutations, len(to), rows)
        if to.dtype == np.uint32:
            found >>= np.uint64(32)
        to[:, at : at + len(of) - 1] = found


def wanted_band_keys(
    texts: tuple[U16 | U32, I64, I64, I64],
    table: FoldTable,
    size: int,
    permutations: tuple[U32, U32],
    rows: int,
    wanted: Mask,
    keys: U64,
    first: int,
) -> None:
    """Writes those band keys of texts that are *wanted*.

    Args:
        texts, table, size, permutations, rows: as above.
        wanted: bool [bands, columns]; of the columns from *first* on, one a text.
        keys: uint64 [bands, columns], the same; what is not wanted stays as it is.
    """
    joined, bounds, _ = join_segments(*texts, table)
    found = shingle_band_keys(joined, bounds, columns(joined, table), size, *permutations, len(keys), rows)
    these = slice(first, first + len(bounds) - 1)
    keys[:, these] = np.where(wanted[:, these], found, keys[:, these])
