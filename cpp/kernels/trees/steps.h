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

}  // namespace celeris::CELERIS_TARGET
