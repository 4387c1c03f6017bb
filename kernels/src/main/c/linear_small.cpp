// y = x wᵀ + b for few rows of x: every weight is read once, from memory to registers.
#include "operations.h"
#include "parallel.h"
#include "vec.h"

namespace TS_NS {

constexpr int64_t OUTPUTS_A_TASK = 16;  // rows of w of one task
constexpr int ROWS = 4;                 // rows of x that share one pass over weights
constexpr int OUTPUTS = 4;              // rows of w at once: enough sums to hide their latency

// to[i][r] = w row i · x row r for O rows of w and R rows of x.
template <int O, int R, class X, class T>
static inline void dots(const X *x, int64_t stride, const T *w, int64_t K, float *to) {
    F a[O][R];
    for (int i = 0; i < O; i++) {
        for (int r = 0; r < R; r++) a[i][r] = set(0.0f);
    }
    TS_FOR_VECTORS(k, K, {
        F xv[R];
        for (int r = 0; r < R; r++) xv[r] = get_lanes<whole>(x + r * stride + k, L);
        for (int i = 0; i < O; i++) {
            F wv = get_lanes<whole>(w + i * K + k, L);
            for (int r = 0; r < R; r++) a[i][r] = fma(xv[r], wv, a[i][r]);
        }
    })
    for (int i = 0; i < O; i++) {
        for (int r = 0; r < R; r++) to[i * R + r] = sum(a[i][r]);
    }
}

#if TS_DOT
static inline __m512i pairs(const bf16 *p, int64_t n) {
    return n >= 32 ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi16((1u << n) - 1u, p);
}

template <int O, int R>
static inline void dots(const bf16 *x, int64_t stride, const bf16 *w, int64_t K, float *to) {
    F a[O][R];
    for (int i = 0; i < O; i++) {
        for (int r = 0; r < R; r++) a[i][r] = set(0.0f);
    }
    for (int64_t k = 0; k < K; k += 32) {
        __m512i xv[R];
        for (int r = 0; r < R; r++) xv[r] = pairs(x + r * stride + k, K - k);
        for (int i = 0; i < O; i++) {
            const __m512bh wv = (__m512bh)pairs(w + i * K + k, K - k);
            for (int r = 0; r < R; r++) a[i][r] = _mm512_dpbf16_ps(a[i][r], (__m512bh)xv[r], wv);
        }
    }
    for (int i = 0; i < O; i++) {
        for (int r = 0; r < R; r++) to[i * R + r] = sum(a[i][r]);
    }
}
#endif

template <class X, class T, class Y>
struct Small {
    const X *x;
    const T *w, *b;
    Y *y;
    int64_t M, K, x_stride, y_stride;

    template <int O, int R>
    void tile(int64_t m, int64_t n) const {
        float sums[O * R];
        dots<O, R>(x + m * x_stride, x_stride, w + n * K, K, sums);
        for (int i = 0; i < O; i++) {
            const float bias = b != nullptr ? get(b + n + i) : 0.0f;
            for (int r = 0; r < R; r++) put(y + (m + r) * y_stride + n + i, sums[i * R + r] + bias);
        }
    }

    template <int O>
    void outputs(int64_t n) const {
        int64_t m = 0;
        for (; m + ROWS <= M; m += ROWS) tile<O, ROWS>(m, n);
        for (; m < M; m++) tile<O, 1>(m, n);
    }
};

template <class X, class T, class Y>
static int linear(const X *x, const T *w, const T *b, Y *y, int64_t M, int64_t N, int64_t K,
                  int64_t x_stride, int64_t y_stride, int threads) {
    if (M < 0 || N < 0 || K < 0) return TS_BAD_SHAPE;
    const Small<X, T, Y> small{x, w, b, y, M, K, x_stride, y_stride};
    int64_t tasks = (N + OUTPUTS_A_TASK - 1) / OUTPUTS_A_TASK;
    for_rows(tasks, OUTPUTS_A_TASK * (K + 1), threads, [&](int64_t t) {
        int64_t n = t * OUTPUTS_A_TASK;
        int64_t end = n + OUTPUTS_A_TASK < N ? n + OUTPUTS_A_TASK : N;
        for (; n + OUTPUTS <= end; n += OUTPUTS) small.template outputs<OUTPUTS>(n);
        for (; n < end; n++) small.template outputs<1>(n);
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
