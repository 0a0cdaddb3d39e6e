// Sums over a kernel's places, of rows of windows of one channel laid out (window.h).
#pragma once

#include "tensor/functions.h"

namespace celeris::CELERIS_TARGET {

// What rows of windows are summed with.
struct ChannelSum {
    int64_t columns;        // of the laid out image: from one row of windows to the next
    const int64_t *places;  // [n]
    int64_t n;
    const float *w;       // [n]
    float bias;           // a sum begins with it
    const float *limits;  // two, between which sums are brought, or null
};

// Whether the kernel's rows follow one another as rows of windows do: then these read the same.
inline bool shares_rows(const ChannelSum &c, int64_t width) {
    for (int64_t i = width; i < c.n; ++i)
        if (c.places[i] != c.places[i - width] + c.columns) return false;
    return true;
}

// `Rows` rows of `width` windows, whose first elements are from `image` on, so many vectors of them at a time:
// to[row * step + window]. Less than a vector only if `width` is. A kernel of Height by Width shares its rows; 0: any kernel.
template <int Rows, int Vectors, int Height, int Width>
[[gnu::noinline]] void sum_rows(const ChannelSum &c, const float *image, int64_t width, float *to, int64_t step) {
    constexpr int64_t lanes = Vectors * kLanes;
    Floats w[Height > 0 ? Height * Width : 1];
    int64_t places[Width > 0 ? Width : 1];
    for (int i = 0; i < Height * Width; ++i) w[i] = splat(c.w[i]);
    for (int i = 0; i < Width; ++i) places[i] = c.places[i];
    for (int64_t next = 0; next < width; next += lanes) {
        const int64_t from = width < lanes ? 0 : smaller(next, width - lanes);  // the last ones may overlap those before
        const float *const x = image + from;
        Floats s[Rows][Vectors];
        const auto each = [&](auto &&f) __attribute__((always_inline)) {
#pragma GCC unroll 4
            for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
                for (int v = 0; v < Vectors; ++v) f(s[r][v], r, v);
        };
        each([&](Floats &sum, int, int) __attribute__((always_inline)) { sum = splat(c.bias); });
        if constexpr (Height > 0) {
#pragma GCC unroll 8
            for (int y = 0; y < Height + Rows - 1; ++y)
#pragma GCC unroll 8
                for (int i = 0; i < Width; ++i) {
                    const Floats read = load(x + y * c.columns + places[i]);
#pragma GCC unroll 4
                    for (int r = 0; r < Rows; ++r)
                        if (y >= r && y - r < Height) s[r][0] = multiply_add(w[(y - r) * Width + i], read, s[r][0]);
                }
        } else {
            for (int64_t i = 0; i < c.n; ++i) {
                const Floats weight = splat(c.w[i]);
                const float *const at = x + c.places[i];
                each([&](Floats &sum, int r, int v) __attribute__((always_inline)) {
                    sum = multiply_add(weight, load(at + r * c.columns + v * kLanes), sum);
                });
            }
        }
        if (c.limits != nullptr) {
            const Floats low = splat(c.limits[0]), high = splat(c.limits[1]);
            each([&](Floats &sum, int, int) __attribute__((always_inline)) { sum = at_most(at_least(sum, low), high); });
        }
        each([&](Floats &sum, int r, int v) __attribute__((always_inline)) {
            if (width >= kLanes) return store(to + r * step + from + v * kLanes, sum);
            float few[kLanes];
            store(few, sum), copy(few, to + r * step, width);
        });
    }
}

// Any number of rows, some of them at a time: the last of these may overlap those before.
template <int Rows, int Vectors, int Height, int Width>
inline void sum_some_rows(const ChannelSum &c, const float *image, int64_t rows, int64_t width, float *to, int64_t step) {
    for (int64_t r = 0; r < rows; r += Rows) {
        const int64_t first = smaller(r, rows - Rows);
        sum_rows<Rows, Vectors, Height, Width>(c, image + first * c.columns, width, to + first * step, step);
    }
}
template <int Height, int Width>
inline void sum_all_rows(const ChannelSum &c, const float *image, int64_t rows, int64_t width, float *to, int64_t step) {
    if (rows >= 4) return sum_some_rows<4, 1, Height, Width>(c, image, rows, width, to, step);
    if (rows >= 2) return sum_some_rows<2, 1, Height, Width>(c, image, rows, width, to, step);
    if (width >= 4 * kLanes) return sum_some_rows<1, 4, 0, 0>(c, image, rows, width, to, step);
    return sum_some_rows<1, 1, 0, 0>(c, image, rows, width, to, step);
}

}  // namespace celeris::CELERIS_TARGET
