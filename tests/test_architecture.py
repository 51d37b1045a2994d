"""Imports run one way, and each library has one door."""

import ast
from pathlib import Path

import pytest

import dedup

PACKAGE = Path(dedup.__file__).parent
# a file uses only files above it
LAYERS = [
    "lazy",
    "errors",
    "threads",
    "kept",
    "processes",
    "work",
    "columns",
    "settings",
    "model",
    "parts",
    "frames",
    "kernel.reference",
    "kernel.fold_reference",
    "kernel.line_reference",
    "kernel.number_reference",
    "kernel.text_reference",
    "kernel.greedy_reference",
    "kernel.template_reference",
    "kernel.utf8_reference",
    "kernel.json_reference",
    "kernel.row_reference",
    "kernel.lookup_reference",
    "kernel.native",
    "kernel",
    "strings",
    "fold_table",
    "segments",
    "text",
    "sketch",
    "candidates",
    "families",
    "blocks",
    "heads",
    "rules",
    "boilerplate",
    "marks",
    "frequency",
    "looking",
    "tables",
    "judging",
    "rewriting",
    "findings",
    "told_lines",
    "told",
    "local",
    "index.sorted_runs",
    "index.store",
    "index.postings",
    "index.excerpts",
    "index.keys",
    "index.earlier",
    "index.repeats",
    "index.neighbours",
    "index.judge",
    "index.templates",
    "index.opened",
    "index.verdict",
    "index.index",
    "index",
    "articles.wording",
    "articles.files",
    "articles.remote",
    "articles.packing",
    "articles.encodings",
    "articles.jsonl",
    "articles.quoted",
    "articles.delimited",
    "articles.rows",
    "articles.plain",
    "articles.parquet",
    "articles.places",
    "articles.corpus",
    "articles",
    "report.records",
    "report.wording",
    "report.shown",
    "report.differences",
    "report.explain",
    "report.charts",
    "report.gathering",
    "report.stats",
    "report.tune",
    "report.page",
    "report",
    "runs.names",
    "runs.staging",
    "runs.lines",
    "runs.by_article",
    "runs.folder",
    "runs.cleaning",
    "runs.restoring",
    "runs.paging",
    "runs.applying",
    "runs",
    "evaluate",
    "cli.wording",
    "cli.options",
    "cli.group",
    "cli.progress",
    "cli.scanning",
    "cli.afterwards",
    "cli.looking",
    "cli.index",
    "cli.entry",
    "cli",
    "__main__",
]
DOORS = {
    "opencc": {"fold_table"},
    "unicodedata": {"fold_table"},
    "datasketch": {"sketch"},
    "click": {
        *("cli.wording", "cli.options", "cli.group", "cli.scanning", "cli.afterwards", "cli.looking", "cli.index"),
        "cli.entry",
    },
    "tqdm": {"cli.progress"},
    "jinja2": {"report.page"},
    "markupsafe": {"report.page"},
    "rapidfuzz": {"report.differences"},
    "re2": {"rules"},
    "backports": {"articles.packing"},
    "compression": {"articles.packing"},
    "bz2": {"articles.packing"},
    "lzma": {"articles.packing"},
    "charset_normalizer": {"articles.encodings"},
    "fsspec": {"articles.remote"},
    "pyarrow": {"columns"},
}
FILES = {
    path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
    if path != PACKAGE / "__init__.py"
}


def imports(path: Path) -> set[str]:
    """The modules that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            files = {part for part in parts if part.removeprefix("dedup.") in LAYERS}
            names |= (
                parts if parts == files else parts | {node.module}
            )  # `from dedup.articles import rows` is about rows
    return names


def test_every_file_has_its_layer():
    """A new file says where it belongs."""
    assert set(FILES) == set(LAYERS)


@pytest.mark.parametrize("name", LAYERS)
def test_a_file_uses_only_files_above_it(name):
    """The list of layers is the order of the architecture."""
    for imported in imports(FILES[name]):
        below = imported.removeprefix("dedup.")
        if imported.startswith("dedup.") and below in LAYERS:
            assert LAYERS.index(below) < LAYERS.index(name), f"{name} imports {below}"


@pytest.mark.parametrize("library", DOORS)
def test_a_library_has_one_door(library):
    """Only the named files import it."""
    users = {name for name, path in FILES.items() if any(i.split(".")[0] == library for i in imports(path))}
    assert users == DOORS[library]


def test_the_kernel_knows_nothing_of_the_rest():
    """Arrays in, arrays out."""
    for name, path in FILES.items():
        if name.startswith("kernel"):
            assert all(
                i.startswith(("dedup.kernel", "dedup.errors")) for i in imports(path) if i.split(".")[0] == "dedup"
            )


def test_the_public_names_are_there_and_are_what_they_say():
    """No submodule stands in the way of a function of the same name."""
    for module in LAYERS[:-1]:
        __import__(f"dedup.{module}")
    for name in dedup.__all__:
        assert callable(getattr(dedup, name)), name
        assert name in dir(dedup)
    for name in dedup.runs.__all__:
        assert getattr(dedup.runs, name) is not None, name
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = dedup.nonsense
