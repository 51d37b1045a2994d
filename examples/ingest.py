"""A crawler's loop: every page is judged against all that came before, today and after a restart."""

from collections.abc import Iterator
from tempfile import TemporaryDirectory

import dedup

STORY = (
    "岭背村的水磨停了二十年，上月由三位木匠重新装好。磨盘转起来的那天，全村人排队磨了一回新麦，"
    "磨坊主人把头一斗面分给了帮工的邻居，剩下的烙成饼，摆在桥头请过路人吃。"
)
QUOTED = "旧钥匙由邮递员逐户收回，熔成一只铜铃，挂在邮所门口。谁家有挂号信，铃就响三声，远处田里干活的人也听得见。"
MONDAY = [
    ("https://linan-daily.example/mill", "linan-daily", STORY),
    ("https://yunting-net.example/mill", "yunting-net", STORY.replace("全村人", "村里人")),
    ("https://linan-daily.example/bell", "linan-daily", f"石鹭镇的信箱换了新锁。\n{QUOTED}"),
]
TUESDAY = [
    (
        "https://qingzhe.example/letters",
        "qingzhe-online",
        f"邮递员老周退休前一天讲了铜铃的来历，听的人坐满了院子，孩子们爬上墙头，讲到半夜灯油添了三回才散。\n{QUOTED}",
    ),
    ("https://linan-daily.example/mill", "linan-daily", STORY),  # the crawler comes by again
]


def pages(day: list[tuple[str, str, str]]) -> Iterator[dedup.Article]:
    """What a crawler brings: the address is the id, so that a page that comes again is known."""
    for address, site, text in day:
        yield dedup.Article(address, text, site=site)


def ingest(folder: str, day: list[tuple[str, str, str]]) -> None:
    """Judges and stores the pages of a day."""
    with dedup.Index(folder) as index:
        for page in pages(day):
            verdict = index.add(page)  # on disk when this returns; after a crash the page may simply be added again
            if verdict.duplicate_of is not None:
                site = verdict.sources[verdict.duplicate_of]["site"]
                print(f"{page.id}: copy of {verdict.duplicate_of} ({site})")
            elif verdict.text is None:
                print(f"{page.id}: nothing new in it")
            else:
                cut = [f"{finding.rule} of {finding.source.article}" for finding in verdict.findings if finding.removed]
                print(f"{page.id}: kept, {len(verdict.text)} of {len(page.text)} characters", *cut)


if __name__ == "__main__":
    with TemporaryDirectory() as parent:
        folder = f"{parent}/news.index"
        ingest(folder, MONDAY)
        ingest(folder, TUESDAY)
        with dedup.Index(folder) as index:
            changed = index.rejudge()  # once in a while: which lines have become boilerplate of their sites since
            print(f"{index.info()['articles']} articles, {len(changed)} changed by counting lines")
            print(f"without the first copy: {index.remove(MONDAY[0][0])} judged again")
