// What all functions of the module do with what they are handed.

#pragma once

#include <memory>
#include <optional>
#include "../arrays.h"
#include "../fold.h"
#include "../levels.h"
#include "../utf16.h"

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

template <class Number>
void must_be_places(const Array<Number>& places, const char* name, size_t count) {
    for (size_t i = 0; i < places.size(); i++)
        if (places[i] < 0 || static_cast<size_t>(places[i]) >= count)
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

}  // namespace
