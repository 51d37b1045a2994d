// Folding and columns: fold_reference.py in one pass over each segment.
#pragma once

#include <vector>

#include "levels.h"
#include "utf16.h"

namespace folding {

constexpr size_t PINYIN_LETTERS = 9;

[[noreturn]] inline void refuse_code(uint32_t code) {
    refuse("code points must be below 0x110000, found " + std::to_string(code));
}

inline void must_be_code(uint32_t code) {
    if (code >= CODE_POINTS) refuse_code(code);
}

// How long a folded segment is.
struct Lengths {
    size_t chars = 0;
    size_t wide = 0;  // how many of these are wide; counted in UTF-16 alone
};

// The folded text as it grows, of code points or of units of UTF-16: blanks wait until it is known what they stand between.
template <class Unit>
class Writer {
  public:
    static constexpr bool UTF16 = sizeof(Unit) == sizeof(uint16_t);
    Writer(const uint32_t* table, Unit* out) : table_(table), begin_(out), out_(out) {}
    void put(uint32_t code) {
        if (code == 0) return;
        if (code == BLANK) {
            waiting_ = true;
            return;
        }
        if (waiting_) settle(code);
        write(code);
    }
    bool waiting() const { return waiting_; }
    // where plain code points may be written in a row, each as one unit, while no blank waits
    Unit* open() const { return out_; }
    void close(Unit* end, uint64_t wide) {
        out_ = end;
        wide_ += static_cast<size_t>(wide);
    }
    Unit* end() const { return out_; }
    Lengths lengths() const { return {static_cast<size_t>(out_ - begin_) - pairs_, wide_}; }

  private:
    void settle(uint32_t code) {
        waiting_ = false;
        if (out_ != begin_ && !wide(last()) && !wide(code)) *out_++ = BLANK;
    }
    void write(uint32_t code) {
        if constexpr (UTF16) {
            wide_ += wide(code);
            if (code >= utf16::ABOVE) {
                out_ = utf16::put_pair(code, out_);
                pairs_++;
                return;
            }
            if ((code & 0xF800) == utf16::HIGH) utf16::refuse_code(code);
        }
        *out_++ = static_cast<Unit>(code);
    }
    uint32_t last() const {
        if constexpr (UTF16)
            if ((out_[-1] & 0xFC00) == utf16::LOW) return utf16::first(out_ - 2, 2);
        return out_[-1];
    }
    bool wide(uint32_t code) const { return code < CODE_POINTS && table_[code] & P_WIDE; }
    const uint32_t* table_;
    Unit *begin_, *out_;
    size_t wide_ = 0, pairs_ = 0;
    bool waiting_ = false;
};

struct Table {
    const uint32_t* words;  // CODE_POINTS of them, see packed()
    const uint16_t* plain;  // as many, see plain_unit()
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

template <class Unit>
inline void put_mapped(Writer<Unit>& writer, uint32_t word, const Table& table) {
    const uint32_t mapping = word & MAPPING;
    if (mapping < EXPANSION) return writer.put(mapping);
    const size_t length = table.length(mapping);
    for (size_t i = 0; i < length; i++)
        writer.put(table.expansions[static_cast<size_t>(table.expansion_offsets[mapping - EXPANSION]) + i]);
}

// Romanised annotations, see annotation_spans in fold_reference.py. Here no code point is COMBINING.
struct Pinyin {
    static constexpr uint8_t LETTER_OF = 31, HAS_TONE = 128;
    const uint16_t* flags;
    const uint8_t* letters;  // [count], of a written letter its number from 1 and whether it has a tone; 0 for others
    size_t count;
    const uint64_t *syllables, *syllables_end;  // sorted, see syllable()

    uint8_t letter(uint32_t code) const { return code < count ? letters[code] : 0; }
    bool han(uint32_t code) const { return flags[code] & HAN; }

    // Whether these letters are a syllable: 5 bits a letter, the first above, and from bit 32 on the place of the tone.
    bool syllable(const uint32_t* code, const uint32_t* end) const {
        constexpr ptrdiff_t LONGEST = 6;
        if (end - code > LONGEST) return false;
        uint64_t key = 0;
        size_t tones = 0;
        for (size_t place = 0; code != end; code++, place++) {
            const uint8_t found = letter(*code);
            key = (key & ~uint64_t{0xFFFFFFFF}) | ((key & 0xFFFFFFFF) << 5 | (found & LETTER_OF));
            if (found & HAS_TONE) tones++, key |= uint64_t{place} << 32;
        }
        return tones == 1 && std::binary_search(syllables, syllables_end, key);
    }

    // The code points without their annotations.
    void strip(const uint32_t* codes, size_t length, std::vector<uint32_t>& kept) const {
        const auto at = [&](size_t place) { return place < length ? codes[place] : 0; };
        const auto eaten = [](uint32_t code) { return code == '?' || code == 0xFFFD; };
        kept.clear();
        size_t done = 0;
        bool any = false;
        for (size_t tone = 0; tone < length; tone++) {
            if (!(flags[codes[tone]] & TONE) || tone < done) continue;
            size_t start = tone, end = tone;
            while (start > done && tone - start < PINYIN_LETTERS && letter(codes[start - 1])) start--;
            while (end < length && end - tone < PINYIN_LETTERS && letter(codes[end])) end++;
            const uint32_t before = start > done ? codes[start - 1] : 0;
            const bool opened = opens(before), closed = closes(at(end));
            const size_t begin = start - (opened || eaten(before)), after = end + (closed || eaten(at(end)));
            if (!opened && !closed) continue;
            if (!closed && latin(at(after + (at(after) == BLANK)))) continue;
            const bool follows =
                (any && begin == done) || (begin > 0 && han(codes[begin - 1])) ||
                (begin < start && begin > 1 && han(codes[begin - 2]) && ascii_letter(codes[begin - 1]));
            if (!follows || !syllable(codes + start, codes + end)) continue;
            kept.insert(kept.end(), codes + done, codes + begin);
            done = after;
            any = true;
        }
        kept.insert(kept.end(), codes + done, codes + length);
    }

    static bool opens(uint32_t code) { return code == '(' || code == 0xFF08; }
    static bool closes(uint32_t code) { return code == ')' || code == 0xFF09; }
    static bool ascii_letter(uint32_t code) { return (code | 0x20) >= 'a' && (code | 0x20) <= 'z'; }
    bool latin(uint32_t code) const {
        return ascii_letter(code) || (code >= 0xC0 && code < 0x250) || (code >= 0x300 && code < 0x370) || letter(code);
    }
};

// Whether a bracket stands where that of an annotation of the letter at *tone* would.
inline bool bracket_near(const uint32_t* codes, size_t count, size_t tone) {
    const size_t begin = tone - std::min<size_t>(tone, PINYIN_LETTERS + 1);
    const size_t end = std::min(count, tone + PINYIN_LETTERS + 1);
    return std::any_of(codes + begin, codes + end,
                       [](uint32_t code) { return Pinyin::opens(code) || Pinyin::closes(code); });
}

// Writes what plain code points fold to, from a place on, the first behind no digit; the place behind them.
inline size_t plain_run(const uint32_t* codes, size_t at, size_t count, const uint16_t* plain, uint16_t*& to) {
    uint16_t* out = to;
    for (; at < count; at++) {
        const uint16_t unit = plain[codes[at]];
        if (unit == 0) break;
        *out = unit;
        out += unit != DROPPED;  // no branch: where marks are is hard to foretell
    }
    to = out;
    return at;
}

inline size_t plain_run(const uint32_t*, size_t at, size_t, const uint16_t*, uint32_t*&) { return at; }

// What folding a segment came to, where it did not come to its end.
enum class Left { NOTHING, ANNOTATED, COMBINING };

// Folds one segment of code points below CODE_POINTS and goes on with *out* behind what it wrote; unless a character
// in it is combining, or there may be an annotation in it and it was not *stripped* of them. Room for all that it may
// write, and for one code point more, must be there.
template <class Unit>
inline Left fold(const uint32_t* codes, size_t count, const Table& table, bool stripped, Unit*& out, Lengths& lengths) {
    const uint32_t* words = table.words;
    while (count && words[codes[count - 1]] & P_SPACE) count--;  // the line end, which folds to nothing
    Writer<Unit> writer(words, out);
    uint32_t before = 0;  // the word of the last code point that is visible or white, 0 at the beginning
    // the first place from *place* on that is not invisible
    const auto visible = [&](size_t place) {
        while (place < count && words[codes[place]] & P_INVISIBLE) place++;
        return place;
    };
    uint32_t known[2 + FOLDED + 1];    // the words of a block of ASCII, behind two before it and before one behind it
    uint8_t stops[FOLDED];             // see fold_words
    size_t block = 0, block_end = 0;   // where it begins and ends
    for (size_t at = 0; at < count;) {
        if (at >= block_end && codes[at] < 0x80) {
            const size_t some = std::min(FOLDED, count - at);
            if (some >= FOLDED / 4 && level->loops->bits_of(codes + at, some) < 0x80) {
                block = at;
                block_end = at + some;
                for (size_t i = 0; i < 2; i++) known[i] = at + i < 2 ? 0 : words[codes[at + i - 2]];
                known[2 + some] = block_end < count ? words[codes[block_end]] : 0;
                level->loops->fold_words(codes + at, some, words, known, stops);
            }
        }
        uint32_t word = words[codes[at]];
        const bool in_block = at < block_end;
        if (!(in_block ? stops[at - block] : word & SPECIAL) && !(word & P_MARK && before & P_DECIMAL)) {
            if (writer.waiting()) {  // for a blank that waits marks are not there
                writer.put(word & MAPPING);
                before = word;
                at++;
                continue;
            }
            Unit* to = writer.open();
            uint64_t widths = 0;  // the bits, of fewer code points than would fill it
            if (in_block) {
                size_t place = at - block;
                do {
                    before = known[2 + place];
                    *to = static_cast<Unit>(before & MAPPING);
                    if constexpr (Writer<Unit>::UTF16) widths += before & P_WIDE;
                    to += !(before & P_MARK);  // no branch: where marks stand is hard to foretell
                } while (++place < block_end - block && !stops[place]);
                at = block + place;
            } else if (const size_t behind = plain_run(codes, at, count, table.plain, to); behind > at) {
                widths = static_cast<uint64_t>(to - writer.open()) * P_WIDE;
                at = behind;
                before = words[codes[at - 1]];
            } else {
                for (;;) {
                    *to = static_cast<Unit>(word & MAPPING);
                    if constexpr (Writer<Unit>::UTF16) widths += word & P_WIDE;
                    to += !(word & P_MARK);
                    before = word;
                    if (++at == count) break;
                    word = words[codes[at]];
                    if (word & SPECIAL) break;
                    if (before & P_DECIMAL && word & P_MARK) break;
                    if (Writer<Unit>::UTF16 && word & P_WIDE) break;
                }
            }
            writer.close(to, widths / P_WIDE);
            continue;
        }
        if (word & P_HARD) {
            if ((word & P_TONED) != P_TONED) return Left::COMBINING;
            if (!stripped && bracket_near(codes, count, at)) return Left::ANNOTATED;
        }
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
    out = writer.end();
    lengths = writer.lengths();
    return Left::NOTHING;
}

}  // namespace folding
