// Every whole-tensor kernel, one row each: name, state, file of tensor/, contract. As kernels.h is for rows.
//
// A kernel's file holds its state (derived from TensorState, with `bool plan(Call &, double &cost) const`) and its body,
// `run(const State &, const Call &)` in namespace CELERIS_TARGET. What kernels.h says of bodies holds here, but for
// memory: a body may ask for `scratch` and `Memory`. States are in that namespace, too: what they and the bodies share is
// compiled for each instruction set, and a state made by the baseline's code is read by the others'.
#pragma once

#include "tensor/conv.h"
#include "tensor/conv_integer.h"
#include "tensor/elementwise.h"
#include "tensor/mean.h"
#include "tensor/normalize.h"
#include "tensor/pool.h"
#include "tensor/product.h"
#include "tensor/product_integer.h"
#include "tensor/quantize.h"
#include "tensor/recurrent.h"

// clang-format off
#define CELERIS_TENSORS(X) \
    /* name, state, file of tensor/       in -> out: meaning */                                                            \
    X(conv, Conv, conv)                /* X f32 [N,C,..], W and B or none, extras -> Y f32: convolution, then a chain;      \
                                          or the transposed one, without a chain */                                         \
    X(conv_integer, ConvInteger, conv_integer) /* X u8|i8, its zero point or none, extras -> i32|f32|u8|i8 */              \
    X(elementwise, Elementwise, elementwise) /* f32 tensors -> f32, broadcast: a chain of functions of each element */     \
    X(mean, Mean, mean)                /* X f32 -> f32: the mean over the last axes */                                     \
    X(normalize, Normalize, normalize) /* X f32 [..,D], scale, bias -> f32: softmax or layer normalisation, last axis */   \
    X(pool, Pool, pool)                /* X f32 [N,C,L] or [N,C,H,W] -> f32: greatest or mean of each window */            \
    X(product, Product, product)       /* A f32 [..,M,K], B f32 [..,K,N], extras -> f32: a A B + bias, then a chain */     \
    X(product_integer, ProductInteger, product_integer) /* A u8|i8|f32, B u8|i8, zero points -> i32|f32|u8|i8 */             \
    X(quantize, Quantize, quantize)    /* f32 -> u8|i8, back, with a scale that fits; or a sum of quantised tensors */       \
    X(recurrent, Recurrent, recurrent) /* X f32 [T,B,I], h, c -> Y [T,D,B,H], Y_h, Y_c: LSTM or GRU */
// clang-format on
