"""The page: what stands on it, that it has the same bytes everywhere, and that nothing makes it large."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import string
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from test_cli import A, B, C, jsonl, run

from dedup import Article, Settings, runs, scan
from dedup.errors import BadRun
from dedup.kernel.reference import offsets_of
from dedup.model import Family, Finding, Member, Place
from dedup.report.charts import columns
from dedup.report.gathering import MOST_ALIKE, Alike, Best, Tally, gather, in_step, measure
from dedup.report.page import MOST_BYTES, Originals, write_page
from dedup.report.wording import _TABLE, LANGUAGES, wording

D = "桥面铺装采用了新型沥青，排水坡度比原来加大，暴雨之后两个小时以内积水就能全部排净，车辆可以照常通行。"


class Text(HTMLParser):
    """The text of a page, and the names of its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.elements: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.elements.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def page_of(articles: list[Article], path: Path, lang: str = "en", **settings: object) -> str:
    """The page of what is found in these articles."""
    report = scan(articles, Settings(**settings))
    summary = {"dedup": "0", "settings": report.settings.to_dict(), "counts": dict(report.counts), "warnings": []}
    originals = Originals(lambda: (("here", article) for article in articles))
    write_page(path, summary, report.findings, report.families, originals, None, lang)
    return path.read_text(encoding="utf-8")


def test_the_page_shows_both_texts_and_what_differs(tmp_path):
    """The kept text beside the cut one, an exchanged word marked on either side, the other script not."""
    other = A.replace("昨日", "今日").replace("扩建", "擴建")
    page = page_of([Article("one", f"{A}\n{B}"), Article("two", f"{other}\n{C}\n{D}")], tmp_path / "page.html")
    assert "<del>昨</del>" in page
    assert "<ins>今</ins>" in page
    assert '<span class="alike">擴</span>' in page
    assert "similarity 0." in page


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_says_everything(lang, tmp_path):
    """No name is missing, no placeholder left, in either language the same ones."""
    for name, said in _TABLE.items():
        fields = [sorted(field for _, field, _, _ in string.Formatter().parse(text) if field) for text in said]
        assert fields[0] == fields[1], name
        assert all(said), name
    page = page_of([Article("one", f"{A}\n{B}"), Article("two", f"{A}\n{C}")], tmp_path / "page.html", lang)
    parsed = Text(page)
    style, script = (files("dedup").joinpath("data", f"report.{kind}").read_text() for kind in ("css", "js"))
    said = "".join(parsed.text).replace(style, "").replace(script, "")
    assert not re.search(r"\{\w+\}", said)
    assert f'<html lang="{wording(lang)["html_lang"]}">' in page
    assert wording(lang)["families"] in said


def test_the_template_uses_every_sentence():
    """What no page says is no part of the table."""
    used = files("dedup").joinpath("data", "report.html.j2").read_text()
    code = "".join(path.read_text() for path in Path(str(files("dedup").joinpath("report"))).glob("page.py"))
    for name in _TABLE:
        dynamic = name in ("articles_read", "articles_against", "rejected", "characters_out", "articles_untouched")
        plain = name in ("duplicate", "boilerplate", "debris", "article", "block", "passage", "span", "cut", "kept")
        assert dynamic or plain or f"t.{name}" in used or f'"{name}"' in code, name


def test_the_policy_names_the_hashes_of_script_and_style(tmp_path):
    """And nothing but them may run or load."""
    page = page_of([Article("one", A), Article("two", A)], tmp_path / "page.html")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page).group(1)
    for tag, kind in (("style", "style-src"), ("script", "script-src")):
        (inline,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.S)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy.replace("&#39;", "'")
    assert policy.startswith("default-src")
    assert not re.findall(r"\sstyle=|\son\w+=|(?:src|href)=.(?!#|data:,)", page)


def test_clean_and_report_make_the_same_page(tmp_path):
    """From the inputs, from the run's folder alone, and in the other language another one; a scan's page lacks none."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "one.txt").write_text(f"{A}\n{B}\n{C}\n", encoding="utf-8")
    (tmp_path / "in" / "two.txt").write_text(f"{A}\n{D}\n{C[:-2]}\n", encoding="utf-8")
    assert run("clean", tmp_path / "in", "-o", tmp_path / "out").returncode == 0
    assert run("scan", tmp_path / "in", "-o", tmp_path / "scan").returncode == 0
    page = tmp_path / "out" / "report.html"
    first = page.read_bytes()
    assert run("report", tmp_path / "out", "--lang", "zh").returncode == 0
    assert "去重报告" in page.read_text(encoding="utf-8")
    assert run("report", tmp_path / "out").returncode == 0
    assert page.read_bytes() == first == (tmp_path / "scan" / "report.html").read_bytes()
    assert str(tmp_path).encode() not in first


def test_the_texts_of_references_are_on_the_page_of_the_run(tmp_path):
    """What repeats a reference is shown beside it, by name; made again without the reference it says so."""
    (tmp_path / "old.jsonl").write_bytes(jsonl({"id": "x", "text": A}))
    (tmp_path / "new.jsonl").write_bytes(jsonl({"id": "y", "text": A.replace("昨日", "今日")}))
    words = ("clean", "new.jsonl", "-o", "out", "--against", "old.jsonl")
    assert run(*words, cwd=tmp_path).returncode == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "in the reference old.jsonl" in page
    assert "<del>昨</del>" in page
    assert run("report", "out", cwd=tmp_path).returncode == 0
    assert "This text is not at hand." in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_without_the_inputs_the_page_says_what_is_missing(tmp_path):
    """A scan of stdin cannot be read again: the sums and the cut texts are there, a warning tells of the rest."""
    done = run("scan", "-", "-o", "out", stdin=jsonl({"id": "a", "text": A}, {"id": "b", "text": A}), cwd=tmp_path)
    assert done.returncode == 0
    with_texts = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "could not be read again" not in with_texts
    done = run("report", "out", cwd=tmp_path)
    assert done.returncode == 0
    assert "the page lacks the texts that stay: out: its articles came from stdin" in done.stderr.decode()
    without = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "could not be read again" in without
    assert "市水务局" in without


def hostile_findings(count: int) -> Iterator[Finding]:
    """Findings of every kind with the texts that make the most HTML: marks that alternate, quotes, four-byte signs."""
    text = "\u202e'\u200b\"\x00&" * 700
    kinds = [("duplicate", "article", "near"), ("duplicate", "passage", "near"), ("duplicate", "block", "near")]
    for number in range(count):
        kind, grain, rule = kinds[number % 3]
        if number % 5 == 3:
            kind, grain, rule = "boilerplate", "passage", f"rule{number % 700}" + "\u202e'" * 100
        if number % 5 == 4:
            kind, grain, rule = "debris", "span", "markup" + '\u202e"' * 100
        own = f"{number}" + text[:800]
        source = Place(f"{number}k" + text[:800], 0, len(text)) if kind == "duplicate" else None
        similarity = 0.7 + (number % 3000) / 10_000 if source else None
        removed = number % 7 > 0
        said = f"{text}{chr(0x1F300 + number % 300)}{number}"[::-1]
        yield Finding(own, 0, len(said), kind, grain, rule, similarity, None, source, removed, said)


def hostile_families(count: int) -> Iterator[Family]:
    """Families with names as long as the findings'."""
    for finding in hostile_findings(count):
        if finding.source is not None:
            place = Place(finding.article, finding.start, finding.end)
            members = tuple(Member(replace(place, start=number), 0.7 + number / 100) for number in range(1, 30))
            yield Family("family\u202e" * 50, finding.grain, finding.source, members)


class Stream:
    """An iterable that can be read again and holds nothing."""

    def __init__(self, make: object, count: int) -> None:
        self.make, self.count = make, count

    def __iter__(self) -> Iterator[object]:
        return self.make(self.count)


def test_nothing_makes_the_page_large(tmp_path):
    """Under 5 MB with every list full of the costliest texts, many rules, warnings, inputs, settings and sources."""
    count = 3000
    texts = {finding.article: finding.text for finding in hostile_findings(count)}
    texts |= {f.source.article: "\u202e'\u200b\"\x00&" * 700 for f in hostile_findings(count) if f.source}
    rules = [f"rule{number}" + "\u202e'\"" * 200 for number in range(3000)]
    counted = ("findings", "characters")
    summary = {
        "dedup": "0",
        "settings": Settings(rules=tuple((rule, "x" * 500) for rule in rules[:300])).to_dict(),
        "counts": {
            "findings": [
                {"kind": "boilerplate", "grain": "passage", "rule": rule, "removed": True, **dict.fromkeys(counted, 1)}
                for rule in rules
            ],
        },
        "warnings": ["\u202e'" * 2000] * 2000,
        "inputs": [{"name": rule * 3, "format": "text", "compression": "", "bytes": 10} for rule in rules],
    }  # fmt: skip
    pairs = [
        {
            "grain": "article",
            "step": 0.65,
            "similarity": 0.66,
            "source": {"article": rules[number], "start": 0, "end": 4200},
            "article": rules[number + 1],
            "start": 0,
            "end": 4200,
            "source_text": "\u202e'\u200b\"" * 1000,
            "text": "\"\u200b\u202e'" * 1000,
        }
        for number in range(2000)
    ]
    steps = [{"threshold": 0.5, "articles": 1, "passages": 1, "characters": 1}]
    tuned = {"articles": 1, "characters": 1, "steps": steps, "pairs": pairs}
    sites = [f"{number}" + "\u202e'" * 300 for number in range(3000)]
    originals = [
        (sites[number % 3000], Article(finding.article, texts[finding.article]))
        for number, finding in enumerate(hostile_findings(count))
    ]
    kept = [("k", Article(id, text)) for id, text in texts.items() if "k" in id[:6]]
    path = tmp_path / "page.html"
    findings, families = Stream(hostile_findings, count), Stream(hostile_families, count)
    write_page(path, summary, findings, families, Originals(lambda: iter(originals + kept)), tuned)
    assert 1_000_000 < path.stat().st_size < MOST_BYTES
    parsed = Text(path.read_text(encoding="utf-8"))
    assert parsed.elements.count("script") == 1


def test_the_best_are_those_of_the_greatest_keys():
    """The same as sorting all of them; of equal keys the first."""
    rng = random.Random(5)
    keys = [rng.randrange(50) for _ in range(1000)]
    best: Best[int] = Best(30)
    for number, key in enumerate(keys):
        best.offer(key, lambda number=number: number)
    assert best.best() == sorted(range(1000), key=lambda number: (-keys[number], number))[:30]
    assert best.offered == 1000


def test_frequent_texts_are_counted_among_many_rare_ones():
    """Of more distinct texts than are held the frequent have their true counts, and it is said that some have not."""
    tally = Tally()
    for number in range(60_000):
        tally.add((f"rare {number}",), (1,))
        if number % 10 == 0:
            tally.add(("frequent",), (1,))
    assert tally.forgot
    assert tally.ranked()[0] == (("frequent",), [6000])
    assert len(tally.counts) <= 40_000


def test_alike_articles_are_drawn_together():
    """Of pairs among strangers both are drawn or neither, for nearly all."""
    rng = random.Random(11)
    made = []
    for number in range(1500):
        text = "".join(rng.choices("市水务局昨日通报城西厂扩建工程已经全部完日供能力提高到", k=2000))
        made += [Article(f"{number}a", text), Article(f"{number}b", text[:1000] + "改" + text[1000:])]
    alike = Alike()
    for some in (made[:99], made[99:]):
        utf8 = [article.text.encode() for article in some]
        lengths = np.array([len(text) for text in utf8])
        texts = np.frombuffer(b"".join(utf8), np.uint8), offsets_of(lengths)
        alike.offer(*texts, lengths // 3, some.__getitem__)
    drawn = {article.id for article in alike.drawn()}
    numbers = {id[:-1] for id in drawn}
    assert 0.4 * MOST_ALIKE < 2000 * len(drawn) < 1.1 * MOST_ALIKE
    assert len(drawn) > 1.95 * len(numbers)


def finding(article: str, **changes: object) -> Finding:
    """A cut of the first two characters."""
    return replace(Finding(article, 0, 2, "debris", "span", "markup", None, None, None, True, "ab"), **changes)


def test_findings_in_another_order_are_refused():
    """Rather than counted with the wrong article."""
    articles = [("s", Article("one", "abc")), ("s", Article("two", "abc"))]
    assert [len(own) for _, _, own in in_step(articles, [finding("one"), finding("one"), finding("two")])] == [2, 1]
    with pytest.raises(BadRun, match='article "one" do not stand in the order'):
        list(in_step(articles, [finding("two"), finding("one")]))


def test_shares_and_sources_are_measured():
    """Hand-worked: nothing, 2 of 3 characters (up to 70 %), all."""
    articles = [("s", Article("one", "abc")), ("s", Article("two", "abc")), ("r", Article("three", "ab"))]
    found = [finding("two"), finding("three", grain="article")]
    measured = measure(articles, found, {Place("two", 1, 3)})
    assert dict(measured.shares) == {0: 1, 7: 1, 11: 1}
    assert measured.sources.counts == {("s",): [6, 2, 2, 0], ("r",): [2, 2, 1, 1]}
    assert measured.texts == {Place("two", 1, 3): "bc"}


def test_the_page_of_a_scan_is_that_of_its_files(tmp_path: Path) -> None:
    """What a scan draws from its work files `report` draws from the inputs: texts in folders, records of two files,
    sources by a field that some have, cut articles, an empty one, and another order of keeping."""
    folder = tmp_path / "in"
    for name, text in (
        ("t/one.txt", f"{A}\n{B}\n"),
        ("t/u/two.txt", f"{B}\n{C}\n"),
        ("top.txt", A),
        ("t/empty.txt", ""),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    rng = random.Random(5)
    drawn = ["".join(rng.choices(A + B + C + D, k=300)) for _ in range(30)]
    records = [{"id": f"r{number}", "text": f"{text[:150]}\n{text[150:]}"} for number, text in enumerate(drawn)]
    records += [
        {"id": f"s{number}", "text": f"{text[:140]}{D[:20]}\n{text[150:]}\x08"} for number, text in enumerate(drawn)
    ]
    for number, record in enumerate(records):
        record["site"] = ["north", "south", "", None][number % 4]
    (folder / "x.jsonl").write_bytes(jsonl(*records[:40]))
    (folder / "y.jsonl").write_bytes(jsonl(*records[40:]))
    for number, words in enumerate(([], ["--source-field", "site"], ["--keep", "longest"], ["--keep", "field:site"])):
        out = tmp_path / f"out{number}"
        done = run("scan", folder, "-o", out, *words)
        assert done.returncode == 0, done.stderr
        page = (out / "report.html").read_bytes()
        assert (b"north" in page) == ("site" in words)
        runs.write_report(out)
        assert (out / "report.html").read_bytes() == page


def test_sizes_are_counted_by_doubling():
    """Families of 2, 3, 4, 5 places: one of two, two of three or four, one of five to eight."""
    families = [
        Family(f"f{size}", "passage", Place("k", 0, 1), tuple(Member(Place("m", 0, 1), 1.0) for _ in range(size - 1)))
        for size in (2, 3, 4, 5)
    ]
    assert dict(gather([], families).sizes["passage"]) == {1: 1, 2: 2, 3: 1}


def test_columns_stand_in_their_drawing():
    """The tallest reaches to the top, none is empty that has a count, and all lie inside."""
    chart = columns([("a", 1, "main"), ("b", 0, "main"), ("c", 10_000, "main")], [(0.5, "a")], logarithmic=False)
    heights = [column.height for column in chart.columns]
    assert heights[0] > 0 == heights[1]
    assert heights[2] == max(heights)
    assert all(c.x >= 0 and c.x + c.width <= chart.width and c.y >= 0 for c in chart.columns)


def test_a_damaged_tune_file_is_named(tmp_path):
    """With what to do."""
    (tmp_path / "in.jsonl").write_bytes(jsonl({"id": "a", "text": A}))
    assert run("scan", tmp_path / "in.jsonl", "-o", tmp_path / "out").returncode == 0
    (tmp_path / "out" / "tune.json").write_text(json.dumps({"steps": [], "pairs": [{}]}))
    with pytest.raises(BadRun, match=r"tune\.json: is not what `dedup tune` wrote"):
        runs.write_report(tmp_path / "out")
