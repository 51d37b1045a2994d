"""A run's folder: made whole or not at all, applied again, restored."""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import secrets
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import islice, pairwise
from pathlib import Path, PurePath, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Any, TypeGuard, TypeVar, get_args, overload

import orjson

from dedup.articles import (
    COMPRESSIONS,
    FORMATS,
    Aside,
    Corpus,
    Ids,
    InputFile,
    PassedOver,
    Reading,
    Rejected,
    Rewriting,
    articles_of,
    copy,
    name_fault,
    remote,
    restore_file,
    rewrite_file,
    write_jsonl,
)
from dedup.errors import BadInput, BadRun
from dedup.kept import locked
from dedup.model import Article, Family, Finding, Grain, Kind, Member, Place, Report
from dedup.report.page import Originals, write_page
from dedup.report.records import write_json
from dedup.rewriting import clean_text, cut_counts, cut_whole, cuts, described, first_fault, restore_text
from dedup.told import Listener, Told

CLEAN, DROPPED, REJECTED, PLACES = "clean", "dropped", "rejected", "places.jsonl"
REJECTS = "rejected.jsonl"
FINDINGS, FAMILIES = "findings.jsonl", "families.jsonl"
SUMMARY, TIMINGS, PAGE, TUNED = "summary.json", "timings.json", "report.html", "tune.json"
RUN_NAMES = (CLEAN, DROPPED, REJECTED, PLACES, FINDINGS, FAMILIES, SUMMARY, TIMINGS, PAGE, TUNED, REJECTS)

T = TypeVar("T")

_ORIGINALS = ".originals"
_KINDS, _GRAINS = get_args(Kind), get_args(Grain)
_ON_ERROR = ("fail", "skip")


# ------------------------------------------------------------------------------------------- made whole or not at all


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
        with _written(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(file) and not force:
                raise BadRun(f"output file {file} exists; pass --force to replace it, or choose another name")
            _replace_file(partial, file)


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
    with _stage(out, force, _replace_run, copy) as folder:
        yield folder


_Names = tuple[Sequence[str], Sequence[str]]
"""What leaves a folder, and what comes into it."""


@contextmanager
def _stage(
    out: str | Path,
    force: bool,
    exchanged: Callable[[Path, Path, Path], _Names],
    copy: tuple[str, Path] | None = None,
) -> Iterator[Path]:
    if remote.is_url(out):
        with TemporaryDirectory(prefix="dedup-") as temporary:
            replaced = RUN_NAMES if exchanged is _replace_run else ()
            _refuse_entries(out, remote.entries(str(out)), replaced, force)
            yield Path(temporary)
            remote.send(Path(temporary), str(out), SUMMARY, replaced)
        return
    out = Path(out)
    target = _real(out)
    with _written(out):
        _refuse_in_use(out, target, force)
        home = home_of(target)
        home.mkdir(parents=True, exist_ok=True)
    _remove_dead(home, target.name, None if copy is None else copy[1])
    token = secrets.token_hex(4)
    folder = _partial(home / target.name, token)
    copied = None if copy is None else (_partial(copy[1], token), copy[1])
    try:
        with _written(out), _alive(folder):
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
def _written(out: Path) -> Iterator[None]:
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


def _replace_files(folder: Path, target: Path, out: Path) -> _Names:
    """The files of a restored corpus go to their places among others."""
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if not path.is_dir()]
    for name in names:
        _refuse_links(target, name)
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


def _real(path: str | Path) -> Path:
    return Path(os.path.realpath(path))


# ---------------------------------------------------------------------------------------------------------- its files


class Reread(Iterable[T]):
    """Findings or families that are read from their file each time they are asked for."""

    def __init__(self, path: Path, read: Callable[[Path], Iterator[T]]) -> None:
        self._path, self._read = path, read

    def __iter__(self) -> Iterator[T]:
        return self._read(self._path)


class OnDisk(Reread[T], Sequence[T]):
    """The same, of a known number."""

    def __init__(self, path: Path, read: Callable[[Path], Iterator[T]], length: int) -> None:
        super().__init__(path, read)
        self._length = length

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return list(islice(self, *index.indices(self._length)))
        if not -self._length <= index < self._length:
            raise IndexError(index)
        return next(islice(self, index % self._length, None))


def write_told(folder: Path, told: Told, listener: Listener | None = None) -> Report:
    """Writes findings.jsonl and families.jsonl of a run, as they are told; those of the report are read from there."""
    for name, lines in ((FAMILIES, told.family_lines(listener)), (FINDINGS, told.finding_lines(listener))):
        with (folder / name).open("wb") as file:
            file.writelines(lines)
    counts = told.counts()
    findings = sum(of["findings"] for of in counts["findings"])
    return Report(
        told.settings,
        told.article_ids,
        OnDisk(folder / FINDINGS, _findings, findings),
        OnDisk(folder / FAMILIES, _families, sum(counts["families"].values())),
        counts,
        told.warnings(),
    )


def write_findings(path: Path, findings: Iterable[Finding]) -> int:
    """Writes findings.jsonl: one finding a line; how many."""
    return _write_lines(path, (finding.to_dict() for finding in findings))


def write_families(path: Path, families: Iterable[Family]) -> int:
    """Writes families.jsonl: one family a line; how many."""
    return _write_lines(path, (family.to_dict() for family in families))


def write_rejected(folder: Path, rejected: Sequence[Rejected]) -> None:
    """Writes rejected.jsonl of a run into *folder*: one record that could not be read a line; nothing for none."""
    if rejected:
        _write_lines(folder / REJECTS, (record.to_dict() for record in rejected))


def read_findings(path: str | Path) -> list[Finding]:
    """The findings of a file that `write_findings` wrote, or someone edited.

    Raises:
        BadInput: the file or a line cannot be read; the message names the line.
    """
    return [finding for _, finding in _numbered_findings(Path(path))]


def each_finding(run: str | Path) -> Iterator[Finding]:
    """The findings of a run, one at a time.

    Raises:
        BadRun: there is no run.
        BadInput: a line cannot be read; the message names it.
    """
    with local_run(run) as folder:
        read_summary(folder)
        yield from _findings(_regular(folder, FINDINGS))


def each_family(run: str | Path) -> Iterator[Family]:
    """The families of a run, one at a time; raises as `each_finding`."""
    with local_run(run) as folder:
        read_summary(folder)
        yield from _families(_regular(folder, FAMILIES))


def read_families(path: str | Path) -> list[Family]:
    """The families of a file families.jsonl.

    Raises:
        BadInput: the file or a line cannot be read; the message names the line.
    """
    return list(_families(Path(path)))


def _families(path: Path) -> Iterator[Family]:
    for number, line in _json_lines(path, "family"):
        try:
            members = tuple(Member(Place.from_dict(member), member["similarity"]) for member in line["members"])
            yield Family(line["family"], line["grain"], Place.from_dict(line["kept"]), members)
        except (KeyError, TypeError) as error:
            raise BadInput(
                f"{path}:{number}: expected a family, found a line that lacks {error}; fix the line"
            ) from None


def _write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> int:
    """Writes JSON lines; how many."""
    count = 0
    with path.open("wb") as file:
        for line in lines:
            count += 1
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    return count


def _json_lines(path: Path, what: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.isspace():
                    continue
                try:
                    value = orjson.loads(line)
                except orjson.JSONDecodeError as error:
                    reason = f"{error.msg} at column {error.colno}"
                    raise BadInput(
                        f"{path}:{number}: expected one {what} a line, found what is not JSON ({reason}); fix the line"
                    ) from None
                if not isinstance(value, dict):
                    raise BadInput(f"{path}:{number}: expected a {what} as a JSON object; fix the line")
                yield number, value
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}; name a file of lines, one {what} each") from None


def _findings(path: Path) -> Iterator[Finding]:
    return (finding for _, finding in _numbered_findings(path))


def _numbered_findings(path: Path) -> Iterator[tuple[int, Finding]]:
    for number, line in _json_lines(path, "finding"):
        try:
            finding = Finding.from_dict(line)
        except BadInput as error:
            raise BadInput(f"{path}:{number}: {error}; fix the line") from None
        for name, value, known in (("kind", finding.kind, _KINDS), ("grain", finding.grain, _GRAINS)):
            if value not in known:
                raise BadInput(
                    f'{path}:{number}: field "{name}" must be one of {", ".join(known)}, found "{value}"; fix the line'
                )
        yield number, finding


# ------------------------------------------------------------------------------------------------------------- writing


def write_clean(
    corpus: Corpus,
    report: Report,
    folder: Path,
    progress: Callable[[int], object] | None = None,
) -> None:
    """Writes clean/, dropped/, rejected/ and places.jsonl of a run into *folder*.

    Files that were passed over whole go to rejected/ as they are, where they can be read at all.

    places.jsonl has a line for every file but plain text files, {"file", "lines", "texts"}: the lines of the records
    that were cut whole, and a SHA-256 of the original texts of all others, by which `restore_run` knows that it gives
    back what was read; where there is need of them "bom": false (U+FEFF at the start of a clean text file is a part of
    its text), "rejected" (the lines of the records that could not be read, which lie in rejected/ as they were),
    "row_groups" (the numbers of rows in those of a Parquet file), and "blanks" (blank lines of a CSV file that would
    have melted into the line end before them).

    Args:
        corpus: as it was scanned.
        report: what was found in it.
        progress: told how many more bytes of the inputs, as stored, have been read.

    Raises:
        BadInput: a file has changed since, a finding does not fit its article, or its article is unknown.
    """
    if not corpus.complete:
        for _ in corpus:
            pass
    judged = _Judged(("", finding) for finding in report.findings)
    _write_articles(
        corpus.files,
        judged,
        folder,
        reading=corpus.reading,
        digests=corpus.digests,
        progress=progress,
    )
    _keep_rejected(corpus.passed_over, folder)


def _keep_rejected(passed_over: Iterable[PassedOver], folder: Path) -> None:
    """Copies whole files to rejected/. Raises BadInput where one has changed."""
    for of in passed_over:
        if of.file is None or of.sha256 is None:
            continue
        path = folder / REJECTED / safe_name(of.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            copy(of.file, path)
        except OSError as error:
            raise BadInput(f"{of.file.shown}: cannot be read any more: {error.strerror}; scan again") from None
        if _digest(path) != of.sha256:
            raise BadInput(f"{of.file.shown}: has changed since it was scanned; scan again when nothing writes to it")


class _Judged:
    """Findings by article, each with the place where it stands, to be applied to texts as they come."""

    def __init__(self, findings: Iterable[tuple[str, Finding]]) -> None:
        self._found: dict[str, list[tuple[str, Finding]]] = {}
        for place, finding in findings:
            self._found.setdefault(finding.article, []).append((place, finding))
        self._seen: list[str] = []

    def clean(self, id: str, text: str) -> str | None:
        """The clean text, None if the article is cut whole."""
        placed = self._found.get(id)
        if placed is None:
            return text
        self._seen.append(id)
        own = [finding for _, finding in placed]
        whole = cut_whole(own)
        fault = first_fault(text, cuts(own))
        if whole is not None:
            fault = first_fault(text, [whole]) or fault
            if whole.text != text:
                fault = whole, f"cuts the article whole, which has {len(text)} characters; give it all of them"
        if fault is not None:
            place = next(place for place, finding in placed if finding is fault[0])
            raise BadInput(f"{place}{described(fault[0])}: {fault[1]}")
        return None if whole is not None else clean_text(text, own)

    def in_order(self) -> list[Finding]:
        """All findings in the order of the articles, each article's by start; after all articles were seen.

        Raises:
            BadInput: an article was not seen.
        """
        unknown = self._found.keys() - set(self._seen)
        for id, placed in self._found.items():
            if id in unknown:
                raise BadInput(f"{placed[0][0]}{described(placed[0][1])}: there is no such article; fix its id")
        return [
            finding
            for id in self._seen
            for finding in sorted((finding for _, finding in self._found[id]), key=lambda finding: finding.start)
        ]


def _write_articles(
    files: Iterable[InputFile],
    judged: _Judged,
    folder: Path,
    *,
    reading: Reading,
    digests: Mapping[str, str] | None = None,
    progress: Callable[[int], object] | None = None,
) -> None:
    ids = Ids(reading.id_field)
    (folder / CLEAN).mkdir()
    with (folder / PLACES).open("wb") as places:
        for file in files:
            done, texts = _write_one(file, judged, folder, ids=ids, reading=reading, progress=progress)
            if digests is not None and done.sha256 != digests[file.name]:
                raise BadInput(f"{file.shown}: has changed since it was scanned; scan again when nothing writes to it")
            place: dict[str, Any] = {"file": file.name, "lines": done.lines, "texts": texts}
            if done.bom_lost_its_place:
                place["bom"] = False
            if done.rejected:
                place["rejected"] = done.rejected
            if done.row_groups:
                place["row_groups"] = done.row_groups
            if done.blanks:
                place["blanks"] = done.blanks
            if file.format != "text" or (not done.lines and (file.compression or done.bom_lost_its_place)):
                places.write(orjson.dumps(place, option=orjson.OPT_APPEND_NEWLINE))
    judged.in_order()


def _write_one(
    file: InputFile,
    judged: _Judged,
    folder: Path,
    *,
    ids: Ids,
    reading: Reading,
    progress: Callable[[int], object] | None,
) -> tuple[Rewriting, str]:
    """(what was done, SHA-256 of the original texts that are kept)."""
    texts = hashlib.sha256()

    def judge(id: str, text: str) -> str | None:
        clean = judged.clean(id, text)
        if clean is not None:
            _note(texts, text)
        return clean

    places = [folder / part / file.name for part in (CLEAN, DROPPED, REJECTED)]
    done = rewrite_file(file, judge, *places, ids=ids, reading=reading, progress=progress)
    return done, texts.hexdigest()


def _write_summary(path: Path, summary: dict[str, Any], findings: Sequence[Finding]) -> None:
    """Writes the summary of a run with the counts that follow from other findings."""
    counts = summary.get("counts")
    if isinstance(counts, dict) and isinstance(counts.get("characters"), int):
        counts.update(cut_counts(findings, counts["characters"]))
    path.write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def copy_jsonl(corpus: Corpus, run: Path, out: IO[bytes]) -> None:
    """Writes the clean articles of a run to *out* as JSONL; a text file becomes a record with its id and text."""
    for file in corpus.files:
        clean = run / CLEAN / file.name
        if clean.exists():
            write_jsonl(replace(file, path=clean, shown=str(clean), url=""), corpus.reading, out)


def _note(texts: hashlib._Hash, text: str) -> None:
    encoded = text.encode()
    texts.update(b"%d:" % len(encoded))
    texts.update(encoded)


# ------------------------------------------------------------------------------------------------------ applied again


def apply_run(
    run: str | Path,
    out: str | Path,
    findings_path: str | Path | None = None,
    force: bool = False,
    keep_families: Sequence[str] = (),
    lang: str = "en",
) -> list[Finding]:
    """Rewrites the articles of a run again, by findings that may have been edited, without scanning them again.

    After `clean` the originals are rebuilt from the run's folder; after `scan` the inputs are read again.

    Args:
        run: the folder of a run.
        out: the folder of the new run.
        findings_path: edited findings; default: those of the run.
        keep_families: names of families whose members all stay.
        lang: of the page, "en" or "zh".

    Returns:
        the findings that were applied, in the order of the articles.

    Raises:
        BadInput: a finding does not fit its article, or its article is unknown; the message names its line.
        BadRun: the run's folder is damaged, an input has changed or is gone, or *out* cannot be used.
    """
    check_places([run], out)
    with local_run(run) as folder:
        return _apply_run(folder, out, findings_path, force, keep_families, lang)


def _kept_on(path: Path, run: Path, keep_families: Sequence[str]) -> Iterator[tuple[int, Finding]]:
    """The findings of a file, those of the families named not removed any more.

    A block or a remnant, which is of no family itself, stays as a whole where it holds a member of one of them.

    Raises:
        BadInput: there is no such family.
    """
    if not keep_families:
        yield from _numbered_findings(path)
        return
    places: dict[str, dict[str, list[tuple[int, int]]]] = {name: {} for name in keep_families}
    found = set()
    for family in _families(_regular(run, FAMILIES)):
        if family.family in places:
            found.add(family.family)
            for member in family.members:
                spans = places[family.family].setdefault(member.place.article, [])
                spans.append((member.place.start, member.place.end))
    for name in keep_families:
        if name not in found:
            near = get_close_matches(name, [family.family for family in _families(run / FAMILIES)], 3, 0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"their names are in {FAMILIES} and {FINDINGS}"
            raise BadInput(f"--keep-family {name}: the run has no family of that name; {hint}")
    by_article: dict[str, list[tuple[int, int]]] = {}
    for members in places.values():
        for article, spans in members.items():
            by_article.setdefault(article, []).extend(spans)
    for number, finding in _numbered_findings(path):
        kept = finding.family in places
        if finding.kind == "duplicate" and finding.family is None:
            spans = by_article.get(finding.article, [])
            kept = any(finding.start <= start and end <= finding.end for start, end in spans)
        yield number, replace(finding, removed=finding.removed and not kept)


@contextmanager
def local_run(run: str | Path) -> Iterator[Path]:
    """The folder of a run; a copy of it where it lies elsewhere."""
    if not remote.is_url(run):
        yield Path(run)
        return
    with TemporaryDirectory(prefix="dedup-") as temporary:
        remote.fetch(str(run), Path(temporary))
        yield Path(temporary)


def _apply_run(
    run: Path, out: str | Path, findings_path: str | Path | None, force: bool, keep_families: Sequence[str], lang: str
) -> list[Finding]:
    record = _read_record(run)
    check_places(_folders(run), out)
    path = Path(findings_path) if findings_path is not None else _regular(run, FINDINGS)
    judged = _Judged((f"{path}:{number}: ", finding) for number, finding in _kept_on(path, run, keep_families))
    cleaned = os.path.lexists(run / CLEAN)
    inputs = [] if cleaned else _read_inputs(run, record, out)
    with stage(out, force) as folder:
        scratch = folder / _ORIGINALS
        files = _restored(run, record, scratch) if cleaned else iter(inputs)
        _write_articles(files, judged, folder, reading=record.reading)
        _keep_rejected(_passed_over(run, record, cleaned, out), folder)
        shutil.rmtree(scratch, ignore_errors=True)
        findings = judged.in_order()
        write_findings(folder / FINDINGS, findings)
        for name in (FAMILIES, TIMINGS, *([REJECTS] if (run / REJECTS).exists() else [])):
            shutil.copyfile(_regular(run, name), folder / name)
        _write_summary(folder / SUMMARY, read_summary(run), findings)
        write_report(folder, lang)
    return findings


def restore_run(run: str | Path, out: str | Path, force: bool = False) -> list[str]:
    """Writes the original files of a cleaned run to their relative paths under *out*.

    Text files come back byte for byte, the records of other files equal in every field and in their order, those that
    could not be read as they were, and Parquet with its schema and row groups.

    Returns:
        the names of files and folders that the run could not read at all, and that are not restored.

    Raises:
        BadRun: the run has no clean articles, its folder is damaged or was changed, or *out* cannot be used.
    """
    check_places([run], out)
    with local_run(run) as place:
        record = _read_record(place)
        if not os.path.lexists(place / CLEAN):
            raise BadRun(f"{run}: holds no {CLEAN}/, so nothing was changed; the inputs are the originals")
        with _stage(out, force, _replace_files) as folder:
            for _ in _restored(place, record, folder, keep=True):
                pass
            for of in _passed_over(place, record, True, out):
                if of.file is not None:
                    path = folder / of.name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(of.file.path, path)
        return [name for name, digest in record.rejected.items() if digest is None]


def read_originals(run: str | Path) -> Iterator[Article]:
    """The articles of a run as they were read, in their order: rebuilt after `clean`, read again after `scan`.

    Raises:
        BadRun: the run's folder is damaged, or an input has changed or is gone.
    """
    with local_run(run) as place, TemporaryDirectory(prefix="dedup-") as scratch:
        record = _read_record(place)
        ids = Ids(record.reading.id_field)
        cleaned = os.path.lexists(place / CLEAN)
        files = _restored(place, record, Path(scratch)) if cleaned else iter(_read_inputs(place, record, scratch))
        for file in files:
            yield from articles_of(file, record.reading, ids)


def renew_page(run: str | Path, lang: str = "en") -> str:
    """Writes report.html of a run again from what lies in its folder, which may lie elsewhere.

    Returns:
        see `write_report`.

    Raises:
        BadInput: a line of findings.jsonl or families.jsonl cannot be read.
        BadRun: the folder is not that of a run, or cannot be written.
    """
    with local_run(run) as place, TemporaryDirectory(prefix="dedup-") as temporary:
        reason = write_report(place, lang, page=Path(temporary) / PAGE)
        if remote.is_url(run):
            remote.send(Path(temporary), str(run), PAGE)
        else:
            with _written(place):
                _replace_file(Path(temporary) / PAGE, place / PAGE)
    return reason


def _replace_file(file: Path, place: Path) -> None:
    """A copy of a file takes the place of another at once: an interrupt leaves the old one."""
    copy = place.with_name(f".{place.name}.partial-{secrets.token_hex(4)}")
    try:
        shutil.copyfile(file, copy)
        copy.replace(place)
    finally:
        copy.unlink(missing_ok=True)


def _restored(run: Path, record: _Record, folder: Path, keep: bool = False) -> Iterator[InputFile]:
    """The original files, written to *folder* one by one; each is deleted when the next is asked for, unless *keep*."""
    places = _read_places(run, record)
    findings: dict[str, list[Finding]] = {}
    try:
        for finding in read_findings(_regular(run, FINDINGS)):
            findings.setdefault(finding.article, []).append(finding)
    except BadInput as error:
        raise BadRun(str(error)) from None
    ids = Ids(record.reading.id_field)
    for file in record.inputs:
        path = folder / file.name
        place = places.get(file.name, _Place())
        clean, dropped, rejected = (_entry(run, part, file.name) for part in (CLEAN, DROPPED, REJECTED))
        if file.format == "text" and clean is None and dropped is not None:
            ids.of_text(file)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(dropped, path)
        elif clean is None:
            raise BadRun(f"{run / CLEAN / file.name}: is missing; take the run folder as the run left it")
        elif (dropped is not None and not place.lines) or (rejected is not None and not place.rejected):
            raise BadRun(
                f"{dropped or rejected}: is not accounted for in {PLACES}; take the run folder as the run left it"
            )
        else:
            aside = Aside(dropped, place.lines, rejected, place.rejected, place.row_groups, place.blanks, place.bom)
            _restore_one(file, aside, place.texts, findings, path, ids=ids, reading=record.reading)
        if file.format == "text" and not file.compression and _digest(path) != record.digests[file.name]:
            raise _changed(file.path)
        yield replace(file, path=path, shown=file.name, bytes=path.stat().st_size)
        if not keep:
            path.unlink()


def _restore_one(
    file: InputFile,
    aside: Aside,
    digest: str | None,
    findings: Mapping[str, Sequence[Finding]],
    path: Path,
    *,
    ids: Ids,
    reading: Reading,
) -> None:
    texts = hashlib.sha256()

    def restore(id: str, text: str) -> str:
        original = _original(id, text, findings.get(id, ()), file.path)
        _note(texts, original)
        return original

    try:
        restore_file(file, aside, restore, path, ids=ids, reading=reading)
    except BadInput as error:
        raise BadRun(str(error)) from None
    if digest not in (None, texts.hexdigest()):
        raise _changed(file.path)


def _original(id: str, text: str, findings: Sequence[Finding], clean: Path) -> str:
    if cut_whole(findings) is not None:
        raise _changed(clean)
    try:
        return restore_text(text, findings) if findings else text
    except BadInput:
        raise _changed(clean) from None


def _changed(path: Path) -> BadRun:
    return BadRun(
        f"{path}: does not give the original back with the {FINDINGS} beside it; one of the two was changed after the "
        "run. Undo that; edited findings belong in a file of their own, for `dedup apply --findings`"
    )


# ------------------------------------------------------------------------------------------------------------ the page


def sourced(files: Iterable[InputFile], reading: Reading) -> Iterator[tuple[str, Article]]:
    """(source, article) of files that have been read: the source is a file of records, or the folder of a text."""
    ids = Ids(reading.id_field)
    for file in files:
        for article in articles_of(file, reading, ids):
            yield _source(file), article


def sources(corpus: Corpus) -> Iterator[tuple[str, int]]:
    """(source, articles of it in a row) of a corpus that has been read, in the order of reading."""
    return ((_source(file), corpus.counts[file.name]) for file in corpus.files)


def _source(file: InputFile) -> str:
    return file.name if file.format != "text" else f"{PurePosixPath(file.name).parent}/"


def write_report(run: Path, lang: str = "en", page: Path | None = None) -> str:
    """Writes the page of the run in a folder; the originals are rebuilt after `clean`, read again after `scan`.

    Args:
        run: the folder.
        lang: "en" or "zh".
        page: the file; default: report.html in the folder.

    Returns:
        why the originals could not be read, so that the page lacks the texts that stay; empty where they could.

    Raises:
        BadRun, BadInput: the run's folder is damaged.
    """
    page = page or run / PAGE
    record = _read_record(run)
    if os.path.lexists(run / CLEAN):
        with TemporaryDirectory(prefix="dedup-") as scratch:
            files = _restored(run, record, Path(scratch))
            _write_report(run, lang, Originals(lambda: sourced(files, record.reading)), page)
        return ""
    try:
        inputs = _read_inputs(run, record, run)
    except BadRun as error:  # they came from a pipe, are gone or changed
        _write_report(run, lang, None, page)
        return str(error)
    _write_report(run, lang, Originals(lambda: sourced(inputs, record.reading)), page)
    return ""


def _write_report(run: Path, lang: str, originals: Originals | None, page: Path) -> None:
    findings = Reread(_regular(run, FINDINGS), _findings)
    families = Reread(_regular(run, FAMILIES), _families)
    write_page(page, read_summary(run), findings, families, originals, read_tuned(run), lang)


def read_tuned(run: Path) -> dict[str, Any] | None:
    """The tune.json of a run, None where there is none.

    Raises:
        BadRun: it is damaged.
    """
    path = run / TUNED
    if not path.exists():
        return None
    tuned = _json(path)
    try:
        for step in tuned["steps"]:
            _ = [float(step["threshold"]), *(int(step[name]) for name in ("articles", "passages", "characters"))]
        for pair in tuned["pairs"]:
            Place.from_dict(pair["source"])
            _ = [float(pair["similarity"]), float(pair["step"]), int(pair["start"]), int(pair["end"])]
            if pair["grain"] not in get_args(Grain) or not all(
                isinstance(pair[name], str) for name in ("article", "text", "source_text")
            ):
                raise ValueError("a pair is not one")
        _ = [int(tuned["articles"]), int(tuned["characters"])]
    except (KeyError, TypeError, ValueError) as error:
        raise BadRun(f"{path}: is not what `dedup tune` wrote ({error!r}); tune again, or remove it") from None
    return tuned


def write_tuned(run: str | Path, tuned: Mapping[str, Any], lang: str = "en") -> None:
    """Writes tune.json into the folder of a run, and its page again.

    Raises:
        BadRun: there is no run here.
    """
    folder = Path(run)
    read_summary(folder)
    with _written(folder):
        write_json(folder / TUNED, tuned)
        renew_page(folder, lang)


# ----------------------------------------------------------------------------------------------------- read with care


@dataclass(frozen=True, slots=True)
class _Record:
    """What a run knows about its inputs; their paths are those of the clean files.

    `rejected` has the SHA-256 of those that were passed over whole, None where they could not be read, by name.
    """

    inputs: tuple[InputFile, ...]
    digests: Mapping[str, str]
    reading: Reading
    rejected: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class _Place:
    """A line of places.jsonl, see `write_clean`."""

    lines: tuple[int, ...] = ()
    texts: str | None = None
    bom: bool = True
    rejected: tuple[int, ...] = ()
    row_groups: tuple[int, ...] = ()
    blanks: tuple[int, ...] = ()


def safe_name(name: object) -> str:
    """*name*, if it is a relative name that stays inside its folder on any system.

    Raises:
        BadRun: it is not.

    >>> safe_name("2020/news.jsonl")
    '2020/news.jsonl'
    """
    if not isinstance(name, str):
        raise BadRun(f"a run names its files by strings, found {name!r}; the run folder is damaged")
    if fault := name_fault(name):
        raise BadRun(f"the run names a file {name!r}, which {fault}; do not trust this run folder")
    return name


def _entry(run: Path, part: str, name: str) -> Path | None:
    """The regular file of that name in clean/ or dropped/, None if there is none."""
    _refuse_links(run, f"{part}/{name}")
    path = run / part / name
    if not os.path.lexists(path):
        return None
    if not path.is_file():
        raise BadRun(f"{path}: expected a file, found something else; take the run folder as the run left it")
    return path


def _refuse_links(root: Path, name: str) -> None:
    """Raises BadRun if a part of *name* is a symbolic link: what is read or written there might lie anywhere."""
    path = root
    for part in safe_name(name).split("/"):
        path /= part
        if path.is_symlink():
            raise BadRun(f"{path}: is a symbolic link, which a run never makes; do not trust this folder")


def _regular(run: Path, name: str) -> Path:
    path = run / name
    if not path.is_file():
        raise BadRun(f"{path}: is missing; name the folder of a run")
    return path


def read_summary(run: str | Path) -> dict[str, Any]:
    """The summary.json of a run.

    Raises:
        BadRun: *run* is no run folder, or its summary is damaged.
    """
    run = Path(run)
    if not run.is_dir():
        raise BadRun(f"{run}: expected the folder of a run, found {'a file' if run.exists() else 'nothing'}")
    return _json(_regular(run, SUMMARY))


def _read_record(run: Path) -> _Record:
    path = run / SUMMARY
    summary = read_summary(run)
    try:
        inputs = tuple(
            InputFile(name, run / CLEAN / name, form, compression, size, str(run / CLEAN / name), True, encoding)
            for name, form, compression, size, encoding in (
                (
                    safe_name(item["name"]),
                    item["format"],
                    item["compression"],
                    item["bytes"],
                    item.get("encoding", "utf-8"),
                )
                for item in summary["inputs"]
            )
        )
        digests = {item["name"]: item["sha256"] for item in summary["inputs"]}
        rejected = {item["name"]: item["sha256"] for item in summary.get("rejected_files", ())}
    except (KeyError, TypeError) as error:
        raise BadRun(f'{path}: its "inputs" are not those of a run ({error}); name the folder of a run') from None
    for file in inputs:
        if file.format not in FORMATS or file.compression not in COMPRESSIONS:
            raise BadRun(
                f'{path}: input "{file.name}" has the format {file.format!r} and the compression {file.compression!r}, '
                "which this version does not know; use the version that made the run"
            )
        if file.format != "parquet" and not _is_codec(file.encoding):
            raise BadRun(f'{path}: input "{file.name}" has the unknown encoding {file.encoding!r}; mend the summary')
    text_field, id_field = summary.get("text_field", "text"), summary.get("id_field")
    on_error = summary.get("on_error", "fail")
    if not isinstance(text_field, str) or not isinstance(id_field, (str, type(None))) or on_error not in _ON_ERROR:
        raise BadRun(
            f'{path}: "text_field" and "id_field" must be strings, "on_error" fail or skip; name the folder of a run'
        )
    # what the run could read it may read again, whatever its size: the limits guard against strangers' files
    return _Record(
        inputs, digests, Reading(text_field, id_field, "utf-8", on_error, sys.maxsize, sys.maxsize), rejected
    )


def _is_codec(name: object) -> bool:
    try:
        return isinstance(name, str) and codecs.lookup(name)._is_text_encoding
    except LookupError:
        return False


def _read_places(run: Path, record: _Record) -> dict[str, _Place]:
    path = _regular(run, PLACES)
    known = {file.name: file for file in record.inputs}
    places = {}
    try:
        for number, line in _json_lines(path, "place"):
            name = safe_name(line.get("file"))
            lines: Any = line.get("lines")
            rejected, row_groups, blanks = (line.get(of, []) for of in ("rejected", "row_groups", "blanks"))
            fits = all(map(_are_lines, (lines, rejected, blanks))) and _are_sizes(row_groups)
            if (
                name not in known
                or not fits
                or len({*lines, *rejected, *blanks}) < sum(map(len, (lines, rejected, blanks)))
            ):
                raise BadRun(f'{path}:{number}: expected an input and the lines that it lost, in order; found "{name}"')
            if lines and _entry(run, DROPPED, name) is None:
                raise BadRun(f"{run / DROPPED / name}: is missing; take the run folder as the run left it")
            if rejected and _entry(run, REJECTED, name) is None:
                raise BadRun(f"{run / REJECTED / name}: is missing; take the run folder as the run left it")
            bom = line.get("bom", True) is not False
            places[name] = _Place(
                tuple(lines), line.get("texts"), bom, tuple(rejected), tuple(row_groups), tuple(blanks)
            )
    except BadInput as error:
        raise BadRun(str(error)) from None
    return places


def _are_lines(lines: object) -> TypeGuard[list[int]]:
    """Line numbers, each greater than the one before."""
    if not isinstance(lines, list) or not all(type(line) is int for line in lines):
        return False
    return all(before < line for before, line in pairwise([0, *lines]))


def _are_sizes(sizes: object) -> TypeGuard[list[int]]:
    return isinstance(sizes, list) and all(type(size) is int and size >= 0 for size in sizes)


def _read_inputs(run: Path, record: _Record, out: str | Path) -> list[InputFile]:
    """The inputs of a scan where they lay then, unchanged."""
    paths = _json(_regular(run, TIMINGS)).get("inputs")
    return [_found_again(run, file, paths, record.digests[file.name], out) for file in record.inputs]


def _found_again(run: Path, file: InputFile, paths: object, digest: str, out: str | Path) -> InputFile:
    """An input of a scan where it lay then, unchanged; *paths* is what timings.json says about inputs."""
    place = paths.get(file.name) if isinstance(paths, dict) else None
    if place == "-":
        raise BadRun(
            f"{run}: its articles came from stdin, which cannot be read again; save them to a file and scan that"
        )
    if not isinstance(place, str):
        raise BadRun(f'{run / TIMINGS}: does not tell where the input "{file.name}" lies; take the folder of a scan')
    if remote.is_url(place):
        if remote.sha256(place) != digest:
            raise BadRun(f"{place}: has changed since it was scanned; put it back as it was, or scan again")
        check_places([place], out)
        return replace(file, url=place, shown=place)
    path = Path(place)
    if not path.is_file():
        why = "is gone; put it back, or scan again"
        if "\\udc" in place:
            why = "is not UTF-8 in its path, so that it cannot be found again; use `dedup clean` instead"
        raise BadRun(f"{path}: was scanned as an input and {why}")
    if _digest(path) != digest:
        raise BadRun(f"{path}: has changed since it was scanned; put it back as it was, or scan again")
    check_places([path], out)
    return replace(file, path=path, shown=place)


def _passed_over(run: Path, record: _Record, cleaned: bool, out: str | Path) -> Iterator[PassedOver]:
    """The files that were passed over whole and can be copied: from rejected/ after `clean`, else where they lay."""
    paths = None if cleaned else _json(_regular(run, TIMINGS)).get("inputs")
    for name, digest in record.rejected.items():
        if digest is None:
            continue
        path = _entry(run, REJECTED, name) if cleaned else None
        file = InputFile(name, path or run, "text", "", 0, name)
        if not cleaned:
            file = _found_again(run, file, paths, digest, out)
        elif path is None:
            raise BadRun(f"{run / REJECTED / name}: is missing; take the run folder as the run left it")
        elif _digest(path) != digest:
            raise BadRun(f"{path}: was changed after the run; take the run folder as the run left it")
        yield PassedOver(name, "", file, digest)


def _folders(run: Path) -> list[str]:
    """The folders that were inputs or references of a run."""
    path = _regular(run, TIMINGS)
    folders = _json(path).get("folders", [])
    if not isinstance(folders, list) or not all(isinstance(folder, str) for folder in folders):
        raise BadRun(f'{path}: "folders" must be a list of paths; take the run folder as the run left it')
    return folders


def _json(path: Path) -> dict[str, Any]:
    try:
        value = orjson.loads(path.read_bytes())
    except OSError as error:
        raise BadRun(f"{path}: cannot be read: {error.strerror}; see to its permissions") from None
    except orjson.JSONDecodeError as error:
        raise BadRun(f"{path}: is not JSON ({error}); take the run folder as the run left it") from None
    if not isinstance(value, dict):
        raise BadRun(f"{path}: is not a JSON object; name the folder of a run")
    return value


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
