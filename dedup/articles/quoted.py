"""Texts that stand in files of JSONL as strings, read there again when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from io import FileIO

import numpy as np

from dedup import kernel
from dedup.articles.files import ChangedError, FileFault, InputFile, Stored
from dedup.kernel.reference import I64, U8

_GAP = 1 << 16  # bytes between two texts that are read with them sooner than passed over
_TOGETHER = 1 << 20  # bytes that are read at once, unless one text is longer


def texts_at(file: InputFile, stored: Stored | None, starts: I64, ends: I64, lengths: I64) -> tuple[U8, I64]:
    """Texts in UTF-8: a segment array.

    The file is read and not mapped: a mapped one that somebody cuts short ends the process.

    Args:
        file: a local one that is not compressed.
        stored: what it was when it was read first.
        starts, ends: int64 [texts], between which bytes each stands, its quotes included; they rise.
        lengths: int64 [texts], code points of each.

    Raises:
        ChangedError: it is not what it was.
        FileFault: it cannot be read any more.
    """
    utf8 = np.empty(int((ends - starts).sum()), np.uint8)  # memory that is not written to is not taken
    runs = list(_runs(starts, ends))
    room = np.empty(max((int(ends[high - 1] - starts[low]) for low, high in runs), default=0), np.uint8)
    bounds = [np.zeros(1, np.int64)]
    filled = 0
    try:
        with file.path.open("rb", buffering=0) as opened:
            if Stored.of(opened) != stored:
                raise ChangedError(file)
            for low, high in runs:
                own, begin = slice(low, high), int(starts[low])
                raw = room[: ends[high - 1] - begin]
                found = None
                if _fill(opened, begin, raw):
                    found = kernel.json_unquoted(raw, starts[own] - begin, ends[own] - begin, utf8[filled:])
                if found is None or not np.array_equal(found[1], lengths[own]):
                    raise ChangedError(file)
                bounds.append(filled + found[0][1:])
                filled = int(bounds[-1][-1])
            if Stored.of(opened) != stored:
                raise ChangedError(file)
    except OSError as error:
        raise FileFault(file, f"cannot be read: {error.strerror or error}", "see to the file") from None
    return utf8[:filled], np.concatenate(bounds)


def _runs(starts: I64, ends: I64) -> Iterator[tuple[int, int]]:
    """(first, end) of the texts that are read together."""
    breaks = np.flatnonzero(starts[1:] - ends[:-1] > _GAP) + 1
    for low, high in zip([0, *breaks.tolist()], [*breaks.tolist(), len(starts)], strict=True):
        at = low
        while at < high:
            stop = max(at + 1, int(np.searchsorted(ends[:high], starts[at] + _TOGETHER, side="right")))
            yield at, stop
            at = stop


def _fill(opened: FileIO, begin: int, raw: U8) -> bool:
    """Reads what stands from *begin* on, as much as there is room for; whether there was as much."""
    opened.seek(begin)
    rest = raw.data
    while rest and (read := opened.readinto(rest)):
        rest = rest[read:]
    return not rest
