// Places in tensors: indices as models give them, and elements copied whatever they mean.
#pragma once

#include <cstring>

#include "engine/target.h"
#include "tensor/tensor.h"

namespace celeris::CELERIS_TARGET {

// Numbers of an int64 or int32 tensor.
struct Indices {
    const std::byte *data;
    bool wide;

    explicit Indices(const Tensor &t) : data(t.data), wide(t.element == Element::i64) {}
    static bool are(const Tensor &t) { return t.data != nullptr && (t.element == Element::i64 || t.element == Element::i32); }

    int64_t operator[](int64_t i) const {
        return wide ? reinterpret_cast<const int64_t *>(data)[i] : reinterpret_cast<const int32_t *>(data)[i];
    }
    // Counted from the front of an axis of so many.
    int64_t at(int64_t i, int64_t size) const {
        const int64_t index = (*this)[i];
        return index < 0 ? index + size : index;
    }
    // Whether every `step`th of `count`, from `first` on, is an index of such an axis.
    bool within(int64_t first, int64_t count, int64_t step, int64_t size) const {
        for (int64_t i = first; i < count; i += step)
            if ((*this)[i] < -size || (*this)[i] >= size) return false;
        return true;
    }
};

// The axis counted from the front; -1 where there is none such.
CELERIS_INLINE int axis_in(int64_t axis, int rank) {
    const int64_t at = axis < 0 ? axis + rank : axis;
    return at >= 0 && at < rank ? int(at) : -1;
}

// Calls f with a null pointer to a type of the elements' size.
template <class F>
CELERIS_INLINE void by_size(Element element, F &&f) {
    switch (size_of(element)) {
        case 1: return f(static_cast<uint8_t *>(nullptr));
        case 4: return f(static_cast<uint32_t *>(nullptr));
        default: return f(static_cast<uint64_t *>(nullptr));
    }
}

// Calls f with a null pointer to the elements' type; of booleans to bytes.
template <class F>
CELERIS_INLINE void by_type(Element element, F &&f) {
    switch (element) {
        case Element::f32: return f(static_cast<float *>(nullptr));
        case Element::f64: return f(static_cast<double *>(nullptr));
        case Element::i64: return f(static_cast<int64_t *>(nullptr));
        case Element::i32: return f(static_cast<int32_t *>(nullptr));
        case Element::i8: return f(static_cast<int8_t *>(nullptr));
        default: return f(static_cast<uint8_t *>(nullptr));
    }
}

// The same of those that plain arithmetic takes.
template <class F>
CELERIS_INLINE void by_number(Element element, F &&f) {
    switch (element) {
        case Element::f32: return f(static_cast<float *>(nullptr));
        case Element::f64: return f(static_cast<double *>(nullptr));
        case Element::i64: return f(static_cast<int64_t *>(nullptr));
        default: return f(static_cast<int32_t *>(nullptr));
    }
}

template <class T>
CELERIS_INLINE void copy_elements(const T *from, T *to, int64_t n) {
    if (n == 1) {
        *to = *from;
    } else {
        std::memcpy(to, from, size_t(n) * sizeof(T));
    }
}

// Goes through the places of a tensor in their order, and along with them through another one, whose axes lie `steps` apart.
class Walk {
public:
    Walk(const int64_t *dims, int rank, const int64_t *steps) : dims_(dims), steps_(steps), rank_(rank) {}
    int64_t offset() const { return offset_; }
    int64_t place(int axis) const { return at_[axis]; }
    void next() {
        for (int d = rank_; d-- > 0;) {
            offset_ += steps_[d];
            if (++at_[d] < dims_[d]) return;
            offset_ -= dims_[d] * steps_[d], at_[d] = 0;
        }
    }

private:
    const int64_t *dims_, *steps_;
    int rank_;
    int64_t at_[kMostAxes] = {}, offset_ = 0;
};

// Elements from one place of each axis to the next.
struct Steps {
    int64_t of[kMostAxes] = {};
    explicit Steps(const Tensor &t) {
        for (int d = t.rank; d-- > 0;) of[d] = d + 1 < t.rank ? of[d + 1] * t.dims[d + 1] : 1;
    }
};

// Whether a tensor of these dimensions may be made at all: more than so many elements nobody wants here.
CELERIS_INLINE bool modest(const Tensor &t) {
    double n = 1;
    for (int d = 0; d < t.rank; ++d) n *= double(t.dims[d] > 1 ? t.dims[d] : 1);
    return n <= 1 << 30;
}

// Whether indices reach no further than the data on any axis but one, and on that stay in range.
CELERIS_INLINE bool reaches(const Tensor &indices, const Tensor &data, int axis) {
    bool fits = Indices::are(indices) && indices.rank == data.rank && axis >= 0;
    for (int d = 0; fits && d < data.rank; ++d) fits = d == axis || indices.dims[d] <= data.dims[d];
    return fits && Indices(indices).within(0, indices.size(), 1, data.dims[axis]);
}
// Calls f(number of an index, where in the data it leads along the axis).
template <class F>
CELERIS_INLINE void each_reached(const Tensor &indices, const Tensor &data, int axis, F &&f) {
    Steps steps(data);
    const int64_t along = steps.of[axis];
    steps.of[axis] = 0;
    const Indices index(indices);
    Walk walk(indices.dims, indices.rank, steps.of);
    for (int64_t i = 0, n = indices.size(); i < n; ++i, walk.next()) f(i, walk.offset() + index.at(i, data.dims[axis]) * along);
}

// Tuples of indices on the last axis, of an element (or a slice) of data behind `lead` axes in common.
struct Tuples {
    int64_t count, each, inner;  // tuples; their numbers; elements of what they tell
    int lead;

    // False where they are none.
    bool fit(const Tensor &data, const Tensor &indices, int common) {
        lead = common;
        if (!Indices::are(indices) || common < 0 || indices.rank <= common || data.rank <= common) return false;
        each = indices.dims[indices.rank - 1], count = indices.span(0, indices.rank - 1);
        if (each < 1 || each > data.rank - lead) return false;
        for (int d = 0; d < lead; ++d)
            if (indices.dims[d] != data.dims[d]) return false;
        inner = data.span(lead + int(each), data.rank);
        return true;
    }
    bool within(const Tensor &data, const Tensor &indices) const {
        bool all = true;
        for (int64_t i = 0; all && i < each; ++i) all = Indices(indices).within(i, count * each, each, data.dims[lead + i]);
        return all;
    }
    // Calls f(tuple, where in the data its slice begins).
    template <class F>
    CELERIS_INLINE void each_place(const Tensor &data, const Tensor &indices, F &&f) const {
        const Indices index(indices);
        const int64_t batches = data.span(0, lead), own = batches == 0 ? 0 : count / batches, size = data.span(lead, data.rank);
        for (int64_t tuple = 0; tuple < count; ++tuple) {
            int64_t at = 0;
            for (int64_t i = 0; i < each; ++i) {
                const int64_t dim = data.dims[lead + i];
                at = at * dim + index.at(tuple * each + i, dim);
            }
            f(tuple, tuple / own * size + at * inner);
        }
    }
};

}  // namespace celeris::CELERIS_TARGET
