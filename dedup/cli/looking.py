"""Looking at what was found, or would be: `dedup explain` and `dedup tune`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from dedup.cli.group import commands
from dedup.cli.options import (
    READING,
    against_option,
    debug_option,
    inputs_argument,
    lang_option,
    quiet_option,
    reading_options,
    settings_of,
    settings_options,
)
from dedup.cli.progress import Bar
from dedup.cli.wording import say
from dedup.errors import BadInput

if TYPE_CHECKING:
    from dedup.model import Place


@commands.command()
@click.argument("run", metavar="DIR")
@click.argument("article")
@click.argument("other", metavar="[ARTICLE]", required=False)
@click.option("--all", "everything", is_flag=True, help="Whole texts, without leaving out what is equal.")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
@debug_option
def explain(run: str, article: str, other: str | None, everything: bool, as_json: bool) -> None:
    """Why: each cut of an ARTICLE of the run in DIR beside what it repeats, or all that two articles share.

    On a terminal differences are coloured (unless NO_COLOR is set), else they stand in [- -] and {+ +}.
    """
    import orjson  # noqa: PLC0415

    from dedup import runs  # noqa: PLC0415
    from dedup.report import explain as why  # noqa: PLC0415

    ids = [article] if other is None else [article, other]
    findings = [finding for finding in runs.each_finding(run) if finding.article in ids]
    if other is None:
        cases = why.cases_of(findings)
    else:
        families = [
            family
            for family in runs.each_family(run)
            if {place.article for place in (family.kept, *(member.place for member in family.members))} & set(ids)
        ]
        cases = why.shared_cases(article, other, findings, families)
    lengths, texts = _texts(run, ids, why.wanted(cases))
    if as_json:
        answer = {
            "articles": [{"article": id, "characters": lengths[id]} for id in ids],
            "cases": [case.to_dict(texts) for case in cases],
        }
        click.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode())
        return
    _show(chain(_heads(ids, lengths, cases), why.lines_of(cases, texts, *_terminal(), everything)))


def _terminal() -> tuple[int, bool]:
    """(columns, whether colours are welcome)."""
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return max(shutil.get_terminal_size((100, 24)).columns, 40), coloured


def _show(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line, color=True)  # whether there are colours in it was decided before


def _heads(ids: list[str], lengths: dict[str, int], cases: list[Any]) -> list[str]:
    """What is said before the cases."""
    from dedup.report.shown import visible  # noqa: PLC0415

    if len(ids) == 2:
        return [f"{visible(ids[0])} and {visible(ids[1])}: {len(cases) or 'nothing'} in common", ""]
    characters = lengths[ids[0]]
    removed = [case for case in cases if case.removed]
    whole = [case for case in removed if case.said.split(", ")[1] == "article"]
    lost = characters if whole else sum(case.right.end - case.right.start for case in removed)
    share = f" ({100 * lost / characters:.1f} %)" if characters else ""
    cuts = f"{len(removed)} cut{'' if len(removed) == 1 else 's'}"
    return [f"{visible(ids[0])}: {characters:,} characters, {cuts}, {lost:,} characters cut{share}", ""]


def _texts(run: str, ids: list[str], wanted: set[Place]) -> tuple[dict[str, int], dict[Place, str]]:
    """The lengths of the articles asked for, and the texts at the places wanted.

    Raises:
        BadInput: the run has no such article; the message names those that are called nearly so.
    """
    from dedup import runs  # noqa: PLC0415
    from dedup.report.differences import closest  # noqa: PLC0415

    lengths: dict[str, int] = {}
    texts: dict[Place, str] = {}
    places: dict[str, list[Place]] = {id: [] for id in ids}
    for place in wanted:
        if place.against is None:
            places.setdefault(place.article, []).append(place)
    left = set(places)
    for article in runs.read_originals(run):
        if article.id in left:
            left.discard(article.id)
            lengths[article.id] = len(article.text)
            texts |= {place: article.text[place.start : place.end] for place in places[article.id]}
            if not left:
                break
    for id in ids:
        if id not in lengths:
            near = closest(id, (article.id for article in runs.read_originals(run)))
            hint = f"did you mean {' or '.join(near)}?" if near else "the ids are those of findings.jsonl"
            raise BadInput(f'{run}: has no article "{id}"; {hint}')
    return lengths, texts


@commands.command()
@inputs_argument
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Look at N articles, drawn by their ids.")
@click.option("--pairs", type=click.IntRange(min=0), default=2, show_default=True, help="Pairs of each step and grain.")
@click.option("-o", "--out", metavar="DIR", help="The folder of a run of these inputs: its page gets a section.")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
@lang_option
@quiet_option
@debug_option
@reading_options
@against_option
@settings_options
def tune(
    inputs: tuple[str, ...],
    sample: int | None,
    pairs: int,
    out: str | None,
    as_json: bool,
    lang: str,
    quiet: bool,
    against: tuple[str, ...],
    **choices: Any,
) -> None:
    """What each threshold from 0.5 to 0.95 would cut, with pairs from each step for you to judge.

    A table of the articles that would go whole, the passages of others, and the characters of both. Then pairs that the
    step would cut and the next would not, the differences marked.

    A sample tells how the steps compare, not how much there is: of the duplicates of a corpus a tenth of its articles
    holds a hundredth.
    """
    import orjson  # noqa: PLC0415

    from dedup import runs  # noqa: PLC0415
    from dedup.articles import read_articles  # noqa: PLC0415
    from dedup.report import tune as thresholds  # noqa: PLC0415

    if against:
        raise click.UsageError("dedup tune looks at the inputs alone; leave --against out")
    reading = {name: choices.pop(name) for name in READING}
    chosen = choices["threshold"]
    settings = settings_of(choices)
    if out is not None:
        summary = runs.read_summary(out)
    corpus = read_articles(*inputs, **reading)
    bar = Bar(corpus, quiet)
    try:
        articles: Any = bar if sample is None else thresholds.sample(bar, sample, settings.seed)
        found = thresholds.tune(articles, settings, pairs, bar.tell)
    finally:
        bar.close()
    wanted = {place.article for pair in found.pairs for place in (pair.kept, pair.place)}
    texts = {
        article.id: article.text for article in (articles if sample is not None else corpus) if article.id in wanted
    }
    tuned = {
        "settings": settings.to_dict(),
        "sample": sample,
        **found.to_dict(),
        "pairs": thresholds.with_texts(found.pairs, texts),
    }
    if out is not None:
        if [file["sha256"] for file in summary["inputs"]] != [file["sha256"] for file in corpus.inputs()]:
            raise BadInput(f"{out}: is not a run of these inputs as they are now; run `dedup scan` on them first")
        runs.write_tuned(out, tuned, lang)
        if not quiet:
            say(f"{out}: the page has a section on thresholds now")
    if as_json:
        click.echo(orjson.dumps(tuned, option=orjson.OPT_INDENT_2).decode())
        return
    _show_steps(found, chosen or settings.threshold)
    _show_pairs(found, texts)


def _show_steps(found: Any, threshold: float) -> None:
    """The table: one line a threshold."""
    from dedup.report.tune import steps_table  # noqa: PLC0415

    rows = [
        ("threshold", "articles", "passages", "characters", "share"),
        *steps_table(found.steps, found.characters),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        chosen = number and found.steps[number - 1].threshold == threshold
        line = "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line + ("  <" if chosen else ""))


def _show_pairs(found: Any, texts: dict[str, str]) -> None:
    from dedup.report import explain as why  # noqa: PLC0415

    places = {}
    cases = []
    for pair in sorted(found.pairs, key=lambda pair: (pair.similarity, pair.grain)):
        said = f"{pair.grain}, cut at {pair.step:.2f} and not above"
        cases.append(why.Case(said, pair.similarity, None, pair.kept, pair.place, True))
        for place in (pair.kept, pair.place):
            places[place] = texts[place.article][place.start : place.end]
    click.echo()
    _show(why.lines_of(cases, places, *_terminal(), False))
