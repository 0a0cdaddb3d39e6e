// The base class of InferenceSession: `run`, native from call to return where the call is as it should be.
//
// Anything out of the ordinary (a list for an array, another dtype, a missing name, run options, ...) goes to the
// Python method `_run_checked`, which knows every rule and every message of onnxruntime's.
#include "bind.h"
#include "engine/program.h"

namespace nb = nanobind;

namespace celeris {
namespace {

struct Input {
    PyObject *name;
    int type_num;  // -1: only _run_checked can judge it
    int rank;      // -1: any
    std::vector<npy_intp> dims;  // -1: any
};

struct Ready {
    PyObject *owner;  // keeps `program`
    const Program *program;
    std::vector<Input> inputs;
    std::vector<PyObject *> outputs;
    int threads;
};

struct Session {
    PyObject_HEAD
    Ready *ready;  // null: not connected, every call takes the checked way
};

PyObject *s_output_names, *s_input_feed, *s_run_options, *s_run_checked;

void disconnect(Session *self) {
    Ready *r = self->ready;
    self->ready = nullptr;
    if (r == nullptr) return;
    for (Input &i : r->inputs) Py_DECREF(i.name);
    for (PyObject *name : r->outputs) Py_DECREF(name);
    Py_DECREF(r->owner);
    delete r;
}

bool all_strings(PyArrayObject *a) {
    if (!PyArray_IS_C_CONTIGUOUS(a)) return false;
    PyObject **items = static_cast<PyObject **>(PyArray_DATA(a));
    for (npy_intp i = 0, n = PyArray_SIZE(a); i < n; ++i)
        if (items[i] == nullptr || !PyUnicode_CheckExact(items[i])) return false;
    return true;
}

bool fits(const Input &input, PyObject *value) {
    if (input.type_num < 0 || !PyArray_CheckExact(value)) return false;
    PyArrayObject *a = reinterpret_cast<PyArrayObject *>(value);
    if (PyArray_TYPE(a) != input.type_num || !PyArray_ISALIGNED(a) || !PyArray_ISNOTSWAPPED(a)) return false;
    if (input.rank >= 0) {
        if (PyArray_NDIM(a) != input.rank) return false;
        const npy_intp *dims = PyArray_DIMS(a);
        for (int d = 0; d < input.rank; ++d)
            if (input.dims[size_t(d)] >= 0 && dims[d] != input.dims[size_t(d)]) return false;
    }
    return input.type_num != NPY_OBJECT || all_strings(a);
}

bool same_text(PyObject *a, PyObject *b) {
    if (a == b) return true;
    return PyUnicode_CheckExact(b) && PyUnicode_Compare(a, b) == 0;
}

// The result, or null: with an error set if the run failed, without one if the call is not of the ordinary kind.
PyObject *run_fast(const Ready &r, PyObject *names, PyObject *feed) {
    constexpr size_t few = 32;
    const size_t n = r.inputs.size();
    if (n > few || !PyDict_CheckExact(feed) || size_t(PyDict_GET_SIZE(feed)) != n) return nullptr;
    PyObject *feeds[few];
    for (size_t i = 0; i < n; ++i) {
        feeds[i] = PyDict_GetItemWithError(feed, r.inputs[i].name);
        if (feeds[i] == nullptr || !fits(r.inputs[i], feeds[i])) return nullptr;
    }
    if (names == Py_None) return r.program->run(feeds, nullptr, 0, r.threads, nullptr);
    if (!PyList_CheckExact(names)) return nullptr;
    const size_t wanted = size_t(PyList_GET_SIZE(names));
    if (wanted == 0 || wanted > few) return nullptr;
    int indices[few];
    for (size_t i = 0; i < wanted; ++i) {
        PyObject *name = PyList_GET_ITEM(names, Py_ssize_t(i));
        size_t at = 0;
        while (at < r.outputs.size() && r.outputs[at] != name) ++at;
        if (at == r.outputs.size()) {
            at = 0;
            while (at < r.outputs.size() && !same_text(r.outputs[at], name)) ++at;
        }
        if (at == r.outputs.size()) return nullptr;
        indices[i] = int(at);
    }
    return r.program->run(feeds, indices, wanted, r.threads, nullptr);
}

PyObject *session_run(PyObject *self, PyObject *const *args, Py_ssize_t n_args, PyObject *kwnames) {
    static const char *const names[] = {"output_names", "input_feed", "run_options"};
    PyObject *values[3] = {nullptr, nullptr, nullptr};
    if (n_args > 3) {
        PyErr_Format(PyExc_TypeError, "run() takes from 3 to 4 positional arguments but %zd were given", n_args + 1);
        return nullptr;
    }
    for (Py_ssize_t i = 0; i < n_args; ++i) values[i] = args[i];
    const Py_ssize_t n_kw = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
    for (Py_ssize_t i = 0; i < n_kw; ++i) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, i);
        const int at = same_text(s_output_names, name)  ? 0
                       : same_text(s_input_feed, name)  ? 1
                       : same_text(s_run_options, name) ? 2
                                                        : -1;
        if (at < 0 || values[at] != nullptr) {
            PyErr_Format(PyExc_TypeError,
                         at < 0 ? "run() got an unexpected keyword argument '%U'" : "run() got multiple values for argument '%U'",
                         name);
            return nullptr;
        }
        values[at] = args[n_args + i];
    }
    for (int i = 0; i < 2; ++i)
        if (values[i] == nullptr) {
            PyErr_Format(PyExc_TypeError, "run() missing 1 required positional argument: '%s'", names[i]);
            return nullptr;
        }
    if (values[2] == nullptr) values[2] = Py_None;

    const Ready *ready = reinterpret_cast<Session *>(self)->ready;
    if (ready != nullptr && values[2] == Py_None) {
        PyObject *owner = ready->owner;  // a step may disconnect this session while it runs
        Py_INCREF(owner);
        PyObject *result = run_fast(*ready, values[0], values[1]);
        Py_DECREF(owner);
        if (result != nullptr) return result;
        // A failed step too: _run_checked finds the same failure again and gives it onnxruntime's class and text.
        PyErr_Clear();
    }
    PyObject *call[] = {self, values[0], values[1], values[2]};
    return PyObject_VectorcallMethod(s_run_checked, call, 4, nullptr);
}

// _run_native(output_names, input_feed): run()'s native way alone; None where the call is not of the ordinary kind or fails.
PyObject *session_run_native(PyObject *self, PyObject *const *args, Py_ssize_t n_args) {
    if (n_args != 2) {
        PyErr_SetString(PyExc_TypeError, "_run_native: expected output_names and input_feed");
        return nullptr;
    }
    const Ready *ready = reinterpret_cast<Session *>(self)->ready;
    if (ready == nullptr) Py_RETURN_NONE;
    PyObject *owner = ready->owner;
    Py_INCREF(owner);
    PyObject *result = run_fast(*ready, args[0], args[1]);
    Py_DECREF(owner);
    if (result != nullptr) return result;
    PyErr_Clear();
    Py_RETURN_NONE;
}

// _connect(program, inputs, outputs, threads): inputs [(name, type_num, dims | None)], outputs [name].
PyObject *session_connect(PyObject *self, PyObject *args) {
    PyObject *owner, *inputs, *outputs;
    int threads;
    if (!PyArg_ParseTuple(args, "OO!O!i", &owner, &PyList_Type, &inputs, &PyList_Type, &outputs, &threads)) return nullptr;
    const Program *program = program_of(owner);
    if (program == nullptr || size_t(PyList_GET_SIZE(inputs)) != program->inputs() ||
        size_t(PyList_GET_SIZE(outputs)) != program->outputs()) {
        PyErr_SetString(PyExc_TypeError, "_connect: expected a Program and its inputs and outputs");
        return nullptr;
    }
    auto ready = std::make_unique<Ready>();
    ready->program = program, ready->threads = threads;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(inputs); ++i) {
        Input input;
        PyObject *dims;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(inputs, i), "UiO", &input.name, &input.type_num, &dims)) return nullptr;
        input.rank = dims == Py_None ? -1 : int(PyTuple_Size(dims));
        for (int d = 0; d < input.rank; ++d) input.dims.push_back(PyLong_AsSsize_t(PyTuple_GET_ITEM(dims, d)));
        ready->inputs.push_back(input);
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(outputs); ++i) ready->outputs.push_back(PyList_GET_ITEM(outputs, i));
    if (PyErr_Occurred()) return nullptr;
    for (Input &input : ready->inputs) {
        Py_INCREF(input.name);
        PyUnicode_InternInPlace(&input.name);
    }
    for (PyObject *&name : ready->outputs) {
        Py_INCREF(name);
        PyUnicode_InternInPlace(&name);
    }
    Py_INCREF(owner);
    ready->owner = owner;
    Session *session = reinterpret_cast<Session *>(self);
    disconnect(session);
    session->ready = ready.release();
    Py_RETURN_NONE;
}

PyObject *session_disconnect(PyObject *self, PyObject *) {
    disconnect(reinterpret_cast<Session *>(self));
    Py_RETURN_NONE;
}

void session_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    disconnect(reinterpret_cast<Session *>(self));
    type->tp_free(self);
    Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"run", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(session_run)), METH_FASTCALL | METH_KEYWORDS,
     "run($self, output_names, input_feed, run_options=None)\n--\n\n"
     "Predict: the wanted outputs, in a list, from inputs by name.\n\n"
     "output_names: a list of names; None or [] for all. input_feed: a dict from name to array [N, ...] of exactly the\n"
     "dtype that `get_inputs` tells (float64 is not taken for float32), nested list, or OrtValue.\n\n"
     "Each result is an array of the model's own dtype, text being an array of str objects; a ZipMap is a list of N\n"
     "dicts; a sequence is a list. They share no memory with inputs or later runs.\n\n"
     "ValueError: an input is missing. InvalidArgument: wrong dtype, rank, size, name of an input or output.\n"
     "RuntimeError: something that is no array. Fail, or InvalidArgument, with its name: a node failed."},
    {"_run_native", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(session_run_native)), METH_FASTCALL,
     "run()'s native way alone; None where a call is not of the ordinary kind or fails."},
    {"_connect", session_connect, METH_VARARGS, "Makes run() take the native way through a program."},
    {"_disconnect", session_disconnect, METH_NOARGS, "Makes run() take the checked way always."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_methods, methods},
    {Py_tp_dealloc, reinterpret_cast<void *>(session_dealloc)},
    {Py_tp_doc, const_cast<char *>("The native part of a session.")},
    {0, nullptr},
};

PyType_Spec spec = {"celeris._core.SessionBase", sizeof(Session), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

void init_session(nb::module_ &m) {
    s_output_names = PyUnicode_InternFromString("output_names");
    s_input_feed = PyUnicode_InternFromString("input_feed");
    s_run_options = PyUnicode_InternFromString("run_options");
    s_run_checked = PyUnicode_InternFromString("_run_checked");
    PyObject *type = PyType_FromSpec(&spec);
    if (type == nullptr) throw nb::python_error();
    m.attr("SessionBase") = nb::steal(type);
}

}  // namespace celeris
