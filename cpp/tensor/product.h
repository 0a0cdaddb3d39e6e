// product: Y = alpha A B + bias or beta C, then a chain. A [..,M,K], B [..,K,N] constant or not, either transposed; bias
// [N] constant; C an input [M,N], [N] or of one value.
#pragma once

#include "tensor/chain.h"
#include "tensor/tiles.h"

namespace celeris::CELERIS_TARGET {

struct Product : TensorState {
    Chain chain;
    bool turn_a, turn_b, constant, added;
    float alpha, beta = 1;
    int64_t k = 0, n = 0;        // of a constant B
    std::vector<float> weights;  // [panels, K, 48], times alpha
    std::vector<float> bias;     // [panels * 48], or empty

    explicit Product(const Params &p) : chain(p) {
        strided = true;
        turn_a = p.integer("turn_a") != 0, turn_b = p.integer("turn_b") != 0, alpha = float(p.number("alpha"));
        constant = p.has("weights"), added = p.has("beta");
        if (added) beta = float(p.number("beta"));
        if (constant) {
            k = p.integer("depth"), n = p.integer("columns");
            const std::span<const float> given = p.view<float>("weights");
            require(k >= 0 && n >= 0 && int64_t(given.size()) == k * n, "product: expected weights [K, N] or [N, K]");
            const int64_t panels = panels_of(n, kTileColumns), row = turn_b ? 1 : n, step = turn_b ? k : 1;
            weights.resize(size_t(panels * k * kTileColumns));
            for (int64_t i = 0; i < panels; ++i) {
                const int64_t first = i * kTileColumns;
                pack_columns(given.data() + first * step, row, step, smaller(n - first, kTileColumns), k,
                             weights.data() + first * k);
            }
            for (float &w : weights) w *= alpha;
        }
        if (p.has("bias")) {
            bias = p.floats("bias");
            require(constant && int64_t(bias.size()) == n, "product: expected bias [N] of a constant B");
            bias.resize(size_t(panels_of(n, kTileColumns) * kTileColumns));
        }
    }

    // Inputs before the chain's: A, B where it is not constant, C.
    int inputs() const { return 1 + int(!constant) + int(added); }

    // A matrix among the last two axes of a tensor, and the batch before them.
    struct Matrix {
        int64_t rows, columns, row_step, step;
    };
    static Matrix matrix(const Tensor &t, bool turned) {
        const int r = t.rank - (turned ? 1 : 2), c = t.rank - (turned ? 2 : 1);
        return {t.dims[r], t.dims[c], t.strides[r], t.strides[c]};
    }
    // The element at which item i of the output's batch starts.
    static int64_t start(const Tensor &t, const Tensor &y, int64_t i) {
        int64_t at = 0;
        for (int d = y.rank - 3; d >= 0; --d) {
            const int own = d - (y.rank - t.rank);
            if (own >= 0 && t.dims[own] > 1) at += i % y.dims[d] * t.strides[own];
            i /= y.dims[d];
        }
        return at;
    }

    static bool contiguous(const Tensor &t) {
        int64_t step = 1;
        for (int d = t.rank - 1; d >= 0; step *= t.dims[d--])
            if (t.dims[d] != 1 && t.strides[d] != step) return false;
        return true;
    }
    // The dims of the product of two matrices, with the batches of A and of B (null: B has none); false: they do not fit.
    static bool broadcast(const Tensor &a, const Tensor *b, const Matrix &left, const Matrix &right, Tensor &y) {
        if (left.columns != right.rows) return false;
        y.rank = int(b == nullptr ? a.rank : greater(a.rank, b->rank));
        y.dims[y.rank - 2] = left.rows, y.dims[y.rank - 1] = right.columns;
        for (int d = 0; d < y.rank - 2; ++d) {
            const int at_a = d - (y.rank - a.rank), at_b = b == nullptr ? -1 : d - (y.rank - b->rank);
            const int64_t one = at_a < 0 ? 1 : a.dims[at_a], other = at_b < 0 ? 1 : b->dims[at_b];
            if (one != other && one != 1 && other != 1) return false;
            y.dims[d] = one == 1 ? other : one;
        }
        return true;
    }

    bool plan(Call &c, double &cost) const;
};

// The end of a tile of a product: its chain, and the way to the output.
struct ChainEnd {
    const Chain &chain;
    const Call &call;
    int first;      // of the inputs that are the chain's extras
    int64_t width;  // of the output

    // Whether a chain takes the extra: one value for each element, for each column, or for all.
    static bool takes(const Tensor &extra, const Tensor &y) {
        if (extra.element != Element::f32 || extra.rank > y.rank || !Product::contiguous(extra)) return false;
        if (extra.same_dims(y) || extra.size() == 1) return true;
        return extra.rank >= 1 && extra.size() == y.dims[y.rank - 1] && extra.dims[extra.rank - 1] == extra.size();
    }

    // A tile of rows that stand at `row` among all rows of the output, and of columns from `column` on.
    void operator()(float *tile, int64_t rows, int64_t row, int64_t column, int64_t columns, float *room) const {
        if (!chain.empty()) {
            float *operands[Chain::kMostBuffers];
            operands[0] = tile;
            for (int64_t i = 0; i < chain.buffers(); ++i) operands[i + 1] = room + i * kTile;
            for (int i = 1; i <= chain.extras; ++i) fill(call.in[first + i - 1], operands[i], rows, row, column, columns);
            run_chain(chain, operands, rows * kTileColumns, tile);
        }
        for (int64_t r = 0; r < rows; ++r)
            copy(tile + r * kTileColumns, call.out[0].as<float>() + (row + r) * width + column, columns);
    }

    void fill(const Tensor &extra, float *to, int64_t rows, int64_t row, int64_t column, int64_t columns) const {
        const bool dense = extra.same_dims(call.out[0]);
        if (!dense && extra.size() == 1) {
            const Floats value = splat(*extra.as<float>());
            for (int64_t i = 0; i < rows * kTileColumns; i += kLanes) store(to + i, value);
            return;
        }
        for (int64_t r = 0; r < rows; ++r)
            copy(extra.as<float>() + (dense ? (row + r) * width : 0) + column, to + r * kTileColumns, columns);
    }
};

inline bool Product::plan(Call &c, double &cost) const {
    const Tensor &a = c.in[0];
    if (a.element != Element::f32 || a.rank < 2 || c.inputs != inputs() + chain.extras) return false;
    const Matrix left = matrix(a, turn_a);
    Matrix right{k, n, 0, 0};
    Tensor &y = c.out[0];
    y.shape(Element::f32, a.rank);
    if (!constant) {
        if (c.in[1].element != Element::f32 || c.in[1].rank < 2) return false;
        right = matrix(c.in[1], turn_b);
    }
    if (!broadcast(a, constant ? nullptr : &c.in[1], left, right, y)) return false;
    for (int i = inputs() - int(added); i < c.inputs; ++i)
        if (!ChainEnd::takes(c.in[i], y)) return false;
    cost = double(y.size()) * (0.03 * double(left.columns) + 0.3);
    return true;
}

// What finishes a tile of Product: alpha, bias or C, chain.
struct ProductEnd {
    const Product &product;
    ChainEnd end;

    int64_t buffers() const { return product.chain.buffers() + int64_t(product.added); }

    void operator()(float *tile, int64_t rows, int64_t row, int64_t column, int64_t columns, float *room) const {
        if (!product.constant && product.alpha != 1)
            for (int64_t i = 0; i < rows * kTileColumns; ++i) tile[i] *= product.alpha;
        if (!product.bias.empty()) {
            const float *bias = product.bias.data() + column;
            for (int64_t r = 0; r < rows; ++r)
                for (int64_t j = 0; j < kTileColumns; j += kLanes)
                    store(tile + r * kTileColumns + j, load(tile + r * kTileColumns + j) + load(bias + j));
        }
        if (product.added) {
            float *const c = room + product.chain.buffers() * kTile;
            end.fill(end.call.in[product.inputs() - 1], c, rows, row, column, columns);
            const Floats beta = splat(product.beta);
            for (int64_t i = 0; i < rows * kTileColumns; i += kLanes) store(tile + i, load(tile + i) + beta * load(c + i));
        }
        end(tile, rows, row, column, columns, room);
    }
};

// How a product is cut into units of work.
struct ProductCut {
    int64_t batch, m, n, k, rows, blocks, parts;

    ProductCut(int64_t batch, int64_t m, int64_t n, int64_t k, int threads) : batch(batch), m(m), n(n), k(k) {
        rows = batch >= threads ? 128 : 64;
        const int64_t wanted = threads > 1 ? 3 * threads : 1, panels = panels_of(n, kTileColumns);
        blocks = panels_of(m, rows);
        const int64_t units = batch * blocks;
        parts = units >= wanted || units == 0 ? 1 : smaller(panels, (wanted + units - 1) / units);
    }
};

inline void multiply_block(const Product &p, const ProductCut &cut, const float *a, const Product::Matrix &left,
                           const float *b, const Product::Matrix &right, int64_t item, int64_t block, int64_t part,
                           const ProductEnd &end) {
    const int64_t k = cut.k, first = block * cut.rows, rows = smaller(cut.m - first, cut.rows);
    const int64_t row_panels = panels_of(rows, kTileRows), panels = panels_of(cut.n, kTileColumns);
    const int64_t packed = (row_panels * kTileRows + (p.constant ? 0 : kTileColumns)) * k;
    const size_t floats = size_t(packed + (kTogether + end.buffers()) * kTile + 16);
    float *const left_panels = reinterpret_cast<float *>(scratch(floats * sizeof(float)));
    float *const own = left_panels + row_panels * kTileRows * k;
    float *const tiles = left_panels + (packed + 15) / 16 * 16, *const room = tiles + kTogether * kTile;
    pack_rows(a + first * left.row_step, left.row_step, left.step, rows, k, left_panels);
    for (int64_t j = panels * part / cut.parts; j < panels * (part + 1) / cut.parts; ++j) {
        const int64_t column = j * kTileColumns, columns = smaller(cut.n - column, kTileColumns);
        const float *panel = own;
        if (p.constant)
            panel = p.weights.data() + column * k;
        else
            pack_columns(b + column * right.step, right.row_step, right.step, columns, k, own);
        multiply_panels(left_panels, rows, panel, columns, k, tiles, multiply_float_tile, [&](float *tile, int64_t i) {
            const int64_t row = i * kTileRows;
            end(tile, smaller(rows - row, kTileRows), item * cut.m + first + row, column, columns, room);
        });
    }
}

inline void run(const Product &p, const Call &c) {
    const Tensor &a = c.in[0], &y = c.out[0];
    Product::Matrix left = Product::matrix(a, p.turn_a), right{p.k, p.n, 0, 0};
    if (!p.constant) right = Product::matrix(c.in[1], p.turn_b);
    int64_t batch = y.span(0, y.rank - 2);
    if (p.constant && !p.turn_a && Product::contiguous(a)) left.rows *= batch, batch = 1;  // all rows are one matrix
    if (y.size() == 0) return;
    const ProductCut cut(batch, left.rows, right.columns, left.columns, c.threads);
    const ProductEnd end{p, {p.chain, c, p.inputs(), cut.n}};
    spread(batch * cut.blocks * cut.parts, c.threads, [&](int64_t unit) {
        const int64_t part = unit % cut.parts, at = unit / cut.parts, block = at % cut.blocks, item = at / cut.blocks;
        const float *from = a.as<float>() + Product::start(a, y, item);
        const float *by = p.constant ? nullptr : c.in[1].as<float>() + Product::start(c.in[1], y, item);
        multiply_block(p, cut, from, left, by, right, item, block, part, end);
    });
}

}  // namespace celeris::CELERIS_TARGET
