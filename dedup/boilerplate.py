"""Page furniture and scraper debris, by wording and shape in a single article.

Everything here is judged by lines, whatever a passage is. `look` sees one article; what it masks is left out of every
comparison.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise, takewhile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.fold_table import flagged, load
from dedup.kernel.fold_reference import HAN, INVISIBLE, TONE
from dedup.kernel.reference import I64, U32, offsets_of
from dedup.model import Grain, Kind
from dedup.rules import Matcher, is_markup, matcher, reading_codes
from dedup.settings import Settings
from dedup.text import line_spans

Mask = NDArray[np.bool_]

LEAD_IN, SENTENCE = 1, 2
"""What a line ends with: a colon, or what ends a sentence."""
BODY_CHARS = 40  # least characters of a line of running text
SENTENCE_CHARS = 12  # least characters of a sentence


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


class Look(NamedTuple):
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
    signs = debris_signs(codes, np.flatnonzero(debris_kinds()[codes]))
    annotated = kernel.annotations(codes, load()) if len(signs.toned) else []
    lines = _lines(_readings(codes, annotated, starts, content_ends))
    masked = np.zeros(len(starts), bool)
    markup = markup_lines(text, starts.tolist(), content_ends.tolist())
    rules = matcher(settings.rules, settings.keep_rules)
    found = {line: rules.first(read) for line, read in enumerate(lines.texts)}
    furniture, marks = judge_lines(lines, markup, found, starts, ends, settings)
    masked[furniture] = True
    marks += debris(text, codes, signs, annotated, starts, ends, settings)
    return Look(starts, masked, shapes()[lines.lasts], in_order(marks))


def in_order(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Marks by start."""
    return tuple(sorted(marks, key=lambda mark: (mark.start, mark.end)))


class Lines(NamedTuple):
    """The lines of an article that are not blank, as rules see them. Arrays are [lines].

    Attributes:
        texts: what is read of each.
        sizes: int64, bytes of that in UTF-8.
        lasts: uint32, its last character but quotes and brackets that close it, 0 for none.
        running: bool, whether it reads like a sentence: it ends like one, or goes on for a while behind a comma.
    """

    texts: Sequence[str]
    sizes: I64
    lasts: U32
    running: Mask


def judge_lines(
    lines: Lines, markup: Iterable[int], matched: Mapping[int, int], starts: I64, ends: I64, settings: Settings
) -> tuple[list[int], list[Mark]]:
    """The numbers of the lines of an article that are masked, rising, and the marks of lines.

    Args:
        lines: all that are not blank.
        markup: the numbers of those that `markup_lines` names.
        matched: the numbers of all `rules.suspect_lines`, and of any others, with the first rule that matches each,
            -1 for none.
        starts, ends: int64 [lines], where they start and end.
        settings: as for `look`.
    """
    verdicts = dict.fromkeys(markup, Verdict("markup"))
    if settings.boilerplate != "off":
        _judge(lines, verdicts, matched, settings)
    masked = sorted(line for line, verdict in verdicts.items() if not verdict.doubt)
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


def _lines(texts: Sequence[str]) -> Lines:
    lasts = [line.rstrip("\"')]")[-1:] for line in texts]
    return Lines(
        texts,
        np.array([len(line.encode()) for line in texts], np.int64),
        np.array([ord(last or "\0") for last in lasts], np.uint32),
        np.array([_is_running(line, last) for line, last in zip(texts, lasts, strict=True)], bool),
    )


def _is_running(line: str, last: str) -> bool:
    if last in tuple("。!?.…;"):
        return len(line) >= SENTENCE_CHARS
    return len(line) >= BODY_CHARS and ("," in line or "、" in line)


def running(shape: NDArray[np.uint8], chars: I64, comma: Mask) -> Mask:
    """Which lines do, see `Lines`, by their shapes, how many characters they have and whether a comma is among them."""
    ends: Mask = shape == SENTENCE
    return (ends & (chars >= SENTENCE_CHARS)) | (~ends & comma & (chars >= BODY_CHARS))


@lru_cache(maxsize=1)
def shapes() -> NDArray[np.uint8]:
    """LEAD_IN or SENTENCE by the last character of a line: uint8 [0x110000]."""
    table = np.zeros(0x110000, np.uint8)
    table[ord(":")] = LEAD_IN
    table[list(map(ord, "。!?.…;"))] = SENTENCE
    return table


# ------------------------------------------------------------------------------------------------ rules of one article


class Verdict(NamedTuple):
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

Verdicts = dict[int, Verdict]
"""Line -> what names it; only named lines, in any order."""
Needs = dict[int, str]
"""Line -> what must be seen beside its wording (see `dedup.rules.Rule`); only named lines that need anything."""
Edge = Callable[[int], bool]
"""Whether a line stands at an edge of the article: no running text that no rule names before, or behind it."""

_DATE = r"(?:\d{4}[-/.年] ?\d{1,2}[-/.月] ?\d{1,2}日?(?: ?\d{1,2}:\d{2}(?::\d{2})?)?)"
_DATE_ONLY = re.compile(rf"[\[( ]*{_DATE}[\]) ]*")
_DATE_FIRST = re.compile(rf"[\[( ]*({_DATE})[\]) ]*")
_DATE_LAST = re.compile(rf".*[^\d][\[( ]*({_DATE})[\]) ]*", re.DOTALL)
_TEASER = 80  # most characters of a teaser that has no date
_ENDS = 3  # lines at both ends that are an article's edges where it has no running text


def _judge(lines: Lines, verdicts: Verdicts, matched: Mapping[int, int], settings: Settings) -> None:
    """Names the lines that rules know, with a doubt where what a rule needs is not there.

    Wording that only furniture has is enough by itself. Weaker wording needs an edge of the article (no running text
    on one side of the line), the weakest also company: a line next to it that is surely furniture.
    """
    rules, keep = matcher(settings.rules, settings.keep_rules), settings.keep_rules
    texts = {line: lines.texts[line] for line in matched}  # of all lines that may be a date or a link farm, too
    found = {line: rule for line, rule in matched.items() if rule >= 0 and line not in verdicts}
    needs = {line: rules.needs[rule] for line, rule in found.items() if rules.needs[rule]}
    verdicts.update((line, Verdict(rules.names[rule])) for line, rule in found.items())
    if "metadata" not in keep:
        _name_dates(texts, len(lines.texts), verdicts)
    if "link-farm" not in keep:
        _name_farms(texts, verdicts, needs, rules)
    if not verdicts:  # as in most articles
        if "related" not in keep:
            _name_dated_tail(lines.texts, texts, verdicts)
        return
    blocks = _teasers(lines.texts, verdicts) if "related" not in keep else []
    edge = _edges(lines, verdicts, blocks)
    page = _page(lines, texts, verdicts, needs)
    scraped, menus = (_has(page, least) for least in (_SCRAPED, _MENUS))
    _doubt_places(verdicts, needs, edge, scraped)
    _doubt_fields(lines.texts, verdicts, needs, edge)
    _name_teasers(lines.texts, verdicts, needs, edge, blocks)
    if "related" not in keep:
        _name_dated_tail(lines.texts, texts, verdicts)
    _keep_company(lines.texts, verdicts, needs, edge)
    if "navigation" not in keep:
        _name_menus(lines, verdicts, needs, found, menus)
    _doubt_sentences(lines, verdicts, found, len(settings.rules))
    if len(verdicts) == len(lines.texts) and not any(verdict.doubt for verdict in verdicts.values()):
        for line, verdict in verdicts.items():
            if verdict.rule != "markup":
                verdicts[line] = Verdict(verdict.rule, ALL)


def settled(suspects: I64, matched: I64, running: Mask, of_article: I64, rules: Matcher) -> Mask:
    """The articles in which words alone name all suspects, bool [articles]: `judge_lines` doubts none and adds none.

    None of their rules needs anything or is a heading over other stories, no line is left to be a date or a link farm,
    what reads like a sentence or is a credit stands on one side of the running text, there are too few for a menu, and
    something else is left of the article. Where there is markup, `judge_lines` may judge otherwise.

    Args:
        suspects: int64, all `rules.suspect_lines`.
        matched: int64, the first rule that matches each, -1 for none.
        running: bool [lines], see `Lines`.
        of_article: int64 [articles + 1], the first line of each.
        rules: the rules that match.
    """
    article = np.searchsorted(of_article, suspects, side="right") - 1
    others = running.copy()
    others[suspects] = False
    until = offsets_of(others)
    before = until[suspects] > until[of_article[article]]
    behind = until[of_article[article + 1]] > until[suspects]
    open_, credit, menu = (kinds[matched] for kinds in _kinds_of_rules(rules.names, rules.needs))
    count = np.bincount(article, minlength=len(of_article) - 1)
    found: Mask = (count > 0) & (count < np.diff(of_article))
    found[article[open_ | (running[suspects] & before & behind) | (credit & (before == behind))]] = False
    found &= np.bincount(article[menu], minlength=len(found)) < _MENU_ANCHORS
    return found


@lru_cache(maxsize=16)
def _kinds_of_rules(names: tuple[str, ...], needs: tuple[str, ...]) -> tuple[Mask, Mask, Mask]:
    """Which rules need something or are headings, name credits, and stand in menus; behind them what none names."""
    of_rule = [*zip(names, needs, strict=True), ("", "a rule")]
    open_ = np.array([need != "" or name == "related" for name, need in of_rule])
    credit, menu = (np.array([name in those for name, _ in of_rule]) for those in (("credit",), _MENU_RULES))
    return open_, credit, menu


def _edges(lines: Lines, verdicts: Verdicts, blocks: Sequence[range]) -> Edge:
    count, teasers = len(lines.texts), {line for block in blocks for line in block[1:]}
    body = _outermost(lines, verdicts.keys() | teasers)
    first, last = body if body is not None else (_ENDS, count - _ENDS - 1)
    return lambda line: line < first or line > last


def _outermost(lines: Lines, out: Container[int]) -> tuple[int, int] | None:
    """The first and the last line of an article that reads like a sentence and is not *out*; None where none does."""
    running = np.flatnonzero(lines.running).tolist()
    first = next((line for line in running if line not in out), None)
    if first is None:
        return None
    return first, next(line for line in reversed(running) if line not in out)


def _sure(verdict: Verdict | None) -> bool:
    """Whether a line is furniture without doubt; markup may stand anywhere and says nothing of its neighbours."""
    return verdict is not None and not verdict.doubt and verdict.rule != "markup"


_PAGE_RULES = ("share", "subscribe", "related", "navigation")
_PAGE_LINES = 40  # least lines of a page with its menus, forms and links
# least different lines of wording that no article has, or some of it and so many in all that may be buttons and labels
_SCRAPED = ((5, 5), (2, 10))
_MENUS = ((2, 2), (1, 4))


def _page(lines: Lines, texts: Mapping[int, str], verdicts: Verdicts, needs: Needs) -> Mapping[str, bool]:
    """The different buttons and labels of a page, and whether no article has their wording; none of a short text."""
    if len(lines.texts) < _PAGE_LINES:
        return {}
    named = sorted(line for line, verdict in verdicts.items() if verdict.rule in _PAGE_RULES)
    return {texts[line]: needs.get(line) != "company" for line in named}


def _has(page: Mapping[str, bool], least: Iterable[tuple[int, int]]) -> bool:
    """Whether a text shows by its buttons and labels that it is a page as it was scraped, and no article cut out."""
    return any(sum(page.values()) >= strong and len(page) >= total for strong, total in least)


def _doubt_places(verdicts: Verdicts, needs: Needs, edge: Edge, raw: bool) -> None:
    """Doubts what needs an edge and has none, and whatever needs company until it is found.

    In a *raw* page the buttons and labels of a page need neither: there are so many that one more is none of the text.
    """
    for line, need in needs.items():
        verdict = verdicts[line]
        if not (raw and verdict.rule in _PAGE_RULES):
            doubt = AMID if not edge(line) else ALONE if need == "company" else verdict.doubt
            verdicts[line] = Verdict(verdict.rule, doubt)


_LABELLED = re.compile(r"([^\W\d][^:。,!?;|]{0,11}):(?!//)")


def _doubt_fields(texts: Sequence[str], verdicts: Verdicts, needs: Needs, edge: Edge) -> None:
    """Doubts labelled lines of weak wording, and credits amid text, that are fields of a form or a dialogue.

    "来源:" among "年代:" and "名称:" is a field of the record; "编辑:" that comes again with other words is a speaker.
    """
    weak = [line for line, of in verdicts.items() if line in needs or (of.rule == "credit" and not edge(line))]
    among_others: dict[int, bool] = {}  # lines: whether one without a name stands in a row with it
    comes_again: dict[str, bool] = {}  # labels: whether with other words
    for line in weak:
        label = _label(texts[line])
        if not label:
            continue
        if line not in among_others:  # asked once a row, as below once a label: there may be thousands of lines
            row = [line, *_labelled_around(texts, line)]
            among_others.update(dict.fromkeys(row, any(other not in verdicts for other in row)))
        if among_others[line]:
            verdicts[line] = Verdict(verdicts[line].rule, FIELD)
            continue
        if label not in comes_again:
            alike = {text for text in texts if text.startswith(label) and _label(text) == label}
            comes_again[label] = len(alike) > 1
        if comes_again[label]:
            verdicts[line] = Verdict(verdicts[line].rule, LABEL)


def _label(text: str) -> str:
    """What stands before a colon near the start of a line; "" where there is none."""
    found = _LABELLED.match(text)
    return found.group(1).strip() if found else ""


def _labelled_around(texts: Sequence[str], line: int) -> Iterator[int]:
    """The labelled lines that stand in a row with one."""
    for others in (range(line - 1, -1, -1), range(line + 1, len(texts))):
        yield from takewhile(lambda other: _label(texts[other]), others)


def _keep_company(texts: Sequence[str], verdicts: Verdicts, needs: Needs, edge: Edge) -> None:
    """Clears the doubt of lines that stand in a row of named lines with one that is sure.

    A single word ("Home") needs a line of its own kind: behind the date it may be the first word of a poem.
    """
    if not any(verdict.doubt for verdict in verdicts.values()):
        return
    run: list[int] = []
    for line in (*sorted(verdicts), len(texts)):
        verdict = verdicts.get(line)
        if run and (verdict is None or line > run[-1] + 1):
            _clear(run, texts, verdicts, needs)
            run = []
        if verdict is None:
            continue
        if (edge(line) or verdict.rule == "markup") and verdict.doubt in ("", ALONE, FARM):
            run.append(line)
        elif run:
            _clear(run, texts, verdicts, needs)
            run = []


def _clear(run: Iterable[int], texts: Sequence[str], verdicts: Verdicts, needs: Needs) -> None:
    company = {_of_article(verdicts[line]) for line in run if _sure(verdicts[line])}
    for line in run if company else ():
        named = verdicts[line]
        if not named.doubt or needs.get(line) == "heading":
            continue
        if _of_article(named) in company or not texts[line].isalnum():
            verdicts[line] = Verdict(named.rule)


def _of_article(verdict: Verdict) -> bool:
    """Whether a rule names lines that belong to the article, such as its date, rather than to the page around it."""
    return verdict.rule in ("credit", "metadata")


def _name_dates(texts: Mapping[int, str], count: int, verdicts: Verdicts) -> None:
    """A date alone under the title is the day of publication, unless the article is divided by dates, as a diary."""
    dates = [line for line, text in texts.items() if len(text) < 24 and _DATE_ONLY.fullmatch(text)]
    for line in dates:
        if 1 <= line < min(4, count - 1) and line not in verdicts:
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


def _name_farms(texts: Mapping[int, str], verdicts: Verdicts, needs: Needs, rules: Matcher) -> None:
    """Link farms that are no rows of a table; sure are those with a label or a menu's words among the segments."""
    bars = {line: text.count("|") for line, text in texts.items() if "|" in text}
    for line, count in bars.items():
        if count < 5 or line in verdicts or not is_link_farm(texts[line]):
            continue
        if count in (bars.get(line - 1), bars.get(line + 1)):
            continue
        segments = _segments(texts[line])
        labelled = texts[line].startswith(_LINKS) or any(rules.first(segment) >= 0 for segment in segments)
        verdicts[line] = Verdict("link-farm")
        needs[line] = "edge" if labelled else "company"


# -------------------------------------------------------------------------------------------------------------- teasers


def _teasers(texts: Sequence[str], verdicts: Verdicts) -> list[range]:
    """The headings over other stories, each with the lines under it that may be their teasers."""
    headings = sorted(line for line, verdict in verdicts.items() if verdict.rule == "related")
    if not headings:
        return []
    count, blocks = len(texts), []
    others = range(count - 1, headings[0], -1)
    body = next((line for line in others if line not in verdicts and _is_body(texts[line])), -1)
    for heading in headings:
        line = heading + 1
        while line < count and _may_follow(verdicts.get(line)) and _is_teaser(texts[line], dated=heading < body):
            line += 1
        blocks.append(range(heading, line))
    return blocks


def _may_follow(verdict: Verdict | None) -> bool:
    return verdict is None or verdict.rule == "markup"


def _is_body(line: str) -> bool:
    return len(line) >= BODY_CHARS and line.rstrip("\"')]")[-1:] in "。!?." and not _is_teaser(line, dated=True)


def _is_teaser(line: str, dated: bool) -> bool:
    """Whether a line under a heading may be a teaser; *dated*: only if it has a date."""
    if _DATE_FIRST.match(line) or (len(line) <= 2 * _TEASER and _DATE_LAST.fullmatch(line)):
        return True
    return not dated and (line.endswith(("…", "...")) or (len(line) <= _TEASER and line[-1:] not in "。!?.:;,"))


def _name_teasers(lines: Sequence[str], verdicts: Verdicts, needs: Needs, edge: Edge, blocks: Sequence[range]) -> None:
    """Names what stands under headings: sure where the heading is and the lines read like headlines.

    A heading of weak wording is sure behind a line that is surely furniture (the article is over), or over a listing:
    lines with dates of which the newest does not come last, or cut off with an ellipsis. A heading over something else
    is one of the article's own.
    """
    for block in blocks:
        heading, under = block[0], [line for line in block[1:] if line not in verdicts]
        verdict, before = verdicts[heading], heading - 1
        while before in verdicts and verdicts[before].rule == "markup":
            before -= 1
        texts = [lines[line] for line in under]
        over = edge(heading) and _sure(verdicts.get(before))
        if verdict.doubt == ALONE and (over or _is_listing(texts)):
            verdict = Verdict(verdict.rule)
        over_own = not texts and heading + 1 < len(lines) and heading + 1 not in verdicts
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


def _name_dated_tail(lines: Sequence[str], suspects: Container[int], verdicts: Verdicts) -> None:
    """Names a tail of lines with dates, as scraped from a list of other stories.

    Sure where each date ends the teaser before it: the last line is nothing but a date, two or more lines before it
    begin with a date that no space parts from the text behind it, and the newest date is not the last. The line before
    the first of them is a teaser too. Lines that merely begin or end with dates may be a chronicle, a schedule, a list
    of laws: that is content, and they are doubtful.
    """
    last = len(lines) - 1
    while last in verdicts:
        last -= 1
    if last not in suspects:  # it ends with no date
        return
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
        over = _sure(verdicts.get(first)) and _is_listing([lines[line] for line in range(first + 1, last + 1)])
        _name_run(verdicts, range(first + 1, last + 1), "" if over else DATES)


def _name_run(verdicts: Verdicts, run: Iterable[int], doubt: str) -> None:
    for line in run:
        verdicts.setdefault(line, Verdict("related", doubt))


# ---------------------------------------------------------------------------------------------------------------- menus

_MENU_RULES = ("share", "copyright", "subscribe", "related", "link-farm", "navigation")
_MENU_ANCHORS = 3  # least lines that these rules name in a menu
# What a line says for a menu: named by a rule, a label, a short line, anything else, running text. Sizes in UTF-8
# bytes, so that a Han character weighs three Latin ones. Tuned on labelled pages: `python -m benchmarks.boilerplate`.
_LABEL, _SHORT, _TEXT = 36, 80, 80
_FOR_ANCHOR, _FOR_LABEL, _FOR_SHORT, _FOR_OTHER, _FOR_TEXT = 8, 1, -1, -8, -80
_STOPS = np.array([0, *map(ord, "。!?.:;,")], np.uint32)  # 0: of what only closes


def _name_menus(lines: Lines, verdicts: Verdicts, needs: Needs, found: Container[int], raw: bool) -> None:
    """Names the menu at the head and the footer at the tail of a page: labels among lines that rules know.

    A menu runs from the first line to one that a rule names by its words, a footer from one to the last line; of all
    such runs the one that says most for it is taken, if at least three of its lines are named and one of them surely.
    It has no running text in it but in a *raw* page, whose banners are.
    What is doubtful by itself is sure in a menu. The first line, often the title, stays unless it is named itself.
    """
    anchors = sorted(
        line
        for line, verdict in verdicts.items()
        if verdict.rule in _MENU_RULES
        and (line in found or verdict.rule == "link-farm" or (raw and not verdict.doubt))
        and verdict.doubt in ("", ALONE, AMID)
    )
    if len(anchors) < _MENU_ANCHORS:
        return
    known = _MENU_RULES if raw else ("subscribe", "navigation")
    sure = {line for line in anchors if needs.get(line) != "company" and verdicts[line].rule in known}
    count, weights = len(lines.texts), _weights(lines)
    if not raw:
        own = lines.running.copy()
        own[list(verdicts)] = False
        weights[own] = -_FOR_ANCHOR * count  # the article begins
    weights[[line for line, verdict in verdicts.items() if not verdict.doubt]] = 0
    weights[anchors] = _FOR_ANCHOR
    menu = _best_run(weights, anchors, sure)
    backwards = [count - 1 - line for line in reversed(anchors)]
    footer = _best_run(weights[::-1], backwards, {count - 1 - line for line in sure})
    for line in (*range(1, menu), *range(count - footer, count)):
        verdict = verdicts.get(line)
        if verdict is None or verdict.doubt:
            verdicts[line] = Verdict(verdict.rule if verdict else "navigation")


def _weights(lines: Lines) -> I64:
    """What each line says for a menu by its size and its end."""
    sizes, stopped = lines.sizes, np.isin(lines.lasts, _STOPS)
    text = np.where(sizes >= _TEXT, _FOR_TEXT, _FOR_OTHER)
    label = np.where(sizes <= _LABEL, _FOR_LABEL, np.where(sizes <= _SHORT, _FOR_SHORT, _FOR_OTHER))
    return np.where(stopped, text, label)


def _best_run(weights: I64, anchors: Sequence[int], sure: Container[int]) -> int:
    """How many lines from the first make the best run that ends with an anchor; 0 where there is none."""
    best, length, certain = 2 * _FOR_ANCHOR - 1, 0, False
    totals = np.cumsum(weights)[anchors].tolist()
    for found, (line, total) in enumerate(zip(anchors, totals, strict=True), 1):
        certain = certain or line in sure
        if found >= _MENU_ANCHORS and certain and total > best:
            best, length = total, line + 1
    return length


def _doubt_sentences(lines: Lines, verdicts: Verdicts, found: Mapping[int, int], own: int) -> None:
    """Doubts lines that read like sentences and have running text on both sides, whatever their words.

    A user's *own* rules, the first so many, are obeyed.
    """
    doubted = [
        line
        for line, verdict in verdicts.items()
        if lines.running[line] and _sure(verdict) and verdict.rule != "link-farm" and not 0 <= found.get(line, -1) < own
    ]
    if not doubted or (body := _outermost(lines, verdicts)) is None:
        return
    for line in doubted:
        if body[0] < line < body[1]:
            verdicts[line] = Verdict(verdicts[line].rule, SENTENCE_AMID)


def _line_marks(verdicts: Verdicts, starts: I64, ends: I64, settings: Settings) -> Iterator[Mark]:
    """Lines in a row with one verdict are one mark."""
    count, stop = len(starts), 0
    for first in sorted(verdicts):
        if first < stop:
            continue
        verdict, stop = verdicts[first], first + 1
        while stop in verdicts and verdicts[stop] == verdict:
            stop += 1
        yield line_mark(verdict, (int(starts[first]), int(ends[stop - 1]), first, stop, count), settings)


def line_mark(verdict: Verdict, at: Sequence[int], settings: Settings) -> Mark:
    """The mark of lines in a row with one verdict.

    Args:
        verdict: what names them.
        at: where they start and end, the first of them, the one behind the last, and how many the article has.
        settings: boilerplate and strip.
    """
    start, end, first, stop, count = at
    kind: Kind = "debris" if verdict.rule == "markup" else "boilerplate"
    removed = "markup" in settings.strip if verdict.rule == "markup" else settings.boilerplate == "remove"
    evidence: dict[str, Any] = {"lines": stop - first} if stop - first > 1 else {}
    if kind == "boilerplate":
        evidence["position"] = position(first, stop, count)
    if verdict.doubt:
        evidence["doubt"] = verdict.doubt
    grain: Grain = "block" if stop - first > 1 else "passage"
    return Mark(start, end, kind, grain, verdict.rule, removed and not verdict.doubt, evidence)


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
_BROKEN = rf"\ufffd|{_DOUBLE}|[\u4e00-\u9fff][a-zA-Z]?\?[\u4e00-\u9fffa-zA-Z]|[a-zA-Z]\?[a-z]{{2}}(?!\w{{0,30}}=)"
# What every match of it has within its first three characters, and between which bounds lies what stands behind that.
_BROKEN_SIGNS = (
    *(("\ufffd", 0, 0x10FFFF), ("?", 0x4E00, 0x9FFF), ("?", 0x61, 0x7A), ("?", 0x41, 0x5A)),
    *(("\u00c2", 0x80, 0xBF), ("\u00c3", 0x80, 0xBF), ("\u00e2", 0x20AC, 0x20AC), ("\u00ef", 0xBB, 0xBB)),
    *(("锟", 0x65A4, 0x65A4), ("烫", 0x70EB, 0x70EB), ("屯", 0x5C6F, 0x5C6F)),
)
_ADDRESS = r"(?:https?://|www\.)[^\s\u4e00-\u9fff]+"


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


class Signs(NamedTuple):
    """Where debris may be: int64, places of code points, rising.

    Attributes:
        toned: what may be a tone of an annotation.
        control: what may be a control character.
        broken: what may be in mojibake.
    """

    toned: I64
    control: I64
    broken: I64


def debris_signs(codes: U32, places: I64) -> Signs:
    """The signs of debris in one text, or in several in a row: those of some *places*, rising."""
    if not len(places):
        return Signs(places, places, places)
    kinds = debris_kinds()[codes[places]]
    toned, control, broken = (places[(kinds & kind) > 0] for kind in (_TONED, _CONTROL, _BROKEN_SIGN))
    if len(broken):
        sign, behind = codes[broken], codes.take(broken + 1, mode="clip")  # a sign at the end is behind itself
        may_be = np.zeros(len(broken), bool)
        for one, first, last in _BROKEN_SIGNS:
            may_be |= (sign == ord(one)) & (behind >= first) & (behind <= last)
        broken = broken[may_be]
    return Signs(toned, control, broken)


_TONED, _CONTROL, _BROKEN_SIGN = 1, 2, 4


@lru_cache(maxsize=1)
def debris_kinds() -> NDArray[np.uint8]:
    """What each code point may be the sign of: uint8 [0x110000]; 0: of nothing."""
    flags = load().flags
    kinds = np.zeros(len(flags), np.uint8)
    odd = flagged(TONE | INVISIBLE)
    kinds[odd] = np.where(flags[odd] & TONE, _TONED, 0) | np.where(flags[odd] & INVISIBLE, _CONTROL, 0)
    kinds[[code for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in range(0x09, 0x0E)]] |= _CONTROL
    kinds[[ord(sign) for sign, _, _ in _BROKEN_SIGNS]] |= _BROKEN_SIGN
    return kinds


def debris(
    text: str,
    codes: U32,
    signs: Signs,
    annotated: Sequence[tuple[int, int]],
    starts: I64,
    ends: I64,
    settings: Settings,
) -> Iterator[Mark]:
    """Annotations and control characters, span by span where they are stripped, else by lines; mojibake by lines."""
    for rule, spans in (("annotation", annotated), ("control", _controls(codes, signs.control))):
        if rule in settings.strip:
            yield from (Mark(start, end, "debris", "span", rule, True) for start, end in spans)
        else:
            yield from _by_line(rule, spans, starts, ends)
    yield from _by_line("mojibake", _mojibake(text, signs.broken, annotated), starts, ends)


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


def _controls(codes: U32, suspects: I64) -> list[tuple[int, int]]:
    """Runs of characters that control nothing in an article.

    C0 and C1 but white space and line ends, the zero-width space, the word joiner, U+FEFF, and the joiners beside Han.
    Joiners elsewhere and direction marks are spelling in other scripts and in emoji.
    """
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


def _mojibake(text: str, signs: I64, annotated: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What looks like lost or twice decoded characters, outside of web addresses and annotations."""
    spans: list[tuple[int, int]] = []
    broken = re.compile(_BROKEN)  # not before a sign is found, as few articles have one: it takes 2 ms, once
    for place in signs.tolist():
        for start in range(max(place - 2, spans[-1][1] if spans else 0), place + 1):
            if found := broken.match(text, start):
                spans.append(found.span())
                break
    if not spans:
        return []
    own = sorted([*(found.span() for found in re.finditer(_ADDRESS, text)), *annotated])
    starts = [start for start, _ in own]
    # only the last that begins before the end of a span can reach into it: they do not overlap
    before = (bisect_left(starts, end) - 1 for _, end in spans)
    return [span for span, one in zip(spans, before, strict=True) if one < 0 or own[one][1] <= span[0]]
