"""`scan` against the oracle and against its promises."""

import random
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from corpora import HAN, corpus
from oracle import jaccard, judge_articles, judge_passages, shingle_set, size, verifies

import dedup
from dedup.local import judged
from dedup.model import Article, Report
from dedup.settings import Settings
from dedup.text import codepoints, fold, passages
from dedup.work import Work

# the corpora draw lines from one pool, so frequency would take them; tests/test_boilerplate.py is about that
SETTINGS = [
    Settings(boilerplate="off"),
    Settings(boilerplate="off", threshold=0.5, num_perm=64),
    Settings(boilerplate="off", threshold=0.9, recall=0.5, numbers="ignore"),
    Settings(boilerplate="off", min_chars=25, min_chars_within=10, short_chars=30),
    Settings(boilerplate="off", bucket=1, threshold=0.4),
    Settings(boilerplate="off", shingle=5, recall=0.6),
]


def found_passages(report: Report) -> dict[tuple[str, int], tuple[tuple[str, int], float]]:
    """(article, start) -> ((article, start) of the kept passage, similarity), without what only a block takes along."""
    return {
        (member.place.article, member.place.start): ((family.kept.article, family.kept.start), member.similarity)
        for family in report.families
        if family.grain == "passage"
        for member in family.members
    }


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: f"{settings.threshold}-{settings.bucket}")
@pytest.mark.parametrize("seed", range(12))
def test_the_oracle_agrees(seed, settings):
    """Articles cut and linked, passages cut, whom they repeat and how similar they are: all as the slow rules say."""
    articles = corpus(seed)
    report = dedup.scan(articles, settings)
    repeats, links = judge_articles(articles, settings)
    name = [article.id for article in articles]
    whole = {f.article: f for f in report.findings if f.grain == "article" and f.rule != "remnant"}
    cut = {a: (f.source.article, f.similarity) for a, f in whole.items() if f.removed}
    assert cut == {name[a]: (name[b], round(float(s), 4)) for a, (b, s) in repeats.items()}
    linked = {a: (f.source.article, f.similarity) for a, f in whole.items() if not f.removed}
    assert linked == {name[a]: (name[b], round(float(s), 4)) for a, (b, s) in links.items()}
    expected = judge_passages(articles, settings, set(repeats))
    found = found_passages(report)
    for place, (kept, similarity) in expected.items():
        assert found.pop(place) == (kept, round(float(similarity), 4)), place
    assert all(size(fold(_line(articles, place))) < settings.min_chars for place in found), "taken along by a block"


@pytest.mark.parametrize(
    "settings", [{}, {"keep": "last"}, {"keep": "longest"}, {"passage": "blank"}, {"scope": "within"}]
)
@pytest.mark.parametrize("seed", range(6))
def test_characters_beyond_the_basic_plane_are_characters(seed, settings):
    """Han characters above U+FFFF change nothing: no span, no floor, no similarity."""
    far = [chr(code) for code in range(0x20000, 0x20400) if fold(chr(code)) == chr(code)]
    plain = corpus(seed)
    moved = dict(zip(map(ord, HAN), far, strict=False))
    articles = [Article(article.id, article.text.translate(moved)) for article in plain]
    chosen = Settings(recall=0.999, **settings)
    expected, report = (dedup.scan(of, chosen) for of in (plain, articles))
    findings = [replace(finding, text=finding.text.translate(moved)) for finding in expected.findings]
    assert report.findings == findings
    assert report.families == expected.families
    with Work(memory=1 << 12, workers=2) as work:  # in files
        assert judged(articles, chosen, work).report().findings == findings


def _line(articles: list[Article], place: tuple[str, int]) -> str:
    text = next(article.text for article in articles if article.id == place[0])
    return text[place[1] :].splitlines()[0]


@pytest.mark.parametrize("seed", range(12))
def test_every_cut_has_a_kept_twin(seed):
    """Each passage of a cut repeats, verified, a passage that stays, in the family of that passage."""
    articles = {article.id: article for article in corpus(seed, articles=20, pool=12)}
    report = dedup.scan(list(articles.values()), Settings(boilerplate="off"))
    assert report.findings
    cuts: dict[str, list[tuple[int, int]]] = {}
    for finding in report.findings:
        if finding.removed:
            cuts.setdefault(finding.article, []).append((finding.start, finding.end))
    for spans in cuts.values():
        assert all(one[1] <= other[0] for one, other in pairwise(spans)), "cuts overlap"

    def cut(place: dedup.model.Place) -> bool:
        return any(start <= place.start and place.end <= end for start, end in cuts.get(place.article, []))

    for family in report.families:
        assert family.members
        if family.grain == "passage":
            assert not cut(family.kept) or _is_remnant(report, family.kept.article)
        kept = _fold(articles, family.kept)
        for member in family.members:
            own = _fold(articles, member.place)
            if family.grain == "passage":
                similarity = Fraction(1) if own == kept else verifies(own, kept, report.settings)
                assert similarity is not None
                assert round(float(similarity), 4) == member.similarity
            assert cut(member.place)
    depths = Depths(list(articles.values()), report)
    for finding in report.findings:
        if finding.removed:
            assert depths.of_place(finding.source) <= 1, finding


@pytest.mark.parametrize("keep", ["first", "last", "longest"])
@pytest.mark.parametrize("seed", range(40))
def test_following_sources_ends_at_kept_text_in_two_steps(seed, keep):
    """Whatever the keep order, and however blocks, articles and short passages cite each other."""
    articles = corpus(seed, articles=16, pool=8)
    report = dedup.scan(articles, Settings(keep=keep, boilerplate="off"))
    depths = Depths(articles, report)
    for finding in report.findings:
        if finding.removed and finding.rule != "remnant":
            assert depths.of_place(finding.source) <= 1, finding
    for family in report.families:
        if family.grain == "passage" and not _is_remnant(report, family.kept.article):
            assert depths.of_place(family.kept) == 0, family


class Depths:
    """How many sources lie between a place and kept text, passage by passage."""

    def __init__(self, articles: list[Article], report: Report) -> None:
        self.starts = {
            article.id: [int(start) for start, _ in passages(codepoints(article.text), "line")] for article in articles
        }
        self.cuts = {article.id: [f for f in report.findings_of(article.id) if f.removed] for article in articles}

    def of_place(self, place: dedup.model.Place) -> int:
        """The most of any passage in it."""
        inside = [start for start in self.starts[place.article] if place.start <= start < place.end]
        return max((self.of_passage(place.article, start) for start in inside), default=0)

    def of_passage(self, article: str, start: int) -> int:
        """0 for kept text, else one more than its counterpart."""
        for finding in self.cuts[article]:
            if finding.start <= start < finding.end:
                source = finding.source
                if finding.grain == "article":
                    return 1 + (0 if finding.rule == "remnant" else self.of_place(source))
                own = [s for s in self.starts[article] if finding.start <= s < finding.end]
                theirs = [s for s in self.starts[source.article] if source.start <= s < source.end]
                return 1 + self.of_passage(source.article, theirs[own.index(start)])
        return 0


def _is_remnant(report: Report, article: str) -> bool:
    return any(f.article == article and f.rule == "remnant" for f in report.findings)


def _fold(articles: dict[str, Article], place: dedup.model.Place) -> str:
    return fold(articles[place.article].text[place.start : place.end])


def test_similarity_is_exact_jaccard():
    """Worked by hand: 19 Han characters have 16 shingles; one replaced in the middle leaves 12 of 20."""
    one = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申"
    other = one.replace("癸", "亥")
    assert jaccard(shingle_set(one), shingle_set(other)) == Fraction(12, 20)
    report = dedup.scan([Article("a", one), Article("b", other)], Settings(threshold=0.6, short_chars=0, recall=0.999))
    (finding,) = [finding for finding in report.findings if finding.grain == "article"]
    assert finding.similarity == 0.6
    assert finding.removed
    above = dedup.scan([Article("a", one), Article("b", other)], Settings(threshold=0.6001, short_chars=0))
    assert not above.findings


def test_a_threshold_of_six_decimals_is_compared_exactly():
    """Also on texts of thousands of shingles: 1,997 + 3 x 1,000,000 stays far from what 64 bits hold."""
    rng = random.Random(2)
    one = "".join(chr(rng.randrange(0x4E00, 0x9000)) for _ in range(2000))
    other = one[:-30] + one[:30][::-1]
    similarity = jaccard(shingle_set(one), shingle_set(other))
    for step, cut in ((-1e-6, True), (1e-6, False)):
        settings = Settings(threshold=round(float(similarity) + step, 6), recall=0.999)
        report = dedup.scan([Article("a", one), Article("b", other)], settings)
        assert bool(report.findings) == cut
