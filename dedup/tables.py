"""All articles of a run as tables of numbers, in keep order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup import kernel
from dedup.errors import BadInput, BadSettings
from dedup.kernel.reference import I64, U32, offsets_of
from dedup.model import Article, Place
from dedup.settings import Settings
from dedup.text import codepoints, fold_passages, passages

Progress = Callable[[str, int, int | None], None]
"""Called with a stage's name, how much of it is done, and how much there is to do (None: not known)."""

References = Mapping[str, Iterable[Article]] | Iterable[Article]
_BATCH = 1 << 20  # code points folded at a time, unless one article is longer


@dataclass(frozen=True, slots=True)
class Tables:
    """All articles in keep order, reference articles first: a row an article, a row a passage.

    Attributes:
        ids: the id of each article.
        against: the reference input of each article, None for the corpus's own.
        lengths: int64 [articles], code points of the text.
        fixed: bool [articles], reference articles.
        read: int64, the corpus's own articles in the order in which they were read, as numbers of this table.
        article: int64 [passages].
        start, end: int64 [passages], span in code points of the text.
        folded, offsets: uint32 segment array, one segment a passage.
        of_article: int64 [articles + 1], the passages of article a are of_article[a] ... of_article[a + 1] - 1.
    """

    ids: list[str]
    against: list[str | None]
    lengths: I64
    fixed: NDArray[np.bool_]
    read: I64
    article: I64
    start: I64
    end: I64
    folded: U32
    offsets: I64
    of_article: I64

    @property
    def chars(self) -> I64:
        """Folded characters of each passage: int64 [passages]."""
        return np.diff(self.offsets)

    def article_place(self, article: int) -> Place:
        """The whole of an article."""
        return Place(self.ids[article], 0, int(self.lengths[article]), self.against[article])

    def passage_place(self, first: int, last: int | None = None) -> Place:
        """From the start of a passage to the end of that or of a later passage of its article."""
        article = int(self.article[first])
        end = self.end[first if last is None else last]
        return Place(self.ids[article], int(self.start[first]), int(end), self.against[article])


def read_tables(
    articles: Iterable[Article], against: References | None, settings: Settings, progress: Progress
) -> Tables:
    """Reads, splits and folds all articles, and puts them in keep order.

    Raises:
        BadInput: an id of the corpus or of one reference stands twice, or a text is no string or holds a lone
            surrogate.
        BadSettings: `keep` names a field that no article has.
    """
    rows = _Rows([], [], [], [], [], [], [])
    for name, references in _named(against):
        begin = len(rows.ids)
        rows.add(references, name, settings, progress)
        _check_ids(rows.ids[begin:], f"reference {name!r}: ")
    references_end = len(rows.ids)
    rows.add(articles, None, settings, progress)
    _check_ids(rows.ids[references_end:])
    own = _keep_order(rows, references_end, settings) + references_end
    order = np.concatenate((np.arange(references_end), own))
    return _in_order(rows, order, references_end)


def _named(against: References | None) -> Iterator[tuple[str, Iterable[Article]]]:
    if isinstance(against, Mapping):
        yield from against.items()
    elif against is not None:
        yield "against", against


@dataclass(frozen=True, slots=True)
class _Rows:
    """What reading gathers, in the order of reading."""

    ids: list[str]
    against: list[str | None]
    lengths: list[int]
    keep_by: list[Any]
    spans: list[I64]  # [passages, 2] of each article
    folded: list[U32]
    chars: list[I64]  # folded characters of each passage, a batch of articles an item

    def add(self, articles: Iterable[Article], against: str | None, settings: Settings, progress: Progress) -> None:
        field = settings.keep_field
        batch: list[U32] = []
        spans: list[I64] = []
        filled = 0
        for article in articles:
            codes = _codepoints(article)
            batch.append(codes)
            spans.append(passages(codes, settings.passage) + filled)
            self.spans.append(spans[-1] - filled)
            self.ids.append(article.id)
            self.against.append(against)
            self.lengths.append(len(codes))
            self.keep_by.append(None if field is None else article.fields.get(field))
            filled += len(codes)
            if filled >= _BATCH:
                self._fold(batch, spans)
                batch, spans, filled = [], [], 0
                progress("reading", len(self.ids), None)
        self._fold(batch, spans)
        progress("reading", len(self.ids), None)

    def _fold(self, batch: list[U32], spans: list[I64]) -> None:
        if batch:
            folded, offsets = fold_passages(np.concatenate(batch), np.concatenate(spans))
            self.folded.append(folded)
            self.chars.append(np.diff(offsets))


def _codepoints(article: Article) -> U32:
    if not isinstance(article, Article):
        raise BadInput(f"scan takes articles, found {type(article).__name__}; make dedup.Article(id, text)")
    if not isinstance(article.id, str) or not isinstance(article.text, str):
        raise BadInput(
            f"article {article.id!r}: id and text must be strings, "
            f"found {type(article.id).__name__} and {type(article.text).__name__}"
        )
    return codepoints(article.text, f"article {article.id!r}")


def _check_ids(ids: list[str], where: str = "") -> None:
    if len(set(ids)) == len(ids):
        return
    first: dict[str, int] = {}
    for position, name in enumerate(ids):
        if name in first:
            raise BadInput(
                f"{where}articles {first[name] + 1} and {position + 1} have the same id {name!r}; give each its own"
            )
        first[name] = position


def _keep_order(rows: _Rows, references_end: int, settings: Settings) -> I64:
    """The corpus's own articles in keep order, ties in the order of reading: int64, numbers from 0."""
    count = len(rows.ids) - references_end
    order = np.arange(count)
    if settings.keep == "last":
        return order[::-1]
    if settings.keep == "longest":
        chars = np.concatenate([*rows.chars, np.zeros(0, np.int64)])
        of_article = offsets_of(np.array([len(spans) for spans in rows.spans], np.int64))
        total = offsets_of(chars)
        lengths = np.diff(total[of_article])[references_end:]
        return np.argsort(-lengths, kind="stable")
    if settings.keep_field is not None:
        return _by_field(rows.keep_by[references_end:], settings)
    return order


def _by_field(values: list[Any], settings: Settings) -> I64:
    """Articles by a field: numbers by size, everything else by its text; those without it come last."""
    given = [position for position, value in enumerate(values) if value is not None]
    if values and not given:
        raise BadSettings(f"keep is {settings.keep!r}, but no article has that field")
    numeric = all(isinstance(values[position], int | float) for position in given)
    given.sort(
        key=lambda position: values[position] if numeric else str(values[position]),
        reverse=settings.keep.endswith(":desc"),
    )
    missing = [position for position, value in enumerate(values) if value is None]
    return np.array(given + missing, np.int64)


def _in_order(rows: _Rows, order: I64, references_end: int) -> Tables:
    folded = np.concatenate([*rows.folded, np.zeros(0, np.uint32)])
    offsets = offsets_of(np.concatenate([*rows.chars, np.zeros(0, np.int64)]))
    spans = np.concatenate([*rows.spans, np.zeros((0, 2), np.int64)])
    counts = np.array([len(spans) for spans in rows.spans], np.int64)
    of_article = offsets_of(counts)
    if not np.array_equal(order, np.arange(len(order))):
        moved, _ = kernel.take_segments(np.arange(len(spans)), of_article, order)
        folded, offsets = kernel.take_segments(folded, offsets, moved)
        spans, counts = spans[moved], counts[order]
        of_article = offsets_of(counts)
    own = order[references_end:]
    read = np.empty(len(own), np.int64)
    read[own - references_end] = np.arange(references_end, len(order))
    return Tables(
        ids=[rows.ids[article] for article in order.tolist()],
        against=[rows.against[article] for article in order.tolist()],
        lengths=np.array(rows.lengths, np.int64)[order],
        fixed=np.arange(len(order)) < references_end,
        read=read,
        article=np.repeat(np.arange(len(order)), counts),
        start=spans[:, 0].copy(),
        end=spans[:, 1].copy(),
        folded=folded,
        offsets=offsets,
        of_article=of_article,
    )
