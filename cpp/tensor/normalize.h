// normalize: softmax over the last axis, or layer normalisation: (x - mean) / sqrt(variance + epsilon) * scale + bias.
#pragma once

#include "tensor/mean.h"

namespace celeris::CELERIS_TARGET {

struct Normalize : TensorState {
    bool softmax;
    float epsilon;
    std::vector<float> scale, bias;  // of layer normalisation; bias may be empty

    explicit Normalize(const Params &p) {
        softmax = p.integer("softmax") != 0;
        epsilon = softmax ? 0 : float(p.number("epsilon"));
        if (!softmax) scale = p.floats("scale");
        if (p.has("bias")) bias = p.floats("bias");
        require(bias.empty() || bias.size() == scale.size(), "normalize: expected as many biases as scales");
    }

    bool plan(Call &c, double &cost) const {
        const Tensor &x = c.in[0];
        if (x.element != Element::f32 || x.rank < 1 || c.inputs != 1 || c.outputs != 1) return false;
        if (!softmax && x.dims[x.rank - 1] != int64_t(scale.size())) return false;
        c.out[0] = x;
        cost = 1.0 * double(x.size());
        return true;
    }
};

inline void softmax_row(const float *x, int64_t n, float *y) {
    const int64_t whole = n / kLanes * kLanes;
    Floats last = splat(-INFINITY);
    std::memcpy(&last, x + whole, size_t(n - whole) * sizeof(float));
    Floats most = last;
    for (int64_t i = 0; i < whole; i += kLanes) most = at_least(load(x + i), most);
    const Floats shift = splat(greatest_of(most));
    last = exp_of(last - shift);
    Floats sum = last;
    for (int64_t i = 0; i < whole; i += kLanes) {
        const Floats e = exp_of(load(x + i) - shift);
        store(y + i, e);
        sum += e;
    }
    const Floats scale = splat(1.0f / sum_of(sum));
    for (int64_t i = 0; i < whole; i += kLanes) store(y + i, load(y + i) * scale);
    last *= scale;
    std::memcpy(y + whole, &last, size_t(n - whole) * sizeof(float));
}

inline void layer_row(const Normalize &s, const float *x, int64_t n, float *y) {
    const float mean = sum_row(x, n) / float(n);
    Floats squares{};
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        const Floats d = load(x + i) - splat(mean);
        squares = multiply_add(d, d, squares);
    }
    float sum = sum_of(squares);
    for (; i < n; ++i) sum += (x[i] - mean) * (x[i] - mean);
    const float factor = 1.0f / __builtin_sqrtf(sum / float(n) + s.epsilon);
    const float *scale = s.scale.data(), *bias = s.bias.empty() ? nullptr : s.bias.data();
    CELERIS_LANES
    for (int64_t j = 0; j < n; ++j) y[j] = (x[j] - mean) * factor * scale[j];
    if (bias != nullptr) {
        CELERIS_LANES
        for (int64_t j = 0; j < n; ++j) y[j] += bias[j];
    }
}

inline void run(const Normalize &s, const Call &c) {
    const Tensor &x = c.in[0];
    const int64_t n = x.dims[x.rank - 1], rows = x.span(0, x.rank - 1);
    if (n == 0) return;
    const int64_t units = c.threads > 1 ? smaller(rows, 4 * c.threads) : 1;
    spread(units, c.threads, [&](int64_t unit) {
        for (int64_t r = rows * unit / units; r < rows * (unit + 1) / units; ++r) {
            const float *from = x.as<float>() + r * n;
            float *to = c.out[0].as<float>() + r * n;
            if (s.softmax)
                softmax_row(from, n, to);
            else
                layer_row(s, from, n, to);
        }
    });
}

}  // namespace celeris::CELERIS_TARGET
