"""The meaning of folding, in NumPy: segments of code points to segments of folded code points.

Folding compares, it does not spell: equal folds say that two texts read alike. It is a table (`FoldTable`), a few
rules of context, and canonical composition for the few texts that hold combining characters. No rule looks across
the end of a segment.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.kernel.reference import offsets_of, positions, segment_ids, take_codes, to_utf16

U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

# Flags of a code point. They hold for a code point as read and, where it may stand there, in folded text.
WIDE = 1  # Han, kana, Hangul and what is written among them: two columns
HAN = 2  # Han: what a romanised annotation may follow
LETTER = 4  # folds to letters or combining marks that are not wide
NUMBER = 8  # Nd, No or Nl that stays a number (not 〇 and 〡, which are Han digits): what number tokens are made of
DIGIT = 16  # Nd or No: what a sign or a percent sign belongs to
DECIMAL = 32  # Nd: between two of these dropped marks become a sign
MARK = 64  # visible and dropped: punctuation, symbols; includes SIGN and PERCENT
SIGN = 128  # plus, minus, currency: becomes a sign before a digit
PERCENT = 256  # percent, per mille: becomes a sign after a digit
SPACE = 512  # Unicode White_Space
INVISIBLE = 1024  # dropped as if it were not there: controls, formats, default ignorables, skin tones
COMBINING = 2048  # may change or move what stands before it: composition must look
TONE = 4096  # a vowel with a pinyin tone mark, or the combining tone mark: annotations must be looked for

# Folded text: what dropped marks become around digits, and what white space becomes. The first is also what a full
# stop is before folding, but there it is dropped: in folded text it is always a sign.
NUMBER_SIGN = 0x2E
BLANK = 0x20

EXPANSION = 0x110000  # a mapping of EXPANSION + k stands for the k-th expansion; a mapping of 0 drops
SEPARATOR = 0xD800  # stands between segments; no text holds a surrogate, and neither maps, joins nor composes it
_CHUNK = 1 << 18  # code points folded at a time: the temporary arrays then fit the second-level cache
_PINYIN_LETTERS = 9  # the longest syllable, "zhuang", with a combining tone and a combining diaeresis, has eight
_WINDOW = 2 * _PINYIN_LETTERS  # code points on either side of a tone mark that an annotation can depend on


@dataclass(frozen=True, eq=False)
class FoldTable:
    """What folding knows about each code point, and where it was learnt.

    Attributes:
        version: names the table and the rules of folding together; another version, another fold.
        unicode_version, opencc_version: what the table was generated from.
        mapping: uint32 [0x110000]: the folded code point, 0 for none, EXPANSION + k for several.
        flags: uint16 [0x110000]: WIDE, HAN, ... above.
        expansion_offsets, expansions: int64 [k + 1], uint32: expansion i is expansions[offsets[i]:offsets[i + 1]].
        combining_class: uint8 [0x110000]: Unicode Canonical_Combining_Class.
        decomposed: uint32, sorted: the code points with a canonical decomposition, Hangul syllables left out.
        decomposition_offsets, decompositions: int64, uint32: their full canonical decompositions.
        pairs: uint64, sorted: first << 32 | second of every two code points that compose.
        composites: uint32: what they compose to.
    """

    version: str
    unicode_version: str
    opencc_version: str
    mapping: U32
    flags: U16
    expansion_offsets: I64
    expansions: U32
    combining_class: U8
    decomposed: U32
    decomposition_offsets: I64
    decompositions: U32
    pairs: U64
    composites: U32


def fold(codepoints: U32, offsets: I64, table: FoldTable) -> tuple[U32, I64]:
    """Each segment folded by itself.

    In this order: romanised annotations go (see `annotation_spans`); invisible code points go; canonical
    composition; dropped marks beside digits become NUMBER_SIGN; every code point is mapped; white space is dropped
    beside a wide character and at the ends, else collapsed to one BLANK; composition and this once more, until nothing
    changes, for what stands together only now. White space goes on *either* side of a wide character, not only between
    two: news sites differ in the space that they put between Han and Latin.

    Number signs, exactly. A run of marks without white space between two DECIMAL becomes one sign. Else the last
    mark of a run becomes a sign if it is a SIGN, a DIGIT follows it, and no LETTER stands directly before it
    (COVID-19); else the first mark becomes a sign if it is a PERCENT and a DIGIT stands before it. White space
    between a DIGIT and a PERCENT does not count. So two signs never stand in a row.

    Args:
        codepoints: uint32 [n], no surrogates.
        offsets: int64 [p + 1], rising from 0 to n.
        table: see `FoldTable`.

    Returns:
        (folded, folded_offsets): uint32 [m], int64 [p + 1].
    """
    folded: list[U32] = []
    lengths: list[I64] = []
    first, segments = 0, len(offsets) - 1
    while first < segments:
        last = int(np.searchsorted(offsets, offsets[first] + _CHUNK, side="right")) - 1
        last = min(max(last, first + 1), segments)
        part, part_offsets = _fold(codepoints[offsets[first] : offsets[last]], offsets[first : last + 1], table)
        folded.append(part)
        lengths.append(np.diff(part_offsets))
        first = last
    if not folded:
        return np.zeros(0, np.uint32), np.zeros(1, np.int64)
    return np.concatenate(folded), offsets_of(np.concatenate(lengths))


class Folded(NamedTuple):
    """Folded segments as they are stored, and how long each is.

    Attributes:
        units, offsets: uint16 segment array, as `to_utf16` makes it.
        chars, widths: int64 [segments], code points and columns.
    """

    units: U16
    offsets: I64
    chars: I64
    widths: I64


def fold_to_utf16(codepoints: U32, offsets: I64, table: FoldTable) -> Folded:
    """The same in UTF-16, with the lengths of all segments. Arguments: see `fold`.

    Raises:
        ValueError: something folds to what UTF-16 cannot hold.
    """
    folded, bounds = fold(codepoints, offsets, table)
    return Folded(*to_utf16(folded, bounds), np.diff(bounds), segment_widths(folded, bounds, table))


def columns(folded: U32, table: FoldTable) -> U8:
    """How many columns each folded code point is wide, uint8: 2 for Han, kana and Hangul, else 1."""
    return ((table.flags[folded] & WIDE) + 1).astype(np.uint8)


def segment_widths(folded: U32, offsets: I64, table: FoldTable) -> I64:
    """The columns of each segment: int64 [segments]."""
    return np.diff(offsets_of(columns(folded, table))[offsets])


def join_segments(
    folded: U16 | U32, offsets: I64, segments: I64, groups: I64, table: FoldTable
) -> tuple[U32, I64, I64]:
    """Segments joined group by group, with U+0020 between two that meet with no wide character at the joint.

    Args:
        folded: segment array of folded passages: uint32 code points, or uint16 as `to_utf16` makes them.
        offsets: its offsets.
        segments: int64 [segments], those that are joined, in this order.
        groups: int64 [groups + 1]; group g is made of segments[groups[g]] ... segments[groups[g + 1] - 1].
        table: what is wide.

    Returns:
        uint32 segment array, one segment a group, its offsets, and int64 [segments], where each begins in it.
    """
    taken, bounds = take_codes(folded, offsets, segments)
    lengths = np.diff(bounds)
    wide = (table.flags[taken] & WIDE) > 0
    group_of = segment_ids(groups)
    filled = np.flatnonzero(lengths > 0)  # an empty segment joins nothing and needs no space
    spaced = np.zeros(len(lengths), bool)
    if len(filled) > 1:
        here, before = filled[1:], filled[:-1]
        spaced[here] = (group_of[here] == group_of[before]) & ~wide[bounds[here]] & ~wide[bounds[before + 1] - 1]
    out_offsets = offsets_of(lengths + spaced)
    begins = out_offsets[:-1] + spaced
    joined = np.full(out_offsets[-1], 0x20, np.uint32)
    joined[positions(begins, lengths)] = taken
    return joined, out_offsets[groups], begins


def _fold(codepoints: U32, offsets: I64, table: FoldTable) -> tuple[U32, I64]:
    """`fold` of a chunk. *offsets* may begin anywhere."""
    text = _separate(codepoints, np.diff(offsets))
    flags = table.flags[text]
    every = int(np.bitwise_or.reduce(flags))
    if every & TONE:
        text = _without_annotations(text, table)
        flags = table.flags[text]
    if every & INVISIBLE:
        text = text[(flags & INVISIBLE) == 0]
    if every & COMBINING:
        text = compose(text, table)
    if every & (INVISIBLE | COMBINING):
        flags = table.flags[text]
    if every & PERCENT:
        text, flags = without_space_before_percent(text, flags)
    signs = number_signs(flags)
    mapped = table.mapping[text]
    mapped[signs] = NUMBER_SIGN
    if int(mapped.max()) >= EXPANSION:
        mapped = _expanded(mapped, table)
    folded = _with_blanks(mapped[mapped != 0], table)
    if every & COMBINING:
        folded = _settled(folded, table)
    return _unseparate(folded)


def _settled(folded: U32, table: FoldTable) -> U32:
    """Composed until no blank goes: one that goes may bring a mark to its letter, and a wide mark to a blank."""
    while True:
        composed = compose(folded, table)
        folded = _with_blanks(composed, table)
        if len(folded) == len(composed):
            return folded


def _separate(codepoints: U32, lengths: I64) -> U32:
    """The segments with SEPARATOR before, between and after them, so that every code point has two neighbours."""
    text = np.empty(len(codepoints) + len(lengths) + 1, np.uint32)
    is_text = np.ones(len(text), bool)
    separators = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths + 1, out=separators[1:])
    is_text[separators] = False
    text[separators] = SEPARATOR
    text[is_text] = codepoints
    return text


def _unseparate(text: U32) -> tuple[U32, I64]:
    """The inverse of `_separate`: the code points of all segments, and offsets."""
    separators = np.flatnonzero(text == SEPARATOR)
    return text[text != SEPARATOR], separators - np.arange(len(separators))


def runs(at: I64) -> tuple[I64, I64, I64]:
    """The runs of consecutive numbers in sorted *at*: their first and last numbers, and the run of each number."""
    breaks = np.diff(at) != 1
    begins = np.concatenate((np.ones(min(len(at), 1), bool), breaks))
    ends = np.concatenate((breaks, np.ones(min(len(at), 1), bool)))
    return at[begins], at[ends], np.cumsum(begins) - 1


def without_space_before_percent(text: U32, flags: U16) -> tuple[U32, U16]:
    """35 % is 35%: code points and their flags, uint16, without such spaces."""
    spaces = np.flatnonzero(flags & SPACE)
    first, last, run = runs(spaces)
    joins = ((flags[first - 1] & DIGIT) != 0) & ((flags[last + 1] & PERCENT) != 0)
    if not joins.any():
        return text, flags
    keep = np.ones(len(text), bool)
    keep[spaces[joins[run]]] = False
    return text[keep], flags[keep]


def number_signs(flags: U16) -> I64:
    """The positions of the marks that become signs."""
    first, last, _ = runs(np.flatnonzero(flags & MARK))
    before, after = flags[first - 1], flags[last + 1]
    between = ((before & DECIMAL) != 0) & ((after & DECIMAL) != 0)
    leading = ((flags[last] & SIGN) != 0) & ((after & DIGIT) != 0) & ((flags[last - 1] & LETTER) == 0) & ~between
    trailing = ((flags[first] & PERCENT) != 0) & ((before & DIGIT) != 0) & ~between & ~leading
    return np.concatenate((first[between | trailing], last[leading]))


def _expanded(mapped: U32, table: FoldTable) -> U32:
    """Expansions written out."""
    at = np.flatnonzero(mapped >= EXPANSION)
    which = mapped[at].astype(np.int64) - EXPANSION
    starts = table.expansion_offsets[which]
    lengths = table.expansion_offsets[which + 1] - starts
    return _replaced(mapped, at, lengths, table.expansions[positions(starts, lengths)])


def _replaced(text: U32, at: I64, lengths: I64, replacement: U32) -> U32:
    """*text* with lengths[i] code points of *replacement* in place of the one at at[i]."""
    counts = np.ones(len(text), np.int64)
    counts[at] = lengths
    kept = np.ones(len(text), bool)
    kept[at] = False
    is_kept = np.repeat(kept, counts)
    written = np.empty(len(is_kept), np.uint32)
    written[is_kept] = text[kept]
    written[~is_kept] = replacement
    return written


def _with_blanks(text: U32, table: FoldTable) -> U32:
    """One blank for each run of blanks between two characters that are not wide; no other blanks."""
    blanks = np.flatnonzero(text == BLANK)
    if not len(blanks):
        return text
    first, last, _ = runs(blanks)
    before, after = text[first - 1], text[last + 1]
    closed = ((table.flags[before] | table.flags[after]) & WIDE) != 0
    closed |= (before == SEPARATOR) | (after == SEPARATOR)
    keep = np.ones(len(text), bool)
    keep[blanks] = False
    keep[first[~closed]] = True
    return text[keep]


# --- composition -----------------------------------------------------------------------------------------------------

_L, _V, _T, _S = 0x1100, 0x1161, 0x11A7, 0xAC00  # Hangul: The Unicode Standard, 3.12
_L_COUNT, _V_COUNT, _T_COUNT = 19, 21, 28
_S_COUNT = _L_COUNT * _V_COUNT * _T_COUNT


def compose(text: U32, table: FoldTable) -> U32:
    """Canonical composition (NFC) wherever a COMBINING code point stands.

    Only a character and the COMBINING code points that follow it are looked at: what else NFC would change (letters
    with a canonical singleton, compatibility ideographs) the table maps.
    """
    joins = (table.flags[text] & COMBINING) != 0
    if not joins.any():
        return text
    touched = joins.copy()
    touched[:-1] |= joins[1:]
    at = np.flatnonzero(touched)
    heads = ~joins[at]
    heads[1:] |= np.diff(at) != 1
    heads[:1] = True
    cluster = np.cumsum(heads) - 1
    parts, lengths = _decomposed(text[at], table)
    cluster = np.repeat(cluster, lengths)
    classes = table.combining_class[parts]
    begins = (classes == 0) | np.concatenate(([True], np.diff(cluster) != 0))
    order = np.lexsort((classes, np.cumsum(begins)))
    parts, composed_lengths = _composed(parts[order], offsets_of(np.bincount(cluster)), table)
    replaced = np.zeros(len(at), np.int64)
    replaced[heads] = composed_lengths
    return _replaced(text, at, replaced, parts)


def _decomposed(text: U32, table: FoldTable) -> tuple[U32, I64]:
    """The full canonical decomposition of each code point: the parts in a row, and how many each has."""
    at, entry = _look_up(text, table.decomposed)
    starts = table.decomposition_offsets[entry]
    lengths = table.decomposition_offsets[entry + 1] - starts
    counts = np.ones(len(text), np.int64)
    counts[at] = lengths
    parts = _replaced(text, at, lengths, table.decompositions[positions(starts, lengths)])
    syllables = np.flatnonzero((text >= _S) & (text < _S + _S_COUNT))
    if len(syllables):
        leading, rest = np.divmod(text[syllables].astype(np.int64) - _S, _V_COUNT * _T_COUNT)
        vowel, trailing = np.divmod(rest, _T_COUNT)
        jamo = np.stack((_L + leading, _V + vowel, _T + trailing), axis=1)
        present = np.stack((trailing >= 0, trailing >= 0, trailing > 0), axis=1)
        where = offsets_of(counts)[syllables]
        counts[syllables] = 2 + (trailing > 0)
        parts = _replaced(parts, where, counts[syllables], jamo[present].astype(np.uint32))
    return parts, counts


def _look_up(values: NDArray[np.unsignedinteger], keys: NDArray[np.unsignedinteger]) -> tuple[I64, I64]:
    """The positions of *values* that stand in sorted *keys*, and where they stand there."""
    entry = np.searchsorted(keys, values)
    entry[entry == len(keys)] = 0
    at = np.flatnonzero(keys[entry] == values)
    return at, entry[at]


def _composed(parts: U32, offsets: I64, table: FoldTable) -> tuple[U32, I64]:
    """Canonically ordered clusters composed: the characters in a row, and how many each cluster keeps.

    The loop takes the k-th part of all clusters at once. A part is tried against the last starter unless a part
    between them blocks it: one of the same or a higher class, or any for a part of class 0.
    """
    parts = parts.copy()
    keep = np.ones(len(parts), bool)
    ends = offsets[1:]
    starter = np.full(len(ends), -1)
    barrier = np.full(len(ends), -1)  # the class of the part before, -1 directly after the starter
    place = offsets[:-1].copy()
    active = np.flatnonzero(place < ends)
    while len(active):
        here = place[active]
        classes = table.combining_class[parts[here]].astype(np.int64)
        open_to = np.flatnonzero((starter[active] >= 0) & (barrier[active] < classes))
        composite = np.zeros(len(active), np.uint32)
        composite[open_to] = _composites(parts[starter[active[open_to]]], parts[here[open_to]], table)
        done = composite != 0
        parts[starter[active[done]]] = composite[done]
        keep[here[done]] = False
        barrier[active] = np.where(done, barrier[active], classes)
        starts = ~done & (classes == 0)
        starter[active[starts]] = here[starts]
        barrier[active[starts]] = -1
        place[active] += 1
        active = active[place[active] < ends[active]]
    cluster = segment_ids(offsets)
    return parts[keep], np.bincount(cluster[keep], minlength=len(ends))


def _composites(first: U32, second: U32, table: FoldTable) -> U32:
    """What each pair composes to, 0 where it does not."""
    composite = np.zeros(len(first), np.uint32)
    at, entry = _look_up(first.astype(np.uint64) << np.uint64(32) | second.astype(np.uint64), table.pairs)
    composite[at] = table.composites[entry]
    leading, vowel = first.astype(np.int64) - _L, second.astype(np.int64) - _V
    is_lv = (leading >= 0) & (leading < _L_COUNT) & (vowel >= 0) & (vowel < _V_COUNT)
    composite[is_lv] = _S + (leading[is_lv] * _V_COUNT + vowel[is_lv]) * _T_COUNT
    syllable, trailing = first.astype(np.int64) - _S, second.astype(np.int64) - _T
    is_lvt = (syllable >= 0) & (syllable < _S_COUNT) & (syllable % _T_COUNT == 0)
    is_lvt &= (trailing > 0) & (trailing < _T_COUNT)
    composite[is_lvt] = first[is_lvt] + second[is_lvt] - np.uint32(_T)
    return composite


# --- romanised annotations -------------------------------------------------------------------------------------------

# The syllables of Putonghua by initial; a final is written as it is spelled after that initial.
_SYLLABLES = {
    "": "a o e ai ei ao ou an en ang eng er m n ng hm hng",
    "b": "a o ai ei ao an en ang eng i ie iao ian in ing u",
    "p": "a o ai ei ao ou an en ang eng i ie iao ian in ing u",
    "m": "a o e ai ei ao ou an en ang eng i ie iao iu ian in ing u",
    "f": "a o ei ou an en ang eng u",
    "d": "a e ai ei ao ou an en ang eng ong i ia ie iao iu ian ing u uo ui uan un",
    "t": "a e ai ao ou an ang eng ong i ie iao ian ing u uo ui uan un",
    "n": "a e ai ei ao ou an en ang eng ong i ie iao iu ian in iang ing u uo uan un ü üe",
    "l": "a o e ai ei ao ou an ang eng ong i ia ie iao iu ian in iang ing u uo uan un ü üe",
    "g": "a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang",
    "k": "a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang",
    "h": "a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang",
    "j": "i ia ie iao iu ian in iang ing iong u ue uan un",
    "q": "i ia ie iao iu ian in iang ing iong u ue uan un",
    "x": "i ia ie iao iu ian in iang ing iong u ue uan un",
    "zh": "i a e ai ei ao ou an en ang eng ong u ua uo uai ui uan un uang",
    "ch": "i a e ai ao ou an en ang eng ong u ua uo uai ui uan un uang",
    "sh": "i a e ai ei ao ou an en ang eng u ua uo uai ui uan un uang",
    "r": "i e ao ou an en ang eng ong u ua uo ui uan un",
    "z": "i a e ai ei ao ou an en ang eng ong u uo ui uan un",
    "c": "i a e ai ao ou an en ang eng ong u uo ui uan un",
    "s": "i a e ai ao ou an en ang eng ong u uo ui uan un",
    "y": "i a o e ao ou an in ang ing ong u ue uan un",
    "w": "u a o ai ei an en ang eng",
}
SYLLABLES = frozenset(initial + final for initial, finals in _SYLLABLES.items() for final in finals.split())

# Tone marks as letters and as combining characters; TONED is what the table flags as TONE.
TONED_LETTERS = {
    toned: plain
    for plain, tones in {
        "a": "āáǎà",
        "e": "ēéěè",
        "i": "īíǐì",
        "o": "ōóǒò",
        "u": "ūúǔù",
        "ü": "ǖǘǚǜ",
        "n": "ńňǹ",
        "m": "ḿ",
    }.items()
    for toned in (*tones, *tones.upper())
}
_TONE_MARKS = "\u0304\u0301\u030c\u0300"
_DIAERESIS = "\u0308"
TONED = frozenset(map(ord, (*TONED_LETTERS, *_TONE_MARKS)))
_LETTERS = frozenset(
    map(ord, (*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZüÜɑɡ", *TONED_LETTERS, *_TONE_MARKS, _DIAERESIS))
)
_OPENING, _CLOSING, _EATEN = frozenset(map(ord, "(（")), frozenset(map(ord, ")）")), frozenset(map(ord, "?\ufffd"))


def annotation_spans(text: list[int], han: list[bool], toned: list[int]) -> list[tuple[int, int]]:
    """The spans of romanised annotations: 區(qū), and what mojibake left of them: 日?qǐng), 區(qū, 區qū).

    An annotation is one pinyin syllable with one tone mark, in brackets of which one may be missing or have become
    ? or U+FFFD. It stands directly after a Han character, after another annotation, or, with something in the place
    of its opening bracket, after one ASCII letter that follows a Han character (the second byte of a lost one).
    Where the closing bracket is missing no Latin letter may follow, be it after a space.

    Args:
        text: code points.
        han: whether each is Han.
        toned: the positions of TONED code points, rising.
    """
    spans: list[tuple[int, int]] = []
    done = 0
    for tone in toned:
        if tone < done:
            continue
        start = end = tone
        while start > done and tone - start < _PINYIN_LETTERS and text[start - 1] in _LETTERS:
            start -= 1
        while end < len(text) and end - tone < _PINYIN_LETTERS and text[end] in _LETTERS:
            end += 1
        opened = start > done and text[start - 1] in _OPENING
        begin = start - (opened or (start > done and text[start - 1] in _EATEN))
        closed = end < len(text) and text[end] in _CLOSING
        after = end + (closed or (end < len(text) and text[end] in _EATEN))
        if not opened and not closed:
            continue
        if not closed and _runs_on(text, after):
            continue
        if not _follows(text, han, begin, start, done if spans else -1):
            continue
        if _is_toned_syllable("".join(map(chr, text[start:end]))):
            spans.append((begin, after))
            done = after
    return spans


def _follows(text: list[int], han: list[bool], begin: int, start: int, done: int) -> bool:
    """Whether an annotation from *begin*, whose syllable is from *start*, stands where one may."""
    if begin == done or (begin > 0 and han[begin - 1]):
        return True
    return begin < start and begin > 1 and han[begin - 2] and _is_ascii_letter(text[begin - 1])


def _runs_on(text: list[int], place: int) -> bool:
    """Whether Latin letters follow, directly or after one space: (kè hán), (qūa."""
    place += text[place : place + 1] == [0x20]
    return place < len(text) and _is_latin(text[place])


def _is_ascii_letter(code: int) -> bool:
    return 0x61 <= code | 0x20 <= 0x7A


def _is_latin(code: int) -> bool:
    """A Latin letter, or a mark that continues one."""
    return _is_ascii_letter(code) or 0xC0 <= code < 0x250 or 0x300 <= code < 0x370 or code in _LETTERS


@lru_cache(maxsize=1 << 14)
def _is_toned_syllable(written: str) -> bool:
    """One syllable of pinyin with exactly one tone mark, on the letter that carries it; any case.

    >>> [_is_toned_syllable(word) for word in ("zhuàng", "lǜ", "QU\u0304", "de", "café", "hǎo\u0301", "haǒ")]
    [True, True, True, False, False, False, False]
    """
    letters: list[str] = []
    tones: list[int] = []
    for character in written:
        if character in TONED_LETTERS:
            tones.append(len(letters))
            letters.append(TONED_LETTERS[character])
        elif character in _TONE_MARKS:
            tones.append(len(letters) - 1)
        elif character == _DIAERESIS:
            if not letters or letters[-1] != "u":
                return False
            letters[-1] = "ü"
        else:
            letters.append({"Ü": "ü", "ɑ": "a", "ɡ": "g"}.get(character, character.lower()))
    syllable = "".join(letters)
    return syllable in SYLLABLES and tones == [tone_place(syllable)]


def tone_place(syllable: str) -> int:
    """The letter that carries the tone: a or e, else the o of ou, else the last vowel, else the first nasal."""
    for carrier in ("a", "e", "ou"):
        if carrier in syllable:
            return syllable.index(carrier)
    vowels = [place for place, letter in enumerate(syllable) if letter in "iouü"]
    if vowels:
        return vowels[-1]
    return next(place for place, letter in enumerate(syllable) if letter in "mn")


def annotations(codepoints: U32, table: FoldTable) -> list[tuple[int, int]]:
    """The spans of the romanised annotations among *codepoints*, see `annotation_spans`."""
    flags = table.flags[codepoints]
    toned = np.flatnonzero(flags & TONE)
    breaks = np.flatnonzero(np.diff(toned) > 2 * _WINDOW) + 1
    spans = []
    for group in np.split(toned, breaks) if len(toned) else []:
        start, stop = max(int(group[0]) - _WINDOW, 0), int(group[-1]) + _WINDOW
        is_han = (flags[start:stop] & HAN) != 0
        found = annotation_spans(codepoints[start:stop].tolist(), is_han.tolist(), (group - start).tolist())
        spans += [(start + left, start + right) for left, right in found]
    return spans


def _without_annotations(text: U32, table: FoldTable) -> U32:
    """Separated text without its annotations; a separator is no part of one."""
    keep = np.ones(len(text), bool)
    for start, end in annotations(text, table):
        keep[start:end] = False
    return text[keep]
