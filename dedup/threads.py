"""Items that several threads work on, this one among them, what they make of them in the order of the items."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_PATIENCE = 0.5  # seconds after which an idle thread looks whether the interpreter ends


def in_threads(
    function: Callable[[T], R],
    items: Iterable[T],
    workers: int,
    size: Callable[[T], int] = lambda item: 0,
    memory: int = 0,
) -> Iterator[R]:
    """*function* of each item, in their order.

    Args:
        function: what is done.
        items: to what.
        workers: how many threads work at a time, of which this is one.
        size: bytes that an item and its result take.
        memory: bytes that those take which are held at a time, unless one alone takes more.
    """
    waiting: deque[_Task] = deque()
    queue: SimpleQueue[_Task | None] = SimpleQueue()
    others: list[threading.Thread] = []
    held = 0

    def result() -> Any:
        """The next one."""
        nonlocal held
        task = waiting.popleft()
        while not task.done.acquire(blocking=False):
            try:
                waits = queue.get_nowait()
            except Empty:  # another thread works on it
                task.done.acquire()
                break
            assert waits is not None
            waits.do(function)
        held -= task.size
        if task.error is not None:
            raise task.error
        return task.made

    try:
        for item in items:
            task = _Task(item, size(item))
            while len(waiting) > 2 * workers or (waiting and held + task.size > memory):
                yield result()
            waiting.append(task)
            held += task.size
            queue.put(task)
            if len(others) < min(workers, len(waiting)) - 1:
                other = threading.Thread(target=_work, args=(function, queue))
                try:
                    other.start()
                except RuntimeError:  # a limit of memory or of processes: those that are there do all
                    workers = len(others) + 1
                else:
                    others.append(other)
        while waiting:
            yield result()
    finally:
        for task in waiting:
            task.is_wanted = False
        queue.put(None)
        for thread in others:
            thread.join()


class _Task:
    """An item, and what comes of it.

    Attributes:
        item: what is to be worked on.
        size: bytes that it takes.
        is_wanted: whether anybody waits for it.
        made: the result.
        error: what went wrong.
        done: locked until there is one of these.
    """

    __slots__ = ("done", "error", "is_wanted", "item", "made", "size")

    def __init__(self, item: Any, size: int) -> None:
        self.item, self.size = item, size
        self.is_wanted = True
        self.made: Any = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()

    def do(self, function: Callable[[Any], Any]) -> None:
        """Makes the result."""
        try:
            if self.is_wanted:
                self.made = function(self.item)
        except BaseException as error:
            self.error = error
        finally:
            self.done.release()


def _work(function: Callable[[Any], Any], queue: SimpleQueue[_Task | None]) -> None:
    """What the other threads do until they are told to end, or the interpreter ends while results are still held."""
    while True:
        try:
            task = queue.get(timeout=_PATIENCE)
        except Empty:
            if threading.main_thread().is_alive():
                continue
            return  # it waits for this one; who still asks for results, in a third thread, makes them there
        if task is None:
            queue.put(None)  # for the next: also for one that an interrupt kept from being counted
            return
        task.do(function)
