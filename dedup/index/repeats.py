"""Who repeats whom: new articles and their passages against the earlier kept texts that share a key with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.candidates import own_keys
from dedup.families import (
    Judge,
    Match,
    Texts,
    article_judge,
    distinct_texts,
    match,
    passage_judge,
)
from dedup.index.earlier import Earlier, Known, segment
from dedup.index.excerpts import Excerpt, Folded, gather
from dedup.index.keys import Hits, Keyed, chained
from dedup.judging import linked_by_number, short_places
from dedup.kernel.reference import I64, U64, offsets_of
from dedup.segments import Segments, wide
from dedup.settings import Settings
from dedup.sketch import band_keys, sizes
from dedup.work import Work

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What became of the passages or articles of an excerpt. Arrays are [passages] or [articles]; see `Repeats`."""

    kept: I64
    linked: I64
    similarity: NDArray[np.float64]
    exact: Mask

    @classmethod
    def none(cls, count: int) -> Verdicts:
        """Nothing repeats anything."""
        return cls(np.full(count, -1), np.full(count, -1), np.zeros(count), np.zeros(count, bool))


def wholes(new: Excerpt, keyed: Keyed, hits: Hits, earlier: Earlier, settings: Settings) -> Verdicts:
    """Which articles repeat or resemble which, as wholes, in first places."""

    def judge_of(texts: Texts, old: Sequence[Known], rows: I64) -> Judge:
        both = gather([*(known.excerpt for known in old), new])
        articles = np.concatenate((np.arange(len(old)), len(old) + rows))
        is_long = sizes(*both.compared) >= settings.min_chars
        passages, left = Segments(*both.compared), Segments(*both.left)
        return article_judge(texts, articles, passages, is_long, both.of_article, left, settings)

    result = Verdicts.none(len(new.articles))
    every = np.arange(len(keyed.rows))
    _repeat(result, new.place, keyed, every, hits, earlier, earlier.article, judge_of, settings)
    return result


def passages_of(new: Excerpt, keyed: Keyed, stays: Mask, hits: Hits, earlier: Earlier, settings: Settings) -> Verdicts:
    """Which long passages repeat or resemble which, in the articles that stay."""

    def judge_of(texts: Texts, old: Sequence[Known], rows: I64) -> Judge:
        return passage_judge(texts, settings)

    result = Verdicts.none(len(new.article))
    staying = np.flatnonzero(stays[new.article[keyed.rows]])
    _repeat(result, new.number, keyed, staying, hits, earlier, earlier.passage, judge_of, settings)
    return result


def _repeat(
    result: Verdicts,
    place: I64,
    keyed: Keyed,
    chosen: I64,
    hits: Hits,
    earlier: Earlier,
    known: Callable[[int], Known | None],
    judge_of: Callable[[Texts, Sequence[Known], I64], Judge],
    settings: Settings,
) -> None:
    """Enters what becomes of the *chosen* places of texts.

    Args:
        result: where it is entered.
        place: int64, the place of each row of *result*.
        keyed: the texts.
        chosen: int64, rising, the places of *keyed* that take part.
        hits: what was found under their keys.
        known: reads an earlier place.
        judge_of: makes the rule for (texts, the earlier ones that come first among them, rows of the others).
    """
    if not len(hits.text) and len(keyed.rows) == len(keyed.texts.first) and not _collide(keyed.bands):
        return
    if not len(chosen):
        return
    number = keyed.texts.of[chosen]
    first = np.full(len(keyed.texts.first), -1)
    first[number[::-1]] = chosen[::-1]  # of several the first, which is entered last
    present = np.flatnonzero(first >= 0)
    present = present[np.argsort(first[present])]  # texts by their first chosen place
    first = first[present]
    rank = np.full(len(keyed.texts.first), -1)
    rank[present] = np.arange(len(present))
    of = rank[number]
    rows = keyed.rows[chosen]
    twins = _twins(keyed.folded, rank, hits, earlier, known)
    open_ranks = np.ones(len(present), bool)
    for text, twin in twins.items():
        open_ranks[rank[text]] = False
        at = rows[of == rank[text]]
        itself = twin.kept < 0
        result.kept[at] = twin.place if itself else twin.kept
        result.exact[at] = itself or twin.exact
        result.similarity[at] = 1.0 if itself else twin.similarity
    judged = np.flatnonzero(open_ranks)
    if not len(judged):
        return
    wanted = (hits.row > 0) & (rank[hits.text] >= 0)
    wanted[wanted] = open_ranks[rank[hits.text[wanted]]]
    candidates = np.unique(hits.place[wanted])
    earlier.fetch(candidates)
    old = [one for each in candidates.tolist() if (one := known(each)) is not None and one.kept < 0]
    found = _matched(old, keyed, present[judged], keyed.rows[first[judged]], judge_of, settings)
    places = np.concatenate((np.array([one.place for one in old], np.int64), place[keyed.rows[first[judged]]]))
    _enter(result, place, rows, of, judged, len(old), places, found)


def _twins(
    folded: Folded, rank: I64, hits: Hits, earlier: Earlier, known: Callable[[int], Known | None]
) -> dict[int, Known]:
    """The earliest earlier place of each text that stands at one."""
    by_digest = np.flatnonzero((hits.row == 0) & (rank[hits.text] >= 0))[::-1]
    waiting: dict[int, list[int]] = {}  # text -> places, the earliest at the end
    for text, place in zip(hits.text[by_digest].tolist(), hits.place[by_digest].tolist(), strict=True):
        waiting.setdefault(text, []).append(place)
    twins: dict[int, Known] = {}
    while waiting:
        earlier.fetch(np.array([places[-1] for places in waiting.values()]))
        for text, places in waiting.items():
            one = known(places.pop())
            if one is not None and np.array_equal(one.codes, segment(folded, text)):
                twins[text] = one
        # the next place of each text whose first was removed
        waiting = {text: places for text, places in waiting.items() if places and text not in twins}
    return twins


def _matched(
    old: Sequence[Known],
    keyed: Keyed,
    texts: I64,
    rows: I64,
    judge_of: Callable[[Texts, Sequence[Known], I64], Judge],
    settings: Settings,
) -> Match:
    """The greedy rule over the *old* kept texts and then the *texts* named, numbered in this order."""
    folded, offsets = kernel.take_segments(*keyed.folded, texts)
    bands = keyed.bands[:, texts]
    if old:
        codes = [one.codes for one in old]
        old_offsets = offsets_of(np.array([len(each) for each in codes], np.int64))
        old_folded = np.concatenate(codes)
        bands = np.concatenate((band_keys(old_folded, old_offsets, settings), bands), axis=1)
        folded, offsets = np.concatenate((old_folded, folded)), chained(old_offsets, offsets)
    numbers = np.arange(len(old) + len(texts))
    if not _collide(bands):
        none = np.zeros(len(numbers), np.int64)
        return Match(numbers, numbers, none - 1, none, none, 0)
    each = Segments(folded, offsets)
    every = Texts(each, numbers, numbers, numbers[:0], each, np.zeros(len(numbers), np.int64))
    with Work() as work:
        judge = judge_of(every, old, rows)
        keys = own_keys(settings.rows, np.ascontiguousarray(bands), work)
        return match(every, numbers < len(old), settings, judge, work, keys)


def _enter(result: Verdicts, place: I64, rows: I64, of: I64, judged: I64, old: int, places: I64, found: Match) -> None:
    """Enters what became of the *judged* texts; *places* are those of the old texts, then their own first ones."""
    number = np.full(int(of.max()) + 1, -1)
    number[judged] = old + np.arange(len(judged))
    at = number[of]
    rows, at = rows[at >= 0], at[at >= 0]
    keeper, similarity = found.of(at)
    exact = keeper == at
    repeating = ~exact | (places[at] != place[rows])
    repeats = rows[repeating]
    result.kept[repeats] = places[keeper[repeating]]
    result.exact[repeats] = exact[repeating]
    result.similarity[repeats] = similarity[repeating]
    met = np.full(len(places), -1)
    met[found.texts] = np.arange(len(found.texts))
    links = np.flatnonzero((met[at] >= 0) & ~repeating)
    links = links[found.linked[met[at[links]]] >= 0]
    result.linked[rows[links]] = places[found.linked[met[at[links]]]]
    result.similarity[rows[links]] = found.similarity[met[at[links]]]


def _collide(bands: U64) -> bool:
    """Whether two texts share a key; for a few texts this is much faster than to ask band by band."""
    keys = np.sort(bands, axis=None)
    return bool((keys[1:] == keys[:-1]).any())


def by_number_of(new: Excerpt, whole: Verdicts, earlier: Earlier, settings: Settings) -> Mask:
    """Whether links were made because the numbers differ, not for want of coverage: bool [articles]."""
    result = np.zeros(len(new.articles), bool)
    linked = np.flatnonzero(whole.linked >= 0)
    if settings.numbers != "strict" or not len(linked):
        return result
    longer = np.diff(offsets_of(sizes(*new.compared) >= settings.min_chars)[new.of_article])
    pairs = [segment(new.whole, article) for article in linked.tolist()]
    for place in whole.linked[linked].tolist():
        known = earlier.article(place)
        pairs.append(known.codes if known else segment(new.whole, int(np.searchsorted(new.place, place))))
    offsets = offsets_of(np.array([len(each) for each in pairs], np.int64))
    result[linked] = linked_by_number(np.concatenate(pairs), offsets, longer[linked])
    return result


def match_short(new: Excerpt, stays: Mask, parts: Verdicts, settings: Settings) -> None:
    """Passages too short to be matched across articles meet the shorter and longer ones kept in their own article."""
    judged, own = stays[new.article], np.ones(len(new.article), bool)
    places, longer = short_places(judged, own, new.size, parts.kept, new.article, len(new.articles), settings)
    if not longer.all():
        _match_inside(new, places, longer, parts, settings)


def match_within(new: Excerpt, parts: Verdicts, settings: Settings) -> None:
    """Each article as a corpus of its own."""
    places = np.flatnonzero(new.size >= settings.min_chars_within)
    _match_inside(new, places, np.zeros(len(places), bool), parts, settings)


def _match_inside(new: Excerpt, places: I64, fixed: Mask, parts: Verdicts, settings: Settings) -> None:
    if not len(places):
        return
    texts = distinct_texts(Segments(*new.text, places), new.article[places])
    with Work() as work:
        found = match(texts, fixed, settings, passage_judge(texts, settings), work)
    numbers = np.arange(len(texts.first))
    first = new.number[places[texts.first]]
    own = Verdicts.none(len(new.article))
    _enter(own, new.number, places, wide(texts.of), numbers, 0, first, found)
    fresh = places[~fixed]
    for name in ("kept", "linked", "similarity", "exact"):
        getattr(parts, name)[fresh] = getattr(own, name)[fresh]


def told_of(new: Excerpt, places: I64, settings: Settings) -> I64:
    """What passages repeat or resemble, as far as it is told."""
    if settings.scope != "across":
        return places
    return np.where(places > new.place[new.article], -1, places)


def tokens(new: Excerpt, own: U64, kept: I64, earlier: Earlier, settings: Settings) -> U64:
    """A digest of what the family of each passage keeps, else of its own text: uint64 [passages]."""
    token = own.copy()
    by_family = np.flatnonzero((kept >= 0) & ((new.size >= settings.min_chars) | (settings.scope == "within")))
    places = kept[by_family]
    inside = places >= new.place[0]
    token[by_family[inside]] = own[new.passages(places[inside])]
    for passage, place in zip(by_family[~inside].tolist(), places[~inside].tolist(), strict=True):
        known = earlier.passage(place)
        if known is not None:
            token[passage] = known.token
    return token
