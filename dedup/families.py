"""Who meets whom, who verifies, who is kept: the greedy rule for passages and for whole articles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.candidates import Keys, Some, confirmed, keys_of, pieces, shared_bands
from dedup.fold_table import load
from dedup.kernel.reference import I32, I64, U32, U64, fmix64, offsets_of, positions
from dedup.segments import Segments
from dedup.settings import Settings
from dedup.sketch import shingle_sets, sizes
from dedup.work import Work

_TOGETHER = 1 << 18  # code points that are judged together at most: their shingles stay in the cache
_A_CODE_POINT = 64  # bytes that judging takes a code point of the texts that are judged together


class Texts(NamedTuple):
    """Distinct texts, numbered by their first place.

    Attributes:
        at: the folded text of each place.
        of: int [places], the text that stands at each place; of the dtype of `at.chosen`, int64 where that is None.
        first: of the same dtype [texts], the first place of each text.
        later: int64, rising, the other places: mostly few.
        each: the folded form of each text.
        domain: int64 [texts]; texts meet only texts of their own domain.
    """

    at: Segments
    of: I32 | I64
    first: I32 | I64
    later: I64
    each: Segments
    domain: I64

    @classmethod
    def repeated(cls, at: Segments, later: I64, leader: I64, domain: I64, work: Work) -> Texts:
        """Texts of which some places are known to repeat the first place of theirs.

        Args:
            at: the folded text of each place.
            later: int64, rising, the places that repeat an earlier one.
            leader: int64 [later], the first place with the text of each.
            domain: int64 [places].
            work: where the arrays lie.
        """
        count, dtype = len(at), np.int64 if at.chosen is None else at.chosen.dtype.type
        if not len(later):
            every = work.stored(np.arange(count, dtype=dtype))
            return cls(at, every, every, later, at, domain)
        fresh = np.ones(count, np.bool_)
        fresh[later] = False
        of: NDArray[Any] = np.cumsum(fresh, dtype=dtype)
        np.subtract(of, 1, out=of)
        of[later] = of[leader]
        of = work.stored(of)
        first = np.flatnonzero(fresh)
        domain = domain[: len(first)] if _is_one(domain) else work.stored(domain[first])
        return cls(at, of, work.stored(first.astype(dtype)), later, at.of(first).stored(work), domain)

    def take(self, texts: I64) -> tuple[U32, I64]:
        """The folded forms of these texts: a uint32 segment array."""
        return self.each.take(texts)

    def only(self, stays: NDArray[np.bool_], work: Work) -> Texts:
        """The places that *stay* (bool [places]: all of a text, or none) and their texts, both numbered anew."""
        places = np.flatnonzero(stays)
        later = self.later[stays[self.later]]
        leader = self.first[self.of[later]]
        domain = self.domain[: len(places)] if _is_one(self.domain) else self.domain[self.of[places]]
        later, leader = np.searchsorted(places, later), np.searchsorted(places, leader)
        return Texts.repeated(self.at.of(places).stored(work), later, leader, domain, work)


class Match(NamedTuple):
    """What became of the texts that met others (see `kernel.Choice`); each other text is kept, and linked to none.

    Attributes:
        texts: int64, rising, those texts.
        keeper, linked, shared, united: int64 [texts].
        full: band keys that had more kept texts than their bucket holds.
    """

    texts: I64
    keeper: I64
    linked: I64
    shared: I64
    united: I64
    full: int

    @property
    def similarity(self) -> NDArray[np.float64]:
        """To what they joined or are linked to: float64 [texts]."""
        return self.shared / np.maximum(self.united, 1)

    def of(self, texts: I32 | I64) -> tuple[I64, NDArray[np.float64]]:
        """The keeper of any texts, themselves where they are kept, and their similarity to it."""
        keeper, similarity = texts.astype(np.int64), np.ones(len(texts))
        if len(self.texts):
            rank = np.minimum(np.searchsorted(self.texts, texts), len(self.texts) - 1)
            joined = (self.texts[rank] == texts) & (self.keeper[rank] != texts)
            keeper[joined] = self.keeper[rank[joined]]
            similarity[joined] = self.similarity[rank[joined]]
        return keeper, similarity


Judge = Callable[[I64, U64, I64], kernel.Acceptable]
"""Makes the rule of who may join whom: (texts, their shingle sets, offsets) -> acceptable, in numbers of *texts*."""


def distinct_texts(at: Segments, domain: I64, work: Work | None = None) -> Texts:
    """Groups places with the same folded text of the same domain.

    Digests group them; the texts themselves decide, so that a forged collision of digests joins nothing.

    Args:
        at: the folded text of each place.
        domain: int64 [places].
        work: where the arrays lie; None: in memory.
    """
    work = work or Work()
    alike = _alike_at_a_glance(at, domain, work)
    digest = work.zeros((len(alike), 2), np.uint64)
    digests = work.in_threads(lambda some: (some, kernel.text_digests(*some.texts, load())), pieces(at.of(alike)))
    for some, found in digests:
        digest[some.first : some.first + len(found)] = found
    apart = _apart(digest[:, 0].copy(), domain[alike])
    met = np.flatnonzero(kernel.repeated(apart))
    met = met[np.argsort(apart[met], kind="stable")]
    apart, digest, order = apart[met], digest[met], alike[met]
    fresh = np.ones(len(order), bool)
    fresh[1:] = (digest[1:] != digest[:-1]).any(axis=1) | (domain[order[1:]] != domain[order[:-1]])
    if (fresh[1:] & (apart[1:] == apart[:-1])).any():  # halves of digests that are equal by chance, or forged
        by = np.lexsort((order, digest[:, 1], digest[:, 0], domain[order]))
        order, digest = order[by], digest[by]
        fresh[1:] = (digest[1:] != digest[:-1]).any(axis=1) | (domain[order[1:]] != domain[order[:-1]])
    leader = order[np.flatnonzero(fresh)[np.cumsum(fresh) - 1]]
    rising = np.flatnonzero(~fresh)
    rising = rising[np.argsort(order[rising])]
    later, leader = order[rising], leader[rising]
    for group in _forged_groups(at, later, leader, work):
        leaders = {at.take(np.array([group]))[0].tobytes(): group}
        for rank in np.flatnonzero(leader == group).tolist():
            place = int(later[rank])
            leader[rank] = leaders.setdefault(at.take(np.array([place]))[0].tobytes(), place)
    repeats = leader != later
    return Texts.repeated(at, later[repeats], leader[repeats], domain, work)


def _is_one(domain: I64) -> bool:
    """Whether all places are of one domain, in no memory."""
    return domain.strides == (0,)


def _apart(keys: U64, domain: I64) -> U64:
    """Keys that differ between domains too."""
    return keys ^ fmix64(domain.astype(np.uint64)) if domain.any() else keys


def _alike_at_a_glance(at: Segments, domain: I64, work: Work) -> I64:
    """The places whose texts look as those of others do: of most texts no more is read."""
    glances = work.zeros(len(at), np.uint32)  # half of them: a few more texts are read

    def glance(some: Some) -> tuple[int, U64]:
        found = kernel.text_glances(*some.texts, load())
        return some.first, _apart(found, domain[some.first : some.first + len(found)])

    for first, found in work.in_threads(glance, pieces(at)):
        glances[first : first + len(found)] = found >> np.uint64(32)
    return np.flatnonzero(kernel.repeated(glances))


def _forged_groups(at: Segments, later: I64, leader: I64, work: Work) -> list[int]:
    """The leaders of groups of one digest in which the text of some place *later* differs from that of its *leader*."""

    def differing(some: I64) -> list[int]:
        (own, offsets), (lead, lead_offsets) = at.take(later[some]), at.take(leader[some])
        if np.array_equal(offsets, lead_offsets):
            differs = np.searchsorted(offsets, np.flatnonzero(own != lead), side="right") - 1
            return leader[some[differs[np.diff(differs, prepend=-1) > 0]]].tolist()
        pairs = zip(leader[some].tolist(), pairwise(offsets.tolist()), pairwise(lead_offsets.tolist()), strict=True)
        return [
            place
            for place, (start, end), (lead_start, lead_end) in pairs
            if not np.array_equal(own[start:end], lead[lead_start:lead_end])
        ]

    return sorted({place for found in work.in_threads(differing, at.of(later).runs()) for place in found})


def match(
    texts: Texts, fixed: NDArray[np.bool_], settings: Settings, judge: Judge, work: Work, keys: Keys | None = None
) -> Match:
    """The greedy rule over distinct texts, in their order.

    Texts that share no band key with any other are kept without being looked at again. The others fall into components
    that share no key; some components at a time are judged, so that no more than their shingles are held.

    Args:
        texts: the distinct texts.
        fixed: bool [places], texts whose first place is one of these are kept without being judged (reference texts).
        settings: threshold, bands, bucket and the rest.
        judge: makes the rule of who may join whom.
        work: where band keys lie.
        keys: the band keys; None: they are made here.
    """
    keys = keys_of(texts.each, settings, work) if keys is None else keys
    colliding, groups = shared_bands(texts.each, texts.domain, keys, settings, work)
    none = np.zeros(len(colliding), np.int64)
    result = Match(colliding, colliding.copy(), none - 1, none, none.copy(), 0)
    full = 0

    def choose(some: I64) -> kernel.Choice:
        of = colliding[some]
        folded, offsets = texts.take(of)
        sets, set_offsets = shingle_sets(folded, offsets, settings)
        own = np.take(groups, some, axis=1)
        own[-1] = confirmed(own[-1], sets, set_offsets, settings)
        return kernel.greedy(
            sets,
            set_offsets,
            sizes(folded, offsets),
            own,
            fixed[texts.first[of]],
            settings.threshold_fraction,
            settings.short_chars,
            settings.containment_fraction,
            settings.bucket,
            judge(of, sets, set_offsets),
        )

    most = min(_TOGETHER, work.memory // (_A_CODE_POINT * work.workers))
    batches = list(_batches(kernel.components(groups), texts.each.of(colliding).lengths, most))
    batch = np.zeros(len(colliding), np.int64)
    for number, some in enumerate(batches):
        batch[some] = number
    groups = kernel.dense(groups, batch)
    for some, choice in zip(batches, work.in_threads(choose, batches), strict=True):
        of = colliding[some]
        result.keeper[some] = of[choice.keeper]
        result.linked[some] = np.where(choice.linked >= 0, of[choice.linked], -1)
        result.shared[some] = choice.shared
        result.united[some] = choice.united
        full += choice.full
    return result._replace(full=full)


def _batches(component: I64, lengths: I64, most: int) -> Iterator[I64]:
    """Texts of whole components, rising, of at most so many code points at a time unless one component has more."""
    order = np.argsort(component, kind="stable")
    ends = np.cumsum(lengths[order])
    starts = np.flatnonzero(np.diff(component[order], prepend=-1))
    first = 0
    while first < len(order):
        begin = int(ends[first - 1]) if first else 0
        reach = int(np.searchsorted(ends, begin + most, side="right"))
        stop = int(starts[np.searchsorted(starts, reach, side="right") - 1])
        if stop <= first:
            following = np.searchsorted(starts, first, side="right")
            stop = int(starts[following]) if following < len(starts) else len(order)
        elif reach == len(order):
            stop = reach
        yield np.sort(order[first:stop])
        first = stop


def passage_judge(texts: Texts, settings: Settings) -> Judge:
    """Passages may join where there is no number conflict: not each has a number that the other lacks."""

    def judge(of: I64, sets: U64, set_offsets: I64) -> kernel.Acceptable:
        if settings.numbers == "ignore":
            return kernel.NumbersAgree(np.zeros(0, np.uint64), np.zeros(len(of) + 1, np.int64))  # as if without numbers
        return kernel.NumbersAgree(*kernel.number_tokens(*texts.take(of), load()))

    return judge


def number_conflicts(numbers: U64, offsets: I64, text: int, met: I64) -> NDArray[np.bool_]:
    """Whether *text* and each of *met* have each a number that the other lacks: bool [met].

    Args:
        numbers: uint64 segment array, the sorted distinct numbers of each text.
        offsets: its offsets.
    """
    return ~kernel.NumbersAgree(numbers, offsets)(text, met)


def numbers_agree(numbers: U64, offsets: I64, text: int, met: I64) -> NDArray[np.bool_]:
    """Whether two thirds of the numbers of whichever text has fewer stand in the other too; without any, they agree."""
    return kernel.NumbersAgree(numbers, offsets).mostly(text, met)


def article_numbers_agree(numbers: U64, offsets: I64, text: int, met: I64, longer: int) -> NDArray[np.bool_]:
    """The number rule of articles: bool [met]. With fewer than two *longer* passages it is that of passages."""
    if longer < 2:
        return ~number_conflicts(numbers, offsets, text, met)
    return numbers_agree(numbers, offsets, text, met)


def article_judge(
    texts: Texts,
    articles: I64,
    passages: Segments,
    is_long: NDArray[np.bool_],
    of_article: I64,
    masked: Segments,
    settings: Settings,
) -> Judge:
    """Articles may join where the kept one covers each longer passage and the numbers agree for the greater part.

    A longer passage has a size of `min_chars` or more. It is covered when the share of its shingles that
    stand anywhere in the kept article reaches the threshold, so that re-flowed paragraphs count. An article with
    fewer than two longer passages follows the number rule of passages.

    Args:
        texts: the distinct article texts.
        articles: int64 [places], the articles that the places of *texts* are.
        passages: all folded passages that articles are compared by, in article order.
        is_long: bool [passages], which are longer ones.
        of_article: int64 [articles + 1], the passages of article a are of_article[a] ... of_article[a + 1] - 1.
        masked: what is left out of the text of each article. It too covers: in a copy that is re-flowed or edited the
            same words need not be masked.
    """

    def judge(of: I64, sets: U64, set_offsets: I64) -> kernel.Acceptable:
        article = articles[texts.first[of]]
        numbers = None
        if settings.numbers != "ignore":
            numbers = kernel.NumbersAgree(*kernel.number_tokens(*texts.take(of), load()))
        own_longer, own_longer_offsets = longer_passages(is_long, of_article, article)
        return kernel.PassagesCovered(
            numbers,
            sets,
            set_offsets,
            *passages.take(own_longer),
            np.arange(len(own_longer)),
            own_longer_offsets,
            *masked.take(article),
            load(),
            settings.shingle,
            settings.threshold_fraction,
        )

    return judge


def longer_passages(is_long: NDArray[np.bool_], of_article: I64, articles: I64) -> tuple[I64, I64]:
    """The longer passages of these articles: an int64 segment array of their numbers.

    Args:
        is_long, of_article: see `article_judge`.
        articles: int64.
    """
    lengths = of_article[articles + 1] - of_article[articles]
    own = positions(of_article[articles], lengths)
    long = is_long[own]
    return own[long], offsets_of(long)[offsets_of(lengths)]


def similarity_of(texts: Texts, settings: Settings) -> Callable[[int, int], float | None]:
    """The similarity of two texts that verify directly and without number conflict; None for others."""
    known: dict[tuple[int, int], float | None] = {}
    fraction, least = settings.threshold_fraction, settings.containment_fraction

    def verified(pair: tuple[int, int]) -> float | None:
        folded, offsets = texts.take(np.array(pair))
        sets, set_offsets = shingle_sets(folded, offsets, settings)
        shared = int(kernel.intersections(sets, set_offsets, np.array([0]), np.array([1]))[0])
        one, other = np.diff(set_offsets).tolist()
        united = one + other - shared
        if shared * fraction.denominator < fraction.numerator * united:
            return None
        short = int(sizes(folded, offsets).min()) < settings.short_chars
        if short and shared * least.denominator < least.numerator * min(one, other):
            return None
        numbers = kernel.number_tokens(folded, offsets, load())
        if settings.numbers == "strict" and number_conflicts(*numbers, 0, np.array([1]))[0]:
            return None
        return shared / united

    def similarity(one: int, other: int) -> float | None:
        pair = (min(one, other), max(one, other))
        if pair not in known:
            known[pair] = verified(pair)
        return known[pair]

    return similarity
