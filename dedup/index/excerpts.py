"""Some articles as arrays: those that are to be judged, and the earlier ones that they may repeat.

What is read of an article is what `scan` reads of it. An *excerpt* is a few articles in order of place, with what they
are compared by; a *state* is what was decided about one article, as it is stored.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.boilerplate import Mark
from dedup.judging import in_whole, opening
from dedup.kernel.reference import I64, U32, U64, offsets_of
from dedup.marks import Marks
from dedup.model import Article
from dedup.segments import Segments
from dedup.settings import Settings
from dedup.strings import Strings
from dedup.tables import Analysis, Batch, Tables, analysis, in_paragraphs
from dedup.work import Work

Mask = NDArray[np.bool_]
Folded = tuple[U32, I64]
"""Folded texts: a uint32 segment array and its offsets."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Articles in order of place. Arrays are [articles] or [passages]; passages are those that are judged.

    Attributes:
        articles: the articles.
        place: int64 [articles], the first place of each.
        lengths: int64 [articles], code points of the text.
        whole: what each article is compared by as a whole, a segment an article.
        left: what is left out of that.
        compared: the passages that `whole` is made of, a segment a passage.
        of_article: int64 [articles + 1], the passages of `compared` that are of each article.
        article: int64 [passages], the article of each passage, as a number of this excerpt.
        number: int64 [passages], the place of each passage.
        row: int64 [passages], rising by 1 from one passage to the next where nothing that is not judged lies between.
        start, end: int64 [passages], span in code points.
        text: the folded passages, a segment each.
        size: int64 [passages], see `dedup.sketch.sizes`.
        bare: uint64 [passages], a digest of the signs of a passage that folds to nothing, 0 for others.
        opens: bool [passages], begins a line.
    """

    articles: tuple[Article, ...]
    place: I64
    lengths: I64
    whole: Folded
    left: Folded
    compared: Folded
    of_article: I64
    article: I64
    number: I64
    row: I64
    start: I64
    end: I64
    text: Folded
    size: I64
    bare: U64
    opens: Mask

    def passages(self, places: I64) -> I64:
        """The passages that stand at the places given: numbers of this excerpt."""
        return np.searchsorted(self.number, places)

    def articles_at(self, places: I64) -> I64:
        """The articles whose first places are given: numbers of this excerpt."""
        return np.searchsorted(self.place, places)


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading articles gives.

    Attributes:
        articles: the articles.
        units: their lines or sentences.
        masks: bool [lines] for each article, of the lines that are not blank, what the look masked.
        marks: what the look found, for each article.
        widths: int64 [articles], the places that each needs.
    """

    articles: tuple[Article, ...]
    units: Tables
    masks: list[Mask]
    marks: list[Sequence[Mark]]
    widths: I64


def read(articles: Sequence[Article], settings: Settings, masks: Sequence[Mask] | None = None) -> Reading:
    """Reads articles as `scan` does.

    Args:
        articles: articles.
        settings: the settings of the index.
        masks: see `Reading`, where they are known; then marks and shapes are left out.

    Raises:
        BadInput: a text holds a lone surrogate.
    """
    batch = Batch([article.text for article in articles], [article.id for article in articles], settings)
    found = analysis(batch, None if masks is None else np.concatenate([np.zeros(0, bool), *masks]))
    units = _tables(articles, found)
    if masks is None:
        first = np.flatnonzero(opening(units.article, units.line))
        masks = np.split(units.masked[first], np.searchsorted(first, units.of_article[1:-1]))
    marks = [units.marks.get(article, ()) for article in range(len(articles))]
    return Reading(tuple(articles), units, list(masks), marks, found.counts + 1)


def _tables(articles: Sequence[Article], found: Analysis) -> Tables:
    """Articles that were analysed, in their order."""
    count = len(articles)
    return Tables(
        ids=[article.id for article in articles],
        against=[None] * count,
        lengths=found.lengths,
        fixed=np.zeros(count, bool),
        read=np.arange(count),
        article=np.repeat(np.arange(count), found.counts),
        start=found.start,
        end=found.end,
        folded=found.folded,
        offsets=offsets_of(found.units),
        chars=found.chars,
        size=found.size,
        of_article=offsets_of(found.counts),
        line=found.line,
        bare=found.bare,
        masked=found.masked,
        shape=found.shape,
        source=np.full(count, -1),
        marks=Marks(offsets_of(found.mark_counts), found.mark_start, found.mark_end, found.mark_head, found.mark_heads),
        texts=stored_texts([article.text for article in articles]),
    )


def stored_texts(texts: Sequence[str]) -> Strings:
    """Texts as tables hold them, each under its number."""
    encoded = [text.encode() for text in texts]
    offsets = offsets_of(np.array([len(text) for text in encoded], np.int64))
    return Strings(np.frombuffer(b"".join(encoded), np.uint8), offsets, np.arange(len(texts)))


def excerpt_of(reading: Reading, outs: Sequence[Mask], places: I64, settings: Settings) -> Excerpt:
    """Articles as they are judged.

    Args:
        reading: what was read.
        outs: bool [lines] for each article, the lines that are no passages, being masked or boilerplate by frequency.
        places: int64 [articles], the first place of each article.
        settings: the settings of the index.
    """
    units = reading.units
    blank = settings.passage == "blank"
    out = _of_units(units, outs)
    with Work() as work:
        compared = in_paragraphs(units, units.masked, work) if blank else units
        tables = in_paragraphs(units, out, work) if blank else units
    if blank:
        out = out[np.searchsorted(_line_number(units, units), _line_number(units, tables))]
    rows = np.flatnonzero(~out)
    opens = opening(tables.article, tables.line)
    whole, left, of_compared = _wholes(compared, len(reading.articles))
    article = tables.article[rows]
    rank = np.arange(len(rows)) - np.searchsorted(article, article)
    return Excerpt(
        articles=reading.articles,
        place=places,
        lengths=tables.lengths,
        whole=whole,
        left=left,
        compared=of_compared[0],
        of_article=of_compared[1],
        article=article,
        number=places[article] + 1 + rank,
        row=rows,
        start=tables.start[rows],
        end=tables.end[rows],
        text=tables.at.whole() if len(rows) == len(out) else tables.at.take(rows),
        size=tables.size[rows],
        bare=tables.bare[rows],
        opens=opens[rows],
    )


def _line_number(units: Tables, tables: Tables) -> I64:
    """Article and line in one number, rising."""
    return tables.article * (int(units.line.max(initial=0)) + 1) + tables.line


def _of_units(units: Tables, lines: Sequence[Mask]) -> Mask:
    """What holds of lines, for the lines or sentences of *units*."""
    first = offsets_of(np.array([len(of) for of in lines], np.int64))
    flat = np.concatenate([np.zeros(0, bool), *lines])
    return flat[first[units.article] + units.line]


def _wholes(tables: Tables, count: int) -> tuple[Folded, Folded, tuple[Folded, I64]]:
    """The text of each article without what is masked, or all of it where all is; and what is left out."""
    if not tables.masked.any():
        nothing = (np.zeros(0, np.uint32), np.zeros(count + 1, np.int64))
        whole, _, _ = _joined(tables, np.arange(len(tables.article)), count)
        return whole, nothing, (tables.at.whole(), tables.of_article)
    shown = in_whole(tables.article, tables.masked, tables.of_article)
    taken = [_joined(tables, np.flatnonzero(chosen), count) for chosen in (shown, ~shown)]
    (whole, compared, of_article), (left, _, _) = taken
    return whole, left, (compared, of_article)


def _joined(tables: Tables, rows: I64, count: int) -> tuple[Folded, Folded, I64]:
    of_article = offsets_of(np.bincount(tables.article[rows], minlength=count))
    whole = Segments(tables.folded, tables.offsets, rows, of_article).take(np.arange(count))
    return whole, tables.at.take(rows), of_article


def gather(excerpts: Sequence[Excerpt]) -> Excerpt:
    """Several excerpts, in order of place, as one."""
    if len(excerpts) == 1:
        return excerpts[0]
    before = np.cumsum([0, *(len(each.articles) for each in excerpts)])
    rows = np.cumsum([0, *(int(each.row[-1]) + 2 if len(each.row) else 0 for each in excerpts)])
    columns: dict[str, Any] = {
        "articles": tuple(article for each in excerpts for article in each.articles),
        "article": np.concatenate([each.article + first for each, first in zip(excerpts, before, strict=False)]),
        "row": np.concatenate([each.row + first for each, first in zip(excerpts, rows, strict=False)]),
    }
    for name in ("whole", "left", "compared", "text"):
        parts = [getattr(each, name) for each in excerpts]
        columns[name] = np.concatenate([flat for flat, _ in parts]), _chained([offsets for _, offsets in parts])
    columns["of_article"] = _chained([each.of_article for each in excerpts])
    for name in ("place", "lengths", "number", "start", "end", "size", "bare", "opens"):
        columns[name] = np.concatenate([getattr(each, name) for each in excerpts])
    return Excerpt(**columns)


def _chained(offsets: Sequence[I64]) -> I64:
    """The offsets of several segment arrays in a row."""
    return offsets_of(np.concatenate([each[1:] - each[:-1] for each in offsets]))


def split(excerpt: Excerpt) -> list[Excerpt]:
    """Each article by itself."""
    if len(excerpt.articles) == 1:
        return [excerpt]
    passages = np.searchsorted(excerpt.article, np.arange(len(excerpt.articles) + 1)).tolist()
    compared = excerpt.of_article.tolist()
    result = []
    for number, (low, high) in enumerate(pairwise(passages)):
        first, last = compared[number], compared[number + 1]
        span, own = slice(number, number + 1), slice(low, high)
        result.append(
            Excerpt(
                articles=excerpt.articles[span],
                place=excerpt.place[span],
                lengths=excerpt.lengths[span],
                whole=_segments(excerpt.whole, number, number + 1),
                left=_segments(excerpt.left, number, number + 1),
                compared=_segments(excerpt.compared, first, last),
                of_article=np.array([0, last - first]),
                article=np.zeros(high - low, np.int64),
                number=excerpt.number[own],
                row=excerpt.row[own],
                start=excerpt.start[own],
                end=excerpt.end[own],
                text=_segments(excerpt.text, low, high),
                size=excerpt.size[own],
                bare=excerpt.bare[own],
                opens=excerpt.opens[own],
            )
        )
    return result


def _segments(segments: Folded, low: int, high: int) -> Folded:
    flat, offsets = segments
    return flat[offsets[low] : offsets[high]], offsets[low : high + 1] - offsets[low]


# -------------------------------------------------------------------------------------------------------------- states

_HEAD = struct.Struct("<IIIIIdB")  # lines, passages, cited articles, kept and linked article, similarity, flags
_NONE = 0xFFFFFFFF


@dataclass(slots=True)
class State:
    """What was decided about an article. Arrays are [lines] or [passages]; kept and linked are places, -1: none.

    Attributes:
        masked: bool [lines], what the look named.
        out: bool [lines], what is no passage.
        whole_kept, whole_linked: the first places of the article that it repeats or resembles.
        whole_similarity, whole_exact: see `dedup.findings.Repeats`.
        cut: it goes as a whole for `whole_kept`; its passages are not judged.
        remnant: it is left out as a remnant.
        kept: int64 [passages], the kept passage that each repeats, within its article too.
        linked: int64 [passages], the kept passage that it resembles.
        similarity: float64 [passages].
        exact: bool [passages].
        depth: int8 [passages], the steps to kept text.
        token: uint64 [passages], a digest of what the passage's family keeps, or of its own text.
        cites: int64, the first places of the other articles that its findings cite, rising.
    """

    masked: Mask
    out: Mask
    whole_kept: int
    whole_linked: int
    whole_similarity: float
    whole_exact: bool
    cut: bool
    remnant: bool
    kept: I64
    linked: I64
    similarity: NDArray[np.float64]
    exact: Mask
    depth: NDArray[np.int8]
    token: U64
    cites: I64

    def pack(self) -> bytes:
        """As it is stored; `unpack` is the inverse."""
        flags = self.whole_exact | self.cut << 1 | self.remnant << 2
        head = _HEAD.pack(
            len(self.masked),
            len(self.kept),
            len(self.cites),
            self.whole_kept & _NONE,
            self.whole_linked & _NONE,
            self.whole_similarity,
            flags,
        )
        return b"".join(
            (
                head,
                np.packbits(self.masked).tobytes(),
                np.packbits(self.out).tobytes(),
                self.token.astype("<u8").tobytes(),
                self.similarity.astype("<f8").tobytes(),
                self.kept.astype("<u4").tobytes(),
                self.linked.astype("<u4").tobytes(),
                self.cites.astype("<u4").tobytes(),
                np.packbits(self.exact).tobytes(),
                self.depth.tobytes(),
            )
        )

    @classmethod
    def unpack(cls, packed: bytes) -> State:
        """A stored state."""
        lines, count, cited, kept, linked, similarity, flags = _HEAD.unpack_from(packed)
        at = _HEAD.size

        def take(dtype: str, number: int) -> NDArray[Any]:
            nonlocal at
            found = np.frombuffer(packed, dtype, number, at)
            at += found.nbytes
            return found

        def bits(number: int) -> Mask:
            return np.unpackbits(take("u1", -(-number // 8)), count=number).astype(bool)

        masked, out = bits(lines), bits(lines)
        token, similarities = take("<u8", count), take("<f8", count)
        return cls(
            masked=masked,
            out=out,
            whole_kept=_place(kept),
            whole_linked=_place(linked),
            whole_similarity=similarity,
            whole_exact=bool(flags & 1),
            cut=bool(flags & 2),
            remnant=bool(flags & 4),
            token=token,
            similarity=similarities,
            kept=_places(take("<u4", count)),
            linked=_places(take("<u4", count)),
            cites=_places(take("<u4", cited)),
            exact=bits(count),
            depth=take("i1", count),
        )


def _place(stored: int) -> int:
    return -1 if stored == _NONE else stored


def _places(stored: NDArray[np.uint32]) -> I64:
    return np.where(stored == _NONE, -1, stored.astype(np.int64))
