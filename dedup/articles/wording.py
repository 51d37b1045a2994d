"""How what was read is put into words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

_NAMED = 5  # how many of the things that a warning counts it also names


def found(value: Any) -> str:
    """What a value is, in the words of JSON."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {short(str(value))}"
    if isinstance(value, str):
        return f"the string {short(json.dumps(value))}"
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, list) else f"a {type(value).__name__}"


def fields(names: Sequence[str]) -> str:
    """The fields of a record."""
    quoted = [json.dumps(short(name), ensure_ascii=False) for name in names]
    return f"the {'field' if len(quoted) == 1 else 'fields'} {named(quoted, 12)}" if quoted else "no field at all"


def short(text: str, most: int = 60) -> str:
    """The beginning of a long text."""
    return text if len(text) <= most else text[:most] + "..."


def named(names: Sequence[str], most: int = _NAMED) -> str:
    """The first few by name, the others by number."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def count(names: Sequence[object], one: str, more: str | None = None) -> str:
    """So many of them."""
    return f"1 {one}" if len(names) == 1 else f"{len(names)} {more or one + 's'}"


def are(names: Sequence[object]) -> str:
    """The verb that goes with them."""
    return "is" if len(names) == 1 else "are"


def printable(name: str) -> str:
    """A file name that is no UTF-8, so that it can be printed."""
    return name.encode(errors="backslashreplace").decode()


def size(count: int) -> str:
    """A number of bytes as the options take it.

    >>> size(3 << 30), size(1000)
    ('3G', '1000')
    """
    for unit, suffix in ((1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")):
        if count >= unit and count % unit == 0:
            return f"{count // unit}{suffix}"
    return str(count)
