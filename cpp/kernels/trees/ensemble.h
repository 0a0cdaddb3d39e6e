// TreeEnsemble: the state of the kernel `trees`: which algorithms hold the trees, and what a block of rows needs of them.
#pragma once

#include <array>
#include <atomic>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "kernels/trees/bits_build.h"
#include "kernels/trees/tiles.h"

namespace celeris {

// What one key type needs: the narrowest node that holds the trees.
template <class Node>
using TreeWalks = std::optional<trees::Walks<Node>>;

struct TreeEnsemble : KernelState {
    Type from, to;
    int64_t width, targets;
    trees::Aggregate aggregate;
    std::vector<trees::Plane> planes;
    std::vector<double> base;  // [0] or [targets]
    std::optional<trees::Tiles> tiles;  // with AVX-512
    TreeWalks<trees::NarrowNode> narrow;
    TreeWalks<trees::WideNode> wide;
    TreeWalks<trees::LongNode> longest;
    std::optional<trees::Leaves> leaves;
    std::optional<trees::Bits> bits, tops;  // the trees, or the first nodes of those that rows walk down
    std::vector<int32_t> top_levels;         // of each tree
    int64_t bits_rows;  // from which bit vectors are used; 0: never
    const bool gathers = fast_gathers();
    bool by_row;  // whether the sums of rows that walk together lie row by row

    explicit TreeEnsemble(const Params &p) {
        p.arity(1, 1);
        from = p.in[0].type, to = p.out[0].type;
        width = p.in[0].width, targets = p.out[0].width;
        require(from == Type::f32 || from == Type::f64 || from == Type::i64 || from == Type::i32,
                "trees: expected numbers");
        require(to == Type::f32 || to == Type::f64, "trees: expected an output of f32 or f64");
        const trees::GivenTrees given(p, width);
        bits_rows = p.integer("bits_rows");
        require(given.targets == targets, "trees: expected a column a target");
        aggregate = given.aggregate;
        base = p.doubles("base");
        require(base.empty() || int64_t(base.size()) == targets, "trees: expected a base value a target");
        if (from == Type::f32 && std::string_view(instruction_set()) == "avx512")
            build<int32_t>(given, true, p.threads, tiles, narrow, wide);
        else if (from == Type::f32)
            build<int32_t>(given, true, p.threads, narrow, wide);
        else
            build<int64_t>(given, from == Type::f64, p.threads, longest);
        by_row = leaves->kind == trees::Leaves::dense &&
                 !(gathers && leaves->narrow && leaves->singles.size() < size_t(1) << 31);
        if (tiles) tiles->number_features(planes);
        const size_t key = from == Type::f32 ? 4 : 8, columns = tiles ? 16 * size_t(tiles->registers()) : planes.size() + 1;
        const size_t count = given.roots.size();
        cost = 5 + 2 * steps() + double(columns);
        if (leaves->kind != trees::Leaves::value) cost += 0.25 * double(count) * double(targets);
        scratch_per_row = columns * key + size_t(targets) * (sizeof(double) + 1) + 2 * sizeof(uint32_t) + sizeof(uint16_t);
        scratch_fixed = 16 * (count + 1) + 64 * size_t(targets + 8);
        if (tiles) scratch_fixed += size_t(trees::kLanes) * scratch_per_row;  // rows that fill the last group
        if (tiles) lay_tops<trees::TileTops>(*tiles, 3, 1.5);
        for_walks([&]<class Node>(const trees::Walks<Node> &walks) { lay_tops<trees::WalkTops<Node>>(walks, trees::kDeep, 0.5); });
        if (tops) {
            scratch_per_row += tops->most_trees;
            scratch_fixed += size_t(trees::kBitRows) * (tops->most_trees + columns * key + 2 * sizeof(uint32_t)) + bit_scratch(*tops);
        }
        if (bits) bits->few = bits->chunks.size() == 1 && int64_t(planes.size()) * trees::kFewOf <= width;
        takes_rows = !bits || width > trees::kManyFeatures || bits->few;
        if (takes_rows) scratch_fixed += size_t(width * (trees::kKeyRows + 16) + 1) * size_of(from);
        if (bits) {
            cost = bits->row_cost();
            const size_t sums = size_t(bits->across ? bits->across : targets);
            const size_t walked = size_t(bits_rows < trees::kBitRows ? (bits_rows + 63) / 64 * 64 : trees::kBitRows);
            scratch_fixed += bit_scratch(*bits) + size_t(trees::kBitRows) * (size_t(bits->together) + 2 * 8 + 8 * sums);
            if (!bits->lanes) scratch_fixed += walked * scratch_per_row;
            scratch_per_row = 0;
            if (bits->lanes) scratch_fixed += sizeof(uint64_t) * bits->lanes->most_vectors;
            if (takes_rows) scratch_fixed += size_t((bits->few ? 1 : trees::kTurned) * (trees::kBitRows + 16)) * size_of(from);
            rows_most = trees::kBitRows, rows_apart = 128;
            rows_wanted = takes_rows ? trees::kTurnedBytes / (width * int64_t(size_of(from))) / 128 * 128 : 128;
            rows_wanted = std::clamp<int64_t>(rows_wanted, 128, rows_most);
        } else if (held_bytes() > trees::kHeldTrees) {
            // Each block brings the trees from a farther cache: many rows share that, as many as have room in a nearer one.
            rows_wanted = int64_t(trees::kRowBytes / scratch_per_row) / 64 * 64;
            rows_wanted = std::clamp<int64_t>(rows_wanted, 64, rows_most);
        }
    }

private:
    static size_t bit_scratch(const trees::Bits &b) {  // of a block's masks and codes
        return 64 * (b.most_tests + 1 + trees::kSlots + trees::kMostLevels + 1) + size_t(trees::kBitRows);
    }
    template <class Visit>
    void for_walks(Visit &&visit) const {
        if (narrow) visit(*narrow);
        if (wide) visit(*wide);
        if (longest) visit(*longest);
    }
    double steps() const {  // of a row down all trees
        double all = 0;
        for (size_t i = 0; tiles && i < tiles->trees.size(); ++i) all += tiles->trees[i].usual;
        for_walks([&](const auto &walks) {
            for (const auto &tree : walks.trees) all += tree.usual + 1;
        });
        return all;
    }
    size_t held_bytes() const {  // nodes and values
        const auto of = [](const auto &all) { return all.size() * sizeof(all[0]); };
        size_t nodes = tiles ? of(tiles->tiles) : 0;
        for_walks([&](const auto &walks) { nodes += of(walks.nodes); });
        return nodes + of(leaves->singles) + of(leaves->doubles);
    }
    // Where bit vectors cost less than the steps that they save: not where trees ask for ever other features, nor where there
    // are no wide registers. `Tops` are of `laid`, `deep` the steps of a deep tree there, each of so many ns.
    template <class Tops, class Layout>
    void lay_tops(const Layout &laid, int32_t deep, double step) {
        if (bits || std::string_view(instruction_set()) == "baseline") return;
        if (steps() < double(laid.trees.size()) * deep) return;
        top_levels.assign(laid.trees.size(), 0);
        tops = trees::BitBuilder(Tops(laid, planes.size(), top_levels)).build();
        if (tops && tops->row_cost() > step * std::accumulate(top_levels.begin(), top_levels.end(), 0.0)) tops.reset();
    }
    // The trees by bit vectors if they are wanted; and by the first of `walks` that holds them, if there are rows for it.
    template <class Key, class... Layouts>
    void build(const trees::GivenTrees &given, bool has_nan, int threads, std::optional<Layouts> &...walks) {
        trees::Planes met(has_nan);
        const bool plain = met.meet(given);
        if (bits_rows > 0 || !plain || !(lay_parts<Key>(walks, given, met, threads) || ...)) {
            trees::Splits<Key> splits(given, met);
            splits.read(given.whole()), splits.shrink();
            if (bits_rows > 0) lay_bits(splits, given);
            if (!(bits && bits->lanes) && !(lay(walks, splits, given, true) || ...)) {
                auto &widest = std::get<sizeof...(walks) - 1>(std::tie(walks...));
                require(lay(widest, splits, given, false), "trees: expected fewer nodes");
            }
        }
        planes = std::move(met.met);
    }
    // Where the trees lie one after another: part by part.
    template <class Key, class Layout>
    bool lay_parts(std::optional<Layout> &walks, const trees::GivenTrees &given, trees::Planes &met, int threads) {
        const auto parts = given.parts(threads);
        if (parts.empty()) return false;
        leaves.emplace(given, given.roots.size(), threads, [&](size_t tree, auto &&visit) {
            const auto [from, to] = given.nodes_of(tree);
            std::array<int32_t, 512> found;  // which nodes are leaves no processor guesses
            for (int64_t at = from; at < to; at += int64_t(found.size())) {
                size_t count = 0;
                for (int64_t i = at; i < std::min(to, at + int64_t(found.size())); ++i)
                    found[count] = int32_t(i), count += given.mode[size_t(i)] == trees::leaf;
                for (size_t i = 0; i < count; ++i) visit(found[i]);
            }
        });
        if (leaves->kind == trees::Leaves::sparse) return false;
        walks.emplace();
        walks->make_room(parts.back().splits, given.roots.size());
        leaves->make_room(walks->room(parts.back().splits, given.roots.size()).second);
        std::atomic<bool> fit = true;
        std::atomic<size_t> next = 0;
        parallel_try(threads, threads, [&](int64_t) {  // each one part after the other, in the same memory
            trees::Splits<Key> splits(given, met);
            Layout laid;
            for (size_t i; fit && (i = next++) < parts.size();) {
                const size_t tree = size_t(parts[i].roots.data() - given.roots.data());
                const auto [node, leaf] = walks->room(i == 0 ? 0 : parts[i - 1].splits, tree);
                splits.read(parts[i]);
                if (!laid.lay(splits, true)) return void(fit = false);
                laid.number_leaves(leaf, [&](size_t number, int32_t of) { leaves->set(given, number, of); });
                walks->put(laid, node, tree);
            }
        });
        fit ? walks->shrink() : walks.reset();
        return fit;
    }
    template <class Layout, class Splits>
    bool lay(std::optional<Layout> &walks, const Splits &splits, const trees::GivenTrees &given, bool apart) {
        walks.emplace();
        if (!walks->lay(splits, apart)) {
            walks.reset();
            return false;
        }
        const auto &laid = walks->leaves;
        auto &ends = walks->leaf_ends;
        if (!apart) std::fill(ends.begin(), ends.end(), laid.size());  // all are the first tree's
        leaves.emplace(given, ends.size(), 1, [&](size_t tree, auto &&visit) {
            for (size_t i = tree == 0 ? 0 : ends[tree - 1]; i < ends[tree]; ++i) visit(laid[i].node);
        });
        if (!apart) std::fill(leaves->tree_target.begin(), leaves->tree_target.end(), leaves->tree_target[0]);
        leaves->make_room(laid.size());
        walks->number_leaves(0, [&](size_t number, int32_t node) { leaves->set(given, number, node); });
        walks->shrink();
        return true;
    }
    template <class Key>
    void lay_bits(const trees::Splits<Key> &splits, const trees::GivenTrees &given) {
        std::vector<int32_t> met, waiting;  // leaves of the trees, one after the other; each tree's once
        std::vector<int32_t> split_seen(splits.splits.size(), -1), leaf_seen(size_t(given.size()), -1);  // by the last tree
        std::vector<size_t> ends;
        for (const int32_t root : splits.roots) {
            const int32_t tree = int32_t(ends.size());
            waiting.assign(1, root);
            while (!waiting.empty()) {
                const int32_t ref = waiting.back();
                waiting.pop_back();
                if (std::exchange(ref < 0 ? leaf_seen[size_t(~ref)] : split_seen[size_t(ref)], tree) == tree) continue;
                if (ref < 0)
                    met.push_back(~ref);
                else
                    waiting.insert(waiting.end(), {splits.splits[size_t(ref)].right, splits.splits[size_t(ref)].left});
            }
            if (met.size() - (ends.empty() ? 0 : ends.back()) > size_t(trees::kMostLeaves)) return;
            ends.push_back(met.size());
        }
        if (ends.empty()) return;
        leaves.emplace(given, ends.size(), 1, [&](size_t tree, auto &&visit) {
            for (size_t i = tree == 0 ? 0 : ends[tree - 1]; i < ends[tree]; ++i) visit(met[i]);
        });
        leaves->make_room(met.size());
        std::vector<uint32_t> numbers(size_t(given.size()));
        for (size_t i = 0; i < met.size(); ++i) leaves->set(given, i, met[i]), numbers[size_t(met[i])] = uint32_t(i);
        bits = trees::BitBuilder(trees::WholeTrees<Key>{splits, *leaves, numbers}).build();
    }
};

}  // namespace celeris
