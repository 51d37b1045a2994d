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

inline bool closes(uint32_t code) { return code == '"' || code == '\'' || code == ')' || code == ']'; }

inline uint32_t get_utf8(const uint8_t* at) {
    if (*at < 0x80) return *at;
    if (*at < 0xE0) return (at[0] & 0x1Fu) << 6 | (at[1] & 0x3Fu);
    if (*at < 0xF0) return (at[0] & 0x0Fu) << 12 | (at[1] & 0x3Fu) << 6 | (at[2] & 0x3Fu);
    return (at[0] & 0x07u) << 18 | (at[1] & 0x3Fu) << 12 | (at[2] & 0x3Fu) << 6 | (at[3] & 0x3Fu);
}

inline const uint8_t* next_utf8(const uint8_t* at) { return at + (*at < 0x80 ? 1 : *at < 0xE0 ? 2 : *at < 0xF0 ? 3 : 4); }

// What is known of a line but what is read of it.
struct Look {
    uint32_t last = 0;  // its last character that closes nothing
    uint32_t signs = 0;
    int64_t chars = 0;
    uint32_t head[2] = {0, 0};  // its first characters
};

// Some code points of a line, whatever they are.
inline uint8_t* read_each(const uint32_t* codes, size_t count, const uint32_t* table, uint32_t openers, Reading& line,
                          uint8_t* out) {
    for (size_t i = 0; i < count; i++) {
        const uint32_t word = table[codes[i]], code = word & ((1u << SIGNS) - 1);
        if (code == 0) continue;
        line.told = (line.told << 1 | openers) & (word >> SIGNS);
        line.signs |= line.told;
        if (code != BLANK || !line.blank) {
            out = put_utf8(code, out);
            line.chars++;
        }
        line.blank = code == BLANK;
    }
    return out;
}

// One line: what is read of it and a line feed behind that. *out* has room for four bytes a code point and one more.
// Chains of signs are found as words are by shift-and (Baeza-Yates & Gonnet 1992).
inline uint8_t* read_line(const uint32_t* codes, size_t count, const uint32_t* table, uint32_t openers, uint8_t* out,
                          Look& look) {
    uint8_t* const begin = out;
    Reading line;
    for (size_t at = 0; at < count; at += READ) {
        const size_t some = std::min(READ, count - at);
        uint8_t* const behind = level->loops->read_some(codes + at, some, table, openers, line, out);
        out = behind ? behind : read_each(codes + at, some, table, openers, line, out);
    }
    if (line.blank && line.chars) {
        out--;
        line.chars--;
    }
    look.chars = line.chars;
    look.signs = line.signs;
    if (look.chars > 0) look.head[0] = get_utf8(begin);
    if (look.chars > 1) look.head[1] = get_utf8(next_utf8(begin));
    const uint8_t* last = out;
    while (last != begin && closes(last[-1])) last--;
    if (last != begin) {
        do last--;
        while ((*last & 0xC0) == 0x80);
        look.last = get_utf8(last);
    }
    *out++ = '\n';
    return out;
}

constexpr uint32_t LF = 0x0A, CR = 0x0D, PARAGRAPH_SEPARATOR = 0x2029;  // U+2028 is that without its lowest bit

// The place of the next code point that ends a line, *end* where there is none.
inline size_t next_break(const uint32_t* codes, size_t at, size_t end) {
    while (at < end) {
        at += level->loops->before_break(codes + at, end - at);
        for (const size_t stop = end - at < 64 ? end : at + 64; at < stop; at++)
            if (codes[at] == LF || codes[at] == CR || (codes[at] | 1) == PARAGRAPH_SEPARATOR) return at;
    }
    return end;
}

}  // namespace lines
