#include "frames/records.h"

#include <cmath>
#include <limits>

namespace celeris {
namespace {

int number_of(Type t) {
    switch (t) {
        case Type::f32: return NPY_FLOAT32;
        case Type::f64: return NPY_FLOAT64;
        case Type::i64: return NPY_INT64;
        case Type::i32: return NPY_INT32;
        case Type::u8: return NPY_BOOL;
        case Type::str: return NPY_OBJECT;
    }
    return NPY_OBJECT;
}

// A Python number (of NumPy too) as a double; false where it is none, without an error set.
bool real(PyObject *value, double &to) {
    if (PyFloat_CheckExact(value)) {
        to = PyFloat_AS_DOUBLE(value);
        return true;
    }
    if (PyUnicode_Check(value) || PyBytes_Check(value)) return false;
    to = PyFloat_AsDouble(value);
    if (to == -1.0 && PyErr_Occurred()) {
        PyErr_Clear();
        return false;
    }
    return true;
}

bool whole(PyObject *value, int64_t &to) {
    if (PyLong_Check(value) || (!PyFloat_Check(value) && PyIndex_Check(value))) {
        PyObject *index = PyNumber_Index(value);
        int overflow = 0;
        to = index == nullptr ? -1 : PyLong_AsLongLongAndOverflow(index, &overflow);
        Py_XDECREF(index);
        const bool ok = !PyErr_Occurred() && overflow == 0;
        PyErr_Clear();
        return ok;
    }
    double d;
    if (!real(value, d) || d != std::trunc(d) || !(std::fabs(d) < 9e18)) return false;
    to = int64_t(d);
    return true;
}

// None, and what says of itself that it is missing by not being equal to itself (NaN, pandas.NaT), or cannot tell (NA).
bool is_missing(PyObject *value) {
    if (value == Py_None) return true;
    if (PyFloat_CheckExact(value)) return std::isnan(PyFloat_AS_DOUBLE(value));
    if (PyLong_CheckExact(value) || PyUnicode_Check(value)) return false;
    PyObject *same = PyObject_RichCompare(value, value, Py_EQ);
    const int truth = same == nullptr ? -1 : PyObject_IsTrue(same);
    Py_XDECREF(same);
    PyErr_Clear();
    return truth != 1 && PyObject_Size(value) < 0 && (PyErr_Clear(), true);
}

}  // namespace

Records::Records(std::vector<Input> inputs, bool refuse_extra, PyObject *missing_text)
    : inputs_(std::move(inputs)), refuse_extra_(refuse_extra), missing_text_(missing_text) {
    Py_XINCREF(missing_text_);
    for (Input &input : inputs_) {
        columns_ += input.names.size();
        for (PyObject *&name : input.names) {
            Py_INCREF(name);
            PyUnicode_InternInPlace(&name);
        }
    }
}

Records::~Records() {
    Py_XDECREF(missing_text_);
    for (Input &input : inputs_)
        for (PyObject *name : input.names) Py_DECREF(name);
}

Records::Problem Records::put(const Input &input, PyObject *value, std::byte *at) const {
    const Type type = input.type;
    if (type == Type::str) {
        PyObject *text = value;
        if (!PyUnicode_Check(value)) {
            if (!is_missing(value)) return Problem::wrong;
            text = missing_text_;
            if (text == nullptr) return Problem::missing;
        }
        Py_INCREF(text);
        PyObject **slot = reinterpret_cast<PyObject **>(at);
        Py_XDECREF(*slot);
        *slot = text;
        return Problem::none;
    }
    if (type == Type::f32 || type == Type::f64) {
        double d;
        if (value == Py_None || !real(value, d)) {
            if (!is_missing(value)) return Problem::wrong;
            d = std::numeric_limits<double>::quiet_NaN();
        }
        if (input.refuse_nan && d != d) return Problem::missing;
        if (type == Type::f32)
            *reinterpret_cast<float *>(at) = float(d);
        else
            *reinterpret_cast<double *>(at) = d;
        return Problem::none;
    }
    int64_t n;
    if (!whole(value, n)) return is_missing(value) ? Problem::missing : Problem::wrong;
    if (type == Type::i64) {
        *reinterpret_cast<int64_t *>(at) = n;
        return Problem::none;
    }
    if (type == Type::u8) {
        *reinterpret_cast<uint8_t *>(at) = n != 0;
        return n == 0 || n == 1 ? Problem::none : Problem::wrong;
    }
    *reinterpret_cast<int32_t *>(at) = int32_t(n);
    return n == int32_t(n) ? Problem::none : Problem::wrong;
}

bool Records::read(PyObject *const *rows, int64_t n, PyObject **arrays, Fault &fault) const {
    for (int64_t r = 0; r < n; ++r) {
        fault = {Problem::not_a_dict, r, nullptr};
        if (!PyDict_Check(rows[r])) return false;
        fault.problem = Problem::extra;
        if (refuse_extra_ && size_t(PyDict_GET_SIZE(rows[r])) > columns_) return false;
    }
    for (size_t i = 0; i < inputs_.size(); ++i) {
        const Input &input = inputs_[i];
        const npy_intp width = npy_intp(input.names.size()), dims[2] = {n, width};
        arrays[i] = PyArray_SimpleNew(input.matrix ? 2 : 1, dims, number_of(input.type));
        if (arrays[i] == nullptr) return false;
        std::byte *const data = static_cast<std::byte *>(PyArray_DATA(reinterpret_cast<PyArrayObject *>(arrays[i])));
        const size_t size = input.type == Type::str ? sizeof(PyObject *) : size_of(input.type);
        for (int64_t r = 0; r < n; ++r)
            for (npy_intp c = 0; c < width; ++c) {
                PyObject *const name = input.names[size_t(c)];
                PyObject *value = PyDict_GetItemWithError(rows[r], name);
                if (value == nullptr && PyErr_Occurred()) return false;
                fault = {Problem::absent, r, name};
                if (value != nullptr) fault.problem = put(input, value, data + size_t(r * width + c) * size);
                if (fault.problem != Problem::none) return false;
            }
    }
    return true;
}

}  // namespace celeris
