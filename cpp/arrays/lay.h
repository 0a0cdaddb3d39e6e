// lay: the elements of a tensor in another shape or order, or some of them: what NumPy would give a view of.
#pragma once

#include "arrays/places.h"

namespace celeris::CELERIS_TARGET {

struct Lay : TensorState {
    enum Way { reshape, flatten, squeeze, unsqueeze, expand, transpose, slice } way;
    bool zeros;                 // a size 0 of a new shape is meant
    bool given;                 // axes are a parameter: a permutation, or those of size 1
    std::vector<int64_t> axes;

    explicit Lay(const Params &p) : way(Way(p.integer("way"))), zeros(p.integer("zeros") != 0), given(p.has("axes")) {
        require(way >= reshape && way <= slice, "lay: expected a way");
        if (given) axes = p.integers("axes");
        most = 1 << 12;  // of more a view is less than a copy
    }

    // Where the result's elements lie in x: from `start` on, so far apart along each axis; 0 steps: in their order.
    struct Source {
        int64_t start = 0, steps[kMostAxes] = {};
        bool ordered = false;
    };
    bool fit(const Call &c, Tensor &y, Source &from) const {
        const Tensor &x = c.in[0];
        if (x.data == nullptr || c.outputs != 1 || (c.inputs > 1 && !Indices::are(c.in[1]))) return false;
        y.shape(x.element, 0);
        const Steps own(x);
        from.ordered = way <= unsqueeze;
        switch (way) {
            case reshape: return c.inputs == 2 && reshaped(x, c.in[1], y);
            case flatten: {
                const int64_t at = given && axes.data()[0] < 0 ? axes.data()[0] + x.rank : axes.data()[0];
                if (at < 0 || at > x.rank) return false;
                y.rank = 2, y.dims[0] = x.span(0, int(at)), y.dims[1] = x.span(int(at), x.rank);
                return true;
            }
            case squeeze: {
                bool gone[kMostAxes] = {};
                const int64_t n = count(c);
                if (!marked(c, x.rank, gone)) return false;
                for (int d = 0; d < x.rank; ++d) {
                    if (n < 0 ? x.dims[d] == 1 : gone[d]) {
                        if (x.dims[d] != 1) return false;
                    } else {
                        y.dims[y.rank++] = x.dims[d];
                    }
                }
                return true;
            }
            case unsqueeze: {
                bool fresh[kMostAxes] = {};
                const int64_t n = count(c);
                if (n < 0 || x.rank + n > kMostAxes || !marked(c, x.rank + int(n), fresh)) return false;
                for (int d = 0; y.rank < x.rank + n; ++y.rank) y.dims[y.rank] = fresh[y.rank] ? 1 : x.dims[d++];
                return true;
            }
            case expand: {
                if (c.inputs != 2 || c.in[1].rank != 1 || c.in[1].dims[0] > kMostAxes) return false;
                const Indices sizes(c.in[1]);
                const int n = int(c.in[1].dims[0]);
                y.rank = n > x.rank ? n : x.rank;
                for (int d = 0; d < y.rank; ++d) {
                    const int at = d - (y.rank - x.rank), to = d - (y.rank - n);
                    const int64_t size = at < 0 ? 1 : x.dims[at], wanted = to < 0 ? 1 : sizes[to];
                    if (wanted < 0 || (size != 1 && wanted != 1 && size != wanted)) return false;
                    y.dims[d] = size == 1 ? wanted : size;
                    if (size != 1) from.steps[d] = own.of[at];
                }
                return true;
            }
            case transpose: {
                if (c.inputs != 1 || (given && int64_t(axes.size()) != x.rank)) return false;
                bool seen[kMostAxes] = {};
                for (y.rank = 0; y.rank < x.rank; ++y.rank) {
                    const int64_t at = given ? axes.data()[y.rank] : x.rank - 1 - y.rank;
                    if (at < 0 || at >= x.rank || seen[at]) return false;
                    seen[at] = true, y.dims[y.rank] = x.dims[at], from.steps[y.rank] = own.of[at];
                }
                return true;
            }
            case slice: return sliced(c, own, y, from);
        }
        return false;
    }
    bool plan(Call &c, double &cost) const {
        Source from;
        if (!fit(c, c.out[0], from) || !modest(c.out[0]) || c.out[0].size() > 16 * most) return false;  // of what is expanded
        cost = 20 + double(c.out[0].size());
        return true;
    }

private:
    // Axes that are given, as a parameter or an input; -1: none are.
    int64_t count(const Call &c) const {
        return given ? int64_t(axes.size()) : c.inputs > 1 && c.in[1].data != nullptr ? c.in[1].size() : -1;
    }
    bool marked(const Call &c, int rank, bool (&marks)[kMostAxes]) const {
        for (int64_t i = 0, n = count(c); i < n; ++i) {
            const int at = axis_in(given ? axes.data()[i] : Indices(c.in[1])[i], rank);
            if (at < 0 || marks[at]) return false;
            marks[at] = true;
        }
        return true;
    }
    bool reshaped(const Tensor &x, const Tensor &shape, Tensor &y) const {
        if (shape.size() > kMostAxes) return false;
        const Indices wanted(shape);
        int rest = -1;
        double known = 1;
        for (y.rank = 0; y.rank < shape.size(); ++y.rank) {
            int64_t size = wanted[y.rank];
            if (size == 0 && !zeros && y.rank < x.rank) size = x.dims[y.rank];
            if (size < -1 || (size == -1 && rest >= 0)) return false;
            if (size == -1)
                rest = y.rank;
            else
                known *= double(size);
            y.dims[y.rank] = size;
        }
        if (rest >= 0) {
            if (known == 0 || known > double(x.size()) || double(x.size() / int64_t(known)) * known != double(x.size())) return false;
            y.dims[rest] = x.size() / int64_t(known);
            return true;
        }
        return known == double(x.size());
    }
    // starts, ends, and where they are given axes and steps.
    static bool sliced(const Call &c, const Steps &own, Tensor &y, Source &from) {
        const Tensor &x = c.in[0];
        if (c.inputs < 3) return false;
        const int64_t n = c.in[1].size();
        for (int i = 1; i < c.inputs; ++i)
            if ((i < 3 || c.in[i].data != nullptr) && (!Indices::are(c.in[i]) || c.in[i].size() != n)) return false;
        y.rank = x.rank;
        bool seen[kMostAxes] = {};
        for (int d = 0; d < x.rank; ++d) y.dims[d] = x.dims[d], from.steps[d] = own.of[d];
        for (int64_t i = 0; i < n; ++i) {
            const int at = axis_in(c.inputs > 3 && c.in[3].data != nullptr ? Indices(c.in[3])[i] : i, x.rank);
            const int64_t step = c.inputs > 4 && c.in[4].data != nullptr ? Indices(c.in[4])[i] : 1, far = int64_t(1) << 40;
            if (at < 0 || seen[at] || step == 0 || step > far || step < -far) return false;
            seen[at] = true;
            const int64_t size = x.dims[at], low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
            const auto place = [&](int64_t given) {
                const int64_t counted = given < 0 ? given + size : given;
                return counted < low ? low : counted > high ? high : counted;
            };
            const int64_t first = place(Indices(c.in[1])[i]), end = place(Indices(c.in[2])[i]);
            y.dims[at] = step > 0 ? (end > first ? (end - first - 1) / step + 1 : 0) : first > end ? (first - end - 1) / -step + 1 : 0;
            if (y.dims[at] > 0) from.start += first * own.of[at];
            from.steps[at] = step * own.of[at];
        }
        return true;
    }
};

inline void run(const Lay &k, const Call &c) {
    Tensor shaped;
    Lay::Source from;
    k.fit(c, shaped, from);
    const Tensor &x = c.in[0], &y = c.out[0];
    const int64_t n = y.size();
    if (n == 0) return;
    by_size(x.element, [&]<class T>(T *) {
        if (from.ordered) return void(std::memcpy(y.data, x.data, size_t(n) * sizeof(T)));
        const T *own = x.as<T>() + from.start;
        Walk walk(y.dims, y.rank, from.steps);
        for (int64_t i = 0; i < n; ++i, walk.next()) y.as<T>()[i] = own[walk.offset()];
    });
}

}  // namespace celeris::CELERIS_TARGET
