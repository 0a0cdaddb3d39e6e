// Runs a whole-tensor kernel on the arrays of a program's slots.
#include "engine/program.h"

namespace celeris {
namespace {

constexpr double kWorthThreads = 40e3;  // ns of work below which waking another thread costs more than it brings

Element element_of(PyArrayObject *array) {
    switch (PyArray_TYPE(array)) {
        case NPY_FLOAT32: return Element::f32;
        case NPY_FLOAT64: return Element::f64;
        case NPY_INT64: return Element::i64;
        case NPY_INT32: return Element::i32;
        case NPY_UINT8: return Element::u8;
        case NPY_INT8: return Element::i8;
        case NPY_BOOL: return Element::boolean;
        default: return Element::other;
    }
}

int type_num(Element e) {
    switch (e) {
        case Element::f32: return NPY_FLOAT32;
        case Element::f64: return NPY_FLOAT64;
        case Element::i64: return NPY_INT64;
        case Element::i32: return NPY_INT32;
        case Element::u8: return NPY_UINT8;
        case Element::i8: return NPY_INT8;
        case Element::boolean: return NPY_BOOL;
        case Element::other: break;
    }
    return -1;
}

// Arrays as kernels see them; copies of those that they cannot read as they lie.
class Arguments {
public:
    explicit Arguments(size_t n) : tensors_(n) {}
    ~Arguments() {
        for (PyObject *copy : copies_) Py_DECREF(copy);
    }
    Arguments(const Arguments &) = delete;
    Arguments &operator=(const Arguments &) = delete;

    enum Outcome { seen, foreign, failed };
    Outcome see(size_t i, PyObject *value, const TensorKernel &kernel) {
        if (value == nullptr || value == Py_None) return seen;
        if (!PyArray_Check(value)) return foreign;
        PyArrayObject *array = reinterpret_cast<PyArrayObject *>(value);
        Tensor &t = tensors_[i];
        t.element = element_of(array);
        t.rank = PyArray_NDIM(array);
        if (t.element == Element::other || t.rank > kMostAxes || PyArray_SIZE(array) > kernel.most) return foreign;
        bool lies = PyArray_ISBEHAVED_RO(array) && (kernel.strided || PyArray_IS_C_CONTIGUOUS(array));
        const npy_intp item = PyArray_ITEMSIZE(array);
        for (int d = 0; lies && d < t.rank; ++d) lies = PyArray_STRIDE(array, d) % item == 0;
        if (!lies) {
            PyObject *copy = PyArray_FromArray(array, PyArray_DescrFromType(PyArray_TYPE(array)), NPY_ARRAY_CARRAY_RO);
            if (copy == nullptr) return failed;
            copies_.push_back(copy);
            array = reinterpret_cast<PyArrayObject *>(copy);
        }
        for (int d = 0; d < t.rank; ++d)
            t.dims[d] = PyArray_DIM(array, d), t.strides[d] = PyArray_STRIDE(array, d) / item;
        t.data = reinterpret_cast<std::byte *>(PyArray_BYTES(array));
        return seen;
    }
    const Tensor *data() const { return tensors_.data(); }

private:
    std::vector<Tensor> tensors_;
    std::vector<PyObject *> copies_;
};

// New arrays for a call's outputs, with `data` of the call set; false with a Python error set.
bool make_outputs(Tensor *out, size_t n, std::vector<PyObject *> &made) {
    for (size_t i = 0; i < n; ++i) {
        npy_intp dims[kMostAxes];
        for (int d = 0; d < out[i].rank; ++d) dims[d] = out[i].dims[d];
        made[i] = PyArray_SimpleNew(out[i].rank, dims, type_num(out[i].element));
        if (made[i] == nullptr) return false;
        out[i].data = reinterpret_cast<std::byte *>(PyArray_BYTES(reinterpret_cast<PyArrayObject *>(made[i])));
    }
    return true;
}

}  // namespace

bool Program::run_tensor(const TensorStep &s, PyObject **slots, int threads) const {
    const CallStep &call = s.call;
    Arguments arguments(call.in.size());
    for (size_t i = 0; i < call.in.size(); ++i) {
        switch (arguments.see(i, call.in[i] < 0 ? nullptr : slots[call.in[i]], s.kernel)) {
            case Arguments::seen: break;
            case Arguments::foreign: return run_call(call, slots);
            case Arguments::failed: return false;
        }
    }
    std::vector<Tensor> out(call.out.size());
    Call c{arguments.data(), int(call.in.size()), out.data(), int(out.size()), 1};
    double cost = 0;
    if (!s.kernel.plan(s.kernel.state.get(), c, cost)) return run_call(call, slots);
    std::vector<PyObject *> made(out.size());
    bool ok = make_outputs(out.data(), out.size(), made);
    if (ok) {
        if (cost >= kWorthThreads) c.threads = threads;
        PyThreadState *state = cost >= kWorthReleasing ? PyEval_SaveThread() : nullptr;
        bool fits = true;
        try {
            s.kernel.run(s.kernel.state.get(), c);
        } catch (const std::bad_alloc &) {
            fits = false;
        }
        if (state != nullptr) PyEval_RestoreThread(state);
        if (!fits) PyErr_NoMemory(), ok = false;
    }
    for (size_t i = 0; i < made.size(); ++i) {
        if (ok && call.out[i] >= 0) std::swap(slots[call.out[i]], made[i]);
        Py_XDECREF(made[i]);
    }
    return ok;
}

}  // namespace celeris
