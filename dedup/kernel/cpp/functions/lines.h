// Lines of texts, and their places in UTF-8.

#pragma once

#include "../lines.h"
#include "../utf8.h"
#include "given.h"

namespace {

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

// Chains of signs are found as words are by shift-and (Baeza-Yates & Gonnet 1992).
PyObject* outlines(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *codes_, *offsets_, *signs_, *kinds_, *beginnings_, *endings_, *first_, *starts_, *content_ends_, *ends_;
        PyObject *chars_, *lasts_, *told_, *began_, *ended_, *marked_;
        unsigned short openers;
        unpack(args, "OOOHOOO(OOOOOOOOOO)", &codes_, &offsets_, &signs_, &openers, &kinds_, &beginnings_, &endings_,
               &first_, &starts_, &content_ends_, &ends_, &chars_, &lasts_, &told_, &began_, &ended_, &marked_);
        const Codes codes(codes_, "codes"), lasts(lasts_, "lasts", 1, true);
        const Offsets offsets(offsets_, "offsets", codes.size());
        const Array<uint16_t> signs(signs_, "signs of code points"), kinds(kinds_, "kinds"), told(told_, "signs", 1, true);
        const Array<uint8_t> of_beginnings(beginnings_, "beginnings of kinds", 2), of_endings(endings_, "endings of code points");
        const Array<uint8_t> began(began_, "beginnings", 1, true), ended(ended_, "endings", 1, true);
        const Array<int64_t> first(first_, "first lines", 1, true), starts(starts_, "starts", 1, true);
        const Array<int64_t> content_ends(content_ends_, "content ends", 1, true), ends(ends_, "ends", 1, true);
        const Array<int64_t> chars(chars_, "chars", 1, true), marked(marked_, "marked", 1, true);
        signs.must_have(folding::CODE_POINTS);
        kinds.must_have(folding::CODE_POINTS);
        of_endings.must_have(folding::CODE_POINTS);
        const size_t count = of_beginnings.shape(0);
        if (count == 0 || of_beginnings.shape(1) != count) refuse("beginnings must be told of every two kinds, and there must be some");
        first.must_have(offsets.size());
        for (const auto* array : {&starts, &content_ends, &ends, &chars, &marked}) array->must_have(codes.size());
        for (const auto* array : {&began, &ended}) array->must_have(codes.size());
        lasts.must_have(codes.size());
        told.must_have(codes.size());
        openers &= SIGNS;
        const lines::Table table{signs.data(), openers, kinds.data(), count, of_beginnings.data(), of_endings.data()};
        size_t found = 0, marks = 0;  // every line has a code point
        without_gil([&] {
            const auto mark = [&](size_t from, size_t to) {
                for (size_t i = from; i < to; i++)
                    if (table.signs[codes[i]] & MARKED) marked[marks++] = static_cast<int64_t>(i);
            };
            for (size_t text = 0; text < offsets.segments(); text++) {
                first[text] = static_cast<int64_t>(found);
                const size_t stop = offsets.end(text);
                for (size_t start = offsets.begin(text); start < stop;) {
                    Reading line;
                    size_t at = start;
                    for (bool more = true; more;) {
                        const size_t some = std::min(READ, stop - at);
                        const size_t seen =
                            level->loops->outline_some(codes.data() + at, some, codes.size() - at, table.signs, openers, line);
                        if (line.every & MARKED) mark(at, at + seen);
                        at += seen;
                        more = seen == some && at < stop;
                    }
                    size_t end = std::min(at + 1, stop);
                    if (at < end) must_be_code(codes[at]);
                    if (end < stop && codes[at] == lines::CR && codes[end] == lines::LF) end++;
                    mark(at, end);
                    if (line.blank && line.chars) line.chars--;
                    if (line.chars) {
                        const lines::Ends of = lines::ends_of(codes.data() + start, at - start, table);
                        starts[found] = static_cast<int64_t>(start);
                        content_ends[found] = static_cast<int64_t>(at);
                        ends[found] = static_cast<int64_t>(end);
                        chars[found] = line.chars;
                        lasts[found] = of.last;
                        told[found] = line.signs;
                        began[found] = of.beginning;
                        ended[found++] = of.ending;
                    }
                    start = end;
                }
            }
            first[offsets.segments()] = static_cast<int64_t>(found);
        });
        return Py_BuildValue("nn", static_cast<Py_ssize_t>(found), static_cast<Py_ssize_t>(marks));
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
