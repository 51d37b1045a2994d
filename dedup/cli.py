"""The command line: words to calls and back. The only door to click and tqdm."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

import dedup
from dedup.errors import BadInput, BadRun, BadSettings, DedupError

if TYPE_CHECKING:
    from dedup.articles import Corpus, InputFile
    from dedup.model import Article, Report
    from dedup.settings import Settings

# Whatever needs NumPy is imported where it is used: `dedup --help` answers at once.

F = TypeVar("F", bound=Callable[..., Any])
_CHOICES = {
    "passage": ["line", "blank", "sentence"],
    "numbers": ["strict", "ignore"],
    "scope": ["within", "across", "both"],
    "grain": ["article", "passage", "both"],
    "boilerplate": ["remove", "mark", "off"],
}


def main() -> NoReturn:
    """The entry point: exit codes 0 done, 1 where asked, 2 no answer, 130 interrupted."""
    _fill_closed_streams()
    # a run that is told to end removes what it has half written, as after Ctrl-C; nohup has SIGHUP ignored
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    sys.exit(_flushed(_exit_code()))


def _exit_code() -> int:
    try:
        return commands.main(standalone_mode=False) or 0
    except click.exceptions.Abort as interrupt:
        _say(f"dedup: interrupted; {str(interrupt.__cause__ or '') or 'nothing was written'}")
        # CPython notes an interrupt that leaves an exec(), as in dataclass(), and would die of SIGINT whatever it is
        # told to exit with; the next exec() clears the note
        exec("")
        return 130
    except click.ClickException as error:
        with suppress(OSError, ValueError):
            error.show()
        return error.exit_code
    except DedupError as error:
        _tell_more()
        _say(f"dedup: {error}")
    except (BrokenPipeError, SystemExit):
        # the reader of our output left; click answers with exit code 1, which here means duplicates
        _discard(sys.stdout)
    except OSError as error:
        _tell_more()
        where = f"{error.filename}: " if error.filename else ""
        _say(f"dedup: {where}{error.strerror or error}")
    except Exception as error:
        _tell_more()
        what = " ".join(f"{type(error).__name__}: {error}".split())
        _say(f"dedup: unexpected error, {what}; please report it with what --debug shows")
    return 2


def _say(line: str) -> None:
    """A line on stderr; where that is gone there is nobody to tell."""
    with suppress(OSError, ValueError):
        click.echo(line, err=True)


def _tell_more() -> None:
    """The traceback of the error at hand, where it is asked for."""
    if os.environ.get("DEDUP_DEBUG", "0") not in ("", "0"):
        import traceback  # noqa: PLC0415

        _say(traceback.format_exc().rstrip())


def _fill_closed_streams() -> None:
    """Takes the place of closed standard streams, lest a file that is opened later get their numbers."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


def _flushed(code: int) -> int:
    """The exit code, once all output is out: what Python cannot flush at its end it would complain about."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            _discard(stream)
            code = code if stream is sys.stderr else 2
    return code


def _discard(stream: Any) -> None:
    """Lets what is still to be written to a stream vanish."""
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _set_debug(_: click.Context, __: click.Parameter, debug: bool) -> None:
    if debug:
        os.environ["DEDUP_DEBUG"] = "1"


_debug = click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    callback=_set_debug,
    help="Show where an error comes from, as DEDUP_DEBUG=1 does.",
)


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
@_debug
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
@_debug
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
    if out == "-" and sys.stdout is None:
        raise BadRun("stdout is closed, where --out - writes; name a folder with --out")
    corpus = _corpus(inputs, reading)
    references = _references(against, reading)
    if out == "-":
        return _clean_to_stdout(corpus, (*inputs, *against), report_dir, settings, references, force, check, quiet)
    file, folder = _output(corpus, inputs, out)
    copy = None
    if file is not None:
        read = [of.path for of in _files(corpus, references) if not of.url]
        runs.check_file([*inputs, *against, *read], file, force)
        copy = corpus.files[0].name, file
    runs.check_places((*inputs, *against), folder, _files(corpus, references))
    with runs.stage(folder, force, copy) as stage:
        report, seconds = _scanned(corpus, settings, references, quiet, stage)
        start = time.perf_counter()
        runs.write_clean(corpus, report, stage)
        seconds["writing"] = time.perf_counter() - start
        _write_records(corpus, report, references, seconds, stage)
    _close(report, seconds, corpus, references, str(folder), quiet)
    return _code(report, check)


@commands.command()
@_inputs
@_out_required
@_force
@_check
@_quiet
@_debug
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
    references = _references(against, reading)
    runs.check_places((*inputs, *against), out, _files(corpus, references))
    with runs.stage(out, force) as stage:
        report, seconds = _scanned(corpus, settings, references, quiet, stage)
        _write_records(corpus, report, references, seconds, stage)
    _close(report, seconds, corpus, references, out, quiet)
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
@_debug
def apply(run: str, out: str, findings_path: str | None, force: bool, quiet: bool) -> None:
    """Write the articles of the run in DIR again, from edited findings, without scanning."""
    from dedup import runs  # noqa: PLC0415

    runs.apply_run(run, out, findings_path, force)
    if not quiet:
        _say(f"{out}: written from {findings_path or 'the findings of ' + run}")


@commands.command()
@click.argument("run", metavar="DIR")
@_out_required
@_force
@_quiet
@_debug
def restore(run: str, out: str, force: bool, quiet: bool) -> None:
    """Write the articles as they were before the run in DIR cut them."""
    from dedup import runs  # noqa: PLC0415

    runs.restore_run(run, out, force)
    if not quiet:
        _say(f"{out}: restored from {run}")


@commands.command()
@click.argument("run", metavar="DIR")
@_debug
def report(run: str) -> None:
    """Make report.html of the run in DIR again from its findings."""
    from dedup import runs  # noqa: PLC0415
    from dedup.report import write_page  # noqa: PLC0415

    folder = Path(run)
    summary = runs.read_summary(folder)
    findings = list(runs.read_findings(folder / "findings.jsonl"))
    families = list(runs.read_families(folder / "families.jsonl"))
    write_page(folder / "report.html", summary, findings, families)


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

    folder = Path(run)
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


def _settings(choices: dict[str, Any]) -> Settings:
    from dedup.settings import Settings, read_settings  # noqa: PLC0415

    config = choices.pop("config")
    values = read_settings(config) if config else {}
    strip, rules = choices.pop("strip"), choices.pop("rules")
    values.update({name: value for name, value in choices.items() if value not in (None, ())})
    if strip is not None:
        values["strip"] = [name for name in strip.split(",") if name != "none"]
    if rules is not None:
        from dedup.rules import read_rules  # noqa: PLC0415

        values["rules"] = read_rules(rules)
    return Settings.from_dict(values)


def _corpus(inputs: tuple[str, ...], reading: dict[str, Any]) -> Corpus:
    from dedup.articles import read_articles  # noqa: PLC0415

    return read_articles(*inputs, **reading)


def _references(against: tuple[str, ...], reading: dict[str, Any]) -> dict[str, Corpus]:
    """The references by the names that they have in the result: as given, an absolute path or URL by its last part."""
    from dedup.articles import printable, remote  # noqa: PLC0415

    references: dict[str, Corpus] = {}
    for place in against:
        if remote.is_url(place):
            name = remote.last_part(place.rstrip("/"))
        else:
            name = Path(place).name if Path(place).is_absolute() else place
        name = printable(name) or "root"
        if name in references:
            raise BadInput(
                f'--against {printable(place)}: another reference is called "{name}" in the result too; name each '
                "once, by a relative path where only the folders differ"
            )
        references[name] = _corpus((place,), reading)
    return references


def _files(corpus: Corpus, references: dict[str, Corpus]) -> list[InputFile]:
    """All files that are read."""
    return [file for each in (corpus, *references.values()) for file in each.files]


def _output(corpus: Corpus, inputs: tuple[str, ...], out: str) -> tuple[Path | None, str | Path]:
    """The output file, where a single input file was given and *out* names one of its kind, and the run's folder."""
    if "://" in out:
        return None, out
    path = Path(out)
    if len(inputs) == 1 and len(corpus.files) == 1 and not Path(inputs[0]).is_dir() and not path.is_dir():
        if out.endswith("/"):
            return None, path
        if _is_of_kind(corpus.files[0], path.name):
            return path, path.with_name(path.name + ".dedup")
    return None, path


def _is_of_kind(file: InputFile, name: str) -> bool:
    """Whether *name* is that of a file of the same kind as *file*, and not that of a folder.

    Raises:
        BadSettings: it is that of a file of another kind.
    """
    from dedup.articles import format_of  # noqa: PLC0415

    kind = format_of(name)
    packed = 2 if file.compression else 1
    if kind == (file.format, file.compression) and (
        file.format != "text" or _ends(file.name, packed) == _ends(name, packed)
    ):
        return bool(_ends(name, packed))
    if kind == ("text", "") and not name.lower().endswith(".txt"):
        return False
    raise BadSettings(
        f"--out {name}: expected the kind of the input {file.name}, as nothing is converted; let the name end in "
        f'"{_ends(file.name, packed)}", or in "/" for a folder'
    )


def _ends(name: str, most: int) -> str:
    return "".join(Path(name).suffixes[-most:])


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
    corpus: Corpus, settings: Settings, references: dict[str, Corpus], quiet: bool, stage: Path
) -> tuple[Report, dict[str, float]]:
    """Scans, and writes findings and families; with the seconds that each stage took."""
    from dedup import runs  # noqa: PLC0415
    from dedup.local import scan  # noqa: PLC0415

    bar = _Bar(corpus, quiet)
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
    corpus: Corpus, report: Report, references: dict[str, Corpus], seconds: dict[str, float], stage: Path
) -> None:
    from dedup.report import summary, timings, write_json, write_page  # noqa: PLC0415

    reading = {
        "text_field": corpus.reading.text_field,
        "id_field": corpus.reading.id_field,
        "encoding": corpus.reading.encoding,
        "on_error": corpus.reading.on_error,
        "against": list(references),
        "against_inputs": [{"against": name, **file} for name, of in references.items() for file in of.inputs()],
    }
    sums = summary(report, corpus.inputs(), _warnings(corpus, references), reading)
    write_json(stage / "summary.json", sums)
    folders = [folder for each in (corpus, *references.values()) for folder in each.folders]
    start = time.perf_counter()
    write_page(stage / "report.html", sums, report.findings, report.families)
    seconds["page"] = time.perf_counter() - start
    write_json(stage / "timings.json", timings(seconds, corpus.paths(), folders))


def _clean_to_stdout(
    corpus: Corpus,
    places: tuple[str, ...],
    report_dir: str | None,
    settings: Settings,
    references: dict[str, Corpus],
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
            runs.check_places(places, folder, _files(corpus, references))
        with runs.stage(folder, force) as stage:
            report, seconds = _scanned(corpus, settings, references, quiet, stage)
            clean_dir = Path(temporary) / "clean"
            clean_dir.mkdir()
            runs.write_clean(corpus, report, clean_dir)
            _write_records(corpus, report, references, seconds, stage)
        runs.copy_jsonl(corpus, clean_dir, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    _close(report, seconds, corpus, references, report_dir, quiet)
    return _code(report, check)


def _warnings(corpus: Corpus, references: dict[str, Corpus]) -> list[str]:
    """What reading gave rise to, of references with their names."""
    return [*corpus.warnings, *(f"against {name}: {said}" for name, of in references.items() for said in of.warnings)]


def _close(
    report: Report,
    seconds: dict[str, float],
    corpus: Corpus,
    references: dict[str, Corpus],
    out: str | None,
    quiet: bool,
) -> None:
    """Warnings, and the closing line of sums."""
    from dedup import kernel  # noqa: PLC0415

    if quiet:
        return
    for warning in filter(None, (kernel.WARNING, *_warnings(corpus, references), *report.warnings)):
        _say(f"dedup: warning: {warning}")
    counts = report.counts
    share = 100 * (1 - counts["characters_out"] / counts["characters"]) if counts["characters"] else 0.0
    rejected = f"{counts['rejected']:,} rejected, " if counts.get("rejected") else ""
    where = f"; see {out.rstrip('/')}/report.html" if out is not None else ""
    _say(
        f"{counts['articles']:,} articles read, {rejected}{counts['articles_cut']:,} cut whole, "
        f"{counts['articles_changed']:,} shortened; {counts['characters']:,} characters in, "
        f"{counts['characters_out']:,} out ({share:.1f} % cut); {sum(seconds.values()):.1f} s{where}"
    )


def _code(report: Report, check: bool) -> int:
    return int(check and any(finding.removed and finding.kind == "duplicate" for finding in report.findings))


if __name__ == "__main__":
    main()
