"""The group that all commands join."""

from __future__ import annotations

import click

import dedup
from dedup.cli.options import debug_option


def _show_version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    """dedup 0.1.0 (kernel: native)."""
    if asked and not context.resilient_parsing:
        from dedup import kernel  # noqa: PLC0415

        click.echo(f"dedup {dedup.__version__} (kernel: {kernel.NAME})")
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "-V",
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and the kernel, and exit.",
)
@debug_option
def commands() -> None:
    """Find what repeats in a corpus of articles, and write it clean with a reason for every cut.

    INPUT is a folder, a file, a pattern or a URL: text, JSONL, CSV, TSV or Parquet, each plain, .gz, .zst, .bz2 or
    .xz; - is JSONL on stdin.

    \b
      dedup clean news/ -o out         clean articles in out/clean, findings and a report beside them
      dedup scan news/ -o out          the same without writing articles
      dedup explain out ID             why an article was cut, side by side with what it repeats
      dedup tune news/                 what other thresholds would cut
      dedup apply out -o out2          write the articles again, from edited findings
      dedup restore out -o original    the articles as they were
      dedup index add news.index day/  judge new articles against all that came before
    """
