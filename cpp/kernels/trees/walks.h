// Walks: rows go down the trees node by node, many at once and without branches.
//
// The two children of a split lie side by side, so a step is at = 2 pair + (key(x) > key). A leaf leads to itself: it
// looks at a plane after all others where each row's key is 0, and its own key is its number, with the sign to suit.
// Children that several parents share are one pair, so what is laid out is linear in the given nodes.
#pragma once

#include "engine/target.h"
#include "kernels/trees/leaves.h"
#include "kernels/trees/splits.h"

namespace celeris::trees {

constexpr int64_t kLanes = 16;  // rows that walk together
constexpr uint32_t kInner = ~uint32_t(0);
constexpr int kTopLevels = 4;    // of a deep tree, compared all at once
constexpr int32_t kDeep = 7;     // depth from which a tree is deep

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
        int32_t usual;   // steps after which about half of the leaves are reached
        int32_t top;     // of a deep tree: its first levels; -1: none
    };
    struct Top {  // the first levels as a complete tree in heap order, and the places below
        Key key[(1 << kTopLevels) - 1];
        uint32_t column[(1 << kTopLevels) - 1], place[1 << kTopLevels];
    };
    std::vector<Node> nodes;
    std::vector<uint32_t> given;  // while trees are laid out: which given leaf a place is, or kInner
    std::vector<Tree> trees;
    std::vector<Top> tops;

    // False where the trees do not fit the node's fields; `apart` also where they share so much that one layout must
    // serve all of them.
    bool lay(const Splits<Key> &s, bool apart) {
        constexpr int64_t limit = std::numeric_limits<typename Node::Index>::max();
        nodes.clear(), given.clear(), trees.clear(), tops.clear();
        if (int64_t(s.planes.size() + 1) * kLanes > limit) return false;
        const size_t expected = s.splits.size() + s.roots.size();
        nodes.reserve(2 * expected), given.reserve(2 * expected);
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
            Tree tree{int64_t(base), uint32_t(start), s.depth_of(root), 0, -1};
            if (tree.depth >= kDeep) {
                tree.top = int32_t(tops.size());
                tops.push_back({});
                fill_top(tops.back(), nodes.data() + base, uint32_t(start), 0, 0);
            }
            tree.usual = apart ? usual_depth(base) : tree.depth;
            trees.push_back(tree);
        }
        return true;
    }

    // Numbers the leaves: `number(given leaf)`.
    template <class Number>
    void number_leaves(Number &&number) {
        for (size_t at = 0; at < nodes.size(); ++at) {
            if (given[at] == kInner) continue;
            nodes[at].key = Key(number(int32_t(given[at])));
            if (at % 2) nodes[at].key |= std::numeric_limits<Key>::min();  // bases are even
        }
        given = {}, depths_ = {};
    }
    static uint32_t leaf_number(Key key) { return uint32_t(key) & 0x7fffffff; }

    static bool is_leaf(const Node &n, size_t place) { return n.pair == place / 2; }
    
private:
    static void fill_top(Top &top, const Node *nodes, uint32_t place, int level, uint32_t heap) {
        if (level == kTopLevels) {
            top.place[heap] = place;
            return;
        }
        const size_t at = (size_t(1) << level) - 1 + heap;
        const Node &n = nodes[place];
        top.key[at] = n.key, top.column[at] = n.column;
        if (is_leaf(n, place)) top.key[at] = Keys<Key>::always_left, top.column[at] = 0;
        for (uint32_t side = 0; side < 2; ++side)
            fill_top(top, nodes, is_leaf(n, place) ? place : 2 * uint32_t(n.pair) + side, level + 1, 2 * heap + side);
    }
    // Of the tree laid out last, the median of its leaves' depths.
    int32_t usual_depth(size_t base) {
        const size_t size = nodes.size() - base;
        depths_.assign(size, 0);
        std::vector<int64_t> leaves_at;
        int64_t total = 0;
        for (size_t place = 0; place < size; ++place) {  // pairs come after the node that leads to them
            const Node &n = nodes[base + place];
            const int32_t d = depths_[place];
            if (is_leaf(n, place)) {
                if (leaves_at.size() <= size_t(d)) leaves_at.resize(size_t(d) + 1, 0);
                ++leaves_at[size_t(d)], ++total;
            } else {
                depths_[2 * size_t(n.pair)] = depths_[2 * size_t(n.pair) + 1] = d + 1;
            }
        }
        int32_t depth = 0;
        for (int64_t seen = 0; size_t(depth) < leaves_at.size(); ++depth)
            if ((seen += leaves_at[size_t(depth)]) * 2 >= total) break;
        return depth;
    }
    void put(const Splits<Key> &s, int32_t child, size_t place, std::vector<int32_t> &pair_of,
             std::vector<int32_t> &owner) {
        using Index = typename Node::Index;
        if (child < 0) {
            nodes.push_back({0, Index(place / 2), Index(s.planes.size() * size_t(kLanes))});
            given.push_back(uint32_t(~child));
            return;
        }
        int32_t &pair = pair_of[size_t(child)];
        if (pair < 0) {
            pair = int32_t(owner.size());
            owner.push_back(child);
        }
        const auto &split = s.splits[size_t(child)];
        nodes.push_back({split.key, Index(pair), Index(split.plane * kLanes)});
        given.push_back(kInner);
    }

    std::vector<int32_t> depths_;
};

}  // namespace celeris::trees
