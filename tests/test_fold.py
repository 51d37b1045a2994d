"""Folding: which texts are one text, and which stay two."""

import gzip
import json
import re
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shared_data import FOLDER, needs_shared_data

from dedup import kernel
from dedup.errors import BadInput
from dedup.fold_table import load
from dedup.kernel import fold_reference as reference
from dedup.text import annotations, codepoints, fold, fold_passages

TABLE = load()
EVERYDAY = (
    "abcABC 012359 中文汉字漢國区區陈陳のカｶﾞﾞ한ㄱㅏ각１２Ａ，。、；：（）()[]?？!…·—"
    "“”\"'.,:/-+−±–$¥%‰％°℃①②½²ßİéÉ\u0301\u0300\u0304"
    "\u030c\u0308\u0327\u0338\u0345\u3099\u200b\u200d\ufe0f\ufeff\u00ad\u3000\u00a0\t\n★●😀👍🏽❤©™〇Ⅷ\ufffdqūāǚǘ٣٤क्षिया้กำ"
)
TEXTS = st.text(st.sampled_from(EVERYDAY), max_size=30)
CANONICAL = sorted(
    {chr(code) for code in TABLE.decomposed.tolist()}
    | {chr(code) for code in np.flatnonzero(TABLE.combining_class).tolist()}
    | {chr(code) for pair in TABLE.pairs.tolist() for code in (pair >> 32, pair & 0xFFFFFFFF)}
    | set("ᄀᄒ가각힣ᅡᅵᆨᇂaeiouAEOU ,1一か")
)


def segments(texts):
    """Strings as a segment array."""
    offsets = np.concatenate(([0], np.cumsum([len(text) for text in texts]))).astype(np.int64)
    return codepoints("".join(texts)), offsets


def strings(folded, offsets):
    """A segment array as strings."""
    text = folded.astype("<u4").tobytes().decode("utf-32-le")
    return [text[start:end] for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]


# --- slow twins ------------------------------------------------------------------------------------------------------


def slow_fold(text):
    """The rules of folding, one after the other, in plain Python over unicodedata and the table."""
    for start, end in reversed(annotations(text)):
        text = text[:start] + text[end:]
    flags = TABLE.flags
    text = "".join(character for character in text if not flags[ord(character)] & reference.INVISIBLE)
    if any(flags[ord(character)] & reference.COMBINING for character in text):
        text = unicodedata.normalize("NFC", text)
    kinds = "".join(map(kind, text))
    for match in reversed(list(re.finditer("(?<=[DN]) +(?=%)", kinds))):
        text = text[: match.start()] + text[match.end() :]
        kinds = kinds[: match.start()] + kinds[match.end() :]
    signs = set()
    for match in re.finditer("[m+%]+", kinds):
        start, end = match.span()
        before, after = kinds[start - 1 : start], kinds[end : end + 1]
        if before == "D" and after == "D":
            signs.add(start)
        elif kinds[end - 1] == "+" and after in ("D", "N") and kinds[max(end - 2, 0) : end - 1] != "l":
            signs.add(end - 1)
        elif kinds[start] == "%" and before in ("D", "N"):
            signs.add(start)
    folded = "".join("." if place in signs else mapped(character) for place, character in enumerate(text))
    while folded != (settled := unicodedata.normalize("NFC", close_up(folded))):
        folded = settled
    return folded


def close_up(folded):
    """White space dropped beside wide characters and at the ends, collapsed elsewhere."""
    folded = re.sub(" +", " ", folded).strip(" ")
    wide = [TABLE.flags[ord(character)] & reference.WIDE for character in folded]
    return "".join(
        character
        for place, character in enumerate(folded)
        if character != " " or not (wide[place - 1] or wide[place + 1])
    )


def kind(character):
    """D decimal, N another number, l letter, + sign, % percent, m another mark, a space, or - for the rest."""
    flags = TABLE.flags[ord(character)]
    names = {
        "D": reference.DECIMAL,
        "N": reference.DIGIT,
        "l": reference.LETTER,
        "+": reference.SIGN,
        "%": reference.PERCENT,
        "m": reference.MARK,
        " ": reference.SPACE,
    }
    return next((name for name, flag in names.items() if flags & flag), "-")


def mapped(character):
    """The folded form of one code point."""
    code = int(TABLE.mapping[ord(character)])
    if code < reference.EXPANSION:
        return chr(code) if code else ""
    start, end = TABLE.expansion_offsets[code - reference.EXPANSION :][:2].tolist()
    return "".join(map(chr, TABLE.expansions[start:end].tolist()))


# --- Chinese ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pairs",
    [
        "衞卫 衛卫 敍叙 敘叙 裏里 裡里 爲为 為为 麪面 麵面 臺台 檯台 颱台 羣群 綫线 線线 著着 箇个 個个",
        "餘余 馀余 鍾钟 鐘钟 锺钟 説说 說说 戶户 內内 呂吕 巖岩 牀床 汙污 寧宁 髮发 發发 後后 曆历 歷历 厤历",
        "瞭了 覆复 複复 復复 藉借 彷仿 甦苏 蘇苏 俱具 乾干 幹干 徵征 夥伙 麽么 麼么 計计",
        "畫划 劃划 像象 座坐 鍊链 沉沈 甯宁 祇只 隻只 牠它 傢家 僱雇 係系 繫系",
    ],
)
def test_variants_of_one_character_fold_to_one(pairs):
    """Mainland, Taiwan and Hong Kong spellings of a character are the same character."""
    for pair in pairs.split():
        assert fold(pair[0]) == fold(pair[1])


@pytest.mark.parametrize("pair", ["他她", "已己", "未末", "呆待", "淼渺", "喆哲", "天夭", "买卖", "一二"])
def test_other_characters_stay_apart(pair):
    """Characters that merely look alike, sound alike or occur in names alike are not variants."""
    assert fold(pair[0]) != fold(pair[1])


PARAGRAPHS = [
    (
        "台风过后，气象部门复核了沿海各县的雨量记录，并把修复堤坝的计划寄给复兴镇的乡亲；大家了解情况后，都仿佛松了一口气。",
        "颱風過後，氣象部門覆核了沿海各縣的雨量記錄，並把修復隄壩的計畫寄給復興鎮的鄉親；大家瞭解情況後，都彷彿鬆了一口氣。",
        "颱風過後，氣象部門覆核了沿海各縣的雨量記錄，並把修復堤壩的計劃寄給復興鎮的鄉親；大家了解情況後，都彷彿鬆了一口氣。",
    ),
    (
        "面馆老板头发花白，着一件绒衣，里屋摆着几台旧钟。他说，余下的干面够煮三斤，众人凭借一盏灯，围着桌子叙旧。",
        "麵館老闆頭髮花白，著一件絨衣，裡屋擺著幾臺舊鐘。他說，餘下的乾麵夠煮三斤，眾人憑藉一盞燈，圍著桌子敘舊。",
        "麪館老闆頭髮花白，着一件絨衣，裏屋擺着幾台舊鐘。他説，餘下的乾麪夠煮三斤，衆人憑藉一盞燈，圍着桌子敍舊。",
    ),
    (
        "卫生所的群众坐标图画在墙上，线路由护士征询后标出；伙计们为此想象了许多办法，家具也重新漆过，为的是让病人苏醒时觉得亲切。",
        "衛生所的群眾座標圖畫在牆上，線路由護士徵詢後標出；夥計們為此想像了許多辦法，傢俱也重新漆過，為的是讓病人甦醒時覺得親切。",
        "衞生所的羣眾座標圖畫在牆上，綫路由護士徵詢後標出；夥計們爲此想像了許多辦法，傢具也重新漆過，爲的是讓病人甦醒時覺得親切。",
    ),
]


@pytest.mark.parametrize(("mainland", "taiwan", "hong_kong"), PARAGRAPHS)
def test_a_paragraph_folds_alike_in_both_scripts(mainland, taiwan, hong_kong):
    """Simplified, Taiwan and Hong Kong Chinese are one text."""
    assert fold(taiwan) == fold(mainland)
    assert fold(hong_kong) == fold(mainland)


def test_compatibility_ideographs_and_radicals_fold():
    """U+F92E is a compatibility form of 冷, U+2F00 the radical 一, U+F9D1 六; U+FA12 is 晴."""
    assert fold("\uf92e\u2f00\uf9d1\ufa12") == "冷一六晴"


# --- annotations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("示范區(qū)", "示范区"),
        ("區（qū）委", "区委"),
        ("區(QŪ)", "区"),
        ("區(qu\u0304)", "区"),
        ("女(nu\u0308\u030c)綠(lǜ)略(lüè)", "女绿略"),
        ("開(kāi)會(huì)員(yuán)爾(ěr)雙(shuāng)瓊(qióng)嗯(ńg)", "开会员尔双琼嗯"),
        ("會(huì)(huì)議", "会议"),
        ("黃(huánɡ)", "黄"),
        ("日?qǐng)報", "日报"),
        ("日?qǐng)?bào)社", "日社"),
        ("區(qū", "区"),
        ("區(qū?", "区"),
        ("區(qū\ufffd", "区"),
        ("區(qū，新", "区新"),
        ("區(qū新", "区新"),
        ("區qū)新", "区新"),
        ("確?茖W(xué)消殺", "确茖w消杀"),
    ],
)
def test_a_romanised_annotation_is_dropped(text, folded):
    """One toned syllable in brackets after a Han character goes, also where mojibake has eaten one bracket."""
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("苹果(Apple)", "苹果apple"),
        ("选项(a)", "选项a"),
        ("饭店(café)", "饭店café"),
        ("他(de)", "他de"),
        ("區qū", "区qū"),
        ("區?qū?", "区qū"),
        ("區(qūa", "区qūa"),
        ("區(qūé", "区qūé"),
        ("區(qūqū)", "区qūqū"),
        ("區(qúū)", "区qúū"),
        ("會(hùi)", "会hùi"),
        ("fan(fàn)", "fanfàn"),
        ("(qū)", "qū"),
        ("區 (qū)", "区qū"),
        ("可汗(kè hán)", "可汗kè hán"),
        ("区ab(qū)", "区abqū"),
        ("法(fī)", "法fī"),
    ],
)
def test_other_words_in_brackets_stay(text, folded):
    """No tone, no syllable, no bracket, more letters, or no Han character before it: no annotation."""
    assert fold(text) == folded


def test_annotations_are_spans_of_the_text_as_read():
    """The span has the brackets, and what mojibake made of them, but never the character that is explained."""
    assert annotations("日?qǐng)?bào)、區(qū社(shè)") == [(1, 7), (7, 12), (14, 17), (18, 23)]
    far = "字" * 500
    assert annotations(f"區(qū){far}報(bào)") == [(1, 5), (506, 511)]
    assert annotations("") == []


def test_every_syllable_with_every_tone_is_an_annotation():
    """All vowels can carry all tones; ē of ê and the fourth tone of m have no single letter and are left out."""
    tones = {"a": "āáǎà", "e": "ēéěè", "i": "īíǐì", "o": "ōóǒò", "u": "ūúǔù", "ü": "ǖǘǚǜ"}
    for syllable in sorted(reference.SYLLABLES - {"m", "n", "ng", "hm", "hng"}):
        place = next(
            (syllable.index(vowel) for vowel in "ae" if vowel in syllable),
            syllable.index("o") if "ou" in syllable else max(syllable.rfind(vowel) for vowel in "iouü"),
        )
        for toned in tones[syllable[place]]:
            assert fold(f"字({syllable[:place]}{toned}{syllable[place + 1 :]})") == "字"


# --- numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("3.5%", "3.5."),
        ("35%", "35."),
        ("35", "35"),
        ("35 %", "35."),
        ("35\u200b％", "35."),
        ("1,000", "1.000"),
        ("１，０００", "1.000"),
        ("10:30", "10.30"),
        ("5——3", "5.3"),
        ("5%-3%", "5.3."),
        ("5%-½", "5.½"),
        ("5 - 3", "5 3"),
        ("5 -3", "5 .3"),
        ("5.", "5"),
        ("共5。", "共5"),
        ("气温-5度", "气温.5度"),
        ("气温－5度", "气温.5度"),
        ("(-5)", ".5"),
        ("COVID-19", "covid19"),
        ("é-19", "é19"),
        ("新冠-19", "新冠.19"),
        ("US$5", "us5"),
        ("$5", ".5"),
        ("￥100", ".100"),
        ("--5", ".5"),
        ("½%", "½."),
        ("%5", "5"),
        ("a%", "a"),
        ("5‰。", "5."),
        ("٣٫٥", "٣.٥"),
    ],
)
def test_marks_beside_digits_become_one_sign(text, folded):
    """A mark between digits, a sign before one and a percent sign after one become one sign, never none."""
    assert fold(text) == folded


def test_superscripts_and_circled_digits_stay_apart():
    """10² is not 102, nor 10⁻²; ① is not 1, ½ is not 12, and a month sign is not a number."""
    assert [fold(text) for text in ("10²", "102", "10⁻²", "①", "½", "㋀", "5㎡")] == [
        "10²",
        "102",
        "10.²",
        "①",
        "½",
        "㋀",
        "5㎡",
    ]


def test_digits_of_other_scripts_stay_themselves():
    """Full-width digits are ASCII digits in wide dress; Arabic-Indic and Devanagari ones are other characters."""
    assert fold("２０２０ ٢٠ २०") == "2020 ٢٠ २०"


def fold_segments(texts):
    """Texts folded in one call."""
    return kernel.fold(*segments(texts), TABLE)


# --- letters, marks, symbols -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ｈｅｌｌｏ，　Ｗｏｒｌｄ！", "hello world"),
        ("Straße ﬁn ǅ", "strasse fin dž"),
        ("İstanbul", "i̇stanbul"),
        ("ᾳ", "αι"),
        ("㎏ ㏒ ℃ №5", "kg log c no5"),
        ("㈱ ㊗ ㍿", "株祝株式会社"),
        ("Ⅷ", "viii"),
        ("\ufdfa", "صلى الله عليه وسلم"),
        ("don't e.g. well-known", "dont eg wellknown"),
        ("©2020 ® ™ ℠", "2020"),
        ("´ ¨ ˜", ""),
        ("\x00a\x07b\x7f", "ab"),
        ("\ue000", "\ue000"),
        ("a\ufffdb", "ab"),
    ],
)
def test_letters_fold_by_compatibility_and_case_and_punctuation_goes(text, folded):
    """Width, case, ligatures and enclosed words do not count; © and ™ say nothing; private characters stay."""
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("好😀好", "好😀好"),
        ("👍🏽👍", "👍👍"),
        ("❤\ufe0f❤", "❤❤"),
        ("👨\u200d👩\u200d👧", "👨👩👧"),
        ("🇨🇳", "🇨🇳"),
        ("☀☎", "☀☎"),
        ("★●■◆▲►•☆○◎→※", ""),
        ("🔴🔹▪️", ""),
        ("1\ufe0f\u20e32\ufe0f\u20e3", "1.2"),
    ],
)
def test_pictures_stay_and_ornaments_go(text, folded):
    """An emoji says something, whatever its skin; a bullet does not; a keycap is a mark around a digit."""
    assert fold(text) == folded


@pytest.mark.parametrize(
    "ignorable", ["\u00ad", "\u200b", "\u200c", "\u200d", "\ufeff", "\ufe0f", "\U000e0100", "\u2060"]
)
def test_invisible_characters_are_as_if_absent(ignorable):
    """They split neither words, numbers nor letters from their accents."""
    assert (
        fold(f"so{ignorable}ft 1{ignorable}2 3{ignorable}.5 e{ignorable}\u0301 葛{ignorable}城") == "soft 12 3.5 é葛城"
    )


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("e\u0301", "é"),
        ("E\u0323\u0302", "ệ"),
        ("E\u0302\u0323", "ệ"),
        ("é\u0323", "ẹ́"),
        ("ｶﾞｷﾞﾊﾟ", "ガギパ"),
        ("か\u3099", "が"),
        ("か\u309a", "か\u309a"),
        ("\u1112\u1161\u11ab", "한"),
        ("하\u11ab", "한"),
        ("ㄱㅏ", "가"),
        ("ﾡￂ", "가"),
        ("=\u0338", ""),
        ("क\u093c", "क़"),
        ("α\u0345\u0301", "άι"),
        ("e.\u0301", "é"),
    ],
)
def test_sequences_are_composed(text, folded):
    """Accents, half-width kana and Hangul jamo join what they belong to, in canonical order."""
    assert fold(text) == unicodedata.normalize("NFC", folded)


def test_marks_that_are_spelling_stay():
    """Devanagari vowel signs, Thai tone marks and Arabic points tell words apart."""
    assert fold("की") != fold("का")
    assert fold("ป่า") != fold("ป้า")
    assert fold("は") != fold("ば")


# --- white space -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  a \t\n b\u3000c ", "a b c"),
        ("中 文", "中文"),
        ("用 Python 写", "用python写"),
        ("用Python写", "用python写"),
        ("5 月 3 日", "5月3日"),
        ("a - b", "a b"),
        ("a — 中", "a中"),
        ("안녕 하세요", "안녕하세요"),
        ("か\u309a b", "か\u309ab"),
        ("\u3000\u00a0\u2003", ""),
        ("", ""),
    ],
)
def test_white_space_goes_beside_wide_characters_and_collapses_elsewhere(text, folded):
    """Sites differ in the space between Han and Latin; between Latin words one space is what counts."""
    assert fold(text) == unicodedata.normalize("NFC", folded)


# --- the whole -------------------------------------------------------------------------------------------------------


@given(TEXTS)
@example("5%-½")
@example("-\u200b5 %")
@settings(max_examples=400)
def test_folding_agrees_with_its_rules_read_one_by_one(text):
    """The vectorised fold does what plain Python does."""
    assert fold(text) == slow_fold(text)


@given(st.text(max_size=20))
def test_folding_agrees_with_its_rules_on_any_text(text):
    """The same, with characters from all of Unicode; those that the installed Python knows better are left out."""
    if unicodedata.unidata_version == TABLE.unicode_version:
        assert fold(text) == slow_fold(text)


@given(TEXTS | st.text(max_size=20) | st.text(st.sampled_from(CANONICAL), max_size=8))
@example("0 \u0300:\u3099")
@example("a \u0300 \u3099")
@example("か \u3099 b")
@settings(max_examples=400)
def test_folding_twice_is_folding_once(text):
    """But for signs before and after numbers, which are a plain full stop once they are folded."""
    signs = reference.SIGN | reference.PERCENT
    text = "".join(character for character in text if not TABLE.flags[ord(character)] & signs)
    assert fold(fold(text)) == fold(text)


@given(st.text(st.sampled_from(CANONICAL), max_size=10))
@settings(max_examples=500)
def test_canonically_equivalent_texts_fold_alike(text):
    """Composed, decomposed and as it is."""
    assert fold(unicodedata.normalize("NFD", text)) == fold(text) == fold(unicodedata.normalize("NFC", text))


@given(st.text(st.sampled_from(CANONICAL), max_size=10))
@settings(max_examples=500)
def test_composition_is_that_of_unicode(text):
    """`compose` of decomposed text is NFC, and it changes no text up to NFC."""
    assert strings_of(
        reference.compose(codepoints(unicodedata.normalize("NFD", text)), TABLE)
    ) == unicodedata.normalize("NFC", text)
    composed = strings_of(reference.compose(codepoints(text), TABLE))
    assert unicodedata.normalize("NFC", composed) == unicodedata.normalize("NFC", text)


def strings_of(codes):
    """Code points as a string."""
    return codes.astype("<u4").tobytes().decode("utf-32-le")


@given(st.lists(TEXTS | st.text(max_size=10), max_size=8))
def test_a_batch_folds_as_its_segments_do(texts):
    """No rule looks across the end of a segment."""
    assert strings(*fold_segments(texts)) == [fold(text) for text in texts]


def test_segments_do_not_see_each_other():
    """Digits, accents, annotations and spaces at the edge of a segment belong to it alone."""
    texts = ["5", ".", "3", "區", "(qū)", "e", "\u0301", "", "中 ", " 文", "a", " ", "b", "35", "%"]
    folded = ["5", "", "3", "区", "qū", "e", "\u0301", "", "中", "文", "a", "", "b", "35", ""]
    assert strings(*fold_segments(texts)) == folded


def test_many_segments_fold_in_chunks_as_one(monkeypatch):
    """The size of a chunk changes nothing, nor does a segment that is longer than one."""
    texts = ["3.5%", "", "區(qū)", "e\u0301" * 20, "Ａ Ｂ", ""] * 5
    expected = strings(*fold_segments(texts))
    for size in (1, 7, 40):
        monkeypatch.setattr(reference, "_CHUNK", size)
        assert strings(*fold_segments(texts)) == expected


def test_types_of_what_fold_returns():
    """uint32 and int64, also for nothing."""
    for texts in ([], [""], ["中文 a"]):
        folded, offsets = fold_segments(texts)
        assert (folded.dtype, offsets.dtype, len(offsets)) == (np.uint32, np.int64, len(texts) + 1)
        hashes, bounds = kernel.number_tokens(folded, offsets, TABLE)
        assert (hashes.dtype, bounds.dtype, len(bounds)) == (np.uint64, np.int64, len(texts) + 1)
        assert kernel.columns(folded, TABLE).dtype == np.uint8


def test_han_kana_and_hangul_are_two_columns_wide():
    """々, ー and a Han character of plane 2 too; emoji, digits and the sign are one."""
    text = fold("汉々ーの한𠀀aé5😀")
    assert kernel.columns(codepoints(text), TABLE).tolist() == [2] * 6 + [1] * 4


def test_passages_fold_wherever_they_stand():
    """Spans may leave gaps, touch, overlap and come in any order."""
    codes = codepoints("甲乙丙 Ａ")
    for spans, folded in [
        ([[0, 5]], ["甲乙丙a"]),
        ([[0, 1], [2, 4]], ["甲", "丙"]),
        ([[0, 1], [1, 2], [2, 5]], ["甲", "乙", "丙a"]),
        ([[2, 5], [0, 1], [0, 3]], ["丙a", "甲", "甲乙丙"]),
        ([[1, 1]], [""]),
    ]:
        assert strings(*fold_passages(codes, np.array(spans))) == folded
    assert strings(*fold_passages(codes, np.zeros((0, 2), np.int64))) == []


@pytest.mark.parametrize(("text", "place"), [("ab\ud800", 2), ("\udfff", 0), ("中\ud83d中\ude00", 1)])
def test_a_lone_surrogate_is_refused(text, place):
    """The error names the text, the code unit and where it stands."""
    with pytest.raises(BadInput, match=rf"^article 'x': lone surrogate U\+{ord(text[place]):X} at character {place}; "):
        codepoints(text, "article 'x'")
    with pytest.raises(BadInput):
        fold(text)


def test_code_points_are_those_of_the_string():
    """One number a character, also beyond the first plane."""
    assert codepoints("a中😀").tolist() == [0x61, 0x4E2D, 0x1F600]
    assert codepoints("").tolist() == []
    assert codepoints("a").dtype == np.uint32


@needs_shared_data
@pytest.mark.parametrize("variety", ["s2t", "s2tw", "s2hk"])
def test_news_folds_alike_in_both_scripts(variety):
    """A thousand real articles and what OpenCC writes of them in traditional Chinese are the same texts."""
    opencc = pytest.importorskip("opencc", reason="the extra `opencc` is not installed")
    with gzip.open(FOLDER / "news_zh" / "articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line, _ in zip(lines, range(1000), strict=False)]
    convert = opencc.OpenCC(variety).convert
    assert strings(*fold_segments(texts)) == strings(*fold_segments([convert(text) for text in texts]))


@needs_shared_data
@pytest.mark.parametrize("name", ["jiyuan", "linfen", "lixia"])
def test_scraped_articles_lose_all_their_annotations(name):
    """No toned vowel is left in the folds of articles that are full of them, and no Han character is lost."""
    text = (FOLDER / "articles" / f"{name}.txt").read_text(encoding="utf-8")
    assert len(annotations(text)) > 50
    assert not set(map(ord, fold(text))) & reference.TONED
    assert len(re.findall("[一-龥]", fold(text))) == len(re.findall("[一-龥]", text))
