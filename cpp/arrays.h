// Whole-tensor kernels of little arithmetic, one row each: name, state, file of arrays/, contract. As those of tensors.h but
// that they are compiled once, for any processor: what they save is the time in which NumPy's functions look at arguments.
// What they do not take (other elements, indices out of range, large tensors where NumPy is as fast) is left to these.
#pragma once

#include "arrays/find.h"
#include "arrays/fold.h"
#include "arrays/join.h"
#include "arrays/lay.h"
#include "arrays/made.h"
#include "arrays/plain.h"
#include "arrays/put.h"
#include "arrays/take.h"

// clang-format off
#define CELERIS_ARRAYS(X) \
    /* name, state, file of arrays/       in -> out: meaning */                                                            \
    X(find, Find, find)                /* X [..] (, K) -> i64 [rank, n]: what is not 0; or values and i64 [.., K, ..]: the \
                                          greatest or least */                                                             \
    X(fold, Fold, fold)                /* X [..] (, axes) -> X's element: its sum, mean, greatest or least along axes */   \
    X(join, Join, join)                /* tensors of one element -> one after another along an axis */                     \
    X(lay, Lay, lay)                   /* X [..] (, a shape, axes, bounds) -> its elements in another shape or order, or some */ \
    X(made, Made, made)                /* X [..], or three numbers -> a shape, a size, a range, one value again and again */ \
    X(plain, Plain, plain)             /* one to three tensors, broadcast -> numbers or booleans: one operation on each */ \
    X(put, Put, put)                   /* X [..], indices, updates of X's element -> X with the updates in it */           \
    X(take, Take, take)                /* X [..], indices or a condition -> elements or slices of X */
// clang-format on
