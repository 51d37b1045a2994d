"""The progress bar. The only door to tqdm."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dedup.articles import Corpus
    from dedup.kernel.reference import I64, U8
    from dedup.model import Article
    from dedup.parts import Pass


class Bar:
    """The progress bar: bytes while reading, stages and articles after that. Shown once a second has passed."""

    def __init__(self, corpus: Corpus, quiet: bool) -> None:
        self._corpus = corpus
        self._is_shown = not quiet and sys.stderr.isatty()
        self._bar: Any = None  # where none is shown: tqdm takes as long to import as a small corpus to scan
        self._stage = ""
        self._start = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def __iter__(self) -> Iterator[Article]:
        self._turn_to("reading", self._corpus.total_bytes, "B")
        return self._corpus.iterate(self._read)

    def begin(self, fields: Sequence[str] | None = None, progress: Callable[[int], object] | None = None) -> Pass:
        """Begins to read the corpus in parts; *progress* is the bar itself."""
        self._turn_to("reading", self._corpus.total_bytes, "B")
        return self._corpus.begin(fields, self._read)

    def texts_at(self, file: int, starts: I64, ends: I64, lengths: I64) -> tuple[U8, I64]:
        """Texts of the corpus that were read before."""
        return self._corpus.texts_at(file, starts, ends, lengths)

    def tell(self, stage: str, done: int, total: int | None) -> None:
        """The `progress` of `scan`."""
        if stage == "reading":
            if self._bar is not None:
                self._bar.set_postfix_str(f"{done:,} articles", refresh=False)
            return
        if stage != self._stage:
            self._turn_to(stage, total, " articles")
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Ends the last stage."""
        self._turn_to("", None, "")

    def _read(self, more: int) -> None:
        if self._bar is not None:
            self._bar.update(more)

    def _turn_to(self, stage: str, total: int | None, unit: str) -> None:
        now = time.perf_counter()
        if self._stage:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._start
        self._stage, self._start = stage, now
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        if stage and self._is_shown:
            self._bar = _bar(stage, total, unit)


def _bar(stage: str, total: int | None, unit: str) -> Any:
    from tqdm import tqdm  # noqa: PLC0415

    tqdm.monitor_interval = 0  # no thread that watches: only a process without others may be forked
    return tqdm(desc=stage, total=total, unit=unit, unit_scale=True, delay=1, leave=False, file=sys.stderr)
