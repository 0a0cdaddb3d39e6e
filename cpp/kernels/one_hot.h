// one_hot: [width] values -> [width, categories] of 0 and 1; an unknown value gives zeros, or is refused.
#pragma once

#include "kernels/hash_index.h"

namespace celeris {

struct OneHot : KernelState {
    Type from;
    int64_t width, categories;
    bool zeros;
    HashIndex keys;

    explicit OneHot(const Params &p) : zeros(p.integer("zeros") != 0) {
        p.arity(1, 1);
        from = p.in[0].type, width = p.in[0].width;
        // Numbers are compared as integers, truncated, as onnxruntime does.
        keys.build(p, from == Type::str ? Type::str : Type::i64);
        categories = int64_t(keys.bits.size());
        require(p.out[0].type == Type::f32 && p.out[0].width == width * categories,
                "one_hot: expected an f32 output of width x categories");
        cost = (8 + 0.2 * double(categories)) * double(width);
    }
};

namespace CELERIS_TARGET {

template <class From>
void one_hot(const OneHot &k, const Block &b) {
    const int64_t rows = b.rows;
    for (int64_t c = 0; c < k.width * k.categories; ++c)
        std::memset(b.out[0].column<float>(c), 0, size_t(rows) * sizeof(float));
    for (int64_t c = 0; c < k.width; ++c) {
        const From *x = b.in[0].column<From>(c);
        for (int64_t r = 0; r < rows; ++r) {
            int32_t at;
            if constexpr (sizeof(From) == sizeof(Str)) {
                at = find<Str>(k.keys, x[r]);
            } else {
                const double v = double(x[r]);
                at = v > -9.2e18 && v < 9.2e18 ? find<int64_t>(k.keys, int64_t(x[r])) : -1;
            }
            if (at >= 0)
                b.out[0].column<float>(c * k.categories + at)[r] = 1;
            else if (!k.zeros)
                *b.refused = true;
        }
    }
}

inline void run(const OneHot &k, const Block &b) {
    if (k.from == Type::str)
        one_hot<Str>(k, b);
    else
        for_number(k.from, [&](auto *t) { one_hot<pointee<decltype(t)>>(k, b); });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
