"""The compiled twin of the reference: the same functions, bit for bit, several times to a hundred times faster.

The arrays are made here and filled by `dedup.kernel._native`, which checks the type, shape and layout of all that it is
handed, every offset and every code point, and raises ValueError before it reads or writes a byte outside. What each
function means is said where the reference defines it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import dedup.kernel._native as _native  # noqa: PLR0402  (the package is a layer above this file)
from dedup.kernel.fold_reference import SYLLABLES, TONED_LETTERS, WIDE, Folded, FoldTable, tone_place
from dedup.kernel.fold_reference import fold as reference_fold
from dedup.kernel.greedy_reference import Acceptable, Choice, NumbersAgree, PassagesCovered
from dedup.kernel.line_reference import LineTable, Outlines
from dedup.kernel.lookup_reference import Mask
from dedup.kernel.reference import I32, I64, U8, U16, U32, U64
from dedup.kernel.reference import take_segments as reference_take
from dedup.kernel.row_reference import Column, Quoted


def take_segments(flat: NDArray, offsets: I64, segments: I64) -> tuple[NDArray, I64]:  # type: ignore[type-arg]
    """See the reference; here segments count from 0 up only, and the array has one dimension."""
    bounds = taken_offsets(flat, offsets, segments)
    taken = np.empty(bounds[-1], flat.dtype)
    _native.take_segments(flat, offsets, segments, taken)
    return taken, bounds


def taken_offsets(flat: NDArray, offsets: I64, segments: I64) -> I64:  # type: ignore[type-arg]
    """See the reference; here segments count from 0 up only."""
    taken = np.empty(len(segments) + 1, np.int64)
    _native.taken_offsets(len(flat), offsets, segments, taken)
    return taken


def to_utf16(codes: U32, offsets: I64) -> tuple[U16, I64]:
    """See the reference."""
    units, unit_offsets = np.empty(2 * len(codes), np.uint16), np.empty(len(offsets), np.int64)
    _native.to_utf16(codes, offsets, units, unit_offsets)
    return units[: unit_offsets[-1]], unit_offsets


def take_codes(text: U16 | U32, offsets: I64, segments: I64) -> tuple[U32, I64]:
    """See the reference; here segments count from 0 up only."""
    if text.dtype != np.uint16:
        return take_segments(text, offsets, segments)
    code_offsets = taken_offsets(text, offsets, segments)
    codes = np.empty(code_offsets[-1], np.uint32)
    _native.take_codes(text, offsets, segments, codes, code_offsets)
    return codes[: code_offsets[-1]], code_offsets


def join_segments(
    folded: U16 | U32, offsets: I64, segments: I64, groups: I64, table: FoldTable
) -> tuple[U32, I64, I64]:
    """See the reference; here segments count from 0 up only."""
    most = taken_offsets(folded, offsets, segments)[-1] + len(segments) + 1
    joined = np.empty(most, np.uint32)
    joined_offsets, begins = np.empty(len(groups), np.int64), np.empty(len(segments), np.int64)
    _native.join_segments(folded, offsets, segments, groups, table.flags, joined, joined_offsets, begins)
    return joined[: joined_offsets[-1]], joined_offsets, begins


def digests(folded: U32, offsets: I64) -> U64:
    """See the reference."""
    found = np.empty((max(len(offsets) - 1, 0), 2), np.uint64)
    _native.digests(folded, offsets, found)
    return found


def shingles(folded: U32, offsets: I64, widths: U8, size: int) -> tuple[U64, I64]:
    """See the reference; here *size* is at most 255."""
    hashes = np.empty(len(folded), np.uint64)
    hash_offsets = np.empty(len(offsets), np.int64)
    _native.shingles(folded, offsets, widths, size, hashes, hash_offsets)
    return hashes[: hash_offsets[-1]], hash_offsets


def segment_sets(hashes: U64, offsets: I64) -> tuple[U64, I64]:
    """See the reference."""
    sets = np.empty(len(hashes), np.uint64)
    set_offsets = np.empty(len(offsets), np.int64)
    _native.segment_sets(hashes, offsets, sets, set_offsets)
    return sets[: set_offsets[-1]], set_offsets


def shingle_sets(folded: U32, offsets: I64, widths: U8, size: int) -> tuple[U64, I64]:
    """See the reference; no hash is written to memory that is not in a set."""
    sets = np.empty(len(folded), np.uint64)
    set_offsets = np.empty(len(offsets), np.int64)
    _native.shingle_sets(folded, offsets, widths, size, sets, set_offsets)
    return sets[: set_offsets[-1]], set_offsets


def signatures(hashes: U64, offsets: I64, a: U32, b: U32) -> U32:
    """See the reference."""
    signature = np.empty((max(len(offsets) - 1, 0), len(a)), np.uint32)
    _native.signatures(hashes, offsets, a, b, signature)
    return signature


def shingle_signatures(folded: U32, offsets: I64, widths: U8, size: int, a: U32, b: U32) -> U32:
    """See the reference; no hash is written to memory."""
    signature = np.empty((max(len(offsets) - 1, 0), len(a)), np.uint32)
    _native.shingle_signatures(folded, offsets, widths, size, a, b, signature)
    return signature


def shingle_band_keys(folded: U32, offsets: I64, widths: U8, size: int, a: U32, b: U32, bands: int, rows: int) -> U64:
    """See the reference; neither hash nor signature is written to memory."""
    keys = np.empty((bands, max(len(offsets) - 1, 0)), np.uint64)
    _native.shingle_band_keys(folded, offsets, widths, size, a, b, bands, rows, keys)
    return keys


def text_digests(folded: U16 | U32, offsets: I64, segments: I64, groups: I64, table: FoldTable) -> U64:
    """See the reference; the joined texts are not written to memory."""
    found = np.empty((max(len(groups) - 1, 0), 2), np.uint64)
    _native.text_digests(folded, offsets, segments, groups, table.flags, found)
    return found


def text_glances(folded: U16 | U32, offsets: I64, segments: I64, groups: I64, table: FoldTable) -> U64:
    """See the reference; the joined texts are not written to memory."""
    found = np.empty(max(len(groups) - 1, 0), np.uint64)
    _native.text_glances(folded, offsets, segments, groups, table.flags, found)
    return found


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
    """See the reference; no text, hash or signature is written to memory, and every shingle is signed once."""
    brief = keys.dtype == np.uint32
    _native.text_band_keys(
        *texts, nested, table.flags, _wide_run(table), size, *permutations, len(keys), rows, brief, keys, first,
        nested_keys, nested_first,
    )  # fmt: skip


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
    """See the reference; here *size* is at most 255."""
    _native.wanted_band_keys(
        *texts, table.flags, _wide_run(table), size, *permutations, len(keys), rows, wanted, keys, first
    )


def band_keys(signature: U32, bands: int, rows: int) -> U64:
    """See the reference."""
    keys = np.empty((bands, len(signature)), np.uint64)
    _native.band_keys(signature, bands, rows, keys)
    return keys


def collisions(keys: U64) -> I32:
    """See the reference."""
    groups = np.empty(len(keys), np.int32)
    _native.collisions(keys, groups)
    return groups


def repeated(keys: U32 | U64) -> Mask:
    """See the reference."""
    found = np.empty(len(keys), bool)
    _native.repeated(keys, keys.dtype == np.uint32, found)
    return found


def repeated_bands(keys: U32 | U64, more: U32 | U64, column: I32, salt: U64, found: Mask) -> None:
    """See the reference."""
    _native.repeated_bands(keys, more, column, salt, keys.dtype == np.uint32, found)


def repeated_in_runs(keys: U32 | U64, more: U32 | U64, column: I32, asks: Mask, runs: I64) -> Mask:
    """See the reference."""
    found = np.empty(len(column), bool)
    _native.repeated_in_runs(keys, more, column, asks, runs, keys.dtype == np.uint32, found)
    return found


def dense(groups: I32, batch: I64) -> I32:
    """See the reference."""
    numbered = np.empty(groups.shape, np.int32)
    _native.dense(groups, batch, numbered)
    return numbered


def components(groups: I32) -> I64:
    """See the reference; 8 bytes a text and 4 more while it runs."""
    found = np.empty(groups.shape[-1], np.int64)
    _native.components(groups, found)
    return found


def intersections(sets: U64, offsets: I64, left: I64, right: I64) -> I64:
    """See the reference."""
    shared = np.empty(len(left), np.int64)
    _native.intersections(sets, offsets, left, right, shared)
    return shared


def filter_lines(keys: U64, lines: int, first: int, end: int, salt: int = 0) -> U64:
    """See the reference."""
    found = np.empty((max(end - first, 0), 8), np.uint64)
    _native.filter_lines(keys, lines, first, salt, found)
    return found


def filtered(lines: U64, wanted: U64, salt: int = 0) -> tuple[I64, int]:
    """See the reference."""
    numbers = np.empty(len(wanted), np.int64)
    count, damaged = _native.filtered(lines, wanted, salt, numbers)
    return numbers[:count], damaged


def find(blocks: U8, first: U64, sound: Mask, entries: int, wanted: U64) -> tuple[I64, U32] | None:
    """See the reference."""
    room = len(wanted)
    while True:
        room += 64  # most keys have one place or none
        numbers, places = np.empty(room, np.int64), np.empty(room, np.uint32)
        hits = _native.find(blocks, first, sound, entries, wanted, numbers, places)
        if hits < 0:
            return None
        if hits <= room:
            return numbers[:hits], places[:hits]
        room = hits


def merge_entries(keys: U64, places: U32, offsets: I64) -> tuple[U64, U32]:
    """See the reference."""
    merged = np.empty(len(keys), np.uint64), np.empty(len(keys), np.uint32)
    _native.merge_entries(keys, places, offsets, *merged)
    return merged


@lru_cache(maxsize=2)
def _words(table: FoldTable) -> tuple[U32, U16]:
    """Mapping and flags of each code point in one word; and the unit that it folds to, where it always does."""
    words, plain = np.empty(len(table.mapping), np.uint32), np.empty(len(table.mapping), np.uint16)
    _native.pack_table(table.mapping, table.flags, table.expansion_offsets, table.expansions, words, plain)
    return words, plain


@lru_cache(maxsize=1)
def _pinyin() -> tuple[U8, U64]:
    """The letters of romanised annotations and their syllables, see `Pinyin` in cpp/fold.h."""
    number = {letter: place for place, letter in enumerate("abcdefghijklmnopqrstuvwxyzü", 1)}
    plain = number | {letter.upper(): of for letter, of in number.items()} | {"ɑ": number["a"], "ɡ": number["g"]}
    toned = {letter: number[of] | 128 for letter, of in TONED_LETTERS.items()}
    letters = np.zeros(max(map(ord, toned)) + 1, np.uint8)
    for letter, of in (plain | toned).items():
        letters[ord(letter)] = of
    keys = [
        sum(number[letter] << 5 * place for place, letter in enumerate(reversed(syllable))) | tone_place(syllable) << 32
        for syllable in SYLLABLES
    ]
    return letters, np.array(sorted(keys), np.uint64)


def fold(codepoints: U32, offsets: I64, table: FoldTable) -> tuple[U32, I64]:
    """See the reference, to which segments with combining characters are left."""
    arguments = _fold_arguments(codepoints, offsets, table)
    folded_offsets = np.empty(len(offsets), np.int64)
    hard = np.empty(max(len(offsets) - 1, 0), bool)  # left to the reference, empty here
    room = len(codepoints)
    while True:
        room += room // 8 + 64  # expansions are rare; where they are not, it is tried again with more
        folded = np.empty(room, np.uint32)
        if _native.fold(*arguments, hard, folded, folded_offsets):
            break
    folded = folded[: folded_offsets[-1]]
    if not hard.any():
        return folded, folded_offsets
    return _filled_in(folded, folded_offsets, hard, *_folded_elsewhere(codepoints, offsets, hard, table))


def fold_to_utf16(codepoints: U32, offsets: I64, table: FoldTable) -> Folded:
    """See the reference, to which segments with combining characters are left."""
    arguments = _fold_arguments(codepoints, offsets, table)
    segments = max(len(offsets) - 1, 0)
    unit_offsets, chars, widths = (np.empty(count, np.int64) for count in (len(offsets), segments, segments))
    hard = np.empty(segments, bool)
    room = 2 * len(codepoints)
    while True:
        room += room // 8 + 64  # memory that is not written to is not taken
        units = np.empty(room, np.uint16)
        if _native.fold_to_utf16(*arguments, hard, units, unit_offsets, chars, widths):
            break
    units = units[: unit_offsets[-1]]
    if hard.any():
        others, others_offsets = _folded_elsewhere(codepoints, offsets, hard, table)
        chars[hard], widths[hard] = np.diff(others_offsets), segment_widths(others, others_offsets, table)
        units, unit_offsets = _filled_in(units, unit_offsets, hard, *to_utf16(others, others_offsets))
    return Folded(units, unit_offsets, chars, widths)


def _fold_arguments(
    codepoints: U32, offsets: I64, table: FoldTable
) -> tuple[U32, I64, U32, U16, U16, U8, U64, I64, U32]:
    expansions = table.expansion_offsets, table.expansions
    return codepoints, offsets, *_words(table), table.flags, *_pinyin(), *expansions


def _folded_elsewhere(codepoints: U32, offsets: I64, hard: Mask, table: FoldTable) -> tuple[U32, I64]:
    """Segments folded by the reference."""
    return reference_fold(*reference_take(codepoints, offsets, np.flatnonzero(hard)), table)


def _filled_in(flat: NDArray, offsets: I64, empty: Mask, others: NDArray, others_offsets: I64) -> tuple[NDArray, I64]:  # type: ignore[type-arg]
    """Segments, and in place of those that are empty the others."""
    whole, whole_offsets = np.empty(len(flat) + len(others), flat.dtype), np.empty(len(offsets), np.int64)
    _native.fill_in(flat, offsets, empty, others, others_offsets, whole, whole_offsets)
    return whole, whole_offsets


@lru_cache(maxsize=2)
def _wide_run(table: FoldTable) -> tuple[int, int]:
    """The longest run of wide code points of those that texts are made of, below 0x10000: its first, and how many."""
    edges = np.flatnonzero(np.diff(table.flags[:0x10000] & WIDE, prepend=0, append=0))
    first, count = edges[::2], np.diff(edges)[::2]
    longest = int(np.argmax(count))
    return int(first[longest]), int(count[longest])


def columns(folded: U32, table: FoldTable) -> U8:
    """See the reference."""
    found = np.empty(len(folded), np.uint8)
    _native.columns(folded, table.flags, _wide_run(table), found)
    return found


def segment_widths(folded: U32, offsets: I64, table: FoldTable) -> I64:
    """See the reference."""
    found = np.empty(max(len(offsets) - 1, 0), np.int64)
    _native.widths(folded, offsets, table.flags, _wide_run(table), found)
    return found


def number_tokens(folded: U32, offsets: I64, table: FoldTable) -> tuple[U64, I64]:
    """See the reference."""
    hashes = np.empty(len(folded), np.uint64)
    token_offsets = np.empty(len(offsets), np.int64)
    _native.number_tokens(folded, offsets, table.flags, hashes, token_offsets)
    return hashes[: token_offsets[-1]].copy(), token_offsets  # a copy: numbers are few, the array is long


def line_feeds(raw: bytes | memoryview) -> int:
    """See the reference."""
    return _native.line_feeds(raw)


def line_spans(codes: U32, offsets: I64, table: FoldTable) -> tuple[I64, I64, I64, Mask]:
    """See the reference."""
    starts, content_ends, ends = (np.empty(len(codes), np.int64) for _ in range(3))
    is_blank = np.empty(len(codes), bool)
    count = _native.line_spans(codes, offsets, table.flags, starts, content_ends, ends, is_blank)
    return starts[:count].copy(), content_ends[:count].copy(), ends[:count].copy(), is_blank[:count].copy()


def outlines(codes: U32, offsets: I64, table: LineTable) -> Outlines:
    """See the reference."""
    most = len(codes)  # lines; memory that is not written to is not taken
    first = np.empty(len(offsets), np.int64)
    numbers = [np.empty(most, np.int64) for _ in range(4)]
    told: list[NDArray[Any]] = [np.empty(most, dtype) for dtype in (np.uint32, np.uint16, np.uint8, np.uint8)]
    marked = np.empty(most, np.int64)
    lines, marks = _native.outlines(codes, offsets, *table, (first, *numbers, *told, marked))
    columns = (array[:lines].copy() for array in (*numbers, *told))
    return Outlines._make((first, *columns, marked[:marks].copy()))


def readings(codes: U32, starts: I64, ends: I64, table: U32) -> tuple[U8, I64]:
    """See the reference."""
    lengths = np.clip(ends - starts, 0, len(codes))  # lines outside of the text ask for no memory: they are refused
    read = np.empty(4 * int(lengths.sum()) + len(starts), np.uint8)
    bounds = np.empty(len(starts) + 1, np.int64)
    _native.readings(codes, starts, ends, table, read, bounds)
    return read[: bounds[-1]], bounds


def templates(folded: U32, offsets: I64, table: FoldTable) -> tuple[U32, I64]:
    """See the reference."""
    found = np.empty(len(folded), np.uint32)
    found_offsets = np.empty(len(offsets), np.int64)
    _native.templates(folded, offsets, table.flags, found, found_offsets)
    return found[: found_offsets[-1]], found_offsets


def template_starts(folded: U16 | U32, offsets: I64, segments: I64, table: FoldTable, count: int) -> U64:
    """See the reference; here segments count from 0 up only."""
    found = np.empty(len(segments), np.uint64)
    _native.template_starts(folded, offsets, segments, table.flags, count, found)
    return found


def starts_among(folded: U16 | U32, offsets: I64, segments: I64, table: FoldTable, count: int, starts: U64) -> Mask:
    """See the reference; here segments count from 0 up only. Of most lines of Chinese no more is read than that."""
    found = np.empty(len(segments), bool)
    _native.starts_among(folded, offsets, segments, table.flags, count, starts, found)
    return found


def span_places(utf8: U8, offsets: I64, text: I64, starts: I64, ends: I64, taken: Mask) -> tuple[I64, I64, I64]:
    """See the reference."""
    new_ends, from_byte, to_byte = (np.empty(len(text), np.int64) for _ in range(3))
    _native.span_places(utf8, offsets, text, starts, ends, taken, new_ends, from_byte, to_byte)
    return new_ends, from_byte, to_byte


def joined_rows(columns: Sequence[Column], count: int) -> tuple[bytes, I64]:
    """See the reference."""
    offsets = np.empty(count + 1, np.int64)
    given = ((isinstance(of, Quoted), *of) if isinstance(of, tuple) else of for of in columns)
    return _native.joined_rows(tuple(given), offsets), offsets


def utf8_codes(utf8: U8, bounds: I64) -> tuple[U32, I64] | None:
    """See the reference."""
    codes, offsets = np.empty(len(utf8), np.uint32), np.empty(len(bounds), np.int64)  # not taken as far as not written
    return (codes[: offsets[-1]], offsets) if _native.utf8_codes(utf8, bounds, codes, offsets) else None


def json_texts(raw: bytes | memoryview, names: Sequence[str]) -> tuple[U32, I64, I64] | None:
    """See the reference."""
    most = len(raw) // len('{"":""}\n') + 1  # lines; memory that is not written to is not taken
    codes, offsets = np.empty(len(raw), np.uint32), np.empty(most + 1, np.int64)
    spans = np.empty((most, len(names) - 1, 2), np.int64)
    lines = _native.json_texts(raw, tuple(name.encode(errors="surrogatepass") for name in names), codes, offsets, spans)
    if lines < 0:
        return None
    offsets, spans = offsets[: lines + 1].copy(), spans[:lines].copy()
    return codes[: offsets[-1]], offsets, spans


def json_unquoted(raw: U8, starts: I64, ends: I64, utf8: U8) -> tuple[I64, I64] | None:
    """See the reference."""
    offsets, lengths = np.empty(len(starts) + 1, np.int64), np.empty(len(starts), np.int64)
    return (offsets, lengths) if _native.json_unquoted(raw, starts, ends, utf8, offsets, lengths) else None


def least_runs(utf8: U8, offsets: I64) -> U64:
    """See the reference."""
    found = np.empty(max(len(offsets) - 1, 0), np.uint64)
    _native.least_runs(utf8, offsets, found)
    return found


def greedy(
    sets: U64,
    offsets: I64,
    chars: I64,
    groups: I32,
    fixed: Mask,
    threshold: Fraction,
    short_chars: int,
    short_containment: Fraction,
    bucket: int,
    acceptable: Acceptable,
) -> Choice:
    """See the reference. Python is called only for texts that verify, and where *acceptable* is `NumbersAgree` or
    `PassagesCovered` never.

    The threshold lies above 0 and is at most 1; both fractions have denominators of at most 2**30.
    """
    count = max(len(offsets) - 1, 0)
    shown = np.empty(count, np.int64)

    def first(text: int, met: int) -> int:
        """The first of the texts shown that is admitted, -1 for none."""
        admitted: list[int] = np.flatnonzero(acceptable(text, shown[:met].copy())).tolist()
        return admitted[0] if admitted else -1

    rule: Callable[[int, int], int] | None = first
    numbers, covering = None, None
    if isinstance(acceptable, NumbersAgree):
        rule, numbers = None, acceptable
    if isinstance(acceptable, PassagesCovered):
        rule, numbers = None, acceptable.numbers
        covering = (
            acceptable.sets,
            acceptable.offsets,
            acceptable.folded,
            acceptable.folded_offsets,
            acceptable.longer,
            acceptable.longer_offsets,
            acceptable.masked,
            acceptable.masked_offsets,
            acceptable.table.flags,
            _wide_run(acceptable.table),
            acceptable.size,
            (acceptable.threshold.numerator, acceptable.threshold.denominator),
        )
    keeper, linked, shared, united = (np.empty(count, np.int64) for _ in range(4))
    full = _native.choose(
        sets,
        offsets,
        chars,
        groups,
        fixed,
        (threshold.numerator, threshold.denominator),
        short_chars,
        (short_containment.numerator, short_containment.denominator),
        bucket,
        rule,
        shown,
        None if numbers is None else (numbers.numbers, numbers.offsets),
        covering,
        (keeper, linked, shared, united),
    )
    return Choice(keeper, linked, shared, united, full)


def levels() -> list[str]:
    """The instruction sets that this machine and build have, from the best down; the first is in use."""
    return _native.levels()


def use_level(name: str) -> str:
    """Goes over to another instruction set, for tests and measurements; the name of the one before."""
    return _native.use_level(name)
