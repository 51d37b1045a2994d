"""Two texts side by side: what is equal, what reads alike, what differs. The only door to rapidfuzz."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from dedup import kernel
from dedup.fold_table import load
from dedup.kernel.fold_reference import (
    BLANK,
    COMBINING,
    EXPANSION,
    INVISIBLE,
    NUMBER_SIGN,
    SEPARATOR,
    WIDE,
    compose,
    number_signs,
    runs,
    without_space_before_percent,
)
from dedup.kernel.reference import I64, U32, positions
from dedup.text import codepoints

MOST_COMPARED = 100_000
"""Characters of a text that are compared; two texts of that length that differ throughout take under a second."""

LINE_ENDS = "\r\n\u2028\u2029"
"""What a cut takes along around its text, and nobody needs to see."""

_LIKE = 0.6  # normalised similarity of names from which one may be meant for the other
_CRUMB = 2  # columns: an equal piece between two differences that is no wider is taken for chance


_Kind = Literal["same", "alike", "other", "gap"]
_Part = tuple[_Kind, str, str]
"""A piece as plain values: aligned texts may have one for each character."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of two texts that stands at one place in both.

    Attributes:
        kind: "same": equal character for character; "alike": equal once folded; "other": different; "gap": left out.
        left, right: the two texts; in a gap the numbers of characters left out.
    """

    kind: _Kind
    left: str
    right: str


def differences(left: str, right: str, most: int = MOST_COMPARED) -> list[Piece]:
    """The two texts aligned by their folded forms: joined, the pieces give both back, unless they are longer.

    Edits are those of least number (Levenshtein). What stands beyond the first *most* characters is a gap.

    >>> differences("示範區(qū)開工", "示范区动工")
    [Piece(kind='same', left='示', right='示'), Piece(kind='alike', left='範區(qū)', right='范区'), \
Piece(kind='other', left='開', right='动'), Piece(kind='same', left='工', right='工')]
    """
    beyond = max(len(left) - most, 0), max(len(right) - most, 0)
    left, right = left[:most], right[:most]
    pieces = list(_joined(_aligned(left, right) if left != right else [("same", left, right)]))
    if any(beyond):
        pieces.append(Piece("gap", *map(str, beyond)))
    return pieces


def _aligned(left: str, right: str) -> Iterator[_Part]:
    (one, one_at), (two, two_at) = fold_positions(left), fold_positions(right)
    # what is dropped goes with the folded character before it, at the start with the first
    one_cuts, two_cuts = [0, *one_at[1:].tolist(), len(left)], [0, *two_at[1:].tolist(), len(right)]
    one_steps, two_steps = np.diff(one_cuts), np.diff(two_cuts)
    if not one or not two:
        yield "alike" if one == two else "other", left, right
        return
    for equal, i, i_end, j, j_end in _opcodes(one, two):
        whole = left[one_cuts[i] : one_cuts[i_end]], right[two_cuts[j] : two_cuts[j_end]]
        if not equal:
            yield "other", *whole
            continue
        if whole[0] == whole[1] and np.array_equal(one_steps[i:i_end], two_steps[j:j_end]):
            yield "same", *whole
            continue
        for k in range(i_end - i):
            a = left[one_cuts[i + k] : one_cuts[i + k + 1]]
            b = right[two_cuts[j + k] : two_cuts[j + k + 1]]
            yield "same" if a == b else "alike", a, b


def _opcodes(one: str, two: str) -> list[tuple[bool, int, int, int, int]]:
    """(equal, from, to in *one*, from, to in *two*), crumbs between two differences taken for differences."""
    found = [
        (code.tag == "equal", code.src_start, code.src_end, code.dest_start, code.dest_end)
        for code in Levenshtein.opcodes(one, two)
    ]
    result: list[tuple[bool, int, int, int, int]] = []
    for number, (equal, i, i_end, j, j_end) in enumerate(found):
        inside = 0 < number < len(found) - 1
        is_crumb = inside and i_end - i <= _CRUMB and _columns(one[i:i_end]) <= _CRUMB
        if equal and not is_crumb:
            result.append((True, i, i_end, j, j_end))
        elif result and not result[-1][0]:
            result[-1] = (False, result[-1][1], i_end, result[-1][3], j_end)
        else:
            result.append((False, i, i_end, j, j_end))
    return result


def _columns(text: str) -> int:
    return len(text) + int(((load().flags[codepoints(text)] & WIDE) > 0).sum())


def _joined(parts: Iterable[_Part]) -> Iterator[Piece]:
    """Neighbours of one kind as one."""
    kind: _Kind = "same"
    left, right = "", ""
    for next_kind, more_left, more_right in parts:
        if next_kind != kind and (left or right):
            yield Piece(kind, left, right)
            left = right = ""
        kind = next_kind
        left += more_left
        right += more_right
    if left or right:
        yield Piece(kind, left, right)


def closest(name: str, names: Iterable[str], most: int = 3) -> list[str]:
    """Of *names* those most like *name*, the most similar first, if any is like it at all."""
    folded = name.casefold()
    best: list[tuple[float, str]] = []
    for other in names:
        theirs = other.casefold()
        similarity = 1.0 if folded in theirs else Levenshtein.normalized_similarity(folded, theirs)
        if similarity >= _LIKE:
            best = sorted([*best, (-similarity, other)])[:most]
    return [other for _, other in best]


def condensed(pieces: Sequence[Piece], most: int, context: int = 48) -> list[Piece]:
    """The pieces with long stretches left out, to be read at a glance.

    Of what is equal *context* characters stand on either side of a difference, three times as many at the start; once
    *most* characters stand on either side, the rest is a gap.
    """
    result: list[Piece] = []
    room = most
    for number, piece in enumerate(pieces):
        if piece.kind == "gap" or room <= 0:
            _leave_out(result, piece)
            continue
        head = 3 * context if number == 0 else context
        tail = context if number < len(pieces) - 1 else 0
        equal = piece.kind in ("same", "alike")
        longest = max(len(piece.left), len(piece.right))
        if equal and longest > head + tail + 2 * context:
            parts = _parts(piece, min(head, room), min(tail, max(room - head, 0)))
        elif longest > room:
            parts = _parts(piece, room, 0)
        else:
            parts = [piece]
        for part in parts:
            if part.kind == "gap":
                _leave_out(result, part)
            else:
                result.append(part)
                room -= max(len(part.left), len(part.right))
    return result


def _parts(piece: Piece, head: int, tail: int) -> list[Piece]:
    """The two ends of a piece and the gap between them."""
    left_tail, right_tail = max(len(piece.left) - tail, head), max(len(piece.right) - tail, head)
    gap = max(left_tail - head, 0), max(right_tail - head, 0)
    parts = [Piece(piece.kind, piece.left[:head], piece.right[:head]), Piece("gap", *map(str, gap))]
    end = Piece(piece.kind, piece.left[left_tail:], piece.right[right_tail:])
    return [*parts, end] if end.left or end.right else parts


def _leave_out(result: list[Piece], piece: Piece) -> None:
    counts = [int(side) if piece.kind == "gap" else len(side) for side in (piece.left, piece.right)]
    if result and result[-1].kind == "gap":
        last = result.pop()
        counts = [counts[0] + int(last.left), counts[1] + int(last.right)]
    if any(counts):
        result.append(Piece("gap", str(counts[0]), str(counts[1])))


# ------------------------------------------------------------------------------------------------ folded, with places


def fold_positions(text: str) -> tuple[str, I64]:
    """(the fold of a text, where in it each folded character comes from): int64 [folded], not falling.

    The fold is that of `dedup.text.fold`, stage by stage, each with the places of what it leaves; several characters
    that become one stand where the first of them does.
    """
    table = load()
    codes = codepoints(text)
    keep = (table.flags[codes] & INVISIBLE) == 0
    for start, end in kernel.annotations(codes, table):
        keep[start:end] = False
    at = np.flatnonzero(keep)
    codes, at = _composed(codes[at], at)
    codes, at = _enclosed(codes, at)
    left, flags = without_space_before_percent(np.arange(len(codes), dtype=np.uint32), table.flags[codes])
    mapped, at = table.mapping[codes[left]], at[left]
    mapped[number_signs(flags)] = NUMBER_SIGN
    mapped, at = _expanded(mapped, at)
    mapped, at = _without_blanks(mapped[mapped != 0], at[mapped != 0])
    while True:
        inner, inner_at = _composed(mapped[1:-1], at[1:-1])
        mapped, at = _without_blanks(*_enclosed(inner, inner_at))
        if len(mapped) == len(inner) + 2:
            return mapped[1:-1].astype("<u4").tobytes().decode("utf-32-le"), at[1:-1]


def _enclosed(codes: U32, at: I64) -> tuple[U32, I64]:
    """With a separator at either end, so that every character has two neighbours."""
    end = np.array([SEPARATOR], np.uint32)
    return np.concatenate((end, codes, end)), np.concatenate(([0], at, at[-1:] if len(at) else [0]))


def _composed(codes: U32, at: I64) -> tuple[U32, I64]:
    """Canonically composed, cluster by cluster."""
    table = load()
    joins = (table.flags[codes] & COMBINING) != 0
    if not joins.any():
        return codes, at
    touched = joins.copy()
    touched[:-1] |= joins[1:]
    firsts = np.flatnonzero(touched & ~(joins & np.concatenate(([False], touched[:-1]))))
    made, places, done = [], [], 0
    for first in firsts.tolist():
        last = first + 1
        while last < len(codes) and joins[last]:
            last += 1
        cluster = compose(codes[first:last], table)
        made += [codes[done:first], cluster]
        places += [at[done:first], np.full(len(cluster), at[first])]
        done = last
    return np.concatenate([*made, codes[done:]]), np.concatenate([*places, at[done:]])


def _expanded(mapped: U32, at: I64) -> tuple[U32, I64]:
    table = load()
    long = mapped >= EXPANSION
    counts = np.ones(len(mapped), np.int64)
    which = mapped[long].astype(np.int64) - EXPANSION
    starts = table.expansion_offsets[which]
    counts[long] = table.expansion_offsets[which + 1] - starts
    written = np.repeat(mapped, counts)
    written[np.repeat(long, counts)] = table.expansions[positions(starts, counts[long])]
    return written, np.repeat(at, counts)


def _without_blanks(mapped: U32, at: I64) -> tuple[U32, I64]:
    """One blank for each run of blanks between two characters that are not wide; no other blanks."""
    flags = load().flags
    blanks = np.flatnonzero(mapped == BLANK)
    if not len(blanks):
        return mapped, at
    first, last, _ = runs(blanks)
    before, after = mapped[first - 1], mapped[last + 1]
    closed: NDArray[np.bool_] = ((flags[before] | flags[after]) & WIDE) != 0
    closed |= (before == SEPARATOR) | (after == SEPARATOR)
    keep = np.ones(len(mapped), bool)
    keep[blanks] = False
    keep[first[~closed]] = True
    return mapped[keep], at[keep]
