// BitValues: what the tables of Bits hold, made integers where no sum is rounded, and laid out as it is looked up.
#pragma once

#include <bit>
#include <cmath>
#include <utility>

#include "kernels/trees/bits.h"

namespace celeris::trees {

class BitValues {
public:
    // Of tables of floats, or of entries of another kind; `by_register` if registers look them up.
    BitValues(Bits &bits, bool by_register) : bits_(bits), by_register_(by_register) {}

    void lay(bool floats, size_t targets) {
        if (floats) settle_exact(targets);
        if (by_register_ || (floats && !bits_.across && std::string_view(instruction_set()) == "avx2")) part();
    }

private:
    // Of values: the least power of two that one is an odd multiple of, the greatest, and the greatest sum that trees can make.
    struct Range {
        int lowest = 1 << 10;
        double greatest = 0, most = 0;
        void add(const Range &tree) {
            lowest = std::min(lowest, tree.lowest), greatest = std::max(greatest, tree.greatest), most += tree.most;
        }
        void add(float v) {
            if (v == 0) return;
            if (!(std::fabs(v) <= std::numeric_limits<float>::max())) greatest = most = std::numeric_limits<double>::infinity();
            const uint32_t bits = std::bit_cast<uint32_t>(v), exponent = bits >> 23 & 0xff;
            const uint32_t digits = (bits & 0x7fffff) | uint32_t(exponent > 0) << 23;
            lowest = std::min(lowest, std::max(int(exponent), 1) - 150 + std::countr_zero(digits));
            greatest = most = std::max(greatest, std::fabs(double(v)));
        }
        bool sum_fits(int bits) const { return most <= std::ldexp(0.999, bits + lowest); }
        bool fits(int bits) const { return greatest <= std::ldexp(0.999, bits + lowest); }
    };
    // Where no sum of a target's values up to a group can be rounded in double, the order of the group's does not matter: then
    // they are summed as integers.
    void settle_exact(size_t targets) {
        std::vector<Range> until(targets);
        const size_t trees = size_t(bits_.together);
        for (Bits::Group &g : bits_.groups) {
            std::vector<Range> own(size_t(bits_.columns));
            bool exact = true, narrow = true;
            int digits = 2;
            for (size_t c = 0; c < own.size(); ++c) {
                for (size_t t = 0; t < trees; ++t) {
                    Range tree;
                    for (size_t i = 0; i < size_t(1) << g.levels; ++i) tree.add(std::bit_cast<float>(bits_.entry(g, c, t, i)));
                    own[c].add(tree);
                }
                Range &all = until[size_t(g.target) + c];
                all.add(own[c]);
                exact &= all.sum_fits(53), narrow &= own[c].sum_fits(31);
                while (digits <= kMostDigits && !own[c].fits(digits * kDigitBits - 1)) ++digits;
            }
            const bool by_digits = by_register_ && g.levels <= 6;
            if (!exact || (by_digits ? digits > kMostDigits : !narrow)) continue;
            g.digits = by_digits ? uint8_t(digits) : 1, g.scales = uint32_t(bits_.scales.size());
            for (const Range &range : own) bits_.scales.push_back(range.most == 0 ? 1 : std::ldexp(1.0, range.lowest));
            bits_.scales.resize(g.scales + bits_.width(), 1.0);
            for (size_t c = 0; !by_digits && c < own.size(); ++c)
                for (size_t t = 0; t < trees; ++t)
                    for (size_t i = 0; i < size_t(1) << g.levels; ++i) {
                        uint32_t &e = bits_.entry(g, c, t, i);
                        e = uint32_t(integer(e, bits_.scales[g.scales + c]));
                    }
        }
    }
    static int64_t integer(uint32_t entry, double scale) { return int64_t(double(std::bit_cast<float>(entry)) / scale); }

    // As registers look tables up: by words where there are digits, else by bytes, the first byte of each entry, then the
    // second, ... where these are looked up sooner: with AVX-512 in tables of 64 entries and more, with AVX2 up to 64.
    void part() {
        const std::vector<TableLine> given = std::exchange(bits_.tables, {});
        for (Bits::Group &g : bits_.groups) {
            const size_t size = size_t(1) << g.levels, words = std::max<size_t>(size, 32);
            const size_t together = size_t(bits_.together), tables = bits_.width() * together;
            const uint32_t *from = given[g.table].entries;
            g.by_bytes = g.digits < 2 && (by_register_ ? g.levels >= 6 : g.levels <= 6);
            g.table = uint32_t(bits_.tables.size());
            bits_.tables.resize(bits_.tables.size() + (g.digits > 1 ? tables * words * g.digits / 32 : bits_.lines_of(g)));
            uint32_t *const to = bits_.table(g);
            for (size_t i = 0; i < tables; ++i, from += size) {
                if (g.digits > 1) {
                    const size_t column = i / together, tree = i % together;
                    auto *own = reinterpret_cast<int16_t *>(to) + (column * g.digits * together + tree) * words;
                    put_digits(from, size, bits_.scales[g.scales + column], g.digits, own, together * words);
                } else if (g.by_bytes) {
                    auto *own = reinterpret_cast<uint8_t *>(to + i * size);
                    for (size_t at = 0; at < 4 * size; ++at) own[at] = uint8_t(from[at % size] >> (8 * (at / size)));
                } else {
                    std::copy_n(from, size, to + i * size);
                }
            }
        }
    }
    // The digits of so many entries, the lowest first, `apart` words apart; each from -2^12 to 2^12 - 1.
    static void put_digits(const uint32_t *from, size_t size, double scale, int digits, int16_t *to, size_t apart) {
        constexpr int64_t half = 1 << (kDigitBits - 1);
        for (size_t at = 0; at < size; ++at) {
            int64_t value = integer(from[at], scale);
            for (int d = 0; d < digits; ++d) {
                const int64_t digit = ((value + half) & (2 * half - 1)) - half;
                to[size_t(d) * apart + at] = int16_t(digit);
                value = (value - digit) >> kDigitBits;
            }
        }
    }

    Bits &bits_;
    const bool by_register_;
};

}  // namespace celeris::trees
