"""Formats, compressions, encodings, line ends: clean, then restore, gives the input back."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import random
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from test_articles import pack, unpack, write

import dedup
from dedup import runs
from dedup.articles import Aside, Corpus, Ids, read_articles, restore_file, rewrite_file
from dedup.errors import BadInput, BadRun, BadSettings
from dedup.report import summary, timings, write_json

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:  # an extra: all other formats are read without it
    pa = pq = None
needs_pyarrow = pytest.mark.skipif(pa is None, reason="pyarrow is not installed")

A = "市水务局昨日通报，城西水厂的扩建工程已经全部完工，日供水能力提高到十五万立方米，可以满足未来十年的需要。"
B = "新建的输水管线长二十一公里，从石门水库直达城区，途中经过三个乡镇，沿线的村庄也将陆续接入这一管网系统。"
C = "水厂负责人表示，净化工艺增加了活性炭过滤和紫外线消毒两道工序，出厂水的浊度比国家标准的要求还要低一半。"
TRADITIONAL = str.maketrans("务报扩经县", "務報擴經縣")
COMPRESSIONS = ["", "gz", "zst", "bz2", "xz"]
ENCODINGS = ["utf-8", "gb18030", "big5", "utf-16", "utf-16-be", "utf-32", "shift_jis", "iso2022_jp"]
LINE_ENDS = ["\n", "\r\n", "\r"]


def spoken_in(encoding: str) -> tuple[str, str, str]:
    """Three passages of characters that the encoding has; Latin ones where it lacks these."""
    try:
        "".join((A, B, C)).encode(encoding)
    except UnicodeEncodeError:
        return (
            "漢字 kanji: the harbour council opened the long bridge before winter, and traders along the river cheered",
            "漢字 kanji: engineers had measured stone after stone for many patient years while rain fell on the street",
            "漢字 kanji: every quiet boat was counted twice by the new master of the harbour on the day of the opening",
        )
    return A, B, C


def run(folder: Path, out: Path, **options: Any) -> Corpus:
    """`dedup clean`, in this process."""
    corpus = read_articles(folder, **options)
    report = dedup.scan(corpus)
    with runs.stage(out) as stage:
        (stage / "findings.jsonl").write_bytes(b"".join(map(runs.finding_line, report.findings)))
        families = b"".join(orjson.dumps(family.to_dict()) + b"\n" for family in report.families)
        (stage / "families.jsonl").write_bytes(families)
        runs.write_clean(corpus, stage / "findings.jsonl", stage)
        runs.write_rejected(stage, corpus.rejected)
        reading = {"text_field": corpus.reading.text_field, "id_field": corpus.reading.id_field}
        reading.update(on_error=corpus.reading.on_error, rejected_files=corpus.rejected_files())
        write_json(stage / "summary.json", summary(report, corpus.inputs(), corpus.warnings, reading))
        write_json(stage / "timings.json", timings({}, corpus.paths(), (), 1))
    return corpus


def stored(path: Path) -> dict[str, bytes]:
    """Every file of a folder, unpacked."""
    names = {".gz": "gz", ".zst": "zst", ".bz2": "bz2", ".xz": "xz"}
    return {
        file.relative_to(path).as_posix(): unpack(file.read_bytes(), names.get(file.suffix, ""))
        for file in path.rglob("*")
        if file.is_file()
    }


def csv_of(rows: list[list[str]], delimiter: str, end: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerows(rows)
    return out.getvalue()


def records_of(encoding: str, end: str) -> list[list[str]]:
    """Rows of id, text and note: the second repeats the first, the third repeats a passage of it."""
    a, b, c = spoken_in(encoding)
    return [
        ["x1", f"{a}{end}{b}", 'one, "two"'],
        ["x2", f"{a}{end}{b}", ""],
        ["x3", f'say "so"{end}{a}{end}{c}', "a\ttab"],
        ["x4", "", f"two{end}lines"],
    ]


@pytest.mark.parametrize("end", LINE_ENDS, ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("form", ["txt", "jsonl", "csv", "tsv"])
def test_clean_then_restore_gives_the_input_back(
    tmp_path: Path, form: str, compression: str, encoding: str, end: str
) -> None:
    """Byte for byte; what is cut is gone from clean/, and that is in the encoding and compression of the input."""
    suffix = f".{compression}" if compression else ""
    rows = records_of(encoding, end)
    a = spoken_in(encoding)[0]
    if form == "txt":
        contents = {f"{row[0]}.txt{suffix}": row[1] for row in rows}
    elif form == "jsonl":
        lines = [json.dumps(dict(zip("id text note".split(), row, strict=True)), ensure_ascii=False) for row in rows]
        contents = {f"n.jsonl{suffix}": ("\r\n" if end == "\r\n" else "\n").join(lines)}
    else:
        header = ["id", "text", "note"]
        contents = {f"n.{form}{suffix}": csv_of([header, *rows], "," if form == "csv" else "\t", end)}
    for name, text in contents.items():
        write(tmp_path / "in" / name, pack(text.encode(encoding), compression))
    corpus = run(tmp_path / "in", tmp_path / "out", encoding=encoding)
    assert {article.id.removesuffix(f".txt{suffix}"): article.text for article in corpus} == {
        row[0]: row[1] for row in rows
    }
    clean = stored(tmp_path / "out" / "clean")
    assert sum(text.decode(encoding).count(a) for text in clean.values()) == 1
    runs.restore_run(tmp_path / "out", tmp_path / "back")
    assert stored(tmp_path / "back") == stored(tmp_path / "in")
    runs.apply_run(tmp_path / "out", tmp_path / "again")
    assert stored(tmp_path / "again" / "clean") == clean


@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_clean_csv_is_read_alike_by_another_reader(tmp_path: Path, form: str) -> None:
    """Python's own reader sees the same columns, and all fields but the text as they were."""
    delimiter = "," if form == "csv" else "\t"
    rows = [["id", "text", "note"], *records_of("utf-8", "\r\n")]
    write(tmp_path / "in" / f"n.{form}", csv_of(rows, delimiter, "\r\n"))
    run(tmp_path / "in", tmp_path / "out")
    text = (tmp_path / "out" / "clean" / f"n.{form}").read_bytes().decode()
    read = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    assert read == [rows[0], rows[1], ["x3", f'say "so"\r\n{C}', "a\ttab"], rows[4]]
    dropped = (tmp_path / "out" / "dropped" / f"n.{form}").read_bytes().decode()
    assert list(csv.reader(io.StringIO(dropped, newline=""), delimiter=delimiter)) == [rows[0], rows[2]]


FIELD = st.text(st.sampled_from('a中",\t\r\n \ufeff\u2028;'), max_size=6)


@settings(max_examples=200)
@given(
    rows=st.lists(st.tuples(FIELD, FIELD, FIELD), min_size=1, max_size=6),
    form=st.sampled_from(["csv", "tsv"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    end=st.sampled_from(LINE_ENDS),
    last=st.booleans(),
    encoding=st.sampled_from(["utf-8", "gb18030", "utf-16-be", "iso2022_jp_3"]),
    drop=st.integers(0, 63),
)
def test_csv_is_read_and_restored_as_another_reader_reads_it(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    form: str,
    quoting: Any,
    end: str,
    last: bool,
    encoding: str,
    drop: int,
) -> None:
    """Whatever is cut or dropped: our texts are those of Python's reader, and all fields come back."""
    folder = tmp_path_factory.mktemp("csv")
    if encoding == "iso2022_jp_3":
        rows = [tuple(field.replace("\ufeff", "").replace("\u2028", "") for field in row) for row in rows]
    if quoting == csv.QUOTE_MINIMAL:
        end = "\r\n"  # else Python before 3.13 does not quote the other line ends
    out = io.StringIO(newline="")
    delimiter = "," if form == "csv" else "\t"
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerows([["a", "text", "c"], *rows])
    raw = out.getvalue() if last else out.getvalue().removesuffix(end)
    path = write(folder / f"n.{form}", raw.encode(encoding))

    def read(raw: bytes) -> list[list[str]]:
        return list(csv.reader(io.StringIO(raw.decode(encoding), newline=""), delimiter=delimiter))

    corpus = read_articles(path, encoding=encoding)
    assert (
        [article.text for article in corpus]
        == [row[1] for row in rows]
        == [row[1] for row in read(path.read_bytes())[1:]]
    )
    (file,) = corpus.files
    originals: dict[str, str] = {}

    def judge(id: str, text: str) -> str | None:
        originals[id] = text
        return None if drop >> len(originals) % 6 & 1 else text[::2]

    done = rewrite_file(file, judge, folder / "c", folder / "d", ids=Ids(), reading=corpus.reading)
    assert read((folder / "c").read_bytes()) == [
        ["a", "text", "c"],
        *([row[0], row[1][::2], row[2]] for number, row in enumerate(rows, 2) if number not in done.lines),
    ]
    clean = replace(file, path=folder / "c")
    aside = Aside(folder / "d" if done.lines else None, done.lines)
    restore_file(clean, aside, lambda id, text: originals[id], folder / "r", ids=Ids(), reading=corpus.reading)
    assert read((folder / "r").read_bytes()) == read(path.read_bytes())


@settings(max_examples=200)
@given(
    parts=st.lists(st.sampled_from([*"xyz", '"q\r\n"', "bad,"]), min_size=1, max_size=12),
    ends=st.lists(st.sampled_from(["\n", "\r", "\r\n", "\n\n", "\r\n\n", "\r\r"]), min_size=13, max_size=13),
    encoding=st.sampled_from(["utf-8", "utf-16-le"]),
)
def test_csv_of_mixed_line_ends_comes_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], ends: list[str], encoding: str
) -> None:
    """Whatever rows go: a lone LF that a row between it and a CR kept apart does not melt into a CRLF."""
    folder = tmp_path_factory.mktemp("csv")
    raw = "text" + ends[-1] + "".join(part + end for part, end in zip(parts, ends, strict=False))
    path = write(folder / "in" / "n.csv", raw.encode(encoding))
    corpus = read_articles(path, encoding=encoding, on_error="skip")
    try:
        originals = [(article.id, article.text) for article in corpus]
    except BadInput:
        return  # every row is rejected
    report = dedup.scan([])
    with runs.stage(folder / "out") as stage:
        findings = [
            dedup.Finding(id, 0, len(text), "duplicate", "article", "exact", 1.0, None, None, True, text)
            for id, text in originals
            if text == "x"
        ]
        (stage / "findings.jsonl").write_bytes(b"".join(map(runs.finding_line, findings)))
        runs.write_clean(corpus, stage / "findings.jsonl", stage)
        reading = {"text_field": "text", "id_field": None, "on_error": "skip"}
        write_json(stage / "summary.json", summary(report, corpus.inputs(), (), reading))
    runs.restore_run(folder / "out", folder / "back")
    assert (folder / "back" / "n.csv").read_bytes() == path.read_bytes()
    if len(findings) < len(originals):
        left = read_articles(folder / "out" / "clean" / "n.csv", encoding=encoding)
        assert [article.text for article in left] == [text for _, text in originals if text != "x"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_rows_of_csv_do_not_depend_on_the_chunks(size: int) -> None:
    """CRLF, doubled quotes and quoted line ends may fall on any border."""
    from dedup.articles.delimited import rows

    raw = b'a,"b""\r\n,c"\r\n\r\nx"y,z\r"",\n"last\nfield'
    expected = [b'a,"b""\r\n,c"\r\n', b"\r\n", b'x"y,z\r', b'"",\n', b'"last\nfield']
    assert list(rows((raw[at : at + size] for at in range(0, len(raw), size)), b",", 1000)) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize("name", ["a.txt", "n.jsonl", "n.csv"])
def test_byte_order_marks_survive(tmp_path: Path, encoding: str, name: str) -> None:
    """And are neither part of a text nor of the name of a column."""
    texts = {"a.txt": f"{A}\n{A}\n{B}", "n.jsonl": json.dumps({"text": f"{A}\n{A}\n{B}"}, ensure_ascii=False)}
    text = texts.get(name, csv_of([["text"], [f"{A}\n{A}\n{B}"]], ",", "\n"))
    write(tmp_path / "in" / name, ("\ufeff" + text).encode(encoding))
    (article,) = run(tmp_path / "in", tmp_path / "out", encoding=encoding)
    assert article.text == f"{A}\n{A}\n{B}"
    clean = (tmp_path / "out" / "clean" / name).read_bytes().decode(encoding)
    assert clean.startswith("\ufeff")
    assert (clean.count("\ufeff"), clean.count(A)) == (1, 1)
    runs.restore_run(tmp_path / "out", tmp_path / "back")
    assert stored(tmp_path / "back") == stored(tmp_path / "in")


# --------------------------------------------------------------------------------------------------------- Parquet


def table(rows: int = 4) -> Any:
    """Columns of many types, nulls and metadata; rows 1, 2 and 3 as in `records_of`."""
    records = (records_of("utf-8", "\n") * rows)[:rows]
    fields = [
        pa.field("id", pa.int32(), metadata={b"unit": b"row"}),
        pa.field("text", pa.large_string()),
        pa.field("nested", pa.list_(pa.struct([("a", pa.int8()), ("b", pa.list_(pa.string()))]))),
        pa.field("map", pa.map_(pa.string(), pa.float32())),
        pa.field("price", pa.decimal128(9, 2)),
        pa.field("when", pa.timestamp("us", tz="Asia/Shanghai")),
        pa.field("kind", pa.dictionary(pa.int32(), pa.string())),
        pa.field("raw", pa.binary(), nullable=True),
    ]
    nested = [[{"a": 1, "b": ["x", None]}], None, [], [{"a": None, "b": None}]]
    columns = [
        pa.array(range(rows), fields[0].type),
        pa.array([record[1] for record in records], fields[1].type),
        pa.array([nested[row % 4] for row in range(rows)], fields[2].type),
        pa.array([[("k", row / 3)] if row % 3 else None for row in range(rows)], fields[3].type),
        pa.array(list(range(rows)), pa.int64()).cast(pa.decimal128(21, 2)).cast(fields[4].type),
        pa.array([row * 10**12 for row in range(rows)], fields[5].type),
        pa.array(["ab"[row % 2] for row in range(rows)]).dictionary_encode(),
        pa.array([b"\xff\x00" if row % 2 else None for row in range(rows)], fields[7].type),
    ]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata={b"origin": b"here"}))


@needs_pyarrow
@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("codec", ["snappy", "zstd", "none"])
def test_parquet_keeps_schema_row_groups_and_all_columns(tmp_path: Path, compression: str, codec: str) -> None:
    """Clean: the same types, metadata, codec and fields, fewer rows; restored: equal in all of them."""
    pq.write_table(table(), tmp_path / "n.parquet", row_group_size=3, compression=codec)
    original = pq.read_table(tmp_path / "n.parquet")
    name = f"n.parquet{'.' + compression if compression else ''}"
    write(tmp_path / "in" / name, pack((tmp_path / "n.parquet").read_bytes(), compression))
    run(tmp_path / "in", tmp_path / "out")
    clean = pq.ParquetFile(pa.BufferReader(stored(tmp_path / "out" / "clean")[name]))
    expected = original.take([0, 2, 3]).set_column(
        1, original.schema.field(1), pa.array([f"{A}\n{B}", f'say "so"\n{C}', ""], pa.large_string())
    )
    assert clean.read().equals(expected, check_metadata=True)
    assert [clean.metadata.row_group(group).num_rows for group in range(2)] == [2, 1]
    assert clean.metadata.row_group(0).column(1).compression == codec.upper().replace("NONE", "UNCOMPRESSED")
    runs.restore_run(tmp_path / "out", tmp_path / "back")
    back = pq.ParquetFile(pa.BufferReader(stored(tmp_path / "back")[name]))
    assert back.read().equals(original, check_metadata=True)
    assert [back.metadata.row_group(group).num_rows for group in range(2)] == [3, 1]


@needs_pyarrow
@pytest.mark.parametrize("kind", ["string", "large_string", "string_view", "dictionary"])
def test_the_text_column_keeps_its_type(tmp_path: Path, kind: str) -> None:
    """Whatever strings it is made of."""
    kind = pa.dictionary(pa.int8(), pa.string()) if kind == "dictionary" else getattr(pa, kind)()
    texts = pa.array([f"{A}\n{B}", f"{C}\n{A}"], pa.string()).cast(kind)
    original = pa.table({"body": texts})
    (tmp_path / "in").mkdir()
    pq.write_table(original, tmp_path / "in" / "n.parquet")
    original = pq.read_table(tmp_path / "in" / "n.parquet")
    run(tmp_path / "in", tmp_path / "out", text_field="body")
    clean = pq.read_table(tmp_path / "out" / "clean" / "n.parquet")
    assert clean.schema.equals(original.schema, check_metadata=True)
    assert clean["body"].to_pylist() == [f"{A}\n{B}", f"{C}\n"]
    runs.restore_run(tmp_path / "out", tmp_path / "back")
    assert pq.read_table(tmp_path / "back" / "n.parquet").equals(original)


@needs_pyarrow
def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, no ImportError."""
    (tmp_path / "in").mkdir()
    pq.write_table(table(), tmp_path / "in" / "n.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(BadInput, match=r"n\.parquet: .* pip install 'dedup-articles\[parquet\]'"):
        list(read_articles(tmp_path / "in"))


@needs_pyarrow
def test_parquet_is_read_a_batch_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows there are, no more than a part of them is turned into Python values at once."""
    from dedup.articles import parquet, rows

    sizes = []
    real = parquet.texts
    monkeypatch.setattr(parquet, "_BATCH", 10)
    monkeypatch.setattr(rows, "PART", 1)
    monkeypatch.setattr(parquet, "texts", lambda batch, field: sizes.append(len(batch)) or real(batch, field))
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"text": [str(row) for row in range(105)]}), tmp_path / "in" / "n.parquet")
    corpus = read_articles(tmp_path / "in")
    articles = iter(corpus)
    next(articles)
    assert sizes == [10]
    assert [int(article.text) for article in articles] == list(range(1, 105))
    assert sizes == [10] * 10 + [5]


@needs_pyarrow
@pytest.mark.parametrize(
    ("columns", "words"),
    [({"body": ["a"]}, 'column "text" is missing, found the columns "body"'), ({"text": [1]}, "type int64")],
)
def test_parquet_must_have_a_column_of_strings(tmp_path: Path, columns: dict[str, Any], words: str) -> None:
    """Else the error says what there is."""
    pq.write_table(pa.table(columns), tmp_path / "n.parquet")
    with pytest.raises(BadInput, match=words):
        list(read_articles(tmp_path / "n.parquet"))


def odd_columns(rows: int) -> dict[str, Any]:
    """Columns of types that are easily lost, or that pyarrow cannot read or write everywhere."""
    codes = pa.array(["abcdef"[row * 7 % 6] for row in range(2 * rows)]).dictionary_encode()
    return {
        "list of codes": pa.ListArray.from_arrays(pa.array(range(0, 2 * rows + 1, 2)), codes),
        "struct of codes": pa.StructArray.from_arrays([codes[:rows]], ["code"]),
        "map to codes": pa.MapArray.from_arrays(pa.array(range(rows + 1)), pa.array(["x"] * rows), codes[:rows]),
        "codes": codes[:rows],
        "null": pa.nulls(rows),
        "fixed": pa.array([[row, None] if row % 3 else None for row in range(rows)], pa.list_(pa.int16(), 2)),
        "big": pa.array(range(rows), pa.int64()).cast(pa.decimal256(40, 2)),
        "uuid": pa.array([row.to_bytes(16, "big") for row in range(rows)], pa.uuid()),
        "half": pa.array([row / 2 for row in range(rows)], pa.float16()),
        "lasts": pa.array([row * 1000 for row in range(rows)], pa.duration("ns")),
        "nanoseconds": pa.array([row * 1000 for row in range(rows)], pa.timestamp("ns")),
        "zone": pa.array([row * 1000 for row in range(rows)], pa.timestamp("ns", tz="Asia/Shanghai")),
        "views": pa.array([b"\xff", None] * (rows // 2), pa.binary_view()),
        "twice": pa.array(range(rows), pa.uint32()),
    }


def groups_of(path: Path) -> list[Any]:
    """Its row groups; pyarrow cannot read several of them at once where a dictionary lies inside a list."""
    parquet = pq.ParquetFile(path)
    return [parquet.read_row_group(group) for group in range(parquet.num_row_groups)]


def values_of(path: Path) -> list[list[Any]]:
    """The values of each column."""
    groups = groups_of(path)
    return [
        [value for group in groups for value in group.column(column).to_pylist()]
        for column in range(groups[0].num_columns)
    ]


@needs_pyarrow
@pytest.mark.parametrize("held", [1 << 26, 1], ids=["in memory", "in a file"])
@pytest.mark.parametrize(
    "how", [{}, {"version": "1.0"}, {"use_deprecated_int96_timestamps": True}], ids=["new", "old", "int96"]
)
def test_no_column_of_parquet_is_lost_or_changed(
    tmp_path: Path, how: dict[str, Any], held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its type, its name twice, its row group empty: stored as it was, and all rows come back."""
    from dedup.articles import parquet

    monkeypatch.setattr(parquet, "_HELD", held)
    monkeypatch.setattr(parquet, "_BATCH", 7)
    columns = odd_columns(30)
    if how.get("version") == "1.0":  # pyarrow itself cannot write them then; others do
        columns = {name: column for name, column in columns.items() if name not in ("nanoseconds", "zone")}
    texts = [f"{row % 20}号水厂。{A}\n{row}{B}" for row in range(30)]
    original = pa.Table.from_arrays(
        [pa.array(texts), *columns.values(), pa.nulls(30)],
        schema=pa.schema(
            [
                pa.field("text", pa.string(), nullable=False),
                *(pa.field(name, column.type, metadata={b"why": b"so"}) for name, column in columns.items()),
                pa.field("twice", pa.null()),
            ]
        ),
    )
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "n.parquet"
    with pq.ParquetWriter(path, original.schema, **how) as writer:
        for first, last in ((0, 16), (16, 16), (16, 30)):
            writer.write_table(original.slice(first, last - first))
    corpus = run(tmp_path / "in", tmp_path / "out")
    clean = groups_of(tmp_path / "out" / "clean" / "n.parquet")
    cut = {int(place) for place in json.loads((tmp_path / "out" / "places.jsonl").read_bytes())["lines"]}
    assert cut
    for column, values in enumerate(values_of(path)):
        kept = [value for number, value in enumerate(values, 1) if number not in cut]
        if column:
            assert values_of(tmp_path / "out" / "clean" / "n.parquet")[column] == kept
    assert len(list(corpus)) == 30
    runs.restore_run(tmp_path / "out", tmp_path / "back")
    before, after = pq.ParquetFile(path), pq.ParquetFile(tmp_path / "back" / "n.parquet")
    assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
    assert after.schema.equals(before.schema)  # the types as they are stored
    assert all(group.schema.equals(before.schema_arrow, check_metadata=True) for group in clean)
    assert [group.num_rows for group in groups_of(tmp_path / "back" / "n.parquet")] == [16, 0, 14]
    assert values_of(tmp_path / "back" / "n.parquet") == values_of(path)


@needs_pyarrow
def test_nanoseconds_in_a_file_that_says_it_is_old_are_kept(tmp_path: Path) -> None:
    """As Spark (INT96) and Polars write them: the number in the file says nothing about its types."""
    original = pa.table({"text": [A, A, B], "when": pa.array([1, 1001, None], pa.timestamp("ns"))})
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "n.parquet"
    pq.write_table(original, path, version="1.0", use_deprecated_int96_timestamps=True)
    assert pq.read_metadata(path).format_version == "1.0"
    run(tmp_path / "in", tmp_path / "out")
    assert pq.read_table(tmp_path / "out" / "clean" / "n.parquet").equals(original.take([0, 2]))
    runs.restore_run(tmp_path / "out", tmp_path / "back")
    assert pq.read_table(tmp_path / "back" / "n.parquet").equals(original)
    assert pq.ParquetFile(tmp_path / "back" / "n.parquet").schema.column(1).physical_type == "INT96"


@needs_pyarrow
@pytest.mark.parametrize("nested", [False, True])
def test_times_that_would_wrap_are_an_error(tmp_path: Path, nested: bool) -> None:
    """The year 1 in INT96, as Spark writes it, would come back as 1754."""
    kind = pa.list_(pa.timestamp("us")) if nested else pa.timestamp("us")
    for year_one, right in ((-62_135_596_800_000_000, False), (-5_000_000_000_000_000, True)):
        values = [[year_one], None] if nested else [year_one, None]
        columns = {"text": [A, B], "when": pa.array(values, kind)}
        pq.write_table(pa.table(columns), tmp_path / "n.parquet", use_deprecated_int96_timestamps=True)
        if right:
            assert len(list(read_articles(tmp_path / "n.parquet"))) == 2
        else:
            assert 'column "when" holds a time before 1677' in fault(tmp_path / "n.parquet")


@needs_pyarrow
def test_times_that_python_has_no_type_for_are_strings_in_jsonl(tmp_path: Path) -> None:
    """Nanoseconds, also nested, and years beyond 9999, whether pandas is installed or not."""
    from dedup.articles import write_jsonl

    columns = {
        "text": [A],
        "ns": pa.array([1001], pa.timestamp("ns")),
        "zone": pa.array([[1001]], pa.list_(pa.timestamp("ns", "Asia/Shanghai"))),
        "far": pa.array([10**7], pa.date32()),
        "near": pa.array([10**15], pa.timestamp("us")),
    }
    pq.write_table(pa.table(columns), tmp_path / "n.parquet")
    corpus = read_articles(tmp_path / "n.parquet")
    (article,) = corpus
    told = {
        "ns": "1970-01-01 00:00:00.000001001",
        "zone": ["1970-01-01 08:00:00.000001001+0800"],
        "far": "29349-01-26",
        "near": "2001-09-09T01:46:40",
    }
    assert {**article.fields, "near": article.fields["near"].isoformat()} == told
    out = io.BytesIO()
    write_jsonl(corpus.files[0], corpus.reading, out)
    assert json.loads(out.getvalue()) == {"text": A, **told}


@needs_pyarrow
def test_parquet_is_rewritten_a_batch_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Arrow has allocated while one row group is rewritten and restored does not grow with it."""
    from dedup.articles import parquet

    monkeypatch.setattr(parquet, "_HELD", 1 << 16)
    monkeypatch.setattr(parquet, "_BUFFER", 1 << 14)
    monkeypatch.setattr(parquet, "_BATCH", 100)
    rng = random.Random(1)
    most = []
    for rows in (2000, 20000):
        folder = tmp_path / str(rows)
        folder.mkdir()
        texts = ["".join(rng.choices("的一是在不了有和人这中大为上个国", k=200)) for _ in range(rows)]
        pq.write_table(pa.table({"text": texts}), folder / "n.parquet", row_group_size=rows, use_dictionary=False)
        corpus = read_articles(folder / "n.parquet")
        assert sum(1 for _ in corpus) == rows
        held = []

        def judge(id: str, text: str, held: list[int] = held) -> str | None:
            held.append(pa.total_allocated_bytes())
            return None if len(held) % 50 == 0 else text[:-1]

        (file,) = corpus.files
        done = rewrite_file(file, judge, folder / "c", folder / "d", ids=Ids(), reading=corpus.reading)
        clean = replace(file, path=folder / "c")
        aside = Aside(folder / "d", done.lines, row_groups=done.row_groups)
        last = iter([text[-1] for number, text in enumerate(texts, 1) if number not in set(done.lines)])

        def original(id: str, text: str, held: list[int] = held, last: Any = last) -> str:
            held.append(pa.total_allocated_bytes())
            return f"{text}{next(last)}"

        restore_file(clean, aside, original, folder / "r", ids=Ids(), reading=corpus.reading)
        assert pq.read_table(folder / "r")["text"].to_pylist() == texts
        assert pq.read_metadata(folder / "c").num_row_groups == pq.read_metadata(folder / "r").num_row_groups == 1
        most.append(max(held) - min(held))
    assert most[1] < 1.5 * most[0] + (1 << 20)
    assert most[1] < 20000 * 600 / 4  # a quarter of the texts


@pytest.mark.parametrize("form", ["jsonl", "csv"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le"])
def test_rows_are_read_a_chunk_at_a_time(
    tmp_path: Path, form: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After half of the articles no more than half of the file, two chunks and a part, has been read."""
    from dedup.articles import packing, rows

    chunk = 1 << 12
    monkeypatch.setattr(packing, "_PLAIN_CHUNK", chunk)
    monkeypatch.setattr(rows, "PART", chunk)
    texts = [f"{row}{A}" for row in range(1000)]
    if form == "csv":
        content = csv_of([["text"], *([text] for text in texts)], ",", "\n")
    else:
        content = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    path = write(tmp_path / f"n.{form}", content.encode(encoding))
    read: list[int] = []
    for number, article in enumerate(read_articles(path, encoding=encoding).iterate(read.append)):
        assert article.text == texts[number]
        assert sum(read) <= path.stat().st_size * (number + 1) / 1000 + 3 * chunk
    assert sum(read) == path.stat().st_size


# ------------------------------------------------------------------------------------------------------- encodings


def fault(path: Path, **options: Any) -> str:
    with pytest.raises(BadInput) as caught:
        list(read_articles(path, **options))
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("name", "raw", "encoding", "words"),
    [
        ("a.txt", b"ab\xff\xff", "gb18030", ["GB18030", "0xff at byte 2", "--encoding"]),
        ("a.txt", b"ab\xa2\xcc", "big5", ["BIG5", "byte 2", "would not come back the same", "--encoding"]),
        ("n.jsonl", b'{"text": "\xff\xff"}', "gb18030", ["n.jsonl:1: ", "GB18030", "0xff at byte 10", "--encoding"]),
        ("n.csv", b"text\nx\n\xa2\xcc\n", "big5", ["n.csv:3: ", "would not come back the same"]),
        ("n.csv", b"text\n\xff\n", "utf-8", ["n.csv:2: ", "UTF-8", "0xff at byte 0"]),
        ("a.txt", b"a\0b\0\0\xd8c\0", "utf-16-le", ["UTF-16-LE", "byte 4"]),
        ("n.jsonl", "{}\n".encode("utf-16-le") + b"\0\xd8a\0", "utf-16-le", ["UTF-16-LE", "byte 6"]),
        ("n.csv", "text\nab\n".encode("utf-16-le") + b"\0", "utf-16-le", ["UTF-16-LE", "byte 16"]),
        ("a.txt", b"a\0b\0", "utf-16", ["byte-order mark", "utf-16-le or utf-16-be"]),
    ],
)
def test_bytes_that_would_not_come_back_are_an_error(
    tmp_path: Path, name: str, raw: bytes, encoding: str, words: list[str]
) -> None:
    """With file, offset and a suggestion."""
    message = fault(write(tmp_path / name, raw), encoding=encoding)
    for word in words:
        assert word in message


def test_an_unknown_encoding_is_a_bad_setting() -> None:
    """Before anything is read."""
    for name in ("klingon", "hex", "rot13", "utf-7"):
        with pytest.raises(BadSettings, match=name):
            read_articles("nowhere", encoding=name)


def test_auto_asks_and_tells(tmp_path: Path) -> None:
    """UTF-8 where it fits, by its mark where there is one, else charset-normalizer's word; the summary names it."""
    pytest.importorskip("charset_normalizer")
    chinese = "\n".join([A, B, C] * 4)
    write(tmp_path / "in" / "a.txt", chinese.encode())
    write(tmp_path / "in" / "b.txt", chinese.encode("gb18030"))
    write(tmp_path / "in" / "c.txt", ("\ufeff" + chinese).encode("utf-16-le"))
    write(tmp_path / "in" / "d.jsonl", json.dumps({"text": chinese}, ensure_ascii=False).encode("gb18030"))
    write(tmp_path / "in" / "e.bin", b"\x00\x01")
    corpus = run(tmp_path / "in", tmp_path / "out", encoding="auto")
    assert [article.text for article in corpus] == [chinese] * 4
    assert [(item["name"], item["encoding"]) for item in corpus.inputs()] == [
        ("a.txt", "utf-8"),
        ("b.txt", "gb18030"),
        ("c.txt", "utf-16-le"),
        ("d.jsonl", "gb18030"),
    ]
    assert "took 2 files for GB18030: b.txt, d.jsonl" in corpus.warnings
    runs.restore_run(tmp_path / "out", tmp_path / "back")
    assert stored(tmp_path / "back") == {name: raw for name, raw in stored(tmp_path / "in").items() if name != "e.bin"}


# ------------------------------------------------------------------------------------------------ rejected records


BAD = {
    "n.jsonl": [b'{"text": 1}\r\n', b"{\n", b'{"text": "\xff"}\n', b"[]\n"],
    "n.csv": [b'a,"b\n"x,c\n', b"only one\n", b"\xff,x,y\n", b'"never closed\n1,2,3\n'],
}
GOOD = {
    "n.jsonl": [json.dumps({"id": id, "text": text}).encode() + b"\n" for id, text, _ in records_of("utf-8", "\n")],
    "n.csv": [csv_of([row], ",", "\n").encode() for row in records_of("utf-8", "\n")],
}


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("name", ["n.jsonl", "n.csv"])
def test_skipped_records_are_told_and_come_back(tmp_path: Path, name: str, compression: str) -> None:
    """Where they stood, as they were; apply takes them along."""
    mixed = [line for pair in zip(GOOD[name], BAD[name], strict=True) for line in pair]
    raw = (b"id,text,note\n" if name == "n.csv" else b"") + b"".join(mixed)
    packed = f"{name}{'.' + compression if compression else ''}"
    write(tmp_path / "in" / packed, pack(raw, compression))
    with pytest.raises(BadInput, match="--on-error skip"):
        list(read_articles(tmp_path / "in"))
    corpus = run(tmp_path / "in", tmp_path / "out", on_error="skip")
    assert [article.id for article in corpus] == ["x1", "x2", "x3", "x4"]
    first = 3 if name == "n.csv" else 2
    rejected = [json.loads(line) for line in (tmp_path / "out" / "rejected.jsonl").read_bytes().splitlines()]
    assert [(line["file"], line["line"]) for line in rejected] == [(packed, first + 2 * i) for i in range(4)]
    assert all(line["reason"] and str(tmp_path) not in line["reason"] for line in rejected)
    assert stored(tmp_path / "out" / "rejected") == {packed: b"".join(BAD[name])}
    clean = stored(tmp_path / "out" / "clean")
    assert not any(line in clean[packed] for line in BAD[name])
    runs.restore_run(tmp_path / "out", tmp_path / "back")
    back = stored(tmp_path / "back")[packed]
    if name == "n.csv":
        assert back == raw
    else:
        assert [line if line in BAD[name] else json.loads(line) for line in back.splitlines(keepends=True)] == [
            line if line in BAD[name] else json.loads(line) for line in mixed
        ]
    runs.apply_run(tmp_path / "out", tmp_path / "again")
    again = stored(tmp_path / "again")
    assert again["rejected.jsonl"] == (tmp_path / "out" / "rejected.jsonl").read_bytes()
    assert again[f"rejected/{packed}"] == b"".join(BAD[name])
    runs.restore_run(tmp_path / "again", tmp_path / "third")
    assert stored(tmp_path / "third") == stored(tmp_path / "back")


@needs_pyarrow
def test_rows_of_parquet_without_text_are_rejected_and_come_back(tmp_path: Path) -> None:
    """A null is no article."""
    original = pa.table({"text": [A, None, A, B, None], "n": [1, 2, 3, None, 5]})
    (tmp_path / "in").mkdir()
    pq.write_table(original, tmp_path / "in" / "n.parquet", row_group_size=2)
    with pytest.raises(BadInput, match=r"n\.parquet:2: .* found null"):
        list(read_articles(tmp_path / "in"))
    corpus = run(tmp_path / "in", tmp_path / "out", on_error="skip")
    assert [record.line for record in corpus.rejected] == [2, 5]
    assert pq.read_table(tmp_path / "out" / "clean" / "n.parquet")["n"].to_pylist() == [1, None]
    assert pq.read_table(tmp_path / "out" / "rejected" / "n.parquet")["n"].to_pylist() == [2, 5]
    runs.restore_run(tmp_path / "out", tmp_path / "back")
    assert pq.read_table(tmp_path / "back" / "n.parquet").equals(original)


@pytest.mark.parametrize("part", ["rejected/n.jsonl", "rejected", "extra"])
def test_a_run_whose_rejected_records_are_gone_is_not_restored(tmp_path: Path, part: str) -> None:
    """They would be lost in silence."""
    write(tmp_path / "in" / "n.jsonl", b"".join(GOOD["n.jsonl"] + BAD["n.jsonl"]))
    run(tmp_path / "in", tmp_path / "out", on_error="skip")
    path = tmp_path / "out" / "rejected" / "n.jsonl"
    path.write_bytes(path.read_bytes() + b"more\n" if part == "extra" else b"{\n")
    if part == "rejected/n.jsonl":
        path.unlink()
    with pytest.raises(BadRun, match="rejected"):
        runs.restore_run(tmp_path / "out", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_where_every_record_is_rejected_there_is_no_article(tmp_path: Path) -> None:
    """A wrong --text-field does not pass for a clean corpus."""
    write(tmp_path / "n.jsonl", b"".join(BAD["n.jsonl"]))
    told = fault(tmp_path, on_error="skip")
    assert 'holds no article that can be read (4 records rejected; n.jsonl: field "text" must be a string' in told


def unreadable_files() -> dict[str, tuple[bytes, str]]:
    """Files of every kind of fault, with words of the reason; the first half of most is whole."""
    lines = b"".join(GOOD["n.jsonl"])
    noise = bytes(random.Random(1).randrange(256) for _ in range(30_000)).hex().encode()
    many = b'{"text": "%s"}\n' % noise
    files = {
        "short.jsonl.gz": (gzip.compress(many)[:-9], "its gz data is cut short or damaged"),
        "short.csv.zst": (zstandard.compress(b"text\n" + noise)[:-9], "its zst data is cut short or damaged"),
        "short.txt.xz": (lzma.compress(noise)[:-9], "its xz data is cut short or damaged"),
        "sub/no.jsonl.bz2": (b"no archive", "its bz2 data is cut short or damaged"),
        "columns.csv": (b"a,b\n1,2\n", 'column "text" is missing'),
        "twice.tsv": (b"text\ta\ta\n1\t2\t3\n", 'the column "a" must not repeat'),
        "long.jsonl": (lines + b'{"text": "' + b"x" * 70_000, "at most 64K bytes, found a longer one in line 5"),
        "long.txt": (b"x" * 70_000, "at most 64K bytes"),
        "bomb.csv.gz": (gzip.compress(b"text\n" + b"x\n" * 600_000), "at most 1M bytes of unpacked data"),
    }
    if pa is not None:
        whole = parquet_bytes()
        files["short.parquet"] = (whole[:-30], "its Parquet data is cut short or damaged")
        out = io.BytesIO()
        pq.write_table(pa.table({"body": ["x"]}), out)
        files["columns.parquet"] = (out.getvalue(), 'column "text" is missing')
    return files


def test_files_that_cannot_be_read_are_passed_over_whole_and_come_back(tmp_path: Path) -> None:
    """None of their articles is read, each has its reason, and restore and apply have them as they were."""
    bad = unreadable_files()
    write(tmp_path / "in" / "good.jsonl", b"".join(GOOD["n.jsonl"]))
    for name, (raw, _) in bad.items():
        write(tmp_path / "in" / name, raw)
    limits: dict[str, Any] = {"max_record": 1 << 16, "max_unpacked": 1 << 20}
    for name, (_, words) in bad.items():
        assert words in fault(tmp_path / "in" / name, **limits)
    corpus = run(tmp_path / "in", tmp_path / "out", on_error="skip", **limits)
    assert [article.id for article in corpus] == ["x1", "x2", "x3", "x4"]
    assert [file.name for file in corpus.files] == ["good.jsonl"]
    rejected = [json.loads(line) for line in (tmp_path / "out" / "rejected.jsonl").read_bytes().splitlines()]
    assert sorted(line["file"] for line in rejected) == sorted(bad)
    for line in rejected:
        assert line["line"] is None
        assert bad[line["file"]][1] in line["reason"]
        assert str(tmp_path) not in line["reason"]
    raw_of = {name: raw for name, (raw, _) in bad.items()}
    kept = tmp_path / "out" / "rejected"
    assert {path.relative_to(kept).as_posix(): path.read_bytes() for path in kept.rglob("*.*")} == raw_of
    runs.apply_run(tmp_path / "out", tmp_path / "again")
    for of in ("out", "again"):
        assert runs.restore_run(tmp_path / of, tmp_path / f"{of}-back") == []
        for path in (tmp_path / "in").rglob("*.*"):
            assert (tmp_path / f"{of}-back" / path.relative_to(tmp_path / "in")).read_bytes() == path.read_bytes()
    (kept / "columns.csv").write_bytes(b"other")
    with pytest.raises(BadRun, match=r"columns\.csv: was changed after the run"):
        runs.restore_run(tmp_path / "out", tmp_path / "third")
    assert not (tmp_path / "third").exists()


def test_files_passed_over_in_a_scan_are_kept_by_apply(tmp_path: Path) -> None:
    """From where they lay, if they are what they were."""
    write(tmp_path / "in" / "good.txt", A)
    bad = write(tmp_path / "in" / "bad.csv", b"a,b\n")
    run(tmp_path / "in", tmp_path / "out", on_error="skip")
    for part in ("clean", "rejected"):
        shutil.rmtree(tmp_path / "out" / part)
    runs.apply_run(tmp_path / "out", tmp_path / "applied")
    assert (tmp_path / "applied" / "rejected" / "bad.csv").read_bytes() == b"a,b\n"
    bad.write_bytes(b"text\n")
    with pytest.raises(BadRun, match=r"bad\.csv: has changed since it was scanned"):
        runs.apply_run(tmp_path / "out", tmp_path / "second")


def test_what_can_be_neither_read_nor_listed_is_named_by_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file without permission, one that vanished, a folder that cannot be listed; without skip each is an error."""
    for name in ("good.txt", "locked.txt", "gone.txt", "sub/a.txt", "deep/sub/b.txt"):
        write(tmp_path / "in" / name, f"{name} {A}")
    refused = {str(tmp_path / "in" / "locked.txt"), str(tmp_path / "in" / "sub"), str(tmp_path / "in" / "deep" / "sub")}
    really_open, really_scan = Path.open, os.scandir

    def refusing(function: Any) -> Any:
        def call(place: Any = ".", *words: Any, **options: Any) -> Any:
            if str(place) in refused:
                raise PermissionError(13, "Permission denied", str(place))
            return function(place, *words, **options)

        return call

    monkeypatch.setattr(Path, "open", refusing(really_open))
    with pytest.raises(BadInput, match=r"locked\.txt: cannot be read: Permission denied"):
        list(read_articles(tmp_path / "in"))
    monkeypatch.setattr(os, "scandir", refusing(really_scan))
    with pytest.raises(BadInput, match=r"sub: cannot be listed: Permission denied; .* --on-error skip"):
        read_articles(tmp_path / "in")
    corpus = read_articles(tmp_path / "in", on_error="skip")
    (tmp_path / "in" / "gone.txt").unlink()
    assert [article.id for article in corpus] == ["good.txt"]
    assert [(record.file, record.line, record.reason) for record in corpus.rejected] == [
        ("deep/sub/", None, "cannot be listed: Permission denied"),
        ("sub/", None, "cannot be listed: Permission denied"),
        ("gone.txt", None, "cannot be read: No such file or directory"),
        ("locked.txt", None, "cannot be read: Permission denied"),
    ]
    assert [article.id for article in corpus] == ["good.txt"]
    run(tmp_path / "in", tmp_path / "out", on_error="skip")
    assert runs.restore_run(tmp_path / "out", tmp_path / "back") == ["deep/sub/", "sub/", "locked.txt"]
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["good.txt"]
    with pytest.raises(BadInput, match="sub: cannot be listed"):
        read_articles(tmp_path / "in" / "sub", on_error="skip")


def test_a_folder_that_a_pattern_cannot_list_is_an_error_or_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's glob passes over it in silence."""
    for name in ("a/x.txt", "b/x.txt", "b/c/x.txt"):
        write(tmp_path / "in" / name, f"{name} {A}")
    really = os.access
    monkeypatch.setattr(os, "access", lambda place, how: not str(place).endswith("/b") and really(place, how))
    for pattern in (f"{tmp_path}/in/**/*.txt", f"{tmp_path}/in/*/x.txt"):
        with pytest.raises(BadInput, match="in/b: cannot be listed"):
            read_articles(pattern)
        corpus = read_articles(pattern, on_error="skip")
        assert "a/x.txt" in [article.id for article in corpus]
        assert [record.file for record in corpus.rejected] == ["b/"]


def test_a_file_that_breaks_after_it_was_read_is_an_error_all_the_same(tmp_path: Path) -> None:
    """Its articles are in the report already."""
    write(tmp_path / "in" / "good.txt", A)
    path = write(tmp_path / "in" / "n.jsonl.gz", gzip.compress(b"".join(GOOD["n.jsonl"])))
    corpus = read_articles(tmp_path / "in", on_error="skip")
    assert len(list(corpus)) == 5
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(BadInput, match=r"n\.jsonl\.gz: .* cut short"):
        list(corpus)


# -------------------------------------------------------------------------------------------------- damage, bounds


def parquet_bytes() -> bytes:
    out = io.BytesIO()
    pq.write_table(table(), out, row_group_size=2)
    return out.getvalue()


WHOLE: dict[str, Callable[[], bytes]] = {
    "n.jsonl": lambda: b"".join(GOOD["n.jsonl"])[:-1],
    "n.csv": lambda: b'id,text,note\nx,"' + A.encode() + b'","y"',
    "n.tsv": lambda: b'id\ttext\tnote\nx\t"' + A.encode() + b'"\t"y"',
    "n.parquet": parquet_bytes,
}


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("name", [*WHOLE, "a.txt"])
@pytest.mark.parametrize("damage", ["short", "half", "flipped"])
def test_damaged_files_are_one_clear_line_and_leave_nothing(
    tmp_path: Path, name: str, compression: str, damage: str
) -> None:
    """Cut short at the end or in the middle, or with bytes turned: named, and no half-written output."""
    if name == "n.parquet" and pa is None:
        pytest.skip("pyarrow is not installed")
    packed = f"{name}{'.' + compression if compression else ''}"
    raw = pack(WHOLE[name]() if name in WHOLE else A.encode() * 50, compression)
    if damage == "flipped":
        middle = len(raw) // 2
        raw = raw[: middle - 4] + bytes(byte ^ 0xFF for byte in raw[middle - 4 : middle + 4]) + raw[middle + 4 :]
    else:
        raw = raw[:-1] if damage == "short" else raw[: len(raw) // 2 + 1]
    if (name == "n.parquet" and not compression and damage == "flipped") or (name == "a.txt" and not compression):
        pytest.skip("no checksum tells")
    path = write(tmp_path / "in" / packed, raw)
    with pytest.raises(BadInput) as caught:
        run(path, tmp_path / "out")
    assert str(caught.value).startswith(f"{path}:")
    assert "\n" not in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("name", ["n.jsonl", "n.csv", "a.txt"])
def test_a_record_that_is_too_long_is_refused_before_it_is_read_whole(tmp_path: Path, name: str) -> None:
    """Also where others are passed over: where it ends is not known, so that the file goes with it."""
    head = {"n.jsonl": b'{"text": "', "n.csv": b'text\n"', "a.txt": b""}[name]
    path = write(tmp_path / f"{name}.gz", gzip.compress(head + b"a" * 50_000_000))
    for on_error in ("fail", "skip"):
        message = fault(path, max_record=1 << 20, on_error=on_error)
        assert "at most 1M bytes" in message
        assert ("--max-record" in message) == (on_error == "fail")


@pytest.mark.parametrize("compression", ["gz", "zst", "bz2", "xz"])
def test_a_bomb_is_refused_before_it_is_in_memory(tmp_path: Path, compression: str) -> None:
    """A few kilobytes that unpack to 200 MB: refused at 1 MB, with no more than 64 MB in memory at once."""
    import tracemalloc

    packers: dict[str, Any] = {"gz": gzip.compress, "zst": zstandard.compress, "bz2": bz2.compress, "xz": lzma.compress}
    path = write(tmp_path / f"n.jsonl.{compression}", packers[compression](b"\n" * 200_000_000))
    tracemalloc.start()
    try:
        message = fault(path, max_unpacked=1 << 20)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()
    assert "at most 1M bytes of unpacked data" in message
    assert "--max-unpacked" in message


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_a_zstd_file_whose_first_piece_unpacks_to_nothing_is_read_whole(tmp_path, encoding):
    """Its first block packs to more than one piece; what is not unpacked yet is not the end."""
    rng = random.Random(1)
    common = (
        "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后"
    )
    text = "".join("".join(rng.choices(common, k=60)) + "。\n" for _ in range(4000))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt.zst").write_bytes(zstandard.ZstdCompressor().compress(text.encode(encoding)))
    corpus = dedup.read_articles(tmp_path / "in", encoding="auto" if encoding == "gb18030" else encoding)
    assert [article.text for article in corpus] == [text]
