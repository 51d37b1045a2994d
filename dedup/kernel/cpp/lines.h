// Lines as rules read them: fold_reference.py, `readings`.
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

constexpr int SIGNS = 21;  // the bits of a table entry below its signs: what the code point is read as

// What is known of a line but what is read of it.
struct Look {
    uint32_t last = 0;  // its last character that closes nothing
    uint32_t signs = 0;
    int64_t chars = 0;
    uint32_t head[2] = {0, 0};  // its first characters
};

// One line: what is read of it and a line feed behind that. *out* has room for four bytes a code point and one more.
inline uint8_t* read_line(const uint32_t* codes, size_t count, const uint32_t* table, uint8_t* out, Look& look) {
    bool blank = false;  // waits until something stands behind it
    uint32_t words = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t word = table[codes[i]], code = word & ((1u << SIGNS) - 1);
        words |= word;
        if (code == 0) continue;
        if (code == BLANK) {
            blank = look.chars > 0;
            continue;
        }
        if (blank) {
            *out++ = BLANK;
            if (look.chars == 1) look.head[1] = BLANK;
            look.chars++;
        }
        if (!closes(code))
            look.last = code;
        else if (blank)
            look.last = BLANK;
        blank = false;
        if (look.chars < 2) look.head[look.chars] = code;
        look.chars++;
        out = put_utf8(code, out);
    }
    *out++ = '\n';
    look.signs = words >> SIGNS;
    return out;
}

}  // namespace lines
