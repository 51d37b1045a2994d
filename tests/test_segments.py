"""Texts that are taken when they are looked at, against plain strings; and the batches in which they are judged."""

import unicodedata
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import kernel
from dedup import segments as module
from dedup.families import _batches
from dedup.segments import Segments

PIECES = st.lists(st.text("a1b汉字𠀀𐌰", max_size=5), max_size=8)


def array(pieces):
    """A uint32 segment array of strings."""
    codes = np.frombuffer("".join(pieces).encode("utf-32-le"), np.uint32)
    return codes, np.array([0, *accumulate(map(len, pieces))], np.int64)


def units(text):
    """How many units of UTF-16 it has."""
    return len(text.encode("utf-16-le")) // 2


def strings(flat, offsets):
    """The inverse."""
    return [flat[start:end].tobytes().decode("utf-32-le") for start, end in pairwise(offsets.tolist())]


def joined(pieces):
    """Pieces in a row, a blank between two narrow characters; empty ones are as if they were not there."""
    text = ""
    for piece in filter(None, pieces):
        narrow = text and all(unicodedata.east_asian_width(sign) not in "WF" for sign in (text[-1], piece[0]))
        text += (" " if narrow else "") + piece
    return text


@st.composite
def cases(draw):
    """Segments of code points or in UTF-16, and the plain strings that they stand for, how long these are there without
    blanks, and some of them.
    """
    pieces, stored = draw(PIECES), draw(st.booleans())
    numbers = st.integers(0, len(pieces) - 1)
    chosen = draw(st.none() | (st.lists(numbers, max_size=8) if pieces else st.just([])))
    parts = pieces if chosen is None else [pieces[number] for number in chosen]
    cuts = draw(st.none() | st.lists(st.integers(0, len(parts)), max_size=5).map(sorted))
    groups = [[part] for part in parts]
    bounds = None
    if cuts is not None:
        bounds = [0, *cuts, len(parts)]
        groups = [parts[start:end] for start, end in pairwise(bounds)]
    made = Segments(
        *(kernel.to_utf16(*array(pieces)) if stored else array(pieces)),
        None if chosen is None else np.array(chosen, np.int64),
        None if bounds is None else np.array(bounds, np.int64),
    )
    some = draw(st.lists(st.integers(0, len(groups) - 1), max_size=9) if groups else st.just([]))
    return made, list(map(joined, groups)), [sum(map(units if stored else len, group)) for group in groups], some


@given(cases())
def test_texts_are_taken_as_they_are(case):
    """In any order, some twice; all of them where they are joined too."""
    made, texts, lengths, some = case
    assert len(made) == len(texts)
    assert made.lengths.tolist() == lengths
    numbers = np.array(some, np.int64)
    assert strings(*made.take(numbers)) == [texts[number] for number in some]
    assert strings(*made.whole()) == texts
    fewer = made.of(numbers)
    assert fewer.lengths.tolist() == [lengths[number] for number in some]
    every = np.arange(len(some))
    assert strings(*fewer.whole()) == [texts[number] for number in some]
    assert strings(*fewer.take(every)) == [texts[number] for number in some]
    assert strings(*fewer.of(every[::-1].copy()).take(every)) == [texts[number] for number in some[::-1]]


@given(cases(), st.integers(1, 4))
def test_bounds_of_joined_texts_do_not_depend_on_how_many_are_reckoned_at_a_time(case, count):
    """They add up over the pieces."""
    made, _, lengths, _ = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_JOINED", count)
        assert np.diff(made.bounds).tolist() == made.lengths.tolist() == lengths


@given(cases(), st.integers(1, 12))
def test_chunks_hold_every_text_once(case, size):
    """In their order, of no more than that many code points unless one text is longer."""
    made, texts, lengths, some = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", size)
        for asked in (None, np.array(some, np.int64)):
            order = list(range(len(texts))) if asked is None else some
            chunks = [(numbers.tolist(), strings(flat, offsets)) for numbers, flat, offsets in made.chunks(asked)]
            assert [number for numbers, _ in chunks for number in numbers] == order
            assert [text for _, taken in chunks for text in taken] == [texts[number] for number in order]
            for numbers, _ in chunks:
                assert len(numbers) == 1 or sum(lengths[number] for number in numbers) <= size


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), max_size=30), st.integers(0, 40))
def test_batches_hold_whole_components(texts, most):
    """Every text once, rising in each batch; of at most so many code points unless one component has more."""
    component = np.array([of for of, _ in texts], np.int64)
    lengths = np.array([length for _, length in texts], np.int64)
    batches = [batch.tolist() for batch in _batches(component, lengths, most)]
    assert sorted(text for batch in batches for text in batch) == list(range(len(texts)))
    where = [{int(component[text]) for text in batch} for batch in batches]
    assert all(batch and batch == sorted(batch) for batch in batches)
    assert sum(map(len, where)) == len(set(component.tolist()))
    for batch, of in zip(batches, where, strict=True):
        assert len(of) == 1 or lengths[batch].sum() <= most
