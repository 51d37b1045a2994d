"""The command as a person meets it: in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

A = "市水务局昨日通报，城西水厂的扩建工程已经全部完工，日供水能力提高到十五万立方米，可以满足未来十年的需要。"
B = "新建的输水管线长二十一公里，从石门水库直达城区，途中经过三个乡镇，沿线的村庄也将陆续接入这一管网系统。"
C = "水厂负责人表示，净化工艺增加了活性炭过滤和紫外线消毒两道工序，出厂水的浊度比国家标准的要求还要低一半。"


def run(*words: object, stdin: bytes = b"", cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess:
    """`dedup` with these words."""
    return subprocess.run(
        [sys.executable, "-m", "dedup", *map(str, words)],
        input=stdin,
        capture_output=True,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three articles, of which the second repeats passages of the first."""
    news = tmp_path / "news"
    (news / "site").mkdir(parents=True)
    (news / "one.txt").write_text(f"{A}\n{B}\n{C}\n", encoding="utf-8")
    (news / "site" / "two.txt").write_text(
        f"快讯\r\n{A}\r\n{C}\r\n另一条很长的消息：{B[:20]}今天上午在石门镇举行了隆重的竣工仪式，数百名群众到场。",
        encoding="utf-8",
        newline="",
    )
    (news / "three.txt").write_text("", encoding="utf-8")
    return news


def jsonl(*records: dict) -> bytes:
    """Records as JSONL."""
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, by its relative path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_clean_then_restore_gives_the_files_back(folder, tmp_path):
    """Byte for byte; the run leaves the files that the README names, and the closing line has the sums."""
    done = run("clean", folder, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    assert "3 articles read, 0 cut whole, 1 shortened" in done.stderr.decode()
    names = set(tree(tmp_path / "out"))
    assert names == {
        "clean/one.txt",
        "clean/three.txt",
        "clean/site/two.txt",
        "findings.jsonl",
        "families.jsonl",
        "summary.json",
        "timings.json",
        "report.html",
    } | (names & {"places.jsonl"})
    cleaned = (tmp_path / "out" / "clean" / "site" / "two.txt").read_bytes().decode()
    assert A not in cleaned
    assert cleaned.startswith("快讯\r\n")
    back = run("restore", tmp_path / "out", "-o", tmp_path / "back")
    assert back.returncode == 0, back.stderr
    assert tree(tmp_path / "back") == tree(folder)


def test_scan_then_apply_equals_clean(folder, tmp_path):
    """Detection and rewriting are two steps; together they are the one."""
    run("clean", folder, "-o", tmp_path / "one")
    assert run("scan", folder, "-o", tmp_path / "scanned").returncode == 0
    assert not (tmp_path / "scanned" / "clean").exists()
    applied = run("apply", tmp_path / "scanned", "-o", tmp_path / "two")
    assert applied.returncode == 0, applied.stderr
    assert tree(tmp_path / "one" / "clean") == tree(tmp_path / "two" / "clean")
    assert tree(tmp_path / "one")["findings.jsonl"] == tree(tmp_path / "two")["findings.jsonl"]


def test_edited_findings_are_applied(folder, tmp_path):
    """A cut that a person turns off is not made."""
    run("clean", folder, "-o", tmp_path / "out")
    lines = (tmp_path / "out" / "findings.jsonl").read_text(encoding="utf-8").splitlines()
    edited = [json.dumps({**json.loads(line), "removed": False}, ensure_ascii=False) for line in lines]
    (tmp_path / "edited.jsonl").write_text("\n".join(edited) + "\n", encoding="utf-8")
    done = run("apply", tmp_path / "out", "-o", tmp_path / "two", "--findings", tmp_path / "edited.jsonl")
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "two" / "clean") == tree(folder)


def test_the_same_bytes_whatever_the_hash_seed(folder, tmp_path):
    """All files but timings.json are equal from run to run."""
    for seed in ("1", "2"):
        run("clean", folder, "-o", tmp_path / seed, PYTHONHASHSEED=seed)
    one, two = tree(tmp_path / "1"), tree(tmp_path / "2")
    assert one.pop("timings.json")
    assert two.pop("timings.json")
    assert one == two


def test_stdin_to_stdout(tmp_path):
    """`--out -` writes clean JSONL and nothing else; --report keeps the rest."""
    records = [{"id": "a", "text": f"{A}\n{B}"}, {"id": "b", "text": f"{C}\n{A}"}, {"id": "c", "text": f"{B}\n{A}{C}"}]
    done = run("clean", "-", "-o", "-", "--report", tmp_path / "report", stdin=jsonl(*records))
    assert done.returncode == 0, done.stderr
    cleaned = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["id"] for record in cleaned] == ["a", "b", "c"]
    assert cleaned[1]["text"] == f"{C}\n"
    assert "findings.jsonl" in tree(tmp_path / "report")
    quiet = run("clean", "-", "-o", "-", "-q", stdin=jsonl(*records))
    assert quiet.stderr == b""
    assert quiet.stdout == done.stdout


def test_a_single_file_may_name_a_file(tmp_path):
    """The run's folder then lies beside it."""
    (tmp_path / "in.jsonl").write_bytes(jsonl({"text": A}, {"text": A}, {"text": B}))
    done = run("clean", "in.jsonl", "-o", "out.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["text"] for line in (tmp_path / "out.jsonl").read_bytes().splitlines()] == [A, B]
    assert (tmp_path / "out.jsonl.dedup" / "findings.jsonl").exists()
    again = run("clean", "in.jsonl", "-o", "out.jsonl", cwd=tmp_path)
    assert again.returncode == 2
    assert "--force" in again.stderr.decode()
    assert run("clean", "in.jsonl", "-o", "out.jsonl", "--force", cwd=tmp_path).returncode == 0


def test_against_cuts_what_the_reference_has(tmp_path):
    """Reference articles are neither written nor cut; the source names them."""
    (tmp_path / "old.jsonl").write_bytes(jsonl({"id": "x", "text": f"{A}\n{B}"}, {"id": "y", "text": f"{A}\n{B}"}))
    (tmp_path / "new.jsonl").write_bytes(jsonl({"id": "x", "text": f"{A}\n{B}"}, {"id": "z", "text": f"{C}\n{A}"}))
    done = run("clean", "new.jsonl", "-o", "out", "--against", "old.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    findings = [json.loads(line) for line in (tmp_path / "out" / "findings.jsonl").read_bytes().splitlines()]
    assert [(f["article"], f["grain"], f["source"]["against"], f["source"]["article"]) for f in findings] == [
        ("x", "article", "old.jsonl", "x"),
        ("z", "passage", "old.jsonl", "x"),
    ]
    assert [
        json.loads(line)["id"] for line in (tmp_path / "out" / "clean" / "new.jsonl").read_bytes().splitlines()
    ] == ["z"]
    restored = run("restore", "out", "-o", "back", cwd=tmp_path)
    assert restored.returncode == 0, restored.stderr
    assert (tmp_path / "back" / "new.jsonl").read_bytes() == (tmp_path / "new.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("keep", "stays"),
    [
        ("first", "a"),
        ("last", "c"),
        ("longest", "b"),
        ("field:date", "c"),
        ("field:date:desc", "b"),
        ("field:n:desc", "a"),
    ],
)
def test_keep_says_which_stays(tmp_path, keep, stays):
    """Of three copies one is kept; numbers are compared as numbers, dates as text, and what lacks the field is last."""
    (tmp_path / "in.jsonl").write_bytes(
        jsonl(
            {"id": "a", "text": f"{A}\n{B}", "date": "2020-02-05", "n": 10},
            {"id": "b", "text": f"{A}\n{B}。完", "date": "2020-02-06", "n": 9},
            {"id": "c", "text": f"{A}\n{B}", "date": "2019-12-31"},
        )
    )
    done = run("clean", "in.jsonl", "-o", "out", "--keep", keep, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    kept = [json.loads(line)["id"] for line in (tmp_path / "out" / "clean" / "in.jsonl").read_bytes().splitlines()]
    assert kept == [stays]


def test_check_exits_with_one_where_duplicates_exist(folder, tmp_path):
    """And with 0 where there are none."""
    assert run("scan", folder, "-o", tmp_path / "a", "--check").returncode == 1
    assert run("scan", folder / "one.txt", "-o", tmp_path / "b", "--check").returncode == 0


def test_a_settings_file_and_options_over_it(folder, tmp_path):
    """Options on the command line win over the file."""
    (tmp_path / "dedup.toml").write_text('threshold = 0.9\nscope = "within"\n')
    run("scan", folder, "-o", tmp_path / "out", "--config", tmp_path / "dedup.toml", "--threshold", "0.8")
    settings = json.loads((tmp_path / "out" / "summary.json").read_bytes())["settings"]
    assert (settings["threshold"], settings["scope"], settings["recall"]) == (0.8, "within", 0.95)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["clean", "nowhere", "-o", "out"], "nowhere"),
        (["clean", "news", "-o", "news/out"], "inside"),
        (["clean", "news", "-o", "full"], "in use"),
        (["clean", "news", "-o", "out", "--threshold", "7"], "threshold must lie between 0.01 and 1.0, found 7"),
        (["clean", "news", "-o", "out", "--keep", "best"], "keep must be first, last, longest or field:NAME[:desc]"),
        (["clean", "news", "-o", "out", "--keep", "field:date"], "no article has that field"),
        (["clean", "news", "-o", "out", "--config", "none.toml"], "none.toml: cannot be read"),
        (["clean", "news", "-o", "out", "--report", "r"], "--report goes with --out -"),
        (["clean", "empty", "-o", "out"], "holds no article"),
        (["clean", "null.jsonl", "-o", "out"], 'null.jsonl:2: field "text" must be a string, found null'),
        (["clean", "null.jsonl", "-o", "out"], "or pass --on-error skip"),
        (["clean", "news", "-o", "out", "--encoding", "klingon"], "encoding must be auto or an encoding such as"),
        (["clean", "news", "-o", "out", "--max-record", "10"], "at most 10 bytes"),
        (["clean", "news", "-o", "out", "--max-unpacked", "64x"], "expected a number of bytes such as"),
        (["clean"], "Missing argument"),
        (["apply", "full", "-o", "out"], "full"),
        (["restore", "news", "-o", "out"], "news"),
        (["report", "news"], "news"),
        (["nonsense"], "No such command"),
    ],
)
def test_mistakes_exit_with_two_and_say_what_to_do(folder, tmp_path, words, message):
    """No traceback, nothing on stdout, nothing written."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "empty").mkdir()
    (tmp_path / "null.jsonl").write_bytes(jsonl({"text": A}, {"text": None}))
    before = tree(tmp_path)
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    assert done.stdout == b""
    assert tree(tmp_path) == before


@pytest.mark.parametrize("command", ["", "clean", "scan", "apply", "restore", "report"])
def test_help_explains_every_command(command):
    """And says what each option's default is."""
    done = run(*[word for word in [command] if word], "--help")
    assert done.returncode == 0
    text = done.stdout.decode()
    assert "Usage:" in text
    if command in ("clean", "scan"):
        for name in ("--threshold", "--recall", "--keep", "--against", "--min-chars", "--config", "[default: 0.7]"):
            assert name in text


def test_skipped_records_are_listed_and_counted(tmp_path):
    """In rejected.jsonl, in the closing line and in the summary; those of references too."""
    (tmp_path / "in.jsonl").write_bytes(jsonl({"text": A}, {"text": None}, {"body": B}) + b"{\n")
    (tmp_path / "old.jsonl").write_bytes(jsonl({"text": B}) + b"[]\n")
    done = run("clean", "in.jsonl", "-o", "out", "--on-error", "skip", "--against", "old.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 articles read, 4 rejected, 0 cut whole" in done.stderr.decode()
    lines = [json.loads(line) for line in (tmp_path / "out" / "rejected.jsonl").read_bytes().splitlines()]
    assert [(line["file"], line["line"], line.get("against")) for line in lines] == [
        ("in.jsonl", 2, None),
        ("in.jsonl", 3, None),
        ("in.jsonl", 4, None),
        ("old.jsonl", 2, "old.jsonl"),
    ]
    summary = json.loads((tmp_path / "out" / "summary.json").read_bytes())
    assert (summary["counts"]["rejected"], summary["on_error"]) == (4, "skip")
    back = run("restore", "out", "-o", "back", cwd=tmp_path)
    assert back.returncode == 0, back.stderr
    assert (tmp_path / "back" / "in.jsonl").read_bytes() == (tmp_path / "in.jsonl").read_bytes()


def test_the_encoding_of_the_input_is_that_of_the_output(tmp_path):
    """And stdout is UTF-8 all the same."""
    (tmp_path / "in.csv").write_bytes(f"id,text\n1,{A}\n2,{A}\n".encode("gb18030"))
    done = run("clean", "in.csv", "-o", "out.csv", "--encoding", "gb18030", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.csv").read_bytes() == f"id,text\n1,{A}\n".encode("gb18030")
    done = run("clean", "in.csv", "-o", "-", "--encoding", "gb18030", cwd=tmp_path)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"id": "1", "text": A}]


def test_help_does_not_wait_for_numpy():
    """The heavy imports are made where they are used."""
    code = "import sys, dedup.cli; assert not {'numpy', 'orjson', 'jinja2', 'tqdm', 'datasketch'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(tmp_path, how):
    """Exit code 130, one line, no output folder and no half-written stage."""
    (tmp_path / "in.jsonl").write_bytes(jsonl(*({"text": f"{number}{A}{B}{C}" * 5} for number in range(20000))))
    before = tree(tmp_path)
    child = subprocess.Popen(
        [sys.executable, "-m", "dedup", "clean", "in.jsonl", "-o", "out"], cwd=tmp_path, stderr=subprocess.PIPE
    )
    while not list(tmp_path.glob(".out.partial-*")):
        assert child.poll() is None, "it ended before it began to write"
        time.sleep(0.01)
    child.send_signal(how)
    _, said = child.communicate()
    assert child.returncode == 130, said
    assert said.decode().strip().endswith("dedup: interrupted; nothing was written")
    assert tree(tmp_path) == before
