"""The meaning of reading many records of JSONL at once: their texts, and where their other fields stand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from dedup.kernel.reference import I64, U8, U32, offsets_of

_MOST_DEEP = 64  # values within values
_MOST_OF_NUMBER, _MOST_OF_EXPONENT = 32, 2  # bytes, digits: no such number is too great for a double
_WHITE = " \t\r"


_ESCAPE = re.compile(
    rb'\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}'
    rb"|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
_STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]|%b)*+"' % _ESCAPE.pattern)


def json_unquoted(raw: U8, starts: I64, ends: I64, utf8: U8) -> tuple[I64, I64] | None:
    """What strings of JSON mean. That they are UTF-8 is not checked.

    Args:
        raw: bytes in which they stand.
        starts, ends: int64 [texts], each is raw[starts[i]:ends[i]], its quotes included.
        utf8: takes the texts, one behind the other; as large as all of them with their quotes.

    Returns:
        (offsets, lengths): int64 [texts + 1], where they stand in *utf8*; int64 [texts], the code points that begin in
        each. None where something else is in one of the places, which a string with half of a surrogate pair is too.

    Raises:
        ValueError: a span does not lie within *raw*, or there is no room.
    """
    if not ((starts >= 0) & (starts <= ends) & (ends <= len(raw))).all():
        raise ValueError("spans must lie within the text")
    texts: list[bytes] = []
    room = len(utf8)
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if end - start > room:
            raise ValueError("utf8 must have room for every text")
        token = raw[start:end].tobytes()
        if not _STRING.fullmatch(token):
            return None
        texts.append(_ESCAPE.sub(lambda found: json.loads(b'"%b"' % found[0]).encode(), token[1:-1]))
        room -= len(texts[-1])
    offsets = offsets_of(np.array([*map(len, texts)], np.int64))
    utf8[: offsets[-1]] = np.frombuffer(b"".join(texts), np.uint8)
    begins = offsets_of((utf8[: offsets[-1]] & 0xC0) != 0x80)
    return offsets, np.diff(begins[offsets])


class _NotPlainError(Exception):
    """A line is not what lines mostly are."""


def utf8_codes(utf8: U8, bounds: I64) -> tuple[U32, I64] | None:
    """Texts in UTF-8, a segment array, as one of their code points; None where one of them is not well-formed."""
    try:
        texts = [utf8[low:high].tobytes().decode() for low, high in pairwise(bounds.tolist())]
    except UnicodeDecodeError:
        return None
    return _codes_of(texts)


def _codes_of(texts: Sequence[str]) -> tuple[U32, I64]:
    codes = np.array([*map(ord, "".join(texts))], np.uint32)
    return codes, offsets_of(np.array(list(map(len, texts)), np.int64))


def json_texts(raw: bytes | memoryview, names: Sequence[str]) -> tuple[U32, I64, I64] | None:
    """The texts of the records of JSONL, and where their other fields stand, if every line is what it mostly is.

    That is an object of JSON (RFC 8259) in UTF-8, with one field for the text and a string in it; without half of a
    surrogate pair, values within more than 64 others, and numbers of more than 32 bytes or two digits of exponent. What
    is read here any strict parser reads, and as the same. Of several other fields with one name the last counts.

    Args:
        raw: lines that end at LF, the last perhaps at the end.
        names: the field of the text, then others.

    Returns:
        (codes, offsets, spans): the code points of the texts, a uint32 segment array; int64 [lines, names - 1, 2], the
        bytes of *raw* between which the value of each of the other fields stands, -1 where there is none. None where a
        line is anything else.
    """
    lines = bytes(raw).split(b"\n")
    if not lines[-1]:
        lines.pop()
    spans = np.full((len(lines), len(names) - 1, 2), -1, np.int64)
    texts: list[str] = []
    begin = 0
    try:
        for number, line in enumerate(lines):
            found: list[Any] = []
            for name, value, start, end in _fields(line):
                if name == names[0]:
                    found.append(value)
                spans[number, [name == other for other in names[1:]]] = begin + start, begin + end
            if len(found) != 1 or not isinstance(found[0], str):
                return None
            texts.append(found[0])
            begin += len(line) + 1
    except (ValueError, RecursionError, _NotPlainError):
        return None
    return *_codes_of(texts), spans


def _fields(line: bytes) -> Iterator[tuple[str, Any, int, int]]:
    """(name, value, where it starts, where it ends) of the fields of an object."""
    text = line.decode()

    def behind_white(at: int) -> int:
        while text[at : at + 1] in tuple(_WHITE):
            at += 1
        return at

    def behind(sign: str, at: int) -> int:
        at = behind_white(at)
        if text[at : at + 1] != sign:
            raise _NotPlainError
        return at + 1

    at = behind_white(behind("{", 0))
    more = text[at : at + 1] != "}"
    while more:
        name, at = _DECODER.raw_decode(text, behind_white(at))
        start = behind_white(behind(":", at))
        value, at = _DECODER.raw_decode(text, start)
        if not isinstance(name, str) or _depth(value) > _MOST_DEEP:
            raise _NotPlainError
        json.dumps([name, value], ensure_ascii=False).encode()  # refuses half of a surrogate pair
        yield name, value, len(text[:start].encode()), len(text[:at].encode())
        at = behind_white(at)
        more = text[at : at + 1] == ","
        at += more
    if behind_white(behind("}", at)) != len(text):
        raise _NotPlainError


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 1


def _number(digits: str) -> float:
    power = digits.lower().partition("e")[2].lstrip("+-")
    if len(digits) > _MOST_OF_NUMBER or len(power) > _MOST_OF_EXPONENT:
        raise _NotPlainError
    return float(digits)


def _constant(name: str) -> Any:
    raise _NotPlainError(name)


_DECODER = json.JSONDecoder(parse_float=_number, parse_int=_number, parse_constant=_constant)
