// The bodies of Bits: from masks (bits_tests.h) to codes, and from these to what tables hold (bits_tables.h). W words of 64
// rows each are worked on side by side.
#pragma once

#include "kernels/trees/bits_rows.h"
#include "kernels/trees/bits_tables.h"

namespace celeris::CELERIS_TARGET {

#if defined(__AVX512BW__)
// codes[r] = the bits of row r in `levels` planes, the first one lowest.
template <int W, class V>
void codes_of(const V *const *planes, int levels, uint8_t *codes) {
    for (int w = 0; w < W; ++w) {
        __m512i at = _mm512_setzero_si512();
        for (int level = 0; level < levels; ++level) {
            const __m512i bit = _mm512_set1_epi8(char(1 << level));
            at = _mm512_or_si512(at, _mm512_maskz_mov_epi8(uint64_t((*planes[level])[w]), bit));
        }
        _mm512_store_si512(codes + 64 * w, at);
    }
}
#else
// Units of so many bytes from a and b by turns: of the low halves of each 16 bytes, or of the high ones.
template <int Unit, bool High, class V, size_t... I>
inline V weave(V a, V b, std::index_sequence<I...>) {
    constexpr int n = int(sizeof(V)), from = High ? 8 : 0;
    return __builtin_shufflevector(
        a, b, (int(I) / 16 * 16 + from + int(I) % 16 / Unit / 2 * Unit + int(I) % Unit + int(I) % 16 / Unit % 2 * n)...);
}

// codes[r] = the bits of row r in eight planes, the first one lowest: matrices of 8x8 bits, a row in each plane, are
// transposed (H. S. Warren, Hacker's Delight, 7-3), and their bytes woven.
template <int W, class V>
void codes_of(const V *const *planes, int, uint8_t *codes) {
    constexpr int n = 8 * W < 16 ? 16 : 8 * W < vector_bytes ? 8 * W : int(vector_bytes);
    typedef uint8_t Bytes __attribute__((vector_size(n)));
    typedef uint64_t Words __attribute__((vector_size(n)));
    constexpr auto all = std::make_index_sequence<n>();
    for (int part = 0; part * n < 8 * W; ++part, codes += 8 * n) {
        Words x[8] = {};
        const auto swap = [](Words &a, Words &b, int by, uint64_t kept) __attribute__((always_inline)) {
            const Words moved = ((a >> by) ^ b) & kept;
            b ^= moved, a ^= moved << by;
        };
        for (int i = 0; i < 8; ++i)
            std::memcpy(&x[i], reinterpret_cast<const char *>(planes[i]) + part * n, W == 1 ? 8 : n);
#pragma GCC unroll 3
        for (int by = 1; by < 8; by *= 2)
#pragma GCC unroll 8
            for (int i = 0; i < 8; ++i)
                if ((i & by) == 0) swap(x[i], x[i + by], by, by == 1 ? 0x5555555555555555 : by == 2 ? 0x3333333333333333 : 0x0f0f0f0f0f0f0f0f);
        Bytes p[8], q[8];
        for (int i = 0; i < 4; ++i) {
            q[i] = weave<1, false>(Bytes(x[2 * i]), Bytes(x[2 * i + 1]), all);
            q[4 + i] = weave<1, true>(Bytes(x[2 * i]), Bytes(x[2 * i + 1]), all);
        }
        for (int i = 0; i < 8; i += 4) {
            for (int j = 0; j < 2; ++j) {
                p[i + j] = weave<2, false>(q[i + 2 * j], q[i + 2 * j + 1], all);
                p[i + 2 + j] = weave<2, true>(q[i + 2 * j], q[i + 2 * j + 1], all);
            }
        }
        for (int i = 0; i < (W == 1 ? 4 : 8); ++i) {
            const Bytes woven = i % 2 == 0 ? weave<4, false>(p[i], p[i + 1], all) : weave<4, true>(p[i - 1], p[i], all);
            for (int lane = 0; lane < n / 16; ++lane)
                std::memcpy(codes + 128 * lane + 16 * i, reinterpret_cast<const char *>(&woven) + 16 * lane, 16);
        }
    }
}
#endif

// Vectors as programs name them, or as much of each as a register holds.
template <int W, class P>
struct Named {
    std::byte *at;
    P &operator[](uint16_t number) const { return *reinterpret_cast<P *>(at + 2 * size_t(number) * size_t(W)); }
};

// The planes of a piece that is nearly complete: each level's masks are muxed by the turns before.
template <int Levels, int W, class P>
void path_planes(const uint16_t *program, Named<W, P> vectors, std::byte *own) {
    constexpr int root = Levels - 1;
    P m[Levels > 1 ? 1 << (Levels - 2) : 1], planes[Levels];
    planes[root] = vectors[program[0]];
#pragma GCC unroll 8
    for (int d = 1; d < Levels; ++d) {
        const uint16_t *masks = program + (1 << d) - 1;
        int half = 1 << (d - 1);
#pragma GCC unroll 32
        for (int j = 0; j < half; ++j) choose_bits(m[j], planes[root], vectors[masks[j + half]], vectors[masks[j]]);
#pragma GCC unroll 8
        for (int e = 1; e < d; ++e) {
            half /= 2;
#pragma GCC unroll 32
            for (int j = 0; j < half; ++j) choose_bits(m[j], planes[root - e], m[j + half], m[j]);
        }
        planes[root - d] = m[0];
    }
    for (int i = 0; i < Levels; ++i) std::memcpy(own + size_t(i) * 8 * W, &planes[i], sizeof(P));
}

// planes[i] of a piece's code, the lowest bit first. `own` has room for those that are not among `vectors`.
template <int W, class V>
void piece_planes(const trees::Bits &bits, const trees::Bits::Piece &piece, V *vectors, V *own, const V **planes) {
    const uint16_t *program = bits.program.data() + piece.program;
    if (!piece.paths) {
        const Named<W, V> all{reinterpret_cast<std::byte *>(vectors)};
        for (int i = 0; i < piece.steps; ++i, program += 4) {
            if constexpr (W == 8) {  // loads are what such a step waits for: one for its words, not four
                uint64_t step;
                std::memcpy(&step, program, sizeof step);
                const auto vector = [&](uint64_t twice) -> V & {
                    return *reinterpret_cast<V *>(all.at + W * (twice & 0x1fffe));  // as addresses of x86 express
                };
                choose_bits(vector(step << 1), vector(step >> 15), vector(step >> 31), vector(step >> 47));
            } else {
                choose_bits(all[program[0]], all[program[1]], all[program[2]], all[program[3]]);
            }
        }
        for (int i = 0; i < piece.levels; ++i) planes[i] = &all[program[i]];
        return;
    }
    for (int i = 0; i < piece.levels; ++i) planes[i] = own + i;
    constexpr int part = part_words<W>;
    for (int at = 0; at < W; at += part) {
        const Named<W, typename BitRows<part>::type> some{reinterpret_cast<std::byte *>(vectors) + 8 * at};
        std::byte *to = reinterpret_cast<std::byte *>(own) + 8 * at;
        switch (piece.levels) {
            case 1: path_planes<1>(program, some, to); break;
            case 2: path_planes<2>(program, some, to); break;
            case 3: path_planes<3>(program, some, to); break;
            case 4: path_planes<4>(program, some, to); break;
            case 5: path_planes<5>(program, some, to); break;
            default: path_planes<6>(program, some, to); break;
        }
    }
}

#if defined(__AVX512VBMI__)
// What codes mean, where registers hold that: to be added to by pieces below.
class CodeMap {
public:
    CodeMap(const uint8_t *map, int levels, bool below)
        : a_(_mm512_loadu_si512(map)), b_(_mm512_loadu_si512(map + 64)), c_(levels > 7 ? _mm512_loadu_si512(map + 128) : a_),
          d_(levels > 7 ? _mm512_loadu_si512(map + 192) : b_), all_(levels > 7), below_(below) {}

    // 64 rows' numbers of their codes; if `below`, of those whose number is open.
    void put(__m512i code, uint8_t *numbers) const {
        __m512i number = _mm512_permutex2var_epi8(a_, code, b_);
        if (all_) number = _mm512_mask_mov_epi8(number, _mm512_movepi8_mask(code), _mm512_permutex2var_epi8(c_, code, d_));
        if (below_) {
            const __m512i before = _mm512_load_si512(numbers);
            const __mmask64 open = _mm512_cmpeq_epi8_mask(before, _mm512_set1_epi8(char(trees::kBelow)));
            number = _mm512_mask_mov_epi8(before, open, number);
        }
        _mm512_store_si512(numbers, number);
    }

private:
    const __m512i a_, b_, c_, d_;
    const bool all_, below_;
};
#endif

#if defined(__GFNI__)
// Codes of 512 rows: bytes of eight planes woven into 8x8 matrices of bits, and these transposed. put(codes, place) 64 of them.
template <class Put>
[[gnu::always_inline]] inline void weave_codes(const BitRows<8>::type *const *planes, int levels, Put &&put) {
    __m512i p[8], q[8];
    for (int i = 0; i < 8; ++i) p[i] = i < levels ? (__m512i)*planes[i] : _mm512_setzero_si512();
    for (int i = 0; i < 4; ++i) {  // the highest plane comes first
        q[i] = _mm512_unpacklo_epi8(p[7 - 2 * i], p[6 - 2 * i]);
        q[4 + i] = _mm512_unpackhi_epi8(p[7 - 2 * i], p[6 - 2 * i]);
    }
    for (int i = 0; i < 2; ++i) {
        for (int j = 0; j < 2; ++j) {
            p[4 * i + j] = _mm512_unpacklo_epi16(q[4 * i + 2 * j], q[4 * i + 2 * j + 1]);
            p[4 * i + 2 + j] = _mm512_unpackhi_epi16(q[4 * i + 2 * j], q[4 * i + 2 * j + 1]);
        }
    }
    const __m512i columns = _mm512_set1_epi64(int64_t(0x8040201008040201));
    for (int i = 0; i < 4; ++i) {
        const __m512i low = _mm512_unpacklo_epi32(p[2 * i], p[2 * i + 1]);
        const __m512i high = _mm512_unpackhi_epi32(p[2 * i], p[2 * i + 1]);
        put(_mm512_gf2p8affine_epi64_epi8(columns, low, 0), 128 * i);
        put(_mm512_gf2p8affine_epi64_epi8(columns, high, 0), 128 * i + 64);
    }
}
#endif

#if defined(__AVX2__) && !defined(__AVX512VBMI__)
// Entry `at`, of which `low` is the lowest half byte, of 2^Bits bytes at `table`.
template <int Bits>
inline __m256i look_up_bytes(const uint8_t *table, __m256i at, __m256i low) {
    if constexpr (Bits == 4)
        return _mm256_shuffle_epi8(
            _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i *>(table))), low);
    else
        return _mm256_blendv_epi8(look_up_bytes<Bits - 1>(table, at, low),
                                  look_up_bytes<Bits - 1>(table + (1 << (Bits - 1)), at, low),
                                  _mm256_slli_epi16(at, 8 - Bits));
}

template <int W, int Bits>
void map_codes_by(const uint8_t *map, bool below, const uint8_t *codes, uint8_t *numbers) {
    const __m256i half = _mm256_set1_epi8(15), open = _mm256_set1_epi8(char(trees::kBelow));
    for (int r = 0; r < 64 * W; r += 32) {
        const __m256i code = _mm256_load_si256(reinterpret_cast<const __m256i *>(codes + r));
        __m256i *to = reinterpret_cast<__m256i *>(numbers + r);
        __m256i number = look_up_bytes<Bits>(map, code, _mm256_and_si256(code, half));
        if (below) {
            const __m256i before = _mm256_load_si256(to);
            number = _mm256_blendv_epi8(before, number, _mm256_cmpeq_epi8(before, open));
        }
        _mm256_store_si256(to, number);
    }
}
#endif

// What the codes mean: to `numbers`, or where `below`, to those that an earlier piece left open.
template <int W>
void map_codes(const uint8_t *map, int levels, bool below, const uint8_t *codes, uint8_t *numbers) {
#if defined(__AVX512VBMI__)
    const CodeMap means(map, levels, below);
    for (int w = 0; w < W; ++w) means.put(_mm512_load_si512(codes + 64 * w), numbers + 64 * w);
#elif defined(__AVX2__)
    switch (levels) {
        case 8: return map_codes_by<W, 8>(map, below, codes, numbers);
        case 7: return map_codes_by<W, 7>(map, below, codes, numbers);
        case 6: return map_codes_by<W, 6>(map, below, codes, numbers);
        case 5: return map_codes_by<W, 5>(map, below, codes, numbers);
        default: return map_codes_by<W, 4>(map, below, codes, numbers);
    }
#else
    (void)levels;
    for (int r = 0; r < 64 * W; ++r) {
        const uint8_t number = map[codes[r]], before = numbers[r];
        numbers[r] = uint8_t(number ^ ((number ^ before) & -int(below & (before != trees::kBelow))));  // no branch: it comes at random
    }
#endif
}

// The index of each row in the tree's table.
template <int W, class V>
void tree_indices(const trees::Bits &bits, const trees::Bits::Tree &tree, V *vectors, V *own, uint8_t *codes,
                  uint8_t *indices) {
    if (tree.count == 0) std::memset(indices, 0, 64 * W);
    for (int i = 0; i < tree.count; ++i) {
        const trees::Bits::Piece &piece = bits.pieces.data()[tree.pieces + uint32_t(i)];
        const V *planes[trees::kMostLevels] = {vectors, vectors, vectors, vectors, vectors, vectors, vectors, vectors};
        piece_planes<W>(bits, piece, vectors, own, planes);
        const uint8_t *map = bits.maps.data() + piece.map;
#if defined(__GFNI__)
        if constexpr (W == 8) {
            if (tree.mapped) {
                const CodeMap means(map, piece.levels, i > 0);
                weave_codes(planes, piece.levels, [&](__m512i code, int at) { means.put(code, indices + at); });
            } else {
                weave_codes(planes, piece.levels, [&](__m512i code, int at) { _mm512_store_si512(indices + at, code); });
            }
            continue;
        }
#endif
        codes_of<W>(planes, piece.levels, tree.mapped ? codes : indices);
        if (tree.mapped) map_codes<W>(map, piece.levels, i > 0, codes, indices);
    }
}

// The scratch of blocks by bit vectors.
template <int W>
struct BitVectors {
    using V = typename BitRows<W>::type;
    V *all, *own;
    uint8_t *codes;

    BitVectors(const trees::Bits &bits, BitScratch &scratch)
        : all(scratch.take<V>(1 + trees::kSlots + bits.most_tests)), own(scratch.take<V>(trees::kMostLevels)),
          codes(scratch.take<uint8_t>(size_t(trees::kBitRows))) {
        all[0] = V{};
    }
    V *masks() const { return all + 1 + trees::kSlots; }
};

// Adds all trees to sums[target * kBitRows + row], or if `across`, to sums[row * across + target].
template <int W, class Key, class From>
void add_bits(const trees::Bits &bits, const trees::Plane *planes, const Block &b, int64_t width,
              [[maybe_unused]] int64_t targets, double *sums, BitScratch scratch) {
    uint8_t *indices = scratch.take<uint8_t>(size_t(bits.together * trees::kBitRows));
    const BitVectors<W> vectors(bits, scratch);
    BlockRows<W, Key, From> rows(bits, planes, b, width, scratch);
    for (const trees::Bits::Chunk *c = bits.chunks.data(), *end = c + bits.chunks.size(); c != end; ++c) {
        make_masks<W>(bits, *c, rows, vectors.masks());
        for (size_t g = c->groups; g < c->groups_end; ++g) {
            const trees::Bits::Group &group = bits.groups.data()[g];
            const int side = std::min(trees::kSideBySide, bits.together), count = (group.count + side - 1) / side * side;
            for (int t = 0; t < count; ++t)
                tree_indices<W>(bits, group.trees[t], vectors.all, vectors.own, vectors.codes, indices + t * trees::kBitRows);
            add_tables(W, bits, group, count, indices, sums);
        }
    }
#if defined(__AVX512VBMI__)
    order_sums<W>(targets, sums);
#endif
}

// Where rows stand at the ends of a chunk's tops: indices[tree * stride + row].
template <int W, class Rows>
void top_indices(const trees::Bits &tops, const trees::Bits::Chunk &chunk, Rows &rows, uint8_t *indices, int64_t stride,
                 BitScratch scratch) {
    const BitVectors<W> vectors(tops, scratch);
    make_masks<W>(tops, chunk, rows, vectors.masks());
    for (size_t g = chunk.groups; g < chunk.groups_end; ++g) {
        const trees::Bits::Group &group = tops.groups.data()[g];
        for (int t = 0; t < group.count; ++t, indices += stride)
            tree_indices<W>(tops, group.trees[t], vectors.all, vectors.own, vectors.codes, indices);
    }
}

}  // namespace celeris::CELERIS_TARGET
