// The words of the fold table: what fold_reference.py knows of a code point, in 32 bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace folding {

constexpr uint32_t CODE_POINTS = 0x110000, EXPANSION = 0x110000;
constexpr uint32_t NUMBER_SIGN = 0x2E, BLANK = 0x20;

// fold_reference.py: flags of a code point
constexpr uint16_t WIDE = 1, HAN = 2, LETTER = 4, NUMBER = 8, DIGIT = 16, DECIMAL = 32, MARK = 64, SIGN = 128,
                   PERCENT = 256, SPACE = 512, INVISIBLE = 1024, COMBINING = 2048, TONE = 4096;

// Mapping and flags of a code point in one word, so that most code points cost one look-up and one test. The low 21 bits
// are the mapping; ODD stands where the mapping is none, a blank, an expansion, more or less than one unit of UTF-16, or
// not as wide as the code point; HARD is looked at closer.
constexpr uint32_t MAPPING = (1u << 21) - 1;
enum : uint32_t {
    P_WIDE = 1u << 21,
    P_LETTER = 1u << 22,
    P_DIGIT = 1u << 23,
    P_DECIMAL = 1u << 24,
    P_SIGN = 1u << 25,
    P_PERCENT = 1u << 26,
    P_MARK = 1u << 27,
    P_SPACE = 1u << 28,
    P_INVISIBLE = 1u << 29,
    P_HARD = 1u << 30,
    P_ODD = 1u << 31,
    // a letter with a tone mark: beside a bracket an annotation may be there. (No bit is left, and only marks are signs.)
    P_TONED = P_HARD | P_SIGN,
    // what the inner loop leaves; a mark that is no sign is only dropped, unless a decimal digit stands before it
    SPECIAL = P_SIGN | P_PERCENT | P_SPACE | P_INVISIBLE | P_HARD | P_ODD,
};
static_assert(P_DECIMAL << 3 == P_MARK, "the inner loop shifts one to the other");

// *mapped* are the flags of what the code point maps to, if that is one.
inline uint32_t packed(uint32_t mapping, uint16_t flags, uint16_t mapped) {
    uint32_t word = mapping;
    if (flags & WIDE) word |= P_WIDE;
    if (flags & LETTER) word |= P_LETTER;
    if (flags & DIGIT) word |= P_DIGIT;
    if (flags & DECIMAL) word |= P_DECIMAL;
    if (flags & SIGN) word |= P_SIGN;
    if (flags & PERCENT) word |= P_PERCENT;
    if (flags & MARK) word |= P_MARK;
    if (flags & SPACE) word |= P_SPACE;
    if (flags & INVISIBLE) word |= P_INVISIBLE;
    if (flags & COMBINING) word |= P_HARD;
    else if (flags & TONE) word |= P_TONED;
    if ((mapping == 0 && !(flags & MARK)) || mapping == BLANK || mapping >= EXPANSION) word |= P_ODD;
    if (mapping > 0xFFFF || (mapping & 0xF800) == 0xD800) word |= P_ODD;
    if ((flags & WIDE) != (flags & MARK ? 0 : mapped & WIDE)) word |= P_ODD;
    return word;
}

// What most of a Chinese text is, in half the memory: the unit that a wide code point folds to wherever it stands, DROPPED
// for a mark that is dropped behind such a one, 0 for others.
constexpr uint16_t DROPPED = 1;
inline uint16_t plain_unit(uint32_t word) {
    if (word & (SPECIAL | P_DECIMAL)) return 0;
    if (word & P_MARK) return DROPPED;
    return word & P_WIDE && (word & MAPPING) > DROPPED ? static_cast<uint16_t>(word & MAPPING) : 0;
}

// Whether what a code point maps to is one of ASCII, and no blank.
inline bool shows_as_ascii(uint32_t word) { return (word & MAPPING) - (BLANK + 1) < 0x80 - (BLANK + 1); }

}  // namespace folding
