// Convolutions of each channel by itself: laid out, and summed row by row.
#pragma once

#include "tensor/conv_state.h"
#include "tensor/places.h"

namespace celeris::CELERIS_TARGET {

inline void convolve_channels(const Conv &conv, const Call &c, const Frame &f, const Filters &filters, const float *x,
                              const ConvEnd &end) {
    constexpr int64_t stretch = 512;
    const bool complete = conv.limited || conv.chain.empty();  // when it is summed: then rows go where they belong
    const int64_t n = f.places(), plane = f.plane(), each = conv.outputs / conv.group, height = f.out[0], width = f.out[1];
    const int64_t wide = panels_of(width, kLanes) * kLanes, tall = smaller(height, greater(1, stretch / wide / 4) * 4);
    const int64_t room_size = complete ? 0 : tall * wide;
    const ChannelSum all{f.columns, f.offsets, n, nullptr, 0, nullptr};  // `side`: the kernel's, if rows of windows share rows
    const int64_t *const kernel = conv.window.kernel, side = kernel[0] == kernel[1] && shares_rows(all, kernel[1]) ? kernel[0] : 0;
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

}  // namespace celeris::CELERIS_TARGET
