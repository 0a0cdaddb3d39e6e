// put: a tensor of any element with others in some of its places; of several for one place the last.
#pragma once

#include "arrays/places.h"

namespace celeris::CELERIS_TARGET {

struct Put : TensorState {
    enum Way { elements, tuples } way;  // ScatterElements, ScatterND
    int64_t axis;

    explicit Put(const Params &p) : way(Way(p.integer("way"))), axis(p.integer("axis")) {
        require(way == elements || way == tuples, "put: expected a way");
    }

    bool plan(Call &c, double &cost) const {
        if (c.inputs != 3 || c.outputs != 1) return false;
        const Tensor &x = c.in[0], &by = c.in[1], &updates = c.in[2];
        if (x.data == nullptr || updates.data == nullptr || updates.element != x.element) return false;
        if (way == elements) {
            if (!reaches(by, x, axis_in(axis, x.rank)) || !updates.same_dims(by)) return false;
        } else {
            Tuples t;
            if (!t.fit(x, by, 0) || !t.within(x, by)) return false;
            const int lead = by.rank - 1, rest = int(t.each);
            bool fits = updates.rank == lead + x.rank - rest;
            for (int d = 0; fits && d < updates.rank; ++d)
                fits = updates.dims[d] == (d < lead ? by.dims[d] : x.dims[rest + d - lead]);
            if (!fits) return false;
        }
        c.out[0] = x;
        cost = 20 + 0.3 * double(x.size()) + double(updates.size());
        return true;
    }
};

inline void run(const Put &k, const Call &c) {
    const Tensor &x = c.in[0], &by = c.in[1], &updates = c.in[2];
    by_size(x.element, [&]<class T>(T *) {
        const T *from = updates.as<T>();
        T *to = c.out[0].as<T>();
        std::memcpy(to, x.data, size_t(x.size()) * sizeof(T));
        if (updates.size() == 0) return;
        if (k.way == Put::tuples) {
            Tuples t;
            t.fit(x, by, 0);
            t.each_place(x, by, [&](int64_t tuple, int64_t at) { copy_elements(from + tuple * t.inner, to + at, t.inner); });
            return;
        }
        each_reached(by, x, axis_in(k.axis, x.rank), [&](int64_t i, int64_t at) { to[at] = from[i]; });
    });
}

}  // namespace celeris::CELERIS_TARGET
