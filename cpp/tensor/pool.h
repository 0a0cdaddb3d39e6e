// pool: the greatest or the mean element of each window, channel by channel of the laid out image (window.h).
#pragma once

#include "tensor/conv.h"

namespace celeris::CELERIS_TARGET {

struct Pool : TensorState {
    Window window;
    bool average, padding_counts;

    explicit Pool(const Params &p) : window(p), average(p.integer("average") != 0) {
        padding_counts = average && p.integer("count_include_pad") != 0;
    }

    bool plan(Call &c, double &cost) const {
        const Tensor &x = c.in[0];
        int64_t dims[5]{};
        Frame f;
        if (x.element != Element::f32 || c.inputs != 1 || c.outputs != 1 || !Conv::image(window, x, dims) ||
            x.rank > 4 || !f.fit(window, dims[3], dims[4]))
            return false;
        Tensor &y = c.out[0];
        y = x;
        if (x.rank == 4) y.dims[2] = f.out[0];
        y.dims[x.rank - 1] = f.out[1];
        cost = double(y.size()) * (0.1 * double(f.places()) + 0.5);
        return true;
    }
};

// Elements of window (y, x) that are divided by: those within the image, or within its padding.
inline float counted(const Pool &p, const Frame &f, int64_t y, int64_t x) {
    if (p.padding_counts) return float(f.places());
    int64_t count = 1;
    const int64_t at[2] = {y, x};
    for (int i = 0; i < 2; ++i) {
        int64_t inside = 0;
        for (int64_t k = 0; k < p.window.kernel[i]; ++k) {
            const int64_t place = at[i] * p.window.step[i] + k * p.window.gap[i] - f.before[i];
            inside += place >= 0 && place < f.size[i];
        }
        count *= inside;
    }
    return float(count);
}

inline void greatest_places(const float *image, const int64_t *places, int64_t n, int64_t count, float *to) {
    for (int64_t p = 0; p < count; p += 2 * kLanes) {
        Floats a = load(image + p + places[0]), b = load(image + p + places[0] + kLanes);
        for (int64_t i = 1; i < n; ++i) {
            const Floats x = load(image + p + places[i]), y = load(image + p + places[i] + kLanes);
            a = pick(Ints(x != x) | Ints(a < x), x, a), b = pick(Ints(y != y) | Ints(b < y), y, b);
        }
        store(to + p, a), store(to + p + kLanes, b);
    }
}

// Sums over a kernel's places for a stretch of positions, a multiple of 4 vectors.
inline void sum_places(const float *image, const int64_t *places, const float *w, int64_t n, int64_t count, float *to) {
    for (int64_t p = 0; p < count; p += 4 * kLanes) {
        Floats s0{}, s1{}, s2{}, s3{};
        for (int64_t i = 0; i < n; ++i) {
            const float *x = image + p + places[i];
            const Floats weight = splat(w[i]);
            s0 = multiply_add(weight, load(x), s0), s1 = multiply_add(weight, load(x + kLanes), s1);
            s2 = multiply_add(weight, load(x + 2 * kLanes), s2), s3 = multiply_add(weight, load(x + 3 * kLanes), s3);
        }
        store(to + p, s0), store(to + p + kLanes, s1), store(to + p + 2 * kLanes, s2), store(to + p + 3 * kLanes, s3);
    }
}

inline void run(const Pool &pool, const Call &c) {
    constexpr int64_t stretch = 512;
    int64_t dims[5]{};
    Conv::image(pool.window, c.in[0], dims);
    Frame f;
    f.fit(pool.window, dims[3], dims[4]);
    const Memory offsets(size_t(f.places()) * sizeof(int64_t));
    f.remember_places(offsets.as<int64_t>());
    const int64_t n = f.places(), plane = f.plane(), positions = f.positions(), windows = f.windows();
    const Memory table(pool.average ? size_t(windows + n) * sizeof(float) : 0);
    float *const divisors = table.as<float>(), *const ones = divisors + windows;
    if (pool.average) {
        for (int64_t i = 0; i < windows; ++i) divisors[i] = counted(pool, f, i / f.out[1], i % f.out[1]);
        for (int64_t i = 0; i < n; ++i) ones[i] = 1;
    }
    const float outside = pool.average ? 0 : -INFINITY;
    spread(dims[0] * dims[1], c.threads, [&](int64_t channel) {
        const size_t floats = size_t(plane + 2 * stretch);
        float *const image = reinterpret_cast<float *>(scratch((floats + 16) * 4 + stretch * sizeof(Run)));
        float *const tile = image + plane + stretch;
        Run *const runs = reinterpret_cast<Run *>(image + (floats + 15) / 16 * 16);
        f.lay_out(c.in[0].as<float>() + channel * f.size[0] * f.size[1], image, outside);
        for (int64_t i = 0; i < stretch; ++i) image[plane + i] = 0;
        float *const out = c.out[0].as<float>() + channel * windows;
        for (int64_t first = 0; first < positions; first += stretch) {
            const int64_t count = smaller(positions - first, stretch);
            const int64_t wide = (count + 4 * kLanes - 1) / (4 * kLanes) * (4 * kLanes);
            if (pool.average)
                sum_places(image + first, f.offsets, ones, n, wide, tile);
            else
                greatest_places(image + first, f.offsets, n, wide, tile);
            const int64_t n_runs = runs_of(f, first, count, runs);
            for (int64_t r = 0; r < n_runs; ++r) {
                float *to = out + runs[r].to;
                const float *from = tile + runs[r].at;
                if (pool.average)
                    for (int64_t j = 0; j < runs[r].count; ++j) to[j] = from[j] / divisors[runs[r].to + j];
                else
                    std::memcpy(to, from, size_t(runs[r].count) * sizeof(float));
            }
        }
    });
}

}  // namespace celeris::CELERIS_TARGET
