// dedup.kernel._native: the compiled twin of the kernel. Every function checks what it is handed, lets go of the GIL and
// fills arrays that native.py has made; what each means is said in reference.py, fold_reference.py, greedy_reference.py.

#include "arrays.h"
#include "components.h"
#include "fold.h"
#include "greedy.h"
#include "grouping.h"
#include "json.h"
#include "levels.h"

#include <memory>
#include <optional>
#include "lines.h"
#include "lookup.h"
#include "numbers.h"
#include "signing.h"
#include "templates.h"
#include "utf16.h"
#include "utf8.h"

namespace {

using folding::must_be_code;
using folding::refuse_code;
using Codes = Array<uint32_t>;
using Hashes = Array<uint64_t>;

// An array of units of UTF-16 or of code points.
class Text {
  public:
    Text(PyObject* object, const char* name) {
        if (Bytes(object, name).itemsize() == sizeof(uint16_t))
            units_.emplace(object, name);
        else
            codes_.emplace(object, name);
    }
    size_t size() const { return units_ ? units_->size() : codes_->size(); }
    utf16::Text stored() const { return {units_ ? units_->data() : nullptr, codes_ ? codes_->data() : nullptr, size()}; }

  private:
    std::optional<Array<uint16_t>> units_;
    std::optional<Codes> codes_;
};

// Turns what a function throws into a Python exception.
template <class Function>
PyObject* guarded(Function function) {
    try {
        return function();
    } catch (const std::invalid_argument& error) {
        PyErr_SetString(PyExc_ValueError, error.what());
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    } catch (const std::length_error&) {  // more than could ever be had: a dimension of an array without elements
        PyErr_NoMemory();
    } catch (const PythonError&) {
    }
    return nullptr;
}

template <class... Objects>
void unpack(PyObject* args, const char* format, Objects*... objects) {
    if (!PyArg_ParseTuple(args, format, objects...)) throw PythonError();
}

void must_be_codes(const uint32_t* codes, size_t count) {
    if (level->loops->bits_of(codes, count) < folding::CODE_POINTS) return;
    std::for_each(codes, codes + count, must_be_code);
}

void must_be_places(const Array<int64_t>& places, const char* name, size_t count) {
    for (size_t i = 0; i < places.size(); i++)
        if (places[i] < 0 || static_cast<uint64_t>(places[i]) >= count)
            refuse(std::string(name) + " must name segments 0 to " + std::to_string(count) + ", exclusive, found " +
                   std::to_string(places[i]));
}

// The segments may lie anywhere in the flat array, so that these are not `Offsets`.
void must_lie_within(const Array<int64_t>& offsets, const Array<int64_t>& segments, size_t elements) {
    if (offsets.size() == 0) refuse("offsets must have one element more than there are segments, found none");
    must_be_places(segments, "segments", offsets.size() - 1);
    for (size_t i = 0; i < segments.size(); i++) {
        const int64_t begin = offsets[static_cast<size_t>(segments[i])];
        const int64_t end = offsets[static_cast<size_t>(segments[i]) + 1];
        if (begin < 0 || end < begin || static_cast<uint64_t>(end) > elements)
            refuse("offsets must rise within the array, but segment " + std::to_string(segments[i]) + " is " +
                   std::to_string(begin) + " to " + std::to_string(end) + " of " + std::to_string(elements));
    }
}

// --- shingles --------------------------------------------------------------------------------------------------------

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

// --- digests, band keys, groups --------------------------------------------------------------------------------------

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

PyObject* collisions(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *keys_, *groups_;
        unpack(args, "OO", &keys_, &groups_);
        const Hashes keys(keys_, "keys");
        const Array<int32_t> groups(groups_, "groups", 1, true);
        groups.must_have(keys.size());
        if (keys.size() > INT32_MAX) refuse("keys must be fewer than 2**31");
        without_gil([&] { grouping::collisions(keys.data(), keys.size(), groups.data()); });
        Py_RETURN_NONE;
    });
}

template <class Key>
void mark_repeated(PyObject* keys_, PyObject* found_) {
    const Array<Key> keys(keys_, "keys");
    const Array<uint8_t> found(found_, "found", 1, true);
    found.must_have(keys.size());
    if (keys.size() > INT32_MAX) refuse("keys must be fewer than 2**31");
    without_gil([&] { grouping::Repeated<Key>().mark(keys.data(), keys.size(), found.data()); });
}

PyObject* repeated(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *keys_, *found_;
        int brief;
        unpack(args, "OpO", &keys_, &brief, &found_);
        (brief ? mark_repeated<uint32_t> : mark_repeated<uint64_t>)(keys_, found_);
        Py_RETURN_NONE;
    });
}

template <class Key>
void mark_bands(PyObject* keys_, PyObject* more_, const Array<int64_t>& column, const Hashes& salt, PyObject* found_) {
    const Array<Key> keys(keys_, "keys", 2), more(more_, "more keys", 2);
    const Array<uint8_t> found(found_, "found", 2, true);
    const size_t bands = keys.shape(0), columns = keys.shape(1), others = more.shape(1), texts = column.size();
    if (more.shape(0) != bands || found.shape(0) != bands) refuse("keys, more keys and found must have the same bands");
    if (found.shape(1) != texts) refuse("found must have a column for each text");
    if (salt.size()) salt.must_have(texts);
    if (texts > INT32_MAX) refuse("texts must be fewer than 2**31");
    must_be_places(column, "columns", columns + others);
    without_gil([&] {
        grouping::Repeated<Key> repeated;
        const std::unique_ptr<Key[]> own(new Key[texts]);
        const auto of = [&](const Key* first, const Key* rest, size_t i) {
            const size_t at = static_cast<size_t>(column[i]);
            return at < columns ? first[at] : rest[at - columns];
        };
        for (size_t band = 0; band < bands; band++) {
            const Key *const first = keys.data() + band * columns, *const rest = more.data() + band * others;
            if (salt.size())
                for (size_t i = 0; i < texts; i++)
                    own[i] = of(first, rest, i) ^ static_cast<Key>(salt[i] >> (64 - 8 * sizeof(Key)));
            else
                for (size_t i = 0; i < texts; i++) own[i] = of(first, rest, i);
            repeated.mark(own.get(), texts, found.data() + band * texts);
        }
    });
}

PyObject* repeated_bands(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *keys_, *more_, *column_, *salt_, *found_;
        int brief;
        unpack(args, "OOOOpO", &keys_, &more_, &column_, &salt_, &brief, &found_);
        const Array<int64_t> column(column_, "columns");
        const Hashes salt(salt_, "salt");
        (brief ? mark_bands<uint32_t> : mark_bands<uint64_t>)(keys_, more_, column, salt, found_);
        Py_RETURN_NONE;
    });
}

template <class Key>
void mark_in_runs(PyObject* keys_, PyObject* more_, const Array<int64_t>& column, const Offsets& runs, PyObject* found_) {
    const Array<Key> keys(keys_, "keys", 2), more(more_, "more keys", 2);
    const Array<uint8_t> found(found_, "found", 1, true);
    const size_t columns = keys.shape(1), others = more.shape(1);
    if (more.shape(0) != keys.shape(0)) refuse("keys and more keys must have the same bands");
    found.must_have(column.size());
    if (column.size() > INT32_MAX) refuse("texts must be fewer than 2**31");
    must_be_places(column, "columns", columns + others);
    without_gil([&] {
        std::fill(found.data(), found.data() + found.size(), 0);
        grouping::RepeatedInRuns<Key> repeated;
        const std::unique_ptr<Key[]> own(new Key[column.size()]);
        for (size_t band = 0; band < keys.shape(0); band++) {
            const Key* const of[] = {keys.data() + band * columns, more.data() + band * others};
            for (size_t i = 0; i < column.size(); i++) {  // no branch: they lie in both without any order
                const size_t at = static_cast<size_t>(column[i]);
                const bool beyond = at >= columns;
                own[i] = of[beyond][at - (beyond ? columns : 0)];
            }
            for (size_t run = 0; run < runs.segments(); run++)
                repeated.mark(own.get(), runs.begin(run), runs.end(run), found.data());
        }
    });
}

PyObject* repeated_in_runs(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *keys_, *more_, *column_, *runs_, *found_;
        int brief;
        unpack(args, "OOOOpO", &keys_, &more_, &column_, &runs_, &brief, &found_);
        const Array<int64_t> column(column_, "columns");
        const Offsets runs(runs_, "runs", column.size());
        (brief ? mark_in_runs<uint32_t> : mark_in_runs<uint64_t>)(keys_, more_, column, runs, found_);
        Py_RETURN_NONE;
    });
}

PyObject* intersections(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *sets_, *offsets_, *left_, *right_, *shared_;
        unpack(args, "OOOOO", &sets_, &offsets_, &left_, &right_, &shared_);
        const Hashes sets(sets_, "sets");
        const Offsets offsets(offsets_, "offsets", sets.size());
        const Array<int64_t> left(left_, "left"), right(right_, "right"), shared(shared_, "shared", 1, true);
        right.must_have(left.size());
        shared.must_have(left.size());
        must_be_places(left, "left", offsets.segments());
        must_be_places(right, "right", offsets.segments());
        without_gil([&] {
            for (size_t i = 0; i < left.size(); i++) {
                const size_t one = static_cast<size_t>(left[i]), other = static_cast<size_t>(right[i]);
                shared[i] = static_cast<int64_t>(
                    grouping::common(sets.data() + offsets.begin(one), sets.data() + offsets.end(one),
                                     sets.data() + offsets.begin(other), sets.data() + offsets.end(other)));
            }
        });
        Py_RETURN_NONE;
    });
}

// --- segments --------------------------------------------------------------------------------------------------------

PyObject* taken_offsets(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *offsets_, *segments_, *taken_;
        Py_ssize_t elements;
        unpack(args, "nOOO", &elements, &offsets_, &segments_, &taken_);
        const Array<int64_t> offsets(offsets_, "offsets"), segments(segments_, "segments"),
            taken(taken_, "taken offsets", 1, true);
        must_lie_within(offsets, segments, static_cast<size_t>(elements));
        taken.must_have(segments.size() + 1);
        taken[0] = 0;
        for (size_t i = 0; i < segments.size(); i++) {
            const size_t segment = static_cast<size_t>(segments[i]);
            const int64_t length = offsets[segment + 1] - offsets[segment];
            if (length > INT64_MAX - taken[i]) refuse("segments must hold fewer than 2**63 elements together");
            taken[i + 1] = taken[i] + length;
        }
        Py_RETURN_NONE;
    });
}

PyObject* take_segments(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *flat_, *offsets_, *segments_, *taken_;
        unpack(args, "OOOO", &flat_, &offsets_, &segments_, &taken_);
        const Bytes flat(flat_, "the array"), taken(taken_, "taken", true);
        const Array<int64_t> offsets(offsets_, "offsets"), segments(segments_, "segments");
        must_lie_within(offsets, segments, flat.size());
        if (flat.itemsize() != taken.itemsize()) refuse("both arrays must have one dtype");
        size_t total = 0;
        for (size_t i = 0; i < segments.size(); i++)
            total += static_cast<size_t>(offsets[static_cast<size_t>(segments[i]) + 1] -
                                         offsets[static_cast<size_t>(segments[i])]);
        if (total != taken.size()) refuse("taken must have " + std::to_string(total) + " elements");
        without_gil([&] {
            char* out = taken.data();
            const size_t itemsize = flat.itemsize();
            for (size_t i = 0; i < segments.size(); i++) {
                const int64_t* bounds = offsets.data() + segments[i];
                const size_t bytes = static_cast<size_t>(bounds[1] - bounds[0]) * itemsize;
                if (bytes) std::memcpy(out, flat.data() + static_cast<size_t>(bounds[0]) * itemsize, bytes);
                out += bytes;
            }
        });
        Py_RETURN_NONE;
    });
}

PyObject* to_utf16(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *codes_, *offsets_, *units_, *ends_;
        unpack(args, "OOOO", &codes_, &offsets_, &units_, &ends_);
        const Codes codes(codes_, "codes");
        const Offsets offsets(offsets_, "offsets", codes.size());
        const Array<uint16_t> units(units_, "units", 1, true);
        const Array<int64_t> ends(ends_, "unit offsets", 1, true);
        units.must_have(2 * codes.size());
        ends.must_have(offsets.size());
        without_gil([&] {
            uint16_t* out = units.data();
            ends[0] = 0;
            for (size_t i = 0; i < offsets.segments(); i++) {
                out = utf16::encode(codes.data() + offsets.begin(i), offsets.length(i), out, level->loops->narrow);
                ends[i + 1] = out - units.data();
            }
        });
        Py_RETURN_NONE;
    });
}

PyObject* take_codes(PyObject*, PyObject* args) {
    constexpr size_t AHEAD = 8;
    return guarded([&] {
        PyObject *text_, *offsets_, *segments_, *codes_, *ends_;
        unpack(args, "OOOOO", &text_, &offsets_, &segments_, &codes_, &ends_);
        const Text text(text_, "text");
        const Array<int64_t> offsets(offsets_, "offsets"), segments(segments_, "segments");
        must_lie_within(offsets, segments, text.size());
        const Codes codes(codes_, "codes", 1, true);
        const Array<int64_t> ends(ends_, "code offsets", 1, true);
        ends.must_have(segments.size() + 1);
        size_t total = 0;  // as many code points as units at most
        for (size_t i = 0; i < segments.size(); i++)
            total += static_cast<size_t>(offsets[static_cast<size_t>(segments[i]) + 1] -
                                         offsets[static_cast<size_t>(segments[i])]);
        if (total != codes.size()) refuse("codes must have " + std::to_string(total) + " elements");
        without_gil([&] {
            const utf16::Text stored = text.stored();
            uint32_t *out = codes.data(), *const limit = out + codes.size();
            ends[0] = 0;
            for (size_t i = 0; i < segments.size(); i++) {
                const int64_t* bounds = offsets.data() + segments[i];
                if (i + AHEAD < segments.size()) {
                    const int64_t* next = offsets.data() + segments[i + AHEAD];
                    stored.prefetch(next[0], static_cast<size_t>(next[1] - next[0]));
                }
                out = stored.copy(bounds[0], static_cast<size_t>(bounds[1] - bounds[0]), out, limit);
                ends[i + 1] = out - codes.data();
            }
        });
        Py_RETURN_NONE;
    });
}

PyObject* join_segments(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *folded_, *offsets_, *segments_, *groups_, *flags_, *joined_, *ends_, *begins_;
        unpack(args, "OOOOOOOO", &folded_, &offsets_, &segments_, &groups_, &flags_, &joined_, &ends_, &begins_);
        const TextsGiven given(folded_, offsets_, segments_, groups_, flags_);
        const Codes joined(joined_, "joined", 1, true);
        const Array<int64_t> ends(ends_, "joined offsets", 1, true), begins(begins_, "begins", 1, true);
        ends.must_have(given.groups.size());
        begins.must_have(given.segments.size());
        without_gil([&] {
            const signing::Columns columns(given.flags.data(), 0, 0);
            const signing::Texts texts = given.texts(columns);
            uint32_t *out = joined.data(), *const limit = out + joined.size();
            ends[0] = 0;
            for (size_t group = 0; group < given.groups.segments(); group++) {
                if (texts.most(group) > static_cast<size_t>(limit - out))
                    refuse("joined must have room for all segments, each with a blank");
                int64_t* const own = begins.data() + given.groups.begin(group);
                out = texts.join(group, joined.data(), out, limit, nullptr, own, nullptr);
                ends[group + 1] = out - joined.data();
            }
        });
        Py_RETURN_NONE;
    });
}

// --- folding ---------------------------------------------------------------------------------------------------------

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
                must_be_codes(given.codes.data() + given.offsets.begin(i), given.offsets.length(i));
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
                must_be_codes(given.codes.data() + offsets.begin(i), offsets.length(i));
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

// --- the greedy rule -------------------------------------------------------------------------------------------------

// The rule as a Python function (text, count) -> index or -1, to which the texts are shown in *shown*.
ptrdiff_t ask(PyObject* acceptable, const Array<int64_t>& shown, size_t text,
              const std::vector<greedy::Verified>& verified) {
    for (size_t i = 0; i < verified.size(); i++) shown[i] = verified[i].text;
    return with_gil([&] {
        PyObject* answer = PyObject_CallFunction(acceptable, "nn", static_cast<Py_ssize_t>(text),
                                                 static_cast<Py_ssize_t>(verified.size()));
        if (!answer) throw PythonError();
        const Py_ssize_t index = PyLong_AsSsize_t(answer);
        Py_DECREF(answer);
        if (index == -1 && PyErr_Occurred()) throw PythonError();
        if (index < -1 || index >= static_cast<Py_ssize_t>(verified.size()))
            refuse("acceptable must answer for the texts it was shown, " + std::to_string(verified.size()));
        return static_cast<ptrdiff_t>(index);
    });
}

// The rule of passages: the numbers of each text, none where *given* is None.
class NumbersGiven {
  public:
    NumbersGiven(PyObject* given, size_t texts) : texts_(texts) {
        if (given == Py_None) return;
        PyObject *numbers, *offsets;
        unpack(given, "OO", &numbers, &offsets);
        numbers_ = std::make_unique<Hashes>(numbers, "numbers");
        offsets_ = std::make_unique<Offsets>(offsets, "number offsets", numbers_->size());
        if (offsets_->segments() != texts) refuse("numbers must have a segment for each text");
    }
    bool count() const { return offsets_ != nullptr; }
    greedy::NumberSets sets() const {
        return count() ? greedy::NumberSets(numbers_->data(), offsets_->data(), texts_) : greedy::NumberSets(nullptr, nullptr, 0);
    }

  private:
    size_t texts_;
    std::unique_ptr<Hashes> numbers_;
    std::unique_ptr<Offsets> offsets_;
};

// The rule of articles, see PassagesCovered.
class CoveringGiven {
  public:
    CoveringGiven(PyObject* given, size_t texts) {
        PyObject *sets, *offsets, *folded, *folded_offsets, *longer, *longer_offsets, *masked, *masked_offsets, *flags;
        unsigned int first_wide, wide;
        int size;
        long long num, den;
        unpack(given, "OOOOOOOOO(II)i(LL)", &sets, &offsets, &folded, &folded_offsets, &longer, &longer_offsets, &masked,
               &masked_offsets, &flags, &first_wide, &wide, &size, &num, &den);
        sets_ = std::make_unique<Hashes>(sets, "sets of articles");
        offsets_ = std::make_unique<Offsets>(offsets, "offsets of articles", sets_->size());
        folded_ = std::make_unique<Codes>(folded, "folded");
        folded_offsets_ = std::make_unique<Offsets>(folded_offsets, "folded offsets", folded_->size());
        longer_ = std::make_unique<Array<int64_t>>(longer, "longer");
        longer_offsets_ = std::make_unique<Offsets>(longer_offsets, "longer offsets", longer_->size());
        masked_ = std::make_unique<Codes>(masked, "masked");
        masked_offsets_ = std::make_unique<Offsets>(masked_offsets, "masked offsets", masked_->size());
        flags_ = std::make_unique<Array<uint16_t>>(flags, "flags");
        for (const auto* segments : {offsets_.get(), longer_offsets_.get(), masked_offsets_.get()})
            if (segments->segments() != texts) refuse("articles must have a segment for each text");
        must_be_places(*longer_, "longer", folded_offsets_->segments());
        flags_->must_have(folding::CODE_POINTS);
        if (num < 1 || den < 1 || num > den || den > MOST) refuse("threshold must be above 0 and at most 1");
        if (sets_->size() > INT32_MAX) refuse("shingles must be fewer than 2**31");
        covering_ = {sets_->data(),   offsets_->data(),        folded_->data(), folded_offsets_->data(),
                     longer_->data(), longer_offsets_->data(), masked_->data(), masked_offsets_->data(),
                     flags_->data(),  first_wide, wide, static_cast<size_t>(shingle_size(size)), num, den};
    }
    const greedy::Covering& covering() const { return covering_; }
    static constexpr long long MOST = 1LL << 30;  // of a denominator: every product then fits 64 bits

  private:
    std::unique_ptr<Hashes> sets_;
    std::unique_ptr<Codes> folded_, masked_;
    std::unique_ptr<Array<int64_t>> longer_;
    std::unique_ptr<Offsets> offsets_, folded_offsets_, longer_offsets_, masked_offsets_;
    std::unique_ptr<Array<uint16_t>> flags_;
    greedy::Covering covering_{};
};

PyObject* choose(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *sets_, *offsets_, *chars_, *groups_, *fixed_, *rule_, *shown_, *numbers_, *covering_;
        PyObject *keeper_, *linked_, *shared_, *united_;
        long long num, den, short_chars, short_num, short_den, bucket;
        unpack(args, "OOOOO(LL)L(LL)LOOOO(OOOO)", &sets_, &offsets_, &chars_, &groups_, &fixed_, &num, &den,
               &short_chars, &short_num, &short_den, &bucket, &rule_, &shown_, &numbers_, &covering_, &keeper_,
               &linked_, &shared_, &united_);
        const Hashes sets(sets_, "sets");
        const Offsets offsets(offsets_, "offsets", sets.size());
        const Array<int64_t> chars(chars_, "chars"), shown(shown_, "shown", 1, true);
        const Array<int32_t> groups(groups_, "groups", 2);
        const Array<uint8_t> fixed(fixed_, "fixed");
        const Array<int64_t> keeper(keeper_, "keeper", 1, true), linked(linked_, "linked", 1, true),
            shared(shared_, "shared", 1, true), united(united_, "united", 1, true);
        const size_t texts = offsets.segments();
        for (const auto* array : {&chars, &shown, &keeper, &linked, &shared, &united}) array->must_have(texts);
        fixed.must_have(texts);
        if (groups.shape(1) != texts) refuse("groups must have the shape [bands, texts]");
        for (size_t i = 0; i < groups.size(); i++)
            if (groups[i] < -1 || groups[i] >= static_cast<int64_t>(texts))
                refuse("groups must be dense numbers or -1, found " + std::to_string(groups[i]));
        if (texts > INT32_MAX || sets.size() > INT32_MAX) refuse("texts and shingles must be fewer than 2**31");
        constexpr long long most = CoveringGiven::MOST;
        if (num < 1 || den < 1 || num > den || den > most) refuse("threshold must be above 0 and at most 1");
        if (short_num < 0 || short_den < 1 || short_num > most || short_den > most)
            refuse("short_containment must be a fraction of numbers below 2**30");
        const NumbersGiven numbers(numbers_, texts);
        std::unique_ptr<CoveringGiven> covering;
        if (covering_ != Py_None) covering = std::make_unique<CoveringGiven>(covering_, texts);
        if (rule_ == Py_None && !covering && !numbers.count()) refuse("a rule must be given");
        const greedy::Given given{sets.data(), offsets.data(), chars.data(), groups.data(), fixed.data(),
                                  texts,       groups.shape(0), num,         den,           short_chars,
                                  short_num,   short_den,       bucket};
        greedy::Chosen chosen{keeper.data(), linked.data(), shared.data(), united.data(), 0};
        const auto pause = [] {
            with_gil([] {
                if (PyErr_CheckSignals()) throw PythonError();
            });
        };
        without_gil([&] {
            if (rule_ != Py_None) {
                greedy::Asked choice([&](size_t text, const std::vector<greedy::Verified>& verified) {
                    return ask(rule_, shown, text, verified);
                });
                greedy::choose(given, choice, pause, chosen);
            } else if (covering) {
                greedy::Articles choice(covering->covering(), numbers.sets(), numbers.count());
                greedy::choose(given, choice, pause, chosen);
            } else {
                greedy::Numbers choice(numbers.sets());
                greedy::choose(given, choice, pause, chosen);
            }
        });
        return PyLong_FromLongLong(chosen.full);
    });
}

// --- components ------------------------------------------------------------------------------------------------------

PyObject* components(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *groups_, *found_;
        unpack(args, "OO", &groups_, &found_);
        const Array<int32_t> groups(groups_, "groups", 2);
        const Array<int64_t> found(found_, "components", 1, true);
        const size_t bands = groups.shape(0), texts = groups.shape(1);
        found.must_have(texts);
        if (texts > INT32_MAX) refuse("texts must be fewer than 2**31");
        without_gil([&] {
            components::Forest forest(found.data(), texts);
            for (size_t band = 0; band < bands; band++)
                if (!forest.join(groups.data() + band * texts))
                    refuse("groups must be dense numbers or -1, but are not in band " + std::to_string(band));
            forest.flatten();
        });
        Py_RETURN_NONE;
    });
}

PyObject* dense(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *groups_, *batch_, *numbered_;
        unpack(args, "OOO", &groups_, &batch_, &numbered_);
        const Array<int32_t> groups(groups_, "groups", 2), numbered(numbered_, "numbered", 2, true);
        const Array<int64_t> batch(batch_, "batch");
        const size_t bands = groups.shape(0), texts = groups.shape(1);
        if (numbered.shape(0) != bands || numbered.shape(1) != texts) refuse("numbered must have the shape of groups");
        batch.must_have(texts);
        if (texts > INT32_MAX) refuse("texts must be fewer than 2**31");
        for (size_t i = 0; i < texts; i++)
            if (batch[i] < 0 || static_cast<uint64_t>(batch[i]) >= texts) refuse("batches must be fewer than texts");
        without_gil([&] {
            std::vector<int32_t> number_of(texts), following(texts);
            for (size_t band = 0; band < bands; band++) {
                number_of.assign(texts, -1);
                following.assign(texts, 0);
                for (size_t i = 0; i < texts; i++) {
                    const int32_t group = groups[band * texts + i];
                    int32_t number = -1;
                    if (group >= 0) {
                        if (static_cast<size_t>(group) >= texts) refuse("groups must be dense numbers or -1");
                        int32_t& known = number_of[static_cast<size_t>(group)];
                        if (known < 0) known = following[static_cast<size_t>(batch[i])]++;
                        number = known;
                    } else if (group != -1) {
                        refuse("groups must be dense numbers or -1");
                    }
                    numbered[band * texts + i] = number;
                }
            }
        });
        Py_RETURN_NONE;
    });
}

// --- look-ups --------------------------------------------------------------------------------------------------------

void must_be_a_filter(const Hashes& filter) {
    if (filter.shape(1) != lookup::LINE) refuse("a filter must have lines of 8 words");
}

PyObject* filter_lines(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *keys_, *found_;
        Py_ssize_t lines, first;
        unsigned long long salt;
        unpack(args, "OnnKO", &keys_, &lines, &first, &salt, &found_);
        const Hashes keys(keys_, "keys"), found(found_, "filter lines", 2, true);
        must_be_a_filter(found);
        const size_t count = found.shape(0);
        if (lines < 0 || static_cast<uint64_t>(lines) >= lookup::MOST_LINES)
            refuse("a filter must have fewer than 2**32 lines, found " + std::to_string(lines));
        if (first < 0 || first > lines || count > static_cast<size_t>(lines - first))
            refuse("filter lines must lie within the filter of " + std::to_string(lines));
        const uint64_t begin = static_cast<uint64_t>(first), all = static_cast<uint64_t>(lines);
        without_gil([&] {
            std::fill(found.data(), found.data() + found.size(), 0);
            for (size_t i = 0; i < keys.size(); i++) {
                const uint64_t line = lookup::line_of(keys[i], all) - begin;
                if (line >= count) refuse("keys must belong into the filter lines that are asked for");
                lookup::add(found.data() + lookup::LINE * line, keys[i]);
            }
            for (size_t line = 0; line < count; line++) {
                uint64_t* words = found.data() + lookup::LINE * line;
                words[lookup::WORDS] = lookup::checksum(words, begin + line, salt);
            }
        });
        Py_RETURN_NONE;
    });
}

PyObject* filtered(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *filter_, *wanted_, *numbers_;
        unsigned long long salt;
        unpack(args, "OOKO", &filter_, &wanted_, &salt, &numbers_);
        const Hashes filter(filter_, "filter", 2), wanted(wanted_, "keys");
        const Array<int64_t> numbers(numbers_, "numbers", 1, true);
        must_be_a_filter(filter);
        numbers.must_have(wanted.size());
        if (filter.shape(0) >= lookup::MOST_LINES || (!filter.shape(0) && wanted.size()))
            refuse("a filter must have 1 to 2**32 lines, exclusive");
        size_t found = 0;
        int64_t damaged = -1;
        without_gil([&] {
            found = lookup::filtered(filter.data(), filter.shape(0), salt, wanted.data(), wanted.size(), numbers.data(),
                                     damaged);
        });
        return Py_BuildValue("nL", static_cast<Py_ssize_t>(found), static_cast<long long>(damaged));
    });
}

PyObject* find(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *blocks_, *first_, *sound_, *wanted_, *numbers_, *places_;
        Py_ssize_t entries;
        unpack(args, "OOOnOOO", &blocks_, &first_, &sound_, &entries, &wanted_, &numbers_, &places_);
        const Array<uint8_t> blocks(blocks_, "blocks"), sound(sound_, "sound");
        const Hashes first(first_, "first keys"), wanted(wanted_, "keys");
        const Array<int64_t> numbers(numbers_, "numbers", 1, true);
        const Array<uint32_t> places(places_, "places", 1, true);
        const size_t count = first.size();
        sound.must_have(count);
        places.must_have(numbers.size());
        if (blocks.size() % lookup::BLOCK_BYTES || blocks.size() / lookup::BLOCK_BYTES != count)
            refuse("blocks must have " + std::to_string(lookup::BLOCK_BYTES) + " bytes for each first key");
        if (entries < 0 || static_cast<size_t>(entries) > count * lookup::BLOCK)
            refuse("entries must be at most those of the blocks, found " + std::to_string(entries));
        ptrdiff_t hits = 0;
        without_gil([&] {
            hits = lookup::find(lookup::Blocks(blocks.data()), first.data(), sound.data(), count,
                                static_cast<size_t>(entries), wanted.data(), wanted.size(), numbers.data(),
                                places.data(), numbers.size());
        });
        return PyLong_FromSsize_t(hits);
    });
}

PyObject* merge_entries(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *keys_, *places_, *offsets_, *merged_keys_, *merged_places_;
        unpack(args, "OOOOO", &keys_, &places_, &offsets_, &merged_keys_, &merged_places_);
        const Hashes keys(keys_, "keys"), merged_keys(merged_keys_, "merged keys", 1, true);
        const Array<uint32_t> places(places_, "places"), merged_places(merged_places_, "merged places", 1, true);
        const Offsets offsets(offsets_, "offsets", keys.size());
        places.must_have(keys.size());
        merged_keys.must_have(keys.size());
        merged_places.must_have(keys.size());
        without_gil([&] {
            std::vector<lookup::Row> rows;
            for (size_t row = 0; row < offsets.segments(); row++) {
                const size_t begin = offsets.begin(row);
                if (!std::is_sorted(keys.data() + begin, keys.data() + offsets.end(row)))
                    refuse("keys must not fall, but do in row " + std::to_string(row));
                rows.push_back({keys.data() + begin, places.data() + begin, offsets.length(row)});
            }
            lookup::merge(std::move(rows), keys.size(), merged_keys.data(), merged_places.data());
        });
        Py_RETURN_NONE;
    });
}

// --- lines -----------------------------------------------------------------------------------------------------------

PyObject* marked(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *codes_, *table_, *places_;
        unpack(args, "OOO", &codes_, &table_, &places_);
        const Codes codes(codes_, "codes");
        const Array<uint8_t> table(table_, "table");
        const Array<int64_t> places(places_, "places", 1, true);
        table.must_have(folding::CODE_POINTS);
        places.must_have(codes.size());
        size_t count = 0;
        without_gil([&] {
            constexpr size_t BLOCK = 16, CHECKED = 64 * BLOCK;
            const uint8_t* const kinds = table.data();
            for (size_t at = 0; at < codes.size(); at += BLOCK) {
                const uint32_t* const some = codes.data() + at;
                const size_t stop = std::min(BLOCK, codes.size() - at);
                if (at % CHECKED == 0) must_be_codes(some, std::min(CHECKED, codes.size() - at));
                uint8_t any = stop < BLOCK;
                if (!any)  // one branch for all of them: few are marked
                    for (size_t i = 0; i < BLOCK; i++) any |= kinds[some[i]];
                for (size_t i = 0; any && i < stop; i++)
                    if (kinds[some[i]]) places[count++] = static_cast<int64_t>(at + i);
            }
        });
        return PyLong_FromSize_t(count);
    });
}

PyObject* line_feeds(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject* raw_;
        unpack(args, "O", &raw_);
        const Array<uint8_t> raw(raw_, "raw");
        size_t count = 0;
        without_gil([&] {
            constexpr size_t ACROSS = 64, DEEP = 255;  // counters of eight bits, which are summed before they are full
            size_t at = 0;
            while (raw.size() - at >= ACROSS) {
                const size_t rows = std::min(DEEP, (raw.size() - at) / ACROSS);
                const uint8_t* some = raw.data() + at;
                uint8_t found[ACROSS] = {0};
                for (size_t row = 0; row < rows; row++, some += ACROSS)
                    for (size_t i = 0; i < ACROSS; i++) found[i] = static_cast<uint8_t>(found[i] + (some[i] == lines::LF));
                for (size_t i = 0; i < ACROSS; i++) count += found[i];
                at += rows * ACROSS;
            }
            for (; at < raw.size(); at++) count += raw[at] == lines::LF;
        });
        return PyLong_FromSize_t(count);
    });
}

PyObject* line_spans(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *codes_, *offsets_, *flags_, *starts_, *content_ends_, *ends_, *is_blank_;
        unpack(args, "OOOOOOO", &codes_, &offsets_, &flags_, &starts_, &content_ends_, &ends_, &is_blank_);
        const Codes codes(codes_, "codes");
        const Offsets offsets(offsets_, "offsets", codes.size());
        const Array<uint16_t> flags(flags_, "flags");
        const Array<int64_t> starts(starts_, "starts", 1, true), content_ends(content_ends_, "content ends", 1, true);
        const Array<int64_t> ends(ends_, "ends", 1, true);
        const Array<uint8_t> is_blank(is_blank_, "is blank", 1, true);
        flags.must_have(folding::CODE_POINTS);
        for (const auto* array : {&starts, &content_ends, &ends}) array->must_have(codes.size());
        is_blank.must_have(codes.size());
        size_t count = 0;  // every line has a code point
        without_gil([&] {
            for (size_t text = 0; text < offsets.segments(); text++) {
                for (size_t start = offsets.begin(text); start < offsets.end(text);) {
                    const size_t at = start + level->loops->before_break(codes.data() + start, offsets.end(text) - start);
                    size_t end = std::min(at + 1, offsets.end(text));
                    if (at < end) must_be_code(codes[at]);
                    if (end < offsets.end(text) && codes[at] == lines::CR && codes[end] == lines::LF) end++;
                    bool shows = false;
                    for (size_t i = start; i < end && !shows; i++)
                        shows = !(flags[codes[i]] & (folding::SPACE | folding::INVISIBLE));
                    starts[count] = static_cast<int64_t>(start);
                    content_ends[count] = static_cast<int64_t>(at);
                    ends[count] = static_cast<int64_t>(end);
                    is_blank[count++] = !shows;
                    start = end;
                }
            }
        });
        return PyLong_FromSize_t(count);
    });
}

// How many code points lie in lines of a text, which may lie in any order.
size_t must_be_lines(const Array<int64_t>& starts, const Array<int64_t>& ends, size_t length) {
    ends.must_have(starts.size());
    size_t total = 0;
    for (size_t i = 0; i < starts.size(); i++) {
        if (starts[i] < 0 || ends[i] < starts[i] || static_cast<uint64_t>(ends[i]) > length)
            refuse("lines must lie within the text, but line " + std::to_string(i) + " is " +
                   std::to_string(starts[i]) + " to " + std::to_string(ends[i]) + " of " + std::to_string(length));
        total += static_cast<size_t>(ends[i] - starts[i]);
    }
    return total;
}

PyObject* outlines(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *codes_, *starts_, *ends_, *table_, *lasts_, *chars_, *signs_, *heads_;
        int openers;
        unpack(args, "OOOOiOOOO", &codes_, &starts_, &ends_, &table_, &openers, &lasts_, &chars_, &signs_, &heads_);
        const Codes codes(codes_, "codes"), table(table_, "table"), lasts(lasts_, "lasts", 1, true);
        const Array<int64_t> starts(starts_, "starts"), ends(ends_, "ends"), chars(chars_, "chars", 1, true);
        const Array<uint16_t> signs(signs_, "signs", 1, true);
        const Array<uint32_t> heads(heads_, "heads", 2, true);
        must_be_lines(starts, ends, codes.size());
        lasts.must_have(starts.size());
        chars.must_have(starts.size());
        signs.must_have(starts.size());
        heads.must_have(2 * starts.size());
        table.must_have(folding::CODE_POINTS);
        without_gil([&] {
            for (size_t i = 0; i < starts.size(); i++) {
                const uint32_t* const line = codes.data() + starts[i];
                const auto length = static_cast<size_t>(ends[i] - starts[i]);
                const lines::Outline found = lines::outline(line, length, table.data(), static_cast<uint32_t>(openers));
                lasts[i] = found.last;
                chars[i] = found.chars;
                signs[i] = static_cast<uint16_t>(found.signs);
                heads[2 * i] = found.head[0];
                heads[2 * i + 1] = found.head[1];
            }
        });
        Py_RETURN_NONE;
    });
}

PyObject* readings(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *codes_, *starts_, *ends_, *table_, *read_, *bounds_;
        unpack(args, "OOOOOO", &codes_, &starts_, &ends_, &table_, &read_, &bounds_);
        const Codes codes(codes_, "codes"), table(table_, "table");
        const Array<int64_t> starts(starts_, "starts"), ends(ends_, "ends"), bounds(bounds_, "bounds", 1, true);
        const Array<uint8_t> read(read_, "read", 1, true);
        bounds.must_have(starts.size() + 1);
        table.must_have(folding::CODE_POINTS);
        const size_t room = 4 * must_be_lines(starts, ends, codes.size()) + starts.size();
        if (read.size() < room) refuse("read must have room for " + std::to_string(room) + " bytes");
        without_gil([&] {
            uint8_t* out = read.data();
            bounds[0] = 0;
            for (size_t i = 0; i < starts.size(); i++) {
                const uint32_t* const line = codes.data() + starts[i];
                const auto length = static_cast<size_t>(ends[i] - starts[i]);
                out = lines::read_line(line, length, table.data(), out);
                bounds[i + 1] = out - read.data();
            }
        });
        Py_RETURN_NONE;
    });
}

// The segment of each of some spans, none before the one ahead of it.
void must_be_segments(const Array<int64_t>& of, const Offsets& offsets) {
    for (size_t i = 0; i < of.size(); i++)
        if (of[i] < (i ? of[i - 1] : 0) || static_cast<uint64_t>(of[i]) >= offsets.segments())
            refuse("there must be a text " + std::to_string(of[i]) + ", and texts must not fall");
}

PyObject* utf8_places(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *utf8_, *offsets_, *text_, *place_, *found_;
        unpack(args, "OOOOO", &utf8_, &offsets_, &text_, &place_, &found_);
        const Array<uint8_t> utf8(utf8_, "utf8");
        const Offsets offsets(offsets_, "offsets", utf8.size());
        const Array<int64_t> text(text_, "text"), place(place_, "place"), found(found_, "found", 1, true);
        place.must_have(text.size());
        found.must_have(text.size());
        must_be_segments(text, offsets);
        without_gil([&] {
            for (size_t i = 0; i < text.size(); i++) {
                const size_t segment = static_cast<size_t>(text[i]);
                const bool first = i == 0 || text[i] != text[i - 1];
                const int64_t before = first ? 0 : place[i - 1];
                if (place[i] < before) refuse("places must not fall, but do at " + std::to_string(i));
                // a text may begin in the midst of a code point, so that place 0 is counted too
                const size_t from = first ? offsets.begin(segment) : static_cast<size_t>(found[i - 1]);
                const size_t at =
                    utf8text::skip(utf8.data(), from, offsets.end(segment), static_cast<uint64_t>(place[i] - before));
                if (at > offsets.end(segment))
                    refuse("places must lie within the text, but " + std::to_string(place[i]) + " does not in text " +
                           std::to_string(segment));
                found[i] = static_cast<int64_t>(at);
            }
        });
        Py_RETURN_NONE;
    });
}

PyObject* cut_ends(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *utf8_, *offsets_, *text_, *starts_, *ends_, *found_;
        unpack(args, "OOOOOO", &utf8_, &offsets_, &text_, &starts_, &ends_, &found_);
        const Array<uint8_t> utf8(utf8_, "utf8");
        const Offsets offsets(offsets_, "offsets", utf8.size());
        const Array<int64_t> text(text_, "text"), starts(starts_, "starts"), ends(ends_, "ends");
        const Array<int64_t> found(found_, "found", 1, true);
        starts.must_have(text.size());
        ends.must_have(text.size());
        found.must_have(text.size());
        must_be_segments(text, offsets);
        for (size_t i = 0; i < text.size(); i++) {
            const auto segment = static_cast<size_t>(text[i]);
            const bool first = i == 0 || text[i] != text[i - 1];
            const int64_t least = first ? offsets[segment] : starts[i - 1];
            if (starts[i] < least || ends[i] < starts[i] || ends[i] > offsets[segment + 1])
                refuse("cuts must lie within the text and not fall, but cut " + std::to_string(i) + " does not");
        }
        without_gil([&] {
            for (size_t i = 0, next = 0; i < text.size(); i = next) {
                while (next < text.size() && text[next] == text[i]) next++;
                const auto segment = static_cast<size_t>(text[i]);
                utf8text::extend(utf8.data(), offsets.begin(segment), offsets.end(segment), starts.data() + i,
                             ends.data() + i, next - i, found.data() + i);
            }
        });
        Py_RETURN_NONE;
    });
}

void must_be_spans(const Array<int64_t>& starts, const Array<int64_t>& ends, size_t length) {
    ends.must_have(starts.size());
    for (size_t i = 0; i < starts.size(); i++)
        if (starts[i] < 0 || ends[i] < starts[i] || static_cast<uint64_t>(ends[i]) > length)
            refuse("spans must lie within the text, but span " + std::to_string(i) + " does not");
}

PyObject* json_offsets(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *utf8_, *starts_, *ends_, *offsets_;
        unpack(args, "OOOO", &utf8_, &starts_, &ends_, &offsets_);
        const Array<uint8_t> utf8(utf8_, "utf8");
        const Array<int64_t> starts(starts_, "starts"), ends(ends_, "ends"), offsets(offsets_, "offsets", 1, true);
        must_be_spans(starts, ends, utf8.size());
        offsets.must_have(starts.size() + 1);
        without_gil([&] {
            offsets[0] = 0;
            for (size_t i = 0; i < starts.size(); i++)
                offsets[i + 1] = offsets[i] + static_cast<int64_t>(utf8text::json_length(
                                                  utf8.data(), static_cast<size_t>(starts[i]),
                                                  static_cast<size_t>(ends[i])));
        });
        Py_RETURN_NONE;
    });
}

PyObject* json_strings(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *utf8_, *starts_, *ends_, *written_;
        unpack(args, "OOOO", &utf8_, &starts_, &ends_, &written_);
        const Array<uint8_t> utf8(utf8_, "utf8"), written(written_, "written", 1, true);
        const Array<int64_t> starts(starts_, "starts"), ends(ends_, "ends");
        must_be_spans(starts, ends, utf8.size());
        without_gil([&] {
            size_t room = written.size();
            uint8_t* out = written.data();
            for (size_t i = 0; i < starts.size(); i++) {
                const auto start = static_cast<size_t>(starts[i]), end = static_cast<size_t>(ends[i]);
                const size_t length = utf8text::json_length(utf8.data(), start, end);
                if (length > room) refuse("written must have room for all spans");
                room -= length;
                out = utf8text::put_json(utf8.data(), start, end, out);
            }
        });
        Py_RETURN_NONE;
    });
}

// How many lines there are, -1 where one is left to other parsers.
PyObject* json_texts(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *raw_, *names_, *codes_, *offsets_, *spans_;
        unpack(args, "OO!OOO", &raw_, &PyTuple_Type, &names_, &codes_, &offsets_, &spans_);
        const Array<uint8_t> raw(raw_, "raw");
        const Codes codes(codes_, "codes", 1, true);
        const Array<int64_t> offsets(offsets_, "offsets", 1, true), spans(spans_, "spans", 3, true);
        std::vector<std::string> names;
        for (Py_ssize_t i = 0; i < PyTuple_Size(names_); i++) {
            char* bytes;
            Py_ssize_t length;
            if (PyBytes_AsStringAndSize(PyTuple_GetItem(names_, i), &bytes, &length)) throw PythonError();
            names.emplace_back(bytes, static_cast<size_t>(length));
        }
        if (names.empty()) refuse("there must be a name for the text");
        codes.must_have(raw.size());
        const size_t others = names.size() - 1;
        if (offsets.size() == 0 || spans.shape(0) != offsets.size() - 1 || spans.shape(1) != others || spans.shape(2) != 2)
            refuse("spans must have the shape [lines, names but the first, 2]");
        bool plain = true;
        size_t line = 0;
        without_gil([&] {
            json::Reader reader(raw.data(), names);
            uint32_t* out = codes.data();
            offsets[0] = 0;
            for (size_t at = 0; at < raw.size() && plain; line++) {
                if (line + 1 == offsets.size()) refuse("there must be room for every line");
                plain = reader.line(at, raw.size(), out, spans.data() + 2 * others * line);
                offsets[line + 1] = out - codes.data();
            }
        });
        return PyLong_FromSsize_t(plain ? static_cast<Py_ssize_t>(line) : -1);
    });
}

PyObject* json_unquoted(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *raw_, *starts_, *ends_, *utf8_, *offsets_, *lengths_;
        unpack(args, "OOOOOO", &raw_, &starts_, &ends_, &utf8_, &offsets_, &lengths_);
        const Array<uint8_t> raw(raw_, "raw"), utf8(utf8_, "utf8", 1, true);
        const Array<int64_t> starts(starts_, "starts"), ends(ends_, "ends");
        const Array<int64_t> offsets(offsets_, "offsets", 1, true), lengths(lengths_, "lengths", 1, true);
        must_be_spans(starts, ends, raw.size());
        offsets.must_have(starts.size() + 1);
        lengths.must_have(starts.size());
        bool sound = true;
        without_gil([&] {
            json::Reader reader(raw.data(), {});
            uint8_t* out = utf8.data();
            offsets[0] = 0;
            for (size_t i = 0; i < starts.size() && sound; i++) {
                const auto begin = static_cast<size_t>(starts[i]), end = static_cast<size_t>(ends[i]);
                const uint8_t* const text = out;
                if (end - begin > utf8.size() - static_cast<size_t>(out - utf8.data()))
                    refuse("utf8 must have room for every text");
                sound = reader.text(begin, end, out);
                offsets[i + 1] = out - utf8.data();
                lengths[i] = static_cast<int64_t>(utf8text::characters(text, static_cast<size_t>(out - text)));
            }
        });
        return PyBool_FromLong(sound);
    });
}

PyObject* utf8_codes(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *utf8_, *offsets_, *codes_, *ends_;
        unpack(args, "OOOO", &utf8_, &offsets_, &codes_, &ends_);
        const Array<uint8_t> utf8(utf8_, "utf8");
        const Offsets offsets(offsets_, "offsets", utf8.size());
        const Codes codes(codes_, "codes", 1, true);
        const Array<int64_t> ends(ends_, "code offsets", 1, true);
        ends.must_have(offsets.size());
        bool sound = true;
        without_gil([&] {
            size_t count = 0;
            ends[0] = 0;
            for (size_t i = 0; i < offsets.segments() && sound; i++) {
                const Decoded some = level->loops->decoded(utf8.data() + offsets.begin(i), offsets.length(i),
                                                           codes.data() + count, codes.size() - count);
                sound = some.bytes == offsets.length(i);
                count += some.codes;
                ends[i + 1] = static_cast<int64_t>(count);
            }
        });
        return PyBool_FromLong(sound);
    });
}

PyObject* least_runs(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *utf8_, *offsets_, *found_;
        unpack(args, "OOO", &utf8_, &offsets_, &found_);
        const Array<uint8_t> utf8(utf8_, "utf8");
        const Offsets offsets(offsets_, "offsets", utf8.size());
        const Array<uint64_t> found(found_, "found", 1, true);
        found.must_have(offsets.segments());
        without_gil([&] {
            for (size_t i = 0; i < offsets.segments(); i++)
                found[i] = utf8text::least_run(utf8.data(), offsets.begin(i), offsets.end(i));
        });
        Py_RETURN_NONE;
    });
}

PyObject* templates(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *folded_, *offsets_, *flags_, *templates_, *ends_;
        unpack(args, "OOOOO", &folded_, &offsets_, &flags_, &templates_, &ends_);
        const Codes folded(folded_, "folded"), found(templates_, "templates", 1, true);
        const Offsets offsets(offsets_, "offsets", folded.size());
        const Array<uint16_t> flags(flags_, "flags");
        const Array<int64_t> ends(ends_, "template offsets", 1, true);
        flags.must_have(folding::CODE_POINTS);
        found.must_have(folded.size());  // no template is longer than its line
        ends.must_have(offsets.size());
        without_gil([&] {
            must_be_codes(folded.data(), folded.size());
            uint32_t* out = found.data();
            ends[0] = 0;
            for (size_t i = 0; i < offsets.segments(); i++) {
                out = templates::write(folded.data() + offsets.begin(i), offsets.length(i), flags.data(), out);
                ends[i + 1] = out - found.data();
            }
        });
        Py_RETURN_NONE;
    });
}

PyObject* template_starts(PyObject*, PyObject* args) {
    constexpr size_t AHEAD = 8;
    return guarded([&] {
        PyObject *folded_, *offsets_, *segments_, *flags_, *found_;
        Py_ssize_t count;
        unpack(args, "OOOOnO", &folded_, &offsets_, &segments_, &flags_, &count, &found_);
        const Text folded(folded_, "folded");
        const Array<int64_t> offsets(offsets_, "offsets"), segments(segments_, "segments");
        must_lie_within(offsets, segments, folded.size());
        const Array<uint16_t> flags(flags_, "flags");
        const Hashes found(found_, "starts", 1, true);
        flags.must_have(folding::CODE_POINTS);
        found.must_have(segments.size());
        if (count < static_cast<Py_ssize_t>(templates::SHORT_LINE))
            refuse("count must be at least " + std::to_string(templates::SHORT_LINE) + ", found " + std::to_string(count));
        without_gil([&] {
            const size_t wanted = static_cast<size_t>(count);
            const utf16::Text text = folded.stored();
            const auto begin = [&](size_t i) { return offsets[static_cast<size_t>(segments[i])]; };
            const auto length = [&](size_t i) {
                return static_cast<size_t>(offsets[static_cast<size_t>(segments[i]) + 1] - begin(i));
            };
            std::vector<uint32_t> decoded;
            for (size_t i = 0; i < segments.size(); i++) {
                if (i + AHEAD < segments.size()) {  // of each line little is read, and the wait for memory takes longest
                    const size_t read = std::min(length(i + AHEAD), wanted);
                    for (size_t at = 0; at < read; at += 16) text.prefetch(begin(i + AHEAD) + static_cast<int64_t>(at));
                }
                const auto start = [&](const auto* codes, size_t size) {
                    return templates::start(codes, size, flags.data(), wanted, refuse_code, found[i]);
                };
                if (!text.units) {
                    start(text.codes + begin(i), length(i));
                } else if (!start(text.units + begin(i), length(i))) {
                    decoded.resize(std::max(decoded.size(), length(i)));
                    uint32_t* const out = decoded.data();
                    start(out, static_cast<size_t>(text.copy(begin(i), length(i), out, out + decoded.size()) - out));
                }
            }
        });
        Py_RETURN_NONE;
    });
}

// --- instruction sets ------------------------------------------------------------------------------------------------

PyObject* levels(PyObject*, PyObject*) {
    PyObject* names = PyList_New(0);
    for (const Level& one : LEVELS) {
        if (!names || !one.runs()) continue;
        PyObject* name = PyUnicode_FromString(one.name);
        if (!name || PyList_Append(names, name)) Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

PyObject* use_level(PyObject*, PyObject* args) {
    return guarded([&] {
        const char* name;
        unpack(args, "s", &name);
        const Level* before = level;
        for (const Level& one : LEVELS)
            if (one.runs() && !std::strcmp(one.name, name)) {
                level = &one;
                return PyUnicode_FromString(before->name);
            }
        refuse(std::string(name) + " is no instruction set of this machine and build");
    });
}

PyMethodDef methods[] = {
    {"shingles", shingles, METH_VARARGS, nullptr},
    {"signatures", signatures, METH_VARARGS, nullptr},
    {"shingle_signatures", shingle_signatures, METH_VARARGS, nullptr},
    {"shingle_band_keys", shingle_band_keys, METH_VARARGS, nullptr},
    {"text_digests", text_digests, METH_VARARGS, nullptr},
    {"text_glances", text_glances, METH_VARARGS, nullptr},
    {"text_band_keys", text_band_keys, METH_VARARGS, nullptr},
    {"wanted_band_keys", wanted_band_keys, METH_VARARGS, nullptr},
    {"segment_sets", segment_sets, METH_VARARGS, nullptr},
    {"shingle_sets", shingle_sets, METH_VARARGS, nullptr},
    {"digests", digests, METH_VARARGS, nullptr},
    {"band_keys", band_keys, METH_VARARGS, nullptr},
    {"collisions", collisions, METH_VARARGS, nullptr},
    {"repeated", repeated, METH_VARARGS, nullptr},
    {"repeated_bands", repeated_bands, METH_VARARGS, nullptr},
    {"repeated_in_runs", repeated_in_runs, METH_VARARGS, nullptr},
    {"intersections", intersections, METH_VARARGS, nullptr},
    {"taken_offsets", taken_offsets, METH_VARARGS, nullptr},
    {"take_segments", take_segments, METH_VARARGS, nullptr},
    {"to_utf16", to_utf16, METH_VARARGS, nullptr},
    {"take_codes", take_codes, METH_VARARGS, nullptr},
    {"join_segments", join_segments, METH_VARARGS, nullptr},
    {"pack_table", pack_table, METH_VARARGS, nullptr},
    {"fold", fold, METH_VARARGS, nullptr},
    {"fold_to_utf16", fold_to_utf16, METH_VARARGS, nullptr},
    {"fill_in", fill_in, METH_VARARGS, nullptr},
    {"columns", columns, METH_VARARGS, nullptr},
    {"widths", widths, METH_VARARGS, nullptr},
    {"number_tokens", number_tokens, METH_VARARGS, nullptr},
    {"dense", dense, METH_VARARGS, nullptr},
    {"components", components, METH_VARARGS, nullptr},
    {"filter_lines", filter_lines, METH_VARARGS, nullptr},
    {"filtered", filtered, METH_VARARGS, nullptr},
    {"find", find, METH_VARARGS, nullptr},
    {"merge_entries", merge_entries, METH_VARARGS, nullptr},
    {"choose", choose, METH_VARARGS, nullptr},
    {"marked", marked, METH_VARARGS, nullptr},
    {"line_feeds", line_feeds, METH_VARARGS, nullptr},
    {"line_spans", line_spans, METH_VARARGS, nullptr},
    {"outlines", outlines, METH_VARARGS, nullptr},
    {"readings", readings, METH_VARARGS, nullptr},
    {"template_starts", template_starts, METH_VARARGS, nullptr},
    {"templates", templates, METH_VARARGS, nullptr},
    {"utf8_places", utf8_places, METH_VARARGS, nullptr},
    {"cut_ends", cut_ends, METH_VARARGS, nullptr},
    {"json_offsets", json_offsets, METH_VARARGS, nullptr},
    {"json_strings", json_strings, METH_VARARGS, nullptr},
    {"json_texts", json_texts, METH_VARARGS, nullptr},
    {"json_unquoted", json_unquoted, METH_VARARGS, nullptr},
    {"utf8_codes", utf8_codes, METH_VARARGS, nullptr},
    {"least_runs", least_runs, METH_VARARGS, nullptr},
    {"levels", levels, METH_NOARGS, nullptr},
    {"use_level", use_level, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", "The compiled kernel; see native.py.", -1, methods, nullptr,
                      nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__native() {
    for (const Level& one : LEVELS)
        if (one.runs()) {
            level = &one;
            break;
        }
    return PyModule_Create(&module);
}
