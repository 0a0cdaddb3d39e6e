// What trees BitBuilder makes bits of: all of an ensemble that suits, or the tops of those that rows walk down.
#pragma once

#include <bit>

#include "kernels/trees/bits.h"
#include "kernels/trees/splits.h"
#include "kernels/trees/tiles.h"
#include "kernels/trees/walks.h"

namespace celeris::trees {

template <class Key>
struct BitNode {
    const typename Splits<Key>::Set *set;  // or null: then it compares
    Key key;
    int32_t plane, left, right;  // children: index of a node, or ~leaf
    int32_t height = 0;          // levels that its piece has below it, itself included
    int32_t test = 0;            // the number of its comparison
    bool cut = false;            // begins the next piece
};

// An ensemble's trees, with shared subtrees written out. Tables hold what their leaves do.
template <class Key_>
struct WholeTrees {
    using Key = Key_;
    static constexpr bool whole = true;
    const Splits<Key> &splits;
    const Leaves &leaves;
    const std::vector<uint32_t> &numbers;  // of the given nodes that are leaves

    bool suit() const { return leaves.kind != Leaves::sparse && leaves.narrow; }
    size_t count() const { return splits.roots.size(); }
    size_t comparisons() const { return splits.splits.size(); }
    size_t planes() const { return splits.planes.met.size(); }
    int64_t columns() const { return leaves.columns(); }
    int64_t targets() const { return leaves.targets; }
    int32_t target(int32_t tree) const { return leaves.kind == Leaves::value ? leaves.tree_target[size_t(tree)] : 0; }
    uint32_t entry(int32_t node, int64_t column) const {
        return std::bit_cast<uint32_t>(leaves.singles[numbers[size_t(node)] * size_t(columns()) + size_t(column)]);
    }
    // The comparisons that a node makes: one, or those with a set's ends.
    template <class Visit>
    void each_comparison(const BitNode<Key> &n, Visit &&visit) const {
        if (n.set == nullptr) return visit(n.plane, n.key);
        for (uint32_t e = n.set->first; e < n.set->last; ++e) visit(splits.set_ends[e].first, splits.set_ends[e].second);
    }
    // A tree's nodes, its leaves from left to right, and its root, if it is small.
    bool expand(int32_t tree, std::vector<BitNode<Key>> &nodes, std::vector<int32_t> &ends, int32_t &root) const {
        root = splits.roots[size_t(tree)];
        if (splits.depth_of(root) > kMostLeaves) return false;
        root = grow(root, nodes, ends);
        return ends.size() <= size_t(kMostLeaves);
    }
    int32_t grow(int32_t ref, std::vector<BitNode<Key>> &nodes, std::vector<int32_t> &ends) const {
        if (ends.size() > size_t(kMostLeaves)) return ~0;
        if (ref < 0) {
            ends.push_back(~ref);
            return ~int32_t(ends.size() - 1);
        }
        const size_t at = nodes.size();
        const auto *set = splits.set_at(ref);
        const auto &split = splits.splits[size_t(ref)];
        nodes.push_back({set, split.key, split.plane, 0, 0});
        const int32_t left = grow(set ? set->out : split.left, nodes, ends);
        const int32_t right = grow(set ? set->in : split.right, nodes, ends);
        nodes[at].left = left, nodes[at].right = right;
        return int32_t(at);
    }
};

// The first nodes of an ensemble's trees, down to so many places, which are what tables hold.
template <class Key_>
struct TreeTops {
    using Key = Key_;
    static constexpr bool whole = false;
    size_t trees, most, all_planes;
    std::vector<int32_t> &levels;  // steps of each tree that its top saves, set by expand

    bool suit() const { return true; }
    size_t count() const { return trees; }
    size_t comparisons() const { return trees * most; }
    size_t planes() const { return all_planes; }
    int64_t columns() const { return 1; }
    int64_t targets() const { return 1; }
    int32_t target(int32_t) const { return 0; }
    uint32_t entry(int32_t place, int64_t) const { return uint32_t(place); }
    template <class Visit>
    void each_comparison(const BitNode<Key> &n, Visit &&visit) const {
        visit(n.plane, n.key);
    }
};

// Of trees that are laid out for walks.
template <class Walked>
struct WalkTops : TreeTops<typename Walked::Key> {
    using Key = typename Walked::Key;
    const Walks<Walked> &walks;

    WalkTops(const Walks<Walked> &w, size_t planes, std::vector<int32_t> &levels)
        : TreeTops<Key>{w.trees.size(), kTopPlaces, planes, levels}, walks(w) {}

    bool expand(int32_t tree, std::vector<BitNode<Key>> &nodes, std::vector<int32_t> &ends, int32_t &root) const {
        const auto &t = walks.trees[size_t(tree)];
        struct Waiting {
            uint32_t place;
            int32_t parent;
            bool right;
            int32_t level;
        };
        std::vector<Waiting> waiting{{t.start, -1, false, 0}};
        double share = 0;  // of the rows that each node meets, if all turns were as likely
        for (size_t next = 0; next < waiting.size(); ++next) {
            const Waiting w = waiting[next];
            const auto &node = walks.nodes[size_t(t.base) + w.place];
            const bool splits = !Walks<Walked>::is_leaf(node, w.place) && nodes.size() + 1 < this->most;
            const int32_t ref = splits ? int32_t(nodes.size()) : ~int32_t(ends.size());
            (w.parent < 0 ? root : w.right ? nodes[size_t(w.parent)].right : nodes[size_t(w.parent)].left) = ref;
            if (!splits) {
                ends.push_back(int32_t(w.place));
                continue;
            }
            nodes.push_back({nullptr, biased(node.key), int32_t(node.column / uint32_t(kLanes)), 0, 0});
            share += std::ldexp(1.0, -w.level);
            for (const bool right : {false, true}) waiting.push_back({2 * uint32_t(node.pair) + right, ref, right, w.level + 1});
        }
        this->levels[size_t(tree)] = int32_t(share);
        return true;
    }
};

// Of trees that are cut into tiles: some of the first, whole.
struct TileTops : TreeTops<int32_t> {
    const Tiles &tiles;

    TileTops(const Tiles &t, size_t, std::vector<int32_t> &levels)
        : TreeTops<int32_t>{t.trees.size(), kTopPlaces, 2 * t.features.size(), levels}, tiles(t) {}

    // A plane for each way to read NaN: that of a tile's feature; and the feature's number, and whether NaN goes left.
    static int32_t plane(uint8_t feature) { return feature % Tile::kNanLeft * 2 + feature / Tile::kNanLeft; }
    static std::pair<int32_t, bool> read(int32_t plane) { return {plane / 2, plane % 2 != 0}; }

    bool expand(int32_t tree, std::vector<BitNode<int32_t>> &nodes, std::vector<int32_t> &ends, int32_t &root) const {
        const TileShapes &shapes = TileShapes::all();
        struct Waiting {
            uint32_t tile;
            int32_t parent;
            bool right;
            int32_t steps;
        };
        std::vector<Waiting> waiting{{0, -1, false, 0}};
        size_t all_steps = 0;
        for (size_t next = 0; next < waiting.size(); ++next) {
            const Waiting w = waiting[next];
            const Tile &tile = tiles.tiles[tiles.trees[size_t(tree)].first + w.tile];
            const auto link = [&](int32_t parent, bool right, int32_t ref) {
                (parent < 0 ? root : right ? nodes[size_t(parent)].right : nodes[size_t(parent)].left) = ref;
            };
            const auto end = [&](int32_t parent, bool right, int32_t steps) {  // at this tile
                link(parent, right, ~int32_t(ends.size()));
                ends.push_back(int32_t(w.tile)), all_steps += size_t(steps);
            };
            const uint8_t shape = shapes.shape_at(tile.ways);
            if (nodes.size() + shapes.splits(shape) >= most) {
                end(w.parent, w.right, w.steps);
                continue;
            }
            const uint32_t swapped = uint32_t(tile.ways) - shapes.ways_at(shape);
            uint32_t lane = 0, way = 0;
            const auto grow = [&](auto &&self, uint8_t at, int32_t parent, bool right) -> void {
                if (at == 0) {
                    if (tile.leaves >> way & 1)
                        end(parent, right, w.steps);
                    else
                        waiting.push_back({tile.exits[way], parent, right, w.steps + 1});
                    ++way;
                    return;
                }
                const auto ref = int32_t(nodes.size());
                const bool first = swapped >> lane & 1;
                nodes.push_back({nullptr, tile.keys[lane], plane(tile.features[lane]), 0, 0});
                link(parent, right, ref);
                ++lane;
                self(self, shapes.first(at), ref, first);
                self(self, shapes.second(at), ref, !first);
            };
            grow(grow, shape, w.parent, w.right);
        }
        levels[size_t(tree)] = int32_t(double(all_steps) / double(ends.size()) + 0.5);
        return true;
    }
};

}  // namespace celeris::trees
