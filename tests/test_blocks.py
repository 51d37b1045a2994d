"""Runs of repeated passages, against a search that tries everything."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup.blocks import Block, Passages, find_blocks
from dedup.model import Article


def passages_of(articles: list[list[int]], long: set[int]) -> Passages:
    """Articles as lists of texts; a long text is cut wherever it stands again."""
    text = np.array([one for article in articles for one in article], np.int64)
    article = np.repeat(np.arange(len(articles)), [len(one) for one in articles])
    seen: set[int] = set()
    removed = []
    for one in text.tolist():
        removed.append(one in seen and one in long)
        seen.add(one)
    across = np.array([one in long for one in text.tolist()], bool)
    ones = np.ones(len(text), bool)
    rng = np.random.default_rng(len(text))
    firm = rng.random(len(text)) < 0.2
    opens = rng.random(len(text)) < 0.8
    opens[np.flatnonzero(np.diff(article, prepend=-1))] = True
    return Passages(
        article, text, text, np.array(removed, bool), across, ones, opens, firm, within_only=False, across_only=False
    )


def brute_force(passages: Passages) -> list[Block]:
    """Every place, every length."""
    count = len(passages.text)
    blocks: list[Block] = []
    depth = passages.removed.astype(int).tolist()
    start = 0
    while start < count:
        best = (0, 0)
        for source in range(start):
            length = 0
            while True:
                one, other = start + length, source + length
                if one >= count or passages.article[one] != passages.article[start]:
                    break
                if passages.article[other] != passages.article[source] or other >= start:
                    break
                if passages.text[one] != passages.text[other] or depth[other] > (0 if passages.firm[one] else 1):
                    break
                if length and passages.opens[one] and not passages.opens[start]:
                    break
                if length and passages.text[one] == passages.text[one - 1]:
                    break
                length += 1
                if passages.removed[start] and passages.removed[one] and length > max(best[0], 1):
                    best = (length, source)
        if best[0]:
            blocks.append(Block(start, start + best[0] - 1, best[1]))
            depth[start : start + best[0]] = [1 + steps for steps in depth[best[1] : best[1] + best[0]]]
            start += best[0]
        else:
            start += 1
    return blocks


@given(st.lists(st.lists(st.integers(0, 6), max_size=12), max_size=5), st.sets(st.integers(0, 6)))
@settings(max_examples=400)
def test_the_longest_run_at_each_place_is_found(articles, long):
    """As the search that tries everything finds it; ties go to the earliest source."""
    passages = passages_of(articles, long)
    assert find_blocks(passages, lambda one, other: one == other) == brute_force(passages)


def test_counterparts_must_verify_directly():
    """Two members of one family that do not verify against each other break the run."""
    articles = [[0, 1], [2, 3], [4, 5]]
    base = passages_of(articles, set(range(6)))
    token = np.array([0, 1, 0, 1, 0, 1])
    removed = np.array([False, False, True, True, True, True])
    no, yes = np.zeros(6, bool), np.ones(6, bool)
    passages = Passages(base.article, base.text, token, removed, base.across, base.source, yes, no, False, False)
    assert find_blocks(passages, lambda one, other: True) == [Block(2, 3, 0), Block(4, 5, 0)]
    assert find_blocks(passages, lambda one, other: (one, other) != (2, 0)) == [Block(4, 5, 0)]
    assert find_blocks(passages, lambda one, other: other not in (0, 1)) == [Block(4, 5, 2)]


LINES = {
    "a": "市水务局昨日通报，城西水厂的扩建工程已经全部完工，日供水能力提高到十五万立方米，可以满足未来十年的需要。",
    "b": "新建的输水管线长二十一公里，从石门水库直达城区，途中经过三个乡镇，沿线的村庄也将陆续接入这一管网系统。",
    "c": "水厂负责人表示，净化工艺增加了活性炭过滤和紫外线消毒两道工序，出厂水的浊度比国家标准的要求还要低一半。",
    "d": "居民代表参观了中心化验室，看到技术人员每两个小时采样一次，对一百零六项指标逐一检验，结果实时在网上公布。",
    "s": "记者从会上获悉：",
    "x": "本报曾多次报道城西片区水压不足的问题，老旧小区的住户尤其盼望这项工程早日投入使用，解决夏季用水的困难。",
    "y": "据介绍，下一步将改造老城区的二次供水设施，涉及六十四个小区，计划用三年时间完成，费用由市财政全额承担。",
}


def article(name: str, letters: str) -> Article:
    """An article of the lines that the letters name."""
    return Article(name, "\n".join(LINES[letter] for letter in letters))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("abcx", "yabc", ["block abc"]),
        ("abxc", "yabc", ["block ab", "passage c"]),
        ("asbx", "yasb", ["block asb"]),
        ("sax", "ysa", ["passage a"]),
        ("axby", "aybx", ["passage a", "block by", "passage x"]),
        ("abab", "", ["block ab"]),
        ("aaax", "", ["passage a", "passage a"]),
        ("abcdabcdx", "", ["block abcd"]),
    ],
)
def test_blocks_of_articles(first, second, expected):
    """A block begins and ends on a passage that is long enough to be cut alone, and takes short ones along."""
    articles = [article("one", first)] + ([article("two", second)] if second else [])
    report = dedup.scan(articles, dedup.Settings(grain="passage"))
    names = {text: letter for letter, text in LINES.items()}
    found = [
        f"{finding.grain} {''.join(names[line] for line in finding.text.splitlines())}" for finding in report.findings
    ]
    if first == "axby":
        expected = ["passage a", "passage y", "passage b", "passage x"]
    assert found == expected


def test_a_short_passage_in_a_block_has_its_proof():
    """Its family names the place where it stays."""
    report = dedup.scan([article("one", "asbx"), article("two", "yasb")], dedup.Settings(grain="passage"))
    proofs = {(m.place.article, m.place.start): family.kept for family in report.families for m in family.members}
    start = len(LINES["y"]) + 1 + len(LINES["a"]) + 1
    kept = proofs["two", start]
    assert (kept.article, kept.start) == ("one", len(LINES["a"]) + 1)


def unrelated(count: int) -> list[str]:
    """Lines of 60 characters that share nothing."""
    rng = random.Random(3)
    return ["".join(chr(rng.randrange(0x4E00, 0x9000)) for _ in range(60)) for _ in range(count)]


P, Q, R, S, U, V, W = unrelated(7)
SHORT = unrelated(8)[7][:30]


def scanned(*texts: tuple[str, ...], **choices: str) -> tuple[dedup.Report, list[str]]:
    """The report on articles d1, d2 ... of these lines, and what is left of each."""
    articles = [Article(f"d{number}", "\n".join(lines)) for number, lines in enumerate(texts, 1)]
    report = dedup.scan(articles, dedup.Settings(**choices))
    return report, [article.text for article in dedup.rewrite(articles, report)]


def cuts(report: dedup.Report) -> list[tuple[str, str, str, float, str]]:
    """(article, grain, rule, similarity, article of the source) of each cut."""
    return [(f.article, f.grain, f.rule, f.similarity, f.source.article) for f in report.findings if f.removed]


def test_a_cited_article_has_no_block_whose_source_is_cut():
    """d4 goes for d3, so what d3 lost must lead to kept text in one step: its passages go one by one."""
    report, _ = scanned((P, U), (P, Q, V), (P, Q, R, S), (P, Q, R, S))
    assert cuts(report) == [
        ("d2", "passage", "exact", 1.0, "d1"),
        ("d3", "passage", "exact", 1.0, "d1"),
        ("d3", "passage", "exact", 1.0, "d2"),
        ("d4", "article", "exact", 1.0, "d3"),
    ]


def test_a_short_passage_that_a_block_takes_hands_on_what_repeats_it():
    """d2's first short line goes with its block; the second repeats the one in d1, which stays."""
    report, _ = scanned((P, SHORT, Q, U), (P, SHORT, Q, V, SHORT))
    assert cuts(report) == [("d2", "block", "exact", 1.0, "d1"), ("d2", "passage", "exact", 1.0, "d1")]
    assert {family.kept.article for family in report.families} == {"d1"}


def test_a_block_is_as_similar_as_its_passages_are_to_their_counterparts():
    """d3 repeats d2's run, of which one line differs in a character: 57 shingles, 4 of them touched."""
    changed = P[:30] + "一" + P[31:]
    report, _ = scanned((P, U), (changed, Q, R, V), (P, Q, R, W))
    assert cuts(report)[1] == ("d3", "block", "near", round(53 / 61, 4), "d2")


def test_a_short_passage_equal_to_its_counterpart_does_not_break_a_block():
    """Though its counterpart is cut for a longer version of itself in its own article."""
    report, left = scanned((SHORT + "又", P, SHORT, Q), (P, SHORT, Q, U))
    assert cuts(report)[1] == ("d2", "block", "exact", 1.0, "d1")
    assert left[1] == U


def test_a_block_of_sentences_never_joins_kept_paragraphs():
    """It begins behind a kept sentence, so it ends in its line."""
    one, two = P + "。", Q + "。"
    report, left = scanned((one + two, R), ("甲乙丙。" + one, "", two + "丁戊己。" + S), passage="sentence")
    assert cuts(report) == [("d2", "passage", "exact", 1.0, "d1"), ("d2", "passage", "exact", 1.0, "d1")]
    assert left[1] == "甲乙丙。\n\n丁戊己。" + S


def test_lines_of_signs_equal_only_the_same_signs():
    """All fold to nothing; a block takes them along where the source has the same."""
    report, left = scanned((P, "※※※", Q, U), (P, "？？！……", Q, V), (P, "※ ※※", Q, W))
    assert [cut[1] for cut in cuts(report)] == ["passage", "passage", "block"]
    assert left[1:] == [f"？？！……\n{V}", W]
    members = [m.place.article for f in report.families for m in f.members if f.kept.start == len(P) + 1]
    assert members == ["d3"], "the line of signs has its proof"
