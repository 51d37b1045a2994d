"""The numbers and choices a user may turn, and the bands that follow from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from dedup.errors import BadSettings

CHOICES = {
    "passage": ("line", "blank", "sentence"),
    "numbers": ("strict", "ignore"),
    "scope": ("within", "across", "both"),
    "grain": ("article", "passage", "both"),
    "boilerplate": ("remove", "mark", "off"),
}
RULE_NAMES = (
    *("share", "credit", "metadata", "copyright", "subscribe", "related", "link-farm", "navigation"),
    "frequency",
)
"""The rules of `dedup.boilerplate`, in the order in which they are asked, and the one that counts."""
STRIPPED = ("markup", "annotation", "control")
"""The debris that a text can be freed from; mojibake is only ever reported."""
_RANGES: dict[str, tuple[float, float]] = {
    "threshold": (0.01, 1.0),
    "recall": (0.01, 0.9999),
    "shingle": (1, 64),
    "num_perm": (1, 4096),
    "seed": (1, 2**32 - 1),
    "min_chars": (1, 2**31),
    "min_chars_within": (1, 2**31),
    "bucket": (1, 2**31),
    "short_chars": (0, 2**31),
    "short_containment": (0.0, 1.0),
    "boilerplate_families": (2, 2**31),
    "boilerplate_families_long": (2, 2**31),
    "boilerplate_share": (0.0, 1.0),
}


@lru_cache(maxsize=64)  # every piece of text that is sketched asks for it
def band_shape(threshold: float, recall: float, num_perm: int) -> tuple[int, int]:
    """The widest rows, and the fewest bands of them, that still let a duplicate through.

    Two texts of Jaccard similarity s share at least one of b bands of r rows with probability
    1 - (1 - s**r)**b. Every proposal is verified, so banding has one duty, recall.

    Args:
        threshold: the least similarity of a duplicate, in (0, 1].
        recall: the probability with which a pair exactly at the threshold is to be proposed, in (0, 1).
        num_perm: the number of permutations, the length of a signature.

    Returns:
        (bands, rows), with bands * rows <= num_perm.

    Raises:
        BadSettings: no shape reaches *recall*; the message names what would.

    Source: Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, 3.4.2.

    >>> band_shape(threshold=0.8, recall=0.99, num_perm=128)
    (16, 6)
    >>> band_shape(threshold=0.7, recall=0.95, num_perm=256)
    (35, 7)
    """
    for rows in range(num_perm, 0, -1):
        bands = _bands_needed(threshold**rows, recall)
        if bands * rows <= num_perm:
            return bands, rows
    best = 1 - (1 - threshold) ** num_perm
    needed = _bands_needed(threshold, recall)
    raise BadSettings(
        f"threshold {threshold} with recall {recall} needs at least {needed} permutations, num_perm is {num_perm}; "
        f"raise num_perm to {needed}, or lower recall to {math.floor(best * 1e4) / 1e4} or less"
    )


def _bands_needed(hit: float, recall: float) -> int:
    """The fewest bands, each hit with probability *hit*, of which one is hit with probability *recall*."""
    if hit >= 1:
        return 1
    if hit < 1e-300:  # the logarithm below would underflow
        return 2**62
    return max(1, math.ceil(math.log1p(-recall) / math.log1p(-hit) - 1e-9))


@dataclass(frozen=True, slots=True)
class Settings:
    """Every choice that the result depends on; two equal settings give the same findings for the same articles.

    Attributes:
        threshold: least exact Jaccard similarity of the shingle sets of two texts that are duplicates; compared as
            the decimal fraction that is written here, of six decimals at most.
        recall: probability with which a pair exactly at the threshold is proposed (see `band_shape`).
        shingle: width of a shingle in columns; a Han, kana or Hangul character is 2 columns wide, others 1.
        num_perm: length of a MinHash signature.
        seed: seed of the permutations.
        numbers: "strict": texts of which each has a number that the other lacks are not duplicates; "ignore".
        min_chars: least folded characters of a passage that is matched across articles; here and below a narrow
            character, such as a Latin letter, counts half.
        min_chars_within: least folded characters of a passage that is matched inside its article.
        short_chars, short_containment: where either text has fewer than *short_chars* folded characters, near
            duplicates also share at least *short_containment* of the smaller shingle set.
        bucket: a band key posts at most this many kept texts, the earliest.
        scope: "within" takes each article as a corpus of its own; "across" drops what repeats its own article.
        grain: judge whole articles, passages, or both.
        keep: which of several articles is kept: "first", "last", "longest" or "field:NAME[:desc]".
        passage: what a passage is: a "line", a paragraph between "blank" lines, or a "sentence". Boilerplate and debris
            are judged by lines whatever a passage is; a line so judged is no part of a passage, and ends a paragraph.
        boilerplate: "remove"; "mark" reports it only; "off" does not look for it. What is marked is left out of the
            comparison too; what is doubtful is reported in either case, never removed, and compared.
        boilerplate_families: least distinct article families that carry a line before its frequency says anything.
        boilerplate_families_long: the same for a line of 40 folded characters or more.
        boilerplate_share: least share of the article families of its source that carry such a line.
        source_field: the field that names an article's source (its site); None: what the caller of `scan` says.
        keep_rules: names of boilerplate rules that are switched off.
        rules: further boilerplate rules, (name, RE2 pattern) each; a line goes that one of them matches as a whole.
        strip: the debris that the text is freed from: any of "markup", "annotation", "control".

    Raises:
        BadSettings: a value is out of its range, or two exclude each other; the message names them.
    """

    threshold: float = 0.7
    recall: float = 0.95
    shingle: int = 8
    num_perm: int = 256
    seed: int = 1
    numbers: str = "strict"
    min_chars: int = 40
    min_chars_within: int = 20
    short_chars: int = 40
    short_containment: float = 0.9
    bucket: int = 1000
    scope: str = "both"
    grain: str = "both"
    keep: str = "first"
    passage: str = "line"
    boilerplate: str = "remove"
    boilerplate_families: int = 5
    boilerplate_families_long: int = 10
    boilerplate_share: float = 0.04
    source_field: str | None = None
    keep_rules: tuple[str, ...] = ()
    rules: tuple[tuple[str, str], ...] = ()
    strip: tuple[str, ...] = ("markup",)

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            self._check_number(name, least, most)
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise BadSettings(f"{name} must be one of {', '.join(choices)}, found {value!r}")
        if self.min_chars_within > self.min_chars:
            raise BadSettings(
                f"min_chars_within ({self.min_chars_within}) must not exceed min_chars ({self.min_chars})"
            )
        if self.scope == "within" and self.grain == "article":
            raise BadSettings(
                'scope "within" compares passages of one article, grain "article" whole articles: together they find '
                "nothing; change one of the two"
            )
        _check_keep(self.keep)
        self._check_boilerplate()
        band_shape(self.threshold, self.recall, self.num_perm)

    def _check_number(self, name: str, least: float, most: float) -> None:
        value = getattr(self, name)
        default = type(self).__dataclass_fields__[name].default
        whole = isinstance(default, int)
        kind = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kind):
            raise BadSettings(f"{name} must be a {'whole ' if whole else ''}number, found {value!r}")
        if not least <= value <= most:
            raise BadSettings(f"{name} must lie between {least} and {most}, found {value!r}")
        if not whole:
            if Fraction(str(value)).denominator > 10**6:
                # similarities are compared as fractions of 64-bit integers
                raise BadSettings(f"{name} must have at most six decimals, found {value!r}; write {round(value, 6)}")
            object.__setattr__(self, name, float(value))

    def _check_boilerplate(self) -> None:
        if not (self.source_field is None or (isinstance(self.source_field, str) and self.source_field)):
            raise BadSettings(f"source_field must name a field, found {self.source_field!r}")
        rules = _list("rules", self.rules)
        for rule in rules:
            if not (isinstance(rule, list | tuple) and len(rule) == 2 and all(isinstance(part, str) for part in rule)):
                raise BadSettings(f"rules must be pairs of a name and a pattern, found {rule!r}")
        object.__setattr__(self, "rules", tuple((name, pattern) for name, pattern in rules))
        names = (*RULE_NAMES, *(name for name, _ in self.rules))
        for setting, known in (("strip", STRIPPED), ("keep_rules", names)):
            values = _list(setting, getattr(self, setting))
            for value in values:
                if value not in known:
                    raise BadSettings(f"{setting} may name {', '.join(dict.fromkeys(known))}, found {value!r}")
            object.__setattr__(self, setting, values)

    @property
    def bands(self) -> int:
        """The number of bands."""
        return band_shape(self.threshold, self.recall, self.num_perm)[0]

    @property
    def rows(self) -> int:
        """The number of rows in a band."""
        return band_shape(self.threshold, self.recall, self.num_perm)[1]

    @property
    def threshold_fraction(self) -> Fraction:
        """The threshold as the decimal fraction that was written: 0.7 is 7/10, not the float next to it."""
        return Fraction(str(self.threshold))

    @property
    def containment_fraction(self) -> Fraction:
        """`short_containment` as a decimal fraction."""
        return Fraction(str(self.short_containment))

    @property
    def keep_field(self) -> str | None:
        """The field whose value decides who is kept, or None."""
        head, _, name = self.keep.partition(":")
        return name.removesuffix(":desc") if head == "field" else None

    def to_dict(self) -> dict[str, Any]:
        """As it stands in summary.json."""
        return {name: _listed(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """The inverse of `to_dict`; names that are left out take their defaults.

        Raises:
            BadSettings: a name is unknown or a value unusable; the message names it.
        """
        known = [setting.name for setting in fields(cls)]
        for name in values:
            if name not in known:
                raise BadSettings(f"unknown setting {name!r}; the settings are {', '.join(known)}")
        return cls(**values)


def _listed(value: Any) -> Any:
    """A value as JSON gives it back."""
    return [_listed(item) for item in value] if isinstance(value, tuple | list) else value


def read_settings(path: str | Path) -> dict[str, Any]:
    """The table of a settings file (TOML), the same names as in `Settings`; a hyphen may stand for an underscore.

    Raises:
        BadSettings: the file cannot be read, is no TOML, or holds an unknown name.
    """
    import tomllib  # noqa: PLC0415  (a run without such a file need not wait for it)

    try:
        with Path(path).open("rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        raise BadSettings(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: is no TOML: {error}; write lines like threshold = 0.7") from None
    values = {name.replace("-", "_"): value for name, value in table.items()}
    try:
        Settings.from_dict(values)
    except BadSettings as error:
        raise BadSettings(f"{path}: {error}") from None
    return values


def _list(name: str, values: object) -> tuple[Any, ...]:
    if not isinstance(values, list | tuple):
        raise BadSettings(f"{name} must be a list, found {values!r}")
    return tuple(values)


def _check_keep(keep: object) -> None:
    """`keep` is first, last, longest or field:NAME[:desc]."""
    if isinstance(keep, str):
        encodable = not any("\ud800" <= char <= "\udfff" for char in keep)  # it is to stand in JSON
        if keep in ("first", "last", "longest"):
            return
        head, _, name = keep.partition(":")
        if head == "field" and name and name != ":desc" and encodable:
            return
    raise BadSettings(f"keep must be first, last, longest or field:NAME[:desc], found {keep!r}")
