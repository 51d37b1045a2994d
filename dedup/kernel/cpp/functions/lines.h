// Lines of texts, and their places in UTF-8.

#pragma once

#include "../lines.h"
#include "../utf8.h"
#include "given.h"

namespace {

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

}  // namespace
