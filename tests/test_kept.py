"""Finished stages on disk: what is given back, and what is refused."""

import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.errors import BadRun
from dedup.kept import Kept, Stage
from dedup.work import Work

RUN = {"threshold": 0.7, "input a": 12, "strip": ["markup"]}


_made = []


@pytest.fixture(autouse=True)
def all_closed():
    """As when a process ends."""
    yield
    while _made:
        _made.pop().close()


def made(folder, run=None, resume=False):
    """Work files, the run's or those of another."""
    _made.append(Kept(folder, RUN if run is None else run, resume))
    return _made[-1]


def stages(work, arrays, meta=None):
    """Two stages: those arrays, and twice the first of them."""

    def refuse():
        raise AssertionError("it was finished")

    done = work.kept.stages
    one = work.stage(
        "one",
        refuse if "one" in done else lambda: Stage(arrays, meta),
        lambda stage: stage,
        lambda stage: stage,
    )
    two = work.stage(
        "two",
        refuse if "two" in done else lambda: Stage({"twice": np.concatenate([arrays["a"]] * 2)}),
        lambda stage: stage,
        lambda stage: stage,
    )
    return one, two


def killed(folder, arrays, meta=None, memory=4):
    """As a run leaves it that is killed after both stages."""
    kept = made(folder)
    work = Work(memory=memory, kept=kept)
    held = work.zeros(10, np.int64)
    stages(work, arrays, meta)
    assert not held.any()
    work._mapped.clear()  # a process that is killed removes nothing
    kept.close()  # what the system does when a process ends


@given(
    st.lists(st.sampled_from(["u1", "?", "i8", "u4", "u8", "f8"]), min_size=1, max_size=4),
    st.lists(st.integers(0, 3), min_size=1, max_size=2),
    st.booleans(),
)
def test_stages_come_back_as_they_were(tmp_path_factory, dtypes, shape, mapped):
    """Arrays of all types and shapes, in files already or in memory, empty ones and views of others; and the rest."""
    folder = tmp_path_factory.mktemp("kept") / "work"
    kept = made(folder)
    work = Work(memory=4, kept=kept)
    arrays = {}
    for number, dtype in enumerate(dtypes):
        array = work.zeros(tuple(shape), dtype) if mapped else np.zeros(shape, dtype)
        array[...] = np.arange(array.size).reshape(shape) % 2
        arrays["abcd"[number]] = array
    arrays["view"] = arrays["a"].T[::2]
    arrays["begin"] = arrays["a"].reshape(-1)[: max(arrays["a"].size - 1, 0)]
    expected = {name: (array.copy(), array.dtype) for name, array in arrays.items()}
    work.zeros(5, "u1")
    stages(work, arrays, {"names": ["一", None]})
    kept.close()
    again = made(folder, resume=True)
    with Work(memory=1 << 20, kept=again) as work:
        one, two = stages(work, arrays)
        assert one.meta == {"names": ["一", None]}
        for name, (array, dtype) in expected.items():
            assert one.arrays[name].dtype == dtype
            assert np.array_equal(one.arrays[name], array)
            one.arrays[name][...] = 0  # a copy: what is on disk stays
        assert np.array_equal(two.arrays["twice"], np.concatenate([expected["a"][0]] * 2))
    again.close()
    again = made(folder, resume=True)
    with Work(kept=again) as work:
        assert np.array_equal(stages(work, arrays)[0].arrays["a"], expected["a"][0])
    again.close()


def test_files_of_unfinished_stages_go(tmp_path):
    """Numbers go on from the last that is there, so that no file is written over."""
    killed(tmp_path / "work", {"a": np.arange(3)})
    before = sorted(path.name for path in (tmp_path / "work").iterdir())
    assert before == ["0001", "0002", "0003", "lock", "work.json"]
    kept = made(tmp_path / "work", resume=True)
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["0002", "0003", "lock", "work.json"]
    with Work(memory=4, kept=kept) as work:
        held = work.zeros(3, np.int64)
        assert (tmp_path / "work" / "0004").exists()
        assert not held.any()
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["0002", "0003", "lock", "work.json"]
    kept.discard()
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("workers", [1, 2, 9])
def test_all_work_files_go_and_nothing_else(tmp_path, workers):
    """In however many threads; what somebody has put beside them stays, and the folder with it."""
    for beside in ([], ["notes.txt", "12"]):
        killed(tmp_path / "work", {name: np.arange(10 * len(name)) for name in ("a", "bb", "ccc", "dddd")})
        kept = made(tmp_path / "work", resume=True)
        for name in beside:
            (tmp_path / "work" / name).write_text("mine")
        kept.discard(workers)
        left = [*(tmp_path / "work").iterdir()] if (tmp_path / "work").exists() else None
        assert (left and sorted(path.name for path in left)) == (sorted(beside) or None)


def test_a_work_file_that_somebody_else_removed_keeps_none_of_the_others(tmp_path, monkeypatch):
    """Between their being listed and their being looked at."""
    killed(tmp_path / "work", {name: np.arange(10) for name in ("a", "b")})
    kept = made(tmp_path / "work", resume=True)
    monkeypatch.setattr(kept, "_names", lambda names=kept._names: ["9999", *names()])
    kept.discard()
    assert not (tmp_path / "work").exists()


def test_what_fits_into_memory_is_not_kept(tmp_path):
    """A small run is done again sooner than it is read."""
    with Work(memory=1 << 20, kept=made(tmp_path / "work")) as work:
        stages(work, {"a": np.arange(3)})
        assert not (tmp_path / "work").exists()


def test_without_resume_the_work_of_an_earlier_run_goes(tmp_path):
    """Whatever it was, damaged or of another run."""
    killed(tmp_path / "work", {"a": np.arange(3)})
    (tmp_path / "work" / "work.json").write_bytes(b"{")
    assert made(tmp_path / "work", {"threshold": 0.8}).stages == []
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({**RUN, "threshold": 0.8}, "but threshold was 0.7 and is 0.8"),
        ({**RUN, "input a": 13}, "but input a was 12 and is 13"),
        ({**RUN, "input b": 13}, "but input b was null and is 13"),
        ({"threshold": 0.7, "strip": ["markup"]}, "but input a was 12 and is null"),
        ({**RUN, "strip": ["x" * 100]}, r"but strip was \[\"markup\"\] and is \[\"x{58} \.\.\."),
    ],
)
def test_another_run_is_refused(tmp_path, run, message):
    """By what differs; the files stay for the right one."""
    killed(tmp_path / "work", {"a": np.arange(3)})
    with pytest.raises(BadRun, match=message):
        made(tmp_path / "work", run, resume=True)
    assert made(tmp_path / "work", resume=True).stages == ["one", "two"]


FOREIGN = [
    {"notes.txt": b"mine"},
    {"0001": b"a file with a number for a name"},
    {"work.json": b"{}"},
    {"2024/article.txt": b"mine"},
    {"2024/article.txt": b"mine", "lock": b""},
    {"lock": b"", "work.json": b"{}", "0001": b"", "mine": b"mine"},
    {"lock": b"", "\u0662\u0663\u0664\u0665": b"mine"},
]


@pytest.mark.parametrize("files", FOREIGN, ids=lambda files: "+".join(map(ascii, files)))
@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_of_something_else_is_left_alone(tmp_path, files, resume):
    """Above all by a run that would remove the work of an earlier one."""
    for name, content in files.items():
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(BadRun, match="expected work files of an earlier run, found something else"):
        made(tmp_path / "work", resume=resume)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_file_in_the_place_of_the_folder_is_left_alone(tmp_path):
    """So is a link to nowhere."""
    (tmp_path / "work").write_text("mine")
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("work", "link"):
        with pytest.raises(BadRun, match="found something else"):
            made(tmp_path / name)
    assert (tmp_path / "work").read_text() == "mine"


def test_what_comes_into_the_folder_later_stays(tmp_path):
    """Only work files are removed."""
    kept = made(tmp_path / "work")
    with Work(memory=4, kept=kept) as work:
        work.zeros(3, np.int64)
        (tmp_path / "work" / "mine").write_text("mine")
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["mine"]


def test_one_run_at_a_time(tmp_path):
    """The second is told, whether it would go on or start anew."""
    kept = made(tmp_path / "work")
    with Work(memory=4, kept=kept) as work:
        held = work.zeros(3, np.int64)
        for resume in (False, True):
            with pytest.raises(BadRun, match="another run is at work in it"):
                made(tmp_path / "work", resume=resume)
        assert (tmp_path / "work" / "0001").exists()
        assert not held.any()
    assert made(tmp_path / "work").stages == []


def test_a_run_that_began_in_the_meantime_is_seen(tmp_path):
    """Nothing was there when this one looked."""
    one, two = made(tmp_path / "work"), made(tmp_path / "work")
    with Work(memory=4, kept=one) as work:
        held = work.zeros(3, np.int64)
        with Work(memory=4, kept=two) as other, pytest.raises(BadRun, match="another run is at work in it"):
            other.zeros(3, np.int64)
        assert (tmp_path / "work" / "0001").exists()
        assert not held.any()


# --------------------------------------------------------------------------------------------------------------- damage


def truncated(path):
    """Half of it."""
    os.truncate(path, path.stat().st_size // 2)


def emptied(path):
    """Nothing of it."""
    os.truncate(path, 0)


def longer(path):
    """More than was written."""
    with path.open("ab") as file:
        file.write(b"\0")


def changed(path):
    """One byte of it."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def removed(path):
    """It is not there."""
    path.unlink()


@pytest.mark.parametrize("damage", [truncated, emptied, longer, changed, removed])
@pytest.mark.parametrize("file", ["0002", "0003"])
def test_a_damaged_work_file_is_a_clear_error(tmp_path, damage, file):
    """It is noticed before it is looked at: a file that is too short would end the process."""
    killed(tmp_path / "work", {"a": np.arange(5000)})
    damage(tmp_path / "work" / file)
    work = Work(kept=made(tmp_path / "work", resume=True))
    with pytest.raises(BadRun, match=rf"{file}: (is damaged|is missing|has been changed).* again without --resume"):
        stages(work, {"a": np.arange(5000)})


def test_a_damaged_list_of_stages_is_a_clear_error(tmp_path):
    """Wherever it is cut off, and whichever byte of it is another."""
    killed(tmp_path / "work", {"a": np.arange(3)})
    path = tmp_path / "work" / "work.json"
    whole = path.read_bytes()
    rng = random.Random(5)
    versions = [whole[:length] for length in rng.sample(range(len(whole)), 30)]
    for at in rng.sample(range(len(whole)), 60):
        versions.append(whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1 :])
    versions += [b"[]\n{}", b"null", b'{"version": 1}', b'{"version": 1, "sha256": 3}\n{}']
    for version in versions:
        path.write_bytes(version)
        with pytest.raises(BadRun, match=r"work(\.json)?: (is damaged|holds the work of another version)"):
            made(tmp_path / "work", resume=True)
    path.write_bytes(whole)
    assert made(tmp_path / "work", resume=True).stages == ["one", "two"]


def test_the_work_of_another_version_is_refused(tmp_path):
    """Of the format; that of dedup is a part of what the run is about."""
    killed(tmp_path / "work", {"a": np.arange(3)})
    path = tmp_path / "work" / "work.json"
    head, body = path.read_bytes().split(b"\n")
    path.write_bytes(json.dumps({**json.loads(head), "version": 6}).encode() + b"\n" + body)
    with pytest.raises(
        BadRun, match=r"another version of dedup \(format 6, expected 5\); start again without --resume"
    ):
        made(tmp_path / "work", resume=True)


def test_what_the_machine_may_not_have_stored_goes_with_it(tmp_path, monkeypatch):
    """Stages that did not wait for the disk count while the system runs on; which of them are lost is told."""
    monkeypatch.setattr("dedup.kept._boot", lambda: "monday")
    killed(tmp_path / "work", {"a": np.arange(3)})
    again = made(tmp_path / "work", resume=True)
    assert (again.stages, again.lost) == (["one", "two"], [])
    again.close()
    monkeypatch.setattr("dedup.kept._boot", lambda: "tuesday")
    other = made(tmp_path / "work", resume=True)
    assert (other.stages, other.lost) == ([], ["one", "two"])
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["lock", "work.json"]
    with Work(memory=4, kept=other) as work:
        one, two = stages(work, {"a": np.arange(3)})
    assert one.arrays["a"].tolist() == [0, 1, 2]
    assert two.arrays["twice"].tolist() == [0, 1, 2] * 2


@pytest.mark.parametrize(("boot", "hurry"), [("", 30.0), ("monday", 0.0)])
def test_a_stage_that_waited_for_the_disk_outlives_the_machine(tmp_path, monkeypatch, boot, hurry):
    """All its files are stored before the list says so, where time has passed or a restart cannot be seen."""
    synced = []

    def fsync(file):
        status = os.fstat(file)
        synced.append(next(path.name for path in (tmp_path / "work").iterdir() if path.stat().st_ino == status.st_ino))

    monkeypatch.setattr("dedup.kept._boot", lambda: boot)
    monkeypatch.setattr("dedup.kept._HURRY", hurry)
    monkeypatch.setattr(os, "fsync", fsync)
    killed(tmp_path / "work", {"a": np.arange(3)})
    assert synced == ["0002", "work.json.new", "0003", "work.json.new"]
    monkeypatch.setattr("dedup.kept._boot", lambda: "tuesday")
    again = made(tmp_path / "work", resume=True)
    assert (again.stages, again.lost) == (["one", "two"], [])


def test_the_list_of_stages_that_are_stored_is_stored_whenever_it_is_written(tmp_path, monkeypatch):
    """A list that takes the place of one on the disk, and is lost there, takes with it what was safe."""
    synced = []
    monkeypatch.setattr("dedup.kept._boot", lambda: "monday")
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_ino))
    work = Work(memory=4, kept=made(tmp_path / "work"))
    held = work.zeros(10, np.int64)
    for name, hurry, times in (("one", 30.0, 0), ("two", 0.0, 3), ("three", 30.0, 1)):
        monkeypatch.setattr("dedup.kept._HURRY", hurry)
        synced.clear()
        work.stage(name, lambda: Stage({"a": np.arange(3)}), lambda stage: stage, lambda stage: stage)
        assert len(synced) == times
    assert synced == [(tmp_path / "work/work.json").stat().st_ino]
    assert not held.any()


def test_a_stage_that_waits_stores_those_that_did_not(tmp_path, monkeypatch):
    """A stage that is safe stands on stages that are."""
    monkeypatch.setattr("dedup.kept._boot", lambda: "monday")
    kept = made(tmp_path / "work")
    work = Work(memory=4, kept=kept)
    held = work.zeros(10, np.int64)
    work.stage("one", lambda: Stage({"a": np.arange(3)}), lambda stage: stage, lambda stage: stage)
    monkeypatch.setattr("dedup.kept._HURRY", 0.0)
    work.stage("two", lambda: Stage({"b": np.arange(4)}), lambda stage: stage, lambda stage: stage)
    monkeypatch.setattr("dedup.kept._HURRY", 30.0)
    work.stage("three", lambda: Stage({"c": np.arange(5)}), lambda stage: stage, lambda stage: stage)
    assert not held.any()
    kept.close()
    monkeypatch.setattr("dedup.kept._boot", lambda: "tuesday")
    again = made(tmp_path / "work", resume=True)
    assert (again.stages, again.lost) == (["one", "two"], ["three"])
    assert again.stage("two").arrays["b"].tolist() == [0, 1, 2, 3]


def test_without_the_list_of_stages_there_is_nothing_to_go_on_with(tmp_path):
    """As after a run that was killed in its first stage."""
    killed(tmp_path / "work", {"a": np.arange(3)})
    (tmp_path / "work" / "work.json").unlink()
    kept = made(tmp_path / "work", resume=True)
    assert not kept.used
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["lock"]


def test_the_lock_goes_with_a_process_that_is_killed(tmp_path):
    """And is not handed on to its workers."""
    code = (
        "import os, signal\nfrom pathlib import Path\nimport numpy\nfrom dedup.kept import Kept\n"
        "from dedup.work import Work\n"
        "if __name__ == '__main__':\n"
        f"    work = Work(memory=4, workers=2, kept=Kept(Path({str(tmp_path / 'work')!r}), {{}}, False))\n"
        "    held = work.zeros(9, 'u1')\n"
        "    for number in work.in_processes(abs, range(50)):\n"
        "        if number == 30:\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert (tmp_path / "work" / "0001").exists()
    assert not made(tmp_path / "work", {}).used
    assert not (tmp_path / "work").exists()
