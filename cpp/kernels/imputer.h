// imputer: a column's missing values (equal to one value, or NaN) become the column's own constant.
#pragma once

#include "kernels/stretch.h"

namespace celeris {

struct Imputer : KernelState {
    Type type;
    int64_t width;
    bool nan;                           // what is missing is NaN
    double missing_real = 0;
    int64_t missing_integer = 0;
    std::vector<double> reals;          // [width], repeated, by type
    std::vector<int64_t> integers;
    bool same;                          // for all columns

    explicit Imputer(const Params &p) {
        p.arity(1, 1);
        type = p.in[0].type, width = p.in[0].width;
        require(p.out[0].type == type && p.out[0].width == width, "imputer: expected equal registers");
        if (type == Type::i64) {
            nan = false;
            missing_integer = p.integer("missing"), integers = p.integers("values");
        } else {
            require(type == Type::f32 || type == Type::f64, "imputer: expected f32, f64 or i64");
            missing_real = p.number("missing"), reals = p.doubles("values");
            nan = missing_real != missing_real;
        }
        require(int64_t(type == Type::i64 ? integers.size() : reals.size()) == width, "imputer: expected a value a column");
        cost = 0.3 * double(width), keeps_rows = true;
        same = alike(reals) && alike(integers);
        repeat(reals), repeat(integers);
    }
};

namespace CELERIS_TARGET {

template <class T, class Constant>
void impute(const Imputer &k, const Block &b, const std::vector<Constant> &constants, T missing) {
    each_stretch(Stretches(b, k.width, k.same ? kAllRows : repeated(k.width), 0, -1, -1), [&](const Stretch &s) {
        const T *x = s.of<T>(b.in[0]);
        T *y = s.of<T>(b.out[0]);
        const Lane<Constant> values = constants_of(constants.data(), k.same, s);
        const auto fill = [&](auto &&misses) {
            if (values.step == 0)
                lanes(s.n, [&, value = T(*values.data)](int64_t i) { y[i] = misses(x[i]) ? value : x[i]; });
            else
                lanes(s.n, [&, value = values.data](int64_t i) { y[i] = misses(x[i]) ? T(value[i]) : x[i]; });
        };
        if (k.nan)
            fill([](T v) { return v != v; });
        else
            fill([=](T v) { return v == missing; });
    });
}

inline void run(const Imputer &k, const Block &b) {
    if (k.type == Type::i64)
        impute<int64_t>(k, b, k.integers, k.missing_integer);
    else
        for_real(k.type, [&](auto *t) {
            using T = pointee<decltype(t)>;
            impute<T>(k, b, k.reals, T(k.missing_real));
        });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
