// scaler: (x - offset) * scale, column by column, rounded once.
#pragma once

#include "kernels/stretch.h"

namespace celeris {

struct Scaler : KernelState {
    Type from, to;
    int64_t width;
    std::vector<double> offset, scale;  // [width], repeated
    bool same;                          // for all columns

    explicit Scaler(const Params &p) {
        p.arity(1, 1);
        from = p.in[0].type, to = p.out[0].type, width = p.in[0].width;
        offset = p.doubles("offset"), scale = p.doubles("scale");
        require(from != Type::str && (to == Type::f32 || to == Type::f64), "scaler: expected numbers to f32 or f64");
        require(p.out[0].width == width && int64_t(offset.size()) == width && int64_t(scale.size()) == width,
                "scaler: expected an offset and a scale a column");
        cost = 0.5 * double(width), keeps_rows = true;
        same = alike(offset) && alike(scale);
        repeat(offset), repeat(scale);
    }
};

namespace CELERIS_TARGET {

inline void run(const Scaler &k, const Block &b) {
    for_number(k.from, [&](auto *from) {
        for_real(k.to, [&](auto *to) {
            using From = pointee<decltype(from)>;
            using To = pointee<decltype(to)>;
            each_stretch(Stretches(b, k.width, k.same ? kAllRows : repeated(k.width), 0, -1, -1), [&](const Stretch &s) {
                const From *x = s.of<From>(b.in[0]);
                To *y = s.of<To>(b.out[0]);
                const auto scaled = [](From v, double offset, double scale) { return To((double(v) - offset) * scale); };
                const Lane<double> offset = constants_of(k.offset.data(), k.same, s), scale = constants_of(k.scale.data(), k.same, s);
                if (offset.step == 0)
                    lanes(s.n, [&, o = *offset.data, f = *scale.data](int64_t i) { y[i] = scaled(x[i], o, f); });
                else
                    lanes(s.n, [&, o = offset.data, f = scale.data](int64_t i) { y[i] = scaled(x[i], o[i], f[i]); });
            });
        });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
