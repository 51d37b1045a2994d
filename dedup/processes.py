"""Items that other processes work on, what they make of them in the order of the items."""

from __future__ import annotations

import mmap
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from dedup.errors import BadRun

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from queue import SimpleQueue

# What starts processes takes a while to import, and one worker needs none: it is imported where it is used.

T = TypeVar("T")
R = TypeVar("R")

_FOR_EACH = 3  # items that each process has at most: one to work on, two that wait while this one works on its own
_WAITING = 4  # items for each worker that are held at most, done or not: the first may wait for a process to start
_SMALL = 1 << 14  # bytes of a message of which a pipe holds as many as a worker may have items


class Pool(Generic[T, R]):
    """As many processes as there are workers, of which this is one.

    Args:
        workers: more than one.
        method: how the others are started.
        function: what is done with each item.
    """

    def __init__(self, workers: int, method: str, function: Callable[[T], R]) -> None:
        self._workers, self._method, self._function = workers, method, function
        self._trays = _new_trays()
        self._free = list(range(_WAITING * workers + 1))
        self._others: list[_Worker] = []
        self._waiting: deque[_Task] = deque()

    def room(self, size: int) -> memoryview | None:
        """Memory for the next item that the worker sees which gets it; None: it has none."""
        return self._trays.room_for(size)

    def results(self, items: Iterable[T]) -> Iterator[R]:
        """See `dedup.work.Work.in_processes`."""
        errors: list[Exception] = []
        each, end = _until_error(items, errors), object()
        try:
            self._start()
            while True:
                for worker in self._others:
                    worker.hear_what_is_there()
                idlest = min(self._others, key=lambda worker: len(worker.tasks))
                # if the others have enough to do, and they may not have started yet, the next is done here
                tray = min(self._free) if len(idlest.tasks) < _FOR_EACH else None  # one that has its memory
                self._trays.turn_to(tray)
                item: Any = next(each, end)
                if item is end:
                    break
                task = _Task(item, tray)
                self._waiting.append(task)
                if tray is None:
                    task.do(self._function)
                else:
                    self._free.remove(tray)
                    idlest.take(task, self._trays)
                yield from self._told(_WAITING * self._workers)
            yield from self._told(0)
            if errors:
                raise errors[0]
        finally:
            for worker in self._others:
                worker.end()
            self._trays.close()

    def _start(self) -> None:
        from multiprocessing import get_context  # noqa: PLC0415

        trays = self._trays
        file = "" if trays.file is None else f"/proc/{os.getpid()}/fd/{trays.file}"
        begun = file, trays.room, self._function
        with _undisturbed() if self._method == "fork" else nullcontext():
            for _ in range(self._workers - 1):
                self._others.append(_Worker(get_context(self._method), self._method, begun))

    def _told(self, count: int) -> Iterator[R]:
        """The next results: those that are there, and whatever more than *count* are to come."""
        while self._waiting and (self._waiting[0].worker is None or len(self._waiting) > count):
            task = self._waiting.popleft()
            while task.worker is not None:
                task.worker.hear()
            if task.error is not None:
                raise task.error
            made = task.made
            if task.tray is not None and task.answer is not None:
                made = self._trays.get(task.tray, task.answer)
            yield self._function(task.item) if made is None else made[0]
            if task.tray is not None:
                self._free.append(task.tray)


def _until_error(items: Iterable[T], errors: list[Exception]) -> Iterator[T]:
    """The items; an error of theirs ends them and goes into the list."""
    try:
        yield from items
    except Exception as error:
        errors.append(error)


class _Task:
    """An item, and what comes of it.

    Attributes:
        item: what is to be worked on.
        tray: in which it goes to a worker and comes back; None: it is done here.
        worker: who has it; None: it is done.
        made: the result if it is made here.
        answer: that of another process, as it stands in the tray; None: it could not see the item.
        error: what went wrong.
    """

    __slots__ = ("answer", "error", "item", "made", "tray", "worker")

    def __init__(self, item: Any, tray: int | None) -> None:
        self.item, self.tray = item, tray
        self.worker: _Worker | None = None
        self.made: tuple[Any] | None = None
        self.answer: _Pickled | None = None
        self.error: Exception | None = None

    def do(self, function: Callable[[Any], Any]) -> None:
        """Does it here."""
        try:
            self.made = (function(self.item),)
        except Exception as error:
            self.error = error


class _Worker:
    """A process that works on items one after the other, and answers in their order."""

    def __init__(self, context: Any, method: str, begun: tuple[str, int, Callable[[Any], Any]]) -> None:
        self.tasks: deque[_Task] = deque()
        self._method = method
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=_work, args=(there, *begun), daemon=True)
        self._process.start()
        there.close()  # so that this end hears of its end

    def take(self, task: _Task, trays: _Trays) -> None:
        """Gives it a task more."""
        assert task.tray is not None
        try:
            item = trays.put(task.tray, task.item)
            message = pickle.dumps((task.tray, item, trays.taken), 5)
        except Exception as error:
            task.error = error
            return
        if trays.file is not None and len(message) > _SMALL:
            while self.tasks:  # else both could wait for the other to read
                self.hear()
        with self._alive():
            self._pipe.send_bytes(message)
        task.worker = self
        self.tasks.append(task)

    def hear_what_is_there(self) -> None:
        """Takes the answers that have come."""
        while self.tasks and self._pipe.poll():
            self.hear()

    def hear(self) -> None:
        """Waits for an answer."""
        with self._alive():
            answer = self._pipe.recv_bytes()
        task = self.tasks.popleft()
        task.worker = None
        try:
            task.answer, task.error, where = pickle.loads(answer)
        except Exception as error:
            task.error = error
        else:
            if task.error is not None:
                task.error.__cause__ = _ElsewhereError(where)

    def end(self) -> None:
        """Ends it, whatever it does: it holds nothing."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self._pipe.close()

    @contextmanager
    def _alive(self) -> Iterator[None]:
        """Tells what it means where it does not listen any more."""
        try:
            yield
        except (EOFError, OSError):
            unguarded = "" if self._method == "fork" else ', and guard the main module by if __name__ == "__main__"'
            raise BadRun(
                "a worker process was ended from outside, perhaps for want of memory; pass a smaller --workers, or see "
                f"who ended it{unguarded}"
            ) from None


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keeps signals waiting: a copy would answer Ctrl-C as its parent does until it leaves that to it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _ElsewhereError(Exception):
    """Where in a worker an error was raised, to be shown with it."""


def start_method(forks: bool) -> str:
    """How worker processes are started. Only Linux forks in safety, and only where no other thread holds a lock."""
    from multiprocessing import get_all_start_methods  # noqa: PLC0415

    methods = get_all_start_methods()
    if forks and sys.platform == "linux" and "fork" in methods and threading.active_count() == 1:
        return "fork"
    return "forkserver" if "forkserver" in methods else "spawn"


# --------------------------------------------------------------------------------------------------------------- trays

_TRAY = 1 << 26  # no more memory is taken than is used: lines of two characters make this much of a part
_MAPPED = 1 << 22  # bytes of a tray that are mapped, a multiple: what most parts and their results take
_SHARED = getattr(mmap, "MAP_SHARED", 0) | getattr(mmap, "MAP_POPULATE", 0)  # all pages at once, not one by one
_ALIGNED = 64  # where arrays begin in it, a multiple

_Pickled = list[tuple[int, int]] | bytes
"""Where in a tray something pickled stands, its arrays apart; or, where it has no room, all of it."""


class _Trays:
    """Memory in which items are handed to workers, and what they made of them back, instead of through a pipe in bits
    of 64 KB.

    Args:
        file: the memory, as a file of no name, so that it ends with the processes; None: all goes through the pipe.
        room: the most that a tray holds.
    """

    def __init__(self, file: int | None, room: int) -> None:
        self.file, self.room = file, room
        self._next: int | None = None  # the tray of the next item
        self._mapped: dict[int, memoryview] = {}
        self._taken = (0, 0)  # where memory for the next item begins, and its bytes

    def turn_to(self, tray: int | None) -> None:
        """Takes a tray, which is free, for the next item; None: it needs none."""
        self._next = tray
        self._taken = (0, 0)

    @property
    def taken(self) -> int:
        """Bytes at the beginning of the tray that are memory for the item, even where the rest of it had no room."""
        return self._taken[1]

    def room_for(self, size: int) -> memoryview | None:
        """Memory in the tray of the next item; None: it has none."""
        tray = self._next
        if tray is None or self._taken[1] or not size or (places := self._places(tray, [(0, size)])) is None:
            return None
        self._taken = _begin(places[0]), size
        return places[0]

    def put(self, tray: int, made: Any, first: int = 0) -> _Pickled:
        """Puts something there, behind the *first* bytes and the memory that was given for an item."""
        if self.file is None:
            return pickle.dumps(made, 5)
        buffers: list[memoryview] = []
        body = pickle.dumps(made, 5, buffer_callback=lambda buffer: buffers.append(buffer.raw()))
        things = [memoryview(body), *buffers]
        begin, size = self._taken
        spans, copied = [], []
        end = max(first, size)
        for thing in things:
            length = len(thing)
            start = _begin(thing) - begin if size and length else -1
            if not 0 <= start <= size - length:
                start = -(-end // _ALIGNED) * _ALIGNED
                end = start + length
                copied.append(((start, length), thing))
            spans.append((start, length))
        places = self._places(tray, [span for span, _ in copied])
        if places is None:
            return pickle.dumps(made, 5)
        for place, (_, thing) in zip(places, copied, strict=True):
            place[:] = thing
        return spans

    def get(self, tray: int, pickled: _Pickled, changes: bool = True) -> tuple[Any] | None:
        """What was put there, its arrays in the memory of the tray; None: it cannot be seen.

        Args:
            changes: they may be written to.
        """
        if isinstance(pickled, bytes):
            return (pickle.loads(pickled),)
        if (places := self._places(tray, pickled)) is None:
            return None
        body, *others = places
        return (pickle.loads(body, buffers=others if changes else [other.toreadonly() for other in others]),)

    def _places(self, tray: int, spans: Sequence[tuple[int, int]]) -> list[memoryview] | None:
        """These spans of a tray; None: it has no room, or there is a limit of memory."""
        end = _end(spans)
        if self.file is None or end > self.room:
            return None
        mapped = self._mapped.get(tray, memoryview(b""))
        if len(mapped) < end:
            at, size = tray * self.room, min(-(-end // _MAPPED) * _MAPPED, self.room)
            try:
                os.posix_fallocate(self.file, at, size)  # want of memory would end the process later, not raise
                mapped = memoryview(mmap.mmap(self.file, size, _SHARED, offset=at))
            except (OSError, ValueError):
                return None
            self._mapped[tray] = mapped
        return [mapped[start : start + length] for start, length in spans]

    def close(self) -> None:
        """Its memory goes with the last array that lies in it."""
        self._mapped, self._next = {}, None
        if self.file is not None:
            os.close(self.file)
            self.file = None


def _begin(view: memoryview) -> int:
    """Where it begins in memory."""
    return int(np.frombuffer(view, np.uint8).__array_interface__["data"][0])


def _end(spans: Sequence[tuple[int, int]]) -> int:
    """Where the last of them ends."""
    return max((start + length for start, length in spans), default=0)


def _new_trays() -> _Trays:
    """Trays of this process, where it can have some."""
    if sys.platform == "linux":
        with suppress(OSError):  # there may be a limit
            return _Trays(os.memfd_create("dedup"), _TRAY)
    return _Trays(None, 0)


# ------------------------------------------------------------------------------------------------------- in the worker


def _work(pipe: Connection, file: str, room: int, function: Callable[[Any], Any]) -> None:
    """What a worker does.

    It leaves Ctrl-C to the process that started it, and ends with it even where that is killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a copy has its parent's handlers
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as Ctrl-C
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    trays = _Trays(None, 0)
    if file:
        with suppress(OSError):  # what comes in trays is left to the parent then
            trays = _Trays(os.open(file, os.O_RDWR), room)
    received = pipe.recv_bytes if file else _received(pipe)
    with suppress(EOFError, OSError):  # nobody listens any more
        while True:
            pipe.send_bytes(_answer(function, trays, received()))


def _end_with_parent() -> None:
    from multiprocessing import parent_process  # noqa: PLC0415

    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _received(pipe: Connection) -> Callable[[], bytes]:
    """What takes the next message, which a thread has received as it came.

    Without trays messages are large: the other side would wait for this one to read, or both for the other.
    """
    from queue import SimpleQueue  # noqa: PLC0415

    messages: SimpleQueue[bytes] = SimpleQueue()

    def receive() -> None:
        with suppress(EOFError, OSError):
            while True:
                messages.put(pipe.recv_bytes())

    threading.Thread(target=receive, daemon=True).start()
    return messages.get


def _answer(function: Callable[[Any], Any], trays: _Trays, message: bytes) -> bytes:
    """What a worker makes of an item, both in a tray, or what goes wrong and where; None: it cannot see the item."""
    try:
        tray, item, taken = pickle.loads(message)
        given = trays.get(tray, item, changes=False)
        if given is None:
            return pickle.dumps((None, None, ""), 5)
        # what it is made of may be a part of what it makes, and be needed where that cannot be seen
        first = taken if isinstance(item, bytes) else _end(item)
        return pickle.dumps((trays.put(tray, function(*given), first), None, ""), 5)
    except Exception as error:
        from traceback import format_exc  # noqa: PLC0415

        where = f"\n{format_exc()}"
        try:
            return pickle.dumps((None, error, where), 5)
        except Exception as other:  # it cannot be sent
            return pickle.dumps((None, pickle.PicklingError(f"{error!r}: {other}"), where), 5)
