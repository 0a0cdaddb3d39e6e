// lookup: entries of a table by the rows' indices: of a constant (Gather, ArrayFeatureExtractor), or each row's own
// columns (GatherElements).
#pragma once

#include "kernels/operand.h"

namespace celeris {

struct Lookup : KernelState {
    Type from;
    size_t size;  // of an element
    int64_t width, entries, each;
    bool wrap;  // whether -1 is the last entry
    bool own;         // whether the table is the second register's row
    Constants table;  // else [entries, each]

    explicit Lookup(const Params &p) : wrap(p.integer("wrap") != 0), own(p.in.size() == 2) {
        p.arity(own ? 2 : 1, 1);
        from = p.in[0].type, width = p.in[0].width, size = size_of(p.out[0].type);
        require(from == Type::i64 || from == Type::i32, "lookup: expected indices of i64 or i32");
        if (own) {
            require(p.in[1].type == p.out[0].type && p.in[1].width > 0, "lookup: expected a row of the output's type");
            entries = p.in[1].width, each = 1;
        } else {
            table.read(p, "table", p.out[0].type);
            each = p.integer("each");
            require(each > 0 && table.size() > 0 && int64_t(table.size()) % each == 0, "lookup: expected entries of equal size");
            entries = int64_t(table.size()) / each;
        }
        require(p.out[0].width == width * each, "lookup: expected an output of width x each");
        cost = double(width * each);
    }
};

namespace CELERIS_TARGET {

template <class Index, class T>
void look_up(const Lookup &k, const Block &b) {
    const T *table = k.own ? b.in[1].column<T>(0) : static_cast<const T *>(k.table.data());
    const int64_t apart = k.own ? int64_t(b.in[1].stride) : k.each, down = k.own;  // from entry to entry, from row to row
    bool outside = false;
    for (int64_t c = 0; c < k.width; ++c) {
        const Index *x = b.in[0].column<Index>(c);
        for (int64_t e = 0; e < k.each; ++e) {
            T *y = b.out[0].column<T>(c * k.each + e);
            lanes(b.rows, [&](int64_t r) {
                const int64_t given = int64_t(x[r]), at = k.wrap && given < 0 ? given + k.entries : given;
                const bool inside = at >= 0 && at < k.entries;
                outside |= !inside;
                y[r] = table[(inside ? at : 0) * apart + r * down + e];
            });
        }
    }
    if (outside) *b.refused = true;
}

template <class Index>
void look_up_by(const Lookup &k, const Block &b) {
    switch (k.size) {
        case 1: return look_up<Index, uint8_t>(k, b);
        case 4: return look_up<Index, uint32_t>(k, b);
        case 8: return look_up<Index, uint64_t>(k, b);
        default: return look_up<Index, Str>(k, b);
    }
}

inline void run(const Lookup &k, const Block &b) {
    if (k.from == Type::i64)
        look_up_by<int64_t>(k, b);
    else
        look_up_by<int32_t>(k, b);
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
