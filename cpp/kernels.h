// Every kernel, one row each: name, state, file, contract. Read this first.
//
// CMakeLists.txt reads the rows, too: each kernel's body is compiled by itself, once for each instruction set.
//
// A kernel's file holds its state (a struct derived from KernelState, built and checked from Params) and its body
// (`run(const State &, const Block &)` in namespace CELERIS_TARGET), written once and compiled for each instruction
// set. A body sees columns (see View), treats every row alike whatever its place in the block, and allocates nothing.
// No body may call std:: templates that are not inlined: one compiled for AVX-512 could then serve an older processor.
#pragma once

#include "kernels/binarizer.h"
#include "kernels/binary.h"
#include "kernels/cast.h"
#include "kernels/cumulative_sum.h"
#include "kernels/distances.h"
#include "kernels/gemm.h"
#include "kernels/gemm_narrow.h"
#include "kernels/hash_text.h"
#include "kernels/imputer.h"
#include "kernels/label_encoder.h"
#include "kernels/labels.h"
#include "kernels/lookup.h"
#include "kernels/nearest.h"
#include "kernels/ngrams.h"
#include "kernels/normalizer.h"
#include "kernels/one_hot.h"
#include "kernels/pairs.h"
#include "kernels/post_transform.h"
#include "kernels/powers.h"
#include "kernels/reduce.h"
#include "kernels/scaler.h"
#include "kernels/scatter.h"
#include "kernels/score_pair.h"
#include "kernels/select_columns.h"
#include "kernels/top_k.h"
#include "kernels/tree_leaves.h"
#include "kernels/tree_shap.h"
#include "kernels/trees.h"
#include "kernels/unary.h"
#include "kernels/where.h"

// clang-format off
#define CELERIS_KERNELS(X) \
    /* name, state, file of kernels/                   in -> out: meaning */                                                             \
    X(gemm, Gemm, gemm)                             /* X f32|f64 [K] -> Y f32|f64 [M]: X.W + b, summed in double in a fixed order */       \
    X(gemm_narrow, GemmNarrow, gemm_narrow)         /* X f32 [K] -> Y f32 [M]: f(X.W + b) in f32, in blocks of 64 products */  \
    X(distances, Distances, distances)              /* X [D] -> f32|f64 [P]: |x - p|^2 of constant points, its root, or e^(-gamma of it) */ \
    X(powers, Powers, powers)                       /* X f32|f64 [D] -> the same type [P]: the sum of |x - p|^q of constant points */          \
    X(nearest, Nearest, nearest)                    /* X [D] -> f32|f64 [k], i64 [k]: distances to the k nearest of constant points, and which */ \
    X(pair_votes, PairVotes, pairs)                 /* scores f64 [pairs] -> f64 [C]: how many pairs each class wins */                   \
    X(pair_probabilities, PairProbabilities, pairs) /* scores f64 [pairs] -> f64 [C]: Platt's sigmoids, coupled */                        \
    X(post_transform, PostTransform, post_transform)/* scores f32|f64 [C] -> f32|f64 [C]: softmax, logistic, probit, log_softmax ... */  \
    X(argmax_label, ArgmaxLabel, labels)            /* scores [C] -> label i64|str [1]: the first greatest score's label */              \
    X(threshold_label, ThresholdLabel, labels)      /* score [1] -> label i64|str [1]: score > threshold ? positive : negative */        \
    X(score_pair, ScorePair, score_pair)            /* score [1] -> f32|f64 [2]: 1 - s, s; -s, s; s, 0; or logistic of -s, s */          \
    X(scaler, Scaler, scaler)                       /* X [F] -> f32|f64 [F]: (x - offset) * scale */                                     \
    X(normalizer, Normalizer, normalizer)           /* X [F] -> f32 [F]: x / max, / sum of |x|, / Euclidean length; zeros stay */        \
    X(imputer, Imputer, imputer)                    /* X f32|f64|i64 [F] -> the same: missing values replaced, column by column */       \
    X(binarizer, Binarizer, binarizer)              /* X [F] -> the same type: x > threshold; refuses NaN */                                    \
    X(label_encoder, LabelEncoder, label_encoder)   /* X i64|f32|f64|str [F] -> i64|f32|f64|str [F]: the value at the key, or default */ \
    X(ngrams, NGrams, ngrams)                       /* X str|i64 [F] -> f32 [V]: how often n-grams of a pool occur, weighted; or -> f32|f64 [M]: by weights */ \
    X(one_hot, OneHot, one_hot)                     /* X [F] -> f32 [F, C]: 1 where x is category c; refuses unknowns if told to */      \
    X(activation, Activate, activation)             /* X f32 [F] -> f32 [F]: the function of a layer of neurons, in float32 */           \
    X(unary, Unary, unary)                          /* X [F] -> the same type (bool for IsNaN) [F]: one function of each element */      \
    X(binary, Binary, binary)                       /* a, b -> one type or bool [F]: one function of two operands; integer /0 refused */ \
    X(where, Where, where)                          /* condition bool, a, b -> one type [F]: condition ? a : b */                        \
    X(cast, Cast, cast)                             /* X numbers [F] -> numbers [F]; out of an integer's range: its least value */       \
    X(select_columns, SelectColumns, select_columns)/* X... one type -> [F]: each output column a copy of an input's column */           \
    X(lookup, Lookup, lookup)                       /* X i64|i32 [F], perhaps a row -> [F, each]: a constant's entries, or the row's; refuses others */ \
    X(scatter, Scatter, scatter)                    /* X [F], i64|i32 [K], updates [K] -> [F]: X with, or plus, updates; refuses others */ \
    X(hash_text, HashText, hash_text)               /* X str [F] -> i32 [F]: MurmurHash3 of the bytes */                                   \
    X(reduce, Reduce, reduce)                       /* X [F] -> [G]: sums, norms, extremes of groups of columns, in double or i64 */     \
    X(arg_extreme, ArgExtreme, reduce)              /* X [F] -> i64 [G]: the greatest or least column's place in its group */            \
    X(tree_leaves, TreeLeaves, tree_leaves)         /* X [F] -> i32 [trees]: the node in which a row ends in each tree */                \
    X(tree_shap, TreeShap, tree_shap)               /* X [F] -> f64 [targets * (F + 1)]: Shapley values, the base value last */          \
    X(top_k, TopColumns, top_k)                     /* X [F] -> the same type [k], i64 [k]: the first k in order, and their places */    \
    X(cumulative_sum, CumulativeSum, cumulative_sum)/* X [F] -> the same type [F]: running sums over columns */                                    \
    X(trees, TreeEnsemble, trees)                   /* X f32|f64|i64|i32 [F] -> f32|f64 [T]: leaves' sums or extremes, in double */
// clang-format on
