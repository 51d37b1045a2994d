"""Tables of other libraries <-> articles: pyarrow, pandas, polars, Hugging Face datasets.

None of these libraries is imported here: whoever has such a table has the library. Rows are taken a batch at a time
from Arrow tables, and from the columns of data frames; no column but the text is copied.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from dedup.columns import RowFields, pyarrow, rewritten, schema_fault, texts
from dedup.errors import BadInput
from dedup.model import Article

Judge = Callable[[int, str], "str | None"]
"""(row from 0, text) -> the text to write, None if the row is left out."""

_BATCH = 1024
_ADVICE = "name the column that holds the text with text_field"
_KINDS = {
    ("pyarrow", "Table"): "arrow",
    ("pyarrow", "RecordBatch"): "arrow",
    ("pyarrow", "RecordBatchReader"): "reader",
    ("pandas", "DataFrame"): "pandas",
    ("polars", "DataFrame"): "polars",
    ("datasets", "Dataset"): "dataset",
}
_NEARLY = {
    ("polars", "LazyFrame"): ("a DataFrame", "call its collect() first"),
    ("polars", "Series"): ("a DataFrame", "call its to_frame() first"),
    ("pandas", "Series"): ("a DataFrame", "call its to_frame() first"),
    ("datasets", "DatasetDict"): ("a Dataset", 'name a split, like dataset["train"]'),
    ("datasets", "IterableDataset"): ("a Dataset", "load it without streaming"),
    ("datasets", "IterableDatasetDict"): ("a Dataset", "load it without streaming, and name a split"),
}


def kind_of(table: object) -> str | None:
    """Which kind of table: arrow, reader, pandas, polars or dataset; None for no table.

    Raises:
        BadInput: a table is easily made of it; the message says how.
    """
    for base in type(table).__mro__:
        name = base.__module__.partition(".")[0], base.__name__
        if name in _NEARLY:
            expected, advice = _NEARLY[name]
            raise BadInput(f"expected {expected}, found a {name[0]} {name[1]}; {advice}")
        if found := _KINDS.get(name):
            return found
    return None


class TableArticles:
    """The articles of a table, one a row; may be iterated as often as wanted.

    A RecordBatchReader is read into memory, as it can be read only once.
    """

    def __init__(self, table: Any, text_field: str, id_field: str | None) -> None:
        self._table = table.read_all() if kind_of(table) == "reader" else table
        self._text, self._id_field = text_field, id_field
        self._ids = _ids(self._table, id_field)

    def __iter__(self) -> Iterator[Article]:
        for row, (text, fields) in enumerate(_rows(self._table, self._text)):
            _check_text(row, text, self._text)
            yield Article.of(str(row) if self._ids is None else self._ids[row], text, fields)


def articles_of(table: Any, text_field: str = "text", id_field: str | None = None) -> TableArticles:
    """The articles of a table.

    An article's id is the column *id_field* where given; else the column "id" if it holds strings or integers, each of
    them once; else the number of the row from 0.

    Raises:
        BadInput: a column is missing or of another type, a text is null; where *id_field* is given, an id is none.
    """
    return TableArticles(table, text_field, id_field)


def rewrite_table(table: Any, judge: Judge, rows: int, text_field: str = "text") -> Any:
    """A table of the same kind, schema and row order with other texts and without the rows that are cut whole.

    A RecordBatchReader gives one that reads it bit by bit; of pandas the index stays with its rows.

    Args:
        table: see `kind_of`.
        judge: asked for each row.
        rows: how many there must be.
        text_field: the column that holds the text.

    Raises:
        BadInput: there is no such column of strings, a text is null, or there are fewer rows.
    """
    kind = kind_of(table)
    if kind != "reader" and len(table) < rows:
        raise _too_few(len(table), rows)
    if kind == "pandas":
        return _rewrite_pandas(table, judge, text_field)
    if kind == "polars":
        return _rewrite_polars(table, judge, text_field)
    pa = pyarrow(f"a {type(table).__name__}")
    schema = _schema(table)
    _check_schema(table, text_field)
    batches = _rewritten_batches(_batches(table), judge, rows, text_field)
    if kind == "reader":
        return pa.RecordBatchReader.from_batches(schema, batches)
    clean = pa.Table.from_batches(list(batches), schema)
    if kind == "dataset":
        return _dataset_of(table, clean)
    if isinstance(table, pa.RecordBatch):
        whole = clean.combine_chunks().to_batches()
        return whole[0] if whole else table.slice(0, 0)
    return clean


def _rewritten_batches(batches: Iterable[Any], judge: Judge, rows: int, text_field: str) -> Iterator[Any]:
    first = 0
    for batch in batches:
        new = {}
        for row, text in enumerate(_texts(batch, text_field)):
            _check_text(first + row, text, text_field)
            if (clean := judge(first + row, text or "")) is not None:
                new[row] = clean
        yield rewritten(batch, text_field, new)
        first += len(batch)
    if first < rows:
        raise _too_few(first, rows)


def _too_few(found: int, rows: int) -> BadInput:
    return BadInput(f"expected the {rows} rows of the report, found {found}; rewrite the table that was scanned")


def _dataset_of(dataset: Any, clean: Any) -> Any:
    made = type(dataset)(clean, info=dataset.info.copy(), split=dataset.split)
    made.set_format(**{name: value for name, value in dataset.format.items() if name != "format_kwargs"})
    return made


def _rewrite_pandas(frame: Any, judge: Judge, text_field: str) -> Any:
    stay, new = _verdicts(frame, judge, text_field)
    clean = frame.iloc[stay].copy()
    clean[text_field] = type(frame[text_field])(new, index=clean.index, dtype=_widened(frame[text_field].dtype, new))
    return clean


def _rewrite_polars(frame: Any, judge: Judge, text_field: str) -> Any:
    stay, new = _verdicts(frame, judge, text_field)
    column = type(frame[text_field])(text_field, new, dtype=_widened(frame[text_field].dtype, new))
    return frame[stay].with_columns(column)


def _widened(dtype: Any, new: list[str]) -> Any:
    """The type with the new texts after its categories, if it has them (a CategoricalDtype of pandas, say)."""
    name = type(dtype).__name__
    if name not in ("CategoricalDtype", "Enum"):
        return dtype
    known = set(dtype.categories)
    more = [text for text in dict.fromkeys(new) if text not in known]
    if not more:
        return dtype
    categories = [*dtype.categories, *more]
    return type(dtype)(categories) if name == "Enum" else type(dtype)(categories, ordered=dtype.ordered)


def _verdicts(frame: Any, judge: Judge, text_field: str) -> tuple[list[int], list[str]]:
    """(the rows that stay, their texts)."""
    stay, new = [], []
    for row, (text, _) in enumerate(_rows(frame, text_field)):
        _check_text(row, text, text_field)
        if (clean := judge(row, text)) is not None:
            stay.append(row)
            new.append(clean)
    return stay, new


def _check_text(row: int, text: object, text_field: str) -> None:
    if not isinstance(text, str):
        null = text is None or (isinstance(text, float) and math.isnan(text)) or type(text).__name__ == "NAType"
        found = "null" if null else f"a {type(text).__name__}"
        raise BadInput(
            f'row {row}: column "{text_field}" must hold a string, found {found}; leave such rows out, or {_ADVICE}'
        )


def _names(table: Any) -> list[str]:
    return list(table.columns) if kind_of(table) in ("pandas", "polars") else list(_schema(table).names)


def _schema(table: Any) -> Any:
    return table.data.schema if kind_of(table) == "dataset" else table.schema


def _check_schema(table: Any, text_field: str) -> None:
    pyarrow(f"a {type(table).__name__}")
    if fault := schema_fault(_schema(table), text_field):
        raise BadInput(f"the {type(table).__name__}: {fault}; {_ADVICE}")


def _texts(batch: Any, text_field: str) -> list[str | None]:
    try:
        return texts(batch, text_field)
    except UnicodeDecodeError as error:
        raise BadInput(
            f'column "{text_field}" must hold UTF-8, found 0x{error.object[error.start]:02x} at byte {error.start} of '
            "a text; make the table again"
        ) from None


def _batches(table: Any) -> Iterator[Any]:
    """Arrow record batches."""
    kind = kind_of(table)
    if kind == "reader":
        yield from table
    elif kind == "dataset":
        for part in table.with_format("arrow").iter(batch_size=_BATCH):
            yield from part.cast(_schema(table)).combine_chunks().to_batches()
    elif hasattr(table, "to_batches"):
        yield from table.to_batches(max_chunksize=_BATCH)
    else:
        yield table


def _rows(table: Any, text_field: str) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """(text, the other fields) of each row."""
    if kind_of(table) in ("pandas", "polars"):
        if text_field not in _names(table):
            names = ", ".join(map(str, _names(table)))
            raise BadInput(f'the DataFrame: column "{text_field}" is missing, found {names}; {_ADVICE}')
        if _names(table).count(text_field) > 1:
            raise BadInput(f'the DataFrame: column "{text_field}" must not repeat; rename one, or {_ADVICE}')
        for row, text in enumerate(table[text_field]):
            yield text, _FrameFields(table, row, text_field)
        return
    _check_schema(table, text_field)
    for batch in _batches(table):
        for row, text in enumerate(_texts(batch, text_field)):
            yield text, RowFields(batch, row, text_field)


class _FrameFields(Mapping[str, Any]):
    """The fields of a row of a data frame but its text."""

    __slots__ = ("_frame", "_row", "_text")

    def __init__(self, frame: Any, row: int, text_field: str) -> None:
        self._frame, self._row, self._text = frame, row, text_field

    def __getitem__(self, name: str) -> Any:
        if name == self._text or name not in self._frame.columns:
            raise KeyError(name)
        column = self._frame[name]
        return column.iloc[self._row] if hasattr(column, "iloc") else column[self._row]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._frame.columns if name != self._text)

    def __len__(self) -> int:
        return len(self._frame.columns) - 1


def _ids(table: Any, id_field: str | None) -> Sequence[str] | None:
    """The id of each row; None: their numbers."""
    name = "id" if id_field is None else id_field
    if name not in _names(table):
        if id_field is not None:
            raise BadInput(f'column "{name}" is missing, found {", ".join(map(str, _names(table)))}; mend id_field')
        return None
    if kind_of(table) in ("pandas", "polars"):
        values = table[name].to_list()
    else:
        values = [value for batch in _batches(table) for value in batch.column(name).to_pylist()]
    ids: list[str] = []
    for row, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            if id_field is not None:
                raise BadInput(
                    f'row {row}: column "{name}" must hold a string or an integer that can be an id, found {value!r}; '
                    "mend the row, or name another column with id_field"
                )
            return None
        ids.append(str(value))
    return ids if id_field is not None or len(set(ids)) == len(ids) else None
