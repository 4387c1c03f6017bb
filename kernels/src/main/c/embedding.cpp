// Rows of a table by index, and gradients back into them.
#include "operations.h"
#include "parallel.h"
#include "vec.h"

namespace TS_NS {

static bool inside(const int32_t *rows, int64_t N, int64_t V) {
    for (int64_t n = 0; n < N; n++) {
        if (rows[n] < 0 || rows[n] >= V) return false;
    }
    return true;
}

template <class T>
static int gather(const T *table, const int32_t *rows, T *y, int64_t N, int64_t C, int64_t V, int threads) {
    if (N < 0 || C < 0) return TS_BAD_SHAPE;
    if (!inside(rows, N, V)) return TS_BAD_ARGUMENT;
    for_rows(N, C, threads, [&](int64_t n) {
        __builtin_memcpy(y + n * C, table + rows[n] * C, C * sizeof(T));
    });
    return TS_OK;
}

template <class T>
static int scatter(const T *x, const int32_t *rows, T *y, int64_t N, int64_t C, int64_t V, int threads) {
    if (N < 0 || C < 0) return TS_BAD_SHAPE;
    if (!inside(rows, N, V)) return TS_BAD_ARGUMENT;
    for_rows(N, C, threads, [&](int64_t n) {
        __builtin_memcpy(y + rows[n] * C, x + n * C, C * sizeof(T));
    });
    return TS_OK;
}

// Parts of the columns run in parallel, each over all tokens in order: no two threads touch one
// number, and the order of additions never depends on their count.
template <class T>
static int backward(const T *g, const int32_t *rows, float *to, int64_t N, int64_t C, int64_t V, int threads) {
    if (N < 0 || C < 0) return TS_BAD_SHAPE;
    if (!inside(rows, N, V)) return TS_BAD_ARGUMENT;
    constexpr int64_t PART = 256;
    int64_t parts = (C + PART - 1) / PART;
    for_rows(parts, N * PART, threads, [&](int64_t p) {
        int64_t begin = p * PART, width = C - begin < PART ? C - begin : PART;
        for (int64_t n = 0; n < N; n++) {
            const T *from = g + n * C + begin;
            float *sum = to + rows[n] * C + begin;
            TS_FOR_VECTORS(c, width, {
                F both = get_lanes<whole>(sum + c, L) + get_lanes<whole>(from + c, L);
                put_lanes<whole>(sum + c, both, L);
            })
        }
    });
    return TS_OK;
}

#define TS_DEFINE(T, E)                                                                            \
    int gather_rows_##E(const T *table, const int32_t *rows, T *y, int64_t N, int64_t C,           \
                        int64_t V, int threads) {                                                  \
        return gather(table, rows, y, N, C, V, threads);                                           \
    }                                                                                              \
    int scatter_rows_##E(const T *x, const int32_t *rows, T *y, int64_t N, int64_t C, int64_t V,   \
                         int threads) {                                                            \
        return scatter(x, rows, y, N, C, V, threads);                                              \
    }                                                                                              \
    int embedding_bwd_##E(const T *g, const int32_t *rows, float *to, int64_t N, int64_t C,        \
                          int64_t V, int threads) {                                                \
        return backward(g, rows, to, N, C, V, threads);                                            \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
