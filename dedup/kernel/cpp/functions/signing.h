// Shingles, signatures, digests and band keys.

#pragma once

#include "../grouping.h"
#include "../signing.h"
#include "given.h"

namespace {

// What was checked of segments, for what need not know of Python.
signing::Bounds bounds_of(const Offsets& offsets) { return {offsets.data(), offsets.segments()}; }

void must_be_widths(const Array<uint8_t>& widths, size_t count) {
    widths.must_have(count);
    uint8_t every = 0, odd = 0;  // 1 and 2, and nothing else, are unequal in their two lowest bits
    for (size_t i = 0; i < count; i++) {
        every |= widths[i];
        odd |= static_cast<uint8_t>(~(widths[i] ^ widths[i] >> 1) & 1);
    }
    if (every > 3 || odd) refuse("widths must be 1 or 2 columns");
}

signing::Shingling shingling_of(const Codes& codes, const Array<uint8_t>& widths, const Offsets& offsets, int size) {
    return {codes.data(), widths.data(), bounds_of(offsets), static_cast<size_t>(size)};
}

int shingle_size(int size) {
    if (size < 1 || size > 255) refuse("size must be 1 to 255 columns, found " + std::to_string(size));
    return size;
}

PyObject* shingles(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *folded_, *offsets_, *widths_, *hashes_, *ends_;
        int size;
        unpack(args, "OOOiOO", &folded_, &offsets_, &widths_, &size, &hashes_, &ends_);
        const Codes folded(folded_, "folded");
        const Offsets offsets(offsets_, "offsets", folded.size());
        const Array<uint8_t> widths(widths_, "widths");
        const Hashes hashes(hashes_, "hashes", 1, true);
        const Array<int64_t> ends(ends_, "hash offsets", 1, true);
        hashes.must_have(folded.size());  // no more than one begins at each code point
        ends.must_have(offsets.size());
        must_be_widths(widths, folded.size());
        shingle_size(size);
        without_gil([&] {
            std::fill(ends.data(), ends.data() + ends.size(), 0);
            uint64_t* out = hashes.data();
            shingling_of(folded, widths, offsets, size)
                .each(false, [&](size_t segment, const uint64_t* found, const uint32_t*, size_t count, size_t) {
                    out = std::copy(found, found + count, out);
                    ends[segment + 1] += static_cast<int64_t>(count);
                });
            for (size_t i = 1; i < ends.size(); i++) ends[i] += ends[i - 1];
        });
        Py_RETURN_NONE;
    });
}

struct Permutations {
    Array<uint32_t> a, b;
    Permutations(PyObject* a_, PyObject* b_) : a(a_, "a"), b(b_, "b") { b.must_have(a.size()); }
};

void sign(const Permutations& permutations, const uint32_t* mixed, size_t count, uint32_t* signature) {
    level->loops->sign(mixed, count, permutations.a.data(), permutations.b.data(), permutations.a.size(), signature);
}

void must_be_signatures(const Array<uint32_t>& signature, const Offsets& offsets, const Permutations& permutations) {
    if (signature.shape(0) != offsets.segments() || signature.shape(1) != permutations.a.size())
        refuse("signatures must have the shape [segments, num_perm]");
}

PyObject* signatures(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *hashes_, *offsets_, *a_, *b_, *signature_;
        unpack(args, "OOOOO", &hashes_, &offsets_, &a_, &b_, &signature_);
        const Hashes hashes(hashes_, "hashes");
        const Offsets offsets(offsets_, "offsets", hashes.size());
        const Permutations permutations(a_, b_);
        const Array<uint32_t> signature(signature_, "signatures", 2, true);
        must_be_signatures(signature, offsets, permutations);
        without_gil([&] {
            constexpr size_t BLOCK = 512;
            uint32_t mixed[BLOCK];
            const size_t asked = permutations.a.size();
            // whole vectors: a few permutations more cost less than one by itself
            std::vector<uint32_t> a((asked + 15) / 16 * 16), b(a.size()), least(a.size());
            std::copy(permutations.a.data(), permutations.a.data() + asked, a.begin());
            std::copy(permutations.b.data(), permutations.b.data() + asked, b.begin());
            for (size_t i = 0; i < offsets.segments(); i++) {
                std::fill(least.begin(), least.end(), 0xFFFFFFFFu);
                for (size_t at = offsets.begin(i); at < offsets.end(i); at += BLOCK) {
                    const size_t count = std::min(offsets.end(i) - at, BLOCK);
                    level->loops->signable(hashes.data() + at, count, mixed);
                    level->loops->sign(mixed, count, a.data(), b.data(), a.size(), least.data());
                }
                std::copy(least.begin(), least.begin() + static_cast<ptrdiff_t>(asked), signature.data() + i * asked);
            }
        });
        Py_RETURN_NONE;
    });
}

PyObject* shingle_signatures(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *folded_, *offsets_, *widths_, *a_, *b_, *signature_;
        int size;
        unpack(args, "OOOiOOO", &folded_, &offsets_, &widths_, &size, &a_, &b_, &signature_);
        const Codes folded(folded_, "folded");
        const Offsets offsets(offsets_, "offsets", folded.size());
        const Array<uint8_t> widths(widths_, "widths");
        const Permutations permutations(a_, b_);
        const Array<uint32_t> signature(signature_, "signatures", 2, true);
        must_be_signatures(signature, offsets, permutations);
        must_be_widths(widths, folded.size());
        shingle_size(size);
        without_gil([&] {
            std::fill(signature.data(), signature.data() + signature.size(), 0xFFFFFFFFu);
            shingling_of(folded, widths, offsets, size)
                .each(true, [&](size_t segment, const uint64_t*, const uint32_t* mixed, size_t count, size_t) {
                    sign(permutations, mixed, count, signature.data() + segment * permutations.a.size());
                });
        });
        Py_RETURN_NONE;
    });
}

void must_be_bands(Py_ssize_t bands, Py_ssize_t rows, size_t num_perm) {
    if (bands < 0 || rows < 0 || (rows > 0 && static_cast<size_t>(bands) > num_perm / static_cast<size_t>(rows)))
        refuse("bands * rows must be at most num_perm, " + std::to_string(num_perm));
}

PyObject* shingle_band_keys(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *folded_, *offsets_, *widths_, *a_, *b_, *keys_;
        Py_ssize_t bands, rows;
        int size;
        unpack(args, "OOOiOOnnO", &folded_, &offsets_, &widths_, &size, &a_, &b_, &bands, &rows, &keys_);
        const Codes folded(folded_, "folded");
        const Offsets offsets(offsets_, "offsets", folded.size());
        const Array<uint8_t> widths(widths_, "widths");
        const Permutations permutations(a_, b_);
        const Hashes keys(keys_, "keys", 2, true);
        must_be_widths(widths, folded.size());
        shingle_size(size);
        must_be_bands(bands, rows, permutations.a.size());
        if (keys.shape(0) != static_cast<size_t>(bands) || keys.shape(1) != offsets.segments())
            refuse("keys must have the shape [bands, segments]");
        without_gil([&] {
            signing::Banding<uint64_t> banding(permutations.a.data(), permutations.b.data(), static_cast<size_t>(bands),
                                               static_cast<size_t>(rows),
                                               {keys.data(), keys.shape(1), keys.shape(1)});
            shingling_of(folded, widths, offsets, size)
                .each(true, [&](size_t segment, const uint64_t*, const uint32_t* mixed, size_t count, size_t) {
                    banding.add(segment, mixed, count);
                });
            banding.end();
        });
        Py_RETURN_NONE;
    });
}

struct DigestWeights {
    uint64_t lanes[2][DIGEST_PLACES];
    DigestWeights() {
        for (size_t i = 0; i < DIGEST_PLACES; i++) {
            lanes[0][i] = baseline::fmix64(i * GOLDEN + DIGEST_SALT0) | 1;
            lanes[1][i] = baseline::fmix64(i * GOLDEN + DIGEST_SALT1) | 1;
        }
    }
};
const DigestWeights digest_weights;

// Texts made of segments, as text_reference.py has them.
struct TextsGiven {
    Text folded;
    Array<int64_t> offsets, segments;
    Offsets groups;
    Array<uint16_t> flags;
    TextsGiven(PyObject* folded_, PyObject* offsets_, PyObject* segments_, PyObject* groups_, PyObject* flags_)
        : folded(folded_, "folded"), offsets(offsets_, "offsets"), segments(segments_, "segments"),
          groups(groups_, "groups", segments.size()), flags(flags_, "flags") {
        must_lie_within(offsets, segments, folded.size());
        flags.must_have(folding::CODE_POINTS);
    }
    signing::Texts texts(const signing::Columns& columns) const {
        return {folded.stored(), offsets.data(), segments.data(), bounds_of(groups), columns};
    }
};

PyObject* text_digests(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *folded_, *offsets_, *segments_, *groups_, *flags_, *digests_;
        unpack(args, "OOOOOO", &folded_, &offsets_, &segments_, &groups_, &flags_, &digests_);
        const TextsGiven given(folded_, offsets_, segments_, groups_, flags_);
        const Hashes found(digests_, "digests", 2, true);
        found.must_have(2 * given.groups.segments());
        without_gil([&] {
            const signing::Columns columns(given.flags.data(), 0, 0);
            given.texts(columns).each(false, [&](size_t first, const uint32_t* codes, const uint8_t*,
                                                 signing::Bounds bounds, const int64_t*, const int64_t*) {
                for (size_t i = 0; i < bounds.segments(); i++)
                    level->loops->digest(codes + bounds.begin(i), bounds.length(i), found.data() + 2 * (first + i),
                                         digest_weights.lanes[0], digest_weights.lanes[1]);
            });
        });
        Py_RETURN_NONE;
    });
}

PyObject* text_glances(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *folded_, *offsets_, *segments_, *groups_, *flags_, *glances_;
        unpack(args, "OOOOOO", &folded_, &offsets_, &segments_, &groups_, &flags_, &glances_);
        const TextsGiven given(folded_, offsets_, segments_, groups_, flags_);
        const Hashes found(glances_, "glances", 1, true);
        found.must_have(given.groups.segments());
        without_gil([&] {
            const signing::Columns columns(given.flags.data(), 0, 0);
            const signing::Texts texts = given.texts(columns);
            std::vector<size_t> starts;
            for (size_t i = 0; i < found.size(); i++) found[i] = texts.glance(i, starts);
        });
        Py_RETURN_NONE;
    });
}

// The columns of *keys*, [bands, columns], from *first* on.
template <class Key>
signing::Keys<Key> columns_of(const Array<Key>& keys, Py_ssize_t bands, Py_ssize_t first, size_t count) {
    const size_t columns = keys.shape(1), begin = static_cast<size_t>(first);
    if (keys.shape(0) != static_cast<size_t>(bands)) refuse("keys must have a row for each band");
    if (first < 0 || begin > columns || columns - begin < count)
        refuse("keys must have a column for each text from the first on, " + std::to_string(first));
    return {keys.data() + begin, columns, count};
}

template <class Key>
void sign_texts(const TextsGiven& given, const Array<uint8_t>& nested, unsigned int first_wide, unsigned int wide, int size,
                const Permutations& permutations, Py_ssize_t bands_, Py_ssize_t rows_, PyObject* keys_,
                PyObject* nested_keys_, Py_ssize_t first_, Py_ssize_t nested_first_) {
    const Array<Key> keys(keys_, "keys", 2, true), nested_keys(nested_keys_, "nested keys", 2, true);
    size_t spans = 0;
    for (size_t i = 0; i < nested.size(); i++) spans += nested[i] != 0;
    const auto outer = columns_of(keys, bands_, first_, given.groups.segments());
    const auto inside = columns_of(nested_keys, bands_, nested_first_, spans);
    const size_t bands = static_cast<size_t>(bands_), rows = static_cast<size_t>(rows_);
    without_gil([&] {
        const signing::Columns columns(given.flags.data(), first_wide, wide);
        signing::Banding<Key> whole(permutations.a.data(), permutations.b.data(), bands, rows, outer);
        signing::Banding<Key> inner(permutations.a.data(), permutations.b.data(), bands, rows, inside);
        signing::Spans inside_texts;
        size_t span = 0;
        given.texts(columns).each(true, [&](size_t first, const uint32_t* codes, const uint8_t* widths,
                                            signing::Bounds bounds, const int64_t* begins, const int64_t* ends) {
            inside_texts.begins.clear();
            inside_texts.ends.clear();
            for (size_t i = given.groups.begin(first); i < given.groups.end(first + bounds.segments() - 1); i++, begins++, ends++) {
                if (!nested[i]) continue;
                inside_texts.begins.push_back(static_cast<size_t>(*begins));
                inside_texts.ends.push_back(static_cast<size_t>(*ends));
            }
            const signing::Shingling shingling(codes, widths, bounds, static_cast<size_t>(size));
            signing::sign_nested(shingling, inside_texts, whole, first, inner, span);
            span += inside_texts.begins.size();
        });
        whole.end();
        inner.end();
    });
}

PyObject* text_band_keys(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *folded_, *offsets_, *segments_, *groups_, *nested_, *flags_, *a_, *b_, *keys_, *nested_keys_;
        unsigned int first_wide, wide;
        int size, brief;
        Py_ssize_t bands, rows, first, nested_first;
        unpack(args, "OOOOOO(II)iOOnnpOnOn", &folded_, &offsets_, &segments_, &groups_, &nested_, &flags_, &first_wide,
               &wide, &size, &a_, &b_, &bands, &rows, &brief, &keys_, &first, &nested_keys_, &nested_first);
        const TextsGiven given(folded_, offsets_, segments_, groups_, flags_);
        const Array<uint8_t> nested(nested_, "nested");
        nested.must_have(given.segments.size());
        const Permutations permutations(a_, b_);
        shingle_size(size);
        must_be_bands(bands, rows, permutations.a.size());
        const auto sign = brief ? sign_texts<uint32_t> : sign_texts<uint64_t>;
        sign(given, nested, first_wide, wide, size, permutations, bands, rows, keys_, nested_keys_, first, nested_first);
        Py_RETURN_NONE;
    });
}

PyObject* wanted_band_keys(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *folded_, *offsets_, *segments_, *groups_, *flags_, *a_, *b_, *wanted_, *keys_;
        unsigned int first_wide, wide;
        int size;
        Py_ssize_t bands, rows, first;
        unpack(args, "OOOOO(II)iOOnnOOn", &folded_, &offsets_, &segments_, &groups_, &flags_, &first_wide, &wide, &size, &a_,
               &b_, &bands, &rows, &wanted_, &keys_, &first);
        const TextsGiven given(folded_, offsets_, segments_, groups_, flags_);
        const Permutations permutations(a_, b_);
        const Array<uint8_t> wanted(wanted_, "wanted", 2);
        const Hashes keys(keys_, "keys", 2, true);
        shingle_size(size);
        must_be_bands(bands, rows, permutations.a.size());
        const auto columns_wanted = columns_of(keys, bands, first, given.groups.segments());
        if (wanted.shape(0) != keys.shape(0) || wanted.shape(1) != keys.shape(1)) refuse("wanted must have the shape of keys");
        without_gil([&] {
            const signing::Columns columns(given.flags.data(), first_wide, wide);
            signing::SomeBanding banding(permutations.a.data(), permutations.b.data(), static_cast<size_t>(bands),
                                         static_cast<size_t>(rows), wanted.data() + first, columns_wanted);
            given.texts(columns).each(true, [&](size_t text, const uint32_t* codes, const uint8_t* widths,
                                                signing::Bounds bounds, const int64_t*, const int64_t*) {
                signing::Shingling(codes, widths, bounds, static_cast<size_t>(size))
                    .each(true, [&](size_t segment, const uint64_t*, const uint32_t* mixed, size_t count, size_t) {
                        banding.add(text + segment, mixed, count);
                    });
            });
            banding.end();
        });
        Py_RETURN_NONE;
    });
}

PyObject* segment_sets(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *hashes_, *offsets_, *sets_, *ends_;
        unpack(args, "OOOO", &hashes_, &offsets_, &sets_, &ends_);
        const Hashes hashes(hashes_, "hashes"), sets(sets_, "sets", 1, true);
        const Offsets offsets(offsets_, "offsets", hashes.size());
        const Array<int64_t> ends(ends_, "set offsets", 1, true);
        sets.must_have(hashes.size());
        ends.must_have(offsets.size());
        without_gil([&] {
            grouping::Sorter sorter;
            uint64_t* out = sets.data();
            ends[0] = 0;
            for (size_t i = 0; i < offsets.segments(); i++) {
                uint64_t* end = std::copy(hashes.data() + offsets.begin(i), hashes.data() + offsets.end(i), out);
                sorter.sort(out, static_cast<size_t>(end - out));
                out = std::unique(out, end);
                ends[i + 1] = out - sets.data();
            }
        });
        Py_RETURN_NONE;
    });
}

PyObject* shingle_sets(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *folded_, *offsets_, *widths_, *sets_, *ends_;
        int size;
        unpack(args, "OOOiOO", &folded_, &offsets_, &widths_, &size, &sets_, &ends_);
        const Codes folded(folded_, "folded");
        const Offsets offsets(offsets_, "offsets", folded.size());
        const Array<uint8_t> widths(widths_, "widths");
        const Hashes sets(sets_, "sets", 1, true);
        const Array<int64_t> ends(ends_, "set offsets", 1, true);
        sets.must_have(folded.size());  // no more than one shingle begins at each code point
        ends.must_have(offsets.size());
        must_be_widths(widths, folded.size());
        shingle_size(size);
        without_gil([&] {
            grouping::Sorter sorter;
            uint64_t *begin = sets.data(), *end = begin;  // the shingles so far of the segment that is next to end
            size_t ended = 0;
            ends[0] = 0;
            const auto end_before = [&](size_t segment) {
                for (; ended < segment; ended++) {
                    sorter.sort(begin, static_cast<size_t>(end - begin));
                    begin = end = std::unique(begin, end);
                    ends[ended + 1] = end - sets.data();
                }
            };
            shingling_of(folded, widths, offsets, size)
                .each(false, [&](size_t segment, const uint64_t* found, const uint32_t*, size_t count, size_t) {
                    end_before(segment);
                    end = std::copy(found, found + count, end);
                });
            end_before(offsets.segments());
        });
        Py_RETURN_NONE;
    });
}

PyObject* digests(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *folded_, *offsets_, *digests_;
        unpack(args, "OOO", &folded_, &offsets_, &digests_);
        const Codes folded(folded_, "folded");
        const Offsets offsets(offsets_, "offsets", folded.size());
        const Hashes found(digests_, "digests", 2, true);
        found.must_have(2 * offsets.segments());
        without_gil([&] {
            for (size_t i = 0; i < offsets.segments(); i++)
                level->loops->digest(folded.data() + offsets.begin(i), offsets.length(i), found.data() + 2 * i,
                                     digest_weights.lanes[0], digest_weights.lanes[1]);
        });
        Py_RETURN_NONE;
    });
}

PyObject* band_keys(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *signature_, *keys_;
        Py_ssize_t bands_, rows_;
        unpack(args, "OnnO", &signature_, &bands_, &rows_, &keys_);
        const Array<uint32_t> signature(signature_, "signature", 2);
        const Hashes keys(keys_, "keys", 2, true);
        const size_t segments = signature.shape(0), num_perm = signature.shape(1);
        must_be_bands(bands_, rows_, num_perm);
        const size_t bands = static_cast<size_t>(bands_), rows = static_cast<size_t>(rows_);
        if (keys.shape(0) != bands || keys.shape(1) != segments) refuse("keys must have the shape [bands, segments]");
        without_gil([&] {
            size_t low = 0;
            for (; low + 8 <= segments; low += 8)
                level->loops->band_keys(signature.data() + low * num_perm, num_perm, bands, rows, keys.data() + low,
                                        segments);
            if (low == segments) return;
            std::vector<uint32_t> padded(8 * num_perm, 0);
            std::vector<uint64_t> last(8 * bands);
            std::copy(signature.data() + low * num_perm, signature.data() + segments * num_perm, padded.begin());
            level->loops->band_keys(padded.data(), num_perm, bands, rows, last.data(), 8);
            for (size_t band = 0; band < bands; band++)
                std::copy(last.begin() + static_cast<ptrdiff_t>(8 * band),
                          last.begin() + static_cast<ptrdiff_t>(8 * band + segments - low),
                          keys.data() + band * segments + low);
        });
        Py_RETURN_NONE;
    });
}

}  // namespace
