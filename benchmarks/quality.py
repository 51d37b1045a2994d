"""How right is it? `python -m benchmarks.quality` measures, and writes the tables.

    python -m benchmarks.quality                  everything (minutes)
    python -m benchmarks.quality --articles 600   smaller, to try; --no-write leaves the files alone
    python -m benchmarks.quality --shared DIR     with the development data in DIR (default: ../shared/data)

The corpus is that of `benchmarks.corpus`; what is right is known because it was planted. True similarities are exact
Jaccard over the shingles of the settings in question; the ceiling of a threshold is what an all-pairs comparison with
the same rules would find.
"""

from __future__ import annotations

import argparse
import gzip
import math
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks import corpus
from dedup import kernel
from dedup.evaluate import Judged, Label, Span, evaluate, read_labels
from dedup.families import distinct_texts, number_conflicts
from dedup.fold_table import load
from dedup.kernel.number_reference import numbers
from dedup.kernel.reference import I64, U32, U64
from dedup.local import scan
from dedup.model import Article, Report
from dedup.settings import Settings
from dedup.sketch import shingle_sets
from dedup.tables import read_tables
from dedup.text import codepoints, fold, fold_passages
from dedup.work import Work

HERE = Path(__file__).parent
_BANDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_SWEPT: dict[str, tuple[Any, ...]] = {
    "threshold": (0.5, 0.6, 0.65, 0.75, 0.8, 0.9),
    "shingle": (4, 6, 10, 12),
    "recall": (0.8, 0.9, 0.99),
    "num_perm": (128, 512),
    "min_chars": (20, 30, 60, 80),
    "min_chars_within": (10, 30, 40),
    "short_containment": (0.0, 0.8, 1.0),
    "numbers": ("ignore",),
}
_SWEPT_NEWS: dict[str, tuple[Any, ...]] = {
    "threshold": (0.5, 0.6, 0.8, 0.9),
    "shingle": (4, 6, 10, 12),
    "recall": (0.9, 0.99),
    "num_perm": (128,),
    "min_chars": (20, 60),
    "short_containment": (0.0, 1.0),
    "numbers": ("ignore",),
    "boilerplate": ("off",),
}


# --------------------------------------------------------------------------------------------------------- all pairs


def all_pairs(sets: U64, offsets: I64, least: float) -> tuple[I64, I64, np.ndarray]:
    """Every pair of sets of exact Jaccard similarity *least* or more: (left, right, similarity), left < right.

    Exact: two such sets share one of the rarest |x| - ceil(least * |x|) + 1 members of each (prefix filter; Chaudhuri,
    Ganti & Kaushik, A Primitive Operator for Similarity Joins in Data Cleaning, ICDE 2006).
    """
    sizes = np.diff(offsets)
    _, member, frequency = np.unique(sets, return_inverse=True, return_counts=True)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((member, frequency[member], owner))  # in each set the rarest first
    rank = np.arange(len(sets)) - np.repeat(offsets[:-1], sizes)
    prefix = sizes - np.ceil(least * sizes - 1e-9).astype(np.int64) + 1
    kept = rank < np.repeat(prefix, sizes)
    member, owner = member[order][kept], owner[kept]
    by_member = np.argsort(member, kind="stable")
    member, owner = member[by_member], owner[by_member]
    bounds = np.flatnonzero(np.diff(member, prepend=-1, append=-1))
    found = []
    for size in np.unique(np.diff(bounds)).tolist():
        if size < 2:
            continue
        starts = bounds[:-1][np.diff(bounds) == size]
        left, right = np.triu_indices(size, 1)
        one, two = owner[starts[:, None] + left].ravel(), owner[starts[:, None] + right].ravel()
        fits = np.minimum(sizes[one], sizes[two]) >= least * np.maximum(sizes[one], sizes[two]) - 1e-9
        found.append(np.unique(np.minimum(one, two)[fits] * len(sizes) + np.maximum(one, two)[fits]))
    codes = np.unique(np.concatenate([*found, np.zeros(0, np.int64)]))
    left, right = codes // len(sizes), codes % len(sizes)
    shared = kernel.intersections(sets, offsets, left, right)
    similarity = shared / (sizes[left] + sizes[right] - shared)
    enough = similarity >= least - 1e-12
    return left[enough], right[enough], similarity[enough]


# ------------------------------------------------------------------------------------------------------------ planted


class Planted:
    """A generated corpus in memory, with its labels, decided and open."""

    def __init__(self, articles: int, seed: int) -> None:
        self.articles: list[Article] = []
        self.labels: list[Label] = []
        self.open: list[Label] = []
        for shard in corpus.shards(articles, seed):
            for record in corpus.records(shard.drafts):
                self.articles.append(Article.of(record["id"], record["text"], {"source": record["source"]}))
            for given in shard.labels:
                label = _as_label(given)
                (self.open if given.get("open") else self.labels).append(label)
        self.texts = {article.id: article.text for article in self.articles}
        self.pairs = [label for label in (*self.labels, *self.open) if label.type == "pair"]

    def similarities(self, settings: Settings, pairs: Sequence[Label]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each pair: exact Jaccard, whether it passes all rules of passages but the threshold, shorter length."""
        folded, offsets = self._folded(pairs)
        sets, set_offsets = shingle_sets(folded, offsets, settings)
        left = np.arange(len(pairs)) * 2
        shared = kernel.intersections(sets, set_offsets, left, left + 1)
        sizes, chars = np.diff(set_offsets), np.diff(offsets)
        similarity = shared / (sizes[left] + sizes[left + 1] - shared)
        shorter = np.minimum(chars[left], chars[left + 1])
        contained = shared / np.minimum(sizes[left], sizes[left + 1]) >= settings.short_containment
        tokens = kernel.number_tokens(folded, offsets, load())
        conflict = np.array([number_conflicts(*tokens, at, np.array([at + 1]))[0] for at in left])
        passes = (contained | (shorter >= settings.short_chars)) & (~conflict | (settings.numbers == "ignore"))
        return similarity, passes, shorter

    def _folded(self, pairs: Sequence[Label]) -> tuple[U32, I64]:
        codes: list[U32] = []
        spans: list[tuple[int, int]] = []
        filled = 0
        for pair in pairs:
            for place in pair.places:
                text = self.texts[place.article]
                codes.append(codepoints(text[place.start : len(text) if place.end is None else place.end]))
                spans.append((filled, filled + len(codes[-1])))
                filled += len(codes[-1])
        return fold_passages(np.concatenate(codes), np.array(spans, np.int64).reshape(-1, 2))


def _as_label(given: Mapping[str, Any]) -> Label:
    kind = str(given.get("kind", given["type"]))
    if given["type"] == "pair":
        places, right = (_span(given["a"]), _span(given["b"])), bool(given["same"])
    elif given["type"] == "cluster":
        places, right = tuple(map(_span, given["members"])), True
    else:
        places, right = (_span(given),), bool(given["cut"])
    return Label(given["type"], places, right, kind, None, "planted", given)


def _as_cluster(pair: Label) -> Label:
    return Label("cluster", pair.places, True, pair.kind, None, pair.where, pair.extra)


def _span(place: Any) -> Span:
    return Span(place) if isinstance(place, str) else Span(place["article"], place["start"], place["end"])


def _kind_and_level(label: Label) -> str:
    level = label.extra["level"]
    return f"{label.kind} {level:.0%}" if level else label.kind


def table_kinds(planted: Planted, report: Report) -> tuple[str, list[str]]:
    """A row a kind of edit: how many, true similarity, what was found; and what breaks the promise."""
    settings = report.settings
    judged = Judged(report.findings, report.families, planted.texts)
    pairs = [pair for pair in planted.pairs if pair.places[0].end is not None]
    similarity, passes, shorter = planted.similarities(settings, pairs)
    verdicts = [judged.verdict(*pair.places) for pair in pairs]
    rows: dict[str, list[int]] = defaultdict(list)
    for at, pair in enumerate(pairs):
        rows[_kind_and_level(pair)].append(at)
    lines, broken = [], []
    for kind in sorted(rows, key=_natural):
        at = np.array(rows[kind])
        within = kind.startswith("within")
        floor = settings.min_chars_within if within else settings.min_chars
        due = (similarity[at] >= settings.threshold - 1e-9) & passes[at] & (shorter[at] >= floor)
        cut = np.array([verdicts[row] == "cut" for row in at])
        linked = np.array([verdicts[row] == "linked" for row in at])
        n = int(due.sum())
        found = int((cut | linked)[due].sum())
        promise = settings.recall - 3 * math.sqrt(settings.recall * (1 - settings.recall) / max(n, 1))
        if n and found / n < promise:
            broken.append(f"{kind}: {found} of {n} at or above the threshold, promised {settings.recall}")
        pair = pairs[at[0]]
        truth = "open" if pair.extra.get("open") else "same" if pair.right else "other news"
        share = f"{found / n:.3f}" if n else "-"
        lines.append(
            f"| {kind} | {truth} | {len(at)} | {np.median(similarity[at]):.2f} | {n} | {share} "
            f"| {cut.sum() / len(at):.3f} | {linked.sum() / len(at):.3f} |"
        )
    head = (
        "| edit | truth | pairs | median similarity | due | found of due | cut of all | linked of all |\n"
        "|---|---|--:|--:|--:|--:|--:|--:|"
    )
    return "\n".join([head, *lines]), broken


def _natural(kind: str) -> tuple[str, float]:
    head, _, tail = kind.rpartition(" ")
    return (head, float(tail[:-1])) if tail.endswith("%") else (kind, 0.0)


def table_bands(planted: Planted, report: Report) -> str:
    """Passage pairs by true similarity: found, right."""
    judged = Judged(report.findings, report.families, planted.texts)
    pairs = [label for label in planted.labels if label.type == "pair" and label.places[0].end is not None]
    similarity, _, _ = planted.similarities(report.settings, pairs)
    cut = np.array([judged.verdict(*pair.places) == "cut" for pair in pairs])
    linked = np.array([judged.verdict(*pair.places) == "linked" for pair in pairs])
    same = np.array([pair.right for pair in pairs])
    lines = [
        "| similarity | same news | cut | linked | other news | cut | linked | precision |\n"
        "|---|--:|--:|--:|--:|--:|--:|--:|"
    ]
    for low, high in zip(_BANDS, (*_BANDS[1:], 1.01), strict=True):
        inside = (similarity >= low) & (similarity < high)
        one, two = inside & same, inside & ~same
        total = int((cut & inside).sum())
        right = f"{(cut & one).sum() / total:.4f}" if total else "-"
        name = "1" if low == 1 else f"{low} to {high}"
        lines.append(
            f"| {name} | {one.sum()} | {_share(cut, one)} | {_share(linked, one)} | {two.sum()} | {_share(cut, two)} "
            f"| {_share(linked, two)} | {right} |"
        )
    return "\n".join(lines)


def _share(what: np.ndarray, among: np.ndarray) -> str:
    return f"{what[among].mean():.3f}" if among.any() else "-"


def table_articles(planted: Planted, report: Report) -> str:
    """Article pairs by kind."""
    judged = Judged(report.findings, report.families, planted.texts)
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for pair in planted.pairs:
        if pair.places[0].end is None:
            rows[f"{pair.kind} | {'same' if pair.right else 'other news'}"][judged.verdict(*pair.places)] += 1
    lines = ["| copy | truth | pairs | cut | linked | covered | missed |\n|---|---|--:|--:|--:|--:|--:|"]
    for name in sorted(rows):
        counts = rows[name]
        cells = " | ".join(str(counts[verdict]) for verdict in ("cut", "linked", "covered", "missed"))
        lines.append(f"| {name} | {counts.total()} | {cells} |")
    return "\n".join(lines)


def table_sums(planted: Planted, report: Report) -> tuple[str, dict[str, Any]]:
    """All pairs, characters and clusters in one table."""
    result = evaluate(report.findings, report.families, planted.texts, planted.labels)
    blocks = [label for label in planted.labels if label.type == "span" and label.kind == "block run"]
    cut = {(f.article, f.start, f.end) for f in report.findings if f.grain == "block" and f.removed}
    starts = {(article, start) for article, start, _ in cut}
    exact = near = 0
    for label in blocks:
        place = label.places[0]
        exact += any((place.article, place.start, (place.end or 0) + extra) in cut for extra in (0, 1))
        near += (place.article, place.start) in starts
    pairs, spans, clusters = result["pairs"]["all"], result["spans"]["all"], result["clusters"]
    judged = Judged(report.findings, report.families, planted.texts)
    same = [label for label in planted.labels if label.type == "pair" and label.places[0].end is None and label.right]
    copies = evaluate(report.findings, report.families, planted.texts, map(_as_cluster, same))["clusters"]
    names = sum(judged.verdict(*label.places) == "cut" for label in planted.open)
    wrong = sorted(
        ((row["false"], kind) for kind, row in result["spans"]["kinds"].items() if row["false"]), reverse=True
    )
    figures = {
        "pairs": pairs,
        "characters": spans,
        "clusters": clusters,
        "articles and their copies": copies,
        "copies with exchanged names": {"planted": len(planted.open), "cut": names},
        "blocks": {"planted": len(blocks), "span exact": exact, "start exact": near},
        "wrongly cut characters by kind": {kind: count for count, kind in wrong},
    }
    rows = [
        ("pairs, precision of cuts", f"{pairs['precision']:.4f}"),
        ("pairs, wrongly cut", str(pairs["false"])),
        (
            f"the same, if all {len(planted.open)} copies with exchanged names are other news",
            f"{pairs['hits'] / (pairs['hits'] + pairs['false'] + names):.4f}",
        ),
        ("pairs, F1 over all planted, also those far below the threshold", f"{pairs['f1']:.4f}"),
        ("characters, share of cut ones that are right", f"{spans['precision']:.5f}"),
        ("characters wrongly cut", f"{spans['false']:,} of {spans['false'] + spans['hits']:,} cut"),
        ("of these", ", ".join(f"{kind} {count:,}" for count, kind in wrong) or "none"),
        ("clusters of five passages, adjusted Rand index", f"{clusters['adjusted_rand']:.4f}"),
        (f"articles and their copies ({copies['labels']}), adjusted Rand index", f"{copies['adjusted_rand']:.4f}"),
        ("blocks of three lines: span exact", f"{exact} of {len(blocks)}"),
        ("blocks of three lines: start exact", f"{near} of {len(blocks)}"),
    ]
    return "\n".join(["| measure | value |\n|---|---|", *(f"| {name} | {value} |" for name, value in rows)]), figures


# ------------------------------------------------------------------------------------------------------------- sweeps


def _turned(swept: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, str, Settings]]:
    """(name, value, settings) with one setting turned at a time."""
    base = Settings()
    for name, values in swept.items():
        for value in values:
            changes: dict[str, Any] = {name: value}
            if name == "min_chars" and value < base.min_chars_within:
                changes["min_chars_within"] = value
            yield name, str(value), replace(base, **changes)


def table_sweep(planted: Planted, say: Callable[[str], None]) -> tuple[str, list[dict[str, Any]]]:
    """One setting turned at a time."""
    runs = [("default", "", Settings()), *_turned(_SWEPT)]
    lines = [
        "| setting | value | bands x rows | light edits cut | all edits cut | ceiling, light | ceiling, all "
        "| precision | wrongly cut characters | seconds / default |\n|---|---|---|--:|--:|--:|--:|--:|--:|--:|"
    ]
    raw: list[dict[str, Any]] = []
    for name, value, settings in runs:
        start = time.process_time()
        report = scan(planted.articles, settings)
        seconds = time.process_time() - start
        row = {"setting": name, "value": value, "seconds": seconds, **_swept(planted, report)}
        raw.append(row)
        lines.append(
            f"| {name} | {value} | {settings.bands} x {settings.rows} | {row['light']:.3f} | {row['all']:.3f} "
            f"| {row['ceiling light']:.3f} | {row['ceiling all']:.3f} | {row['precision']:.4f} | {row['wrong']:,} "
            f"| {seconds / raw[0]['seconds']:.2f} |"
        )
        say(lines[-1])
    return "\n".join(lines), raw


def _swept(planted: Planted, report: Report) -> dict[str, Any]:
    settings = report.settings
    judged = Judged(report.findings, report.families, planted.texts)
    pairs = [p for p in planted.labels if p.type == "pair" and p.places[0].end is not None and p.right]
    similarity, passes, _ = planted.similarities(settings, pairs)
    reached = (similarity >= settings.threshold - 1e-9) & passes
    cut = np.array([judged.verdict(*pair.places) == "cut" for pair in pairs])
    light = np.array([0 < pair.extra["level"] <= 0.05 for pair in pairs])
    result = evaluate(report.findings, report.families, planted.texts, planted.labels)
    return {
        "light": cut[light].mean(),
        "all": cut.mean(),
        "ceiling light": reached[light].mean(),
        "ceiling all": reached.mean(),
        "precision": result["pairs"]["all"]["precision"],
        "wrong": result["spans"]["all"]["false"],
    }


def table_ceiling(planted: Planted) -> str:
    """All pairs of distinct passages at several thresholds and shingles: what the similarity itself can tell."""
    base = Settings()
    tables = read_tables(planted.articles, None, base, lambda stage, done, total: None, Work())
    long = np.flatnonzero(tables.size >= base.min_chars)
    texts = distinct_texts(tables.at.of(long), np.zeros(len(long), np.int64))
    folded, offsets = texts.take(np.arange(len(texts.first)))
    tokens = kernel.number_tokens(folded, offsets, load())
    related, apart = _planted_relations(planted, tables.ids, tables.article[long], tables.start[long], texts.of)
    lines = [
        "| shingle columns | threshold | pairs | planted as same | other news, by numbers | other news, let through "
        "| neither planted |\n|--:|--:|--:|--:|--:|--:|--:|"
    ]
    for shingle in (6, 8, 10):
        sets, set_offsets = shingle_sets(folded, offsets, replace(base, shingle=shingle))
        left, right, similarity = all_pairs(sets, set_offsets, 0.5)
        kinds = []
        for one, two in zip(left.tolist(), right.tolist(), strict=True):
            if (one, two) in related:
                kinds.append(0)
            elif number_conflicts(*tokens, one, np.array([two]))[0]:
                kinds.append(1)
            else:
                kinds.append(2 if (one, two) in apart else 3)
        kind = np.array(kinds, np.int64)
        for threshold in (0.5, 0.6, 0.7, 0.8, 0.9):
            counts = np.bincount(kind[similarity >= threshold - 1e-9], minlength=4)
            lines.append(f"| {shingle} | {threshold} | {counts.sum()} | {' | '.join(map(str, counts.tolist()))} |")
    return "\n".join(lines)


def _planted_relations(
    planted: Planted, ids: Sequence[str], article: I64, start: I64, of: I64
) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Pairs of texts that stand where something was planted as the same; and as other news."""
    at = {(ids[a], s): int(t) for a, s, t in zip(article.tolist(), start.tolist(), of.tolist(), strict=True)}
    related: set[tuple[int, int]] = set()
    apart: set[tuple[int, int]] = set()
    groups = [(label.places, label.right) for label in planted.labels if label.type in ("pair", "cluster")]
    for places, right in groups:
        known = [at[place.article, place.start] for place in places if (place.article, place.start) in at]
        pairs = {(min(one, two), max(one, two)) for one in known for two in known if one != two}
        (related if right else apart).update(pairs)
    copies = [p.places for p in planted.pairs if p.places[0].end is None and p.right]
    lines = defaultdict(list)
    for (name, _), text in at.items():
        lines[name].append(text)
    for one, two in copies:
        related |= {(min(a, b), max(a, b)) for a in lines[one.article] for b in lines[two.article]}
    return related, apart


# --------------------------------------------------------------------------------------------------- development data


def _gz(path: Path) -> Iterable[dict[str, Any]]:
    with gzip.open(path, "rb") as file:
        for line in file:
            yield orjson.loads(line)


def _read(path: Path) -> list[Article]:
    rows = _gz(path)
    return [
        Article.of(row["id"], row["text"], {k: v for k, v in row.items() if k not in ("id", "text")}) for row in rows
    ]


def table_news_zh(folder: Path, settings: Settings) -> tuple[str, dict[str, Any]]:
    """Same items and look-alikes of three archives, at article grain."""
    articles = _read(folder / "articles.jsonl.gz")
    report = scan(articles, settings)
    texts = {article.id: article.text for article in articles}
    judged = Judged(report.findings, report.families, texts)
    counts: dict[str, Counter[str]] = {"same": Counter(), "lookalike": Counter()}
    missed: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for name, verdicts in counts.items():
        for row in _gz(folder / f"{name}.jsonl.gz"):
            verdict = judged.verdict(Span(row["a"]), Span(row["b"]))
            verdicts[verdict] += 1
            if name == "same" and verdict == "missed":
                missed[_why_missed(row, texts)] += 1
            if name == "lookalike" and verdict == "cut":
                wrong[_why_cut(row, texts)] += 1
                print(f"look-alike cut: {row['a']} {row['b']}", file=sys.stderr)
    lines = ["| pairs | n | cut | linked | covered | missed |\n|---|--:|--:|--:|--:|--:|"]
    for name, verdicts in counts.items():
        n = verdicts.total()
        cells = [f"{verdicts[verdict] / n:.4f}" for verdict in ("cut", "linked", "covered", "missed")]
        lines.append(f"| {name} | {n} | {' | '.join(cells)} |")
    lines.append("\nMissed: " + "; ".join(f"{why} {count}" for why, count in missed.most_common()) + ".")
    lines.append("\nLook-alikes cut: " + "; ".join(f"{why} {count}" for why, count in wrong.most_common()) + ".")
    return "\n".join(lines), {"counts": counts, "missed": missed, "look-alikes cut": wrong}


def _why_cut(row: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    own, other = (Counter(numbers(codepoints(fold(texts[row[side]])), load())) for side in "ab")
    if own == other:
        return "numbers equal, names or wording other"
    if own <= other or other <= own:
        return "one has all numbers of the other"
    return "two thirds of the numbers agree"


def _why_missed(row: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    shorter = min(len(texts[row["a"]].strip()), len(texts[row["b"]].strip()))
    if shorter < 40:
        return "one is shorter than 40 characters"
    if row["char5_containment"] >= 0.7:
        return "one holds the other as part of a longer passage"
    if row["char5_jaccard"] < 0.3:
        return "written anew (Jaccard under .3)"
    return "edited below the threshold"


def table_news_sweep(folder: Path, say: Callable[[str], None]) -> tuple[str, list[dict[str, Any]]]:
    """One setting turned at a time on a quarter of the real news: every fourth day, and every look-alike."""
    alike = list(_gz(folder / "lookalike.jsonl.gz"))
    named = {row[side] for row in alike for side in "ab"}
    days = sorted({article.id.split(":")[1] for article in _read(folder / "articles.jsonl.gz")})
    chosen = set(days[::4])
    articles = [a for a in _read(folder / "articles.jsonl.gz") if a.id in named or a.id.split(":")[1] in chosen]
    texts = {article.id: article.text for article in articles}
    pairs = {
        "same": [row for row in _gz(folder / "same.jsonl.gz") if row["a"] in texts and row["b"] in texts],
        "lookalike": alike,
    }
    lines = [
        f"{len(articles):,} articles, {len(pairs['same']):,} pairs of the same item, {len(alike)} look-alikes.\n",
        "| setting | value | same: found | cut | look-alikes cut | near passages cut | articles cut | characters cut "
        "| seconds / default |\n|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    raw: list[dict[str, Any]] = []
    for name, value, settings in [("default", "", Settings()), *_turned(_SWEPT_NEWS)]:
        start = time.process_time()
        report = scan(articles, settings)
        seconds = time.process_time() - start
        judged = Judged(report.findings, report.families, texts)
        verdicts = {
            kind: Counter(judged.verdict(Span(row["a"]), Span(row["b"])) for row in rows)
            for kind, rows in pairs.items()
        }
        removed = [finding for finding in report.findings if finding.removed and finding.kind == "duplicate"]
        row = {
            "setting": name,
            "value": value,
            "found": 1 - verdicts["same"]["missed"] / verdicts["same"].total(),
            "cut": verdicts["same"]["cut"] / verdicts["same"].total(),
            "look-alikes cut": verdicts["lookalike"]["cut"],
            "near passages": sum(f.grain in ("passage", "block") and f.rule == "near" for f in removed),
            "articles": sum(f.grain == "article" for f in removed),
            "characters": sum(f.end - f.start for f in removed),
            "seconds": seconds,
        }
        raw.append(row)
        lines.append(
            f"| {name} | {value} | {row['found']:.4f} | {row['cut']:.4f} | {row['look-alikes cut']} "
            f"| {row['near passages']} | {row['articles']:,} | {row['characters']:,} "
            f"| {seconds / raw[0]['seconds']:.2f} |"
        )
        say(lines[-1])
    return "\n".join(lines), raw


def table_reuters(folder: Path, settings: Settings) -> tuple[str, dict[str, Any]]:
    """Exact and near repetitions in Reuters-21578."""
    articles = _read(folder / "articles.jsonl.gz")
    report = scan(articles, settings)
    texts = {article.id: article.text for article in articles}
    judged = Judged(report.findings, report.families, texts)
    first: dict[str, str] = {}
    exact: Counter[str] = Counter()
    for article in articles:
        if article.text.strip():
            earlier = first.setdefault(article.text, article.id)
            if earlier != article.id:
                exact[judged.verdict(Span(earlier), Span(article.id))] += 1
    rules = Counter(f"{f.grain} {f.rule}, {'cut' if f.removed else 'linked'}" for f in report.findings)
    lines = ["| Reuters-21578 | count |\n|---|--:|"]
    lines += [f"| exact duplicates, {verdict} | {count} |" for verdict, count in exact.most_common()]
    lines += [f"| {rule} | {count} |" for rule, count in sorted(rules.items())]
    return "\n".join(lines), {"exact": exact, "findings": rules}


# --------------------------------------------------------------------------------------------------------------- files


def replace_between(path: Path, text: str) -> None:
    """Puts *text* between the two quality marks of a file, which must be there."""
    begin, end = "<!-- quality:begin -->", "<!-- quality:end -->"
    old = path.read_text(encoding="utf-8")
    if old.count(begin) != 1 or old.count(end) != 1:
        raise SystemExit(f"{path}: needs the line {begin} and the line {end} once each, to hold the tables")
    head, tail = old[: old.index(begin) + len(begin)], old[old.index(end) :]
    path.write_text(f"{head}\n\n{text.strip()}\n\n{tail}", encoding="utf-8")


def hand_labels(settings: Settings) -> str:
    """The hand-labelled passages and pages of benchmarks/labels: passages at passage grain, pages as `clean` does."""
    lines = ["| labels | n | precision | recall | right | wrongly cut | missed |\n|---|--:|--:|--:|--:|--:|--:|"]
    for articles, labels, turned in (
        ("passages", "pairs", replace(settings, grain="passage")),
        ("pages", "lines", settings),
    ):
        rows = [orjson.loads(line) for line in (HERE / "labels" / f"{articles}.jsonl").read_bytes().splitlines()]
        given = [Article.of(row["id"], row["text"], {"source": row.get("source", "")}) for row in rows]
        report = scan(given, turned)
        texts = {article.id: article.text for article in given}
        result = evaluate(report.findings, report.families, texts, read_labels(HERE / "labels" / f"{labels}.jsonl"))
        sums = result[labels]
        for kind, row in [("all", sums["all"]), *sums["kinds"].items()]:
            cells = ["-" if row[key] is None else f"{row[key]:.3f}" for key in ("precision", "recall")]
            right = row["labels"] - row["false"] - row["missed"]
            cells += [str(number) for number in (right, row["false"], row["missed"])]
            lines.append(f"| {labels}: {kind} | {row['labels']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description="Precision and recall.")
    parser.add_argument("--articles", type=int, default=2400, help="of the planted corpus (default: %(default)s)")
    parser.add_argument("--sweep-articles", type=int, default=800, help="of the corpus of the sweeps")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shared", type=Path, default=HERE.parents[1] / "shared" / "data", help="development data")
    parser.add_argument("--no-write", action="store_true", help="print the tables and leave the files alone")
    given = parser.parse_args(arguments)

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    settings = Settings()
    raw: dict[str, Any] = {"settings": settings.to_dict(), "articles": given.articles, "seed": given.seed}
    planted = Planted(given.articles, given.seed)
    report = scan(planted.articles, settings)
    kinds, broken = table_kinds(planted, report)
    sums, raw["sums"] = table_sums(planted, report)
    raw["broken promises"] = broken
    promise = "; ".join(broken) or "none"
    parts = [
        f"Planted truth: {len(planted.articles):,} articles, seed {given.seed}, default settings.",
        f"### Sums\n\n{sums}\n\nKinds found less often than `recall` promises (three standard errors): {promise}.",
        f"### Passages by true similarity\n\n{table_bands(planted, report)}",
        f"### Passages by kind of edit\n\n{kinds}",
        f"### Whole articles\n\n{table_articles(planted, report)}",
        f"### Labelled by hand\n\n{hand_labels(settings)}",
    ]
    say("\n\n".join(parts))
    small = Planted(given.sweep_articles, given.seed + 1)
    parts.append(f"### All pairs, the ceiling\n\n{table_ceiling(small)}")
    say(parts[-1])
    swept, raw["sweep"] = table_sweep(small, say)
    parts.append(f"### One setting turned at a time\n\n{swept}")
    for name, table in (("news_zh", table_news_zh), ("news_en", table_reuters)):
        if (given.shared / name).is_dir():
            text, raw[name] = table(given.shared / name, settings)
            parts.append(f"### Development data: {name}\n\n{text}")
            say(parts[-1])
            if name == "news_zh":
                swept, raw["news_zh sweep"] = table_news_sweep(given.shared / name, say)
                parts.append(f"### Development data: news_zh, one setting turned at a time\n\n{swept}")
        else:
            say(f"{given.shared / name}: not there, left out")
    if given.no_write:
        print("\n\n".join(parts))
        return
    replace_between(HERE / "README.md", "\n\n".join(parts))
    replace_between(HERE.parent / "README.md", sums)
    (HERE / "quality.json").write_bytes(orjson.dumps(raw, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))


if __name__ == "__main__":
    main()
