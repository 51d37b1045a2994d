"""A run against labels: what was found, what was missed, what was wrongly cut.

Labels are JSONL, one label a line, of four types; any further field is kept and told with an error, `reason` above
all. `kind` groups the figures.

    {"type": "pair", "a": PLACE, "b": PLACE, "same": true, "kind": "light edit", "reason": "..."}
    {"type": "cluster", "members": [PLACE, ...]}
    {"type": "span", "article": ID, "start": 0, "end": 80, "cut": true, "kind": "..."}
    {"type": "line", "article": ID, "line": 3, "is": "boilerplate", "kind": "share bar"}

A PLACE is an article id, for the whole article, or {"article": ID, "start": 10, "end": 90} in code points of the text
as read, end exclusive. A line may be given by "start" and "end" instead of its number, which counts from 1. `is` says
duplicate, boilerplate or debris, which are to be cut, or content, which is to stay; `cut` (true or false) may stand in
its place, also for a span.

A label that repeats an earlier one counts once, whatever its kind; one that contradicts an earlier one is an error: a
pair of the same places, or spans and lines that overlap, with another verdict. Those of one verdict may overlap, each
counts. A file may begin with a byte-order mark; blank lines and the kind of line ends mean nothing.

A pair is `cut` where both places belong to one family, or one is cut whole as the other or as what the other is cut
as. Passages of articles cut whole are cut as what corresponds to them: one is that passage of its article that shares
most shingles with the other. A pair is `linked` where a finding with `removed: false` joins them; `covered` where at
least half of the characters of one article stand in passages of families that the other shares; else it is `missed`.
Precision and recall of pairs count what is cut; `found` counts all three. A span is judged by its characters, a line
by whether most of it is cut.
Clusters are compared with the families over all places that the labels name, by pairs and by the adjusted Rand index
(Hubert and Arabie, Comparing Partitions, Journal of Classification 2, 1985).
"""

from __future__ import annotations

import codecs
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from dedup.errors import BadInput
from dedup.model import Family, Finding, Place

COVERED = 0.5  # of the characters of either article
VERDICTS = ("cut", "linked", "covered", "missed")
_CUT = {"duplicate": True, "boilerplate": True, "debris": True, "content": False}
_SNIPPET = 60


@dataclass(frozen=True, slots=True)
class Span:
    """A labelled place; *end* is None where the whole article is meant."""

    article: str
    start: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """One label: its places (two of a pair, one of a span or line, any number of a cluster), and whether they are
    one (pairs) or are to be cut (spans and lines). *extra* is the line as it was read."""

    type: str
    places: tuple[Span, ...]
    right: bool
    kind: str
    line: int | None
    where: str
    extra: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Figures:
    """Precision, recall and F1 from counts; a figure that has no denominator is None.

    >>> round(Figures(hits=8, false=2, missed=0).f1, 4)  # 2 * .8 * 1 / 1.8
    0.8889
    """

    hits: int
    false: int
    missed: int

    @property
    def precision(self) -> float | None:
        """The share of what was cut that is right."""
        return _ratio(self.hits, self.hits + self.false)

    @property
    def recall(self) -> float | None:
        """The share of what is right that was cut."""
        return _ratio(self.hits, self.hits + self.missed)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both."""
        return _ratio(2 * self.hits, 2 * self.hits + self.false + self.missed)

    def to_dict(self) -> dict[str, float | int | None]:
        """With figures to four decimals."""
        rounded = {
            name: None if value is None else round(value, 4)
            for name, value in (("precision", self.precision), ("recall", self.recall), ("f1", self.f1))
        }
        return {"hits": self.hits, "false": self.false, "missed": self.missed, **rounded}


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


# -------------------------------------------------------------------------------------------------------------- labels


def read_labels(path: str | Path) -> list[Label]:
    """The labels of a JSONL file.

    Raises:
        BadInput: the file cannot be read, or a line is no label; the message names it.
    """
    labels = []
    try:
        with Path(path).open("rb") as file:
            for number, line in enumerate(file, 1):
                raw = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
                if number == 1 and raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                    raise BadInput(f"{path}: is UTF-16; save it as UTF-8")
                if raw and not raw.isspace():
                    labels.append(_label(raw, f"{path}:{number}"))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}; name a JSONL file of labels with --labels") from None
    if not labels:
        raise BadInput(f"{path}: holds no label; write one JSON object a line")
    return labels


def _label(raw: bytes, where: str) -> Label:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{where}: expected a label, found what is not JSON ({error.msg}); fix the line") from None
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in ("pair", "cluster", "span", "line"):
        raise BadInput(f'{where}: field "type" must be pair, cluster, span or line, found {kind!r}; fix the line')
    line = None
    places: tuple[Span, ...]
    if kind == "pair":
        places = (_place(value.get("a"), where, "a"), _place(value.get("b"), where, "b"))
        if places[0] == places[1]:
            raise BadInput(f"{where}: a pair of a place with itself; name two places")
        right = _flag(value, "same", where)
    elif kind == "cluster":
        members = value.get("members")
        if not isinstance(members, list) or not members:
            raise BadInput(f'{where}: field "members" must be a list of places, found {members!r}; fix the line')
        places, right = tuple(_place(member, where, "members") for member in members), True
        if twice := next((place for place, count in Counter(places).items() if count > 1), None):
            raise BadInput(f"{where}: {twice.article!r} stands twice among the members; name it once")
    else:
        right = _to_cut(value, where)
        line = value.get("line") if kind == "line" else None
        if line is not None and (not isinstance(line, int) or isinstance(line, bool) or line < 1):
            raise BadInput(f'{where}: field "line" must be a line number from 1, found {line!r}; fix the line')
        if line is not None and ("start" in value or "end" in value):
            raise BadInput(
                f'{where}: a line is given by "line", or "start" and "end", found both; leave one of them out'
            )
        place = {"article": value.get("article")} if line is not None else value
        places = (_place(place, where, "article"),)
        if line is None and places[0].end is None:
            raise BadInput(f'{where}: a {kind} needs "start" and "end"; fix the line')
    shown = value.get("kind") or value.get("is") or kind
    return Label(kind, places, right, str(shown), line, where, value)


def _place(value: Any, where: str, name: str) -> Span:
    if isinstance(value, str):
        return Span(value)
    article = value.get("article") if isinstance(value, dict) else None
    if not isinstance(article, str):
        raise BadInput(
            f'{where}: field "{name}" must be an article id or {{"article", "start", "end"}}, found {value!r}; '
            "fix the line"
        )
    if "start" not in value and "end" not in value:
        return Span(article)
    start, end = value.get("start"), value.get("end")
    if type(start) is not int or type(end) is not int or not 0 <= start < end:
        raise BadInput(f'{where}: "start" and "end" must be a span, found {start!r} and {end!r}; fix the line')
    return Span(article, start, end)


def _flag(value: Mapping[str, Any], name: str, where: str) -> bool:
    if not isinstance(value.get(name), bool):
        raise BadInput(f'{where}: field "{name}" must be true or false, found {value.get(name)!r}; fix the line')
    return bool(value[name])


def _to_cut(value: Mapping[str, Any], where: str) -> bool:
    given = value.get("is")
    if "is" in value or "cut" not in value:
        if not isinstance(given, str) or given not in _CUT:
            raise BadInput(
                f'{where}: field "is" must be one of {", ".join(_CUT)}, found {given!r}; fix the line, '
                'or say "cut": true or false'
            )
        if "cut" in value and _flag(value, "cut", where) != _CUT[given]:
            raise BadInput(f'{where}: "is" and "cut" contradict each other; leave one of them out')
        return _CUT[given]
    return _flag(value, "cut", where)


def wanted(labels: Iterable[Label]) -> set[str]:
    """The articles that the labels name."""
    return {place.article for label in labels for place in label.places}


def _located(labels: Iterable[Label], texts: Mapping[str, str]) -> Iterator[Label]:
    """The labels with all places as spans of the texts."""
    for label in labels:
        places = []
        for place in label.places:
            text = texts.get(place.article)
            if text is None:
                raise BadInput(f"{label.where}: the run has no article {place.article!r}; fix the id")
            if label.line is not None:
                place = _line_span(text, place.article, label.line, label.where)  # noqa: PLW2901
            end = len(text) if place.end is None else place.end
            if end > len(text):
                raise BadInput(
                    f"{label.where}: the span ends at {end}, article {place.article!r} has {len(text)} characters; "
                    "fix the span"
                )
            places.append(Span(place.article, place.start, end) if label.type in ("span", "line") else place)
        if label.type == "pair" and _overlap(*places):
            raise BadInput(f"{label.where}: the two places of {places[0].article!r} overlap; name two that lie apart")
        yield Label(label.type, tuple(places), label.right, label.kind, label.line, label.where, label.extra)


def _overlap(a: Span, b: Span) -> bool:
    """Whether two places have a character in common; a whole article has all of its own."""
    return a.article == b.article and a.start < _end(b) and b.start < _end(a)


def _end(place: Span) -> int:
    return 1 << 60 if place.end is None else place.end


def _distinct(labels: Iterable[Label]) -> Iterator[Label]:
    """The labels without repetitions; labels that contradict each other are an error."""
    seen: dict[tuple[str, frozenset[Span]], Label] = {}
    judged: dict[str, list[tuple[int, int, int, Label]]] = defaultdict(list)
    for number, label in enumerate(labels):
        earlier = seen.setdefault((label.type, frozenset(label.places)), label)
        if earlier.right != label.right:
            raise _contradiction(earlier, label)
        if earlier is not label:
            continue
        if label.type in ("span", "line"):
            place = label.places[0]
            judged[place.article].append((place.start, _end(place), number, label))
        yield label
    for rows in judged.values():
        furthest: dict[bool, tuple[int, int, Label]] = {}  # verdict -> the end that lies furthest so far, and its label
        for start, end, number, label in sorted(rows, key=lambda row: row[:3]):
            reached, at, other = furthest.get(not label.right, (0, 0, label))
            if start < min(reached, end):
                raise _contradiction(*((other, label) if at < number else (label, other)))
            furthest[label.right] = max(
                furthest.get(label.right, (0, 0, label)), (end, number, label), key=lambda f: f[0]
            )


def _contradiction(earlier: Label, later: Label) -> BadInput:
    return BadInput(f"{later.where}: contradicts {earlier.where}; keep the one that is right")


def _line_span(text: str, article: str, line: int, where: str) -> Span:
    from dedup.text import codepoints, line_spans  # noqa: PLC0415  (NumPy, which pairs do not need)

    starts, ends, _, _ = line_spans(codepoints(text))
    if line > len(starts):
        raise BadInput(f"{where}: article {article!r} has {len(starts)} lines, found line {line}; fix the line")
    return Span(article, int(starts[line - 1]), int(ends[line - 1]))


# ------------------------------------------------------------------------------------------------------------ verdicts

_Key = tuple[str | None, str]  # (against, article)


def _alike(start: int, end: int, other_start: int, other_end: int) -> bool:
    """Whether two spans share half of the shorter."""
    return 2 * (min(end, other_end) - max(start, other_start)) >= min(end - start, other_end - other_start) > 0


@dataclass(frozen=True, slots=True)
class _Passages:
    """The passages of a text: their spans, and their sets of shingles as one array with offsets."""

    spans: list[tuple[int, int]]
    sets: Any
    offsets: Any

    @classmethod
    def of(cls, text: str, unit: str | None) -> _Passages:
        """All passages of a *unit* (see `Settings.passage`), or the text as one passage."""
        import numpy as np  # noqa: PLC0415  (which whole articles do not need)

        from dedup.settings import Settings  # noqa: PLC0415
        from dedup.sketch import shingle_sets  # noqa: PLC0415
        from dedup.text import codepoints, fold_passages, passages  # noqa: PLC0415

        codes = codepoints(text)
        spans = np.array([[0, len(codes)]], np.int64) if unit is None else passages(codes, unit)
        sets, offsets = shingle_sets(*fold_passages(codes, spans), Settings())
        return cls([(int(start), int(end)) for start, end in spans.tolist()], sets, offsets)


class Judged:
    """What a run says about any two places: families, links and cuts, by article."""

    def __init__(self, findings: Iterable[Finding], families: Iterable[Family], texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._passages: dict[str, _Passages] = {}
        self._lengths: dict[_Key, int] = {(None, article): len(text) for article, text in texts.items()}
        self._kept: dict[_Key, _Key] = {}
        self._keepers: set[_Key] = set()
        self._places: dict[_Key, list[tuple[int, int, str]]] = defaultdict(list)
        self._links: dict[_Key, list[tuple[int, int, Place]]] = defaultdict(list)
        self._article_links: dict[_Key, set[_Key]] = defaultdict(set)
        self._cuts: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for family in families:
            if family.grain == "article":
                self._kept.update((_key(member.place), _key(family.kept)) for member in family.members)
                self._keepers.add(_key(family.kept))
                continue
            for place in (family.kept, *(member.place for member in family.members)):
                self._places[_key(place)].append((place.start, place.end, family.family))
        for finding in findings:
            if finding.removed:
                self._cuts[finding.article].append((finding.start, finding.end))
            elif finding.source is not None and finding.grain == "article":
                self._article_links[None, finding.article].add(_key(finding.source))
            elif finding.source is not None:
                self._links[None, finding.article].append((finding.start, finding.end, finding.source))

    def verdict(self, a: Span, b: Span) -> str:
        """One of `VERDICTS`."""
        one, other = self._stays(a.article), self._stays(b.article)
        apart = a.article != b.article
        if a.end is None and b.end is None:
            return "cut" if apart and one == other else self._of_articles(a, b, one, other)
        if apart and one == other and (self._correspond(a, b) or self._correspond(b, a)):
            return "cut"
        if self._families(a) & self._families(b):
            return "cut"
        return "linked" if self._linked(a, b) or self._linked(b, a) else "missed"

    def cluster_keys(self, place: Span) -> set[object]:
        """Names of all groups that hold the place; places that share one are one cluster."""
        kept = self._stays(place.article)
        if place.end is None:
            return {kept}
        found: set[object] = set(self._families(place))
        if kept != (None, place.article) and not self._known(kept):
            return found | {(kept, self._texts[place.article][place.start : place.end])}
        if kept in self._keepers:
            found |= {(kept, start) for start, _ in self._counterparts(place, kept[1])}
        return found

    def cut_characters(self, place: Span) -> int:
        """How many characters of the place are cut."""
        end = 1 << 60 if place.end is None else place.end
        return sum(max(0, min(end, stop) - max(place.start, start)) for start, stop in self._cuts[place.article])

    def _correspond(self, a: Span, b: Span) -> bool:
        """Whether *b* shares half with one of the passages of its article that are most similar to *a*."""
        return any(_alike(b.start, _end(b), *span) for span in self._counterparts(a, b.article))

    def _counterparts(self, place: Span, article: str) -> list[tuple[int, int]]:
        """The passages of the article most similar to the place; of its own article, those that share half with it."""
        import numpy as np  # noqa: PLC0415  (which whole articles do not need)

        passages = self._passages_of(article)
        if article == place.article:
            return [span for span in passages.spans if _alike(place.start, _end(place), *span)]
        own = _Passages.of(self._texts[place.article][place.start : place.end], None).sets
        held = np.cumsum(np.append(0, np.isin(passages.sets, own)))
        shared = held[passages.offsets[1:]] - held[passages.offsets[:-1]]
        best = np.flatnonzero((shared == shared.max(initial=0)) & (shared > 0)).tolist()
        return [passages.spans[at] for at in best]

    def _known(self, key: _Key) -> bool:
        return key[0] is None and key[1] in self._texts

    def _passages_of(self, article: str) -> _Passages:
        if article not in self._passages:
            self._passages[article] = _Passages.of(self._texts[article], "line")
        return self._passages[article]

    def _stays(self, article: str) -> _Key:
        return self._kept.get((None, article), (None, article))

    def _of_articles(self, a: Span, b: Span, one: _Key, other: _Key) -> str:
        links = self._resolved(one) | self._resolved((None, a.article))
        others = self._resolved(other) | self._resolved((None, b.article))
        if one in others or other in links or links & others:
            return "linked"
        mine, theirs = ({place[2] for place in self._places[key]} for key in (one, other))
        common = mine & theirs
        share = max(self._share(one, common), self._share(other, common))
        return "covered" if share >= COVERED else "missed"

    def _resolved(self, key: _Key) -> set[_Key]:
        return {self._kept.get(source, source) for source in self._article_links[key]}

    def _share(self, key: _Key, families: set[str]) -> float:
        places = [(start, end) for start, end, family in self._places[key] if family in families]
        length = self._lengths.get(key) or max((end for _, end, _ in self._places[key]), default=0)
        return sum(end - start for start, end in places) / length if length else 0.0

    def _families(self, place: Span) -> set[str]:
        """The families of the passages that fill the place, or that it lies in, here and where its article is kept."""
        found = self._overlapping((None, place.article), place.start, place.end)
        kept = self._stays(place.article)
        if place.end is not None and kept != (None, place.article) and self._known(kept):
            for start, end in self._counterparts(place, kept[1]):
                found |= self._overlapping(kept, start, end)
        return found

    def _overlapping(self, key: _Key, start: int, end: int | None) -> set[str]:
        stop = 1 << 60 if end is None else end
        return {family for begin, finish, family in self._places[key] if _alike(start, stop, begin, finish)}

    def _linked(self, a: Span, b: Span) -> bool:
        end = 1 << 60 if a.end is None else a.end
        for start, stop, source in self._links[None, a.article]:
            if 2 * (min(end, stop) - max(a.start, start)) < min(end - a.start, stop - start):
                continue
            last = 1 << 60 if b.end is None else b.end
            overlap = min(last, source.end) - max(b.start, source.start)
            if _key(source) == (None, b.article) and overlap > 0:
                return True
            if self._overlapping(_key(source), source.start, source.end) & self._families(b):
                return True
        return False


def _key(place: Place) -> _Key:
    return place.against, place.article


# ------------------------------------------------------------------------------------------------------------- figures


def evaluate(
    findings: Iterable[Finding],
    families: Iterable[Family],
    texts: Mapping[str, str],
    labels: Iterable[Label],
    run: str = "DIR",
) -> dict[str, Any]:
    """The figures for each type of label that is there, and the errors, worst first.

    Args:
        findings, families: of the run.
        texts: article id -> text as read, of all articles that the labels name.
        labels: see `read_labels`.
        run: the folder of the run, as the commands in the errors name it.

    Returns:
        {"pairs": {"all": FIGURES, "kinds": {KIND: FIGURES}}, "spans": ..., "lines": ..., "clusters": {...},
        "errors": [...]}, JSON throughout. An error is {"error": "wrongly cut" | "missed", "type", "kind", "characters",
        "places", "text", "reason", "label", "explain"}; wrong cuts come before misses, each by characters.

    Raises:
        BadInput: a label names an article or a span that is not there.
    """
    judged = Judged(findings, families, texts)
    by_type: dict[str, list[Label]] = defaultdict(list)
    for label in _distinct(_located(labels, texts)):
        by_type[label.type].append(label)
    result: dict[str, Any] = {}
    errors: list[dict[str, Any]] = []
    for name, count in (("pair", _pair), ("span", _span), ("line", _line)):
        if by_type[name]:
            rows = [(label, *count(judged, label)) for label in by_type[name]]
            result[f"{name}s"] = _sums(rows)
            errors += [_error(label, error, weight, texts, run) for label, _, error, weight in rows if error]
    if by_type["cluster"]:
        result["clusters"] = _clusters(judged, by_type["cluster"])
    errors.sort(key=lambda error: (error["error"] == "missed", -error["characters"]))
    return {**result, "errors": errors}


_Counted = tuple[Counter[str], str, int]  # (counts, the error or "", its weight in characters)


def _pair(judged: Judged, label: Label) -> _Counted:
    verdict = judged.verdict(*label.places)
    counts = Counter({"labels": 1, ("same " if label.right else "different ") + verdict: 1})
    error = ""
    if label.right:
        counts["hits" if verdict == "cut" else "missed"] += 1
        error = "missed" if verdict == "missed" else ""
    elif verdict == "cut":
        counts["false"] += 1
        error = "wrongly cut"
    lengths = [(place.end or 0) - place.start for place in label.places]
    weight = min(lengths) if min(lengths) > 0 else 0
    return counts, error, weight


def _span(judged: Judged, label: Label) -> _Counted:
    place = label.places[0]
    length = (place.end or 0) - place.start
    cut = judged.cut_characters(place)
    if label.right:
        missed = length - cut
        # the line end of a cut may stay, and a cut may end in white space: that is no miss
        return Counter(labels=1, hits=cut, missed=missed), "missed" if missed > length / 2 else "", missed
    return Counter(labels=1, false=cut), "wrongly cut" if cut else "", cut


def _line(judged: Judged, label: Label) -> _Counted:
    place = label.places[0]
    length = (place.end or 0) - place.start
    cut = 2 * judged.cut_characters(place) > length
    if label.right:
        return Counter(labels=1, hits=int(cut), missed=int(not cut)), "" if cut else "missed", length
    return Counter(labels=1, false=int(cut)), "wrongly cut" if cut else "", length


def _sums(rows: Sequence[tuple[Label, Counter[str], str, int]]) -> dict[str, Any]:
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for label, counts, _, _ in rows:
        kinds[label.kind] += counts
    total = sum(kinds.values(), Counter())
    return {"all": _figures(total), "kinds": {kind: _figures(kinds[kind]) for kind in sorted(kinds)}}


def _figures(counts: Counter[str]) -> dict[str, Any]:
    figures = Figures(counts["hits"], counts["false"], counts["missed"])
    told: dict[str, Any] = {"labels": counts["labels"], **figures.to_dict()}
    for side in ("same", "different"):
        verdicts = {verdict: counts[f"{side} {verdict}"] for verdict in VERDICTS}
        if total := sum(verdicts.values()):
            told[side] = verdicts
            if side == "same":
                told["found"] = round(1 - verdicts["missed"] / total, 4)
    return told


def _clusters(judged: Judged, labels: Sequence[Label]) -> dict[str, Any]:
    true: dict[Span, int] = {}
    for number, label in enumerate(labels):
        for place in label.places:
            if true.setdefault(place, number) != number:
                raise BadInput(f"{label.where}: {place.article!r} stands in two clusters; put it into one")
    found = _found_clusters(judged, list(true))
    both = Counter((number, found[place]) for place, number in true.items())
    hits = sum(map(_pairs, both.values()))
    true_pairs = sum(map(_pairs, Counter(true.values()).values()))
    found_pairs = sum(map(_pairs, Counter(found.values()).values()))
    figures = Figures(hits, found_pairs - hits, true_pairs - hits)
    ari = adjusted_rand(hits, true_pairs, found_pairs, _pairs(len(true)))
    return {"labels": len(labels), "places": len(true), **figures.to_dict(), "adjusted_rand": round(ari, 4)}


def _found_clusters(judged: Judged, places: Sequence[Span]) -> dict[Span, int]:
    """Place -> the number of its cluster; places are one where a chain of shared families joins them."""
    leader = list(range(len(places)))

    def root(place: int) -> int:
        while leader[place] != place:
            place = leader[place]
        return place

    holder: dict[object, int] = {}
    for number, place in enumerate(places):
        for key in judged.cluster_keys(place):
            leader[root(number)] = root(holder.setdefault(key, number))
    return {place: root(number) for number, place in enumerate(places)}


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def adjusted_rand(hits: int, true_pairs: int, found_pairs: int, all_pairs: int) -> float:
    """The adjusted Rand index from numbers of pairs: in both partitions, in each, and in all; 1 where both agree.

    >>> adjusted_rand(2, 4, 3, 15)  # {a b c}{d e}{f} against {a b}{c d}{e f}... by hand: (2 - .8) / (3.5 - .8)
    0.4444444444444444
    """
    expected = true_pairs * found_pairs / all_pairs if all_pairs else 0.0
    most = (true_pairs + found_pairs) / 2
    return 1.0 if most == expected else (hits - expected) / (most - expected)


def _error(label: Label, error: str, weight: int, texts: Mapping[str, str], run: str) -> dict[str, Any]:
    articles = list(dict.fromkeys(place.article for place in label.places))
    snippets = [
        " ".join(texts[place.article][place.start : place.end][: 2 * _SNIPPET].split())[:_SNIPPET]
        for place in label.places
    ]
    if not weight:  # whole articles
        weight = min(len(texts[place.article]) for place in label.places)
    return {
        "error": error,
        "type": label.type,
        "kind": label.kind,
        "characters": weight,
        "places": [{"article": place.article, "start": place.start, "end": place.end} for place in label.places],
        "text": snippets,
        "reason": label.extra.get("reason"),
        "label": label.where,
        "explain": shlex.join(["dedup", "explain", run, *articles]),
    }


# ------------------------------------------------------------------------------------------------------------- wording


def lines_of(result: Mapping[str, Any], most: int) -> Iterator[str]:
    """The result as lines of text: a table for each type of label, then the *most* worst errors."""
    for name, unit in (("pairs", "pairs"), ("spans", "characters"), ("lines", "lines")):
        if name in result:
            yield from _table(name, unit, result[name])
    if "clusters" in result:
        sums = result["clusters"]
        yield f"clusters: {sums['labels']} of {sums['places']} places"
        yield f"  pairs of one cluster: {_shown(sums)}; adjusted Rand index {sums['adjusted_rand']:.4f}"
        yield ""
    errors = result["errors"]
    shown = errors[:most]
    yield f"errors: {len(errors)}" + (f", the {len(shown)} worst:" if len(shown) < len(errors) else "")
    for error in shown:
        yield f"  {error['error']}: {error['kind']}, {error['characters']} characters ({error['label']})"
        for text in error["text"]:
            yield f"    {text}"
        if error["reason"]:
            yield f"    label: {error['reason']}"
        yield f"    {error['explain']}"


def _table(name: str, unit: str, sums: Mapping[str, Any]) -> Iterator[str]:
    yield f"{name}: {sums['all']['labels']} labels"
    width = max(map(len, ["all", *sums["kinds"]]))
    for kind, figures in [("all", sums["all"]), *sums["kinds"].items()]:
        line = f"  {kind:<{width}}  {figures['labels']:>6}  {_shown(figures)}"
        if name == "pairs" and "found" in figures:
            verdicts = figures["same"]
            line += f"; found {figures['found']:.4f} ({', '.join(f'{verdicts[v]} {v}' for v in VERDICTS)})"
        yield line + f"; wrongly cut {figures['false']} {unit}"
    yield ""


def _shown(figures: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {'-' if figures[key] is None else format(figures[key], '.4f')}"
        for name, key in (("precision", "precision"), ("recall", "recall"), ("F1", "f1"))
    )
