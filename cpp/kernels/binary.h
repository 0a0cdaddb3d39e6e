// binary: one function of two operands, element by element, from the table below. Constants and broadcast columns: Operand.
#pragma once

#include <algorithm>

#include "engine/functions.h"
#include "kernels/operand.h"

namespace celeris {

struct Binary : KernelState {
    enum Op { add, sub, mul, div, mod, pow, max, min, logical_and, logical_or, logical_xor, equal, less, less_equal,
              greater, greater_equal } op;
    Type type;
    int64_t width, together;
    Operand a, b;
    double power = 0;  // the one constant exponent of all columns, where there is one

    explicit Binary(const Params &p) {
        struct Row {
            const char *name;
            Op op;
        };
        static constexpr Row table[] = {
            {"Add", add}, {"Sub", sub}, {"Mul", mul}, {"Div", div}, {"Mod", mod}, {"Pow", pow}, {"Max", max}, {"Min", min},
            {"And", logical_and}, {"Or", logical_or}, {"Xor", logical_xor}, {"Equal", equal}, {"Less", less},
            {"LessOrEqual", less_equal}, {"Greater", greater}, {"GreaterOrEqual", greater_equal},
        };
        require((p.in.size() == 1 || p.in.size() == 2) && p.out.size() == 1, "binary: expected one or two inputs, one output");
        const std::string name = p.text("op");
        const Row *found = nullptr;
        for (const Row &row : table)
            if (name == row.name) found = &row;
        if (found == nullptr) throw std::invalid_argument("binary: expected a function of its table, got " + name);
        op = found->op, type = p.in[0].type, width = p.out[0].width;
        int next = 0;
        a.read(p, "a", width, type, next);
        b.read(p, "b", width, type, next);
        require(size_t(next) == p.in.size(), "binary: expected a register for each operand that is no constant");
        const bool real = type == Type::f32 || type == Type::f64, integer = type == Type::i64 || type == Type::i32;
        const bool logic = op == logical_and || op == logical_or || op == logical_xor;
        require(type == Type::str    ? op == equal
                : type == Type::u8   ? logic || op == equal
                : op == mod          ? integer
                : op == pow          ? real
                                     : !logic && (real || integer), "binary: no such function of that type");
        require(p.out[0].type == (op >= logical_and ? Type::u8 : type), "binary: expected an output of another type");
        if (op == pow && b.input < 0 && width > 0) {
            const std::vector<double> exponents = p.doubles("b_values");
            power = exponents[0];
            for (double e : exponents) power = e == power ? power : 0;
        }
        cost = (op == pow && power != -1 && power != 2 && power != 3 ? 5 : op == div ? 0.6 : 0.3) * double(width);
        together = std::min(a.together(width), b.together(width));
        keeps_rows = type != Type::str && a.keeps_rows() && b.keeps_rows();
    }
};

namespace CELERIS_TARGET {

// y[i] = f(a[i], b[i]), each with its step.
template <class T, class To, class F>
inline void zip_lane(Lane<T> a, Lane<T> b, To *y, int64_t n, F &f) {
    const T *x0 = a.data, *x1 = b.data;
    if (a.step != 0 && b.step != 0) {
        lanes(n, [&](int64_t i) { y[i] = f(x0[i], x1[i]); });
    } else if (a.step != 0) {
        const T k = *x1;
        lanes(n, [&](int64_t i) { y[i] = f(x0[i], k); });
    } else if (b.step != 0) {
        const T k = *x0;
        lanes(n, [&](int64_t i) { y[i] = f(k, x1[i]); });
    } else {
        const To same = f(*x0, *x1);
        lanes(n, [&](int64_t i) { y[i] = same; });
    }
}

// Powers, some at a time: their code is long, and once is enough.
template <class T>
[[gnu::noinline]] void raise(Lane<T> a, Lane<T> b, T *y, int64_t n) {
    constexpr int64_t most = kWide;
    double x[most], e[most], power[most];
    for (int64_t first = 0; first < n; first += most) {
        for (int64_t i = 0; i < most; ++i) {
            const int64_t at = first + i < n ? first + i : first;  // beyond the last, some element again
            x[i] = double(a.data[at * a.step]), e[i] = double(b.data[at * b.step]);
        }
        lanes(most, [&](int64_t i) __attribute__((always_inline)) { power[i] = pow_<T>(x[i], e[i]); });
        for (int64_t i = 0; i < most && first + i < n; ++i) y[first + i] = T(power[i]);
    }
}

// What a stretch of the output's elements is made of.
template <class T>
struct LanePair {
    Lane<T> a, b;
    const View &out;
    const Stretch &stretch;

    template <class To, class F>
    [[gnu::always_inline]] void zip(F &&f) const {
        zip_lane(a, b, stretch.of<To>(out), stretch.n, f);
    }
};

// f(pair) for all stretches.
template <class T, class F>
inline void each_pair(const Binary &k, const Block &b, F &&f) {
    each_stretch(Stretches(b, k.width, k.together, k.a.like(), k.b.like(), -1),
                 [&](const Stretch &s) { f(LanePair<T>{lane_of<T>(k.a, b, s), lane_of<T>(k.b, b, s), b.out[0], s}); });
}

template <class T>
void compare(const Binary &k, const LanePair<T> &p) {
    switch (k.op) {
        case Binary::equal: return p.template zip<uint8_t>([](T x, T y) { return uint8_t(x == y); });
        case Binary::less: return p.template zip<uint8_t>([](T x, T y) { return uint8_t(x < y); });
        case Binary::less_equal: return p.template zip<uint8_t>([](T x, T y) { return uint8_t(x <= y); });
        case Binary::greater: return p.template zip<uint8_t>([](T x, T y) { return uint8_t(x > y); });
        default: return p.template zip<uint8_t>([](T x, T y) { return uint8_t(x >= y); });
    }
}

template <class T>
void binary_real(const Binary &k, const LanePair<T> &p) {
    switch (k.op) {
        case Binary::add: return p.template zip<T>([](T x, T y) { return x + y; });
        case Binary::sub: return p.template zip<T>([](T x, T y) { return x - y; });
        case Binary::mul: return p.template zip<T>([](T x, T y) { return x * y; });
        case Binary::div: return p.template zip<T>([](T x, T y) { return x / y; });
        case Binary::max: return p.template zip<T>([](T x, T y) { return (x > y) | (x != x) ? x : y; });
        case Binary::min: return p.template zip<T>([](T x, T y) { return (x < y) | (x != x) ? x : y; });
        case Binary::pow:
            // The powers that are met most.
            if (k.power == 2) return p.template zip<T>([](T x, T) { return x * x; });
            if (k.power == -1) return p.template zip<T>([](T x, T) { return T(1) / x; });
            if (k.power == 3) return p.template zip<T>([](T x, T) { return T(double(x) * double(x) * double(x)); });
            return raise(p.a, p.b, p.stretch.template of<T>(p.out), p.stretch.n);
        default: return compare(k, p);
    }
}

// Sums and products wrap around, quotients truncate, remainders take the divisor's sign; a divisor of 0 is refused.
template <class T>
void binary_integer(const Binary &k, const LanePair<T> &p, bool *refused) {
    using U = std::make_unsigned_t<T>;
    bool zero = false;
    switch (k.op) {
        case Binary::add: return p.template zip<T>([](T x, T y) { return T(U(x) + U(y)); });
        case Binary::sub: return p.template zip<T>([](T x, T y) { return T(U(x) - U(y)); });
        case Binary::mul: return p.template zip<T>([](T x, T y) { return T(U(x) * U(y)); });
        case Binary::max: return p.template zip<T>([](T x, T y) { return x > y ? x : y; });
        case Binary::min: return p.template zip<T>([](T x, T y) { return x < y ? x : y; });
        case Binary::div:
            p.template zip<T>([&](T x, T y) {
                zero |= y == 0;
                return y == 0 ? T(0) : y == -1 ? T(U(0) - U(x)) : T(x / y);
            });
            break;
        case Binary::mod:
            p.template zip<T>([&](T x, T y) {
                zero |= y == 0;
                const T m = y == 0 || y == -1 ? T(0) : T(x % y);
                return m != 0 && (m < 0) != (y < 0) ? T(m + y) : m;
            });
            break;
        default: return compare(k, p);
    }
    if (zero) *refused = true;
}

inline void run(const Binary &k, const Block &b) {
    switch (k.type) {
        case Type::f32: return each_pair<float>(k, b, [&](const LanePair<float> &p) { binary_real(k, p); });
        case Type::f64: return each_pair<double>(k, b, [&](const LanePair<double> &p) { binary_real(k, p); });
        case Type::i64: return each_pair<int64_t>(k, b, [&](const LanePair<int64_t> &p) { binary_integer(k, p, b.refused); });
        case Type::i32: return each_pair<int32_t>(k, b, [&](const LanePair<int32_t> &p) { binary_integer(k, p, b.refused); });
        case Type::str:
            return each_pair<Str>(k, b, [](const LanePair<Str> &p) {
                p.zip<uint8_t>([](const Str &x, const Str &y) {
                    return uint8_t(x.size == y.size && std::memcmp(x.data, y.data, size_t(x.size)) == 0);
                });
            });
        case Type::u8: break;
    }
    each_pair<uint8_t>(k, b, [&](const LanePair<uint8_t> &p) {
        switch (k.op) {
            case Binary::logical_and: return p.zip<uint8_t>([](uint8_t x, uint8_t y) { return uint8_t(x & y); });
            case Binary::logical_or: return p.zip<uint8_t>([](uint8_t x, uint8_t y) { return uint8_t(x | y); });
            case Binary::logical_xor: return p.zip<uint8_t>([](uint8_t x, uint8_t y) { return uint8_t(x ^ y); });
            default: return p.zip<uint8_t>([](uint8_t x, uint8_t y) { return uint8_t(x == y); });
        }
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
