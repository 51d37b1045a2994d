// Templates of lines.

#pragma once

#include "../templates.h"
#include "given.h"

namespace {

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

// Hands *told* the start of the template of each of some lines, but for those that *skip* takes, and its number.
template <class Skip, class Told>
void tell_starts(const Text& folded, const Array<int64_t>& offsets, const Array<int64_t>& segments, const uint16_t* flags,
                 size_t wanted, Skip skip, Told told) {
    constexpr size_t AHEAD = 12;
    const utf16::Text text = folded.stored();
    const auto begin = [&](size_t i) { return offsets[static_cast<size_t>(segments[i])]; };
    const auto length = [&](size_t i) {
        return static_cast<size_t>(offsets[static_cast<size_t>(segments[i]) + 1] - begin(i));
    };
    std::vector<uint32_t> decoded;
    for (size_t i = 0; i < segments.size(); i++) {
        if (i + AHEAD < segments.size()) {  // of each line little is read, and the wait for memory takes longest
            const size_t read = std::min(length(i + AHEAD), 2 * wanted);
            for (size_t at = 0; at < read; at += 16) text.prefetch(begin(i + AHEAD) + static_cast<int64_t>(at));
        }
        if (text.units && skip(text.units + begin(i), length(i))) continue;
        uint64_t found;
        const auto start = [&](const auto* codes, size_t size) {
            return templates::start(codes, size, flags, wanted, refuse_code, found);
        };
        if (!text.units) {
            start(text.codes + begin(i), length(i));
        } else if (!start(text.units + begin(i), length(i))) {
            decoded.resize(std::max(decoded.size(), length(i)));
            uint32_t* const out = decoded.data();
            start(out, static_cast<size_t>(text.copy(begin(i), length(i), out, out + decoded.size()) - out));
        }
        told(i, found);
    }
}

size_t start_length(Py_ssize_t count) {
    if (count < static_cast<Py_ssize_t>(templates::SHORT_LINE))
        refuse("count must be at least " + std::to_string(templates::SHORT_LINE) + ", found " + std::to_string(count));
    return static_cast<size_t>(count);
}

PyObject* template_starts(PyObject*, PyObject* args) {
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
        const size_t wanted = start_length(count);
        without_gil([&] {
            tell_starts(folded, offsets, segments, flags.data(), wanted, [](const uint16_t*, size_t) { return false; },
                        [&](size_t i, uint64_t start) { found[i] = start; });
        });
        Py_RETURN_NONE;
    });
}

PyObject* starts_among(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *folded_, *offsets_, *segments_, *flags_, *starts_, *found_;
        Py_ssize_t count;
        unpack(args, "OOOOnOO", &folded_, &offsets_, &segments_, &flags_, &count, &starts_, &found_);
        const Text folded(folded_, "folded");
        const Array<int64_t> offsets(offsets_, "offsets"), segments(segments_, "segments");
        must_lie_within(offsets, segments, folded.size());
        const Array<uint16_t> flags(flags_, "flags");
        const Hashes rising(starts_, "starts");
        const Array<uint8_t> found(found_, "found", 1, true);
        flags.must_have(folding::CODE_POINTS);
        found.must_have(segments.size());
        const size_t wanted = start_length(count);
        without_gil([&] {
            for (size_t i = 1; i < rising.size(); i++)
                if (rising[i] < rising[i - 1]) refuse("starts must not fall, but do at " + std::to_string(i));
            const templates::Starts starts(rising.data(), rising.size(), flags.data());
            std::fill(found.data(), found.data() + found.size(), 0);
            tell_starts(folded, offsets, segments, flags.data(), wanted,
                        [&](const uint16_t* units, size_t size) { return starts.are_others(units, size, wanted); },
                        [&](size_t i, uint64_t start) { found[i] = !start || starts.has(start); });
        });
        Py_RETURN_NONE;
    });
}

}  // namespace
