"""The examples do what they say, and the corpus is judged as a person judged it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dedup

EXAMPLES = Path(__file__).parents[1] / "examples"
LABELS = [json.loads(line) for line in (EXAMPLES / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
PAIRS = [label for label in LABELS if label["kind"] in ("duplicate", "distinct")]


@pytest.fixture(scope="module")
def corpus() -> dict[str, dedup.Article]:
    """The articles by id."""
    return {article.id: article for article in dedup.read_articles(EXAMPLES / "articles")}


@pytest.fixture(scope="module")
def report(corpus) -> dedup.Report:
    """What is found in them by default."""
    return dedup.scan(list(corpus.values()))


def spans(text: str) -> list[tuple[int, int]]:
    """Where each line starts and ends, line ends included."""
    starts, ends = [0], []
    for match in re.finditer(r"\r\n|[\n\r\u2028\u2029]", text):
        ends.append(match.end())
        starts.append(match.end())
    return list(zip(starts, [*ends, len(text)], strict=True))


def place(corpus: dict[str, dedup.Article], side: dict) -> tuple[str, int, int]:
    """The article and the span that a side of a label names."""
    text = corpus[side["article"]].text
    if "line" not in side and "lines" not in side:
        return side["article"], 0, len(text)
    first, last = side.get("lines", [side.get("line")] * 2)
    lines = spans(text)
    return side["article"], lines[first - 1][0], lines[last - 1][1]


def homes(report: dedup.Report, grain: str) -> dict[tuple[str, int], tuple[str, int]]:
    """(article, start) of each member of a family -> that of its kept place."""
    return {
        (member.place.article, member.place.start): (family.kept.article, family.kept.start)
        for family in report.families
        if family.grain == grain
        for member in family.members
    }


def is_cut(report: dedup.Report, article: str, start: int, end: int) -> bool:
    """Whether the removed findings of the article cover the span, apart from white space at its end."""
    covered = set()
    for finding in report.findings_of(article):
        if finding.removed:
            covered |= set(range(finding.start, finding.end))
    return set(range(start, end)) <= covered


@pytest.mark.parametrize("label", PAIRS, ids=lambda label: f"{label['kind']}-{label['grain']}")
def test_pairs_are_judged_as_labelled(corpus, report, label):
    """Of duplicates at most one stays, and both lead to one kept place; of distinct ones neither goes for the other."""
    (one, *span), (other, *other_span) = place(corpus, label["a"]), place(corpus, label["b"])
    grain = "passage" if label["grain"] == "block" else label["grain"]
    home = homes(report, grain)
    first, second = home.get((one, span[0]), (one, span[0])), home.get((other, other_span[0]), (other, other_span[0]))
    whole = homes(report, "article")
    if label["kind"] == "distinct":
        assert first != second
        return
    if first != second:
        # a passage of an article that was cut whole is judged with its article
        assert (one, 0) in whole or (other, 0) in whole
        return
    assert is_cut(report, one, *span) or is_cut(report, other, *other_span)


@pytest.mark.parametrize(
    "label", [label for label in LABELS if label["kind"] == "content"], ids=lambda label: label["why"][:40]
)
def test_content_stays(corpus, report, label):
    """Lines that a person would keep are kept, unless their whole article stands elsewhere."""
    article, start, end = place(corpus, label)
    if (article, 0) not in homes(report, "article"):
        assert not any(f.removed and f.start < end and start < f.end for f in report.findings_of(article))


@pytest.mark.parametrize(
    "label",
    [label for label in LABELS if label["kind"] in ("boilerplate", "debris")],
    ids=lambda label: f"{label['article']}-{label['line']}",
)
def test_furniture_goes_by_its_rule(corpus, report, label):
    """Each labelled line is cut by a rule of the name that a person gave it."""
    article, start, end = place(corpus, label)
    rules = [(f.kind, f.rule) for f in report.findings_of(article) if f.removed and f.start < end and start < f.end]
    assert rules == [(label["kind"], label["rule"])]


def test_blocks_are_single_findings(corpus, report):
    """A labelled block goes in one finding whose source is the other side."""
    for label in PAIRS:
        if label["grain"] == "block":
            sides = {side[0]: side[1:] for side in (place(corpus, label["a"]), place(corpus, label["b"]))}
            within = len(sides) == 1  # both in one article: the later one goes
            found = [
                finding
                for finding in report.findings
                if finding.grain == "block"
                and finding.article in sides
                and (within or finding.start <= sides[finding.article][0] <= sides[finding.article][1] <= finding.end)
            ]
            assert len(found) == 1, label
            assert found[0].source.article in sides


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("clean_strings.py", "---"),
        ("scan_and_rewrite.py", "restored: True"),
        ("pipeline_jsonl.py", "records read, 2 written"),
        ("ingest.py", "letters: kept, 4"),
    ],
)
def test_scripts_run(script, says):
    """Each prints what its docstring promises."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script)], capture_output=True, check=True, env={**os.environ, "PYTHONUTF8": "1"}
    )
    text = done.stdout.decode()
    assert says in text
