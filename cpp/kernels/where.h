// where: condition ? a : b, element by element; the condition is a register, a and b are operands.
#pragma once

#include <algorithm>

#include "kernels/operand.h"

namespace celeris {

struct Where : KernelState {
    size_t size;
    int64_t width, together;
    Operand condition, a, b;

    explicit Where(const Params &p) {
        require(p.in.size() >= 1 && p.in.size() <= 3 && p.out.size() == 1, "where: expected one to three inputs, one output");
        const Type type = p.out[0].type;
        size = size_of(type), width = p.out[0].width;
        int next = 0;
        condition.read(p, "condition", width, Type::u8, next);
        a.read(p, "a", width, type, next);
        b.read(p, "b", width, type, next);
        require(size_t(next) == p.in.size(), "where: expected a register for each operand that is no constant");
        together = std::min({condition.together(width), a.together(width), b.together(width)});
        cost = 0.4 * double(width), keeps_rows = type != Type::str && condition.keeps_rows() && a.keeps_rows() && b.keeps_rows();
    }
};

namespace CELERIS_TARGET {

template <class T>
inline void choose_lane(Lane<uint8_t> condition, Lane<T> a, Lane<T> b, T *y, int64_t n) {
    const uint8_t *c = condition.data;
    const T *x0 = a.data, *x1 = b.data;
    if (condition.step == 0) {
        const Lane<T> chosen = *c ? a : b;
        if (chosen.step == 0)
            lanes(n, [&](int64_t i) { y[i] = *chosen.data; });
        else
            lanes(n, [&](int64_t i) { y[i] = chosen.data[i]; });
    } else if (a.step != 0 && b.step != 0) {
        lanes(n, [&](int64_t i) { y[i] = c[i] ? x0[i] : x1[i]; });
    } else if (a.step != 0) {
        const T k = *x1;
        lanes(n, [&](int64_t i) { y[i] = c[i] ? x0[i] : k; });
    } else if (b.step != 0) {
        const T k = *x0;
        lanes(n, [&](int64_t i) { y[i] = c[i] ? k : x1[i]; });
    } else {
        const T yes = *x0, no = *x1;
        lanes(n, [&](int64_t i) { y[i] = c[i] ? yes : no; });
    }
}

template <class T>
void where(const Where &k, const Block &b) {
    const Stretches all(b, k.width, k.together, k.condition.like(), k.a.like(), k.b.like());
    each_stretch(all, [&](const Stretch &s) {
        choose_lane(lane_of<uint8_t>(k.condition, b, s), lane_of<T>(k.a, b, s), lane_of<T>(k.b, b, s), s.of<T>(b.out[0]), s.n);
    });
}

inline void run(const Where &k, const Block &b) {
    switch (k.size) {
        case 1: return where<uint8_t>(k, b);
        case 4: return where<uint32_t>(k, b);
        case 8: return where<uint64_t>(k, b);
        default: return where<Str>(k, b);
    }
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
