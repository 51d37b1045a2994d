"""What is said beforehand of the size of work files."""

import gzip
import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from corpora import HAN, WORDS

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
CODE = (
    "import shutil\nfrom dedup.kept import Kept\n"
    "sizes = [0]\n"
    "def sized(real):\n"
    "    def then(kept, *all):\n"
    "        if kept.folder.exists():\n"
    "            sizes.append(sum(path.stat().st_size for path in kept.folder.glob('*')))\n"
    "        real(kept, *all)\n"
    "    return then\n"
    "Kept.remove, Kept.discard = sized(Kept.remove), sized(Kept.discard)\n"
    "import atexit\natexit.register(lambda: print(max(sizes)))\n"
    "shutil.disk_usage = lambda place, of=shutil.disk_usage: of(place)._replace(free={free})\n"
    "from dedup.cli import main\nif __name__ == '__main__':\n    main()\n"
)


def scan(place: Path, *words: object, free: int = 1 << 60) -> tuple[int, str]:
    """The most bytes of work files that a run had, and what it said."""
    command = [sys.executable, "-c", CODE.replace("{free}", str(free)), "scan", *map(str, words), "-o", "out"]
    done = subprocess.run(command, cwd=place, capture_output=True, check=True, text=True)
    return int(done.stdout.split()[-1]), done.stderr


def told(said: str) -> int:
    """The estimate in bytes."""
    found = re.search(r"dedup: up to about (\d+)([KMGT]?) of work files go to \S+", said)
    assert found, said
    return int(found[1]) * UNITS[found[2]]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Chinese and English articles of passages of some hundred letters, plain and packed."""
    rng = random.Random(3)
    for name in ("zh", "en"):
        lines = []
        for _ in range(400):
            if name == "zh":
                text = ["".join(rng.choices(HAN, k=rng.randint(60, 140))) for _ in range(8)]
            else:
                text = [" ".join(rng.choices(WORDS, k=rng.randint(30, 60))) for _ in range(8)]
            lines.append(json.dumps({"text": "\n".join(text)}, ensure_ascii=False))
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
        (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return tmp_path


@pytest.mark.parametrize("name", ["zh.jsonl", "en.jsonl", "zh.jsonl.gz"])
def test_the_estimate_is_not_too_low_and_not_wild(place, name):
    """Against the most that the run had on disk; a packed file is taken for a quarter of its text."""
    size, said = scan(place, name, "--memory", "64K")
    assert size < told(said) < 7 * size


def test_nothing_is_said_of_small_runs_and_with_q(place):
    """What fits into the budget of memory needs no place on disk."""
    size, said = scan(place, "zh.jsonl")
    assert "work files" not in said
    assert size == 0
    assert scan(place, "zh.jsonl", "--memory", "64K", "-q", "--force", free=9)[1] == ""


def test_too_little_room_is_told_beforehand(place):
    """With the folder, how much there is, and what to do."""
    said = scan(place, "zh.jsonl", "--memory", "64K", "--work-dir", "new/work", free=20_000)[1]
    assert re.search(r"of work files go to new/work/out-[0-9a-f]{8}\.work\n", said)
    assert (
        "dedup: warning: only 20K are free there; make room, or name a folder with more of it with --work-dir" in said
    )


def test_references_count_too(place):
    """They are read into the same tables."""
    alone = told(scan(place, "zh.jsonl", "--memory", "64K")[1])
    both = told(scan(place, "zh.jsonl", "--memory", "64K", "--against", "en.jsonl", "--force")[1])
    assert both > 1.5 * alone
