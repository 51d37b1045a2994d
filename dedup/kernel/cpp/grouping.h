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

// Marks the keys that stand twice or more. Nearly all others are told by bits in the cache. What it needs it keeps for the
// next keys: memory that is new takes longer to get than to use.
template <class Key>
class Repeated {
  public:
    void mark(const Key* keys, size_t count, uint8_t* found) {
        found_ = found;
        std::fill(found, found + count, 0);
        int bits = 0;
        while (count >> bits > TOGETHER) bits++;
        if (bits == 0) return mark_part(count, [&](size_t i) { return Entry{keys[i], static_cast<uint32_t>(i)}; });
        const auto part_of = [&](Key key) { return static_cast<size_t>(key * GOLDEN >> (64 - bits)); };
        ends_.assign(size_t{1} << bits, 0);
        for (size_t i = 0; i < count; i++) ends_[part_of(keys[i])]++;
        size_t begin = 0;
        for (size_t& end : ends_) begin += std::exchange(end, begin);
        Entry* const entries = entries_.at_least(count);
        for (size_t i = 0; i < count; i++) entries[ends_[part_of(keys[i])]++] = {keys[i], static_cast<uint32_t>(i)};
        begin = 0;
        for (const size_t end : ends_) {
            mark_part(end - begin, [&, begin](size_t i) { return entries[begin + i]; });
            begin = end;
        }
    }

  private:
    struct Entry {
        Key key;
        uint32_t place;
    };
    // Room for entries, whose content is lost where it grows.
    class Room {
      public:
        Entry* at_least(size_t count) {
            if (count > count_) {
                entries_.reset();
                entries_.reset(new Entry[count]);
                count_ = count;
            }
            return entries_.get();
        }

      private:
        std::unique_ptr<Entry[]> entries_;
        size_t count_ = 0;
    };
    // Slots of two bits: *FOR_EACH* key as many or twice that, but no more than about a cache holds. While there are two
    // for a key, one more look at those of shared slots costs less than to part all. The last ones cost most.
    static constexpr size_t FOR_EACH = 4, SLOTS = 1 << 23, TOGETHER = SLOTS / 2, LAST = 16;

    template <class At>
    void mark_part(size_t count, At at) {
        Entry* const some = some_.at_least(count + 1);  // no branch: what does not stay is written over
        uint64_t factor = GOLDEN * GOLDEN;
        size_t before = count, left = keep_doubtful(count, at, factor, some);
        while (left > count / LAST && left < before / 2) {  // they shared slots with strangers
            before = left;
            left = keep_doubtful(left, [some](size_t i) { return some[i]; }, factor *= GOLDEN, some);
        }
        mark_some(left);
    }

    // Keeps those that share a slot, which may be written to where they lie.
    template <class At>
    size_t keep_doubtful(size_t count, At at, uint64_t factor, Entry* some) {
        int bits = 6;
        while (size_t{1} << bits < std::min(FOR_EACH * count, SLOTS)) bits++;
        seen_.assign(size_t{1} << (bits - 6), 0);
        again_.assign(size_t{1} << (bits - 6), 0);
        uint64_t *const RESTRICT seen = seen_.data(), *const RESTRICT again = again_.data();
        const int shift = 64 - bits;
        for (size_t i = 0; i < count; i++) {
            const uint64_t slot = at(i).key * factor >> shift, bit = uint64_t{1} << slot % 64, was = seen[slot / 64];
            again[slot / 64] |= was & bit;
            seen[slot / 64] = was | bit;
        }
        size_t left = 0;
        for (size_t i = 0; i < count; i++) {
            const Entry one = some[left] = at(i);
            const uint64_t slot = one.key * factor >> shift;
            left += again[slot / 64] >> slot % 64 & 1;
        }
        return left;
    }

    // Of those of *some_* that are left: whichever is written last to a slot is met there by all of its key.
    void mark_some(size_t left) {
        uint64_t factor = GOLDEN * GOLDEN;
        for (int round = 0; left; round++) {
            if (round == ROUNDS) return mark_sorted(left);
            int bits = 4;
            while (size_t{1} << bits < 2 * left) bits++;
            Entry *const RESTRICT some = some_.at_least(left), *const RESTRICT slots = slots_.at_least(size_t{1} << bits);
            uint8_t* const RESTRICT found = found_;
            const int shift = 64 - bits;
            factor *= GOLDEN;
            for (size_t i = 0; i < left; i++) slots[some[i].key * factor >> shift] = some[i];
            size_t losers = 0;
            for (size_t i = 0; i < left; i++) {
                const Entry one = some[i], last = slots[one.key * factor >> shift];
                const bool same = one.key == last.key;
                const uint8_t met = same && one.place != last.place ? 1 : 0;
                found[one.place] |= met;
                found[last.place] |= met;
                some[losers] = one;
                losers += !same;
            }
            left = losers;
        }
    }

    // The same: keys that somebody chose to fall into few slots cost no more than others.
    void mark_sorted(size_t left) {
        Entry* const some = some_.at_least(left);
        std::sort(some, some + left, [](const Entry& one, const Entry& other) { return one.key < other.key; });
        for (size_t i = 1; i < left; i++)
            if (some[i - 1].key == some[i].key) found_[some[i - 1].place] = found_[some[i].place] = 1;
    }

    static constexpr int ROUNDS = 16;  // of evenly spread keys each leaves a fifth
    uint8_t* found_ = nullptr;
    std::vector<size_t> ends_;
    std::vector<uint64_t> seen_, again_;
    Room entries_, some_, slots_;
};

// Marks the keys that stand twice or more in a run of them, if one of the places asks. Most runs are short, and few of their
// places ask.
template <class Key>
class RepeatedInRuns {
  public:
    static constexpr size_t WINDOW = 32;  // keys that are looked at together: so many behind the last may be read

    // Those of *begin* to *end*; *asking* are the places among them that ask, rising.
    void mark(const Key* keys, size_t begin, size_t end, const uint32_t* asking, size_t askers, uint8_t* found) {
        if (askers <= FEW)
            for (size_t i = 0; i < askers; i++) mark_like(keys, begin, end, asking[i], found);
        else if (twice(keys, begin, end))
            mark_some(keys, begin, end, asking, askers, found);
    }

  private:
    static constexpr size_t FEW = 8, PAIRWISE = 32;

    // Whether a key may stand twice.
    static bool twice(const Key* keys, size_t begin, size_t end) {
        uint64_t seen = 0, again = 0;
        for (size_t i = begin; i < end; i++) {
            const uint64_t bit = uint64_t{1} << (keys[i] * GOLDEN >> 58);
            again |= seen & bit;
            seen |= bit;
        }
        return again;
    }
    static void mark_like(const Key* keys, size_t begin, size_t end, size_t one, uint8_t* found) {
        const Key key = keys[one];
        Key same = 0;  // no branch, and in vectors: keys behind the run are counted too
        for (size_t window = begin; window < end; window += WINDOW)
            for (size_t i = window; i < window + WINDOW; i++) same += keys[i] == key;
        if (same == 1) return;
        for (size_t i = begin; i < end; i++)
            if (keys[i] == key && i != one) found[i] = found[one] = 1;
    }
    void mark_some(const Key* keys, size_t begin, size_t end, const uint32_t* asking, size_t askers, uint8_t* found) {
        if (end - begin <= PAIRWISE) {
            for (size_t i = 0; i < askers; i++) mark_like(keys, begin, end, asking[i], found);
            return;
        }
        again_.resize(end - begin);
        long_.mark(keys + begin, end - begin, again_.data());
        asked_.clear();
        for (size_t i = 0; i < askers; i++)
            if (again_[asking[i] - begin]) asked_.push_back(keys[asking[i]]);
        std::sort(asked_.begin(), asked_.end());
        for (size_t i = begin; i < end; i++)
            if (again_[i - begin] && std::binary_search(asked_.begin(), asked_.end(), keys[i])) found[i] = 1;
    }

    std::vector<uint8_t> again_;
    std::vector<Key> asked_;
    Repeated<Key> long_;
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
