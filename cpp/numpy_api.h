// NumPy's C API, imported once by module.cpp.
#pragma once

#include <Python.h>

#define PY_ARRAY_UNIQUE_SYMBOL celeris_numpy
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_1_25_API_VERSION
#ifndef CELERIS_IMPORT_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>
