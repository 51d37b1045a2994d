"""The command as a person meets it: in a process of its own."""

import gzip
import hashlib
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
    return run_module("dedup", *words, stdin=stdin, cwd=cwd, **environment)


def run_module(
    name: str, *words: object, stdin: bytes = b"", cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess:
    """A module with these words."""
    return subprocess.run(
        [sys.executable, "-m", name, *map(str, words)],
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


def test_the_page_may_be_made_later(folder, tmp_path):
    """--no-page leaves all but the page; `report` makes the one that would have been."""
    whole, bare = tmp_path / "whole", tmp_path / "bare"
    assert run("clean", folder, "-o", whole).returncode == 0
    done = run("clean", folder, "-o", bare, "--no-page")
    assert done.returncode == 0
    assert "report.html" not in done.stderr.decode()
    assert tree(whole).keys() - tree(bare).keys() == {"report.html"}
    assert run("report", bare).returncode == 0
    assert tree(bare)["report.html"] == tree(whole)["report.html"]


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


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_nothing(tmp_path, how):
    """Exit code 130, one line, no output folder and no half-written stage."""
    if signal.getsignal(how) is signal.SIG_IGN:
        pytest.skip("the signal is ignored here, as under nohup")
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


# --------------------------------------------------------------------------------- what lies around it stays as it was


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """A folder with one file of records, two of them alike."""
    (tmp_path / "in.jsonl").write_bytes(jsonl({"id": "a", "text": A}, {"id": "b", "text": A}, {"id": "c", "text": B}))
    return tmp_path


@pytest.mark.parametrize("out", ["in.jsonl", "./in.jsonl", "link.jsonl", "hard.jsonl", "there/in.jsonl"])
@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize("given", ["in.jsonl", "*n.jsonl"])
def test_an_input_is_never_overwritten(records, out, force, given):
    """Under whatever name, also with --force; nor is a reference."""
    (records / "link.jsonl").symlink_to("in.jsonl")
    (records / "hard.jsonl").hardlink_to(records / "in.jsonl")
    (records / "there").symlink_to(".")
    (records / "other.jsonl").write_bytes(jsonl({"text": C}))
    before = tree(records)
    for words in ([given], ["other.jsonl", "--against", given]):
        done = run("clean", *words, "-o", out, *force, cwd=records)
        assert done.returncode == 2
        assert "which is never overwritten; choose another name" in done.stderr.decode()
        assert tree(records) == before


def test_a_file_that_exists_is_replaced_with_force_alone(records):
    """And is not touched without."""
    (records / "out.jsonl").write_bytes(b"precious")
    done = run("clean", "in.jsonl", "-o", "out.jsonl", cwd=records)
    assert done.returncode == 2
    assert "output file out.jsonl exists; pass --force" in done.stderr.decode()
    assert (records / "out.jsonl").read_bytes() == b"precious"
    assert not (records / "out.jsonl.dedup").exists()
    assert run("clean", "in.jsonl", "-o", "out.jsonl", "--force", cwd=records).returncode == 0
    assert (records / "out.jsonl").read_bytes() == jsonl({"id": "a", "text": A}, {"id": "c", "text": B})


@pytest.mark.parametrize(
    ("given", "out"),
    [
        ("in.jsonl.gz", "y.jsonl"),
        ("in.jsonl", "y.jsonl.gz"),
        ("in.jsonl", "y.csv"),
        ("in.jsonl", "y.txt"),
        ("in.jsonl", "y.json"),
        ("in.txt", "y.jsonl"),
        ("in.txt", "y.txt.zst"),
    ],
)
def test_an_output_file_is_of_the_kind_of_the_input(tmp_path, given, out):
    """No folder is made under the name of a file of another kind, unless / says that a folder is meant."""
    raw = jsonl({"text": A}, {"text": B})
    (tmp_path / given).write_bytes(gzip.compress(raw) if given.endswith("gz") else raw)
    done = run("clean", given, "-o", out, cwd=tmp_path)
    assert done.returncode == 2
    ends = given.removeprefix("in")
    assert (
        f'--out {out}: expected the kind of the input {given}, as nothing is converted; let the name end in "{ends}"'
        in (done.stderr.decode())
    )
    assert [path.name for path in tmp_path.iterdir()] == [given]
    assert run("clean", given, "-o", f"{out}/", cwd=tmp_path).returncode == 0
    assert (tmp_path / out / "summary.json").exists()


@pytest.mark.parametrize("out", ["out", "out.2", "news.d", "y.ndjson"])
def test_names_of_folders_are_names_of_folders(records, out):
    """A dot makes no file of them; .ndjson is another name of the same kind."""
    assert run("clean", "in.jsonl", "-o", out, cwd=records).returncode == 0
    assert (records / out).is_dir() == (out != "y.ndjson")


@pytest.mark.parametrize("command", ["scan", "clean"])
def test_nothing_is_written_into_inputs_and_references(folder, tmp_path, command):
    """By clean and scan, and by apply, which knows of them from the run alone."""
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "x.txt").write_text(C, encoding="utf-8")
    for words in (["news", "--against", "old"], ["news/one.txt", "news/three.txt", "--against", tmp_path / "old"]):
        done = run(command, *words, "-o", "old/out", cwd=tmp_path)
        assert done.returncode == 2
        assert "lies inside the input" in done.stderr.decode()
    assert run(command, "news", "old", "--against", "old", "-o", "run", cwd=tmp_path).returncode == 0
    before = tree(folder), tree(tmp_path / "old")
    for out in ("news/out", "news/site/out", "old/out"):
        done = run("apply", "run", "-o", out, cwd=tmp_path)
        assert done.returncode == 2
        assert "lies inside the input" in done.stderr.decode()
    assert (tree(folder), tree(tmp_path / "old")) == before
    assert run("apply", "run", "-o", "beside", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("command", ["scan", "clean"])
def test_what_a_pattern_finds_in_the_output_is_not_replaced(folder, tmp_path, command):
    """Nor what it finds for a reference."""
    assert run("clean", "news", "-o", "out", cwd=tmp_path).returncode == 0
    before = tree(tmp_path)
    for words in (["o[u]t/clean/*.txt"], ["news", "--against", "o[u]t/clean/*.txt"]):
        done = run(command, *words, "-o", "out", "--force", cwd=tmp_path)
        assert done.returncode == 2
        assert "out/clean/one.txt lies inside the output folder out" in done.stderr.decode()
    assert tree(tmp_path) == before


def test_apply_may_write_beside_an_input_file(records):
    """Its folder was no input."""
    assert run("scan", "in.jsonl", "-o", "run", cwd=records).returncode == 0
    assert run("apply", "run", "-o", "out", cwd=records).returncode == 0


# --------------------------------------------------------------------------------------------- what is told, and where


def test_no_record_but_timings_has_an_absolute_path(tmp_path):
    """Warnings name sources, and findings references, as the output does."""
    news, old = tmp_path / "news", tmp_path / "old"
    for number in range(22):
        for place in (news, news / "site"):
            place.mkdir(exist_ok=True)
            (place / f"{number}.txt").write_text(f"{A}\n{B}\n", encoding="utf-8")
    (news / "r.jsonl").write_bytes(jsonl(*({"text": f"{A}\n{B}"} for _ in range(22))))
    old.mkdir()
    (old / "x.txt").write_text(f"{A}\n{B}\n", encoding="utf-8")
    (old / ".hidden").write_text("x")
    done = run("clean", news, "-o", tmp_path / "out", "--against", old)
    assert done.returncode == 0, done.stderr
    told = tree(tmp_path / "out")
    told.pop("timings.json")
    assert not [name for name, raw in told.items() if str(tmp_path).encode() in raw]
    summary = json.loads(told["summary.json"])
    assert summary["against"] == ["old"]
    assert [(file["against"], file["name"], file["sha256"]) for file in summary["against_inputs"]] == [
        ("old", "x.txt", hashlib.sha256(f"{A}\n{B}\n".encode()).hexdigest())
    ]
    warning = "against old: skipped 1 hidden file or folder: .hidden"
    assert warning in summary["warnings"]
    assert f"dedup: warning: {warning}" in done.stderr.decode()
    sources = [said.partition(":")[0] for said in summary["warnings"] if "articles are cut whole" in said]
    assert sources == ["news", "r.jsonl", "site"]


def test_two_references_of_one_name_are_refused(records):
    """As findings could not tell them apart; by relative paths they can."""
    for place in ("x", "y"):
        (records / place).mkdir()
        (records / place / "ref.jsonl").write_bytes(jsonl({"text": C}))
    words = ["--against", records / "x" / "ref.jsonl", "--against", records / "y" / "ref.jsonl"]
    done = run("scan", "in.jsonl", "-o", "out", *words, cwd=records)
    assert done.returncode == 2
    assert 'another reference is called "ref.jsonl"' in done.stderr.decode()
    words = ["--against", f"file://{records}/x/ref.jsonl", "--against", records / "y" / "ref.jsonl"]
    assert run("scan", "in.jsonl", "-o", "out", *words, cwd=records).returncode == 2
    words = ["--against", "x/ref.jsonl", "--against", "y/ref.jsonl"]
    assert run("scan", "in.jsonl", "-o", "out", *words, cwd=records).returncode == 0
    assert json.loads((records / "out" / "summary.json").read_bytes())["against"] == ["x/ref.jsonl", "y/ref.jsonl"]


# ------------------------------------------------------------------------------- exit code 1 means duplicates alone


@pytest.mark.parametrize("words", [["clean", "in.jsonl", "-o", "-"], ["--help"], ["clean", "--help"], ["--version"]])
@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_reader_that_leaves_is_no_duplicate(records, words, buffered):
    """Quietly, and never with exit code 1."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "dedup", *words, *(["-q"] if "-o" in words else [])],
            stdout=writer,
            stderr=subprocess.PIPE,
            cwd=records,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": buffered},
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (2, b"")


@pytest.mark.parametrize("closing", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("words", ["clean in.jsonl -o out", "--help", "clean nowhere -o out", "clean - -o out"])
def test_closed_streams_are_no_error(records, closing, words):
    """What is written elsewhere is the same; what stands on stdin is missed."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m dedup {words} {closing}', sys.executable],
        input=jsonl({"text": A}),
        capture_output=True,
        cwd=records,
        check=False,
    )
    misses = "nowhere" in words or ("clean -" in words and "<&-" in closing)
    assert done.returncode == (2 if misses else 0), done.stderr
    assert b"Traceback" not in done.stderr
    assert (records / "out" / "summary.json").exists() == (not misses and "-o" in words)


def test_stdout_that_is_closed_or_full_cannot_take_articles(records):
    """One line and exit code 2."""
    for where, said in ((">&-", "stdout is closed"), (">/dev/full", "No space left on device")):
        done = subprocess.run(
            ["sh", "-c", f'exec "$0" -m dedup clean in.jsonl -o - {where}', sys.executable],
            capture_output=True,
            cwd=records,
            check=False,
        )
        assert done.returncode == 2
        assert said in done.stderr.decode()
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("debug", ["", "option", "variable"])
def test_an_unexpected_error_is_one_line(records, debug):
    """And the traceback where it is asked for; the exit code is 2."""
    code = "import dedup.runs, sys; dedup.runs.write_clean = lambda *_: 1 / 0; from dedup.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "clean", "in.jsonl", "-o", "out", *(["--debug"] if debug == "option" else [])],
        capture_output=True,
        cwd=records,
        check=False,
        env={**os.environ, "DEDUP_DEBUG": "1" if debug == "variable" else ""},
    )
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 2
    assert lines[-1].startswith("dedup: unexpected error, ZeroDivisionError: division by zero; ")
    assert (lines[0].startswith("Traceback") and len(lines) > 3) if debug else len(lines) == 1
    assert [path.name for path in records.iterdir()] == ["in.jsonl"]


def test_too_little_memory_is_no_fault_of_the_program(records):
    """It is told in one line, with what to do."""
    code = "import dedup.runs, numpy; dedup.runs.write_clean = lambda *_: numpy.zeros(1 << 58, bool); "
    done = subprocess.run(
        [sys.executable, "-c", code + "from dedup.cli import main; main()", "clean", "in.jsonl", "-o", "out"],
        capture_output=True,
        cwd=records,
        check=False,
    )
    assert done.returncode == 2
    (said,) = done.stderr.decode().splitlines()
    assert said.startswith("dedup: there is no more memory (Unable to allocate ")
    assert "; pass a smaller --memory or --workers, " in said


def test_paths_that_are_no_utf8_are_told_in_escapes(records):
    """Of the corpus and of references; only apply after scan cannot find the input again, and says so."""
    place = os.fsencode(records) + b"/\xff"
    os.mkdir(place)  # noqa: PTH102 (a path of bytes)
    os.rename(records / "in.jsonl", place + b"/in.jsonl")  # noqa: PTH104
    (records / "old.jsonl").write_bytes(jsonl({"text": C}))
    os.rename(records / "old.jsonl", place + b"/old.jsonl")  # noqa: PTH104
    given = os.fsdecode(b"\xff")
    words = [f"{given}/in.jsonl", "--against", f"{given}/old.jsonl"]
    for command in ("clean", "scan"):
        done = run(command, *words, "-o", command, cwd=records)
        assert done.returncode == 0, done.stderr
        timings = json.loads((records / command / "timings.json").read_bytes())
        assert timings["inputs"]["in.jsonl"].endswith("\\udcff/in.jsonl")
        assert json.loads((records / command / "summary.json").read_bytes())["against"] == ["\\udcff/old.jsonl"]
    applied = run("apply", "scan", "-o", "out", cwd=records)
    assert applied.returncode == 2
    assert "is not UTF-8 in its path" in applied.stderr.decode()
    assert run("apply", "clean", "-o", "out", cwd=records).returncode == 0


def test_a_run_that_ignores_hangups_goes_on(tmp_path):
    """As nohup has it."""
    code = (
        "import os, signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from dedup import runs; real = runs.write_clean\n"
        "def slow(*all):\n    os.kill(os.getpid(), signal.SIGHUP)\n    return real(*all)\n"
        "runs.write_clean = slow\nfrom dedup.cli import main; main()"
    )
    (tmp_path / "in.jsonl").write_bytes(jsonl({"text": A}))
    done = subprocess.run([sys.executable, "-c", code, "clean", "in.jsonl", "-o", "out"], cwd=tmp_path, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    "code", ["raise KeyboardInterrupt", "raise KeyboardInterrupt('out was written whole before that')"]
)
def test_an_interrupt_exits_with_130_wherever_it_comes(records, code):
    """In an exec() too, after which CPython would die of SIGINT; what is known of the output is told."""
    main = f"from dedup import runs\nruns.write_clean = lambda *_: exec({code!r})\nfrom dedup.cli import main\nmain()\n"
    (records / "interrupted.py").write_text(main)
    done = run_module("interrupted", "clean", "in.jsonl", "-o", "out", cwd=records)
    assert done.returncode == 130
    told = "out was written whole before that" if "whole" in code else "nothing was written"
    assert done.stderr.decode().strip() == f"dedup: interrupted; {told}"
