"""The compiled kernel: each function fills the arrays at the end of its arguments; see native.py and cpp/functions."""

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

def shingles(folded: Array, offsets: Array, widths: Array, size: int, hashes: Array, ends: Array, /) -> None: ...
def shingle_sets(folded: Array, offsets: Array, widths: Array, size: int, sets: Array, ends: Array, /) -> None: ...
def signatures(hashes: Array, offsets: Array, a: Array, b: Array, signature: Array, /) -> None: ...
def shingle_signatures(
    folded: Array, offsets: Array, widths: Array, size: int, a: Array, b: Array, signature: Array, /
) -> None: ...
def shingle_band_keys(
    folded: Array,
    offsets: Array,
    widths: Array,
    size: int,
    a: Array,
    b: Array,
    bands: int,
    rows: int,
    keys: Array,
    /,
) -> None: ...
def text_digests(
    folded: Array, offsets: Array, segments: Array, groups: Array, flags: Array, digests: Array, /
) -> None: ...
def text_glances(
    folded: Array, offsets: Array, segments: Array, groups: Array, flags: Array, glances: Array, /
) -> None: ...
def text_band_keys(
    folded: Array,
    offsets: Array,
    segments: Array,
    groups: Array,
    nested: Array,
    flags: Array,
    wide_run: tuple[int, int],
    size: int,
    a: Array,
    b: Array,
    bands: int,
    rows: int,
    brief: bool,
    keys: Array,
    first: int,
    nested_keys: Array,
    nested_first: int,
    /,
) -> None: ...
def wanted_band_keys(
    folded: Array,
    offsets: Array,
    segments: Array,
    groups: Array,
    flags: Array,
    wide_run: tuple[int, int],
    size: int,
    a: Array,
    b: Array,
    bands: int,
    rows: int,
    wanted: Array,
    keys: Array,
    first: int,
    /,
) -> None: ...
def segment_sets(hashes: Array, offsets: Array, sets: Array, ends: Array, /) -> None: ...
def digests(folded: Array, offsets: Array, digests: Array, /) -> None: ...
def band_keys(signature: Array, bands: int, rows: int, keys: Array, /) -> None: ...
def collisions(keys: Array, groups: Array, /) -> None: ...
def repeated(keys: Array, brief: bool, found: Array, /) -> None: ...
def dense(groups: Array, batch: Array, numbered: Array, /) -> None: ...
def components(groups: Array, components: Array, /) -> None: ...
def repeated_bands(keys: Array, more: Array, column: Array, salt: Array, brief: bool, found: Array, /) -> None: ...
def repeated_in_runs(
    keys: Array, more: Array, column: Array, asks: Array, runs: Array, brief: bool, found: Array, /
) -> None: ...
def intersections(sets: Array, offsets: Array, left: Array, right: Array, shared: Array, /) -> None: ...
def taken_offsets(elements: int, offsets: Array, segments: Array, taken: Array, /) -> None: ...
def take_segments(flat: Array, offsets: Array, segments: Array, taken: Array, /) -> None: ...
def to_utf16(codes: Array, offsets: Array, units: Array, ends: Array, /) -> None: ...
def take_codes(text: Array, offsets: Array, segments: Array, codes: Array, ends: Array, /) -> None: ...
def join_segments(
    folded: Array,
    offsets: Array,
    segments: Array,
    groups: Array,
    flags: Array,
    joined: Array,
    ends: Array,
    begins: Array,
    /,
) -> None: ...
def pack_table(
    mapping: Array, flags: Array, offsets: Array, expansions: Array, words: Array, plain: Array, /
) -> None: ...
def fold(
    codepoints: Array,
    offsets: Array,
    words: Array,
    plain: Array,
    flags: Array,
    letters: Array,
    syllables: Array,
    expansion_offsets: Array,
    expansions: Array,
    hard: Array,
    folded: Array,
    ends: Array,
    /,
) -> bool: ...
def fold_to_utf16(
    codepoints: Array,
    offsets: Array,
    words: Array,
    plain: Array,
    flags: Array,
    letters: Array,
    syllables: Array,
    expansion_offsets: Array,
    expansions: Array,
    hard: Array,
    units: Array,
    ends: Array,
    chars: Array,
    widths: Array,
    /,
) -> bool: ...
def fill_in(
    flat: Array, offsets: Array, empty: Array, others: Array, other_offsets: Array, whole: Array, ends: Array, /
) -> None: ...
def widths(folded: Array, offsets: Array, flags: Array, wide: tuple[int, int], widths: Array, /) -> None: ...
def columns(folded: Array, flags: Array, wide_run: tuple[int, int], columns: Array, /) -> None: ...
def number_tokens(folded: Array, offsets: Array, flags: Array, hashes: Array, ends: Array, /) -> None: ...
def filter_lines(keys: Array, lines: int, first: int, salt: int, found: Array, /) -> None: ...
def filtered(lines: Array, wanted: Array, salt: int, numbers: Array, /) -> tuple[int, int]: ...
def find(
    blocks: Array, first: Array, sound: Array, entries: int, wanted: Array, numbers: Array, places: Array, /
) -> int: ...
def merge_entries(keys: Array, places: Array, offsets: Array, merged_keys: Array, merged_places: Array, /) -> None: ...
def choose(
    sets: Array,
    offsets: Array,
    chars: Array,
    groups: Array,
    fixed: Array,
    threshold: tuple[int, int],
    short_chars: int,
    short_containment: tuple[int, int],
    bucket: int,
    rule: Callable[[int, int], int] | None,
    shown: Array,
    numbers: tuple[Array, Array] | None,
    covering: tuple[Any, ...] | None,
    chosen: tuple[Array, Array, Array, Array],
    /,
) -> int: ...
def line_feeds(raw: bytes | memoryview, /) -> int: ...
def line_spans(
    codes: Array,
    offsets: Array,
    flags: Array,
    starts: Array,
    content_ends: Array,
    ends: Array,
    is_blank: Array,
    /,
) -> int: ...
def outlines(
    codes: Array,
    offsets: Array,
    signs: Array,
    openers: int,
    kinds: Array,
    beginnings: Array,
    endings: Array,
    outlines: tuple[Array, ...],
    /,
) -> tuple[int, int]: ...
def readings(codes: Array, starts: Array, ends: Array, table: Array, read: Array, bounds: Array, /) -> None: ...
def template_starts(
    folded: Array, offsets: Array, segments: Array, flags: Array, count: int, found: Array, /
) -> None: ...
def starts_among(
    folded: Array, offsets: Array, segments: Array, flags: Array, count: int, starts: Array, found: Array, /
) -> None: ...
def templates(folded: Array, offsets: Array, flags: Array, templates: Array, ends: Array, /) -> None: ...
def span_places(
    utf8: Array,
    offsets: Array,
    text: Array,
    starts: Array,
    ends: Array,
    taken: Array,
    new_ends: Array,
    from_byte: Array,
    to_byte: Array,
    /,
) -> None: ...
def joined_rows(columns: tuple[bytes | Array | tuple[bool, Array, Array, Array], ...], offsets: Array, /) -> bytes: ...
def json_texts(
    raw: bytes | memoryview, names: tuple[bytes, ...], codes: Array, offsets: Array, spans: Array, /
) -> int: ...
def json_unquoted(raw: Array, starts: Array, ends: Array, utf8: Array, offsets: Array, lengths: Array, /) -> bool: ...
def utf8_codes(utf8: Array, offsets: Array, codes: Array, ends: Array, /) -> bool: ...
def least_runs(utf8: Array, offsets: Array, found: Array, /) -> None: ...
def levels() -> list[str]: ...
def use_level(name: str, /) -> str: ...
