"""What counts as a number: the same in every writing, and nothing that is none."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import kernel
from dedup.fold_table import load
from dedup.kernel.number_reference import numbers
from dedup.kernel.reference import fmix64, offsets_of
from dedup.text import codepoints, fold

TABLE = load()


def found(text):
    """The numbers of a text, as strings, in order."""
    return list(numbers(codepoints(fold(text)), TABLE))


def tokens(texts):
    """The number tokens of texts as they are, one segment each."""
    codes = np.array([ord(character) for text in texts for character in text], np.uint32)
    hashes, bounds = kernel.number_tokens(codes, offsets_of(np.array([len(text) for text in texts], np.int64)), TABLE)
    return [hashes[bounds[at] : bounds[at + 1]].tolist() for at in range(len(texts))]


def token_hash(token):
    """The hash of one number, as `number_tokens` defines it."""
    places = np.arange(1, len(token) + 1, dtype=np.uint64) << np.uint64(32)
    mixed = fmix64(np.array([ord(character) for character in token], np.uint64) + places)
    return int(fmix64(np.array([mixed.sum(dtype=np.uint64) + np.uint64(len(token))]))[0])


def section(value, digits, units):
    """A number below ten thousand in Han, every digit with its unit: 一千零五."""
    written, gap = "", False
    for unit in (3, 2, 1, 0):
        digit = value // 10**unit % 10
        if digit:
            written += ("零" if gap and written else "") + digits[digit] + ("", *units)[unit]
        gap = not digit
    return written


def in_han(value, digits="零一二三四五六七八九", units="十百千"):
    """A number below 10**16 in Han, written as one learns it at school."""
    high, low = divmod(value, 10**8)
    parts = [("", high // 10**4, "万"), ("", high % 10**4, ""), ("亿", low // 10**4, "万"), ("", low % 10**4, "")]
    written, gap = "", False
    for lead, part, scale in parts:
        written += lead if written else ""
        if part:
            written += ("零" if written and (gap or part < 1000) else "") + section(part, digits, units) + scale
        gap = not part
    return written


def test_the_school_writing_is_that_of_school():
    """The writer of these tests itself, by hand."""
    assert in_han(1005) == "一千零五"
    assert in_han(20_300_040) == "二千零三十万零四十"
    assert in_han(350_000_000_000) == "三千五百亿"
    assert in_han(12_000, "零壹贰叁肆伍陆柒捌玖", "拾佰仟") == "壹万贰仟"


@given(st.integers(11, 10**16 - 1))
@settings(max_examples=500)
def test_han_numerals_are_the_numbers_that_they_write(value):
    """In plain and formal writing, and digit by digit."""
    assert found(in_han(value)) == [str(value)]
    assert found(in_han(value, "零壹贰叁肆伍陆柒捌玖", "拾佰仟")) == [str(value)]
    assert found("".join("零一二三四五六七八九"[int(digit)] for digit in str(value))) == [str(value)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("二〇二〇年", "2020年"),
        ("二零二零年", "2020年"),
        ("三十人", "30人"),
        ("十二届", "12届"),
        ("三千五百万", "3500万"),
        ("三万五千亿元", "35000亿元"),
        ("3.5万", "35000"),
        ("12万亿", "12000000000000"),
        ("三千五", "3500"),
        ("一万二", "12000"),
        ("兩百億", "200亿"),
        ("壹佰贰拾元", "120元"),
        ("貳拾伍", "25"),
        ("百分之三十", "30%"),
        ("百分之三点五", "3.5%"),
        ("十点五", "10.5"),
        ("第三届", "第3届"),
        ("三月五日", "3月5日"),
        ("twenty-one", "21"),
        ("Third", "3 rd"),
        ("the fortieth", "forty"),
    ],
)
def test_one_number_in_two_writings_is_one(one, other):
    """What differs in the writing alone is no other news."""
    assert found(one) == found(other)
    assert len(found(one)) in (1, 2)


@pytest.mark.parametrize(
    "text",
    [
        *("一些", "一个人", "一位", "统一", "一起", "一名", "一次", "万一", "千万要", "数百万", "十分", "三亚", "三农"),
        *("四川", "九江", "零售", "百年", "万元", "千米", "大陆", "收拾", "伍先生", "陆军", "数十人", "几十年", "亿万"),
        *("三四百", "二百十", "十十", "万亿", "三万二万", "一亿二亿", "一亿二万三亿", "三一十"),
        *("bone", "tone", "ones", "often", "sixé", "ésix", "weight", "seconds", "hundred", "twentytwoo", "zero"),
    ],
)
def test_what_is_no_number(text):
    """Words with numerals in them, numerals without a value, and words that only hold a number word."""
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("大陆二〇二〇年", ["2020"]),  # 陆 is six in formal writing, which is a writing of its own
        ("收拾一百个", ["100"]),
        ("三分之二", ["3", "2"]),
        ("千分之五", ["5."]),
        ("三点五十分", ["3", "50"]),
        ("两会两次", ["2"]),
        ("周三星期四", ["3", "4"]),
        ("一月一号", ["1", "1"]),
        ("统一号", ["1"]),  # a numeral is a numeral: meaning is not known
        ("3,500万", ["3.500"]),  # 3.5 or 3500 of them
        ("3.55亿", ["355000000"]),
        ("-5万", [".50000"]),
        ("三千4五百", ["3000", "4", "500"]),
        ("3.5% 35% 3.5 35%", ["3.5.", "35.", "3.5", "35."]),
        ("covid-19 19", ["19", "19"]),
        ("one of seven, twenty-second", ["1", "7", "22"]),
        ("中one中", ["1"]),
    ],
)
def test_numbers_in_their_order(text, numbers):
    """Worked out by hand."""
    assert found(text) == numbers


@pytest.mark.parametrize(
    "text", ["", "三", "万", "3", ".", "十", "第", "点", "二百十", "分之", "一" * 5000, "九亿" * 3000, "one" * 3000]
)
def test_numbers_at_the_ends_of_a_segment_and_long_ones(text):
    """No rule looks beyond a segment; length alone breaks nothing."""
    alone, amid = tokens([text])[0], tokens(["第", text, "月"])[1]
    assert alone == amid
    assert len(alone) == (1 if text in ("3", ".", "一" * 5000) else 0)


def test_tokens_are_sorted_distinct_hashes_of_their_segment():
    """A repetition is a token of its own; adjacent numbers need nothing between them."""
    three, thirty, twenty = map(token_hash, ("3", "30", "20"))
    again = [int(fmix64(np.array([twenty + k], np.uint64))[0]) for k in (1, 2)]
    assert tokens(["3三十", "", "二十 20 20", "三十"]) == [
        sorted((three, thirty)),
        [],
        sorted((twenty, *again)),
        [thirty],
    ]
    hashes, bounds = kernel.number_tokens(np.zeros(0, np.uint32), np.zeros(1, np.int64), TABLE)
    assert (hashes.dtype, bounds.dtype, bounds.tolist()) == (np.uint64, np.int64, [0])


def test_tokens_agree_with_a_scan_by_hand():
    """Digits, signs and letters alone, in 2,000 random texts: what is not Han is a run of digits and signs."""
    rng = random.Random(5)
    texts = ["".join(rng.choices("0129. ab中²", k=rng.randrange(20))) for _ in range(2000)]
    for text, own in zip(texts, tokens(texts), strict=True):
        runs = "".join(character if character in "0129.²" else " " for character in text).split()
        assert len(own) == len(runs)
        assert {token_hash(run) for run in runs} <= set(own)
