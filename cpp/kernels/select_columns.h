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

    explicit SelectColumns(const Params &p) {
        require(!p.in.empty() && p.out.size() == 1, "select_columns: expected inputs and one output");
        const Type type = p.out[0].type;
        for (const Register &r : p.in) require(r.type == type, "select_columns: expected registers of one type");
        size = size_of(type);
        const std::vector<int64_t> inputs = p.integers("inputs"), columns = p.integers("columns");
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
    }
};

namespace CELERIS_TARGET {

template <class T>
void select_columns(const SelectColumns &k, const Block &b) {
    const View &out = b.out[0];
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
