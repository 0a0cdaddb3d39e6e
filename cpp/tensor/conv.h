// conv: Y = X * W + B, then a chain of functions. X [N,C,L], [N,C,H,W] or [N,C,D,H,W], W [M,C/group,..], B [M]. Or the
// transposed convolution, whose W is [C,M/group,..] in the file.
//
// A product of W [M, K] with the windows [K, positions], whose panels are copied from the laid out image (window.h) when
// they are needed: no matrix of windows is ever made. With one channel a group, each channel is summed by itself.
#pragma once

#include "tensor/chain.h"
#include "tensor/places.h"
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

struct Conv : TensorState {
    Window window;
    Depth depth;
    Chain chain;
    int64_t group, outputs, channels;  // M, C / group times the kernel's depth
    bool constant, depthwise;
    std::vector<float> weights;  // [group, panels, K, 8]; depthwise as they are; none where they are an input
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

constexpr int64_t kWorthSharing = 1 << 18;  // elements to copy; to wake a thread for fewer takes longer

// The image as products read it.
inline const float *laid_out(const Call &c, const Frame &f, const float *x, int64_t channels, float *room) {
    const int64_t from = f.size[0] * f.size[1], to = f.plane();
    spread(channels, channels * to < kWorthSharing ? 1 : c.threads, [&](int64_t i) { f.lay_out(x + i * from, room + i * to, 0.0f); });
    return room;
}

// The planes of an image that make one plane of the output: of each channel as many as the kernel is deep.
struct Planes {
    const float *image, *zeros;
    int64_t plane, size, kernel, first, gap;  // elements; planes of a channel; the kernel's; where it starts, how it goes on

    const float *operator()(int64_t at) const {
        const int64_t z = first + at % kernel * gap;
        return z < 0 || z >= size ? zeros : image + (at / kernel * size + z) * plane;
    }
};

// Weights and bias as Conv::pack leaves them.
struct Filters {
    const float *weights, *bias;
};

// All windows as vectors of positions, and tiles of so many vectors: the columns of a product. Where windows are few, each
// by itself.
struct Tiles {
    static constexpr int64_t most = kTileColumns / kLanes;  // vectors of a tile
    int64_t vectors = 0;
    int64_t *starts = nullptr;     // [vectors] positions of their first lanes
    Run *runs = nullptr;           // of windows side by side: where they stand in a tile
    int64_t *first_run = nullptr;  // [tiles + 1]

    Tiles() = default;

    static int64_t most_vectors(const Frame &f) { return greater(kThin, f.out[0] * panels_of(f.out[1], kLanes)); }
    static size_t bytes(const Frame &f) {
        const int64_t n = most_vectors(f);
        return size_t(n + panels_of(n, most) + 1) * sizeof(int64_t) + size_t(n + f.out[0]) * sizeof(Run);
    }

    // A vector begins at the first window that is in none yet. `within`: none goes beyond the last of at least kLanes
    // positions. `by_rows`: no run goes on in the next row of windows, though nothing lies between.
    Tiles(const Frame &f, bool within, bool by_rows, void *room) : starts(static_cast<int64_t *>(room)) {
        const int64_t bound = most_vectors(f);
        first_run = starts + bound;
        runs = reinterpret_cast<Run *>(first_run + panels_of(bound, most) + 1);
        const auto place = [&f](int64_t window) { return window / f.out[1] * f.columns + window % f.out[1]; };
        if (f.windows() <= kThin) {
            for (int64_t w = 0; w < f.windows(); ++w) starts[w] = place(w);
            const int64_t n = by_rows ? f.out[0] : 1, each = f.windows() / n;
            for (int64_t r = 0; r < n; ++r) runs[r] = {r * each, r * each, each};
            vectors = 1, first_run[0] = 0, first_run[1] = n;
            return;
        }
        int64_t n_runs = 0;
        for (int64_t w = 0; w < f.windows(); ++vectors) {
            const int64_t from = vectors % most * kLanes, position = place(w);
            if (from == 0) first_run[vectors / most] = n_runs;
            starts[vectors] = within ? smaller(position, f.positions() - kLanes) : position;
            for (int64_t lane = position - starts[vectors]; lane < kLanes && w < f.windows();) {
                const int64_t left = f.out[1] - w % f.out[1], count = smaller(left, kLanes - lane);
                Run *const before = n_runs > first_run[vectors / most] && (!by_rows || left < f.out[1]) ? runs + n_runs - 1 : nullptr;
                if (before != nullptr && before->at + before->count == from + lane)
                    before->count += count;
                else
                    runs[n_runs++] = {from + lane, w, count};
                w += count, lane += count == left ? left + f.columns - f.out[1] : count;
            }
        }
        first_run[panels_of(vectors, most)] = n_runs;
    }
    int64_t count() const { return panels_of(vectors, most); }
    int64_t vectors_of(int64_t tile) const { return smaller(vectors - tile * most, most); }
};

// `rows`: where each of the depth begins, [group, K].
inline void convolve_tiles(const Conv &conv, const Call &c, const Frame &f, const Filters &filters, const Tiles &tiles,
                           const float *const *rows, const ConvEnd &end) {
    const int64_t k = conv.places(), each = conv.outputs / conv.group, row_panels = panels_of(each, kTileRows);
    // A unit takes some tiles side by side: their weights are read once, and results are written in longer stretches.
    constexpr int64_t widest = 8, much = 1 << 14;  // tiles; elements of their columns
    const int64_t wide = smaller(widest, greater(2, much / (k * kTileColumns))), strips = panels_of(tiles.count(), wide);
    // Enough units for all threads: where the image is small, rows are shared out, too.
    const int64_t wanted = c.threads > 1 ? 3 * c.threads : 1, units = conv.group * strips;
    const int64_t parts = units >= wanted ? 1 : smaller(row_panels, (wanted + units - 1) / units);
    const bool complete = !conv.transposed && (conv.limited || conv.chain.empty());  // when a tile is multiplied
    const float *const limits = conv.limited ? conv.limits : nullptr;
    const bool thin = f.windows() <= kThin;
    const int64_t pieces = thin ? 1 : pieces_of(k);
    spread(units * parts, c.threads, [&](int64_t unit) {
        const int64_t part = unit % parts, strip = unit / parts % strips * wide, g = unit / parts / strips;
        const int64_t count = smaller(wide, tiles.count() - strip);
        float *const sums = reinterpret_cast<float *>(scratch(size_t(kTogether * wide + conv.chain.buffers()) * kTile * sizeof(float)));
        float *const room = sums + kTogether * wide * kTile;
        const int64_t start = row_panels * part / parts, stop = row_panels * (part + 1) / parts;
        for (int64_t first = start; first < stop; first += kTogether)
            for (int64_t piece = 0; piece < pieces; ++piece) {
                const int64_t from = k * piece / pieces, depth = k * (piece + 1) / pieces - from;
                const bool last = piece + 1 == pieces;
                for (int64_t p = first; p < smaller(stop, first + kTogether); ++p)
                    for (int64_t i = 0; i < count; ++i) {
                        const int64_t tile = strip + i, row = p * kTileRows, some = smaller(each - row, kTileRows);
                        const Run *const runs = tiles.runs + tiles.first_run[tile];
                        const int64_t n_runs = tiles.first_run[tile + 1] - tiles.first_run[tile], channel = g * each + row;
                        const float *const a = filters.weights + (g * row_panels + p) * k * kTileRows;
                        const float *const bias = filters.bias + (g * row_panels + p) * kTileRows;
                        const PlacedColumns by{rows + g * k, tiles.starts + tile * Tiles::most};
                        float *const own = sums + ((p - first) * wide + i) * kTile;
                        if (thin) {
                            multiply_few(a, by, f.windows(), k, own);
                            end(own, kTileColumns, some, channel, bias, false, runs, n_runs, room);
                            continue;
                        }
                        const bool whole = complete && some == kTileRows && n_runs == 1 && runs[0].count == kTileColumns;
                        float *const to = whole ? end.plane_of(channel) + runs[0].to : own;
                        const TileEnds ends{piece > 0, last ? limits : nullptr, whole ? end.plane_step() : kTileColumns};
                        multiply_wide_tile(a + from * kTileRows, some, by.from_row(from), tiles.vectors_of(tile) * kLanes, depth, to, bias, ends);
                        if (last && !whole) end(own, kTileColumns, some, channel, nullptr, complete, runs, n_runs, room);
                    }
            }
    });
}

// Each channel by itself: laid out, and summed row by row.
inline void convolve_channels(const Conv &conv, const Call &c, const Frame &f, const Filters &filters, const float *x,
                              const ConvEnd &end) {
    constexpr int64_t stretch = 512;
    const bool complete = conv.limited || conv.chain.empty();  // when it is summed: then rows go where they belong
    const int64_t n = f.places(), plane = f.plane(), each = conv.outputs / conv.group, height = f.out[0], width = f.out[1];
    const int64_t wide = panels_of(width, kLanes) * kLanes, tall = smaller(height, greater(1, stretch / wide / 4) * 4);
    const int64_t room_size = complete ? 0 : tall * wide;
    // Of the kernel's height and width, where rows of windows share what they read.
    const ChannelSum all{f.columns, f.offsets, n, nullptr, 0, nullptr};
    const int64_t side = conv.window.kernel[0] == conv.window.kernel[1] && shares_rows(all, conv.window.kernel[1]) ? conv.window.kernel[0] : 0;
    // A few small channels go together: what was just written is read some time later, when it has reached the cache.
    constexpr int64_t beyond = 2 * kLanes, most = 1 << 13;  // elements read behind an image; floats of channels together
    const int64_t own = plane + beyond + room_size;
    const int64_t fair = greater(1, conv.outputs / (3 * c.threads)), together = smaller(smaller(8, fair), greater(1, most / own));
    spread(panels_of(conv.outputs, together), c.threads, [&](int64_t unit) {
        const int64_t start = unit * together, count = smaller(conv.outputs - start, together);
        const size_t floats = size_t(together * own + conv.chain.buffers() * room_size);
        Run *const runs = reinterpret_cast<Run *>(scratch(size_t(tall) * sizeof(Run) + floats * sizeof(float)));
        float *const images = reinterpret_cast<float *>(runs + tall);
        float *const tiles = images + together * (plane + beyond), *const room = tiles + together * room_size;
        for (int64_t i = 0; i < count; ++i) {
            float *const image = images + i * (plane + beyond);
            f.lay_out(x + (start + i) / each * f.size[0] * f.size[1], image, 0.0f);
            for (int64_t j = 0; j < beyond; ++j) image[plane + j] = 0;
        }
        const auto sum = [&](int64_t i, int64_t first, int64_t rows, int64_t columns, float *to) {
            const float *const image = images + i * (plane + beyond) + first * f.columns;
            const ChannelSum own_sum{f.columns, f.offsets, n, filters.weights + (start + i) * n, filters.bias[start + i],
                                     conv.limited ? conv.limits : nullptr};
            if (side == 3)
                sum_all_rows<3, 3>(own_sum, image, rows, columns, to, columns);
            else if (side == 5)
                sum_all_rows<5, 5>(own_sum, image, rows, columns, to, columns);
            else
                sum_all_rows<0, 0>(own_sum, image, rows, columns, to, columns);
        };
        if (complete) {
            for (int64_t i = 0; i < count; ++i) sum(i, 0, height, width, end.plane_of(start + i));
            return;
        }
        for (int64_t first = 0; first < height; first += tall) {
            const int64_t rows = smaller(tall, height - first);
            for (int64_t r = 0; r < rows; ++r) runs[r] = {r * wide, (first + r) * width, width};
            for (int64_t i = 0; i < count; ++i) sum(i, first, rows, wide, tiles + i * room_size);
            for (int64_t i = 0; i < count; ++i)
                end(tiles + i * room_size, rows * wide, 1, start + i, nullptr, false, runs, rows, room);
        }
    });
}

inline void run(const Conv &conv, const Call &c) {
    int64_t dims[5]{};
    Conv::image(conv.window, c.in[0], dims);
    Frame f;
    f.fit(conv.window, dims[3], dims[4]);
    const Memory places(size_t(f.places()) * sizeof(int64_t));
    f.remember_places(places.as<int64_t>());
    const int64_t size = dims[2] * dims[3] * dims[4], count = dims[1] * dims[2], plane = f.plane();
    const Memory packed(conv.constant ? 0 : size_t(conv.packed_weights() + conv.packed_bias()) * sizeof(float));
    Filters filters{conv.weights.data(), conv.bias.data()};
    if (!conv.constant) {
        float *const weights = packed.as<float>(), *const bias = weights + conv.packed_weights();
        conv.pack(c.in[1].as<float>(), c.in[2].as<float>(), weights, bias);
        filters = {weights, bias};
    }
    // Products read whole vectors, also beyond the last window.
    const bool within = f.direct && (f.windows() <= kThin || f.positions() >= kLanes), copied = !conv.depthwise && !within;
    const bool deep = conv.depth.before + conv.depth.after > 0;
    const int64_t beyond = kLanes, rows = conv.depthwise ? 0 : conv.group * conv.places();
    const Memory room(copied ? size_t(count * plane + beyond) * sizeof(float) : 0);
    const Memory zeros(deep ? size_t(plane + beyond) * sizeof(float) : 0);
    if (deep) std::memset(zeros.as<float>(), 0, size_t(plane + beyond) * sizeof(float));
    const Memory starts(size_t(rows) * sizeof(const float *)), of_tiles(conv.depthwise ? 0 : Tiles::bytes(f));
    const Tiles tiles = conv.depthwise ? Tiles() : Tiles(f, within, conv.transposed, of_tiles.as<std::byte>());
    const int64_t planes = conv.depth.outputs(dims[2]);
    for (int64_t item = 0; item < dims[0]; ++item) {
        const float *x = c.in[0].as<float>() + item * dims[1] * size;
        const float *image = copied ? laid_out(c, f, x, count, room.as<float>()) : x;
        for (int64_t z = 0; z < planes; ++z) {
            const ConvEnd end{conv.chain, conv.outputs, c, item, f.windows(), conv.inputs(), planes, z,
                              conv.transposed ? &conv : nullptr, f.out[1]};
            const Planes from{image, zeros.as<float>(), plane, dims[2], conv.depth.kernel,
                              z * conv.depth.step - conv.depth.before, conv.depth.gap};
            if (conv.depthwise) {
                convolve_channels(conv, c, f, filters, image, end);
                continue;
            }
            for (int64_t i = 0; i < rows; ++i)
                starts.as<const float *>()[i] = from(i / f.places()) + f.place(i % f.places());
            convolve_tiles(conv, c, f, filters, tiles, starts.as<const float *>(), end);
        }
    }
}

}  // namespace celeris::CELERIS_TARGET
