// Splits: every comparison of an ensemble as one kind, "key(x) <= key goes left", in integers.
//
// A key is an integer in the order of the reals (one per float, -0 being +0). What mode a node has, whether its
// threshold has more digits than the input, and where NaN goes, is settled here once:
//   x < t         is x <= the number before t;   x >= t, x > t   swap the children
//   x == t        is two splits that share a child;   a set    is a balanced search among its members' ends
//   NaN           is the greatest key, or, in a plane of its own for splits that send it left, the least
// A plane is a feature with one of these two ways to read NaN; rows are turned into keys once for each plane.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "kernels/trees/given.h"

namespace celeris::trees {

struct Plane {
    int32_t feature;
    int32_t nan_left;  // 0 or 1, as wide as the feature: a row's keys are made side by side
};

// Keys of float are int32, of double (and of integers, which are compared as doubles) int64.
template <class Key>
struct Keys {
    using Real = std::conditional_t<sizeof(Key) == 4, float, double>;
    static constexpr Key nan_right = std::numeric_limits<Key>::max();     // above every number
    static constexpr Key never = std::numeric_limits<Key>::min() + 1;     // below every number; NaN of a left plane

    static Key of(Real x) {
        x += Real(0);
        Key bits;
        std::memcpy(&bits, &x, sizeof bits);
        return bits ^ ((bits >> (8 * sizeof bits - 1)) & nan_right);
    }
    // The greatest number of at most that key, which is at least that of minus infinity and at most that of infinity.
    static Real number(Key key) {
        key -= key == -1;  // -0 has the key of 0
        const Key bits = key ^ ((key >> (8 * sizeof key - 1)) & nan_right);
        Real x;
        std::memcpy(&x, &bits, sizeof x);
        return x;
    }
    // The greatest key k such that key(x) <= k just where x <= t (x < t where `strictly`).
    static Key limit(double t, bool strictly) {
        if (t != t) return never;
        const Real near = Real(t);
        const bool above = strictly ? double(near) >= t : double(near) > t;
        return of(near) - above;
    }
};

// The planes of an ensemble.
class Planes {
public:
    explicit Planes(bool has_nan) : has_nan_(has_nan) {}

    int32_t number(int32_t feature, bool nan_left) {
        nan_left &= has_nan_;
        const size_t at = size_t(feature) * 2 + nan_left;
        if (number_.size() <= at) number_.resize(at + 1, -1);
        if (number_[at] < 0) {
            number_[at] = int32_t(met.size());
            met.push_back({feature, int32_t(nan_left)});
        }
        return number_[at];
    }
    // Meets those of all nodes, in the features' order. Returns whether there are no modes but <= and <: then these are all,
    // so that several threads may ask for numbers.
    bool meet(const GivenTrees &g) {
        constexpr uint8_t right = 1, left = 2, both = 3;  // where NaN goes
        constexpr uint8_t goes[2][8] = {{right, right, left, left, both, both, 0, both},  // by missing and mode
                                        {left, left, right, right, both, both, 0, both}};
        bool plain = true;
        for (size_t f = 0; 16 * f + 1 < g.seen.size(); ++f) {
            uint8_t found = 0;
            for (size_t i = 0; i < 16; ++i)
                if (g.seen[16 * f + i]) found |= goes[i / 8][i % 8], plain &= i % 8 <= lt;
            if (found & right) number(int32_t(f), false);
            if (found & left) number(int32_t(f), true);
        }
        return plain;
    }
    std::vector<Plane> met;

private:
    bool has_nan_;
    std::vector<int32_t> number_;
};

template <class Key>
struct Splits {
    // A child is a split's index, or ~node for a leaf of the given ensemble.
    struct Split {
        Key key;
        int32_t plane, left, right;
    };
    LargeVector<Split> splits;
    // Of a node that asks whether a number is among several values, beside the splits that search for it: a number is
    // where it lies above an odd count of ends. (Those of one plane are in order; NaN may have one end in a plane apart.)
    struct Set {
        int32_t in, out;
        uint32_t first, last;  // in set_ends
    };
    std::vector<Set> sets;
    std::vector<std::pair<int32_t, Key>> set_ends;  // plane, key
    std::vector<int32_t> roots;
    LargeVector<int32_t> depth;  // of each split: comparisons to the farthest leaf
    Planes &planes;

    Splits(const GivenTrees &g, Planes &met) : planes(met), g_(g) {}

    // Holds the splits of this part, and no others, in the memory of those before.
    void read(const GivenTrees::Part &part) {
        from_ = part.from, to_ = part.to;
        splits.clear(), sets.clear(), set_ends.clear(), roots.clear(), set_at_.clear();
        place();
        splits.reserve(size_t(total_));
        for (int32_t i : inner_) add(i);
        for (int32_t r : part.roots) roots.push_back(head(r));
        measure();
    }
    // Lets go of what reading needs.
    void shrink() { head_ = {}, inner_ = {}, ends_ = {}; }

    // The set of the node whose splits begin there, or null.
    const Set *set_at(int32_t split) const {
        const auto found = set_at_.find(split);
        return found == set_at_.end() ? nullptr : &sets[found->second];
    }
    int32_t depth_of(int32_t ref) const { return depth[ref < 0 ? splits.size() : size_t(ref)]; }

private:
    using K = Keys<Key>;

    int32_t head(int32_t node) const { return head_[size_t(node - from_)]; }

    // head_: a node's first split, ~node of a leaf. (Which nodes are leaves no processor guesses: no branches on that.)
    void place() {
        head_.resize(size_t(to_ - from_)), inner_.resize(head_.size());
        total_ = 0;
        size_t inner = 0;
        for (int64_t i = from_; i < to_; ++i) {
            const uint8_t mode = g_.mode[size_t(i)];
            const bool is_leaf = mode == leaf;
            head_[size_t(i - from_)] = is_leaf ? ~int32_t(i) : int32_t(total_);
            inner_[inner] = int32_t(i);
            total_ += !is_leaf, inner += !is_leaf;
            if (mode == eq || mode == neq || mode == member) {
                ends(i);
                total_ += std::max<int64_t>(1, int64_t(ends_.size())) - 1;
            }
            require(total_ < int64_t(1) << 30, "trees: expected fewer nodes and members of sets");
        }
        inner_.resize(inner);
    }

    // ends_: ascending keys; a number is among the node's values where an odd count of ends lies below its key.
    void ends(int64_t node) {
        ends_.clear();
        const auto value = [&](double v) {
            const Key low = K::limit(v, true), high = K::limit(v, false);
            if (low < high) ends_.push_back(low), ends_.push_back(high);  // else no input can be equal to it
        };
        if (g_.mode[size_t(node)] != member) {
            value(g_.threshold_of(node));
            return;
        }
        std::vector<double> sorted(g_.members.begin() + g_.member_first[size_t(node)],
                                   g_.members.begin() + g_.member_first[size_t(node) + 1]);
        std::erase_if(sorted, [](double v) { return v != v; });
        std::sort(sorted.begin(), sorted.end());
        sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
        for (double v : sorted) {
            const size_t before = ends_.size();
            value(v);
            if (before > 0 && ends_.size() > before && ends_[before] == ends_[before - 1])  // neighbours
                ends_[before - 1] = ends_.back(), ends_.resize(before);
        }
    }

    int32_t plane(int32_t feature, bool nan_left) { return planes.number(feature, nan_left); }

    void add(int64_t i) {
        const size_t n = size_t(i);
        const int32_t feature = g_.feature[n], yes = head(g_.yes[n]), no = head(g_.no[n]);
        const bool missing = g_.missing[n] != 0;
        switch (g_.mode[n]) {
            case leq:
            case lt:
                splits.push_back({K::limit(g_.threshold_of(i), g_.mode[n] == lt), plane(feature, missing), yes, no});
                break;
            case gte:
            case gt: {
                // A comparison with NaN never holds: then all but missing values go right, to `no`.
                const double t = g_.threshold_of(i);
                if (t != t)
                    splits.push_back({K::never, plane(feature, missing), yes, no});
                else
                    splits.push_back({K::limit(t, g_.mode[n] == gte), plane(feature, !missing), no, yes});
                break;
            }
            default: {
                ends(i);
                const bool unequal = g_.mode[n] == neq;  // NaN is unequal to everything
                const int32_t in = unequal ? no : yes, out = unequal ? yes : no;
                if (ends_.empty()) {
                    splits.push_back({K::never, plane(feature, missing && !unequal), in, out});
                    break;
                }
                const bool nan_in = missing && !unequal;
                if (ends_.size() > 1) add_set(feature, nan_in, in, out);
                search(feature, 0, ends_.size(), nan_in, in, out);
            }
        }
    }

    void add_set(int32_t feature, bool nan_in, int32_t in, int32_t out) {
        set_at_[int32_t(splits.size())] = sets.size();
        const uint32_t first = uint32_t(set_ends.size());
        for (size_t i = 0; i < ends_.size(); ++i) set_ends.push_back({plane(feature, nan_in && i == 0), ends_[i]});
        sets.push_back({in, out, first, uint32_t(set_ends.size())});
    }

    // Splits for the ends [low, high): the regions between them are numbered from low; NaN goes to region `nan`.
    int32_t search(int32_t feature, size_t low, size_t high, size_t nan, int32_t in, int32_t out) {
        if (low == high) return low % 2 == 1 ? in : out;
        const size_t middle = (low + high) / 2;
        const size_t at = splits.size();
        splits.push_back({ends_[middle], plane(feature, nan <= middle), 0, 0});
        const int32_t left = search(feature, low, middle, nan, in, out);
        const int32_t right = search(feature, middle + 1, high, nan, in, out);
        splits[at].left = left, splits[at].right = right;
        return int32_t(at);
    }

    // Depths, children first. Throws where a path comes back.
    void measure() {
        depth.assign(splits.size() + 1, 0);  // the last stands for all leaves
        bool ordered = true;
        for (size_t i = 0; i < splits.size(); ++i)
            ordered &= bool((splits[i].left < 0) | (splits[i].left > int32_t(i))) &
                       bool((splits[i].right < 0) | (splits[i].right > int32_t(i)));
        if (ordered) {
            for (size_t i = splits.size(); i-- > 0;) settle(i);
            return;
        }
        std::vector<std::pair<int32_t, int>> path;  // split, children visited
        for (int32_t start = 0; start < int32_t(splits.size()); ++start) {
            if (depth[size_t(start)] != 0) continue;
            path.push_back({start, 0});
            depth[size_t(start)] = -1;
            while (!path.empty()) {
                auto &[at, seen] = path.back();
                if (seen == 2) {
                    settle(size_t(at));
                    path.pop_back();
                    continue;
                }
                const Split &s = splits[size_t(at)];
                const int32_t child = seen++ == 0 ? s.left : s.right;
                if (child < 0 || depth[size_t(child)] > 0) continue;
                require(depth[size_t(child)] == 0, "trees: nodes lead back to themselves");
                depth[size_t(child)] = -1;
                path.push_back({child, 0});
            }
        }
    }
    void settle(size_t i) { depth[i] = 1 + std::max(depth_of(splits[i].left), depth_of(splits[i].right)); }

    const GivenTrees &g_;
    int64_t from_ = 0, to_ = 0, total_ = 0;
    LargeVector<int32_t> head_, inner_;
    std::vector<Key> ends_;
    std::unordered_map<int32_t, size_t> set_at_;
};

}  // namespace celeris::trees
