// Folds columns of a row into one number, in double: few ascending; from 16 on in 8 lanes, as lane_sums.h adds products, so
// that rows can be read as they lie. The same bits by rows and by columns.
#pragma once

#include "engine/vectors.h"

namespace celeris {

constexpr int64_t kFoldLanes = 8;

struct Columns {
    const int64_t *at;  // null: all, in order
    int64_t count;
    bool neighbours;  // whether each follows the one before

    int64_t operator[](int64_t i) const { return at == nullptr ? i : at[i]; }
    bool in_lanes() const { return count >= 2 * kFoldLanes; }
    bool along_rows() const { return neighbours && in_lanes(); }  // whether they can be read so
};

namespace CELERIS_TARGET {

template <class Join>
inline double join_lanes(const double *t, ptrdiff_t step, Join &&join) {
    return join(join(join(t[0], t[4 * step]), join(t[2 * step], t[6 * step])),
                join(join(t[step], t[5 * step]), join(t[3 * step], t[7 * step])));
}

// As many numbers as lanes, or the first n of them and zeros.
template <class T>
inline Vector<double> some_doubles(const T *x, int64_t n) {
    constexpr int64_t width = vector_lanes<double>;
    if constexpr (T(0.5) != 0) return n < width ? load_double(x, n) : load_double(x);
    Vector<double> v = {};
    for (int64_t lane = 0; lane < width && lane < n; ++lane) v[lane] = double(x[lane]);
    return v;
}

template <class T, class F, class Join>
inline double fold_row(const T *x, int64_t n, double start, F &f, Join &join) {
    constexpr int width = int(vector_lanes<double>), parts = int(kFoldLanes) / width;
    Vector<double> t[parts], number;
    for (int lane = 0; lane < width; ++lane) number[lane] = lane;
    for (int p = 0; p < parts; ++p) t[p] = splat(start);
    int64_t i = 0;
    for (; i + kFoldLanes <= n; i += kFoldLanes)
        for (int p = 0; p < parts; ++p) t[p] = f(t[p], some_doubles(x + i + p * width, width));
    for (int p = 0; p < parts; ++p) {
        const int64_t left = n - i - p * width;
        if (left > 0) t[p] = number < double(left) ? f(t[p], some_doubles(x + i + p * width, left)) : t[p];
    }
    double lane[kFoldLanes];
    std::memcpy(lane, t, sizeof lane);
    return join_lanes(lane, 1, join);
}

// total[r] = start, then f(total[r], x) for each column; what lanes hold is joined.
template <class T, class F, class Join>
void fold_columns(const Block &b, const Columns &columns, double start, F &&f, Join &&join, double *total) {
    const View &in = b.in[0];
    if (columns.along_rows() && (in.by_rows() || (b.rows == 1 && in.stride == 1))) {
        for (int64_t r = 0; r < b.rows; ++r) total[r] = fold_row(in.row_at<T>(r) + columns[0], columns.count, start, f, join);
        return;
    }
    if (!columns.in_lanes())
        return for_rows(b.rows, [&](auto rows) {
            lanes(rows, [&](int64_t r) { total[r] = start; });
            for (int64_t i = 0; i < columns.count; ++i) {
                const T *x = in.column<T>(columns[i]);
                lanes(rows, [&](int64_t r) { total[r] = f(total[r], double(x[r])); });
            }
        });
    constexpr int64_t most = 64;  // rows at a time
    double lane[kFoldLanes * most];
    for (int64_t first = 0; first < b.rows; first += most) {
        const int64_t n = b.rows - first < most ? b.rows - first : most;
        for (int64_t l = 0; l < kFoldLanes; ++l) lanes(n, [&](int64_t r) { lane[l * most + r] = start; });
        for (int64_t i = 0; i < columns.count; ++i) {
            const T *x = in.column<T>(columns[i]) + first;
            double *t = lane + i % kFoldLanes * most;
            lanes(n, [&](int64_t r) { t[r] = f(t[r], double(x[r])); });
        }
        lanes(n, [&](int64_t r) { total[first + r] = join_lanes(lane + r, most, join); });
    }
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
