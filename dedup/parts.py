"""Corpora that are read in parts: any process can make records of a part, the reader gives them their ids in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
Room = Callable[[int], memoryview]
"""Memory for so many bytes."""


def memory(size: int) -> memoryview:
    """Memory of this process; what stands in it is not known."""
    return np.empty(size, np.uint8).data


def joined(parts: Sequence[bytes | memoryview], room: Room) -> memoryview:
    """Bytes one behind the other."""
    if len(parts) == 1:
        return memoryview(parts[0])
    place = room(sum(map(len, parts)))
    begin = 0
    for part in parts:
        place[begin : begin + len(part)] = part
        begin += len(part)
    return place


class Fault(NamedTuple):
    """Why a record cannot be read: its line, and what `RecordError` says."""

    line: int
    reason: str
    advice: str


class Records(NamedTuple):
    """Some records in their order.

    Attributes:
        files: the number of each file that they are of, and how many of them are.
        lines: the line of each in its file; 0 for a text file.
        ids: what each gives for its id, "" where it gives none.
        texts: the text of each.
        fields: the fields of each that were asked for, as far as it has them; empty where none were.
        faults: the records between them that cannot be read, all of the first file; where none are passed over, at most
            one, and nothing after it was read.
        where: int64 [records], int64 [records], the bytes of the one file that they are of between which the text of
            each stands as a string of JSON, quotes included (see `Partible.texts_at`); None: not all do.
    """

    files: Sequence[tuple[int, int]]
    lines: Sequence[int]
    ids: Sequence[str]
    texts: Sequence[str]
    fields: Sequence[Mapping[str, Any]]
    faults: Sequence[Fault] = ()
    where: tuple[I64, I64] | None = None


class Settled(NamedTuple):
    """What became of records.

    Attributes:
        ids: of those that are articles.
        rows: which of the records these are; None: all.
        error: to be raised after them.
    """

    ids: Sequence[str]
    rows: Sequence[int] | None = None
    error: Exception | None = None


class Part(Protocol):
    """A part of a corpus, which can be pickled."""

    def records(self) -> Records:
        """The records in it."""


class Given(NamedTuple):
    """A part whose records are known already."""

    known: Records

    def records(self) -> Records:
        """As they are."""
        return self.known


class Pass(Protocol):
    """One reading of a corpus, to its end.

    Take the parts; settle the records of each, in the order of the parts, if later than the next parts are taken; and
    finish when the last is settled. An error in taking parts is to be raised after all before it are settled.
    """

    def parts(self, room: Room = memory) -> Iterator[Part]:
        """The parts in their order.

        Args:
            room: gives memory for what the next part holds.
        """

    def share(self) -> float:
        """How much has been read to make the parts that were taken, from 0 to 1; 0: it is not known."""

    def settle(self, records: Records) -> Settled:
        """Gives the records of the next part their ids. Neither their texts nor their fields are looked at."""

    def finish(self) -> None:
        """Ends the reading. Raises what only the whole shows."""


@runtime_checkable
class Partible(Protocol):
    """A corpus that can be read in parts."""

    def begin(self, fields: Sequence[str] | None = None, progress: Callable[[int], object] | None = None) -> Pass:
        """Begins to read.

        Args:
            fields: the fields that are wanted of the records; None: all.
            progress: told how many more bytes, as stored, have been read.
        """

    def texts_at(self, file: int, starts: I64, ends: I64, lengths: I64) -> tuple[NDArray[np.uint8], I64]:
        """Texts that were read to the end before, in UTF-8: a segment array.

        Args:
            file: the number of the file that they are of.
            starts, ends: int64 [texts], see `Records.where`; they rise.
            lengths: int64 [texts], code points of each.

        Raises:
            BadInput: the file cannot be read any more, or holds other bytes now.
        """
