// nearest: of constant points [P, D] the k nearest to each row X [D], as `distances` measures and `top_k` orders them.
//
// No row of distances is made. A lower bound of each distance comes from a product in float32, of numbers from which the
// points' mean is taken; only what it does not rule out is measured as `distances` does. So the answers, ties and all, are
// those of the two kernels one after the other, and the same on every instruction set.
#pragma once

#include "engine/vectors.h"
#include "kernels/top_k.h"

namespace celeris {

struct Nearest : KernelState {
    static constexpr int64_t panel = 32;           // points side by side
    static constexpr int64_t chunk_bytes = 24 << 10;  // points that all rows of a block meet while they are in the first cache
    static constexpr double lost = 1e-6;           // see Distances
    static constexpr double huge = 1e37;           // squares from which on float32 may overflow: nothing is ruled out
    Type from, to;
    int64_t d, count, k, chunk;
    bool root, root_after;       // of the distance, or of what it is once rounded
    std::vector<double> points;  // [P, D]
    std::vector<double> squares; // |p|^2
    std::vector<double> center;  // [D]
    std::vector<float> near;     // [panels, D, panel]: the points less the center
    std::vector<float> bound;    // [panels, panel]: their squares, less what rounding may add; infinity beyond P
    double shrink;               // 1 - the greatest error of a bound, relative to the squares it is a sum of
    double slack;                // 1 + that of a distance
    bool wild;

    explicit Nearest(const Params &p) : points(p.doubles("points")), squares(p.doubles("bias")) {
        p.arity(1, 2);
        from = p.in[0].type, to = p.out[0].type, d = p.in[0].width, k = p.out[0].width;
        count = int64_t(squares.size());
        require((from == Type::f32 || from == Type::f64) && (to == Type::f32 || to == Type::f64), "nearest: expected f32 or f64");
        require(int64_t(points.size()) == count * d, "nearest: expected points [P, D]");
        require(k > 0 && k <= count && p.out[1].width == k && p.out[1].type == Type::i64, "nearest: expected k of the points");
        const std::string kind = p.text("kind");
        require(kind == "sqeuclidean" || kind == "euclidean", "nearest: expected sqeuclidean or euclidean");
        root = kind == "euclidean", root_after = p.integer("root") != 0;
        // Numbers, their products, the sum of D of them and of the squares: each rounded once, and twice that to be sure.
        shrink = 1 - double(d + 20) * 0x1p-23;
        slack = 1 + 1e-6 + double(d) * 1e-9;
        center.assign(size_t(d), 0);
        for (int64_t j = 0; j < count; ++j)
            for (int64_t i = 0; i < d; ++i) center[size_t(i)] += points[size_t(j * d + i)] / double(count);
        const int64_t panels = (count + panel - 1) / panel;
        near.assign(size_t(panels * d * panel), 0), bound.assign(size_t(panels * panel), __builtin_inff());
        wild = !(shrink > 0.5);
        for (int64_t j = 0; j < count; ++j) {
            double square = 0;
            for (int64_t i = 0; i < d; ++i) {
                const double v = points[size_t(j * d + i)] - center[size_t(i)];
                square += v * v;
                near[size_t((j / panel * d + i) * panel + j % panel)] = float(v);
            }
            wild = wild || !(square < huge);
            bound[size_t(j)] = float(shrink * square);
        }
        chunk = std::max<int64_t>(1, chunk_bytes / (std::max<int64_t>(d, 1) * panel * int64_t(sizeof(float))));
        cost = 0.05 * double(count * d) + 200;
        scratch_per_row = (2 * size_t(d) + 4) * sizeof(double);
    }
};

namespace CELERIS_TARGET {

template <class From, class To>
struct NearestBlock {
    const Nearest &k;
    const Block &b;
    double *square, *own, *x;  // of each row: |x|^2, its part of a bound, its numbers
    float *limit, *shifted;    // what a bound must not exceed, and -2 (x - center)

    NearestBlock(const Nearest &state, const Block &block) : k(state), b(block) {
        square = reinterpret_cast<double *>(b.scratch), own = square + b.rows, x = own + b.rows;
        limit = reinterpret_cast<float *>(x + b.rows * k.d), shifted = limit + b.rows;
    }

    void prepare(int64_t r) {
        double whole = 0, part = 0;
        for (int64_t i = 0; i < k.d; ++i) {
            const double v = double(b.in[0].column<From>(i)[r]), less = v - k.center.data()[i];
            x[r * k.d + i] = v;
            shifted[r * k.d + i] = float(-2 * less);
            whole += v * v, part += less * less;
        }
        square[r] = whole, own[r] = k.shrink * part;
        // Nothing is greater than what is no number: all points are measured then, as the first k are.
        limit[r] = k.wild || !(part < Nearest::huge) ? __builtin_nanf("") : __builtin_inff();
    }

    // As `distances` has it.
    To distance(int64_t r, int64_t j) const {
        const double *p = k.points.data() + j * k.d, *v = x + r * k.d;
        double sum = 0;
        for (int64_t i = 0; i < k.d; ++i) sum += v[i] * (-2 * p[i]);
        const double mine = k.squares.data()[j];
        double result = (sum + mine) + square[r];
        if (!(result >= Nearest::lost * (square[r] + mine))) {
            result = 0;
            for (int64_t i = 0; i < k.d; ++i) result += (v[i] - p[i]) * (v[i] - p[i]);
        }
        const To rounded = To(k.root ? std::sqrt(result) : result);
        return k.root_after ? std::sqrt(rounded) : rounded;
    }

    void measure(int64_t r, int64_t j) {
        const To found = distance(r, j);
        const To *worst = b.out[0].column<To>(k.k - 1) + r;
        if (j >= k.k && !before<false>(found, *worst)) return;
        place<false>(b, r, j, found, j < k.k ? j : k.k - 1);
        if (j < k.k - 1 || !(limit[r] == limit[r])) return;
        const double w = double(*worst), far = (k.root || k.root_after ? w * w : w) * k.slack - own[r];
        limit[r] = float(far + (far < 0 ? -far : far) * 0x1p-22 + 1e-36);
    }

    // Points j to j + the lanes of two vectors, for so many rows.
    template <int rows>
    void meet(int64_t r, int64_t j) {
        constexpr int64_t each = vector_lanes<float>;
        const float *near = k.near.data() + j / Nearest::panel * Nearest::panel * k.d + j % Nearest::panel;
        Vector<float> sum[rows][2];
        for (int q = 0; q < rows; ++q)
            for (int v = 0; v < 2; ++v) sum[q][v] = load(k.bound.data() + j + v * each);
        for (int64_t i = 0; i < k.d; ++i, near += Nearest::panel) {
            const Vector<float> p0 = load(near), p1 = load(near + each);
            for (int q = 0; q < rows; ++q) {
                const Vector<float> mine = splat(shifted[(r + q) * k.d + i]);
                sum[q][0] = estimate(mine, p0, sum[q][0]), sum[q][1] = estimate(mine, p1, sum[q][1]);
            }
        }
        for (int q = 0; q < rows; ++q) {
            const Vector<float> most = splat(limit[r + q]);
            if (all_greater(sum[q][0], sum[q][1], most)) continue;
            alignas(64) float found[2 * each];
            store(found, sum[q][0]), store(found + each, sum[q][1]);
            for (int64_t at = 0; at < 2 * each && j + at < k.count; ++at)
                if (!(found[at] > limit[r + q])) measure(r + q, j + at);
        }
    }

    // a b + c, rounded once or twice: only a bound depends on it.
    static Vector<float> estimate(Vector<float> a, Vector<float> b, Vector<float> c) {
#if defined(__AVX512F__)
        return Vector<float>(_mm512_fmadd_ps(__m512(a), __m512(b), __m512(c)));
#elif defined(__FMA__)
        return Vector<float>(_mm256_fmadd_ps(__m256(a), __m256(b), __m256(c)));
#else
        return a * b + c;
#endif
    }

    static bool all_greater(Vector<float> a, Vector<float> b, Vector<float> most) {
        const auto both = (a > most) & (b > most);
        int64_t words[sizeof both / 8], all = -1;
        std::memcpy(words, &both, sizeof both);
        for (int64_t word : words) all &= word;
        return all == -1;
    }
};

template <class From, class To>
void nearest(const Nearest &k, const Block &b) {
    constexpr int64_t rows = 4, points = 2 * vector_lanes<float>;
    NearestBlock<From, To> block(k, b);
    for (int64_t r = 0; r < b.rows; ++r) block.prepare(r);
    const int64_t step = k.chunk * Nearest::panel;
    for (int64_t first = 0; first < k.count; first += step) {
        const int64_t last = first + step < k.count ? first + step : k.count;
        int64_t r = 0;
        for (; r + rows <= b.rows; r += rows)
            for (int64_t j = first; j < last; j += points) block.template meet<rows>(r, j);
        for (; r < b.rows; ++r)
            for (int64_t j = first; j < last; j += points) block.template meet<1>(r, j);
    }
}

inline void run(const Nearest &k, const Block &b) {
    for_real(k.from, [&](auto *from) {
        for_real(k.to, [&](auto *to) { nearest<pointee<decltype(from)>, pointee<decltype(to)>>(k, b); });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
