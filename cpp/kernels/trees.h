// trees: a tree ensemble's raw values, a column a target: sums, means or extremes of leaves, in double, in tree order.
#pragma once

#include "kernels/trees/ensemble.h"
#include "kernels/trees/lanes_run.h"
#include "kernels/trees/steps.h"
#include "kernels/trees/tiles_run.h"

namespace celeris::CELERIS_TARGET {

// sums += values, by vectors, then by pairs: there are seldom many.
template <class Value>
inline void add_values(const Value *values, int64_t count, double *sums) {
    constexpr int64_t n = vector_lanes<double>;
    int64_t i = 0;
    for (; i + n <= count; i += n) store(sums + i, load(sums + i) + load_double(values + i));
#if defined(__SSE2__)
    for (; i + 2 <= count; i += 2) {
        __m128d pair;
        if constexpr (std::is_same_v<Value, float>)  // (GCC 12 converts a vector of two one by one.)
            pair = _mm_cvtps_pd(_mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(values + i))));
        else
            pair = _mm_loadu_pd(values + i);
        _mm_storeu_pd(sums + i, _mm_add_pd(_mm_loadu_pd(sums + i), pair));
    }
#endif
    for (; i < count; ++i) sums[i] += double(values[i]);
}

// Adds what leaves hold to sums[target * stride] of one row; `has` says which targets of a MIN or MAX have a value.
inline void add_leaf(const TreeEnsemble &k, size_t tree, uint32_t word, double *sums, int64_t stride, uint8_t *has) {
    const trees::Leaves &l = *k.leaves;
    const auto add = [&](const auto *values) {
        if (l.kind == trees::Leaves::value) {
            sums[l.tree_target.data()[tree] * stride] += double(values[word]);
            return;
        }
        values += int64_t(word) * k.targets;
        lanes(k.targets, [&](int64_t t) { sums[t * stride] += double(values[t]); });
    };
    if (l.kind != trees::Leaves::sparse) {
        if (l.narrow)
            add(l.singles.data());
        else
            add(l.doubles.data());
    } else {
        const bool sum = k.aggregate == trees::Aggregate::sum || k.aggregate == trees::Aggregate::average;
        const bool least = k.aggregate == trees::Aggregate::min;
        for (int64_t at = l.first.data()[word]; at < l.first.data()[word + 1]; ++at) {
            const trees::Leaves::Entry &e = l.entries.data()[at];
            double &s = sums[e.target * stride];
            if (sum) {
                s += e.weight;
                continue;
            }
            uint8_t &seen = has[e.target * stride];
            const bool keep = seen && (s != s || (least ? s < e.weight : s > e.weight));
            s = keep ? s : e.weight;
            seen = 1;
        }
    }
}

// Leaf vectors of many trees are more than an L2 cache holds.
inline void fetch_leaves(const trees::Leaves &l, const uint32_t *words) {
    if (l.kind != trees::Leaves::dense || !l.narrow) return;
    for (int64_t i = 0; i < trees::kLanes; ++i) {
        const float *values = l.singles.data() + int64_t(words[i]) * l.targets;
        for (int64_t t = 0; t < l.targets; t += 16) __builtin_prefetch(values + t);
        __builtin_prefetch(values + l.targets - 1);
    }
}

// Of a value that 16 rows reached: the usual kinds side by side. Sums lie [target][lane], or where `by_row` [lane][target].
inline void add_leaves(const TreeEnsemble &k, size_t tree, const uint32_t *words, double *sums, uint8_t *has) {
    constexpr int64_t n = trees::kLanes;
    const trees::Leaves &l = *k.leaves;
#if defined(__AVX512VBMI__)
    if (l.kind == trees::Leaves::dense && !k.by_row) {
        const auto add = [](double *to, __m512 more) {
            const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(more));
            const __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(more, 1));
            _mm512_storeu_pd(to, _mm512_add_pd(_mm512_loadu_pd(to), low));
            _mm512_storeu_pd(to + 8, _mm512_add_pd(_mm512_loadu_pd(to + 8), high));
        };
        const __m512i first = _mm512_mullo_epi32(_mm512_loadu_si512(words), _mm512_set1_epi32(int32_t(k.targets)));
        const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        const float *values = l.singles.data();
        int64_t t = 0;
        for (; t + 1 < k.targets; t += 2, values += 2) {  // two targets with each load
            const __m512 a = _mm512_castpd_ps(_mm512_i32gather_pd(_mm512_castsi512_si256(first), values, 4));
            const __m512 b = _mm512_castpd_ps(_mm512_i32gather_pd(_mm512_extracti64x4_epi64(first, 1), values, 4));
            add(sums + t * n, _mm512_permutex2var_ps(a, even, b));
            add(sums + (t + 1) * n, _mm512_permutex2var_ps(a, _mm512_add_epi32(even, _mm512_set1_epi32(1)), b));
        }
        if (t < k.targets) add(sums + t * n, _mm512_i32gather_ps(first, values, 4));
        return;
    }
#endif
    if (k.by_row) {
        const auto add = [&, targets = k.targets](const auto *values) {
            for (int64_t i = 0; i < n; ++i) add_values(values + int64_t(words[i]) * targets, targets, sums + i * targets);
        };
        if (l.narrow)
            add(l.singles.data());
        else
            add(l.doubles.data());
    } else if (l.kind == trees::Leaves::value && l.narrow) {
        double *s = sums + l.tree_target.data()[tree] * n;
        const float *values = l.singles.data();
        float found[n];
        for (int64_t i = 0; i < n; ++i) found[i] = values[words[i]];
        lanes(n, [&](int64_t i) { s[i] += double(found[i]); });
    } else {
        for (int64_t i = 0; i < n; ++i) add_leaf(k, tree, words[i], sums + i, n, has + i);
    }
}

template <class To>
inline void finish_row(const TreeEnsemble &k, const double *sums, ptrdiff_t stride, const Block &b, int64_t row) {
    const double count = double(k.leaves->trees);
    const bool mean = k.aggregate == trees::Aggregate::average && count > 0;
    for (int64_t t = 0; t < k.targets; ++t) {
        double s = sums[t * stride];
        if (mean) s /= count;
        if (!k.base.empty()) s += k.base.data()[t];
        b.out[0].column<To>(t)[row] = To(s);
    }
}

[[gnu::noinline]] inline void finish_alone(const TreeEnsemble &k, const double *sums, const Block &b, int64_t row) {
    for_real(k.to, [&](auto *to) { finish_row<pointee<decltype(to)>>(k, sums, 1, b, row); });
}

// One row: many trees at once, added in their order; `descend(trees, count, words)` takes it to their leaves.
template <class Trees, class Descend>
[[gnu::always_inline]] inline void sum_row(const TreeEnsemble &k, const Trees &all, const Block &b, int64_t row, Descend &&descend) {
    double *sums = reinterpret_cast<double *>(b.scratch);
    uint8_t *has = reinterpret_cast<uint8_t *>(sums + k.targets);
    std::memset(b.scratch, 0, size_t(k.targets) * 9);
    const bool one = k.targets == 1 && k.leaves->kind == trees::Leaves::value && k.leaves->narrow;
    const float *values = k.leaves->singles.data();
    double sum = 0;  // of `one`, in a register
    uint32_t words[trees::kAlone];
    for (size_t tree = 0; tree < all.size(); tree += trees::kAlone) {
        const size_t left = std::min(all.size() - tree, trees::kAlone);
        descend(all.data() + tree, left, words);
        for (size_t i = 0; one && i < left; ++i) sum += double(values[words[i]]);
        for (size_t i = 0; !one && i < left; ++i) add_leaf(k, tree + i, words[i], sums, 1, has);
    }
    if (one) sums[0] = sum;
    finish_alone(k, sums, b, row);
}

// Where a row's keys have room, after its sums.
template <class Key>
inline Key *room_of_keys(const TreeEnsemble &k, const Block &b) {
    return reinterpret_cast<Key *>(b.scratch + (size_t(k.targets) * 9 + 63) / 64 * 64);
}

template <class Node, class From>
void trees_row(const TreeEnsemble &k, const trees::Walks<Node> &w, const Block &b, int64_t row) {
    using Key = typename Node::Key;
    Key *keys = room_of_keys<Key>(k, b);
    keys[k.planes.size()] = trees::biased(Key(0));
    const View &in = b.in[0];
    keys_of_row(in.by_rows() ? in.row_at<From>(row) : in.column<From>(0) + row, in.by_rows() ? 1 : in.stride, k.planes, k.gathers,
                keys);
    sum_row(k, w.trees, b, row, [&](const auto *some, size_t count, uint32_t *words) {
        descend_row(w.nodes.data(), some, count, keys, words);
    });
}

// Adds the leaf of each row, number(row), group by group of 16: a group's values are on their way while those before are added.
template <class Number>
[[gnu::always_inline]] inline void add_groups(const TreeEnsemble &k, size_t tree, int64_t groups, double *sums, uint8_t *has, Number &&number) {
    constexpr int64_t n = trees::kLanes;
    uint32_t words[2][n];
    for (int64_t g = 0; g <= groups; ++g) {
        if (g < groups) {
            for (int64_t i = 0; i < n; ++i) words[g % 2][i] = number(g * n + i);
            fetch_leaves(*k.leaves, words[g % 2]);
        }
        const int64_t at = (g - 1) * n * k.targets;
        if (g > 0) add_leaves(k, tree, words[(g - 1) % 2], sums + at, has + at);
    }
}

[[gnu::noinline]] inline void finish_rows(const TreeEnsemble &k, const double *sums, const Block &b, int64_t rows) {
    constexpr int64_t n = trees::kLanes;
    for_real(k.to, [&](auto *to) {
        for (int64_t r = 0; r < rows; ++r)
            finish_row<pointee<decltype(to)>>(k, sums + (k.by_row ? r * k.targets : r / n * n * k.targets + r % n),
                                              k.by_row ? 1 : n, b, r);
    });
}

// Tree by tree: walk(tree), from the places to which its top leads. rows_of<W>(first) are 64 W rows to their masks.
template <class RowsOf, class Walk>
void from_tops(const trees::Bits &tops, int64_t rows, int64_t padded, uint32_t *places, BitScratch scratch, RowsOf &&rows_of, Walk &&walk) {
    uint8_t *indices = scratch.take<uint8_t>(tops.most_trees * size_t(padded));
    const auto each_block = [&](auto &&body) {
        for (int64_t first = 0; first < rows; first += trees::kBitRows)
            in_words(rows - first, [&]<int W>() { body.template operator()<W>(first); });
    };
    size_t tree = 0;
    for (const trees::Bits::Chunk &chunk : tops.chunks) {
        each_block([&]<int W>(int64_t first) {
            auto own = rows_of.template operator()<W>(first);
            top_indices<W>(tops, chunk, own, indices + first, padded, scratch);
        });
        const uint8_t *own = indices;
        for (size_t g = chunk.groups; g < chunk.groups_end; ++g) {
            const trees::Bits::Group &group = tops.groups.data()[g];
            for (uint32_t t = 0; t < group.count; ++t, ++tree, own += padded) {
                const uint32_t *table = tops.table(group) + (t << group.levels);
                each_block([&]<int W>(int64_t first) { table_entries<W>(table, group.levels, own + first, places + first); });
                walk(tree);
            }
        }
    }
}

#if defined(__AVX512VBMI__)
// Rows by tiles, their keys in so many registers.
template <int registers>
void trees_tiles(const TreeEnsemble &k, const Block &b) {
    constexpr int64_t n = trees::kLanes, width = 16 * registers;
    const trees::Tiles &w = *k.tiles;
    const View &in = b.in[0];
    const auto turn = [&](int64_t row, int32_t *keys) {
        const float *x = in.by_rows() ? in.row_at<float>(row) : in.column<float>(0) + row;
        return tile_keys(x, in.by_rows() ? 1 : in.stride, k.width, w.features, keys);
    };
    const auto descend = [](bool nan, auto &&...all) { nan ? descend_tiles<true>(all...) : descend_tiles<false>(all...); };
    if (b.rows < trees::kTileRows) {
        int32_t *keys = room_of_keys<int32_t>(k, b);
        for (int64_t r = 0; r < b.rows; ++r) {
            const bool nan = turn(r, keys);
            const TileKeys<registers> own(keys);
            sum_row(k, w.trees, b, r, [&](const trees::Tiles::Tree *some, size_t count, uint32_t *words) {
                uint32_t places[trees::kAlone];
                uint16_t list[trees::kAlone];
                std::fill_n(places, count, 0);
                descend(nan, TileTrees<registers>{w.tiles.data(), some, own}, int64_t(count), w.usual, places, list, words);
            });
        }
        return;
    }
    const int64_t groups = (b.rows + n - 1) / n;
    const bool by_tops = k.tops && b.rows >= trees::kTileTopRows;
    const int64_t padded = by_tops ? (b.rows + trees::kBitRows - 1) / trees::kBitRows * trees::kBitRows : groups * n;
    BitScratch scratch{b.scratch};
    double *sums = scratch.take<double>(size_t(groups * n * k.targets));  // [group][target][lane]
    uint8_t *has = scratch.take<uint8_t>(size_t(groups * n * k.targets));
    std::memset(b.scratch, 0, size_t(scratch.at - b.scratch));
    int32_t *keys = scratch.take<int32_t>(size_t(padded * width));
    uint32_t *words = scratch.take<uint32_t>(size_t(padded)), *places = scratch.take<uint32_t>(size_t(padded));
    uint16_t *list = scratch.take<uint16_t>(size_t(b.rows));
    bool nan = false;
    for (int64_t r = 0; r < b.rows; ++r) nan |= turn(r, keys + r * width);
    std::fill(words + b.rows, words + groups * n, 0);
    const auto walk = [&](size_t tree, int32_t further) {
        const auto &t = w.trees.data()[tree];
        Fetch next(w, tree + 1, b.rows, further - 1);
        descend(nan, TileRows<registers>{w.tiles.data() + t.first, t.leaf, keys, &next}, b.rows, further, places, list, words);
        add_groups(k, tree, groups, sums, has, [&](int64_t row) { return words[row]; });
    };
    if (by_tops) {
        from_tops(
            *k.tops, b.rows, padded, places, scratch,
            [&]<int W>(int64_t first) { return TileRanks<W>{*k.tops, keys + first * width, width}; },
            [&](size_t tree) { walk(tree, std::max(1, w.trees.data()[tree].usual - k.top_levels.data()[tree])); });
    } else {
        for (size_t tree = 0; tree < w.trees.size(); ++tree) {
            std::fill_n(places, b.rows, 0);
            walk(tree, w.trees.data()[tree].usual);
        }
    }
    finish_rows(k, sums, b, b.rows);
}
#endif

template <class Node, class From>
void trees_rows(const TreeEnsemble &k, const trees::Walks<Node> &w, const Block &b) {
    using Key = typename Node::Key;
    constexpr int64_t n = trees::kLanes;
    const int64_t alone = b.rows % n <= trees::kFewRows ? b.rows % n : 0, together = b.rows - alone;
    for (int64_t r = together; r < b.rows; ++r) trees_row<Node, From>(k, w, b, r);
    if (together == 0) return;
    const int64_t groups = (together + n - 1) / n, columns = int64_t(k.planes.size()) + 1;
    const bool by_tops = k.tops && together >= trees::kTopRows;
    const int64_t padded = by_tops ? (together + trees::kBitRows - 1) / trees::kBitRows * trees::kBitRows : groups * n;
    BitScratch scratch{b.scratch};
    double *sums = scratch.take<double>(size_t(groups * n * k.targets));  // [group][target][lane]
    uint8_t *has = scratch.take<uint8_t>(size_t(groups * n * k.targets));
    std::memset(b.scratch, 0, size_t(scratch.at - b.scratch));
    Key *keys = scratch.take<Key>(size_t(padded * columns));
    uint32_t *places = scratch.take<uint32_t>(size_t(padded));
    uint16_t *list = scratch.take<uint16_t>(size_t((groups + 1) * n));
    From *const room = reinterpret_cast<From *>(scratch.at);
    for (int64_t first = 0; first < together; first += trees::kKeyRows) {
        const int64_t some = std::min(together - first, trees::kKeyRows);
        const View features = columns_of(b.in[0], first, some, k.width, room);
        for (size_t p = 0; p < k.planes.size(); ++p) {
            const trees::Plane &plane = k.planes.data()[p];
            const From *x = features.column<From>(plane.feature);
            for (int64_t r = 0; r < some; r += n) {
                Key *own = keys + ((first + r) / n * columns + int64_t(p)) * n;
                lanes(std::min(some - r, n), [&](int64_t i) { own[i] = trees::biased(key_of<Key>(x[r + i], plane.nan_left)); });
            }
        }
    }
    for (int64_t g = 0; g < groups; ++g) std::fill_n(keys + ((g + 1) * columns - 1) * n, n, trees::biased(Key(0)));  // what leaves look at
    // Takes all rows down from their places.
    const auto walk = [&](size_t tree, int32_t further) {
        const Node *nodes = w.nodes.data() + w.trees.data()[tree].base;
        Fetch next(w, *k.leaves, tree + 1, together, further);
        descend_all(nodes, keys, columns * n, groups * n, further, places, list, next);
        add_groups(k, tree, groups, sums, has, [&](int64_t row) { return trees::Walks<Node>::leaf_number(nodes[places[row]].key); });
    };
    if (by_tops) {
        from_tops(
            *k.tops, together, padded, places, scratch,
            [&]<int W>(int64_t first) { return WalkRows<W, Key>{*k.tops, keys + first * columns, columns * n}; },
            [&](size_t tree) { walk(tree, std::max(0, w.trees.data()[tree].usual - k.top_levels.data()[tree])); });
    } else {
        for (size_t tree = 0; tree < w.trees.size(); ++tree) {
            const auto &t = w.trees.data()[tree];
            std::fill_n(places, groups * n, t.start);
            walk(tree, t.depth < trees::kDeep ? t.depth : t.usual);
        }
    }
    finish_rows(k, sums, b, together);
}

#if defined(__AVX2__)
template <class Key, class From>
void trees_lanes(const TreeEnsemble &k, const Block &b) {
    const View &in = b.in[0];
    double *sums = reinterpret_cast<double *>(b.scratch);
    uint64_t *members = reinterpret_cast<uint64_t *>(sums + k.targets);
    for (int64_t r = 0; r < b.rows; ++r) {
        std::memset(sums, 0, size_t(k.targets) * sizeof(double));
        const From *x = in.by_rows() ? in.row_at<From>(r) : in.column<From>(0) + r;
        const ptrdiff_t stride = in.by_rows() ? 1 : in.stride;
        if (k.bits->columns == 1)
            add_lanes<0, Key>(*k.bits, k.planes.data(), x, stride, sums, members);
        else if (k.bits->columns <= 8)
            add_lanes<1, Key>(*k.bits, k.planes.data(), x, stride, sums, members);
        else
            add_lanes<2, Key>(*k.bits, k.planes.data(), x, stride, sums, members);
        for_real(k.to, [&](auto *to) { finish_row<pointee<decltype(to)>>(k, sums, 1, b, r); });
    }
}
#endif

// All rows by bit vectors, as many words wide as they need.
template <class Key, class From>
void trees_bits(const TreeEnsemble &k, const Block &b) {
    BitScratch scratch{b.scratch};
    const size_t count_of_sums = size_t((k.bits->across ? k.bits->across : k.targets) * trees::kBitRows);
    double *sums = scratch.take<double>(count_of_sums);
    std::memset(sums, 0, count_of_sums * sizeof(double));
    const trees::Plane *planes = k.planes.data();
    in_words(b.rows, [&]<int W>() { add_bits<W, Key, From>(*k.bits, planes, b, k.width, k.targets, sums, scratch); });
    const double count = double(k.leaves->trees);
    const bool mean = k.aggregate == trees::Aggregate::average;
    const int64_t row = k.bits->across ? k.bits->across : 1, column = k.bits->across ? 1 : trees::kBitRows;
    for_real(k.to, [&](auto *to) {
        for (int64_t t = 0; t < k.targets; ++t) {
            const double *s = sums + t * column;
            const double base = k.base.empty() ? 0 : k.base.data()[t];
            auto *y = b.out[0].column<pointee<decltype(to)>>(t);
            lanes(b.rows, [&](int64_t r) { y[r] = pointee<decltype(to)>((mean ? s[r * row] / count : s[r * row]) + base); });
        }
    });
}

inline void run(const TreeEnsemble &k, const Block &b) {
#if defined(__AVX2__)
    if (k.bits && k.bits->lanes && b.rows < k.bits_rows) {
        if (k.from == Type::f32) return trees_lanes<int32_t, float>(k, b);
        if (k.from == Type::f64) return trees_lanes<int64_t, double>(k, b);
        if (k.from == Type::i64) return trees_lanes<int64_t, int64_t>(k, b);
        return trees_lanes<int64_t, int32_t>(k, b);
    }
#endif
    if (k.bits && b.rows >= k.bits_rows && b.rows <= trees::kBitRows) {
        if (k.from == Type::f32) return trees_bits<int32_t, float>(k, b);
        if (k.from == Type::f64) return trees_bits<int64_t, double>(k, b);
        if (k.from == Type::i64) return trees_bits<int64_t, int64_t>(k, b);
        return trees_bits<int64_t, int32_t>(k, b);
    }
#if defined(__AVX512VBMI__)
    if (k.tiles) {
        switch (k.tiles->registers()) {
            case 1: return trees_tiles<1>(k, b);
            case 2: return trees_tiles<2>(k, b);
            case 4: return trees_tiles<4>(k, b);
            default: return trees_tiles<8>(k, b);
        }
    }
#endif
    if (k.narrow)
        trees_rows<trees::NarrowNode, float>(k, *k.narrow, b);
    else if (k.wide)
        trees_rows<trees::WideNode, float>(k, *k.wide, b);
    else if (k.from == Type::f64)
        trees_rows<trees::LongNode, double>(k, *k.longest, b);
    else if (k.from == Type::i64)
        trees_rows<trees::LongNode, int64_t>(k, *k.longest, b);
    else
        trees_rows<trees::LongNode, int32_t>(k, *k.longest, b);
}

}  // namespace celeris::CELERIS_TARGET
