// gemm_narrow: Y = f(X W + b) in float32, f an activation or none, for products large enough that double would be too slow (see
// matmul.py).
//
// Each output is summed in blocks of 64 products, k ascending, by fused multiply-adds; then the blocks, in order. The
// error grows with 64 + K / 64 roundings instead of K (blocked summation: N. J. Higham, Accuracy and Stability of
// Numerical Algorithms, 4.2). Every path does the same operations on a row, and every processor that has the fused
// multiply-add gives the same bits; `once`: others emulate it.
#pragma once

#include "engine/transpose.h"
#include "engine/vectors.h"
#include "kernels/activation.h"

namespace celeris {

struct GemmNarrow : KernelState {
    static constexpr int64_t block = 64;
    static constexpr int64_t panel = 48;  // outputs whose weights lie together: tiles of 6 and of 12 fill it
    static constexpr int64_t depth = 64;  // so many rows of a panel stay in the first cache
    static constexpr int64_t group = 64;  // rows that are packed together
    static constexpr int64_t least_by_rows = 16;  // rows, for which they are read as they lie
    int64_t k, m;
    bool relu, once;
    std::optional<Activation> activation;
    std::vector<float> weights;  // panels [K, 48], the last one [K, what is left, in vectors of 16]
    std::vector<float> bias;     // [M], and zeros up to a multiple of 16

    explicit GemmNarrow(const Params &p) {
        p.arity(1, 1);
        k = p.in[0].width, m = p.out[0].width;
        const std::vector<float> given = p.floats("weights");  // [M, K]
        bias = p.floats("bias");
        relu = p.has("relu"), once = p.has("once");
        if (p.has("activation")) activation.emplace(p);
        require(p.in[0].type == Type::f32 && p.out[0].type == Type::f32, "gemm_narrow: expected f32");
        require(int64_t(given.size()) == k * m, "gemm_narrow: expected weights [M, K]");
        require(int64_t(bias.size()) == m, "gemm_narrow: expected bias [M]");
        weights.resize(size_t(whole() * k)), bias.resize(size_t(whole()));
        for (int64_t j = 0; j < m; ++j) {
            const int64_t first = j / panel * panel;
            for (int64_t i = 0; i < k; ++i) weights[size_t(first * k + i * width(first) + j - first)] = given[size_t(j * k + i)];
        }
        cost = 0.009 * double(k * m) + 0.06 * double(k + m) + 1 + (activation ? double(m) : 0);
        scratch_fixed = size_t(std::max(k, panel) * group) * sizeof(float);
        takes_rows = m <= k;  // else columns come cheaper in than they go out
        if (k * m >= 1 << 16) rows_wanted = 192;  // weights that leave the cache are read once for so many rows
    }

    int64_t whole() const { return (m + 15) / 16 * 16; }
    // Of the panel of output `first` on.
    int64_t width(int64_t first) const { return whole() - first < panel ? whole() - first : panel; }
};

namespace CELERIS_TARGET {

inline Vector<float> positive(Vector<float> v) { return v < 0 ? Vector<float>{} : v; }

// The first product of a sum, and what becomes of it after the last.
struct SumEnds {
    bool add;           // to what is there
    const float *bias;  // one for each row of y, or null: the sum is not complete
    bool relu;
};

// y = sums of k products in blocks. `single` gives a number for each of so many rows of y, `wide` vectors of numbers for
// its columns: weights and inputs, either way around. What lies `ahead` of `single` is wanted next.
template <int rows, int vectors, bool once>
[[gnu::noinline]] void sum_products(const float *single, ptrdiff_t single_step, int64_t ahead, const float *wide,
                                    ptrdiff_t wide_step, int64_t k, SumEnds ends, float *y, ptrdiff_t step) {
    for (int64_t first = 0; first < k; first += GemmNarrow::block, ends.add = true) {
        const int64_t count = k - first < GemmNarrow::block ? k - first : GemmNarrow::block;
        Vector<float> s[rows][vectors];
#pragma GCC unroll 12
        for (int q = 0; q < rows; ++q)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; ++v) s[q][v] = Vector<float>{};
        const auto multiply = [&](int64_t times) __attribute__((always_inline)) {
#pragma GCC unroll 4
            for (int64_t i = 0; i < times; ++i, single += single_step, wide += wide_step) {
                __builtin_prefetch(single + ahead, 0, 2);
                Vector<float> x[vectors];
#pragma GCC unroll 8
                for (int v = 0; v < vectors; ++v) x[v] = load(wide + v * vector_lanes<float>);
#pragma GCC unroll 12
                for (int q = 0; q < rows; ++q) {
                    const Vector<float> one = splat(single[q]);
#pragma GCC unroll 8
                    for (int v = 0; v < vectors; ++v)
                        s[q][v] = once ? multiply_add_once(one, x[v], s[q][v]) : multiply_add(one, x[v], s[q][v]);
                }
            }
        };
        if (count == GemmNarrow::block)
            multiply(GemmNarrow::block);
        else
            multiply(count);
        const bool last = ends.bias != nullptr && first + count == k;
#pragma GCC unroll 12
        for (int q = 0; q < rows; ++q)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; ++v) {
                float *const to = y + q * step + v * vector_lanes<float>;
                if (ends.add) s[q][v] += load(to);
                if (last) s[q][v] += splat(ends.bias[q]);
                store(to, last && ends.relu ? positive(s[q][v]) : s[q][v]);
            }
    }
}

// Rows [0, rows) of a group, whose columns lie `step` apart, by one panel of outputs, a piece of the depth after the other.
// Whole vectors of rows stand in lanes; where few rows are left, the outputs do.
template <bool once>
struct NarrowPanel {
    static constexpr int64_t each = vector_lanes<float>;
    const GemmNarrow &g;
    const float *x;
    ptrdiff_t step;
    const View &out;
    int64_t r, rows;  // of the output
    int64_t panel, width, count;
    const float *weights;
    float few[each * GemmNarrow::panel];  // sums of rows that are left

    NarrowPanel(const GemmNarrow &g, const float *x, ptrdiff_t step, const View &out, int64_t r, int64_t rows, int64_t panel)
        : g(g), x(x), step(step), out(out), r(r), rows(rows), panel(panel), width(g.width(panel)),
          count(g.m - panel < width ? g.m - panel : width), weights(g.weights.data() + panel * g.k) {}

    void multiply() {
        const int64_t whole = rows / each * each, piece = rows <= 4 ? g.k : GemmNarrow::depth;  // else read once
        for (int64_t from = 0; from < g.k; from += piece) {
            const int64_t depth = g.k - from < piece ? g.k - from : piece;
            int64_t i = 0;
            if constexpr (each == 16) i = tiles<4>(i, from, depth);
            if constexpr (!once) i = tiles<2>(i, from, depth);
            i = tiles<1>(i, from, depth);
            if constexpr (!once) i = left<4>(i, from, depth);
            if constexpr (!once) i = left<2>(i, from, depth);
            i = left<1>(i, from, depth);
        }
        for (int64_t i = 0; i < rows - whole; ++i)
            for (int64_t q = 0; q < width; q += each) {
                float *const y = few + i * GemmNarrow::panel + q;
                const Vector<float> sum = load(y) + load(g.bias.data() + panel + q);
                store(y, g.relu ? positive(sum) : sum);
            }
        for (int64_t q = 0; q < count; ++q) {
            float *const y = out.column<float>(panel + q) + r + whole;
            for (int64_t i = 0; i < rows - whole; ++i) y[i] = few[i * GemmNarrow::panel + q];
        }
    }

    template <int vectors>
    int64_t tiles(int64_t i, int64_t from, int64_t depth) {
        for (; i + vectors * each <= rows; i += vectors * each) {
            int64_t j = 0;
            if constexpr (vectors == 1 && !once) j = tile<12, vectors>(i, j, from, depth);
            if constexpr (!once) j = tile<6, vectors>(i, j, from, depth);
            if constexpr (!once) j = tile<4, vectors>(i, j, from, depth);
            j = tile<2, vectors>(i, j, from, depth);
            j = tile<1, vectors>(i, j, from, depth);
        }
        return i;
    }

    template <int outputs, int vectors>
    int64_t tile(int64_t i, int64_t j, int64_t from, int64_t depth) {
        for (; j + outputs <= count; j += outputs)
            sum_products<outputs, vectors, once>(weights + from * width + j, width, GemmNarrow::depth * width, x + from * step + i, step, depth,
                                           {from > 0, from + depth == g.k ? g.bias.data() + panel + j : nullptr, g.relu},
                                           out.column<float>(panel + j) + r + i, out.stride);
        return j;
    }

    template <int some>
    int64_t left(int64_t i, int64_t from, int64_t depth) {
        constexpr int most = each == 16 ? 4 : each == 4 ? 2 : some == 1 ? 8 : some == 2 ? 4 : 2;
        for (; i + some <= rows; i += some) {
            int64_t j = 0;
            j = left<some, most>(i, j, from, depth);
            if constexpr (most > 4) j = left<some, 4>(i, j, from, depth);
            if constexpr (most > 2) j = left<some, 2>(i, j, from, depth);
            j = left<some, 1>(i, j, from, depth);
        }
        return i;
    }

    template <int some, int vectors>
    int64_t left(int64_t i, int64_t j, int64_t from, int64_t depth) {
        for (; j + vectors * each <= width; j += vectors * each)
            sum_products<some, vectors, once>(x + from * step + i, step, 0, weights + from * width + j, width, depth, {from > 0, nullptr, false},
                                        few + (i % each) * GemmNarrow::panel + j, GemmNarrow::panel);
        return j;
    }
};

// Rows that lie side by side in memory, `apart` from one another, by vectors of outputs: y = their sums, complete.
template <int rows, int vectors>
[[gnu::noinline]] void sum_rows_in_blocks(const GemmNarrow &g, const float *x, ptrdiff_t apart, const float *w, int64_t width,
                                          const float *bias, float *y) {
    if (vector_bytes == 64) width = vectors * vector_lanes<float>;
    constexpr int bases = (rows + 2) / 3;  // rows 0, 3, ...: the others lie one or two steps after one of these
    for (int64_t first = 0; first < g.k; first += GemmNarrow::block, x += GemmNarrow::block) {
        const int64_t count = g.k - first < GemmNarrow::block ? g.k - first : GemmNarrow::block;
        Vector<float> s[rows][vectors] = {};
        const float *at[bases];
        for (int r = 0; r < bases; ++r) at[r] = x + 3 * r * apart;
        const auto add = [&](auto times) __attribute__((always_inline)) {
            asm("" : "+r"(apart));  // else GCC keeps as many pointers as there are rows
            for (int r = 0; r < bases; ++r) asm("" : "+r"(at[r]));
#pragma GCC unroll 4
            for (int i = 0; i < times(); ++i, w += width) {
                Vector<float> weight[vectors];
                for (int v = 0; v < vectors; ++v) weight[v] = load(w + v * vector_lanes<float>);
#pragma GCC unroll 16
                for (int r = 0; r < rows; ++r) {
                    const Vector<float> one = splat(at[r / 3][r % 3 * apart + i]);
                    for (int v = 0; v < vectors; ++v) s[r][v] = multiply_add(one, weight[v], s[r][v]);
                }
            }
            for (int r = 0; r < bases; ++r) at[r] += times();
        };
        int64_t i = 0;
        for (; i + 4 <= count; i += 4) add(std::integral_constant<int, 4>());
        for (; i < count; ++i) add(std::integral_constant<int, 1>());
#pragma GCC unroll 16
        for (int r = 0; r < rows; ++r)
            for (int v = 0; v < vectors; ++v) {
                float *const to = y + r * GemmNarrow::panel + v * vector_lanes<float>;
                if (first > 0) s[r][v] += load(to);
                if (first + count == g.k) {
                    s[r][v] += load(bias + v * vector_lanes<float>);
                    if (g.relu) s[r][v] = positive(s[r][v]);
                }
                store(to, s[r][v]);
            }
    }
}

// n rows, at least `least_by_rows`, by vectors of outputs, as many as registers hold at a time; the last ones once more.
template <int vectors>
void multiply_rows(const GemmNarrow &g, const float *x, ptrdiff_t apart, const float *w, int64_t width, const float *bias,
                   float *y, int64_t n) {
    constexpr int most = vector_bytes < 64 ? 6 : vectors == 1 ? 16 : 8;
    for (int64_t r = 0; r < n; r += most) {
        const int64_t from = n - r < most ? n - most : r;
        sum_rows_in_blocks<most, vectors>(g, x + from * apart, apart, w, width, bias, y + from * GemmNarrow::panel);
    }
}

inline void multiply_rows(const GemmNarrow &g, const Block &b) {
    const View &in = b.in[0], &out = b.out[0];
    constexpr int64_t each = vector_lanes<float>, group = GemmNarrow::group, least = GemmNarrow::least_by_rows;
    float *const sums = reinterpret_cast<float *>(b.scratch);
    for (int64_t panel = 0; panel < g.m; panel += GemmNarrow::panel)
        for (int64_t first = 0; first < b.rows; first += group) {
            const int64_t left = b.rows - first, r = left < least ? b.rows - least : first, n = left < least ? least : left < group ? left : group;
            const int64_t width = g.width(panel), count = g.m - panel < width ? g.m - panel : width;
            int64_t q = 0;
            const auto multiply = [&]<int vectors>() {
                for (; q + vectors * each <= width; q += vectors * each)
                    multiply_rows<vectors>(g, in.row_at<float>(r), in.row, g.weights.data() + panel * g.k + q, width,
                                           g.bias.data() + panel + q, sums + q, n);
            };
            if constexpr (each == 16) multiply.template operator()<3>();
            multiply.template operator()<2>();
            if constexpr (each == 16) multiply.template operator()<1>();
            transpose(sizeof(float), reinterpret_cast<const std::byte *>(sums), GemmNarrow::panel, n, count,
                      reinterpret_cast<std::byte *>(out.column<float>(panel) + r), out.stride);
        }
}

inline void multiply(const GemmNarrow &g, const Block &b) {
    const View &in = b.in[0];
    if (in.by_rows() && b.rows >= GemmNarrow::least_by_rows && (adds_once || !g.once)) return multiply_rows(g, b);
    // Columns of the caller, far apart, would push one another out of the cache.
    const bool packs = in.by_rows() || in.stride > 1024;
    const int64_t group = packs ? GemmNarrow::group : b.rows;
    for (int64_t r = 0; r < b.rows; r += group) {
        const int64_t rows = b.rows - r < group ? b.rows - r : group;
        const float *x = in.column<float>(0) + r;
        ptrdiff_t step = in.stride;
        if (packs) {
            float *const packed = reinterpret_cast<float *>(b.scratch);
            if (in.by_rows())
                transpose(sizeof(float), reinterpret_cast<const std::byte *>(in.row_at<float>(r)), in.row, rows, g.k,
                          b.scratch, group);
            else
                for (int64_t i = 0; i < g.k; ++i) std::memcpy(packed + i * group, x + i * step, size_t(rows) * sizeof(float));
            x = packed, step = group;
        }
        for (int64_t j = 0; j < g.m; j += GemmNarrow::panel) {
            if (adds_once || !g.once)
                NarrowPanel<false>(g, x, step, b.out[0], r, rows, j).multiply();
            else
                NarrowPanel<!adds_once>(g, x, step, b.out[0], r, rows, j).multiply();
        }
    }
}

inline void run(const GemmNarrow &g, const Block &b) {
    multiply(g, b);
    if (g.activation) activate(*g.activation, Block{b.out, b.out, b.rows, b.scratch, b.refused}, g.m);
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
