"""Under which keys articles are found: digests of texts, band keys, pairs of neighbours, citations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.families import Texts, distinct_texts
from dedup.index.excerpts import Excerpt, Folded, State
from dedup.kernel.reference import I64, U64, fmix64, offsets_of
from dedup.segments import Segments, wide
from dedup.settings import Settings
from dedup.sketch import band_keys

Mask = NDArray[np.bool_]

# Keys of one kind are told from those of others by what they are mixed with.
_ID, _ARTICLE, _ARTICLE_TEXT, _PASSAGE_TEXT, _PAIR, _CITED, _CITED_WHOLE, _BARE = (
    fmix64(np.array([number], np.uint64))[0] for number in range(101, 109)
)


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
    bands = band_keys(np.concatenate((whole[0], part[0])), chained(whole[1], part[1]), settings)
    digests = kernel.digests(*whole)[:, 0]
    return Sketches(
        Keyed(filled, wholes, whole, digests, bands[:, :count], _ARTICLE, _ARTICLE_TEXT),
        Keyed(long, parts, part, token[long[parts.first]], bands[:, count:], np.uint64(0), _PASSAGE_TEXT),
        token,
    )


def chained(one: I64, other: I64) -> I64:
    return np.concatenate((one, one[-1] + other[1:]))


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
    rows, texts = keyed.rows[chosen], wide(keyed.texts.of)[chosen]
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
    group = kernel.collisions(flat)
    again = np.flatnonzero(group >= 0)
    again = again[np.argsort(group[again], kind="stable")]
    rank = np.zeros(len(flat), np.int64)
    rank[again] = np.arange(len(again)) - np.searchsorted(group[again], group[again])
    room = rank + held[:, texts].T.ravel() < bucket
    return flat[room] ^ keyed.salt, np.repeat(places, keys.shape[1])[room]
