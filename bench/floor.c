// The least that one row of a logistic regression can cost from Python: one C function with the same arguments and
// outputs as sess.run(None, {"X": x}) on iris.onnx, and nothing that knows of models. bench/floor.py times it.
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <Python.h>
#include <math.h>
#include <numpy/arrayobject.h>

static double weights[3][4], offsets[3];
static PyObject *input;

// run(None, {"X": [1, 4] float32}) -> [labels [1] int64, probabilities [1, 3] float32]
static PyObject *run(PyObject *self, PyObject *const *args, Py_ssize_t n) {
    PyObject *value = n == 2 && args[0] == Py_None && PyDict_CheckExact(args[1])
                          ? PyDict_GetItemWithError(args[1], input)
                          : NULL;
    PyArrayObject *x = (PyArrayObject *)value;
    if (value == NULL || !PyArray_CheckExact(value) || PyArray_TYPE(x) != NPY_FLOAT32 || PyArray_NDIM(x) != 2 ||
        PyArray_DIM(x, 0) != 1 || PyArray_DIM(x, 1) != 4 || !PyArray_IS_C_CONTIGUOUS(x)) {
        PyErr_SetString(PyExc_TypeError, "run(None, {'X': a [1, 4] float32})");
        return NULL;
    }
    const float *row = PyArray_DATA(x);
    npy_intp dims[2] = {1, 3};
    PyObject *labels = PyArray_SimpleNew(1, dims, NPY_INT64);
    PyObject *probabilities = PyArray_SimpleNew(2, dims, NPY_FLOAT32);
    PyObject *result = PyList_New(2);
    if (labels == NULL || probabilities == NULL || result == NULL) return NULL;
    double score[3], most = -INFINITY, sum = 0;
    npy_int64 best = 0;
    for (int c = 0; c < 3; ++c) {
        score[c] = offsets[c];
        for (int f = 0; f < 4; ++f) score[c] += weights[c][f] * row[f];
        if (score[c] > most) most = score[c], best = c;
    }
    for (int c = 0; c < 3; ++c) sum += score[c] = exp(score[c] - most);
    float *to = PyArray_DATA((PyArrayObject *)probabilities);
    for (int c = 0; c < 3; ++c) to[c] = (float)(score[c] / sum);
    *(npy_int64 *)PyArray_DATA((PyArrayObject *)labels) = best;
    PyList_SET_ITEM(result, 0, labels);
    PyList_SET_ITEM(result, 1, probabilities);
    return result;
}

// set(weights [3, 4] float64, offsets [3] float64)
static PyObject *set(PyObject *self, PyObject *const *args, Py_ssize_t n) {
    memcpy(weights, PyArray_DATA((PyArrayObject *)args[0]), sizeof weights);
    memcpy(offsets, PyArray_DATA((PyArrayObject *)args[1]), sizeof offsets);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"run", (PyCFunction)(void (*)(void))run, METH_FASTCALL, NULL},
                                {"set", (PyCFunction)(void (*)(void))set, METH_FASTCALL, NULL},
                                {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "floor", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_floor(void) {
    import_array();
    input = PyUnicode_InternFromString("X");
    return PyModule_Create(&module);
}
