// cumulative_sum: each column the sum of those before it, with itself or without, from the left or from the right.
#pragma once

#include "engine/target.h"

namespace celeris {

struct CumulativeSum : KernelState {
    Type type;
    int64_t width;
    bool exclusive, reverse;

    explicit CumulativeSum(const Params &p) : exclusive(p.integer("exclusive") != 0), reverse(p.integer("reverse") != 0) {
        p.arity(1, 1);
        type = p.in[0].type, width = p.in[0].width;
        require(type != Type::str && type != Type::u8 && p.out[0].type == type && p.out[0].width == width,
                "cumulative_sum: expected equal registers of numbers");
        cost = 0.5 * double(width);
        scratch_per_row = 8;
    }
};

namespace CELERIS_TARGET {

template <class T>
inline T wrapped_sum(T a, T b) {
    if constexpr (T(0.5) != 0)
        return a + b;
    else
        return T(uint64_t(a) + uint64_t(b));
}

inline void run(const CumulativeSum &k, const Block &b) {
    for_number(k.type, [&](auto *t) {
        for_rows(b.rows, [&](auto rows) {
            using T = pointee<decltype(t)>;
            T *sum = reinterpret_cast<T *>(b.scratch);
            lanes(rows, [&](int64_t r) { sum[r] = 0; });
            for (int64_t i = 0; i < k.width; ++i) {
                const int64_t c = k.reverse ? k.width - 1 - i : i;
                const T *x = b.in[0].column<T>(c);
                T *y = b.out[0].column<T>(c);
                if (k.exclusive)
                    lanes(rows, [&](int64_t r) { y[r] = sum[r], sum[r] = wrapped_sum(sum[r], x[r]); });
                else
                    lanes(rows, [&](int64_t r) { y[r] = sum[r] = wrapped_sum(sum[r], x[r]); });
            }
        });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
