// binarizer: 1 where x > threshold, else 0; a NaN is refused.
#pragma once

#include "kernels/stretch.h"

namespace celeris {

struct Binarizer : KernelState {
    Type type;
    int64_t width;
    double threshold;

    explicit Binarizer(const Params &p) : threshold(p.number("threshold")) {
        p.arity(1, 1);
        type = p.in[0].type, width = p.in[0].width;
        require(type != Type::str && p.out[0].type == type && p.out[0].width == width,
                "binarizer: expected equal registers of numbers");
        cost = 0.3 * double(width), keeps_rows = true;
    }
};

namespace CELERIS_TARGET {

inline void run(const Binarizer &k, const Block &b) {
    for_number(k.type, [&](auto *t) {
        using T = pointee<decltype(t)>;
        const double threshold = k.threshold;
        each_stretch(all_elements(b, k.width), [&](const Stretch &s) {
            const T *x = s.of<T>(b.in[0]);
            T *y = s.of<T>(b.out[0]);
            int64_t unknown = 0;
            for (int64_t i = 0; i < s.n; ++i) {
                y[i] = T(double(x[i]) > threshold);
                unknown |= int64_t(x[i] != x[i]);
            }
            if (unknown != 0) *b.refused = true;
        });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
