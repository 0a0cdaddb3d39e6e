// score_pair: the columns of two classes from one score s, as ai.onnx.ml classifiers show it.
#pragma once

#include "kernels/post_transform.h"

namespace celeris {

struct ScorePair : KernelState {
    enum Kind { complement, negate, keep, logistic } kind;  // 1 - s, s | -s, s | s, 0 | logistic of -s, s
    Type from, to;

    explicit ScorePair(const Params &p) {
        p.arity(1, 1);
        const std::string text = p.text("kind");
        kind = text == "COMPLEMENT" ? complement : text == "NEGATE" ? negate : text == "KEEP" ? keep : logistic;
        require(kind != logistic || text == "LOGISTIC", "score_pair: expected COMPLEMENT, NEGATE, KEEP or LOGISTIC");
        from = p.in[0].type, to = p.out[0].type;
        require(p.in[0].width == 1 && p.out[0].width == 2, "score_pair: expected one column to two");
        require((from == Type::f32 || from == Type::f64) && (to == Type::f32 || to == Type::f64),
                "score_pair: expected f32 or f64");
        cost = kind == logistic ? 5 : 1;
    }
};

namespace CELERIS_TARGET {

template <class From, class To, class Count>
void score_pair(const ScorePair &k, const Block &b, Count rows) {
    const From *s = b.in[0].column<From>(0);
    To *first = b.out[0].column<To>(0), *second = b.out[0].column<To>(1);
    switch (k.kind) {
        case ScorePair::complement:
            lanes(rows, [&](int64_t r) { first[r] = To(1 - double(s[r])), second[r] = To(s[r]); });
            break;
        case ScorePair::negate: lanes(rows, [&](int64_t r) { first[r] = To(-s[r]), second[r] = To(s[r]); }); break;
        case ScorePair::keep: lanes(rows, [&](int64_t r) { first[r] = To(s[r]), second[r] = 0; }); break;
        case ScorePair::logistic:
            lanes(rows, [&](int64_t r) {
                const double v = double(s[r]), e = decay_to<To>(v < 0 ? v : -v);
                const double small = e / (1 + e), great = 1 / (1 + e);
                first[r] = To(v < 0 || v != v ? great : small);
                second[r] = To(v < 0 ? small : great);
            });
            break;
    }
}

inline void run(const ScorePair &k, const Block &b) {
    for_real(k.from, [&](auto *from) {
        for_real(k.to, [&](auto *to) {
            for_rows(b.rows, [&](auto rows) { score_pair<pointee<decltype(from)>, pointee<decltype(to)>>(k, b, rows); });
        });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
