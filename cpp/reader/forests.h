// Forests as converters write them: tree after tree, nodes numbered from 0 in each, parents before their children, the
// weights tree by tree and on leaves only. One pass finds where each node's children and weights stand.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <vector>

#include "engine/threads.h"

namespace celeris {

// Whole numbers of 1, 2, 4 or 8 bytes, read a piece at a time.
struct Column {
    const void *data;
    int64_t bytes;
    bool is_signed = true;  // of 2

    static constexpr int64_t kPiece = 512;
    static constexpr int32_t kOther = -1;  // what no int32 holds
    using Piece = std::array<int32_t, kPiece>;

    // visit(from, count, piece) for the numbers from `from` to `to`; false once it gives false.
    template <class Visit>
    bool each(int64_t from, int64_t to, Visit &&visit) const {
        Piece piece;
        bool good = true;
        for (int64_t count; good && from < to; from += count) {
            count = std::min(kPiece, to - from);
            read(from, count, piece);
            good = visit(from, count, piece);
        }
        return good;
    }
    void read(int64_t from, int64_t count, Piece &to) const {
        switch (bytes) {
            case 1: return read_as<int8_t>(from, count, to);
            case 2: return is_signed ? read_as<int16_t>(from, count, to) : read_as<uint16_t>(from, count, to);
            case 4: return read_as<int32_t>(from, count, to);
            default: return read_as<int64_t>(from, count, to);
        }
    }
    int32_t at(int64_t place) const {
        Piece piece;
        read(place, 1, piece);
        return piece[0];
    }

private:
    template <class T>
    void read_as(int64_t from, int64_t count, Piece &to) const {
        const T *values = static_cast<const T *>(data) + from;
        for (int64_t i = 0; i < count; ++i) {
            if constexpr (sizeof(T) <= 4)
                to[size_t(i)] = values[i];
            else
                to[size_t(i)] = values[i] == T(int32_t(values[i])) ? int32_t(values[i]) : kOther;
        }
    }
};

struct WrittenForest {
    int64_t nodes = 0, weights = 0;
    Column tree{}, node{};  // [nodes] ids
    const uint8_t *mode = nullptr;
    Column feature{}, yes{}, no{};
    Column weight_tree{}, weight_node{};  // [weights] ids
};

struct NumberedForest {
    int32_t *feature, *yes, *no;  // [nodes]; 0 for a leaf, itself for a leaf
    int32_t *first;               // [nodes + 1], of its weights
    std::vector<int32_t> roots;
    std::vector<int32_t> order;   // of the weights, node by node; empty where they are written so
};

// Where each run of equal ids begins, if they ascend: whether they do is for who reads a run to see.
struct Run {
    int32_t id;
    int64_t from;
};
inline std::vector<Run> runs_of(const Column &ids, int64_t count) {
    std::vector<Run> runs;
    for (int64_t from = 0; from < count;) {
        const int32_t id = ids.at(from);
        runs.push_back({id, from});
        int64_t same = from, other = from + 1;  // the run's end is after `same`
        for (int64_t step = 1; other < count && ids.at(other) == id; step *= 2)
            same = other, other = std::min(count, other + step);
        while (other - same > 1) {
            const int64_t middle = same + (other - same) / 2;
            (ids.at(middle) == id ? same : other) = middle;
        }
        from = other;
    }
    return runs;
}

// False where the forest is written in another way, or wrongly.
inline bool number_forest(const WrittenForest &f, NumberedForest &to, uint8_t leaf, int threads) {
    constexpr int64_t most = std::numeric_limits<int32_t>::max();
    if (f.nodes >= most || f.weights >= most) return false;
    struct Tree {
        int32_t id;
        int64_t from, end, weights, weights_end;
    };
    std::vector<Tree> trees;
    const std::vector<Run> weights = runs_of(f.weight_tree, f.weights);
    size_t run = 0;
    for (const Run &each : runs_of(f.tree, f.nodes)) {
        if (each.id < 0 || (!trees.empty() && each.id <= trees.back().id)) return false;
        if (!trees.empty()) trees.back().end = each.from;
        const int64_t begin = run < weights.size() ? weights[run].from : f.weights;
        run += run < weights.size() && weights[run].id == each.id;
        trees.push_back({each.id, each.from, f.nodes, begin, run < weights.size() ? weights[run].from : f.weights});
        to.roots.push_back(int32_t(each.from));
    }
    if (run < weights.size()) return false;
    // visit(k, node) for each of the tree's weights; false where one has no such node.
    const auto each_weight = [&](const Tree &t, auto &&visit) {
        return f.weight_node.each(t.weights, t.weights_end, [&](int64_t k, int64_t count, const Column::Piece &owns) {
            for (int64_t i = 0; i < count; ++i) {
                const int32_t own = owns[size_t(i)];
                if (own < 0 || own >= t.end - t.from) return false;
                visit(k + i, t.from + own);
            }
            return true;
        });
    };
    const auto number = [&](const Tree &t, bool &in_order) {
        const int32_t start = int32_t(t.from), size = int32_t(t.end - t.from);
        const auto all_its = [&](const Column &ids, int64_t from, int64_t end) {
            return ids.each(from, end, [&](int64_t, int64_t count, const Column::Piece &piece) {
                int32_t other = 0;
                for (int64_t i = 0; i < count; ++i) other |= piece[size_t(i)] ^ t.id;
                return other == 0;
            });
        };
        if (!all_its(f.tree, t.from, t.end) || !all_its(f.weight_tree, t.weights, t.weights_end)) return false;
        Column::Piece owns, features, noes;
        bool plain = f.yes.each(t.from, t.end, [&](int64_t at, int64_t count, const Column::Piece &yeses) {
            f.node.read(at, count, owns), f.feature.read(at, count, features), f.no.read(at, count, noes);
            int32_t wrong = 0;
            for (int64_t i = 0; i < count; ++i) {
                const int32_t own = int32_t(at - t.from + i), inner = -int32_t(f.mode[at + i] != leaf);
                const int32_t feature = features[size_t(i)] & inner;
                const int32_t yes = yeses[size_t(i)], no = noes[size_t(i)];
                wrong |= (own ^ owns[size_t(i)]) | -int32_t((feature < 0) | (feature == most));
                wrong |= inner & -int32_t((yes <= own) | (yes >= size) | (no <= own) | (no >= size));
                to.feature[at + i] = feature;
                to.yes[at + i] = int32_t(uint32_t(start) + uint32_t(own ^ ((own ^ yes) & inner)));
                to.no[at + i] = int32_t(uint32_t(start) + uint32_t(own ^ ((own ^ no) & inner)));
            }
            return wrong == 0;
        });
        if (!plain) return false;
        int32_t *counts = to.first + t.from + 1;
        std::fill_n(counts, size, 0);
        int64_t last = 0;
        bool on_leaves = true;
        plain = each_weight(t, [&](int64_t, int64_t node) {
            in_order &= node >= last, last = node;
            on_leaves &= f.mode[node] == leaf;
            ++to.first[node + 1];
        });
        int32_t sum = int32_t(t.weights);
        for (int32_t i = 0; i < size; ++i) counts[i] = sum += counts[i];
        return plain && on_leaves;
    };
    to.first[0] = 0;
    std::atomic<bool> plain = true, in_order = true;
    parallel_for(int64_t(trees.size()), threads, [&](int64_t i) {
        bool ordered = true;
        if (!number(trees[size_t(i)], ordered)) plain = false;
        if (!ordered) in_order = false;
    });
    if (!plain || in_order) return plain;
    to.order.resize(size_t(f.weights));
    for (const Tree &t : trees) {
        std::vector<int64_t> next(to.first + t.from, to.first + t.end);
        each_weight(t, [&](int64_t k, int64_t node) { to.order[size_t(next[size_t(node - t.from)]++)] = int32_t(k); });
    }
    return true;
}

}  // namespace celeris
