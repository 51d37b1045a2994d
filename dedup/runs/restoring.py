"""The articles as they were, out of a run's folder."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from dedup.articles import Aside, Ids, InputFile, Reading, articles_of, restore_file
from dedup.errors import BadInput, BadRun
from dedup.model import Article, Finding
from dedup.rewriting import cut_whole, restore_text
from dedup.runs.by_article import ByArticle
from dedup.runs.cleaning import add_text
from dedup.runs.folder import (
    PlaceLine,
    Record,
    entry_of,
    files_passed_over,
    local_run,
    read_inputs,
    read_places,
    read_record,
    regular_file,
    sha256_of,
)
from dedup.runs.names import CLEAN, DROPPED, FINDINGS, PLACES, REJECTED
from dedup.runs.staging import check_places, replace_files, staged


def restore_run(run: str | Path, out: str | Path, force: bool = False) -> list[str]:
    """Writes the original files of a cleaned run to their relative paths under *out*.

    Text files come back byte for byte, the records of other files equal in every field and in their order, those that
    could not be read as they were, and Parquet with its schema and row groups.

    Returns:
        the names of files and folders that the run could not read at all, and that are not restored.

    Raises:
        BadRun: the run has no clean articles, its folder is damaged or was changed, or *out* cannot be used.
    """
    check_places([run], out)
    with local_run(run) as place:
        record = read_record(place)
        if not os.path.lexists(place / CLEAN):
            raise BadRun(f"{run}: holds no {CLEAN}/, so nothing was changed; the inputs are the originals")
        with staged(out, force, replace_files) as folder:
            for _ in restored_files(place, record, folder, keep=True):
                pass
            for of in files_passed_over(place, record, True, out):
                if of.file is not None:
                    path = folder / of.name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(of.file.path, path)
        return [name for name, digest in record.rejected.items() if digest is None]


def read_originals(run: str | Path) -> Iterator[Article]:
    """The articles of a run as they were read, in their order: rebuilt after `clean`, read again after `scan`.

    Raises:
        BadRun: the run's folder is damaged, or an input has changed or is gone.
    """
    with local_run(run) as place, TemporaryDirectory(prefix="dedup-") as scratch:
        record = read_record(place)
        ids = Ids(record.reading.id_field)
        cleaned = os.path.lexists(place / CLEAN)
        files = restored_files(place, record, Path(scratch)) if cleaned else iter(read_inputs(place, record, scratch))
        for file in files:
            yield from articles_of(file, record.reading, ids)


def restored_files(run: Path, record: Record, folder: Path, keep: bool = False) -> Iterator[InputFile]:
    """The original files, written to *folder* one by one; each is deleted when the next is asked for, unless *keep*."""
    places = read_places(run, record)
    try:
        findings = ByArticle(regular_file(run, FINDINGS))
    except BadInput as error:
        raise BadRun(str(error)) from None
    with findings:
        ids = Ids(record.reading.id_field)
        for file in record.inputs:
            path = folder / file.name
            place = places.get(file.name, PlaceLine())
            clean, dropped, rejected = (entry_of(run, part, file.name) for part in (CLEAN, DROPPED, REJECTED))
            if file.format == "text" and clean is None and dropped is not None:
                ids.of_text(file)
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(dropped, path)
            elif clean is None:
                raise BadRun(f"{run / CLEAN / file.name}: is missing; take the run folder as the run left it")
            elif (dropped is not None and not place.lines) or (rejected is not None and not place.rejected):
                raise BadRun(
                    f"{dropped or rejected}: is not accounted for in {PLACES}; take the run folder as the run left it"
                )
            else:
                aside = Aside(dropped, place.lines, rejected, place.rejected, place.row_groups, place.blanks, place.bom)
                _restore_one(file, aside, place.texts, findings, path, ids=ids, reading=record.reading)
            if file.format == "text" and not file.compression and sha256_of(path) != record.digests[file.name]:
                raise _changed(file.path)
            yield replace(file, path=path, shown=file.name, bytes=path.stat().st_size)
            if not keep:
                path.unlink()


def _restore_one(
    file: InputFile,
    aside: Aside,
    digest: str | None,
    findings: ByArticle,
    path: Path,
    *,
    ids: Ids,
    reading: Reading,
) -> None:
    texts = hashlib.sha256()

    def restore(id: str, text: str) -> str:
        original = _original(text, [finding for _, finding in findings.of(id)], file.path)
        add_text(texts, original)
        return original

    try:
        restore_file(file, aside, restore, path, ids=ids, reading=reading)
    except BadInput as error:
        raise BadRun(str(error)) from None
    if digest not in (None, texts.hexdigest()):
        raise _changed(file.path)


def _original(text: str, findings: Sequence[Finding], clean: Path) -> str:
    if cut_whole(findings) is not None:
        raise _changed(clean)
    try:
        return restore_text(text, findings) if findings else text
    except BadInput:
        raise _changed(clean) from None


def _changed(path: Path) -> BadRun:
    return BadRun(
        f"{path}: does not give the original back with the {FINDINGS} beside it; one of the two was changed after the "
        "run. Undo that; edited findings belong in a file of their own, for `dedup apply --findings`"
    )
