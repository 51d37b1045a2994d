// Equal keys found: parted by their upper bits first, so that the rest happens inside the cache.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "levels.h"

namespace grouping {

struct Entry {
    uint64_t key;
    uint32_t place;  // in the array of keys
};

// The keys with their places, parted by their upper bits: the keys of a part are above those of the part before.
struct Parts {
    std::vector<Entry> entries;
    std::vector<size_t> begins;  // [parts + 1]
};

constexpr size_t PART = 512;  // entries of a part of evenly spread keys: 8 kB, and a table of them 16 kB

inline Parts part(const uint64_t* keys, size_t count) {
    int bits = 0;
    while (bits < 16 && (count >> bits) > PART) bits++;
    const auto part_of = [&](uint64_t key) { return bits ? key >> (64 - bits) : 0; };
    Parts parts;
    parts.begins.assign((size_t{1} << bits) + 1, 0);
    for (size_t i = 0; i < count; i++) parts.begins[part_of(keys[i]) + 1]++;
    for (size_t i = 1; i < parts.begins.size(); i++) parts.begins[i] += parts.begins[i - 1];
    std::vector<size_t> next(parts.begins.begin(), parts.begins.end() - 1);
    parts.entries.resize(count);
    for (size_t i = 0; i < count; i++)
        parts.entries[next[part_of(keys[i])]++] = Entry{keys[i], static_cast<uint32_t>(i)};
    return parts;
}

// The number of the group of each key that stands twice or more, counted in rising order of the keys; -1 for others.
inline void collisions(const uint64_t* keys, size_t count, int32_t* groups) {
    const Parts parts = part(keys, count);
    struct Slot {
        uint64_t key;
        int32_t seen;  // how often; then the number of the group
    };
    std::vector<Slot> table;
    std::vector<size_t> slot_of;
    std::vector<std::pair<uint64_t, size_t>> shared;  // key, slot
    int32_t number = 0;
    for (size_t p = 0; p + 1 < parts.begins.size(); p++) {
        const size_t begin = parts.begins[p], size = parts.begins[p + 1] - begin;
        size_t room = 16;
        while (room < 2 * size) room *= 2;
        table.assign(room, Slot{0, 0});
        slot_of.resize(size);
        shared.clear();
        for (size_t i = 0; i < size; i++) {
            const uint64_t key = parts.entries[begin + i].key;
            size_t slot = baseline::fmix64(key) & (room - 1);
            while (table[slot].seen && table[slot].key != key) slot = (slot + 1) & (room - 1);
            table[slot].key = key;
            if (++table[slot].seen == 2) shared.emplace_back(key, slot);
            slot_of[i] = slot;
        }
        for (Slot& slot : table) slot.seen = -1;
        std::sort(shared.begin(), shared.end());
        for (const auto& found : shared) table[found.second].seen = number++;
        for (size_t i = 0; i < size; i++) groups[parts.entries[begin + i].place] = table[slot_of[i]].seen;
    }
}

// Marks the keys that stand twice or more. Nearly all others are told by two bits of a table that fits the cache.
template <class Key>
class Repeated {
  public:
    void mark(const Key* keys, size_t count, uint8_t* found) {
        found_ = found;
        std::fill(found, found + count, 0);
        int bits = 0;
        while (count >> bits > TOGETHER) bits++;
        if (bits == 0) return mark_part(0, count, [&](size_t i) { return Entry{keys[i], static_cast<uint32_t>(i)}; });
        const auto part_of = [&](Key key) { return static_cast<size_t>(mixed(key) >> (64 - bits)); };
        std::vector<size_t> ends(size_t{1} << bits, 0);
        for (size_t i = 0; i < count; i++) ends[part_of(keys[i])]++;
        size_t begin = 0;
        for (size_t& end : ends) begin += std::exchange(end, begin);
        const std::unique_ptr<Entry[]> entries(new Entry[count]);
        for (size_t i = 0; i < count; i++) entries[ends[part_of(keys[i])]++] = {keys[i], static_cast<uint32_t>(i)};
        begin = 0;
        for (const size_t end : ends) {
            mark_part(bits, end - begin, [&, begin](size_t i) { return entries[begin + i]; });
            begin = end;
        }
    }

  private:
    struct Entry {
        Key key;
        uint32_t place;
    };
    static constexpr size_t TOGETHER = 1 << 18;  // keys
    static uint64_t mixed(Key key) { return key * GOLDEN; }

    // Of keys whose first *known* mixed bits are the same.
    template <class At>
    void mark_part(int known, size_t count, At at) {
        int bits = 4;
        while (size_t{1} << bits < count) bits++;
        words_.assign(size_t{1} << bits, 0);  // of 16 places, for each key: one of 16 to 32 meets a stranger in its place
        const auto word_of = [&](uint64_t hash) { return hash << known >> (64 - bits); };
        const auto bit_of = [](uint64_t hash) { return static_cast<int>(hash * GOLDEN >> 60) * 2; };
        for (size_t i = 0; i < count; i++) {
            const uint64_t hash = mixed(at(i).key);
            uint32_t& word = words_[word_of(hash)];
            const int bit = bit_of(hash);
            word |= (1 | (word >> bit & 1) << 1) << bit;
        }
        if (doubtful_.size() <= count) doubtful_.resize(count + 1);
        size_t doubts = 0;
        for (size_t i = 0; i < count; i++) {
            const uint64_t hash = mixed(at(i).key);
            doubtful_[doubts] = static_cast<uint32_t>(i);
            doubts += words_[word_of(hash)] >> (bit_of(hash) + 1) & 1;
        }
        bits = 4;
        while (size_t{1} << bits < 2 * doubts) bits++;
        firsts_.assign(size_t{1} << bits, 0);  // one more than where the key of a slot stands first
        for (size_t i = 0, steps = 0; i < doubts; i++) {
            if (steps > MOST_STEPS * doubts) return mark_sorted(doubts, at);
            const Entry entry = at(doubtful_[i]);
            size_t slot = word_of(mixed(entry.key));
            for (; firsts_[slot] && at(firsts_[slot] - 1).key != entry.key; steps++) slot = (slot + 1) & (firsts_.size() - 1);
            if (firsts_[slot])
                found_[entry.place] = found_[at(firsts_[slot] - 1).place] = 1;
            else
                firsts_[slot] = doubtful_[i] + 1;
        }
    }

    // The same of those that are doubtful: keys that somebody chose to fall into few slots cost no more than others.
    template <class At>
    void mark_sorted(size_t doubts, At at) {
        const auto end = doubtful_.begin() + static_cast<std::ptrdiff_t>(doubts);
        std::sort(doubtful_.begin(), end, [&](uint32_t one, uint32_t other) { return at(one).key < at(other).key; });
        for (size_t i = 1; i < doubts; i++) {
            const Entry one = at(doubtful_[i - 1]), other = at(doubtful_[i]);
            if (one.key == other.key) found_[one.place] = found_[other.place] = 1;
        }
    }

    static constexpr size_t MOST_STEPS = 8;  // for each doubtful key; evenly spread ones take less than one
    uint8_t* found_ = nullptr;
    std::vector<uint32_t> words_, doubtful_, firsts_;
};

// Sorts evenly spread keys in linear time: into buckets by their upper bits, then each by itself.
class Sorter {
  public:
    void sort(uint64_t* keys, size_t count) {
        if (count < 24) return insertion(keys, keys + count);
        int bits = 3;
        while ((count >> bits) > 0 && bits < 16) bits++;
        const int shift = 64 - bits;
        begins_.assign((size_t{1} << bits) + 1, 0);
        for (size_t i = 0; i < count; i++) begins_[(keys[i] >> shift) + 1]++;
        uint32_t most = 0;
        for (size_t i = 1; i < begins_.size(); i++) {
            most = begins_[i] > most ? begins_[i] : most;
            begins_[i] += begins_[i - 1];
        }
        if (most > 32) return std::sort(keys, keys + count);  // they are not evenly spread
        copy_.assign(keys, keys + count);
        for (const uint64_t key : copy_) keys[begins_[key >> shift]++] = key;
        insertion(keys, keys + count);  // no key is further from its place than its bucket is long
    }

  private:
    static void insertion(uint64_t* begin, uint64_t* end) {
        for (uint64_t* at = begin + (begin != end); at != end; at++) {
            const uint64_t key = *at;
            uint64_t* to = at;
            for (; to != begin && to[-1] > key; to--) *to = to[-1];
            *to = key;
        }
    }
    std::vector<uint32_t> begins_;
    std::vector<uint64_t> copy_;
};

// How many elements two sorted runs of distinct values share.
inline size_t common(const uint64_t* one, const uint64_t* one_end, const uint64_t* other, const uint64_t* other_end) {
    size_t shared = 0;
    while (one != one_end && other != other_end) {
        const uint64_t x = *one, y = *other;
        shared += x == y;
        one += x <= y;
        other += y <= x;
    }
    return shared;
}

}  // namespace grouping
