"""Findings -> text, and back: pure functions of (article, findings) that judge nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, overload

import numpy as np

from dedup import frames
from dedup.errors import BadInput, OneShotInput
from dedup.kernel.reference import I64
from dedup.model import Article, Finding, Report

T = TypeVar("T")
_LINE_ENDS = re.compile("\r\n|[\n\r\u2028\u2029]")


def clean_text(text: str, findings: Iterable[Finding]) -> str:
    """*text* without the spans of its removed findings; findings about the whole article are passed over.

    Raises:
        BadInput: a removed finding does not fit the text, or two overlap; the message names the finding.
    """
    found = cuts(findings)
    if fault := first_fault(text, found):
        raise BadInput(f"{described(fault[0])}: {fault[1]}")
    kept: list[str] = []
    at = 0
    for finding in found:
        kept.append(text[at : finding.start])
        at = finding.end
    return "".join(kept) + text[at:]


def restore_text(clean: str, findings: Iterable[Finding]) -> str:
    """The text from which `clean_text` made *clean*.

    Raises:
        BadInput: a removed finding cannot have come out of such a text, or two overlap.
    """
    pieces: list[str] = []
    at = taken = 0  # in the original, in the clean text
    for finding in cuts(findings):
        stop = taken + finding.start - at
        if not taken <= stop <= len(clean) or len(finding.text) != finding.end - finding.start:
            raise BadInput(f"{described(finding)}: was not cut from this article; pass the findings that cleaned it")
        pieces += (clean[taken:stop], finding.text)
        taken, at = stop, finding.end
    return "".join(pieces) + clean[taken:]


def cuts(findings: Iterable[Finding]) -> list[Finding]:
    """The removed findings of one article that cut less than the article, in the order of the text."""
    found = [finding for finding in findings if finding.removed and finding.grain != "article"]
    return sorted(found, key=lambda finding: (finding.start, finding.end))


def cut_whole(findings: Iterable[Finding]) -> Finding | None:
    """The finding for which the article is left out of the output, if there is one."""
    return next((finding for finding in findings if finding.removed and finding.grain == "article"), None)


def first_fault(text: str, cuts: Iterable[Finding]) -> tuple[Finding, str] | None:
    """The first of the *cuts*, in the order of the text, that cannot be made, and why."""
    end = 0
    for cut in cuts:
        if not 0 <= cut.start <= cut.end <= len(text):
            return cut, f"the article has {len(text)} characters; give the finding a span of the original text"
        if text[cut.start : cut.end] != cut.text:
            return cut, 'its "text" is not what the article holds there; give the finding the text of its span'
        if cut.start < end:
            return cut, f'overlaps the removed finding that ends at {end}; set "removed" of one of them to false'
        end = cut.end
    return None


def described(finding: Finding) -> str:
    """A finding as errors name it."""
    return f'article "{finding.article}", finding at {finding.start}-{finding.end}'


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The clean articles of a report, to be read as often as the articles can be; see `rewrite`."""

    articles: Iterable[Article | str]
    report: Report

    def __iter__(self) -> Iterator[Article]:
        findings = _by_article(self.report.findings)
        unseen = dict.fromkeys(self.report.article_ids)
        for article in _with_ids(self.articles, self.report.article_ids):
            if article.id not in unseen:
                seen = article.id in set(self.report.article_ids)
                raise BadInput(
                    f'article "{article.id}" '
                    + ("comes twice" if seen else "is not in the report")
                    + "; rewrite the articles that were scanned"
                )
            del unseen[article.id]
            own = findings.get(article.id, ())
            if not own:
                yield article
            elif cut_whole(own) is None:
                yield article.with_text(clean_text(article.text, own))
        if unseen:
            raise BadInput(
                f'article "{next(iter(unseen))}" of the report is not among the articles ({len(unseen)} missing); '
                "rewrite the articles that were scanned"
            )


@overload
def rewrite(articles: Iterable[Article | str], report: Report, *, text_field: str = "text") -> Rewritten: ...


@overload
def rewrite(articles: T, report: Report, *, text_field: str = "text") -> T: ...


def rewrite(articles: Any, report: Report, *, text_field: str = "text") -> Any:
    """The articles without what the report says is to be removed; those that are cut whole are left out.

    The result can be read again if *articles* can. A plain string takes the id that the report has at its place.

    A pyarrow Table or RecordBatchReader, a pandas or polars DataFrame or a Hugging Face Dataset gives one of its own
    kind, its rows known by their places. Of a reader that `scan` has used up pass a new one of the same rows; what
    comes back reads it bit by bit.

    Args:
        articles: what was scanned.
        report: what was found in it.
        text_field: the column of a table that holds the text.

    Raises:
        OneShotInput: *articles* is an iterator, which `scan` has used up.
        BadInput: while reading: an article is not in the report or comes twice, a finding does not fit its text, or, at
            the end, an article of the report did not come.
    """
    if frames.kind_of(articles) is not None:
        return frames.rewrite_table(articles, _judge_of_rows(report), len(report.article_ids), text_field)
    refuse_one_shot(articles)
    return Rewritten(articles, report)


def _judge_of_rows(report: Report) -> frames.Judge:
    findings = _by_article(report.findings)

    def judge(row: int, text: str) -> str | None:
        if row >= len(report.article_ids):
            count = len(report.article_ids)
            raise BadInput(f"row {row} is not in the report, which has {count}; rewrite the table that was scanned")
        own = findings.get(report.article_ids[row], ())
        if (whole := cut_whole(own)) is None:
            return clean_text(text, own) if own else text
        if whole.text != text:
            raise BadInput(f"{described(whole)}: row {row} has another text; rewrite the table that was scanned")
        return None

    return judge


def refuse_one_shot(articles: Iterable[object]) -> None:
    """Raises OneShotInput if *articles* can be read only once."""
    if iter(articles) is articles:
        raise OneShotInput(
            f"articles must be readable more than once, to judge and to rewrite them, found {type(articles).__name__}; "
            "pass a list, or what read_articles returns"
        )


def restore(articles: Iterable[Article], report: Report, dropped: Iterable[Article] = ()) -> Iterator[Article]:
    """The original articles in their order, from clean ones; the inverse of `rewrite`.

    Args:
        articles: the clean articles, in the order in which `rewrite` gave them.
        report: the report by which they were rewritten.
        dropped: originals of articles that were cut whole, in any order. One that is not among them comes back with the
            text of its finding and without fields.

    Raises:
        BadInput: the articles are not those that `rewrite` gave, or a finding does not fit.
    """
    findings = _by_article(report.findings)
    originals = {article.id: article for article in dropped}
    rest = iter(articles)
    for id in report.article_ids:
        own = findings.get(id, ())
        whole = cut_whole(own)
        if whole is not None:
            yield originals.get(id) or Article(id, whole.text)
            continue
        article = next(rest, None)
        if article is None or article.id != id:
            found = "the end" if article is None else f'"{article.id}"'
            raise BadInput(f'expected the clean article "{id}", found {found}; pass what rewrite gave for this report')
        yield article.with_text(restore_text(article.text, own)) if own else article
    if (article := next(rest, None)) is not None:
        raise BadInput(f'article "{article.id}" is not in the report, or was cut whole; pass what rewrite gave')


class CutCounts:
    """The counts of summary.json that depend on what is removed."""

    def __init__(self) -> None:
        self._cut_whole = self._changed = self._characters = 0
        self._sums: dict[tuple[str, str, str, bool], list[int]] = {}

    def add(self, findings: Sequence[Finding]) -> None:
        """Counts the findings of one article, all of them."""
        whole = cut_whole(findings) is not None
        self._cut_whole += whole
        self._changed += not whole and any(finding.removed for finding in findings)
        for finding in findings:
            length = finding.end - finding.start
            sums = self._sums.setdefault((finding.kind, finding.grain, finding.rule, finding.removed), [0, 0])
            sums[0] += 1
            sums[1] += length
            if finding.removed and (finding.grain == "article" or not whole):
                self._characters += length

    def add_all(self, kinds: Sequence[tuple[str, str, str, bool]], kind: I64, article: I64, characters: I64) -> None:
        """Counts the findings of several articles, all of each.

        Args:
            kinds: (kind, grain, rule, removed).
            kind: int64 [findings], which of those each is.
            article: int64 [findings], the article of each, from 0.
            characters: int64 [findings].
        """
        removed = np.array([of[3] for of in kinds], bool)[kind]
        whole = removed & np.array([of[1] == "article" for of in kinds], bool)[kind]
        articles = int(article.max(initial=-1)) + 1
        is_whole = np.bincount(article[whole], minlength=articles) > 0
        self._cut_whole += int(is_whole.sum())
        self._changed += int(((np.bincount(article[removed], minlength=articles) > 0) & ~is_whole).sum())
        self._characters += int(characters[whole | (removed & ~is_whole[article])].sum())
        counts = np.bincount(kind, minlength=len(kinds))
        lengths = np.zeros(len(kinds), np.int64)
        np.add.at(lengths, kind, characters)
        for number in np.flatnonzero(counts).tolist():
            sums = self._sums.setdefault(kinds[number], [0, 0])
            sums[0] += int(counts[number])
            sums[1] += int(lengths[number])

    def add_counts(self, others: CutCounts) -> None:
        """Adds those of other articles."""
        self._cut_whole += others._cut_whole
        self._changed += others._changed
        self._characters += others._characters
        for kind, (count, length) in others._sums.items():
            sums = self._sums.setdefault(kind, [0, 0])
            sums[0] += count
            sums[1] += length

    def to_dict(self, characters: int) -> dict[str, Any]:
        """For a corpus of so many characters."""
        return {
            "articles_cut": self._cut_whole,
            "articles_changed": self._changed,
            "characters_out": characters - self._characters,
            "findings": [
                {
                    "kind": kind,
                    "grain": grain,
                    "rule": rule,
                    "removed": removed,
                    "findings": count,
                    "characters": length,
                }
                for (kind, grain, rule, removed), (count, length) in sorted(self._sums.items())
            ],
        }


def _by_article(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    by_article: dict[str, list[Finding]] = {}
    for finding in findings:
        by_article.setdefault(finding.article, []).append(finding)
    return by_article


def _with_ids(articles: Iterable[Article | str], ids: Sequence[str]) -> Iterator[Article]:
    for number, article in enumerate(articles):
        if not isinstance(article, str):
            yield article
        elif number < len(ids):
            yield Article(ids[number], article)
        else:
            raise BadInput(
                f"article number {number + 1} is not in the report, which has {len(ids)}; rewrite the articles that "
                "were scanned"
            )


def line_stops(text: str) -> Iterator[int]:
    """Where lines stop, line ends included."""
    for end in _LINE_ENDS.finditer(text):
        yield end.end()
    yield len(text)
