"""Files <-> articles."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.articles import Aside, Corpus, Ids, InputFile, name_fault, read_articles, restore_file, rewrite_file
from dedup.errors import BadInput, BadRun, BadSettings

FOOTER = "本报版权所有"


def _zstd(raw: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(raw)


def pack(raw: bytes, compression: str) -> bytes:
    return {"": bytes, "gz": gzip.compress, "zst": _zstd, "bz2": bz2.compress, "xz": lzma.compress}[compression](raw)


def unpack(raw: bytes, compression: str) -> bytes:
    if compression == "zst":
        return zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    return {"": bytes, "gz": gzip.decompress, "bz2": bz2.decompress, "xz": lzma.decompress}[compression](raw)


def write(path: Path, raw: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw.encode() if isinstance(raw, str) else raw)
    return path


def texts(corpus: Corpus) -> dict[str, str]:
    return {article.id: article.text for article in corpus}


def fault(path: Path, **options: Any) -> str:
    with pytest.raises(BadInput) as caught:
        list(read_articles(path, **options))
    message = str(caught.value)
    assert "\n" not in message
    return message


def rewrite(path: Path, judge: Any, folder: Path, **options: Any) -> Any:
    corpus = read_articles(path)
    (file,) = corpus.files
    ids = Ids(options.pop("id_field", None))
    return rewrite_file(file, judge, folder / "clean" / file.name, folder / "dropped" / file.name, ids=ids, **options)


# -------------------------------------------------------------------------------------------------------- folders


def test_a_folder_is_read_in_the_order_of_relative_paths(tmp_path: Path) -> None:
    """'.' sorts before '/', and 'B' before 'a': names are compared as strings of code points."""
    for name in ("a/z.txt", "a.txt", "B.txt", "a/b/c.txt", "区.txt"):
        write(tmp_path / name, name)
    assert [article.id for article in read_articles(tmp_path)] == ["B.txt", "a.txt", "a/b/c.txt", "a/z.txt", "区.txt"]


def test_each_iteration_gives_the_same_articles_and_warnings(tmp_path: Path) -> None:
    """A corpus is read again, not remembered."""
    write(tmp_path / "a.txt", "one")
    write(tmp_path / "b.bin", b"\x00\x01")
    write(tmp_path / "n.jsonl", '{"id": "x", "text": "1"}\n{"id": "x", "text": "2"}\n')
    corpus = read_articles(tmp_path)
    first = list(corpus)
    warnings = corpus.warnings
    assert list(corpus) == first
    assert corpus.warnings == warnings
    assert len(warnings) == 2
    assert [file.name for file in corpus.files] == ["a.txt", "n.jsonl"]
    assert sorted(corpus.digests) == ["a.txt", "n.jsonl"]


def test_what_is_hidden_linked_or_of_another_format_is_named_and_skipped(tmp_path: Path) -> None:
    """Nothing is left out without a word."""
    folder = tmp_path / "news"
    write(folder / "a.txt", "one")
    write(folder / ".git" / "config", "x")
    write(folder / ".hidden.txt", "x")
    write(folder / "table.xlsx", "x")
    write(folder / "table.json.gz", gzip.compress(b"[]"))
    write(folder / "picture.png", b"\x89PNG\x00")
    write(folder / "latin.txt", "caf\u00e9".encode("latin-1"))
    write(tmp_path / "elsewhere" / "b.txt", "two")
    (folder / "link.txt").symlink_to(folder / "a.txt")
    (folder / "tree").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(folder / "pipe")
    corpus = read_articles(folder)
    assert texts(corpus) == {"a.txt": "one"}
    assert list(corpus.warnings) == [
        "skipped 2 hidden files or folders: .git/, .hidden.txt",
        "skipped 2 symbolic links: link.txt, tree/",
        "skipped 1 entry that is no regular file: pipe",
        "skipped 2 files in a format that is not read yet: table.json.gz, table.xlsx",
        "skipped 2 files that are no UTF-8 text: latin.txt, picture.png",
    ]


def test_many_skipped_files_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    """A folder of a thousand tables gives one short sentence."""
    write(tmp_path / "a.txt", "one")
    for i in range(7):
        write(tmp_path / f"{i}.rtf", "x")
    (warning,) = read_articles(tmp_path).warnings
    assert warning == "skipped 7 files in a format that is not read yet: 0.rtf, 1.rtf, 2.rtf, 3.rtf, 4.rtf and 2 more"


def test_a_link_given_as_input_is_followed(tmp_path: Path) -> None:
    """The user named it, so the user means it."""
    write(tmp_path / "real" / "a.txt", "one")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "b.txt").symlink_to(tmp_path / "real" / "a.txt")
    assert texts(read_articles(tmp_path / "link", tmp_path / "b.txt")) == {"a.txt": "one", "b.txt": "one"}


def test_names_begin_with_the_folder_where_there_are_several(tmp_path: Path) -> None:
    """One folder needs no prefix, two do."""
    write(tmp_path / "x" / "a.txt", "one")
    write(tmp_path / "y" / "a.txt", "two")
    assert texts(read_articles(tmp_path / "x")) == {"a.txt": "one"}
    assert texts(read_articles(str(tmp_path / "y"), tmp_path / "x")) == {"y/a.txt": "two", "x/a.txt": "one"}


def test_two_inputs_with_one_name_are_refused(tmp_path: Path) -> None:
    """Their clean files would overwrite each other."""
    one = write(tmp_path / "x" / "a.txt", "one")
    two = write(tmp_path / "y" / "a.txt", "two")
    with pytest.raises(BadInput) as caught:
        read_articles(one, two)
    assert str(one) in str(caught.value)
    assert str(two) in str(caught.value)


def test_a_name_is_not_both_a_file_and_a_folder(tmp_path: Path) -> None:
    """clean/ could not hold both."""
    file = write(tmp_path / "x" / "news", "one")
    write(tmp_path / "news" / "a.txt", "two")
    write(tmp_path / "more" / "a.txt", "three")
    with pytest.raises(BadInput, match="both as a file and as a folder"):
        read_articles(file, tmp_path / "news", tmp_path / "more")


@pytest.mark.parametrize("kind", ["missing", "device", "pipe", "empty", "only skipped", "only blank lines"])
def test_an_input_without_an_article_is_an_error_that_names_it(tmp_path: Path, kind: str) -> None:
    """Nothing to do is never done in silence."""
    path = tmp_path / "input.jsonl"
    if kind == "device":
        path = Path("/dev/null")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "empty":
        path.mkdir()
    elif kind == "only skipped":
        write(path / "a.pdf", "x")
    elif kind == "only blank lines":
        write(path, "\n  \n")
    message = fault(path)
    assert str(path) in message
    assert kind in ("missing", "device", "pipe") or "holds no article" in message


def test_no_input_at_all_is_an_error() -> None:
    """`read_articles()` has nothing to read."""
    with pytest.raises(BadInput):
        read_articles()


def test_a_file_named_by_the_user_must_be_text(tmp_path: Path) -> None:
    """In a folder it is skipped, by itself it is an error that tells the byte."""
    assert "0xff at byte 5" in fault(write(tmp_path / "a.txt", b"\xef\xbb\xbfab\xff"))
    assert "NUL at byte 2" in fault(write(tmp_path / "b.txt", b"ab\x00"))
    assert "not read yet" in fault(write(tmp_path / "c.docx", "x"))


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "..", "../a", "a/../b", "a//b", "a/", "./a", "C:\\a", "C:a", "a\\b", "a\0b", "a/.", "\ud800"],
)
def test_names_that_lead_elsewhere_have_a_fault(name: str) -> None:
    """On any system, not only on this one."""
    assert name_fault(name)


@pytest.mark.parametrize("name", ["a", "a/b.txt", "..a", "a..", "区/新闻.jsonl", "a b:c", "..."])
def test_odd_names_that_stay_inside_are_allowed(name: str) -> None:
    """Two dots inside a name lead nowhere."""
    assert name_fault(name) is None


def test_files_whose_names_cannot_be_used_are_skipped_with_a_warning(tmp_path: Path) -> None:
    """A run that could not be restored is not begun."""
    write(tmp_path / "a.txt", "one")
    write(tmp_path / "b\\c.txt", "two")
    corpus = read_articles(tmp_path)
    assert texts(corpus) == {"a.txt": "one"}
    assert corpus.warnings == ("skipped 1 file whose name cannot be used in the output: b\\c.txt (holds a backslash)",)


# ------------------------------------------------------------------------------------------------------ text files


def test_a_text_file_is_one_article_with_its_line_ends_and_without_bom(tmp_path: Path) -> None:
    """What follows the BOM is the text; CRLF stays CRLF."""
    write(tmp_path / "a.txt", b"\xef\xbb\xbfone\r\ntwo\rthree\n")
    write(tmp_path / "empty.txt", b"")
    assert texts(read_articles(tmp_path)) == {"a.txt": "one\r\ntwo\rthree\n", "empty.txt": ""}


@pytest.mark.parametrize("compression", ["", "gz", "zst", "bz2", "xz"])
def test_a_text_file_is_rewritten_with_its_bom_and_packed_as_it_was(tmp_path: Path, compression: str) -> None:
    """Two writings give the same bytes."""
    name = "a.txt" + (f".{compression}" if compression else "")
    path = write(tmp_path / name, pack(b"\xef\xbb\xbfone\r\ntwo\r\n", compression))
    written = []
    for folder in (tmp_path / "1", tmp_path / "2"):
        done = rewrite(path, lambda id, text: text[5:], folder)
        assert done.lines == ()
        assert not (folder / "dropped").exists()
        written.append((folder / "clean" / name).read_bytes())
    assert written[0] == written[1]
    assert unpack(written[0], compression) == b"\xef\xbb\xbftwo\r\n"


def test_a_text_file_cut_whole_is_kept_verbatim_in_dropped(tmp_path: Path) -> None:
    """To the byte, even its compression."""
    path = write(tmp_path / "a.txt.gz", gzip.compress(b"one", compresslevel=1))
    assert rewrite(path, lambda id, text: None, tmp_path / "run").lines == (1,)
    assert (tmp_path / "run" / "dropped" / "a.txt.gz").read_bytes() == path.read_bytes()
    assert not (tmp_path / "run" / "clean").exists()


# ----------------------------------------------------------------------------------------------------------- JSONL


def test_records_end_at_lf_alone(tmp_path: Path) -> None:
    """U+2028 inside a string splits nothing; CRLF, blank lines, BOM and a missing last LF are tolerated."""
    raw = '\ufeff{"text": "a\u2028b"}\r\n\n \t\r\n{"text": "c\u0085d"}'
    path = write(tmp_path / "n.jsonl", raw)
    assert texts(read_articles(path)) == {"n.jsonl:1": "a\u2028b", "n.jsonl:4": "c\u0085d"}


@pytest.mark.parametrize("name", ["n.jsonl", "n.ndjson", "N.JSONL", "n.jsonl.gz", "n.ndjson.zst"])
def test_jsonl_is_known_by_its_name(tmp_path: Path, name: str) -> None:
    """Plain or compressed, in either case."""
    compression = name.rpartition(".")[2] if name.endswith(("gz", "zst")) else ""
    path = write(tmp_path / name, pack(b'{"text": "a"}\n', compression))
    assert texts(read_articles(path)) == {f"{name}:1": "a"}


def test_all_fields_but_the_text_are_fields_of_the_article(tmp_path: Path) -> None:
    """The id stays among them, the text does not."""
    path = write(tmp_path / "n.jsonl", '{"id": 7, "body": "a", "text": null, "date": "2020-02-05"}\n')
    (article,) = read_articles(path, text_field="body")
    assert (article.id, article.text) == ("7", "a")
    assert article.fields == {"id": 7, "text": None, "date": "2020-02-05"}


@pytest.mark.parametrize("id_field", [None, "id", "url", "text", "day"])
@pytest.mark.parametrize(
    "ids",
    [
        ('"a"', '"b"', '"\\u4e2d\\n"'),
        ("1", "-2", "30"),
        ("null", "null", "null"),
        ("", "", ""),
        ('"a"', "2", '"b"'),
        ('""', '"b"', '"c"'),
        ("[1]", '"b"', '"c"'),
        ("1.5", '"b"', '"c"'),
        ('"a"', "", '"c"'),
    ],
)
def test_records_in_parts_are_those_that_come_one_by_one(tmp_path: Path, ids: Any, id_field: str | None) -> None:
    """Whatever their ids are; and of their fields those that were asked for, but never the text."""
    texts = ("\\u6587\\n\\ud83d\\ude00", "文é", "a")
    given = [f'"id":{id},' if id else "" for id in ids]
    lines = [
        f'{{"day":{day},{id}"text":"{text}","url":"u{day}","more":[{{}},"é"]}}\n'
        for day, (id, text) in enumerate(zip(given, texts, strict=True))
    ]
    write(tmp_path / "n.jsonl", "".join(lines))
    path = write(tmp_path / "o.jsonl", '{"id":"z","day":"z","text":"z","url":"z"}').parent
    options: Any = {"id_field": id_field, "on_error": "skip"}
    expected = list(read_articles(path, **options))
    for names in ((), ("more",), ("url", "day", "none", "text")):
        found = []
        reading = read_articles(path, **options).begin(names)
        for part in reading.parts():
            records = part.records()
            taken = reading.settle(records)
            fields = records.fields if names else [{}] * len(records.ids)
            rows = range(len(taken.ids)) if taken.rows is None else taken.rows
            found += [(id, records.texts[row], fields[row]) for id, row in zip(taken.ids, rows, strict=True)]
        wanted = [{name: of.fields[name] for name in names if name in of.fields} for of in expected]
        assert found == [(of.id, of.text, fields) for of, fields in zip(expected, wanted, strict=True)]


def test_ids_come_from_the_field_id_else_from_the_line(tmp_path: Path) -> None:
    """Strings and integers are ids, of any length; other values are not; none is given twice."""
    big = 12345678901234567890123
    lines = ['"a"', "7", str(big), "1.5", "true", "null", '""', '"a"', '"n.jsonl:11"', '"\\ud800"']
    raw = "".join(f'{{"id": {line}, "text": "x"}}\n' for line in lines) + '{"text": "x"}\n'
    corpus = read_articles(write(tmp_path / "n.jsonl", raw))
    ids = [article.id for article in corpus]
    assert ids == [
        "a",
        "7",
        str(big),
        *(f"n.jsonl:{i}" for i in (4, 5, 6, 7, 8)),
        "n.jsonl:11",
        "n.jsonl:10",
        "n.jsonl:11:2",
    ]
    assert corpus.warnings == ("gave 2 articles with a repeated id the id file:line instead: n.jsonl:8, n.jsonl:11",)


def test_text_files_and_records_share_one_namespace(tmp_path: Path) -> None:
    """A record may have the name of a file for its id."""
    write(tmp_path / "a.jsonl", '{"id": "b.txt", "text": "x"}\n')
    write(tmp_path / "b.txt", "y")
    assert texts(read_articles(tmp_path)) == {"b.txt": "x", "b.txt:1": "y"}


def test_a_repeated_id_of_a_given_field_is_an_error_that_names_both_places(tmp_path: Path) -> None:
    """The user said that it is an id."""
    path = write(tmp_path / "n.jsonl", '{"key": 1, "text": "x"}\n\n{"key": "1", "text": "y"}\n')
    message = fault(path, id_field="key")
    assert f"{path}:3:" in message
    assert f"{path}:1 " in message


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[1]", ["expected an object", "found a list"]),
        ("3", ["found the number 3"]),
        ('{"text": null}', ['field "text" must be a string', "found null"]),
        ('{"text": 12}', ["found the number 12"]),
        ('{"text": ["a"]}', ["found a list"]),
        ('{"text": {}}', ["found an object"]),
        ('{"text": false}', ["found false"]),
        ('{"body": "a", "标题": "b"}', ['field "text" is missing', '"body", "标题"', "--text-field"]),
        ("{}", ["no field at all"]),
        ('{"text": "a"', ["not JSON", "column"]),
        ("{'text': 'a'}", ["not JSON", "column 2"]),
        ("[" * 100_000, ["nested too deeply"]),
        ('{"text": "ab\\ud83d"}', ["surrogate", "character 2"]),
        (b'{"text": "\xff"}', ["0xff at byte 10 of the line"]),
    ],
)
def test_a_bad_record_is_an_error_that_says_where_and_what(tmp_path: Path, line: bytes | str, words: list[str]) -> None:
    """file:line, what was expected, what was found, what to do."""
    raw = line if isinstance(line, bytes) else line.encode()
    path = write(tmp_path / "news.jsonl", b'{"text": "good"}\n' + raw + b"\n")
    message = fault(path)
    assert message.startswith(f"{path}:2: ")
    assert len(message) < 400
    for word in words:
        assert word in message
    assert message.endswith(", or pass --on-error skip")


@pytest.mark.parametrize(
    ("line", "words"), [('{"text": "a"}', '"key" is missing'), ('{"key": 1.5, "text": ""}', "1.5")]
)
def test_a_given_id_field_must_be_there_and_be_an_id(tmp_path: Path, line: str, words: str) -> None:
    """Without --id-field such a record takes file:line."""
    assert words in fault(write(tmp_path / "n.jsonl", line), id_field="key")


def test_what_other_writers_write_is_read(tmp_path: Path) -> None:
    """NaN and half a surrogate pair in some other field do no harm."""
    path = write(tmp_path / "n.jsonl", '{"text": "a", "score": NaN, "emoji": "\\ud83d"}\n')
    (article,) = read_articles(path)
    assert article.text == "a"


def test_stdin_is_read_again_from_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """- is JSONL; the copy goes with the corpus."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b'{"text": "a"}\n')))
    corpus = read_articles("-")
    assert texts(corpus) == texts(corpus) == {"stdin.jsonl:1": "a"}
    assert corpus.paths() == {"stdin.jsonl": "-"}
    path = corpus.files[0].path
    assert path.exists()
    del corpus
    assert not path.exists()


@pytest.mark.parametrize("name", ["text_field", "id_field"])
def test_the_name_of_a_field_is_utf8(tmp_path: Path, name: str) -> None:
    """It is to stand in the records of the run."""
    with pytest.raises(BadSettings, match=f"^{name} must be UTF-8"):
        read_articles(write(tmp_path / "n.jsonl", '{"text": "a"}\n'), **{name: "\udcff"})


def test_sources_are_called_as_in_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder at the top by its own name, however it was given; a folder in it of the same name is another one."""
    for name in ("news/a.txt", "news/news/b.txt", "news/z/c.txt", "news/z/d.txt"):
        write(tmp_path / name, "text\n")
    monkeypatch.chdir(tmp_path / "news")
    for place in (".", "../news", tmp_path / "news"):
        corpus = read_articles(place)
        assert list(corpus)
        assert corpus.sources() == [("news", 1), ("news", 1), ("z", 2)]
    corpus = read_articles("a.txt", "z")
    assert list(corpus)
    assert corpus.sources() == [("news", 1), ("z", 2)]


def test_a_file_that_changes_between_iterations_is_an_error(tmp_path: Path) -> None:
    """Findings about other texts would cut at random."""
    path = write(tmp_path / "a.txt", "one")
    corpus = read_articles(path)
    list(corpus)
    write(path, "two")
    with pytest.raises(BadInput, match=r"a\.txt: has changed"):
        list(corpus)


def test_progress_counts_the_bytes_as_stored(tmp_path: Path) -> None:
    """The sum is total_bytes, compressed or not."""
    write(tmp_path / "a.txt.gz", gzip.compress(b"one" * 1000))
    write(tmp_path / "b.jsonl", '{"text": "a"}\n')
    corpus = read_articles(tmp_path)
    told: list[int] = []
    list(corpus.iterate(told.append))
    assert sum(told) == corpus.total_bytes == sum(path.stat().st_size for path in tmp_path.iterdir())


def test_inputs_and_sources_describe_what_was_read(tmp_path: Path) -> None:
    """A JSONL file is a source, and so is the folder of text files."""
    write(tmp_path / "a.txt", "one")
    write(tmp_path / "b.txt", "two")
    write(tmp_path / "n.jsonl", '{"text": "a"}\n{"text": "b"}\n{"text": "c"}\n')
    corpus = read_articles(tmp_path)
    list(corpus)
    assert corpus.sources() == [(tmp_path.name, 2), ("n.jsonl", 3)]
    assert corpus.inputs()[0] == {
        "name": "a.txt",
        "format": "text",
        "compression": "",
        "encoding": "utf-8",
        "sha256": "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",  # sha256sum of "one"
        "bytes": 3,
    }


# ----------------------------------------------------------------------------------------------------- compression


@pytest.mark.parametrize("compression", ["gz", "zst", "bz2", "xz"])
def test_members_follow_each_other(tmp_path: Path, compression: str) -> None:
    """As `cat a.gz b.gz` makes them, with a record that begins in one and ends in the next."""
    raw = pack(b'{"text": "a"}\n{"te', compression) + pack(b"", compression) + pack(b'xt": "b"}\n', compression)
    path = write(tmp_path / f"n.jsonl.{compression}", raw)
    assert list(texts(read_articles(path)).values()) == ["a", "b"]


def test_zstd_frames_of_every_kind_are_read(tmp_path: Path) -> None:
    """One with a window beyond the 128 MB that readers allow by default, a skippable one, one that is empty."""
    wide = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=False)
    ).compressobj()
    frames = [
        wide.compress(b'{"text": "a"}\n') + wide.flush(),
        (0x184D2A50).to_bytes(4, "little") + (3).to_bytes(4, "little") + b"any",
        zstandard.compress(b""),
        zstandard.compress(b'{"text": "b"}\n'),
    ]
    path = write(tmp_path / "n.jsonl.zst", b"".join(frames))
    assert list(texts(read_articles(path)).values()) == ["a", "b"]
    rewrite(path, lambda id, text: text, tmp_path / "run")
    assert zstandard.get_frame_parameters((tmp_path / "run/clean/n.jsonl.zst").read_bytes()).has_checksum


@pytest.mark.parametrize("compression", ["gz", "zst", "bz2", "xz"])
@pytest.mark.parametrize("name", ["n.jsonl", "a.txt"])
def test_cut_short_or_damaged_data_is_one_clear_error(tmp_path: Path, compression: str, name: str) -> None:
    """At no length is the part that is there taken for the whole."""
    noise = "".join(chr(0x4E00 + i * i % 20000) for i in range(3000))
    whole = pack(orjson.dumps({"text": noise}) + b"\n", compression)
    path = tmp_path / f"{name}.{compression}"
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    for raw in [whole[:0], whole[:5], whole[: len(whole) // 2], whole[:-1], whole + b"rubbish", bytes(flipped)]:
        message = fault(write(path, raw))
        assert str(path) in message
        assert "cut short or damaged" in message


def test_zero_padding_behind_a_member_is_no_damage(tmp_path: Path) -> None:
    """Some tools fill the last block."""
    path = write(tmp_path / "a.txt.gz", gzip.compress(b"one") + bytes(70_000))
    assert texts(read_articles(path)) == {"a.txt.gz": "one"}


# -------------------------------------------------------------------------------------------------------- rewriting


def test_only_the_text_of_a_record_changes(tmp_path: Path) -> None:
    """Big integers, spacing, escapes, order, other values of the same key: to the byte."""
    before = b'  {"n": 123456789012345678901234567890, "text": "first", "o": {"text": "inner", "x": ["text", "}"]},'
    after = b' "e": 1E400, "s": "\\u4e2d\\/\xe4\xb8\xad \\"text\\": ", "\\u0074ext" :\t'
    tail = b' , "z": NaN}  \r\n'
    path = write(tmp_path / "n.jsonl", before + after + '"中\\u6587 cut me"'.encode() + tail)
    rewrite(path, lambda id, text: text.removesuffix(" cut me"), tmp_path / "run")
    assert (tmp_path / "run/clean/n.jsonl").read_bytes() == before + after + '"中文"'.encode() + tail


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"a": "\\"text", "text" : ', b"}"),  # a string that ends like the key
        (b'{"a": "text", "text": ', b"}"),  # a string that is the key
        (b'{"text": "cut", "text": ', b"}"),  # the last of two
        (b'{"o": {"text": "cut"}, "\\u0074ext": ', b"}"),  # the only plain one is inside another field
        (b'{"a\\"text":"cut","te\\u0078t":', b"}"),
        (b'{"text":', b',"o":{"text":"cut"}}'),
        (b'{"a":"\\/","text":', b"}"),
    ],
)
def test_the_text_is_found_whatever_looks_like_it(tmp_path: Path, before: bytes, after: bytes) -> None:
    """In the top-level object, under its name however it is spelled, the last of that name."""
    path = write(tmp_path / "n.jsonl", before + b'"cut"' + after)
    rewrite(path, lambda id, text: "new", tmp_path / "run")
    assert (tmp_path / "run/clean/n.jsonl").read_bytes() == before + b'"new"' + after


def test_escaped_text_stays_escaped(tmp_path: Path) -> None:
    """A file of pure ASCII stays one."""
    path = write(tmp_path / "n.jsonl", b'{"text": "\\u4e2d\\u6587\\u4e2d"}\n{"text": "\xe4\xb8\xad\xe6\x96\x87"}\n')
    rewrite(path, lambda id, text: text[:1], tmp_path / "run")
    assert (tmp_path / "run/clean/n.jsonl").read_bytes() == b'{"text": "\\u4e2d"}\n{"text": "\xe4\xb8\xad"}\n'


@pytest.mark.parametrize("compression", ["", "gz", "zst", "bz2", "xz"])
def test_dropped_records_leave_their_lines_and_blank_lines_stay(tmp_path: Path, compression: str) -> None:
    """Kept records are the raw bytes that were there; dropped ones too, in their own file."""
    lines = [b'{"text":"a" }\r\n', b"\n", b'{"text": "b"}\n', b" \n", b'{"text": "c"}']
    name = "n.jsonl" + (f".{compression}" if compression else "")
    path = write(tmp_path / name, pack(b"\xef\xbb\xbf" + b"".join(lines), compression))
    done = rewrite(path, lambda id, text: text if text == "b" else None, tmp_path / "run")
    assert done.lines == (1, 5)
    clean = unpack((tmp_path / "run" / "clean" / name).read_bytes(), compression)
    dropped = unpack((tmp_path / "run" / "dropped" / name).read_bytes(), compression)
    assert clean == b"\xef\xbb\xbf" + lines[1] + lines[2] + lines[3]
    assert dropped == lines[0] + lines[4]


def test_a_jsonl_file_of_which_nothing_is_left_is_written_empty(tmp_path: Path) -> None:
    """So that clean/ has the same names as the input."""
    path = write(tmp_path / "n.jsonl", b'{"text":"a"}\n')
    rewrite(path, lambda id, text: None, tmp_path / "run")
    assert (tmp_path / "run/clean/n.jsonl").read_bytes() == b""


def test_a_record_of_ten_megabytes_is_rewritten_in_linear_time(tmp_path: Path) -> None:
    """Ten times the record takes about ten times as long, not a hundred times."""
    import time

    seconds = []
    for size in (1_000_000, 10_000_000):
        record = {"list": [["x"]] * (size // 40), "text": '\\"\n' * (size // 6), "more": "a\\" * (size // 4)}
        path = write(tmp_path / "n.jsonl", orjson.dumps(record))
        start = time.perf_counter()
        rewrite(path, lambda id, text: text[3:], tmp_path / "run")
        seconds.append(time.perf_counter() - start)
    assert seconds[1] < 40 * seconds[0]


def test_ids_in_rewriting_are_those_of_reading(tmp_path: Path) -> None:
    """Also where ids repeat from file to file."""
    for name in ("a.jsonl", "b.jsonl"):
        write(tmp_path / name, '{"id": "x", "text": "1"}\n{"id": "y", "text": "2"}\n')
    corpus = read_articles(tmp_path)
    seen: list[tuple[str, str]] = []

    def judge(id: str, text: str) -> str | None:
        seen.append((id, text))
        return text

    ids = Ids()
    for file in corpus.files:
        rewrite_file(file, judge, tmp_path / "c", tmp_path / "d", ids=ids)
    assert seen == [(article.id, article.text) for article in corpus]
    assert [id for id, _ in seen] == ["x", "y", "b.jsonl:1", "b.jsonl:2"]


JSON_TEXT = st.text(st.sampled_from('ab"\\\n\u2028\u4e2d\U0001f600/\x01'), max_size=8)
RECORD = st.dictionaries(
    st.sampled_from(["text", "t\u0065xt2", "id", 'q"', "中"]),
    st.one_of(JSON_TEXT, st.integers(), st.lists(JSON_TEXT, max_size=2)),
    max_size=4,
)
LINE = st.one_of(
    st.sampled_from([b"", b"  ", b"\r"]),
    st.builds(
        lambda record, text, ascii, space, first: json.dumps(
            {"text": text, **{k: v for k, v in record.items() if k != "text"}}
            if first
            else {**{k: v for k, v in record.items() if k != "text"}, "text": text},
            ensure_ascii=ascii,
            separators=(f",{space}", f":{space}"),
        ).encode(),
        RECORD,
        JSON_TEXT,
        st.booleans(),
        st.sampled_from(["", " ", "  "]),
        st.booleans(),
    ),
)


@settings(max_examples=300)
@given(
    lines=st.lists(LINE, max_size=8),
    end=st.sampled_from([b"\n", b"\r\n"]),
    last=st.booleans(),
    bom=st.booleans(),
    drop=st.integers(0, 255),
    compression=st.sampled_from(["", "gz", "zst", "bz2", "xz"]),
)
def test_restored_records_are_the_original_ones(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[bytes],
    end: bytes,
    last: bool,
    bom: bool,
    drop: int,
    compression: str,
) -> None:
    """Whatever is dropped and cut: every record, every blank line and their order come back."""
    folder = tmp_path_factory.mktemp("run")
    raw = (b"\xef\xbb\xbf" if bom else b"") + end.join(lines) + (end if last else b"")
    path = write(folder / "n.jsonl", pack(raw, compression))
    file = InputFile("n.jsonl", path, "jsonl", compression, 0, "n.jsonl")
    originals: dict[str, str] = {}

    def judge(id: str, text: str) -> str | None:
        originals[id] = text
        return None if drop >> len(originals) % 8 & 1 else text[::2]

    done = rewrite_file(file, judge, folder / "c", folder / "d", ids=Ids())
    dropped = folder / "d" if done.lines else None
    assert (folder / "d").exists() == bool(done.lines)
    clean = InputFile("n.jsonl", folder / "c", "jsonl", compression, 0, "c")
    restore_file(clean, Aside(dropped, done.lines), lambda id, text: originals[id], folder / "r", ids=Ids())
    back = unpack((folder / "r").read_bytes(), compression)
    assert back.startswith(b"\xef\xbb\xbf") == bom

    def parsed(raw: bytes) -> list[Any]:
        lines = raw.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        return [list(json.loads(line).items()) if line.strip() else line for line in lines]

    assert parsed(back) == parsed(raw)
    if b"\\" not in raw:
        assert back == raw


@pytest.mark.parametrize(
    ("lines", "dropped"),
    [((2, 5), b'{"text":"b"}\n'), ((2,), b'{"text":"b"}\n{"text":"c"}\n'), ((9,), b'{"text":"b"}\n')],
)
def test_dropped_records_that_do_not_fit_their_lines_are_refused(
    tmp_path: Path, lines: tuple[int, ...], dropped: bytes
) -> None:
    """Too many, too few, or in no possible place."""
    write(tmp_path / "c", '{"text":"a"}\n')
    write(tmp_path / "d", dropped)
    file = InputFile("n.jsonl", tmp_path / "c", "jsonl", "", 0, "c")
    with pytest.raises(BadRun):
        restore_file(file, Aside(tmp_path / "d", lines), lambda id, text: text, tmp_path / "r", ids=Ids())
