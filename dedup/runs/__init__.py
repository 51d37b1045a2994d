"""A run's folder: made whole or not at all, applied again, restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dedup.lazy import imported_from

if TYPE_CHECKING:
    from dedup.runs.applying import apply_run
    from dedup.runs.cleaning import copy_jsonl, write_clean
    from dedup.runs.folder import each_family, each_finding, local_run, read_summary
    from dedup.runs.lines import finding_line, read_families, read_findings, write_rejected, write_told
    from dedup.runs.names import FINDINGS, PAGE
    from dedup.runs.paging import renew_page, sourced, sources, write_report, write_tuned
    from dedup.runs.restoring import read_originals, restore_run
    from dedup.runs.staging import check_file, check_places, home_of, side_file, stage

_NAMES = {
    "applying": ("apply_run",),
    "cleaning": ("copy_jsonl", "write_clean"),
    "folder": ("each_family", "each_finding", "local_run", "read_summary"),
    "lines": ("finding_line", "read_families", "read_findings", "write_rejected", "write_told"),
    "names": ("FINDINGS", "PAGE"),
    "paging": ("renew_page", "sourced", "sources", "write_report", "write_tuned"),
    "restoring": ("read_originals", "restore_run"),
    "staging": ("check_file", "check_places", "home_of", "side_file", "stage"),
}
_HOMES = {name: f"dedup.runs.{module}" for module, names in _NAMES.items() for name in names}

__all__ = [
    "FINDINGS",
    "PAGE",
    "apply_run",
    "check_file",
    "check_places",
    "copy_jsonl",
    "each_family",
    "each_finding",
    "finding_line",
    "home_of",
    "local_run",
    "read_families",
    "read_findings",
    "read_originals",
    "read_summary",
    "renew_page",
    "restore_run",
    "side_file",
    "sourced",
    "sources",
    "stage",
    "write_clean",
    "write_rejected",
    "write_report",
    "write_told",
    "write_tuned",
]

__getattr__ = imported_from(__name__, _HOMES)  # a scan without a page does not wait for all that makes one
