// Tables as Python objects: what the engine asks of a value that is no array.
#pragma once

#include "frames/column.h"
#include "numpy_api.h"

namespace celeris {

// The columns behind a Python object of class Columns, or null.
const Columns *columns_of(PyObject *object);

// Such an object as a new array [N, columns]; null with a Python error set.
PyObject *array_of(PyObject *columns);

}  // namespace celeris
