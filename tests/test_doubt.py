"""What words and shapes alone do not prove: it is told with its doubt, and it stays."""

import pytest
from hostile_articles import CHINESE, ENGLISH

import dedup
from dedup.boilerplate import look
from dedup.model import Article, Finding
from dedup.settings import Settings
from dedup.text import codepoints

BODY = [
    "市水务局昨日通报，城西水厂的扩建工程已经全部完工，日供水能力提高到十五万立方米，可以满足未来十年的需要。",
    "新建的输水管线长二十一公里，从石门水库直达城区，途中经过三个乡镇，沿线的村庄也将陆续接入这一管网系统。",
]


def boilerplate(*lines: str) -> list[Finding]:
    """What is found in an article of these lines."""
    return list(dedup.scan([Article("a", "\n".join(lines) + "\n")]).findings)


def cut(*lines: str) -> list[str]:
    """The lines of such an article that go."""
    return [line for finding in boilerplate(*lines) if finding.removed for line in finding.text.split("\n") if line]


def doubts(*lines: str) -> dict[str, str]:
    """The lines that are told and stay, each with its doubt."""
    kept = [finding for finding in boilerplate(*lines) if not finding.removed]
    return {line: finding.evidence["doubt"] for finding in kept for line in finding.text.split("\n") if line}


def traditional(text: str) -> str:
    """The same in the other script."""
    return pytest.importorskip("opencc").OpenCC("s2t").convert(text)


def test_there_are_enough_hostile_lines():
    """And no line stands in two articles, but dates and speakers."""
    lines = [line for text in (*CHINESE.values(), *ENGLISH.values()) for line in text.split("\n") if line.strip()]
    assert len(set(lines)) >= 400


@pytest.mark.parametrize("script", ["as written", "the other"])
@pytest.mark.parametrize("name", CHINESE)
def test_no_line_of_a_chinese_article_goes(name, script):
    """Schedules, chronicles, laws, recipes, verse, dialogues, tables: furniture in words alone."""
    text = CHINESE[name].strip()
    assert cut(*(text if script == "as written" else traditional(text)).split("\n")) == []


@pytest.mark.parametrize("name", ENGLISH)
def test_no_line_of_an_english_article_goes(name):
    """The same in English."""
    assert cut(*ENGLISH[name].strip().split("\n")) == []


@pytest.mark.parametrize("name", CHINESE)
def test_furniture_around_a_chinese_article_goes_and_takes_nothing_along(name):
    """The publication line under the title, and credits and buttons at the end."""
    title, *rest = CHINESE[name].strip().split("\n")
    head, tail = "2024-05-21 09:36　来源：青柘在线", ["责任编辑：殷小满", "分享到：微信 微博"]
    assert cut(title, head, *rest) == [head]
    assert cut(title, *rest, *tail) == tail


@pytest.mark.parametrize("name", ENGLISH)
def test_furniture_around_an_english_article_goes_and_takes_nothing_along(name):
    """The same in English."""
    title, *rest = ENGLISH[name].strip().split("\n")
    head, tail = "Published: 5 March 2021", ["Share on Facebook", "© 2020 Harbour Post. All rights reserved."]
    assert cut(title, head, *rest) == [head]
    assert cut(title, *rest, *tail) == tail


@pytest.mark.parametrize(
    ("lines", "doubtful", "doubt"),
    [
        ((BODY[0], "来源：林岸日报", BODY[1]), "来源：林岸日报", "amid running text"),
        ((*BODY, "年代：战国", "来源：东岗墓地"), "来源：东岗墓地", "a field among fields that no rule knows"),
        ((*BODY, "编辑：太长", "编辑：删掉"), "编辑：删掉", "its label comes again with another value"),
        ((*BODY, "首页"), "首页", "its words alone, beside no line that is surely furniture"),
        ((*BODY, "甲日 2020-01-01", "乙日 2020-01-02", "丙日 2020-01-03"), "乙日 2020-01-02", "its dates alone make it no teaser"),
        ((*BODY, "热点话题", "停车难怎么解决"), "停车难怎么解决", "under a heading that is doubtful"),
        ((*BODY, "推荐阅读", "《灯》 殷小满", "《河》 苏未"), "推荐阅读", "a list that does not read like headlines"),
        (("2023年3月2日", BODY[0], "2023年3月9日", BODY[1]), "2023年3月2日", "other lines are dates as well"),
        ((BODY[0], "版权所有 林岸日报社，未经书面许可不得转载本报的文字和图片。", BODY[1]), "版权所有 林岸日报社，未经书面许可不得转载本报的文字和图片。", "reads like a sentence amid running text"),
    ],
)  # fmt: skip
def test_what_is_doubtful_is_told_with_its_reason_and_stays(lines, doubtful, doubt):
    """As a finding that is not removed."""
    assert doubts("标题在此", *lines)[doubtful] == doubt
    assert doubtful not in cut("标题在此", *lines)


@pytest.mark.parametrize(
    ("lines", "gone"),
    [
        ((*BODY, "来源：林岸日报"), ["来源：林岸日报"]),
        ((*BODY, "分享到：微信 微博", "首页"), ["分享到：微信 微博", "首页"]),
        ((*BODY, "分享到：微信", "热点话题", "老渡口的停车难题怎么解决"), ["分享到：微信", "热点话题", "老渡口的停车难题怎么解决"]),
        ((*BODY, "推荐阅读", "榆钱巷的裁缝铺搬回来了", "老浴室门口排起长队"), ["推荐阅读", "榆钱巷的裁缝铺搬回来了", "老浴室门口排起长队"]),
        ((*BODY, "热点话题", "停车难 2024-05-21", "夜市开张 2024-05-20"), ["热点话题", "停车难 2024-05-21", "夜市开张 2024-05-20"]),
        (("2023年3月2日", *BODY), ["2023年3月2日"]),
    ],
)  # fmt: skip
def test_a_second_sign_takes_the_doubt_away(lines, gone):
    """An edge, a sure neighbour, a listing's dates."""
    assert cut("标题在此", *lines) == gone


def test_an_article_that_would_be_nothing_else_is_doubtful_from_end_to_end():
    """Something must be what it is about."""
    lines = ["分享到：微信 微博", "责任编辑：张三"]
    assert doubts(*lines) == dict.fromkeys(lines, "nothing else would be left of the article")


def test_a_users_own_rule_is_obeyed_amid_running_text():
    """He knows his source."""
    line = "成为会员后可以阅读全文，每月只要十五元，随时可以取消。"
    settings = Settings(rules=(("paywall", "成为会员后可以阅读全文.*"),))
    (finding,) = dedup.scan([Article("a", "\n".join(["标题", BODY[0], line, BODY[1]]))], settings).findings
    assert (finding.rule, finding.removed, finding.text) == ("paywall", True, f"{line}\n")


def test_what_is_doubtful_is_compared():
    """It may be content: masked, it would make two different articles alike."""
    text = "\n".join(["标题在此", BODY[0], "来源：林岸日报", "<br>", BODY[1], "责任编辑：张三"])
    assert look(text, codepoints(text), Settings()).masked.tolist() == [False, False, False, True, False, True]


def test_marking_reports_all_and_tells_doubt_from_certainty():
    """With `boilerplate` "mark" nothing is removed; only what would stay anyway has a doubt."""
    article = Article("a", "\n".join(["标题在此", BODY[0], "来源：林岸日报", BODY[1], "责任编辑：张三"]))
    findings = dedup.scan([article], Settings(boilerplate="mark")).findings
    assert [(f.text.strip(), f.removed, "doubt" in f.evidence) for f in findings] == [
        ("来源：林岸日报", False, True),
        ("责任编辑：张三", False, False),
    ]


def test_frequency_takes_a_doubtful_line_and_its_doubt():
    """On the pages of six stories it is furniture: one finding, which is removed."""
    from test_boilerplate import page, stories

    pages = [page("标题", *story, "首页", name=f"a{number}") for number, story in enumerate(stories(6))]
    findings = dedup.scan(pages).findings
    told = [(f.rule, f.removed) for f in findings if "首页" in f.text]
    assert told == [("frequency", True)] * 6
