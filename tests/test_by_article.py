"""Findings asked for by article: the same as if all were held, whatever the order of the file."""

from __future__ import annotations

import json
import os
import random
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import runs
from dedup.articles import read_articles
from dedup.errors import BadInput, BadRun
from dedup.model import Finding
from dedup.runs import applying, by_article
from dedup.runs.by_article import ByArticle
from dedup.runs.lines import finding_line

IDS = ["a", "b", '"', "\\u0061", "é\n", "中", ""]


def found(article: str, start: int, text: str) -> Finding:
    return Finding(article, start, start + len(text), "duplicate", "passage", "exact", 1.0, None, None, True, text, {})


def raw_line(finding: Finding, style: int) -> bytes:
    """A line as a run writes it, as others do, with its fields in another order."""
    fields = finding.to_dict()
    if style == 1:
        return json.dumps(fields).encode() + b"\r\n"
    if style == 2:
        return orjson.dumps(dict(reversed(fields.items()))) + b"\n"
    return finding_line(finding)


LINES = st.tuples(st.sampled_from(IDS), st.integers(0, 9), st.integers(0, 2), st.sampled_from([b"", b"\n", b" \r\n\n"]))


@settings(max_examples=200)
@given(lines=st.lists(LINES, max_size=12), ended=st.booleans(), sound=st.booleans(), same=st.booleans())
def test_an_article_has_its_findings_in_the_order_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Any], ended: bool, sound: bool, same: bool
) -> None:
    """With the numbers of their lines, in any order, among blank lines, also where all ids have one hash."""
    path = tmp_path_factory.mktemp("any") / "findings.jsonl"
    raw = b"".join(blank + raw_line(found(id, start, "x中"), style) for id, start, style, blank in lines)
    path.write_bytes(raw if ended else raw.rstrip())
    expected: dict[str, list[tuple[int, Finding]]] = {}
    number = 0
    for id, start, _, blank in lines:
        number += 1 + blank.count(b"\n")
        expected.setdefault(id, []).append((number, found(id, start, "x中")))
    with pytest.MonkeyPatch.context() as patch:
        if same:
            patch.setattr(by_article, "hash", lambda _: 7, raising=False)
        with ByArticle(path, sound=sound) as findings:
            rest = dict(expected)
            while rest:
                assert findings.unseen() == next(iter(rest.values()))[0]
                asked = list(rest)[-1]
                assert findings.of(asked) == rest.pop(asked)
            assert findings.of("unknown") == []
            assert findings.unseen() is None
            assert {id: findings.of(id) for id in expected} == expected


CHANGES: list[Callable[[bytes], bytes]] = [
    lambda raw: raw[: len(raw) // 2],
    lambda raw: b"",
    lambda raw: raw[raw.index(b"\n") + 1 :],
    lambda raw: b"{}\n" + raw,
    lambda raw: raw.replace(b'"article":"n2"', b'"article":"n3"'),
    lambda raw: raw.replace(b'"removed":true', b'"removed":"no"'),
    lambda raw: raw.replace(b'"passage"', b'"chapter"'),
    lambda raw: b"\n" * len(raw),
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("sound", [False, True])
def test_a_file_that_changes_between_the_two_readings_is_an_error(
    tmp_path: Path, change: Callable[[bytes], bytes], sound: bool
) -> None:
    """What is read at the places of then are not the findings of then."""
    path = tmp_path / "findings.jsonl"
    path.write_bytes(b"".join(finding_line(found(f"n{i}", 0, "x" * i)) for i in range(1, 4)))
    with ByArticle(path, sound=sound) as findings:
        path.write_bytes(change(path.read_bytes()))
        with pytest.raises(BadInput, match=r"findings\.jsonl: has changed while it was read"):
            _ = [findings.of(f"n{i}") for i in range(1, 4)]


def test_a_file_that_is_replaced_is_read_as_it_was(tmp_path: Path) -> None:
    """An editor that writes a new file and renames it takes nothing away."""
    path = tmp_path / "findings.jsonl"
    path.write_bytes(finding_line(found("a", 0, "x")))
    with ByArticle(path) as findings:
        (tmp_path / "new").write_bytes(b"other")
        (tmp_path / "new").replace(path)
        assert findings.of("a") == [(1, found("a", 0, "x"))]


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    """As in `dedup apply --findings <(jq ...)`."""
    os.mkfifo(tmp_path / "pipe")
    raw = b"".join(finding_line(found(id, 0, "x" * 100_000)) for id in "aba")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(raw,))
    writer.start()
    with ByArticle(tmp_path / "pipe") as findings:
        writer.join()
        assert [number for number, _ in findings.of("a")] == [1, 3]
        assert findings.unseen() == (2, found("b", 0, "x" * 100_000))


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A file that is not there, a folder, a line that is no finding, although its article can be read."""
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(BadInput, match="cannot be read"):
            ByArticle(path)
    (tmp_path / "bad").write_bytes(finding_line(found("a", 0, "x")) + b'\n{"article":"b","start":0}\n')
    with pytest.raises(BadInput, match=r'bad:3: a finding lacks the field "end"'):
        ByArticle(tmp_path / "bad")


# ------------------------------------------------------------------------------------------------------- whole runs


def cleaned(folder: Path, articles: int, cuts: int) -> Path:
    """A run over so many records, from each of which so many pieces of ten characters are cut."""
    piece = "文" * 10
    with (folder / "in.jsonl").open("wb") as file:
        for i in range(articles):
            file.write(orjson.dumps({"id": f"n{i}", "text": f"{i:06}{piece * cuts}left"}) + b"\n")
    with runs.stage(folder / "run") as stage:
        with (stage / "findings.jsonl").open("wb") as file:
            for i in range(articles):
                file.writelines(finding_line(found(f"n{i}", 6 + 10 * j, piece)) for j in range(cuts))
        (stage / "families.jsonl").touch()
        corpus = read_articles(folder / "in.jsonl")
        for _ in corpus:
            pass
        runs.write_clean(corpus, stage / "findings.jsonl", stage)
        summary = {"settings": {}, "inputs": corpus.inputs(), "counts": {"articles": articles, "characters": 10**6}}
        (stage / "summary.json").write_bytes(orjson.dumps(summary))
        (stage / "timings.json").write_bytes(orjson.dumps({"inputs": corpus.paths()}))
    return folder / "run"


def test_shuffled_findings_give_the_same_run(tmp_path: Path) -> None:
    """Those of an article far apart; all that is written is in the order of the articles, by start."""
    run = cleaned(tmp_path, 40, 3)
    lines = (run / "findings.jsonl").read_bytes().splitlines(keepends=True)
    mixed = random.Random(1).sample(lines, len(lines))
    (tmp_path / "mixed.jsonl").write_bytes(b"\n \n".join(line.replace(b'"n', b'"\\u006e') for line in mixed))
    runs.apply_run(run, tmp_path / "straight")
    runs.apply_run(run, tmp_path / "again", tmp_path / "mixed.jsonl")
    straight, again = (
        {path.relative_to(of): path.read_bytes() for path in of.rglob("*") if path.is_file()}
        for of in (tmp_path / "straight", tmp_path / "again")
    )
    assert straight == again
    assert again[Path("findings.jsonl")] == b"".join(lines)
    assert again[Path("clean/in.jsonl")] == (run / "clean" / "in.jsonl").read_bytes()


def test_findings_that_change_while_they_are_applied_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the file; of a run's own file as that of the run."""
    run = cleaned(tmp_path, 3, 3)
    edited = tmp_path / "edited.jsonl"
    edited.write_bytes((run / "findings.jsonl").read_bytes())
    real = applying.write_articles

    def changing(path: Path) -> Callable[..., None]:
        def write(*args: Any, **options: Any) -> None:
            path.write_bytes(path.read_bytes()[1:])
            real(*args, **options)

        return write

    monkeypatch.setattr(applying, "write_articles", changing(edited))
    with pytest.raises(BadInput, match=r"edited\.jsonl: has changed while it was read"):
        runs.apply_run(run, tmp_path / "again", edited)
    edited.write_bytes((run / "findings.jsonl").read_bytes())
    monkeypatch.setattr(applying, "write_articles", changing(run / "findings.jsonl"))
    with pytest.raises(BadRun):
        runs.apply_run(run, tmp_path / "again", edited)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["edited.jsonl", "in.jsonl", "run"]


def peak_of(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_findings_take_a_small_part_of_their_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cleaning, applying and restoring hold less than a quarter of what all findings would."""
    run = cleaned(tmp_path, 800, 50)
    most = peak_of(lambda: runs.read_findings(run / "findings.jsonl")) // 4
    corpus = read_articles(tmp_path / "in.jsonl")
    for _ in corpus:
        pass
    (tmp_path / "out").mkdir()
    assert peak_of(lambda: runs.write_clean(corpus, run / "findings.jsonl", tmp_path / "out")) < most
    assert peak_of(lambda: runs.restore_run(run, tmp_path / "back")) < most
    monkeypatch.setattr(applying, "write_report", lambda *_: None)  # a page takes what it takes, however many there are
    lines = (run / "findings.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "mixed.jsonl").write_bytes(b"".join(random.Random(1).sample(lines, len(lines))))
    del lines
    assert peak_of(lambda: runs.apply_run(run, tmp_path / "mixed", tmp_path / "mixed.jsonl")) < most
