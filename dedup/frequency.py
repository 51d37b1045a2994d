"""Boilerplate by frequency: the lines that many distinct stories of a source carry where page furniture stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.boilerplate import EDGE_LINES, SENTENCE, position
from dedup.families import distinct_texts
from dedup.fold_table import load
from dedup.kernel.reference import I64, U16, U32, U64, fmix64, offsets_of, positions
from dedup.kernel.template_reference import template
from dedup.marks import Head, Heads, Marks
from dedup.model import Grain
from dedup.segments import Segments, wide
from dedup.settings import Settings
from dedup.work import Work

Mask = NDArray[np.bool_]

FREQUENCY = "frequency"
_SPLIT = 16  # parts of what a worker does, whose results are held one at a time
LONG_LINE = 40  # folded characters from which `boilerplate_families_long` counts
_ENUMERATOR = re.compile(
    r"(?:第?[一二三四五六七八九十百零〇\ue000]{1,4}[章节条款部分项]{0,2}|[qa]|问|答|[ivx]{1,4}|[a-z])"
)


def masked_line(folded: str) -> str:
    """A folded line with dates and times as one sign, and with every number in a line of fewer than 20 characters.

    >>> masked_line("央视网2023.08.05 19.15") == masked_line("央视网2024.01.12 9.30")
    True
    >>> masked_line("全国进出口总额为13.2亿元比上年同期增长了若干个百分点")
    '全国进出口总额为13.2亿元比上年同期增长了若干个百分点'
    """
    return template(folded, load())


class Lines(NamedTuple):
    """The lines of a corpus that are not blank, articles in keep order.

    Attributes:
        at: the folded text of each line.
        chars: int64 [lines], folded characters, without the blanks between sentences that are joined.
        article: int64 [lines], not decreasing.
        of_article: int64 [articles + 1], the lines of article a are of_article[a] ... of_article[a + 1] - 1.
        masked: bool [lines], what `look` masked.
        shape: uint8 [lines].
        counted: bool [lines], lines of articles that are not only for reference.
        family: int64 [articles], the family of each article.
        source: int64 [articles], the source of each article.
    """

    at: Segments
    chars: I64
    article: I64
    of_article: I64
    masked: Mask
    shape: NDArray[np.uint8]
    counted: Mask
    family: I64
    source: I64


class Frequent(NamedTuple):
    """What frequency says. Arrays are [lines].

    Attributes:
        line: bool, is boilerplate by frequency.
        families: int64, article families of its source that carry it.
        share: float64, of the article families of its source.
    """

    line: Mask
    families: I64
    share: NDArray[np.float64]


def frequent(lines: Lines, settings: Settings, work: Work | None = None) -> Frequent:
    """The lines that enough article families of a source carry, and that stand where page furniture stands.

    A line stands where page furniture stands if most of its places are at the head of an article (not more than two
    lines before it that are not frequent themselves) or at the tail (not more than one behind it), or if it keeps to
    one place counted from the head or the tail, or keeps to a neighbour that is boilerplate. So headings in bodies stay
    however frequent they are: their places vary and so do their neighbours. Numerals and speakers ("一、", "Q:") stay
    anywhere.
    """
    work = work or Work()
    count = len(lines.article)
    result = Frequent(work.zeros(count, np.bool_), work.zeros(count, np.int64), work.zeros(count, np.float64))
    shown = ~lines.masked & (lines.chars > 0)
    counting = lines.counted & shown
    if settings.boilerplate == "off" or FREQUENCY in settings.keep_rules or not counting.any():
        return result
    not_counting = np.bincount(lines.article[~counting], minlength=len(lines.of_article) - 1)
    articles = np.flatnonzero(np.diff(lines.of_article) > not_counting)
    meeting = _meeting(lines, work.stored(np.flatnonzero(_may_count(lines, counting, work))), work)
    source = lines.source[lines.article[meeting]]
    texts = distinct_texts(_templates(lines, meeting, work), source, work)
    families = _carriers(wide(texts.of), lines.family[lines.article[meeting]], len(texts.first))
    of_source = _carriers(lines.source[articles], lines.family[articles], int(lines.source.max()) + 1)
    share = families / np.maximum(of_source[texts.domain], 1)
    lengths = texts.each.lengths
    least = np.where(lengths >= LONG_LINE, settings.boilerplate_families_long, settings.boilerplate_families)
    many: Mask = (families >= least) & (share >= settings.boilerplate_share)
    # a paragraph that many stories share is told once by the duplicate rules; here every copy would go
    sentence = np.zeros(len(many), bool)
    sentence[texts.of] = lines.shape[meeting] == SENTENCE
    many &= ~(sentence & (lengths >= LONG_LINE))
    for number in np.flatnonzero(many).tolist():
        many[number] = not _ENUMERATOR.fullmatch(_string(texts.take(np.array([number]))[0]))
    if not many.any():
        return result
    candidates = many[texts.of]
    at, text = meeting[candidates], wide(texts.of[candidates])
    going = _placed(lines, at, text, many)[text]
    going[going] = _beside_others(lines, at[going], shown)  # an article that is nothing else is about that
    at, text = at[going], text[going]
    result.line[at] = True
    result.families[at] = families[text]
    result.share[at] = share[text]
    _take_copies(lines, result, at, settings)
    return result


def _beside_others(lines: Lines, at: I64, shown: Mask) -> Mask:
    """Which of some lines, all *shown*, are of articles that show others too: bool [at], which rise."""
    article, counts = _in_a_row(lines.article[at])
    first = lines.of_article[article]
    lengths = lines.of_article[article + 1] - first
    showing = np.diff(offsets_of(shown[positions(first, lengths)])[offsets_of(lengths)])
    return np.repeat(showing > counts, counts)


def _in_a_row(numbers: I64) -> tuple[I64, I64]:
    """The different ones of numbers that do not fall, and how often each stands."""
    fresh = np.flatnonzero(np.diff(numbers, prepend=-1))
    return numbers[fresh], np.diff(fresh, append=len(numbers))


def _may_count(lines: Lines, counting: Mask, work: Work) -> Mask:
    """Which of the *counting* lines may have a text that is boilerplate by their number: no long sentence, as most text
    is.

    What else has the template of a sentence counts with it. Lines of one template are all among these, or none is.
    """

    def long_lines(some: slice, sentences: bool) -> I64:
        long = counting[some] & (lines.chars[some] >= LONG_LINE)
        return np.flatnonzero(long & ((lines.shape[some] == SENTENCE) == sentences)) + some.start

    def starts_of(some: slice) -> U64:
        parts = _in_parts(lines.at, long_lines(some, sentences=False))
        return np.concatenate(
            [np.zeros(0, np.uint64), *(kernel.template_starts(*part, load(), LONG_LINE) for part in parts)]
        )

    count = len(counting)
    bounds = [count * number // (_SPLIT * work.workers) for number in range(_SPLIT * work.workers + 1)]
    ranges = list(map(slice, bounds, bounds[1:]))
    starts = np.sort(np.concatenate(list(work.in_threads(starts_of, ranges))))
    may = counting.copy()

    def drop_others(some: slice) -> None:
        sentences = long_lines(some, sentences=True)
        parts = _in_parts(lines.at, sentences)
        among = [kernel.starts_among(*part, load(), LONG_LINE, starts) for part in parts]
        may[sentences] = np.concatenate([np.zeros(0, np.bool_), *among])

    for _ in work.in_threads(drop_others, ranges):
        pass
    return may


def _in_parts(texts: Segments, some: I64) -> Iterator[tuple[U16 | U32, I64, I64]]:
    """Some texts as segments of an array; of joined ones, which are copied, a part at a time."""
    if texts.groups is None:
        yield texts.flat, texts.offsets, some if texts.chosen is None else wide(texts.chosen[some])
        return
    for _, flat, offsets in texts.chunks(some):
        yield flat, offsets, np.arange(len(offsets) - 1)


def _meeting(lines: Lines, places: I64, work: Work) -> I64:
    """Of these lines those whose template may stand at another place of their source: most stand at none."""
    digest = work.column(np.uint64)

    def digests(some: I64) -> U64:
        source = lines.source[lines.article[some]].astype(np.uint64)
        return kernel.digests(*kernel.templates(*lines.at.take(some), load()))[:, 0] ^ fmix64(source)

    for found in work.in_threads(digests, lines.at.runs(places)):
        digest.append(found)
    return places[kernel.collisions(digest.whole()) >= 0]


def _templates(lines: Lines, places: I64, work: Work) -> Segments:
    """The lines with what varies masked."""
    flat, lengths = work.column(np.uint32), work.column(np.int64)
    masking = work.in_threads(lambda some: kernel.templates(*lines.at.take(some), load()), lines.at.runs(places))
    for masked, masked_offsets in masking:
        flat.append(masked)
        lengths.append(np.diff(masked_offsets))
    return Segments(flat.whole(), offsets_of(lengths.whole()))


def _string(codes: U32) -> str:
    return codes.astype("<u4", copy=False).tobytes().decode("utf-32-le")


def _carriers(text: I64, family: I64, count: int) -> I64:
    """How many families carry each text: int64 [count]."""
    families = int(family.max(initial=0)) + 1
    pairs = np.sort(text * families + family)  # np.unique would hash them, which takes longer
    return np.bincount(pairs[np.diff(pairs, prepend=-1) != 0] // families, minlength=count)


_HEAD_LINES, _TAIL_LINES = 2, 1  # most lines of their own that articles have before or behind furniture
_MOST = 0.6  # the share of its places that must stand so
_FAITHFUL = 0.8  # the same for neighbours and fixed places, and for what reads like a sentence or leads in


def _placed(lines: Lines, at: I64, text: I64, many: Mask) -> Mask:
    """Which of the frequent texts stand where furniture stands: bool [texts].

    Args:
        at: int64, rising, the lines that have one of these texts.
        text: int64 [at], which.
        many: bool [texts], the frequent ones.
    """
    first, last = lines.of_article[lines.article[at]], lines.of_article[lines.article[at] + 1] - 1
    masked = np.flatnonzero(lines.masked)

    def own(begin: I64, end: I64) -> I64:
        """How many lines between are neither of these nor masked."""
        others = (np.searchsorted(some, end) - np.searchsorted(some, begin) for some in (at, masked))
        return end - begin - sum(others)

    ahead, behind = own(first, at), own(at + 1, last + 1)
    size = len(many)
    total = np.bincount(text, minlength=size)

    def share(holds: Mask) -> NDArray[np.float64]:
        return np.bincount(text[holds], minlength=size) / np.maximum(total, 1)

    head, tail = share(ahead <= _HEAD_LINES), share(behind <= _TAIL_LINES)
    edge = share((ahead <= _HEAD_LINES) | (behind <= _TAIL_LINES))
    fixed = np.maximum(_constancy(text, at - first, size), _constancy(text, last - at, size))
    ends = np.zeros(size, bool)
    ends[text] = lines.shape[at] > 0
    needed = np.where(ends, _FAITHFUL, _MOST)
    chosen = many & ((edge >= needed) | (fixed >= _FAITHFUL) | (np.maximum(head, tail) >= needed))
    masked_up, masked_down = (lines.masked[np.clip(at + step, first, last)] for step in (-1, 1))
    next_to = np.diff(at) == 1
    for _ in range(2):
        going = chosen[text]
        beside_up, beside_down = masked_up.copy(), masked_down.copy()
        beside_up[1:] |= next_to & going[:-1]
        beside_down[:-1] |= next_to & going[1:]
        beside_up &= at > first
        beside_down &= at < last
        chosen |= many & (share(beside_up | beside_down) >= _FAITHFUL)
    return chosen


def _constancy(text: I64, rank: I64, size: int) -> NDArray[np.float64]:
    """For each text the share of its places that have its most common rank: float64 [size]."""
    ranks = int(rank.max(initial=0)) + 1
    pairs, counts = np.unique(text * ranks + rank, return_counts=True)
    most = np.zeros(size)
    np.maximum.at(most, pairs // ranks, counts)
    return most / np.maximum(np.bincount(text, minlength=size), 1)


def _take_copies(lines: Lines, result: Frequent, going: I64, settings: Settings) -> None:
    """Where the first place of a text goes, its copies go too, whatever their source: nothing else would keep it.

    Args:
        lines: the lines.
        result: of which lines what is known, written to.
        going: int64, the lines that go.
        settings: the floor.
    """
    if not (lines.counted[going] & (lines.chars[going] >= settings.min_chars)).any():
        return
    long = np.flatnonzero((lines.chars >= settings.min_chars) & ~lines.masked & lines.counted)
    texts = distinct_texts(lines.at.of(long), np.zeros(len(long), np.int64))
    kept = long[texts.first][texts.of]
    copies = result.line[kept] & ~result.line[long]
    result.line[long[copies]] = True
    result.families[long[copies]] = result.families[kept[copies]]
    result.share[long[copies]] = result.share[kept[copies]]


def frequent_marks(found: Frequent, start: I64, end: I64, of_article: I64, settings: Settings) -> Marks:
    """The frequent lines of articles as marks; lines in a row are one, with the least families and share of them.

    Args:
        found: what `frequent` said.
        start, end: int64 [lines].
        of_article: int64 [articles + 1], the lines of article a are of_article[a] ... of_article[a + 1] - 1.
    """
    lines = np.flatnonzero(found.line)
    article = np.searchsorted(of_article, lines, side="right") - 1
    fresh = np.ones(len(lines), bool)
    fresh[1:] = (np.diff(lines) != 1) | (np.diff(article) != 0)
    runs = np.flatnonzero(fresh)
    length = np.diff(np.append(runs, len(lines)))
    first, article = lines[runs], article[runs]
    families, share = (
        np.minimum.reduceat(of[lines], runs) if len(runs) else of[:0] for of in (found.families, found.share)
    )
    ahead, behind = first - of_article[article], of_article[article + 1] - first - length
    one_of, kind = _distinct(length, families, share, np.minimum(ahead, EDGE_LINES), np.minimum(behind, EDGE_LINES))
    heads, removed = Heads(), settings.boilerplate == "remove"
    of_kind = np.zeros(len(one_of), np.int32)
    for number, run in enumerate(one_of.tolist()):
        count, before, after = int(length[run]), int(ahead[run]), int(behind[run])
        evidence: dict[str, Any] = {"lines": count} if count > 1 else {}
        evidence["families"] = int(families[run])
        evidence["share"] = round(float(share[run]), 4)
        evidence["position"] = position(before, before + count, before + count + after)
        grain: Grain = "block" if count > 1 else "passage"
        of_kind[number] = heads.number(Head("boilerplate", grain, FREQUENCY, removed, evidence))
    offsets = offsets_of(np.bincount(article, minlength=len(of_article) - 1))
    return Marks(offsets, start[first], end[first + length - 1], of_kind[kind], heads.all)


def _distinct(*columns: NDArray[Any]) -> tuple[I64, I64]:
    """Rows of columns that differ: where each stands first, and which of them each row is."""
    row = first = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        _, value = np.unique(column, return_inverse=True)
        both = row * (int(value.max(initial=0)) + 1) + value
        _, first, row = np.unique(both, return_index=True, return_inverse=True)
    return first, row
