"""A run's records: summary.json and timings.json."""

from __future__ import annotations

import resource
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

import dedup
from dedup import kernel
from dedup.fold_table import FOLD_VERSION
from dedup.model import Report


def summary(
    report: Report,
    inputs: Sequence[Mapping[str, Any]],
    warnings: Sequence[str],
    reading: Mapping[str, Any],
    stats: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What summary.json holds: the same for the same input and settings, on any machine.

    Args:
        report: what was found.
        inputs: name, format, compression, sha256 and bytes of each input file.
        warnings: what reading them gave rise to.
        reading: how the inputs were read: text_field, id_field, against and the files of those references.
        stats: the sums of the statistics, where they were asked for.
    """
    return {
        "dedup": dedup.__version__,
        "fold": FOLD_VERSION,
        "settings": report.settings.to_dict(),
        "bands": {"bands": report.settings.bands, "rows": report.settings.rows},
        **reading,
        "inputs": list(inputs),
        "counts": dict(report.counts),
        **({} if stats is None else {"stats": dict(stats)}),
        "warnings": [*warnings, *report.warnings],
    }


def timings(
    seconds: Mapping[str, float], paths: Mapping[str, str], folders: Sequence[str], workers: int
) -> dict[str, Any]:
    """What timings.json holds: all that may differ from run to run.

    Args:
        seconds: by stage.
        paths: by input name.
        folders: absolute paths of the inputs and references that are folders: no output may lie in them.
        workers: how many processes were at work.
    """
    return {
        "engine": "local",
        "kernel": kernel.NAME,
        "workers": workers,
        "seconds": {stage: round(spent, 3) for stage, spent in seconds.items()},
        "peak_memory_bytes": _peak_memory(),
        "inputs": dict(paths),
        "folders": list(folders),
    }


def _peak_memory() -> int:
    """The most memory that this process has had resident, in bytes."""
    try:
        # getrusage would count what the parent held when it started us
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return 1024 * int(status.split("VmHWM:")[1].split()[0])
    except (OSError, LookupError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """One object, indented, with a line end."""
    path.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
