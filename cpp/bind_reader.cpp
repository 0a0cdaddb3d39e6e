// The wire decoder for Python: WireSchema(table, strings).decode(buffer, type) -> a dict a message, absent fields left
// out. Repeated numbers are NumPy arrays that own their memory, bytes are memoryviews of the buffer, repeated bytes are
// strings(unique, codes), repeated strings are lists of str, and sub-messages are dicts or lists of dicts.
// And number_forest: the arrays of a tree ensemble's attributes, where they are written as usual.
#include <nanobind/nanobind.h>
#include <nanobind/stl/array.h>

#include "bind.h"
#include "numpy_api.h"
#include "reader/codes.h"
#include "reader/forests.h"
#include "reader/wire.h"

namespace nb = nanobind;
using namespace celeris::wire;

namespace {

PyObject *checked(PyObject *made) {
    if (made == nullptr) throw nb::python_error();
    return made;
}

// Hands on the array's memory.
template <typename T>
nb::object numpy(Array<T> &from) {
    constexpr int type = std::is_same_v<T, float>      ? NPY_FLOAT32
                         : std::is_same_v<T, double>   ? NPY_FLOAT64
                         : std::is_same_v<T, uint64_t> ? NPY_UINT64
                         : std::is_same_v<T, uint16_t> ? NPY_UINT16
                         : sizeof(T) == 1              ? NPY_INT8
                         : sizeof(T) == 2              ? NPY_INT16
                         : sizeof(T) == 4              ? NPY_INT32
                                                       : NPY_INT64;
    npy_intp size = npy_intp(from.size());
    T *memory = from.release();
    nb::capsule owner(memory, [](void *p) noexcept { std::free(p); });
    nb::object array = nb::steal(checked(PyArray_SimpleNewFromData(1, &size, type, memory)));
    if (PyArray_SetBaseObject(reinterpret_cast<PyArrayObject *>(array.ptr()), owner.release().ptr()) != 0)
        throw nb::python_error();
    return array;
}

class WireSchema {
  public:
    WireSchema(nb::dict table, nb::object strings) : strings_(std::move(strings)) {
        for (auto [name, rows] : table) names_[name] = int(nb::len(names_));
        for (auto [name, rows] : table) add(nb::cast<nb::str>(name), nb::cast<nb::sequence>(rows));
    }

    nb::dict decode(nb::handle source, nb::str root, int depth, int64_t messages, int threads) const {
        if (!names_.contains(root)) throw nb::key_error(root.c_str());
        int type = nb::cast<int>(names_[root]);
        BufferView buffer(source);
        Message message{nullptr, {}};
        {
            nb::gil_scoped_release release;
            message = Decoder(schema_, buffer.data(), buffer.size(), {depth, messages, threads}).decode(type);
        }
        nb::object view = nb::steal(PyMemoryView_FromObject(source.ptr()));
        if (!view.is_valid()) throw nb::python_error();
        return nb::cast<nb::dict>(Converter{*this, buffer.data(), view}.message(message));
    }

  private:
    class BufferView {
      public:
        explicit BufferView(nb::handle source) {
            if (PyObject_GetBuffer(source.ptr(), &view_, PyBUF_SIMPLE) != 0) throw nb::python_error();
        }
        BufferView(const BufferView &) = delete;
        ~BufferView() { PyBuffer_Release(&view_); }
        const uint8_t *data() const { return static_cast<const uint8_t *>(view_.buf); }
        size_t size() const { return size_t(view_.len); }

      private:
        Py_buffer view_;
    };

    // A row of the table: (number, name, kind, repeated, oneof or -1, message type or '').
    void add(nb::str name, nb::sequence rows) {
        static constexpr std::pair<const char *, Kind> kinds[] = {
            {"int32", Kind::Int32},   {"int64", Kind::Int64},   {"integers", Kind::Integers}, {"uint64", Kind::UInt64},
            {"float", Kind::Float},   {"double", Kind::Double}, {"string", Kind::String},     {"bytes", Kind::Bytes},
            {"message", Kind::Message}};
        Type type{name.c_str(), {}, {}};
        nb::list keys;
        for (nb::handle row : rows) {
            int number = nb::cast<int>(row[0]);
            if (number < 1 || number > 1000) throw nb::value_error("expected field numbers from 1 to 1000");
            nb::str key = nb::cast<nb::str>(row[1]), kind = nb::cast<nb::str>(row[2]);
            Field field{key.c_str(), Kind::Int32, nb::cast<bool>(row[3]), nb::cast<int>(row[4]), -1};
            bool known = false;
            for (auto [spelling, value] : kinds)
                if (std::strcmp(spelling, kind.c_str()) == 0) field.kind = value, known = true;
            if (!known) throw nb::value_error("expected a field kind of the table in bind_reader.cpp");
            if (field.kind == Kind::Integers && !field.repeated) throw nb::value_error("expected many integers, got one");
            if (field.kind == Kind::Message) field.message = nb::cast<int>(names_[row[5]]);
            if (type.by_number.size() <= size_t(number)) type.by_number.resize(size_t(number) + 1, -1);
            type.by_number[size_t(number)] = int(type.fields.size());
            type.fields.push_back(std::move(field));
            PyObject *interned = key.release().ptr();
            PyUnicode_InternInPlace(&interned);
            keys.append(nb::steal(interned));
        }
        schema_.push_back(std::move(type));
        keys_.append(keys);
    }

    struct Converter {
        const WireSchema &owner;
        const uint8_t *data;
        nb::object view;

        nb::object message(Message &from) const {
            nb::handle keys = PyList_GET_ITEM(owner.keys_.ptr(), from.type - owner.schema_.data());
            nb::dict result;
            for (Slot &slot : from.slots) {
                nb::handle key = PyList_GET_ITEM(keys.ptr(), slot.field - from.type->fields.data());
                result[key] = std::visit([&](auto &value) { return convert(value, *slot.field); }, slot.value);
            }
            return result;
        }

        nb::object convert(int64_t value, const Field &) const { return nb::int_(value); }
        nb::object convert(uint64_t value, const Field &) const { return nb::int_(value); }
        nb::object convert(float value, const Field &) const { return nb::float_(value); }
        nb::object convert(double value, const Field &) const { return nb::float_(value); }
        template <typename T> nb::object convert(Array<T> &array, const Field &) const { return numpy(array); }
        nb::object convert(std::unique_ptr<Message> &inner, const Field &) const { return message(*inner); }

        nb::object convert(Slice slice, const Field &field) const {
            if (field.kind == Kind::String) return text(slice, field);
            return nb::steal(checked(PySequence_GetSlice(view.ptr(), slice.offset, slice.offset + slice.length)));
        }
        nb::object convert(std::vector<Message> &inner, const Field &) const {
            nb::list result;
            for (Message &each : inner) result.append(message(each));
            return result;
        }
        nb::object convert(Array<Slice> &slices, const Field &field) const {
            nb::list result;
            for (size_t i = 0; i < slices.size(); ++i) result.append(text(slices.data()[i], field));
            return result;
        }
        nb::object convert(std::unique_ptr<Coded> &coded, const Field &field) const {
            nb::list unique;
            for (Slice slice : coded->strings.unique()) unique.append(nb::bytes(data + slice.offset, size_t(slice.length)));
            return owner.strings_(unique, convert(coded->codes, field));
        }
        nb::object convert(Integers &integers, const Field &) const {
            return integers.release([this](auto &array) { return numpy(array); });
        }

        nb::object text(Slice slice, const Field &field) const {
            const char *first = reinterpret_cast<const char *>(data) + slice.offset;
            PyObject *made = PyUnicode_DecodeUTF8(first, Py_ssize_t(slice.length), "strict");
            if (made == nullptr) {
                PyErr_Clear();
                throw Error("byte " + std::to_string(slice.offset) + ": expected UTF-8 in field '" + field.name +
                            "', got other bytes");
            }
            return nb::steal(made);
        }

    };

    Schema schema_;
    nb::dict names_;  // type name -> its place in schema_
    nb::list keys_;  // for each type, its field names, interned
    nb::object strings_;
};

// The elements of a contiguous vector: integers as Integers hold them, or modes. Sets `size` where it is negative, else expects it.
celeris::Column column_of(nb::handle object, int64_t &size, bool modes = false) {
    PyArrayObject *array = reinterpret_cast<PyArrayObject *>(object.ptr());
    if (!PyArray_Check(object.ptr()) || PyArray_NDIM(array) != 1 || !PyArray_ISCARRAY_RO(array) ||
        (modes ? PyArray_TYPE(array) != NPY_UINT8 : !PyArray_ISSIGNED(array) && PyArray_TYPE(array) != NPY_UINT16) ||
        (size >= 0 && PyArray_SIZE(array) != size))
        throw nb::type_error("expected contiguous vectors of integers, of one length");
    size = PyArray_SIZE(array);
    return {PyArray_DATA(array), PyArray_ITEMSIZE(array), bool(PyArray_ISSIGNED(array))};
}

nb::object number_forest(nb::handle tree, nb::handle node, nb::handle mode, nb::handle feature, nb::handle yes,
                         nb::handle no, nb::handle weight_tree, nb::handle weight_node, int leaf, int threads) {
    celeris::WrittenForest f;
    f.nodes = f.weights = -1;
    f.tree = column_of(tree, f.nodes), f.node = column_of(node, f.nodes);
    f.mode = static_cast<const uint8_t *>(column_of(mode, f.nodes, true).data);
    f.feature = column_of(feature, f.nodes), f.yes = column_of(yes, f.nodes), f.no = column_of(no, f.nodes);
    f.weight_tree = column_of(weight_tree, f.weights), f.weight_node = column_of(weight_node, f.weights);
    celeris::NumberedForest to;
    Array<int32_t> features, yeses, noes, roots, firsts, order;
    const size_t count = size_t(f.nodes);
    to.feature = features.extend(count), to.yes = yeses.extend(count), to.no = noes.extend(count);
    to.first = firsts.extend(count + 1);
    if (!number_forest(f, to, uint8_t(leaf), threads)) return nb::none();
    std::copy(to.roots.begin(), to.roots.end(), roots.extend(to.roots.size()));
    std::copy(to.order.begin(), to.order.end(), order.extend(to.order.size()));
    return nb::make_tuple(numpy(features), numpy(yeses), numpy(noes), numpy(roots), numpy(firsts), numpy(order));
}

// So many of the modes are `wanted`: counted in bytes, a register of them at a time.
int64_t count_mode(const uint8_t *mode, int64_t size, uint8_t wanted) {
    int64_t all = 0;
    for (int64_t from = 0; from < size; from += 128) {
        const int64_t some = std::min<int64_t>(128, size - from);
        uint8_t found = 0;
        for (int64_t i = 0; i < some; ++i) found = uint8_t(found + (mode[from + i] == wanted));
        all += found;
    }
    return all;
}

// Of nodes' modes: how many nodes have each, and how many between two bounds are no leaves, at most.
nb::tuple count_modes(nb::handle modes, nb::handle bounds, int leaf) {
    int64_t size = -1, trees = -1;
    const uint8_t *mode = static_cast<const uint8_t *>(column_of(modes, size, true).data);
    const celeris::Column bound = column_of(bounds, trees);
    int64_t most = 0;
    for (int64_t tree = 0; tree < trees; ++tree) {
        const int64_t from = bound.at(tree), to = tree + 1 < trees ? bound.at(tree + 1) : size;
        if (from < 0 || to < from || to > size) throw nb::value_error("count_modes: expected ascending bounds among the nodes");
        most = std::max(most, to - from - count_mode(mode + from, to - from, uint8_t(leaf)));
    }
    std::array<int64_t, 8> counts{};
    for (size_t m = 0; m < counts.size(); ++m) counts[m] = count_mode(mode, size, uint8_t(m));
    return nb::make_tuple(nb::cast(counts), most);
}

}  // namespace

namespace celeris {

void init_reader(nb::module_ &m) {
    nb::exception<Error>(m, "WireError", PyExc_ValueError);
    nb::class_<WireSchema>(m, "WireSchema", "Message types of a protobuf schema, and the decoder that follows them.")
        .def(nb::init<nb::dict, nb::object>(), nb::arg("table"), nb::arg("strings"))
        .def("decode", &WireSchema::decode, nb::arg("source"), nb::arg("root"), nb::arg("depth") = 100,
             nb::arg("messages") = int64_t(8'000'000), nb::arg("threads") = 1,
             "The message of type `root` that the whole buffer holds, as dicts; WireError where the buffer is no such "
             "message.");
    m.def("trim_memory", &celeris::trim_memory, "Gives memory that is free back to the system.");
    m.def("number_forest", &::number_forest, nb::arg("tree"), nb::arg("node"), nb::arg("mode"), nb::arg("feature"),
          nb::arg("yes"), nb::arg("no"), nb::arg("weight_tree"), nb::arg("weight_node"), nb::arg("leaf"),
          nb::arg("threads") = 1,
          nb::sig("def number_forest(tree: object, node: object, mode: object, feature: object, yes: object, no: object, "
                  "weight_tree: object, weight_node: object, leaf: int, threads: int = 1) -> tuple[Any, ...] | None"),
          "(feature, yes, no, roots, first, order) of a forest written tree after tree, parents first, as Forest has them; "
          "None where it is written in another way, or wrongly. `order`: of the weights, empty where it is that in which "
          "they are written. `leaf`: the mode of leaves.");
    m.def("count_modes", &::count_modes, nb::arg("mode"), nb::arg("bounds"), nb::arg("leaf"),
          nb::sig("def count_modes(mode: object, bounds: object, leaf: int) -> tuple[list[int], int]"),
          "How many nodes have each of the modes 0 to 7, and how many from one bound to the next have another than `leaf`, at "
          "most. Nothing of the nodes' size is made: memory touched first is what loading costs.");
}

}  // namespace celeris
