"""`scan` on one machine: the only place that knows the order of the judgements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup import frames, kernel
from dedup.blocks import Block, Passages, find_blocks
from dedup.errors import BadSettings
from dedup.families import (
    Texts,
    article_judge,
    article_numbers_agree,
    distinct_texts,
    match,
    number_conflicts,
    passage_judge,
)
from dedup.findings import Judgement, Repeats, report
from dedup.fold_table import WIDE, load
from dedup.kernel.reference import I64, offsets_of
from dedup.model import Article, Report
from dedup.rewriting import refuse_one_shot, rewrite
from dedup.settings import Settings
from dedup.sketch import shingle_sets
from dedup.tables import Progress, References, Tables, read_tables


def scan(
    articles: Any,
    settings: Settings | None = None,
    *,
    text_field: str = "text",
    id_field: str | None = None,
    against: References | None = None,
    sources: Callable[[], Sequence[tuple[str, int]]] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Judges a corpus: what repeats, what it repeats, and what is to be cut.

    Args:
        articles: any re-iterable of articles with distinct ids; it is iterated twice, as texts are not held. Or a
            table, one article a row: a pyarrow Table or RecordBatchReader (which is read into memory), a pandas or
            polars DataFrame, a Hugging Face Dataset.
        settings: the choices; the defaults where None.
        text_field: the column of a table that holds the text.
        id_field: the column of a table that holds the ids, each of them once; else "id" where it does, else the ids are
            the numbers of the rows from 0.
        against: reference articles, which are matched against and never cut: name -> articles, or articles.
        sources: called once the articles have been read: (source, articles of it in a row), for the warnings.
        progress: told of the stages as they go.

    Raises:
        OneShotInput: *articles* is an iterator.
        BadInput: an id stands twice, a text is no string, holds a lone surrogate, or changed between the iterations.
        BadSettings: `keep` names a field that no article has, or there are references that `scope` leaves out.
    """
    settings = settings or Settings()
    if settings.scope == "within" and against:
        raise BadSettings('scope "within" never looks at references; leave them out, or choose another scope')
    tell = progress or (lambda stage, done, total: None)
    if frames.kind_of(articles) is not None:
        articles = frames.articles_of(articles, text_field, id_field)
    refuse_one_shot(articles)
    tables = read_tables(articles, against, settings, tell)
    tell("articles", 0, None)
    whole = _article_repeats(tables, settings)
    tell("passages", 0, None)
    parts = _passage_repeats(tables, whole, settings)
    tell("blocks", 0, None)
    remnant = _remnants(tables, whole, parts, settings)
    blocks = _blocks(tables, whole, parts, remnant, settings)
    judgement = Judgement(tables, settings, whole, parts, remnant, blocks, sources() if sources else ())
    return report(judgement, articles, tell)


def _article_repeats(tables: Tables, settings: Settings) -> Repeats:
    """Which articles repeat which, as wholes."""
    repeats = Repeats.none(len(tables.ids))
    if settings.grain == "passage" or settings.scope == "within":
        return repeats
    wide = (load().flags[tables.folded] & WIDE) > 0
    folded, offsets = kernel.join_segments(tables.folded, tables.offsets, wide, tables.of_article)
    articles = np.flatnonzero(np.diff(offsets) > 0)  # an empty fold never matches
    folded, offsets = kernel.take_segments(folded, offsets, articles)
    texts = distinct_texts(folded, offsets, np.zeros(len(articles), np.int64))
    judge = article_judge(texts, articles, tables.folded, tables.offsets, tables.of_article, settings)
    found = match(texts, tables.fixed[articles][texts.first], settings, judge)
    repeats.enter(articles, texts, found)
    repeats.clear(tables.fixed)
    if settings.numbers == "strict":
        _name_number_links(tables, articles, texts, found.linked, repeats, settings)
    return repeats


def _name_number_links(
    tables: Tables, articles: I64, texts: Texts, linked: I64, repeats: Repeats, settings: Settings
) -> None:
    """Tells links that the number rule made from links for want of coverage."""
    links = np.flatnonzero(linked >= 0)
    pairs = kernel.take_segments(texts.folded, texts.offsets, np.concatenate((links, linked[links])))
    numbers, offsets = kernel.number_tokens(*pairs, load())
    longer = np.diff(offsets_of(tables.chars >= settings.min_chars)[tables.of_article])
    for row, text in enumerate(links.tolist()):
        article = articles[texts.first[text]]
        kept = np.array([row + len(links)])
        repeats.by_number[article] = not article_numbers_agree(numbers, offsets, row, kept, int(longer[article]))[0]


def _passage_repeats(tables: Tables, whole: Repeats, settings: Settings) -> Repeats:
    """Which passages repeat which, in the articles that are not cut whole."""
    repeats = Repeats.none(len(tables.article))
    if settings.grain == "article":
        return repeats
    judged = whole.kept[tables.article] < 0
    if settings.scope == "within":
        places = np.flatnonzero(judged & (tables.chars >= settings.min_chars_within) & ~tables.fixed[tables.article])
        _match_passages(tables, places, tables.article[places], np.zeros(len(places), bool), repeats, settings)
    else:
        long = judged & (tables.chars >= settings.min_chars)
        places = np.flatnonzero(long)
        _match_passages(
            tables, places, np.zeros(len(places), np.int64), tables.fixed[tables.article[places]], repeats, settings
        )
        if settings.scope == "both":
            _match_short(tables, judged, long, repeats, settings)
    repeats.clear(tables.fixed[tables.article])
    if settings.scope == "across":
        repeats.drop_within(tables.article)
    repeats.by_number[:] = True
    return repeats


def _match_short(
    tables: Tables, judged: NDArray[np.bool_], long: NDArray[np.bool_], repeats: Repeats, settings: Settings
) -> None:
    """Passages too short to be matched across articles meet the shorter and longer ones kept in their own article.

    A longer passage never joins a shorter one: what became of it must not depend on what it meets in one article.
    """
    short = judged & ~long & (tables.chars >= settings.min_chars_within) & ~tables.fixed[tables.article]
    with_short = np.bincount(tables.article[short], minlength=len(tables.ids)) > 0
    kept = long & (repeats.kept < 0) & with_short[tables.article]
    places = np.flatnonzero(short | kept)
    _match_passages(tables, places, tables.article[places], kept[places], repeats, settings)


def _match_passages(
    tables: Tables, places: I64, domain: I64, fixed: NDArray[np.bool_], repeats: Repeats, settings: Settings
) -> None:
    """Enters what becomes of the passages at *places*; those of one domain meet."""
    folded, offsets = kernel.take_segments(tables.folded, tables.offsets, places)
    texts = distinct_texts(folded, offsets, domain)
    found = match(texts, fixed[texts.first], settings, passage_judge(texts, settings))
    repeats.enter(places, texts, found)


def _remnants(tables: Tables, whole: Repeats, parts: Repeats, settings: Settings) -> I64:
    """For each article that lost a long passage as a duplicate and keeps none, the longest it lost; -1 for others."""
    remnant = np.full(len(tables.ids), -1)
    if settings.grain != "both" or settings.scope == "within":
        return remnant
    long = tables.chars >= settings.min_chars
    lost = np.flatnonzero(long & (parts.kept >= 0))
    keeps = np.bincount(tables.article[long & (parts.kept < 0)], minlength=len(tables.ids)) > 0
    lost = lost[~keeps[tables.article[lost]]]
    by_length = lost[np.lexsort((-lost, tables.chars[lost]))]
    remnant[tables.article[by_length]] = by_length  # the last assignment stands: the longest, of equals the first
    return remnant


def _blocks(tables: Tables, whole: Repeats, parts: Repeats, remnant: I64, settings: Settings) -> list[Block]:
    """Runs of repeated passages in the articles that stay."""
    places = np.flatnonzero(whole.kept[tables.article] < 0)
    if not (parts.kept >= 0).any():
        return []
    folded, offsets = kernel.take_segments(tables.folded, tables.offsets, places)
    texts = distinct_texts(folded, offsets, np.zeros(len(places), np.int64))
    text = np.full(len(tables.article), -1)
    text[places] = texts.of
    kept = parts.kept[places]
    article = tables.article[places]
    stays = remnant[article] < 0
    passages = Passages(
        article=article,
        text=texts.of,
        token=text[np.where(kept >= 0, kept, places)],
        removed=(kept >= 0) & stays,
        across=tables.chars[places] >= settings.min_chars,
        source=stays,
        opens=np.ones(len(places), bool),
        firm=np.zeros(len(places), bool),
        within_only=settings.scope == "within",
        across_only=settings.scope == "across",
    )
    return [
        Block(int(places[block.first]), int(places[block.last]), int(places[block.source]))
        for block in find_blocks(passages, _alike(texts, settings))
    ]


def _alike(texts: Texts, settings: Settings) -> Callable[[int, int], bool]:
    """Whether two texts verify directly, and without number conflict."""
    known: dict[tuple[int, int], bool] = {}
    fraction, least = settings.threshold_fraction, settings.containment_fraction

    def verify(pair: tuple[int, int]) -> bool:
        folded, offsets = kernel.take_segments(texts.folded, texts.offsets, np.array(pair))
        sets, set_offsets = shingle_sets(folded, offsets, settings)
        shared = int(kernel.intersections(sets, set_offsets, np.array([0]), np.array([1]))[0])
        sizes = np.diff(set_offsets)
        if shared * fraction.denominator < fraction.numerator * int(sizes.sum() - shared):
            return False
        short = int(np.diff(offsets).min()) < settings.short_chars
        if short and shared * least.denominator < least.numerator * int(sizes.min()):
            return False
        numbers = kernel.number_tokens(folded, offsets, load())
        return settings.numbers == "ignore" or not number_conflicts(*numbers, 0, np.array([1]))[0]

    def alike(one: int, other: int) -> bool:
        pair = (min(one, other), max(one, other))
        if pair not in known:
            known[pair] = verify(pair)
        return known[pair]

    return alike


def clean(articles: Iterable[Article | str], settings: Settings | None = None) -> Iterator[Article]:
    """The articles without their repetitions, in their order: `scan` and `rewrite` in one call.

    Plain strings become articles whose ids count from "0". Any iterable will do: an iterator is held in memory.

    >>> [article.id for article in clean(["the same short story", "another one", "The same short story!"])]
    ['0', '1']
    """
    if frames.kind_of(articles) is not None:
        articles = frames.articles_of(articles)
    given = [
        Article(str(position), article) if isinstance(article, str) else article
        for position, article in enumerate(articles)
    ]
    yield from rewrite(given, scan(given, settings))
