// The greedy rule of greedy_reference.py: the same answer from flat postings.
#pragma once

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "components.h"
#include "grouping.h"
#include "signing.h"

namespace greedy {

// What is given, all of it checked by the caller.
struct Given {
    const uint64_t* sets;
    const int64_t* offsets;
    const int64_t* chars;
    const int32_t* groups;  // [bands, texts]
    const uint8_t* fixed;
    size_t texts, bands;
    int64_t num, den, short_chars, short_num, short_den, bucket;
};

struct Chosen {
    int64_t *keeper, *linked, *shared, *united;
    int64_t full;
};

struct Verified {
    double similarity;  // a float quotient orders these fractions exactly: their denominators are far below 2**26
    int64_t text, shared, united;
    bool better_than(const Verified& other) const {
        return similarity > other.similarity || (similarity == other.similarity && text < other.text);
    }
    // The least shared shingles with which texts of these sizes together are as similar; 0 where there is no text.
    int64_t matched_by(int64_t sizes) const {
        if (text < 0 || united == 0) return 0;
        const int64_t divisor = shared + united;  // shared / (sizes - shared) >= shared / united of this one
        return (shared * sizes + divisor - 1) / divisor;
    }
};

// Lists of texts, each with a room known beforehand.
class Lists {
  public:
    explicit Lists(const std::vector<int64_t>& rooms) : begins_(rooms.size() + 1, 0), counts_(rooms.size(), 0) {
        for (size_t i = 0; i < rooms.size(); i++) begins_[i + 1] = begins_[i] + rooms[i];
        texts_.resize(static_cast<size_t>(begins_.back()));
    }
    bool add(size_t list, size_t text) {  // false where there is no room
        if (begins_[list] + counts_[list] == begins_[list + 1]) return false;
        texts_[static_cast<size_t>(begins_[list] + counts_[list]++)] = static_cast<int32_t>(text);
        return true;
    }
    int64_t count(size_t list) const { return counts_[list]; }
    const int32_t* begin(size_t list) const { return texts_.data() + begins_[list]; }
    const int32_t* end(size_t list) const { return begin(list) + counts_[list]; }

  private:
    std::vector<int64_t> begins_, counts_;
    std::vector<int32_t> texts_;
};

// The shingles that two texts or more of a component have, as numbers from the rarest of it up, sorted in each text. Texts
// of two components never meet, and most components are small: their shingles are compared inside the cache.
class RareFirst {
  public:
    explicit RareFirst(const Given& given) : given_(given), begins_(given.texts), counts_(given.texts) {
        std::vector<int64_t> component(given.texts);
        components::Forest forest(component.data(), given.texts);
        for (size_t band = 0; band < given.bands; band++) forest.join(given.groups + band * given.texts);
        forest.flatten();
        std::vector<size_t> ends(given.texts + 1, 0), order(given.texts);
        for (const int64_t first : component) ends[static_cast<size_t>(first) + 1]++;
        for (size_t i = 1; i < ends.size(); i++) ends[i] += ends[i - 1];
        for (size_t text = 0; text < given.texts; text++) order[ends[static_cast<size_t>(component[text])]++] = text;
        for (size_t begin = 0, first = 0; first < given.texts; begin = ends[first++]) {
            if (ends[first] - begin == 2)
                number_pair(order[begin], order[begin + 1]);
            else if (ends[first] != begin)
                number(&order[begin], &order[begin] + (ends[first] - begin));
        }
    }

    const int32_t* begin(size_t text) const { return ids_.data() + begins_[text]; }
    const int32_t* end(size_t text) const { return begin(text) + counts_[text]; }
    int64_t count(size_t text) const { return counts_[text]; }
    size_t distinct() const { return distinct_; }

  private:
    int64_t size(size_t text) const { return given_.offsets[text + 1] - given_.offsets[text]; }
    const uint64_t* set(size_t text) const { return given_.sets + given_.offsets[text]; }

    void number_pair(size_t one, size_t other) {
        const size_t shared = grouping::common(set(one), set(one) + size(one), set(other), set(other) + size(other));
        begins_[one] = begins_[other] = ids_.size();
        counts_[one] = counts_[other] = static_cast<int64_t>(shared);
        for (size_t i = 0; i < shared; i++) ids_.push_back(static_cast<int32_t>(distinct_ + i));
        distinct_ += shared;
    }

    void number(const size_t* begin, const size_t* end) {
        hashes_.clear();
        owners_.clear();
        for (const size_t* text = begin; text != end; text++) {
            hashes_.insert(hashes_.end(), set(*text), set(*text) + size(*text));
            owners_.resize(hashes_.size(), *text);
        }
        count_shingles();
        rank();
        // the texts of each shingle in a row, from the rarest up: so every text gets its own in that order
        for (const size_t* text = begin; text != end; text++) counts_[*text] = 0;
        texts_.resize(static_cast<size_t>(ends_.back()));
        for (size_t place = 0; place < hashes_.size(); place++) {
            const int32_t shingle = rank_[static_cast<size_t>(numbers_[place])];
            if (shingle < 0) continue;
            texts_[static_cast<size_t>(ends_[static_cast<size_t>(shingle)]++)] = owners_[place];
            counts_[owners_[place]]++;
        }
        size_t room = ids_.size();
        ids_.resize(room + texts_.size());
        for (const size_t* text = begin; text != end; text++) {
            begins_[*text] = room;
            room += static_cast<size_t>(counts_[*text]);
            counts_[*text] = 0;
        }
        size_t at = 0;
        for (size_t shingle = 0; shingle + 1 < ends_.size(); shingle++, distinct_++)
            for (; at < static_cast<size_t>(ends_[shingle]); at++) {
                const size_t text = texts_[at];
                ids_[begins_[text] + static_cast<size_t>(counts_[text]++)] = static_cast<int32_t>(distinct_);
            }
    }

    // A number for each distinct hash, and how often it stands.
    void count_shingles() {
        numbers_.resize(hashes_.size());
        frequency_.clear();
        const grouping::Parts parts = grouping::part(hashes_.data(), hashes_.size());
        for (size_t p = 0; p + 1 < parts.begins.size(); p++) {
            const size_t count = parts.begins[p + 1] - parts.begins[p];
            size_t room = 16;
            while (room < 2 * count) room *= 2;
            table_.assign(room, Slot{0, -1});
            for (size_t i = parts.begins[p]; i < parts.begins[p + 1]; i++) {
                const uint64_t key = parts.entries[i].key;
                size_t slot = baseline::fmix64(key) & (room - 1);
                while (table_[slot].number >= 0 && table_[slot].key != key) slot = (slot + 1) & (room - 1);
                if (table_[slot].number < 0) {
                    table_[slot] = {key, static_cast<int32_t>(frequency_.size())};
                    frequency_.push_back(0);
                }
                numbers_[parts.entries[i].place] = table_[slot].number;
                frequency_[static_cast<size_t>(table_[slot].number)]++;
            }
        }
    }

    // From frequencies to numbers from the rarest up, negative for what stands once; *ends_* is where the texts of each
    // begin, and one more.
    void rank() {
        begins_by_frequency_.assign(1, 0);
        for (const int32_t often : frequency_) {
            if (often < 2) continue;
            if (begins_by_frequency_.size() <= static_cast<size_t>(often))
                begins_by_frequency_.resize(static_cast<size_t>(often) + 1, 0);
            begins_by_frequency_[static_cast<size_t>(often)]++;
        }
        int64_t shingles = 0;
        for (int64_t& begin : begins_by_frequency_) shingles += std::exchange(begin, shingles);
        ends_.assign(static_cast<size_t>(shingles) + 1, 0);
        rank_.assign(frequency_.size(), -1);
        for (size_t i = 0; i < frequency_.size(); i++) {
            if (frequency_[i] < 2) continue;
            const int64_t rank = begins_by_frequency_[static_cast<size_t>(frequency_[i])]++;
            rank_[i] = static_cast<int32_t>(rank);
            ends_[static_cast<size_t>(rank) + 1] = frequency_[i];
        }
        for (size_t i = 1; i < ends_.size(); i++) ends_[i] += ends_[i - 1];
    }

    struct Slot {
        uint64_t key;
        int32_t number;
    };

    const Given& given_;
    std::vector<size_t> begins_;
    std::vector<int64_t> counts_;
    std::vector<int32_t> ids_;
    size_t distinct_ = 0;
    // of one component:
    std::vector<uint64_t> hashes_;
    std::vector<size_t> owners_, texts_;
    std::vector<Slot> table_;
    std::vector<int32_t> numbers_, frequency_, rank_;
    std::vector<int64_t> begins_by_frequency_, ends_;
};

// The sorted distinct numbers of each text.
class NumberSets {
  public:
    NumberSets(const uint64_t* numbers, const int64_t* offsets, size_t texts)
        : numbers_(numbers), offsets_(offsets), bits_(texts, 0) {
        for (size_t text = 0; text < texts; text++)
            for (int64_t i = offsets[text]; i < offsets[text + 1]; i++) bits_[text] |= uint64_t{1} << numbers[i] % 64;
    }
    // Whether each has a number that the other lacks.
    bool conflict(size_t one, size_t other) const {
        if (bits_[one] & ~bits_[other] && bits_[other] & ~bits_[one]) return true;  // most often this tells
        const int64_t shared = common(one, other);
        return shared < count(one) && shared < count(other);
    }
    // Whether two thirds of the numbers of whichever has fewer stand in the other too.
    bool agree(size_t one, size_t other) const {
        return 3 * common(one, other) >= 2 * std::min(count(one), count(other));
    }
    int64_t count(size_t text) const { return offsets_[text + 1] - offsets_[text]; }
    const uint64_t* begin(size_t text) const { return numbers_ + offsets_[text]; }
    const uint64_t* end(size_t text) const { return numbers_ + offsets_[text + 1]; }
    size_t texts() const { return bits_.size(); }

  private:
    int64_t common(size_t one, size_t other) const {
        if (!(bits_[one] & bits_[other])) return 0;
        return static_cast<int64_t>(grouping::common(numbers_ + offsets_[one], numbers_ + offsets_[one + 1],
                                                     numbers_ + offsets_[other], numbers_ + offsets_[other + 1]));
    }
    const uint64_t* numbers_;
    const int64_t* offsets_;
    std::vector<uint64_t> bits_;  // each number sets one of 64
};

// The kept texts so far, posted under their numbers, or as having none. Two texts that have numbers and share none are in
// conflict, and do not agree; so what a text with numbers may join stands in its lists and in that of texts without.
class NumberPostings {
  public:
    explicit NumberPostings(const NumberSets& numbers) : offsets_(numbers.texts() + 1, 0), lists_(rooms(numbers)) {}
    void post(size_t text) {
        if (own(text) == 0) lists_.add(0, text);
        for (int64_t i = offsets_[text]; i < offsets_[text + 1]; i++) lists_.add(ids_[static_cast<size_t>(i)], text);
    }
    // The posts that hold all that *text* may join; as good as endless where any may be joined.
    int64_t count(size_t text) const {
        if (own(text) == 0) return INT64_MAX;
        int64_t posts = 0;
        each(text, [&](const Lists& lists, size_t list) { posts += lists.count(list); });
        return posts;
    }
    template <class Meet>
    void each(size_t text, Meet meet) const {
        meet(lists_, 0);
        for (int64_t i = offsets_[text]; i < offsets_[text + 1]; i++) meet(lists_, ids_[static_cast<size_t>(i)]);
    }

  private:
    int64_t own(size_t text) const { return offsets_[text + 1] - offsets_[text]; }

    // List 0 is that of texts without numbers.
    std::vector<int64_t> rooms(const NumberSets& numbers) {
        std::vector<uint64_t> distinct;
        for (size_t text = 0; text < numbers.texts(); text++)
            distinct.insert(distinct.end(), numbers.begin(text), numbers.end(text));
        std::sort(distinct.begin(), distinct.end());
        distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
        std::vector<int64_t> rooms(distinct.size() + 1, 0);
        for (size_t text = 0; text < numbers.texts(); text++) {
            if (numbers.count(text) == 0) rooms[0]++;
            for (const uint64_t* number = numbers.begin(text); number != numbers.end(text); number++) {
                const auto found = std::lower_bound(distinct.begin(), distinct.end(), *number);
                ids_.push_back(static_cast<size_t>(found - distinct.begin()) + 1);
                rooms[ids_.back()]++;
            }
            offsets_[text + 1] = static_cast<int64_t>(ids_.size());
        }
        return rooms;
    }

    std::vector<int64_t> offsets_;
    std::vector<size_t> ids_;  // of the lists of each text
    Lists lists_;
};

// What is asked of a text each time that it is met, in one cache line. Every shingle sets one of BITS bits; a bit that
// one text has and the other lacks stands for a shingle that they do not share.
struct alignas(64) Brief {
    int32_t size, common;  // shingles; those that any other text has too
    int32_t met_by;        // the last text that met it
    int32_t is_short;
    uint64_t bits[BRIEF_WORDS];
};
static_assert(sizeof(Brief) == 64, "a cache line");

// The kept texts so far, posted under their band keys and under the shingles of their prefixes.
class Postings {
  public:
    explicit Postings(const Given& given)
        : given_(given), rare_(given), briefs_(given.texts), sizes_(given.texts), by_band_(band_rooms()),
          by_shingle_(prefix_rooms()), marked_(rare_.distinct(), 0), own_(given.bands), full_(bases_[given.bands], 0),
          least_sizes_(bases_[given.bands], INT64_MAX) {
        for (size_t text = 0; text < given.texts; text++) {
            Brief& brief = briefs_[text];
            brief.size = sizes_[text] = static_cast<int32_t>(size(text));
            brief.common = static_cast<int32_t>(common(text));
            brief.met_by = -1;
            brief.is_short = given.chars[text] < given.short_chars;
            for (int64_t i = given.offsets[text]; i < given.offsets[text + 1]; i++) {
                const uint64_t bit = (given.sets[i] >> 32) * (64 * BRIEF_WORDS) >> 32;
                brief.bits[bit / 64] |= uint64_t{1} << bit % 64;
            }
        }
    }

    int64_t full() const { return std::count(full_.begin(), full_.end(), 1); }

    void post(size_t text) {
        for (size_t band = 0; band < given_.bands; band++) {
            const int32_t group = group_of(text, band);
            if (group < 0) continue;
            const size_t list = bases_[band] + static_cast<size_t>(group);
            if (!by_band_.add(list, text)) full_[list] = 1;
            else least_sizes_[list] = std::min(least_sizes_[list], size(text));
        }
        for (int64_t i = 0; i < prefix_[text]; i++) by_shingle_.add(prefix_id(text, i), text);
    }

    // Shows *choice* the kept texts that share a posted band key with *text* and verify, but for those that it cannot
    // choose any more. Before, it may ask for more shared shingles than the threshold does.
    template <class Choice>
    void verified(size_t text, Choice& choice) {
        int64_t posts = 0;
        least_size_ = INT64_MAX;
        for (size_t band = 0; band < given_.bands; band++) {
            own_[band] = group_of(text, band);
            if (own_[band] < 0) continue;
            const size_t list = bases_[band] + static_cast<size_t>(own_[band]);
            posts += by_band_.count(list);
            if (by_band_.count(list)) least_size_ = std::min(least_size_, least_sizes_[list]);
        }
        if (posts == 0 || !can_matter(text, common(text), nullptr)) return;
        mark(text, 1);
        const bool is_long = posts > LONG;
        const int64_t most = is_long ? meet_by_rarity(text, posts, choice) : common(text);
        for (size_t band = 0; band < given_.bands && most != NONE_LEFT; band++)
            if (own_[band] >= 0)
                meet(by_band_, bases_[band] + static_cast<size_t>(own_[band]), text, greatest_size(text, most, nullptr),
                     false, choice);
        mark(text, 0);
    }

  private:
    static constexpr int64_t NONE_LEFT = -1;
    static constexpr ptrdiff_t AHEAD = 8;  // posts whose briefs are fetched ahead: long lists wait for memory
    static constexpr int64_t LONG = 64;    // postings from which a look at the prefixes costs less than it may save

    int32_t group_of(size_t text, size_t band) const { return given_.groups[band * given_.texts + text]; }
    size_t prefix_id(size_t text, int64_t i) const {
        return static_cast<size_t>(rare_.begin(text)[i]);
    }
    int64_t size(size_t text) const { return given_.offsets[text + 1] - given_.offsets[text]; }
    int64_t common(size_t text) const { return rare_.count(text); }

    std::vector<int64_t> band_rooms() {
        bases_.assign(given_.bands + 1, 0);
        std::vector<int64_t> rooms;
        for (size_t band = 0; band < given_.bands; band++) {
            int32_t most = -1;
            for (size_t text = 0; text < given_.texts; text++) most = std::max(most, group_of(text, band));
            bases_[band + 1] = bases_[band] + static_cast<size_t>(most + 1);
            rooms.resize(bases_[band + 1], 0);
            for (size_t text = 0; text < given_.texts; text++)
                if (const int32_t group = group_of(text, band); group >= 0)
                    rooms[bases_[band] + static_cast<size_t>(group)]++;
        }
        for (int64_t& room : rooms) room = std::min(room, std::max<int64_t>(given_.bucket, 0));
        return rooms;
    }

    std::vector<int64_t> prefix_rooms() {
        std::vector<int64_t> rooms(rare_.distinct(), 0);
        prefix_.resize(given_.texts);
        for (size_t text = 0; text < given_.texts; text++) {
            const int64_t least = (given_.num * size(text) + given_.den - 1) / given_.den;
            prefix_[text] = std::min(std::max<int64_t>(common(text) - least + 1, 0), common(text));
            for (int64_t i = 0; i < prefix_[text]; i++) rooms[prefix_id(text, i)]++;
        }
        return rooms;
    }

    // Shows *choice* kept texts through lists of no more than so many *posts* together. Texts that may be joined come
    // first, through their numbers; then the rarest shingles, where the most similar are, until what is left over cannot
    // be better than what was found: then NONE_LEFT. Otherwise as many shingles as what was not shown can share at most.
    template <class Choice>
    int64_t meet_by_rarity(size_t text, int64_t posts, Choice& choice) {
        const NumberPostings* by_number = choice.by_number();
        const bool only_links = by_number && by_number->count(text) <= posts;
        if (only_links) {
            posts -= by_number->count(text);
            by_number->each(text, [&](const Lists& lists, size_t list) {
                meet(lists, list, text, greatest_size(text, common(text), nullptr), true, choice);
            });
            if (choice.joined()) return NONE_LEFT;
        }
        for (int64_t i = 0; i < prefix_[text]; i++) {
            const Verified* best = choice.joined();
            if (!best && only_links) best = choice.linked();
            // whoever shares a rarer shingle was met: if a pair verifies, its rarest one is in the prefixes of both
            const int64_t most = common(text) - i;
            if (!can_matter(text, most, best)) return NONE_LEFT;
            posts -= by_shingle_.count(prefix_id(text, i));
            if (posts < 0) return most;
            meet(by_shingle_, prefix_id(text, i), text, greatest_size(text, most, best), true, choice);
        }
        return NONE_LEFT;
    }

    // The greatest size of a text that shares at most so many shingles with *text* and yet verifies and is as similar as
    // *best*: shared / (sizes - shared) >= num / den, solved for the sizes together.
    int64_t greatest_size(size_t text, int64_t most, const Verified* best) const {
        int64_t sizes = most * (given_.num + given_.den) / given_.num;
        if (best && best->shared) sizes = std::min(sizes, most * (best->shared + best->united) / best->shared);
        return sizes - size(text);
    }

    // Whether any text in the lists of bands can be like that.
    bool can_matter(size_t text, int64_t most, const Verified* best) const {
        return std::max(least_size_, most) <= greatest_size(text, most, best);
    }

    void mark(size_t text, uint8_t value) {
        for (const int32_t *id = rare_.begin(text), *end = rare_.end(text); id != end; id++)
            marked_[static_cast<size_t>(*id)] = value;
    }

    // Whether *kept* is posted in a band under the group of the text that is judged: a list holds the earliest.
    bool shares_a_band(size_t kept) const {
        for (size_t band = 0; band < given_.bands; band++) {
            if (own_[band] < 0 || group_of(kept, band) != own_[band]) continue;
            const size_t list = bases_[band] + static_cast<size_t>(own_[band]);
            if (by_band_.count(list) && static_cast<int32_t>(kept) <= by_band_.end(list)[-1]) return true;
        }
        return false;
    }

    template <class Choice>
    void meet(const Lists& lists, size_t list, size_t text, int64_t greatest, bool check_bands, Choice& choice) {
        const Brief& own = briefs_[text];
        const auto most_shared = level->loops->most_shared;
        for (const int32_t *post = lists.begin(list), *end = lists.end(list); post != end; post++) {
            if (end - post > AHEAD) prefetch(&briefs_[static_cast<size_t>(post[AHEAD])]);
            const size_t kept = static_cast<size_t>(*post);
            if (sizes_[kept] > greatest) continue;
            Brief& brief = briefs_[kept];
            if (brief.met_by == static_cast<int32_t>(text)) continue;
            brief.met_by = static_cast<int32_t>(text);
            // shared / (sizes - shared) >= num / den, solved for the shared shingles
            const int64_t sizes = int64_t{own.size} + brief.size, divisor = given_.num + given_.den;
            const int64_t needed = given_.num * sizes;
            int64_t most = std::min(own.common, brief.common);
            if (most * divisor < needed) continue;
            most = std::min<int64_t>(most, most_shared(own.bits, own.size, brief.bits, brief.size));
            if (most * divisor < needed) continue;
            const int64_t least = std::max((needed + divisor - 1) / divisor, choice.least(kept, sizes));
            if (most < least) continue;
            const int64_t shared = overlap(kept, least);
            if (shared < least || !contains_enough(text, kept, shared)) continue;
            if (check_bands && !shares_a_band(kept)) continue;
            const int64_t united = sizes - shared;
            choice.add({static_cast<double>(shared) / static_cast<double>(united), static_cast<int64_t>(kept), shared,
                        united});
        }
    }

    // How many shingles of *kept* are marked; where they cannot be *least* any more, any number below.
    int64_t overlap(size_t kept, int64_t least) const {
        const int32_t *id = rare_.begin(kept), *end = rare_.end(kept);
        int64_t shared = 0;
        for (; end - id >= 16; id += 16) {
            if (shared + (end - id) < least) return 0;
            for (int i = 0; i < 16; i++) shared += marked_[static_cast<size_t>(id[i])];
        }
        for (; id != end; id++) shared += marked_[static_cast<size_t>(*id)];
        return shared;
    }

    bool contains_enough(size_t text, size_t kept, int64_t shared) const {
        if (!briefs_[text].is_short && !briefs_[kept].is_short) return true;
        return shared * given_.short_den >= given_.short_num * std::min(size(text), size(kept));
    }

    const Given& given_;
    RareFirst rare_;
    std::vector<Brief> briefs_;
    std::vector<int32_t> sizes_;  // as in the briefs; what they rule out costs no cache line
    std::vector<size_t> bases_;  // [bands + 1], the first list of each band
    std::vector<int64_t> prefix_;
    Lists by_band_, by_shingle_;
    std::vector<uint8_t> marked_;
    std::vector<int32_t> own_;  // [bands], the groups of the text that is judged
    std::vector<uint8_t> full_;
    std::vector<int64_t> least_sizes_;  // of the texts in each list of a band
    int64_t least_size_ = 0;            // of the texts in the lists of the text that is judged
};

// A text's choice where a rule in another language says who may be joined: all that verify, in order, are shown to it.
class Asked {
  public:
    // Shown the verified texts, most similar first: the index of the one that is joined, -1 for none.
    using Rule = std::function<ptrdiff_t(size_t text, const std::vector<Verified>&)>;

    explicit Asked(Rule rule) : rule_(std::move(rule)) {}
    const NumberPostings* by_number() const { return nullptr; }  // any may be joined
    void post(size_t) {}
    void begin(size_t text) {
        text_ = text;
        joined_ = -1;
        verified_.clear();
    }
    int64_t least(size_t, int64_t) const { return 0; }
    void add(const Verified& verified) { verified_.push_back(verified); }
    void end() {
        if (verified_.empty()) return;
        std::sort(verified_.begin(), verified_.end(),
                  [](const auto& one, const auto& other) { return one.better_than(other); });
        joined_ = rule_(text_, verified_);
    }
    const Verified* joined() const { return joined_ < 0 ? nullptr : &verified_[static_cast<size_t>(joined_)]; }
    const Verified* linked() const { return verified_.empty() ? nullptr : &verified_[0]; }

  private:
    Rule rule_;
    size_t text_ = 0;
    std::vector<Verified> verified_;
    ptrdiff_t joined_ = -1;
};

// A text's choice by the rule of passages: joined may be what has no number conflict. Only the best so far is held, and
// what cannot be better is not counted to the end: the rarest shingles come first, and they tell most.
class Numbers {
  public:
    explicit Numbers(NumberSets numbers) : numbers_(std::move(numbers)), by_number_(numbers_) {}
    const NumberPostings* by_number() const { return &by_number_; }
    void post(size_t text) { by_number_.post(text); }
    void begin(size_t text) {
        text_ = text;
        joined_.text = linked_.text = -1;
    }
    int64_t least(size_t kept, int64_t sizes) {
        conflicts_ = numbers_.conflict(text_, kept);
        if (conflicts_ && joined_.text >= 0) return sizes;  // who is joined is not linked
        return (conflicts_ ? linked_ : joined_).matched_by(sizes);
    }
    void add(const Verified& verified) {
        Verified& best = conflicts_ ? linked_ : joined_;
        if (best.text < 0 || verified.better_than(best)) best = verified;
    }
    void end() {}
    const Verified* joined() const { return joined_.text < 0 ? nullptr : &joined_; }
    const Verified* linked() const { return linked_.text < 0 ? nullptr : &linked_; }  // where none is joined

  private:
    NumberSets numbers_;
    NumberPostings by_number_;
    size_t text_ = 0;
    bool conflicts_ = false;
    Verified joined_{0, -1, 0, 1}, linked_{0, -1, 0, 1};  // the best that may be joined, the best that may not
};

// What the rule of articles is given, see PassagesCovered; all offsets and segments checked by the caller.
struct Covering {
    const uint64_t* sets;
    const int64_t* offsets;
    const uint32_t* folded;
    const int64_t* folded_offsets;
    const int64_t *longer, *longer_offsets;
    const uint32_t* masked;
    const int64_t* masked_offsets;
    const uint16_t* flags;
    uint32_t first_wide, wide;  // see signing::Columns
    size_t size;
    int64_t num, den;
};

// A text's choice by the rule of articles: joined may be what covers its longer passages and agrees in its numbers.
class Articles {
  public:
    Articles(const Covering& covering, NumberSets numbers, bool numbers_count)
        : given_(covering), numbers_(std::move(numbers)), by_number_(numbers_), numbers_count_(numbers_count),
          columns_(covering.flags, covering.first_wide, covering.wide) {}
    const NumberPostings* by_number() const { return numbers_count_ ? &by_number_ : nullptr; }
    void post(size_t text) {
        if (numbers_count_) by_number_.post(text);
    }
    void begin(size_t text) {
        text_ = text;
        joined_.text = linked_.text = -1;
        known_ = false;
    }
    int64_t least(size_t kept, int64_t sizes) {
        agrees_ = !numbers_count_ || (longer() < 2 ? !numbers_.conflict(text_, kept) : numbers_.agree(text_, kept));
        if (agrees_) return joined_.matched_by(sizes);
        return joined_.text < 0 ? linked_.matched_by(sizes) : sizes;  // who is joined is not linked
    }
    void add(const Verified& verified) {
        if (agrees_ && (joined_.text < 0 || verified.better_than(joined_)) && covers(static_cast<size_t>(verified.text)))
            joined_ = verified;
        else if (linked_.text < 0 || verified.better_than(linked_))
            linked_ = verified;
    }
    void end() {}
    const Verified* joined() const { return joined_.text < 0 ? nullptr : &joined_; }
    const Verified* linked() const { return linked_.text < 0 ? nullptr : &linked_; }  // where none is joined

  private:
    struct Slot {
        uint64_t hash;
        int32_t seen_in;  // 0: free
        bool held;
    };

    int64_t longer() const { return given_.longer_offsets[text_ + 1] - given_.longer_offsets[text_]; }

    // The shingles of the longer passages of the text, made when they are first asked for.
    void know_pieces() {
        if (known_) return;
        known_ = true;
        codes_.clear();
        bounds_.assign(1, 0);
        for (int64_t i = given_.longer_offsets[text_]; i < given_.longer_offsets[text_ + 1]; i++) {
            const int64_t* bounds = given_.folded_offsets + given_.longer[i];
            codes_.insert(codes_.end(), given_.folded + bounds[0], given_.folded + bounds[1]);
            bounds_.push_back(static_cast<int64_t>(codes_.size()));
        }
        shingle(codes_.data(), codes_.size(), bounds_, pieces_, &piece_ends_);
    }

    bool covers(size_t kept) {
        know_pieces();
        const uint64_t *begin = given_.sets + given_.offsets[kept], *end = given_.sets + given_.offsets[kept + 1];
        const int64_t masked = given_.masked_offsets[kept];
        const size_t more = static_cast<size_t>(given_.masked_offsets[kept + 1] - masked);
        bits_ = 4;
        while (size_t{1} << bits_ < 2 * (static_cast<size_t>(end - begin) + pieces_.size() + more)) bits_++;
        slots_.assign(size_t{1} << bits_, Slot{0, 0, false});
        seen_ = 1;
        for (; begin != end; begin++) hold(*begin);
        if (all_held()) return true;
        if (!more) return false;
        bounds_.assign({0, static_cast<int64_t>(more)});
        shingle(given_.masked + masked, more, bounds_, masked_, nullptr);
        for (const uint64_t hash : masked_) hold(hash);
        return all_held();
    }

    Slot& slot(uint64_t hash) {
        size_t at = hash * GOLDEN >> (64 - bits_);
        while (slots_[at].seen_in && slots_[at].hash != hash) at = (at + 1) & (slots_.size() - 1);
        return slots_[at];
    }

    void hold(uint64_t hash) {
        Slot& of = slot(hash);
        if (!of.seen_in) of.seen_in = 1;
        of.hash = hash;
        of.held = true;
    }

    // Whether of the set of shingles of each piece enough are held.
    bool all_held() {
        size_t i = 0;
        for (const size_t end : piece_ends_) {
            int64_t size = 0, held = 0;
            for (seen_++; i < end; i++) {
                Slot& of = slot(pieces_[i]);
                if (of.seen_in == seen_) continue;
                of.hash = pieces_[i];
                of.seen_in = seen_;
                size++;
                held += of.held;
            }
            if (held * given_.den < given_.num * size) return false;
        }
        return true;
    }

    // The shingles of segments, with repetitions, and where those of each end.
    void shingle(const uint32_t* codes, size_t count, const std::vector<int64_t>& bounds, std::vector<uint64_t>& hashes,
                 std::vector<size_t>* ends) {
        widths_.resize(count);
        columns_.look_up(codes, count, widths_.data());
        hashes.clear();
        const size_t segments = bounds.size() - 1;
        if (ends) ends->assign(segments, 0);
        signing::Shingling(codes, widths_.data(), {bounds.data(), segments}, given_.size)
            .each(false, [&](size_t segment, const uint64_t* found, const uint32_t*, size_t some, size_t) {
                hashes.insert(hashes.end(), found, found + some);
                if (ends) (*ends)[segment] = hashes.size();
            });
        for (size_t i = 1; ends && i < segments; i++) (*ends)[i] = std::max((*ends)[i], (*ends)[i - 1]);  // empty ones
    }

    Covering given_;
    NumberSets numbers_;
    NumberPostings by_number_;
    bool numbers_count_, agrees_ = false, known_ = false;
    size_t text_ = 0;
    Verified joined_{0, -1, 0, 1}, linked_{0, -1, 0, 1};
    signing::Columns columns_;
    std::vector<uint32_t> codes_;
    std::vector<uint8_t> widths_;
    std::vector<int64_t> bounds_;
    std::vector<uint64_t> pieces_, masked_;  // the shingles of all longer passages, of what is masked
    std::vector<size_t> piece_ends_;
    std::vector<Slot> slots_;
    int bits_ = 0;
    int32_t seen_ = 0;
};

// *pause* is called now and then, and may throw.
template <class Choice>
void choose(const Given& given, Choice& choice, const std::function<void()>& pause, Chosen& chosen) {
    Postings postings(given);
    for (size_t text = 0; text < given.texts; text++) {
        if (text % 256 == 0) pause();
        chosen.keeper[text] = static_cast<int64_t>(text);
        chosen.linked[text] = -1;
        chosen.shared[text] = chosen.united[text] = 0;
        if (!given.fixed[text]) {
            choice.begin(text);
            postings.verified(text, choice);
            choice.end();
            const Verified *joined = choice.joined(), *best = joined ? joined : choice.linked();
            if (best) {
                chosen.shared[text] = best->shared;
                chosen.united[text] = best->united;
                (joined ? chosen.keeper : chosen.linked)[text] = best->text;
            }
            if (joined) continue;
        }
        postings.post(text);
        choice.post(text);
    }
    chosen.full = postings.full();
}

}  // namespace greedy
