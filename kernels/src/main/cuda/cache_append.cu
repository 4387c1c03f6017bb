// Copies keys and values of new tokens to their places in a paged cache.
#include "device.cuh"

namespace TS_NS {
namespace {

constexpr int VALUES = 8;

// ---- kernels -----------------------------------------------------------------------------------

template <class T>
__global__ void append_kernel(const T *k, const T *v, T *k_cache, T *v_cache, const int64_t *slots, int64_t N,
                              int64_t row, int64_t k_stride, int64_t v_stride, bool aligned) {
    const int64_t c = ((int64_t)blockIdx.x * THREADS + threadIdx.x) * VALUES;
    const bool whole = aligned && row - c >= VALUES;
    for (int64_t n = blockIdx.y; n < N; n += gridDim.y) {
        const int64_t slot = slots[n];
        if (slot < 0) continue;
        float a[VALUES], b[VALUES];
        load(k + n * k_stride + c, a, whole, row - c);
        load(v + n * v_stride + c, b, whole, row - c);
        store(k_cache + slot * row + c, a, whole, row - c);
        store(v_cache + slot * row + c, b, whole, row - c);
    }
}

// ---- launchers ---------------------------------------------------------------------------------

template <class T>
int append(const T *k, const T *v, T *k_cache, T *v_cache, const int64_t *slots, int64_t N, int64_t row,
                  int64_t k_stride, int64_t v_stride, cudaStream_t stream) {
    if (N < 0 || row < 0) return TS_BAD_SHAPE;
    const bool aligned = on_16(k, k_stride) && on_16(v, v_stride) && on_16(k_cache, row) && on_16(v_cache, row);
    return launch(append_kernel<T>, rows_grid(N, parts(row, VALUES * THREADS)), dim3(THREADS), 0, stream, k, v,
                  k_cache, v_cache, slots, N, row, k_stride, v_stride, aligned);
}

}  // namespace

#define TS_DEFINE(T, E)                                                                             \
    int cache_append_##E(const T *k, const T *v, T *k_cache, T *v_cache, const int64_t *slots,      \
                         int64_t N, int64_t key_heads, int64_t width, int64_t k_stride,             \
                         int64_t v_stride, cudaStream_t stream) {                                   \
        return append(k, v, k_cache, v_cache, slots, N, key_heads * width, k_stride, v_stride,      \
                      stream);                                                                      \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
