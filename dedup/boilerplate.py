"""Page furniture and scraper debris, by wording and shape in a single article.

Everything here is judged by lines, whatever a passage is. `look` sees one article; what it masks is left out of every
comparison.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
        masked: bool, lines that a rule or the markup rule names.
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
    names: list[str | None] = [None] * len(lines)
    if settings.boilerplate != "off":
        names = _named(lines, matcher(settings.rules, settings.keep_rules), settings.keep_rules)
    markup = _markup(text, starts.tolist(), content_ends.tolist())
    for line in markup:
        names[line] = "markup"
    marks = list(_line_marks(names, starts.tolist(), ends.tolist(), settings))
    marks += _debris(text, codes, annotated, starts, ends, settings)
    marks.sort(key=lambda mark: (mark.start, mark.end))
    masked = np.array([name is not None for name in names], bool)
    return Look(starts, masked, _shapes(lines), tuple(marks))


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

_DATE = r"(?:\d{4}[-/.年] ?\d{1,2}[-/.月] ?\d{1,2}日?(?: ?\d{1,2}:\d{2}(?::\d{2})?)?)"
_DATE_ONLY = re.compile(rf"[\[( ]*{_DATE}[\]) ]*")
_DATE_FIRST = re.compile(rf"[\[( ]*{_DATE}[\]) ]*")
_DATE_LAST = re.compile(rf".*[^\d][\[( ]*{_DATE}[\]) ]*", re.DOTALL)
_TEASER = 80  # most characters of a teaser that has no date
_BODY = 40  # least characters of a line of running text


def _named(lines: Sequence[str], rules: Matcher, keep: Sequence[str]) -> list[str | None]:
    """The rule that names each line, or None."""
    names = [rules.rule_of(line) for line in lines]
    if "metadata" not in keep:
        for line in range(1, min(4, len(lines) - 1)):
            if names[line] is None and len(lines[line]) < 24 and _DATE_ONLY.fullmatch(lines[line]):
                names[line] = "metadata"
    if "link-farm" not in keep:
        for line, text in enumerate(lines):
            if names[line] is None and is_link_farm(text):
                names[line] = "link-farm"
    if "related" not in keep:
        _name_teasers(lines, names)
    if "navigation" not in keep:
        _name_menus(lines, names)
    return _doubted(lines, names)


_HEAD, _TAIL = 3, 5  # lines at the ends of an article where furniture may read like a sentence


def _doubted(lines: Sequence[str], names: list[str | None]) -> list[str | None]:
    """The names without those that would cost content.

    A line that reads like a sentence amid running text is a sentence, whatever its words; and of an article that
    rules would name from the first line to the last, they name nothing: something must be what it is about.
    """
    body = [line for line, text in enumerate(lines) if names[line] is None and _is_running(text)]
    if body:
        for line in range(max(_HEAD, body[0]), min(len(lines) - _TAIL, body[-1])):
            if names[line] != "link-farm" and _is_running(lines[line]):
                names[line] = None
    return names if None in names else [None] * len(names)


def _is_running(line: str) -> bool:
    """Whether a line reads like a sentence: it ends like one, or goes on for a while behind a comma."""
    if line.rstrip("\"')]")[-1:] in ("。", "!", "?", ".", ";", "…"):
        return len(line) >= _SENTENCE
    return len(line) >= _BODY and ("," in line or "、" in line)


_SENTENCE = 12  # least characters of a sentence


def is_link_farm(line: str) -> bool:
    """Whether a line (as rules see it) is many short segments between separators, and no sentence.

    >>> is_link_farm("永年县| 论坛| 壤塘县| 乐陵市| 彰武县| 龙岩市| 宣恩县| 柳林县|")
    True
    """
    if line.count("|") < 5 or "。" in line:
        return False
    segments = [segment for segment in (part.strip() for part in line.split("|")) if segment]
    labelled = line.startswith(("友情链接", "链接:", "合作媒体", "links"))
    return len(segments) >= (4 if labelled else 8) and sum(map(len, segments)) <= 16 * len(segments)


def _name_teasers(lines: Sequence[str], names: list[str | None]) -> None:
    """Names the teasers of other stories: under a heading, or in a tail where dates stand between them."""
    count = len(lines)
    body = max((line for line in range(count) if names[line] is None and _is_body(lines[line])), default=-1)
    reached = 0
    for heading in [line for line in range(count) if names[line] == "related"]:
        if heading < reached and heading != body:
            continue  # the teasers of the heading before it go on
        line = heading + 1
        while line < count and _is_teaser(lines[line], dated=heading < body):
            if names[line] is None:
                names[line] = "related"
            line += 1
        reached = line
    last = count - 1
    while last >= 0 and names[last] is not None:
        last -= 1
    for line in _dated_tail(lines, last):
        names[line] = names[line] or "related"


def _is_body(line: str) -> bool:
    return len(line) >= _BODY and line.rstrip("\"')]")[-1:] in "。!?." and not _is_teaser(line, dated=True)


def _is_teaser(line: str, dated: bool) -> bool:
    """Whether a line under a heading may be a teaser; *dated*: only if it has a date."""
    if _DATE_FIRST.match(line) or (len(line) <= 2 * _TEASER and _DATE_LAST.fullmatch(line)):
        return True
    return not dated and (line.endswith(("…", "...")) or (len(line) <= _TEASER and line[-1:] not in "。!?.:;,"))


_MENU_RULES = ("share", "copyright", "subscribe", "related", "link-farm", "navigation")
_MENU_ANCHORS = 3  # least lines that these rules name in a menu
# What a line says for a menu: named by a rule, a label, a short line, anything else, running text. Sizes in UTF-8
# bytes, so that a Han character weighs three Latin ones. Tuned on labelled pages: `python -m benchmarks.boilerplate`.
_LABEL, _SHORT, _TEXT = 36, 80, 80
_FOR_ANCHOR, _FOR_LABEL, _FOR_SHORT, _FOR_OTHER, _FOR_TEXT = 8, 1, -1, -8, -80


def _name_menus(lines: Sequence[str], names: list[str | None]) -> None:
    """Names the menu at the head and the footer at the tail of a page: labels among lines that rules know.

    A menu runs from the first line to one that a rule names, a footer from one to the last line; of all such runs the
    one that says most for it is taken, if at least three of its lines are named. The first line, often the title, stays
    unless it is named itself.
    """
    anchors = [name in _MENU_RULES for name in names]
    weights = [_weight(line, name, anchor) for line, name, anchor in zip(lines, names, anchors, strict=True)]
    menu = _best_run(weights, anchors)
    footer = _best_run(weights[::-1], anchors[::-1])
    for line in (*range(1, menu), *range(len(lines) - footer, len(lines))):
        names[line] = names[line] or "navigation"


def _weight(line: str, name: str | None, anchor: bool) -> int:
    size, stopped = len(line.encode()), line.rstrip("\"')]")[-1:] in "。!?.:;,"
    if name is not None:
        return _FOR_ANCHOR if anchor else 0
    if stopped:
        return _FOR_TEXT if size >= _TEXT else _FOR_OTHER
    return _FOR_LABEL if size <= _LABEL else _FOR_SHORT if size <= _SHORT else _FOR_OTHER


def _best_run(weights: Sequence[int], anchors: Sequence[bool]) -> int:
    """How many lines from the first make the best run that ends with an anchor; 0 where there is none."""
    best, length, total, found = 2 * _FOR_ANCHOR - 1, 0, 0, 0
    for line, (weight, anchor) in enumerate(zip(weights, anchors, strict=True)):
        total += weight
        found += anchor
        if anchor and found >= _MENU_ANCHORS and total > best:
            best, length = total, line + 1
    return length


def _dated_tail(lines: Sequence[str], last: int) -> range:
    """The lines of a tail of teasers that ends with line *last*: two kinds of it are certain.

    Where the last line is nothing but a date and two or more lines before it begin with one, each date ends the teaser
    before it: the line before the first of them is a teaser too. And three short lines or more that each end with a
    date are a list of links. Lines that merely begin with dates may be a chronicle, which is content.
    """
    first = last
    if first >= 3 and _DATE_ONLY.fullmatch(lines[last]):
        while first > 1 and _DATE_FIRST.match(lines[first - 1]):
            first -= 1
        if last - first >= 2:
            return range(first - 1, last + 1)
        first = last
    while first >= 1 and len(lines[first]) <= _TEASER and _DATE_LAST.fullmatch(lines[first]):
        first -= 1
    return range(first + 1, last + 1) if last - first >= 3 else range(0)


def _line_marks(names: Sequence[str | None], starts: list[int], ends: list[int], settings: Settings) -> Iterator[Mark]:
    """Lines in a row that one rule names are one mark."""
    edges = [line for line in range(len(names) + 1) if line in (0, len(names)) or names[line] != names[line - 1]]
    for first, stop in pairwise(edges):
        rule = names[first]
        if rule is None:
            continue
        kind: Kind = "debris" if rule == "markup" else "boilerplate"
        removed = "markup" in settings.strip if rule == "markup" else settings.boilerplate == "remove"
        evidence: dict[str, Any] = {"lines": stop - first} if stop - first > 1 else {}
        if kind == "boilerplate":
            evidence["position"] = position(first, stop, len(names))
        grain: Grain = "block" if stop - first > 1 else "passage"
        yield Mark(starts[first], ends[stop - 1], kind, grain, rule, removed, evidence)


def position(first: int, stop: int, count: int) -> str:
    """Where lines *first* ... *stop* - 1 of *count* stand: at the "head", the "tail", or in the "body"."""
    if first < min(5, count - stop):
        return "head"
    return "tail" if count - stop < 5 else "body"


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


def _markup(text: str, starts: list[int], ends: list[int]) -> list[int]:
    """The lines that are only tags or entities."""
    if "<" not in text and "&" not in text and "]]>" not in text:
        return []
    found = []
    for line, (start, end) in enumerate(zip(starts, ends, strict=True)):
        content = text[start:end].strip()
        if content[:1] in ("<", "&", "]") and is_markup(content):
            found.append(line)
    return found


def _debris(
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
