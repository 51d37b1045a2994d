"""The choices that bend the rules, and the promises that hold under all of them."""

import itertools
import re

import pytest
from corpora import corpus
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import dedup
from dedup.errors import BadInput, BadSettings, DedupError
from dedup.model import Article
from dedup.settings import Settings

A = "市水务局昨日通报，城西水厂的扩建工程已经全部完工，日供水能力提高到十五万立方米，可以满足未来十年的需要。"
B = "新建的输水管线长二十一公里，从石门水库直达城区，途中经过三个乡镇，沿线的村庄也将陆续接入这一管网系统。"
C = "水厂负责人表示，净化工艺增加了活性炭过滤和紫外线消毒两道工序，出厂水的浊度比国家标准的要求还要低一半。"
SHORT = "记者昨天从市水务局的例行发布会上获悉如下情况"  # 22 characters: matched inside an article alone
CHOICES = [
    choice
    for choice in itertools.product(
        ["line", "blank", "sentence"], ["within", "across", "both"], ["article", "passage", "both"]
    )
    if choice[1:] != ("within", "article")  # which is refused
]


def cuts(report: dedup.Report) -> list[tuple[str, str, str]]:
    """(article, grain, article of the source) of each cut."""
    return [(f.article, f.grain, f.source.article) for f in report.findings if f.removed]


@pytest.mark.parametrize(("passage", "scope", "grain"), CHOICES)
@pytest.mark.parametrize("seed", [1, 2])
def test_under_every_choice_restoring_gives_the_articles_back(passage, scope, grain, seed):
    """And cuts lie in their text, in order, apart; the grain and the scope are what was asked for."""
    articles = [Article(a.id, a.text.replace("\n\n", "\n \n\n"), n=1) for a in corpus(seed, articles=12, pool=10)]
    report = dedup.scan(articles, Settings(passage=passage, scope=scope, grain=grain))
    cleaned = list(dedup.rewrite(articles, report))
    whole = {finding.article for finding in report.findings if finding.grain == "article" and finding.removed}
    dropped = [article for article in articles if article.id in whole]
    assert list(dedup.restore(cleaned, report, dropped)) == articles
    texts = {article.id: article.text for article in articles}
    for finding in report.findings:
        assert texts[finding.article][finding.start : finding.end] == finding.text
        if scope != "both":
            assert (finding.source.article == finding.article) == (scope == "within")
        if grain == "article":
            assert finding.grain == "article"
        if grain == "passage":
            assert finding.grain != "article"
    for article in cleaned:
        assert _most_blank_lines(article.text) <= max(2, _most_blank_lines(texts[article.id]))


def _most_blank_lines(text: str) -> int:
    most = running = 0
    lines = re.split(r"\r\n|[\n\r\u2028\u2029]", text)
    for line in lines if lines[-1] else lines[:-1]:
        running = 0 if line.strip() else running + 1
        most = max(most, running)
    return most


def test_within_takes_each_article_as_a_corpus_of_its_own():
    """What stands in another article does not matter, what stands twice in one goes."""
    articles = [Article("a", f"{A}\n{B}\n{A}"), Article("b", f"{A}\n{B}\n{SHORT}\n{C}\n{SHORT}")]
    report = dedup.scan(articles, Settings(scope="within"))
    assert cuts(report) == [("a", "passage", "a"), ("b", "passage", "b")]


def test_across_drops_what_repeats_its_own_article():
    """The third article's copy goes, the second copy in the first article stays."""
    articles = [Article("a", f"{A}\n{B}\n{A}"), Article("b", f"{C}\n{A}")]
    assert cuts(dedup.scan(articles, Settings(scope="across"))) == [("b", "passage", "a")]


def test_across_a_block_never_repeats_its_own_article():
    """The pair stands in a row only in the article itself, so its passages go one by one."""
    other = C[::-1]
    articles = [Article("a", f"{A}\n{other}\n{B}"), Article("b", f"{A}\n{B}\n{C}\n{A}\n{B}")]
    assert cuts(dedup.scan(articles, Settings(scope="across", grain="passage"))) == [("b", "passage", "a")] * 4
    assert ("b", "block", "b") in cuts(dedup.scan(articles, Settings(grain="passage")))


def test_short_passages_go_inside_their_article_only():
    """22 characters: twice in one article is once too often, once in each of two is not."""
    articles = [Article("a", f"{A}\n{SHORT}\n{B}\n{SHORT}"), Article("b", f"{SHORT}\n{C}")]
    assert cuts(dedup.scan(articles)) == [("a", "passage", "a")]


def test_a_long_passage_never_goes_for_a_short_one():
    """A short one may go for a long one of its article."""
    short, long = A[:41], A[:44]
    settings = Settings(min_chars=41 - 2, short_chars=0)
    assert cuts(dedup.scan([Article("a", f"{short}\n{B}\n{long}")], settings)) == []
    assert cuts(dedup.scan([Article("a", f"{long}\n{B}\n{short}")], settings)) == [("a", "passage", "a")]


def test_an_article_that_keeps_only_scraps_is_a_remnant():
    """Its long passages stand elsewhere, in two other articles; the heading that is left goes with it."""
    for longer, source in ((A, "a"), (A[:44], "b")):
        articles = [Article("a", f"{longer}\n{C[:44]}"), Article("b", B), Article("c", f"要闻\n{longer}\n{B}")]
        report = dedup.scan(articles)
        (finding,) = [finding for finding in report.findings if finding.removed]
        assert (finding.article, finding.grain, finding.rule, finding.similarity) == ("c", "article", "remnant", None)
        assert finding.source.article == source, "its longest cut repeats that article"
    assert [article.id for article in dedup.rewrite(articles, report)] == ["a", "b"]


def test_numbers_decide_unless_they_are_ignored():
    """Another day's figures are linked and kept; with `ignore` they repeat."""
    day = (
        "截至5月22日24时，全市累计接种疫苗8326例，各接种点秩序良好，没有发生排队拥挤的情况，工作人员耐心解答了市民的疑问，"
        "并提醒大家接种以后在留观区休息半个小时，确认没有不适再离开。市卫生部门表示，后续批次的疫苗正在运输途中，供应有保障。"
    )
    articles = [Article("a", day), Article("b", day.replace("22日", "23日").replace("8326", "8328"))]
    report = dedup.scan(articles)
    assert cuts(report) == []
    assert {(f.article, f.grain, f.rule, f.removed) for f in report.findings} == {
        ("b", "article", "near-numbers", False),
        ("b", "passage", "near-numbers", False),
    }
    assert cuts(dedup.scan(articles, Settings(numbers="ignore"))) == [("b", "article", "a")]


def test_an_article_with_one_new_paragraph_is_linked_and_loses_the_old_ones():
    """Similar as a whole, but a longer passage has no counterpart."""
    more = [A.replace("城西", "城北").replace("十五万", "二十万").replace("通报", "回应"), B[::-1], C[::-1]]
    old = "\n".join([A, B, C, *more])
    new = "另据了解，工程的第二期将于明年春天开工，届时老城区的供水压力也会得到明显改善，居民不必再为高层缺水发愁。"
    articles = [Article("a", old), Article("b", f"{old}\n{new}")]
    report = dedup.scan(articles)
    link = next(finding for finding in report.findings if finding.grain == "article")
    assert (link.article, link.rule, link.removed) == ("b", "near", False)
    assert [article.text for article in dedup.rewrite(articles, report)][1] == new


def test_references_are_never_cut_and_come_first():
    """Their ids may repeat the corpus's; equal references do not cut each other; the source names them."""
    old = [Article("x", f"{A}\n{B}"), Article("y", f"{A}\n{B}")]
    articles = [Article("x", f"{A}\n{B}"), Article("z", f"{C}\n{A}\n{SHORT}")]
    for keep in ("first", "last", "longest"):
        report = dedup.scan(articles, Settings(keep=keep), against={"old": old})
        assert cuts(report) == [("x", "article", "x"), ("z", "passage", "x")]
        assert {finding.source.against for finding in report.findings} == {"old"}
        assert list(report.article_ids) == ["x", "z"]
        assert all(family.kept.against == "old" for family in report.families)
        assert [article.id for article in dedup.rewrite(articles, report)] == ["z"]


def test_kept_is_decided_by_keep_and_findings_stay_in_reading_order():
    """With `last` the earlier copies go."""
    articles = [Article("a", A), Article("b", f"{A}。"), Article("c", A)]
    assert cuts(dedup.scan(articles, Settings(keep="last"))) == [("a", "article", "c"), ("b", "article", "c")]


@given(st.permutations(range(8)))
@hypothesis_settings(max_examples=10)
def test_what_is_kept_by_a_field_does_not_depend_on_the_order_of_reading(order):
    """Keep order decides, ties aside."""
    articles = [Article(a.id, a.text, rank=number) for number, a in enumerate(corpus(5, articles=8, pool=8))]
    expected = dedup.scan(articles, Settings(keep="field:rank"))
    shuffled = dedup.scan([articles[at] for at in order], Settings(keep="field:rank"))
    key = lambda finding: (finding.article, finding.start, finding.grain)  # noqa: E731
    assert sorted(shuffled.findings, key=key) == sorted(expected.findings, key=key)
    assert sorted(shuffled.families, key=str) == sorted(expected.families, key=str)


@pytest.mark.parametrize(
    ("articles", "error", "message"),
    [
        ([Article("a", A), Article("b", B), Article("a", C)], BadInput, "articles 1 and 3 have the same id 'a'"),
        ([Article("a", A), Article("b", None)], BadInput, "article 'b': id and text must be strings"),
        ([Article("a", A), "plain"], BadInput, "scan takes articles, found str"),
        ([Article("a", "before \ud800 after")], BadInput, "U+D800"),
        (iter([Article("a", A)]), DedupError, "pass a list"),
    ],
)
def test_articles_that_cannot_be_judged_are_named(articles, error, message):
    """One line that says which and why."""
    with pytest.raises(error) as raised:
        dedup.scan(articles)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_id_that_stands_twice_in_one_reference_is_refused():
    """Two families would have one name; from one reference to another it may repeat, and in the corpus."""
    one, other = Article("a", A), Article("a", B)
    for against in ({"old": [Article("b", C), one, other]}, {"older": [one], "old": [Article("b", C), one, other]}):
        with pytest.raises(
            BadInput, match=r"^reference 'old': articles 2 and 3 have the same id 'a'; give each its own"
        ):
            dedup.scan([one], against=against)
    assert cuts(dedup.scan([one], against={"old": [one], "older": [other]})) == [("a", "article", "a")]


def test_within_has_no_use_for_references():
    """Rather than leave them out without a word."""
    for against in ({"old": [Article("b", C)]}, [Article("b", C)], iter([Article("b", C)])):
        with pytest.raises(BadSettings, match="never looks at references"):
            dedup.scan([Article("a", A)], Settings(scope="within"), against=against)
    for nothing in (None, {}, []):
        assert not dedup.scan([Article("a", A)], Settings(scope="within"), against=nothing).findings


def test_articles_are_read_once():
    """`scan` keeps of the texts what it needs for its findings."""

    class Counted(list):
        readings = 0

        def __iter__(self):
            self.readings += 1
            return super().__iter__()

    articles = Counted([Article("a", A), Article("b", A)])
    assert [finding.text for finding in dedup.scan(articles).findings] == [A]
    assert articles.readings == 2  # once to see that it is no iterator


def test_nothing_comes_of_nothing():
    """No article, empty articles, articles of white space or punctuation alone: no finding, no error."""
    assert dedup.scan([]).findings == []
    empty = [Article(str(number), text) for number, text in enumerate(["", "", "\n\n", " 　", "———", "。。。", "———"])]
    report = dedup.scan(empty)
    assert report.findings == []
    assert [article.text for article in dedup.rewrite(empty, report)] == [article.text for article in empty]


def test_a_field_that_no_article_has_is_a_bad_setting():
    """Rather than keeping the first in silence."""
    with pytest.raises(BadSettings, match="no article has that field"):
        dedup.scan([Article("a", A, date="x")], Settings(keep="field:dates"))


def test_a_source_that_nearly_vanishes_is_warned_about():
    """More than half of the articles of a source of twenty or more."""
    articles = [Article(str(number), A if number % 3 else f"{number}{B}{number}") for number in range(30)]
    report = dedup.scan(articles, sources=lambda: [("one.jsonl", 10), ("two.jsonl", 20)])
    assert any(warning.startswith("two.jsonl: 14 of 20 articles are cut whole") for warning in report.warnings)
    assert not any("one.jsonl" in warning for warning in report.warnings)


def test_a_family_that_is_too_large_is_warned_about():
    """A hundred places and over one in a hundred; not ninety-nine, and not one in a thousand."""

    def warned(places: int, others: int) -> bool:
        articles = [Article(str(n), f"{A}\n{n}{B[:30]}{chr(0x4E00 + 7 * n)}{C[n % 20 :]}") for n in range(places)]
        articles += [
            Article(f"x{n}", "".join(chr(0x4E00 + (n * 37 + k * 101) % 20000) for k in range(30)))
            for n in range(others)
        ]
        report = dedup.scan(articles, Settings(grain="passage", boilerplate="off"))
        return any("over 1 % of all passages" in warning for warning in report.warnings)

    assert warned(100, 0)
    assert not warned(99, 0)
    assert not warned(100, 12000)
