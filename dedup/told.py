"""A judgement in words: decided on arrays, a few articles at a time, and told as objects or as lines of JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice, pairwise
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.findings import Judgement, Repeats
from dedup.kernel.reference import I64, offsets_of, positions
from dedup.marks import Head
from dedup.model import Family, Finding, Grain, Member, Place, Report
from dedup.rewriting import CutCounts
from dedup.settings import Settings
from dedup.strings import Strings
from dedup.tables import Progress, Tables
from dedup.told_lines import FamilyColumns, FindingColumns, family_lines, finding_lines, rounded_similarities
from dedup.work import Work

T = TypeVar("T")
_CHUNK = 1 << 22  # code points of the articles that one or two threads tell at once, unless one is longer
_ARTICLES = 1 << 14  # that are told together at most
_UTF8_MOST = 4  # bytes of a character
_FINDINGS = 1 << 14  # findings that are told together
_MEMBERS = 1 << 14  # of families that are told together, unless one has more
_A_CHARACTER, _A_PASSAGE = 6, 256  # bytes that findings in it take: as text and in a line; as numbers
_PARTS = 16  # as many passes over what passages repeat, so that no more than one part of it is sorted at a time

Where = tuple[str, int, int, str | None]
"""A place in plain values: article, start, end, reference."""
FindingRow = tuple[str, int, int, Head, float | None, str | None, Where | None]
"""A finding without its text: article, start, end, what it is, similarity, family, source."""
FamilyRow = tuple[str, Grain, Where, Sequence[tuple[Where, float]]]
"""A family: name, grain, kept place, and each place that repeats it with its similarity."""


def finding_of(row: FindingRow, text: str) -> Finding:
    """The same as an object, with its text."""
    article, start, end, (kind, grain, rule, removed, evidence), similarity, family, source = row
    place = None if source is None else Place(*source)
    return Finding(article, start, end, kind, grain, rule, similarity, family, place, removed, text, evidence)


def family_of(row: FamilyRow) -> Family:
    """The same as an object."""
    name, grain, kept, members = row
    return Family(name, grain, Place(*kept), tuple(Member(Place(*place), like) for place, like in members))


class Listener(Protocol):
    """Who hears of families and findings as they are told.

    Attributes:
        most: how many characters of a text it hears.
    """

    most: int

    def hear_family(self, family: FamilyRow) -> None:
        """One family."""

    def hear_finding(self, finding: FindingRow, text: str) -> None:
        """One finding, and the beginning of its text."""


class Told:
    """A judgement in words, one family and one finding at a time, and what they sum up to once both were told.

    Args:
        judgement: what is told.
        progress: hears how far it is.
        work: who puts lines together; None: nobody else.

    Attributes:
        tables: the articles and passages.
        cut_whole: bool, of the corpus's own articles in the order of reading: those that are left out.
        lost: int64, of the others what each loses, in characters; known once the findings were told.
    """

    def __init__(self, judgement: Judgement, progress: Progress, work: Work | None = None) -> None:
        self.tables = judgement.tables
        self.cut_whole = ((judgement.whole.kept >= 0) | (judgement.remnant >= 0))[self.tables.read]
        self.lost = np.zeros(len(self.tables.read), np.int64)
        self._judgement, self._progress, self._work = judgement, progress, work or Work()
        self._cuts = CutCounts()
        self._families: Counter[Grain] = Counter()
        self._large: list[str] = []

    def report(self) -> Report:
        """All of it at once."""
        families, findings = list(self.families()), list(self.findings())
        ids = list(self.article_ids)
        return Report(self._judgement.settings, ids, findings, families, self.counts(), self.warnings())

    @property
    def settings(self) -> Settings:
        """What was asked."""
        return self._judgement.settings

    @property
    def article_ids(self) -> Sequence[str]:
        """The ids of the corpus's own articles in the order of reading, made into strings as they are asked for."""
        ids = self.tables.ids
        return ids.chosen(self.tables.read) if isinstance(ids, Strings) else self.tables.ids_of(self.tables.read)

    def families(self) -> Iterator[Family]:
        """All families, in keep order of their kept places, article grain first."""
        rows = (_family_rows(self.tables, families) for families in self._named())
        return map(family_of, chain.from_iterable(rows))

    def family_lines(self, listener: Listener | None = None) -> Iterator[bytes]:
        """The same as lines of families.jsonl, those of several families at a time."""
        for families, lines in self._work.in_threads(
            lambda families: (families, family_lines(self.tables, families)), self._named()
        ):
            if listener is not None:
                for row in _family_rows(self.tables, families):
                    listener.hear_family(row)
            yield lines

    def findings(self) -> Iterator[Finding]:
        """All findings, in the order in which the articles were read, then by start."""
        for found, _ in self._told(lambda found: None):
            yield from map(finding_of, _finding_rows(self.tables, found), _texts(found))

    def finding_lines(self, listener: Listener | None = None) -> Iterator[bytes]:
        """The same as lines of findings.jsonl, those of several articles at a time."""
        for found, lines in self._told(lambda found: finding_lines(self.tables, found)):
            if listener is not None:
                rows = _finding_rows(self.tables, found)
                for row, text in zip(rows, _texts(found, listener.most), strict=True):
                    listener.hear_finding(row, text)
            yield lines

    def counts(self) -> dict[str, Any]:
        """The sums of summary.json."""
        judgement = self._judgement
        tables = judgement.tables
        own = ~tables.fixed
        characters = int(tables.lengths[own].sum())
        return {
            "articles": len(tables.read),
            "articles_against": int(tables.fixed.sum()),
            "passages": int(np.diff(tables.of_article)[own].sum()),
            "characters": characters,
            "families": {grain: self._families[grain] for grain in ("article", "passage")},
            "full_buckets": judgement.whole.full + judgement.parts.full,
            **self._cuts.to_dict(characters),
        }

    def warnings(self) -> list[str]:
        """What looks wrong: a source that nearly vanishes, a family that is too large, a full bucket."""
        judgement = self._judgement
        said = []
        start = 0
        for source, count in judgement.sources or [("the corpus", len(self.cut_whole))]:
            lost = int(self.cut_whole[start : start + count].sum())
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

    def _named(self) -> Iterator[FamilyColumns]:
        """Some families after others, as many as memory holds together."""
        tables = self._judgement.tables
        grains: tuple[tuple[Grain, int], ...] = (("article", len(tables.ids)), ("passage", len(tables.article)))
        for grain, total in grains:
            for families in _families(self._judgement, grain):
                self._families[grain] += len(families.kept)
                sizes = np.diff(families.bounds) + 1
                large = np.flatnonzero((sizes >= 100) & (sizes * 100 > total))
                kept = _places(tables, *families.spans(tables, families.kept[large]))
                for size, place in zip(sizes[large].tolist(), kept, strict=True):
                    self._large.append(
                        f"family {_family_name(grain, place)} has {size} places, over 1 % of all {grain}s; is its text "
                        "a template or boilerplate?"
                    )
                yield families

    def _told(self, tell: Callable[[FindingColumns], T]) -> Iterator[tuple[FindingColumns, T]]:
        """The findings, some after others, and what *tell* makes of them: those of some articles in each thread."""
        total = len(self.tables.read)
        self._progress("findings", 0, total)
        found = _Found(self._judgement)

        def begun(
            chunk: tuple[int, int],
        ) -> tuple[int, CutCounts, list[tuple[FindingColumns, T]], Iterator[FindingColumns]]:
            """Where the articles end, their sums, their first findings, which mostly are all, and the others."""
            cuts = CutCounts()
            columns = self._columns(slice(*chunk), found, cuts)
            return chunk[1], cuts, [(some, tell(some)) for some in islice(columns, 1)], columns

        for stop, cuts, first, others in self._work.in_threads(begun, self.chunks(), self._size_of):
            self._cuts.add_counts(cuts)
            yield from first
            for some in others:  # of an article that has a million no more is held than what is told at a time
                yield some, tell(some)
            self._progress("findings", stop, total)

    def chunks(self) -> Iterator[tuple[int, int]]:
        """(first, end) of articles of the corpus that memory holds together, as places in the order of reading."""
        before = offsets_of(self.tables.lengths[self.tables.read])
        most = 2 * _CHUNK // max(2, self._work.workers)  # two of such are told at a time, by however many threads
        first = 0
        while first < len(before) - 1:
            stop = max(first + 1, int(np.searchsorted(before, before[first] + most, side="right")) - 1)
            stop = min(stop, first + _ARTICLES)
            yield first, stop
            first = stop

    def _size_of(self, chunk: tuple[int, int]) -> int:
        """Bytes that telling the findings of these articles takes at most, by and large."""
        articles = self.tables.read[slice(*chunk)]
        passages = int((self.tables.of_article[articles + 1] - self.tables.of_article[articles]).sum())
        return _A_CHARACTER * int(self.tables.lengths[articles].sum()) + _A_PASSAGE * passages

    def _columns(self, which: slice, found: _Found, cuts: CutCounts) -> Iterator[FindingColumns]:
        """The findings of some articles, some after others: one article may have a million.

        Args:
            which: the articles, as places in the order of reading; what they lose is entered.
            found: what is found.
            cuts: to which they are added.
        """
        articles, lost = self.tables.read[which], self.lost[which]
        lost[:] = 0
        spans = found.of(articles)
        if not len(spans.start):
            return
        taken = found.removed[spans.head] & ~found.is_article[spans.head]
        fresh = np.diff(spans.number, prepend=-1) != 0
        utf8, offsets = self.tables.texts.of(articles[spans.number[fresh]])  # may have to be read
        text = np.cumsum(fresh) - 1
        end, from_byte, to_byte = kernel.span_places(utf8, offsets, text, spans.start, spans.end, taken)
        np.add.at(lost, spans.number[taken], end[taken] - spans.start[taken])
        cuts.add_all(found.kinds, found.kind[spans.head], spans.number, end - spans.start)
        for low in range(0, len(end), _FINDINGS):
            rows = slice(low, low + _FINDINGS)
            some = spans.chosen(rows)
            yield FindingColumns(
                article=articles[some.number],
                start=some.start,
                end=end[rows],
                head=some.head,
                similarity=some.similarity,
                source=some.source,
                source_start=some.source_start,
                source_end=some.source_end,
                named=some.named,
                from_byte=from_byte[rows],
                to_byte=to_byte[rows],
                utf8=utf8,
                heads=found.heads,
            )


def _finding_rows(tables: Tables, found: FindingColumns) -> list[FindingRow]:
    """Findings in plain values."""
    heads = [found.heads[head] for head in found.head.tolist()]
    sources: list[Where | None] = [None] * len(heads)
    names: list[str | None] = [None] * len(heads)
    similarities: list[float | None] = [None] * len(heads)
    at = np.flatnonzero(found.source >= 0)
    places = _places(tables, found.source[at], found.source_start[at], found.source_end[at])
    for row, is_named, place in zip(at.tolist(), found.named[at].tolist(), places, strict=True):
        sources[row] = place
        if is_named:
            names[row] = _family_name(heads[row].grain, place)
    at = np.flatnonzero(~np.isnan(found.similarity))
    for row, similarity in zip(at.tolist(), rounded_similarities(found.similarity[at]), strict=True):
        similarities[row] = similarity
    ids, spans = _ids(tables, found.article), (found.start.tolist(), found.end.tolist())
    return list(zip(ids, *spans, heads, similarities, names, sources, strict=True))


def _texts(found: FindingColumns, most: int | None = None) -> list[str]:
    """The texts of findings, of each the first *most* characters."""
    utf8, starts, ends = found.utf8.data, found.from_byte, found.to_byte
    if most is None:
        return [str(utf8[start:end], "utf-8") for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    ends = np.minimum(ends, starts + _UTF8_MOST * most)  # the last character may be cut, and is too many then
    return [
        str(utf8[start:end], "utf-8", "ignore")[:most]
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]


def _family_name(grain: Grain, kept: Where) -> str:
    """A family is named by its grain and its kept place; a reference input's name stands between them."""
    article, start, end, against = kept
    origin = "" if against is None else f"@{against}"
    return f"{grain}{origin}:{article}:{start}-{end}"


def _places(tables: Tables, article: I64, start: I64, end: I64) -> Iterator[Where]:
    against: list[str | None] = [None] * len(article)
    for row in np.flatnonzero(tables.fixed[article]).tolist():
        against[row] = tables.against[int(article[row])]
    return zip(_ids(tables, article), start.tolist(), end.tolist(), against, strict=True)


def _ids(tables: Tables, article: I64) -> list[str]:
    """The id of each, made once of those that come again."""
    numbers, of = np.unique(article, return_inverse=True)
    ids = tables.ids_of(numbers)
    return [ids[number] for number in of.tolist()]


# ------------------------------------------------------------------------------------------------------------ families


def _families(judgement: Judgement, grain: Grain) -> Iterator[FamilyColumns]:
    """All families of a grain, in keep order of their kept places; some after others."""
    repeats, more = (judgement.whole, _NO_MEMBERS) if grain == "article" else (judgement.parts, _taken_along(judgement))
    for kept, members, similarity in _by_kept(repeats, more):
        first = np.append(np.flatnonzero(np.diff(kept, prepend=-1)), len(kept))
        at = 0
        while at < len(first) - 1:
            stop = max(at + 1, int(np.searchsorted(first, first[at] + _MEMBERS, side="right")) - 1)
            low, high = int(first[at]), int(first[stop])
            yield FamilyColumns(
                grain, kept[first[at:stop]], first[at : stop + 1] - low, members[low:high], similarity[low:high]
            )
            at = stop


def _family_rows(tables: Tables, families: FamilyColumns) -> list[FamilyRow]:
    """Families in plain values."""
    grain = families.grain
    members = _places(tables, *families.spans(tables, families.members))
    own = list(zip(members, rounded_similarities(families.similarity), strict=True))
    kept = _places(tables, *families.spans(tables, families.kept))
    bounds = pairwise(families.bounds.tolist())
    return [
        (_family_name(grain, place), grain, place, own[begin:end])
        for place, (begin, end) in zip(kept, bounds, strict=True)
    ]


class _Members(NamedTuple):
    """What repeats what: int64 [members], and float64."""

    kept: I64
    member: I64
    similarity: NDArray[np.float64]


_NO_MEMBERS = _Members(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def _by_kept(repeats: Repeats, more: _Members) -> Iterator[_Members]:
    """All members of families, in the order of what they repeat; a part after the other, none of them empty."""
    count = len(repeats.kept)
    step = max(1 << 20, -(-count // _PARTS))
    for low in range(0, count, step):
        own = np.flatnonzero((repeats.kept >= low) & (repeats.kept < low + step))
        others = np.flatnonzero((more.kept >= low) & (more.kept < low + step))
        part = _Members(
            np.append(repeats.kept[own], more.kept[others]),
            np.append(own, more.member[others]),
            np.append(repeats.similarity[own], more.similarity[others]),
        )
        order = np.lexsort((part.member, part.kept))
        if len(order):
            yield _Members(part.kept[order], part.member[order], part.similarity[order])


def _taken_along(judgement: Judgement) -> _Members:
    """The short passages that blocks take along though nothing else would, each a member by itself.

    They repeat the text that their counterpart repeats, or the counterpart.
    """
    parts, runs = judgement.parts, judgement.runs
    taken = np.flatnonzero(parts.kept[runs.own] < 0)
    taken = taken[np.argsort(runs.own[taken], kind="stable")]
    own, counterpart = runs.own[taken], runs.counterparts[taken]
    target = counterpart.copy()
    rows = np.arange(len(own))
    while len(rows):  # a counterpart that was itself taken along stands earlier
        at = np.minimum(np.searchsorted(own, target[rows]), len(own) - 1)
        further = own[at] == target[rows]
        rows, at = rows[further], at[further]
        target[rows] = counterpart[at]
    kept = parts.kept[target]
    return _Members(np.where(kept >= 0, kept, target), own, np.where(kept >= 0, parts.similarity[target], 1.0))


# ------------------------------------------------------------------------------------------------------------ findings


class _Spans(NamedTuple):
    """Findings in arrays, without what the cuts take along and without their texts: int64 [findings], if not said.

    Attributes:
        number: the place of the article among those that are told together.
        start, end: in code points.
        head: the number of what it is.
        similarity: float64, NaN where nothing is compared.
        source, source_start, source_end: the article and the span that it repeats, -1 where none.
        named: bool, whether it is of the family of that place.
    """

    number: I64
    start: I64
    end: I64
    head: I64
    similarity: NDArray[np.float64]
    source: I64
    source_start: I64
    source_end: I64
    named: NDArray[np.bool_]

    @classmethod
    def joined(cls, parts: Sequence[_Spans]) -> _Spans:
        """These and then those."""
        return cls(*map(np.concatenate, zip(*parts, strict=True)))

    def chosen(self, which: NDArray[Any] | slice) -> _Spans:
        """These of them, in this order."""
        return _Spans._make(column[which] for column in self)


# by what `_verdict` says of articles and of passages; remnants; blocks, near or exact
_DUPLICATES = [
    *(
        Head("duplicate", grain, rule, removed, {})
        for grain in ("article", "passage")
        for rule, removed in (("near", True), ("exact", True), ("near", False), ("near-numbers", False))
    ),
    Head("duplicate", "article", "remnant", True, {}),
    Head("duplicate", "block", "near", True, {}),
    Head("duplicate", "block", "exact", True, {}),
]
_PASSAGE, _REMNANT, _BLOCK = 4, 8, 9


def _verdict(repeats: Repeats, rows: I64) -> I64:
    kept = repeats.kept[rows] >= 0
    return np.where(kept, repeats.exact[rows].astype(np.int64), 2 + repeats.by_number[rows])


class _Found:
    """What is found in articles.

    Attributes:
        heads: what findings are.
        removed, is_article: bool [heads].
        kind: int64 [heads], the place in *kinds*.
        kinds: (kind, grain, rule, removed), each once.
    """

    def __init__(self, judgement: Judgement) -> None:
        self._judgement = judgement
        marked = [head for marks in judgement.marks for head in marks.heads]
        self.heads = [*_DUPLICATES, *marked]
        self._first_head = np.cumsum([len(_DUPLICATES), *(len(marks.heads) for marks in judgement.marks)])
        self.removed = np.array([head.removed for head in self.heads], bool)
        self.is_article = np.array([head.grain == "article" for head in self.heads], bool)
        is_span = np.array([head.grain == "span" for head in self.heads], bool)
        self._is_line = self.removed & ~is_span
        self._is_detail = is_span | np.array(["doubt" in head.evidence for head in self.heads], bool)
        numbers: dict[tuple[str, str, str, bool], int] = {}
        self.kind = np.array([numbers.setdefault(head[:4], len(numbers)) for head in self.heads], np.int64)
        self.kinds = list(numbers)
        runs, article = judgement.runs, judgement.tables.article
        self._in_block = np.zeros(len(article), bool)
        self._in_block[runs.own] = True
        run_article = article[runs.own[runs.offsets[:-1]]]
        self._runs = np.argsort(run_article, kind="stable")
        self._run_article = run_article[self._runs]

    def of(self, articles: I64) -> _Spans:
        """What is found in these, by article and start."""
        found = _Spans.joined(
            [self._wholes(articles), self._remnants(articles), self._blocks(articles), self._passages(articles)]
        )
        found = _Spans.joined([found, self._marks(articles, found)])
        base = offsets_of(self._judgement.tables.lengths[articles] + 1)  # no article's end is the start of the next
        longest = 2 * -found.end + self.removed[found.head]
        return found.chosen(np.lexsort((longest, base[found.number] + found.start)))

    def _wholes(self, articles: I64) -> _Spans:
        whole, lengths = self._judgement.whole, self._judgement.tables.lengths
        number = np.flatnonzero((whole.kept[articles] >= 0) | (whole.linked[articles] >= 0))
        rows = articles[number]
        source, nothing = np.maximum(whole.kept[rows], whole.linked[rows]), np.zeros(len(rows), np.int64)
        return _Spans(
            number,
            nothing,
            lengths[rows],
            _verdict(whole, rows),
            whole.similarity[rows],
            source,
            nothing,
            lengths[source],
            whole.kept[rows] >= 0,
        )

    def _remnants(self, articles: I64) -> _Spans:
        judgement, tables = self._judgement, self._judgement.tables
        number = np.flatnonzero(judgement.remnant[articles] >= 0)
        rows = articles[number]
        source = judgement.parts.kept[judgement.remnant[rows]]
        return _Spans(
            number,
            np.zeros(len(rows), np.int64),
            tables.lengths[rows],
            np.full(len(rows), _REMNANT),
            np.full(len(rows), np.nan),
            tables.article[source],
            tables.start[source],
            tables.end[source],
            np.zeros(len(rows), bool),
        )

    def _blocks(self, articles: I64) -> _Spans:
        runs, tables = self._judgement.runs, self._judgement.tables
        low, high = (np.searchsorted(self._run_article, articles, side) for side in ("left", "right"))
        chosen = self._runs[positions(low, high - low)]
        first, last = runs.offsets[chosen], runs.offsets[chosen + 1] - 1
        source, source_last = runs.counterparts[first], runs.counterparts[last]
        return _Spans(
            np.repeat(np.arange(len(articles)), high - low),
            tables.start[runs.own[first]],
            tables.end[runs.own[last]],
            _BLOCK + runs.exact[chosen],
            runs.similarity[chosen],
            tables.article[source],
            tables.start[source],
            tables.end[source_last],
            np.zeros(len(chosen), bool),
        )

    def _passages(self, articles: I64) -> _Spans:
        judgement, tables, parts = self._judgement, self._judgement.tables, self._judgement.parts
        low = tables.of_article[articles]
        count = tables.of_article[articles + 1] - low
        rows = positions(low, count)
        number = np.repeat(np.arange(len(articles)), count)
        kept, linked = parts.kept[rows], parts.linked[rows]
        stays = (judgement.remnant[articles] < 0)[number]
        told = np.flatnonzero((kept >= 0) & ~self._in_block[rows] & stays | (linked >= 0))
        rows, source = rows[told], np.maximum(kept, linked)[told]
        return _Spans(
            number[told],
            tables.start[rows],
            tables.end[rows],
            _PASSAGE + _verdict(parts, rows),
            parts.similarity[rows],
            tables.article[source],
            tables.start[source],
            tables.end[source],
            kept[told] >= 0,
        )

    def _marks(self, articles: I64, others: _Spans) -> _Spans:
        """Marks. A span inside a line that goes anyway is not told, nor the doubt about such a line."""
        judgement, tables = self._judgement, self._judgement.tables
        stays = np.flatnonzero(
            (judgement.whole.kept[articles] < 0) & (judgement.remnant[articles] < 0) & ~tables.fixed[articles]
        )
        parts = [marks.of_articles(articles[stays]) for marks in judgement.marks]
        number = stays[np.concatenate([part[0] for part in parts])]
        start, end = (np.concatenate([part[column] for part in parts]) for column in (1, 2))
        head = np.concatenate([part[3] + before for part, before in zip(parts, self._first_head, strict=False)])
        detail = np.flatnonzero(self._is_detail[head])
        if len(detail):
            line, gone = self._is_line[head], self.removed[others.head]
            base = offsets_of(tables.lengths[articles] + 1)  # so that no article's end is the start of the next
            starts = np.append(base[number[line]] + start[line], base[others.number[gone]] + others.start[gone])
            ends = np.append(base[number[line]] + end[line], base[others.number[gone]] + others.end[gone])
            order = np.lexsort((ends, starts))
            at = base[number[detail]] + start[detail]
            last = np.searchsorted(starts[order], at, side="right") - 1
            inside = np.zeros(len(head), bool)
            inside[detail] = (last >= 0) & (at < np.append(ends[order], 0)[last])
            number, start, end, head = (column[~inside] for column in (number, start, end, head))
        none = np.full(len(head), -1)
        return _Spans(number, start, end, head, np.full(len(head), np.nan), none, none, none, np.zeros(len(head), bool))
