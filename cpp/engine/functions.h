// Elementary functions of kernels: within about 1 ulp, the same bits under every instruction set. See target.h for e^x.
#pragma once

#include "engine/target.h"

namespace celeris::CELERIS_TARGET {

// x = 2^k m with m in [sqrt(1/2), sqrt(2)), for normal positive x.
struct Split {
    double m, k;
};

inline Split split_power(double x) {
    const int64_t bits = as_bits(x);
    const int64_t k = int64_t(uint64_t(bits) - 0x3fe6a09e667f3bcdULL) >> 52;  // the bits of sqrt(1/2)
    // An integer of at most 51 bits as a double without a conversion instruction, which only AVX-512 has for vectors.
    const double number = as_double(as_bits(0x1.8p52) + k) - 0x1.8p52;
    return {as_double(int64_t(uint64_t(bits) - (uint64_t(k) << 52))), number};
}

// ln x. With s = f / (2 + f): ln(1 + f) = 2 atanh(s) = f - (f^2/2 - s (f^2/2 + R)), R = 2 (s^2/3 + s^4/5 + ...); the
// series ends below 2^-57, for a float result below 2^-38, and the arrangement (that of Sun's fdlibm) keeps small f exact.
// Subnormal x is scaled first.
template <class To>
inline double log_(double x) {
    const bool tiny = x < 0x1p-1022;
    const double scaled = tiny ? x * 0x1p54 : x;
    const Split p = split_power(scaled);
    const double k = tiny ? p.k - 54 : p.k;
    const double f = p.m - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s;
    constexpr int terms = sizeof(To) == sizeof(float) ? 6 : 11;
    double r = 0;
    unrolled<terms>([&](int i) { r = r * z + 2.0 / (2 * (terms - i) + 1); });
    r = r * z;
    const double half = 0.5 * f * f;
    const double high = 0x1.62e42fee00000p-1, low = 0x1.a39ef35793c76p-33;  // ln 2
    const double y = k * high - ((half - (s * (half + r) + k * low)) - f);
    const double special = x == 0 ? -HUGE_VAL : (x < 0 ? __builtin_nan("") : x);  // infinity and NaN are themselves
    return x > 0 && x < HUGE_VAL ? y : special;
}

// ln(1 + u) for u in [0, 1]: the rounding of 1 + u is given back.
template <class To>
inline double log1p_(double u) {
    const double w = 1.0 + u;
    return log_<To>(w) + (u - (w - 1.0)) / w;
}

// e^x - 1 for |x| <= 50: 2^n (e^r - 1) + (2^n - 1), reduced as exp_ is.
inline double expm1_(double x) {
    const double shifted = x * 0x1.71547652b82fep+0 + 0x1.8p52;
    const double n = shifted - 0x1.8p52;
    const double r = (x - n * 0x1.62e42fefa0000p-1) - n * 0x1.cf79abc9e3b39p-40;
    double p = 1.0 / 87178291200.0;
    p = p * r + 1.0 / 6227020800.0;
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
    const double e = r + r * r * (0.5 + r * p);
    const double scale = as_double((as_bits(shifted) - as_bits(0x1.8p52) + 1023) << 52);
    return scale * e + (scale - 1.0);
}

// tanh x = E / (E + 2) with E = e^2|x| - 1, under x's sign; 1 from |x| = 20 on.
inline double tanh_(double x) {
    const double a = x < 0 ? -x : x;
    const double e = expm1_(2.0 * (a < 20.0 ? a : 20.0));
    const double y = a < 20.0 ? e / (e + 2.0) : 1.0;
    return x != x || x == 0 ? x : (x < 0 ? -y : y);
}

// ln(1 + e^x).
template <class To>
inline double softplus_(double x) {
    const double u = decay_to<To>(x < 0 ? x : -x);
    return x != x ? x : (x < 0 ? 0 : x) + log1p_<To>(u);
}

// An unevaluated sum of two doubles. T. J. Dekker, A floating-point technique for extending the available precision, 1971.
struct Pair {
    double high, low;
};

[[gnu::always_inline]] inline Pair sum_of(double a, double b) {
    const double s = a + b, t = s - a;
    return {s, (a - (s - t)) + (b - t)};
}

[[gnu::always_inline]] inline Pair product_of(double a, double b) {
    const double p = a * b;
#if defined(__FMA__) || defined(__aarch64__)
    return {p, __builtin_fma(a, b, -p)};  // the same: it is exact
#else
    const double ca = 0x1p27 * a + a, ha = ca - (ca - a), la = a - ha;
    const double cb = 0x1p27 * b + b, hb = cb - (cb - b), lb = b - hb;
    return {p, ((ha * hb - p) + ha * lb + la * hb) + la * lb};
#endif
}

[[gnu::always_inline]] inline Pair times(Pair a, Pair b) {
    const Pair p = product_of(a.high, b.high);
    return sum_of(p.high, p.low + (a.high * b.low + a.low * b.high));
}

// ln x for positive finite x, to about 2^-65: the series of log_ with its first two terms as pairs.
[[gnu::always_inline]] inline Pair log_pair(double x) {
    const bool tiny = x < 0x1p-1022;
    const Split p = split_power(tiny ? x * 0x1p54 : x);
    const double k = tiny ? p.k - 54 : p.k;
    const double f = p.m - 1.0;
    const Pair d = sum_of(2.0, f);
    const double s1 = f / d.high;
    const Pair back = product_of(s1, d.high);
    const Pair s = sum_of(s1, (((f - back.high) - back.low) - s1 * d.low) / d.high);
    const Pair z = times(s, s);
    double r = 2.0 / 25.0;
    unrolled<10>([&](int i) { r = r * z.high + 2.0 / (23 - 2 * i); });
    const Pair cube = times(times(z, s), Pair{0x1.5555555555555p-1, 0x1.5555555555555p-55});  // 2/3
    const double rest = s.high * z.high * z.high * r;
    const Pair high = sum_of(k * 0x1.62e42fee00000p-1, 2.0 * s.high);
    const Pair next = sum_of(high.high, cube.high);
    const Pair ln2 = product_of(k, 0x1.a39ef35793c76p-33);
    const Pair last = sum_of(next.high, ln2.high);
    const double low = high.low + next.low + last.low + ln2.low + 2.0 * s.low + cube.low + rest + k * 0x1.cc01f97b57a08p-87;
    return sum_of(last.high, low);
}

// Whether y is a whole number: without a rounding instruction, which not all vectors have.
inline bool is_whole(double y) {
    const double size = y < 0 ? -y : y;
    return (size >= 0x1p52) | ((size + 0x1p52) - 0x1p52 == size);
}

// x^y as C's pow defines it, without branches, so that lanes become vectors.
template <class To>
[[gnu::always_inline]] inline double pow_(double x, double y) {
    const double size = x < 0 ? -x : x;
    double power;
    if constexpr (sizeof(To) == sizeof(float)) {
        power = exp_to<To>(y * log_<To>(size));
    } else {
        const bool usual = (size > 0) & (size < HUGE_VAL);
        const Pair l = log_pair(usual ? size : 1.0);
        const double e = y * (usual ? l.high : size != size ? size : size > 0 ? HUGE_VAL : -HUGE_VAL);
        const bool within = (e < 746) & (e > -746);
        const Pair part = product_of(l.high, within ? y : 0.0);
        const double rough = exp_(within ? part.high : e);
        power = rough < HUGE_VAL ? rough + rough * (part.low + l.low * (within ? y : 0.0)) : rough;
        power = y == 1 ? size : y == 2 ? size * size : power;
    }
    const bool whole = is_whole(y), odd = whole & !is_whole(0.5 * y), negative = as_bits(x) < 0;
    power = negative & odd ? -power : power;
    power = (x < 0) & (x > -HUGE_VAL) & !whole ? __builtin_nan("") : power;
    const bool endless = (y == HUGE_VAL) | (y == -HUGE_VAL);
    return (y == 0) | (x == 1) | ((size == 1) & endless) ? 1.0 : power;
}

}  // namespace celeris::CELERIS_TARGET
