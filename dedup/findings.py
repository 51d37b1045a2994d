"""What was decided about a corpus, in arrays."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.families import Match, Texts
from dedup.kept import Stage
from dedup.kernel.reference import I32, I64, offsets_of
from dedup.marks import Marks
from dedup.settings import Settings
from dedup.tables import Tables
from dedup.work import Work


@dataclass(slots=True)
class Repeats:
    """What repeats what, at one grain. Arrays are [places], places being articles or passages.

    Attributes:
        kept: int64, the kept place that this place repeats; -1 where it is kept or was not judged.
        linked: int64, the kept place that this kept place resembles but may not join; -1.
        by_number: bool, whether a link was made because the numbers differ.
        similarity: float64, to the kept or linked place.
        exact: bool, whether the folded texts are equal.
        full: band keys that had more kept texts than their bucket holds.
    """

    kept: I64
    linked: I64
    by_number: NDArray[np.bool_]
    similarity: NDArray[np.float64]
    exact: NDArray[np.bool_]
    full: int = 0

    @classmethod
    def none(cls, count: int, work: Work | None = None) -> Repeats:
        """Nothing repeats anything."""
        work = work or Work()
        return cls(
            kept=work.full(count, -1, np.int64),
            linked=work.full(count, -1, np.int64),
            by_number=work.zeros(count, np.bool_),
            similarity=work.zeros(count, np.float64),
            exact=work.zeros(count, np.bool_),
        )

    def to_stage(self) -> Stage:
        """As arrays, to be kept."""
        arrays = {name: getattr(self, name) for name in ("kept", "linked", "by_number", "similarity", "exact")}
        return Stage(arrays, self.full)

    @classmethod
    def from_stage(cls, stage: Stage) -> Repeats:
        """The inverse of `to_stage`."""
        return cls(**stage.arrays, full=stage.meta)

    def enter(self, places: I32 | I64, texts: Texts, found: Match) -> None:
        """Enters what became of the texts that stand at *places*."""
        joined = found.texts[found.keeper != found.texts]
        at = np.concatenate((texts.first[joined], texts.later))
        text = texts.of[at]
        keeper, similarity = found.of(text)
        repeats = places[at]
        self.kept[repeats] = places[texts.first[keeper]]
        self.exact[repeats] = keeper == text
        self.similarity[repeats] = similarity
        links = np.flatnonzero(found.linked >= 0)
        linking = places[texts.first[found.texts[links]]]
        self.linked[linking] = places[texts.first[found.linked[links]]]
        self.similarity[linking] = found.similarity[links]
        self.full += found.full

    def clear(self, places: NDArray[np.bool_]) -> None:
        """Forgets what these places repeat or resemble."""
        if not places.any():
            return
        self.kept[places] = -1
        self.linked[places] = -1

    def drop_within(self, article: I64) -> None:
        """Forgets what repeats or resembles a place of its own article."""
        self.kept[(self.kept >= 0) & (article[self.kept] == article)] = -1
        self.linked[(self.linked >= 0) & (article[self.linked] == article)] = -1


class Run(NamedTuple):
    """A block, or the piece of it between two lines that are no part of it: passages, and what each of them repeats.

    Attributes:
        own: int64, passages in a row.
        counterparts: int64, as many passages of one article, rising.
        similarity: the least similarity of a passage to its counterpart.
        exact: whether each equals its counterpart.
    """

    own: I64
    counterparts: I64
    similarity: float
    exact: bool


class Runs(NamedTuple):
    """Many of them.

    Attributes:
        offsets: int64 [runs + 1], run r has the passages offsets[r] ... offsets[r + 1] - 1 of the two that follow.
        own, counterparts: int64.
        similarity: float64 [runs].
        exact: bool [runs].
    """

    offsets: I64
    own: I64
    counterparts: I64
    similarity: NDArray[np.float64]
    exact: NDArray[np.bool_]

    @classmethod
    def of(cls, runs: Iterable[Run]) -> Runs:
        """These, in their order; of each nothing is held but its numbers."""
        lengths, own, counterparts, similarity, exact = array("q"), array("q"), array("q"), array("d"), bytearray()
        for run in runs:
            lengths.append(len(run.own))
            own.frombytes(run.own.tobytes())
            counterparts.frombytes(run.counterparts.tobytes())
            similarity.append(run.similarity)
            exact.append(run.exact)
        return cls(
            offsets_of(np.frombuffer(lengths, np.int64)),
            np.frombuffer(own, np.int64),
            np.frombuffer(counterparts, np.int64),
            np.frombuffer(similarity, np.float64),
            np.frombuffer(exact, np.bool_),
        )


def redirect(parts: Repeats, runs: Runs, work: Work | None = None) -> None:
    """What repeats a short passage that a block takes along repeats its counterpart, which has the same text."""
    taken = np.flatnonzero(parts.kept[runs.own] < 0)
    if not len(taken):
        return
    taken = taken[np.argsort(runs.own[taken])]
    own, to = runs.own[taken], runs.counterparts[taken]

    def redirected(cited: I64) -> I64:
        cited = (work or Work()).stored(cited.copy())  # what was kept of the stage stays as it is
        places = np.flatnonzero(cited >= 0)
        rank = np.minimum(np.searchsorted(own, cited[places]), len(own) - 1)
        moved = own[rank] == cited[places]
        cited[places[moved]] = to[rank[moved]]
        return cited

    parts.kept, parts.linked = redirected(parts.kept), redirected(parts.linked)


class Judgement(NamedTuple):
    """All that was decided about a corpus.

    Attributes:
        tables: the articles and passages.
        settings: what was asked.
        whole, parts: what repeats what at article and at passage grain.
        remnant: int64 [articles], the longest passage lost by an article that keeps no long one; -1.
        runs: the pieces of blocks.
        marks: boilerplate and debris of each article: what it shows by itself, then what frequency says.
        sources: (source, articles of it in a row), in the order of reading; empty where not known.
    """

    tables: Tables
    settings: Settings
    whole: Repeats
    parts: Repeats
    remnant: I64
    runs: Runs
    marks: Sequence[Marks]
    sources: Sequence[tuple[str, int]]
