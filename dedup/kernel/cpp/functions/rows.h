// Rows put together from columns.

#pragma once

#include <algorithm>
#include <vector>

#include "../rows.h"
#include "given.h"

namespace {

// The rows as bytes, whose length is known only once they have been gone over: fills *offsets* alone.
PyObject* joined_rows(PyObject*, PyObject* args) {
    return guarded([&]() -> PyObject* {
        PyObject *columns_, *offsets_;
        unpack(args, "O!O", &PyTuple_Type, &columns_, &offsets_);
        const Array<int64_t> offsets(offsets_, "offsets", 1, true);
        if (offsets.size() == 0) refuse("offsets must have one element more than there are rows, found none");
        const size_t count = offsets.size() - 1;
        std::vector<rows::Column> columns;
        columns.reserve(static_cast<size_t>(PyTuple_Size(columns_)));
        for (Py_ssize_t i = 0; i < PyTuple_Size(columns_); i++) {
            columns.emplace_back(PyTuple_GetItem(columns_, i));
            columns.back().must_have(count);
        }
        std::vector<int64_t> ends(count);  // offsets are written last: they might lie in the memory of a column
        size_t total = 0;
        without_gil([&] {
            for (size_t row = 0; row < count; row++) {
                for (const rows::Column& column : columns) {
                    const size_t length = column.length(row);
                    if (length > static_cast<size_t>(PY_SSIZE_T_MAX) - total)
                        refuse("rows must hold fewer bytes together than can be counted");
                    total += length;
                }
                ends[row] = static_cast<int64_t>(total);
            }
        });
        PyObject* const joined = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(total));
        if (!joined) throw PythonError();
        auto* out = reinterpret_cast<uint8_t*>(PyBytes_AsString(joined));
        without_gil([&] {
            for (size_t row = 0; row < count; row++)
                for (const rows::Column& column : columns) out = column.put(row, out);
            offsets[0] = 0;
            std::copy(ends.begin(), ends.end(), offsets.data() + 1);
        });
        return joined;
    });
}

}  // namespace
