"""`dedup tune` counts what real scans cut, at all thresholds at once."""

from __future__ import annotations

import json
import random

import pytest
from corpora import corpus, edited, sentence
from test_cli import A, B, jsonl, run

import dedup
from dedup import Article, Settings
from dedup.report.tune import STEPS, sample, tune, with_texts

THOROUGH = {"recall": 0.9999, "num_perm": 512}
NO_FREQUENCY = {"boilerplate_families": 10**6, "boilerplate_families_long": 10**6}


def scanned(articles: list[Article], threshold: float, **settings: object) -> tuple[int, set[tuple[str, int]]]:
    """What a scan that misses next to nothing cuts: articles by themselves, and long passages of the others."""
    report = dedup.scan(articles, Settings(threshold=threshold, **THOROUGH, **NO_FREQUENCY, **settings))
    duplicates = [finding for finding in report.findings if finding.removed and finding.kind == "duplicate"]
    whole = sum(finding.grain == "article" and finding.rule != "remnant" for finding in duplicates)
    members = {
        (member.place.article, member.place.start)
        for family in report.families
        if family.grain == "passage"
        for member in family.members
        if len(dedup.text.fold(texts_of(articles)[member.place.article][member.place.start : member.place.end])) >= 40
    }
    return whole, members


def texts_of(articles: list[Article]) -> dict[str, str]:
    """The texts by id."""
    return {article.id: article.text for article in articles}


def passages(seed: int, count: int) -> list[Article]:
    """Articles of one passage each, many edited more or less from another."""
    rng = random.Random(seed)
    texts: list[str] = []
    for _ in range(count):
        if texts and rng.random() < 0.7:
            texts.append(edited(rng, rng.choice(texts), rng.choice([0, 0.01, 0.02, 0.04, 0.06, 0.1])))
        else:
            texts.append(sentence(rng, 60, 140))
    return [Article(f"a{number}", text) for number, text in enumerate(texts)]


@pytest.mark.parametrize("seed", range(3))
def test_passages_are_counted_as_real_scans_cut_them(seed):
    """At each of the ten thresholds, exactly: the same rule over the same pairs."""
    articles = passages(seed, 150)
    found = tune(articles, Settings(grain="passage", **THOROUGH), 0)
    for step, threshold in zip(found.steps, STEPS, strict=True):
        _, members = scanned(articles, threshold, grain="passage")
        assert step.passages == len(members), threshold
        assert step.articles == 0


@pytest.mark.parametrize("grain", ["passage", "article"])
def test_a_text_that_many_refuse_for_their_numbers_joins_the_one_that_does_not(grain):
    """Of forty notices that differ in their numbers, edited copies of the last few: each meets all of them first."""
    rng = random.Random(7)
    notice = sentence(rng, 90, 91)
    texts = [f"{number:03} {notice}" for number in range(100, 140)]
    texts += [f"{number:03} {edited(rng, notice, 0.02)}" for number in (139, 138, 120)]
    articles = [Article(f"a{number}", text) for number, text in enumerate(texts)]
    found = tune(articles, Settings(grain=grain, **THOROUGH), 50)
    low = found.steps[0]
    assert (low.articles, low.passages) == ((3, 0) if grain == "article" else (0, 3))
    assert {(pair.kept.article, pair.place.article) for pair in found.pairs} == {
        ("a39", "a40"),
        ("a38", "a41"),
        ("a20", "a42"),
    }
    for step, threshold in zip(found.steps, STEPS, strict=True):
        whole, members = scanned(articles, threshold, grain=grain)
        assert (step.articles, step.passages) == (whole, len(members) if grain == "passage" else 0), threshold


@pytest.mark.parametrize("seed", range(3))
def test_articles_are_counted_as_real_scans_cut_them(seed):
    """At each of the ten thresholds, exactly, number rule and coverage included."""
    articles = corpus(seed, articles=60, pool=60)
    found = tune(articles, Settings(grain="article", **THOROUGH), 0)
    for step, threshold in zip(found.steps, STEPS, strict=True):
        assert step.articles == scanned(articles, threshold, grain="article")[0], threshold


@pytest.mark.parametrize("seed", range(3))
def test_both_grains_together_differ_by_little(seed):
    """A text whose first place went with its article is taken in another order than by a scan: within one in twenty."""
    articles = corpus(seed, articles=60, pool=60)
    found = tune(articles, Settings(**THOROUGH), 0)
    for step, threshold in zip(found.steps, STEPS, strict=True):
        whole, members = scanned(articles, threshold)
        assert step.articles == whole
        assert abs(step.passages - len(members)) <= 1 + len(members) / 20, threshold


def test_pairs_are_those_of_their_step():
    """Each is at least as similar as its step, and would not go at a higher one; texts are those of the places."""
    articles = passages(9, 150)
    found = tune(articles, Settings(grain="passage"), 4)
    assert len(found.pairs) > 10
    texts = texts_of(articles)
    for pair in with_texts(found.pairs, texts):
        assert pair["similarity"] >= pair["step"]
        assert pair["text"] == texts[pair["article"]][pair["start"] : pair["end"]]
        one, other = Article("1", pair["source_text"]), Article("2", pair["text"])
        at, above = pair["step"], min(pair["similarity"] + 0.0002, 1.0)
        for threshold, families in ((at, 1), (round(above, 4), 0)):
            settings = Settings(threshold=threshold, grain="passage", **THOROUGH)
            assert len(dedup.scan([one, other], settings).families) == families


def test_the_same_pairs_are_drawn_again():
    """For the same articles and settings; none where none are asked for."""
    articles = passages(9, 80)
    assert tune(articles, Settings(), 3) == tune(articles, Settings(), 3)
    assert tune(articles, Settings(), 0).pairs == ()


def test_a_sample_is_drawn_by_ids():
    """The same articles for the same seed in the order of reading, others for another, all where there are too few."""
    articles = [Article(f"{number}", "x") for number in range(500)]
    drawn = sample(iter(articles), 50, 1)
    assert len(drawn) == 50
    assert drawn == sample(reversed(articles), 50, 1)[::-1]
    assert drawn != sample(articles, 50, 2)
    assert [int(article.id) for article in drawn] == sorted(int(article.id) for article in drawn)
    assert sample(articles, 1000, 1) == articles


def test_the_table_the_json_and_the_page_agree(tmp_path):
    """On the command line; the page of the run gets a section, and a run of other inputs is refused."""
    records = [{"id": f"r{number}", "text": article.text} for number, article in enumerate(passages(4, 60))]
    (tmp_path / "in.jsonl").write_bytes(jsonl(*records))
    assert run("scan", "in.jsonl", "-o", "out", cwd=tmp_path).returncode == 0
    done = run("tune", "in.jsonl", "-o", "out", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert [step["threshold"] for step in answer["steps"]] == list(STEPS)
    told = run("tune", "in.jsonl", "--pairs", "1", cwd=tmp_path)
    lines = told.stdout.decode().splitlines()
    assert lines[0].split() == ["threshold", "articles", "passages", "characters", "share"]
    assert [int(line.split()[1]) for line in lines[1:11]] == [step["articles"] for step in answer["steps"]]
    assert lines[5].endswith("<")
    assert any("not above, similarity" in line for line in lines)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Other thresholds" in page
    assert "Pairs for a person to judge" in page
    assert json.loads((tmp_path / "out" / "tune.json").read_text()) == answer
    (tmp_path / "other.jsonl").write_bytes(jsonl({"id": "a", "text": A}, {"id": "b", "text": B}))
    done = run("tune", "other.jsonl", "-o", "out", cwd=tmp_path)
    assert done.returncode == 2
    assert "is not a run of these inputs" in done.stderr.decode()


def test_what_tune_does_not_do_is_an_error(tmp_path):
    """References, and a folder that is no run."""
    (tmp_path / "in.jsonl").write_bytes(jsonl({"id": "a", "text": A}))
    assert run("tune", "in.jsonl", "--against", "in.jsonl", cwd=tmp_path).returncode == 2
    done = run("tune", "in.jsonl", "-o", "nowhere", cwd=tmp_path)
    assert done.returncode == 2
    assert "expected the folder of a run" in done.stderr.decode()
