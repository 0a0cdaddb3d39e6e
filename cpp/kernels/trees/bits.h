// Bits: trees of few leaves, evaluated for up to 512 rows at once as bit vectors.
//
// Trees are taken in chunks. In a chunk each plane's distinct keys, at most 255, make ranks of one byte, and each
// distinct comparison (plane, rank) is made once for all rows: a mask of a bit a row. A tree's masks combine to the bit
// planes of an index, and the index looks up what the row's leaf holds. A tree has one of two forms:
//   paths  bit d of the index says where the row went at depth d; 2^depth - 1 masks in heap order
//   reach  leaves are numbered; steps (mask, from, left, right) spread "which rows come here" down the tree
// After QuickScorer's bit vectors (Lucchese et al., SIGIR 2015), but over rows rather than leaves.
#pragma once

#include <bit>
#include <optional>
#include <unordered_map>

#include "kernels/trees/leaves.h"
#include "kernels/trees/splits.h"

namespace celeris::trees {

constexpr int64_t kBitRows = 512;
constexpr int32_t kMostLeaves = 256, kMostLevels = 8, kPathLevels = 6;
constexpr size_t kChunkTests = 6000;  // their masks, 64 bytes each, stay in a usual L2 cache
constexpr int kTogether = 4;          // trees whose values are added in one pass over the sums

struct Bits {
    struct Tree {
        uint32_t program;  // where its words begin
        uint16_t inner;    // reach: steps
        uint8_t levels;    // of the index
        bool paths;
    };
    struct Group {  // trees that add to the same targets, in order; short groups end with trees of no leaves
        Tree trees[kTogether];
        int32_t target;   // the only one, or the first of all
        uint32_t table;   // floats [target][tree][1 << levels]
        uint8_t levels;   // of its tables, at least 4
    };
    struct Ranked {  // a plane, its keys as a search tree in level order, and its tests
        int32_t plane;
        uint32_t search, tests, count;
        uint8_t levels;
    };
    struct Chunk {
        size_t ranked, ranked_end, groups, groups_end, tests;
    };
    std::vector<Chunk> chunks;
    std::vector<Ranked> ranked;
    std::vector<Group> groups;
    std::vector<uint8_t> tests;      // ranks: a test holds where the row's is greater; a chunk's masks are numbered from 1, mask 0 being empty
    std::vector<uint16_t> program;
    std::vector<float> tables;
    std::vector<int32_t> search32;
    std::vector<int64_t> search64;
    size_t most_tests = 0, slots = 1;  // scratch: masks of a chunk, slots of a reach tree
    int64_t columns = 1;               // targets that each tree has values for

    static size_t level_start(int level) { return level < 4 ? (size_t(1) << level) - 1 : size_t(1) << level; }
    static size_t search_size(int levels) { return levels <= 4 ? 16 : size_t(1) << levels; }
};

template <class Key>
class BitBuilder {
public:
    BitBuilder(const Splits<Key> &s, Leaves &leaves) : s_(s), leaves_(leaves) {}

    // The trees as bits, or none where they do not suit: too many leaves, or values that are not float32.
    std::optional<Bits> build() {
        if (leaves_.kind == Leaves::sparse || !leaves_.narrow) return {};
        bits_.columns = leaves_.columns();
        std::vector<int32_t> order(s_.roots.size());
        for (size_t i = 0; i < order.size(); ++i) order[i] = int32_t(i);
        if (leaves_.kind == Leaves::value)
            std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return target(a) < target(b); });
        for (int32_t tree : order) {
            if (!expand(s_.roots[size_t(tree)])) return {};
            if (!fits()) close();
            if (open_.empty() || open_.size() == size_t(kTogether) || open_target_ != target(tree)) end_group();
            open_target_ = target(tree);
            add();
            if (bits_.tables.size() > (size_t(1) << 26)) return {};
        }
        close();
        return std::move(bits_);
    }

private:
    struct Node {
        int32_t split, left, right;  // children: index of a node, or ~leaf
        int32_t depth;
    };
    struct Open {
        Bits::Tree tree;
        std::vector<float> values;  // [column][1 << levels]
    };

    int32_t target(int32_t tree) const {
        return leaves_.kind == Leaves::value ? leaves_.tree_target[size_t(tree)] : 0;
    }

    // nodes_ and ends_ (leaves from left to right): the tree with shared subtrees written out, if it is small.
    bool expand(int32_t root) {
        nodes_.clear(), ends_.clear(), depth_ = s_.depth_of(root);
        if (depth_ > kMostLeaves) return false;
        grow(root, 0);
        return ends_.size() <= size_t(kMostLeaves);
    }
    int32_t grow(int32_t ref, int32_t depth) {
        if (ends_.size() > size_t(kMostLeaves)) return ~0;
        if (ref < 0) {
            ends_.push_back(~ref);
            return ~int32_t(ends_.size() - 1);
        }
        const size_t at = nodes_.size();
        nodes_.push_back({ref, 0, 0, depth});
        const int32_t left = grow(s_.splits[size_t(ref)].left, depth + 1);
        const int32_t right = grow(s_.splits[size_t(ref)].right, depth + 1);
        nodes_[at].left = left, nodes_[at].right = right;
        return int32_t(at);
    }

    static uint64_t id(int32_t plane, Key key) { return uint64_t(key) * 0x9e3779b97f4a7c15u + uint64_t(plane); }

    // Whether the chunk can take the tree's comparisons too.
    bool fits() {
        fresh_.clear();
        if (used_.size() < s_.planes.size()) used_.resize(s_.planes.size());
        for (const Node &n : nodes_) {
            const auto &split = s_.splits[size_t(n.split)];
            if (find(split.plane, split.key) < 0) fresh_.push_back({split.plane, split.key});
        }
        std::sort(fresh_.begin(), fresh_.end());
        fresh_.erase(std::unique(fresh_.begin(), fresh_.end()), fresh_.end());
        size_t run = 0;
        for (size_t i = 0; i < fresh_.size(); ++i) {
            run = i > 0 && fresh_[i].first == fresh_[i - 1].first ? run + 1 : 1;
            if (used_[size_t(fresh_[i].first)] + run > 255) return false;
        }
        return pairs_.size() + fresh_.size() <= kChunkTests;
    }
    int32_t find(int32_t plane, Key key) const {
        const auto found = number_.find({plane, key});
        return found == number_.end() ? -1 : found->second;
    }
    int32_t number(int32_t plane, Key key) {
        const auto [at, fresh] = number_.try_emplace({plane, key}, int32_t(pairs_.size()));
        if (fresh) pairs_.push_back({plane, key}), ++used_[size_t(plane)];
        return at->second;
    }

    float value(int32_t leaf, int64_t column) {
        const size_t number = leaves_.number(ends_[size_t(leaf)]);
        return leaves_.singles[number * size_t(bits_.columns) + size_t(column)];
    }

    // Writes the tree of nodes_ into the open group. Words that name tests are patched when the chunk closes.
    void add() {
        Open o{};
        o.tree.program = uint32_t(bits_.program.size());
        o.tree.paths = depth_ <= kPathLevels || (ends_.size() > 64 && depth_ <= kMostLevels);
        o.tree.levels = uint8_t(o.tree.paths ? depth_ : std::bit_width(ends_.size() - 1));
        o.tree.inner = uint16_t(nodes_.size());
        o.values.assign(size_t(bits_.columns) << o.tree.levels, 0.0f);
        if (o.tree.paths) {
            bits_.program.resize(bits_.program.size() + (size_t(1) << depth_) - 1, 0);
            lay_path(o, nodes_.empty() ? ~0 : 0, 0, 0, 0);
        } else {
            const uint16_t first = uint16_t(1 << o.tree.levels);
            for (size_t i = 0; i < nodes_.size(); ++i) {
                patch(bits_.program.size(), nodes_[i]);
                bits_.program.push_back(0);
                bits_.program.push_back(uint16_t(first + i));
                for (int32_t child : {nodes_[i].left, nodes_[i].right})
                    bits_.program.push_back(uint16_t(child < 0 ? ~child : first + child));
            }
            for (size_t leaf = 0; leaf < ends_.size(); ++leaf) set(o, leaf, int32_t(leaf));
            bits_.slots = std::max(bits_.slots, size_t(first) + nodes_.size());
        }
        open_.push_back(std::move(o));
    }
    void set(Open &o, size_t index, int32_t leaf) {
        for (int64_t c = 0; c < bits_.columns; ++c)
            o.values[(size_t(c) << o.tree.levels) + index] = value(leaf, c);
    }
    void patch(size_t at, const Node &n) {
        const auto &split = s_.splits[size_t(n.split)];
        patches_.push_back({at, number(split.plane, split.key)});
    }
    // `heap`: the node's number among those of its depth; `code`: the turns so far, bit d at depth d.
    void lay_path(Open &o, int32_t node, int32_t depth, size_t heap, size_t code) {
        if (node < 0) {
            set(o, code, ~node);
            return;
        }
        const Node n = nodes_[size_t(node)];
        patch(o.tree.program + (size_t(1) << depth) - 1 + heap, n);
        lay_path(o, n.left, depth + 1, 2 * heap, code);
        lay_path(o, n.right, depth + 1, 2 * heap + 1, code | size_t(1) << depth);
    }

    void end_group() {
        if (open_.empty()) return;
        Bits::Group group{};
        group.target = open_target_, group.levels = 4;
        for (const Open &o : open_) group.levels = std::max(group.levels, o.tree.levels);
        group.table = uint32_t(bits_.tables.size());
        const size_t size = size_t(1) << group.levels;
        bits_.tables.resize(bits_.tables.size() + size_t(bits_.columns) * kTogether * size, 0.0f);
        for (size_t t = 0; t < size_t(kTogether); ++t) {
            group.trees[t] = t < open_.size() ? open_[t].tree : Bits::Tree{0, 0, 0, true};
            if (t >= open_.size()) continue;
            const size_t own = size_t(1) << open_[t].tree.levels;
            for (size_t c = 0; c < size_t(bits_.columns); ++c)
                std::copy_n(open_[t].values.begin() + ptrdiff_t(c * own), own,
                            bits_.tables.begin() + ptrdiff_t(group.table + (c * kTogether + t) * size));
        }
        bits_.groups.push_back(group);
        open_.clear();
    }

    // Ends the chunk: numbers its tests plane by plane, and lays out the searches for ranks.
    void close() {
        end_group();
        if (bits_.groups.size() == groups_done_) return;
        std::vector<int32_t> order(pairs_.size()), place(pairs_.size());
        for (size_t i = 0; i < order.size(); ++i) order[i] = int32_t(i);
        std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return pairs_[size_t(a)] < pairs_[size_t(b)]; });
        Bits::Chunk chunk{bits_.ranked.size(), 0, groups_done_, bits_.groups.size(), pairs_.size()};
        for (size_t i = 0; i < order.size();) {
            const int32_t plane = pairs_[size_t(order[i])].first;
            size_t end = i;
            std::vector<Key> keys;
            const uint32_t tests = uint32_t(bits_.tests.size());
            for (; end < order.size() && pairs_[size_t(order[end])].first == plane; ++end) {
                bits_.tests.push_back(uint8_t(end - i));
                place[size_t(order[end])] = int32_t(end) + 1;
                keys.push_back(pairs_[size_t(order[end])].second);
            }
            rank(plane, keys, tests);
            i = end;
        }
        chunk.ranked_end = bits_.ranked.size();
        for (const auto &[at, test] : patches_) bits_.program[at] = uint16_t(place[size_t(test)]);
        bits_.most_tests = std::max(bits_.most_tests, pairs_.size());
        bits_.chunks.push_back(chunk);
        groups_done_ = bits_.groups.size();
        pairs_.clear(), number_.clear(), patches_.clear(), used_.assign(s_.planes.size(), 0);
    }
    void rank(int32_t plane, const std::vector<Key> &keys, uint32_t tests) {
        auto &search = [&]() -> std::vector<Key> & {
            if constexpr (sizeof(Key) == 4)
                return bits_.search32;
            else
                return bits_.search64;
        }();
        const int levels = std::bit_width(keys.size());
        const size_t at = search.size();
        bits_.ranked.push_back({plane, uint32_t(at), tests, uint32_t(keys.size()), uint8_t(levels)});
        search.resize(at + Bits::search_size(levels), Keys<Key>::nan_right);
        for (int level = 0; level < levels; ++level) {
            const size_t step = size_t(1) << (levels - 1 - level);
            for (size_t k = 0; k < size_t(1) << level; ++k) {
                const size_t middle = k * 2 * step + step - 1;
                if (middle < keys.size()) search[at + Bits::level_start(level) + k] = keys[middle];
            }
        }
    }

    struct Hash {
        size_t operator()(const std::pair<int32_t, Key> &p) const { return size_t(id(p.first, p.second) >> 17); }
    };
    const Splits<Key> &s_;
    Leaves &leaves_;
    Bits bits_;
    std::vector<Node> nodes_;
    std::vector<int32_t> ends_;
    int32_t depth_ = 0, open_target_ = 0;
    std::vector<Open> open_;
    std::vector<std::pair<int32_t, Key>> pairs_, fresh_;
    std::unordered_map<std::pair<int32_t, Key>, int32_t, Hash> number_;
    std::vector<size_t> used_;
    std::vector<std::pair<size_t, int32_t>> patches_;
    size_t groups_done_ = 0;
};

}  // namespace celeris::trees
