// Products of few rows of x with many rows that are read once, from memory to registers: weights, or
// cached keys.
//
// x is packed once a call so that it lies as a step of weights does: bf16 weights are widened by a
// shift and a mask, which parts even from odd columns. The sum of an element runs in an order that
// depends on K alone.
#pragma once
#include "parallel.h"
#include "vec.h"

namespace TS_NS {

constexpr int64_t FEW_STEP = 2 * W;           // columns of one step
constexpr int64_t FEW_OUTPUTS_A_TASK = 16;    // rows of weights of one task
constexpr int FEW_ROWS = 4, FEW_OUTPUTS = 4;  // rows of x and of weights that meet at once

struct Two {
    F first, second;
};

#if TS_VECTOR == 16
// Columns 0, 2, 4 … and columns 1, 3, 5 …
static inline Two step_of(const bf16 *p) {
    const __m512i both = _mm512_loadu_si512(p);
    return {_mm512_castsi512_ps(_mm512_slli_epi32(both, 16)),
            _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000)))};
}
#elif TS_VECTOR == 8
static inline Two step_of(const bf16 *p) {
    const __m256i both = _mm256_loadu_si256((const __m256i *)p);
    return {_mm256_castsi256_ps(_mm256_slli_epi32(both, 16)),
            _mm256_castsi256_ps(_mm256_and_si256(both, _mm256_set1_epi32((int)0xffff0000)))};
}
#else
static inline Two step_of(const bf16 *p) { return {load(p), load(p + 1)}; }
#endif
// Columns 0, 1, 2 … and the W behind them.
static inline Two step_of(const float *p) { return {load(p), load(p + W)}; }

template <class T>
static inline Two step_of(const T *p, int64_t columns) {
    T part[FEW_STEP] = {};
    __builtin_memcpy(part, p, columns * sizeof(T));
    return step_of(part);
}

// Where column c of a step of T lies among the packed values.
static inline int64_t packed_place(const bf16 *, int64_t c) { return (c & 1) * W + (c >> 1); }
static inline int64_t packed_place(const float *, int64_t c) { return c; }

template <class A, class B>
constexpr bool same_type = false;
template <class A>
constexpr bool same_type<A, A> = true;

// How x is packed and met with weights of type T: as floats.
template <class T>
struct Wide {
    using X = float;
    static constexpr int64_t STEP = FEW_STEP;

    template <class S>
    static void pack(const S *x, int64_t K, X *to) {
        int64_t k = 0;
        if constexpr (same_type<S, T>) {
            for (; k + STEP <= K; k += STEP, to += STEP) {
                const Two both = step_of(x + k);
                store(to, both.first);
                store(to + W, both.second);
            }
        }
        for (; k < K; k += STEP, to += STEP) {
            const int64_t columns = K - k < STEP ? K - k : STEP;
            for (int64_t c = columns; c < STEP; c++) to[packed_place((const T *)nullptr, c)] = 0.0f;
            for (int64_t c = 0; c < columns; c++) to[packed_place((const T *)nullptr, c)] = get(x + k + c);
        }
    }
    static inline F meet(F sum, const X *x, const Two &w) {
        return fma(load(x + W), w.second, fma(load(x), w.first, sum));
    }
    static inline Two weights(const T *p) { return step_of(p); }
    static inline Two weights(const T *p, int64_t columns) { return step_of(p, columns); }
};

#if TS_DOT
// As pairs of bf16, where the processor multiplies those at full rate.
struct Paired {
    using X = bf16;
    static constexpr int64_t STEP = 32;

    static void pack(const bf16 *x, int64_t K, X *to) {
        __builtin_memcpy(to, x, K * sizeof(bf16));
        __builtin_memset(to + K, 0, (STEP - K % STEP) % STEP * sizeof(bf16));
    }
    static inline F meet(F sum, const X *x, __m512i w) {
        return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_loadu_si512(x), (__m512bh)w);
    }
    static inline __m512i weights(const bf16 *p) { return _mm512_loadu_si512(p); }
    static inline __m512i weights(const bf16 *p, int64_t columns) {
        return _mm512_maskz_loadu_epi16((1u << columns) - 1u, p);
    }
};
#endif

// The sum of the lanes of each of 16 vectors, always in one order.
#if TS_VECTOR == 16
static inline F pair_sums(F a, F b) { return _mm512_unpacklo_ps(a, b) + _mm512_unpackhi_ps(a, b); }
static inline F quad_sums(F ab, F cd) {
    const __m512d x = _mm512_castps_pd(ab), y = _mm512_castps_pd(cd);
    return _mm512_castpd_ps(_mm512_unpacklo_pd(x, y)) + _mm512_castpd_ps(_mm512_unpackhi_pd(x, y));
}
static inline F part_sums(F a, F b) {
    return _mm512_shuffle_f32x4(a, b, 0x88) + _mm512_shuffle_f32x4(a, b, 0xdd);
}
static inline void sums_of_16(const F *a, float *to) {
    F q[4];
    for (int i = 0; i < 4; i++) {
        q[i] = quad_sums(pair_sums(a[4 * i], a[4 * i + 1]), pair_sums(a[4 * i + 2], a[4 * i + 3]));
    }
    store(to, part_sums(part_sums(q[0], q[1]), part_sums(q[2], q[3])));
}
#else
static inline void sums_of_16(const F *a, float *to) {
    for (int i = 0; i < 16; i++) to[i] = sum(a[i]);
}
#endif

// sums[r][i] = packed row r · row i of w, for R rows of x and O rows of w, at most 16 together.
// Meanwhile it asks for memory from `ahead` on, LINES lines a step.
template <class Form, int O, int R, int LINES, class T>
static inline void few_dots(const typename Form::X *x, int64_t packed, const T *const *rows, int64_t K,
                            const char *ahead, float *sums) {
    const T *w[O];
    for (int i = 0; i < O; i++) w[i] = rows[i];
    F a[16];
    for (int i = 0; i < 16; i++) a[i] = set(0.0f);
    int64_t k = 0;
    for (; k + Form::STEP <= K; k += Form::STEP) {
        decltype(Form::weights(w[0])) wv[O];
        for (int i = 0; i < O; i++) wv[i] = Form::weights(w[i] + k);
        for (int i = 0; i < LINES; i++) __builtin_prefetch(ahead + i * 64);
        ahead += LINES * 64;
        for (int r = 0; r < R; r++) {
            for (int i = 0; i < O; i++) a[r * O + i] = Form::meet(a[r * O + i], x + r * packed + k, wv[i]);
        }
    }
    if (k < K) {
        for (int i = 0; i < O; i++) {
            const auto wv = Form::weights(w[i] + k, K - k);
            for (int r = 0; r < R; r++) a[r * O + i] = Form::meet(a[r * O + i], x + r * packed + k, wv);
        }
    }
    sums_of_16(a, sums);
}

}  // namespace TS_NS
