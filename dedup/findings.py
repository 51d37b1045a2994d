"""From arrays of judgements to findings, families, sums and warnings: the first Python object per cut is made here."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.boilerplate import Mark
from dedup.families import Match, Texts
from dedup.kept import Stage
from dedup.kernel.reference import I64
from dedup.model import Family, Finding, Grain, Kind, Member, Place, Report
from dedup.rewriting import CutCounts, extended_ends
from dedup.settings import Settings
from dedup.tables import Progress, Tables
from dedup.work import Work


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
    def none(cls, count: int, work: Work | None = None) -> Repeats:
        """Nothing repeats anything."""
        work = work or Work()
        return cls(
            kept=work.full(count, -1, np.int64),
            linked=work.full(count, -1, np.int64),
            by_number=work.zeros(count, np.bool_),
            similarity=work.zeros(count, np.float64),
            exact=work.zeros(count, np.bool_),
        )

    def to_stage(self) -> Stage:
        """As arrays, to be kept."""
        arrays = {name: getattr(self, name) for name in ("kept", "linked", "by_number", "similarity", "exact")}
        return Stage(arrays, self.full)

    @classmethod
    def from_stage(cls, stage: Stage) -> Repeats:
        """The inverse of `to_stage`."""
        return cls(**stage.arrays, full=stage.meta)

    def enter(self, places: I64, texts: Texts, found: Match) -> None:
        """Enters what became of the texts that stand at *places*."""
        repeating = (found.keeper != np.arange(len(found.keeper)))[texts.of]
        again = np.ones(len(places), bool)
        again[texts.first] = False
        repeating = np.flatnonzero(repeating | again)
        text = texts.of[repeating]
        keeper = found.keeper[text]
        repeats = places[repeating]
        self.kept[repeats] = places[texts.first[keeper]]
        self.exact[repeats] = keeper == text
        self.similarity[repeats] = np.where(keeper == text, 1.0, found.similarity(text))
        links = np.flatnonzero(found.linked >= 0)
        linking = places[texts.first[links]]
        self.linked[linking] = places[texts.first[found.linked[links]]]
        self.similarity[linking] = found.similarity(links)
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


def redirect(parts: Repeats, runs: Sequence[Run], work: Work | None = None) -> None:
    """What repeats a short passage that a block takes along repeats its counterpart, which has the same text."""
    taken = [parts.kept[run.own] < 0 for run in runs]
    own = np.concatenate([np.zeros(0, np.int64), *(run.own[of] for run, of in zip(runs, taken, strict=True))])
    to = np.concatenate([own[:0], *(run.counterparts[of] for run, of in zip(runs, taken, strict=True))])
    if not len(own):
        return
    order = np.argsort(own)
    own, to = own[order], to[order]

    def redirected(cited: I64) -> I64:
        cited = (work or Work()).stored(cited.copy())  # what was kept of the stage stays as it is
        places = np.flatnonzero(cited >= 0)
        rank = np.minimum(np.searchsorted(own, cited[places]), len(own) - 1)
        moved = own[rank] == cited[places]
        cited[places[moved]] = to[rank[moved]]
        return cited

    parts.kept, parts.linked = redirected(parts.kept), redirected(parts.linked)


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


class Told:
    """A judgement in words, one family and one finding at a time, and what they sum up to once both were told."""

    def __init__(self, judgement: Judgement, progress: Progress) -> None:
        self._judgement, self._progress = judgement, progress
        self._cuts = CutCounts()
        self._families: Counter[Grain] = Counter()
        self._large: list[str] = []

    def report(self) -> Report:
        """All of it at once."""
        families, findings = list(self.families()), list(self.findings())
        return Report(self._judgement.settings, self.article_ids, findings, families, self.counts(), self.warnings())

    @property
    def settings(self) -> Settings:
        """What was asked."""
        return self._judgement.settings

    @property
    def article_ids(self) -> list[str]:
        """The ids of the corpus's own articles in the order of reading."""
        tables = self._judgement.tables
        return [tables.ids[article] for article in tables.read.tolist()]

    def families(self) -> Iterator[Family]:
        """All families, in keep order of their kept places, article grain first."""
        tables = self._judgement.tables
        for family in chain(_article_families(self._judgement), _passage_families(self._judgement)):
            self._families[family.grain] += 1
            places = len(family.members) + 1
            total = len(tables.ids) if family.grain == "article" else len(tables.article)
            if places >= 100 and places * 100 > total:
                self._large.append(
                    f"family {family.family} has {places} places, over 1 % of all {family.grain}s; "
                    f"is its text a template or boilerplate?"
                )
            yield family

    def findings(self) -> Iterator[Finding]:
        """All findings, in the order in which the articles were read, then by start."""
        tables = self._judgement.tables
        drafts = _Drafts(self._judgement)
        total = len(tables.read)
        self._progress("findings", 0, total)
        for number in np.flatnonzero(drafts.some[tables.read]).tolist():
            article = int(tables.read[number])
            found = list(_with_text(drafts.of(article), tables.texts[article]))
            self._cuts.add(found)
            yield from found
            self._progress("findings", number, total)

    def counts(self) -> dict[str, Any]:
        """The sums of summary.json."""
        judgement = self._judgement
        tables = judgement.tables
        own = ~tables.fixed
        return {
            "articles": len(tables.read),
            "articles_against": int(tables.fixed.sum()),
            "passages": int(own[tables.article].sum()),
            "characters": int(tables.lengths[own].sum()),
            "families": {grain: self._families[grain] for grain in ("article", "passage")},
            "full_buckets": judgement.whole.full + judgement.parts.full,
            **self._cuts.to_dict(int(tables.lengths[own].sum())),
        }

    def warnings(self) -> list[str]:
        """What looks wrong: a source that nearly vanishes, a family that is too large, a full bucket."""
        judgement = self._judgement
        tables = judgement.tables
        cut = ((judgement.whole.kept >= 0) | (judgement.remnant >= 0))[tables.read]
        said = []
        start = 0
        for source, count in judgement.sources or [("the corpus", len(cut))]:
            lost = int(cut[start : start + count].sum())
            start += count
            if count >= 20 and 2 * lost > count:
                said.append(
                    f"{source}: {lost} of {count} articles are cut whole; look at its findings before you trust them"
                )
        said += self._large
        full = judgement.whole.full + judgement.parts.full
        if full:
            said.append(
                f"{full} band keys have more than {judgement.settings.bucket} kept texts; duplicates of the later ones "
                f"may be missed: raise bucket, or look for templated text"
            )
        return said


def _family_name(grain: Grain, kept: Place) -> str:
    """A family is named by its grain and its kept place; a reference input's name stands between them."""
    origin = "" if kept.against is None else f"@{kept.against}"
    return f"{grain}{origin}:{kept.article}:{kept.start}-{kept.end}"


def _article_families(judgement: Judgement) -> Iterator[Family]:
    tables, whole = judgement.tables, judgement.whole
    members = np.flatnonzero(whole.kept >= 0)
    for kept, places, similarities in _grouped(whole.kept[members], members, whole.similarity[members]):
        place = tables.article_place(kept)
        repeats = tuple(map(Member, map(tables.article_place, places), similarities))
        yield Family(_family_name("article", place), "article", place, repeats)


def _passage_families(judgement: Judgement) -> Iterator[Family]:
    """Short passages that a block takes along repeat the text that their counterpart repeats, or the counterpart."""
    tables, parts = judgement.tables, judgement.parts
    members = np.flatnonzero(parts.kept >= 0)
    keeps, similarities = parts.kept[members], parts.similarity[members]
    twins = _twins(judgement)
    if twins:
        members = np.append(members, list(twins))
        keeps = np.append(keeps, [kept for kept, _ in twins.values()])
        similarities = np.append(similarities, [similarity for _, similarity in twins.values()])
    for kept, places, proofs in _grouped(keeps, members, similarities):
        place = tables.passage_place(kept)
        repeats = tuple(map(Member, map(tables.passage_place, places), proofs))
        yield Family(_family_name("passage", place), "passage", place, repeats)


def _twins(judgement: Judgement) -> dict[int, tuple[int, float]]:
    """What blocks take along though nothing else would: passage -> (kept passage, similarity)."""
    parts = judgement.parts
    twins: dict[int, tuple[int, float]] = {}
    for run in judgement.runs:
        for place, counterpart in zip(run.own.tolist(), run.counterparts.tolist(), strict=True):
            if parts.kept[place] >= 0:
                continue
            twins[place] = twins.get(counterpart, (counterpart, 1.0))
            if parts.kept[counterpart] >= 0:
                twins[place] = int(parts.kept[counterpart]), float(parts.similarity[counterpart])
    return twins


def _grouped(kept: I64, members: I64, similarity: NDArray[np.float64]) -> Iterator[tuple[int, list[int], list[float]]]:
    """(kept place, the places that repeat it, their similarities), all in keep order."""
    order = np.lexsort((members, kept))
    bounds = np.flatnonzero(np.diff(kept[order], prepend=-1, append=-1))
    for first, stop in pairwise(bounds.tolist()):
        own = order[first:stop]
        yield int(kept[own[0]]), members[own].tolist(), [_rounded(value) for value in similarity[own].tolist()]


def _rounded(similarity: float) -> float:
    return round(float(similarity), 4)


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


class _Drafts:
    """The findings to be of each article.

    Attributes:
        some: bool [articles], whether there are any.
    """

    def __init__(self, judgement: Judgement) -> None:
        self._judgement = judgement
        tables, whole, parts = judgement.tables, judgement.whole, judgement.parts
        self._runs: dict[int, list[Run]] = defaultdict(list)
        in_block = np.zeros(len(tables.article), bool)
        for run in judgement.runs:
            in_block[run.own] = True
            self._runs[int(tables.article[run.own[0]])].append(run)
        self._told = (parts.kept >= 0) & ~in_block & (judgement.remnant[tables.article] < 0) | (parts.linked >= 0)
        self.some = (whole.kept >= 0) | (whole.linked >= 0) | (judgement.remnant >= 0)
        self.some[list(self._runs)] = True
        self.some[tables.article[self._told]] = True
        self.some[list(judgement.marks)] = True

    def of(self, article: int) -> list[_Draft]:
        """Those of one article, in no order."""
        judgement = self._judgement
        tables, whole, parts = judgement.tables, judgement.whole, judgement.parts
        drafts = []
        if whole.kept[article] >= 0 or whole.linked[article] >= 0:
            source = tables.article_place(int(max(whole.kept[article], whole.linked[article])))
            drafts.append(_draft(tables.article_place(article), "article", whole, article, source))
        if judgement.remnant[article] >= 0:
            source = tables.passage_place(int(parts.kept[judgement.remnant[article]]))
            place = tables.article_place(article)
            drafts.append(_Draft(place, "article", "remnant", None, None, source, True))
        drafts += [_run_draft(judgement, run) for run in self._runs.get(article, ())]
        low, high = tables.of_article[article : article + 2].tolist()
        for passage in (low + np.flatnonzero(self._told[low:high])).tolist():
            source = tables.passage_place(int(max(parts.kept[passage], parts.linked[passage])))
            drafts.append(_draft(tables.passage_place(passage), "passage", parts, passage, source))
        marks = judgement.marks.get(article)
        if marks and not tables.fixed[article] and whole.kept[article] < 0 and judgement.remnant[article] < 0:
            drafts += list(_mark_drafts(tables.ids[article], marks, drafts))
        return drafts


def _mark_drafts(article: str, marks: Iterable[Mark], drafts: Sequence[_Draft]) -> Iterator[_Draft]:
    """Marks as findings. A span inside a line that goes anyway is not told, nor the doubt about such a line."""
    lines = [(mark.start, mark.end) for mark in marks if mark.removed and mark.grain != "span"]
    gone = sorted(lines + [(draft.place.start, draft.place.end) for draft in drafts if draft.removed])
    starts = [start for start, _ in gone]
    for mark in marks:
        if mark.grain == "span" or "doubt" in mark.evidence:
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
