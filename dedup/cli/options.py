"""The options that commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from dedup.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
_CHOICES = {
    "passage": ["line", "blank", "sentence"],
    "numbers": ["strict", "ignore"],
    "scope": ["within", "across", "both"],
    "grain": ["article", "passage", "both"],
    "boilerplate": ["remove", "mark", "off"],
}


def _set_debug(_: click.Context, __: click.Parameter, debug: bool) -> None:
    if debug:
        os.environ["DEDUP_DEBUG"] = "1"


debug_option = click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    callback=_set_debug,
    help="Show where an error comes from, as DEDUP_DEBUG=1 does.",
)


class Size(click.ParamType[int]):
    """A number of bytes: 1000000, 64K, 500M, 2G, 1T."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number, suffix = str(value)[:-1], str(value)[-1:].upper()
        power = "KMGT".find(suffix) + 1 if suffix else 0
        digits = number if power else str(value)
        if not digits.isascii() or not digits.isdigit() or int(digits) == 0:
            self.fail(f"expected a number of bytes such as 1000000, 64K, 500M or 2G, found {value!r}", param, ctx)
        return int(digits) << 10 * power


def _options(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several decorators as one, in the order in which they read."""

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


settings_options = _options(
    click.option(
        "--threshold", type=float, metavar="S", help="Least Jaccard similarity of duplicates.  [default: 0.7]"
    ),
    click.option(
        "--recall", type=float, metavar="P", help="Chance that a pair at the threshold is found.  [default: 0.95]"
    ),
    click.option("--grain", type=click.Choice(_CHOICES["grain"]), help="What to compare.  [default: both]"),
    click.option(
        "--scope",
        type=click.Choice(_CHOICES["scope"]),
        help="Repetitions inside an article, from article to article, or both.  [default: both]",
    ),
    click.option(
        "--keep",
        metavar="WHICH",
        help="Which of several articles stays: first, last, longest or field:NAME[:desc].  [default: first]",
    ),
    click.option(
        "--passage",
        type=click.Choice(_CHOICES["passage"]),
        help="A passage is a line, a paragraph between blank lines, or a sentence.  [default: line]",
    ),
    click.option(
        "--numbers",
        type=click.Choice(_CHOICES["numbers"]),
        help="Whether texts with other numbers are other news.  [default: strict]",
    ),
    click.option(
        "--min-chars",
        type=int,
        metavar="N",
        help="Least folded characters of a passage matched across articles.  [default: 40]",
    ),
    click.option(
        "--min-chars-within",
        type=int,
        metavar="N",
        help="The same for a passage matched inside its article.  [default: 20]",
    ),
    click.option(
        "--shingle", type=int, metavar="COLUMNS", help="Width of a shingle; a Han character has 2.  [default: 8]"
    ),
    click.option("--num-perm", type=int, metavar="N", help="Permutations of a signature.  [default: 256]"),
    click.option("--seed", type=int, metavar="N", help="Seed of the permutations.  [default: 1]"),
    click.option("--bucket", type=int, metavar="N", help="Most kept texts that a band key lists.  [default: 1000]"),
    click.option("--short-chars", type=int, metavar="N", help="Texts below this need more.  [default: 40]"),
    click.option(
        "--short-containment",
        type=float,
        metavar="S",
        help="The share of the smaller shingle set that near duplicates below --short-chars have in common."
        "  [default: 0.9]",
    ),
    click.option(
        "--boilerplate",
        type=click.Choice(_CHOICES["boilerplate"]),
        help="Whether page furniture is cut, only reported, or not looked for.  [default: remove]",
    ),
    click.option(
        "--keep-rule",
        "keep_rules",
        multiple=True,
        metavar="NAME",
        help="A boilerplate rule to switch off; may be given more than once: share, credit, metadata, copyright, "
        "subscribe, related, link-farm, navigation, frequency.",
    ),
    click.option(
        "--rules",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="Boilerplate rules of your own (TOML): NAME = 'pattern of a whole line'.",
    ),
    click.option(
        "--source-field",
        metavar="NAME",
        help="JSONL field of the site, by which frequent lines are counted.  [default: by input file or folder]",
    ),
    click.option(
        "--strip",
        metavar="LIST",
        help="The debris to cut: any of markup,annotation,control, or none.  [default: markup]",
    ),
    click.option(
        "--config",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="Settings from a TOML file, the same names; options here win.",
    ),
)
reading_options = _options(
    click.option(
        "--text-field", default="text", metavar="NAME", show_default=True, help="Field or column that holds the text."
    ),
    click.option(
        "--id-field", metavar="NAME", help="Field or column that holds the id.  [default: id where there is one]"
    ),
    click.option(
        "--encoding",
        default="utf-8",
        metavar="NAME",
        show_default=True,
        help="Of all files but Parquet, in and out: gb18030, big5, utf-16 ...; auto guesses, file by file.",
    ),
    click.option(
        "--on-error",
        type=click.Choice(["fail", "skip"]),
        default="fail",
        show_default=True,
        help="What to do about a record or file that cannot be read; those skipped are listed in rejected.jsonl.",
    ),
    click.option(
        "--max-record",
        type=Size(),
        default="1G",
        metavar="BYTES",
        show_default=True,
        help="Longest record or text file, unpacked; K, M, G and T may follow the number.",
    ),
    click.option(
        "--max-unpacked",
        type=Size(),
        default="256G",
        metavar="BYTES",
        show_default=True,
        help="Most that a compressed or Parquet file may unpack to.",
    ),
)
against_option = click.option(
    "--against",
    multiple=True,
    metavar="REF",
    help="Articles to match against, never cut and never written; may be given more than once.",
)
READING = ("text_field", "id_field", "encoding", "on_error", "max_record", "max_unpacked")
working_options = _options(
    click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes at work.  [default: all cores]"),
    click.option(
        "--memory",
        type=Size(),
        default="1G",
        metavar="BYTES",
        show_default=True,
        help="Memory to keep to, roughly; what does not fit goes to work files.",
    ),
    click.option(
        "--work-dir",
        type=click.Path(file_okay=False),
        metavar="DIR",
        help="Where work files go, in a folder of their own.  [default: beside the output]",
    ),
    click.option(
        "--page/--no-page", default=True, help="Whether to make report.html; `dedup report DIR` makes it later, too."
    ),
    click.option(
        "--resume",
        is_flag=True,
        help="Go on with the work files of a killed run; settings and inputs as then.",
    ),
)
inputs_argument = click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
stats_option = click.option(
    "--stats",
    metavar="FILE",
    help="A table (.csv or .parquet), one row an article: characters and paragraphs in and out, what was cut, Gopher's "
    "repetition measures.",
)
lang_option = click.option(
    "--lang",
    type=click.Choice(["en", "zh"]),
    default="en",
    show_default=True,
    help="Language of report.html: English or Chinese.",
)
out_option = click.option("-o", "--out", required=True, metavar="DIR", help="Where the result goes.")
force_option = click.option("--force", is_flag=True, help="Replace the run that is in the output folder.")
check_option = click.option("--check", is_flag=True, help="Exit with 1 when there are duplicates.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress, warnings and closing line on stderr.")


def settings_of(choices: dict[str, Any], base: Settings | None = None) -> Settings:
    """The settings that options and --config make, where they say nothing those of *base*, else the defaults."""
    from dedup.settings import Settings, read_settings  # noqa: PLC0415

    config = choices.pop("config")
    values = {} if base is None else base.to_dict()
    values |= read_settings(config) if config else {}
    strip, rules = choices.pop("strip"), choices.pop("rules")
    values.update({name: value for name, value in choices.items() if value not in (None, ())})
    if strip is not None:
        values["strip"] = [name for name in strip.split(",") if name != "none"]
    if rules is not None:
        from dedup.rules import read_rules  # noqa: PLC0415

        values["rules"] = read_rules(rules)
    return Settings.from_dict(values)
