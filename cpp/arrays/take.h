// take: elements or slices of a tensor, of any element, by indices or by a condition.
#pragma once

#include "arrays/places.h"

namespace celeris::CELERIS_TARGET {

struct Take : TensorState {
    // Gather, GatherElements, GatherND, Compress (of the flattened tensor, or along an axis).
    enum Way { slices, elements, tuples, chosen, chosen_flat } way;
    int64_t axis;  // of tuples: axes in common

    explicit Take(const Params &p) : way(Way(p.integer("way"))), axis(p.integer("axis")) {
        require(way >= slices && way <= chosen_flat, "take: expected a way");
    }

    // Of the data: elements before the axis, on it, and in a slice.
    struct Parts {
        int64_t outer, size, inner;
    };
    Parts parts(const Tensor &x) const {
        if (way == chosen_flat) return {1, x.size(), 1};
        const int at = axis_in(axis, x.rank);
        return {x.span(0, at), x.dims[at], x.span(at + 1, x.rank)};
    }

    bool plan(Call &c, double &cost) const {
        if (c.inputs != 2 || c.outputs != 1 || c.in[0].data == nullptr || c.in[1].data == nullptr) return false;
        const Tensor &x = c.in[0], &by = c.in[1];
        Tensor &y = c.out[0];
        const int at = way == tuples || way == chosen_flat ? 0 : axis_in(axis, x.rank);
        if (at < 0) return false;
        if (way == tuples) {
            Tuples t;
            if (!t.fit(x, by, int(axis)) || !t.within(x, by)) return false;
            const int lead = by.rank - 1, rest = int(axis + t.each);
            if (lead + x.rank - rest > kMostAxes) return false;
            y.shape(x.element, lead + x.rank - rest);
            for (int d = 0; d < y.rank; ++d) y.dims[d] = d < lead ? by.dims[d] : x.dims[rest + d - lead];
        } else if (way == slices) {
            if (!Indices::are(by) || x.rank - 1 + by.rank > kMostAxes) return false;
            if (!Indices(by).within(0, by.size(), 1, x.dims[at])) return false;
            y.shape(x.element, x.rank - 1 + by.rank);
            for (int d = 0; d < y.rank; ++d)
                y.dims[d] = d < at ? x.dims[d] : d < at + by.rank ? by.dims[d - at] : x.dims[d - by.rank + 1];
        } else if (way == elements) {
            if (!reaches(by, x, at)) return false;
            y = by;
            y.element = x.element;
        } else {
            if (by.element != Element::boolean || by.rank != 1) return false;
            int64_t n = 0;
            for (int64_t i = 0, size = parts(x).size; i < by.dims[0] && i < size; ++i) n += by.as<uint8_t>()[i] != 0;
            y = x;
            if (way == chosen_flat) y.rank = 1;
            y.dims[at] = n;
        }
        cost = 20 + 0.5 * double(y.size() + by.size());
        return true;
    }
};

inline void run(const Take &k, const Call &c) {
    const Tensor &x = c.in[0], &by = c.in[1], &y = c.out[0];
    by_size(x.element, [&]<class T>(T *) {
        const T *from = x.as<T>();
        T *to = y.as<T>();
        if (y.size() == 0) return;
        if (k.way == Take::tuples) {
            Tuples t;
            t.fit(x, by, int(k.axis));
            t.each_place(x, by, [&](int64_t tuple, int64_t at) { copy_elements(from + at, to + tuple * t.inner, t.inner); });
            return;
        }
        if (k.way == Take::elements)
            return each_reached(by, x, axis_in(k.axis, x.rank), [&](int64_t i, int64_t at) { to[i] = from[at]; });
        const Take::Parts p = k.parts(x);
        const int64_t count = by.size();
        for (int64_t o = 0; o < p.outer; ++o, from += p.size * p.inner) {
            if (k.way == Take::slices) {
                const Indices index(by);
                for (int64_t i = 0; i < count; ++i, to += p.inner) copy_elements(from + index.at(i, p.size) * p.inner, to, p.inner);
            } else {
                for (int64_t i = 0; i < count && i < p.size; ++i) {
                    if (by.as<uint8_t>()[i] == 0) continue;
                    copy_elements(from + i * p.inner, to, p.inner);
                    to += p.inner;
                }
            }
        }
    });
}

}  // namespace celeris::CELERIS_TARGET
