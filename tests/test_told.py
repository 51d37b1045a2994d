"""A judgement in words: objects and lines say the same, whatever is told together."""

from __future__ import annotations

import random
from itertools import groupby
from typing import Any

import numpy as np
import orjson
import pytest
from corpora import corpus

import dedup
from dedup import Article, Settings, told
from dedup.findings import Judgement, Repeats, Run, Runs
from dedup.local import judged
from dedup.model import Finding, Grain
from dedup.rewriting import CutCounts
from dedup.told import Told
from dedup.work import Work

FURNITURE = [
    "责任编辑：王小明",
    "央视网消息",
    "分享到：",
    "<div>",
    "区(qū)政府\x08锟斤拷",
    "上一篇：下一篇：",
    "Copyright 2020 Example. All rights reserved.",
]


def furnished(seed: int) -> list[Article]:
    """A random corpus with page furniture and debris, a line of it on most pages."""
    rng = random.Random(seed)
    made = []
    for article in corpus(seed, articles=30):
        lines = article.text.split("\n")
        for _ in range(rng.randint(0, 3)):
            lines.insert(rng.randint(0, len(lines)), rng.choice(FURNITURE))
        made.append(article.with_text("\n".join([*(["频道首页新闻中心"] if rng.random() < 0.8 else []), *lines])))
    return made


CHOICES: list[dict[str, Any]] = [
    {},
    {"keep": "longest", "passage": "blank"},
    {"passage": "sentence", "scope": "across"},
    {"scope": "within"},
    {"strip": ("markup", "annotation", "control")},
    {"grain": "passage", "boilerplate": "mark"},
    {"grain": "article", "numbers": "ignore"},
]


@pytest.mark.parametrize("choices", CHOICES)
@pytest.mark.parametrize("seed", range(4))
def test_objects_and_lines_say_the_same(seed: int, choices: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """And so do the sums; and one article, or one member, told at a time says what all of them do."""
    references = (
        None if choices.get("scope") == "within" else {"old": corpus(seed + 100, 5), "older": furnished(seed)[:3]}
    )
    with Work() as work:
        found = judged(furnished(seed), Settings(**choices), work, references)
        report = found.report()
        assert report.findings
        for chunk in (1, 300, told._CHUNK):
            monkeypatch.setattr(told, "_CHUNK", chunk)
            monkeypatch.setattr(told, "_MEMBERS", chunk)
            monkeypatch.setattr(told, "_FINDINGS", chunk)
            again = Told(found._judgement, lambda stage, done, total: None, Work(workers=1 + seed % 3))
            families, findings = b"".join(again.family_lines()), b"".join(again.finding_lines())
            assert families == b"".join(orjson.dumps(one.to_dict()) + b"\n" for one in report.families)
            assert findings == b"".join(orjson.dumps(one.to_dict()) + b"\n" for one in report.findings)
            assert (again.counts(), again.warnings()) == (report.counts, report.warnings)
            assert list(again.article_ids) == report.article_ids == [article.id for article in furnished(seed)]
    sums = CutCounts()
    for _, own in groupby(report.findings, key=lambda finding: finding.article):
        sums.add(list(own))
    counts = sums.to_dict(report.counts["characters"])
    assert {name: report.counts[name] for name in counts} == counts
    texts = {article.id: article.text for article in furnished(seed)}
    order = list(texts)
    assert [of.article for of in report.findings] == sorted((of.article for of in report.findings), key=order.index)
    for finding in report.findings:
        assert finding.text == texts[finding.article][finding.start : finding.end]


def test_the_corpora_hold_all_there_is_to_tell() -> None:
    """Each kind, grain and verdict; families with references; evidence."""
    kinds: set[tuple[str, Grain, bool]] = set()
    found: list[Finding] = []
    for seed in range(4):
        for choices in CHOICES:
            found += dedup.scan(furnished(seed), Settings(**choices)).findings
    kinds = {(finding.kind, finding.grain, finding.removed) for finding in found}
    rules = {finding.rule for finding in found}
    assert {kind for kind, _, _ in kinds} == {"duplicate", "boilerplate", "debris"}
    assert {("duplicate", grain, True) for grain in ("article", "block", "passage")} < kinds
    assert {("debris", "span", True), ("duplicate", "article", False)} < kinds
    assert {"exact", "near", "remnant", "near-numbers", "frequency"} < rules


def test_what_blocks_take_along_is_of_the_family_of_what_it_repeats() -> None:
    """Passage 5 repeats 3, which block 1 took for 1; 1 repeats nothing, so that both are of its family; 4 is of that
    of 0, which 2 repeats."""
    with Work() as work:
        tables = judged([Article("a", "一\n二\n三\n四\n五\n六\n")], Settings(), work)._judgement.tables
    parts, whole = Repeats.none(6), Repeats.none(1)
    parts.kept[2], parts.similarity[2] = 0, 0.90625
    runs = [
        (np.array([2, 3]), np.array([0, 1]), 0.9, False),
        (np.array([4, 5]), np.array([2, 3]), 1.0, True),
    ]
    judgement = Judgement(
        tables, Settings(), whole, parts, np.array([-1]), Runs.of([Run(*run) for run in runs]), (tables.marks,), ()
    )
    families = list(Told(judgement, lambda stage, done, total: None).families())
    assert [(family.kept.start, [(of.place.start, of.similarity) for of in family.members]) for family in families] == [
        (0, [(4, 0.9062), (8, 0.9062)]),
        (2, [(6, 1.0), (10, 1.0)]),
    ]


def test_how_much_is_told_at_a_time_does_not_grow_with_the_workers() -> None:
    """A worker more than two makes the pieces smaller instead."""
    articles = [Article(str(number), "x" * 1000) for number in range(1 << 10)]
    with Work() as work:
        judgement = judged(articles, Settings(), work)._judgement
        for workers in (1, 4, 1 << 14):
            tellings = Told(judgement, lambda stage, done, total: None, Work(workers=workers))
            sizes = [stop - first for first, stop in tellings.chunks()]
            assert sum(sizes) == len(articles)
            assert max(sizes) == max(min(2 * told._CHUNK // 1000 // max(2, workers), len(articles)), 1)
