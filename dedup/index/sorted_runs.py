"""Runs: immutable files of (key, place) sorted by key, memory-mapped, with a checksum for whatever is read of them.

A file is a filter over its keys, blocks of keys and their places (see `dedup.kernel.lookup_reference`), the first key
and the checksum of each block, and a footer with the sizes and a checksum of all that is neither filter nor block.
Whatever is read is checked: the footer when a run is opened, a block when it is first looked into, a line of the filter
every time. Most keys that are looked up are in no run, and cost a line of the filter.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.errors import BadIndex
from dedup.kernel.lookup_reference import BLOCK, BLOCK_TYPE, block_spans, filter_size
from dedup.kernel.reference import I64, U8, U32, U64, offsets_of, positions

_LINE = 64  # bytes of a line of the filter
_SIZES = struct.Struct("<QQQI")  # entries, lines and salt of the filter, block size
_FOOTER = struct.Struct("<QQQII8s")  # those, checksum of what stands behind the blocks, magic
_MAGIC = b"dedupRN2"
_PIECE = 1 << 19  # entries merged at a time
_MOST = np.uint64(0xFFFFFFFFFFFFFFFF)

Entries = tuple[U64, U32]
"""Keys and their places, sorted by key."""


def in_order(keys: U64, places: U32) -> Entries:
    """The entries sorted by key."""
    order = np.argsort(
        keys
    )  # not stable: that would be many times slower, and nobody asks which of equal keys is first
    return keys[order], places[order]


def joined(pieces: Sequence[Entries]) -> Entries:
    """Several lots of entries as one."""
    if len(pieces) == 1:
        return pieces[0]
    keys = np.concatenate([np.zeros(0, np.uint64), *(keys for keys, _ in pieces)])
    places = np.concatenate([np.zeros(0, np.uint32), *(places for _, places in pieces)])
    return kernel.merge_entries(keys, places, offsets_of(np.array([len(keys) for keys, _ in pieces], np.int64)))


def lookup(entries: Entries, wanted: U64) -> tuple[I64, U32]:
    """Which of the *wanted* keys (sorted) have which places: (numbers in *wanted*, places), int64 and uint32 [hits]."""
    keys, places = entries
    low = keys.searchsorted(wanted)
    found = np.flatnonzero(keys[np.minimum(low, len(keys) - 1)] == wanted) if len(keys) else low[:0]
    if not len(found):
        return found, places[:0]
    counts = keys.searchsorted(wanted[found], side="right") - low[found]
    return np.repeat(found, counts), places[positions(low[found], counts)]


class SortedRun:
    """A run that is open for look-ups.

    Attributes:
        path: its file.
        size: bytes of it.
        entries: how many it has.
        check: the checksum by which the manifest knows it.
    """

    def __init__(self, path: Path) -> None:
        """Opens a run.

        Raises:
            FileNotFoundError: it is gone, as after a merge.
            BadIndex: it is no whole run.
        """
        self.path = path
        self.size = size = path.stat().st_size
        if size < _FOOTER.size:
            raise damaged(path, "is cut short")
        whole: U8 = np.memmap(path, np.uint8, "r")
        footer = whole[-_FOOTER.size :].tobytes()
        self.entries, lines, self._salt, block, self.check, magic = _FOOTER.unpack(footer)
        blocks = -(-self.entries // BLOCK)
        begin = _LINE * lines
        end = begin + blocks * BLOCK_TYPE.itemsize
        if magic != _MAGIC or block != BLOCK or size != end + 12 * blocks + _FOOTER.size:
            raise damaged(path, "has no footer, or one that does not fit its size")
        index = whole[end : end + 12 * blocks].tobytes()
        if _checksum(index, self.entries, lines, self._salt) != self.check:
            raise damaged(path, "has a footer that is not what was written")
        self._filter: U64 = np.ndarray((lines, _LINE // 8), np.uint64, whole)
        self._first: U64 = np.frombuffer(index, "<u8", blocks)
        self._checks: U32 = np.frombuffer(index, "<u4", blocks, 8 * blocks)
        self._bytes: U8 = np.ndarray(end - begin, np.uint8, whole, begin)
        self._blocks: NDArray[Any] = np.ndarray(blocks, BLOCK_TYPE, whole, begin)
        self._sound = np.zeros(blocks, bool)

    def lookup(self, wanted: U64) -> tuple[I64, U32]:
        """See the function of the same name; *wanted* need not be sorted."""
        if not self.entries:
            return np.zeros(0, np.int64), np.zeros(0, np.uint32)
        passed, wrong = kernel.filtered(self._filter, wanted, self._salt)
        if wrong >= 0:
            raise self._damaged_line(wrong)
        if not len(passed):
            return passed, np.zeros(0, np.uint32)
        chosen = wanted[passed]
        found = kernel.find(self._bytes, self._first, self._sound, self.entries, chosen)
        if found is None:
            begin, end = block_spans(self._first, chosen)
            self._check(positions(begin, end - begin))
            found = kernel.find(self._bytes, self._first, self._sound, self.entries, chosen)
            assert found is not None
        return passed[found[0]], found[1]

    def _check(self, blocks: I64) -> None:
        new = blocks[~self._sound[blocks]]
        for block in set(new.tolist()):
            if zlib.crc32(self._blocks[block : block + 1].data) != self._checks[block]:
                at = _LINE * len(self._filter) + block * BLOCK_TYPE.itemsize
                raise damaged(self.path, f"is damaged in block {block}, at byte {at}")
            self._sound[block] = True

    def _damaged_line(self, line: int) -> BadIndex:
        return damaged(self.path, f"is damaged in line {line} of its filter, at byte {_LINE * line}")

    def check_all(self) -> None:
        """Reads the whole run.

        Raises:
            BadIndex: something is not what was written.
        """
        filter_lines = _FilterLines(len(self._filter), self._salt)
        for block in range(0, len(self._first), _PIECE // BLOCK):
            keys, _ = self.slice(block * BLOCK, min(block * BLOCK + _PIECE, self.entries))
            self._check_filter(*filter_lines.add(keys))
        self._check_filter(*filter_lines.rest())

    def _check_filter(self, first: int, lines: U64) -> None:
        wrong = np.flatnonzero((self._filter[first : first + len(lines)] != lines).any(axis=1))
        if len(wrong):
            raise self._damaged_line(first + int(wrong[0]))

    def slice(self, low: int, high: int) -> Entries:
        """The entries *low* to *high* (exclusive)."""
        self._check(np.arange(low // BLOCK, -(-high // BLOCK)))
        blocks = self._blocks[low // BLOCK : -(-high // BLOCK)]
        within = slice(low % BLOCK, low % BLOCK + high - low)
        return blocks["keys"].ravel()[within], blocks["places"].ravel()[within]

    def bounds(self, splits: U64) -> list[int]:
        """Where the entries with keys below each of *splits* end."""
        if not self.entries:
            return [0] * len(splits)
        begin, _ = block_spans(self._first, splits)
        self._check(begin)
        return [
            min(block * BLOCK + int(np.searchsorted(self._blocks[block]["keys"], split)), self.entries)
            for block, split in zip(begin.tolist(), splits, strict=True)
        ]

    @property
    def first_keys(self) -> U64:
        """The first key of each block."""
        return self._first


class _FilterLines:
    """The lines of a filter over sorted keys that come some at a time."""

    def __init__(self, lines: int, salt: int) -> None:
        self._lines = lines
        self._salt = salt
        self._reached = 0
        self._waiting = np.zeros(0, np.uint64)  # keys of a line into which more may come

    def add(self, keys: U64) -> tuple[int, U64]:
        """Takes more keys; gives the lines that are done: the number of the first, and uint64 [lines, 8]."""
        keys = np.concatenate((self._waiting, keys))
        end = int(keys[-1]) * self._lines >> 64 if len(keys) else 0
        if end <= self._reached:
            self._waiting = keys
            return self._reached, np.zeros((0, _LINE // 8), np.uint64)
        least = -(-(end << 64) // self._lines)  # of the keys in that line
        count = int(np.searchsorted(keys, np.uint64(least)))
        self._waiting = keys[count:]
        return self._done(keys[:count], end)

    def rest(self) -> tuple[int, U64]:
        """The lines that are left."""
        return self._done(self._waiting, self._lines)

    def _done(self, keys: U64, end: int) -> tuple[int, U64]:
        first, self._reached = self._reached, end
        return first, kernel.filter_lines(keys, self._lines, first, end, self._salt)


def merged(runs: Sequence[SortedRun]) -> Iterator[Entries]:
    """The entries of several runs as one sorted row, in pieces that take little memory."""
    every = max(1, _PIECE // BLOCK)
    firsts = np.sort(np.concatenate([np.zeros(0, np.uint64), *(run.first_keys for run in runs)]))
    splits = np.unique(firsts[every::every])
    reached = [0] * len(runs)
    bounds = [[*run.bounds(splits), run.entries] for run in runs]
    for piece in range(len(splits) + 1):
        parts = []
        for number, run in enumerate(runs):
            parts.append(run.slice(reached[number], bounds[number][piece]))
            reached[number] = bounds[number][piece]
        yield joined(parts)


def write_run(
    path: Path, pieces: Iterator[Entries], most: int, keep: Callable[[U32], NDArray[np.bool_]] | None = None
) -> int:
    """Writes sorted entries as a run, durable when this returns; gives the checksum by which `SortedRun` knows it.

    Args:
        path: a file that does not exist yet; it appears whole or not at all.
        pieces: the entries, in pieces that follow each other.
        most: at least as many as there are.
        keep: says of places which of them to keep; None: all.
    """
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("wb") as file:
            check = _write(file, pieces, most, keep)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return check


def _write(
    file: BinaryIO, pieces: Iterator[Entries], most: int, keep: Callable[[U32], NDArray[np.bool_]] | None
) -> int:
    entries, lines = 0, filter_size(most)
    firsts, checks = [np.zeros(0, "<u8")], [np.zeros(0, "<u4")]
    rest: Entries = (np.zeros(0, np.uint64), np.zeros(0, np.uint32))
    salt = int.from_bytes(os.urandom(8))  # what the disk held before is no line of this filter
    filter_lines = _FilterLines(lines, salt)
    at = _LINE * lines  # where the next block goes

    def write_lines(first: int, some: U64) -> None:
        file.seek(_LINE * first)
        file.write(some.data)

    def write_blocks(keys: U64, places: U32) -> None:
        nonlocal at
        blocks = np.empty(len(keys) // BLOCK, BLOCK_TYPE)
        blocks["keys"] = keys.reshape(-1, BLOCK)
        blocks["places"] = places.reshape(-1, BLOCK)
        file.seek(at)
        at += file.write(blocks.data)
        firsts.append(blocks["keys"][:, 0].copy())
        sums = [zlib.crc32(blocks[block : block + 1].data) for block in range(len(blocks))]
        checks.append(np.array(sums, "<u4"))

    for keys, places in pieces:
        if keep is not None:
            kept = keep(places)
            keys, places = keys[kept], places[kept]  # noqa: PLW2901
        entries += len(keys)
        write_lines(*filter_lines.add(keys))
        all_keys, all_places = np.concatenate((rest[0], keys)), np.concatenate((rest[1], places))
        full = len(all_keys) // BLOCK * BLOCK
        write_blocks(all_keys[:full], all_places[:full])
        rest = all_keys[full:], all_places[full:]
    write_lines(*filter_lines.rest())
    if len(rest[0]):
        missing = BLOCK - len(rest[0])
        write_blocks(
            np.concatenate((rest[0], np.full(missing, _MOST))), np.concatenate((rest[1], np.zeros(missing, np.uint32)))
        )
    index = np.concatenate(firsts).tobytes() + np.concatenate(checks).tobytes()
    check = _checksum(index, entries, lines, salt)
    file.seek(at)
    file.write(index + _FOOTER.pack(entries, lines, salt, BLOCK, check, _MAGIC))
    return check


def _checksum(index: bytes, entries: int, lines: int, salt: int) -> int:
    return zlib.crc32(_SIZES.pack(entries, lines, salt, BLOCK), zlib.crc32(index))


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def damaged(path: Path, what: str) -> BadIndex:
    """The error for a file that look-ups are made in."""
    return BadIndex(f"{path}: {what}; run `dedup index repair {path.parent.parent}`, which makes it anew")
