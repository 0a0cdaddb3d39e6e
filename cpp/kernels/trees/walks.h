// Walks: rows go down the trees node by node, many at once and without branches.
//
// The two children of a split lie side by side, so a step is at = 2 pair + (key(x) > key). A leaf leads to itself.
// Children that several parents share are one pair, so what is laid out is linear in the given nodes.
#pragma once

#include "engine/target.h"
#include "kernels/trees/leaves.h"
#include "kernels/trees/splits.h"

namespace celeris::trees {

constexpr int64_t kLanes = 16;  // rows that walk together
constexpr uint32_t kInner = ~uint32_t(0);

// Keys of the rows lie [group of 16 rows][plane][lane]; `column` is the plane times 16.
template <class Key_, class Index_>
struct WalkNode {
    using Key = Key_;
    using Index = Index_;
    Key key;
    Index pair, column;
};
using NarrowNode = WalkNode<int32_t, uint16_t>;
using WideNode = WalkNode<int32_t, uint32_t>;
using LongNode = WalkNode<int64_t, uint32_t>;

template <class Node>
struct Walks {
    using Key = typename Node::Key;
    struct Tree {
        int64_t base;    // of its nodes; places are relative to it
        uint32_t start;  // place of its root
        int32_t depth;
    };
    std::vector<Node> nodes;
    std::vector<uint32_t> payload;  // of leaves, by place
    std::vector<Tree> trees;

    // False where the trees do not fit the node's fields; `apart` also where they share so much that one layout must
    // serve all of them. payload holds the given leaf's index, or kInner.
    bool lay(const Splits<Key> &s, bool apart) {
        constexpr int64_t limit = std::numeric_limits<typename Node::Index>::max();
        nodes.clear(), payload.clear(), trees.clear();
        if (int64_t(s.planes.size()) * kLanes > limit) return false;
        const size_t expected = s.splits.size() + s.roots.size();
        nodes.reserve(2 * expected), payload.reserve(2 * expected);
        std::vector<int32_t> pair_of(s.splits.size(), -1), owner;  // owner: a pair's split, or -1 for a root's pair
        size_t base = 0, done = 0;
        for (const int32_t root : s.roots) {
            if (apart) {
                for (const int32_t split : owner)
                    if (split >= 0) pair_of[size_t(split)] = -1;
                owner.clear(), base = nodes.size(), done = 0;
                if (nodes.size() > 4 * expected) return false;
            }
            const size_t start = 2 * owner.size();
            owner.push_back(-1);
            for (; done < owner.size(); ++done) {
                const int32_t split = owner[done];
                for (const int32_t child : {split < 0 ? root : s.splits[size_t(split)].left,
                                            split < 0 ? root : s.splits[size_t(split)].right})
                    put(s, child, nodes.size() - base, pair_of, owner);
                if (int64_t(owner.size()) > limit) return false;
            }
            trees.push_back({int64_t(base), uint32_t(start), s.depth_of(root)});
        }
        return true;
    }

    static bool is_leaf(const Node &n, size_t place) { return n.pair == place / 2; }
    size_t bytes() const { return nodes.size() * (sizeof(Node) + sizeof(uint32_t)); }

private:
    void put(const Splits<Key> &s, int32_t child, size_t place, std::vector<int32_t> &pair_of,
             std::vector<int32_t> &owner) {
        using Index = typename Node::Index;
        if (child < 0) {  // whatever the key, the step from a leaf is to itself
            nodes.push_back({place % 2 ? Keys<Key>::always_right : Keys<Key>::always_left, Index(place / 2), 0});
            payload.push_back(uint32_t(~child));
            return;
        }
        int32_t &pair = pair_of[size_t(child)];
        if (pair < 0) {
            pair = int32_t(owner.size());
            owner.push_back(child);
        }
        const auto &split = s.splits[size_t(child)];
        nodes.push_back({split.key, Index(pair), Index(split.plane * kLanes)});
        payload.push_back(kInner);
    }
};

}  // namespace celeris::trees
