// Elementary functions of float32 vectors, for networks: a few units in the last place, without doubles.
#pragma once

#include "engine/vectors.h"

namespace celeris::CELERIS_TARGET {

using Floats = Vector<float>;
typedef int32_t Ints __attribute__((vector_size(vector_bytes)));
constexpr int64_t kLanes = vector_lanes<float>;

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }

// A few floats to another place, which is not the same: a call of memcpy takes longer.
inline void copy(const float *from, float *to, int64_t n) {
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) store(to + i, load(from + i));
#if defined(__AVX512F__)
    if (i < n) {
        const __mmask16 some = __mmask16((1u << (n - i)) - 1);
        _mm512_mask_storeu_ps(to + i, some, _mm512_maskz_loadu_ps(some, from + i));
    }
#else
    constexpr int64_t four = 4;
    if (i < n && n >= kLanes) return store(to + n - kLanes, load(from + n - kLanes));
    if (n - i >= four) {
        std::memcpy(to + i, from + i, four * sizeof(float));
        std::memcpy(to + n - four, from + n - four, four * sizeof(float));
        return;
    }
    for (; i < n; ++i) to[i] = from[i];
#endif
}

// Every second of 2 n - 1 floats, which lie elsewhere.
inline void copy_evens(const float *from, float *to, int64_t n) {
    int64_t i = 0;
#if defined(__AVX512F__)
    const __m512i evens = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31);
    const auto mask = [](int64_t count) { return __mmask16(count >= 16 ? 0xffff : count <= 0 ? 0 : (1 << count) - 1); };
    for (; i < n; i += 16) {
        const int64_t left = 2 * (n - i) - 1;
        const __m512 low = _mm512_maskz_loadu_ps(mask(left), from + 2 * i);
        const __m512 high = _mm512_maskz_loadu_ps(mask(left - 15), from + 2 * i + 15);
        _mm512_mask_storeu_ps(to + i, mask(n - i), _mm512_permutex2var_ps(low, evens, high));
    }
#elif defined(__AVX2__)
    const auto eight = [&](int64_t at) {
        const __m256 both = _mm256_shuffle_ps(__m256(load(from + 2 * at)), __m256(load(from + 2 * at + 7)), 0b11011000);
        store(to + at, Floats(_mm256_permute4x64_pd(_mm256_castps_pd(both), 0b11011000)));
    };
    for (; i + 8 <= n; i += 8) eight(i);
    if (i < n && n >= 8) return eight(n - 8);
#endif
    for (; i < n; ++i) to[i] = from[2 * i];
}

inline Floats pick(Ints condition, Floats yes, Floats no) {
    return Floats((condition & Ints(yes)) | (~condition & Ints(no)));
}
inline Floats magnitude(Floats x) { return Floats(Ints(x) & splat<int32_t>(0x7fffffff)); }
inline Floats with_sign_of(Floats x, Floats sign) {
    return Floats(Ints(x) | (Ints(sign) & splat<int32_t>(int32_t(0x80000000))));
}
// The smaller or greater; NaN where x is.
inline Floats at_most(Floats x, Floats limit) {
#if defined(__AVX512F__)
    return Floats(_mm512_maskz_min_ps(0xffff, __m512(limit), __m512(x)));
#elif defined(__AVX2__)
    return Floats(_mm256_min_ps(__m256(limit), __m256(x)));
#else
    return pick(Ints(x > limit), limit, x);
#endif
}
inline Floats at_least(Floats x, Floats limit) {
#if defined(__AVX512F__)
    return Floats(_mm512_maskz_max_ps(0xffff, __m512(limit), __m512(x)));
#elif defined(__AVX2__)
    return Floats(_mm256_max_ps(__m256(limit), __m256(x)));
#else
    return pick(Ints(x < limit), limit, x);
#endif
}

// e^x = (p + less) 2^n: p = e^r - less with |r| <= ln(2)/2 and e^r by its Taylor polynomial of degree 7 (remainder below
// 2^-26). For |x| <= 128; NaN stays.
struct Exponential {
    Floats p, n;

    // 2^n for n in [-126, 127], and p 2^n, which may be infinite but is not subnormal.
    Floats power() const { return Floats((Ints(n + splat(0x1.8p23f)) - Ints(splat(0x1.8p23f)) + 127) << 23); }
    Floats value() const {
#if defined(__AVX512F__)
        return Floats(_mm512_maskz_scalef_ps(0xffff, __m512(p), __m512(n)));
#else
        return p * power();
#endif
    }
};
template <int less = 0>
inline Exponential exponential_of(Floats x) {
    const Floats magic = splat(0x1.8p23f), shifted = multiply_add(x, splat(0x1.715476p+0f), magic), n = shifted - magic;
    const Floats r = multiply_add(n, splat(-0x1.7f7d1cp-20f), multiply_add(n, splat(-0x1.62e4p-1f), x));
    Floats p = splat(1.0f / 5040);
    for (const float each : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f}) p = multiply_add(p, r, splat(each));
    p = less == 0 ? multiply_add(p, r, splat(1.0f)) : p * r;
    return {p, n};
}

// e^x. Beyond [-87.3, 88.7228] the result is 0 or infinite; NaN stays. (Nothing subnormal is computed, not even to be thrown
// away: that takes a processor ten times as long.)
inline Floats exp_of(Floats x) {
    const Floats least = splat(-87.3f);
    const Exponential e = exponential_of(at_least(at_most(x, splat(89.0f)), least));
#if defined(__AVX512F__)
    return Floats(_mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(__m512(x), __m512(least), _CMP_NLT_UQ), __m512(e.p), __m512(e.n)));
#else
    // 2^n in two factors: n may be 128, for which there is no float.
    const Floats y = e.p * Exponential{e.p, e.n - splat(1.0f)}.power() * splat(2.0f);
    return pick(Ints(x < least), Floats{}, y);
#endif
}

// e^x for -87 <= x <= 87.
inline Floats exp_within(Floats x) {
    return exponential_of(x).value();
}

// 1 / x of normal numbers whose reciprocal is normal: a division takes as long as all else of a function.
inline Floats reciprocal_of(Floats x) {
#if defined(__AVX512F__)
    const Floats near = Floats(_mm512_rcp14_ps(__m512(x)));  // the same bits on every processor; a step of Newton's
    return multiply_add(near, multiply_add(-x, near, splat(1.0f)), near);
#else
    return splat(1.0f) / x;
#endif
}

inline Floats sigmoid_of(Floats x) {
    const Floats limited = at_least(at_most(-x, splat(87.0f)), splat(-87.0f));
    const Floats y = reciprocal_of(splat(1.0f) + exp_within(limited));
    return pick(Ints(x < splat(-87.0f)), splat(0.0f), y);
}

// tanh x = E / (E + 2) with E = e^2|x| - 1 = 2^n (e^r - 1) + (2^n - 1), under x's sign.
inline Floats tanh_of(Floats x) {
    const Floats most = at_most(magnitude(x), splat(10.0f)), one = splat(1.0f);
    const Exponential e = exponential_of<1>(most + most);
    const Floats scale = e.power(), grown = multiply_add(scale, e.p, scale - one);
    return with_sign_of(grown * reciprocal_of(grown + splat(2.0f)), x);
}

// erf x: Taylor below 0.5; else 1 - t P(t) e^(-x^2), within 1.5e-7 (M. Abramowitz and I. Stegun, 7.1.26).
inline Floats erf_of(Floats x) {
    const Floats a = magnitude(x), s = x * x;
    Floats p = splat(1.0f / 9360);
    p = multiply_add(p, s, splat(-1.0f / 1320));
    p = multiply_add(p, s, splat(1.0f / 216));
    p = multiply_add(p, s, splat(-1.0f / 42));
    p = multiply_add(p, s, splat(0.1f));
    p = multiply_add(p, s, splat(-1.0f / 3));
    const Floats near = splat(1.1283791671f) * multiply_add(x * s, p, x);
    const Floats t = reciprocal_of(multiply_add(splat(0.3275911f), at_most(a, splat(10.0f)), splat(1.0f)));
    Floats q = splat(1.061405429f);
    q = multiply_add(q, t, splat(-1.453152027f));
    q = multiply_add(q, t, splat(1.421413741f));
    q = multiply_add(q, t, splat(-0.284496736f));
    q = multiply_add(q, t, splat(0.254829592f));
    const Floats far = splat(1.0f) - q * t * exp_of(-s);
    return with_sign_of(pick(Ints(a < splat(0.5f)), near, far), x);
}

inline Floats square_root(Floats x) {
#if defined(__AVX512F__)
    return Floats(_mm512_maskz_sqrt_ps(0xffff, __m512(x)));
#elif defined(__AVX2__)
    return Floats(_mm256_sqrt_ps(__m256(x)));
#else
    Floats result;
    for (int64_t i = 0; i < kLanes; ++i) result[i] = __builtin_sqrtf(x[i]);
    return result;
#endif
}

inline float sum_of(Floats x) {
#if defined(__AVX512F__)
    return _mm512_reduce_add_ps(__m512(x));
#else
    float total = 0;
    for (int64_t i = 0; i < kLanes; ++i) total += x[i];
    return total;
#endif
}
inline float greatest_of(Floats x) {
#if defined(__AVX512F__)
    return _mm512_reduce_max_ps(__m512(x));
#else
    float greatest = x[0];
    for (int64_t i = 1; i < kLanes; ++i) greatest = x[i] > greatest ? x[i] : greatest;
    return greatest;
#endif
}

}  // namespace celeris::CELERIS_TARGET
