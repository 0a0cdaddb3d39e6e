// Walks: rows go down the trees node by node, many at once and without branches.
//
// The two children of a split lie side by side, so a step is at = 2 pair + (key(x) > key): one load of a node, one of a key,
// and the carry of their comparison added to the pair twice. A leaf leads to itself: it
// looks at a plane after all others where each row's key is that of 0, and its own key is its number, with the sign to suit.
// Children that several parents share are one pair, so what is laid out is linear in the given nodes. A pair and the pairs
// below it share a line of the cache as far as they fit, so that a walk down a deep tree meets a new one at every other step.
#pragma once

#include "engine/target.h"
#include "kernels/trees/leaves.h"
#include "kernels/trees/splits.h"

namespace celeris::trees {

constexpr int64_t kLanes = 16;  // rows that walk together
constexpr int64_t kFewRows = 12; // so many, or so many that 16 leave over, walk alone, down up to kAlone trees at once
constexpr size_t kAlone = 256;
constexpr size_t kHeldTrees = 512 << 10;  // bytes of trees that stay in a usual L2 cache from one block of rows to the next,
constexpr size_t kRowBytes = 1152 << 10;   // and of a block's keys and features where they do not
constexpr int64_t kKeyRows = 64;  // whose features are turned into columns at a time
constexpr int32_t kDeep = 7;     // depth from which a tree is deep
constexpr size_t kTopPlaces = 64;  // that bit vectors take rows to in deep trees,
constexpr int64_t kTopRows = 64;   // from so many rows on

// Walks compare keys as numbers without a sign, for the processor's carry is what such a comparison leaves: so theirs have
// the other sign.
template <class Key>
constexpr Key biased(Key key) {
    return key ^ std::numeric_limits<Key>::min();
}

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
        uint32_t leaf;   // the number of its first leaf
    };
    struct LaidLeaf {
        uint32_t at;   // in nodes
        int32_t node;  // of the given ensemble
    };
    LargeVector<Node> nodes;
    LargeVector<LaidLeaf> leaves;   // until they are numbered: tree by tree,
    std::vector<size_t> leaf_ends;  // up to here
    std::vector<Tree> trees;

    // False where the trees do not fit the node's fields; `apart` also where they share so much that one layout must
    // serve all of them.
    bool lay(const Splits<Key> &s, bool apart) {
        constexpr int64_t limit = std::numeric_limits<typename Node::Index>::max();
        nodes.clear(), leaves.clear(), leaf_ends.clear(), trees.clear();
        if (int64_t(s.planes.met.size() + 1) * kLanes > limit) return false;
        const size_t expected = s.splits.size() + s.roots.size();
        nodes.reserve(2 * expected), leaves.reserve(2 * expected);  // a tree is laid before its leaves are counted
        pair_of_.assign(s.splits.size(), -1), pairs_.clear();
        size_t base = 0;
        for (const int32_t root : s.roots) {
            if (apart) {
                for (const Pair &pair : pairs_)
                    if (pair.split >= 0) pair_of_[size_t(pair.split)] = -1;
                if (nodes.size() > 4 * expected) return false;
                while (s.depth_of(root) >= kDeep && nodes.size() % (2 * kLinePairs) != 0) nodes.push_back({});
                pairs_.clear(), base = nodes.size();
            }
            const size_t first = pairs_.size(), start = 2 * first, first_leaf = leaves.size();
            leaves_at_.assign(size_t(s.depth_of(root)) + 1, 0);
            pairs_.push_back({-1, 0});
            order(s, root);
            if (int64_t(pairs_.size()) > limit) return false;
            put(s, root, base, first);
            Tree tree{int64_t(base), uint32_t(start), s.depth_of(root), 0, 0};
            tree.usual = apart ? usual_depth(int64_t(leaves.size() - first_leaf)) : tree.depth;
            trees.push_back(tree);
            leaf_ends.push_back(leaves.size());
        }
        return true;
    }

    // The nodes, whole lines of them, and the leaves that so many trees have at most.
    static std::pair<size_t, size_t> room(size_t splits, size_t count) {
        constexpr size_t line = 2 * kLinePairs;
        return {(2 * (splits + count) + line - 1) / line * line + count * line, splits + 2 * count};
    }
    void make_room(size_t splits, size_t count) {
        nodes.resize(room(splits, count).first), trees.resize(count);
    }
    // Takes over a part, its leaves numbered.
    void put(const Walks &part, size_t node, size_t tree) {
        std::copy(part.nodes.begin(), part.nodes.end(), nodes.begin() + int64_t(node));
        for (Tree each : part.trees) {
            each.base += int64_t(node);
            trees[tree++] = each;
        }
    }

    // Lets go of what laying needs.
    void shrink() { leaves = {}, leaf_ends = {}, pair_of_ = {}, pairs_ = {}, waiting_ = {}, leaves_at_ = {}; }

    // Numbers the leaves from `first` on: `set(number, given leaf)`.
    template <class Set>
    void number_leaves(size_t first, Set &&set) {
        constexpr Key sign = std::numeric_limits<Key>::min();
        for (size_t tree = 0; tree < trees.size(); ++tree) trees[tree].leaf = uint32_t(first + (tree == 0 ? 0 : leaf_ends[tree - 1]));
        for (const LaidLeaf &leaf : leaves) {  // bases are even
            nodes[leaf.at].key = Key(first) | (leaf.at % 2 ? Key(0) : sign);
            set(first++, leaf.node);
        }
    }
    static uint32_t leaf_number(Key key) { return uint32_t(key) & 0x7fffffff; }

    static bool is_leaf(const Node &n, size_t place) { return n.pair == place / 2; }

private:
    struct Pair {
        int32_t split, depth;  // whose children it is, -1 for a root's; and how deep they lie
    };

    // Of the tree laid out last, the median of its leaves' depths.
    int32_t usual_depth(int64_t total) const {
        int32_t depth = 0;
        for (int64_t seen = 0; size_t(depth) < leaves_at_.size(); ++depth)
            if ((seen += leaves_at_[size_t(depth)]) * 2 >= total) break;
        return depth;
    }
    // Numbers the pairs below a root, line by line: a line begins with the first split that waits, and takes the highest of
    // those below, as higher trees are met more often.
    void order(const Splits<Key> &s, int32_t root) {
        waiting_.clear();
        if (root >= 0) waiting_.push_back({root, 0});
        for (size_t next = 0; next < waiting_.size(); ++next) {
            Pair line[kLinePairs + 2] = {waiting_[next]};
            size_t count = 1;
            do {
                size_t highest = 0;
                for (size_t i = 1; i < count; ++i)
                    if (s.depth_of(line[i].split) > s.depth_of(line[highest].split)) highest = i;
                const Pair pair = line[highest];
                line[highest] = line[--count];
                if (pair_of_[size_t(pair.split)] >= 0) continue;
                pair_of_[size_t(pair.split)] = int32_t(pairs_.size());
                pairs_.push_back({pair.split, pair.depth + 1});
                const auto &split = s.splits[size_t(pair.split)];
                line[count] = {split.left, pair.depth + 1}, count += split.left >= 0;
                line[count] = {split.right, pair.depth + 1}, count += split.right >= 0;
            } while (count > 0 && pairs_.size() % kLinePairs != 0);
            waiting_.insert(waiting_.end(), line, line + count);
        }
    }
    // Lays the pairs from `first` on, and their leaves. (Which children are leaves no processor guesses: no branches on that.)
    void put(const Splits<Key> &s, int32_t root, size_t base, size_t first) {
        using Index = typename Node::Index;
        using Split = typename Splits<Key>::Split;
        const size_t laid = leaves.size(), count = pairs_.size() - first;
        nodes.resize(base + 2 * pairs_.size()), leaves.resize(laid + 2 * count);
        Node *node = nodes.data() + base + 2 * first;
        LaidLeaf *next = leaves.data() + laid;
        const Split *splits = s.splits.data(), above{0, 0, root, root}, none{0, int32_t(s.planes.met.size()), 0, 0};
        const int32_t *numbers = pair_of_.data();
        int64_t *at_depth = leaves_at_.data();
        for (size_t i = 0; i < count; ++i) {
            const Pair pair = pairs_[first + i];
            const int32_t own = int32_t(first + i);
            const Split &parent = pair.split < 0 ? above : splits[pair.split];
            for (const int32_t child : {parent.left, parent.right}) {
                const bool is_leaf = child < 0;
                const Split &split = *(is_leaf ? &none : splits + child);
                *next = {uint32_t(node - nodes.data()), ~child};
                next += is_leaf, at_depth[pair.depth] += is_leaf;
                *node++ = {biased(split.key), Index(*(is_leaf ? &own : numbers + child)), Index(split.plane * kLanes)};
            }
        }
        leaves.resize(size_t(next - leaves.data()));
    }

    static constexpr size_t kLinePairs = 64 / (2 * sizeof(Node));
    // Of the splits that are laid out.
    LargeVector<int32_t> pair_of_;
    std::vector<Pair> pairs_;
    std::vector<Pair> waiting_;
    std::vector<int64_t> leaves_at_;  // of the tree that is laid out, by depth
};

}  // namespace celeris::trees
