"""Arrow record batches <-> articles, without a copy of any column that is not the text. A door to pyarrow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dedup.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa


_NAMED = 12  # columns that an error names


class RowFields(Mapping[str, Any]):
    """The fields of one row but its text, made into Python values one by one when they are asked for."""

    __slots__ = ("_batch", "_row", "_text")

    def __init__(self, batch: pa.RecordBatch, row: int, text_field: str) -> None:
        self._batch, self._row, self._text = batch, row, text_field

    def __getitem__(self, name: str) -> Any:
        where = self._batch.schema.get_field_index(name)
        if name == self._text or where < 0:
            raise KeyError(name)
        return values(self._batch.column(where).slice(self._row, 1))[0]

    def __iter__(self) -> Iterator[str]:
        names = Counter(self._batch.schema.names)  # one that stands twice names nothing
        return (name for name, times in names.items() if times == 1 and name != self._text)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self) == dict(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(dict(self))


def pyarrow(place: str) -> Any:
    """The library.

    Raises:
        BadInput: it is not installed; the message begins with *place* and names the extra.
    """
    try:
        import pyarrow  # noqa: PLC0415
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError:
        raise BadInput(
            f"{place}: is read with pyarrow, which is not installed; pip install 'dedup-articles[parquet]'"
        ) from None
    return pyarrow


def schema_fault(schema: pa.Schema, text_field: str) -> str | None:
    """Why there is no text: the schema has no such column, more than one, or it holds no strings. None if there is."""
    pa = pyarrow("a table")
    where = schema.get_all_field_indices(text_field)
    if len(where) != 1:
        names = ", ".join(f'"{name}"' for name in schema.names[:_NAMED]) + (" ..." if len(schema) > _NAMED else "")
        what = "must not repeat" if where else "is missing"
        return f'column "{text_field}" {what}, found the columns {names or "none"}'
    kind = schema.field(where[0]).type
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value)):
        return f'column "{text_field}" must hold strings, found the type {kind}'
    return None


def texts(batch: pa.RecordBatch, text_field: str) -> list[str | None]:
    """The texts of a batch; None where there is none. Raises UnicodeDecodeError where one is no UTF-8."""
    return batch.column(text_field).to_pylist()


def utf8_texts(batch: pa.RecordBatch, text_field: str) -> tuple[bytes, list[int], list[bool]]:
    """The same in UTF-8, without an object for each: (texts one behind the other, bytes of each, which are none).

    Raises pyarrow's ArrowInvalid where one is no UTF-8.
    """
    pa = pyarrow("a table")
    column = batch.column(text_field)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary.cast(pa.large_string()).take(column.indices)  # whose entries may repeat beyond 2 GB
    if pa.types.is_string_view(column.type):  # not every version casts these
        column = pa.array(column.to_pylist(), pa.large_string())
    column = column.cast(pa.large_string())
    column.validate(full=True)
    none = column.is_null()
    column = column.fill_null("")
    _, bounds, content = column.buffers()
    offsets = memoryview(bounds).cast("q")[column.offset : column.offset + len(column) + 1] if len(column) else [0]
    utf8 = b"" if content is None else bytes(memoryview(content)[offsets[0] : offsets[-1]])
    return utf8, [end - start for start, end in pairwise(offsets)], none.to_pylist()


def values(column: pa.Array) -> list[Any]:
    """Python values of a column; times that Python has no type for are strings.

    Those are nanoseconds (which pyarrow makes pandas objects of, where pandas is installed, and else an error), and
    years beyond 9999.
    """
    kind = _told(column.type, _is_fine)
    try:
        return (column if kind == column.type else column.cast(kind)).to_pylist()
    except (OverflowError, ValueError):
        return column.cast(_told(column.type, _is_temporal)).to_pylist()


def _told(kind: pa.DataType, replaced: Callable[[pa.DataType], bool]) -> pa.DataType:
    """The type with strings for those in it that are to be replaced."""
    pa = pyarrow("a table")
    if replaced(kind):
        return pa.string()
    if pa.types.is_dictionary(kind):
        told = _told(kind.value_type, replaced)
        return kind if told == kind.value_type else told
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_told(field.type, replaced)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_told(kind.key_type, replaced), _told(kind.item_type, replaced))
    lists = {
        pa.types.is_list: pa.list_,
        pa.types.is_large_list: pa.large_list,
        pa.types.is_fixed_size_list: lambda field: pa.list_(field, kind.list_size),
    }
    for is_such, made in lists.items():
        if is_such(kind):
            return made(kind.value_field.with_type(_told(kind.value_type, replaced)))
    return kind


def _is_temporal(kind: pa.DataType) -> bool:
    types = pyarrow("a table").types
    return bool(types.is_timestamp(kind) or types.is_time(kind) or types.is_date(kind) or types.is_duration(kind))


def _is_fine(kind: pa.DataType) -> bool:
    """Nanoseconds."""
    return _is_temporal(kind) and getattr(kind, "unit", "") == "ns"


def with_texts(table: Any, text_field: str, texts: Sequence[str | None]) -> Any:
    """A table or record batch with other texts, of the same type; every other column as it is."""
    pa = pyarrow("a table")
    where = table.schema.get_field_index(text_field)
    field = table.schema.field(where)
    return table.set_column(where, field, pa.array(texts, field.type))


def taken(batch: pa.RecordBatch, rows: list[int]) -> pa.RecordBatch:
    """These rows of the batch, which rise; the batch itself if they are all."""
    if len(rows) == len(batch):
        return batch
    if not rows:
        return batch.slice(0, 0)
    starts = [at for at, row in enumerate(rows) if not at or row != rows[at - 1] + 1]
    ends = [*starts[1:], len(rows)]
    runs = [batch.slice(rows[start], end - start) for start, end in zip(starts, ends, strict=True)]
    if len(runs) == 1:
        return runs[0]
    return pyarrow("a table").Table.from_batches(runs).combine_chunks().to_batches()[0]


def rewritten(batch: pa.RecordBatch, text_field: str, new: Mapping[int, str]) -> pa.RecordBatch:
    """The rows of the batch that *new* has, with the texts that it gives them."""
    rows = sorted(new)
    batch = taken(batch, rows)
    column = [new[row] for row in rows]
    return batch if column == texts(batch, text_field) else with_texts(batch, text_field, column)
