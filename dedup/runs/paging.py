"""The page of a run, and what the page shows beside it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, get_args

from dedup.articles import Corpus, Ids, InputFile, Reading, articles_of, remote
from dedup.errors import BadRun
from dedup.model import Article, Grain, Place
from dedup.report.page import Originals, write_page
from dedup.report.records import write_json
from dedup.runs.folder import local_run, read_inputs, read_json, read_record, read_summary, regular_file
from dedup.runs.lines import Reread, iter_families, iter_findings
from dedup.runs.names import CLEAN, FAMILIES, FINDINGS, PAGE, TUNED
from dedup.runs.restoring import restored_files
from dedup.runs.staging import being_written, put_in_place


def sourced(files: Iterable[InputFile], reading: Reading) -> Iterator[tuple[str, Article]]:
    """(source, article) of files that have been read: the source is a file of records, or the folder of a text."""
    ids = Ids(reading.id_field)
    for file in files:
        for article in articles_of(file, reading, ids):
            yield _source(file), article


def sources(corpus: Corpus) -> Iterator[tuple[str, int]]:
    """(source, articles of it in a row) of a corpus that has been read, in the order of reading."""
    return ((_source(file), corpus.counts[file.name]) for file in corpus.files)


def _source(file: InputFile) -> str:
    return file.name if file.format != "text" else f"{PurePosixPath(file.name).parent}/"


def write_report(run: Path, lang: str = "en", page: Path | None = None) -> str:
    """Writes the page of the run in a folder; the originals are rebuilt after `clean`, read again after `scan`.

    Args:
        run: the folder.
        lang: "en" or "zh".
        page: the file; default: report.html in the folder.

    Returns:
        why the originals could not be read, so that the page lacks the texts that stay; empty where they could.

    Raises:
        BadRun, BadInput: the run's folder is damaged.
    """
    page = page or run / PAGE
    record = read_record(run)
    if os.path.lexists(run / CLEAN):
        with TemporaryDirectory(prefix="dedup-") as scratch:
            files = restored_files(run, record, Path(scratch))
            _write_report(run, lang, Originals(lambda: sourced(files, record.reading)), page)
        return ""
    try:
        inputs = read_inputs(run, record, run)
    except BadRun as error:  # they came from a pipe, are gone or changed
        _write_report(run, lang, None, page)
        return str(error)
    _write_report(run, lang, Originals(lambda: sourced(inputs, record.reading)), page)
    return ""


def _write_report(run: Path, lang: str, originals: Originals | None, page: Path) -> None:
    findings = Reread(regular_file(run, FINDINGS), iter_findings)
    families = Reread(regular_file(run, FAMILIES), iter_families)
    write_page(page, read_summary(run), findings, families, originals, read_tuned(run), lang)


def renew_page(run: str | Path, lang: str = "en") -> str:
    """Writes report.html of a run again from what lies in its folder, which may lie elsewhere.

    Returns:
        see `write_report`.

    Raises:
        BadInput: a line of findings.jsonl or families.jsonl cannot be read.
        BadRun: the folder is not that of a run, or cannot be written.
    """
    with local_run(run) as place, TemporaryDirectory(prefix="dedup-") as temporary:
        reason = write_report(place, lang, page=Path(temporary) / PAGE)
        if remote.is_url(run):
            remote.send(Path(temporary), str(run), PAGE)
        else:
            with being_written(place):
                put_in_place(Path(temporary) / PAGE, place / PAGE)
    return reason


def read_tuned(run: Path) -> dict[str, Any] | None:
    """The tune.json of a run, None where there is none.

    Raises:
        BadRun: it is damaged.
    """
    path = run / TUNED
    if not path.exists():
        return None
    tuned = read_json(path)
    try:
        for step in tuned["steps"]:
            _ = [float(step["threshold"]), *(int(step[name]) for name in ("articles", "passages", "characters"))]
        for pair in tuned["pairs"]:
            Place.from_dict(pair["source"])
            _ = [float(pair["similarity"]), float(pair["step"]), int(pair["start"]), int(pair["end"])]
            if pair["grain"] not in get_args(Grain) or not all(
                isinstance(pair[name], str) for name in ("article", "text", "source_text")
            ):
                raise ValueError("a pair is not one")
        _ = [int(tuned["articles"]), int(tuned["characters"])]
    except (KeyError, TypeError, ValueError) as error:
        raise BadRun(f"{path}: is not what `dedup tune` wrote ({error!r}); tune again, or remove it") from None
    return tuned


def write_tuned(run: str | Path, tuned: Mapping[str, Any], lang: str = "en") -> None:
    """Writes tune.json into the folder of a run, and its page again.

    Raises:
        BadRun: there is no run here.
    """
    folder = Path(run)
    read_summary(folder)
    with being_written(folder):
        write_json(folder / TUNED, tuned)
        renew_page(folder, lang)
