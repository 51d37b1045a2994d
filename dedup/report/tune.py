"""What other thresholds would cut: every threshold judged at once over the pairs that verify at the lowest.

The greedy rule is applied to each threshold by itself, on one set of candidates: the bands of the lowest threshold, of
all permutations. A scan at one of the higher thresholds proposes fewer pairs, so that it misses some of those near its
threshold (of those exactly at it 1 - recall); this counts what it would cut if it missed none. Not counted are what
follows from other findings (blocks, remnants) and passages too short to be matched across articles; lines that would go
as boilerplate by their frequency count as the passages they are.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.errors import BadSettings
from dedup.families import Texts, article_numbers_agree, distinct_texts, longer_passages, match
from dedup.fold_table import load
from dedup.kernel.reference import I64, U64, fmix64, offsets_of
from dedup.model import Article, Place
from dedup.report.gathering import Best
from dedup.segments import Segments
from dedup.settings import Settings
from dedup.sketch import shingle_sets
from dedup.tables import Progress, Tables, in_paragraphs, read_tables
from dedup.work import Work

STEPS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""0.5, 0.55 ... 0.95."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two places that a threshold in this step would take for duplicates, and the next would not.

    Attributes:
        step: the highest of `STEPS` at which *place* goes for *kept*.
        similarity: exact Jaccard similarity, to four decimals.
    """

    grain: str
    step: float
    similarity: float
    kept: Place
    place: Place

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the JSON of `dedup tune`."""
        return {
            "grain": self.grain,
            "step": self.step,
            "similarity": self.similarity,
            "source": self.kept.to_dict(),
            **self.place.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Step:
    """What a threshold cuts: articles that go whole, passages of others, and the characters of both."""

    threshold: float
    articles: int
    passages: int
    characters: int


@dataclass(frozen=True, slots=True)
class Tuned:
    """What `tune` found."""

    articles: int
    characters: int
    steps: tuple[Step, ...]
    pairs: tuple[Pair, ...]

    def to_dict(self) -> dict[str, Any]:
        """As `dedup tune --json` prints it, but for the texts."""
        steps = [
            {"threshold": s.threshold, "articles": s.articles, "passages": s.passages, "characters": s.characters}
            for s in self.steps
        ]
        return {
            "articles": self.articles,
            "characters": self.characters,
            "steps": steps,
            "pairs": [pair.to_dict() for pair in self.pairs],
        }


def sample(articles: Iterable[Article], most: int, seed: int) -> list[Article]:
    """*most* articles drawn by their ids, the same ones for the same seed, in the order of reading."""
    drawn: list[tuple[int, int, Article]] = []
    for number, article in enumerate(articles):
        codes = np.frombuffer(article.id.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
        places = np.arange(1, len(codes) + 1, dtype=np.uint64)
        name = fmix64(codes + (places << np.uint64(32)) + (np.uint64(seed) << np.uint64(48))).sum(dtype=np.uint64)
        lot = int(fmix64(np.array([name], np.uint64))[0])
        entry = (-lot, number, article)
        if len(drawn) < most:
            heapq.heappush(drawn, entry)
        elif entry[:2] > drawn[0][:2]:
            heapq.heapreplace(drawn, entry)
    return [article for _, _, article in sorted(drawn, key=lambda entry: entry[1])]


def tune(articles: Iterable[Article], settings: Settings, pairs: int, progress: Progress = lambda *told: None) -> Tuned:
    """What each of `STEPS` would cut, and *pairs* of each step and grain for a person to judge.

    Args:
        articles: read once.
        settings: but for the threshold.
        pairs: how many of each step and grain.
        progress: told of the stages as they go.

    Raises:
        BadInput: an article cannot be judged; see `dedup.scan`.
        BadSettings: `num_perm` has too few permutations for the lowest step, or a field is named that no article has.
    """
    low = _lowest(settings)
    with Work() as work:
        units = read_tables(articles, None, low, progress, work)
        tables = in_paragraphs(units, units.masked, work) if settings.passage == "blank" else units
        return _tune(tables, low, pairs, work, progress)


def _tune(tables: Tables, low: Settings, pairs: int, work: Work, progress: Progress) -> Tuned:
    cut = np.zeros((len(tables.ids), len(STEPS)), bool)
    best: dict[tuple[str, float], Best[Pair]] = {
        (grain, step): Best(max(pairs, 0)) for grain in ("article", "passage") for step in STEPS
    }
    progress("articles", 0, None)
    if low.grain != "passage" and low.scope != "within":
        _judge_articles(tables, low, cut, best, work)
    gone = np.zeros((len(tables.article), len(STEPS)), bool)
    progress("passages", 0, None)
    if low.grain != "article":
        _judge_passages(tables, low, cut, gone, best, work)
    length = tables.end - tables.start
    steps = tuple(
        Step(
            step,
            int(cut[:, k].sum()),
            int(gone[:, k].sum()),
            int(tables.lengths[cut[:, k]].sum() + length[gone[:, k]].sum()),
        )
        for k, step in enumerate(STEPS)
    )
    found = tuple(pair for grain_step in sorted(best) for pair in best[grain_step].best())
    return Tuned(len(tables.ids), int(tables.lengths.sum()), steps, found)


def _lowest(settings: Settings) -> Settings:
    """The settings of the lowest step, with as many bands as the permutations give, at least those of the recall."""
    low = replace(settings, threshold=STEPS[0])
    most = 1 - (1 - STEPS[0] ** low.rows) ** (low.num_perm // low.rows)
    try:
        return replace(low, recall=max(low.recall, min(int(most * 1e4) / 1e4, 0.9999)))
    except BadSettings:
        return low


_ASKED = 256  # candidates at once at most: an article may have thousands of passages that each is to cover
_NUMERATORS = np.array([Fraction(str(step)).numerator for step in STEPS], np.int64)
_DENOMINATORS = np.array([Fraction(str(step)).denominator for step in STEPS], np.int64)


def _reach(part: I64, whole: I64) -> NDArray[np.bool_]:
    """Whether part / whole reaches each step: bool [n, steps]."""
    return part[:, None] * _DENOMINATORS >= _NUMERATORS * whole[:, None]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of each text at each step.

    Attributes:
        kept: bool [texts, steps].
        keeper: int64 [texts, steps], the kept text that it joined; -1.
        similarity: float64 [texts, steps], to that.
    """

    kept: NDArray[np.bool_]
    keeper: I64
    similarity: NDArray[np.float64]


def _greedy(
    texts: Texts,
    present: NDArray[np.bool_],
    settings: Settings,
    admits: Any,
    work: Work,
) -> _Outcome:
    """The greedy rule at every step over one set of candidates.

    Args:
        texts: the distinct texts.
        present: bool [texts, steps], whether a text takes part.
        settings: those of the lowest step.
        admits: (texts, their shingle sets, offsets) -> (text, candidates) -> bool [candidates, steps], where it may
            join which.
        work: where band keys lie.
    """
    kept = present.copy()
    keeper = np.full(kept.shape, -1)
    similarity = np.zeros(kept.shape)

    def judge(of: I64, sets: U64, set_offsets: I64) -> kernel.Acceptable:
        size = np.diff(set_offsets)
        admit = admits(of, sets, set_offsets)

        def acceptable(text: int, met: I64) -> NDArray[np.bool_]:
            own = int(of[text])
            shared = kernel.intersections(sets, set_offsets, np.full(len(met), text), met)
            united = size[text] + size[met] - shared
            could = kept[of[met]] & _reach(shared, united) & present[own]
            for some in _growing(len(met)):
                ranks = some[(could[some] & kept[own]).any(axis=1)]
                if not len(ranks):
                    continue
                joins = could[ranks] & kept[own] & admit(text, met[ranks])
                taken = joins.any(axis=0)
                first = ranks[joins.argmax(axis=0)][taken]
                kept[own] &= ~taken
                keeper[own, taken] = of[met[first]]
                similarity[own, taken] = shared[first] / united[first]
                if not kept[own].any():
                    break
            return np.zeros(len(met), bool)  # so that every text is posted, and met by those after it

        return acceptable

    match(texts, np.zeros(len(texts.of), bool), settings, judge, work)
    return _Outcome(kept, keeper, similarity)


def _growing(count: int) -> Iterator[I64]:
    """0 to *count* in parts that grow: the first candidates mostly take a text, yet where none does there are many."""
    begin, size = 0, 4
    while begin < count:
        yield np.arange(begin, min(begin + size, count))
        begin, size = begin + size, min(2 * size, _ASKED)


def _judge_articles(
    tables: Tables,
    settings: Settings,
    cut: NDArray[np.bool_],
    best: dict[tuple[str, float], Best[Pair]],
    work: Work,
) -> None:
    """Enters which articles go whole at each step, and samples pairs."""
    shown = ~tables.masked
    showing = np.bincount(tables.article[shown], minlength=len(tables.ids)) > 0
    compared = np.flatnonzero(shown | ~showing[tables.article])
    of_article = offsets_of(np.bincount(tables.article[compared], minlength=len(tables.ids)))
    wholes = Segments(tables.folded, tables.offsets, compared, of_article)
    articles = np.flatnonzero(wholes.lengths > 0)
    texts = distinct_texts(wholes.of(articles), np.zeros(len(articles), np.int64))

    is_long = tables.size[compared] >= settings.min_chars

    def admits(of: I64, sets: U64, set_offsets: I64) -> Any:
        numbers, number_offsets = kernel.number_tokens(*texts.take(of), load())
        long, long_offsets = longer_passages(is_long, of_article, articles[texts.first[of]])
        pieces, piece_offsets = shingle_sets(*tables.at.take(compared[long]), settings)
        both, offsets = np.concatenate((sets, pieces)), np.concatenate((set_offsets, len(sets) + piece_offsets[1:]))

        def admit(text: int, met: I64) -> NDArray[np.bool_]:
            own = np.arange(long_offsets[text], long_offsets[text + 1])
            admitted = np.zeros((len(met), len(STEPS)), bool)
            agree = np.arange(len(met))
            if settings.numbers == "strict":
                agree = agree[article_numbers_agree(numbers, number_offsets, text, met, len(own))]
            held = kernel.intersections(
                both, offsets, np.tile(len(of) + own, len(agree)), np.repeat(met[agree], len(own))
            )
            covered = _reach(held, np.tile(np.diff(piece_offsets)[own], len(agree)))
            admitted[agree] = covered.reshape(len(agree), len(own), len(STEPS)).all(axis=1)
            return admitted

        return admit

    present = np.ones((len(texts.first), len(STEPS)), bool)
    outcome = _greedy(texts, present, settings, admits, work)
    first = articles[texts.first]
    cut[articles] = ~outcome.kept[texts.of]
    repeated = texts.first[texts.of] != np.arange(len(texts.of))
    cut[articles[repeated]] = True
    _sample("article", outcome, first, tables.article_place, best)


def _judge_passages(
    tables: Tables,
    settings: Settings,
    cut: NDArray[np.bool_],
    gone: NDArray[np.bool_],
    best: dict[tuple[str, float], Best[Pair]],
    work: Work,
) -> None:
    """Enters which passages go at each step, of articles that do not go whole at it, and samples pairs."""
    within = settings.scope == "within"
    least = settings.min_chars_within if within else settings.min_chars
    places = np.flatnonzero(~tables.masked & (tables.size >= least))
    domain = tables.article[places] if within else np.zeros(len(places), np.int64)
    texts = distinct_texts(tables.at.of(places), domain)
    judged = ~cut[tables.article[places]]
    present = np.zeros((len(texts.first), len(STEPS)), bool)
    np.logical_or.at(present, texts.of, judged)

    def admits(of: I64, sets: U64, set_offsets: I64) -> Any:
        numbers = kernel.NumbersAgree(*kernel.number_tokens(*texts.take(of), load()))

        def admit(text: int, met: I64) -> NDArray[np.bool_]:
            agree = np.ones(len(met), bool) if settings.numbers == "ignore" else numbers(text, met)
            return agree[:, None].repeat(len(STEPS), axis=1)

        return admit

    outcome = _greedy(texts, present, settings, admits, work)
    gone[places] = judged & ~outcome.kept[texts.of]
    for step in range(len(STEPS)):  # of a kept text all places but the first that is judged
        at = np.flatnonzero(judged[:, step] & outcome.kept[texts.of, step])
        _, firsts = np.unique(texts.of[at], return_index=True)
        repeats = np.ones(len(at), bool)
        repeats[firsts] = False
        gone[places[at[repeats]], step] = True
    _sample("passage", outcome, places[texts.first], tables.passage_place, best)


def _sample(
    grain: str, outcome: _Outcome, first: I64, place_of: Any, best: dict[tuple[str, float], Best[Pair]]
) -> None:
    """Of the texts that go at a step and not at the next some, drawn by their numbers."""
    joined = outcome.keeper >= 0
    for step, threshold in enumerate(STEPS):
        later = joined[:, step + 1 :].any(axis=1)
        for text in np.flatnonzero(joined[:, step] & ~later).tolist():
            lot = int(fmix64(np.array([text + 1], np.uint64))[0])

            def made(text: int = text, step: int = step, threshold: float = threshold) -> Pair:
                kept = int(outcome.keeper[text, step])
                similarity = round(float(outcome.similarity[text, step]), 4)
                return Pair(grain, threshold, similarity, place_of(int(first[kept])), place_of(int(first[text])))

            best[grain, threshold].offer(lot, made)


def with_texts(pairs: Iterable[Pair], texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """The pairs as they stand in tune.json: with the texts of both places, from those of the articles."""
    return [
        {
            **pair.to_dict(),
            "source_text": texts[pair.kept.article][pair.kept.start : pair.kept.end],
            "text": texts[pair.place.article][pair.place.start : pair.place.end],
        }
        for pair in pairs
    ]


def steps_table(steps: Sequence[Step], characters: int) -> list[tuple[str, ...]]:
    """The rows of the table: threshold, articles, passages, characters, their share."""
    return [
        (
            f"{step.threshold:.2f}",
            f"{step.articles:,}",
            f"{step.passages:,}",
            f"{step.characters:,}",
            f"{100 * step.characters / characters:.1f} %" if characters else "-",
        )
        for step in steps
    ]
