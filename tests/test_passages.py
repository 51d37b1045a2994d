"""Passages: where lines, paragraphs and sentences begin and end."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.errors import BadInput
from dedup.text import codepoints, line_spans, passages

MODES = ["line", "blank", "sentence"]
PIECES = st.sampled_from(
    [
        *"aZ1中。！？!?….…”\"’)）', \t\u3000\u00a0\ufeff\u200b\n\r\x0b\x0c\x1c\x85",
        "\r\n",
        "\u2028",
        "\u2029",
        " Mr.",
        " J.",
    ]
)
TEXTS = st.lists(PIECES, max_size=40).map("".join)


def parts(text, mode):
    """The passages as strings."""
    return [text[start:end] for start, end in passages(text, mode).tolist()]


def shows(text):
    """Whether any character of a text shows."""
    return bool(text.strip().strip("\ufeff\u200b \n\t\r\u3000\u00a0\u2028\u2029\x0b\x0c\x85\x1c"))


# --- lines -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("a", ["a"]),
        ("a\n", ["a\n"]),
        ("a\nb", ["a\n", "b"]),
        ("a\r\nb\rc\n", ["a\r\n", "b\r", "c\n"]),
        ("a\n\rb", ["a\n", "b"]),
        ("a\u2028b\u2029c", ["a\u2028", "b\u2029", "c"]),
        ("a\x0bb\x0cc\x1cd\x85e", ["a\x0bb\x0cc\x1cd\x85e"]),
        ("\n\n  \u3000甲\n\u00a0\n乙", ["  \u3000甲\n", "乙"]),
        ("\ufeff甲\n\ufeff\u200b\n", ["\ufeff甲\n"]),
        (" \t\u3000\u00a0\u2003\ufeff\u200b\x0c\x85", []),
        ("。\n★\n", ["。\n", "★\n"]),
    ],
)
def test_a_passage_is_a_line_that_is_not_blank(text, lines):
    """With its indentation and its line end; only LF, CRLF, CR, U+2028 and U+2029 end lines."""
    assert parts(text, "line") == lines


def test_line_spans_have_all_lines_and_their_content():
    """CRLF is one line end of two characters, a blank line is a line, the last line may lack its end."""
    starts, content_ends, ends, is_blank = line_spans(codepoints("a\r\n\n b\r\r \nc"))
    assert starts.tolist() == [0, 3, 4, 7, 8, 10]
    assert content_ends.tolist() == [1, 3, 6, 7, 9, 11]
    assert ends.tolist() == [3, 4, 7, 8, 10, 11]
    assert is_blank.tolist() == [False, True, False, True, True, False]


def test_an_empty_text_has_no_lines():
    """And what it has none of is int64 and bool."""
    spans = line_spans(codepoints(""))
    assert [(len(array), array.dtype) for array in spans] == [(0, np.int64)] * 3 + [(0, np.bool_)]


@given(TEXTS)
def test_lines_are_those_of_a_plain_scan(text):
    """Character by character."""
    expected, start = [], 0
    for place, character in enumerate(text):
        is_end = character in "\n\r\u2028\u2029" and text[place : place + 2] != "\r\n"
        if is_end:
            expected.append((start, place + 1))
            start = place + 1
    expected += [(start, len(text))] if start < len(text) else []
    starts, content_ends, ends, is_blank = line_spans(codepoints(text))
    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == expected
    for (start, end), content_end, blank in zip(expected, content_ends.tolist(), is_blank.tolist(), strict=True):
        assert text[start:end].rstrip("\n\r\u2028\u2029") == text[start:content_end]
        assert blank == (not shows(text[start:end]))


# --- paragraphs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "paragraphs"),
    [
        ("", []),
        ("\n \n", []),
        ("a\nb\n\nc\n", ["a\nb\n", "c\n"]),
        ("\n\na\r\n\u3000\r\n b", ["a\r\n", " b"]),
        ("a\n\ufeff\nb", ["a\n", "b"]),
        ("a\nb", ["a\nb"]),
    ],
)
def test_a_paragraph_is_a_run_of_lines_that_are_not_blank(text, paragraphs):
    """With all its line ends; the blank lines between two belong to neither."""
    assert parts(text, "blank") == paragraphs


# --- sentences -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        ("一。\n", ["一。\n"]),
        ("一；二，三\n", ["一；二，三\n"]),
        ("　　一。二！三？！四…五\n", ["　　一。", "二！", "三？！", "四…", "五"]),
        ("他说：“好。”然后走了。\n", ["他说：“好。”", "然后走了。"]),
        ("他说：“好！”。然后走了。\n", ["他说：“好！”。", "然后走了。"]),
        ("（见下。）下", ["（见下。）", "下"]),
        ("一。  二。  \n", ["一。  ", "二。  "]),
        ("一。  \n", ["一。  \n"]),
        ("今天好吗?我很好!他呢", ["今天好吗?", "我很好!", "他呢"]),
        ("一。\n二。三。\r\n", ["一。\n", "二。", "三。"]),
        ("It rains. It pours! Why? So", ["It rains. ", "It pours! ", "Why? ", "So"]),
        ('He said "no." She left.', ['He said "no." ', "She left."]),
        ("Mr. Smith met Dr. J. Doe of the U.S. Army, No. 5. He fell.", None),
        ("Pi is 3.14 or v1.2 at http://a.org/?q=1!x=2. Yes", ["Pi is 3.14 or v1.2 at http://a.org/?q=1!x=2. ", "Yes"]),
        ("1. First. Second", ["1. First. ", "Second"]),
        ("  12. First\n", ["  12. First\n"]),
        ("Version 1. Next", ["Version 1. ", "Next"]),
        ("wait... what", ["wait... ", "what"]),
        ("。。。", ["。。。"]),
    ],
)
def test_sentences_end_at_stops(text, sentences):
    """After 。！？… and what closes behind them, and after . ! ? before white space."""
    if sentences is None:
        sentences = ["Mr. Smith met Dr. J. Doe of the U.S. Army, No. 5. ", "He fell."]
    assert parts(text, "sentence") == sentences


# --- all -------------------------------------------------------------------------------------------------------------


@given(TEXTS, st.sampled_from(MODES))
@settings(max_examples=300)
def test_passages_lie_in_order_and_hold_all_that_shows(text, mode):
    """They do not overlap, none is blank, and between them nothing shows."""
    spans = passages(text, mode)
    assert spans.dtype == np.int64
    assert spans.shape == (len(spans), 2)
    done = 0
    for start, end in spans.tolist():
        assert done <= start < end <= len(text)
        assert not shows(text[done:start])
        assert shows(text[start:end])
        done = end
    assert not shows(text[done:])


@given(TEXTS)
def test_the_sentences_of_a_line_are_the_line(text):
    """Put together they are the line, without its line end if they are several."""
    lines = dict(passages(text, "line").tolist())
    sentences = passages(text, "sentence").tolist()
    for start, end in lines.items():
        own = [span for span in sentences if start <= span[0] < end]
        line = text[start:end]
        assert "".join(text[left:right] for left, right in own) == (
            line if len(own) == 1 else line.rstrip("\n\r\u2028\u2029")
        )


@given(TEXTS, TEXTS, st.sampled_from(MODES))
def test_texts_put_together_with_a_blank_line_keep_their_passages(one, other, mode):
    """No passage reaches over a blank line."""
    joined = parts(f"{one}\n\n{other}", mode)
    alone = parts(one + "\n", mode) + parts(other, mode)
    assert joined == alone


def test_strings_and_code_points_have_the_same_passages():
    """Beyond the first plane too."""
    text = "😀一。二\n三\n"
    for mode in MODES:
        assert passages(codepoints(text), mode).tolist() == passages(text, mode).tolist()


def test_a_lone_surrogate_is_refused():
    """Before anything else is looked at."""
    with pytest.raises(BadInput, match="lone surrogate"):
        passages("a\ud800", "line")


def test_an_unknown_mode_is_refused():
    """The modes are those of `Settings.passage`."""
    with pytest.raises(ValueError, match="line, blank or sentence, found 'word'"):
        passages("a", "word")


@pytest.mark.parametrize("piece", ["甲", "甲\n", "!", ". ", ".)", "J.", "\r"])
@pytest.mark.parametrize("mode", MODES)
def test_time_grows_with_the_text_alone(piece, mode):
    """One long line, half a million lines, or nothing but stops: a second, not minutes."""
    text = piece * 500_000 + "a"
    begin = time.process_time()
    passages(text, mode)
    assert time.process_time() - begin < 10
