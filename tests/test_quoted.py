"""Texts that stand in the files that were read are read there again, and are what they were."""

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from corpora import sentence

from dedup import local
from dedup.articles import files, quoted, read_articles, rows
from dedup.errors import BadInput
from dedup.settings import Settings
from dedup.strings import OwnTexts
from dedup.tables import Tables, from_stage, read_tables, stage_of
from dedup.work import Work

STRINGS = [
    "",
    "长江日报",
    'a "quote" and a \\ backslash / slash',
    "\x00\x01\x1f\x7f",
    "\u2028\u2029\x85\ufeff",
    "𠮷😀" * 9,
    "line\nline\r\n\tline\n",
    "}\n{",
    "é" * 70,
]


def spelled(rng: random.Random, text: str) -> bytes:
    """A string of JSON, its characters as they are or escaped, as some writer may do it."""
    short = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
    much = rng.choice([0.0, 0.1, 1.0])
    signs = []
    for sign in text:
        if sign in short and (sign in '"\\' or sign < " " or rng.random() < 0.5):
            signs.append(short[sign])
        elif sign < " " or rng.random() < much:
            units = np.frombuffer(sign.encode("utf-16-be"), ">u2").tolist()
            signs += [rng.choice(["\\u%04x", "\\u%04X"]) % unit for unit in units]
        else:
            signs.append(sign)
    return b'"%b"' % "".join(signs).encode()


def line(rng: random.Random, number: int, odd: float) -> bytes:
    """A record as most are, or one that is left to slower parsers, or none."""
    text = spelled(rng, "\n".join(rng.choice([*STRINGS, sentence(rng)]) for _ in range(rng.randrange(1, 5))))
    kind = rng.random() / odd if odd else 1.0
    if kind < 0.04:
        return rng.choice([b"", b" \t", b'{"text": 3}', b"{", b"\xff", b'{"text": "\\ud800"}'])
    if kind < 0.06:
        return b'{"text": "gone", "text": %b}' % text
    if kind < 0.08:
        return b'{"text": %b, "n": NaN}' % text
    white = rng.choice([b"", b" ", b" \t"])
    id = rng.choice([b'"a%d"' % number, b'"again"', *[b"%d" % number] * (odd > 0)])
    name = rng.choice([b'"text"', b'"te\\u0078t"'])
    fields = [b"%b:%b%b" % (name, white, text), b'"id":%b' % id, b'"d":{"text":["x"]}', b'"date":"%d"' % (number % 5)]
    rng.shuffle(fields)
    return white + b"{" + b",".join(fields) + white + b"}" + white


def hostile(rng: random.Random, count: int, odd: float = 1) -> bytes:
    """A file; *odd* times as many records as mostly are left to slower parsers."""
    end = rng.choice([b"\n", b"\r\n"])
    body = end.join(line(rng, number, odd) for number in range(count))
    return rng.choice([b"", b"\xef\xbb\xbf"]) + body + rng.choice([b"", end])


def tables_of(path: object, work: Work, settings: Settings | None = None) -> Tables:
    return read_tables(path, None, settings or Settings(), lambda *_: None, work)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("seed", range(12))
def test_what_is_read_again_is_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, workers: int
) -> None:
    """Whatever the spelling, parts that are copied between those that stand, several files, in any order."""
    rng = random.Random(seed)
    for name, odd in (("a.jsonl", 1), ("b.jsonl", 0), ("c.jsonl", 0.2)):
        (tmp_path / name).write_bytes(hostile(rng, 80, odd))
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(hostile(rng, 30)))
    (tmp_path / "d.txt").write_text("one text", encoding="utf-8")
    monkeypatch.setattr(rows, "PART", rng.choice([1, 600, 3000, 1 << 20]))
    monkeypatch.setattr(quoted, "_GAP", rng.choice([0, 300, 1 << 16]))
    monkeypatch.setattr(quoted, "_TOGETHER", rng.choice([1, 500, 1 << 21]))
    corpus = read_articles(tmp_path, on_error="skip")
    expected = [article.text for article in corpus]
    for keep in ("first", "last", "longest", "field:date"):
        with Work(workers=workers, forks=True) as work:
            tables = tables_of(read_articles(tmp_path, on_error="skip"), work, Settings(keep=keep))
            texts = tables.texts
            assert isinstance(texts, OwnTexts)
            assert {-1, 1}.issubset(texts.where.file.tolist())
            in_order = [""] * len(texts)
            for place, article in enumerate(tables.read.tolist()):
                in_order[place] = texts[article]
            assert in_order == expected
            assert texts.strings(tables.read) == expected
            for _ in range(9):
                some = np.array(rng.choices(range(len(texts)), k=rng.randrange(50)), np.int64)
                utf8, offsets = texts.of(some)
                found = [utf8[low:high].tobytes().decode() for low, high in pairwise(offsets.tolist())]
                assert found == [texts[article] for article in some.tolist()]
            assert list(texts[3:9]) == [texts[article] for article in range(3, 9)]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("settings", [{}, {"keep": "last"}, {"passage": "blank"}, {"keep": "field:date:desc"}])
def test_findings_are_those_of_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict, workers: int
) -> None:
    """With references, of which no text is told."""
    rng = random.Random(5)
    (tmp_path / "x.jsonl").write_bytes(hostile(rng, 300))
    (tmp_path / "old.jsonl").write_bytes(hostile(rng, 50))
    monkeypatch.setattr(rows, "PART", 2000)
    corpus, old = (read_articles(tmp_path / name, on_error="skip") for name in ("x.jsonl", "old.jsonl"))

    def told(articles: object, against: object) -> list[list[bytes]]:
        with Work(workers=workers, forks=True) as work:
            found = local.judged(articles, Settings(**settings), work, {"old": against})
            return [b"".join(found.family_lines()).splitlines(), b"".join(found.finding_lines()).splitlines()]

    families, findings = told(corpus, old)
    assert families
    assert len(findings) > 100
    assert [families, findings] == told(list(corpus), list(old))


def test_only_what_stands_as_it_is_in_a_file_is_not_copied(tmp_path: Path) -> None:
    """Not what is packed, in another encoding, in a table or a file of its own."""
    record = '{"id": "a", "text": "长江日报"}\n'
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(record.encode()))
    (tmp_path / "a.csv").write_text("id,text\na,b\n", encoding="utf-8")
    (tmp_path / "a.txt").write_text("a", encoding="utf-8")
    (tmp_path / "a.jsonl").write_text(record, encoding="utf-8")
    (tmp_path / "wide.jsonl").write_text(record, encoding="utf-16")
    (tmp_path / "gb.jsonl").write_text(record, encoding="gb18030")
    for name, encoding, stands in (
        ("a.jsonl.gz", "utf-8", False),
        ("a.csv", "utf-8", False),
        ("a.txt", "utf-8", False),
        ("wide.jsonl", "utf-16", False),
        ("gb.jsonl", "gb18030", False),
        ("a.jsonl", "utf-8", True),
        ("a.jsonl", "auto", True),
    ):
        with Work() as work:
            tables = tables_of(read_articles(tmp_path / name, encoding=encoding), work)
            assert isinstance(tables.texts, OwnTexts) == stands
            assert next(iter(tables.texts)) in ("长江日报", "a", "b")


def test_what_stays_in_a_file_is_not_taken_for_empty(tmp_path: Path) -> None:
    """Tables that were kept need the corpus that they were made of."""
    path = tmp_path / "x.jsonl"
    path.write_text('{"text": "长江日报"}\n', encoding="utf-8")
    with Work() as work:
        stage = stage_of(tables_of(read_articles(path), work), None)
        assert list(from_stage(stage, read_articles(path)).texts.where.file) == [0]
        with pytest.raises(AssertionError):
            from_stage(stage, list(read_articles(path)))


def test_a_huge_record_between_small_ones(tmp_path: Path) -> None:
    """It is read alone."""
    texts = ["a", "长" * (1 << 20), "b", "é\n" * (1 << 20), ""]
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    with Work() as work:
        tables = tables_of(read_articles(path), work)
        assert isinstance(tables.texts, OwnTexts)
        assert list(tables.texts) == texts
        assert tables.texts.strings(np.array([4, 2, 0])) == ["", "b", "a"]


def rewritten(path: Path) -> None:
    """Of the same size, and as if it had not been written to."""
    status = path.stat()
    path.write_bytes(path.read_bytes().replace(b"\\u6c5f", b"\\u6cb3"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def replaced(path: Path) -> None:
    """The same."""
    path.with_name("new").write_bytes(path.read_bytes())
    os.utime(path.with_name("new"), ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    path.with_name("new").replace(path)
    rewritten(path)


def cut_short(path: Path) -> None:
    os.truncate(path, 100)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def grown(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\n")


def removed(path: Path) -> None:
    path.unlink()


def touched(path: Path) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def copied(path: Path) -> None:
    path.with_name("new").write_bytes(path.read_bytes())
    path.with_name("new").replace(path)


def linked(path: Path) -> None:
    path.with_name("other").hardlink_to(path)


@pytest.mark.parametrize("change", [touched, copied, linked])
def test_a_file_of_the_same_bytes_has_not_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    """They are hashed once more, and not each time."""
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps({"text": f"长江{n}"}) + "\n" for n in range(50)), encoding="utf-8")
    hashed = []
    sha256 = files.Meter.sha256
    monkeypatch.setattr(files.Meter, "sha256", lambda meter: hashed.append(meter) or sha256(meter))
    with Work() as work:
        texts = tables_of(read_articles(path), work).texts
        change(path)
        before = len(hashed)
        assert texts[0] == "长江0"
        assert texts.strings(np.arange(50)) == [f"长江{n}" for n in range(50)]
        assert len(hashed) == before + 1


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


CHANGES = {
    rewritten: "has changed since it was read first; start again when nothing writes to it",
    replaced: "has changed since it was read first",
    cut_short: "has changed since it was read first",
    emptied: "has changed since it was read first",
    grown: "has changed since it was read first",
    removed: "cannot be read: No such file or directory; see to the file",
    a_folder: "cannot be read: Is a directory; see to the file",
}


@pytest.mark.parametrize(("change", "message"), CHANGES.items(), ids=[change.__name__ for change in CHANGES])
def test_a_file_that_has_changed_is_an_error(tmp_path: Path, change: Callable[[Path], None], message: str) -> None:
    """Whichever text is asked for, and however."""
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps({"text": "长江" * 50, "n": n}) + "\n" for n in range(50)), encoding="utf-8")
    with Work() as work:
        texts = tables_of(read_articles(path), work).texts
        assert texts[0] == "长江" * 50
        change(path)
        for ask in (lambda: texts[0], lambda: texts.of(np.array([49, 7])), lambda: list(texts)):
            with pytest.raises(BadInput, match=f"x.jsonl: {message}"):
                ask()


def test_a_file_that_changes_while_it_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked at before and behind."""
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps({"text": f"长江{n}"}) + "\n" for n in range(50)), encoding="utf-8")
    fill = quoted._fill

    def late(*words: object) -> bool:
        done = fill(*words)
        rewritten(path)
        return done

    with Work() as work:
        texts = tables_of(read_articles(path), work).texts
        monkeypatch.setattr(quoted, "_fill", late)
        with pytest.raises(BadInput, match="has changed"):
            _ = texts[0]


@pytest.mark.parametrize(
    ("old", "new"), [(b"\\u6c5f", b"\\\\6c5f"), (b'"\\u', b"1\\u"), (b"\\u957f", b"\\ud800"), (b"\\u957f", b"      ")]
)
def test_where_times_tell_nothing_the_texts_must_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes, new: bytes
) -> None:
    """A string with as many code points must stand where one stood."""
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps({"text": f"长江{n}"}) + "\n" for n in range(50)), encoding="utf-8")
    monkeypatch.setattr(files.Stored, "of", lambda opened: files.Stored(0, 0, 0, 0, 0))
    with Work() as work:
        texts = tables_of(read_articles(path), work).texts
        assert texts[0] == "长江0"
        path.write_bytes(path.read_bytes().replace(old, new))
        with pytest.raises(BadInput, match="has changed"):
            _ = texts[0]


def dedup(*words: object, cwd: Path, code: str = "") -> subprocess.CompletedProcess:
    """The command, with something done to it before."""
    start = f"{code}\nfrom dedup.cli import main\nif __name__ == '__main__':\n    main()"
    return subprocess.run([sys.executable, "-c", start, *map(str, words)], cwd=cwd, capture_output=True, check=False)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A file in which much repeats."""
    rng = random.Random(2)
    texts = [f"{sentence(rng)}\n" * 3 for _ in range(40)]
    records = [json.dumps({"id": f"a{number}", "text": text}) for number, text in enumerate(texts * 2)]
    (tmp_path / "in.jsonl").write_text("\n".join(records), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("command", ["scan", "clean"])
@pytest.mark.parametrize(
    "change",
    [
        "open('in.jsonl', 'ab').write(b'\\n')",
        "os.truncate('in.jsonl', 9)",
        "open('in.jsonl', 'r+b').write(b' ')",
        "os.remove('in.jsonl')",
    ],
)
def test_a_change_between_reading_and_telling_ends_the_run(place: Path, command: str, change: str) -> None:
    """Nothing is written, and there is nothing of it beside the output either."""
    code = (
        "import os\nfrom dedup import local\nruns = local._runs\n"
        f"def then(*words):\n    {change}\n    return runs(*words)\nlocal._runs = then\n"
    )
    failed = dedup(command, "in.jsonl", "-o", "out", "-q", cwd=place, code=code)
    assert failed.returncode == 2
    said = failed.stderr.decode()
    assert "in.jsonl: has changed since it was read first" in said or "in.jsonl: cannot be read" in said
    assert "Traceback" not in said
    assert {path.name for path in place.iterdir()} <= {"in.jsonl"}


@pytest.mark.parametrize("where", ["here", "elsewhere", "copied"])
def test_a_run_goes_on_from_another_folder(place: Path, where: str) -> None:
    """The texts are read where the inputs lie now; that they are the same is seen by their hashes."""
    small = ["--memory", "64K", "--workers", "1", "-q"]
    assert dedup("scan", "in.jsonl", *small, "-o", "whole", cwd=place).returncode == 0
    code = (
        "import os\nfrom dedup.kept import Kept\nadd = Kept.add\n"
        "def then(kept, name, files, meta):\n    add(kept, name, files, meta)\n    os._exit(9)\nKept.add = then\n"
    )
    assert dedup("scan", "in.jsonl", *small, "-o", "out", cwd=place, code=code).returncode == 9
    kept = json.loads((place / ".out.work" / "work.json").read_bytes().split(b"\n")[1])["stages"]["reading"]["files"]
    assert {"text_file", "text_start", "text_end"} <= kept.keys()
    cwd, name = place, "in.jsonl"
    if where == "elsewhere":
        cwd, name = place / "deep", "../in.jsonl"
        cwd.mkdir()
    elif where == "copied":
        copied(place / "in.jsonl")
    done = dedup("scan", name, *small, "--resume", "-o", place / "out", cwd=cwd)
    assert done.returncode == 0, done.stderr
    for file in ("findings.jsonl", "families.jsonl"):
        assert (place / "out" / file).read_bytes() == (place / "whole" / file).read_bytes()


def test_stdin_is_read_again_from_its_copy(place: Path) -> None:
    """Which lasts as long as the run."""
    assert dedup("scan", "in.jsonl", "-q", "-o", "whole", cwd=place).returncode == 0
    start = "from dedup.cli import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", start, "scan", "-", "-q", "-o", "out"],
        cwd=place,
        input=(place / "in.jsonl").read_bytes(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (place / "out" / "findings.jsonl").read_bytes() == (place / "whole" / "findings.jsonl").read_bytes()
