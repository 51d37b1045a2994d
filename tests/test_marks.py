"""Marks in arrays are the marks that were put in."""

from __future__ import annotations

import numpy as np
import pytest

from dedup.boilerplate import Mark
from dedup.marks import Head, Heads, Marks

CREDIT = Mark(0, 5, "boilerplate", "passage", "credit", True, {"position": "head"})
MARKS = {
    3: [CREDIT, Mark(9, 12, "debris", "span", "control", False)],
    0: [Mark(2, 4, "boilerplate", "block", "自定", True, {"lines": 2, "share": 0.0417, "doubt": "字"})],
    4: [],
    5: [Mark(7, 8, "boilerplate", "passage", "credit", True, {"position": "tail"}), CREDIT],
}


def test_marks_are_known_by_their_articles():
    """Those without any are not in it, those beyond are not either."""
    marks = Marks.of(MARKS, 7)
    assert dict(marks) == {article: found for article, found in sorted(MARKS.items()) if found}
    assert list(marks) == [0, 3, 5]
    assert (len(marks), 4 in marks, 7 in marks, -1 in marks) == (3, False, False, False)
    for article in (1, 4, 7, -1):
        with pytest.raises(KeyError):
            marks[article]


def test_articles_may_stand_in_another_order():
    """Article a of the order is row order[a] of what was read; `of_articles` takes any of them, also twice."""
    read, order = Marks.of(MARKS, 6), np.array([5, 4, 3, 0])
    marks = Marks(np.append(0, np.cumsum(read.counts())), read.start, read.end, read.head, read.heads, order)
    assert dict(marks) == {0: MARKS[5], 2: MARKS[3], 3: MARKS[0]}
    number, start, end, head = marks.of_articles(np.array([3, 1, 0, 0]))
    told = [
        (place, Mark(first, last, *marks.heads[what]))
        for place, first, last, what in zip(*(of.tolist() for of in (number, start, end, head)), strict=True)
    ]
    assert told == [(0, MARKS[0][0]), *((place, mark) for place in (2, 3) for mark in MARKS[5])]
    back = Marks.from_arrays(marks.to_arrays())
    assert dict(back) == dict(marks)


def test_no_articles_have_no_marks():
    """Nor have some that were read."""
    for articles in (0, 3):
        marks = Marks.of({}, articles)
        assert dict(marks) == dict(Marks.from_arrays(marks.to_arrays())) == {}
        assert [len(of) for of in marks.of_articles(np.arange(articles))] == [0] * 4


def test_equal_heads_have_one_number():
    """Whatever differs makes another."""
    heads = Heads()
    one = Head("debris", "span", "markup", True, {"lines": 1})
    others = [one._replace(removed=False), one._replace(evidence={}), one._replace(evidence={"lines": 1.0})]
    assert heads.numbers([one, *others, one._replace(evidence={"lines": 1}), others[1]]).tolist() == [0, 1, 2, 3, 0, 2]
    assert heads.all == [one, *others]
