// Every kernel, one row each: name, state, contract. Read this first.
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
#include "kernels/gemm.h"
#include "kernels/gemm_narrow.h"
#include "kernels/imputer.h"
#include "kernels/label_encoder.h"
#include "kernels/labels.h"
#include "kernels/lookup.h"
#include "kernels/normalizer.h"
#include "kernels/one_hot.h"
#include "kernels/post_transform.h"
#include "kernels/reduce.h"
#include "kernels/scaler.h"
#include "kernels/select_columns.h"
#include "kernels/top_k.h"
#include "kernels/unary.h"
#include "kernels/where.h"

// clang-format off
#define CELERIS_KERNELS(X) \
    /* name            state           in -> out: meaning */                                                         \
    X(gemm,            Gemm)           /* X f32|f64 [K] -> Y f32|f64 [M]: X.W + b, summed in double, k ascending */   \
    X(gemm_narrow,     GemmNarrow)     /* X f32 [K] -> Y f32 [M]: X.W + b in f32, in blocks of 16 products */          \
    X(post_transform,  PostTransform)  /* scores f32|f64 [C] -> f32|f64 [C]: softmax, logistic, probit, log_softmax ... */ \
    X(argmax_label,    ArgmaxLabel)    /* scores [C] -> label i64|str [1]: the first greatest score's label */        \
    X(threshold_label, ThresholdLabel) /* score [1] -> label i64|str [1]: score > threshold ? positive : negative */ \
    X(scaler,          Scaler)         /* X [F] -> f32|f64 [F]: (x - offset) * scale */                               \
    X(normalizer,      Normalizer)     /* X [F] -> f32 [F]: x / max, / sum of |x|, / Euclidean length; zeros stay */  \
    X(imputer,         Imputer)        /* X f32|f64|i64 [F] -> the same: missing values replaced, column by column */ \
    X(binarizer,       Binarizer)      /* X [F] -> the same type: x > threshold */                                    \
    X(label_encoder,   LabelEncoder)   /* X i64|f32|f64|str [F] -> i64|f32|f64|str [F]: the value at the key, or default */ \
    X(one_hot,         OneHot)         /* X [F] -> f32 [F, C]: 1 where x is category c; refuses unknowns if told to */  \
    X(unary,           Unary)          /* X [F] -> the same type (bool for IsNaN) [F]: one function of each element */ \
    X(binary,          Binary)         /* a, b -> one type or bool [F]: one function of two operands; integer /0 refused */ \
    X(where,           Where)          /* condition bool, a, b -> one type [F]: condition ? a : b */                 \
    X(cast,            Cast)           /* X numbers [F] -> numbers [F]; out of an integer's range: its least value */ \
    X(select_columns,  SelectColumns)  /* X... one type -> [F]: each output column a copy of an input's column */ \
    X(lookup,          Lookup)         /* X i64|i32 [F] -> [F, each]: a constant table's entries; refuses others */   \
    X(reduce,          Reduce)         /* X [F] -> [G]: sums, norms, extremes of groups of columns, in double or i64 */ \
    X(arg_extreme,     ArgExtreme)     /* X [F] -> i64 [G]: the greatest or least column's place in its group */      \
    X(top_k,           TopColumns)     /* X [F] -> the same type [k], i64 [k]: the first k in order, and their places */ \
    X(cumulative_sum,  CumulativeSum)  /* X [F] -> the same type [F]: running sums over columns */
// clang-format on
