"""Invented news with planted truth: `python -m benchmarks.corpus OUT --articles 2400 --seed 1`.

Writes OUT/articles.jsonl ({"id", "source", "lang", "text"}) and OUT/labels.jsonl, in the form that
`dedup evaluate` reads. Every article comes with the truth about each of its lines; every planted repetition with a
pair, whose `kind` is the edit, `level` its strength, and `same` false where the copy is other news. Where opinions
may differ (exchanged names) the pair has "open": true and is written to OUT/open.jsonl alone.

A corpus is made in shards of 200 articles, each from the seed and its own number, so that size costs no memory, and a
larger corpus begins with the smaller one. Copies stand after what they copy. `--fit FILE` samples the sentences from a
character (Chinese) or word (others) chain fitted to the user's text instead of the project's own patterns.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, cycle
from pathlib import Path
from typing import Any

import orjson

from benchmarks import words

SHARD = 200
_SOURCES, _HOSTS = 80, 84  # of a shard; the rest are copies of whole articles
_PLANTS = 4  # of a host
_SCRIPTS = {"tw": ("s2tw", words.TAIWAN), "hk": ("s2hk", words.HONG_KONG)}


@dataclass(frozen=True)
class Passage:
    """A line of invented news with the names of the people in it."""

    sentences: tuple[str, ...]
    names: tuple[str, ...] = ()
    lang: str = "zh"

    @property
    def text(self) -> str:
        """The line."""
        return ("" if self.lang == "zh" else " ").join(self.sentences)


@dataclass(frozen=True)
class Line:
    """A line of an article and what is to become of it: cut, stay, or (None) as you like."""

    text: str
    cut: bool | None
    kind: str


@dataclass
class Draft:
    """An article in the making."""

    id: str
    source: str
    lang: str
    lines: list[Line] = field(default_factory=list)
    passages: list[tuple[int, Passage]] = field(default_factory=list)  # (line, passage) that may be copied

    @property
    def text(self) -> str:
        """The lines, each with its end."""
        return "".join(line.text + "\n" for line in self.lines)

    def span(self, first: int, last: int) -> dict[str, Any]:
        """The place of the lines *first* to *last*, as a label names it, without the last line end."""
        starts = [0, *accumulate(len(line.text) + 1 for line in self.lines)]
        return {"article": self.id, "start": starts[first], "end": starts[last + 1] - 1}


# --------------------------------------------------------------------------------------------------------------- words


class Speaker:
    """Invents sentences of one article: a few words of every list are its topic, the rest follow Zipf's law."""

    def __init__(self, rng: random.Random, lang: str, ranked: dict[str, list[str]], chain: Chain | None) -> None:
        self._rng, self._lang, self._chain = rng, lang, chain
        self._own = words.ZH if lang == "zh" else words.EN
        self._lists: dict[str, list[str]] = {}
        for name, values in ranked.items():
            topic = rng.sample(values, min(6, len(values)))
            self._lists[name] = topic + [value for value in values if value not in topic]
        self.places = [self._place() for _ in range(3)]
        self.people = [self._name() for _ in range(4)]

    def passage(self, least: int, most: int) -> Passage:
        """Between *least* and *most* sentences."""
        names: list[str] = []
        sentences = tuple(self.sentence(names) for _ in range(self._rng.randint(least, most)))
        return Passage(sentences, tuple(dict.fromkeys(names)), self._lang)

    def sentence(self, names: list[str] | None = None) -> str:
        """One sentence; the people in it are added to *names*."""
        if self._chain is not None:
            return self._chain.sentence(self._rng)
        return self.filled(self._rng.choice(self._own["pattern"]), names)

    def filled(self, pattern: str, names: list[str] | None = None) -> str:
        """A pattern with words in its places."""

        def word(match: re.Match[str]) -> str:
            if match[1] in ("nth", "year", "count"):
                return _written(self._rng, match[1], self._lang)
            if match[1] == "name":
                name = self._rng.choice(self.people)
                if names is not None:
                    names.append(name)
                return name
            return self.word(match[1])

        text = re.sub(r"\{(\w+)\}", word, pattern)
        return text[0].upper() + text[1:]

    def word(self, name: str) -> str:
        """A word of a list, or a number."""
        rng = self._rng
        if name == "place":
            return rng.choice(self.places) if self._lang == "zh" else self._zipf("place")
        if name == "num":
            return f"{rng.randint(10, 9999)}"
        if name in ("small", "hour"):
            return str(rng.randint(3, 23))
        if name == "tens":
            return str(rng.randint(10, 99))
        if name == "date":
            month, day = rng.randint(1, 12), rng.randint(1, 28)
            return f"{month}月{day}日" if self._lang == "zh" else f"{words.EN_MONTHS[month - 1]} {day}"
        return self._zipf(name)

    def _zipf(self, name: str) -> str:
        values = self._lists[name]
        return values[min(bisect(_zipf_sums(len(values)), self._rng.random()), len(values) - 1)]

    def _place(self) -> str:
        if self._lang != "zh":
            return self._zipf("place")
        return "".join(self._rng.sample(words.ZH["place"].split(), 2)) + self._rng.choice(words.ZH["division"].split())

    def _name(self) -> str:
        if self._lang != "zh":
            return self._zipf("name")
        given = self._rng.sample(words.ZH["given"].split(), self._rng.choice([1, 2, 2]))
        return self._rng.choice(words.ZH["surname"].split()) + "".join(given)


_HAN_DIGITS = "零一二三四五六七八九"
_NUMBER_WORDS = [
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
    *("twenty-one", "twenty-four", "thirty-two", "thirty-six", "forty-three", "fifty-five", "sixty-eight"),
]
_ORDINALS = ["third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twenty-second"]
_WRITTEN = {
    "zh": re.compile("(?<=第)[一二三四五六七八九十]+(?=届)|一九[一二三四五六七八九]{2}(?=年)"),
    "en": re.compile(rf"\b(?:{'|'.join(sorted((*_NUMBER_WORDS, *_ORDINALS), key=len, reverse=True))})\b"),
}


def _written(rng: random.Random, name: str, lang: str) -> str:
    """A number in words: an ordinal below a hundred, a year of the last century (Chinese), or a count (English)."""
    if lang == "en":
        return rng.choice(_ORDINALS if name == "nth" else _NUMBER_WORDS)
    if name == "year":
        return "一九" + "".join(_HAN_DIGITS[rng.randint(1, 9)] for _ in range(2))
    tens, ones = divmod(rng.randint(3, 99), 10)
    return (("" if tens == 1 else _HAN_DIGITS[tens]) + "十" if tens else "") + (_HAN_DIGITS[ones] if ones else "")


_sums: dict[int, list[float]] = {}


def _zipf_sums(count: int) -> list[float]:
    if count not in _sums:
        weights = [1 / (rank + 2.7) for rank in range(count)]
        _sums[count] = [total / sum(weights) for total in accumulate(weights)]
    return _sums[count]


class Chain:
    """Sentences from a chain of tokens (a Han character or a word), each drawn after the two before it."""

    def __init__(self, text: str) -> None:
        self._next: dict[tuple[str, str], list[str]] = defaultdict(list)
        for sentence in re.split(r"(?<=[。！？])|(?<=[.!?])\s+|\n", text):
            tokens = re.findall(r"[a-zA-Z0-9.,'-]+ ?|\S", sentence)
            if len(tokens) >= 4:
                before = ("", "")
                for token in [*tokens, ""]:
                    self._next[before].append(token)
                    before = (before[1], token)
        if not self._next:
            raise SystemExit("benchmarks.corpus: --fit: the text has no sentence; name a longer one")

    def sentence(self, rng: random.Random) -> str:
        """At most 60 tokens."""
        found, before = [], ("", "")
        while len(found) < 60 and (token := rng.choice(self._next[before])):
            found.append(token)
            before = (before[1], token)
        return "".join(found).strip()


# --------------------------------------------------------------------------------------------------------------- edits

Edit = Callable[[random.Random, Passage, Speaker, float], str | None]
"""(rng, passage, speaker, level) -> the edited line, or None where the passage has nothing to edit."""


def _free(text: str) -> list[int]:
    """Positions that a scattered edit may touch: no numeral and nothing beside one, as other numbers are other news."""
    return [at for at in range(len(text)) if not any(map(str.isnumeric, text[max(0, at - 1) : at + 2]))]


def _spots(
    rng: random.Random, text: str, level: float, apart: int = 1, among: Iterable[int] | None = None
) -> list[int]:
    """Positions for as many edits as *level* asks, or as there is room for."""
    free = _free(text) if among is None else sorted(among)
    count = max(1, round(level * len(text)))
    rng.shuffle(free)
    chosen: list[int] = []
    for at in free:
        if len(chosen) < count and all(abs(at - other) >= apart for other in chosen):
            chosen.append(at)
    return sorted(chosen)


def _character(rng: random.Random, lang: str, other: str = "") -> str:
    pool = _ZH_CHARACTERS if lang == "zh" else "abcdefghijklmnopqrstuvwxyz"
    while (found := rng.choice(pool)) == other:
        pass
    return found


_ZH_CHARACTERS = "".join(sorted(set("".join((words.ZH["noun"] + words.ZH["verb"] + words.ZH["adj"]).split()))))


def substitute(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str:
    """A share of the characters exchanged for others."""
    text = list(passage.text)
    for at in _spots(rng, passage.text, level):
        text[at] = _character(rng, passage.lang, text[at].lower())
    return "".join(text)


def insert(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str:
    """A share of new characters put in."""
    text = list(passage.text)
    for at in reversed(_spots(rng, passage.text, level)):
        text.insert(at, _character(rng, passage.lang))
    return "".join(text)


def delete(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str:
    """A share of the characters left out."""
    gone = set(_spots(rng, passage.text, level))
    return "".join(character for at, character in enumerate(passage.text) if at not in gone)


def swap(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str:
    """Unequal neighbours exchanged: a share of the characters moves."""
    text, free = list(passage.text), set(_free(passage.text))
    apart = {at for at in free if at + 1 in free and text[at] != text[at + 1]}
    for at in _spots(rng, passage.text, level / 2, apart=2, among=apart):
        text[at], text[at + 1] = text[at + 1], text[at]
    return "".join(text)


def replace_words(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str | None:
    """Whole words exchanged, until a share of the characters is other."""
    text = passage.text
    known = words.ZH["noun"].split() if passage.lang == "zh" else words.EN["noun"].split()
    places = list(re.finditer("|".join(sorted(known, key=len, reverse=True)), text))
    rng.shuffle(places)
    chosen, room = [], level * len(text)
    for match in places:
        if len(match[0]) <= room:
            chosen.append(match)
            room -= len(match[0])
    if not chosen:
        return None
    for match in sorted(chosen, key=lambda match: -match.start()):
        other = rng.choice([word for word in known if word != match[0]])
        text = text[: match.start()] + other + text[match.end() :]
    return text


def add_sentence(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str:
    """A sentence put in."""
    at = rng.randint(0, len(passage.sentences))
    return Passage((*passage.sentences[:at], speaker.sentence(), *passage.sentences[at:]), (), passage.lang).text


def cut_sentence(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str | None:
    """A sentence left out."""
    if len(passage.sentences) < 2:
        return None
    at = rng.randrange(len(passage.sentences))
    return Passage(passage.sentences[:at] + passage.sentences[at + 1 :], (), passage.lang).text


def truncate(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str:
    """The end left out."""
    return passage.text[: round((1 - level) * len(passage.text))].rstrip()


def reorder(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str | None:
    """Two sentences exchanged."""
    if len(passage.sentences) < 2:
        return None
    sentences = list(passage.sentences)
    at = rng.randrange(len(sentences) - 1)
    sentences[at], sentences[at + 1] = sentences[at + 1], sentences[at]
    return Passage(tuple(sentences), (), passage.lang).text


def _script(place: str, vocabulary: bool) -> Edit:
    def edit(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str | None:
        """The same in traditional characters, with or without the words of the place."""
        config, exchanged = _SCRIPTS[place]
        text = passage.text
        if passage.lang != "zh":
            return None
        if vocabulary:
            for one, other in exchanged.items():
                text = text.replace(one, other)
            if text == passage.text:
                return None
        return _converter(config).convert(text)

    return edit


_converters: dict[str, Any] = {}


def _converter(config: str) -> Any:
    if config not in _converters:
        try:
            from opencc import OpenCC  # noqa: PLC0415
        except ImportError:
            raise SystemExit("benchmarks.corpus needs OpenCC for traditional copies: pip install OpenCC") from None
        _converters[config] = OpenCC(config)
    return _converters[config]


def annotate(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str | None:
    """Romanised readings in brackets after characters."""
    text = passage.text
    found = [at for at, character in enumerate(text) if character in words.PINYIN]
    if passage.lang != "zh" or not found:
        return None
    for at in sorted(rng.sample(found, min(len(found), max(1, round(level * len(text))))), reverse=True):
        left, right = rng.choice(["()", "（）"])
        text = text[: at + 1] + left + words.PINYIN[text[at]] + right + text[at + 1 :]
    return text


def full_width(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str | None:
    """Letters, digits and signs in their full-width forms."""
    text = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in passage.text)
    return text if text != passage.text else None


def mojibake(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str:
    """Characters that a wrong decoding has eaten."""
    text = list(passage.text)
    for at in _spots(rng, passage.text, level):
        text[at] = rng.choice(["\ufffd", "锟斤拷", "â€œ"])
    return "".join(text)


def tags(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str:
    """Residue of markup."""
    text = passage.text
    for at in sorted(rng.sample(range(len(text)), max(1, round(level * len(text)))), reverse=True):
        text = text[:at] + rng.choice(["<br/>", "&nbsp;", "</p>", "<strong>", "&quot;"]) + text[at:]
    return text


def other_numbers(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str | None:
    """Every number another of as many digits."""

    def other(match: re.Match[str]) -> str:
        while (number := str(rng.randint(10 ** (len(match[0]) - 1), 10 ** len(match[0]) - 1))) in passage.text:
            pass
        return number

    text = re.sub(r"\d{2,}", other, passage.text)
    return text if text != passage.text else None


def other_written_numbers(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str | None:
    """Every number in Han numerals or words another one of its kind."""

    def other(match: re.Match[str]) -> str:
        name = "year" if match[0].startswith("一九") else "nth" if passage.lang == "zh" else "count"
        if match[0] in _ORDINALS:
            name = "nth"
        while (number := _written(rng, name, passage.lang)) in passage.text:
            pass
        return number

    text = _WRITTEN[passage.lang].sub(other, passage.text)
    return text if text != passage.text else None


def _all_numbers_changed(rng: random.Random, passage: Passage, speaker: Speaker) -> str | None:
    digits = other_numbers(rng, passage, speaker, 0)
    words = other_written_numbers(rng, Passage((digits or passage.text,), (), passage.lang), speaker, 0)
    return words or digits


def in_digits(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str | None:
    """The numbers of the Chinese text that are in Han numerals in digits: the same news."""
    if passage.lang != "zh":
        return None

    def digits(match: re.Match[str]) -> str:
        if len(match[0]) == 4:
            return "".join(str(_HAN_DIGITS.index(digit)) for digit in match[0])
        tens, ten, ones = match[0].rpartition("十")
        value = (_HAN_DIGITS.index(tens) if tens else 1) * 10 if ten else 0
        return str(value + (_HAN_DIGITS.index(ones) if ones else 0))

    text = _WRITTEN["zh"].sub(digits, passage.text)
    return text if text != passage.text else None


def other_names(rng: random.Random, passage: Passage, speaker: Speaker, level: float) -> str | None:
    """Everybody in it somebody else."""
    text = passage.text
    for name, other in zip(passage.names, speaker.people, strict=False):
        if other not in passage.names:
            text = text.replace(name, other)
    return text if text != passage.text else None


_LEVELS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.25)
# kind -> (edit, levels, whether the copy is the same news: None where opinions differ)
EDITS: dict[str, tuple[Edit, tuple[float, ...], bool | None]] = {
    "exact": (lambda rng, passage, speaker, level: passage.text, (0.0,), True),
    "substitute": (substitute, _LEVELS, True),
    "insert": (insert, _LEVELS, True),
    "delete": (delete, _LEVELS, True),
    "swap": (swap, _LEVELS, True),
    "words": (replace_words, (0.05, 0.1, 0.25), True),
    "sentence added": (add_sentence, (0.0,), True),
    "sentence cut": (cut_sentence, (0.0,), True),
    "truncated": (truncate, (0.1, 0.25), True),
    "sentences reordered": (reorder, (0.0,), True),
    "script tw": (_script("tw", False), (0.0,), True),
    "script hk": (_script("hk", False), (0.0,), True),
    "vocabulary tw": (_script("tw", True), (0.0,), True),
    "vocabulary hk": (_script("hk", True), (0.0,), True),
    "annotations": (annotate, (0.05, 0.2), True),
    "full-width": (full_width, (0.0,), True),
    "mojibake": (mojibake, (0.01, 0.03), True),
    "tags": (tags, (0.01, 0.03), True),
    "numbers": (other_numbers, (0.0,), False),
    "numbers in words": (other_written_numbers, (0.0,), False),
    "numbers in digits": (in_digits, (0.0,), True),
    "names": (other_names, (0.0,), None),
}
_PLANTS_IN_TURN = [(kind, level) for kind, (_, levels, _) in EDITS.items() for level in levels]
ARTICLE_KINDS = (
    "article exact",
    "article substitute 0.02",
    "article substitute 0.05",
    "article script tw",
    "article other site",
    "article merged",
    "article split",
    "article reordered",
    "article sentences added",
    "article truncated",
    "article numbers",
    "article look-alike",
)


# -------------------------------------------------------------------------------------------------------------- shards


@dataclass
class Shard:
    """Articles and labels in the making."""

    seed: int
    number: int
    chain: Chain | None = None
    drafts: list[Draft] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(f"{self.seed}:{self.number}")
        self.lang = "en" if self.number % 4 == 3 and self.chain is None else "zh"
        own = words.ZH if self.lang == "zh" else words.EN
        order = random.Random(f"{self.seed}:{self.lang}")
        self.ranked: dict[str, list[str]] = {}
        for name, values in own.items():
            if isinstance(values, str) and name not in ("surname", "given", "division"):
                split = values.split("|") if "|" in values else values.split()
                if name == "org" and self.lang == "en":
                    split = values.split("|")
                self.ranked[name] = [" ".join(value.split()) for value in split]
                order.shuffle(self.ranked[name])

    # what articles are made of

    def speaker(self) -> Speaker:
        return Speaker(self.rng, self.lang, self.ranked, self.chain)

    def open_draft(self, speaker: Speaker, site: int | None = None) -> Draft:
        names = words.ZH_SITE_NAMES if self.lang == "zh" else words.EN_SITE_NAMES
        if site is None:
            site = self.rng.randrange(len(names))
        draft = Draft(f"{self.lang}-{self.number:05}-{len(self.drafts):03}", names[site], self.lang)
        self.drafts.append(draft)
        self._site_lines(draft, speaker, site, 0)
        return draft

    def close(self, draft: Draft, speaker: Speaker) -> None:
        names = words.ZH_SITE_NAMES if self.lang == "zh" else words.EN_SITE_NAMES
        self._site_lines(draft, speaker, names.index(draft.source), 1)

    def _site_lines(self, draft: Draft, speaker: Speaker, site: int, part: int) -> None:
        sites = words.ZH_SITES if self.lang == "zh" else words.EN_SITES
        for pattern in sites[site % len(sites)][part]:
            text = pattern.replace("{site}", draft.source).replace("{date}", f"2024-{self.rng.randint(10, 12)}-02")
            draft.lines.append(Line(text.replace("{count}", str(self.rng.randint(10, 999))), True, "boilerplate"))

    def fresh(self, draft: Draft, speaker: Speaker, kind: str = "content") -> None:
        """Adds a passage of its own, now and then under a heading."""
        own = words.ZH if self.lang == "zh" else words.EN
        if self.rng.random() < 0.15:
            draft.lines.append(Line(self.rng.choice(own["heading"]), False, "short line"))
        passage = speaker.passage(2, 6)
        draft.passages.append((len(draft.lines), passage))
        draft.lines.append(Line(passage.text, False, kind))
        if self.rng.random() < 0.1:
            draft.lines.append(Line(self.rng.choice(own["refrain"]), False, "short line"))

    def pair(self, kind: str, level: float, same: bool | None, a: dict[str, Any], b: dict[str, Any]) -> None:
        label = {"type": "pair", "a": a, "b": b, "same": same is not False, "kind": kind, "level": level}
        label["lang"] = self.lang
        if same is None:
            label["open"] = True
        self.labels.append(label)

    # what is planted

    def build(self) -> Shard:
        """The whole shard."""
        sources = [self._source() for _ in range(_SOURCES)]
        single = [(draft, line, passage) for draft in sources for line, passage in draft.passages]
        self.rng.shuffle(single)
        turn = cycle(_PLANTS_IN_TURN)
        for _ in range(self.number * 7 % len(_PLANTS_IN_TURN)):
            next(turn)
        for number in range(_HOSTS):
            self._host(number, single, turn, sources)
        for number in range(SHARD - _SOURCES - _HOSTS):
            self._copy(ARTICLE_KINDS[(number + self.number) % len(ARTICLE_KINDS)])
        self._line_labels()
        return self

    def _source(self) -> Draft:
        speaker = self.speaker()
        draft = self.open_draft(speaker)
        for _ in range(self.rng.randint(4, 9)):
            self.fresh(draft, speaker, "source")
        self.close(draft, speaker)
        return draft

    def _host(
        self,
        number: int,
        single: list[tuple[Draft, int, Passage]],
        turn: Iterator[tuple[str, float]],
        sources: Sequence[Draft],
    ) -> None:
        speaker = self.speaker()
        draft = self.open_draft(speaker)
        self.fresh(draft, speaker)
        for _ in range(_PLANTS):
            self._plant(draft, speaker, single, *next(turn))
            if self.rng.random() < 0.5:
                self.fresh(draft, speaker)
        special = (self._block, self._merged, self._split, self._within, self._template, self._cluster)
        special[number % len(special)](draft, speaker, single, sources)
        self.fresh(draft, speaker)
        self.close(draft, speaker)

    def _plant(
        self, draft: Draft, speaker: Speaker, single: list[tuple[Draft, int, Passage]], kind: str, level: float
    ) -> None:
        edit, _, same = EDITS[kind]
        for at in range(len(single) - 1, -1, -1):
            source, line, passage = single[at]
            text = edit(self.rng, passage, speaker, level)
            if text is not None:
                del single[at]
                draft.lines.append(Line(text, same, kind))
                here = len(draft.lines) - 1
                self.pair(kind, level, same, source.span(line, line), draft.span(here, here))
                return

    def _block(self, draft: Draft, speaker: Speaker, single: list[Any], sources: Sequence[Draft]) -> None:
        source = self.rng.choice([one for one in sources if self._runs(one)])
        first = self.rng.choice(self._runs(source))
        here = len(draft.lines)
        draft.lines += [Line(line.text, True, "block") for line in source.lines[first : first + 3]]
        place = draft.span(here, here + 2)
        self.labels.append({"type": "span", **place, "cut": True, "kind": "block run", "lang": self.lang})
        for step in range(3):
            self.pair("block", 0.0, True, source.span(first + step, first + step), draft.span(here + step, here + step))

    @staticmethod
    def _runs(draft: Draft) -> list[int]:
        lines = [line for line, _ in draft.passages]
        return [line for line in lines if line + 1 in lines and line + 2 in lines]

    def _merged(self, draft: Draft, speaker: Speaker, single: list[Any], sources: Sequence[Draft]) -> None:
        one, two = single.pop(), single.pop()
        joined = Passage((one[2].text, two[2].text), (), self.lang).text
        draft.lines.append(Line(joined, True, "merged"))
        here = draft.span(len(draft.lines) - 1, len(draft.lines) - 1)
        for source, line, _ in (one, two):
            self.pair("merged", 0.0, True, source.span(line, line), here)

    def _split(self, draft: Draft, speaker: Speaker, single: list[Any], sources: Sequence[Draft]) -> None:
        at = next(at for at in range(len(single) - 1, -1, -1) if len(single[at][2].sentences) >= 2)
        source, line, passage = single.pop(at)
        half = len(passage.sentences) // 2
        for part in (passage.sentences[:half], passage.sentences[half:]):
            draft.lines.append(Line(Passage(part, (), self.lang).text, True, "split"))
            here = len(draft.lines) - 1
            self.pair("split", 0.0, True, source.span(line, line), draft.span(here, here))

    def _within(self, draft: Draft, speaker: Speaker, single: list[Any], sources: Sequence[Draft]) -> None:
        line, passage = draft.passages[0]
        short = Passage((speaker.sentence(),), (), self.lang)
        at = len(draft.lines)
        draft.lines.append(Line(short.text, False, "content"))
        self.fresh(draft, speaker)
        draft.lines.append(Line(short.text, None, "within, one sentence"))  # under 20 folded characters it may stay
        draft.lines.append(Line(passage.text, True, "within"))
        here = len(draft.lines) - 1
        self.pair("within, one sentence", 0.0, True, draft.span(at, at), draft.span(here - 1, here - 1))
        self.pair("within", 0.0, True, draft.span(line, line), draft.span(here, here))

    def _template(self, draft: Draft, speaker: Speaker, single: list[Any], sources: Sequence[Draft]) -> None:
        pattern = self.rng.choice(words.ZH_TEMPLATES if self.lang == "zh" else words.EN_TEMPLATES)
        draft.lines.append(Line(speaker.filled(pattern), False, "look-alike"))
        at = len(draft.lines) - 1
        other = self.speaker()
        if self.rng.random() < 0.5:  # the same place on another day
            other.places, other.people = speaker.places, speaker.people
        second = self.open_draft(other)
        self.fresh(second, other)
        second.lines.append(Line(other.filled(pattern), False, "look-alike"))
        here = len(second.lines) - 1
        self.fresh(second, other)
        self.close(second, other)
        self.pair("look-alike", 0.0, False, draft.span(at, at), second.span(here, here))

    def _cluster(self, draft: Draft, speaker: Speaker, single: list[Any], sources: Sequence[Draft]) -> None:
        source, line, passage = single.pop()
        members = [source.span(line, line)]
        for level in (0.0, 0.01, 0.02, 0.03):
            draft.lines.append(Line(substitute(self.rng, passage, speaker, level), True, "cluster"))
            members.append(draft.span(len(draft.lines) - 1, len(draft.lines) - 1))
            self.fresh(draft, speaker)
        self.labels.append({"type": "cluster", "members": members, "lang": self.lang})

    def _copy(self, kind: str) -> None:
        """An article of its own and a copy of it."""
        if len(self.drafts) + 2 > SHARD:
            return
        speaker = self.speaker()
        source = self.open_draft(speaker)
        template = kind == "article look-alike"
        for _ in range(self.rng.randint(3, 7)):
            if template:
                pattern = self.rng.choice(words.ZH_TEMPLATES if self.lang == "zh" else words.EN_TEMPLATES)
                source.passages.append((len(source.lines), Passage((pattern,))))
                source.lines.append(Line(speaker.filled(pattern), False, "look-alike"))
            else:
                self.fresh(source, speaker, "source")
        self.close(source, speaker)
        names = words.ZH_SITE_NAMES if self.lang == "zh" else words.EN_SITE_NAMES
        site = names.index(source.source)
        copy = self.open_draft(speaker, (site + 1) % len(names) if kind == "article other site" else site)
        copy.lines += self._copied(kind, source, self.speaker() if template else speaker)
        self.close(copy, speaker)
        changed = [one.text for one in copy.lines if one.cut is False]
        same = kind not in ("article numbers", "article look-alike") or not changed  # there may be no number to change
        self.pair(kind, 0.0, same, {"article": source.id}, {"article": copy.id})
        self.labels[-1].update(a=source.id, b=copy.id)

    def _copied(self, kind: str, source: Draft, speaker: Speaker) -> list[Line]:
        rng, passages = self.rng, [passage for _, passage in source.passages]
        if kind == "article look-alike":
            return [Line(speaker.filled(passage.text), False, kind) for passage in passages]
        texts = [passage.text for passage in passages]
        if kind.startswith("article substitute"):
            texts = [substitute(rng, passage, speaker, float(kind.rpartition(" ")[2])) for passage in passages]
        elif kind == "article script tw":
            texts = [EDITS["script tw"][0](rng, passage, speaker, 0) or passage.text for passage in passages]
        elif kind == "article merged":
            space = "" if self.lang == "zh" else " "
            texts = [space.join(texts[at : at + 2]) for at in range(0, len(texts), 2)]
        elif kind == "article split":
            halves = [(p.sentences[: len(p.sentences) // 2], p.sentences[len(p.sentences) // 2 :]) for p in passages]
            texts = [Passage(part, (), self.lang).text for pair in halves for part in pair if part]
        elif kind == "article reordered":
            texts = texts[1:] + texts[:1]
        elif kind == "article sentences added":
            at = rng.randrange(len(passages))
            texts[at] = add_sentence(rng, passages[at], speaker, 0)
        elif kind == "article truncated":
            texts = texts[: max(1, len(texts) // 2)]
        elif kind == "article numbers":
            others = [_all_numbers_changed(rng, passage, speaker) for passage in passages]
            return [Line(o or t, False if o else None, kind) for o, t in zip(others, texts, strict=True)]
        return [Line(text, True, kind) for text in texts]

    def _line_labels(self) -> None:
        for draft in self.drafts:
            for at, line in enumerate(draft.lines):
                if line.cut is not None:
                    label = {"type": "span", **draft.span(at, at), "cut": line.cut, "kind": line.kind}
                    self.labels.append({**label, "lang": self.lang})


def shards(articles: int, seed: int, chain: Chain | None = None) -> Iterator[Shard]:
    """The shards of a corpus of at least *articles* articles."""
    for number in range(-(-articles // SHARD)):
        yield Shard(seed, number, chain).build()


def records(drafts: Iterable[Draft]) -> Iterator[dict[str, Any]]:
    """Articles as they are written."""
    for draft in drafts:
        yield {"id": draft.id, "source": draft.source, "lang": draft.lang, "text": draft.text}


def write(out: Path, articles: int, seed: int, chain: Chain | None = None) -> tuple[int, int]:
    """Writes articles.jsonl, labels.jsonl and open.jsonl; returns how many articles and labels."""
    out.mkdir(parents=True, exist_ok=True)
    counts = [0, 0]
    with (
        (out / "articles.jsonl").open("wb") as texts,
        (out / "labels.jsonl").open("wb") as labels,
        (out / "open.jsonl").open("wb") as undecided,
    ):
        for shard in shards(articles, seed, chain):
            for record in records(shard.drafts):
                texts.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
            for label in shard.labels:
                file = undecided if label.get("open") else labels
                file.write(orjson.dumps(label, option=orjson.OPT_APPEND_NEWLINE))
            counts[0] += len(shard.drafts)
            counts[1] += len(shard.labels)
    return counts[0], counts[1]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corpus", description="News with planted truth.")
    parser.add_argument("out", type=Path, help="folder for articles.jsonl, labels.jsonl and open.jsonl")
    parser.add_argument("--articles", type=int, default=2400, help="at least so many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fit", type=Path, help="UTF-8 text whose sentences are imitated instead of the project's own")
    given = parser.parse_args(arguments)
    chain = Chain(given.fit.read_text(encoding="utf-8")) if given.fit else None
    articles, labels = write(given.out, given.articles, given.seed, chain)
    print(f"{given.out}: {articles:,} articles, {labels:,} labels", file=sys.stderr)


if __name__ == "__main__":
    main()
