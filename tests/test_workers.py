"""Processes and threads do not change what comes out."""

import json
import os
import random
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from corpora import corpus, english, sentence

import dedup as library
from dedup import families, tables
from dedup.model import Article
from dedup.settings import Settings


def report_of(articles, against, workers, **settings):
    """All that a report says."""
    report = library.scan(articles, Settings(**settings), against=against, workers=workers)
    return (
        [finding.to_dict() for finding in report.findings],
        [family.to_dict() for family in report.families],
        report.counts,
        report.warnings,
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("settings", [{}, {"passage": "blank", "keep": "longest"}, {"passage": "sentence"}], ids=str)
def test_the_report_does_not_depend_on_workers_and_batches(monkeypatch, seed, settings):
    """Many small batches or a single one, references too: workers analyse and match whatever they are given."""
    articles = [Article(f"{part}-{one.id}", one.text) for part in range(4) for one in corpus(10 * seed + part)]
    against = {"old": corpus(10 * seed), "older": corpus(10 * seed + 9)}
    expected = report_of(articles, against, 1, **settings)
    monkeypatch.setattr(tables, "_BATCH", 300)
    monkeypatch.setattr(families, "_A_CODE_POINT", 1 << 40)  # each component by itself
    for workers in (1, 2, 3):
        assert report_of(articles, against, workers, **settings) == expected
    assert expected[0]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_text_that_is_none_is_named_by_its_article(monkeypatch, workers):
    """A lone surrogate is found where the text is encoded, or where it is analysed."""
    monkeypatch.setattr(tables, "_BATCH", 10)
    articles = [Article(f"a{number}", sentence(random.Random(number))) for number in range(40)]
    articles[31] = Article("broken", "一二三\ud800")
    with pytest.raises(library.DedupError, match="'broken'"):
        library.scan(articles, workers=workers)
    with pytest.raises(library.DedupError, match="'broken'"):
        library.scan(articles[:3], against=articles, workers=workers)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Articles of some megabytes, more than are read before worker processes start."""
    place = tmp_path_factory.mktemp("large")
    rng = random.Random(8)
    pool = [sentence(rng, 30, 120) for _ in range(300)] + [english(rng) for _ in range(100)]
    with (place / "in.jsonl").open("w", encoding="utf-8") as file:
        for number in range(9000):
            lines = [rng.choice(pool) if rng.random() < 0.1 else sentence(rng, 60, 160) for _ in range(9)]
            file.write(json.dumps({"id": f"a{number}", "text": "\n".join(lines)}, ensure_ascii=False) + "\n")
    return place


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a run but that which may differ."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert json.loads(found.pop("timings.json"))["workers"]
    return found


@pytest.fixture(scope="module")
def alone(large: Path) -> dict[str, bytes]:
    """What one worker makes of it."""
    run([sys.executable, "-m", "dedup"], large, "one", 1)
    return files_of(large / "one")


def run(command: list[str], place: Path, out: str, workers: int) -> None:
    words = [*command, "clean", "in.jsonl", "-o", out, "--workers", str(workers), "-q"]
    done = subprocess.run(words, cwd=place, capture_output=True, check=False, timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


SPAWNING = (
    "import multiprocessing\nfrom dedup.cli import main\n"
    "multiprocessing.get_all_start_methods = lambda: ['spawn']\n"
    "if __name__ == '__main__':\n    main()\n"
)


@pytest.mark.parametrize("way", ["module", "script", "spawn"])
def test_the_command_writes_the_same_with_workers(large, alone, way):
    """Started as a module, as the console script, and where processes are spawned as on Windows."""
    script = Path(sysconfig.get_path("scripts")) / "dedup"
    if way == "script" and not script.exists():
        pytest.skip("the console script is not installed")
    (large / "spawning.py").write_text(SPAWNING)
    commands = {"module": ["-m", "dedup"], "script": [str(script)], "spawn": ["spawning.py"]}
    run([sys.executable, *commands[way]], large, way, 3 if way == "spawn" else 2)
    assert files_of(large / way) == alone


def test_a_record_that_cannot_be_read_is_named_with_workers_too(large):
    """Nothing is written, and no worker stays to hold the pipes."""
    content = (large / "in.jsonl").read_bytes()
    (large / "broken.jsonl").write_bytes(content + b'{"text": 3}\n')
    words = [sys.executable, "-m", "dedup", "clean", "broken.jsonl", "-o", "broken", "--workers", "2"]
    done = subprocess.run(words, cwd=large, capture_output=True, check=False, timeout=300)
    assert done.returncode == 2
    assert b'broken.jsonl:9001: field "text" must be a string' in done.stderr
    assert not (large / "broken").exists()
    assert not [path for path in large.iterdir() if path.name.startswith(".")]


def test_a_program_that_calls_scan_with_workers(large):
    """With its main module guarded, as multiprocessing asks."""
    program = (
        "import json, dedup\n"
        "if __name__ == '__main__':\n"
        "    articles = [dedup.Article(**json.loads(line)) for line in open('in.jsonl', encoding='utf-8')]\n"
        "    print(*(dedup.scan(articles, workers=workers).counts for workers in (1, 2)), sep='\\n')\n"
    )
    (large / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=large, capture_output=True, check=True, env=dict(os.environ)
    )
    one, two = done.stdout.splitlines()
    assert one == two
