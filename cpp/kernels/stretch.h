// How element by element kernels go through a block: along its columns or along its rows, as they lie.
#pragma once

#include <cstdint>

#include "engine/target.h"

namespace celeris {

constexpr int64_t kWide = 32;  // columns: of fewer, so many rows make a stretch
constexpr int64_t kAllRows = INT64_MAX;

// How many rows go to a stretch, whose columns have constants of their own.
inline int64_t repeated(int64_t width) { return width < kWide ? kWide : 1; }

// A row's constants, for each of these rows.
template <class T>
void repeat(std::vector<T> &values) {
    const std::vector<T> row = values;
    for (int64_t rows = repeated(int64_t(row.size())); rows > 1; --rows) values.insert(values.end(), row.begin(), row.end());
}

namespace CELERIS_TARGET {

// `n` elements side by side: of column `at`, or from the first of row `at` on, over the end of the row where rows lie side by side.
struct Stretch {
    bool along_rows;
    int64_t at, n;

    template <class T>
    T *of(const View &v) const {
        return along_rows ? v.row_at<T>(at) : v.column<T>(at);
    }
};

// Elements in order; `step` 0 repeats the first.
template <class T>
struct Lane {
    const T *data;
    int64_t step;
};

// A constant for each column, or (`same`) one for all.
template <class T>
inline Lane<T> constants_of(const T *values, bool same, const Stretch &s) {
    return {s.along_rows ? values : values + s.at, s.along_rows && !same};
}

// f(stretch) for all elements of the output and of the inputs `like` it, which are as wide (-1: none). `together`: rows that
// may go to a stretch; 0: only columns are stretches.
template <class F, class... Like>
inline void each_stretch(const Block &b, int64_t width, int64_t together, F &&f, Like... like) {
    const View &out = b.out[0];
    const bool one = b.rows == 1 && out.stride == 1 && ((like < 0 || b.in[like].stride == 1) && ...);
    const bool along_rows = together > 0 && width > 0 && (one || out.by_rows());
    int64_t end = width, step = 1;
    if (along_rows) {
        end = b.rows;
        if (out.row == width && ((like < 0 || b.in[like].row == width) && ...)) step = together < end ? together : end;
    }
    for (int64_t at = 0; at < end; at += step)
        f(Stretch{along_rows, at, !along_rows ? b.rows : end - at < step ? (end - at) * width : step * width});
}

// y[i] = f(x[i]) for all elements.
template <class From, class To, class F>
inline void map_elements(const Block &b, int64_t width, F &&f) {
    each_stretch(b, width, kAllRows, [&](const Stretch &s) {
        const From *x = s.of<From>(b.in[0]);
        To *y = s.of<To>(b.out[0]);
        lanes(s.n, [&](int64_t i) { y[i] = f(x[i]); });
    }, 0);
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
