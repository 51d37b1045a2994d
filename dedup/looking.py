"""Many articles looked at together: what `boilerplate.look` says of each, without a look at most of them.

Few articles hold anything that a rule or debris could name. One look-up a code point and one regular expression over
all lines tell which may; only those are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.boilerplate import LEAD_IN, SENTENCE, Mark, debris, in_order, judge_lines, look, markup_lines
from dedup.fold_table import load
from dedup.kernel.fold_reference import INVISIBLE, TONE
from dedup.kernel.reference import I64, U8, U32
from dedup.rules import reading_table, suspect_lines
from dedup.settings import Settings

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Looks:
    """What articles show by themselves. Arrays are [lines], of the lines that are not blank, all articles in a row.

    Attributes:
        masked: bool, lines that a rule or the markup rule names.
        shape: uint8, LEAD_IN or SENTENCE (see `dedup.boilerplate`).
        marks: article -> what was found in it, by start; only articles with anything.
    """

    masked: Mask
    shape: U8
    marks: Mapping[int, Sequence[Mark]]


def look_all(texts: Sequence[str], codes: U32, offsets: I64, lines: tuple[I64, I64, I64], settings: Settings) -> Looks:
    """What `boilerplate.look` says of each of several articles.

    Args:
        texts: their texts.
        codes, offsets: uint32 segment array, the code points of the texts.
        lines: int64 [lines] each: where each line that is not blank starts, its content ends, and it ends, in *codes*.
        settings: as for `boilerplate.look`.
    """
    starts, content_ends, ends = lines
    of_article = np.searchsorted(starts, offsets)
    read, bounds, lasts = kernel.readings(codes, starts, content_ends, reading_table())
    masked, shape = np.zeros(len(starts), bool), _shapes(lasts)
    marks: dict[int, tuple[Mark, ...]] = {}
    kinds = _kinds()[codes]
    toned, suspect_signs = (_articles_of(offsets, np.flatnonzero(kinds & kind)) for kind in (_TONED, _DEBRIS))
    for number in toned.tolist():  # what is read of them is not what was read above
        seen = look(texts[number], codes[offsets[number] : offsets[number + 1]], settings)
        own = slice(of_article[number], of_article[number + 1])
        masked[own], shape[own] = seen.masked, seen.shape
        marks[number] = seen.marks
    suspects = np.zeros(0, np.int64)
    if settings.boilerplate != "off":
        suspects = suspect_lines(read, bounds, settings.rules)
    openers = np.flatnonzero(np.isin(read[bounds[:-1]], _MARKUP_OPENERS))
    some = np.setdiff1d(_articles_of(of_article, np.append(suspects, openers)), toned)
    lows, highs = of_article[some], of_article[some + 1]
    rows = zip(
        *(edge.tolist() for edge in (some, lows, highs, offsets[some], bounds[lows], bounds[highs])),
        *(np.searchsorted(lines, edge).tolist() for lines in (suspects, openers) for edge in (lows, highs)),
        strict=True,
    )
    of_suspect = (suspects - of_article[_segments_of(of_article, suspects)]).tolist()
    for number, low, high, begin, read_from, read_to, first, last, first_opener, last_opener in rows:
        own_starts, own_ends = (starts[low:high] - begin).tolist(), (ends[low:high] - begin).tolist()
        markup: Sequence[int] = ()
        if first_opener < last_opener:
            markup = markup_lines(texts[number], own_starts, (content_ends[low:high] - begin).tolist())
        own_lines = read[read_from:read_to].tobytes().decode().split("\n")[:-1]
        found = judge_lines(own_lines, markup, of_suspect[first:last], own_starts, own_ends, settings)
        masked[low:high], marks[number] = found[0], tuple(found[1])
    for number in np.setdiff1d(suspect_signs, toned).tolist():
        begin, end = offsets[number], offsets[number + 1]
        own = slice(of_article[number], of_article[number + 1])
        signs = debris(texts[number], codes[begin:end], [], starts[own] - begin, ends[own] - begin, settings)
        marks[number] = in_order([*marks.get(number, ()), *signs])
    return Looks(masked, shape, {number: found for number, found in marks.items() if found})


def _articles_of(offsets: I64, places: I64) -> I64:
    """The segments in which the places lie, rising, each once."""
    return np.unique(_segments_of(offsets, places))


def _segments_of(offsets: I64, places: I64) -> I64:
    """The segment in which each place lies."""
    return np.searchsorted(offsets, places, side="right") - 1


_MARKUP_OPENERS = np.frombuffer(b"<&]", np.uint8)
_TONED, _DEBRIS = 1, 2
"""What a code point may be the sign of: an annotation; a control character or mojibake."""


@lru_cache(maxsize=1)
def _kinds() -> U8:
    """What each code point may be the sign of: uint8 [0x110000]."""
    flags = load().flags
    kinds = np.where(flags & TONE, np.uint8(_TONED), np.uint8(0))
    debris = np.flatnonzero((flags & INVISIBLE) > 0).tolist()
    debris += [code for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in range(0x09, 0x0E)]
    debris += list(map(ord, "?\ufffdÂÃâï锟烫屯"))
    kinds[debris] |= _DEBRIS
    return kinds


@lru_cache(maxsize=1)
def _shape_table() -> U8:
    shapes = np.zeros(0x110000, np.uint8)
    shapes[ord(":")] = LEAD_IN
    shapes[list(map(ord, "。!?.…;"))] = SENTENCE
    return shapes


def _shapes(lasts: U32) -> U8:
    found: Any = _shape_table()[lasts]
    return found
