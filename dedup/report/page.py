"""The page: report.html, complete in itself and never larger than `MOST_BYTES`. The only door to Jinja."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dedup.model import Article, Family, Finding, Place
from dedup.report.charts import Chart, columns, compact
from dedup.report.differences import LINE_ENDS, Piece, condensed, differences
from dedup.report.gathering import (
    MOST_BORDER,
    MOST_DEBRIS,
    MOST_LINE,
    MOST_SOURCES,
    MOST_TEMPLATES,
    MOST_TEXT,
    Gathered,
    Gathering,
    Measured,
    ShownFamily,
    Tally,
    gather,
    limited,
    measure,
    measure_told,
)
from dedup.report.shown import marked, visible
from dedup.report.tune import STEPS, tune, with_texts
from dedup.report.wording import wording
from dedup.settings import Settings
from dedup.told import Told

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_BYTES = 5_000_000
_BUDGETS = {
    "families": 800_000,
    "border-above": 500_000,
    "border-below": 500_000,
    "blocks": 400_000,
    "links": 400_000,
    "tune-pairs": 400_000,
    "sampled": 800_000,
    "boilerplate": 250_000,
    "debris": 150_000,
}  # bytes; what else the page holds, see the template, makes up less than 600,000
_MOST_SHOWN = 700  # characters of either side of a case
_MOST_NAME = 160
_MOST_INPUTS = 100
_MOST_FILTERED = 40  # rules in the filter


@dataclass(frozen=True, slots=True)
class Listing:
    """Things of which there are *all*, the first of them to be shown."""

    items: Sequence[Any] = ()
    all: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """What of a listing has room: its HTML and how many there are; *missed*: whether any had none."""

    html: Markup
    shown: int
    missed: bool


@dataclass(frozen=True, slots=True)
class Originals:
    """The articles as they were read, to be read once more.

    Attributes:
        articles: called for (source, article), in the order of the findings.
        references: name -> the articles of a reference.
    """

    articles: Callable[[], Iterable[tuple[str, Article]]]
    references: Mapping[str, Iterable[Article]] = field(default_factory=dict)


def write_page(
    path: Path,
    summary: Mapping[str, Any],
    findings: Iterable[Finding],
    families: Iterable[Family],
    originals: Originals | None,
    tuned: Mapping[str, Any] | None = None,
    lang: str = "en",
) -> None:
    """Writes report.html: the same bytes for the same run, whatever the machine.

    Args:
        path: the file.
        summary: what summary.json holds.
        findings: in the order of the articles; read twice, never held.
        families: read once.
        originals: the articles; None where they cannot be read.
        tuned: what tune.json holds.
        lang: "en" or "zh".
    """
    settings = Settings.from_dict(summary["settings"])
    gathered, measured = gather(findings, families), None
    if originals is not None:
        measured = measure(
            originals.articles(), findings, gathered.wanted(), settings.source_field, originals.references
        )
    write_drawn(path, summary, Drawn(gathered, measured), tuned, lang)


class Drawn(NamedTuple):
    """What of a corpus stands on its page; the originals tell `measured`, where they can be read."""

    gathered: Gathered
    measured: Measured | None


def draw(
    told: Told,
    gathering: Gathering,
    sources: Iterable[tuple[str, int]],
    references: Mapping[str, Iterable[Article]],
) -> Drawn:
    """What stands on the page of a scan, while its work files are open: the originals are not read again.

    Args:
        told: what was told.
        gathering: has heard it.
        sources: (source, articles of it in a row), in the order of reading.
        references: name -> the articles of a reference, which are read where one of them is shown.
    """
    gathered = gathering.gathered()
    return Drawn(gathered, measure_told(told, sources, gathered.wanted(), references))


def write_drawn(
    path: Path, summary: Mapping[str, Any], drawn: Drawn, tuned: Mapping[str, Any] | None = None, lang: str = "en"
) -> None:
    """Writes what was drawn; see `write_page`."""
    gathered, measured = drawn
    settings = Settings.from_dict(summary["settings"])
    below = _Below()
    if tuned is not None:
        below = _Below(_just_below(tuned["pairs"], settings.threshold), tuned=True)
    elif measured is not None:
        below = _below(measured, settings)
    page = _rendered(summary, gathered, measured, below, tuned, lang)
    path.write_text(page, encoding="utf-8", newline="\n")


@dataclass(frozen=True, slots=True)
class _Below:
    """Pairs just below the threshold, as in tune.json, and among how many articles they were found."""

    pairs: Sequence[Mapping[str, Any]] = ()
    articles: int = 0
    tuned: bool = False


_BUCKET = 1  # kept texts under a band key that others are compared with


def _below(measured: Measured, settings: Settings) -> _Below:
    """Looks for pairs among the articles that are likely to resemble each other."""
    if settings.threshold <= STEPS[0]:
        return _Below()
    # a sample: of thousands of texts of one template each need not be held against all
    few = replace(settings, bucket=min(settings.bucket, _BUCKET), source_field=None)
    if few.keep_field is not None:  # it stands in no sample
        few = replace(few, keep="first")
    found = tune(measured.alike, few, MOST_BORDER)
    texts = {article.id: article.text for article in measured.alike}
    return _Below(_just_below(with_texts(found.pairs, texts), settings.threshold), found.articles)


def _just_below(pairs: Iterable[Mapping[str, Any]], threshold: float) -> list[Mapping[str, Any]]:
    """The most similar pairs below the threshold, of each grain."""
    lower = sorted(
        (pair for pair in pairs if pair["similarity"] < threshold), key=lambda pair: pair["similarity"], reverse=True
    )
    chosen = []
    for grain in ("article", "passage"):
        chosen += [pair for pair in lower if pair["grain"] == grain][:MOST_BORDER]
    return sorted(chosen, key=lambda pair: pair["similarity"], reverse=True)


# ---------------------------------------------------------------------------------------------------------- rendering


def _rendered(
    summary: Mapping[str, Any],
    gathered: Gathered,
    measured: Measured | None,
    below: _Below,
    tuned: Mapping[str, Any] | None,
    lang: str,
) -> str:
    from markupsafe import Markup  # noqa: PLC0415

    t = wording(lang)
    counts = {"articles": 0, "articles_cut": 0, "articles_changed": 0, "characters": 0, "characters_out": 0}
    counts |= {name: count for name, count in summary["counts"].items() if isinstance(count, int)}
    style, script = _asset("report.css"), _asset("report.js")
    words = _Words(t, {} if measured is None else measured.texts)
    sections = list(_case_sections(words, gathered, measured, below, tuned))
    templates = [
        ("boilerplate", t["templates"], t["templates_note"], gathered.templates, MOST_TEMPLATES),
        ("debris", t["debris"].capitalize(), t["debris_note"], gathered.debris, MOST_DEBRIS),
    ]
    contents = [("sums", t["sums"]), ("reasons", t["reasons"]), ("distributions", t["distributions"])]
    contents += [(id, title) for id, title, _, these in sections if these.all]
    contents += [(id, title) for id, title, _, tally, _ in templates if tally.counts]
    contents += [("settings", t["settings"])]
    threshold = Settings.from_dict(summary["settings"]).threshold
    near_count = sum(gathered.similarities.values())
    return _template().render(
        t=t,
        number=lambda count: f"{count:,}",
        bounded=_bounded,
        budgets=_BUDGETS,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        version=summary.get("dedup", ""),
        counts=counts,
        cut_share=_percent(counts["characters"] - counts["characters_out"], counts["characters"]),
        facts=list(_facts(counts)),
        warnings=_listing([html(warning) for warning in summary.get("warnings", ())]),
        reasons=_listing(list(_reasons(summary, counts["characters"]))),
        charts=_charts(t, gathered, measured, threshold),
        similarities_note=t["similarities_note"].format(
            near=f"{near_count:,}", equal=f"{gathered.equal:,}", threshold=threshold
        ),
        unread=measured is None,
        sources=_sources(measured),
        forgot_sources=measured is not None and measured.sources.forgot,
        tuned=_tuned(tuned, threshold),
        filters=list(_filters(t, gathered)),
        contents=contents,
        case_sections=sections,
        template_sections=[
            (id, title, note, _template_rows(tally, most), tally.forgot) for id, title, note, tally, most in templates
        ],
        settings=_listing([(html(name), html(str(value))) for name, value in summary["settings"].items()]),
        inputs=_inputs(summary.get("inputs", ())),
    )


@lru_cache(maxsize=1)
def _template() -> Any:
    """The template, compiled: 0.1 s with the library, which only a page needs."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("dedup", "data"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template("report.html.j2")


def _asset(name: str) -> str:
    return files("dedup").joinpath("data", name).read_text(encoding="utf-8")


def _hash(asset: str) -> str:
    """As a Content Security Policy names an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(asset.encode()).digest()).decode()


def _bounded(these: Listing, macro: Callable[[Any], Any], budget: int) -> Shown:
    """The items of a listing, each by the macro, as far as *budget* bytes go; what is too large is passed over."""
    from markupsafe import Markup  # noqa: PLC0415

    made: list[str] = []
    for item in these.items:
        written = str(macro(item))
        size = len(written.encode())
        if size <= budget:
            budget -= size
            made.append(written)
    return Shown(Markup("".join(made)), len(made), len(made) < len(these.items))


def _listing(items: Sequence[Any]) -> Listing:
    return Listing(items, len(items))


def html(text: str, most: int = 2000) -> Markup:
    """A text escaped, with what does not show marked, no longer than *most* characters."""
    from markupsafe import Markup, escape  # noqa: PLC0415

    written = "".join(
        f'<span class="code">{escape(piece)}</span>' if is_mark else escape(piece)
        for piece, is_mark in marked(text[:most])
    )
    return Markup(f"{written}…" if len(text) > most else written)


def _percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def _facts(counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    yield "articles_read", counts["articles"]
    yield "articles_cut", counts["articles_cut"]
    yield "articles_changed", counts["articles_changed"]
    yield "articles_untouched", counts["articles"] - counts["articles_cut"] - counts["articles_changed"]
    for name in ("articles_against", "rejected"):
        if counts.get(name):
            yield name, counts[name]
    yield "characters_in", counts["characters"]
    yield "characters_out", counts["characters_out"]


def _reasons(summary: Mapping[str, Any], characters: int) -> Iterator[dict[str, Any]]:
    rows = summary["counts"].get("findings", ())
    for row in sorted(rows, key=lambda row: (not row["removed"], -row["characters"])):
        yield {
            **row,
            "rule": html(row["rule"], _MOST_NAME),
            "verdict": "cut" if row["removed"] else "kept",
            "share": _percent(row["characters"], characters),
        }


def _inputs(inputs: Sequence[Mapping[str, Any]]) -> Listing:
    rows = [
        {
            "name": html(item["name"], _MOST_NAME),
            "format": f"{item['format']} {item['compression']}",
            "bytes": f"{item['bytes']:,}",
        }
        for item in inputs[:_MOST_INPUTS]
    ]
    return Listing(rows, len(inputs))


def _sources(measured: Measured | None) -> Listing:
    if measured is None:
        return Listing()
    rows = [
        {
            "name": html(name, _MOST_NAME),
            "articles": articles,
            "whole": whole,
            "characters": characters,
            "share": _percent(lost, characters),
        }
        for (name,), (characters, lost, articles, whole) in measured.sources.ranked()[:MOST_SOURCES]
    ]
    return Listing(rows, len(measured.sources.counts))


def _tuned(tuned: Mapping[str, Any] | None, threshold: float) -> dict[str, Any] | None:
    if tuned is None:
        return None
    steps = [
        {
            **step,
            "threshold": f"{step['threshold']:.2f}",
            "share": _percent(step["characters"], tuned["characters"]),
            "chosen": step["threshold"] == threshold,
        }
        for step in tuned["steps"]
    ]
    return {"articles": tuned["articles"], "characters": tuned["characters"], "steps": steps}


def _filters(t: Mapping[str, str], gathered: Gathered) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    yield "kind", [(name, t[name]) for name in ("duplicate", "boilerplate", "debris")]
    yield "grain", [(name, t[name]) for name in ("article", "block", "passage", "span")]
    rules = {finding.rule for finding in gathered.cases()}
    rules |= {rule for tally in (gathered.templates, gathered.debris) for rule, _ in tally.counts}
    yield "rule", [(visible(rule)[:_MOST_NAME],) * 2 for rule in sorted(rules)[:_MOST_FILTERED]]
    yield "verdict", [(name, t[name]) for name in ("cut", "kept")]


# --------------------------------------------------------------------------------------------------------------- cases


class _Words:
    """Cases in the words of the page: names, texts side by side."""

    def __init__(self, t: Mapping[str, str], texts: Mapping[Place, str]) -> None:
        self._t = t
        self._texts = texts

    def case(self, finding: Finding) -> dict[str, Any]:
        """A finding beside the text that it repeats."""
        own = Place(finding.article, finding.start, finding.end)
        source = finding.source
        kept = None if source is None else self._texts.get(limited(source))
        left, right = self._sides(source or own, kept, own, finding.text)
        return {
            **self._tags(finding.kind, finding.grain, finding.rule, finding.removed),
            "similarity": None if finding.similarity is None else f"{finding.similarity:g}",
            "note": "",
            "left_name": "" if source is None else self.name(source, finding.grain),
            "left": left,
            "right_name": self.name(own, finding.grain),
            "right": right if source is not None and kept is not None else html(finding.text, _MOST_SHOWN),
        }

    def pair(self, pair: Mapping[str, Any]) -> dict[str, Any]:
        """A pair of tune.json: two places with their texts."""
        source = Place.from_dict(pair["source"])
        own = Place(pair["article"], pair["start"], pair["end"])
        left, right = self._sides(source, pair["source_text"], own, pair["text"])
        return {
            **self._tags("duplicate", pair["grain"], "near", False),
            "similarity": f"{pair['similarity']:g}",
            "note": self._t["tune_step"].format(step=f"{pair['step']:.2f}"),
            "left_name": self.name(source, pair["grain"]),
            "left": left,
            "right_name": self.name(own, pair["grain"]),
            "right": right,
        }

    def family(self, family: ShownFamily) -> dict[str, Any]:
        """A family: the kept text beside a few that repeat it."""
        kept = self._texts.get(limited(family.kept))
        members = []
        for member in family.members:
            text = self._texts.get(limited(member.place))
            left, right = self._sides(family.kept, kept, member.place, text)
            name = self.name(member.place, family.grain)
            members.append({"name": name, "left": left, "right": right})
        return {
            "grain": family.grain,
            "said": self._t.get(family.grain, visible(family.grain)),
            "count": family.count,
            "least": f"{family.least:g}",
            "name": self.name(family.kept, family.grain),
            "kept": None if kept is None else html(kept, _MOST_SHOWN),
            "members": members,
        }

    def name(self, place: Place, grain: str) -> Markup:
        """The article, and where in it; a whole article needs no span."""
        name = html(place.article, _MOST_NAME)
        if place.against is not None:
            name += " (" + html(self._t["in_reference"].format(name=place.against), _MOST_NAME) + ")"
        return name if grain == "article" and not place.start else name + f" {place.start:,}–{place.end:,}"

    def _tags(self, kind: str, grain: str, rule: str, removed: bool) -> dict[str, Any]:
        return {
            "kind": kind,
            "grain": grain,
            "said": f"{self._t[kind]} · {self._t[grain]}",
            "rule": visible(rule)[:_MOST_NAME],
            "shown_rule": html(rule, _MOST_NAME),
            "verdict": "cut" if removed else "kept",
        }

    def _sides(self, left: Place, left_text: str | None, right: Place, right_text: str | None) -> tuple[Any, Any]:
        """Both texts, the differences marked; None for one that is not at hand."""
        from markupsafe import Markup  # noqa: PLC0415

        if left_text is None or right_text is None:
            sides = (left_text, right_text)
            return tuple(None if text is None else html(text.strip(LINE_ENDS), _MOST_SHOWN) for text in sides)  # type: ignore[return-value]
        pieces = differences(left_text[:MOST_TEXT].strip(LINE_ENDS), right_text[:MOST_TEXT].strip(LINE_ENDS))
        beyond = [max(place.end - place.start - MOST_TEXT, 0) for place in (left, right)]
        if any(beyond):
            pieces.append(Piece("gap", *map(str, beyond)))
        shown = condensed(pieces, _MOST_SHOWN)
        kept = self._side(shown, "left", "del")
        if left_text == right_text:
            return kept, Markup('<span class="missing">{}</span>').format(self._t["same"])
        return kept, self._side(shown, "right", "ins")

    def _side(self, pieces: Sequence[Piece], side: str, tag: str) -> Markup:
        from markupsafe import Markup  # noqa: PLC0415

        made = []
        for piece in pieces:
            text = getattr(piece, side)
            if piece.kind == "gap":
                if int(text):
                    said = self._t["gap_one"].format(n=f"{int(text):,}")
                    made.append(Markup('<span class="gap">⋯ {} ⋯</span>').format(said))
            elif text and piece.kind == "other":
                made.append(Markup(f"<{tag}>{html(text)}</{tag}>"))
            elif text and piece.kind == "alike":
                made.append(Markup(f'<span class="alike">{html(text)}</span>'))
            else:
                made.append(html(text))
        return Markup("").join(made)


def _case_sections(
    words: _Words,
    gathered: Gathered,
    measured: Measured | None,
    below: _Below,
    tuned: Mapping[str, Any] | None,
) -> Iterator[tuple[str, str, str, Listing]]:
    """(id, title, note, cases) of each section of cases."""
    t = words._t
    yield "families", t["families"], t["families_note"], _cases(words.family, gathered.families, gathered.family_count)
    above = [finding for grain in ("article", "passage") for finding in gathered.border[grain]]
    above.sort(key=lambda finding: (finding.similarity, finding.article, finding.start))
    yield "border-above", t["border_above"], t["border_above_note"], _cases(words.case, above, gathered.border_count)
    if below.articles or below.tuned:
        note = t["border_below_tuned"] if below.tuned else t["border_below_note"]
        said = note.replace("{articles}", f"{below.articles:,}")
        said = said.replace("{of}", f"{measured.articles if measured is not None else 0:,}")
        yield "border-below", t["border_below"], said, _cases(words.pair, below.pairs, len(below.pairs))
    if tuned is not None:
        pairs = sorted(tuned["pairs"], key=lambda pair: (pair["similarity"], pair["grain"]))
        yield "tune-pairs", t["tune_pairs"], t["tune_pairs_note"], _cases(words.pair, pairs, len(pairs))
    yield "blocks", t["blocks"], t["blocks_note"], _cases(words.case, gathered.blocks, gathered.block_count)
    yield "links", t["links"], t["links_note"], _cases(words.case, gathered.links, gathered.link_count)
    yield "sampled", t["sampled"], t["sampled_note"], _cases(words.case, gathered.sampled, gathered.finding_count)


def _cases(view: Callable[[Any], dict[str, Any]], items: Sequence[Any], count: int) -> Listing:
    return Listing([view(item) for item in items], count)


def _template_rows(tally: Tally, most: int) -> Listing:
    rows = []
    for key, (count, characters) in tally.ranked()[:most]:
        sample = tally.samples[key]
        rows.append(
            {
                "kind": sample.kind,
                "rule": visible(key[0])[:_MOST_NAME],
                "shown_rule": html(key[0], _MOST_NAME),
                "verdict": "cut" if sample.removed else "kept",
                "count": count,
                "characters": characters,
                "text": html(sample.text.strip(), MOST_LINE),
                "name": html(sample.article, _MOST_NAME),
            }
        )
    return Listing(rows, len(tally.counts))


# -------------------------------------------------------------------------------------------------------------- charts


def _charts(
    t: Mapping[str, str], gathered: Gathered, measured: Measured | None, threshold: float
) -> dict[str, Chart | None]:
    shares = sources = None
    if measured is not None:
        shares = _shares(t, measured.shares)
        by_share = dict.fromkeys(range(12), 0)
        for characters, lost, *_ in measured.sources.counts.values():
            by_share[11 if characters and lost == characters else -(-10 * lost // characters) if characters else 0] += 1
        sources = _shares(t, by_share) if len(measured.sources.counts) > 1 else None
    return {
        "sizes": _sizes(t, gathered),
        "similarities": _similarities(gathered, threshold),
        "shares": shares,
        "sources": sources,
    }


def _sizes(t: Mapping[str, str], gathered: Gathered) -> Chart:
    """Families by size, articles and passages beside each other: 2, 3-4, 5-8 ..."""
    grains = (("article", "main"), ("passage", "second"))
    largest = max((size for grain, _ in grains for size in gathered.sizes[grain]), default=1)
    bars, ticks = [], []
    for bit in range(1, max(largest, 4) + 1):
        low, high = (1 << bit - 1) + 1, 1 << bit
        name = f"{low:,}" if low == high else f"{low:,}–{high:,}"
        bars += [(f"{name} · {t[grain]}", gathered.sizes[grain][bit], series) for grain, series in grains]
        ticks.append((2.0 * bit - 1, name if largest <= 6 else compact(low)))
    return columns(bars, ticks, logarithmic=True)


def _similarities(gathered: Gathered, threshold: float) -> Chart:
    """Near members by hundredths of similarity, from a little below the threshold up."""
    first = max(min([int(100 * threshold) - 5, *gathered.similarities]), 0)
    first -= first % 5
    bars = [(f"{at / 100:.2f}–{(at + 1) / 100:.2f}", gathered.similarities[at], "main") for at in range(first, 100)]
    ticks = [(float(at - first), f"{at / 100:.2f}".removesuffix("0")) for at in range(first + 5, 100, 5)]
    return columns(bars, ticks, logarithmic=False, line=100 * threshold - first)


def _shares(t: Mapping[str, str], shares: Mapping[int, int]) -> Chart:
    """By tenths that are cut: nothing, up to 10 %, up to 20 % ... all."""
    names = ["0 %", *(f"{tenth - 1 and 10 * (tenth - 1)}–{10 * tenth} %" for tenth in range(1, 11)), t["whole"]]
    bars = [(name, shares.get(number, 0), "main") for number, name in enumerate(names)]
    ticks = [(0.5, "0"), *((float(tenth + 1), f"{10 * tenth}") for tenth in range(2, 10, 2)), (11.5, t["whole"])]
    return columns(bars, ticks, logarithmic=True)
