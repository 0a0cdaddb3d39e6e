// Dicts of the same keys, one a row, from keys to Python floats.
//
// A copy of a dict is made at its final size, its keys in place. Setting three values takes longer than that: each key is
// hashed, looked up, and found where it was in the row before. CPython does not tell where that is, so it is found out
// once, by trying; if it could not be, values are set as usual. The values of many rows are few where a forest votes: of
// those met last, the Python floats are kept and shared.
#pragma once

#include <bit>
#include <vector>

#include "numpy_api.h"

namespace celeris {

// Python floats by their value, of which each shares a place with many. Where values do not come back, looking for them
// is given up for the rest of the rows.
class MetFloats {
public:
    MetFloats() = default;
    MetFloats(const MetFloats &) = delete;
    MetFloats &operator=(const MetFloats &) = delete;
    ~MetFloats() {
        for (const Met &each : met_) Py_XDECREF(each.number);
    }

    // Other rows follow.
    void start() { credit_ = 64; }

    // A new reference; null with a Python error set.
    PyObject *get(float value) {
#ifdef Py_GIL_DISABLED
        return PyFloat_FromDouble(double(value));
#else
        if (credit_ == 0) return PyFloat_FromDouble(double(value));
        const auto bits = std::bit_cast<uint32_t>(value);
        Met &each = met_[bits * 0x9e3779b1u >> 24];  // Knuth's multiplicative hashing (TAOCP 6.4)
        const bool met = each.number != nullptr && each.bits == bits;
        credit_ += met ? 1 : -1;
        if (!met) {
            PyObject *number = PyFloat_FromDouble(double(value));
            if (number == nullptr) return nullptr;
            Py_XDECREF(each.number);
            each = {number, bits};
        }
        Py_INCREF(each.number);
        return each.number;
#endif
    }

private:
    struct Met {
        PyObject *number = nullptr;
        uint32_t bits = 0;
    };
    Met met_[256];
    int64_t credit_ = 0;
};

class RowDicts {
public:
    // keys ascending; columns[i]: where the values of keys[i] stand in a row. Keeps references.
    RowDicts(std::vector<PyObject *> keys, std::vector<int64_t> columns)
        : keys_(std::move(keys)), columns_(std::move(columns)), like_(PyDict_New()) {
        for (PyObject *key : keys_) Py_INCREF(key);
        for (size_t k = 0; like_ != nullptr && k < keys_.size(); ++k)
            if (PyDict_SetItem(like_, keys_[k], Py_None) != 0) Py_CLEAR(like_);
        if (!find_places()) places_.clear();
        PyErr_Clear();
    }
    RowDicts(const RowDicts &) = delete;
    RowDicts &operator=(const RowDicts &) = delete;
    ~RowDicts() {
        for (PyObject *key : keys_) Py_DECREF(key);
        Py_XDECREF(like_);
    }

    size_t size() const { return keys_.size(); }

    // A new list of dicts, one of each row of x [rows, columns]; null with a Python error set.
    PyObject *list(const float *x, Py_ssize_t rows, Py_ssize_t columns) {
        PyObject *made = PyList_New(rows);
        floats_.start();
        for (Py_ssize_t r = 0; made != nullptr && r < rows; ++r) {
            if (PyObject *row = dict(x + r * columns))
                PyList_SET_ITEM(made, r, row);
            else
                Py_CLEAR(made);
        }
        return made;
    }

private:
    PyObject *dict(const float *row) {
        PyObject *made = like_ == nullptr ? PyDict_New() : PyDict_Copy(like_);
        for (size_t k = 0; made != nullptr && k < keys_.size(); ++k) {
            PyObject *number = floats_.get(row[columns_[k]]);
            if (number == nullptr || !set(made, k, number)) Py_CLEAR(made);
        }
        return made;
    }

    static PyObject **table(PyObject *dict) {
        return reinterpret_cast<PyObject **>(reinterpret_cast<PyDictObject *>(dict)->ma_keys);
    }

    // Takes over the reference to `value`.
    bool set(PyObject *dict, size_t k, PyObject *value) const {
        if (!places_.empty()) {
            PyObject *none = table(dict)[places_[k]];
            table(dict)[places_[k]] = value;
            Py_DECREF(none);
            return true;
        }
        const bool ok = PyDict_SetItem(dict, keys_[k], value) == 0;
        Py_DECREF(value);
        return ok;
    }

    // Where each key's value stands in the table of a copy; false where that does not come out, perhaps with an error set.
    bool find_places() {
#ifdef Py_GIL_DISABLED
        return false;
#else
        PyObject *told = like_ == nullptr ? nullptr : PyObject_CallMethod(like_, "__sizeof__", nullptr);
        const Py_ssize_t bytes = told == nullptr ? 0 : PyLong_AsSsize_t(told) - Py_TYPE(like_)->tp_basicsize;
        Py_XDECREF(told);
        PyObject *copy = bytes > 0 ? PyDict_Copy(like_) : nullptr;
        bool found = copy != nullptr && size_t(PyDict_GET_SIZE(copy)) == keys_.size();
        for (size_t k = 0; found && k < keys_.size(); ++k) {
            PyObject *mark = PyList_New(0);
            found = mark != nullptr && PyDict_SetItem(copy, keys_[k], mark) == 0;
            size_t at = 0;
            while (found && at < size_t(bytes) / sizeof mark && table(copy)[at] != mark) ++at;
            found = found && at < size_t(bytes) / sizeof mark;
            places_.push_back(at);
            Py_XDECREF(mark);
        }
        Py_XDECREF(copy);
        // The proof: what is placed in another copy is what its keys give.
        copy = found ? PyDict_Copy(like_) : nullptr;
        for (size_t k = 0; copy != nullptr && found && k < keys_.size(); ++k) {
            found = table(copy)[places_[k]] == Py_None;
            PyObject *mark = found ? PyList_New(0) : nullptr;
            found = mark != nullptr && set(copy, k, mark) && PyDict_GetItemWithError(copy, keys_[k]) == mark;
        }
        Py_XDECREF(copy);
        return found && copy != nullptr;
#endif
    }

    std::vector<PyObject *> keys_;
    std::vector<int64_t> columns_;
    MetFloats floats_;
    PyObject *like_;              // the keys, and None for each
    std::vector<size_t> places_;  // by key, in pointers from the beginning of a copy's table; empty: not known
};

}  // namespace celeris
