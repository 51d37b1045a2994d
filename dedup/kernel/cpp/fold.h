// Folding and columns: fold_reference.py in one pass over each segment.
#pragma once

#include <vector>

#include "levels.h"

namespace folding {

constexpr uint32_t CODE_POINTS = 0x110000, EXPANSION = 0x110000;
constexpr uint32_t NUMBER_SIGN = 0x2E, BLANK = 0x20;
constexpr size_t PINYIN_LETTERS = 9;

// fold_reference.py: flags of a code point
constexpr uint16_t WIDE = 1, LETTER = 4, NUMBER = 8, DIGIT = 16, DECIMAL = 32, MARK = 64, SIGN = 128, PERCENT = 256,
                   SPACE = 512, INVISIBLE = 1024, COMBINING = 2048, TONE = 4096;

// Mapping and flags of a code point in one word, so that most code points cost one look-up and one test. The low 21 bits
// are the mapping; ODD stands where the mapping is none, a blank or an expansion; HARD is left to the reference.
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
    // a letter with a tone mark: hard where a bracket is near, since an annotation may be there. (No bit is left, and only
    // marks are signs.)
    P_TONED = P_HARD | P_SIGN,
    // what the inner loop leaves; a mark that is no sign is only dropped, unless a decimal digit stands before it
    SPECIAL = P_SIGN | P_PERCENT | P_SPACE | P_INVISIBLE | P_HARD | P_ODD,
};
static_assert(P_DECIMAL << 3 == P_MARK, "the inner loop shifts one to the other");

inline uint32_t packed(uint32_t mapping, uint16_t flags) {
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
    return word;
}

// The folded text as it grows: blanks wait until it is known what they stand between.
class Writer {
  public:
    Writer(const uint32_t* table, uint32_t* out) : table_(table), begin_(out), out_(out) {}
    void put(uint32_t code) {
        if (code == 0) return;
        if (code == BLANK) {
            waiting_ = true;
            return;
        }
        if (waiting_) settle(code);
        *out_++ = code;
    }
    bool waiting() const { return waiting_; }
    // where plain code points may be written in a row, while no blank waits
    uint32_t* open() const { return out_; }
    void close(uint32_t* end) { out_ = end; }
    uint32_t* end() const { return out_; }

  private:
    void settle(uint32_t code) {
        waiting_ = false;
        if (out_ != begin_ && !wide(out_[-1]) && !wide(code)) *out_++ = BLANK;
    }
    bool wide(uint32_t code) const { return code < CODE_POINTS && table_[code] & P_WIDE; }
    const uint32_t* table_;
    uint32_t *begin_, *out_;
    bool waiting_ = false;
};

struct Table {
    const uint32_t* words;  // CODE_POINTS of them, see packed()
    const int64_t* expansion_offsets;
    const uint32_t* expansions;
    size_t count;  // of expansions
    // the code points that a mapping stands for
    size_t length(uint32_t mapping) const {
        const size_t which = mapping - EXPANSION;
        if (mapping < EXPANSION) return 1;
        return which < count ? static_cast<size_t>(expansion_offsets[which + 1] - expansion_offsets[which]) : 0;
    }
};

inline void put_mapped(Writer& writer, uint32_t word, const Table& table) {
    const uint32_t mapping = word & MAPPING;
    if (mapping < EXPANSION) return writer.put(mapping);
    const size_t length = table.length(mapping);
    for (size_t i = 0; i < length; i++)
        writer.put(table.expansions[static_cast<size_t>(table.expansion_offsets[mapping - EXPANSION]) + i]);
}

// Whether a bracket stands where that of an annotation of the letter at *tone* would: see annotation_spans.
inline bool bracket_near(const uint32_t* codes, size_t count, size_t tone) {
    const size_t begin = tone - std::min<size_t>(tone, PINYIN_LETTERS + 1);
    const size_t end = std::min(count, tone + PINYIN_LETTERS + 1);
    return std::any_of(codes + begin, codes + end, [](uint32_t code) {
        return code == '(' || code == ')' || code == 0xFF08 || code == 0xFF09;
    });
}

// Folds one segment of code points below CODE_POINTS; returns the end of what it wrote to *out*, nullptr where the
// segment is left to the reference. Room for all that it may write, and for one code point more, must be there.
inline uint32_t* fold(const uint32_t* codes, size_t count, const Table& table, uint32_t* out) {
    const uint32_t* words = table.words;
    Writer writer(words, out);
    uint32_t before = 0;  // the word of the last code point that is visible or white, 0 at the beginning
    // the first place from *place* on that is not invisible
    const auto visible = [&](size_t place) {
        while (place < count && words[codes[place]] & P_INVISIBLE) place++;
        return place;
    };
    for (size_t at = 0; at < count;) {
        uint32_t word = words[codes[at]];
        if (!(word & (SPECIAL | (before & P_DECIMAL) << 3))) {
            if (writer.waiting()) {  // for a blank that waits marks are not there
                writer.put(word & MAPPING);
                before = word;
                at++;
                continue;
            }
            uint32_t* to = writer.open();
            do {
                *to = word & MAPPING;
                to += !(word & P_MARK);  // no branch: where marks stand is hard to foretell
                before = word;
                if (++at == count) break;
                word = words[codes[at]];
            } while (!(word & (SPECIAL | (before & P_DECIMAL) << 3)));
            writer.close(to);
            if (at == count) break;
        }
        if (word & P_HARD && ((word & P_TONED) != P_TONED || bracket_near(codes, count, at))) return nullptr;
        if (word & P_INVISIBLE) {
            at++;
        } else if (word & P_SPACE) {
            size_t next = at;
            while (next < count && words[codes[next]] & P_SPACE) next = visible(next + 1);
            const uint32_t after = next < count ? words[codes[next]] : 0;
            if (!(before & P_DIGIT && after & P_PERCENT)) {  // 35 % is 35%
                writer.put(BLANK);
                before = word;
            }
            at = next;
        } else if (word & P_MARK) {
            // marks map to nothing; at most one of the run becomes a sign
            const uint32_t first = word;
            uint32_t before_last = before, last = word;
            size_t next = visible(at + 1);
            while (next < count && words[codes[next]] & P_MARK) {
                before_last = last;
                last = words[codes[next]];
                next = visible(next + 1);
            }
            const uint32_t after = next < count ? words[codes[next]] : 0;
            const bool between = before & P_DECIMAL && after & P_DECIMAL;
            const bool leading = last & P_SIGN && after & P_DIGIT && !(before_last & P_LETTER);
            const bool trailing = first & P_PERCENT && before & P_DIGIT;
            if (between || leading || trailing) writer.put(NUMBER_SIGN);
            before = last;
            at = next;
        } else {
            put_mapped(writer, word, table);
            before = word;
            at++;
        }
    }
    return writer.end();
}

}  // namespace folding
