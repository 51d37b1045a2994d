// Texts to band keys, a few at a time: neither joined texts nor hashes nor signatures are written to memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "arrays.h"
#include "fold.h"
#include "levels.h"
#include "utf16.h"

namespace signing {

// Where the segments of an array begin and end; somebody else has checked it.
struct Bounds {
    const int64_t* offsets;
    size_t count;
    size_t segments() const { return count; }
    size_t begin(size_t segment) const { return static_cast<size_t>(offsets[segment]); }
    size_t end(size_t segment) const { return static_cast<size_t>(offsets[segment + 1]); }
    size_t length(size_t segment) const { return end(segment) - begin(segment); }
};

using folding::must_be_code;

// How many columns code points take. *first* and *count* name a run of wide ones, so that most of a Chinese text needs no
// look-up; most of a Latin one needs none where all of ASCII is narrow.
class Columns {
  public:
    Columns(const uint16_t* flags, uint32_t first, uint32_t count) : flags_(flags), first_(first), count_(count) {
        while (narrow_ < 0x80 && !(flags[narrow_] & folding::WIDE)) narrow_++;
    }
    bool wide(uint32_t code) const {
        must_be_code(code);
        return flags_[code] & folding::WIDE;
    }
    // The same for what is decoded from UTF-16.
    Widths widths() const {
        const bool fits = first_ < utf16::ABOVE && count_ < utf16::ABOVE && first_ + count_ <= utf16::ABOVE;
        const uint32_t first = fits ? first_ : 0, run = fits ? count_ : 0;
        return {flags_, folding::WIDE, static_cast<uint16_t>(first), static_cast<uint16_t>(run),
                static_cast<uint16_t>(narrow_)};
    }
    void look_up(const uint32_t* codes, size_t count, uint8_t* columns) const {
        while (count) {
            const size_t known = level->loops->columns(codes, count, first_, count_, narrow_, columns);
            const size_t more = std::min(count - known, size_t{COLUMNS_BLOCK});
            for (size_t i = known; i < known + more; i++) columns[i] = static_cast<uint8_t>(wide(codes[i]) + 1);
            codes += known + more, columns += known + more, count -= known + more;
        }
    }

  private:
    const uint16_t* flags_;
    uint32_t first_, count_, narrow_ = 0;
};

// Texts made of segments that lie anywhere in an array, which are joined with a blank between two that meet with no wide
// character at the joint.
struct Texts {
    utf16::Text folded;
    const int64_t* offsets;
    const int64_t* segments;
    Bounds groups;
    const Columns& columns;
    static constexpr size_t GLANCES = 3;

    // No fewer code points than a text has when it is joined.
    size_t most(size_t text) const {
        size_t length = groups.length(text);
        for (size_t i = groups.begin(text); i < groups.end(text); i++)
            length += static_cast<size_t>(offsets[segments[i] + 1] - offsets[segments[i]]);
        return length;
    }

    // Writes a text to *out*, and where each of its segments begins and, unless *ends* is null, ends behind *base*; where
    // it ends. What lies behind that, up to *limit*, may be written to. Unless *widths* is null, how many columns each
    // code point takes is written to the same places of it.
    uint32_t* join(size_t text, const uint32_t* base, uint32_t* out, const uint32_t* limit, uint8_t* widths,
                   int64_t* begins, int64_t* ends) const {
        const uint32_t* text_begin = out;
        const Widths known = columns.widths();
        bool was_wide = false;
        constexpr size_t AHEAD = 8;
        const size_t all = groups.end(groups.segments() - 1);
        for (size_t i = groups.begin(text); i < groups.end(text); i++) {
            if (i + AHEAD < all) {
                const int64_t* next = offsets + segments[i + AHEAD];
                folded.prefetch(next[0], static_cast<size_t>(next[1] - next[0]));
            }
            const int64_t begin = offsets[segments[i]];
            const size_t length = static_cast<size_t>(offsets[segments[i] + 1] - begin);
            if (length && out != text_begin && !was_wide && !columns.wide(folded.at(begin, length))) {
                if (widths) widths[out - base] = static_cast<uint8_t>(columns.wide(folding::BLANK) + 1);
                *out++ = folding::BLANK;
            }
            *begins++ = out - base;
            if (length && !widths) {
                out = folded.copy(begin, length, out, limit);
                was_wide = columns.wide(out[-1]);
            } else if (length) {
                uint8_t* const own = widths + (out - base);
                if (folded.units) {
                    const size_t room = folded.room(begin, out, limit);
                    out += level->loops->decode(folded.units + begin, length, room, known, out, own);
                } else {
                    columns.look_up(folded.codes + begin, length, own);
                    out = folded.copy(begin, length, out, limit);
                }
                was_wide = widths[out - base - 1] == 2;
            }
            if (ends) *ends++ = out - base;
        }
        return out;
    }

    // Tells the processor what glances will read of a segment, if there is one: its ends, and, where it is a text of its
    // own, all between them. To wait for memory takes longest.
    void foresee(size_t segment) const {
        if (segment >= groups.end(groups.segments() - 1)) return;
        const int64_t begin = offsets[segments[segment]], end = offsets[segments[segment] + 1];
        for (size_t step = 0; begin != end && step <= GLANCES; step++)
            folded.prefetch(begin + static_cast<int64_t>(static_cast<size_t>(end - 1 - begin) / (GLANCES + 1) * step));
        if (begin != end) folded.prefetch(end - 1);
    }

    // See text_glances in text_reference.py. *starts* is for use inside.
    uint64_t glance(size_t text, std::vector<size_t>& starts) const {
        constexpr size_t AHEAD = 12;  // segments
        const size_t first = groups.begin(text), count = groups.length(text);
        const auto begin = [&](size_t i) { return offsets[segments[first + i]]; };
        const auto length = [&](size_t i) { return static_cast<size_t>(offsets[segments[first + i] + 1] - begin(i)); };
        for (size_t i = first; i < first + count; i++) foresee(i + AHEAD);
        starts.clear();
        size_t total = 0, before = count;  // the last segment that is not empty
        for (size_t i = 0; i < count; i++) {
            if (length(i) && before < count && !columns.wide(folded.last_of(begin(before), length(before))) &&
                !columns.wide(folded.at(begin(i), length(i))))
                total++;
            starts.push_back(total);
            total += length(i);
            before = length(i) ? i : before;
        }
        uint64_t hash = baseline::absorb(0, total);
        for (size_t step = 1, i = 0; total && step <= GLANCES; step++) {
            const size_t place = total * step / (GLANCES + 1);
            while (i + 1 < count && starts[i + 1] <= place) i++;
            const size_t within = place - starts[i];
            hash = baseline::absorb(hash, within < length(i) ? folded.element(begin(i) + static_cast<int64_t>(within))
                                                             : folding::BLANK);
        }
        return baseline::fmix64(hash);
    }

    // Calls take(first text, codes, widths, bounds, begins, ends) with some joined texts at a time, which stay in the
    // cache; *widths* is null where they are not asked for.
    template <class Take>
    void each(bool with_widths, Take take) const {
        constexpr size_t TOGETHER = 1 << 15;  // code points, unless one text is longer
        std::vector<uint32_t> codes;
        std::vector<uint8_t> widths;
        std::vector<int64_t> bounds, begins, ends;
        for (size_t first = 0, last; first < groups.segments(); first = last) {
            size_t room = most(first);
            for (last = first + 1; last < groups.segments(); last++) {
                const size_t more = most(last);
                if (room + more > TOGETHER) break;
                room += more;
            }
            room += TRANSCODED;  // to the end whole vectors are written
            if (codes.size() < room) codes.resize(room);
            if (with_widths && widths.size() < room) widths.resize(room);
            uint8_t* const own_widths = with_widths ? widths.data() : nullptr;
            begins.resize(groups.end(last - 1) - groups.begin(first));
            ends.resize(begins.size());
            bounds.assign(1, 0);
            uint32_t* out = codes.data();
            for (size_t text = first; text < last; text++) {
                const size_t before = groups.begin(text) - groups.begin(first);
                out = join(text, codes.data(), out, codes.data() + room, own_widths, begins.data() + before,
                           ends.data() + before);
                bounds.push_back(out - codes.data());
            }
            take(first, codes.data(), own_widths, Bounds{bounds.data(), last - first}, begins.data(), ends.data());
        }
    }
};

// Hashes the shingles of all segments, a block of positions at a time.
class Shingling {
  public:
    // Widths are 1 or 2.
    Shingling(const uint32_t* codes, const uint8_t* widths, Bounds bounds, size_t size)
        : codes_(codes), widths_(widths), bounds_(bounds), size_(size) {}

    // Calls take(segment, hashes, mixed, count, place) with the shingles of every segment in order, a few at a time;
    // *mixed* is what is signed of them, where that is asked for, and *place* where the first begins.
    template <class Take>
    void each(bool mix, Take take) const {
        if (!bounds_.segments()) return;
        const size_t total = bounds_.end(bounds_.segments() - 1);
        std::vector<uint32_t> last_codes(BLOCK + size_ + LANES, 0);
        std::vector<uint8_t> last_widths(last_codes.size(), 2);
        std::vector<Run> runs;
        alignas(64) uint64_t hashes[BLOCK];
        alignas(64) uint32_t mixed[BLOCK];
        bool is_narrow = false;
        size_t segment = 0, shingles_end = last_shingle(0, is_narrow);
        for (size_t low = 0; low < total; low += BLOCK) {
            const size_t count = std::min(total - low, BLOCK);
            const uint32_t* code = codes_ + low;
            const uint8_t* width = widths_ + low;
            if (low + BLOCK + size_ > total) {  // the loops read ahead: what they cannot read is padded
                std::copy(code, codes_ + total, last_codes.begin());
                std::copy(width, widths_ + total, last_widths.begin());
                code = last_codes.data();
                width = last_widths.data();
            }
            for (size_t i = 0; i < count; i += LANES)
                level->loops->hash_positions(code + i, width + i, static_cast<int>(size_), hashes + i);
            runs.clear();
            for (size_t at = low;;) {
                if (at < shingles_end) {
                    const size_t end = std::min(shingles_end, low + count);
                    if (is_narrow) hashes[at - low] = narrow(bounds_.begin(segment), bounds_.end(segment));
                    runs.push_back({segment, at - low, end - at});
                }
                if (bounds_.end(segment) >= low + count) break;
                segment++;
                at = bounds_.begin(segment);
                shingles_end = last_shingle(segment, is_narrow);
            }
            if (mix) level->loops->signable(hashes, count, mixed);
            for (const Run& run : runs) take(run.segment, hashes + run.first, mixed + run.first, run.count, low + run.first);
        }
    }

    // Where the shingles of a run of code points end; a run that is narrower than a shingle is one.
    size_t last_shingle(size_t begin, size_t end, bool& narrow) const {
        size_t at = end, columns = 0;
        if (end - begin >= size_) {  // the fewest code points that may do, without a branch
            at = end - (size_ + 1) / 2;
            for (size_t i = at; i < end; i++) columns += widths_[i];
        }
        while (at > begin && columns < size_) columns += widths_[--at];
        narrow = columns < size_;
        return at + (begin != end);
    }

    uint64_t narrow(size_t begin, size_t end) const {
        uint64_t hash = 0;
        for (size_t i = begin; i < end; i++) hash = baseline::absorb(hash, codes_[i]);
        return baseline::fmix64(hash + (end - begin));
    }

  private:
    static constexpr size_t BLOCK = 512;  // positions: the arrays of a block stay in the first-level cache
    struct Run {
        size_t segment, first, count;
    };

    size_t last_shingle(size_t segment, bool& narrow) const {
        return last_shingle(bounds_.begin(segment), bounds_.end(segment), narrow);
    }

    const uint32_t* codes_;
    const uint8_t* widths_;
    Bounds bounds_;
    size_t size_;
};

// The permutations of some bands, row by row, so that the bands are the lanes of the vectors.
class Bands {
  public:
    // a, b: those of all bands, band by band.
    Bands(const uint32_t* a, const uint32_t* b, size_t rows) : all_a_(a), all_b_(b), rows_(rows) {}
    void take(const std::vector<size_t>& bands) {
        count_ = bands.size();
        permuted_ = (count_ * rows_ + 15) / 16 * 16;  // whole vectors: what is too much is signed and not read
        a_.assign(permuted_, 0);
        b_.assign(permuted_, 0);
        seeds_.assign(room(), 0);
        for (size_t i = 0; i < count_; i++) {
            for (size_t row = 0; row < rows_; row++) {
                a_[row * count_ + i] = all_a_[bands[i] * rows_ + row];
                b_[row * count_ + i] = all_b_[bands[i] * rows_ + row];
            }
            seeds_[i] = baseline::fmix64(bands[i] + 1);
        }
    }
    // What a signature takes; READ_AHEAD more can be read.
    size_t permuted() const { return permuted_; }
    // What its keys take.
    size_t room() const { return (count_ + 7) / 8 * 8; }
    size_t count() const { return count_; }
    void sign(const uint32_t* mixed, size_t count, uint32_t* signature) const {
        level->loops->sign(mixed, count, a_.data(), b_.data(), permuted_, signature);
    }
    void keys(const uint32_t* signature, uint64_t* keys) const {
        level->loops->row_keys(signature, count_, rows_, seeds_.data(), keys);
    }
    static constexpr size_t READ_AHEAD = 8;
    static constexpr uint32_t NO_SHINGLE = 0xFFFFFFFFu;

  private:
    const uint32_t *all_a_, *all_b_;
    size_t rows_, count_ = 0, permuted_ = 0;
    std::vector<uint32_t> a_, b_;
    std::vector<uint64_t> seeds_;
};

inline std::vector<size_t> every(size_t bands) {
    std::vector<size_t> numbers(bands);
    for (size_t band = 0; band < bands; band++) numbers[band] = band;
    return numbers;
}

// Some columns of an array of band keys, [bands, columns]: whole keys, or the upper halves of keys.
template <class Key>
struct Keys {
    Key* begin;     // of the first of these columns
    size_t stride;  // from band to band
    size_t count;   // of these columns
    void set(size_t band, size_t column, uint64_t key) const {
        begin[band * stride + column] = static_cast<Key>(key >> (64 - 8 * sizeof(Key)));
    }
};

// Signatures come and go a few at a time, and only their band keys are written.
template <class Key>
class Banding {
  public:
    Banding(const uint32_t* a, const uint32_t* b, size_t bands, size_t rows, Keys<Key> keys) : bands_(a, b, rows), keys_(keys) {
        bands_.take(every(bands));
        signatures_.assign(bands_.permuted() * WAITING + Bands::READ_AHEAD, Bands::NO_SHINGLE);
        found_.resize(bands_.room() * WAITING);
    }
    void add(size_t segment, const uint32_t* mixed, size_t count) {
        while (segment >= first_ + WAITING) flush(WAITING);
        bands_.sign(mixed, count, signatures_.data() + (segment - first_) * bands_.permuted());
    }
    // Adds all shingles that were added to a segment of *other* so far.
    void add_all(size_t segment, const Banding& other, size_t of) {
        while (segment >= first_ + WAITING) flush(WAITING);
        level->loops->lower(other.signatures_.data() + (of - other.first_) * bands_.permuted(), bands_.permuted(),
                            signatures_.data() + (segment - first_) * bands_.permuted());
    }
    void end() {
        while (first_ < keys_.count) flush(std::min(WAITING, keys_.count - first_));
    }

  private:
    static constexpr size_t WAITING = 8;  // segments whose keys are written together: a cache line a band
    void flush(size_t count) {
        for (size_t i = 0; i < count; i++)
            bands_.keys(signatures_.data() + i * bands_.permuted(), found_.data() + i * bands_.room());
        for (size_t band = 0; band < bands_.count(); band++)
            for (size_t i = 0; i < count; i++) keys_.set(band, first_ + i, found_[i * bands_.room() + band]);
        std::fill(signatures_.begin(), signatures_.end(), Bands::NO_SHINGLE);
        first_ += count;
    }
    Bands bands_;
    Keys<Key> keys_;
    std::vector<uint32_t> signatures_;
    std::vector<uint64_t> found_;
    size_t first_ = 0;  // the first segment that waits
};

// The same of segments of which each wants some bands only.
class SomeBanding {
  public:
    // wanted: [bands, columns], of the columns of *keys*.
    SomeBanding(const uint32_t* a, const uint32_t* b, size_t bands, size_t rows, const uint8_t* wanted, Keys<uint64_t> keys)
        : all_(bands), bands_(a, b, rows), wanted_(wanted), keys_(keys) {
        begin();
    }
    void add(size_t segment, const uint32_t* mixed, size_t count) {
        while (at_ < segment) next();
        if (!these_.empty()) bands_.sign(mixed, count, signature_.data());
    }
    void end() {
        while (at_ < keys_.count) next();
    }

  private:
    void begin() {
        if (at_ == keys_.count) return;
        wants_.clear();
        for (size_t band = 0; band < all_; band++)
            if (wanted_[band * keys_.stride + at_]) wants_.push_back(band);
        if (wants_ != these_) {
            these_ = wants_;
            bands_.take(these_);
            found_.resize(bands_.room());
        }
        signature_.assign(bands_.permuted() + Bands::READ_AHEAD, Bands::NO_SHINGLE);
    }
    void next() {
        bands_.keys(signature_.data(), found_.data());
        for (size_t i = 0; i < these_.size(); i++) keys_.set(these_[i], at_, found_[i]);
        at_++;
        begin();
    }
    size_t all_;
    Bands bands_;
    const uint8_t* wanted_;
    Keys<uint64_t> keys_;
    std::vector<size_t> wants_, these_;
    std::vector<uint32_t> signature_;
    std::vector<uint64_t> found_;
    size_t at_ = 0;  // the segment that is signed
};

// Where spans inside segments lie: rising, each inside one segment.
struct Spans {
    std::vector<size_t> begins, ends;
};

// Signs segments and spans inside them; a shingle of both is signed once.
template <class Key>
void sign_nested(const Shingling& shingling, const Spans& spans, Banding<Key>& whole, size_t first_segment,
                 Banding<Key>& inner, size_t first_span) {
    const size_t count = spans.begins.size();
    size_t span = 0, shingles_end = 0;  // the span that is next, and where its shingles end
    const auto come_to = [&](size_t which) {
        for (span = which; span < count; span++) {
            const size_t begin = spans.begins[span], end = spans.ends[span];
            bool narrow = false;
            shingles_end = shingling.last_shingle(begin, end, narrow);
            if (!narrow) return;
            // its one shingle is none of the segment around it
            const uint64_t hash = shingling.narrow(begin, end);
            uint32_t mixed;
            level->loops->signable(&hash, 1, &mixed);
            if (begin != end) inner.add(first_span + span, &mixed, 1);
        }
    };
    come_to(0);
    shingling.each(true, [&](size_t segment, const uint64_t*, const uint32_t* mixed, size_t found, size_t place) {
        while (found) {
            if (span < count && shingles_end <= place) {
                come_to(span + 1);
                continue;
            }
            const size_t begin = span < count ? spans.begins[span] : place + found;
            size_t some = found;
            if (begin > place) {
                some = std::min(found, begin - place);
                whole.add(first_segment + segment, mixed, some);
            } else {
                some = std::min(found, shingles_end - place);
                inner.add(first_span + span, mixed, some);
                whole.add_all(first_segment + segment, inner, first_span + span);
            }
            mixed += some, place += some, found -= some;
        }
    });
    while (span < count) come_to(span + 1);  // narrow ones behind the last shingle of all
}

}  // namespace signing
