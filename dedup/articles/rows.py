"""Files of one record a row, JSONL and CSV: read, rewritten and restored row by row, each kept as its own bytes."""

from __future__ import annotations

import codecs
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from pathlib import Path
from pickle import PickleBuffer
from typing import IO, Any, NamedTuple, SupportsIndex

import numpy as np
import orjson

from dedup import kernel
from dedup.articles import delimited, jsonl
from dedup.articles.encodings import Coding, coding, inner_chunks
from dedup.articles.files import Aside, FileFault, Ids, InputFile, Meter, OwnIds, Reading, RecordError, Rewriting
from dedup.articles.packing import chunks, stored_lines, written
from dedup.articles.wording import fields, found
from dedup.articles.wording import size as shown_size
from dedup.errors import BadRun
from dedup.kernel.reference import I64, U8
from dedup.model import Article
from dedup.parts import Fault, Part, Records, Room, joined
from dedup.text import Texts

Numbered = tuple[int, bytes]


class _Form(NamedTuple):
    """How rows are written.

    Attributes:
        coding: the encoding of the file.
        columns: of CSV and TSV.
    """

    coding: Coding
    columns: delimited.Columns | None = None

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


class _Rows(NamedTuple):
    """An open file of rows.

    Attributes:
        head: what stands before the first record, as in memory: BOM, header.
        first: the number of the first row behind it.
        rows: the rows, as in memory.
        form: how they are written.
    """

    head: bytes
    first: int
    rows: Iterator[bytes]
    form: _Form

    @property
    def dropped_head(self) -> bytes:
        """What stands before the records in dropped/: with a header it is a file that others can read."""
        return self.head if self.form.columns is not None else b""


def _opened(file: InputFile, meter: Meter, reading: Reading) -> _Rows:
    how = coding(file.encoding)
    rows = _split(file, inner_chunks(file, how, chunks(file, meter, reading.max_unpacked)), reading)
    first = next(rows, b"")
    bom = how.bom if how.bom and first.startswith(how.bom) else b""
    if file.format == "jsonl":
        first = first[len(bom) :]
        return _Rows(bom, 1, chain([first] if first else [], rows), _Form(how))
    if first:
        columns = delimited.columns(file, first[len(bom) :], reading.text_field, how)
    else:
        columns = delimited.Columns((reading.text_field,), 0, delimited.DELIMITERS[file.format], how)
    return _Rows(first, 2, rows, _Form(how, columns))


def _split(file: InputFile, stored: Iterable[bytes], reading: Reading, first: int = 1) -> Iterator[bytes]:
    """The rows; *first* is the number of the first.

    Raises:
        FileFault: one is too long. Not the record alone is passed over: its end is not known.
    """
    if file.format == "jsonl":
        rows = jsonl.rows(_bounded(stored, reading.max_record))
    else:
        rows = delimited.rows(stored, delimited.DELIMITERS[file.format], reading.max_record)
    for number, row in enumerate(rows, first):
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
    file: InputFile, form: _Form, numbered: Iterable[Numbered], reading: Reading, ids: Ids
) -> Iterator[tuple[int, bytes, Article | RecordError | None]]:
    """(number, row, its article, or why it has none); a blank line has none."""
    for number, raw in numbered:
        if form.is_blank(raw):
            yield number, raw, None
            continue
        try:
            yield number, raw, _article(file, form, number, raw, reading, ids)
        except RecordError as error:
            if not reading.skips:
                raise error.at(file, number) from None
            yield number, raw, error


def _article(file: InputFile, form: _Form, number: int, raw: bytes, reading: Reading, ids: Ids) -> Article:
    text_field = reading.text_field
    record, utf8 = form.record(raw, text_field)
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


def articles(file: InputFile, reading: Reading, ids: Ids, meter: Meter) -> Iterator[tuple[int, Article | RecordError]]:
    """The articles of a file, or why there is none, by the numbers of their rows."""
    rows = _opened(file, meter, reading)
    for number, _, article in _records(file, rows.form, enumerate(rows.rows, rows.first), reading, ids):
        if article is not None:
            yield number, article


PART = 1 << 21
"""Bytes that are parsed together."""


def parts(
    file: InputFile, number: int, reading: Reading, wanted: tuple[str, ...] | None, meter: Meter, room: Room
) -> Iterator[Part]:
    """The rows of a file, to be parsed by any process.

    Args:
        number: of the file in its corpus.
        wanted: see `dedup.parts.Partible`.
        room: see `dedup.parts.Pass`.
    """
    if file.format != "jsonl":
        yield from _parts_of_rows(file, number, reading, wanted, meter, room)
        return
    form = _Form(coding(file.encoding))
    bom = form.coding.bom
    as_stored = form.coding.name == "utf-8" and not file.compression and not file.url
    if as_stored:
        pieces = stored_lines(file, meter, PART, reading.max_record, room)
    else:
        inner = inner_chunks(file, form.coding, chunks(file, meter, reading.max_unpacked))
        pieces = jsonl.pieces(_bounded(inner, reading.max_record), PART, room)
    begin = 0
    for first, piece in _checked(file, pieces, reading):
        head = len(bom) if bom and first == 1 and piece[: len(bom)] == bom else 0
        at = begin + head if as_stored else None
        yield _Part(number, file, form, reading, wanted, first, piece[head:], at=at)
        begin += len(piece)


def _parts_of_rows(
    file: InputFile, number: int, reading: Reading, wanted: tuple[str, ...] | None, meter: Meter, room: Room
) -> Iterator[Part]:
    opened = _opened(file, meter, reading)
    begun: list[bytes] = []
    first, length = opened.first, 0

    def part() -> Part:
        lengths = tuple(map(len, begun))
        return _Part(number, file, opened.form, reading, wanted, first, joined(begun, room), lengths)

    try:
        for row in opened.rows:
            begun.append(row)
            length += len(row)
            if length >= PART:
                yield part()
                first += len(begun)
                begun, length = [], 0
    except FileFault:
        if begun:  # what is wrong with these comes first
            yield part()
        raise
    if begun:
        yield part()


def _checked(file: InputFile, pieces: Iterable[memoryview], reading: Reading) -> Iterator[tuple[int, memoryview]]:
    """The pieces with the numbers of their first lines, of which none is too long; see `_split`."""
    first = 1
    for piece in pieces:
        if len(piece) > reading.max_record:
            fit = 0
            try:
                for row in _split(file, [bytes(piece)], reading, first):
                    fit += len(row)
            except FileFault:
                if fit:
                    yield first, piece[:fit]
                raise
        yield first, piece
        first += kernel.line_feeds(piece)  # in a twentieth of the time of bytes.count


@dataclass(frozen=True, slots=True)
class _Part:
    """Some rows.

    Attributes:
        number: of the file in its corpus.
        wanted: the fields that are wanted; None: all.
        first: the number of the first row.
        raw: the rows.
        lengths: the length of each; None: they are lines.
        at: where they begin in the file; None: they do not stand there as they are.
    """

    number: int
    file: InputFile
    form: _Form
    reading: Reading
    wanted: tuple[str, ...] | None
    first: int
    raw: bytes | memoryview
    lengths: tuple[int, ...] | None = None
    at: int | None = None

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        """Its rows can be sent by themselves."""
        raw = PickleBuffer(self.raw) if operator.index(protocol) >= 5 else bytes(self.raw)
        head = (self.number, self.file, self.form, self.reading, self.wanted, self.first)
        return _Part, (*head, raw, self.lengths, self.at)

    def records(self) -> Records:
        """The records in the rows."""
        if self.lengths is None and self.form.coding.inner == "utf-8":
            found = None if self.wanted is None else self._by_spans(self.wanted)
            if found is not None or (found := self._at_once()) is not None:
                return found
        lines: list[int] = []
        articles: list[Article] = []
        faults: list[Fault] = []
        ids, lenient = OwnIds(self.reading.id_field), replace(self.reading, on_error="skip")
        for line, _, article in _records(self.file, self.form, enumerate(self._rows(), self.first), lenient, ids):
            if isinstance(article, RecordError):
                faults.append(Fault(line, article.reason, article.advice))
                if not self.reading.skips:
                    break
            elif article is not None:
                lines.append(line)
                articles.append(article)
        return records_of(self.number, lines, articles, faults, self.wanted)

    def _rows(self) -> Iterable[bytes]:
        raw = bytes(self.raw)
        if self.lengths is None:
            return jsonl.rows([raw])
        ends = accumulate(self.lengths)
        return (raw[end - length : end] for end, length in zip(ends, self.lengths, strict=True))

    def _by_spans(self, wanted: tuple[str, ...]) -> Records | None:
        """The same without an object a line, where every line is what it mostly is; else None."""
        text_field, id_field = self.reading.text_field, self.reading.id_field
        names = (text_field, "id" if id_field is None else id_field, *wanted, text_field)
        found = kernel.json_texts(self.raw, names)
        if found is None:
            return None
        codes, offsets, spans = found
        own = spans[:, -1]
        texts = Texts(codes, offsets, lambda: _unquoted(self.raw, own))
        rows, given = _values(self.raw, spans[:, 0])
        if len(given) < len(texts):
            of_row = dict(zip(rows, given, strict=True))
            given = list(map(of_row.get, range(len(texts))))
        if (ids := _own_ids(given, id_field)) is None:
            return None
        fields: list[dict[str, Any]] = [{} for _ in texts.offsets[1:]] if wanted else []
        for place, name in enumerate(wanted, 1):
            for row, value in zip(*_values(self.raw, spans[:, place]), strict=True) if name != text_field else ():
                fields[row][name] = value
        numbers = range(self.first, self.first + len(texts))
        where = None if self.at is None else (self.at + own[:, 0], self.at + own[:, 1])
        return Records([(self.number, len(texts))], numbers, ids, texts, fields, where=where)

    def _at_once(self) -> Records | None:
        """The same with an object a line, in a third of the time where every line is a record with an id; else None."""
        lines = bytes(self.raw).split(b"\n")
        if not lines[-1]:
            lines.pop()
        id_field = self.reading.id_field
        try:
            records = list(map(orjson.loads, lines))
            given = [record.get("id" if id_field is None else id_field) for record in records]
            texts = [record.pop(self.reading.text_field) for record in records]
        except (ValueError, AttributeError, KeyError, TypeError):
            return None
        ids = _own_ids(given, id_field)
        if ids is None or set(map(type, texts)) != {str}:
            return None
        numbers = range(self.first, self.first + len(lines))
        return Records([(self.number, len(lines))], numbers, ids, texts, chosen(records, self.wanted))


def _unquoted(raw: bytes | memoryview, spans: I64) -> tuple[U8, I64]:
    """What the strings of JSON between these bytes mean, in UTF-8: a segment array."""
    utf8 = np.empty(len(raw), np.uint8)
    starts, ends = np.ascontiguousarray(spans.T)
    found = kernel.json_unquoted(np.frombuffer(raw, np.uint8), starts, ends, utf8)
    assert found is not None  # they were read
    offsets, _ = found
    return utf8[: offsets[-1]], offsets


def _values(raw: bytes | memoryview, spans: I64) -> tuple[list[int], list[Any]]:
    """The values that stand between these bytes, int64 [rows, 2], and their rows; -1: none does."""
    rows = np.flatnonzero(spans[:, 0] >= 0)
    if not len(rows):
        return [], []
    # each with the byte behind it, in whose place a comma goes: taken together in a quarter of the time of one by one
    edges = (spans if len(rows) == len(spans) else spans[rows]) + np.array([0, 1])
    values, ends = kernel.take_segments(np.frombuffer(raw, np.uint8), edges.ravel(), 2 * np.arange(len(rows)))
    values[ends[1:] - 1] = ord(",")
    return rows.tolist(), orjson.loads(b"[%b]" % values.tobytes()[:-1])


def _own_ids(given: list[Any], id_field: str | None) -> list[str] | None:
    """Ids of records if they are what they mostly are: all strings, all whole numbers, or none where none need be."""
    kinds = set(map(type, given))
    if kinds == {int}:
        return list(map(str, given))
    if kinds == {type(None)} and id_field is None:
        return [""] * len(given)
    return given if kinds == {str} and (id_field is None or all(given)) else None


def records_of(
    number: int,
    lines: Sequence[int],
    articles: Sequence[Article],
    faults: Sequence[Fault],
    wanted: tuple[str, ...] | None,
) -> Records:
    """The records of one file that articles are, with ids of their own."""
    return Records(
        [(number, len(lines))],
        lines,
        [article.id for article in articles],
        [article.text for article in articles],
        chosen([article.fields for article in articles], wanted),
        faults,
    )


def chosen(fields: Sequence[Mapping[str, Any]], wanted: tuple[str, ...] | None) -> Sequence[Mapping[str, Any]]:
    """Of the fields of each those that are wanted."""
    if wanted is None:
        return fields
    return [{name: of[name] for name in wanted if name in of} for of in fields] if wanted else ()


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
                outs[which] = files.enter_context(_written(aside[which], file.compression, rows.form.coding))
                outs[which].write(b"" if which else rows.dropped_head)
            numbers[which].append(number)
            outs[which].write(raw)

        clean = files.enter_context(_written(clean_path, file.compression, rows.form.coding))
        clean.write(rows.head)
        before = rows.head  # the row that is the last in the clean file
        for number, raw, article in _records(file, rows.form, enumerate(rows.rows, rows.first), reading, ids):
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
                clean.write(rows.form.with_text(raw, reading.text_field, article.text, text))
            before = raw
    return Rewriting(tuple(numbers[0]), meter.sha256(), rejected=tuple(numbers[1]), blanks=tuple(blanks))


def restore(
    file: InputFile, aside: Aside, original: Callable[[str, str], str], path: Path, reading: Reading, ids: Ids
) -> None:
    """See `restore_file`."""
    rows = _opened(file, Meter(), reading)
    with _written(path, file.compression, rows.form.coding) as out:
        out.write(rows.head)
        for number, raw, kind in _merged(file, rows, aside, reading):
            if kind == "rejected" or rows.form.is_blank(raw):
                out.write(raw)
                continue
            try:
                article = _article(file, rows.form, number, raw, reading, ids)
            except RecordError as error:
                raise error.at(file, number) from None
            text = article.text if kind == "dropped" else original(article.id, article.text)
            out.write(raw if text == article.text else rows.form.with_text(raw, reading.text_field, article.text, text))


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
    inner = inner_chunks(stored, rows.form.coding, chunks(stored, Meter(), reading.max_unpacked))
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
        if rows.form.is_blank(raw):
            continue
        record, line = rows.form.record(raw, reading.text_field)
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
