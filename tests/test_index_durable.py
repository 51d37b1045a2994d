"""The index when it is killed, when the disk is full, when it is damaged, and when several processes use it."""

import os
import random
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from corpora import corpus, sentence

import dedup
from benchmarks import crash
from dedup import Article, DedupError, Index, Settings
from dedup.errors import BadIndex
from dedup.index import index as index_module
from dedup.index import postings, sorted_runs
from dedup.index.store import DATABASE, Store

BASE = Settings(keep_rules=("frequency",), num_perm=64, recall=0.8)
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the child is a fork of this process")
LINES = [sentence(random.Random(number), 60, 80) for number in range(12)]


@needs_fork
def test_whatever_was_acknowledged_is_there_after_kill_9(tmp_path):
    """Twenty kills at random moments; `python -m benchmarks.crash` does more."""
    versions: dict[int, set[int]] = {}
    assert [fault for seed in range(20) for fault in crash.kill_once(tmp_path / "x", seed, versions)] == []
    assert sum(-1 not in versions[number] for number in versions) > 10


@pytest.fixture
def small_runs(monkeypatch):
    """Runs of a few articles."""
    monkeypatch.setattr(postings, "FLUSH", 300)


def test_a_run_that_fails_half_way_loses_nothing(tmp_path, monkeypatch, small_runs):
    """The article before it is stored, the error says what to do, and once there is room all goes on."""
    articles = corpus(1, articles=40, pool=60)
    original = sorted_runs._write

    def failing(file, pieces, most, keep):
        file.write(b"half of a block")
        raise OSError(28, "No space left on device")

    with Index(tmp_path / "x", BASE) as index:
        index.add_many(articles[:20])
        monkeypatch.setattr(sorted_runs, "_write", failing)
        failed = 0
        for article in articles[20:30]:
            try:
                index.add(article)
            except BadIndex as error:
                failed += "No space left on device" in str(error)
            assert article.id in [each.id for each in index.articles()]
        assert failed > 0
        with pytest.raises(BadIndex, match="No space left"):
            index.compact()
        assert not list((tmp_path / "x" / "runs").glob("*.tmp"))
        monkeypatch.setattr(sorted_runs, "_write", original)
        index.add_many(articles[20:])
        assert list(index.findings()) == dedup.scan(articles, BASE).findings
        index.compact()
    assert Index.repair(tmp_path / "x") == []


def test_a_full_disk_stores_nothing_of_an_article(tmp_path):
    """The database is let grow no further: the error says so, the index is as it was, and goes on later."""
    articles = corpus(1, articles=40, pool=60)
    with Index(tmp_path / "x", BASE) as index:
        index.add_many(articles[:10])
        connection = index._store._connection
        pages = connection.execute("pragma page_count").fetchone()[0]
        connection.execute(f"pragma max_page_count = {pages}")
        with pytest.raises(BadIndex, match="the disk is full; nothing of this was stored"):
            index.add_many([*articles[10:], Article("long", "一" * 100_000)])
        assert len(list(index.articles())) == 10
        assert index.query(articles[3]).article == "a3"
        connection.execute("pragma max_page_count = 1000000")
        index.add_many(articles[10:])
        assert list(index.findings()) == dedup.scan(articles, BASE).findings
    assert Index.repair(tmp_path / "x") == []


@needs_fork
@pytest.mark.parametrize("limit", [40_000, 120_000, 200_000])
def test_writes_that_the_system_cuts_off_lose_nothing(limit, tmp_path):
    """Files may grow to a limit only, so that a write ends half-way; what was acknowledged is there, and no more."""
    articles = corpus(5, articles=60, pool=90)
    reading, said = os.pipe()
    child = crash.fork()
    if child == 0:
        code = 1
        try:
            postings.FLUSH = 2000
            with Index(tmp_path / "x", BASE) as index:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
                for article in articles:
                    try:
                        index.add(article)
                    except BadIndex:
                        code = 0
                        break
                    os.write(said, f"{article.id}\n".encode())
        finally:
            os._exit(code)
    os.close(said)
    with os.fdopen(reading) as lines:
        acknowledged = lines.read().split()
    assert os.waitpid(child, 0)[1] == 0
    assert Index.repair(tmp_path / "x") == []
    with Index(tmp_path / "x") as index:
        there = [article.id for article in index.articles()]
        assert there[: len(acknowledged)] == acknowledged
        assert len(there) <= len(acknowledged) + 1
        index.add_many(articles)
        assert list(index.findings()) == dedup.scan(articles, BASE).findings


def test_a_damaged_run_is_noticed_and_made_anew(tmp_path, small_runs):
    """Whichever byte it is: no answer is made from it, and the error says how to mend it."""
    articles = corpus(2, articles=40, pool=60)
    with Index(tmp_path / "x", BASE) as index:
        index.add_many(articles)
        index.compact()
        expected = list(index.findings())
    (run,) = (tmp_path / "x" / "runs").iterdir()
    whole = run.read_bytes()
    rng = random.Random(4)
    for at in [0, len(whole) - 1, len(whole) - 20, *(rng.randrange(len(whole)) for _ in range(12))]:
        run.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        with pytest.raises(BadIndex, match="dedup index repair"):
            ask_all(tmp_path / "x", articles)
    run.write_bytes(whole[:-5000])
    with pytest.raises(BadIndex, match="dedup index repair"):
        ask_all(tmp_path / "x", articles)
    run.unlink()
    with pytest.raises(BadIndex, match="is missing; run `dedup index repair"):
        Index(tmp_path / "x")
    (fault,) = Index.repair(tmp_path / "x")
    assert "is missing" in fault
    assert Index.repair(tmp_path / "x") == []
    with Index(tmp_path / "x") as index:
        assert list(index.findings()) == expected
        assert all(index.query(article) == index.add(article) for article in articles)
        index.add(Article("more", articles[3].text))
    assert Index.repair(tmp_path / "x") == []


def test_runs_that_are_gone_or_no_files_are_made_anew(tmp_path, small_runs):
    """The folder of the runs with all that is in it, of an index with runs and of one without; a folder for a run."""
    articles = corpus(1, articles=40, pool=60)
    for few in (articles[:1], articles):
        with Index(tmp_path / "x", BASE) as index:
            index.add_many(few)
            expected = list(index.findings())
        shutil.rmtree(tmp_path / "x" / "runs")
        with pytest.raises(BadIndex, match="is missing; run `dedup index repair"):
            Index(tmp_path / "x")
        assert len(Index.repair(tmp_path / "x")) == 1
        assert Index.repair(tmp_path / "x") == []
        with Index(tmp_path / "x", read_only=True) as index:
            assert list(index.findings()) == expected
            assert index.query(Article("again", articles[0].text)).duplicate_of == "a0"
    run = next((tmp_path / "x" / "runs").iterdir())
    run.unlink()
    run.mkdir()
    for read_only in (True, False):
        with pytest.raises(BadIndex, match=r"cannot be read: .*; let it be read, or run `dedup index repair"):
            Index(tmp_path / "x", read_only=read_only)
    assert len(Index.repair(tmp_path / "x")) == 1
    assert Index.repair(tmp_path / "x") == []
    shutil.rmtree(tmp_path / "x" / "runs")
    (tmp_path / "x" / "runs").write_bytes(b"no folder")
    with pytest.raises(BadIndex, match="cannot be read"):
        Index(tmp_path / "x")
    with pytest.raises(BadIndex, match=r"runs: cannot be made: .*; take away what stands there"):
        Index.repair(tmp_path / "x")


def rejudge(folder: Path) -> None:
    """As the command does."""
    with Index(folder) as index:
        index.rejudge()


@pytest.mark.parametrize("make", [Index.repair, rejudge])
def test_runs_that_could_not_all_be_made_anew_are_taken_away(make, tmp_path, monkeypatch, small_runs):
    """They would stand in the way of who makes room, and an index that only repair opens would never collect them."""
    articles = corpus(1, articles=40, pool=60)
    monkeypatch.setattr(index_module, "_LOT", 4)
    with Index(tmp_path / "x", BASE) as index:
        index.add_many(articles)
        expected = list(index.findings())
    before = sorted((tmp_path / "x" / "runs").iterdir())
    if make == Index.repair:
        whole = before[0].read_bytes()
        before[0].write_bytes(whole[:-1])
    original, calls = sorted_runs._write, []

    def failing(*args):
        calls.append(args)
        if len(calls) > 3:
            raise OSError(28, "No space left on device")
        return original(*args)

    monkeypatch.setattr(sorted_runs, "_write", failing)
    with pytest.raises(BadIndex, match="No space left"):
        make(tmp_path / "x")
    assert sorted((tmp_path / "x" / "runs").iterdir()) == before
    monkeypatch.setattr(sorted_runs, "_write", original)
    make(tmp_path / "x")
    assert Index.repair(tmp_path / "x") == []
    with Index(tmp_path / "x") as index:
        assert list(index.findings()) == expected


def ask_all(folder: Path, articles: list[Article]) -> list[object]:
    """What an index says of articles, and of their texts under other names."""
    with Index(folder, read_only=True) as index:
        again = [Article(f"{article.id} again", article.text) for article in articles]
        return [[index.query(article) for article in [*articles, *again]], list(index.findings())]


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_database_is_noticed_or_says_the_same(seed, tmp_path):
    """Of a page that was changed nothing is answered; where nothing was read of it the answer is right."""
    articles = corpus(seed, articles=30, pool=40)
    folder = tmp_path / "x"
    with Index(folder, BASE) as index:
        index.add_many(articles)
        index.compact()
    expected = ask_all(folder, articles)
    whole = (folder / DATABASE).read_bytes()
    rng = random.Random(seed)
    noticed = 0
    for _ in range(14):
        at, length = rng.randrange(100, len(whole)), rng.choice([1, 8, 600])
        damage = bytes(byte ^ rng.randrange(1, 256) for byte in whole[at : at + length])
        (folder / DATABASE).write_bytes(whole[:at] + damage + whole[at + length :])
        try:
            assert ask_all(folder, articles) == expected, at
        except BadIndex as error:
            noticed += DATABASE in str(error)
    assert noticed > 5
    (folder / DATABASE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadIndex, match="restore the folder from a backup, or make the index anew"):
        Index.repair(folder)


def test_a_lost_row_is_noticed(tmp_path):
    """Entries lead to a place where an article was and none is."""
    with Index(tmp_path / "x", BASE) as index:
        index.add_many([Article(id, "\n".join(LINES[at : at + 3])) for id, at in (("a", 0), ("b", 3), ("c", 6))])
        for table, lost in (("articles", 4), ("verdicts", 4)):
            index._store._connection.execute(f"delete from {table} where place = {lost}")
            with pytest.raises(BadIndex, match="restore the folder from a backup"):
                index.query(Article("d", "\n".join(LINES[3:6])))


def test_a_second_writer_waits_or_is_told(tmp_path):
    """A reader does neither; when the first is done the second goes on."""
    first = Index(tmp_path / "x", BASE)
    first.add(Article("a", LINES[0]))
    with pytest.raises(BadIndex, match="another process is writing it; wait for it"):
        Index(tmp_path / "x")
    with Index(tmp_path / "x", read_only=True) as reader:
        assert reader.query(Article("b", LINES[0])).duplicate_of == "a"
        with pytest.raises(BadIndex, match="opened to be read only"):
            reader.add(Article("b", LINES[0]))
        first.add(Article("c", LINES[1]))
        assert reader.query(Article("d", LINES[1])).duplicate_of == "c"
    program = "import sys, dedup; dedup.Index(sys.argv[1], wait=60).close(); print('done')"
    second = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "x")], stdout=subprocess.PIPE, text=True)
    time.sleep(0.2)
    assert second.poll() is None
    first.close()
    assert second.communicate()[0] == "done\n"


@needs_fork
def test_readers_go_on_while_runs_are_merged_and_see_no_half_of_an_add(tmp_path):
    """Pairs are added together; a reader always sees an even number, and both of a pair or neither."""
    reading, said = os.pipe()
    with Index(tmp_path / "x", BASE) as index:
        index.add_many([Article("first", LINES[0]), Article("second", LINES[1])])
    child = crash.fork()
    if child == 0:
        try:
            postings.FLUSH = 100
            rng = random.Random(1)
            with Index(tmp_path / "x") as index:
                for number in range(40):
                    text = "\n".join(sentence(rng, 50, 80) for _ in range(3))
                    index.add_many([Article(f"one {number}", text), Article(f"two {number}", text)])
                    if number % 10 == 9:
                        index.compact()
            os.write(said, b"done")
        finally:
            os._exit(0)
    os.close(said)
    os.set_blocking(reading, False)
    looks, done = 0, b""
    with Index(tmp_path / "x", read_only=True) as reader:
        while done != b"done":
            assert reader.info()["articles"] % 2 == 0
            assert reader.query(Article("again", LINES[0])).duplicate_of == "first"
            articles = [article.id for article in reader.articles()]
            assert len(articles) == len(set(articles))
            looks += 1
            try:
                done = os.read(reading, 10)
                assert done == b"done"
            except BlockingIOError:
                done = b""
    os.close(reading)
    os.waitpid(child, 0)
    assert looks > 3
    with Index(tmp_path / "x", read_only=True) as reader:
        assert reader.info()["articles"] == 82
        assert sum(finding.grain == "article" for finding in reader.findings()) == 40


def test_a_reader_sees_what_is_added_after_everything_was_removed_and_judged_again(tmp_path):
    """The database numbers recent entries from the beginning then, and no run tells the reader that they are others."""
    with Index(tmp_path / "x", BASE) as index:
        index.add(Article("a", LINES[0]))
        index.add(Article("b", LINES[1]))
        with Index(tmp_path / "x", read_only=True) as reader:
            index.remove("a")
            index.remove("b")
            index.rejudge()
            index.add(Article("c", LINES[2]))
            assert reader.query(Article("d", LINES[2])).duplicate_of == "c"


def test_stray_files_are_collected(tmp_path, small_runs):
    """What a process that was killed left over goes when the index is opened to write."""
    with Index(tmp_path / "x", BASE) as index:
        index.add_many(corpus(1))
    for name in ("00009999.run", "00009999.tmp"):
        (tmp_path / "x" / "runs" / name).write_bytes(b"stray")
    (tmp_path / "x" / "runs" / "lost+found").mkdir()
    with Index(tmp_path / "x") as index:
        assert not list((tmp_path / "x" / "runs").glob("00009999*"))
        assert list(index.findings()) == dedup.scan(corpus(1), BASE).findings


def test_an_index_that_was_killed_while_it_was_made_is_none(tmp_path):
    """A reader is told so; a writer makes it."""
    (tmp_path / "x").mkdir()
    Store(tmp_path / "x", write=True).close()
    with pytest.raises(DedupError, match="there is no index"):
        Index(tmp_path / "x", read_only=True)
    with pytest.raises(DedupError, match="there is no index"):
        Index.repair(tmp_path / "x")
    Index(tmp_path / "x", BASE).close()
    with Index(tmp_path / "x", read_only=True) as index:
        assert (index.info()["articles"], index.settings) == (0, BASE)
