// Vectors of the target's register width, for the few kernels that must keep their operands in registers.
#pragma once

#include "engine/target.h"

#if defined(__SSE2__)  // any x86-64
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace celeris::CELERIS_TARGET {

#if defined(__AVX512F__)
constexpr int64_t vector_bytes = 64;
#elif defined(__AVX2__)
constexpr int64_t vector_bytes = 32;
#else
constexpr int64_t vector_bytes = 16;
#endif

template <class T>
constexpr int64_t vector_lanes = vector_bytes / int64_t(sizeof(T));

template <class T>
struct VectorOf {
    typedef T type __attribute__((vector_size(vector_bytes)));
};
template <class T>
using Vector = typename VectorOf<T>::type;

// Half as many bytes: floats for as many lanes as a vector of doubles has; and half the lanes.
typedef float NarrowVector __attribute__((vector_size(vector_bytes / 2)));
typedef double HalfVector __attribute__((vector_size(vector_bytes / 2)));

template <class T>
inline Vector<T> load(const T *from) {
    Vector<T> v;
    std::memcpy(&v, from, sizeof v);
    return v;
}

template <class T>
inline void store(T *to, Vector<T> v) {
    std::memcpy(to, &v, sizeof v);
}

template <class T>
inline Vector<T> splat(T x) {
    return x - Vector<T>{};
}

// Whether all lanes of a comparison are true.
template <class Mask>
inline bool all_true(Mask mask) {
#if defined(__AVX512F__)
    return _mm512_movepi32_mask(__m512i(mask)) == 0xffff;
#elif defined(__AVX2__)
    return _mm256_movemask_epi8(__m256i(mask)) == -1;
#else
    int64_t words[sizeof mask / 8], all = -1;
    std::memcpy(words, &mask, sizeof mask);
    for (int64_t word : words) all &= word;
    return all == -1;
#endif
}

// A comparison of floats or doubles: bit i says whether it is true of lane i.
template <class Mask>
inline uint32_t lane_bits(Mask mask) {
    constexpr bool wide = sizeof(mask[0]) == 8;
#if defined(__AVX512F__)
    if constexpr (wide)
        return _mm512_movepi64_mask(__m512i(mask));
    else
        return _mm512_movepi32_mask(__m512i(mask));
#elif defined(__AVX2__)
    if constexpr (wide)
        return uint32_t(_mm256_movemask_pd(__m256d(mask)));
    else
        return uint32_t(_mm256_movemask_ps(__m256(mask)));
#elif defined(__SSE2__)
    if constexpr (wide)
        return uint32_t(_mm_movemask_pd(__m128d(mask)));
    else
        return uint32_t(_mm_movemask_ps(__m128(mask)));
#else
    uint32_t bits = 0;
    for (int i = 0; i < int(sizeof mask / sizeof mask[0]); ++i) bits |= uint32_t(mask[i] != 0) << i;
    return bits;
#endif
}

// (GCC 12 converts a vector in two halves, through memory, if not told how.)
inline Vector<double> widen(NarrowVector v) {
#if defined(__AVX512F__)
    return Vector<double>(_mm512_maskz_cvtps_pd(__mmask8(255), __m256(v)));
#elif defined(__AVX2__)
    return Vector<double>(_mm256_cvtps_pd(__m128(v)));
#else
    return __builtin_convertvector(v, Vector<double>);
#endif
}

// Doubles, or floats as doubles, in a vector V: a whole one, or with AVX-512 half of one.
template <class V = Vector<double>>
inline V load_double(const double *from) {
    V v;
    std::memcpy(&v, from, sizeof v);
    return v;
}
template <class V = Vector<double>>
inline V load_double(const float *from) {
#if defined(__AVX512F__)
    if constexpr (sizeof(V) < vector_bytes) return V(_mm256_cvtps_pd(_mm_loadu_ps(from)));
#endif
    if constexpr (sizeof(V) == vector_bytes) {
        NarrowVector v;
        std::memcpy(&v, from, sizeof v);
        return widen(v);
    }
}

// The first n elements (if n is less than a vector's lanes), and zeros: nothing beyond them is read.
template <class V = Vector<double>>
inline V load_double(const double *from, int64_t n) {
#if defined(__AVX512F__)
    constexpr int lanes = int(sizeof(V) / sizeof(double));
    const auto some = __mmask8(n >= lanes ? (1 << lanes) - 1 : n <= 0 ? 0 : (1 << n) - 1);
    if constexpr (lanes == 4)
        return V(_mm256_maskz_loadu_pd(some, from));
    else
        return V(_mm512_maskz_loadu_pd(some, from));
#elif defined(__AVX2__)
    return V(_mm256_maskload_pd(from, _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3))));
#else
    V v = {};
    for (int64_t i = 0; i < vector_lanes<double>; ++i) v[i] = i < n ? from[i] : 0;
    return v;
#endif
}
template <class V = Vector<double>>
inline V load_double(const float *from, int64_t n) {
#if defined(__AVX512F__)
    constexpr int lanes = int(sizeof(V) / sizeof(double));
    const auto some = __mmask8(n >= lanes ? (1 << lanes) - 1 : n <= 0 ? 0 : (1 << n) - 1);
    if constexpr (lanes == 4)
        return V(_mm256_cvtps_pd(_mm_maskz_loadu_ps(some, from)));
    else
        return widen(NarrowVector(_mm256_maskz_loadu_ps(some, from)));
#elif defined(__AVX2__)
    const __m128i first = _mm_cmpgt_epi32(_mm_set1_epi32(int(n < 4 ? n : 4)), _mm_setr_epi32(0, 1, 2, 3));
    return widen(NarrowVector(_mm_maskload_ps(from, first)));
#else
    V v = {};
    for (int64_t i = 0; i < vector_lanes<double>; ++i) v[i] = i < n ? double(from[i]) : 0;
    return v;
#endif
}

// As many numbers as lanes, in a vector of doubles or floats; then the first n of them, and zeros.
template <class V, class From>
inline V load_as(const From *from) {
    if constexpr (sizeof(V{}[0]) == sizeof(double))
        return load_double<V>(from);
    else
        return load(from);
}
template <class V, class From>
inline V load_as(const From *from, int64_t n) {
    if constexpr (sizeof(V{}[0]) == sizeof(double)) {
        return load_double<V>(from, n);
    } else {
#if defined(__AVX512F__)
        return V(_mm512_maskz_loadu_ps(__mmask16(n >= 16 ? 0xffff : n <= 0 ? 0 : (1 << n) - 1), from));
#else
        V v = {};
        for (int64_t i = 0; i < vector_lanes<float>; ++i) v[i] = i < n ? from[i] : 0;
        return v;
#endif
    }
}

inline void store_as(float *to, Vector<float> v) { store(to, v); }
inline void store_as(double *to, Vector<double> v) { store(to, v); }
inline void store_as(float *to, Vector<double> v) {
#if defined(__AVX2__) && !defined(__AVX512F__)
    const NarrowVector narrow = NarrowVector(_mm256_cvtpd_ps(__m256d(v)));
#else
    const NarrowVector narrow = __builtin_convertvector(v, NarrowVector);
#endif
    std::memcpy(to, &narrow, sizeof narrow);
}
#if defined(__AVX512F__)
inline void store_as(double *to, HalfVector v) { std::memcpy(to, &v, sizeof v); }
inline void store_as(float *to, HalfVector v) { _mm_storeu_ps(to, _mm256_cvtpd_ps(__m256d(v))); }
#endif

// Two halves of a vector of 8 doubles from two places. (GCC would send halves that are copied through memory.)
inline Vector<double> join(const double *low, const double *high) {
#if defined(__AVX512F__)
    return Vector<double>(_mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_loadu_pd(low)), _mm256_loadu_pd(high), 1));
#else
    static_cast<void>(high);
    return load(low);  // never called: there are no such vectors
#endif
}

// a b + c. `fused`: rounded once where the processor can. The caller knows that the product is exact, so that rounding once or
// twice is the same, or that last bits may depend on the processor.
template <bool fused>
inline Vector<double> multiply_add(Vector<double> a, Vector<double> b, Vector<double> c) {
#if defined(__AVX512F__)
    if constexpr (fused) return Vector<double>(_mm512_fmadd_pd(__m512d(a), __m512d(b), __m512d(c)));
#elif defined(__FMA__)
    if constexpr (fused) return Vector<double>(_mm256_fmadd_pd(__m256d(a), __m256d(b), __m256d(c)));
#elif defined(__aarch64__)
    if constexpr (fused) return Vector<double>(vfmaq_f64(c, a, b));
#endif
    return a * b + c;
}

template <bool fused>
inline double multiply_add(double a, double b, double c) {
#if defined(__FMA__) || defined(__aarch64__)
    if constexpr (fused) return __builtin_fma(a, b, c);
#endif
    return a * b + c;
}

#if defined(__AVX512F__)
template <bool fused>
inline HalfVector multiply_add(HalfVector a, HalfVector b, HalfVector c) {
    if constexpr (fused) return HalfVector(_mm256_fmadd_pd(__m256d(a), __m256d(b), __m256d(c)));
    return a * b + c;
}
#endif

// a b + c in float32, rounded once where the processor can: to emulate that took an MLP 20 to 40 times as long.
inline Vector<float> multiply_add(Vector<float> a, Vector<float> b, Vector<float> c) {
#if defined(__AVX512F__)
    return Vector<float>(_mm512_fmadd_ps(__m512(a), __m512(b), __m512(c)));
#elif defined(__FMA__)
    return Vector<float>(_mm256_fmadd_ps(__m256(a), __m256(b), __m256(c)));
#elif defined(__aarch64__)
    return Vector<float>(vfmaq_f32(c, a, b));
#else
    return a * b + c;
#endif
}

// a b + c in float32, rounded once everywhere.
#if defined(__AVX512F__) || defined(__FMA__) || defined(__aarch64__)
constexpr bool adds_once = true;
inline Vector<float> multiply_add_once(Vector<float> a, Vector<float> b, Vector<float> c) { return multiply_add(a, b, c); }
#else
constexpr bool adds_once = false;  // nor does multiply_add

// By an odd last bit of a double (S. Boldo and G. Melquiond, Emulation of a FMA and correctly rounded sums, 2008).
[[gnu::noinline]] inline Vector<float> multiply_add_odd(Vector<float> a, Vector<float> b, Vector<float> c) {
    typedef double Wide __attribute__((vector_size(2 * vector_bytes)));
    typedef int64_t Bits __attribute__((vector_size(2 * vector_bytes)));
    const Wide product = __builtin_convertvector(a, Wide) * __builtin_convertvector(b, Wide), more = __builtin_convertvector(c, Wide);
    const Wide sum = product + more, back = sum - product, lost = (product - (sum - back)) + (more - back);
    const Bits bits = Bits(sum), inexact = Bits(lost > 0) | Bits(lost < 0), even = (bits & 1) - 1;
    const Bits grows = Bits((lost > 0) == (sum > 0));
    return __builtin_convertvector(Wide(bits + (inexact & even & ((grows & 2) - 1))), Vector<float>);
}

inline Vector<float> multiply_add_once(Vector<float> a, Vector<float> b, Vector<float> c) {
#if defined(__SSE2__)
    // Rounding a double's sum again matters where that lies between two floats, or is a subnormal one, and seldom then.
    const auto half = [](__m128 x, __m128 y, __m128 z) __attribute__((always_inline)) {
        return _mm_add_pd(_mm_mul_pd(_mm_cvtps_pd(x), _mm_cvtps_pd(y)), _mm_cvtps_pd(z));
    };
    const auto upper = [](Vector<float> v) __attribute__((always_inline)) { return _mm_movehl_ps(__m128(v), __m128(v)); };
    const __m128d low = half(__m128(a), __m128(b), __m128(c)), high = half(upper(a), upper(b), upper(c));
    const __m128 ends = _mm_shuffle_ps(_mm_castpd_ps(low), _mm_castpd_ps(high), 0b10001000);
    const __m128 starts = _mm_shuffle_ps(_mm_castpd_ps(low), _mm_castpd_ps(high), 0b11011101);
    const __m128i between = _mm_cmpeq_epi32(_mm_and_si128(_mm_castps_si128(ends), _mm_set1_epi32(0x1fffffff)), _mm_set1_epi32(0x10000000));
    const __m128i size = _mm_and_si128(_mm_castps_si128(starts), _mm_set1_epi32(0x7fffffff));
    const __m128i tiny = _mm_and_si128(_mm_cmpgt_epi32(_mm_set1_epi32(0x38100000), size), _mm_cmpgt_epi32(size, _mm_setzero_si128()));
    if (_mm_movemask_epi8(_mm_or_si128(between, tiny)) == 0) return Vector<float>(_mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high)));
#endif
    return multiply_add_odd(a, b, c);
}
#endif

}  // namespace celeris::CELERIS_TARGET
