// The bodies of walks: rows turned into keys, and steps down a tree.
#pragma once

#include <atomic>

#include "engine/transpose.h"
#include "engine/vectors.h"
#include "kernels/trees/tiles.h"
#include "kernels/trees/walks.h"

namespace celeris::CELERIS_TARGET {

// The key of a number; of NaN, the greatest one or the one below all numbers.
template <class Key, class From>
inline Key key_of(From x, bool nan_left) {
    constexpr Key greatest = trees::Keys<Key>::nan_right;
    const auto v = typename trees::Keys<Key>::Real(x) + typename trees::Keys<Key>::Real(0);
    Key bits;
    std::memcpy(&bits, &v, sizeof bits);
    const Key key = bits ^ ((bits >> (8 * sizeof bits - 1)) & greatest);
    return v != v ? (nan_left ? trees::Keys<Key>::never : greatest) : key;
}

// keys[r] of a column.
template <class Key, class From, class Count>
void keys_of(const From *x, Count rows, bool nan_left, Key *keys) {
    lanes(rows, [&](int64_t r) { keys[r] = key_of<Key>(x[r], nan_left); });
}

#if defined(__AVX512F__)
// Sixteen at once; `of_nan` is what NaN's are.
inline __m512i keys_of(__m512 numbers, __m512i of_nan) {
    const __m512 v = _mm512_add_ps(numbers, _mm512_setzero_ps());
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i flips = _mm512_srli_epi32(_mm512_srai_epi32(bits, 31), 1);
    return _mm512_mask_mov_epi32(_mm512_xor_si512(bits, flips), _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), of_nan);
}
#endif

// Where a row goes from a node; `keys` points at its key of a column.
template <class Node, class Keys>
inline uint32_t step_of(const Node &node, Keys &&keys) {
    using Key = typename Node::Key;
    Key key = node.key;
    uint32_t place = node.pair, column = node.column;
    if constexpr (sizeof(Node) == 8) {  // one load, not three
        uint64_t all;
        std::memcpy(&all, &node, sizeof all);
        key = Key(all), place = uint16_t(all >> 32), column = uint32_t(all >> 48);
    }
    const Key *const x = keys(column);
#if defined(__x86_64__)  // what compilers make of a carry takes twice the instructions
    asm("cmp %2, %1\n\tadc %0, %0" : "+r"(place) : "r"(key), "m"(*x) : "cc");
    return place;
#else
    using Unsigned = std::make_unsigned_t<Key>;
    return 2 * place + uint32_t(Unsigned(*x) > Unsigned(key));
#endif
}

// Some of a block's rows by columns; if they lie by rows, transposed to `room` for `width` columns of rows + 16 each.
template <class From>
inline View columns_of(const View &in, int64_t first, int64_t rows, int64_t width, From *room) {
    if (!in.by_rows()) return {reinterpret_cast<std::byte *>(in.column<From>(0) + first), in.stride};
    const View columns{reinterpret_cast<std::byte *>(room), rows + 16};
    transpose(sizeof(From), reinterpret_cast<const std::byte *>(in.row_at<From>(first)), in.row, rows, width, columns.data,
              columns.stride);
    return columns;
}

#if defined(__AVX512F__)
// keys[p] of a row whose features lie side by side, sixteen at once; returns for how many planes.
inline size_t gather_keys(const float *x, const std::vector<trees::Plane> &planes, int32_t *keys) {
    static_assert(sizeof(trees::Plane) == 8);
    const __m512i features = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i sides = _mm512_add_epi32(features, _mm512_set1_epi32(1)), bias = _mm512_set1_epi32(trees::biased(0));
    const __m512i right = _mm512_set1_epi32(trees::Keys<int32_t>::nan_right), never = _mm512_set1_epi32(trees::Keys<int32_t>::never);
    size_t p = 0;
    for (; p + 16 <= planes.size(); p += 16) {
        const __m512i a = _mm512_loadu_si512(planes.data() + p), b = _mm512_loadu_si512(planes.data() + p + 8);
        const __m512i nan_left = _mm512_permutex2var_epi32(a, sides, b);
        const __m512i of_nan = _mm512_mask_mov_epi32(right, _mm512_test_epi32_mask(nan_left, nan_left), never);
        const __m512 numbers = _mm512_i32gather_ps(_mm512_permutex2var_epi32(a, features, b), x, 4);
        _mm512_storeu_si512(keys + p, _mm512_xor_si512(keys_of(numbers, of_nan), bias));
    }
    return p;
}
#endif

// keys[p] of one row, a plane each; its features lie `stride` apart. Where the processor gathers them no faster (fast_gathers)
// they are fetched one by one, and made into keys side by side.
template <class Key, class From>
void keys_of_row(const From *x, ptrdiff_t stride, const std::vector<trees::Plane> &planes, [[maybe_unused]] bool gathers, Key *keys) {
    using Real = typename trees::Keys<Key>::Real;
    size_t first = 0;
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<Key, int32_t> && std::is_same_v<From, float>)
        if (gathers && stride == 1) first = gather_keys(x, planes, keys);
#endif
    const trees::Plane *plane = planes.data();
    for (size_t p = first; p < planes.size(); ++p) {
        const Real number = Real(x[plane[p].feature * stride]);
        std::memcpy(keys + p, &number, sizeof number);
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    plane += first, keys += first;
    lanes(int64_t(planes.size() - first), [&](int64_t p) {
        Real number;
        std::memcpy(&number, keys + p, sizeof number);
        keys[p] = trees::biased(key_of<Key>(number, plane[p].nan_left));
    });
}

// Takes one row down some trees, at most kAlone: sixteen by sixteen, whose places registers hold, as many steps as their median
// leaf is deep; then those of all that still move are listed and go on until none is left. What they wait for, a line of the
// cache each, comes side by side.
template <class Node>
void descend_row(const Node *nodes, const typename trees::Walks<Node>::Tree *trees, size_t count,
                 const typename Node::Key *keys, uint32_t *words) {
    constexpr size_t side = 16;
    constexpr int32_t further = 2;
    const Node *base[trees::kAlone + side];
    uint32_t at[trees::kAlone + side], list[trees::kAlone];
    const auto step = [&](size_t i, uint32_t place) {
        return step_of(base[i][place], [&](uint32_t column) { return keys + column / uint32_t(trees::kLanes); });
    };
    for (size_t first = 0; first < count; first += side) {
        uint32_t place[side];
        size_t usual = 0;
        for (size_t i = 0; i < side; ++i) {
            const auto &tree = trees[std::min(first + i, count - 1)];
            base[first + i] = nodes + tree.base, place[i] = tree.start, usual += size_t(tree.usual);
        }
        for (size_t s = 0; s < usual / side; ++s) {
#pragma GCC unroll 16
            for (size_t i = 0; i < side; ++i) place[i] = step(first + i, place[i]);
        }
        for (size_t i = 0; i < side; ++i) at[first + i] = place[i];
    }
    const auto last_step = [&](size_t i, size_t left) {  // of a round: lists the tree if it moves
        const uint32_t next = step(i, at[i]);
        list[left] = uint32_t(i);
        left += next != at[i];
        at[i] = next;
        return left;
    };
    size_t moving = 0;
    for (size_t i = 0; i < count; ++i) moving = last_step(i, moving);
    while (moving > 0) {
        for (int32_t s = 0; s < further; ++s) {
#pragma GCC unroll 4
            for (size_t k = 0; k < moving; ++k) at[list[k]] = step(list[k], at[list[k]]);
            std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        size_t left = 0;
        for (size_t k = 0; k < moving; ++k) left = last_step(list[k], left);
        moving = left;
    }
    for (size_t i = 0; i < count; ++i) words[i] = trees::Walks<Node>::leaf_number(base[i][at[i]].key);
}

// Brings the next tree, and the vectors of its leaves, to the L2 cache while rows go down this one, some lines with each step of 16: a forest is
// larger than that cache, and what is asked for line after line comes faster than what walks meet. A tree of far more lines
// than rows meet is not worth it.
class Fetch {
public:
    template <class Node>
    Fetch(const trees::Walks<Node> &w, const trees::Leaves &leaves, size_t tree, int64_t rows, int32_t steps) {
        if (tree >= w.trees.size()) return;
        const auto &own = w.trees.data()[tree], *next = tree + 1 < w.trees.size() ? &own + 1 : nullptr;
        constexpr int64_t most = 8;  // lines for each row
        add(w.nodes.data() + own.base, w.nodes.data() + (next ? size_t(next->base) : w.nodes.size()), most * rows);
        if (leaves.kind == trees::Leaves::dense) add(leaves.at(own.leaf), leaves.at(next ? next->leaf : leaves.count()), most * rows);
        share(rows * steps / trees::kLanes);
    }
    // (Rows ask for the tiles that they meet themselves.)
    Fetch(const trees::Tiles &w, size_t tree, int64_t rows, int32_t steps) {
        if (tree >= w.trees.size()) return;
        const trees::Tile *first = w.tiles.data() + w.trees.data()[tree].first;
        add(first, first + w.trees.data()[tree].count, 2 * rows);
        share(steps * ((rows + trees::kTileSide - 1) / trees::kTileSide));
    }
    void operator()() {
        if (now_.lines == 0) return;
        int64_t count = std::min(now_.lines, each_);
        for (now_.lines -= count; count > 0; --count, now_.at += 64) __builtin_prefetch(now_.at, 0, 2);
        if (now_.lines == 0) now_ = std::exchange(later_, {});
    }

private:
    struct Lines {
        const char *at = nullptr;
        int64_t lines = 0;
    };
    void share(int64_t times) {
        times = std::max<int64_t>(1, times);
        each_ = (now_.lines + later_.lines + times - 1) / times;
    }
    void add(const void *from, const void *to, int64_t most) {
        const int64_t lines = (static_cast<const char *>(to) - static_cast<const char *>(from)) / 64;
        if (lines > 0 && lines <= most) (now_.lines == 0 ? now_ : later_) = {static_cast<const char *>(from), lines};
    }

    Lines now_, later_;
    int64_t each_ = 0;
};

// Takes all rows of a block (a multiple of 16) to their leaves. First all go `usual` steps; then those that still
// move are listed, and go on by 16 until none is left, so that few steps are made in vain and no branch is a guess.
// `list` has room for 16 more than rows.
template <class Node>
void descend_all(const Node *nodes, const typename Node::Key *keys, ptrdiff_t group, int64_t rows, int32_t usual,
                 uint32_t *places, uint16_t *list, Fetch &next_tree) {
    using Key = typename Node::Key;
    constexpr int n = int(trees::kLanes);
    constexpr int32_t further = 3;
    int64_t count = 0;
    for (int64_t first = 0; first < rows; first += n) {
        const Key *x = keys + first / n * group;
        uint32_t at[n];
        for (int i = 0; i < n; ++i) at[i] = places[first + i];
        const auto step = [&](int i) {
            return step_of(nodes[at[i]], [&](uint32_t column) { return x + column + i; });
        };
        for (int32_t s = 0; s < usual; ++s) {
            next_tree();
#pragma GCC unroll 16
            for (int i = 0; i < n; ++i) at[i] = step(i);
        }
#pragma GCC unroll 16
        for (int i = 0; i < n; ++i) {
            const uint32_t next = step(i);
            list[count] = uint16_t(first + i);
            count += next != at[i];
            places[first + i] = next;
        }
    }
    while (count > 0) {
        for (int i = 0; i < n; ++i) list[count + i] = list[0];
        int64_t left = 0;
        for (int64_t k = 0; k < count; k += n) {
            uint32_t at[n], row[n];
            const Key *x[n];
            for (int i = 0; i < n; ++i) {
                row[i] = list[k + i];
                at[i] = places[row[i]];
                x[i] = keys + row[i] / n * group + row[i] % n;
            }
            const auto step = [&](int i) {
                return step_of(nodes[at[i]], [&](uint32_t column) { return x[i] + column; });
            };
            for (int32_t s = 0; s < further; ++s) {
#pragma GCC unroll 16
                for (int i = 0; i < n; ++i) at[i] = step(i);
            }
            for (int i = 0; i < n; ++i) {
                const uint32_t next = step(i);
                const bool moves = next != at[i] && k + i < count;
                places[row[i]] = next;
                list[left] = uint16_t(row[i]);
                left += moves;
            }
        }
        count = left;
    }
}

}  // namespace celeris::CELERIS_TARGET
