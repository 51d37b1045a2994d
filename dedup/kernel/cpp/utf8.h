// What is done in UTF-8: utf8_reference.py.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "levels.h"

namespace utf8text {

inline bool begins(uint8_t byte) { return (byte & 0xC0) != 0x80; }

// How many code points begin in so many bytes.
inline size_t characters(const uint8_t* utf8, size_t size) {
    constexpr size_t BLOCK = 128;
    size_t count = 0, at = 0;
    for (; size - at >= BLOCK; at += BLOCK) {
        uint8_t some = 0;
        for (size_t i = 0; i < BLOCK; i++) some += begins(utf8[at + i]);
        count += some;
    }
    for (; at < size; at++) count += begins(utf8[at]);
    return count;
}

// Where the code point begins before which *count* others do from *at* on; *end* if there are as many, else one more.
inline size_t skip(const uint8_t* utf8, size_t at, size_t end, uint64_t count) {
    constexpr size_t BLOCK = 64;
    for (; end - at >= BLOCK; at += BLOCK) {
        uint8_t some = 0;
        for (size_t i = 0; i < BLOCK; i++) some += begins(utf8[at + i]);
        if (some > count) break;
        count -= some;
    }
    for (; at < end; at++)
        if (begins(utf8[at]) && count-- == 0) return at;
    return count ? end + 1 : end;
}

// How many bytes of a line end stand at *at*: 0 for none.
inline size_t line_end(const uint8_t* utf8, size_t at, size_t end) {
    if (utf8[at] == '\n') return 1;
    if (utf8[at] == '\r') return at + 1 < end && utf8[at + 1] == '\n' ? 2 : 1;
    return utf8[at] == 0xE2 && end - at > 2 && utf8[at + 1] == 0x80 && (utf8[at + 2] | 1) == 0xA9 ? 3 : 0;
}

constexpr size_t TOGETHER = 32;  // bytes that are looked at together for what a line end may begin with

// Whether none of *COUNT* bytes begins a line end; most text is seen so to have none.
template <size_t COUNT>
inline bool in_one_line(const uint8_t* utf8) {
    uint8_t any = 0;
    for (size_t i = 0; i < COUNT; i++)
        any |= static_cast<uint8_t>((utf8[i] == '\n') | (utf8[i] == '\r') | (utf8[i] == 0xE2));
    return !any;
}

inline size_t line_stop(const uint8_t* utf8, size_t at, size_t end) {
    while (at < end) {
        while (end - at >= TOGETHER && in_one_line<TOGETHER>(utf8 + at)) at += TOGETHER;
        for (const size_t last = at + std::min(TOGETHER, end - at); at < last; at++)
            if (const size_t bytes = line_end(utf8, at, end)) return at + bytes;
    }
    return end;
}

// Where the line starts in which *at* lies.
inline size_t line_start(const uint8_t* utf8, size_t begin, size_t at, size_t end) {
    constexpr size_t LONGEST = 3;  // bytes of a line end, which may begin before those that are looked at together
    while (at > begin) {
        while (at - begin >= TOGETHER + LONGEST && in_one_line<TOGETHER + LONGEST>(utf8 + at - TOGETHER - LONGEST))
            at -= TOGETHER;
        for (const size_t first = at - std::min(TOGETHER, at - begin); at > first; at--) {
            const uint8_t before = utf8[at - 1];
            if (before == '\n' || (before == '\r' && (at == end || utf8[at] != '\n'))) return at;
            if ((before | 1) == 0xA9 && at - begin > 2 && utf8[at - 2] == 0x80 && utf8[at - 3] == 0xE2) return at;
        }
    }
    return at;
}

// How many bytes of white space stand at *at*, of one character: 0 for none.
inline size_t white(const uint8_t* utf8, size_t at, size_t end) {
    const uint8_t byte = utf8[at];
    if (byte < 0x80) return (byte >= 0x09 && byte <= 0x0D) || (byte >= 0x1C && byte <= 0x20);
    if (end - at < 2) return 0;
    const uint8_t next = utf8[at + 1];
    if (byte == 0xC2) return next == 0x85 || next == 0xA0 ? 2 : 0;
    if (end - at < 3) return 0;
    const uint8_t last = utf8[at + 2];
    const bool is = (byte == 0xE1 && ((next == 0x9A && last == 0x80) || (next == 0xA0 && last == 0x8E))) ||
                    (byte == 0xE2 && next == 0x80 &&
                     ((last >= 0x80 && last <= 0x8D) || last == 0xA8 || last == 0xA9 || last == 0xAF)) ||
                    (byte == 0xE2 && next == 0x81 && (last == 0x9F || last == 0xA0)) ||
                    (byte == 0xE3 && next == 0x80 && last == 0x80) || (byte == 0xEF && next == 0xBB && last == 0xBF);
    return is ? 3 : 0;
}

inline bool is_white(const uint8_t* utf8, size_t at, size_t stop) {
    while (at < stop) {
        const size_t bytes = white(utf8, at, stop);
        if (!bytes) return false;
        at += bytes;
    }
    return true;
}

// The cuts of one text, *utf8*[*begin*] to *end*, by rising starts; see `extended_ends`. Lines without cuts between
// two cuts are not walked through: of those the last alone matters.
inline void extend(const uint8_t* utf8, size_t begin, size_t end, const int64_t* starts, const int64_t* old_ends,
                   size_t count, int64_t* ends) {
    constexpr size_t NONE = SIZE_MAX;
    enum { NO, YES, LOOK } after_blank = YES;
    size_t last = begin, last_stop = begin, taking = NONE, i = 0, line = begin;
    bool glued = false, over = false;
    std::copy(old_ends, old_ends + count, ends);
    auto begin_of = [&](size_t span) { return static_cast<size_t>(starts[span]); };
    auto end_of = [&](size_t span) { return static_cast<size_t>(old_ends[span]); };
    while (!over && (i < count || taking != NONE)) {
        if (taking == NONE) {
            if (begin_of(i) == end) return;  // it lies in no line
            const size_t own = begin_of(i) < line ? line : line_start(utf8, begin, begin_of(i), end);
            if (own > line) {
                last = line_start(utf8, begin, own - 1, end);
                last_stop = own;
                after_blank = glued && last == line ? NO : LOOK;
                glued = false;
                line = own;
            }
        }
        const size_t start = line, stop = line_stop(utf8, line, end);
        over = stop == end;
        line = stop;
        if (i == count || begin_of(i) >= stop) {
            if (taking != NONE && is_white(utf8, start, stop)) {
                ends[taking] = static_cast<int64_t>(stop);
                continue;
            }
            taking = NONE;
            after_blank = glued ? NO : LOOK;
            last = start;
            last_stop = stop;
            glued = false;
            continue;
        }
        const size_t first = i;
        size_t at = start;
        bool empty = true;
        while (i < count && begin_of(i) < stop) {
            empty = empty && (begin_of(i) <= at || is_white(utf8, at, begin_of(i)));
            at = std::max(at, std::min(end_of(i), stop));
            if (end_of(i) > stop) break;
            i++;
        }
        empty = empty && is_white(utf8, at, stop);
        const size_t touching = i == count || begin_of(i) >= stop ? i - 1 : i;
        if (!empty || (glued && at < stop)) {
            taking = NONE;
            after_blank = NO;
            glued = at == stop;
            continue;
        }
        for (size_t j = first; j < touching; j++) ends[j] = std::max(ends[j], starts[j + 1]);
        ends[touching] = std::max(ends[touching], static_cast<int64_t>(stop));
        if (after_blank == LOOK) after_blank = is_white(utf8, last, last_stop) ? YES : NO;
        taking = after_blank == YES && !glued && end_of(touching) <= stop ? touching : NONE;
    }
}

// The least hash of a run of four characters in *utf8*[*at*] to *end*.
inline uint64_t least_run(const uint8_t* utf8, size_t at, size_t end) {
    constexpr uint64_t FACTOR = 1000003;
    uint64_t least = UINT64_MAX, one = 0, two = 0, three = 0;
    while (at < end && !begins(utf8[at])) at++;
    for (size_t count = 1; at < end; count++) {
        uint64_t character = utf8[at++];
        for (unsigned shift = 8; at < end && !begins(utf8[at]); at++, shift += 8)
            if (shift < 32) character |= static_cast<uint64_t>(utf8[at]) << shift;
        const uint64_t hash = baseline::fmix64(((one * FACTOR + two) * FACTOR + three) * FACTOR + character);
        if (count >= 4 && hash < least) least = hash;
        one = two;
        two = three;
        three = character;
    }
    return least;
}

// Whether bytes are UTF-8.
inline bool is_sound(const uint8_t* utf8, size_t count) {
    for (size_t at = 0; at < count;) {
        uint32_t code;
        const size_t bytes = baseline::code_point(utf8 + at, count - at, code);
        if (!bytes) return false;
        at += bytes;
    }
    return true;
}

// Whether none of eight bytes is escaped in JSON: no quote, no backslash, nothing below 0x20.
inline bool is_plain(const uint8_t* bytes) {
    constexpr uint64_t ONES = ~uint64_t{0} / 255, HIGHS = ONES << 7;
    uint64_t word;
    std::memcpy(&word, bytes, 8);
    const uint64_t quotes = word ^ (ONES * '"'), slashes = word ^ (ONES * '\\');
    return !((((word - ONES * 0x20) & ~word) | ((quotes - ONES) & ~quotes) | ((slashes - ONES) & ~slashes)) & HIGHS);
}

// What stands behind the backslash, 'u' where the code follows; 0 for a byte that is not escaped.
inline char escape(uint8_t byte) {
    constexpr char SHORT[] = "uuuuuuuubtnufruuuuuuuuuuuuuuuuuu";
    return byte < 0x20 ? SHORT[byte] : byte == '"' || byte == '\\' ? static_cast<char>(byte) : '\0';
}

// How many bytes of *utf8*[*at*] on, at least one before *end*, are plain, as far as that is soon seen.
inline size_t plain_run(const uint8_t* utf8, size_t at, size_t end) {
    constexpr size_t LONG = 64;
    if (end - at >= LONG) return level->loops->plain_json(utf8 + at, end - at);
    return end - at >= 8 && is_plain(utf8 + at) ? 8 : 0;
}

// How many bytes *utf8*[*at*] to *end* is in a string of JSON.
inline size_t json_length(const uint8_t* utf8, size_t at, size_t end) {
    size_t length = end - at;
    while (at < end) {
        if (const size_t run = plain_run(utf8, at, end)) {
            at += run;
            continue;
        }
        const char escaped = escape(utf8[at++]);
        if (escaped) length += escaped == 'u' ? 5 : 1;
    }
    return length;
}

inline uint8_t* put_json(const uint8_t* utf8, size_t at, size_t end, uint8_t* out) {
    constexpr char HEX[] = "0123456789abcdef";
    while (at < end) {
        if (const size_t run = plain_run(utf8, at, end)) {
            std::memcpy(out, utf8 + at, run);
            out += run;
            at += run;
            continue;
        }
        const uint8_t byte = utf8[at++];
        const char escaped = escape(byte);
        if (escaped) *out++ = '\\';
        *out++ = escaped ? static_cast<uint8_t>(escaped) : byte;
        if (escaped == 'u') {
            std::memcpy(out, "00", 2);
            out[2] = HEX[byte >> 4];
            out[3] = HEX[byte & 15];
            out += 4;
        }
    }
    return out;
}

}  // namespace utf8text
