"""Arrays in, arrays out: the arithmetic of the detector, knowing nothing of articles, settings or files.

A *segment array* is a flat array with `offsets` (int64 [segments + 1]): segment i is flat[offsets[i]:offsets[i + 1]].

The reference says in NumPy what each function means; the native kernel is its compiled twin, equal bit for bit. The
environment variable DEDUP_KERNEL=reference or native forces one; else native serves where it was built.
"""

import os

from dedup.errors import BadSettings
from dedup.kernel.fold_reference import annotations
from dedup.kernel.greedy_reference import Acceptable, Choice, NumbersAgree, PassagesCovered
from dedup.kernel.reference import permutations
from dedup.kernel.row_reference import Column, Picked, Quoted

_FORCED = os.environ.get("DEDUP_KERNEL", "")
if _FORCED not in ("", "native", "reference"):
    raise BadSettings(f"DEDUP_KERNEL must be native or reference, found {_FORCED!r}; unset it for the faster of both")

NAME = "reference"
WARNING = ""  # one line for whoever runs on the reference without having asked for it
if _FORCED != "reference":
    try:
        import dedup.kernel._native  # noqa: F401

        NAME = "native"
    except ImportError as error:
        WARNING = f"the compiled kernel cannot be loaded ({error}); the reference serves, many times slower"
        if _FORCED == "native":
            raise BadSettings(
                f"DEDUP_KERNEL=native, but the compiled kernel cannot be loaded ({error}); "
                "install dedup-articles where a C++ compiler is at hand, or unset DEDUP_KERNEL"
            ) from error

if NAME == "native":
    from dedup.kernel.native import (
        band_keys,
        collisions,
        columns,
        components,
        dense,
        digests,
        filter_lines,
        filtered,
        find,
        fold,
        fold_to_utf16,
        greedy,
        intersections,
        join_segments,
        joined_rows,
        json_texts,
        json_unquoted,
        least_runs,
        line_feeds,
        line_spans,
        merge_entries,
        number_tokens,
        outlines,
        readings,
        repeated,
        repeated_bands,
        repeated_in_runs,
        segment_sets,
        segment_widths,
        shingle_band_keys,
        shingle_sets,
        shingle_signatures,
        shingles,
        signatures,
        span_places,
        starts_among,
        take_codes,
        take_segments,
        taken_offsets,
        template_starts,
        templates,
        text_band_keys,
        text_digests,
        text_glances,
        to_utf16,
        utf8_codes,
        wanted_band_keys,
    )
else:
    from dedup.kernel.fold_reference import columns, fold, fold_to_utf16, join_segments, segment_widths
    from dedup.kernel.greedy_reference import greedy
    from dedup.kernel.json_reference import json_texts, json_unquoted, utf8_codes
    from dedup.kernel.line_reference import line_feeds, line_spans, outlines, readings
    from dedup.kernel.lookup_reference import filter_lines, filtered, find, merge_entries
    from dedup.kernel.number_reference import number_tokens
    from dedup.kernel.reference import (
        band_keys,
        collisions,
        components,
        dense,
        digests,
        intersections,
        repeated,
        repeated_bands,
        repeated_in_runs,
        segment_sets,
        shingle_band_keys,
        shingle_sets,
        shingle_signatures,
        shingles,
        signatures,
        take_codes,
        take_segments,
        taken_offsets,
        to_utf16,
    )
    from dedup.kernel.row_reference import joined_rows
    from dedup.kernel.template_reference import starts_among, template_starts, templates
    from dedup.kernel.text_reference import text_band_keys, text_digests, text_glances, wanted_band_keys
    from dedup.kernel.utf8_reference import least_runs, span_places

__all__ = [
    "NAME",
    "WARNING",
    "Acceptable",
    "Choice",
    "Column",
    "NumbersAgree",
    "PassagesCovered",
    "Picked",
    "Quoted",
    "annotations",
    "band_keys",
    "collisions",
    "columns",
    "components",
    "dense",
    "digests",
    "filter_lines",
    "filtered",
    "find",
    "fold",
    "fold_to_utf16",
    "greedy",
    "intersections",
    "join_segments",
    "joined_rows",
    "json_texts",
    "json_unquoted",
    "least_runs",
    "line_feeds",
    "line_spans",
    "merge_entries",
    "number_tokens",
    "outlines",
    "permutations",
    "readings",
    "repeated",
    "repeated_bands",
    "repeated_in_runs",
    "segment_sets",
    "segment_widths",
    "shingle_band_keys",
    "shingle_sets",
    "shingle_signatures",
    "shingles",
    "signatures",
    "span_places",
    "starts_among",
    "take_codes",
    "take_segments",
    "taken_offsets",
    "template_starts",
    "templates",
    "text_band_keys",
    "text_digests",
    "text_glances",
    "to_utf16",
    "utf8_codes",
    "wanted_band_keys",
]
