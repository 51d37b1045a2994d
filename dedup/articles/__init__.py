"""Files <-> articles: text, JSONL, CSV and Parquet, packed or not, in any encoding, here or elsewhere."""

from dedup.articles import remote
from dedup.articles.corpus import Corpus, articles_of, read_articles, restore_file, rewrite_file, write_jsonl
from dedup.articles.files import (
    COMPRESSIONS,
    FORMATS,
    Aside,
    Ids,
    InputFile,
    PassedOver,
    Reading,
    Rejected,
    Rewriting,
    name_fault,
)
from dedup.articles.places import format_of
from dedup.articles.plain import copy
from dedup.articles.wording import printable

__all__ = [
    "COMPRESSIONS",
    "FORMATS",
    "Aside",
    "Corpus",
    "Ids",
    "InputFile",
    "PassedOver",
    "Reading",
    "Rejected",
    "Rewriting",
    "articles_of",
    "copy",
    "format_of",
    "name_fault",
    "printable",
    "read_articles",
    "remote",
    "restore_file",
    "rewrite_file",
    "write_jsonl",
]
