"""The figures of each article, against values worked out by hand and a slow count."""

from __future__ import annotations

import csv
import json
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from test_cli import A, B, jsonl, run

from dedup import Article
from dedup.model import Finding
from dedup.report.stats import COUNTS, FIELDS, LIMITS, guarded_cell, repetition, rows


def measured(text: str) -> dict[str, float]:
    """The measures of one text."""
    return {name: float(values[0]) for name, values in repetition([text]).items()}


def test_lines_and_paragraphs_by_hand():
    """Five lines, ab four times and abc; three paragraphs, the last a copy of the first."""
    found = measured("ab\n  ab \n\nabc\n\nab\r\nab\n")
    # lines: ab ab abc ab ab: three of five stood before, 6 of 11 characters
    assert found["duplicate_lines"] == pytest.approx(3 / 5)
    assert found["duplicate_line_characters"] == pytest.approx(6 / 11)
    # paragraphs: "ab ab", "abc", "ab ab" of 5, 3, 5 characters with the line end between
    assert found["duplicate_paragraphs"] == pytest.approx(1 / 3)
    assert found["duplicate_paragraph_characters"] == pytest.approx(5 / 13)


def test_top_ngrams_by_hand():
    """The 2-gram "the cat" stands three times: 18 of 27 characters of words; no 3-gram stands twice."""
    found = measured("The cat; the cat, a the cat. So the cat!")
    # words: The cat the cat a the cat So the cat: 3+3+3+3+1+3+3+2+3+3 = 27 characters; "the cat" three times = 18
    assert found["top_2gram_characters"] == pytest.approx(18 / 27)
    assert found["top_3gram_characters"] == 0


def test_han_is_counted_by_characters():
    """春江潮水 twice and 连海平 once: of 11 characters 8 lie in 4-grams that stand twice, none in 5-grams."""
    found = measured("春江潮水，连海平。春江潮水！")
    assert found["top_4gram_characters"] == pytest.approx(8 / 11)
    # of 2-grams 春江, 江潮, 潮水 stand twice; the first of equals with equal characters counts: 4 of 11
    assert found["top_2gram_characters"] == pytest.approx(4 / 11)
    assert found["duplicate_5gram_characters"] == 0


def test_duplicate_ngrams_by_hand():
    """Six words twice: both occurrences count, characters in several n-grams once, the word between not at all."""
    found = measured("one two three four five six BREAK one two three four five six")
    words = 3 + 3 + 5 + 4 + 4 + 3
    for n in (5, 6):
        assert found[f"duplicate_{n}gram_characters"] == pytest.approx(2 * words / (2 * words + 5))
    assert found["duplicate_7gram_characters"] == 0


def test_a_text_of_one_word_repeats_itself_wholly():
    """Never more than 1, however the occurrences overlap."""
    found = measured("哈" * 30)
    assert {found[name] for name in LIMITS if "gram" in name} == {1.0}


@pytest.mark.parametrize("text", ["", "\n\n", "……！", "一", "word"])
def test_what_has_no_ngrams_repeats_nothing(text):
    """Zeros, and no error."""
    assert set(measured(text).values()) == {0.0}


def slow(words: list[str], n: int, top: bool) -> float:
    """The same by counting: n-grams of a list of words."""
    grams = [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]
    counts = Counter(grams)
    chosen = {gram for gram, count in counts.items() if count > 1}
    if top and chosen:
        first = {gram: grams.index(gram) for gram in chosen}
        best = min(chosen, key=lambda gram: (-counts[gram], -sum(map(len, gram)), first[gram]))
        chosen = {best}
    covered = {at + k for at, gram in enumerate(grams) if gram in chosen for k in range(n)}
    total = sum(map(len, words))
    return sum(len(words[at]) for at in covered) / total if total else 0.0


@given(st.lists(st.lists(st.sampled_from(["汉", "字", "ab", "c", "dd"]), max_size=40), min_size=1, max_size=4))
@example([["汉"] * 12, ["汉"] * 12])
def test_ngrams_are_counted_as_a_slow_count_does(texts):
    """For several texts at once, none of which sees the words of another."""
    found = repetition(["，".join(words) for words in texts])
    for number, words in enumerate(texts):
        for n in range(2, 11):
            name = f"top_{n}gram_characters" if n < 5 else f"duplicate_{n}gram_characters"
            assert found[name][number] == pytest.approx(slow(words, n, n < 5)), (words, n)


def test_rows_count_what_is_cut():
    """Characters and paragraphs in and out, cut characters by kind, and articles cut whole."""

    def cut(article: str, start: int, end: int, kind: str, grain: str, text: str) -> Finding:
        return Finding(article, start, end, kind, grain, "x", None, None, None, True, text)

    articles = [("s", Article("one", "abc\n\ndefg\n\nhi")), ("s", Article("two", "xyz"))]
    found = [
        cut("one", 0, 5, "duplicate", "passage", "abc\n\n"),
        cut("one", 5, 7, "boilerplate", "span", "de"),
        cut("two", 0, 3, "duplicate", "article", "xyz"),
    ]
    one, two = rows(articles, found)
    assert [one[name] for name in (*COUNTS, "cut_whole")] == [13, 6, 3, 2, 5, 2, 0, False]
    assert [two[name] for name in (*COUNTS, "cut_whole")] == [3, 0, 1, 0, 3, 0, 0, True]
    assert list(one) == list(FIELDS)


def test_no_cell_is_a_formula():
    """Whatever an id begins with."""
    for start in "=+-@\t\r":
        assert guarded_cell(f"{start}cmd") == f"'{start}cmd"
    assert guarded_cell("a=b") == "a=b"


@pytest.fixture
def corpus(tmp_path):
    """Two articles of which one is cut, one with an id that is a formula."""
    text = f"{A}\n{B}\n"
    (tmp_path / "in.jsonl").write_bytes(jsonl({"id": "=1+1", "text": text}, {"id": "b", "text": text}))
    return tmp_path


def test_the_file_has_a_row_an_article_and_the_summary_its_sums(corpus):
    """The same in CSV and Parquet; the page and all else stay the same."""
    parquet = pytest.importorskip("pyarrow.parquet")
    for name in ("s.csv", "deep/s.parquet"):
        done = run("clean", "in.jsonl", "-o", f"out-{name[-3:]}", "--stats", name, cwd=corpus)
        assert done.returncode == 0, done.stderr
    with (corpus / "s.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["article"] for row in table] == ["'=1+1", "b"]
    assert [row["cut_whole"] for row in table] == ["0", "1"]
    rows = parquet.read_table(corpus / "deep" / "s.parquet").to_pylist()
    assert [row["article"] for row in rows] == ["=1+1", "b"]
    for one, other in zip(table, rows, strict=True):
        for name in (*COUNTS, *LIMITS):
            assert float(one[name]) == other[name]
    sums = json.loads((corpus / "out-csv" / "summary.json").read_text())["stats"]
    assert sums["characters"] == sum(row["characters"] for row in rows)
    assert sums["cut_whole"] == 1
    assert set(sums["beyond_gopher"]) == set(LIMITS)


def test_a_file_that_cannot_be_written_is_refused_before_the_run(corpus):
    """Another kind, one that exists, an input; and nothing is left."""
    (corpus / "there.csv").write_text("mine")
    for name, said in [("s.xlsx", "ends in .csv or .parquet"), ("there.csv", "exists"), ("in.jsonl", "ends in")]:
        done = run("clean", "in.jsonl", "-o", "out", "--stats", name, cwd=corpus)
        assert done.returncode == 2
        assert said in done.stderr.decode()
    assert not (corpus / "out").exists()
    assert (corpus / "there.csv").read_text() == "mine"
    assert run("clean", "in.jsonl", "-o", "out", "--stats", "there.csv", "--force", cwd=corpus).returncode == 0
    assert (corpus / "there.csv").read_text().startswith("article,")
    assert sorted(path.name for path in corpus.iterdir()) == ["in.jsonl", "out", "there.csv"]
