// product_integer: (A - a_zero) (B - b_zero) of 8-bit matrices, exact in 32 bits; given as it is, or scaled to float32 with
// a chain behind it, or scaled and rounded to 8 bits. A may be float32, which is quantised to its own range first.
//
// Inputs: A [..,M,K], its zero point, its scale, B [..,K,N], its zero point; all but A may be left out.
#pragma once

#include "tensor/pairs.h"
#include "tensor/product.h"
#include "tensor/quantize.h"

namespace celeris::CELERIS_TARGET {

struct ProductInteger : TensorState {
    static constexpr int kInputs = 5;  // before the chain's extras
    Chain chain;
    enum Gives { integers, floats, bytes } gives;
    bool constant, turn_b, fitting, signed_result;
    int64_t k = 0, n = 0;          // of a constant B
    std::vector<int32_t> weights;  // [panels, pairs, 48], two numbers each
    std::vector<double> factor;    // [N] or one: of `floats` and `bytes`
    std::vector<double> bias;      // [N] or none: added before the factor where bytes are given, else after it
    int32_t a_zero, b_zero, y_zero;  // where no input says it

    explicit ProductInteger(const Params &p) : chain(p) {
        gives = Gives(p.integer("gives"));
        constant = p.has("weights"), turn_b = p.integer("turn_b") != 0, fitting = p.integer("fitting") != 0;
        signed_result = p.integer("signed_result") != 0;
        a_zero = int32_t(p.integer("a_zero")), b_zero = int32_t(p.integer("b_zero")), y_zero = int32_t(p.integer("y_zero"));
        factor = p.doubles("factor");
        if (p.has("bias")) bias = p.doubles("bias");
        if (constant) {
            const std::span<const int32_t> given = p.view<int32_t>("weights");
            k = p.integer("depth"), n = p.integer("columns");
            require(k >= 0 && n >= 0 && int64_t(given.size()) == k * n, "product_integer: expected weights [K, N]");
            weights.resize(size_t(panels_of(n, kTileColumns) * pairs_of(k) * kTileColumns));
            for (int64_t j = 0; j < n; ++j) {
                int32_t *to = weights.data() + j / kTileColumns * pairs_of(k) * kTileColumns + j % kTileColumns;
                for (int64_t i = 0; i < k; ++i) {
                    const uint32_t half = uint32_t(given[size_t(i * n + j)]) & 0xffff;
                    int32_t &pair = to[i / 2 * kTileColumns];
                    pair = int32_t(uint32_t(pair) | (i % 2 == 0 ? half : half << 16));
                }
            }
        }
        const auto fits = [&](size_t size) { return size == 1 || (constant && int64_t(size) == n); };
        require(fits(factor.size()) && (bias.empty() || fits(bias.size())), "product_integer: expected a value a column");
    }
    static int64_t pairs_of(int64_t depth) { return (depth + 1) / 2; }
    static bool is_byte(Element e) { return e == Element::u8 || e == Element::i8; }
    // A zero point: left out, or one of the type of what it belongs to.
    static bool is_zero_of(const Tensor &zero, const Tensor &x) {
        return zero.data == nullptr || (zero.element == x.element && zero.size() == 1);
    }

    bool plan(Call &c, double &cost) const {
        const Tensor &a = c.in[0], &scale = c.in[2], &b = c.in[3];
        if (c.inputs != kInputs + chain.extras || a.rank < 2) return false;
        if (fitting ? a.element != Element::f32 : !is_byte(a.element) || !is_zero_of(c.in[1], a)) return false;
        if (scale.data != nullptr && (scale.element != Element::f32 || scale.size() != 1)) return false;
        Tensor &y = c.out[0];
        y.shape(gives == integers ? Element::i32 : gives == floats ? Element::f32 : signed_result ? Element::i8 : Element::u8,
                a.rank);
        Product::Matrix right{k, n, 0, 0};
        if (!constant) {
            if (!is_byte(b.element) || b.rank < 2 || !is_zero_of(c.in[4], b)) return false;
            right = Product::matrix(b, turn_b);
        }
        if (!Product::broadcast(a, constant ? nullptr : &b, Product::matrix(a, false), right, y)) return false;
        for (int i = kInputs; i < c.inputs; ++i)
            if (!ChainEnd::takes(c.in[i], y)) return false;
        cost = double(y.size()) * (0.03 * double(pairs_of(right.rows)) + 0.5);
        return true;
    }
};

inline int32_t byte_of(const Tensor &t, int32_t otherwise) {
    if (t.data == nullptr) return otherwise;
    return t.element == Element::i8 ? int32_t(*t.as<int8_t>()) : int32_t(*t.as<uint8_t>());
}

// -128 .. 127 as 0 .. 255 and back; else as it is.
inline int32_t flip_of(bool is_signed) { return is_signed ? 128 : 0; }

// Rows of bytes as panels [K / 2][8][2] of 16 bits, less their zero point; zeros beyond the last row and an odd K.
inline void pack_pair_rows(const uint8_t *from, int64_t rows, int64_t k, int32_t zero, bool is_signed, int16_t *wide,
                           int32_t *to) {
    const int64_t pairs = ProductInteger::pairs_of(k);
    const int32_t flip = flip_of(is_signed);
    if (pairs > 0) wide[2 * pairs - 1] = 0;
    for (int64_t first = 0; first < rows; first += kTileRows, to += pairs * kTileRows)
        for (int64_t r = 0; r < kTileRows; ++r) {
            if (first + r >= rows) {
                for (int64_t i = 0; i < pairs; ++i) to[i * kTileRows + r] = 0;
                continue;
            }
            const uint8_t *row = from + (first + r) * k;
            CELERIS_LANES
            for (int64_t i = 0; i < k; ++i) wide[i] = int16_t(int32_t(uint8_t(row[i] + flip)) - flip - zero);
            for (int64_t i = 0; i < pairs; ++i) std::memcpy(to + i * kTileRows + r, wide + 2 * i, sizeof(int32_t));
        }
}

// Columns of bytes as one panel [K / 2][48][2], less their zero point.
inline void pack_pair_columns(const uint8_t *from, const Product::Matrix &b, int64_t columns, int32_t zero, bool is_signed,
                              int16_t *to) {
    const int32_t flip = flip_of(is_signed);
    const auto at = [&](int64_t i, int64_t j) {
        return int16_t(int32_t(uint8_t(from[i * b.row_step + j * b.step] + flip)) - flip - zero);
    };
    for (int64_t i = 0; i < b.rows; i += 2, to += 2 * kTileColumns)
        for (int64_t j = 0; j < kTileColumns; ++j) {
            to[2 * j] = j < columns ? at(i, j) : int16_t(0);
            to[2 * j + 1] = j < columns && i + 1 < b.rows ? at(i + 1, j) : int16_t(0);
        }
}

struct ProductIntegerUnit {
    const ProductInteger &s;
    const Call &c;
    const ProductCut &cut;
    const uint8_t *a;
    Product::Matrix right;
    int32_t a_zero, b_zero;
    double scale;  // of A

    void operator()(int64_t unit) const {
        const int64_t part = unit % cut.parts, at = unit / cut.parts, block = at % cut.blocks, item = at / cut.blocks;
        const int64_t first = block * cut.rows, rows = smaller(cut.m - first, cut.rows);
        const int64_t pairs = ProductInteger::pairs_of(cut.k), row_panels = panels_of(rows, kTileRows);
        const int64_t left_size = row_panels * kTileRows * pairs, panel_size = s.constant ? 0 : kTileColumns * pairs;
        const int64_t words = left_size + panel_size + pairs + 16 + (kTogether + 1 + s.chain.buffers()) * kTile;
        int32_t *const left = reinterpret_cast<int32_t *>(scratch(size_t(words) * 4)), *const own = left + left_size;
        int16_t *const wide = reinterpret_cast<int16_t *>(own + panel_size);
        int32_t *const tiles = left + (left_size + panel_size + pairs + 15) / 16 * 16;
        float *const tile = reinterpret_cast<float *>(tiles + kTogether * kTile), *const room = tile + kTile;
        const Tensor &y = c.out[0];
        const bool a_signed = c.in[0].element == Element::i8;
        pack_pair_rows(a + Product::start(c.in[0], y, item) + first * cut.k, rows, cut.k, a_zero, a_signed, wide, left);
        const int64_t panels = panels_of(cut.n, kTileColumns);
        for (int64_t j = panels * part / cut.parts; j < panels * (part + 1) / cut.parts; ++j) {
            const int64_t column = j * kTileColumns, columns = smaller(cut.n - column, kTileColumns);
            const int32_t *panel = s.weights.data() + column * pairs;
            if (!s.constant) {
                const uint8_t *b = c.in[3].as<uint8_t>() + Product::start(c.in[3], y, item) + column * right.step;
                pack_pair_columns(b, right, columns, b_zero, c.in[3].element == Element::i8, reinterpret_cast<int16_t *>(own));
                panel = own;
            }
            multiply_panels(left, rows, panel, columns, pairs, tiles, multiply_pair_tile, [&](const int32_t *sums, int64_t i) {
                const int64_t row = i * kTileRows;
                finish(sums, tile, room, smaller(rows - row, kTileRows), item * cut.m + first + row, column, columns);
            });
        }
    }

private:
    static double of(const std::vector<double> &values, int64_t column) {
        return values.data()[values.size() == 1 ? 0 : column];
    }
    void finish(const int32_t *sums, float *tile, float *room, int64_t rows, int64_t row, int64_t column,
                int64_t columns) const {
        const ChainEnd end{s.chain, c, ProductInteger::kInputs, cut.n};
        if (s.gives == ProductInteger::integers) {
            for (int64_t r = 0; r < rows; ++r)
                std::memcpy(c.out[0].as<int32_t>() + (row + r) * cut.n + column, sums + r * kTileColumns,
                            size_t(columns) * sizeof(int32_t));
            return;
        }
        double factors[kTileColumns] = {}, biases[kTileColumns] = {};
        for (int64_t j = 0; j < columns; ++j) {
            factors[j] = of(s.factor, column + j) * scale;
            if (!s.bias.empty()) biases[j] = of(s.bias, column + j);
        }
        if (s.gives == ProductInteger::floats) {
            float factor[kTileColumns], bias[kTileColumns];
            for (int64_t j = 0; j < kTileColumns; ++j) factor[j] = float(factors[j]), bias[j] = float(biases[j]);
            for (int64_t r = 0; r < rows; ++r)
                for (int64_t j = 0; j < kTileColumns; j += kLanes)
                    store(tile + r * kTileColumns + j,
                          __builtin_convertvector(load(sums + r * kTileColumns + j), Floats) * load(factor + j) +
                              load(bias + j));
            end(tile, rows, row, column, columns, room);
            return;
        }
        // Limited before it is rounded, so that the rounding trick holds.
        const double low = (s.signed_result ? -128 : 0) - s.y_zero, high = (s.signed_result ? 127 : 255) - s.y_zero;
        for (int64_t r = 0; r < rows; ++r) {
            const int32_t *from = sums + r * kTileColumns;
            int8_t *to = c.out[0].as<int8_t>() + (row + r) * cut.n + column;
            for (int64_t j = 0; j < columns; ++j) {
                double v = (double(from[j]) + biases[j]) * factors[j];
                v = v < low ? low : v;
                v = v > high ? high : v;
                to[j] = int8_t(int32_t((v + 0x1.8p52) - 0x1.8p52) + s.y_zero);
            }
        }
    }
};

inline void run(const ProductInteger &s, const Call &c) {
    const Tensor &y = c.out[0];
    if (y.size() == 0) return;
    const int64_t size = c.in[0].size();
    const Memory room(s.fitting ? size_t(size) : 0);
    const uint8_t *a = c.in[0].as<uint8_t>();
    double scale = c.in[2].data == nullptr ? 1.0 : double(*c.in[2].as<float>());
    int32_t a_zero = byte_of(c.in[1], s.a_zero);
    if (s.fitting) {
        float fitted;
        fit_range(c.in[0].as<float>(), size, &fitted, &a_zero);
        quantize_some(c.in[0].as<float>(), size, fitted, a_zero, false, room.as<std::byte>());
        a = room.as<uint8_t>(), scale = double(fitted);
    }
    Product::Matrix left = Product::matrix(c.in[0], false), right{s.k, s.n, 0, 0};
    if (!s.constant) right = Product::matrix(c.in[3], s.turn_b);
    int64_t batch = y.span(0, y.rank - 2);
    if (s.constant) left.rows *= batch, batch = 1;  // all rows are one matrix
    const ProductCut cut(batch, left.rows, right.columns, left.columns, c.threads);
    const ProductIntegerUnit unit{s, c, cut, a, right, a_zero, byte_of(c.in[4], s.b_zero), scale};
    spread(batch * cut.blocks * cut.parts, c.threads, unit);
}

}  // namespace celeris::CELERIS_TARGET
