"""Page furniture and debris: what is found, what stays, and what it means for all other judgements."""

import random
from itertools import pairwise

import numpy as np
import pytest
from corpora import corpus, sentence
from shared_data import FOLDER, needs_shared_data

import dedup
from dedup import boilerplate, frequency
from dedup.boilerplate import is_link_farm
from dedup.frequency import masked_line
from dedup.model import Article, Finding, Report
from dedup.settings import Settings
from dedup.text import fold

BODY = [
    "市水务局昨日通报，城西水厂的扩建工程已经全部完工，日供水能力提高到十五万立方米，可以满足未来十年的需要。",
    "新建的输水管线长二十一公里，从石门水库直达城区，途中经过三个乡镇，沿线的村庄也将陆续接入这一管网系统。",
    "水厂负责人表示，净化工艺增加了活性炭过滤和紫外线消毒两道工序，出厂水的浊度比国家标准的要求还要低一半。",
]


def page(*lines: str, name: str = "a") -> Article:
    """An article of these lines."""
    return Article(name, "\n".join(lines) + "\n")


def named(article: Article, settings: Settings | None = None) -> dict[str, str]:
    """Each line that a rule names in an article by itself, with its rule."""
    report = dedup.scan([article], settings)
    return {
        line: finding.rule
        for finding in report.findings
        if finding.kind != "duplicate"
        for line in finding.text.splitlines()
        if line.strip()
    }


def stories(count: int, seed: int = 1) -> list[list[str]]:
    """Bodies that have nothing to do with each other."""
    rng = random.Random(seed)
    return [[sentence(rng, 45, 90) for _ in range(4)] for _ in range(count)]


def cut_lines(report: Report, rule: str) -> set[tuple[str, str]]:
    """(article, line) of what a rule removes."""
    return {
        (finding.article, line)
        for finding in report.findings
        if finding.rule == rule and finding.removed
        for line in finding.text.splitlines()
        if line.strip()
    }


# --------------------------------------------------------------------------------------------------- a single article


def test_each_date_ends_the_teaser_before_it():
    """The first teaser has no date before it, the last line is nothing but the date of the last teaser."""
    teasers = [
        "8月20日，市里召开财经会议，研究部署下半年的工作，听取了三个部门的汇报，并对下一步作了安排。",
        "2021-08-21为规范种苗市场，林业局在承留镇开展了宣传活动，发放材料两千余份，接受咨询三百人次。",
        "2021-08-218月19日，规划委员会召开第三次会议，研究卫生院和街区的方案，市领导出席会议并讲话。",
        "2021-08-20",
    ]
    found = named(page("标题在此", *BODY, *teasers))
    assert found == dict.fromkeys(teasers, "related")


def test_a_chronicle_is_content():
    """Lines that begin with dates, and no date on a line of its own behind them."""
    lines = [f"2021-08-{day}　水位涨到{day}米，巡堤的人夜里换了两班，没有发现新的险情。" for day in range(20, 26)]
    assert not named(page("大事记", BODY[0], *lines))


def test_a_list_of_dated_links_at_the_tail_is_related():
    """Three short lines that end with a date; two may be signatures."""
    links = ["关于做好防汛工作的通知 2021-08-20", "我市召开座谈会 2021-08-19", "水厂完工 [2021-08-18]"]
    assert named(page("标题", *BODY, *links)) == dict.fromkeys(links, "related")
    assert not named(page("标题", *BODY, *links[:2]))


def test_a_heading_takes_the_teasers_under_it_and_no_body():
    """In the middle of an article only dated lines."""
    tail = ["相关阅读", "老浴室门口排起长队", "榆钱巷的裁缝铺搬回来了……"]
    assert named(page("标题", *BODY, *tail)) == dict.fromkeys(tail, "related")
    assert named(page("标题", "推荐阅读", "城西的水", *BODY)) == {"推荐阅读": "related"}
    assert named(page("标题", *BODY, "相关阅读", BODY[0][::-1] + "。")) == {"相关阅读": "related"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("永年县| 论坛| 壤塘县| 乐陵市| 彰武县| 龙岩市| 宣恩县| 柳林县|", True),
        ("甲|乙|丙|丁|戊", False),
        ("出席的有张三、李四、王五、赵六、钱七、孙八、周九、吴十", False),
        ("|".join(["这一格里写的是一整句话，比地名长得多"] * 9), False),
        ("一|二|三|四|五|六|七|八。", False),
    ],
)
def test_a_link_farm_is_short_segments_between_separators(line, expected):
    """A list of names is none, nor is a table of sentences."""
    assert is_link_farm(line) is expected


def test_a_menu_is_labels_among_lines_that_rules_know():
    """The first line, often the title, stays; so does what follows the last such line, and a list without any."""
    menu = ["Home", "Our Schools", "Meal Prep", "Contact Us", "Search", "Log in"]
    body = [
        "Harbour opens",
        "The harbour opened on Monday after two years of work, and the first boats came in at noon.",
    ]
    assert named(page("Harbour Post", *menu, *body)) == dict.fromkeys(menu, "navigation")
    plain = ["Milk", "Eggs", "Two pounds of flour", "A little salt", "Home"]
    assert named(page("Harbour Post", *plain, *body)) == {"Home": "navigation"}


def test_a_date_under_the_title_is_metadata_and_one_under_the_letter_is_not():
    """The signature of a document stays."""
    assert named(page("标题", "2020年2月5日", *BODY)) == {"2020年2月5日": "metadata"}
    assert not named(page("标题", *BODY, "市水务局", "2020年2月5日"))


@pytest.mark.parametrize("line", ["<section>", "</p><br/>", "&nbsp;", "&nbsp; &#160;&#xa0;", "<!-- ad -->", "]]>"])
def test_lines_of_tags_and_entities_are_markup(line):
    """They are cut by default, and only told where the user does not want that."""
    article = page("标题", line, *BODY)
    (finding,) = dedup.scan([article]).findings
    assert (finding.kind, finding.rule, finding.grain, finding.text) == ("debris", "markup", "passage", f"{line}\n")
    (told,) = dedup.scan([article], Settings(strip=())).findings
    assert not told.removed


@pytest.mark.parametrize("line", ["a < b", "<b>大事</b>", "AT&T", "x & y;", "<3", "&"])
def test_other_lines_with_such_signs_are_not(line):
    """Text between tags is text."""
    assert not named(page("标题", line, *BODY))


def test_annotations_and_controls_are_cut_span_by_span_where_asked():
    """Joiners of emoji and of other scripts stay; what is stripped comes back."""
    text = "示范區(qū)的苹果(Apple)\u200b很甜\ufeff，👨\u200d👩\u200d👧来了，\x07می\u200cخواهم\n" + BODY[0] + "\n"
    article = Article("a", text)
    report = dedup.scan([article], Settings(strip=("annotation", "control")))
    clean = list(dedup.rewrite([article], report))
    assert clean[0].text.startswith("示范區的苹果(Apple)很甜，👨\u200d👩\u200d👧来了，می\u200cخواهم\n")
    assert {(f.rule, f.grain) for f in report.findings} == {("annotation", "span"), ("control", "span")}
    assert [back.text for back in dedup.restore(clean, report)] == [text]
    told = dedup.scan([article]).findings
    assert [(f.rule, f.removed, f.evidence) for f in told] == [
        ("annotation", False, {"count": 1}),
        ("control", False, {"count": 3}),
    ]


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("科技攻\ufffd\ufffd第一线", 2),
        ("確?茖W消毒", 1),
        ("the caf? near the har?bour", 1),
        ("It\u00e2\u20ac\u2122s a caf\u00c3\u00a9", 2),
        ("锟斤拷", 1),
        ("真的吗?是的", 1),
        ("真的吗？是的", 0),
        ("see https://example.com/a?bcd and www.example.com/?def", 0),
        ("what? yes", 0),
    ],
)
def test_mojibake_is_reported_and_never_cut(line, count):
    """A question mark of ASCII between Han characters may be one; nothing is guessed."""
    findings = dedup.scan([page(line)], Settings(strip=("markup", "annotation", "control"))).findings
    assert [(f.rule, f.removed, f.evidence["count"]) for f in findings] == [("mojibake", False, count)] * (count > 0)


def test_a_rule_can_be_kept_and_all_can_be_off():
    """A line that only a kept rule names stays."""
    article = page("标题", *BODY, "分享到：", "责任编辑：张三")
    assert named(article) == {"分享到：": "share", "责任编辑：张三": "credit"}
    assert named(article, Settings(keep_rules=("credit",))) == {"分享到：": "share"}
    assert named(article, Settings(boilerplate="off")) == {}
    marked = dedup.scan([article], Settings(boilerplate="mark")).findings
    assert [(finding.rule, finding.removed) for finding in marked] == [("share", False), ("credit", False)]


# ---------------------------------------------------------------------------------------------------------- frequency


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("来源：央视网 2023-08-05 19:15", "来源：央视网 2024-01-12 09:30", True),
        ("2020年2月5日 第12期", "2021年11月30日 第345期", True),
        ("Updated 5 March 2021", "Updated March 17, 2020", True),
        ("浏览 120 次", "浏览 3 次", True),
        ("全市实现工业增加值132亿元，同比增长百分之七点五", "全市实现工业增加值145亿元，同比增长百分之七点五", False),
        ("甲乙丙丁", "甲乙丙戊", False),
    ],
)
def test_dates_and_times_are_masked_and_other_numbers_in_short_lines(one, other, same):
    """Daily figures are news."""
    assert (masked_line(fold(one)) == masked_line(fold(other))) is same


def test_a_line_on_pages_of_five_families_goes_and_of_four_stays():
    """With other dates it is the same line. The evidence says how many families, what share, and where."""
    pages = [page(*story, f"今日林岸第{i}期 2024-05-0{i + 1}", name=f"a{i}") for i, story in enumerate(stories(5))]
    report = dedup.scan(pages)
    assert len(cut_lines(report, "frequency")) == 5
    (finding,) = [finding for finding in report.findings if finding.article == "a3"]
    assert finding.evidence == {"families": 5, "share": 1.0, "position": "tail"}
    assert (finding.kind, finding.source, finding.similarity) == ("boilerplate", None, None)
    assert Finding.from_dict(finding.to_dict()) == finding
    assert not dedup.scan(pages[:4]).findings


def test_reprints_of_a_story_count_once():
    """Five copies of one page are one family."""
    story, *others = stories(2)
    pages = [page(*story, "林岸日报社出品", name=f"a{i}") for i in range(5)] + [page(*others[0], name="b")]
    assert not cut_lines(dedup.scan(pages), "frequency")


def test_a_long_line_needs_ten_families():
    """A sentence of 40 characters may be quoted by a few."""
    line = "林岸日报社是本市历史最久的报社之一，创办于一九二一年，每天早上七点把城里的大小消息送到十万户人家"
    pages = [page(*story, line, name=f"a{i}") for i, story in enumerate(stories(10))]
    assert len(cut_lines(dedup.scan(pages), "frequency")) == 10
    few = dedup.scan(pages[:9])
    assert not cut_lines(few, "frequency")
    assert sum(finding.kind == "duplicate" for finding in few.findings) == 8


@pytest.mark.parametrize(
    ("sentences", "goes"),
    [
        (range(30), False),
        ((), True),
        (range(29), True),
        ([29], False),
        (range(0, 30, 2), True),
        (range(1, 30, 2), False),
    ],
)
def test_long_sentences_are_looked_at_only_beside_their_like(monkeypatch, sentences, goes):
    """Of one long text some lines end as a sentence and others do not; what is not looked at would not have counted."""
    rng = random.Random(1)
    long = (
        "页由城东新闻中心的编辑整理发布如有错漏请致电城东新闻中心我们将在核实之后尽快更正并向各位读者致歉谢谢大家支持"
    )
    pages = []
    for number, body in enumerate(stories(30)):
        when = rng.choice(["2024年3月1日", "12.30", "jan 5 2024", "周一", "2024年"])
        pages.append(page(*body, f"{when}本{long}{'。' * (number in sentences)}", name=f"p{number}"))
    settings = Settings(grain="article")
    found = dedup.scan(pages, settings)
    assert len(cut_lines(found, "frequency")) == 30 * goes
    monkeypatch.setattr(frequency, "_may_count", lambda lines, places, work: np.ones(len(places), bool))
    assert dedup.scan(pages, settings) == found


def test_frequent_headings_inside_bodies_stay():
    """Their places vary and so do their neighbours; numerals and speakers stay anywhere."""
    rng = random.Random(5)
    pages = []
    for i, story in enumerate(stories(12, seed=3)):
        lines = ["", *story, *(sentence(rng, 45, 80) for _ in range(rng.randint(1, 6)))]
        for heading in ("相关规定如下", "案情回顾"):
            lines.insert(rng.randint(3, len(lines) - 2), heading)
        lines[0] = "一、"
        pages.append(page(*lines, "林岸日报社出品", name=f"a{i}"))
    report = dedup.scan(pages)
    assert {line for _, line in cut_lines(report, "frequency")} == {"林岸日报社出品"}


def test_a_site_is_a_source_of_its_own():
    """A footer of one site in twenty is rare in the corpus and on every page of the site."""
    pages = []
    for i, story in enumerate(stories(160, seed=7)):
        site = "small" if i % 32 == 0 else "large"
        lines = [*story, "小站出品"] if site == "small" else story
        pages.append(Article(f"a{i}", "\n".join(lines), site=site))
    assert not cut_lines(dedup.scan(pages), "frequency")
    by_site = dedup.scan(pages, Settings(source_field="site"))
    assert len(cut_lines(by_site, "frequency")) == 5
    rows = [("x", 80), ("y", 80)]
    assert not cut_lines(dedup.scan(pages, sources=lambda: rows), "frequency")
    with pytest.raises(dedup.DedupError, match="source_field is 'nope', but no article has that field"):
        dedup.scan(pages, Settings(source_field="nope"))


def test_reference_articles_are_not_counted():
    """Four pages and as many reference pages are four."""
    pages = [page(*story, "林岸日报社出品", name=f"a{i}") for i, story in enumerate(stories(8))]
    assert not cut_lines(dedup.scan(pages[:4], against=pages[4:]), "frequency")


def test_where_a_kept_text_goes_its_near_members_are_judged_without_it():
    """The near members of a footer repeat each other: the first of them is kept."""
    line = "林岸日报社是本市历史最久的报社之一，创办于一九二一年，每天早上七点把城里的大小消息送到十万户人家"
    near = line.replace("早上七点", "傍晚六点")
    bodies = stories(14)
    pages = [page(*story, line, name=f"a{i}") for i, story in enumerate(bodies[:12])]
    pages += [
        page(bodies[12][0], near, *bodies[12][1:], name="b"),
        page(*bodies[13][:2], near, bodies[13][2], name="c"),
    ]
    report = dedup.scan(pages)
    assert cut_lines(report, "frequency") == {(f"a{i}", line) for i in range(12)}
    (finding,) = [finding for finding in report.findings if finding.kind == "duplicate"]
    assert (finding.article, finding.rule, finding.source.article) == ("c", "exact", "b")


# --------------------------------------------------------------------------------- what it means for other judgements


def test_articles_are_compared_without_what_is_masked():
    """Two archives of one short story: other credits, links and tags do not make it another."""
    one = page(
        BODY[0], "- [链接](https://example.com/2024/03/20/abcdefghijklmnopqrstuvwxyz0123456789.shtml)", name="one"
    )
    two = page("来源：林岸日报　责任编辑：张三", "<section>", BODY[0], "（责任编辑：李四　校对：王五）", name="two")
    (finding,) = [finding for finding in dedup.scan([one, two]).findings if finding.grain == "article"]
    assert (finding.article, finding.rule, finding.similarity) == ("two", "exact", 1.0)
    off = dedup.scan([one, two], Settings(boilerplate="off"))
    assert not [finding for finding in off.findings if finding.grain == "article" and finding.rule != "remnant"]


def test_an_article_that_is_masked_entirely_is_compared_unmasked():
    """Two copies of a page of nothing but furniture are one; two different ones are two."""
    furniture = ["责任编辑：张三", "版权声明：本页图文版权归林岸日报社所有，未经书面许可，不得转载。"]
    copies = dedup.scan([page(*furniture, name="one"), page(*furniture, name="two")])
    assert [f.article for f in copies.findings if f.grain == "article" and f.removed] == ["two"]
    others = dedup.scan([page(*furniture, name="one"), page("责任编辑：欧阳六七", name="two")])
    assert not [f for f in others.findings if f.grain == "article"]


def test_masked_lines_neither_break_a_block_nor_belong_to_it():
    """Its pieces on both sides of a tag are one run: the short line beside the tag goes with it."""
    rest = stories(2, seed=9)
    one = page(*rest[0], BODY[0], "据介绍，", BODY[1], name="one")
    two = page(*rest[1], BODY[0], "<br>", "据介绍，", "责任编辑：张三", BODY[1], name="two")
    report = dedup.scan([one, two])
    found = [(f.kind, f.grain, f.text.strip()) for f in report.findings]
    assert found == [
        ("duplicate", "block", BODY[0]),
        ("debris", "passage", "<br>"),
        ("duplicate", "block", "据介绍，"),
        ("boilerplate", "passage", "责任编辑：张三"),
        ("duplicate", "block", BODY[1]),
    ]
    sources = [one.text[f.source.start : f.source.end].strip() for f in report.findings if f.source]
    assert sources == [BODY[0], "据介绍，", BODY[1]]


def test_an_article_that_keeps_only_furniture_is_a_remnant():
    """Its long passages are lost, and a copyright notice is none."""
    bodies = stories(2)
    notice = "版权声明：本页图文版权归林岸日报社所有，未经书面许可，任何媒体、网站和个人不得转载、摘编或建立镜像。"
    pages = [page(*bodies[0], *bodies[1], name="long"), page("别的题目在此", bodies[0][1], notice, name="short")]
    report = dedup.scan(pages)
    assert [(f.article, f.rule) for f in report.findings] == [("short", "remnant")]


FURNITURE = [
    "分享到：",
    "责任编辑：张三",
    "<section>",
    "&nbsp;",
    "2020-02-05 09:58 来源：林岸日报",
    "相关阅读",
    "林岸日报社出品",
]


@pytest.mark.parametrize("passage", ["line", "blank", "sentence"])
@pytest.mark.parametrize("seed", range(8))
def test_cuts_never_overlap_and_everything_comes_back(seed, passage):
    """Whatever a passage is and whatever is stripped; each line of furniture in a kept article is cut."""
    rng = random.Random(seed)
    articles = []
    for article in corpus(seed, articles=18, pool=20):
        lines = article.text.split("\n")
        for _ in range(rng.randint(0, 5)):
            lines.insert(rng.randint(0, len(lines)), rng.choice([*FURNITURE, "示范區(qū)的\u200b消息"]))
        articles.append(Article(article.id, "\n".join(lines)))
    settings = Settings(passage=passage, strip=("markup", "annotation", "control"))
    report = dedup.scan(articles, settings)
    whole = {finding.article for finding in report.findings if finding.removed and finding.grain == "article"}
    for article in articles:
        own = [finding for finding in report.findings_of(article.id) if finding.removed]
        assert all(one.end <= other.start for one, other in pairwise(own)) or article.id in whole
        assert article.id not in whole or len(own) == 1
    clean = list(dedup.rewrite(articles, report))
    texts = {article.id: article.text for article in articles}
    for article in clean:
        if set(filter(None, map(str.strip, texts[article.id].splitlines()))) <= set(FURNITURE):
            continue  # it is about nothing else
        assert not {line.strip() for line in article.text.splitlines()} & set(FURNITURE[:5])
        assert "(qū)" not in article.text
    back = list(dedup.restore(clean, report, [article for article in articles if article.id in whole]))
    assert back == articles


@pytest.mark.parametrize("grain", ["article", "passage", "both"])
def test_a_story_on_ten_sites_is_kept_once_whatever_the_grain(grain):
    """Reprints of one story count once, also where articles are not cut whole."""
    text = "\n".join(["石门镇的老渡口恢复通航", *BODY[:3]])
    clean = list(dedup.clean([Article(f"site{n}", text) for n in range(12)], Settings(grain=grain)))
    assert clean[0].text == text


def test_an_article_is_never_emptied_by_rules_or_frequency():
    """Something must be what it is about."""
    menu = "Home\nAbout\nContact\nPrivacy Policy\nSitemap\nTerms of use"
    assert [article.text for article in dedup.clean([menu])] == [menu]
    figures = [f"沪指收报{3000 + number}点" for number in range(12)]
    assert [article.text for article in dedup.clean(figures)] == figures


def test_a_paragraph_at_the_end_of_many_stories_is_kept_once():
    """The duplicate rules tell it once; by frequency every copy would go."""
    articles = [page(*story, BODY[0], name=str(number)) for number, story in enumerate(stories(12))]
    clean = [article.text for article in dedup.clean(articles)]
    assert sum(BODY[0] in text for text in clean) == 1


def test_sentences_amid_running_text_stay_whatever_their_words():
    """The law on copyright, told article by article, is no copyright notice."""
    law = [
        "未经许可，转载他人享有权利的作品，应当依照本法的规定向权利人支付报酬。",
        "扫码关注后，张大爷第一次在手机上交了水费，他说这比排队强多了。",
        "请关注客户端推送的预警信息，并提前做好防台风的准备。",
    ]
    body = [line for story in stories(3) for line in story]
    article = Article("law", "\n".join([*body[:4], *law, *body[4:]]))
    assert [finding.text for finding in dedup.scan([article]).findings] == []


def test_headings_without_end_are_read_in_linear_time():
    """Each line is looked at once for each heading before it only where the teasers of another have ended."""
    text = "\n".join(["相关阅读", "三人获救"] * 20_000)
    assert dedup.scan([Article("a", text)], Settings(grain="article")).counts["articles"] == 1


def test_lines_are_judged_as_lines_whatever_a_passage_is():
    """A credit line inside a paragraph is cut out of it, and the paragraph is compared without it."""
    bodies = stories(3)
    one = page(*bodies[0], "", BODY[0], BODY[1], "", *bodies[1], name="one")
    two = page(*bodies[2], "", BODY[0], BODY[1], "责任编辑：张三", "", "完全不同的另一句话。", name="two")
    report = dedup.scan([one, two], Settings(passage="blank"))
    assert [(f.kind, f.rule, f.text.strip()) for f in report.findings] == [
        ("duplicate", "exact", f"{BODY[0]}\n{BODY[1]}"),
        ("boilerplate", "credit", "责任编辑：张三"),
    ]


# ----------------------------------------------------------------------------------------------- the development data


@needs_shared_data
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("yanhu", {75: "share", 78: "related"}),
        ("jiyuan", dict.fromkeys(range(13, 19), "related")),
        ("linfen", {3: "metadata", 20: "credit", 22: "copyright"}),
        ("lixia", {3: "metadata", 17: "credit", 19: "credit", 21: "related", 23: "link-farm"}),
        ("shunde", {2: "metadata"}),
    ],
)
def test_the_five_real_articles(name, expected):
    """All furniture with a fitting rule, all tag lines, and no other line."""
    text = (FOLDER / "articles" / f"{name}.txt").read_text(encoding="utf-8")
    report = dedup.scan([Article(name, text)])
    found: dict[int, str] = {}
    for finding in report.findings:
        if finding.kind != "duplicate" and finding.removed:
            first = text.count("\n", 0, finding.start) + 1
            for number, line in enumerate(finding.text.split("\n"), first):
                if line.strip():
                    found[number] = finding.rule
    tags = {number: "markup" for number, line in enumerate(text.split("\n"), 1) if line.strip() == "<section>"}
    assert found == expected | tags


def test_each_of_many_labelled_lines_is_looked_at_a_few_times(monkeypatch):
    """Not once for every other in its row."""
    calls = []
    label = boilerplate._label
    monkeypatch.setattr(boilerplate, "_label", lambda text: calls.append(text) or label(text))
    text = "来源：新华网\n责任编辑：张三\n" * 500
    dedup.scan([Article("a", text), Article("b", "一篇别的文章。")])
    assert 1000 <= len(calls) <= 10_000
