"""How fast `dedup scan --no-page` is: end to end and by stage, beside what reading alone costs on the same machine.

python -m benchmarks.speed                               1,000 to 100,000 articles of Chinese, 10,000 of English
python -m benchmarks.speed --articles 1000000 --plot     up to a million, with a plot (needs matplotlib)
python -m benchmarks.speed --file news.jsonl             your own

Each figure comes with the floors of the same run: reading the file, orjson over its lines, decoding it. Their ratio
compares between machines. CPU is that of all processes; memory is the most that all held together, anonymous and
mapped apart (what is mapped the system can take back).
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from benchmarks.bulk import write

RUNS = Path(__file__).with_name("runs")
CASES: dict[str, dict[str, Any]] = {
    "zh": {"lang": "zh", "share": 0.1},
    "zh, half repeated": {"lang": "zh", "share": 0.5},
    "zh, one line in all": {
        "lang": "zh",
        "share": 0.1,
        "line": "本站所有内容均由编辑部人工核对后发布，转发时请保持原样。",
    },
    "en": {"lang": "en", "share": 0.1},
}
STAGES = """
import sys, time, json
from dedup.articles import read_articles
from dedup.local import scan
spent, last = {}, ["start", time.process_time()]
def tell(stage, done, total):
    if stage != last[0]:
        now = time.process_time()
        spent[last[0]] = spent.get(last[0], 0) + now - last[1]
        last[:] = stage, now
corpus = read_articles(sys.argv[1])
scan(corpus, sources=corpus.sources, progress=tell)
tell("end", 0, 0)
print(json.dumps(spent))
"""


def best(act: Callable[[], object], times: int = 3) -> float:
    """The least CPU seconds of some runs."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        act()
        spent.append(time.process_time() - start)
    return min(spent)


def floors(path: Path, text_bytes: int) -> dict[str, float]:
    """MB/s of text of reading the file, parsing its lines and decoding it."""
    whole = path.read_bytes()[: 256 << 20]
    whole = whole[: whole.rfind(b"\n") + 1]
    share = text_bytes * len(whole) / path.stat().st_size / 1e6
    lines = whole.split(b"\n")[:-1]

    def parse() -> None:
        for line in lines:
            orjson.loads(line)

    return {
        "read": round(share / max(best(lambda: path.open("rb").read(len(whole))), 1e-6)),
        "orjson": round(share / best(parse)),
        "decode": round(share / best(whole.decode)),
    }


def _processes(root: int) -> Iterator[int]:
    """A process and all that it started."""
    yield root
    with suppress(OSError):
        for task in Path(f"/proc/{root}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _processes(int(child))


def _memory(root: int) -> tuple[int, int]:
    """Bytes that the processes hold: (anonymous, shared among them too; mapped from files)."""
    anonymous = mapped = 0
    for process in _processes(root):
        with suppress(OSError, ValueError, LookupError):
            sums = dict(line.split(":") for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:])
            own, shared, files = (1024 * int(sums[f"Pss_{of}"].split()[0]) for of in ("Anon", "Shmem", "File"))
            anonymous, mapped = anonymous + own + shared, mapped + files
    return anonymous, mapped


def _watch(process: subprocess.Popen[bytes], peak: list[int]) -> None:
    while process.poll() is None:
        for which, size in enumerate(_memory(process.pid)):
            peak[which] = max(peak[which], size)
        time.sleep(0.1)


def measure(path: Path, workers: int) -> dict[str, Any]:
    """One run of `dedup scan` over a file: CPU and wall seconds, peak memory in MB, what it counted."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-m", "dedup", "scan", "-q", "--no-page", str(path), "-o", str(out)]
        command += ["--workers", str(workers)]
        peak = [0, 0]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        process = subprocess.Popen(command)
        watch = threading.Thread(target=_watch, args=(process, peak))
        watch.start()
        code = process.wait()
        wall = time.perf_counter() - start
        watch.join()
        with suppress(ChildProcessError):
            while True:  # the processes of the workers, which became ours
                os.wait()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if code:
            raise SystemExit(f"{' '.join(command)} ended with {code}")
        counts = json.loads((out / "summary.json").read_text())["counts"]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "workers": workers,
        "cpu_s": round(cpu, 2),
        "wall_s": round(wall, 2),
        "anonymous_mb": peak[0] >> 20,
        "mapped_mb": peak[1] >> 20,
        "articles": counts["articles"],
        "passages": counts["passages"],
        "findings": sum(found["findings"] for found in counts["findings"]),
    }


def stages(path: Path) -> dict[str, float]:
    """CPU seconds of each stage in one process."""
    done = subprocess.run([sys.executable, "-c", STAGES, str(path)], check=True, capture_output=True)
    spent: dict[str, float] = json.loads(done.stdout)
    return {stage: round(seconds, 2) for stage, seconds in spent.items()}


def about() -> dict[str, Any]:
    """The machine and the versions."""
    cpu = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    version = subprocess.run(
        [sys.executable, "-m", "dedup", "--version"], check=True, capture_output=True, text=True
    ).stdout.strip()
    return {
        "command": "python -m benchmarks.speed " + " ".join(sys.argv[1:]),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": importlib.metadata.version("numpy"),
        "dedup": version,
        "load": round(os.getloadavg()[0], 1),
    }


def row(name: str, path: Path, text_bytes: int, workers: int) -> dict[str, Any]:
    """One line of the table."""
    floor = floors(path, text_bytes)
    found = measure(path, workers)
    speed = text_bytes / 1e6 / found["cpu_s"]
    return {
        "case": name,
        "text_mb": round(text_bytes / 1e6, 1),
        **found,
        "mb_per_cpu_s": round(speed, 1),
        "floors": floor,
        "of_orjson": round(floor["orjson"] / speed, 1),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """As Markdown."""
    lines = [
        "| case | articles | text MB | workers | CPU s | wall s | MB/s of CPU | orjson MB/s | orjson is faster by "
        "| anonymous MB | mapped MB |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    ]
    lines += [
        f"| {of['case']} | {of['articles']:,} | {of['text_mb']:,} | {of['workers']} | {of['cpu_s']} | {of['wall_s']} "
        f"| {of['mb_per_cpu_s']} | {of['floors']['orjson']} | {of['of_orjson']} "
        f"| {of['anonymous_mb']} | {of['mapped_mb']} |"
        for of in rows
    ]
    return "\n".join(lines)


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """CPU seconds over articles, both by tenfold steps: what is linear rises by one."""
    from matplotlib import pyplot  # noqa: PLC0415  (an extra that only a plot needs)

    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for case in dict.fromkeys(of["case"] for of in rows):
        own = sorted((of["articles"], of["cpu_s"]) for of in rows if of["case"] == case and of["workers"] == 1)
        if len(own) > 1:
            axes.loglog(*zip(*own, strict=True), marker="o", label=case)
    axes.set_xlabel("articles")
    axes.set_ylabel("CPU seconds")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path, metadata={"Date": None})


@click.command()
@click.option("--articles", type=int, multiple=True, default=(1_000, 10_000, 100_000), show_default=True)
@click.option("--case", "cases", multiple=True, type=click.Choice(list(CASES)), default=("zh",), show_default=True)
@click.option("--workers", type=int, multiple=True, default=(1,), show_default=True)
@click.option("--file", "file", type=click.Path(exists=True, dir_okay=False), help="JSONL of your own instead.")
@click.option("--plot", "plotted", is_flag=True, help="Draw CPU seconds over articles.")
def main(
    articles: tuple[int, ...], cases: tuple[str, ...], workers: tuple[int, ...], file: str | None, plotted: bool
) -> None:
    """How fast `dedup scan` is."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: whoever is left behind counts as ours
    rows: list[dict[str, Any]] = []
    spent: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        if file:
            path = Path(file)
            size = sum(len(orjson.loads(line)["text"].encode()) for line in path.open("rb"))
            rows += [row(path.name, path, size, count) for count in workers]
            spent[path.name] = stages(path)
        else:
            for case in cases:
                for number in sorted(articles):
                    path = Path(folder) / "articles.jsonl"
                    size = write(path, number, **CASES[case])
                    for count in workers:
                        rows.append(row(case, path, size, count))
                        click.echo(table(rows[-1:]).splitlines()[-1], err=True)
                    if number == min(max(articles), 10_000):
                        spent[f"{case}, {number:,} articles"] = stages(path)
    day = datetime.now(UTC).date().isoformat()
    place = RUNS / day
    place.mkdir(parents=True, exist_ok=True)
    called = "speed" if not file else f"speed-{Path(file).stem}"
    (place / f"{called}.json").write_text(json.dumps({**about(), "rows": rows, "stages": spent}, indent=1) + "\n")
    if plotted:
        plot(rows, place / f"{called}.svg")
    click.echo(table(rows))
    for of, seconds in spent.items():
        click.echo(
            f"\n{of}, CPU seconds by stage: " + ", ".join(f"{stage} {spent}" for stage, spent in seconds.items())
        )


if __name__ == "__main__":
    main()
