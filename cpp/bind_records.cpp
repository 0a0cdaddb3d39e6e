// The base class of records (records.py): an `__init__` that serves every class, so that none has to be compiled; and
// `replace`.
//
// A class says `__match_args__`, its names in order, `__values__`, name -> default, and `__makers__`, name -> what
// makes a default for each record.
#include <nanobind/nanobind.h>

#include "bind.h"

namespace nb = nanobind;

namespace celeris {
namespace {

PyObject *s_names, *s_values, *s_makers, *record_base;

nb::object class_attribute(PyTypeObject *type, PyObject *name) {
    return nb::steal(PyObject_GetAttr(reinterpret_cast<PyObject *>(type), name));
}

// What a record has for a name that the call left out; null with an error set where it must be given.
nb::object default_of(PyTypeObject *type, PyObject *name) {
    nb::object values = class_attribute(type, s_values);
    if (!values.is_valid()) return {};
    if (PyObject *value = PyDict_GetItemWithError(values.ptr(), name)) return nb::borrow(value);
    nb::object makers = class_attribute(type, s_makers);
    if (!makers.is_valid()) return {};
    if (PyObject *make = PyDict_GetItemWithError(makers.ptr(), name)) return nb::steal(PyObject_CallNoArgs(make));
    if (PyErr_Occurred()) return {};
    PyErr_Format(PyExc_TypeError, "%s: expected a value for '%U', got none", type->tp_name, name);
    return {};
}

// TypeError for the first keyword that is no name, or one whose value was given by place.
int unexpected(PyTypeObject *type, PyObject *names, Py_ssize_t by_place, PyObject *keywords) {
    PyObject *key, *value;
    for (Py_ssize_t at = 0; PyDict_Next(keywords, &at, &key, &value);) {
        const Py_ssize_t place = PySequence_Index(names, key);
        if (place >= by_place) continue;
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "%s: expected %R, got %s for '%U'", type->tp_name, names,
                     place < 0 ? "a value" : "two values", key);
        return -1;
    }
    return 0;
}

int record_init(PyObject *self, PyObject *args, PyObject *keywords) {
    PyTypeObject *type = Py_TYPE(self);
    nb::object names = class_attribute(type, s_names);
    if (!names.is_valid()) return -1;
    const Py_ssize_t count = PyTuple_GET_SIZE(names.ptr()), by_place = PyTuple_GET_SIZE(args);
    if (by_place > count) {
        PyErr_Format(PyExc_TypeError, "%s: expected at most %zd values, got %zd", type->tp_name, count, by_place);
        return -1;
    }
    Py_ssize_t left = keywords == nullptr ? 0 : PyDict_GET_SIZE(keywords);
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject *name = PyTuple_GET_ITEM(names.ptr(), i);
        nb::object value;
        if (i < by_place) {
            value = nb::borrow(PyTuple_GET_ITEM(args, i));
        } else if (PyObject *given = left > 0 ? PyDict_GetItemWithError(keywords, name) : nullptr) {
            value = nb::borrow(given);
            --left;
        } else {
            value = default_of(type, name);
        }
        if (!value.is_valid() || PyObject_GenericSetAttr(self, name, value.ptr()) != 0) return -1;
    }
    return left == 0 ? 0 : unexpected(type, names.ptr(), by_place, keywords);
}

bool same_text(PyObject *a, PyObject *b) { return a == b || PyUnicode_Compare(a, b) == 0; }

// A copy in which some values are others; the keywords' values follow the record in `args`.
PyObject *record_replace(PyObject *, PyObject *const *args, Py_ssize_t n_args, PyObject *keywords) {
    const auto base = reinterpret_cast<PyTypeObject *>(record_base);
    if (n_args != 1 || !PyObject_TypeCheck(args[0], base)) {
        PyErr_SetString(PyExc_TypeError, "replace: expected a record, and values by name");
        return nullptr;
    }
    PyTypeObject *type = Py_TYPE(args[0]);
    nb::object names = class_attribute(type, s_names);
    if (!names.is_valid()) return nullptr;
    nb::object made = nb::steal(type->tp_alloc(type, 0));
    if (!made.is_valid()) return nullptr;
    const Py_ssize_t changes = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
    Py_ssize_t left = changes;
    for (Py_ssize_t i = 0, n = PyTuple_GET_SIZE(names.ptr()); i < n; ++i) {
        PyObject *name = PyTuple_GET_ITEM(names.ptr(), i);
        Py_ssize_t at = 0;
        while (at < changes && !same_text(PyTuple_GET_ITEM(keywords, at), name)) ++at;
        nb::object value = at < changes ? nb::borrow(args[1 + at]) : nb::steal(PyObject_GenericGetAttr(args[0], name));
        left -= at < changes;
        if (!value.is_valid() || PyObject_GenericSetAttr(made.ptr(), name, value.ptr()) != 0) return nullptr;
    }
    for (Py_ssize_t at = 0; left > 0 && at < changes; ++at) {
        PyObject *name = PyTuple_GET_ITEM(keywords, at);
        if (PySequence_Contains(names.ptr(), name) == 1) continue;
        PyErr_Format(PyExc_TypeError, "%s: expected %R, got a value for '%U'", type->tp_name, names.ptr(), name);
        return nullptr;
    }
    return made.release().ptr();
}

PyMethodDef replace_def = {"replace", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(record_replace)),
                           METH_FASTCALL | METH_KEYWORDS, "A copy of a record in which some values are others."};

PyType_Slot slots[] = {
    {Py_tp_init, reinterpret_cast<void *>(record_init)},
    {Py_tp_doc, const_cast<char *>("The native part of a record.")},
    {0, nullptr},
};

PyType_Spec spec = {"celeris._core.RecordBase", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

void init_records(nb::module_ &m) {
    s_names = PyUnicode_InternFromString("__match_args__");
    s_values = PyUnicode_InternFromString("__values__");
    s_makers = PyUnicode_InternFromString("__makers__");
    PyObject *type = PyType_FromSpec(&spec);
    if (type == nullptr) throw nb::python_error();
    record_base = type;
    m.attr("RecordBase") = nb::steal(type);
    PyObject *replace = PyCFunction_New(&replace_def, nullptr);
    if (replace == nullptr) throw nb::python_error();
    m.attr("replace") = nb::steal(replace);
}

}  // namespace celeris
