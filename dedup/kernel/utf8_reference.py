"""The meaning of what is done in UTF-8: where code points stand, what a cut takes along, hashes."""

from __future__ import annotations

import re
from collections.abc import Sequence
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


def span_places(
    utf8: U8, offsets: I64, text: I64, starts: I64, ends: I64, taken: NDArray[np.bool_]
) -> tuple[I64, I64, I64]:
    """Where spans of texts stand in UTF-8, and where those end that are cut, with what `extended_ends` says they take.

    Args:
        utf8, offsets: segment array, one segment a text. Bytes 0b10xxxxxx begin no code point.
        text: int64 [spans], a text each, not falling.
        starts, ends: int64 [spans], code points from the start of the text, whose number means its end; the starts of
            one text do not fall.
        taken: bool [spans], what is cut; such spans do not overlap as a rule.

    Returns:
        (ends, from, to): int64 [spans], code points as *ends*, and bytes of *utf8*.

    Raises:
        ValueError: a span does not lie within its text, or the starts fall.
    """
    if (np.diff(text) < 0).any() or ((np.diff(text) == 0) & (np.diff(starts) < 0)).any() or (ends < starts).any():
        raise ValueError("texts and starts must not fall, and ends not lie before them")
    found = ends.copy()
    places = np.empty((2, len(text)), np.int64)
    for number in np.unique(text).tolist():
        if not 0 <= number < len(offsets) - 1:
            raise ValueError(f"there must be a text {number}")
        begin, end = offsets[number : number + 2].tolist()
        own = text == number
        begins = np.append(begin + np.flatnonzero((utf8[begin:end] & 0xC0) != 0x80), end)
        if starts[own].min() < 0 or ends[own].max() >= len(begins):
            raise ValueError(f"spans must lie within the text, but not all do in text {number}")
        places[:, own] = begins[starts[own]], begins[ends[own]]
        cut = own & taken
        spans = (places[:, cut] - begin).T.tolist()
        places[1, cut] = begin + np.array(extended_ends(utf8[begin:end].tobytes(), spans), np.int64)
        found[cut] = np.searchsorted(begins, places[1, cut])
    return found, places[0].copy(), places[1].copy()


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
