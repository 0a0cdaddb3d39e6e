// Small output arrays that callers have let go of, kept for the next run: making one costs as much as a small model.
//
// An array is given out again only where nobody but this store refers to it, weakly or not, and it is as it was made.
// Needs the GIL.
#pragma once

#include <vector>

#include "numpy_api.h"

namespace celeris {

class Spares {
public:
    Spares() = default;
    Spares(const Spares &) = delete;
    Spares &operator=(const Spares &) = delete;
    ~Spares() {
        for (PyArrayObject *a : kept_) Py_XDECREF(a);
    }

    // So many places, each for arrays of one output.
    void resize(size_t places) { kept_.resize(places * kEach); }

    // A new reference to an uninitialised C-contiguous array; null with a Python error set.
    PyObject *take(size_t place, int rank, npy_intp *dims, int type_num) {
#ifndef Py_GIL_DISABLED
        for (size_t i = place * kEach; i < (place + 1) * kEach; ++i) {
            PyArrayObject *a = kept_[i];
            if (a == nullptr || Py_REFCNT(a) != 1) continue;
            if (is_as_made(a, rank, dims, type_num)) {
                Py_INCREF(a);
                return reinterpret_cast<PyObject *>(a);
            }
            Py_CLEAR(kept_[i]);
        }
#endif
        PyObject *made = PyArray_SimpleNew(rank, dims, type_num);
#ifndef Py_GIL_DISABLED
        PyArrayObject *array = reinterpret_cast<PyArrayObject *>(made);
        if (made == nullptr || PyArray_NBYTES(array) > kLargest) return made;
        for (size_t i = place * kEach; i < (place + 1) * kEach; ++i)
            if (kept_[i] == nullptr) {
                Py_INCREF(made);
                kept_[i] = array;
                break;
            }
#endif
        return made;
    }

private:
    static constexpr size_t kEach = 2;        // `y = run(...)` holds one result while it asks for the next
    static constexpr npy_intp kLargest = 1024;  // bytes; above it the work outweighs the allocation

    // A caller may have changed the array's shape, dtype, flags or memory before letting it go, or may watch it go.
    static bool is_as_made(PyArrayObject *a, int rank, const npy_intp *dims, int type_num) {
        constexpr int wanted = NPY_ARRAY_CARRAY | NPY_ARRAY_OWNDATA;
        if (PyArray_NDIM(a) != rank || (PyArray_FLAGS(a) & wanted) != wanted || PyArray_BASE(a) != nullptr) return false;
        if (reinterpret_cast<PyArrayObject_fields *>(a)->weakreflist != nullptr) return false;
        PyArray_Descr *plain = PyArray_DescrFromType(type_num);  // one object for all plain arrays of the type
        const bool is_plain = PyArray_DESCR(a) == plain;
        Py_DECREF(plain);
        if (!is_plain) return false;
        npy_intp stride = PyArray_ITEMSIZE(a);
        for (int d = rank - 1; d >= 0; --d) {
            if (PyArray_DIM(a, d) != dims[d] || PyArray_STRIDE(a, d) != stride) return false;
            stride *= dims[d];
        }
        return true;
    }

    std::vector<PyArrayObject *> kept_;  // null: free place
};

}  // namespace celeris
