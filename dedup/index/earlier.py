"""Earlier articles as far as look-ups led to them, and what was decided of each of their passages."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dedup.index.excerpts import Excerpt, Folded, State
from dedup.kernel.reference import I64, U32

Loader = Callable[[Sequence[int]], list[tuple[Excerpt, State]]]
"""The earlier articles in which the places given (rising) lie, each by itself, in order."""


@dataclass(frozen=True, slots=True)
class Known:
    """An earlier passage, or an earlier article as a whole, and what was decided of it."""

    place: int
    text: Folded
    number: int  # the segment of *text* that it is
    kept: int
    similarity: float
    exact: bool
    token: int
    excerpt: Excerpt

    @property
    def codes(self) -> U32:
        flat, offsets = self.text
        return flat[offsets[self.number] : offsets[self.number + 1]]


class Earlier:
    """The earlier articles that have been read so far."""

    def __init__(self, loader: Loader, before: int) -> None:
        self._loader = loader
        self._before = before
        self._known: dict[int, tuple[Excerpt, State]] = {}
        self._order: list[int] = []
        self._looked: set[int] = set()

    def fetch(self, places: I64) -> None:
        """Reads the articles in which the places lie, as far as they are earlier."""
        earlier = places[(places >= 0) & (places < self._before)]
        new = sorted(set(earlier.tolist()) - self._looked)
        if new:
            self._looked.update(new)
            self._known.update((int(excerpt.place[0]), (excerpt, state)) for excerpt, state in self._loader(new))
            self._order = sorted(self._known)

    def all(self) -> list[tuple[Excerpt, State]]:
        """Those read, in order of place."""
        return [self._known[place] for place in self._order]

    def article(self, place: int) -> Known | None:
        """The article with the first place given; None where it was removed."""
        if place not in self._known:
            return None
        excerpt, state = self._known[place]
        kept, similarity, exact = state.whole_kept, state.whole_similarity, state.whole_exact
        return Known(place, excerpt.whole, 0, kept, similarity, exact, 0, excerpt)

    def passage(self, place: int) -> Known | None:
        """A passage; None where its article was removed, is cut whole or lets it be no passage any more."""
        before = bisect_left(self._order, place) - 1
        if before < 0:
            return None
        excerpt, state = self._known[self._order[before]]
        number = place - int(excerpt.place[0]) - 1
        if number >= len(excerpt.number) or state.cut:
            return None
        kept, similarity, exact = int(state.kept[number]), float(state.similarity[number]), bool(state.exact[number])
        return Known(place, excerpt.text, number, kept, similarity, exact, int(state.token[number]), excerpt)


def segment(segments: Folded, number: int) -> U32:
    flat, offsets = segments
    return flat[offsets[number] : offsets[number + 1]]
