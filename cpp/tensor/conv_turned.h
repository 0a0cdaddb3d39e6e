// Convolutions as products whose columns are outputs: windows are read one by one, so that no lane is spent on what lies
// between their rows, a third of all where an image is 7 x 7.
#pragma once

#include "engine/transpose.h"
#include "tensor/conv_state.h"

namespace celeris::CELERIS_TARGET {

// A few places, at most 8, by two vectors of weights or three.
template <int vectors>
inline void multiply_some_places(const float *const *rows, const int64_t *place, int64_t count, const float *w, int64_t k, float *c,
                                 int64_t step, const float *bias, const TileEnds &ends) {
    switch (count) {
        case 1: return multiply_places<1, vectors>(rows, place, w, k, c, step, bias, ends);
        case 2: return multiply_places<2, vectors>(rows, place, w, k, c, step, bias, ends);
        case 3: return multiply_places<3, vectors>(rows, place, w, k, c, step, bias, ends);
        case 4: return multiply_places<4, vectors>(rows, place, w, k, c, step, bias, ends);
        case 5: return multiply_places<5, vectors>(rows, place, w, k, c, step, bias, ends);
        case 6: return multiply_places<6, vectors>(rows, place, w, k, c, step, bias, ends);
        case 7: return multiply_places<7, vectors>(rows, place, w, k, c, step, bias, ends);
        default: return multiply_places<8, vectors>(rows, place, w, k, c, step, bias, ends);
    }
}

// `rows`: where each of the depth begins, [group, K].
inline void convolve_turned(const Conv &conv, const Call &c, const Frame &f, const Filters &filters, const float *const *rows,
                            const ConvEnd &end) {
    constexpr int64_t most = 8, widest = 8;  // windows of a tile; tiles whose weights are read once
    constexpr int64_t size = most * widest * kTileColumns;
    const int64_t k = conv.places(), each = conv.outputs / conv.group, windows = f.windows(), pieces = pieces_of(k);
    const std::vector<Outputs> panels = Outputs::all(each);
    const int64_t strips = panels_of(panels_of(windows, most), widest);
    const int64_t wanted = c.threads > 1 ? 3 * c.threads : 1, units = conv.group * strips;
    const int64_t parts = units >= wanted ? 1 : smaller(int64_t(panels.size()), (wanted + units - 1) / units);
    const bool complete = conv.limited || conv.chain.empty();
    const Memory of_windows(size_t(windows) * sizeof(int64_t));
    int64_t *const place = of_windows.as<int64_t>();
    for (int64_t w = 0; w < windows; ++w) place[w] = w / f.out[1] * f.columns + w % f.out[1];
    spread(units * parts, c.threads, [&](int64_t unit) {
        const int64_t part = unit % parts, strip = unit / parts % strips, g = unit / parts / strips;
        const int64_t first = windows * strip / strips, count = windows * (strip + 1) / strips - first;
        const int64_t tiles = panels_of(count, most), wide = panels_of(count, kLanes) * kLanes;
        float *const sums = reinterpret_cast<float *>(scratch(size_t((2 + conv.chain.buffers()) * size) * sizeof(float)));
        float *const tile = sums + size, *const room = tile + size;
        const Run run{0, first, count};
        const size_t stop = panels.size() * size_t(part + 1) / size_t(parts);
        for (size_t p = panels.size() * size_t(part) / size_t(parts); p < stop; ++p) {
            const Outputs &own = panels[p];
            const int64_t channel = g * each + own.first;
            const float *const w = filters.weights + channel * k, *const bias = filters.bias + channel;
            for (int64_t piece = 0; piece < pieces; ++piece) {
                const int64_t from = k * piece / pieces, depth = k * (piece + 1) / pieces - from;
                const TileEnds ends{piece > 0, piece + 1 == pieces && conv.limited ? conv.limits : nullptr};
                for (int64_t t = 0; t < tiles; ++t) {
                    const int64_t at = count * t / tiles, some = count * (t + 1) / tiles - at;
                    const auto multiply = [&]<int vectors>(std::integral_constant<int, vectors>) {
                        multiply_some_places<vectors>(rows + g * k + from, place + first + at, some, w + from * own.count, depth,
                                                      sums + at * own.count, own.count, bias, ends);
                    };
                    own.count == 3 * kTurnedLanes ? multiply(std::integral_constant<int, 3>()) : multiply(std::integral_constant<int, 2>());
                }
            }
            const auto turn = [&](float *to, int64_t step) {
                transpose(sizeof(float), reinterpret_cast<const std::byte *>(sums), own.count, count, own.count,
                          reinterpret_cast<std::byte *>(to), step);
            };
            if (complete) {
                turn(end.plane_of(channel) + first, end.plane_step());
                continue;
            }
            turn(tile, wide);
            end(tile, wide, own.count, channel, nullptr, false, &run, 1, room);
        }
    });
}

}  // namespace celeris::CELERIS_TARGET
