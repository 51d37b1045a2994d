"""The meaning of lines: where they are, and how rules read them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from dedup.kernel.fold_reference import BLANK, INVISIBLE, SPACE, U16, FoldTable, Mask
from dedup.kernel.reference import I64, U8, U32, offsets_of

_LF, _CR, _LINE_SEPARATOR, _PARAGRAPH_SEPARATOR = 0x0A, 0x0D, 0x2028, 0x2029


def line_feeds(raw: bytes | memoryview) -> int:
    """How many line feeds stand in some bytes."""
    return int(np.count_nonzero(np.frombuffer(raw, np.uint8) == _LF))


def line_spans(codes: U32, offsets: I64, table: FoldTable) -> tuple[I64, I64, I64, Mask]:
    """The lines of several texts, blank ones too, see `dedup.text.line_spans`.

    Args:
        codes, offsets: uint32 segment array; no line reaches from one segment into the next.
        table: its flags say what is white space or invisible.

    Returns:
        (starts, content_ends, ends, is_blank): int64, int64, int64, bool [lines].
    """
    starts, content_ends, ends = _lines(codes, offsets)
    if not len(starts):
        return starts, content_ends, ends, np.zeros(0, bool)
    shows = (table.flags[codes] & (SPACE | INVISIBLE)) == 0
    return starts, content_ends, ends, ~np.logical_or.reduceat(shows, starts)


def _lines(codes: U32, offsets: I64) -> tuple[I64, I64, I64]:
    """Where all lines start, their contents end, and they end."""
    breaks, stops = _breaks(codes), offsets[1:]
    is_cr = codes[breaks] == _CR
    in_crlf = np.zeros(len(breaks), bool)  # a CR whose LF is the next break
    in_crlf[:-1] = is_cr[:-1] & (np.diff(breaks) == 1) & (codes[breaks[1:]] == _LF)
    in_crlf[np.isin(breaks + 1, stops)] = False
    lasts = breaks[~in_crlf]
    after_cr = np.zeros(len(breaks), bool)
    after_cr[1:] = in_crlf[:-1]
    ends = np.union1d(lasts + 1, stops[stops > 0])
    content_ends = ends.copy()
    content_ends[np.searchsorted(ends, lasts + 1)] = lasts - after_cr[~in_crlf]
    starts = np.concatenate((np.zeros(min(len(ends), 1), np.int64), ends[:-1]))
    return starts, content_ends, ends


def _breaks(codes: U32) -> I64:
    """The places of all code points that end lines."""
    candidates = np.flatnonzero((codes <= _CR) | ((codes | 1) == _PARAGRAPH_SEPARATOR))
    found = codes[candidates]
    is_break = (found == _LF) | (found == _CR) | (found >= _LINE_SEPARATOR)
    breaks: I64 = candidates[is_break]
    return breaks


SIGNS, UNSEEN, WHITE, CLOSES, MARKED = 0x7FF, 0x800, 0x1000, 0x2000, 0x4000


class LineTable(NamedTuple):
    """What lines are looked at by.

    Attributes:
        signs: uint16 [0x110000], of each code point: UNSEEN where none is seen, WHITE for white space, CLOSES for what
            may stand behind the last character of a line, MARKED for what is to be found wherever it stands; and up to
            eleven SIGNS.
        openers: the signs that are told wherever they stand; any other is where the sign of the bit below is told of
            the code point before it that is seen.
        kinds: uint16 [0x110000], of each code point where it stands at the beginning of a line; 0 is that of nothing.
        beginnings: uint8 [kinds, kinds], what is told of a line by the kinds of its first two characters.
        endings: uint8 [0x110000], by its last.
    """

    signs: U16
    openers: int
    kinds: U16
    beginnings: U8
    endings: U8


class Outlines(NamedTuple):
    """The lines of texts in which a character is, and what they look like.

    The characters of a line are its code points that are seen, but white space at its ends and behind other.

    Attributes:
        first: int64 [texts + 1], the lines of text t are first[t] ... first[t + 1] - 1.
        starts, content_ends, ends: int64 [lines], see `line_spans`.
        chars: int64 [lines], how many characters.
        lasts: uint32 [lines], the last code point that is seen before any that close the line, 0 if none.
        signs: uint16 [lines], the signs that are told of its characters.
        beginnings, endings: uint8 [lines], what the table tells of its first two characters, and of the last one.
        marked: int64, the places of all code points that are marked, rising; those of other lines, too.
    """

    first: I64
    starts: I64
    content_ends: I64
    ends: I64
    chars: I64
    lasts: U32
    signs: U16
    beginnings: U8
    endings: U8
    marked: I64


def outlines(codes: U32, offsets: I64, table: LineTable) -> Outlines:
    """The lines of several texts, and what they look like, for which none need be written.

    Args:
        codes, offsets: uint32 segment array; no line reaches from one segment into the next.
        table: what is told by.
    """
    if (codes >= len(table.signs)).any():
        raise ValueError("code points must be below 0x110000")
    starts, content_ends, ends = _lines(codes, offsets)
    words = table.signs[codes]
    contents = map(slice, starts.tolist(), content_ends.tolist())
    found = [_outline(codes[content], words[content], table) for content in contents]
    shown = np.array([line is not None for line in found], bool)
    told = np.array([line for line in found if line is not None], np.int64).reshape(-1, 5).T
    dtypes = np.int64, np.uint32, np.uint16, np.uint8, np.uint8
    columns = (column.astype(dtype) for column, dtype in zip(told, dtypes, strict=True))
    edges = (of_lines[shown] for of_lines in (starts, content_ends, ends))
    return Outlines._make((np.searchsorted(starts[shown], offsets), *edges, *columns, np.flatnonzero(words & MARKED)))


def _outline(codes: U32, words: U16, table: LineTable) -> tuple[int, int, int, int, int] | None:
    """Of a line its characters, the last of them, its signs, beginning and ending; None if there are none."""
    seen = [(code, word) for code, word in zip(codes.tolist(), words.tolist(), strict=True) if not word & UNSEEN]
    told = signs = 0
    for _, word in seen:
        told = (told << 1 | table.openers) & word & SIGNS
        signs |= told
    while seen and seen[0][1] & WHITE:
        seen = seen[1:]
    while seen and seen[-1][1] & WHITE:
        seen = seen[:-1]
    if not seen:
        return None
    chars = len(seen) - sum(bool(word & other & WHITE) for (_, word), (_, other) in pairwise(seen))
    first, second = int(table.kinds[seen[0][0]]), int(table.kinds[seen[1][0]]) if len(seen) > 1 else 0
    if max(first, second) >= len(table.beginnings):
        raise ValueError(f"kinds must be below {len(table.beginnings)}, found {max(first, second)}")
    while seen and seen[-1][1] & CLOSES:
        seen = seen[:-1]
    last = seen[-1][0] if seen else 0
    return chars, last, signs, int(table.beginnings[first, second]), int(table.endings[last])


def readings(codes: U32, starts: I64, ends: I64, table: U32) -> tuple[U8, I64]:
    """Lines as rules read them: white space at the ends goes, inside it becomes one U+0020.

    Args:
        codes: uint32 [n], the code points of a text.
        starts, ends: int64 [lines], the lines, which may lie in any order.
        table: uint32 [0x110000], what each code point is read as, 0 if it is not seen; U+0020 stands for white space.

    Returns:
        uint8 segment array, a line a segment, in UTF-8 (a surrogate is three bytes), with a line feed at its end.
    """
    read = [_read(words) for words in _of_lines(codes, starts, ends, table)]
    lines = ["".join(map(chr, line)).encode("utf-8", "surrogatepass") + b"\n" for line in read]
    return np.frombuffer(b"".join(lines), np.uint8), offsets_of(np.array(list(map(len, lines)), np.int64))


def _of_lines(codes: U32, starts: I64, ends: I64, table: U32) -> Iterator[list[int]]:
    """What the table says of the code points of each line."""
    for number, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        if not 0 <= start <= end <= len(codes):
            raise ValueError(f"lines must lie within the text, but line {number} is {start} to {end} of {len(codes)}")
        yield table[codes[start:end]].tolist()


def _read(words: list[int]) -> list[int]:
    """The characters of a line."""
    line: list[int] = []
    for code in words:
        if code and not (code == BLANK and line[-1:] in ([], [BLANK])):
            line.append(code)
    return line[:-1] if line[-1:] == [BLANK] else line
