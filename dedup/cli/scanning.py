"""`dedup clean` and `dedup scan`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from dedup.cli.group import commands
from dedup.cli.options import (
    READING,
    against_option,
    check_option,
    debug_option,
    force_option,
    inputs_argument,
    lang_option,
    out_option,
    quiet_option,
    reading_options,
    settings_of,
    settings_options,
    stats_option,
    working_options,
)
from dedup.cli.progress import Bar
from dedup.cli.wording import say
from dedup.errors import BadInput, BadRun, BadSettings

if TYPE_CHECKING:
    from dedup.articles import Corpus, InputFile
    from dedup.kept import Kept
    from dedup.model import Report
    from dedup.report.page import Drawn
    from dedup.settings import Settings

# Whatever needs NumPy is imported where it is used: `dedup --help` answers at once.


@commands.command()
@inputs_argument
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
@force_option
@check_option
@stats_option
@lang_option
@quiet_option
@debug_option
@reading_options
@working_options
@against_option
@settings_options
def clean(
    inputs: tuple[str, ...],
    out: str,
    report_dir: str | None,
    force: bool,
    check: bool,
    stats: str | None,
    lang: str,
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
    reading = {name: choices.pop(name) for name in READING}
    working = _working(choices, inputs, out)
    settings = settings_of(choices)
    if out == "-" and sys.stdout is None:
        raise BadRun("stdout is closed, where --out - writes; name a folder with --out")
    corpus = _corpus(inputs, reading)
    references = _references(against, reading)
    job = _Job(inputs, corpus, settings, references, working, quiet, stats, lang)
    if out == "-":
        return _clean_to_stdout(job, (*inputs, *against), report_dir, force, check)
    file, folder = _output(corpus, inputs, out)
    copy = None
    if file is not None:
        read = [of.path for of in _files(corpus, references) if not of.url]
        runs.check_file([*inputs, *against, *read], file, force)
        copy = corpus.files[0].name, file
    runs.check_places((*inputs, *against), folder, _files(corpus, references))
    _check_stats(job, (*inputs, *against), force)
    with (
        _kept(job, str(folder)) as kept,
        runs.side_file(stats, force) as side,
        runs.stage(folder, force, copy) as stage,
    ):
        report, seconds, drawn = _scanned(job, stage, kept, job.working.page)
        start = time.perf_counter()
        runs.write_clean(corpus, stage / runs.FINDINGS, stage)
        seconds["writing"] = time.perf_counter() - start
        _write_records(job, report, seconds, stage, side, drawn)
    _close(job, report, seconds, str(folder))
    return _code(report, check)


@commands.command()
@inputs_argument
@out_option
@force_option
@check_option
@stats_option
@lang_option
@quiet_option
@debug_option
@reading_options
@working_options
@against_option
@settings_options
def scan(
    inputs: tuple[str, ...],
    out: str,
    force: bool,
    check: bool,
    stats: str | None,
    lang: str,
    quiet: bool,
    against: tuple[str, ...],
    **choices: Any,
) -> int:
    """Find what repeats, without writing articles; `dedup apply` writes them later."""
    from dedup import runs  # noqa: PLC0415

    reading = {name: choices.pop(name) for name in READING}
    working = _working(choices, inputs, out)
    settings = settings_of(choices)
    corpus = _corpus(inputs, reading)
    references = _references(against, reading)
    job = _Job(inputs, corpus, settings, references, working, quiet, stats, lang)
    runs.check_places((*inputs, *against), out, _files(corpus, references))
    _check_stats(job, (*inputs, *against), force)
    with _kept(job, out) as kept, runs.side_file(stats, force) as side, runs.stage(out, force) as stage:
        report, seconds, drawn = _scanned(job, stage, kept, job.working.page)
        _write_records(job, report, seconds, stage, side, drawn)
    _close(job, report, seconds, out)
    return _code(report, check)


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


def _check_stats(job: _Job, places: tuple[str, ...], force: bool) -> None:
    """Refuses a file of statistics that cannot be written where it is to lie, before anything is read."""
    from dedup import runs  # noqa: PLC0415

    if job.stats is None:
        return
    from dedup.report.stats import kind_of  # noqa: PLC0415

    if "://" in job.stats:
        raise BadSettings(f"--stats {job.stats}: expected a file here; write it and copy it there")
    kind_of(job.stats)
    read = [of.path for of in _files(job.corpus, job.references) if not of.url]
    runs.check_file([*places, *read], Path(job.stats), force)


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


class _Working(NamedTuple):
    """How a run works: processes, bytes of memory, the folder of its work files, whether it goes on, and has a page."""

    workers: int
    memory: int
    work_dir: str | None
    resume: bool
    page: bool


class _Job(NamedTuple):
    """What is to be scanned, and how."""

    inputs: tuple[str, ...]
    corpus: Corpus
    settings: Settings
    references: dict[str, Corpus]
    working: _Working
    quiet: bool
    stats: str | None
    lang: str


def _working(choices: dict[str, Any], inputs: tuple[str, ...], out: str) -> _Working:
    working = _Working(*(choices.pop(name) for name in _Working._fields))
    if working.resume and "-" in inputs:
        raise click.UsageError("--resume reads the inputs again, which - (stdin) cannot be")
    if working.resume and working.work_dir is None and (out == "-" or "://" in out):
        raise click.UsageError("--resume needs to know where the work files are: pass --work-dir as then")
    return working._replace(workers=working.workers or _cores())


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _kept(job: _Job, out: str | None) -> Iterator[Kept | None]:
    """Where finished stages are kept until the run has ended well; None where nothing can lie beside the output."""
    from dedup.kept import Kept  # noqa: PLC0415

    folder = _work_folder(job, out)
    if not job.quiet:
        _tell_of_work_files(job, folder)
    if folder is None:
        yield None
        return
    kept = Kept(folder, _described(job), job.working.resume)
    if kept.lost and not job.quiet:
        say(f"dedup: the system was started anew, or is another, and may have lost {', '.join(kept.lost)}; made again")
    elif job.working.resume and not kept.used and not job.quiet:
        say(f"dedup: {folder} holds nothing to go on with; starting anew")
    try:
        yield kept
    except BaseException:
        if "-" in job.inputs:
            kept.discard()  # stdin cannot be read again
        elif kept.used:
            say(f"dedup: what was finished is kept in {folder}; --resume goes on from there")
        kept.close()
        raise
    kept.discard(job.working.workers)


def _work_folder(job: _Job, out: str | None) -> Path | None:
    """The folder for the work files of this output alone (None: stdout): beside it, or in the one that is named."""
    from hashlib import sha256  # noqa: PLC0415

    from dedup import runs  # noqa: PLC0415

    elsewhere = out is None or "://" in out
    place = Path(os.path.realpath("stdout" if out is None or elsewhere else out))
    if job.working.work_dir is None:
        return None if elsewhere else runs.home_of(place) / f".{place.name}.work"
    key = "\0".join(job.inputs) if out is None else out if elsewhere else str(place)
    digest = sha256(os.fsencode(key)).hexdigest()[:8]
    return Path(job.working.work_dir) / f"{place.name}-{digest}.work"


# of work files for a byte of input: 3.3 for Chinese, 6.0 for English passages of some hundred letters; 9.2 where --keep
# and --passage blank make copies of the latter. One less where texts stay where they are, in JSONL that is not packed
_WORK_BYTES = 9
_UNPACKED = 4  # bytes of text that a byte of a packed file becomes, as a rule


def _tell_of_work_files(job: _Job, folder: Path | None) -> None:
    """How large the work files may become where they do not fit into memory, and whether there is room for them."""
    from shutil import disk_usage  # noqa: PLC0415
    from tempfile import gettempdir  # noqa: PLC0415

    folder = folder or Path(gettempdir())
    files = _files(job.corpus, job.references)
    packed = sum(file.bytes for file in files if file.compression or file.format == "parquet")
    estimate = _WORK_BYTES * (sum(file.bytes for file in files) + (_UNPACKED - 1) * packed)
    if estimate <= job.working.memory:
        return
    say(f"dedup: up to about {_in_units(estimate)} of work files go to {folder}")
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = disk_usage(there).free
    if free < estimate:
        say(
            f"dedup: warning: only {_in_units(free)} are free there; make room, or name a folder with more of it with "
            "--work-dir"
        )


def _in_units(size: int) -> str:
    """A number of bytes as `--memory` takes it: at most four digits, and a letter for the rest."""
    for letter in ("", "K", "M", "G"):
        if size < _FOUR_DIGITS:
            return f"{size}{letter}"
        size = (size + 1023) >> 10
    return f"{size}T"


_FOUR_DIGITS = 10_000


def _described(job: _Job) -> dict[str, Any]:
    """What must be equal for a run to go on."""
    import dedup  # noqa: PLC0415
    from dedup.fold_table import FOLD_VERSION  # noqa: PLC0415

    described: dict[str, Any] = {"version of dedup": dedup.__version__, "version of the fold": FOLD_VERSION}
    described.update(job.settings.to_dict())
    reading = job.corpus.reading
    described.update({name: getattr(reading, name) for name in READING})
    sizes = {
        f"input {name}{':' if name else ''}{file.name}": file.bytes
        for name, of in (("", job.corpus), *job.references.items())
        for file in of.files
    }
    return {**described, **sizes, "the order of the inputs": list(sizes)}


def _scanned(job: _Job, stage: Path, kept: Kept | None, page: bool) -> tuple[Report, dict[str, float], Drawn | None]:
    """Scans, and writes findings and families; with the seconds that each stage took and what the *page* shows."""
    from dedup import runs  # noqa: PLC0415
    from dedup.local import judged  # noqa: PLC0415
    from dedup.work import Work  # noqa: PLC0415

    _, corpus, settings, references, working, quiet, *_ = job

    def inputs() -> list[Any]:
        return [[name, *of.inputs()] for name, of in (("", corpus), *references.items())]

    gathering = None
    if page:
        from dedup.report.gathering import Gathering  # noqa: PLC0415
        from dedup.report.page import draw  # noqa: PLC0415

        gathering = Gathering()
    with Work(None, working.memory, working.workers, kept, forks=True) as work:
        bar = Bar(corpus, quiet)
        try:
            if kept is not None and (before := kept.stage("reading")) is not None:
                for _ in chain(bar, *references.values()):
                    pass  # what reading tells beside the articles, and whether they are those of then
                _check_unchanged(before.meta["inputs"], inputs())
            told = judged(bar, settings, work, references, corpus.sources, bar.tell, inputs)
            report = runs.write_told(stage, told, gathering)
        finally:
            bar.close()
        drawn, start = None, time.perf_counter()
        if gathering is not None:
            drawn = draw(told, gathering, runs.sources(corpus), references)
            bar.seconds["page"] = time.perf_counter() - start
    rejected = [
        *corpus.rejected,
        *(record._replace(against=name) for name, of in references.items() for record in of.rejected),
    ]
    runs.write_rejected(stage, rejected)
    report = replace(report, counts={**report.counts, "rejected": len(rejected)})
    return report, bar.seconds, drawn


def _check_unchanged(before: list[Any], now: list[Any]) -> None:
    for (_, *then), (_, *files) in zip(before, now, strict=True):
        if len(then) != len(files):
            raise BadRun(
                "other inputs can be read than in the run that --resume would go on with; start again without it"
            )
        for one, other in zip(then, files, strict=True):
            if one != other:
                raise BadRun(
                    f"{other['name']}: has changed since the run that --resume would go on with; start again without it"
                )


def _write_records(
    job: _Job, report: Report, seconds: dict[str, float], stage: Path, side: Path | None, drawn: Drawn | None
) -> None:
    """Writes the records of a run, its statistics to *side* where that is not None, and the page of what was drawn."""
    from dedup import runs  # noqa: PLC0415
    from dedup.report.records import summary, timings, write_json  # noqa: PLC0415

    corpus, references = job.corpus, job.references
    reading = {
        "text_field": corpus.reading.text_field,
        "id_field": corpus.reading.id_field,
        "encoding": corpus.reading.encoding,
        "on_error": corpus.reading.on_error,
        "rejected_files": corpus.rejected_files(),
        "against": list(references),
        "against_inputs": [{"against": name, **file} for name, of in references.items() for file in of.inputs()],
    }
    figures = None
    if side is not None:
        from dedup.report import stats  # noqa: PLC0415

        start = time.perf_counter()
        table = stats.rows(runs.sourced(corpus.files, corpus.reading), report.findings)
        figures = stats.write_stats(side, side.name, table)
        seconds["stats"] = time.perf_counter() - start
    sums = summary(report, corpus.inputs(), _warnings(corpus, references), reading, figures)
    write_json(stage / "summary.json", sums)
    folders = [folder for each in (corpus, *references.values()) for folder in each.folders]
    if drawn is not None:
        from dedup.report.page import write_drawn  # noqa: PLC0415

        start = time.perf_counter()
        write_drawn(stage / runs.PAGE, sums, drawn, lang=job.lang)
        seconds["page"] += time.perf_counter() - start
    write_json(stage / "timings.json", timings(seconds, corpus.paths(), folders, job.working.workers))


def _clean_to_stdout(job: _Job, places: tuple[str, ...], report_dir: str | None, force: bool, check: bool) -> int:
    """Clean JSONL on stdout and nothing else; the records of the run in *report_dir* where one is named."""
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    from dedup import runs  # noqa: PLC0415

    corpus = job.corpus
    with TemporaryDirectory(prefix="dedup-") as temporary:
        folder = report_dir if report_dir is not None else str(Path(temporary) / "run")
        if report_dir is not None:
            runs.check_places(places, folder, _files(corpus, job.references))
        _check_stats(job, places, force)
        with (
            _kept(job, report_dir) as kept,
            runs.side_file(job.stats, force) as side,
            runs.stage(folder, force) as stage,
        ):
            page = report_dir is not None and job.working.page
            report, seconds, drawn = _scanned(job, stage, kept, page)
            clean_dir = Path(temporary) / "clean"
            clean_dir.mkdir()
            runs.write_clean(corpus, stage / runs.FINDINGS, clean_dir)
            _write_records(job, report, seconds, stage, side, drawn)
        runs.copy_jsonl(corpus, clean_dir, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    _close(job, report, seconds, report_dir)
    return _code(report, check)


def _warnings(corpus: Corpus, references: dict[str, Corpus]) -> list[str]:
    """What reading gave rise to, of references with their names."""
    return [*corpus.warnings, *(f"against {name}: {said}" for name, of in references.items() for said in of.warnings)]


def _close(job: _Job, report: Report, seconds: dict[str, float], out: str | None) -> None:
    """Warnings, and the closing line of sums."""
    from dedup import kernel  # noqa: PLC0415

    if job.quiet:
        return
    for warning in filter(None, (kernel.WARNING, *_warnings(job.corpus, job.references), *report.warnings)):
        say(f"dedup: warning: {warning}")
    counts = report.counts
    share = 100 * (1 - counts["characters_out"] / counts["characters"]) if counts["characters"] else 0.0
    rejected = f"{counts['rejected']:,} rejected, " if counts.get("rejected") else ""
    where = f"; see {out.rstrip('/')}{'/report.html' * job.working.page}" if out is not None else ""
    say(
        f"{counts['articles']:,} articles read, {rejected}{counts['articles_cut']:,} cut whole, "
        f"{counts['articles_changed']:,} shortened; {counts['characters']:,} characters in, "
        f"{counts['characters_out']:,} out ({share:.1f} % cut); {sum(seconds.values()):.1f} s{where}"
    )


def _code(report: Report, check: bool) -> int:
    return int(check and any(of["removed"] and of["kind"] == "duplicate" for of in report.counts["findings"]))
