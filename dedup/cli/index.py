"""`dedup index`: the incremental index, JSON lines out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dedup.cli.group import commands
from dedup.cli.options import (
    READING,
    debug_option,
    inputs_argument,
    quiet_option,
    reading_options,
    settings_of,
    settings_options,
)
from dedup.cli.progress import Bar
from dedup.cli.wording import say

if TYPE_CHECKING:
    from dedup.index import Index

_LOT = 256  # articles whose verdicts are printed together
_index_argument = click.argument("index", metavar="INDEX")
_wait_option = click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    show_default=True,
    help="How long to wait while another process writes the index.",
)


@commands.group("index")
def group() -> None:
    """Judge articles one by one against all that came before: for crawlers.

    INDEX is a folder. One process writes it at a time; any number may query it meanwhile.

    \b
      dedup index add news.index today.jsonl > verdicts.jsonl
      zcat page.jsonl.gz | dedup index query news.index -
    """


@group.command()
@_index_argument
@inputs_argument
@_wait_option
@quiet_option
@debug_option
@reading_options
@settings_options
def add(index: str, inputs: tuple[str, ...], wait: float, quiet: bool, **choices: Any) -> int:
    """Judge articles, store them, and print a verdict a line.

    A verdict has the article's id, duplicate_of (the article that it repeats as a whole, or null), text (clean; null if
    the article is to be left out), findings, and the fields of their sources. An article that is in the index with the
    same text is left as it is, one with another text is replaced: name the field of a lasting id with --id-field, as
    without one a record is FILE:LINE. The settings of a new index are those given here.
    """
    from dedup.articles import read_articles  # noqa: PLC0415

    corpus = read_articles(*inputs, **{name: choices.pop(name) for name in READING})
    count = cut = 0
    with _opened(index, choices, wait) as opened:
        bar = Bar(corpus, quiet)
        try:
            for lot in _lots(bar):
                for verdict in opened.add_many(lot):
                    count += 1
                    cut += verdict.text is None
                    _print(verdict.to_dict())
                sys.stdout.flush()
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"{count:,} articles were judged and stored; all may be added again") from None
        finally:
            bar.close()
        held = opened.info()["articles"]
    if not quiet:
        for warning in corpus.warnings:
            say(f"dedup: warning: {warning}")
        say(f"{count:,} articles judged, {cut:,} left out whole; {held:,} in {index}")
    return 0


@group.command()
@_index_argument
@inputs_argument
@quiet_option
@debug_option
@reading_options
def query(index: str, inputs: tuple[str, ...], quiet: bool, **choices: Any) -> int:
    """Print what `add` would say of articles; nothing is stored."""
    from dedup.articles import read_articles  # noqa: PLC0415
    from dedup.index import Index  # noqa: PLC0415

    corpus = read_articles(*inputs, **{name: choices.pop(name) for name in READING})
    with Index(index, read_only=True) as opened:
        for article in corpus:
            _print(opened.query(article).to_dict())
    if not quiet:
        for warning in corpus.warnings:
            say(f"dedup: warning: {warning}")
    return 0


@group.command()
@_index_argument
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@_wait_option
@debug_option
def remove(index: str, ids: tuple[str, ...], wait: float) -> int:
    """Remove articles by their ids; print whose verdicts changed by it."""
    with _existing(index, wait) as opened:
        for id in ids:
            _print({"removed": id, "changed": opened.remove(id)})
    return 0


@group.command()
@_index_argument
@click.option("--boilerplate", is_flag=True, help="Count lines, and list those that are boilerplate by frequency now.")
@debug_option
def info(index: str, boilerplate: bool) -> int:
    """Print what an index holds, and its settings."""
    from dedup.index import Index  # noqa: PLC0415

    with Index(index, read_only=True) as opened:
        _print(opened.info(boilerplate=boilerplate), indent=True)
    return 0


@group.command()
@_index_argument
@click.option("--since", type=int, default=-1, metavar="REVISION", help="Only of articles whose verdict is newer.")
@debug_option
def findings(index: str, since: int) -> int:
    """Print the findings of all articles, one a line; `dedup index info` has the revision of now."""
    from dedup.index import Index  # noqa: PLC0415

    with Index(index, read_only=True) as opened:
        for finding in opened.findings(since):
            _print(finding.to_dict())
    return 0


@group.command()
@_index_argument
@_wait_option
@debug_option
def rejudge(index: str, wait: float) -> int:
    """Count frequent lines anew and judge everything again; print whose findings changed."""
    with _existing(index, wait) as opened:
        _print({"changed": opened.rejudge()})
    return 0


@group.command()
@_index_argument
@_wait_option
@debug_option
def compact(index: str, wait: float) -> int:
    """Merge everything into one run, without what was removed; print what the index holds then."""
    with _existing(index, wait) as opened:
        opened.compact()
        _print(opened.info(), indent=True)
    return 0


@group.command()
@_index_argument
@_wait_option
@debug_option
def repair(index: str, wait: float) -> int:
    """Check an index from end to end, and make anew what is wrong and can be; print what that was."""
    from dedup.index import Index  # noqa: PLC0415

    _print({"repaired": Index.repair(index, wait=wait)})
    return 0


@contextmanager
def _opened(path: str, choices: dict[str, Any], wait: float) -> Iterator[Index]:
    """An index to write, made with the settings given where there is none; else they must be its own."""
    from dedup.index import Index  # noqa: PLC0415

    given = settings_of(dict(choices)) if not _is_index(path) else None
    with Index(path, given, wait=wait) as index:
        if given is None:
            index.check_settings(settings_of(choices, index.settings))
        yield index


def _existing(path: str, wait: float) -> Index:
    """An index to write that is there.

    Raises:
        BadIndex: it is not.
    """
    from dedup.index import Index  # noqa: PLC0415

    if not _is_index(path):
        Index(path, read_only=True).close()  # raises, and says so
    return Index(path, wait=wait)


def _is_index(path: str) -> bool:
    from dedup.index.store import DATABASE  # noqa: PLC0415

    return Path(path, DATABASE).exists()


def _lots(articles: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(articles)
    while lot := list(islice(rest, _LOT)):
        yield lot


def _print(value: Any, *, indent: bool = False) -> None:
    import orjson  # noqa: PLC0415

    option = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS | (orjson.OPT_INDENT_2 if indent else 0)
    sys.stdout.buffer.write(orjson.dumps(value, default=str, option=option))
