"""An index that is open: its database, its look-ups, and who may write."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from dedup.errors import BadIndex, BadSettings
from dedup.fold_table import FOLD_VERSION
from dedup.index.postings import EMPTY, FOLDER, Postings, write_manifest
from dedup.index.sorted_runs import sync_folder
from dedup.index.store import DATABASE, Store
from dedup.index.templates import NONE, Templates
from dedup.settings import Settings

FORMAT = 2
_EARLIER = 1  # the format whose runs have no filters; all else in it is the same
HASHES = f"affine32 1, fold {FOLD_VERSION}"
"""What keys depend on beside the settings; it changes when a text gets other keys than before."""
_LOCK = "lock.sqlite"
_TRIES, _PAUSE = 100, 0.02  # of a reader whose runs are merged while it opens them


class Opened:
    """What opening, reading at one moment and storing in one step need; `Index` says what is read and stored."""

    def __init__(
        self,
        path: str | Path,
        settings: Settings | None = None,
        *,
        read_only: bool = False,
        wait: float = 0.0,
    ) -> None:
        """Opens an index; makes it where there is none, unless it is to be read only.

        Args:
            path: its folder.
            settings: what it is to judge by; None: what it was made with, or the defaults.
            read_only: do not write, and do not wait for who does.
            wait: seconds to wait for another writer.

        Raises:
            BadIndex: there is none to read, another process writes it, it is damaged, or another version of dedup wrote
                it; the message says what to do.
            BadSettings: it was made with other settings; the message names them.
        """
        self.path = Path(path)
        self._lock: sqlite3.Connection | None = None
        try:
            self._open(settings, read_only=read_only, wait=wait, make=not read_only)
            if self._is_earlier:
                raise BadIndex(
                    f"{self.path}: has format {_EARLIER!r}, and this version of dedup reads {FORMAT!r}; run "
                    f"`dedup index repair {self.path}`, which brings it up to date"
                )
            with self._moment():
                pass
        except BaseException:
            self.close()
            raise

    def _open(self, settings: Settings | None, *, read_only: bool, wait: float, make: bool) -> None:
        """Opens the database, and makes it where there is none and it is asked for; nothing is looked up yet."""
        self.read_only = read_only
        self._postings = Postings(self.path)
        self._templates: Templates = NONE
        self._state: dict[str, int] = {}
        self._stale = True
        if settings is not None:
            _check_settings(settings)
        if not (self.path / DATABASE).exists():
            if not make:
                raise _no_index(self.path)
            _make_folder(self.path)
        if not read_only:
            self._lock = _locked(self.path, wait)
        self._store = Store(self.path, write=not read_only)
        self._is_earlier = False
        if self._store.is_new():  # also where a process was killed that was about to make it
            if not make:
                raise _no_index(self.path)
            self._make(settings or Settings())
        self.settings: Settings = self._stored_settings(settings)

    def _make(self, settings: Settings) -> None:
        """Makes the tables."""
        self._make_runs_folder()
        with self._store.transaction(write=True):
            self._store.create()
            self._set_format(settings)
            self._store.set_meta("state", {"next": 0, "revision": 0, "articles": 0, "passages": 0, "counted": 0})
            self._store.set_meta("templates", NONE.to_json())
            write_manifest(self._store, EMPTY)
        sync_folder(self.path)
        sync_folder(self.path.absolute().parent)

    def _make_runs_folder(self) -> None:
        folder = self.path / FOLDER
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise BadIndex(f"{folder}: cannot be made: {error.strerror}; take away what stands there") from None
        sync_folder(self.path)

    def _set_format(self, settings: Settings) -> None:
        """Notes what the index is, in the caller's transaction."""
        self._store.set_meta("index", {"format": FORMAT, "hashes": HASHES, "settings": settings.to_dict()})

    def _stored_settings(self, asked: Settings | None) -> Settings:
        """The settings of the index; notes whether it is of the earlier format.

        Raises:
            BadIndex: it has a format that is not known, or other hashes.
            BadSettings: they are not those that were asked for.
        """
        index = self._store.meta("index")
        self._is_earlier = index["format"] == _EARLIER
        if self._is_earlier:
            index["format"] = FORMAT
        for name, own, found in (("format", FORMAT, index["format"]), ("hashes", HASHES, index["hashes"])):
            if found != own:
                raise BadIndex(
                    f"{self.path}: has {name} {found!r}, and this version of dedup reads {own!r}; use the version that "
                    "made it, or make a new index from the articles"
                )
        self.settings = Settings.from_dict(index["settings"])
        if asked is not None:
            self.check_settings(asked)
        return self.settings

    def check_settings(self, asked: Settings) -> None:
        """Raises BadSettings where these are not the settings of the index; the message names those that differ."""
        own_values, asked_values = self.settings.to_dict(), asked.to_dict()
        differing = [
            f"{name} is {own_values[name]!r}, asked for {asked_values[name]!r}"
            for name in own_values
            if own_values[name] != asked_values[name]
        ]
        if differing:
            raise BadSettings(
                f"{self.path}: was made with other settings: {'; '.join(differing)}; leave settings out to use its "
                "own, or make another index"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the index; whatever was added is on disk already."""
        if hasattr(self, "_store"):
            self._store.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # ------------------------------------------------------------------------------------------------ moments and steps

    @contextmanager
    def _moment(self) -> Iterator[None]:
        """What is read inside is of one moment."""
        for left in reversed(range(_TRIES)):
            with self._store.transaction(write=False):
                if self._is_fresh(last_try=left == 0 or not self.read_only):
                    yield
                    return
            time.sleep(_PAUSE)

    def _is_fresh(self, *, last_try: bool) -> bool:
        """Takes over what others stored; False: a run was merged into another since the transaction began."""
        try:
            self._refresh()
        except FileNotFoundError as error:
            if last_try:
                raise BadIndex(
                    f"{error.filename}: is missing; run `dedup index repair {self.path}`, which makes it anew"
                ) from None
            return False
        except OSError as error:
            raise BadIndex(
                f"{error.filename or self.path}: cannot be read: {error.strerror}; let it be read, or run "
                f"`dedup index repair {self.path}`, which makes it anew"
            ) from None
        return True

    def _refresh(self) -> None:
        """Takes over what others stored, inside a transaction; a writer knows all but what a failure took back."""
        if not (self._stale or self.read_only):
            return
        if self._stale:
            self._postings = Postings(self.path)
        state = self._store.meta("state")
        self._postings.refresh(self._store)
        if self._stale or state["counted"] != self._state.get("counted"):
            self._templates = Templates.from_json(self._store.meta("templates"))
        if self._stale and not self.read_only:
            self._postings.collect()
        self._state = state
        self._stale = False

    @contextmanager
    def _step(self) -> Iterator[None]:
        """What is stored inside is stored together or not at all."""
        if self.read_only:
            raise BadIndex(f"{self.path}: was opened to be read only; open it without read_only to write")
        if self._stale:
            with self._moment():
                pass
        try:
            with self._store.transaction(write=True):
                before, changes = self._state, self._store.changes
                self._state = {**before, "revision": before["revision"] + 1}
                yield
                if self._store.changes == changes:
                    self._state = before
                else:
                    self._store.set_meta("state", self._state)
        except BaseException:
            self._stale = True
            self._postings.discard(self._store)
            raise

    def _settle(self) -> None:
        try:
            self._postings.settle(self._store)
        except BaseException:
            self._stale = True
            raise


def _check_settings(settings: Settings) -> None:
    if settings.keep != "first":
        raise BadSettings(f'keep is {settings.keep!r}, but an index keeps what came first; leave keep at "first"')


def _no_index(path: Path) -> BadIndex:
    return BadIndex(f"{path}: there is no index; make one with Index({str(path)!r}) or `dedup index add {path} INPUT`")


def _make_folder(path: Path) -> None:
    """Makes the folder of a new index.

    Raises:
        BadIndex: something else is there.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        others = [each.name for each in path.iterdir() if each.name not in (_LOCK, FOLDER)]
    except OSError as error:
        raise BadIndex(f"{path}: cannot be made: {error.strerror}; name a folder that is not there yet") from None
    if others:
        raise BadIndex(f"{path}: holds {others[0]!r} and is no index; name a folder that is empty or not there yet")


def _locked(path: Path, wait: float) -> sqlite3.Connection:
    """Takes the place of the one writer; the connection gives it back when it is closed, or with the process."""
    lock = sqlite3.connect(path / _LOCK, isolation_level=None, timeout=wait)
    try:
        lock.execute("begin exclusive")
    except sqlite3.OperationalError as error:
        lock.close()
        if "locked" not in str(error):
            raise BadIndex(f"{path / _LOCK}: {error}; an index to write needs a folder that can be written") from None
        raise BadIndex(
            f"{path}: another process is writing it; wait for it (wait=SECONDS, --wait SECONDS), or open it read only"
        ) from None
    return lock
