"""Random corpora with planted repetitions, small enough for the oracle."""

from __future__ import annotations

import random

from dedup.model import Article

HAN = (
    "春江花月夜海上明生滩何处无照人初见代已只似望相流水白云一片去悠青枫浦不胜愁谁家今扁舟子楼可怜裴回离妆镜台玉户帘中卷"
    "捣衣砧拂还来此时闻逐华君鸿雁长飞光度鱼龙潜跃成文昨梦落半斜沉藏雾碣石潇湘路乘归摇情满树市县区委政府召开会议部署防洪"
)
WORDS = """harbour council opened the long bridge before winter and traders along river counted boats while rain fell on
every quiet street where engineers had measured stone after stone for many patient years""".split()


def sentence(rng: random.Random, least: int = 10, most: int = 90) -> str:
    """One Chinese sentence of invented characters, now and then with a number."""
    text = "".join(rng.choices(HAN, k=rng.randint(least, most)))
    if rng.random() < 0.3:
        cut = rng.randint(0, len(text))
        text = f"{text[:cut]}{rng.randint(1, 40)}{text[cut:]}"
    return text + "。"


def english(rng: random.Random) -> str:
    """One English sentence."""
    return " ".join(rng.choices(WORDS, k=rng.randint(4, 30))).capitalize() + "."


def edited(rng: random.Random, text: str, share: float) -> str:
    """The text with a share of its characters replaced, left out or doubled."""
    characters = list(text)
    for _ in range(round(share * len(characters))):
        at = rng.randrange(len(characters))
        characters[at] = rng.choice(["", characters[at] * 2, rng.choice(HAN)])
    return "".join(characters)


def corpus(seed: int, articles: int = 14, pool: int = 24) -> list[Article]:
    """Articles that draw their passages from one pool, some edited, some in runs, some repeated inside the article."""
    rng = random.Random(seed)
    passages = [sentence(rng) if rng.random() < 0.8 else english(rng) for _ in range(pool)]
    made: list[Article] = []
    for number in range(articles):
        if made and rng.random() < 0.25:
            text = edited(rng, rng.choice(made).text, rng.choice([0, 0.01, 0.05, 0.2]))
        else:
            lines = []
            for _ in range(rng.randint(0, 7)):
                start = rng.randrange(pool)
                run = passages[start : start + rng.choice([1, 1, 2, 3])]
                lines += [edited(rng, line, rng.choice([0, 0, 0, 0.02, 0.1])) for line in run]
                if lines and rng.random() < 0.2:
                    lines.append(rng.choice(lines))
            ends = rng.choice(["\n", "\n\n", "\r\n", "\n　　"])
            text = ends.join(lines) + rng.choice(["", "\n"])
        made.append(Article(f"a{number}", text))
    return made
