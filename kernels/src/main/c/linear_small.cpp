// y = x wᵀ + b for few rows of x: every weight is read once, from memory to registers.
#include "operations.h"
#include "parallel.h"
#include "vec.h"

namespace TS_NS {

constexpr int64_t ROWS_AT_ONCE = 4;     // rows of x that share one pass over a weight row
constexpr int64_t OUTPUTS_A_TASK = 16;  // rows of w of one task

#if TS_DOT
static inline __m512i pairs(const bf16 *p, int64_t n) {
    return n >= 32 ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi16((1u << n) - 1u, p);
}
#endif

// Dot products of one row of w with R rows of x.
template <int R, class X, class T>
static inline void dots(const X *x, int64_t stride, const T *w, int64_t K, float *to) {
    F a[R];
    for (int r = 0; r < R; r++) a[r] = set(0.0f);
    TS_FOR_VECTORS(k, K, {
        F wv = get_lanes<whole>(w + k, L);
        for (int r = 0; r < R; r++) a[r] = fma(get_lanes<whole>(x + r * stride + k, L), wv, a[r]);
    })
    for (int r = 0; r < R; r++) to[r] = sum(a[r]);
}

#if TS_DOT
template <int R>
static inline void dots(const bf16 *x, int64_t stride, const bf16 *w, int64_t K, float *to) {
    F a[R];
    for (int r = 0; r < R; r++) a[r] = set(0.0f);
    for (int64_t k = 0; k < K; k += 32) {
        const __m512i wv = pairs(w + k, K - k);
#pragma GCC unroll 4
        for (int r = 0; r < R; r++) {
            a[r] = _mm512_dpbf16_ps(a[r], (__m512bh)pairs(x + r * stride + k, K - k), (__m512bh)wv);
        }
    }
    for (int r = 0; r < R; r++) to[r] = sum(a[r]);
}
#endif

template <class X, class T, class Y>
static int linear(const X *x, const T *w, const T *b, Y *y, int64_t M, int64_t N, int64_t K,
                  int64_t x_stride, int64_t y_stride, int threads) {
    if (M < 0 || N < 0 || K < 0) return TS_BAD_SHAPE;
    int64_t tasks = (N + OUTPUTS_A_TASK - 1) / OUTPUTS_A_TASK;
    for_rows(tasks, OUTPUTS_A_TASK * (K + 1), threads, [&](int64_t t) {
        int64_t begin = t * OUTPUTS_A_TASK;
        int64_t end = begin + OUTPUTS_A_TASK < N ? begin + OUTPUTS_A_TASK : N;
        for (int64_t n = begin; n < end; n++) {
            const T *row = w + n * K;
            const float bias = b != nullptr ? get(b + n) : 0.0f;
            float sums[ROWS_AT_ONCE];
            int64_t m = 0;
            for (; m + ROWS_AT_ONCE <= M; m += ROWS_AT_ONCE) {
                dots<ROWS_AT_ONCE>(x + m * x_stride, x_stride, row, K, sums);
                for (int64_t r = 0; r < ROWS_AT_ONCE; r++) put(y + (m + r) * y_stride + n, sums[r] + bias);
            }
            for (; m < M; m++) {
                dots<1>(x + m * x_stride, x_stride, row, K, sums);
                put(y + m * y_stride + n, sums[0] + bias);
            }
        }
    });
    return TS_OK;
}

int linear_small_f32(const float *x, const float *w, const float *b, float *y, int64_t M, int64_t N,
                     int64_t K, int64_t x_stride, int64_t y_stride, int threads) {
    return linear(x, w, b, y, M, N, K, x_stride, y_stride, threads);
}
int linear_small_bf16(const bf16 *x, const bf16 *w, const bf16 *b, bf16 *y, int64_t M, int64_t N,
                      int64_t K, int64_t x_stride, int64_t y_stride, int threads) {
    return linear(x, w, b, y, M, N, K, x_stride, y_stride, threads);
}
int linear_small_bf16_out_f32(const bf16 *x, const bf16 *w, const bf16 *b, float *y, int64_t M,
                              int64_t N, int64_t K, int64_t x_stride, int64_t y_stride, int threads) {
    return linear(x, w, b, y, M, N, K, x_stride, y_stride, threads);
}
int linear_small_f32_weight_bf16(const float *x, const bf16 *w, const bf16 *b, float *y, int64_t M,
                                 int64_t N, int64_t K, int64_t x_stride, int64_t y_stride, int threads) {
    return linear(x, w, b, y, M, N, K, x_stride, y_stride, threads);
}

}  // namespace TS_NS
