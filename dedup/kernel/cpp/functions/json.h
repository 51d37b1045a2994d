// Records of JSON that are read; rows.h writes some.

#pragma once

#include "../json.h"
#include "../utf8.h"
#include "given.h"

namespace {

void must_be_spans(const Array<int64_t>& starts, const Array<int64_t>& ends, size_t length) {
    ends.must_have(starts.size());
    for (size_t i = 0; i < starts.size(); i++)
        if (starts[i] < 0 || ends[i] < starts[i] || static_cast<uint64_t>(ends[i]) > length)
            refuse("spans must lie within the text, but span " + std::to_string(i) + " does not");
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

}  // namespace
