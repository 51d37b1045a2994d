"""Blocks of new articles, sought among all earlier places of their pairs of neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.blocks import Block, Passages, find_blocks
from dedup.families import distinct_texts, similarity_of
from dedup.index.earlier import Earlier
from dedup.index.excerpts import Excerpt, gather
from dedup.index.keys import pair_keys
from dedup.judging import pieces
from dedup.kernel.reference import I64, U64
from dedup.segments import Segments, wide
from dedup.settings import Settings

Mask = NDArray[np.bool_]
Lookup = Callable[[U64], tuple[I64, I64]]
"""The earlier places of each key: (numbers of keys, places), int64 [hits], sorted by key, then place, each once."""
MANY = 256  # earlier articles read at once in search of blocks; of more, those that promise most are read first


@dataclass(frozen=True, slots=True)
class Seen:
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
class Piece:
    """A block, or the piece of it between two lines that are no part of it, in places."""

    own: I64
    counterparts: I64
    similarity: float
    exact: bool


def blocks_of(seen: Seen, lookup: Lookup, earlier: Earlier, settings: Settings) -> tuple[list[Piece], NDArray[np.int8]]:
    """The blocks of the new articles, and the steps from each of their passages to kept text."""
    depth = (seen.kept >= 0).astype(np.int8)
    if not seen.removed.any():
        return [], depth
    candidates = _Candidates.of(seen, lookup, settings)
    if not (candidates.starts or _repeat_pairs(seen)):
        return [], depth
    candidates.read(earlier, {}, set())
    while True:
        pieces, found, inner, steps = _search(seen, earlier, settings)
        if not candidates.read(earlier, found, inner):
            break
    staying = seen.stays[seen.new.article]
    depth[staying] = steps[staying]
    return pieces, depth


def _repeat_pairs(seen: Seen) -> bool:
    """Whether a pair of neighbours that begins with a passage which is cut stands twice in the new articles."""
    first, keys = pair_keys(seen.new, seen.token)
    return bool((seen.removed[first] & (kernel.collisions(keys) >= 0)).any())


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
    def of(cls, seen: Seen, lookup: Lookup, settings: Settings) -> _Candidates:
        """Looks up the pairs of neighbours of the articles in which a block can begin."""
        new = seen.new
        starts: dict[int, tuple[I64, I64]] = {}
        if settings.scope != "within":
            begins = seen.removed & (new.size >= settings.min_chars)
            stands = (seen.kept >= 0) | (new.size < settings.min_chars)  # what is long and new stands nowhere earlier
            first, keys = pair_keys(new, seen.token)
            chosen = (np.bincount(new.article[begins], minlength=len(new.articles)) > 0)[new.article[first]]
            chosen &= stands[first] & stands[first + 1]
            first, keys = first[chosen], keys[chosen]
            numbers, places = lookup(keys)
            bounds = np.searchsorted(numbers, np.arange(len(keys) + 1)).tolist()
            at = {passage: places[bounds[pair] : bounds[pair + 1]] for pair, passage in enumerate(first.tolist())}
            for passage in first[begins[first]].tolist():
                if len(at[passage]):
                    starts[passage] = at[passage], _alike_lengths(at, passage)
        return cls(starts, set(), MANY)

    def read(self, earlier: Earlier, found: Mapping[int, tuple[int, int]], inner: set[int]) -> bool:
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
    seen: Seen, earlier: Earlier, settings: Settings
) -> tuple[list[Piece], dict[int, tuple[int, int]], set[int], NDArray[np.int8]]:
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
    of = wide(texts.of).copy()
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
) -> Iterator[Piece]:
    for block in blocks:
        for own, counterparts, least, exact in pieces(block, both.row[places], of, similarity):
            yield Piece(both.number[places[own]], both.number[places[counterparts]], least, exact)
