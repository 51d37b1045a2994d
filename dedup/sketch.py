"""Folded texts to shingle sets, signatures and band keys; the only door to datasketch."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from dedup import kernel
from dedup.fold_table import load
from dedup.kernel.reference import I64, U32, U64
from dedup.settings import Settings
from dedup.text import fold

if TYPE_CHECKING:
    from datasketch import LeanMinHash

_CHUNK = 1 << 17  # code points sketched at a time, unless one text is longer: what is made stays in the cache


def _chunks(offsets: I64) -> list[tuple[int, int]]:
    """Runs of texts of about `_CHUNK` code points: (first, one past the last)."""
    bounds = [0]
    while bounds[-1] < len(offsets) - 1:
        reach = int(np.searchsorted(offsets, offsets[bounds[-1]] + _CHUNK, side="right")) - 1
        bounds.append(max(reach, bounds[-1] + 1))
    return list(pairwise(bounds))


_permutations = lru_cache(maxsize=4)(kernel.permutations)  # to seed the generator takes longer than to sign a story


def sizes(folded: U32, offsets: I64) -> I64:
    """Folded characters of each text, narrow ones counting half: int64 [texts].

    What floors are measured in: forty Han characters say what eighty Latin letters say. (Of English passages of 40 to
    80 letters that were near another in Reuters' news, nearly all were formulas of other firms and days.)
    """
    return sizes_of(kernel.segment_widths(folded, offsets, load()))


def sizes_of(widths: I64) -> I64:
    """The same of texts of so many columns."""
    return widths // 2


def shingle_sets(folded: U32, offsets: I64, settings: Settings) -> tuple[U64, I64]:
    """The set of shingle hashes of each text, sorted, as a uint64 segment array."""
    return kernel.shingle_sets(folded, offsets, kernel.columns(folded, load()), settings.shingle)


def signatures(folded: U32, offsets: I64, settings: Settings) -> U32:
    """The MinHash signature of each text: uint32 [texts, num_perm]."""
    a, b = _permutations(settings.num_perm, settings.seed)
    widths = kernel.columns(folded, load())
    return kernel.shingle_signatures(folded, offsets, widths, settings.shingle, a, b)


def band_keys(folded: U32, offsets: I64, settings: Settings) -> U64:
    """The band keys of each text: uint64 [bands, texts]."""
    a, b = _permutations(settings.num_perm, settings.seed)
    keys = np.empty((settings.bands, len(offsets) - 1), np.uint64)
    for first, last in _chunks(offsets):
        chunk, bounds = folded[offsets[first] : offsets[last]], offsets[first : last + 1] - offsets[first]
        keys[:, first:last] = kernel.shingle_band_keys(
            chunk, bounds, kernel.columns(chunk, load()), settings.shingle, a, b, settings.bands, settings.rows
        )
    return keys


@lru_cache(maxsize=8)
def _leading_permutations(num_perm: int, seed: int, bands: int, rows: int, leading: int) -> tuple[U32, U32]:
    these = (np.arange(bands)[:, None] * rows + np.arange(leading)).ravel()
    a, b = _permutations(num_perm, seed)
    return a[these], b[these]


def leading_permutations(settings: Settings, rows: int) -> tuple[U32, U32]:
    """The permutations of the first *rows* of each band, band by band: uint32 [bands * rows] each."""
    return _leading_permutations(settings.num_perm, settings.seed, settings.bands, settings.rows, rows)


def to_datasketch(text: str, settings: Settings | None = None) -> LeanMinHash:
    """The signature of *text* as a `datasketch.LeanMinHash` of the scheme `affine32`.

    It compares with any datasketch MinHash of the same seed whose hash function returns the upper 32 bits of the
    shingle hashes. Needs the extra `datasketch` (2.0).
    """
    from datasketch import LeanMinHash  # noqa: PLC0415  (0.6 s: it pulls in SciPy)

    settings = settings or Settings()
    folded = np.frombuffer(fold(text).encode("utf-32-le"), np.uint32)
    signature = signatures(folded, np.array([0, len(folded)], np.int64), settings)[0]
    return LeanMinHash(seed=settings.seed, hashvalues=signature, scheme="affine32")
