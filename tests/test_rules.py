"""The table of rules: its examples, a user's own rules, and hostile lines."""

import time

import pytest

import dedup
from dedup.boilerplate import look
from dedup.errors import BadSettings
from dedup.frequency import FREQUENCY
from dedup.rules import RULES, compiled, matcher, read_rules, reading
from dedup.settings import RULE_NAMES, Settings
from dedup.text import codepoints, fold


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_takes_its_examples_and_no_other_line(rule):
    """The positive examples take the rule's name; the negative ones are taken by no rule at all."""
    assert len(rule.yes) >= 2
    assert len(rule.no) >= 2
    for line in rule.yes:
        assert matcher().rule_of(reading(line)) == rule.name, line
    for line in rule.no:
        assert matcher().rule_of(reading(line)) is None, line


def test_settings_know_the_names_of_all_rules():
    """Those of the table, link-farm, which has no pattern, and frequency."""
    table = list(dict.fromkeys(rule.name for rule in RULES))
    assert sorted(table) == sorted(set(RULE_NAMES) - {"link-farm", FREQUENCY})


def test_a_line_is_read_in_one_script_without_annotations():
    """And in lower case, with ASCII signs and single spaces."""
    assert reading("　【責(zé)任編輯】：  ABC｜Ｑ＆Ａ\u200b ") == "[责任编辑]: abc|q&a"


@pytest.mark.parametrize("line", ["推薦閱讀", "推荐阅读", "推薦閱(yuè)讀：", "【推荐阅读】"])
def test_both_scripts_are_one(line):
    """A rule written in Simplified takes Traditional, also with annotations."""
    assert matcher().rule_of(reading(line)) == "related"


def test_a_rule_is_asked_for_the_whole_line():
    """It never takes a part of a sentence."""
    text = "他在版权声明里写道：凡转载者，须注明出处。后来分享到：微信。责任编辑：没有人。"
    assert matcher().rule_of(reading(text)) is None


def test_a_users_rule_comes_first_and_may_be_written_in_either_script():
    """Its pattern is folded as lines are; full-width brackets in it are characters, not groups."""
    rules = (("paywall", "閱讀全文（.*）"), ("mine", "分享到:.*"))
    assert matcher(rules).rule_of(reading("阅读全文(三元)")) == "paywall"
    assert matcher(rules).rule_of(reading("阅读全文")) is None
    assert matcher(rules).rule_of(reading("分享到：微信")) == "mine"
    report = dedup.scan([dedup.Article("a", "正文在此。\n閱讀全文(五元)\n")], Settings(rules=rules))
    assert [(f.rule, f.kind, f.text) for f in report.findings] == [("paywall", "boilerplate", "閱讀全文(五元)\n")]


def test_rules_are_read_from_toml(tmp_path):
    """A name with a pattern, or with several."""
    (tmp_path / "rules.toml").write_text("paywall = 'read on for .*'\nours = ['a+', \"b\\\\d\"]\n")
    assert read_rules(tmp_path / "rules.toml") == (("paywall", "read on for .*"), ("ours", "a+"), ("ours", "b\\d"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("good = 'a'\nbad = 'x(y'\n", r"rules.toml:2: rule bad: expected an RE2 pattern, found 'x\(y'"),
        ("bad = [\n  'a',\n  'b[',\n]\n", r"rules.toml:3: rule bad: expected an RE2 pattern"),
        ('bad = "\\\\d(?=x)"\n', r"rules.toml:1: rule bad: .*neither look-around"),
        ("good = 'a'\n\nbad = 7\n", r"rules.toml:3: rule 'bad' must be a pattern or a list of patterns, found 7"),
        ("bad = \n", r"is no TOML: .*line 1"),
        ("", "holds no rule"),
    ],
)
def test_a_bad_rule_is_named_with_its_line(tmp_path, text, message):
    """And what to do about it."""
    (tmp_path / "rules.toml").write_text(text)
    with pytest.raises(BadSettings, match=message):
        read_rules(tmp_path / "rules.toml")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"keep_rules": ["nope"]}, "keep_rules may name share, .*found 'nope'"),
        ({"strip": ["mojibake"]}, "strip may name markup, annotation, control, found 'mojibake'"),
        ({"strip": "markup"}, "strip must be a list, found 'markup'"),
        ({"rules": [["only a name"]]}, "rules must be pairs"),
        ({"boilerplate": "yes"}, "boilerplate must be one of remove, mark, off"),
        ({"boilerplate_share": 2}, "boilerplate_share must lie between"),
        ({"source_field": ""}, "source_field must name a field"),
    ],
)
def test_bad_choices_are_named(values, message):
    """Each with what it may be."""
    with pytest.raises(BadSettings, match=message):
        Settings.from_dict(values)


def test_settings_with_rules_survive_their_record():
    """What summary.json holds gives them back."""
    settings = Settings(rules=(("a", "b"),), keep_rules=("share", "a"), strip=())
    assert Settings.from_dict({**settings.to_dict(), "rules": [["a", "b"]], "keep_rules": ["share", "a"]}) == settings


MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "line",
    [
        "a" * MEGABYTE,
        "分享到：" * (MEGABYTE // 4),
        "微信 " * (MEGABYTE // 3),
        "责任编辑：张三　" * (MEGABYTE // 8),
        "2020-02-10 08:51:38 来源：" * (MEGABYTE // 23),
        "首页 > " * (MEGABYTE // 5),
        "| " * (MEGABYTE // 2),
        "<" * MEGABYTE,
        "<a" * (MEGABYTE // 2),
        "&nbsp;" * (MEGABYTE // 6),
        "x?y" * (MEGABYTE // 3),
        "http://?a=" * (MEGABYTE // 10),
        "2021-08-21" * (MEGABYTE // 10),
        " " * MEGABYTE + "x",
        "jan" * (MEGABYTE // 3),
        "1 sept" * (MEGABYTE // 6),
        "[(" * (MEGABYTE // 2) + "2021-08-21",
        "甲|" * (MEGABYTE // 2),
        "甲:" * (MEGABYTE // 2),
        "《" * MEGABYTE,
        ".\"')" * (MEGABYTE // 4),
        "\ufffd" * (MEGABYTE // 8),
        "區(qū)" * (MEGABYTE // 16),
        "\u200b" * MEGABYTE,
        "2021-08-21 " * (MEGABYTE // 11) + "…",
    ],
    ids=lambda line: line[:8],
)
def test_a_hostile_line_takes_linear_time(line):
    """A megabyte is read in seconds, whatever it is made of, also by a user's nested pattern."""
    text = f"标题\n{line}\n{line}\n相关阅读\n{line}\n{line}…\n"
    settings = Settings(rules=(("nested", "(?:a*)*b|(?:.*,)*x"),))
    begin = time.process_time()
    look(text, codepoints(text), settings)
    assert time.process_time() - begin < 20
    from dedup.frequency import masked_line

    begin = time.process_time()
    masked_line(fold(line))
    assert time.process_time() - begin < 10


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.name}-{rule.needs}")
def test_every_pattern_takes_linear_time(rule):
    """Without the bound on a line's length: its own examples over and over, with an end that spoils the match.

    Ten times the line takes no more than thirty times as long; a quadratic match would take a hundred.
    """
    pattern = compiled(rule.pattern)

    def seconds(repeats: int) -> float:
        begin = time.process_time()
        for example in rule.yes:
            pattern.fullmatch(reading(example + " ") * (repeats // len(example)) + "\u4dff。")
        return time.process_time() - begin

    seconds(MEGABYTE // 100)
    assert seconds(MEGABYTE) < 30 * seconds(MEGABYTE // 10) + 1
