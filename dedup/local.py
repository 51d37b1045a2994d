"""`scan` on one machine: the only place that knows the order of the judgements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup import frames
from dedup.blocks import Block, Passages, find_blocks
from dedup.candidates import Keys, Signed, keys_of, meeting_in_runs, nested_keys
from dedup.errors import BadSettings
from dedup.families import (
    Match,
    Texts,
    article_judge,
    distinct_texts,
    longer_passages,
    match,
    passage_judge,
    similarity_of,
)
from dedup.findings import Judgement, Repeats, Run, Runs, redirect
from dedup.frequency import Lines, frequent, frequent_marks
from dedup.judging import in_whole, linked_by_number, opening, pieces, remnants, short_places
from dedup.kept import Stage
from dedup.kernel.reference import I32, I64, offsets_of
from dedup.marks import Marks
from dedup.model import Article, Report
from dedup.rewriting import refuse_one_shot, rewrite
from dedup.segments import Segments, wide
from dedup.settings import Settings
from dedup.tables import (
    Progress,
    References,
    Tables,
    from_stage,
    in_paragraphs,
    joined,
    read_tables,
    stage_of,
)
from dedup.told import Told
from dedup.work import Work


def scan(
    articles: Any,
    settings: Settings | None = None,
    *,
    text_field: str = "text",
    id_field: str | None = None,
    against: References | None = None,
    sources: Callable[[], Sequence[tuple[str, int]]] | None = None,
    progress: Progress | None = None,
    workers: int = 1,
) -> Report:
    """Judges a corpus: what repeats, what it repeats, and what is to be cut.

    Args:
        articles: any re-iterable of articles with distinct ids: they are read once, and again to be rewritten. Or a
            table, one article a row: a pyarrow Table or RecordBatchReader (which is read into memory), a pandas or
            polars DataFrame, a Hugging Face Dataset.
        settings: the choices; the defaults where None.
        text_field: the column of a table that holds the text.
        id_field: the column of a table that holds the ids, each of them once; else "id" where it does, else the ids are
            the numbers of the rows from 0.
        against: reference articles, which are matched against and never cut: name -> articles, or articles.
        sources: called once the articles have been read: (source, articles of it in a row), for the warnings and,
            where `source_field` names none, as the sources of boilerplate.
        progress: told of the stages as they go.
        workers: processes that read and threads that match; the result does not depend on it. With more than one the
            main module must be guarded by `if __name__ == "__main__"`, as `multiprocessing` asks.

    Raises:
        OneShotInput: *articles* is an iterator.
        BadInput: an id stands twice, a text is no string, or holds a lone surrogate.
        BadSettings: `keep` or `source_field` names a field that no article has, a rule's pattern is unusable, or there
            are references that `scope` leaves out.
        BadRun: there is no room for the work files, which large corpora need, or a worker was killed.
    """
    if frames.kind_of(articles) is not None:
        articles = frames.articles_of(articles, text_field, id_field)
    refuse_one_shot(articles)
    with Work(workers=workers) as work:
        return judged(articles, settings or Settings(), work, against, sources, progress).report()


def judged(
    articles: Iterable[Article],
    settings: Settings,
    work: Work,
    against: References | None = None,
    sources: Callable[[], Sequence[tuple[str, int]]] | None = None,
    progress: Progress | None = None,
    inputs: Callable[[], Any] = lambda: None,
) -> Told:
    """The same, to be told while *work* is open: what `scan` makes into lists, one finding at a time.

    Args:
        inputs: what is known of the inputs once they were read, as JSON; kept with what was read.
    """
    if settings.scope == "within" and against:
        raise BadSettings('scope "within" never looks at references; leave them out, or choose another scope')
    tell = progress or (lambda stage, done, total: None)
    units = work.stage(
        "reading",
        lambda: read_tables(articles, against, settings, tell, work),
        lambda tables: stage_of(tables, inputs()),
        lambda stage: from_stage(stage, articles),
    )
    rows = sources() if sources else ()
    tell("articles", 0, None)
    # reprints of one story count once for boilerplate, also where articles are not cut whole
    signed: Signed | None = None  # of a run that goes on nothing is left

    def repeated() -> Repeats:
        nonlocal signed
        compared = _with_passages(units, units.masked, settings, work)
        repeats, signed = _article_repeats(compared, replace(settings, grain="both"), work)
        return repeats

    alike = work.stage("articles", repeated, Repeats.to_stage, Repeats.from_stage)
    whole = alike if settings.grain != "passage" else Repeats.none(len(units.ids), work)
    tell("boilerplate", 0, None)
    # Frequency is counted over article families, so it is known here; what it takes is kept out of the passages at
    # once, which is to judge the near members of a kept text that goes as if it were absent.
    out, found = work.stage(
        "boilerplate", lambda: _boilerplate(units, alike, rows, settings, work), _marked_stage, _marked_from_stage
    )
    tables = _with_passages(units, out, settings, work)
    out = _spread(units, out, tables)
    tell("passages", 0, None)
    remaining = (whole.kept < 0)[tables.article] & ~out
    texts: Texts | None = None  # of a run that goes on they are not known either

    def repeated_passages() -> Repeats:
        nonlocal texts
        repeats, texts = _passage_repeats(tables, remaining, signed if tables is units else None, settings, work)
        return repeats

    parts = work.stage("passages", repeated_passages, Repeats.to_stage, Repeats.from_stage)
    signed = None
    tell("blocks", 0, None)
    may_go = (tables.size >= settings.min_chars) & ~out
    remnant = remnants(tables.article, may_go, parts.kept, tables.chars, len(tables.ids), settings)
    del may_go
    runs = _runs(tables, remaining, texts, whole, parts, remnant, settings, work)
    return Told(Judgement(tables, settings, whole, parts, remnant, runs, (tables.marks, found), rows), tell, work)


_Marked = tuple[NDArray[np.bool_], Marks]


def _marked_stage(marked: _Marked) -> Stage:
    out, marks = marked
    return Stage({"out": out, **marks.to_arrays()})


def _marked_from_stage(stage: Stage) -> _Marked:
    return stage.arrays["out"], Marks.from_arrays(stage.arrays)


def _with_passages(units: Tables, out: NDArray[np.bool_], settings: Settings, work: Work) -> Tables:
    """The lines or sentences as they are, or as paragraphs."""
    return in_paragraphs(units, out, work) if settings.passage == "blank" else units


def _spread(units: Tables, out: NDArray[np.bool_], tables: Tables) -> NDArray[np.bool_]:
    """Which passages of *tables* are out, from which units are; a paragraph is out as a whole or not at all."""
    if tables is units:
        return out
    lines = int(units.line.max(initial=0)) + 1  # article and line in one number, rising
    return out[np.searchsorted(units.article * lines + units.line, tables.article * lines + tables.line)]


def _boilerplate(
    units: Tables, whole: Repeats, rows: Sequence[tuple[str, int]], settings: Settings, work: Work
) -> _Marked:
    """Which units are no passages, being masked or frequent, and the marks of the frequent ones."""
    if settings.scope == "within" or not len(units.article):
        return units.masked, Marks.of({}, len(units.ids))
    fresh = opening(units.article, units.line)
    if fresh.all():  # a line is a unit, as it mostly is: nothing is copied
        lines = _lines(units, units.at, slice(None), units.of_article, whole, rows, settings)
        found = frequent(lines, settings, work)
        marks = frequent_marks(found, units.start, units.end, units.of_article, settings)
        return units.masked | found.line, marks
    first = np.flatnonzero(fresh)
    of_article = np.searchsorted(first, units.of_article)
    found = frequent(_lines(units, joined(units, first), first, of_article, whole, rows, settings), settings, work)
    ends = units.end[np.append(first[1:], len(fresh)) - 1]
    marks = frequent_marks(found, units.start[first], ends, of_article, settings)
    return units.masked | found.line[np.cumsum(fresh) - 1], marks


def _lines(
    units: Tables,
    at: Segments,
    first: I64 | slice,
    of_article: I64,
    whole: Repeats,
    rows: Sequence[tuple[str, int]],
    settings: Settings,
) -> Lines:
    """The lines whose first units are *first*."""
    return Lines(
        at=at,
        chars=units.chars if isinstance(first, slice) else np.add.reduceat(units.chars, first),
        article=units.article[first],
        of_article=of_article,
        masked=units.masked[first],
        shape=units.shape[first],
        counted=~_fixed(units, first),
        family=_article_families(whole),
        source=_sources(units, rows, settings),
    )


def _one_domain(count: int) -> I64:
    """For texts that all may meet: int64 [count], in no memory."""
    return np.broadcast_to(np.int64(0), count)


def _article_families(whole: Repeats) -> I64:
    """The first article that each repeats or resembles, over as many steps as it takes: int64 [articles]."""
    met = np.maximum(whole.kept, whole.linked)
    family = np.where(met >= 0, met, np.arange(len(met)))
    while True:  # an article only ever meets an earlier one
        further = family[family]
        if np.array_equal(further, family):
            return family
        family = further


def _sources(tables: Tables, rows: Sequence[tuple[str, int]], settings: Settings) -> I64:
    """The number of each article's source: int64 [articles], from 0."""
    if settings.source_field is not None:
        return tables.source + 1
    source = np.zeros(len(tables.ids), np.int64)
    names: dict[str, int] = {}
    numbers = [names.setdefault(name, len(names) + 1) for name, _ in rows]
    source[tables.read[: sum(count for _, count in rows)]] = np.repeat(numbers, [count for _, count in rows])
    return source


def _article_repeats(tables: Tables, settings: Settings, work: Work) -> tuple[Repeats, Signed | None]:
    """Which articles repeat which, as wholes; and the band keys of their passages that are to be matched alone."""
    repeats = Repeats.none(len(tables.ids), work)
    if settings.scope == "within":
        return repeats, None
    shown = in_whole(tables.article, tables.masked, tables.of_article)
    left = np.flatnonzero(~shown)  # the masked text of articles that are compared without it
    left_of_article = offsets_of(np.bincount(tables.article[left], minlength=len(tables.ids)))
    compared, of_article = work.stored(np.flatnonzero(shown)), tables.of_article - left_of_article
    wholes = Segments(tables.folded, tables.offsets, compared, of_article)
    long = tables.size >= settings.min_chars
    is_long = long[compared]
    articles = np.flatnonzero(wholes.lengths > 0)  # an empty fold never matches
    if len(articles) < len(wholes):
        wholes = wholes.of(articles).stored(work)
    texts = distinct_texts(wholes, _one_domain(len(articles)), work)
    passages = Segments(tables.folded, tables.offsets, compared)
    masked = Segments(tables.folded, tables.offsets, left, left_of_article)
    judge = article_judge(texts, articles, passages, is_long, of_article, masked, settings)
    floor = min(settings.min_chars, settings.min_chars_within) if settings.scope == "both" else settings.min_chars
    keys, signed = nested_keys(texts.each, tables.size >= floor, settings, work)
    found = match(texts, tables.fixed[articles], settings, judge, work, keys)
    repeats.enter(articles, texts, found)
    repeats.clear(tables.fixed)
    if settings.numbers == "strict":
        _name_number_links(is_long, of_article, articles, texts, found, repeats, work)
    return repeats, signed


def _name_number_links(
    is_long: NDArray[np.bool_],
    of_article: I64,
    articles: I64,
    texts: Texts,
    found: Match,
    repeats: Repeats,
    work: Work,
) -> None:
    """Tells links that the number rule made from links for want of coverage."""
    links = np.flatnonzero(found.linked >= 0)
    one, other = found.texts[links], found.linked[links]

    def runs() -> Iterator[tuple[I64, slice]]:
        done = 0
        for places in texts.at.runs(wide(texts.first[one])):
            yield places, slice(done, done + len(places))
            done += len(places)

    def by_number(run: tuple[I64, slice]) -> tuple[I64, NDArray[np.bool_]]:
        places, some = run
        pairs = texts.take(np.concatenate((one[some], other[some])))
        longer = np.diff(longer_passages(is_long, of_article, articles[places])[1])
        return articles[places], linked_by_number(*pairs, longer)

    for own, are in work.in_threads(by_number, runs()):
        repeats.by_number[own] = are


def _passage_repeats(
    tables: Tables, judged: NDArray[np.bool_], signed: Signed | None, settings: Settings, work: Work
) -> tuple[Repeats, Texts | None]:
    """Which of the passages that are *judged* repeat which; and their texts, where they had to be told apart.

    Args:
        judged: bool [passages], those of articles that are not cut whole, without what goes as boilerplate.
        signed: passages of *tables* whose band keys are known.
    """
    repeats, texts = Repeats.none(len(tables.article), work), None
    if settings.grain == "article":
        return repeats, None
    if settings.scope == "within":
        places = np.flatnonzero(judged & (tables.size >= settings.min_chars_within) & ~_fixed(tables))
        _match_within(tables, places, np.zeros(len(places), bool), repeats, None, settings, work)
    else:
        texts = _distinct(tables, np.flatnonzero(judged), work)
        _match_across(tables, judged, texts, repeats, signed, settings, work)
        if settings.scope == "both":
            _match_short(tables, judged, repeats, signed, settings, work)
    repeats.clear(_fixed(tables))
    if settings.scope == "across":
        repeats.drop_within(tables.article)
    repeats.by_number[:] = True
    return repeats, texts


def _distinct(tables: Tables, places: I64, work: Work) -> Texts:
    """The distinct texts of passages all of which may meet."""
    return distinct_texts(_at(tables, places, work), _one_domain(len(places)), work)


def _at(tables: Tables, places: I64, work: Work) -> Segments:
    """The texts of these passages; the numbers of all of them take half the room where they can."""
    return Segments(tables.folded, tables.offsets, places.astype(_numbers(tables))).stored(work)


def _numbers(tables: Tables) -> np.dtype[Any]:
    """What numbers of passages are held in."""
    return np.dtype(np.int32 if len(tables.article) <= np.iinfo(np.int32).max else np.int64)


def _fixed(tables: Tables, places: I32 | I64 | slice = slice(None)) -> NDArray[np.bool_]:
    """Which passages are of reference articles, all or these: bool, in no memory where there are no such articles."""
    if not tables.fixed.any():
        return np.broadcast_to(np.False_, len(tables.article if isinstance(places, slice) else places))
    return tables.fixed[tables.article[places]]


def _match_short(
    tables: Tables,
    judged: NDArray[np.bool_],
    repeats: Repeats,
    signed: Signed | None,
    settings: Settings,
    work: Work,
) -> None:
    """Passages too short to be matched across articles meet the shorter and longer ones kept in their own article."""
    own = ~_fixed(tables)
    places, longer = short_places(judged, own, tables.size, repeats.kept, tables.article, len(tables.ids), settings)
    _match_within(tables, places, longer, repeats, signed, settings, work)


def _match_across(
    tables: Tables,
    judged: NDArray[np.bool_],
    texts: Texts,
    repeats: Repeats,
    signed: Signed | None,
    settings: Settings,
    work: Work,
) -> None:
    """Enters what becomes of the passages that are *judged* and long enough to meet in all articles."""
    texts = texts.only((tables.size >= settings.min_chars)[judged], work)  # equal texts are all long, or none is
    places = texts.at.chosen
    assert places is not None
    keys = keys_of(texts.each, settings, work, signed)
    _match_passages(places, texts, _fixed(tables, places), keys, repeats, settings, work)


def _match_within(
    tables: Tables,
    places: I64,
    fixed: NDArray[np.bool_],
    repeats: Repeats,
    signed: Signed | None,
    settings: Settings,
    work: Work,
) -> None:
    """Enters what becomes of the passages at *places* (rising); those of one article meet, and most meet none.

    What is *fixed* (bool [places]) joins nothing, and where a bucket takes a whole article it keeps out nothing either.
    """
    keys = keys_of(tables.at.of(places), settings, work, signed)
    runs = np.append(np.flatnonzero(np.diff(tables.article[places], prepend=-1)), len(places))
    lengths = np.diff(runs)
    asks = ~fixed | np.repeat(lengths > settings.bucket, lengths)
    meeting = np.flatnonzero(meeting_in_runs(keys, asks, runs, work))  # whose texts are equal share all keys
    places = places[meeting]
    texts = distinct_texts(tables.at.of(places), tables.article[places], work)
    keys = keys._replace(column=keys.column[meeting[texts.first]])
    _match_passages(places, texts, fixed[meeting], keys, repeats, settings, work)


def _match_passages(
    places: I32 | I64,
    texts: Texts,
    fixed: NDArray[np.bool_],
    keys: Keys,
    repeats: Repeats,
    settings: Settings,
    work: Work,
) -> None:
    """Enters what becomes of the passages at *places*, at which the *texts* stand."""
    found = match(texts, fixed, settings, passage_judge(texts, settings), work, keys)
    repeats.enter(places, texts, found)


def _runs(
    tables: Tables,
    judged: NDArray[np.bool_],
    texts: Texts | None,
    whole: Repeats,
    parts: Repeats,
    remnant: I64,
    settings: Settings,
    work: Work,
) -> Runs:
    """Runs of repeated passages in the articles that stay. What is not *judged* neither joins a run nor breaks it.

    Args:
        texts: those of the passages that are judged, where they are known.
    """
    if not (parts.kept >= 0).any():
        return Runs.of([])
    texts = _distinct(tables, np.flatnonzero(judged), work) if texts is None else texts
    places, text = texts.at.chosen, texts.of
    assert places is not None
    # what folds to nothing, such as a line of stars, equals only the same signs
    bare = np.flatnonzero(tables.chars[places] == 0)
    if len(bare):
        text = work.stored(text.copy())
        text[bare] = len(texts.first) + np.unique(tables.bare[places[bare]], return_inverse=True)[1]
    across = tables.size >= settings.min_chars
    within_only = settings.scope == "within"
    token = work.stored(text.copy())
    by_family = np.flatnonzero(((parts.kept >= 0) & (across | within_only))[places])
    kept = parts.kept[places[by_family]].astype(places.dtype)  # else all places would be copied to look among them
    token[by_family] = text[np.searchsorted(places, kept)]
    stays = (remnant < 0)[tables.article]
    every: tuple[Callable[[], NDArray[Any]], ...] = (
        lambda: tables.article[places].astype(np.int32),
        lambda: ((parts.kept >= 0) & stays)[places],
        lambda: across[places],
        lambda: stays[places],
        lambda: opening(tables.article, tables.line)[places],
        lambda: _cited(tables, whole, parts)[places],
    )
    article, removed, across, source, opens, firm = work.in_threads(lambda one: one(), every)
    passages = Passages(
        article=work.stored(article),
        text=text,
        token=token,
        removed=removed,
        across=across,
        source=source,
        opens=opens,
        firm=firm,
        within_only=within_only,
        across_only=settings.scope == "across",
    )
    similarity = similarity_of(texts, settings)
    found = Runs.of(_pieces(find_blocks(passages, similarity), places, passages.text, similarity))
    redirect(parts, found, work)
    return found


def _pieces(
    blocks: Iterable[Block], places: I32 | I64, text: I32 | I64, similarity: Callable[[int, int], float | None]
) -> Iterator[Run]:
    """Blocks of some *places*, at which each *text* stands, without the lines in between that are none of them."""
    for block in blocks:
        for own, counterparts, least, exact in pieces(block, places, text, similarity):
            yield Run(wide(places[own]), wide(places[counterparts]), least, exact)


def _cited(tables: Tables, whole: Repeats, parts: Repeats) -> NDArray[np.bool_]:
    """The passages that others repeat, alone or with their article: bool [passages]."""
    articles = np.zeros(len(tables.ids), bool)
    articles[whole.kept[whole.kept >= 0]] = True
    cited = articles[tables.article]
    cited[parts.kept[parts.kept >= 0]] = True
    return cited


def clean(articles: Iterable[Article | str], settings: Settings | None = None) -> Iterator[Article]:
    """The articles without their repetitions, in their order: `scan` and `rewrite` in one call.

    Plain strings become articles whose ids count from "0". Any iterable will do: an iterator is held in memory.

    >>> [article.id for article in clean(["the same short story", "another one", "The same short story!"])]
    ['0', '1']
    """
    if frames.kind_of(articles) is not None:
        articles = frames.articles_of(articles)
    given = [
        Article(str(position), article) if isinstance(article, str) else article
        for position, article in enumerate(articles)
    ]
    yield from rewrite(given, scan(given, settings))
