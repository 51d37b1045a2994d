"""Parquet files: read batch by batch, rewritten row group by row group, all columns but the text untouched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import IO, Any

import orjson

from dedup.articles.files import Aside, Ids, InputFile, Meter, Reading, RecordError, Rejected, Rewriting
from dedup.articles.packing import packed_after, seekable
from dedup.articles.wording import size as shown_size
from dedup.columns import RowFields, check_schema, pyarrow, rewritten, taken, texts, with_texts
from dedup.errors import BadInput, BadRun
from dedup.model import Article

_BATCH = 1024  # rows read at a time
_ADVICE = "name the column that holds the text with --text-field"


@contextmanager
def _opened(file: InputFile, meter: Meter, reading: Reading) -> Iterator[Any]:
    """The open file, its schema checked."""
    pa = pyarrow(file.shown)
    with seekable(file, meter, reading.max_unpacked) as path:
        with _translated(file):
            parquet = pa.parquet.ParquetFile(path, pre_buffer=False)
        with parquet:
            check_schema(file.shown, parquet.schema_arrow, reading.text_field, _ADVICE)
            groups = (parquet.metadata.row_group(group) for group in range(parquet.num_row_groups))
            if sum(group.total_byte_size for group in groups) > reading.max_unpacked:
                raise BadInput(
                    f"{file.shown}: expected at most {shown_size(reading.max_unpacked)} bytes of unpacked data, found "
                    "more; pass --max-unpacked with a greater number if you trust the file"
                )
            yield parquet


@contextmanager
def _translated(file: InputFile) -> Iterator[None]:
    pa = pyarrow(file.shown)
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError, BadInput) as error:
        if isinstance(error, BadInput):
            raise BadInput(f"{file.shown}: {error}") from None
        reason = " ".join(str(error).split())
        raise BadInput(
            f"{file.shown}: its Parquet data is cut short or damaged ({reason}); fetch or write it again"
        ) from None


def _row_groups(file: InputFile, parquet: Any) -> Iterator[Any]:
    """The row groups as tables."""
    for group in range(parquet.num_row_groups):
        with _translated(file):
            table = parquet.read_row_group(group)
        yield table


def _batches(file: InputFile, parquet: Any) -> Iterator[Any]:
    """The rows in batches, which no row group shares with another."""
    batches = parquet.iter_batches(batch_size=_BATCH)
    while True:
        with _translated(file):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


def _id(file: InputFile, number: int, text: str | None, fields: RowFields, reading: Reading, ids: Ids) -> str:
    """The id of a row. Raises RecordError if it is no article."""
    if text is None:
        raise RecordError(f'column "{reading.text_field}" must hold a string, found null', "mend the row")
    if len(text) > reading.max_record:
        raise BadInput(
            f"{file.shown}:{number}: expected a record of at most {shown_size(reading.max_record)} bytes, found a "
            "longer one; pass --max-record with a greater number"
        )
    return ids.of_record(file, number, fields)


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


def articles(
    file: InputFile, reading: Reading, ids: Ids, meter: Meter, reject: Callable[[Rejected], object]
) -> Iterator[Article]:
    """The articles of a file; what cannot be read goes to *reject*, if that is wanted."""
    with _opened(file, meter, reading) as parquet:
        first = 1
        for batch in _batches(file, parquet):
            for number, article in _rows(file, batch, first, reading, ids):
                if isinstance(article, RecordError):
                    reject(Rejected(file.name, number, article.reason))
                else:
                    yield article
            first += len(batch)


class _Writer:
    """A Parquet file of the same schema, metadata and compression as another, made when its first rows come."""

    def __init__(self, path: Path, file: InputFile, parquet: Any) -> None:
        self._path, self._file, self._like = path, file, parquet
        self._home: Any = None
        self._writer: Any = None

    def write(self, table: Any) -> None:
        """One row group."""
        self.begin()
        if len(table):
            self._writer.write_table(table, row_group_size=len(table))

    def begin(self) -> None:
        """Makes the file, even if no rows will come."""
        if self._writer is not None:
            return
        pa = pyarrow(self._file.shown)
        metadata = self._like.metadata
        self._home = packed_after(self._path, self._file.compression)
        self._writer = pa.parquet.ParquetWriter(
            self._home.__enter__(),
            self._like.schema_arrow,
            compression=_compressions(metadata),
            version=metadata.format_version if metadata.format_version in ("1.0", "2.4", "2.6") else "2.6",
        )

    def close(self) -> None:
        """Ends the file, if it was begun."""
        if self._writer is not None:
            self._writer.close()
            self._home.__exit__(None, None, None)


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
    pa = pyarrow(file.shown)
    with (
        _opened(file, meter, reading) as parquet,
        closing(_Writer(clean_path, file, parquet)) as clean,
        closing(_Writer(aside[0], file, parquet)) as dropped,
        closing(_Writer(aside[1], file, parquet)) as rejected,
    ):
        clean.begin()
        first = 1
        for table in _row_groups(file, parquet):
            parts: list[list[Any]] = [[], [], []]
            for batch in table.to_batches(max_chunksize=_BATCH):
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
                parts[0].append(rewritten(batch, reading.text_field, new))
                for part, numbers in ((parts[1], gone), (parts[2], bad)):
                    if numbers:
                        part.append(taken(batch, [number - first for number in numbers]))
                cut += gone
                faults += bad
                first += len(batch)
            sizes.append(len(table))
            for writer, part in zip((clean, dropped, rejected), parts, strict=True):
                if part:
                    writer.write(pa.Table.from_batches(part, table.schema))
    return Rewriting(tuple(cut), meter.sha256(), rejected=tuple(faults), row_groups=tuple(sizes))


def restore(
    file: InputFile, aside: Aside, original: Callable[[str, str], str], path: Path, reading: Reading, ids: Ids
) -> None:
    """See `restore_file`."""
    pa = pyarrow(file.shown)
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
            pieces = []
            for kind, run in groupby(range(first, first + size), lambda number: kinds.get(number, "clean")):
                if kind not in sources:
                    raise BadRun(f"{file.shown}: its {kind} records are missing; {kind}/ was changed after the run")
                pieces += sources[kind].take(len(list(run)))
            table = pa.Table.from_batches(pieces, parquet.schema_arrow)
            writer.write(_with_originals(file, table, first, kinds, original, reading, ids))
            first += size
        for source in sources.values():
            source.check_end()


def _with_originals(
    file: InputFile,
    table: Any,
    first: int,
    kinds: Mapping[int, str],
    original: Callable[[str, str], str],
    reading: Reading,
    ids: Ids,
) -> Any:
    new: list[str | None] = []
    changed = False
    at = first
    for batch in table.to_batches(max_chunksize=_BATCH):
        with _translated(file):
            column = texts(batch, reading.text_field)
        for row, text in enumerate(column):
            kind = kinds.get(at, "clean")
            if kind != "rejected":
                id = _id(file, at, text, RowFields(batch, row, reading.text_field), reading, ids)
            new.append(original(id, text) if kind == "clean" and text is not None else text)
            changed = changed or new[-1] != text
            at += 1
    return with_texts(table, reading.text_field, new) if changed else table


class _Rows:
    """The rows of a file of a run, taken from its start in any portions."""

    def __init__(self, file: InputFile, parquet: Any) -> None:
        self._shown = file.shown
        self._batches = _batches(file, parquet)
        self._rest: Any = None

    def take(self, count: int) -> list[Any]:
        """The next rows."""
        pieces = []
        while count:
            if self._rest is None and (batch := next(self._batches, None)) is not None:
                self._rest = batch
            if self._rest is None:
                raise BadRun(f"{self._shown}: has fewer rows than places.jsonl tells; it was changed after the run")
            piece = self._rest.slice(0, count)
            self._rest = self._rest.slice(len(piece)) if len(piece) < len(self._rest) else None
            pieces.append(piece)
            count -= len(piece)
        return pieces

    def check_end(self) -> None:
        """Raises BadRun if there are more rows."""
        if self._rest is not None or next(self._batches, None) is not None:
            raise BadRun(f"{self._shown}: has more rows than places.jsonl tells; it was changed after the run")


def jsonl_of(file: InputFile, reading: Reading, out: IO[bytes]) -> None:
    """Writes the rows of a file to *out* as JSONL; what JSON has no word for goes as a string."""
    with _opened(file, Meter(), reading) as parquet:
        for batch in _batches(file, parquet):
            for row in batch.to_pylist():
                out.write(orjson.dumps(row, default=str, option=orjson.OPT_APPEND_NEWLINE))
