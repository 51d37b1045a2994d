"""The meaning of what is done in UTF-8: where code points stand, what a cut takes along, hashes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from dedup.kernel.reference import I64, U8, U64, fmix64

_LINE_ENDS = re.compile(b"\r\n|[\n\r]|\xe2\x80[\xa8\xa9]")
# What `str.isspace` names, the full-width space and NBSP among it, and what has no width: U+180E, ZWSP to ZWJ, word
# joiner, BOM.
_WHITE = re.compile(
    b"(?:[\t-\r\x1c-\x20]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe1\xa0\x8e|\xe2\x80[\x80-\x8d\xa8\xa9\xaf]|\xe2\x81[\x9f\xa0]"
    b"|\xe3\x80\x80|\xef\xbb\xbf)*"
)


def _by_text(offsets: I64, text: I64, place: I64, what: str) -> Iterator[tuple[int, NDArray[np.bool_], int, int]]:
    """Each text that is named, which of the places are in it, and where it begins and ends."""
    if (np.diff(text) < 0).any() or ((np.diff(text) == 0) & (np.diff(place) < 0)).any():
        raise ValueError(f"{what} must not fall")
    for number in np.unique(text).tolist():
        if not 0 <= number < len(offsets) - 1:
            raise ValueError(f"there must be a text {number}")
        start, end = offsets[number : number + 2].tolist()
        yield number, text == number, start, end


def utf8_places(utf8: U8, offsets: I64, text: I64, place: I64) -> I64:
    """Where code points begin in UTF-8: int64 [places], bytes of *utf8*.

    Args:
        utf8, offsets: segment array, one segment a text.
        text: int64 [places], a text each, not falling.
        place: int64 [places], code points from the start of the text, in one text not falling; their number means the
            end of the text. Bytes 0b10xxxxxx begin none.

    Raises:
        ValueError: a text has no such place, or the places fall.
    """
    found = np.empty(len(text), np.int64)
    for number, own, start, end in _by_text(offsets, text, place, "places"):
        begins = np.append(start + np.flatnonzero((utf8[start:end] & 0xC0) != 0x80), end)
        if not ((place[own] >= 0) & (place[own] < len(begins))).all():
            raise ValueError(f"places must lie within the text, but not all do in text {number}")
        found[own] = begins[place[own]]
    return found


def cut_ends(utf8: U8, offsets: I64, text: I64, starts: I64, ends: I64) -> I64:
    """Where the cuts of some texts end once they take along what `extended_ends` says: int64 [cuts].

    Args:
        utf8, offsets: segment array, one segment a text.
        text: int64 [cuts], a text each, not falling.
        starts, ends: int64 [cuts], bytes of *utf8*, within the text; in one text the starts do not fall.

    Raises:
        ValueError: a cut does not lie within its text, or the starts fall.
    """
    found = np.empty(len(text), np.int64)
    for number, own, start, end in _by_text(offsets, text, starts, "cuts"):
        if not ((start <= starts[own]) & (starts[own] <= ends[own]) & (ends[own] <= end)).all():
            raise ValueError(f"cuts must lie within the text, but not all do in text {number}")
        spans = list(zip((starts[own] - start).tolist(), (ends[own] - start).tolist(), strict=True))
        found[own] = start + np.array(extended_ends(utf8[start:end].tobytes(), spans))
    return found


RUN = 4  # characters
_FACTOR = np.uint64(1_000_003)


def least_runs(utf8: U8, offsets: I64) -> U64:
    """For each text the least hash of a run of four characters in it: uint64 [texts], 2**64 - 1 where there is none.

    Two texts have it in common with a probability equal to the similarity of their sets of such runs (Broder 1997).

    Args:
        utf8, offsets: segment array, one segment a text. A character begins with a byte that is not 0b10xxxxxx; of one
            that is broken and longer the first four bytes count.
    """
    found = np.full(len(offsets) - 1, 2**64 - 1, np.uint64)
    for number, (start, end) in enumerate(pairwise(offsets.tolist())):
        begins = start + np.flatnonzero((utf8[start:end] & 0xC0) != 0x80)
        bytes_of = np.diff(np.append(begins, end))
        if len(begins) < RUN:
            continue
        character = np.zeros(len(begins), np.uint64)
        for place in range(4):
            has = bytes_of > place
            character[has] |= utf8[begins[has] + place].astype(np.uint64) << np.uint64(8 * place)
        count = len(begins) - RUN + 1
        hashes = np.zeros(count, np.uint64)
        for place in range(RUN):
            hashes = hashes * _FACTOR + character[place : place + count]
        found[number] = fmix64(hashes).min()
    return found


def extended_ends(text: bytes, spans: Sequence[tuple[int, int]]) -> list[int]:
    """Where cuts end once they take along what would be left of emptied lines, and blank lines nobody needs.

    A line with nothing but white space outside the spans goes as a whole: what follows a cut in it, the line end
    included, goes with that cut. (What precedes its first cut stays: a cut begins before its indentation.) Blank lines
    directly after it go too if the last line that stays before is blank or if there is none. So no more blank lines
    follow each other than did before, and the text does not begin with blank lines that a cut left. Two kept lines are
    never joined by the extension.

    Args:
        text: the text of an article in UTF-8.
        spans: (start, end) of its cuts in bytes, in order, without overlap.

    Returns:
        the new end of each span; no span reaches into the next. Takes time linear in the text.

    >>> extended_ends(b"A\\n\\nX\\n\\nB\\n", [(3, 4)])  # the blank line before stays, so the one after goes
    [6]
    >>> extended_ends(b"A\\nX\\n\\nB\\n", [(2, 4)])  # the only blank line between A and B stays
    [4]
    """
    ends = [end for _, end in spans]
    if not spans:
        return ends
    after_blank: bool | None = True  # is the last kept line blank or absent? None: look at it, at `last`
    last = (0, 0)
    glued = False  # the last kept line lost its line end to a cut
    taking = -1  # the cut that takes blank lines along
    i, count = 0, len(spans)  # the first span that ends behind the start of the line
    line = 0
    for stop in chain((found.end() for found in _LINE_ENDS.finditer(text)), [len(text)]):
        if i == count and taking < 0:
            break
        start, line = line, stop
        if i == count or spans[i][0] >= stop:
            if taking >= 0 and _is_white(text, start, stop):
                ends[taking] = stop
                continue
            taking = -1
            after_blank, last = (False if glued else None), (start, stop)
            glued = False
            continue
        first, at, empty = i, start, True
        while i < count and spans[i][0] < stop:
            begin, end = spans[i]
            empty = empty and (begin <= at or _is_white(text, at, begin))
            at = max(at, min(end, stop))
            if end > stop:
                break
            i += 1
        empty = empty and (at == stop or _is_white(text, at, stop))
        touching = i - 1 if i == count or spans[i][0] >= stop else i
        if not empty or (glued and at < stop):
            taking, after_blank, glued = -1, False, at == stop
            continue
        for j in range(first, touching):
            ends[j] = max(ends[j], spans[j + 1][0])
        ends[touching] = max(ends[touching], stop)
        if after_blank is None:
            after_blank = _is_white(text, *last)
        taking = touching if after_blank and not glued and spans[touching][1] <= stop else -1
    return ends


def _is_white(text: bytes, start: int, end: int) -> bool:
    found = _WHITE.match(text, start, end)
    return found is not None and found.end() == end
