// elementwise: a chain over float32 tensors that are broadcast to one shape, a stretch of elements at a time.
#pragma once

#include "tensor/chain.h"
#include "tensor/tiles.h"

namespace celeris::CELERIS_TARGET {

struct Elementwise : TensorState {
    Chain chain;

    explicit Elementwise(const Params &p) : chain(p) { require(!chain.empty(), "elementwise: expected a chain"); }

    bool plan(Call &c, double &cost) const {
        if (c.inputs != 1 + chain.extras) return false;
        Tensor &y = c.out[0];
        y.shape(Element::f32, 0);
        for (int i = 0; i < c.inputs; ++i) {
            if (c.in[i].element != Element::f32) return false;
            y.rank = int(greater(y.rank, c.in[i].rank));
        }
        for (int d = 0; d < y.rank; ++d) {
            y.dims[d] = 1;
            for (int i = 0; i < c.inputs; ++i) {
                const int own = d - (y.rank - c.in[i].rank);
                const int64_t size = own < 0 ? 1 : c.in[i].dims[own];
                if (size == 1) continue;
                if (y.dims[d] != 1 && y.dims[d] != size) return false;
                y.dims[d] = size;
            }
        }
        cost = double(y.size()) * 0.15 * double(1 + chain.code.size());
        return true;
    }
};

// An input as it is read in the output's order: axes that lie alike are one.
struct Broadcast {
    const float *data;
    bool dense;     // lies as the output does
    bool one;       // a single value
    int64_t inner;  // step along the innermost merged axis: 1 or 0
    int axes;       // outer axes, innermost first
    int64_t run;    // elements of the innermost merged axis
    int64_t dims[kMostAxes], steps[kMostAxes];

    Broadcast(const Tensor &t, const Tensor &y) : data(t.as<float>()), dense(true), one(t.size() == 1), inner(1), axes(0), run(1) {
        int64_t strides[kMostAxes];
        for (int d = 0; d < y.rank; ++d) {
            const int own = d - (y.rank - t.rank);
            strides[d] = own < 0 || t.dims[own] == 1 ? 0 : t.strides[own];
            dense = dense && (strides[d] != 0 || y.dims[d] == 1);
        }
        int d = y.rank - 1;
        for (; d >= 0 && y.dims[d] == 1; --d) {}
        if (d < 0) return;
        inner = strides[d] == 0 ? 0 : 1;
        for (; d >= 0 && (y.dims[d] == 1 || (strides[d] == 0) == (inner == 0)); --d) run *= y.dims[d];
        for (; d >= 0; --d) {
            if (y.dims[d] == 1) continue;
            dims[axes] = y.dims[d], steps[axes++] = strides[d];
        }
    }
    // Elements [first, first + count) of the output's order.
    void gather(int64_t first, int64_t count, float *to) const {
        int64_t outer = first / run, at = first % run;
        while (count > 0) {
            int64_t place = 0, rest = outer;
            for (int i = 0; i < axes; ++i) place += rest % dims[i] * steps[i], rest /= dims[i];
            const int64_t n = run - at < count ? run - at : count;
            const float *from = data + place + at * inner;
            if (inner == 0) {
                const float value = *from;
                for (int64_t j = 0; j < n; ++j) to[j] = value;
            } else {
                std::memcpy(to, from, size_t(n) * sizeof(float));
            }
            to += n, count -= n, at = 0, ++outer;
        }
    }
};

inline void run(const Elementwise &e, const Call &c) {
    constexpr int64_t stretch = 1024;
    const int64_t size = c.out[0].size(), buffers = 1 + e.chain.buffers();
    const int64_t units = c.threads > 1 ? smaller(4 * c.threads, panels_of(size, stretch)) : 1;
    const int64_t each = panels_of(panels_of(size, units), stretch) * stretch;
    spread(units, c.threads, [&](int64_t unit) {
        float *const room = reinterpret_cast<float *>(scratch(size_t(buffers * stretch) * sizeof(float)));
        const int64_t stop = smaller(size, (unit + 1) * each);
        for (int64_t first = unit * each; first < stop; first += stretch) {
            const int64_t count = smaller(stretch, stop - first), wide = (count + 15) / 16 * 16;
            float *operands[Chain::kMostBuffers];
            for (int64_t i = 0; i < buffers; ++i) operands[i] = room + i * stretch;
            for (int i = 0; i < c.inputs; ++i) {
                const Broadcast from(c.in[i], c.out[0]);
                if (from.dense && count == stretch)
                    operands[i] = const_cast<float *>(from.data) + first;  // chains write to their own buffers only
                else if (!from.one || first == unit * each)
                    from.gather(first, count == stretch || !from.one ? count : wide, operands[i]);
            }
            float *const out = c.out[0].as<float>() + first;
            if (count == stretch) {
                run_chain(e.chain, operands, stretch, out);
            } else {
                run_chain(e.chain, operands, wide, operands[buffers - 1]);
                std::memcpy(out, operands[buffers - 1], size_t(count) * sizeof(float));
            }
        }
    });
}

}  // namespace celeris::CELERIS_TARGET
