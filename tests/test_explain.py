"""`dedup explain`: why, in a terminal and as JSON."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cli import A, B, C, jsonl, run

from dedup.model import Family, Finding, Member, Place
from dedup.report.differences import closest
from dedup.report.explain import Case, _columns, cases_of, lines_of, shared_cases

NEWS = "另一条很长的消息今天上午在石门镇举行了隆重的竣工仪式，数百名群众到场观看了放水，掌声久久不息。"
ANSI = re.compile("\x1b\\[[0-9;]*m")


@pytest.fixture(scope="module")
def scanned(tmp_path_factory) -> Path:
    """A cleaned run: two repeats passages of one, one lightly edited; three repeats nothing."""
    folder = tmp_path_factory.mktemp("explain")
    edited = B.replace("直达", "直抵").replace("乡镇", "乡鎮")
    records = [
        {"id": "news/one", "text": f"{A}\n{B}\n{C}\n"},
        {"id": "news/two", "text": f"快讯\n{A}\n\x1b[31m\x07\n{edited}\n{NEWS}"},
        {"id": "news/three", "text": f"{A[::-1]}"},
    ]  # fmt: skip
    (folder / "in.jsonl").write_bytes(jsonl(*records))
    assert run("clean", folder / "in.jsonl", "-o", folder / "out", "--strip", "markup,control").returncode == 0
    return folder / "out"


def test_each_cut_stands_beside_what_it_repeats(scanned):
    """Kind, grain, rule, similarity, family, both places, and what differs in signs where there is no terminal."""
    done = run("explain", scanned, "news/two", COLUMNS="80")
    said = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert "news/two: " in said.splitlines()[0]
    assert "1. cut: duplicate, passage, exact, similarity 1" in said
    assert "family passage:news/one:" in said
    assert "stays: news/one 0–53" in said
    assert "[-达-]" in said
    assert "{+抵+}" in said
    assert "[-镇" not in said  # 鎮 reads alike
    assert "\x1b" not in said
    assert "⟨U+001B⟩" in said


def test_two_articles_show_what_they_share(scanned):
    """In either order, and nothing for strangers."""
    for pair in (("news/one", "news/two"), ("news/two", "news/one")):
        said = run("explain", scanned, *pair).stdout.decode()
        assert "2 in common" in said
        assert said.count("stays: news/one") == 2
    assert "nothing in common" in run("explain", scanned, "news/one", "news/three").stdout.decode()


def test_json_holds_everything(scanned):
    """The pieces give both texts back; a similarity is a number."""
    answer = json.loads(run("explain", scanned, "news/two", "--json").stdout)
    assert answer["articles"] == [{"article": "news/two", "characters": answer["articles"][0]["characters"]}]
    near = next(case for case in answer["cases"] if case["similarity"] and case["similarity"] < 1)
    assert "".join(piece["left"] for piece in near["differences"]) == near["source"]["text"]
    assert "".join(piece["right"] for piece in near["differences"]) == near["place"]["text"]
    assert near["removed"]


def test_an_unknown_article_is_told_with_its_likes(scanned):
    """Exit code 2, and the ids that may have been meant."""
    done = run("explain", scanned, "news/on")
    assert done.returncode == 2
    assert 'has no article "news/on"; did you mean news/one or news/two?' in done.stderr.decode()
    assert "the ids are those of findings.jsonl" in run("explain", scanned, "zzz").stderr.decode()


def test_no_run_is_an_error(tmp_path):
    """That names the folder."""
    assert "nowhere" in run("explain", tmp_path / "nowhere", "a").stderr.decode()


def test_an_article_without_findings_says_so(scanned):
    """No cuts is an answer."""
    said = run("explain", scanned, "news/three").stdout.decode()
    assert "0 cuts, 0 characters cut" in said


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_are_for_terminals_that_want_them(scanned, variables, coloured):
    """On a terminal what differs is coloured, unless NO_COLOR is set; no other escape is ever sent."""
    import pty
    import sys

    said = b""
    environment = {"TERM": "xterm", "COLUMNS": "90", **variables}

    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.pop("NO_COLOR", None)
        os.environ.update(environment)
        os.execv(sys.executable, [sys.executable, "-m", "dedup", "explain", str(scanned), "news/two"])
    try:
        while part := os.read(terminal, 4096):
            said += part
    except OSError:  # how Linux tells that the other side is closed
        pass
    finally:
        os.close(terminal)
    assert os.waitpid(pid, 0)[1] == 0
    text = said.decode()
    assert ("\x1b[32;4m达\x1b[0m" in text) == coloured
    assert "\x1b" not in ANSI.sub("", text)
    assert "\x07" not in text


TEXT = st.text(st.sampled_from("汉字abc 。\n\t\x1b\u202e\u0301é👍"), max_size=60)


@given(TEXT, TEXT, st.integers(40, 120), st.booleans())
def test_no_line_is_wider_than_the_terminal(left, right, width, coloured):
    """Wide characters count two columns, combining marks none; control characters never come through."""
    one, two = Place("甲", 0, len(left)), Place("乙", 0, len(right))
    cases = [Case("cut: duplicate", 0.9, "passage:甲", one, two, True), Case("kept", None, None, None, two, False)]
    for line in lines_of(cases, {one: left, two: right}, width, coloured, True):
        shown = ANSI.sub("", line)
        assert sum(map(_columns, shown)) <= width
        assert not set(shown) & set("\x1b\u202e\n\t")


def test_members_of_one_family_share_what_both_repeat():
    """Two articles that repeat a third are told so, with what each was compared with; blocks are not told twice."""
    kept = Place("kept", 0, 50)
    family = Family("f", "passage", kept, (Member(Place("a", 10, 60), 0.8), Member(Place("b", 5, 55), 0.9)))
    (case,) = shared_cases("a", "b", [], [family])
    assert (case.left, case.right) == (Place("a", 10, 60), Place("b", 5, 55))
    assert case.similarity is None
    assert "0.8 and 0.9" in case.note
    block = Finding("b", 0, 90, "duplicate", "block", "exact", 1.0, None, Place("a", 5, 95), True, "x")
    assert [c.said for c in shared_cases("a", "b", [block], [family])] == ["cut: duplicate, block, exact"]


def test_a_reference_is_no_article_of_the_run():
    """What repeats a reference of the same id is not shared with the article of that id."""
    found = Finding("b", 0, 9, "duplicate", "passage", "exact", 1.0, None, Place("a", 5, 14, against="old"), True, "x")
    assert shared_cases("a", "b", [found], []) == []
    assert cases_of([found])[0].left == Place("a", 5, 14, "old")


def test_close_names_are_found():
    """A part of the name, another case, a slip; no stranger."""
    names = ["linan/One.txt", "linan/two.txt", "other/x.txt"]
    assert closest("one.txt", names) == ["linan/One.txt"]
    assert closest("linan/tow.txt", names)[0] == "linan/two.txt"
    assert closest("zzzzzzzzzzzz", names) == []
