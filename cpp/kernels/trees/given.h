// GivenTrees: a tree ensemble as the planner hands it over, every index checked.
#pragma once

#include <atomic>

#include "engine/kernel.h"
#include "engine/large.h"
#include "engine/threads.h"

namespace celeris::trees {

enum Mode : uint8_t { leq, lt, gte, gt, eq, neq, leaf, member };
enum class Aggregate { sum, average, min, max };

// The arrays of celeris.ops.trees.Forest, where they lie. Node i goes to yes[i] where its comparison holds.
struct GivenTrees {
    std::span<const int32_t> feature, yes, no, roots, first, target;
    std::span<const uint8_t> mode, missing;
    std::span<const int64_t> member_first;
    std::span<const double> members;
    Params::Array threshold, weight;
    int64_t targets;
    Aggregate aggregate;
    std::vector<uint8_t> seen;  // [feature][whether NaN goes to yes][mode], whether there are such comparisons

    GivenTrees(const Params &p, int64_t features)
        : feature(p.view<int32_t>("feature")), yes(p.view<int32_t>("yes")), no(p.view<int32_t>("no")),
          roots(p.view<int32_t>("roots")), first(p.view<int32_t>("first")), target(p.view<int32_t>("target")),
          mode(p.view<uint8_t>("mode")), missing(p.view<uint8_t>("missing")),
          member_first(p.view<int64_t>("member_first")), members(p.view<double>("members")),
          threshold(p.array("threshold")), weight(p.array("weight")), targets(p.integer("targets")) {
        const std::string text = p.text("aggregate");
        aggregate = text == "SUM"       ? Aggregate::sum
                    : text == "AVERAGE" ? Aggregate::average
                    : text == "MIN"     ? Aggregate::min
                                        : Aggregate::max;
        require(aggregate != Aggregate::max || text == "MAX", "trees: expected SUM, AVERAGE, MIN or MAX");
        check(features, p.threads);
    }

    int64_t size() const { return int64_t(mode.size()); }

    // Some of the trees: the nodes `from` to `to`, which lead to no others. Up to its end there are so many splits.
    struct Part {
        std::span<const int32_t> roots;
        int64_t from, to;
        size_t splits;
    };
    Part whole() const { return {roots, 0, size(), mode.size()}; }
    // The trees in parts of some thousand nodes, where they lie one after another; else none.
    std::vector<Part> parts(int threads) const {
        constexpr int64_t enough = 1 << 15;
        std::vector<Part> found;
        size_t first = 0;
        for (size_t tree = 0; tree < roots.size(); ++tree) {
            const auto [from, to] = nodes_of(tree);
            if (from >= to) return {};
            const int64_t begin = nodes_of(first).first;
            if (to - begin < enough && tree + 1 < roots.size()) continue;
            found.push_back({roots.subspan(first, tree + 1 - first), begin, to, 0});
            first = tree + 1;
        }
        std::atomic<bool> apart = true;
        parallel_for(int64_t(found.size()), threads, [&](int64_t at) {
            bool inside = true;
            size_t splits = 0;
            for (const int32_t &root : found[size_t(at)].roots) {
                const auto [from, to] = nodes_of(size_t(&root - roots.data()));
                for (size_t i = size_t(from); i < size_t(to); ++i) {
                    const bool inner = mode[i] != leaf;
                    inside &= (!inner) | ((yes[i] >= from) & (yes[i] < to) & (no[i] >= from) & (no[i] < to));
                    splits += inner;
                }
            }
            found[size_t(at)].splits = splits;
            if (!inside) apart = false;
        });
        if (!apart) return {};
        for (size_t i = 1; i < found.size(); ++i) found[i].splits += found[i - 1].splits;
        return found;
    }
    // Of a tree among such: from the one before's end up to the next one's root.
    std::pair<int64_t, int64_t> nodes_of(size_t tree) const {
        return {tree == 0 ? 0 : roots[tree], tree + 1 < roots.size() ? roots[tree + 1] : size()};
    }

    static double real(const Params::Array &a, int64_t i) {
        return a.type == Type::f32 ? double(reinterpret_cast<const float *>(a.data)[i])
                                   : reinterpret_cast<const double *>(a.data)[i];
    }
    double threshold_of(int64_t node) const { return real(threshold, node); }
    double weight_of(int64_t at) const { return real(weight, at); }

private:
    void check(int64_t features, int threads) {
        const size_t n = mode.size();
        require(n < size_t(1) << 30, "trees: expected fewer nodes");
        require(feature.size() == n && yes.size() == n && no.size() == n && missing.size() == n &&
                    threshold.size == n && first.size() == n + 1 && weight.size == target.size(),
                "trees: expected arrays of one length");
        require(is_real(threshold.type) && is_real(weight.type), "trees: expected float32 or float64");
        require(targets > 0, "trees: expected at least one target");
        int32_t last = -1;  // rows may be declared of any width
        for (const int32_t f : feature) last = std::max(last, f);
        features = std::min(features, int64_t(last) + 1);
        const size_t none = 16 * size_t(features);
        seen.resize(none + 1);
        constexpr size_t piece = 1 << 16;
        std::atomic<bool> all_ok = first[0] == 0 && size_t(first[n]) == target.size();
        parallel_for(int64_t((n + piece - 1) / piece), threads, [&](int64_t part) {
            const size_t from = size_t(part) * piece, to = std::min(n, from + piece);
            bool good = true;
            for (size_t i = from; i < to; ++i) {
                const uint8_t m = mode[i];
                const bool inner = m != leaf, known = size_t(feature[i]) < size_t(features);
                good &= (first[i] <= first[i + 1]) & (m <= member) &
                        ((!inner) | (known & (size_t(yes[i]) < n) & (size_t(no[i]) < n)));
                const size_t place = size_t(feature[i]) * 16 + (missing[i] != 0) * 8 + m % 8;
                const size_t at = none ^ ((none ^ place) & -size_t(inner & known));  // no branch: leaves come at random
                const std::atomic_ref mark(seen[at]);
                if (mark.load(std::memory_order_relaxed) == 0) mark.store(1, std::memory_order_relaxed);  // else threads wait for one another
            }
            if (!good) all_ok = false;
        });
        bool ok = all_ok, sets = false;
        for (size_t at = member; at < none; at += 8) sets |= seen[at] != 0;
        for (int32_t t : target) ok &= t >= 0 && t < targets;
        for (int32_t r : roots) ok &= size_t(r) < n;
        require(ok, "trees: an index is out of range");
        if (!sets) return;
        ok = member_first.size() == n + 1 && member_first[0] >= 0 && member_first[n] <= int64_t(members.size());
        for (size_t i = 0; ok && i < n; ++i) ok = member_first[i] <= member_first[i + 1];
        require(ok, "trees: an index of a set is out of range");
    }
    static bool is_real(Type t) { return t == Type::f32 || t == Type::f64; }
};

}  // namespace celeris::trees
