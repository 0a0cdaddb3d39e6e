// fold: sums, means, extremes along any axes of a tensor of numbers. Sums of float32 are in double, rounded once.
#pragma once

#include "arrays/plain.h"

namespace celeris::CELERIS_TARGET {

struct Fold : TensorState {
    enum Way { sum, mean, greatest, least } way;
    bool keep, none;            // axes of size 1 stay; no axes given mean none, not all
    bool given;                 // axes are a parameter, not an input
    std::vector<int64_t> axes;

    explicit Fold(const Params &p)
        : way(Way(p.integer("way"))), keep(p.integer("keep") != 0), none(p.integer("none") != 0), given(p.has("axes")) {
        require(way >= sum && way <= least, "fold: expected a way");
        if (given) axes = p.integers("axes");
        most = Plain::kMost;
    }
    // over[d]: whether the axis is folded.
    bool fit(const Call &c, bool (&over)[kMostAxes]) const {
        const Tensor &x = c.in[0];
        const bool by_input = !given && c.inputs == 2 && c.in[1].data != nullptr;
        if (c.inputs > 2 || (given && c.inputs != 1) || (by_input && !Indices::are(c.in[1]))) return false;
        const int64_t n = by_input ? c.in[1].size() : given ? int64_t(axes.size()) : 0;
        for (int d = 0; d < x.rank; ++d) over[d] = n == 0 && !none;
        for (int64_t i = 0; i < n; ++i) {
            const int at = axis_in(by_input ? Indices(c.in[1])[i] : axes.data()[i], x.rank);
            if (at < 0 || over[at]) return false;
            over[at] = true;
        }
        return true;
    }

    bool plan(Call &c, double &cost) const {
        const Tensor &x = c.in[0];
        bool over[kMostAxes] = {};
        if (c.outputs != 1 || x.data == nullptr || !Plain::number(x.element) || !fit(c, over)) return false;
        Tensor &y = c.out[0];
        y.shape(x.element, 0);
        int64_t each = 1;
        for (int d = 0; d < x.rank; ++d) {
            if (over[d]) each *= x.dims[d];
            if (!over[d] || keep) y.dims[y.rank++] = over[d] ? 1 : x.dims[d];
        }
        if (each == 0 || (way == mean && !Plain::real(x.element))) return false;
        if ((way == sum || way == mean) && x.element == Element::f64 && each > 2) return false;  // the last bits would be others than NumPy's
        cost = 20 + double(x.size());
        return true;
    }
};

// To `to`: of each element of the result the fold of its own. Little code rather than fast: it is for few elements.
template <class T, class S>
void fold_all(Fold::Way way, const Tensor &x, const bool *over, S *to) {
    int64_t steps[kMostAxes] = {};
    for (int64_t d = x.rank, n = 1; d-- > 0;) {
        if (over[d]) continue;
        steps[d] = n, n *= x.dims[d];
    }
    Walk walk(x.dims, x.rank, steps);
    for (int64_t i = 0, n = x.size(); i < n; ++i, walk.next()) {
        bool first = true;
        for (int d = 0; first && d < x.rank; ++d) first = !over[d] || walk.place(d) == 0;
        S &own = to[walk.offset()];
        const S next = S(x.as<T>()[i]);
        if (first)
            own = next;
        else if (way == Fold::greatest)
            own = own > next || own != own ? own : next;
        else if (way == Fold::least)
            own = own < next || own != own ? own : next;
        else
            own += next;
    }
}

inline void run(const Fold &k, const Call &c) {
    const Tensor &x = c.in[0], &y = c.out[0];
    bool over[kMostAxes] = {};
    k.fit(c, over);
    const int64_t n = y.size(), each = n == 0 ? 0 : x.size() / n;
    by_number(x.element, [&]<class T>(T *) {
        using W = typename Wrapping<T>::type;
        if constexpr (std::is_same_v<T, W>) {
            double sums[Plain::kMost];
            fold_all<T>(k.way, x, over, sums);
            for (int64_t i = 0; i < n; ++i) y.as<T>()[i] = T(k.way == Fold::mean ? sums[i] / double(each) : sums[i]);
        } else if (k.way == Fold::sum) {
            fold_all<W>(k.way, x, over, y.as<W>());
        } else {
            fold_all<T>(k.way, x, over, y.as<T>());
        }
    });
}

}  // namespace celeris::CELERIS_TARGET
