"""The incremental index: one article at a time, on disk, crash-safe."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.boilerplate import Mark
from dedup.errors import BadIndex, BadInput
from dedup.frequency import Frequent
from dedup.index.excerpts import Excerpt, Reading, State, excerpt_of, gather, read, split
from dedup.index.judge import Judged, judge
from dedup.index.keys import Hits, Sketches, citation_keys, entries, id_keys, pair_keys, sketch, whole_citation_keys
from dedup.index.opened import FORMAT, HASHES, Opened
from dedup.index.postings import FOLDER, Postings, read_manifest, sorted_entries, write_manifest
from dedup.index.store import Row
from dedup.index.templates import NONE, Templates, count, fitting, lines_of, with_frequent
from dedup.index.verdict import Verdict, pack, unpack, verdict_of
from dedup.kernel.reference import I64, U32, U64
from dedup.model import Article, Finding

Mask = NDArray[np.bool_]
_LOT, _LOT_CHARS = 256, 1 << 20  # most articles and about the most characters added in one transaction
_NOTHING = pack([])


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Articles that are ready to be judged, and what was found under their keys."""

    reading: Reading
    outs: list[Mask]
    marks: list[list[Mark]]
    excerpt: Excerpt
    sketches: Sketches
    hits: tuple[Hits, Hits]


class Index(Opened):
    """All articles so far on disk, and what is to be known of them to judge the next.

    For articles that are added and never removed, the findings are those of `scan` for the same articles in the same
    order (keep first), but for boilerplate by frequency: how often a line stands on the pages of a source is counted
    when `rejudge` is called. So they equal `scan` with "frequency" in `keep_rules` until then, `scan` itself after it;
    what is added later is judged by the lines that were counted last. A later article may still change an earlier
    verdict in one way: where it is cut whole as a copy of an article in which a block repeats text that is itself cut,
    that block is judged again, so that following sources ends at kept text in two steps (`findings(since=...)` tells).

    One process writes at a time, any number read. An open index belongs to one thread.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Index(f"{folder}/news.index") as index:
    ...     first = index.add(Article("a", "The harbour opened again on Monday after three days of storm."))
    ...     second = index.add(Article("b", "The harbour opened again on Monday, after three days of storm!"))
    ...     (first.duplicate_of, second.duplicate_of)
    (None, 'a')
    """

    # -------------------------------------------------------------------------------------------------- add and query

    def add(self, article: Article) -> Verdict:
        """Judges an article and stores it, in one step that is durable when this returns.

        It may be repeated: an article that is stored with the same text is left as it is, whatever its fields; one with
        another text is replaced.

        Raises:
            BadInput: it is no article, or its text holds a lone surrogate.
            BadIndex: it cannot be stored; nothing of it was.
        """
        return self.add_many([article])[0]

    def add_many(self, articles: Iterable[Article]) -> list[Verdict]:
        """Adds articles in order, as `add` would each, many times faster: a few hundred are stored in one step.

        All verdicts are held; hand over long streams in lots of some thousands. Where this raises, the lots before are
        stored, and all may be added again.
        """
        verdicts: list[Verdict] = []
        for lot in _lots(articles):
            with self._step():
                verdicts += self._add(lot)
            self._settle()
        return verdicts

    def query(self, article: Article) -> Verdict:
        """What `add` would say of an article; nothing is stored.

        Raises:
            BadInput: it is no article, or its text holds a lone surrogate.
        """
        (lot,) = _lots([article])
        with self._moment():
            prepared, known = self._prepare(lot, None)
            row = known.get(article.id)
            if row is not None and row.text == article.text:
                return self._stored_verdict(row)
            judged = self._judge(prepared, without={row.place} if row else set())
        return verdict_of(article, judged.findings[0], judged.fields)

    def _add(self, lot: list[Article]) -> list[Verdict]:
        if len(lot) == 1:  # one look-up for everything
            prepared, known = self._prepare(lot, None)
            if not known:
                return self._store_new(prepared)
        else:
            known = self._stored([article.id for article in lot])
        verdicts: list[Verdict] = []
        new: list[Article] = []

        def add_new() -> None:
            if new:
                verdicts.extend(self._store_new(self._prepare(new, None)[0]))
                new.clear()

        for article in lot:
            row = known.get(article.id)
            if row is not None and row.text == article.text:
                add_new()
                verdicts.append(self._stored_verdict(row))
                continue
            if row is not None:
                add_new()
                self._remove(row)
            new.append(article)
        add_new()
        return verdicts

    def _prepare(self, articles: Sequence[Article], row: Row | None) -> tuple[_Prepared, dict[str, Row]]:
        """Reads articles and looks their keys up; with the rows of those that are stored already.

        Args:
            articles: new ones, or the one of *row*.
            row: an article that is stored, as whose text it is to be judged again.
        """
        state = State.unpack(row.state) if row else None
        reading = read(articles, self.settings)
        outs, marks = fitting(reading, self._templates, self.settings, [state.out] if state else None)
        first = row.place if row else self._state["next"]
        places = first + np.cumsum(np.append(0, reading.widths[:-1]))
        excerpt = excerpt_of(reading, outs, places, self.settings)
        sketches = sketch(excerpt, self.settings)
        return self._looked_up(_Prepared(reading, outs, marks, excerpt, sketches, _NO_HITS), row is None)

    def _looked_up(self, prepared: _Prepared, ask_ids: bool) -> tuple[_Prepared, dict[str, Row]]:
        ids = [article.id for article in prepared.reading.articles] if ask_ids else []
        keys = np.concatenate((id_keys(ids), prepared.sketches.keys()))
        numbers, places = self._lookup(int(prepared.excerpt.place[0]))(keys)
        split_at = int(np.searchsorted(numbers, len(ids)))
        known = {}
        if split_at:
            wanted = set(ids)
            found = self._store.rows_at(sorted(set(places[:split_at].tolist())))
            known = {row.id: row for row in found if row.id in wanted}
        hits = prepared.sketches.hits(numbers[split_at:] - len(ids), places[split_at:])
        return replace(prepared, hits=hits), known

    def _lookup(self, before: int) -> Callable[[U64], tuple[I64, I64]]:
        """Look-ups that see the places before one."""

        def lookup(keys: U64) -> tuple[I64, I64]:
            numbers, places = self._postings.lookup(keys)
            earlier = places < before
            return (numbers, places) if earlier.all() else (numbers[earlier], places[earlier])

        return lookup

    def _load(self, places: Sequence[int], without: AbstractSet[int]) -> list[tuple[Excerpt, State]]:
        """The articles in which the places lie, as they are compared, and what was decided of them."""
        rows = [row for row in self._store.rows_at(places) if row.place not in without]
        if not rows:
            return []
        states = [State.unpack(row.state) for row in rows]
        articles = [Article.of(row.id, row.text, row.fields) for row in rows]
        reading = read(articles, self.settings, [state.masked for state in states])
        first = np.array([row.place for row in rows], np.int64)
        excerpt = excerpt_of(reading, [state.out for state in states], first, self.settings)
        return list(zip(split(excerpt), states, strict=True))

    def _judge(self, prepared: _Prepared, *, without: AbstractSet[int] = frozenset(), firm: bool = False) -> Judged:
        reading, excerpt = prepared.reading, prepared.excerpt
        return judge(
            excerpt,
            prepared.sketches,
            prepared.hits,
            self._lookup(int(excerpt.place[0])),
            lambda places: self._load(places, without),
            list(zip(reading.masks, prepared.outs, strict=True)),
            prepared.marks,
            np.full(len(excerpt.articles), firm),
            self.settings,
        )

    def _store_new(self, prepared: _Prepared) -> list[Verdict]:
        """Judges and stores new articles."""
        judged = self._judge(prepared)
        if judged.shaken:
            self._judge_again(judged.shaken, judged.cited, exactly=True)
            prepared, _ = self._looked_up(prepared, ask_ids=False)
            judged = self._judge(prepared)
        revision = self._state["revision"]
        rows = [
            Row(
                int(place),
                int(width),
                article.id,
                article.text,
                dict(article.fields),
                revision,
                state.pack(),
                pack(found),
            )
            for place, width, article, state, found in zip(
                prepared.excerpt.place.tolist(),
                prepared.reading.widths.tolist(),
                prepared.reading.articles,
                judged.states,
                judged.findings,
                strict=True,
            )
        ]
        self._store.add_articles(rows)
        self._post(*self._entries(prepared, judged.states))
        self._state["next"] = rows[-1].place + rows[-1].width
        self._state["articles"] += len(rows)
        self._state["passages"] += len(prepared.excerpt.article)
        return [
            verdict_of(article, found, judged.fields)
            for article, found in zip(prepared.reading.articles, judged.findings, strict=True)
        ]

    def _entries(self, prepared: _Prepared, states: Sequence[State]) -> tuple[U64, I64]:
        return entries(prepared.excerpt, prepared.sketches, prepared.hits, states, self.settings)

    def _post(self, keys: U64, places: I64) -> None:
        """Stores entries."""
        found = sorted_entries(keys, places)
        self._store.add_tail(found)
        self._postings.add(found)

    def _stored_verdict(self, row: Row) -> Verdict:
        cited = self._store.rows_at(State.unpack(row.state).cites.tolist())
        fields = {each.id: each.fields for each in (*cited, row)}
        return verdict_of(Article.of(row.id, row.text, row.fields), unpack(row.findings, row.id, row.text), fields)

    # ------------------------------------------------------------------------------------------- remove and judge again

    def remove(self, id: str) -> list[str]:
        """Removes an article. What hung on it is judged again, in order; gives the ids of those whose verdicts changed.

        Raises:
            BadInput: there is no article with that id.
        """
        with self._step():
            changed = self._remove(self._row(id))
        self._settle()
        return changed

    def replace(self, article: Article) -> Verdict:
        """Removes the article with the same id and adds this one, which then is the latest.

        Raises:
            BadInput: there is no article with that id, or this is no article.
        """
        (lot,) = _lots([article])
        with self._step():
            self._remove(self._row(article.id))
            (verdict,) = self._store_new(self._prepare(lot, None)[0])
        self._settle()
        return verdict

    def _stored(self, ids: Sequence[str]) -> dict[str, Row]:
        """The articles with these ids, as far as there are any."""
        _, places = self._postings.lookup(id_keys(ids))
        wanted = set(ids)
        return {row.id: row for row in self._store.rows_at(sorted(set(places.tolist()))) if row.id in wanted}

    def _row(self, id: str) -> Row:
        for row in self._stored([id]).values():
            return row
        raise BadInput(f"{self.path}: has no article with the id {id!r}; ids are those that were added")

    def _remove(self, row: Row) -> list[str]:
        state = State.unpack(row.state)
        _, citing = self._postings.lookup(citation_keys(np.array([row.place])))
        self._store.remove_article(row, self._state["revision"])
        self._state["articles"] -= 1
        self._state["passages"] -= len(state.kept)
        return self._judge_again(citing.tolist(), set(), exactly=False)

    def _judge_again(self, places: Iterable[int], firm: set[int], *, exactly: bool) -> list[str]:
        """Judges the articles at some places again, in order, and what that bears upon; gives the ids of those changed.

        Args:
            places: first places of articles.
            firm: first places of articles that others, yet to be stored, repeat as wholes.
            exactly: also judge again what might now find other blocks in them; else what cites them.
        """
        waiting = sorted(set(places))
        changed: dict[str, None] = {}
        while waiting:
            place = heapq.heappop(waiting)
            while waiting and waiting[0] == place:
                heapq.heappop(waiting)
            for row in self._store.rows_at([place]):
                cited = row.place in firm or self._is_repeated(row.place)
                prepared, _ = self._prepare([Article.of(row.id, row.text, row.fields)], row)
                judged = self._judge(prepared, firm=cited)
                packed, found = judged.states[0].pack(), pack(judged.findings[0])
                if (packed, found) == (row.state, row.findings):
                    continue
                changed[row.id] = None
                new = replace(row, revision=self._state["revision"], state=packed, findings=found)
                self._store.set_verdicts([new])
                self._post_new(*self._entries(prepared, judged.states))
                after = self._neighbours(prepared.excerpt, State.unpack(row.state), judged.states[0]) if exactly else []
                after += self._postings.lookup(citation_keys(np.array([row.place])))[1].tolist()
                for other in {*(each for each in after if each > row.place), *judged.shaken}:
                    heapq.heappush(waiting, other)
        return list(changed)

    def _is_repeated(self, place: int) -> bool:
        """Whether an article is cut whole as a copy of the one at *place*."""
        _, places = self._postings.lookup(whole_citation_keys(np.array([place])))
        rows = self._store.rows_at(places.tolist())
        return any(state.cut and state.whole_kept == place for state in (State.unpack(row.state) for row in rows))

    def _neighbours(self, excerpt: Excerpt, before: State, after: State) -> list[int]:
        """The first places of articles that share a pair with passages whose steps to kept text changed."""
        moved = before.depth != after.depth
        first, keys = pair_keys(excerpt, after.token)
        places = self._postings.lookup(keys[moved[first] | moved[first + 1]])[1]
        return [row.place for row in self._store.rows_at(sorted(set(places.tolist())))]

    def _post_new(self, keys: U64, places: I64) -> None:
        """Stores those of the entries that are not stored yet."""
        numbers, found = self._postings.lookup(keys)
        held = set(zip(keys[numbers].tolist(), found.tolist(), strict=True))
        pairs = zip(keys.tolist(), places.tolist(), strict=True)
        fresh = np.array([pair not in held for pair in pairs], bool)
        self._post(keys[fresh], places[fresh])

    # --------------------------------------------------------------------------------------------------- reading it out

    @property
    def revision(self) -> int:
        """Rises with every step that stores something; see `findings`."""
        with self._moment():
            return self._state["revision"]

    def findings(self, since: int = -1) -> Iterator[Finding]:
        """The findings of all articles in order, or of those whose verdict is newer than the revision *since*."""
        for row in self._store.rows(since):
            yield from unpack(row.findings, row.id, row.text)

    def articles(self) -> Iterator[Article]:
        """All articles as they were added, in order."""
        for row in self._store.rows():
            yield Article.of(row.id, row.text, row.fields)

    def info(self, *, boilerplate: bool = False) -> dict[str, Any]:
        """What the index holds.

        Args:
            boilerplate: count lines too, as `rejudge` would, and list those that are boilerplate by frequency now; this
                reads all articles.
        """
        with self._moment():
            result: dict[str, Any] = {
                "path": str(self.path),
                "format": FORMAT,
                "hashes": HASHES,
                "revision": self._state["revision"],
                "articles": self._state["articles"],
                "passages": self._state["passages"],
                "counted": self._state["counted"],
                "templates": len(self._templates.lines),
                "entries": self._postings.recent + sum(run.entries for run in self._postings.runs),
                "recent_entries": self._postings.recent,
                "runs": len(self._postings.runs),
                "bytes": self._store.size() + sum(run.size for run in self._postings.runs),
                "settings": self.settings.to_dict(),
            }
            if boilerplate:
                now, _, _ = self._counted()
                result["boilerplate"] = [
                    {
                        "source": source,
                        "line": line,
                        "families": families,
                        "share": round(share, 4),
                        "applied": (source, line) in self._templates.lines,
                    }
                    for (source, line), (families, share) in now.lines.items()
                ]
        return result

    # ------------------------------------------------------------------------------------------------------ boilerplate

    def _counted(self) -> tuple[Templates, Frequent, I64]:
        """What frequency says of all articles."""
        number: dict[int, int] = {}  # first place -> the number of the first article of its family

        def readings() -> Iterator[tuple[Reading, Sequence[int]]]:
            for rows in _lots_of_rows(self._store.rows()):
                families = []
                for row in rows:
                    state = State.unpack(row.state)
                    met = max(state.whole_kept, state.whole_linked)
                    number[row.place] = number.get(met, len(number)) if met >= 0 else len(number)
                    families.append(number[row.place])
                yield read([Article.of(row.id, row.text, row.fields) for row in rows], self.settings), families

        if self.settings.scope == "within":
            return NONE, Frequent(np.zeros(0, bool), np.zeros(0, np.int64), np.zeros(0)), np.zeros(1, np.int64)
        return count(readings(), self.settings)

    def rejudge(self) -> list[str]:
        """Counts frequent lines anew and judges everything again; gives the ids of the articles whose findings changed.

        Then all findings are those of `scan` for the articles in the index, in order of arrival. It takes the time of
        adding everything again and, as `scan` does, memory for all lines.
        """
        with self._step():
            before = {row.place: row.findings for row in self._store.rows() if row.findings != _NOTHING}
            templates, found, first = self._counted()
            self._templates = templates
            self._state["counted"] = self._state["revision"]
            self._store.set_meta("templates", templates.to_json())
            self._postings = Postings(self.path, self._postings.manifest.beginning())
            done = 0
            for rows in _lots_of_rows(self._store.rows()):
                reading = read([Article.of(row.id, row.text, row.fields) for row in rows], self.settings)
                own = slice(int(first[done]), int(first[done + len(rows)])) if len(found.line) else slice(0)
                done += len(rows)
                of_lot = Frequent(found.line[own], found.families[own], found.share[own])
                self._judge_lot(rows, reading, of_lot)
                self._postings.settle(None)
            self._put_runs_in_force()
            changed = [row.id for row in self._store.rows() if row.findings != before.get(row.place, _NOTHING)]
        self._postings.collect()
        return changed

    def _judge_lot(self, rows: Sequence[Row], reading: Reading, found: Frequent) -> None:
        """Judges stored articles after those before them, and stores what has become of them."""
        if len(found.line):
            outs, marks = with_frequent(reading, lines_of(reading), found, self.settings)
        else:
            outs, marks = fitting(reading, NONE, self.settings)
        excerpt = excerpt_of(reading, outs, np.array([row.place for row in rows], np.int64), self.settings)
        prepared = _Prepared(reading, outs, marks, excerpt, sketch(excerpt, self.settings), _NO_HITS)
        prepared, _ = self._looked_up(prepared, ask_ids=False)
        judged = self._judge(prepared)
        if judged.shaken:
            self._judge_again(judged.shaken, judged.cited, exactly=True)
            prepared, _ = self._looked_up(prepared, ask_ids=False)
            judged = self._judge(prepared)
        new = []
        for row, state, findings in zip(rows, judged.states, judged.findings, strict=True):
            packed = pack(findings)
            revision = row.revision if packed == row.findings else self._state["revision"]
            new.append(replace(row, revision=revision, state=state.pack(), findings=packed))
        self._store.set_verdicts(new)
        self._postings.add(sorted_entries(*self._entries(prepared, judged.states)))

    # ------------------------------------------------------------------------------------------------------ maintenance

    def compact(self) -> None:
        """Merges all runs into one, without what was removed, and gives the space back. It reads and writes everything.

        Raises:
            BadIndex: there is no room for it; all is as it was.
        """
        if self.read_only:
            raise BadIndex(f"{self.path}: was opened to be read only; open it without read_only to compact it")
        with self._moment():
            spans = np.array(self._store.spans(), np.int64).reshape(-1, 2)
        first, end = spans[:, 0], np.append(spans.sum(axis=1), 0)  # behind the last, for what comes before the first

        def is_held(places: U32) -> Mask:
            before = np.searchsorted(first, places, side="right") - 1
            return (before >= 0) & (places < end[before])

        try:
            self._postings.compact(self._store, is_held)
            with self._store.transaction(write=True):
                self._store.forget_removed()
            self._store.shrink()
        except BaseException:
            self._stale = True
            raise

    @classmethod
    def repair(cls, path: str | Path, *, wait: float = 0.0) -> list[str]:
        """Checks an index from end to end, and makes its runs anew where anything is wrong with them.

        One that an earlier version of dedup made is brought up to date.

        Args:
            path: its folder.
            wait: seconds to wait for another writer.

        Returns:
            What was wrong, in sentences; empty where there was nothing to do.

        Raises:
            BadIndex: there is no index, or the database itself is damaged, which holds the truth.
        """
        index = cls.__new__(cls)
        try:
            index.path, index._lock = Path(path), None
            index._open(None, read_only=False, wait=wait, make=False)
            index._store.check()
            faults = [f"{index.path}: was of an earlier format"] if index._is_earlier else index._faults()
            if faults:
                index._make_runs()
            return faults
        finally:
            index.close()

    def _faults(self) -> list[str]:
        """What is wrong with the runs."""
        try:
            with self._moment():
                self._postings.check()
            return self._missing_entries()
        except BadIndex as error:
            return [str(error)]

    def _missing_entries(self) -> list[str]:
        """What should be found and is not, one sentence for all."""
        missing = 0
        for rows in _lots_of_rows(self._store.rows()):
            keys, _ = self._entries_of(rows)
            numbers, _ = self._postings.lookup(keys)
            there = np.zeros(len(keys), bool)
            # under a key that others are found by there may have been no room
            there[numbers] = True
            missing += int((~there).sum())
        return [f"{self.path / FOLDER}: {missing:,} entries are missing"] if missing else []

    def _entries_of(self, rows: Sequence[Row]) -> tuple[U64, I64]:
        """The entries of stored articles, after those of the articles before them."""
        loaded = self._load([row.place for row in rows], frozenset())
        excerpt, states = gather([excerpt for excerpt, _ in loaded]), [state for _, state in loaded]
        sketches = sketch(excerpt, self.settings)
        hits = sketches.hits(*self._lookup(int(excerpt.place[0]))(sketches.keys()))
        return entries(excerpt, sketches, hits, states, self.settings)

    def _make_runs(self) -> None:
        """Makes all runs anew from the articles and their verdicts."""
        self._stale = True
        self._make_runs_folder()
        try:
            with self._store.transaction(write=True):
                self._state = self._store.meta("state")
                self._postings = Postings(self.path, read_manifest(self._store).beginning())
                for rows in _lots_of_rows(self._store.rows()):
                    self._postings.add(sorted_entries(*self._entries_of(rows)))
                    self._postings.settle(None)
                self._put_runs_in_force()
                self._set_format(self.settings)
        except BaseException:
            self._postings.discard(self._store)
            raise
        self._postings.collect()

    def _put_runs_in_force(self) -> None:
        """Lets the runs count that were made inside this transaction, and nothing else."""
        self._postings.flush(None)
        self._postings.settle(None)
        write_manifest(self._store, self._postings.manifest)
        self._store.clear_tail()


def _lots(articles: Iterable[Article]) -> Iterator[list[Article]]:
    """Articles as they are added together: no id twice, and not too many."""
    lot: list[Article] = []
    ids: set[str] = set()
    chars = 0
    for article in articles:
        if not isinstance(article, Article):
            raise BadInput(f"an index takes articles, found {type(article).__name__}; make dedup.Article(id, text)")
        if not isinstance(article.id, str) or any("\ud800" <= char <= "\udfff" for char in article.id):
            raise BadInput(f"article {article.id!r}: the id must be a string without lone surrogates; give it another")
        if not isinstance(article.text, str):
            raise BadInput(f"article {article.id!r}: the text must be a string, found {type(article.text).__name__}")
        if lot and (article.id in ids or len(lot) == _LOT or chars >= _LOT_CHARS):
            yield lot
            lot, ids, chars = [], set(), 0
        lot.append(article)
        ids.add(article.id)
        chars += len(article.text)
    if lot:
        yield lot


def _lots_of_rows(rows: Iterable[Row]) -> Iterator[list[Row]]:
    lot: list[Row] = []
    chars = 0
    for row in rows:
        if lot and (len(lot) == _LOT or chars >= _LOT_CHARS):
            yield lot
            lot, chars = [], 0
        lot.append(row)
        chars += len(row.text)
    if lot:
        yield lot


_NO_HITS = (Hits.none(), Hits.none())
