"""Many articles looked at together show what each shows by itself."""

import gzip
import json
import random
import re
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from shared_data import FOLDER, needs_shared_data

from dedup import kernel, looking, rules
from dedup.boilerplate import LEAD_IN, SENTENCE, debris_kinds, look
from dedup.kernel.reference import offsets_of
from dedup.looking import look_all, outlines
from dedup.rules import COMMA, OPENS_MARKUP, RULES, matcher, reading_codes, reading_table
from dedup.settings import STRIPPED, Settings
from dedup.text import codepoints, line_spans

EXAMPLES = [line for rule in RULES for line in (*rule.yes, *rule.no)]
EXAMPLES += [
    example + "字" * (size - len(example)) for example in ("来源：", "© 2020 ") for size in (160, 399, 400, 401)
]
DATES = (
    *("2024-05-21", "[2024.5.1]", "（2023年8月5日 19:15）", "南门小学的鸽子认得放学铃 2024-03-20"),
    *("２０２４/０５/０２", "٢٠٢٤-٠١-٠٢", "正文" * 210 + " 2024-03-20"),
)
TEASERS = (
    "相关阅读",
    "雨后的集市又热闹起来…",
    "Related Articles",
    "A short teaser",
    "首页",
    "Home",
    "微信 微博 QQ空间",
)
FARMS = (
    *("永年县| 论坛| 壤塘县| 乐陵市| 彰武县| 龙岩市| 宣恩县| 柳林县|", "友情链接：甲|乙|丙|丁|戊|"),
    *("a|b|c|d|e", "a｜b｜c｜d｜e｜f｜g｜h｜i", "永年县| " * 100),
)
DEBRIS = (
    *("<br/>", " <p></p>", "&nbsp;", "]]>", "《书》", "<b>bold</b>", "＜br＞", "\u200b<br>", "【】", "a < b & c"),
    *("示範區(qū)的蘋果", "責(zé)任編輯: 路遠山", "區qū)", "café olé", "日?qǐng)"),
    *("\x07", "a\x00b", "\x1cb", "a\u200bb", "\ufeff", "\u200d中", "\x85a"),
    *("锟斤拷", "t\u00c3\u00a9", "中?文", "\ufffd", "烫烫烫", "\u00ef\u00bb\u00bf"),
)
BODY = (
    "正文从这里开始，他一路走到河边，看见桥上站着许多人，谁也没有说话。",
    "She walked home, and nobody in the street said a word to her that day.",
    *("他说：", "(“好。”)", "he said:\"')", ") ]", "end. )", "", " ", "\u3000", "\t"),
    *("foo", "a", "b", "ab", "aaaaaaaa", "{5,9}", "{,9", "x y"),
)
LINES = [*EXAMPLES, *DATES, *TEASERS, *FARMS, *DEBRIS, *BODY]
ENDS = ["\n", "\n", "\n", "\r\n", "\r", "\u2028", "\u2029", "\n\n", " \n", "\x0b", "\x0c", "", "\r\r\n"]
HOSTILE = {
    "none": (),
    "whole texts": (r"(?s).*foo.*", r"\Afoo\z", r"(?s:.+)b"),
    "what is not x": (r"[^x]*",),
    "what is not a line feed": (r"[^\n]+o", r"a\n*b", r"[a\n]+\s*"),
    "anything": (r".*",),
    "nothing": ("", r"a*", r"\s*"),
    "anchors": (r"^foo$", r"a$|^b", r"(?:^|x)ab(?:$|y)", r"a$[^q]*", r"\bfoo\b"),
    "counts": (r"a{5,9}", r"[^。]{9,}", r"(?:[fo]{1,2}){2,9}", r"\x{61}{1,7}b"),
    "braces that do not count": (
        *(r"\{5,9}", r"[{2,9}]+", r"[]{1,5}]+", r"{,9"),
        *(r"[^[:alpha:]{1,7}]{1,9}9", r"[\]{5,9}]+"),
    ),
    "flags and names": (r"(?i)FOO", r"(?P<name>a)b", r"(?-i)Foo", r"(?m)^b$"),
    "quotes": (r"\Qa{5,9}\E", r"\Q{5,9}\E"),
    "other scripts": (r"責任編輯.*", r"（.*）", r"a{5，9}|《.*", r"他說："),
}


def same_as_one_by_one(texts, settings):
    """`look_all` says what `look` says of each."""
    offsets = offsets_of(np.array([len(text) for text in texts], np.int64))
    codes = codepoints("".join(texts))
    lines = outlines(codes, offsets)
    looks = look_all(texts, codes, offsets, lines, settings)
    singles = [look(text, codepoints(text), settings) for text in texts]
    for found, one_by_one in (
        (looks.masked, [one.masked for one in singles]),
        (looks.shape, [one.shape for one in singles]),
    ):
        expected = np.concatenate(one_by_one)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(
        lines.starts, np.concatenate([one.starts + at for one, at in zip(singles, offsets[:-1], strict=True)])
    )
    assert {number: tuple(marks) for number, marks in looks.marks.items()} == {
        number: one.marks for number, one in enumerate(singles) if one.marks
    }


def a_text():
    """Lines and line ends in any order; begins and ends with either."""
    line = st.one_of(*map(st.sampled_from, (EXAMPLES, DATES, TEASERS, FARMS, DEBRIS, BODY)))
    end = st.sampled_from(ENDS)
    pairs = st.lists(st.tuples(line, end).map("".join), max_size=12).map("".join)
    return st.tuples(st.sampled_from(["", "", "\n", "\r"]), pairs, st.one_of(st.just(""), line)).map("".join)


SETTINGS = st.builds(
    dict,
    boilerplate=st.sampled_from(["remove", "mark", "off"]),
    keep_rules=st.sampled_from([(), ("metadata", "related"), ("link-farm",), ("navigation", "share")]),
    strip=st.lists(st.sampled_from(STRIPPED), max_size=3, unique=True).map(tuple),
)


@pytest.mark.parametrize("rules", HOSTILE)
@given(texts=st.lists(a_text(), min_size=1, max_size=8), chosen=SETTINGS)
@hypothesis_settings(max_examples=60)
def test_articles_in_a_row_show_what_each_shows(rules, texts, chosen):
    """Whatever is in them, whatever a user's rules would match across lines, whatever is stripped or kept."""
    named = tuple((f"own{number}", pattern) for number, pattern in enumerate(HOSTILE[rules]))
    same_as_one_by_one(texts, Settings(rules=named, **chosen))


@given(st.lists(st.text(max_size=60), min_size=1, max_size=6))
@hypothesis_settings(max_examples=150)
def test_any_text(texts):
    """Any Unicode text."""
    same_as_one_by_one(texts, Settings(strip=STRIPPED))


@pytest.mark.parametrize("seed", range(8))
def test_pages(seed):
    """Texts long enough for menus and for pages as scraped, some of them of few different lines; and short ones."""
    rng = random.Random(seed)
    pools = (EXAMPLES, DATES, TEASERS, FARMS, DEBRIS, BODY)
    texts = []
    for _ in range(30):
        weights = [rng.random() ** 3 for _ in pools]
        lines = [rng.choice(pool) for pool in rng.choices(pools, weights, k=rng.choice([1, 3, 6, 45, 90]))]
        if rng.random() < 0.3:
            lines = rng.choices(lines, k=len(lines))
        texts.append("".join(line + rng.choice(ENDS) for line in lines))
    same_as_one_by_one(texts, Settings(strip=rng.choice([(), STRIPPED])))


def test_line_ends_at_the_ends_of_articles():
    """A CR that ends an article and an LF that begins the next are two line ends; empty articles have no line."""
    for texts in (
        ["首页\r", "\n首页"],
        ["", "", "首页", ""],
        [""],
        ["\r", "\n", ""],
        ["2024-01-02", "2024-01-03\n", "foo\r\n"],
    ):
        same_as_one_by_one(texts, Settings())


def test_each_line_as_an_article_and_before_and_behind_running_text():
    """An article that one line makes suspect is found among others."""
    body = "正文从这里开始，他一路走到河边，看见桥上站着许多人，谁也没有说话。\n" * 3
    same_as_one_by_one(LINES, Settings())
    same_as_one_by_one([body + line for line in LINES], Settings(strip=STRIPPED))
    same_as_one_by_one([f"{line}\n{body}" for line in LINES], Settings(keep_rules=("metadata",)))


@pytest.fixture(scope="module", autouse=True, params=["few", "many"])
def counted_as(request):
    """Lines are looked at and matched in another way while they are few: each test sees them in both ways."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "_FEW_LINES", 1 << 62 if request.param == "few" else -1)
        patch.setattr(looking, "_FEW", 1 << 62 if request.param == "few" else 0)
        yield


def in_a_row(lines):
    """Lines as one text: its code points, and where each begins."""
    lengths = np.array([len(line) + 1 for line in lines], np.int64)
    return codepoints("".join(f"{line}\n" for line in lines)), offsets_of(lengths)


def all_read(lines):
    """Lines as rules read them, each a string."""
    codes, bounds = in_a_row(lines)
    read, bounds = kernel.readings(codes, bounds[:-1], bounds[1:] - 1, reading_table())
    return [read.tobytes()[start : end - 1].decode() for start, end in pairwise(bounds.tolist())]


def suspects(lines, rules=()):
    """The numbers of the suspect ones among lines; their rules are those that match them."""
    asked = matcher(rules)
    codes, bounds = in_a_row(lines)
    seen = outlines(codes, np.array([0, len(codes)]))

    def read(which):
        return kernel.readings(codes, seen.starts[which], seen.content_ends[which], reading_table())

    found, first = asked.suspects(seen, read)
    numbers = (np.searchsorted(bounds, seen.starts[found], side="right") - 1).tolist()
    known = all_read(lines)
    assert first.tolist() == [asked.first(known[line]) for line in numbers]
    return numbers


@given(st.lists(a_text() | st.text(max_size=40), max_size=6))
@hypothesis_settings(max_examples=300)
def test_lines_look_like_what_is_read_of_them(texts):
    """All but the blank ones, each by what is read of it: its length, its end, what it holds and begins with."""
    codes, offsets = codepoints("".join(texts)), offsets_of(np.array([*map(len, texts)], np.int64))
    found = outlines(codes, offsets)
    *edges, blank = line_spans(codes, offsets)
    for one, other in zip((found.starts, found.content_ends, found.ends), edges, strict=True):
        np.testing.assert_array_equal(one, other[~blank])
    np.testing.assert_array_equal(found.first, [np.count_nonzero(found.starts < begin) for begin in offsets])
    read, bounds = kernel.readings(codes, found.starts, found.content_ends, reading_table())
    lines = [read.tobytes()[start : end - 1].decode() for start, end in pairwise(bounds.tolist())]
    lasts = [line.rstrip("\"')]")[-1:] for line in lines]
    assert found.chars.tolist() == [*map(len, lines)]
    assert reading_codes(found.lasts).tolist() == [ord(last) if last else 0 for last in lasts]
    assert ((found.signs & COMMA) > 0).tolist() == [bool(re.search("[,、]", line)) for line in lines]
    held = re.compile("[|>»›→]|[权首网视务值息p][所页安听许电举备证]|kie|eser")
    assert ((found.signs & rules._HELD) > 0).tolist() == [held.search(line) is not None for line in lines]
    assert ((found.beginnings & OPENS_MARKUP) > 0).tolist() == [line[0] in "<&]" for line in lines]
    dated = ((found.endings & rules.DATED) > 0).tolist()
    assert dated == [bool(last) and re.match(r"[日 \d]", last) is not None for last in lasts]
    shapes = [LEAD_IN * (last == ":") + SENTENCE * (last in [*"。!?.…;"]) for last in lasts]
    assert (found.endings & (LEAD_IN | SENTENCE)).tolist() == shapes
    np.testing.assert_array_equal(found.marked, np.flatnonzero(debris_kinds()[codes]))


@pytest.mark.parametrize("rules", HOSTILE)
def test_a_line_that_a_rule_names_is_suspect(rules):
    """Of the table and of a user, among others and alone; their numbers rise and are numbers of lines."""
    named = tuple((f"own{number}", pattern) for number, pattern in enumerate(HOSTILE[rules]))
    lines = [line for line in LINES if line.strip() and not set(line) & set("\r\n\x85\x1c")]
    found = suspects(lines, named)
    assert found == sorted(set(found))
    assert set(found) <= set(range(len(lines)))
    for number, line in enumerate(all_read(lines)):
        if line and matcher(named).rule_of(line) is not None:
            assert number in found, lines[number]
            assert suspects([lines[number]], named) == [0]


def test_the_same_lines_are_suspect_however_many_there_are(monkeypatch):
    """What few lines are looked at with tells what many are, by the rules of the table and by a user's."""
    lines = [line for line in LINES if line.strip() and not set(line) & set("\r\n\x85\x1c")]
    for own in ((), (("own", "正文.{1,9}|a{5,9}"),)):
        found = []
        for few in (-1, 1 << 62):
            monkeypatch.setattr(rules, "_FEW_LINES", few)
            rules._sets(own)._known.clear()
            found.append(suspects(lines, own))
        assert found[0] == found[1] != []


@pytest.mark.parametrize("many", [False, True])
def test_no_line_that_a_rule_names_is_passed_over(monkeypatch, many):
    """In few code points any line may be named, in many those alone that begin as rules do and are not too long."""
    monkeypatch.setattr(looking, "_FEW", 0 if many else 1 << 62)
    lines = [line for line in LINES if all_read([line]) != [""] and not set(line) & set("\r\n\x85\x1c")]
    of_table = rules._sets(())
    of_table._known.clear()
    found = [of_table._rule_of(line.encode(), len(line)) for line in all_read(lines)]
    named, suspected = (np.flatnonzero(np.array(found) >= least).tolist() for least in (0, -1))
    assert set(named) < set(suspects(lines)) <= set(suspected)
    assert set(suspected) - set(suspects(lines)) <= {number for number, line in enumerate(lines) if len(line) > 400}


DATED = st.lists(st.sampled_from([*LINES, "", "7", "/"]) | st.text("0123456789.年月日:-", max_size=9), max_size=3)


@given(st.lists(DATED.map("".join), max_size=30), st.sampled_from(sorted(HOSTILE)), st.data())
@hypothesis_settings(max_examples=300)
def test_what_is_remembered_of_lines_is_what_is_found_of_them(texts, hostile, data):
    """Lines that differ by digits alone have one rule, unless one tells digits apart: none is taken for another."""
    named = tuple((f"own{number}", pattern) for number, pattern in enumerate(HOSTILE[hostile]))
    own = named + data.draw(st.sampled_from([(), (("first", "1.*"),), (("odd", ".*[13579]"),), (("any", r"\d+"),)]))
    lines = [line for line in texts if line.strip() and not set(line) & set("\r\n\x85\x1c")]
    for _ in range(2):
        rules._sets(own)._known.clear()
        afresh = [bool(suspects([line], own)) for line in lines]
        rules._sets(own)._known.clear()
        assert suspects(lines, own) == suspects(lines, own) == np.flatnonzero(afresh).tolist()


def test_little_is_remembered(monkeypatch):
    """No more lines than are said, and none that is long."""
    if rules._FEW_LINES > 0:
        return
    monkeypatch.setattr(rules, "_KNOWN", 5)
    own = (("own", "一[甲-龟]{2}"),)
    lines = [f"一二{chr(code)}" for code in range(0x4E00, 0x4E20)]
    for some in (lines[:4], lines[3:7], lines, [*lines, "一" * 60]):
        assert suspects(some, own) == [number for number, line in enumerate(some) if matcher(own).first(line) >= 0]
        assert 0 < len(rules._sets(own)._known) <= 5
    assert max(map(len, rules._sets(own)._known)) <= rules._SHORT


def test_few_lines_of_running_text_are_suspect():
    """Else nothing would be gained."""
    lines = [
        "她推开窗，看见河对岸的灯一盏一盏地亮了。",
        "The bridge was closed for repairs until late in the autumn.",
    ] * 50
    assert suspects(lines) == []
    assert suspects([*lines, "首页", *lines]) == [100]
    assert suspects([], ()) == []


@needs_shared_data
@pytest.mark.parametrize("strip", [(), STRIPPED])
def test_articles_as_scraped(strip):
    """The five articles, and a few hundred news items and pages of many sites."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((FOLDER / "articles").glob("*.txt"))]
    for name in ("news_zh/articles", "news_en/articles", "boilerplate/cctv_zh", "boilerplate/wcxb_en"):
        with gzip.open(FOLDER / f"{name}.jsonl.gz", "rt", encoding="utf-8") as records:
            texts += [json.loads(record)["text"] for record in islice(records, 120)]
    same_as_one_by_one(texts, Settings(strip=strip))
