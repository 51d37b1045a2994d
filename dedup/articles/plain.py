"""Text files: one article each, its bytes given back as they were."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from dedup.articles import remote
from dedup.articles.encodings import decoded, shown
from dedup.articles.files import Aside, FileFault, Ids, InputFile, Meter, NoTextError, Reading, Rewriting
from dedup.articles.packing import chunks, written
from dedup.articles.wording import size as shown_size
from dedup.errors import BadInput, BadRun
from dedup.model import Article


def _text(file: InputFile, meter: Meter, reading: Reading) -> tuple[str, str]:
    """(BOM or nothing, text) of a text file."""
    return decoded(file, b"".join(_bounded(file, meter, reading)))


def _bounded(file: InputFile, meter: Meter, reading: Reading) -> Iterator[bytes]:
    total = 0
    for chunk in chunks(file, meter, reading.max_unpacked):
        total += len(chunk)
        if total > reading.max_record:
            raise FileFault(
                file,
                f"expected an article of at most {shown_size(reading.max_record)} bytes, found a longer one",
                "split it, pass --max-record with a greater number, or leave it out",
            )
        yield chunk


def articles(file: InputFile, reading: Reading, ids: Ids, meter: Meter) -> Iterator[tuple[int, Article]]:
    """The one article, as in line 0. Raises NoTextError if the file is no text."""
    _, text = _text(file, meter, reading)
    yield 0, Article.of(ids.of_text(file), text, {})


def rewrite(
    file: InputFile,
    judge: Callable[[str, str], str | None],
    clean_path: Path,
    dropped_path: Path,
    reading: Reading,
    ids: Ids,
    meter: Meter,
) -> Rewriting:
    """See `rewrite_file`."""
    try:
        bom, text = _text(file, meter, reading)
    except NoTextError as fault:
        raise BadInput(f"{file.shown}: {fault}; start again when nothing writes to it") from None
    clean = judge(ids.of_text(file), text)
    if clean is None:
        dropped_path.parent.mkdir(parents=True, exist_ok=True)
        copy(file, dropped_path)
        return Rewriting((1,), meter.sha256())
    with written(clean_path, file.compression) as out:
        out.write(_encoded(file, bom + clean))
    return Rewriting((), meter.sha256(), not bom and clean.startswith("\ufeff"))


def _encoded(file: InputFile, text: str) -> bytes:
    try:
        return text.encode(file.encoding)
    except UnicodeEncodeError as error:  # half of a character that the encoding has only whole
        raise BadInput(
            f"{file.shown}: {shown(file.encoding)} cannot write what a cut leaves at character {error.start}; convert "
            "the file to UTF-8"
        ) from None


def copy(file: InputFile, path: Path) -> None:
    """Copies its stored bytes."""
    if not file.url:
        shutil.copyfile(file.path, path)
        return
    remote.copy(file.url, path)


def restore(
    file: InputFile, aside: Aside, original: Callable[[str, str], str], path: Path, reading: Reading, ids: Ids
) -> None:
    """See `restore_file`."""
    try:
        bom, text = _text(file, Meter(), reading)
    except NoTextError as fault:
        raise BadRun(f"{file.shown}: {fault}; it was changed after the run") from None
    if not aside.bom:
        bom, text = "", bom + text  # U+FEFF belongs to the text
    text = original(ids.of_text(file), text)
    with written(path, file.compression) as out:
        out.write(_encoded(file, bom + text))


def text_of(file: InputFile, reading: Reading) -> str:
    """The text alone."""
    return _text(file, Meter(), reading)[1]
