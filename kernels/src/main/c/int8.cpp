// LLM.int8 (arXiv 2208.07339): rows of x and of w as 8-bit integers with a scale a row; columns in
// which x has a large value stay in floats.
#include "operations.h"
#include "parallel.h"
#include "vec.h"

namespace TS_NS {

// A value as half precision holds it, which is how x enters the rounding.
static inline float half(float a) {
    uint32_t u;
    __builtin_memcpy(&u, &a, 4);
    const uint32_t sign = u & 0x80000000u, size = u & 0x7fffffffu;
    if (size > 0x477fefffu) {  // 65520 and more, or NaN
        const uint32_t big = sign | (size > 0x7f800000u ? 0x7fc00000u : 0x7f800000u);
        __builtin_memcpy(&a, &big, 4);
        return a;
    }
    const float least = 5.9604644775390625e-8f;  // 2^-24
    if (size < 0x38800000u) return __builtin_rintf(a / least) * least;
    const uint32_t kept = sign | ((size + 0xfffu + ((size >> 13) & 1)) & ~0x1fffu);
    __builtin_memcpy(&a, &kept, 4);
    return a;
}

// large_K[k] becomes 1 where x has a value of at least the threshold, which is 0 for never.
template <class T>
static int rows(const T *x, int8_t *codes, float *scales, uint8_t *large, int64_t M, int64_t K, int64_t x_stride,
                float threshold, int threads) {
    if (M < 0 || K < 0) return TS_BAD_SHAPE;
    for (int64_t k = 0; k < K; k++) large[k] = 0;
    const float limit = threshold > 0 ? threshold : __builtin_inff();
    for (int64_t m = 0; m < M && threshold > 0; m++) {
        for (int64_t k = 0; k < K; k++) large[k] |= __builtin_fabsf(half(get(x + m * x_stride + k))) >= limit;
    }
    for_rows(M, K, threads, [&](int64_t m) {
        const T *row = x + m * x_stride;
        float most = 0.0f;
        for (int64_t k = 0; k < K; k++) {
            const float size = __builtin_fabsf(half(get(row + k)));
            most = size < limit && size > most ? size : most;
        }
        scales[m] = most;
        const float factor = most > 0.0f ? 127.0f / most : 0.0f;
        for (int64_t k = 0; k < K; k++) {
            const float code = __builtin_rintf(half(get(row + k)) * factor);
            codes[m * K + k] = large[k] != 0 ? 0 : (int8_t)code;
        }
    });
    return TS_OK;
}

static inline int32_t dot(const int8_t *a, const int8_t *b, int64_t K) {
    int32_t total = 0;
    for (int64_t k = 0; k < K; k++) total += (int32_t)a[k] * b[k];
    return total;
}

// y = codes wᵀ·scales + the large columns of x times those of w.
template <class T>
static int linear(const int8_t *codes, const float *scales, const uint8_t *large, const T *x, const int8_t *w,
                  const float *w_scales, T *y, int64_t M, int64_t N, int64_t K, int64_t x_stride, int64_t y_stride,
                  int threads) {
    if (M < 0 || N < 0 || K < 0) return TS_BAD_SHAPE;
    for_rows(N, K * (M + 1), threads, [&](int64_t n) {
        const int8_t *row = w + n * K;
        for (int64_t m = 0; m < M; m++) {
            const float exact = (float)((double)dot(codes + m * K, row, K) * scales[m] * w_scales[n] / (127.0 * 127.0));
            float rest = 0.0f;
            for (int64_t k = 0; k < K; k++) {
                if (large[k] != 0) rest += get(x + m * x_stride + k) * ((float)row[k] * w_scales[n] / 127.0f);
            }
            put(y + m * y_stride + n, exact + rest);
        }
    });
    return TS_OK;
}

#define TS_DEFINE(T, E)                                                                            \
    int int8_rows_##E(const T *x, int8_t *codes, float *scales, uint8_t *large, int64_t M,         \
                      int64_t K, int64_t x_stride, float threshold, int threads) {                 \
        return rows(x, codes, scales, large, M, K, x_stride, threshold, threads);                  \
    }                                                                                              \
    int int8_linear_##E(const int8_t *codes, const float *scales, const uint8_t *large,            \
                        const T *x, const int8_t *w, const float *w_scales, T *y, int64_t M,       \
                        int64_t N, int64_t K, int64_t x_stride, int64_t y_stride, int threads) {   \
        return linear(codes, scales, large, x, w, w_scales, y, M, N, K, x_stride, y_stride,        \
                      threads);                                                                    \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
