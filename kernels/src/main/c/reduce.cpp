// Sums over whole tensors and over rows: fixed blocks first, then the blocks in order.
#include "operations.h"
#include "parallel.h"
#include "vec.h"

namespace TS_NS {

constexpr int64_t FLAT_BLOCK = 65536;
constexpr int64_t BLOCK_ROWS = 64;

template <class T>
static double block_squares(const T *x, int64_t n) {
    constexpr int64_t SPAN = 4096;  // fp32 inside a span, fp64 between spans
    double total = 0.0;
    for (int64_t s = 0; s < n; s += SPAN) {
        const T *p = x + s;
        F a = set(0.0f);
        TS_FOR_VECTORS(i, (n - s < SPAN ? n - s : SPAN), {
            F v = get_lanes<whole>(p + i, L);
            a = fma(v, v, a);
        })
        total += sum(a);
    }
    return total;
}

template <class T>
static int sum_squares(const T *x, double *to, double *scratch, int64_t n, int threads) {
    if (n < 0) return TS_BAD_SHAPE;
    int64_t blocks = (n + FLAT_BLOCK - 1) / FLAT_BLOCK;
    for_rows(blocks, FLAT_BLOCK, threads, [&](int64_t b) {
        int64_t begin = b * FLAT_BLOCK;
        scratch[b] = block_squares(x + begin, n - begin < FLAT_BLOCK ? n - begin : FLAT_BLOCK);
    });
    double total = 0.0;
    for (int64_t b = 0; b < blocks; b++) total += scratch[b];
    *to += total;
    return TS_OK;
}

template <class T>
static int bias_grad(const T *g, float *db, float *scratch, int64_t R, int64_t C, int64_t stride,
                     int threads) {
    if (R < 0 || C < 0) return TS_BAD_SHAPE;
    int64_t blocks = (R + BLOCK_ROWS - 1) / BLOCK_ROWS;
    for_rows(blocks, BLOCK_ROWS * C, threads, [&](int64_t b) {
        float *part = scratch + b * C;
        __builtin_memset(part, 0, C * sizeof(float));
        int64_t end = (b + 1) * BLOCK_ROWS < R ? (b + 1) * BLOCK_ROWS : R;
        for (int64_t r = b * BLOCK_ROWS; r < end; r++) {
            const T *row = g + r * stride;
            TS_FOR_VECTORS(c, C, {
                F both = get_lanes<whole>(part + c, L) + get_lanes<whole>(row + c, L);
                put_lanes<whole>(part + c, both, L);
            })
        }
    });
    for (int64_t b = 0; b < blocks; b++) {
        const float *part = scratch + b * C;
        for (int64_t c = 0; c < C; c++) db[c] += part[c];
    }
    return TS_OK;
}

#define TS_DEFINE(T, E)                                                                            \
    int sum_squares_##E(const T *x, double *to, double *scratch, int64_t n, int threads) {         \
        return sum_squares(x, to, scratch, n, threads);                                            \
    }                                                                                              \
    int bias_grad_##E(const T *g, float *db, float *scratch, int64_t R, int64_t C, int64_t stride, \
                      int threads) {                                                               \
        return bias_grad(g, db, scratch, R, C, stride, threads);                                   \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
