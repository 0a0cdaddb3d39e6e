// unary: one function of each element, from the table below.
#pragma once

#include "engine/functions.h"
#include "kernels/post_transform.h"
#include "kernels/stretch.h"

namespace celeris {

struct Unary : KernelState {
    enum Op { abs, ceil, exp, floor, is_nan, log, logical_not, neg, reciprocal, relu, round, sigmoid, sign, softplus,
              sqrt, tanh } op;
    Type type;
    int64_t width;

    explicit Unary(const Params &p) {
        struct Row {
            const char *name;
            Op op;
            double cost;
        };
        static constexpr Row table[] = {
            {"Abs", abs, 0.2}, {"Ceil", ceil, 0.3}, {"Exp", exp, 2}, {"Floor", floor, 0.3}, {"IsNaN", is_nan, 0.2},
            {"Log", log, 3}, {"Neg", neg, 0.2}, {"Not", logical_not, 0.1}, {"Reciprocal", reciprocal, 0.5},
            {"Relu", relu, 0.2}, {"Round", round, 0.3}, {"Sigmoid", sigmoid, 3}, {"Sign", sign, 0.2},
            {"Softplus", softplus, 6}, {"Sqrt", sqrt, 1}, {"Tanh", tanh, 4},
        };
        p.arity(1, 1);
        type = p.in[0].type, width = p.in[0].width;
        const std::string name = p.text("op");
        const Row *found = nullptr;
        for (const Row &row : table)
            if (name == row.name) found = &row;
        if (found == nullptr) throw std::invalid_argument("unary: expected a function of its table, got " + name);
        op = found->op, cost = found->cost * double(width), keeps_rows = true;
        const bool real = type == Type::f32 || type == Type::f64, integer = type == Type::i64 || type == Type::i32;
        const bool exact = op == abs || op == neg || op == relu || op == sign;
        require(op == logical_not ? type == Type::u8 : real || (integer && exact), "unary: no such function of that type");
        const bool truth = op == is_nan || op == logical_not;
        require(p.out[0].width == width && p.out[0].type == (truth ? Type::u8 : type), "unary: expected an equal register");
    }
};

namespace CELERIS_TARGET {

// A stretch of the input's elements, and where those of the output go.
template <class T>
struct Elements {
    const T *x;
    const View &out;
    const Stretch &stretch;

    template <class To, class F>
    [[gnu::always_inline]] void map(F &&f) const {
        const T *from = x;
        To *y = stretch.of<To>(out);
        lanes(stretch.n, [&](int64_t i) { y[i] = f(from[i]); });
    }
};

// The functions that integers have too; negation wraps around.
template <class T>
void unary_number(const Unary &k, const Elements<T> &e) {
    using U = std::conditional_t<std::is_same_v<T, int64_t>, uint64_t,
                                 std::conditional_t<std::is_same_v<T, int32_t>, uint32_t, T>>;
    switch (k.op) {
        case Unary::abs:
            if constexpr (T(0.5) != 0)
                return e.template map<T>([](T x) { return T(sizeof(T) == 4 ? __builtin_fabsf(float(x)) : __builtin_fabs(double(x))); });
            else
                return e.template map<T>([](T x) { return x < 0 ? T(U(0) - U(x)) : x; });
        case Unary::neg: return e.template map<T>([](T x) { return T(0.5) != 0 ? T(-U(x)) : T(U(0) - U(x)); });
        case Unary::relu: return e.template map<T>([](T x) { return x < 0 ? T(0) : x; });
        case Unary::sign: return e.template map<T>([](T x) { return x > 0 ? T(1) : x < 0 ? T(-1) : x == 0 ? T(0) : x; });
        default: return;
    }
}

template <class T>
void unary_real(const Unary &k, const Elements<T> &e) {
    switch (k.op) {
        case Unary::ceil: return e.template map<T>([](T x) { return T(__builtin_ceil(double(x))); });
        case Unary::exp: return e.template map<T>([](T x) { return T(exp_to<T>(double(x))); });
        case Unary::floor: return e.template map<T>([](T x) { return T(__builtin_floor(double(x))); });
        case Unary::is_nan: return e.template map<uint8_t>([](T x) { return uint8_t(x != x); });
        case Unary::log: return e.template map<T>([](T x) { return T(log_<T>(double(x))); });
        case Unary::reciprocal: return e.template map<T>([](T x) { return T(1) / x; });
        case Unary::round: return e.template map<T>([](T x) { return T(__builtin_rint(double(x))); });
        case Unary::sigmoid: return e.template map<T>([](T x) { return T(logistic_<T>(double(x))); });
        case Unary::softplus: return e.template map<T>([](T x) { return T(softplus_<T>(double(x))); });
        case Unary::sqrt: return e.template map<T>([](T x) { return T(std::sqrt(x)); });
        case Unary::tanh: return e.template map<T>([](T x) { return T(tanh_(double(x))); });
        default: return unary_number(k, e);
    }
}

// f(elements) for all stretches.
template <class T, class F>
inline void each(const Unary &k, const Block &b, F &&f) {
    each_stretch(all_elements(b, k.width), [&](const Stretch &s) { f(Elements<T>{s.of<T>(b.in[0]), b.out[0], s}); });
}

inline void run(const Unary &k, const Block &b) {
    switch (k.type) {
        case Type::f32: return each<float>(k, b, [&](const auto &e) { unary_real(k, e); });
        case Type::f64: return each<double>(k, b, [&](const auto &e) { unary_real(k, e); });
        case Type::i64: return each<int64_t>(k, b, [&](const auto &e) { unary_number(k, e); });
        case Type::i32: return each<int32_t>(k, b, [&](const auto &e) { unary_number(k, e); });
        default: return each<uint8_t>(k, b, [](const auto &e) { e.template map<uint8_t>([](uint8_t x) { return uint8_t(!x); }); });
    }
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
