"""Characters that do not show, or that would act instead of showing, as marks that do."""

from __future__ import annotations

import re

_SPACES = "\t\n \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
# Marks that stand on the letter before them: a word of Vietnamese or pinyin has two, a tower of them breaks the layout.
_TOWER = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe2f]{5,}")
_SHOWS = re.compile(f"[{_SPACES}]")
_STANDING = 2  # marks of a tower that are shown as they are


def marked(text: str) -> list[tuple[str, bool]]:
    """A text in pieces, each with whether it is a mark for characters that do not show.

    Control characters (NUL, escape), formats (bidi controls, zero-width spaces, BOM), line separators other than LF and
    CRLF, private and unassigned characters and lone surrogates become their code point, a run of equal ones with how
    many there are; of a tower of combining marks two stand. What is left can be sent to a terminal or a page.

    >>> marked("a\\u202eb\\x1b\\x1b[0m")
    [('a', False), ('U+202E', True), ('b', False), ('U+001B×2', True), ('[0m', False)]
    """
    text = text.replace("\r\n", "\n")
    if _SHOWS.sub("", text).isprintable() and not _TOWER.search(text):  # as nearly all is
        return [(text, False)] if text else []
    pieces: list[tuple[str, bool]] = []
    start = at = 0
    while at < len(text):
        stop, run = _hidden(text, at)
        if stop == at:
            at += 1
            continue
        if start < at + run:
            pieces.append((text[start : at + run], False))
        count = stop - at - run
        pieces.append((f"U+{ord(text[at + run]):04X}" + (f"×{count:,}" if count > 1 else ""), True))
        start = at = stop
    if start < len(text):
        pieces.append((text[start:], False))
    return pieces


def _hidden(text: str, at: int) -> tuple[int, int]:
    """Where the run of hidden characters at *at* stops (*at* where there is none), and how many of it still stand."""
    if tower := _TOWER.match(text, at):
        return tower.end(), _STANDING
    first = text[at]
    if first.isprintable() or _SHOWS.match(first):
        return at, 0
    stop = at + 1
    while stop < len(text) and text[stop] == first:
        stop += 1
    return stop, 0


def visible(text: str) -> str:
    """The same as one string, the marks in ⟨ ⟩.

    >>> visible("\\x1b[31mred")
    '⟨U+001B⟩[31mred'
    """
    return "".join(f"⟨{piece}⟩" if is_mark else piece for piece, is_mark in marked(text))
