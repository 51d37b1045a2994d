"""The incremental index against `scan`."""

import random
import shutil
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from corpora import corpus, edited, sentence
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import verifies

import dedup
from dedup import Article, Index, Settings
from dedup.errors import BadIndex, BadInput, BadSettings
from dedup.index import index as index_module
from dedup.index import neighbours, postings
from dedup.index.sorted_runs import SortedRun
from dedup.index.store import Store
from dedup.text import fold

# frequency is known of a whole corpus only: an index counts it in `rejudge`
BASE = Settings(keep_rules=("frequency",))
SETTINGS = [
    BASE,
    replace(BASE, threshold=0.5, num_perm=64),
    replace(BASE, threshold=0.9, recall=0.5, numbers="ignore"),
    replace(BASE, min_chars=25, min_chars_within=10, short_chars=30),
    replace(BASE, bucket=1, threshold=0.4),
    replace(BASE, bucket=2, threshold=0.3, num_perm=64, numbers="ignore"),
    replace(BASE, grain="passage"),
    replace(BASE, grain="article"),
    replace(BASE, scope="across"),
    replace(BASE, scope="within"),
    replace(BASE, passage="sentence"),
    replace(BASE, passage="blank"),
    Settings(boilerplate="off"),
]


def shuffled(articles: list[Article], seed: int) -> list[Article]:
    """The same in another order."""
    return random.Random(seed).sample(articles, len(articles))


@settings(max_examples=40, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.tuples(st.sampled_from([6, 14, 30]), st.sampled_from([6, 12, 24])),
    choice=st.sampled_from(SETTINGS),
    lot=st.sampled_from([1, 2, 5, 100]),
    flush=st.sampled_from([100, 1500, postings.FLUSH]),
    many=st.sampled_from([1, neighbours.MANY]),
    reopen=st.booleans(),
)
def test_the_findings_are_those_of_scan(seed, sizes, choice, lot, flush, many, reopen):
    """Whatever the articles, their order, the settings, how many are added together, and how often it is reopened."""
    articles = shuffled(corpus(seed, *sizes), seed)
    expected = list(dedup.scan(articles, choice).findings)
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(postings, "FLUSH", flush)
        patch.setattr(neighbours, "MANY", many)
        index = Index(folder, choice)
        for first in range(0, len(articles), lot):
            index.add_many(articles[first : first + lot])
            if reopen:
                index.close()
                index = Index(folder)
        found = list(index.findings())
        index.close()
        assert found == expected
        assert Index.repair(folder) == []


@pytest.mark.parametrize("seed", range(6))
def test_a_verdict_is_what_scan_says_when_the_article_comes(seed, tmp_path):
    """Also one that is asked for before; and it holds the clean text and the fields of its sources."""
    articles = [Article.of(each.id, each.text, {"site": f"of {each.id}"}) for each in corpus(seed)]
    with Index(tmp_path / "x", BASE) as index:
        for count, article in enumerate(articles, start=1):
            report = dedup.scan(articles[:count], BASE)
            asked = index.query(article)
            verdict = index.add(article)
            assert asked == verdict == index.query(article) == index.add(article)
            assert list(verdict.findings) == report.findings_of(article.id)
            clean = {each.id: each.text for each in dedup.rewrite(articles[:count], report)}
            assert verdict.text == clean.get(article.id)
            sources = {finding.source.article for finding in verdict.findings if finding.source}
            assert verdict.sources == {id: {"site": f"of {id}"} for id in sources}
            whole = [finding for finding in verdict.findings if finding.grain == "article" and finding.removed]
            repeats = [finding.source.article for finding in whole if finding.rule != "remnant"]
            assert [verdict.duplicate_of] == (repeats or [None])


def test_many_are_added_as_one_by_one(tmp_path):
    """The same verdicts, also where an article comes again, unchanged or changed."""
    articles = corpus(3, articles=30, pool=12)
    again = [articles[4], Article("a7", articles[2].text + "\n" + articles[9].text), articles[4], Article("new", "new")]
    articles = [*articles[:20], *again, *articles[20:]]
    with Index(tmp_path / "one", BASE) as one, Index(tmp_path / "many", BASE) as many:
        assert [one.add(article) for article in articles] == many.add_many(articles)
        assert list(one.findings()) == list(many.findings())
        assert list(one.articles()) == list(many.articles())


LINES = [sentence(random.Random(number), 60, 80) for number in range(12)]


def test_a_block_of_an_article_that_is_cited_leads_to_kept_text_in_one_step(tmp_path):
    """Then, as in scan, a later article changes what was said of an earlier one."""
    p, q, *others = LINES
    articles = [
        Article("p", f"{others[0]}\n{p}\n"),
        Article("q", f"{others[1]}\n{q}\n"),
        Article("both", f"{others[2]}\n{p}\n{q}\n"),
        Article("block", f"{others[3]}\n{others[4]}\n{others[5]}\n{others[6]}\n{p}\n{q}\n"),
        Article("later", f"{others[7]}\n{p}\n{q}\n"),
    ]
    copy = Article("copy", articles[3].text + "\n")
    with Index(tmp_path / "x", BASE) as index:
        index.add_many(articles)
        before, revision = list(index.findings()), index.revision
        assert before == dedup.scan(articles, BASE).findings
        assert [f.grain for f in before if f.article == "block"] == ["block"]
        index.add(copy)
        after = list(index.findings())
        assert after == dedup.scan([*articles, copy], BASE).findings
        assert [f.grain for f in after if f.article == "block"] == ["passage", "passage"]
        assert {f.article for f in index.findings(since=revision)} == {"block", "copy"}


def copies_and_blocks(seed: int) -> list[Article]:
    """Few passages, which stand in ever other rows, and many copies of articles: blocks repeat blocks."""
    rng = random.Random(seed)
    pool = [sentence(rng, 12, 70) for _ in range(rng.choice([5, 7, 9]))]
    made: list[Article] = []
    for number in range(25):
        if made and rng.random() < 0.35:
            text = edited(rng, rng.choice(made).text, rng.choice([0, 0, 0.01, 0.03]))
        else:
            lines = [sentence(rng, 50, 90) for _ in range(rng.choice([0, 1, 3]))]
            for _ in range(rng.randint(1, 3)):
                start = rng.randrange(len(pool))
                run = pool[start : start + rng.choice([1, 2, 3])]
                lines += [edited(rng, line, rng.choice([0, 0, 0.03])) for line in run]
            text = "\n".join(lines)
        made.append(Article(f"a{number}", text))
    return made


@pytest.mark.parametrize("lot", [1, 7])
def test_verdicts_that_change_later_are_those_of_scan_then(lot, tmp_path):
    """Blocks judged again, and what that bears upon, over corpora in which this happens."""
    changed = 0
    for seed in range(6):
        articles = copies_and_blocks(seed)
        with Index(tmp_path / str(seed), BASE) as index:
            for first in range(0, len(articles), lot):
                revision = index.revision
                some = articles[first : first + lot]
                index.add_many(some)
                changed += any(f.article not in {each.id for each in some} for f in index.findings(since=revision))
            assert list(index.findings()) == dedup.scan(articles, BASE).findings
    assert changed > 0


def pages(seed: int) -> list[Article]:
    """A corpus of two sites whose pages carry lines of their own."""
    rng = random.Random(seed)
    foot = [sentence(rng, 10, 60) for _ in range(3)]
    made = []
    for number, article in enumerate(corpus(seed, articles=24, pool=30)):
        text = article.text
        if rng.random() < 0.7:
            head = f"来源网站导航栏目 2023-05-{number + 1:02}"
            text = "\n".join([head, text.rstrip(), *foot[: rng.choice([1, 2, 3])]])
        made.append(Article(article.id, text, site=rng.choice(["north", "south"])))
    return made


COUNTED = [
    Settings(),
    Settings(source_field="site"),
    Settings(passage="sentence"),
    Settings(passage="blank"),
    Settings(scope="across"),
    Settings(scope="within"),
    Settings(grain="passage"),
    Settings(boilerplate="mark"),
    Settings(boilerplate_families=3, boilerplate_families_long=3),
]


@pytest.mark.parametrize("number", range(len(COUNTED)))
@pytest.mark.parametrize("counted_before", [0, 12])
def test_after_rejudging_all_findings_are_those_of_scan(number, counted_before, tmp_path):
    """Boilerplate by frequency too; and it tells whose findings changed."""
    articles = pages(number)
    with Index(tmp_path / "x", COUNTED[number]) as index:
        index.add_many(articles[:counted_before])
        index.rejudge()
        for first in range(counted_before, 24, 5):
            index.add_many(articles[first : first + 5])
        before = list(index.findings())
        revision = index.revision
        changed = index.rejudge()
        after = list(index.findings())
        assert after == dedup.scan(articles, COUNTED[number]).findings
        differing = {
            article.id
            for article in articles
            if [f for f in before if f.article == article.id] != [f for f in after if f.article == article.id]
        }
        assert set(changed) == differing
        assert {f.article for f in index.findings(since=revision)} <= differing
        assert index.rejudge() == []
    assert Index.repair(tmp_path / "x") == []


def test_lines_that_were_counted_go_from_new_articles(tmp_path):
    """With the evidence of the count; `info` lists them, and those that have become frequent since."""
    stories = [sentence(random.Random(number), 50, 80) for number in range(14)]
    made = [Article(str(number), f"{story}\n海湾日报网络版\n") for number, story in enumerate(stories)]
    with Index(tmp_path / "x") as index:
        index.add_many(made[:4])
        assert index.rejudge() == []
        assert index.add(made[4]).text == made[4].text
        (line,) = index.info(boilerplate=True)["boilerplate"]
        assert (line["line"], line["families"], line["applied"]) == ("海湾日报网络版", 5, False)
        assert index.rejudge() == ["0", "1", "2", "3", "4"]
        verdict = index.add(made[5])
        assert verdict.text == f"{stories[5]}\n"
        (finding,) = verdict.findings
        assert (finding.kind, finding.rule, finding.evidence["families"]) == ("boilerplate", "frequency", 5)
        (line,) = index.info(boilerplate=True)["boilerplate"]
        assert (line["families"], line["applied"]) == (6, True)


@pytest.mark.parametrize("seed", range(8))
def test_after_removing_and_replacing_every_cut_has_a_kept_twin(seed, tmp_path):
    """Sources are there, verify, and lead to kept text in two steps; `repair` finds nothing to do."""
    rng = random.Random(seed)
    articles = {article.id: article for article in corpus(seed, articles=30, pool=12)}
    with Index(tmp_path / "x", BASE) as index:
        index.add_many(articles.values())
        for id in rng.sample(sorted(articles), 14):
            if rng.random() < 0.6:
                index.remove(id)
                del articles[id]
            else:
                articles[id] = Article(id, rng.choice(list(articles.values())).text + sentence(rng))
                index.replace(articles[id])
            if rng.random() < 0.2:
                index.compact()
        assert {article.id: article for article in index.articles()} == articles
        findings = list(index.findings())
        index.compact()
        assert list(index.findings()) == findings
        for article in articles.values():
            own = [finding for finding in findings if finding.article == article.id]
            assert list(index.query(article).findings) == own
    assert Index.repair(tmp_path / "x") == []
    twins(articles, findings)


def test_articles_without_a_line_are_judged_again(tmp_path):
    with Index(tmp_path / "x") as index:
        index.add_many([Article("a", ""), Article("b", "\n")])
        assert index.rejudge() == []
        assert index.add(Article("c", "")).text == ""
        for id in "abc":
            index.remove(id)
        assert index.rejudge() == []


def test_an_index_of_which_all_was_removed_is_compacted(tmp_path):
    article = Article("a", sentence(random.Random(1), 50, 80))
    with Index(tmp_path / "x") as index:
        index.add(article)
        index.remove("a")
        index.compact()
        assert (index.info()["articles"], index.info()["entries"]) == (0, 0)
        assert index.add(article).duplicate_of is None
        assert index.query(replace(article, id="b")).duplicate_of == "a"
    assert Index.repair(tmp_path / "x") == []


def twins(articles: dict[str, Article], findings: list[dedup.Finding]) -> None:
    """Every cut ends at kept text in two steps, and repeats it, equal or verified."""
    cuts = [finding for finding in findings if finding.removed and finding.kind == "duplicate"]
    assert cuts

    def text(id: str, start: int, end: int) -> str:
        return fold(articles[id].text[start:end])

    for finding in cuts:
        source = finding.source
        assert source is not None
        if finding.grain == "passage":
            own, other = (
                text(finding.article, finding.start, finding.end),
                text(source.article, source.start, source.end),
            )
            assert own == other or verifies(own, other, BASE) is not None
        depth, places = 0, [source]
        while places and finding.rule != "remnant":
            depth += 1
            assert depth <= 2
            places = [
                cut.source
                for place in places
                for cut in cuts
                if cut.article == place.article
                and cut.rule != "remnant"
                and cut.source is not None
                and cut.start < place.end
                and place.start < cut.end
            ]


def test_what_hung_on_a_removed_article_is_judged_in_order(tmp_path):
    """The first copy is kept then, and the others are its copies."""
    story = "\n".join(LINES[:3])
    with Index(tmp_path / "x") as index:
        assert [index.add(Article(id, story)).duplicate_of for id in "abc"] == [None, "a", "a"]
        assert index.remove("a") == ["b", "c"]
        assert [(f.article, f.source.article) for f in index.findings()] == [("c", "b")]
        with pytest.raises(BadInput, match="has no article with the id 'a'"):
            index.remove("a")
        assert index.add(Article("a", story)).duplicate_of == "b"


def test_the_same_again_is_left_alone_and_another_text_replaces(tmp_path):
    """The id tells which article it is; a replaced one is the latest."""
    story = "\n".join(LINES[:3])
    with Index(tmp_path / "x") as index:
        index.add_many([Article("a", story), Article("b", story)])
        revision = index.revision
        assert index.add(Article("b", story)).duplicate_of == "a"
        assert index.revision == revision
        assert index.add(Article("a", LINES[5])).duplicate_of is None
        assert index.query(Article("c", story)).duplicate_of == "b"
        assert [article.id for article in index.articles()] == ["b", "a"]
        assert index.info()["articles"] == 2
        with pytest.raises(BadInput, match="has no article with the id 'z'"):
            index.replace(Article("z", story))


def test_asking_for_another_version_of_an_article_does_not_meet_the_stored_one(tmp_path):
    """`query` says what `add` would say: the old version would go."""
    with Index(tmp_path / "x") as index:
        index.add(Article("a", "\n".join(LINES[:3])))
        changed = Article("a", "\n".join([*LINES[:3], LINES[4]]))
        assert index.query(changed) == index.add(changed)


def test_other_settings_are_an_error_that_names_them(tmp_path):
    """With both values."""
    Index(tmp_path / "x", Settings(threshold=0.8)).close()
    with pytest.raises(
        BadSettings, match=r"threshold is 0\.8, asked for 0\.7; grain is 'both', asked for 'passage'; leave"
    ):
        Index(tmp_path / "x", Settings(grain="passage"))
    with Index(tmp_path / "x") as index:
        assert index.settings == Settings(threshold=0.8)
    with pytest.raises(BadSettings, match='leave keep at "first"'):
        Index(tmp_path / "y", Settings(keep="last"))
    assert not (tmp_path / "y").exists()


@pytest.mark.parametrize(("field", "value"), [("format", 99), ("hashes", "affine64 9, fold 7")])
def test_an_index_of_another_format_is_refused(field, value, tmp_path):
    """Never misread; the message says what to do."""
    Index(tmp_path / "x").close()
    store = Store(tmp_path / "x", write=True)
    store.set_meta("index", {**store.meta("index"), field: value})
    store.close()
    with pytest.raises(BadIndex, match=f"has {field} .*make a new index from the articles"):
        Index(tmp_path / "x")


def test_an_index_of_the_earlier_format_is_brought_up_to_date_by_repair(tmp_path):
    """Until then it is refused with a word that says so; after it all is as it was."""
    articles = corpus(2)
    with Index(tmp_path / "x", BASE) as index:
        index.add_many(articles[:-4])
        index.compact()
        index.add_many(articles[-4:])
        again = [Article(f"{article.id} again", article.text) for article in articles]
        said_before = [index.query(article) for article in again]
    as_format_1(tmp_path / "x")
    for read_only in (False, True):
        with pytest.raises(BadIndex, match=r"has format 1, and this version of dedup reads 2; run `dedup index repair"):
            Index(tmp_path / "x", read_only=read_only)
    with pytest.raises(BadSettings, match="threshold"):
        Index(tmp_path / "x", Settings(threshold=0.9))
    (said,) = Index.repair(tmp_path / "x")
    assert said.endswith("was of an earlier format")
    assert Index.repair(tmp_path / "x") == []
    with Index(tmp_path / "x", BASE) as index:
        assert list(index.findings()) == dedup.scan(articles, BASE).findings
        assert [index.query(article) for article in again] == said_before
        assert index.info()["format"] == 2


def as_format_1(folder: Path) -> None:
    """Turns an index into what the version before filters would have written."""
    store = Store(folder, write=True)
    manifest = store.meta("runs")
    for number, name in enumerate(manifest["names"]):
        run = SortedRun(folder / "runs" / name)
        keys, places = run.slice(0, run.entries)
        blocks = np.zeros(-(-run.entries // 512), [("keys", "<u8", 512), ("places", "<u4", 512)])
        room = 512 * len(blocks) - run.entries
        blocks["keys"] = np.append(keys, np.full(room, 2**64 - 1, np.uint64)).reshape(-1, 512)
        blocks["places"] = np.append(places, np.zeros(room, np.uint32)).reshape(-1, 512)
        sums = np.array([zlib.crc32(block.tobytes()) for block in blocks], "<u4")
        index = blocks["keys"][:, 0].tobytes() + sums.tobytes()
        check = zlib.crc32(struct.pack("<QI", run.entries, 512), zlib.crc32(index))
        (folder / "runs" / name).write_bytes(
            blocks.tobytes() + index + struct.pack("<QII8s", run.entries, 512, check, b"dedupRN1")
        )
        manifest["checks"][number] = check
        with pytest.raises(BadIndex, match="has no footer, or one that does not fit its size"):
            SortedRun(folder / "runs" / name)
    assert manifest["names"]
    store.set_meta("runs", manifest)
    store.set_meta("index", {**store.meta("index"), "format": 1})
    store.close()


def test_what_is_no_index_is_left_alone(tmp_path):
    """A folder with something else in it, one that is not there, and a file."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    with pytest.raises(BadIndex, match=r"holds 'mine\.txt' and is no index"):
        Index(tmp_path / "notes")
    with pytest.raises(BadIndex, match="there is no index"):
        Index(tmp_path / "nowhere", read_only=True)
    with pytest.raises(BadIndex, match="there is no index"):
        Index.repair(tmp_path / "nowhere")
    with pytest.raises(BadIndex, match="cannot be made"):
        Index(tmp_path / "notes" / "mine.txt")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["mine.txt", "notes"]


def test_bad_articles_are_refused_and_nothing_of_their_lot_is_stored(tmp_path):
    """The error names the article and what is wrong with it."""
    good = Article("good", LINES[0])
    with Index(tmp_path / "x") as index:
        for bad, message in [
            ("a string", "an index takes articles, found str"),
            (Article(7, "text"), "the id must be a string"),
            (Article("\ud800", "text"), "without lone surrogates"),
            (Article("a", None), "the text must be a string"),
            (Article("a", "x\ud800"), r"lone surrogate U\+D800"),
        ]:
            with pytest.raises(BadInput, match=message):
                index.add_many([good, bad])
            assert list(index.articles()) == []
        assert index.add(good).text == LINES[0]


@pytest.mark.parametrize("text", ["", "\n\n", "＊＊＊\n＊＊＊\n", "\ufeff\u200b", "一" * 3, "\x00\n"])
def test_articles_of_next_to_nothing_are_articles(text, tmp_path):
    """As for scan."""
    articles = [Article("a", text), Article("b", text), Article("c", LINES[0])]
    with Index(tmp_path / "x", BASE) as index:
        for article in articles:
            index.add(article)
        assert list(index.findings()) == dedup.scan(articles, BASE).findings
        index.remove("a")
        assert [article.id for article in index.articles()] == ["b", "c"]


def test_fields_come_back(tmp_path):
    """What JSON has no form for comes back as a string."""
    with Index(tmp_path / "x") as index:
        index.add(Article("a", LINES[0], tags=["x", 1], of={"deep": None}, path=Path("p")))
        verdict = index.add(Article("b", LINES[0]))
        assert verdict.sources == {"a": {"tags": ["x", 1], "of": {"deep": None}, "path": "p"}}


def test_a_line_on_every_page_is_found_without_reading_them_all(tmp_path, monkeypatch):
    """Of thousands of places the earliest is taken, as scan does, from a few that are read."""
    rng = random.Random(5)
    foot = [sentence(rng, 60, 70) for _ in range(3)]
    articles = [Article(f"p{n}", "\n".join([sentence(rng, 500, 600), *foot])) for n in range(60)]
    monkeypatch.setattr(neighbours, "MANY", 4)
    loaded = []
    original = Index._load
    monkeypatch.setattr(
        Index, "_load", lambda self, places, without: loaded.append(len(places)) or original(self, places, without)
    )
    with Index(tmp_path / "x", BASE) as index:
        index.add_many(articles[:-1])
        loaded.clear()
        index.add(articles[-1])
        assert sum(loaded) < 20
        assert list(index.findings()) == dedup.scan(articles, BASE).findings


def test_a_copied_index_is_an_index(tmp_path):
    """Nothing in it depends on where it lies."""
    articles = corpus(2)
    with Index(tmp_path / "x", BASE) as index:
        index.add_many(articles)
    shutil.copytree(tmp_path / "x", tmp_path / "y")
    with Index(tmp_path / "y", read_only=True) as index:
        assert list(index.findings()) == dedup.scan(articles, BASE).findings


def test_lots_are_bounded(tmp_path):
    """By their number of articles and characters, and no id comes twice in one."""
    few = [Article(str(number), "") for number in range(600)]
    assert [len(lot) for lot in index_module._lots(few)] == [256, 256, 88]
    long = [Article(str(number), "一" * 400_000) for number in range(5)]
    assert [len(lot) for lot in index_module._lots(long)] == [3, 2]
    assert [len(lot) for lot in index_module._lots([few[0], few[1], few[0]])] == [2, 1]
