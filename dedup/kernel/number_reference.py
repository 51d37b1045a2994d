"""What counts as a number in folded text, in whichever writing: 3.5, 三十五, twenty-one, and the same number in each.

Numbers tell news from repetition, so what is no number must not count (一些, 万一, 三亚, 千万要), and the number of
thirty people must be the same in 30人 and 三十人. Where in doubt a numeral is none: the rule then sees what it saw
without it.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from dedup.kernel.fold_reference import I64, LETTER, NUMBER, NUMBER_SIGN, U32, U64, FoldTable
from dedup.kernel.reference import fmix64, offsets_of, positions

_DIGITS = {**{digit: value for value, digit in enumerate("零一二三四五六七八九")}, "〇": 0, "两": 2}
_FORMAL = {digit: value for value, digit in enumerate("壹贰叁肆伍陆柒捌玖", 1)}
_UNITS = {"十": 10, "百": 100, "千": 1000, "拾": 10, "佰": 100, "仟": 1000}
_SCALES = {"万": 10**4, "亿": 10**8}
_PURE = "零〇一二三四五六七八九"  # what may stand digit by digit: 二〇二〇
_POINT = "点"
# Before and after one numeral character that stands alone. 一 needs more than others: 一个, 一些, 一位 are articles.
_AHEAD, _VAGUE = "第周", "数几"
_BEHIND = "年月日号时点周天岁个名人位次届级倍元吨起例条项场座件辆架艘"
_BEHIND_ONE = "月日号届"
_PARTS = "分之"

_ONES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ONES_TH = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"]
_TEENS_TH = [
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
]


def _words() -> dict[str, str]:
    """English cardinals and ordinals below a hundred, as folding leaves them: twentyone."""
    found = {word: value for ones in (_ONES + _TEENS, _ONES_TH + _TEENS_TH) for value, word in enumerate(ones, 1)}
    for value, word in enumerate(_TENS, 2):
        found |= {word: 10 * value, f"{word[:-1]}ieth": 10 * value}
        for ones in (_ONES, _ONES_TH):
            found |= {word + one: 10 * value + unit for unit, one in enumerate(ones, 1)}
    return {word: str(value) for word, value in found.items()}


WORDS = _words()

_SCALED = re.compile(r"(\.?[0-9]+)(?:\.([0-9]+))?")
_GROUP = 3  # digits after a sign that may be thousands as well as a fraction


def number_tokens(folded: U32, offsets: I64, table: FoldTable) -> tuple[U64, I64]:
    """The numbers of each folded segment, as sorted distinct hashes, repetitions told apart.

    Four writings are numbers, each told as a string that is the same for the same value:

    - a maximal run of NUMBER code points and number signs, as it stands: 3.5., 35. and 3.5 differ. If 万, 亿 or 万亿
      follow, and no three digits stand after a sign (3.500 may be either), it is written out: 3.5万 is 35000.
    - Han numerals of two characters and more: digit by digit (二〇二〇 is 2020), or well formed from digits and units
      (三千五百万 is 35000000, 三千五 is 3500, 十二 is 12), also in the formal writing (壹佰贰拾); 三点五 is 3.5, and
      after 百分之 and 千分之 a number has the sign of 30%. 千万, 百分 and 万一 are none.
    - one Han digit, or 十, after 第, 周, 星期 or 分之, before 分之, or before a measure word or unit of time; there 一
      counts only before 月, 日, 号 and 届, 十 not after 数 and 几, and zero not at all.
    - English cardinals and ordinals below a hundred: three and third are 3, twenty-one is 21.

    The hash adds fmix64(code point + 2**32 * (place + 1)) over the string, places counted from 0, modulo 2**64, and
    is fmix64(sum + length); the k-th repetition of a number is a token of its own, fmix64(hash + k), so that two texts
    with 6, 6, 5 and 1, 6, 5 have each a number that the other lacks.

    Args:
        folded: uint32 [m], folded code points.
        offsets: int64 [p + 1].

    Returns:
        (hashes, token_offsets): uint64 [k], int64 [p + 1].
    """
    found = [
        (segment, token)
        for segment, (start, end) in enumerate(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True))
        for token in numbers(folded[start:end], table)
    ]
    if not found:
        return np.zeros(0, np.uint64), np.zeros(len(offsets), np.int64)
    owner = np.array([segment for segment, _ in found])
    lengths = np.array([len(token) for _, token in found], np.int64)
    codes = np.frombuffer("".join(token for _, token in found).encode("utf-32-le"), "<u4").astype(np.uint64)
    place = positions(np.ones(len(found), np.int64), lengths).astype(np.uint64)
    sums = np.add.reduceat(fmix64(codes + (place << np.uint64(32))), offsets_of(lengths)[:-1])
    hashes = fmix64(sums + lengths.astype(np.uint64))
    order = np.lexsort((hashes, owner))
    hashes = hashes[order]
    begins = np.append(True, (np.diff(hashes) != 0) | (np.diff(owner) != 0))  # owners rise
    at = np.arange(len(hashes))
    repetition = at - np.maximum.accumulate(np.where(begins, at, 0))
    hashes = np.where(begins, hashes, fmix64(hashes + repetition.astype(np.uint64)))
    return hashes[np.lexsort((hashes, owner))], offsets_of(np.bincount(owner, minlength=len(offsets) - 1))


def numbers(folded: U32, table: FoldTable) -> Iterator[str]:
    """The numbers of one folded text, in order; see `number_tokens`."""
    text = folded.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    for match in _pattern(table).finditer(text):
        start, end = match.span()
        if match["number"]:
            yield _scaled(match["number"], match["scale"])
        elif match["word"]:
            around = folded[max(start - 1, 0) : start].tolist() + folded[end : end + 1].tolist()
            if not any(table.flags[code] & LETTER for code in around):
                yield WORDS[match["word"]]
        elif (value := _han(text, start, match["integer"], match["fraction"] or "")) is not None:
            per = text[max(start - 3, 0) : start]
            yield value + "." if per in ("百分之", "千分之") else value


@lru_cache(maxsize=1)
def _pattern(table: FoldTable) -> re.Pattern[str]:
    codes = np.flatnonzero(table.flags & NUMBER)
    runs = np.split(codes, np.flatnonzero(np.diff(codes) > 1) + 1)
    digits = "".join(f"{re.escape(chr(run[0]))}-{re.escape(chr(run[-1]))}" for run in runs)
    scale = "万亿|万|亿"
    plain = f"[{''.join((*_DIGITS, *'十百千', *_SCALES))}]"
    formal = f"[零〇{''.join((*_FORMAL, *'拾佰仟', *_SCALES))}]"
    words = "|".join(sorted(WORDS, key=len, reverse=True))
    return re.compile(
        f"(?P<number>[{re.escape(chr(NUMBER_SIGN))}{digits}]+)(?P<scale>(?:{scale})?)"
        f"|(?P<integer>{plain}+|{formal}+)(?:{_POINT}(?P<fraction>[{_PURE}]+)(?!{plain}))?"
        f"|(?<![a-z])(?P<word>{words})(?![a-z])"
    )


def _scaled(number: str, scale: str) -> str:
    """A number in digits with its scale written out, where it has one and the number is plain."""
    match = _SCALED.fullmatch(number)
    zeros = 4 * scale.count("万") + 8 * scale.count("亿")
    if not scale or match is None:
        return number
    fraction = match[2] or ""
    if len(fraction) == _GROUP or len(fraction) > zeros:
        return number
    return match[1] + fraction + "0" * (zeros - len(fraction))


def _han(text: str, start: int, integer: str, fraction: str) -> str | None:
    """The value of Han numerals, None where they are no number."""
    if fraction:
        whole = str(_DIGITS[integer]) if integer in _DIGITS else _written_out(integer)
        return None if whole is None else f"{whole}.{''.join(str(_DIGITS[digit]) for digit in fraction)}"
    if len(integer) > 1:
        return _written_out(integer)
    value = _DIGITS.get(integer, 10 if integer == "十" else None)
    return None if value is None or not _counts(text, start, integer, value) else str(value)


def _counts(text: str, start: int, numeral: str, value: int) -> bool:
    """Whether one numeral character at *start* is a number by what stands around it."""
    before, after = text[max(start - 2, 0) : start], text[start + 1 : start + 3]
    if before[-1:] in tuple(_AHEAD) or before in ("星期", _PARTS) or after == _PARTS:
        return True
    if value == 10 and before[-1:] in tuple(_VAGUE):
        return False
    return value > 0 and after[:1] in tuple(_BEHIND_ONE if value == 1 else _BEHIND)


def _written_out(numerals: str) -> str | None:
    """The digits of two numerals or more, None where they are not well formed.

    >>> [_written_out(n) for n in ("二〇二〇", "三千五百万", "三千五", "十二", "一百零五", "千万", "万一")]
    ['2020', '35000000', '3500', '12', '105', None, None]
    """
    if all(numeral in _PURE for numeral in numerals):
        return "".join(str(_DIGITS[numeral]) for numeral in numerals)
    total = section = 0
    digit: int | None = None
    unit_limit, scales = 10**4, {"万", "亿"}  # what may follow
    step = 1  # the unit before, by which 三千五 is 3500
    for numeral in numerals:
        if numeral in _UNITS:
            unit = _UNITS[numeral]
            if unit >= unit_limit or (not digit and (numeral != "十" or section)):
                return None
            section += (digit or 1) * unit
            unit_limit, step, digit = unit, unit, None
        elif numeral in _SCALES:
            section += digit or 0
            if numeral == "亿":  # takes all before it: 三万五千亿
                section, total = total + section, 0
            if numeral not in scales or not section:
                return None
            scales = {"万"} if numeral == "亿" else scales & {"亿"}
            step = _SCALES[numeral]
            total += section * step
            section, digit, unit_limit = 0, None, 10**4
        else:
            if digit:  # only a zero may stand before a digit
                return None
            digit = _DIGITS[numeral] if numeral in _DIGITS else _FORMAL[numeral]
            step = step if digit else 1
    return str(total + section + (digit or 0) * max(step // 10, 1))
