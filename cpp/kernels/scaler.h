// scaler: (x - offset) * scale, column by column, rounded once.
#pragma once

#include "engine/target.h"

namespace celeris {

struct Scaler : KernelState {
    Type from, to;
    int64_t width;
    std::vector<double> offset, scale;  // [width]

    explicit Scaler(const Params &p) {
        p.arity(1, 1);
        from = p.in[0].type, to = p.out[0].type, width = p.in[0].width;
        offset = p.doubles("offset"), scale = p.doubles("scale");
        require(from != Type::str && (to == Type::f32 || to == Type::f64), "scaler: expected numbers to f32 or f64");
        require(p.out[0].width == width && int64_t(offset.size()) == width && int64_t(scale.size()) == width,
                "scaler: expected an offset and a scale a column");
        cost = 0.5 * double(width), elementwise = alike(offset) && alike(scale);
    }
};

namespace CELERIS_TARGET {

inline void run(const Scaler &k, const Block &b) {
    for_number(k.from, [&](auto *from) {
        for_real(k.to, [&](auto *to) {
            for_rows(b.rows, [&](auto rows) {
                using From = pointee<decltype(from)>;
                using To = pointee<decltype(to)>;
                for (int64_t c = 0; c < k.width; ++c) {
                    const From *x = b.in[0].column<From>(c);
                    To *y = b.out[0].column<To>(c);
                    const double offset = k.offset[size_t(c)], scale = k.scale[size_t(c)];
                    lanes(rows, [&](int64_t r) { y[r] = To((double(x[r]) - offset) * scale); });
                }
            });
        });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
