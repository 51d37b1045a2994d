"""The fold table: how it is made from OpenCC and unicodedata, and the loader of the one that is shipped.

The library reads the shipped file alone, so that the next release of OpenCC or of Python changes no fold.
`python -m dedup.fold_table` makes the file anew (it needs the extra `opencc`); FOLD_VERSION then goes up by one if
any fold changed, because indexes and reports name it.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.kernel import fold_reference
from dedup.kernel.fold_reference import (
    BLANK,
    COMBINING,
    DECIMAL,
    DIGIT,
    EXPANSION,
    HAN,
    INVISIBLE,
    LETTER,
    MARK,
    NUMBER,
    PERCENT,
    SIGN,
    SPACE,
    TONE,
    WIDE,
    FoldTable,
)

__all__ = ["FOLD_VERSION", "WIDE", "FoldTable", "build", "flagged", "load"]

FOLD_VERSION = "1"
PATH = Path(__file__).with_name("data") / "fold.bin"

_CODE_POINTS = 0x110000
_BLOCK = 1 << 16
_SURROGATES = range(0xD800, 0xE000)

# Blocks, not assigned characters, so that a Han character of a later Unicode version is wide already.
_HAN = (
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x3007),  # 々〆〇
    (0x3021, 0x3029),  # Suzhou numerals
    (0x3038, 0x303B),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),  # the two ideographic planes
)
_KANA_AND_HANGUL = (
    (0x1100, 0x11FF),
    (0x302A, 0x302F),  # tone marks of Han and Hangul
    (0x3031, 0x3035),
    (0x303C, 0x303C),
    (0x3041, 0x30FF),
    (0x3131, 0x318E),
    (0x31F0, 0x31FF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),
    (0xFF66, 0xFFDC),  # half-width kana and jamo, which fold to those above
    (0x1AFF0, 0x1B16F),
)

# Default_Ignorable_Code_Point of DerivedCoreProperties.txt, which unicodedata does not carry
_DEFAULT_IGNORABLE = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
# skin tones alter an emoji as a variation selector does
_SKIN_TONES = ((0x1F3FB, 0x1F3FF),)

_WHITE_SPACE = (
    (0x0009, 0x000D),
    (0x0020, 0x0020),
    (0x0085, 0x0085),
    (0x00A0, 0x00A0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
)

# A picture says something, an ornament does not. Pictures are the symbols (So) of the emoji planes and of Miscellaneous
# Symbols, and those dingbats that have a colour by default; ornaments are all other symbols, and among the first
# stars, check boxes, pointing hands, card suits (not hearts), notes, coloured disks and arrows, which stand as bullets.
_PICTURES = (
    (0x231A, 0x231B),
    (0x23E9, 0x23F3),
    (0x2600, 0x26FF),
    (0x2705, 0x2705),
    (0x2708, 0x270D),
    (0x2728, 0x2728),
    (0x274C, 0x274C),
    (0x274E, 0x274E),
    (0x2753, 0x2755),
    (0x2757, 0x2757),
    (0x2763, 0x2764),
    (0x2B55, 0x2B55),
    (0x1F000, 0x1FBFF),
)
_ORNAMENTS = (
    (0x2605, 0x2606),
    (0x2610, 0x2612),
    (0x261A, 0x261F),
    (0x2660, 0x2660),
    (0x2662, 0x2664),
    (0x2666, 0x266F),
    (0x1F532, 0x1F53D),
    (0x1F650, 0x1F67F),
    (0x1F780, 0x1F8FF),
    (0x1FB00, 0x1FBFF),  # block mosaics of old terminals
)
# ™ and ℠ would fold to letters; © and ® are ornaments as it is
_LEGAL = (0x2120, 0x2122)

_SIGNS = frozenset("+-±∓\u2010\u2012\u2013\u2212")  # what U+2011, ﹣, －, ⁻, ₋ ... are by NFKC
_PERCENTS = frozenset("%‰‱\u066a\u0609\u060a")

# Characters that OpenCC exchanges only inside phrases, or lists as another spelling of each other, so that its
# conversion of single characters leaves them apart: 了解 is 瞭解, 仿佛 彷彿, 计划 計畫, 坐标 座標. From the phrases of
# s2t and t2s, the choices of s2t for one character, and the spellings of Hong Kong. Left out: 呆/待, two words, and the
# variants in names (淼/渺, 喆/哲) that OpenCC lists but never exchanges.
CONTEXT_BOUND = (
    "了瞭 复覆 借藉 仿彷 苏甦 具俱 沉沈 链鍊 坯坏 划畫 象像 里哩 背揹 夫伕 宁甯 熏薰 坐座 枪鎗 穗繐 戚鏚 浚濬 拿拏 "
    "仇讎 焰燄 琅瑯 檗蘗 澄澂 豆荳 锄耡 筱篠 藤籐 斤觔 果菓 吣唚 耇耈 堤隄 斫斲 只祇 它牠 周賙 硷礆 硷鹼 "
    "柏栢 鰲鼇 礦鑛 穎頴 妍姸 彝彜"
)

_Converter = Callable[[str], str]
_Array = NDArray[Any]


@lru_cache(maxsize=1)
def load() -> FoldTable:
    """The shipped table. Its arrays are shared and cannot be written to."""
    content = PATH.read_bytes()
    head, _, body = content.partition(b"\n")
    meta = json.loads(head)
    arrays: dict[str, _Array] = {}
    at = 0
    for name, kind, length in meta["arrays"]:
        arrays[name] = np.frombuffer(body, kind, length, at)
        at += arrays[name].nbytes
    return _table(meta, {name: array.astype(array.dtype.newbyteorder("=")) for name, array in arrays.items()})


def flagged(flags: int) -> NDArray[np.int64]:
    """The code points that have any of these flags, rising."""
    own = load().flags
    blocks = range(0, len(own), _BLOCK)  # memory that is new to a process takes longest: little of it is used
    return np.concatenate([first + np.flatnonzero(own[first : first + _BLOCK] & flags) for first in blocks])


def _table(meta: dict[str, str], stored: dict[str, _Array]) -> FoldTable:
    """The table whose compact form is *stored*: exceptions to the identity, runs of equal flags, sparse classes."""
    mapping = np.arange(_CODE_POINTS, dtype=np.uint32)
    mapping[stored["mapped"]] = stored["mapped_to"]
    flags = np.repeat(stored["run_flags"], stored["run_lengths"])
    combining_class = np.zeros(_CODE_POINTS, np.uint8)
    combining_class[stored["combining"]] = stored["combining_classes"]
    arrays = {
        "mapping": mapping,
        "flags": flags,
        "combining_class": combining_class,
        "expansion_offsets": _offsets(stored["expansion_lengths"]),
        "expansions": stored["expansions"],
        "decomposed": stored["decomposed"],
        "decomposition_offsets": _offsets(stored["decomposition_lengths"]),
        "decompositions": stored["decompositions"],
        "pairs": stored["pairs"],
        "composites": stored["composites"],
    }
    for array in arrays.values():
        array.flags.writeable = False
    return FoldTable(meta["version"], meta["unicode"], meta["opencc"], **arrays)


def _offsets(lengths: _Array) -> NDArray[np.int64]:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths.astype(np.int64))))


def _store(table: FoldTable) -> bytes:
    """The shipped form of a table: one line of JSON, then little-endian arrays, the same bytes for the same table."""
    changed = np.flatnonzero(table.mapping != np.arange(_CODE_POINTS))
    breaks = np.concatenate(([0], np.flatnonzero(np.diff(table.flags)) + 1, [_CODE_POINTS]))
    combining = np.flatnonzero(table.combining_class)
    arrays = {
        "mapped": changed.astype("<u4"),
        "mapped_to": table.mapping[changed].astype("<u4"),
        "run_lengths": np.diff(breaks).astype("<u4"),
        "run_flags": table.flags[breaks[:-1]].astype("<u2"),
        "expansion_lengths": np.diff(table.expansion_offsets).astype("u1"),
        "expansions": table.expansions.astype("<u4"),
        "combining": combining.astype("<u4"),
        "combining_classes": table.combining_class[combining],
        "decomposed": table.decomposed.astype("<u4"),
        "decomposition_lengths": np.diff(table.decomposition_offsets).astype("u1"),
        "decompositions": table.decompositions.astype("<u4"),
        "pairs": table.pairs.astype("<u8"),
        "composites": table.composites.astype("<u4"),
    }
    meta = {
        "version": table.version,
        "unicode": table.unicode_version,
        "opencc": table.opencc_version,
        "arrays": [(name, array.dtype.str, len(array)) for name, array in arrays.items()],
    }
    return json.dumps(meta).encode() + b"\n" + b"".join(array.tobytes() for array in arrays.values())


def build() -> FoldTable:
    """The table that the installed OpenCC and unicodedata give; takes some seconds."""
    import opencc  # noqa: PLC0415 - optional: only whoever makes the table needs it

    variants = variant_classes({name: opencc.OpenCC(name).convert for name in ("t2s", "tw2s", "hk2s", "s2t")})
    mapping = np.arange(_CODE_POINTS, dtype=np.uint32)
    flags = np.zeros(_CODE_POINTS, np.uint16)
    expansions: list[str] = []
    folds = [_fold_of(chr(code), variants) if code not in _SURROGATES else chr(code) for code in range(_CODE_POINTS)]
    for code, folded in enumerate(folds):
        if code in _SURROGATES:
            continue
        flags[code] = _flags_of(chr(code), folded)
        if len(folded) > 1:
            mapping[code] = EXPANSION + len(expansions)
            expansions.append(folded)
        else:
            mapping[code] = ord(folded) if folded else 0
    classes, decomposed, pairs = _canonical()
    joining = {code for code, combining in enumerate(classes) if combining} | {pair & 0xFFFFFFFF for pair in pairs}
    joining |= {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}
    for code, folded in enumerate(folds):
        if code in joining or (folded and ord(folded[0]) in joining):
            flags[code] |= COMBINING
    return FoldTable(
        version=FOLD_VERSION,
        unicode_version=unicodedata.unidata_version,
        opencc_version=opencc.__version__,
        mapping=mapping,
        flags=flags,
        expansion_offsets=_offsets(np.array([len(folded) for folded in expansions])),
        expansions=_codes("".join(expansions)),
        combining_class=np.array(classes, np.uint8),
        decomposed=np.array(sorted(decomposed), np.uint32),
        decomposition_offsets=_offsets(np.array([len(decomposed[code]) for code in sorted(decomposed)])),
        decompositions=_codes("".join(decomposed[code] for code in sorted(decomposed))),
        pairs=np.array(sorted(pairs), np.uint64),
        composites=np.array([pairs[pair] for pair in sorted(pairs)], np.uint32),
    )


def variant_classes(converters: dict[str, _Converter]) -> dict[str, str]:
    """Each Han character that is a variant of others, to the one that stands for all of them.

    Two characters are variants if t2s, tw2s, hk2s or s2t turns one into the other, or CONTEXT_BOUND says so; and the
    variants of variants. The character that t2s makes of most of them stands for all (the lowest, of several).
    Every character is converted alone: among newlines, so that no phrase spans two.
    """
    letters = [
        chr(code)
        for code in range(_CODE_POINTS)
        if code not in _SURROGATES and unicodedata.category(chr(code)) == "Lo" and _nfkc(chr(code)) == chr(code)
    ]
    parent: dict[str, str] = {}
    votes: Counter[str] = Counter()
    for name, convert in converters.items():
        converted = convert("\n".join(letters)).split("\n")
        for one, other in zip(letters, converted, strict=True):
            if one != other:
                _unite(parent, one, _nfkc(other))
                votes[_nfkc(other)] += name == "t2s"
    for pair in CONTEXT_BOUND.split():
        _unite(parent, pair[0], pair[1])
    members: dict[str, list[str]] = {}
    for letter in parent:
        members.setdefault(_root(parent, letter), []).append(letter)
    return {
        letter: min(variants, key=lambda variant: (-votes[variant], variant))
        for variants in members.values()
        for letter in variants
    }


def _unite(parent: dict[str, str], one: str, other: str) -> None:
    parent.setdefault(one, one)
    parent.setdefault(other, other)
    parent[_root(parent, one)] = _root(parent, other)


def _root(parent: dict[str, str], letter: str) -> str:
    while parent[letter] != letter:
        letter = parent[letter]
    return letter


@lru_cache
def _members(ranges: tuple[tuple[int, int], ...]) -> frozenset[int]:
    """The code points of *ranges*."""
    return frozenset(code for first, last in ranges for code in range(first, last + 1))


def _is_invisible(character: str) -> bool:
    """Controls, formats, default ignorables, skin tones and noncharacters; white space is none of them."""
    code = ord(character)
    if code in _members(_WHITE_SPACE):
        return False
    noncharacter = 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE
    return (
        noncharacter
        or code in _members(_DEFAULT_IGNORABLE + _SKIN_TONES)
        or unicodedata.category(character) in ("Cc", "Cf")
    )


def _fold_of(character: str, variants: dict[str, str]) -> str:
    """What one code point folds to."""
    if ord(character) in _members(_WHITE_SPACE):
        return chr(BLANK)
    if _is_invisible(character) or ord(character) in _LEGAL:
        return ""
    category = unicodedata.category(character)
    if category in ("Cn", "Co"):
        return character
    full = _nfkc(character)
    if category != "Nd" and any(unicodedata.category(part) == "Nd" for part in full):
        return character  # ² ① ½ ㏠ ㎡: 10² is not 102
    is_symbol = category[0] in "PSZ" and len(unicodedata.normalize("NFC", character)) == 1  # not a symbol and a mark
    folded = full
    while True:  # twice is enough for every code point of Unicode 14; a fixed point makes folding idempotent
        again = "".join(variants.get(part, part) for part in _nfkc(_nfkc(folded).casefold()))
        if again == folded:
            break
        folded = again
    return "".join(part for part in folded if _stays(part, is_symbol))


def _stays(part: str, of_symbol: bool) -> bool:
    """Whether a part of a folded code point stays; ¨ is a symbol whose parts are a space and a mark, and goes."""
    if _is_invisible(part):
        return False
    category = unicodedata.category(part)
    if category[0] in "LN":
        return True
    if category == "So":
        return ord(part) in _members(_PICTURES) and ord(part) not in _members(_ORNAMENTS)
    if of_symbol:
        return False
    return category in ("Mn", "Mc", "Cn", "Co", "Zs")  # unassigned ones may be the letters of a later version


def _flags_of(character: str, folded: str) -> int:
    """All flags of a code point but COMBINING, which needs the compositions of all."""
    code, flags = ord(character), 0
    if code in fold_reference.TONED:
        flags |= TONE
    if code in _members(_WHITE_SPACE):
        return flags | SPACE
    if _is_invisible(character):
        return flags | INVISIBLE
    if not folded:
        full = _nfkc(character)
        return flags | MARK | SIGN * _is_sign(full) | PERCENT * (full in _PERCENTS)
    if code in _members(_HAN):
        flags |= HAN
    last = folded[-1]
    category = unicodedata.category(last)
    if ord(last) in _members(_HAN + _KANA_AND_HANGUL):
        flags |= WIDE
    elif category[0] in "LM":
        flags |= LETTER
    if len(folded) == 1 and category[0] == "N" and ord(last) not in _members(_HAN):
        flags |= NUMBER
        flags |= DIGIT * (category in ("Nd", "No")) | DECIMAL * (category == "Nd")
    return flags


def _is_sign(full: str) -> bool:
    return full in _SIGNS or (len(full) == 1 and unicodedata.category(full) == "Sc")


def _canonical() -> tuple[list[int], dict[int, str], dict[int, int]]:
    """Combining classes, full canonical decompositions, and primary composites by first << 32 | second."""
    classes, decomposed, pairs = [], {}, {}
    for code in range(_CODE_POINTS):
        character = chr(code)
        classes.append(unicodedata.combining(character))
        if code in _SURROGATES or 0xAC00 <= code <= 0xD7A3:  # Hangul syllables are arithmetic
            continue
        full = unicodedata.normalize("NFD", character)
        if full != character:
            decomposed[code] = full
        parts = unicodedata.decomposition(character).split()
        if len(parts) == 2 and parts[0][0] != "<" and unicodedata.normalize("NFC", character) == character:
            pairs[int(parts[0], 16) << 32 | int(parts[1], 16)] = code
    return classes, decomposed, pairs


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), "<u4").astype(np.uint32)


if __name__ == "__main__":
    PATH.write_bytes(_store(build()))
