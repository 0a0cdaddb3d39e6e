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
        scratch_per_row = 2 * sizeof(double);
        keeps_rows = (from == Type::f32 || from == Type::f64) && columns().along_rows();
    }

    Columns columns() const { return {nullptr, width, true}; }
};

namespace CELERIS_TARGET {

// y[i] = x[i] * by; a last vector lies over those before it.
template <class From>
inline void scale_row(const From *x, double by, float *y, int64_t n) {
    constexpr int64_t width = vector_lanes<double>;
    if constexpr (From(0.5) != 0)
        if (n >= width) {
            for (int64_t next = 0; next < n; next += width) {
                const int64_t i = next < n - width ? next : n - width;
                store_as(y + i, load_double(x + i) * splat(by));
            }
            return;
        }
    lanes(n, [&](int64_t i) { y[i] = float(double(x[i]) * by); });
}

template <class From>
void normalize(const Normalizer &k, const Block &b) {
    double *total = reinterpret_cast<double *>(b.scratch);
    switch (k.norm) {
        case Normalizer::max: fold_columns<Greater, From>(b, k.columns(), -1.7976931348623157e308, total); break;
        case Normalizer::l1: fold_columns<AddSize, From>(b, k.columns(), 0, total); break;
        case Normalizer::l2: fold_columns<AddSquare, From>(b, k.columns(), 0, total); break;
    }
    // A row of zeros stays as it is.
    double *by = total + b.rows;
    lanes(b.rows, [&](int64_t r) {
        const double length = k.norm == Normalizer::l2 ? std::sqrt(total[r]) : total[r];
        total[r] = total[r] == 0 ? 1 : length;
        by[r] = 1 / total[r];
    });
    each_stretch(Stretches(b, k.width, 1, 0, -1, -1), [&](const Stretch &s) {
        const From *x = s.of<From>(b.in[0]);
        float *y = s.of<float>(b.out[0]);
        if (s.along_rows)
            scale_row(x, by[s.at], y, s.n);
        else
            lanes(s.n, [&](int64_t i) { y[i] = float(double(x[i]) * by[i]); });
    });
    if constexpr (sizeof(From) == 8)  // of a number so small that its reciprocal has lost places, or is infinite
        for (int64_t r = 0; r < b.rows; ++r)
            if (const double size = __builtin_fabs(total[r]); size < 0x1p-1000 || size > 0x1p1000)
                for (int64_t c = 0; c < k.width; ++c)
                    b.out[0].column<float>(c)[r * b.out[0].row] = float(double(b.in[0].column<From>(c)[r * b.in[0].row]) / total[r]);
}

inline void run(const Normalizer &k, const Block &b) {
    constexpr int64_t near = 16;  // rows that are read twice from the first cache
    const int64_t some = b.out[0].by_rows() ? near : b.rows;
    for_number(k.from, [&](auto *from) {
        using From = pointee<decltype(from)>;
        for (int64_t r = 0; r < b.rows; r += some) {
            const View in{reinterpret_cast<std::byte *>(b.in[0].row_at<From>(r)), b.in[0].stride, b.in[0].row};
            const View out{reinterpret_cast<std::byte *>(b.out[0].row_at<float>(r)), b.out[0].stride, b.out[0].row};
            normalize<From>(k, Block{&in, &out, b.rows - r < some ? b.rows - r : some, b.scratch, b.refused});
        }
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
