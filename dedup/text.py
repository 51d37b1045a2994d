"""Strings to code points, code points to passages, passages to folded text.

Positions are code points of the text as read. The rules of folding are in `dedup.kernel.fold_reference`.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import overload

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.errors import BadInput
from dedup.fold_table import load
from dedup.kernel.fold_reference import INVISIBLE, SPACE, Folded, runs
from dedup.kernel.reference import offsets_of, positions

U32 = NDArray[np.uint32]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

_LF = 0x0A

_CHINESE_STOP, _ASCII_STOP, _POINT, _CLOSER = 1, 2, 4, 8
_KINDS = {_CHINESE_STOP: "。！？…｡", _ASCII_STOP: "!?", _POINT: ".", _CLOSER: "”’」』】》〉）］｝〕〗﹂﹄»›\"')]}"}
# What a full stop may belong to inside a sentence: an initial, an abbreviation, a number that opens the line. The list
# is short on purpose: a missed one splits a sentence in two, in the same place wherever it stands.
_ABBREVIATIONS = "Mr|Mrs|Ms|Dr|Prof|St|No|Gen|Sen|Rep|Gov|Col|Lt|Capt|Sgt|Rev|Jr|Sr|vs|cf|Fig|Vol|pp"
_NO_STOP = re.compile(rf"(?:\b(?:[A-Za-z]|{_ABBREVIATIONS})|\n\s*\d+)\.\Z")
_LOOK_BACK = 24  # characters before a full stop that are looked at


class Texts(Sequence[str]):
    """Several texts, read at once, which are strings when they are asked for.

    Attributes:
        codes, offsets: uint32 segment array, their code points.
        utf8: makes them in UTF-8, a uint8 segment array.
    """

    def __init__(self, codes: U32, offsets: I64, utf8: Callable[[], tuple[NDArray[np.uint8], I64]]) -> None:
        self.codes, self.offsets, self.utf8 = codes, offsets, utf8

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, text: int) -> str: ...
    @overload
    def __getitem__(self, text: slice) -> Sequence[str]: ...
    def __getitem__(self, text: int | slice) -> str | Sequence[str]:
        if isinstance(text, slice):
            return [self[one] for one in range(*text.indices(len(self)))]
        if not 0 <= text < len(self):
            raise IndexError(text)
        return _string(self.codes[self.offsets[text] : self.offsets[text + 1]])


def codepoints(text: str, where: str = "a text") -> U32:
    """The code points of a string, uint32 [len(text)]; *where* names it in the error.

    Raises:
        BadInput: the string holds a lone surrogate, which is no character.

    >>> codepoints("汉é").tolist()
    [27721, 233]
    """
    try:
        encoded = text.encode("utf-32-le")
    except UnicodeEncodeError as error:
        raise BadInput(
            f"{where}: lone surrogate U+{ord(text[error.start]):04X} at character {error.start}; "
            "decode the source with errors='replace', or mend it"
        ) from None
    return np.frombuffer(encoded, "<u4").astype(np.uint32, copy=False)


def fold(text: str) -> str:
    """The folded form of one text; two texts with the same fold read alike.

    >>> fold("臺灣的麵，Ｔａｉｗａｎ's noodles…")
    '台湾的面taiwans noodles'
    >>> fold("示範區(qū)：3.5%不是35%，10²不是102；氣溫-5度")
    '示范区3.5.不是35.10²不是102气温.5度'

    Raises:
        BadInput: the string holds a lone surrogate.
    """
    codes = codepoints(text)
    folded, _ = kernel.fold(codes, np.array([0, len(codes)]), load())
    return _string(folded)


def fold_passages(codes: U32, spans: I64) -> tuple[U32, I64]:
    """Passages of a text folded, each by itself.

    Args:
        codes: uint32 [n], without surrogates.
        spans: int64 [p, 2], in any order.

    Returns:
        (folded, offsets): uint32 [m], int64 [p + 1]; passage i is folded[offsets[i]:offsets[i + 1]].
    """
    return kernel.fold(*_gathered(codes, *spans.T), load())


def fold_passages_to_utf16(codes: U32, starts: I64, ends: I64) -> Folded:
    """The same as it is stored, with the lengths of all passages."""
    return kernel.fold_to_utf16(*_gathered(codes, starts, ends), load())


def _gathered(codes: U32, starts: I64, ends: I64) -> tuple[U32, I64]:
    """The code points of all spans as a segment array."""
    lengths = ends - starts
    return _in_a_row(codes, starts, ends, lengths), offsets_of(lengths)


def _in_a_row(codes: U32, starts: I64, ends: I64, lengths: I64) -> U32:
    gaps = np.zeros(len(starts) + 1, np.int64)
    gaps[:-1], gaps[-1] = starts, len(codes)
    gaps[1:] -= ends
    if (gaps < 0).any() or (lengths < 0).any():  # not in order, or they overlap
        return codes[positions(starts, lengths)]
    if not gaps.any():
        return codes
    out_and_in = np.empty(2 * len(starts) + 1, np.int64)
    out_and_in[0::2], out_and_in[1::2] = gaps, lengths
    inside: Mask = np.repeat(np.arange(len(out_and_in)) % 2 == 1, out_and_in)  # an eighth of the memory of positions
    return codes[inside]


def annotations(text: str) -> list[tuple[int, int]]:
    """The spans of romanised annotations, also of those that mojibake has damaged.

    >>> annotations("示范區(qū)的苹果(Apple)")
    [(3, 7)]
    """
    return kernel.annotations(codepoints(text), load())


def line_spans(codes: U32, offsets: I64 | None = None) -> tuple[I64, I64, I64, Mask]:
    """All lines of a text, or of several in a row, blank ones too.

    Lines end at LF, CRLF, CR, U+2028 and U+2029, and at nothing else; text after the last line end is a line.
    A line is blank if it holds nothing but white space and invisible characters (BOM, zero-width space).

    Args:
        codes: uint32 [n].
        offsets: int64 [texts + 1], the texts as segments of *codes*, no line reaches from one into the next; None: one.

    Returns:
        (starts, content_ends, ends, is_blank): int64, int64, int64, bool [lines]. A line is starts:ends, with its
        line end; its content is starts:content_ends. The first starts at 0, each next one where the last ends.
    """
    return kernel.line_spans(codes, np.array([0, len(codes)]) if offsets is None else offsets, load())


def _shows(codes: U32) -> Mask:
    """Whether each code point shows: is neither white space nor invisible."""
    shows: Mask = (load().flags[codes] & (SPACE | INVISIBLE)) == 0
    return shows


def passages(text: str | U32, mode: str) -> I64:
    """The spans of the passages of a text, int64 [passages, 2], in order and disjoint.

    line: every line that is not blank, from its indentation to after its line end.
    blank: every run of lines that are not blank, likewise.
    sentence: every sentence of every line that is not blank. A sentence ends after 。！？… and what closes quotes and
    brackets behind them; after ! and ? unless ASCII characters follow directly; after a full stop before white space
    unless that ends an initial (J. Smith, U.S.), a common abbreviation (Dr., No.) or a number that opens the line.
    Its span runs to the next sentence; the first takes the indentation, the last ends before the line end. A line of
    one sentence is a passage with its line end.

    Every code point that shows lies in a passage.

    Args:
        text: a string, or its code points.
        mode: "line", "blank" or "sentence".

    Raises:
        BadInput: the string holds a lone surrogate.

    >>> passages("  一。二！\\n\\n三\\n", "line").tolist()
    [[0, 7], [8, 10]]
    >>> passages("  一。二！\\n\\n三\\n", "sentence").tolist()
    [[0, 4], [4, 6], [8, 10]]
    """
    codes = codepoints(text) if isinstance(text, str) else text
    starts, content_ends, ends, is_blank = line_spans(codes)
    shown = ~is_blank
    if mode == "line":
        return np.stack((starts[shown], ends[shown]), axis=1)
    if mode == "blank":
        edges = np.diff(np.concatenate(([False], shown, [False])).astype(np.int8))
        return np.stack((starts[edges[:-1] == 1], ends[edges[1:] == -1]), axis=1)
    if mode == "sentence":
        return sentences(codes, starts[shown], content_ends[shown], ends[shown])
    raise ValueError(f"mode must be line, blank or sentence, found {mode!r}")


def sentences(codes: U32, starts: I64, content_ends: I64, ends: I64) -> I64:
    """The sentences of lines, of which none is blank: spans, int64 [sentences, 2] (see `passages`).

    Args:
        codes: uint32 [n], of one text or of several in a row.
        starts, content_ends, ends: int64 [lines], as `line_spans` gives them.
    """
    stops = _stops(codes, starts)
    hidden_first, hidden_last, _ = runs(np.flatnonzero(~_shows(codes)))
    hidden = np.searchsorted(hidden_first, stops, side="right") - 1
    after = np.maximum(stops, np.append(hidden_last, -1)[hidden] + 1)  # where the next that shows stands
    inside = after < content_ends[np.searchsorted(starts, stops - 1, side="right") - 1]
    begins = np.union1d(starts, after[inside])
    line = np.searchsorted(starts, begins, side="right") - 1
    is_last = np.append(np.diff(line) != 0, True)[: len(line)]
    is_only = is_last & (begins == starts[line])
    finishes = np.append(begins[1:], 0)[: len(line)]
    finishes[is_last] = content_ends[line[is_last]]
    finishes[is_only] = ends[line[is_only]]
    return np.stack((begins, finishes), axis=1)


def _stops(codes: U32, starts: I64) -> I64:
    """The positions behind every sentence end and what closes behind it; *starts* are those of the lines."""
    kinds = _kinds()[np.minimum(codes, 0xFFFF)]
    at = np.flatnonzero(kinds & (_CHINESE_STOP | _ASCII_STOP | _POINT))
    if not len(at):
        return at
    first, last, _ = runs(at)
    kind = np.bitwise_or.reduceat(kinds[at], np.searchsorted(at, first))
    closer_first, closer_last, _ = runs(np.flatnonzero(kinds & _CLOSER))
    closer = np.searchsorted(closer_first, last + 1)
    closed = np.append(closer_first, -1)[closer] == last + 1
    stops: I64 = np.where(closed, np.append(closer_last, -1)[closer], last) + 1
    following = np.append(codes, np.uint32(_LF))[stops]
    is_white = (load().flags[following] & SPACE) != 0
    ends = (kind & _CHINESE_STOP) != 0
    ends |= ((kind & _ASCII_STOP) != 0) & ~((following > 0x20) & (following < 0x7F))
    ends &= np.append(kinds, 0)[stops] == 0  # in 「好！」。 the last one ends the sentence
    candidates = np.flatnonzero((kind == _POINT) & is_white)
    ends[candidates] = ~_no_stops(codes, first[candidates], last[candidates], starts)
    found: I64 = stops[ends]
    return found


def _no_stops(codes: U32, first: I64, last: I64, starts: I64) -> Mask:
    """Which of the runs of full stops *first* ... *last* belong to what stands before them."""
    text = _string(codes) if len(first) else ""
    line_starts = starts[np.searchsorted(starts, first, side="right") - 1]
    begins = np.maximum(line_starts, first - _LOOK_BACK)
    opening = np.where(begins == line_starts, "\n", "")
    parts = zip(opening.tolist(), begins.tolist(), (last + 1).tolist(), strict=True)
    return np.array([_NO_STOP.search(mark + text[begin:end]) is not None for mark, begin, end in parts], bool)


@lru_cache(maxsize=1)
def _kinds() -> NDArray[np.uint8]:
    """What each code point of the first plane is to a sentence."""
    kinds = np.zeros(0x10000, np.uint8)
    for kind, characters in _KINDS.items():
        kinds[list(map(ord, characters))] = kind
    return kinds


def _string(codes: U32) -> str:
    return codes.astype("<u4", copy=False).tobytes().decode("utf-32-le")
