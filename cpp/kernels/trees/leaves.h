// Leaves: what each leaf adds to which target.
#pragma once

#include "engine/threads.h"
#include "kernels/trees/given.h"

namespace celeris::trees {

// A leaf is known by its number: of a row in a table of values, or of a run of entries.
struct Leaves {
    enum Kind {
        value,   // values[number], zero for a leaf without weights; the tree says to which target it belongs
        dense,   // values[number * targets + target], zero where a target has no weight
        sparse,  // entries first[number] to first[number + 1], in order
    } kind;
    int64_t targets;
    size_t trees;
    bool narrow = true;          // values are float32: in `singles`, else in `doubles`
    LargeVector<float> singles;
    LargeVector<double> doubles;
    std::vector<int64_t> first{0};
    struct Entry {
        int32_t target;
        double weight;
    };
    std::vector<Entry> entries;
    std::vector<int32_t> tree_target;  // of each tree where kind is `value`

    // `each(tree, visit)` calls visit(node) for all leaves of the tree.
    template <class Each>
    Leaves(const GivenTrees &g, size_t count, int threads, Each &&each)
        : targets(g.targets), trees(count), tree_target(count, 0) {
        std::vector<Common> found(trees);
        parallel_for(int64_t(trees), threads, [&](int64_t tree) {
            found[size_t(tree)] = common(g, [&](auto &&visit) { each(size_t(tree), visit); }, tree_target[size_t(tree)]);
        });
        bool one = true, distinct = true;
        int64_t leaves = 0;
        for (const Common &each_tree : found) {
            one &= each_tree.one, distinct &= each_tree.distinct, narrow &= each_tree.narrow;
            leaves += each_tree.leaves;
        }
        if (g.aggregate == Aggregate::min || g.aggregate == Aggregate::max)
            kind = sparse;
        else if (one)
            kind = value;
        else
            kind = distinct && leaves * targets <= 4 * int64_t(g.target.size()) + 64 ? dense : sparse;
    }

    // Values that each leaf has in a table.
    int64_t columns() const { return kind == value ? 1 : targets; }

    // Where the values of the leaf of that number lie, unless they are sparse.
    const std::byte *at(size_t number) const {
        return narrow ? reinterpret_cast<const std::byte *>(singles.data() + number * size_t(columns()))
                      : reinterpret_cast<const std::byte *>(doubles.data() + number * size_t(columns()));
    }
    size_t count() const { return (singles.size() + doubles.size()) / size_t(columns()); }

    void make_room(size_t count) {
        if (kind == sparse)
            first.reserve(count + 1);
        else if (narrow)
            singles.resize(count * size_t(columns()));
        else
            doubles.resize(count * size_t(columns()));
    }
    // What the leaf of that number holds: the node's weights. Entries come in the order of their numbers.
    void set(const GivenTrees &g, size_t number, int32_t node) {
        const int64_t from = g.first[size_t(node)], to = g.first[size_t(node) + 1];
        if (kind == sparse) {
            for (int64_t k = from; k < to; ++k) entries.push_back({g.target[size_t(k)], g.weight_of(k)});
            first.push_back(int64_t(entries.size()));
        } else if (narrow) {
            put(g, singles.data() + int64_t(number) * columns(), from, to);
        } else {
            put(g, doubles.data() + int64_t(number) * columns(), from, to);
        }
    }

private:
    template <class T>
    void put(const GivenTrees &g, T *to, int64_t from, int64_t end) const {
        if (kind == value) {
            *to = from < end ? T(g.weight_of(from)) : T(0);
            return;
        }
        std::fill_n(to, targets, T(0));
        for (int64_t k = from; k < end; ++k) to[g.target[size_t(k)]] = T(g.weight_of(k));
    }

    // What the leaves of a tree are like: whether each adds to one target at most, the same; whether none adds to one
    // twice; and whether all values are float32.
    struct Common {
        bool one = true, distinct = true, narrow = true;
        int64_t leaves = 0;
    };
    template <class Each>
    static Common common(const GivenTrees &g, Each &&each, int32_t &target) {
        const bool single = g.weight.type == Type::f32;
        Common found;
        int32_t first_target = -1;
        each([&](int32_t node) {
            const int64_t from = g.first[size_t(node)], to = g.first[size_t(node) + 1];
            ++found.leaves;
            if (from == to) return;
            if (first_target < 0) first_target = g.target[size_t(from)];
            found.one &= to - from == 1 && g.target[size_t(from)] == first_target;
            if (single && to - from == 1) return;
            for (int64_t k = from; k < to; ++k) {
                const double w = g.weight_of(k);
                const int32_t t = g.target[size_t(k)];
                found.narrow &= double(float(w)) == w;
                if (to - from <= 64) {
                    for (int64_t j = from; j < k; ++j) found.distinct &= g.target[size_t(j)] != t;
                } else if (k > from) {
                    found.distinct &= g.target[size_t(k) - 1] < t;
                }
            }
        });
        target = std::max(first_target, 0);
        return found;
    }
};

}  // namespace celeris::trees
