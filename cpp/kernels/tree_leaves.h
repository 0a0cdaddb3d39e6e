// tree_leaves: the leaf in which each row ends, tree by tree, as its place among the ensemble's nodes.
#pragma once

#include "engine/target.h"
#include "kernels/tree_arrays.h"

namespace celeris {

struct TreeLeaves : KernelState {
    TreeArrays a;

    explicit TreeLeaves(const Params &p) : a(p) {
        p.arity(1, 1);
        require(p.out[0].type == Type::i32 && p.out[0].width == int64_t(a.roots.size()),
                "tree_leaves: expected i32 [trees]");
        cost = 40 * double(a.roots.size());
    }
};

namespace CELERIS_TARGET {

template <class X>
void tree_leaves(const TreeLeaves &s, const Block &b) {
    const TreeArrays &a = s.a;
    for (size_t tree = 0; tree < a.roots.size(); ++tree) {
        int32_t *y = b.out[0].column<int32_t>(int64_t(tree));
        for (int64_t r = 0; r < b.rows; ++r) {
            int32_t at = a.roots[tree];
            while (a.mode[size_t(at)] != TreeArrays::leaf) {
                const double x = double(b.in[0].column<X>(a.feature[size_t(at)])[r]);
                at = holds(a, size_t(at), x) ? a.yes[size_t(at)] : a.no[size_t(at)];
            }
            y[r] = at;
        }
    }
}

inline void run(const TreeLeaves &s, const Block &b) {
    for_number(s.a.type, [&](auto *t) { tree_leaves<pointee<decltype(t)>>(s, b); });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
