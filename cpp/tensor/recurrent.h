// recurrent: LSTM (gates i, o, f, c) or GRU (z, r, h) with the standard's usual functions, constant weights, all
// sequences of one length. X [T,B,I], h and c [D,B,H] -> Y [T,D,B,H], Y_h, Y_c [D,B,H].
//
// What the inputs give to the gates is one product for all steps; a step adds what the state gives. Each gate's columns
// are padded to whole vectors, so that the functions run without remainders.
#pragma once

#include "tensor/tiles.h"
#include "tensor/tensor.h"

namespace celeris::CELERIS_TARGET {

struct Recurrent : TensorState {
    int64_t gates, hidden, inputs, directions;
    bool reset_after;  // GRU: linear_before_reset
    bool backward;     // the first direction
    int64_t wide;      // columns of a gate, with padding: a multiple of 16
    struct Direction {
        std::vector<float> w, r;        // panels of [I, gates * wide] and [H, gates * wide]
        std::vector<float> bias, late;  // [gates * wide]; of the recurrent part of a GRU's h where it is not summed early
    };
    std::vector<Direction> ways;

    explicit Recurrent(const Params &p) {
        gates = p.integer("gates"), hidden = p.integer("hidden"), inputs = p.integer("inputs");
        directions = p.integer("directions");
        reset_after = p.integer("reset_after") != 0, backward = p.integer("backward") != 0;
        require((gates == 3 || gates == 4) && hidden > 0 && inputs > 0, "recurrent: expected sizes above 0");
        wide = (hidden + 15) / 16 * 16;
        const std::span<const float> w = p.view<float>("w"), r = p.view<float>("r");
        const std::vector<float> b = p.floats("bias");
        const int64_t rows = gates * hidden;
        require(int64_t(w.size()) == directions * rows * inputs && int64_t(r.size()) == directions * rows * hidden &&
                    int64_t(b.size()) == directions * 2 * rows,
                "recurrent: expected W [D, G*H, I], R [D, G*H, H], B [D, 2*G*H]");
        for (int64_t d = 0; d < directions; ++d) {
            Direction way;
            way.w = panels(w.data() + d * rows * inputs, inputs), way.r = panels(r.data() + d * rows * hidden, hidden);
            way.bias.resize(size_t(padded())), way.late.resize(size_t(padded()));
            for (int64_t g = 0; g < gates; ++g)
                for (int64_t j = 0; j < hidden; ++j) {
                    const float early = b.data()[d * 2 * rows + g * hidden + j];
                    const float late = b.data()[d * 2 * rows + rows + g * hidden + j];
                    const bool apart = gates == 3 && g == 2;
                    way.bias[size_t(g * wide + j)] = apart ? early : early + late;
                    way.late[size_t(g * wide + j)] = apart ? late : 0;
                }
            ways.push_back(std::move(way));
        }
    }
    int64_t columns() const { return gates * wide; }
    int64_t padded() const { return panels_of(columns(), kTileColumns) * kTileColumns; }

    // Rows [G*H, K] of weights as panels of columns, each gate's padded.
    std::vector<float> panels(const float *from, int64_t k) const {
        std::vector<float> to(size_t(padded() * k));
        for (int64_t g = 0; g < gates; ++g)
            for (int64_t j = 0; j < hidden; ++j) {
                const int64_t column = g * wide + j;
                float *panel = to.data() + column / kTileColumns * kTileColumns * k + column % kTileColumns;
                for (int64_t i = 0; i < k; ++i) panel[i * kTileColumns] = from[(g * hidden + j) * k + i];
            }
        return to;
    }

    bool plan(Call &c, double &cost) const {
        const Tensor &x = c.in[0];
        if (x.element != Element::f32 || x.rank != 3 || x.dims[2] != inputs) return false;
        for (int i = 1; i < c.inputs; ++i) {
            const Tensor &s = c.in[i];
            if (s.data == nullptr) continue;
            if (s.element != Element::f32 || s.rank != 3 || s.dims[0] != directions || s.dims[1] != x.dims[1] ||
                s.dims[2] != hidden)
                return false;
        }
        for (int i = 0; i < c.outputs; ++i) {
            Tensor &y = c.out[i];
            y.shape(Element::f32, i == 0 ? 4 : 3);
            const int64_t dims[4] = {x.dims[0], directions, x.dims[1], hidden};
            for (int d = 0; d < y.rank; ++d) y.dims[d] = dims[d + 4 - y.rank];
        }
        cost = double(x.dims[0] * x.dims[1] * directions) * (0.03 * double(gates * hidden * (inputs + hidden)) + 500);
        return true;
    }
};

// rows x [k panels of columns] -> out [rows, padded], added to what is there or not. `left` are packed rows.
inline void multiply_all(const float *left, int64_t rows, const float *right, int64_t k, int64_t padded, float *out, bool add) {
    float tile[kTile];
    for (int64_t column = 0; column < padded; column += kTileColumns)
        for (int64_t first = 0; first < rows; first += kTileRows) {
            const int64_t some = smaller(rows - first, kTileRows);
            multiply_float_tile(left + first * k, some, right + column * k, kTileColumns, k, tile);
            for (int64_t r = 0; r < some; ++r) {
                float *to = out + (first + r) * padded + column;
                for (int64_t j = 0; j < kTileColumns; j += kLanes) {
                    const Floats v = load(tile + r * kTileColumns + j);
                    store(to + j, add ? load(to + j) + v : v);
                }
            }
        }
}

// One sequence's step: h and c are the state, [wide].
inline void lstm_gates(const float *gate, int64_t wide, float *h, float *c) {
    for (int64_t j = 0; j < wide; j += kLanes) {
        const Floats i = sigmoid_of(load(gate + j)), o = sigmoid_of(load(gate + wide + j));
        const Floats f = sigmoid_of(load(gate + 2 * wide + j)), g = tanh_of(load(gate + 3 * wide + j));
        const Floats memory = f * load(c + j) + i * g;
        store(c + j, memory);
        store(h + j, o * tanh_of(memory));
    }
}

// Of `gate`, z and r are complete; `recurrent` is what the state gives to h, with its bias.
inline void gru_after(const float *gate, const float *recurrent, int64_t wide, float *h) {
    for (int64_t j = 0; j < wide; j += kLanes) {
        const Floats z = sigmoid_of(load(gate + j)), r = sigmoid_of(load(gate + wide + j));
        const Floats n = tanh_of(load(gate + 2 * wide + j) + r * load(recurrent + j));
        store(h + j, n + z * (load(h + j) - n));
    }
}

// One direction of a layer.
struct Layer {
    const Recurrent &s;
    const Recurrent::Direction &way;
    const Call &call;
    int64_t d, steps, batch;
    float *x_gates;    // [T * B, padded]
    float *gates;      // [B, padded]: what the state gives
    float *h, *c;      // [B, wide]
    float *packed, *reset;  // panels of h; r * h

    void start() const {
        for (int64_t b = 0; b < batch; ++b)
            for (int which = 0; which < 2; ++which) {
                float *to = (which == 0 ? h : c) + b * s.wide;
                const bool given = call.inputs > 1 + which && call.in[1 + which].data != nullptr;
                const float *from = given ? call.in[1 + which].as<float>() + (d * batch + b) * s.hidden : nullptr;
                for (int64_t j = 0; j < s.wide; ++j) to[j] = given && j < s.hidden ? from[j] : 0;
            }
    }
    void step(int64_t t) const {
        const int64_t padded = s.padded(), wide = s.wide;
        float *now = x_gates + t * batch * padded;
        pack_rows(h, wide, 1, batch, s.hidden, packed);
        multiply_all(packed, batch, way.r.data(), s.hidden, padded, gates, false);
        for (int64_t b = 0; b < batch; ++b) {
            float *gate = now + b * padded;
            float *state = gates + b * padded;
            const int64_t early = s.gates == 4 ? 4 * wide : 2 * wide;
            for (int64_t j = 0; j < early; j += kLanes) store(gate + j, load(gate + j) + load(state + j));
            if (s.gates == 4) lstm_gates(gate, wide, h + b * wide, c + b * wide);
        }
        if (s.gates == 3) gru(now);
        for (int64_t b = 0; b < batch; ++b)
            std::memcpy(call.out[0].as<float>() + ((t * s.directions + d) * batch + b) * s.hidden, h + b * wide,
                        size_t(s.hidden) * sizeof(float));
    }
    void finish() const {
        for (int which = 0; which + 1 < call.outputs; ++which)
            for (int64_t b = 0; b < batch; ++b)
                std::memcpy(call.out[1 + which].as<float>() + (d * batch + b) * s.hidden,
                            (which == 0 ? h : c) + b * s.wide, size_t(s.hidden) * sizeof(float));
    }

private:
    void gru(float *now) const {
        const int64_t padded = s.padded(), wide = s.wide;
        if (!s.reset_after) {  // the state is reset before it is multiplied
            for (int64_t b = 0; b < batch; ++b)
                for (int64_t j = 0; j < wide; j += kLanes)
                    store(reset + b * wide + j, sigmoid_of(load(now + b * padded + wide + j)) * load(h + b * wide + j));
            pack_rows(reset, wide, 1, batch, s.hidden, packed);
            multiply_all(packed, batch, way.r.data(), s.hidden, padded, gates, false);
        }
        const Floats endless = splat(1e30f);
        for (int64_t b = 0; b < batch; ++b) {
            float *gate = now + b * padded, *recurrent = gates + b * padded + 2 * wide;
            for (int64_t j = 0; j < wide; j += kLanes) {
                store(recurrent + j, load(recurrent + j) + load(way.late.data() + 2 * wide + j));
                if (!s.reset_after) store(gate + wide + j, endless);  // a gate that is open: r = 1
            }
            gru_after(gate, recurrent, wide, h + b * wide);
        }
    }
};

inline void run(const Recurrent &s, const Call &c) {
    const Tensor &x = c.in[0];
    const int64_t steps = x.dims[0], batch = x.dims[1], rows = steps * batch, padded = s.padded();
    const int64_t panels = panels_of(batch, kTileRows) * kTileRows;
    const int64_t each = (rows + batch) * padded + batch * 3 * s.wide + panels * s.hidden;
    const Memory memory(size_t(s.directions * each) * sizeof(float));
    // All inputs' part of the gates, some rows at a time.
    constexpr int64_t some = 32;
    const int64_t blocks = panels_of(rows, some);
    spread(s.directions * blocks, c.threads, [&](int64_t unit) {
        const int64_t d = unit / blocks, first = unit % blocks * some, count = smaller(rows - first, some);
        const Recurrent::Direction &way = s.ways.data()[d];
        float *const packed = reinterpret_cast<float *>(scratch(size_t(some * s.inputs) * sizeof(float)));
        float *const to = memory.as<float>() + d * each + first * padded;
        for (int64_t r = 0; r < count; ++r) std::memcpy(to + r * padded, way.bias.data(), size_t(padded) * sizeof(float));
        pack_rows(x.as<float>() + first * s.inputs, s.inputs, 1, count, s.inputs, packed);
        multiply_all(packed, count, way.w.data(), s.inputs, padded, to, true);
    });
    spread(s.directions, c.threads, [&](int64_t d) {
        float *const x_gates = memory.as<float>() + d * each, *const gates = x_gates + rows * padded;
        float *const h = gates + batch * padded;
        const Layer layer{s, s.ways.data()[d], c, d, steps, batch, x_gates, gates, h, h + batch * s.wide,
                          h + 3 * batch * s.wide, h + 2 * batch * s.wide};
        layer.start();
        const bool backward = s.backward || d == 1;
        for (int64_t t = 0; t < steps; ++t) layer.step(backward ? steps - 1 - t : t);
        layer.finish();
    });
}

}  // namespace celeris::CELERIS_TARGET
