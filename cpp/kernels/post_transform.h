// post_transform: what ai.onnx.ml classifiers and regressors do to their scores, and Softmax and LogSoftmax do.
#pragma once

#include "engine/functions.h"

namespace celeris {

struct PostTransform : KernelState {
    enum Kind { softmax, logistic, softmax_zero, probit, log_softmax } kind;
    Type from, to;
    int64_t width;
    bool shares;  // of a softmax, once rounded, are divided by their sum, which skl2onnx's classifiers ask for

    explicit PostTransform(const Params &p) {
        p.arity(1, 1);
        const std::string text = p.text("kind");
        if (text == "SOFTMAX")
            kind = softmax;
        else if (text == "LOGISTIC")
            kind = logistic;
        else if (text == "SOFTMAX_ZERO")
            kind = softmax_zero;
        else if (text == "PROBIT")
            kind = probit;
        else if (text == "LOG_SOFTMAX")
            kind = log_softmax;
        else
            throw std::invalid_argument("post_transform: expected SOFTMAX, LOGISTIC, SOFTMAX_ZERO, PROBIT or LOG_SOFTMAX, got " + text);
        from = p.in[0].type, to = p.out[0].type;
        width = p.in[0].width;
        require(width == p.out[0].width, "post_transform: expected equal widths");
        require((from == Type::f32 || from == Type::f64) && (to == Type::f32 || to == Type::f64),
                "post_transform: expected f32 or f64");
        shares = p.has("shares") && p.integer("shares") != 0;
        require(!shares || (kind == softmax && to == Type::f32), "post_transform: expected shares of a softmax in f32");
        cost = 5 * double(width);
        scratch_per_row = size_t(width + 2) * sizeof(double);
    }
};

namespace CELERIS_TARGET {

// 1 / (1 + e^-x), from the side that keeps small probabilities exact.
template <class To>
inline double logistic_(double x) {
    const double e = decay_to<To>(x < 0 ? x : -x);
    return (x < 0 ? e : 1) / (1 + e);
}

// Winitzki's approximation of sqrt(2) * erfinv(2 x - 1), as onnxruntime computes PROBIT.
inline double probit_(double p) {
    const double x = 2 * p - 1;
    const double sign = x < 0 ? -1 : 1;
    const double log = std::log((1 - x) * (1 + x));
    const double v = 2 / (3.14159 * 0.147) + 0.5 * log;
    return 1.41421356 * sign * std::sqrt(std::sqrt(v * v - log / 0.147) - v);
}

// 1 / (1 + x) for the x by which a sum of probabilities that were rounded to float exceeds 1: x^4 is nothing.
inline double share_of(double x) { return (1 - x) * (1 + x * x); }

template <class From, class To, class Count>
void softmax_columns(const PostTransform &k, const Block &b, Count rows) {
    double *top = reinterpret_cast<double *>(b.scratch), *sum = top + rows, *e = sum + rows;
    const bool zero = k.kind == PostTransform::softmax_zero;
    const From *first = b.in[0].column<From>(0);
    lanes(rows, [&](int64_t r) { top[r] = double(first[r]); });
    for (int64_t c = 1; c < k.width; ++c) {
        const From *x = b.in[0].column<From>(c);
        lanes(rows, [&](int64_t r) { top[r] = double(x[r]) > top[r] ? double(x[r]) : top[r]; });
    }
    lanes(rows, [&](int64_t r) { sum[r] = 0; });
    for (int64_t c = 0; c < k.width; ++c) {
        const From *x = b.in[0].column<From>(c);
        double *ec = e + c * rows;
        lanes(rows, [&](int64_t r) { ec[r] = decay_to<To>(double(x[r]) - top[r]); });
        if (zero) {  // scores within 1e-7 of zero take no share: they stay x * e^-max
            lanes(rows, [&](int64_t r) {
                const double v = double(x[r]);
                const bool counted = v > 1e-7 || v < -1e-7;
                sum[r] += counted ? ec[r] : 0;
                ec[r] = counted ? ec[r] : v * exp_to<To>(-top[r]);
            });
        } else {
            lanes(rows, [&](int64_t r) { sum[r] += ec[r]; });
        }
    }
    if (k.kind == PostTransform::log_softmax) {
        lanes(rows, [&](int64_t r) { sum[r] = log_<To>(sum[r]); });
        for (int64_t c = 0; c < k.width; ++c) {
            const From *x = b.in[0].column<From>(c);
            To *y = b.out[0].column<To>(c);
            lanes(rows, [&](int64_t r) { y[r] = To((double(x[r]) - top[r]) - sum[r]); });
        }
        return;
    }
    lanes(rows, [&](int64_t r) { sum[r] = sum[r] == 0 ? 1 : 1 / sum[r]; });
    if (k.shares) {
        double *excess = top;
        lanes(rows, [&](int64_t r) { excess[r] = -1; });
        for (int64_t c = 0; c < k.width; ++c) {
            double *ec = e + c * rows;
            lanes(rows, [&](int64_t r) { ec[r] = double(To(ec[r] * sum[r])), excess[r] += ec[r]; });
        }
        lanes(rows, [&](int64_t r) { sum[r] = share_of(excess[r]); });
    }
    for (int64_t c = 0; c < k.width; ++c) {
        const double *ec = e + c * rows;
        To *y = b.out[0].column<To>(c);
        lanes(rows, [&](int64_t r) { y[r] = To(ec[r] * sum[r]); });
    }
}

// The same of few columns, in registers.
template <int width, bool shares, class From, class To, class Count>
void softmax_few(const Block &b, Count rows) {
    const From *x[width];
    To *y[width];
    unrolled<width>([&](int c) { x[c] = b.in[0].column<From>(c), y[c] = b.out[0].column<To>(c); });
    lanes(rows, [&](int64_t r) {
        double e[width], sum = 0, excess = -1;
        unrolled<width>([&](int c) { e[c] = double(x[c][r]); });
        double top = e[0];
        unrolled<width>([&](int c) { top = e[c] > top ? e[c] : top; });
        unrolled<width>([&](int c) { e[c] = decay_to<To>(e[c] - top), sum += e[c]; });
        const double share = 1 / sum;
        unrolled<width>([&](int c) { e[c] = double(To(e[c] * share)), excess += e[c]; });
        const double more = shares ? share_of(excess) : 1;
        unrolled<width>([&](int c) { y[c][r] = To(e[c] * more); });
    });
}

template <int width, class From, class To, class Count>
void softmax_few(const PostTransform &k, const Block &b, Count rows) {
    k.shares ? softmax_few<width, true, From, To>(b, rows) : softmax_few<width, false, From, To>(b, rows);
}

template <class From, class To, class Count>
void post_transform(const PostTransform &k, const Block &b, Count rows) {
    if (k.kind != PostTransform::logistic && k.kind != PostTransform::probit) {
        const int64_t few = k.kind == PostTransform::softmax ? k.width : 0;
        if (few == 2) return softmax_few<2, From, To>(k, b, rows);
        if (few == 3) return softmax_few<3, From, To>(k, b, rows);
        if (few == 4) return softmax_few<4, From, To>(k, b, rows);
        return softmax_columns<From, To>(k, b, rows);
    }
    for (int64_t c = 0; c < k.width; ++c) {
        const From *x = b.in[0].column<From>(c);
        To *y = b.out[0].column<To>(c);
        if (k.kind == PostTransform::logistic) {
            lanes(rows, [&](int64_t r) { y[r] = To(logistic_<To>(double(x[r]))); });
        } else {
            for (int64_t r = 0; r < rows; ++r) y[r] = To(probit_(double(x[r])));
        }
    }
}

inline void run(const PostTransform &k, const Block &b) {
    for_real(k.from, [&](auto *from) {
        for_real(k.to, [&](auto *to) {
            for_rows(b.rows, [&](auto rows) {
                post_transform<pointee<decltype(from)>, pointee<decltype(to)>>(k, b, rows);
            });
        });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
