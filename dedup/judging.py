"""What `scan` and the index judge by alike: short rules over the arrays of articles and their passages."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.blocks import Block
from dedup.fold_table import load
from dedup.kernel.reference import I32, I64, U32
from dedup.settings import Settings

Mask = NDArray[np.bool_]


def opening(article: I64, line: I64) -> Mask:
    """The passages that begin a line: bool [passages].

    Args:
        article, line: int64 [passages], each passage's article, and its line among those of the article.
    """
    opens = np.ones(len(article), bool)
    opens[1:] = (article[1:] != article[:-1]) | (line[1:] != line[:-1])
    return opens


def in_whole(article: I64, masked: Mask, of_article: I64) -> Mask:
    """The passages that articles are compared by: those that are not masked, or all where all are: bool [passages].

    Args:
        article: int64 [passages], the article of each.
        masked: bool [passages].
        of_article: int64 [articles + 1], the passages of article a are of_article[a] ... of_article[a + 1] - 1.
    """
    shown = ~masked
    hidden = np.bincount(article[np.flatnonzero(masked)], minlength=len(of_article) - 1)
    entirely = (hidden > 0) & (hidden == np.diff(of_article))
    if entirely.any():
        shown |= entirely[article]
    return shown


def linked_by_number(texts: U32, offsets: I64, longer: I64) -> Mask:
    """Whether links of articles were made because the numbers differ, not for want of coverage: bool [links].

    Args:
        texts, offsets: segment array, the folded articles that are linked, then those that they are linked to.
        longer: int64 [links], the longer passages of each article that is linked.
    """
    numbers, bounds = kernel.number_tokens(texts, offsets, load())
    links = np.arange(len(longer))
    common = kernel.intersections(numbers, bounds, links, links + len(links))
    counts = np.diff(bounds).reshape(2, -1)  # as `article_numbers_agree` has it, of all links at once
    mostly = 3 * common >= 2 * counts.min(axis=0)
    return ~np.where(longer < 2, (common == counts).any(axis=0), mostly)


def short_places(
    judged: Mask, own: Mask, size: I64, kept: I64, article: I64, articles: int, settings: Settings
) -> tuple[I64, Mask]:
    """The passages that meet within their article because some are too short to be matched across articles.

    They are the short ones and the longer ones that are kept, of articles with short ones. A longer passage never joins
    a shorter one: what became of it must not depend on what it meets in one article.

    Args:
        judged: bool [passages], are judged at all.
        own: bool [passages], are no references.
        size, kept, article: int64 [passages].
        articles: how many articles there are.
        settings: the floors.

    Returns:
        int64, the passages; and bool, which of them are the longer ones.
    """
    long = judged & (size >= settings.min_chars)
    short = judged & ~long & (size >= settings.min_chars_within) & own
    with_short = np.bincount(article[short], minlength=articles) > 0
    longer = long & (kept < 0) & with_short[article]
    places = np.flatnonzero(short | longer)
    return places, longer[places]


def remnants(article: I64, long: Mask, kept: I64, chars: I64, articles: int, settings: Settings) -> I64:
    """For each article that lost a long passage as a duplicate and keeps none, the longest it lost; -1 for others.

    Args:
        article, kept, chars: int64 [passages]; chars are those of the folded text.
        long: bool [passages], is judged and may be cut alone.
        articles: how many articles there are.
        settings: which grain and scope.
    """
    remnant = np.full(articles, -1)
    if settings.grain != "both" or settings.scope == "within":
        return remnant
    lost = np.flatnonzero(long & (kept >= 0))
    keeps = np.bincount(article[long & (kept < 0)], minlength=articles) > 0
    lost = lost[~keeps[article[lost]]]
    by_length = lost[np.lexsort((-lost, chars[lost]))]
    remnant[article[by_length]] = by_length  # the last assignment stands: the longest, of equals the first
    return remnant


def pieces(
    block: Block, row: I32 | I64, text: I32 | I64, similarity: Callable[[int, int], float | None]
) -> Iterator[tuple[I64, I64, float, bool]]:
    """A block in pieces, between which something lies that is no part of it.

    Args:
        block: in numbers of the passages that blocks were sought among.
        row: int64 [passages], rising by 1 from one passage to the next where nothing lies between.
        text: int [passages], the text of each.
        similarity: of two texts that verify.

    Yields:
        The passages of a piece and their counterparts (int64), the least similarity, and whether all are equal.
    """
    own = np.arange(block.first, block.last + 1)
    whole = row[block.last] - row[block.first] == block.last - block.first  # as nearly all are
    for piece in [own] if whole else np.split(own, np.flatnonzero(np.diff(row[own]) != 1) + 1):
        counterparts = piece + (block.source - block.first)
        pairs = zip(text[piece].tolist(), text[counterparts].tolist(), strict=True)
        unequal = [(one, other) for one, other in pairs if one != other]
        least = min((similarity(one, other) or 0.0 for one, other in unequal), default=1.0)
        yield piece, counterparts, least, not unequal
