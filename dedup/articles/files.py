"""What is known of an input file, and of how it is to be read."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from dedup.articles import wording
from dedup.articles.wording import found, short
from dedup.errors import BadInput

FORMATS = ("text", "jsonl", "csv", "tsv", "parquet")
COMPRESSIONS = ("", "gz", "zst", "bz2", "xz")
MAX_RECORD = 1 << 30
MAX_UNPACKED = 1 << 38


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of a corpus.

    Attributes:
        name: its name in the output, relative, with "/" between the parts; ids are made from it.
        path: where it is read.
        format: "text" (one article), "jsonl", "csv", "tsv" or "parquet" (one article a row).
        compression: "", "gz", "zst", "bz2" or "xz".
        bytes: its size as stored, when it was found; 0 where a server does not tell.
        shown: how errors name it: the path as the user gave it.
        given: the user named this very file, so that it must be readable as text; inside a folder it may be skipped.
        encoding: of its characters; "auto" until it is read; "" for Parquet, which has its own.
        url: where it is read if that is no local file: *path* then means nothing.
    """

    name: str
    path: Path
    format: str
    compression: str
    bytes: int
    shown: str
    given: bool = False
    encoding: str = "utf-8"
    url: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read.

    Attributes:
        text_field: the field or column of a record that holds the text.
        id_field: the one that holds its id; None: "id" where there is one.
        encoding: of all files but Parquet; "auto" asks charset-normalizer file by file.
        on_error: "fail" at the first record that cannot be read, or "skip" and tell.
        max_record: bytes of one record, or of a text file, unpacked.
        max_unpacked: bytes that one compressed or Parquet file unpacks to.
    """

    text_field: str = "text"
    id_field: str | None = None
    encoding: str = "utf-8"
    on_error: str = "fail"
    max_record: int = MAX_RECORD
    max_unpacked: int = MAX_UNPACKED

    @property
    def skips(self) -> bool:
        """Whether records that cannot be read are passed over."""
        return self.on_error == "skip"


class RecordError(BadInput):
    """One record cannot be read. *reason* is the message without the place, and the same on every machine."""

    def __init__(self, reason: str, advice: str, file: InputFile | None = None, line: int = 0) -> None:
        place = "" if file is None else f"{file.shown}:{line}: "
        super().__init__(f"{place}{reason}; {advice}, or pass --on-error skip")
        self.reason = reason
        self.advice = advice

    def at(self, file: InputFile, line: int) -> RecordError:
        """The same with its place."""
        return RecordError(self.reason, self.advice, file, line)


class FileFault(BadInput):
    """A whole file cannot be read. *reason* is the message without the place, and the same on every machine."""

    def __init__(self, file: InputFile, reason: str, advice: str, line: int = 0) -> None:
        super().__init__(f"{file.shown}:{f'{line}:' if line else ''} {reason}; {advice}")
        self.reason = reason


class ChangedError(BadInput):
    """A file is not what it was when it was read first."""

    def __init__(self, file: InputFile) -> None:
        super().__init__(f"{file.shown}: has changed since it was read first; start again when nothing writes to it")


class NoTextError(Exception):
    """A file is not text; the message says at which byte. Only for callers inside this package."""


class Rejected(NamedTuple):
    """A record that could not be read: file, 1-based line (None: the whole file) and why."""

    file: str
    line: int | None
    reason: str
    against: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As it stands in rejected.jsonl."""
        row: dict[str, Any] = {"file": self.file, "line": self.line, "reason": self.reason}
        return row if self.against is None else {**row, "against": self.against}


class PassedOver(NamedTuple):
    """A whole file, or a folder, that could not be read and was passed over.

    Attributes:
        name: of the file in the output; of a folder, with "/" at its end.
        reason: why.
        file: None for what could not even be found.
        sha256: of its bytes as stored; None where they cannot be read.
    """

    name: str
    reason: str
    file: InputFile | None = None
    sha256: str | None = None

    def rejected(self) -> Rejected:
        """As it is told with the records."""
        return Rejected(self.name, None, self.reason)


class Rewriting(NamedTuple):
    """What `rewrite_file` did.

    Attributes:
        lines: the 1-based numbers of the records that were cut whole; [1] for a text file that was.
        sha256: of the stored bytes of the input as they were read now.
        bom_lost_its_place: the text of a file without BOM now begins with U+FEFF, which a reader would take for one.
        rejected: the numbers of the records that could not be read and are kept aside.
        row_groups: the numbers of rows of the row groups of a Parquet file, as it was read.
        blanks: the numbers of lines without record, a lone LF each, that are not in the clean file: behind a row that
            ends in CR they would be read as the second half of its end.
    """

    lines: tuple[int, ...]
    sha256: str
    bom_lost_its_place: bool = False
    rejected: tuple[int, ...] = ()
    row_groups: tuple[int, ...] = ()
    blanks: tuple[int, ...] = ()


class Aside(NamedTuple):
    """What of a file is not in its clean file: where it lies, and the numbers of the records; see `Rewriting`."""

    dropped: Path | None = None
    lines: tuple[int, ...] = ()
    rejected: Path | None = None
    rejected_lines: tuple[int, ...] = ()
    row_groups: tuple[int, ...] = ()
    blanks: tuple[int, ...] = ()
    bom: bool = True


class Stored(NamedTuple):
    """What a local file keeps as long as nothing writes to it.

    It may lose it without that: by another link or other rights, and on network file systems that number files anew.
    """

    device: int
    file: int
    size: int
    written: int
    changed: int

    @classmethod
    def of(cls, opened: IO[bytes]) -> Stored:
        """That of an open file, as it is now."""
        status = os.fstat(opened.fileno())
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class Meter:
    """Counts and hashes the stored bytes of one file while they are read.

    Attributes:
        stored: what the file was when its reading began, if it is a local one.
    """

    def __init__(self, progress: Callable[[int], object] | None = None) -> None:
        self._hash = hashlib.sha256()
        self._progress = progress
        self.stored: Stored | None = None

    def note(self, chunk: bytes | memoryview) -> None:
        self._hash.update(chunk)
        if self._progress is not None:
            self._progress(len(chunk))

    def sha256(self) -> str:
        return self._hash.hexdigest()


@dataclass(slots=True)
class Ids:
    """Gives each article of a corpus an id that no other has. Ask once for each article, in the order of the corpus."""

    field: str | None = None
    repeats: list[str] = dataclasses.field(default_factory=list)
    _seen: dict[str, str | None] = dataclasses.field(default_factory=dict)  # id -> place, which errors need

    def of_text(self, file: InputFile) -> str:
        """The id of a text file: its name."""
        return self.claim("", file, 0)

    def of_record(self, file: InputFile, line: int, record: Mapping[str, Any], raw: bytes = b"") -> str:
        """The id of a record: its field, else `file:line`. *raw* is its JSON, where it has any."""
        return self.claim(_own_id(record, self.field, raw), file, line)

    def claim(self, own: str, file: InputFile, line: int) -> str:
        """The id of the record of a line, or of a text file (line 0), that gives itself the id *own*; "" gives none.

        Raises:
            RecordError: it repeats, and a field was named that holds the ids.
        """
        place = f"{file.name}:{line}" if line else file.name
        id = own or place
        if id not in self._seen:
            self._seen[id] = None if self.field is None else f"{file.shown}:{line or 1}"
            return id
        if self.field is not None:
            raise RecordError(
                f'the id "{short(id)}" must not repeat',
                f"found it at {self._seen[id]} too; fix one of the two, or name another field with --id-field",
            )
        place = f"{file.name}:{line or 1}"
        self.repeats.append(place)
        id = place
        copy = 1
        while id in self._seen:  # some record may have "news.jsonl:3" for an id
            copy += 1
            id = f"{place}:{copy}"
        self._seen[id] = None
        return id

    def claimed(self, own: Sequence[str]) -> bool:
        """Whether records with these ids of their own have them now: all differ, and no record before has one."""
        if self.field is not None or "" in own:
            return False
        before = len(self._seen)
        self._seen.update(dict.fromkeys(own))  # none has a place
        if len(self._seen) == before + len(own):
            return True
        while len(self._seen) > before:  # what was there before keeps its place in the order
            self._seen.popitem()
        return False


class OwnIds(Ids):
    """Gives each record the id that it gives itself, "" where it gives none, to be claimed later."""

    def claim(self, own: str, file: InputFile, line: int) -> str:
        """The id as it is."""
        return own


def _own_id(record: Mapping[str, Any], field: str | None, raw: bytes) -> str:
    """What a record says its id is; "" where it says nothing and need not."""
    name = "id" if field is None else field
    value = record.get(name)
    if type(value) is float and raw:
        value = _whole(raw, name, value)
    if type(value) is int:
        value = str(value)
    if type(value) is str and value and encodable(value):
        return value
    if field is None:
        return ""
    if name not in record:
        raise RecordError(
            f'field "{name}" is missing, found {wording.fields(list(record))}',
            "fix the line, or name another field with --id-field",
        )
    raise RecordError(
        f'field "{name}" must be a string or an integer that can be an id, found {found(value)}',
        "fix the line, or name another field with --id-field",
    )


def name_fault(name: str) -> str | None:
    """Why *name* cannot be the relative name of a file in a run folder, on any system; None if it can.

    >>> name_fault("2020/02/news.jsonl")
    >>> name_fault("../news.jsonl")
    'has the part ".."'
    """
    for pattern, fault in _NAME_FAULTS.items():
        if part := re.search(pattern, name):
            return fault.format(*part.groups())
    return None


_NAME_FAULTS = {
    r"\0": "holds a NUL character",
    r"\\": "holds a backslash",
    r"^/": "is an absolute path",
    r"^[A-Za-z]:": "begins like a drive letter",
    r"(?:^|/)(\.{0,2})(?:/|\Z)": 'has the part "{}"',
    r"[\ud800-\udfff]": "is not UTF-8",
}


def _whole(raw: bytes, name: str, value: float) -> int | float:
    """The integer that orjson took for a float because it is longer than 64 bits; other numbers as they are."""
    try:
        exact = json.loads(raw)[name]
    except (ValueError, RecursionError):
        return value
    return exact if type(exact) is int else value


def encodable(text: str) -> bool:
    """Whether the text has no lone surrogate."""
    return text.isascii() or surrogate(text) is None


def surrogate(text: str) -> int | None:
    """Where the first lone surrogate stands."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start
    return None
