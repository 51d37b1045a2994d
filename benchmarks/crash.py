"""Kills an index at random moments, and looks at what is left: `python -m benchmarks.crash [KILLS] [SEED]`.

A child process adds, replaces, removes, compacts and counts, with runs so small that they are flushed and merged all
the time, and says what was done as soon as it was. It is killed with SIGKILL. What it said must be there, nothing
twice, `repair` must find nothing to do, and the next child goes on where it stopped.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

from dedup import Article, Index, Settings
from dedup.errors import BadIndex
from dedup.index import postings
from dedup.index.excerpts import read

WORDS = [
    "harbour",
    "council",
    "opened",
    "the",
    "long",
    "bridge",
    "before",
    "winter",
    "traders",
    "river",
    "boats",
    "rain",
]

SETTINGS = Settings(num_perm=64, recall=0.8)
FLUSH = 700  # entries of a run: a few articles


def article(number: int, version: int = 0) -> Article:
    """One of a row of articles, of which every third repeats lines of earlier ones."""
    lines = []
    for line in range(4):
        of = (number // 3) if (number + line) % 3 == 0 else number
        rng = random.Random(f"{of} {line} {version}")
        lines.append(" ".join(rng.choices(WORDS, k=24)).capitalize() + ".")
    return Article(f"a{number}", "\n".join(lines), number=number, version=version)


def work(folder: Path, seed: int, said: int) -> None:
    """Changes an index until it is killed, and writes a line to *said* for each change once it was made."""
    rng = random.Random(seed)
    with Index(folder, SETTINGS) as index:
        tell(said, _OPEN)
        held = sorted(int(each.fields["number"]) for each in index.articles())
        following = max(held, default=-1) + 1
        while True:
            deed = rng.random()
            if deed < 0.6 or not held:
                lot = [article(following + step) for step in range(rng.choice([1, 1, 1, 5]))]
                index.add_many(lot) if len(lot) > 1 else index.add(lot[0])
                held += range(following, following + len(lot))
                tell(said, *(f"add {following + step} 0" for step in range(len(lot))))
                following += len(lot)
            elif deed < 0.75:
                number, version = rng.choice(held), rng.randrange(1, 10**6)
                tell(said, f"try {number} {version}")
                index.replace(article(number, version))
                tell(said, f"add {number} {version}")
            elif deed < 0.93:
                number = held.pop(rng.randrange(len(held)))
                tell(said, f"try {number} -1")
                index.remove(f"a{number}")
                tell(said, f"add {number} -1")
            elif deed < 0.97:
                index.compact()
            else:
                index.rejudge()


_OPEN = "open"


def tell(said: int, *lines: str) -> None:
    """One write, so that a line is there whole or not at all."""
    os.write(said, "".join(f"{line}\n" for line in lines).encode())


def fork() -> int:
    """`os.fork`, of a process whose other threads, if it has any, hold nothing that the child needs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def kill_once(folder: Path, seed: int, versions: dict[int, set[int]]) -> list[str]:
    """Lets a child work for a moment, kills it, and says what is wrong then.

    Args:
        folder: the index.
        seed: of what the child does, and of the moment.
        versions: number of each article -> what may stand there: a version, or -1 for nothing; brought up to date.
    """
    read([article(0)], SETTINGS)  # so that rules are compiled once, not by every child
    reading, said = os.pipe()
    child = fork()
    if child == 0:
        try:
            os.close(reading)
            postings.FLUSH = FLUSH
            work(folder, seed, said)
        except BaseException as error:  # a child must not run on in its parent's code
            os.write(2, f"the child failed: {error!r}\n".encode())
        finally:
            os._exit(1)
    os.close(said)
    if seed % 4:  # every fourth is killed while it opens the index, if it has not done so
        os.read(reading, len(_OPEN) + 1)
    time.sleep(random.Random(seed).uniform(0.0, 0.3))
    os.kill(child, signal.SIGKILL)
    with os.fdopen(reading) as lines:
        for line in lines:
            if line.strip() == _OPEN:
                continue
            deed, number, version = line.split()
            tried = versions.setdefault(int(number), {-1})
            if deed == "add":
                tried.clear()
            tried.add(int(version))
    _, status = os.waitpid(child, 0)
    wrong = [] if os.WIFSIGNALED(status) else ["the child failed by itself"]
    return wrong + examine(folder, versions)


def examine(folder: Path, versions: dict[int, set[int]]) -> list[str]:
    """What is wrong with an index, given what may stand in it; takes note of what does."""
    try:
        wrong = [f"repair: {fault}" for fault in Index.repair(folder)]
    except BadIndex as error:
        if "there is no index" in str(error) and not any(tried - {-1} for tried in versions.values()):
            return []  # killed before it was made
        raise
    with Index(folder, read_only=True) as index:
        found = [(int(each.fields["number"]), int(each.fields["version"])) for each in index.articles()]
        there = dict(found)
        if len(there) != len(found):
            wrong.append("an article is there twice")
        for number, tried in versions.items():
            if there.get(number, -1) not in tried:
                wrong.append(f"article {number}: expected one of {sorted(tried)}, found {there.get(number, -1)}")
        last = max(versions, default=-1)
        for number in there.keys() - versions.keys():
            if not last < number <= last + 5:  # of the last lot, which it had no time to tell
                wrong.append(f"article {number} was never added")
        for number, version in found:
            if index.query(article(number, version)).article != f"a{number}":
                wrong.append(f"article {number} is not found")
        for finding in index.findings():
            if finding.source is not None and int(finding.source.article[1:]) not in there:
                wrong.append(f"{finding.article} cites {finding.source.article}, which is not there")
    for number in {*versions, *there}:
        versions[number] = {there.get(number, -1)}
    return wrong


def main(kills: int, seed: int) -> int:
    """Kills so many times, over indexes of twenty kills each."""
    failed = 0
    for first in range(0, kills, 20):
        with tempfile.TemporaryDirectory() as folder:
            versions: dict[int, set[int]] = {}
            for number in range(first, min(first + 20, kills)):
                for fault in kill_once(Path(folder, "index"), seed + number, versions):
                    print(f"kill {number}: {fault}")
                    failed += 1
            print(
                f"{min(first + 20, kills)} kills, {failed} faults; the last index: {len(versions)} articles seen",
                flush=True,
            )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*(int(value) for value in [*sys.argv[1:], *("200", "1")[len(sys.argv) - 1 :]])))
