"""Files that lie elsewhere. The only door to fsspec."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from dedup.articles.wording import short
from dedup.errors import BadInput, BadRun

_CHUNK = 1 << 20
_CONNECTED = 60  # seconds without a byte, after which a web server is given up
_TOLD = 300  # characters of what a library says: aiohttp quotes what it could not parse
_MAGIC = re.compile(r"[*\[]")  # "?" begins the query of an http URL
_WEB = re.compile(r"(?:.*::)?https?://[^/?#]*")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(?:://|::)")


def is_url(place: object) -> bool:
    """Whether *place* is a URL that fsspec reads, and no local path.

    >>> is_url("s3://bucket/news.jsonl.gz"), is_url("C:/news.jsonl"), is_url("news/2020")
    (True, False, False)
    """
    return isinstance(place, str) and _URL.match(place) is not None


class UnreadableError(BadInput):
    """Something at a URL cannot be read. *reason* is the message without the URL."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url}: cannot be read: {reason}; see to the URL, the network and your rights")
        self.reason = reason


def _filesystem(url: str) -> tuple[Any, str]:
    """(file system, path in it)."""
    try:
        import fsspec  # noqa: PLC0415
    except ImportError:
        raise BadInput(
            f"{url}: a URL is read with fsspec, which is not installed; pip install 'dedup-articles[remote]'"
        ) from None
    options = {}
    if url.startswith("http"):
        # by default a file must be through in five minutes, however large it is and whatever is done with it meanwhile
        options["client_kwargs"] = {"timeout": _patience(url)}
    try:
        return fsspec.core.url_to_fs(url, **options)
    except (ImportError, ValueError) as error:
        raise BadInput(f"{url}: cannot be opened: {_reason(error)}; install what it names, or mend the URL") from None


def _patience(url: str) -> Any:
    try:
        import aiohttp  # noqa: PLC0415
    except ImportError:
        raise BadInput(
            f"{url}: is read with aiohttp, which is not installed; pip install 'dedup-articles[remote]'"
        ) from None
    return aiohttp.ClientTimeout(total=None, sock_connect=_CONNECTED, sock_read=_CONNECTED)


def _reason(error: BaseException) -> str:
    return short(" ".join(str(error).split()), _TOLD) or type(error).__name__


@contextmanager
def _translated(url: str) -> Iterator[None]:
    # what a file system raises is its own affair: aiohttp, botocore and others have no common base
    try:
        yield
    except (BadInput, BadRun):
        raise
    except Exception as error:
        raise UnreadableError(url, _reason(error)) from None


@contextmanager
def opened(url: str) -> Iterator[IO[bytes]]:
    """The file at *url*, to be read from its start to its end.

    Raises:
        BadInput: it cannot be opened.
    """
    files, path = _filesystem(url)
    with _translated(url):
        # by default fsspec asks web servers for parts of files, which not all send
        stored = files.open(path, "rb", **({"block_size": 0} if url.startswith("http") else {}))
    with stored:
        yield stored


def read(stored: IO[bytes], size: int, url: str) -> bytes:
    """The next bytes of a file from `opened`."""
    with _translated(url):
        return stored.read(size)


def listing(url: str) -> tuple[str, list[tuple[str, str, int]]]:
    """("file", "folder" or "glob", [(relative name, URL, bytes)]) of what lies at *url*, by relative name.

    Raises:
        BadInput: there is nothing, or it cannot be listed.
    """
    files, path = _filesystem(url)
    fixed = fixed_part(url)
    if fixed != url and _WEB.match(url) and "?" in url:
        raise BadInput(f"{url}: expected a pattern without a query, found a ?; name the files one by one")
    with _translated(url):
        if fixed != url and ("*" in path or not files.isfile(path)):
            places = sorted(files.glob(path))
            root = path[: len(path) - len(url) + len(fixed)].rpartition("/")[0]
            kind = "glob"
            if not places:
                raise FileNotFoundError("the pattern matches nothing")
        elif not url.endswith("/") and files.isfile(path):
            return "file", [(last_part(url), url, _size(files, path))]
        else:
            places, root, kind = sorted(files.find(path)), path.rstrip("/"), "folder"
            if not places and not files.exists(path):
                raise FileNotFoundError("there is nothing")
        found = []
        for place in places:
            if kind == "folder" or files.isfile(place):
                name = str(place)[len(str(root)) :].strip("/")
                found.append((name, files.unstrip_protocol(place), _size(files, place)))
        return kind, sorted(found)


def fixed_part(url: str) -> str:
    """What stands before the first sign of a pattern; all of a URL that is none.

    >>> fixed_part("s3://news/2020-*/a.csv"), fixed_part("http://[::1]/a.csv?name=*")
    ('s3://news/2020-', 'http://[::1]/a.csv?name=*')
    """
    web = _WEB.match(url)
    end = re.search(r"[?#]|$", url[web.end() :]) if web else None
    sign = _MAGIC.search(url, web.end() if web else 0)
    if sign is None or (web and end and sign.start() >= web.end() + end.start() and end[0]):
        return url
    return url[: sign.start()]


def last_part(url: str) -> str:
    """The last part of the path; what an http URL asks for behind "?" is not of it."""
    path = re.split("[?#]", url)[0] if url.startswith("http") else url
    return path.rpartition("/")[2]


def sha256(url: str) -> str:
    """SHA-256 of the file at *url*."""
    digest = hashlib.sha256()
    with opened(url) as stored:
        while chunk := read(stored, _CHUNK, url):
            digest.update(chunk)
    return digest.hexdigest()


def _size(files: Any, path: str) -> int:
    return int(files.info(path).get("size") or 0)


def fetch(url: str, folder: Path) -> None:
    """Copies the files under *url* to *folder*."""
    for name, place, _ in listing(url)[1]:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy(place, target)


def copy(url: str, path: Path) -> None:
    """Copies the file at *url* to *path*."""
    with opened(url) as stored, path.open("wb") as out:
        while chunk := read(stored, _CHUNK, url):
            out.write(chunk)


def normal(url: str) -> str:
    """The one spelling of a URL."""
    files, path = _filesystem(url)
    return str(files.unstrip_protocol(path))


def entries(url: str) -> set[str]:
    """The names of what lies directly under *url*; "" where a file lies there itself."""
    files, root = _filesystem(url)
    with _translated(url):
        return {name.partition("/")[0] for name in _names(files, root)}


def _names(files: Any, root: str) -> set[str]:
    """The relative names of all files under *root*."""
    places = files.find(root) if files.exists(root) else []
    return {str(place)[len(root.rstrip("/")) :].strip("/") for place in places}


def send(folder: Path, url: str, last: str, replaced: Sequence[str] = ()) -> None:
    """Copies the files under *folder* to *url*, that named *last* at the end: its presence says that all are there.

    What lay under the names in *replaced* goes after that, where nothing took its place.

    Raises:
        BadRun: something cannot be written or removed; new files that were written by then are removed.
    """
    files, root = _filesystem(url)
    root = root.rstrip("/")
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    names.sort(key=lambda name: name == last)
    with _translated(url):
        before = _names(files, root)
    done: list[str] = []
    try:
        for name in names:
            target = f"{root}/{name}"
            files.makedirs(target.rpartition("/")[0], exist_ok=True)
            done.append(name)
            files.put_file(str(folder / name), target)
    except BaseException as error:
        _take_back(files, root, set(done) - before)
        if isinstance(error, Exception):
            mixed = ", where some files may be replaced by now" if before.intersection(done) else ""
            raise BadRun(f"{url}{mixed}: cannot be written: {_reason(error)}; see to the URL and your rights") from None
        raise
    _remove_old(files, url, root, replaced, set(names), before)


def _take_back(files: Any, root: str, names: Iterable[str]) -> None:
    for name in names:
        with suppress(Exception):  # the error that matters is the one being raised
            files.rm_file(f"{root}/{name}")


def _remove_old(files: Any, url: str, root: str, replaced: Sequence[str], sent: set[str], before: set[str]) -> None:
    """Removes what lay under the names in *replaced* and was not sent again."""
    kept = {name.partition("/")[0] for name in sent}
    try:
        for name in replaced:
            if name not in kept and files.exists(f"{root}/{name}"):
                files.rm(f"{root}/{name}", recursive=True)
        for name in before - sent:
            if name.partition("/")[0] in kept.intersection(replaced):
                files.rm_file(f"{root}/{name}")
    except Exception as error:
        raise BadRun(
            f"{url}: was written, but what was there cannot be removed: {_reason(error)}; see to your rights"
        ) from None
