// Lines, and lines as rules read them: line_reference.py.
#pragma once

#include <algorithm>
#include <cstdint>

#include "arrays.h"
#include "fold.h"

namespace lines {

using folding::BLANK;

inline uint8_t* put_utf8(uint32_t code, uint8_t* out) {
    if (code < 0x80) {
        *out++ = static_cast<uint8_t>(code);
    } else if (code < 0x800) {
        *out++ = static_cast<uint8_t>(0xC0 | code >> 6);
        *out++ = static_cast<uint8_t>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *out++ = static_cast<uint8_t>(0xE0 | code >> 12);
        *out++ = static_cast<uint8_t>(0x80 | (code >> 6 & 0x3F));
        *out++ = static_cast<uint8_t>(0x80 | (code & 0x3F));
    } else {
        if (code >= folding::CODE_POINTS) refuse("table must read code points below 0x110000, found " + std::to_string(code));
        *out++ = static_cast<uint8_t>(0xF0 | code >> 18);
        *out++ = static_cast<uint8_t>(0x80 | (code >> 12 & 0x3F));
        *out++ = static_cast<uint8_t>(0x80 | (code >> 6 & 0x3F));
        *out++ = static_cast<uint8_t>(0x80 | (code & 0x3F));
    }
    return out;
}

// What lines are looked at by: LineTable in line_reference.py. The code points have been checked.
struct Table {
    const uint16_t* signs;
    uint16_t openers;
    const uint16_t* kinds;
    size_t kind_count;
    const uint8_t *beginnings, *endings;
};

// What is known of a line by its first two characters and its last that closes nothing.
struct Ends {
    uint32_t last = 0;
    uint8_t beginning = 0, ending = 0;
};

// That of code points of which one at least is seen and no white space.
inline Ends ends_of(const uint32_t* codes, size_t count, const Table& table) {
    const auto is = [&](size_t place, uint16_t what) { return (table.signs[codes[place]] & what) != 0; };
    const auto kind = [&](uint32_t code) {
        const uint16_t found = table.kinds[code];
        if (found >= table.kind_count) refuse("kinds must be below " + std::to_string(table.kind_count) + ", found " + std::to_string(found));
        return size_t{found};
    };
    size_t first = 0, end = count;
    while (first < end && is(first, UNSEEN | WHITE)) first++;
    while (first < end && is(end - 1, UNSEEN | WHITE)) end--;
    if (first == end) return {};
    size_t second = first + 1;
    while (second < end && is(second, UNSEEN)) second++;
    Ends found;
    found.beginning = table.beginnings[kind(codes[first]) * table.kind_count + (second < end ? kind(codes[second]) : 0)];
    while (first < end && is(end - 1, UNSEEN | CLOSES)) end--;
    if (first < end) found.last = codes[end - 1];
    found.ending = table.endings[found.last];
    return found;
}

// Reads some code points of a line, whatever they are.
inline uint8_t* read_each(const uint32_t* codes, size_t count, const uint32_t* table, bool& blank, uint8_t* out) {
    for (size_t i = 0; i < count; i++) {
        folding::must_be_code(codes[i]);
        const uint32_t code = table[codes[i]];
        if (code == 0) continue;
        if (code != BLANK || !blank) out = put_utf8(code, out);
        blank = code == BLANK;
    }
    return out;
}

// What is read of one line, and a line feed behind that. *out* has room for four bytes a code point and one more.
inline uint8_t* read_line(const uint32_t* codes, size_t count, const uint32_t* table, uint8_t* out) {
    uint8_t* const begin = out;
    bool blank = true;
    for (size_t at = 0; at < count; at += READ) {
        const size_t some = std::min(READ, count - at);
        uint8_t* const behind = level->loops->read_some(codes + at, some, table, blank, out);
        out = behind ? behind : read_each(codes + at, some, table, blank, out);
    }
    if (blank && out != begin) out--;
    *out++ = '\n';
    return out;
}

constexpr uint32_t LF = 0x0A, CR = 0x0D;

}  // namespace lines
