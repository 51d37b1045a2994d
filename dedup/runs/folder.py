"""The folder of a run, read with care: what it says of itself and of its inputs."""

from __future__ import annotations

import codecs
import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeGuard

import orjson

from dedup.articles import COMPRESSIONS, FORMATS, InputFile, PassedOver, Reading, remote
from dedup.errors import BadInput, BadRun
from dedup.model import Family, Finding
from dedup.runs.lines import iter_families, iter_findings, json_lines
from dedup.runs.names import (
    CLEAN,
    DROPPED,
    FAMILIES,
    FINDINGS,
    PLACES,
    REJECTED,
    SUMMARY,
    TIMINGS,
    refuse_links,
    safe_name,
)
from dedup.runs.staging import check_places

_ON_ERROR = ("fail", "skip")


@contextmanager
def local_run(run: str | Path) -> Iterator[Path]:
    """The folder of a run; a copy of it where it lies elsewhere."""
    if not remote.is_url(run):
        yield Path(run)
        return
    with TemporaryDirectory(prefix="dedup-") as temporary:
        remote.fetch(str(run), Path(temporary))
        yield Path(temporary)


def each_finding(run: str | Path) -> Iterator[Finding]:
    """The findings of a run, one at a time.

    Raises:
        BadRun: there is no run.
        BadInput: a line cannot be read; the message names it.
    """
    with local_run(run) as folder:
        read_summary(folder)
        yield from iter_findings(regular_file(folder, FINDINGS))


def each_family(run: str | Path) -> Iterator[Family]:
    """The families of a run, one at a time; raises as `each_finding`."""
    with local_run(run) as folder:
        read_summary(folder)
        yield from iter_families(regular_file(folder, FAMILIES))


@dataclass(frozen=True, slots=True)
class Record:
    """What a run knows about its inputs; their paths are those of the clean files.

    `rejected` has the SHA-256 of those that were passed over whole, None where they could not be read, by name.
    """

    inputs: tuple[InputFile, ...]
    digests: Mapping[str, str]
    reading: Reading
    rejected: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """A line of places.jsonl, see `write_clean`."""

    lines: tuple[int, ...] = ()
    texts: str | None = None
    bom: bool = True
    rejected: tuple[int, ...] = ()
    row_groups: tuple[int, ...] = ()
    blanks: tuple[int, ...] = ()


def entry_of(run: Path, part: str, name: str) -> Path | None:
    """The regular file of that name in clean/ or dropped/, None if there is none."""
    refuse_links(run, f"{part}/{name}")
    path = run / part / name
    if not os.path.lexists(path):
        return None
    if not path.is_file():
        raise BadRun(f"{path}: expected a file, found something else; take the run folder as the run left it")
    return path


def regular_file(run: Path, name: str) -> Path:
    """A file of the run that must be there."""
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
    return read_json(regular_file(run, SUMMARY))


def read_record(run: Path) -> Record:
    """What summary.json says of the inputs. Raises BadRun where it is damaged, or not of this version."""
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
    return Record(inputs, digests, Reading(text_field, id_field, "utf-8", on_error, sys.maxsize, sys.maxsize), rejected)


def _is_codec(name: object) -> bool:
    try:
        return isinstance(name, str) and codecs.lookup(name)._is_text_encoding
    except LookupError:
        return False


def read_places(run: Path, record: Record) -> dict[str, PlaceLine]:
    """The lines of places.jsonl by their files. Raises BadRun where one is damaged, or what it tells of is missing."""
    path = regular_file(run, PLACES)
    known = {file.name: file for file in record.inputs}
    places = {}
    try:
        for number, line in json_lines(path, "place"):
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
            if lines and entry_of(run, DROPPED, name) is None:
                raise BadRun(f"{run / DROPPED / name}: is missing; take the run folder as the run left it")
            if rejected and entry_of(run, REJECTED, name) is None:
                raise BadRun(f"{run / REJECTED / name}: is missing; take the run folder as the run left it")
            bom = line.get("bom", True) is not False
            places[name] = PlaceLine(
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


def read_inputs(run: Path, record: Record, out: str | Path) -> list[InputFile]:
    """The inputs of a scan where they lay then, unchanged."""
    paths = read_json(regular_file(run, TIMINGS)).get("inputs")
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
    if sha256_of(path) != digest:
        raise BadRun(f"{path}: has changed since it was scanned; put it back as it was, or scan again")
    check_places([path], out)
    return replace(file, path=path, shown=place)


def files_passed_over(run: Path, record: Record, cleaned: bool, out: str | Path) -> Iterator[PassedOver]:
    """The files that were passed over whole and can be copied: from rejected/ after `clean`, else where they lay."""
    paths = None if cleaned else read_json(regular_file(run, TIMINGS)).get("inputs")
    for name, digest in record.rejected.items():
        if digest is None:
            continue
        path = entry_of(run, REJECTED, name) if cleaned else None
        file = InputFile(name, path or run, "text", "", 0, name)
        if not cleaned:
            file = _found_again(run, file, paths, digest, out)
        elif path is None:
            raise BadRun(f"{run / REJECTED / name}: is missing; take the run folder as the run left it")
        elif sha256_of(path) != digest:
            raise BadRun(f"{path}: was changed after the run; take the run folder as the run left it")
        yield PassedOver(name, "", file, digest)


def input_folders(run: Path) -> list[str]:
    """The folders that were inputs or references of a run."""
    path = regular_file(run, TIMINGS)
    folders = read_json(path).get("folders", [])
    if not isinstance(folders, list) or not all(isinstance(folder, str) for folder in folders):
        raise BadRun(f'{path}: "folders" must be a list of paths; take the run folder as the run left it')
    return folders


def read_json(path: Path) -> dict[str, Any]:
    """A file that holds a JSON object. Raises BadRun where it holds anything else."""
    try:
        value = orjson.loads(path.read_bytes())
    except OSError as error:
        raise BadRun(f"{path}: cannot be read: {error.strerror}; see to its permissions") from None
    except orjson.JSONDecodeError as error:
        raise BadRun(f"{path}: is not JSON ({error}); take the run folder as the run left it") from None
    if not isinstance(value, dict):
        raise BadRun(f"{path}: is not a JSON object; name the folder of a run")
    return value


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
