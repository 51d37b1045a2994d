"""Files are read in parts, which any process may parse: nobody sees where the parts begin."""

import csv
import errno
import hashlib
import io
import json
import pickle
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from corpora import english, sentence

from dedup import tables as module
from dedup.articles import packing, read_articles, rows
from dedup.articles.files import FileFault, Meter
from dedup.errors import BadInput, BadSettings
from dedup.model import Article
from dedup.parts import Partible, memory
from dedup.settings import Settings
from dedup.tables import read_tables
from dedup.work import Work

BROKEN = [b'{"text": 3}', b"[1]", b'{"id": "x"}', b"{", b'{"text": "\\ud800"}', b"\xff", b'{"text": "a"} {"text": "b"}']


def lines_of(rng: random.Random, count: int) -> list[bytes]:
    """Records with and without ids, which may repeat or look like places, blank and broken lines, long ones too."""
    lines = []
    for number in range(count):
        kind = rng.random()
        if kind < 0.1:
            lines.append(rng.choice([b"", b"  ", b"\t"]))
        elif kind < 0.2:
            lines.append(rng.choice(BROKEN))
        else:
            record = {"text": sentence(rng, 1, 30) * (20 if rng.random() < 0.05 else 1), "n": number % 7, "s": None}
            if rng.random() < 0.7:
                record["id"] = rng.choice(
                    [f"a{number}", f"a{rng.randrange(20)}", number, f"x.jsonl:{number + 3}", "", 5.0]
                )
            lines.append(json.dumps(record, ensure_ascii=rng.random() < 0.3).encode())
    return lines


def told(content: bytes) -> tuple[list[tuple[str, str]], list[int]]:
    """(ids and texts, lines that are no records) by the rules as README tells them, a line at a time."""
    articles: list[tuple[str, str]] = []
    bad = []
    seen = set()
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            text = record["text"]
            text.encode()
        except (ValueError, TypeError, KeyError, AttributeError):
            bad.append(number)
            continue
        own = record.get("id")
        id = str(own) if type(own) is int or (type(own) is str and own) else f"x.jsonl:{number}"
        copy = 1
        while id in seen:
            id = f"x.jsonl:{number}" + (f":{copy}" if copy > 1 else "")
            copy += 1
        seen.add(id)
        articles.append((id, text))
    return articles, bad


@pytest.mark.parametrize("seed", range(30))
def test_parts_of_any_size_hold_the_same_articles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Line ends of all kinds, a BOM, blank and broken lines, repeated ids, lines longer than a part."""
    rng = random.Random(seed)
    end = rng.choice([b"\n", b"\r\n"])
    content = rng.choice([b"", b"\xef\xbb\xbf"]) + end.join(lines_of(rng, 60)) + rng.choice([b"", end])
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    monkeypatch.setattr(rows, "PART", rng.choice([1, 30, 200, 1000, 1 << 20]))
    articles, bad = told(content)
    corpus = read_articles(path, on_error="skip")
    assert [(article.id, article.text) for article in corpus] == articles
    assert [record.line for record in corpus.rejected] == bad
    with pytest.raises(BadInput, match=f"x.jsonl:{bad[0]}: "):
        list(read_articles(path))


def found(articles: object, workers: int, settings: Settings | None = None) -> dict[str, object]:
    """All that tables hold."""
    with Work(workers=workers, forks=True) as work:
        tables = read_tables(articles, None, settings or Settings(), lambda *_: None, work)
    held = {name: getattr(tables, name) for name in tables.__slots__}
    held = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in held.items()}
    marks = tables.marks
    return {
        **held,
        "ids": list(tables.ids),
        "texts": list(tables.texts),
        "against": list(tables.against),
        "marks": dict(marks),
    }


def some(rng: random.Random, count: int) -> list[dict[str, object]]:
    """Records for files of all formats."""
    return [
        {
            "id": f"n{number}",
            "text": "\n".join(rng.choice([sentence(rng), english(rng), "责任编辑：王芳", ""]) for _ in range(4)),
            "site": rng.choice(["one", "two", ""]),
            "date": str(rng.randrange(9)),
        }
        for number in range(count)
    ]


def write(folder: Path, form: str, records: list[dict[str, object]]) -> Path:
    """A file, or a folder of text files."""
    path = folder / f"in.{form}"
    if form == "txt":
        (folder / "in").mkdir()
        for record in records:
            (folder / "in" / f"{record['id']}.txt").write_text(str(record["text"]), encoding="utf-8")
        return folder / "in"
    if form == "parquet":
        pa = pytest.importorskip("pyarrow")
        pq = pytest.importorskip("pyarrow.parquet")
        pq.write_table(pa.Table.from_pylist(records), path, row_group_size=50)
    elif form == "csv":
        out = io.StringIO()
        writer = csv.DictWriter(out, list(records[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(records)
        path.write_text(out.getvalue(), encoding="gb18030", newline="")
    else:
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet", "txt"])
def test_workers_make_the_same_tables_of_all_formats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """Also with fields, and as articles that are given one by one."""
    records = some(random.Random(3), 200)
    path = write(tmp_path, form, records)
    encoding = "gb18030" if form == "csv" else "utf-8"
    fields = {} if form == "txt" else {"keep": "field:date:desc", "source_field": "site"}
    settings = Settings(**fields)
    alone = found(list(read_articles(path, encoding=encoding)), 1, settings)
    monkeypatch.setattr(rows, "PART", 3000)
    assert isinstance(read_articles(path, encoding=encoding), Partible)
    for workers in (1, 2, 3):
        corpus = read_articles(path, encoding=encoding)
        assert found(corpus, workers, settings) == alone
        assert corpus.complete
        assert sum(count for _, count in corpus.sources()) == 200
    if form != "txt":
        order = sorted(range(200), key=lambda row: str(records[row]["date"]), reverse=True)
        assert alone["ids"] == [records[row]["id"] for row in order]
        sites = [str(record["site"]) for record in records]
        first = [name for name in dict.fromkeys(sites) if name]
        assert alone["source"] == [first.index(sites[row]) if sites[row] else -1 for row in order]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_first_error_is_the_one_that_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """Whatever stands behind it: a broken record, an id that repeats, a file that is cut short."""
    monkeypatch.setattr(rows, "PART", 400)
    good = [json.dumps(record).encode() + b"\n" for record in some(random.Random(4), 90)]
    again = json.dumps({"id": "n3", "text": "again"}).encode() + b"\n"
    broken = b'{"id": "z"}\n'
    cases = {
        'x.jsonl:61: field "text" is missing': [*good[:60], broken, *good[60:], again],
        'x.jsonl:61: the id "n3" must not repeat; found it at .*x.jsonl:4 too': [*good[:60], again, *good[60:], broken],
        "x.jsonl:62: expected a record of at most": [*good[:61], b'{"text": "' + b"x" * 5000 + b'"}\n', broken],
    }
    for message, lines in cases.items():
        (tmp_path / "x.jsonl").write_bytes(b"".join(lines))
        (tmp_path / "y.csv").write_text("no,columns\n1,2\n")
        with pytest.raises(BadInput, match=message):
            found(read_articles(tmp_path, id_field="id", max_record=4000), workers)
    (tmp_path / "x.jsonl").write_bytes(b"".join(good))
    with pytest.raises(BadInput, match=r'y\.csv:1: column "text" is missing'):
        found(read_articles(tmp_path, id_field="id"), workers)


@pytest.mark.parametrize("workers", [1, 2])
def test_records_that_are_passed_over_are_those_of_one_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """In any part, those with a given id that repeats too; the others keep their marks and passages."""
    monkeypatch.setattr(rows, "PART", 700)
    rng = random.Random(6)
    records = some(rng, 150)
    kept, lines, bad = [], [], []
    for record in records:
        lines.append(json.dumps(record))
        kept.append(record)
        if rng.random() < 0.2:
            lines.append(rng.choice(['{"id": "q"}', json.dumps({**rng.choice(kept), "text": "责任编辑：王芳"})]))
            bad.append(len(lines))
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    corpus = read_articles(path, id_field="id", on_error="skip")
    articles = [Article(str(record["id"]), str(record["text"])) for record in kept]
    assert found(corpus, workers) == found(articles, 1)
    assert [record.line for record in corpus.rejected] == bad
    assert corpus.sources() == [("x.jsonl", 150)]


def test_how_much_has_been_read_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all files together, as stored; a file that grew meanwhile is no more than all."""
    monkeypatch.setattr(rows, "PART", 1000)
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(b'{"text": "abc"}\n' * 1000)
    corpus = read_articles(tmp_path)
    reading = corpus.begin()
    assert reading.share() == 0
    shares = [reading.share() for _ in reading.parts()]
    assert shares == sorted(shares)
    assert {0.5, 1} <= set(shares)
    with (tmp_path / "b.jsonl").open("ab") as file:
        file.write(b'{"text": "abc"}\n' * 1000)
    reading = read_articles(tmp_path / "a.jsonl").begin()
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "abc"}\n' * 3000)
    assert max(reading.share() for _ in reading.parts()) == 1


def pieces_of(path: Path, size: int, most: int = 1 << 30) -> tuple[list[bytes], str]:
    """What a file is read in, and its hash."""
    meter = Meter()
    file = read_articles(path).files[0]
    return [bytes(piece) for piece in packing.stored_lines(file, meter, size, most, memory)], meter.sha256()


@pytest.mark.parametrize("chunk", [1, 7, 64, 1 << 20])
def test_a_stored_file_is_read_in_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    """However long its lines are, whatever is read at once, and whether it ends with LF or not."""
    monkeypatch.setattr(packing, "_PLAIN_CHUNK", chunk)
    rng = random.Random(3)
    for number in range(60):
        path = tmp_path / f"{number}.jsonl"
        lines = [b"x" * rng.choice([0, 1, 5, 30, 300]) for _ in range(rng.choice([0, 1, 9, 40]))]
        content = b"\n".join(lines) + b"\n" * rng.randrange(2)
        path.write_bytes(content)
        size = rng.choice([1, 20, 100, 1 << 14])
        pieces, sha256 = pieces_of(path, size)
        assert b"".join(pieces) == content
        assert sha256 == hashlib.sha256(content).hexdigest()
        assert all(pieces)
        assert all(piece.endswith(b"\n") for piece in pieces[:-1])
        longest = max(map(len, lines), default=0)
        assert all(len(piece) < size + chunk + longest + 2 for piece in pieces)


def test_no_more_of_a_stored_file_is_read_than_a_line_may_be_long(tmp_path: Path) -> None:
    """What has been read of a line that is too long is the last."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"ab\n" * 100 + b"x" * (5 << 20) + b"\nab\n")
    pieces, _ = pieces_of(path, 64, 1000)
    assert b"".join(pieces[:-1]) == b"ab\n" * 100
    assert 1000 < len(pieces[-1]) < 2 << 20


def test_whole_lines_come_before_an_error_in_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk may break at any byte."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"abc\n" * 1000)
    monkeypatch.setattr(packing, "_PLAIN_CHUNK", 10)

    class Broken(io.FileIO):
        def readinto(self, buffer: memoryview) -> int:
            if self.tell() >= 330:
                raise OSError(errno.EIO, "broken")
            return super().readinto(buffer)

    class Place:
        def open(self, *_: object, **__: object) -> Broken:
            return Broken(path)

    file = replace(read_articles(path).files[0], path=Place())
    pieces: list[bytes] = []
    with pytest.raises(FileFault, match="cannot be read: broken"):
        pieces.extend(map(bytes, packing.stored_lines(file, Meter(), 100, 1000, memory)))
    assert b"".join(pieces) == b"abc\n" * 82


def test_a_part_is_sent_with_its_rows_apart(tmp_path: Path) -> None:
    """Or not, as the pickle protocol has it: what arrives is the same."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"id": "a", "text": "abc"}\n' * 99)
    part = next(read_articles(path).begin([]).parts())
    apart: list[pickle.PickleBuffer] = []
    body = pickle.dumps(part, 5, buffer_callback=apart.append)
    assert len(body) < 1000
    assert len(apart) == 1
    for sent in (pickle.loads(body, buffers=[bytes(apart[0])]), pickle.loads(pickle.dumps(part, 4)), part):
        assert sent == part
        assert len(sent.records().ids) == 99


def test_a_file_without_a_line_is_none(tmp_path: Path) -> None:
    """Empty, or a BOM alone, beside one that holds something."""
    for name, content in (("a", b""), ("b", b"\xef\xbb\xbf"), ("c", b'{"text": "1"}'), ("d", b"\n\r\n")):
        (tmp_path / f"{name}.jsonl").write_bytes(content)
    assert [article.id for article in read_articles(tmp_path)] == ["c.jsonl:1"]


def test_numbers_of_a_field_are_compared_as_numbers() -> None:
    """Whole ones of any size, true and false among them; as text where one is no number."""
    values = [3, -1, 2**70 + 1, 2**70, 0.5, True, False, None, -1e300]
    for given, key in ((values, lambda row: values[row]), ([*values, "x"], lambda row: str([*values, "x"][row]))):
        articles = [Article(str(row), "text", by=value) for row, value in enumerate(given)]
        known = [row for row, value in enumerate(given) if value is not None]
        order = [*sorted(known, key=key), 7]
        assert found(articles, 1, Settings(keep="field:by"))["ids"] == list(map(str, order))
    with pytest.raises(BadSettings, match="no article has that field"):
        found(articles, 1, Settings(keep="field:none"))


@pytest.mark.parametrize("workers", [1, 3])
def test_fields_of_given_articles_may_hold_anything(monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    """Numbers longer than Python writes, and objects that no other process can be sent."""

    class Site:
        def __init__(self, number: int) -> None:
            self.number = number

        def __str__(self) -> str:
            return f"s{self.number}"

    monkeypatch.setattr(module, "_BATCH", 100)
    places = [3, 1, 2, 0] * 10
    order = sorted(range(40), key=places.__getitem__)
    settings = Settings(keep="field:by", source_field="site")
    for value in (Site, lambda number: 10**5000 + number, lambda number: -(10**5000) + number):
        articles = [
            Article(str(row), "a text of some words", by=value(place), site=Site(place))
            for row, place in enumerate(places)
        ]
        held = found(articles, workers, settings)
        assert held["ids"] == list(map(str, order))
        assert held["source_names"] == ["s3", "s1", "s2", "s0"]


def parquet_file(rng: random.Random, path: Path) -> None:
    """Rows with and without text and id, of the types in which writers store them."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    count = rng.choice([1, 30, 400])
    holes = rng.choice([0.0, 0.2])
    texts = [None if rng.random() < holes else sentence(rng, 0, 30) + "😀" * rng.randrange(2) for _ in range(count)]
    kind = rng.choice(["string", "large", "view", "dictionary"])
    column = pa.array(texts, {"large": pa.large_string(), "view": pa.string_view()}.get(kind, pa.string()))
    if kind == "dictionary":
        column = column.dictionary_encode()
    ids: dict[str, list[object]] = {
        "own": [f"a{number}" for number in range(count)],
        "some": [rng.choice([None, "", f"a{number}", f"a{number // 2}"]) for number in range(count)],
        "numbers": [rng.randrange(count) for number in range(count)],
        "floats": [number / 2 for number in range(count)],
    }
    columns = {"text": column, "site": pa.array([rng.choice(["a", "b", None]) for _ in range(count)])}
    if (form := rng.choice([*ids, "none"])) != "none":
        columns["id"] = pa.array(ids[form])
    columns["date"] = pa.array([rng.randrange(10**15) for _ in range(count)], pa.timestamp("us"))
    names = [name for name, _ in sorted(columns.items(), key=lambda _: rng.random())]
    table = pa.table({name: columns[name] for name in names})
    pq.write_table(table, path, row_group_size=rng.choice([7, 100, 1000]))


@pytest.mark.parametrize("seed", range(40))
def test_parquet_in_parts_is_parquet_row_by_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """The columns that are asked for, without an object a row, or all of them one by one: one and the same."""
    rng = random.Random(seed)
    path = tmp_path / "x.parquet"
    parquet_file(rng, path)
    options = {"on_error": rng.choice(["fail", "skip"]), "id_field": rng.choice([None, None, "id", "uid"])}
    monkeypatch.setattr(rows, "PART", rng.choice([1, 3000, 1 << 20]))
    settings = Settings(source_field="site", keep="field:date")
    outcomes = []
    for whole in (True, False):
        corpus = read_articles(path, **options)
        try:
            read = found(list(corpus) if whole else corpus, 1, settings)
        except (BadInput, BadSettings) as error:
            outcomes.append(str(error))
        else:
            outcomes.append((read, corpus.rejected, corpus.warnings, corpus.inputs(), corpus.counts))
    assert outcomes[0] == outcomes[1]


def test_parquet_that_is_no_utf8(tmp_path: Path) -> None:
    """It is told as it is row by row, after what stands before it."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    offsets = pa.array([0, 1, 3], pa.int32()).buffers()[1]
    bad = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"a\xff\xfe")])
    pq.write_table(pa.table({"text": bad}), tmp_path / "x.parquet")
    for read in (list, lambda corpus: found(corpus, 1, Settings())):
        with pytest.raises(BadInput, match=r"x\.parquet: its Parquet data is cut short or damaged"):
            read(read_articles(tmp_path / "x.parquet"))


def test_what_parquet_has_is_told_where_the_ids_are_missing(tmp_path: Path) -> None:
    """The text is no id, nor is what two columns are named: an error names all columns there are."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = [pa.array([text]) for text in ("a text", "1", "2", "3")]
    pq.write_table(pa.Table.from_arrays(columns, ["text", "uid", "site", "uid"]), tmp_path / "x.parquet")
    for id_field in ("text", "uid", "no"):
        for read in (list, lambda corpus: found(corpus, 1, Settings())):
            with pytest.raises(BadInput, match=f'field "{id_field}" is missing, found the field "site"'):
                read(read_articles(tmp_path / "x.parquet", id_field=id_field))


def test_damage_in_a_column_that_is_not_needed(tmp_path: Path) -> None:
    """A scan does not read it; who reads all columns, to copy them or to know whether to pass the file over, does."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "x.parquet"
    texts, urls = [f"{sentence(random.Random(n))}{n}" for n in range(50)], [f"url {n}" for n in range(50)]
    pq.write_table(pa.table({"text": texts, "url": urls}), path, use_dictionary=False)
    content, page = path.read_bytes(), pq.ParquetFile(path).metadata.row_group(0).column(1).data_page_offset
    path.write_bytes(content[:page] + b"\xff" * 20 + content[page + 20 :])
    assert found(read_articles(path), 1)["texts"] == texts
    for options in ({}, {"on_error": "skip"}):
        with pytest.raises(BadInput, match="its Parquet data is cut short or damaged"):
            list(read_articles(path, **options))
    with pytest.raises(BadInput, match="its Parquet data is cut short or damaged"):
        found(read_articles(path, on_error="skip"), 1)
