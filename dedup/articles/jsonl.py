"""One record of JSONL: bytes -> fields, and another text in the same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from dedup.articles.files import RecordError, surrogate
from dedup.parts import Room, joined


def rows(chunks: Iterable[bytes]) -> Iterator[bytes]:
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


def pieces(chunks: Iterable[bytes], size: int, room: Room) -> Iterator[memoryview]:
    """The same bytes in pieces of about *size*, each of whole lines; those before an error come before it."""
    begun: list[bytes] = []
    length = 0
    try:
        for chunk in chunks:
            for start in range(0, len(chunk), size):
                part = chunk[start : start + size]
                begun.append(part)
                length += len(part)
                if length >= size and (end := part.rfind(b"\n") + 1):
                    yield joined((*begun[:-1], memoryview(part)[:end]), room)  # copied once
                    begun = [part[end:]]
                    length = len(part) - end
    except Exception:
        whole = b"".join(begun)
        if end := whole.rfind(b"\n") + 1:
            yield memoryview(whole)[:end]
        raise
    if length:
        yield joined(begun, room)


def record(raw: bytes, text_field: str) -> Any:
    """The value of a line in UTF-8.

    Raises:
        RecordError: it is no JSON.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _parsed_leniently(raw, text_field)


def _parsed_leniently(raw: bytes, text_field: str) -> Any:
    """What orjson refuses may still be what many writers write: NaN, half a surrogate pair in some field."""
    try:
        value = json.loads(raw.decode(), parse_int=_int)
    except UnicodeDecodeError as error:
        raise RecordError(
            f"expected UTF-8, found 0x{raw[error.start]:02x} at byte {error.start} of the line",
            "convert the file to UTF-8, name its encoding with --encoding",
        ) from None
    except json.JSONDecodeError as error:
        raise _not_json(f"{error.msg} at column {error.colno}") from None
    except RecursionError:
        raise _not_json("nested too deeply") from None
    text = value.get(text_field) if isinstance(value, dict) else None
    if isinstance(text, str) and (at := surrogate(text)) is not None:
        raise RecordError(
            f'field "{text_field}" must be a string of whole characters, found half of a surrogate pair at '
            f"character {at}",
            "fix the line",
        )
    return value


def _not_json(reason: str) -> RecordError:
    return RecordError(f"expected one JSON object a line, found what is not JSON ({reason})", "fix the line")


def _int(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:  # longer than Python cares to convert
        return float(digits)


_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TOKENS = re.compile(rb"(%b)[ \t\r\n]*+(:[ \t\r\n]*+)?|[\[\]{}]" % _STRING, re.DOTALL)
_VALUE = re.compile(_STRING, re.DOTALL)
_COLON = re.compile(rb"[ \t\r\n]*+:[ \t\r\n]*+")


def with_text(raw: bytes, text_field: str, old: str, new: str, escape: bool = False) -> bytes:
    """The line with the text *new* in place of *old*, every other byte as it was.

    Args:
        raw: a line in UTF-8.
        escape: write the text in ASCII, because the encoding of the file lacks some of its characters.
    """
    key = b'"%b"' % text_field.encode()
    if raw.count(key) == 1 and "\\" not in text_field and b"\\u" not in raw and b"\\/" not in raw and not escape:
        # no key is spelled with escapes, so the one that the parser found is this: ten times as fast as the walk
        colon = _COLON.match(raw, raw.index(key) + len(key))
        token = orjson.dumps(old)
        if colon is not None and raw.startswith(token, colon.end()):
            return raw[: colon.end()] + orjson.dumps(new) + raw[colon.end() + len(token) :]
    start, end = _text_span(raw, text_field, key)
    token = raw[start:end]
    escaped = escape or (b"\\u" in token and token.isascii()) or (b"\\u" in raw and raw.isascii())
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
