"""Runs on disk: what is written is found, and whatever is damaged is noticed."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.errors import BadIndex
from dedup.index import sorted_runs
from dedup.index.sorted_runs import SortedRun, lookup, merged, write_run
from dedup.kernel.lookup_reference import BLOCK, FILTER_BITS, filter_lines, filter_size, filtered


def entries_of(count, seed=0, distinct=2**64 - 1):
    """Random entries, sorted by key."""
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, distinct, count, dtype=np.uint64, endpoint=True)
    return np.sort(keys), rng.integers(0, 2**32, count, dtype=np.uint32)


def run_of(path, entries, pieces=1, most=None):
    """A run of entries that are handed over in several pieces."""
    parts = zip(*(np.array_split(column, pieces) for column in entries), strict=True)
    check = write_run(path, iter(list(parts)), most or len(entries[0]))
    run = SortedRun(path)
    assert run.check == check
    return run


def found_in(run, wanted):
    """(key, place) of every hit, sorted."""
    numbers, places = run.lookup(wanted)
    return sorted(zip(wanted[numbers].tolist(), places.tolist(), strict=True))


@pytest.mark.parametrize("distinct", [3, 400, 2**64 - 1])
@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3000])
def test_what_is_written_is_found(count, distinct, tmp_path):
    """Every entry by its key, and nothing by another; in one look-up or in many, as a slice, and in memory too."""
    entries = entries_of(count, 1, distinct)
    run = run_of(tmp_path / "a.run", entries, pieces=1 + count % 7, most=count + 1000)
    assert (run.entries, run.size) == (count, (tmp_path / "a.run").stat().st_size)
    rng = np.random.default_rng(2)
    others = rng.integers(0, 2**64, 300, dtype=np.uint64)
    expected = sorted(zip(*(column.tolist() for column in entries), strict=True))
    wanted = rng.permutation(np.unique(np.concatenate((entries[0], others, np.array([0, 2**64 - 1], np.uint64)))))
    assert found_in(run, wanted) == expected
    assert sorted(hit for part in np.array_split(wanted, 50) for hit in found_in(run, part)) == expected
    numbers, places = lookup(entries, wanted)
    assert sorted(zip(wanted[numbers].tolist(), places.tolist(), strict=True)) == expected
    for low, high in ((0, count), (count // 3, count // 2), (count, count)):
        keys, places = run.slice(low, high)
        np.testing.assert_array_equal(keys, entries[0][low:high])
        np.testing.assert_array_equal(places, entries[1][low:high])
    run.check_all()


@given(st.lists(st.integers(0, 2**64 - 1), max_size=60), st.lists(st.integers(0, 60), max_size=5), st.integers(1, 40))
@settings(max_examples=200)
def test_a_filter_made_in_pieces_is_the_filter(keys, cuts, lines):
    """However its keys come."""
    whole = np.sort(np.array(keys, np.uint64))
    made = sorted_runs._FilterLines(lines, 0)
    pieces = [made.add(part) for part in np.split(whole, sorted(min(cut, len(whole)) for cut in cuts))]
    pieces.append(made.rest())
    assert [first for first, _ in pieces] == [0, *np.cumsum([len(some) for _, some in pieces])[:-1].tolist()]
    np.testing.assert_array_equal(np.concatenate([some for _, some in pieces]), filter_lines(whole, lines, 0, lines))


def test_a_filter_lets_all_keys_pass_and_few_others():
    """Of others one in 230 at the fill for which it is made; a standard error is .0003."""
    keys, _ = entries_of(40_000, 3)
    lines = filter_lines(keys, filter_size(len(keys)), 0, filter_size(len(keys)))
    assert len(lines) * 64 * 7 >= FILTER_BITS * len(keys) > (len(lines) - 1) * 64 * 7
    assert len(filtered(lines, keys)[0]) == len(keys)
    others = np.random.default_rng(4).integers(0, 2**64, 40_000, dtype=np.uint64)
    assert 0.0033 < len(filtered(lines, others)[0]) / len(others) < 0.0055


def test_most_keys_that_are_not_there_touch_no_block(tmp_path):
    """The filter answers for them: of a damaged block nobody is told who does not need it."""
    entries = entries_of(BLOCK * 40, 5)
    run = run_of(tmp_path / "a.run", entries)
    run.lookup(np.random.default_rng(6).integers(0, 2**64, 400, dtype=np.uint64))
    assert run._sound.sum() < 20
    assert not run.lookup(entries[0][:0])[0].size
    run.lookup(entries[0])
    assert run._sound.all()


def test_merging_is_sorting(tmp_path, monkeypatch):
    """Runs of any sizes, in pieces that are smaller than they are."""
    monkeypatch.setattr(sorted_runs, "_PIECE", 2 * BLOCK)
    many = [entries_of(count, count, 2**64 - 1 if count % 2 else 900) for count in (0, 1, 700, 5001, 4000)]
    runs = [run_of(tmp_path / f"{number}.run", entries) for number, entries in enumerate(many)]
    pieces = list(merged(runs))
    assert len(pieces) > 4
    keys, places = (np.concatenate(column) for column in zip(*pieces, strict=True))
    assert (np.diff(keys.astype(object)) >= 0).all()
    expected = [np.concatenate(column) for column in zip(*many, strict=True)]
    assert sorted(zip(keys.tolist(), places.tolist(), strict=True)) == sorted(
        zip(*(column.tolist() for column in expected), strict=True)
    )
    run = run_of(tmp_path / "merged.run", (keys, places), pieces=9)
    run.check_all()
    assert run.entries == len(keys)


def test_what_is_not_to_be_kept_is_left_out(tmp_path):
    """The filter then has more lines than it needs, and is sound."""
    entries = entries_of(3000, 8)
    write_run(tmp_path / "a.run", iter([entries]), 3000, lambda places: places % 3 == 0)
    run = SortedRun(tmp_path / "a.run")
    run.check_all()
    kept = entries[1] % 3 == 0
    expected = sorted(zip(entries[0][kept].tolist(), entries[1][kept].tolist(), strict=True))
    assert found_in(run, entries[0]) == expected


def test_every_damage_is_noticed(tmp_path):
    """In the filter, the blocks, the index and the footer: when it is opened, asked for all, or read whole."""
    entries = entries_of(2000, 9)
    path = tmp_path / "runs" / "a.run"
    path.parent.mkdir()
    run = run_of(path, entries)
    whole = path.read_bytes()
    filter_bytes, block_bytes = 64 * len(run._filter), 8 * 3072
    assert len(whole) == filter_bytes + block_bytes + 8 * 12 + 40
    rng = random.Random(1)
    places = [rng.randrange(low, high) for low, high in (
        (0, filter_bytes), (filter_bytes, filter_bytes + block_bytes), (filter_bytes + block_bytes, len(whole)),
    ) for _ in range(25)]  # fmt: skip
    for at in [0, filter_bytes, len(whole) - 1, *places]:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1 :])
        with pytest.raises(BadIndex, match=f"dedup index repair {tmp_path}"):
            SortedRun(path).lookup(entries[0])
        with pytest.raises(BadIndex, match=f"dedup index repair {tmp_path}"):
            SortedRun(path).check_all()
        path.unlink()
    for cut in (0, 10, 40, len(whole) - 1, len(whole) - 3072):
        path.write_bytes(whole[:cut])
        with pytest.raises(BadIndex, match="dedup index repair"):
            SortedRun(path)
        path.unlink()
    path.write_bytes(whole[:64] + whole)
    with pytest.raises(BadIndex, match="dedup index repair"):
        SortedRun(path)


def test_a_line_of_another_filter_is_noticed(tmp_path):
    """As where a write was lost, and the disk still holds what a run that is gone had at that place."""
    entries, others = entries_of(6000, 10), entries_of(7000, 11)
    run_of(tmp_path / "a.run", entries)
    run_of(tmp_path / "b.run", others)
    whole, foreign = (tmp_path / "a.run").read_bytes(), (tmp_path / "b.run").read_bytes()
    (tmp_path / "c.run").write_bytes(whole[:4096] + foreign[4096:8192] + whole[8192:])
    for ask in (lambda run: run.lookup(entries[0]), SortedRun.check_all):
        with pytest.raises(BadIndex, match="in line 64 of its filter, at byte 4096"):
            ask(SortedRun(tmp_path / "c.run"))


def test_a_filter_that_lacks_keys_is_noticed_by_whoever_reads_the_whole_run(tmp_path):
    """Its checksums are right, and it would hide what is there."""
    entries, others = entries_of(600, 10), entries_of(600, 11)
    run = run_of(tmp_path / "a.run", entries)
    lines = len(run._filter)
    foreign = filter_lines(others[0], lines, 0, lines, run._salt).tobytes()
    (tmp_path / "c.run").write_bytes(foreign + (tmp_path / "a.run").read_bytes()[64 * lines :])
    with pytest.raises(BadIndex, match="in line 0 of its filter, at byte 0"):
        SortedRun(tmp_path / "c.run").check_all()
