"""Strings by the numbers of their articles: copies, and what stands in the files that were read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, overload

import numpy as np

from dedup import kernel
from dedup.kernel.reference import I32, I64, U8, offsets_of
from dedup.parts import Partible

_TOGETHER = 1 << 10  # strings that are made together where all are asked for


class Strings(Sequence[str]):
    """Strings in UTF-8 by the numbers of their articles."""

    def __init__(self, utf8: U8, offsets: I64, number: I64) -> None:
        self.arrays = utf8, offsets, number

    def __len__(self) -> int:
        return len(self.arrays[2])

    @overload
    def __getitem__(self, article: int) -> str: ...
    @overload
    def __getitem__(self, article: slice) -> Sequence[str]: ...
    def __getitem__(self, article: int | slice) -> str | Sequence[str]:
        utf8, offsets, numbers = self.arrays
        if isinstance(article, slice):
            return Strings(utf8, offsets, numbers[article])
        number = numbers[article]
        return utf8[offsets[number] : offsets[number + 1]].tobytes().decode(errors="surrogatepass")

    def __iter__(self) -> Iterator[str]:
        for first in range(0, len(self), _TOGETHER):
            yield from self.strings(np.arange(first, min(first + _TOGETHER, len(self))))

    def chosen(self, articles: I64) -> Strings:
        """The same of these articles, in this order."""
        utf8, offsets, numbers = self.arrays
        return Strings(utf8, offsets, numbers[articles])

    def strings(self, articles: I64) -> list[str]:
        """Those of these articles; one by one they take several times as long."""
        utf8, offsets = self.of(articles)
        whole, bounds = utf8.tobytes(), pairwise(offsets.tolist())
        if whole.isascii():
            text = whole.decode()
            return [text[start:end] for start, end in bounds]
        return [whole[start:end].decode(errors="surrogatepass") for start, end in bounds]

    def of(self, articles: I64) -> tuple[U8, I64]:
        """The texts of these in UTF-8: a segment array, which is a part of what is stored where they lie in a row."""
        utf8, offsets, numbers = self.arrays
        chosen = numbers[articles]
        if not len(chosen) or (np.diff(chosen) != 1).any():
            return kernel.take_segments(utf8, offsets, chosen)
        own = offsets[chosen[0] : chosen[-1] + 2]
        return utf8[own[0] : own[-1]], own - own[0]


class Where(NamedTuple):
    """Where texts stand, a row a text.

    Attributes:
        file: int32 [texts], the number of the file; -1 for a text that was copied.
        start, end: int64 [texts], the bytes of the file between which it stands as a string of JSON, quotes included.
    """

    file: I32
    start: I64
    end: I64


class OwnTexts(Strings):
    """Texts of a corpus, of which those that stand as they are in a file are read there again when they are asked for.

    Args:
        copies: of all, of those that stand in a file an empty one.
        where: rows as *copies* counts them.
        lengths: int64 [articles], code points.
        corpus: what was read.

    Whatever asks for a text raises BadInput where its file has changed since it was read.
    """

    def __init__(self, copies: Strings, where: Where, lengths: I64, corpus: Partible) -> None:
        super().__init__(*copies.arrays)
        self.where = where
        self._lengths, self._corpus = lengths, corpus

    @overload
    def __getitem__(self, article: int) -> str: ...
    @overload
    def __getitem__(self, article: slice) -> Sequence[str]: ...
    def __getitem__(self, article: int | slice) -> str | Sequence[str]:
        if isinstance(article, slice):
            numbers = super().__getitem__(article)
            assert isinstance(numbers, Strings)
            return OwnTexts(numbers, self.where, self._lengths[article], self._corpus)
        return self.of(np.array([article]))[0].tobytes().decode(errors="surrogatepass")

    def of(self, articles: I64) -> tuple[U8, I64]:
        """The texts of these in UTF-8: a segment array."""
        rows = self.arrays[2][articles]
        if not (self.where.file[rows] >= 0).any():
            return super().of(articles)
        if (np.diff(rows) > 0).all():
            return self._read(rows, self._lengths[articles])
        rows, first, back = np.unique(rows, return_index=True, return_inverse=True)
        return kernel.take_segments(*self._read(rows, self._lengths[articles[first]]), back)

    def _read(self, rows: I64, lengths: I64) -> tuple[U8, I64]:
        """The texts of rows that rise: those of one file after another, as they were read."""
        utf8, offsets, _ = self.arrays
        file, start, end = self.where.file[rows], self.where.start[rows], self.where.end[rows]
        edges = [0, *(np.flatnonzero(np.diff(file)) + 1).tolist(), len(rows)]
        parts = []
        for low, high in pairwise(edges):
            own = slice(low, high)
            if file[low] < 0:
                parts.append(kernel.take_segments(utf8, offsets, rows[own]))
            else:
                parts.append(self._corpus.texts_at(int(file[low]), start[own], end[own], lengths[own]))
        if len(parts) == 1:
            return parts[0]
        flat, bounds = zip(*parts, strict=True)
        return np.concatenate(flat), offsets_of(np.concatenate([np.diff(of) for of in bounds]))
