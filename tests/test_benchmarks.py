"""What the benchmark's corpus says of itself is true, and its all-pairs comparison is exact."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import orjson
import pytest
from oracle import jaccard, shingle_set

from benchmarks.corpus import EDITS, SHARD, Chain, shards, write
from dedup.settings import Settings
from dedup.sketch import shingle_sets
from dedup.text import codepoints, fold, fold_passages

pytest.importorskip("opencc", reason="traditional copies are made by OpenCC")
LABELS = Path(__file__).parents[1] / "benchmarks" / "labels"


@pytest.fixture(scope="module")
def built():
    """A Chinese and an English shard: (texts, labels)."""
    four = list(shards(4 * SHARD, 5))
    texts = {draft.id: draft.text for shard in four for draft in shard.drafts}
    return texts, [label for shard in four for label in shard.labels]


def span(texts, place):
    """The text of a place."""
    return texts[place] if isinstance(place, str) else texts[place["article"]][place["start"] : place["end"]]


def pairs(built, kind):
    """(source, copy, label) of each pair of a kind."""
    texts, labels = built
    return [(span(texts, p["a"]), span(texts, p["b"]), p) for p in labels if p["type"] == "pair" and p["kind"] == kind]


def is_subsequence(short, long):
    """Whether *short* comes of *long* by leaving out."""
    rest = iter(long)
    return all(character in rest for character in short)


def wanted(text, level):
    """How many characters a share is; fewer where numbers leave no room."""
    return max(1, round(level * len(text)))


def test_substitutions_are_as_many_as_they_say(built):
    """Counted position by position."""
    found = pairs(built, "substitute")
    assert len(found) > 100
    for one, other, label in found:
        assert len(one) == len(other)
        changed = sum(a != b for a, b in zip(one, other, strict=True))
        assert changed == wanted(one, label["level"]) or label["level"] >= 0.25


def test_insertions_and_deletions_are_as_many_as_they_say(built):
    """What is longer contains what is shorter, in order."""
    for kind, sign in (("insert", 1), ("delete", -1)):
        for one, other, label in pairs(built, kind):
            assert is_subsequence(*sorted((one, other), key=len))
            changed = sign * (len(other) - len(one))
            assert changed == wanted(one, label["level"]) or label["level"] >= 0.25


def test_swaps_move_and_lose_nothing(built):
    """The same characters in another order, no more of them moved than they say."""
    for one, other, label in pairs(built, "swap"):
        assert sorted(one) == sorted(other)
        assert sum(a != b for a, b in zip(one, other, strict=True)) <= max(2, wanted(one, label["level"]) + 1)
        assert one != other


def test_same_news_keeps_its_numbers_and_other_news_does_not(built):
    """Scattered edits leave every number alone; `numbers` changes each of two digits and more."""
    for kind in ("substitute", "insert", "delete", "swap", "words"):
        for one, other, label in pairs(built, kind):
            assert label["same"]
            assert re.findall(r"\d+", one) == re.findall(r"\d+", other)
    for one, other, label in pairs(built, "numbers"):
        assert not label["same"]
        assert not set(re.findall(r"\d{2,}", one)) & set(re.findall(r"\d{2,}", other))
        assert re.sub(r"\d", "", one) == re.sub(r"\d", "", other)


def test_numbers_in_words_are_changed_or_written_in_digits(built):
    """No ordinal or year of the copy is the source's; in digits each is the number that it was."""
    from dedup.fold_table import load
    from dedup.kernel.number_reference import numbers

    def found(text):
        return list(numbers(codepoints(fold(text)), load()))

    for one, other, label in pairs(built, "numbers in words"):
        assert not label["same"]
        assert re.findall(r"\d+", one) == re.findall(r"\d+", other)
        assert len(found(one)) == len(found(other))
        assert found(one) != found(other)
    for one, other, label in pairs(built, "numbers in digits"):
        assert label["same"]
        assert found(one) == found(other)


def test_articles_are_other_news_where_a_number_in_them_changed(built):
    """An article without numbers is copied as it is, and then is the same."""
    for one, other, label in pairs(built, "article numbers"):
        lines = [{line for line in text.splitlines() if len(line) >= 60} for text in (one, other)]
        assert label["same"] == (lines[0] == lines[1])


def test_look_alikes_are_other_news(built):
    """Their numbers differ, one template or not."""
    found = pairs(built, "look-alike")
    assert found
    for one, other, label in found:
        assert not label["same"]
        assert one != other


@pytest.mark.parametrize("kind", ["exact", "script tw", "script hk", "annotations", "full-width", "block", "within"])
def test_what_reads_alike_folds_alike(built, kind):
    """By the slow shingles these copies have similarity 1, or .95 where OpenCC and the fold part ways on a phrase."""
    found = pairs(built, kind)
    assert len(found) > 10
    for one, other, _ in found:
        assert jaccard(shingle_set(fold(one)), shingle_set(fold(other))) >= 0.95, (one, other)


def test_every_kind_of_edit_is_planted_and_changes_its_text(built):
    """No label names a copy that is none, and none but exact copies are equal to their source."""
    for kind in EDITS:
        found = pairs(built, kind)
        assert found, kind
        for one, other, _ in found:
            assert (one == other) == (kind == "exact") or kind == "sentences reordered", (kind, one)


def test_labelled_lines_are_whole_lines_in_keep_order(built):
    """Every span begins and ends at a line end; a copy stands in a later article, or further down in its own."""
    texts, labels = built
    order = {name: number for number, name in enumerate(texts)}
    for label in labels:
        if label["type"] == "span":
            text = texts[label["article"]]
            assert label["start"] == 0 or text[label["start"] - 1] == "\n"
            assert text[label["end"]] == "\n"
        elif label["type"] == "pair" and not isinstance(label["a"], str):
            a, b = label["a"], label["b"]
            assert (order[a["article"]], a["start"]) < (order[b["article"]], b["start"])


def test_one_seed_one_corpus_and_a_larger_one_begins_with_it(tmp_path):
    """Byte for byte; another seed is another corpus."""
    for name, articles, seed in (("one", SHARD, 3), ("two", SHARD, 3), ("more", 2 * SHARD, 3), ("other", SHARD, 4)):
        write(tmp_path / name, articles, seed)
    one, two, more, other = (
        (tmp_path / name / "articles.jsonl").read_bytes() for name in ("one", "two", "more", "other")
    )
    assert one == two
    assert more.startswith(one)
    assert one != other


def test_a_chain_says_only_what_it_was_taught():
    """Every three characters in a row stand in the text."""
    import random

    text = "老街的路灯又亮了。老街的水管又通了。路灯下的孩子笑了。" * 3
    said = Chain(text).sentence(random.Random(1))
    assert all(said[at : at + 3] in text for at in range(len(said) - 2))


def test_all_pairs_misses_none():
    """Against the slow similarity of each two of 60 edited texts, at three thresholds."""
    import random

    from corpora import edited, sentence

    from benchmarks.quality import all_pairs

    rng = random.Random(8)
    texts = [sentence(rng) for _ in range(12)]
    texts += [edited(rng, rng.choice(texts), rng.choice([0, 0.02, 0.05, 0.1])) for _ in range(48)]
    codes = [codepoints(text) for text in texts]
    ends = np.cumsum([len(code) for code in codes])
    folded, offsets = fold_passages(np.concatenate(codes), np.stack((np.append(0, ends[:-1]), ends), axis=1))
    sets, set_offsets = shingle_sets(folded, offsets, Settings())
    slow = [shingle_set(fold(text)) for text in texts]
    for least in (0.3, 0.5, 0.7):
        left, right, similarity = all_pairs(sets, set_offsets, least)
        found = {
            (a, b): round(s, 9) for a, b, s in zip(left.tolist(), right.tolist(), similarity.tolist(), strict=True)
        }
        expected = {
            (a, b): round(float(jaccard(slow[a], slow[b])), 9)
            for a, b in combinations(range(len(texts)), 2)
            if jaccard(slow[a], slow[b]) >= least
        }
        assert len(expected) > 20
        assert found == expected


def test_the_hand_labels_are_as_many_as_they_say_and_fit_their_texts():
    """At least 150 pairs and 150 lines, each with its reason; every place and line is there."""
    rows = {
        name: [orjson.loads(line) for line in (LABELS / f"{name}.jsonl").read_bytes().splitlines()]
        for name in ("passages", "pairs", "pages", "lines")
    }
    assert len(rows["pairs"]) >= 150
    assert len(rows["lines"]) >= 150
    passages = {row["id"]: row["text"] for row in rows["passages"]}
    for label in rows["pairs"]:
        assert label["reason"]
        for side in ("a", "b"):
            assert label[side]["start"] == 0
            assert label[side]["end"] == len(passages[label[side]["article"]])
    pages = {row["id"]: row["text"] for row in rows["pages"]}
    labelled = [(label["article"], label["line"]) for label in rows["lines"]]
    assert labelled == [(name, at + 1) for name, text in pages.items() for at in range(text.count("\n"))]
    assert all(label["reason"] for label in rows["lines"])
