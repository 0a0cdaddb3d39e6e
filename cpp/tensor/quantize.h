// quantize: float32 to 8 bits, back, with a scale found from the values, or the sum or product of two quantised tensors.
#pragma once

#include "tensor/tiles.h"
#include "tensor/tensor.h"

namespace celeris::CELERIS_TARGET {

struct Quantize : TensorState {
    enum Way { down, up, fitting, sum, product } way;
    bool signed_result;
    float scales[3];   // of the first operand, the second, the result
    int32_t zeros[3];

    explicit Quantize(const Params &p) {
        way = Way(p.integer("way")), signed_result = p.integer("signed_result") != 0;
        const std::vector<float> s = p.floats("scales");
        const std::vector<int32_t> z = p.integers32("zeros");
        require(s.size() == 3 && z.size() == 3, "quantize: expected three scales and zeros");
        for (int i = 0; i < 3; ++i) scales[i] = s[size_t(i)], zeros[i] = z[size_t(i)];
    }
    Element bytes() const { return signed_result ? Element::i8 : Element::u8; }
    bool two() const { return way == sum || way == product; }
    // Whether the elements of `some` come again and again along those of `all`: its axes are the last ones.
    static bool repeats(const Tensor &some, const Tensor &all) {
        if (some.rank > all.rank) return false;
        bool first = true;
        for (int i = 0; i < some.rank; ++i) {
            first = first && some.dims[i] == 1;
            if (!first && some.dims[i] != all.dims[all.rank - some.rank + i]) return false;
        }
        return true;
    }

    bool plan(Call &c, double &cost) const {
        const bool real = way == down || way == fitting;
        if (c.inputs != (two() ? 2 : 1) || c.outputs != (way == fitting ? 3 : 1)) return false;
        const bool turned = two() && !repeats(c.in[1], c.in[0]);
        const Tensor &x = c.in[turned];
        if (x.element != (real ? Element::f32 : bytes())) return false;
        if (two() && (c.in[0].element != c.in[1].element || !repeats(c.in[!turned], x))) return false;
        c.out[0] = x;
        c.out[0].element = way == up ? Element::f32 : bytes();
        if (way == fitting) c.out[1].shape(Element::f32, 0), c.out[2].shape(Element::u8, 0);
        cost = (way == fitting ? 0.3 : 0.15) * double(x.size());
        return true;
    }
};

// round(x / scale) + zero, limited; NaN gives 0, as in the reference tier.
inline void quantize_some(const float *x, int64_t n, float scale, int32_t zero, bool is_signed, std::byte *to) {
    const float low = float((is_signed ? -128 : 0) - zero), high = float((is_signed ? 127 : 255) - zero);
    int8_t *bytes = reinterpret_cast<int8_t *>(to);
    CELERIS_LANES
    for (int64_t i = 0; i < n; ++i) {
        float v = x[i] / scale;
        v = v < low ? low : v;
        v = v > high ? high : v;
        v = v == v ? v : -float(zero);
        bytes[i] = int8_t(int32_t((v + 0x1.8p23f) - 0x1.8p23f) + zero);
    }
}

inline void dequantize_some(const std::byte *x, int64_t n, float scale, int32_t zero, bool is_signed, float *to) {
    if (is_signed) {
        const int8_t *bytes = reinterpret_cast<const int8_t *>(x);
        CELERIS_LANES
        for (int64_t i = 0; i < n; ++i) to[i] = float(int32_t(bytes[i]) - zero) * scale;
    } else {
        const uint8_t *bytes = reinterpret_cast<const uint8_t *>(x);
        CELERIS_LANES
        for (int64_t i = 0; i < n; ++i) to[i] = float(int32_t(bytes[i]) - zero) * scale;
    }
}

// The scale and zero point that fit a tensor's range, 0 included (DynamicQuantizeLinear-11).
inline void fit_range(const float *x, int64_t n, float *scale, int32_t *zero) {
    Floats least{}, most{};
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) least = at_most(least, load(x + i)), most = at_least(most, load(x + i));
    float low = 0, high = 0;
    for (int64_t j = 0; j < kLanes; ++j) low = least[j] < low ? least[j] : low, high = most[j] > high ? most[j] : high;
    for (; i < n; ++i) low = x[i] < low ? x[i] : low, high = x[i] > high ? x[i] : high;
    *scale = high > low ? (high - low) / 255.0f : 1.0f;
    float at = -low / *scale;
    at = at > 255 ? 255 : at;
    *zero = int32_t((at + 0x1.8p23f) - 0x1.8p23f);
}

// An operand's values along the result. One that comes again and again is at hand as floats, for as long as a stretch.
struct QuantizedOperand {
    static constexpr int64_t stretch = 1024;
    const std::byte *bytes;
    float scale;
    int32_t zero;
    bool is_signed;
    int64_t period;  // of what is at hand, or 0
    Memory table;

    QuantizedOperand(const Quantize &s, const Call &c, int at)
        : bytes(c.in[at].data), scale(s.scales[at]), zero(s.zeros[at]), is_signed(s.signed_result),
          period(period_of(c.in[at].size(), c.out[0].size())), table(size_t(period) * sizeof(float)) {
        const int64_t own = c.in[at].size();
        float *const values = table.as<float>();
        if (period > 0) dequantize_some(bytes, own, scale, zero, is_signed, values);
        for (int64_t i = own; i < period; i += own) std::memcpy(values + i, values, size_t(own) * sizeof(float));
    }
    static int64_t period_of(int64_t own, int64_t all) { return own == all || own == 0 ? 0 : panels_of(stretch, own) * own; }
    void read(int64_t first, int64_t n, float *to) const {
        if (period == 0) return dequantize_some(bytes + first, n, scale, zero, is_signed, to);
        for (int64_t at = first % period; n > 0; at = 0) {
            const int64_t some = smaller(n, period - at);
            copy(table.as<float>() + at, to, some);
            to += some, n -= some;
        }
    }
};

inline void run(const Quantize &s, const Call &c) {
    constexpr int64_t stretch = QuantizedOperand::stretch;
    const int64_t size = c.out[0].size();
    float scale = s.scales[2];
    int32_t zero = s.zeros[2];
    if (s.way == Quantize::fitting) {
        fit_range(c.in[0].as<float>(), size, &scale, &zero);
        *c.out[1].as<float>() = scale, *c.out[2].as<uint8_t>() = uint8_t(zero);
    }
    const QuantizedOperand a(s, c, 0), b(s, c, s.two());
    spread(panels_of(size, 16 * stretch), c.threads, [&](int64_t unit) {
        const int64_t stop = smaller(size, (unit + 1) * 16 * stretch);
        float *const one = reinterpret_cast<float *>(scratch(2 * stretch * sizeof(float))), *const other = one + stretch;
        for (int64_t first = unit * 16 * stretch; first < stop; first += stretch) {
            const int64_t n = smaller(stretch, stop - first);
            if (s.way == Quantize::up) {
                dequantize_some(c.in[0].data + first, n, s.scales[0], s.zeros[0], s.signed_result, c.out[0].as<float>() + first);
            } else if (s.two()) {
                a.read(first, n, one), b.read(first, n, other);
                if (s.way == Quantize::sum) {
                    CELERIS_LANES
                    for (int64_t i = 0; i < n; ++i) one[i] += other[i];
                } else {
                    CELERIS_LANES
                    for (int64_t i = 0; i < n; ++i) one[i] *= other[i];
                }
                quantize_some(one, n, scale, zero, s.signed_result, c.out[0].data + first);
            } else {
                quantize_some(c.in[0].as<float>() + first, n, scale, zero, s.signed_result, c.out[0].data + first);
            }
        }
    });
}

}  // namespace celeris::CELERIS_TARGET
