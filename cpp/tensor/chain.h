// A chain: a short program of functions of each element, run over buffers that stay in the first cache.
//
// Operand 0 is what comes in (a tile of a product, or an elementwise kernel's first input); then come `extras` buffers
// that the kernel fills, then one for each instruction's result; the last is the chain's. Numbers are operands, too: below 0.
#pragma once

#include "tensor/functions.h"
#include "tensor/tensor.h"

namespace celeris::CELERIS_TARGET {

enum class Function : int64_t {
    add, subtract, multiply, divide, maximum, minimum,
    negate, magnitude, exponential, root, reciprocal, relu, sigmoid, tanh, erf, square,
    leaky,         // x < 0 ? p x : x
    clip,          // x limited to [p, q]
    hard_sigmoid,  // p x + q limited to [0, 1]
    count,
};

struct Chain {
    struct Instruction {
        Function function;
        int64_t a, b;  // operands: from 0 buffers, below 0 numbers[-1 - a]
        float p, q;
    };
    int extras = 0;
    std::vector<Instruction> code;
    std::vector<float> numbers;  // each 16 times over: a vector of any instruction set
    static constexpr int64_t kWide = 16;
    static constexpr int64_t kMostBuffers = 64;

    // Parameters "chain" [n, 3] (function, a, b), "limits" [n, 2] (p, q), "numbers" and "extras"; without them: none.
    explicit Chain(const Params &p) {
        if (!p.has("chain")) return;
        const std::vector<int64_t> given = p.integers("chain");
        const std::vector<float> limits = p.floats("limits");
        extras = int(p.integer("extras"));
        for (float number : p.floats("numbers")) numbers.insert(numbers.end(), kWide, number);
        const int64_t count = int64_t(given.size()) / 3, known = int64_t(numbers.size()) / kWide;
        require(given.size() % 3 == 0 && int64_t(limits.size()) == 2 * count && extras >= 0, "chain: expected [n, 3]");
        require(extras + count < kMostBuffers, "chain: expected fewer buffers");
        for (int64_t i = 0; i < count; ++i) {
            const int64_t *at = given.data() + 3 * i;
            require(at[0] >= 0 && at[0] < int64_t(Function::count), "chain: expected a function");
            for (int side = 1; side < 3; ++side)
                require(at[side] <= extras + i && at[side] >= -known, "chain: expected an operand made before");
            code.push_back({Function(at[0]), at[1], at[2], limits[size_t(2 * i)], limits[size_t(2 * i + 1)]});
        }
    }
    bool empty() const { return code.empty(); }
    // Buffers to have beside operand 0.
    int64_t buffers() const { return extras + int64_t(code.size()); }
};

struct Operand {
    const float *data;
    int64_t step;  // 0: a number
};

template <class F>
inline void each(Operand a, float *to, int64_t n, F &&f) {
    for (int64_t i = 0; i < n; i += kLanes) store(to + i, f(load(a.data + i * a.step)));
}

template <class F>
inline void each(Operand a, Operand b, float *to, int64_t n, F &&f) {
    for (int64_t i = 0; i < n; i += kLanes) store(to + i, f(load(a.data + i * a.step), load(b.data + i * b.step)));
}

inline void instruct(const Chain::Instruction &i, Operand a, Operand b, float *to, int64_t n) {
    const Floats p = splat(i.p), q = splat(i.q), one = splat(1.0f), zero = splat(0.0f);
    switch (i.function) {
        case Function::add: each(a, b, to, n, [](Floats x, Floats y) { return x + y; }); break;
        case Function::subtract: each(a, b, to, n, [](Floats x, Floats y) { return x - y; }); break;
        case Function::multiply: each(a, b, to, n, [](Floats x, Floats y) { return x * y; }); break;
        case Function::divide: each(a, b, to, n, [](Floats x, Floats y) { return x / y; }); break;
        // NaN on either side stays, as NumPy's maximum has it.
        case Function::maximum: each(a, b, to, n, [](Floats x, Floats y) { return pick(Ints(y != y) | Ints(x < y), y, x); }); break;
        case Function::minimum: each(a, b, to, n, [](Floats x, Floats y) { return pick(Ints(y != y) | Ints(x > y), y, x); }); break;
        case Function::negate: each(a, to, n, [](Floats x) { return -x; }); break;
        case Function::magnitude: each(a, to, n, [](Floats x) { return magnitude(x); }); break;
        case Function::exponential: each(a, to, n, [](Floats x) { return exp_of(x); }); break;
        case Function::root: each(a, to, n, [](Floats x) { return square_root(x); }); break;
        case Function::reciprocal: each(a, to, n, [&](Floats x) { return one / x; }); break;
        case Function::relu: each(a, to, n, [&](Floats x) { return at_least(x, zero); }); break;
        case Function::sigmoid: each(a, to, n, [](Floats x) { return sigmoid_of(x); }); break;
        case Function::tanh: each(a, to, n, [](Floats x) { return tanh_of(x); }); break;
        case Function::erf: each(a, to, n, [](Floats x) { return erf_of(x); }); break;
        case Function::square: each(a, to, n, [](Floats x) { return x * x; }); break;
        case Function::leaky: each(a, to, n, [&](Floats x) { return pick(Ints(x < zero), p * x, x); }); break;
        case Function::clip: each(a, to, n, [&](Floats x) { return at_most(at_least(x, p), q); }); break;
        case Function::hard_sigmoid:
            each(a, to, n, [&](Floats x) { return at_most(at_least(p * x + q, zero), one); });
            break;
        case Function::count: break;
    }
}

// Runs the chain over n elements, a multiple of 16. operands[0 .. extras] are filled; the others are room for results.
// The last result is written to `to`, which may be any of the operands.
inline void run_chain(const Chain &chain, float *const *operands, int64_t n, float *to) {
    const auto operand = [&](int64_t at) {
        return at < 0 ? Operand{chain.numbers.data() + (-1 - at) * Chain::kWide, 0} : Operand{operands[at], 1};
    };
    const size_t count = chain.code.size();
    for (size_t i = 0; i < count; ++i) {
        const Chain::Instruction &each = chain.code.data()[i];
        float *result = i + 1 == count ? to : operands[size_t(chain.extras) + 1 + i];
        instruct(each, operand(each.a), operand(each.b), result, n);
    }
}

}  // namespace celeris::CELERIS_TARGET
