// find: where a tensor's elements are other than 0, [rank, n] i64; or the K greatest or least along an axis, and where they
// are, i64, of equals the first; NaN is greater than all numbers.
#pragma once

#include "arrays/places.h"

namespace celeris::CELERIS_TARGET {

struct Find : TensorState {
    enum Way { others, greatest, least } way;  // NonZero, TopK
    int64_t axis;

    explicit Find(const Params &p) : way(Way(p.integer("way"))), axis(p.integer("axis")) {
        require(way >= others && way <= least, "find: expected a way");
        if (way == others) most = 1 << 16;  // of more, NumPy looks at several at once
    }
    static constexpr int64_t kFew = 32;  // above so many of more, to sort is faster than to insert

    bool plan(Call &c, double &cost) const {
        const Tensor &x = c.in[0];
        if (c.inputs != (way == others ? 1 : 2) || x.data == nullptr || x.rank == 0) return false;
        cost = 20 + double(x.size());
        if (way == others) {
            int64_t n = 0;
            by_type(x.element, [&]<class T>(T *) {
                for (int64_t i = 0, size = x.size(); i < size; ++i) n += x.as<T>()[i] != 0;
            });
            c.out[0].shape(Element::i64, 2);
            c.out[0].dims[0] = x.rank, c.out[0].dims[1] = n;
            return c.outputs == 1;
        }
        const int at = axis_in(axis, x.rank);
        if (at < 0 || c.outputs != 2 || !Indices::are(c.in[1]) || c.in[1].size() != 1) return false;
        const int64_t k = Indices(c.in[1])[0], size = x.dims[at];
        if (k < 0 || k > size || (k > kFew && size > 2 * kFew)) return false;
        c.out[0] = x;
        c.out[0].dims[at] = k;
        c.out[1] = c.out[0];
        c.out[1].element = Element::i64;
        cost += 5 * double(c.out[0].size());
        return true;
    }
};

// Whether a comes before b.
template <class T>
CELERIS_INLINE bool comes_before(bool greatest, T a, T b) {
    return greatest ? (a > b) | ((a != a) & (b == b)) : (a < b) | ((b != b) & (a == a));
}

inline void run(const Find &k, const Call &c) {
    const Tensor &x = c.in[0];
    int64_t *const places = c.out[k.way == Find::others ? 0 : 1].as<int64_t>();
    by_type(x.element, [&]<class T>(T *) {
        const T *from = x.as<T>();
        if (k.way == Find::others) {
            const int64_t count = c.out[0].dims[1], none[kMostAxes] = {};
            Walk walk(x.dims, x.rank, none);
            for (int64_t i = 0, n = 0, size = x.size(); i < size; ++i, walk.next()) {
                if (from[i] == 0) continue;
                for (int d = 0; d < x.rank; ++d) places[d * count + n] = walk.place(d);
                ++n;
            }
            return;
        }
        const int at = axis_in(k.axis, x.rank);
        const int64_t inner = x.span(at + 1, x.rank), size = x.dims[at], most = c.out[0].dims[at], outer = x.span(0, at);
        if (most == 0) return;
        T *values = c.out[0].as<T>();
        for (int64_t row = 0; row < outer * inner; ++row) {
            const T *own = from + row / inner * size * inner + row % inner;
            T *const best = values + row / inner * most * inner + row % inner;
            int64_t *const where = places + row / inner * most * inner + row % inner;
            for (int64_t i = 0, count = 0; i < size; ++i, own += inner) {
                if (count == most && !comes_before(k.way == Find::greatest, *own, best[(count - 1) * inner])) continue;
                int64_t to = count == most ? count - 1 : count;
                for (; to > 0 && comes_before(k.way == Find::greatest, *own, best[(to - 1) * inner]); --to)
                    best[to * inner] = best[(to - 1) * inner], where[to * inner] = where[(to - 1) * inner];
                best[to * inner] = *own, where[to * inner] = i;
                count += count < most;
            }
        }
    });
}

}  // namespace celeris::CELERIS_TARGET
