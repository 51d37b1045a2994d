"""Distributions as columns: their geometry, which the page draws as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 460, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 6, 6, 26, 30
_FLOOR = HEIGHT - _BOTTOM
_NARROW = 26  # a column that is narrower has no room for its number


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its rectangle in the units of the drawing, and what it says."""

    x: float
    y: float
    width: float
    height: float
    label: str
    count: int
    said: str
    """The count above it, empty where there is no room."""
    series: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of columns; *ticks* are (x, label) below it, *line* the x of the threshold."""

    columns: tuple[Column, ...]
    ticks: tuple[tuple[float, str], ...]
    line: float | None = None
    width: int = WIDTH
    height: int = HEIGHT
    floor: int = _FLOOR

    @property
    def total(self) -> int:
        """Of all counts."""
        return sum(column.count for column in self.columns)


def compact(count: int) -> str:
    """A number for little room: 999, 1.2k, 34k, 5.6M.

    >>> [compact(n) for n in (7, 999, 1234, 34_500, 5_600_000)]
    ['7', '999', '1.2k', '34k', '5.6M']
    """
    if count < 1000:
        return str(count)
    size, letter = (1_000_000, "M") if count >= 1_000_000 else (1000, "k")
    short = f"{math.floor(10 * count / size) / 10:.1f}" if count < 10 * size else f"{count // size:,}"
    return short + letter


def columns(
    bars: Sequence[tuple[str, int, str]],
    ticks: Sequence[tuple[float, str]],
    *,
    logarithmic: bool,
    line: float | None = None,
) -> Chart:
    """A chart of (label, count, series), from left to right.

    Args:
        bars: what is drawn.
        ticks: (columns from the left, label).
        logarithmic: heights by log(1 + count), so that one stands beside ten thousand.
        line: where the line of the threshold stands, in columns from the left.
    """
    step = (WIDTH - _LEFT - _RIGHT) / max(len(bars), 1)
    most = max((count for _, count, _ in bars), default=0)
    made = []
    for number, (label, count, series) in enumerate(bars):
        share = (math.log1p(count) / math.log1p(most) if logarithmic else count / most) if most else 0.0
        height = max(share * (_FLOOR - _TOP), 1.5) if count else 0.0
        said = compact(count) if count and (step >= _NARROW or count == most) else ""
        x, y = round(_LEFT + (number + 0.08) * step, 1), round(_FLOOR - height, 1)
        made.append(Column(x, y, round(step * 0.84, 1), round(height, 1), label, count, said, series))
    marks = tuple((round(_LEFT + at * step, 1), label) for at, label in ticks)
    return Chart(tuple(made), marks, None if line is None else round(_LEFT + line * step, 1))
