// made: tensors of sizes and of few numbers: a shape, a size, a range, one value again and again.
#pragma once

#include "arrays/places.h"

namespace celeris::CELERIS_TARGET {

struct Made : TensorState {
    enum Way { shape, size, range, constant } way;  // Shape, Size, Range, ConstantOfShape
    int64_t start, end;                             // of a shape's axes, as slices count them
    Element element;
    uint64_t value;                                 // of the constant, its bytes

    explicit Made(const Params &p) : way(Way(p.integer("way"))), start(p.integer("start")), end(p.integer("end")) {
        require(way >= shape && way <= constant, "made: expected a way");
        element = Element(p.integer("element")), value = uint64_t(p.integer("value"));
        require(element <= Element::other, "made: expected an element");
        strided = way == shape || way == size;
    }

    bool plan(Call &c, double &cost) const {
        const Tensor &x = c.in[0];
        Tensor &y = c.out[0];
        if (c.inputs != (way == range ? 3 : 1) || c.outputs != 1 || x.data == nullptr) return false;
        if (way == shape) {
            int64_t first, last;
            axes(x.rank, first, last);
            y.shape(Element::i64, 1);
            y.dims[0] = last - first;
        } else if (way == size) {
            y.shape(Element::i64, 0);
        } else if (way == range) {
            for (int i = 0; i < 3; ++i)
                if (c.in[i].data == nullptr || c.in[i].element != x.element || c.in[i].size() != 1) return false;
            y.shape(x.element, 1);
            y.dims[0] = Indices::are(x) ? steps(c) : -1;
            if (y.dims[0] < 0) return false;
        } else {
            if (x.element != Element::i64 || x.rank != 1 || x.dims[0] > kMostAxes) return false;
            y.shape(element, int(x.dims[0]));
            for (int d = 0; d < y.rank; ++d) {
                y.dims[d] = x.as<int64_t>()[d];
                if (y.dims[d] < 0) return false;
            }
        }
        if (!modest(y)) return false;
        cost = 20 + 0.3 * double(y.size());
        return true;
    }
    void axes(int rank, int64_t &first, int64_t &last) const {
        const auto within = [rank](int64_t at) { return at < 0 ? (at + rank < 0 ? 0 : at + rank) : at > rank ? rank : at; };
        first = within(start), last = within(end);
        if (last < first) last = first;
    }

private:
    // How many steps there are; -1 where one of the three is no modest number, or the step 0.
    static int64_t steps(const Call &c) {
        const int64_t from = Indices(c.in[0])[0], to = Indices(c.in[1])[0], by = Indices(c.in[2])[0], far = int64_t(1) << 31;
        if (by == 0 || from > far || from < -far || to > far || to < -far || by > far || by < -far) return -1;
        const int64_t span = by > 0 ? to - from : from - to, step = by > 0 ? by : -by;
        return span <= 0 ? 0 : (span + step - 1) / step;
    }
};

inline void run(const Made &k, const Call &c) {
    const Tensor &x = c.in[0], &y = c.out[0];
    if (k.way == Made::shape) {
        int64_t first, last;
        k.axes(x.rank, first, last);
        for (int64_t d = first; d < last; ++d) y.as<int64_t>()[d - first] = x.dims[d];
    } else if (k.way == Made::size) {
        *y.as<int64_t>() = x.size();
    } else if (k.way == Made::range) {
        const int64_t from = Indices(x)[0], by = Indices(c.in[2])[0];
        by_number(x.element, [&]<class T>(T *) {
            for (int64_t i = 0; i < y.dims[0]; ++i) y.as<T>()[i] = T(from + i * by);
        });
    } else {
        by_size(k.element, [&]<class T>(T *) {
            for (int64_t i = 0, n = y.size(); i < n; ++i) y.as<T>()[i] = T(k.value);
        });
    }
}

}  // namespace celeris::CELERIS_TARGET
