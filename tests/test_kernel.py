"""The arithmetic of shingles, signatures and bands, against slow and obvious code and against datasketch."""

import datasketch
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import columns, shingle_set

from dedup import kernel
from dedup.fold_table import load
from dedup.kernel.reference import fmix32, fmix64, offsets_of, segment_ids
from dedup.settings import Settings, band_shape
from dedup.sketch import shingle_sets, sizes, to_datasketch

FOLDED = st.text(alphabet="ab 1.中文字か한", max_size=40)


def segments(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Texts as a segment array."""
    flat = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
    return flat, offsets_of(np.array([len(text) for text in texts], np.int64))


@given(st.lists(FOLDED, max_size=6), st.integers(1, 12))
def test_as_many_distinct_shingles_as_the_oracle_finds(texts, size):
    """Equal shingles have equal hashes, different ones different hashes, across all texts."""
    flat, offsets = segments(texts)
    hashes, bounds = kernel.shingles(flat, offsets, kernel.columns(flat, load()), size)
    for number, text in enumerate(texts):
        own = set(hashes[bounds[number] : bounds[number + 1]].tolist())
        expected = shingle_set(text, size)
        assert len(own) == len(expected)
    everything = set().union(*(shingle_set(text, size) for text in texts)) if texts else set()
    assert len(set(hashes.tolist())) == len(everything)


def test_a_shingle_spans_eight_columns():
    """Four Han or eight Latin characters, or a mixture; it may exceed the eight by one column."""
    assert shingle_set("中文字符号") == {"中文字符", "文字符号"}
    assert shingle_set("abcdefghi") == {"abcdefgh", "bcdefghi"}
    assert shingle_set("a中文字符") == {"a中文字符", "中文字符"}
    flat, offsets = segments(["中文字符号", "abcdefghi", "a中文字符", "ab", ""])
    _, bounds = kernel.shingles(flat, offsets, kernel.columns(flat, load()), 8)
    assert np.diff(bounds).tolist() == [2, 2, 2, 1, 0]


@given(FOLDED)
def test_columns_agree_with_unicode_names(text):
    """Han, kana and Hangul are two columns wide, all else one."""
    flat, _ = segments([text])
    assert kernel.columns(flat, load()).tolist() == [columns(character) for character in text]


@pytest.mark.parametrize("num_perm", [1, 64, 256])
@pytest.mark.parametrize("seed", [1, 42])
def test_signatures_equal_those_of_datasketch(num_perm, seed):
    """Given the same 32-bit hashes, affine32 signatures are equal bit for bit."""
    rng = np.random.default_rng(5)
    lengths = np.array([1, 3, 0, 700, 2])
    hashes = rng.integers(0, 2**64, lengths.sum(), dtype=np.uint64)
    offsets = offsets_of(lengths)
    found = kernel.signatures(hashes, offsets, *kernel.permutations(num_perm, seed))
    for number in range(len(lengths)):
        theirs = datasketch.MinHash(num_perm, seed=seed, hashfunc=int, scheme="affine32")
        upper = hashes[offsets[number] : offsets[number + 1]] >> np.uint64(32)
        theirs.update_batch([int(value) for value in upper])
        np.testing.assert_array_equal(found[number], theirs.hashvalues)


def test_to_datasketch_hands_over_a_lean_minhash_that_estimates():
    """Its estimate lies within four standard errors of the exact similarity."""
    one = "江山市城区的供水管网改造工程昨日全面完工，两万三千户居民从此用上稳定的自来水。"
    other = "江山市城区的供水管网改造工程昨日全面完工，两万多户居民从此用上了稳定的自来水。"
    sketches = [to_datasketch(text) for text in (one, other)]
    assert all(isinstance(sketch, datasketch.LeanMinHash) for sketch in sketches)
    flat = [
        np.frombuffer(text.replace("，", "").replace("。", "").encode("utf-32-le"), np.uint32) for text in (one, other)
    ]
    sets, offsets = shingle_sets(np.concatenate(flat), offsets_of(np.array([len(f) for f in flat])), Settings())
    exact = len(np.intersect1d(sets[: offsets[1]], sets[offsets[1] :])) / len(np.unique(sets))
    error = (exact * (1 - exact) / 256) ** 0.5
    assert abs(sketches[0].jaccard(sketches[1]) - exact) < 4 * error


def test_finalizers_give_the_published_values():
    """MurmurHash3's finalizers, worked out with Python integers."""

    def by_hand(value: int, bits: int, shifts: tuple[int, int, int], factors: tuple[int, int]) -> int:
        value ^= value >> shifts[0]
        value = value * factors[0] % 2**bits
        value ^= value >> shifts[1]
        value = value * factors[1] % 2**bits
        return value ^ value >> shifts[2]

    for value in (0, 1, 0xDEADBEEF):
        expected = by_hand(value, 32, (16, 13, 16), (0x85EBCA6B, 0xC2B2AE35))
        assert fmix32(np.array([value], np.uint32))[0] == expected
        expected = by_hand(value, 64, (33, 33, 33), (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53))
        assert fmix64(np.array([value], np.uint64))[0] == expected


@given(st.lists(FOLDED, max_size=8))
def test_equal_texts_and_only_they_have_equal_digests(texts):
    """A digest depends on the text alone, not on its neighbours."""
    flat, offsets = segments(texts)
    found = [tuple(row) for row in kernel.digests(flat, offsets).tolist()]
    alone = [tuple(kernel.digests(*segments([text]))[0].tolist()) for text in texts]
    assert found == alone
    assert len(set(found)) == len(set(texts))


def test_long_texts_are_hashed_in_blocks_as_in_one_piece(monkeypatch):
    """The size of a block changes no digest, shingle or signature."""
    rng = np.random.default_rng(3)
    flat = rng.integers(0x4E00, 0x4E40, 5000).astype(np.uint32)
    offsets = offsets_of(np.array([0, 1, 1700, 0, 299, 3000, 0]))
    widths = np.full(len(flat), 2, np.uint8)
    a, b = kernel.permutations(16, 1)

    def everything() -> list[np.ndarray]:
        hashes, bounds = kernel.shingles(flat, offsets, widths, 8)
        return [kernel.digests(flat, offsets), hashes, bounds, kernel.signatures(hashes, bounds, a, b)]

    whole = everything()
    monkeypatch.setattr("dedup.kernel.reference._BLOCK", 7)
    monkeypatch.setattr("dedup.kernel.reference._SIGN_BLOCK", 5)
    for one, other in zip(whole, everything(), strict=True):
        np.testing.assert_array_equal(one, other)


@given(st.lists(st.lists(st.integers(0, 9)), max_size=8))
def test_segment_sets_are_sorted_and_distinct(lists):
    """Each segment comes back as Python's sorted set."""
    flat = np.array([value for one in lists for value in one], np.uint64)
    sets, bounds = kernel.segment_sets(flat, offsets_of(np.array([len(one) for one in lists], np.int64)))
    found = [sets[bounds[number] : bounds[number + 1]].tolist() for number in range(len(lists))]
    assert found == [sorted(set(one)) for one in lists]


@given(st.lists(st.integers(0, 5), max_size=30))
def test_collisions_number_the_groups_of_equal_keys(keys):
    """Two texts have one number when their keys are equal; a key that stands alone has -1; numbers are dense."""
    groups = kernel.collisions(np.array(keys, np.uint64))
    for position, key in enumerate(keys):
        assert (groups[position] == -1) == (keys.count(key) == 1)
        for other, other_key in enumerate(keys):
            if groups[position] >= 0:
                assert (groups[position] == groups[other]) == (key == other_key)
    used = sorted(set(groups.tolist()) - {-1})
    assert used == list(range(len(used)))


def test_band_keys_are_equal_when_all_rows_are():
    """A key depends on its own rows and on nothing else."""
    signature = np.arange(24, dtype=np.uint32).reshape(2, 12)
    changed = signature.copy()
    changed[0, 5] += 1
    before, after = kernel.band_keys(signature, 4, 3), kernel.band_keys(changed, 4, 3)
    assert (before == after).tolist() == [[True, True], [False, True], [True, True], [True, True]]
    same_rows = np.tile(np.array([7, 8, 9], np.uint32), (1, 4))
    assert len(set(kernel.band_keys(same_rows, 4, 3)[:, 0].tolist())) == 4, "each band has keys of its own"


@given(st.floats(0.2, 0.95), st.floats(0.2, 0.99), st.integers(16, 256))
def test_a_band_shape_reaches_its_recall_and_no_wider_one_does(threshold, recall, num_perm):
    """Against the formula itself: 1 - (1 - s**r)**b."""
    try:
        bands, rows = band_shape(threshold, recall, num_perm)
    except ValueError:
        assert 1 - (1 - threshold) ** num_perm < recall + 1e-6
        return

    def found(b: int, r: int) -> float:
        return 1 - (1 - threshold**r) ** b

    assert bands * rows <= num_perm
    assert found(bands, rows) >= recall - 1e-6
    assert bands == 1 or found(bands - 1, rows) < recall + 1e-6
    for wider in range(rows + 1, num_perm + 1):
        assert found(num_perm // wider, wider) < recall + 1e-6


def test_segment_ids_name_the_segment_of_each_element():
    """Empty segments name nothing."""
    assert segment_ids(np.array([0, 2, 2, 3])).tolist() == [0, 0, 2]


def test_joined_segments_meet_with_a_space_only_between_narrow_characters():
    """Latin words stay apart, Han characters close up, empty segments add nothing, groups do not meet."""
    flat, offsets = segments(["ef", "ab", "left out", "", "cd", "中", "gh"])
    chosen = np.array([1, 3, 4, 5, 0, 6, 1])
    joined, bounds, begins = kernel.join_segments(flat, offsets, chosen, np.array([0, 5, 5, 7]), load())
    assert begins.tolist() == [0, 2, 3, 5, 6, 8, 11]
    texts = [
        joined[bounds[group] : bounds[group + 1]].tobytes().decode("utf-32-le") for group in range(len(bounds) - 1)
    ]
    assert texts == ["ab cd中ef", "", "gh ab"]


def test_a_narrow_character_counts_half():
    """Eighty Latin letters are as long as forty Han characters."""
    flat, offsets = segments(["中" * 40, "a" * 80, "a" * 79, "中a", "a", ""])
    assert sizes(flat, offsets).tolist() == [40, 40, 39, 1, 0, 0]
