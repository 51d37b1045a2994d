"""Bytes <-> characters, and back to the same bytes. The only door to charset-normalizer."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from dedup.articles.files import FileFault, InputFile, Meter, NoTextError, Reading, RecordError
from dedup.articles.packing import chunks
from dedup.errors import BadInput, BadSettings

_BOM = "\ufeff"
_BY_BOM = {  # the longer first: that of UTF-32 begins like that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_STATEFUL = ("iso2022", "hz")
_NEEDS_BOM = ("utf-16", "utf-32")
_SAMPLE = 1 << 18
_ADVICE = "name the right encoding with --encoding, or let --encoding auto guess"
_WIDER = {"gbk": "gb18030", "gb2312": "gb18030", "cp936": "gb18030", "ascii": "utf-8", "big5": "big5hkscs or cp950"}


class Coding(NamedTuple):
    """How the characters of a file are written.

    Attributes:
        name: the name of the codec.
        inner: how rows of the file are written in memory: as in the file if ASCII bytes stand for ASCII there and for
            nothing else, so that rows can be split and bad ones kept; else "utf-8".
    """

    name: str
    inner: str

    @property
    def bom(self) -> bytes:
        """U+FEFF as it stands in memory; empty if the encoding has none."""
        try:
            return _BOM.encode(self.inner)
        except UnicodeEncodeError:
            return b""

    def text_of(self, raw: bytes) -> str:
        """The characters of *raw*, bytes in memory.

        Raises:
            RecordError: they do not decode, or would not come back the same.
        """
        try:
            text = raw.decode(self.inner)
        except UnicodeDecodeError as error:
            raise self._fault(raw, error.start, "does not decode") from None
        if self.inner != "utf-8" and (again := text.encode(self.inner, "replace")) != raw:
            raise self._fault(raw, _first_difference(raw, again), "would not come back the same")
        return text

    def utf8(self, raw: bytes) -> bytes:
        """The same characters in UTF-8; see `text_of`."""
        return raw if self.inner == "utf-8" else self.text_of(raw).encode()

    def bytes_of(self, text: str) -> bytes:
        """As it stands in memory. Raises UnicodeEncodeError where the encoding lacks a character."""
        return text.encode(self.inner)

    def _fault(self, raw: bytes, at: int, what: str) -> RecordError:
        return RecordError(
            f"expected {shown(self.inner)}, found 0x{raw[at]:02x} at byte {at} of the line, which {what}",
            _suggestion(self.inner),
        )


def shown(name: str) -> str:
    """The name of an encoding as people write it.

    >>> shown("utf-16-le"), shown("gb18030")
    ('UTF-16-LE', 'GB18030')
    """
    return name.upper()


def _suggestion(name: str) -> str:
    wider = f"--encoding {_WIDER[name]} has more characters; else " if name in _WIDER else ""
    convert = "convert the file to UTF-8, or " if name == "utf-8" else ""
    return f"{wider}{convert}{_ADVICE}"


def checked(name: str) -> str:
    """The codec's own name of an encoding; "auto" as it is.

    Raises:
        BadSettings: Python knows no such encoding of text.

    >>> checked("UTF8"), checked("GB18030")
    ('utf-8', 'gb18030')
    """
    if name == "auto":
        return name
    try:
        info = codecs.lookup(name)
        if not info._is_text_encoding or info.name in (
            "idna",
            "punycode",
            "utf-7",
            "unicode_escape",
            "raw_unicode_escape",
        ):
            raise LookupError
    except (LookupError, ValueError):
        raise BadSettings(
            f'encoding must be auto or an encoding such as utf-8, gb18030, big5 or utf-16, found "{name}"; name one of '
            "those that Python knows"
        ) from None
    return "utf-8" if info.name == "utf-8-sig" else info.name.replace("_", "-") if "utf" in info.name else info.name


@lru_cache
def coding(name: str) -> Coding:
    """How files of that encoding are read."""
    ascii_bytes = bytes(range(128))
    try:
        transparent = not name.startswith(_STATEFUL) and ascii_bytes.decode(name) == ascii_bytes.decode("ascii")
    except UnicodeDecodeError:
        transparent = False
    return Coding(name, name if transparent else "utf-8")


_LONGEST_BOM = 4


def resolved(file: InputFile, reading: Reading) -> str:
    """The encoding of a file, which may have to be read for it.

    Raises:
        FileFault: UTF-16 or UTF-32 without BOM.
        NoTextError: nothing fits.
    """
    if file.encoding not in ("auto", *_NEEDS_BOM):
        return file.encoding
    stored = chunks(file, Meter(), reading.max_unpacked)
    first = next(stored, b"")
    while len(first) < _LONGEST_BOM and (more := next(stored, b"")):
        first += more
    for bom, name in _BY_BOM.items():
        if first.startswith(bom) and (file.encoding == "auto" or name.startswith(file.encoding)):
            return name
    if file.encoding == "auto":
        return _guessed(file, first, stored)
    if not first:
        return f"{file.encoding}-le"
    raise FileFault(
        file,
        f"expected a byte-order mark, as {shown(file.encoding)} has, found 0x{first[:2].hex()}",
        f"name the byte order: --encoding {file.encoding}-le or {file.encoding}-be",
    )


def _sampled(sample: bytearray, unended: bytes, chunk: bytes) -> bytes:
    """Adds lines that are no ASCII to the sample, whole ones: a character cut in half would speak against the right
    encoding. Returns the line that has not ended yet.
    """
    if max(len(sample), len(unended)) >= _SAMPLE:
        return unended
    lines = (unended + chunk).splitlines(keepends=True)
    unended = lines.pop() if not lines[-1].endswith(b"\n") else b""
    for line in lines:
        if not line.isascii() and len(sample) < _SAMPLE:
            sample += line
    return unended


def _guessed(file: InputFile, first: bytes, others: Iterator[bytes]) -> str:
    """UTF-8 if all of it is, else what charset-normalizer says of the lines that are no ASCII."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8, sample, unended = True, bytearray(), b""
    chunk = first
    while chunk:
        if b"\0" in chunk:
            raise NoTextError("expected text, found a NUL")
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError:
            utf8 = False
        unended = _sampled(sample, unended, chunk)
        if not utf8 and len(sample) >= _SAMPLE:
            break
        chunk = next(others, b"")
    if not sample:
        sample += unended[:_SAMPLE]  # the file is one line
    if utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            pass
        else:
            return "utf-8"
    try:
        from charset_normalizer import from_bytes  # noqa: PLC0415  (120 ms, and an extra)
    except ImportError:
        raise BadInput(
            f"{file.shown}: is no UTF-8, and --encoding auto asks charset-normalizer, which is not installed; pip "
            "install 'dedup-articles[encodings]', or name the encoding"
        ) from None
    best = from_bytes(bytes(sample)).best()
    if best is None:
        raise NoTextError("expected text, found bytes that fit no encoding")
    wider = {"gbk": "gb18030", "gb2312": "gb18030", "cp936": "gb18030"}
    name = checked(best.encoding)
    return wider.get(name, name)


def inner_chunks(file: InputFile, coding: Coding, stored: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of a file as they stand in memory; see `Coding`.

    Raises:
        FileFault: they do not decode, or would not come back the same.
    """
    if coding.inner == coding.name:
        yield from stored
        return
    decoder = codecs.getincrementaldecoder(coding.name)()
    encoder = codecs.getincrementalencoder(coding.name)("replace")
    at = 0  # where *read* begins
    read = again = b""
    for chunk in _with_end(stored):
        try:
            text = decoder.decode(chunk or b"", final=chunk is None)
        except UnicodeDecodeError as error:
            offset = at + len(read) - (len(error.object) - len(chunk or b"")) + error.start
            raise file_fault(file, coding.name, error.object[error.start], offset, "does not decode") from None
        read += chunk or b""
        again += encoder.encode(text, final=chunk is None)
        common = min(len(read), len(again))
        if read[:common] != again[:common]:
            offset = _first_difference(read, again)
            raise file_fault(file, coding.name, read[offset], at + offset, "would not come back the same")
        at, read, again = at + common, read[common:], again[common:]
        if text:
            yield text.encode()
    if read or again:
        raise file_fault(file, coding.name, (read or again)[0], at, "would not come back the same")


def _with_end(stored: Iterable[bytes]) -> Iterator[bytes | None]:
    yield from stored
    yield None


def file_fault(file: InputFile, name: str, byte: int, at: int, what: str) -> FileFault:
    """Names the byte of a file that is not what its encoding says."""
    return FileFault(file, f"expected {shown(name)}, found 0x{byte:02x} at byte {at}, which {what}", _suggestion(name))


def decoded(file: InputFile, raw: bytes) -> tuple[str, str]:
    """(BOM or nothing, text) of the bytes of a text file.

    Raises:
        NoTextError: they hold a NUL, or are no UTF-8 where that was expected without being named.
        FileFault: they do not decode in the encoding that was named, or would not come back the same.
    """
    name = file.encoding
    wide = name.startswith(("utf-16", "utf-32"))
    if not wide and (nul := raw.find(b"\0")) >= 0:
        raise NoTextError(f"expected {shown(name)} text, found a NUL at byte {nul}")
    try:
        text = raw.decode(name)
    except UnicodeDecodeError as error:
        if name == "utf-8":
            raise NoTextError(f"expected UTF-8 text, found 0x{raw[error.start]:02x} at byte {error.start}") from None
        raise file_fault(file, name, raw[error.start], error.start, "does not decode") from None
    if name != "utf-8" and (again := text.encode(name, "replace")) != raw:
        at = _first_difference(raw, again)
        raise file_fault(file, name, (raw[at:] or again[at:])[0], at, "would not come back the same")
    if wide and "\0" in text:
        raise NoTextError(f"expected {shown(name)} text, found a NUL at character {text.index(chr(0))}")
    return (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)


def _first_difference(one: bytes, other: bytes) -> int:
    """Where two differ; at the end of the shorter where that is the beginning of the longer."""
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return at
    return min(len(one), len(other), max(len(one) - 1, 0))
