// Code points <-> UTF-16, see reference.py. Nothing here checks a bound; the callers do.
#pragma once

#include "arrays.h"
#include "levels.h"

#include <algorithm>

namespace utf16 {

constexpr uint32_t ABOVE = 0x10000, HIGH = 0xD800, LOW = 0xDC00, HALF = 0x400, CODE_POINTS = 0x110000;

[[noreturn]] inline void refuse_code(uint32_t code) {
    refuse("code points must be what UTF-16 can hold, found " + std::to_string(code));
}

// Writes a code point above those that are one unit; returns where it ended.
inline uint16_t* put_pair(uint32_t code, uint16_t* out) {
    if (code >= CODE_POINTS) refuse_code(code);
    *out++ = static_cast<uint16_t>(HIGH + ((code - ABOVE) >> 10));
    *out++ = static_cast<uint16_t>(LOW + code % HALF);
    return out;
}

// Writes the units of code points, two for each at most; returns where it ended. Refuses what UTF-16 cannot hold.
template <class Narrow>
uint16_t* encode(const uint32_t* codes, size_t count, uint16_t* out, Narrow narrow) {
    for (;;) {
        const size_t plain = narrow(codes, count, out);
        out += plain;
        if (plain == count) return out;
        codes += plain;
        count -= plain + 1;
        const uint32_t code = *codes++;
        if (code < ABOVE) refuse_code(code);
        out = put_pair(code, out);
    }
}

// The first code point of units, of which there are some.
inline uint32_t first(const uint16_t* units, size_t count) {
    const uint32_t high = units[0] - HIGH, low = count > 1 ? units[1] - LOW : HALF;
    return high < HALF && low < HALF ? ABOVE + (high << 10) + low : units[0];
}

// The last code point of units, of which there are some. A low half behind a high one is always of a pair.
inline uint32_t last(const uint16_t* units, size_t count) {
    const uint32_t pair = count > 1 ? first(units + count - 2, 2) : 0;
    return pair >= ABOVE ? pair : units[count - 1];
}

// Text as it is stored: units of UTF-16, or, where there are none, code points.
struct Text {
    const uint16_t* units;
    const uint32_t* codes;
    size_t size;  // of all of it

    // The code point at a place, of a run of some that ends after *count* elements.
    uint32_t at(int64_t begin, size_t count) const { return units ? first(units + begin, count) : codes[begin]; }
    uint32_t last_of(int64_t begin, size_t count) const {
        return units ? last(units + begin, count) : codes[begin + static_cast<int64_t>(count) - 1];
    }
    uint32_t element(int64_t place) const { return units ? units[place] : codes[place]; }
    void prefetch(int64_t place) const { ::prefetch(units ? static_cast<const void*>(units + place) : codes + place); }
    // Of a run that is read soon, its beginning: what is long the processor foresees by itself.
    void prefetch(int64_t begin, size_t count) const {
        constexpr size_t LINE = 32, MOST = 8 * LINE;  // units
        for (size_t at = 0; at < std::min(count, MOST); at += LINE) prefetch(begin + static_cast<int64_t>(at));
    }
    // Writes a run of *count* elements as code points, of which there are no more; returns where it ended. What lies
    // behind that, up to *limit*, may be written to.
    uint32_t* copy(int64_t begin, size_t count, uint32_t* out, const uint32_t* limit) const {
        if (!units) return std::copy(codes + begin, codes + begin + count, out);
        return out + level->loops->decode(units + begin, count, room(begin, out, limit), {}, out, nullptr);
    }
    // How many elements can be both read from a place on and written.
    size_t room(int64_t begin, const uint32_t* out, const uint32_t* limit) const {
        return std::min(size - static_cast<size_t>(begin), static_cast<size_t>(limit - out));
    }
};

}  // namespace utf16
