"""From arrays of judgements to findings, families, sums and warnings: the first Python object per cut is made here."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.boilerplate import Mark
from dedup.families import Match, Texts
from dedup.kernel.reference import I64
from dedup.model import Family, Finding, Grain, Kind, Member, Place, Report
from dedup.rewriting import cut_counts, extended_ends
from dedup.settings import Settings
from dedup.tables import Progress, Tables


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
    def none(cls, count: int) -> Repeats:
        """Nothing repeats anything."""
        flags = np.zeros((2, count), bool)
        return cls(np.full(count, -1), np.full(count, -1), flags[0], np.zeros(count), flags[1])

    def enter(self, places: I64, texts: Texts, found: Match) -> None:
        """Enters what became of the texts that stand at *places*."""
        first = places[texts.first]
        keeper = found.keeper[texts.of]
        exact = keeper == texts.of
        similarity = found.shared / np.maximum(found.united, 1)
        repeating = ~exact | (first[texts.of] != places)
        repeats = places[repeating]
        self.kept[repeats] = first[keeper[repeating]]
        self.exact[repeats] = exact[repeating]
        self.similarity[repeats] = np.where(exact, 1.0, similarity[texts.of])[repeating]
        links = np.flatnonzero(found.linked >= 0)
        self.linked[first[links]] = first[found.linked[links]]
        self.similarity[first[links]] = similarity[links]
        self.full += found.full

    def clear(self, places: NDArray[np.bool_]) -> None:
        """Forgets what these places repeat or resemble."""
        self.kept[places] = -1
        self.linked[places] = -1

    def drop_within(self, article: I64) -> None:
        """Forgets what repeats or resembles a place of its own article."""
        self.kept[(self.kept >= 0) & (article[self.kept] == article)] = -1
        self.linked[(self.linked >= 0) & (article[self.linked] == article)] = -1


@dataclass(frozen=True, slots=True)
class Run:
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


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that was decided about a corpus.

    Attributes:
        tables: the articles and passages.
        settings: what was asked.
        whole, parts: what repeats what at article and at passage grain.
        remnant: int64 [articles], the longest passage lost by an article that keeps no long one; -1.
        runs: the pieces of blocks.
        marks: article -> boilerplate and debris.
        sources: (source, articles of it in a row), in the order of reading; empty where not known.
    """

    tables: Tables
    settings: Settings
    whole: Repeats
    parts: Repeats
    remnant: I64
    runs: Sequence[Run]
    marks: Mapping[int, Sequence[Mark]]
    sources: Sequence[tuple[str, int]]


def report(judgement: Judgement, progress: Progress) -> Report:
    """Puts the judgement into words."""
    tables = judgement.tables
    families = _families(judgement)
    findings = list(_findings(judgement, progress))
    counts = _counts(judgement, findings, families)
    warnings = list(_warnings(judgement, families))
    ids = [tables.ids[article] for article in tables.read.tolist()]
    return Report(judgement.settings, ids, findings, families, counts, warnings)


def _family_name(grain: Grain, kept: Place) -> str:
    """A family is named by its grain and its kept place; a reference input's name stands between them."""
    origin = "" if kept.against is None else f"@{kept.against}"
    return f"{grain}{origin}:{kept.article}:{kept.start}-{kept.end}"


def _families(judgement: Judgement) -> list[Family]:
    tables, whole = judgement.tables, judgement.whole
    result = []
    for kept, members in _grouped(whole.kept).items():
        place = tables.article_place(kept)
        repeats = tuple(Member(tables.article_place(member), _rounded(whole.similarity[member])) for member in members)
        result.append(Family(_family_name("article", place), "article", place, repeats))
    for kept, proofs in _passage_members(judgement).items():
        place = tables.passage_place(kept)
        repeats = tuple(Member(tables.passage_place(member), similarity) for member, similarity in proofs)
        result.append(Family(_family_name("passage", place), "passage", place, repeats))
    return result


def _grouped(kept: I64) -> dict[int, list[int]]:
    """Kept place -> the places that repeat it, both in keep order."""
    members = np.flatnonzero(kept >= 0)
    groups: dict[int, list[int]] = {}
    for member in members[np.lexsort((members, kept[members]))].tolist():
        groups.setdefault(int(kept[member]), []).append(member)
    return groups


def _passage_members(judgement: Judgement) -> dict[int, list[tuple[int, float]]]:
    """Kept passage -> (passage, similarity) of what repeats it, both in keep order.

    Short passages that a block takes along repeat the kept text that their counterpart repeats, or the counterpart.
    """
    parts = judgement.parts
    members: dict[int, list[tuple[int, float]]] = {
        kept: [(place, _rounded(parts.similarity[place])) for place in places]
        for kept, places in _grouped(parts.kept).items()
    }
    twin: dict[int, tuple[int, float]] = {}
    for run in judgement.runs:
        for place, counterpart in zip(run.own.tolist(), run.counterparts.tolist(), strict=True):
            if parts.kept[place] >= 0:
                continue
            kept, similarity = twin.get(counterpart, (counterpart, 1.0))
            if parts.kept[counterpart] >= 0:
                kept, similarity = int(parts.kept[counterpart]), _rounded(parts.similarity[counterpart])
            twin[place] = kept, similarity
            members.setdefault(kept, []).append((place, similarity))
    return {kept: sorted(members[kept]) for kept in sorted(members)}


def _rounded(similarity: float) -> float:
    return round(float(similarity), 4)


def _findings(judgement: Judgement, progress: Progress) -> Iterator[Finding]:
    tables = judgement.tables
    drafts = _drafts(judgement)
    progress("findings", 0, len(tables.read))
    for count, article in enumerate(tables.read.tolist(), start=1):
        if article in drafts:
            yield from _with_text(drafts[article], tables.texts[article])
        if count % 1000 == 0:
            progress("findings", count, len(tables.read))


class _Draft(NamedTuple):
    """A finding without what the cut takes along and without its text."""

    place: Place
    grain: Grain
    rule: str
    similarity: float | None
    family: str | None
    source: Place | None
    removed: bool
    kind: Kind = "duplicate"
    evidence: Mapping[str, Any] = {}


def _with_text(drafts: list[_Draft], text: str) -> Iterator[Finding]:
    """The findings of one article, by start, with what each cut takes along and its text."""
    drafts.sort(key=lambda draft: (draft.place.start, -draft.place.end, draft.removed))
    cuts = [draft.place for draft in drafts if draft.removed and draft.grain != "article"]
    ends = iter(extended_ends(text, [(cut.start, cut.end) for cut in cuts]))
    for place, grain, rule, similarity, family, source, removed, kind, evidence in drafts:
        end = next(ends) if removed and grain != "article" else place.end
        cut = text[place.start : end]
        yield Finding(
            place.article, place.start, end, kind, grain, rule, similarity, family, source, removed, cut, evidence
        )


def _drafts(judgement: Judgement) -> dict[int, list[_Draft]]:
    """Article -> its findings to be."""
    tables, whole, parts = judgement.tables, judgement.whole, judgement.parts
    drafts: dict[int, list[_Draft]] = defaultdict(list)
    for article in np.flatnonzero((whole.kept >= 0) | (whole.linked >= 0)).tolist():
        source = tables.article_place(int(max(whole.kept[article], whole.linked[article])))
        drafts[article].append(_draft(tables.article_place(article), "article", whole, article, source))
    for article in np.flatnonzero(judgement.remnant >= 0).tolist():
        source = tables.passage_place(int(parts.kept[judgement.remnant[article]]))
        place = tables.article_place(article)
        drafts[article].append(_Draft(place, "article", "remnant", None, None, source, True))
    in_block = np.zeros(len(tables.article), bool)
    for run in judgement.runs:
        in_block[run.own] = True
        drafts[int(tables.article[run.own[0]])].append(_run_draft(judgement, run))
    told = (parts.kept >= 0) & ~in_block & (judgement.remnant[tables.article] < 0)
    for passage in np.flatnonzero(told | (parts.linked >= 0)).tolist():
        source = tables.passage_place(int(max(parts.kept[passage], parts.linked[passage])))
        draft = _draft(tables.passage_place(passage), "passage", parts, passage, source)
        drafts[int(tables.article[passage])].append(draft)
    for article, marks in judgement.marks.items():
        if not tables.fixed[article] and whole.kept[article] < 0 and judgement.remnant[article] < 0:
            drafts[article] += list(_mark_drafts(tables.ids[article], marks, drafts[article]))
    return drafts


def _mark_drafts(article: str, marks: Iterable[Mark], drafts: Sequence[_Draft]) -> Iterator[_Draft]:
    """Marks as findings. A span inside a line that goes anyway is not told."""
    lines = [(mark.start, mark.end) for mark in marks if mark.removed and mark.grain != "span"]
    gone = sorted(lines + [(draft.place.start, draft.place.end) for draft in drafts if draft.removed])
    starts = [start for start, _ in gone]
    for mark in marks:
        if mark.grain == "span":
            last = bisect_right(starts, mark.start) - 1
            if last >= 0 and mark.start < gone[last][1]:
                continue
        place = Place(article, mark.start, mark.end)
        yield _Draft(place, mark.grain, mark.rule, None, None, None, mark.removed, mark.kind, mark.evidence)


def _draft(place: Place, grain: Grain, repeats: Repeats, row: int, source: Place) -> _Draft:
    similarity = _rounded(repeats.similarity[row])
    if repeats.kept[row] >= 0:
        rule = "exact" if repeats.exact[row] else "near"
        return _Draft(place, grain, rule, similarity, _family_name(grain, source), source, True)
    rule = "near-numbers" if repeats.by_number[row] else "near"
    return _Draft(place, grain, rule, similarity, None, source, False)


def _run_draft(judgement: Judgement, run: Run) -> _Draft:
    tables = judgement.tables
    source = tables.passage_place(int(run.counterparts[0]), int(run.counterparts[-1]))
    place = tables.passage_place(int(run.own[0]), int(run.own[-1]))
    return _Draft(place, "block", "exact" if run.exact else "near", _rounded(run.similarity), None, source, True)


def _counts(judgement: Judgement, findings: Sequence[Finding], families: Sequence[Family]) -> dict[str, Any]:
    tables = judgement.tables
    own = ~tables.fixed
    characters = int(tables.lengths[own].sum())
    return {
        "articles": len(tables.read),
        "articles_against": int(tables.fixed.sum()),
        "passages": int(own[tables.article].sum()),
        "characters": characters,
        "families": {grain: sum(family.grain == grain for family in families) for grain in ("article", "passage")},
        "full_buckets": judgement.whole.full + judgement.parts.full,
        **cut_counts(findings, characters),
    }


def _warnings(judgement: Judgement, families: Sequence[Family]) -> Iterator[str]:
    """What looks wrong: a source that nearly vanishes, a family that is too large, a full bucket."""
    tables = judgement.tables
    cut = ((judgement.whole.kept >= 0) | (judgement.remnant >= 0))[tables.read]
    start = 0
    for source, count in judgement.sources or [("the corpus", len(cut))]:
        lost = int(cut[start : start + count].sum())
        start += count
        if count >= 20 and 2 * lost > count:
            yield f"{source}: {lost} of {count} articles are cut whole; look at its findings before you trust them"
    for family in families:
        places = len(family.members) + 1
        total = len(tables.ids) if family.grain == "article" else len(tables.article)
        if places >= 100 and places * 100 > total:
            yield (
                f"family {family.family} has {places} places, over 1 % of all {family.grain}s; "
                f"is its text a template or boilerplate?"
            )
    full = judgement.whole.full + judgement.parts.full
    if full:
        yield (
            f"{full} band keys have more than {judgement.settings.bucket} kept texts; duplicates of the later ones "
            f"may be missed: raise bucket, or look for templated text"
        )
