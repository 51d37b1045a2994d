// Segments taken, joined and put into UTF-16.

#pragma once

#include "given.h"
#include "signing.h"

namespace {

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

}  // namespace
