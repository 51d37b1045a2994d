"""A run's folder: made whole or not at all, applied again, restored."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import runs
from dedup.articles import Corpus, read_articles
from dedup.errors import BadInput, BadRun
from dedup.model import Family, Finding, Grain, Member, Place
from dedup.runs import cleaning, staging

NEWS = "\ufeff快讯\r\n本报版权所有\r\n完\r\n"
RECORDS = [
    '{"id": "n1", "text": "first story\\nfooter\\nend", "n": 12345678901234567890123}',
    "",
    '{"id": "n2", "text": "reprint", "title": "\\u4e2d"}',
    '{"id": "n3", "text": "third story", "text2": [1.50]}',
    '{"id": "n4", "text": "reprint"}',
]


def found(article: str, text: str, start: int, end: int, grain: Grain = "passage", *, removed: bool = True) -> Finding:
    source = Place("n1", 0, 5)
    return Finding(article, start, end, "duplicate", grain, "exact", 1.0, "p", source, removed, text[start:end])


FINDINGS = [
    found("a.txt", NEWS[1:], 4, 12),
    found("b/dropped.txt", "gone\n", 0, 5, "article"),
    found("b/packed.txt.gz", "x\ny\n", 0, 2),
    found("n1", "first story\nfooter\nend", 12, 19),
    found("n2", "reprint", 0, 7, "article"),
    found("n3", "third story", 0, 5, removed=False),
    found("n4", "reprint", 0, 7, "article"),
]
CLEAN = {
    "a.txt": "\ufeff快讯\r\n完\r\n",
    "b/packed.txt.gz": "y\n",
    "b/same.txt": "same",
    "n.jsonl": '{"id": "n1", "text": "first story\\nend", "n": 12345678901234567890123}\n\n' + RECORDS[3] + "\n",
}


def write(path: Path, raw: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw.encode() if isinstance(raw, str) else raw)
    return path


def tree(folder: Path) -> dict[str, str]:
    """Relative name -> content, unpacked."""
    contents = {}
    for path in folder.rglob("*"):
        if not path.is_dir():
            raw = path.read_bytes()
            if path.suffix == ".gz":
                raw = gzip.decompress(raw)
            elif path.suffix == ".zst":
                raw = zstandard.ZstdDecompressor().decompressobj().decompress(raw)
            contents[path.relative_to(folder).as_posix()] = raw.decode()
    return contents


def fill(stage: Path, corpus: Corpus, findings: list[Finding], *, clean: bool = True) -> None:
    """What `dedup clean` or `dedup scan` would write."""
    ids = [article.id for article in corpus]
    families = [Family("p", "passage", Place("n1", 0, 5), (Member(Place("n2", 0, 5), 0.75),))]
    write(stage / "findings.jsonl", b"".join(map(runs.finding_line, findings)))
    (stage / "families.jsonl").write_bytes(b"".join(orjson.dumps(one.to_dict()) + b"\n" for one in families))
    if clean:
        runs.write_clean(corpus, stage / "findings.jsonl", stage)
    summary = {
        "settings": {},
        "text_field": corpus.reading.text_field,
        "id_field": corpus.reading.id_field,
        "on_error": corpus.reading.on_error,
        "inputs": corpus.inputs(),
        "counts": {"articles": len(ids), "characters": 100, "articles_cut": 99},
    }
    write(stage / "summary.json", orjson.dumps(summary))
    write(stage / "timings.json", orjson.dumps({"inputs": corpus.paths()}))


def inputs(folder: Path) -> Path:
    write(folder / "a.txt", NEWS)
    write(folder / "b" / "dropped.txt", "gone\n")
    write(folder / "b" / "packed.txt.gz", gzip.compress(b"x\ny\n"))
    write(folder / "b" / "same.txt", "same")
    write(folder / "n.jsonl", "\n".join(RECORDS))
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A cleaned run over a small tree."""
    with runs.stage(tmp_path / "run") as stage:
        fill(stage, read_articles(inputs(tmp_path / "in")), FINDINGS)
    return tmp_path / "run"


@pytest.fixture
def scanned(tmp_path: Path) -> Path:
    """A run that wrote no articles."""
    with runs.stage(tmp_path / "run") as stage:
        fill(stage, read_articles(inputs(tmp_path / "in")), FINDINGS, clean=False)
    return tmp_path / "run"


def edit(run: Path, change: Callable[[Finding], Finding | None], path: Path) -> Path:
    edited = [change(finding) for finding in runs.read_findings(run / "findings.jsonl")]
    write(path, b"".join(runs.finding_line(finding) for finding in edited if finding is not None))
    return path


def edit_json(path: Path, change: Callable[[Any], object]) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


# --------------------------------------------------------------------------------------------------- whole or not


def test_a_stage_takes_the_place_of_the_output(tmp_path: Path) -> None:
    """With parents made, and nothing else left beside it."""
    with runs.stage(tmp_path / "x" / "out") as stage:
        assert stage.parent == tmp_path / "x"
        assert stage.name.startswith(".out.partial-")
        write(stage / "summary.json", "{}")
        assert not (tmp_path / "x" / "out").exists()
    assert tree(tmp_path) == {"x/out/summary.json": "{}"}
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["out"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
@pytest.mark.parametrize("force", [False, True])
def test_an_interrupt_leaves_nothing(tmp_path: Path, error: type[BaseException], force: bool) -> None:
    """And an output that was there stays as it was."""
    if force:
        write(tmp_path / "out" / "summary.json", "old")

    def fails() -> None:
        with runs.stage(tmp_path / "out", force) as stage:
            write(stage / "clean" / "a.txt", "half")
            raise error

    with pytest.raises(error):
        fails()
    assert tree(tmp_path) == ({"out/summary.json": "old"} if force else {})
    assert len(list(tmp_path.iterdir())) == force


def test_an_interrupt_in_the_middle_of_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the user pressed Ctrl-C in the third file."""
    corpus = read_articles(inputs(tmp_path / "in"))
    real, calls = cleaning.rewrite_file, iter(range(10))

    def interrupted(*args: Any, **options: Any) -> Any:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **options)

    monkeypatch.setattr(cleaning, "rewrite_file", interrupted)
    with pytest.raises(KeyboardInterrupt), runs.stage(tmp_path / "run") as stage:
        fill(stage, corpus, FINDINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    """With the path and the system's reason."""
    path = str(tmp_path / "out" / "clean" / "a.txt")
    with pytest.raises(BadRun) as caught, runs.stage(tmp_path / "out"):
        raise OSError(errno.ENOSPC, "No space left on device", path)
    assert f"{path}: cannot be written: No space left on device" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_an_output_in_use_is_refused(tmp_path: Path) -> None:
    """Unless --force is given; a file is refused with it too."""
    write(tmp_path / "out" / "anything", "x")
    with pytest.raises(BadRun, match="is in use; pass --force"), runs.stage(tmp_path / "out"):
        pass
    write(tmp_path / "file", "x")
    with pytest.raises(BadRun, match="is a file"), runs.stage(tmp_path / "file", force=True):
        pass


def test_an_empty_folder_is_no_output_in_use(tmp_path: Path) -> None:
    """A link to one is followed."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    with runs.stage(tmp_path / "link") as stage:
        write(stage / "summary.json", "{}")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "empty" / "summary.json").read_text() == "{}"


def test_force_replaces_the_run_and_nothing_else(tmp_path: Path) -> None:
    """Parts that the new run does not have go, foreign files stay."""
    for name in ("summary.json", "clean/old.txt", "dropped/old.txt", "rejected.jsonl", "notes.txt", "mine/clean"):
        write(tmp_path / "out" / name, "old")
    with runs.stage(tmp_path / "out", force=True) as stage:
        write(stage / "summary.json", "new")
        write(stage / "clean" / "new.txt", "new")
    assert tree(tmp_path) == {
        "out/summary.json": "new",
        "out/clean/new.txt": "new",
        "out/notes.txt": "old",
        "out/mine/clean": "old",
    }


def test_force_does_not_replace_what_no_run_left(tmp_path: Path) -> None:
    """`--out . --force` in a project that has a folder `clean` of its own."""
    write(tmp_path / "out" / "clean" / "mine.txt", "precious")
    with pytest.raises(BadRun, match="holds no run"), runs.stage(tmp_path / "out", force=True) as stage:
        write(stage / "clean" / "new.txt", "new")
    assert tree(tmp_path) == {"out/clean/mine.txt": "precious"}


def test_a_failure_while_moving_puts_the_old_run_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All or none, here too."""
    for name in ("summary.json", "clean/old.txt", "findings.jsonl"):
        write(tmp_path / "out" / name, "old")
    before = tree(tmp_path)
    real, failed = Path.rename, []

    def rename(self: Path, target: Path) -> Path:
        if Path(target) == tmp_path / "out" / "summary.json" and not failed:
            failed.append(1)
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(KeyboardInterrupt), runs.stage(tmp_path / "out", force=True) as stage:
        write(write(stage / "clean" / "new.txt", "new").parents[1] / "summary.json", "new")
    assert failed
    assert tree(tmp_path) == before


@pytest.mark.parametrize("kind", ["run", "run and file", "restored"])
def test_an_interrupt_right_after_any_move_undoes_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Whichever of the moves it is, nothing of the old is lost and nothing of the new remains."""
    out, file = tmp_path / "out", tmp_path / "out.txt"
    for name in ("summary.json", "clean/old.txt", "findings.jsonl", "notes.txt"):
        write(out / name, "old")
    write(file, "old")
    before = tree(tmp_path)
    real = Path.rename
    left = [0]

    def rename(self: Path, target: Path) -> Path:
        moved = real(self, target)
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return moved

    def attempt() -> None:
        copy = ("new.txt", file) if kind == "run and file" else None
        with staging.staged(
            out, True, staging.replace_files if kind == "restored" else staging._replace_run, copy
        ) as stage:
            write(stage / "clean" / "new.txt", "new")
            write(stage / "summary.json", "new")

    monkeypatch.setattr(Path, "rename", rename)
    moves = {"run": 5, "run and file": 7, "restored": 3}[kind]
    for move in range(1, moves + 1):
        left[0] = move
        with pytest.raises(KeyboardInterrupt):
            attempt()
        assert tree(tmp_path) == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.txt"]
    left[0] = moves + 1
    attempt()
    assert left[0] == 1  # there was no other move
    assert tree(tmp_path) != before


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_in_the_exchange_waits_for_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The new run is whole, and then the signal arrives, with word of that."""
    write(tmp_path / "out" / "summary.json", "old")
    number = getattr(signal, name)
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        moved = real(self, target)
        os.kill(os.getpid(), number)
        return moved

    def attempt() -> None:
        with runs.stage(tmp_path / "out", force=True) as stage:
            write(stage / "summary.json", "new")

    before = signal.signal(number, signal.default_int_handler)
    monkeypatch.setattr(Path, "rename", rename)
    try:
        with pytest.raises(KeyboardInterrupt, match="was written whole"):
            attempt()
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert tree(tmp_path) == {"out/summary.json": "new"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_cannot_be_put_back_is_kept_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old run is not deleted with the leftovers."""
    write(tmp_path / "out" / "summary.json", "old")
    real, calls = Path.rename, iter(range(10))

    def rename(self: Path, target: Path) -> Path:
        if next(calls) >= 1:
            raise OSError(errno.EIO, "Input/output error", str(self), None, str(target))
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with (
        pytest.raises(BadRun, match=r"summary.json: cannot be put back: .*move it back"),
        runs.stage(tmp_path / "out", force=True) as stage,
    ):
        write(stage / "summary.json", "new")
    assert list(tree(tmp_path).values()) == ["old"]


@pytest.mark.parametrize(
    ("source", "out"),
    [("in", "in"), ("in", "in/out"), ("in", "in/x/out"), ("out/in", "out"), ("in", "link/out"), ("in/a.txt", "in")],
)
def test_neither_input_nor_output_lies_in_the_other(tmp_path: Path, source: str, out: str) -> None:
    """Links are seen through."""
    write(tmp_path / "in" / "a.txt", "")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    with pytest.raises(BadRun, match="inside"):
        runs.check_places(["-", tmp_path / source], tmp_path / out)


def test_neighbours_do_not_lie_in_each_other(tmp_path: Path) -> None:
    """Though one name begins with the other."""
    write(tmp_path / "news" / "a.txt", "")
    runs.check_places([tmp_path / "news", "-", str(tmp_path / "news" / "a.txt")], tmp_path / "news-out")


# -------------------------------------------------------------------------------------------------------- writing


def test_a_run_holds_clean_articles_and_dropped_ones_verbatim(run: Path) -> None:
    """A text file that is cut whole leaves no clean file; records leave their line numbers."""
    contents = tree(run)
    assert {name[6:]: text for name, text in contents.items() if name.startswith("clean/")} == CLEAN
    assert {name[8:]: text for name, text in contents.items() if name.startswith("dropped/")} == {
        "b/dropped.txt": "gone\n",
        "n.jsonl": RECORDS[2] + "\n" + RECORDS[4],
    }
    places = [json.loads(line) for line in contents["places.jsonl"].splitlines()]
    assert [(place["file"], place["lines"]) for place in places] == [("b/packed.txt.gz", []), ("n.jsonl", [3, 5])]


def test_the_same_run_twice_gives_the_same_bytes(tmp_path: Path, run: Path) -> None:
    """Compressed files too."""
    with runs.stage(tmp_path / "again") as stage:
        fill(stage, read_articles(tmp_path / "in"), FINDINGS)
    for path in run.rglob("*"):
        if path.is_file():
            assert (tmp_path / "again" / path.relative_to(run)).read_bytes() == path.read_bytes()


def test_findings_and_families_come_back_from_their_files(run: Path) -> None:
    """Equal in every field."""
    assert runs.read_findings(run / "findings.jsonl") == FINDINGS
    (family,) = runs.read_families(run / "families.jsonl")
    assert family == Family("p", "passage", Place("n1", 0, 5), (Member(Place("n2", 0, 5), 0.75),))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "not JSON"),
        (b"[]", "JSON object"),
        (b"{}", '"article"'),
        (orjson.dumps({**FINDINGS[0].to_dict(), "grain": "chapter"}), '"chapter"'),
        (orjson.dumps({**FINDINGS[0].to_dict(), "removed": 1}), '"removed"'),
    ],
)
def test_a_bad_line_of_findings_is_named(tmp_path: Path, line: bytes, words: str) -> None:
    """file:line, and what is wrong."""
    path = write(tmp_path / "edited.jsonl", orjson.dumps(FINDINGS[0].to_dict()) + b"\n\n" + line + b"\n")
    with pytest.raises(BadInput) as caught:
        runs.read_findings(path)
    assert f"{path}:3: " in str(caught.value)
    assert words in str(caught.value)


def test_an_input_that_changed_since_the_scan_is_not_rewritten(tmp_path: Path) -> None:
    """Its findings are about other texts, even if they happen to fit."""
    corpus = read_articles(inputs(tmp_path / "in"))
    list(corpus)
    write(tmp_path / "in" / "b" / "same.txt", "other")
    findings = write(tmp_path / "findings.jsonl", b"".join(map(runs.finding_line, FINDINGS)))
    with pytest.raises(BadInput, match=r"same\.txt: has changed"):
        runs.write_clean(corpus, findings, tmp_path)


def test_a_finding_about_an_unknown_article_is_an_error(tmp_path: Path) -> None:
    """It would be lost without a word."""
    corpus = read_articles(inputs(tmp_path / "in"))
    findings = write(tmp_path / "findings.jsonl", runs.finding_line(found("zzz", "x", 0, 1)))
    with pytest.raises(BadInput, match=r"^article .zzz., finding at 0-1: there is no such article"):
        runs.write_clean(corpus, findings, tmp_path)


@pytest.mark.parametrize("old", [False, True])
def test_one_clean_file_is_copied_out(tmp_path: Path, run: Path, old: bool) -> None:
    """Also where nothing is left of it; nothing else remains beside it."""
    out, name = tmp_path / "x" / "out.txt", "out.txt.dedup"
    for text, clean in ((CLEAN["a.txt"], "a.txt"), ("", "b/dropped.txt")):
        if old:
            write(out, "old")
        with runs.stage(out.with_name(name), force=True, copy=(clean, out)) as stage:
            if text:
                write(stage / "clean" / clean, text)
            write(stage / "summary.json", "{}")
        assert out.read_bytes() == text.encode()
        assert sorted(path.name for path in out.parent.iterdir()) == [out.name, name]


def test_a_copy_that_fails_leaves_neither_file_nor_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rerun finds the place as free as it was."""

    def full(*paths: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(paths[1]))

    monkeypatch.setattr(staging.shutil, "copyfile", full)
    with (
        pytest.raises(BadRun, match="No space left"),
        runs.stage(tmp_path / "o.txt.dedup", copy=("a.txt", tmp_path / "o.txt")) as stage,
    ):
        write(stage / "clean" / "a.txt", "text")
    assert not list(tmp_path.iterdir())


def test_clean_articles_go_out_as_jsonl(tmp_path: Path, run: Path) -> None:
    """One a line, whatever they came from."""
    corpus = read_articles(tmp_path / "in")
    list(corpus)
    out = io.BytesIO()
    runs.copy_jsonl(corpus, run, out)
    records = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(record["id"], record["text"]) for record in records] == [
        ("a.txt", "快讯\r\n完\r\n"),
        ("b/packed.txt.gz", "y\n"),
        ("b/same.txt", "same"),
        ("n1", "first story\nend"),
        ("n3", "third story"),
    ]


# ------------------------------------------------------------------------------------------------------ restoring


def test_restore_gives_the_inputs_back(tmp_path: Path, run: Path) -> None:
    """Byte for byte here, where records are escaped as our writer would."""
    runs.restore_run(run, tmp_path / "back")
    assert tree(tmp_path / "back") == tree(tmp_path / "in")


def test_restore_with_force_leaves_other_files_alone(tmp_path: Path, run: Path) -> None:
    """Only files of the same names are replaced."""
    write(tmp_path / "back" / "a.txt", "old")
    write(tmp_path / "back" / "b" / "other.txt", "other")
    with pytest.raises(BadRun, match="in use"):
        runs.restore_run(run, tmp_path / "back")
    runs.restore_run(run, tmp_path / "back", force=True)
    assert tree(tmp_path / "back") == {**tree(tmp_path / "in"), "b/other.txt": "other"}


def test_restore_writes_through_no_link(tmp_path: Path, run: Path) -> None:
    """Neither through a folder nor through a file."""
    write(tmp_path / "elsewhere" / "same.txt", "precious")
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "b").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadRun, match="symbolic link"):
        runs.restore_run(run, tmp_path / "back", force=True)
    assert tree(tmp_path / "elsewhere") == {"same.txt": "precious"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back", "elsewhere", "in", "run"]


def test_restore_replaces_no_folder_by_a_file(tmp_path: Path, run: Path) -> None:
    """What is in it is not ours."""
    write(tmp_path / "back" / "a.txt" / "precious", "x")
    with pytest.raises(BadRun, match="is a folder"):
        runs.restore_run(run, tmp_path / "back", force=True)


def test_a_scan_changed_nothing_that_could_be_restored(tmp_path: Path, scanned: Path) -> None:
    """The inputs are the originals."""
    with pytest.raises(BadRun, match="the inputs are the originals"):
        runs.restore_run(scanned, tmp_path / "back")


def test_a_bom_in_the_middle_of_a_text_does_not_become_that_of_the_file(tmp_path: Path) -> None:
    """Files put together by `cat` have such; the cut before it makes it the first character."""
    write(tmp_path / "in" / "a.txt", "cut\n\ufeffkept\n")
    write(tmp_path / "in" / "b.txt.zst", zstandard.compress("cut\n\ufeffkept\n".encode()))
    text = "cut\n\ufeffkept\n"
    findings = [found("a.txt", text, 0, 4), found("b.txt.zst", text, 0, 4)]
    with runs.stage(tmp_path / "run") as stage:
        fill(stage, read_articles(tmp_path / "in"), findings)
    runs.restore_run(tmp_path / "run", tmp_path / "back")
    assert tree(tmp_path / "back") == tree(tmp_path / "in")


@pytest.mark.parametrize(
    "where", ["findings.jsonl", "clean/a.txt", "clean/n.jsonl", "clean/b/packed.txt.gz", "dropped/n.jsonl"]
)
@pytest.mark.parametrize("again", [runs.restore_run, runs.apply_run])
def test_a_run_that_was_changed_by_hand_is_not_restored_to_something_else(
    tmp_path: Path, run: Path, where: str, again: Callable[[Path, Path], object]
) -> None:
    """A flipped finding in place, another clean text, a lost record: noticed, not restored wrongly."""
    path = run / where
    if where == "findings.jsonl":
        edit(run, lambda finding: replace(finding, removed=finding.article != "n1" and finding.removed), path)
    elif where == "clean/n.jsonl":
        path.write_text(path.read_text().replace("third", "fourth"))
    elif where == "dropped/n.jsonl":
        path.write_text(RECORDS[2] + "\n")
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(b"z\n"))
    else:
        path.write_text("other")
    with pytest.raises(BadRun) as caught:
        again(run, tmp_path / "back")
    assert str(run) in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "run"]


@pytest.mark.parametrize(
    "name", ["summary.json", "places.jsonl", "findings.jsonl", "clean/a.txt", "dropped/b/dropped.txt"]
)
def test_a_missing_file_of_a_run_is_named(tmp_path: Path, run: Path, name: str) -> None:
    """The run is damaged, and the error says where."""
    (run / name).unlink()
    with pytest.raises(BadRun) as caught:
        runs.restore_run(run, tmp_path / "back")
    assert name.removeprefix("dropped/").removeprefix("clean/") in str(caught.value)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    """Nothing, a file, any folder."""
    for path in (tmp_path / "nothing", write(tmp_path / "file", ""), tmp_path):
        with pytest.raises(BadRun):
            runs.read_summary(path)
        with pytest.raises(BadRun):
            runs.restore_run(path, tmp_path / "back")


HOSTILE = [
    "/etc/passwd",
    "../outside.txt",
    "b/../../outside.txt",
    "C:\\outside",
    "c:outside",
    "b\\..\\x",
    "a//b",
    "",
    "a\0b",
    3,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_in_a_summary_are_refused(tmp_path: Path, run: Path, name: object) -> None:
    """A run folder from elsewhere writes nothing outside of the output."""
    edit_json(run / "summary.json", lambda summary: summary["inputs"][0].update(name=name))
    for again in (runs.restore_run, runs.apply_run):
        with pytest.raises(BadRun):
            again(run, tmp_path / "back")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "run"]


@pytest.mark.parametrize("name", [*HOSTILE, "unknown.jsonl"])
def test_hostile_names_in_places_are_refused(tmp_path: Path, run: Path, name: object) -> None:
    """Nor reads anything outside of the run."""
    write(run / "places.jsonl", orjson.dumps({"file": name, "lines": [1]}) + b"\n")
    with pytest.raises(BadRun):
        runs.restore_run(run, tmp_path / "back")


@pytest.mark.parametrize("lines", [None, [0], [3, 3], [5, 3], [True], ["3"], [-1], [1.5], "3"])
def test_impossible_lines_in_places_are_refused(tmp_path: Path, run: Path, lines: object) -> None:
    """Line numbers are integers from 1 that rise."""
    write(run / "places.jsonl", orjson.dumps({"file": "n.jsonl", "lines": lines}) + b"\n")
    with pytest.raises(BadRun, match=r"places\.jsonl:1"):
        runs.restore_run(run, tmp_path / "back")


@pytest.mark.parametrize("name", ["clean/a.txt", "clean/b", "clean", "dropped/n.jsonl", "dropped"])
def test_links_in_a_run_are_not_followed(tmp_path: Path, run: Path, name: str) -> None:
    """They could show any file of the reader's machine as an article."""
    (run / name).rename(tmp_path / "moved")
    (run / name).symlink_to(tmp_path / "moved")
    with pytest.raises(BadRun, match="symbolic link"):
        runs.restore_run(run, tmp_path / "back")


def test_unknown_formats_in_a_summary_are_refused(tmp_path: Path, run: Path) -> None:
    """A later version may know them."""
    edit_json(run / "summary.json", lambda summary: summary["inputs"][0].update(format="wordstar"))
    with pytest.raises(BadRun, match="'wordstar'"):
        runs.restore_run(run, tmp_path / "back")


# -------------------------------------------------------------------------------------------------- applied again


@pytest.mark.parametrize("kind", ["run", "scanned"])
def test_the_same_findings_give_the_same_run(tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
    """After `clean` from the folder alone, after `scan` from the inputs."""
    folder = request.getfixturevalue(kind)
    if kind == "run":
        (tmp_path / "in").rename(tmp_path / "gone")
    runs.apply_run(folder, tmp_path / "again")
    contents = tree(tmp_path / "again")
    assert {name[6:]: text for name, text in contents.items() if name.startswith("clean/")} == CLEAN
    for name in ("findings.jsonl", "families.jsonl", "timings.json"):
        assert contents[name] == (folder / name).read_text()
    counts = json.loads(contents["summary.json"])["counts"]
    assert counts["articles_cut"] == 3
    assert counts["characters_out"] == 100 - 8 - 5 - 2 - 7 - 7 - 7
    expected = [*CLEAN, "b/dropped.txt"]
    runs.restore_run(tmp_path / "again", tmp_path / "back")
    assert sorted(tree(tmp_path / "back")) == sorted(expected)
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == sorted(
        [*"clean dropped places.jsonl findings.jsonl families.jsonl summary.json timings.json report.html".split()]
    )


@pytest.mark.parametrize("kind", ["run", "scanned"])
def test_edited_findings_are_applied_to_the_originals(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    """Cuts are taken back, new ones made; the new run can be restored and applied again."""
    folder = request.getfixturevalue(kind)
    edited = edit(folder, lambda finding: replace(finding, removed=not finding.removed), tmp_path / "edited.jsonl")
    edited.write_bytes(b"\n".join(reversed(edited.read_bytes().split(b"\n"))))
    runs.apply_run(folder, tmp_path / "again", edited)
    expected = [replace(finding, removed=not finding.removed) for finding in FINDINGS]
    assert runs.read_findings(tmp_path / "again" / "findings.jsonl") == expected
    clean = {name[6:]: text for name, text in tree(tmp_path / "again").items() if name.startswith("clean/")}
    third = '{"id": "n3", "text": " story", "text2": [1.50]}'
    originals = tree(tmp_path / "in")
    assert clean == {**originals, "n.jsonl": "\n".join([*RECORDS[:3], third, RECORDS[4]])}
    assert not (tmp_path / "again" / "dropped").exists()
    runs.restore_run(tmp_path / "again", tmp_path / "back")
    assert tree(tmp_path / "back") == originals
    runs.apply_run(tmp_path / "again", tmp_path / "third", folder / "findings.jsonl")
    third_clean = {name[6:]: text for name, text in tree(tmp_path / "third").items() if name.startswith("clean/")}
    assert third_clean == CLEAN


@pytest.mark.parametrize("kind", ["run", "scanned"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"article": "zzz"}, "no such article"),
        ({"end": 99}, "22 characters"),
        ({"text": "Footer\n"}, '"text"'),
        ({"start": 11}, '"text"'),
        ({"grain": "article"}, "whole"),
    ],
)
def test_edited_findings_that_do_not_fit_are_named_by_their_line(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest, change: dict[str, Any], words: str
) -> None:
    """And nothing is written."""
    folder = request.getfixturevalue(kind)
    edited = edit(
        folder, lambda finding: replace(finding, **change) if finding.article == "n1" else finding, tmp_path / "e.jsonl"
    )
    with pytest.raises(BadInput) as caught:
        runs.apply_run(folder, tmp_path / "again", edited)
    assert str(caught.value).startswith(f"{edited}:4: ")
    assert words in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.jsonl", "in", "run"]


def test_edited_findings_that_overlap_are_named_by_their_line(tmp_path: Path, run: Path) -> None:
    """The later of the two in the text."""
    extra = found("n1", "first story\nfooter\nend", 10, 13)
    write(tmp_path / "e.jsonl", b"".join(map(runs.finding_line, [extra, *FINDINGS])))
    with pytest.raises(BadInput, match=r"e\.jsonl:5: .* overlaps"):
        runs.apply_run(run, tmp_path / "again", tmp_path / "e.jsonl")


@pytest.mark.parametrize("change", ["changed", "gone"])
def test_after_a_scan_the_inputs_must_be_there_unchanged(tmp_path: Path, scanned: Path, change: str) -> None:
    """By their hashes."""
    path = tmp_path / "in" / "b" / "same.txt"
    if change == "gone":
        path.unlink()
    else:
        path.write_text("Same")
    with pytest.raises(BadRun, match=rf"same\.txt: .*{change}"):
        runs.apply_run(scanned, tmp_path / "again")


def test_after_a_scan_of_stdin_there_is_nothing_to_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says so; after `clean` it works."""
    for clean in (False, True):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b'{"text": "abc"}\n')))
        with runs.stage(tmp_path / f"run{clean}") as stage:
            fill(stage, read_articles("-"), [found("stdin.jsonl:1", "abc", 0, 1)], clean=clean)
    with pytest.raises(BadRun, match="stdin"):
        runs.apply_run(tmp_path / "runFalse", tmp_path / "again")
    runs.apply_run(tmp_path / "runTrue", tmp_path / "again")
    assert (tmp_path / "again" / "clean" / "stdin.jsonl").read_text() == '{"text": "bc"}\n'


def test_a_run_is_not_applied_into_itself(tmp_path: Path, run: Path) -> None:
    """Nor restored there."""
    for again in (runs.apply_run, runs.restore_run):
        for out in (run, run / "again", tmp_path):
            with pytest.raises(BadRun, match="inside"):
                again(run, out, force=True)


def lines_of(path: Path) -> list[Any]:
    return [list(json.loads(line).items()) if line.strip() else line for line in path.read_bytes().split(b"\n")]


@settings(max_examples=100)
@given(
    records=st.lists(st.text(st.sampled_from('a中"\\\n\u2028\r \ufeff'), max_size=12), min_size=1, max_size=6),
    files=st.lists(st.text(st.sampled_from("b中\n\u2028\r \ufeff"), max_size=12), min_size=1, max_size=3),
    seed=st.randoms(use_true_random=False),
)
def test_whatever_is_cut_comes_back(
    tmp_path_factory: pytest.TempPathFactory, records: list[str], files: list[str], seed: Any
) -> None:
    """Random cuts in random articles, some of them whole: text files byte for byte, records field by field."""
    folder = tmp_path_factory.mktemp("any")
    write(folder / "in" / "n.jsonl", "\n".join(json.dumps({"n": 1, "text": text}) for text in records))
    for i, text in enumerate(files):
        write(folder / "in" / f"{i}.txt", text)
    corpus = read_articles(folder / "in")
    findings = list(random_findings(corpus, seed))
    with runs.stage(folder / "run") as stage:
        fill(stage, corpus, findings)
    runs.restore_run(folder / "run", folder / "back")
    for path in (folder / "in").iterdir():
        if path.suffix == ".txt":
            assert (folder / "back" / path.name).read_bytes() == path.read_bytes()
    assert lines_of(folder / "back" / "n.jsonl") == lines_of(folder / "in" / "n.jsonl")
    runs.apply_run(folder / "run", folder / "again")
    assert tree(folder / "again" / "clean") == tree(folder / "run" / "clean")


def random_findings(corpus: Corpus, seed: Any) -> Iterator[Finding]:
    for article in corpus:
        if seed.random() < 0.2:
            yield found(article.id, article.text, 0, len(article.text), "article")
            continue
        edges = sorted(seed.randint(0, len(article.text)) for _ in range(4))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            yield found(article.id, article.text, start, end, removed=seed.random() < 0.8)


def test_an_output_whose_parent_may_not_be_written_is_filled_from_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that someone made for us in a place that is not ours, or a mount."""
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with runs.stage(out) as stage:
        assert stage.parent == out
        write(stage / "clean" / "a.txt", "x")
    assert tree(tmp_path) == {"out/clean/a.txt": "x"}
    assert [path.name for path in out.iterdir()] == ["clean"]
