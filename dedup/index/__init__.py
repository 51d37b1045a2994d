"""The incremental index: every new article judged against all that came before, on disk."""

from dedup.index.index import Index
from dedup.index.verdict import Verdict

__all__ = ["Index", "Verdict"]
