"""Compressed files <-> bytes. The only door to the compressors."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from gzip import GzipFile
from io import BufferedWriter
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, cast

from dedup.articles import remote
from dedup.articles.files import FileFault, InputFile, Meter, Stored
from dedup.articles.wording import size as shown_size
from dedup.parts import Room, memory

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SUFFIXES = {".gz": "gz", ".zst": "zst", ".bz2": "bz2", ".xz": "xz"}

_PLAIN_CHUNK = 1 << 20
_PACKED_CHUNK = 1 << 16
_UNPACKED_CHUNK = 1 << 24  # at most, whatever the data says: a bomb is met before it is in memory
_GZIP_LEVEL = 6
_ZSTD_WRITTEN: dict[int, int] = {
    zstd.CompressionParameter.compression_level: 3,
    zstd.CompressionParameter.checksum_flag: 1,
}
_ZSTD_READ: dict[int, int] = {
    zstd.DecompressionParameter.window_log_max: 31
}  # all that `zstd --ultra --long=31` writes


def chunks(file: InputFile, meter: Meter, max_unpacked: int) -> Iterator[bytes]:
    """The unpacked bytes of a file.

    Errors are translated here and not around the loops of the callers, so that an error in writing is never taken for
    one in reading.

    Raises:
        FileFault: the file cannot be read, is cut short or damaged, or unpacks to more than *max_unpacked* bytes.
    """
    total = 0
    for chunk in _chunks(file, meter):
        total += len(chunk)
        if file.compression and total > max_unpacked:
            raise FileFault(
                file,
                f"expected at most {shown_size(max_unpacked)} bytes of unpacked data, found more",
                "pass --max-unpacked with a greater number if you trust the file",
            )
        if chunk:  # a piece of a packed file may unpack to nothing yet, which is not its end
            yield chunk


def stored_lines(file: InputFile, meter: Meter, size: int, most: int, room: Room) -> Iterator[memoryview]:
    """The bytes of a local file that is not packed, in pieces of about *size*, each of whole lines that end at LF.

    The last piece may end within a line: where the file does, or where a line has become longer than *most*.

    Raises:
        FileFault: the file cannot be read; the whole lines before that come before it.
    """
    begun = b""
    with _translated(file), file.path.open("rb", buffering=0) as stored:
        meter.stored = Stored.of(stored)
        while len(begun) <= most:
            place = room(len(begun) + size)
            place[: len(begun)] = begun
            end, line = len(begun), 0  # what has been read, and where its last line begins
            while (end < size or not line) and end - line <= most:
                if end == len(place):
                    place, shorter = memory(2 * end), place
                    place[:end] = shorter
                try:
                    count = stored.readinto(place[end : end + _PLAIN_CHUNK])
                except OSError:
                    if line:
                        yield place[:line]
                    raise
                if not count:
                    if end:
                        yield place[:end]
                    return
                meter.note(place[end : end + count])  # while the processor still has it
                line = _lines_end(place, end, end + count) or line
                end += count
            if line:
                yield place[:line]
            begun = bytes(place[line:end])
        yield memoryview(begun)


def _lines_end(raw: memoryview, start: int, end: int) -> int:
    """Where the last LF between *start* and *end* ends; 0 where there is none."""
    while end > start:
        begin = max(start, end - (1 << 14))
        if (at := bytes(raw[begin:end]).rfind(b"\n")) >= 0:
            return begin + at + 1
        end = begin
    return 0


def _chunks(file: InputFile, meter: Meter) -> Iterator[bytes]:
    with _translated(file), remote.opened(file.url) if file.url else file.path.open("rb") as stored:
        if not file.url:
            meter.stored = Stored.of(stored)
        if file.compression:
            yield from _unpacked(_noted(file, stored, _PACKED_CHUNK, meter), _MEMBERS[file.compression])
        else:
            yield from _noted(file, stored, _PLAIN_CHUNK, meter)


@contextmanager
def _translated(file: InputFile) -> Iterator[None]:
    """Tells what errors in reading mean."""
    try:
        yield
    except (EOFError, zlib.error, zstd.ZstdError, lzma.LZMAError, _DamagedError) as error:
        raise FileFault(
            file, f"its {file.compression} data is cut short or damaged ({error})", "fetch or compress it again"
        ) from None
    except remote.UnreadableError as error:
        raise FileFault(
            file, f"cannot be read: {error.reason}", "see to the URL, the network and your rights"
        ) from None
    except OSError as error:
        raise FileFault(file, f"cannot be read: {error.strerror or error}", "see to the file") from None


def _noted(file: InputFile, stored: IO[bytes], size: int, meter: Meter) -> Iterator[bytes]:
    while chunk := remote.read(stored, size, file.url) if file.url else stored.read(size):
        meter.note(chunk)
        yield chunk


class _DamagedError(Exception):
    """What bz2 says by a bare OSError."""


class _Gzip:
    """One member of a gzip file, unpacked with a bound on what comes at once."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        while packed:
            yield self._member.decompress(packed, _UNPACKED_CHUNK)
            packed = self._member.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def rest(self) -> bytes:
        return self._member.unused_data


class _Stream:
    """One stream of a bzip2 or xz file, or frame of a zstd file."""

    def __init__(self, member: bz2.BZ2Decompressor | lzma.LZMADecompressor | zstd.ZstdDecompressor) -> None:
        self._member = member

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        try:
            yield self._member.decompress(packed, _UNPACKED_CHUNK)
            while not self._member.eof and not self._member.needs_input:
                yield self._member.decompress(b"", _UNPACKED_CHUNK)
        except OSError as error:
            raise _DamagedError(str(error)) from None

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def rest(self) -> bytes:
        return self._member.unused_data


_MEMBERS: dict[str, Callable[[], Any]] = {
    "gz": _Gzip,
    "zst": lambda: _Stream(zstd.ZstdDecompressor(options=_ZSTD_READ)),
    "bz2": lambda: _Stream(bz2.BZ2Decompressor()),
    "xz": lambda: _Stream(lzma.LZMADecompressor(format=lzma.FORMAT_XZ)),
}


def _unpacked(packed: Iterable[bytes], begin: Callable[[], Any]) -> Iterator[bytes]:
    """The contents of all members, which may follow each other."""
    member, inside, any_member = begin(), False, False
    for chunk in packed:
        rest = chunk
        while rest:
            if not inside:
                rest = rest.lstrip(b"\0")  # tapes and some tools pad with zeros
                if not rest:
                    break
                member, inside, any_member = begin(), True, True
            yield from member.unpack(rest)
            rest = b""
            if member.eof:
                rest, inside = member.rest, False
    if inside or not any_member:
        raise EOFError("the end is missing")


class _ZstdWriter:
    """Packs into one frame. (The library's file writes none where nothing is written, which is no zstd file.)"""

    def __init__(self, stored: IO[bytes]) -> None:
        self._stored = stored
        self._frame = zstd.ZstdCompressor(options=_ZSTD_WRITTEN)

    def write(self, raw: bytes) -> None:
        self._stored.write(self._frame.compress(raw))

    def finish(self) -> None:
        """Ends the frame."""
        self._stored.write(self._frame.flush())


@contextmanager
def written(path: Path, compression: str) -> Iterator[IO[bytes]]:
    """A new file, packed the same way each time: gzip without name and time, the others at a fixed level."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stored:
        if compression == "gz":
            with (
                GzipFile("", "wb", _GZIP_LEVEL, stored, mtime=0) as gzip,
                BufferedWriter(cast(Any, gzip), _PLAIN_CHUNK) as packed,
            ):
                yield packed
        elif compression == "zst":
            frame = _ZstdWriter(stored)
            yield cast(IO[bytes], frame)
            frame.finish()
        elif compression == "bz2":
            with bz2.BZ2File(stored, "wb") as bzip, BufferedWriter(cast(Any, bzip), _PLAIN_CHUNK) as packed:
                yield packed
        elif compression == "xz":
            with lzma.LZMAFile(stored, "wb") as xz, BufferedWriter(cast(Any, xz), _PLAIN_CHUNK) as packed:
                yield packed
        else:
            yield stored


@contextmanager
def seekable(file: InputFile, meter: Meter, max_unpacked: int) -> Iterator[Path]:
    """A local, unpacked copy of a file that must be read back and forth; the file itself where it is one."""
    if not file.compression and not file.url:
        for _ in chunks(file, meter, max_unpacked):  # for its hash
            pass
        yield file.path
        return
    with NamedTemporaryFile(prefix="dedup-") as copy:
        for chunk in chunks(file, meter, max_unpacked):
            copy.write(chunk)
        copy.flush()
        yield Path(copy.name)


@contextmanager
def packed_after(path: Path, compression: str) -> Iterator[Path]:
    """Where to write a file that cannot be packed while it is written; it is packed to *path* at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not compression:
        yield path
        return
    with NamedTemporaryFile(prefix="dedup-") as copy:
        yield Path(copy.name)
        with Path(copy.name).open("rb") as stored, written(path, compression) as out:
            while chunk := stored.read(_PLAIN_CHUNK):
                out.write(chunk)
