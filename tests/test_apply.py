"""`dedup apply` with families and findings switched off: what stays, and that nothing else changes."""

from __future__ import annotations

import json

import pytest
from test_cli import A, B, C, jsonl, run, tree

EDITED = A.replace("昨日", "今日")


@pytest.fixture
def out(tmp_path):
    """Two repeats one passage of one, three a block, four is left with nothing but repeats."""
    other = "另一条很长的消息今天上午在石门镇举行了隆重的竣工仪式，数百名群众到场观看了放水，掌声久久不息。"
    records = [
        {"id": "one", "text": f"{A}\n{B}\n{C}\n"},
        {"id": "two", "text": f"{EDITED}\n{other}\n"},
        {"id": "three", "text": f"{B}\n{C}\n{other[::-1]}\n"},
        {"id": "four", "text": f"{A}\n责编：王一\n"},
    ]
    (tmp_path / "in.jsonl").write_bytes(jsonl(*records))
    assert run("clean", "in.jsonl", "-o", "out", cwd=tmp_path).returncode == 0
    return tmp_path / "out"


def texts(folder) -> dict[str, str]:
    """The clean texts by id."""
    lines = (folder / "clean" / "in.jsonl").read_text(encoding="utf-8").splitlines()
    return {record["id"]: record["text"] for record in map(json.loads, lines)}


def family(out, start: int) -> str:
    """The name of the family whose kept text starts there in article one."""
    families = [json.loads(line) for line in (out / "families.jsonl").read_text(encoding="utf-8").splitlines()]
    return next(f["family"] for f in families if f["grain"] == "passage" and f["kept"]["start"] == start)


def test_a_family_that_is_kept_is_cut_nowhere(out, tmp_path):
    """All its members stay, a remnant that it left with nothing comes back; all else is cut as before."""
    before = texts(out)
    assert set(before) == {"one", "two", "three"}
    done = run("apply", out, "-o", tmp_path / "again", "--keep-family", family(out, 0))
    assert done.returncode == 0, done.stderr
    after = texts(tmp_path / "again")
    assert EDITED in after["two"]
    assert A in after["four"]
    assert after["three"] == before["three"]
    summary = json.loads((tmp_path / "again" / "summary.json").read_text())
    assert summary["counts"]["articles_cut"] == 0
    assert run("restore", tmp_path / "again", "-o", tmp_path / "back").returncode == 0
    assert (tmp_path / "back" / "in.jsonl").read_bytes() == (tmp_path / "in.jsonl").read_bytes()


def test_a_block_stays_with_the_family_of_a_passage_in_it(out, tmp_path):
    """It is one cut: no half of it can be kept."""
    assert B not in texts(out)["three"]
    done = run("apply", out, "-o", tmp_path / "again", "--keep-family", family(out, len(A) + 1))
    assert done.returncode == 0, done.stderr
    assert f"{B}\n{C}" in texts(tmp_path / "again")["three"]


def test_an_unknown_family_is_an_error_with_its_likes(out, tmp_path):
    """And nothing is written."""
    name = family(out, 0)
    done = run("apply", out, "-o", tmp_path / "again", "--keep-family", name[:-1])
    assert done.returncode == 2
    assert f"did you mean {name}" in done.stderr.decode()
    assert not (tmp_path / "again").exists()


def test_a_finding_is_switched_off_or_left_out(out, tmp_path):
    """`removed: false` and a missing line both leave the text in; the edited file is what the new run holds."""
    lines = (out / "findings.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    near = next(n for n, finding in enumerate(found) if finding["article"] == "two" and finding["removed"])
    for number, edited in enumerate(
        [
            [json.dumps({**found[near], "removed": False}) if n == near else line for n, line in enumerate(lines)],
            [line for n, line in enumerate(lines) if n != near],
        ]
    ):
        (tmp_path / "edited.jsonl").write_text("\n".join(edited) + "\n", encoding="utf-8")
        again = tmp_path / f"again{number}"
        done = run("apply", out, "-o", again, "--findings", tmp_path / "edited.jsonl", "--lang", "zh")
        assert done.returncode == 0, done.stderr
        assert EDITED in texts(again)["two"]
        assert len((again / "findings.jsonl").read_text().splitlines()) == len(edited)
        assert "去重报告" in (again / "report.html").read_text(encoding="utf-8")
    assert tree(tmp_path / "again0" / "clean") == tree(tmp_path / "again1" / "clean")
