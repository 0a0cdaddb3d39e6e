// The bodies of walks: rows turned into keys, and steps down a tree.
#pragma once

#include "kernels/trees/walks.h"

namespace celeris::CELERIS_TARGET {

// keys[r] of a column, NaN being the greatest key or the one below all numbers.
template <class Key, class From, class Count>
void keys_of(const From *x, Count rows, bool nan_left, Key *keys) {
    using Real = typename trees::Keys<Key>::Real;
    constexpr Key greatest = trees::Keys<Key>::nan_right;
    const Key missing = nan_left ? trees::Keys<Key>::never : greatest;
    lanes(rows, [&](int64_t r) {
        const Real v = Real(x[r]) + Real(0);
        Key bits;
        std::memcpy(&bits, &v, sizeof bits);
        const Key key = bits ^ ((bits >> (8 * sizeof bits - 1)) & greatest);
        keys[r] = v != v ? missing : key;
    });
}

// Takes each of N walkers to its leaf. `node(i)` is where walker i's tree lies, `key(i, column)` its row's key.
template <int N, class Node, class Nodes, class RowKey>
inline void descend(int32_t depth, uint32_t *places, Nodes &&nodes, RowKey &&key) {
    uint32_t at[N];
    for (int i = 0; i < N; ++i) at[i] = places[i];
    const auto step = [&] {
#pragma GCC unroll 16
        for (int i = 0; i < N; ++i) {
            const Node n = nodes(i)[at[i]];
            at[i] = 2 * uint32_t(n.pair) + uint32_t(key(i, n.column) > n.key);
        }
    };
    constexpr int32_t sure = 6;  // a shallow tree is walked to its depth; in a deep one most rows end sooner
    if (depth <= sure) {
        for (int32_t d = 0; d < depth; ++d) step();
    } else {
        for (int32_t d = 0; d < sure; ++d) step();
        uint32_t moved;
        do {
            step();
            uint32_t before[N];
            for (int i = 0; i < N; ++i) before[i] = at[i];
            step();
            moved = 0;
            for (int i = 0; i < N; ++i) moved |= before[i] ^ at[i];
        } while (moved != 0);
    }
    for (int i = 0; i < N; ++i) places[i] = at[i];
}

// Sixteen keys, or places, side by side.
template <class T>
struct SixteenOf {
    typedef T type __attribute__((vector_size(16 * sizeof(T)), aligned(16), may_alias));
};
template <class T>
using Sixteen = typename SixteenOf<T>::type;

// Where 16 rows stand after the first levels of a deep tree: all comparisons, then choices from the bottom up.
template <class Node>
inline void descend_top(const typename trees::Walks<Node>::Top &top, const typename Node::Key *keys, uint32_t *places) {
    using Key = typename Node::Key;
    constexpr int bottom = 1 << (trees::kTopLevels - 1);
    Sixteen<int32_t> at[bottom];
    const auto choose = [&](int node, const Sixteen<int32_t> &yes, const Sixteen<int32_t> &no, Sixteen<int32_t> &to) {
        const auto &x = *reinterpret_cast<const Sixteen<Key> *>(keys + top.column[node]);
        const Sixteen<int32_t> right = __builtin_convertvector(x > top.key[node], Sixteen<int32_t>);
        to = right ? yes : no;
    };
#pragma GCC unroll 16
    for (int j = 0; j < bottom; ++j)
        choose(bottom - 1 + j, int32_t(top.place[2 * j + 1]) - Sixteen<int32_t>{},
               int32_t(top.place[2 * j]) - Sixteen<int32_t>{}, at[j]);
#pragma GCC unroll 4
    for (int width = bottom / 2; width > 0; width /= 2)
#pragma GCC unroll 8
        for (int j = 0; j < width; ++j) choose(width - 1 + j, at[2 * j + 1], at[2 * j], at[j]);
    *reinterpret_cast<Sixteen<int32_t> *>(places) = at[0];
}

// Takes all rows of a block (a multiple of 16) to their leaves. First all go `usual` steps; then those that still
// move are listed, and go on by 16 until none is left, so that few steps are made in vain and no branch is a guess.
// `list` has room for 16 more than rows.
template <class Node>
void descend_all(const Node *nodes, const typename Node::Key *keys, ptrdiff_t group, int64_t rows, int32_t usual,
                 uint32_t *places, uint16_t *list) {
    using Key = typename Node::Key;
    constexpr int n = int(trees::kLanes);
    constexpr int32_t further = 3;
    int64_t count = 0;
    for (int64_t first = 0; first < rows; first += n) {
        const Key *x = keys + first / n * group;
        uint32_t at[n];
        for (int i = 0; i < n; ++i) at[i] = places[first + i];
        const auto step = [&](int i) {
            const Node node = nodes[at[i]];
            return 2 * uint32_t(node.pair) + uint32_t(x[node.column + uint32_t(i)] > node.key);
        };
        for (int32_t s = 0; s < usual; ++s) {
#pragma GCC unroll 16
            for (int i = 0; i < n; ++i) at[i] = step(i);
        }
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
                const Node node = nodes[at[i]];
                return 2 * uint32_t(node.pair) + uint32_t(x[i][node.column] > node.key);
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
