"""The kernel alone: MB/s of UTF-8 text in each stage, at each instruction set that this machine and build have.

python -m benchmarks.kernel                      invented Chinese and English news
python -m benchmarks.kernel --file NEWS.jsonl    the field "text" of your own
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import click
import numpy as np
import orjson
from numpy.typing import NDArray

from benchmarks.corpus import SHARD, shards
from dedup import kernel, sketch
from dedup.fold_table import load
from dedup.kernel.reference import offsets_of
from dedup.settings import Settings
from dedup.text import codepoints, line_spans

_SETTINGS = Settings()
_CHUNK = 1 << 16


def invented(size: int, lang: str) -> str:
    """News of about *size* bytes in one language, lines one below the other."""
    texts, room = [], size
    for shard in shards(1000 * SHARD, 1):
        for draft in shard.drafts:
            if draft.lang == lang and room > 0:
                texts.append(draft.text)
                room -= len(draft.text.encode())
        if room <= 0:
            break
    return "\n".join(texts)


def read(path: Path, size: int) -> str:
    """The first articles of a JSONL file, about *size* bytes."""
    texts, room = [], size
    with path.open("rb") as lines:
        for line in lines:
            texts.append(orjson.loads(line)["text"])
            room -= len(texts[-1].encode())
            if room <= 0:
                break
    return "\n".join(texts)


def seconds(work: Callable[[], object], repeats: int) -> float:
    """The least CPU time of several runs: what others do on the machine only ever adds."""

    def once() -> float:
        begin = time.process_time()
        work()
        return time.process_time() - begin

    return min(once() for _ in range(repeats))


def stages(text: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each stage over all lines of a text, with what it needs made beforehand."""
    codes = codepoints(text)
    lines, _, ends, _ = line_spans(codes)
    offsets, table = offsets_of(ends - lines), load()
    folded, folded_offsets = kernel.fold(codes, offsets, table)
    widths = kernel.columns(folded, table)
    hashes, hash_offsets = kernel.shingles(folded, folded_offsets, widths, _SETTINGS.shingle)
    a, b = kernel.permutations(_SETTINGS.num_perm, _SETTINGS.seed)
    signature = kernel.signatures(hashes, hash_offsets, a, b)
    yield "fold", lambda: kernel.fold(codes, offsets, table)
    yield "columns", lambda: kernel.columns(folded, table)
    yield "digests", lambda: kernel.digests(folded, folded_offsets)
    yield "shingles", lambda: kernel.shingles(folded, folded_offsets, widths, _SETTINGS.shingle)
    yield "signatures", lambda: kernel.signatures(hashes, hash_offsets, a, b)
    yield (
        "shingles to band keys",
        lambda: kernel.shingle_band_keys(
            folded, folded_offsets, widths, _SETTINGS.shingle, a, b, _SETTINGS.bands, _SETTINGS.rows
        ),
    )
    yield "band keys", lambda: kernel.band_keys(signature, _SETTINGS.bands, _SETTINGS.rows)
    yield (
        "fold to band keys",
        lambda: [
            sketch.band_keys(
                *kernel.fold(codes[offsets[first] : offsets[last]], offsets[first : last + 1] - offsets[first], table),
                _SETTINGS,
            )
            for first, last in chunks(offsets)
        ],
    )


def chunks(offsets: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Runs of lines of about `_CHUNK` characters, as a pipeline hands them over."""
    bounds = np.unique(np.searchsorted(offsets, np.arange(0, offsets[-1] + _CHUNK, _CHUNK)).clip(0, len(offsets) - 1))
    yield from pairwise(bounds.tolist())


def floors(text: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """What no stage can undercut: the text copied, and decoded."""
    encoded = text.encode()
    source = np.frombuffer(encoded, np.uint8)
    target = np.empty_like(source)
    yield "copy (memcpy)", lambda: np.copyto(target, source)
    yield "decode (UTF-8)", encoded.decode


def levels() -> list[str]:
    """The instruction sets that can be chosen between; the reference has none."""
    if kernel.NAME != "native":
        return ["reference"]
    from dedup.kernel import native  # noqa: PLC0415  (it cannot be imported where it was not built)

    return native.levels()


def use_level(level: str) -> None:
    """Goes over to an instruction set."""
    if kernel.NAME == "native":
        from dedup.kernel import native  # noqa: PLC0415

        native.use_level(level)


def table(name: str, text: str, repeats: int) -> None:
    """Prints MB/s of one text, a column an instruction set."""
    size = len(text.encode()) / 1e6
    lines = text.count("\n") + 1
    names = levels()
    click.echo(f"\n{name}: {size:.1f} MB, {lines:,} lines of {len(text) / lines:.0f} characters\n")
    click.echo(f"| MB/s | {' | '.join(names)} |\n|---|{'--:|' * len(names)}")
    for stage, work in floors(text):
        click.echo(f"| {stage} | {size / seconds(work, repeats):,.0f} |{' |' * (len(names) - 1)}")
    for stage, work in stages(text):
        figures = []
        for level in names:
            use_level(level)
            figures.append(f"{size / seconds(work, repeats):,.0f}")
        use_level(names[0])
        click.echo(f"| {stage} | {' | '.join(figures)} |")


@click.command(help=__doc__)
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="JSONL to measure instead.")
@click.option("--mb", default=2.0, show_default=True, help="About how much text.")
@click.option("--repeats", default=5, show_default=True, help="The best of so many counts.")
def main(file: Path | None, mb: float, repeats: int) -> None:
    """Prints a table a language."""
    click.echo(f"Kernel: {kernel.NAME}; {_SETTINGS.num_perm} permutations, {_SETTINGS.bands} bands; {sys.platform}")
    texts = (
        {"Own text": read(file, int(mb * 1e6))}
        if file
        else {"Chinese": invented(int(mb * 1e6), "zh"), "English": invented(int(mb * 1e6), "en")}
    )
    for name, text in texts.items():
        if text:
            table(name, text, repeats)


if __name__ == "__main__":
    main()
