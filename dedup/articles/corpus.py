"""Files <-> articles: read again and again in one order, rewritten, restored.

Nothing here judges or changes a text. What a file needs to be written back as it was (its BOM, its line ends, every
other field of a record to the byte, records cut whole and their places) is kept by working on the raw bytes.
"""

from __future__ import annotations

import hashlib
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import IO, Any

import orjson

from dedup.articles import parquet, plain, quoted, remote, rows
from dedup.articles.encodings import checked, resolved, shown
from dedup.articles.files import (
    MAX_RECORD,
    MAX_UNPACKED,
    Aside,
    ChangedError,
    FileFault,
    Ids,
    InputFile,
    Meter,
    NoTextError,
    OwnIds,
    PassedOver,
    Reading,
    RecordError,
    Rejected,
    Rewriting,
    Stored,
    encodable,
)
from dedup.articles.packing import chunks
from dedup.articles.places import STDIN_NAME, find
from dedup.articles.wording import are, count, named, printable
from dedup.errors import BadInput, BadSettings
from dedup.kernel.reference import I64, U8
from dedup.model import Article
from dedup.parts import Fault, Given, Part, Records, Room, Settled, memory


class Corpus:
    """Articles in files, to be read as often as needed: each iteration reads the files again, in the same order.

    What only reading can tell (`files`, `warnings`, `digests`, `rejected`) is final after the first complete iteration.
    """

    def __init__(
        self,
        files: Sequence[InputFile],
        reading: Reading | None = None,
        warnings: Sequence[str] = (),
        folders: Sequence[str] = (),
        passed_over: Sequence[PassedOver] = (),
    ) -> None:
        self.folders = tuple(folders)
        """Absolute paths of the folders that were given."""
        self.reading = reading or Reading()
        self._files = tuple(files)
        self._found_warnings = tuple(warnings)
        self._read_warnings: tuple[str, ...] = ()
        self._rejected: tuple[Rejected, ...] = ()
        self._digests: dict[str, str] = {}
        self._stored: dict[str, Stored | None] = {}
        self._encodings: dict[str, str] = {}
        self._no_text: set[str] = set()
        self._not_found = tuple(passed_over)
        self._unreadable: dict[str, PassedOver] = {}
        self._counts: dict[str, int] = {}
        self._complete = False

    @property
    def files(self) -> tuple[InputFile, ...]:
        """The files that hold articles, in reading order, with the encodings that were found.

        What proves to be no text, or unreadable, leaves the list when it is read.
        """
        return tuple(
            replace(file, encoding=self._encodings.get(file.name, file.encoding))
            for file in self._files
            if file.name not in self._no_text and file.name not in self._unreadable
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about what was skipped and about repeated ids; complete after a complete iteration."""
        return self._found_warnings + self._read_warnings

    @property
    def rejected(self) -> tuple[Rejected, ...]:
        """The records and files that could not be read and were passed over, in reading order; after a complete
        iteration.
        """
        return self._rejected

    @property
    def passed_over(self) -> tuple[PassedOver, ...]:
        """The whole files and folders among `rejected`, in reading order; after a complete iteration."""
        return (
            *self._not_found,
            *(self._unreadable[file.name] for file in self._files if file.name in self._unreadable),
        )

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of the stored bytes by file name, for every file of `files` after a complete iteration."""
        return {file.name: self._digests[file.name] for file in self.files if file.name in self._digests}

    @property
    def complete(self) -> bool:
        """Whether an iteration has come to its end, so that `files`, `warnings` and `digests` are final."""
        return self._complete

    @property
    def total_bytes(self) -> int:
        """Bytes that one iteration reads, as stored: the sum of what it reports to *progress*."""
        return sum(file.bytes for file in self._files)

    def inputs(self) -> list[dict[str, Any]]:
        """What summary.json says about the inputs; after a complete iteration."""
        digests = self.digests
        return [
            {
                "name": file.name,
                "format": file.format,
                "compression": file.compression,
                "encoding": file.encoding,
                "sha256": digests[file.name],
                "bytes": file.bytes,
            }
            for file in self.files
        ]

    def rejected_files(self) -> list[dict[str, Any]]:
        """What summary.json says about files and folders that were passed over; after a complete iteration."""
        return [{"name": of.name, "sha256": of.sha256} for of in self.passed_over]

    def paths(self) -> dict[str, str]:
        """Where every file lies by its name: absolute path, URL, "-" for stdin; what timings.json says about inputs."""
        rejected = [of.file for of in self.passed_over if of.file is not None]
        return {file.name: _absolute(file) for file in (*self.files, *rejected)}

    @property
    def counts(self) -> Mapping[str, int]:
        """How many articles each file has, by its name; after a complete iteration."""
        return self._counts

    def sources(self) -> list[tuple[str, int]]:
        """(source, articles of it in a row) in reading order; after a complete iteration.

        A source is a file of records, or the folder in which text files lie; folders inside it are sources of their
        own. They are called as in the output, the folder at the top by its last part: the same on every machine.
        """
        sources: list[tuple[str, int]] = []
        last = ""
        for file in self.files:
            folder = file.url.rpartition("/")[0] if file.url else str(file.path.parent)
            place = folder if file.format == "text" else f"{folder}/{file.name}"
            articles = self._counts[file.name]
            if sources and last == place:
                source, before = sources.pop()
                articles += before
            elif file.format != "text":
                source = file.name
            else:
                source = file.name.rpartition("/")[0] or _last_part(file)
            last = place
            sources.append((source, articles))
        return sources

    def __iter__(self) -> Iterator[Article]:
        return self.iterate()

    def iterate(self, progress: Callable[[int], object] | None = None) -> Iterator[Article]:
        """The articles in order; *progress* is told how many more bytes, as stored, have been read.

        Raises:
            BadInput: a file or record cannot be read as what it should be, has changed since it was last read, a given
                id field repeats an id, or there is no article at all; the message says where and what to do.
        """
        reading = self.begin(None, progress)
        for part in reading.parts():
            records = part.records()
            ids, rows, error = reading.settle(records)
            taken = range(len(ids)) if rows is None else rows
            for id, row in zip(ids, taken, strict=True):
                yield Article.of(id, records.texts[row], records.fields[row])
            if error is not None:
                raise error
        reading.finish()

    def begin(self, fields: Sequence[str] | None = None, progress: Callable[[int], object] | None = None) -> _Pass:
        """Begins to read in parts; see `dedup.parts.Partible`, and `iterate` for the errors."""
        return _Pass(self, None if fields is None else tuple(fields), progress)

    def texts_at(self, file: int, starts: I64, ends: I64, lengths: I64) -> tuple[U8, I64]:
        """Texts that were read before; see `dedup.parts.Partible`."""
        read = self._files[file]
        try:
            return quoted.texts_at(read, self._stored[read.name], starts, ends, lengths)
        except ChangedError:
            meter = Meter()
            for _ in chunks(read, meter, self.reading.max_unpacked):
                pass
            if meter.sha256() != self._digests[read.name]:
                raise
        self._stored[read.name] = meter.stored  # its bytes are the same
        return quoted.texts_at(read, meter.stored, starts, ends, lengths)

    def _resolved(self, file: InputFile) -> InputFile:
        """The file with its encoding."""
        if file.format == "parquet":
            return file
        if file.name not in self._encodings:
            self._encodings[file.name] = resolved(file, self.reading)
        return replace(file, encoding=self._encodings[file.name])

    def _warnings_of(self, ids: Ids) -> Iterator[str]:
        no_text = [file.name for file in self._files if file.name in self._no_text]
        if no_text:
            what = "" if self.reading.encoding == "auto" else f"{shown(self.reading.encoding)} "
            yield f"skipped {count(no_text, 'file')} that {are(no_text)} no {what}text: {named(no_text)}"
        if self.reading.encoding == "auto":
            by_name = Counter(file.encoding for file in self.files if file.encoding not in ("", "utf-8"))
            for name, files in sorted(by_name.items()):
                of = [file.name for file in self.files if file.encoding == name]
                yield f"took {files} file{'s' * (files > 1)} for {shown(name)}: {named(of)}"
        if ids.repeats:
            yield (
                f"gave {count(ids.repeats, 'article')} with a repeated id the id file:line instead: "
                f"{named(ids.repeats)}"
            )


class _Pass:
    """One reading of a corpus; see `dedup.parts.Pass`."""

    def __init__(
        self, corpus: Corpus, wanted: tuple[str, ...] | None, progress: Callable[[int], object] | None
    ) -> None:
        self._corpus = corpus
        self._wanted = wanted
        self._progress = progress
        self._ids = Ids(corpus.reading.id_field)
        self._counts = [0] * len(corpus._files)
        self._rejected: list[list[Rejected]] = [[] for _ in corpus._files]
        self._total = corpus.total_bytes
        self._read = 0

    def _note(self, size: int) -> None:
        self._read += size
        if self._progress is not None:
            self._progress(size)

    def share(self) -> float:
        """Of the bytes as stored."""
        return min(self._read / max(self._total, 1), 1)

    def parts(self, room: Room = memory) -> Iterator[Part]:
        """The records of all files; text files share parts."""
        texts: list[Records] = []
        characters = 0
        try:
            for number, file in enumerate(self._corpus._files):
                parts = self._of_file(number, file, room)
                if file.format == "text":
                    for part in parts:
                        texts.append(part.records())
                        characters += len(texts[-1].texts[0])
                if texts and (file.format != "text" or characters >= rows.PART or len(texts) >= _TEXTS):
                    yield _together(texts)
                    texts, characters = [], 0
                if file.format != "text":
                    yield from parts
        except Exception:
            if texts:  # what is wrong with these comes first
                yield _together(texts)
            raise
        if texts:
            yield _together(texts)

    def _of_file(self, number: int, file: InputFile, room: Room) -> Iterator[Part]:
        """The parts of a file, if it is not passed over."""
        corpus = self._corpus
        if file.name in corpus._unreadable:
            return
        meter = Meter(self._note)
        begun = False
        try:
            self._check_readable(file)
            for part in _parts(number, corpus._resolved(file), corpus.reading, self._wanted, meter, room):
                begun = True
                yield part
        except NoTextError as fault:
            if file.given and not corpus.reading.skips:
                raise BadInput(
                    f"{file.shown}: {fault}; convert it to UTF-8 text, or name its encoding with --encoding"
                ) from None
            if file.given:
                self._pass_over(file, str(fault))
            else:
                corpus._no_text.add(file.name)
        except FileFault as fault:
            if not corpus.reading.skips or begun or file.name in corpus._digests:
                raise
            self._pass_over(file, fault.reason)
        if file.name in corpus._unreadable:
            return
        digest = meter.sha256()
        if corpus._digests.setdefault(file.name, digest) != digest:
            raise ChangedError(file)
        corpus._stored[file.name] = meter.stored

    def _check_readable(self, file: InputFile) -> None:
        """Reads a file of records once before its first article is given away, if files may be passed over: they are
        passed over whole or not at all.
        """
        corpus = self._corpus
        if not corpus.reading.skips or file.format == "text" or file.name in corpus._digests:
            return
        (parquet if file.format == "parquet" else rows).check(corpus._resolved(file), corpus.reading)

    def _pass_over(self, file: InputFile, reason: str) -> None:
        self._corpus._unreadable[file.name] = PassedOver(file.name, reason, file, _digest(file))

    def settle(self, records: Records) -> Settled:
        """Gives ids; a record whose id repeats where it must not is one that cannot be read."""
        skips = self._corpus.reading.skips
        if not records.faults and self._ids.claimed(records.ids):
            for number, count in records.files:
                self._counts[number] += count
            return Settled(records.ids)
        ids: list[str] = []
        taken: list[int] = []
        faults = list(records.faults)
        of_file = (number for number, count in records.files for _ in range(count))
        for row, (number, line, own) in enumerate(zip(of_file, records.lines, records.ids, strict=True)):
            file = self._corpus._files[number]
            try:
                ids.append(self._ids.claim(own, file, line))
            except RecordError as fault:
                if not skips or not line:
                    return Settled(ids, taken, fault.at(file, line) if line else fault)
                faults.append(Fault(line, fault.reason, fault.advice))
            else:
                taken.append(row)
                self._counts[number] += 1
        number, _ = records.files[0]
        if faults and not skips:
            line, reason, advice = faults[0]
            return Settled(ids, taken, RecordError(reason, advice, self._corpus._files[number], line))
        self._rejected[number] += (Rejected(self._corpus._files[number].name, *of[:2]) for of in sorted(faults))
        return Settled(ids, taken)

    def finish(self) -> None:
        """Tells the corpus what its reading told. Raises BadInput if there was no article."""
        corpus = self._corpus
        rejected = [of.rejected() for of in corpus._not_found]
        for file, of_file in zip(corpus._files, self._rejected, strict=True):
            rejected += of_file
            if file.name in corpus._unreadable:
                rejected.append(corpus._unreadable[file.name].rejected())
        if not any(self._counts):
            what = f" that can be read ({_told(rejected)})" if rejected else ""
            shown = named([file.shown for file in corpus._files])
            raise BadInput(f"{shown}: holds no article{what}; name other inputs")
        corpus._counts = {file.name: articles for file, articles in zip(corpus._files, self._counts, strict=True)}
        corpus._rejected = tuple(rejected)
        corpus._read_warnings = tuple(corpus._warnings_of(self._ids))
        corpus._complete = True


_TEXTS = 1 << 12  # text files in a part


def _together(texts: Sequence[Records]) -> Part:
    """Text files as one part."""
    columns = zip(*(of[:-1] for of in texts), strict=True)
    files, lines, ids, strings, fields, faults = (list(chain(*column)) for column in columns)
    return Given(Records(files, lines, ids, strings, fields, faults))


def _parts(
    number: int, file: InputFile, reading: Reading, wanted: tuple[str, ...] | None, meter: Meter, room: Room
) -> Iterator[Part]:
    """The parts of one file, whose encoding is known; see `dedup.articles.rows.parts`."""
    if file.format not in ("text", "parquet"):
        yield from rows.parts(file, number, reading, wanted, meter, room)
        return
    if file.format == "parquet" and wanted is not None:
        yield from parquet.parts(file, number, reading, wanted, meter, rows.PART, room)
        return
    lines: list[int] = []
    articles: list[Article] = []
    faults: list[Fault] = []
    characters = 0
    try:
        for line, found in _numbered(file, reading, OwnIds(reading.id_field), meter):
            if isinstance(found, RecordError):
                faults.append(Fault(line, found.reason, found.advice))
                continue
            lines.append(line)
            articles.append(found)
            characters += len(found.text)
            if characters >= rows.PART:
                yield Given(rows.records_of(number, lines, articles, faults, wanted))
                lines, articles, faults, characters = [], [], [], 0
    except BadInput:
        if articles or faults:  # what is wrong with these comes first
            yield Given(rows.records_of(number, lines, articles, faults, wanted))
        raise
    if articles or faults:
        yield Given(rows.records_of(number, lines, articles, faults, wanted))


def _told(rejected: Sequence[Rejected]) -> str:
    """How much was rejected, and why the first."""
    files = [record for record in rejected if record.line is None]
    records = [record for record in rejected if record.line is not None]
    counts = [count(of, what) for of, what in ((records, "record"), (files, "file")) if of]
    return f"{' and '.join(counts)} rejected; {rejected[0].file}: {rejected[0].reason}"


def _digest(file: InputFile) -> str | None:
    """SHA-256 of its stored bytes; None where they cannot be read."""
    try:
        if file.url:
            return remote.sha256(file.url)
        with file.path.open("rb") as stored:
            return hashlib.file_digest(stored, "sha256").hexdigest()
    except (BadInput, OSError):
        return None


def _last_part(file: InputFile) -> str:
    """Of the folder in which it lies."""
    folder = file.url.rpartition("/")[0].rpartition("/")[2] if file.url else file.path.parent.resolve().name
    return printable(folder) or "root"


def _absolute(file: InputFile) -> str:
    if file.url:
        return file.url
    if file.shown == STDIN_NAME and file.path.name.startswith("dedup-stdin-"):
        return "-"
    return printable(str(file.path.absolute()))


def articles_of(file: InputFile, reading: Reading, ids: Ids) -> Iterator[Article]:
    """The articles of one file, whose encoding is known; *ids* is shared by all files of its corpus, read in order."""
    for _, article in _numbered(file, reading, ids, Meter()):
        if isinstance(article, Article):
            yield article


def _numbered(file: InputFile, reading: Reading, ids: Ids, meter: Meter) -> Iterator[tuple[int, Article | RecordError]]:
    """The articles of a file by their lines, or why a line has none."""
    if file.format == "parquet":
        return parquet.articles(file, reading, ids, meter)
    if file.format == "text":
        return plain.articles(file, reading, ids, meter)
    return rows.articles(file, reading, ids, meter)


def read_articles(
    *inputs: str | Path,
    text_field: str = "text",
    id_field: str | None = None,
    encoding: str = "utf-8",
    on_error: str = "fail",
    max_record: int = MAX_RECORD,
    max_unpacked: int = MAX_UNPACKED,
) -> Corpus:
    """The articles in files and folders.

    A folder is read at any depth, its files sorted by relative path. `.jsonl`, `.ndjson`, `.csv`, `.tsv` and `.parquet`
    hold one article a row, every other text file is one article; each may be compressed (`.gz`, `.zst`, `.bz2`, `.xz`).
    `-` is JSONL on stdin; a pattern such as `news/**/*.csv` and a URL that fsspec reads will do too. Hidden files,
    symbolic links inside folders, and files that are no text are skipped with a warning.

    An article's id is the relative path for a text file; for a record the field *id_field* where given, else the field
    "id" where there is one, else `file:line` (in CSV and Parquet the row, counted as a spreadsheet does: the header of
    a CSV file is row 1, the first row of a Parquet file too).

    Args:
        inputs: files, folders, patterns, URLs, or "-".
        text_field: the field or column of a record that holds the text. All others become the fields of the article.
        id_field: the one that holds its id: each record must have it, and none may repeat.
        encoding: of all files but Parquet; "auto": UTF-8 where it fits, else what charset-normalizer says.
        on_error: "fail" at the first record or file that cannot be read, or "skip" it; see `Corpus.rejected`. What is
            named here must exist all the same.
        max_record: the longest record or text file, in bytes, unpacked.
        max_unpacked: the most that a compressed or Parquet file may unpack to, in bytes.

    Raises:
        BadSettings: there is no such encoding, or *on_error* is neither of the two.
        BadInput: an input cannot be used, or two would have the same name in the output. Errors in the files
            themselves are raised when they are read.
    """
    if not inputs:
        raise BadInput("no input; name files or folders, or - for JSONL on stdin")
    if on_error not in ("fail", "skip"):
        raise BadSettings(f'on_error must be fail or skip, found "{on_error}"; choose one of the two')
    for name, value in (("text_field", text_field), ("id_field", id_field)):
        if value is not None and not encodable(value):
            raise BadSettings(f"{name} must be UTF-8, found {value!r}; see to the encoding of your terminal")
    reading = Reading(text_field, id_field, checked(encoding), on_error, max_record, max_unpacked)
    places = find(inputs, reading.encoding, reading.skips)
    folders = [str(Path(place).absolute()) for place in inputs if not remote.is_url(place) and Path(place).is_dir()]
    corpus = Corpus(
        places.files, reading, places.warnings, [printable(folder) for folder in folders], places.passed_over
    )
    if places.spool is not None:
        weakref.finalize(corpus, places.spool.unlink, missing_ok=True)
    if not places.files:
        told = [*places.warnings, *(f"{of.name}: {of.reason}" for of in places.passed_over)]
        why = f" ({'; '.join(told)})" if told else "; name other inputs"
        raise BadInput(f"{named([str(place) for place in inputs])}: holds no article{why}")
    return corpus


def rewrite_file(
    file: InputFile,
    judge: Callable[[str, str], str | None],
    clean_path: Path,
    dropped_path: Path,
    rejected_path: Path | None = None,
    *,
    ids: Ids,
    reading: Reading | None = None,
    progress: Callable[[int], object] | None = None,
) -> Rewriting:
    """Writes one file of a corpus with other texts, all else to the byte as it was.

    A record or text file for which *judge* returns None goes to *dropped_path* verbatim, which is written for nothing
    else; a record that cannot be read, if such are passed over, to *rejected_path*. A text file that is cut whole
    leaves no clean file, a file of records always leaves one.

    Args:
        file: of a corpus that has been read: its encoding must be known.
        judge: (article id, text) -> the text to write, or None if the article is cut whole.
        ids: shared by all files of the corpus, which are rewritten in its order.
    """
    reading, meter = reading or Reading(), Meter(progress)
    if file.format == "text":
        return plain.rewrite(file, judge, clean_path, dropped_path, reading, ids, meter)
    rewrite = parquet.rewrite if file.format == "parquet" else rows.rewrite
    aside = (dropped_path, rejected_path or dropped_path.with_name(f"{dropped_path.name}.rejected"))
    return rewrite(file, judge, clean_path, aside, reading, ids, meter)


def restore_file(
    file: InputFile,
    aside: Aside,
    restore: Callable[[str, str], str],
    path: Path,
    *,
    ids: Ids,
    reading: Reading | None = None,
) -> None:
    """Writes the original of a file of records, or of a text file that was not cut whole: undoes `rewrite_file`.

    Args:
        file: the clean file, under its name in the corpus.
        aside: what of the original is not in it.
        restore: (article id, clean text) -> original text.
        path: where the original is written, compressed as the clean file is.
        ids: shared by all files of the corpus, which are restored in its order.

    Raises:
        BadRun: the records that lie aside do not fit their numbers.
    """
    reading = reading or Reading()
    undo = {"text": plain.restore, "parquet": parquet.restore}.get(file.format, rows.restore)
    undo(file, aside, restore, path, reading, ids)


def write_jsonl(file: InputFile, reading: Reading, out: IO[bytes]) -> None:
    """Writes the articles of one file to *out* as JSONL: records as they are, a text file as one with its id."""
    if file.format == "text":
        record = {"id": file.name, reading.text_field: plain.text_of(file, reading)}
        out.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
    else:
        (parquet if file.format == "parquet" else rows).jsonl_of(file, reading, out)
