// nearest: of constant points [P, D] the k nearest to each row X [D], as `distances` measures and `top_k` orders them.
//
// No table of distances is made. A lower bound of each distance comes from a product in float32, of numbers from which
// the points' mean is taken, for four rows and a segment of points at a time; what k other points' bounds or the k nearest
// so far do not rule out is measured as `distances` does. So the answers, ties and all, are those of the two kernels one
// after the other, and the same on every instruction set.
#pragma once

#include <utility>

#include "engine/vectors.h"
#include "kernels/top_k.h"

namespace celeris {

struct Nearest : KernelState {
    static constexpr int64_t panel = 64;           // points side by side
    static constexpr int64_t tile = 4;             // rows side by side
    static constexpr int64_t tiles = 2;            // that meet a panel of points while it is in the first cache
    static constexpr int64_t group = 8;            // rows whose numbers lie together, a column after the other
    static constexpr int64_t segment_bytes = 128 << 10;  // of points that all rows of a block meet while they are in cache
    static constexpr double lost = 1e-6;           // see Distances
    static constexpr double huge = 1e37;           // squares from which on float32 may overflow: nothing is ruled out
    Type from, to;
    int64_t d, count, k;
    int64_t segment;             // points, whole panels
    bool root, root_after;       // of the distance, or of what it is once rounded
    std::vector<double> points;  // [P, D]
    std::vector<double> squares; // |p|^2
    std::vector<double> center;  // [D]
    std::vector<float> near;     // [panels, D, panel]: the points less the center
    std::vector<float> bound;    // [panels, panel]: their squares, less what rounding may add; infinity beyond P
    double shrink;               // 1 - the greatest error of a bound, relative to the squares it is a sum of
    double slack;                // 1 + that of a distance, with its rounding
    double largest = 0;          // of the points' squares, from the center
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
            largest = square > largest ? square : largest;
            bound[size_t(j)] = float(shrink * square);
        }
        segment = std::max<int64_t>(4, segment_bytes / (std::max<int64_t>(d, 1) * panel * int64_t(sizeof(float)))) * panel;
        segment = std::min(segment, panels * panel);
        cost = 0.03 * double(count * d) + 200;
        scratch_per_row = (2 * size_t(d) + 5) * sizeof(double);
        scratch_fixed = size_t(tiles * tile * segment) * sizeof(float) + group * scratch_per_row;
    }
};

namespace CELERIS_TARGET {

// Bounds of the points of so many vectors, of the row's, or rows', numbers -2 (x - center): (not inlined, nor is what follows, as
// each type of rows would have its own.)
template <int rows, int vectors>
[[gnu::noinline]] void bound_points(const float *near, const float *mine, int64_t d, const float *bound, float *to, int64_t apart) {
    constexpr int64_t each = vector_lanes<float>;
    Vector<float> sum[rows][vectors];
#pragma GCC unroll 4
    for (int q = 0; q < rows; ++q)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) sum[q][v] = load(bound + v * each);  // roundings move bounds only
    for (int64_t i = 0; i < d; ++i, near += Nearest::panel, mine += Nearest::group) {
        Vector<float> point[vectors];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) point[v] = load(near + v * each);
#pragma GCC unroll 4
        for (int q = 0; q < rows; ++q) {
            const Vector<float> one = splat(mine[q]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v) sum[q][v] = multiply_add(one, point[v], sum[q][v]);
        }
    }
#pragma GCC unroll 4
    for (int q = 0; q < rows; ++q)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) store(to + q * apart + v * each, sum[q][v]);
}

// Points that are measured together, as their sums of one product after the other wait for one another: a lane each.
constexpr int64_t measured = 8;

// Lanes and vectors change places.
template <int half = 1, class V, size_t... lane>
[[gnu::always_inline]] inline void exchange(V *v, std::index_sequence<lane...> all) {
    constexpr int n = int(sizeof...(lane));
    if constexpr (half < n) {
        for (int i = 0; i < n; ++i)
            if ((i & half) == 0) {
                const V a = v[i], b = v[i + half];
                v[i] = __builtin_shufflevector(a, b, ((int(lane) & half) != 0 ? n + int(lane) - half : int(lane))...);
                v[i + half] = __builtin_shufflevector(a, b, ((int(lane) & half) != 0 ? n + int(lane) : int(lane) + half)...);
            }
        exchange<2 * half>(v, all);
    }
}

// The products of rows with -2 p of points, a row and a point each.
[[gnu::noinline]] inline void multiply_points(const double *const (&x)[measured], const double *const (&p)[measured], int64_t d,
                                              double (&product)[measured]) {
    constexpr int each = int(vector_lanes<double>), vectors = int(measured) / each;
    Vector<double> sum[vectors] = {};
    const auto add = [&](int64_t i, auto &&read) __attribute__((always_inline)) {
        for (int s = 0; s < vectors; ++s) {
            Vector<double> part[each];
            for (int c = 0; c < each; ++c)
                part[c] = splat(-2.0) * read(x[s * each + c] + i) * read(p[s * each + c] + i);
            exchange(part, std::make_index_sequence<size_t(each)>());
            for (int c = 0; c < each; ++c) sum[s] += part[c];
        }
    };
    int64_t i = 0;
    for (; i + each <= d; i += each) add(i, [](const double *at) { return load(at); });
    if (i < d) add(i, [&](const double *at) { return load_double(at, d - i); });  // zeros change no sum, as none is ever -0
    std::memcpy(product, sum, sizeof sum);
}

template <class From, class To>
struct NearestBlock {
    const Nearest &k;
    const Block &b;
    double *square, *own, *x;  // of each row: |x|^2, its part of a bound, its numbers
    int64_t *count;            // points found so far, up to k
    float *limit, *shifted;    // what a bound must not exceed, and -2 (x - center) [groups, D, group]
    float *bounds;             // [tiles * tile, segment]
    struct Found {
        int64_t row, point;
    };
    Found found[measured];  // that wait to be measured
    int64_t waiting = 0;

    NearestBlock(const Nearest &state, const Block &block) : k(state), b(block) {
        const int64_t rows = (b.rows + Nearest::group - 1) / Nearest::group * Nearest::group;
        square = reinterpret_cast<double *>(b.scratch), own = square + rows, x = own + rows;
        count = reinterpret_cast<int64_t *>(x + rows * k.d);
        bounds = reinterpret_cast<float *>(count + rows);
        limit = bounds + Nearest::tiles * Nearest::tile * k.segment, shifted = limit + rows;
    }

    // Where what is shifted of a row begins, `group` apart.
    const float *shifted_of(int64_t r) const { return shifted + r / Nearest::group * Nearest::group * k.d + r % Nearest::group; }

    void prepare(int64_t r) {
        constexpr int64_t each = vector_lanes<double>, vectors = Nearest::group / each;
        float *less = shifted + r * k.d;
        if (b.rows - r < Nearest::group) {
            for (; r < b.rows; ++r, ++less) {
                double whole = 0, part = 0;
                for (int64_t i = 0; i < k.d; ++i) {
                    const double value = double(b.in[0].column<From>(i)[r]), apart = value - k.center.data()[i];
                    x[r * k.d + i] = value, less[i * Nearest::group] = float(-2 * apart);
                    whole += value * value, part += apart * apart;
                }
                begin(r, whole, part);
            }
            return;
        }
        Vector<double> whole[vectors] = {}, part[vectors] = {};
        for (int64_t i = 0; i < k.d; ++i, less += Nearest::group) {
            const From *const at = b.in[0].column<From>(i) + r;
            for (int64_t v = 0; v < vectors; ++v) {
                const Vector<double> value = load_double(at + v * each), apart = value - splat(k.center.data()[i]);
                for (int64_t q = 0; q < each; ++q) x[(r + v * each + q) * k.d + i] = value[q];
                store_as(less + v * each, splat(-2.0) * apart);
                whole[v] += value * value, part[v] += apart * apart;
            }
        }
        for (int64_t q = 0; q < Nearest::group; ++q) begin(r + q, whole[q / each][q % each], part[q / each][q % each]);
    }

    void begin(int64_t r, double whole, double part) {
        square[r] = whole, own[r] = k.shrink * part, count[r] = 0;
        // Nothing is greater than what is no number: all points are measured then.
        limit[r] = k.wild || !(part < Nearest::huge) ? __builtin_nanf("") : __builtin_inff();
    }

    // Rules out all points whose distance squared is certainly greater than this one as it is computed and rounded.
    void bring_down(int64_t r, double squared) {
        const double most = squared * k.slack - own[r];
        const float up = float(most + (most < 0 ? -most : most) * 0x1p-22 + 1e-36);
        if (up < limit[r]) limit[r] = up;
    }

    // The distance of a point, from its product with -2 x, as `distances` has it.
    To distance(int64_t r, int64_t j, double product) const {
        const double mine = k.squares.data()[j];
        double result = (product + mine) + square[r];
        if (!(result >= Nearest::lost * (square[r] + mine))) {
            const double *p = k.points.data() + j * k.d, *v = x + r * k.d;
            result = 0;
            for (int64_t i = 0; i < k.d; ++i) result += (v[i] - p[i]) * (v[i] - p[i]);
        }
        const To rounded = To(k.root ? std::sqrt(result) : result);
        return k.root_after ? std::sqrt(rounded) : rounded;
    }

    // All that wait, in their order.
    void measure() {
        const double *v[measured], *p[measured];
        double product[measured];
        for (int64_t c = 0; c < measured; ++c) {
            const Found &one = found[c < waiting ? c : 0];
            v[c] = x + one.row * k.d, p[c] = k.points.data() + one.point * k.d;
        }
        multiply_points(v, p, k.d, product);
        for (int64_t c = 0; c < waiting; ++c) take(found[c].row, found[c].point, distance(found[c].row, found[c].point, product[c]));
        waiting = 0;
    }

    void take(int64_t r, int64_t j, To found) {
        const To *worst = b.out[0].column<To>(k.k - 1) + r;
        const bool full = count[r] == k.k;
        if (full && !before<false>(found, *worst)) return;
        place<false>(b, r, j, found, full ? k.k - 1 : count[r]++);
        if (count[r] < k.k) return;
        bring_down(r, k.root || k.root_after ? double(*worst) * double(*worst) : double(*worst));
    }

    // Bounds of `n` points from j on, for so many rows, some at a time.
    template <int some>
    void estimate(int64_t r, int64_t rows, int64_t j, int64_t n) {
        constexpr int64_t each = vector_lanes<float>;
        constexpr int most = vector_bytes == 64 ? 4 : 2;  // four rows' sums fill the registers
        const int64_t points = k.count - j < n ? k.count - j : n;  // the others' bounds are infinite
        const auto bound = [&]<int vectors>(int64_t at) {
            const float *const near = k.near.data() + (j + at) / Nearest::panel * Nearest::panel * k.d + at % Nearest::panel;
            for (int64_t q = 0; q < rows; q += some)
                bound_points<some, vectors>(near, shifted_of(r + q), k.d, k.bound.data() + j + at, bounds + q * k.segment + at, k.segment);
        };
        int64_t at = 0;
        for (; at + (most - 1) * each < points; at += most * each) bound.template operator()<most>(at);
        for (; at < points; at += each) bound.template operator()<1>(at);
        for (; at < n; at += each)
            for (int64_t q = 0; q < rows; ++q) store(bounds + q * k.segment + at, splat(__builtin_inff()));
    }

    static float least_of(Vector<float> v) {
#if defined(__AVX512F__)
        return _mm512_reduce_min_ps(__m512(v));
#else
        float least = v[0];
        for (int64_t i = 1; i < vector_lanes<float>; ++i) least = v[i] < least ? v[i] : least;
        return least;
#endif
    }

    // Of k classes of points each has one within the k-th least of all classes' least bounds, which are off by so much.
    void rule_out(int64_t r, const float *own_bounds, int64_t n) {
        constexpr int64_t each = vector_lanes<float>, vectors = 4, classes = each * vectors;
        if (k.k > classes / 2 || !(limit[r] == limit[r])) return;
        Vector<float> least[vectors];
        for (int64_t v = 0; v < vectors; ++v) least[v] = splat(__builtin_inff());
        int64_t at = 0;
        for (; at + classes <= n; at += classes)
            for (int64_t v = 0; v < vectors; ++v) {
                const Vector<float> some = load(own_bounds + at + v * each);
                least[v] = some < least[v] ? some : least[v];
            }
        float kth = -__builtin_inff();
        for (int64_t i = 0; i < k.k; ++i) {  // equal ones count as one: kth is then greater, which rules out less
            Vector<float> all = least[0];
            for (int64_t v = 1; v < vectors; ++v) all = least[v] < all ? least[v] : all;
            kth = least_of(all);
            for (int64_t v = 0; v < vectors; ++v) least[v] = least[v] == splat(kth) ? splat(__builtin_inff()) : least[v];
        }
        const double off = 2 * (1 - k.shrink) * (own[r] / k.shrink + k.largest);
        if (kth < __builtin_inff()) bring_down(r, double(kth) + own[r] + off);
    }

    void search(int64_t r, const float *own_bounds, int64_t j, int64_t n) {
        constexpr int64_t each = vector_lanes<float>;
        rule_out(r, own_bounds, n);
        for (int64_t at = 0; at < n; at += 2 * each) {
            const Vector<float> most = splat(limit[r]);
            const uint32_t low = lane_bits(load(own_bounds + at) > most), high = lane_bits(load(own_bounds + at + each) > most);
            uint64_t near = ~(uint64_t(high) << each | low) & ((uint64_t(1) << 2 * each) - 1);
            for (; near != 0; near &= near - 1) {
                const int64_t i = at + __builtin_ctzll(near);
                if (j + i >= k.count || own_bounds[i] > limit[r]) continue;
                found[waiting++] = {r, j + i};
                if (waiting == measured) measure();
            }
        }
    }
};

template <class From, class To>
void nearest(const Nearest &k, const Block &b) {
    NearestBlock<From, To> block(k, b);
    for (int64_t r = 0; r < b.rows; r += Nearest::group) block.prepare(r);
    const int64_t total = int64_t(k.bound.size());
    for (int64_t j = 0; j < total; j += k.segment) {
        const int64_t n = total - j < k.segment ? total - j : k.segment;
        for (int64_t r = 0, rows; r < b.rows; r += rows) {
            constexpr int64_t tile = Nearest::tile, all = Nearest::tiles * tile;
            const int64_t left = b.rows - r;
            rows = left >= all ? all : left >= tile ? tile : 1;
            rows == 1 ? block.template estimate<1>(r, 1, j, n) : block.template estimate<int(tile)>(r, rows, j, n);
            for (int64_t q = 0; q < rows; ++q) block.search(r + q, block.bounds + q * k.segment, j, n);
            if (block.waiting > 0) block.measure();
        }
    }
}

inline void run(const Nearest &k, const Block &b) {
    for_real(k.from, [&](auto *from) {
        for_real(k.to, [&](auto *to) { nearest<pointee<decltype(from)>, pointee<decltype(to)>>(k, b); });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
