// argmax_label, threshold_label: from scores to class labels, which are integers or strings.
#pragma once

#include "engine/target.h"

namespace celeris {

// Class labels as a kernel writes them.
struct LabelTable {
    bool text;
    std::vector<int64_t> integers;
    std::vector<std::string> strings;
    std::vector<Str> views;

    explicit LabelTable(const Params &p) : text(p.out[0].type == Type::str) {
        if (text) {
            strings = p.strings("labels");
            for (const std::string &s : strings) views.push_back({s.data(), int64_t(s.size())});
        } else {
            require(p.out[0].type == Type::i64, "label: expected an output of i64 or str");
            integers = p.integers("labels");
        }
    }
    LabelTable(const LabelTable &) = delete;  // views point into strings
    LabelTable &operator=(const LabelTable &) = delete;
    size_t size() const { return text ? strings.size() : integers.size(); }
};

struct ArgmaxLabel : KernelState {
    Type from;
    int64_t width;
    bool rounded = false;  // scores of f64 are compared as f32
    LabelTable labels;

    explicit ArgmaxLabel(const Params &p) : labels(p) {
        p.arity(1, 1);
        from = p.in[0].type, width = p.in[0].width;
        require(from == Type::f32 || from == Type::f64, "argmax_label: expected f32 or f64 scores");
        rounded = p.has("rounded") && p.integer("rounded") != 0;
        require(width > 0 && labels.size() == size_t(width), "argmax_label: expected one label a column");
        cost = double(width);
        scratch_per_row = sizeof(double) + sizeof(int32_t);
    }
};

struct ThresholdLabel : KernelState {
    Type from;
    double threshold;
    bool rounded = false;  // a score of f64 is compared as f32
    LabelTable labels;     // negative, positive

    explicit ThresholdLabel(const Params &p) : threshold(p.number("threshold")), labels(p) {
        p.arity(1, 1);
        from = p.in[0].type;
        rounded = p.has("rounded") && p.integer("rounded") != 0;
        require(from == Type::f32 || from == Type::f64, "threshold_label: expected f32 or f64 scores");
        require(p.in[0].width >= 1 && labels.size() == 2, "threshold_label: expected a score and two labels");
        cost = 1;
    }
};

namespace CELERIS_TARGET {

template <class From, class As, class Count>
void argmax_label(const ArgmaxLabel &k, const Block &b, Count rows) {
    As *top = reinterpret_cast<As *>(b.scratch);
    int32_t *at = reinterpret_cast<int32_t *>(top + rows);
    const From *first = b.in[0].column<From>(0);
    lanes(rows, [&](int64_t r) { top[r] = As(first[r]), at[r] = 0; });
    for (int32_t c = 1; c < k.width; ++c) {
        const From *x = b.in[0].column<From>(c);
        lanes(rows, [&](int64_t r) {
            const As v = As(x[r]);
            const bool greater = v > top[r];
            at[r] = greater ? c : at[r];
            top[r] = greater ? v : top[r];
        });
    }
    if (k.labels.text) {
        Str *y = b.out[0].column<Str>(0);
        const Str *table = k.labels.views.data();
        for (int64_t r = 0; r < rows; ++r) y[r] = table[at[r]];
    } else {
        int64_t *y = b.out[0].column<int64_t>(0);
        const int64_t *table = k.labels.integers.data();
        lanes(rows, [&](int64_t r) { y[r] = table[at[r]]; });
    }
}

// The same of few columns and integers, in registers.
template <int width, class From, class As, class Count>
void argmax_few(const ArgmaxLabel &k, const Block &b, Count rows) {
    const From *x[width];
    int64_t labels[width];
    unrolled<width>([&](int c) { x[c] = b.in[0].column<From>(c), labels[c] = k.labels.integers.data()[c]; });
    int64_t *y = b.out[0].column<int64_t>(0);
    lanes(rows, [&](int64_t r) {
        As top = As(x[0][r]);
        int64_t label = labels[0];
        unrolled<width>([&](int c) {
            const As v = As(x[c][r]);
            label = v > top ? labels[c] : label;
            top = v > top ? v : top;
        });
        y[r] = label;
    });
}

template <class From, class As, class Count>
void argmax(const ArgmaxLabel &k, const Block &b, Count rows) {
    const int64_t few = k.labels.text ? 0 : k.width;
    if (few == 2) return argmax_few<2, From, As>(k, b, rows);
    if (few == 3) return argmax_few<3, From, As>(k, b, rows);
    if (few == 4) return argmax_few<4, From, As>(k, b, rows);
    argmax_label<From, As>(k, b, rows);
}

inline void run(const ArgmaxLabel &k, const Block &b) {
    for_real(k.from, [&](auto *from) {
        using From = pointee<decltype(from)>;
        for_rows(b.rows, [&](auto rows) { k.rounded ? argmax<From, float>(k, b, rows) : argmax<From, From>(k, b, rows); });
    });
}

template <class From, class As, class Count>
void threshold_label(const ThresholdLabel &k, const Block &b, Count rows) {
    const From *x = b.in[0].column<From>(0);
    const double threshold = k.threshold;
    if (k.labels.text) {
        Str *y = b.out[0].column<Str>(0);
        const Str *table = k.labels.views.data();
        for (int64_t r = 0; r < rows; ++r) y[r] = table[double(As(x[r])) > threshold];
    } else {
        const int64_t no = k.labels.integers[0], yes = k.labels.integers[1];
        int64_t *y = b.out[0].column<int64_t>(0);
        lanes(rows, [&](int64_t r) { y[r] = double(As(x[r])) > threshold ? yes : no; });
    }
}

inline void run(const ThresholdLabel &k, const Block &b) {
    for_real(k.from, [&](auto *from) {
        using From = pointee<decltype(from)>;
        for_rows(b.rows, [&](auto rows) {
            if (k.rounded)
                threshold_label<From, float>(k, b, rows);
            else
                threshold_label<From, From>(k, b, rows);
        });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
