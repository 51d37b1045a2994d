"""The meaning of templates: folded lines without what changes from day to day."""

import re
from functools import lru_cache, reduce
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dedup.kernel.fold_reference import DECIMAL, FoldTable, runs
from dedup.kernel.reference import _GOLDEN, I64, U16, U32, U64, _hash_of, offsets_of, take_codes

SIGN = "\ue000"  # stands for what is masked; private use, so no text has it by right
SHORT_LINE = 20  # folded characters below which all numbers are masked
_BEGINNING = 4  # characters that the upper bits of a start tell by themselves

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
# On folded text: marks between digits have become full stops, U+0020 is the only white space. \d stands for what a fold
# table knows as decimal digits, so that no release of Python changes an answer.
_WHEN = (
    r"(?:19|20)\d{2}(?:年\d{1,2}月(?:\d{1,2}日)?|[. ]\d{1,2}[. ]\d{1,2}日?|年"
    r"|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d))"
    r"|\d{1,2}月\d{1,2}[日号]?|(?<!\d)\d{1,2}日"
    rf"|(?:{_MONTHS})[a-z]* \d{{1,2}}(?:st|nd|rd|th)?(?: \d{{4}})?|\d{{1,2}} (?:{_MONTHS})[a-z]* \d{{4}}"
    r"|(?<![\d.])\d{1,2}\.\d{2}(?:\.\d{2})?(?![\d.])(?: ?[ap]m)?|\d{1,2}[时点]\d{1,2}分(?:\d{1,2}秒)?"
    r"|(?:周|星期|礼拜)[一二三四五六日天]|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
)
_NUMBER = r"\.?\d[\d.]*"
_SIGNS = re.compile(rf"{SIGN}[ {SIGN}]*")


def templates(folded: U32, offsets: I64, table: FoldTable) -> tuple[U32, I64]:
    """The template of each folded line, see `template`.

    Args:
        folded: uint32 segment array of folded lines.
        offsets: its offsets.
        table: of its flags DECIMAL counts.

    Returns:
        uint32 segment array of templates, none longer than its line, and its offsets.
    """
    whole = folded.astype("<u4", copy=False).tobytes().decode("utf-32-le", "surrogatepass")
    bounds = offsets.tolist()
    made = [template(whole[start:end], table) for start, end in pairwise(bounds)]
    codes = np.frombuffer("".join(made).encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint32)
    return codes, offsets_of(np.array(list(map(len, made)), np.int64))


def template_starts(folded: U16 | U32, offsets: I64, segments: I64, table: FoldTable, count: int) -> U64:
    """Of some folded lines how their templates begin: lines of one template agree, be it of many dates.

    Args:
        folded: lines lie in it: uint32 code points, or uint16 as `to_utf16` makes them.
        offsets: int64, line s is offsets[s] ... offsets[s + 1] - 1.
        segments: int64 [lines], which of them.
        table: of its flags DECIMAL counts.
        count: at least SHORT_LINE. No line is looked at further than it takes to see so much of its template.

    Returns:
        uint64 [lines], never 0: a hash of the first *count* characters of the template that are neither signs nor
        blanks, of the first four of them in its upper 16 bits; 0 where it has fewer.
    """
    if count < SHORT_LINE:
        raise ValueError(f"count must be at least {SHORT_LINE}, found {count}")
    codes, bounds = templates(*take_codes(folded, offsets, segments), table)
    starts = np.zeros(len(segments), np.uint64)
    for number, (begin, end) in enumerate(pairwise(bounds.tolist())):
        line = codes[begin:end]
        solid = line[(line != ord(SIGN)) & (line != ord(" "))]
        if len(solid) >= count:
            ahead = reduce(lambda ahead, code: 31 * ahead + code, solid[:_BEGINNING].tolist())
            begun = (ahead * int(_GOLDEN) % 2**64) >> 48
            starts[number] = np.uint64(begun << 48) | _hash_of(solid[:count]) >> np.uint64(16) | np.uint64(1)
    return starts


def starts_among(
    folded: U16 | U32, offsets: I64, segments: I64, table: FoldTable, count: int, starts: U64
) -> NDArray[np.bool_]:
    """Of some folded lines whether their templates begin as some do, or are too short to tell: bool [lines].

    Args:
        folded, offsets, segments, table, count: as for `template_starts`.
        starts: uint64, rising, what it says of the others.
    """
    found = template_starts(folded, offsets, segments, table, count)
    return (found == 0) | np.isin(found, starts)


def template(line: str, table: FoldTable) -> str:
    """A folded line with dates and times as one sign, and with every number in a line of fewer than 20 characters.

    Signs that meet, be it across white space, are one, and white space behind a sign goes.
    """
    letters, when, number = _patterns(table)
    kept, at = [], 0
    for found in when.finditer(letters.sub(_without_months, line)):
        kept.append(line[at : found.start()])
        at = found.end()
    masked = SIGN.join([*kept, line[at:]])
    if len(line) < SHORT_LINE:
        masked = number.sub(SIGN, masked)
    return _SIGNS.sub(SIGN, masked)


# A month counts only where the letters that it begins are followed by a day or a year. Elsewhere its middle letter,
# which is part of nothing else that is looked for, is hidden: else each month in a line of months would have all the
# letters behind it looked at, to find none.
_LETTERS = r"[a-z]++( \d)?"
_MONTH = re.compile(_MONTHS)


def _without_months(letters: re.Match[str]) -> str:
    if letters[1]:
        return letters[0]
    return _MONTH.sub(lambda month: month[0][0] + month[0][1].upper() + month[0][2], letters[0])


@lru_cache(maxsize=2)
def _patterns(table: FoldTable) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Letters with what follows them, what a date or time is, and what a number is."""
    first, last, _ = runs(np.flatnonzero(table.flags & DECIMAL))
    digits = "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in zip(first.tolist(), last.tolist(), strict=True))
    letters, when, number = (
        re.compile(pattern.replace(r"[\d.]", f"[{digits}.]").replace(r"\d", f"[{digits}]"))
        for pattern in (_LETTERS, _WHEN, _NUMBER)
    )
    return letters, when, number
