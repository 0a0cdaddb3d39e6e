// What a convolution is and holds, and how its sums end.
#pragma once

#include <string_view>

#include "tensor/chain.h"
#include "tensor/tiles.h"
#include "tensor/window.h"

namespace celeris::CELERIS_TARGET {

// How a kernel moves along a third spatial axis, the outermost; one place where there is none.
struct Depth {
    int64_t kernel = 1, step = 1, gap = 1, before = 0, after = 0;

    // Parameter "depth": all five.
    explicit Depth(const Params &p) {
        if (!p.has("depth")) return;
        const std::vector<int64_t> given = p.integers("depth");
        require(given.size() == 5, "conv: expected five sizes of the depth");
        kernel = given[0], step = given[1], gap = given[2], before = given[3], after = given[4];
        require(kernel > 0 && step > 0 && gap > 0 && before >= 0 && after >= 0, "conv: sizes of the depth");
    }
    int64_t outputs(int64_t size) const {
        const int64_t free = size + before + after - (kernel - 1) * gap - 1;
        return free < 0 ? 0 : free / step + 1;
    }
};

constexpr int64_t kTurnedDepth = 512, kTurnedLanes = 16;  // from so deep on outputs stand in the lanes of AVX-512

// Outputs whose weights lie together, [K][count]: three vectors, or two where one would be left.
struct Outputs {
    int64_t first, count;

    static std::vector<Outputs> all(int64_t outputs) {
        std::vector<Outputs> found;
        for (int64_t first = 0; first < outputs;) {
            const int64_t vectors = (outputs - first) / kTurnedLanes;
            found.push_back({first, (vectors == 4 ? 2 : smaller(vectors, 3)) * kTurnedLanes}), first += found.back().count;
        }
        return found;
    }
};

struct Conv : TensorState {
    Window window;
    Depth depth;
    Chain chain;
    int64_t group, outputs, channels;  // M, C / group times the kernel's depth
    bool constant, depthwise;
    bool turned;                 // outputs stand in lanes, not windows
    std::vector<float> weights;  // [group, panels, K, 8], or if turned the panels of Outputs; depthwise as they are; none where
                                 // they are an input
    std::vector<float> bias;     // [group, panels * 8]
    float limits[2] = {-INFINITY, INFINITY};
    bool limited = false;        // the chain is no more than these limits
    // A transposed convolution is one that gives `up` x `up` outputs at each position, which are `crop`ped into an image
    // of (size - 1) * up + `more` (which may be negative).
    int64_t up[2] = {1, 1}, crop[2] = {0, 0}, more[2] = {1, 1};
    bool transposed;

    explicit Conv(const Params &p) : window(p), depth(p), chain(p) {
        group = p.integer("group"), outputs = p.integer("outputs"), channels = p.integer("channels");
        require(group > 0 && outputs > 0 && channels > 0 && outputs % group == 0, "conv: expected M of groups");
        require(channels % depth.kernel == 0, "conv: expected planes of a kernel's depth");
        constant = p.has("weights"), transposed = p.has("up");
        if (chain.code.size() == 1 && chain.code[0].a == 0) {
            const Chain::Instruction &only = chain.code[0];
            limited = only.function == Function::clip || only.function == Function::relu;
            if (only.function == Function::relu) limits[0] = 0;
            if (only.function == Function::clip) limits[0] = only.p, limits[1] = only.q;
        }
        depthwise = channels == 1 && outputs / group < 4 && !transposed && !p.has("depth");
        if (transposed) {
            const std::vector<int64_t> given[3] = {p.integers("up"), p.integers("crop"), p.integers("more")};
            for (int i = 0; i < 2; ++i) {
                for (const std::vector<int64_t> &each : given) require(each.size() == 2, "conv: expected two sizes");
                up[i] = given[0][size_t(i)], crop[i] = given[1][size_t(i)], more[i] = given[2][size_t(i)];
                require(up[i] > 0 && crop[i] >= 0, "conv: sizes of a transposed one");
            }
            require(chain.empty() && outputs % (group * up[0] * up[1]) == 0, "conv: a transposed one has no chain");
        }
        turned = constant && !transposed && outputs / group % kTurnedLanes == 0 && outputs / group >= 2 * kTurnedLanes &&
                 places() >= kTurnedDepth && window.kernel[0] * window.kernel[1] > 1 && std::string_view(instruction_set()) == "avx512";
        if (!constant) return;
        const std::span<const float> given = p.view<float>("weights");
        require(int64_t(given.size()) == outputs * places(), "conv: expected weights [M, C / group, .., h, w]");
        const std::vector<float> b = p.has("bias") ? p.floats("bias") : std::vector<float>(size_t(outputs));
        require(int64_t(b.size()) == outputs, "conv: expected bias [M]");
        weights.resize(size_t(packed_weights())), bias.resize(size_t(packed_bias()));
        pack(given.data(), b.data(), weights.data(), bias.data());
    }
    // Elements of the image that make one of the output.
    int64_t places() const { return channels * window.kernel[0] * window.kernel[1]; }
    int64_t panels() const { return panels_of(outputs / group, kTileRows); }
    int64_t packed_weights() const { return depthwise ? outputs * places() : group * panels() * places() * kTileRows; }
    int64_t packed_bias() const { return depthwise ? outputs : group * panels() * kTileRows; }
    // Weights and bias (null: none) as products read them.
    void pack(const float *w, const float *b, float *to, float *to_bias) const {
        const int64_t k = places(), each = outputs / group;
        std::memset(to_bias, 0, size_t(packed_bias()) * sizeof(float));
        if (depthwise) {
            std::memcpy(to, w, size_t(outputs * k) * sizeof(float));
            if (b != nullptr) std::memcpy(to_bias, b, size_t(outputs) * sizeof(float));
            return;
        }
        for (int64_t g = 0; g < group; ++g) {
            if (turned)
                pack_outputs(w + g * each * k, to + g * each * k);
            else
                pack_rows(w + g * each * k, k, 1, each, k, to + g * panels() * k * kTileRows);
            for (int64_t m = 0; b != nullptr && m < each; ++m) to_bias[g * panels() * kTileRows + m] = b[g * each + m];
        }
    }
    // Inputs before the chain's: X, and where they are no constants W and B.
    int inputs() const { return constant ? 1 : 3; }

    // Images as [N,C,D,H,W]: D and H are 1 where there are none.
    static bool image(const Window &w, const Tensor &x, int64_t (&dims)[5]) {
        if (x.rank < 3 || x.rank > 5 || x.rank != w.axes + 2) return false;
        dims[0] = x.dims[0], dims[1] = x.dims[1];
        dims[2] = x.rank == 5 ? x.dims[2] : 1, dims[3] = x.rank > 3 ? x.dims[x.rank - 2] : 1, dims[4] = x.dims[x.rank - 1];
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
        int64_t dims[5];
        Frame f;
        if (x.element != Element::f32 || !image(window, x, dims) || dims[1] != group * channels / depth.kernel ||
            c.inputs != inputs() + chain.extras || !f.fit(window, dims[3], dims[4]) || depth.outputs(dims[2]) == 0 ||
            !(constant || takes_weights(c.in[1], c.in[2], x.rank)))
            return false;
        Tensor &y = c.out[0];
        y.shape(Element::f32, x.rank);
        const int64_t image_size[2] = {transposed ? (dims[3] - 1) * up[0] + more[0] : f.out[0],
                                       transposed ? (dims[4] - 1) * up[1] + more[1] : f.out[1]};
        if (image_size[0] < 1 || image_size[1] < 1) return false;
        y.dims[0] = dims[0], y.dims[1] = outputs / (up[0] * up[1]);
        if (x.rank == 5) y.dims[2] = depth.outputs(dims[2]);
        if (x.rank > 3) y.dims[x.rank - 2] = image_size[0];
        y.dims[x.rank - 1] = image_size[1];
        for (int i = inputs(); i < c.inputs; ++i) {
            bool fits = c.in[i].element == Element::f32;
            if (fits) dense(c.in[i], y, &fits);
            if (!fits) return false;
        }
        cost = double(y.size()) * (0.03 * double(places()) + 0.3);
        return true;
    }

private:
    void pack_outputs(const float *w, float *to) const {
        const int64_t k = places();
        for (const Outputs &some : Outputs::all(outputs / group))
            for (int64_t i = 0; i < k; ++i)
                for (int64_t m = 0; m < some.count; ++m) *to++ = w[(some.first + m) * k + i];
    }
    bool takes_weights(const Tensor &w, const Tensor &b, int rank) const {
        if (w.element != Element::f32 || w.rank != rank || w.dims[0] != outputs || w.size() != outputs * places() ||
            w.dims[rank - 1] != window.kernel[1] || (rank > 3 && w.dims[rank - 2] != window.kernel[0]))
            return false;
        return b.data == nullptr || (b.element == Element::f32 && b.rank == 1 && b.dims[0] == outputs);
    }
};

// What finishes a tile: bias, chain, and the way to the output.
struct ConvEnd {
    const Chain &chain;
    int64_t outputs;
    const Call &call;
    int64_t item, windows;
    int inputs = 1;              // of the call, before the chain's extras
    int64_t planes = 1, z = 0;   // of a channel of the output, and which of them this is
    const Conv *transposed = nullptr;  // whose outputs are scattered over an image
    int64_t columns = 0;           // positions of a row, in that case

    // The tile's rows [rows][wide] are output channels from `channel` on, its columns positions with these runs. `bias` is
    // still to be added, or null; the chain is still to be run unless the sums are `limited` already.
    void operator()(float *tile, int64_t wide, int64_t rows, int64_t channel, const float *bias, bool limited, const Run *runs,
                    int64_t n_runs, float *room) const {
        for (int64_t r = 0; bias != nullptr && r < rows; ++r) {
            const Floats b = splat(bias[r]);
            float *row = tile + r * wide;
            for (int64_t j = 0; j < wide; j += kLanes) store(row + j, load(row + j) + b);
        }
        if (!limited && !chain.empty()) through_chain(tile, wide, rows, channel, runs, n_runs, room);
        for (int64_t r = 0; r < rows; ++r) {
            if (transposed != nullptr) {
                scatter(tile + r * wide, channel + r, runs, n_runs);
                continue;
            }
            float *to = plane_of(channel + r);
            for (int64_t s = 0; s < n_runs; ++s)
                copy(tile + r * wide + runs[s].at, to + runs[s].to, runs[s].count);
        }
    }

    float *plane_of(int64_t channel) const { return call.out[0].as<float>() + place_of(channel); }
    int64_t plane_step() const { return planes * windows; }

private:
    int64_t place_of(int64_t channel) const { return ((item * outputs + channel) * planes + z) * windows; }
    // One of the up x up outputs of each position of a transposed convolution.
    void scatter(const float *row, int64_t channel, const Run *runs, int64_t n_runs) const {
        const Conv &conv = *transposed;
        const Tensor &y = call.out[0];
        const int64_t each = conv.up[0] * conv.up[1], height = y.rank > 3 ? y.dims[y.rank - 2] : 1;
        const int64_t width = y.dims[y.rank - 1], down = channel % each / conv.up[1], across = channel % conv.up[1];
        float *to = y.as<float>() + (item * (outputs / each) + channel / each) * height * width;
        for (int64_t s = 0; s < n_runs; ++s) {
            const int64_t at_y = runs[s].to / columns * conv.up[0] + down - conv.crop[0];
            if (at_y < 0 || at_y >= height) continue;
            int64_t at_x = runs[s].to % columns * conv.up[1] + across - conv.crop[1];
            for (int64_t j = 0; j < runs[s].count; ++j, at_x += conv.up[1])
                if (at_x >= 0 && at_x < width) to[at_y * width + at_x] = row[runs[s].at + j];
        }
    }
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
                const float *from = extra.as<float>() + place_of(channel + r);
                for (int64_t s = 0; s < n_runs; ++s)
                    copy(from + runs[s].to, operands[i] + r * wide + runs[s].at, runs[s].count);
            }
        }
        run_chain(chain, operands, rows * wide, tile);
    }
};

// Weights and bias as Conv::pack leaves them.
struct Filters {
    const float *weights, *bias;
};

}  // namespace celeris::CELERIS_TARGET
