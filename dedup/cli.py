"""The command line: words to calls and back. The only door to click and tqdm."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

import dedup
from dedup.errors import DedupError

if TYPE_CHECKING:
    from dedup.articles import Corpus
    from dedup.model import Article, Report
    from dedup.settings import Settings

# Whatever needs NumPy is imported where it is used: `dedup --help` answers at once.

F = TypeVar("F", bound=Callable[..., Any])
_CHOICES = {
    "passage": ["line", "blank", "sentence"],
    "numbers": ["strict", "ignore"],
    "scope": ["within", "across", "both"],
    "grain": ["article", "passage", "both"],
}


def main() -> NoReturn:
    """The entry point: exit codes 0 done, 1 where asked, 2 no answer, 130 interrupted."""
    # a run that is told to end removes what it has half written, as after Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = commands.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("dedup: interrupted; nothing was written", err=True)
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except DedupError as error:
        click.echo(f"dedup: {error}", err=True)
        code = 2
    except BrokenPipeError:
        # the reader of our output left: say nothing, and keep Python from complaining when it closes stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"dedup: {where}{error.strerror or error}", err=True)
        code = 2
    sys.exit(code or 0)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(dedup.__version__, "-V", "--version", prog_name="dedup", message="%(prog)s %(version)s")
def commands() -> None:
    """Find what repeats in a corpus of articles, and write it clean with a reason for every cut.

    INPUT is a folder, a file, a pattern or a URL: text, JSONL, CSV, TSV or Parquet, each plain, .gz, .zst, .bz2 or
    .xz; - is JSONL on stdin.

    \b
      dedup clean news/ -o out         clean articles in out/clean, findings and a report beside them
      dedup scan news/ -o out          the same without writing articles
      dedup apply out -o out2          write the articles again, from edited findings
      dedup restore out -o original    the articles as they were
    """


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


_settings_options = _options(
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
        "--config",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="Settings from a TOML file, the same names; options here win.",
    ),
)
_reading_options = _options(
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
        help="What to do about a record that cannot be read; those skipped are listed in rejected.jsonl.",
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
    click.option(
        "--against",
        multiple=True,
        metavar="REF",
        help="Articles to match against, never cut and never written; may be given more than once.",
    ),
)
_READING = ("text_field", "id_field", "encoding", "on_error", "max_record", "max_unpacked")
_inputs = click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
_out_required = click.option("-o", "--out", required=True, metavar="DIR", help="Where the result goes.")
_force = click.option("--force", is_flag=True, help="Replace the run that is in the output folder.")
_check = click.option("--check", is_flag=True, help="Exit with 1 when there are duplicates.")
_quiet = click.option("-q", "--quiet", is_flag=True, help="No progress, warnings and closing line on stderr.")


@commands.command()
@_inputs
@click.option(
    "-o",
    "--out",
    default="dedup-out",
    metavar="DIR",
    show_default=True,
    help="The run's folder; for a single input file also a file, with the run's folder FILE.dedup beside it; "
    "- writes clean JSONL to stdout.",
)
@click.option("--report", "report_dir", metavar="DIR", help="With --out -: where findings and reports go.")
@_force
@_check
@_quiet
@_reading_options
@_settings_options
def clean(
    inputs: tuple[str, ...],
    out: str,
    report_dir: str | None,
    force: bool,
    check: bool,
    quiet: bool,
    against: tuple[str, ...],
    **choices: Any,
) -> int:
    """Cut what repeats: write clean articles, and a report that says why.

    Leaves in DIR: clean/ (the articles), dropped/ (articles cut whole), findings.jsonl (every cut, with its reason),
    families.jsonl, summary.json, timings.json and report.html. `dedup restore DIR` undoes it all.
    """
    from dedup import runs  # noqa: PLC0415

    if report_dir is not None and out != "-":
        raise click.UsageError("--report goes with --out -; without it the reports are in --out")
    reading = {name: choices.pop(name) for name in _READING}
    settings = _settings(choices)
    corpus = _corpus(inputs, reading)
    if out == "-":
        return _clean_to_stdout(corpus, inputs, report_dir, settings, against, force, check, quiet)
    file, folder = _output(corpus, inputs, out)
    runs.check_places(inputs, folder)
    copy = None if file is None else (corpus.files[0].name, file)
    with runs.stage(folder, force, copy) as stage:
        report, seconds = _scanned(corpus, settings, against, quiet, stage)
        start = time.perf_counter()
        runs.write_clean(corpus, report, stage)
        seconds["writing"] = time.perf_counter() - start
        _write_records(corpus, report, against, seconds, stage)
    _close(report, seconds, corpus, str(folder), quiet)
    return _code(report, check)


@commands.command()
@_inputs
@_out_required
@_force
@_check
@_quiet
@_reading_options
@_settings_options
def scan(
    inputs: tuple[str, ...],
    out: str,
    force: bool,
    check: bool,
    quiet: bool,
    against: tuple[str, ...],
    **choices: Any,
) -> int:
    """Find what repeats, without writing articles; `dedup apply` writes them later."""
    from dedup import runs  # noqa: PLC0415

    reading = {name: choices.pop(name) for name in _READING}
    settings = _settings(choices)
    corpus = _corpus(inputs, reading)
    runs.check_places(inputs, out)
    with runs.stage(out, force) as stage:
        report, seconds = _scanned(corpus, settings, against, quiet, stage)
        _write_records(corpus, report, against, seconds, stage)
    _close(report, seconds, corpus, out, quiet)
    return _code(report, check)


@commands.command()
@click.argument("run", metavar="DIR")
@_out_required
@click.option(
    "--findings",
    "findings_path",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Edited findings, for instance with `removed` set to false.  [default: those of the run]",
)
@_force
@_quiet
def apply(run: str, out: str, findings_path: str | None, force: bool, quiet: bool) -> None:
    """Write the articles of the run in DIR again, from edited findings, without scanning."""
    from dedup import runs  # noqa: PLC0415

    runs.apply_run(run, out, findings_path, force)
    if not quiet:
        click.echo(f"{out}: written from {findings_path or 'the findings of ' + run}", err=True)


@commands.command()
@click.argument("run", metavar="DIR")
@_out_required
@_force
@_quiet
def restore(run: str, out: str, force: bool, quiet: bool) -> None:
    """Write the articles as they were before the run in DIR cut them."""
    from dedup import runs  # noqa: PLC0415

    runs.restore_run(run, out, force)
    if not quiet:
        click.echo(f"{out}: restored from {run}", err=True)


@commands.command()
@click.argument("run", metavar="DIR")
def report(run: str) -> None:
    """Make report.html of the run in DIR again from its findings."""
    from dedup import runs  # noqa: PLC0415
    from dedup.report import write_page  # noqa: PLC0415

    folder = Path(run)
    summary = runs.read_summary(folder)
    findings = list(runs.read_findings(folder / "findings.jsonl"))
    families = list(runs.read_families(folder / "families.jsonl"))
    write_page(folder / "report.html", summary, findings, families)


def _settings(choices: dict[str, Any]) -> Settings:
    from dedup.settings import Settings, read_settings  # noqa: PLC0415

    config = choices.pop("config")
    values = read_settings(config) if config else {}
    values.update({name: value for name, value in choices.items() if value is not None})
    return Settings.from_dict(values)


def _corpus(inputs: tuple[str, ...], reading: dict[str, Any]) -> Corpus:
    from dedup.articles import read_articles  # noqa: PLC0415

    return read_articles(*inputs, **reading)


def _output(corpus: Corpus, inputs: tuple[str, ...], out: str) -> tuple[Path | None, str | Path]:
    """The output file, where a single input file was given and *out* names one of its kind, and the run's folder."""
    if "://" in out:
        return None, out
    path = Path(out)
    if len(inputs) == 1 and len(corpus.files) == 1 and not Path(inputs[0]).is_dir() and not path.is_dir():
        suffixes = "".join(
            Path(corpus.files[0].name).suffixes[-2:]
            if corpus.files[0].compression
            else [Path(corpus.files[0].name).suffix]
        )
        if suffixes and path.name.endswith(suffixes):
            return path, path.with_name(path.name + ".dedup")
    return None, path


class _Bar:
    """The progress bar: bytes while reading, stages and articles after that. Shown once a second has passed."""

    def __init__(self, corpus: Corpus, quiet: bool) -> None:
        self._corpus = corpus
        self._disabled = quiet or not sys.stderr.isatty()
        self._bar: Any = None
        self._stage = ""
        self._start = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def __iter__(self) -> Iterator[Article]:
        if self._stage:  # the second reading is counted in articles
            return iter(self._corpus)
        self._turn_to("reading", self._corpus.total_bytes, "B")
        return self._corpus.iterate(self._bar.update)

    def tell(self, stage: str, done: int, total: int | None) -> None:
        """The `progress` of `scan`."""
        if stage == "reading":
            if self._bar is not None:
                self._bar.set_postfix_str(f"{done:,} articles", refresh=False)
            return
        if stage != self._stage:
            self._turn_to(stage, total, " articles")
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Ends the last stage."""
        self._turn_to("", None, "")
        self._bar.close()

    def _turn_to(self, stage: str, total: int | None, unit: str) -> None:
        from tqdm import tqdm  # noqa: PLC0415

        now = time.perf_counter()
        if self._stage:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._start
        self._stage, self._start = stage, now
        if self._bar is not None:
            self._bar.close()
        self._bar = tqdm(
            desc=stage,
            total=total,
            unit=unit,
            unit_scale=True,
            delay=1,
            leave=False,
            disable=self._disabled or not stage,
            file=sys.stderr,
        )


def _scanned(
    corpus: Corpus, settings: Settings, against: tuple[str, ...], quiet: bool, stage: Path
) -> tuple[Report, dict[str, float]]:
    """Scans, and writes findings and families; with the seconds that each stage took."""
    from dedup import runs  # noqa: PLC0415
    from dedup.local import scan  # noqa: PLC0415

    bar = _Bar(corpus, quiet)
    reading = {name: getattr(corpus.reading, name) for name in _READING}
    references = {name: _corpus((name,), reading) for name in against}
    try:
        report = scan(bar, settings, against=references, sources=corpus.sources, progress=bar.tell)
    finally:
        bar.close()
    runs.write_findings(stage / "findings.jsonl", report.findings)
    runs.write_families(stage / "families.jsonl", report.families)
    rejected = [
        *corpus.rejected,
        *(replace(record, against=name) for name, of in references.items() for record in of.rejected),
    ]
    runs.write_rejected(stage, rejected)
    report = replace(report, counts={**report.counts, "rejected": len(rejected)})
    return report, bar.seconds


def _write_records(
    corpus: Corpus, report: Report, against: tuple[str, ...], seconds: dict[str, float], stage: Path
) -> None:
    from dedup.report import summary, timings, write_json, write_page  # noqa: PLC0415

    reading = {
        "text_field": corpus.reading.text_field,
        "id_field": corpus.reading.id_field,
        "encoding": corpus.reading.encoding,
        "on_error": corpus.reading.on_error,
        "against": list(against),
    }
    sums = summary(report, corpus.inputs(), corpus.warnings, reading)
    write_json(stage / "summary.json", sums)
    start = time.perf_counter()
    write_page(stage / "report.html", sums, report.findings, report.families)
    seconds["page"] = time.perf_counter() - start
    write_json(stage / "timings.json", timings(seconds, corpus.paths()))


def _clean_to_stdout(
    corpus: Corpus,
    inputs: tuple[str, ...],
    report_dir: str | None,
    settings: Settings,
    against: tuple[str, ...],
    force: bool,
    check: bool,
    quiet: bool,
) -> int:
    """Clean JSONL on stdout and nothing else; the records of the run in *report_dir* where one is named."""
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    from dedup import runs  # noqa: PLC0415

    with TemporaryDirectory(prefix="dedup-") as temporary:
        folder = report_dir if report_dir is not None else Path(temporary) / "run"
        if report_dir is not None:
            runs.check_places(inputs, folder)
        with runs.stage(folder, force) as stage:
            report, seconds = _scanned(corpus, settings, against, quiet, stage)
            clean_dir = Path(temporary) / "clean"
            clean_dir.mkdir()
            runs.write_clean(corpus, report, clean_dir)
            _write_records(corpus, report, against, seconds, stage)
        runs.copy_jsonl(corpus, clean_dir, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    _close(report, seconds, corpus, report_dir, quiet)
    return _code(report, check)


def _close(report: Report, seconds: dict[str, float], corpus: Corpus, out: str | None, quiet: bool) -> None:
    """Warnings, and the closing line of sums."""
    if quiet:
        return
    for warning in (*corpus.warnings, *report.warnings):
        click.echo(f"dedup: warning: {warning}", err=True)
    counts = report.counts
    share = 100 * (1 - counts["characters_out"] / counts["characters"]) if counts["characters"] else 0.0
    rejected = f"{counts['rejected']:,} rejected, " if counts.get("rejected") else ""
    where = f"; see {out.rstrip('/')}/report.html" if out is not None else ""
    click.echo(
        f"{counts['articles']:,} articles read, {rejected}{counts['articles_cut']:,} cut whole, "
        f"{counts['articles_changed']:,} shortened; {counts['characters']:,} characters in, "
        f"{counts['characters_out']:,} out ({share:.1f} % cut); {sum(seconds.values()):.1f} s{where}",
        err=True,
    )


def _code(report: Report, check: bool) -> int:
    return int(check and any(finding.removed and finding.kind == "duplicate" for finding in report.findings))


if __name__ == "__main__":
    main()
