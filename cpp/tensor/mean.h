// mean: over the last axes of a float32 tensor, in float32 (each lane of a vector sums every so many elements).
#pragma once

#include "tensor/functions.h"
#include "tensor/tensor.h"

namespace celeris::CELERIS_TARGET {

struct Mean : TensorState {
    int axes;   // how many, from the end; -1: all but the first two
    bool keep;  // as axes of size 1

    explicit Mean(const Params &p) : axes(int(p.integer("axes"))), keep(p.integer("keep") != 0) {}

    int from(const Tensor &x) const { return axes < 0 ? 2 : x.rank - axes; }

    bool plan(Call &c, double &cost) const {
        const Tensor &x = c.in[0];
        const int first = from(x);
        if (x.element != Element::f32 || c.inputs != 1 || first < 0 || first >= x.rank) return false;
        Tensor &y = c.out[0];
        y.shape(Element::f32, keep ? x.rank : first);
        for (int d = 0; d < y.rank; ++d) y.dims[d] = d < first ? x.dims[d] : 1;
        cost = 0.1 * double(x.size()) + 2 * double(y.size());
        return true;
    }
};

inline float sum_row(const float *x, int64_t n) {
    Floats s0{}, s1{};
    int64_t i = 0;
    for (; i + 2 * kLanes <= n; i += 2 * kLanes) s0 += load(x + i), s1 += load(x + i + kLanes);
    float total = sum_of(s0 + s1);
    for (; i < n; ++i) total += x[i];
    return total;
}

inline void run(const Mean &m, const Call &c) {
    const Tensor &x = c.in[0];
    const int first = m.from(x);
    const int64_t rows = x.span(0, first), n = x.span(first, x.rank);
    const int64_t units = c.threads > 1 ? smaller(rows, 4 * c.threads) : 1;
    spread(units, c.threads, [&](int64_t unit) {
        for (int64_t r = rows * unit / units; r < rows * (unit + 1) / units; ++r)
            c.out[0].as<float>()[r] = sum_row(x.as<float>() + r * n, n) / float(n);
    });
}

}  // namespace celeris::CELERIS_TARGET
