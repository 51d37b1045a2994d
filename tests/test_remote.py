"""Places that are no local folder: URLs in and out, patterns."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from test_articles import texts, write
from test_formats import A, B, C, pa, pq, run, stored

from dedup import runs
from dedup.articles import read_articles
from dedup.errors import BadInput, BadRun

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("pyarrow")


@pytest.fixture
def memory() -> Iterator[Any]:
    """fsspec's file system in memory, empty before and after."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pseudo_dirs[:] = [""]
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


@pytest.fixture
def corpus_files(tmp_path: Path) -> Path:
    """A text file, JSONL, and Parquet; the third repeats the first."""
    folder = tmp_path / "in"
    write(folder / "a.txt", f"{A}\n{B}\n")
    write(folder / "sub" / "n.jsonl.gz", gzip.compress(json.dumps({"text": f"{C}\n{A}"}).encode(), mtime=0))
    pq.write_table(pa.table({"text": [f"{B}\n新"], "n": [1]}), folder / "sub" / "p.parquet")
    return folder


def test_a_corpus_elsewhere_is_cleaned_and_restored_elsewhere(memory: Any, corpus_files: Path, tmp_path: Path) -> None:
    """The same files as from a local folder, and the same back."""
    memory.put(str(corpus_files), "/news", recursive=True)
    memory.pipe("/news/.hidden/x.txt", b"x")
    run(corpus_files, tmp_path / "local")
    corpus = run("memory://news", "memory://out")  # type: ignore[arg-type]
    assert corpus.warnings == ("skipped 1 hidden file or folder: .hidden/x.txt",)
    memory.get("/out", str(tmp_path / "remote"), recursive=True)
    local, elsewhere = stored(tmp_path / "local"), stored(tmp_path / "remote")
    for part in (local, elsewhere):
        del part["timings.json"], part["summary.json"]
    assert local == elsewhere
    assert json.loads((tmp_path / "remote" / "summary.json").read_bytes())["inputs"] == corpus.inputs()
    runs.restore_run("memory://out", "memory://back")
    memory.get("/back", str(tmp_path / "back"), recursive=True)
    back = stored(tmp_path / "back")
    assert pq.read_table(tmp_path / "back/sub/p.parquet").equals(pq.read_table(corpus_files / "sub/p.parquet"))
    original = stored(corpus_files)
    del back["sub/p.parquet"], original["sub/p.parquet"]
    assert json.loads(back.pop("sub/n.jsonl.gz")) == json.loads(original.pop("sub/n.jsonl.gz"))
    assert back == original
    runs.apply_run("memory://out", tmp_path / "again")
    assert stored(tmp_path / "again" / "clean").keys() == {name[6:] for name in local if name.startswith("clean/")}


def test_an_output_elsewhere_that_is_in_use_needs_force(memory: Any, tmp_path: Path) -> None:
    """With it the old run goes, and what else lies there stays."""
    write(tmp_path / "in" / "a.txt", A)
    for name in ("clean/old.txt", "dropped/old.txt", "mine.txt", "summary.json"):
        memory.pipe(f"/out/{name}", b"old")
    with pytest.raises(BadRun, match="in use; pass --force"), runs.stage("memory://out"):
        pass
    with runs.stage("memory://out", force=True) as stage:
        write(stage / "clean" / "a.txt", A)
        write(stage / "summary.json", "{}")
    assert sorted(memory.find("/out")) == ["/out/clean/a.txt", "/out/mine.txt", "/out/summary.json"]
    assert memory.cat("/out/summary.json") == b"{}"


def test_force_replaces_runs_alone_elsewhere(memory: Any) -> None:
    """What no run left is refused before anything is written; so is a file."""
    memory.pipe("/m/clean/precious.txt", b"x")
    with pytest.raises(BadRun, match=r'holds no run .* but "clean"'), runs.stage("memory://m", force=True):
        pass
    with pytest.raises(BadRun, match="is a file"), runs.stage("memory://m/clean/precious.txt", force=True):
        pass
    assert memory.find("/m") == ["/m/clean/precious.txt"]


@pytest.mark.parametrize(
    ("source", "out"),
    [
        ("memory://out/clean/", "memory://out"),
        ("memory://out", "memory:///out/"),
        ("memory:///in", "memory://in/out"),
        ("simplecache::memory://out/a.txt", "memory://out"),
        ("memory://x", "memory://"),
        ("{here}/in", "file://{here}"),
        ("file://{here}/in", "{here}/in/out"),
    ],
)
def test_neither_input_nor_output_lies_in_the_other_elsewhere(source: str, out: str, tmp_path: Path) -> None:
    """However the URLs are spelled."""
    with pytest.raises(BadRun, match="lies inside"):
        runs.check_places([source.format(here=tmp_path)], out.format(here=tmp_path))


def test_neighbours_elsewhere_do_not_lie_in_each_other(tmp_path: Path) -> None:
    """Though one name begins with the other, or only the protocols differ."""
    runs.check_places(["memory://news", str(tmp_path), "-"], "memory://news-out")
    runs.check_places(["memory://news"], "/news")


def test_a_run_elsewhere_is_not_restored_into_itself(memory: Any, corpus_files: Path) -> None:
    """Nor is what a pattern found in it replaced."""
    run(corpus_files, "memory://q")  # type: ignore[arg-type]
    before = {name: memory.cat(name) for name in memory.find("/q")}
    for again in (runs.apply_run, runs.restore_run):
        with pytest.raises(BadRun, match="lies inside"):
            again("memory://q", "memory://q", force=True)
    pattern = "memory://[q]/clean/*.txt"
    with pytest.raises(BadRun, match=r"input memory:///q/clean/a\.txt lies inside"):
        runs.check_places([pattern], "memory://q", read_articles(pattern).files)
    assert {name: memory.cat(name) for name in memory.find("/q")} == before


def test_a_failure_leaves_nothing_elsewhere(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither before nor in the middle of sending."""

    def interrupted() -> None:
        with runs.stage("memory://out") as stage:
            write(stage / "a.txt", A)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not memory.exists("/out")
    real = type(memory).put_file

    def full(self: Any, here: str, there: str, **options: Any) -> None:
        if there.endswith("summary.json"):
            raise OSError("quota exceeded")
        real(self, here, there, **options)

    monkeypatch.setattr(type(memory), "put_file", full)

    def sends() -> None:
        with runs.stage("memory://out") as stage:
            write(stage / "summary.json", "{}")
            write(stage / "z.txt", "z")

    with pytest.raises(BadRun, match="memory://out: cannot be written: quota exceeded"):
        sends()
    assert memory.find("/out") == []
    memory.pipe({"/out/summary.json": b"old", "/out/clean/a.txt": b"old"})

    def replaces() -> None:
        with runs.stage("memory://out", force=True) as stage:
            write(stage / "summary.json", "{}")
            write(stage / "clean" / "z.txt", "z")

    with pytest.raises(BadRun, match="may be replaced by now: cannot be written: quota exceeded"):
        replaces()
    assert sorted(memory.find("/out")) == ["/out/clean/a.txt", "/out/summary.json"]


def test_patterns_match_here_and_elsewhere(memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names begin where the pattern does; several patterns get prefixes; links are skipped."""
    for name in ("x/a.jsonl", "x/b.csv", "x/y/c.txt", "x/y/.d.txt"):
        content = {"l": '{"text": "1"}\n', "v": "text\n2\n", "t": "3"}[name[-1]]
        write(tmp_path / name, content)
        memory.pipe(f"/{name}", content.encode())
    (tmp_path / "x" / "link.csv").symlink_to(tmp_path / "x" / "b.csv")
    monkeypatch.chdir(tmp_path)
    assert texts(read_articles("x/*.jsonl")) == {"a.jsonl:1": "1"}
    corpus = read_articles("x/**/*")
    assert texts(corpus) == {"a.jsonl:1": "1", "b.csv:2": "2", "y/c.txt": "3"}
    assert corpus.warnings == ("skipped 1 symbolic link: link.csv",)
    assert texts(read_articles("x/*.jsonl", "x/y/*.txt")) == {"x/a.jsonl:1": "1", "y/c.txt": "3"}
    assert texts(read_articles("memory://x/*.csv")) == {"b.csv:2": "2"}
    assert texts(read_articles("memory://x/**")) == {"a.jsonl:1": "1", "b.csv:2": "2", "y/c.txt": "3"}
    with pytest.raises(BadInput, match=r"x/\*\.zip: matches no file"):
        read_articles("x/*.zip")


def test_a_pattern_does_not_follow_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is named once; one that the pattern itself names is followed."""
    write(tmp_path / "d" / "z.jsonl", '{"text": "1"}\n')
    (tmp_path / "d" / "link").symlink_to(".")
    monkeypatch.chdir(tmp_path)
    corpus = read_articles("d/**/*.jsonl")
    assert texts(corpus) == {"z.jsonl:1": "1"}
    assert corpus.warnings == ("skipped 1 symbolic link: link/",)
    assert texts(read_articles("d/link/*.jsonl")) == {"z.jsonl:1": "1"}


@pytest.fixture
def server(corpus_files: Path) -> Iterator[str]:
    """A web server of this machine over the folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(corpus_files))) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", {"a.txt": f"{A}\n{B}\n"}),
        ("a.txt?token=1", {"a.txt": f"{A}\n{B}\n"}),
        ("sub/n.jsonl.gz", {"n.jsonl.gz:1": f"{C}\n{A}"}),
        ("sub/p.parquet", {"p.parquet:1": f"{B}\n新"}),
        ("sub/", {"n.jsonl.gz:1": f"{C}\n{A}", "p.parquet:1": f"{B}\n新"}),
    ],
)
def test_files_are_read_from_a_web_server(server: str, name: str, expected: dict[str, str]) -> None:
    """Again and again; a listing is a folder."""
    pytest.importorskip("aiohttp")
    corpus = read_articles(f"{server}/{name}")
    assert texts(corpus) == expected
    assert texts(corpus) == expected


def test_a_large_file_of_a_server_that_sends_no_parts_is_read(server: str, corpus_files: Path) -> None:
    """As Python's own server: more than fsspec takes at once."""
    pytest.importorskip("aiohttp")
    lines = [json.dumps({"text": f"{number} {A * 1000}"}) for number in range(20)]
    path = write(corpus_files / "large.jsonl", "\n".join(lines))
    assert path.stat().st_size > 5 << 20
    corpus = read_articles(f"{server}/large.jsonl")
    assert [article.text for article in corpus] == [json.loads(line)["text"] for line in lines]
    assert len(list(corpus)) == 20


class Broken(SimpleHTTPRequestHandler):
    """Breaks off half-way, announces too much or too little, leads in a circle, or answers with an error."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer(b"")

    def do_GET(self) -> None:
        self.answer(b'{"text": "' + A.encode() * 2000 + b'"}\n')

    def answer(self, body: bytes) -> None:
        name = self.path[1:].split(".")[0]
        whole = len(b'{"text": "' + A.encode() * 2000 + b'"}\n')
        length = {"half": whole, "long": 2 * whole, "short": whole // 2}.get(name, 0)
        self.send_response({"circle": 302, "error": 500, "forbidden": 403}.get(name, 200))
        self.send_header("Content-Length", str(length))
        if name == "circle":
            self.send_header("Location", self.path)
        self.end_headers()
        if length:
            self.wfile.write(body[: whole // 2] if name == "half" else body)
        self.close_connection = True


@pytest.mark.parametrize("name", ["half", "long", "short", "circle", "error", "forbidden"])
def test_a_web_server_that_misbehaves_is_one_clear_line(name: str, tmp_path: Path) -> None:
    """Not half of a file for the whole, and no output; where files may be passed over, the others are read."""
    pytest.importorskip("aiohttp")
    with ThreadingHTTPServer(("127.0.0.1", 0), Broken) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{running.server_address[1]}/{name}.jsonl"
            with pytest.raises(BadInput) as caught:
                run(url, tmp_path / "out")  # type: ignore[arg-type]
            message = str(caught.value)
            good = write(tmp_path / "good.txt", A)
            if name in ("half", "long", "short"):  # the others are no files
                corpus = read_articles(url, good, on_error="skip")
                assert [article.text for article in corpus] == [A]
                assert [record.file for record in corpus.rejected] == [f"{name}.jsonl"]
        finally:
            running.shutdown()
            thread.join()
    assert message.startswith(f"{url}:")
    assert "\n" not in message
    assert len(message) < 600
    assert not (tmp_path / "out").exists()


def test_what_the_server_lacks_is_one_clear_line(server: str) -> None:
    """With the URL."""
    pytest.importorskip("aiohttp")
    with pytest.raises(BadInput) as caught:
        list(read_articles(f"{server}/nothing.txt"))
    assert str(caught.value).startswith(f"{server}/nothing.txt: cannot be read: ")
    assert "\n" not in str(caught.value)


def test_the_command_reads_and_writes_urls(server: str, tmp_path: Path) -> None:
    """From a web server into a folder that is named by a URL; apply finds the inputs again after a scan."""
    pytest.importorskip("aiohttp")

    def command(*words: str) -> None:
        done = subprocess.run([sys.executable, "-m", "dedup", *words], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()

    out = (tmp_path / "out").as_uri()
    command("clean", f"{server}/a.txt", f"{server}/sub/n.jsonl.gz", "-o", out)
    command("restore", out, "-o", str(tmp_path / "back"))
    assert (tmp_path / "back" / "a.txt").read_text(encoding="utf-8") == f"{A}\n{B}\n"
    command("scan", f"{server}/a.txt", f"{server}/sub/n.jsonl.gz", "-o", str(tmp_path / "scan"))
    command("apply", str(tmp_path / "scan"), "-o", str(tmp_path / "applied"))
    assert stored(tmp_path / "applied" / "clean") == stored(tmp_path / "out" / "clean")


def test_a_run_elsewhere_is_reported_and_evaluated(server: str, tmp_path: Path) -> None:
    """As one that lies here."""
    pytest.importorskip("aiohttp")
    write(tmp_path / "labels.jsonl", json.dumps({"type": "pair", "a": "a.txt", "b": "n.jsonl.gz:1", "same": True}))
    out = tmp_path / "out"

    def command(*words: str) -> str:
        done = subprocess.run([sys.executable, "-m", "dedup", *words], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    command("clean", f"{server}/a.txt", f"{server}/sub/n.jsonl.gz", "-o", str(out))
    page = (out / "report.html").read_bytes()
    names = sorted(path.name for path in out.iterdir())
    (out / "report.html").unlink()
    for place in (out.as_uri(), str(out)):
        command("report", place)
        assert (out / "report.html").read_bytes() == page
        assert sorted(path.name for path in out.iterdir()) == names
    labels = ("--labels", str(tmp_path / "labels.jsonl"), "--json")
    here, there = (json.loads(command("evaluate", place, *labels)) for place in (str(out), out.as_uri()))
    assert {**here, "run": 0} == {**there, "run": 0}


def test_a_question_mark_begins_the_query_of_a_web_page(server: str) -> None:
    """What stands behind it is no pattern, and a pattern has none; where a bracket is part of a name, it is that."""
    pytest.importorskip("aiohttp")
    assert texts(read_articles(f"{server}/a.txt?name=*[x]")) == {"a.txt": f"{A}\n{B}\n"}
    assert texts(read_articles(f"{server}/sub/*.gz")) == {"n.jsonl.gz:1": f"{C}\n{A}"}
    with pytest.raises(BadInput, match="expected a pattern without a query"):
        read_articles(f"{server}/sub/*.gz?token=1")
    with pytest.raises(BadInput, match="the pattern matches nothing"):
        read_articles(f"{server}/sub/*.zip")


def test_a_bracket_may_be_part_of_a_name_elsewhere(memory: Any) -> None:
    """As it may here."""
    memory.pipe({"/x/a[1].txt": A.encode(), "/x/a1.txt": B.encode()})
    assert texts(read_articles("memory://x/a[1].txt")) == {"a[1].txt": A}
    memory.rm_file("/x/a[1].txt")
    assert texts(read_articles("memory://x/a[1].txt")) == {"a1.txt": B}


@pytest.mark.parametrize(("url", "words"), [("nosuch://x/y", "nosuch"), ("memory://nowhere", "there is nothing")])
def test_a_url_that_leads_nowhere_is_one_clear_line(memory: Any, url: str, words: str) -> None:
    """An unknown protocol, nothing there."""
    with pytest.raises(BadInput, match=words) as caught:
        read_articles(url)
    assert str(caught.value).startswith(f"{url}: ")


def test_without_fsspec_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, no ImportError."""
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(BadInput, match=r"pip install 'dedup-articles\[remote\]'"):
        read_articles("s3://bucket/news.jsonl")
