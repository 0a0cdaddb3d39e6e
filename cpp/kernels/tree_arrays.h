// A checked Forest (ops/trees.py) as the kernels that explain hold it: flat arrays, thresholds and weights in double.
#pragma once

#include "engine/target.h"

namespace celeris {

struct TreeArrays {
    enum : uint8_t { leq, lt, gte, gt, eq, neq, leaf, member };  // the modes of ops/trees.py

    Type type;  // of X
    std::vector<int32_t> feature, yes, no, roots;
    std::vector<double> threshold;
    std::vector<uint8_t> mode, missing;
    std::vector<int32_t> first;  // [n + 1], in target and weight
    std::vector<int32_t> target;
    std::vector<double> weight, members;
    std::vector<int64_t> member_first;

    explicit TreeArrays(const Params &p) {
        type = p.in[0].type;
        feature = p.integers32("feature"), yes = p.integers32("true"), no = p.integers32("false");
        threshold = p.doubles("threshold"), mode = p.bytes("mode"), missing = p.bytes("missing");
        roots = p.integers32("roots"), first = p.integers32("first"), target = p.integers32("target");
        weight = p.doubles("weight"), members = p.doubles("members"), member_first = p.integers("member_first");
        const size_t n = mode.size();
        require(type != Type::str, "trees: expected rows of numbers");
        require(feature.size() == n && yes.size() == n && no.size() == n && threshold.size() == n &&
                    missing.size() == n && first.size() == n + 1 && target.size() == weight.size(),
                "trees: expected arrays of as many nodes, and of as many weights");
        require(ascending(first, target.size()), "trees: expected weights node by node");
        require(member_first.empty() || (member_first.size() == n + 1 && ascending(member_first, members.size())),
                "trees: expected members node by node");
        for (int32_t t : target) require(t >= 0, "trees: expected targets from 0 on");
        for (int32_t r : roots) require(r >= 0 && size_t(r) < n, "trees: expected roots among the nodes");
        for (size_t i = 0; i < n; ++i) {
            require(mode[i] <= member && (mode[i] != member || !member_first.empty()), "trees: expected known modes");
            require(feature[i] >= 0 && feature[i] < p.in[0].width, "trees: expected features among the columns");
            require(yes[i] >= 0 && size_t(yes[i]) < n && no[i] >= 0 && size_t(no[i]) < n,
                    "trees: expected children among the nodes");
        }
    }

private:
    template <class Ends>
    static bool ascending(const Ends &ends, size_t count) {
        bool fine = ends.front() == 0 && size_t(ends.back()) == count;
        for (size_t i = 1; i < ends.size(); ++i) fine = fine && ends[i - 1] <= ends[i];
        return fine;
    }
};

namespace CELERIS_TARGET {

// Whether x goes node i's way of truth: bool for a double, lanes of all ones or none for a vector of doubles.
template <class X>
[[gnu::always_inline]] inline auto holds(const TreeArrays &a, size_t i, X x) -> decltype(x == x) {
    const X limit = X{} + a.threshold[i];
    decltype(x == x) goes{};
    switch (a.mode[i]) {
        case TreeArrays::leq: goes = x <= limit; break;
        case TreeArrays::lt: goes = x < limit; break;
        case TreeArrays::gte: goes = x >= limit; break;
        case TreeArrays::gt: goes = x > limit; break;
        case TreeArrays::eq: goes = x == limit; break;
        case TreeArrays::neq: goes = x != limit; break;
        default:
            for (int64_t k = a.member_first[i]; k < a.member_first[i + 1]; ++k) goes |= x == X{} + a.members[size_t(k)];
    }
    if (a.missing[i] != 0) goes |= x != x;
    return goes;
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
