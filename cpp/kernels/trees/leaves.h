// Leaves: what each leaf adds to which target.
#pragma once

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
    std::vector<int64_t> first;
    struct Entry {
        int32_t target;
        double weight;
    };
    std::vector<Entry> entries;
    std::vector<int32_t> tree_target;  // of each tree where kind is `value`

    // `each(f)` calls f(tree, node) for all leaves of all trees; where trees share leaves, for tree 0.
    template <class EachLeaf>
    Leaves(const GivenTrees &g, size_t count, EachLeaf &&each) : targets(g.targets), trees(count), g_(g) {
        kind = choose(each);
        number_.assign(size_t(g.size()), none);
        if (kind != sparse && narrow) singles.reserve(size_t(leaves_ * columns()));
    }

    // Values that each leaf has in a table.
    int64_t columns() const { return kind == value ? 1 : targets; }

    uint32_t number(int32_t node) {
        const size_t n = size_t(node);
        if (number_[n] != none) return number_[n];
        number_[n] = count_++;
        const int64_t from = g_.first[n], to = g_.first[n + 1];
        if (kind == sparse) {
            if (first.empty()) first.push_back(0);
            for (int64_t k = from; k < to; ++k) entries.push_back({g_.target[size_t(k)], g_.weight_of(k)});
            first.push_back(int64_t(entries.size()));
        } else if (narrow) {
            put(singles, from, to);
        } else {
            put(doubles, from, to);
        }
        return number_[n];
    }
    // All trees are laid out as one.
    void same_target() {
        for (int32_t &t : tree_target) t = tree_target[0];
    }
    void finish() { number_ = {}; }

private:
    static constexpr uint32_t none = ~uint32_t(0);

    template <class T>
    void put(LargeVector<T> &values, int64_t from, int64_t to) {
        if (kind == value) {
            values.push_back(from < to ? T(g_.weight_of(from)) : T(0));
            return;
        }
        const size_t at = values.size();
        for (int64_t t = 0; t < targets; ++t) values.push_back(T(0));
        for (int64_t k = from; k < to; ++k) values[at + size_t(g_.target[size_t(k)])] = T(g_.weight_of(k));
    }

    template <class EachLeaf>
    Kind choose(EachLeaf &&each) {
        if (g_.aggregate == Aggregate::min || g_.aggregate == Aggregate::max) return sparse;
        bool one = true, distinct = true;
        tree_target.assign(trees, -1);
        each([&](size_t tree, int32_t node) {
            const int64_t from = g_.first[size_t(node)], to = g_.first[size_t(node) + 1];
            ++leaves_;
            for (int64_t k = from; k < to; ++k) {
                const double w = g_.weight_of(k);
                const int32_t t = g_.target[size_t(k)];
                narrow &= double(float(w)) == w;
                one &= to - from == 1 && (tree_target[tree] < 0 || tree_target[tree] == t);
                tree_target[tree] = t;
                if (to - from <= 64) {
                    for (int64_t j = from; j < k; ++j) distinct &= g_.target[size_t(j)] != t;
                } else if (k > from) {
                    distinct &= g_.target[size_t(k) - 1] < t;
                }
            }
        });
        for (int32_t &t : tree_target) t = t < 0 ? 0 : t;
        if (one) return value;
        const int64_t weights = int64_t(g_.target.size());
        return distinct && leaves_ * targets <= 4 * weights + 64 ? dense : sparse;
    }

    const GivenTrees &g_;
    LargeVector<uint32_t> number_;
    uint32_t count_ = 0;
    int64_t leaves_ = 0;
};

}  // namespace celeris::trees
