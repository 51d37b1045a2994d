"""What is done with a run that is there: `dedup apply`, `restore`, `report` and `evaluate`."""

from __future__ import annotations

import click

from dedup.cli.group import commands
from dedup.cli.options import debug_option, force_option, lang_option, out_option, quiet_option
from dedup.cli.wording import say


@commands.command()
@click.argument("run", metavar="DIR")
@out_option
@click.option(
    "--findings",
    "findings_path",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Edited findings, for instance with `removed` set to false.  [default: those of the run]",
)
@click.option(
    "--keep-family",
    "keep_families",
    multiple=True,
    metavar="NAME",
    help="A family of which nothing is cut, by its name in findings.jsonl; may be given more than once.",
)
@force_option
@lang_option
@quiet_option
@debug_option
def apply(
    run: str,
    out: str,
    findings_path: str | None,
    keep_families: tuple[str, ...],
    force: bool,
    lang: str,
    quiet: bool,
) -> None:
    """Write the articles of the run in DIR again, from edited findings, without scanning.

    A cut is switched off by setting its `removed` to false in a copy of findings.jsonl, or by leaving its line out;
    --keep-family switches off all cuts of a family. What is switched off stays in the text; nothing else changes.
    """
    from dedup import runs  # noqa: PLC0415

    runs.apply_run(run, out, findings_path, force, keep_families, lang)
    if not quiet:
        say(f"{out}: written from {findings_path or 'the findings of ' + run}")


@commands.command()
@click.argument("run", metavar="DIR")
@out_option
@force_option
@quiet_option
@debug_option
def restore(run: str, out: str, force: bool, quiet: bool) -> None:
    """Write the articles as they were before the run in DIR cut them."""
    from dedup import runs  # noqa: PLC0415

    lost = runs.restore_run(run, out, force)
    if not quiet:
        if lost:
            say(f"dedup: warning: not among the restored, as the run could not read them: {', '.join(lost)}")
        say(f"{out}: restored from {run}")


@commands.command()
@click.argument("run", metavar="DIR")
@lang_option
@debug_option
def report(run: str, lang: str) -> None:
    """Make report.html of the run in DIR again from its findings."""
    from dedup import runs  # noqa: PLC0415

    if reason := runs.renew_page(run, lang):
        say(f"dedup: warning: the page lacks the texts that stay: {reason}")


@commands.command()
@click.argument("run", metavar="DIR")
@click.option(
    "--labels",
    "labels_path",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="JSONL, one label a line: pairs, clusters, spans, lines.",
)
@click.option("--errors", type=click.IntRange(min=0), default=20, show_default=True, help="How many errors to show.")
@click.option("--json", "as_json", is_flag=True, help="All figures and all errors as one JSON object.")
def evaluate(run: str, labels_path: str, errors: int, as_json: bool) -> None:
    """Measure the run in DIR against labels: precision, recall, and the errors worst first.

    \b
      {"type": "pair", "a": "id1", "b": "id2", "same": true}
      {"type": "cluster", "members": ["id1", "id2", {"article": "id3", "start": 0, "end": 90}]}
      {"type": "span", "article": "id1", "start": 10, "end": 90, "cut": true}
      {"type": "line", "article": "id1", "line": 3, "is": "boilerplate"}

    A place is an article id or a span of code points; a line is duplicate, boilerplate, debris or content.
    """
    import orjson  # noqa: PLC0415

    from dedup import evaluate as measure  # noqa: PLC0415
    from dedup import runs  # noqa: PLC0415

    with runs.local_run(run) as folder:
        runs.read_summary(folder)
        labels = measure.read_labels(labels_path)
        named = measure.wanted(labels)
        texts = {article.id: article.text for article in runs.read_originals(folder) if article.id in named}
        findings = runs.read_findings(folder / "findings.jsonl")
        families = runs.read_families(folder / "families.jsonl")
    result = measure.evaluate(findings, families, texts, labels, run)
    if as_json:
        click.echo(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode())
        return
    for line in measure.lines_of(result, errors):
        click.echo(line)
