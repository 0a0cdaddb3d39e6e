// conv_integer: the convolution of x - x_zero (8 bits) with constant w - w_zero, exact in 32 bits; given as it is, or as
// float32 with a chain behind it, or scaled and rounded to 8 bits (QLinearConv; the scale is applied in float32).
#pragma once

#include "tensor/conv.h"
#include "tensor/pairs.h"

namespace celeris::CELERIS_TARGET {

struct ConvInteger : TensorState {
    Window window;
    Chain chain;
    enum Gives { integers, floats, bytes } gives;
    int64_t group, outputs, channels, pairs;  // pairs: of the depth
    std::vector<int32_t> weights;             // [group, panels, pairs, 8], two numbers each
    std::vector<int32_t> bias;                // [M]
    std::vector<float> factor;                // [M], of `bytes`
    int32_t x_zero, y_zero;                   // x_zero: where no input says it
    bool signed_result;

    explicit ConvInteger(const Params &p) : window(p), chain(p) {
        gives = Gives(p.integer("gives"));
        group = p.integer("group"), outputs = p.integer("outputs"), channels = p.integer("channels");
        x_zero = int32_t(p.integer("x_zero")), y_zero = int32_t(p.integer("y_zero"));
        signed_result = p.integer("signed_result") != 0;
        const std::span<const int32_t> given = p.view<int32_t>("weights");
        bias = p.integers32("bias"), factor = p.floats("factor");
        const int64_t k = channels * window.kernel[0] * window.kernel[1], each = outputs / group;
        const int64_t panels = panels_of(each, kTileRows);
        require(group > 0 && outputs % group == 0 && int64_t(given.size()) == outputs * k &&
                    int64_t(bias.size()) == outputs && int64_t(factor.size()) == outputs,
                "conv_integer: expected weights [M, C / group, h, w], bias and factor [M]");
        pairs = (k + 1) / 2;
        weights.resize(size_t(group * panels * pairs * kTileRows));
        for (int64_t m = 0; m < outputs; ++m) {
            const int64_t panel = m / each * panels + m % each / kTileRows;
            int32_t *to = weights.data() + panel * pairs * kTileRows + m % each % kTileRows;
            for (int64_t i = 0; i < k; ++i) {
                const uint32_t half = uint32_t(given[size_t(m * k + i)]) & 0xffff;
                to[i / 2 * kTileRows] = int32_t(uint32_t(to[i / 2 * kTileRows]) | (i % 2 == 0 ? half : half << 16));
            }
        }
    }

    bool plan(Call &c, double &cost) const {
        const Tensor &x = c.in[0];
        int64_t dims[5]{};
        Frame f;
        if ((x.element != Element::u8 && x.element != Element::i8) || !Conv::image(window, x, dims) || dims[1] != group * channels ||
            c.inputs != 2 + chain.extras || x.rank > 4 || !f.fit(window, dims[3], dims[4]))
            return false;
        if (c.in[1].data != nullptr && (c.in[1].element != x.element || c.in[1].size() != 1)) return false;
        Tensor &y = c.out[0];
        const Element found = gives == bytes ? (signed_result ? Element::i8 : Element::u8) : Element::i32;
        y.shape(gives == floats ? Element::f32 : found, x.rank);
        y.dims[0] = dims[0], y.dims[1] = outputs;
        if (x.rank == 4) y.dims[2] = f.out[0];
        y.dims[x.rank - 1] = f.out[1];
        for (int i = 2; i < c.inputs; ++i) {
            bool fits = c.in[i].element == Element::f32;
            if (fits) Conv::dense(c.in[i], y, &fits);
            if (!fits) return false;
        }
        cost = double(y.size()) * (0.03 * double(pairs) + 0.5);
        return true;
    }
};

inline void to_floats(const int32_t *from, int64_t n, float *to) {
    for (int64_t i = 0; i < n; i += kLanes) store(to + i, __builtin_convertvector(load(from + i), Floats));
}

// Runs of a row of sums to 8 bits: limited before it is rounded, so that the rounding trick holds.
inline void to_bytes(const ConvInteger &s, int64_t channel, const int32_t *from, const Run *runs, int64_t n_runs, std::byte *to) {
    const float low = float((s.signed_result ? -128 : 0) - s.y_zero), high = float((s.signed_result ? 127 : 255) - s.y_zero);
    const float factor = s.factor.data()[channel];
    const int32_t bias = s.bias.data()[channel];
    for (int64_t r = 0; r < n_runs; ++r) {
        const int32_t *sums = from + runs[r].at;
        int8_t *bytes = reinterpret_cast<int8_t *>(to) + runs[r].to;
        for (int64_t j = 0; j < runs[r].count; ++j) {
            float v = float(sums[j] + bias) * factor;
            v = v < low ? low : v;
            v = v > high ? high : v;
            bytes[j] = int8_t(int32_t((v + 0x1.8p23f) - 0x1.8p23f) + s.y_zero);
        }
    }
}

// The panel of columns: windows from `from` on, two of the depth side by side; an odd depth ends with zeros.
inline void pack_pairs(const Frame &f, const int16_t *from, int64_t channels, int64_t columns, int64_t pairs, int16_t *to) {
    const int64_t places = f.places(), plane = f.plane(), depth = channels * places;
    static const int16_t zeros[kTileColumns] = {};
    int64_t channel = 0, place = 0;
    const auto next = [&] {
        const int16_t *x = from + channel * plane + f.place(place);
        if (++place == places) place = 0, ++channel;
        return x;
    };
    for (int64_t i = 0; i < pairs; ++i, to += 2 * kTileColumns) {
        const int16_t *a = next(), *b = 2 * i + 1 < depth ? next() : zeros;
        CELERIS_LANES
        for (int64_t j = 0; j < columns; ++j) to[2 * j] = a[j], to[2 * j + 1] = b[j];
        for (int64_t j = columns; j < kTileColumns; ++j) to[2 * j] = to[2 * j + 1] = 0;
    }
}

struct IntegerUnit {
    const ConvInteger &s;
    const Call &c;
    const Frame &f;
    const int16_t *image;
    int64_t item, row_panels, column_panels, parts;

    void operator()(int64_t unit) const {
        const int64_t part = unit % parts, at = unit / parts, panel = at % column_panels, g = at / column_panels;
        const int64_t first = panel * kTileColumns, each = s.outputs / s.group, windows = f.windows();
        const int64_t columns = smaller(f.positions() - first, kTileColumns);
        const size_t words = size_t(s.pairs * kTileColumns + (kTogether + 1 + s.chain.buffers()) * kTile);
        int32_t *const b = reinterpret_cast<int32_t *>(scratch(words * 4)), *const tiles = b + s.pairs * kTileColumns;
        float *const tile = reinterpret_cast<float *>(tiles + kTogether * kTile), *const room = tile + kTile;
        pack_pairs(f, image + g * s.channels * f.plane() + first, s.channels, columns, s.pairs, reinterpret_cast<int16_t *>(b));
        Run runs[kTileColumns];
        const int64_t n_runs = runs_of(f, first, columns, runs);
        const int64_t start = row_panels * part / parts, stop = row_panels * (part + 1) / parts;
        const int64_t above = start * kTileRows, all = smaller(each, stop * kTileRows) - above;
        const int32_t *a = s.weights.data() + (g * row_panels + start) * s.pairs * kTileRows;
        multiply_panels(a, all, b, columns, s.pairs, tiles, multiply_pair_tile, [&](const int32_t *sums, int64_t p) {
            const int64_t rows = smaller(all - p * kTileRows, kTileRows), channel = g * each + above + p * kTileRows;
            if (s.gives == ConvInteger::floats) {
                to_floats(sums, rows * kTileColumns, tile);
                const ConvEnd end{s.chain, s.outputs, c, item, windows, 2};
                end(tile, kTileColumns, rows, channel, nullptr, false, runs, n_runs, room);
                return;
            }
            for (int64_t r = 0; r < rows; ++r) {
                const int64_t at = (item * s.outputs + channel + r) * windows;
                const int32_t *row = sums + r * kTileColumns;
                if (s.gives == ConvInteger::bytes) {
                    to_bytes(s, channel + r, row, runs, n_runs, c.out[0].data + at);
                    continue;
                }
                for (int64_t i = 0; i < n_runs; ++i)
                    std::memcpy(c.out[0].as<int32_t>() + at + runs[i].to, row + runs[i].at, size_t(runs[i].count) * 4);
            }
        });
    }
};

inline void run(const ConvInteger &s, const Call &c) {
    int64_t dims[5]{};
    Conv::image(s.window, c.in[0], dims);
    Frame f;
    f.fit(s.window, dims[3], dims[4]);
    const Memory places(size_t(f.places()) * sizeof(int64_t));
    f.remember_places(places.as<int64_t>());
    const bool is_signed = c.in[0].element == Element::i8;
    int32_t zero = s.x_zero;
    if (c.in[1].data != nullptr) zero = is_signed ? int32_t(*c.in[1].as<int8_t>()) : int32_t(*c.in[1].as<uint8_t>());
    const int64_t size = dims[3] * dims[4], plane = f.plane();
    const Memory memory(size_t(dims[1] * plane) * sizeof(int16_t));
    int16_t *const image = memory.as<int16_t>();
    const int64_t row_panels = panels_of(s.outputs / s.group, kTileRows), column_panels = panels_of(f.positions(), kTileColumns);
    const int64_t wanted = c.threads > 1 ? 3 * c.threads : 1, units = s.group * column_panels;
    const int64_t parts = units >= wanted ? 1 : smaller(row_panels, (wanted + units - 1) / units);
    for (int64_t item = 0; item < dims[0]; ++item) {
        const std::byte *x = c.in[0].data + item * dims[1] * size;
        spread(dims[1], c.threads, [&](int64_t channel) {
            int16_t *const centred = reinterpret_cast<int16_t *>(scratch(size_t(size) * sizeof(int16_t)));
            const uint8_t *bytes = reinterpret_cast<const uint8_t *>(x + channel * size);
            const int32_t flip = is_signed ? 128 : 0;  // -128 .. 127 as 0 .. 255, and back
            for (int64_t i = 0; i < size; ++i) centred[i] = int16_t(int32_t(uint8_t(bytes[i] + flip)) - flip - zero);
            f.lay_out(centred, image + channel * plane, int16_t(0));
        });
        const IntegerUnit unit{s, c, f, image, item, row_panels, column_panels, parts};
        spread(units * parts, c.threads, unit);
    }
}

}  // namespace celeris::CELERIS_TARGET
