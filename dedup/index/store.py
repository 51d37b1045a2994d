"""The truth of an index: settings, articles and verdicts in SQLite, every row with a checksum.

A *place* is a number: an article has its first place, which stands for the whole of it, and one for each of its
passages behind it, in the order of arrival. So places compare as keep order does, and the row of an article is found by
any place in it.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from dedup.errors import BadIndex
from dedup.index.sorted_runs import Entries

DATABASE = "index.sqlite"
_SCHEMA = """
create table meta (name text primary key, value blob not null, sum integer not null) without rowid;
create table articles (place integer primary key, id text not null, text blob not null, fields blob not null,
    width integer not null, sum integer not null);
create table verdicts (place integer primary key, revision integer not null, state blob not null,
    findings blob not null, sum integer not null);
create table tail (number integer primary key, entries blob not null, sum integer not null);
"""
_TAIL = "select number, entries, sum from tail where number > ? order by number"
_VERDICT = "select place, revision, state, findings, sum from verdicts"
_VERDICT_AT = f"{_VERDICT} where place <= ? order by place desc limit 1"
_ROWS_AFTER = """
select verdicts.place, revision, state, findings, verdicts.sum, id, text, fields, width, articles.sum
    from verdicts left join articles using (place)
    where verdicts.place > ? and revision > ? order by verdicts.place limit 256
"""
_ARTICLE_AT = "select id, text, fields, width, sum from articles where place = ?"
_PRAGMAS = {
    True: (
        "pragma cell_size_check = on",
        "pragma cache_size = -8000",
        "pragma journal_mode = wal",
        "pragma synchronous = full",
        "pragma journal_size_limit = 67108864",
    ),
    False: ("pragma cell_size_check = on", "pragma cache_size = -8000", "pragma query_only = on"),
}
_MOST_PLACES = 2**32 - 2


@dataclass(frozen=True, slots=True)
class Row:
    """An article as it is stored.

    Attributes:
        place: its first place.
        width: how many places are its own, the first included.
        id, text, fields: the article.
        revision: of its verdict.
        state: the verdict as arrays, see `dedup.index.excerpts`.
        findings: the verdict in words, JSON.
    """

    place: int
    width: int
    id: str
    text: str
    fields: dict[str, Any]
    revision: int
    state: bytes
    findings: bytes


class Store:
    """An open database. Its methods raise BadIndex for whatever goes wrong with it."""

    def __init__(self, folder: Path, *, write: bool) -> None:
        self.path = folder / DATABASE
        mode = "rwc" if write else "rw"
        with self._errors():
            self._connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=60
            )
        try:
            with self._errors():
                for statement in _PRAGMAS[write]:
                    self._connection.execute(statement)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the database; what was not committed is gone."""
        self._connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "disk is full" in str(error):
                raise BadIndex(
                    f"{self.path}: the disk is full; nothing of this was stored, make room and do it again"
                ) from None
            raise BadIndex(f"{self.path}: {error}; nothing of this was stored") from None
        except sqlite3.DatabaseError as error:
            raise self.damaged(str(error)) from None

    def damaged(self, what: str) -> BadIndex:
        """The error for a database that is not what was written."""
        return BadIndex(
            f"{self.path}: is damaged ({what}); restore the folder from a backup, or make the index anew from the "
            "articles"
        )

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[None]:
        """What happens inside is one step for everyone else, or has not happened; reads see one moment."""
        with self._errors():
            self._connection.execute("begin immediate" if write else "begin")
        try:
            yield
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("rollback")
            raise
        try:
            with self._errors():
                self._connection.execute("commit")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("rollback")
            raise

    @property
    def changes(self) -> int:
        """How many rows this connection has changed."""
        return self._connection.total_changes

    def create(self) -> None:
        """Makes the tables."""
        with self._errors():
            for statement in _SCHEMA.split(";"):
                self._connection.execute(statement)

    def is_new(self) -> bool:
        """Whether there are no tables yet."""
        return not self._all("select 1 from sqlite_master limit 1")

    def _all(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._errors():
            return self._connection.execute(statement, values).fetchall()

    def _run(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        with self._errors():
            self._connection.executemany(statement, rows)

    # ------------------------------------------------------------------------------------------------------------ meta

    def meta(self, name: str) -> Any:
        """A JSON value by its name.

        Raises:
            BadIndex: it is not there, or not what was written.
        """
        rows = self._all("select value, sum from meta where name = ?", (name,))
        if not rows:
            raise self.damaged(f"there is no {name}")
        if rows[0][1] != zlib.crc32(rows[0][0]):
            raise self.damaged(f"the {name} is not what was written")
        return orjson.loads(rows[0][0])

    def set_meta(self, name: str, value: Any) -> None:
        """Stores a JSON value."""
        encoded = orjson.dumps(value)
        self._run("insert or replace into meta values (?, ?, ?)", [(name, encoded, zlib.crc32(encoded))])

    # ------------------------------------------------------------------------------------------------------------ tail

    def add_tail(self, entries: Entries) -> None:
        """Notes entries that stand in no run yet."""
        keys, places = entries
        blob = keys.astype("<u8", copy=False).tobytes() + places.astype("<u4", copy=False).tobytes()
        self._run("insert into tail (entries, sum) values (?, ?)", [(blob, zlib.crc32(blob))])

    def tail(self, after: int) -> list[tuple[int, Entries]]:
        """The lots of entries noted after the one with the number given, with their numbers."""
        found = []
        for number, blob, check in self._all(_TAIL, (after,)):
            if zlib.crc32(blob) != check:
                raise self.damaged(f"lot {number} of recent keys is not what was written")
            count = len(blob) // 12
            found.append((number, (np.frombuffer(blob, "<u8", count), np.frombuffer(blob, "<u4", count, 8 * count))))
        return found

    def clear_tail(self) -> None:
        """Forgets all entries that were noted."""
        self._run("delete from tail", [()])

    # -------------------------------------------------------------------------------------------------------- articles

    def add_articles(self, rows: Sequence[Row]) -> None:
        """Stores new articles and their verdicts.

        Raises:
            BadIndex: there are more places than a run can tell apart.
        """
        if rows and rows[-1].place + rows[-1].width > _MOST_PLACES:
            raise BadIndex(
                f"{self.path}: an index holds {_MOST_PLACES:,} articles and lines, and this one is full; begin another"
            )
        articles = []
        for row in rows:
            text, fields = row.text.encode(), orjson.dumps(row.fields, default=str, option=orjson.OPT_NON_STR_KEYS)
            values = row.place, row.id, text, fields, row.width
            articles.append((*values, _article_sum(*values)))
        self._run("insert into articles values (?, ?, ?, ?, ?, ?)", articles)
        self.set_verdicts(rows)

    def set_verdicts(self, rows: Sequence[Row]) -> None:
        """Stores verdicts in the place of earlier ones."""
        verdicts = [(row.place, row.revision, row.state, row.findings) for row in rows]
        self._run(
            "insert or replace into verdicts values (?, ?, ?, ?, ?)",
            [(*verdict, _verdict_sum(*verdict)) for verdict in verdicts],
        )

    def remove_article(self, row: Row, revision: int) -> None:
        """Removes an article; a verdict without a state remains, which says how many places it had."""
        self._run("delete from articles where place = ?", [(row.place,)])
        self.set_verdicts([replace(row, revision=revision, state=b"", findings=str(row.width).encode())])

    def rows_at(self, places: Sequence[int]) -> list[Row]:
        """The articles in which the places given (rising) lie, each once, in order; removed ones are left out.

        Raises:
            BadIndex: there should be one and is none, or it is not what was written.
        """
        found: list[Row] = []
        reached = -1
        for place in places:
            if place < reached:
                continue
            with self._errors():
                verdict = self._connection.execute(_VERDICT_AT, (place,)).fetchone()
            if verdict is None:
                raise self.damaged(f"there is no article at place {place}")
            self._check_verdict(verdict)
            row = self._row(verdict) if verdict[2] else None
            reached = verdict[0] + (row.width if row else int(verdict[3]))
            if place >= reached:
                raise self.damaged(f"there is no article at place {place}")
            if row:
                found.append(row)
        return found

    def _check_verdict(self, verdict: tuple[int, int, bytes, bytes, int]) -> None:
        if _verdict_sum(*verdict[:4]) != verdict[4]:
            raise self.damaged(f"the verdict at place {verdict[0]} is not what was written")

    def _row(self, verdict: tuple[int, int, bytes, bytes, int]) -> Row:
        with self._errors():
            article = self._connection.execute(_ARTICLE_AT, (verdict[0],)).fetchone()
        return self._checked(verdict, article or (None,) * 5)

    def _checked(self, verdict: tuple[int, int, bytes, bytes, int], article: tuple[Any, ...]) -> Row:
        place, revision, state, findings, _ = verdict
        id, text, fields, width, check = article
        if id is None or _article_sum(place, id, text, fields, width) != check:
            raise self.damaged(f"the article at place {place} is not what was written")
        return Row(place, width, id, text.decode(), orjson.loads(fields), revision, state, findings)

    def rows(self, since: int = -1) -> Iterator[Row]:
        """The articles whose verdicts are of a later revision than *since*, in order, 256 at a time of one moment."""
        place = -1
        while found := self._all(_ROWS_AFTER, (place, since)):
            for row in found:
                self._check_verdict(row[:5])
                if row[2]:
                    yield self._checked(row[:5], row[5:])
            place = found[-1][0]

    def spans(self) -> list[tuple[int, int]]:
        """(first place, places) of all articles, in order."""
        return self._all("select place, width from articles order by place")

    def forget_removed(self) -> None:
        """Drops what tells of removed articles; look-ups must know no places of theirs."""
        self._run("delete from verdicts where length(state) = 0", [()])

    # ----------------------------------------------------------------------------------------------------- maintenance

    def check(self) -> None:
        """Reads every page and every row.

        Raises:
            BadIndex: something is not what was written.
        """
        found = self._all("pragma integrity_check(1)")
        if found != [("ok",)]:
            raise self.damaged(" ".join(str(found[0][0]).split()))

    def size(self) -> int:
        """Bytes of the database and of what is not merged into it yet."""
        logs = (self.path, self.path.with_name(f"{DATABASE}-wal"))
        return sum(path.stat().st_size for path in logs if path.exists())

    def shrink(self) -> None:
        """Gives free pages back."""
        with self._errors():
            self._connection.execute("vacuum")
            self._connection.execute("pragma wal_checkpoint(truncate)")


def _article_sum(place: int, id: str, text: bytes, fields: bytes, width: int) -> int:
    return zlib.crc32(text, zlib.crc32(fields, zlib.crc32(f"{place} {width} {id}".encode())))


def _verdict_sum(place: int, revision: int, state: bytes, findings: bytes) -> int:
    return zlib.crc32(state, zlib.crc32(findings, zlib.crc32(f"{place} {revision}".encode())))
