// pair_votes, pair_probabilities: from the scores of all pairs of classes (0 1, 0 2, .., 1 2, ..) to a number a class.
#pragma once

#include "engine/functions.h"

namespace celeris {

inline int64_t pairs_of(int64_t classes) { return classes * (classes - 1) / 2; }

// How many pairs each class wins: the first of a pair where the score is above 0.
struct PairVotes : KernelState {
    int64_t classes;

    explicit PairVotes(const Params &p) {
        p.arity(1, 1);
        classes = p.out[0].width;
        require(p.in[0].type == Type::f64 && p.out[0].type == Type::f64 && p.in[0].width == pairs_of(classes),
                "pair_votes: expected f64 scores of all pairs to f64 votes");
        cost = double(p.in[0].width);
    }
};

// Platt's sigmoid of each pair, and the classes' probabilities that fit them best.
struct PairProbabilities : KernelState {
    int64_t classes;
    std::vector<double> a, b;  // [pairs]

    explicit PairProbabilities(const Params &p) : a(p.doubles("a")), b(p.doubles("b")) {
        p.arity(1, 1);
        classes = p.out[0].width;
        require(p.in[0].type == Type::f64 && p.out[0].type == Type::f64 && p.in[0].width == pairs_of(classes),
                "pair_probabilities: expected f64 scores of all pairs to f64 probabilities");
        require(int64_t(a.size()) == pairs_of(classes) && a.size() == b.size(), "pair_probabilities: expected a and b a pair");
        cost = 60.0 * double(classes * classes);
        scratch_fixed = size_t(2 * classes * classes + 2 * classes) * sizeof(double);
    }
};

namespace CELERIS_TARGET {

inline void run(const PairVotes &k, const Block &b) {
    for (int64_t c = 0; c < k.classes; ++c) {
        double *y = b.out[0].column<double>(c);
        lanes(b.rows, [&](int64_t r) { y[r] = 0; });
    }
    int64_t pair = 0;
    for (int64_t i = 0; i < k.classes; ++i)
        for (int64_t j = i + 1; j < k.classes; ++j, ++pair) {
            const double *x = b.in[0].column<double>(pair);
            double *first = b.out[0].column<double>(i), *second = b.out[0].column<double>(j);
            lanes(b.rows, [&](int64_t r) { first[r] += x[r] > 0 ? 1 : 0; });
            lanes(b.rows, [&](int64_t r) { second[r] += x[r] > 0 ? 0 : 1; });
        }
}

// T.-F. Wu, C.-J. Lin and R. C. Weng, Probability estimates for multi-class classification by pairwise coupling, 2004: the
// second method, stopped as libsvm stops it. r [n, n] are the pairs' probabilities, q and qp room for [n, n] and [n].
inline void couple(const double *r, double *q, double *qp, double *p, int64_t n) {
    for (int64_t t = 0; t < n; ++t) {
        p[t] = 1.0 / double(n);
        q[t * n + t] = 0;
        for (int64_t j = 0; j < n; ++j)
            if (j != t) {
                q[t * n + t] += r[j * n + t] * r[j * n + t];
                q[t * n + j] = -r[j * n + t] * r[t * n + j];
            }
    }
    const int64_t rounds = n > 100 ? n : 100;
    for (int64_t round = 0; round < rounds; ++round) {
        double pqp = 0, worst = 0;
        for (int64_t t = 0; t < n; ++t) {
            qp[t] = 0;
            for (int64_t j = 0; j < n; ++j) qp[t] += q[t * n + j] * p[j];
            pqp += p[t] * qp[t];
        }
        for (int64_t t = 0; t < n; ++t) {
            const double error = __builtin_fabs(qp[t] - pqp);
            worst = error > worst ? error : worst;
        }
        if (worst < 0.005 / double(n)) return;
        for (int64_t t = 0; t < n; ++t) {
            const double diff = (pqp - qp[t]) / q[t * n + t], scale = 1 + diff;
            p[t] += diff;
            pqp = (pqp + diff * (diff * q[t * n + t] + 2 * qp[t])) / (scale * scale);
            for (int64_t j = 0; j < n; ++j) qp[j] = (qp[j] + diff * q[t * n + j]) / scale, p[j] /= scale;
        }
    }
}

inline void run(const PairProbabilities &k, const Block &b) {
    const int64_t n = k.classes;
    double *r = reinterpret_cast<double *>(b.scratch), *q = r + n * n, *qp = q + n * n, *p = qp + n;
    for (int64_t row = 0; row < b.rows; ++row) {
        int64_t pair = 0;
        for (int64_t i = 0; i < n; ++i)
            for (int64_t j = i + 1; j < n; ++j, ++pair) {
                const double value = b.in[0].column<double>(pair)[row] * k.a.data()[pair] + k.b.data()[pair];
                const double e = exp_(value < 0 ? value : -value);
                const double sigmoid = (value >= 0 ? e : 1) / (1 + e);
                const double limited = sigmoid < 1e-7 ? 1e-7 : sigmoid > 1 - 1e-7 ? 1 - 1e-7 : sigmoid;
                r[i * n + j] = limited, r[j * n + i] = 1 - limited;
            }
        couple(r, q, qp, p, n);
        for (int64_t c = 0; c < n; ++c) b.out[0].column<double>(c)[row] = p[c];
    }
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
