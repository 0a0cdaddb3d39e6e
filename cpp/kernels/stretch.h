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

// How the elements of the output, and of the inputs `a`, `b` and `c` that are as wide (-1: none), lie side by side.
struct Stretches {
    bool along_rows;
    int64_t end, step, length;  // of rows, or of columns; elements in one of them

    // `together`: rows that may go to a stretch; 0: only columns are stretches.
    [[gnu::noinline]] Stretches(const Block &block, int64_t width, int64_t together, int a, int b, int c)
        : along_rows(false), end(width), step(1), length(block.rows) {
        const View &out = block.out[0];
        bool one = block.rows == 1 && out.stride == 1, whole = out.row == width;
        for (const int input : {a, b, c}) {
            if (input < 0) continue;
            one = one && block.in[input].stride == 1;
            whole = whole && block.in[input].row == width;
        }
        if (together == 0 || width == 0 || !(one || out.by_rows())) return;
        along_rows = true, end = block.rows, length = width;
        if (whole) step = together < end ? together : end;
    }
};

// f(stretch) for all of them.
template <class F>
inline void each_stretch(const Stretches &all, F &&f) {
    for (int64_t at = 0; at < all.end; at += all.step)
        f(Stretch{all.along_rows, at, (all.end - at < all.step ? all.end - at : all.step) * all.length});
}

// Of a kernel with one input, the same function of each element.
inline Stretches all_elements(const Block &b, int64_t width) { return Stretches(b, width, kAllRows, 0, -1, -1); }

}  // namespace CELERIS_TARGET
}  // namespace celeris
