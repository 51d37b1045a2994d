"""A run that was killed goes on, and ends as if it had not been."""

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from corpora import corpus

from dedup import kept

STAGES = ["reading", "articles", "boilerplate", "passages"]
SMALL = ["--memory", "64K", "--workers", "1", "-q"]
FOOTER = "分享到微博，责任编辑张三，联系电话六二三四，未经许可不得转载。"


def dedup(*words: object, cwd: Path, code: str = "", timeout: float = 120) -> subprocess.CompletedProcess:
    """The command, with something done to it before."""
    start = f"{code}\nfrom dedup.cli import main\nif __name__ == '__main__':\n    main()"
    return subprocess.run(
        [sys.executable, "-c", start, *map(str, words)], cwd=cwd, capture_output=True, check=False, timeout=timeout
    )


def dying(stage: str, how: signal.Signals = signal.SIGKILL, after: bool = True) -> str:
    """Code that ends the process by a signal once a stage is noted as finished, or before it is."""
    return (
        "import os, signal, time\nfrom dedup.kept import Kept\nadd = Kept.add\n"
        "def then(kept, name, files, meta):\n"
        f"    if {after}:\n        add(kept, name, files, meta)\n"
        f"    if name == {stage!r}:\n        os.kill(os.getpid(), {int(how)})\n        time.sleep(9)\n"
        f"    if not {after}:\n        add(kept, name, files, meta)\n"
        "Kept.add = then\n"
    )


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a run but that which may differ from run to run."""
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files.pop("timings.json")
    return files


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Articles as JSONL, CSV and Parquet, references, and records that cannot be read."""
    rng = random.Random(6)
    articles = [
        {"id": f"{seed}-{article.id}", "text": article.text + rng.choice(["", f"\n\n{FOOTER}"])}
        for seed in range(6)
        for article in corpus(seed)
    ]
    lines = [json.dumps(article, ensure_ascii=False) for article in articles]
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "broken.jsonl").write_text("\n".join([*lines[:9], '{"text": 3}', "{", *lines[9:]]), encoding="utf-8")
    (tmp_path / "old.jsonl").write_text("\n".join(lines[::7]), encoding="utf-8")
    (tmp_path / "in.csv").write_text(
        "id,text\n" + "".join('{},"{}"\n'.format(*article.values()) for article in articles),
        encoding="utf-8",
        newline="",
    )
    with gzip.open(tmp_path / "in.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines))
    return tmp_path


RUNS = {
    "clean": ["clean", "in.jsonl"],
    "scan": ["scan", "in.jsonl.gz"],
    "blank": ["clean", "in.jsonl", "--passage", "blank", "--scope", "across"],
    "sentence": ["scan", "in.jsonl", "--passage", "sentence", "--grain", "passage"],
    "against": ["clean", "in.jsonl", "--against", "old.jsonl", "--keep", "longest"],
    "csv": ["clean", "in.csv", "--keep", "last", "--scope", "within"],
    "skip": ["clean", "broken.jsonl", "--on-error", "skip"],
    "two": ["clean", "in.jsonl", "broken.jsonl", "--on-error", "skip", "--grain", "article"],
}


@pytest.mark.parametrize("words", RUNS.values(), ids=RUNS)
def test_a_run_killed_after_each_stage_ends_as_an_undisturbed_one(place, words):
    """It is killed after the first stage, resumed and killed after the second ...; byte for byte the same comes out."""
    done = dedup(*words, *SMALL, "-o", "whole", cwd=place)
    assert done.returncode == 0, done.stderr
    for number, stage in enumerate(STAGES):
        resume = ["--resume"] if number else []
        killed = dedup(*words, *SMALL, *resume, "-o", "out", cwd=place, code=dying(stage))
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert json.loads((place / ".out.work" / "work.json").read_bytes().split(b"\n")[1])["stages"].keys() == set(
            STAGES[: number + 1]
        )
    done = dedup(*words, *SMALL, "--resume", "-o", "out", cwd=place)
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    assert tree(place / "out") == tree(place / "whole")
    assert not list(place.glob(".*"))


def test_parquet_too(place):
    """Resumed with more workers and more memory: they are no part of the result."""
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    records = [json.loads(line) for line in (place / "in.jsonl").read_bytes().splitlines()]
    parquet.write_table(pa.Table.from_pylist(records), place / "in.parquet", row_group_size=20)
    assert dedup("clean", "in.parquet", *SMALL, "-o", "whole", cwd=place).returncode == 0
    killed = dedup("clean", "in.parquet", *SMALL, "-o", "out", cwd=place, code=dying("articles"))
    assert killed.returncode == -signal.SIGKILL
    done = dedup("clean", "in.parquet", "--resume", "--workers", 2, "--memory", "1G", "-o", "out", cwd=place)
    assert done.returncode == 0, done.stderr
    assert tree(place / "out") == tree(place / "whole")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after", [True, False])
def test_an_interrupted_run_says_how_it_goes_on(place, how, after):
    """Before a stage is noted its files are of no use; the output is untouched, the stage of it gone."""
    stopped = dedup("clean", "in.jsonl", *SMALL, "-o", "out", cwd=place, code=dying("articles", how, after))
    assert stopped.returncode == 130, stopped.stderr
    said = list(filter(None, stopped.stderr.decode().splitlines()))
    assert said[0].endswith(".out.work; --resume goes on from there")
    assert said[1] == "dedup: interrupted; nothing was written"
    assert [path.name for path in place.glob(".*")] == [".out.work"]
    assert not (place / "out").exists()
    assert dedup("clean", "in.jsonl", *SMALL, "-o", "whole", cwd=place).returncode == 0
    done = dedup("clean", "in.jsonl", *SMALL, "-o", "out", "--resume", cwd=place)
    assert done.returncode == 0, done.stderr
    assert tree(place / "out") == tree(place / "whole")
    assert not list(place.glob(".*"))


def test_a_run_that_failed_while_writing_goes_on(place):
    """The longest stages are done by then."""
    code = (
        "import dedup.runs\ndef full(*_):\n    raise OSError(28, 'No space left on device')\n"
        "dedup.runs.write_clean = full\n"
    )
    failed = dedup("clean", "in.jsonl", *SMALL, "-o", "out", cwd=place, code=code)
    assert failed.returncode == 2
    assert "--resume goes on from there" in failed.stderr.decode()
    assert "No space left on device; make room" in failed.stderr.decode()
    assert [path.name for path in place.glob(".*")] == [".out.work"]
    assert dedup("clean", "in.jsonl", *SMALL, "-o", "out", "--resume", cwd=place).returncode == 0
    assert (place / "out" / "summary.json").exists()


@pytest.fixture
def killed(place: Path) -> Path:
    """The same after a run that was killed."""
    done = dedup(
        "clean", "in.jsonl", *SMALL, "-o", "out", "--against", "old.jsonl", cwd=place, code=dying("boilerplate")
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return place


def grown(place: Path) -> None:
    with (place / "in.jsonl").open("ab") as file:
        file.write(b"\n")


def edited(place: Path) -> None:
    content = (place / "in.jsonl").read_bytes()
    (place / "in.jsonl").write_bytes(content[:100].replace(b"0-a0", b"0-b0") + content[100:])


def edited_reference(place: Path) -> None:
    content = (place / "old.jsonl").read_bytes()
    (place / "old.jsonl").write_bytes(content[:100].replace(b"0-a0", b"0-b0") + content[100:])


def renamed(place: Path) -> None:
    (place / "in.jsonl").rename(place / "new.jsonl")


AS_THEN = ["in.jsonl", "--against", "old.jsonl"]


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        (grown, AS_THEN, "but input in.jsonl was "),
        (edited, AS_THEN, "in.jsonl: has changed since the run that --resume would go on with"),
        (edited_reference, AS_THEN, "old.jsonl: has changed since the run that --resume would go on with"),
        (renamed, ["new.jsonl", "--against", "old.jsonl"], "but input in.jsonl was "),
        (None, [*AS_THEN, "--threshold", "0.8"], "but threshold was 0.7 and is 0.8"),
        (None, [*AS_THEN, "--on-error", "skip"], 'but on_error was "fail" and is "skip"'),
        (None, [*AS_THEN, "--text-field", "id"], 'but text_field was "text" and is "id"'),
        (None, ["in.jsonl"], "but input old.jsonl:old.jsonl was "),
        (None, ["old.jsonl", "--against", "in.jsonl"], "but input in.jsonl was "),
    ],
)
def test_another_run_does_not_go_on(killed, change, words, message):
    """What differs is named; with everything as then it still goes on."""
    before = {path: path.read_bytes() for path in killed.glob("*.jsonl")}
    if change:
        change(killed)
    refused = dedup("clean", *words, *SMALL, "-o", "out", "--resume", cwd=killed)
    assert refused.returncode == 2
    assert message in refused.stderr.decode()
    assert not (killed / "out").exists()
    for path, content in before.items():
        path.write_bytes(content)
    assert dedup("clean", *AS_THEN, *SMALL, "-o", "out", "--resume", cwd=killed).returncode == 0


def test_the_order_of_inputs_counts(place):
    """The first of several copies is kept."""
    (place / "b.jsonl").write_bytes((place / "old.jsonl").read_bytes())
    words = ["--on-error", "skip", *SMALL, "-o", "out"]
    dedup("clean", "in.jsonl", "b.jsonl", *words, cwd=place, code=dying("reading"))
    refused = dedup("clean", "b.jsonl", "in.jsonl", *words, "--resume", cwd=place)
    assert refused.returncode == 2
    assert "but the order of the inputs was" in refused.stderr.decode()


def test_another_version_does_not_go_on(killed):
    """Its judgements may differ."""
    code = "import dedup\ndedup.__version__ = '99'\n"
    refused = dedup("clean", *AS_THEN, *SMALL, "-o", "out", "--resume", cwd=killed, code=code)
    assert refused.returncode == 2
    assert "but version of dedup was " in refused.stderr.decode()


@pytest.mark.skipif(not kept._boot(), reason="where a restart cannot be seen, each stage waits for the disk")
def test_what_a_restart_may_have_lost_is_made_again(killed):
    """And named; with the same result."""
    code = "import dedup.kept\ndedup.kept._boot = lambda: 'another'\n"
    loud = [word for word in SMALL if word != "-q"]
    done = dedup("clean", *AS_THEN, *loud, "-o", "out", "--resume", cwd=killed, code=code)
    assert done.returncode == 0
    said = "the system was started anew, or is another, and may have lost reading, articles, boilerplate; made again"
    assert said in done.stderr.decode()
    assert dedup("clean", *AS_THEN, *SMALL, "-o", "other", cwd=killed).returncode == 0
    for name in ("findings.jsonl", "families.jsonl"):
        assert (killed / "out" / name).read_bytes() == (killed / "other" / name).read_bytes()


def test_a_damaged_work_file_is_a_clear_error(killed):
    """And nothing is written."""
    stages = json.loads((killed / ".out.work" / "work.json").read_bytes().split(b"\n")[1])["stages"]
    file = stages["reading"]["files"]["folded"][0]
    os.truncate(killed / ".out.work" / file, 100)
    refused = dedup("clean", *AS_THEN, *SMALL, "-o", "out", "--resume", cwd=killed)
    assert refused.returncode == 2
    assert f"{file}: is damaged: expected " in refused.stderr.decode()
    assert not (killed / "out").exists()
    assert dedup("clean", *AS_THEN, *SMALL, "-o", "out", cwd=killed).returncode == 0
    assert not list(killed.glob(".*"))


def test_what_killed_runs_left_goes_with_the_next_run(killed):
    """Of the same output: the work files, and the half-written output."""
    assert sorted(path.name.split("-")[0] for path in killed.glob(".*")) == [".out.partial", ".out.work"]
    (killed / ".out.partial-0123abcd").mkdir()
    (killed / ".out.partial-0123abcd-old").mkdir()  # what a run that was killed had moved away to put its own there
    (killed / ".out.partial-0123abce").mkdir()
    (killed / ".other.partial-0123abce").mkdir()
    assert dedup("clean", *AS_THEN, *SMALL, "-o", "out", cwd=killed).returncode == 0
    left = [".other.partial-0123abce", ".out.partial-0123abcd", ".out.partial-0123abcd-old"]
    assert sorted(path.name for path in killed.glob(".*")) == left


def test_stdin_cannot_be_resumed(place):
    """And nothing is kept for it."""
    refused = dedup("clean", "-", "-o", "out", "--resume", cwd=place)
    assert refused.returncode == 2
    assert "--resume reads the inputs again, which - (stdin) cannot be" in refused.stderr.decode()
    with (place / "in.jsonl").open("rb") as stdin:
        code = dying("articles", signal.SIGTERM) + "from dedup.cli import main\nmain()"
        done = subprocess.run(
            [sys.executable, "-c", code, "clean", "-", "-o", "out", *SMALL],
            cwd=place,
            stdin=stdin,
            capture_output=True,
            check=False,
        )
    assert done.returncode == 130
    assert done.stderr.decode().strip() == "dedup: interrupted; nothing was written"
    assert not list(place.glob(".*"))


def test_nothing_to_go_on_with_is_no_error(place):
    """The run starts anew, and says so."""
    done = dedup("clean", "in.jsonl", "-o", "out", "--resume", cwd=place)
    assert done.returncode == 0
    assert ".out.work holds nothing to go on with; starting anew" in done.stderr.decode()


def test_stdout_goes_on_with_a_work_folder(place):
    """Beside stdout there is no place; without --work-dir nothing is kept."""
    words = ["clean", "in.jsonl", "-o", "-", *SMALL]
    whole = dedup(*words, cwd=place)
    plain = dedup(*words, cwd=place, code=dying("articles", signal.SIGTERM))
    assert (plain.returncode, whole.returncode) == (0, 0)  # nothing is noted
    refused = dedup(*words, "--resume", cwd=place)
    assert refused.returncode == 2
    assert "pass --work-dir as then" in refused.stderr.decode()
    stopped = dedup(*words, "--work-dir", "work", cwd=place, code=dying("articles", signal.SIGTERM))
    assert stopped.returncode == 130
    assert stopped.stdout == b""
    assert len(list((place / "work").iterdir())) == 1
    done = dedup(*words, "--work-dir", "work", "--resume", cwd=place)
    assert done.returncode == 0, done.stderr
    assert done.stdout == whole.stdout
    assert list((place / "work").iterdir()) == []


def test_a_work_folder_may_be_that_of_other_things(place):
    """The run makes its own folder in it, each output another, and leaves the rest alone."""
    (place / "work" / "2024").mkdir(parents=True)
    (place / "work" / "0001").write_text("mine")
    for out in ("one/out", "two/out"):
        (place / out).parent.mkdir()
        stopped = dedup(
            "clean",
            "in.jsonl",
            *SMALL,
            "-o",
            out,
            "--work-dir",
            "work",
            cwd=place,
            code=dying("articles", signal.SIGINT),
        )
        assert stopped.returncode == 130
    assert len(list((place / "work").glob("out-*.work"))) == 2
    for out in ("one/out", "two/out"):
        done = dedup("clean", "in.jsonl", *SMALL, "-o", out, "--work-dir", "work", "--resume", cwd=place)
        assert (done.returncode, done.stderr) == (0, b"")
    assert sorted(path.name for path in (place / "work").iterdir()) == ["0001", "2024"]


def test_a_second_run_in_the_same_work_folder_is_refused(place):
    """And the first goes on undisturbed."""
    code = dying("articles").replace("os.kill(os.getpid(), 9)", "print('here', flush=True)")
    start = f"{code}\nfrom dedup.cli import main\nmain()"
    first = subprocess.Popen(
        [sys.executable, "-c", start, "clean", "in.jsonl", "-o", "out", *SMALL], cwd=place, stdout=subprocess.PIPE
    )
    assert first.stdout is not None
    assert first.stdout.readline() == b"here\n"
    for resume in ([], ["--resume"]):
        second = dedup("clean", "in.jsonl", *SMALL, "-o", "out", *resume, cwd=place)
        assert second.returncode == 2
        assert "another run is at work in it" in second.stderr.decode()
    first.kill()
    first.communicate()
    deadline = time.monotonic() + 10
    while (done := dedup("clean", "in.jsonl", *SMALL, "-o", "out", "--resume", cwd=place)).returncode:
        assert time.monotonic() < deadline, done.stderr
