// How a kernel moves over an image: sizes, steps, padding; and an image laid out so that every window's elements at one
// place of the kernel lie one after the other.
//
// Such an image is padded, and split into `down` x `across` phases where the kernel moves by more than one element: the
// element of window p at kernel place k stands at p + place(k), with p = y * columns + x. Between the windows of two rows
// lie columns - out_width positions that are no windows.
#pragma once

#include "tensor/functions.h"
#include "tensor/tensor.h"

namespace celeris::CELERIS_TARGET {

struct Window {
    int64_t kernel[2], step[2], gap[2], before[2], after[2];
    enum Automatic { none, valid, same_upper, same_lower } automatic;
    bool ceil;
    int64_t axes;  // of the image, besides images and channels: one to three

    // Parameters "kernel", "strides", "dilations" (two each), "pads" (four), "auto_pad", "axes".
    explicit Window(const Params &p) : axes(p.integer("axes")) {
        const auto two = [&](const char *name, int64_t *to, int64_t from = 0) {
            const std::vector<int64_t> given = p.integers(name);
            require(int64_t(given.size()) >= from + 2, "window: expected two sizes");
            for (int64_t i = 0; i < 2; ++i) to[i] = given[size_t(from + i)];
        };
        two("kernel", kernel), two("strides", step), two("dilations", gap), two("pads", before), two("pads", after, 2);
        const std::string name = p.text("auto_pad");
        automatic = name == "VALID" ? valid : name == "SAME_UPPER" ? same_upper : name == "SAME_LOWER" ? same_lower : none;
        ceil = p.has("ceil_mode") && p.integer("ceil_mode") != 0;
        for (int i = 0; i < 2; ++i)
            require(kernel[i] > 0 && step[i] > 0 && gap[i] > 0 && before[i] >= 0 && after[i] >= 0, "window: sizes");
    }
};

// A Window over an image of one size.
struct Frame {
    int64_t size[2]{}, out[2]{}, before[2]{};
    int64_t phases[2]{}, rows = 0, columns = 0;  // of the laid out image
    bool direct = false;                         // the image already lies so
    const Window *window = nullptr;
    const int64_t *offsets = nullptr;  // of the places, once they are remembered

    // False where no window fits.
    bool fit(const Window &w, int64_t height, int64_t width) {
        window = &w, size[0] = height, size[1] = width;
        bool padded = false;
        for (int i = 0; i < 2; ++i) {
            const int64_t reach = (w.kernel[i] - 1) * w.gap[i] + 1;
            before[i] = w.automatic == Window::none ? w.before[i] : 0;
            int64_t after = w.automatic == Window::none ? w.after[i] : 0;
            if (w.automatic >= Window::same_upper) {
                out[i] = (size[i] + w.step[i] - 1) / w.step[i];
                const int64_t total = greater((out[i] - 1) * w.step[i] + reach - size[i], 0);
                before[i] = w.automatic == Window::same_upper ? total / 2 : total - total / 2;
                after = total - before[i];
            }
            const int64_t free = size[i] + before[i] + after - reach;
            if (free < 0 || size[i] <= 0) return false;
            out[i] = (w.ceil ? (free + w.step[i] - 1) / w.step[i] : free / w.step[i]) + 1;
            if (w.ceil && (out[i] - 1) * w.step[i] >= size[i] + before[i]) --out[i];
            phases[i] = smaller(w.step[i], reach);
            (i == 0 ? rows : columns) = ((out[i] - 1) * w.step[i] + reach + w.step[i] - 1) / w.step[i];
            padded = padded || before[i] > 0 || (out[i] - 1) * w.step[i] + reach > size[i];
        }
        direct = !padded && w.step[0] == 1 && w.step[1] == 1;
        if (direct) rows = height, columns = width;
        return true;
    }
    int64_t plane() const { return phases[0] * phases[1] * rows * columns; }  // elements of one channel, laid out
    int64_t positions() const { return (out[0] - 1) * columns + out[1]; }
    int64_t windows() const { return out[0] * out[1]; }
    int64_t places() const { return window->kernel[0] * window->kernel[1]; }
    int64_t place(int64_t k) const { return offsets == nullptr ? found(k) : offsets[k]; }
    // From here on places are read and not divided out; `room` has one number for each.
    void remember_places(int64_t *room) {
        for (int64_t k = 0; k < places(); ++k) room[k] = found(k);
        offsets = room;
    }
    int64_t found(int64_t k) const {
        const int64_t y = k / window->kernel[1] * window->gap[0], x = k % window->kernel[1] * window->gap[1];
        const int64_t phase = y % window->step[0] * phases[1] + x % window->step[1];
        return (phase * rows + y / window->step[0]) * columns + x / window->step[1];
    }

    // One channel laid out, with `fill` around it.
    template <class T>
    void lay_out(const T *from, T *to, T fill) const {
        const int64_t step = window->step[1];
        const T *const end = to + plane();
        T *filled = to;  // so far everything is written
        const auto fill_up_to = [&](T *stop) {
            for (; filled < stop; ++filled) {
                *filled = fill;
                asm volatile("");  // GCC would call memset for one element, too
            }
        };
        for (int64_t py = 0; py < phases[0]; ++py)
            for (int64_t px = 0; px < phases[1]; ++px) {
                const int64_t shift = px - before[1];  // column c shows x = c * step + shift
                const int64_t first = smaller(columns, shift < 0 ? (-shift + step - 1) / step : 0);
                const int64_t last = greater(first, smaller(columns, (size[1] - shift + step - 1) / step));
                int64_t y = py - before[0];
                for (int64_t r = 0; r < rows; ++r, y += window->step[0], to += columns) {
                    if (y < 0 || y >= size[0]) {
                        for (; filled < to + columns; ++filled) *filled = fill;
                        continue;
                    }
                    fill_up_to(to + first);
                    filled = copy_every(step, from + y * size[1] + first * step + shift, to + first, last - first, fill, end);
                    fill_up_to(to + columns);
                }
            }
    }

private:
    // Returns where what it wrote ends: it may `fill` some more.
    template <class T>
    static T *copy_every(int64_t step, const T *from, T *to, int64_t n, [[maybe_unused]] T fill, [[maybe_unused]] const T *end) {
        if constexpr (sizeof(T) == sizeof(float)) {
#if defined(__AVX512F__)
            if (step == 1 && end - to >= n + kLanes) {  // in as few stores as can be: loads that span two wait until both are done
                int64_t i = 0;
                for (; i + kLanes <= n; i += kLanes) store(to + i, load(from + i));
                store(to + i, Floats(_mm512_mask_loadu_ps(_mm512_set1_ps(fill), __mmask16((1u << (n - i)) - 1), from + i)));
                return to + i + kLanes;
            }
#endif
            if (step == 1) return copy(from, to, n), to + n;
            if (step == 2) return copy_evens(from, to, n), to + n;
        }
        if (step == 1) {
            std::memcpy(to, from, size_t(n) * sizeof(T));
        } else if (step == 2) {  // for the compiler to make vectors of
            for (int64_t c = 0; c < n; ++c) to[c] = from[c * 2];
        } else {
            for (int64_t c = 0; c < n; ++c) to[c] = from[c * step];
        }
        return to + n;
    }
};

// A run of windows of one row: where it stands among positions, and where in the output.
struct Run {
    int64_t at, to, count;
};

// The runs of windows among `count` positions from `first` on; returns how many.
inline int64_t runs_of(const Frame &f, int64_t first, int64_t count, Run *runs) {
    int64_t n = 0;
    for (int64_t p = first; p < first + count;) {
        const int64_t y = p / f.columns, x = p % f.columns;
        if (x < f.out[1]) {
            const int64_t left = f.out[1] - x, most = first + count - p;
            runs[n++] = {p - first, y * f.out[1] + x, left < most ? left : most};
        }
        p += f.columns - x;
    }
    return n;
}

}  // namespace celeris::CELERIS_TARGET
