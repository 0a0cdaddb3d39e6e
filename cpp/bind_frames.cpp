// Binds columns of tables, tables as model inputs, and rows that are dicts.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "bind.h"
#include "frames/arrow.h"
#include "frames/python.h"
#include "frames/records.h"
#include "engine/program.h"

namespace nb = nanobind;

namespace celeris {
namespace {

// What Python holds: the column, shared with the tables made of it.
struct ColumnObject {
    std::shared_ptr<Column> column;
};
struct ColumnsObject {
    std::shared_ptr<const Columns> columns;
};

// A Python object kept alive by something that may be dropped on any thread.
std::shared_ptr<void> keep(PyObject *object) {
    Py_INCREF(object);
    return {object, [](void *p) {
                const PyGILState_STATE state = PyGILState_Ensure();
                Py_DECREF(static_cast<PyObject *>(p));
                PyGILState_Release(state);
            }};
}

PyArrayObject *vector_of(nb::handle object, const char *what) {
    PyArrayObject *array = reinterpret_cast<PyArrayObject *>(object.ptr());
    if (!PyArray_Check(object.ptr()) || PyArray_NDIM(array) != 1 || !PyArray_ISNOTSWAPPED(array))
        throw nb::type_error(what);
    return array;
}

Layout layout_of(PyArrayObject *array) {
    const int size = int(PyArray_ITEMSIZE(array));
    const auto by_size = [&](Layout one, Layout two, Layout four, Layout eight) {
        return size == 1 ? one : size == 2 ? two : size == 4 ? four : size == 8 ? eight : Layout::other;
    };
    switch (PyArray_DESCR(array)->kind) {
        case 'b': return Layout::boolean;
        case 'i': return by_size(Layout::i8, Layout::i16, Layout::i32, Layout::i64);
        case 'u': return by_size(Layout::u8, Layout::u16, Layout::u32, Layout::u64);
        case 'f': return by_size(Layout::other, Layout::f16, Layout::f32, Layout::f64);
        default: return Layout::other;
    }
}

// A numeric or boolean array; `missing`: a bool array that is true where a value is missing.
ColumnObject from_array(nb::handle values, nb::handle missing) {
    PyArrayObject *array = vector_of(values, "Column: expected an array of one dimension in native byte order");
    auto made = std::make_shared<Column>();
    made->layout = made->values = layout_of(array);
    if (made->layout == Layout::other) throw nb::type_error("Column: expected an array of numbers or booleans");
    made->rows = PyArray_DIM(array, 0);
    made->type = nb::cast<std::string>(nb::str(nb::handle(reinterpret_cast<PyObject *>(PyArray_DESCR(array)))));
    Piece p;
    p.rows = made->rows;
    p.data = reinterpret_cast<const std::byte *>(PyArray_BYTES(array)), p.stride = PyArray_STRIDE(array, 0);
    made->kept.push_back(keep(values.ptr()));
    if (!missing.is_none()) {
        PyArrayObject *mask = vector_of(missing, "Column: expected a mask of one dimension");
        if (PyArray_TYPE(mask) != NPY_BOOL || PyArray_DIM(mask, 0) != p.rows)
            throw nb::type_error("Column: expected a bool for each value");
        p.missing = reinterpret_cast<const uint8_t *>(PyArray_BYTES(mask)), p.missing_stride = PyArray_STRIDE(mask, 0);
        made->kept.push_back(keep(missing.ptr()));
    }
    made->pieces.push_back(p);
    return {made};
}

ColumnObject from_codes(nb::handle codes, const ColumnObject &categories) {
    ColumnObject made = from_array(codes, nb::none());
    made.column->type = categories.column->type;
    made.column->values = categories.column->values;
    made.column->pieces[0].dictionary = categories.column;
    return made;
}

struct Texts {
    std::vector<Str> views;
    std::vector<uint8_t> missing;
};

// An object array of str; None, NaN, NaT and NA are missing. The index of the first object that is neither, or -1.
// Gives other Python threads their turn now and then.
std::pair<ColumnObject, int64_t> from_texts(nb::handle values) {
    PyArrayObject *array = vector_of(values, "Column: expected an array of one dimension");
    if (PyArray_TYPE(array) != NPY_OBJECT) throw nb::type_error("Column: expected an array of objects");
    const int64_t n = PyArray_DIM(array, 0);
    const ptrdiff_t stride = PyArray_STRIDE(array, 0);
    auto texts = std::make_shared<Texts>();
    texts->views.resize(size_t(n));
    texts->missing.resize(size_t(n));
    bool any = false;
    int64_t wrong = -1;
    for (int64_t i = 0; i < n; ++i) {
        if ((i & 0xffff) == 0xffff) {
            const nb::gil_scoped_release others;
        }
        PyObject *item = *reinterpret_cast<PyObject **>(PyArray_BYTES(array) + i * stride);
        if (item != nullptr && PyUnicode_Check(item)) {
            Py_ssize_t size;
            const char *data = PyUnicode_AsUTF8AndSize(item, &size);
            if (data == nullptr) throw nb::python_error();
            texts->views[size_t(i)] = {data, size};
            continue;
        }
        texts->views[size_t(i)] = {"", 0};
        bool missing = item == nullptr || item == Py_None;
        if (!missing) {
            nb::object same = nb::steal(PyObject_RichCompare(item, item, Py_EQ));
            const int truth = same.is_valid() ? PyObject_IsTrue(same.ptr()) : -1;
            PyErr_Clear();
            missing = truth != 1;
        }
        if (!missing && wrong < 0) wrong = i;
        texts->missing[size_t(i)] = 1, any = true;
    }
    auto made = std::make_shared<Column>();
    made->layout = made->values = Layout::str, made->rows = n, made->type = "str";
    Piece p;
    p.rows = n, p.data = reinterpret_cast<const std::byte *>(texts->views.data()), p.stride = sizeof(Str);
    if (any) p.missing = texts->missing.data(), p.missing_stride = 1;
    made->pieces.push_back(p);
    made->kept = {texts, keep(values.ptr())};
    return {ColumnObject{made}, wrong};
}

std::vector<std::pair<std::string, ColumnObject>> from_arrow(nb::handle capsule) {
    auto *stream = static_cast<ArrowArrayStream *>(PyCapsule_GetPointer(capsule.ptr(), "arrow_array_stream"));
    if (stream == nullptr) throw nb::python_error();
    if (stream->release == nullptr) throw nb::value_error("the stream of Arrow data has been read already");
    std::vector<std::pair<std::string, ColumnObject>> made;
    for (NamedColumn &each : read_arrow(stream)) made.emplace_back(std::move(each.name), ColumnObject{each.column});
    return made;
}

Type element(const std::string &name) {
    for (const auto &[known, type] : {std::pair{"float", Type::f32}, {"double", Type::f64}, {"int64", Type::i64},
                                      {"int32", Type::i32}, {"bool", Type::u8}, {"string", Type::str}})
        if (name == known) return type;
    throw nb::value_error(("expected float, double, int64, int32, bool or string, got " + name).c_str());
}

const char *kind(const ColumnObject &c) {
    const Layout l = c.column->values;
    if (is_text(l)) return "text";
    if (l == Layout::other) return "other";
    return l == Layout::null ? "null" : "number";
}

ColumnsObject make_columns(const std::vector<ColumnObject> &columns, const std::string &type, bool refuse_nan,
                           std::optional<std::string> missing_text) {
    std::vector<std::shared_ptr<const Column>> all;
    for (const ColumnObject &c : columns) all.push_back(c.column);
    auto text = missing_text ? std::make_shared<const std::string>(std::move(*missing_text)) : nullptr;
    return {std::make_shared<const Columns>(std::move(all), element(type), refuse_nan, std::move(text))};
}

nb::object fault_of(const ColumnsObject &c) {
    static constexpr const char *reasons[] = {"missing", "not whole", "too large", "missing text", "nan"};
    const auto found = c.columns->fault();
    if (!found) return nb::none();
    return nb::make_tuple(found->column, found->row, reasons[size_t(found->reason)]);
}

// Dicts to arrays: a list of arrays, or a tuple (problem, row, name) for what does not fit.
nb::object read_records(const Records &records, nb::handle rows) {
    static constexpr const char *problems[] = {"", "not a dict", "absent", "extra", "missing", "wrong"};
    PyObject *one = rows.ptr();
    const bool list = PyList_Check(one);
    PyObject *const *items = list ? reinterpret_cast<PyListObject *>(one)->ob_item : &one;
    nb::list arrays = nb::steal<nb::list>(PyList_New(Py_ssize_t(records.inputs())));
    Records::Fault fault;
    const bool ok = records.read(items, list ? PyList_GET_SIZE(one) : 1,
                                 reinterpret_cast<PyListObject *>(arrays.ptr())->ob_item, fault);
    if (ok) return arrays;
    if (PyErr_Occurred()) throw nb::python_error();
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(arrays.ptr()); ++i)
        if (PyList_GET_ITEM(arrays.ptr(), i) == nullptr) PyList_SET_ITEM(arrays.ptr(), i, nb::none().release().ptr());
    return nb::make_tuple(problems[int(fault.problem)], fault.row,
                          fault.name == nullptr ? nb::none() : nb::borrow(nb::handle(fault.name)));
}

// From one dict to one output of the program; a tuple where the dict does not fit.
nb::object answer_record(const Records &records, nb::handle row, nb::handle program, int output, int threads) {
    const Program *const p = program_of(program.ptr());
    if (p == nullptr || p->inputs() != records.inputs() || output < 0 || size_t(output) >= p->outputs())
        throw nb::type_error("answer: expected the program whose inputs these are, and one of its outputs");
    constexpr size_t few = 64;
    PyObject *arrays_few[few] = {};
    std::vector<PyObject *> arrays_many(records.inputs() > few ? records.inputs() : 0);
    PyObject **const arrays = records.inputs() > few ? arrays_many.data() : arrays_few;
    PyObject *item = row.ptr();
    Records::Fault fault;
    PyObject *outputs = nullptr;
    const bool fits = records.read(&item, 1, arrays, fault);
    if (fits) outputs = p->run(arrays, &output, 1, threads, nullptr);
    for (size_t i = 0; i < records.inputs(); ++i) Py_XDECREF(arrays[i]);
    if (outputs == nullptr) {
        if (PyErr_Occurred()) throw nb::python_error();
        return nb::make_tuple();
    }
    nb::object result = nb::borrow(PyList_GET_ITEM(outputs, 0));
    Py_DECREF(outputs);
    return result;
}

using InputSpec = std::tuple<std::string, bool, bool, std::vector<nb::str>>;

void make_records(Records *at, const std::vector<InputSpec> &specs, bool refuse_extra, nb::object missing_text) {
    std::vector<Records::Input> inputs;
    for (const auto &[type, matrix, refuse_nan, names] : specs) {
        Records::Input input{element(type), matrix, refuse_nan, {}};
        for (const nb::str &name : names) input.names.push_back(name.ptr());
        if (!matrix && names.size() != 1) throw nb::value_error("Records: expected one column for an input [N]");
        inputs.push_back(std::move(input));
    }
    new (at) Records(std::move(inputs), refuse_extra, missing_text.is_none() ? nullptr : missing_text.ptr());
}

}  // namespace

const Columns *columns_of(PyObject *object) {
    static PyObject *const type = nb::type<ColumnsObject>().ptr();
    if (reinterpret_cast<PyObject *>(Py_TYPE(object)) != type) return nullptr;
    return nb::inst_ptr<ColumnsObject>(nb::handle(object))->columns.get();
}

PyObject *array_of(PyObject *object) {
    const Columns &columns = *columns_of(object);
    const npy_intp rows = columns.rows(), width = columns.width();
    const bool text = columns.type() == Type::str;
    static constexpr int numbers[] = {NPY_FLOAT32, NPY_FLOAT64, NPY_INT64, NPY_INT32, NPY_BOOL, NPY_OBJECT};
    npy_intp dims[2] = {rows, width};
    // Column-major, so that a column is read where it goes.
    PyObject *array = PyArray_New(&PyArray_Type, 2, dims, numbers[size_t(columns.type())], nullptr, nullptr, 0,
                                  text ? 0 : NPY_ARRAY_F_CONTIGUOUS, nullptr);
    if (array == nullptr) return nullptr;
    auto *made = reinterpret_cast<PyArrayObject *>(array);
    std::vector<Str> texts(text ? size_t(rows) : 0);
    for (npy_intp c = 0; c < width; ++c) {
        std::byte *to = reinterpret_cast<std::byte *>(PyArray_BYTES(made)) + c * PyArray_STRIDE(made, 1);
        columns.read(c, 0, rows, text ? reinterpret_cast<std::byte *>(texts.data()) : to);
        for (npy_intp r = 0; text && r < rows; ++r) {
            PyObject *item = PyUnicode_DecodeUTF8(texts[size_t(r)].data, texts[size_t(r)].size, nullptr);
            if (item == nullptr) {
                Py_DECREF(array);
                return nullptr;
            }
            PyObject **slot = static_cast<PyObject **>(PyArray_GETPTR2(made, r, c));
            Py_XDECREF(*slot);
            *slot = item;
        }
    }
    return array;
}

void init_frames(nb::module_ &m) {
    nb::class_<ColumnObject>(m, "Column", "A column of a table, where its owner holds it.")
        .def_static("array", from_array, nb::arg("values"), nb::arg("missing").none() = nb::none(),
                    "From an array of numbers or booleans, and a mask of what is missing.")
        .def_static("codes", from_codes, nb::arg("codes"), nb::arg("categories"),
                    "From positions in another column; negative ones are missing.")
        .def_static("texts", from_texts, nb::arg("values"),
                    "From an array of str objects; also the first that is neither a str nor missing, or -1.")
        .def_static("arrow", from_arrow, nb::arg("capsule"), "The columns of an `arrow_array_stream`, with their names.")
        .def_prop_ro("kind", kind, "'number' (booleans too), 'text', 'null' or 'other'.")
        .def_prop_ro("type", [](const ColumnObject &c) { return c.column->type; }, "What its owner calls its type.")
        .def("__len__", [](const ColumnObject &c) { return c.column->rows; });
    nb::class_<ColumnsObject>(m, "Columns", "Columns as one model input [N, columns]: fed in the place of an array.")
        .def("__init__",
             [](ColumnsObject *at, const std::vector<ColumnObject> &columns, const std::string &type, bool refuse_nan,
                std::optional<std::string> missing_text) {
                 new (at) ColumnsObject(make_columns(columns, type, refuse_nan, std::move(missing_text)));
             },
             nb::arg("columns"), nb::arg("element"), nb::arg("refuse_nan"), nb::arg("missing_text").none())
        .def("fault", fault_of, "The first value that had no place in the type: (column, row, reason), or None.")
        .def("array", [](nb::handle self) {
            PyObject *array = array_of(self.ptr());
            if (array == nullptr) throw nb::python_error();
            return nb::steal(array);
        }, "The values as a new array.")
        .def("__len__", [](const ColumnsObject &c) { return c.columns->rows(); });
    nb::class_<Records>(m, "Records", "Reads dicts, one for a row, into the arrays that a model's inputs take.")
        .def("__init__", make_records, nb::arg("inputs"), nb::arg("refuse_extra"),
             nb::arg("missing_text").none())
        .def("read", read_records, nb::arg("rows"),
             "A list of arrays; or (problem, row, name) where a value does not fit.")
        .def("answer", answer_record, nb::arg("row"), nb::arg("program"), nb::arg("output"), nb::arg("threads"),
             "One output of a program for one dict; an empty tuple where a value does not fit.");
}

}  // namespace celeris
