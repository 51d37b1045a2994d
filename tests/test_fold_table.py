"""The shipped fold table: what it is made of, and that it is still what OpenCC and unicodedata give."""

import json
import subprocess
import sys
import unicodedata
from dataclasses import fields

import numpy as np
import pytest

from dedup import fold_table
from dedup.fold_table import FOLD_VERSION, load
from dedup.kernel import fold_reference as reference
from dedup.text import fold

TABLE = load()
SURROGATES = range(0xD800, 0xE000)

# Context-bound pairs in phrases: s2t makes the second of the first.
PHRASES = [
    ("简单明了", "簡單明瞭"),
    ("答复", "答覆"),
    ("慰借", "慰藉"),
    ("仿佛", "彷彿"),
    ("复苏", "復甦"),
    ("家具", "傢俱"),
    ("项链", "項鍊"),
    ("想象", "想像"),
    ("滴里搭拉", "滴哩搭拉"),
    ("背债", "揹債"),
    ("轿夫", "轎伕"),
    ("熏陶", "薰陶"),
    ("坐标", "座標"),
    ("苏公堤", "蘇公隄"),
    ("黄果树瀑布", "黃菓樹瀑布"),
    ("耕前锄后", "耕前耡後"),
]


@pytest.fixture(scope="module")
def installed():
    """The table that the installed OpenCC and Python would give."""
    opencc = pytest.importorskip("opencc", reason="the extra `opencc` is not installed")
    if opencc.__version__ != TABLE.opencc_version:
        pytest.skip(f"the table was made with OpenCC {TABLE.opencc_version}, installed is {opencc.__version__}")
    return fold_table.build()


def test_the_shipped_table_is_what_the_installed_libraries_give(installed):
    """Code points that only a later Unicode version assigns may differ: the shipped table leaves them as they are."""
    if unicodedata.unidata_version.split(".") < TABLE.unicode_version.split("."):
        pytest.skip(f"the table was made with Unicode {TABLE.unicode_version}, this Python has an older one")
    unknown = (TABLE.flags & ~np.uint16(reference.WIDE | reference.HAN)) == 0
    unknown &= TABLE.mapping == np.arange(0x110000)
    if unicodedata.unidata_version == TABLE.unicode_version:
        assert fold_table._store(installed) == fold_table.PATH.read_bytes()
    assert (installed.flags[~unknown] == TABLE.flags[~unknown]).all()
    one, other = (
        {code: folded_of(table, code) for code in np.flatnonzero(~unknown).tolist()} for table in (installed, TABLE)
    )
    assert one == other


def folded_of(table, code):
    """What one code point folds to."""
    to = int(table.mapping[code])
    if to < reference.EXPANSION:
        return [to]
    start, end = table.expansion_offsets[to - reference.EXPANSION :][:2].tolist()
    return table.expansions[start:end].tolist()


def test_every_fold_of_a_code_point_is_final():
    """Folding what a code point folds to changes nothing, but for 0, which stands for nothing."""
    ends = np.concatenate((TABLE.mapping[TABLE.mapping < reference.EXPANSION], TABLE.expansions))
    assert (TABLE.mapping[ends] == ends).all()


def test_every_representative_is_stable_under_compatibility_and_case():
    """No fold of a code point holds what NFKC or casefold would still change, unless it hides a digit."""
    if unicodedata.unidata_version != TABLE.unicode_version:
        pytest.skip(f"needs Unicode {TABLE.unicode_version}")
    ends = np.concatenate((TABLE.mapping[TABLE.mapping < reference.EXPANSION], TABLE.expansions))
    for code in np.unique(ends).tolist():
        if code not in SURROGATES:
            full = unicodedata.normalize("NFKC", chr(code))
            stable = unicodedata.normalize("NFKC", full.casefold()) == chr(code)
            assert stable or any(unicodedata.category(part) == "Nd" for part in full), hex(code)


def test_a_code_point_folds_as_its_canonical_parts_do():
    """Decomposed in Unicode, or not."""
    for code in TABLE.decomposed.tolist():
        assert fold(unicodedata.normalize("NFD", chr(code))) == fold(chr(code)), hex(code)


def test_flags_agree_with_the_mapping():
    """Marks and invisible code points fold to nothing, white space to a blank, all else to something."""
    dropped = TABLE.mapping == 0
    assert (dropped == ((TABLE.flags & (reference.MARK | reference.INVISIBLE)) != 0)).all()
    assert ((TABLE.mapping == reference.BLANK) == ((TABLE.flags & reference.SPACE) != 0)).all()
    for special in (reference.SIGN, reference.PERCENT):
        assert (TABLE.flags[(TABLE.flags & special) != 0] & reference.MARK).all()
    decimal = (TABLE.flags & reference.DECIMAL) != 0
    assert (TABLE.flags[decimal] & reference.DIGIT).all()
    assert (TABLE.flags[(TABLE.flags & reference.DIGIT) != 0] & reference.NUMBER).all()


def test_no_code_point_becomes_a_digit_that_is_none():
    """Only decimal digits fold to decimal digits."""
    digits = np.flatnonzero(np.isin(TABLE.mapping, list(range(0x30, 0x3A))))
    assert {unicodedata.category(chr(code)) for code in digits.tolist()} == {"Nd"}
    assert not np.isin(TABLE.expansions, list(range(0x30, 0x3A))).any()


def test_variant_classes_are_small():
    """No chain of variants runs away."""
    han = TABLE.mapping[np.flatnonzero((TABLE.flags & reference.HAN) != 0)]
    _, sizes = np.unique(han, return_counts=True)
    assert sizes.max() <= 12


@pytest.mark.parametrize(("simplified", "traditional"), PHRASES)
def test_context_bound_variants_are_what_opencc_writes_in_phrases(simplified, traditional):
    """The characters that no single conversion unites are united all the same."""
    opencc = pytest.importorskip("opencc", reason="the extra `opencc` is not installed")
    assert opencc.OpenCC("s2t").convert(simplified) == traditional
    assert fold(simplified) == fold(traditional)


def test_the_loader_needs_neither_opencc_nor_unicodedata():
    """A fresh interpreter folds without OpenCC and with an empty unicodedata."""
    code = "import sys, types; sys.modules['opencc'] = None; sys.modules['unicodedata'] = types.ModuleType('empty'); "
    code += "from dedup.text import fold; print(ascii(fold('e\\u0301\\u53f0\\u81fa')))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.stdout.strip() == r"'\xe9\u53f0\u53f0'", found.stderr


def test_the_table_names_what_it_was_made_from():
    """Version, Unicode and OpenCC stand in the first line of the file, which is JSON."""
    head = json.loads(fold_table.PATH.read_bytes().partition(b"\n")[0])
    assert (head["version"], head["unicode"], head["opencc"]) == (
        TABLE.version,
        TABLE.unicode_version,
        TABLE.opencc_version,
    )
    assert TABLE.version == FOLD_VERSION


def test_the_arrays_of_the_table_cannot_be_written_to():
    """It is shared by all who fold."""
    arrays = [getattr(TABLE, field.name) for field in fields(TABLE)]
    assert not any(array.flags.writeable for array in arrays if isinstance(array, np.ndarray))
    assert load() is TABLE
    assert len(TABLE.mapping) == len(TABLE.flags) == len(TABLE.combining_class) == 0x110000


@pytest.mark.parametrize("letter", ["中", "ア", "ｱ", "ー", "々", "〇", "한", "ㄱ", "\U00030000", "\U0003fffd"])
def test_han_kana_and_hangul_are_wide(letter):
    """Also those of a later Unicode version, by block."""
    assert TABLE.flags[ord(letter)] & reference.WIDE


@pytest.mark.parametrize("letter", ["a", "é", "5", "ㄅ", "ก", "😀", "．"])
def test_nothing_else_is_wide(letter):
    """Not bopomofo, not emoji, not full-width punctuation, which is dropped."""
    assert not TABLE.flags[ord(letter)] & reference.WIDE


def test_the_canonical_data_is_that_of_the_installed_python():
    """Combining classes and decompositions are stable by policy, so any later Unicode version must agree."""
    for code in np.flatnonzero(TABLE.combining_class).tolist():
        assert unicodedata.combining(chr(code)) == TABLE.combining_class[code]
    for entry, code in enumerate(TABLE.decomposed.tolist()):
        start, end = TABLE.decomposition_offsets[entry : entry + 2].tolist()
        full = "".join(map(chr, TABLE.decompositions[start:end].tolist()))
        assert unicodedata.normalize("NFD", chr(code)) == full
