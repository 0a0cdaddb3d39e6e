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

// Whether a number is one as an integer of 64 bits, truncated; else it is in no category.
template <class From>
inline bool fits_integer(From v) {
    return double(v) > -9.2e18 && double(v) < 9.2e18;
}

// Of few categories: rows are compared with each. False where a row is in none.
template <class From>
bool one_hot_few(const OneHot &k, const From *x, const View &out, int64_t c, int64_t rows) {
    int64_t integer[kFound];
    int32_t at[kFound], known = 1;
    for (int64_t first = 0; first < rows; first += kFound) {
        const int64_t n = rows - first < kFound ? rows - first : kFound;
        const From *from = x + first;
        lanes(n, [&](int64_t r) { integer[r] = fits_integer(from[r]) ? int64_t(from[r]) : 0; });
        find_some(k.keys, integer, n, at);
        lanes(n, [&](int64_t r) { at[r] = fits_integer(from[r]) ? at[r] : int32_t(k.categories); });
        for (int32_t i = 0; i < k.categories; ++i) {
            float *y = out.column<float>(c * k.categories + i) + first;
            lanes(n, [&](int64_t r) { y[r] = at[r] == i ? 1.0f : 0.0f; });
        }
        for (int64_t r = 0; r < n; ++r) known &= at[r] < k.categories;
    }
    return known != 0;
}

template <class From>
void one_hot(const OneHot &k, const Block &b) {
    const int64_t rows = b.rows;
    for (int64_t c = 0; c < k.width; ++c) {
        const From *x = b.in[0].column<From>(c);
        if constexpr (sizeof(From) != sizeof(Str))
            if (k.keys.few() && rows > 1) {
                if (!one_hot_few(k, x, b.out[0], c, rows) && !k.zeros) *b.refused = true;
                continue;
            }
        for (int64_t i = 0; i < k.categories; ++i)
            std::memset(b.out[0].column<float>(c * k.categories + i), 0, size_t(rows) * sizeof(float));
        for (int64_t r = 0; r < rows; ++r) {
            int32_t at;
            if constexpr (sizeof(From) == sizeof(Str))
                at = find<Str>(k.keys, x[r]);
            else
                at = fits_integer(x[r]) ? find<int64_t>(k.keys, int64_t(x[r])) : -1;
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
