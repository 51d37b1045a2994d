"""Findings, families and what could not be read, one a line: written, and read with care."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, get_args, overload

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


def write_findings(path: Path, findings: Iterable[Finding]) -> int:
    """Writes findings.jsonl: one finding a line; how many."""
    return _write_lines(path, (finding.to_dict() for finding in findings))


def write_rejected(folder: Path, rejected: Sequence[Rejected]) -> None:
    """Writes rejected.jsonl of a run into *folder*: one record that could not be read a line; nothing for none."""
    if rejected:
        _write_lines(folder / REJECTS, (record.to_dict() for record in rejected))


def read_findings(path: str | Path) -> list[Finding]:
    """The findings of a file that `write_findings` wrote, or someone edited.

    Raises:
        BadInput: the file or a line cannot be read; the message names the line.
    """
    return [finding for _, finding in numbered_findings(Path(path))]


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


def _write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> int:
    """Writes JSON lines; how many."""
    count = 0
    with path.open("wb") as file:
        for line in lines:
            count += 1
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    return count


def json_lines(path: Path, what: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number, JSON object) of each line; *what* a line is goes into what is raised."""
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


def iter_findings(path: Path) -> Iterator[Finding]:
    """The findings of a file, as they are read; raises as `read_findings`."""
    return (finding for _, finding in numbered_findings(path))


def numbered_findings(path: Path) -> Iterator[tuple[int, Finding]]:
    """The same with the number of the line of each."""
    for number, line in json_lines(path, "finding"):
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
