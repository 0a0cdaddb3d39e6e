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

// Numbers beyond the integers are in no category.
template <class From>
void find_categories(const OneHot &k, const From *x, int64_t n, int32_t *at) {
    if constexpr (sizeof(From) == sizeof(Str)) {
        find_some(k.keys, x, n, at);
    } else {
        const auto fits = [](From v) { return double(v) > -9.2e18 && double(v) < 9.2e18; };
        int64_t integer[kFound];
        lanes(n, [&](int64_t r) { integer[r] = fits(x[r]) ? int64_t(x[r]) : 0; });
        find_some(k.keys, integer, n, at);
        for (int64_t r = 0; r < n; ++r) at[r] = fits(x[r]) ? at[r] : int32_t(k.categories);
    }
}

template <class From>
void one_hot(const OneHot &k, const Block &b) {
    int32_t at[kFound];
    for (int64_t c = 0; c < k.width; ++c)
        for (int64_t first = 0; first < b.rows; first += kFound) {
            const int64_t n = b.rows - first < kFound ? b.rows - first : kFound;
            find_categories(k, b.in[0].column<From>(c) + first, n, at);
            const auto to = [&](int64_t category) { return b.out[0].column<float>(c * k.categories + category) + first; };
            if (k.keys.few()) {
                for (int32_t i = 0; i < k.categories; ++i) lanes(n, [&, y = to(i)](int64_t r) { y[r] = at[r] == i ? 1.0f : 0.0f; });
            } else {
                for (int64_t i = 0; i < k.categories; ++i) std::memset(to(i), 0, size_t(n) * sizeof(float));
                for (int64_t r = 0; r < n; ++r)
                    if (at[r] < k.categories) to(at[r])[r] = 1;
            }
            if (!k.zeros)
                for (int64_t r = 0; r < n; ++r)
                    if (at[r] == k.categories) *b.refused = true;
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
