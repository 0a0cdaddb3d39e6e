// reduce: sums, products, extremes and norms over columns of a row, for one group of columns or several.
#pragma once

#include "engine/functions.h"
#include "kernels/fold_columns.h"

namespace celeris {

// Which columns of the input each output column reduces: [groups, each].
struct ColumnGroups {
    int64_t groups = 0, each = 0;
    std::vector<int64_t> columns;
    bool neighbours = true;  // whether those of each group follow one another

    Columns of(int64_t group) const { return {columns.data() + group * each, each, neighbours}; }

    void read(const Params &p) {
        columns = p.integers("columns");
        groups = p.out[0].width;
        require(groups > 0 && !columns.empty() && int64_t(columns.size()) % groups == 0, "reduce: expected columns for each group");
        each = int64_t(columns.size()) / groups;
        for (int64_t c : columns) require(c >= 0 && c < p.in[0].width, "reduce: column out of range");
        for (size_t i = 0; i < columns.size(); ++i) neighbours = neighbours && columns[i] == columns[i / size_t(each) * size_t(each)] + int64_t(i) % each;
    }
};

struct Reduce : KernelState {
    enum Op { l1, l2, log_sum, log_sum_exp, max, mean, min, prod, sum, sum_square } op;
    Type from, to;
    ColumnGroups groups;

    explicit Reduce(const Params &p) {
        static constexpr const char *table[] = {"L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"};
        p.arity(1, 1);
        const std::string name = p.text("op");
        size_t at = 0;
        while (at < std::size(table) && name != table[at]) ++at;
        if (at == std::size(table)) throw std::invalid_argument("reduce: expected a reduction of its table, got " + name);
        op = Op(at), from = p.in[0].type, to = p.out[0].type;
        const bool real = from == Type::f32 || from == Type::f64, integer = from == Type::i64 || from == Type::i32;
        const bool exact = op == l1 || op == max || op == min || op == prod || op == sum || op == sum_square;
        require(real ? to == Type::f32 || to == Type::f64 : integer && exact && to == from, "reduce: no such reduction of that type");
        groups.read(p);
        cost = (op == log_sum_exp ? 3 : 0.5) * double(groups.columns.size());
        scratch_per_row = 2 * sizeof(double);
        keeps_rows = real && op != log_sum_exp && groups.of(0).along_rows();
    }
};

// Where the greatest or least column stands: ArgMax, ArgMin.
struct ArgExtreme : KernelState {
    Type from;
    bool greatest, last;
    ColumnGroups groups;

    explicit ArgExtreme(const Params &p) : greatest(p.integer("greatest") != 0), last(p.integer("last") != 0) {
        p.arity(1, 1);
        from = p.in[0].type;
        require(from != Type::str && p.out[0].type == Type::i64, "arg_extreme: expected numbers to i64");
        groups.read(p);
        cost = 0.5 * double(groups.columns.size());
        scratch_per_row = sizeof(double);
    }
};

namespace CELERIS_TARGET {

template <class T>
void reduce_real(const Reduce &k, const Block &b, int64_t group, double *total) {
    const Columns columns = k.groups.of(group);
    const auto finish = [&](auto &&f) { lanes(b.rows, [&](int64_t r) { total[r] = f(total[r]); }); };
    switch (k.op) {
        case Reduce::l1: return fold_columns<AddSize, T>(b, columns, 0, total);
        case Reduce::sum_square: return fold_columns<AddSquare, T>(b, columns, 0, total);
        case Reduce::l2:
            fold_columns<AddSquare, T>(b, columns, 0, total);
            return finish([](double t) { return std::sqrt(t); });
        case Reduce::max: return fold_columns<GreaterOrNaN, T>(b, columns, -HUGE_VAL, total);
        case Reduce::min: return fold_columns<LessOrNaN, T>(b, columns, HUGE_VAL, total);
        case Reduce::prod: return fold_columns<Multiply, T>(b, columns, 1, total);
        case Reduce::log_sum_exp: {
            double *top = total + b.rows;
            fold_columns<Greater, T>(b, columns, -HUGE_VAL, top);
            lanes(b.rows, [&](int64_t r) { top[r] = top[r] < HUGE_VAL && top[r] > -HUGE_VAL ? top[r] : 0; });
            lanes(b.rows, [&](int64_t r) { total[r] = 0; });
            for (int64_t i = 0; i < columns.count; ++i) {
                const T *x = b.in[0].column<T>(columns[i]);
                lanes(b.rows, [&](int64_t r) { total[r] += exp_(double(x[r]) - top[r]); });
            }
            return lanes(b.rows, [&](int64_t r) { total[r] = log_<T>(total[r]) + top[r]; });
        }
        default:
            fold_columns<Add, T>(b, columns, 0, total);
            if (k.op == Reduce::mean) finish([n = double(columns.count)](double t) { return t / n; });
            if (k.op == Reduce::log_sum) finish([](double t) { return log_<T>(t); });
    }
}

// Integers wrap around.
template <class T>
void reduce_integer(const Reduce &k, const Block &b, int64_t group, int64_t *total) {
    using U = uint64_t;
    const Columns columns = k.groups.of(group);
    const auto fold = [&](int64_t start, auto &&f) {
        lanes(b.rows, [&](int64_t r) { total[r] = start; });
        for (int64_t i = 0; i < columns.count; ++i) {
            const T *x = b.in[0].column<T>(columns[i]);
            lanes(b.rows, [&](int64_t r) { total[r] = f(total[r], int64_t(x[r])); });
        }
    };
    switch (k.op) {
        case Reduce::l1: return fold(0, [](int64_t t, int64_t x) { return int64_t(U(t) + (x < 0 ? U(0) - U(x) : U(x))); });
        case Reduce::max: return fold(INT64_MIN, [](int64_t t, int64_t x) { return x > t ? x : t; });
        case Reduce::min: return fold(INT64_MAX, [](int64_t t, int64_t x) { return x < t ? x : t; });
        case Reduce::prod: return fold(1, [](int64_t t, int64_t x) { return int64_t(U(t) * U(x)); });
        case Reduce::sum_square: return fold(0, [](int64_t t, int64_t x) { return int64_t(U(t) + U(x) * U(x)); });
        default: return fold(0, [](int64_t t, int64_t x) { return int64_t(U(t) + U(x)); });
    }
}

inline void run(const Reduce &k, const Block &b) {
    for (int64_t g = 0; g < k.groups.groups; ++g) {
        if (k.from == Type::f32 || k.from == Type::f64) {
            double *total = reinterpret_cast<double *>(b.scratch);
            for_real(k.from, [&](auto *from) { reduce_real<pointee<decltype(from)>>(k, b, g, total); });
            for_real(k.to, [&](auto *to) {
                using To = pointee<decltype(to)>;
                const View &out = b.out[0];
                To *y = out.column<To>(g);
                if (out.by_rows())
                    for (int64_t r = 0; r < b.rows; ++r) y[r * out.row] = To(total[r]);
                else
                    lanes(b.rows, [&](int64_t r) { y[r] = To(total[r]); });
            });
        } else if (k.from == Type::i64) {
            reduce_integer<int64_t>(k, b, g, b.out[0].column<int64_t>(g));
        } else {
            int64_t *total = reinterpret_cast<int64_t *>(b.scratch);
            reduce_integer<int32_t>(k, b, g, total);
            int32_t *y = b.out[0].column<int32_t>(g);
            lanes(b.rows, [&](int64_t r) { y[r] = int32_t(uint32_t(uint64_t(total[r]))); });
        }
    }
}

// The first (or last) of equals; a NaN is greater and less than all.
template <class T, class Count>
void arg_extreme(const ArgExtreme &k, const Block &b, const int64_t *columns, int64_t *at, Count rows) {
    T *best = reinterpret_cast<T *>(b.scratch);
    const T *first = b.in[0].column<T>(columns[0]);
    lanes(rows, [&](int64_t r) { best[r] = first[r], at[r] = 0; });
    const auto walk = [&](auto &&wins) {
        for (int64_t i = 1; i < k.groups.each; ++i) {
            const T *x = b.in[0].column<T>(columns[i]);
            lanes(rows, [&](int64_t r) {
                const bool won = wins(x[r], best[r]);
                at[r] = won ? i : at[r];
                best[r] = won ? x[r] : best[r];
            });
        }
    };
    if (k.greatest && !k.last)
        walk([](T x, T t) { return (x > t) | ((x != x) & (t == t)); });
    else if (k.greatest)
        walk([](T x, T t) { return (x >= t) | (x != x); });
    else if (!k.last)
        walk([](T x, T t) { return (x < t) | ((x != x) & (t == t)); });
    else
        walk([](T x, T t) { return (x <= t) | (x != x); });
}

inline void run(const ArgExtreme &k, const Block &b) {
    for_number(k.from, [&](auto *from) {
        for_rows(b.rows, [&](auto rows) {
            for (int64_t g = 0; g < k.groups.groups; ++g)
                arg_extreme<pointee<decltype(from)>>(k, b, k.groups.columns.data() + g * k.groups.each,
                                                     b.out[0].column<int64_t>(g), rows);
        });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
