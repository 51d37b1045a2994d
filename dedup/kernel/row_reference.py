"""The meaning of putting rows of text together from columns, many at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

import numpy as np

from dedup.kernel.reference import I64, U8, offsets_of


class Picked(NamedTuple):
    """One of some pieces for each row.

    Attributes:
        flat, offsets: uint8, the pieces, a segment array.
        which: int64 [rows], the number of each.
    """

    flat: U8
    offsets: I64
    which: I64


class Quoted(NamedTuple):
    """A span of UTF-8 for each row, as it stands in a string of JSON; what need not be escaped stands as it is.

    Attributes:
        utf8: uint8.
        starts, ends: int64 [rows], bytes of *utf8*.
    """

    utf8: U8
    starts: I64
    ends: I64


Column = bytes | I64 | Picked | Quoted
"""A part of each row: the same for all, numbers in decimal (int64 [rows]), pieces, or what is quoted."""


def joined_rows(columns: Sequence[Column], count: int) -> tuple[bytes, I64]:
    """Rows, each what the columns have for it, one behind the other.

    Args:
        columns: the parts of a row, in their order.
        count: how many rows there are.

    Returns:
        (rows, offsets): the rows in a row, int64 [rows + 1].

    Raises:
        ValueError: a column has not as many rows, there is no such piece, or a piece or span does not lie within its
            text.
    """
    parts = [[*_parts(column, count)] for column in columns]
    if any(len(of) != count for of in parts):
        raise ValueError(f"all columns must have {count} rows")
    joined = [b"".join(row) for row in zip(*parts, strict=True)] if parts else [b""] * count
    return b"".join(joined), offsets_of(np.array([*map(len, joined)], np.int64))


def _parts(column: Column, count: int) -> Iterator[bytes]:
    """What a column has for each row."""
    if isinstance(column, bytes):
        yield from repeat(column, count)
    elif isinstance(column, np.ndarray):
        yield from (b"%d" % number for number in column.tolist())
    else:
        flat, starts, ends = column
        if isinstance(column, Picked):
            if not ((column.which >= 0) & (column.which < len(column.offsets) - 1)).all():
                raise ValueError("there must be such a piece")
            starts, ends = column.offsets[column.which], column.offsets[column.which + 1]
        if len(starts) != len(ends) or not ((starts >= 0) & (starts <= ends) & (ends <= len(flat))).all():
            raise ValueError("what goes into rows must lie within its text")
        whole = flat.tobytes()
        spans = (whole[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True))
        yield from spans if isinstance(column, Picked) else (_ESCAPED.sub(_escape, span) for span in spans)


_ESCAPES = {b'"': b'\\"', b"\\": b"\\\\", b"\b": b"\\b", b"\t": b"\\t", b"\n": b"\\n", b"\f": b"\\f", b"\r": b"\\r"}
_ESCAPED = re.compile(b'["\\\\\x00-\x1f]')


def _escape(found: re.Match[bytes]) -> bytes:
    sign = found.group()
    return _ESCAPES.get(sign, b"\\u%04x" % sign[0])
