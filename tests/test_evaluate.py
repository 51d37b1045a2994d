"""A run against labels: figures worked out by hand."""

from __future__ import annotations

import json
import re

import orjson
import pytest

from dedup import runs
from dedup.errors import BadInput
from dedup.evaluate import Judged, Span, adjusted_rand, evaluate, lines_of, read_labels
from dedup.local import scan
from dedup.model import Article, Family, Finding, Member, Place

TEXTS = dict.fromkeys("abcdefgh", "0123456789" * 10)


def finding(article, start, end, source, grain="passage", removed=True):
    """A finding of these tests: exact, of no matter what text."""
    return Finding(article, start, end, "duplicate", grain, "exact", 1.0, None, Place(*source), removed, "")


def family(name, grain, kept, *members):
    """A family of these tests."""
    return Family(name, grain, Place(*kept), tuple(Member(Place(*member), 1.0) for member in members))


# b is cut as a; d is linked to c; f shares 60 of its 100 characters with e; in h 20 characters repeat g
FAMILIES = [
    family("A", "article", ("a", 0, 100), ("b", 0, 100)),
    family("P", "passage", ("e", 0, 60), ("f", 40, 100)),
    family("Q", "passage", ("g", 0, 20), ("h", 10, 30)),
]
FINDINGS = [
    finding("b", 0, 100, ("a", 0, 100), "article"),
    finding("d", 0, 100, ("c", 0, 100), "article", removed=False),
    finding("f", 40, 100, ("e", 0, 60)),
    finding("h", 10, 30, ("g", 0, 20)),
    finding("g", 50, 80, ("e", 0, 60), removed=False),
]


def labels_of(tmp_path, *labels):
    """The labels as they are read from a file."""
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps(label) + "\n" for label in labels), encoding="utf-8")
    return read_labels(path)


def pair(a, b, same, **more):
    """A label of a pair."""
    return {"type": "pair", "a": a, "b": b, "same": same, **more}


def place(article, start, end):
    """A place as a label has it."""
    return {"article": article, "start": start, "end": end}


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        (Span("a"), Span("b"), "cut"),
        (Span("c"), Span("d"), "linked"),
        (Span("e"), Span("f"), "covered"),  # 60 of 100 characters
        (Span("g"), Span("h"), "missed"),  # 20 of 100
        (Span("g", 0, 20), Span("h", 10, 30), "cut"),
        (Span("g", 0, 20), Span("h", 60, 80), "missed"),
        (Span("e", 0, 60), Span("g", 52, 80), "linked"),
        (Span("f", 40, 100), Span("g", 52, 80), "linked"),  # by way of what it repeats
    ],
)
def test_two_places_have_one_of_four_verdicts(a, b, verdict):
    """Cut, linked, covered by at least half, or missed; whichever comes first."""
    judged = Judged(FINDINGS, FAMILIES, TEXTS)
    assert judged.verdict(a, b) == judged.verdict(b, a) == verdict


LINES = [
    "港务局昨天宣布老吊桥将保留下来并更换全部轴承。",
    "图书馆从下月起延长开放时间，周末到晚上九点。",
    "渔民在防波堤外发现一群罕见的白鳍海豚。",
]


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ((0, 0), (1, 0), "cut"),
        ((0, 2), (1, 2), "cut"),
        ((0, 0), (1, 1), "missed"),  # one went with its article, but not as the other
        ((0, 2), (1, 0), "missed"),
        ((1, 1), (2, 0), "cut"),  # two that went as the same article; the first two lines are one in it
        ((0, 1), (2, 0), "cut"),
        ((0, 2), (2, 0), "missed"),
        ((0, 2), (2, 1), "cut"),
    ],
)
def test_passages_of_an_article_cut_whole_are_cut_as_what_corresponds_to_them(a, b, verdict):
    """Each passage has its counterpart, the most similar of the other article; it is not cut as the rest of it."""
    texts = {
        "0": "\n".join(LINES),
        "1": "\n".join(line.replace("。", "！") for line in LINES),
        "2": f"{LINES[0]}{LINES[1]}\n{LINES[2]}",
    }
    places = []
    for article, line in (a, b):
        own = texts[str(article)].split("\n")
        start = sum(len(before) + 1 for before in own[:line])
        places.append(Span(str(article), start, start + len(own[line])))
    whole = [(name, 0, len(text)) for name, text in texts.items()]
    judged = Judged([], [family("A", "article", *whole)], texts)
    assert judged.verdict(*places) == judged.verdict(*reversed(places)) == verdict


def test_a_passage_is_cut_as_the_whole_of_the_article_that_it_went_with():
    """An article is a place that holds whatever corresponds."""
    texts = {"0": "\n".join(LINES), "1": "\n".join(LINES)}
    judged = Judged([], [family("A", "article", ("0", 0, 68), ("1", 0, 68))], texts)
    assert judged.verdict(Span("1", 0, 20), Span("0")) == "cut"


def test_figures_of_pairs_are_those_of_the_hand(tmp_path):
    """Two of three cuts are right, two of five same pairs are cut, four of them found."""
    labels = labels_of(
        tmp_path,
        pair("a", "b", True),
        pair("c", "d", True),
        pair("e", "f", True),
        pair("a", "h", True, kind="hard", reason="told anew"),
        pair(place("g", 0, 20), place("h", 10, 30), True),
        pair(place("e", 0, 60), place("f", 40, 100), False, reason="other years"),
        pair("c", "g", False),
    )
    result = evaluate(FINDINGS, FAMILIES, TEXTS, labels, "my run")
    figures = result["pairs"]["all"]
    assert figures["labels"] == 7
    assert (figures["hits"], figures["false"], figures["missed"]) == (2, 1, 3)
    assert (figures["precision"], figures["recall"], figures["f1"]) == (0.6667, 0.4, 0.5)
    assert figures["found"] == 0.8
    assert figures["same"] == {"cut": 2, "linked": 1, "covered": 1, "missed": 1}
    assert figures["different"] == {"cut": 1, "linked": 0, "covered": 0, "missed": 1}
    assert result["pairs"]["kinds"]["hard"]["recall"] == 0.0
    first, second = result["errors"]
    assert (first["error"], first["characters"], first["reason"]) == ("wrongly cut", 60, "other years")
    assert first["explain"] == "dedup explain 'my run' e f"
    assert (second["error"], second["characters"], second["kind"]) == ("missed", 100, "hard")
    shown = "\n".join(lines_of(result, 1))
    assert "errors: 2, the 1 worst:" in shown
    assert "other years" in shown
    assert "told anew" not in shown


def test_spans_are_counted_in_characters(tmp_path):
    """Of 30 characters that should go 20 went; 40 of 80 went that should have stayed."""
    labels = labels_of(
        tmp_path,
        {"type": "span", **place("h", 10, 40), "cut": True},
        {"type": "span", **place("f", 0, 80), "is": "content"},
    )
    result = evaluate(FINDINGS, FAMILIES, TEXTS, labels)
    figures = result["spans"]["all"]
    assert (figures["hits"], figures["missed"], figures["false"]) == (20, 10, 40)
    assert (figures["precision"], figures["recall"]) == (0.3333, 0.6667)
    assert [error["characters"] for error in result["errors"]] == [40]  # most of the first span went: no miss


def test_a_line_is_cut_where_most_of_it_is(tmp_path):
    """Lines are numbered from 1 and end at CRLF too."""
    texts = {"h": "keep\r\n1234567\r\nfooter\n"}
    cut = [
        finding("h", 6, 15, ("g", 0, 20)),
        finding("h", 0, 2, ("g", 0, 20)),
    ]  # half of the first line is not most of it
    labels = labels_of(
        tmp_path,
        {"type": "line", "article": "h", "line": 1, "is": "content"},
        {"type": "line", "article": "h", "line": 2, "is": "boilerplate", "kind": "share bar"},
        {"type": "line", "article": "h", "line": 3, "is": "debris"},
    )
    result = evaluate(cut, [], texts, labels)
    figures = result["lines"]["all"]
    assert (figures["hits"], figures["false"], figures["missed"]) == (1, 0, 1)
    assert result["lines"]["kinds"]["share bar"]["recall"] == 1.0
    assert result["errors"][0]["explain"] == "dedup explain DIR h"


def test_clusters_are_compared_by_pairs_and_the_adjusted_rand_index(tmp_path):
    """True {a b c}{d e}, found {a b}{c}{d}{e}: one of four true pairs; ARI (1 - .4) / (2.5 - .4)."""
    labels = labels_of(
        tmp_path, {"type": "cluster", "members": ["a", "b", "c"]}, {"type": "cluster", "members": ["d", "e"]}
    )
    clusters = evaluate(FINDINGS, FAMILIES, TEXTS, labels)["clusters"]
    assert (clusters["hits"], clusters["false"], clusters["missed"]) == (1, 0, 3)
    assert clusters["adjusted_rand"] == round(0.6 / 2.1, 4)


@pytest.mark.parametrize("keeper", ["0", "elsewhere"])
def test_passages_of_articles_cut_whole_are_clusters_of_their_own(tmp_path, keeper):
    """Two passages of one article are not one cluster, though both went with it; the keeper may be unlabelled."""
    texts = {name: "\n".join(LINES) for name in ("0", "1")}
    lines = [(0, len(LINES[0])), (len(LINES[0]) + 1, len(LINES[0]) + 1 + len(LINES[1]))]
    labels = labels_of(
        tmp_path, *({"type": "cluster", "members": [place("0", *line), place("1", *line)]} for line in lines)
    )
    members = [(name, 0, 68) for name in texts if name != keeper]
    families = [family("A", "article", (keeper, 0, 68), *members)]
    clusters = evaluate([], families, texts, labels)["clusters"]
    assert (clusters["hits"], clusters["false"], clusters["missed"]) == (2, 0, 0)


def test_a_passage_is_cut_as_what_its_counterpart_is_cut_as():
    """An article went as another, of which a passage repeats a third."""
    texts = {"0": "\n".join(LINES), "1": "\n".join(LINES), "2": LINES[1]}
    start, end = len(LINES[0]) + 1, len(LINES[0]) + 1 + len(LINES[1])
    families = [
        family("A", "article", ("0", 0, 68), ("1", 0, 68)),
        family("P", "passage", ("2", 0, 21), ("0", start, end)),
    ]
    judged = Judged([], families, texts)
    assert judged.verdict(Span("1", start, end), Span("2", 0, 21)) == "cut"
    assert judged.verdict(Span("1", 0, start - 1), Span("2", 0, 21)) == "missed"


def test_the_adjusted_rand_index_of_equal_partitions_is_one():
    """Also where every place stands alone."""
    assert adjusted_rand(4, 4, 4, 10) == 1.0
    assert adjusted_rand(0, 0, 0, 10) == 1.0


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "is not JSON"),
        ('{"type": "couple"}', "\"type\" must be pair, cluster, span or line, found 'couple'"),
        ('{"type": "pair", "a": "x", "b": "y"}', '"same" must be true or false, found None'),
        ('{"type": "pair", "a": "x", "b": 3, "same": true}', '"b" must be an article id'),
        ('{"type": "span", "article": "x", "start": 5, "end": 5, "cut": true}', "must be a span, found 5 and 5"),
        ('{"type": "span", "article": "x", "cut": true}', 'a span needs "start" and "end"'),
        ('{"type": "line", "article": "x", "line": 0, "is": "debris"}', "a line number from 1, found 0"),
        ('{"type": "line", "article": "x", "line": 1, "is": "junk"}', "found 'junk'"),
        ('{"type": "cluster", "members": []}', '"members" must be a list of places'),
        ('{"type": "cluster", "members": ["x", 3]}', '"members" must be an article id'),
        ('{"type": "cluster", "members": ["x", "y", "x"]}', "'x' stands twice among the members"),
        ('{"type": "pair", "a": "x", "b": "x", "same": true}', "a pair of a place with itself"),
        ('{"type": "pair", "a": ["x"], "b": "y", "same": true}', '"a" must be an article id'),
        ('{"type": "pair", "a": "x", "b": "y", "same": "yes"}', "\"same\" must be true or false, found 'yes'"),
        ('{"type": "span", "article": "x", "start": -1, "end": 5, "cut": true}', "must be a span, found -1 and 5"),
        ('{"type": "span", "article": "x", "start": true, "end": 5, "cut": true}', "must be a span, found True and 5"),
        ('{"type": "span", "article": "x", "start": 0, "end": 1e3, "cut": true}', "must be a span, found 0 and 1000.0"),
        (
            '{"type": "span", "article": "x", "start": 0, "end": 5, "is": "content", "cut": true}',
            "contradict each other",
        ),
        ('{"type": "line", "article": "x", "line": 1, "start": 0, "end": 2, "is": "debris"}', '"line", or "start" and'),
        ('{"type": "line", "article": "x", "line": true, "is": "debris"}', "a line number from 1, found True"),
        ('{"type": "line", "article": 7, "line": 1, "is": "debris"}', '"article" must be an article id'),
        ('{"type": null}', "found None"),
        ('["pair"]', "found None"),
        ("nonsense", "is not JSON"),
        ('{"type": "pair"', "is not JSON"),
    ],
)
def test_a_bad_label_is_named_by_its_line(tmp_path, line, says):
    """The message says where and what was expected."""
    path = tmp_path / "labels.jsonl"
    path.write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(BadInput, match=re.escape(says)) as error:
        read_labels(path)
    assert f"{path}:2: " in str(error.value)


@pytest.mark.parametrize(
    ("label", "says"),
    [
        (pair("a", "z", True), "no article 'z'"),
        (pair("a", place("b", 0, 101), True), "ends at 101, article 'b' has 100 characters"),
        ({"type": "line", "article": "a", "line": 2, "is": "content"}, "has 1 lines, found line 2"),
        (pair(place("a", 0, 60), place("a", 59, 90), True), "the two places of 'a' overlap"),
        (pair("a", place("a", 0, 9), True), "the two places of 'a' overlap"),
        (pair(place("a", 0, 100), "a", False), "the two places of 'a' overlap"),
    ],
)
def test_a_label_must_fit_the_articles(tmp_path, label, says):
    """Unknown articles, spans and lines beyond the end are errors, not misses."""
    with pytest.raises(BadInput, match=re.escape(says)):
        evaluate(FINDINGS, FAMILIES, TEXTS, labels_of(tmp_path, label))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (pair("a", "b", True), pair("b", "a", False)),
        (pair("a", place("b", 0, 9), False), pair(place("b", 0, 9), "a", True)),
        ({"type": "span", **place("a", 0, 9), "cut": True}, {"type": "span", **place("a", 8, 20), "cut": False}),
        (
            {"type": "span", **place("a", 0, 99), "cut": True},
            {"type": "line", "article": "a", "line": 1, "is": "content"},
        ),
    ],
)
def test_labels_that_contradict_each_other_are_named(tmp_path, first, second):
    """Both lines stand in the message; what is right cannot be known."""
    path = tmp_path / "labels.jsonl"
    with pytest.raises(BadInput, match=re.escape(f"{path}:2: contradicts {path}:1")):
        evaluate(FINDINGS, FAMILIES, TEXTS, labels_of(tmp_path, first, second))


def test_a_repeated_label_counts_once(tmp_path):
    """The two places of a pair have no order; labels of one verdict may overlap."""
    labels = labels_of(
        tmp_path,
        *(pair("a", "b", True), pair("b", "a", True), pair("a", "b", True, kind="again")),
        *[{"type": "span", **place("h", 10, 30), "cut": True}] * 3,
        {"type": "span", **place("h", 10, 20), "cut": True},
        {"type": "cluster", "members": ["a", "b"]},
        {"type": "cluster", "members": ["b", "a"]},
    )
    result = evaluate(FINDINGS, FAMILIES, TEXTS, labels)
    assert (result["pairs"]["all"]["labels"], result["pairs"]["all"]["hits"]) == (1, 1)
    assert (result["spans"]["all"]["labels"], result["spans"]["all"]["hits"]) == (2, 30)
    assert (result["clusters"]["labels"], result["clusters"]["hits"]) == (1, 1)


def test_a_file_of_labels_may_have_a_mark_blank_lines_and_any_line_ends(tmp_path):
    """What Windows writes is read like anything else; a last line needs no end."""
    path = tmp_path / "labels.jsonl"
    lines = [json.dumps(pair("a", "b", True)), "", "  ", json.dumps(pair("c", "d", True))]
    path.write_bytes("\r\n".join(lines).encode("utf-8-sig"))
    assert [label.where.rpartition(":")[2] for label in read_labels(path)] == ["1", "4"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "holds no label"),
        (b"\r\n \n", "holds no label"),
        (b"\xef\xbb\xbf", "holds no label"),
        ("{}".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        (b'{"type": "pair", "a": "\xff", "b": "y", "same": true}', ":1: expected a label, found what is not JSON"),
    ],
)
def test_a_file_without_labels_and_one_in_another_encoding(tmp_path, content, says):
    """The message says what the file is."""
    path = tmp_path / "labels.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=re.escape(says)):
        read_labels(path)


def test_a_folder_of_labels_is_an_error(tmp_path):
    """Not a traceback."""
    with pytest.raises(BadInput, match="cannot be read"):
        read_labels(tmp_path)


def test_a_hundred_thousand_labels_of_one_article(tmp_path):
    """Contradictions are sought in sorted order, not between all pairs."""
    texts = {"a": "x" * 200_000}
    labels = [{"type": "span", **place("a", 2 * at, 2 * at + 1), "cut": at % 2 == 0} for at in range(100_000)]
    result = evaluate([], [], texts, labels_of(tmp_path, *labels))
    assert result["spans"]["all"]["missed"] == 50_000


@pytest.mark.parametrize("command", ["scan", "clean"])
def test_a_run_folder_is_evaluated(tmp_path, command, capsys):
    """The originals come from the inputs after `scan` and from the run itself after `clean`."""
    from dedup.cli import main

    story = "港务局昨天宣布老吊桥将保留下来并更换全部轴承，工程从四月开始，预计持续十一个星期，其间货车需要绕行。"
    news = tmp_path / "news.jsonl"
    news.write_bytes(b"".join(orjson.dumps({"id": name, "text": story + end}) + b"\n" for name, end in ("a!", "b。")))
    labels = tmp_path / "labels.jsonl"
    labels.write_text(json.dumps(pair("a", "b", True)) + "\n", encoding="utf-8")
    _run(main, [command, str(news), "-o", str(tmp_path / "run"), "-q"])
    news.write_bytes(news.read_bytes())
    _run(main, ["evaluate", str(tmp_path / "run"), "--labels", str(labels), "--json"])
    assert orjson.loads(capsys.readouterr().out)["pairs"]["all"]["f1"] == 1.0
    _run(main, ["evaluate", str(tmp_path / "run"), "--labels", str(labels)])
    assert "errors: 0" in capsys.readouterr().out
    assert [article.id for article in runs.read_originals(tmp_path / "run")] == ["a", "b"]


def _run(main, arguments):
    import sys

    before, sys.argv = sys.argv, ["dedup", *arguments]
    try:
        with pytest.raises(SystemExit) as done:
            main()
    finally:
        sys.argv = before
    assert done.value.code == 0


def test_a_scan_of_equal_articles_is_right_about_them():
    """From texts to figures without a file in between."""
    text = "县水务局的人这几天总在夜里出门，他们要在用水最少的时候，找出老城区地下那些看不见的漏点。"
    articles = [Article("a", text), Article("b", text), Article("c", text[::-1])]
    report = scan(articles)
    judged = Judged(report.findings, report.families, {article.id: article.text for article in articles})
    assert judged.verdict(Span("a"), Span("b")) == "cut"
    assert judged.verdict(Span("a"), Span("c")) == "missed"
