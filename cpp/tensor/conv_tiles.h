// Convolutions as products whose columns are windows: read where they lie in the image, a vector of them at a time.
#pragma once

#include "tensor/conv_state.h"

namespace celeris::CELERIS_TARGET {

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

}  // namespace celeris::CELERIS_TARGET
