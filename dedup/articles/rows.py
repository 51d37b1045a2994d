"""Files of one record a row, JSONL and CSV: read, rewritten and restored row by row, each kept as its own bytes."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import IO, Any

import orjson

from dedup.articles import delimited, jsonl
from dedup.articles.encodings import Coding, coding, inner_chunks
from dedup.articles.files import Aside, FileFault, Ids, InputFile, Meter, Reading, RecordError, Rejected, Rewriting
from dedup.articles.packing import chunks, written
from dedup.articles.wording import fields, found
from dedup.articles.wording import size as shown_size
from dedup.errors import BadRun
from dedup.model import Article

Numbered = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class _Rows:
    """An open file of rows.

    Attributes:
        head: what stands before the first record, as in memory: BOM, header.
        first: the number of the first row behind it.
        rows: the rows, as in memory.
        columns: of CSV and TSV.
        coding: how the file is written.
    """

    head: bytes
    first: int
    rows: Iterator[bytes]
    columns: delimited.Columns | None
    coding: Coding

    @property
    def dropped_head(self) -> bytes:
        """What stands before the records in dropped/: with a header it is a file that others can read."""
        return self.head if self.columns is not None else b""

    def is_blank(self, raw: bytes) -> bool:
        """A line without record, kept as it is."""
        return raw.isspace() if self.columns is None else not raw.strip(b"\r\n")

    def record(self, raw: bytes, text_field: str) -> tuple[Any, bytes]:
        """(the record, its JSON if it has any)."""
        if self.columns is not None:
            return delimited.record(raw, self.columns), b""
        utf8 = self.coding.utf8(raw)
        return jsonl.record(utf8, text_field), utf8

    def with_text(self, raw: bytes, text_field: str, old: str, new: str) -> bytes:
        """The row with another text."""
        if self.columns is not None:
            return delimited.with_text(raw, self.columns, new)
        utf8 = self.coding.utf8(raw)
        changed = jsonl.with_text(utf8, text_field, old, new)
        if self.coding.inner == "utf-8":
            return changed
        try:
            return self.coding.bytes_of(changed.decode())
        except UnicodeEncodeError:
            return self.coding.bytes_of(jsonl.with_text(utf8, text_field, old, new, escape=True).decode())


def _opened(file: InputFile, meter: Meter, reading: Reading) -> _Rows:
    how = coding(file.encoding)
    rows = _split(file, inner_chunks(file, how, chunks(file, meter, reading.max_unpacked)), reading)
    first = next(rows, b"")
    bom = how.bom if how.bom and first.startswith(how.bom) else b""
    if file.format == "jsonl":
        first = first[len(bom) :]
        return _Rows(bom, 1, chain([first] if first else [], rows), None, how)
    if first:
        columns = delimited.columns(file, first[len(bom) :], reading.text_field, how)
    else:
        columns = delimited.Columns((reading.text_field,), 0, delimited.DELIMITERS[file.format], how)
    return _Rows(first, 2, rows, columns, how)


def _split(file: InputFile, stored: Iterable[bytes], reading: Reading) -> Iterator[bytes]:
    """The rows.

    Raises:
        FileFault: one is too long. Not the record alone is passed over: its end is not known.
    """
    if file.format == "jsonl":
        rows = jsonl.rows(_bounded(stored, reading.max_record))
    else:
        rows = delimited.rows(stored, delimited.DELIMITERS[file.format], reading.max_record)
    for number, row in enumerate(rows, 1):
        if len(row) > reading.max_record:
            raise FileFault(
                file,
                f"expected a record of at most {shown_size(reading.max_record)} bytes, found a longer one in line "
                f"{number}",
                "pass --max-record with a greater number, or see whether line ends or quotes are missing",
                number,
            )
        yield row


def _bounded(stored: Iterable[bytes], max_record: int) -> Iterator[bytes]:
    """Ends soon after a line has become too long, so that it is never held whole."""
    length = 0
    for chunk in stored:
        yield chunk
        end = chunk.rfind(b"\n")
        length = length + len(chunk) if end < 0 else len(chunk) - end - 1
        if length > max_record:
            return


def _records(
    file: InputFile, rows: _Rows, numbered: Iterable[Numbered], reading: Reading, ids: Ids
) -> Iterator[tuple[int, bytes, Article | RecordError | None]]:
    """(number, row, its article, or why it has none); a blank line has none."""
    for number, raw in numbered:
        if rows.is_blank(raw):
            yield number, raw, None
            continue
        try:
            yield number, raw, _article(file, rows, number, raw, reading, ids)
        except RecordError as error:
            if not reading.skips:
                raise error.at(file, number) from None
            yield number, raw, error


def _article(file: InputFile, rows: _Rows, number: int, raw: bytes, reading: Reading, ids: Ids) -> Article:
    text_field = reading.text_field
    record, utf8 = rows.record(raw, text_field)
    if type(record) is not dict or type(record.get(text_field)) is not str:
        raise _record_fault(record, text_field)
    id = ids.of_record(file, number, record, utf8)
    text = record.pop(text_field)
    return Article.of(id, text, record)


def _record_fault(record: Any, text_field: str) -> RecordError:
    if type(record) is not dict:
        return RecordError(
            f'expected an object like {{"{text_field}": "..."}}, found {found(record)}',
            "fix the line",
        )
    if text_field not in record:
        return RecordError(
            f'field "{text_field}" is missing, found {fields(list(record))}',
            "fix the line, name the field that holds the text with --text-field",
        )
    return RecordError(
        f'field "{text_field}" must be a string, found {found(record[text_field])}',
        "fix the line, name another field with --text-field",
    )


def check(file: InputFile, reading: Reading) -> None:
    """Reads the file to its end, rows as they come. Raises FileFault where that cannot be done."""
    for _ in _opened(file, Meter(), reading).rows:
        pass


def articles(
    file: InputFile, reading: Reading, ids: Ids, meter: Meter, reject: Callable[[Rejected], object]
) -> Iterator[Article]:
    """The articles of a file; what cannot be read goes to *reject*, if that is wanted."""
    rows = _opened(file, meter, reading)
    for number, _, article in _records(file, rows, enumerate(rows.rows, rows.first), reading, ids):
        if isinstance(article, RecordError):
            reject(Rejected(file.name, number, article.reason))
        elif article is not None:
            yield article


def rewrite(
    file: InputFile,
    judge: Callable[[str, str], str | None],
    clean_path: Path,
    aside: tuple[Path, Path],
    reading: Reading,
    ids: Ids,
    meter: Meter,
) -> Rewriting:
    """See `rewrite_file`; *aside* is where records go that are cut whole, and that cannot be read."""
    rows = _opened(file, meter, reading)
    numbers: tuple[list[int], list[int]] = ([], [])
    blanks: list[int] = []
    with ExitStack() as files:
        outs: list[Any] = [None, None]

        def put_aside(which: int, number: int, raw: bytes) -> None:
            if outs[which] is None:
                outs[which] = files.enter_context(_written(aside[which], file.compression, rows.coding))
                outs[which].write(b"" if which else rows.dropped_head)
            numbers[which].append(number)
            outs[which].write(raw)

        clean = files.enter_context(_written(clean_path, file.compression, rows.coding))
        clean.write(rows.head)
        before = rows.head  # the row that is the last in the clean file
        for number, raw, article in _records(file, rows, enumerate(rows.rows, rows.first), reading, ids):
            if isinstance(article, RecordError):
                put_aside(1, number, raw)
                continue
            if article is None and raw == b"\n" and before.endswith(b"\r"):
                blanks.append(number)
                continue
            if article is None:
                clean.write(raw)
            elif (text := judge(article.id, article.text)) is None:
                put_aside(0, number, raw)
                continue
            elif text == article.text:
                clean.write(raw)
            else:
                clean.write(rows.with_text(raw, reading.text_field, article.text, text))
            before = raw
    return Rewriting(tuple(numbers[0]), meter.sha256(), rejected=tuple(numbers[1]), blanks=tuple(blanks))


def restore(
    file: InputFile, aside: Aside, original: Callable[[str, str], str], path: Path, reading: Reading, ids: Ids
) -> None:
    """See `restore_file`."""
    rows = _opened(file, Meter(), reading)
    with _written(path, file.compression, rows.coding) as out:
        out.write(rows.head)
        for number, raw, kind in _merged(file, rows, aside, reading):
            if kind == "rejected" or rows.is_blank(raw):
                out.write(raw)
                continue
            try:
                article = _article(file, rows, number, raw, reading, ids)
            except RecordError as error:
                raise error.at(file, number) from None
            text = article.text if kind == "dropped" else original(article.id, article.text)
            out.write(raw if text == article.text else rows.with_text(raw, reading.text_field, article.text, text))


def _merged(file: InputFile, rows: _Rows, aside: Aside, reading: Reading) -> Iterator[tuple[int, bytes, str]]:
    """(number, row, "clean", "dropped", "rejected" or "blank") of the original, in its order."""
    sources: dict[str, Iterator[bytes]] = {
        "dropped": _rows_aside(file, aside.dropped, rows, rows.dropped_head, reading),
        "rejected": _rows_aside(file, aside.rejected, rows, b"", reading),
        "blank": iter([b"\n"] * len(aside.blanks)),
    }
    numbers = {"dropped": aside.lines, "rejected": aside.rejected_lines, "blank": aside.blanks}
    places = sorted((place, kind) for kind, of_kind in numbers.items() for place in of_kind)
    number = rows.first - 1
    for place, kind in places:
        while number + 1 < place:
            row = next(rows.rows, None)
            if row is None:
                raise BadRun(
                    f"{file.shown}: ends before line {place}, where a record was cut; it was changed after the run"
                )
            number += 1
            yield number, row, "clean"
        row = next(sources[kind], None)
        if row is None:
            raise BadRun(
                f"{file.shown}: the {kind} record of line {place} is missing; {kind}/ was changed after the run"
            )
        number += 1
        yield number, row, kind
    for row in rows.rows:
        number += 1
        yield number, row, "clean"
    for kind, rest in sources.items():
        if next(rest, None) is not None:
            raise BadRun(
                f"{file.shown}: {kind}/ has more records than places.jsonl tells; it was changed after the run"
            )


def _rows_aside(file: InputFile, path: Path | None, rows: _Rows, head: bytes, reading: Reading) -> Iterator[bytes]:
    """The rows of a file in dropped/ or rejected/."""
    if path is None:
        return
    stored = replace(file, path=path, shown=str(path))
    inner = inner_chunks(stored, rows.coding, chunks(stored, Meter(), reading.max_unpacked))
    begun = b""
    while len(begun) < len(head) and (chunk := next(inner, b"")):
        begun += chunk
    if not begun.startswith(head):
        raise BadRun(f"{path}: does not begin with the header of its file; it was changed after the run")
    yield from _split(stored, chain([begun[len(head) :]], inner), reading)


def jsonl_of(file: InputFile, reading: Reading, out: IO[bytes]) -> None:
    """Writes the records of a file to *out* as JSONL in UTF-8, one with CSV's fields as strings."""
    rows = _opened(file, Meter(), reading)
    for raw in rows.rows:
        if rows.is_blank(raw):
            continue
        record, line = rows.record(raw, reading.text_field)
        line = line or orjson.dumps(record)
        out.write(line if line.endswith(b"\n") else line + b"\n")


@contextmanager
def _written(path: Path, compression: str, how: Coding) -> Iterator[Any]:
    """A new file that takes bytes as they stand in memory."""
    with written(path, compression) as out:
        if how.inner == how.name:
            yield out
        else:
            recoded = _Recoded(out, how.name)
            yield recoded
            recoded.finish()


class _Recoded:
    """Takes UTF-8, rows or parts of rows whole, and writes another encoding."""

    def __init__(self, out: IO[bytes], name: str) -> None:
        self._out = out
        self._encoder = codecs.getincrementalencoder(name)()

    def write(self, utf8: bytes) -> None:
        self._out.write(self._encoder.encode(utf8.decode()))

    def finish(self) -> None:
        """Writes what the encoding needs at the end: ISO 2022 goes back to ASCII."""
        self._out.write(self._encoder.encode("", final=True))
