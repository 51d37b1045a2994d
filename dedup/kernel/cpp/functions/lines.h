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

// The spans of one text: where they stand, and what those of them that are cut take along.
class SpansOfText {
  public:
    SpansOfText(const Array<uint8_t>& utf8, const Array<int64_t>& starts, const Array<int64_t>& ends,
                const Array<uint8_t>& taken, const Array<int64_t>& from, const Array<int64_t>& to,
                const Array<int64_t>& new_ends)
        : utf8_(utf8.data()), starts_(starts), ends_(ends), taken_(taken), from_(from), to_(to), new_ends_(new_ends) {}

    // Those numbered *first* to *last* in the text that is *begin* to *end*.
    void place(size_t first, size_t last, size_t begin, size_t end) {
        // a text may begin in the midst of a code point, so that place 0 is counted too
        Place start{0, begin}, furthest{0, begin};
        cut_.clear();
        cut_from_.clear();
        cut_to_.clear();
        for (size_t i = first; i < last; i++) {
            if (starts_[i] < start.character || ends_[i] < starts_[i])
                refuse("starts must not fall, nor ends lie before them, but do at " + std::to_string(i));
            start = reached(furthest.character <= starts_[i] ? furthest : start, starts_[i], end);
            const bool beyond = furthest.character <= ends_[i];
            const Place stop = reached(beyond && furthest.character > starts_[i] ? furthest : start, ends_[i], end);
            if (beyond) furthest = stop;
            from_[i] = static_cast<int64_t>(start.byte);
            to_[i] = static_cast<int64_t>(stop.byte);
            new_ends_[i] = ends_[i];
            if (!taken_[i]) continue;
            cut_.push_back(i);
            cut_from_.push_back(from_[i]);
            cut_to_.push_back(to_[i]);
        }
        cut_ends_.resize(cut_.size());
        utf8text::extend(utf8_, begin, end, cut_from_.data(), cut_to_.data(), cut_.size(), cut_ends_.data());
        for (size_t k = 0; k < cut_.size(); k++) {
            const auto more = static_cast<size_t>(cut_ends_[k] - cut_to_[k]);
            new_ends_[cut_[k]] += static_cast<int64_t>(utf8text::characters(utf8_ + cut_to_[k], more));
            to_[cut_[k]] = cut_ends_[k];
        }
    }

  private:
    struct Place {
        int64_t character;
        size_t byte;
    };

    Place reached(const Place& before, int64_t character, size_t end) const {
        const size_t byte =
            utf8text::skip(utf8_, before.byte, end, static_cast<uint64_t>(character - before.character));
        if (byte > end) refuse("spans must lie within the text, but " + std::to_string(character) + " does not");
        return {character, byte};
    }

    const uint8_t* utf8_;
    const Array<int64_t>&starts_, &ends_;
    const Array<uint8_t>& taken_;
    const Array<int64_t>&from_, &to_, &new_ends_;
    std::vector<size_t> cut_;
    std::vector<int64_t> cut_from_, cut_to_, cut_ends_;
};

PyObject* span_places(PyObject*, PyObject* args) {
    return guarded([&] {
        PyObject *utf8_, *offsets_, *text_, *starts_, *ends_, *taken_, *new_ends_, *from_, *to_;
        unpack(args, "OOOOOOOOO", &utf8_, &offsets_, &text_, &starts_, &ends_, &taken_, &new_ends_, &from_, &to_);
        const Array<uint8_t> utf8(utf8_, "utf8"), taken(taken_, "taken");
        const Offsets offsets(offsets_, "offsets", utf8.size());
        const Array<int64_t> text(text_, "text"), starts(starts_, "starts"), ends(ends_, "ends");
        const Array<int64_t> new_ends(new_ends_, "new ends", 1, true), from(from_, "from", 1, true), to(to_, "to", 1, true);
        for (const auto* of : {&starts, &ends, &new_ends, &from, &to}) of->must_have(text.size());
        taken.must_have(text.size());
        must_be_segments(text, offsets);
        without_gil([&] {
            SpansOfText spans(utf8, starts, ends, taken, from, to, new_ends);
            for (size_t i = 0, next = 0; i < text.size(); i = next) {
                while (next < text.size() && text[next] == text[i]) next++;
                const auto segment = static_cast<size_t>(text[i]);
                spans.place(i, next, offsets.begin(segment), offsets.end(segment));
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
