"""The compiled kernel equals the reference bit for bit, and refuses what it must not read."""

import json
import os
import random
import subprocess
import sys
import threading
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.fold_table import load
from dedup.kernel import (
    fold_reference,
    greedy_reference,
    json_reference,
    line_reference,
    lookup_reference,
    number_reference,
    reference,
    row_reference,
    template_reference,
    text_reference,
    utf8_reference,
)
from dedup.kernel.fold_reference import DECIMAL
from dedup.kernel.greedy_reference import NumbersAgree, PassagesCovered
from dedup.kernel.reference import offsets_of
from dedup.kernel.row_reference import Picked, Quoted
from dedup.looking import line_table
from dedup.rules import reading_table

native = pytest.importorskip("dedup.kernel.native", reason="no compiled kernel is built here", exc_type=ImportError)

LEVELS = native.levels()
# around the widths of vectors, of the blocks that are hashed at a time and of what is kept in tables
LENGTHS = (*range(71), 127, 128, 129, 255, 256, 257, 1023, 1024, 1025, 5000)
ALPHABET = "ab 1.中文字か한é٣Ⅳ　"
HARD = (
    "0123%‰+-−$€.,，。、 \t\u3000\u00a0\u200b\ufeff\u0301\u0304\u0308aZéㄱ가각か\u3099ｶﾞ中國国ﬀ㍿㎏½²"
    "(（)）?qūhǎo\U0001f600\u1100\u1161\u11a8"
)


@pytest.fixture(params=LEVELS)
def level(request):
    """Each instruction set of this machine in turn."""
    before = native.use_level(request.param)
    yield request.param
    native.use_level(before)


def on_each_level(function, *arguments):
    """What it gives, which is the same with every instruction set."""
    found = [function(*arguments)]
    before = native.use_level(LEVELS[-1])
    for name in LEVELS[1:]:
        native.use_level(name)
        found.append(function(*arguments))
    native.use_level(before)
    for other in found[1:]:
        equal(other, found[0])
    return found[0]


def equal(found, expected):
    """Equal in values, shape and dtype, and to be written to."""
    if expected is None:
        assert found is None
        return
    if isinstance(expected, tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            equal(one, other)
        return
    assert found.dtype == expected.dtype
    assert found.flags.writeable
    np.testing.assert_array_equal(found, expected)


def segment_array(lengths, seed=0, alphabet=ALPHABET):
    """Random code points of *alphabet* in segments of the lengths given."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(np.array([ord(c) for c in alphabet], np.uint32), int(np.sum(lengths)))
    return codes, offsets_of(np.array(lengths, np.int64))


def hashes_of(lengths, seed=0, distinct=1 << 64):
    """Random hashes below *distinct* in segments of the lengths given."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, distinct, int(np.sum(lengths)), dtype=np.uint64, endpoint=distinct < 1 << 64)
    return hashes, offsets_of(np.array(lengths, np.int64))


SHAPES = {
    "every length": LENGTHS,
    "none": (),
    "one empty": (0,),
    "empty at both ends": (0, 0, 3, 0, 64, 0, 0, 1, 0),
    "one huge": (20_003,),
    "ones": (1,) * 300,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1, 7, 8, 255])
@pytest.mark.parametrize("alphabet", ["中文字", "abc", ALPHABET])
def test_shingles_and_their_signatures(level, shape, size, alphabet):
    """Hashes, their offsets, and the signatures made of them, fused or not."""
    folded, offsets = segment_array(SHAPES[shape], size, alphabet)
    widths = fold_reference.columns(folded, load())
    expected = reference.shingles(folded, offsets, widths, size)
    equal(native.shingles(folded, offsets, widths, size), expected)
    equal(native.shingle_sets(folded, offsets, widths, size), reference.segment_sets(*expected))
    a, b = reference.permutations(33, 1)
    signed = reference.signatures(*expected, a, b)
    equal(native.signatures(*expected, a, b), signed)
    equal(native.shingle_signatures(folded, offsets, widths, size, a, b), signed)
    for bands, rows in ((4, 8), (33, 1)):
        keys = reference.band_keys(signed, bands, rows)
        equal(native.shingle_band_keys(folded, offsets, widths, size, a, b, bands, rows), keys)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 10, 255])
def test_shingles_beside_one_narrow_character(level, size):
    """Wherever it stands: those of wide ones alone are not measured."""
    length = 150
    folded = np.full((length, length), ord("中"), np.uint32)
    np.fill_diagonal(folded, ord("a"))
    widths, offsets = np.where(folded < 0x80, 1, 2).astype(np.uint8), np.arange(length + 1) * length
    given = folded.ravel(), offsets, widths.ravel(), size
    equal(native.shingles(*given), reference.shingles(*given))


def texts_of(shape, size, longest):
    """Texts made of segments of 0 to *longest* code points, together those of *shape*, but some are exchanged."""
    folded, offsets = segment_array(SHAPES[shape], size, ALPHABET + "𠀀")
    rng = np.random.default_rng(size + longest)
    bounds = [0]
    groups = []
    for begin, end in pairwise(offsets.tolist()):
        groups.append(len(bounds) - 1)
        while bounds[-1] < end or rng.random() < 0.2:
            bounds.append(min(bounds[-1] + int(rng.integers(0, longest + 1)), end))
        assert begin <= bounds[-1]
    groups.append(len(bounds) - 1)
    segments = np.arange(len(bounds) - 1)
    segments[rng.random(len(segments)) < 0.1] = 0
    return (folded, np.array(bounds), segments, np.array(groups)), rng


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1, 8, 255])
@pytest.mark.parametrize("longest", [1, 12, 700])
def test_digests_and_band_keys_of_texts_made_of_segments(level, shape, size, longest):
    """Segments as narrow as no shingle, empty, wide and narrow at the joints; whole keys and upper halves of them.

    In UTF-16 they are the same.
    """
    texts, rng = texts_of(shape, size, longest)
    encoded = *native.to_utf16(*texts[:2]), *texts[2:]
    ways = [(native, texts), (text_reference, texts), (native, encoded), (text_reference, encoded)]
    count = len(texts[3]) - 1
    for kernel, of in ways:
        equal(kernel.text_digests(*of, load()), text_reference.text_digests(*texts, load()))
        equal(kernel.text_glances(*of, load()), text_reference.text_glances(*of, load()))
    nested = rng.random(len(texts[2])) < 0.7
    permutations = reference.permutations(33, 1)
    for bands, rows in ((4, 8), (33, 1), (0, 4)):
        for dtype in (np.uint64, np.uint32):
            found = []
            for kernel, of in ways:
                keys, inner = np.full((bands, count + 3), 7, dtype), np.full((bands, nested.sum() + 2), 7, dtype)
                kernel.text_band_keys(of, nested, load(), size, permutations, rows, keys, 2, inner, 1)
                found.append((keys, inner))
            for each in found[1:]:
                equal(each, found[0])
            assert (found[0][0][:, [0, 1, count + 2]] == 7).all()
        wanted = rng.random((bands, count + 3)) < rng.choice([0, 0.1, 0.9, 1], count + 3)
        wanted[:, : count // 2] = wanted[:, :1]
        found = []
        for kernel, of in ways:
            keys = np.full((bands, count + 3), 7, np.uint64)
            kernel.wanted_band_keys(of, load(), size, permutations, rows, wanted, keys, 2)
            found.append(keys)
        for each in found[1:]:
            equal(each, found[0])


def test_texts_longer_than_what_is_joined_at_a_time(level):
    """Of one segment, and of many; the longest first and last."""
    lengths = [70_000, 3, 0, *[500] * 150, 40_000]
    folded, offsets = segment_array(lengths)
    texts = folded, offsets, np.arange(len(lengths)), np.array([0, 1, 2, 3, 100, 100, 153, 154])
    permutations, nested = reference.permutations(8, 1), np.ones(len(lengths), bool)
    equal(native.text_digests(*texts, load()), text_reference.text_digests(*texts, load()))
    equal(native.text_glances(*texts, load()), text_reference.text_glances(*texts, load()))
    found = []
    for kernel in (native, text_reference):
        keys, inner, some = (np.zeros((4, count), np.uint64) for count in (7, len(lengths), 7))
        kernel.text_band_keys(texts, nested, load(), 8, permutations, 2, keys, 0, inner, 0)
        kernel.wanted_band_keys(texts, load(), 8, permutations, 2, np.ones((4, 7), bool), some, 0)
        equal(some, keys)
        found.append((keys, inner))
    equal(*found)


def test_band_keys_of_narrow_segments_behind_the_last_shingle(level):
    """A segment whose last shingle is the last of all may be followed by others, which are narrower than a shingle."""
    folded = np.array([0x6C5F, 0x5C71, 0x61, 0x62], np.uint32)
    texts = folded, np.array([0, 3, 3, 4]), np.arange(3), np.array([0, 3])
    found = []
    for kernel in (native, text_reference):
        keys, inner = np.zeros((2, 1), np.uint64), np.zeros((2, 3), np.uint64)
        kernel.text_band_keys(texts, np.ones(3, bool), load(), 3, reference.permutations(8, 1), 4, keys, 0, inner, 0)
        found.append((keys, inner))
    equal(*found)


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": -1}, {"first": 2}, {"first": 2**62}, {"inner_first": -1}, {"inner_first": 2}, {"rows": -1},
        {"rows": 9}, {"keys": (3, 3)}, {"keys": (2, 1)}, {"inner": (3, 3)}, {"inner": (2, 1)}, {"nested": 1},
        {"nested": 3}, {"size": 0}, {"size": 256}, {"keys": (3,)}, {"dtype": np.int64}, {"inner_dtype": np.uint32},
        {"segments": [0, 2]},
        {"segments": [-1, 0]}, {"groups": [0, 1, 3]}, {"groups": [1, 2, 2]}, {"offsets": [0, 5, 9]},
        {"offsets": [0, -5, 8]}, {"wanted": (2, 2)}, {"wanted": (1, 3)}, {"text": np.int16}, {"text": np.uint8},
        {"text": np.uint64},
    ],
)  # fmt: skip
@pytest.mark.parametrize("text", [np.uint32, np.uint16])
def test_texts_to_sign_are_not_trusted(wrong, text):
    """Neither their segments nor the columns of their keys, in code points or in UTF-16."""
    used = {
        "first": 1, "inner_first": 1, "rows": 4, "keys": (2, 3), "inner": (2, 3), "nested": 2, "size": 8,
        "segments": [0, 1], "groups": [0, 1, 2], "offsets": [0, 5, 8], "dtype": np.uint64, "inner_dtype": np.uint64,
        "wanted": (2, 3), "text": text,
    }  # fmt: skip

    def sign(of):
        texts = CODES.astype(of["text"]), *(np.array(of[name]) for name in ("offsets", "segments", "groups"))
        keys, inner = np.zeros(of["keys"], of["dtype"]), np.zeros(of["inner"], of["inner_dtype"])
        permutations, nested = reference.permutations(8, 1), np.ones(of["nested"], bool)
        native.text_digests(*texts, TABLE)
        if of["wanted"] == used["wanted"]:
            native.text_band_keys(
                texts, nested, TABLE, of["size"], permutations, of["rows"], keys, of["first"], inner, of["inner_first"]
            )
        native.wanted_band_keys(
            texts, TABLE, of["size"], permutations, of["rows"], np.ones(of["wanted"], bool), keys, of["first"]
        )

    sign(used)
    with pytest.raises(ValueError, match="must"):
        sign({**used, **wrong})


@pytest.mark.parametrize(
    "wrong",
    [
        {"segments": [0, 2]}, {"segments": [-1, 0]}, {"groups": [0, 1, 3]}, {"groups": [1, 2, 2]}, {"groups": []},
        {"offsets": [0, 5, 9]}, {"offsets": [0, -5, 8]}, {"text": np.int16}, {"text": np.uint64},
    ],
)  # fmt: skip
@pytest.mark.parametrize("text", [np.uint32, np.uint16])
def test_texts_to_glance_at_are_not_trusted(wrong, text):
    """Nor is a code point at the joint of two segments."""
    used = {"segments": [0, 1], "offsets": [0, 5, 8], "groups": [0, 2], "text": text, **wrong}
    texts = CODES.astype(used["text"]), *(np.array(used[name], np.int64) for name in ("offsets", "segments", "groups"))
    with pytest.raises(ValueError, match="must"):
        native.text_glances(*texts, TABLE)
    with pytest.raises(ValueError, match="code points must be below 0x110000"):
        native.text_glances(CODES + np.uint32(0x110000), np.array([0, 5, 8]), np.arange(2), np.array([0, 2]), TABLE)


def test_a_glance_tells_texts_apart_by_length_and_by_what_stands_in_the_middle():
    """Equal texts look the same however they are cut into segments; surrogates count as they stand."""

    def glances(*texts):
        pieces = [piece for text in texts for piece in text]
        codes = [np.array([ord(char) for char in piece], np.uint32) for piece in pieces]
        flat = np.concatenate(codes).astype(np.uint16)
        groups = np.cumsum([0, *map(len, texts)])
        arguments = flat, np.cumsum([0, *map(len, pieces)]), np.arange(len(pieces)), groups, load()
        found = native.text_glances(*arguments)
        equal(found, text_reference.text_glances(*arguments))
        return found.tolist()

    same = glances(["江山如此多娇"], ["江山", "如此多娇"], ["", "江山如此多", "", "娇", ""])
    assert len(set(same)) == 1
    assert len(set(glances(["so it is"], ["so", "it", "is"], ["so it", "", "is"]))) == 1
    assert (
        len(set(glances(["江山如此"], ["江山如此多"], ["江山无此"], ["江 如此"], [""], ["江\ud800", "\udc00此"]))) == 6
    )


def test_more_bands_than_memory_are_refused():
    """Of no rows and no texts an array may have any number."""
    nothing = np.zeros(0, np.int64)
    texts = np.zeros(0, np.uint16), np.zeros(1, np.int64), nothing, np.zeros(1, np.int64)
    keys = np.empty((2**60, 0), np.uint32)
    with pytest.raises(MemoryError):
        native.text_band_keys(texts, nothing.astype(bool), TABLE, 8, reference.permutations(8, 1), 0, keys, 0, keys, 0)


@pytest.mark.parametrize("num_perm", [0, 1, 15, 16, 17, 63, 64, 65, 128, 255, 256, 257])
def test_signatures_of_every_number_of_permutations(level, num_perm):
    """Whole registers, parts of them, and none."""
    hashes, offsets = hashes_of(LENGTHS)
    a, b = reference.permutations(num_perm, 7)
    equal(native.signatures(hashes, offsets, a, b), reference.signatures(hashes, offsets, a, b))


@given(st.lists(st.integers(0, 90), max_size=12), st.integers(1, 255), st.integers(0, 2**32 - 1))
def test_shingles_of_every_mixture_of_widths(lengths, size, seed):
    """Any code point below 2**32, wide or not: as the reference has it."""
    rng = np.random.default_rng(seed)
    offsets = offsets_of(np.array(lengths, np.int64))
    folded = rng.integers(0, 2**32, offsets[-1], dtype=np.uint32)
    widths = rng.choice(np.array([1, 2], np.uint8), offsets[-1], p=[(seed % 5) / 4, 1 - (seed % 5) / 4])
    expected = reference.shingles(folded, offsets, widths, size)
    equal(native.shingles(folded, offsets, widths, size), expected)
    equal(native.shingle_sets(folded, offsets, widths, size), reference.segment_sets(*expected))
    a, b = reference.permutations(16, 1)
    equal(native.shingle_signatures(folded, offsets, widths, size, a, b), reference.signatures(*expected, a, b))
    keys = reference.band_keys(reference.signatures(*expected, a, b), 3, 5)
    equal(native.shingle_band_keys(folded, offsets, widths, size, a, b, 3, 5), keys)


@pytest.mark.parametrize("shape", SHAPES)
def test_digests(level, shape):
    """Also of segments longer than the table of weights."""
    rng = np.random.default_rng(3)
    offsets = offsets_of(np.array(SHAPES[shape], np.int64))
    folded = rng.integers(0, 2**32, offsets[-1], dtype=np.uint32)
    equal(native.digests(folded, offsets), reference.digests(folded, offsets))


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 15, 16, 17, 100])
@pytest.mark.parametrize(("bands", "rows"), [(1, 1), (42, 6), (16, 16), (1, 256), (256, 1), (0, 4), (5, 0)])
def test_band_keys(level, count, bands, rows):
    """Whole groups of eight signatures and parts of them; permutations left over."""
    signature = np.random.default_rng(1).integers(0, 2**32, (count, 256), dtype=np.uint32)
    equal(native.band_keys(signature, bands, rows), reference.band_keys(signature, bands, rows))
    folded, offsets = segment_array([i % 40 for i in range(count)])
    given = folded, offsets, fold_reference.columns(folded, load()), 8, *reference.permutations(256, 3), bands, rows
    equal(native.shingle_band_keys(*given), reference.shingle_band_keys(*given))


@pytest.mark.parametrize("distinct", [1, 3, 100, 1 << 64])
@pytest.mark.parametrize("shape", SHAPES)
def test_segment_sets_and_intersections(shape, distinct):
    """With and without repetitions; each set with every neighbour."""
    hashes, offsets = hashes_of(SHAPES[shape], 5, distinct)
    sets, set_offsets = expected = reference.segment_sets(hashes, offsets)
    equal(native.segment_sets(hashes, offsets), expected)
    left = np.repeat(np.arange(len(offsets) - 1), 3)
    right = np.clip(left + np.tile([-1, 0, 1], len(offsets) - 1), 0, max(len(offsets) - 2, 0))
    equal(
        native.intersections(sets, set_offsets, left, right),
        reference.intersections(sets, set_offsets, left, right),
    )


@pytest.mark.parametrize("count", [*LENGTHS, 70_000])
def test_collisions(count):
    """Keys spread evenly, keys of one part, few keys, and one."""
    rng = np.random.default_rng(count)
    spread = rng.integers(0, 2**64, count, dtype=np.uint64)
    for keys in (
        spread,
        spread >> np.uint64(40),
        spread % np.uint64(max(count // 2, 1)),
        spread // np.uint64(2**64 // max(count, 2)) * np.uint64(2**64 // max(count, 2)),
        np.full(count, 2**64 - 1, np.uint64),
    ):
        equal(native.collisions(keys), reference.collisions(keys))


@given(st.lists(st.sampled_from([0, 1, 2**63, 2**64 - 1, 2**64 - 2]), max_size=30))
def test_collisions_of_few_keys(keys):
    """The least and the greatest key are keys like others."""
    array = np.array(keys, np.uint64)
    equal(native.collisions(array), reference.collisions(array))
    for some in (array, array.astype(np.uint32)):
        equal(native.repeated(some), reference.repeated(some))


@pytest.mark.parametrize("dtype", [np.uint32, np.uint64])
@pytest.mark.parametrize("count", [*LENGTHS, 70_000, 4_500_000])
def test_repeated_keys(count, dtype):
    """Keys spread evenly, keys that differ in a few bits only, few keys, and one."""
    rng = np.random.default_rng(count)
    spread = rng.integers(0, 2**64, count, dtype=np.uint64).astype(dtype)
    bits = np.uint64(8 * spread.itemsize)
    for keys in (
        spread,
        spread >> (bits - np.uint64(18)).astype(dtype),
        (rng.integers(0, 2**18, count).astype(np.uint64) << (bits - np.uint64(18))).astype(dtype),
        (np.arange(count).astype(np.uint64) * pow(0x9E3779B97F4A7C15, -1, 2**64)).astype(dtype),
        spread % dtype(max(count // 2, 1)),
        np.full(count, 2**32 - 1, dtype),
    ):
        equal(native.repeated(keys), reference.repeated(keys))


@pytest.mark.parametrize("dtype", [np.uint32, np.uint64])
@pytest.mark.parametrize(("columns", "others"), [(0, 0), (0, 5), (9, 0), (700, 300)])
def test_repeated_bands(columns, others, dtype):
    """Of texts in any order, some twice, whose keys lie in two arrays, with salt and without."""
    rng = np.random.default_rng(columns)
    for bands, texts in ((0, 4), (1, 0), (3, 1), (7, 500)):
        keys, more = (rng.integers(0, 2**8, (bands, count)).astype(dtype) for count in (columns, others))
        keys, more = (some << dtype(8 * some.itemsize - 8) for some in (keys, more))
        column = rng.integers(0, columns + others, texts if columns + others else 0).astype(np.int32)
        salts = np.zeros(0, np.uint64), rng.integers(0, 4, len(column)).astype(np.uint64) << np.uint64(60)
        for salt in salts:
            found, expected = (np.full((bands, len(column)), 7, np.uint8).view(bool) for _ in range(2))
            native.repeated_bands(keys, more, column, salt, found)
            reference.repeated_bands(keys, more, column, salt, expected)
            equal(found, expected)


@pytest.mark.parametrize(
    "wrong",
    [
        {"more": (1, 3)}, {"found": (1, 3)}, {"found": (2, 2)}, {"found": (6,)}, {"column": [0, 1, 7]},
        {"column": [0, -1, 2]}, {"column": [0, 1, 2**31 - 1]}, {"columns": np.int64}, {"salt": 2}, {"salt": 4},
        {"dtype": np.int64}, {"other": np.uint32}, {"keys": (3, 4)}, {"keys": (8,)}, {"found_dtype": np.uint64},
    ],
)  # fmt: skip
def test_bands_of_keys_are_not_trusted(wrong):
    """Neither their shapes nor the columns of the texts."""
    used = {
        "keys": (2, 4), "more": (2, 3), "column": [0, 6, 3], "columns": np.int32, "salt": 3, "found": (2, 3),
        "dtype": np.uint64, "other": np.uint64, "found_dtype": np.bool_,
    }  # fmt: skip

    def mark(of):
        native.repeated_bands(
            np.zeros(of["keys"], of["dtype"]), np.zeros(of["more"], of["other"]),
            np.array(of["column"], of["columns"]), np.zeros(of["salt"], np.uint64),
            np.zeros(of["found"], of["found_dtype"]),
        )  # fmt: skip

    mark(used)
    with pytest.raises(ValueError, match="must"):
        mark({**used, **wrong})


@pytest.mark.parametrize("dtype", [np.uint32, np.uint64])
@pytest.mark.parametrize(("columns", "others"), [(0, 0), (0, 5), (9, 0), (700, 300), (3, 90_000)])
def test_repeated_in_runs(columns, others, dtype):
    """Of runs of any length, of keys that differ in few bits at either end, and of some that are equal."""
    rng = np.random.default_rng(columns)
    for bands, most in ((0, 4), (1, 0), (3, 1), (7, 3000)):
        texts = most if columns + others else 0
        cuts = np.sort(rng.integers(0, texts + 1, texts // 5))
        for runs in (np.concatenate(([0], cuts, [texts])), np.array([0, texts])):
            for shift in (0, 8 * np.dtype(dtype).itemsize - 9):
                keys, more = (rng.integers(0, 2**9, (bands, count)).astype(dtype) for count in (columns, others))
                keys, more = keys << dtype(shift), more << dtype(shift)
                column = rng.integers(0, max(columns + others, 1), texts).astype(np.int32)
                for asking in (0, 0.1, 0.6, 1):
                    asked = keys, more, column, rng.random(texts) < asking, runs
                    equal(native.repeated_in_runs(*asked), reference.repeated_in_runs(*asked))


@pytest.mark.parametrize(
    "wrong",
    [
        {"more": (1, 3)}, {"column": [0, 1, 7]}, {"column": [0, -1, 2]}, {"column": [0, 1, 2**31 - 1]},
        {"runs": [0, 2]}, {"runs": []}, {"runs": [1, 3]}, {"runs": [0, 2, 1, 3]}, {"runs": [0, 4, 3]}, {"runs": [0, 4]},
        {"dtype": np.int64}, {"other": np.uint32}, {"keys": (8,)}, {"asks": 2}, {"asks": 4}, {"columns": np.int64},
    ],
)  # fmt: skip
def test_keys_of_runs_are_not_trusted(wrong):
    """Neither their shapes nor the columns of the texts nor their runs."""
    used = {"keys": (2, 4), "more": (2, 3), "column": [0, 6, 3], "columns": np.int32, "runs": [0, 1, 3],
            "dtype": np.uint64, "other": np.uint64, "asks": 3}  # fmt: skip

    def mark(of):
        native.repeated_in_runs(
            np.zeros(of["keys"], of["dtype"]), np.zeros(of["more"], of["other"]),
            np.array(of["column"], of["columns"]), np.zeros(of["asks"], bool), np.array(of["runs"], np.int64),
        )  # fmt: skip

    mark(used)
    with pytest.raises(ValueError, match="must"):
        mark({**used, **wrong})


@pytest.mark.parametrize("texts", [0, 1, 7, 300])
@pytest.mark.parametrize("batches", [1, 5, 300])
def test_groups_numbered_anew_in_each_batch(texts, batches):
    """In the order of the texts, band by band; also where a group lies in two batches, which is not asked for."""
    rng = np.random.default_rng(texts)
    batch = rng.integers(0, min(batches, max(texts, 1)), texts)
    for bands in (0, 1, 5):
        groups = rng.integers(-1, max(texts, 1), (bands, texts)).astype(np.int32)
        equal(native.dense(groups, batch), reference.dense(groups, batch))
    equal(native.dense(np.full((2, texts), -1, np.int32), batch), np.full((2, texts), -1, np.int32))


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_, np.uint32, np.int64, np.float64, np.uint64])
def test_take_segments(dtype):
    """Any dtype, any order, repetitions, empty segments, none."""
    rng = np.random.default_rng(2)
    offsets = offsets_of(np.array(LENGTHS, np.int64))
    flat = rng.integers(0, 200, offsets[-1]).astype(dtype)
    for segments in (rng.integers(0, len(LENGTHS), 200), np.zeros(0, np.int64), np.array([0, 0])):
        equal(native.take_segments(flat, offsets, segments), reference.take_segments(flat, offsets, segments))


SURROGATES = 0xD800, 0xDBFF, 0xDC00, 0xDFFF
UNITS = (*SURROGATES, 0x0, 0x41, 0x4E2D, 0xD7FF, 0xE000, 0xFFFF)
ABOVE = 0x10000, 0x1F600, 0x20000, 0x2FFFF, 0x10FFFF


@pytest.mark.parametrize("codes", [(0x4E2D, 0xD7FF, 0xE000, 0xFFFF), ABOVE, (0x41,) * 40 + ABOVE[-1:]])
def test_utf16(level, codes):
    """Texts come back as they were, and every other decoder reads them; all code points below and above 0xFFFF."""
    rng = np.random.default_rng(3)
    offsets = offsets_of(np.array(LENGTHS, np.int64))
    flat = rng.choice(np.array(codes, np.uint32), offsets[-1])
    units, bounds = native.to_utf16(flat, offsets)
    equal((units, bounds), reference.to_utf16(flat, offsets))
    assert units.tobytes() == flat.tobytes().decode("utf-32-le").encode("utf-16-le")
    equal(native.take_codes(units, bounds, np.arange(len(LENGTHS))), (flat, offsets))
    for segments in (rng.integers(0, len(LENGTHS), 200), np.zeros(0, np.int64), np.array([0, 0])):
        taken = native.take_codes(units, bounds, segments)
        equal(taken, reference.take_codes(units, bounds, segments))
        equal(taken, native.take_codes(flat, offsets, segments))
    equal(native.to_utf16(flat[:0], offsets[:1]), reference.to_utf16(flat[:0], offsets[:1]))


@given(st.lists(st.lists(st.sampled_from(UNITS), max_size=40), min_size=1, max_size=9))
def test_surrogates_that_are_no_pair_stand_for_themselves(segments):
    """In any order, and where the halves of a pair lie in two segments."""
    units = np.array([unit for segment in segments for unit in segment], np.uint16)
    offsets = offsets_of(np.array(list(map(len, segments)), np.int64))
    chosen = np.arange(len(segments))[::-1].copy()
    found = native.take_codes(units, offsets, chosen)
    equal(found, reference.take_codes(units, offsets, chosen))
    expected = [
        np.array(segment, np.uint16).tobytes().decode("utf-16-le", "surrogatepass") for segment in segments[::-1]
    ]
    assert list(map(chr, found[0])) == list("".join(expected))
    assert np.diff(found[1]).tolist() == list(map(len, expected))


@pytest.mark.parametrize("odd", [*UNITS, 0xE9, 0x3B1, 0x2E80, 0xFF21])
def test_band_keys_of_what_is_decoded_one_by_one(level, odd):
    """Pairs, their halves alone and what is neither ASCII nor Han, at each place of what is decoded together."""
    rng = np.random.default_rng(odd)
    segments = []
    for place in range(70):
        segment = np.full(int(rng.integers(place, 140)) + 1, 0x4E2D if place % 2 else 0x61, np.uint16)
        segment[place] = odd
        segment[rng.random(len(segment)) < 0.1] = 0xD842
        segment[1:][(segment[:-1] == 0xD842) & (rng.random(len(segment) - 1) < 0.7)] = 0xDFB7
        segments.append(segment)
    offsets = offsets_of(np.array(list(map(len, segments)), np.int64))
    texts = np.concatenate(segments), offsets, np.arange(70)[::-1].copy(), np.array([0, 1, 30, 70])
    equal(native.text_digests(*texts, load()), text_reference.text_digests(*texts, load()))
    found = []
    for kernel in (native, text_reference):
        keys, inner, some = (np.zeros((4, count), np.uint64) for count in (3, 70, 3))
        kernel.text_band_keys(texts, np.ones(70, bool), load(), 8, reference.permutations(8, 1), 2, keys, 0, inner, 0)
        kernel.wanted_band_keys(texts, load(), 8, reference.permutations(8, 1), 2, np.ones((4, 3), bool), some, 0)
        equal(some, keys)
        found.append((keys, inner))
    equal(*found)


@pytest.mark.parametrize("code", [*SURROGATES, 0x110000, 0xFFFFFFFF, 0x10D800])
@pytest.mark.parametrize("place", [0, 31, 32, 99])
def test_what_utf16_cannot_hold_is_refused(level, code, place):
    """Wherever it stands; what only looks like a surrogate is held."""
    codes = np.full(100, 0x41, np.uint32)
    codes[place] = code
    for to_utf16 in (native.to_utf16, reference.to_utf16):
        if code == 0x10D800:
            assert len(to_utf16(codes, np.array([0, 100]))[0]) == 101
            continue
        with pytest.raises(ValueError, match=f"what UTF-16 can hold, found {code}$"):
            to_utf16(codes, np.array([0, 100]))


@given(
    st.lists(st.text("aあ 𠀀😀", max_size=4), min_size=1, max_size=9),
    st.lists(st.lists(st.integers(0, 8), max_size=5)),
)
def test_join_segments(texts, groups):
    """Empty segments, empty groups, segments in any order and again, wide and narrow joints; in UTF-16 the same."""
    folded = np.array([ord(c) for text in texts for c in text], np.uint32)
    offsets = offsets_of(np.array([len(text) for text in texts], np.int64))
    bounds = offsets_of(np.array([len(group) for group in groups], np.int64))
    segments = np.array([one % len(texts) for group in groups for one in group], np.int64)
    given = folded, offsets, segments, bounds, load()
    equal(native.join_segments(*given), fold_reference.join_segments(*given))
    encoded = *native.to_utf16(folded, offsets), *given[2:]
    equal(native.join_segments(*encoded), fold_reference.join_segments(*given))
    equal(fold_reference.join_segments(*encoded), fold_reference.join_segments(*given))


# --- folding ---------------------------------------------------------------------------------------------------------


def test_most_of_a_text_needs_no_look_up():
    """The run of wide code points that is known without one is that of Chinese, not one of the planes behind it."""
    first, count = native._wide_run(load())
    assert first <= ord("一")
    assert ord("龥") < first + count <= 0x10000


def same_folds(codes, offsets):
    """Folds, columns and number tokens."""
    table = load()
    expected = fold_reference.fold(codes, offsets, table)
    equal(native.fold(codes, offsets, table), expected)
    equal(native.fold_to_utf16(codes, offsets, table), fold_reference.fold_to_utf16(codes, offsets, table))
    equal(native.columns(expected[0], table), fold_reference.columns(expected[0], table))
    equal(native.segment_widths(*expected, table), fold_reference.segment_widths(*expected, table))
    equal(native.number_tokens(*expected, table), number_reference.number_tokens(*expected, table))


@given(st.lists(st.text(HARD, max_size=40), max_size=6))
@settings(max_examples=1000)
def test_folds_of_marks_digits_and_blanks(texts):
    """Signs beside digits, invisible characters among them, combining characters, annotations."""
    codes = np.array([ord(c) for text in texts for c in text], np.uint32)
    same_folds(codes, offsets_of(np.array([len(text) for text in texts], np.int64)))


PINYIN = (
    *("qū", "zhuàng", "lǜ", "LǛ", "ér", "hm̀g", "ǹg", "hǎo", "haǒ", "ɡè", "de", "café", "é", "ü", "u\u0308\u0301", "ǎ"),
    *("中", "区", "中(qū)", "(", "（", ")", "）", "?", "\ufffd", " ", "a", "q", "\u0301", "1", "，", "\u200b", "a" * 9),
)


# what stands in English text, and now and then something else
ENGLISH = [
    *'aZ 5.,%-+$\t\n\x00\x7f("',
    ", ",
    " a",
    "word ",
    "a" * 40,
    "ab " * 30,
    "1.5",
    " %",
    "é",
    "中",
    "\u0301",
    "ǎ",
    "\u00a0",
    "ﬀ",
    "\u200b",
]


@given(st.lists(st.lists(st.sampled_from(ENGLISH), max_size=40).map("".join), max_size=3))
@settings(max_examples=1500)
def test_folds_of_ascii(texts):
    """Blanks, marks and figures in runs of ASCII, at their ends and around the blocks that they are folded in."""
    codes = np.array([*map(ord, "".join(texts))], np.uint32)
    offsets = offsets_of(np.array(list(map(len, texts)), np.int64))
    for name in ("fold", "fold_to_utf16"):
        function, reference_of_it = (getattr(module, name) for module in (native, fold_reference))
        equal(on_each_level(function, codes, offsets, load()), reference_of_it(codes, offsets, load()))


OF_A_TABLE = [0x61, 0x31, 0x20, 0x2C, 0x4E2D, 0x3042, 0xFFFF, 0x10000, 0x1F600, 0x20000, 0x10FFFF]


@given(
    st.lists(st.tuples(st.sampled_from(OF_A_TABLE), st.integers(0, 12) | st.sampled_from(OF_A_TABLE)), max_size=6),
    st.lists(st.tuples(st.sampled_from(OF_A_TABLE), st.sampled_from([0, 1, 1 | 2, 4, 8 | 16 | 32, 64])), max_size=6),
    st.lists(st.lists(st.sampled_from(OF_A_TABLE), max_size=9), max_size=3),
    st.lists(st.lists(st.sampled_from(OF_A_TABLE), max_size=70), max_size=4),
)
@settings(max_examples=300)
def test_folds_by_any_table(mapped, flagged, expansions, texts):
    """What is wide folds to what is not, what is one unit to a pair, either to several, one of which is blank."""
    mapping, flags = TABLE.mapping.copy(), TABLE.flags.copy()
    for code, other in mapped:
        mapping[code] = other if other > len(expansions) else 0x110000 + other if other < len(expansions) else 0
    for code, flag in flagged:
        flags[code] = flag
    table = replace(
        TABLE,
        mapping=mapping,
        flags=flags,
        expansion_offsets=offsets_of(np.array(list(map(len, expansions)), np.int64)),
        expansions=np.array([code for codes in expansions for code in codes], np.uint32),
    )
    codes = np.array([code for text in texts for code in text], np.uint32)
    given_ = codes, offsets_of(np.array(list(map(len, texts)), np.int64)), table
    try:
        found = native.fold_to_utf16(*given_)
    except ValueError as error:
        assert "contradicts itself" in str(error)  # noqa: PT017  (other tables are not refused)
        return
    equal(found, fold_reference.fold_to_utf16(*given_))
    equal(native.fold(*given_), fold_reference.fold(*given_))


def test_folds_that_are_longer():
    """Room is made for what one code point folds to many of, and for pairs, however long the text."""
    for text in ("\ufdfa", "\U0001f600", "\ufdfa\U0001f600", "\U0001f600e\u0301", "\u33bf中"):
        for count in (1, 2, 63, 64, 65, 500, 3000):
            codes = np.array([*map(ord, text * count)], np.uint32)
            same_folds(codes, np.array([0, len(codes)]))
            same_folds(codes, np.arange(len(codes) + 1))


@pytest.mark.parametrize("text", ["\ud800", "a\udfff中", "中" * 99 + "\ud83d\ude00", " \udc00"])
def test_half_a_pair_is_not_folded_to_utf16(text):
    """A surrogate would be taken for half of a pair."""
    codes = np.array([*map(ord, text)], np.uint32)
    with pytest.raises(ValueError, match="UTF-16"):
        native.fold_to_utf16(codes, np.array([0, len(codes)]), TABLE)


@given(st.text("ab ,.-5%", max_size=12), st.integers(0, 70))
@settings(max_examples=500)
def test_folds_around_the_end_of_a_block_of_ascii(text, before):
    """Whatever stands there, and a wide character or nothing behind it."""
    for behind in ("", "中", " 中", "a" * 70):
        codes = np.array([*map(ord, "a" * before + text + behind)], np.uint32)
        same_folds(codes, np.array([0, len(codes)]))


@given(st.lists(st.lists(st.sampled_from(PINYIN), max_size=12).map("".join), max_size=4))
@settings(max_examples=1500)
def test_folds_of_annotations(texts):
    """Syllables of pinyin, right and wrong, in brackets, in what is left of them and in none."""
    codes = np.array([ord(c) for text in texts for c in text], np.uint32)
    same_folds(codes, offsets_of(np.array([len(text) for text in texts], np.int64)))


def test_folds_of_every_syllable_with_every_tone():
    """Each syllable with the tone on each of its letters, behind a Han character."""
    toned = {}
    for letter, plain in fold_reference.TONED_LETTERS.items():
        toned.setdefault(plain, []).append(letter)
    syllables = [*fold_reference.SYLLABLES, "zhuangz", "bz", "uu"]
    texts = [
        f"区({syllable[:place]}{letter}{syllable[place + 1 :]})县"
        for syllable in syllables
        for place in range(len(syllable))
        for letter in toned.get(syllable[place], ())
    ]
    codes = np.array([ord(c) for text in texts for c in text], np.uint32)
    same_folds(codes, offsets_of(np.array([len(text) for text in texts], np.int64)))


@pytest.mark.parametrize("bracket", "(（)）?")
def test_folds_of_brackets_at_every_distance_of_a_tone(bracket):
    """A bracket is near or far from a letter with a tone mark, before it or after it."""
    texts = [f"中{bracket}{'a' * gap}ā文" for gap in range(24)] + [f"中ā{'a' * gap}{bracket}文" for gap in range(24)]
    texts += [f"中({'zhuang'[: 6 - gap]}ā{'a' * gap})文" for gap in range(6)]
    codes = np.array([ord(c) for text in texts for c in text], np.uint32)
    same_folds(codes, offsets_of(np.array([len(text) for text in texts], np.int64)))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=6))
@settings(max_examples=300)
def test_folds_of_any_text(texts):
    """Any Unicode text."""
    codes = np.array([ord(c) for text in texts for c in text], np.uint32)
    same_folds(codes, offsets_of(np.array([len(text) for text in texts], np.int64)))


@given(
    st.lists(st.integers(0, 99) | st.sampled_from([32, 64]), max_size=6),
    st.text("a1 中国か가\U00020000\u3400é〇", min_size=1, max_size=20),
)
@settings(max_examples=500)
def test_columns_of_every_mixture(lengths, signs):
    """In segments around the blocks of 32: what is known to be wide or narrow, and what must be looked up."""
    codes = np.resize(np.array([*map(ord, signs)], np.uint32), sum(lengths))
    for some in (codes, np.where(np.arange(len(codes)) % 40, np.uint32(0x4E00), codes)):
        given_ = some, offsets_of(np.array(lengths, np.int64)), load()
        equal(on_each_level(native.segment_widths, *given_), fold_reference.segment_widths(*given_))
        equal(on_each_level(native.columns, some, load()), fold_reference.columns(some, load()))


@pytest.mark.parametrize("width", [1, 2, 5, 40])
def test_folds_of_every_code_point(width):
    """All of Unicode in segments of 1, 2, 5 and 40 code points, with a digit and a Han character among them."""
    codes = np.array([c for c in range(0x110000) if not 0xD800 <= c < 0xE000], np.uint32)
    if width > 1:
        codes = np.stack(
            [codes, np.tile(np.array([0x31, 0x4E2D, 0x61], np.uint32), len(codes))[: len(codes)]], 1
        ).ravel()
    bounds = np.append(np.arange(0, len(codes), width), len(codes))
    same_folds(codes, bounds)


@pytest.mark.parametrize("shape", SHAPES)
def test_folds_of_every_length(shape):
    """Plain text and text of marks, in segments of every length."""
    for alphabet in ("中文字报道", "中文，1.5 %ab。", HARD):
        same_folds(*segment_array(SHAPES[shape], 9, alphabet))


def test_number_tokens_of_what_is_not_folded():
    """Any code points at all may be asked about."""
    rng = np.random.default_rng(4)
    codes = np.where(rng.random(20_000) < 0.5, 0x2E, rng.integers(0, 0x110000, 20_000)).astype(np.uint32)
    offsets = offsets_of(rng.multinomial(20_000, np.full(900, 1 / 900)))
    equal(native.number_tokens(codes, offsets, load()), number_reference.number_tokens(codes, offsets, load()))


def test_number_tokens_of_every_writing():
    """Han numerals, number words and what stands around them, in 3,000 random texts; and no room to spare."""
    rng = random.Random(6)
    table = load()
    numerals = (
        "零〇一二三四五六七八九两十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟点分之第周星期年月日号届个人数几0123.5é \ud800中"
    )
    pieces = [*numerals, *number_reference.WORDS, "bone", "ones"]
    texts = ["".join(rng.choices(numerals[: rng.choice([17, 29, 60])], k=rng.randrange(14))) for _ in range(2000)]
    texts += ["".join(rng.choices(pieces, k=rng.randrange(7))) for _ in range(1000)]
    texts += ["3三十" * 100, "壹佰一百" * 100]
    codes = np.array([ord(character) for text in texts for character in text], np.uint32)
    offsets = offsets_of(np.array([len(text) for text in texts], np.int64))
    equal(native.number_tokens(codes, offsets, table), number_reference.number_tokens(codes, offsets, table))


# --- templates -------------------------------------------------------------------------------------------------------

# what the patterns mention, and what comes near
OF_DATES = (
    *"0123456789..  年月日号时点分秒周一二三四五六天文xZ。",
    *("19", "20", "2023", "20240131", "12", "31", "星期", "星", "礼拜", "礼", "３", "٣", "٤٥", "𝟎", "²", "½"),
    *("\ue000", "\ue000 "),
    *"jan feb mar apr may jun jul aug sep oct nov dec january sept ja ma a p m am pm st nd rd th t d s".split(),
    *"mon tue tues wed wednes thu thurs fri sat satur sun day monday tuesday wednesday saturday".split(),
    *(" jan ", " 2024", "12.30", ".30", "某某某某某某某某某某某某某某某某某某某"),
)  # fmt: skip


def same_templates(lines):
    """Templates of the reference and of its twin."""
    codes = np.array([ord(c) for line in lines for c in line], np.uint32)
    offsets = offsets_of(np.array([len(line) for line in lines], np.int64))
    expected = template_reference.templates(codes, offsets, load())
    equal(native.templates(codes, offsets, load()), expected)
    order = np.arange(len(lines))[::-1].copy()
    for count in (20, 21, 40):
        starts = native.template_starts(codes, offsets, order, load(), count)
        equal(starts, template_reference.template_starts(codes, offsets, order, load(), count))
        if (codes >> 11 != 0xD800 >> 11).all():  # no surrogate
            encoded = *native.to_utf16(codes, offsets), order, load(), count
            equal(native.template_starts(*encoded), starts)
            equal(template_reference.template_starts(*encoded), starts)
        else:
            encoded = codes, offsets, order, load(), count
        for some in (starts[:0], np.sort(starts[::2])):
            expected = (starts == 0) | np.isin(starts, some)
            equal(template_reference.starts_among(*encoded, some), expected)
            equal(native.starts_among(*encoded, some), expected)
            equal(native.starts_among(codes, offsets, order, load(), count, some), expected)


@given(st.lists(st.lists(st.sampled_from(OF_DATES), max_size=14).map("".join), max_size=8))
@settings(max_examples=2000)
def test_templates_of_what_the_patterns_mention(lines):
    """Dates, times, numbers and their parts in any order, in short lines and long ones."""
    same_templates(lines)


@given(st.lists(st.from_regex(template_reference._WHEN), max_size=6), st.integers(0, 2**32 - 1))
@settings(max_examples=500)
def test_templates_of_dates_with_one_edit(lines, seed):
    """Whatever the pattern matches, and what is one character away from it."""
    rng = np.random.default_rng(seed)
    edited = []
    for line in lines:
        at = int(rng.integers(len(line) + 1))
        edited += [line, line[:at] + line[at + 1 :], line[:at] + str(rng.choice(OF_DATES)) + line[at:], line * 3]
    same_templates(edited)


@given(st.lists(st.text(max_size=40), max_size=6))
@settings(max_examples=300)
def test_templates_of_any_text(lines):
    """Any Unicode text."""
    same_templates(lines)


def test_templates_of_every_code_point():
    """Whatever is a digit in the table is one here, before a month and behind a sign; surrogates too."""
    codes = map(chr, range(0x110000))
    same_templates([f"1{code}月\ue000{code}." for code in codes])


def test_templates_of_lines_of_every_length():
    """19 characters are few, 20 are not."""
    for line in ("文字12", "12.5", "5月 ", "\ue000 ", "jan 1", "a"):
        same_templates([(line * 30)[:length] for length in range(71)])
    found, _ = native.templates(*segment_array((19, 20), alphabet="7"), load())
    assert "".join(map(chr, found)) == "\ue000" + "7" * 20


def test_lines_that_differ_in_their_dates_start_alike():
    """And only those: a line with one more character, another one, or too few of them does not."""
    rest = "号起城东的渡船改走新的航线，船票不变。"
    lines = [f"{when}{rest}" for when in ("自2024年3月1日", "自2023.12.30日 ", "自 jan 5 2024", "自2024年", "从2024年")]
    lines += [f"自2024年3月1日{rest[:-1]}", f"自2024年3月1日{rest[1:]}。"]
    codes = np.array([ord(c) for line in lines for c in line], np.uint32)
    offsets = offsets_of(np.array([len(line) for line in lines], np.int64))
    starts = native.template_starts(codes, offsets, np.arange(len(lines)), load(), 20).tolist()
    assert len(rest) == 19
    assert starts[0] == starts[1] == starts[2] == starts[3] > 0
    assert starts[4] not in (0, starts[0])
    assert starts[5] == 0
    assert starts[6] not in (0, starts[0])


@pytest.mark.parametrize("seed", range(30))
def test_lines_of_chinese_with_dates_among_others(seed):
    """Some begin as others do, some are nearly too short, or all dates; of most a glance tells."""
    rng = random.Random(seed)
    dates = [
        "2024年3月1日",
        "12时30分20秒",
        "星期一",
        "礼拜天",
        "周五",
        "5月6日",
        "7日",
        "20240131",
        "\ue000",
        " ",
        "3",
        "𝟙",
        "a",
    ]
    rare = rng.choice([0.02, 0.1, 0.3])
    signs = (
        "".join(chr(rng.randrange(0x4E00, 0xA000)) for _ in range(rng.choice([3, 300]))) + "年月日周星礼一\u9fff\ua000"
    )
    beginnings = ["".join(rng.choices(signs, k=rng.randrange(6))) for _ in range(5)]
    lines = []
    for _ in range(150):
        line = rng.choice(beginnings) if rng.random() < 0.5 else ""
        length = rng.choice([39, 40, 41, 44, 52, 63, 64, 65, 80, 150])
        while len(line) < length:
            line += rng.choice(dates) if rng.random() < rare else rng.choice(signs)
        lines.append(line)
    same_templates(lines)


def test_han_that_a_table_calls_digits():
    """They begin dates there, so no glance tells."""
    flags = TABLE.flags.copy()
    flags[[0x4E8C, 0x9FFF]] |= DECIMAL
    table = replace(TABLE, flags=flags)
    lines = ["江二月二日" * 20, "江河湖海二月二日" + "江" * 36, "江河湖海" + "\u9fff月" * 40, "江河湖海" * 20]
    codes = np.array([ord(c) for line in lines for c in line], np.uint32)
    asked = *native.to_utf16(codes, offsets_of(np.array(list(map(len, lines))))), np.arange(4), table, 40
    starts = template_reference.template_starts(*asked)
    assert (starts == 0).any()
    equal(native.template_starts(*asked), starts)
    equal(native.starts_among(*asked, starts[:0]), starts == 0)


@given(st.text("123年月日号时点分.𑁦𝟙𠀀 a中\ud800\udc00一", max_size=70), st.sampled_from([20, 30]))
def test_digits_above_the_basic_plane_count_in_starts(line, count):
    """Where dates end in them, behind them, alone; and halves of a code point that are no pair."""
    units = np.array([unit for char in line for unit in halves(char)], np.uint16)
    texts = units, np.array([0, len(units)]), np.zeros(1, np.int64), load(), count
    equal(native.template_starts(*texts), template_reference.template_starts(*texts))
    none = np.zeros(0, np.uint64)
    equal(native.starts_among(*texts, none), template_reference.starts_among(*texts, none))


def halves(char):
    """The units of UTF-16 of a character."""
    code = ord(char)
    return [code] if code < 0x10000 else [0xD800 + (code - 0x10000 >> 10), 0xDC00 + code % 0x400]


def test_a_line_is_looked_at_no_further_than_it_takes():
    """What is behind the beginning may even be no code point; in the beginning it is refused."""
    codes = np.array([0x4E00] * 40 + [0x110000] * 8 + [2**32 - 1], np.uint32)
    whole, first = np.array([0, len(codes)]), np.array([0, 40])
    alone = np.zeros(1, np.int64)
    found = native.template_starts(codes, whole, alone, load(), 40)
    equal(found, native.template_starts(codes[:40].copy(), first, alone, load(), 40))


@pytest.mark.parametrize(
    "ahead", ["20", "201", "2012", "2012.", "2012.3.", "jan ", "jan 1 ", "1 jan ", "1 jan 1", "周", "星", "1时2", "12."]
)
def test_what_is_no_code_point_ends_a_date(ahead):
    """It is refused when it is reached, and read as nothing else before."""
    codes = np.array([*[0x4E00] * 30, *map(ord, ahead), 0x110000, *[0x4E00] * 30], np.uint32)
    with pytest.raises(ValueError, match="code points"):
        native.template_starts(codes, np.array([0, len(codes)]), np.zeros(1, np.int64), load(), 40)


@pytest.mark.parametrize("line", ["jan", "1 jan", "1 may", "20", "2023.1", "1.", "\ue000 ", "12 "])
def test_templates_take_linear_time(line):
    """A million characters that begin dates and never end one; a step back to each of them would take hours."""
    codes = np.array([*map(ord, line)] * (1_000_000 // len(line)), np.uint32)
    found, _ = native.templates(codes, np.array([0, len(codes)]), load())
    assert len(found) <= len(codes)
    found = native.template_starts(codes, np.array([0, len(codes)]), np.zeros(1, np.int64), load(), len(codes) // 2)
    assert len(found) == 1


# --- lines -----------------------------------------------------------------------------------------------------------

BREAKS = "a中 \t\u3000\u200b\ufeff\x00\x0b\x0c\n\n\r\r\x0e\x85\u2027\u2028\u2029\u202a\U0001f600\udfff"


@given(
    st.lists(
        st.text(BREAKS, max_size=50)
        | st.builds(lambda sign, many: many * "a" + sign, st.sampled_from(BREAKS), st.integers(0, 200)),
        max_size=6,
    )
)
@settings(max_examples=1000)
def test_line_spans(texts):
    """Line ends of all kinds, also where one text ends and the next begins, in texts longer than a block of 64."""
    codes, offsets = (
        np.array([*map(ord, "".join(texts))], np.uint32),
        reference.offsets_of(np.array(list(map(len, texts)), np.int64)),
    )
    equal(on_each_level(native.line_spans, codes, offsets, load()), line_reference.line_spans(codes, offsets, load()))


def test_line_spans_of_every_code_point():
    """Every code point in a line of its own, and all in one text."""
    codes = np.arange(0x110000, dtype=np.uint32)
    apart, alone = np.repeat(codes, 2), np.array([0, 2 * 0x110000])
    apart[1::2] = 0x0A
    for text, offsets in ((apart, alone), (codes, np.array([0, 0x110000]))):
        equal(native.line_spans(text, offsets, load()), line_reference.line_spans(text, offsets, load()))


def test_line_feeds():
    """Around the counters' width and where they are full, with line feeds everywhere, nowhere and at random."""
    rng = random.Random(7)
    for length in (*range(131), *(255 * 64 + more for more in range(-2, 131)), 3 * 255 * 64 + 5):
        raw = bytes(rng.choices(b"\x09\x0a\x0b\x8a", k=length))
        assert native.line_feeds(raw) == line_reference.line_feeds(raw) == raw.count(b"\n")
        assert native.line_feeds(b"\n" * length) == length
        assert native.line_feeds(b"\x8a" * length) == 0


@pytest.mark.parametrize("length", [1, 15, 63, 64, 65, 100, 128, 200])
def test_what_is_no_code_point_is_found_wherever_it_stands(level, length):
    """Behind line ends, among what is not seen, and at the end, in a text that is not the first."""
    line = np.array([3]), np.array([3 + length])
    codes = np.zeros(3 + length, np.uint32)
    for sign, place in product("中\u200b\n", range(length)):
        codes[:] = ord(sign)
        for bad in (0x110000, 0xFFFFFFFF, 0x80000000 | ord("\n")):
            codes[3 + place] = bad
            with pytest.raises(ValueError, match="code points must be below 0x110000"):
                native.line_spans(codes, np.array([0, 3, len(codes)]), TABLE)
            with pytest.raises(ValueError, match="code points must be below 0x110000"):
                native.outlines(codes, np.array([0, 3, len(codes)]), LINES)
            with pytest.raises(ValueError, match="code points must be below 0x110000"):
                native.readings(codes, *line, reading_table())


READ = "abk版权视听 \t\u3000\u00a0\n\r\u200b\"\"'')]】」”（中國！：。é\U0001f600\ud800\udfff\uffff\U0010ffff\x00\x85"


# what is read in one go, and what is not: of one length, white space, chains of signs over the end of a block
MANY = [
    "abk",
    "版权视听",
    "，、。",
    " \u3000",
    "kieserkieser",
    "权所",
    "é",
    "\U0001f600",
    "\u200b",
    "k\u200bie ",
    "中国！a1 ",
]
READ_IN_BLOCKS = st.lists(st.builds(str.__mul__, st.sampled_from(MANY), st.integers(1, 70)), max_size=4).map("".join)


def read_as_the_reference(codes, starts, ends, table):
    """What is read of lines."""
    lines = codes, starts, ends, table
    equal(on_each_level(native.readings, *lines), line_reference.readings(*lines))


@given(st.text(READ, max_size=60) | READ_IN_BLOCKS, st.data())
@settings(max_examples=1500)
def test_readings(text, data):
    """Lines in any order that overlap, are empty or lie at the ends; white space and what closes them, surrogates."""
    codes = np.array([*map(ord, text)], np.uint32)
    place = st.integers(0, len(text))
    spans = [sorted(span) for span in data.draw(st.lists(st.tuples(place, place), max_size=9))]
    starts, ends = np.array(spans, np.int64).reshape(-1, 2).T.copy()
    read_as_the_reference(codes, starts, ends, reading_table())


@given(st.lists(st.integers(0, 0x10FFFF), max_size=30), st.data())
@settings(max_examples=200)
def test_readings_of_any_code_point_by_any_table(codes, data):
    """What is read may be longer or shorter in UTF-8 than what stands there."""
    table = np.zeros(0x110000, np.uint32)
    some = [0, 0x20, 0x29, 0x7F, 0x80, 0x7FF, 0x800, 0xD800, 0xFFFF, 0x10000, 0x10FFFF]
    for code in codes:
        table[code] = data.draw(st.sampled_from(some))
    codes *= data.draw(st.integers(1, 5))
    text, line = np.array(codes, np.uint32), (np.array([0]), np.array([len(codes)]))
    read_as_the_reference(text, *line, table)


def test_readings_of_every_code_point():
    """In lines of eight, and all in one."""
    codes, places = np.arange(0x110000, dtype=np.uint32), np.arange(0, 0x110000, 8)
    for starts, ends in ((places, places + 8), (np.array([0]), np.array([0x110000]))):
        read_as_the_reference(codes, starts, ends, reading_table())


def a_line_table(signs, openers, kinds=3, kind=None):
    """By which lines are looked at: the signs of code points as given, their kinds and endings at random."""
    rng = np.random.default_rng(len(signs))
    found = np.zeros(0x110000, np.uint16)
    found[list(signs)] = list(signs.values())
    of = rng.integers(0, kinds, 0x110000).astype(np.uint16) if kind is None else np.full(0x110000, kind, np.uint16)
    beginnings, endings = (rng.integers(0, 256, size).astype(np.uint8) for size in ((kinds, kinds), 0x110000))
    return line_reference.LineTable(found, openers, of, beginnings, endings)


LINES = a_line_table({0x20: line_reference.WHITE, 0x200B: line_reference.UNSEEN | line_reference.MARKED}, 1)
PARTS_OF_LINES = (
    st.text(BREAKS, max_size=50)
    | READ_IN_BLOCKS
    | st.text(READ, max_size=60)
    | st.builds(lambda sign, many: many * "a" + sign, st.sampled_from(BREAKS), st.integers(0, 200))
)


@given(st.lists(PARTS_OF_LINES, max_size=6))
@settings(max_examples=1000)
def test_outlines(texts):
    """Lines of all lengths with all ends, of texts that end anywhere, by the table that is used."""
    codes = np.array([*map(ord, "".join(texts))], np.uint32)
    given = codes, reference.offsets_of(np.array([*map(len, texts)], np.int64)), line_table(True)
    equal(on_each_level(native.outlines, *given), line_reference.outlines(*given))


@given(st.lists(st.text("abcdefgh\n\r\u2028", max_size=150), max_size=5), st.data())
@settings(max_examples=1000)
def test_outlines_by_any_table(texts, data):
    """Code points that are seen, white, closing and marked in any way, chains of all signs, line ends among them."""
    word = st.integers(0, 2**16 - 1) | st.sampled_from([0, 1, 2, 3, 4, 6, 0x400, *(1 << bit for bit in range(11, 15))])
    signs = {code: data.draw(word) for code in map(ord, "abcdefgh\n\r\u2028")}
    table = a_line_table(signs, data.draw(st.integers(0, 2**16 - 1)), data.draw(st.sampled_from([1, 2, 5])))
    codes = np.array([*map(ord, "".join(texts))], np.uint32)
    given = codes, reference.offsets_of(np.array([*map(len, texts)], np.int64)), table
    equal(on_each_level(native.outlines, *given), line_reference.outlines(*given))


def test_outlines_of_every_code_point():
    """Each in a line of its own, and all in one."""
    codes = np.arange(0x110000, dtype=np.uint32)
    apart = np.repeat(codes, 2)
    apart[1::2] = 0x0A
    for text in (apart, codes):
        given = text, np.array([0, len(text)]), line_table(True)
        equal(native.outlines(*given), line_reference.outlines(*given))


@pytest.mark.parametrize("text", ["a", "ab", "\u200ba", "a\n", " a b"])
def test_kinds_of_characters_are_not_trusted(text):
    """One that is too large leads nowhere; that of a code point that begins no line is not looked at."""
    codes = np.array([*map(ord, text)], np.uint32)
    with pytest.raises(ValueError, match="kinds must be below 3, found 3"):
        native.outlines(codes, np.array([0, len(text)]), a_line_table({0x20: line_reference.WHITE}, 1, kind=3))
    codes[:] = 0x20
    native.outlines(codes, np.array([0, len(text)]), a_line_table({0x20: line_reference.WHITE}, 1, kind=3))


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ([-1], [2]),
        ([3], [2]),
        ([0], [9]),
        ([8], [9]),
        ([0, 0], [8]),
        ([0], [8, 8]),
        ([0], [2**40]),
        ([0], [2**62]),
        ([0] * 4, [2**62] * 4),
        ([0, 0], [8, 2**63 - 1]),
        ([-(2**63)], [2**63 - 1]),
        ([2**63 - 1], [-(2**63)]),
        ([-(2**63)], [0]),
    ],
)
def test_lines_to_read_are_not_trusted(starts, ends):
    """They lie within the text; what memory they would take is not asked for."""
    with pytest.raises(ValueError, match=r"must|broadcast"):
        native.readings(CODES, np.array(starts), np.array(ends), reading_table())


# --- spans in UTF-8 --------------------------------------------------------------------------------------------------

# line ends, white space of one to three bytes, signs one byte off it, and halves of characters
PIECES = [
    *(
        sign.encode()
        for sign in "a中\U0001f600 \n\r\t\x1b\x1c\x85\xa0\u1680\u180e\u200d\u200e\u2028\u2029\u202f\u2060\u3000\ufeff"
    ),
    *(b"\r\n", b"\n\n", b"\xe2", b"\x80", b"\xa8", b"\xc2", b"\xef\xbb", b"\r"),
]
SPOILT = st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)


def utf8_of(texts):
    """A segment array of bytes."""
    return np.frombuffer(b"".join(texts), np.uint8), offsets_of(np.array([*map(len, texts)], np.int64))


def same_places(utf8, offsets, text, starts, ends, taken):
    """What both say of spans is equal."""
    arguments = utf8, offsets, text, starts, ends, taken
    equal(native.span_places(*arguments), utf8_reference.span_places(*arguments))


def characters(text):
    """How many begin in it."""
    return sum(byte & 0xC0 != 0x80 for byte in text)


@given(st.lists(SPOILT, min_size=1, max_size=4), st.data())
@settings(max_examples=1000)
def test_places_of_any_spans(texts, data):
    """Spans that touch, overlap, are empty, lie within others or at the ends; some of them are cut."""
    spans = []
    for number, text in enumerate(texts):
        place = st.integers(0, characters(text))
        drawn = data.draw(st.lists(st.tuples(place, place).map(sorted), max_size=6))
        spans += [(number, *span) for span in sorted(drawn, key=lambda span: span[0])]
    text, starts, ends = np.array(spans, np.int64).reshape(-1, 3).T.copy()
    taken = np.array(data.draw(st.lists(st.booleans(), min_size=len(spans), max_size=len(spans))), bool)
    same_places(*utf8_of(texts), text, starts, ends, taken)


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n", "\u2028", "\u2029", "\u2027", "\u20a8", "\n\r"])
@pytest.mark.parametrize("letter", ["a", "文", "\u2026", " "])
def test_what_is_taken_along_behind_lines_of_every_length(line_end, letter):
    """However the line ends lie among the bytes that are looked at together, before a cut and behind it."""
    whole = []
    for length in range(0, 80):
        before, after = letter * length + line_end, line_end + letter * (79 - length) + line_end
        whole.append((f"{before}{line_end}", "x" * 40, f"{after}{line_end}b"))
        whole.append((f"{before}{letter}", "x", f"{after}b"))
    starts = np.array([len(before) for before, _, _ in whole])
    ends = starts + np.array([len(cut) for _, cut, _ in whole])
    texts = utf8_of(["".join(parts).encode() for parts in whole])
    same_places(*texts, np.arange(len(whole)), starts, ends, np.ones(len(whole), bool))


@pytest.mark.parametrize("length", LENGTHS)
def test_all_places(length):
    """All places of texts around the blocks in which characters are counted, and spans between some of them."""
    rng = random.Random(length)
    texts = [b"".join(rng.choices(PIECES, k=length)), b"", b"a" * length, "中".encode() * length]
    utf8, offsets = utf8_of(texts)
    every = [(number, at) for number, text in enumerate(texts) for at in range(characters(text) + 1)]
    text, place = np.array(every).T.copy()
    same_places(utf8, offsets, text, place, place, np.zeros(len(text), bool))
    others = np.array([rng.randint(at, characters(texts[number])) for number, at in every])
    some = np.sort(np.array(rng.choices(range(len(text)), k=9)))
    for which in (slice(None), some, some[:0]):
        spans = text[which].copy(), place[which].copy(), others[which].copy()
        same_places(utf8, offsets, *spans, np.array(rng.choices([False, True], k=len(spans[0])), bool))


def same_rows(columns, count):
    """What both make of rows is equal."""
    rows, offsets = native.joined_rows(columns, count)
    expected, expected_offsets = row_reference.joined_rows(columns, count)
    assert rows == expected
    equal(offsets, expected_offsets)
    return rows, offsets


NUMBERS = [
    0,
    *(sign * (10**power + more) for power in range(19) for more in (-1, 0) for sign in (1, -1)),
    2**63 - 1,
    -(2**63),
]


@given(
    st.lists(st.sampled_from([b"\x00", b"\x1f", b"\x7f", b'"', b"\\", b"/", b"plain as it is", b"\x80", *PIECES])).map(
        b"".join
    ),
    st.data(),
)
@settings(max_examples=500)
def test_joined_rows(text, data):
    """Spans of any length that overlap, are empty or broken; pieces; numbers; and rows of nothing."""
    utf8, count = np.frombuffer(text, np.uint8), data.draw(st.integers(0, 5))
    place = st.integers(0, len(text))
    columns = []
    for kind in data.draw(st.lists(st.integers(0, 3), max_size=5)):
        edges = np.sort(np.array(data.draw(st.lists(place, min_size=2 * count, max_size=2 * count)), np.int64))
        if kind == 0:
            columns.append(data.draw(st.binary(max_size=3)))
        elif kind == 1:
            number = st.sampled_from(NUMBERS) | st.integers(-(2**63), 2**63 - 1)
            columns.append(np.array(data.draw(st.lists(number, min_size=count, max_size=count)), np.int64))
        elif kind == 2 and count:
            which = data.draw(st.lists(st.integers(0, len(edges) - 2), min_size=count, max_size=count))
            columns.append(Picked(utf8, edges, np.array(which, np.int64)))
        else:
            starts, ends = edges.reshape(-1, 2).T.copy()
            columns.append(Quoted(utf8, starts, ends))
    same_rows(columns, count)


@pytest.mark.parametrize("level", native.levels())
def test_quoted_texts_are_those_of_the_library_that_writes_the_rest(level):
    """Every character there is, each after so many others that words and vectors hold it anywhere."""
    signs = [chr(code) for code in (*range(0x100), 0x2028, 0x4E00, 0xFFFF, 0x10000, 0x10FFFF)]
    lengths = [*range(9), 15, 16, 31, 32, *range(55, 73), 127, 128]
    texts = ["x" * before + sign + "yy" * (before % 3) for sign in signs for before in lengths]
    texts += ["中" * length + "\n" + "中" * length for length in range(70)]
    utf8, offsets = utf8_of([text.encode() for text in texts])
    before = native.use_level(level)
    try:
        rows, _ = same_rows([b'"', Quoted(utf8, offsets[:-1].copy(), offsets[1:].copy()), b'"\n'], len(texts))
    finally:
        native.use_level(before)
    assert rows.splitlines() == [*map(orjson.dumps, texts)]


def test_numbers_in_rows_are_those_of_python():
    """All lengths, and both signs."""
    rows, _ = same_rows([np.array(NUMBERS, np.int64), b" "], len(NUMBERS))
    assert [*map(int, rows.split())] == NUMBERS


@pytest.mark.parametrize(
    "span", [([-1], [2]), ([2], [1]), ([0], [4]), ([2**62], [2**63 - 1]), ([0, 0], [1]), ([0], [1, 1]), ([], [])]
)
@pytest.mark.parametrize("module", [native, row_reference])
def test_spans_for_rows_are_not_trusted(span, module):
    """They lie within the text, and there is one a row."""
    utf8, (starts, ends) = np.full(3, 1, np.uint8), (np.array(edge, np.int64) for edge in span)
    with pytest.raises(ValueError, match="must"):
        module.joined_rows([b"x", Quoted(utf8, starts, ends)], 1)


@pytest.mark.parametrize(
    ("offsets", "which"),
    [
        ([0, 3], [-1]),
        ([0, 3], [1]),
        ([0, 3], [2**63 - 1]),
        ([0, 3], [-(2**63)]),
        ([], [0]),
        ([0], [0]),
        ([0, 4], [0]),
        ([2, 1], [0]),
        ([-1, 1], [0]),
        ([0, 2**63 - 1], [0]),
        ([0, 3], [0, 0]),
        ([0, 3], []),
    ],
)
@pytest.mark.parametrize("module", [native, row_reference])
def test_pieces_for_rows_are_not_trusted(offsets, which, module):
    """They are there, lie within the text, and there is one a row."""
    flat, offsets, which = np.full(3, 1, np.uint8), np.array(offsets, np.int64), np.array(which, np.int64)
    with pytest.raises(ValueError, match="must"):
        module.joined_rows([Picked(flat, offsets, which), b"x"], 1)


def test_rows_without_room_for_them():
    """They take more than any machine has. Not under the sanitizers, which end a process that asks for so much."""
    flat, none = np.zeros(1 << 30, np.uint8), np.zeros(1 << 16, np.int64)  # memory that is not read is not taken
    piece = Picked(flat, np.array([0, len(flat)], np.int64), none)
    with pytest.raises(MemoryError):
        native.joined_rows([piece] * (1 << 8), len(none))


def test_numbers_for_rows_are_not_trusted():
    """There is one a row, and they are whole."""
    with pytest.raises(ValueError, match="numbers must have 2 elements"):
        native.joined_rows([np.zeros(1, np.int64)], 2)
    with pytest.raises(ValueError, match="must be of dtype int64"):
        native.joined_rows([np.zeros(1)], 1)


def test_offsets_of_rows_may_lie_in_the_memory_of_a_column():
    """The rows are those of the numbers as they were given: none takes more than its room."""
    memory = np.zeros(1 << 10, np.int64)
    assert native._native.joined_rows((memory[1:-1],), memory[:-1]) == b"0" * (len(memory) - 2)
    equal(memory[:-1], np.arange(len(memory) - 1))


@given(st.lists(SPOILT, max_size=4))
@settings(max_examples=500)
def test_least_runs(texts):
    """Texts of fewer than four characters, of broken ones, and none."""
    equal(native.least_runs(*utf8_of(texts)), utf8_reference.least_runs(*utf8_of(texts)))


# what UTF-8 is and what it is not: too long, half, a surrogate, beyond the last code point
ILL_FORMED = [b"\x80", b"\xc0\x80", b"\xe0\x9f\xbf", b"\xed\xa0\x80", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xff"]
RUNS = st.builds(lambda sign, count: sign * count, st.sampled_from("a中é퟿ࠀ\U00010000\U0010ffff￿"), st.integers(1, 70))


@given(st.lists(st.lists(RUNS, max_size=6).map("".join), max_size=4), st.sampled_from([b"", *ILL_FORMED]), st.data())
@settings(max_examples=500)
def test_code_points_of_utf8(texts, bad, data):
    """Runs of one length in UTF-8 and changes between them; something ill-formed anywhere, halves of characters too."""
    encoded = [text.encode() for text in texts]
    if encoded:
        which = data.draw(st.integers(0, len(encoded) - 1))
        at = data.draw(st.integers(0, len(encoded[which])))
        encoded[which] = encoded[which][:at] + bad + encoded[which][at:]
    found, expected = on_each_level(native.utf8_codes, *utf8_of(encoded)), json_reference.utf8_codes(*utf8_of(encoded))
    equal(found, expected)


def test_code_points_of_every_character(level):
    """Every code point that is one, alone and in a row of 32 of its length, in one text."""
    codes = np.array([code for code in range(0x110000) if code not in range(0xD800, 0xE000)], np.uint32)
    for text in (codes, np.repeat(codes[::7], 40)):
        utf8 = np.frombuffer(text.astype("<u4").tobytes().decode("utf-32-le").encode(), np.uint8)
        equal(native.utf8_codes(utf8, np.array([0, len(utf8)])), (text, np.array([0, len(text)])))


def test_bytes_that_are_no_character(level):
    """All sequences of two and of three bytes, at the start and at the end of runs of 32 and 31 characters."""
    one = [
        bytes([first, second])
        for first in range(0x7E, 0x100)
        for second in (0, 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC0, 0xE4)
    ]
    for head in one:
        for tail in (b"", b"\x7f", b"\x80", b"\xbf", b"\xc0"):
            for text in (head + tail + "中".encode() * 32, "中".encode() * 31 + head + tail, b"a" * 31 + head + tail):
                found = native.utf8_codes(*utf8_of([text]))
                expected = json_reference.utf8_codes(*utf8_of([text]))
                assert (found is None) == (expected is None), text
                if found is not None:
                    equal(found, expected)


@pytest.mark.parametrize("sign", ["a", "中"])
def test_what_ends_a_run_of_characters(level, sign):
    """At every place of a run: a character of another length, and what is none."""
    others = [
        *(other.encode() for other in "b文é\u0800\ud7ff\ue000\uffff\U00010000"),
        *ILL_FORMED,
        b"\xe4\xb8",
        b"\xed\xbf\xbf",
    ]
    for place, other in product(range(66), others):
        for behind in (1, 31, 70):
            text = (sign * place).encode() + other + (sign * behind).encode()
            equal(native.utf8_codes(*utf8_of([text])), json_reference.utf8_codes(*utf8_of([text])))


def same_records(raw, names):
    """Both read the same, and what is read is what a strict parser reads."""
    found, expected = native.json_texts(raw, names), json_reference.json_texts(raw, names)
    assert (found is None) == (expected is None)
    if found is None:
        return False
    equal(found, expected)
    codes, offsets, spans = found
    lines = raw.split(b"\n")
    records = [orjson.loads(line) for line in (lines if lines[-1] else lines[:-1])]
    assert [record[names[0]].encode("utf-32-le") for record in records] == [
        codes[low:high].tobytes() for low, high in pairwise(offsets.tolist())
    ]
    for place, name in enumerate(names[1:]):
        for record, (start, end) in zip(records, spans[:, place].tolist(), strict=True):
            assert (name in record) == (start >= 0)
            assert name not in record or orjson.loads(raw[start:end]) == record[name]
    return True


SIMPLE = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)


def within(values):
    """Values that hold such; a function, for Hypothesis does not always find the source of a lambda, and warns then."""
    return st.lists(values, max_size=3) | st.dictionaries(st.text("id", max_size=2), values, max_size=3)


VALUES = st.recursive(SIMPLE, within, max_leaves=6)
NAMES = st.sampled_from(["text", "id", "i", "", "té", '"', "source"])
RECORDS = st.builds(
    lambda fields, text, at: [*fields[:at], *text, *fields[at:]],
    st.lists(st.tuples(NAMES, VALUES), max_size=4),
    st.lists(
        st.tuples(st.just("text"), st.text(st.characters(exclude_categories=["Cs"]), max_size=80)),
        min_size=1,
        max_size=2,
    ),
    st.integers(0, 4),
)
SPACES = st.sampled_from(["", "", " ", "\t", " \r "])
SPOILING = st.sampled_from([*b'"\\{}[],:\x00\x1f\t \r\n-.0129eE+utfn/\x7f\x80\xc3\xe4\xed\xff'])


@given(st.lists(RECORDS, max_size=4), st.data())
@settings(max_examples=600)
def test_records_of_json(records, data):
    """Fields in any order, several of one name, white space anywhere, escapes wherever there may be some; then the same
    with some bytes changed."""
    lines = []
    for fields in records:
        ascii = data.draw(st.booleans())
        white = [data.draw(SPACES) for _ in range(4)]
        pairs = (
            json.dumps(name, ensure_ascii=ascii) + white[0] + ":" + white[1] + json.dumps(value, ensure_ascii=ascii)
            for name, value in fields
        )
        lines.append(f"{white[2]}{{{white[3]}" + f"{white[0]},{white[1]}".join(pairs) + f"{white[2]}}}{white[3]}")
    try:
        raw = "\n".join(lines).encode() + b"\n" * data.draw(st.integers(0, 1))
    except UnicodeEncodeError:
        return
    names = ("text", "id", "té", "", "text", '"')
    same_records(raw, names)
    for _ in range(3):
        spoilt = bytearray(raw)
        for _ in range(data.draw(st.integers(1, 2))):
            at = data.draw(st.integers(0, len(spoilt)))
            spoilt[at : at + data.draw(st.integers(0, 2))] = bytes(data.draw(st.lists(SPOILING, max_size=2)))
        same_records(bytes(spoilt), names)


PLAIN = [
    '{"text":""}',
    '{"text":"a"}\n\t{ "id" : 7 , "text" : "b" } \r\n',
    '{"t\\u0065xt":"\\ud83d\\ude00\\"\\\\\\/\\b\\f\\n\\r\\t\\u00E9\\u4e2D"}',
    '{"text":"x","a":[[],{},[{"b":null,"b":true}],-0,0.5,1E5,-1.5e-09,"\\u0000"]}',
    '{"text":"x","id":' + "9" * 32 + "}",
    '{"text":"x","id":' + "[" * 63 + "1" + "]" * 63 + "}",
    '{"text":"' + "长" * 5000 + '"}',
]
OTHER = [
    "\n",
    " ",
    "[]",
    "{}",
    '{"id":"a"}',
    '{"text":null}',
    '{"text":5,"text":"the last"}',
    '{"text":"the first","text":"the last"}',
    '{"text":"\\u0074","\\u0074ext":"the last"}',
    '{"text":"a"}\n\n{"text":"b"}',
    '{"text":"a"},{"text":"b"}',
    '{"text":"a"}\n{"text":"b"',
    '\ufeff{"text":"a"}',
    '{"text":"a",}',
    '{"text":"a" "id":1}',
    '{"text":"a","id":}',
    '{"text":"a","id"}',
    '{text:"a"}',
    "{'text':'a'}",
    '{"text":"\t"}',
    '{"text":"\x00"}',
    '{"text":"\\x"}',
    '{"text":"\\u12"}',
    '{"text":"\\u12g4"}',
    '{"text":"\\ud800"}',
    '{"text":"\\udc00\\ud800"}',
    '{"text":"\\ud800\\u0041"}',
    '{"text":"\\ud800\\',
    '{"text":"x","id":"\\udfff"}',
    '{"text":"x","\\udfff":1}',
    '{"text":"x","id":[{"\\udfff":1}]}',
    *(
        f'{{"text":"x","id":{number}}}'
        for number in (
            "01",
            "-",
            "+1",
            ".5",
            "1.",
            "1e",
            "1e+",
            "1e100",
            "9" * 33,
            "0x1",
            "NaN",
            "-Infinity",
            "tru",
            "nul",
            "True",
            "1 2",
        )
    ),
    '{"text":"x","id":' + "[" * 64 + "1" + "]" * 64 + "}",
    '{"text":"x","id":' + "[" * 100_000,
    '{"text":"x","id":[1,]}',
    '{"text":"x","id":{"a":1,}}',
    '{"text":"x","id":{1:1}}',
    '{"text":"x","id":[1}}',
]


@pytest.mark.parametrize("raw", PLAIN)
def test_records_that_are_plain(level, raw):
    """However they are written."""
    assert same_records(raw.encode(), ("text", "id", "a"))


@pytest.mark.parametrize("raw", OTHER)
def test_records_that_are_left_to_others(level, raw):
    """What is no JSON, has no text, or might be read in different ways."""
    assert not same_records(raw.encode(), ("text", "id", "a"))


@pytest.mark.parametrize("bad", ILL_FORMED)
@pytest.mark.parametrize(
    "line",
    [
        b'{"text":"%b"}',
        b'{"text":"a","id":"%b"}',
        b'{"text":"a","%b":1}',
        b'{"text":"a","b":["%b"]}',
        b'{"text":"a"%b}',
    ],
)
def test_records_that_are_no_utf8(bad, line):
    """Wherever it stands, and cut in half by an escape."""
    for before in (b"", b"\xe4", b"\xe4\xbd", b"x" * 40, "长".encode() * 40):
        for after in (b"", b"\\n", b"\xa0", b"y" * 40):
            raw = line % (before + bad + after)
            assert not same_records(raw, ("text", "id")) or raw.decode()  # two halves may make a whole


@pytest.mark.parametrize("sign", ["a", "中"])
def test_what_ends_a_run_of_characters_in_a_string(level, sign):
    """At every place of a run: an escape, the end of the string or of the line, a character of another length, none."""
    others = [
        b'"',
        b"\\",
        b"\\n",
        b"\\u4e2d",
        b'\\"',
        b"\n",
        b"\x1f",
        b"\x7f",
        "é😀".encode(),
        b"\xe4\xb8",
        *ILL_FORMED,
    ]
    for place, other in product(range(66), others):
        for behind in (0, 1, 40):
            text = (sign * place).encode() + other + (sign * behind).encode()
            same_records(b'{"text":"%b"}\n{"text":"b"}' % text, ("text",))
            same_records(b'{"text":"%b' % text, ("text",))  # and of all there is to read


IN_STRINGS = [
    *(b'"', b'\\"', b"\\\\", b"\\/", b"\\b", b"\\n", b"\\u4e2d", b"\\u00E9", b"\\u0000"),
    *(b"\\ud83d\\ude00", b"\\uD800", b"\\udc00", b"\\", b"\\u", b"\\u12", b"\\x"),
    *(b"\n", b"\x00", b"\x1f", b"\x7f", b"a" * 70, "长江".encode() * 40, "é😀".encode(), b"\xff\xe4"),
]


def same_texts(raw, starts, ends):
    """Both kernels make the same of strings, also of what is none."""
    flat, starts, ends = np.frombuffer(raw, np.uint8), np.array(starts, np.int64), np.array(ends, np.int64)
    rooms = [np.zeros(int((ends - starts).sum()), np.uint8) for _ in range(2)]
    found = native.json_unquoted(flat, starts, ends, rooms[0])
    expected = json_reference.json_unquoted(flat, starts, ends, rooms[1])
    assert (found is None) == (expected is None)
    if found is not None:
        equal(found, expected)
        assert np.array_equal(*(room[: found[0][-1]] for room in rooms))
    return found, rooms[0]


@given(st.lists(st.lists(st.sampled_from(IN_STRINGS), max_size=6), max_size=5), st.randoms())
def test_strings_of_json_mean_the_same(texts, rng):
    """Escapes of all kinds, halves of pairs, bytes that are no UTF-8; spans that overlap and that are cut short."""
    tokens = [b'"%b"' % b"".join(pieces) for pieces in texts]
    raw = b", ".join(tokens)
    ends = np.cumsum([len(token) + 2 for token in tokens], dtype=np.int64) - 2
    starts = ends - [len(token) for token in tokens]
    same_texts(raw, starts, ends)
    for token, start, end in zip(tokens, starts.tolist(), ends.tolist(), strict=True):
        one, room = same_texts(raw, [start], [end])
        try:
            text = orjson.loads(token)
        except orjson.JSONDecodeError:
            text = None
        assert text is None or (one is not None and room[: one[0][1]].tobytes() == text.encode())
        assert text is None or one[1].tolist() == [len(text)]
    places = sorted(rng.randrange(len(raw) + 1) for _ in range(4))
    same_texts(raw, places[:2] * 2, places[2:] * 2)


def test_a_string_of_json_with_anything_around_it_is_none():
    """White space, a missing quote, nothing at all."""
    for raw in (b"", b'"', b' "a"', b'"a" ', b'"a', b'a"', b"1", b'"a"b"', b"null", b"'a'"):
        assert same_texts(raw, [0], [len(raw)])[0] is None
    assert same_texts(b"", [], [])[0] is not None
    assert same_texts(b'"a"""', [3, 0, 3], [5, 3, 5])[0] is not None


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1000])
def test_the_code_points_of_strings_are_counted(length):
    """Around the width of what is counted together."""
    for sign in "aé长😀":
        token = b'"%b"' % (sign * length).encode()
        assert same_texts(token, [0], [len(token)])[0][1].tolist() == [length]


@pytest.mark.parametrize("of", [native, json_reference])
def test_strings_of_json_must_lie_in_the_text_and_have_room(of):
    """Whoever counts."""
    raw = np.frombuffer(b'"abc"', np.uint8)

    def unquoted(start, end, room):
        return of.json_unquoted(raw, np.array([start]), np.array([end]), np.zeros(room, np.uint8))

    assert unquoted(0, 5, 5)[0].tolist() == [0, 3]
    for start, end, room in ((-1, 5, 9), (0, 6, 9), (3, 2, 9), (0, 5, 4), (0, 5, 0)):
        with pytest.raises(ValueError, match="must"):
            unquoted(start, end, room)


def test_no_record_and_no_name():
    """Nothing is no line; the field of the text must have a name, which may be any string."""
    assert same_records(b"", ("text",))
    assert native.json_texts(b'{"":"a"}', ("\ud800",)) is None
    with pytest.raises(ValueError, match="must"):
        native._native.json_texts(b"", (), np.zeros(0, np.uint32), np.zeros(1, np.int64), np.zeros((0, 0, 2), np.int64))
    room = [np.zeros(12, np.uint32), np.zeros(1, np.int64), np.zeros((0, 0, 2), np.int64)]
    with pytest.raises(ValueError, match="room"):
        native._native.json_texts(b'{"text":"a"}', (b"text",), *room)
    for changed in (
        [np.zeros(11, np.uint32), *room[1:]],
        [*room[:2], np.zeros((1, 0, 2), np.int64)],
        [room[0], np.zeros(0, np.int64), room[2]],
    ):
        with pytest.raises(ValueError, match="must"):
            native._native.json_texts(b'{"text":"a"}', (b"text",), *changed)
    with pytest.raises(TypeError):
        native._native.json_texts(b'{"text":"a"}', ("text",), *room)


@pytest.mark.parametrize("offsets", [[], [1, 3], [0, 2], [0, 4], [0, 2, 1, 3], [0, -1, 3]])
def test_texts_in_utf8_are_not_trusted(offsets):
    """They lie in a row and are all there is."""
    with pytest.raises(ValueError, match="offsets must"):
        native.least_runs(np.zeros(3, np.uint8), np.array(offsets, np.int64))
    with pytest.raises(ValueError, match="offsets must"):
        native.utf8_codes(np.zeros(3, np.uint8), np.array(offsets, np.int64))


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        *(
            ([0], [first], [second])
            for first, second in ((-1, 2), (2, 1), (0, 4), (4, 4), (2**62, 2**62), (0, 2**63 - 1), (-(2**63), 0))
        ),
        *((text, [0] * len(text), [0] * len(text)) for text in ([2], [-1], [1, 0], [2**62], [-(2**63)])),
        *(([0, 0], *spans) for spans in (([1, 0], [1, 0]), ([1, 0], [1, 3]), ([0], [1, 1]), ([0, 0], [1]))),
        ([1], [3], [4]),
        ([1], [6], [7]),
    ],
)
def test_spans_in_utf8_are_not_trusted(text, first, second):
    """They lie within their texts and do not fall."""
    utf8, offsets = utf8_of([b"abc", b"abc"])
    spans = [np.array(values, np.int64) for values in (text, first, second)]
    for module in (native, utf8_reference):
        for taken in (np.zeros(len(text), bool), np.ones(len(text), bool)):
            with pytest.raises((ValueError, IndexError)):
                module.span_places(utf8, offsets, *spans, taken)


def test_each_span_is_taken_or_not():
    """There is one answer for each."""
    span = [np.zeros(1, np.int64) for _ in range(3)]
    with pytest.raises(ValueError, match="taken must have 1 elements"):
        native.span_places(*utf8_of([b"abc"]), *span, np.ones(2, bool))


# --- components ------------------------------------------------------------------------------------------------------


def chained(texts, step, rng):
    """Groups in three bands that connect each text with the one *step* further, under numbers in any order."""
    bands = np.full((3, texts), -1, np.int32)
    order = rng.permutation(texts)
    for number, at in enumerate(range(0, texts - step, step)):
        bands[number % 2, order[[at, at + step]]] = number // 2
    return bands


@pytest.mark.parametrize("texts", [0, 1, 2, 7, 64, 500])
def test_components(texts):
    """Random groups, chains that go to and fro, one group of all, groups of one, and none."""
    rng = np.random.default_rng(texts)
    for groups in (
        *(np.stack([reference.collisions(keys) for keys in rng.integers(0, most, (4, texts)).astype(np.uint64)])
          for most in (1, texts + 1, 3 * texts + 1)),
        *(chained(texts, step, rng) for step in (1, 2, 7)),
        np.tile(np.arange(texts, dtype=np.int32)[::-1], (2, 1)),
        np.zeros((1, texts), np.int32),
        np.full((5, texts), -1, np.int32),
        np.zeros((0, texts), np.int32),
    ):  # fmt: skip
        equal(native.components(groups), reference.components(groups))


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.lists(st.lists(st.integers(-1, n - 1), min_size=n, max_size=n), min_size=1, max_size=4)
    )
)
@settings(max_examples=500)
def test_components_of_few_texts(bands):
    """Any numbers at all, by search from text to text."""
    groups = np.array(bands, np.int32)
    found = native.components(groups)
    equal(found, reference.components(groups))
    for text in range(groups.shape[1]):
        reached, waiting = {text}, [text]
        while waiting:
            here = groups[:, waiting.pop()]
            shares = ((groups == here[:, None]) & (here[:, None] >= 0)).any(0)
            waiting += (new := set(np.flatnonzero(shares).tolist()) - reached)
            reached |= new
        assert found[text] == min(reached)


def test_components_of_a_long_chain():
    """Half a million texts, each connected with the next: all are one."""
    groups = np.full((2, 500_001), -1, np.int32)
    groups[0, :500_000] = np.arange(500_000) // 2
    groups[1, 1:] = np.arange(500_000) // 2
    assert not native.components(groups).any()
    assert not native.components(np.ascontiguousarray(groups[:, ::-1])).any()


# --- the greedy rule -------------------------------------------------------------------------------------------------


def similar_sets(seed, texts, templates, size):
    """Sets that share the elements of a few templates, with group numbers that are not quite their doing."""
    rng = np.random.default_rng(seed)
    bases = rng.integers(0, 2**64, (templates, size), dtype=np.uint64)
    sets = []
    for _ in range(texts):
        base = bases[rng.integers(templates)]
        kept = base[rng.random(size) < rng.choice([0.7, 0.9, 1.0])]
        fresh = rng.integers(0, 2**64, rng.integers(0, size // 4 + 1), dtype=np.uint64)
        sets.append(np.unique(np.concatenate((kept, fresh))))
    sets = [s if len(s) else bases[0][:1] for s in sets]
    flat = np.concatenate(sets) if sets else np.zeros(0, np.uint64)
    keys = rng.integers(0, max(texts // 4, 2), (5, texts)).astype(np.uint64)
    groups = np.stack([reference.collisions(band) for band in keys])
    return flat, offsets_of(np.array([len(s) for s in sets], np.int64)), groups, rng


@pytest.mark.parametrize("long", [-1, 64, 10**9])
@pytest.mark.parametrize("bucket", [0, 1, 5, 1000])
@pytest.mark.parametrize(("texts", "templates", "size"), [(0, 1, 4), (1, 1, 4), (60, 1, 3), (300, 2, 12), (400, 6, 60)])
def test_the_greedy_rule(monkeypatch, texts, templates, size, bucket, long):
    """Keepers, links, shared and united shingles, full buckets: with both kinds of rule, whichever the look-up."""
    monkeypatch.setattr(greedy_reference, "_LONG", long)
    sets, offsets, groups, rng = similar_sets(texts + size, texts, templates, size)
    chars = rng.integers(1, 80, texts)
    fixed = rng.random(texts) < 0.05
    numbers, number_offsets = reference.segment_sets(
        *hashes_of(rng.integers(0, 4, texts), texts, 6)  # few numbers: some agree
    )
    agree = NumbersAgree(numbers, number_offsets)

    def answered(text, met):
        """No more answers than are needed."""
        answers = agree(text, met)
        return answers[: int(np.argmax(answers)) + 1] if answers.any() else answers

    for threshold in (Fraction(1), Fraction(7, 10), Fraction(1, 3), Fraction(1, 100)):
        given = sets, offsets, chars, groups, fixed, threshold, 40, Fraction(9, 10), bucket
        expected = greedy_reference.greedy(*given, answered)
        for rule in (agree, answered, agree.__call__):
            same_choice(native.greedy(*given, rule), expected)


@pytest.mark.parametrize("seed", range(40))
def test_the_greedy_rule_where_nearly_all_texts_meet(seed):
    """Long lists, walked by numbers, rare shingles and bands: texts of one template that differ in a few shingles.

    Numbers are all different or mostly shared, or one is in all; sizes are equal, or texts of any size are in between.
    """
    rng = np.random.default_rng(seed)
    texts, size = 220, int(rng.choice([6, 20, 60]))
    pool = np.sort(rng.integers(0, 2**64, int(rng.choice([3, 30, 300])), dtype=np.uint64))
    base = rng.integers(0, 2**64, size, dtype=np.uint64)
    sets = []
    for _ in range(texts):
        own = base[rng.random(size) < rng.choice([0.5, 0.9, 1.0])] if rng.random() < 0.2 else base
        sets.append(np.unique(np.concatenate((own[:1], own, rng.choice(pool, rng.integers(0, 4 + size // 5))))))
    flat, offsets = np.concatenate(sets), offsets_of(np.array([len(s) for s in sets], np.int64))
    keys = rng.integers(0, rng.choice([1, 2, 8, 60], 6)[:, None], (6, texts)).astype(np.uint64)
    groups = np.stack([reference.collisions(band) for band in keys])
    numbers, number_offsets = hashes_of(rng.choice([0, 1, 1, 1, 2, 3], texts), seed, int(rng.choice([2, 40, 1 << 40])))
    if seed % 2:  # one that all have leads to nobody
        numbers, number_offsets = np.insert(numbers, number_offsets[1:], 99), number_offsets + np.arange(texts + 1)
    rule, fixed = NumbersAgree(*reference.segment_sets(numbers, number_offsets)), rng.random(texts) < 0.05
    for threshold, bucket in ((Fraction(7, 10), 1000), (Fraction(1, 3), 30), (Fraction(4, 5), 15), (Fraction(1), 100)):
        given = flat, offsets, rng.integers(1, 90, texts), groups, fixed, threshold, 40, Fraction(9, 10), bucket
        same_choice(native.greedy(*given, rule), greedy_reference.greedy(*given, rule))


def same_choice(found, expected):
    """Two answers of the greedy rule are one."""
    for name in ("keeper", "linked", "shared", "united"):
        equal(getattr(found, name), getattr(expected, name))
    assert found.full == expected.full


def articles_of(seed, texts, hostile=False, groups_of=8):
    """Articles made of shared passages, some edited, some masked: what `greedy` and `PassagesCovered` are given."""
    rng = np.random.default_rng(seed)
    table = load()
    alphabet = np.array([ord(c) for c in ("abé中文字国家大会" if hostile else "中文字国家大会的一是在了有")], np.uint32)
    pool = [rng.choice(alphabet, int(length)) for length in rng.integers(1, 40, 8)]
    passages, masked, bounds = [], [], [0]
    for _ in range(texts):
        for choice in rng.integers(0, len(pool), rng.integers(1, 5)):
            passage = pool[choice].copy()
            if rng.random() < 0.5:
                passage[rng.integers(len(passage))] = rng.choice(alphabet)
            passages.append(passage)
        bounds.append(len(passages))
        masked.append(pool[rng.integers(len(pool))] if rng.random() < 0.4 else np.zeros(0, np.uint32))
    offsets = offsets_of(np.array([len(passage) for passage in passages], np.int64))
    folded, masked_offsets = np.concatenate(passages), offsets_of(np.array([len(m) for m in masked], np.int64))
    of_article = np.array(bounds)
    whole_offsets = offsets[of_article]
    sets, set_offsets = reference.segment_sets(
        *reference.shingles(folded, whole_offsets, fold_reference.columns(folded, table), 8)
    )
    is_long = np.diff(offsets) >= rng.integers(1, 30)
    numbers = NumbersAgree(
        *reference.segment_sets(*hashes_of(rng.integers(0, 4, texts), int(rng.integers(1 << 30)), 5))
    )
    rule = PassagesCovered(
        numbers if seed % 4 else None, sets, set_offsets, folded, offsets,
        np.flatnonzero(is_long), offsets_of(is_long)[of_article],
        np.concatenate(masked), masked_offsets, table, 8, Fraction(int(rng.integers(1, 11)), 10),
    )  # fmt: skip
    keys = rng.integers(0, max(texts // groups_of, 2), (4, texts)).astype(np.uint64)
    groups = np.stack([reference.collisions(band) for band in keys])
    return (sets, set_offsets, np.full(texts, 99), groups, rng.random(texts) < 0.05), rule


@pytest.mark.parametrize("seed", range(24))
def test_the_rule_of_articles(seed):
    """Coverage, also with what is masked, and numbers: by arrays alone as by calls."""
    given, rule = articles_of(seed, [1, 2, 40, 150][seed % 4], hostile=seed % 3 == 0)
    for threshold, bucket in ((Fraction(1, 5), 1000), (Fraction(1, 2), 3)):
        options = threshold, 40, Fraction(9, 10), bucket
        expected = greedy_reference.greedy(*given, *options, rule)
        for asked in (rule, rule.__call__):
            same_choice(native.greedy(*given, *options, asked), expected)


@pytest.mark.parametrize("seed", range(12))
def test_the_rule_of_articles_where_nearly_all_texts_meet(seed):
    """The same with long lists, in which numbers and rare shingles lead to what may be joined."""
    given, rule = articles_of(seed, 150, hostile=seed % 3 == 0, groups_of=75)
    for threshold, bucket in ((Fraction(1, 5), 1000), (Fraction(7, 10), 1000), (Fraction(1, 2), 30)):
        options = threshold, 40, Fraction(9, 10), bucket
        same_choice(native.greedy(*given, *options, rule), greedy_reference.greedy(*given, *options, rule))


def covering(**changed):
    """Three equal articles of one passage each, judged by the rule of articles."""
    folded = np.array([ord(c) for c in "中文字国家大会"], np.uint32)
    folded, offsets = np.tile(folded, 3), np.array([0, 7, 14, 21])
    sets, set_offsets = reference.segment_sets(
        *reference.shingles(folded, offsets, fold_reference.columns(folded, TABLE), 8)
    )
    fields = {
        "numbers": None, "sets": sets, "offsets": set_offsets, "folded": folded, "folded_offsets": offsets,
        "longer": np.arange(3), "longer_offsets": np.arange(4), "masked": np.zeros(0, np.uint32),
        "masked_offsets": np.zeros(4, np.int64), "table": TABLE, "size": 8, "threshold": Fraction(7, 10),
    }  # fmt: skip
    rule = PassagesCovered(**(fields | changed))
    groups = np.zeros((1, 3), np.int32)
    return native.greedy(sets, set_offsets, np.full(3, 99), groups, np.zeros(3, bool), *RULE, rule).keeper.tolist()


BAD_COVERING = {
    "sets that end late": {"offsets": np.array([0, 4, 8, 99])},
    "sets of two texts": {"offsets": np.array([0, 4, 12])},
    "passages that end late": {"folded_offsets": np.array([0, 7, 14, 99])},
    "passages that fall": {"folded_offsets": np.array([0, 14, 7, 21])},
    "a passage that is not there": {"longer": np.array([0, 1, 3])},
    "a passage below 0": {"longer": np.array([0, -1, 2])},
    "longer passages of two texts": {"longer_offsets": np.array([0, 1, 3])},
    "masked text of two texts": {"masked_offsets": np.zeros(3, np.int64)},
    "masked text that is not there": {"masked_offsets": np.array([0, 0, 0, 5])},
    "passages of 64 bits": {"folded": np.zeros(21, np.uint64)},
    "no code point": {"folded": np.full(21, 0x110000, np.uint32)},
    "size 0": {"size": 0},
    "size 256": {"size": 256},
    "threshold 0": {"threshold": Fraction(0)},
    "threshold above 1": {"threshold": Fraction(11, 10)},
    "a threshold of a large denominator": {"threshold": Fraction(1, 2**31)},
    "numbers of two texts": {"numbers": NumbersAgree(np.zeros(0, np.uint64), np.zeros(3, np.int64))},
}


@pytest.mark.parametrize("what", BAD_COVERING)
def test_the_rule_of_articles_refuses(what):
    """Offsets, segments, code points and fractions are not trusted."""
    assert covering() == [0, 0, 0]
    with pytest.raises(ValueError, match=r"must|elements"):
        covering(**BAD_COVERING[what])


@pytest.mark.parametrize("seed", range(6))
def test_sets_whose_shingles_set_one_bit(seed):
    """Bounds by bits are bounds: hashes that all share their upper half, or few values of it."""
    sets, offsets, groups, rng = similar_sets(seed, 120, 3, [8, 40, 300][seed % 3])
    upper = rng.integers(0, [1, 2, 50][seed % 3], len(sets)).astype(np.uint64) << np.uint64(32)
    sets, offsets = reference.segment_sets(sets % np.uint64(1 << 32) | upper, offsets)
    numbers = NumbersAgree(*reference.segment_sets(*hashes_of(rng.integers(0, 4, 120), seed, 6)))
    given = sets, offsets, np.full(120, 99), groups, np.zeros(120, bool), Fraction(2, 5), 40, Fraction(9, 10), 4
    same_choice(native.greedy(*given, numbers), greedy_reference.greedy(*given, numbers))


def templated(texts):
    """Sets of one template with an element of their own each, all in one group."""
    rng = np.random.default_rng(6)
    base = rng.integers(0, 2**64, 30, dtype=np.uint64)
    own = rng.integers(0, 2**64, texts, dtype=np.uint64)
    sets = np.sort(np.concatenate((np.tile(base, (texts, 1)), own[:, None]), axis=1), axis=1).ravel()
    groups = np.zeros((2, texts), np.int32)
    return sets, np.arange(0, 31 * texts + 1, 31), np.full(texts, 99), groups, np.zeros(texts, bool)


RULE = (Fraction(7, 10), 40, Fraction(9, 10), 1000)


def test_an_error_of_the_rule_comes_through():
    """Whatever the rule raises is raised; an answer of more than was asked is refused."""

    def broken(text, met):
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        native.greedy(*templated(5), *RULE, broken)
    with pytest.raises(ValueError, match="answer for the texts"):
        native.greedy(*templated(5), *RULE, lambda text, met: np.array([False] * len(met) + [True]))


def test_python_is_called_only_for_texts_that_verify():
    """Nobody is asked about texts that share too little."""
    asked = []
    sets, offsets, chars, groups, fixed = templated(6)
    sets[31:62] += np.uint64(1)  # the second text has nothing in common with the others
    native.greedy(
        sets, offsets, chars, groups, fixed, *RULE, lambda text, met: asked.append((text, met.tolist())) or []
    )
    assert asked == [(2, [0]), (3, [0, 2]), (4, [0, 2, 3]), (5, [0, 2, 3, 4])]


def test_other_threads_run_meanwhile():
    """The GIL is released: a thread that only Python can run gets on while a signature is made."""
    begun = threading.Event()
    hashes, offsets = hashes_of((4_000_000,))
    a, b = reference.permutations(256, 1)
    turns = 0

    def count():
        nonlocal turns
        begun.wait()
        for _ in range(1000):  # few: whoever waits for the GIL does so until this is over
            turns += 1

    thread = threading.Thread(target=count)
    interval = sys.getswitchinterval()
    thread.start()
    try:
        sys.setswitchinterval(60)  # nobody is made to give the GIL up
        begun.set()
        native.signatures(hashes, offsets, a, b)
        during = turns
    finally:
        sys.setswitchinterval(interval)
        begun.set()
        thread.join()
    assert during > 0


# --- look-ups --------------------------------------------------------------------------------------------------------


def entries_of(count, seed=0, distinct=1 << 64):
    """Random sorted keys below *distinct*, spread over all 64 bits, and their places."""
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, distinct, count, dtype=np.uint64, endpoint=distinct < 1 << 64)
    keys *= np.uint64((2**64 - 1) // distinct) | np.uint64(1)
    return np.sort(keys), rng.integers(0, 1 << 32, count, dtype=np.uint32)


def in_blocks(keys, places):
    """Entries as a run holds them: the blocks as bytes, and the first key of each."""
    missing = -len(keys) % lookup_reference.BLOCK
    blocks = np.zeros((len(keys) + missing) // lookup_reference.BLOCK, lookup_reference.BLOCK_TYPE)
    filled = np.append(keys, np.full(missing, 2**64 - 1, np.uint64))
    blocks["keys"] = filled.reshape(-1, lookup_reference.BLOCK)
    blocks["places"] = np.append(places, np.zeros(missing, np.uint32)).reshape(-1, lookup_reference.BLOCK)
    return blocks.view(np.uint8), blocks["keys"][:, 0].copy()


def wanted_of(keys, seed=0):
    """Some of the keys, their neighbours, others and both ends, in any order."""
    rng = np.random.default_rng(seed)
    some = rng.choice(keys, min(len(keys), 200)) if len(keys) else keys
    others = rng.integers(0, 2**64 - 1, 200, dtype=np.uint64, endpoint=True)
    ends = np.array([0, 1, 2**63, 2**64 - 2, 2**64 - 1], np.uint64)
    return rng.permutation(np.concatenate((some, some + np.uint64(1), some - np.uint64(1), others, ends)))


COUNTS = (0, 1, 2, 44, 45, 46, 255, 256, 257, 511, 512, 513, 5000)


@pytest.mark.parametrize("distinct", [1, 3, 100, 1 << 64])
@pytest.mark.parametrize("count", COUNTS)
def test_filters(count, distinct):
    """Whole, in parts, and what passes them."""
    keys, _ = entries_of(count, count, distinct)
    for lines in (1, 2, 7, lookup_reference.filter_size(count), 1000):
        whole = native.filter_lines(keys, lines, 0, lines)
        equal(whole, lookup_reference.filter_lines(keys, lines, 0, lines))
        line = lookup_reference._lines_of(keys, lines)
        for first, end in ((0, lines // 2), (lines // 2, lines), (lines, lines)):
            equal(
                native.filter_lines(keys[(line >= first) & (line < end)], lines, first, end),
                whole[first:end],
            )
        wanted = wanted_of(keys, count)
        salted = native.filter_lines(keys, lines, 0, lines, 2**64 - 1 - count)
        equal(salted, lookup_reference.filter_lines(keys, lines, 0, lines, 2**64 - 1 - count))
        equal(native.filtered(salted, wanted, 2**64 - 1 - count)[0], native.filtered(whole, wanted)[0])
        for filtered in (native.filtered, lookup_reference.filtered):
            assert filtered(salted, keys, 5)[1] == (line[0] if count else -1)
        passed, damaged = native.filtered(whole, wanted)
        equal(passed, lookup_reference.filtered(whole, wanted)[0])
        assert damaged == -1
        assert len(native.filtered(whole, keys)[0]) == count


@pytest.mark.parametrize("lines", [2**32 - 1, 2**32 - 2, 2**31, 3])
def test_lines_far_down_a_long_filter(lines):
    """Products of keys and lines need more than 64 bits."""
    keys = np.sort(np.array([2**64 - 1, 2**64 - 2, 2**64 - 2**32, 2**64 - 2**33], np.uint64))
    line = lookup_reference._lines_of(keys, lines)
    assert line.tolist() == [int(key) * lines >> 64 for key in keys]
    first = int(line[0])
    found = native.filter_lines(keys, lines, first, min(first + 9, lines))
    equal(found, lookup_reference.filter_lines(keys, lines, first, min(first + 9, lines)))


def test_a_damaged_line_is_met():
    """Whichever bit it is: both name the line, wherever it is met."""
    keys, _ = entries_of(400, 1)
    whole = native.filter_lines(keys, 9, 0, 9)
    rng = random.Random(1)
    for line, word, bit in [
        (0, 0, 0),
        (8, 7, 63),
        *((rng.randrange(9), rng.randrange(8), rng.randrange(64)) for _ in range(60)),
    ]:
        changed = whole.copy()
        changed[line, word] ^= np.uint64(1 << bit)
        for wanted in (keys, wanted_of(keys, bit)):
            found, expected = native.filtered(changed, wanted), lookup_reference.filtered(changed, wanted)
            assert found[1] == expected[1] == line
    swapped = whole[[1, 0, *range(2, 9)]]
    assert native.filtered(swapped, keys)[1] == lookup_reference.filtered(swapped, keys)[1] == 0


@pytest.mark.parametrize("distinct", [1, 3, 100, 1 << 64])
@pytest.mark.parametrize("count", COUNTS)
def test_find(count, distinct):
    """Keys of many places, of none, and at the edges of blocks."""
    keys, places = entries_of(count, count, distinct)
    if count > 520:
        keys[250:520] = keys[250]  # from one block over the next
        keys.sort()
    blocks, first = in_blocks(keys, places)
    sound = np.ones(len(first), bool)
    wanted = wanted_of(keys, count)
    found = native.find(blocks, first, sound, count, wanted)
    equal(found, lookup_reference.find(blocks, first, sound, count, wanted))
    expected = [(number, place) for number, key in enumerate(wanted) for place in places[keys == key].tolist()]
    assert list(zip(*(array.tolist() for array in found), strict=True)) == expected
    for broken in range(len(first)):
        sound[:] = True
        sound[broken] = False
        for key in wanted[:80]:
            asked = blocks, first, sound, count, np.array([key])
            one, other = native.find(*asked), lookup_reference.find(*asked)
            assert (one is None) == (other is None)
            if one is not None:
                equal(one, other)


@pytest.mark.parametrize("distinct", [1, 3, 1 << 64])
@pytest.mark.parametrize(
    "lengths", [(), (0,), (5,), (1, 1), (0, 3, 0), (700, 1, 90), (64, 64, 64, 64), (9, 0, 500, 3, 77, 1, 2)]
)
def test_merge_entries(lengths, distinct):
    """Any number of rows; of equal keys those of an earlier row come first."""
    rows = [entries_of(length, number, distinct) for number, length in enumerate(lengths)]
    keys = np.concatenate([np.zeros(0, np.uint64), *(keys for keys, _ in rows)])
    places = np.concatenate([np.zeros(0, np.uint32), *(places for _, places in rows)])
    offsets = offsets_of(np.array(lengths, np.int64))
    equal(native.merge_entries(keys, places, offsets), lookup_reference.merge_entries(keys, places, offsets))


# --- what is refused -------------------------------------------------------------------------------------------------

CODES, OFFSETS = segment_array((3, 0, 5))
WIDTHS = np.ones(8, np.uint8)
HASHES, _ = hashes_of((8,))
A, B = reference.permutations(16, 1)
TABLE = load()
LINE = np.array([0]), np.array([1])
SOUND = np.ones(1, bool)
BAD_OFFSETS = {
    "do not begin with 0": np.array([1, 3, 8]),
    "begin below 0": np.array([-1, 3, 8]),
    "fall": np.array([0, 5, 3, 8]),
    "end early": np.array([0, 3, 7]),
    "end late": np.array([0, 3, 9]),
    "end far too late": np.array([0, 2**62]),
    "wrap around": np.array([0, -(2**63), 2**63 - 1, 8]),
    "none": np.zeros(0, np.int64),
    "of 32 bits": np.array([0, 3, 8], np.int32),
    "unsigned": np.array([0, 3, 8], np.uint64),
    "of the other byte order": np.array([0, 3, 8], ">i8"),
    "floats": np.array([0.0, 3.0, 8.0]),
    "of two dimensions": np.array([[0, 3, 8]]),
    "with gaps": np.array([0, 0, 3, 0, 8, 0])[::2],
}
TAKING_OFFSETS = {
    "shingles": lambda offsets: native.shingles(CODES, offsets, WIDTHS, 8),
    "shingle_sets": lambda offsets: native.shingle_sets(CODES, offsets, WIDTHS, 8),
    "shingle_signatures": lambda offsets: native.shingle_signatures(CODES, offsets, WIDTHS, 8, A, B),
    "shingle_band_keys": lambda offsets: native.shingle_band_keys(CODES, offsets, WIDTHS, 8, A, B, 4, 4),
    "signatures": lambda offsets: native.signatures(HASHES, offsets, A, B),
    "segment_sets": lambda offsets: native.segment_sets(HASHES, offsets),
    "digests": lambda offsets: native.digests(CODES, offsets),
    "intersections": lambda offsets: native.intersections(HASHES, offsets, np.array([0]), np.array([0])),
    "join_segments, groups": lambda offsets: native.join_segments(CODES, np.arange(9), np.arange(8), offsets, TABLE),
    "to_utf16": lambda offsets: native.to_utf16(CODES, offsets),
    "merge_entries": lambda offsets: native.merge_entries(HASHES, CODES, offsets),
    "fold": lambda offsets: native.fold(CODES, offsets, TABLE),
    "fold_to_utf16": lambda offsets: native.fold_to_utf16(CODES, offsets, TABLE),
    "number_tokens": lambda offsets: native.number_tokens(CODES, offsets, TABLE),
    "templates": lambda offsets: native.templates(CODES, offsets, TABLE),
    "greedy": lambda offsets: native.greedy(
        HASHES,
        offsets,
        np.full(max(len(offsets) - 1, 0), 9),
        np.zeros((1, max(len(offsets) - 1, 0)), np.int32),
        np.zeros(max(len(offsets) - 1, 0), bool),
        *RULE,
        lambda text, met: [],
    ),
    "greedy, numbers": lambda offsets: native.greedy(
        HASHES, np.arange(9), np.full(8, 9), np.zeros((1, 8), np.int32), np.zeros(8, bool), *RULE,
        NumbersAgree(HASHES, offsets),
    ),
}  # fmt: skip


@pytest.mark.parametrize("offsets", BAD_OFFSETS)
@pytest.mark.parametrize("function", TAKING_OFFSETS)
def test_offsets_are_not_trusted(function, offsets):
    """Whatever is wrong with them is a ValueError before anything is read."""
    with pytest.raises(ValueError, match=r"must|elements|dimension"):
        TAKING_OFFSETS[function](BAD_OFFSETS[offsets])


@pytest.mark.parametrize("segments", [[3], [-1], [2**62], [0, 1, 2, 3]])
def test_segments_are_not_trusted(segments):
    """Neither to be taken nor to be intersected."""
    named = np.array(segments)
    with pytest.raises(ValueError, match="must name segments 0 to 3"):
        native.take_segments(CODES, OFFSETS, named)
    for flat in (CODES, CODES.astype(np.uint16)):
        with pytest.raises(ValueError, match="must name segments 0 to 3"):
            native.take_codes(flat, OFFSETS, named)
        with pytest.raises(ValueError, match="must name segments 0 to 3"):
            native.join_segments(flat, OFFSETS, named, np.array([0, len(named)]), TABLE)
    with pytest.raises(ValueError, match="must name segments 0 to 3"):
        native.template_starts(CODES, OFFSETS, named, TABLE, 40)
    with pytest.raises(ValueError, match="must name segments 0 to 3"):
        native.starts_among(CODES, OFFSETS, named, TABLE, 40, HASHES[:0])
    with pytest.raises(ValueError, match="left must name segments"):
        native.intersections(HASHES, OFFSETS, named, np.zeros_like(named))
    with pytest.raises(ValueError, match="right must name segments"):
        native.intersections(HASHES, OFFSETS, np.zeros_like(named), named)


@pytest.mark.parametrize("offsets", [[0, 9], [-1, 3], [5, 3], [2**62, 2**63 - 1], [-(2**63), 2**63 - 1]])
def test_offsets_of_segments_to_take_are_not_trusted(offsets):
    """A segment lies in the array."""
    with pytest.raises(ValueError, match="must rise within the array"):
        native.take_segments(CODES, np.array(offsets), np.array([0]))
    for flat in (CODES, CODES.astype(np.uint16)):
        with pytest.raises(ValueError, match="must rise within the array"):
            native.take_codes(flat, np.array(offsets), np.array([0]))
        with pytest.raises(ValueError, match="must rise within the array"):
            native.join_segments(flat, np.array(offsets), np.array([0]), np.array([0, 1]), TABLE)
    with pytest.raises(ValueError, match="must rise within the array"):
        native.template_starts(CODES, np.array(offsets), np.array([0]), TABLE, 40)
    with pytest.raises(ValueError, match="must rise within the array"):
        native.starts_among(CODES.astype(np.uint16), np.array(offsets), np.array([0]), TABLE, 40, HASHES[:0])


WRONG = {
    "codes of 64 bits": lambda: native.digests(CODES.astype(np.uint64), OFFSETS),
    "signed codes": lambda: native.digests(CODES.astype(np.int32), OFFSETS),
    "codes with gaps": lambda: native.digests(np.repeat(CODES, 2)[::2], OFFSETS),
    "codes in two dimensions": lambda: native.digests(CODES.reshape(2, 4), OFFSETS),
    "signed hashes": lambda: native.segment_sets(HASHES.astype(np.int64), OFFSETS),
    "too few widths": lambda: native.shingles(CODES, OFFSETS, WIDTHS[:7], 8),
    "too few widths of sets": lambda: native.shingle_sets(CODES, OFFSETS, WIDTHS[:7], 8),
    "widths of 16 bits": lambda: native.shingles(CODES, OFFSETS, WIDTHS.astype(np.uint16), 8),
    "a width of 0": lambda: native.shingles(CODES, OFFSETS, WIDTHS - 1, 8),
    "a width of 3": lambda: native.shingle_signatures(CODES, OFFSETS, WIDTHS * 3, 8, A, B),
    "a width of 255": lambda: native.shingle_band_keys(CODES, OFFSETS, WIDTHS * 255, 8, A, B, 1, 1),
    "size 0": lambda: native.shingles(CODES, OFFSETS, WIDTHS, 0),
    "size 0 of sets": lambda: native.shingle_sets(CODES, OFFSETS, WIDTHS, 0),
    "size 256": lambda: native.shingle_signatures(CODES, OFFSETS, WIDTHS, 256, A, B),
    "unequal permutations": lambda: native.signatures(HASHES, OFFSETS, A, B[:15]),
    "permutations of 64 bits": lambda: native.signatures(HASHES, OFFSETS, A.astype(np.uint64), B),
    "too many rows": lambda: native.band_keys(np.zeros((2, 8), np.uint32), 3, 3),
    "far too many rows": lambda: native.band_keys(np.zeros((2, 8), np.uint32), 2, 2**61),
    "too many bands": lambda: native.shingle_band_keys(CODES, OFFSETS, WIDTHS, 8, A, B, 6, 3),
    "fewer bands than none": lambda: native.shingle_band_keys(CODES, OFFSETS, WIDTHS, 8, A, B, 1, -1),
    "a size above 255 for band keys": lambda: native.shingle_band_keys(CODES, OFFSETS, WIDTHS, 256, A, B, 4, 4),
    "a transposed signature": lambda: native.band_keys(np.zeros((8, 9), np.uint32).T, 2, 2),
    "one signature": lambda: native.band_keys(np.zeros(8, np.uint32), 2, 2),
    "keys of 32 bits": lambda: native.collisions(np.zeros(4, np.uint32)),
    "unequal pairs": lambda: native.intersections(HASHES, OFFSETS, np.array([0, 1]), np.array([0])),
    "a code point too large": lambda: native.fold(np.array([0x61, 0x110000], np.uint32), np.array([0, 2]), TABLE),
    "one too large for UTF-16": lambda: native.fold_to_utf16(np.array([0x110000], np.uint32), np.array([0, 1]), TABLE),
    "a table that calls ASCII wide": lambda: native.segment_widths(
        CODES, OFFSETS, replace(TABLE, flags=TABLE.flags | 1)
    ),
    "widths of the largest code": lambda: native.segment_widths(
        np.array([2**32 - 1], np.uint32), np.array([0, 1]), TABLE
    ),
    "widths beyond the array": lambda: native.segment_widths(np.zeros(1, np.uint32), np.array([0, 2]), TABLE),
    "the largest code": lambda: native.columns(np.array([2**32 - 1], np.uint32), TABLE),
    "no code point": lambda: native.number_tokens(np.array([0x110000], np.uint32), np.array([0, 1]), TABLE),
    "no code point in a line": lambda: native.templates(np.array([0x110000], np.uint32), np.array([0, 1]), TABLE),
    "no code point at the start of a line": lambda: native.template_starts(
        np.array([0x110000] * 20, np.uint32), np.array([0, 20]), np.array([0]), TABLE, 20
    ),
    "a start that is too short": lambda: native.template_starts(CODES, OFFSETS, np.array([0]), TABLE, 19),
    "a start of less than nothing": lambda: native.template_starts(CODES, OFFSETS, np.array([0]), TABLE, -1),
    "no code point at the start of a line among others": lambda: native.starts_among(
        np.array([0x110000] * 20, np.uint32), np.array([0, 20]), np.array([0]), TABLE, 20, HASHES[:0]
    ),
    "a start among others that is too short": lambda: native.starts_among(
        CODES, OFFSETS, np.array([0]), TABLE, 19, HASHES[:0]
    ),
    "starts that fall": lambda: native.starts_among(
        CODES, OFFSETS, np.array([0]), TABLE, 20, np.array([3, 2], np.uint64)
    ),
    "starts of 32 bits": lambda: native.starts_among(CODES, OFFSETS, np.array([0]), TABLE, 20, np.zeros(1, np.uint32)),
    "lines of 64 bits": lambda: native.templates(CODES.astype(np.uint64), OFFSETS, TABLE),
    "a group too large": lambda: native.components(np.array([[0, 0, 3]], np.int32)),
    "a group below none": lambda: native.components(np.array([[0, 0, 2], [0, -2, 2]], np.int32)),
    "the least group": lambda: native.components(np.array([[0, 0, -(2**31)]], np.int32)),
    "groups below none to number": lambda: native.dense(np.array([[0, -2]], np.int32), np.zeros(2, np.int64)),
    "groups too large to number": lambda: native.dense(np.array([[0, 2]], np.int32), np.zeros(2, np.int64)),
    "a batch below none": lambda: native.dense(np.array([[0, 1]], np.int32), np.array([0, -1])),
    "a batch too large": lambda: native.dense(np.array([[0, 1]], np.int32), np.array([0, 2])),
    "too few batches": lambda: native.dense(np.array([[0, 1]], np.int32), np.array([0])),
    "keys that are signed": lambda: native.repeated(np.zeros(4, np.int64)),
    "keys of 16 bits": lambda: native.repeated(np.zeros(4, np.uint16)),
    "groups of 64 bits": lambda: native.components(np.zeros((2, 3), np.int64)),
    "groups of one band": lambda: native.components(np.zeros(3, np.int32)),
    "transposed groups": lambda: native.components(np.zeros((4, 2), np.int32).T),
    "no code point to read": lambda: native.readings(np.array([0x110000], np.uint32), *LINE, reading_table()),
    "no code point to look at": lambda: native.outlines(np.array([0x110000], np.uint32), np.array([0, 1]), LINES),
    "none in what is blank": lambda: native.outlines(np.array([0x20, 0x110000], np.uint32), np.array([0, 2]), LINES),
    "a table that reads no code point": lambda: native.readings(
        CODES[:1], *LINE, np.full(0x110000, 0x110000, np.uint32)
    ),
    "line feeds of 16 bits": lambda: native.line_feeds(np.zeros(4, np.uint16)),
    "no code point in lines": lambda: native.line_spans(np.array([0x110000], np.uint32), np.array([0, 1]), TABLE),
    "texts that end before the array": lambda: native.line_spans(CODES, np.array([0, 7]), TABLE),
    "texts that end behind the array": lambda: native.line_spans(CODES, np.array([0, 9]), TABLE),
    "texts that fall": lambda: native.line_spans(CODES, np.array([0, 5, 4, 8]), TABLE),
    "texts of 32 bits": lambda: native.line_spans(CODES, np.array([0, 8], np.int32), TABLE),
    "a short table to read by": lambda: native.readings(CODES, *LINE, reading_table()[:-1]),
    "a short table to look by": lambda: native.outlines(CODES, OFFSETS, LINES._replace(signs=LINES.signs[:-1])),
    "a table to look by of 32 bits": lambda: native.outlines(
        CODES, OFFSETS, LINES._replace(signs=LINES.signs.astype(np.uint32))
    ),
    "too few kinds": lambda: native.outlines(CODES, OFFSETS, LINES._replace(kinds=LINES.kinds[:-1])),
    "too few endings": lambda: native.outlines(CODES, OFFSETS, LINES._replace(endings=LINES.endings[:-1])),
    "no beginnings": lambda: native.outlines(CODES, OFFSETS, LINES._replace(beginnings=np.zeros((0, 0), np.uint8))),
    "beginnings of one kind and all": lambda: native.outlines(
        CODES, OFFSETS, LINES._replace(beginnings=LINES.beginnings[:1])
    ),
    "beginnings in a row": lambda: native.outlines(CODES, OFFSETS, LINES._replace(beginnings=LINES.beginnings.ravel())),
    "texts to look at that end before the array": lambda: native.outlines(CODES, np.array([0, 7]), LINES),
    "texts to look at that end behind the array": lambda: native.outlines(CODES, np.array([0, 9]), LINES),
    "texts to look at that fall": lambda: native.outlines(CODES, np.array([0, 5, 4, 8]), LINES),
    "texts to look at of 32 bits": lambda: native.outlines(CODES, np.array([0, 8], np.int32), LINES),
    "lines to read of 32 bits": lambda: native.readings(CODES, LINE[0].astype(np.int32), LINE[1], reading_table()),
    "lines to read with gaps": lambda: native.readings(
        CODES, np.zeros(4, np.int64)[::2], np.ones(2, np.int64), reading_table()
    ),
    "no code point to join": lambda: native.join_segments(
        np.array([0x110000], np.uint32), np.array([0, 1]), np.array([0]), np.array([0, 1]), TABLE
    ),
    "segments to join of 32 bits": lambda: native.join_segments(
        CODES, OFFSETS, np.zeros(1, np.int32), np.array([0, 1]), TABLE
    ),
    "a filter of too many lines": lambda: native.filter_lines(HASHES, 2**32, 0, 1),
    "a filter of fewer lines than none": lambda: native.filter_lines(HASHES, -1, 0, 1),
    "filter lines behind the filter": lambda: native.filter_lines(HASHES[:0], 4, 2, 5),
    "filter lines before the filter": lambda: native.filter_lines(HASHES[:0], 4, -1, 2),
    "filter lines far behind it": lambda: native.filter_lines(HASHES[:0], 4, 2**62, 2**62 + 1),
    "keys of other filter lines": lambda: native.filter_lines(np.array([2**63], np.uint64), 4, 0, 2),
    "keys of a filter of no line": lambda: native.filter_lines(HASHES, 0, 0, 0),
    "keys for a filter of no line": lambda: native.filtered(np.zeros((0, 8), np.uint64), HASHES),
    "filter lines of 7 words": lambda: native.filtered(np.zeros((4, 7), np.uint64), HASHES),
    "a filter in one dimension": lambda: native.filtered(np.zeros(8, np.uint64), HASHES),
    "a filter of bytes": lambda: native.filtered(np.zeros((4, 64), np.uint8), HASHES),
    "keys of 32 bits to filter": lambda: native.filtered(np.zeros((4, 8), np.uint64), CODES),
    "half a block": lambda: native.find(np.zeros(1536, np.uint8), HASHES[:1], SOUND, 9, HASHES),
    "too few blocks": lambda: native.find(np.zeros(3072, np.uint8), HASHES[:2], np.ones(2, bool), 9, HASHES),
    "too few blocks that may be sound": lambda: native.find(np.zeros(3072, np.uint8), HASHES[:1], SOUND[:0], 9, HASHES),
    "more entries than blocks have": lambda: native.find(np.zeros(3072, np.uint8), HASHES[:1], SOUND, 257, HASHES),
    "fewer entries than none": lambda: native.find(np.zeros(3072, np.uint8), HASHES[:1], SOUND, -1, HASHES),
    "rows that fall": lambda: native.merge_entries(np.array([2, 1], np.uint64), CODES[:2], np.array([0, 2])),
    "too few places": lambda: native.merge_entries(HASHES[:1], CODES[:0], np.array([0, 1])),
    "an array in two dimensions to take from": lambda: native.take_segments(np.zeros((4, 2)), OFFSETS, np.array([0])),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_arrays_are_refused(what):
    """Types, shapes, lengths and ranges."""
    with pytest.raises(ValueError, match=r"must|elements"):
        WRONG[what]()


GREEDY = dict(zip(("sets", "offsets", "chars", "groups", "fixed"), templated(4), strict=True)) | {
    "threshold": Fraction(7, 10),
    "short_chars": 40,
    "short_containment": Fraction(9, 10),
    "bucket": 9,
    "acceptable": NumbersAgree(np.zeros(0, np.uint64), np.zeros(5, np.int64)),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sets", GREEDY["sets"][:-1]),
        ("chars", np.zeros(3, np.int64)),
        ("groups", np.zeros((2, 3), np.int32)),
        ("groups", np.zeros((2, 4), np.int64)),
        ("groups", np.full((2, 4), 4, np.int32)),
        ("groups", np.full((2, 4), -2, np.int32)),
        ("groups", np.zeros((4, 2), np.int32).T),
        ("fixed", np.zeros(5, bool)),
        ("threshold", Fraction(0)),
        ("threshold", Fraction(-1, 2)),
        ("threshold", Fraction(11, 10)),
        ("threshold", Fraction(1, 2**31)),
        ("short_containment", Fraction(-1, 2)),
        ("short_containment", Fraction(1, 2**31)),
        ("acceptable", NumbersAgree(np.zeros(0, np.uint64), np.zeros(4, np.int64))),
    ],
)
def test_the_greedy_rule_refuses(name, value):
    """Arrays of other lengths, groups that are not there, fractions whose products could overflow."""
    assert native.greedy(**GREEDY).keeper.tolist() == [0, 0, 0, 0]
    with pytest.raises(ValueError, match=r"must|elements"):
        native.greedy(**(GREEDY | {name: value}))


def test_a_fold_table_that_contradicts_itself_is_refused():
    """What the passes over a text take for granted is checked when the table is packed."""
    words, plain = np.empty(0x110000, np.uint32), np.empty(0x110000, np.uint16)

    def pack(mapping=TABLE.mapping, flags=TABLE.flags, expansions=TABLE.expansions):
        native._native.pack_table(mapping, flags, TABLE.expansion_offsets, expansions, words, plain)

    pack()
    for changed, to in (
        ("mapping", 0x110000 + len(TABLE.expansion_offsets)),
        ("flags", fold_reference.MARK),
        ("flags", fold_reference.WIDE),
    ):
        array = getattr(TABLE, changed).copy()
        array[0x61] = to
        with pytest.raises(ValueError, match="code point 97"):
            pack(**{changed: array})
    with pytest.raises(ValueError, match="below 0x110000"):
        pack(expansions=np.full_like(TABLE.expansions, 0x110000))


# --- the choice ------------------------------------------------------------------------------------------------------


def run(code, **environment):
    """What Python prints in a process of its own."""
    environment = {key: value for key, value in os.environ.items() if key != "DEDUP_KERNEL"} | environment
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("forced", ["native", "reference", ""])
def test_the_environment_chooses_the_kernel(forced):
    """Native where it is built, unless the reference is asked for."""
    code = "from dedup import kernel; print(kernel.NAME, kernel.fold.__module__, repr(kernel.WARNING))"
    name = forced or "native"
    module = "dedup.kernel.native" if name == "native" else "dedup.kernel.fold_reference"
    assert run(code, DEDUP_KERNEL=forced).stdout.split() == [name, module, "''"]


def test_the_version_names_the_kernel():
    """dedup 0.1.0 (kernel: native)."""
    result = run(
        "from dedup.cli import main; import sys; sys.argv[1:] = ['--version']; main()", DEDUP_KERNEL="reference"
    )
    assert result.stdout.endswith("(kernel: reference)\n")


MISSING = "import sys; sys.modules['dedup.kernel._native'] = None; from dedup.cli import main; "


def test_without_a_compiled_kernel_the_reference_serves_with_a_line_of_warning(tmp_path):
    """The answer is the same; one line says why it takes longer."""
    article, out = tmp_path / "a.txt", tmp_path / "out"
    article.write_text("one line of text\n", encoding="utf-8")
    code = MISSING + f"sys.argv[1:] = ['clean', {str(article)!r}, '-o', {str(out)!r}]; main()"
    result = run(code)
    assert result.returncode == 0
    assert result.stderr.count("compiled kernel") == 1
    assert "dedup: warning: the compiled kernel cannot be loaded" in result.stderr


def test_a_forced_kernel_that_is_missing_or_unknown_is_an_error():
    """One line, exit code 2."""
    code = "import sys; sys.argv[1:] = ['--version']; main()"
    missing = run(MISSING + code, DEDUP_KERNEL="native")
    assert missing.returncode == 2
    assert missing.stderr.startswith("dedup: DEDUP_KERNEL=native, but the compiled kernel cannot be loaded")
    unknown = run("from dedup.cli import main; " + code, DEDUP_KERNEL="fast")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)
    assert "must be native or reference, found 'fast'" in unknown.stderr


def test_an_unknown_instruction_set_is_refused():
    """Only what machine and build have."""
    with pytest.raises(ValueError, match="no instruction set"):
        native.use_level("x86-64-v9")
