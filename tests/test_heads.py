"""What a match may begin with: nothing that matches is overlooked."""

import random
import re
from itertools import product

import numpy as np
import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st
from test_looking import all_read, suspects

from dedup import looking, rules
from dedup.heads import _ONE, _TOKEN, Beginnings, groups, heads, ranges, takes_digits_alike
from dedup.rules import RULES, matcher, reading_table


@pytest.fixture(scope="module", autouse=True)
def many_lines():
    """Beginnings are looked at where lines are many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "_FEW_LINES", -1)
        patch.setattr(looking, "_FEW", 0)
        yield


ATOMS = st.sampled_from(
    ["a", "b", "中", ".", "[ab]", "[^a]", "[^ab中]", r"\d", "[a-b中]", r"\x{4e2d}", "[]a]", r"\.", "^", "$"]
)
SIGNS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{0,3}", "{1,2}", "{2,}"])


def patterns():
    """Patterns of groups, choices and repetitions."""
    repeated = st.tuples(ATOMS, SIGNS).map(lambda part: part[0] if part[0] in "^$" else "".join(part))
    return st.recursive(
        repeated,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map("".join),
            st.lists(inner, min_size=1, max_size=3).map("|".join).map("(?:{})".format),
            st.tuples(inner, SIGNS).map(lambda part: f"(?:{part[0]}){part[1]}"),
        ),
        max_leaves=8,
    )


TEXTS = ["".join(signs) for length in range(5) for signs in product("ab中.7", repeat=length)]


@given(patterns())
@settings(max_examples=200)
def test_every_match_begins_with_a_head(pattern):
    """All short texts of five characters that RE2 says match have a head, whole or their first two characters."""
    found = [[[*map(ranges, head)] for head in heads(pattern, 2)]][0]
    for text in TEXTS:
        if re2.fullmatch(pattern, text):
            first = text[:2]
            assert any(
                len(head) == len(first)
                and all(
                    any(low <= ord(sign) <= high for low, high in spans)
                    for sign, spans in zip(first, head, strict=True)
                )
                for head in found
            ), (pattern, text)


@pytest.mark.parametrize(
    "token", ["[^a-c中]", "[]^-]", r"[\]\\-]", r"[\d\s]", r"\w", ".", r"[\x{3400}-\x{9fff}x]", "[^]]"]
)
def test_ranges_are_those_of_re2(token):
    """A set holds the characters that RE2 says it matches."""
    found = {code for low, high in ranges(token) for code in range(low, high + 1)}
    codes = [*range(0x250), *range(0x33F0, 0x3410), *range(0x9FF0, 0xA010), 0x10FFFF]
    assert [code for code in codes if re2.fullmatch(token, chr(code))] == [code for code in codes if code in found]


@pytest.mark.parametrize("pattern", ["(?i)a", r"\pN", r"a\b", "[[:alpha:]]", "(a", "*a", r"[\pN]b"])
def test_what_is_not_known_is_refused(pattern):
    """Rather than misread."""
    with pytest.raises(ValueError, match=r"not known|without its other"):
        Beginnings([pattern])


def a_match(tokens, edges, group, rng):
    """A random match of a group of a pattern."""
    way = rng.randrange(len(edges[group]) - 1)
    at, stop = edges[group][way] + 1, edges[group][way + 1]
    text = ""
    while at < stop:
        this, at = at, edges[at][-1] + 1 if at in edges else at + 1
        low, high = (0, 0) if tokens[this] == "$" else (1, 1)
        while at < stop and (tokens[at] in ("*", "+", "?") or (tokens[at][0] == "{" and len(tokens[at]) > 1)):
            bounds = [int(bound) for bound in re.findall(r"\d+", tokens[at])]
            low, high = {"*": (0, 3), "+": (1, 3), "?": (0, 1)}.get(tokens[at]) or (bounds[0], bounds[-1])
            at += 1
        for _ in range(rng.randint(low, high)):
            text += a_match(tokens, edges, this, rng) if this in edges else a_sign(tokens[this], rng)
    return text


def a_sign(token, rng):
    """A character of a set, from the start of Unicode or from its Han characters."""
    spans = ranges(token)
    low, high = rng.choice(spans)
    if high - low < 0x6000:
        return chr(rng.randint(low, high))
    held = [sign for sign in "ab 中文。|:>1" if any(low <= ord(sign) <= high for low, high in spans)]
    return rng.choice(held)


@pytest.mark.parametrize("rule", range(len(RULES)))
def test_any_match_of_a_rule_is_suspect(rule):
    """Lines made from the rules themselves, whatever they begin with and in either case."""
    rng = random.Random(rule)
    tokens = _TOKEN.findall(RULES[rule].pattern)
    texts = [a_match(tokens, groups(tokens), -1, rng) for _ in range(300)]
    lines = [line for text in texts for line in (text, text.upper()) if line.strip() and len(line.splitlines()) == 1]
    named = [number for number, line in enumerate(all_read(lines)) if matcher().first(line) >= 0]
    assert len(named) > len(lines) // 8  # others are too long, or are read as something else
    assert set(named) <= set(suspects(lines))


@pytest.mark.parametrize(
    "line",
    [
        *(
            "城东首页",
            "城东官网首页",
            "的首页|首页",
            "城东 > 要闻 > 民生",
            "城东论坛 » 要闻 » 民生",
            "的权利由城东报社版权所有",
        ),
        *(
            "城东报社 京icp备123号",
            "城东报社 京ICP证123号",
            "城东公网安备123号",
            "城东报社信息网络传播视听节目许可证:1",
        ),
        *(
            "城东报社新闻信息服务许可证1",
            "城东报社增值电信业务许可证:12",
            "城东违法和不良信息举报电话：1",
            "We use Cookies",
        ),
        "The whole site (c) 2020, ALL RIGHTS RESERVED",
    ],
)
def test_what_may_begin_with_anything_is_known_by_what_it_holds(line):
    """The rules in which a match may begin with any character, each by what it holds in any case."""
    assert matcher().first(all_read([line])[0]) >= 0
    assert suspects([line]) == [0]


@pytest.mark.parametrize(
    "pattern",
    [r"[中\x{20000}-\x{20003}]中", r"\x{20001}中", r"中\x{20001}", "中中", "中.", "中[^a]", r"中[\x{3400}-\x{3ffff}]"],
)
def test_rare_han_may_stand_wherever_one_of_these_may(pattern):
    """No match is passed over, and what begins with Han alone that are not rare does not begin with these."""
    found = Beginnings([pattern])
    for text in map("".join, product("中b\U00020001\U0002ffff\ufa00é", repeat=2)):
        first, second = (int(found.kinds[ord(sign)]) for sign in text)
        assert found.may_begin[first, second] or not re2.fullmatch(pattern, text)
    assert found.may_begin[found.kinds[0x2FFFF]].any() == pattern.startswith((r"[中\x{20000}", r"\x{20001}"))


def test_no_rule_matches_nothing():
    """Else an empty line would begin with what no line begins with."""
    assert not any(() in heads(rule.pattern, 1) for rule in RULES)


def test_what_is_read_is_in_lower_case():
    """Nothing else is read that RE2 takes for a Latin letter, as it does the Kelvin sign for a k."""
    read = np.unique(reading_table())
    strange = [
        code for code in read.tolist() if code > 0x7F and chr(code).casefold() in set("abcdefghijklmnopqrstuvwxyz")
    ]
    assert strange == []
    assert not [code for code in read.tolist() if ord("A") <= code <= ord("Z")]


def test_the_table_matches_the_same_whether_the_case_counts():
    """Of all that is read and has another case: what is compiled takes the case for granted."""
    read = map(chr, np.unique(reading_table()).tolist())
    cased = "\n".join(sign for sign in read if len({sign, *sign.upper(), *sign.lower(), *sign.casefold()}) > 1)
    patterns = [*(rules._folded_pattern(rule.pattern) for rule in RULES), *rules._SEARCHED]
    # the properties that are asked for are of digits
    tokens = {token for pattern in patterns for token in _TOKEN.findall(pattern.replace(r"\p{Nd}", "1"))}
    for token in filter(_ONE.fullmatch, tokens):
        heeding, any_case = (re2.compile(token, rules._options(case)) for case in (True, False))
        assert heeding.findall(cased) == any_case.findall(cased)


def test_what_is_told_of_what_is_read():
    """Of each code point by its own reading, in the array that is given."""
    told = np.random.default_rng(1).integers(0, 1 << 16, 0x110000).astype(np.uint16)
    expected = told[reading_table()]
    assert rules.as_read(told) is told
    np.testing.assert_array_equal(told, expected)


def test_nothing_that_is_searched_for_tells_digits_apart():
    """What else makes lines suspect."""
    assert all(map(takes_digits_alike, rules._SEARCHED))


@pytest.mark.parametrize("rule", range(len(RULES)))
def test_no_rule_tells_digits_apart(rule):
    """A match of a rule is one with other digits: `matcher` takes it for granted."""
    pattern = rules._folded_pattern(RULES[rule].pattern)
    assert takes_digits_alike(pattern)
    rng = random.Random(rule)
    tokens = _TOKEN.findall(pattern)
    options = re2.Options()
    options.case_sensitive = False
    compiled = re2.compile(pattern, options)
    for _ in range(100):
        match = a_match(tokens, groups(tokens), -1, rng)
        other = "".join(str(rng.randrange(10)) if sign in "0123456789" else sign for sign in match)
        assert (compiled.fullmatch(match) is None) == (compiled.fullmatch(other) is None)


APART = ["1", "[1-9]", "[0-8]", "[^5]", r"\x{31}", r"[\x{2f}-\x{35}]", "[+-5]", "[--0-9]", r"\x31", r"\061", "0-9"]
APART += [r"\Q{5}\E", "[{5}]", r"\{5}", "[[:alpha:]{5}]", "a{5", "[^[:^digit:]5]", "[]5]", "[^]5]", r"[\]5]", "(?:a|5)"]
ALIKE = [
    r"\d",
    r"\D",
    ".",
    "[0-9]",
    "[^0-9a-f]",
    "[ -~]",
    "[]0-9]",
    "a{5}",
    r"\x{4e2d}{2,}",
    r"[\x{20}-\x{7e}]",
    "(?:年{1,2})?",
]


def test_patterns_that_tell_digits_apart():
    """Those that may are said to; and what is written otherwise does not."""
    assert [pattern for pattern in APART if takes_digits_alike(pattern)] == []
    assert [pattern for pattern in ALIKE if not takes_digits_alike(pattern)] == []


@given(
    st.lists(st.sampled_from([*APART, *ALIKE, "a", "中", "^", "$"]), max_size=4).map("".join),
    st.text("a中059{}-", max_size=6),
)
@settings(max_examples=500)
def test_digits_that_are_taken_alike(pattern, text):
    """By RE2 itself: where digits are alike another one matches too."""
    try:
        compiled = re2.compile(pattern)
    except re2.error:
        return
    if takes_digits_alike(pattern):
        found = {compiled.fullmatch(text.translate(dict.fromkeys(b"059", digit))) is None for digit in "0123456789"}
        assert len(found) == 1
