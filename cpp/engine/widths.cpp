// Programs for inputs whose widths the model leaves open (plan/widths.py): found, or made when they first come.
#include <algorithm>

#include "engine/program.h"
#include "frames/python.h"

namespace celeris {

constexpr size_t kMostSpecials = 8;  // programs for shapes that come, remembered

// The program made for such inputs, or null where this one does it; false with a Python error set.
bool Program::special_for(PyObject *const *feeds, const Program *&found) const {
    const auto came = [&](size_t i, Shape &shape) {
        shape.clear();
        if (feeds[i] == nullptr) return;
        if (PyArray_Check(feeds[i])) {
            PyArrayObject *array = reinterpret_cast<PyArrayObject *>(feeds[i]);
            shape.assign(PyArray_DIMS(array), PyArray_DIMS(array) + PyArray_NDIM(array));
        } else if (const Columns *columns = columns_of(feeds[i])) {
            shape = {columns->rows(), npy_intp(columns->width())};
        }
        if (!shape.empty()) shape[0] = -1;
    };
    std::vector<Shape> shapes(inputs_.size());
    for (size_t i = 0; i < inputs_.size(); ++i) came(i, shapes[i]);
    const auto made = [&] {
        return std::find_if(specials_.begin(), specials_.end(), [&](const Special &s) { return s.shapes == shapes; });
    };
    if (const auto s = made(); s != specials_.end()) {
        found = s->program;
        return true;
    }
    found = nullptr;
    if (specials_.size() == kMostSpecials) return true;
    PyObject *arguments = PyTuple_New(Py_ssize_t(shapes.size()));
    for (size_t i = 0; arguments != nullptr && i < shapes.size(); ++i) {
        PyObject *shape = Py_None;
        if (shapes[i].empty()) {
            Py_INCREF(shape);
        } else {
            shape = PyTuple_New(Py_ssize_t(shapes[i].size()));
            for (size_t d = 0; shape != nullptr && d < shapes[i].size(); ++d)
                PyTuple_SET_ITEM(shape, Py_ssize_t(d), PyLong_FromSsize_t(shapes[i][d]));
        }
        PyTuple_SET_ITEM(arguments, Py_ssize_t(i), shape);
    }
    PyObject *owner = arguments == nullptr ? nullptr : PyObject_CallObject(maker_, arguments);
    Py_XDECREF(arguments);
    if (owner == nullptr) return false;
    found = held_(owner);
    if (made() != specials_.end() || specials_.size() == kMostSpecials)  // by another thread, meanwhile
        Py_DECREF(owner), found = made() == specials_.end() ? nullptr : made()->program;
    else
        specials_.push_back({std::move(shapes), owner, found});
    return true;
}

}  // namespace celeris
