"""New articles judged against what is known of earlier ones: the answer of `scan`, from look-ups.

The rule of `dedup.families` is that of an online index: a text meets the earlier kept texts that share a band key with
it. So what `scan` says of an article follows from the earlier ones that share a key, and what was decided of them:

- a text that stands at an earlier place takes what was decided there;
- other texts meet the earlier kept ones of the same band keys, which are kept and posted without being judged again;
- repetitions inside an article and remnants need the article alone;
- blocks need all earlier places of its pairs of neighbours, and how many steps each lies from kept text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.boilerplate import Mark
from dedup.findings import Judgement, Repeats, Run, Runs, redirect
from dedup.index.earlier import Earlier, Loader
from dedup.index.excerpts import Excerpt, State, gather, stored_texts
from dedup.index.keys import Hits, Sketches
from dedup.index.neighbours import Lookup, Piece, Seen, blocks_of
from dedup.index.repeats import (
    Verdicts,
    by_number_of,
    match_short,
    match_within,
    passages_of,
    tokens,
    told_of,
    wholes,
)
from dedup.judging import remnants
from dedup.kernel.reference import I64
from dedup.marks import Marks
from dedup.model import Finding
from dedup.settings import Settings
from dedup.tables import Tables
from dedup.told import Told
from dedup.work import Work

Mask = NDArray[np.bool_]


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
    earlier = Earlier(loader, int(new.place[0]))
    whole = wholes(new, sketches.wholes, hits[0], earlier, settings)
    earlier.fetch(np.concatenate((whole.kept, whole.linked)))
    by_number = by_number_of(new, whole, earlier, settings)
    cut = whole.kept if settings.grain != "passage" else np.full(count, -1)
    parts = passages_of(new, sketches.parts, cut < 0, hits[1], earlier, settings)
    if settings.scope == "both" and settings.grain != "article":
        match_short(new, cut < 0, parts, settings)
    elif settings.scope == "within":
        match_within(new, parts, settings)
    told = Verdicts(
        told_of(new, parts.kept, settings), told_of(new, parts.linked, settings), parts.similarity, parts.exact
    )
    earlier.fetch(np.concatenate((told.kept, told.linked)))
    chars = new.text[1][1:] - new.text[1][:-1]
    remnant = remnants(new.article, new.size >= settings.min_chars, told.kept, chars, count, settings)
    cited = np.unique(cut[cut >= 0])
    seen = Seen(
        new,
        stays=(cut < 0) & (remnant < 0),
        kept=told.kept,
        token=tokens(new, sketches.token, told.kept, earlier, settings),
        firm=firm | np.isin(new.place, cited),
    )
    blocks, depth = blocks_of(seen, lookup, earlier, settings)
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


def _cites(new: Excerpt, earlier: Earlier, whole: Verdicts, told: Verdicts, blocks: Sequence[Piece]) -> list[I64]:
    """The first places of the other articles that each article cites."""
    if is_nothing(whole, told):
        return [np.zeros(0, np.int64)] * len(new.articles)
    firsts = np.array([*(int(excerpt.place[0]) for excerpt, _ in earlier.all()), *new.place.tolist()], np.int64)

    def article_of(places: I64) -> I64:
        return firsts[np.searchsorted(firsts, places, side="right") - 1]

    pairs = []  # an article and one that it cites, in one number
    for verdicts, own in ((whole, new.place), (told, new.place[new.article])):
        for places in (verdicts.kept, verdicts.linked):
            at = np.flatnonzero(places >= 0)
            pairs.append(own[at] << 32 | article_of(places[at]))
    for piece in blocks:
        pairs.append(article_of(piece.own[:1]) << 32 | article_of(piece.counterparts[:1]))
    both = np.unique(np.concatenate(pairs))
    own, cited = both >> 32, both & 0xFFFFFFFF
    own, cited = own[own != cited], cited[own != cited]
    bounds = np.searchsorted(own, np.append(new.place, new.place[-1] + 1)) if len(new.place) else np.zeros(1, np.int64)
    return [cited[low:high] for low, high in pairwise(bounds.tolist())]


def _findings(
    new: Excerpt,
    earlier: Earlier,
    whole: Verdicts,
    by_number: Mask,
    cut: I64,
    told: Verdicts,
    remnant: I64,
    blocks: Sequence[Piece],
    marks: Sequence[Sequence[Mark]],
    settings: Settings,
) -> list[list[Finding]]:
    """The findings of each new article, in the words of `scan`."""
    if not any(marks) and is_nothing(whole, told):
        return [[] for _ in new.articles]
    known = [excerpt for excerpt, _ in earlier.all()]
    both = gather([*known, new])
    first, old = len(known), len(both.article) - len(new.article)
    with Work() as work:
        articles, parts = Repeats.none(len(both.articles), work), Repeats.none(len(both.article), work)
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
    runs = Runs.of(
        [
            Run(both.passages(piece.own), both.passages(piece.counterparts), piece.similarity, piece.exact)
            for piece in blocks
        ]
    )
    redirect(parts, runs)
    remnants = np.full(len(both.articles), -1)
    remnants[first:] = np.where(remnant >= 0, remnant + old, -1)
    tables = _tables(both, first, old)
    own = Marks.of({first + number: of for number, of in enumerate(marks)}, len(both.articles))
    judgement = Judgement(tables, settings, articles, parts, remnants, runs, (own,), ())
    by_article: dict[str, list[Finding]] = {article.id: [] for article in new.articles}
    for finding in Told(judgement, lambda stage, done, total: None).findings():
        by_article[finding.article].append(finding)
    return list(by_article.values())


def is_nothing(whole: Verdicts, told: Verdicts) -> bool:
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
        chars=np.diff(both.text[1]),
        size=both.size,
        of_article=np.searchsorted(both.article, np.arange(count + 1)),
        line=np.zeros(passages, np.int64),
        bare=both.bare,
        masked=np.zeros(passages, bool),
        shape=np.zeros(passages, np.uint8),
        source=np.full(count, -1),
        marks=Marks.of({}, count),
        texts=stored_texts([article.text for article in both.articles]),
    )
