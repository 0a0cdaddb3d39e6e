// gemm_narrow: Y = X W + b in float32, for products large enough that double would be too slow (see matmul.py).
//
// Each output is summed in blocks of 16 products, k ascending, by fused multiply-adds; then the blocks, in order. The
// error grows with 16 + K / 16 roundings instead of K (blocked summation: N. J. Higham, Accuracy and Stability of
// Numerical Algorithms, 4.2). Every path and every instruction set does the same operations on a row.
#pragma once

#include "engine/vectors.h"

namespace celeris {

struct GemmNarrow : KernelState {
    static constexpr int64_t panel = 16, block = 16;
    int64_t k, m;
    std::vector<float> weights;  // [panels, K, panel], zeros beyond M
    std::vector<float> bias;     // [panels * panel]

    explicit GemmNarrow(const Params &p) {
        p.arity(1, 1);
        k = p.in[0].width, m = p.out[0].width;
        const std::vector<float> given = p.floats("weights");  // [M, K]
        bias = p.floats("bias");
        require(p.in[0].type == Type::f32 && p.out[0].type == Type::f32, "gemm_narrow: expected f32");
        require(int64_t(given.size()) == k * m, "gemm_narrow: expected weights [M, K]");
        require(int64_t(bias.size()) == m, "gemm_narrow: expected bias [M]");
        const int64_t panels = (m + panel - 1) / panel;
        weights.resize(size_t(panels * k * panel)), bias.resize(size_t(panels * panel));
        for (int64_t j = 0; j < m; ++j)
            for (int64_t i = 0; i < k; ++i) weights[size_t((j / panel * k + i) * panel + j % panel)] = given[size_t(j * k + i)];
        cost = 0.03 * double(k * m) + 0.3 * double(k + m) + 1;
        scratch_fixed = size_t(k) * 64 * sizeof(float);
    }
};

namespace CELERIS_TARGET {

// A tile of rows, whose columns lie one after the other in `x` ([K, tile rows]), by four outputs of a panel.
template <int vectors>
inline void multiply_narrow(const float *x, const float *w, int64_t k, Vector<float> (&total)[4][vectors]) {
    constexpr int64_t tile = vectors * vector_lanes<float>;
    for (int q = 0; q < 4; ++q)
        for (int v = 0; v < vectors; ++v) total[q][v] = Vector<float>{};
    for (int64_t first = 0; first < k; first += GemmNarrow::block) {
        const int64_t last = k - first < GemmNarrow::block ? k : first + GemmNarrow::block;
        Vector<float> s[4][vectors] = {};
        for (int64_t i = first; i < last; ++i, w += GemmNarrow::panel, x += tile) {
            Vector<float> row[vectors];
            for (int v = 0; v < vectors; ++v) row[v] = load(x + v * vector_lanes<float>);
            for (int q = 0; q < 4; ++q) {
                const Vector<float> weight = splat(w[q]);
                for (int v = 0; v < vectors; ++v) s[q][v] = fused_multiply_add(row[v], weight, s[q][v]);
            }
        }
        for (int q = 0; q < 4; ++q)
            for (int v = 0; v < vectors; ++v) total[q][v] += s[q][v];
    }
}

// So many panels for one row.
template <int panels>
inline void row_narrow(const GemmNarrow &g, const Block &b, int64_t r, int64_t j) {
    constexpr int64_t each = GemmNarrow::panel / vector_lanes<float>, n = panels * each;
    const float *x = b.in[0].column<float>(0) + r;
    const ptrdiff_t step = b.in[0].stride;
    const float *w = g.weights.data() + j * g.k;
    Vector<float> total[n] = {};
    for (int64_t first = 0; first < g.k; first += GemmNarrow::block) {
        const int64_t last = g.k - first < GemmNarrow::block ? g.k : first + GemmNarrow::block;
        Vector<float> s[n] = {};
        for (int64_t i = first; i < last; ++i) {
            const Vector<float> v = splat(x[i * step]);
            for (int64_t q = 0; q < n; ++q)
                s[q] = fused_multiply_add(v, load(w + (q / each * g.k + i) * GemmNarrow::panel + q % each * vector_lanes<float>), s[q]);
        }
        for (int64_t q = 0; q < n; ++q) total[q] += s[q];
    }
    float y[panels * GemmNarrow::panel];
    for (int64_t q = 0; q < n; ++q)
        store(y + q * vector_lanes<float>, total[q] + load(g.bias.data() + j + q * vector_lanes<float>));
    for (int64_t q = 0; q < panels * GemmNarrow::panel && j + q < g.m; ++q) b.out[0].column<float>(j + q)[r] = y[q];
}

// `count` rows from row r on as one tile, which is filled up with zeros.
template <int vectors>
inline void tile_narrow(const GemmNarrow &g, const Block &b, int64_t r, int64_t count) {
    constexpr int64_t tile = vectors * vector_lanes<float>;
    float *packed = reinterpret_cast<float *>(b.scratch);
    if (count == tile) {
        for (int64_t i = 0; i < g.k; ++i) std::memcpy(packed + i * tile, b.in[0].column<float>(i) + r, tile * sizeof(float));
    } else {
        std::memset(packed, 0, size_t(g.k * tile) * sizeof(float));
        for (int64_t i = 0; i < g.k; ++i)
            std::memcpy(packed + i * tile, b.in[0].column<float>(i) + r, size_t(count) * sizeof(float));
    }
    for (int64_t j = 0; j < g.m; j += 4) {
        Vector<float> total[4][vectors];
        const float *w = g.weights.data() + j / GemmNarrow::panel * GemmNarrow::panel * g.k + j % GemmNarrow::panel;
        multiply_narrow<vectors>(packed, w, g.k, total);
        for (int q = 0; q < 4 && j + q < g.m; ++q) {
            const Vector<float> bias = splat(g.bias.data()[j + q]);
            for (int v = 0; v < vectors; ++v) total[q][v] += bias;
            std::memcpy(b.out[0].column<float>(j + q) + r, total[q], size_t(count) * sizeof(float));
        }
    }
}

inline void run(const GemmNarrow &g, const Block &b) {
    constexpr int64_t half = vector_lanes<float>, few = 4;  // rows that are faster one by one than as a tile
    int64_t r = 0;
    for (; r + 2 * half <= b.rows; r += 2 * half) tile_narrow<2>(g, b, r, 2 * half);
    for (int64_t left; (left = b.rows - r) > few; r += left < half ? left : half)
        tile_narrow<1>(g, b, r, left < half ? left : half);
    for (; r < b.rows; ++r) {
        int64_t j = 0;
        for (; j + 3 * GemmNarrow::panel < g.m; j += 4 * GemmNarrow::panel) row_narrow<4>(g, b, r, j);
        for (; j < g.m; j += GemmNarrow::panel) row_narrow<1>(g, b, r, j);
    }
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
