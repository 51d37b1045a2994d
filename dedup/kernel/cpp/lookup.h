// Look-ups in long sorted rows of keys: lookup_reference.py says what each function means. Callers check all bounds.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "levels.h"

namespace lookup {

// --- filters ---------------------------------------------------------------------------------------------------------

constexpr size_t WORDS = 7, LINE = WORDS + 1;  // of a line, without and with its checksum
constexpr int WORD_BITS = 6;
constexpr uint64_t MOST_LINES = UINT64_C(1) << 32;  // exclusive

// The upper half of key * lines; lines are fewer than 2**32.
inline uint64_t line_of(uint64_t key, uint64_t lines) {
    return ((key >> 32) * lines + ((key & 0xFFFFFFFFu) * lines >> 32)) >> 32;
}

inline uint64_t checksum(const uint64_t* line, uint64_t number, uint64_t salt) {
    uint64_t check = number + salt;
    for (size_t word = 0; word < WORDS; word++) check = baseline::absorb(check, line[word]);
    return baseline::fmix64(check);
}

inline void add(uint64_t* line, uint64_t key) {
    for (size_t word = 0; word < WORDS; word++) line[word] |= UINT64_C(1) << (key >> WORD_BITS * word & 63);
}

inline bool may_hold(const uint64_t* line, uint64_t key) {
    uint64_t there = 1;
    for (size_t word = 0; word < WORDS; word++) there &= line[word] >> (key >> WORD_BITS * word & 63);
    return there;
}

// Writes the numbers of the keys that may be there and gives how many; *damaged* is the line met first that is, or -1.
inline size_t filtered(const uint64_t* filter, uint64_t lines, uint64_t salt, const uint64_t* wanted, size_t count,
                       int64_t* numbers, int64_t& damaged) {
    constexpr size_t AHEAD = 16;  // keys whose lines are fetched meanwhile
    size_t found = 0;
    damaged = -1;
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count) prefetch(filter + LINE * line_of(wanted[i + AHEAD], lines));
        const uint64_t number = line_of(wanted[i], lines);
        const uint64_t* line = filter + LINE * number;
        if (checksum(line, number, salt) != line[WORDS]) {
            damaged = static_cast<int64_t>(number);
            return found;
        }
        numbers[found] = static_cast<int64_t>(i);
        found += may_hold(line, wanted[i]);
    }
    return found;
}

// --- blocks ----------------------------------------------------------------------------------------------------------

constexpr size_t BLOCK = 256, BLOCK_BYTES = BLOCK * 12;

// Blocks of keys and their places in little-endian order, as one row of entries.
class Blocks {
  public:
    explicit Blocks(const uint8_t* blocks) : blocks_(blocks) {}
    uint64_t key(size_t entry) const {
        const uint8_t* at = blocks_ + entry / BLOCK * BLOCK_BYTES + entry % BLOCK * 8;
        return little<uint64_t>(at);
    }
    uint32_t place(size_t entry) const {
        const uint8_t* at = blocks_ + entry / BLOCK * BLOCK_BYTES + BLOCK * 8 + entry % BLOCK * 4;
        return little<uint32_t>(at);
    }

  private:
    template <class T>
    static T little(const uint8_t* at) {
        T value = 0;
        for (size_t byte = 0; byte < sizeof(T); byte++) value |= static_cast<T>(at[byte]) << 8 * byte;  // one load
        return value;
    }
    const uint8_t* blocks_;
};

constexpr ptrdiff_t UNSOUND = -1;

// Gives how many hits there are, and writes as many as there is *room* for; UNSOUND where a block is that is needed.
inline ptrdiff_t find(const Blocks& blocks, const uint64_t* first, const uint8_t* sound, size_t count, size_t entries,
                      const uint64_t* wanted, size_t keys, int64_t* numbers, uint32_t* places, size_t room) {
    size_t hits = 0;
    for (size_t i = 0; i < keys; i++) {
        const uint64_t key = wanted[i];
        size_t begin = static_cast<size_t>(std::lower_bound(first, first + count, key) - first);
        const size_t end = static_cast<size_t>(std::upper_bound(first + begin, first + count, key) - first);
        begin -= begin > 0;
        for (size_t block = begin; block < end; block++)
            if (!sound[block]) return UNSOUND;
        size_t low = begin * BLOCK, high = std::min(end * BLOCK, entries);  // none lies between where it is below all
        const size_t last = high;
        while (low < high) {
            const size_t middle = low + (high - low) / 2;
            if (blocks.key(middle) < key)
                low = middle + 1;
            else
                high = middle;
        }
        for (; low < last && blocks.key(low) == key; low++, hits++)
            if (hits < room) {
                numbers[hits] = static_cast<int64_t>(i);
                places[hits] = blocks.place(low);
            }
    }
    return static_cast<ptrdiff_t>(hits);
}

// --- merging ---------------------------------------------------------------------------------------------------------

struct Row {
    const uint64_t* keys;
    const uint32_t* places;
    size_t size;
};

// Two rows as one; of equal keys those of *one* come first. Without a branch that nobody could foresee.
inline void merge_two(Row one, Row other, uint64_t* keys, uint32_t* places) {
    size_t i = 0, j = 0;
    while (i < one.size && j < other.size) {
        const bool takes = other.keys[j] < one.keys[i];
        *keys++ = takes ? other.keys[j] : one.keys[i];
        *places++ = takes ? other.places[j] : one.places[i];
        i += !takes;
        j += takes;
    }
    keys = std::copy(one.keys + i, one.keys + one.size, keys);
    places = std::copy(one.places + i, one.places + one.size, places);
    std::copy(other.keys + j, other.keys + other.size, keys);
    std::copy(other.places + j, other.places + other.size, places);
}

// Rows that follow each other as one, by turns into *keys* and *places* and into arrays of its own.
inline void merge(std::vector<Row> rows, size_t total, uint64_t* keys, uint32_t* places) {
    size_t turns = 1;
    while (size_t{1} << turns < rows.size()) turns++;
    std::vector<uint64_t> other_keys(turns > 1 ? total : 0);
    std::vector<uint32_t> other_places(turns > 1 ? total : 0);
    for (; turns; turns--) {
        uint64_t* key = turns % 2 ? keys : other_keys.data();
        uint32_t* place = turns % 2 ? places : other_places.data();
        std::vector<Row> merged;
        for (size_t row = 0; row < rows.size(); row += 2) {
            const Row none{nullptr, nullptr, 0};
            const Row& next = row + 1 < rows.size() ? rows[row + 1] : none;
            merge_two(rows[row], next, key, place);
            merged.push_back({key, place, rows[row].size + next.size});
            key += merged.back().size;
            place += merged.back().size;
        }
        rows = std::move(merged);
    }
}

}  // namespace lookup
