"""The rules again, slowly and obviously: strings, Python sets, fractions, all candidates one by one.

Only the fold, the splitting into passages, numbers and band keys are the project's own; they have their own tests.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from dedup.fold_table import load
from dedup.kernel import number_reference
from dedup.model import Article
from dedup.settings import Settings
from dedup.sketch import band_keys
from dedup.text import codepoints, fold, passages

Verdict = tuple[int, Fraction] | None  # the kept place, and the similarity to its text
Rule = Callable[[int, int], bool]


def columns(character: str) -> int:
    """2 for Han, kana and Hangul, else 1."""
    name = unicodedata.name(character, "")
    return 2 if name.startswith(("CJK UNIFIED", "HIRAGANA", "KATAKANA", "HANGUL")) else 1


def shingle_set(text: str, size: int = 8) -> set[str]:
    """The shortest runs of at least *size* columns; a narrower text is its own shingle."""
    found = set()
    for start in range(len(text)):
        run = ""
        for character in text[start:]:
            run += character
            if sum(map(columns, run)) >= size:
                found.add(run)
                break
    return found or ({text} if text else set())


def jaccard(one: set[str], other: set[str]) -> Fraction:
    """Shared over united; two empty sets have nothing in common."""
    united = len(one | other)
    return Fraction(len(one & other), united) if united else Fraction(0)


def numbers(text: str) -> set[tuple[str, int]]:
    """The numbers of a folded text, in any writing, by the reference, which tests of its own hold to the hand.

    The second time a number stands in a text it is another number.
    """
    found = list(number_reference.numbers(codepoints(text), load()))
    return {(number, found[:place].count(number)) for place, number in enumerate(found)}


def conflict(one: str, other: str) -> bool:
    """Each has a number that the other lacks."""
    return bool(numbers(one) - numbers(other)) and bool(numbers(other) - numbers(one))


def size(text: str) -> int:
    """Folded characters, narrow ones counting half."""
    return sum(map(columns, text)) // 2


def verifies(one: str, other: str, settings: Settings) -> Fraction | None:
    """The similarity of two folded texts if it makes them near duplicates, numbers aside."""
    first, second = shingle_set(one, settings.shingle), shingle_set(other, settings.shingle)
    similarity = jaccard(first, second)
    if similarity < settings.threshold_fraction:
        return None
    contained = Fraction(len(first & second), min(len(first), len(second)))
    if min(size(one), size(other)) < settings.short_chars and contained < settings.containment_fraction:
        return None
    return similarity


def keys_of(texts: Sequence[str], settings: Settings) -> list[list[int]]:
    """The band keys of each folded text."""
    flat = [np.frombuffer(text.encode("utf-32-le"), np.uint32) for text in texts]
    offsets = np.cumsum([0, *map(len, flat)]).astype(np.int64)
    keys = band_keys(np.concatenate([*flat, np.zeros(0, np.uint32)]).astype(np.uint32), offsets, settings)
    return keys.T.tolist()


def online(
    texts: Sequence[str], domains: Sequence[int], fixed: Sequence[bool], settings: Settings, admitted: Rule
) -> tuple[list[Verdict], list[Verdict]]:
    """For each place (text, domain) in order: what it repeats, and what it is only linked to."""
    posts: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    keys = keys_of(texts, settings)
    repeats: list[Verdict] = [None] * len(texts)
    links: list[Verdict] = [None] * len(texts)
    seen: dict[tuple[str, int], int] = {}
    for place, (text, domain) in enumerate(zip(texts, domains, strict=True)):
        if (text, domain) in seen:
            first = seen[text, domain]
            repeats[place] = repeats[first] or (first, Fraction(1))
            continue
        seen[text, domain] = place
        if not text:
            continue
        own = [(band, key, domain) for band, key in enumerate(keys[place])]
        if not fixed[place]:
            met = {kept for key in own for kept in posts[key]}
            similarities = {kept: verifies(text, texts[kept], settings) for kept in met}
            verified = [(-similarity, kept) for kept, similarity in similarities.items() if similarity is not None]
            for similarity, kept in sorted(verified):
                if admitted(place, kept):
                    repeats[place] = kept, -similarity
                    break
            if repeats[place] is not None:
                continue
            if verified:
                similarity, kept = min(verified)
                links[place] = kept, -similarity
        for key in own:
            if len(posts[key]) < settings.bucket:
                posts[key].append(place)
    return repeats, links


def judge_passages(
    articles: Sequence[Article], settings: Settings, cut_whole: set[int] = frozenset()
) -> dict[tuple[str, int], tuple[tuple[str, int], Fraction]]:
    """(article, start) of each passage that repeats another -> ((article, start) of the kept one, similarity).

    Keep first, scope both. *cut_whole* are positions of articles that are left out.
    """
    places = [
        (position, article.id, int(start), fold(article.text[start:end]))
        for position, article in enumerate(articles)
        if position not in cut_whole
        for start, end in passages(codepoints(article.text), settings.passage).tolist()
    ]

    def run(chosen: list[int], domain: Callable[[int], int], fixed: set[int]) -> dict[int, tuple[int, Fraction]]:
        texts = [places[place][3] for place in chosen]

        def admitted(one: int, other: int) -> bool:
            return settings.numbers == "ignore" or not conflict(texts[one], texts[other])

        found, _ = online(texts, [domain(place) for place in chosen], [p in fixed for p in chosen], settings, admitted)
        return {chosen[at]: (chosen[v[0]], v[1]) for at, v in enumerate(found) if v is not None}

    long = [place for place, row in enumerate(places) if size(row[3]) >= settings.min_chars]
    result = run(long, lambda place: 0, set())
    kept = set(long) - set(result)
    short = [
        place for place, row in enumerate(places) if settings.min_chars_within <= size(row[3]) < settings.min_chars
    ]
    result |= run(sorted([*short, *kept]), lambda place: places[place][0], kept)
    return {places[a][1:3]: (places[b][1:3], similarity) for a, (b, similarity) in result.items()}


def judge_articles(
    articles: Sequence[Article], settings: Settings
) -> tuple[dict[int, tuple[int, Fraction]], dict[int, tuple[int, Fraction]]]:
    """Positions of articles that repeat another as a whole, and of those that are only linked; keep first."""
    wholes, pieces = [], []
    for article in articles:
        spans = passages(codepoints(article.text), settings.passage).tolist()
        folded = [fold(article.text[start:end]) for start, end in spans]
        wholes.append(_joined(folded))
        pieces.append([text for text in folded if size(text) >= settings.min_chars])

    def admitted(one: int, other: int) -> bool:
        if settings.numbers == "strict" and not _numbers_admit(one, other):
            return False
        kept = shingle_set(wholes[other], settings.shingle)
        sets = [shingle_set(piece, settings.shingle) for piece in pieces[one]]
        return all(Fraction(len(own & kept), len(own)) >= settings.threshold_fraction for own in sets)

    def _numbers_admit(one: int, other: int) -> bool:
        if len(pieces[one]) < 2:
            return not conflict(wholes[one], wholes[other])
        first, second = numbers(wholes[one]), numbers(wholes[other])
        return 3 * len(first & second) >= 2 * min(len(first), len(second))

    filled = [position for position, whole in enumerate(wholes) if whole]
    found, links = online(
        [wholes[position] for position in filled],
        [0] * len(filled),
        [False] * len(filled),
        settings,
        lambda one, other: admitted(filled[one], filled[other]),
    )
    return _by_position(filled, found), _by_position(filled, links)


def _by_position(filled: list[int], verdicts: list[Verdict]) -> dict[int, tuple[int, Fraction]]:
    return {filled[at]: (filled[verdict[0]], verdict[1]) for at, verdict in enumerate(verdicts) if verdict is not None}


def _joined(folded: Sequence[str]) -> str:
    whole = ""
    for text in filter(None, folded):
        space = " " if whole and columns(whole[-1]) == 1 and columns(text[0]) == 1 else ""
        whole += space + text
    return whole
