// The table of folding, and folded text: its columns and numbers.

#pragma once

#include "../numbers.h"
#include "../signing.h"
#include "given.h"

namespace {

constexpr uint32_t ALIKE = 256;  // no block of them holds both code points that take one unit of UTF-16 and others

// Whether a block of code points map to themselves, and have the same flags.
bool are_alike(const uint32_t* mapping, const uint16_t* flags, uint32_t first) {
    uint32_t other = 0;
    for (uint32_t i = 0; i < ALIKE; i++) other |= (mapping[i] ^ (first + i)) | static_cast<uint32_t>(flags[i] ^ flags[0]);
    return !other;
}

// The words of the fold table, see folding::packed. Refuses a table that breaks what fold.h takes for granted.
PyObject* pack_table(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *mapping_, *flags_, *offsets_, *expansions_, *words_, *plain_;
        unpack(args, "OOOOOO", &mapping_, &flags_, &offsets_, &expansions_, &words_, &plain_);
        const Codes mapping(mapping_, "mapping"), expansions(expansions_, "expansions"), words(words_, "words", 1, true);
        const Array<uint16_t> flags(flags_, "flags");
        const Offsets offsets(offsets_, "expansion offsets", expansions.size());
        const Array<uint16_t> plain(plain_, "plain units", 1, true);
        using namespace folding;
        plain.must_have(CODE_POINTS);
        mapping.must_have(CODE_POINTS);
        flags.must_have(CODE_POINTS);
        words.must_have(CODE_POINTS);
        must_be_codes(expansions.data(), expansions.size());
        for (uint32_t code = 0; code < CODE_POINTS; code++) {
            const uint16_t flag = flags[code], kinds = flag & (MARK | SPACE | INVISIBLE);
            const bool sound = mapping[code] < EXPANSION + offsets.segments() && mapping[code] <= MAPPING &&
                               !(kinds & (kinds - 1)) && !(kinds && flag & (DIGIT | DECIMAL | LETTER)) &&
                               !(flag & (SIGN | PERCENT) && !(flag & MARK)) && !(flag & (TONE | COMBINING) && flag & SIGN) &&
                               !(flag & (MARK | INVISIBLE) && mapping[code]) && !(code < 0x80 && flag & WIDE) &&
                               !(flag & SPACE && mapping[code] != BLANK);
            if (!sound) refuse("the fold table contradicts itself at code point " + std::to_string(code));
            words[code] = packed(mapping[code], flag, mapping[code] < CODE_POINTS ? flags[mapping[code]] : flag);
            plain[code] = plain_unit(words[code]);
            // nine in ten map to themselves, a block of them with the same flags: what holds for its first holds for all
            if (!code || code % ALIKE || !are_alike(mapping.data() + code, flags.data() + code, code)) continue;
            const uint32_t bits = words[code] ^ code;
            const uint16_t unit = plain[code] ? 0xFFFF : 0;
            for (const uint32_t first = code++; code < first + ALIKE; code++) {
                words[code] = code | bits;
                plain[code] = static_cast<uint16_t>(code) & unit;
            }
            code--;
        }
        Py_RETURN_NONE;
    });
}

// What is folded, and by what table.
struct FoldGiven {
    Codes codes;
    Offsets offsets;
    Codes words, expansions;
    Array<uint16_t> plain;
    Offsets expansion_offsets;
    Array<uint16_t> flags;
    Array<uint8_t> letters;
    Hashes syllables;
    size_t longest = 1;  // of what a code point may fold to
    size_t checked = 0;  // so many are code points
    std::vector<uint32_t> kept;

    FoldGiven(PyObject* codes_, PyObject* offsets_, PyObject* words_, PyObject* plain_, PyObject* flags_,
              PyObject* letters_, PyObject* syllables_, PyObject* expansion_offsets_, PyObject* expansions_)
        : codes(codes_, "codepoints"), offsets(offsets_, "offsets", codes.size()), words(words_, "words"),
          expansions(expansions_, "expansions"), plain(plain_, "plain units"),
          expansion_offsets(expansion_offsets_, "expansion offsets", expansions.size()), flags(flags_, "flags"),
          letters(letters_, "letters"), syllables(syllables_, "syllables") {
        words.must_have(folding::CODE_POINTS);
        plain.must_have(folding::CODE_POINTS);
        flags.must_have(folding::CODE_POINTS);
        for (size_t i = 0; i < expansion_offsets.segments(); i++)
            longest = std::max(longest, expansion_offsets.length(i));
    }
    folding::Table table() const {
        return {words.data(), plain.data(), expansion_offsets.data(), expansions.data(), expansion_offsets.segments()};
    }
    // The code points of a segment must be such, for which some that follow are looked at with them: segments are short.
    void check(size_t segment) {
        constexpr size_t AHEAD = 4096;
        const size_t end = offsets.end(segment);
        if (end <= checked) return;
        const size_t next = std::min(codes.size(), std::max(end, checked + AHEAD));
        must_be_codes(codes.data() + checked, next - checked);
        checked = next;
    }
    // How much room a segment may need where *room* is there: no more than that, if it surely suffices.
    size_t most(size_t segment, size_t room) const {
        const size_t length = offsets.length(segment);
        if (room / longest > length) return room;
        const folding::Table table = this->table();
        size_t most = 1;
        for (size_t at = offsets.begin(segment); at < offsets.end(segment); at++)
            most += table.length(words[codes[at]] & folding::MAPPING);
        return most;
    }
    // Folds a segment whose code points were checked; false where it is hard, having combining characters.
    template <class Unit>
    bool fold(size_t number, Unit*& out, folding::Lengths& lengths) {
        using namespace folding;
        const uint32_t* const segment = codes.data() + offsets.begin(number);
        const size_t length = offsets.length(number);
        Left left = folding::fold(segment, length, table(), false, out, lengths);
        const auto combining = [&](uint32_t code) { return flags[code] & COMBINING; };
        if (left == Left::ANNOTATED && !std::any_of(segment, segment + length, combining)) {
            const Pinyin pinyin{flags.data(), letters.data(), letters.size(), syllables.data(),
                                syllables.data() + syllables.size()};
            pinyin.strip(segment, length, kept);
            left = folding::fold(kept.data(), kept.size(), table(), true, out, lengths);
        }
        return left == Left::NOTHING;
    }
};

// False where *folded* is too short. What is hard is left empty.
PyObject* fold(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *codes_, *offsets_, *words_, *plain_, *flags_, *letters_, *syllables_, *expansion_offsets_, *expansions_, *hard_, *folded_, *ends_;
        unpack(args, "OOOOOOOOOOOO", &codes_, &offsets_, &words_, &plain_, &flags_, &letters_, &syllables_, &expansion_offsets_, &expansions_, &hard_, &folded_,
               &ends_);
        FoldGiven given(codes_, offsets_, words_, plain_, flags_, letters_, syllables_, expansion_offsets_, expansions_);
        const Codes folded(folded_, "folded", 1, true);
        const Array<uint8_t> hard(hard_, "hard", 1, true);
        const Array<int64_t> ends(ends_, "folded offsets", 1, true);
        hard.must_have(given.offsets.segments());
        ends.must_have(given.offsets.size());
        bool fits = true;
        without_gil([&] {
            uint32_t *out = folded.data(), *const limit = out + folded.size();
            ends[0] = 0;
            for (size_t i = 0; i < given.offsets.segments(); i++) {
                const auto room = static_cast<size_t>(limit - out);
                given.check(i);
                fits = given.most(i, room) <= room;
                if (!fits) return;
                folding::Lengths lengths;
                hard[i] = !given.fold(i, out, lengths);
                ends[i + 1] = out - folded.data();
            }
        });
        return PyBool_FromLong(fits);
    });
}

// The same in UTF-16, with the code points and the columns of each segment.
PyObject* fold_to_utf16(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *codes_, *offsets_, *words_, *plain_, *flags_, *letters_, *syllables_, *expansion_offsets_, *expansions_, *hard_, *units_, *ends_, *chars_, *widths_;
        unpack(args, "OOOOOOOOOOOOOO", &codes_, &offsets_, &words_, &plain_, &flags_, &letters_, &syllables_, &expansion_offsets_, &expansions_, &hard_, &units_,
               &ends_, &chars_, &widths_);
        FoldGiven given(codes_, offsets_, words_, plain_, flags_, letters_, syllables_, expansion_offsets_, expansions_);
        const Array<uint8_t> hard(hard_, "hard", 1, true);
        const Array<uint16_t> units(units_, "units", 1, true);
        const Array<int64_t> ends(ends_, "unit offsets", 1, true), chars(chars_, "chars", 1, true);
        const Array<int64_t> widths(widths_, "widths", 1, true);
        const Offsets& offsets = given.offsets;
        hard.must_have(offsets.segments());
        ends.must_have(offsets.size());
        chars.must_have(offsets.segments());
        widths.must_have(offsets.segments());
        bool fits = true;
        without_gil([&] {
            uint16_t *out = units.data(), *const limit = out + units.size();
            ends[0] = 0;
            for (size_t i = 0; i < offsets.segments(); i++) {
                const size_t room = static_cast<size_t>(limit - out) / 2;
                given.check(i);
                fits = given.most(i, room) <= room;
                if (!fits) return;
                folding::Lengths lengths;
                hard[i] = !given.fold(i, out, lengths);
                ends[i + 1] = out - units.data();
                chars[i] = static_cast<int64_t>(lengths.chars);
                widths[i] = static_cast<int64_t>(lengths.chars + lengths.wide);
            }
        });
        return PyBool_FromLong(fits);
    });
}

template <class T>
void fill_in_segments(PyObject* flat_, const Offsets& offsets, PyObject* empty_, PyObject* others_,
                      const Offsets& other_offsets, PyObject* whole_, PyObject* ends_) {
    const Array<T> flat(flat_, "flat"), others(others_, "others"), whole(whole_, "whole", 1, true);
    const Array<uint8_t> empty(empty_, "empty");
    const Array<int64_t> ends(ends_, "whole offsets", 1, true);
    empty.must_have(offsets.segments());
    whole.must_have(flat.size() + others.size());
    ends.must_have(offsets.size());
    size_t needed = 0;
    for (size_t i = 0; i < empty.size(); i++) needed += empty[i] != 0;
    if (needed != other_offsets.segments()) refuse("others must have a segment for each empty one");
    without_gil([&] {
        T* out = whole.data();
        size_t next = 0;
        ends[0] = 0;
        for (size_t i = 0; i < offsets.segments(); i++) {
            // both are copied: a segment that is called empty need not be so for the room to suffice
            out = std::copy(flat.data() + offsets.begin(i), flat.data() + offsets.end(i), out);
            if (empty[i]) {
                out = std::copy(others.data() + other_offsets.begin(next), others.data() + other_offsets.end(next), out);
                next++;
            }
            ends[i + 1] = out - whole.data();
        }
    });
}

// The segments of *flat*, and in place of those that are *empty* the others, in their order; code points or units.
PyObject* fill_in(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *flat_, *offsets_, *empty_, *others_, *other_offsets_, *whole_, *ends_;
        unpack(args, "OOOOOOO", &flat_, &offsets_, &empty_, &others_, &other_offsets_, &whole_, &ends_);
        const Bytes flat(flat_, "flat"), others(others_, "others");
        const Offsets offsets(offsets_, "offsets", flat.size()), other_offsets(other_offsets_, "other offsets", others.size());
        const auto fill = flat.itemsize() == sizeof(uint16_t) ? fill_in_segments<uint16_t> : fill_in_segments<uint32_t>;
        fill(flat_, offsets, empty_, others_, other_offsets, whole_, ends_);
        Py_RETURN_NONE;
    });
}

// *first* and *count* name a run of wide code points, so that most of a Chinese text needs no look-up.
PyObject* widths(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *folded_, *offsets_, *flags_, *widths_;
        unsigned int first, count;
        unpack(args, "OOO(II)O", &folded_, &offsets_, &flags_, &first, &count, &widths_);
        const Codes folded(folded_, "folded");
        const Offsets offsets(offsets_, "offsets", folded.size());
        const Array<uint16_t> flags(flags_, "flags");
        const Array<int64_t> found(widths_, "widths", 1, true);
        flags.must_have(folding::CODE_POINTS);
        found.must_have(offsets.segments());
        for (uint32_t code = 0; code < 0x80; code++)
            if (flags[code] & folding::WIDE) refuse("ASCII must not be wide, but is " + std::to_string(code));
        without_gil([&] {
            for (size_t i = 0; i < offsets.segments(); i++) {
                const uint32_t* const segment = folded.data() + offsets.begin(i);
                const size_t length = offsets.length(i);
                must_be_codes(segment, length);  // here, not before all: what is in the cache is read twice
                found[i] = static_cast<int64_t>(
                    length + level->loops->wide_chars(segment, length, first, count, flags.data(), folding::WIDE));
            }
        });
        Py_RETURN_NONE;
    });
}

PyObject* columns(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *folded_, *flags_, *columns_;
        unsigned int first, count;
        unpack(args, "OO(II)O", &folded_, &flags_, &first, &count, &columns_);
        const Codes folded(folded_, "folded");
        const Array<uint16_t> flags(flags_, "flags");
        const Array<uint8_t> found(columns_, "columns", 1, true);
        flags.must_have(folding::CODE_POINTS);
        found.must_have(folded.size());
        without_gil([&] {
            signing::Columns(flags.data(), first, count).look_up(folded.data(), folded.size(), found.data());
        });
        Py_RETURN_NONE;
    });
}

PyObject* number_tokens(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *folded_, *offsets_, *flags_, *hashes_, *ends_;
        unpack(args, "OOOOO", &folded_, &offsets_, &flags_, &hashes_, &ends_);
        const Codes folded(folded_, "folded");
        const Offsets offsets(offsets_, "offsets", folded.size());
        const Array<uint16_t> flags(flags_, "flags");
        const Hashes hashes(hashes_, "hashes", 1, true);
        const Array<int64_t> ends(ends_, "token offsets", 1, true);
        flags.must_have(folding::CODE_POINTS);
        hashes.must_have(folded.size());
        ends.must_have(offsets.size());
        without_gil([&] {
            must_be_codes(folded.data(), folded.size());
            uint64_t* out = hashes.data();
            ends[0] = 0;
            for (size_t i = 0; i < offsets.segments(); i++) {
                out = numbers::tokens(folded.data() + offsets.begin(i), offsets.length(i), flags.data(), out);
                ends[i + 1] = out - hashes.data();
            }
        });
        Py_RETURN_NONE;
    });
}

}  // namespace
