// join: tensors of one element, one after another along an axis.
#pragma once

#include "arrays/places.h"

namespace celeris::CELERIS_TARGET {

struct Join : TensorState {
    int64_t axis;

    explicit Join(const Params &p) : axis(p.integer("axis")) {}

    bool plan(Call &c, double &cost) const {
        const Tensor &first = c.in[0];
        Tensor &y = c.out[0];
        const int at = axis_in(axis, first.rank);
        if (at < 0 || c.outputs != 1) return false;
        y = first;
        y.dims[at] = 0;
        for (int i = 0; i < c.inputs; ++i) {
            const Tensor &x = c.in[i];
            if (x.data == nullptr || x.element != first.element || x.rank != first.rank) return false;
            for (int d = 0; d < x.rank; ++d)
                if (d != at && x.dims[d] != first.dims[d]) return false;
            y.dims[at] += x.dims[at];
        }
        cost = 20 + 0.3 * double(y.size());
        return true;
    }
};

inline void run(const Join &k, const Call &c) {
    const Tensor &y = c.out[0];
    const int at = axis_in(k.axis, y.rank);
    const int64_t outer = y.span(0, at), inner = y.span(at + 1, y.rank) * size_of(y.element), whole = y.dims[at] * inner;
    std::byte *to = y.data;
    for (int i = 0; i < c.inputs; ++i) {
        const int64_t own = c.in[i].dims[at] * inner;
        for (int64_t o = 0; own > 0 && o < outer; ++o) std::memcpy(to + o * whole, c.in[i].data + o * own, size_t(own));
        to += own;
    }
}

}  // namespace celeris::CELERIS_TARGET
