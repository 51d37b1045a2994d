"""Finds what repeats in a corpus of articles, and hands back clean text with a reason for every cut.

for article in dedup.clean(articles): ...                  # articles or plain strings
report = dedup.scan(articles, dedup.Settings(threshold=0.7))
for article in dedup.rewrite(articles, report): ...
with dedup.Index("news.index") as index: verdict = index.add(article)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dedup.lazy import imported_from

if TYPE_CHECKING:
    from dedup.articles import read_articles
    from dedup.errors import DedupError
    from dedup.index import Index
    from dedup.local import clean, scan
    from dedup.model import Article, Finding, Report
    from dedup.rewriting import restore, rewrite
    from dedup.settings import Settings

_HOMES = {
    "Article": "dedup.model",
    "DedupError": "dedup.errors",
    "Finding": "dedup.model",
    "Index": "dedup.index",
    "Report": "dedup.model",
    "Settings": "dedup.settings",
    "clean": "dedup.local",
    "read_articles": "dedup.articles",
    "restore": "dedup.rewriting",
    "rewrite": "dedup.rewriting",
    "scan": "dedup.local",
}

__all__ = [
    "Article",
    "DedupError",
    "Finding",
    "Index",
    "Report",
    "Settings",
    "clean",
    "read_articles",
    "restore",
    "rewrite",
    "scan",
]
__version__ = "0.1.0"

__getattr__ = imported_from(__name__, _HOMES)  # so that `dedup --help` does not wait for NumPy


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
