"""Where keys are looked up: the recent ones in memory and in the database, the others in sorted runs.

Everything here can be made again from the articles and their verdicts, which are the truth: an entry says where to
look, and whoever looks there compares texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dedup.errors import BadIndex
from dedup.index.sorted_runs import Entries, SortedRun, damaged, in_order, joined, lookup, merged, write_run
from dedup.index.store import Store
from dedup.kernel.reference import I64, U32, U64

FOLDER = "runs"
FLUSH = 1 << 19  # recent entries that become a run: 6 MiB
FAN_OUT = 4  # runs of one tier that are merged into one of the next


@dataclass(frozen=True, slots=True)
class Manifest:
    """The runs that count: their names, tiers and checksums, and the number of the next one."""

    names: tuple[str, ...]
    tiers: tuple[int, ...]
    checks: tuple[int, ...]
    next: int

    def with_run(self, tier: int, check: int, without: Sequence[str] = ()) -> Manifest:
        """The same with one more run, in the place of others."""
        kept = [number for number, name in enumerate(self.names) if name not in without]
        return Manifest(
            (*(self.names[number] for number in kept), run_name(self.next)),
            (*(self.tiers[number] for number in kept), tier),
            (*(self.checks[number] for number in kept), check),
            self.next + 1,
        )

    def beginning(self) -> Manifest:
        """One without any run, unequal to this: by that readers know that the recent entries were cleared."""
        return Manifest((), (), (), self.next + 1)


EMPTY = Manifest((), (), (), 0)


def run_name(number: int) -> str:
    """The name of a run's file."""
    return f"{number:08}.run"


def read_manifest(store: Store) -> Manifest:
    """The manifest in force."""
    value = store.meta("runs")
    return Manifest(tuple(value["names"]), tuple(value["tiers"]), tuple(value["checks"]), value["next"])


def write_manifest(store: Store, manifest: Manifest) -> None:
    """Puts a manifest in force; the caller's transaction makes it one step with what belongs to it."""
    store.set_meta(
        "runs",
        {"names": manifest.names, "tiers": manifest.tiers, "checks": manifest.checks, "next": manifest.next},
    )


class Postings:
    """All entries as they were at one moment, with what this process added since."""

    def __init__(self, folder: Path, manifest: Manifest = EMPTY) -> None:
        """None yet; *manifest* is that of the files which are there, if the first refresh is not to say so."""
        self.folder = folder / FOLDER
        self.manifest = manifest
        self._runs: dict[str, SortedRun] = {}
        self._tail: list[Entries] = []
        self._seen = -1  # the last lot of recent entries that was read
        self.recent = 0

    def refresh(self, store: Store) -> None:
        """Takes over what others stored, inside the caller's transaction.

        Raises:
            FileNotFoundError: a run is gone because it was merged since that transaction began.
            BadIndex: a run cannot be read, is damaged, or not the one that the manifest means.
        """
        manifest = read_manifest(store)
        if manifest != self.manifest:
            self._runs = {name: self._runs.get(name) or self._open(name, check) for name, check in _checks(manifest)}
            self._tail, self._seen, self.recent = [], -1, 0
            self.manifest = manifest
        for number, entries in store.tail(self._seen):
            self._seen = number
            self.add(entries)

    def _open(self, name: str, check: int) -> SortedRun:
        run = SortedRun(self.folder / name)
        if run.check != check:
            raise damaged(run.path, "is not the run that the database means")
        return run

    def add(self, entries: Entries) -> None:
        """Adds entries, sorted by key, in memory."""
        if not len(entries[0]):
            return
        self._tail.append(entries)
        self.recent += len(entries[0])
        while len(self._tail) > 1 and 2 * len(self._tail[-1][0]) >= len(self._tail[-2][0]):
            self._tail[-2:] = [joined(self._tail[-2:])]

    def lookup(self, keys: U64) -> tuple[I64, I64]:
        """The places of each key: (numbers of keys, places), sorted by key, then place, each once."""
        if not len(keys):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        order = np.argsort(keys)  # sorted, so that files are read from front to back
        wanted = keys[order]
        pairs = [np.zeros(0, np.int64)]
        for numbers, places in (
            *(lookup(entries, wanted) for entries in self._tail),
            *(run.lookup(wanted) for run in self._runs.values()),
        ):
            if len(numbers):
                pairs.append(order[numbers] << 32 | places)
        found = np.unique(np.concatenate(pairs))
        return found >> 32, found & 0xFFFFFFFF

    # ----------------------------------------------------------------------------------------------------- maintenance

    def settle(self, store: Store | None) -> None:
        """Makes a run of the recent entries where they are many, and merges runs where a tier is full.

        Args:
            store: where the manifest is put in force, in a transaction of its own; None: the caller does that later.

        Raises:
            BadIndex: a run cannot be written. All that was there before still counts.
        """
        if self.recent >= FLUSH:
            self.flush(store)
        while True:
            full = [tier for tier in set(self.manifest.tiers) if self.manifest.tiers.count(tier) >= FAN_OUT]
            if not full:
                return
            tier = min(full)
            names = [name for name, of in zip(self.manifest.names, self.manifest.tiers, strict=True) if of == tier]
            self._replace(store, tier + 1, names)

    def flush(self, store: Store | None) -> None:
        """Makes a run of the recent entries, be they many or few."""
        if self._tail:
            self._replace(store, 0, ())

    def compact(self, store: Store, keep: Callable[[U32], NDArray[np.bool_]]) -> None:
        """Makes one run of everything, without the entries whose places *keep* refuses."""
        self.flush(store)
        names = self.manifest.names
        if names:
            tier = max(self.manifest.tiers)
            self._replace(store, tier, names, keep)

    def _replace(
        self,
        store: Store | None,
        tier: int,
        names: Sequence[str],
        keep: Callable[[U32], NDArray[np.bool_]] | None = None,
    ) -> None:
        """Writes a run and puts it in force in the place of others, or of the recent entries where none are named."""
        path = self.folder / run_name(self.manifest.next)
        flush = not names
        runs = [self._runs[name] for name in names]
        pieces = iter([joined(self._tail)]) if flush else merged(runs)
        most = self.recent if flush else sum(run.entries for run in runs)
        manifest = self.manifest.with_run(tier, self._write(path, pieces, most, keep), names)
        if store is not None:
            try:
                with store.transaction(write=True):
                    write_manifest(store, manifest)
                    if flush:
                        store.clear_tail()
            except BaseException:
                with suppress(BadIndex, OSError):  # an interrupt may come after the commit
                    if path.name not in read_manifest(store).names:
                        path.unlink()
                raise
        if flush:
            self._tail, self.recent = [], 0
        run = SortedRun(path)
        self._runs = {name: self._runs[name] for name in manifest.names[:-1]} | {path.name: run}
        self.manifest = manifest
        for name in names:
            with suppress(OSError):  # whoever opens the index to write collects what is left over
                (self.folder / name).unlink()

    def _write(
        self, path: Path, pieces: Iterator[Entries], most: int, keep: Callable[[U32], NDArray[np.bool_]] | None
    ) -> int:
        try:
            return write_run(path, pieces, most, keep)
        except OSError as error:
            raise BadIndex(
                f"{path}: cannot be written: {error.strerror}; nothing is lost, make room and do it again"
            ) from None

    def collect(self) -> list[str]:
        """Deletes files that no manifest in force names: what a process that was killed left over."""
        deleted = []
        for path in sorted(self.folder.iterdir()):
            if path.name not in self.manifest.names:
                with suppress(OSError):  # a folder, or a file that a reader maps, where a system keeps those
                    path.unlink()
                    deleted.append(path.name)
        return deleted

    def discard(self, store: Store) -> None:
        """Deletes the runs that were made in a step which failed, lest they fill the disk."""
        with suppress(BadIndex, OSError):
            for name in set(self.manifest.names) - set(read_manifest(store).names):
                (self.folder / name).unlink(missing_ok=True)

    def check(self) -> None:
        """Reads all runs.

        Raises:
            BadIndex: one is not what was written.
        """
        for run in self._runs.values():
            run.check_all()

    @property
    def runs(self) -> Sequence[SortedRun]:
        """The runs in force."""
        return list(self._runs.values())


def _checks(manifest: Manifest) -> list[tuple[str, int]]:
    return list(zip(manifest.names, manifest.checks, strict=True))


def sorted_entries(keys: U64, places: I64) -> Entries:
    """Entries as they are stored."""
    return in_order(keys, places.astype(np.uint32))
