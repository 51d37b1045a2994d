// Arrays as Python hands them over: buffers whose type, shape and layout are checked, offsets that are never trusted.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

struct PythonError {};  // a Python exception is set

[[noreturn]] inline void refuse(const std::string& message) { throw std::invalid_argument(message); }

template <class T>
struct Kind;
template <>
struct Kind<uint8_t> { static constexpr const char *codes = "B?", *name = "uint8"; };
template <>
struct Kind<uint16_t> { static constexpr const char *codes = "H", *name = "uint16"; };
template <>
struct Kind<uint32_t> { static constexpr const char *codes = "IL", *name = "uint32"; };
template <>
struct Kind<uint64_t> { static constexpr const char *codes = "LQ", *name = "uint64"; };
template <>
struct Kind<int32_t> { static constexpr const char *codes = "il", *name = "int32"; };
template <>
struct Kind<int64_t> { static constexpr const char *codes = "lq", *name = "int64"; };

// A C-contiguous array of T in *dimensions* dimensions; held for the life of the object.
template <class T>
class Array {
  public:
    Array(PyObject* object, const char* name, int dimensions = 1, bool writable = false) : name_(name) {
        if (PyObject_GetBuffer(object, &view_, PyBUF_FORMAT | PyBUF_ND | (writable ? PyBUF_WRITABLE : 0))) {
            PyErr_Clear();  // NumPy says BufferError for what does not lie in a row
            refuse(std::string(name) + " must be a" + (writable ? " writable" : "") + " C-contiguous array");
        }
        const char* format = view_.format ? view_.format : "B";
        if (std::strlen(format) != 1 || !std::strchr(Kind<T>::codes, *format) || view_.itemsize != sizeof(T)) {
            const std::string found = format;
            PyBuffer_Release(&view_);
            refuse(std::string(name) + " must be of dtype " + Kind<T>::name + ", found buffer format " + found);
        }
        if (view_.ndim != dimensions) {
            const int found = view_.ndim;
            PyBuffer_Release(&view_);
            refuse(std::string(name) + " must have " + std::to_string(dimensions) + " dimensions, found " +
                   std::to_string(found));
        }
    }
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;
    ~Array() { PyBuffer_Release(&view_); }

    T* data() const { return static_cast<T*>(view_.buf); }
    size_t size() const { return static_cast<size_t>(view_.len) / sizeof(T); }
    size_t shape(int axis) const { return static_cast<size_t>(view_.shape[axis]); }
    T& operator[](size_t i) const { return data()[i]; }
    void must_have(size_t count) const {
        if (size() != count)
            refuse(std::string(name_) + " must have " + std::to_string(count) + " elements, found " +
                   std::to_string(size()));
    }

  private:
    Py_buffer view_;
    const char* name_;
};

// Any array of one dimension whose elements lie in a row, as bytes.
class Bytes {
  public:
    Bytes(PyObject* object, const char* name, bool writable = false) {
        if (PyObject_GetBuffer(object, &view_, PyBUF_ND | (writable ? PyBUF_WRITABLE : 0))) {
            PyErr_Clear();
            refuse(std::string(name) + " must be a C-contiguous array");
        }
        if (view_.ndim != 1 || view_.itemsize < 1) {
            PyBuffer_Release(&view_);
            refuse(std::string(name) + " must have one dimension");
        }
    }
    Bytes(const Bytes&) = delete;
    Bytes& operator=(const Bytes&) = delete;
    ~Bytes() { PyBuffer_Release(&view_); }
    char* data() const { return static_cast<char*>(view_.buf); }
    size_t itemsize() const { return static_cast<size_t>(view_.itemsize); }
    size_t size() const { return static_cast<size_t>(view_.len) / itemsize(); }

  private:
    Py_buffer view_;
};

// The offsets of a segment array over *elements* elements: they begin at 0, never fall and end where the array does.
class Offsets : public Array<int64_t> {
  public:
    Offsets(PyObject* object, const char* name, size_t elements) : Array(object, name) {
        const std::string who = name;
        if (size() == 0) refuse(who + " must have one element more than there are segments, found none");
        if ((*this)[0] != 0) refuse(who + " must begin with 0, found " + std::to_string((*this)[0]));
        for (size_t i = 1; i < size(); i++)
            if ((*this)[i] < (*this)[i - 1]) refuse(who + " must not fall, but do at " + std::to_string(i));
        if (static_cast<uint64_t>((*this)[size() - 1]) != elements)
            refuse(who + " must end with " + std::to_string(elements) + ", the length of the array, found " +
                   std::to_string((*this)[size() - 1]));
    }
    size_t segments() const { return size() - 1; }
    size_t begin(size_t segment) const { return static_cast<size_t>((*this)[segment]); }
    size_t end(size_t segment) const { return static_cast<size_t>((*this)[segment + 1]); }
    size_t length(size_t segment) const { return end(segment) - begin(segment); }
};

// Runs *work* while other Python threads run.
template <class Work>
void without_gil(Work work) {
    PyThreadState* state = PyEval_SaveThread();
    try {
        work();
    } catch (...) {
        PyEval_RestoreThread(state);
        throw;
    }
    PyEval_RestoreThread(state);
}

// Runs *work*, which runs without the GIL, with it: for calls back into Python.
template <class Work>
auto with_gil(Work work) {
    struct Held {
        PyGILState_STATE state = PyGILState_Ensure();
        ~Held() { PyGILState_Release(state); }
    } held;
    return work();
}
