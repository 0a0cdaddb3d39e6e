// What each kernel body may use: the target's namespace, and small numeric building blocks without std:: templates.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "engine/kernel.h"

#ifndef CELERIS_TARGET
#define CELERIS_TARGET baseline
#endif

// The loop's iterations are independent: rows are.
#define CELERIS_LANES _Pragma("GCC ivdep")

namespace celeris::CELERIS_TARGET {

// Calls f with a null pointer of the element type, so that a body can be written once for all of them.
template <class F>
inline void for_number(Type t, F &&f) {
    switch (t) {
        case Type::f32: f(static_cast<float *>(nullptr)); break;
        case Type::f64: f(static_cast<double *>(nullptr)); break;
        case Type::i64: f(static_cast<int64_t *>(nullptr)); break;
        case Type::i32: f(static_cast<int32_t *>(nullptr)); break;
        case Type::u8: f(static_cast<uint8_t *>(nullptr)); break;
        case Type::str: break;
    }
}

template <class F>
inline void for_real(Type t, F &&f) {
    if (t == Type::f64)
        f(static_cast<double *>(nullptr));
    else
        f(static_cast<float *>(nullptr));
}

// The number 1 as a type: loops over it become straight code.
struct One {
    constexpr operator int64_t() const { return 1; }
};

// Calls f(rows), with rows of type One for a single row: a body written once is then free of loops for it.
template <class F>
inline void for_rows(int64_t rows, F &&f) {
    if (rows == 1)
        f(One{});
    else
        f(rows);
}

// f(r) for each row r, the rows being independent of one another.
template <class F>
inline void lanes(int64_t rows, F &&f) {
    CELERIS_LANES
    for (int64_t r = 0; r < rows; ++r) f(r);
}

template <class F>
inline void lanes(One, F &&f) {
    f(0);
}

// f(0), ..., f(n - 1), without a loop: one inside of `lanes` would keep it from becoming vectors.
template <int n, class F>
inline void unrolled(F &&f) {
#pragma GCC unroll 16
    for (int i = 0; i < n; ++i) f(i);
}

template <class T>
using pointee = std::remove_reference_t<decltype(*static_cast<T>(nullptr))>;

inline double as_double(int64_t bits) {
    double d;
    std::memcpy(&d, &bits, 8);
    return d;
}

inline int64_t as_bits(double d) {
    int64_t bits;
    std::memcpy(&bits, &d, 8);
    return bits;
}

// e^x to about 1 ulp, the same bits under every instruction set (no fused multiply-add, no libm).
// x = n ln 2 + r with |r| <= ln(2)/2, n by the 1.5*2^52 rounding trick; e^r by its Taylor polynomial of degree 13,
// whose remainder is below 2^-57 there. Scaling by two halves keeps subnormal results right.
inline double exp_(double x) {
    const double limited = x < -746.0 ? -746.0 : (x > 710.0 ? 710.0 : x);
    const double shifted = limited * 0x1.71547652b82fep+0 + 0x1.8p52;
    const double n = shifted - 0x1.8p52;
    const double r = (limited - n * 0x1.62e42fefa0000p-1) - n * 0x1.cf79abc9e3b39p-40;
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    const int64_t k = as_bits(shifted) - as_bits(0x1.8p52);  // n as an integer
    const int64_t half = k >> 1;
    const double e = p * as_double((half + 1023) << 52) * as_double((k - half + 1023) << 52);
    return x != x ? x : e;
}

// e^x for a float result, x <= 709: relative error below 2e-12 before the final rounding. The polynomial of degree 8
// with e^0 = 1 has the least greatest relative error on [-ln(2)/2, ln(2)/2] (1.1e-12, by Remez' algorithm). Arguments are
// at least -708, below which a float is 0 anyway.
inline double exp_narrow(double x) {
    const double limited = x < -708.0 ? -708.0 : x;
    const double shifted = limited * 0x1.71547652b82fep+0 + 0x1.8p52;
    const double r = limited - (shifted - 0x1.8p52) * 0x1.62e42fefa39efp-1;
    const double s = r * r;
    const double low = (1.0 + r * 0x1.ffffffffc4a27p-1) + s * (0x1.ffffffff95223p-2 + r * 0x1.555555b506085p-3);
    const double mid = (0x1.55555661f9984p-5 + r * 0x1.11106aa7c9f14p-7) + s * (0x1.6c142414f2e36p-10 + r * 0x1.a1c75647bf830p-13);
    const double q = s * s;
    const double p = low + q * (mid + q * 0x1.a427550109633p-16);
    return p * as_double((as_bits(shifted) - as_bits(0x1.8p52) + 1023) << 52);
}

// e^x as exact as a result of type To shows.
template <class To>
inline double exp_to(double x) {
    if constexpr (sizeof(To) == sizeof(float))
        return exp_narrow(x > 709.0 ? 709.0 : x);
    else
        return exp_(x);
}

// The same for x <= 0.
template <class To>
inline double decay_to(double x) {
    if constexpr (sizeof(To) == sizeof(float))
        return exp_narrow(x);
    else
        return exp_(x);
}

}  // namespace celeris::CELERIS_TARGET
