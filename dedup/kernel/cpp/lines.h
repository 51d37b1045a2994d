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

// What is known of a line but what is read of it.
struct Outline {
    uint32_t last = 0;  // its last character that closes nothing
    uint32_t signs = 0;
    int64_t chars = 0;
    uint32_t head[2] = {0, 0};  // its first characters
};

inline uint32_t read_as(uint32_t word) { return word & ((1u << SIGNS) - 1); }

// Looks at some code points of a line, whatever they are.
inline void outline_each(const uint32_t* codes, size_t count, const uint32_t* table, uint32_t openers, Reading& line) {
    for (size_t i = 0; i < count; i++) {
        folding::must_be_code(codes[i]);
        const uint32_t word = table[codes[i]], code = read_as(word);
        if (code == 0) continue;
        line.told = (line.told << 1 | openers) & (word >> SIGNS);
        line.signs |= line.told;
        if (code != BLANK || !line.blank) line.chars++;
        line.blank = code == BLANK;
    }
}

// What one line looks like. Chains of signs are found as words are by shift-and (Baeza-Yates & Gonnet 1992).
inline Outline outline(const uint32_t* codes, size_t count, const uint32_t* table, uint32_t openers) {
    Reading line;
    for (size_t at = 0; at < count; at += READ) {
        const size_t some = std::min(READ, count - at);
        if (!level->loops->outline_some(codes + at, some, table, openers, line))
            outline_each(codes + at, some, table, openers, line);
    }
    if (line.blank && line.chars) line.chars--;
    Outline found;
    found.signs = line.signs;
    found.chars = line.chars;
    if (!line.chars) return found;
    const auto shown = [&](size_t place) { return read_as(table[codes[place]]); };
    size_t first = 0, end = count;  // without the white space at both ends
    while (shown(first) == 0 || shown(first) == BLANK) first++;
    while (shown(end - 1) == 0 || shown(end - 1) == BLANK) end--;
    found.head[0] = shown(first);
    for (size_t at = first + 1; at < end && !found.head[1]; at++) found.head[1] = shown(at);
    while (end > first && (shown(end - 1) == 0 || closes(shown(end - 1)))) end--;
    if (end > first) found.last = shown(end - 1);
    return found;
}

// Reads some code points of a line, whatever they are.
inline uint8_t* read_each(const uint32_t* codes, size_t count, const uint32_t* table, bool& blank, uint8_t* out) {
    for (size_t i = 0; i < count; i++) {
        folding::must_be_code(codes[i]);
        const uint32_t code = read_as(table[codes[i]]);
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
