"""Much invented news, fast: what `benchmarks.speed` runs on. No truth is planted; `benchmarks.corpus` does that.

The words are random and follow Zipf's law, with punctuation among them, so that shingles repeat about as they do in
real text. Of the articles a share repeats earlier ones: whole and unchanged, whole with 2 % of the characters
changed, or some of their paragraphs. Half of them carry the lines of a site: its name and the date, the editor.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import orjson

_WORDS = 30_000
_TOKENS = 1 << 16  # drawn at a time
_RECENT = 2_000  # articles that may be repeated


def _vocabulary(rng: random.Random, lang: str) -> list[str]:
    """Words from the most common down, punctuation among the first of them."""
    if lang == "zh":
        signs = [chr(code) for code in rng.sample(range(0x4E00, 0x4E00 + 6000), 3000)]
        weights = [1 / (rank + 20) for rank in range(len(signs))]
        words = ["".join(rng.choices(signs, weights, k=rng.choice((1, 2, 2, 2, 3)))) for _ in range(_WORDS)]
        words[1], words[4] = "，", "。"
        return words
    letters, frequency = "etaoinshrdlucmfwygpbvkxqjz", [26 - rank for rank in range(26)]
    words = [
        "".join(rng.choices(letters, frequency, k=rng.choice((2, 3, 4, 4, 5, 6, 7, 8, 9)))) + " " for _ in range(_WORDS)
    ]
    words[1], words[4] = "\b, ", "\b. "
    return words


def _tokens(seed: int, words: Sequence[str]) -> Iterator[str]:
    """Words by Zipf's law, without end."""
    rng = np.random.default_rng(seed)
    chances = np.cumsum(1 / (np.arange(len(words)) + 2.7))
    while True:
        drawn = np.searchsorted(chances, rng.random(_TOKENS) * chances[-1])
        yield from map(words.__getitem__, drawn.tolist())


def articles(
    count: int, lang: str = "zh", share: float = 0.1, seed: int = 1, line: str = ""
) -> Iterator[dict[str, str]]:
    """Invented articles of about 3.4 kB.

    Args:
        count: how many.
        lang: "zh" or "en".
        share: of articles that repeat others.
        seed: the same for the same articles.
        line: stands in every article, if it is not empty.
    """
    rng = random.Random(seed)
    words = _vocabulary(rng, lang)
    tokens = _tokens(seed, words)
    end = "。" if lang == "zh" else "\b."
    recent: list[list[str]] = []
    for number in range(count):
        paragraphs = []
        for _ in range(rng.randrange(4, 9)):
            drawn = [next(tokens) for _ in range(rng.randrange(40, 160))]
            paragraphs.append("".join(drawn).replace(" \b", "").replace("\b", "").strip("，。, ") + end.strip("\b"))
        if recent and rng.random() < share:
            paragraphs = _repeated(rng, rng.choice(recent), paragraphs, words)
        if len(recent) < _RECENT:
            recent.append(paragraphs)
        else:
            recent[rng.randrange(_RECENT)] = paragraphs
        yield {"id": f"{lang}-{number}", "text": "\n".join(_furnished(rng, paragraphs, lang, line))}


def _repeated(rng: random.Random, old: list[str], new: list[str], words: Sequence[str]) -> list[str]:
    kind = rng.random()
    if kind < 0.4:
        return old
    if kind < 0.7:
        return [_edited(rng, paragraph, words) for paragraph in old]
    return [*new[: len(new) // 2], *rng.sample(old, min(2, len(old))), *new[len(new) // 2 :]]


def _edited(rng: random.Random, paragraph: str, words: Sequence[str]) -> str:
    signs = list(paragraph)
    for _ in range(len(signs) // 50):
        signs[rng.randrange(len(signs))] = rng.choice(words)[0]
    return "".join(signs)


def _furnished(rng: random.Random, paragraphs: list[str], lang: str, line: str) -> list[str]:
    lines = [paragraphs[0][: 20 if lang == "zh" else 60], *paragraphs]
    if line:
        lines.insert(2, line)
    if rng.random() < 0.5:
        site, day = rng.randrange(40), f"20{rng.randrange(10, 25)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
        if lang == "zh":
            return [lines[0], f"来源：第{site}网　{day} 10:{rng.randrange(10, 60)}", *lines[1:], f"责任编辑：林{site}"]
        return [lines[0], f"Published: {day}", *lines[1:], f"© 20{site + 10} Site {site}. All rights reserved."]
    return lines


def write(path: Path, count: int, lang: str = "zh", share: float = 0.1, seed: int = 1, line: str = "") -> int:
    """Writes articles as JSONL; how many bytes of text they have in UTF-8."""
    size = 0
    with path.open("wb") as out:
        for record in articles(count, lang, share, seed, line):
            size += len(record["text"].encode())
            out.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
    return size
