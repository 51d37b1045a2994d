"""Two texts side by side are aligned by what they fold to, and both come back from the pieces."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dedup.report.differences import Piece, condensed, differences, fold_positions
from dedup.report.shown import marked, visible
from dedup.text import fold

HARD = st.text(
    st.sampled_from(
        "汉字區区臺台的 \u3000\n\t.,，。%％+-−35１２é\u0301\u0304e(qū)（?aüǚ"
        "\u200b\ufeff\u1100\u1161\u11a8가ﬁ㍿½²①\u0338="
    )
)


@settings(max_examples=400)
@example("a\u200b\u0301 %35 %")
@example("\u0301\u0301")
@example("35 ％，3.5%")
@given(st.one_of(HARD, st.text(st.characters(exclude_categories=["Cs"]))))
def test_the_fold_with_places_is_the_fold(text):
    """And the places never fall, and lie in the text."""
    folded, at = fold_positions(text)
    assert folded == fold(text)
    assert len(at) == len(folded)
    assert all(0 <= here < len(text) for here in at.tolist())
    assert (at[1:] >= at[:-1]).all()


@settings(max_examples=300)
@given(HARD, HARD)
def test_the_pieces_give_both_texts_back(left, right):
    """Nothing is lost or shown twice, and what is called the same is."""
    pieces = differences(left, right)
    assert "".join(piece.left for piece in pieces) == left
    assert "".join(piece.right for piece in pieces) == right
    assert all((piece.left == piece.right) == (piece.kind == "same") for piece in pieces if piece.kind != "other")


def test_the_other_script_and_pasted_readings_read_alike():
    """區(qū) against 区 is no difference; an exchanged character is."""
    pieces = differences("高新區(qū)舉行儀式，市長出席", "高新区举行仪式，县长出席")
    assert [(piece.left, piece.right) for piece in pieces if piece.kind == "other"] == [("市", "县")]


def test_words_of_numbers_differ_where_they_do():
    """5月23日 against 5月22日: one digit."""
    pieces = differences("截至5月23日，新增8328例", "截至5月22日，新增8326例")
    assert [(piece.left, piece.right) for piece in pieces if piece.kind == "other"] == [("3", "2"), ("8", "6")]


def test_a_crumb_between_two_differences_is_chance():
    """One Han character in common does not part two differences, three do."""
    assert [p.kind for p in differences("甲乙的丙丁", "子丑的寅卯")] == ["other"]
    assert [p.kind for p in differences("甲乙的人们丙丁", "子丑的人们寅卯")] == ["other", "same", "other"]


@pytest.mark.parametrize("left", ["", "\u200b", "。。。"])
def test_what_folds_to_nothing_is_compared_as_a_whole(left):
    """It reads like nothing else, and like everything that folds to nothing."""
    assert [p.kind for p in differences(left, "汉")] == ["other"]
    assert {p.kind for p in differences(left, "！")} == {"alike"}


def test_huge_texts_are_compared_as_far_as_told():
    """A million characters in one line, of which the first hundred thousand are looked at."""
    rng = random.Random(7)
    one, two = ("".join(rng.choices("汉字平假名abc ", k=1_000_000)) for _ in range(2))
    pieces = differences(one, two)
    assert pieces[-1] == Piece("gap", "900000", "900000")


def test_condensed_pieces_keep_the_differences():
    """Long equal stretches become gaps that say how much is left out."""
    left = "头" * 500 + "甲" + "中" * 500 + "尾" * 9
    right = "头" * 500 + "乙" + "中" * 500 + "尾" * 9
    shown = condensed(differences(left, right), most=2000, context=10)
    assert [(p.kind, p.left) for p in shown if p.kind == "gap"] == [("gap", "460"), ("gap", "499")]
    assert ("甲", "乙") in [(p.left, p.right) for p in shown]


@given(HARD, HARD, st.integers(1, 60))
def test_condensed_pieces_account_for_all(left, right, most):
    """What is shown and what is left out make up the texts, and no more is shown than asked for."""
    shown = condensed(differences(left * 9, right * 7), most, context=5)
    for text, side in ((left * 9, "left"), (right * 7, "right")):
        parts = [(piece.kind, getattr(piece, side)) for piece in shown]
        assert sum(int(part) if kind == "gap" else len(part) for kind, part in parts) == len(text)
        assert sum(len(part) for kind, part in parts if kind != "gap") <= most


def test_what_acts_is_marked():
    """Escapes, bidi controls, NUL, zero-width and private characters; Han, accents, emoji and CRLF stay."""
    assert visible("a\x1b]0;x\x07\u202eb\0\ue000") == "a⟨U+001B⟩]0;x⟨U+0007⟩⟨U+202E⟩b⟨U+0000⟩⟨U+E000⟩"
    assert visible("汉é👍\u3000ok\r\n\t") == "汉é👍\u3000ok\n\t"
    assert visible("\r") == "⟨U+000D⟩"
    assert visible("\udc80") == "⟨U+DC80⟩"
    assert marked("\u200b" * 1000) == [("U+200B×1,000", True)]


def test_a_tower_of_marks_is_cut_down():
    """Two stand, the rest is counted."""
    assert marked("o" + "\u0301" * 100 + "k") == [("o\u0301\u0301", False), ("U+0301×98", True), ("k", False)]
    assert marked("e\u0301\u0323") == [("e\u0301\u0323", False)]
