// Forests as converters write them: tree after tree, nodes numbered from 0 in each, parents before their children, the
// weights tree by tree and on leaves only. One pass finds where each node's children and weights stand.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

namespace celeris {

// Whole numbers of 1, 2, 4 or 8 bytes, read a piece at a time.
struct Column {
    const void *data;
    int64_t bytes;

    static constexpr int64_t kPiece = 512;
    using Piece = std::array<int64_t, kPiece>;

    void read(int64_t from, int64_t count, Piece &to) const {
        switch (bytes) {
            case 1: return read_as<int8_t>(from, count, to);
            case 2: return read_as<int16_t>(from, count, to);
            case 4: return read_as<int32_t>(from, count, to);
            default: return read_as<int64_t>(from, count, to);
        }
    }

private:
    template <class T>
    void read_as(int64_t from, int64_t count, Piece &to) const {
        std::copy_n(static_cast<const T *>(data) + from, count, to.begin());
    }
};

struct WrittenForest {
    int64_t nodes = 0, weights = 0;
    Column tree{}, node{};  // [nodes] ids
    const uint8_t *mode = nullptr;
    Column feature{}, yes{}, no{};
    Column weight_tree{}, weight_node{};  // [weights] ids
};

struct NumberedForest {
    int32_t *feature, *yes, *no;  // [nodes]; 0 for a leaf, itself for a leaf
    int64_t *first;               // [nodes + 1], of its weights
    std::vector<int32_t> roots;
    std::vector<int32_t> order;   // of the weights, node by node; empty where they are written so
};

// False where the forest is written in another way, or wrongly.
inline bool number_forest(const WrittenForest &f, NumberedForest &to, uint8_t leaf) {
    constexpr int64_t most = std::numeric_limits<int32_t>::max(), piece = Column::kPiece;
    if (f.nodes >= most || f.weights >= most) return false;
    std::vector<int64_t> trees;  // ids
    Column::Piece ids, owns, features, yeses, noes;
    for (int64_t start = 0, end = 0; start < f.nodes; start = end) {
        bool plain = true;
        for (int64_t same = piece; same == piece && end < f.nodes; end += same) {
            const int64_t count = std::min(piece, f.nodes - end);
            f.tree.read(end, count, ids), f.node.read(end, count, owns);
            if (end == start) {
                if (!trees.empty() && ids[0] <= trees.back()) return false;
                trees.push_back(ids[0]);
            }
            for (same = 0; same < count && ids[size_t(same)] == trees.back(); ++same)
                plain &= owns[size_t(same)] == end + same - start;
        }
        for (int64_t at = start; at < end; at += piece) {
            const int64_t count = std::min(piece, end - at);
            f.feature.read(at, count, features), f.yes.read(at, count, yeses), f.no.read(at, count, noes);
            for (int64_t i = 0; i < count; ++i) {
                const bool inner = f.mode[at + i] != leaf;
                const int64_t own = at + i - start, feature = inner ? features[size_t(i)] : 0;
                const int64_t yes = inner ? yeses[size_t(i)] : own, no = inner ? noes[size_t(i)] : own;
                plain &= (!inner) | ((yes > own) & (no > own) & (yes < end - start) & (no < end - start));
                plain &= (feature >= 0) & (feature < most);
                to.feature[at + i] = int32_t(feature);
                to.yes[at + i] = int32_t(uint64_t(start) + uint64_t(yes));
                to.no[at + i] = int32_t(uint64_t(start) + uint64_t(no));
            }
        }
        if (!plain) return false;
        to.roots.push_back(int32_t(start));
    }
    // visit(k, node) for each weight; false where there is no such node.
    const auto each_weight = [&](auto &&visit) {
        size_t tree = 0;
        for (int64_t k = 0; k < f.weights; ++k) {
            const size_t at = size_t(k % piece);
            if (at == 0) {
                const int64_t count = std::min(piece, f.weights - k);
                f.weight_tree.read(k, count, ids), f.weight_node.read(k, count, owns);
            }
            while (tree < trees.size() && trees[tree] != ids[at]) ++tree;
            if (tree == trees.size()) return false;
            const int64_t start = to.roots[tree], end = tree + 1 < trees.size() ? to.roots[tree + 1] : f.nodes;
            if (owns[at] < 0 || owns[at] >= end - start) return false;
            visit(k, start + owns[at]);
        }
        return true;
    };
    std::fill_n(to.first, f.nodes + 1, 0);
    bool on_leaves = true, in_order = true;
    int64_t last = 0;
    const bool known = each_weight([&](int64_t, int64_t node) {
        in_order &= node >= last, last = node;
        on_leaves &= f.mode[node] == leaf;
        ++to.first[node + 1];
    });
    if (!known || !on_leaves) return false;
    for (int64_t i = 0; i < f.nodes; ++i) to.first[i + 1] += to.first[i];
    if (in_order) return true;
    std::vector<int64_t> next(to.first, to.first + f.nodes);
    to.order.resize(size_t(f.weights));
    return each_weight([&](int64_t k, int64_t node) { to.order[size_t(next[size_t(node)]++)] = int32_t(k); });
}

}  // namespace celeris
