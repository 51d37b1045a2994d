"""Arrays in, arrays out: the arithmetic of the detector, knowing nothing of articles, settings or files.

A *segment array* is a flat array with `offsets` (int64 [segments + 1]): segment i is flat[offsets[i]:offsets[i + 1]].
"""

from dedup.kernel.fold_reference import annotations, columns, fold, number_tokens
from dedup.kernel.greedy_reference import Acceptable, Choice, greedy
from dedup.kernel.reference import (
    band_keys,
    collisions,
    digests,
    intersections,
    join_segments,
    permutations,
    segment_sets,
    shingles,
    signatures,
    take_segments,
)

__all__ = [
    "Acceptable",
    "Choice",
    "annotations",
    "band_keys",
    "collisions",
    "columns",
    "digests",
    "fold",
    "greedy",
    "intersections",
    "join_segments",
    "number_tokens",
    "permutations",
    "segment_sets",
    "shingles",
    "signatures",
    "take_segments",
]
