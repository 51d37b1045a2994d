"""A folder, or a file, that is made whole or not at all; what lies in its way is refused or replaced."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from dedup.articles import InputFile, remote
from dedup.errors import BadRun
from dedup.kept import locked
from dedup.runs.names import CLEAN, RUN_NAMES, SUMMARY, refuse_links


def check_places(inputs: Iterable[str | Path], out: str | Path, files: Iterable[InputFile] = ()) -> None:
    """Refuses an output that lies inside an input, or an input that lies inside the output; links are resolved.

    Args:
        inputs: folders, files, patterns and URLs as they were given.
        out: the folder of the run.
        files: what was found in them, which a pattern does not tell by itself.

    Raises:
        BadRun: names both.
    """
    target = _placed(out)
    for place in inputs:
        if str(place) == "-":
            continue
        source = _placed(place)
        if target.is_relative_to(source):
            raise BadRun(f"output folder {out} lies inside the input {place}; choose one outside of it with --out")
        if source.is_relative_to(target):
            raise BadRun(f"input {place} lies inside the output folder {out}; choose another with --out")
    inside: dict[str | Path, bool] = {}
    for file in files:
        if file.given:
            continue  # one of the inputs, or stdin
        folder = file.url[: file.url.rfind("/") + 1] if file.url else file.path.parent
        if folder not in inside:
            inside[folder] = _placed(folder).is_relative_to(target)
        if inside[folder]:
            raise BadRun(f"input {file.shown} lies inside the output folder {out}; choose another with --out")


def _placed(place: str | Path) -> PurePath:
    """Where it lies, to be compared: a local path with its links resolved, or a URL in its one spelling."""
    if not remote.is_url(place):
        return _real(place)
    place = str(place).rpartition("::")[2]  # the innermost of a chain is what lies there
    url = remote.normal(place) if remote.is_url(place) else place
    path = url.removeprefix("file://")
    return PurePosixPath(path) if remote.is_url(path) else _real(path)


def check_file(inputs: Iterable[str | Path], file: Path, force: bool) -> None:
    """Refuses an output file that is an input or lies in one, by whatever name; and one that exists, without *force*.

    Raises:
        BadRun: names both.
    """
    target = _real(file)
    for place in inputs:
        if str(place) == "-" or remote.is_url(place):
            continue
        source = _real(place)
        if target == source or (target.exists() and source.exists() and target.samefile(source)):
            raise BadRun(f"output file {file} is the input {place}, which is never overwritten; choose another name")
        if target.is_relative_to(source):
            raise BadRun(f"output file {file} lies inside the input {place}; choose a place outside of it with --out")
    if os.path.lexists(file) and not force:
        raise BadRun(f"output file {file} exists; pass --force to replace it, or choose another name")


@contextmanager
def side_file(file: str | Path | None, force: bool = False) -> Iterator[Path | None]:
    """A file to write, which takes its place at *file* when the block ends well; None for None.

    Raises:
        BadRun: *file* exists and *force* is not given, or cannot be written.
    """
    if file is None:
        yield None
        return
    file = Path(file)
    with TemporaryDirectory(prefix="dedup-") as temporary:
        partial = Path(temporary) / file.name
        yield partial
        with being_written(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(file) and not force:
                raise BadRun(f"output file {file} exists; pass --force to replace it, or choose another name")
            put_in_place(partial, file)


@contextmanager
def stage(out: str | Path, force: bool = False, copy: tuple[str, Path] | None = None) -> Iterator[Path]:
    """A folder to fill, which takes the place of *out* when the block ends well and vanishes when it does not.

    Where *out* exists and *force* is given, the names that a run leaves are replaced, all others left alone. Where it
    is a URL, the files are sent there when the block ends well, summary.json last: no folder is whole without it.

    Args:
        out: the folder of the run.
        force: replace the run that is there.
        copy: (name of an input, file): its clean file is copied there, an empty one where the text was cut whole. The
            copy and the folder take their places together or not at all.

    Raises:
        BadRun: *out* is in use, or something cannot be written.
        KeyboardInterrupt: the signal came while the folder took its place; its text tells that it did.
    """
    with staged(out, force, _replace_run, copy) as folder:
        yield folder


_Names = tuple[Sequence[str], Sequence[str]]
"""What leaves a folder, and what comes into it."""


@contextmanager
def staged(
    out: str | Path,
    force: bool,
    exchanged: Callable[[Path, Path, Path], _Names],
    copy: tuple[str, Path] | None = None,
) -> Iterator[Path]:
    """See `stage`; *exchanged* tells what leaves a folder that is there, and what comes into it."""
    if remote.is_url(out):
        with TemporaryDirectory(prefix="dedup-") as temporary:
            replaced = RUN_NAMES if exchanged is _replace_run else ()
            _refuse_entries(out, remote.entries(str(out)), replaced, force)
            yield Path(temporary)
            remote.send(Path(temporary), str(out), SUMMARY, replaced)
        return
    out = Path(out)
    target = _real(out)
    with being_written(out):
        _refuse_in_use(out, target, force)
        home = home_of(target)
        home.mkdir(parents=True, exist_ok=True)
    _remove_dead(home, target.name, None if copy is None else copy[1])
    token = secrets.token_hex(4)
    folder = _partial(home / target.name, token)
    copied = None if copy is None else (_partial(copy[1], token), copy[1])
    try:
        with being_written(out), _alive(folder):
            yield folder
            if copy is not None and copied is not None:
                _copy_clean(folder, copy[0], copied[0])
            _put(folder, target, out, exchanged, copied)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if copied is not None:
            copied[0].unlink(missing_ok=True)


def _partial(place: Path, token: str) -> Path:
    return place.with_name(f".{place.name}.partial-{token}")


@contextmanager
def _alive(folder: Path) -> Iterator[None]:
    """Makes the folder, and holds it, so that other runs see that this one lives."""
    new = folder.with_name(folder.name.replace(".partial-", ".new-"))  # until it is held
    new.mkdir()  # not mkdtemp: the folder is to have the permissions that the user's others have
    with _opened(new) as number:
        if number is not None:
            locked(number)
        os.rename(new, folder)  # noqa: PTH104  (none of the moves of an exchange, which Path.rename makes)
        yield


@contextmanager
def _opened(folder: Path) -> Iterator[int | None]:
    """Its descriptor; None where folders have none."""
    try:
        number = os.open(folder, os.O_RDONLY)
    except OSError:
        yield None
        return
    try:
        yield number
    finally:
        os.close(number)


def _remove_dead(home: Path, name: str, file: Path | None) -> None:
    """Removes what runs with this output, or this file for output, have half written that were killed.

    Where such a run was about to replace something, the old lies beside it: then both stay, for the user to look at.
    """
    pattern = re.compile(rf"\.{re.escape(name)}\.partial-([0-9a-f]{{8}})")
    tokens = [found[1] for entry in home.iterdir() if (found := pattern.fullmatch(entry.name))]
    for token in tokens:
        places = [_partial(place, token) for place in (home / name, file) if place is not None]
        if any(os.path.lexists(place.with_name(f"{place.name}-old")) for place in places):
            continue
        with _opened(places[0]) as number:
            if number is not None and locked(number):
                _remove(places)


def _copy_clean(run: Path, name: str, file: Path) -> None:
    clean = run / CLEAN / name
    if clean.exists():
        shutil.copyfile(clean, file)
    else:
        file.touch()


@contextmanager
def being_written(out: Path) -> Iterator[None]:
    """Tells what it means that something cannot be written here."""
    try:
        yield
    except OSError as error:
        raise BadRun(
            f"{error.filename or out}: cannot be written: {error.strerror or error}; make room or see to the "
            "permissions, or choose another folder with --out"
        ) from error


def _refuse_in_use(out: Path, target: Path, force: bool) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise BadRun(f"output folder {out} is a file; choose another with --out")
    # where there is no room beside it, what a run that was killed has left lies in it
    own = (f".{target.name}.work", f".{target.name}.partial-")
    names = {entry.name for entry in target.iterdir() if not entry.name.startswith(own)}
    if names and not force:
        raise BadRun(f"output folder {out} is in use; pass --force to replace the run in it, or choose another")


def _refuse_entries(out: str | Path, names: set[str], replaced: Sequence[str], force: bool) -> None:
    """The same for a folder elsewhere that holds these names, of which those in *replaced* would go."""
    if "" in names:
        raise BadRun(f"output folder {out} is a file; choose another with --out")
    if names and not force:
        raise BadRun(f"output folder {out} is in use; pass --force to replace the run in it, or choose another")
    _refuse_no_run(out, [name for name in replaced if name in names])


def _refuse_no_run(out: str | Path, there: Sequence[str]) -> None:
    if there and SUMMARY not in there:
        raise BadRun(
            f'output folder {out} holds no run (no {SUMMARY}), but "{there[0]}", which a run would replace; choose '
            "another with --out, or move it away"
        )


def home_of(target: Path) -> Path:
    """Where the stage lies: beside *target*, or in it where it is a mount or its parent may not be written."""
    parent = target.parent
    if target.is_dir() and (target.stat().st_dev != parent.stat().st_dev or not os.access(parent, os.W_OK)):
        return target
    return parent


def _put(
    folder: Path,
    target: Path,
    out: Path,
    exchanged: Callable[[Path, Path, Path], _Names],
    copied: tuple[Path, Path] | None,
) -> None:
    """Moves what the stage holds to its place, and the copy to its own."""
    done = False
    try:
        with _undisturbed():
            _exchange(*_moves(folder, target, out, exchanged, copied))
            done = True
    except KeyboardInterrupt:
        if done:
            raise KeyboardInterrupt(f"{out} was written whole before that") from None
        raise


def _moves(
    folder: Path,
    target: Path,
    out: Path,
    exchanged: Callable[[Path, Path, Path], _Names],
    copied: tuple[Path, Path] | None,
) -> tuple[list[tuple[Path, Path]], list[Path]]:
    """(from where to where, in this order; the places to which the old goes)."""
    moves: list[tuple[Path, Path]] = []
    asides = []
    if copied is not None:
        partial, file = copied
        if os.path.lexists(file):
            asides.append(partial.with_name(f"{partial.name}-old"))
            moves.append((file, asides[-1]))
        moves.append((partial, file))
    if not target.exists():
        moves.append((folder, target))
    else:
        old, new = exchanged(folder, target, out)
        aside = folder.with_name(f"{folder.name}-old")
        asides.append(aside)
        moves += [(target / name, aside / name) for name in old] + [(folder / name, target / name) for name in new]
    return moves, asides


def _replace_run(folder: Path, target: Path, out: Path) -> _Names:
    there = [name for name in RUN_NAMES if os.path.lexists(target / name)]
    _refuse_no_run(out, there)
    # a run without a summary is none, so that this one comes last
    return there, sorted((entry.name for entry in folder.iterdir()), key=lambda name: (name == SUMMARY, name))


def replace_files(folder: Path, target: Path, out: Path) -> _Names:
    """The files of a restored corpus go to their places among others."""
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if not path.is_dir()]
    for name in names:
        refuse_links(target, name)
        if (target / name).is_dir():
            raise BadRun(f"{out}/{name}: is a folder, where a file is to be restored; move it away")
    return [name for name in names if (target / name).exists()], names


def _exchange(moves: Sequence[tuple[Path, Path]], asides: Sequence[Path]) -> None:
    """Makes all *moves* or none; *asides*, where the old went, are removed unless something had to stay there."""
    try:
        for here, there in moves:
            there.parent.mkdir(parents=True, exist_ok=True)
            here.rename(there)
    except BaseException:
        _undo(moves, asides)
        raise
    _remove(asides)


def _undo(moves: Sequence[tuple[Path, Path]], asides: Sequence[Path]) -> None:
    """Undoes the moves by what is there: an interrupt may come between a move and any note of it."""
    stuck: list[OSError] = []
    for here, there in reversed(moves):
        if os.path.lexists(there) and not os.path.lexists(here):
            try:
                there.rename(here)
            except OSError as error:
                stuck.append(error)
    if stuck:
        raise BadRun(
            f"{stuck[0].filename2 or stuck[0].filename}: cannot be put back: {stuck[0].strerror}; what was there lies "
            f"in {', '.join(map(str, asides))}, move it back"
        ) from stuck[0]
    _remove(asides)


def _remove(asides: Sequence[Path]) -> None:
    for aside in asides:
        if aside.is_dir() and not aside.is_symlink():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.unlink(missing_ok=True)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Puts off the signals that end a run until the block is over; they reach the main thread alone.

    Handlers, not a mask of the thread: a signal that another thread takes is still answered in the main one.
    """
    waiting: list[int] = []
    before: dict[int, Any] = {}
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    try:
        if threading.current_thread() is threading.main_thread():
            for number in numbers:
                if signal.getsignal(number) not in (None, signal.SIG_IGN):
                    before[number] = signal.signal(number, lambda taken, _: waiting.append(taken))
        yield
    finally:
        for number, how in before.items():
            signal.signal(number, how)
        for number in waiting:
            signal.raise_signal(number)


def put_in_place(file: Path, place: Path) -> None:
    """A copy of a file takes the place of another at once: an interrupt leaves the old one."""
    copy = place.with_name(f".{place.name}.partial-{secrets.token_hex(4)}")
    try:
        shutil.copyfile(file, copy)
        copy.replace(place)
    finally:
        copy.unlink(missing_ok=True)


def _real(path: str | Path) -> Path:
    return Path(os.path.realpath(path))
