"""Page furniture and scraper debris, by wording and shape in a single article.

Everything here is judged by lines, whatever a passage is. `look` sees one article; what it masks is left out of every
comparison.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.fold_table import load
from dedup.kernel.fold_reference import HAN, INVISIBLE, TONE
from dedup.kernel.reference import I64, U32, offsets_of
from dedup.model import Grain, Kind
from dedup.rules import Matcher, is_markup, matcher, reading_codes
from dedup.settings import Settings
from dedup.text import line_spans

Mask = NDArray[np.bool_]

LEAD_IN, SENTENCE = 1, 2
"""What a line ends with: a colon, or what ends a sentence."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A span of an article that a rule names; code points, end exclusive, with the line end where it takes lines."""

    start: int
    end: int
    kind: Kind
    grain: Grain
    rule: str
    removed: bool
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """What one article shows by itself. Arrays are [lines], of the lines that are not blank.

    Attributes:
        starts: int64, where each line starts.
        masked: bool, lines that a rule or the markup rule names without doubt. What is doubtful may be content, and
            content is compared: unmasked it costs at most a match, masked it would make two articles seem alike.
        shape: uint8, LEAD_IN or SENTENCE.
        marks: what was found, by start.
    """

    starts: I64
    masked: Mask
    shape: NDArray[np.uint8]
    marks: tuple[Mark, ...]


def look(text: str, codes: U32, settings: Settings) -> Look:
    """What wording, shape and debris say about a single article.

    Args:
        text: the text of an article.
        codes: its code points.
        settings: boilerplate, keep_rules, rules and strip.
    """
    starts, content_ends, ends, blank = line_spans(codes)
    starts, content_ends, ends = starts[~blank], content_ends[~blank], ends[~blank]
    toned = bool((load().flags[codes] & TONE).any())
    annotated = kernel.annotations(codes, load()) if toned else []
    lines = _readings(codes, annotated, starts, content_ends)
    markup = markup_lines(text, starts.tolist(), content_ends.tolist())
    masked, marks = judge_lines(lines, markup, range(len(lines)), starts.tolist(), ends.tolist(), settings)
    marks += debris(text, codes, annotated, starts, ends, settings)
    return Look(starts, masked, _shapes(lines), in_order(marks))


def in_order(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Marks by start."""
    return tuple(sorted(marks, key=lambda mark: (mark.start, mark.end)))


def judge_lines(
    lines: Sequence[str],
    markup: Iterable[int],
    suspects: Container[int],
    starts: list[int],
    ends: list[int],
    settings: Settings,
) -> tuple[Mask, list[Mark]]:
    """Which lines of an article are masked, bool [lines], and the marks of lines.

    Args:
        lines: all that are not blank, as rules see them.
        markup: the numbers of those that `markup_lines` names.
        suspects: the numbers of all that a rule may match, and of any others.
        starts, ends: where they start and end.
        settings: as for `look`.
    """
    verdicts: list[Verdict | None] = [None] * len(lines)
    for line in markup:
        verdicts[line] = Verdict("markup")
    if settings.boilerplate != "off":
        _judge(lines, verdicts, suspects, settings)
    masked = np.array([verdict is not None and not verdict.doubt for verdict in verdicts], bool)
    return masked, list(_line_marks(verdicts, starts, ends, settings))


def _readings(codes: U32, annotated: Sequence[tuple[int, int]], starts: I64, ends: I64) -> list[str]:
    """The lines as rules see them."""
    read = reading_codes(codes)
    for start, end in annotated:
        read[start:end] = 0
    seen = read > 0
    whole = read[seen].astype("<u4", copy=False).tobytes().decode("utf-32-le")
    at = offsets_of(seen)
    bounds = zip(at[starts].tolist(), at[ends].tolist(), strict=True)
    return [" ".join(whole[start:end].split()) for start, end in bounds]


def _shapes(lines: Iterable[str]) -> NDArray[np.uint8]:
    ends = (line.rstrip("\"')]")[-1:] for line in lines)
    shapes = [LEAD_IN if end == ":" else SENTENCE if end in "。!?.…;" and end else 0 for end in ends]
    return np.array(shapes, np.uint8)


# ------------------------------------------------------------------------------------------------ rules of one article


@dataclass(frozen=True, slots=True)
class Verdict:
    """What names a line, and why it stays all the same: "" where it goes."""

    rule: str
    doubt: str = ""


AMID = "amid running text"
SENTENCE_AMID = "reads like a sentence amid running text"
ALONE = "its words alone, beside no line that is surely furniture"
FIELD = "a field among fields that no rule knows"
LABEL = "its label comes again with another value"
DATES = "its dates alone make it no teaser"
DATE_LINES = "other lines are dates as well"
HEADING = "under a heading that is doubtful"
LIST = "a list that does not read like headlines"
FARM = "its separators alone make it no link farm"
ALL = "nothing else would be left of the article"

Verdicts = list[Verdict | None]

_DATE = r"(?:\d{4}[-/.年] ?\d{1,2}[-/.月] ?\d{1,2}日?(?: ?\d{1,2}:\d{2}(?::\d{2})?)?)"
_DATE_ONLY = re.compile(rf"[\[( ]*{_DATE}[\]) ]*")
_DATE_FIRST = re.compile(rf"[\[( ]*({_DATE})[\]) ]*")
_DATE_LAST = re.compile(rf".*[^\d][\[( ]*({_DATE})[\]) ]*", re.DOTALL)
_TEASER = 80  # most characters of a teaser that has no date
_BODY = 40  # least characters of a line of running text
_SENTENCE = 12  # least characters of a sentence
_ENDS = 3  # lines at both ends that are an article's edges where it has no running text


def _judge(lines: Sequence[str], verdicts: Verdicts, suspects: Container[int], settings: Settings) -> None:
    """Names the lines (as rules see them) that rules know, with a doubt where what a rule needs is not there.

    Wording that only furniture has is enough by itself. Weaker wording needs an edge of the article (no running text
    on one side of the line), the weakest also company: a line next to it that is surely furniture.
    """
    rules, keep = matcher(settings.rules, settings.keep_rules), settings.keep_rules
    found = [
        rules.first(text) if verdicts[line] is None and line in suspects else -1 for line, text in enumerate(lines)
    ]
    needs = [rules.needs[rule] if rule >= 0 else "" for rule in found]
    for line, rule in enumerate(found):
        if rule >= 0:
            verdicts[line] = Verdict(rules.names[rule])
    if "metadata" not in keep:
        _name_dates(lines, verdicts)
    if "link-farm" not in keep:
        _name_farms(lines, verdicts, needs, rules)
    if not any(verdicts):  # as in most articles
        if "related" not in keep:
            _name_dated_tail(lines, verdicts)
        return
    blocks = _teasers(lines, verdicts) if "related" not in keep else []
    edge = _edges(lines, verdicts, blocks)
    scraped, menus = (_has(lines, verdicts, needs, least) for least in (_SCRAPED, _MENUS))
    _doubt_places(verdicts, needs, edge, scraped)
    _doubt_fields(lines, verdicts, needs, edge)
    _name_teasers(lines, verdicts, needs, edge, blocks)
    if "related" not in keep:
        _name_dated_tail(lines, verdicts)
    _keep_company(lines, verdicts, needs, edge)
    if "navigation" not in keep:
        _name_menus(lines, verdicts, needs, found, menus)
    _doubt_sentences(lines, verdicts, found, len(settings.rules))
    if not any(verdict is None or verdict.doubt for verdict in verdicts):
        for line, verdict in enumerate(verdicts):
            if verdict is not None and verdict.rule != "markup":
                verdicts[line] = Verdict(verdict.rule, ALL)


def _is_running(line: str) -> bool:
    """Whether a line reads like a sentence: it ends like one, or goes on for a while behind a comma."""
    if line.rstrip("\"')]")[-1:] in ("。", "!", "?", ".", ";", "…"):
        return len(line) >= _SENTENCE
    return len(line) >= _BODY and ("," in line or "、" in line)


def _edges(lines: Sequence[str], verdicts: Verdicts, blocks: Sequence[range]) -> list[bool]:
    """Whether each line stands at an edge of the article: no running text that no rule names before, or behind it."""
    teasers = {line for block in blocks for line in block[1:]}
    body = _outermost(lines, [verdict is None and line not in teasers for line, verdict in enumerate(verdicts)])
    if body is None:
        return [line < _ENDS or line >= len(lines) - _ENDS for line in range(len(lines))]
    return [line < body[0] or line > body[1] for line in range(len(lines))]


def _outermost(lines: Sequence[str], own: Sequence[bool]) -> tuple[int, int] | None:
    """The first and the last of an article's *own* lines that reads like a sentence; None where none does."""
    count = range(len(lines))
    first = next((line for line in count if own[line] and _is_running(lines[line])), None)
    if first is None:
        return None
    return first, next(line for line in reversed(count) if own[line] and _is_running(lines[line]))


def _sure(verdict: Verdict | None) -> bool:
    """Whether a line is furniture without doubt; markup may stand anywhere and says nothing of its neighbours."""
    return verdict is not None and not verdict.doubt and verdict.rule != "markup"


_PAGE_RULES = ("share", "subscribe", "related", "navigation")
_PAGE_LINES = 40  # least lines of a page with its menus, forms and links
# least different lines of wording that no article has, or some of it and so many in all that may be buttons and labels
_SCRAPED = ((5, 5), (2, 10))
_MENUS = ((2, 2), (1, 4))


def _has(lines: Sequence[str], verdicts: Verdicts, needs: Sequence[str], least: Iterable[tuple[int, int]]) -> bool:
    """Whether a text shows by its buttons and labels that it is a page as it was scraped, and no article cut out."""
    if len(lines) < _PAGE_LINES:
        return False
    rows = zip(lines, verdicts, needs, strict=True)
    page = {line: need != "company" for line, of, need in rows if of and of.rule in _PAGE_RULES}
    return any(sum(page.values()) >= strong and len(page) >= total for strong, total in least)


def _doubt_places(verdicts: Verdicts, needs: Sequence[str], edge: Sequence[bool], raw: bool) -> None:
    """Doubts what needs an edge and has none, and whatever needs company until it is found.

    In a *raw* page the buttons and labels of a page need neither: there are so many that one more is none of the text.
    """
    for line, verdict in enumerate(verdicts):
        if verdict is not None and needs[line] and not (raw and verdict.rule in _PAGE_RULES):
            doubt = AMID if not edge[line] else ALONE if needs[line] == "company" else verdict.doubt
            verdicts[line] = Verdict(verdict.rule, doubt)


_LABELLED = re.compile(r"([^\W\d][^:。,!?;|]{0,11}):(?!//)")


def _doubt_fields(lines: Sequence[str], verdicts: Verdicts, needs: Sequence[str], edge: Sequence[bool]) -> None:
    """Doubts labelled lines of weak wording, and credits amid text, that are fields of a form or a dialogue.

    "来源:" among "年代:" and "名称:" is a field of the record; "编辑:" that comes again with other words is a speaker.
    """
    if not any(_is_weak(verdict, need, at_edge) for verdict, need, at_edge in zip(verdicts, needs, edge, strict=True)):
        return
    labels = [found.group(1).strip() if (found := _LABELLED.match(line)) else "" for line in lines]
    values: dict[str, set[str]] = {}
    for label, text in zip(labels, lines, strict=True):
        values.setdefault(label, set()).add(text)
    bounds = [line for line in range(len(lines) + 1) if line == len(lines) or not labels[line]]
    for start, stop in pairwise([-1, *bounds]):
        run = range(start + 1, stop)
        unknown = any(verdicts[line] is None for line in run)
        for line in run:
            verdict = verdicts[line]
            weak = _is_weak(verdict, needs[line], edge[line])
            if verdict is not None and weak and (unknown or len(values[labels[line]]) > 1):
                verdicts[line] = Verdict(verdict.rule, FIELD if unknown else LABEL)


def _is_weak(verdict: Verdict | None, need: str, edge: bool) -> bool:
    return verdict is not None and (need != "" or (verdict.rule == "credit" and not edge))


def _keep_company(lines: Sequence[str], verdicts: Verdicts, needs: Sequence[str], edge: Sequence[bool]) -> None:
    """Clears the doubt of lines that stand in a row of named lines with one that is sure.

    A single word ("Home") needs a line of its own kind: behind the date it may be the first word of a poem.
    """
    if not any(verdict is not None and verdict.doubt for verdict in verdicts):
        return
    run: list[int] = []
    for line in range(len(verdicts) + 1):
        verdict = verdicts[line] if line < len(verdicts) else None
        if verdict is not None and (edge[line] or verdict.rule == "markup") and verdict.doubt in ("", ALONE, FARM):
            run.append(line)
            continue
        company = {_of_article(verdicts[one]) for one in run if _sure(verdicts[one])}
        for one in run if company else ():
            named = verdicts[one]
            if named is None or not named.doubt or needs[one] == "heading":
                continue
            if _of_article(named) in company or not lines[one].isalnum():
                verdicts[one] = Verdict(named.rule)
        run = []


def _of_article(verdict: Verdict | None) -> bool:
    """Whether a rule names lines that belong to the article, such as its date, rather than to the page around it."""
    return verdict is not None and verdict.rule in ("credit", "metadata")


def _name_dates(lines: Sequence[str], verdicts: Verdicts) -> None:
    """A date alone under the title is the day of publication, unless the article is divided by dates, as a diary."""
    if not any(len(text) < 24 and _DATE_ONLY.fullmatch(text) for text in lines[1:4]):
        return
    dates = [line for line, text in enumerate(lines) if len(text) < 24 and _DATE_ONLY.fullmatch(text)]
    for line in dates:
        if 1 <= line < min(4, len(lines) - 1) and verdicts[line] is None:
            verdicts[line] = Verdict("metadata", DATE_LINES if len(dates) > 1 else "")


def is_link_farm(line: str) -> bool:
    """Whether a line (as rules see it) is many short segments between separators, and no sentence.

    >>> is_link_farm("永年县| 论坛| 壤塘县| 乐陵市| 彰武县| 龙岩市| 宣恩县| 柳林县|")
    True
    >>> is_link_farm("|2016|2017|2018|2019|2020|2021|2022|2023|")
    False
    """
    if line.count("|") < 5 or "。" in line:
        return False
    segments = _segments(line)
    figures = sum(any(map(str.isdecimal, segment)) for segment in segments)
    least = 4 if line.startswith(_LINKS) else 8
    return len(segments) >= least and sum(map(len, segments)) <= 16 * len(segments) and 2 * figures < len(segments)


_LINKS = ("友情链接", "链接:", "合作媒体", "links")


def _segments(line: str) -> list[str]:
    return [segment for segment in (part.strip() for part in line.split("|")) if segment]


def _name_farms(lines: Sequence[str], verdicts: Verdicts, needs: list[str], rules: Matcher) -> None:
    """Link farms that are no rows of a table; sure are those with a label or a menu's words among the segments."""
    bars = [line.count("|") for line in lines]
    if max(bars, default=0) < 5:
        return
    for line, text in enumerate(lines):
        if verdicts[line] is None and bars[line] >= 5 and is_link_farm(text):
            if bars[line] in (*bars[max(line - 1, 0) : line], *bars[line + 1 : line + 2]):
                continue
            labelled = text.startswith(_LINKS) or any(rules.first(segment) >= 0 for segment in _segments(text))
            verdicts[line] = Verdict("link-farm")
            needs[line] = "edge" if labelled else "company"


# -------------------------------------------------------------------------------------------------------------- teasers


def _teasers(lines: Sequence[str], verdicts: Verdicts) -> list[range]:
    """The headings over other stories, each with the lines under it that may be their teasers."""
    if not any(verdict is not None and verdict.rule == "related" for verdict in verdicts):
        return []
    count, blocks = len(lines), []
    body = max((line for line in range(count) if verdicts[line] is None and _is_body(lines[line])), default=-1)
    for heading in range(count):
        verdict = verdicts[heading]
        if verdict is None or verdict.rule != "related":
            continue
        line = heading + 1
        while line < count and _may_follow(verdicts[line]) and _is_teaser(lines[line], dated=heading < body):
            line += 1
        blocks.append(range(heading, line))
    return blocks


def _may_follow(verdict: Verdict | None) -> bool:
    return verdict is None or verdict.rule == "markup"


def _is_body(line: str) -> bool:
    return len(line) >= _BODY and line.rstrip("\"')]")[-1:] in "。!?." and not _is_teaser(line, dated=True)


def _is_teaser(line: str, dated: bool) -> bool:
    """Whether a line under a heading may be a teaser; *dated*: only if it has a date."""
    if _DATE_FIRST.match(line) or (len(line) <= 2 * _TEASER and _DATE_LAST.fullmatch(line)):
        return True
    return not dated and (line.endswith(("…", "...")) or (len(line) <= _TEASER and line[-1:] not in "。!?.:;,"))


def _name_teasers(
    lines: Sequence[str], verdicts: Verdicts, needs: list[str], edge: Sequence[bool], blocks: Sequence[range]
) -> None:
    """Names what stands under headings: sure where the heading is and the lines read like headlines.

    A heading of weak wording is sure behind a line that is surely furniture (the article is over), or over a listing:
    lines with dates of which the newest does not come last, or cut off with an ellipsis. A heading over something else
    is one of the article's own.
    """
    for block in blocks:
        heading, under = block[0], [line for line in block[1:] if verdicts[line] is None]
        verdict = verdicts[heading]
        if verdict is None:
            continue
        before = heading - 1
        while before >= 0 and (named := verdicts[before]) is not None and named.rule == "markup":
            before -= 1
        texts = [lines[line] for line in under]
        over = edge[heading] and before >= 0 and _sure(verdicts[before])
        if verdict.doubt == ALONE and (over or _is_listing(texts)):
            verdict = Verdict(verdict.rule)
        over_own = not texts and heading + 1 < len(verdicts) and verdicts[heading + 1] is None
        if not verdict.doubt and (over_own or (texts and not _are_headlines(texts))):
            verdict = Verdict(verdict.rule, LIST)
        verdicts[heading] = verdict
        if verdict.doubt:
            needs[heading] = "heading"
        for line in under:
            verdicts[line] = Verdict("related", HEADING if verdict.doubt else "")


def _is_listing(texts: Sequence[str]) -> bool:
    if len(texts) < 2:
        return False
    if all(text.endswith(("…", "...")) for text in texts):
        return True
    dates = [_date_of(text) for text in texts]
    return all(dates) and _newest_is_not_last(dates)


def _date_of(text: str) -> str:
    """The date with which a line begins or ends, so that dates compare; "" where there is none."""
    found = _DATE_FIRST.match(text) or (len(text) <= 2 * _TEASER and _DATE_LAST.fullmatch(text))
    return "".join(number.zfill(2) for number in re.findall(r"\d+", found.group(1))[:3]) if found else ""


def _newest_is_not_last(dates: Sequence[str]) -> bool:
    """Whether dates are those of a listing, newest first or in no order: a chronicle, a schedule go forward."""
    return dates[-1] <= max(dates[:-1]) and any(one > other for one, other in pairwise(dates))


_TITLED = re.compile(r"\[[^\]]*\](?: ?[^\W\d]| *\(|$)")
_SPEAKER = re.compile(r"[^:]{1,5}:")
_HEADLINE = 10  # least columns of a headline, on the average


def _are_headlines(texts: Sequence[str]) -> bool:
    """Whether lines read like headlines: not like a list of books, a dialogue or a list of words."""
    odd = sum(bool(_TITLED.match(text) or _SPEAKER.match(text)) and not _date_of(text) for text in texts)
    columns = sum(2 if ord(sign) > 0x2E7F else 1 for text in texts for sign in text)
    return 2 * odd < len(texts) and columns >= _HEADLINE * len(texts)


def _name_dated_tail(lines: Sequence[str], verdicts: Verdicts) -> None:
    """Names a tail of lines with dates, as scraped from a list of other stories.

    Sure where each date ends the teaser before it: the last line is nothing but a date, two or more lines before it
    begin with a date that no space parts from the text behind it, and the newest date is not the last. The line before
    the first of them is a teaser too. Lines that merely begin or end with dates may be a chronicle, a schedule, a list
    of laws: that is content, and they are doubtful.
    """
    last = len(lines) - 1
    while last >= 0 and verdicts[last] is not None:
        last -= 1
    first = last
    if first >= 3 and _DATE_ONLY.fullmatch(lines[last]):
        while first > 1 and _DATE_FIRST.match(lines[first - 1]):
            first -= 1
        tail = range(first, last + 1)
        if last - first >= 2:
            glued = all(
                lines[line][found.end() - 1].strip() and found.end() < len(lines[line])
                for line in tail[:-1]
                if (found := _DATE_FIRST.match(lines[line]))
            )
            sure = glued and _newest_is_not_last([_date_of(lines[line]) for line in tail])
            _name_run(verdicts, range(first - 1, last + 1), "" if sure else DATES)
            return
    while first >= 1 and len(lines[first]) <= _TEASER and _DATE_LAST.fullmatch(lines[first]):
        first -= 1
    if last - first >= 3:
        over = _sure(verdicts[first]) and _is_listing([lines[line] for line in range(first + 1, last + 1)])
        _name_run(verdicts, range(first + 1, last + 1), "" if over else DATES)


def _name_run(verdicts: Verdicts, run: Iterable[int], doubt: str) -> None:
    for line in run:
        verdicts[line] = verdicts[line] or Verdict("related", doubt)


# ---------------------------------------------------------------------------------------------------------------- menus

_MENU_RULES = ("share", "copyright", "subscribe", "related", "link-farm", "navigation")
_MENU_ANCHORS = 3  # least lines that these rules name in a menu
# What a line says for a menu: named by a rule, a label, a short line, anything else, running text. Sizes in UTF-8
# bytes, so that a Han character weighs three Latin ones. Tuned on labelled pages: `python -m benchmarks.boilerplate`.
_LABEL, _SHORT, _TEXT = 36, 80, 80
_FOR_ANCHOR, _FOR_LABEL, _FOR_SHORT, _FOR_OTHER, _FOR_TEXT = 8, 1, -1, -8, -80


def _name_menus(
    lines: Sequence[str], verdicts: Verdicts, needs: Sequence[str], found: Sequence[int], raw: bool
) -> None:
    """Names the menu at the head and the footer at the tail of a page: labels among lines that rules know.

    A menu runs from the first line to one that a rule names by its words, a footer from one to the last line; of all
    such runs the one that says most for it is taken, if at least three of its lines are named and one of them surely.
    It has no running text in it but in a *raw* page, whose banners are.
    What is doubtful by itself is sure in a menu. The first line, often the title, stays unless it is named itself.
    """
    anchors = [
        verdict is not None
        and verdict.rule in _MENU_RULES
        and (rule >= 0 or verdict.rule == "link-farm" or (raw and not verdict.doubt))
        and verdict.doubt in ("", ALONE, AMID)
        for verdict, rule in zip(verdicts, found, strict=True)
    ]
    if sum(anchors) < _MENU_ANCHORS:
        return
    known = _MENU_RULES if raw else ("subscribe", "navigation")
    sure = [
        anchor and need != "company" and verdict is not None and verdict.rule in known
        for anchor, need, verdict in zip(anchors, needs, verdicts, strict=True)
    ]
    weights = [_weight(line, verdict, anchor) for line, verdict, anchor in zip(lines, verdicts, anchors, strict=True)]
    if not raw:
        for line, text in enumerate(lines):
            if verdicts[line] is None and _is_running(text):
                weights[line] = -_FOR_ANCHOR * len(lines)  # the article begins
    menu = _best_run(weights, anchors, sure)
    footer = _best_run(weights[::-1], anchors[::-1], sure[::-1])
    for line in (*range(1, menu), *range(len(lines) - footer, len(lines))):
        verdict = verdicts[line]
        if verdict is None or verdict.doubt:
            verdicts[line] = Verdict(verdict.rule if verdict else "navigation")


def _weight(line: str, verdict: Verdict | None, anchor: bool) -> int:
    size, stopped = len(line.encode()), line.rstrip("\"')]")[-1:] in "。!?.:;,"
    if verdict is not None and (anchor or not verdict.doubt):
        return _FOR_ANCHOR if anchor else 0
    if stopped:
        return _FOR_TEXT if size >= _TEXT else _FOR_OTHER
    return _FOR_LABEL if size <= _LABEL else _FOR_SHORT if size <= _SHORT else _FOR_OTHER


def _best_run(weights: Sequence[int], anchors: Sequence[bool], sure: Sequence[bool]) -> int:
    """How many lines from the first make the best run that ends with an anchor; 0 where there is none."""
    best, length, total, found, certain = 2 * _FOR_ANCHOR - 1, 0, 0, 0, 0
    for line, (weight, anchor) in enumerate(zip(weights, anchors, strict=True)):
        total += weight
        found += anchor
        certain += sure[line]
        if anchor and found >= _MENU_ANCHORS and certain and total > best:
            best, length = total, line + 1
    return length


def _doubt_sentences(lines: Sequence[str], verdicts: Verdicts, found: Sequence[int], own: int) -> None:
    """Doubts lines that read like sentences and have running text on both sides, whatever their words.

    A user's *own* rules, the first so many, are obeyed.
    """
    doubted = [
        (line, verdict.rule)
        for line, verdict in enumerate(verdicts)
        if verdict is not None and _sure(verdict) and verdict.rule != "link-farm" and not 0 <= found[line] < own
        if _is_running(lines[line])
    ]
    if not doubted or (body := _outermost(lines, [verdict is None for verdict in verdicts])) is None:
        return
    for line, rule in doubted:
        if body[0] < line < body[1]:
            verdicts[line] = Verdict(rule, SENTENCE_AMID)


def _line_marks(
    verdicts: Sequence[Verdict | None], starts: list[int], ends: list[int], settings: Settings
) -> Iterator[Mark]:
    """Lines in a row with one verdict are one mark."""
    count = len(verdicts)
    edges = [line for line in range(count + 1) if line in (0, count) or verdicts[line] != verdicts[line - 1]]
    for first, stop in pairwise(edges):
        verdict = verdicts[first]
        if verdict is None:
            continue
        kind: Kind = "debris" if verdict.rule == "markup" else "boilerplate"
        removed = "markup" in settings.strip if verdict.rule == "markup" else settings.boilerplate == "remove"
        evidence: dict[str, Any] = {"lines": stop - first} if stop - first > 1 else {}
        if kind == "boilerplate":
            evidence["position"] = position(first, stop, count)
        if verdict.doubt:
            evidence["doubt"] = verdict.doubt
        grain: Grain = "block" if stop - first > 1 else "passage"
        yield Mark(starts[first], ends[stop - 1], kind, grain, verdict.rule, removed and not verdict.doubt, evidence)


EDGE_LINES = 5
"""Fewer lines than these stand before or behind what stands at the head or tail."""


def position(first: int, stop: int, count: int) -> str:
    """Where lines *first* ... *stop* - 1 of *count* stand: at the "head", the "tail", or in the "body"."""
    if first < min(EDGE_LINES, count - stop):
        return "head"
    return "tail" if count - stop < EDGE_LINES else "body"


# --------------------------------------------------------------------------------------------------------------- debris

# UTF-8 read as Latin-1 or Windows-1252, and as GBK; a character and a half that became a question mark. Every match is
# of bounded length, so that the search is linear.
_DOUBLE = (
    "[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u20ac[\u0080-\u00bf\u0153\u2018-\u2122]|\u00ef\u00bb\u00bf"
    "|锟斤拷|烫烫烫|屯屯屯"
)
_BROKEN = re.compile(
    rf"\ufffd|{_DOUBLE}|[\u4e00-\u9fff][a-zA-Z]?\?[\u4e00-\u9fffa-zA-Z]|[a-zA-Z]\?[a-z]{{2}}(?!\w{{0,30}}=)"
)
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s\u4e00-\u9fff]+")


def markup_lines(text: str, starts: list[int], ends: list[int]) -> list[int]:
    """The lines that are only tags or entities."""
    if "<" not in text and "&" not in text and "]]>" not in text:
        return []
    found = []
    for line, (start, end) in enumerate(zip(starts, ends, strict=True)):
        content = text[start:end].strip()
        if content[:1] in ("<", "&", "]") and is_markup(content):
            found.append(line)
    return found


def debris(
    text: str, codes: U32, annotated: Sequence[tuple[int, int]], starts: I64, ends: I64, settings: Settings
) -> Iterator[Mark]:
    """Annotations and control characters, span by span where they are stripped, else by lines; mojibake by lines."""
    for rule, spans in (("annotation", annotated), ("control", _controls(codes))):
        if rule in settings.strip:
            yield from (Mark(start, end, "debris", "span", rule, True) for start, end in spans)
        else:
            yield from _by_line(rule, spans, starts, ends)
    yield from _by_line("mojibake", _mojibake(text, annotated), starts, ends)


def _by_line(rule: str, spans: Sequence[tuple[int, int]], starts: I64, ends: I64) -> Iterator[Mark]:
    """One mark a line that is not blank, from the first span in it to the last, with their number."""
    lines: dict[int, list[tuple[int, int]]] = {}
    for span in spans:
        line = int(np.searchsorted(starts, span[0], side="right")) - 1
        if line >= 0 and span[0] < ends[line]:
            lines.setdefault(line, []).append(span)
    for found in lines.values():
        yield Mark(found[0][0], found[-1][1], "debris", "span", rule, False, {"count": len(found)})


_JOINERS = (0x200C, 0x200D)


def _controls(codes: U32) -> list[tuple[int, int]]:
    """Runs of characters that control nothing in an article.

    C0 and C1 but white space and line ends, the zero-width space, the word joiner, U+FEFF, and the joiners beside Han.
    Joiners elsewhere and direction marks are spelling in other scripts and in emoji.
    """
    suspects = np.flatnonzero(
        (codes < 0x20) | ((codes >= 0x7F) & (codes < 0xA0)) | ((load().flags[codes] & INVISIBLE) > 0)
    )
    if not len(suspects):
        return []
    found = []
    for at in suspects.tolist():
        code = int(codes[at])
        control = (code < 0x20 and code not in range(0x09, 0x0E)) or (0x7F <= code < 0xA0 and code != 0x85)
        if control or code in (0x200B, 0x2060, 0xFEFF) or (code in _JOINERS and _beside_han(codes, at)):
            found.append(at)
    spans: list[tuple[int, int]] = []
    for at in found:
        if spans and spans[-1][1] == at:
            spans[-1] = spans[-1][0], at + 1
        else:
            spans.append((at, at + 1))
    return spans


def _beside_han(codes: U32, at: int) -> bool:
    return bool((load().flags[codes[max(at - 1, 0) : at + 2]] & HAN).any())


def _mojibake(text: str, annotated: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What looks like lost or twice decoded characters, outside of web addresses and annotations."""
    if not any(sign in text for sign in "?\ufffdÂÃâï锟烫屯"):
        return []
    own = sorted([*(found.span() for found in _ADDRESS.finditer(text)), *annotated])
    starts = [start for start, _ in own]
    spans = [found.span() for found in _BROKEN.finditer(text)]
    # only the last that begins before the end of a span can reach into it: they do not overlap
    before = (bisect_left(starts, end) - 1 for _, end in spans)
    return [span for span, one in zip(spans, before, strict=True) if one < 0 or own[one][1] <= span[0]]
