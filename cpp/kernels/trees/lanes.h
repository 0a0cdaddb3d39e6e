// Lanes: one row and trees of few leaves, all nodes of a tree compared at once.
//
// A row's ranks (see Bits) lie in registers. Each lane of 64 bytes is a node: its plane picks the rank that is
// compared with its own. A tree takes some neighbouring lanes; the bits that come out lead to its leaf in one of two ways:
//   heap   the node after the turns i (a leading one, then a bit a turn) is lane i: for trees up to depth 6
//   kills  each node that the row leaves to the right rules out the leaves to its left; the first that remains is the
//          row's (Lucchese et al., SIGIR 2015)
// No one comparison answers a node that asks whether a number is among several values (see Splits::Set). For these the bits
// of all of a chunk's lanes are kept for each rank that such a plane can have.
#pragma once

#include <algorithm>
#include <bit>
#include <limits>

#include "kernels/trees/leaves.h"

namespace celeris::trees {

constexpr size_t kLanePlanes = 128, kLaneLeaves = 64;
constexpr size_t kMemberWords = size_t(1) << 19;  // of sets' bits: a usual L2 and L3 cache
constexpr int64_t kLaneColumns = 16;

struct Lanes {
    struct Tree {
        uint32_t values;  // floats [leaf or code][column]
        uint32_t kills;   // a mask of leaves for each lane
        int32_t target;
        uint8_t fresh, shift;  // whether it begins a vector, and its first lane
        uint8_t depth;         // of a heap
        uint8_t registers;     // of kills, of 16 masks of 32 leaves or, where `wide`, 8 of 64; 0: a heap
        bool wide;
    };
    struct Chunk {
        size_t trees_end, vectors, members_end;
    };
    struct Members {  // a plane that sets look at; the bits of several planes are added without carry
        uint8_t plane;
        uint32_t bits;  // [rank][vector] in member_bits
    };
    std::vector<Tree> trees;
    std::vector<Chunk> chunks;
    std::vector<Members> members;
    std::vector<uint64_t> member_bits;
    size_t most_vectors = 0;             // of a chunk with members
    // Of each of Bits' ranked planes, where its keys begin: every 16th of them, then all by 16, filled up with the greatest.
    std::vector<uint32_t> keys;
    std::vector<int32_t> keys32;
    std::vector<int64_t> keys64;
    std::vector<uint8_t> planes, ranks;  // of each lane; a chunk's planes are numbered from 0
    std::vector<uint32_t> kills;
    std::vector<float> values;
};

class LaneBuilder {
public:
    // `wide`: whether trees may have more than 32 leaves and no heap.
    explicit LaneBuilder(bool wide) : wide_(wide) {}

    // Adds a tree of nodes with children `left` and `right`, ~leaf being leaf number `leaf` from left to right. `test(node)`
    // is the number that close() is told about, `value(leaf, column)` what a leaf holds. False if it does not suit.
    template <class Nodes, class Test, class Value>
    bool add(const Nodes &nodes, int32_t root, size_t leaves, int32_t depth, int32_t target, int64_t columns, Test &&test,
             Value &&value) {
        if (leaves > kLaneLeaves || columns > kLaneColumns) return false;
        const bool heap = depth <= 6;
        if (!heap && !wide_ && leaves > 32) return false;
        const size_t lanes = heap ? size_t(1) << depth : std::bit_ceil(leaves - 1);
        used_ = (used_ + lanes - 1) / lanes * lanes;
        const bool fresh = used_ + lanes > 64 || lanes_.trees.size() == done_;
        if (fresh) {
            used_ = 0;
            lanes_.planes.resize(lanes_.planes.size() + 64, 0);
            lanes_.ranks.resize(lanes_.ranks.size() + 64, 255);  // no rank is greater
        }
        const size_t first = lanes_.planes.size() - 64 + used_;
        Lanes::Tree tree{uint32_t(lanes_.values.size()), uint32_t(lanes_.kills.size()), target, fresh, uint8_t(used_),
                         uint8_t(depth), 0, leaves > 32};
        const auto put = [&](size_t place, int32_t leaf) {
            for (int64_t c = 0; c < columns; ++c)
                lanes_.values[tree.values + place * size_t(columns) + size_t(c)] = value(leaf, c);
        };
        lanes_.values.resize(lanes_.values.size() + (heap ? lanes : leaves) * size_t(columns));
        if (heap) {
            const auto lay = [&](auto &&self, int32_t at, size_t turns, int32_t left) -> void {
                if (at < 0) {
                    for (size_t i = 0; i < size_t(1) << left; ++i) put((turns << left) - lanes + i, ~at);
                    return;
                }
                patches_.push_back({first + turns, test(at)});
                self(self, nodes[size_t(at)].left, 2 * turns, left - 1);
                self(self, nodes[size_t(at)].right, 2 * turns + 1, left - 1);
            };
            lay(lay, root, 1, depth);
        } else {
            const size_t words = tree.wide ? 2 : 1;
            tree.registers = uint8_t((leaves - 1 + 16 / words - 1) / (16 / words));
            lanes_.kills.resize(lanes_.kills.size() + size_t(tree.registers) * 16, ~uint32_t(0));
            size_t lane = 0, leaf = 0;
            const auto lay = [&](auto &&self, int32_t at) -> void {
                if (at < 0) {
                    put(leaf++, ~at);
                    return;
                }
                const size_t own = lane++, low = leaf;
                patches_.push_back({first + own, test(at)});
                self(self, nodes[size_t(at)].left);
                const uint64_t left = ((uint64_t(1) << (leaf - low)) - 1) << low;
                for (size_t w = 0; w < words; ++w)
                    lanes_.kills[tree.kills + own * words + w] = ~uint32_t(left >> (32 * w));
                self(self, nodes[size_t(at)].right);
            };
            lay(lay, root);
        }
        used_ += lanes;
        lanes_.trees.push_back(tree);
        return true;
    }
    // The next ranked plane's ascending keys, at most 255.
    template <class Key>
    void add_keys(const std::vector<Key> &keys) {
        auto &all = [&]() -> std::vector<Key> & {
            if constexpr (sizeof(Key) == 4)
                return lanes_.keys32;
            else
                return lanes_.keys64;
        }();
        const size_t at = all.size();
        lanes_.keys.push_back(uint32_t(at));
        all.resize(at + 16 + (keys.size() / 16 + 1) * 16, std::numeric_limits<Key>::max());
        for (size_t i = 0; i < keys.size(); ++i) {
            all[at + 16 + i] = keys[i];
            if (i % 16 == 15) all[at + i / 16] = keys[i];
        }
    }
    // Ends a chunk: `place(test)` gives the pair of plane and rank of a test, `set(test)` the tests of a set or null,
    // `keys(plane)` how many a plane has. False if sets need too many bits.
    template <class Place, class Set, class Keys>
    bool close(Place &&place, Set &&set, Keys &&keys) {
        const size_t vectors = (lanes_.planes.size() - begun_) / 64;
        struct Flip {  // between this rank and the next
            uint8_t plane, rank;
            size_t lane;
        };
        std::vector<Flip> flips;
        constexpr size_t none = std::numeric_limits<size_t>::max();
        std::vector<size_t> rows(256, none);  // of planes that sets ask: where the member bits of their ranks begin
        for (const auto &[lane, test] : patches_) {
            if (const std::vector<int32_t> *tests = set(test)) {
                for (const int32_t t : *tests) {
                    const auto [plane, rank] = place(t);
                    flips.push_back({plane, rank, lane - begun_}), rows[plane] = 0;
                }
            } else {
                const auto [plane, rank] = place(test);
                lanes_.planes[lane] = plane, lanes_.ranks[lane] = rank;
            }
        }
        auto &bits = lanes_.member_bits;
        for (size_t plane = 0; plane < rows.size(); ++plane) {
            if (rows[plane] == none) continue;
            rows[plane] = bits.size();
            const size_t end = rows[plane] + (keys(uint8_t(plane)) + 1) * vectors;
            if (end > kMemberWords) return false;
            lanes_.members.push_back({uint8_t(plane), uint32_t(rows[plane])});
            lanes_.most_vectors = std::max(lanes_.most_vectors, vectors);
            bits.resize(end, 0);
        }
        for (const Flip &flip : flips)
            bits[rows[flip.plane] + (flip.rank + size_t(1)) * vectors + flip.lane / 64] ^= uint64_t(1) << flip.lane % 64;
        for (size_t plane = 0; plane < rows.size(); ++plane) {
            if (rows[plane] == none) continue;
            uint64_t *const row = bits.data() + rows[plane];
            for (size_t i = 0; i < keys(uint8_t(plane)) * vectors; ++i) row[vectors + i] ^= row[i];
        }
        patches_.clear();
        lanes_.chunks.push_back({lanes_.trees.size(), vectors, lanes_.members.size()});
        done_ = lanes_.trees.size(), begun_ = lanes_.planes.size();
        return true;
    }
    Lanes take() { return std::move(lanes_); }

private:
    const bool wide_;
    Lanes lanes_;
    size_t used_ = 64, done_ = 0, begun_ = 0;  // lanes of the last vector; trees and lanes of the chunks before
    std::vector<std::pair<size_t, int32_t>> patches_;
};

}  // namespace celeris::trees
