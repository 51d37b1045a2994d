"""A fuzz of the compiled kernel: `python tests/fuzz_kernel.py SECONDS`.

Random arrays, most of them wrong in some way, go to every function. It must raise ValueError or answer as the
reference does; a sanitizer build (`.ci/sanitize`) then sees whether it read or wrote where it must not.
"""

import random
import sys
import time
from fractions import Fraction
from itertools import pairwise

import numpy as np

from dedup.fold_table import load
from dedup.kernel import (
    fold_reference,
    greedy_reference,
    json_reference,
    line_reference,
    lookup_reference,
    native,
    number_reference,
    reference,
    row_reference,
    template_reference,
    text_reference,
    utf8_reference,
)
from dedup.kernel.greedy_reference import NumbersAgree, PassagesCovered
from dedup.looking import line_table
from dedup.rules import reading_table

LINES = line_table(True)
EDGES = [0, 1, 2, 3, 63, 64, 65, 2**31, 2**32 - 1, 2**62, 2**63 - 1, -1, -(2**63)]


def offsets(rng: random.Random, elements: int) -> np.ndarray:
    """Sound offsets three times out of four."""
    bounds = sorted(rng.choices(range(elements + 1), k=rng.randrange(8)))
    values = [0, *bounds, elements]
    if rng.random() < 0.25:
        values[rng.randrange(len(values))] = rng.choice(EDGES)
    return np.array(values, np.int64)


def codes(rng: random.Random) -> np.ndarray:
    """Code points from all of Unicode, now and then beyond it."""
    pool = [
        rng.randrange(0xD800),
        rng.randrange(0xE000, 0x110000),
        *map(ord, "0123% .,-+$中文ab三十万百点第月\u3000\u200b\u0301é\n\r\u2028"),
    ]
    if rng.random() < 0.1:
        pool.append(rng.choice([0x110000, 2**21, 2**32 - 1]))
    return np.array(rng.choices(pool, k=rng.choice([0, 1, 5, 64, 200, 700])), np.uint32)


def dates(rng: random.Random) -> np.ndarray:
    """What templates are made of."""
    pieces = "19 20 2023 12 1 . 年 月 日 号 时 点 分 秒 周 星期 一 天 jan mon sun day th am \ue000 文 ３ ٣ x".split()
    return np.array([*map(ord, "".join(rng.choices([*pieces, " "], k=rng.choice([0, 3, 9, 40, 200]))))], np.uint32)


def attempt(function, *arguments):
    """The answer, or None where it was refused."""
    try:
        return function(*arguments)
    except ValueError:
        return None


def same(found, twin, *arguments) -> None:
    """An answer is the reference's answer."""
    if found is None:
        return
    expected = twin(*arguments)
    if not isinstance(expected, tuple):
        found, expected = (found,), (expected,)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def is_sorted(sets, bounds) -> bool:
    """Whether every set is sorted and distinct, without which there is no one answer."""
    return all((np.diff(sets[a:b].astype(object)) > 0).all() for a, b in pairwise(bounds.tolist()))


def looked_up(rng: random.Random, hashes: np.ndarray, text: np.ndarray, bounds: np.ndarray) -> None:
    """Filters, blocks and merging."""
    lines = rng.choice([0, 1, 5, 2**32 - 1, rng.choice(EDGES)])
    first = rng.choice([0, 0, max(lines - 3, 0), rng.choice(EDGES)])
    asked = np.sort(hashes), lines, first, first + rng.choice([0, 1, 5])
    same(attempt(native.filter_lines, *asked), lookup_reference.filter_lines, *asked)
    width = rng.choice([8, 8, 8, 7])
    lines = np.resize(np.append(hashes, np.uint64(0)), (rng.choice([0, 1, 4]), width))
    if width == 8 and rng.random() < 0.7:
        made = attempt(native.filter_lines, hashes, 4, 0, 4)
        lines = lines if made is None else made
        if rng.random() < 0.3:
            lines[rng.randrange(len(lines)), rng.randrange(8)] ^= np.uint64(1 << rng.randrange(64))
    found = attempt(native.filtered, lines, hashes)
    if found is not None:
        twin = lookup_reference.filtered(lines, hashes)
        assert found[1] == twin[1]
        assert found[1] >= 0 or np.array_equal(found[0], twin[0])
    count = rng.choice([0, 1, 3])
    blocks = np.zeros(count, lookup_reference.BLOCK_TYPE)
    filling = np.resize(np.append(hashes, np.uint64(0)), count * lookup_reference.BLOCK)
    blocks["keys"] = np.sort(filling).reshape(count, lookup_reference.BLOCK)
    firsts = blocks["keys"][:, 0].copy()
    if rng.random() < 0.1:
        attempt(
            native.find,
            blocks.view(np.uint8),
            rng.choice([firsts[::-1].copy(), hashes]),
            np.ones(count, bool),
            9,
            hashes,
        )
    entries = rng.choice(
        [count * lookup_reference.BLOCK, max(count * lookup_reference.BLOCK - 5, 0), rng.choice(EDGES)]
    )
    sound = np.array(rng.choices([True, False], [9, 1], k=count), bool)
    asked = blocks.view(np.uint8), firsts, sound, entries, hashes
    try:
        found = native.find(*asked)
    except ValueError:
        return
    twin = lookup_reference.find(*asked)
    assert (found is None) == (twin is None)
    if found is not None:
        same(found, lambda: twin)
    rows = attempt(native.segment_sets, hashes, bounds)
    for keys, offsets_ in ((hashes, bounds), rows if rows is not None else (hashes, bounds)):
        merged = attempt(native.merge_entries, keys, text[: len(keys)], offsets_)
        same(merged, lookup_reference.merge_entries, keys, text[: len(keys)], offsets_)


def hashed(rng: random.Random, hashes: np.ndarray, bounds: np.ndarray, permutations: tuple[np.ndarray, ...]) -> None:
    """What is made of hashes alone."""
    signed = attempt(native.signatures, hashes, bounds, *permutations)
    if signed is not None:
        attempt(native.band_keys, signed, rng.randrange(20), rng.randrange(20))
    same(attempt(native.segment_sets, hashes, bounds), reference.segment_sets, hashes, bounds)
    attempt(native.collisions, hashes)
    for keys in (hashes, hashes.astype(np.uint32) % np.uint32(rng.choice([3, 2**32 - 1]))):
        same(attempt(native.repeated, keys), reference.repeated, keys)
        column = np.array([rng.randrange(-1, 2 * len(keys) + 1) for _ in range(rng.randrange(9))], np.int32)
        runs = offsets(rng, len(column))
        asks = np.array([rng.random() < 0.5 for _ in column], bool)
        asked = keys[None, :], keys[None, ::-1].copy(), column, asks, runs
        same(attempt(native.repeated_in_runs, *asked), reference.repeated_in_runs, *asked)
        found, expected = (np.zeros((1, len(column)), bool) for _ in range(2))
        arguments = keys[None, :], keys[None, ::-1].copy(), column, np.zeros(0, np.uint64)
        try:
            native.repeated_bands(*arguments, found)
        except ValueError:
            continue
        reference.repeated_bands(*arguments, expected)
        np.testing.assert_array_equal(found, expected)


def signed_texts(
    rng: random.Random, text: np.ndarray, bounds: np.ndarray, size: int, permutations: tuple[np.ndarray, ...], rows: int
) -> None:
    """Digests and keys of texts that are made of segments."""
    if rng.random() < 0.9:
        text = np.minimum(text, 0x10FFFF)
    if rng.random() < 0.3:
        text = (text & 0xFFFF).astype(np.uint16)
    sound = (text <= 0x10FFFF).all()  # what is no code point is told only where it is looked up
    segments = np.array([rng.randrange(max(len(bounds) - 1, 1)) for _ in range(rng.randrange(9))], np.int64)
    if len(segments) and rng.random() < 0.1:
        segments[rng.randrange(len(segments))] = rng.choice(EDGES)
    groups = offsets(rng, len(segments))
    texts, table = (text, bounds, segments, groups), load()
    digests = attempt(native.text_digests, *texts, table)
    glances = attempt(native.text_glances, *texts, table)
    if sound:
        same(glances, text_reference.text_glances, *texts, table)
        same(digests, text_reference.text_digests, *texts, table)
    count = max(len(groups) - 1, 0)
    nested = np.array([rng.random() < 0.5 for _ in range(len(segments) + (rng.random() < 0.1))], bool)
    bands, first, inner_first = rng.randrange(20), rng.randrange(-1, 3), rng.randrange(-1, 3)
    dtype = rng.choice([np.uint32, np.uint64])

    def columns(count: int) -> np.ndarray:
        return np.zeros((bands, count + rng.randrange(4)), dtype)

    keys, inner = columns(count), columns(int(nested.sum()))
    twins = keys.copy(), inner.copy()
    given = texts, nested, table, size, permutations, rows
    if attempt(lambda: native.text_band_keys(*given, keys, first, inner, inner_first) or True) and sound:
        text_reference.text_band_keys(*given, twins[0], first, twins[1], inner_first)
        np.testing.assert_array_equal(keys, twins[0])
        np.testing.assert_array_equal(inner, twins[1])
    keys = keys.astype(np.uint64)
    twin = keys.copy()
    wanted = np.array([[rng.random() < 0.3 for _ in range(keys.shape[1])] for _ in range(bands)], bool)
    wanted = wanted.reshape(keys.shape)
    given = texts, table, size, permutations, rows, wanted
    if attempt(lambda: native.wanted_band_keys(*given, keys, first) or True) and sound:
        text_reference.wanted_band_keys(*given, twin, first)
        np.testing.assert_array_equal(keys, twin)


def judged(rng: random.Random, text: np.ndarray, hashes: np.ndarray, bounds: np.ndarray, size: int) -> None:
    """The greedy rule by each kind of rule."""
    table = load()
    texts = len(bounds) - 1
    groups = np.array(
        [[rng.randrange(-1, texts + (rng.random() < 0.01)) for _ in range(texts)] for _ in range(3)], np.int32
    )
    connected = attempt(native.components, groups)
    if connected is not None:
        np.testing.assert_array_equal(connected, reference.components(groups))
    batch = np.array([rng.randrange(-(rng.random() < 0.01), max(texts, 1)) for _ in range(texts)], np.int64)
    same(attempt(native.dense, groups, batch), reference.dense, groups, batch)
    numbers = NumbersAgree(hashes, offsets(rng, len(hashes)) if rng.random() < 0.1 else bounds)
    if (distinct := attempt(native.segment_sets, hashes % np.uint64(7), bounds)) is not None:
        numbers = NumbersAgree(*distinct)
    rule = rng.choice([numbers, lambda text, met: np.zeros(len(met), bool), lambda text, met: np.ones(len(met), bool)])
    threshold = Fraction(rng.randrange(1, 11), 10)
    sets, set_offsets = hashes, bounds
    if (sorted_sets := attempt(native.segment_sets, hashes % np.uint64(5), bounds)) is not None and rng.random() < 0.7:
        sets, set_offsets = sorted_sets
        groups[:, np.diff(set_offsets) == 0] = -1  # an empty set meets none
    given = (
        sets, set_offsets, np.full(texts, 50), groups, np.zeros(texts, bool), threshold, 40, Fraction(9, 10),
        rng.choice([-1, 0, 1, 5]),
    )  # fmt: skip
    attempt(native.greedy, *given, rule)
    passages = offsets(rng, len(text))
    longer = np.array(
        rng.choices(
            [*range(max(len(passages) - 1, 1)), rng.choice(EDGES)], [9] * max(len(passages) - 1, 1) + [0.1], k=6
        )
    )
    masked = codes(rng)[:40]
    shares = [
        np.sort(np.array([0, *rng.choices(range(len(of) + 1), k=max(texts - 1, 0)), len(of)]))
        for of in (longer, masked)
    ]
    covered = PassagesCovered(
        rng.choice([None, numbers]), sets, set_offsets, text, passages, longer, shares[0], masked, shares[1], table,
        size, threshold,
    )  # fmt: skip
    found = attempt(native.greedy, *given, covered)
    sound = is_sorted(sets, set_offsets) and (covered.numbers is None or is_sorted(numbers.numbers, numbers.offsets))
    sound &= not (groups[:, np.diff(set_offsets) == 0] >= 0).any()  # an empty set is like no other
    if found is not None and sound and (text < 0x110000).all() and (masked < 0x110000).all():
        twin = greedy_reference.greedy(*given, covered)
        for name in ("keeper", "linked", "shared", "united"):
            np.testing.assert_array_equal(getattr(found, name), getattr(twin, name))


def bytes_of_texts(rng: random.Random) -> None:
    """What is done in UTF-8, most of it broken."""
    utf8 = np.frombuffer(
        bytes(rng.choices(b"a\n\r \xe2\x80\xa8\x8b\xc2\xa0\xe3\xff", k=rng.choice([0, 1, 9, 70, 300]))), np.uint8
    )
    texts, segments = (utf8, offsets(rng, len(utf8))), sorted(rng.choices([0, 0, 1, 2, 9], k=rng.randrange(6)))
    places = np.array(sorted(rng.choices([*range(len(utf8) + 2), *EDGES], k=2 * len(segments))), np.int64)
    of = np.array(segments, np.int64)
    taken = np.array(rng.choices([False, True], k=len(of)), bool)
    spans = *texts, of, places[::2].copy(), places[1::2].copy(), taken
    same(attempt(native.span_places, *spans), utf8_reference.span_places, *spans)
    same(attempt(native.least_runs, *texts), utf8_reference.least_runs, *texts)
    columns = [
        b"x",
        row_reference.Quoted(utf8, places[::2].copy(), places[1::2].copy()),
        row_reference.Picked(*texts, of),
        places[::2].copy(),
    ]
    rows = rng.sample(columns, k=rng.randrange(5)), len(segments) + (rng.random() < 0.1)
    found = attempt(native.joined_rows, *rows)
    if found is not None:
        twin = row_reference.joined_rows(*rows)
        assert found[0] == twin[0]
        same(found[1:], lambda: twin[1:])
    found = attempt(native.utf8_codes, *texts)
    if found is not None:
        same(found, json_reference.utf8_codes, *texts)
    pieces = [
        '{"t":"',
        '"}',
        '"',
        "\\",
        "\\u4e2d",
        "\\ud83d\\ude00",
        "中",
        "é",
        "a" * 40,
        ",",
        '"id":',
        "[",
        "]",
        "1",
        "e",
        "\n",
        "{",
        "}",
    ]
    record = "".join(rng.choices(pieces, k=rng.choice([0, 3, 9, 40]))).encode()
    lines = b"".join(
        rng.choices(
            [b'{"t":"%b","id":%b}' % (record, rng.choice([b"1", b'"a"', record])), record, b"\n"], [6, 1, 3], k=5
        )
    )
    damaged = bytearray(lines)
    if lines and rng.random() < 0.5:
        damaged[rng.randrange(len(lines))] = rng.randrange(256)
    found, twin = (of.json_texts(bytes(damaged), ("t", "id")) for of in (native, json_reference))
    assert (found is None) == (twin is None)
    if found is not None:
        same(found, lambda: twin)
    raw = np.frombuffer(bytes(damaged), np.uint8)
    quotes = np.flatnonzero(raw == ord('"'))
    starts, ends = (np.array(rng.choices([*quotes.tolist(), 0], k=3), np.int64) for _ in range(2))
    starts, ends = np.minimum(starts, ends), np.minimum(np.maximum(starts, ends) + 1, len(raw))
    rooms = [np.zeros(int((ends - starts).sum()), np.uint8) for _ in range(2)]
    unquoted = native.json_unquoted(raw, starts, ends, rooms[0])
    twin = json_reference.json_unquoted(raw, starts, ends, rooms[1])
    assert (unquoted is None) == (twin is None)
    if unquoted is not None:
        same((*unquoted, rooms[0][: unquoted[0][-1]]), lambda: (*twin, rooms[1][: twin[0][-1]]))


def lines_of(rng: random.Random, text: np.ndarray) -> None:
    """Lines, what they look like and what is read of them."""
    arguments = text, offsets(rng, len(text)), load()
    same(attempt(native.line_spans, *arguments), line_reference.line_spans, *arguments)
    same(attempt(native.line_feeds, text.tobytes()), line_reference.line_feeds, text.tobytes())
    spans = [sorted(rng.choices(range(len(text) + 1), k=2)) for _ in range(rng.randrange(6))]
    if spans and rng.random() < 0.25:
        rng.choice(spans)[rng.randrange(2)] = rng.choice(EDGES)
    starts, ends = np.array(spans, np.int64).reshape(-1, 2).T.copy()
    arguments = text, starts, ends, reading_table()
    same(attempt(native.readings, *arguments), line_reference.readings, *arguments)
    looked_at = text, offsets(rng, len(text)), LINES._replace(openers=rng.randrange(2**11))
    same(attempt(native.outlines, *looked_at), line_reference.outlines, *looked_at)


def turn(rng: random.Random) -> None:
    """One round over all functions."""
    table = load()
    text = codes(rng)
    bounds = offsets(rng, len(text))
    odd = rng.choice([0, 1, 1, 2, 2, 3, 255])
    widths = np.array(rng.choices([1, 2, odd], [9, 9, 1], k=len(text) + (rng.random() < 0.1)), np.uint8)
    size = rng.choice([0, 1, 2, 8, 8, 64, 255, 256])
    for fold, twin in ((native.fold, fold_reference.fold), (native.fold_to_utf16, fold_reference.fold_to_utf16)):
        same(attempt(fold, text, bounds, table), twin, text, bounds, table)
    same(attempt(native.number_tokens, text, bounds, table), number_reference.number_tokens, text, bounds, table)
    same(attempt(native.digests, text, bounds), reference.digests, text, bounds)
    same(attempt(native.segment_widths, text, bounds, table), fold_reference.segment_widths, text, bounds, table)
    arguments = text, bounds, widths, size
    made = attempt(native.shingles, *arguments)
    same(made, reference.shingles, *arguments)
    same(attempt(native.shingle_sets, *arguments), reference.shingle_sets, *arguments)
    a, b = reference.permutations(rng.choice([0, 1, 16, 100, 256]), 1)
    attempt(native.shingle_signatures, *arguments, a, b)
    banded = *arguments, a, b, rng.randrange(20), rng.randrange(20)
    same(attempt(native.shingle_band_keys, *banded), reference.shingle_band_keys, *banded)
    signed_texts(rng, text, bounds, size, (a, b), banded[-1])
    hashes = np.array(
        [rng.randrange(2**64) if rng.random() < 0.7 else rng.choice([0, 2**64 - 1]) for _ in text], np.uint64
    )
    hashed(rng, hashes, bounds, (a, b))
    looked_up(rng, hashes, text, bounds)
    for lines in (text, dates(rng)):
        arguments = lines, offsets(rng, len(lines)), table
        same(attempt(native.templates, *arguments), template_reference.templates, *arguments)
        chosen = np.array(
            [rng.randrange(-1, 6) if rng.random() < 0.1 else 0 for _ in range(rng.randrange(4))], np.int64
        )
        if rng.random() < 0.3:
            lines = (lines & 0xFFFF).astype(np.uint16)  # noqa: PLW2901
        arguments = lines, arguments[1], chosen, table, rng.choice([0, 20, 40])
        found = attempt(native.template_starts, *arguments)
        if not len(lines) or lines.max() < 0x110000:
            same(found, template_reference.template_starts, *arguments)
        starts = np.sort(hashes if found is None or rng.random() < 0.5 else found[::2])
        found = attempt(native.starts_among, *arguments, starts)
        if not len(lines) or lines.max() < 0x110000:
            same(found, template_reference.starts_among, *arguments, starts)
    lines_of(rng, text)
    bytes_of_texts(rng)
    named = np.array(rng.choices([0, 1, 2, 3, *EDGES], k=rng.randrange(5)), np.int64)
    attempt(native.take_segments, text, bounds, named)
    attempt(native.intersections, hashes, bounds, named, named)
    units = (text & 0xFFFF).astype(np.uint16)
    for flat in (text, units):
        attempt(native.join_segments, flat, bounds, named, offsets(rng, len(named)), table)
    same(attempt(native.to_utf16, text, bounds), reference.to_utf16, text, bounds)
    same(attempt(native.take_codes, units, bounds, named), reference.take_codes, units, bounds, named)
    judged(rng, text, hashes, bounds, size)


def main() -> None:
    """Goes on until the time is over; the seed of a round that fails is in the message."""
    end = time.monotonic() + float(sys.argv[1])
    seed = 0
    while time.monotonic() < end:
        for level in native.levels():
            native.use_level(level)
            try:
                turn(random.Random(seed))
            except Exception as error:
                raise SystemExit(f"seed {seed} on {level}: {type(error).__name__}: {error}") from error
        seed += 1
    print(f"{seed} rounds on each of {', '.join(native.levels())}")


if __name__ == "__main__":
    main()
