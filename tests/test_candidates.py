"""Brief keys, completed where they meet, tell the same texts apart as whole keys do."""

import random
from dataclasses import replace

import numpy as np
import pytest
from corpora import HAN, edited
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dedup import candidates, kernel
from dedup.candidates import Keys, Signed, confirmed, keys_of, nested_keys, shared_bands
from dedup.families import distinct_texts, match, passage_judge
from dedup.kernel.reference import fmix64, offsets_of
from dedup.segments import Segments
from dedup.settings import Settings
from dedup.sketch import band_keys, shingle_sets
from dedup.text import fold
from dedup.work import Work

LATIN = "abcdefg hij"
SHAPES = {
    "the usual one": Settings(),
    "one band": Settings(threshold=1.0, num_perm=20),
    "one row": Settings(threshold=0.05, recall=0.99, num_perm=100),
    "two rows": Settings(threshold=0.3, recall=0.9, num_perm=60),
    "three rows": Settings(threshold=0.5, recall=0.9, num_perm=60),
    "rows of many": Settings(threshold=0.95, recall=0.5, num_perm=256),
    "one permutation": Settings(threshold=0.9, recall=0.5, num_perm=1),
    "wide shingles": Settings(shingle=64),
}


def segments(texts: list[str]) -> Segments:
    """Folded texts, one segment each."""
    flat = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
    return Segments(flat, offsets_of(np.array([len(text) for text in texts], np.int64)))


def by_whole_keys(texts: Segments, domain: np.ndarray, settings: Settings) -> dict[int, set[tuple[int, ...]]]:
    """Per band the groups of texts, none of them empty, that share their whole key and their domain."""
    keys = band_keys(*texts.take(np.arange(len(texts))), settings) ^ fmix64(domain.astype(np.uint64))
    filled = np.flatnonzero(texts.lengths)
    found = {}
    for band, own in enumerate(keys):
        groups: dict[int, list[int]] = {}
        for text in filled.tolist():
            groups.setdefault(int(own[text]), []).append(text)
        found[band] = {tuple(group) for group in groups.values() if len(group) > 1}
    return found


def agrees(
    texts: Segments,
    domain: np.ndarray,
    keys: Keys,
    settings: Settings,
    work: Work,
    expected: dict[int, set[tuple[int, ...]]],
) -> int:
    """Holds what `shared_bands` found to all groups by whole keys; how many pairs were not signed.

    Numbers are dense, every text that is named shares a band, and a pair in the last row is in no other; it is
    confirmed where it is a group in any band.
    """
    sharing, groups = shared_bands(texts, domain, keys, settings, work)
    assert len(groups) == settings.bands + 1
    assert (groups >= 0).any(axis=0).all()
    assert (np.diff(sharing) > 0).all()
    for own in groups:
        numbers = sorted(set(own[own >= 0].tolist()))
        assert numbers == list(range(len(numbers)))
    last = groups[-1]
    in_pair = last >= 0
    assert (np.bincount(last[in_pair]) == 2).all()
    assert (groups[:-1, in_pair] == -1).all()
    pairs = named(sharing, last)
    sets = shingle_sets(*texts.take(sharing), settings)
    found = confirmed(last, *sets, settings)
    assert np.array_equal(found[found >= 0], last[found >= 0])
    kept = named(sharing, found)
    assert kept == {pair for pair in pairs if any(pair in own for own in expected.values())}
    paired = {text for pair in pairs for text in pair}
    for band, own in expected.items():
        assert named(sharing, groups[band]) == own - pairs
        assert not paired & {text for group in own - pairs for text in group}
    return len(pairs)


def named(texts: np.ndarray, groups: np.ndarray) -> set[tuple[int, ...]]:
    """The texts of each group."""
    return {tuple(texts[groups == number].tolist()) for number in set(groups[groups >= 0].tolist())}


def hostile_texts(rng: random.Random, count: int) -> list[str]:
    """Equal texts, near copies, strangers, texts narrower than a shingle, empty ones."""
    templates = ["".join(rng.choices(HAN, k=rng.choice([30, 200]))) for _ in range(3)]
    templates.append("".join(rng.choices(LATIN, k=150)))
    makers = [
        lambda: rng.choice(templates),
        lambda: edited(rng, rng.choice(templates), rng.choice([0.01, 0.05, 0.2])),
        lambda: "".join(rng.choices(HAN, k=rng.randrange(300))),
        lambda: "".join(rng.choices(LATIN, k=rng.randrange(60))),
        lambda: rng.choice(["", "", "江", "江山", "a", "ab", "江a", "abcdefg"]),
    ]
    return [fold(rng.choice(makers)()) for _ in range(count)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("leading", [1, 2, 3, 4, 1000, None])
@pytest.mark.parametrize("domains", [1, 3])
def test_completed_keys_group_texts_as_whole_keys_do(monkeypatch, shape, leading, domains):
    """However many rows are signed first, by the rule or by order; texts meet in their domain only."""
    settings = SHAPES[shape]
    if leading is not None:
        monkeypatch.setattr(candidates, "_leading", lambda texts, settings, work: min(leading, settings.rows))
    rng = random.Random(f"{shape}{leading}{domains}")
    texts = segments(hostile_texts(rng, 120))
    domain = np.array([rng.randrange(domains) for _ in range(len(texts))])
    expected = by_whole_keys(texts, domain, settings)
    for workers in (1, 3):
        with Work(workers=workers) as work:
            keys = keys_of(texts, settings, work)
            agrees(texts, domain, keys, settings, work, expected)
    if settings.num_perm > 1:
        assert any(expected.values())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(4))
def test_texts_that_meet_in_their_run(shape, seed):
    """By whole keys just those that share one with another of the run, by brief ones these and perhaps others."""
    settings = SHAPES[shape]
    rng = random.Random(f"{shape}{seed}")
    texts = segments([text for text in hostile_texts(rng, 150) if text])
    run = np.sort([rng.randrange([1, 4, 40, 400][seed]) for _ in range(len(texts))])
    shared = {text for groups in by_whole_keys(texts, run, settings).values() for group in groups for text in group}
    runs = np.append(np.flatnonzero(np.diff(run, prepend=-1)), len(run))
    for workers in (1, 3):
        with Work(workers=workers) as work:
            for rows in {1, settings.rows}:
                keys, _ = candidates._sign(texts, np.zeros(len(texts), bool), rows, settings, work)
                keys = candidates.own_keys(rows, keys, work)
                met = candidates.meeting_in_runs(keys, np.ones(len(run), bool), runs, work)
                found = set(np.flatnonzero(met).tolist())
                assert found == shared if rows == settings.rows else found >= shared
                assert not candidates.meeting_in_runs(keys, np.zeros(len(run), bool), runs, work).any()
                one = np.arange(len(run)) == next(iter(found), 0)
                of_one = set(np.flatnonzero(candidates.meeting_in_runs(keys, one, runs, work)).tolist())
                assert of_one <= found
                assert not found or (len(of_one) > 1 and one[list(of_one)].any())


@given(
    st.lists(st.one_of(st.sampled_from(["", "江", "江山如此多娇", "abcdefgh"]), st.text("江山ab ", max_size=30))),
    st.sampled_from(sorted(SHAPES)),
    st.integers(1, 4),
)
@hypothesis_settings(max_examples=60)
def test_any_texts_are_grouped_as_by_whole_keys(texts, shape, leading):
    """Few, none, all equal, of a few letters."""
    settings = SHAPES[shape]
    made = segments(texts)
    none = np.zeros(len(texts), np.int64)
    rows = min(leading, settings.rows)
    with Work() as work:
        keys = candidates.own_keys(
            rows, candidates._sign(made, np.zeros(len(made), bool), rows, settings, work)[0], work
        )
        agrees(made, none, keys, settings, work, by_whole_keys(made, none, settings))


def told_of_all(found, count):
    """What became of all texts, and how many keys had more texts than their bucket holds."""
    told = [found.of(np.arange(count))[0].tolist(), found.full]
    for name, none in (("linked", -1), ("shared", 0), ("united", 0)):
        every = np.full(count, none)
        every[found.texts] = getattr(found, name)
        told.append(every.tolist())
    return told


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bucket", [1, 2, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_pairs_are_judged_as_if_all_were_signed(monkeypatch, shape, bucket, seed):
    """Pairs near and far, families, families of two domains, strangers: nothing that comes of them differs.

    Not even how many keys had more texts than a bucket of one holds; and pairs are found, some of which share no key.
    """
    settings = replace(SHAPES[shape], bucket=bucket)
    rng = random.Random(f"{shape}{seed}")
    made = [""]
    for family in [1] * 30 + [2] * 60 + [3, 4, 9]:
        template = "".join(rng.choices(rng.choice([HAN, LATIN]), k=rng.choice([60, 200, 700])))
        change = rng.choice([0.003, 0.02, 0.05, 0.1])
        made += [fold(edited(rng, template, change)) for _ in range(family)]
    rng.shuffle(made)
    domain = np.array([rng.randrange(8) // 7 for _ in made])
    texts = distinct_texts(segments(made), domain)
    fixed = np.array([rng.random() < 0.1 for _ in made])
    judge = passage_judge(texts, settings)
    found = []
    with Work() as work:
        for rows in (settings.rows, *range(1, min(4, settings.rows))):
            monkeypatch.setattr(candidates, "_leading", lambda texts, settings, work, rows=rows: rows)
            keys = keys_of(texts.each, settings, work)
            pairs = agrees(
                texts.each, texts.domain, keys, settings, work, by_whole_keys(texts.each, texts.domain, settings)
            )
            if rows == settings.rows or bucket < 2:
                assert not pairs
            elif shape == "the usual one":
                assert pairs
            for told in (1, 4, 1000):
                monkeypatch.setattr(candidates, "_TOLD", told)
                found.append(told_of_all(match(texts, fixed, settings, judge, work), len(texts.first)))
    assert all(other == found[0] for other in found)


@given(
    st.integers(2, 7).flatmap(
        lambda texts: st.lists(st.lists(st.integers(0, 5), min_size=texts, max_size=texts), min_size=35, max_size=35)
    )
)
@hypothesis_settings(max_examples=200)
def test_pairs_meet_nobody_else(keys):
    """Both of them, in any band, and each other in a quarter of the bands."""
    keys = np.array(keys, np.uint64)
    keys[:15] = np.arange(keys.shape[1]) // 2  # pairs meet in many bands
    keys[15:34] = np.where(keys[15:34] < 5, np.arange(keys.shape[1]), keys[15:34])  # and others in few
    groups = np.stack([kernel.collisions(own) for own in keys])
    met = [{other for own in groups for other in np.flatnonzero((own >= 0) & (own == own[text])).tolist()} - {text}
           for text in range(groups.shape[1])]  # fmt: skip
    expected = {
        (one, other)
        for one, others in enumerate(met)
        for other in others
        if one < other and others == {other} and met[other] == {one} and ((groups[:, one] >= 0).sum() > 0.25 * 35)
    }
    found = candidates._pairs(groups, Settings())
    assert named(np.arange(len(found)), found) == expected
    assert (candidates._pairs(groups, Settings(bucket=1)) == -1).all()


def test_a_pair_of_which_one_meets_a_third():
    """In one band of many; neither is left out of what is signed."""
    groups = np.full((35, 5), -1, np.int32)
    groups[:30, :2] = 0
    assert candidates._pairs(groups, Settings()).tolist() == [0, 0, -1, -1, -1]
    for third in (0, 1):
        groups[34] = -1
        groups[34, [third, 2]] = 0
        assert (candidates._pairs(groups, Settings()) == -1).all()
    groups[:20, 3:] = 1
    assert candidates._pairs(groups, Settings()).tolist() == [-1, -1, -1, 0, 0]


def test_thousands_of_near_copies(monkeypatch):
    """Of one template: in every band large groups, of which brief keys tell some that whole ones part."""
    rng = random.Random(5)
    template = "".join(rng.choices(HAN, k=80))
    texts = segments([fold(edited(rng, template, 0.04)) for _ in range(3000)])
    none = np.zeros(len(texts), np.int64)
    settings = Settings()
    expected = by_whole_keys(texts, none, settings)
    with Work() as work:
        for rows in (1, 3, settings.rows):
            keys = candidates.own_keys(
                rows, candidates._sign(texts, np.zeros(len(texts), bool), rows, settings, work)[0], work
            )
            agrees(texts, none, keys, settings, work, expected)


@pytest.mark.parametrize("leading", [1, 3, 7])
@pytest.mark.parametrize("seed", range(8))
def test_keys_signed_with_a_whole_are_those_of_its_parts(monkeypatch, seed, leading):
    """Of articles joined from passages, Chinese, Latin and empty ones, some left out: both are grouped by whole keys.

    Passages that were not signed so are signed then; texts of other domains have the same keys.
    """
    monkeypatch.setattr(candidates, "_leading", lambda texts, settings, work: leading)
    rng = random.Random(seed)
    pieces = ["", *(fold("".join(rng.choices(of, k=rng.choice([1, 5, 60, 700])))) for of in (HAN, LATIN) * 6)]
    passages = segments([edited(rng, piece, 0.02) if piece else "" for piece in rng.choices(pieces, k=90)])
    chosen = np.flatnonzero([rng.random() < 0.8 for _ in range(90)])
    bounds = sorted(rng.choices(range(len(chosen) + 1), k=12))
    wholes = Segments(passages.flat, passages.offsets, chosen, np.array([0, *bounds, len(chosen)]))
    wanted = passages.lengths >= 5
    places = np.flatnonzero([rng.random() < 0.9 for _ in range(90)])
    settings = Settings()
    domain = np.array([rng.randrange(2) for _ in places])
    texts = passages.of(places)
    with Work() as work:
        keys, signed = nested_keys(wholes, wanted, settings, work)
        same = np.zeros(len(wholes), np.int64)
        agrees(wholes, same, keys, settings, work, by_whole_keys(wholes, same, settings))
        those = np.flatnonzero(signed.column >= 0)
        assert np.array_equal(those, chosen[wanted[chosen]])
        assert np.array_equal(signed.column[those], np.arange(len(those)))
        none = Signed(np.full_like(signed.column, -1), signed.rows, signed.keys[:, :0])
        expected = by_whole_keys(texts, domain, settings)
        for known in (signed, none, None):
            keys = keys_of(texts, settings, work, known)
            agrees(texts, domain, keys, settings, work, expected)
    assert np.isin(those, places).any()
    assert not np.isin(places, those).all()


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_how_many_rows_are_signed_first(workers):
    """Few tell strangers apart; where most texts are near copies of others all are signed at once."""
    rng = random.Random(7)
    settings = Settings()
    strangers = ["".join(rng.choices(HAN, k=100)) for _ in range(3000)]
    assert candidates._leading(segments(strangers), settings, Work(workers=workers)) == 2
    assert candidates._leading(segments(strangers), SHAPES["one row"], Work(workers=workers)) == 1
    phrases = ["".join(rng.choices(HAN, k=4)) for _ in range(300)]
    common = ["".join(rng.choices(phrases, k=25)) for _ in range(3000)]  # one shingle in a hundred, of any two
    assert 2 < candidates._leading(segments(common), settings, Work(workers=workers)) < settings.rows
    template = strangers[0]
    alike = [edited(rng, template, 0.02) for _ in range(3000)]
    assert candidates._leading(segments(alike), settings, Work(workers=workers)) == settings.rows
    assert candidates._leading(segments([]), settings, Work(workers=workers)) == settings.rows
    assert candidates._leading(segments(["江山"]), settings, Work(workers=workers)) == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_articles_of_repeated_passages_are_signed_whole_at_once(workers):
    """Of pairs that differ in one passage in ten few are in a sample of articles; one of passages has both of many."""
    rng = random.Random(8)
    passages, bounds = [], [0]
    for _ in range(1500):
        article = ["".join(rng.choices(HAN, k=rng.randrange(40, 80))) for _ in range(9)]
        for _ in range(2):
            passages += [*article, "".join(rng.choices(HAN, k=50))]
            bounds.append(len(passages))
    flat = segments(passages)
    order = np.array(rng.sample(range(3000), 3000))
    whole = Segments(flat.flat, flat.offsets, np.arange(len(passages)), np.array(bounds)).of(order)
    assert candidates._leading(whole, Settings(), Work(workers=workers)) == Settings().rows
    half = whole.of(np.flatnonzero(order % 2 == 0))
    assert candidates._leading(half, Settings(), Work(workers=workers)) == 2
