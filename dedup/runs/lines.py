"""Findings, families and what could not be read, one a line: written, and read with care."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar, get_args, overload

import orjson

from dedup.articles import Rejected
from dedup.errors import BadInput
from dedup.model import Family, Finding, Grain, Kind, Member, Place, Report
from dedup.runs.names import FAMILIES, FINDINGS, REJECTS
from dedup.told import Listener, Told

T = TypeVar("T")


_KINDS, _GRAINS = get_args(Kind), get_args(Grain)


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
        OnDisk(folder / FINDINGS, iter_findings, findings),
        OnDisk(folder / FAMILIES, iter_families, sum(counts["families"].values())),
        counts,
        told.warnings(),
    )


def finding_line(finding: Finding) -> bytes:
    """A line of findings.jsonl."""
    return _line_of(finding.to_dict())


def write_rejected(folder: Path, rejected: Sequence[Rejected]) -> None:
    """Writes rejected.jsonl of a run into *folder*: one record that could not be read a line; nothing for none."""
    if rejected:
        with (folder / REJECTS).open("wb") as file:
            file.writelines(_line_of(record.to_dict()) for record in rejected)


def read_findings(path: str | Path) -> list[Finding]:
    """The findings of a file findings.jsonl, as a run left it or someone edited it.

    Raises:
        BadInput: the file or a line cannot be read; the message names the line.
    """
    return list(iter_findings(Path(path)))


def read_families(path: str | Path) -> list[Family]:
    """The families of a file families.jsonl.

    Raises:
        BadInput: the file or a line cannot be read; the message names the line.
    """
    return list(iter_families(Path(path)))


def iter_families(path: Path) -> Iterator[Family]:
    """The families of a file, as they are read; raises as `read_families`."""
    for number, line in json_lines(path, "family"):
        try:
            members = tuple(Member(Place.from_dict(member), member["similarity"]) for member in line["members"])
            yield Family(line["family"], line["grain"], Place.from_dict(line["kept"]), members)
        except (KeyError, TypeError) as error:
            raise BadInput(
                f"{path}:{number}: expected a family, found a line that lacks {error}; fix the line"
            ) from None


def _line_of(value: Mapping[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def unreadable(path: Path, what: str, error: OSError) -> BadInput:
    """What it means that a file of lines cannot be read, of which each is a *what*."""
    return BadInput(f"{path}: cannot be read: {error.strerror}; name a file of lines, one {what} each")


def filled_lines(file: IO[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """(number, where it starts in bytes, line) of each line that is not blank."""
    start = 0
    for number, line in enumerate(file, 1):
        if not line.isspace():
            yield number, start, line
        start += len(line)


def json_lines(path: Path, what: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number, JSON object) of each line; *what* a line is goes into what is raised."""
    try:
        with path.open("rb") as file:
            for number, _, line in filled_lines(file):
                yield number, _object_of(path, number, line, what)
    except OSError as error:
        raise unreadable(path, what, error) from None


def _object_of(path: Path, number: int, line: bytes, what: str) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        reason = f"{error.msg} at column {error.colno}"
        raise BadInput(
            f"{path}:{number}: expected one {what} a line, found what is not JSON ({reason}); fix the line"
        ) from None
    if not isinstance(value, dict):
        raise BadInput(f"{path}:{number}: expected a {what} as a JSON object; fix the line")
    return value


def iter_findings(path: Path) -> Iterator[Finding]:
    """The findings of a file, as they are read; raises as `read_findings`."""
    return (_finding_of(path, number, value) for number, value in json_lines(path, "finding"))


def finding_of_line(path: Path, number: int, line: bytes) -> Finding:
    """The finding that stands in a line of a file.

    Raises:
        BadInput: there is none; the message names the line.
    """
    return _finding_of(path, number, _object_of(path, number, line, "finding"))


def _finding_of(path: Path, number: int, value: dict[str, Any]) -> Finding:
    try:
        finding = Finding.from_dict(value)
    except BadInput as error:
        raise BadInput(f"{path}:{number}: {error}; fix the line") from None
    if finding.kind in _KINDS and finding.grain in _GRAINS:
        return finding
    name, known = ("grain", _GRAINS) if finding.kind in _KINDS else ("kind", _KINDS)
    raise BadInput(
        f'{path}:{number}: field "{name}" must be one of {", ".join(known)}, found "{value[name]}"; fix the line'
    )
