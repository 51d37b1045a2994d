// Lines, and lines as rules read them: line_reference.py.
#pragma once

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

constexpr int SIGNS = 21;  // the bits of a table entry below its signs: what the code point is read as

// What is known of a line but what is read of it.
struct Look {
    uint32_t last = 0;  // its last character that closes nothing
    uint32_t signs = 0;
    int64_t chars = 0;
    uint32_t head[2] = {0, 0};  // its first characters
};

// One line: what is read of it and a line feed behind that. *out* has room for four bytes a code point and one more.
// Chains of signs are found as words are by shift-and (Baeza-Yates & Gonnet 1992).
inline uint8_t* read_line(const uint32_t* codes, size_t count, const uint32_t* table, uint32_t openers, uint8_t* out,
                          Look& look) {
    uint8_t* const begin = out;
    bool blank = true;  // white space is dropped here: at the start, and behind other
    uint32_t told = 0, signs = 0;  // the signs of the character before, and of all
    int64_t chars = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t word = table[codes[i]], code = word & ((1u << SIGNS) - 1);
        const uint32_t here = (told << 1 | openers) & (word >> SIGNS);
        told = code == 0 ? told : here;
        signs |= told;
        if (code < 0x80) {  // without a branch: where words end cannot be predicted
            const bool dropped = (code == 0) | ((code == BLANK) & blank);
            *out = static_cast<uint8_t>(code);
            out += !dropped;
            chars += !dropped;
            blank = (code == BLANK) | ((code == 0) & blank);
        } else {
            out = put_utf8(code, out);
            chars++;
            blank = false;
        }
    }
    if (blank && chars) {
        out--;
        chars--;
    }
    look.chars = chars;
    look.signs = signs;
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
    constexpr size_t BLOCK = 16;
    while (at < end) {
        const size_t stop = end - at < BLOCK ? end : at + BLOCK;
        if (stop - at == BLOCK) {
            uint32_t some = 0;
            for (size_t i = 0; i < BLOCK; i++)
                some |= (codes[at + i] <= CR) | ((codes[at + i] | 1) == PARAGRAPH_SEPARATOR);
            if (!some) {
                at = stop;
                continue;
            }
        }
        for (; at < stop; at++)
            if (codes[at] == LF || codes[at] == CR || (codes[at] | 1) == PARAGRAPH_SEPARATOR) return at;
    }
    return end;
}

}  // namespace lines
