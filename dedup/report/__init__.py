"""What a person reads of a run: its records, the page, explanations, statistics."""

from dedup.report.records import summary, timings, write_json

__all__ = ["summary", "timings", "write_json"]
