#include "engine/program.h"

#include <chrono>
#include <cstring>
#include <unordered_map>

#include "frames/python.h"

namespace celeris {
namespace {

// Results for tables are laid out by columns where there are rows enough to gain, and few columns: more of them, a power
// of two apart, would fall into the same sets of the cache.
constexpr npy_intp kManyRows = 512, kFewColumns = 8;

int64_t wall_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

// Slots of one run: owned references, released at the end whatever happens. Small plans stay on the stack.
class Slots {
public:
    // Slots start as the constants.
    explicit Slots(const std::vector<PyObject *> &constants) : n_(constants.size()) {
        if (n_ > std::size(few_)) many_.resize(n_), data_ = many_.data();
        for (size_t i = 0; i < n_; ++i) Py_XINCREF(data_[i] = constants[i]);
    }
    ~Slots() {
        for (size_t i = 0; i < n_; ++i) Py_XDECREF(data_[i]);
    }
    PyObject **get() { return data_; }

private:
    PyObject *few_[32];
    std::vector<PyObject *> many_;
    PyObject **data_ = few_;
    size_t n_;
};

// Contiguous copies of arrays that a pipeline cannot read as they lie, for one run.
class Copies {
public:
    Copies() = default;
    Copies(const Copies &) = delete;
    Copies &operator=(const Copies &) = delete;
    ~Copies() {
        for (PyObject *copy : kept_) Py_DECREF(copy);
    }
    // Null with a Python error set.
    PyArrayObject *add(PyArrayObject *array) {
        PyObject *copy = PyArray_FromArray(array, PyArray_DescrFromType(PyArray_TYPE(array)), NPY_ARRAY_CARRAY_RO);
        if (copy != nullptr) kept_.push_back(copy);
        return reinterpret_cast<PyArrayObject *>(copy);
    }

private:
    std::vector<PyObject *> kept_;
};

// The element type of a port, whose NumPy type was checked when it was made.
Type port_type(const Port &port) {
    switch (port.type_num) {
        case NPY_FLOAT32: return Type::f32;
        case NPY_FLOAT64: return Type::f64;
        case NPY_INT64: return Type::i64;
        case NPY_INT32: return Type::i32;
        case NPY_BOOL: return Type::u8;
        default: return Type::str;
    }
}

void put(PyObject **slots, int slot, PyObject *value) {
    PyObject *old = slots[slot];
    slots[slot] = value;
    Py_XDECREF(old);
}

// The UTF-8 of an object array of str, which the strings keep; false with a Python error set.
bool read_strings(PyArrayObject *array, std::vector<Str> &to) {
    const npy_intp n = PyArray_SIZE(array);
    to.resize(size_t(n) + 1);
    PyObject **items = static_cast<PyObject **>(PyArray_DATA(array));
    for (npy_intp i = 0; i < n; ++i) {
        PyObject *item = items[i];
        if (item == nullptr || !PyUnicode_Check(item)) {
            PyErr_SetString(PyExc_TypeError, "expected an array of str");
            return false;
        }
        Py_ssize_t size;
        const char *data = PyUnicode_AsUTF8AndSize(item, &size);
        if (data == nullptr) return false;
        to[size_t(i)] = {data, size};
    }
    return true;
}

// Python strings for what kernels wrote. Kernels write few distinct strings, from tables that live as long as they do.
PyObject *make_strings(const Port &port, npy_intp rows, const Str *from) {
    std::vector<npy_intp> dims = port.dims(rows);
    PyObject *array = PyArray_SimpleNew(int(dims.size()), dims.data(), NPY_OBJECT);
    if (array == nullptr) return nullptr;
    PyObject **items = static_cast<PyObject **>(PyArray_DATA(reinterpret_cast<PyArrayObject *>(array)));
    const npy_intp n = PyArray_SIZE(reinterpret_cast<PyArrayObject *>(array));
    constexpr npy_intp few = 4;  // strings that are made faster than looked up
    std::unordered_map<const char *, PyObject *> seen;
    const Str *previous = nullptr;
    PyObject *last = nullptr;
    for (npy_intp i = 0; i < n; ++i) {
        PyObject *made = nullptr;
        if (previous != nullptr && previous->data == from[i].data && previous->size == from[i].size) {
            made = last;
            Py_INCREF(made);
        } else if (const auto found = seen.find(from[i].data);
                   found != seen.end() && PyUnicode_GetLength(found->second) >= 0 && from[i].size > 0) {
            Py_ssize_t size;
            PyUnicode_AsUTF8AndSize(found->second, &size);
            if (size == from[i].size) made = found->second, Py_INCREF(made);
        }
        if (made == nullptr) {
            made = PyUnicode_DecodeUTF8(from[i].data, from[i].size, nullptr);
            if (made == nullptr) {
                Py_DECREF(array);
                return nullptr;
            }
            if (n > few && seen.size() < 4096) seen[from[i].data] = made;
        }
        PyObject *old = items[i];
        items[i] = made;
        Py_XDECREF(old);
        previous = &from[i], last = made;
    }
    return array;
}

std::vector<int> slots_in(const Program::Step &s) {
    if (s.kind == Program::Step::zipmap) return {s.zip.in};
    if (s.kind == Program::Step::call) return s.function.in;
    if (s.kind == Program::Step::tensor) return s.whole.call.in;
    std::vector<int> in;
    for (const Port &p : s.run.in) in.push_back(p.slot);
    return in;
}

std::vector<int> slots_out(const Program::Step &s) {
    if (s.kind == Program::Step::zipmap) return {s.zip.out};
    if (s.kind == Program::Step::call) return s.function.out;
    if (s.kind == Program::Step::tensor) return s.whole.call.out;
    std::vector<int> out;
    for (const Port &p : s.run.out) out.push_back(p.slot);
    return out;
}

// A new list of the values in slots, None where there is none; null with a Python error set.
PyObject *values_at(PyObject *const *slots, const std::vector<int> &places) {
    PyObject *list = PyList_New(Py_ssize_t(places.size()));
    for (size_t i = 0; list != nullptr && i < places.size(); ++i) {
        PyObject *value = places[i] < 0 || slots[places[i]] == nullptr ? Py_None : slots[places[i]];
        Py_INCREF(value);
        PyList_SET_ITEM(list, Py_ssize_t(i), value);
    }
    return list;
}

}  // namespace

Program::Program(int slots, std::vector<int> inputs, std::vector<int> outputs)
    : slots_(size_t(slots)), inputs_(std::move(inputs)), outputs_(std::move(outputs)), constants_(size_t(slots)) {
    for (size_t i = 0; i < outputs_.size(); ++i) all_wanted_.push_back(int(i));
}

Program::~Program() {
    for (PyObject *c : constants_) Py_XDECREF(c);
    for (Special &s : specials_) Py_DECREF(s.owner);
    Py_XDECREF(maker_);
    for (Step &s : steps_) {
        Py_XDECREF(s.run.fallback);
        Py_XDECREF(s.function.function);
        Py_XDECREF(s.whole.call.function);
        Py_XDECREF(s.zip.fallback);
        Py_XDECREF(s.label);
    }
}

void Program::set_constant(int slot, PyObject *value) {
    Py_INCREF(value);
    constants_.at(size_t(slot)) = value;
}

void Program::add(Step step) { steps_.push_back(std::move(step)); }

void Program::finish() {
    all_needed_ = needed(all_wanted_.data(), all_wanted_.size());
    spares_.resize(slots_);
}

// What the wanted outputs need: found out once for each choice of few outputs, else into `own`.
const Program::Need &Program::need_of(const int *wanted, size_t n, Need &own) const {
    constexpr size_t most = 64;  // choices remembered
    uint64_t bits = 0;
    bool few = true;
    for (size_t i = 0; i < n; ++i) {
        few = few && wanted[i] < 64;
        if (few) bits |= uint64_t(1) << wanted[i];
    }
    const auto found = few ? needs_.find(bits) : needs_.end();
    if (found != needs_.end()) return found->second;
    own = needed(wanted, n);
    return few && needs_.size() < most ? needs_.emplace(bits, own).first->second : own;
}

Program::Need Program::needed(const int *wanted, size_t n) const {
    Need result(slots_);
    for (size_t i = 0; i < n; ++i) result[size_t(outputs_[size_t(wanted[i])])] = true;
    for (size_t i = steps_.size(); i-- > 0;) {
        const Step &s = steps_[i];
        const auto uses = [&](const std::vector<int> &in, bool any) {
            if (any)
                for (int slot : in)
                    if (slot >= 0) result[size_t(slot)] = true;
        };
        if (s.kind == Step::zipmap) {
            uses({s.zip.in}, result[size_t(s.zip.out)]);
        } else if (s.kind == Step::call || s.kind == Step::tensor) {
            const CallStep &function = s.kind == Step::call ? s.function : s.whole.call;
            bool any = false;
            for (int slot : function.out) any = any || (slot >= 0 && result[size_t(slot)]);
            uses(function.in, any);
        } else {
            bool any = false;
            for (const Port &p : s.run.out) any = any || result[size_t(p.slot)];
            uses(slots_in(s), any);
        }
    }
    return result;
}

PyObject *Program::run(PyObject *const *feeds, const int *wanted, size_t n_wanted, int threads,
                       PyObject *trace) const {
    if (maker_ != nullptr) {
        const Program *special;
        if (!special_for(feeds, special)) return nullptr;
        if (special != nullptr) return special->run(feeds, wanted, n_wanted, threads, trace);
    }
    Slots owned(constants_);
    PyObject **slots = owned.get();
    for (size_t i = 0; i < inputs_.size(); ++i)
        if (feeds[i] != nullptr) {
            Py_INCREF(feeds[i]);
            put(slots, inputs_[i], feeds[i]);
        }
    const bool all = wanted == nullptr;
    if (all) wanted = all_wanted_.data(), n_wanted = all_wanted_.size();
    Need own;
    const Need &need = all ? all_needed_ : need_of(wanted, n_wanted, own);

    for (const Step &s : steps_) {
        bool used = false;
        bool ok = true;
        const int64_t start = trace == nullptr ? 0 : wall_ns();
        std::vector<int64_t> times;
        if (s.kind == Step::pipeline) {
            for (const Port &p : s.run.out) used = used || need[size_t(p.slot)];
            if (trace != nullptr) times.resize(s.run.pipeline->steps().size());
            ok = !used || run_pipeline(s.run, slots, need, threads, trace == nullptr ? nullptr : times.data());
        } else if (s.kind == Step::call) {
            for (int slot : s.function.out) used = used || (slot >= 0 && need[size_t(slot)]);
            ok = !used || run_call(s.function, slots);
        } else if (s.kind == Step::tensor) {
            for (int slot : s.whole.call.out) used = used || (slot >= 0 && need[size_t(slot)]);
            ok = !used || run_tensor(s.whole, slots, threads);
        } else {
            used = need[size_t(s.zip.out)];
            ok = !used || run_zipmap(s.zip, slots);
        }
        if (!ok) return nullptr;
        if (trace != nullptr && used) {
            PyObject *spent = PyList_New(Py_ssize_t(times.size()));
            for (size_t i = 0; spent != nullptr && i < times.size(); ++i)
                PyList_SET_ITEM(spent, Py_ssize_t(i), PyLong_FromLongLong(times[i]));
            const int64_t took = wall_ns() - start;
            PyObject *told = spent == nullptr ? nullptr
                                              : PyObject_CallFunction(trace, "OLLNNN", s.label, (long long)start,
                                                                      (long long)took, spent,
                                                                      values_at(slots, slots_in(s)),
                                                                      values_at(slots, slots_out(s)));
            if (told == nullptr) return nullptr;
            Py_DECREF(told);
        }
        for (int slot : s.release) put(slots, slot, nullptr);
    }

    PyObject *result = PyList_New(Py_ssize_t(n_wanted));
    if (result == nullptr) return nullptr;
    for (size_t i = 0; i < n_wanted; ++i) {
        PyObject *value = slots[outputs_[size_t(wanted[i])]];
        if (value == nullptr) value = Py_None;
        Py_INCREF(value);
        PyList_SET_ITEM(result, Py_ssize_t(i), value);
    }
    return result;
}

bool Program::run_pipeline(const PipelineStep &s, PyObject **slots, const std::vector<bool> &need, int threads,
                           int64_t *times) const {
    constexpr size_t few = 16;
    Rows few_in[few];
    Out few_out[few];
    std::vector<Rows> many_in;
    std::vector<Out> many_out;
    Rows *in = few_in;
    Out *out = few_out;
    if (s.in.size() > few) many_in.resize(s.in.size()), in = many_in.data();
    if (s.out.size() > few) many_out.resize(s.out.size()), out = many_out.data();

    npy_intp rows = -1;
    bool tables = false;
    Copies copies;
    std::vector<std::vector<Str>> texts;  // moving one does not move its strings
    for (size_t i = 0; i < s.in.size(); ++i) {
        const Port &port = s.in[i];
        PyObject *value = slots[port.slot];
        if (const Columns *columns = value == nullptr || PyArray_Check(value) ? nullptr : columns_of(value)) {
            npy_intp width = 1;
            for (npy_intp d : port.tail) width *= d;
            if (i == 0) rows = columns->rows();
            if (columns->rows() != rows || columns->width() != width || columns->type() != port_type(port))
                return fall_back(s, slots);
            in[i] = {nullptr, 0, 0, columns};
            tables = true;
            continue;
        }
        if (value == nullptr || !PyArray_Check(value)) return fall_back(s, slots);
        PyArrayObject *array = reinterpret_cast<PyArrayObject *>(value);
        const int rank = PyArray_NDIM(array);
        if (rank != int(port.tail.size()) + 1 || PyArray_TYPE(array) != port.type_num) return fall_back(s, slots);
        const npy_intp *dims = PyArray_DIMS(array);
        const int axis = port.axis;
        if (i == 0) rows = dims[axis];
        bool fits = dims[axis] == rows;
        for (int d = 0; d < rank; ++d) fits = fits && (d == axis || dims[d] == port.tail[size_t(d - (d > axis))]);
        if (!fits) return fall_back(s, slots);
        const bool ordered = PyArray_IS_C_CONTIGUOUS(array) || (rank <= 2 && axis == 0 && port.type_num != NPY_OBJECT);
        if (!ordered || !PyArray_ISBEHAVED_RO(array)) {
            array = copies.add(array);
            if (array == nullptr) return false;
        }
        const npy_intp *strides = PyArray_STRIDES(array);
        if (port.type_num == NPY_OBJECT) {
            texts.emplace_back();
            if (!read_strings(array, texts.back())) {
                PyErr_Clear();
                return fall_back(s, slots);
            }
            const npy_intp width = rows == 0 ? 0 : PyArray_SIZE(array) / rows;
            in[i] = {reinterpret_cast<const std::byte *>(texts.back().data()), ptrdiff_t(sizeof(Str)) * width,
                     ptrdiff_t(sizeof(Str))};
        } else if (rank <= 2 && axis == 0) {
            in[i] = {reinterpret_cast<const std::byte *>(PyArray_BYTES(array)), strides[0], rank == 2 ? strides[1] : 0};
        } else {
            in[i] = {reinterpret_cast<const std::byte *>(PyArray_BYTES(array)), strides[axis],
                     ptrdiff_t(PyArray_ITEMSIZE(array))};
        }
    }
    if (rows < 0) return fall_back(s, slots);

    std::vector<std::vector<Str>> labels;
    npy_intp dims[NPY_MAXDIMS];
    for (size_t i = 0; i < s.out.size(); ++i) {
        const Port &port = s.out[i];
        out[i] = {};
        for (int d = 0; d < port.axis; ++d) out[i].blocks *= port.tail[size_t(d)];
        if (!need[size_t(port.slot)]) continue;
        if (port.type_num == NPY_OBJECT) {
            npy_intp n = rows;
            for (npy_intp d : port.tail) n *= d;
            labels.resize(s.out.size());
            labels[i].resize(size_t(n) + 1);
            out[i].data = reinterpret_cast<std::byte *>(labels[i].data());
            continue;
        }
        const int axis = port.axis;
        for (int d = 0; d < axis; ++d) dims[d] = port.tail[size_t(d)];
        dims[axis] = rows;
        for (size_t d = size_t(axis); d < port.tail.size(); ++d) dims[d + 1] = port.tail[d];
        // Whoever gives a table takes results apart by columns.
        out[i].columns = tables && rows >= kManyRows && axis == 0 && port.tail.size() == 1 && port.tail[0] <= kFewColumns;
        PyObject *made = out[i].columns ? PyArray_EMPTY(2, dims, port.type_num, 1)
                                        : spares_.take(size_t(port.slot), int(port.tail.size()) + 1, dims, port.type_num);
        if (made == nullptr) return false;
        put(slots, port.slot, made);
        out[i].data = reinterpret_cast<std::byte *>(PyArray_BYTES(reinterpret_cast<PyArrayObject *>(made)));
    }

    const bool release = s.pipeline->cost_per_row() * double(rows) >= kWorthReleasing;
    PyThreadState *state = release ? PyEval_SaveThread() : nullptr;
    bool ok = true, answered = true;
    try {
        answered = s.pipeline->run(rows, in, out, release ? threads : 1, times);
    } catch (const std::bad_alloc &) {
        ok = false;
    }
    if (release) PyEval_RestoreThread(state);
    if (!ok) {
        PyErr_NoMemory();
        return false;
    }
    if (!answered) return fall_back(s, slots);

    for (size_t i = 0; i < labels.size(); ++i) {
        if (labels[i].empty()) continue;
        PyObject *made = make_strings(s.out[i], rows, labels[i].data());
        if (made == nullptr) return false;
        put(slots, s.out[i].slot, made);
    }
    return true;
}

bool Program::fall_back(const PipelineStep &s, PyObject **slots) const {
    std::vector<int> in, out;
    for (const Port &p : s.in) in.push_back(p.slot);
    for (const Port &p : s.out) out.push_back(p.slot);
    return run_call({s.fallback, in, out}, slots);
}

bool Program::run_call(const CallStep &s, PyObject **slots) const {
    std::vector<PyObject *> arguments;
    for (int slot : s.in) {  // a function takes arrays, not tables
        PyObject *value = slot < 0 ? nullptr : slots[slot];
        if (value == nullptr || PyArray_Check(value) || columns_of(value) == nullptr) continue;
        PyObject *array = array_of(value);
        if (array == nullptr) return false;
        put(slots, slot, array);
    }
    for (int slot : s.in) arguments.push_back(slot < 0 || slots[slot] == nullptr ? Py_None : slots[slot]);
    PyObject *result = PyObject_Vectorcall(s.function, arguments.data(), arguments.size(), nullptr);
    if (result == nullptr) return false;
    if (!PyTuple_Check(result) || size_t(PyTuple_GET_SIZE(result)) != s.out.size()) {
        Py_DECREF(result);
        PyErr_SetString(PyExc_SystemError, "a step returned another number of values than it has outputs");
        return false;
    }
    for (size_t i = 0; i < s.out.size(); ++i) {
        if (s.out[i] < 0) continue;
        PyObject *value = PyTuple_GET_ITEM(result, Py_ssize_t(i));
        Py_INCREF(value);
        put(slots, s.out[i], value);
    }
    Py_DECREF(result);
    return true;
}

// [N, C] float32 -> a list of N dicts.
bool Program::run_zipmap(const ZipMapStep &s, PyObject **slots) const {
    PyObject *value = slots[s.in];
    const bool scores = value != nullptr && PyArray_Check(value);
    const int rank = scores ? PyArray_NDIM(reinterpret_cast<PyArrayObject *>(value)) : 0;
    const npy_intp *dims = scores ? PyArray_DIMS(reinterpret_cast<PyArrayObject *>(value)) : nullptr;
    if (rank < 1 || rank > 2 || size_t(dims[rank - 1]) != s.dicts->size())
        return run_call({s.fallback, {s.in}, {s.out}}, slots);
    const npy_intp rows = rank == 1 ? 1 : dims[0], columns = dims[rank - 1];
    PyArrayObject *array = reinterpret_cast<PyArrayObject *>(PyArray_FROM_OTF(value, NPY_FLOAT32, NPY_ARRAY_IN_ARRAY));
    if (array == nullptr) return false;
    PyObject *list = s.dicts->list(static_cast<const float *>(PyArray_DATA(array)), rows, columns);
    Py_DECREF(array);
    if (list == nullptr) return false;
    put(slots, s.out, list);
    return true;
}

}  // namespace celeris
