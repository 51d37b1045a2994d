"""JSONL in, JSONL out: of several copies the one with the earliest date is kept, whatever the order of the file."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import dedup

STORY = (
    "岭背村的水磨停了二十年，上月由三位木匠重新装好。磨盘转起来的那天，全村人排队磨了一回新麦，"
    "磨坊主人把头一斗面分给了帮工的邻居，剩下的烙成饼，摆在桥头请过路人吃。"
)
OTHER = "石鹭镇的信箱换了新锁，旧钥匙由邮递员逐户收回，熔成一只铜铃，挂在邮所门口。谁家有挂号信，铃就响三声。"
RECORDS = [
    {"id": "reprint", "date": "2024-05-09", "site": "qingzhe-online", "text": STORY},
    {"id": "letters", "date": "2024-05-08", "site": "linan-daily", "text": OTHER},
    {"id": "first", "date": "2024-05-06", "site": "linan-daily", "text": STORY},
    {"id": "edited", "date": "2024-05-07", "site": "yunting-net", "text": STORY.replace("全村人", "村里人")},
]


def write_jsonl(path: Path, records: list[dict]) -> None:
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        news, clean = Path(folder, "news.jsonl"), Path(folder, "clean.jsonl")
        write_jsonl(news, RECORDS)
        articles = dedup.read_articles(news)
        report = dedup.scan(articles, dedup.Settings(keep="field:date"))
        kept = [
            {**article.fields, "id": article.id, "text": article.text} for article in dedup.rewrite(articles, report)
        ]
        write_jsonl(clean, kept)
        for finding in report.findings:
            print(f"{finding.article}: {finding.rule} copy of {finding.source.article}, {finding.similarity}")
        print(f"{len(RECORDS)} records read, {len(kept)} written:", ", ".join(record["id"] for record in kept))
