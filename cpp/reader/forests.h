// Forests as converters write them: tree after tree, nodes numbered from 0 in each, parents before their children, the
// weights node by node and on leaves only. One pass finds where each node's children and weights stand.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace celeris {

struct WrittenForest {
    int64_t nodes, weights;
    const int64_t *tree, *node;  // [nodes] ids
    const uint8_t *mode;
    const int64_t *feature, *yes, *no;
    const int64_t *weight_tree, *weight_node;  // [weights] ids
};

struct NumberedForest {
    int32_t *feature, *yes, *no;  // [nodes]; 0 for a leaf, itself for a leaf
    int64_t *first;               // [nodes + 1], of its weights
    std::vector<int32_t> roots;
};

// False where the forest is written in another way, or wrongly.
inline bool number_forest(const WrittenForest &f, NumberedForest &to, uint8_t leaf) {
    constexpr int64_t most = std::numeric_limits<int32_t>::max();
    if (f.nodes >= most) return false;
    for (int64_t start = 0, end = 0; start < f.nodes; start = end) {
        const int64_t tree = f.tree[start];
        if (start > 0 && tree <= f.tree[start - 1]) return false;
        bool plain = true;
        for (; end < f.nodes && f.tree[end] == tree; ++end) plain &= f.node[end] == end - start;
        for (int64_t i = start; i < end; ++i) {
            const bool inner = f.mode[i] != leaf;
            const int64_t own = i - start, yes = inner ? f.yes[i] : own, no = inner ? f.no[i] : own;
            const int64_t feature = inner ? f.feature[i] : 0;
            const bool below = (yes > own) & (no > own) & (yes < end - start) & (no < end - start);
            plain &= below | (f.mode[i] == leaf);
            plain &= (feature >= 0) & (feature < most);
            to.feature[i] = int32_t(feature), to.yes[i] = int32_t(uint64_t(start) + uint64_t(yes));
            to.no[i] = int32_t(uint64_t(start) + uint64_t(no));
        }
        if (!plain) return false;
        to.roots.push_back(int32_t(start));
    }
    int64_t at = 0;  // the node that the weights have come to; to.first is known up to it
    size_t tree = 0;
    to.first[0] = 0;
    for (int64_t k = 0; k < f.weights; ++k) {
        while (tree < to.roots.size() && f.tree[to.roots[tree]] != f.weight_tree[k]) ++tree;
        if (tree == to.roots.size()) return false;
        const int64_t start = to.roots[tree], end = tree + 1 < to.roots.size() ? to.roots[tree + 1] : f.nodes;
        if (f.weight_node[k] < 0 || f.weight_node[k] >= end - start) return false;
        const int64_t node = start + f.weight_node[k];
        if (node < at || f.mode[node] != leaf) return false;
        while (at < node) to.first[++at] = k;
    }
    while (at < f.nodes) to.first[++at] = f.weights;
    return true;
}

}  // namespace celeris
