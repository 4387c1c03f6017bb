// y = x wᵀ for few rows of x and a matrix w that has to be decoded: pieces of w are decoded into
// level 1 and used by all rows of x.
#pragma once
#include "parallel.h"
#include "vec.h"

namespace TS_NS {

constexpr int64_t OUTPUTS_A_TASK = 16;  // rows of w of one task
constexpr int OUTPUTS = 4;              // rows of w decoded together
constexpr int64_t PIECE = 512;          // columns decoded together: all of it stays in level 1
constexpr int64_t ROWS_MAX = 32;        // rows of x that share one decoding

// sums[i][r] += row i of the piece · x row r.
template <int O, int R, class X>
static inline void dots(const X *x, int64_t stride, const float *piece, int64_t n, float *sums) {
    F a[O][R];
    for (int i = 0; i < O; i++) {
        for (int r = 0; r < R; r++) a[i][r] = set(0.0f);
    }
    TS_FOR_VECTORS(k, n, {
        F xv[R];
        for (int r = 0; r < R; r++) xv[r] = get_lanes<whole>(x + r * stride + k, L);
        for (int i = 0; i < O; i++) {
            F wv = get_lanes<whole>(piece + i * PIECE + k, L);
            for (int r = 0; r < R; r++) a[i][r] = fma(xv[r], wv, a[i][r]);
        }
    })
    for (int i = 0; i < O; i++) {
        for (int r = 0; r < R; r++) sums[i * ROWS_MAX + r] += sum(a[i][r]);
    }
}

// One task; decode(row of w, first column, columns, to) writes a piece as x holds values.
template <class T, class Decode>
struct Few {
    const Decode &decode;
    const T *x;
    T *y;
    int64_t M, K, x_stride, y_stride;

    template <int O>
    void outputs(int64_t n) const {
        alignas(64) float piece[OUTPUTS * PIECE];
        for (int64_t m = 0; m < M; m += ROWS_MAX) {
            const int64_t rows = M - m < ROWS_MAX ? M - m : ROWS_MAX;
            float sums[OUTPUTS * ROWS_MAX] = {0};
            for (int64_t k = 0; k < K; k += PIECE) {
                const int64_t columns = K - k < PIECE ? K - k : PIECE;
                for (int i = 0; i < O; i++) decode(n + i, k, columns, piece + i * PIECE);
                int64_t r = 0;
                const T *at = x + m * x_stride + k;
                for (; r + 4 <= rows; r += 4) dots<O, 4>(at + r * x_stride, x_stride, piece, columns, sums + r);
                for (; r < rows; r++) dots<O, 1>(at + r * x_stride, x_stride, piece, columns, sums + r);
            }
            for (int i = 0; i < O; i++) {
                for (int64_t r = 0; r < rows; r++) put(y + (m + r) * y_stride + n + i, sums[i * ROWS_MAX + r]);
            }
        }
    }
};

template <class T, class Decode>
static int coded_linear(const Decode &decode, const T *x, T *y, int64_t M, int64_t N, int64_t K, int64_t x_stride,
                        int64_t y_stride, int threads) {
    if (M < 0 || N < 0 || K < 0) return TS_BAD_SHAPE;
    const Few<T, Decode> few{decode, x, y, M, K, x_stride, y_stride};
    int64_t tasks = (N + OUTPUTS_A_TASK - 1) / OUTPUTS_A_TASK;
    for_rows(tasks, OUTPUTS_A_TASK * (K + 1), threads, [&](int64_t t) {
        int64_t n = t * OUTPUTS_A_TASK;
        int64_t end = n + OUTPUTS_A_TASK < N ? n + OUTPUTS_A_TASK : N;
        for (; n + OUTPUTS <= end; n += OUTPUTS) few.template outputs<OUTPUTS>(n);
        for (; n < end; n++) few.template outputs<1>(n);
    });
    return TS_OK;
}

}  // namespace TS_NS
