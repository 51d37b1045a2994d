"""Runs: immutable files of (key, place) sorted by key, memory-mapped, with a checksum for each block.

A file is blocks of `BLOCK` keys followed by their places, the first key and the checksum of each block, and a footer
with the number of entries and a checksum of all that is not block. The last block is filled up with the greatest key.
Whatever is read is checked once: the footer when a run is opened, a block when it is first looked into.
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

from dedup.errors import BadIndex
from dedup.kernel.reference import I64, U32, U64, positions

BLOCK = 512  # a power of two; 6 KiB on disk
_STEPS = tuple(1 << power for power in reversed(range(BLOCK.bit_length() - 1)))
_LAYOUT = np.dtype([("keys", "<u8", BLOCK), ("places", "<u4", BLOCK)])
_FOOTER = struct.Struct("<QII8s")  # entries, block size, checksum of what stands between the blocks and here, magic
_MAGIC = b"dedupRN1"
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
    return in_order(keys, np.concatenate([np.zeros(0, np.uint32), *(places for _, places in pieces)]))


def lookup(entries: Entries, wanted: U64) -> tuple[I64, U32]:
    """Which of the *wanted* keys (sorted) have which places: (numbers in *wanted*, places), int64 and uint32 [hits]."""
    keys, places = entries
    low = np.searchsorted(keys, wanted, side="left")
    found = np.flatnonzero(keys[np.minimum(low, len(keys) - 1)] == wanted) if len(keys) else low[:0]
    counts = np.searchsorted(keys, wanted[found], side="right") - low[found]
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
        whole: NDArray[np.uint8] = np.memmap(path, np.uint8, "r")
        self.entries, block, self.check, magic = _FOOTER.unpack(whole[-_FOOTER.size :].tobytes())
        blocks = -(-self.entries // BLOCK)
        end = blocks * _LAYOUT.itemsize
        if magic != _MAGIC or block != BLOCK or size != end + 12 * blocks + _FOOTER.size:
            raise damaged(path, "has no footer, or one that does not fit its size")
        index = whole[end : end + 12 * blocks].tobytes()
        if zlib.crc32(whole[-_FOOTER.size :][:12].tobytes(), zlib.crc32(index)) != self.check:
            raise damaged(path, "has a footer that is not what was written")
        self._first: U64 = np.frombuffer(index, "<u8", blocks)
        self._checks: U32 = np.frombuffer(index, "<u4", blocks, 8 * blocks)
        self._blocks: NDArray[Any] = np.ndarray(blocks, _LAYOUT, whole)
        self._keys: NDArray[np.uint64] = self._blocks["keys"]
        self._places: NDArray[np.uint32] = self._blocks["places"]
        self._sound = np.zeros(blocks, bool)

    def lookup(self, wanted: U64) -> tuple[I64, U32]:
        """See the function of the same name."""
        if not self.entries or not len(wanted):
            return np.zeros(0, np.int64), np.zeros(0, np.uint32)
        low = self._bound(wanted, "left")
        inside = np.minimum(low, self.entries - 1)
        self._check(inside // BLOCK)
        found = np.flatnonzero((self._keys[inside // BLOCK, inside % BLOCK] == wanted) & (low < self.entries))
        if not len(found):
            return found, np.zeros(0, np.uint32)
        counts = np.minimum(self._bound(wanted[found], "right"), self.entries) - low[found]
        at = positions(low[found], counts)
        self._check(at // BLOCK)
        return np.repeat(found, counts), self._places[at // BLOCK, at % BLOCK]

    def _bound(self, wanted: U64, side: str) -> I64:
        """As `searchsorted` over all keys, looking only into blocks that have been checked."""
        block = np.maximum(np.searchsorted(self._first, wanted, side=side) - 1, 0)  # type: ignore[call-overload]
        self._check(block)
        within = np.zeros(len(wanted), np.int64)
        for step in _STEPS:
            before = self._keys[block, within + (step - 1)]
            within += step * ((before < wanted) if side == "left" else (before <= wanted))
        last = self._keys[block, within]
        within += (last < wanted) if side == "left" else (last <= wanted)
        return block * BLOCK + within

    def _check(self, blocks: I64) -> None:
        new = blocks[~self._sound[blocks]]
        for block in set(new.tolist()):
            if zlib.crc32(self._blocks[block : block + 1].data) != self._checks[block]:
                raise damaged(self.path, f"is damaged in block {block}, at byte {block * _LAYOUT.itemsize}")
            self._sound[block] = True

    def check_all(self) -> None:
        """Reads the whole run.

        Raises:
            BadIndex: a block is not what was written.
        """
        for block in range(0, len(self._first), 1024):
            self._check(np.arange(block, min(block + 1024, len(self._first))))

    def slice(self, low: int, high: int) -> Entries:
        """The entries *low* to *high* (exclusive)."""
        self._check(np.arange(low // BLOCK, -(-high // BLOCK)))
        blocks = slice(low // BLOCK, -(-high // BLOCK))
        within = slice(low % BLOCK, low % BLOCK + high - low)
        return self._keys[blocks].ravel()[within], self._places[blocks].ravel()[within]

    def bounds(self, splits: U64) -> I64:
        """Where the entries with keys below each of *splits* end."""
        if not self.entries:
            return np.zeros(len(splits), np.int64)
        return np.minimum(self._bound(splits, "left"), self.entries)

    @property
    def first_keys(self) -> U64:
        """The first key of each block."""
        return self._first


def merged(runs: Sequence[SortedRun]) -> Iterator[Entries]:
    """The entries of several runs as one sorted row, in pieces that take little memory."""
    every = max(1, _PIECE // BLOCK)
    firsts = np.sort(np.concatenate([np.zeros(0, np.uint64), *(run.first_keys for run in runs)]))
    splits = np.unique(firsts[every::every])
    reached = [0] * len(runs)
    bounds = [[*run.bounds(splits).tolist(), run.entries] for run in runs]
    for piece in range(len(splits) + 1):
        parts = []
        for number, run in enumerate(runs):
            parts.append(run.slice(reached[number], bounds[number][piece]))
            reached[number] = bounds[number][piece]
        yield joined(parts)


def write_run(path: Path, pieces: Iterator[Entries], keep: Callable[[U32], NDArray[np.bool_]] | None = None) -> int:
    """Writes sorted entries as a run, durable when this returns; gives the checksum by which `SortedRun` knows it.

    Args:
        path: a file that does not exist yet; it appears whole or not at all.
        pieces: the entries, in pieces that follow each other.
        keep: says of places which of them to keep; None: all.
    """
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("wb") as file:
            check = _write(file, pieces, keep)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return check


def _write(file: BinaryIO, pieces: Iterator[Entries], keep: Callable[[U32], NDArray[np.bool_]] | None) -> int:
    entries = 0
    firsts, checks = [np.zeros(0, "<u8")], [np.zeros(0, "<u4")]
    rest: Entries = (np.zeros(0, np.uint64), np.zeros(0, np.uint32))

    def write_blocks(keys: U64, places: U32) -> None:
        blocks = np.empty(len(keys) // BLOCK, _LAYOUT)
        blocks["keys"] = keys.reshape(-1, BLOCK)
        blocks["places"] = places.reshape(-1, BLOCK)
        file.write(blocks.tobytes())
        firsts.append(blocks["keys"][:, 0].copy())
        sums = [zlib.crc32(blocks[block : block + 1].data) for block in range(len(blocks))]
        checks.append(np.array(sums, "<u4"))

    for keys, places in pieces:
        if keep is not None:
            kept = keep(places)
            keys, places = keys[kept], places[kept]  # noqa: PLW2901
        entries += len(keys)
        all_keys, all_places = np.concatenate((rest[0], keys)), np.concatenate((rest[1], places))
        full = len(all_keys) // BLOCK * BLOCK
        write_blocks(all_keys[:full], all_places[:full])
        rest = all_keys[full:], all_places[full:]
    if len(rest[0]):
        missing = BLOCK - len(rest[0])
        write_blocks(
            np.concatenate((rest[0], np.full(missing, _MOST))), np.concatenate((rest[1], np.zeros(missing, np.uint32)))
        )
    index = np.concatenate(firsts).tobytes() + np.concatenate(checks).tobytes()
    head = struct.pack("<QI", entries, BLOCK)
    check = zlib.crc32(head, zlib.crc32(index))
    file.write(index + _FOOTER.pack(entries, BLOCK, check, _MAGIC))
    return check


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
