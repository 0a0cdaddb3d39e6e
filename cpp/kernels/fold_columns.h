// Folds columns of a row into one number, in double: few ascending; from 16 on in 8 lanes, as lane_sums.h adds products, so
// that rows of real numbers can be read as they lie. The same bits by rows and by columns.
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

// What two numbers become, or two vectors: sums of lanes are added, extremes and products are of their own kind.
struct Add {
    template <class V>
    V operator()(V t, V x) const { return t + x; }
};
struct AddSize {
    template <class V>
    V operator()(V t, V x) const { return t + (x < 0.0 ? -x : x); }
};
struct AddSquare {
    template <class V>
    V operator()(V t, V x) const { return t + x * x; }
};
struct Multiply {
    template <class V>
    V operator()(V t, V x) const { return t * x; }
};
struct Greater {  // a NaN does not count
    template <class V>
    V operator()(V t, V x) const { return x > t ? x : t; }
};
struct GreaterOrNaN {
    template <class V>
    V operator()(V t, V x) const { return (x > t) | (x != x) ? x : t; }
};
struct LessOrNaN {
    template <class V>
    V operator()(V t, V x) const { return (x < t) | (x != x) ? x : t; }
};

template <class F>
struct JoinOf {
    using type = F;
};
template <>
struct JoinOf<AddSize> {
    using type = Add;
};
template <>
struct JoinOf<AddSquare> {
    using type = Add;
};

template <class Join>
inline double join_lanes(const double *t, ptrdiff_t step) {
    const Join join;
    return join(join(join(t[0], t[4 * step]), join(t[2 * step], t[6 * step])),
                join(join(t[step], t[5 * step]), join(t[3 * step], t[7 * step])));
}

template <class Join>
[[gnu::noinline]] void join_rows(const double *lane, ptrdiff_t step, int64_t n, double *total) {
    lanes(n, [&](int64_t r) { total[r] = join_lanes<Join>(lane + r, step); });
}

// One more column.
template <class F, class T>
[[gnu::noinline]] void fold_column(const T *x, int64_t n, double *total) {
    lanes(n, [&](int64_t r) { total[r] = F()(total[r], double(x[r])); });
}

template <class F, class T>
[[gnu::noinline]] double fold_row(const T *x, int64_t n, double start) {
    constexpr int width = int(vector_lanes<double>), parts = int(kFoldLanes) / width;
    const F f;
    Vector<double> t[parts], number;
    for (int lane = 0; lane < width; ++lane) number[lane] = lane;
    for (int p = 0; p < parts; ++p) t[p] = splat(start);
    int64_t i = 0;
    for (; i + kFoldLanes <= n; i += kFoldLanes)
        for (int p = 0; p < parts; ++p) t[p] = f(t[p], load_double(x + i + p * width));
    for (int p = 0; p < parts; ++p) {
        const int64_t left = n - i - p * width;
        if (left > 0) t[p] = number < double(left) ? f(t[p], load_double(x + i + p * width, left)) : t[p];
    }
    double lane[kFoldLanes];
    std::memcpy(lane, t, sizeof lane);
    return join_lanes<typename JoinOf<F>::type>(lane, 1);
}

// total[r] = start, then F(total[r], x) for each column; what lanes hold is joined.
template <class F, class T>
void fold_columns(const Block &b, const Columns &columns, double start, double *total) {
    const View &in = b.in[0];
    if constexpr (T(0.5) != 0)
        if (columns.along_rows() && (in.by_rows() || (b.rows == 1 && in.stride == 1))) {
            for (int64_t r = 0; r < b.rows; ++r) total[r] = fold_row<F>(in.row_at<T>(r) + columns[0], columns.count, start);
            return;
        }
    if (T(0.5) == 0 || !columns.in_lanes()) {
        lanes(b.rows, [&](int64_t r) { total[r] = start; });
        if (b.rows == 1)
            for (int64_t i = 0; i < columns.count; ++i) total[0] = F()(total[0], double(in.column<T>(columns[i])[0]));
        else
            for (int64_t i = 0; i < columns.count; ++i) fold_column<F>(in.column<T>(columns[i]), b.rows, total);
        return;
    }
    constexpr int64_t most = 64;  // rows at a time
    double lane[kFoldLanes * most];
    for (int64_t first = 0; first < b.rows; first += most) {
        const int64_t n = b.rows - first < most ? b.rows - first : most;
        for (double &each : lane) each = start;
        for (int64_t i = 0; i < columns.count; ++i)
            fold_column<F>(in.column<T>(columns[i]) + first, n, lane + i % kFoldLanes * most);
        join_rows<typename JoinOf<F>::type>(lane, most, n, total + first);
    }
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
