// label_encoder: each value of the input looked up among the keys; the value there, or the default.
#pragma once

#include "kernels/hash_index.h"

namespace celeris {

struct LabelEncoder : KernelState {
    Type from, to;
    int64_t width;
    HashIndex keys;
    std::vector<double> reals;  // values, by `to`; one more than keys: the default comes last
    std::vector<int64_t> integers;
    std::vector<std::string> texts;
    std::vector<Str> views;

    explicit LabelEncoder(const Params &p) {
        p.arity(1, 1);
        from = p.in[0].type, to = p.out[0].type, width = p.in[0].width;
        require(p.out[0].width == width, "label_encoder: expected equal widths");
        keys.build(p, from);
        size_t values = 0;
        if (to == Type::str) {
            texts = p.strings("values");
            for (const std::string &s : texts) views.push_back({s.data(), int64_t(s.size())});
            values = texts.size();
        } else if (to == Type::i64) {
            values = (integers = p.integers("values")).size();
        } else {
            require(to == Type::f32 || to == Type::f64, "label_encoder: expected values of i64, f32, f64 or str");
            values = (reals = p.doubles("values")).size();
        }
        require(values == keys.bits.size() + 1, "label_encoder: expected a value a key, and the default");
        cost = 8 * double(width);
    }
};

namespace CELERIS_TARGET {

template <class From, class To, class Value>
void encode(const LabelEncoder &k, const Block &b, const Value *values) {
    const int32_t otherwise = int32_t(k.keys.bits.size());
    const int64_t rows = b.rows;
    for (int64_t c = 0; c < k.width; ++c) {
        const From *x = b.in[0].column<From>(c);
        To *y = b.out[0].column<To>(c);
        if constexpr (sizeof(From) != sizeof(Str))
            if (k.keys.few() && rows > 1) {
                int32_t at[kFound];
                for (int64_t first = 0; first < rows; first += kFound) {
                    const int64_t n = rows - first < kFound ? rows - first : kFound;
                    find_some(k.keys, x + first, n, at);
                    for (int64_t r = 0; r < n; ++r) y[first + r] = To(values[at[r]]);
                }
                continue;
            }
        for (int64_t r = 0; r < rows; ++r) {
            const int32_t at = find<From>(k.keys, x[r]);
            y[r] = To(values[at < 0 ? otherwise : at]);
        }
    }
}

template <class From>
void encode_from(const LabelEncoder &k, const Block &b) {
    switch (k.to) {
        case Type::str: encode<From, Str>(k, b, k.views.data()); break;
        case Type::i64: encode<From, int64_t>(k, b, k.integers.data()); break;
        case Type::f64: encode<From, double>(k, b, k.reals.data()); break;
        default: encode<From, float>(k, b, k.reals.data()); break;
    }
}

inline void run(const LabelEncoder &k, const Block &b) {
    switch (k.from) {
        case Type::str: encode_from<Str>(k, b); break;
        case Type::i64: encode_from<int64_t>(k, b); break;
        case Type::f64: encode_from<double>(k, b); break;
        default: encode_from<float>(k, b); break;
    }
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
