"""The finished stages of a run on disk, so that a run that was killed can go on."""

from __future__ import annotations

import hashlib
import mmap
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from dedup.errors import BadRun
from dedup.threads import in_threads

try:
    import fcntl
except ImportError:  # Windows: nobody looks whether another run is there
    fcntl = None  # type: ignore[assignment]


class Stage(NamedTuple):
    """What a stage of a run made: arrays by name, and whatever else JSON can hold."""

    arrays: Mapping[str, NDArray[Any]]
    meta: Any = None


def locked(file: int) -> bool | None:
    """Whether this process now holds an open file or folder, until it closes it or ends; None: no locks here."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


class Kept:
    """The finished stages of a run in a folder of its own, so that one that was killed can go on.

    Where the machine itself goes down, what was written last may not be on its disk. Waiting for the disk takes a
    seventh of a short run, so that no stage waits until half a minute has passed since one did. Until then a stage
    names the start of the system in which it was made, and counts only while that lasts.

    Args:
        folder: the folder; it need not be there.
        run: what the run is about (settings, inputs ...), as JSON: a run goes on only where all of it is equal.
        resume: go on with what is there; else that is removed, if it is work files.

    Attributes:
        stages: the names of the finished stages.
        lost: the names of those that the machine went down before it had stored.

    Raises:
        BadRun: the folder holds something else, the work of another run, or damaged files.
    """

    def __init__(self, folder: Path, run: Mapping[str, Any], resume: bool) -> None:
        self.folder = folder
        self._run = orjson.loads(orjson.dumps(run))
        self._stages: dict[str, dict[str, Any]] = {}
        self.lost: list[str] = []
        self._boot = _boot()
        self._stored = time.monotonic()
        self._lock: IO[bytes] | None = None
        if not os.path.lexists(folder):
            return
        self._refuse_others()
        self.take()
        if resume:
            try:
                self._stages = self._read()
            except BaseException:
                self.close()
                raise
            self.remove_others()
        else:
            self.discard()

    @property
    def used(self) -> bool:
        """Whether there is anything in it to go on with."""
        return bool(self._stages)

    @property
    def stages(self) -> list[str]:
        """The names of the finished stages."""
        return list(self._stages)

    @property
    def last_number(self) -> int:
        """The highest number that a file in it has."""
        return max((int(name) for name in self._names() if name.isdigit()), default=0)

    def take(self) -> None:
        """Makes the folder, and sees that no other run is at work in it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._lock is None:
            lock = (self.folder / _LOCK).open("wb")
            if locked(lock.fileno()) is False:
                lock.close()
                raise BadRun(
                    f"{self.folder}: another run is at work in it; wait for it, or name another folder with --work-dir"
                )
            self._lock = lock

    def stage(self, name: str) -> Stage | None:
        """What a finished stage made."""
        if name not in self._stages:
            return None
        stage = self._stages[name]
        return Stage({key: self._load(*file) for key, file in stage["files"].items()}, stage["meta"])

    def add(self, name: str, files: Mapping[str, tuple[str, str, tuple[int, ...]]], meta: Any) -> None:
        """Notes that a stage is finished."""
        added = {key: [file, dtype, shape] for key, (file, dtype, shape) in files.items()}
        stages = {**self._stages, name: {"files": added, "meta": meta, "boot": self._boot}}
        waits = not self._boot or time.monotonic() - self._stored >= _HURRY
        for stage in [of for of in stages.values() if of["boot"] is not None] if waits else [stages[name]]:
            if waits:
                self._store(*(file for file, *_ in stage["files"].values()))
                stage["boot"] = None
            for of in stage["files"].values():  # some file systems note only then when a file was changed
                status = (self.folder / of[0]).stat()
                of[3:] = [status.st_size, status.st_mtime_ns]
        stages = orjson.loads(orjson.dumps(stages))
        body = orjson.dumps({"run": self._run, "stages": stages})
        (self.folder / _NEW).write_bytes(
            b"%s\n%s" % (orjson.dumps({"version": _VERSION, "sha256": _sha256(body)}), body)
        )
        if any(stage["boot"] is None for stage in stages.values()):  # else this list might go, and those with it
            self._store(_NEW)
        if waits:
            self._stored = time.monotonic()
        (self.folder / _NEW).replace(self.folder / _MANIFEST)
        self._stages = stages

    def _store(self, *names: str) -> None:
        """Waits until the disk has these files."""
        for name in names:
            with (self.folder / name).open("rb+") as written:
                os.fsync(written.fileno())

    def remove_others(self) -> None:
        """Removes the files of stages that were not finished."""
        for name in self._names():
            if name not in (_MANIFEST, _LOCK):
                self.remove(name)

    def remove(self, file: str) -> None:
        """Removes a file, unless it is a part of a finished stage."""
        if all(file != used for stage in self._stages.values() for used, *_ in stage["files"].values()):
            (self.folder / file).unlink(missing_ok=True)

    def discard(self, workers: int = 1) -> None:
        """Removes all of it, and nothing else, in as many threads: the system takes a while to give up large files."""
        self._stages = {}
        if self._lock is None:
            return  # nothing was made, or it is another run's
        with suppress(OSError):  # what cannot be removed is in nobody's way
            files = [self.folder / name for name in self._names() if name != _LOCK]
            files.sort(key=_size, reverse=True)
            for _ in in_threads(_unlink, files, workers):
                pass
            _unlink(self.folder / _LOCK)  # the last, as it tells that the rest is ours
            self.folder.rmdir()
        self.close()

    def close(self) -> None:
        """Leaves it to others, as it is."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _names(self) -> list[str]:
        """The names in the folder that work files have."""
        paths = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted(path.name for path in paths if _OURS.fullmatch(path.name))

    def _refuse_others(self) -> None:
        """Sees that the folder is empty or holds work files and nothing else."""
        if self.folder.is_dir():
            names = {path.name for path in self.folder.iterdir()}
            ours = names == set(self._names()) and all((self.folder / name).is_file() for name in names)
            if not names or (ours and _LOCK in names):
                return
        raise BadRun(
            f"{self.folder}: expected work files of an earlier run, found something else; move it away, or name "
            "another folder with --work-dir"
        )

    def _read(self) -> dict[str, dict[str, Any]]:
        """The finished stages of this run."""
        path = self.folder / _MANIFEST
        if not path.exists():
            return {}
        head, _, body = path.read_bytes().partition(b"\n")
        try:
            told = orjson.loads(head)
            version, digest = told["version"], told["sha256"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            version, digest = _VERSION, None
        if version != _VERSION:
            raise BadRun(
                f"{self.folder}: holds the work of another version of dedup (format {version}, expected {_VERSION}); "
                "start again without --resume"
            )
        if digest != _sha256(body):
            raise BadRun(f"{path}: is damaged; start again without --resume")
        there = orjson.loads(body)
        self._check(there["run"])
        stages: dict[str, dict[str, Any]] = there["stages"]
        self.lost = [name for name, stage in stages.items() if stage["boot"] not in (None, self._boot)]
        return {name: stage for name, stage in stages.items() if name not in self.lost}

    def _check(self, run: Mapping[str, Any]) -> None:
        for name in sorted(self._run.keys() | run.keys()):
            before, now = run.get(name), self._run.get(name)
            if before != now:
                raise BadRun(
                    f"{self.folder}: --resume goes on only with the same settings and inputs, but {name} was "
                    f"{_shown(before)} and is {_shown(now)}; start again without --resume, or as before"
                )

    def _load(self, file: str, dtype: str, shape: list[int], size: int, changed: int) -> NDArray[Any]:
        path = self.folder / file
        if not path.exists():
            raise BadRun(f"{path}: is missing; start again without --resume")
        found = path.stat()
        if found.st_size != size:
            raise BadRun(
                f"{path}: is damaged: expected {size} bytes, found {found.st_size}; start again without --resume"
            )
        if found.st_mtime_ns != changed:
            raise BadRun(f"{path}: has been changed since it was written; start again without --resume")
        count = int(np.prod(shape))
        if not count:
            return np.zeros(shape, dtype)
        with path.open("r+b") as stored:  # a copy in memory of what is written to, the file stays as it is
            mapped = mmap.mmap(stored.fileno(), size, access=mmap.ACCESS_COPY)
        return np.frombuffer(mapped, dtype, count).reshape(shape)


_MANIFEST, _NEW, _LOCK, _VERSION = "work.json", "work.json.new", "lock", 5
_HURRY = 30.0
"""Seconds of work that may be lost with the machine, beside the stage in which it goes down."""
_OURS = re.compile(r"[0-9]{4,}|work\.json(\.new)?|lock", re.ASCII)


def _size(file: Path) -> int:
    """In bytes; 0 of one that is gone."""
    with suppress(FileNotFoundError):
        return file.lstat().st_size
    return 0


def _unlink(file: Path) -> None:
    file.unlink(missing_ok=True)


def _boot() -> str:
    """What names this start of the system, as every process finds it until the machine goes down; "": not known."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeError):
        return ""


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _shown(value: Any) -> str:
    shown = orjson.dumps(value).decode()
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]} ..."


_SHOWN = 60
