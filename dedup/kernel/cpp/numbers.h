// What counts as a number: number_reference.py in one pass over each segment.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fold.h"

namespace numbers {

// Kinds of Han numerals, with the value of a digit in the low four bits. PLAIN and FORMAL runs may both hold COMMON ones.
constexpr uint8_t VALUE = 15, DIGIT = 16, PLAIN = 32, FORMAL = 64, UNIT = 128;
constexpr uint8_t COMMON = PLAIN | FORMAL;
constexpr uint32_t TEN = U'十', POINT = U'点', TWO = U'两', TEN_THOUSAND = U'万', HUNDRED_MILLION = U'亿';
constexpr char32_t AHEAD[] = U"第周", VAGUE[] = U"数几", BEHIND_ONE[] = U"月日号届",
                   BEHIND[] = U"年月日号时点周天岁个名人位次届级倍元吨起例条项场座件辆架艘";

// Kind of each code point of the first plane; for a unit the low bits are its power of ten.
inline std::array<uint8_t, 0x10000> make_kinds() {
    std::array<uint8_t, 0x10000> kinds{};
    const auto digits = [&](std::u32string_view all, int value, uint8_t kind) {
        for (const char32_t digit : all) kinds[digit] = static_cast<uint8_t>(kind | DIGIT | value++);
    };
    digits(U"零", 0, COMMON);
    digits(U"〇", 0, COMMON);
    digits(U"一二三四五六七八九", 1, PLAIN);
    digits(U"两", 2, PLAIN);
    digits(U"壹贰叁肆伍陆柒捌玖", 1, FORMAL);
    int power = 1;
    for (const char32_t unit : std::u32string_view(U"十百千")) kinds[unit] = static_cast<uint8_t>(PLAIN | UNIT | power++);
    power = 1;
    for (const char32_t unit : std::u32string_view(U"拾佰仟")) kinds[unit] = static_cast<uint8_t>(FORMAL | UNIT | power++);
    kinds[TEN_THOUSAND] = COMMON | UNIT | 4;
    kinds[HUNDRED_MILLION] = COMMON | UNIT | 8;
    return kinds;
}

// English cardinals and ordinals below a hundred, as folding leaves them, sorted.
using Word = std::pair<std::string, int>;
constexpr size_t SHORTEST_WORD = 3, LONGEST_WORD = 14;

inline std::vector<Word> make_words() {
    static const char* const ones[] = {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};
    static const char* const teens[] = {"ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                        "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
    static const char* const tens[] = {"twent", "thirt", "fort", "fift", "sixt", "sevent", "eight", "ninet"};
    static const char* const ones_th[] = {"first", "second",  "third",  "fourth", "fifth",
                                          "sixth", "seventh", "eighth", "ninth"};
    static const char* const teens_th[] = {"tenth",     "eleventh",  "twelfth",     "thirteenth", "fourteenth",
                                           "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth"};
    std::vector<Word> words;
    for (int i = 0; i < 10; i++) {
        words.emplace_back(teens[i], 10 + i);
        words.emplace_back(teens_th[i], 10 + i);
    }
    for (int i = 0; i < 9; i++) {
        words.emplace_back(ones[i], 1 + i);
        words.emplace_back(ones_th[i], 1 + i);
    }
    for (int ten = 0; ten < 8; ten++) {
        const std::string stem = tens[ten];
        words.emplace_back(stem + "y", 20 + 10 * ten);
        words.emplace_back(stem + "ieth", 20 + 10 * ten);
        for (int i = 0; i < 9; i++) {
            words.emplace_back(stem + "y" + ones[i], 21 + 10 * ten + i);
            words.emplace_back(stem + "y" + ones_th[i], 21 + 10 * ten + i);
        }
    }
    std::sort(words.begin(), words.end());
    return words;
}

inline const std::array<uint8_t, 0x10000> KINDS = make_kinds();
inline const std::vector<Word> WORDS = make_words();

// The hash of a number that is told code point by code point.
class Token {
  public:
    void put(uint32_t code) { sum_ += baseline::fmix64(code + (++length_ << 32)); }
    void put_value(uint64_t value) {
        char digits[20];
        int count = 0;
        do digits[count++] = static_cast<char>('0' + value % 10);
        while (value /= 10);
        while (count) put(static_cast<uint32_t>(digits[--count]));
    }
    uint64_t hash() const { return baseline::fmix64(sum_ + length_); }

  private:
    uint64_t sum_ = 0, length_ = 0;
};

template <size_t N>
inline bool one_of(uint32_t code, const char32_t (&all)[N]) {
    for (size_t i = 0; i + 1 < N; i++)
        if (code == all[i]) return true;
    return false;
}

// One segment of folded code points; 0 stands for what is beyond its ends.
class Segment {
  public:
    Segment(const uint32_t* codes, size_t count, const uint16_t* flags) : codes_(codes), count_(count), flags_(flags) {}

    // Writes the hashes of all numbers, as they come, to *out*; returns their end.
    uint64_t* write(uint64_t* out) const {
        for (size_t i = 0; i < count_;) {
            const uint32_t code = codes_[i];
            if (code - 'a' < 26u) {
                size_t end = i + 1;
                while (end < count_ && codes_[end] - 'a' < 26u) end++;
                if (!(i && letter(i - 1)) && !letter(end))
                    if (const int value = word(i, end)) out = emit(value, out);
                i = end;
            } else if (flags_[code] & folding::NUMBER || code == folding::NUMBER_SIGN) {
                i = in_digits(i, out);
                out++;
            } else if (kind(i)) {
                i = in_han(i, out);
            } else {
                i++;
            }
        }
        return out;
    }

  private:
    uint32_t at(size_t place) const { return place < count_ ? codes_[place] : 0; }
    uint32_t before(size_t place, size_t far) const { return place >= far ? codes_[place - far] : 0; }
    uint8_t kind(size_t place) const {
        const uint32_t code = at(place);
        return code < 0x10000 ? KINDS[code] : 0;
    }
    bool letter(size_t place) const { return place < count_ && flags_[codes_[place]] & folding::LETTER; }
    // what may stand digit by digit
    bool pure(size_t place) const { return (kind(place) & (DIGIT | PLAIN)) == (DIGIT | PLAIN) && codes_[place] != TWO; }

    int word(size_t begin, size_t end) const {
        const size_t length = end - begin;
        if (length < SHORTEST_WORD || length > LONGEST_WORD) return 0;
        char letters[LONGEST_WORD];
        for (size_t i = 0; i < length; i++) letters[i] = static_cast<char>(codes_[begin + i]);
        if (!std::strchr("efnost", letters[0])) return 0;
        const std::string_view wanted(letters, length);
        const auto found = std::lower_bound(WORDS.begin(), WORDS.end(), wanted,
                                            [](const Word& word, std::string_view other) { return word.first < other; });
        return found != WORDS.end() && found->first == wanted ? found->second : 0;
    }

    static uint64_t* emit(int value, uint64_t* out) {
        Token token;
        token.put_value(static_cast<uint64_t>(value));
        *out++ = token.hash();
        return out;
    }

    // A number in digits from *begin*; writes one hash and returns where it ends, with its scale.
    size_t in_digits(size_t begin, uint64_t* out) const {
        size_t end = begin, signs = 0, sign = 0;
        bool ascii = true;  // digits and signs alone
        for (; end < count_ && (flags_[codes_[end]] & folding::NUMBER || codes_[end] == folding::NUMBER_SIGN); end++) {
            if (codes_[end] == folding::NUMBER_SIGN) {
                if (end > begin) signs++, sign = end;
            } else if (codes_[end] - '0' >= 10u) {
                ascii = false;
            }
        }
        size_t after = end, zeros = 0;
        if (at(after) == TEN_THOUSAND) after++, zeros = 4;
        if (at(after) == HUNDRED_MILLION) after++, zeros += 8;
        const size_t first = begin + (codes_[begin] == folding::NUMBER_SIGN);  // the first digit
        bool written_out = zeros && ascii && first < end;
        size_t fraction = 0;
        if (signs) {
            fraction = end - sign - 1;
            written_out = written_out && signs == 1 && sign > first && fraction && fraction != 3 && fraction <= zeros;
        }
        Token token;
        for (size_t i = begin; i < end; i++)
            if (!written_out || !signs || i != sign) token.put(codes_[i]);
        for (size_t i = fraction; written_out && i < zeros; i++) token.put('0');
        *out = token.hash();
        return after;
    }

    // Han numerals from *begin*: writes a hash where they are a number, and returns where they end.
    size_t in_han(size_t begin, uint64_t*& out) const {
        const uint8_t writing = kind(begin) & PLAIN ? PLAIN : FORMAL;
        size_t end = begin;
        while (kind(end) & writing) end++;
        size_t last = end;
        if (at(end) == POINT && pure(end + 1)) {
            last = end + 1;
            while (pure(last)) last++;
            if (kind(last) & PLAIN) last = end;  // 三点五十分
        }
        Token token;
        if (!value(begin, end, last > end, token)) return last;
        if (last > end) {
            token.put(folding::NUMBER_SIGN);
            for (size_t i = end + 1; i < last; i++) token.put('0' + (kind(i) & VALUE));
        }
        const uint32_t parts = before(begin, 3);
        if ((parts == U'百' || parts == U'千') && after_parts(begin)) token.put(folding::NUMBER_SIGN);
        *out++ = token.hash();
        return last;
    }

    bool after_parts(size_t place) const { return before(place, 2) == U'分' && before(place, 1) == U'之'; }

    bool value(size_t begin, size_t end, bool fraction, Token& token) const {
        const bool plain_digit = (kind(begin) & (DIGIT | PLAIN)) == (DIGIT | PLAIN);
        if (end - begin > 1 || (fraction && !plain_digit)) return written_out(begin, end, token);
        if (!plain_digit && codes_[begin] != TEN) return false;
        const uint64_t found = plain_digit ? kind(begin) & VALUE : 10;
        if (!fraction && !counts(begin, found)) return false;
        token.put_value(found);
        return true;
    }

    // Whether one numeral character is a number by what stands around it.
    bool counts(size_t place, uint64_t value) const {
        const uint32_t previous = before(place, 1), next = at(place + 1);
        if (one_of(previous, AHEAD) || (before(place, 2) == U'星' && previous == U'期') || after_parts(place)) return true;
        if (next == U'分' && at(place + 2) == U'之') return true;
        if (value == 10 && one_of(previous, VAGUE)) return false;
        return value && (value == 1 ? one_of(next, BEHIND_ONE) : one_of(next, BEHIND));
    }

    // Two numerals or more; false where they are not well formed.
    bool written_out(size_t begin, size_t end, Token& token) const {
        size_t digits = begin;
        while (digits < end && pure(digits)) digits++;
        if (digits == end) {
            for (size_t i = begin; i < end; i++) token.put('0' + (kind(i) & VALUE));
            return true;
        }
        uint64_t total = 0, section = 0, step = 1, unit_limit = 10000;
        int digit = -1;  // none
        bool ten_thousand = true, hundred_million = true;  // what may follow
        for (size_t i = begin; i < end; i++) {
            const uint8_t numeral = kind(i);
            if (numeral & DIGIT) {
                if (digit > 0) return false;
                digit = numeral & VALUE;
                if (!digit) step = 1;
                continue;
            }
            const int power = numeral & VALUE;
            if (power < 4) {
                const uint64_t unit = power == 1 ? 10 : power == 2 ? 100 : 1000;
                if (unit >= unit_limit || (digit <= 0 && (codes_[i] != TEN || section))) return false;
                section += static_cast<uint64_t>(digit > 0 ? digit : 1) * unit;
                unit_limit = step = unit;
            } else {
                if (digit > 0) section += static_cast<uint64_t>(digit);
                const bool all = power == 8;  // takes all before it
                if (all) section += total, total = 0;
                if (!(all ? hundred_million : ten_thousand) || !section) return false;
                ten_thousand = all;
                hundred_million = hundred_million && !all;
                step = all ? 100000000 : 10000;
                total += section * step;
                section = 0;
                unit_limit = 10000;
            }
            digit = -1;
        }
        const uint64_t rest = digit > 0 ? static_cast<uint64_t>(digit) * std::max<uint64_t>(step / 10, 1) : 0;
        token.put_value(total + section + rest);
        return true;
    }

    const uint32_t* codes_;
    size_t count_;
    const uint16_t* flags_;
};

// The sorted number tokens of one segment, written to *out*, which has room for as many as code points; returns
// their end. The k-th repetition of a number is a token of its own.
inline uint64_t* tokens(const uint32_t* codes, size_t count, const uint16_t* flags, uint64_t* out) {
    uint64_t* const end = Segment(codes, count, flags).write(out);
    std::sort(out, end);
    uint64_t repetition = 0, hash = 0;
    for (uint64_t* token = out; token < end; token++) {
        repetition = token > out && *token == hash ? repetition + 1 : 0;
        hash = *token;
        if (repetition) *token = baseline::fmix64(hash + repetition);
    }
    std::sort(out, end);
    return end;
}

}  // namespace numbers
