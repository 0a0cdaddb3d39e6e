// normalizer: each row divided by its largest value, its sum of magnitudes, or its Euclidean length.
#pragma once

#include "kernels/fold_columns.h"
#include "kernels/stretch.h"

namespace celeris {

struct Normalizer : KernelState {
    enum Norm { max, l1, l2 } norm;
    Type from;
    int64_t width;

    explicit Normalizer(const Params &p) {
        p.arity(1, 1);
        const std::string text = p.text("norm");
        require(text == "MAX" || text == "L1" || text == "L2", "normalizer: expected MAX, L1 or L2");
        norm = text == "MAX" ? max : text == "L1" ? l1 : l2;
        from = p.in[0].type, width = p.in[0].width;
        require(from != Type::str && p.out[0].type == Type::f32, "normalizer: expected numbers to f32");
        require(width > 0 && p.out[0].width == width, "normalizer: expected equal widths");
        cost = 1.5 * double(width);
        scratch_per_row = sizeof(double);
        keeps_rows = columns().along_rows();
    }

    Columns columns() const { return {nullptr, width, true}; }
};

namespace CELERIS_TARGET {

template <class From>
void normalize(const Normalizer &k, const Block &b) {
    double *total = reinterpret_cast<double *>(b.scratch);
    const auto fold = [&](double start, auto &&f, auto &&join) { fold_columns<From>(b, k.columns(), start, f, join, total); };
    const auto add = [](auto t, auto x) { return t + x; };
    const auto greater = [](auto t, auto x) { return x > t ? x : t; };
    switch (k.norm) {
        case Normalizer::max: fold(-1.7976931348623157e308, greater, greater); break;
        case Normalizer::l1: fold(0, [](auto t, auto x) { return t + (x < 0.0 ? -x : x); }, add); break;
        case Normalizer::l2: fold(0, [](auto t, auto x) { return t + x * x; }, add); break;
    }
    // A row of zeros stays as it is.
    constexpr bool division = sizeof(From) == 8;  // the reciprocal of a double might be infinite
    lanes(b.rows, [&](int64_t r) {
        const double length = k.norm == Normalizer::l2 ? std::sqrt(total[r]) : total[r];
        const double divisor = total[r] == 0 ? 1 : length;
        total[r] = division ? divisor : 1 / divisor;
    });
    const auto scaled = [](From x, double by) { return float(division ? double(x) / by : double(x) * by); };
    each_stretch(b, k.width, 1, [&](const Stretch &s) {
        const From *x = s.of<From>(b.in[0]);
        float *y = s.of<float>(b.out[0]);
        if (s.along_rows)
            lanes(s.n, [&, by = total[s.at]](int64_t i) { y[i] = scaled(x[i], by); });
        else
            lanes(s.n, [&](int64_t i) { y[i] = scaled(x[i], total[i]); });
    }, 0);
}

inline void run(const Normalizer &k, const Block &b) {
    for_number(k.from, [&](auto *from) { normalize<pointee<decltype(from)>>(k, b); });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
