// The rows that the masks of Bits are made of: a block's, or those of a walk.
#pragma once

#include "kernels/trees/bits_tests.h"

namespace celeris::CELERIS_TARGET {

// The columns of a block. Where its rows lie as the caller holds them, some features are turned into columns at a time, or
// each by itself where the trees ask for `few`, with zeros up to 64 W.
template <int W, class From>
class BlockColumns {
    static constexpr int64_t rows = 64 * W, apart = rows + 16;

public:
    BlockColumns(const Block &b, int64_t width, bool few, BitScratch &scratch)
        : in_(b.in[0]), count_(b.rows), width_(width), together_(few ? 1 : trees::kTurned),
          padded_(in_.by_rows() || count_ == rows) {
        if (!in_.by_rows()) return;
        turned_ = scratch.take<From>(size_t(together_ * apart));
        for (int64_t c = 0; count_ < rows && c < together_; ++c)
            std::fill(turned_ + c * apart + count_, turned_ + (c + 1) * apart, From());
        if (few) return;
        next_ = 0;
        for (int64_t c = 0; c < trees::kTurned; ++c) fetch();
    }
    // Whether a column goes on with zeros.
    bool padded() const { return padded_; }

    const From *operator[](int64_t feature) {
        if (!in_.by_rows()) return in_.column<From>(feature);
        if (together_ == 1) {
            if (feature != first_) {
                const From *x = in_.row_at<From>(0) + feature;
                for (int64_t r = 0; r < count_; ++r) turned_[r] = x[r * in_.row];
                first_ = feature;
            }
            return turned_;
        }
        if (feature < first_ || feature >= first_ + trees::kTurned) {
            first_ = feature / trees::kTurned * trees::kTurned;
            next_ = first_ + trees::kTurned < width_ ? first_ + trees::kTurned : 0, fetched_ = 0;
            transpose(sizeof(From), reinterpret_cast<const std::byte *>(in_.row_at<From>(0) + first_), in_.row, count_,
                      std::min(trees::kTurned, width_ - first_), reinterpret_cast<std::byte *>(turned_), apart);
        }
        fetch();
        return turned_ + (feature - first_) * apart;
    }

private:
    // Asks for a part of the features that are turned next, as one comes after the other.
    void fetch() {
        constexpr int64_t bytes = trees::kTurned * int64_t(sizeof(From)), some = std::max<int64_t>(1, rows / trees::kTurned);
        const int64_t end = std::min(fetched_ + some, count_);
        for (; fetched_ < end; ++fetched_) {
            const auto *x = reinterpret_cast<const std::byte *>(in_.row_at<From>(fetched_) + next_);
            for (int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(x + at, 0, 2);
        }
    }

    const View &in_;
    const int64_t count_, width_, together_;
    const bool padded_;
    From *turned_ = nullptr;
    int64_t first_ = -trees::kTurned, next_ = 0, fetched_ = 0;
};

// The rows of a block, and zeros up to 64 W.
template <int W, class Key, class From>
class BlockRows {
    using V = typename BitRows<W>::type;
    using Real = typename trees::Keys<Key>::Real;
    static constexpr int64_t rows = 64 * W;

public:
    BlockRows(const trees::Bits &bits, const trees::Plane *planes, const Block &b, int64_t width, BitScratch &scratch)
        : bits_(bits), planes_(planes), count_(b.rows), columns_(b, width, bits.few, scratch), keys_(scratch.take<Key>(size_t(trees::kBitRows))),
          numbers_(scratch.take<Real>(size_t(trees::kBitRows))) {
        for (int64_t r = b.rows; r < rows; ++r) keys_[r] = 0, numbers_[r] = 0;
    }

    void test(const trees::Bits::Ranked &ranked, V *masks) {
        const trees::Plane &plane = planes_[ranked.plane];
        if (ranked.levels == 0) {
            const Real *limits = limits_of(bits_, Real()) + ranked.first;
            uint64_t *words = reinterpret_cast<uint64_t *>(masks);
            if (plane.nan_left)
                test_numbers<W, true>(limits, ranked.count, numbers(plane), words);
            else
                test_numbers<W, false>(limits, ranked.count, numbers(plane), words);
            return;
        }
        alignas(64) uint8_t ranks[rows];
        rank(ranked, plane, ranks);
        test_ranks<W>(ranks, ranked.levels, ranked.count, masks);
    }

private:
    void rank(const trees::Bits::Ranked &ranked, const trees::Plane &plane, uint8_t *ranks) {
        const Key *search = search_of(bits_, Key()) + ranked.first;
#if defined(__AVX512VBMI__)
        if constexpr (std::is_same_v<Real, float>)
            return rank_rows(search, ranked.levels, numbers(plane), plane.nan_left, rows, ranks);
#endif
        keys_of<Key>(columns_[plane.feature], count_, plane.nan_left, keys_);
        rank_rows(search, ranked.levels, keys_, rows, ranks);
    }
    const Real *numbers(const trees::Plane &plane) {
        const From *x = columns_[plane.feature];
        if constexpr (std::is_same_v<From, Real>)
            if (columns_.padded()) return x;
        lanes(count_, [&](int64_t r) { numbers_[r] = Real(x[r]); });
        return numbers_;
    }

    const trees::Bits &bits_;
    const trees::Plane *planes_;
    const int64_t count_;
    BlockColumns<W, From> columns_;
    Key *keys_;
    Real *numbers_;
};

template <int W, class Key>
void test_keys(const trees::Bits &bits, const trees::Bits::Ranked &ranked, const Key *keys, typename BitRows<W>::type *masks) {
    alignas(64) uint8_t ranks[64 * W];
    rank_rows(search_of(bits, Key()) + ranked.first, ranked.levels, keys, 64 * W, ranks);
    test_ranks<W>(ranks, ranked.levels, ranked.count, masks);
}

// Rows whose keys lie as walks want them; their tops have no plane of few keys.
template <int W, class Key>
struct WalkRows {
    const trees::Bits &tops;
    const Key *keys;  // [group of 16 rows][plane][lane]
    ptrdiff_t group;

    void test(const trees::Bits::Ranked &ranked, typename BitRows<W>::type *masks) {
        const Key *from = keys + ranked.plane * trees::kLanes;
        alignas(64) Key own[64 * W];
        for (int64_t r = 0; r < 64 * W; r += trees::kLanes, from += group)
            for (int64_t i = 0; i < trees::kLanes; ++i) own[r + i] = trees::biased(from[i]);
        test_keys<W>(tops, ranked, own, masks);
    }
};

// Rows whose keys lie as tiles want them; nor have their tops a plane of few keys.
template <int W>
struct TileRanks {
    const trees::Bits &tops;
    const int32_t *keys;  // [row][feature]
    int64_t width;

    void test(const trees::Bits::Ranked &ranked, typename BitRows<W>::type *masks) {
        using K = trees::Keys<int32_t>;
        const auto [feature, nan_left] = trees::TileTops::read(ranked.plane);
        alignas(64) int32_t own[64 * W];
        for (int64_t r = 0; r < 64 * W; ++r) own[r] = keys[r * width + feature];
        if (nan_left) lanes(64 * W, [&](int64_t r) { own[r] = own[r] == K::nan_right ? K::never : own[r]; });
        test_keys<W>(tops, ranked, own, masks);
    }
};

}  // namespace celeris::CELERIS_TARGET
