// powers: of each row X [D] to constant points [P, D], the sum over columns of |x - p|^q, added in double in their order.
// (Distances have another kernel where q is 2.)
#pragma once

#include "engine/functions.h"

namespace celeris {

struct Powers : KernelState {
    static constexpr int64_t chunk = 64;  // rows, or points, side by side
    Type type;
    int64_t d, count;
    double q;
    std::vector<double> points;  // [P, D]
    std::vector<double> panels;  // the same, [P / chunk, D, chunk]; zeros beyond P

    explicit Powers(const Params &p) : q(p.number("power")), points(p.doubles("points")) {
        p.arity(1, 1);
        type = p.in[0].type, d = p.in[0].width, count = p.out[0].width;
        require((type == Type::f32 || type == Type::f64) && p.out[0].type == type, "powers: expected f32 or f64 to the same");
        require(count > 0 && int64_t(points.size()) == count * d, "powers: expected points [P, D]");
        panels.assign(size_t((count + chunk - 1) / chunk * chunk * d), 0);
        for (int64_t j = 0; j < count; ++j)
            for (int64_t i = 0; i < d; ++i) panels[size_t((j / chunk * d + i) * chunk + j % chunk)] = points[size_t(j * d + i)];
        cost = (q == 1 || q == 2 || q == 3 ? 0.4 : 4) * double(count * d);
        scratch_fixed = size_t((d + 1) * chunk) * sizeof(double);
    }
};

namespace CELERIS_TARGET {

// sum[l] of the lanes many [D][chunk] and of one [D].
template <class F>
inline void add_powers(const double *many, const double *one, int64_t d, double *sum, F &&f) {
    for (int64_t l = 0; l < Powers::chunk; ++l) sum[l] = 0;
    for (int64_t i = 0; i < d; ++i, many += Powers::chunk) {
        const double other = one[i];
        lanes(Powers::chunk, [&](int64_t l) __attribute__((always_inline)) { sum[l] += f(__builtin_fabs(many[l] - other)); });
    }
}

// (Not inlined, as each type of rows would have its own.)
[[gnu::noinline]] inline void sum_powers(const Powers &k, const double *many, const double *one, double *sum) {
    if (k.q == 1) return add_powers(many, one, k.d, sum, [](double x) { return x; });
    if (k.q == 2) return add_powers(many, one, k.d, sum, [](double x) { return x * x; });
    if (k.q == 3) return add_powers(many, one, k.d, sum, [](double x) { return x * x * x; });
    add_powers(many, one, k.d, sum, [&](double x) __attribute__((always_inline)) { return pow_<double>(x, k.q); });
}

template <class T>
void powers(const Powers &k, const Block &b) {
    double *const sum = reinterpret_cast<double *>(b.scratch), *const mine = sum + Powers::chunk;
    const View &in = b.in[0], &out = b.out[0];
    constexpr int64_t few = 8;  // rows, up to which points lie side by side
    for (int64_t r = 0; b.rows <= few && r < b.rows; ++r) {
        for (int64_t i = 0; i < k.d; ++i) mine[i] = double(in.column<T>(i)[r]);
        for (int64_t j = 0; j < k.count; j += Powers::chunk) {
            sum_powers(k, k.panels.data() + j * k.d, mine, sum);
            for (int64_t p = j; p < k.count && p < j + Powers::chunk; ++p) out.column<T>(p)[r] = T(sum[p - j]);
        }
    }
    for (int64_t r = 0; b.rows > few && r < b.rows; r += Powers::chunk) {
        const int64_t n = b.rows - r < Powers::chunk ? b.rows - r : Powers::chunk;
        for (int64_t i = 0; i < k.d; ++i)
            for (int64_t l = 0; l < Powers::chunk; ++l) mine[i * Powers::chunk + l] = l < n ? double(in.column<T>(i)[r + l]) : 0;
        for (int64_t j = 0; j < k.count; ++j) {
            sum_powers(k, mine, k.points.data() + j * k.d, sum);
            T *y = out.column<T>(j) + r;
            for (int64_t l = 0; l < n; ++l) y[l] = T(sum[l]);
        }
    }
}

inline void run(const Powers &k, const Block &b) {
    for_real(k.type, [&](auto *type) { powers<pointee<decltype(type)>>(k, b); });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
