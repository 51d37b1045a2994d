"""Arrays in memory and in files, and who works on them."""

import errno
import mmap
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import processes
from dedup import work as module
from dedup.errors import BadInput, BadRun
from dedup.kept import Kept, Stage
from dedup.work import Work

DTYPES = st.sampled_from(["uint8", "bool", "int64", "uint32", "uint64"])


# ----------------------------------------------------------------------------------------------------------- arrays


@given(
    st.integers(4, 400),
    DTYPES,
    st.lists(st.tuples(st.integers(0, 1), st.lists(st.integers(0, 1), max_size=9)), max_size=12),
    st.integers(1, 100),
)
def test_a_column_is_the_same_whenever_it_goes_to_a_file(memory, dtype, appended, block):
    """Two columns grow in turns; with little memory they go to files at some moment, with much they never do.

    What goes there is written a block at a time, of any length.
    """
    wholes = []
    for budget in (memory, 1 << 20):
        with Work(memory=budget) as work, pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "_BLOCK", block)
            columns = [work.column(dtype), work.column("int64")]
            for which, values in appended:
                columns[which].append(np.array(values))
            lengths = [len(column) for column in columns]
            wholes.append([column.whole() for column in columns])
            assert lengths == [len(whole) for whole in wholes[-1]]
    expected = [[value for which, values in appended if which == one for value in values] for one in (0, 1)]
    for found in wholes:
        assert [whole.tolist() for whole in found] == [np.array(of, dtype).tolist() for of in expected]
        assert [whole.dtype.name for whole in found] == [dtype, "int64"]


@given(st.integers(4, 200), DTYPES, st.lists(st.integers(0, 9), min_size=1, max_size=3))
def test_zeros_can_be_written_wherever_they_lie(memory, dtype, shape):
    """In memory and in files they are arrays of that shape and type that begin as zeros."""
    with Work(memory=memory) as work:
        array = work.zeros(tuple(shape), dtype)
        assert array.dtype == dtype
        assert array.shape == tuple(shape)
        assert not array.any()
        array[...] = 1
        assert (work.full(tuple(shape), 1, dtype) == array).all()
        stored = work.stored(array.T[::2])
        assert stored.dtype == dtype
        assert np.array_equal(stored, array.T[::2])


@given(st.integers(4, 400), DTYPES, st.integers(0, 5), st.lists(st.integers(0, 9), max_size=9), st.integers(1, 2))
def test_a_table_is_filled_some_columns_at_a_time(memory, dtype, rows, counts, workers):
    """In any order, by threads too; what nobody fills stays zero."""
    firsts = np.cumsum([0, *counts])
    expected = np.arange(rows * firsts[-1]).reshape(rows, firsts[-1]).astype(dtype)
    with Work(memory=memory, workers=workers) as work:
        table = work.table(rows, int(firsts[-1]), dtype)

        def fill(number: int) -> None:
            first, end = firsts[number : number + 2].tolist()
            with table.some(first, end - first) as (own, at):
                own[:, at : at + end - first] = expected[:, first:end]

        filled = [number for number in reversed(range(len(counts))) if number != 2]
        list(work.in_threads(fill, filled))
        if len(counts) > 2:
            expected[:, firsts[2] : firsts[3]] = 0
        whole = table.whole()
        assert whole.dtype == dtype
        assert whole.shape == expected.shape
        assert np.array_equal(whole, expected)


def test_a_table_in_memory_is_counted_once():
    """Else what follows would go to files long before memory is full."""
    with Work(memory=8000) as work:
        table = work.table(10, 25, np.int64)
        assert work.held == 2000
        assert not isinstance(table.whole().base, mmap.mmap)
        assert not work._in_files


def test_what_lies_in_files_stays_readable_after_the_work_is_closed():
    """A result may hold arrays of a run that has ended."""
    with Work(memory=4) as work:
        column = work.column(np.int64)
        column.append(np.arange(1000))
        whole = column.whole()
        zeros = work.zeros(1000, np.int64)
    zeros[:] = whole
    assert zeros.tolist() == list(range(1000))


def test_files_without_names_are_used_beyond_the_budget(tmp_path):
    """Memory is a quarter of what may be held; nothing is seen in the folder, so that nothing can stay there."""
    with Work(tmp_path / "new", memory=8000) as work:
        held = [work.zeros(100, np.int64), work.zeros(100, np.int64)]
        assert not (tmp_path / "new").exists()
        held += [work.zeros(100, np.int64) for _ in range(3)]
        assert (tmp_path / "new").exists()
        assert list((tmp_path / "new").iterdir()) == []
        for array in held:
            array[...] = 1
    assert sum(array.sum() for array in held) == 500


def test_small_arrays_stay_in_memory_after_others_went_to_files(tmp_path):
    """As long as those that are held take no more than an eighth of it; a column goes on in its file."""
    kept = Kept(tmp_path / "work", {}, resume=False)

    def files() -> int:
        return len(list((tmp_path / "work").glob("0*")))

    with Work(memory=8_000, kept=kept) as work:
        column = work.column(np.int64)
        column.append(np.arange(1000))
        one, other = work.zeros(50, np.int64), work.stored(np.arange(50))
        part = other[10:]
        del other
        assert files() == 1
        third = work.zeros(75, np.int64)
        assert files() == 2
        del one
        fourth = work.zeros(75, np.int64)
        column.append(np.arange(5))
        assert files() == 2
        fourth[:] = 4
        work.stage("one", lambda: None, lambda _: Stage({"a": fourth, "b": third}), lambda stage: None)
        assert files() == 3
        assert column.whole().tolist() == [*range(1000), *range(5)]
        assert part.tolist() == list(range(10, 50))
    kept.close()
    found = Kept(tmp_path / "work", {}, resume=True)
    stage = found.stage("one")
    assert stage is not None
    assert stage.arrays["a"].tolist() == [4] * 75
    assert stage.arrays["b"].tolist() == [0] * 75
    found.close()


@pytest.mark.parametrize(
    ("before", "share", "moved"), [(0, 0.2, True), (0, 0.5, False), (0, 0.0, False), (800, 0.1, True)]
)
def test_what_will_not_fit_goes_to_files_at_once(tmp_path, before, share, moved):
    """There is less to be moved then than when memory is full; nothing is foreseen where nothing is known."""
    with Work(tmp_path / "new", memory=16_000) as work:
        earlier, column = work.column(np.uint8), work.column(np.int64)
        earlier.append(np.ones(before, np.uint8))
        column.append(np.arange(150))
        work.foresee(before, share)
        assert (tmp_path / "new").exists() == moved
        column.append(np.arange(150))
        assert column.whole().tolist() == [*range(150)] * 2
        assert earlier.whole().tolist() == [1] * before


def test_a_column_that_is_whole_does_not_go_to_a_file_later(tmp_path):
    """It is somebody else's by then: a copy on disk would free nothing."""
    kept = Kept(tmp_path / "work", {}, resume=False)
    with Work(memory=8000, kept=kept) as work:
        column = work.column(np.int64)
        column.append(np.arange(200))
        whole = column.whole()
        held = work.zeros(200, np.int64)
        assert held.nbytes == 1600
        assert [path.stat().st_size for path in (tmp_path / "work").glob("0*")] == [1600]
    assert whole.tolist() == list(range(200))


def test_the_file_of_an_array_that_nobody_holds_goes(tmp_path):
    """Unless it is a part of a finished stage: a long run needs no more room than what it looks at."""
    kept = Kept(tmp_path / "work", {}, resume=False)

    def files() -> list[str]:
        return sorted(path.name for path in (tmp_path / "work").glob("0*"))

    with Work(memory=4, kept=kept) as work:
        keys, column = work.zeros(9, np.int64), work.column(np.int64)
        part = keys[3:]
        column.append(np.arange(9))
        whole = [column.whole()]
        work.stage("one", lambda: None, lambda _: Stage({"a": whole[0]}), lambda stage: None)
        assert files() == ["0001", "0002"]
        del keys
        assert files() == ["0001", "0002"]
        assert part.tolist() == [0] * 6
        del part
        whole.clear()
        assert files() == ["0002"]
        late = work.zeros(9, np.int64)
    assert files() == ["0002"]
    (tmp_path / "work" / "0003").write_text("of another run by now")
    del late
    assert files() == ["0002", "0003"]
    kept.close()


# ------------------------------------------------------------------------------------------------------- full disks


def full(*_):
    """As a system call that finds no room."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("what", "keeps"),
    [
        *(("zeros", False), ("zeros", True), ("append", False), ("append", True), ("to file", True), ("stage", True)),
        *(("the end", False), ("the end", True), ("table", False), ("table", True), ("columns", True)),
    ],
)
def test_a_full_disk_is_a_clear_error(tmp_path, monkeypatch, what, keeps):
    """It names the folder and the way out, and nothing stays."""
    kept = Kept(tmp_path / "work", {}, resume=False) if keeps else None
    with Work(tmp_path / "work", memory=400, kept=kept) as work:
        column = work.column(np.int64)
        column.append(np.arange(10 if what == "to file" else 100))
        table = work.table(2, 100, np.int64) if what == "columns" else None
        monkeypatch.setattr(module, "_fill" if what in ("zeros", "table") else "_write", full)
        monkeypatch.setattr(os, "pwrite", full, raising=False)

        def fill():
            with table.some(3, 9) as (own, at):
                own[:, at : at + 9] = 1

        ways = {
            "zeros": lambda: work.zeros(100, np.int64),
            "table": lambda: work.table(2, 50, np.int64),
            "columns": fill,
            "the end": lambda: (column.append(np.arange(3)), column.whole()),  # little is written later
            "stage": lambda: work.stage(
                "one", lambda: np.arange(3), lambda array: Stage({"a": array}), lambda stage: None
            ),
        }
        with pytest.raises(BadRun, match=r"work: the work files cannot be written: No space left .* --work-dir"):
            ways.get(what, lambda: column.append(np.arange(1 << 14)))()
    assert list(tmp_path.rglob("*")) == ([] if keeps else [tmp_path / "work"])


def test_a_file_system_without_posix_fallocate_is_filled_by_hand(tmp_path, monkeypatch):
    """No holes: their pages could not be written once the disk is full."""

    def unknown(*_):
        raise OSError(errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(os, "posix_fallocate", unknown, raising=False)
    kept = Kept(tmp_path / "work", {}, resume=False)
    with Work(memory=4, kept=kept) as work:
        zeros = work.zeros(3_000_001, np.uint8)
        assert not zeros.any()
        stored = (tmp_path / "work" / "0001").stat()
        assert stored.st_size == 3_000_001
        assert stored.st_blocks * 512 >= 3_000_001


@pytest.fixture
def small_disk(tmp_path):
    """A file system with room for a megabyte."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    try:
        done = subprocess.run(mounted, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no mount here: {error}")
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("way", ["zeros", "append"])
def test_a_disk_that_is_really_full(small_disk, way):
    """The file system itself says so, before anything is mapped that has no room."""
    with Work(small_disk, memory=4) as work:
        column = work.column(np.uint8)
        for _ in range(4):
            column.append(np.ones(100_000, np.uint8))
        much = np.ones(2 << 20, np.uint8)
        with pytest.raises(BadRun, match="No space left on device"):
            work.zeros(much.shape, np.uint8) if way == "zeros" else column.append(much)
    assert list(small_disk.iterdir()) == []


def test_a_file_that_may_not_grow_is_a_clear_error(tmp_path):
    """As with `ulimit -f`."""
    code = (
        "import resource, signal, numpy\nfrom dedup.work import Work\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (99999, 99999))\n"
        "column = Work(memory=4).column('u1')\ncolumn.append(numpy.ones(200000, 'u1'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "the work files cannot be written: File too large" in done.stderr


# -------------------------------------------------------------------------------------------------------------- workers


def squared(number: int) -> int:
    """What workers do here."""
    time.sleep(0.001 * (number % 3))
    return number * number


def odd_ones(number: int) -> int:
    """Fails at 11."""
    if number == 11:
        raise BadInput("article 'x': is odd")
    return number


def ended(number: int) -> int:
    """Dies where it is not this process that works."""
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def signalled(number: int, name: str) -> int:
    """Gets a signal where it is not this process that works."""
    if multiprocessing.parent_process() is not None:
        signal.raise_signal(getattr(signal, name))
    return number


def slow_type(item: object) -> type:
    """Leaves some work to the others."""
    time.sleep(0.003)
    return type(item)


def pid(_: int) -> int:
    """Who works."""
    time.sleep(0.01)
    return os.getpid()


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("way", ["in_processes", "in_threads"])
def test_results_come_in_the_order_of_the_items(workers, way):
    """However long each takes; also when there are none."""
    work = Work(workers=workers)
    assert list(getattr(work, way)(squared, iter(range(40)))) == [number * number for number in range(40)]
    assert list(getattr(work, way)(squared, [])) == []


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("way", ["in_processes", "in_threads"])
def test_an_error_in_a_worker_is_raised_here(workers, way):
    """As itself, after the results that come before it."""
    results = getattr(Work(workers=workers), way)(odd_ones, range(40))
    assert list(islice(results, 11)) == list(range(11))
    with pytest.raises(BadInput, match="article 'x': is odd"):
        next(results)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_an_error_of_the_items_comes_after_the_results_before_it(workers):
    """Reading may fail at any article, long before those before it are done."""

    def items():
        yield from range(20)
        raise BadInput("line 21")

    results = Work(workers=workers).in_processes(squared, items())
    assert list(islice(results, 20)) == [number * number for number in range(20)]
    with pytest.raises(BadInput, match="line 21"):
        next(results)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("way", ["in_processes", "in_threads"])
def test_an_error_of_the_items_is_raised_here(workers, way):
    """Reading may fail at any article."""

    def items():
        yield from range(9)
        raise BadInput("line 10")

    with pytest.raises(BadInput, match="line 10"):
        list(getattr(Work(workers=workers), way)(squared, items()))


@pytest.mark.parametrize("way", ["in_processes", "in_threads"])
def test_no_more_items_are_taken_than_workers_need(way):
    """What waits is held in memory."""
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    results = getattr(Work(workers=2), way)(squared, items())
    for number in range(50):
        assert next(results) == number * number
        assert len(taken) <= number + 1 + 4 * 2 + 1
    results.close()


def test_few_results_of_threads_are_held_where_they_are_large():
    """What one alone takes is no matter."""
    taken = []

    def items():
        for number in range(40):
            taken.append(number)
            yield number

    work = Work(workers=8, memory=800)
    results = work.in_threads(squared, items(), lambda number: (40, 10**6)[number == 20])
    for number in range(40):
        assert next(results) == number * number
        assert len(taken) <= number + 4
    assert not list(results)


class Item(NamedTuple):
    """A number, bytes that are sent apart, and an array."""

    number: int
    raw: bytes | memoryview
    array: np.ndarray

    def __reduce_ex__(self, protocol: int) -> tuple:
        """As parts of a corpus."""
        return Item, (self.number, pickle.PickleBuffer(self.raw) if protocol >= 5 else bytes(self.raw), self.array)


def arrays(item: Item) -> tuple[int, dict[str, np.ndarray]]:
    """Some arrays of some lengths, none and other things among them."""
    time.sleep(0.003)
    number, raw, array = item
    found = {"a": np.arange(number % 7 * 1000), "b": np.full((2, number), number, np.uint8), "c": np.zeros(0)}
    found["e"] = np.frombuffer(raw, np.uint8) + array.sum()
    return number, {**found, "d": np.arange(20)[:: number % 3 + 1]}


@pytest.mark.parametrize(
    "way",
    [
        "forked",
        "not forked",
        "small trays",
        "small trays, not forked",
        "no trays",
        "closed trays",
        "full trays",
        "unmapped trays",
        "trays unmapped here",
    ],
)
def test_arrays_go_and_come_back_as_they_were_made(monkeypatch, way):
    """However they go and come; those of a result stay until the next is asked for."""

    def refused(*_, **__):
        raise OSError(errno.EPERM, "not permitted")

    if way.startswith("small trays"):
        monkeypatch.setattr(processes, "_TRAY", 1 << 12)
    if way == "no trays":
        monkeypatch.setattr(os, "memfd_create", refused, raising=False)
    if way == "closed trays":
        monkeypatch.setattr(processes.os, "open", refused)
    if way == "full trays":
        monkeypatch.setattr(os, "posix_fallocate", refused, raising=False)
    if way == "unmapped trays":
        monkeypatch.setattr(processes.mmap, "mmap", refused)
    if way == "trays unmapped here":
        monkeypatch.setattr(processes, "_MAPPED", 1 << 12)
        here, mapped = os.getpid(), mmap.mmap
        monkeypatch.setattr(
            processes.mmap,
            "mmap",
            lambda file, size, *more, **others: (
                refused() if os.getpid() == here and size > 1 << 14 else mapped(file, size, *more, **others)
            ),
        )
    work = Work(workers=3, forks="not forked" not in way)

    def item(number: int) -> Item:
        """The raw bytes of some in memory that is shared, of all of it or of a part."""
        raw: bytes | memoryview = bytes([number]) * 100 * number
        if number % 3:
            place = work.room(101 * number)
            place[number:] = raw
            raw = place[number:]
        return Item(number, raw, np.arange(number))

    items = map(item, range(90))
    expected = 0
    for number, found in work.in_processes(arrays, items):
        assert number == expected
        for name, array in arrays(Item(number, bytes([number]) * 100 * number, np.arange(number)))[1].items():
            assert found[name].dtype == array.dtype
            assert np.array_equal(found[name], array)
            assert found[name].flags.writeable
            assert found[name].flags.aligned
            found[name][...] = 7
        expected += 1
    assert expected == 90


def doubled(item: bytes) -> bytes:
    """Twice as much as was given."""
    return item + item


@pytest.mark.parametrize("way", ["trays", "small trays", "no trays"])
def test_items_and_results_may_be_larger_than_a_pipe(monkeypatch, way):
    """Neither side waits for the other to read."""
    if way == "small trays":
        monkeypatch.setattr(processes, "_TRAY", 1 << 12)
    if way == "no trays":
        monkeypatch.setattr(processes, "_new_trays", lambda: processes._Trays(None, 0))
    items = [bytes([number]) * (1 << 20) for number in range(24)]
    results = Work(workers=2, forks=True).in_processes(doubled, items)
    assert all(result == item + item for result, item in zip(results, items, strict=True))


def reversed_bytes(item: Item) -> np.ndarray:
    """A view of what was given."""
    time.sleep(0.003)
    return np.frombuffer(item.raw, np.uint8)[::-1]


def test_a_result_may_be_a_part_of_its_item():
    """It is not written over what it is made of."""
    work = Work(workers=2, forks=True)

    def item(number: int) -> Item:
        place = work.room(1000)
        place[:] = bytes([number]) * 500 + bytes(500)
        return Item(number, place, np.arange(0))

    for number, found in enumerate(work.in_processes(reversed_bytes, map(item, range(60)))):
        assert bytes(found) == bytes(500) + bytes([number]) * 500


def test_an_item_stays_as_it_is_while_its_result_may_have_to_be_made_here(monkeypatch):
    """Only the worker may have memory for what does not fit beside the item."""
    monkeypatch.setattr(processes, "_MAPPED", 1 << 12)
    here, mapped = os.getpid(), mmap.mmap

    def limited(file: int, size: int, *more: int, **others: int) -> mmap.mmap:
        if os.getpid() == here and size > 1 << 12:
            raise OSError(errno.ENOMEM, "no memory")
        return mapped(file, size, *more, **others)

    monkeypatch.setattr(processes.mmap, "mmap", limited)
    work = Work(workers=2, forks=True)

    def item(number: int) -> Item:
        place = work.room(1000)
        place[:] = bytes([number]) * 1000
        return Item(number, place, np.arange(10_000))

    for number, (found, result) in enumerate(work.in_processes(arrays, map(item, range(60)))):
        assert found == number
        assert (result["e"] == number + np.arange(10_000).sum()).all()


def test_an_error_in_a_worker_says_where_it_was_raised():
    """Its traceback is another process's."""
    with pytest.raises(ZeroDivisionError) as raised:
        list(Work(workers=2, forks=True).in_processes(partial(divided, os.getpid()), range(40)))
    assert "in divided" in str(raised.value.__cause__)


def divided(parent: int, number: int) -> float:
    """Fails in a worker."""
    time.sleep(0.003)
    return number / (os.getpid() == parent)


class UnsendableError(Exception):
    """Cannot be made again from what it says."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def unsendable(parent: int, number: int) -> object:
    """Results and errors that cannot go to another process."""
    time.sleep(0.003)
    if os.getpid() != parent and number > 20:
        raise UnsendableError(1, 2)
    return number if os.getpid() == parent else pickle.dumps if number < 15 else lambda: 1


def test_what_cannot_be_sent_back_is_an_error():
    """Not a worker that is gone."""
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        list(Work(workers=2, forks=True).in_processes(partial(unsendable, os.getpid()), range(40)))


def test_an_item_that_cannot_be_sent_is_an_error_in_its_place():
    """After the results before it, like all that is wrong with items."""
    lambdas = [lambda: None] * 40  # some of them are done here
    results = Work(workers=2, forks=True).in_processes(slow_type, chain(range(60), lambdas))
    assert list(islice(results, 60)) == [int] * 60
    with pytest.raises((pickle.PicklingError, AttributeError)):
        list(results)


def test_processes_are_forked_only_without_other_threads(monkeypatch):
    """A lock that another thread holds would stay locked for ever in the copy."""
    assert processes.start_method(forks=False) != "fork"
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    assert (processes.start_method(forks=True) == "fork") == (sys.platform == "linux")
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert processes.start_method(forks=True) != "fork"


@pytest.mark.parametrize("forks", [False, True])
def test_a_worker_that_is_killed_is_a_clear_error(forks):
    """The system ends processes where memory runs out."""
    with pytest.raises(BadRun, match="a worker process was ended from outside"):
        list(Work(workers=2, forks=forks).in_processes(ended, range(40)))


@pytest.fixture
def handlers():
    """The command's handlers: what tells it to end is as Ctrl-C."""
    before = {name: signal.signal(getattr(signal, name), signal.default_int_handler) for name in ("SIGTERM", "SIGHUP")}
    yield
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


@pytest.mark.parametrize("forks", [False, True])
@pytest.mark.usefixtures("handlers")
def test_a_worker_that_is_told_to_end_ends(forks):
    """It does not take that for Ctrl-C: a pool that is broken ends the others so, and waits for them."""
    with pytest.raises(BadRun, match="a worker process was ended from outside"):
        list(Work(workers=3, forks=forks).in_processes(partial(signalled, name="SIGTERM"), range(40)))


@pytest.mark.parametrize("forks", [False, True])
@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
@pytest.mark.usefixtures("handlers")
def test_workers_leave_interrupts_to_the_process_that_started_them(forks, name):
    """A terminal sends them to all."""
    results = Work(workers=2, forks=forks).in_processes(partial(signalled, name=name), range(40))
    assert list(results) == list(range(40))


@pytest.mark.parametrize("forks", [False, True])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_consumer_that_fails_leaves_no_process_behind(error, forks):
    """They are ended before the error goes on."""
    results = Work(workers=2, forks=forks).in_processes(pid, range(10_000))
    pids = {next(one for one in results if one != os.getpid())}
    with pytest.raises(error):
        results.throw(error)
    assert not [one for one in pids if Path(f"/proc/{one}").exists()]
    assert not multiprocessing.active_children()


def test_this_thread_works_too():
    """One less is started than there are workers, and none that has nothing to do."""
    work = Work(workers=3)
    found = list(work.in_threads(lambda _: (time.sleep(0.01), threading.get_ident())[1], range(30)))
    assert threading.get_ident() in found
    assert len(set(found)) == 3
    assert list(work.in_threads(lambda _: threading.active_count(), range(1))) == [threading.active_count()]


def test_no_item_is_begun_after_an_error_was_raised():
    """Those that were begun are waited for."""
    done = []

    def fails_at_three(number: int) -> None:
        time.sleep(0.001)
        done.append(number)
        if number == 3:
            raise BadInput("3")

    with pytest.raises(BadInput, match="3"):
        list(Work(workers=2).in_threads(fails_at_three, range(1000)))
    count = len(done)
    assert count < 12
    time.sleep(0.02)
    assert len(done) == count


def test_an_interrupt_at_the_start_of_a_thread_keeps_none_waiting(monkeypatch):
    """That one runs, but is not known to those that end the others."""
    start, started = threading.Thread.start, []

    def interrupted(thread):
        start(thread)
        started.append(thread)
        if len(started) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(Work(workers=3).in_threads(squared, range(100)))
    for thread in started:
        thread.join(20)
        assert not thread.is_alive()


@pytest.mark.parametrize("room", [0, 1, 2])
def test_what_no_thread_can_be_started_for_is_done_by_those_there_are(monkeypatch, room):
    """The system may have no memory for the stack of one more."""
    start, started = threading.Thread.start, []

    def limited(thread):
        if len(started) == room:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    assert list(Work(workers=4).in_threads(squared, range(100))) == [number**2 for number in range(100)]
    assert len(started) == room
    assert not any(thread.is_alive() for thread in started)


def test_a_consumer_that_fails_leaves_no_thread_behind():
    """The same of threads."""
    before = threading.active_count()
    results = Work(workers=2).in_threads(pid, range(1000))
    next(results)
    assert threading.active_count() > before
    results.close()
    assert threading.active_count() == before


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "ZeroDivisionError"])
def test_a_process_ends_though_results_of_threads_are_held_for_ever(error):
    """The last traceback holds what was never closed, and Python waits for threads at its end."""
    code = (
        "import time\nfrom dedup.work import Work\n"
        "results = Work(workers=3).in_threads(lambda number: time.sleep(0.01), range(100))\n"
        f"next(results)\nraise {error}\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode
    assert error in done.stderr


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked for in /proc")
@pytest.mark.parametrize("forks", [False, True])
def test_workers_end_with_a_process_that_is_killed(forks):
    """Nobody else would end them."""
    code = (
        "import multiprocessing, os, signal, sys\nfrom dedup.work import Work\nfrom tests.test_work import pid\n"
        "if __name__ == '__main__':\n"
        f"    for worker in Work(workers=3, forks={forks}).in_processes(pid, range(10_000)):\n"
        "        if worker != os.getpid():\n"
        "            print(*(child.pid for child in multiprocessing.active_children()), flush=True)\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=False, cwd=root, timeout=60)
    assert done.returncode == -signal.SIGKILL
    pids = done.stdout.split()
    assert pids
    deadline = time.monotonic() + 20
    while [one for one in pids if Path(f"/proc/{int(one)}").exists()]:
        assert time.monotonic() < deadline, "workers are still there"
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")
def test_a_copy_does_not_answer_ctrl_c_for_its_parent():
    """Not even before it has begun to work. In a process of its own: a thread that another test left keeps this one
    from being copied."""
    script = (
        "import os, signal\n"
        "from dedup import processes\n"
        "from dedup.work import Work\n"
        "from tests.test_work import pid\n"
        "work = processes._work\n"
        "def late(*args):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    work(*args)\n"
        "processes._work = late\n"
        "print(len(set(Work(workers=2, forks=True).in_processes(pid, range(300)))))\n"
        "print(signal.pthread_sigmask(signal.SIG_BLOCK, ()) & {signal.SIGINT, signal.SIGTERM})\n"
    )
    root = Path(__file__).parent.parent
    command = [sys.executable, "-c", script]
    parent = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root, timeout=60)
    assert (parent.stdout, parent.stderr) == ("2\nset()\n", "")


def test_few_items_start_no_process():
    """A small corpus is done before a process would have started."""
    assert set(Work(workers=8).in_processes(pid, range(4))) == {os.getpid()}


def test_functions_with_arguments_reach_workers():
    """Whatever can be pickled."""
    assert list(Work(workers=2).in_processes(partial(pow, 2), range(30))) == [2**number for number in range(30)]
