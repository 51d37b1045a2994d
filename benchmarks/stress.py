"""Inputs that make deduplicators hang: time and memory of `dedup clean` on each, at growing sizes.

python -m benchmarks.stress                 all cases, up to 100,000 (1,000,000 lines, 50 MB)
python -m benchmarks.stress --most 10000    smaller
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import click

HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]


def one_line(size: int) -> Iterator[str]:
    """One article of one line of 500 bytes times *size*."""
    yield "".join(random.Random(1).choices(HAN, k=size * 500 // 3))


def equal_lines(size: int) -> Iterator[str]:
    """One article of 10 times *size* equal lines."""
    yield "这一行文字在同一篇文章里重复了一百万次，每一次都完全相同，没有任何差别。\n" * (10 * size)


def one_number(size: int) -> Iterator[str]:
    """*size* articles of one paragraph that differ in one number."""
    base = "".join(random.Random(2).choices(HAN, k=50))
    return (f"{base[:25]}{number}{base[25:]}" for number in range(size))


def below_threshold(size: int) -> Iterator[str]:
    """*size* articles of one paragraph, all pairwise similarities between .5 and .69: a template and own words."""
    rng = random.Random(3)
    base = "".join(rng.choices(HAN, k=100))
    return (base + "".join(rng.choices(HAN, k=25)) for _ in range(size))


def scattered_edits(size: int) -> Iterator[str]:
    """*size* articles of one paragraph, each with 5 % of its characters replaced elsewhere."""
    rng = random.Random(4)
    base = rng.choices(HAN, k=120)
    for _ in range(size):
        text = list(base)
        for place in rng.sample(range(len(text)), 6):
            text[place] = rng.choice(HAN)
        yield "".join(text)


CASES: list[Callable[[int], Iterator[str]]] = [one_line, equal_lines, one_number, below_threshold, scattered_edits]


def measure(texts: Iterator[str]) -> tuple[float, float, int]:
    """CPU seconds, peak memory in MB and findings of one run of the command."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.jsonl"
        with source.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
        command = [sys.executable, "-m", "dedup", "clean", str(source), "-q", "-o", str(Path(folder) / "out")]
        child = subprocess.Popen(command)
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            raise SystemExit(f"{' '.join(command)}: exit status {status}")
        with (Path(folder) / "out" / "findings.jsonl").open("rb") as lines:
            findings = sum(1 for _ in lines)
        memory = json.loads((Path(folder) / "out" / "timings.json").read_bytes())["peak_memory_bytes"]
    return usage.ru_utime + usage.ru_stime, memory / 1e6, findings


@click.command(help=__doc__)
@click.option("--most", default=100_000, show_default=True, help="The largest size.")
@click.option(
    "--case", "chosen", multiple=True, type=click.Choice([case.__name__ for case in CASES]), help="Only these."
)
def main(most: int, chosen: tuple[str, ...]) -> None:
    """Prints a table."""
    click.echo("| case | size | CPU s | peak MB | findings |\n|---|---:|---:|---:|---:|")
    for case in CASES:
        if chosen and case.__name__ not in chosen:
            continue
        for size in (most // 100, most // 10, most):
            seconds, memory, findings = measure(case(size))
            click.echo(f"| {case.__name__} | {size:,} | {seconds:.1f} | {memory:,.0f} | {findings:,} |")


if __name__ == "__main__":
    main()
