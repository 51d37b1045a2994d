"""Where the arrays of a run live: in memory while they are few, in files of a folder beyond that.

What lies in files is mapped: the system keeps of it in memory what is looked at and drops the rest when it needs room.
"""

from __future__ import annotations

import errno
import math
import mmap
import os
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dedup.errors import BadRun
from dedup.kept import Kept, Stage
from dedup.processes import Pool, start_method
from dedup.threads import in_threads

T = TypeVar("T")
R = TypeVar("R")
_BEFORE_PROCESSES = {"fork": 1, "forkserver": 4, "spawn": 4}
"""Items that are done here first: a small corpus is done before a process has started; a copy finds its tables made."""
_LIGHT = 8  # arrays may take this part of the memory once others are in files, where a page costs three times as much
_HELD = 8  # results of threads take this part of the memory at most, unless one alone takes more
MEMORY = 1 << 30


class Work:
    """The arrays of one run, and who works on them.

    Args:
        folder: where its files are made, without names, so that nothing stays of a run that is killed either; None:
            where temporary files go.
        memory: bytes that may be held; a quarter of it are arrays, before those go to files, and an eighth those that
            are made after that.
        workers: how many may work at a time.
        kept: its folder takes the files instead, and what was finished stays there when the run fails (see `stage`).
        forks: worker processes may be copies of this one while it has no other thread: they start at once. Else each
            imports what it needs, half a second long.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        memory: int = MEMORY,
        workers: int = 1,
        kept: Kept | None = None,
        forks: bool = False,
    ) -> None:
        self.workers = workers
        self._forks = forks
        self.kept = kept
        self._place = None if folder is None else Path(folder)
        self.memory = memory
        self._pool: Pool[Any, Any] | None = None
        self._held = 0
        self._light: dict[int, int] = {}  # arrays that are in memory though others are in files -> their bytes
        self._columns: list[Column] = []
        self._tables: list[Table] = []  # those that are filled in files
        self._in_files = kept is not None and kept.used
        self._files = 0 if kept is None else kept.last_number
        self._mapped: dict[int, str] = {}  # where arrays in files begin in memory -> the file

    def __enter__(self) -> Work:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def stage(
        self,
        name: str,
        make: Callable[[], T],
        to_arrays: Callable[[T], Stage],
        from_arrays: Callable[[Stage], T],
    ) -> T:
        """What *make* makes, or, where a run that goes on had finished it, what that had made.

        It is kept for a later run where this one keeps its work and has begun to put it into files.
        """
        if self.kept is not None and (found := self.kept.stage(name)) is not None:
            return from_arrays(found)
        made = make()
        if self.kept is not None and self._in_files:
            with self.written():
                self._remember(name, to_arrays(made))
        return made

    def _remember(self, name: str, stage: Stage) -> None:
        assert self.kept is not None
        files, to_write = {}, []
        with ExitStack() as opened:
            for key, array in stage.arrays.items():
                file = self._mapped.get(_begin(array), "")
                if not file or not array.flags.c_contiguous:
                    out = opened.enter_context(self._new_file())
                    file = Path(out.name).name
                    to_write.append((out, array))
                files[key] = (file, array.dtype.str, array.shape)
            for _ in self.in_threads(lambda one: _write(one[0], np.ascontiguousarray(one[1])), to_write):
                pass
        self.kept.add(name, files, stage.meta)

    def column(self, dtype: DTypeLike) -> Column:
        """An array that grows."""
        column = Column(self, np.dtype(dtype))
        self._columns.append(column)
        return column

    def zeros(self, shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """An array of zeros that can be written.

        Raises:
            BadRun: there is no room for it.
        """
        dtype = np.dtype(dtype)
        count = math.prod(shape) if isinstance(shape, tuple) else shape
        size = count * dtype.itemsize
        if self._stays(size):
            return self._noted(np.zeros(shape, dtype))
        with self.written():
            file = self._new_file()
            with file:
                _fill(file, size)
                return self._map(file, size, mmap.ACCESS_WRITE, dtype).reshape(shape)

    def full(self, shape: int | tuple[int, ...], value: int, dtype: DTypeLike) -> NDArray[Any]:
        """The same, of one value."""
        array = self.zeros(shape, dtype)
        array[...] = value
        return array

    def table(self, rows: int, columns: int, dtype: DTypeLike) -> Table:
        """A table of zeros whose columns are filled some at a time.

        Raises:
            BadRun: there is no room for it.
        """
        dtype = np.dtype(dtype)
        size = rows * columns * dtype.itemsize
        if not hasattr(os, "pwrite"):  # Windows
            return Table(self, self.zeros((rows, columns), dtype), None)
        if self._stays(size):
            return Table(self, self._noted(np.zeros((rows, columns), dtype)), None)
        with self.written():
            file = self._new_file()
            table = Table(self, np.broadcast_to(np.zeros((), dtype), (rows, columns)), file)
            self._tables.append(table)
            _fill(file, size)
        return table

    def stored(self, array: NDArray[Any]) -> NDArray[Any]:
        """The array itself while there is room for it in memory, then its like in a file.

        Raises:
            BadRun: there is no room for it.
        """
        if self._stays(array.nbytes):
            return self._noted(array)
        with self.written(), self._new_file() as file:
            _write(file, np.ascontiguousarray(array))
            return self._map(file, array.nbytes, mmap.ACCESS_WRITE, array.dtype).reshape(array.shape)

    @property
    def held(self) -> int:
        """Bytes that arrays took in memory before any went to files."""
        return self._held

    def foresee(self, before: int, share: float) -> None:
        """Lets all go to files now if it must do so later, when more would have to be moved.

        Args:
            before: what was held before something began to come.
            share: how much of that is there, from 0 to 1.
        """
        if not self._in_files and self._held - before > max(self.memory // 4 - before, 0) * share > 0:
            self._to_files()

    def in_processes(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """*function* of each item, in their order: of the first few in this process, of the others in as many as there
        are workers, of which this is one.

        The arrays of a result may lie in memory that the next ones take: copy what is to stay before you ask for more.
        What goes wrong in the items themselves is raised after the results of those before it.

        Raises:
            BadRun: a worker was killed.
        """
        if self.workers == 1:
            yield from map(function, items)
            return
        items = iter(items)
        method = start_method(self._forks)
        yield from map(function, islice(items, _BEFORE_PROCESSES[method]))
        first = list(islice(items, 1))
        if first:
            pool = self._pool = Pool(self.workers, method, function)
            try:
                yield from pool.results(chain(first, items))
            finally:
                self._pool = None

    def room(self, size: int) -> memoryview:
        """Memory for bytes that the next item for `in_processes` will hold, to be kept as long as its result.

        From there they go to another process without a copy.
        """
        shared = None if self._pool is None else self._pool.room(size)
        return np.empty(size, np.uint8).data if shared is None else shared

    def in_threads(
        self, function: Callable[[T], R], items: Iterable[T], size: Callable[[T], int] = lambda item: 0
    ) -> Iterator[R]:
        """*function* of each item, in their order, in as many threads as there are workers.

        Args:
            function: what is done.
            items: to what.
            size: bytes that an item and its result take: fewer are held at a time where these are large.
        """
        if self.workers == 1:
            yield from map(function, items)
        else:
            yield from in_threads(function, items, self.workers, size, self.memory // _HELD)

    def close(self) -> None:
        """Removes the files but those of finished stages; the arrays in them stay readable while they are held."""
        for column in self._columns:
            column.close()
        for table in self._tables:
            table.close()
        self._columns, self._tables, self._mapped = [], [], {}
        if self.kept is not None and self.kept.stages:
            self.kept.remove_others()
        elif self.kept is not None:
            self.kept.discard()

    def _stays(self, size: int) -> bool:
        """Whether an array of that many more bytes, which will not grow, may be held in memory."""
        if self._in_files:
            return size + sum(list(self._light.values())) <= self.memory // _LIGHT  # other threads may give some up
        return size == 0 or not self._spills(size)

    def _noted(self, array: NDArray[Any]) -> NDArray[Any]:
        """An array that is held in memory, counted until nobody holds it any more."""
        if self._in_files and array.size:
            self._light[id(array)] = array.nbytes
            weakref.finalize(array, self._light.pop, id(array), None).atexit = False
        return array

    def _spills(self, size: int) -> bool:
        """Whether a column belongs in a file with that many more bytes, as all do once memory is full."""
        if self._in_files:
            return True
        self._held += size
        if self._held <= self.memory // 4:
            return False
        self._to_files()
        return True

    def _to_files(self) -> None:
        self._in_files = True
        for column in self._columns:
            column.to_file()

    def _map(self, file: IO[bytes], size: int, access: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        mapped = mmap.mmap(file.fileno(), size, access=access)
        array = np.frombuffer(mapped, dtype)
        if self.kept is not None:
            self._mapped[_begin(array)] = Path(file.name).name
            weakref.finalize(mapped, self._forget, _begin(array)).atexit = False
        return array

    def _forget(self, begin: int) -> None:
        """Removes the file of an array that nobody holds any more, unless it is a part of a finished stage."""
        file = self._mapped.pop(begin, None)
        if file is not None and self.kept is not None:
            self.kept.remove(file)

    def _new_file(self) -> IO[bytes]:
        if self.kept is None:
            if self._place is not None:
                self._place.mkdir(parents=True, exist_ok=True)
            return tempfile.TemporaryFile("w+b", buffering=0, dir=self._place)
        self.kept.take()
        self._files += 1
        return (self.kept.folder / f"{self._files:04}").open("w+b", buffering=0)

    @contextmanager
    def written(self) -> Iterator[None]:
        """Tells what a full disk means here."""
        try:
            yield
        except OSError as error:
            where = self._place or tempfile.gettempdir() if self.kept is None else self.kept.folder
            raise BadRun(
                f"{where}: the work files cannot be written: {error.strerror or error}; make room, or name a folder "
                "with more of it with --work-dir"
            ) from error


def _begin(array: NDArray[Any]) -> int:
    """Where it begins in memory; an empty array begins nowhere."""
    return int(array.__array_interface__["data"][0]) if array.size else 0


def _write(file: IO[bytes], array: NDArray[Any]) -> None:
    """Writes a contiguous array to a file without a buffer, which may take it in pieces."""
    if array.size:
        rest = array.reshape(-1).view(np.uint8).data
        while rest:
            rest = rest[file.write(rest) :]


def _write_at(file: IO[bytes], array: NDArray[Any], begin: int) -> None:
    """The same at a place of the file, which may be done by several threads at a time."""
    rest = array.view(np.uint8).data
    while rest:
        written = os.pwrite(file.fileno(), rest, begin)
        rest, begin = rest[written:], begin + written


def _grown(memory: mmap.mmap | None, used: int, wanted: int) -> mmap.mmap:
    """Memory of at least *wanted* bytes that begins with what is *used*: what is not written to is not taken."""
    if memory is not None and wanted <= len(memory):
        return memory
    size = max(2 * used, wanted, mmap.PAGESIZE)
    grown = memory
    if memory is not None:
        try:
            memory.resize(size)  # moves no byte
        except (SystemError, ValueError, OSError):  # macOS cannot
            grown = None
    if grown is None:
        try:
            grown = mmap.mmap(-1, size, **_PRIVATE)
        except OSError as error:
            raise MemoryError(f"{size} bytes: {error.strerror}") from None
        if memory is not None:
            grown[:used] = memory[:used]
    if size >= _HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):
            grown.madvise(mmap.MADV_HUGEPAGE)
    return grown


_PRIVATE: dict[str, Any] = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if sys.platform != "win32" else {}
_BLOCK = 1 << 16  # bytes that are written to a file at once, unless it is the last
_HUGE = 1 << 22  # as NumPy has it


def _fill(file: IO[bytes], size: int) -> None:
    """Fills a file with so many zeros. No holes: one that cannot be filled later would end the process, not raise."""
    try:
        os.posix_fallocate(file.fileno(), 0, size)
        return
    except AttributeError:  # macOS, Windows
        pass
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):  # the file system has none
            raise
    zeros = np.zeros(min(size, 1 << 20), np.uint8)
    for start in range(0, size, len(zeros)):
        _write(file, zeros[: size - start])


class Column:
    """An array that grows at its end; see `Work.column`."""

    def __init__(self, work: Work, dtype: np.dtype[Any]) -> None:
        self._work, self._dtype = work, dtype
        self._memory: mmap.mmap | None = None
        self._file: IO[bytes] | None = None
        self._begun = bytearray()  # what goes to the file next: most columns grow by little at a time
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, array: NDArray[Any]) -> None:
        """Adds the elements of *array*.

        Raises:
            BadRun: there is no room for them.
        """
        array = np.ascontiguousarray(array, self._dtype)
        if self._file is None and self._work._spills(array.nbytes):
            self.to_file()
        if self._file is not None and array.nbytes >= _BLOCK:
            self._write_begun()
            with self._work.written():
                _write(self._file, array)
        elif self._file is not None and array.size:
            self._begun += array.view(np.uint8).data
            if len(self._begun) >= _BLOCK:
                self._write_begun()
        elif array.size:
            begin = self._length * self._dtype.itemsize
            self._memory = _grown(self._memory, begin, begin + array.nbytes)
            self._memory[begin : begin + array.nbytes] = array.view(np.uint8).data
        self._length += len(array)

    def to_file(self) -> None:
        """Moves what it holds to a file."""
        if self._file is None:
            with self._work.written():
                self._file = self._work._new_file()
                _write(self._file, self._held())
            self._memory = None

    def _write_begun(self) -> None:
        if self._begun and self._file is not None:
            with self._work.written():
                _write(self._file, np.frombuffer(self._begun, np.uint8))
            self._begun = bytearray()

    def _held(self) -> NDArray[Any]:
        if self._memory is None:
            return np.zeros(0, self._dtype)
        return np.frombuffer(self._memory, self._dtype, self._length)

    def whole(self) -> NDArray[Any]:
        """All elements; to be asked for once, and it does not grow any more."""
        self._work._columns.remove(self)
        if self._file is None:
            held, self._memory = self._held(), None
            return held
        with self._work.written(), self._file as file:
            self._write_begun()
            if not self._length:
                return np.zeros(0, self._dtype)
            size = self._length * self._dtype.itemsize
            return self._work._map(file, size, mmap.ACCESS_READ, self._dtype)

    def close(self) -> None:
        """Gives up what it holds."""
        if self._file is not None:
            self._file.close()


class Table:
    """A table that is filled; see `Work.table`.

    What lies in a file is written there, not to the memory in which it is mapped: each page that is written to in that
    way would be cleared before, and cost three times as much.
    """

    def __init__(self, work: Work, array: NDArray[Any], file: IO[bytes] | None) -> None:
        self._work, self._array, self._file = work, array, file

    @contextmanager
    def some(self, first: int, count: int) -> Iterator[tuple[NDArray[Any], int]]:
        """Some columns, which nobody else fills, to be written: a table that has them, and the first of them there.

        Raises:
            BadRun: there is no room for them.
        """
        if self._file is None:
            yield self._array, first
            return
        rows, columns = self._array.shape
        own = np.zeros((rows, count), self._array.dtype)
        yield own, 0
        with self._work.written():
            for row in range(rows):
                _write_at(self._file, own[row], (row * columns + first) * own.itemsize)

    def whole(self) -> NDArray[Any]:
        """All of it; to be asked for once, and it is not filled any more."""
        if self._file is None:
            return self._array
        self._work._tables.remove(self)
        with self._work.written(), self._file as file:
            size = self._array.size * self._array.itemsize
            array = self._work._map(file, size, mmap.ACCESS_READ, self._array.dtype)
            return array.reshape(self._array.shape)

    def close(self) -> None:
        """Gives up what it holds."""
        if self._file is not None:
            self._file.close()
