"""Parquet files: read and rewritten batch by batch, row groups as they were, all columns but the text untouched."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from pickle import PickleBuffer
from tempfile import NamedTemporaryFile
from typing import IO, Any, NamedTuple, SupportsIndex

import numpy as np
import orjson

from dedup import kernel
from dedup.articles.files import Aside, FileFault, Ids, InputFile, Meter, OwnIds, Reading, RecordError, Rewriting
from dedup.articles.packing import packed_after, seekable
from dedup.articles.wording import size as shown_size
from dedup.columns import RowFields, pyarrow, rewritten, schema_fault, taken, texts, utf8_texts, values, with_texts
from dedup.errors import BadInput, BadRun
from dedup.kernel.reference import offsets_of
from dedup.model import Article
from dedup.parts import Fault, Part, Records, Room, joined
from dedup.text import Texts

_BATCH = 1024  # rows read at a time
_BUFFER = 1 << 20  # bytes of a column read at a time; without it, a column of a whole row group is
_HELD = 1 << 26  # bytes of a row group that wait in memory to be written; more wait in a file


@contextmanager
def _opened(file: InputFile, meter: Meter, reading: Reading) -> Iterator[Any]:
    """The open file, its schema checked."""
    pa = pyarrow(file.shown)
    with seekable(file, meter, reading.max_unpacked) as path:
        with _translated(file):
            parquet = pa.parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER)
        with parquet:
            if fault := schema_fault(parquet.schema_arrow, reading.text_field):
                raise FileFault(file, fault, "name the column that holds the text with --text-field")
            groups = (parquet.metadata.row_group(group) for group in range(parquet.num_row_groups))
            if sum(group.total_byte_size for group in groups) > reading.max_unpacked:
                raise FileFault(
                    file,
                    f"expected at most {shown_size(reading.max_unpacked)} bytes of unpacked data, found more",
                    "pass --max-unpacked with a greater number if you trust the file",
                )
            _check_int96(file, path, parquet)
            yield parquet


def _check_int96(file: InputFile, path: Path, parquet: Any) -> None:
    """Raises FileFault if there are times that Arrow would take for others, without a word: before 1677, after 2262.

    It reads INT96 as nanoseconds in 64 bits, and lets them wrap.
    """
    stored = [parquet.schema.column(column) for column in range(len(parquet.schema))]
    names = {column.path.split(".")[0] for column in stored if column.physical_type == "INT96"}
    if not names:
        return
    pa = pyarrow(file.shown)
    with (
        _translated(file),
        pa.parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER, coerce_int96_timestamp_unit="us") as coarse,
    ):
        for group in range(coarse.num_row_groups):
            for batch in coarse.iter_batches(batch_size=_BATCH, row_groups=[group], columns=sorted(names)):
                for field, column in zip(batch.schema, batch.columns, strict=True):
                    try:
                        column.cast(parquet.schema_arrow.field(field.name).type)
                    except pa.ArrowInvalid:
                        raise FileFault(
                            file,
                            f'column "{field.name}" holds a time before 1677 or after 2262, for which the nanoseconds '
                            "of INT96 have no room",
                            "write the file again with microseconds",
                        ) from None


@contextmanager
def _translated(file: InputFile) -> Iterator[None]:
    pa = pyarrow(file.shown)
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise FileFault(
            file, f"its Parquet data is cut short or damaged ({reason})", "fetch or write it again"
        ) from None


def _batches(file: InputFile, parquet: Any, group: int, columns: Sequence[str] | None = None) -> Iterator[Any]:
    """The rows of a row group in batches, all columns or these. (Batches of several row groups would share them.)"""
    batches = parquet.iter_batches(batch_size=_BATCH, row_groups=[group], columns=columns)
    while True:
        with _translated(file):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


def _all_batches(file: InputFile, parquet: Any, columns: Sequence[str] | None = None) -> Iterator[Any]:
    for group in range(parquet.num_row_groups):
        yield from _batches(file, parquet, group, columns)


def _id(file: InputFile, number: int, text: str | None, fields: RowFields, reading: Reading, ids: Ids) -> str:
    """The id of a row. Raises RecordError if it is no article."""
    length = 0 if text is None or len(text) * 4 <= reading.max_record else len(text.encode())
    _check_row(file, number, length, text is None, reading)
    return ids.of_record(file, number, fields)


def _check_row(file: InputFile, number: int, length: int, is_none: bool, reading: Reading) -> None:
    """Raises RecordError where a row has no text, FileFault where that has more bytes than a record may have."""
    if is_none:
        raise RecordError(f'column "{reading.text_field}" must hold a string, found null', "mend the row")
    if length > reading.max_record:
        raise FileFault(
            file,
            f"expected a record of at most {shown_size(reading.max_record)} bytes, found a longer one in row {number}",
            "pass --max-record with a greater number",
            number,
        )


def _rows(
    file: InputFile, batch: Any, first: int, reading: Reading, ids: Ids
) -> Iterator[tuple[int, Article | RecordError]]:
    """(number, article, or why there is none) of the rows of a batch that begins with row *first*."""
    with _translated(file):
        column = texts(batch, reading.text_field)
    for row, text in enumerate(column):
        number = first + row
        fields = RowFields(batch, row, reading.text_field)
        try:
            id = _id(file, number, text, fields, reading, ids)
        except RecordError as error:
            if not reading.skips:
                raise error.at(file, number) from None
            yield number, error
        else:
            yield number, Article.of(id, text or "", fields)


def check(file: InputFile, reading: Reading) -> None:
    """Reads the file to its end, all columns of it. Raises FileFault where that cannot be done."""
    lenient = replace(reading, on_error="skip")
    with _opened(file, Meter(), reading) as parquet:
        first = 1
        for batch in _all_batches(file, parquet):
            for _ in _rows(file, batch, first, lenient, Ids()):
                pass
            first += len(batch)


def parts(
    file: InputFile, number: int, reading: Reading, wanted: tuple[str, ...], meter: Meter, size: int, room: Room
) -> Iterator[Part]:
    """The rows of a file, of which only the columns that are asked for are read; any process may decode their texts.

    Args:
        number: of the file in its corpus.
        wanted: the fields that are wanted.
        size: bytes of texts in a part, or a batch more.
        room: see `dedup.parts.Pass`.
    """
    own = "id" if reading.id_field is None else reading.id_field
    begun = _Columns(number)
    with _opened(file, meter, reading) as parquet:
        names = parquet.schema_arrow.names
        # an error about ids tells which columns there are; the text is no id, nor is a name that stands twice
        has_ids = reading.id_field is None or (names.count(own) == 1 and own != reading.text_field)
        columns = [reading.text_field, own, *wanted] if has_ids else None
        first = 1
        try:
            for batch in _all_batches(file, parquet, columns):
                for fault in begun.add(file, batch, first, reading, own, wanted):
                    if not reading.skips:
                        raise fault
                first += len(batch)
                if begun.size >= size:
                    yield begun.part(room)
                    begun = _Columns(number)
        except BadInput:
            if begun.lines or begun.faults:  # what is wrong with these comes first
                yield begun.part(room)
            raise
    if begun.lines or begun.faults:
        yield begun.part(room)


def _fields(batch: Any, reading: Reading, names: set[str]) -> list[str]:
    """The names that one column has that is not the text."""
    return [name for name in names if name != reading.text_field and batch.schema.get_field_index(name) >= 0]


class _Part(NamedTuple):
    """Records whose texts are decoded by whoever asks for them.

    Attributes:
        known: the records without texts.
        utf8: their texts, one behind the other.
        lengths: bytes of each.
    """

    known: Records
    utf8: bytes | memoryview
    lengths: Sequence[int]

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        """Its texts can be sent by themselves."""
        utf8 = PickleBuffer(self.utf8) if operator.index(protocol) >= 5 else bytes(self.utf8)
        return _Part, (self.known, utf8, self.lengths)

    def records(self) -> Records:
        """With their texts."""
        utf8, bounds = np.frombuffer(self.utf8, np.uint8), offsets_of(np.array(self.lengths, np.int64))
        codes = kernel.utf8_codes(utf8, bounds)
        assert codes is not None  # they were UTF-8 when they were taken
        return self.known._replace(texts=Texts(*codes, lambda: (utf8, bounds)))


class _Columns:
    """The records of some rows, column by column."""

    def __init__(self, number: int) -> None:
        self.size = 0
        self.lines: list[int] = []
        self.faults: list[Fault] = []
        self._number = number
        self._ids: list[str] = []
        self._utf8: list[bytes] = []
        self._lengths: list[int] = []
        self._fields: list[dict[str, Any]] = []

    def add(
        self, file: InputFile, batch: Any, first: int, reading: Reading, own: str, wanted: tuple[str, ...]
    ) -> Iterator[RecordError]:
        """Takes the rows of a batch that begins with row *first*; gives what is wrong with one before it takes the
        next.
        """
        with _translated(file):
            utf8, lengths, none = utf8_texts(batch, reading.text_field)
            columns = {name: values(batch.column(name)) for name in _fields(batch, reading, {own, *wanted})}
        self.size += len(utf8)
        given = columns.get(own, ())
        is_plain = not any(none) and max(lengths, default=0) <= reading.max_record
        if is_plain and given and all(type(id) is str and id for id in given):  # as it mostly is
            self.lines += range(first, first + len(given))
            self._ids += given
            self._utf8.append(utf8)
            self._lengths += lengths
            named = [name for name in wanted if name in columns]
            if wanted:
                self._fields += ({name: columns[name][row] for name in named} for row in range(len(given)))
            return
        ids = OwnIds(reading.id_field)
        end = 0
        for row, (length, is_none) in enumerate(zip(lengths, none, strict=True)):
            line, begin, end = first + row, end, end + length
            record = {name: column[row] for name, column in columns.items()}
            try:
                _check_row(file, line, length, is_none, reading)
                id = ids.of_record(file, line, record if own in record else RowFields(batch, row, reading.text_field))
            except RecordError as fault:
                yield fault.at(file, line)
                self.faults.append(Fault(line, fault.reason, fault.advice))
                continue
            self.lines.append(line)
            self._ids.append(id)
            self._utf8.append(utf8[begin:end])
            self._lengths.append(length)
            if wanted:
                self._fields.append({name: record[name] for name in wanted if name in record})

    def part(self, room: Room) -> Part:
        """All of them."""
        known = Records([(self._number, len(self.lines))], self.lines, self._ids, (), self._fields, self.faults)
        return _Part(known, joined(self._utf8, room), self._lengths)


def articles(file: InputFile, reading: Reading, ids: Ids, meter: Meter) -> Iterator[tuple[int, Article | RecordError]]:
    """The articles of a file, or why there is none, by the numbers of their rows."""
    with _opened(file, meter, reading) as parquet:
        first = 1
        for batch in _all_batches(file, parquet):
            yield from _rows(file, batch, first, reading, ids)
            first += len(batch)


class _Group:
    """Rows that wait until their row group is whole, as pyarrow writes one only at once.

    They wait in memory while they are few, else in a temporary file that is mapped, whose pages the system can reclaim:
    what is needed does not grow with the row group.
    """

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._batches: list[Any] = []
        self._bytes = 0
        self._files = ExitStack()
        self._spill: Any = None
        self._path = ""

    def add(self, batch: Any) -> None:
        """Takes the next rows."""
        if self._spill is not None:
            self._spill.write_batch(batch)
            return
        self._batches.append(batch)
        self._bytes += batch.get_total_buffer_size()  # a slice keeps alive what it was cut from
        if self._bytes > _HELD:
            self._begin_spill()

    def _begin_spill(self) -> None:
        pa = pyarrow("a row group")
        file = NamedTemporaryFile(prefix="dedup-", suffix=".arrow")  # noqa: SIM115 (it is entered below)
        self._path = self._files.enter_context(file).name
        sink = self._files.enter_context(pa.OSFile(self._path, "wb"))
        self._spill = self._files.enter_context(pa.ipc.new_stream(sink, self._schema))
        for batch in self._batches:
            self._spill.write_batch(batch)
        self._batches.clear()

    def table(self) -> Any:
        """All rows; they are valid until `close`."""
        pa = pyarrow("a row group")
        if self._spill is None:
            return pa.Table.from_batches(self._batches, self._schema)
        self._spill.close()
        return pa.ipc.open_stream(self._files.enter_context(pa.memory_map(self._path))).read_all()

    def close(self) -> None:
        """Removes the file."""
        self._files.close()


class _Writer:
    """A Parquet file of the same schema, metadata and compression as another, made when its first rows come."""

    def __init__(self, path: Path, file: InputFile, parquet: Any) -> None:
        self._path, self._file, self._like = path, file, parquet
        self._group = _Group(parquet.schema_arrow)
        self._home: Any = None
        self._writer: Any = None

    def add(self, batch: Any) -> None:
        """Rows of the row group at hand."""
        self._group.add(batch)

    def end_group(self, empty: bool = False) -> None:
        """Writes the row group at hand; one without rows only where *empty* says so."""
        group, self._group = self._group, _Group(self._like.schema_arrow)
        with closing(group):
            table = group.table()
            if len(table) or empty:
                self.begin()
                self._writer.write_table(table, row_group_size=max(len(table), 1))

    def begin(self) -> None:
        """Makes the file, even if no rows will come."""
        if self._writer is not None:
            return
        pa = pyarrow(self._file.shown)
        self._home = packed_after(self._path, self._file.compression)
        self._writer = pa.parquet.ParquetWriter(
            self._home.__enter__(),
            self._like.schema_arrow,
            compression=_compressions(self._like.metadata),
            # which has all types: the number in a file says little, writers put 1.0 where there are nanoseconds
            version="2.6",
            use_deprecated_int96_timestamps=_all_int96(self._like.schema),
        )

    def close(self) -> None:
        """Ends the file, if it was begun."""
        self._group.close()
        if self._writer is not None:
            self._writer.close()
            self._home.__exit__(None, None, None)


def _all_int96(schema: Any) -> bool:
    """Whether there are timestamps and all are stored as INT96; pyarrow writes all or none of them so."""
    columns = [schema.column(column) for column in range(len(schema))]
    stored = {column.physical_type for column in columns if column.logical_type.type == "TIMESTAMP"}
    return not stored and any(column.physical_type == "INT96" for column in columns)


def _compressions(metadata: Any) -> dict[str, str] | str:
    """The compression of each column by its path."""
    if not metadata.num_row_groups:
        return "snappy"
    group = metadata.row_group(0)
    columns = [group.column(column) for column in range(group.num_columns)]
    return {column.path_in_schema: column.compression.lower().replace("uncompressed", "none") for column in columns}


def rewrite(
    file: InputFile,
    judge: Callable[[str, str], str | None],
    clean_path: Path,
    aside: tuple[Path, Path],
    reading: Reading,
    ids: Ids,
    meter: Meter,
) -> Rewriting:
    """See `rewrite_file`; *aside* is where rows go that are cut whole, and that cannot be read."""
    cut: list[int] = []
    faults: list[int] = []
    sizes: list[int] = []
    with (
        _opened(file, meter, reading) as parquet,
        closing(_Writer(clean_path, file, parquet)) as clean,
        closing(_Writer(aside[0], file, parquet)) as dropped,
        closing(_Writer(aside[1], file, parquet)) as rejected,
    ):
        clean.begin()
        first = 1
        for group in range(parquet.num_row_groups):
            begin = first
            for batch in _batches(file, parquet, group):
                new: dict[int, str] = {}
                gone: list[int] = []
                bad: list[int] = []
                for number, article in _rows(file, batch, first, reading, ids):
                    if isinstance(article, RecordError):
                        bad.append(number)
                    elif (text := judge(article.id, article.text)) is None:
                        gone.append(number)
                    else:
                        new[number - first] = text
                clean.add(rewritten(batch, reading.text_field, new))
                for writer, numbers in ((dropped, gone), (rejected, bad)):
                    if numbers:
                        writer.add(taken(batch, [number - first for number in numbers]))
                cut += gone
                faults += bad
                first += len(batch)
            sizes.append(first - begin)
            for writer in (clean, dropped, rejected):
                writer.end_group()
    return Rewriting(tuple(cut), meter.sha256(), rejected=tuple(faults), row_groups=tuple(sizes))


def restore(
    file: InputFile, aside: Aside, original: Callable[[str, str], str], path: Path, reading: Reading, ids: Ids
) -> None:
    """See `restore_file`."""
    kinds = {**dict.fromkeys(aside.lines, "dropped"), **dict.fromkeys(aside.rejected_lines, "rejected")}
    with ExitStack() as files:
        parquet = files.enter_context(_opened(file, Meter(), reading))
        sources = {"clean": _Rows(file, parquet)}
        for kind, place in (("dropped", aside.dropped), ("rejected", aside.rejected)):
            if place is not None:
                stored = replace(file, path=place, shown=str(place))
                sources[kind] = _Rows(stored, files.enter_context(_opened(stored, Meter(), reading)))
        writer = files.enter_context(closing(_Writer(path, file, parquet)))
        writer.begin()
        first = 1
        for size in aside.row_groups:
            end = first + size
            for kind, run in groupby(range(first, end), lambda number: kinds.get(number, "clean")):
                if kind not in sources:
                    raise BadRun(f"{file.shown}: its {kind} records are missing; {kind}/ was changed after the run")
                for piece in sources[kind].take(sum(1 for _ in run)):
                    writer.add(_with_originals(file, piece, first, kind, original, reading, ids))
                    first += len(piece)
            writer.end_group(empty=not size)
        for source in sources.values():
            source.check_end()


def _with_originals(
    file: InputFile,
    batch: Any,
    first: int,
    kind: str,
    original: Callable[[str, str], str],
    reading: Reading,
    ids: Ids,
) -> Any:
    """The batch as it was, which begins with row *first*; *kind* tells where it lay."""
    if kind == "rejected":
        return batch
    with _translated(file):
        column = texts(batch, reading.text_field)
    new: list[str | None] = []
    for row, text in enumerate(column):
        id = _id(file, first + row, text, RowFields(batch, row, reading.text_field), reading, ids)
        new.append(original(id, text or "") if kind == "clean" else text)
    return batch if new == column else with_texts(batch, reading.text_field, new)


class _Rows:
    """The rows of a file of a run, taken from its start in any portions."""

    def __init__(self, file: InputFile, parquet: Any) -> None:
        self._shown = file.shown
        self._batches = _all_batches(file, parquet)
        self._rest: Any = None

    def take(self, count: int) -> Iterator[Any]:
        """The next rows, in batches."""
        while count:
            if self._rest is None and (batch := next(self._batches, None)) is not None:
                self._rest = batch
            if self._rest is None:
                raise BadRun(f"{self._shown}: has fewer rows than places.jsonl tells; it was changed after the run")
            piece = self._rest.slice(0, count)
            self._rest = self._rest.slice(len(piece)) if len(piece) < len(self._rest) else None
            count -= len(piece)
            yield piece

    def check_end(self) -> None:
        """Raises BadRun if there are more rows."""
        if self._rest is not None or next(self._batches, None) is not None:
            raise BadRun(f"{self._shown}: has more rows than places.jsonl tells; it was changed after the run")


def jsonl_of(file: InputFile, reading: Reading, out: IO[bytes]) -> None:
    """Writes the rows of a file to *out* as JSONL; what JSON has no word for goes as a string."""
    with _opened(file, Meter(), reading) as parquet:
        for batch in _all_batches(file, parquet):
            for row in zip(*map(values, batch.columns), strict=True):
                record = dict(zip(batch.schema.names, row, strict=True))
                out.write(orjson.dumps(record, default=str, option=orjson.OPT_APPEND_NEWLINE))
