// binarizer: 1 where x > threshold, else 0; a NaN is refused.
#pragma once

#include "engine/target.h"

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
        cost = 0.3 * double(width), elementwise = true;
    }
};

namespace CELERIS_TARGET {

inline void run(const Binarizer &k, const Block &b) {
    for_number(k.type, [&](auto *t) {
        for_rows(b.rows, [&](auto rows) {
            using T = pointee<decltype(t)>;
            const double threshold = k.threshold;
            for (int64_t c = 0; c < k.width; ++c) {
                const T *x = b.in[0].column<T>(c);
                T *y = b.out[0].column<T>(c);
                lanes(rows, [&](int64_t r) { y[r] = T(double(x[r]) > threshold); });
                if constexpr (T(0.5) != 0) {
                    int64_t unknown = 0;
                    for (int64_t r = 0; r < rows; ++r) unknown |= int64_t(x[r] != x[r]);
                    if (unknown != 0) *b.refused = true;
                }
            }
        });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
