// select_columns: each output column is a copy of some input's column: Concat, Gather, Slice, Split, Tile, Expand.
#pragma once

#include "engine/target.h"

namespace celeris {

struct SelectColumns : KernelState {
    struct Run {  // neighbouring columns of one input that become neighbours
        int64_t input, from, to, count;
    };
    size_t size;
    std::vector<Run> runs;
    std::vector<int64_t> columns;  // [output's width], of their inputs
    static constexpr int64_t few = 8;      // columns of an output, to be written one by one
    static constexpr int64_t narrow = 16;  // columns of an input, which registers turn sooner than rows are chosen from

    explicit SelectColumns(const Params &p) {
        require(!p.in.empty() && p.out.size() == 1, "select_columns: expected inputs and one output");
        const Type type = p.out[0].type;
        for (const Register &r : p.in) require(r.type == type, "select_columns: expected registers of one type");
        size = size_of(type);
        const std::vector<int64_t> inputs = p.integers("inputs");
        columns = p.integers("columns");
        require(inputs.size() == columns.size() && int64_t(inputs.size()) == p.out[0].width,
                "select_columns: expected an input and a column for each output column");
        for (size_t i = 0; i < inputs.size(); ++i) {
            require(inputs[i] >= 0 && size_t(inputs[i]) < p.in.size() && columns[i] >= 0 &&
                        columns[i] < p.in[size_t(inputs[i])].width,
                    "select_columns: column out of range");
            if (!runs.empty() && runs.back().input == inputs[i] && runs.back().from + runs.back().count == columns[i])
                ++runs.back().count;
            else
                runs.push_back({inputs[i], columns[i], int64_t(i), 1});
        }
        cost = 0.1 * double(inputs.size());
        const int64_t width = p.in[0].width, count = int64_t(columns.size());
        if (p.in.size() > 1) {  // beside long runs, others may be columns
            takes_rows = keeps_rows = int64_t(runs.size()) * few <= count;
        } else {
            takes_rows = count <= few && width > narrow;
            keeps_rows = !takes_rows && (width > narrow || (size == 8 && count <= 3));
        }
    }
};

namespace CELERIS_TARGET {

// From rows or to rows: few columns one by one, long runs at once, all others in their order.
template <class T>
void select_in_rows(const SelectColumns &k, const Block &b) {
    const View &out = b.out[0];
    const int64_t width = int64_t(k.columns.size());
    if (out.by_rows() && width > SelectColumns::few && int64_t(k.runs.size()) * SelectColumns::few > width) {
        for (int64_t r = 0; r < b.rows; ++r) {
            const T *x = b.in[0].row_at<T>(r);
            T *y = out.row_at<T>(r);
            for (int64_t c = 0; c < width; ++c) y[c] = x[k.columns.data()[c]];
        }
        return;
    }
    for (const SelectColumns::Run &run : k.runs) {
        const View &in = b.in[run.input];
        if (out.by_rows() && in.by_rows() && run.count >= SelectColumns::few) {
            for (int64_t r = 0; r < b.rows; ++r)
                std::memcpy(out.row_at<T>(r) + run.to, in.column<T>(run.from) + r * in.row, size_t(run.count) * sizeof(T));
        } else {
            for (int64_t c = 0; c < run.count; ++c) {
                const T *x = in.column<T>(run.from + c);
                T *y = out.column<T>(run.to + c);
                lanes(b.rows, [&, from = in.row, to = out.row](int64_t r) { y[r * to] = x[r * from]; });
            }
        }
    }
}

template <class T>
void select_columns(const SelectColumns &k, const Block &b) {
    const View &out = b.out[0];
    bool columns = !out.by_rows();
    for (const SelectColumns::Run &run : k.runs) columns = columns && !b.in[run.input].by_rows();
    if (!columns) return select_in_rows<T>(k, b);
    for (const SelectColumns::Run &run : k.runs) {
        const View &in = b.in[run.input];
        if (b.rows == 1) {
            const T *x = in.column<T>(run.from);
            T *y = out.column<T>(run.to);
            for (int64_t c = 0; c < run.count; ++c) y[c * out.stride] = x[c * in.stride];
        } else {
            for (int64_t c = 0; c < run.count; ++c)
                std::memcpy(out.column<T>(run.to + c), in.column<T>(run.from + c), size_t(b.rows) * sizeof(T));
        }
    }
}

inline void run(const SelectColumns &k, const Block &b) {
    switch (k.size) {
        case 1: return select_columns<uint8_t>(k, b);
        case 4: return select_columns<uint32_t>(k, b);
        case 8: return select_columns<uint64_t>(k, b);
        default: return select_columns<Str>(k, b);
    }
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
