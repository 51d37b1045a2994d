// The loops of loops.h compiled for several instruction sets, and the choice among them at run time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "words.h"

#if defined(_MSC_VER) && !defined(__clang__)
#define RESTRICT __restrict
#else
#define RESTRICT __restrict__
#endif

// Tells the processor what will be read soon. The empty statement keeps a function that does nothing else from being
// taken for one without effect, whose calls are left out.
inline void prefetch(const void* place) {
#if defined(__GNUC__)
    __builtin_prefetch(place);
    __asm__ volatile("");
#else
    (void)place;
#endif
}

constexpr uint64_t GOLDEN = 0x9E3779B97F4A7C15ull;
constexpr uint64_t DIGEST_SALT0 = 0xD6E8FEB86659FD93ull, DIGEST_SALT1 = 0xA0761D6478BD642Full;
constexpr int LANES = 64;            // positions hashed at a time: eight registers of eight hashes
constexpr int GROUP = 32;            // positions that are hashed together to the end
constexpr size_t DIGEST_PLACES = 1024;  // places whose weights are kept: 16 kB, a third of a first-level cache

constexpr int COLUMNS_BLOCK = 32;    // code points that are looked up one by one where one of them is not known
constexpr size_t TRANSCODED = 32;    // code points that become units of UTF-16 together, or the reverse

constexpr size_t BRIEF_WORDS = 6;       // of 64 bits, what is left of a cache line in greedy.h

constexpr size_t FOLDED = 64;  // code points that are folded at a time
constexpr size_t READ = 64;    // code points of a line that are read at a time
// What a table tells of a code point: its signs, and whether it is not seen, is white space, closes a line, is marked.
constexpr uint16_t SIGNS = 0x7FF, UNSEEN = 0x800, WHITE = 0x1000, CLOSES = 0x2000, MARKED = 0x4000;
// A line that is looked at: see lines.h.
struct Reading {
    int64_t chars = 0;
    uint16_t told = 0, signs = 0;  // the signs of the character before, and of all
    uint16_t every = 0;            // all that is told of the code points that were looked at last
    bool blank = true;             // white space is dropped here: at the start, and behind other
};

// How many bytes of UTF-8 were read, and how many code points these are.
struct Decoded {
    size_t bytes, codes;
};

// How many columns code points take: those from *first* on, *run* of them, two, those below *narrow* one, and of others
// the *flags* have the *flag* of those that take two.
struct Widths {
    const uint16_t* flags;
    uint16_t flag, first, run, narrow;
};

struct Loops {
    void (*hash_positions)(const uint32_t*, const uint8_t*, int, uint64_t*);
    void (*signable)(const uint64_t*, size_t, uint32_t*);
    void (*sign)(const uint32_t*, size_t, const uint32_t*, const uint32_t*, size_t, uint32_t*);
    void (*digest)(const uint32_t*, size_t, uint64_t*, const uint64_t*, const uint64_t*);
    void (*band_keys)(const uint32_t*, size_t, size_t, size_t, uint64_t*, size_t);
    int32_t (*most_shared)(const uint64_t*, int32_t, const uint64_t*, int32_t);
    void (*row_keys)(const uint32_t*, size_t, size_t, const uint64_t*, uint64_t*);
    void (*lower)(const uint32_t*, size_t, uint32_t*);
    size_t (*plain_json)(const uint8_t*, size_t);
    Decoded (*decoded)(const uint8_t*, size_t, uint32_t*, size_t);
    Decoded (*decoded_json)(const uint8_t*, size_t, uint32_t*, size_t);
    size_t (*columns)(const uint32_t*, size_t, uint32_t, uint32_t, uint32_t, uint8_t*);
    size_t (*decode)(const uint16_t*, size_t, size_t, const Widths&, uint32_t*, uint8_t*);
    size_t (*narrow)(const uint32_t*, size_t, uint16_t*);
    uint32_t (*bits_of)(const uint32_t*, size_t);
    size_t (*before_break)(const uint32_t*, size_t);
    void (*fold_words)(const uint32_t*, size_t, const uint32_t*, uint32_t*, uint8_t*);
    size_t (*outline_some)(const uint32_t*, size_t, size_t, const uint16_t*, uint16_t, Reading&);
    uint8_t* (*read_some)(const uint32_t*, size_t, const uint32_t*, bool&, uint8_t*);
    size_t (*wide_chars)(const uint32_t*, size_t, uint32_t, uint32_t, const uint16_t*, uint16_t);
};

#if defined(__GNUC__)
#define VECTORS 4
#define VECTOR_BYTES 16
#endif
namespace baseline {
#include "loops.h"
}

// GCC names whole levels; so does clang from 17. Elsewhere, and on other processors, the baseline serves.
#if defined(__x86_64__) && ((defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12))
#define HAS_LEVELS 1
namespace v2 {
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v2")
#include "loops.h"
#pragma GCC pop_options
}
#undef VECTOR_BYTES
#define VECTOR_BYTES 32
namespace v3 {
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#include "loops.h"
#pragma GCC pop_options
}
#undef VECTORS
#undef VECTOR_BYTES
#define VECTORS 8
#define VECTOR_BYTES 64
namespace v4 {
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,prefer-vector-width=512")
#include "loops.h"
#pragma GCC pop_options
}
#endif

struct Level {
    const char* name;
    const Loops* loops;
    bool (*runs)();
};

// From the best down.
static const Level LEVELS[] = {
#ifdef HAS_LEVELS
    {"x86-64-v4", &v4::loops, [] { return __builtin_cpu_supports("x86-64-v4") != 0; }},
    {"x86-64-v3", &v3::loops, [] { return __builtin_cpu_supports("x86-64-v3") != 0; }},
    {"x86-64-v2", &v2::loops, [] { return __builtin_cpu_supports("x86-64-v2") != 0; }},
#endif
    {"baseline", &baseline::loops, [] { return true; }},
};

// The level in use: the best that the machine runs, unless use_level says otherwise.
static const Level* level = &LEVELS[sizeof(LEVELS) / sizeof(LEVELS[0]) - 1];
