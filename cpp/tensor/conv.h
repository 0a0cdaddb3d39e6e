// conv: Y = X * W + B, then a chain of functions. X [N,C,L], [N,C,H,W] or [N,C,D,H,W], W [M,C/group,..], B [M]. Or the
// transposed convolution, whose W is [C,M/group,..] in the file.
//
// A product of W [M, K] with the windows [K, positions], which are read from the laid out image (window.h): no matrix of
// windows is ever made. With one channel a group, each channel is summed by itself.
#pragma once

#include "tensor/conv_channels.h"
#include "tensor/conv_tiles.h"
#include "tensor/conv_turned.h"

namespace celeris::CELERIS_TARGET {

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
    const bool tiled = !conv.depthwise && !conv.turned;
    const Memory starts(size_t(rows) * sizeof(const float *)), of_tiles(tiled ? Tiles::bytes(f) : 0);
    const Tiles tiles = tiled ? Tiles(f, within, conv.transposed, of_tiles.as<std::byte>()) : Tiles();
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
            if constexpr (kLanes == kTurnedLanes) {
                if (conv.turned) {
                    convolve_turned(conv, c, f, filters, starts.as<const float *>(), end);
                    continue;
                }
            }
            convolve_tiles(conv, c, f, filters, tiles, starts.as<const float *>(), end);
        }
    }
}

}  // namespace celeris::CELERIS_TARGET
