"""Tables of other libraries: scan takes them, rewrite gives the same kind back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from test_formats import A, B, C, table

import dedup
from dedup.errors import BadInput

pa = pytest.importorskip("pyarrow")

TEXTS = [f"{A}\n{B}", f"{A}\n{B}", f'say "so"\n{A}\n{C}', ""]
CLEAN = [f"{A}\n{B}", f'say "so"\n{C}', ""]


def arrow() -> Any:
    return table(4)


def reader() -> Any:
    return pa.RecordBatchReader.from_batches(arrow().schema, arrow().to_batches(max_chunksize=3))


def pandas_frame() -> Any:
    pandas = pytest.importorskip("pandas")
    kinds = pandas.Categorical(["a", "b", "a", "b"])
    return pandas.DataFrame({"text": TEXTS, "kind": kinds, "o": [1, "x", None, {}]}, index=[7, 5, 3, 1])


def polars_frame() -> Any:
    polars = pytest.importorskip("polars")
    return polars.DataFrame({"n": [1, 2, 3, None], "text": TEXTS, "l": [[1], None, [], [2]]})


def dataset() -> Any:
    datasets = pytest.importorskip("datasets")
    made = datasets.Dataset.from_dict({"text": [C, *TEXTS], "n": [0, 1, 2, 3, 4]})
    return made.cast_column("n", datasets.Value("int8")).select([1, 2, 3, 4])


def same_arrow(clean: Any, original: Any) -> None:
    column = pa.array(CLEAN, pa.large_string())
    expected = original.take([0, 2, 3]).set_column(1, original.schema.field(1), column)
    assert clean.equals(expected, check_metadata=True)


def same_reader(clean: Any, original: Any) -> None:
    same_arrow(clean.read_all(), arrow())


def same_pandas(clean: Any, original: Any) -> None:
    from pandas.testing import assert_frame_equal

    expected = original.iloc[[0, 2, 3]].copy()
    expected["text"] = CLEAN
    assert_frame_equal(clean, expected)


def same_polars(clean: Any, original: Any) -> None:
    assert clean.schema == original.schema
    assert clean.to_dict(as_series=False) == {"n": [1, 3, None], "text": CLEAN, "l": [[1], [], [2]]}


def same_dataset(clean: Any, original: Any) -> None:
    assert clean.features == original.features
    assert clean.to_dict() == {"text": CLEAN, "n": [1, 3, 4]}


CASES: list[tuple[Callable[[], Any], Callable[[Any, Any], None]]] = [
    (arrow, same_arrow),
    (reader, same_reader),
    (pandas_frame, same_pandas),
    (polars_frame, same_polars),
    (dataset, same_dataset),
]


@pytest.mark.parametrize(("make", "same"), CASES, ids=[make.__name__ for make, _ in CASES])
def test_rewrite_gives_the_same_kind_back(make: Callable[[], Any], same: Callable[[Any, Any], None]) -> None:
    """The same columns, types and order; rows cut whole are gone, and the table that was given is as it was."""
    original = make()
    report = dedup.scan(original)
    given = make() if make is reader else original
    clean = dedup.rewrite(given, report)
    assert type(clean) is type(original)
    same(clean, original)
    if make is not reader:
        assert [article.text for article in dedup.clean(given)] == CLEAN


@pytest.mark.parametrize("make", [make for make, _ in CASES], ids=[make.__name__ for make, _ in CASES])
def test_a_table_is_judged_as_its_articles_are(make: Callable[[], Any]) -> None:
    """The findings are those of the same texts in a list."""
    report = dedup.scan(make())
    articles = [dedup.Article(id, text) for id, text in zip(report.article_ids, TEXTS, strict=True)]
    assert report.findings == dedup.scan(articles).findings
    assert report.findings


def test_ids_come_from_the_column_else_from_the_row() -> None:
    """A column "id" is taken if its values can be ids, one that is named must be fit for it."""
    one = pa.table({"id": ["a", "b"], "key": [1, 1], "text": [A, B]})
    assert dedup.scan(one).article_ids == ["a", "b"]
    assert dedup.scan(one.set_column(0, "id", pa.array(["a", "a"]))).article_ids == ["0", "1"]
    assert dedup.scan(one.set_column(0, "id", pa.array([1.5, 2.5]))).article_ids == ["0", "1"]
    with pytest.raises(BadInput, match="same id '1'"):
        dedup.scan(one, id_field="key")
    with pytest.raises(BadInput, match='"nonsense" is missing'):
        dedup.scan(one, id_field="nonsense")


def test_fields_are_made_when_they_are_asked_for() -> None:
    """`keep` may go by any column."""
    frame = pa.table({"text": [A, A], "date": ["2020-02-06", "2020-02-05"]})
    report = dedup.scan(frame, dedup.Settings(keep="field:date"))
    assert dedup.rewrite(frame, report).to_pylist() == [{"text": A, "date": "2020-02-05"}]


@pytest.mark.parametrize("make", [pandas_frame, polars_frame, arrow, dataset])
def test_a_table_without_the_column_says_what_it_has(make: Callable[[], Any]) -> None:
    """And text_field names another."""
    with pytest.raises(BadInput, match='"body" is missing'):
        dedup.scan(make(), text_field="body")


@pytest.mark.parametrize("null", [None, float("nan")])
def test_a_null_is_no_text(null: object) -> None:
    """The row is named."""
    pandas = pytest.importorskip("pandas")
    with pytest.raises(BadInput, match=r"row 1: .* found null"):
        dedup.scan(pandas.DataFrame({"text": [A, null]}))


def test_another_table_than_the_one_scanned_is_refused() -> None:
    """More rows, or other texts where something is to be cut."""
    frame = pa.table({"text": TEXTS})
    report = dedup.scan(frame)
    with pytest.raises(BadInput, match="row 4 is not in the report"):
        dedup.rewrite(pa.table({"text": [*TEXTS, C]}), report)
    with pytest.raises(BadInput, match="row 1 has another text"):
        dedup.rewrite(pa.table({"text": [TEXTS[0], C, *TEXTS[2:]]}), report)
    with pytest.raises(BadInput, match="rows"):
        dedup.rewrite(pa.table({"text": TEXTS[:3]}), report)


def test_a_reader_is_rewritten_bit_by_bit() -> None:
    """The first clean batch comes before the second is read."""
    seen = []

    def batches() -> Any:
        for batch in pa.table({"text": TEXTS}).to_batches(max_chunksize=1):
            seen.append(len(seen))
            yield batch

    schema = pa.schema([("text", pa.string())])
    report = dedup.scan(pa.RecordBatchReader.from_batches(schema, batches()))
    seen.clear()
    clean = dedup.rewrite(pa.RecordBatchReader.from_batches(schema, batches()), report)
    assert clean.read_next_batch().to_pylist() == [{"text": CLEAN[0]}]
    assert seen == [0]


def test_categories_are_widened_by_the_new_texts() -> None:
    """No text becomes null; the type stays where no text is new."""
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    frame = pandas.DataFrame({"text": pandas.Categorical(TEXTS)})
    clean = dedup.rewrite(frame, dedup.scan(frame))
    assert clean["text"].tolist() == CLEAN
    assert list(clean["text"].cat.categories) == [*frame["text"].cat.categories, CLEAN[1]]
    same = pandas.DataFrame({"text": pandas.Categorical([A, A])})
    assert dedup.rewrite(same, dedup.scan(same))["text"].dtype == same["text"].dtype
    enum = polars.DataFrame({"text": TEXTS}, schema={"text": polars.Enum(list(dict.fromkeys(TEXTS)))})
    assert dedup.rewrite(enum, dedup.scan(enum))["text"].to_list() == CLEAN


def test_frames_that_cannot_be_scanned_say_why() -> None:
    """A column twice, a frame that is not yet computed, a single column."""
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    with pytest.raises(BadInput, match="must not repeat"):
        dedup.scan(pandas.DataFrame([[A, B]], columns=["text", "text"]))
    with pytest.raises(BadInput, match=r"collect\(\)"):
        dedup.scan(polars.LazyFrame({"text": [A]}))
    for series in (pandas.Series([A]), polars.Series([A])):
        with pytest.raises(BadInput, match=r"to_frame\(\)"):
            dedup.scan(series)


def test_data_sets_that_cannot_be_scanned_say_why() -> None:
    """Several splits, a stream."""
    datasets = pytest.importorskip("datasets")
    one = dataset()
    with pytest.raises(BadInput, match=r'expected a Dataset, found a datasets DatasetDict; .*"train"'):
        dedup.scan(datasets.DatasetDict({"train": one}))
    with pytest.raises(BadInput, match="without streaming"):
        dedup.scan(one.to_iterable_dataset())


def addresses(column: Any) -> set[int]:
    """Where the values of a column lie in memory."""
    return {buffer.address for chunk in column.chunks for buffer in chunk.buffers() if buffer is not None}


def test_nothing_is_copied_where_no_copy_is_needed() -> None:
    """A table without findings, other columns of one whose texts change or whose rows go in one piece."""
    texts = [f"{row}号公告。本市第{row}区的供水工程{'甲乙丙丁戊己庚辛壬癸'[row % 10] * row}完工" for row in range(40)]
    frame = pa.table({"text": texts, "other": [f"{row}" * 90 for row in range(40)]})
    allocated = pa.total_allocated_bytes()
    clean = dedup.rewrite(frame, dedup.scan(frame, dedup.Settings(min_chars=1000)))
    assert clean.equals(frame)
    assert pa.total_allocated_bytes() - allocated < frame["text"].nbytes
    assert addresses(clean["text"]) == addresses(frame["text"])
    for changed, rows in ((pa.array(texts[:1] * 20 + texts[20:]), 21), (pa.array([*texts[:39], f"{A}\n{A}"]), 40)):
        given = frame.set_column(0, "text", changed)
        clean = dedup.rewrite(given, dedup.scan(given, dedup.Settings(threshold=0.99)))
        assert clean.num_rows == rows
        if rows == 40:
            assert clean["text"].to_pylist()[39] != f"{A}\n{A}"
            assert addresses(clean["other"]) == addresses(given["other"])


@pytest.mark.parametrize("kind", ["whole", "dropped"])
def test_every_type_of_column_goes_through(kind: str) -> None:
    """Also those that Parquet has no room for, with a schema that is the same to the last of its metadata."""
    from test_formats import odd_columns

    columns = {
        **odd_columns(4),
        "run ends": pa.RunEndEncodedArray.from_arrays(pa.array([4], pa.int32()), pa.array([1])),
        "union": pa.UnionArray.from_sparse(pa.array([0] * 4, pa.int8()), [pa.array(range(4))]),
        "interval": pa.array([(1, 2, 3)] * 4, pa.month_day_nano_interval()),
        "list view": pa.array([[1], None, [], [2]], pa.list_view(pa.int8())),
    }
    texts = TEXTS if kind == "dropped" else [TEXTS[0], "", C, "x"]
    kept = [0, 2, 3] if kind == "dropped" else [0, 1, 2, 3]
    for name, column in columns.items():
        frame = pa.table({"text": texts, name: column}).replace_schema_metadata({"origin": "here"})
        clean = dedup.rewrite(frame, dedup.scan(frame))
        assert clean.schema.equals(frame.schema, check_metadata=True)
        assert clean[name].to_pylist() == [column.to_pylist()[row] for row in kept]


def test_columns_of_views_are_rewritten() -> None:
    """They have no take."""
    frame = pa.table(
        {"text": pa.array(TEXTS, pa.string_view()), "b": pa.array([b"1", b"2", b"3", b"4"], pa.binary_view())}
    )
    clean = dedup.rewrite(frame, dedup.scan(frame))
    assert clean.to_pylist() == [{"text": text, "b": b} for text, b in zip(CLEAN, [b"1", b"3", b"4"], strict=True)]
