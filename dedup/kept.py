"""The finished stages of a run on disk, so that a run that was killed can go on."""

from __future__ import annotations

import mmap
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from dedup.errors import BadRun

try:
    import fcntl
except ImportError:  # Windows: nobody looks whether another run is there
    fcntl = None  # type: ignore[assignment]


class Stage(NamedTuple):
    """What a stage of a run made: arrays by name, and whatever else JSON can hold."""

    arrays: Mapping[str, NDArray[Any]]
    meta: Any = None


class Kept:
    """The finished stages of a run in a folder of its own, so that one that was killed can go on.

    Args:
        folder: the folder; it need not be there.
        run: what the run is about (settings, inputs ...), as JSON: a run goes on only where all of it is equal.
        resume: go on with what is there; else that is removed.

    Attributes:
        stages: the names of the finished stages.

    Raises:
        BadRun: the folder holds something else, the work of another run, or damaged files.
    """

    def __init__(self, folder: Path, run: Mapping[str, Any], resume: bool) -> None:
        self.folder = folder
        self._run = orjson.loads(orjson.dumps(run))
        self._stages: dict[str, dict[str, Any]] = {}
        self._lock: IO[bytes] | None = None
        if not folder.exists():
            return
        there = self._read()
        self.take()
        if resume:
            self._check(there)
            self._stages = there["stages"]
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
        return max((int(path.name) for path in self.folder.glob("[0-9]*")), default=0)

    def take(self) -> None:
        """Makes the folder, and sees that no other run is at work in it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._lock is None:
            lock = (self.folder / _LOCK).open("wb")
            try:
                if fcntl is not None:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                raise BadRun(
                    f"{self.folder}: another run is at work in it; wait for it, or name another folder with --work-dir"
                ) from None
            self._lock = lock

    def stage(self, name: str) -> Stage | None:
        """What a finished stage made."""
        if name not in self._stages:
            return None
        stage = self._stages[name]
        return Stage({key: self._load(*file) for key, file in stage["files"].items()}, stage["meta"])

    def add(self, name: str, files: Mapping[str, tuple[str, str, tuple[int, ...]]], meta: Any) -> None:
        """Notes that a stage is finished, once its files are safe."""
        for file, _, _ in files.values():
            with (self.folder / file).open("rb") as written:
                os.fsync(written.fileno())
        self._stages[name] = {"files": files, "meta": meta}
        new = self.folder / f"{_MANIFEST}.new"
        with new.open("wb") as out:
            out.write(orjson.dumps({"version": _VERSION, "run": self._run, "stages": self._stages}))
            out.flush()
            os.fsync(out.fileno())
        new.replace(self.folder / _MANIFEST)

    def remove_others(self) -> None:
        """Removes the files of stages that were not finished."""
        used = {file for stage in self._stages.values() for file, _, _ in stage["files"].values()}
        for path in self.folder.iterdir():
            if path.name not in {_MANIFEST, _LOCK, *used}:
                path.unlink()

    def discard(self) -> None:
        """Removes all of it."""
        self._stages = {}
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _read(self) -> dict[str, Any]:
        names = [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else ["no folder"]
        if not names:
            return {"version": _VERSION, "run": self._run, "stages": {}}
        if any(not name.isdigit() and name not in (_MANIFEST, f"{_MANIFEST}.new", _LOCK) for name in names):
            raise BadRun(
                f"{self.folder}: expected work files of an earlier run, found something else; name another folder with "
                "--work-dir"
            )
        if _MANIFEST not in names:
            return {"version": _VERSION, "run": self._run, "stages": {}}
        try:
            there: dict[str, Any] = orjson.loads((self.folder / _MANIFEST).read_bytes())
            version = there["version"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise BadRun(f"{self.folder / _MANIFEST}: is damaged; remove the folder and start anew") from None
        if version != _VERSION:
            raise BadRun(
                f"{self.folder}: holds the work of another version of dedup (format {version}, expected {_VERSION}); "
                "remove the folder and start anew"
            )
        return there

    def _check(self, there: Mapping[str, Any]) -> None:
        for name in sorted(self._run.keys() | there["run"].keys()):
            before, now = there["run"].get(name), self._run.get(name)
            if before != now:
                raise BadRun(
                    f"{self.folder}: --resume goes on only with the same settings and inputs, but {name} was "
                    f"{_shown(before)} and is {_shown(now)}; start again without --resume, or as before"
                )

    def _load(self, file: str, dtype: str, shape: Sequence[int]) -> NDArray[Any]:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        path = self.folder / file
        found = path.stat().st_size if path.exists() else 0
        if found < size:
            raise BadRun(f"{path}: is damaged: expected {size} bytes, found {found}; start again without --resume")
        if not size:
            return np.zeros(shape, dtype)
        with path.open("r+b") as stored:  # a copy in memory of what is written to, the file stays as it is
            return np.frombuffer(mmap.mmap(stored.fileno(), size, access=mmap.ACCESS_COPY), dtype).reshape(shape)


_MANIFEST, _LOCK, _VERSION = "work.json", "lock", 1


def _shown(value: Any) -> str:
    shown = orjson.dumps(value).decode()
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]} ..."


_SHOWN = 60
