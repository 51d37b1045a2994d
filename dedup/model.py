"""Frozen values that travel between the stages and out to the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from operator import itemgetter
from typing import Any, Literal

from dedup.errors import BadInput
from dedup.settings import Settings

Kind = Literal["duplicate", "boilerplate", "debris"]
Grain = Literal["article", "block", "passage", "span"]


@dataclass(frozen=True, slots=True, init=False)
class Article:
    """One article: an id that no other article of the corpus has, its text, and any further fields.

    >>> Article("a1", "text", date="2020-02-05").fields["date"]
    '2020-02-05'
    """

    id: str
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __init__(self, /, id: str, text: str, **fields: Any) -> None:
        object.__setattr__(self, "id", id)
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "fields", fields)

    @classmethod
    def of(cls, id: str, text: str, fields: Mapping[str, Any]) -> Article:
        """An article whose fields may have any names, `id` and `text` among them."""
        article = cls(id, text)
        object.__setattr__(article, "fields", fields)
        return article

    def with_text(self, text: str) -> Article:
        """The same article with another text."""
        return Article.of(self.id, text, self.fields)


@dataclass(frozen=True, slots=True)
class Place:
    """A span of an article: *start* to *end* (exclusive) in code points of the text as read.

    *against* names the reference input that the article belongs to; None for an article of the corpus itself.
    """

    article: str
    start: int
    end: int
    against: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As it stands in findings.jsonl and families.jsonl."""
        place: dict[str, Any] = {"article": self.article, "start": self.start, "end": self.end}
        if self.against is not None:
            place["against"] = self.against
        return place

    @classmethod
    def from_dict(cls, place: Mapping[str, Any]) -> Place:
        """The inverse of `to_dict`."""
        return cls(place["article"], place["start"], place["end"], place.get("against"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One judgement about one span of one article: what it is, why, what it repeats, and whether it is cut.

    `start` and `end` count code points of the text as read, `end` is exclusive and includes the line ends that the
    cut takes. `similarity` is the exact Jaccard similarity to `source` rounded to four decimals (for a block the
    least of its passages), None for a rule that compares nothing. `evidence` holds what else a rule goes by: for
    boilerplate by frequency {"families", "share", "position"}; it is left out of findings.jsonl where it is empty.
    """

    article: str
    start: int
    end: int
    kind: Kind
    grain: Grain
    rule: str
    similarity: float | None
    family: str | None
    source: Place | None
    removed: bool
    text: str
    evidence: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def to_dict(self) -> dict[str, Any]:
        """As it stands in findings.jsonl."""
        finding: dict[str, Any] = {
            "article": self.article,
            "start": self.start,
            "end": self.end,
            "kind": self.kind,
            "grain": self.grain,
            "rule": self.rule,
            "similarity": self.similarity,
            "family": self.family,
            "source": None if self.source is None else self.source.to_dict(),
            "removed": self.removed,
            "text": self.text,
        }
        if self.evidence:
            finding["evidence"] = dict(self.evidence)
        return finding

    @classmethod
    def from_dict(cls, finding: Mapping[str, Any]) -> Finding:
        """The inverse of `to_dict`.

        Raises:
            BadInput: a field is missing or is of another type; the message names it.
        """
        try:
            values = _VALUES(finding)
        except KeyError as missing:
            raise BadInput(f'a finding lacks the field "{missing.args[0]}"') from None
        if tuple(map(type, values)) not in _SOUND:
            for value, (name, kinds) in zip(values, _FINDING_FIELDS.items(), strict=True):
                if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
                    raise BadInput(f'field "{name}" of a finding holds {value!r}, which is not of its type')
        article, start, end, kind, grain, rule, similarity, family, source, removed, text = values
        if source is not None:
            try:
                source = Place.from_dict(source)
            except KeyError as missing:
                raise BadInput(f'the "source" of a finding lacks {missing}') from None
        evidence = finding.get("evidence", {})
        if not isinstance(evidence, dict):
            raise BadInput(f'field "evidence" of a finding holds {evidence!r}, which is not of its type')
        return cls(article, start, end, kind, grain, rule, similarity, family, source, removed, text, evidence)


_FINDING_FIELDS: dict[str, tuple[type, ...]] = {
    "article": (str,),
    "start": (int,),
    "end": (int,),
    "kind": (str,),
    "grain": (str,),
    "rule": (str,),
    "similarity": (float, int, type(None)),
    "family": (str, type(None)),
    "source": (dict, type(None)),
    "removed": (bool,),
    "text": (str,),
}
_VALUES = itemgetter(*_FINDING_FIELDS)
_SOUND = set(product(*_FINDING_FIELDS.values()))


@dataclass(frozen=True, slots=True)
class Member:
    """A place whose text repeats the kept text of its family, with its exact Jaccard similarity to that text."""

    place: Place
    similarity: float


@dataclass(frozen=True, slots=True)
class Family:
    """A kept text and every place that repeats it. It is named by its grain and its kept place."""

    family: str
    grain: Grain
    kept: Place
    members: tuple[Member, ...]

    def to_dict(self) -> dict[str, Any]:
        """As it stands in families.jsonl."""
        members = [{**member.place.to_dict(), "similarity": member.similarity} for member in self.members]
        return {"family": self.family, "grain": self.grain, "kept": self.kept.to_dict(), "members": members}


@dataclass(frozen=True, slots=True)
class Report:
    """What `scan` found.

    Attributes:
        settings: the settings that were used.
        article_ids: the id of every article of the corpus, in the order in which they were read.
        findings: in article order, then by start.
        families: in keep order of their kept places, article grain before passage grain.
        counts: sums: articles, characters, passages, distinct texts, cuts by kind and rule ...
        warnings: sentences about what looks wrong.
    """

    settings: Settings
    article_ids: Sequence[str]
    findings: Sequence[Finding]
    families: Sequence[Family]
    counts: Mapping[str, Any]
    warnings: Sequence[str]

    def findings_of(self, article: str) -> Sequence[Finding]:
        """The findings of one article, by start."""
        return [finding for finding in self.findings if finding.article == article]
