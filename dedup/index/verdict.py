"""What an index says of an article, and how its findings are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from dedup.model import Article, Finding
from dedup.rewriting import clean_text, cut_whole


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an index says of an article.

    Attributes:
        article: its id.
        findings: what `scan` finds in it, by start.
        duplicate_of: the id of the article that it repeats as a whole, or None.
        text: its clean text; None where the whole article is left out.
        sources: the fields of every article that a finding names as its source, by id.
    """

    article: str
    findings: tuple[Finding, ...]
    duplicate_of: str | None
    text: str | None
    sources: Mapping[str, Mapping[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """As the command prints it."""
        return {
            "article": self.article,
            "duplicate_of": self.duplicate_of,
            "text": self.text,
            "findings": [finding.to_dict() for finding in self.findings],
            "sources": {id: dict(fields) for id, fields in self.sources.items()},
        }


def verdict_of(article: Article, findings: Sequence[Finding], fields: Mapping[str, Mapping[str, Any]]) -> Verdict:
    """The verdict that findings make; *fields* has those of the articles that they may name, by id."""
    whole = cut_whole(findings)
    repeats = whole.source.article if whole is not None and whole.source and whole.rule != "remnant" else None
    text = clean_text(article.text, findings) if whole is None else None
    named = {finding.source.article for finding in findings if finding.source is not None}
    sources = {id: fields[id] for id in sorted(named) if id in fields}
    return Verdict(article.id, tuple(findings), repeats, text, sources)


def pack(findings: Sequence[Finding]) -> bytes:
    """Findings as they are stored: without what the article itself says."""
    packed = []
    for finding in findings:
        value = finding.to_dict()
        del value["article"], value["text"]
        packed.append(value)
    return orjson.dumps(packed)


def unpack(packed: bytes, id: str, text: str) -> list[Finding]:
    """The inverse of `pack`."""
    return [
        Finding.from_dict({**value, "article": id, "text": text[value["start"] : value["end"]]})
        for value in orjson.loads(packed)
    ]
