"""A run applied again, by findings that may have been edited."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import orjson

from dedup.articles import InputFile, Reading
from dedup.errors import BadInput
from dedup.model import Finding
from dedup.rewriting import CutCounts
from dedup.runs.by_article import ByArticle
from dedup.runs.cleaning import Judged, keep_rejected, write_articles
from dedup.runs.folder import (
    files_passed_over,
    input_folders,
    local_run,
    read_inputs,
    read_record,
    read_summary,
    regular_file,
)
from dedup.runs.lines import finding_line, iter_families
from dedup.runs.names import CLEAN, FAMILIES, FINDINGS, REJECTS, SUMMARY, TIMINGS
from dedup.runs.paging import write_report
from dedup.runs.restoring import restored_files
from dedup.runs.staging import check_places, stage

_ORIGINALS = ".originals"


def apply_run(
    run: str | Path,
    out: str | Path,
    findings_path: str | Path | None = None,
    force: bool = False,
    keep_families: Sequence[str] = (),
    lang: str = "en",
) -> None:
    """Rewrites the articles of a run again, by findings that may have been edited, without scanning them again.

    After `clean` the originals are rebuilt from the run's folder; after `scan` the inputs are read again.

    Args:
        run: the folder of a run.
        out: the folder of the new run.
        findings_path: edited findings; default: those of the run.
        keep_families: names of families whose members all stay.
        lang: of the page, "en" or "zh".

    Raises:
        BadInput: a finding does not fit its article, or its article is unknown; the message names its line.
        BadRun: the run's folder is damaged, an input has changed or is gone, or *out* cannot be used.
    """
    check_places([run], out)
    with local_run(run) as folder:
        _apply_run(folder, out, findings_path, force, keep_families, lang)


def _kept_on(run: Path, keep_families: Sequence[str]) -> Callable[[Finding], Finding] | None:
    """What makes of a finding of the families named one that is not removed any more.

    A block or a remnant, which is of no family itself, stays as a whole where it holds a member of one of them.

    Raises:
        BadInput: there is no such family.
    """
    if not keep_families:
        return None
    places: dict[str, dict[str, list[tuple[int, int]]]] = {name: {} for name in keep_families}
    found = set()
    for family in iter_families(regular_file(run, FAMILIES)):
        if family.family in places:
            found.add(family.family)
            for member in family.members:
                spans = places[family.family].setdefault(member.place.article, [])
                spans.append((member.place.start, member.place.end))
    for name in keep_families:
        if name not in found:
            near = get_close_matches(name, [family.family for family in iter_families(run / FAMILIES)], 3, 0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"their names are in {FAMILIES} and {FINDINGS}"
            raise BadInput(f"--keep-family {name}: the run has no family of that name; {hint}")
    by_article: dict[str, list[tuple[int, int]]] = {}
    for members in places.values():
        for article, spans in members.items():
            by_article.setdefault(article, []).extend(spans)

    def kept_on(finding: Finding) -> Finding:
        kept = finding.family in places
        if finding.kind == "duplicate" and finding.family is None:
            spans = by_article.get(finding.article, [])
            kept = any(finding.start <= start and end <= finding.end for start, end in spans)
        return replace(finding, removed=finding.removed and not kept)

    return kept_on


def _apply_run(
    run: Path, out: str | Path, findings_path: str | Path | None, force: bool, keep_families: Sequence[str], lang: str
) -> None:
    record = read_record(run)
    check_places(input_folders(run), out)
    path = Path(findings_path) if findings_path is not None else regular_file(run, FINDINGS)
    with ByArticle(path, _kept_on(run, keep_families)) as found:
        cleaned = os.path.lexists(run / CLEAN)
        inputs = [] if cleaned else read_inputs(run, record, out)
        with stage(out, force) as folder:
            scratch = folder / _ORIGINALS
            files = restored_files(run, record, scratch) if cleaned else iter(inputs)
            counts = _write_applied(files, found, folder, record.reading)
            keep_rejected(files_passed_over(run, record, cleaned, out), folder)
            shutil.rmtree(scratch, ignore_errors=True)
            for name in (FAMILIES, TIMINGS, *([REJECTS] if (run / REJECTS).exists() else [])):
                shutil.copyfile(regular_file(run, name), folder / name)
            _write_summary(folder / SUMMARY, read_summary(run), counts)
            write_report(folder, lang)


def _write_applied(files: Iterable[InputFile], findings: ByArticle, folder: Path, reading: Reading) -> CutCounts:
    """Writes the articles, and findings.jsonl as the findings of each are applied; what they sum up to."""
    counts = CutCounts()
    with (folder / FINDINGS).open("wb") as file:

        def tell(own: list[Finding]) -> None:
            counts.add(own)
            file.writelines(map(finding_line, own))

        write_articles(files, Judged(findings, named=True, tell=tell), folder, reading=reading)
    return counts


def _write_summary(path: Path, summary: dict[str, Any], cuts: CutCounts) -> None:
    """Writes the summary of a run with the counts that follow from other findings."""
    counts = summary.get("counts")
    if isinstance(counts, dict) and isinstance(counts.get("characters"), int):
        counts.update(cuts.to_dict(counts["characters"]))
    path.write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
