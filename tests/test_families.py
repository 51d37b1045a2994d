"""Distinct texts, the greedy rule and its two look-ups."""

import random

import numpy as np
import pytest
from corpora import HAN, edited
from oracle import keys_of, online

import dedup
from dedup import kernel
from dedup.families import article_numbers_agree, distinct_texts, match, number_conflicts, numbers_agree, passage_judge
from dedup.fold_table import load
from dedup.judging import linked_by_number
from dedup.kernel.reference import offsets_of
from dedup.model import Article
from dedup.segments import Segments
from dedup.settings import Settings
from dedup.text import fold
from dedup.work import Work


def segments(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Texts as a segment array."""
    flat = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
    return flat, offsets_of(np.array([len(text) for text in texts], np.int64))


def test_a_footer_on_every_page_is_one_text():
    """Places with one folded text of one domain are one text, numbered by its first place."""
    flat, offsets = segments(["甲", "乙", "甲", "", "乙", "甲"])
    texts = distinct_texts(Segments(flat, offsets), np.array([0, 0, 0, 0, 0, 1]))
    assert texts.of.tolist() == [0, 1, 0, 2, 1, 3]
    assert texts.first.tolist() == [0, 1, 3, 5]
    assert texts.domain.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("seed", range(20))
def test_distinct_texts_are_those_of_a_dictionary(seed):
    """Empty ones too, one of a million characters, and many that differ where nobody looks first."""
    rng = random.Random(seed)
    pool = [
        "",
        "一",
        "二",
        "一二",
        "一二三",
        "a" * 300,
        "a" * 299 + "b",
        "b" + "a" * 299,
        "字" * rng.choice([1, 10**6]),
    ]
    pool += ["".join(rng.choices("一二", k=rng.randrange(6))) for _ in range(8)]
    texts = [rng.choice(pool) for _ in range(rng.choice([0, 1, 2, 60]))]
    domain = [rng.choice([0, 0, 1, 7]) if seed % 2 else 0 for _ in texts]
    whole = Segments(*segments(texts))
    chosen = rng.sample(range(len(texts)), len(texts))
    for at, order in ((whole, list(range(len(texts)))), (whole.of(np.array(chosen, np.int64)), chosen)):
        found = distinct_texts(at, np.array([domain[place] for place in order], np.int64))
        numbers: dict[tuple[str, int], int] = {}
        of = [numbers.setdefault((texts[place], domain[place]), len(numbers)) for place in order]
        assert found.of.tolist() == of
        assert found.first.tolist() == [of.index(number) for number in range(len(numbers))]
        assert found.domain.tolist() == [number for _, number in numbers]


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize("one_domain", [True, False])
def test_some_of_the_distinct_texts(one_domain, dtype):
    """They are numbered as if the places of the others were not there."""
    texts = ["甲", "乙", "", "甲", "丙", "乙", "甲", "丁"]
    chosen = [2, 0, 1, 3, 4, 5, 6, 7]
    at = Segments(*segments(texts)).of(np.array(chosen, dtype))
    domain = np.broadcast_to(np.int64(0), 8) if one_domain else np.array([0, 0, 0, 0, 0, 0, 1, 0])
    found = distinct_texts(at, domain)
    for wanted in ("", "甲", "乙丙", "甲丁", "甲乙丙丁"):
        stays = np.array([texts[place] in list(wanted) for place in chosen])
        places = np.flatnonzero(stays)
        only, expected = found.only(stays, Work()), distinct_texts(at.of(places), domain[places])
        for name in ("of", "first", "later", "domain"):
            assert getattr(only, name).tolist() == getattr(expected, name).tolist()
            assert getattr(only, name).dtype == getattr(expected, name).dtype
        for name in ("at", "each"):
            assert [part.tolist() for part in getattr(only, name).whole()] == [
                part.tolist() for part in getattr(expected, name).whole()
            ]
        assert (only.of.dtype, only.first.dtype) == (dtype, dtype)


def test_a_forged_digest_joins_nothing(monkeypatch):
    """Where all digests are made equal, the texts themselves still decide."""
    words = ["甲乙", "乙甲", "甲乙", "丙", "乙甲", "甲乙丙"]
    flat, offsets = segments(words)
    honest = distinct_texts(Segments(flat, offsets), np.zeros(6, np.int64))
    monkeypatch.setattr(kernel, "text_digests", lambda *texts: np.zeros((len(texts[3]) - 1, 2), np.uint64))
    forged = distinct_texts(Segments(flat, offsets), np.zeros(6, np.int64))
    assert forged.of.tolist() == honest.of.tolist() == [0, 1, 0, 2, 1, 3]


@pytest.mark.parametrize("half", [0, 1])
def test_digests_of_which_half_is_forged_still_group(monkeypatch, half):
    """Texts that take turns under one half of a digest are told apart by the other, in any domain."""
    words = ["甲乙", "乙甲", "甲乙", "丙", "乙甲", "甲乙丙", "甲乙", "丙"]
    at, domain = Segments(*segments(words)), np.array([0, 0, 0, 0, 0, 0, 1, 1])
    real = kernel.text_digests

    def forged(*texts):
        digests = real(*texts)
        digests[:, half] = 7
        return digests

    monkeypatch.setattr(kernel, "text_digests", forged)
    assert distinct_texts(at, domain).of.tolist() == [0, 1, 0, 2, 1, 3, 4, 5]


def similar_texts(seed: int, count: int) -> list[str]:
    """Texts of a few templates, so that bands are full of them."""
    rng = random.Random(seed)
    templates = ["".join(rng.choices(HAN, k=60)) for _ in range(3)]
    return [edited(rng, rng.choice(templates), rng.choice([0.02, 0.06, 0.12])) for _ in range(count)]


@pytest.mark.parametrize("bucket", [2, 10, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_both_look_ups_meet_the_same_texts(monkeypatch, seed, bucket):
    """Through bands only, through prefixes wherever they are shorter, and the oracle: one answer."""
    settings = Settings(bucket=bucket, threshold=0.6)
    folded = [fold(text) for text in similar_texts(seed, 150)]
    texts = distinct_texts(Segments(*segments(folded)), np.zeros(len(folded), np.int64))
    fixed = np.zeros(len(folded), bool)

    def found(long: int) -> list[list[int]]:
        monkeypatch.setattr("dedup.kernel.greedy_reference._LONG", long)
        with Work() as work:
            result = match(texts, fixed, settings, passage_judge(texts, settings), work)
        assert (result.of(result.texts)[0] == result.keeper).all()
        return [result.texts.tolist(), result.of(np.arange(len(texts.first)))[0].tolist(), result.linked.tolist()]

    by_band, by_prefix = found(10**9), found(0)
    assert by_band == by_prefix
    distinct = [folded[place] for place in texts.first]
    repeats, _ = online(distinct, [0] * len(distinct), [False] * len(distinct), settings, lambda one, other: True)
    expected = [place if verdict is None else verdict[0] for place, verdict in enumerate(repeats)]
    assert by_band[1] == expected
    assert len(set(expected)) < len(expected)


def test_a_full_bucket_is_counted_and_warned_about():
    """120 numbered lines fill buckets of ten; the warning says what to do."""
    lines = [
        f"第{number}次列车今日下午从江山站开出，沿途停靠石门、清湖和贺村三个车站后抵达终点。"
        for number in range(100, 220)
    ]
    report = dedup.scan([Article(str(number), line) for number, line in enumerate(lines)], Settings(bucket=10))
    assert report.counts["full_buckets"] > 0
    assert any("raise bucket" in warning for warning in report.warnings)
    assert not dedup.scan([Article("a", lines[0])], Settings(bucket=10)).warnings


def test_every_band_key_is_one_of_the_texts_own():
    """Two different texts of a corpus share no key unless they share shingles."""
    keys = keys_of(
        [fold("江山如此多娇引无数英雄竞折腰惜秦皇汉武略输文采"), "completely different words in another script"],
        Settings(),
    )
    assert not set(keys[0]) & set(keys[1])


@pytest.mark.parametrize(
    ("one", "other", "conflict", "agree"),
    [
        ("5月23日新增8328例", "5月22日新增8326例", True, False),
        ("5月23日新增8328例", "5月23日新增8326例", True, True),
        ("5月23日8时12分", "5月23日9时30分", True, False),
        ("5月23日新增8328例", "5月23日新增例", False, True),
        ("8月6日6时至5时", "6月1日8时至5时", True, True),  # the second 6 is a number that the other lacks
        ("三人和三人", "三人和五人", True, False),
        ("第十二届五月开幕", "第十三届五月开幕", True, False),
        ("sold one of three", "sold two of three", True, False),
        ("没有数字", "5月23日", False, True),
        ("没有数字", "也没有", False, True),
        ("增长3.5%", "增长35%", True, False),
    ],
)
def test_numbers_in_conflict_and_in_agreement(one, other, conflict, agree):
    """A conflict: each has a number that the other lacks. Agreement: two thirds of the fewer stand in the other."""
    tokens = kernel.number_tokens(*segments([fold(one), fold(other)]), load())
    assert number_conflicts(*tokens, 0, np.array([1])).tolist() == [conflict]
    assert numbers_agree(*tokens, 0, np.array([1])).tolist() == [agree]


@pytest.mark.parametrize("seed", range(3))
def test_links_are_named_all_at_once_as_one_by_one(seed):
    """Texts of few and of many numbers, with none, one and more longer passages."""
    rng = random.Random(seed)
    texts = ["".join(rng.choice("123的 ") for _ in range(rng.randrange(30))) for _ in range(400)]
    folded, offsets = segments([fold(text) for text in texts])
    numbers = kernel.number_tokens(folded, offsets, load())
    longer = np.array([rng.randrange(4) for _ in range(200)])
    agree = [article_numbers_agree(*numbers, one, np.array([one + 200]), longer[one])[0] for one in range(200)]
    assert linked_by_number(folded, offsets, longer).tolist() == [not one for one in agree]
    assert set(map(bool, agree)) == {True, False}
    assert linked_by_number(folded[:0], offsets[:1], longer[:0]).tolist() == []
