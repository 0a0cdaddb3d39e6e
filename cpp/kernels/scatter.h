// scatter: each row's columns with updates at the places that its indices name, or added to what is there, in order.
#pragma once

#include "engine/target.h"

namespace celeris {

struct Scatter : KernelState {
    Type type, from;
    int64_t width, count;
    bool add;

    explicit Scatter(const Params &p) : add(p.integer("add") != 0) {
        p.arity(3, 1);
        type = p.in[0].type, width = p.in[0].width, from = p.in[1].type, count = p.in[1].width;
        require(type != Type::str && p.out[0].type == type && p.out[0].width == width, "scatter: expected equal registers of numbers");
        require(from == Type::i64 || from == Type::i32, "scatter: expected indices of i64 or i32");
        require(p.in[2].type == type && p.in[2].width == count, "scatter: expected an update for each index");
        cost = 0.2 * double(width) + double(count);
    }
};

namespace CELERIS_TARGET {

template <class T, class Index>
void scatter(const Scatter &k, const Block &b) {
    for (int64_t c = 0; c < k.width; ++c)
        std::memcpy(b.out[0].column<T>(c), b.in[0].column<T>(c), size_t(b.rows) * sizeof(T));
    T *const y = b.out[0].column<T>(0);
    for (int64_t i = 0; i < k.count; ++i) {
        const Index *index = b.in[1].column<Index>(i);
        const T *x = b.in[2].column<T>(i);
        for (int64_t r = 0; r < b.rows; ++r) {
            const int64_t at = int64_t(index[r]) + (index[r] < 0 ? k.width : 0);
            if (at < 0 || at >= k.width) {
                *b.refused = true;
                continue;
            }
            T &to = y[at * b.out[0].stride + r];
            if constexpr (T(0.5) != 0)
                to = k.add ? T(to + x[r]) : x[r];
            else
                to = k.add ? T(uint64_t(to) + uint64_t(x[r])) : x[r];
        }
    }
}

inline void run(const Scatter &k, const Block &b) {
    for_number(k.type, [&](auto *t) {
        using T = pointee<decltype(t)>;
        if (k.from == Type::i64)
            scatter<T, int64_t>(k, b);
        else
            scatter<T, int32_t>(k, b);
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
