// Tiles: trees cut into pieces of up to eight splits, whose comparisons are made at once.
//
// A tile is a line of the cache: its splits' keys and features, and where its ways out lead, to tiles of the same tree or to
// leaves. A row's turns at the splits, a bit each, are looked up in a table for the tile's shape, which says by which way the
// row leaves. Children are swapped, and turns with them, until the first child has the greater shape: then trees of up to
// eight splits have 94 shapes, and their tables stay in the first cache. (Tiles and tables of shapes as in Treebeard: Prasad
// et al., MICRO 2022.)
#pragma once

#include <array>
#include <atomic>
#include <bit>

#include "kernels/trees/leaves.h"
#include "kernels/trees/splits.h"

namespace celeris::trees {

constexpr size_t kTileSplits = 8;
constexpr size_t kTileFeatures = 128;  // whose keys registers hold
constexpr int64_t kTileRows = 16;       // so many go down a tree together; fewer go alone, down many trees at once
constexpr int64_t kTileTopRows = 256;  // from so many on bit vectors take rows to the first places of deep trees
constexpr int64_t kTileSide = 32;      // rows, or trees, that take their steps side by side

struct Tile {
    int32_t keys[kTileSplits];
    uint8_t features[kTileSplits];    // their numbers in Tiles::features, and kNanLeft
    uint16_t exits[kTileSplits + 1];  // tiles of the tree; where a leaf is, this one
    uint16_t ways;                    // where those of its shape begin, and which turns are swapped
    uint32_t leaves;                  // which ways out are leaves, and above these bits, the number of the first in the tree

    static constexpr uint8_t kNanLeft = 0x80;
    static constexpr int kWays = kTileSplits + 1;
    uint32_t leaf(uint32_t way) const { return (leaves >> kWays) + uint32_t(std::popcount(leaves & ((1u << way) - 1))); }
};
static_assert(sizeof(Tile) == 64);

class TileShapes {
public:
    static const TileShapes &all() {
        static const TileShapes shapes;
        return shapes;
    }
    // The shape of a split whose children have these; 0: no split.
    uint8_t joined(uint8_t left, uint8_t right) const { return joined_[left][right]; }
    uint16_t ways_at(uint8_t shape) const { return at_[shape]; }
    uint8_t shape_at(uint16_t ways) const {  // the shape whose ways these are among
        uint8_t shape = uint8_t(kShapes - 1);
        while (size_t(ways - at_[shape]) >= size_t(1) << splits_[shape]) --shape;
        return shape;
    }
    uint8_t splits(uint8_t shape) const { return splits_[shape]; }
    // The shapes of a split's children.
    uint8_t first(uint8_t shape) const { return first_[shape]; }
    uint8_t second(uint8_t shape) const { return second_[shape]; }
    // By turns from the place of a shape on: which way out. The splits are numbered as they are met, first children first,
    // so are the ways out.
    const uint8_t *ways() const { return ways_.data(); }

private:
    static constexpr size_t kShapes = 94, kWays = 15697;

    TileShapes() {
        size_t count = 1;
        for (size_t size = 1; size <= kTileSplits; ++size) {
            for (size_t a = 0, before = count; a < before; ++a) {
                for (size_t b = 0; b <= a; ++b) {
                    if (splits_[a] + splits_[b] + size_t(1) != size) continue;
                    splits_[count] = uint8_t(size), first_[count] = uint8_t(a), second_[count] = uint8_t(b);
                    joined_[a][b] = joined_[b][a] = uint8_t(count++);
                }
            }
        }
        size_t at = 0;
        for (size_t shape = count; shape-- > 0;) {  // the greatest first: each begins at a multiple of its size
            at_[shape] = uint16_t(at);
            for (size_t turns = 0; turns < size_t(1) << splits_[shape]; ++turns) {
                size_t on = shape, lane = 0, way = 0;
                while (on != 0) {
                    const size_t before = splits_[first_[on]];
                    const bool turned = turns >> lane & 1;
                    lane += 1 + (turned ? before : 0), way += turned ? before + 1 : 0;
                    on = turned ? second_[on] : first_[on];
                }
                ways_[at++] = uint8_t(way);
            }
        }
    }
    std::array<std::array<uint8_t, kShapes>, kShapes> joined_{};
    std::array<uint8_t, kShapes> splits_{}, first_{}, second_{};
    std::array<uint16_t, kShapes> at_{};
    std::array<uint8_t, kWays> ways_{};
};

struct Tiles {
    using Key = int32_t;
    struct Tree {
        size_t first, count;  // of its tiles
        uint32_t leaf;        // the number of its first leaf
        int32_t usual;        // steps that 7 of 8 leaves need
    };
    struct LaidLeaf {
        int32_t node;  // of the given ensemble
    };
    LargeVector<Tile> tiles;
    std::vector<Tree> trees;
    std::vector<int32_t> features;
    int32_t usual = 1;              // the mean of the trees'
    LargeVector<LaidLeaf> leaves;   // until they are numbered: tree by tree,
    std::vector<size_t> leaf_ends;  // up to here

    // Numbers the features that planes read. False if they are too many.
    bool number_features(const std::vector<Plane> &planes) {
        features.clear(), marks_.clear();
        for (const Plane &plane : planes) {
            const size_t at = size_t(std::find(features.begin(), features.end(), plane.feature) - features.begin());
            if (at == kTileFeatures) return false;
            if (at == features.size()) features.push_back(plane.feature);
            marks_.push_back(uint8_t(at | (plane.nan_left ? Tile::kNanLeft : 0)));
        }
        return true;
    }

    // Of 16 features each, that hold a row's keys: a power of two.
    int registers() const { return int(std::bit_ceil((features.size() + 15) / 16)); }

    // False where the trees share so much, or are so large, that tiles cannot hold them.
    bool lay(const Splits<Key> &s, bool apart) {
        tiles.clear(), trees.clear(), leaves.clear(), leaf_ends.clear();
        if (!apart || !number_features(s.planes.met)) return false;
        const auto [most_tiles, most_leaves] = room(s.splits.size(), s.roots.size());
        tiles.reserve(most_tiles), leaves.reserve(most_leaves);
        for (const int32_t root : s.roots) {
            const size_t first = tiles.size(), first_leaf = leaves.size();
            waiting_.assign(1, {root, 0});
            leaves_at_.clear();
            for (size_t next = 0; next < waiting_.size(); ++next) {
                if (tiles.size() == most_tiles || waiting_.size() > size_t(1) << 16) return false;
                if (!cut(s, int32_t(next), leaves.size() - first_leaf, most_leaves)) return false;
            }
            size_t left = leaves.size() - first_leaf;
            int32_t usual = 0;
            for (const size_t enough = left / 8; left > enough; ++usual) left -= leaves_at_[size_t(usual)];
            trees.push_back({first, tiles.size() - first, 0, usual});
            leaf_ends.push_back(leaves.size());
        }
        return true;
    }

    // The tiles and the leaves that trees have at most: a tile that leads to others has eight splits, and leads to nine.
    static std::pair<size_t, size_t> room(size_t splits, size_t count) { return {splits * 9 / 16 + count, splits + count}; }
    void make_room(size_t splits, size_t count) { tiles.resize(room(splits, count).first), trees.resize(count); }

    // Takes over a part, its leaves numbered; several threads may.
    void put(const Tiles &part, size_t, size_t tree) {
        const size_t first = filled_.fetch_add(part.tiles.size());
        std::copy(part.tiles.begin(), part.tiles.end(), tiles.begin() + int64_t(first));
        for (Tree each : part.trees) {
            each.first += first;
            trees[tree++] = each;
        }
    }
    // Lets go of what laying needs.
    void shrink() {
        if (filled_ > 0) tiles.resize(filled_);
        int64_t all = 0;
        for (const Tree &tree : trees) all += tree.usual;
        if (!trees.empty()) usual = int32_t((all + int64_t(trees.size()) - 1) / int64_t(trees.size()));
        leaves = {}, leaf_ends = {}, waiting_ = {};
    }

    // Numbers the leaves from `first` on: `set(number, given leaf)`.
    template <class Set>
    void number_leaves(size_t first, Set &&set) {
        for (size_t tree = 0; tree < trees.size(); ++tree) trees[tree].leaf = uint32_t(first + (tree == 0 ? 0 : leaf_ends[tree - 1]));
        for (const LaidLeaf &leaf : leaves) set(first++, leaf.node);
    }

private:
    struct Waiting {
        int32_t ref, depth;  // the first split of a tile, and the tiles above it
    };

    // Lays the tile that begins with a split: of those below, the highest trees' first, for rows meet them more often, but
    // rather those near it, for then fewer of the last tiles are nearly empty.
    bool cut(const Splits<Key> &s, int32_t own, size_t first_leaf, size_t most_leaves) {
        struct Out {
            int32_t ref, below;  // whence it leads, and how far below the first split
            uint8_t from;        // 2 i + 1 of split i, plus one on the right
        };
        constexpr int32_t none = std::numeric_limits<int32_t>::min();
        const Waiting top = waiting_[size_t(own)];
        std::array<const typename Splits<Key>::Split *, kTileSplits> taken;
        std::array<Out, kTileSplits + 1> outs;
        std::array<int8_t, 2 * kTileSplits + 1> leads;  // from there to a split, or ~out
        size_t count = 0, ways = 0;
        std::array<int32_t, kTileSplits + 1> ranks;  // of the outs, times 16; the last four bits tell which it is
        ranks.fill(none);
        const auto put = [&](size_t at, int32_t ref, int32_t below, size_t from) {
            outs[at] = {ref, below, uint8_t(from)};
            const int32_t rank = (s.depth_of(ref) - below) * 16 + (15 - int32_t(at)), is_leaf = ref >> 31;  // a mask
            ranks[at] = (rank & ~is_leaf) | (none & is_leaf);
        };
        put(ways++, top.ref, 0, 0);
        while (count < kTileSplits) {
            const auto highest_of = [&](size_t i) { return std::max(std::max(ranks[i], ranks[i + 1]), ranks[i + 2]); };
            const int32_t highest = std::max(std::max(highest_of(0), highest_of(3)), highest_of(6));
            if (highest == none) break;
            const size_t at = size_t(15 - (highest & 15));
            const Out out = outs[at];
            const auto &split = s.splits[size_t(out.ref)];
            leads[out.from] = int8_t(count), taken[count] = &split;
            put(at, split.left, out.below + 1, 2 * count + 1);
            put(ways++, split.right, out.below + 1, 2 * count + 2);
            ++count;
        }
        for (size_t i = 0; i < ways; ++i) leads[outs[i].from] = int8_t(~i);

        // What follows asks no processor to guess whether a way leads out, or which child is the first.
        constexpr size_t zero = kTileSplits + 1;  // where arrays by what leads say, from ~out to splits, have the first split
        const TileShapes &shapes = TileShapes::all();
        std::array<uint8_t, zero + kTileSplits> shape{};  // of splits; outs have none
        std::array<bool, kTileSplits> swapped;
        for (size_t i = count; i-- > 0;) {
            const uint8_t left = shape[zero + size_t(leads[2 * i + 1])], right = shape[zero + size_t(leads[2 * i + 2])];
            shape[zero + i] = shapes.joined(left, right), swapped[i] = left < right;
        }
        Tile tile{};
        std::fill_n(tile.keys, kTileSplits, std::numeric_limits<Key>::max());  // no key is greater
        tile.ways = shapes.ways_at(shape[zero + size_t(leads[0])]);
        struct Place {
            uint8_t lane, way;  // so many splits, and ways out, are met before
        };
        std::array<Place, zero + kTileSplits> places;
        places[zero + size_t(leads[0])] = {0, 0};
        for (size_t i = 0; i < count; ++i) {
            const Place here = places[zero + i];
            const size_t left = zero + size_t(leads[2 * i + 1]), right = zero + size_t(leads[2 * i + 2]);
            const size_t first = swapped[i] ? right : left, second = left ^ right ^ first;
            const uint8_t splits = shapes.splits(shape[first]);
            places[first] = {uint8_t(here.lane + 1), here.way};
            places[second] = {uint8_t(here.lane + 1 + splits), uint8_t(here.way + 1 + splits)};
            tile.keys[here.lane] = taken[i]->key, tile.features[here.lane] = marks_[size_t(taken[i]->plane)];
            tile.ways ^= uint16_t(swapped[i] << here.lane);
        }
        std::array<int32_t, kTileSplits + 1> refs;  // whence ways out lead, as they are met
        for (size_t i = 0; i < ways; ++i) refs[places[zero + ~i].way] = outs[i].ref;
        std::array<LaidLeaf, kTileSplits + 1> found;
        std::array<Waiting, kTileSplits + 1> more;
        size_t leaf_count = 0, more_count = 0;
        for (size_t way = 0; way < ways; ++way) {
            const bool is_leaf = refs[way] < 0;
            found[leaf_count] = {~refs[way]}, more[more_count] = {refs[way], top.depth + 1};
            tile.exits[way] = uint16_t(is_leaf ? size_t(own) : waiting_.size() + more_count);
            tile.leaves |= uint32_t(is_leaf) << way;
            leaf_count += is_leaf, more_count += !is_leaf;
        }
        tile.leaves |= uint32_t(first_leaf) << Tile::kWays;
        tiles.push_back(tile);
        leaves.insert(leaves.end(), found.begin(), found.begin() + ptrdiff_t(leaf_count));
        waiting_.insert(waiting_.end(), more.begin(), more.begin() + ptrdiff_t(more_count));
        if (leaf_count > 0) leaves_at_.resize(size_t(top.depth) + 1), leaves_at_.back() += leaf_count;
        return leaves.size() <= most_leaves && first_leaf < size_t(1) << (32 - Tile::kWays);
    }

    std::vector<uint8_t> marks_;  // of planes: what a tile says of them
    std::vector<Waiting> waiting_;
    std::vector<size_t> leaves_at_;  // of the tree that is laid out, so many steps and one more from its root
    std::atomic<size_t> filled_ = 0;
};

}  // namespace celeris::trees
