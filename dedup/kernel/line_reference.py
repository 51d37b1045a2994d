"""The meaning of lines: where they are, and how rules read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from dedup.kernel.fold_reference import BLANK, INVISIBLE, SPACE, U16, FoldTable, Mask
from dedup.kernel.reference import I64, U8, U32, offsets_of

_LF, _CR, _LINE_SEPARATOR, _PARAGRAPH_SEPARATOR = 0x0A, 0x0D, 0x2028, 0x2029


def marked(codes: U32, table: U8) -> I64:
    """The places of all code points that a table, uint8 [0x110000], does not give as 0: int64, rising."""
    return np.flatnonzero(table[codes])


def line_feeds(raw: bytes) -> int:
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
    if not len(starts):
        return starts, content_ends, ends, np.zeros(0, bool)
    shows = (table.flags[codes] & (SPACE | INVISIBLE)) == 0
    return starts, content_ends, ends, ~np.logical_or.reduceat(shows, starts)


def _breaks(codes: U32) -> I64:
    """The places of all code points that end lines."""
    candidates = np.flatnonzero((codes <= _CR) | ((codes | 1) == _PARAGRAPH_SEPARATOR))
    found = codes[candidates]
    is_break = (found == _LF) | (found == _CR) | (found >= _LINE_SEPARATOR)
    breaks: I64 = candidates[is_break]
    return breaks


_CLOSERS = frozenset(map(ord, "\"')]"))


_SIGNS = 21  # the bits of a code point, above which a table of readings has signs


class Outlines(NamedTuple):
    """What lines look like as rules read them, see `readings`.

    Attributes:
        lasts: uint32 [lines], the last character before any quotes and brackets that close the line, 0 if none.
        chars: int64 [lines], its characters.
        signs: uint16 [lines], the signs that are told of its characters.
        heads: uint32 [lines, 2], its first two characters, 0 where there are none.
    """

    lasts: U32
    chars: I64
    signs: U16
    heads: U32


def outlines(codes: U32, starts: I64, ends: I64, table: U32, openers: int) -> Outlines:
    """What lines look like, for which none need be written.

    Args:
        codes, starts, ends, table: see `readings`; above what each code point is read as, its signs << 21. There are
            eleven.
        openers: the signs that are told wherever they stand; any other is where the sign of the bit below is told of
            the code point before it that is seen.
    """
    lasts, chars = np.zeros(len(starts), np.uint32), np.zeros(len(starts), np.int64)
    signs, heads = np.zeros(len(starts), np.uint16), np.zeros((len(starts), 2), np.uint32)
    for number, words in enumerate(_of_lines(codes, starts, ends, table)):
        told = 0
        for word in words:
            if word % (1 << _SIGNS):
                told = (told << 1 | openers) & word >> _SIGNS
                signs[number] |= told
        line = _read(words)
        lasts[number] = next((code for code in reversed(line) if code not in _CLOSERS), 0)
        chars[number] = len(line)
        heads[number, : len(line)] = line[:2]
    return Outlines(lasts, chars, signs, heads)


def readings(codes: U32, starts: I64, ends: I64, table: U32) -> tuple[U8, I64]:
    """Lines as rules read them: white space at the ends goes, inside it becomes one U+0020.

    Args:
        codes: uint32 [n], the code points of a text.
        starts, ends: int64 [lines], the lines, which may lie in any order.
        table: uint32 [0x110000], what each code point is read as, 0 if it is not seen, in the lowest 21 bits; U+0020
            stands for white space.

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
    for word in words:
        code = word % (1 << _SIGNS)
        if code and not (code == BLANK and line[-1:] in ([], [BLANK])):
            line.append(code)
    return line[:-1] if line[-1:] == [BLANK] else line
