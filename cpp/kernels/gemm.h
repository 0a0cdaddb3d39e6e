// gemm: Y = X W + b for rows X [K], weights W [K, M], bias b [M].
//
// Each output is the sum of its K products in double, then the bias, then one rounding, whichever path takes a row: so many
// rows at once in registers, or a row alone. The order of the sum depends on K and M only: k ascending, or for few outputs
// of enough products the 8 lanes of lane_sums.h, which read a row as the caller holds it. Where inputs are
// float32 and weights have at most 29 bits, their products are exact in double, and a fused multiply-add rounds as a
// product and a sum do: then, and only then, it is used.
//
// `single`: products of float32 by weights that are float32 are summed in float32 instead, in 16 lanes, each product added with
// one rounding (linear.py says where: double would take twice the time there).
#pragma once

#include "kernels/lane_sums.h"

namespace celeris {

// Whether the product of w and any float32, of 24 bits, is exact in double, of 53.
inline bool has_exact_products(double w) {
    uint64_t bits;
    std::memcpy(&bits, &w, 8);
    const double size = w < 0 ? -w : w;
    return w != w || w == 0 || ((bits & 0xffffff) == 0 && size > 0x1p-800 && size < 0x1p800);
}

// Numbers from the start of a line of the cache on, zeros at first.
template <class T>
class Lines {
public:
    void resize(size_t n) { all_.assign(n + 64 / sizeof(T), T(0)), first_ = size_t(-uintptr_t(all_.data()) % 64) / sizeof(T); }
    T *data() { return all_.data() + first_; }
    const T *data() const { return all_.data() + first_; }

private:
    std::vector<T> all_;
    size_t first_ = 0;
};

struct Gemm : KernelState {
    static constexpr int64_t panel = 4;  // outputs side by side in registers
    static constexpr int64_t few = 16;   // outputs: for more of them it pays to turn rows into columns
    Type from, to;
    int64_t k, m;
    bool exact;                    // products are exact in double, or (`fused`) rounded with their sum
    bool by_lanes;                 // summed in lanes
    bool by_halves;                // of registers of 64 bytes
    bool single;                   // summed in float32
    std::vector<double> weights;   // [panels, K, panel], zeros beyond M
    std::vector<double> bias;      // [panels * panel]
    Lines<double> rows;            // if by_lanes: [M, K], zeros up to a multiple of 8
    Lines<float> singles;          // the same if `single`: up to a multiple of 16

    explicit Gemm(const Params &p) {
        p.arity(1, 1);
        from = p.in[0].type, to = p.out[0].type;
        k = p.in[0].width, m = p.out[0].width;
        const std::vector<double> given = p.doubles("weights");  // [M, K]
        bias = p.doubles("bias");
        require((from == Type::f32 || from == Type::f64) && (to == Type::f32 || to == Type::f64), "gemm: expected f32 or f64");
        require(int64_t(given.size()) == k * m, "gemm: expected weights [M, K]");
        require(int64_t(bias.size()) == m, "gemm: expected bias [M]");
        const int64_t panels = (m + panel - 1) / panel;
        bias.resize(size_t(panels * panel));
        single = p.has("single") && from == Type::f32 && to == Type::f32;
        for (size_t i = 0; single && i < given.size(); ++i) single = given[i] != given[i] || double(float(given[i])) == given[i];
        if (single) {
            by_lanes = true, by_halves = exact = false;
            by_rows(given, singles);
        } else {
            lay(given, panels, p.has("fused"));
        }
        takes_rows = by_lanes;
        cost = (single ? 0.02 : 0.06) * double(k * m) + 0.05 * double(k + m) + 1;
        scratch_fixed = size_t(k) * 64 * sizeof(double);
    }

private:
    void lay(const std::vector<double> &given, int64_t panels, bool fused) {
        weights.resize(size_t(panels * k * panel));
        exact = from == Type::f32;
        for (int64_t j = 0; j < m; ++j)
            for (int64_t i = 0; i < k; ++i) {
                const double w = given[size_t(j * k + i)];
                weights[size_t((j / panel * k + i) * panel + j % panel)] = w;
                exact = exact && has_exact_products(w);
            }
        exact = exact || fused;
        by_lanes = m > 0 && m <= few && k >= (m <= panel ? 8 : 64);
        by_halves = by_lanes && faster_halves();
        if (by_lanes) by_rows(given, rows);
    }
    template <class Sum>
    void by_rows(const std::vector<double> &given, Lines<Sum> &to) const {
        const int64_t length = whole_lanes<Sum>(k);
        to.resize(size_t(m * length));
        for (int64_t j = 0; j < m; ++j)
            for (int64_t i = 0; i < k; ++i) to.data()[j * length + i] = Sum(given[size_t(j * k + i)]);
    }
};

namespace CELERIS_TARGET {

// One panel for one row: its sums side by side hide the latency of the additions.
template <class From, bool exact>
inline void dot_panel(const From *x, ptrdiff_t step, const double *w, int64_t k, double *sum) {
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (int64_t i = 0; i < k; ++i, w += 4) {
        const double v = double(x[i * step]);
        s0 = multiply_add<exact>(v, w[0], s0), s1 = multiply_add<exact>(v, w[1], s1);
        s2 = multiply_add<exact>(v, w[2], s2), s3 = multiply_add<exact>(v, w[3], s3);
    }
    sum[0] = s0, sum[1] = s1, sum[2] = s2, sum[3] = s3;
}

// Four panels for one row, for wide outputs.
template <class From, bool exact>
inline void dot_panels(const From *x, ptrdiff_t step, const double *w, int64_t k, double *sum) {
    constexpr int64_t n = 16 / vector_lanes<double>;
    Vector<double> s[n] = {};
    for (int64_t i = 0; i < k; ++i) {
        const Vector<double> v = splat(double(x[i * step]));
        for (int64_t q = 0; q < n; ++q) {
            // The n vectors cover four panels of four, each k * 4 apart.
            Vector<double> part;
            if constexpr (vector_lanes<double> == 8)
                part = join(w + (q * 2) * k * 4 + i * 4, w + (q * 2 + 1) * k * 4 + i * 4);
            else
                part = load<double>(w + (q * vector_lanes<double> / 4) * k * 4 + i * 4 + q * vector_lanes<double> % 4);
            s[q] = multiply_add<exact>(v, part, s[q]);
        }
    }
    for (int64_t q = 0; q < n; ++q) store(sum + q * vector_lanes<double>, s[q]);
}

template <class From, class To, bool exact>
void gemm_row(const Gemm &g, const Block &b, int64_t r) {
    const From *x = b.in[0].column<From>(0) + r;
    const ptrdiff_t step = b.in[0].stride;
    double sum[16];
    int64_t j = 0;
    for (; j + 16 <= g.m; j += 16) {
        dot_panels<From, exact>(x, step, g.weights.data() + j * g.k, g.k, sum);
        for (int64_t q = 0; q < 16; ++q) b.out[0].column<To>(j + q)[r] = To(sum[q] + g.bias.data()[j + q]);
    }
    for (; j < g.m; j += 4) {
        dot_panel<From, exact>(x, step, g.weights.data() + j * g.k, g.k, sum);
        for (int64_t q = 0; q < 4 && j + q < g.m; ++q) b.out[0].column<To>(j + q)[r] = To(sum[q] + g.bias.data()[j + q]);
    }
}

// How many vectors of rows a tile has: with four outputs they fill the registers.
constexpr int gemm_vectors = vector_lanes<double> == 8 ? 4 : 2;

// s += a tile of rows, one column `step` after the other, by the first `outputs` of a panel w.
template <int outputs, int vectors, bool exact, class From>
inline void accumulate_tile(const From *x, ptrdiff_t step, const double *w, int64_t k, Vector<double> (&s)[outputs][vectors]) {
    for (int64_t i = 0; i < k; ++i) accumulate_column<exact>(x + i * step, w + i * 4, 1, s);
}

template <int outputs, int vectors, bool exact, class From, class To>
inline void multiply_tile(const Gemm &g, const From *x, ptrdiff_t step, int64_t j, const View &out, int64_t r) {
    Vector<double> s[outputs][vectors] = {};
    accumulate_tile<outputs, vectors, exact>(x, step, g.weights.data() + j * g.k, g.k, s);
    unrolled<outputs>([&](int q) __attribute__((always_inline)) {  // a loop would keep the sums in memory
        const Vector<double> bias = splat(g.bias.data()[j + q]);
        To *y = out.column<To>(j + q) + r;
        unrolled<vectors>([&](int v) __attribute__((always_inline)) { store_as(y + v * vector_lanes<double>, s[q][v] + bias); });
    });
}

// So many vectors of rows at a time from row r on, by all outputs. Returns how many rows are done.
template <int vectors, class From, class To, bool exact>
int64_t multiply_tiles(const Gemm &g, const Block &b, int64_t r) {
    constexpr int64_t tile = vectors * vector_lanes<double>;
    for (; r + tile <= b.rows; r += tile) {
        const From *x = b.in[0].column<From>(0) + r;
        ptrdiff_t step = b.in[0].stride;
        if (g.m > 4) {  // read more than once: columns far apart would push one another out of the cache
            From *packed = reinterpret_cast<From *>(b.scratch);
            for (int64_t i = 0; i < g.k; ++i) std::memcpy(packed + i * tile, x + i * step, tile * sizeof(From));
            x = packed, step = tile;
        }
        int64_t j = 0;
        for (; j + 4 <= g.m; j += 4) multiply_tile<4, vectors, exact, From, To>(g, x, step, j, b.out[0], r);
        switch (g.m - j) {
            case 3: multiply_tile<3, vectors, exact, From, To>(g, x, step, j, b.out[0], r); break;
            case 2: multiply_tile<2, vectors, exact, From, To>(g, x, step, j, b.out[0], r); break;
            case 1: multiply_tile<1, vectors, exact, From, To>(g, x, step, j, b.out[0], r); break;
            default: break;
        }
    }
    return r;
}

template <class From, class To, bool exact>
void gemm(const Gemm &g, const Block &b) {
    constexpr int64_t each = vector_lanes<double>;
    int64_t r = multiply_tiles<gemm_vectors, From, To, exact>(g, b, 0);
    r = multiply_tiles<1, From, To, exact>(g, b, r);
    if (r < b.rows && b.rows >= each)  // the last rows, some of them once more
        r = multiply_tiles<1, From, To, exact>(g, b, b.rows - each);
    for (; r < b.rows; ++r) gemm_row<From, To, exact>(g, b, r);
}

// Weights by rows, as sums of this type read them.
template <class Sum>
inline const Sum *lanes_of(const Gemm &g) {
    if constexpr (sizeof(Sum) == sizeof(float))
        return g.singles.data();
    else
        return g.rows.data();
}

// Rows that lie side by side in memory, `step` apart, so many at a time, by outputs j and those after it. Returns the first
// row that is left.
template <class V, int rows, int outputs, bool exact, class From, class To>
inline int64_t multiply_rows(const Gemm &g, const From *x, ptrdiff_t step, int64_t j, const View &out, int64_t r, int64_t end) {
    using Sum = NumberOf<V>;
    constexpr int each = int(sizeof(V) / sizeof(Sum));
    const int64_t k = g.k;
    const Sum *const w = lanes_of<Sum>(g) + j * whole_lanes<Sum>(k);
    To *y[outputs];
    Sum bias[outputs];
    for (int q = 0; q < outputs; ++q) y[q] = out.column<To>(j + q), bias[q] = Sum(g.bias.data()[j + q]);
    for (; r + rows <= end; r += rows, x += rows * step) {
        Sum sum[lane_sums<Sum, rows, outputs>];
        sum_rows<V, rows, outputs, exact>(x, step, w, k, sum);
        for (int q = 0; q < outputs; ++q) {
            int i = 0;
            for (; i + each <= rows; i += each) store_as(y[q] + r + i, load_as<V>(sum + q * rows + i) + bias[q]);
            for (; i < rows; ++i) y[q][r + i] = To(sum[q * rows + i] + bias[q]);
        }
    }
    return r;
}

// Rows [r, end) by outputs j and those after it.
template <int outputs, bool exact, class Sum, class From, class To>
void multiply_lanes(const Gemm &g, const Block &b, int64_t j, int64_t r, int64_t end) {
    constexpr int tile = lane_tile_rows<outputs>;
    constexpr bool half_sums = vector_bytes == 64 && sizeof(From) < sizeof(Sum);
    using Sums = Vector<Sum>;
    using HalfSums = std::conditional_t<half_sums, HalfVector, Sums>;
    const View &in = b.in[0], &out = b.out[0];
    if (in.by_rows()) {
        if (half_sums && g.by_halves)
            r = multiply_rows<HalfSums, tile, outputs, exact, From, To>(g, in.row_at<From>(r), in.row, j, out, r, end);
        else
            r = multiply_rows<Sums, tile, outputs, exact, From, To>(g, in.row_at<From>(r), in.row, j, out, r, end);
        multiply_rows<Sums, 1, outputs, exact, From, To>(g, in.row_at<From>(r), in.row, j, out, r, end);
        return;
    }
    constexpr int64_t each = vector_lanes<Sum>, length = Gemm::panel;
    Weights<Sum> weights;
    if constexpr (sizeof(Sum) == sizeof(float))
        weights = {g.singles.data() + j * whole_lanes<Sum>(g.k), whole_lanes<Sum>(g.k), 1};
    else
        weights = {g.weights.data() + j / length * length * g.k + j % length, 1, length};
    for (; r + 2 * each <= end; r += 2 * each) {
        Sums sum[outputs][2];
        sum_columns<exact>(in.column<From>(0) + r, in.stride, weights, g.k, sum);
        for (int q = 0; q < outputs; ++q)
            for (int v = 0; v < 2; ++v)
                store_as(out.column<To>(j + q) + r + v * each, sum[q][v] + splat(Sum(g.bias.data()[j + q])));
    }
    From *row = reinterpret_cast<From *>(b.scratch);
    for (; r < end; ++r) {
        const From *x = in.column<From>(0) + r;
        if (in.stride != 1) {
            for (int64_t i = 0; i < g.k; ++i) row[i] = x[i * in.stride];
            x = row;
        }
        multiply_rows<Sums, 1, outputs, exact, From, To>(g, x, 0, j, out, r, r + 1);
    }
}

// Rows that all outputs find in the first cache; of columns, as many as two vectors hold.
inline int64_t group_of(const Block &b) { return b.in[0].by_rows() ? 8 : 32; }

template <bool exact, class Sum, class From, class To>
void gemm_by_lanes(const Gemm &g, const Block &b) {
    constexpr int most = lane_tile_outputs;
    const int64_t group = g.m > most ? group_of(b) : b.rows;
    for (int64_t r = 0; r < b.rows; r += group) {
        const int64_t end = b.rows - r < group ? b.rows : r + group;
        for (int64_t j = 0; j < g.m; j += most) {
            switch (g.m - j) {
                case 1: multiply_lanes<1, exact, Sum, From, To>(g, b, j, r, end); break;
                case 2: multiply_lanes<2, exact, Sum, From, To>(g, b, j, r, end); break;
                case 3: multiply_lanes<most < 3 ? most : 3, exact, Sum, From, To>(g, b, j, r, end); break;
                default: multiply_lanes<most, exact, Sum, From, To>(g, b, j, r, end); break;
            }
        }
    }
}

template <class From, class To, bool exact>
void gemm_in_order(const Gemm &g, const Block &b) {
    g.by_lanes ? gemm_by_lanes<exact, double, From, To>(g, b) : gemm<From, To, exact>(g, b);
}

inline void run(const Gemm &g, const Block &b) {
    if (g.single) return gemm_by_lanes<true, float, float, float>(g, b);
    for_real(g.from, [&](auto *from) {
        for_real(g.to, [&](auto *to) {
            using From = pointee<decltype(from)>;
            using To = pointee<decltype(to)>;
            if (g.exact) return gemm_in_order<From, To, true>(g, b);
            gemm_in_order<From, To, false>(g, b);
        });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
