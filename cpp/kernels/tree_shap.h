// tree_shap: exact Shapley values of a tree ensemble, feature by feature; the last column of a target is the base value.
//
// The game is that of S. Lundberg et al., Consistent individualized feature attribution for tree ensembles, 2018: a
// feature outside the coalition goes both ways, in proportion to `true_share` and `false_share`. A leaf of weight w
// adds w * prod_j (o_j in the coalition, else z_j), where o_j says whether the row meets all of feature j's conditions
// on the leaf's path, and z_j is the product of their shares. By the multilinear extension (G. Owen, 1972) its value is
//     w (o_i - z_i) * integral over t in [0, 1] of prod_{j != i} (z_j (1 - t) + o_j t),
// a polynomial of degree below the number m of features on the path, for which ceil(m / 2) Gauss-Legendre points are
// exact. So one walk over the tree does: down, each point's product; up, its sums over leaves; at each edge the
// integral of what comes up, less that of the edge above of the same feature. All of it runs in lanes of rows.
#pragma once

#include <algorithm>
#include <map>

#include "engine/vectors.h"
#include "kernels/tree_arrays.h"

namespace celeris {

// Points and weights of Gauss-Legendre quadrature on [0, 1], by Newton's method on the Legendre polynomial.
struct Quadrature {
    std::vector<double> t, rest, weight, zero;  // rest: 1 - t; zero: -weight / rest, an edge's factor where o = 0

    explicit Quadrature(int n) {
        for (int k = 0; k < n; ++k) {
            double x = std::cos(M_PI * (k + 0.75) / (n + 0.5)), slope = 0;
            for (int round = 0; round < 100; ++round) {
                double p = 1, before = 0;
                for (int j = 1; j <= n; ++j) {
                    const double next = ((2 * j - 1) * x * p - (j - 1) * before) / j;
                    before = p, p = next;
                }
                slope = n * (x * p - before) / (x * x - 1);
                const double step = p / slope;
                x -= step;
                if (std::fabs(step) < 1e-16) break;
            }
            const double w = 1 / ((1 - x * x) * slope * slope);  // half of that on [-1, 1]
            t.push_back((1 + x) / 2), rest.push_back((1 - x) / 2), weight.push_back(w);
            zero.push_back(-w / ((1 - x) / 2));
        }
    }
};

struct TreeShap : KernelState {
    // A way down from a node, on one path from the root. Its frame is number `depth`; the root's is 0.
    struct Edge {
        double z;      // the product of shares over this feature's edges so far
        double ratio;  // z over that of the edge above
        int64_t table;
        int64_t leaf_first, leaf_count;  // in leaf_slot and leaf_weight; count -1: not a leaf
        int32_t node, used, depth, above;  // used: the feature's place in `used`; above: the last frame of this feature, or 0
        bool holds;  // the way where the comparison holds
    };
    struct Tree {
        std::vector<int32_t> program;  // e: go down edge e; ~e: come up
        std::vector<int32_t> targets;
        const Quadrature *points;
        int32_t q;
    };

    TreeArrays a;
    int64_t features, targets;
    std::vector<int32_t> used;  // features that some node asks about
    std::vector<double> base;   // [targets]
    std::vector<Edge> edges;
    std::vector<double> tables;
    std::vector<int32_t> leaf_slot;  // which of the tree's targets
    std::vector<double> leaf_weight;
    std::vector<Tree> trees;
    std::map<int, Quadrature> quadratures;
    size_t frames = 1, product_size = 1, sum_size = 1;  // of the largest tree, in lanes

    explicit TreeShap(const Params &p) : a(p) {
        p.arity(1, 1);
        features = p.in[0].width, targets = p.integer("targets");
        require(p.out[0].type == Type::f64 && targets > 0 && p.out[0].width == targets * (features + 1),
                "tree_shap: expected f64 [targets * (F + 1)]");
        true_share_ = p.doubles("true_share"), false_share_ = p.doubles("false_share");
        base = p.doubles("base");
        require(true_share_.size() == a.mode.size() && false_share_.size() == a.mode.size(),
                "tree_shap: expected a share for each node");
        require(int64_t(base.size()) == targets, "tree_shap: expected a base value for each target");
        for (int32_t t : a.target) require(t < targets, "tree_shap: expected targets below their number");
        place_.assign(size_t(features), -1);
        for (size_t i = 0; i < a.mode.size(); ++i)
            if (a.mode[i] != TreeArrays::leaf && place_[size_t(a.feature[i])] < 0)
                place_[size_t(a.feature[i])] = int32_t(used.size()), used.push_back(a.feature[i]);
        for (int32_t root : a.roots) add_tree(root);
        scratch_per_row = used.size() * size_t(targets + 1) * sizeof(double);
        scratch_fixed = lanes_most * sizeof(double) *
                        (frames + product_size + sum_size + used.size() * size_t(targets + 1));
    }

    static constexpr size_t lanes_most = 16;

private:
    static constexpr size_t edges_most = size_t(1) << 23;  // shared subtrees are walked once a path
    static constexpr int32_t depth_most = 2000;

    std::vector<double> true_share_, false_share_;
    std::vector<int32_t> place_;

    struct Open {
        int32_t node;
        int side;  // 0: the way where it holds, 1: the other, 2: both done
        int32_t edge;
    };

    void add_tree(int32_t root) {
        if (a.mode[size_t(root)] == TreeArrays::leaf) {
            for (int64_t k = a.first[size_t(root)]; k < a.first[size_t(root) + 1]; ++k)
                base[size_t(a.target[size_t(k)])] += a.weight[size_t(k)];
            return;
        }
        Tree tree{};
        std::vector<int32_t> last(used.size(), 0);  // frame of the last edge of each feature
        std::vector<int32_t> slot(size_t(targets), -1);
        std::vector<double> reach{1};  // share of rows that come this far, by frame
        int32_t kinds = 0, most = 0, deepest = 0;
        const size_t first_edge = edges.size();
        std::vector<Open> open{{root, 0, -1}};
        std::vector<int32_t> path{-1};  // edges, by frame
        while (!open.empty()) {
            Open &at = open.back();
            if (at.side == 2) {
                if (at.edge >= 0) {
                    const Edge &e = edges[size_t(at.edge)];
                    tree.program.push_back(~at.edge);
                    last[size_t(e.used)] = e.above;
                    kinds -= e.above == 0;
                    path.pop_back(), reach.pop_back();
                }
                open.pop_back();
                continue;
            }
            const bool holds = at.side++ == 0;
            const int32_t node = at.node, child = holds ? a.yes[size_t(node)] : a.no[size_t(node)];
            const double share = holds ? true_share_[size_t(node)] : false_share_[size_t(node)];
            require(share >= 0 && share <= 1, "tree_shap: expected shares between 0 and 1");
            require(edges.size() < edges_most && path.size() < size_t(depth_most),
                    "tree_shap: expected trees of at most 2,000 levels and 8 million ways down in all");
            Edge e{};
            e.node = node, e.holds = holds, e.used = place_[size_t(a.feature[size_t(node)])];
            e.depth = int32_t(path.size()), e.above = last[size_t(e.used)];
            e.ratio = share;
            e.z = share * (e.above ? edges[size_t(path[size_t(e.above)])].z : 1);
            e.leaf_count = -1;
            most = std::max(most, kinds + (e.above == 0)), deepest = std::max(deepest, e.depth);
            const double here = reach.back() * share;
            const int32_t number = int32_t(edges.size());
            const bool is_leaf = a.mode[size_t(child)] == TreeArrays::leaf;
            if (is_leaf) add_leaf(e, child, here, tree, slot);
            edges.push_back(e);
            tree.program.push_back(number);
            if (is_leaf) continue;
            last[size_t(e.used)] = e.depth, kinds += e.above == 0;
            path.push_back(number), reach.push_back(here);
            open.push_back({child, 0, number});
        }
        tree.q = (most + 1) / 2;
        tree.points = &quadratures.try_emplace(tree.q, tree.q).first->second;
        fill_tables(tree, first_edge);
        const size_t n = size_t(deepest) + 1, q = size_t(tree.q);
        frames = std::max(frames, n), product_size = std::max(product_size, n * q);
        sum_size = std::max(sum_size, n * q * tree.targets.size());
        cost += 0.6 * double(edges.size() - first_edge) * double(q) * double(1 + tree.targets.size());
        trees.push_back(std::move(tree));
    }

    void add_leaf(Edge &e, int32_t node, double reach, Tree &tree, std::vector<int32_t> &slot) {
        e.leaf_first = int64_t(leaf_slot.size());
        for (int64_t k = a.first[size_t(node)]; k < a.first[size_t(node) + 1]; ++k) {
            const int32_t target = a.target[size_t(k)];
            base[size_t(target)] += a.weight[size_t(k)] * reach;
            if (slot[size_t(target)] < 0) {
                slot[size_t(target)] = int32_t(tree.targets.size());
                tree.targets.push_back(target);
            }
            leaf_slot.push_back(slot[size_t(target)]);
            leaf_weight.push_back(a.weight[size_t(k)]);
        }
        e.leaf_count = int64_t(leaf_slot.size()) - e.leaf_first;
    }

    // For an edge that is its feature's first: the integral's coefficients where o = 1. For others four rows: the
    // factors where o is 1, and where it was 1 above; the coefficients, less those of the edge above, likewise.
    void fill_tables(const Tree &tree, size_t first_edge) {
        const Quadrature &g = *tree.points;
        std::vector<int32_t> path{-1};
        for (size_t i = first_edge; i < edges.size(); ++i) {
            Edge &e = edges[i];
            path.resize(size_t(e.depth));
            path.push_back(int32_t(i));
            e.table = int64_t(tables.size());
            const auto one = [&](double z, size_t k) { return z * g.rest[k] + g.t[k]; };
            const auto coefficient = [&](double z, size_t k) { return (1 - z) * g.weight[k] / one(z, k); };
            const size_t q = size_t(tree.q);
            if (e.above == 0) {
                for (size_t k = 0; k < q; ++k) tables.push_back(coefficient(e.z, k));
                continue;
            }
            const double z = edges[size_t(path[size_t(e.above)])].z;
            for (size_t k = 0; k < q; ++k) tables.push_back(one(e.z, k) / one(z, k));
            for (size_t k = 0; k < q; ++k) tables.push_back(e.z * g.rest[k] / one(z, k));
            for (size_t k = 0; k < q; ++k) tables.push_back(coefficient(e.z, k) - coefficient(z, k));
            for (size_t k = 0; k < q; ++k) tables.push_back(g.zero[k] - coefficient(z, k));
        }
    }
};

namespace CELERIS_TARGET {

// Registers of doubles: what a compiler makes of plain loops over so few lanes is slower by a factor of ten.
typedef double Doubles __attribute__((vector_size(vector_bytes), may_alias));
typedef int64_t Masks __attribute__((vector_size(vector_bytes), may_alias));

// One group of `lanes` rows on its way over one tree.
template <int64_t lanes>
struct ShapWalk {
    static constexpr int64_t width = vector_bytes / 8, parts = lanes / width;

    const TreeShap &s;
    const TreeShap::Tree &tree;
    double *met, *product, *sum;  // by frame: o, as masks; the points' products; the points' sums, target by target
    double *values;               // of the targets' features, `row` doubles from one to the next
    int64_t row;

    Masks *met_at(int64_t depth) const { return reinterpret_cast<Masks *>(met + depth * lanes); }
    Doubles *product_at(int64_t depth) const {
        return reinterpret_cast<Doubles *>(product + depth * tree.q * lanes);
    }
    Doubles *sum_at(int64_t depth, int64_t slot) const {
        return reinterpret_cast<Doubles *>(sum + (depth * int64_t(tree.targets.size()) + slot) * tree.q * lanes);
    }
    Doubles *value_of(int64_t slot, const TreeShap::Edge &e) const {
        const int64_t place = int64_t(tree.targets[size_t(slot)]) * int64_t(s.used.size()) + e.used;
        return reinterpret_cast<Doubles *>(values + place * row);
    }

    void decide(const TreeShap::Edge &e, const double *x) const {
        Masks *o = met_at(e.depth);
        const Masks *above = met_at(e.above);  // the root's: all ones
        for (int64_t i = 0; i < parts; ++i) {
            const Masks goes = holds(s.a, size_t(e.node), reinterpret_cast<const Doubles *>(x)[i]);
            o[i] = (e.holds ? goes : ~goes) & above[i];
        }
    }

    // Down an edge: f(k, i, product) with the frame above's products times the edge's factors, vector by vector.
    template <class F>
    void factors(const TreeShap::Edge &e, F &&f) const {
        const Masks *o = met_at(e.depth), *above = met_at(e.above);
        const Doubles *from = product_at(e.depth - 1);
        const double *table = s.tables.data() + e.table;
        for (int64_t k = 0; k < tree.q; ++k, from += parts) {
            if (e.above == 0) {
                const double rest = e.z * tree.points->rest[size_t(k)];
                const Doubles zero = Doubles{} + rest, one = Doubles{} + (rest + tree.points->t[size_t(k)]);
                for (int64_t i = 0; i < parts; ++i) f(k, i, from[i] * (o[i] ? one : zero));
            } else {
                const Doubles both = Doubles{} + table[k], first = Doubles{} + table[tree.q + k];
                const Doubles none = Doubles{} + e.ratio;
                for (int64_t i = 0; i < parts; ++i) f(k, i, from[i] * (o[i] ? both : (above[i] ? first : none)));
            }
        }
    }

    // Up an edge: sum(k, i) gives the points' sums, which go to the frame above, and their integral to the feature.
    template <class Sum>
    void integrate(const TreeShap::Edge &e, int64_t slot, Sum &&sum_of) const {
        const Masks *o = met_at(e.depth), *above = met_at(e.above);
        const double *table = s.tables.data() + e.table;
        Doubles *to = sum_at(e.depth - 1, slot), *value = value_of(slot, e), total[parts] = {};
        for (int64_t k = 0; k < tree.q; ++k, to += parts) {
            if (e.above == 0) {
                const Doubles one = Doubles{} + table[k], zero = Doubles{} + tree.points->zero[size_t(k)];
                for (int64_t i = 0; i < parts; ++i) {
                    const Doubles h = sum_of(k, i);
                    to[i] += h, total[i] += h * (o[i] ? one : zero);
                }
            } else {
                const Doubles both = Doubles{} + table[2 * tree.q + k], first = Doubles{} + table[3 * tree.q + k];
                for (int64_t i = 0; i < parts; ++i) {
                    const Doubles h = sum_of(k, i);
                    to[i] += h, total[i] += h * (o[i] ? both : (above[i] ? first : Doubles{}));
                }
            }
        }
        for (int64_t i = 0; i < parts; ++i) value[i] += total[i];
    }

    void run(const double *x) const {
        const int64_t slots = int64_t(tree.targets.size());
        for (int64_t i = 0; i < tree.q * parts; ++i) product_at(0)[i] = Doubles{} + 1.0;
        for (int64_t i = 0; i < parts; ++i) met_at(0)[i] = ~Masks{};
        for (const int32_t step : tree.program) {
            const TreeShap::Edge &e = s.edges[size_t(step < 0 ? ~step : step)];
            if (step < 0) {
                for (int64_t slot = 0; slot < slots; ++slot) {
                    const Doubles *sums = sum_at(e.depth, slot);
                    integrate(e, slot, [&](int64_t k, int64_t i) { return sums[k * parts + i]; });
                }
                continue;
            }
            decide(e, x + e.used * row);
            Doubles *products = product_at(e.depth);
            factors(e, [&](int64_t k, int64_t i, Doubles p) { products[k * parts + i] = p; });
            if (e.leaf_count < 0)
                std::memset(sum_at(e.depth, 0), 0, size_t(slots * tree.q * lanes) * sizeof(double));
            for (int64_t k = 0; k < e.leaf_count; ++k) {
                const double weight = s.leaf_weight[size_t(e.leaf_first + k)];
                integrate(e, s.leaf_slot[size_t(e.leaf_first + k)],
                          [&](int64_t point, int64_t i) { return products[point * parts + i] * weight; });
            }
        }
    }
};

template <int64_t lanes, class X>
void tree_shap(const TreeShap &s, const Block &b) {
    const int64_t padded = (b.rows + lanes - 1) / lanes * lanes, used = int64_t(s.used.size());
    double *x = reinterpret_cast<double *>(b.scratch);
    double *values = x + used * padded, *met = values + s.targets * used * padded;
    double *product = met + s.frames * lanes, *sum = product + s.product_size * lanes;
    for (int64_t f = 0; f < used; ++f) {
        const X *from = b.in[0].column<X>(s.used[size_t(f)]);
        double *to = x + f * padded;
        for (int64_t r = 0; r < b.rows; ++r) to[r] = double(from[r]);
        for (int64_t r = b.rows; r < padded; ++r) to[r] = 0;
    }
    std::memset(values, 0, size_t(s.targets * used * padded) * sizeof(double));
    std::memset(sum, 0, s.sum_size * lanes * sizeof(double));
    for (const TreeShap::Tree &tree : s.trees)
        for (int64_t r = 0; r < padded; r += lanes)
            ShapWalk<lanes>{s, tree, met, product, sum, values + r, padded}.run(x + r);
    const int64_t columns = s.features + 1;
    for (int64_t t = 0; t < s.targets; ++t) {
        for (int64_t c = 0; c < columns; ++c) {
            double *y = b.out[0].column<double>(t * columns + c);
            const double fill = c == s.features ? s.base[size_t(t)] : 0;
            for (int64_t r = 0; r < b.rows; ++r) y[r] = fill;
        }
        for (int64_t f = 0; f < used; ++f)
            std::memcpy(b.out[0].column<double>(t * columns + s.used[size_t(f)]), values + (t * used + f) * padded,
                        size_t(b.rows) * sizeof(double));
    }
}

inline void run(const TreeShap &s, const Block &b) {
    for_number(s.a.type, [&](auto *t) {
        if (b.rows <= 8)
            tree_shap<8, pointee<decltype(t)>>(s, b);
        else
            tree_shap<16, pointee<decltype(t)>>(s, b);
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
