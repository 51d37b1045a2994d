"""Files <-> articles: folders of text files and JSONL, plain or compressed, read again and again in one order.

Nothing here judges or changes a text. What a file needs to be written back as it was (its BOM, its line ends, every
other field of a record to the byte, records cut whole and their places) is kept by working on the raw bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import sys
import tempfile
import weakref
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from gzip import GzipFile
from io import BufferedWriter
from itertools import chain
from pathlib import Path
from typing import IO, Any, cast

import orjson
import zstandard

from dedup.errors import BadInput, BadRun
from dedup.model import Article

STDIN_NAME = "stdin.jsonl"

_BOM = b"\xef\xbb\xbf"
_JSONL = (".jsonl", ".ndjson")
_COMPRESSIONS = {".gz": "gz", ".zst": "zst"}
# Formats that would pass for text (CSV, JSON, mark-up of documents) or that users expect to be read some day.
_NOT_READ = frozenset(
    "." + suffix
    for suffix in (
        *("arrow", "avro", "csv", "db", "feather", "json", "msgpack", "npy", "npz", "orc", "parquet", "pkl", "sqlite"),
        *("7z", "bz2", "rar", "tar", "tgz", "xz", "zip", "zstd"),
        *("doc", "docx", "epub", "odt", "pdf", "ppt", "pptx", "rtf", "tsv", "xls", "xlsx"),
    )
)
_PLAIN_CHUNK = 1 << 20
_PACKED_CHUNK = 1 << 16  # deflate unpacks to at most a thousandfold, so 64 MB at once
_GZIP_LEVEL = 6
_ZSTD_LEVEL = 3
_NAMED = 5  # how many of the things that a warning counts it also names


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of a corpus.

    Attributes:
        name: its name in the output, relative, with "/" between the parts; ids are made from it.
        path: where it is read.
        format: "text" (one article) or "jsonl" (one article a line).
        compression: "", "gz" or "zst".
        bytes: its size as stored, when it was found.
        shown: how errors name it: the path as the user gave it.
        given: the user named this very file, so that it must be readable as text; inside a folder it may be skipped.
    """

    name: str
    path: Path
    format: str
    compression: str
    bytes: int
    shown: str
    given: bool = False


class Corpus:
    """Articles in files, to be read as often as needed: each iteration reads the files again, in the same order.

    What only reading can tell (`files`, `warnings`, `digests`) is final after the first complete iteration.
    """

    def __init__(
        self,
        files: Sequence[InputFile],
        text_field: str = "text",
        id_field: str | None = None,
        warnings: Sequence[str] = (),
    ) -> None:
        self.text_field = text_field
        self.id_field = id_field
        self._files = tuple(files)
        self._found_warnings = tuple(warnings)
        self._read_warnings: tuple[str, ...] = ()
        self._digests: dict[str, str] = {}
        self._no_text: set[str] = set()
        self._counts: dict[str, int] = {}
        self._complete = False

    @property
    def files(self) -> tuple[InputFile, ...]:
        """The files that hold articles, in reading order; what proves to be no text leaves the list when it is read."""
        return tuple(file for file in self._files if file.name not in self._no_text)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about what was skipped and about repeated ids; complete after a complete iteration."""
        return self._found_warnings + self._read_warnings

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of the stored bytes by file name, for every file of `files` after a complete iteration."""
        return {file.name: self._digests[file.name] for file in self.files if file.name in self._digests}

    @property
    def complete(self) -> bool:
        """Whether an iteration has come to its end, so that `files`, `warnings` and `digests` are final."""
        return self._complete

    @property
    def total_bytes(self) -> int:
        """Bytes that one iteration reads, as stored: the sum of what it reports to *progress*."""
        return sum(file.bytes for file in self._files)

    def inputs(self) -> list[dict[str, Any]]:
        """What summary.json says about the inputs; after a complete iteration."""
        digests = self.digests
        return [
            {
                "name": file.name,
                "format": file.format,
                "compression": file.compression,
                "sha256": digests[file.name],
                "bytes": file.bytes,
            }
            for file in self.files
        ]

    def paths(self) -> dict[str, str]:
        """The absolute path of every file by its name, "-" for stdin: what timings.json says about the inputs."""
        return {file.name: _absolute(file) for file in self.files}

    def sources(self) -> list[tuple[str, int]]:
        """(source, articles of it in a row) in reading order; after a complete iteration.

        A source is a JSONL file, or the folder in which text files lie; folders inside it are sources of their own.
        """
        rows: list[tuple[str, int]] = []
        for file in self.files:
            source = file.shown if file.format == "jsonl" else str(Path(file.shown).parent)
            count = self._counts[file.name]
            if rows and rows[-1][0] == source:
                count += rows.pop()[1]
            rows.append((source, count))
        return rows

    def __iter__(self) -> Iterator[Article]:
        return self.iterate()

    def iterate(self, progress: Callable[[int], object] | None = None) -> Iterator[Article]:
        """The articles in order; *progress* is told how many more bytes, as stored, have been read.

        Raises:
            BadInput: a file or record cannot be read as what it should be, has changed since it was last read, a given
                id field repeats an id, or there is no article at all; the message says where and what to do.
        """
        ids = Ids(self.id_field)
        for file in self._files:
            meter = Meter(progress)
            count = 0
            try:
                for article in _articles(file, self.text_field, ids, meter):
                    count += 1
                    yield article
            except NoTextError as fault:
                if file.given:
                    raise BadInput(f"{file.shown}: {fault}; convert it to UTF-8 text") from None
                self._no_text.add(file.name)
            self._check_unchanged(file, meter.sha256())
            self._counts[file.name] = count
        if not any(self._counts.values()):
            raise BadInput(f"{_named([file.shown for file in self._files])}: holds no article; name other inputs")
        self._read_warnings = tuple(self._warnings_of(ids))
        self._complete = True

    def _check_unchanged(self, file: InputFile, digest: str) -> None:
        if self._digests.setdefault(file.name, digest) != digest:
            raise BadInput(f"{file.shown}: has changed since it was read first; start again when nothing writes to it")

    def _warnings_of(self, ids: Ids) -> Iterator[str]:
        no_text = [file.name for file in self._files if file.name in self._no_text]
        if no_text:
            yield f"skipped {_count(no_text, 'file')} that {_are(no_text)} no UTF-8 text: {_named(no_text)}"
        if ids.repeats:
            yield (
                f"gave {_count(ids.repeats, 'article')} with a repeated id the id file:line instead: "
                f"{_named(ids.repeats)}"
            )


def read_articles(*inputs: str | Path, text_field: str = "text", id_field: str | None = None) -> Corpus:
    """The articles in files and folders.

    A folder is read at any depth, its files sorted by relative path; `.jsonl` and `.ndjson` hold one article a line,
    every other file of UTF-8 text is one article; each may be compressed (`.gz`, `.zst`). `-` is JSONL on stdin. Hidden
    files, symbolic links inside folders, and files that are no text are skipped with a warning.

    An article's id is the relative path for a text file; for a record the field *id_field* where given, else the field
    "id" where there is one, else `file:line`.

    Args:
        inputs: files and folders, or "-".
        text_field: the field of a record that holds the text. All others become the fields of the article.
        id_field: the field of a record that holds its id: each record must have it, and none may repeat.

    Raises:
        BadInput: an input cannot be used, or two would have the same name in the output. Errors in the files
            themselves are raised when they are read.
    """
    if not inputs:
        raise BadInput("no input; name files or folders, or - for JSONL on stdin")
    found = _Found()
    prefixed = sum(str(place) != "-" and Path(place).is_dir() for place in inputs) > 1
    spool: Path | None = None
    for place in inputs:
        if str(place) == "-":
            if spool is None:
                spool = _spooled_stdin()
            found.add(InputFile(STDIN_NAME, spool, "jsonl", "", spool.stat().st_size, STDIN_NAME, given=True))
        elif _mode(Path(place), str(place), follow=True) == "folder":
            found.add_folder(Path(place), prefixed)
        else:
            found.add(_given_file(Path(place)))
    files = found.checked_files()
    corpus = Corpus(files, text_field, id_field, found.warnings())
    if spool is not None:
        weakref.finalize(corpus, spool.unlink, missing_ok=True)
    if not files:
        raise BadInput(f"{_named([str(place) for place in inputs])}: holds no article{_skipped(corpus.warnings)}")
    return corpus


def name_fault(name: str) -> str | None:
    """Why *name* cannot be the relative name of a file in a run folder, on any system; None if it can.

    >>> name_fault("2020/02/news.jsonl")
    >>> name_fault("../news.jsonl")
    'has the part ".."'
    """
    for pattern, fault in _NAME_FAULTS.items():
        if found := re.search(pattern, name):
            return fault.format(*found.groups())
    return None


_NAME_FAULTS = {
    r"\0": "holds a NUL character",
    r"\\": "holds a backslash",
    r"^/": "is an absolute path",
    r"^[A-Za-z]:": "begins like a drive letter",
    r"(?:^|/)(\.{0,2})(?:/|\Z)": 'has the part "{}"',
    r"[\ud800-\udfff]": "is not UTF-8",
}


# ------------------------------------------------------------------------------------------------------- finding files


class _Found:
    """The files found so far, and what was skipped on the way."""

    def __init__(self) -> None:
        self.files: list[InputFile] = []
        self.skipped: dict[str, list[str]] = {
            "hidden": [],
            "link": [],
            "special": [],
            "name": [],
            "format": [],
        }

    def add(self, file: InputFile) -> None:
        self.files.append(file)

    def add_folder(self, folder: Path, prefixed: bool) -> None:
        prefix = f"{folder.resolve().name or 'root'}/" if prefixed else ""
        for relative in sorted(self._walk(folder, prefix)):
            path = folder / relative
            form, compression = _format(relative)
            if fault := name_fault(prefix + relative):
                self.skipped["name"].append(f"{_printable(prefix + relative)} ({fault})")
            elif not form:
                self.skipped["format"].append(prefix + relative)
            else:
                self.add(InputFile(prefix + relative, path, form, compression, _size(path), str(path)))

    def _walk(self, folder: Path, prefix: str) -> Iterator[str]:
        """The relative names of the regular files in *folder* that are neither hidden nor behind a link."""

        def refuse(error: OSError) -> None:
            raise BadInput(f"{error.filename}: cannot be listed: {error.strerror}; see to its permissions") from None

        for place, folders, files in os.walk(folder, onerror=refuse):
            at = "" if Path(place) == folder else Path(place).relative_to(folder).as_posix() + "/"
            for name in files:
                if self._taken(Path(place, name), prefix + at + name):
                    yield at + name
            folders[:] = sorted(name for name in folders if self._taken(Path(place, name), f"{prefix}{at}{name}/"))

    def _taken(self, path: Path, name: str) -> bool:
        if path.name.startswith("."):
            self.skipped["hidden"].append(_printable(name))
        elif path.is_symlink():
            self.skipped["link"].append(_printable(name))
        elif _mode(path, str(path), follow=False) == "special":
            self.skipped["special"].append(_printable(name))
        else:
            return True
        return False

    def checked_files(self) -> tuple[InputFile, ...]:
        """The files, no two of which want the same place in the output."""
        taken: dict[str, InputFile] = {}
        for file in self.files:
            other = taken.setdefault(file.name, file)
            if other is not file:
                raise BadInput(
                    f'{other.shown} and {file.shown} would both be written as "{file.name}"; rename one, or give them '
                    "in separate runs"
                )
        for file in self.files:
            parts = file.name.split("/")
            for depth in range(1, len(parts)):
                other = taken.get("/".join(parts[:depth]), file)
                if other is not file:
                    raise BadInput(
                        f'{other.shown} and {file.shown} would need "{other.name}" both as a file and as a folder; '
                        "rename one, or give them in separate runs"
                    )
        return tuple(self.files)

    def warnings(self) -> tuple[str, ...]:
        sentences = []
        for why, names in self.skipped.items():
            if names:
                names.sort()
                sentences.append(f"skipped {_SKIPPED[why](names)}: {_named(names)}")
        return tuple(sentences)


_SKIPPED: dict[str, Callable[[list[str]], str]] = {
    "hidden": lambda names: _count(names, "hidden file or folder", "hidden files or folders"),
    "link": lambda names: _count(names, "symbolic link"),
    "special": lambda names: f"{_count(names, 'entry', 'entries')} that {_are(names)} no regular file",
    "name": lambda names: f"{_count(names, 'file')} whose name cannot be used in the output",
    "format": lambda names: f"{_count(names, 'file')} in a format that is not read yet",
}


def _given_file(path: Path) -> InputFile:
    form, compression = _format(path.name)
    if not form:
        raise BadInput(
            f"{path}: expected text or JSONL, found the format {_suffix(path.name)}, which is not read yet; convert it "
            'to JSONL, one object a line with the text in the field "text"'
        )
    if fault := name_fault(path.name):
        raise BadInput(f"{_printable(str(path))}: its name {fault}, so that it has no place in the output; rename it")
    return InputFile(path.name, path, form, compression, _size(path), str(path), given=True)


def _format(name: str) -> tuple[str, str]:
    """(format, compression) of a file with this name; the format is "" where it is one that is not read."""
    suffix = _suffix(name)
    compression = _COMPRESSIONS.get(suffix, "")
    if compression:
        suffix = _suffix(name[: -len(suffix)])
    if suffix in _JSONL:
        return "jsonl", compression
    return ("" if suffix in _NOT_READ else "text"), compression


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 (Path would cost more than the rest of the walk)


def _mode(path: Path, shown: str, follow: bool) -> str:
    """ "file", "folder" or "special"."""
    try:
        mode = path.stat(follow_symlinks=follow).st_mode
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(
            f"{_printable(shown)}: cannot be read: {reason}; name a file or folder that can be read"
        ) from None
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISREG(mode):
        return "file"
    if follow:
        raise BadInput(
            f"{shown}: expected a file or folder, found a device or pipe; save it to a file, or use - for stdin"
        )
    return "special"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise BadInput(f"{_printable(str(path))}: cannot be read: {error.strerror}; see to its permissions") from None


def _spooled_stdin() -> Path:
    """Stdin in a temporary file, so that it can be read again."""
    descriptor, name = tempfile.mkstemp(prefix="dedup-stdin-", suffix=".jsonl")
    try:
        with os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file, _PLAIN_CHUNK)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise BadInput(f"stdin: cannot be kept in {name}: {error.strerror}; make room, or set TMPDIR") from None
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _absolute(file: InputFile) -> str:
    return "-" if file.shown == STDIN_NAME and file.path.name.startswith("dedup-stdin-") else str(file.path.absolute())


# ------------------------------------------------------------------------------------------------------------- reading


class NoTextError(Exception):
    """A file is not UTF-8 text; the message says at which byte. Only for callers inside this package."""


class Meter:
    """Counts and hashes the stored bytes of one file while they are read."""

    def __init__(self, progress: Callable[[int], object] | None = None) -> None:
        self._hash = hashlib.sha256()
        self._progress = progress

    def note(self, chunk: bytes) -> None:
        self._hash.update(chunk)
        if self._progress is not None:
            self._progress(len(chunk))

    def sha256(self) -> str:
        return self._hash.hexdigest()


class Ids:
    """Gives each article of a corpus an id that no other has. Ask once for each article, in the order of the corpus."""

    def __init__(self, field: str | None = None) -> None:
        self._field = field
        self._seen: dict[str, str | None] = {}  # id -> place, which only errors about a given field need
        self.repeats: list[str] = []

    def of_text(self, file: InputFile) -> str:
        """The id of a text file: its name."""
        return self._claim(file.name, file, 1)

    def of_record(self, file: InputFile, line: int, record: Mapping[str, Any], raw: bytes) -> str:
        """The id of a record: its field, else `file:line`."""
        name = "id" if self._field is None else self._field
        value = record.get(name)
        if type(value) is float:
            value = _whole(raw, name, value)
        if type(value) is int:
            value = str(value)
        if type(value) is str and value and _encodable(value):
            return self._claim(value, file, line)
        if self._field is None:
            return self._claim(f"{file.name}:{line}", file, line)
        if name not in record:
            raise BadInput(
                f'{file.shown}:{line}: field "{name}" is missing, found {_fields(record)}; fix the line, or name '
                "another field with --id-field"
            )
        raise BadInput(
            f'{file.shown}:{line}: field "{name}" must be a string or an integer that can be an id, found '
            f"{_found(value)}; fix the line, or name another field with --id-field"
        )

    def _claim(self, id: str, file: InputFile, line: int) -> str:
        if id not in self._seen:
            self._seen[id] = None if self._field is None else f"{file.shown}:{line}"
            return id
        if self._field is not None:
            raise BadInput(
                f'{file.shown}:{line}: the id "{_short(id)}" must not repeat, found it at {self._seen[id]} too; fix '
                "one of the two, or name another field with --id-field"
            )
        self.repeats.append(f"{file.name}:{line}")
        own = f"{file.name}:{line}"
        copy = 1
        while own in self._seen:  # some record may have "news.jsonl:3" for an id
            copy += 1
            own = f"{file.name}:{line}:{copy}"
        self._seen[own] = None
        return own


def _articles(file: InputFile, text_field: str, ids: Ids, meter: Meter) -> Iterator[Article]:
    if file.format == "text":
        _, text = _text(file, meter)
        yield Article.of(ids.of_text(file), text, {})
        return
    _, lines = _after_bom(_lines(_chunks(file, meter)))
    for _, _, article in _records(file, lines, text_field, ids):
        if article is not None:
            yield article


def _text(file: InputFile, meter: Meter) -> tuple[bytes, str]:
    """(BOM or nothing, text) of a text file."""
    raw = b"".join(_chunks(file, meter))
    bom = _BOM if raw.startswith(_BOM) else b""
    if (nul := raw.find(b"\0")) >= 0:
        raise NoTextError(f"expected UTF-8 text, found a NUL at byte {nul}")
    try:
        return bom, raw[len(bom) :].decode()
    except UnicodeDecodeError as error:
        at = len(bom) + error.start
        raise NoTextError(f"expected UTF-8 text, found 0x{raw[at]:02x} at byte {at}") from None


def _records(
    file: InputFile, lines: Iterable[bytes], text_field: str, ids: Ids
) -> Iterator[tuple[int, bytes, Article | None]]:
    """(line number, raw line, its article); a blank line has none."""
    for number, raw in enumerate(lines, 1):
        if raw.isspace():
            yield number, raw, None
            continue
        try:
            record = orjson.loads(raw)
        except orjson.JSONDecodeError:
            record = _parsed_leniently(file, number, raw, text_field)
        if type(record) is not dict or type(record.get(text_field)) is not str:
            raise _record_fault(file, number, record, text_field)
        id = ids.of_record(file, number, record, raw)
        text = record.pop(text_field)
        yield number, raw, Article.of(id, text, record)


def _parsed_leniently(file: InputFile, number: int, raw: bytes, text_field: str) -> Any:
    """What orjson refuses may still be what many writers write: NaN, half a surrogate pair in some field."""
    where = f"{file.shown}:{number}"
    try:
        record = json.loads(raw.decode(), parse_int=_int)
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{where}: expected UTF-8, found 0x{raw[error.start]:02x} at byte {error.start} of the line; convert the "
            "file to UTF-8"
        ) from None
    except json.JSONDecodeError as error:
        raise _not_json(where, f"{error.msg} at column {error.colno}") from None
    except RecursionError:
        raise _not_json(where, "nested too deeply") from None
    text = record.get(text_field) if isinstance(record, dict) else None
    if isinstance(text, str) and (at := _surrogate(text)) is not None:
        raise BadInput(
            f'{where}: field "{text_field}" must be a string of whole characters, found half of a surrogate pair at '
            f"character {at}; fix the line"
        )
    return record


def _not_json(where: str, reason: str) -> BadInput:
    return BadInput(f"{where}: expected one JSON object a line, found what is not JSON ({reason}); fix the line")


def _int(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:  # longer than Python cares to convert
        return float(digits)


def _record_fault(file: InputFile, number: int, record: Any, text_field: str) -> BadInput:
    where = f"{file.shown}:{number}"
    if type(record) is not dict:
        return BadInput(
            f'{where}: expected an object like {{"{text_field}": "..."}}, found {_found(record)}; fix the line'
        )
    if text_field not in record:
        return BadInput(
            f'{where}: field "{text_field}" is missing, found {_fields(record)}; fix the line, or name the field that '
            "holds the text with --text-field"
        )
    return BadInput(
        f'{where}: field "{text_field}" must be a string, found {_found(record[text_field])}; fix the line, or name '
        "another field with --text-field"
    )


def _chunks(file: InputFile, meter: Meter) -> Iterator[bytes]:
    """The unpacked bytes of a file.

    Errors are translated here and not around the loops of the callers, so that an error in writing is never taken for
    one in reading.
    """
    try:
        with file.path.open("rb") as stored:
            if file.compression:
                yield from _unpacked(_noted(stored, _PACKED_CHUNK, meter), _UNPACK[file.compression])
            else:
                yield from _noted(stored, _PLAIN_CHUNK, meter)
    except (EOFError, zlib.error, zstandard.ZstdError) as error:
        raise BadInput(
            f"{file.shown}: its {file.compression} data is cut short or damaged ({error}); fetch or compress it again"
        ) from None
    except OSError as error:
        raise BadInput(f"{file.shown}: cannot be read: {error.strerror or error}; see to the file") from None


def _noted(stored: IO[bytes], size: int, meter: Meter) -> Iterator[bytes]:
    while chunk := stored.read(size):
        meter.note(chunk)
        yield chunk


_UNPACK: dict[str, Callable[[], Any]] = {
    "gz": lambda: zlib.decompressobj(wbits=31),
    "zst": lambda: zstandard.ZstdDecompressor(max_window_size=2**31).decompressobj(),
}


def _unpacked(packed: Iterable[bytes], unpack: Callable[[], Any]) -> Iterator[bytes]:
    """The contents of all members or frames, which may follow each other.

    The readers of the libraries will not do: that of zstandard takes a truncated frame for the end of the file.
    """
    member, inside, any_member = unpack(), False, False
    for chunk in packed:
        rest = chunk
        while rest:
            if not inside:
                rest = rest.lstrip(b"\0")  # tapes and some tools pad with zeros
                if not rest:
                    break
                member, inside, any_member = unpack(), True, True
            yield member.decompress(rest)
            rest = b""
            if member.eof:
                rest, inside = member.unused_data, False
    if inside or not any_member:
        raise EOFError("the end is missing")


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines with their LF; nothing else ends a line (a record may hold U+2028 or a bare CR)."""
    begun: list[bytes] = []
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        begun.append(first)
        if others:
            yield b"".join(begun) + b"\n"
            begun = [others.pop()]
            for line in others:
                yield line + b"\n"
    if last := b"".join(begun):
        yield last


def _after_bom(lines: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """(BOM or nothing, the lines without it)."""
    first = next(lines, b"")
    bom = _BOM if first.startswith(_BOM) else b""
    first = first[len(bom) :]
    return bom, chain([first] if first else [], lines)


# ------------------------------------------------------------------------------------------------------------- writing


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What `rewrite_file` did.

    Attributes:
        lines: the 1-based physical lines of the records that were cut whole; [1] for a text file that was.
        sha256: of the stored bytes of the input as they were read now.
        bom_lost_its_place: the text of a file without BOM now begins with U+FEFF, which a reader would take for one.
    """

    lines: tuple[int, ...]
    sha256: str
    bom_lost_its_place: bool = False


def rewrite_file(
    file: InputFile,
    judge: Callable[[str, str], str | None],
    clean_path: Path,
    dropped_path: Path,
    *,
    ids: Ids,
    text_field: str = "text",
    progress: Callable[[int], object] | None = None,
) -> Rewriting:
    """Writes one file of a corpus with other texts, all else to the byte as it was.

    A record or text file for which *judge* returns None goes to *dropped_path* verbatim, which is written for nothing
    else. A text file that is cut whole leaves no clean file, a JSONL file always leaves one.

    Args:
        judge: (article id, text) -> the text to write, or None if the article is cut whole.
        ids: shared by all files of the corpus, which are rewritten in its order.
    """
    meter = Meter(progress)
    if file.format == "text":
        return _rewrite_text(file, judge, clean_path, dropped_path, ids=ids, meter=meter)
    dropped_lines: list[int] = []
    bom, lines = _after_bom(_lines(_chunks(file, meter)))
    with ExitStack() as files:
        clean = files.enter_context(_written(clean_path, file.compression))
        clean.write(bom)
        for number, raw, article in _records(file, lines, text_field, ids):
            if article is None:
                clean.write(raw)
                continue
            text = judge(article.id, article.text)
            if text is not None:
                clean.write(raw if text == article.text else _with_text(raw, text_field, article.text, text))
                continue
            if not dropped_lines:
                dropped = files.enter_context(_written(dropped_path, file.compression))
            dropped_lines.append(number)
            dropped.write(raw)
    return Rewriting(tuple(dropped_lines), meter.sha256())


def _rewrite_text(
    file: InputFile,
    judge: Callable[[str, str], str | None],
    clean_path: Path,
    dropped_path: Path,
    *,
    ids: Ids,
    meter: Meter,
) -> Rewriting:
    try:
        bom, text = _text(file, meter)
    except NoTextError as fault:
        raise BadInput(f"{file.shown}: {fault}; start again when nothing writes to it") from None
    clean = judge(ids.of_text(file), text)
    if clean is None:
        dropped_path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.path, dropped_path)
        return Rewriting((1,), meter.sha256())
    with _written(clean_path, file.compression) as out:
        out.write(bom + clean.encode())
    return Rewriting((), meter.sha256(), not bom and clean.startswith("\ufeff"))


def restore_file(
    file: InputFile,
    dropped_path: Path | None,
    dropped_lines: Sequence[int],
    restore: Callable[[str, str], str],
    path: Path,
    *,
    ids: Ids,
    text_field: str = "text",
    bom: bool = True,
) -> None:
    """Writes the original of a JSONL file, or of a text file that was not cut whole: the inverse of `rewrite_file`.

    Args:
        file: the clean file, under its name in the corpus.
        dropped_path: the file of the records that were cut whole, None if there are none.
        dropped_lines: their lines, see `Rewriting`.
        restore: (article id, clean text) -> original text.
        path: where the original is written, compressed as the clean file is.
        ids: shared by all files of the corpus, which are restored in its order.
        bom: False if U+FEFF at the start of a clean text file belongs to the text.

    Raises:
        BadRun: the dropped records do not fit *dropped_lines*.
    """
    if file.format == "text":
        try:
            head, text = _text(file, Meter())
        except NoTextError as fault:
            raise BadRun(f"{file.shown}: {fault}; it was changed after the run") from None
        if not bom:
            head, text = b"", head.decode() + text
        original = restore(ids.of_text(file), text)
        with _written(path, file.compression) as out:
            out.write(head + original.encode())
        return
    head, lines = _after_bom(_lines(_chunks(file, Meter())))
    dropped = _dropped(file, dropped_path)
    whole = frozenset(dropped_lines)
    with _written(path, file.compression) as out:
        out.write(head)
        for number, raw, article in _records(file, _merged(file, lines, dropped, dropped_lines), text_field, ids):
            if article is None or number in whole:
                out.write(raw)
                continue
            text = restore(article.id, article.text)
            out.write(raw if text == article.text else _with_text(raw, text_field, article.text, text))


def articles_of(file: InputFile, text_field: str, ids: Ids) -> Iterator[Article]:
    """The articles of one file of a corpus; *ids* is shared by all its files, which are read in its order."""
    return _articles(file, text_field, ids, Meter())


def write_jsonl(file: InputFile, text_field: str, out: IO[bytes]) -> None:
    """Writes the articles of one file to *out* as JSONL: records as they are, a text file as one with its id."""
    if file.format == "text":
        _, text = _text(file, Meter())
        out.write(orjson.dumps({"id": file.name, text_field: text}, option=orjson.OPT_APPEND_NEWLINE))
        return
    _, lines = _after_bom(_lines(_chunks(file, Meter())))
    for line in lines:
        if not line.isspace():
            out.write(line if line.endswith(b"\n") else line + b"\n")


def _dropped(file: InputFile, path: Path | None) -> Iterator[bytes]:
    if path is None:
        return iter(())
    stored = InputFile(file.name, path, file.format, file.compression, 0, str(path))
    return _lines(_chunks(stored, Meter()))


def _merged(
    file: InputFile, clean: Iterator[bytes], dropped: Iterator[bytes], dropped_lines: Sequence[int]
) -> Iterator[bytes]:
    """The lines of the original."""
    number = 0
    for place in dropped_lines:
        while number + 1 < place:
            line = next(clean, None)
            if line is None:
                raise BadRun(
                    f"{file.shown}: ends before line {place}, where a record was cut; it was changed after the run"
                )
            number += 1
            yield line
        line = next(dropped, None)
        if line is None:
            raise BadRun(
                f"{file.shown}: the dropped record of line {place} is missing; dropped/ was changed after the run"
            )
        number += 1
        yield line
    yield from clean
    if next(dropped, None) is not None:
        raise BadRun(
            f"{file.shown}: more records were dropped than places.jsonl tells; dropped/ was changed after the run"
        )


@contextmanager
def _written(path: Path, compression: str) -> Iterator[IO[bytes]]:
    """A new file, packed the same way each time: gzip without name and time, zstd at a fixed level."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stored:
        if compression == "gz":
            with (
                GzipFile("", "wb", _GZIP_LEVEL, stored, mtime=0) as gzip,
                BufferedWriter(cast(Any, gzip), _PLAIN_CHUNK) as packed,
            ):
                yield packed
        elif compression == "zst":
            with zstandard.ZstdCompressor(level=_ZSTD_LEVEL).stream_writer(stored, closefd=False) as frame:
                yield cast(IO[bytes], frame)
        else:
            yield stored


_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TOKENS = re.compile(rb"(%b)[ \t\r\n]*+(:[ \t\r\n]*+)?|[\[\]{}]" % _STRING, re.DOTALL)
_VALUE = re.compile(_STRING, re.DOTALL)
_COLON = re.compile(rb"[ \t\r\n]*+:[ \t\r\n]*+")


def _with_text(raw: bytes, text_field: str, old: str, new: str) -> bytes:
    """The line with the text *new* in place of *old*, every other byte as it was."""
    key = b'"%b"' % text_field.encode()
    if raw.count(key) == 1 and "\\" not in text_field and b"\\u" not in raw and b"\\/" not in raw:
        # no key is spelled with escapes, so the one that the parser found is this: ten times as fast as the walk
        colon = _COLON.match(raw, raw.index(key) + len(key))
        token = orjson.dumps(old)
        if colon is not None and raw.startswith(token, colon.end()):
            return raw[: colon.end()] + orjson.dumps(new) + raw[colon.end() + len(token) :]
    start, end = _text_span(raw, text_field, key)
    token = raw[start:end]
    escaped = (b"\\u" in token and token.isascii()) or (b"\\u" in raw and raw.isascii())
    return raw[:start] + json.dumps(new, ensure_ascii=escaped).encode() + raw[end:]


def _text_span(raw: bytes, text_field: str, key: bytes) -> tuple[int, int]:
    """Where the string of the text stands. Of several fields of one name a parser takes the last, so it is that."""
    found = None
    depth = 0
    for token in _TOKENS.finditer(raw):
        name = token[1]
        if name is None:
            depth += 1 if token[0] in b"[{" else -1
        elif depth == 1 and token[2] is not None and (name == key or _spells(name, text_field)):
            found = _VALUE.match(raw, token.end())
    assert found is not None  # the parser found it too
    return found.span()


def _spells(name: bytes, text_field: str) -> bool:
    return b"\\" in name and json.loads(name) == text_field


# ------------------------------------------------------------------------------------------------------------- wording


def _whole(raw: bytes, name: str, value: float) -> int | float:
    """The integer that orjson took for a float because it is longer than 64 bits; other numbers as they are."""
    try:
        exact = json.loads(raw)[name]
    except (ValueError, RecursionError):
        return value
    return exact if type(exact) is int else value


def _encodable(text: str) -> bool:
    return text.isascii() or _surrogate(text) is None


def _surrogate(text: str) -> int | None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start
    return None


def _found(value: Any) -> str:
    """What a value is, in the words of JSON."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {_short(str(value))}"
    if isinstance(value, str):
        return f"the string {_short(json.dumps(value))}"
    return "a list" if isinstance(value, list) else "an object"


def _fields(record: Mapping[str, Any]) -> str:
    names = [json.dumps(_short(name), ensure_ascii=False) for name in record]
    return f"the {'field' if len(names) == 1 else 'fields'} {_named(names, 12)}" if names else "no field at all"


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[:most] + "..."


def _named(names: Sequence[str], most: int = _NAMED) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _count(names: Sequence[str], one: str, more: str | None = None) -> str:
    return f"1 {one}" if len(names) == 1 else f"{len(names)} {more or one + 's'}"


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _printable(name: str) -> str:
    """A file name that is no UTF-8, so that it can be printed."""
    return name.encode(errors="backslashreplace").decode()


def _skipped(warnings: Sequence[str]) -> str:
    return f" ({'; '.join(warnings)})" if warnings else "; name other inputs"
