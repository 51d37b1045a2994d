"""New articles judged against what is known of earlier ones: the answer of `scan`, from look-ups.

The rule of `dedup.families` is that of an online index: a text meets the earlier kept texts that share a band key with
it. So what `scan` says of an article follows from the earlier ones that share a key, and what was decided of them:

- a text that stands at an earlier place takes what was decided there;
- other texts meet the earlier kept ones of the same band keys, which are kept and posted without being judged again;
- repetitions inside an article and remnants need the article alone;
- blocks need all earlier places of its pairs of neighbours, and how many steps each lies from kept text.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.blocks import Block, Passages, find_blocks
from dedup.boilerplate import Mark
from dedup.families import (
    Judge,
    Match,
    Texts,
    article_judge,
    article_numbers_agree,
    distinct_texts,
    match,
    passage_judge,
    similarity_of,
)
from dedup.findings import Judgement, Repeats, Run, Told, redirect
from dedup.fold_table import load
from dedup.index.excerpts import Excerpt, Folded, State, gather, stored_texts
from dedup.kernel.reference import I64, U32, U64, fmix64, offsets_of
from dedup.model import Finding
from dedup.segments import Segments
from dedup.settings import Settings
from dedup.sketch import band_keys, sizes
from dedup.tables import Marks, Tables
from dedup.work import Work

Mask = NDArray[np.bool_]
Lookup = Callable[[U64], tuple[I64, I64]]
"""The earlier places of each key: (numbers of keys, places), int64 [hits], sorted by key, then place, each once."""
Loader = Callable[[Sequence[int]], list[tuple[Excerpt, State]]]
"""The earlier articles in which the places given (rising) lie, each by itself, in order."""

# Keys of one kind are told from those of others by what they are mixed with.
_ID, _ARTICLE, _ARTICLE_TEXT, _PASSAGE_TEXT, _PAIR, _CITED, _CITED_WHOLE, _BARE = (
    fmix64(np.array([number], np.uint64))[0] for number in range(101, 109)
)
MANY = 256  # earlier articles read at once in search of blocks; of more, those that promise most are read first


def id_keys(ids: Sequence[str]) -> U64:
    """The keys under which articles are posted by their ids."""
    codes = [np.frombuffer(id.encode("utf-32-le", "surrogatepass"), "<u4") for id in ids]
    flat = np.concatenate([np.zeros(0, np.uint32), *codes]).astype(np.uint32)
    return kernel.digests(flat, offsets_of(np.array([len(each) for each in codes], np.int64)))[:, 0] ^ _ID


def citation_keys(places: I64) -> U64:
    """The keys under which articles are posted by the first place of each article that they cite."""
    return fmix64(places.astype(np.uint64) ^ _CITED)


def whole_citation_keys(places: I64) -> U64:
    """The same for articles that are cut whole as copies of it."""
    return fmix64(places.astype(np.uint64) ^ _CITED_WHOLE)


def pair_keys(excerpt: Excerpt, token: U64) -> tuple[I64, U64]:
    """The pairs of unequal neighbours: the number of the first passage of each, and its key."""
    first = np.flatnonzero((excerpt.article[1:] == excerpt.article[:-1]) & (token[1:] != token[:-1]))
    return first, fmix64(fmix64(token[first] ^ _PAIR) + token[first + 1])


@dataclass(frozen=True, slots=True)
class Keyed:
    """The distinct texts of one grain with their keys.

    Attributes:
        rows: int64 [places], the articles or passages of the excerpt that the places of *texts* are.
        texts: the distinct texts, numbered by their first place.
        folded: the distinct texts, a segment each.
        digests: uint64 [texts].
        bands: uint64 [bands, texts].
        salt: tells the band keys of this grain from those of the other where both are looked up.
        digest_salt: the same for digests.
    """

    rows: I64
    texts: Texts
    folded: Folded
    digests: U64
    bands: U64
    salt: np.uint64
    digest_salt: np.uint64

    def keys(self) -> U64:
        """What is looked up: uint64 [1 + bands, texts], the digests first."""
        return np.concatenate(((self.digests ^ self.digest_salt)[None], self.bands ^ self.salt))


@dataclass(frozen=True, slots=True)
class Sketches:
    """The keys of some articles.

    Attributes:
        wholes: their texts as wholes.
        parts: the passages that are long enough to be matched across articles, of all articles, cut whole or not.
        token: uint64 [passages], a digest of every passage.
    """

    wholes: Keyed
    parts: Keyed
    token: U64

    def keys(self) -> U64:
        """All keys in a row: those of the wholes, then those of the parts."""
        return np.concatenate((self.wholes.keys().ravel(), self.parts.keys().ravel()))

    def hits(self, numbers: I64, places: I64) -> tuple[Hits, Hits]:
        """What a look-up of `keys` found, for the wholes and for the parts."""
        split = (1 + len(self.wholes.bands)) * len(self.wholes.texts.first)
        at = int(np.searchsorted(numbers, split))
        first = Hits.of(numbers[:at], places[:at], len(self.wholes.texts.first))
        return first, Hits.of(numbers[at:] - split, places[at:], len(self.parts.texts.first))


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found for texts. Arrays are [hits]: the text, the row of its keys (0: the digest), the earlier place."""

    text: I64
    row: I64
    place: I64

    @classmethod
    def of(cls, numbers: I64, places: I64, texts: int) -> Hits:
        """Of hits under keys [1 + bands, texts] in a row."""
        return cls(numbers % max(texts, 1), numbers // max(texts, 1), places)

    @classmethod
    def none(cls) -> Hits:
        """Of no look-up."""
        return cls(*(np.zeros(0, np.int64) for _ in range(3)))


def sketch(excerpt: Excerpt, settings: Settings) -> Sketches:
    """Digests and band keys of the articles and passages of an excerpt."""
    across = settings.scope != "within"
    filled = np.flatnonzero(np.diff(excerpt.whole[1])) if across else np.zeros(0, np.int64)
    wholes = distinct_texts(Segments(*excerpt.whole, filled), np.zeros(len(filled), np.int64))
    token = kernel.digests(*excerpt.text)[:, 0]
    token = np.where(excerpt.bare > 0, excerpt.bare ^ _BARE, token)
    judged = across and settings.grain != "article"
    long = np.flatnonzero(excerpt.size >= settings.min_chars) if judged else np.zeros(0, np.int64)
    parts = distinct_texts(Segments(*excerpt.text, long), np.zeros(len(long), np.int64))
    count = len(wholes.first)
    whole, part = wholes.take(np.arange(count)), parts.take(np.arange(len(parts.first)))
    bands = band_keys(np.concatenate((whole[0], part[0])), _chain(whole[1], part[1]), settings)
    digests = kernel.digests(*whole)[:, 0]
    return Sketches(
        Keyed(filled, wholes, whole, digests, bands[:, :count], _ARTICLE, _ARTICLE_TEXT),
        Keyed(long, parts, part, token[long[parts.first]], bands[:, count:], np.uint64(0), _PASSAGE_TEXT),
        token,
    )


def _chain(one: I64, other: I64) -> I64:
    return np.concatenate((one, one[-1] + other[1:]))


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


@dataclass(slots=True)
class Judged:
    """What was decided about the articles of an excerpt.

    Attributes:
        states: a state an article.
        findings: the findings of each.
        cited: first places of the earlier articles that some of these repeat as wholes.
        shaken: those of them in which blocks lead to kept text in two steps: of an article that is cited they may lead
            there in one.
        fields: the fields of the articles that findings may cite, by id.
    """

    states: list[State]
    findings: list[list[Finding]]
    cited: set[int]
    shaken: list[int]
    fields: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Known:
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


class _Earlier:
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

    def article(self, place: int) -> _Known | None:
        """The article with the first place given; None where it was removed."""
        if place not in self._known:
            return None
        excerpt, state = self._known[place]
        kept, similarity, exact = state.whole_kept, state.whole_similarity, state.whole_exact
        return _Known(place, excerpt.whole, 0, kept, similarity, exact, 0, excerpt)

    def passage(self, place: int) -> _Known | None:
        """A passage; None where its article was removed, is cut whole or lets it be no passage any more."""
        before = bisect_left(self._order, place) - 1
        if before < 0:
            return None
        excerpt, state = self._known[self._order[before]]
        number = place - int(excerpt.place[0]) - 1
        if number >= len(excerpt.number) or state.cut:
            return None
        kept, similarity, exact = int(state.kept[number]), float(state.similarity[number]), bool(state.exact[number])
        return _Known(place, excerpt.text, number, kept, similarity, exact, int(state.token[number]), excerpt)


def judge(
    new: Excerpt,
    sketches: Sketches,
    hits: tuple[Hits, Hits],
    lookup: Lookup,
    loader: Loader,
    masks: Sequence[tuple[Mask, Mask]],
    marks: Sequence[Sequence[Mark]],
    firm: Mask,
    settings: Settings,
) -> Judged:
    """Judges articles in order, after all that are earlier.

    Args:
        new: the articles.
        sketches: their keys.
        hits: what was found under those keys: places of earlier articles alone.
        lookup, loader: for what else is to be known of earlier articles.
        masks: (masked, out) of each article, bool [lines].
        marks: boilerplate and debris of each article.
        firm: bool [articles], those that later articles repeat as wholes.
        settings: the settings of the index.
    """
    count = len(new.articles)
    earlier = _Earlier(loader, int(new.place[0]))
    whole = _wholes(new, sketches.wholes, hits[0], earlier, settings)
    earlier.fetch(np.concatenate((whole.kept, whole.linked)))
    by_number = _by_number(new, whole, earlier, settings)
    cut = whole.kept if settings.grain != "passage" else np.full(count, -1)
    parts = _passages(new, sketches.parts, cut < 0, hits[1], earlier, settings)
    if settings.scope == "both" and settings.grain != "article":
        _match_short(new, cut < 0, parts, settings)
    elif settings.scope == "within":
        _match_within(new, parts, settings)
    told = Verdicts(_told(new, parts.kept, settings), _told(new, parts.linked, settings), parts.similarity, parts.exact)
    earlier.fetch(np.concatenate((told.kept, told.linked)))
    remnant = _remnants(new, told.kept, settings)
    cited = np.unique(cut[cut >= 0])
    seen = _Seen(
        new,
        stays=(cut < 0) & (remnant < 0),
        kept=told.kept,
        token=_tokens(new, sketches.token, told.kept, earlier, settings),
        firm=firm | np.isin(new.place, cited),
    )
    blocks, depth = _blocks(seen, lookup, earlier, settings)
    findings = _findings(new, earlier, whole, by_number, cut, told, remnant, blocks, marks, settings)
    states = []
    cites = _cites(new, earlier, whole, told, blocks)
    bounds = np.searchsorted(new.article, np.arange(count + 1)).tolist()
    for number, (low, high) in enumerate(pairwise(bounds)):
        own = slice(low, high)
        states.append(
            State(
                masked=masks[number][0],
                out=masks[number][1],
                cut=bool(cut[number] >= 0),
                whole_kept=int(whole.kept[number]),
                whole_linked=int(whole.linked[number]),
                whole_similarity=float(whole.similarity[number]),
                whole_exact=bool(whole.exact[number]),
                remnant=bool(remnant[number] >= 0),
                kept=parts.kept[own],
                linked=parts.linked[own],
                similarity=parts.similarity[own],
                exact=parts.exact[own],
                depth=depth[own],
                token=seen.token[own],
                cites=cites[number],
            )
        )
    old = {int(excerpt.place[0]): state for excerpt, state in earlier.all()}
    shaken = [place for place in cited.tolist() if place in old and bool((old[place].depth > 1).any())]
    cited_articles = [*(excerpt.articles[0] for excerpt, _ in earlier.all()), *new.articles]
    known = {place for place in cited.tolist() if place < new.place[0]}
    return Judged(states, findings, known, shaken, {article.id: article.fields for article in cited_articles})


# ----------------------------------------------------------------------------------------------------- who repeats whom


def _wholes(new: Excerpt, keyed: Keyed, hits: Hits, earlier: _Earlier, settings: Settings) -> Verdicts:
    """Which articles repeat or resemble which, as wholes, in first places."""

    def judge_of(texts: Texts, old: Sequence[_Known], rows: I64) -> Judge:
        both = gather([*(known.excerpt for known in old), new])
        articles = np.concatenate((np.arange(len(old)), len(old) + rows))
        is_long = sizes(*both.compared) >= settings.min_chars
        passages, left = Segments(*both.compared), Segments(*both.left)
        return article_judge(texts, articles, passages, is_long, both.of_article, left, settings)

    result = Verdicts.none(len(new.articles))
    every = np.arange(len(keyed.rows))
    _repeat(result, new.place, keyed, every, hits, earlier, earlier.article, judge_of, settings)
    return result


def _passages(new: Excerpt, keyed: Keyed, stays: Mask, hits: Hits, earlier: _Earlier, settings: Settings) -> Verdicts:
    """Which long passages repeat or resemble which, in the articles that stay."""

    def judge_of(texts: Texts, old: Sequence[_Known], rows: I64) -> Judge:
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
    earlier: _Earlier,
    known: Callable[[int], _Known | None],
    judge_of: Callable[[Texts, Sequence[_Known], I64], Judge],
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
    if not len(chosen):
        return
    numbers, first = np.unique(keyed.texts.of[chosen], return_index=True)
    order = np.argsort(first)
    present, first = numbers[order], chosen[first[order]]  # texts by their first chosen place
    rank = np.full(len(keyed.texts.first), -1)
    rank[present] = np.arange(len(present))
    of = rank[keyed.texts.of[chosen]]
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
    folded: Folded, rank: I64, hits: Hits, earlier: _Earlier, known: Callable[[int], _Known | None]
) -> dict[int, _Known]:
    """The earliest earlier place of each text that stands at one."""
    by_digest = np.flatnonzero((hits.row == 0) & (rank[hits.text] >= 0))  # by text, then place
    twins: dict[int, _Known] = {}
    while len(by_digest):
        texts, at = np.unique(hits.text[by_digest], return_index=True)
        places = hits.place[by_digest[at]]
        earlier.fetch(np.unique(places))
        for text, place in zip(texts.tolist(), places.tolist(), strict=True):
            one = known(place)
            if one is not None and np.array_equal(one.codes, _segment(folded, text)):
                twins[text] = one
        # the next place of each text whose first was removed
        by_digest = np.delete(by_digest, at)
        by_digest = by_digest[~np.isin(hits.text[by_digest], list(twins))]
    return twins


def _matched(
    old: Sequence[_Known],
    keyed: Keyed,
    texts: I64,
    rows: I64,
    judge_of: Callable[[Texts, Sequence[_Known], I64], Judge],
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
        folded, offsets = np.concatenate((old_folded, folded)), _chain(old_offsets, offsets)
    numbers = np.arange(len(old) + len(texts))
    if not _collide(bands):
        none = np.zeros(len(numbers), np.int64)
        return Match(numbers, none - 1, none, none, 0)
    every = Texts(Segments(folded, offsets), numbers, numbers, np.zeros(len(numbers), np.int64))
    with Work() as work:
        judge = judge_of(every, old, rows)
        return match(every, numbers < len(old), settings, judge, work, np.ascontiguousarray(bands))


def _enter(result: Verdicts, place: I64, rows: I64, of: I64, judged: I64, old: int, places: I64, found: Match) -> None:
    """Enters what became of the *judged* texts; *places* are those of the old texts, then their own first ones."""
    number = np.full(int(of.max()) + 1, -1)
    number[judged] = old + np.arange(len(judged))
    at = number[of]
    rows, at = rows[at >= 0], at[at >= 0]
    keeper = found.keeper[at]
    exact = keeper == at
    similarity = found.shared / np.maximum(found.united, 1)
    repeating = ~exact | (places[at] != place[rows])
    repeats = rows[repeating]
    result.kept[repeats] = places[keeper[repeating]]
    result.exact[repeats] = exact[repeating]
    result.similarity[repeats] = np.where(exact, 1.0, similarity[at])[repeating]
    links = np.flatnonzero((found.linked[at] >= 0) & ~repeating)
    result.linked[rows[links]] = places[found.linked[at[links]]]
    result.similarity[rows[links]] = similarity[at[links]]


def _collide(bands: U64) -> bool:
    """Whether two texts share a key; for a few texts this is much faster than to ask band by band."""
    keys = np.sort(bands, axis=None)
    return bool((keys[1:] == keys[:-1]).any())


def _by_number(new: Excerpt, whole: Verdicts, earlier: _Earlier, settings: Settings) -> Mask:
    """Whether links were made because the numbers differ, not for want of coverage: bool [articles]."""
    result = np.zeros(len(new.articles), bool)
    linked = np.flatnonzero(whole.linked >= 0)
    if settings.numbers != "strict" or not len(linked):
        return result
    longer = np.diff(offsets_of(sizes(*new.compared) >= settings.min_chars)[new.of_article])
    for article in linked.tolist():
        place = int(whole.linked[article])
        own = _segment(new.whole, article)
        known = earlier.article(place)
        theirs = known.codes if known else _segment(new.whole, int(np.searchsorted(new.place, place)))
        offsets = np.array([0, len(own), len(own) + len(theirs)])
        numbers = kernel.number_tokens(np.concatenate((own, theirs)), offsets, load())
        result[article] = not article_numbers_agree(*numbers, 0, np.array([1]), int(longer[article]))[0]
    return result


def _segment(segments: Folded, number: int) -> U32:
    flat, offsets = segments
    return flat[offsets[number] : offsets[number + 1]]


def _match_short(new: Excerpt, stays: Mask, parts: Verdicts, settings: Settings) -> None:
    """Passages too short to be matched across articles meet the shorter and longer ones kept in their own article."""
    judged = stays[new.article] & (new.size >= settings.min_chars_within)
    short = judged & (new.size < settings.min_chars)
    if not short.any():
        return
    with_short = np.bincount(new.article[short], minlength=len(new.articles)) > 0
    kept = judged & ~short & (parts.kept < 0) & with_short[new.article]
    places = np.flatnonzero(short | kept)
    _match_inside(new, places, kept[places], parts, settings)


def _match_within(new: Excerpt, parts: Verdicts, settings: Settings) -> None:
    """Each article as a corpus of its own."""
    places = np.flatnonzero(new.size >= settings.min_chars_within)
    _match_inside(new, places, np.zeros(len(places), bool), parts, settings)


def _match_inside(new: Excerpt, places: I64, fixed: Mask, parts: Verdicts, settings: Settings) -> None:
    if not len(places):
        return
    texts = distinct_texts(Segments(*new.text, places), new.article[places])
    with Work() as work:
        found = match(texts, fixed[texts.first], settings, passage_judge(texts, settings), work)
    numbers = np.arange(len(texts.first))
    first = new.number[places[texts.first]]
    own = Verdicts.none(len(new.article))
    _enter(own, new.number, places, texts.of, numbers, 0, first, found)
    fresh = places[~fixed]
    for name in ("kept", "linked", "similarity", "exact"):
        getattr(parts, name)[fresh] = getattr(own, name)[fresh]


def _told(new: Excerpt, places: I64, settings: Settings) -> I64:
    """What passages repeat or resemble, as far as it is told."""
    if settings.scope != "across":
        return places
    return np.where(places > new.place[new.article], -1, places)


def _remnants(new: Excerpt, kept: I64, settings: Settings) -> I64:
    """For each article that lost a long passage as a duplicate and keeps none, the longest it lost; -1 for others."""
    count = len(new.articles)
    remnant = np.full(count, -1)
    if settings.grain != "both" or settings.scope == "within":
        return remnant
    long = new.size >= settings.min_chars
    lost = np.flatnonzero(long & (kept >= 0))
    keeps = np.bincount(new.article[long & (kept < 0)], minlength=count) > 0
    lost = lost[~keeps[new.article[lost]]]
    by_length = lost[np.lexsort((-lost, np.diff(new.text[1])[lost]))]
    remnant[new.article[by_length]] = by_length
    return remnant


def _tokens(new: Excerpt, own: U64, kept: I64, earlier: _Earlier, settings: Settings) -> U64:
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


# --------------------------------------------------------------------------------------------------------------- blocks


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the search for blocks sees of the new articles.

    Attributes:
        new: the articles.
        stays: bool [articles], neither cut whole nor a remnant.
        kept: int64 [passages], the kept place that each repeats; -1.
        token: uint64 [passages].
        firm: bool [articles], repeated as a whole by a later article.
    """

    new: Excerpt
    stays: Mask
    kept: I64
    token: U64
    firm: Mask

    @property
    def removed(self) -> Mask:
        """The passages that are cut, in articles that stay: bool [passages]."""
        return (self.kept >= 0) & self.stays[self.new.article]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block, or the piece of it between two lines that are no part of it, in places."""

    own: I64
    counterparts: I64
    similarity: float
    exact: bool


def _blocks(
    seen: _Seen, lookup: Lookup, earlier: _Earlier, settings: Settings
) -> tuple[list[_Piece], NDArray[np.int8]]:
    """The blocks of the new articles, and the steps from each of their passages to kept text."""
    depth = (seen.kept >= 0).astype(np.int8)
    if not seen.removed.any():
        return [], depth
    candidates = _Candidates.of(seen, lookup, settings)
    candidates.read(earlier, {}, set())
    while True:
        pieces, found, inner, steps = _search(seen, earlier, settings)
        if not candidates.read(earlier, found, inner):
            break
    staying = seen.stays[seen.new.article]
    depth[staying] = steps[staying]
    return pieces, depth


@dataclass(slots=True)
class _Candidates:
    """The earlier places at which the like of a block of the new articles may begin.

    Attributes:
        starts: passage at which a block can begin -> places, rising, and how many passages from each on have the tokens
            of those from it on.
        taken: the places whose articles were read.
        limit: how many are read at once for one passage; it doubles from one time to the next.
    """

    starts: dict[int, tuple[I64, I64]]
    taken: set[int]
    limit: int

    @classmethod
    def of(cls, seen: _Seen, lookup: Lookup, settings: Settings) -> _Candidates:
        """Looks up the pairs of neighbours of the articles in which a block can begin."""
        new = seen.new
        starts: dict[int, tuple[I64, I64]] = {}
        if settings.scope != "within":
            begins = seen.removed & (new.size >= settings.min_chars)
            first, keys = pair_keys(new, seen.token)
            chosen = (np.bincount(new.article[begins], minlength=len(new.articles)) > 0)[new.article[first]]
            first, keys = first[chosen], keys[chosen]
            wanted, of = np.unique(keys, return_inverse=True)
            numbers, places = lookup(wanted)
            bounds = np.searchsorted(numbers, np.arange(len(wanted) + 1)).tolist()
            at = {
                passage: places[bounds[key] : bounds[key + 1]]
                for passage, key in zip(first.tolist(), of.tolist(), strict=True)
            }
            for passage in first[begins[first]].tolist():
                if len(at[passage]):
                    starts[passage] = at[passage], _alike_lengths(at, passage)
        return cls(starts, set(), MANY)

    def read(self, earlier: _Earlier, found: Mapping[int, tuple[int, int]], inner: set[int]) -> bool:
        """Reads more of the articles that may hold a better source than was found; whether there were any.

        Args:
            earlier: where they are read into.
            found: passage -> (length, place of the source) of the block that begins there.
            inner: the passages inside of blocks, where none begins.
        """
        wanted: set[int] = set()
        for passage in self.starts.keys() - inner:
            places, lengths = self.starts[passage]
            best, source = found.get(passage, (1, -1))
            better = (lengths > best) | ((lengths == best) & (places < source))
            new = [at for at in np.flatnonzero(better).tolist() if int(places[at]) not in self.taken]
            longest = max((int(lengths[at]) for at in new), default=0)
            wanted.update(places[new[: self.limit]].tolist())
            wanted.update(places[[at for at in new if lengths[at] == longest][: self.limit]].tolist())
        self.limit *= 2
        self.taken |= wanted
        earlier.fetch(np.array(sorted(wanted), np.int64))
        return bool(wanted)


def _alike_lengths(at: Mapping[int, I64], start: int) -> I64:
    """For each earlier place of the pair at *start*, how many passages from it on have the tokens of those here."""
    places = at[start]
    lengths = np.full(len(places), 2)
    going = np.arange(len(places))
    step = 1
    while len(going) and start + step in at:
        following = at[start + step]
        where = np.searchsorted(following, places[going] + step)
        same = following[np.minimum(where, len(following) - 1)] == places[going] + step if len(following) else where > 0
        going = going[same]
        lengths[going] += 1
        step += 1
    return lengths


def _search(
    seen: _Seen, earlier: _Earlier, settings: Settings
) -> tuple[list[_Piece], dict[int, tuple[int, int]], set[int], NDArray[np.int8]]:
    """The blocks, given the articles read so far.

    Also: first passage -> length and place of the source; the passages inside; the steps of each passage to kept text.
    """
    new = seen.new
    known = [(excerpt, state) for excerpt, state in earlier.all() if not state.cut and not state.remnant]
    both = gather([*(excerpt for excerpt, _ in known), new])
    states = [state for _, state in known]
    old = len(both.article) - len(new.article)
    stays = np.concatenate((np.ones(len(known), bool), seen.stays))
    places = np.flatnonzero(stays[both.article])
    texts = distinct_texts(Segments(*both.text, places), np.zeros(len(places), np.int64))
    of = texts.of.copy()
    bare = both.bare[places]
    of[bare > 0] = len(texts.first) + np.unique(bare[bare > 0], return_inverse=True)[1]
    old_kept = np.concatenate([np.zeros(0, np.int64), *(state.kept for state in states)])
    kept = np.concatenate((_told_in(both, old_kept, settings), seen.kept))[places]
    token = np.concatenate([*(state.token for state in states), seen.token])[places]
    depth = np.concatenate([*(state.depth for state in states), np.zeros(len(new.article), np.int8)])[places]
    cited = np.zeros(len(new.article), bool)
    inside = seen.kept[seen.kept >= new.place[0]]
    cited[new.passages(inside)] = True
    firm = np.concatenate((np.zeros(old, bool), cited | seen.firm[new.article]))
    passages = Passages(
        article=both.article[places],
        text=of,
        token=np.unique(token, return_inverse=True)[1],
        removed=kept >= 0,
        across=both.size[places] >= settings.min_chars,
        source=np.ones(len(places), bool),
        opens=both.opens[places],
        firm=firm[places],
        within_only=settings.scope == "within",
        across_only=settings.scope == "across",
    )
    similarity = similarity_of(texts, settings)
    begin = int(np.searchsorted(places, old))
    blocks = find_blocks(passages, similarity, begin, depth)
    found = {}
    inner: set[int] = set()
    for block in blocks:
        first, *others = (places[block.first : block.last + 1] - old).tolist()
        found[first] = block.last - block.first + 1, int(both.number[places[block.source]])
        inner.update(others)
    steps = np.zeros(len(new.article), np.int8)
    steps[places[begin:] - old] = depth[begin:]
    return list(_pieces(blocks, both, places, of, similarity)), found, inner, steps


def _told_in(both: Excerpt, kept: I64, settings: Settings) -> I64:
    if settings.scope != "across":
        return kept
    return np.where(kept > both.place[both.article[: len(kept)]], -1, kept)


def _pieces(
    blocks: Sequence[Block], both: Excerpt, places: I64, of: I64, similarity: Callable[[int, int], float | None]
) -> Iterator[_Piece]:
    for block in blocks:
        own = places[block.first : block.last + 1]
        counterparts = places[block.source : block.source_last + 1]
        for piece in np.split(np.arange(len(own)), np.flatnonzero(np.diff(both.row[own]) != 1) + 1):
            first, last = block.first + int(piece[0]), block.first + int(piece[-1]) + 1
            there = block.source - block.first
            pairs = zip(of[first:last].tolist(), of[first + there : last + there].tolist(), strict=True)
            unequal = [(one, other) for one, other in pairs if one != other]
            least = min((similarity(one, other) or 0.0 for one, other in unequal), default=1.0)
            yield _Piece(both.number[own[piece]], both.number[counterparts[piece]], least, not unequal)


# ------------------------------------------------------------------------------------------------------------- findings


def _findings(
    new: Excerpt,
    earlier: _Earlier,
    whole: Verdicts,
    by_number: Mask,
    cut: I64,
    told: Verdicts,
    remnant: I64,
    blocks: Sequence[_Piece],
    marks: Sequence[Sequence[Mark]],
    settings: Settings,
) -> list[list[Finding]]:
    """The findings of each new article, in the words of `scan`."""
    if not any(marks) and _is_nothing(whole, told):
        return [[] for _ in new.articles]
    known = [excerpt for excerpt, _ in earlier.all()]
    both = gather([*known, new])
    first, old = len(known), len(both.article) - len(new.article)
    articles, parts = Repeats.none(len(both.articles)), Repeats.none(len(both.article))
    if settings.grain != "passage":
        for name in ("kept", "linked"):
            places = getattr(whole, name)
            getattr(articles, name)[first:] = np.where(places >= 0, both.articles_at(places), -1)
        articles.similarity[first:], articles.exact[first:] = whole.similarity, whole.exact
        articles.by_number[first:] = by_number
    for name in ("kept", "linked"):
        places = getattr(told, name)
        getattr(parts, name)[old:] = np.where(places >= 0, both.passages(places), -1)
    parts.similarity[old:], parts.exact[old:] = told.similarity, told.exact
    parts.by_number[:] = True
    runs = [
        Run(both.passages(piece.own), both.passages(piece.counterparts), piece.similarity, piece.exact)
        for piece in blocks
    ]
    redirect(parts, runs)
    remnants = np.full(len(both.articles), -1)
    remnants[first:] = np.where(remnant >= 0, remnant + old, -1)
    tables = _tables(both, first, old)
    judgement = Judgement(
        tables, settings, articles, parts, remnants, runs, {first + n: of for n, of in enumerate(marks)}, ()
    )
    by_article: dict[str, list[Finding]] = {article.id: [] for article in new.articles}
    for finding in Told(judgement, lambda stage, done, total: None).findings():
        by_article[finding.article].append(finding)
    return list(by_article.values())


def _is_nothing(whole: Verdicts, told: Verdicts) -> bool:
    """Whether nothing repeats or resembles anything, as is so of most articles that come alone."""
    return all((places < 0).all() for of in (whole, told) for places in (of.kept, of.linked))


def _tables(both: Excerpt, first: int, old: int) -> Tables:
    """An excerpt as `dedup.findings` knows it: the articles from *first* on are those it is about."""
    count, passages = len(both.articles), len(both.article)
    return Tables(
        ids=[article.id for article in both.articles],
        against=[None] * count,
        lengths=both.lengths,
        fixed=np.zeros(count, bool),
        read=np.arange(first, count),
        article=both.article,
        start=both.start,
        end=both.end,
        folded=both.text[0],
        offsets=both.text[1],
        size=both.size,
        of_article=np.searchsorted(both.article, np.arange(count + 1)),
        line=np.zeros(passages, np.int64),
        bare=both.bare,
        masked=np.zeros(passages, bool),
        shape=np.zeros(passages, np.uint8),
        source=np.full(count, -1),
        marks=Marks(np.zeros(0, np.uint8), np.zeros(count + 1, np.int64), np.arange(count)),
        texts=stored_texts([article.text for article in both.articles]),
    )


# -------------------------------------------------------------------------------------------------------------- entries


def _cites(new: Excerpt, earlier: _Earlier, whole: Verdicts, told: Verdicts, blocks: Sequence[_Piece]) -> list[I64]:
    """The first places of the other articles that each article cites."""
    if _is_nothing(whole, told):
        return [np.zeros(0, np.int64)] * len(new.articles)
    firsts = np.array([*(int(excerpt.place[0]) for excerpt, _ in earlier.all()), *new.place.tolist()], np.int64)

    def article_of(places: I64) -> I64:
        return firsts[np.searchsorted(firsts, places, side="right") - 1]

    pairs = []
    for verdicts, own in ((whole, new.place), (told, new.place[new.article])):
        for places in (verdicts.kept, verdicts.linked):
            at = np.flatnonzero(places >= 0)
            pairs.append(np.stack((own[at], article_of(places[at]))))
    for piece in blocks:
        pairs.append(np.stack((article_of(piece.own[:1]), article_of(piece.counterparts[:1]))))
    both = np.unique(np.concatenate(pairs, axis=1), axis=1)
    own, cited = both[:, both[0] != both[1]]
    bounds = np.searchsorted(own, np.append(new.place, new.place[-1] + 1)) if len(new.place) else np.zeros(1, np.int64)
    return [cited[low:high] for low, high in pairwise(bounds.tolist())]


def entries(
    new: Excerpt, sketches: Sketches, hits: tuple[Hits, Hits], states: Sequence[State], settings: Settings
) -> tuple[U64, I64]:
    """The keys under which articles are to be found, and the places that are found.

    Args:
        new, sketches: the articles and their keys.
        hits: what stands under those keys already.
        states: what was decided about them.
        settings: the settings of the index.
    """
    keys, places = [id_keys([article.id for article in new.articles])], [new.place]
    stays = np.array([not state.cut for state in states], bool)
    whole_kept = np.array([state.whole_kept for state in states], np.int64)
    whole_exact = np.array([state.whole_exact for state in states], bool)
    kept = np.concatenate([np.zeros(0, np.int64), *(state.kept for state in states)])
    exact = np.concatenate([np.zeros(0, bool), *(state.exact for state in states)])
    wholes, parts = sketches.wholes, sketches.parts
    staying = np.flatnonzero(stays[new.article[parts.rows]])
    for more, at in (
        *_text_entries(wholes, hits[0], whole_kept, whole_exact, new.place, np.arange(len(wholes.rows)), settings),
        *_text_entries(parts, hits[1], kept, exact, new.number, staying, settings),
    ):
        keys.append(more)
        places.append(at)
    if settings.scope != "within":
        token = np.concatenate([np.zeros(0, np.uint64), *(state.token for state in states)])
        first, pairs = pair_keys(new, token)
        source = np.array([not (state.cut or state.remnant) for state in states], bool)
        posting = source[new.article[first]]
        keys.append(pairs[posting])
        places.append(new.number[first[posting]])
    cites = [state.cites for state in states]
    keys.append(citation_keys(np.concatenate([np.zeros(0, np.int64), *cites])))
    places.append(np.repeat(new.place, [len(each) for each in cites]))
    keys.append(whole_citation_keys(whole_kept[~stays]))
    places.append(new.place[~stays])
    return np.concatenate(keys), np.concatenate(places)


def _text_entries(
    keyed: Keyed, found: Hits, kept: I64, exact: Mask, place: I64, chosen: I64, settings: Settings
) -> Iterator[tuple[U64, I64]]:
    """The digests of kept texts and of their near members, and the band keys of the kept ones.

    What equals a near member takes its verdict. Each of its places is posted, so that it is found whichever is removed.
    """
    rows, texts = keyed.rows[chosen], keyed.texts.of[chosen]
    stays = kept[rows] < 0
    posted = stays | ~exact[rows]
    yield keyed.digests[texts[posted]] ^ keyed.digest_salt, place[rows[posted]]
    yield _posted(keyed, texts[stays], place[rows[stays]], found, settings.bucket)


def _posted(keyed: Keyed, texts: I64, places: I64, found: Hits, bucket: int) -> tuple[U64, I64]:
    """The band keys of kept texts that still have room, and their places."""
    keys = keyed.bands[:, texts].T.copy()  # [texts, bands], in the order in which they are posted
    held = np.zeros(keyed.bands.shape, np.int64)
    by_band = found.row > 0
    np.add.at(held, (found.row[by_band] - 1, found.text[by_band]), 1)
    flat = keys.ravel()
    _, number = np.unique(flat, return_inverse=True)
    order = np.argsort(number, kind="stable")
    rank = np.empty(len(flat), np.int64)
    rank[order] = np.arange(len(flat)) - np.searchsorted(number[order], number[order])
    room = rank + held[:, texts].T.ravel() < bucket
    return flat[room] ^ keyed.salt, np.repeat(places, keys.shape[1])[room]
