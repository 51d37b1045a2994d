"""How much boilerplate is found, and how much content is cut with it, on lines with labels.

python -m benchmarks.boilerplate [SET...]    sets of the development data, where it is present, and the examples

Every figure counts characters of lines that are not blank and whose label is clear. Sets of one site (cctv_zh) are
scanned as one source; sets of many sites, one page each, page by page. "cut nothing" is the floor: recall 0. jusText,
where it is installed, judges the same lines of the English sets, each as a paragraph without links; it has no stop
words for Chinese. trafilatura judges a tree of tags, which lines of text have not: it is not run.
"""

from __future__ import annotations

import gzip
import html
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click

import dedup
from dedup.frequency import masked_line
from dedup.model import Article
from dedup.settings import Settings
from dedup.text import codepoints, fold, line_spans

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data" / "boilerplate"
ONE_SITE = ("cctv_zh", "examples")

Page = tuple[Article, list[int]]  # a label a line that is not blank: 1 content, 0 boilerplate or debris, -1 unclear


def pages_of(name: str) -> Iterator[Page]:
    """The pages of a set."""
    if name == "examples":
        yield from example_pages()
        return
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        for record in map(json.loads, file):
            lines = record["text"].split("\n")
            at = dict(zip(accumulated(lines), record["labels"], strict=True))
            starts, _, _, blank = line_spans(codepoints(record["text"]))
            shown = starts[~blank].tolist()
            yield Article(record["id"], record["text"]), [at.get(start, -1) for start in shown]


def accumulated(lines: list[str]) -> list[int]:
    """Where each line starts."""
    starts = [0]
    for line in lines[:-1]:
        starts.append(starts[-1] + len(line) + 1)
    return starts


def example_pages() -> Iterator[Page]:
    """The project's own labels; lines without one are unclear."""
    labels: dict[str, dict[int, int]] = defaultdict(dict)
    for line in (ROOT / "examples" / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        if label["kind"] in ("boilerplate", "debris", "content"):
            labels[label["article"]][label["line"] - 1] = int(label["kind"] == "content")
    for article in dedup.read_articles(ROOT / "examples" / "articles"):
        _, _, _, blank = line_spans(codepoints(article.text))
        own = labels[article.id]
        yield article, [own.get(line, -1) for line in range(len(blank)) if not blank[line]]


def measure(name: str) -> None:
    """Prints the figures of a set."""
    floor = Counter(label for _, labels in pages_of(name) for label in labels)
    click.echo(f"{name}, cut nothing: recall 0, {floor[0]:,} lines of boilerplate and {floor[1]:,} of content stay")
    if name.endswith("_en") and find_spec("justext"):
        measure_justext(name)
    pages = list(pages_of(name))
    scope = "across" if name in ONE_SITE else "within"
    report = dedup.scan([article for article, _ in pages], Settings(scope=scope))
    found = defaultdict(list)
    for finding in report.findings:
        if finding.kind != "duplicate" and finding.removed and finding.grain != "span":
            found[finding.article].append(finding)
    everywhere = Counter(line for article, _ in pages for line in {masked for _, _, masked in lines_of(article)})
    sums: Counter[tuple[str, int]] = Counter()
    recurring: Counter[bool] = Counter()
    for article, labels in pages:
        for (start, end, masked), label in zip(lines_of(article), labels, strict=True):
            rule = next((f.rule for f in found[article.id] if f.start < end and start < f.end), None)
            sums["all", label] += end - start
            if rule is not None:
                sums["cut", label] += end - start
                sums[f"  {rule}", label] += end - start
            if label == 0 and everywhere[masked] >= 5:
                recurring[rule is not None] += end - start
    told(f"{name}: {len(pages)} pages", sums)
    if name in ONE_SITE and recurring:
        click.echo(
            f"  recall in lines that stand on five pages or more: {recurring[True] / sum(recurring.values()):.3f}"
        )
    for rule in sorted({rule for rule, _ in sums if rule.startswith("  ")}):
        click.echo(f"{rule}: {sums[rule, 0]:,} characters of boilerplate, {sums[rule, 1]:,} of content")


def told(what: str, sums: Counter[tuple[str, int]]) -> None:
    """Prints precision, recall and F1 of boilerplate, and the share of content that is cut."""
    cut, wrong = sums["cut", 0], sums["cut", 1]
    precision, recall = cut / max(cut + wrong, 1), cut / max(sums["all", 0], 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    click.echo(
        f"{what}, precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}, content wrongly cut "
        f"{wrong / max(sums['all', 1], 1):.2%}"
    )


def measure_justext(name: str) -> None:
    """Prints the figures of jusText, with its own settings, on the lines of an English set."""
    import justext  # noqa: PLC0415 - optional

    stop_words = justext.get_stoplist("English")
    sums: Counter[tuple[str, int]] = Counter()
    for article, labels in pages_of(name):
        lines = [article.text[start:end] for start, end, _ in lines_of(article)]
        body = "".join(f"<p>{html.escape(line)} {number}</p>" for number, line in enumerate(lines))
        verdicts = {
            int(paragraph.text.rsplit(" ", 1)[-1]): paragraph.is_boilerplate
            for paragraph in justext.justext(f"<html><body>{body}</body></html>", stop_words)
        }
        for number, (line, label) in enumerate(zip(lines, labels, strict=True)):
            sums["all", label] += len(line)
            sums["cut", label] += len(line) * verdicts.get(number, True)
    told(f"{name}, jusText", sums)


def lines_of(article: Article) -> list[tuple[int, int, str]]:
    """Start, end and masked fold of each line that is not blank."""
    starts, ends, _, blank = line_spans(codepoints(article.text))
    spans = zip(starts[~blank].tolist(), ends[~blank].tolist(), strict=True)
    return [(start, end, masked_line(fold(article.text[start:end]))) for start, end in spans]


@click.command()
@click.argument("sets", nargs=-1)
def main(sets: tuple[str, ...]) -> None:
    """Measures the sets, all that are there by default."""
    present = sorted(path.name.removesuffix(".jsonl.gz") for path in DATA.glob("*.jsonl.gz"))
    if not present:
        click.echo(f"{DATA}: not here, so only the examples are measured", err=True)
    for name in sets or ["examples", *present]:
        measure(name)


if __name__ == "__main__":
    main()
