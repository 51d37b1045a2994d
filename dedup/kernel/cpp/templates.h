// Templates of folded lines: the regular expressions of template_reference.py, matched by hand.
//
// What makes that possible: no alternative needs backtracking. After one or two digits always comes something that is no
// digit, after letters a blank, and what is optional stands at the end. So each part takes what it can, and an
// alternative whose next part is not there fails.
#pragma once

#include <algorithm>
#include <bitset>
#include <cstdint>

#include "fold.h"
#include "levels.h"

namespace templates {

constexpr uint32_t SIGN = 0xE000, BLANK = 0x20, POINT = 0x2E;
constexpr size_t SHORT_LINE = 20;
constexpr uint32_t YEAR = 0x5E74, MONTH = 0x6708, DAY = 0x65E5, DAY_NUMBER = 0x53F7, HOUR = 0x65F6, HOUR_POINT = 0x70B9,
                   MINUTE = 0x5206, SECOND = 0x79D2;  // 年月日号时点分秒
constexpr uint32_t WEEK = 0x5468, STAR = 0x661F, PERIOD = 0x671F, RITE = 0x793C, WORSHIP = 0x62DC;  // 周, 星期, 礼拜

constexpr uint32_t letters(uint32_t first, uint32_t second, uint32_t third) { return first << 16 | second << 8 | third; }

inline bool is_decimal(uint32_t code, const uint16_t* flags) { return flags[code] & folding::DECIMAL; }

// The letters that stand second in months and weekdays, by the first.
struct Seconds {
    uint32_t of[32] = {};
    constexpr Seconds() {
        constexpr const char* pairs = "jajufemamoapausesasuocnodefrtuthwe";
        for (const char* pair = pairs; *pair; pair += 2) of[pair[0] - 'a'] |= 1u << (pair[1] - 'a');
    }
};
constexpr Seconds SECONDS;

// Whether a code point with *next* behind it is a sign or a digit, or may begin a date or time. One branch, which texts of one
// script foretell; what letter or digit stands next, nothing does.
inline bool stands_out(uint32_t code, uint32_t next, const uint16_t* flags) {
    if (code > 0x7F)
        return is_decimal(code, flags) | (code == WEEK) | (code == STAR) | (code == RITE) | (code == SIGN);
    const uint32_t first = code - 'a', second = next - 'a';
    const bool begins_word = (first < 26) & (second < 26) & (SECONDS.of[first & 31] >> (second & 31));
    return begins_word | is_decimal(code, flags);
}

// A folded line in which dates and times are looked for from left to right: code points, or units of UTF-16.
template <class Unit>
class Line {
  public:
    Line(const Unit* codes, size_t count, const uint16_t* flags) : codes_(codes), count_(count), flags_(flags) {}

    // Whether units that are no code points were looked at, one of which may have been a digit: all that was found is void.
    bool is_void() const { return void_; }
    static bool is_half(uint32_t code) { return sizeof(Unit) == 2 && (code & 0xF800) == 0xD800; }

    // The end of the date or time that begins at *at*, 0 where none does.
    size_t when(size_t at) {
        const uint32_t code = codes_[at];
        if (code - 'a' < 26) {
            const size_t end = month_first(at);
            return end ? end : weekday_name(at);
        }
        if (code == WEEK) return weekday(at + 1);
        if (code == STAR) return is(at + 1, PERIOD) ? weekday(at + 2) : 0;
        if (code == RITE) return is(at + 1, WORSHIP) ? weekday(at + 2) : 0;
        const size_t end = year_first(at);
        return end ? end : number_first(at);
    }

  private:
    bool is(size_t at, uint32_t code) const { return at < count_ && codes_[at] == code; }
    // What comes behind the part of a line that was looked at may be no code point.
    bool decimal(size_t at) {
        if (at >= count_ || codes_[at] >= folding::CODE_POINTS) return false;
        void_ |= is_half(codes_[at]);
        return is_decimal(codes_[at], flags_);
    }
    bool point_or_blank(size_t at) const { return is(at, POINT) || is(at, BLANK); }
    bool between(size_t at, uint32_t first, uint32_t last) const {
        return at < count_ && codes_[at] >= first && codes_[at] <= last;
    }
    bool is_word(size_t at, const char* word) const {
        for (; *word; word++, at++)
            if (!is(at, static_cast<uint32_t>(*word))) return false;
        return true;
    }
    // Each of these moves *at* behind what it finds.
    bool digits(size_t& at, size_t count) {
        for (size_t i = 0; i < count; i++)
            if (!decimal(at + i)) return false;
        at += count;
        return true;
    }
    bool one_or_two(size_t& at) {
        if (!decimal(at)) return false;
        at += decimal(at + 1) ? 2 : 1;
        return true;
    }
    uint32_t three_letters(size_t at) const {
        if (at + 3 > count_ || (codes_[at] | codes_[at + 1] | codes_[at + 2]) > 0x7F) return 0;
        return letters(codes_[at], codes_[at + 1], codes_[at + 2]);
    }
    // (?:jan|feb|...)[a-z]* and the blank behind it. The letters are looked at once, however many months are among them.
    bool month(size_t& at) {
        switch (three_letters(at)) {
            case letters('j', 'a', 'n'):
            case letters('f', 'e', 'b'):
            case letters('m', 'a', 'r'):
            case letters('a', 'p', 'r'):
            case letters('m', 'a', 'y'):
            case letters('j', 'u', 'n'):
            case letters('j', 'u', 'l'):
            case letters('a', 'u', 'g'):
            case letters('s', 'e', 'p'):
            case letters('o', 'c', 't'):
            case letters('n', 'o', 'v'):
            case letters('d', 'e', 'c'):
                break;
            default:
                return false;
        }
        at += 3;
        if (at < run_begin_ || at > run_end_) {
            run_begin_ = run_end_ = at;
            while (between(run_end_, 'a', 'z')) run_end_++;
        }
        at = run_end_ + 1;
        return is(run_end_, BLANK);
    }

    // (?:19|20)\d{2} and one of four
    size_t year_first(size_t at) {
        if (!is_word(at, "19") && !is_word(at, "20")) return 0;
        at += 2;
        if (!digits(at, 2)) return 0;
        size_t next = at + 1;
        if (is(at, YEAR)) {
            if (!one_or_two(next) || !is(next, MONTH)) return at + 1;
            size_t last = ++next;
            return one_or_two(last) && is(last, DAY) ? last + 1 : next;
        }
        if (point_or_blank(at)) {
            if (!one_or_two(next) || !point_or_blank(next) || !one_or_two(++next)) return 0;
            return next + is(next, DAY);
        }
        const bool in_year = (is(at, '0') && between(at + 1, '1', '9')) || (is(at, '1') && between(at + 1, '0', '2'));
        const bool in_month = (is(at + 2, '0') && between(at + 3, '1', '9')) ||
                              (between(at + 2, '1', '2') && decimal(at + 3)) ||
                              (is(at + 2, '3') && between(at + 3, '0', '1'));
        return in_year && in_month && !decimal(at + 4) ? at + 4 : 0;
    }

    // \d{1,2} and what tells that it was a month, a day, or an hour
    size_t number_first(size_t at) {
        size_t next = at;
        if (!one_or_two(next) || next == count_) return 0;
        const size_t behind = next++;
        switch (codes_[behind]) {
            case MONTH:
                if (!one_or_two(next)) return 0;
                return next + (is(next, DAY) || is(next, DAY_NUMBER));
            case DAY:
                return at > 0 && decimal(at - 1) ? 0 : next;
            case BLANK:
                return month(next) && digits(next, 4) ? next : 0;
            case POINT:
                return at > 0 && (decimal(at - 1) || is(at - 1, POINT)) ? 0 : clock(next);
            case HOUR:
            case HOUR_POINT: {
                if (!one_or_two(next) || !is(next, MINUTE)) return 0;
                size_t last = ++next;
                return one_or_two(last) && is(last, SECOND) ? last + 1 : next;
            }
            default:
                return 0;
        }
    }

    // \d{2}(?:\.\d{2})?(?![\d.])(?: ?[ap]m)?
    size_t clock(size_t at) {
        if (!digits(at, 2)) return 0;
        size_t next = at + 1;
        if (is(at, POINT) && digits(next, 2)) at = next;
        if (is(at, POINT) || decimal(at)) return 0;
        next = at + is(at, BLANK);
        return (is(next, 'a') || is(next, 'p')) && is(next + 1, 'm') ? next + 2 : at;
    }

    size_t month_first(size_t at) {
        if (!month(at) || !one_or_two(at)) return 0;
        if (is_word(at, "st") || is_word(at, "nd") || is_word(at, "rd") || is_word(at, "th")) at += 2;
        size_t next = at + 1;
        return is(at, BLANK) && digits(next, 4) ? next : at;
    }

    size_t weekday(size_t at) const {
        if (at >= count_) return 0;
        switch (codes_[at]) {
            case 0x4E00:  // 一
            case 0x4E8C:  // 二
            case 0x4E09:  // 三
            case 0x56DB:  // 四
            case 0x4E94:  // 五
            case 0x516D:  // 六
            case DAY:
            case 0x5929:  // 天
                return at + 1;
            default:
                return 0;
        }
    }

    size_t weekday_name(size_t at) const {
        const auto name = [&](const char* rest, size_t length) { return is_word(at + 3, rest) ? at + length : 0; };
        switch (three_letters(at)) {
            case letters('m', 'o', 'n'):
            case letters('f', 'r', 'i'):
            case letters('s', 'u', 'n'):
                return name("day", 6);
            case letters('t', 'u', 'e'):
                return name("sday", 7);
            case letters('w', 'e', 'd'):
                return name("nesday", 9);
            case letters('t', 'h', 'u'):
                return name("rsday", 8);
            case letters('s', 'a', 't'):
                return name("urday", 8);
            default:
                return 0;
        }
    }

    const Unit* codes_;
    size_t count_;
    const uint16_t* flags_;
    bool void_ = false;
    size_t run_begin_ = 1, run_end_ = 0;  // letters that were looked at
};

// Numbers, if they count, to signs; of signs and blanks behind a sign nothing stays. In place; returns the end.
inline uint32_t* collapse(uint32_t* const begin, const uint32_t* const end, const uint16_t* flags, bool numbers) {
    uint32_t* out = begin;
    for (const uint32_t* in = begin; in < end;) {
        const uint32_t code = *in;
        const uint32_t* digit = in + (code == POINT);
        bool sign = code == SIGN;
        if (numbers && digit < end && is_decimal(*digit, flags)) {
            sign = true;
            in = digit;
            while (in < end && (is_decimal(*in, flags) || *in == POINT)) in++;
        } else {
            in++;
        }
        if (out != begin && out[-1] == SIGN && (sign || code == BLANK)) continue;
        *out++ = sign ? SIGN : code;
    }
    return out;
}

// Writes the template of a line to *out*, which has room for the line; returns its end.
inline uint32_t* write(const uint32_t* codes, size_t count, const uint16_t* flags, uint32_t* const out) {
    Line<uint32_t> line(codes, count, flags);
    uint32_t* end = out;
    bool touched = false;  // something is masked, or may have to be
    for (size_t at = 0; at < count;) {
        const uint32_t code = codes[at];
        if (stands_out(code, at + 1 < count ? codes[at + 1] : 0, flags)) {
            const size_t behind = line.when(at);
            touched |= behind || code == SIGN || (count < SHORT_LINE && is_decimal(code, flags));
            if (behind) {
                *end++ = SIGN;
                at = behind;
                continue;
            }
        }
        *end++ = code;
        at++;
    }
    return touched ? collapse(out, end, flags, count < SHORT_LINE) : end;
}

// The upper bits of a start are told by its first characters, which are led in one after the other.
constexpr size_t BEGINNING = 4;
inline uint64_t led(uint64_t ahead, uint32_t code) { return 31 * ahead + code; }
inline uint16_t begun(uint64_t ahead) { return static_cast<uint16_t>(ahead * GOLDEN >> 48); }

// Some starts that lines are compared with.
class Starts {
  public:
    // *rising* ones that outlive this.
    Starts(const uint64_t* rising, size_t count, const uint16_t* flags) : begin_(rising), end_(rising + count) {
        for (const uint64_t* start = begin_; start < end_; start++) begun_.set(*start >> 48);
        knows_plain_ = std::none_of(flags + PLAIN, flags + PLAIN + PLAINS, [](uint16_t of) { return of & folding::DECIMAL; });
    }
    bool has(uint64_t start) const { return begun_[start >> 48] && std::binary_search(begin_, end_, start); }

    // Whether it is seen at a glance that the template of a line has *wanted* characters or more, and another start. Most
    // of Chinese are Han that begin no date or time: of these, what is masked takes two at most for each other unit (as
    // in 星期一), and a line that begins with some of them has these for its first characters.
    bool are_others(const uint16_t* units, size_t count, size_t wanted) const {
        constexpr size_t MORE = 24;
        if (!knows_plain_ || count < wanted) return false;
        uint64_t ahead = 0;
        for (size_t i = 0; i < BEGINNING; i++) {
            if (!is_plain(units[i])) return false;
            ahead = led(ahead, units[i]);
        }
        if (begun_[begun(ahead)]) return false;
        count = std::min(count, wanted + MORE);
        size_t plain = 0;
        for (size_t i = 0; i < count; i++) plain += is_plain(units[i]);
        return plain >= wanted + 2 * (count - plain);
    }

  private:
    static constexpr uint16_t PLAIN = 0x4E00, PLAINS = 0x5200;
    static uint16_t is_plain(uint16_t unit) {
        return (static_cast<uint16_t>(unit - PLAIN) < PLAINS) & (unit != WEEK) & (unit != STAR) & (unit != RITE);
    }
    const uint64_t *begin_, *end_;
    std::bitset<1 << 16> begun_;
    bool knows_plain_;
};

// How the template of a line begins, see the reference; *wanted* is at least SHORT_LINE. False where a pair of units, or
// half of one, is or may be a digit. Throws what *refuse* throws for what is no code point, as far as the line is looked at.
template <class Unit, class Refuse>
bool start(const Unit* codes, size_t count, const uint16_t* flags, size_t wanted, Refuse refuse, uint64_t& found) {
    found = 0;
    if (count < wanted) return true;  // no template is longer than its line
    Line<Unit> line(codes, count, flags);
    uint64_t hash = 0, ahead = 0;
    size_t seen = 0;
    for (size_t at = 0; at < count;) {
        uint32_t code = codes[at];
        if (code >= folding::CODE_POINTS) refuse(code);
        if constexpr (sizeof(Unit) == sizeof(uint16_t)) {
            if (line.is_half(code)) {  // a pair, or half of one alone; nothing of a date but a digit
                code = utf16::first(codes + at, count - at);
                if (is_decimal(code, flags)) return false;
                at += code >= utf16::ABOVE;
            }
        }
        if (stands_out(code, at + 1 < count ? codes[at + 1] : 0, flags)) {
            const size_t behind = line.when(at);
            if (line.is_void()) return false;
            if (behind) {
                at = behind;
                continue;
            }
        }
        if (code != SIGN && code != BLANK) {
            hash = baseline::absorb(hash, code);
            if (seen < BEGINNING) ahead = led(ahead, code);
            if (++seen == wanted) {
                found = uint64_t{begun(ahead)} << 48 | baseline::fmix64(hash + wanted) >> 16 | 1;
                return true;
            }
        }
        at++;
    }
    return true;
}

}  // namespace templates
