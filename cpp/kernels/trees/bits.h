// Bits: trees of few leaves, evaluated for up to 512 rows at once as bit vectors.
//
// Trees are taken in chunks. In a chunk each plane's distinct keys, 255 at a time, make ranks of one byte, and each
// distinct comparison (plane, rank) is made once for all rows: a mask of a bit a row. A tree's masks combine to the bit
// planes of a code, a byte a row, which tells the row's leaf. Bits below a leaf that ends early may be anything: the
// table that the code looks up holds the leaf at all of them. So a node costs no more than to choose, by its mask, between
// the planes that both its sides have; those that only the deeper side has stay as they are, and the mask is a new one.
// Codes come about in two ways:
//   paths    2^levels - 1 masks in heap order, muxed in registers: for trees that are nearly complete
//   choices  steps (to, where, yes, no) from the leaves up: for all others
// A tree deeper than a byte has bits is cut into pieces: what lies below the cut, contracted to the nodes that still tell
// its parts apart, is the next piece, asked for the rows that the one before sends there.
// Whether a number is among several values is a mask of its own: of the comparisons with the values' ends, an odd count.
// After QuickScorer's bit vectors (Lucchese et al., SIGIR 2015), but over rows rather than leaves.
#pragma once

#include <optional>

#include "kernels/trees/lanes.h"

namespace celeris::trees {

constexpr int64_t kBitRows = 512;
constexpr int32_t kMostLeaves = 256, kMostLevels = 8, kPathLevels = 6;
constexpr uint8_t kBelow = 255;       // not a leaf's number but in a last piece
constexpr size_t kSlots = 64;         // vectors that steps write: 1 to kSlots; 0 is empty, masks come after
constexpr size_t kChunkTests = 12000;  // whose masks have 64 bytes each: much of a usual L2 cache
constexpr uint16_t kUnit = 4;          // half of a vector's bytes, of each 64 rows
static_assert(kUnit * (1 + kSlots + kChunkTests) < (1 << 16));
constexpr size_t kRankedKeys = 255;   // that make ranks of a byte
template <class Key>
constexpr size_t kFewKeys = sizeof(Key) == 4 ? 16 : 32;  // of a plane, whose rows are compared with one by one
constexpr int64_t kManyFeatures = 128;  // above so many a block of columns leaves the cache: rows are read as they lie,
constexpr int64_t kTurned = 128;        // and so many features turned into columns at a time
constexpr int64_t kFewOf = 4;           // features: of so many times as many columns, each is turned by itself
constexpr int64_t kTurnedBytes = 2 << 20;  // of a block's rows, which must be turned before if they lie in another way
constexpr int kTogether = 16;         // trees whose values are added in one pass over the sums, where registers look tables up;
constexpr int kTogetherInMemory = 4;  // and where memory does
constexpr int kSideBySide = 8;        // trees whose digits are added in 16 bits
constexpr int kDigitBits = 13, kMostDigits = 4;
static_assert(kSideBySide << kDigitBits <= 1 << 16);
static_assert(kTogether / kSideBySide * (int64_t(1) << (2 * kDigitBits + 3)) < int64_t(1) << 31);  // two digits in 32 bits

// Sixteen entries of tables, a line of the cache.
struct alignas(64) TableLine {
    uint32_t entries[16];
};

struct Bits {
    struct Piece {
        uint32_t program;  // paths: masks; choices: four words a step, then the planes. All are kUnit * numbers of vectors
        uint32_t map;      // what each code means: a leaf's number, or kBelow for the next piece
        uint16_t steps;    // of choices
        uint8_t levels;
        bool paths;
    };
    struct Tree {
        uint32_t pieces;
        uint16_t count;
        bool mapped;  // else the code itself is the index of its table
    };
    struct Group {  // trees that add to the same targets, in order; short groups end with trees of no leaves
        Tree trees[kTogether];
        int32_t target;   // the only one, or the first of all
        // The line of `tables` where its own begin: [target][tree][1 << levels], or if `across`, [tree][1 << levels][across].
        // If `by_bytes`, [target][tree][4][1 << levels] bytes.
        uint32_t table;
        uint32_t scales;  // [target], or [across]
        uint8_t levels;   // of its tables, at least 4
        uint8_t count;    // of trees
        // Of values, where no sum is rounded: 0 if they are floats; 1 if integers to be scaled; else so many digits of theirs,
        // for AVX-512 up to 6 levels: [target][digit][tree][1 << levels, at least 32] words, the lowest digit first.
        uint8_t digits;
        bool by_bytes;
    };
    // A plane and keys of it, ascending. Test i holds where the row's rank among them, found down a search tree, is above i;
    // of few keys where the row's number is above limit i.
    struct Ranked {
        int32_t plane;
        uint32_t first, count;  // the first of its keys in search32 or search64; of few, in limits32 or 64
        uint8_t levels;         // of the search tree; 0: few keys
    };
    struct Chunk {
        size_t ranked, ranked_end, groups, groups_end, sets, sets_end;
    };
    struct Set {  // its mask, after those of the chunk's tests and of the sets before, is the sum of such masks without carry
        uint32_t first, last;  // in set_tests
    };
    std::vector<Chunk> chunks;
    bool few = false;  // whether they ask for few of the columns that there are, once
    std::vector<Ranked> ranked;
    std::vector<Group> groups;
    std::vector<Piece> pieces;
    std::vector<uint8_t> maps;
    std::vector<Set> sets;
    std::vector<uint16_t> set_tests;  // numbers of masks
    std::vector<uint16_t> program;
    std::vector<TableLine> tables;
    std::vector<double> scales;
    std::vector<int32_t> search32;
    std::vector<int64_t> search64;
    std::vector<float> limits32;
    std::vector<double> limits64;
    size_t most_tests = 0;             // masks of a chunk
    size_t most_trees = 0;             // of a chunk
    int together = kTogether;          // trees of a full group
    int64_t columns = 1;               // targets that each tree has values for
    int64_t across = 0;                // not 0: an entry holds them side by side, zeros up to so many
    std::optional<Lanes> lanes;        // the same trees and chunks for single rows

    size_t width() const { return size_t(across ? across : columns); }  // of what a tree has for each of its leaves
    size_t lines_of(const Group &g) const { return (width() * size_t(together) << g.levels) / std::size(TableLine{}.entries); }
    // Until tables are laid out as registers look them up.
    uint32_t &entry(const Group &g, size_t column, size_t tree, size_t index) {
        return table(g)[across ? ((tree << g.levels) + index) * width() + column
                               : ((column * size_t(together) + tree) << g.levels) + index];
    }
    uint32_t *table(const Group &g) { return tables[g.table].entries; }
    const uint32_t *table(const Group &g) const { return tables.data()[g.table].entries; }

    // About how many nanoseconds a row takes, one of 512.
    double row_cost() const {
        double cost = 5;
        for (const Group &g : groups) cost += double(g.count) * (0.06 + 0.04 * double(columns));
        for (const Piece &p : pieces) cost += p.paths ? 0.0012 * double(1 << p.levels) : 0.007 * double(p.steps);
        for (const Ranked &r : ranked)
            cost += r.levels > 0 ? 0.08 * double(r.levels) + 0.002 * double(r.count) : 0.1 + 0.03 * double(r.count);
        cost += 0.005 * double(set_tests.size());
        const std::string_view isa = instruction_set();
        return cost * (isa == "avx512" ? 1 : isa == "avx2" ? 2 : 6);
    }
    // The search trees' keys lie level by level; in a level by the turns that lead there, the first of them the lowest bit.
    static constexpr size_t level_start(int level) { return level < 4 ? (size_t(1) << level) - 1 : size_t(1) << level; }
    static size_t map_size(int levels) { return levels <= 7 ? 128 : 256; }
    static size_t search_size(int levels) { return levels <= 4 ? 16 : size_t(1) << levels; }
};

}  // namespace celeris::trees
