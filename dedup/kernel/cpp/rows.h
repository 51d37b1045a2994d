// Rows that are put together from columns: row_reference.py.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "arrays.h"
#include "utf8.h"

namespace rows {

constexpr size_t DIGITS = 20;  // of the longest number, or a sign and 19 of them

// The digits of a number, with its sign, end at *end*; where they begin.
inline char* put_number(int64_t number, char* end) {
    uint64_t rest = number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
    do *--end = static_cast<char>('0' + rest % 10);
    while (rest /= 10);
    if (number < 0) *--end = '-';
    return end;
}

inline size_t number_length(int64_t number) {
    uint64_t rest = number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
    size_t length = number < 0 ? 2 : 1;
    for (; rest >= 10; rest /= 10) length++;
    return length;
}

// One part of each row.
class Column {
  public:
    // A bytes object, the same for all rows; an array of numbers; (True, text, starts, ends) of what is quoted; or
    // (False, text, offsets, which) of pieces.
    explicit Column(PyObject* column) {
        if (PyBytes_Check(column)) {
            kind_ = LITERAL;
            char* bytes;
            Py_ssize_t length;
            if (PyBytes_AsStringAndSize(column, &bytes, &length)) throw PythonError();
            flat_ = reinterpret_cast<const uint8_t*>(bytes);
            size_ = static_cast<size_t>(length);
        } else if (PyTuple_Check(column)) {
            int quoted;
            PyObject *flat, *one, *other;
            if (!PyArg_ParseTuple(column, "pOOO", &quoted, &flat, &one, &other)) throw PythonError();
            kind_ = quoted ? QUOTED : PICKED;
            bytes_ = std::make_unique<Array<uint8_t>>(flat, "the text of a column");
            one_ = std::make_unique<Array<int64_t>>(one, quoted ? "starts" : "offsets");
            other_ = std::make_unique<Array<int64_t>>(other, quoted ? "ends" : "which");
            flat_ = bytes_->data();
            size_ = bytes_->size();
        } else {
            kind_ = NUMBER;
            other_ = std::make_unique<Array<int64_t>>(column, "numbers");
        }
    }

    void must_have(size_t count) const {
        if (kind_ != LITERAL) other_->must_have(count);
        if (kind_ == QUOTED) one_->must_have(count);
    }

    // How many bytes it takes in a row; refuses what does not lie where it must.
    size_t length(size_t row) const {
        if (kind_ == LITERAL) return size_;
        if (kind_ == NUMBER) return number_length((*other_)[row]);
        const int64_t which = (*other_)[row];
        if (kind_ == PICKED && (which < 0 || static_cast<uint64_t>(which) + 1 >= one_->size()))
            refuse("there must be a piece " + std::to_string(which));
        const auto [begin, end] = bounds(row);
        if (begin < 0 || end < begin || static_cast<uint64_t>(end) > size_)
            refuse("what goes into rows must lie within its text, but row " + std::to_string(row) + " does not");
        const auto from = static_cast<size_t>(begin), to = static_cast<size_t>(end);
        return kind_ == QUOTED ? utf8text::json_length(flat_, from, to) : to - from;
    }

    // Writes it; there is room for as much as `length` said.
    uint8_t* put(size_t row, uint8_t* out) const {
        if (kind_ == NUMBER) {
            char digits[DIGITS];
            const char* const begin = put_number((*other_)[row], digits + DIGITS);
            const auto count = static_cast<size_t>(digits + DIGITS - begin);
            std::memcpy(out, begin, count);
            return out + count;
        }
        size_t from = 0, to = size_;
        if (kind_ != LITERAL) {
            const auto [begin, end] = bounds(row);
            from = static_cast<size_t>(begin);
            to = static_cast<size_t>(end);
        }
        if (kind_ == QUOTED) return utf8text::put_json(flat_, from, to, out);
        if (to > from) std::memcpy(out, flat_ + from, to - from);
        return out + (to - from);
    }

  private:
    struct Bounds {
        int64_t begin, end;
    };
    Bounds bounds(size_t row) const {
        if (kind_ == QUOTED) return {(*one_)[row], (*other_)[row]};
        const auto which = static_cast<size_t>((*other_)[row]);
        return {(*one_)[which], (*one_)[which + 1]};
    }

    enum { LITERAL, NUMBER, PICKED, QUOTED } kind_;
    const uint8_t* flat_ = nullptr;
    size_t size_ = 0;
    std::unique_ptr<Array<uint8_t>> bytes_;
    std::unique_ptr<Array<int64_t>> one_, other_;
};

}  // namespace rows
