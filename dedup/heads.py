"""What the matches of patterns may begin with: by its first two characters most text is seen to match none of them.

Knows as much of RE2's syntax as the rules of the table are written in.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

import numpy as np

Head = tuple[str, ...]
"""The first characters of matches, each one or a set as it is written; fewer than were asked for: that is all."""
Ranges = list[tuple[int, int]]

_SET = r"\[\^?\]?(?:\\x\{[0-9a-fA-F]+\}|\\.|[^\]\\])*\]"
_ONE = re.compile(rf"{_SET}|\\(?:x\{{[0-9a-fA-F]+\}}|[dsw]|\W)|[^\\()|*+?^$]", re.DOTALL)
_TOKEN = re.compile(rf"{_SET}|\\x\{{[0-9a-fA-F]+\}}|\\.|\(\?:|\{{\d+(?:,\d*)?\}}|.", re.DOTALL)
_MEMBER = re.compile(r"\\(?:x\{[0-9a-fA-F]+\}|\W)|[^\\]", re.DOTALL)
_NAMED = {"\\d": [(48, 57)], "\\s": [(9, 10), (12, 13), (32, 32)], "\\w": [(48, 57), (65, 90), (95, 95), (97, 122)]}
_MANY = 16  # a set of more characters is one of those with which running text begins
_HAN = range(0x2E80, 0xA000)  # what is told apart beside ASCII
_RARE_HAN = range(0x20000, 0x40000)  # told from all else, not apart; none of these has another case
_OTHER_CASE = [ord(chr(code).swapcase()) for code in range(0x80)]


def heads(pattern: str, count: int) -> set[Head]:
    """What the matches of a pattern begin with: *count* characters, or fewer where a match has no more.

    Assertions are taken to hold, and what may come more than once may come any number of times.

    Raises:
        ValueError: there is something in the pattern that is not known here.

    >>> sorted(heads("ab*|[cd]{2}$", 2))
    [('[cd]',), ('[cd]', '[cd]'), ('a',), ('a', 'b')]
    """
    tokens = _TOKEN.findall(pattern)
    edges = groups(tokens)
    closing = {group: bars[-1] for group, bars in edges.items()}

    def of_group(group: int, count: int) -> set[Head]:
        return {head for at, stop in pairwise(edges[group]) for head in of_row(at + 1, stop, count)}

    def of_row(at: int, stop: int, count: int) -> set[Head]:
        plain = tuple(tokens[at : min(at + count, stop)])
        if all(map(_is_plain, plain)) and (at + count >= stop or not _repeats(tokens[at + count])):
            return {plain}  # most are, and take a fifth of the time so
        found: set[Head] = {()}
        while at < stop and any(len(head) < count for head in found):
            token, behind = tokens[at], closing.get(at, at) + 1
            if not (at in closing or token in ("^", "$") or _is_plain(token)):
                raise ValueError(f"{token!r} is not known in {pattern!r}")
            own: set[Head] = {()} if token in ("^", "$") else {(token,)}
            if at in closing:
                own = of_group(at, count)
            while behind < stop and _repeats(tokens[behind]):
                for _ in range(count - 1 if tokens[behind] != "?" else 0):
                    own = own | _joined(own, own, count)
                if tokens[behind][:2] in ("*", "?", "{0"):
                    own = own | {()}
                behind += 1
            found, at = _joined(found, own, count), behind
        return found

    return of_group(-1, count)


def groups(tokens: list[str]) -> dict[int, list[int]]:
    """Where each group of a pattern opens, has bars and closes, by where it opens; -1: all of it.

    Raises:
        ValueError: a bracket stands without its other.
    """
    found: dict[int, list[int]] = {-1: [-1]}
    opened = [-1]
    for at in [at for at, token in enumerate(tokens) if token in ("(", "(?:", "|", ")")]:
        if tokens[at] in ("(", "(?:"):
            opened.append(at)
            found[at] = [at]
            continue
        found[opened[-1]].append(at)
        if tokens[at] == ")" and opened.pop() == -1:
            break
    if opened != [-1]:
        raise ValueError(f"a bracket without its other in {''.join(tokens)!r}")
    found[-1].append(len(tokens))
    return found


@lru_cache(maxsize=1 << 10)
def _is_plain(token: str) -> bool:
    """Whether a token is a character or a set of them."""
    return _ONE.fullmatch(token) is not None


def _repeats(token: str) -> bool:
    return token in ("*", "+", "?") or _is_count(token)


def _is_count(token: str) -> bool:
    return len(token) > 1 and token[0] == "{"


def _joined(heads: set[Head], others: set[Head], count: int) -> set[Head]:
    whole = {head for head in heads if len(head) == count}
    return whole | {(*head, *other)[:count] for head in heads - whole for other in others}


def ranges(token: str) -> Ranges:
    """The characters of a token of `heads`: first and last of each range.

    Raises:
        ValueError: there is something in the set that is not known here.
    """
    if token in _NAMED:
        return _NAMED[token]
    if token == ".":
        return _others([(10, 10)])
    if token[0] != "[" or len(token) == 1:
        return [(_code(token),) * 2]
    negated, at, found = token[1] == "^", 1, []
    at += negated
    while at < len(token) - 1:
        if token[at : at + 2] in _NAMED:
            found += _NAMED[token[at : at + 2]]
            at += 2
            continue
        first, at = _member(token, at)
        last = first
        if token[at] == "-" and at < len(token) - 2:
            last, at = _member(token, at + 1)
        found.append((first, last))
    return _others(found) if negated else found


def _member(token: str, at: int) -> tuple[int, int]:
    """The character of a set that is written at a place, and the place behind it."""
    found = None if token.startswith("[:", at) else _MEMBER.match(token, at)
    if not found:
        raise ValueError(f"{token!r} is not known")
    return _code(found[0]), found.end()


def _code(written: str) -> int:
    """A character as it is written alone."""
    return int(written[3:-1], 16) if written.startswith("\\x") else ord(written[-1])


def _others(found: Ranges) -> Ranges:
    edges = [-1, *(edge for span in sorted(found) for edge in span), 0x110000]
    return [(last + 1, first - 1) for last, first in zip(edges[::2], edges[1::2], strict=True) if last + 1 < first]


def takes_digits_alike(pattern: str) -> bool:
    r"""Whether a pattern surely matches a text with other digits of ASCII wherever it matches this.

    No digit stands in it but in counts, and in sets that have all of them.

    >>> takes_digits_alike(r"\d{2,4}年[0-9a-f]+.{3}"), takes_digits_alike("20..年"), takes_digits_alike("[1-9]")
    (True, False, False)
    """
    if re.search(r"\\Q|\[:\^?\w+:\]", pattern):  # what is in braces there may be no count
        return False
    for token in _TOKEN.findall(pattern):
        if token.startswith("\\x{"):
            rest = chr(_code(token))
        elif token[0] == "[" and len(token) > 1:
            rest = re.sub("(?<!-)0-9", "", re.sub(r"\\x\{[0-9a-fA-F]+\}", lambda found: chr(_code(found[0])), token))
        else:
            rest = "" if _is_count(token) else token
        if re.search("[0-9]", rest):
            return False
    return True


def are_many(token: str) -> bool:
    """Whether a token is so many characters that a beginning with one of them tells little."""
    return sum(last - first + 1 for first, last in ranges(token)) > _MANY


class Beginnings:
    """What any match of some patterns begins with, in either case; but matches whose first characters `are_many`.

    Of other characters than ASCII and Han it is not known: they may.

    Attributes:
        kinds: uint16 [0x110000], the kind of each character: those of ASCII have their own; 0 is that of nothing.
        may_begin: bool [kinds, kinds], whether a match may begin with characters of two kinds; the second is 0 where
            the first is all there is.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        seconds: dict[str, set[str]] = {}
        for head in {head for pattern in patterns for head in heads(pattern, 2)}:
            if head:
                seconds.setdefault(head[0], set()).add(head[1] if len(head) > 1 else "")
        seconds = {first: others for first, others in seconds.items() if not are_many(first)}
        spans = {token: ranges(token) for token in {*seconds, *set().union(*seconds.values())} - {""}}
        self._cuts = sorted({edge for of in spans.values() for a, b in of for edge in (a, b + 1) if edge in _HAN})
        self._rare = 0x80 + len(self._cuts) + 1
        other = self._rare + 1
        kinds = {token: self._kinds_of(of) for token, of in spans.items()} | {"": [0]}
        self.may_begin = np.zeros((other + 1, other + 1), bool)
        for first, others in seconds.items():
            second = np.zeros(other + 1, bool)
            for token in others:
                second[kinds[token]] = True
            self.may_begin[kinds[first]] |= second
        self.may_begin[other] = True
        self.may_begin[:, other] = self.may_begin.any(axis=1)
        self.kinds = np.full(0x110000, other, np.uint16)
        self.kinds[:0x80] = np.arange(0x80)
        self.kinds[_RARE_HAN.start : _RARE_HAN.stop] = self._rare
        self.kinds[_HAN.start : _HAN.stop] = 0x80 + np.searchsorted(
            self._cuts, np.arange(_HAN.start, _HAN.stop), side="right"
        )

    def _kinds_of(self, spans: Ranges) -> list[int]:
        """The kinds of the characters of a set, in either case; U+0000 is none."""
        codes = {code for first, last in spans for code in range(first, min(last, 0x7F) + 1)}
        found = (codes | {_OTHER_CASE[code] for code in codes}) - {0}
        for first, last in spans:
            low, high = max(first, _HAN.start), min(last + 1, _HAN.stop)
            if low < high:
                found.update(range(0x80 + self._at(low), 0x80 + self._at(high - 1) + 1))
            if first < _RARE_HAN.stop and last >= _RARE_HAN.start:
                found.add(self._rare)
        return sorted(found)

    def _at(self, code: int) -> int:
        return bisect_left(self._cuts, code + 1)
