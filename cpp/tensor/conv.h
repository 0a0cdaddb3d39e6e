// conv: Y = X * W + B, then a chain of functions. X [N,C,H,W] (or [N,C,L]), constant W [M,C/group,h,w], B [M].
//
// A product of W [M, K] with the windows [K, positions], whose panels are copied from the laid out image (window.h) when
// they are needed: no matrix of windows is ever made. With one channel a group, each channel is summed by itself.
#pragma once

#include "tensor/chain.h"
#include "tensor/tiles.h"
#include "tensor/window.h"

namespace celeris::CELERIS_TARGET {

struct Conv : TensorState {
    Window window;
    Chain chain;
    int64_t group, outputs, channels;  // M, C / group
    bool depthwise;
    std::vector<float> weights;  // [group, panels, K, 8]; depthwise as they are
    std::vector<float> bias;     // [group, panels * 8]

    explicit Conv(const Params &p) : window(p), chain(p) {
        group = p.integer("group"), outputs = p.integer("outputs"), channels = p.integer("channels");
        require(group > 0 && outputs > 0 && channels > 0 && outputs % group == 0, "conv: expected M of groups");
        const std::span<const float> given = p.view<float>("weights");
        const int64_t k = depth(), each = outputs / group, panels = panels_of(each, kTileRows);
        require(int64_t(given.size()) == outputs * k, "conv: expected weights [M, C / group, h, w]");
        const std::vector<float> b = p.has("bias") ? p.floats("bias") : std::vector<float>(size_t(outputs));
        require(int64_t(b.size()) == outputs, "conv: expected bias [M]");
        depthwise = channels == 1 && each < 4;
        if (depthwise) {
            weights.assign(given.begin(), given.end()), bias = b;
            return;
        }
        weights.resize(size_t(group * panels * k * kTileRows)), bias.resize(size_t(group * panels * kTileRows));
        for (int64_t g = 0; g < group; ++g) {
            pack_rows(given.data() + g * each * k, k, 1, each, k, weights.data() + g * panels * k * kTileRows);
            for (int64_t m = 0; m < each; ++m) bias[size_t(g * panels * kTileRows + m)] = b[size_t(g * each + m)];
        }
    }
    int64_t depth() const { return channels * window.kernel[0] * window.kernel[1]; }

    // Images as [N,C,H,W]: one of three axes has a height of 1.
    static bool image(const Tensor &x, int64_t (&dims)[4]) {
        if (x.rank < 3 || x.rank > 4) return false;
        dims[0] = x.dims[0], dims[1] = x.dims[1];
        dims[2] = x.rank == 4 ? x.dims[2] : 1, dims[3] = x.dims[x.rank - 1];
        return true;
    }
    // Whether an extra goes along with every element (true), or is one value or one a channel (false); *fits: either.
    static bool dense(const Tensor &extra, const Tensor &y, bool *fits) {
        if (extra.same_dims(y)) return *fits = true;
        if (extra.size() == 1 && extra.rank <= y.rank) {
            *fits = true;
            return false;
        }
        const int after = y.rank - 2;
        *fits = extra.rank > after && extra.rank <= y.rank && extra.size() == y.dims[1] &&
                extra.dims[extra.rank - 1 - after] == y.dims[1];
        return false;
    }

    bool plan(Call &c, double &cost) const {
        const Tensor &x = c.in[0];
        int64_t dims[4];
        Frame f;
        if (x.element != Element::f32 || !image(x, dims) || dims[1] != group * channels || c.inputs != 1 + chain.extras ||
            !f.fit(window, dims[2], dims[3]))
            return false;
        Tensor &y = c.out[0];
        y.shape(Element::f32, x.rank);
        y.dims[0] = dims[0], y.dims[1] = outputs;
        if (x.rank == 4) y.dims[2] = f.out[0];
        y.dims[x.rank - 1] = f.out[1];
        for (int i = 1; i <= chain.extras; ++i) {
            bool fits = c.in[i].element == Element::f32;
            if (fits) dense(c.in[i], y, &fits);
            if (!fits) return false;
        }
        cost = double(y.size()) * (0.03 * double(depth()) + 0.3);
        return true;
    }
};

// What finishes a tile: bias, chain, and the way to the output.
struct ConvEnd {
    const Chain &chain;
    int64_t outputs;
    const Call &call;
    int64_t item, windows;
    int inputs = 1;  // of the call, before the chain's extras

    // The tile's rows [rows][wide] are output channels from `channel` on, its columns positions with these runs.
    void operator()(float *tile, int64_t wide, int64_t rows, int64_t channel, const float *bias, const Run *runs,
                    int64_t n_runs, float *room) const {
        for (int64_t r = 0; r < rows; ++r) {
            const Floats b = splat(bias[r]);
            float *row = tile + r * wide;
            for (int64_t j = 0; j < wide; j += kLanes) store(row + j, load(row + j) + b);
        }
        if (!chain.empty()) through_chain(tile, wide, rows, channel, runs, n_runs, room);
        const int64_t first = item * outputs + channel;
        for (int64_t r = 0; r < rows; ++r) {
            float *to = call.out[0].as<float>() + (first + r) * windows;
            for (int64_t s = 0; s < n_runs; ++s)
                std::memcpy(to + runs[s].to, tile + r * wide + runs[s].at, size_t(runs[s].count) * sizeof(float));
        }
    }

private:
    void through_chain(float *tile, int64_t wide, int64_t rows, int64_t channel, const Run *runs, int64_t n_runs,
                       float *room) const {
        float *operands[Chain::kMostBuffers];
        operands[0] = tile;
        for (int64_t i = 0; i < chain.buffers(); ++i) operands[i + 1] = room + i * rows * wide;
        for (int i = 1; i <= chain.extras; ++i) {
            const Tensor &extra = call.in[inputs - 1 + i];
            if (!extra.same_dims(call.out[0])) {
                for (int64_t r = 0; r < rows; ++r) {
                    const Floats value = splat(extra.as<float>()[extra.size() == 1 ? 0 : channel + r]);
                    for (int64_t j = 0; j < wide; j += kLanes) store(operands[i] + r * wide + j, value);
                }
                continue;
            }
            for (int64_t r = 0; r < rows; ++r) {
                const float *from = extra.as<float>() + (item * outputs + channel + r) * windows;
                for (int64_t s = 0; s < n_runs; ++s)
                    std::memcpy(operands[i] + r * wide + runs[s].at, from + runs[s].to, size_t(runs[s].count) * sizeof(float));
            }
        }
        run_chain(chain, operands, rows * wide, tile);
    }
};

// Elements between channels of the image that products read.
inline const float *laid_out(const Call &c, const Frame &f, const float *x, int64_t channels, float *room) {
    if (f.direct) return x;
    const int64_t from = f.size[0] * f.size[1], to = f.plane();
    spread(channels, c.threads, [&](int64_t i) { f.lay_out(x + i * from, room + i * to, 0.0f); });
    return room;
}

inline void convolve_panels(const Conv &conv, const Call &c, const Frame &f, const float *image, const ConvEnd &end) {
    const int64_t k = conv.depth(), each = conv.outputs / conv.group, row_panels = panels_of(each, kTileRows);
    const int64_t positions = f.positions(), column_panels = panels_of(positions, kTileColumns);
    // Enough units for all threads: where the image is small, rows are shared out, too.
    const int64_t wanted = c.threads > 1 ? 3 * c.threads : 1, units = conv.group * column_panels;
    const int64_t parts = units >= wanted ? 1 : smaller(row_panels, (wanted + units - 1) / units);
    const int64_t places = f.places(), plane = f.plane();
    spread(units * parts, c.threads, [&](int64_t unit) {
        const int64_t part = unit % parts, at = unit / parts, panel = at % column_panels, g = at / column_panels;
        const int64_t first = panel * kTileColumns, left = positions - first;
        const int64_t columns = left < kTileColumns ? left : kTileColumns;
        float *const b = reinterpret_cast<float *>(scratch(size_t(k * kTileColumns + (1 + conv.chain.buffers()) * kTile) * 4));
        float *const tile = b + k * kTileColumns, *const room = tile + kTile;
        const float *from = image + g * conv.channels * plane + first;
        float *to = b;
        for (int64_t channel = 0; channel < conv.channels; ++channel, from += plane)
            for (int64_t i = 0; i < places; ++i, to += kTileColumns) {
                const float *x = from + f.place(i);
                if (columns == kTileColumns)
                    for (int64_t j = 0; j < kTileColumns; j += kLanes) store(to + j, load(x + j));
                else
                    for (int64_t j = 0; j < kTileColumns; ++j) to[j] = j < columns ? x[j] : 0;
            }
        Run runs[kTileColumns];
        const int64_t n_runs = runs_of(f, first, columns, runs);
        const int64_t start = row_panels * part / parts, stop = row_panels * (part + 1) / parts;
        for (int64_t p = start; p < stop; ++p) {
            const int64_t rows = each - p * kTileRows < kTileRows ? each - p * kTileRows : kTileRows;
            const int64_t place = g * row_panels + p;
            multiply_tile(conv.weights.data() + place * k * kTileRows, rows, b, columns, k, tile);
            end(tile, kTileColumns, rows, g * each + p * kTileRows, conv.bias.data() + place * kTileRows, runs, n_runs, room);
        }
    });
}

// The sum over a kernel's places for a stretch of positions, a multiple of 4 vectors.
inline void sum_places(const float *image, const int64_t *places, const float *w, int64_t n, int64_t count, float *to) {
    for (int64_t p = 0; p < count; p += 4 * kLanes) {
        Floats s0{}, s1{}, s2{}, s3{};
        for (int64_t i = 0; i < n; ++i) {
            const float *x = image + p + places[i];
            const Floats weight = splat(w[i]);
            s0 = madd(weight, load(x), s0), s1 = madd(weight, load(x + kLanes), s1);
            s2 = madd(weight, load(x + 2 * kLanes), s2), s3 = madd(weight, load(x + 3 * kLanes), s3);
        }
        store(to + p, s0), store(to + p + kLanes, s1), store(to + p + 2 * kLanes, s2), store(to + p + 3 * kLanes, s3);
    }
}

inline void convolve_channels(const Conv &conv, const Call &c, const Frame &f, const float *x, const ConvEnd &end) {
    constexpr int64_t stretch = 512;
    const int64_t n = f.places(), plane = f.plane(), positions = f.positions(), each = conv.outputs / conv.group;
    spread(conv.outputs, c.threads, [&](int64_t m) {
        // Behind the image lies room for what a stretch reads beyond it.
        const size_t floats = size_t(plane + stretch + (1 + conv.chain.buffers()) * stretch);
        float *const image = reinterpret_cast<float *>(scratch(floats * 4 + size_t(n) * 8 + stretch * sizeof(Run) + 64));
        float *const tile = image + plane + stretch, *const room = tile + stretch;
        int64_t *const places = reinterpret_cast<int64_t *>(image + (floats + 15) / 16 * 16);
        Run *const runs = reinterpret_cast<Run *>(places + n);
        for (int64_t i = 0; i < n; ++i) places[i] = f.place(i);
        f.lay_out(x + m / each * f.size[0] * f.size[1], image, 0.0f);
        std::memset(image + plane, 0, stretch * sizeof(float));
        for (int64_t first = 0; first < positions; first += stretch) {
            const int64_t count = positions - first < stretch ? positions - first : stretch;
            const int64_t wide = (count + 4 * kLanes - 1) / (4 * kLanes) * (4 * kLanes);
            sum_places(image + first, places, conv.weights.data() + m * n, n, wide, tile);
            end(tile, wide, 1, m, conv.bias.data() + m, runs, runs_of(f, first, count, runs), room);
        }
    });
}

inline void run(const Conv &conv, const Call &c) {
    int64_t dims[4]{};
    Conv::image(c.in[0], dims);
    Frame f;
    f.fit(conv.window, dims[2], dims[3]);
    const bool copied = !conv.depthwise && !f.direct;
    const Memory room(copied ? size_t(dims[1] * f.plane() + kTileColumns) * sizeof(float) : 0);
    for (int64_t item = 0; item < dims[0]; ++item) {
        const float *x = c.in[0].as<float>() + item * dims[1] * dims[2] * dims[3];
        const ConvEnd end{conv.chain, conv.outputs, c, item, f.windows()};
        if (conv.depthwise)
            convolve_channels(conv, c, f, x, end);
        else
            convolve_panels(conv, c, f, laid_out(c, f, x, dims[1], room.as<float>()), end);
    }
}

}  // namespace celeris::CELERIS_TARGET
