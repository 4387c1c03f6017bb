// Copies keys and values of new tokens to their places in a paged cache.
#include "operations.h"
#include "parallel.h"

namespace TS_NS {

template <class T>
static int append(const T *k, const T *v, T *k_cache, T *v_cache, const int64_t *slots, int64_t N,
                  int64_t row, int64_t k_stride, int64_t v_stride, int threads) {
    if (N < 0 || row < 0) return TS_BAD_SHAPE;
    for_rows(N, row, threads, [&](int64_t n) {
        if (slots[n] < 0) return;
        __builtin_memcpy(k_cache + slots[n] * row, k + n * k_stride, row * sizeof(T));
        __builtin_memcpy(v_cache + slots[n] * row, v + n * v_stride, row * sizeof(T));
    });
    return TS_OK;
}

#define TS_DEFINE(T, E)                                                                            \
    int cache_append_##E(const T *k, const T *v, T *k_cache, T *v_cache, const int64_t *slots,     \
                         int64_t N, int64_t key_heads, int64_t width, int64_t k_stride,            \
                         int64_t v_stride, int threads) {                                          \
        return append(k, v, k_cache, v_cache, slots, N, key_heads * width, k_stride, v_stride,     \
                      threads);                                                                    \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
