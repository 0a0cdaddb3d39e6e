// What a whole-tensor kernel is to the engine: tensors in, tensors out, one call a node (or a group of fused nodes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "engine/kernel.h"

// Inlined always: a copy that the linker keeps of a function could be one for another instruction set.
#define CELERIS_INLINE __attribute__((always_inline)) inline

namespace celeris {

enum class Element : uint8_t { f32, f64, i64, i32, u8, i8, boolean, other };

CELERIS_INLINE int64_t size_of(Element e) {
    switch (e) {
        case Element::f32:
        case Element::i32: return 4;
        case Element::f64:
        case Element::i64: return 8;
        case Element::u8:
        case Element::i8:
        case Element::boolean: return 1;
        case Element::other: return 0;
    }
    return 0;
}

constexpr int kMostAxes = 8;

// An array as it lies; `strides` count elements. `data` is null for an input that the node leaves out.
struct Tensor {
    Element element = Element::other;
    int rank = 0;
    int64_t dims[kMostAxes] = {};
    int64_t strides[kMostAxes] = {};
    std::byte *data = nullptr;

    template <class T>
    CELERIS_INLINE T *as() const {
        return reinterpret_cast<T *>(data);
    }
    CELERIS_INLINE int64_t size() const { return span(0, rank); }
    // The product of dims[from] .. dims[to - 1].
    CELERIS_INLINE int64_t span(int from, int to) const {
        int64_t n = 1;
        for (int i = from; i < to; ++i) n *= dims[i];
        return n;
    }
    CELERIS_INLINE bool same_dims(const Tensor &other) const {
        bool same = rank == other.rank;
        for (int i = 0; same && i < rank; ++i) same = dims[i] == other.dims[i];
        return same;
    }
    CELERIS_INLINE void shape(Element e, int axes) { element = e, rank = axes; }
};

// One call of a kernel. Outputs are C-contiguous and overlap no input.
struct Call {
    const Tensor *in;
    int inputs;
    Tensor *out;
    int outputs;
    int threads;
};

// What every whole-tensor kernel's state derives from. Immutable once made.
//
// `plan` looks at a call's inputs and sets elements and dims of its outputs; false: these inputs are none of the
// kernel's, and the reference tier answers. It also says about how many nanoseconds the call will take.
struct TensorState {
    bool strided = false;      // reads inputs however they lie; others get them C-contiguous
    int64_t most = INT64_MAX;  // elements of an input: where one has more, the reference tier answers

protected:
    TensorState() = default;
};

using RunTensor = void (*)(const void *state, const Call &);
using PlanTensor = bool (*)(const void *state, Call &, double &cost);

struct TensorKernel {
    std::shared_ptr<const void> state;
    PlanTensor plan;
    RunTensor run;
    bool strided;
    int64_t most;
};

// Makes the whole-tensor kernel called `name` for the instruction set in force.
TensorKernel make_tensor_kernel(std::string_view name, const Params &);

// Memory of this thread for one unit of work, 64-byte aligned, contents undefined; what was asked for before is gone.
// Throws std::bad_alloc.
std::byte *scratch(size_t bytes);

// parallel_for (threads.h) without std::function: kernels' bodies are compiled for instruction sets of their own, and
// call no std:: templates. Where `body` runs out of memory, all of its work is given up and std::bad_alloc is thrown.
void for_each(int64_t count, int threads, void (*body)(const void *context, int64_t i), const void *context);

// As many calls of f(i) as count says, on at most so many threads.
template <class F>
inline void spread(int64_t count, int threads, const F &f) {
    for_each(count, threads, [](const void *context, int64_t i) { (*static_cast<const F *>(context))(i); }, &f);
}

// A block of memory for one call.
class Memory {
public:
    explicit Memory(size_t bytes);
    ~Memory();
    Memory(const Memory &) = delete;
    Memory &operator=(const Memory &) = delete;
    template <class T>
    CELERIS_INLINE T *as() const {
        return reinterpret_cast<T *>(data_);
    }

private:
    std::byte *data_;
};

}  // namespace celeris
