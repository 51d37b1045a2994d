"""Finding the files of a corpus: folders, globs, stdin and URLs."""

from __future__ import annotations

import glob
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from dedup.articles import remote
from dedup.articles.files import InputFile, PassedOver, name_fault
from dedup.articles.packing import SUFFIXES
from dedup.articles.wording import are, count, named, printable
from dedup.errors import BadInput

STDIN_NAME = "stdin.jsonl"

_FORMATS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
# Formats that would pass for text (JSON, mark-up of documents) or that users expect to be read some day.
_NOT_READ = frozenset(
    "." + suffix
    for suffix in (
        *("arrow", "avro", "db", "feather", "json", "msgpack", "npy", "npz", "orc", "pkl", "sqlite"),
        *("7z", "rar", "tar", "tgz", "zip", "zstd"),
        *("doc", "docx", "epub", "odt", "pdf", "ppt", "pptx", "rtf", "xls", "xlsx"),
    )
)
_COPIED = 1 << 20


class Places(NamedTuple):
    """What was found.

    Attributes:
        files: those to be read.
        passed_over: the folders and files in folders that cannot be listed or looked at.
        warnings: sentences about what was skipped.
        spool: the copy of stdin if it was read.
    """

    files: tuple[InputFile, ...]
    passed_over: tuple[PassedOver, ...]
    warnings: tuple[str, ...]
    spool: Path | None


def find(inputs: Iterable[str | Path], encoding: str, skips: bool = False) -> Places:
    """Finds the files in *inputs*.

    Args:
        inputs: folders, files, patterns, URLs, "-".
        encoding: of all files but Parquet.
        skips: pass over what cannot be listed or looked at inside of a folder, instead of an error.

    Raises:
        BadInput: an input cannot be used, or two would have the same name in the output.
    """
    inputs = list(inputs)
    found = _Found(encoding, skips)
    prefixed = sum(_is_many(place) for place in inputs) > 1
    spool: Path | None = None
    for place in inputs:
        if str(place) == "-":
            if spool is None:
                spool = _spooled_stdin()
            size = spool.stat().st_size
            found.files.append(InputFile(STDIN_NAME, spool, "jsonl", "", size, STDIN_NAME, True, encoding))
        elif remote.is_url(place):
            found.add_url(str(place), prefixed)
        elif _is_glob(place):
            found.add_glob(str(place), prefixed)
        elif _is_folder(Path(place), str(place)):
            found.add_folder(Path(place), prefixed)
        else:
            found.add_given(Path(place).name, Path(place), str(place))
    return Places(found.checked_files(), tuple(found.passed_over), found.warnings(), spool)


def _is_glob(place: str | Path) -> bool:
    return glob.has_magic(str(place)) and not os.path.lexists(place)


def _is_many(place: str | Path) -> bool:
    """Whether it is a folder or a pattern."""
    if str(place) == "-":
        return False
    if remote.is_url(place):
        return remote.listing(str(place))[0] != "file"
    return _is_glob(place) or Path(place).is_dir()


class _Found:
    """The files found so far, and what was skipped on the way."""

    def __init__(self, encoding: str, skips: bool) -> None:
        self._encoding, self._skips = encoding, skips
        self.files: list[InputFile] = []
        self.passed_over: list[PassedOver] = []
        self.skipped: dict[str, list[str]] = {
            "hidden": [],
            "link": [],
            "special": [],
            "name": [],
            "format": [],
        }

    def add_folder(self, folder: Path, prefixed: bool) -> None:
        prefix = f"{folder.resolve().name or 'root'}/" if prefixed else ""
        for relative in sorted(self._walk(folder, prefix)):
            path = folder / relative
            self._add(prefix + relative, path, str(path))

    def add_glob(self, pattern: str, prefixed: bool) -> None:
        """The files that match, but behind no link; folders among them are not entered (`**` is for that)."""
        fixed = re.split(r"[*?\[]", pattern)[0]
        root = Path(fixed[: fixed.rfind("/") + 1] or ".")
        prefix = f"{root.resolve().name or 'root'}/" if prefixed else ""
        links: set[str] = set()
        for unlisted in _unlisted(pattern, root):
            self._pass_over(f"{prefix}{unlisted}/", f"{root / unlisted}", "cannot be listed: no permission")
        matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 (it knows absolute patterns)
        for match in matches:
            path = Path(match)
            if path.is_dir():
                continue
            relative = path.relative_to(root).as_posix()
            if link := _link_above(root, relative):
                links.add(printable(f"{prefix}{link}/"))
            elif self._taken(path, prefix + relative):
                self._add(prefix + relative, path, match)
        self.skipped["link"] += links
        if not matches:
            raise BadInput(f"{pattern}: matches no file; mend the pattern, or name a folder")

    def add_url(self, url: str, prefixed: bool) -> None:
        kind, listed = remote.listing(url)
        if kind == "file":
            name, place, size = listed[0]
            self.add_given(name, Path(), url, place, size)
            return
        root = remote.fixed_part(url).rpartition("/")[0] if kind == "glob" else url
        prefix = f"{root.rstrip('/').rpartition('/')[2] or 'root'}/" if prefixed else ""
        for relative, place, size in listed:
            if any(part.startswith(".") for part in relative.split("/")):
                self.skipped["hidden"].append(printable(prefix + relative))
            else:
                self._add(prefix + relative, Path(), place, place, size)

    def add_given(self, name: str, path: Path, shown: str, url: str = "", size: int = 0) -> None:
        """A file that the user named."""
        form, compression = format_of(name)
        if not form:
            raise BadInput(
                f"{shown}: expected text, JSONL, CSV, TSV or Parquet, found the format {_suffix(name)}, which is not "
                'read yet; convert it to JSONL, one object a line with the text in the field "text"'
            )
        if fault := name_fault(name):
            raise BadInput(f"{printable(shown)}: its name {fault}, so that it has no place in the output; rename it")
        self._append(name, path, form, compression, shown, True, url, size)

    def _add(self, name: str, path: Path, shown: str, url: str = "", size: int = 0) -> None:
        """A file that was found."""
        form, compression = format_of(name)
        if fault := name_fault(name):
            self.skipped["name"].append(f"{printable(name)} ({fault})")
        elif not form:
            self.skipped["format"].append(name)
        else:
            self._append(name, path, form, compression, shown, False, url, size)

    def _append(
        self, name: str, path: Path, form: str, compression: str, shown: str, given: bool, url: str, size: int
    ) -> None:
        encoding = "" if form == "parquet" else self._encoding
        try:
            size = size if url else path.stat().st_size
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
            if given:
                raise BadInput(f"{printable(shown)}: {reason}; see to its permissions") from None
            self._pass_over(name, shown, reason)
            return
        self.files.append(InputFile(name, path, form, compression, size, shown, given, encoding, url))

    def _walk(self, folder: Path, prefix: str) -> Iterator[str]:
        """The relative names of the regular files in *folder* that are neither hidden nor behind a link."""

        def refuse(error: OSError) -> None:
            reason = f"cannot be listed: {error.strerror}"
            if Path(error.filename) == folder:
                raise BadInput(f"{printable(error.filename)}: {reason}; see to its permissions") from None
            relative = Path(error.filename).relative_to(folder).as_posix()
            self._pass_over(f"{prefix}{relative}/", error.filename, reason)

        for place, folders, files in os.walk(folder, onerror=refuse):
            at = "" if Path(place) == folder else Path(place).relative_to(folder).as_posix() + "/"
            for name in files:
                if self._taken(Path(place, name), prefix + at + name):
                    yield at + name
            folders[:] = sorted(name for name in folders if self._taken(Path(place, name), f"{prefix}{at}{name}/"))

    def _taken(self, path: Path, name: str) -> bool:
        if path.name.startswith("."):
            self.skipped["hidden"].append(printable(name))
            return False
        try:
            mode = path.lstat().st_mode
        except OSError as error:
            self._pass_over(name, str(path), f"cannot be read: {error.strerror}")
            return False
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            return True
        self.skipped["link" if stat.S_ISLNK(mode) else "special"].append(printable(name))
        return False

    def _pass_over(self, name: str, shown: str, reason: str) -> None:
        """Something inside a folder. Raises BadInput if such is not wanted."""
        if not self._skips:
            raise BadInput(
                f"{printable(shown)}: {reason}; see to its permissions, or pass --on-error skip to do without it"
            ) from None
        self.passed_over.append(PassedOver(printable(name), reason))

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
                sentences.append(f"skipped {_SKIPPED[why](names)}: {named(names)}")
        return tuple(sentences)


_SKIPPED: dict[str, Callable[[list[str]], str]] = {
    "hidden": lambda names: count(names, "hidden file or folder", "hidden files or folders"),
    "link": lambda names: count(names, "symbolic link"),
    "special": lambda names: f"{count(names, 'entry', 'entries')} that {are(names)} no regular file",
    "name": lambda names: f"{count(names, 'file')} whose name cannot be used in the output",
    "format": lambda names: f"{count(names, 'file')} in a format that is not read yet",
}


def _link_above(root: Path, relative: str) -> str:
    """The first folder on the way from *root* to *relative* that is a link; "" for none."""
    parts = relative.split("/")
    ways = ("/".join(parts[:depth]) for depth in range(1, len(parts)))
    return next((way for way in ways if (root / way).is_symlink()), "")


def format_of(name: str) -> tuple[str, str]:
    """(format, compression) of a file with this name; the format is "" where it is one that is not read.

    >>> format_of("2020/news.csv.xz"), format_of("README"), format_of("a.pdf")
    (('csv', 'xz'), ('text', ''), ('', ''))
    """
    suffix = _suffix(name)
    compression = SUFFIXES.get(suffix, "")
    if compression:
        suffix = _suffix(name[: -len(suffix)])
    return ("" if suffix in _NOT_READ else _FORMATS.get(suffix, "text")), compression


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 (Path would cost more than the rest of the walk)


def _is_folder(path: Path, shown: str) -> bool:
    """Whether it is a folder, else it is a file. Raises BadInput if it is neither."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(
            f"{printable(shown)}: cannot be read: {reason}; name a file or folder that can be read"
        ) from None
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise BadInput(
            f"{shown}: expected a file or folder, found a device or pipe; save it to a file, or use - for stdin"
        )
    return stat.S_ISDIR(mode)


def _unlisted(pattern: str, root: Path) -> list[str]:
    """The folders below *root* that may hold matches and cannot be listed, of which glob says nothing."""
    unlisted = set()
    for parent in Path(pattern).parents:
        if not glob.has_magic(str(parent)):
            break
        for place in glob.glob(str(parent), recursive=True):  # noqa: PTH207
            if Path(place).is_dir() and not os.access(place, os.R_OK | os.X_OK):
                relative = Path(place).relative_to(root).as_posix()
                if not _link_above(root, f"{relative}/x"):
                    unlisted.add(relative)
    return sorted(unlisted)


def _spooled_stdin() -> Path:
    """Stdin in a temporary file, so that it can be read again."""
    if sys.stdin is None:
        raise BadInput("stdin: is closed; name files or folders, or send JSONL to it")
    descriptor, name = tempfile.mkstemp(prefix="dedup-stdin-", suffix=".jsonl")
    try:
        with os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file, _COPIED)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise BadInput(f"stdin: cannot be kept in {name}: {error.strerror}; make room, or set TMPDIR") from None
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)
