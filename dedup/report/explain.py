"""Why: the cuts of an article, or all that two articles share, side by side in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dedup.fold_table import load
from dedup.model import Family, Finding, Place
from dedup.report.differences import LINE_ENDS, Piece, condensed, differences
from dedup.report.shown import marked, visible

_MOST_SHOWN = 1200  # characters of either side, unless all are asked for
_LEAST_COLUMN = 16
_COLOURS = {"left": "\x1b[32;4m", "right": "\x1b[31;4m", "code": "\x1b[7m", "faint": "\x1b[2m", "bold": "\x1b[1m"}
_PLAIN = "\x1b[0m"
# what stands in two columns of a terminal: East Asian Wide and Fullwidth, by blocks
_WIDE = (
    *((0x1100, 0x115F), (0x2E80, 0x303E), (0x3041, 0xA4CF), (0xA960, 0xA97F), (0xAC00, 0xD7A3), (0xF900, 0xFAFF)),
    *((0xFE30, 0xFE6F), (0xFF01, 0xFF60), (0xFFE0, 0xFFE6), (0x1F300, 0x1F64F), (0x1F900, 0x1FAFF), (0x20000, 0x3FFFD)),
)


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be shown: two places with what is said of them.

    Attributes:
        said: kind, grain, rule and what became of it.
        similarity: see `Finding`; of two members of a family None, as each was compared with the kept text alone.
        family: its name, None for none.
        left: the place that stays, None where nothing is repeated.
        right: the place that goes, or resembles it.
        note: what else there is to say.
    """

    said: str
    similarity: float | None
    family: str | None
    left: Place | None
    right: Place
    removed: bool
    note: str = ""

    def to_dict(self, texts: Mapping[Place, str]) -> dict[str, Any]:
        """As `dedup explain --json` prints it."""
        left = None if self.left is None else texts.get(self.left)
        right = texts.get(self.right)
        pieces = None
        if left is not None and right is not None:
            pieces = [{"kind": p.kind, "left": p.left, "right": p.right} for p in differences(left, right)]
        return {
            "what": self.said,
            "similarity": self.similarity,
            "family": self.family,
            "removed": self.removed,
            "source": None if self.left is None else {**self.left.to_dict(), "text": left},
            "place": {**self.right.to_dict(), "text": right},
            "note": self.note,
            "differences": pieces,
        }


def cases_of(findings: Iterable[Finding]) -> list[Case]:
    """The findings of an article as cases."""
    return [
        Case(
            _said(finding),
            finding.similarity,
            finding.family,
            finding.source,
            Place(finding.article, finding.start, finding.end),
            finding.removed,
            _note(finding),
        )
        for finding in findings
    ]


def shared_cases(one: str, other: str, findings: Iterable[Finding], families: Iterable[Family]) -> list[Case]:
    """All that two articles share: findings of one that name the other, and families with places in both.

    Args:
        one, other: their ids.
        findings: those of the two.
        families: those with a place in either.
    """
    pair = {one, other}
    named = [
        finding
        for finding in findings
        if finding.source is not None
        and finding.source.against is None
        and {finding.article, finding.source.article} == pair
    ]
    cases = cases_of(named)
    told = {(case.left, case.right) for case in cases}
    spans = [(case.right.article, case.right.start, case.right.end) for case in cases]
    for family in families:
        places = [(family.kept, 1.0), *((member.place, member.similarity) for member in family.members)]
        ours = {id: [(place, degree) for place, degree in places if place.article == id] for id in pair}
        for left, right in _matched(ours[one], ours[other]):
            (place, degree), (later, later_degree) = sorted((left, right), key=lambda side: side[0] != family.kept)
            if place.against or later.against or (place, later) in told or _inside(later, spans):
                continue
            if place == family.kept:
                said, similarity, note = f"{family.grain}, same family", later_degree, ""
            else:
                kept = f"{visible(family.kept.article)} {family.kept.start:,}–{family.kept.end:,}"
                said, similarity = f"{family.grain}, both repeat a third place", None
                note = f"similarity to the kept text in {kept}: {degree:g} and {later_degree:g}"
            cases.append(Case(said, similarity, family.family, place, later, place == family.kept, note))
    return sorted(cases, key=lambda case: (case.right.start, -case.right.end))


def _matched(one: Sequence[Any], other: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Each place of the article with more of them beside one of the other's."""
    if one and other:
        for number in range(max(len(one), len(other))):
            yield one[min(number, len(one) - 1)], other[min(number, len(other) - 1)]


def _inside(place: Place, spans: Sequence[tuple[str, int, int]]) -> bool:
    return any(place.article == id and start <= place.start and place.end <= end for id, start, end in spans)


def _said(finding: Finding) -> str:
    fate = "cut" if finding.removed else "kept"
    return f"{fate}: {finding.kind}, {finding.grain}, {visible(finding.rule)}"


def _note(finding: Finding) -> str:
    if finding.rule == "remnant":
        return "what is left of it has no passage of the least length; all others are duplicates"
    if finding.rule == "near-numbers":
        return "alike, but each has a number that the other lacks: other news"
    if finding.kind == "duplicate" and not finding.removed and finding.grain == "article" and finding.source:
        return "alike, but a part has no counterpart; its passages are judged one by one"
    return "; ".join(f"{name}: {visible(str(value))}" for name, value in finding.evidence.items())


def wanted(cases: Iterable[Case]) -> set[Place]:
    """The places whose texts are shown."""
    return {place for case in cases for place in (case.left, case.right) if place is not None}


# ---------------------------------------------------------------------------------------------------- in the terminal


def lines_of(
    cases: Sequence[Case], texts: Mapping[Place, str], width: int, coloured: bool, everything: bool
) -> Iterator[str]:
    """The lines that show the cases, none wider than *width* columns.

    Without colours what differs stands in [- -] on the left and in {+ +} on the right.
    """
    paint = _Paint(coloured)

    def told(style: str, text: str) -> Iterator[str]:
        return (line.rstrip() for line in _wrapped([(style, text)], width, paint))

    for number, case in enumerate(cases, 1):
        degree = "" if case.similarity is None else f", similarity {case.similarity:g}"
        yield from told("bold", f"{number}. {case.said}{degree}")
        if case.family is not None:
            yield from told("faint", f"family {visible(case.family)}")
        if case.note:
            yield from told("faint", case.note)
        yield from _sides(case, texts, width, paint, everything)
        yield ""


def _sides(case: Case, texts: Mapping[Place, str], width: int, paint: _Paint, everything: bool) -> Iterator[str]:
    right_text = texts.get(case.right)
    right_name = f"{'goes' if case.removed else 'stays'}: {_name(case.right)}"
    missing = [("faint", "(this text is not at hand)")]
    if case.left is None:
        yield from _wrapped([("bold", right_name)], width, paint)
        piece = Piece("same", right_text or "", right_text or "")
        shown = [piece] if everything else condensed([piece], _MOST_SHOWN)
        yield from _wrapped(missing if right_text is None else list(_runs(shown, "right")), width, paint)
        return
    left_text = texts.get(case.left)
    pieces: list[Piece] = []
    if left_text is not None and right_text is not None:
        pieces = differences(left_text.strip(LINE_ENDS), right_text.strip(LINE_ENDS))
        pieces = pieces if everything else condensed(pieces, _MOST_SHOWN)
    elif right_text is not None:
        pieces = [Piece("same", "", right_text)]
        pieces = pieces if everything else condensed(pieces, _MOST_SHOWN)
    column = max((width - 3) // 2, _LEAST_COLUMN)
    left = [*_wrapped([("bold", f"stays: {_name(case.left)}")], column, paint)]
    right = [*_wrapped([("bold", right_name)], column, paint)]
    height = max(len(left), len(right))
    left += [" " * column] * (height - len(left))
    right += [""] * (height - len(right))
    left += _wrapped(missing if left_text is None else list(_runs(pieces, "left")), column, paint)
    right += _wrapped(missing if right_text is None else list(_runs(pieces, "right")), column, paint)
    for row in range(max(len(left), len(right))):
        one = left[row] if row < len(left) else " " * column
        yield f"{one} │ {right[row] if row < len(right) else ''}".rstrip()


def _name(place: Place) -> str:
    against = "" if place.against is None else f" (in the reference {visible(place.against)})"
    return f"{visible(place.article)} {place.start:,}–{place.end:,}{against}"


def _runs(pieces: Iterable[Piece], side: str) -> Iterator[tuple[str, str]]:
    """(style, text) of one side."""
    for piece in pieces:
        text = getattr(piece, side)
        if piece.kind == "gap":
            if int(text):
                yield "faint", f" ⋯ {int(text):,} characters ⋯ "
        elif text:
            yield side if piece.kind == "other" else "", text


class _Paint:
    """Colours, or signs in their place."""

    def __init__(self, coloured: bool) -> None:
        self._coloured = coloured

    def mark(self, style: str, text: str) -> str:
        """The text in a style."""
        return f"{_COLOURS[style]}{text}{_PLAIN}" if style and self._coloured else text

    def around(self, style: str) -> tuple[str, str]:
        """The signs that stand for the style where there is no colour."""
        return {"left": ("[-", "-]"), "right": ("{+", "+}")}.get(style, ("", "")) if not self._coloured else ("", "")


def _wrapped(runs: Sequence[tuple[str, str]], width: int, paint: _Paint) -> list[str]:
    """Runs of styled text in lines of exactly *width* columns, what does not show marked."""
    lines: list[str] = []
    line: list[str] = []
    used = 0

    def end() -> None:
        nonlocal used
        lines.append("".join(line) + " " * (width - used))
        line.clear()
        used = 0

    for style, text in runs:
        before, after = paint.around(style)
        parts = [(style, before), *(("code" if hidden else style, part) for part, hidden in marked(text))]
        for how, part in [*parts, (style, after)]:
            shown = f"⟨{part}⟩" if how == "code" else part.replace("\t", "    ")
            taken: list[str] = []
            for character in shown:
                columns = 0 if character == "\n" else _columns(character)
                if character == "\n" or used + columns > width:
                    line.append(paint.mark(how, "".join(taken)) if taken else "")
                    taken = []
                    end()
                if character != "\n":
                    taken.append(character)
                    used += columns
            if taken:
                line.append(paint.mark(how, "".join(taken)))
    if line or not lines:
        end()
    return lines


def _columns(character: str) -> int:
    """How many columns of a terminal a character takes."""
    code = ord(character)
    if code < 0x300:
        return 1
    if load().combining_class[code]:
        return 0
    return 2 if any(first <= code <= last for first, last in _WIDE) else 1
