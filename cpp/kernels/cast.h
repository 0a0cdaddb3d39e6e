// cast: each element in another type.
#pragma once

#include "kernels/stretch.h"

namespace celeris {

struct Cast : KernelState {
    Type from, to;
    int64_t width;

    explicit Cast(const Params &p) {
        p.arity(1, 1);
        from = p.in[0].type, to = p.out[0].type, width = p.in[0].width;
        require(from != Type::str && to != Type::str && p.out[0].width == width, "cast: expected equal registers of numbers");
        cost = 0.5 * double(width), keeps_rows = true;
    }
};

namespace CELERIS_TARGET {

// A real number beyond the integers' range, or NaN, becomes the least integer, as x86's conversions do.
template <class To, class From>
inline To converted(From x) {
    if constexpr (std::is_same_v<To, uint8_t>) {
        return uint8_t(x != 0);
    } else if constexpr (From(0.5) != 0 && To(0.5) == 0) {
        constexpr From limit = From(uint64_t(1) << (sizeof(To) * 8 - 1));
        constexpr To least = To(uint64_t(1) << (sizeof(To) * 8 - 1));
        const bool fits = sizeof(From) == 8 && sizeof(To) == 4 ? x > -limit - 1 && x < limit : x >= -limit && x < limit;
        return fits ? To(x) : least;
    } else {
        return To(x);
    }
}

inline void run(const Cast &k, const Block &b) {
    for_number(k.from, [&](auto *from) {
        for_number(k.to, [&](auto *to) {
            using From = pointee<decltype(from)>;
            using To = pointee<decltype(to)>;
            each_stretch(all_elements(b, k.width), [&](const Stretch &s) {
                const From *x = s.of<From>(b.in[0]);
                To *y = s.of<To>(b.out[0]);
                lanes(s.n, [&](int64_t i) { y[i] = converted<To>(x[i]); });
            });
        });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
