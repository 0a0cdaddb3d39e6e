// normalizer: each row divided by its largest value, its sum of magnitudes, or its Euclidean length.
#pragma once

#include "engine/target.h"

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
    }
};

namespace CELERIS_TARGET {

template <class From, class Count>
void normalize(const Normalizer &k, const Block &b, Count rows) {
    double *total = reinterpret_cast<double *>(b.scratch);
    const double start = k.norm == Normalizer::max ? -1.7976931348623157e308 : 0;
    lanes(rows, [&](int64_t r) { total[r] = start; });
    for (int64_t c = 0; c < k.width; ++c) {
        const From *x = b.in[0].column<From>(c);
        if (k.norm == Normalizer::max)
            lanes(rows, [&](int64_t r) { total[r] = double(x[r]) > total[r] ? double(x[r]) : total[r]; });
        else if (k.norm == Normalizer::l1)
            lanes(rows, [&](int64_t r) { total[r] += double(x[r]) < 0 ? -double(x[r]) : double(x[r]); });
        else
            lanes(rows, [&](int64_t r) { total[r] += double(x[r]) * double(x[r]); });
    }
    // A row of zeros stays as it is.
    constexpr bool division = sizeof(From) == 8;  // the reciprocal of a double might be infinite
    lanes(rows, [&](int64_t r) {
        const double length = k.norm == Normalizer::l2 ? std::sqrt(total[r]) : total[r];
        const double divisor = total[r] == 0 ? 1 : length;
        total[r] = division ? divisor : 1 / divisor;
    });
    for (int64_t c = 0; c < k.width; ++c) {
        const From *x = b.in[0].column<From>(c);
        float *y = b.out[0].column<float>(c);
        lanes(rows, [&](int64_t r) { y[r] = float(division ? double(x[r]) / total[r] : double(x[r]) * total[r]); });
    }
}

inline void run(const Normalizer &k, const Block &b) {
    for_number(k.from, [&](auto *from) {
        for_rows(b.rows, [&](auto rows) { normalize<pointee<decltype(from)>>(k, b, rows); });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
