"""Findings -> text, and back."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import kernel
from dedup.errors import BadInput, DedupError, OneShotInput
from dedup.model import Article, Finding, Grain, Report
from dedup.rewriting import CutCounts, clean_text, restore, restore_text, rewrite
from dedup.settings import Settings

STORY = "导语。\n本报讯\n正文第一段。\n本报讯\n正文第二段。\n"


def cut(article: str, text: str, start: int, end: int, *, grain: Grain = "passage", removed: bool = True) -> Finding:
    return Finding(article, start, end, "duplicate", grain, "exact", 1.0, None, None, removed, text[start:end])


def report(ids: list[str], findings: list[Finding]) -> Report:
    return Report(Settings(), ids, findings, [], {}, [])


# ------------------------------------------------------------------------------------------------------- one article


def test_removed_findings_are_cut_and_come_back() -> None:
    """In whatever order they stand."""
    findings = [cut("a", STORY, 15, 19), cut("a", STORY, 4, 8)]
    clean = clean_text(STORY, findings)
    assert clean == "导语。\n正文第一段。\n正文第二段。\n"
    assert restore_text(clean, findings) == STORY


def test_what_is_not_removed_or_about_the_whole_article_changes_no_text() -> None:
    """A link is a remark; an article that is cut whole is not written at all."""
    findings = [cut("a", STORY, 0, 4, removed=False), cut("a", STORY, 0, len(STORY), grain="article")]
    assert clean_text(STORY, findings) == STORY
    assert restore_text(STORY, findings) == STORY


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        ([cut("a", STORY, 20, 200)], "26 characters"),
        ([replace(cut("a", STORY, 0, 4), start=-4, end=0)], "26 characters"),
        ([replace(cut("a", STORY, 4, 8), start=8, end=4)], "26 characters"),
        ([replace(cut("a", STORY, 4, 8), text="本报記\n")], '"text"'),
        ([cut("a", STORY, 4, 8), cut("a", STORY, 7, 9)], "overlaps"),
        ([cut("a", STORY, 4, 8), cut("a", STORY, 4, 8)], "overlaps"),
    ],
)
def test_a_finding_that_does_not_fit_is_refused_by_name(findings: list[Finding], words: str) -> None:
    """Nothing is cut on a guess."""
    with pytest.raises(BadInput) as caught:
        clean_text(STORY, findings)
    assert str(caught.value).startswith(f'article "a", finding at {findings[-1].start}-{findings[-1].end}: ')
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "findings",
    [
        [replace(cut("a", STORY, 4, 8), start=100, end=104)],
        [replace(cut("a", STORY, 4, 8), text="本报讯")],
        [cut("a", STORY, 4, 8), cut("a", STORY, 7, 9)],
        [replace(cut("a", STORY, 0, 4), start=-4, end=0)],
    ],
)
def test_a_finding_that_was_never_cut_from_a_text_is_not_put_back(findings: list[Finding]) -> None:
    """`restore_text` notices what cannot be."""
    with pytest.raises(BadInput, match="finding at"):
        restore_text(STORY[:6], findings)


TEXT = st.text(st.sampled_from("ab中。 \u3000\t\ufeff\u200b\n\r\u2028\u2029\x85\x0b\U0001f600"), max_size=40)


@st.composite
def texts_and_spans(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]]]:
    text = draw(TEXT)
    edges = sorted(draw(st.lists(st.integers(0, len(text)), max_size=10)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return text, [(start, end) for start, end in pairs if start < end]


@settings(max_examples=500)
@given(texts_and_spans(), st.randoms(use_true_random=False))
def test_restore_undoes_clean(drawn: tuple[str, list[tuple[int, int]]], random: object) -> None:
    """Character for character, for any text and any cuts."""
    text, spans = drawn
    findings = [cut("a", text, start, end) for start, end in spans]
    random.shuffle(findings)  # type: ignore[attr-defined]
    clean = clean_text(text, findings)
    assert len(clean) == len(text) - sum(end - start for start, end in spans)
    assert restore_text(clean, findings) == text


# -------------------------------------------------------------------------------------------------- many articles


ARTICLES = [Article("a", STORY, date="2020"), Article("b", "whole\n"), Article("c", "kept\n")]
FINDINGS = [
    cut("a", STORY, 4, 8),
    cut("a", STORY, 15, 19),
    cut("b", "whole\n", 0, 6, grain="article"),
    cut("c", "kept\n", 0, 5, grain="article", removed=False),
]
REPORT = report(["a", "b", "c"], FINDINGS)


def test_rewrite_leaves_out_what_is_cut_whole_and_can_be_read_again() -> None:
    """Fields stay; the second reading gives the same."""
    clean = rewrite(ARTICLES, REPORT)
    for _ in range(2):
        assert list(clean) == [
            Article("a", "导语。\n正文第一段。\n正文第二段。\n", date="2020"),
            Article("c", "kept\n"),
        ]


def test_restore_gives_the_original_articles_in_their_order() -> None:
    """From the finding's text, or with its fields where the dropped article is at hand."""
    clean = list(rewrite(ARTICLES, REPORT))
    assert list(restore(clean, REPORT)) == ARTICLES
    dropped = Article("b", "whole\n", date="2021")
    assert list(restore(clean, REPORT, [dropped])) == [ARTICLES[0], dropped, ARTICLES[2]]


def test_plain_strings_take_the_ids_of_the_report() -> None:
    """By their places."""
    clean = list(rewrite([article.text for article in ARTICLES], REPORT))
    assert [article.id for article in clean] == ["a", "c"]


def test_a_one_shot_iterator_is_refused_with_advice() -> None:
    """`scan` has used it up."""
    with pytest.raises(OneShotInput, match="pass a list") as caught:
        rewrite(iter(ARTICLES), REPORT)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, DedupError)


@pytest.mark.parametrize(
    ("articles", "words"),
    [
        (ARTICLES[:2], '"c" of the report'),
        ([*ARTICLES, Article("d", "")], '"d" is not in the report'),
        ([*ARTICLES, ARTICLES[0]], '"a" comes twice'),
        ([Article("a", "other"), *ARTICLES[1:]], 'article "a", finding at 4-8'),
        ([*(article.text for article in ARTICLES), "d"], "number 4"),
    ],
)
def test_articles_that_were_not_scanned_are_refused(articles: list[Article | str], words: str) -> None:
    """An id that only one of the two knows is an error, not a guess."""
    with pytest.raises(BadInput) as caught:
        list(rewrite(articles, REPORT))
    assert words in str(caught.value)


@pytest.mark.parametrize("clean", [ARTICLES[:1], ARTICLES, [ARTICLES[2]], [ARTICLES[0], ARTICLES[2], ARTICLES[1]]])
def test_restore_takes_only_what_rewrite_gave(clean: list[Article]) -> None:
    """Too few, too many, in another order."""
    with pytest.raises(BadInput, match="rewrite gave"):
        list(restore(clean, REPORT))


def test_counts_of_what_is_removed() -> None:
    """37 characters: 4 + 4 cut from the first, the second whole (6), the third kept."""
    sums = CutCounts()
    for article in ARTICLES:
        sums.add([finding for finding in FINDINGS if finding.article == article.id])
    counts = sums.to_dict(37)
    assert (counts["articles_cut"], counts["articles_changed"], counts["characters_out"]) == (1, 1, 23)
    assert counts["findings"] == [
        {"kind": "duplicate", "grain": "article", "rule": "exact", "removed": False, "findings": 1, "characters": 5},
        {"kind": "duplicate", "grain": "article", "rule": "exact", "removed": True, "findings": 1, "characters": 6},
        {"kind": "duplicate", "grain": "passage", "rule": "exact", "removed": True, "findings": 2, "characters": 8},
    ]


# ------------------------------------------------------------------------------------------- what a cut takes along


def extended_ends(text: str, spans: list[tuple[int, int]]) -> list[int]:
    """Where the cuts of one text end with what they take along, in code points."""
    utf8 = np.frombuffer(text.encode(), np.uint8)
    starts, ends = np.array(spans, np.int64).reshape(-1, 2).T.copy()
    texts, of = (utf8, np.array([0, len(utf8)])), np.zeros(len(spans), np.int64)
    new: list[int] = kernel.span_places(*texts, of, starts, ends, np.ones(len(spans), bool))[0].tolist()
    return new


def cut_marked(marked: str) -> str:
    """The text without what stands between < and >, and what these cuts take along."""
    text = re.sub("[<>]", "", marked)
    spans, at, start = [], 0, 0
    for character in marked:
        if character == "<":
            start = at
        elif character == ">":
            spans.append((start, at))
        else:
            at += 1
    ends = extended_ends(text, spans)
    for (_, end), new, following in zip(spans, ends, [*(start for start, _ in spans[1:]), len(text)], strict=False):
        assert end <= new <= following
    kept, at = "", 0
    for (start, _), end in zip(spans, ends, strict=True):
        kept += text[at:start]
        at = end
    return kept + text[at:]


@pytest.mark.parametrize(
    ("marked", "clean"),
    [
        ("A\nB\n", "A\nB\n"),
        ("A\n\n<X\n>\nB\n", "A\n\nB\n"),
        ("A\n\n<X>\n\nB\n", "A\n\nB\n"),
        ("A\n<X\n>\nB\n", "A\n\nB\n"),
        ("<X\n>\nB", "B"),
        ("<X>\n\n \n\u3000\nB", "B"),
        ("A\n<X>\nB\n", "A\nB\n"),
        ("A\n\n\n<X>\n\n\nB\n", "A\n\n\nB\n"),
        ("A\n<X>\n\n\n<Y>\n\n\nB", "A\n\n\nB"),
        ("A\n\n<X>\n\n<Y>\n\nB", "A\n\nB"),
        ("A\n\n<X>\n<Y>\n\nB", "A\n\nB"),
        ("A\n\n<X\n\nY>\n\nB", "A\n\nB"),
        ("<X>\n\n<Y>", ""),
        ("A\n\n<X>", "A\n\n"),
        ("A\n<X>", "A\n"),
        ("A\n\n<X>\n", "A\n\n"),
        ("A\r\n\r\n<X>\r\n\r\nB", "A\r\n\r\nB"),
        ("A\r\r<X>\r\rB", "A\r\rB"),
        ("A\u2029\u2028<X>\u2029\u2028B", "A\u2029\u2028B"),
        ("A\n\ufeff\u200b\n<X>\n\xa0\u3000\nB", "A\n\ufeff\u200b\nB"),
        # these end no line
        ("A\x85<X>\x85B", "A\x85\x85B"),
        ("A\x0b<X>\x0cB\x1c", "A\x0b\x0cB\x1c"),
        # sentences: what is left of an emptied line goes, what is left of another stays
        ("A\n<X。> <Y。> \nB\n", "A\nB\n"),
        ("A\n<X。> Z。 <Y。> \nB\n", "A\n Z。  \nB\n"),
        ("A\n\n<X。>  <Y。>\n\nB\n", "A\n\nB\n"),
        # a cut that begins inside a line and ends inside another
        ("A <X\nY> B\n", "A  B\n"),
        ("A<\nX>\nB\n", "A\nB\n"),
        ("A<\nX>\n\nB\n", "A\n\nB\n"),
        ("A <X\nY\n>\nB\n", "A \nB\n"),
        ("A <X\nY>\n\n<Z>\n\nB\n", "A \n\nB\n"),
    ],
)
def test_what_a_cut_takes_along(marked: str, clean: str) -> None:
    """Worked out by hand: X, Y, Z are cut, no two kept lines join, no blank line is left over or lacking."""
    assert cut_marked(marked) == clean


def slow_cut(lines: list[tuple[str, str]]) -> str:
    """Lines (text, mark "cut" or "keep") without those to be cut, by the letter of the rule."""
    kept: list[str] = []
    behind_a_cut = False
    for line, mark in lines:
        if mark == "cut":
            behind_a_cut = True
            continue
        blank = not re.sub("[\\s\u200b\ufeff]", "", line)
        if blank and behind_a_cut and (not kept or not re.sub("[\\s\u200b\ufeff]", "", kept[-1])):
            continue
        behind_a_cut = False
        kept.append(line)
    return "".join(kept)


LINES = st.lists(
    st.tuples(
        st.sampled_from(["A", "中", " B ", "", "", " ", "\u3000", "\ufeff", "\x85"]),
        st.sampled_from(["\n", "\n", "\r\n", "\r", "\u2028", "\u2029"]),
        st.sampled_from(["cut", "cut with its line end", "keep"]),
    ),
    max_size=16,
)


@settings(max_examples=1000)
@given(LINES)
def test_whole_lines_go_as_a_slow_walk_over_the_lines_says(lines: list[tuple[str, str, str]]) -> None:
    """And no more blank lines follow each other than before."""
    for i in range(1, len(lines)):  # CR and LF of two lines would be one line end
        if lines[i - 1][1] == "\r" and not lines[i][0] and lines[i][1] == "\n":
            lines[i] = ("A", "\n", lines[i][2])
    marked = ""
    plain: list[tuple[str, str]] = []
    for line, end, mark in lines:
        cut = mark != "keep" and bool(re.sub("[\\s\u200b\ufeff]", "", line))
        plain.append((line + end, "cut" if cut else "keep"))
        inner, outer = (end, "") if mark == "cut with its line end" else ("", end)
        marked += f"<{line}{inner}>{outer}" if cut else line + end
    assert cut_marked(marked) == slow_cut(plain)


@settings(max_examples=1000)
@given(texts_and_spans())
def test_a_cut_takes_along_only_white_space(drawn: tuple[str, list[tuple[int, int]]]) -> None:
    """Never a character that can be seen, never a part of the next cut; and taking it along twice changes nothing."""
    text, spans = drawn
    ends = extended_ends(text, spans)
    starts = [start for start, _ in spans]
    for (_, end), new, following in zip(spans, ends, [*starts[1:], len(text)], strict=False):
        assert end <= new <= max(following, end)
        assert not re.sub("[\\s\u200b\ufeff]", "", text[end:new])
    assert extended_ends(text, list(zip(starts, ends, strict=True))) == ends


@pytest.mark.parametrize("line", ["正文。\n", "\n", "a\n\n"])
def test_a_million_lines_take_seconds(line: str) -> None:
    """All but one of a million lines are cut, each by itself."""
    text = line * 1_000_000
    spans = [(i * len(line), (i + 1) * len(line)) for i in range(999_999)]
    start = time.perf_counter()
    assert len(extended_ends(text, spans)) == 999_999
    assert time.perf_counter() - start < 20  # 2 s on an ordinary machine
