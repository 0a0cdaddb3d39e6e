// activation: the function of a layer of neurons, of each element, in float32: within a few units of the last place.
//
// Layers whose sums are in float32 (gemm_narrow) end with one; elsewhere a Sigmoid is as exact as float32 shows (unary).
#pragma once

#include <algorithm>
#include <optional>

#include "kernels/stretch.h"
#include "tensor/functions.h"

namespace celeris {

struct Activation {
    enum Function { celu, elu, erf, gelu, gelu_tanh, hard_sigmoid, hard_swish, leaky, mish, selu, sigmoid, softsign, swish, tanh, threshold } function;
    float alpha, beta;

    // Parameters "activation", "alpha" and "beta".
    explicit Activation(const Params &p) : alpha(float(p.number("alpha"))), beta(float(p.number("beta"))) {
        static constexpr const char *names[] = {"Celu", "Elu", "Erf", "Gelu", "tanh Gelu", "HardSigmoid", "HardSwish",
                                                "LeakyRelu", "Mish", "Selu", "Sigmoid", "Softsign", "Swish", "Tanh", "ThresholdedRelu"};
        const std::string name = p.text("activation");
        const auto found = std::find(std::begin(names), std::end(names), name);
        require(found != std::end(names), "activation: expected a function of its table");
        function = Function(found - std::begin(names));
    }
};

struct Activate : KernelState {
    Activation function;
    int64_t width;

    explicit Activate(const Params &p) : function(p) {
        p.arity(1, 1);
        width = p.in[0].width;
        require(p.in[0].type == Type::f32 && p.out[0].type == Type::f32 && p.out[0].width == width,
                "activation: expected f32 to as many f32");
        cost = double(width), keeps_rows = true;
    }
};

namespace CELERIS_TARGET {

// e^x - 1: by its Taylor polynomial near 0.
inline Floats expm1_of(Floats x) {
    Floats p = splat(1.0f / 5040);
    for (const float each : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f}) p = multiply_add(p, x, splat(each));
    const Floats near = multiply_add(x * x, p, x);
    return pick(Ints(magnitude(x) < splat(0.35f)), near, exp_of(x) - splat(1.0f));
}

// y[i] = f(x[i]) for n elements; y may be x.
template <class F>
inline void map_floats(const float *x, float *y, int64_t n, F &&f) {
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) store(y + i, f(load(x + i)));
    if (i == n) return;
    float last[kLanes] = {};
    std::memcpy(last, x + i, size_t(n - i) * sizeof(float));
    store(last, f(load(last)));
    std::memcpy(y + i, last, size_t(n - i) * sizeof(float));
}

inline void activate(const Activation &a, const float *x, float *y, int64_t n) {
    const Floats zero = splat(0.0f), half = splat(0.5f), one = splat(1.0f), alpha = splat(a.alpha), beta = splat(a.beta);
    const auto map = [&](auto &&f) { map_floats(x, y, n, f); };
    switch (a.function) {
        case Activation::celu:
            return map([=](Floats v) { return pick(Ints(v < zero), alpha * expm1_of(v / alpha), v); });
        case Activation::elu: return map([=](Floats v) { return pick(Ints(v < zero), alpha * expm1_of(v), v); });
        case Activation::erf: return map([=](Floats v) { return erf_of(v); });
        case Activation::gelu: return map([=](Floats v) { return half * v * (one + erf_of(v * splat(0.70710678f))); });
        case Activation::gelu_tanh:
            return map([=](Floats v) {
                return half * v * (one + tanh_of(splat(0.79788456f) * multiply_add(splat(0.044715f) * v * v, v, v)));
            });
        case Activation::hard_sigmoid:
            return map([=](Floats v) { return at_least(at_most(alpha * v + beta, one), zero); });
        case Activation::hard_swish:
            return map([=](Floats v) { return v * at_least(at_most(alpha * v + beta, one), zero); });
        case Activation::leaky: return map([=](Floats v) { return pick(Ints(v < zero), alpha * v, v); });
        // tanh(ln(1 + e^x)) = n / (n + 2) with n = e^x (e^x + 2)
        case Activation::mish:
            return map([=](Floats v) {
                const Floats e = exp_of(at_most(v, splat(20.0f))), up = e * (e + splat(2.0f));
                return v * (up * reciprocal_of(up + splat(2.0f)));
            });
        case Activation::selu: return map([=](Floats v) { return beta * pick(Ints(v > zero), v, alpha * expm1_of(v)); });
        case Activation::sigmoid: return map([=](Floats v) { return sigmoid_of(v); });
        case Activation::softsign: return map([=](Floats v) { return v / (one + magnitude(v)); });
        case Activation::swish: return map([=](Floats v) { return v * sigmoid_of(v); });
        case Activation::tanh: return map([=](Floats v) { return tanh_of(v); });
        case Activation::threshold: return map([=](Floats v) { return pick(Ints(v > alpha), v, zero); });
    }
}

inline void activate(const Activation &a, const Block &b, int64_t width) {
    each_stretch(all_elements(b, width), [&](const Stretch &s) { activate(a, s.of<float>(b.in[0]), s.of<float>(b.out[0]), s.n); });
}

inline void run(const Activate &k, const Block &b) { activate(k.function, b, k.width); }

}  // namespace CELERIS_TARGET
}  // namespace celeris
