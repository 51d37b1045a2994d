"""One record of CSV or TSV: bytes -> fields, and another text in the same bytes.

As RFC 4180 has it, with LF, CRLF or CR at the end of a row: a field may stand in double quotes, and in these a quote is
doubled and a line end belongs to the field. A quote inside a field that does not begin with one is a character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from dedup.articles.encodings import Coding
from dedup.articles.files import FileFault, InputFile, RecordError
from dedup.articles.wording import count, fields

DELIMITERS = {"csv": b",", "tsv": b"\t"}


class Columns(NamedTuple):
    """The header of a file and what follows from it.

    Attributes:
        names: of the columns, in their order.
        text: the place of the column that holds the text.
        delimiter: "," or a tab.
        coding: how the file is written.
    """

    names: tuple[str, ...]
    text: int
    delimiter: bytes
    coding: Coding


def columns(file: InputFile, head: bytes, text_field: str, coding: Coding) -> Columns:
    """Reads the header.

    Raises:
        FileFault: it lacks the text column, names a column twice, or is damaged.
    """
    delimiter = DELIMITERS[file.format]
    try:
        names = tuple(_value(token, coding) for token in _tokens(head, delimiter))
    except RecordError as error:
        raise FileFault(file, error.reason, "fix the header, or name the encoding", 1) from None
    twice = sorted({name for name in names if names.count(name) > 1 and name})
    if text_field not in names:
        raise FileFault(
            file,
            f'column "{text_field}" is missing, found {_columns(names)}',
            "name the column that holds the text with --text-field",
            1,
        )
    if twice:
        raise FileFault(file, f'the column "{twice[0]}" must not repeat', "rename one in the header", 1)
    return Columns(names, names.index(text_field), delimiter, coding)


def _columns(names: tuple[str, ...]) -> str:
    return fields(names).replace("the field", "the column").replace("no field", "no column")


_QUOTED = rb'"[^"]*+(?:""[^"]*+)*+"'


def _row(delimiter: bytes) -> re.Pattern[bytes]:
    """A row with its line end. What follows a closing quote is taken for its field; `_tokens` will find fault."""
    field = rb'(?:%b[^%b\r\n]*+|[^"%b\r\n][^%b\r\n]*+|)' % (_QUOTED, delimiter, delimiter, delimiter)
    return re.compile(rb"%b(?:%b%b)*+(?:\r\n|\n|\r)" % (field, delimiter, field))


_ROW = {delimiter: _row(delimiter) for delimiter in DELIMITERS.values()}


def rows(chunks: Iterable[bytes], delimiter: bytes, max_record: int) -> Iterator[bytes]:
    """Rows with their line ends; the last may lack it, or the end of its last field.

    A row longer than *max_record* comes as it is by then: the caller refuses it.
    """
    row = _ROW[delimiter]
    begun: list[bytes] = []
    length = wanted = 0  # not looked at again before it has doubled: a row of many chunks takes linear time
    for chunk in chunks:
        begun.append(chunk)
        length += len(chunk)
        if length < wanted and length <= max_record:
            continue
        rest = b"".join(begun)
        at = 0
        # a CR at the very end may be half of a CRLF
        while (found := row.match(rest, at)) and not (found.end() == len(rest) and rest.endswith(b"\r")):
            yield found[0]
            at = found.end()
        begun = [rest[at:]]
        length = len(begun[0])
        wanted = 2 * length
        if length > max_record:
            break
    rest = b"".join(begun)
    at = 0
    while found := row.match(rest, at):
        yield found[0]
        at = found.end()
    if at < len(rest):
        yield rest[at:]


def record(raw: bytes, columns: Columns) -> dict[str, str]:
    """The fields of a row by name.

    Raises:
        RecordError: it has another number of fields than the header, or a quote stands where none may.
    """
    tokens = list(_tokens(raw, columns.delimiter))
    if len(tokens) != len(columns.names):
        raise RecordError(
            f"expected {count(columns.names, 'field')} as in the header, found {len(tokens)}", "fix the row"
        )
    return {name: _value(token, columns.coding) for name, token in zip(columns.names, tokens, strict=True)}


def with_text(raw: bytes, columns: Columns, new: str) -> bytes:
    """The row with another text, every other byte as it was; quoted if it was or if it must be."""
    tokens = list(_tokens(raw, columns.delimiter))
    start = sum(len(token) + 1 for token in tokens[: columns.text])
    old = tokens[columns.text]
    value = columns.coding.bytes_of(new)
    quoted = old.startswith(b'"') or value.startswith(b'"') or any(sign in value for sign in (b"\r", b"\n"))
    if quoted or columns.delimiter in value:
        value = b'"%b"' % value.replace(b'"', b'""')
    elif not value and len(tokens) == 1:
        value = b'""'  # an empty line would be no row
    return raw[:start] + value + raw[start + len(old) :]


def _tokens(raw: bytes, delimiter: bytes) -> Iterator[bytes]:
    """The fields of a row as they are written, without its line end."""
    token = re.compile(rb'"(?:[^"]|"")*+"?|[^"%b\r\n][^%b\r\n]*+|' % (delimiter, delimiter))
    at = 0
    while True:
        found = token.match(raw, at)
        assert found is not None  # it matches nothing at least
        at = found.end()
        if found[0].startswith(b'"') and (len(found[0]) == 1 or found[0].count(b'"') % 2):
            raise RecordError("a field begins with a quote that is never closed", "fix the row or fetch the file again")
        yield found[0]
        if raw[at : at + 1] == delimiter:
            at += 1
        elif raw[at:] in (b"", b"\n", b"\r\n", b"\r"):
            return
        else:
            raise RecordError(
                f'expected "," or the end of the row behind the closing quote, found 0x{raw[at]:02x} at byte {at} of it'
                if delimiter == b","
                else f"expected a tab or the end of the row behind the closing quote, found 0x{raw[at]:02x} at byte "
                f"{at} of it",
                "fix the row (in a quoted field a quote is doubled)",
            )


def _value(token: bytes, coding: Coding) -> str:
    if token.startswith(b'"'):
        token = token[1:-1].replace(b'""', b'"')
    return coding.text_of(token)
