"""The names of what a run leaves, and names that are to be trusted."""

from __future__ import annotations

from pathlib import Path

from dedup.articles import name_fault
from dedup.errors import BadRun

CLEAN, DROPPED, REJECTED, PLACES = "clean", "dropped", "rejected", "places.jsonl"


REJECTS = "rejected.jsonl"


FINDINGS, FAMILIES = "findings.jsonl", "families.jsonl"


SUMMARY, TIMINGS, PAGE, TUNED = "summary.json", "timings.json", "report.html", "tune.json"


RUN_NAMES = (CLEAN, DROPPED, REJECTED, PLACES, FINDINGS, FAMILIES, SUMMARY, TIMINGS, PAGE, TUNED, REJECTS)


def safe_name(name: object) -> str:
    """*name*, if it is a relative name that stays inside its folder on any system.

    Raises:
        BadRun: it is not.

    >>> safe_name("2020/news.jsonl")
    '2020/news.jsonl'
    """
    if not isinstance(name, str):
        raise BadRun(f"a run names its files by strings, found {name!r}; the run folder is damaged")
    if fault := name_fault(name):
        raise BadRun(f"the run names a file {name!r}, which {fault}; do not trust this run folder")
    return name


def refuse_links(root: Path, name: str) -> None:
    """Raises BadRun if a part of *name* is a symbolic link: what is read or written there might lie anywhere."""
    path = root
    for part in safe_name(name).split("/"):
        path /= part
        if path.is_symlink():
            raise BadRun(f"{path}: is a symbolic link, which a run never makes; do not trust this folder")
