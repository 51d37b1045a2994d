"""What of a run stands on the page: sums, distributions and a few cases, gathered in one pass over each of its files.

Memory does not grow with the findings: what is to be shown is kept in heaps of fixed size, of each text its beginning.
"""

from __future__ import annotations

import hashlib
import heapq
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, TypeVar

import numpy as np

from dedup import kernel
from dedup.errors import BadRun
from dedup.kernel.reference import I64, U8, offsets_of
from dedup.kernel.utf8_reference import RUN
from dedup.marks import Head
from dedup.model import Article, Family, Finding, Member, Place
from dedup.rewriting import cut_whole, cuts
from dedup.tables import Tables
from dedup.told import FamilyRow, FindingRow, Told, Where, finding_of

T = TypeVar("T")

MOST_FAMILIES, MOST_MEMBERS = 24, 4
MOST_BORDER = 12  # of each grain
MOST_BLOCKS = MOST_LINKS = 16
MOST_TEMPLATES = MOST_DEBRIS = 60
MOST_SAMPLED = 200
MOST_SOURCES = 40
MOST_TEXT = 4000  # characters of a text that are compared and shown
MOST_LINE = 300  # of boilerplate and debris

MOST_ALIKE = 200_000  # characters of the articles among which pairs below the threshold are looked for

_BATCH = 1 << 20  # characters of articles that are offered together
_COUNTED = 20_000  # templates and sources counted at a time; twice as many, and the rarer half is forgotten
_DIGITS = re.compile(r"\d+")


class Best(Generic[T]):
    """The *most* things of the greatest keys, of equal ones the first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[tuple[Any, int, T]] = []
        self.offered = 0

    def offer(self, key: Any, make: Callable[[], T]) -> None:
        """Takes what *make* returns, if its key is among the greatest."""
        self.offered += 1
        if len(self._heap) < self._most:
            heapq.heappush(self._heap, (key, -self.offered, make()))
        elif self._most and key > self._heap[0][0]:
            heapq.heapreplace(self._heap, (key, -self.offered, make()))

    def best(self) -> list[T]:
        """From the greatest key down."""
        return [thing for _, _, thing in sorted(self._heap, key=lambda entry: entry[:2], reverse=True)]


@dataclass
class Tally:
    """Counts of texts by a key, of which there may be more than memory holds.

    When too many are known, the half of the lowest counts is forgotten (Manku & Motwani 2002 do it by buckets): a count
    may then be too low, and `forgot` says so.
    """

    counts: dict[tuple[str, ...], list[int]] = field(default_factory=dict)
    samples: dict[tuple[str, ...], Finding] = field(default_factory=dict)
    forgot: bool = False

    def add(self, key: tuple[str, ...], amounts: tuple[int, ...], sample: Callable[[], Finding] | None = None) -> None:
        """Adds the amounts to those of the key, by which it is ranked; *sample* makes what is kept of a new one."""
        known = self.counts.get(key)
        if known is not None:
            for number, amount in enumerate(amounts):
                known[number] += amount
            return
        if len(self.counts) >= 2 * _COUNTED:
            self.forgot = True
            for rare, _ in self.ranked()[_COUNTED:]:
                del self.counts[rare]
                self.samples.pop(rare, None)
        self.counts[key] = list(amounts)
        if sample is not None:
            self.samples[key] = sample()

    def ranked(self) -> list[tuple[tuple[str, ...], list[int]]]:
        """From the greatest amounts down, of equal ones by their keys."""
        return sorted(self.counts.items(), key=lambda entry: ([-amount for amount in entry[1]], entry[0]))


@dataclass(frozen=True, slots=True)
class ShownFamily:
    """A family on the page: how many repeat the kept text, how like it they are, and a few of them."""

    name: str
    grain: str
    kept: Place
    count: int
    least: float
    members: tuple[Member, ...]


@dataclass
class Gathered:
    """What `gather` found. Numbers of places are by the logarithm of the family's size, or by hundredths of similarity.

    Attributes:
        sizes: grain -> bit length of (size - 1) -> families; 1: two places, 2: three or four, 3: five to eight ...
        similarities: hundredth of the similarity, rounded down -> members; those equal to the kept text are in `equal`.
        equal: members whose fold equals that of the kept text, or whose shingles do.
        families, border, blocks, links, sampled: what is shown, the first first; `border` by grain.
        link_count, block_count, finding_count: how many there are.
        templates, debris: by (rule, text without its numbers): findings, characters.
    """

    sizes: dict[str, Counter[int]]
    similarities: Counter[int]
    equal: int
    family_count: int
    families: list[ShownFamily]
    border: dict[str, list[Finding]]
    blocks: list[Finding]
    links: list[Finding]
    sampled: list[Finding]
    border_count: int
    block_count: int
    link_count: int
    finding_count: int
    templates: Tally
    debris: Tally

    def cases(self) -> Iterator[Finding]:
        """The findings that are shown with the text that they repeat."""
        for findings in (*self.border.values(), self.blocks, self.links, self.sampled):
            yield from findings

    def wanted(self) -> set[Place]:
        """The places whose texts the page needs and the findings do not hold."""
        places = {finding.source for finding in self.cases() if finding.source is not None}
        for family in self.families:
            places |= {family.kept, *(member.place for member in family.members)}
        return {limited(place) for place in places}


def limited(place: Place) -> Place:
    """The beginning of a place, as far as it is shown."""
    return replace(place, end=min(place.end, place.start + MOST_TEXT))


class Gathering:
    """Hears of families and findings, one at a time, and keeps what the page shows; see `dedup.told.Listener`."""

    most = MOST_TEXT

    def __init__(self) -> None:
        self._sizes: dict[str, Counter[int]] = {"article": Counter(), "passage": Counter()}
        self._similarities: Counter[int] = Counter()
        self._largest: Best[ShownFamily] = Best(MOST_FAMILIES)
        self._equal = 0
        self._border: dict[str, Best[Finding]] = {"article": Best(MOST_BORDER), "passage": Best(MOST_BORDER)}
        self._blocks: Best[Finding] = Best(MOST_BLOCKS)
        self._links: Best[Finding] = Best(MOST_LINKS)
        self._sampled: Best[Finding] = Best(MOST_SAMPLED)
        self._templates, self._debris = Tally(), Tally()
        self._near = 0

    def hear_family(self, family: FamilyRow) -> None:
        """One family."""
        _, grain, _, members = family
        self._sizes.setdefault(grain, Counter())[len(members).bit_length()] += 1
        for _, similarity in members:
            if similarity >= 1:
                self._equal += 1
            else:
                self._similarities[int(round(10_000 * similarity) // 100)] += 1
        self._largest.offer(len(members), partial(_shown, family))

    def hear_finding(self, finding: FindingRow, text: str) -> None:
        """One finding, and the first `most` characters of its text."""
        article, start, end, (kind, grain, rule, removed, _), similarity, _, _ = finding
        short = partial(finding_of, finding, text)
        self._sampled.offer(_lot(article, start, end, grain, rule), short)
        if kind != "duplicate":
            tally = self._templates if kind == "boilerplate" else self._debris
            key = (rule, _DIGITS.sub("0", text.strip())[:200])
            tally.add(key, (1, end - start), partial(finding_of, finding, text[:MOST_LINE]))
        elif not removed:
            self._links.offer(similarity or 0.0, short)
        elif grain == "block":
            self._blocks.offer(end - start, short)
        elif similarity is not None and similarity < 1 and grain in self._border:
            self._near += 1
            self._border[grain].offer(-similarity, short)

    def gathered(self) -> Gathered:
        """What of all that is shown."""
        return Gathered(
            sizes=self._sizes,
            similarities=self._similarities,
            equal=self._equal,
            family_count=self._largest.offered,
            families=self._largest.best(),
            border={grain: best.best() for grain, best in self._border.items()},
            blocks=self._blocks.best(),
            links=self._links.best(),
            sampled=sorted(self._sampled.best(), key=lambda finding: (finding.article, finding.start, -finding.end)),
            border_count=self._near,
            block_count=self._blocks.offered,
            link_count=self._links.offered,
            finding_count=self._sampled.offered,
            templates=self._templates,
            debris=self._debris,
        )


def gather(findings: Iterable[Finding], families: Iterable[Family]) -> Gathered:
    """Reads findings and families once each and keeps what the page shows."""
    gathering = Gathering()
    for family in families:
        members = [(_where(member.place), member.similarity) for member in family.members]
        gathering.hear_family((family.family, family.grain, _where(family.kept), members))
    for finding in findings:
        head = Head(finding.kind, finding.grain, finding.rule, finding.removed, finding.evidence)
        source = None if finding.source is None else _where(finding.source)
        span = finding.article, finding.start, finding.end
        row = (*span, head, finding.similarity, finding.family, source)
        gathering.hear_finding(row, finding.text[:MOST_TEXT])
    return gathering.gathered()


def _where(place: Place) -> Where:
    return place.article, place.start, place.end, place.against


def _shown(family: FamilyRow) -> ShownFamily:
    """A family with the member least like its kept text and a few that stand as far apart as can be."""
    name, grain, kept, members = family
    least = min(range(len(members)), key=lambda number: (members[number][1], number), default=0)
    spread = [number * (len(members) - 1) // max(MOST_MEMBERS - 2, 1) for number in range(MOST_MEMBERS - 1)]
    numbers = [number for number in dict.fromkeys([least, *spread]) if number < len(members)]
    chosen = tuple(Member(Place(*members[number][0]), members[number][1]) for number in numbers)
    similarity = members[least][1] if members else 1.0
    return ShownFamily(name, grain, Place(*kept), len(members), similarity, chosen)


def _lot(article: str, start: int, end: int, grain: str, rule: str) -> bytes:
    """A random key that is the same wherever the finding stands."""
    name = f"{article}\0{start}\0{end}\0{grain}\0{rule}"
    return hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest()


# -------------------------------------------------------------------------------------------------- from the originals


@dataclass
class Measured:
    """What only the originals tell.

    Attributes:
        texts: wanted place -> its text.
        shares: tenth of the article that is cut, rounded up (0: nothing, 11: cut whole) -> articles.
        sources: (source,) -> characters, characters cut, articles, articles cut whole.
        alike: articles that stay and are likely to resemble each other; see `Alike`.
        articles: how many articles there are that stay.
    """

    texts: dict[Place, str] = field(default_factory=dict)
    shares: Counter[int] = field(default_factory=Counter)
    sources: Tally = field(default_factory=Tally)
    alike: list[Article] = field(default_factory=list)
    articles: int = 0


class Alike:
    """Articles likely to resemble each other, of `MOST_ALIKE` characters together: those of the lowest hashes.

    The hash of an article is the least of its runs of four characters, which two texts share with a probability equal
    to the similarity of their sets of such runs (Broder 1997). So both sides of a pair are drawn or neither, where a
    random sample of a thousandth would keep a millionth of the pairs.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Article]] = []
        self._characters = 0
        self._offered = 0

    def offer(self, utf8: U8, offsets: I64, characters: I64, article: Callable[[int], Article]) -> None:
        """Takes those of some articles whose hashes are low enough.

        Args:
            utf8, offsets: segment array, their texts.
            characters: int64 [articles], of each; of one that is not to be drawn 0.
            article: makes an article, by its number.
        """
        lots = kernel.least_runs(utf8, offsets)
        fits = np.flatnonzero((characters >= RUN) & (characters <= MOST_ALIKE // 10))
        for number, lot, length in zip(fits.tolist(), lots[fits].tolist(), characters[fits].tolist(), strict=True):
            if self._characters + length > MOST_ALIKE and lot > -self._heap[0][0]:
                continue  # it would go again at once
            heapq.heappush(self._heap, (-lot, self._offered + number, article(number)))
            self._characters += length
            while self._characters > MOST_ALIKE:
                self._characters -= len(heapq.heappop(self._heap)[2].text)
        self._offered += len(characters)

    def drawn(self) -> list[Article]:
        """In the order in which they were offered."""
        return [article for _, _, article in sorted(self._heap, key=lambda entry: entry[1])]


def measure(
    originals: Iterable[tuple[str, Article]],
    findings: Iterable[Finding],
    wanted: Iterable[Place],
    source_field: str | None = None,
    references: Mapping[str, Iterable[Article]] | None = None,
) -> Measured:
    """Reads the originals and the findings side by side, both in the order of the articles.

    Args:
        originals: (source, article).
        findings: by article, in the order of the articles.
        wanted: places whose texts are kept.
        source_field: the field that names an article's source instead, where it has it.
        references: name -> the articles of a reference.

    Raises:
        BadRun: the findings are not those of the articles, in their order.
    """
    measured = Measured()
    by_article = _by_article(wanted)
    alike = Alike()
    waiting: list[Article] = []
    filled = 0
    for source, article, own in in_step(originals, findings):
        _keep_texts(measured, article, by_article.get((None, article.id), ()))
        named = None if source_field is None else article.fields.get(source_field)
        _measure(measured, source if named in (None, "") else str(named), len(article.text), own)
        if cut_whole(own) is None:
            measured.articles += 1
            waiting.append(article)
            filled += len(article.text)
        if filled >= _BATCH:
            _offer(alike, waiting)
            waiting, filled = [], 0
    _offer(alike, waiting)
    measured.alike = alike.drawn()
    _keep_references(measured, by_article, references or {})
    return measured


def measure_told(
    told: Told,
    sources: Iterable[tuple[str, int]],
    wanted: Iterable[Place],
    references: Mapping[str, Iterable[Article]] | None = None,
) -> Measured:
    """The same from what a scan knows of the originals, once its findings were told.

    Args:
        told: what was told, while its work files are open.
        sources: (source, articles of it in a row), in the order of reading.
        wanted, references: see `measure`.
    """
    measured = Measured()
    tables, whole = told.tables, told.cut_whole
    lengths = tables.lengths[tables.read]
    lost = np.where(whole, lengths, told.lost)
    tenths = np.where(whole, 11, np.minimum(-(-10 * lost // np.maximum(lengths, 1)), 10))
    measured.shares.update({tenth: count for tenth, count in enumerate(np.bincount(tenths).tolist()) if count})
    measured.articles = int((~whole).sum())
    _count_sources(measured, tables, sources, np.stack((lengths, lost, np.ones_like(lost), whole)))
    by_article = _by_article(wanted)
    numbers = {
        id: number for number, id in enumerate(tables.ids) if (None, id) in by_article and not tables.fixed[number]
    }
    for id, number in numbers.items():
        _keep_texts(measured, Article(id, tables.texts[number]), by_article[None, id])
    alike = Alike()
    shown = np.where(whole, 0, lengths)
    for first, stop in told.chunks():
        own = tables.read[first:stop].tolist()
        utf8, offsets = tables.texts.of(tables.read[first:stop])

        def article(number: int, own: list[int] = own, utf8: U8 = utf8, offsets: I64 = offsets) -> Article:
            """One of these, whose texts have been read: to read one by itself takes a hundred times as long."""
            text = utf8[offsets[number] : offsets[number + 1]].tobytes().decode(errors="surrogatepass")
            return Article(tables.ids[own[number]], text)

        alike.offer(utf8, offsets, shown[first:stop], article)
    measured.alike = alike.drawn()
    _keep_references(measured, by_article, references or {})
    return measured


def _count_sources(measured: Measured, tables: Tables, sources: Iterable[tuple[str, int]], amounts: I64) -> None:
    """Adds the amounts of articles, int64 [4, articles], to those of their sources, of those in a row together."""
    if not amounts.shape[1]:
        return
    names, counts = zip(*((name, count) for name, count in sources if count), strict=True)
    source = np.repeat(np.arange(len(names)), counts)
    of_field = tables.source[tables.read]
    source = np.where(of_field >= 0, len(names) + of_field, source)
    first = np.flatnonzero(np.diff(source, prepend=-1))
    sums = np.add.reduceat(amounts, first, axis=1).T
    every = [*names, *tables.source_names]
    for number, row in zip(source[first].tolist(), sums.tolist(), strict=True):
        measured.sources.add((every[number],), tuple(row))


def _by_article(wanted: Iterable[Place]) -> dict[tuple[str | None, str], list[Place]]:
    by_article: dict[tuple[str | None, str], list[Place]] = {}
    for place in wanted:
        by_article.setdefault((place.against, place.article), []).append(place)
    return by_article


def _offer(alike: Alike, articles: Sequence[Article]) -> None:
    encoded = [article.text.encode() for article in articles]
    alike.offer(
        np.frombuffer(b"".join(encoded), np.uint8),
        offsets_of(np.array([len(text) for text in encoded], np.int64)),
        np.array([len(article.text) for article in articles], np.int64),
        articles.__getitem__,
    )


def _keep_references(
    measured: Measured,
    by_article: Mapping[tuple[str | None, str], Sequence[Place]],
    references: Mapping[str, Iterable[Article]],
) -> None:
    for name, articles in references.items():
        if any(against == name for against, _ in by_article):
            for article in articles:
                _keep_texts(measured, article, by_article.get((name, article.id), ()))


def in_step(
    originals: Iterable[tuple[str, Article]], findings: Iterable[Finding]
) -> Iterator[tuple[str, Article, list[Finding]]]:
    """(source, article, its findings), where the findings stand in the order of the articles.

    Raises:
        BadRun: they do not.
    """
    groups = _grouped(findings)
    pending = next(groups, None)
    for source, article in originals:
        own: list[Finding] = []
        if pending is not None and pending[0].article == article.id:
            own, pending = pending, next(groups, None)
        yield source, article, own
    if pending is not None:
        raise BadRun(
            f'the findings of article "{pending[0].article}" do not stand in the order of the articles, or there is no '
            "such article; make the run again, or write edited findings with `dedup apply --findings`"
        )


def _keep_texts(measured: Measured, article: Article, places: Iterable[Place]) -> None:
    for place in places:
        measured.texts[place] = article.text[place.start : place.end]


def _grouped(findings: Iterable[Finding]) -> Iterator[list[Finding]]:
    group: list[Finding] = []
    for finding in findings:
        if group and group[0].article != finding.article:
            yield group
            group = []
        group.append(finding)
    if group:
        yield group


def _measure(measured: Measured, source: str, characters: int, findings: list[Finding]) -> None:
    whole = cut_whole(findings)
    lost = characters if whole is not None else sum(cut.end - cut.start for cut in cuts(findings))
    tenth = 11 if whole is not None else -(-10 * lost // characters) if characters else 0
    measured.shares[min(tenth, 10) if whole is None else 11] += 1
    measured.sources.add((source,), (characters, lost, 1, int(whole is not None)))
