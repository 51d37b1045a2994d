"""A row of figures for each article: what was in it, what was cut, and how much it repeats itself.

The repetition measures are those of Rae et al. 2021 (Scaling Language Models: Methods, Analysis & Insights from
Training Gopher, arXiv:2112.11446, appendix A.1.1, table A1), which gives the greatest value of each that a document may
have. The paper leaves open what exactly is counted; here it is, of the text as read:

- Lines end as everywhere in dedup; white space at either end does not count, and blank lines are none. A paragraph is a
  run of lines between blank lines. Lines (paragraphs) are equal character for character. The duplicate fraction is the
  share of those that stood in the article before, and the character fraction the share of their characters.
- n-grams are of words: each Han, kana or Hangul character is a word, and so is each longest run of other letters and
  digits. Characters are those of words alone: neither white space nor punctuation. A character that lies in several
  n-grams counts once.
- The top n-gram fraction is the share of the characters that lie in an occurrence of the most frequent n-gram (of
  equally frequent ones that with the most characters, then the first), 0 where no n-gram stands twice.
- The duplicate n-gram fraction is the share of the characters that lie in an n-gram that stands twice or more.

The limits were chosen for English words. Five Han characters are two or three words, so that Chinese texts exceed those
of the duplicate n-grams far more often.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.columns import pyarrow
from dedup.errors import BadSettings
from dedup.fold_table import load
from dedup.kernel.fold_reference import COMBINING, LETTER, NUMBER, WIDE
from dedup.kernel.reference import I64, U64, fmix64, offsets_of
from dedup.model import Article, Finding
from dedup.report.gathering import in_step
from dedup.rewriting import clean_text, cut_whole, cuts, line_stops
from dedup.text import codepoints

LIMITS = {
    "duplicate_lines": 0.30,
    "duplicate_paragraphs": 0.30,
    "duplicate_line_characters": 0.20,
    "duplicate_paragraph_characters": 0.20,
    "top_2gram_characters": 0.20,
    "top_3gram_characters": 0.18,
    "top_4gram_characters": 0.16,
    "duplicate_5gram_characters": 0.15,
    "duplicate_6gram_characters": 0.14,
    "duplicate_7gram_characters": 0.13,
    "duplicate_8gram_characters": 0.12,
    "duplicate_9gram_characters": 0.11,
    "duplicate_10gram_characters": 0.10,
}
"""The measures, and the greatest value that Gopher's filter admits."""
COUNTS = (
    *("characters", "characters_out", "paragraphs", "paragraphs_out"),
    *("cut_duplicate", "cut_boilerplate", "cut_debris"),
)
"""Of each article; the last three are characters, by the kind of the finding that cut them."""
FIELDS = ("article", "source", *COUNTS, "cut_whole", *LIMITS)
"""The columns of a statistics file."""

_BATCH = 1 << 20  # characters measured at a time, unless one article is longer
_TOP, _DUPLICATE = (2, 3, 4), (5, 6, 7, 8, 9, 10)
_ODD = np.uint64(0x9E3779B97F4A7C15)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rows(
    originals: Iterable[tuple[str, Article]], findings: Iterable[Finding]
) -> Iterator[dict[str, str | int | float | bool]]:
    """A row of `FIELDS` for each article, in their order.

    Args:
        originals: (source, article).
        findings: in the order of the articles.

    Raises:
        BadRun: the findings are not those of the articles, in their order.
    """
    batch: list[dict[str, Any]] = []
    texts: list[str] = []
    filled = 0
    for source, article, own in in_step(originals, findings):
        batch.append({"article": article.id, "source": source, **_counts(article.text, own)})
        texts.append(article.text)
        filled += len(article.text)
        if filled >= _BATCH:
            yield from _measured(batch, texts)
            batch, texts, filled = [], [], 0
    yield from _measured(batch, texts)


def _measured(batch: Sequence[dict[str, Any]], texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    measures = repetition(texts)
    for number, row in enumerate(batch):
        yield {**row, **{name: round(float(measures[name][number]), 6) for name in LIMITS}}


def _counts(text: str, findings: Sequence[Finding]) -> dict[str, int | bool]:
    whole = cut_whole(findings)
    clean = "" if whole is not None else clean_text(text, findings) if findings else text
    lost = {"duplicate": 0, "boilerplate": 0, "debris": 0}
    for cut in [whole] if whole is not None else cuts(findings):
        lost[cut.kind] += cut.end - cut.start
    return {
        "characters": len(text),
        "characters_out": len(clean),
        "paragraphs": len(_paragraphs(_lines(text))),
        "paragraphs_out": len(_paragraphs(_lines(clean))),
        **{f"cut_{kind}": count for kind, count in lost.items()},
        "cut_whole": whole is not None,
    }


def _lines(text: str) -> list[str]:
    """All lines without the white space around them; blank ones are empty."""
    lines, start = [], 0
    for stop in line_stops(text):
        lines.append(text[start:stop].strip())
        start = stop
    return lines


def _paragraphs(lines: Sequence[str]) -> list[str]:
    return ["\n".join(run) for shows, run in groupby(lines, bool) if shows]


def repetition(texts: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """The measures of `LIMITS` by name: float64 [texts], from 0 to 1; see the module for what they count.

    >>> [(name, float(value[0])) for name, value in repetition(["a b\\n\\na b"]).items()][:4]
    [('duplicate_lines', 0.5), ('duplicate_paragraphs', 0.5), ('duplicate_line_characters', 0.5), \
('duplicate_paragraph_characters', 0.5)]
    """
    measures: dict[str, NDArray[np.float64]] = {name: np.zeros(len(texts)) for name in LIMITS}
    for number, text in enumerate(texts):
        lines = _lines(text)
        for what, parts in (("line", [line for line in lines if line]), ("paragraph", _paragraphs(lines))):
            share, characters = _repeated(parts)
            measures[f"duplicate_{what}s"][number] = share
            measures[f"duplicate_{what}_characters"][number] = characters
    words = _Words(texts)
    for n in (*_TOP, *_DUPLICATE):
        groups, starts = words.ngrams(n)
        if n in _TOP:
            measures[f"top_{n}gram_characters"] = words.share(words.most_frequent(groups, starts, n), n)
        else:
            measures[f"duplicate_{n}gram_characters"] = words.share(starts[groups >= 0], n)
    return measures


def _repeated(parts: Sequence[str]) -> tuple[float, float]:
    """The share of *parts* that stood before, and the share of the characters in them."""
    seen: set[str] = set()
    count = characters = total = 0
    for part in parts:
        total += len(part)
        if part in seen:
            count += 1
            characters += len(part)
        seen.add(part)
    return (count / len(parts), characters / total) if parts else (0.0, 0.0)


class _Words:
    """The words of some texts, numbered through, and which n-grams of them are equal within a text."""

    def __init__(self, texts: Sequence[str]) -> None:
        codes = codepoints("\n".join(texts))
        flags = load().flags[codes]
        inside = (flags & (LETTER | NUMBER | WIDE | COMBINING)) != 0
        wide = (flags & WIDE) != 0
        after = np.concatenate(([False], inside[:-1] & ~wide[:-1]))
        begins = np.flatnonzero(inside & (wide | ~after))
        kept = np.flatnonzero(inside)
        ends = offsets_of(np.array([len(text) + 1 for text in texts], np.int64))
        self._count = len(texts)
        self._text = np.searchsorted(ends, begins, side="right") - 1
        offsets = np.append(np.searchsorted(kept, begins), len(kept))
        self._length = np.diff(offsets)
        self._digest: U64 = kernel.digests(codes[kept], offsets)[:, 0]
        self._key: U64 = fmix64(self._digest + self._text.astype(np.uint64) * _ODD)
        self._n = 1
        self._total = np.bincount(self._text, weights=self._length, minlength=self._count)

    def ngrams(self, n: int) -> tuple[Any, I64]:
        """(group of equal n-grams, -1 for one that stands alone; the word it starts at); *n* rises by one a call."""
        self._n += 1
        words = len(self._digest)
        self._key = fmix64(self._key[: max(words - n + 1, 0)] * _ODD + self._digest[n - 1 :])
        starts = np.flatnonzero(self._text[: max(words - n + 1, 0)] == self._text[n - 1 :])
        return kernel.collisions(np.ascontiguousarray(self._key[starts])), starts

    def most_frequent(self, groups: Any, starts: I64, n: int) -> I64:
        """Where the occurrences of the most frequent n-gram of each text start."""
        twice = groups >= 0
        groups, starts = groups[twice], starts[twice]
        if not len(groups):
            return starts
        _, first, counts = np.unique(groups, return_index=True, return_counts=True)
        ends = offsets_of(self._length)
        characters = ends[starts[first] + n] - ends[starts[first]]
        text = self._text[starts[first]]
        order = np.lexsort((starts[first], -characters, -counts, text))
        leads = np.ones(len(order), bool)
        leads[1:] = np.diff(text[order]) != 0
        return starts[np.isin(groups, groups[first[order[leads]]])]

    def share(self, starts: I64, n: int) -> NDArray[np.float64]:
        """The share of each text's characters that lie in n-grams that start there."""
        edges = np.zeros(len(self._length) + 1, np.int64)
        np.add.at(edges, starts, 1)
        np.add.at(edges, starts + n, -1)
        covered = np.cumsum(edges[:-1]) > 0
        lying = np.bincount(self._text[covered], weights=self._length[covered], minlength=self._count)
        share: NDArray[np.float64] = lying / np.maximum(self._total, 1)
        return share


# ------------------------------------------------------------------------------------------------------------- writing


def write_stats(path: Path, shown: str, table: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Writes a statistics file, Parquet or CSV by the name *shown*, and returns its sums for summary.json.

    Raises:
        BadSettings: the name ends in neither.
    """
    sums: dict[str, Any] = {
        "articles": 0,
        **dict.fromkeys(COUNTS, 0),
        "cut_whole": 0,
        "beyond_gopher": dict.fromkeys(LIMITS, 0),
    }
    write = {".csv": _write_csv, ".parquet": _write_parquet}[kind_of(shown)]
    write(path, _summed(table, sums))
    return sums


def kind_of(name: str) -> str:
    """.csv or .parquet.

    Raises:
        BadSettings: it is another, or pyarrow is not installed for Parquet.
    """
    kind = Path(name).suffix.lower()
    if kind not in (".csv", ".parquet"):
        raise BadSettings(f"--stats {name}: expected a name that ends in .csv or .parquet; name such a file")
    if kind == ".parquet":
        pyarrow(f"--stats {name}")
    return kind


def _summed(table: Iterable[dict[str, Any]], sums: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for row in table:
        sums["articles"] += 1
        sums["cut_whole"] += row["cut_whole"]
        for name in COUNTS:
            sums[name] += row[name]
        for name, limit in LIMITS.items():
            sums["beyond_gopher"][name] += row[name] > limit
        yield row


def _write_csv(path: Path, table: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        _write_rows(file, table)


def _write_rows(file: IO[str], table: Iterable[dict[str, Any]]) -> None:
    writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
    writer.writeheader()
    for row in table:
        guarded = {name: guarded_cell(row[name]) for name in ("article", "source")}
        writer.writerow({**row, **guarded, "cut_whole": int(row["cut_whole"])})


def guarded_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe stands before one that begins like it.

    >>> guarded_cell("=1+1"), guarded_cell("news/1.txt")
    ("'=1+1", 'news/1.txt')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def _write_parquet(path: Path, table: Iterable[dict[str, Any]]) -> None:
    pa = pyarrow("a statistics file")
    kinds = {name: pa.int64() for name in COUNTS} | {name: pa.float64() for name in LIMITS}
    kinds |= {"article": pa.string(), "source": pa.string(), "cut_whole": pa.bool_()}
    schema = pa.schema([(name, kinds[name]) for name in FIELDS])
    with pa.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        group: list[dict[str, Any]] = []
        for row in table:
            group.append(row)
            if len(group) == 1 << 16:
                writer.write_table(pa.Table.from_pylist(group, schema))
                group = []
        if group:
            writer.write_table(pa.Table.from_pylist(group, schema))
