"""The incremental index beside SQLite alone and datasketch in memory: `python -m benchmarks.index [--passages N]`.

A stream of articles of twelve passages: eleven new ones and one that an earlier article has; every tenth article is a
lightly edited copy of an earlier one. The index is filled with most of it by `add_many`; then articles are asked for
and added one by one, each durable before the next. Every store runs in a process of its own. Times are wall time; CPU
time stands beside them, as a busy machine makes the former longer.

The others hold less: SQLite alone the band keys of every passage, in a table that is its own index, and the texts;
datasketch the signatures. Both are given band keys and signatures by our kernel, and neither verifies anything.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dedup import Article, Index, Settings
from dedup.index.excerpts import excerpt_of, read
from dedup.sketch import band_keys, signatures

PASSAGES = 12  # of an article
LOT = 1024  # articles handed over together
SETTINGS = Settings()
_HAN = np.array([chr(code) for code in range(0x4E00, 0x4E00 + 3000)])
_WEIGHTS = 1 / np.arange(3, 3003)
_CUMULATED = np.cumsum(_WEIGHTS / _WEIGHTS.sum())


def line(number: int, of: int) -> str:
    """Passage *of* of article *number*: 150 to 240 characters, frequent ones more often."""
    draw = np.random.default_rng(number * PASSAGES + of)
    return "".join(_HAN[np.searchsorted(_CUMULATED, draw.random(draw.integers(150, 240)))]) + "。"


def article(number: int) -> Article:
    """An article of the stream."""
    rng = random.Random(number)
    source = rng.randrange(number) if number else 0
    if number % 10 == 9:
        lines = [line(source // 10 * 10, of) for of in range(PASSAGES)]  # of an article that is no copy itself
        edited = rng.randrange(PASSAGES)
        lines[edited] = lines[edited][:70] + "改" + lines[edited][72:]
    else:
        lines = [line(number, of) for of in range(PASSAGES)]
        lines[rng.randrange(PASSAGES)] = line(source, rng.randrange(PASSAGES))
    return Article(f"article-{number}", "\n".join(lines), site=f"site-{number % 50}")


def anonymous_memory() -> float:
    """MB of memory of this process that lies in no file."""
    for status in Path("/proc/self/status").read_text().splitlines():
        if status.startswith("RssAnon"):
            return int(status.split()[1]) / 1024
    return float("nan")


def timed(deed: Callable[[Article], object], numbers: range) -> dict[str, float]:
    """Milliseconds of one call: the median, the 99th percentile, and CPU time."""
    walls, cpus = [], []
    for number in numbers:
        each = article(number)
        wall, cpu = time.perf_counter(), time.process_time()
        deed(each)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return {
        "median": 1e3 * float(np.median(walls)),
        "p99": 1e3 * float(np.percentile(walls, 99)),
        "cpu": 1e3 * float(np.median(cpus)),
    }


def lots(count: int) -> Iterator[list[Article]]:
    """The first articles of the stream, some at a time."""
    for first in range(0, count, LOT):
        yield [article(number) for number in range(first, min(first + LOT, count))]


def measured(
    count: int,
    calls: int,
    add_many: Callable[[list[Article]], object],
    add: Callable[[Article], object],
    query: Callable[[Article], object],
) -> dict[str, Any]:
    """What any store does with the stream."""
    wall = cpu = chars = memory = 0.0
    for lot in lots(count):
        start, start_cpu = time.perf_counter(), time.process_time()
        add_many(lot)
        wall += time.perf_counter() - start
        cpu += time.process_time() - start_cpu
        chars += sum(len(each.text.encode()) for each in lot)
        memory = max(memory, anonymous_memory())
        print(f"\r{count and lot[-1].id}", end="", file=sys.stderr, flush=True)
    print("\r\033[K", end="", file=sys.stderr)
    result = {
        "bulk": count * PASSAGES / wall,
        "bulk_cpu": count * PASSAGES / cpu,
        "query": timed(query, range(count, count + calls)),
        "add": timed(add, range(count, count + calls)),
        "text": chars,
    }
    return {**result, "memory": max(memory, anonymous_memory())}


def run_index(count: int, calls: int, folder: Path) -> dict[str, Any]:
    """Ours."""
    with Index(folder, SETTINGS) as index:
        result = measured(count, calls, index.add_many, index.add, index.query)
        start = time.perf_counter()
        Index(folder, read_only=True).close()
        result["open"] = 1e3 * (time.perf_counter() - start)
        result["runs"] = index.info()["runs"]
    return {**result, "disk": size_of(folder)}


def run_sqlite(count: int, calls: int, folder: Path) -> dict[str, Any]:
    """A table of band keys and one of texts, with the same durability."""
    folder.mkdir()
    connection = sqlite3.connect(folder / "keys.sqlite", isolation_level=None)
    for statement in (
        "pragma journal_mode = wal",
        "pragma synchronous = full",
        "pragma cache_size = -200000",
        "create table keys (key integer, passage integer, primary key (key, passage)) without rowid",
        "create table texts (passage integer primary key, text text)",
    ):
        connection.execute(statement)
    stored = 0

    def look_up(keys: np.ndarray) -> set[int]:
        marks = ",".join("?" * 500)
        flat = np.resize(keys.ravel().view(np.int64), -(-keys.size // 500) * 500).reshape(-1, 500).tolist()
        statement = f"select passage from keys where key in ({marks})"
        return {passage for some in flat for (passage,) in connection.execute(statement, some)}

    def add_many(articles: list[Article]) -> None:
        nonlocal stored
        connection.execute("begin")
        for each in articles:
            keys = keys_of(each)
            look_up(keys)
            numbers = range(stored, stored + keys.shape[1])
            rows = zip(keys.view(np.int64).ravel().tolist(), [*numbers] * len(keys), strict=True)
            connection.executemany("insert or ignore into keys values (?, ?)", rows)
            connection.executemany("insert into texts values (?, ?)", zip(numbers, each.text.split("\n"), strict=True))
            stored += keys.shape[1]
        connection.execute("commit")

    result = measured(count, calls, add_many, lambda each: add_many([each]), lambda each: look_up(keys_of(each)))
    connection.close()
    return {**result, "disk": size_of(folder)}


def keys_of(each: Article) -> np.ndarray:
    """The band keys of the passages of an article, as the index makes them."""
    excerpt = _excerpt(each)
    return band_keys(*excerpt.text, SETTINGS)


def _excerpt(each: Article) -> Any:
    reading = read([each], SETTINGS)
    return excerpt_of(reading, reading.masks, np.zeros(1, np.int64), SETTINGS)


def run_datasketch(count: int, calls: int, folder: Path) -> dict[str, Any]:
    """`MinHashLSH` in memory; nothing is on disk."""
    from datasketch import LeanMinHash, MinHashLSH  # noqa: PLC0415

    shape = (SETTINGS.bands, SETTINGS.rows)
    lsh = MinHashLSH(num_perm=SETTINGS.num_perm, params=shape)
    stored = 0

    def sketches(each: Article) -> list[Any]:
        signed = signatures(*_excerpt(each).text, SETTINGS)
        return [LeanMinHash(seed=1, hashvalues=signature, scheme="affine32") for signature in signed]

    def add_many(articles: list[Article]) -> None:
        nonlocal stored
        for each in articles:
            for sketch in sketches(each):
                lsh.query(sketch)
                lsh.insert(stored, sketch, check_duplication=False)
                stored += 1

    result = measured(
        count,
        calls,
        add_many,
        lambda each: add_many([each]),
        lambda each: [lsh.query(sketch) for sketch in sketches(each)],
    )
    return {**result, "disk": 0}


def size_of(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


STORES = {"dedup index": run_index, "SQLite alone": run_sqlite, "datasketch in memory": run_datasketch}


def row(name: str, count: int, found: dict[str, Any]) -> str:
    """A row of the table."""
    passages = count * PASSAGES
    beside = (found["disk"] - found["text"]) / passages if found["disk"] else 0
    add, query = ("{median:.1f} / {p99:.1f} ({cpu:.1f})".format(**found[deed]) for deed in ("add", "query"))
    bulk = f"{found['bulk']:,.0f} ({found['bulk_cpu']:,.0f})"
    return f"| {name} | {passages:,} | {bulk} | {add} | {query} | {beside:,.0f} | {found['memory']:,.0f} |"


def main() -> None:
    """Measures each store and prints a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--passages", type=int, default=24_000, help="how many the index is filled with")
    parser.add_argument("--others", type=int, default=None, help="the same for the other stores; default: as many")
    parser.add_argument("--calls", type=int, default=300, help="articles added and asked for one by one")
    parser.add_argument("--store", choices=STORES, help="one store, figures as JSON")
    parser.add_argument("--folder", help="where the stores lie; default: among temporary files")
    options = parser.parse_args()
    if options.store:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            found = STORES[options.store](options.passages // PASSAGES, options.calls, Path(folder, "store"))
        print(json.dumps(found))
        return
    print(f"load at the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", file=sys.stderr)
    print(
        "| store | passages | bulk, passages/s (by CPU) | add, ms: median / p99 (CPU) | query, ms: the same "
        "| bytes a passage beside its text | anonymous MB |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name in STORES:
        passages = options.passages if name == "dedup index" or options.others is None else options.others
        command = [sys.executable, "-m", "benchmarks.index", "--store", name, "--passages", str(passages)]
        command += ["--calls", str(options.calls), *(["--folder", options.folder] if options.folder else [])]
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        print(row(name, passages // PASSAGES, found), flush=True)
    print(f"load at the end: {os.getloadavg()[0]:.1f}", file=sys.stderr)


if __name__ == "__main__":
    main()
