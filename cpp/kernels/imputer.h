// imputer: a column's missing values (equal to one value, or NaN) become the column's own constant.
#pragma once

#include "engine/target.h"

namespace celeris {

struct Imputer : KernelState {
    Type type;
    int64_t width;
    bool nan;                           // what is missing is NaN
    double missing_real = 0;
    int64_t missing_integer = 0;
    std::vector<double> reals;          // [width], by type
    std::vector<int64_t> integers;

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
        cost = 0.3 * double(width), elementwise = alike(reals) && alike(integers);
    }
};

namespace CELERIS_TARGET {

template <class T, class Count>
void impute(const Imputer &k, const Block &b, Count rows) {
    for (int64_t c = 0; c < k.width; ++c) {
        const T *x = b.in[0].column<T>(c);
        T *y = b.out[0].column<T>(c);
        const T value = T(k.type == Type::i64 ? T(k.integers[size_t(c)]) : T(k.reals[size_t(c)]));
        const T missing = k.type == Type::i64 ? T(k.missing_integer) : T(k.missing_real);
        if (k.nan)
            lanes(rows, [&](int64_t r) { y[r] = x[r] != x[r] ? value : x[r]; });
        else
            lanes(rows, [&](int64_t r) { y[r] = x[r] == missing ? value : x[r]; });
    }
}

inline void run(const Imputer &k, const Block &b) {
    for_rows(b.rows, [&](auto rows) {
        if (k.type == Type::i64)
            impute<int64_t>(k, b, rows);
        else
            for_real(k.type, [&](auto *t) { impute<pointee<decltype(t)>>(k, b, rows); });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
