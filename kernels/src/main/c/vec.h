// One float vector type F of W lanes for the level a file is compiled for. Everything lives in
// the level's own namespace TS_NS, so the linker can never merge two levels' functions.
#pragma once
#include "tunesmith.h"
#if TS_VECTOR
#include <immintrin.h>
#endif

namespace TS_NS {

#if TS_VECTOR == 16
using F = __m512;
using I = __m512i;
using M = __mmask16;
constexpr int W = 16;

static inline M lanes(int64_t n) { return (M)((1u << n) - 1u); }
static inline F set(float a) { return _mm512_set1_ps(a); }
static inline F load(const float *p) { return _mm512_loadu_ps(p); }
static inline F load(const float *p, int64_t n) { return _mm512_maskz_loadu_ps(lanes(n), p); }
static inline void store(float *p, F a) { _mm512_storeu_ps(p, a); }
static inline void store(float *p, F a, int64_t n) { _mm512_mask_storeu_ps(p, lanes(n), a); }
static inline F widen(__m256i h) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}
static inline F load(const bf16 *p) { return widen(_mm256_loadu_si256((const __m256i *)p)); }
static inline F load(const bf16 *p, int64_t n) {
    return widen(_mm256_maskz_loadu_epi16(lanes(n), p));
}
// Round to nearest even in integers, as the hardware does but keeping denormals; NaN stays NaN.
static inline I round_bits(F a) {
    I u = _mm512_castps_si512(a);
    I odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    I r = _mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    M nan = _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
    return _mm512_mask_mov_epi32(r, nan, _mm512_set1_epi32(0x7fc00000));
}
#if TS_DOT
// The instruction rounds alike but takes denormals for 0.
static inline __m256i narrow(F a) { return (__m256i)_mm512_cvtneps_pbh(a); }
#else
static inline __m256i narrow(F a) { return _mm512_cvtepi32_epi16(_mm512_srli_epi32(round_bits(a), 16)); }
#endif
static inline void store(bf16 *p, F a) { _mm256_storeu_si256((__m256i *)p, narrow(a)); }
static inline void store(bf16 *p, F a, int64_t n) { _mm256_mask_storeu_epi16(p, lanes(n), narrow(a)); }
static inline F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
static inline F max(F a, F b) { return _mm512_max_ps(a, b); }
static inline F min(F a, F b) { return _mm512_min_ps(a, b); }
static inline F sqrt(F a) { return _mm512_sqrt_ps(a); }
static inline F abs(F a) { return _mm512_abs_ps(a); }
static inline F round(F a) { return _mm512_roundscale_ps(a, 0); }
static inline M less(F a, F b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline F select(M m, F yes, F no) { return _mm512_mask_blend_ps(m, no, yes); }
// p·2^whole, 0 where m does not hold.
static inline F times_power2(M m, F p, F whole) { return _mm512_maskz_scalef_ps(m, p, whole); }
// One Newton step after 14 bits: at most 1 unit in the last place, a quarter of a division's time.
static inline F reciprocal(F a) {
    F r = _mm512_rcp14_ps(a);
    return _mm512_fmadd_ps(r, _mm512_fnmadd_ps(a, r, _mm512_set1_ps(1.0f)), r);
}
static inline float sum(F a) { return _mm512_reduce_add_ps(a); }
static inline float largest(F a) { return _mm512_reduce_max_ps(a); }

#elif TS_VECTOR == 8
using F = __m256;
using I = __m256i;
using M = __m256;
constexpr int W = 8;

static inline I lanes(int64_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline F set(float a) { return _mm256_set1_ps(a); }
static inline F load(const float *p) { return _mm256_loadu_ps(p); }
static inline F load(const float *p, int64_t n) { return _mm256_maskload_ps(p, lanes(n)); }
static inline void store(float *p, F a) { _mm256_storeu_ps(p, a); }
static inline void store(float *p, F a, int64_t n) { _mm256_maskstore_ps(p, lanes(n), a); }
static inline F widen(__m128i h) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}
static inline F load(const bf16 *p) { return widen(_mm_loadu_si128((const __m128i *)p)); }
static inline F load(const bf16 *p, int64_t n) {
    uint16_t part[8] = {0};
    for (int64_t i = 0; i < n; i++) part[i] = p[i].bits;
    return widen(_mm_loadu_si128((const __m128i *)part));
}
static inline I round_bits(F a) {
    I u = _mm256_castps_si256(a);
    I odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    I r = _mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    F nan = _mm256_cmp_ps(a, a, _CMP_UNORD_Q);
    return _mm256_castps_si256(_mm256_blendv_ps(
        _mm256_castsi256_ps(r), _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000)), nan));
}
static inline __m128i narrow(F a) {
    I h = _mm256_srli_epi32(round_bits(a), 16);
    I both = _mm256_permute4x64_epi64(_mm256_packus_epi32(h, h), 0x08);
    return _mm256_castsi256_si128(both);
}
static inline void store(bf16 *p, F a) { _mm_storeu_si128((__m128i *)p, narrow(a)); }
static inline void store(bf16 *p, F a, int64_t n) {
    uint16_t part[8];
    _mm_storeu_si128((__m128i *)part, narrow(a));
    for (int64_t i = 0; i < n; i++) p[i].bits = part[i];
}
static inline F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
static inline F max(F a, F b) { return _mm256_max_ps(a, b); }
static inline F min(F a, F b) { return _mm256_min_ps(a, b); }
static inline F sqrt(F a) { return _mm256_sqrt_ps(a); }
static inline F abs(F a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline F round(F a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline M less(F a, F b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline F select(M m, F yes, F no) { return _mm256_blendv_ps(no, yes, m); }
static inline F times_power2(M m, F p, F whole) {
    F power = _mm256_castsi256_ps(_mm256_slli_epi32(
        _mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127)), 23));
    return _mm256_and_ps(m, _mm256_mul_ps(p, power));
}
static inline F reciprocal(F a) { return _mm256_div_ps(_mm256_set1_ps(1.0f), a); }
static inline float sum(F a) {
    __m128 h = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    h = _mm_add_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_add_ss(h, _mm_shuffle_ps(h, h, 1)));
}
static inline float largest(F a) {
    __m128 h = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    h = _mm_max_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_max_ss(h, _mm_shuffle_ps(h, h, 1)));
}

#else
using F = float;
using I = uint32_t;
using M = bool;
constexpr int W = 1;

static inline uint32_t bits_of(float a) {
    uint32_t u;
    __builtin_memcpy(&u, &a, 4);
    return u;
}
static inline float of_bits(uint32_t u) {
    float a;
    __builtin_memcpy(&a, &u, 4);
    return a;
}
static inline F set(float a) { return a; }
static inline F load(const float *p) { return *p; }
static inline F load(const float *p, int64_t) { return *p; }
static inline void store(float *p, F a) { *p = a; }
static inline void store(float *p, F a, int64_t) { *p = a; }
static inline F load(const bf16 *p) { return of_bits((uint32_t)p->bits << 16); }
static inline F load(const bf16 *p, int64_t) { return load(p); }
static inline I round_bits(F a) {
    uint32_t u = bits_of(a);
    return a != a ? 0x7fc00000u : u + ((u >> 16) & 1) + 0x7fff;
}
static inline void store(bf16 *p, F a) { p->bits = (uint16_t)(round_bits(a) >> 16); }
static inline void store(bf16 *p, F a, int64_t) { store(p, a); }
static inline F fma(F a, F b, F c) { return a * b + c; }
static inline F max(F a, F b) { return a > b ? a : b; }
static inline F min(F a, F b) { return a < b ? a : b; }
static inline F sqrt(F a) { return __builtin_sqrtf(a); }
static inline F abs(F a) { return __builtin_fabsf(a); }
static inline F round(F a) { return __builtin_rintf(a); }
static inline M less(F a, F b) { return a < b; }
static inline F select(M m, F yes, F no) { return m ? yes : no; }
static inline F times_power2(M m, F p, F whole) {
    return m ? p * of_bits((uint32_t)((int)whole + 127) << 23) : 0.0f;
}
static inline F reciprocal(F a) { return 1.0f / a; }
static inline float sum(F a) { return a; }
static inline float largest(F a) { return a; }
#endif

// The value that a T holds after a is stored into it.
static inline F rounded(F a, const float *) { return a; }
static inline F rounded(F a, const bf16 *) {
#if TS_DOT
    return widen(narrow(a));
#elif TS_VECTOR == 16
    return _mm512_castsi512_ps(_mm512_and_si512(round_bits(a), _mm512_set1_epi32((int)0xffff0000)));
#elif TS_VECTOR == 8
    return _mm256_castsi256_ps(_mm256_and_si256(round_bits(a), _mm256_set1_epi32((int)0xffff0000)));
#else
    return of_bits(round_bits(a) & 0xffff0000u);
#endif
}

// One element.
static inline float get(const float *p) { return *p; }
static inline float get(const bf16 *p) {
    uint32_t u = (uint32_t)p->bits << 16;
    float a;
    __builtin_memcpy(&a, &u, 4);
    return a;
}
static inline void put(float *p, float a) { *p = a; }
static inline void put(bf16 *p, float a) {
    uint32_t u;
    __builtin_memcpy(&u, &a, 4);
    p->bits = a != a ? 0x7fc0 : (uint16_t)((u + ((u >> 16) & 1) + 0x7fff) >> 16);
}

// Calls body(offset, lanes) over n elements; all but the last call have all W lanes.
#define TS_FOR_VECTORS(i, n, ...)                       \
    {                                                   \
        int64_t i = 0;                                  \
        for (; i + W <= (n); i += W) {                  \
            constexpr int64_t L = W;                    \
            constexpr bool whole = true;                \
            (void)whole;                                \
            (void)L;                                    \
            __VA_ARGS__                                 \
        }                                               \
        if (i < (n)) {                                  \
            const int64_t L = (n)-i;                    \
            constexpr bool whole = false;               \
            (void)whole;                                \
            __VA_ARGS__                                 \
        }                                               \
    }

template <bool WHOLE, class T>
static inline F get_lanes(const T *p, int64_t n) {
    return WHOLE ? load(p) : load(p, n);
}
template <bool WHOLE, class T>
static inline void put_lanes(T *p, F a, int64_t n) {
    if (WHOLE) store(p, a); else store(p, a, n);
}

}  // namespace TS_NS
