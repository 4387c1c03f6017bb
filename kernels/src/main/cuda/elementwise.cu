// Flat tensors, element by element. Outputs may be inputs. Numbers and dropout streams are those of
// src/main/c/elementwise.cpp.
#include "device.cuh"

namespace TS_NS {
namespace {

// ---- kernels -----------------------------------------------------------------------------------

// One thread a pack of 16 bytes of the narrower type; the last pack may be short.
constexpr int FLAT = 8;

struct Here {
    int64_t at, count;
    bool whole;
};
__device__ __forceinline__ Here here(int64_t n, bool aligned) {
    const int64_t at = ((int64_t)blockIdx.x * THREADS + threadIdx.x) * FLAT;
    return {at, n - at, aligned && n - at >= FLAT};
}

template <class T>
__global__ void fill_kernel(T *x, float value, int64_t n, bool aligned) {
    const Here h = here(n, aligned);
    float v[FLAT];
#pragma unroll
    for (int i = 0; i < FLAT; i++) v[i] = value;
    store(x + h.at, v, h.whole, h.count);
}

template <class T>
__global__ void scale_kernel(T *x, const float *at, float value, int64_t n, bool aligned) {
    const Here h = here(n, aligned);
    if (h.count <= 0) return;
    const float factor = at != nullptr ? *at : value;
    float v[FLAT];
    load(x + h.at, v, h.whole, h.count);
#pragma unroll
    for (int i = 0; i < FLAT; i++) v[i] *= factor;
    store(x + h.at, v, h.whole, h.count);
}

template <class S, class T>
__global__ void multiply_add_kernel(S *y, const T *x, float factor, int64_t n, bool aligned) {
    const Here h = here(n, aligned);
    float a[FLAT], b[FLAT];
    load(y + h.at, a, h.whole, h.count);
    load(x + h.at, b, h.whole, h.count);
#pragma unroll
    for (int i = 0; i < FLAT; i++) a[i] = fmaf(factor, b[i], a[i]);
    store(y + h.at, a, h.whole, h.count);
}

template <class T>
__global__ void add_kernel(const T *a, const T *b, T *y, int64_t n, bool aligned) {
    const Here h = here(n, aligned);
    float v[FLAT], w[FLAT];
    load(a + h.at, v, h.whole, h.count);
    load(b + h.at, w, h.whole, h.count);
#pragma unroll
    for (int i = 0; i < FLAT; i++) v[i] += w[i];
    store(y + h.at, v, h.whole, h.count);
}

template <class S, class T>
__global__ void cast_kernel(const S *x, T *y, int64_t n, bool aligned) {
    const Here h = here(n, aligned);
    float v[FLAT];
    load(x + h.at, v, h.whole, h.count);
    store(y + h.at, v, h.whole, h.count);
}

template <class T>
__global__ void bias_add_kernel(T *x, const T *b, int64_t R, int64_t C, int64_t stride, bool aligned) {
    const int64_t c = ((int64_t)blockIdx.x * THREADS + threadIdx.x) * FLAT;
    const bool whole = aligned && C - c >= FLAT;
    float bias[FLAT], v[FLAT];
    load(b + c, bias, whole, C - c);
    for (int64_t r = blockIdx.y; r < R; r += gridDim.y) {
        load(x + r * stride + c, v, whole, C - c);
#pragma unroll
        for (int i = 0; i < FLAT; i++) v[i] += bias[i];
        store(x + r * stride + c, v, whole, C - c);
    }
}

// Two rounds of a 32-bit mixer (Wellons' lowbias32), one with each half of the key.
__device__ __forceinline__ uint32_t mixed(uint32_t x, uint32_t key) {
    x += key;
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    return x ^ (x >> 16);
}

// The key of 2^32 neighbouring elements of a stream (splitmix64, Steele et al. 2014).
__device__ __forceinline__ uint64_t key_of(uint64_t seed, uint64_t counter) {
    uint64_t z = seed + ((counter >> 32) + 1) * 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

template <class T>
__global__ void dropout_kernel(const T *x, T *y, int64_t n, uint32_t dropped, float kept, uint64_t seed,
                               uint64_t offset, bool aligned) {
    const Here h = here(n, aligned);
    float v[FLAT];
    load(x + h.at, v, h.whole, h.count);
#pragma unroll
    for (int i = 0; i < FLAT; i++) {
        const uint64_t counter = offset + (uint64_t)(h.at + i), key = key_of(seed, counter);
        const uint32_t bits = mixed(mixed((uint32_t)counter, (uint32_t)key), (uint32_t)(key >> 32));
        v[i] *= bits >= dropped ? kept : 0.0f;
    }
    store(y + h.at, v, h.whole, h.count);
}

// ---- launchers ---------------------------------------------------------------------------------

template <class T>
int fill(T *x, float value, int64_t n, cudaStream_t stream) {
    if (n < 0) return TS_BAD_SHAPE;
    return launch_flat(fill_kernel<T>, parts(n, FLAT), stream, x, value, n, on_16(x));
}

template <class T>
int scale(T *x, const float *at, float factor, int64_t n, cudaStream_t stream) {
    if (n < 0) return TS_BAD_SHAPE;
    return launch_flat(scale_kernel<T>, parts(n, FLAT), stream, x, at, factor, n, on_16(x));
}

template <class S, class T>
int multiply_add(S *y, const T *x, float factor, int64_t n, cudaStream_t stream) {
    if (n < 0) return TS_BAD_SHAPE;
    return launch_flat(multiply_add_kernel<S, T>, parts(n, FLAT), stream, y, x, factor, n, on_16(x) && on_16(y));
}

template <class T>
int add(const T *a, const T *b, T *y, int64_t n, cudaStream_t stream) {
    if (n < 0) return TS_BAD_SHAPE;
    const bool aligned = on_16(a) && on_16(b) && on_16(y);
    return launch_flat(add_kernel<T>, parts(n, FLAT), stream, a, b, y, n, aligned);
}

template <class S, class T>
int cast(const S *x, T *y, int64_t n, cudaStream_t stream) {
    if (n < 0) return TS_BAD_SHAPE;
    return launch_flat(cast_kernel<S, T>, parts(n, FLAT), stream, x, y, n, on_16(x) && on_16(y));
}

template <class T>
int bias_add(T *x, const T *b, int64_t R, int64_t C, int64_t stride, cudaStream_t stream) {
    if (R < 0 || C < 0) return TS_BAD_SHAPE;
    return launch(bias_add_kernel<T>, rows_grid(R, parts(C, FLAT * THREADS)), dim3(THREADS), 0, stream, x, b, R, C,
                  stride, on_16(x, stride) && on_16(b));
}

template <class T>
int dropout(const T *x, T *y, int64_t n, float p, uint64_t seed, uint64_t offset, cudaStream_t stream) {
    if (n < 0) return TS_BAD_SHAPE;
    if (!(p >= 0.0f && p < 1.0f)) return TS_BAD_ARGUMENT;
    const uint32_t dropped = (uint32_t)((double)p * 4294967296.0);
    return launch_flat(dropout_kernel<T>, parts(n, FLAT), stream, x, y, n, dropped, 1.0f / (1.0f - p), seed, offset,
                       on_16(x) && on_16(y));
}

}  // namespace

int cast_f32(const bf16 *x, float *y, int64_t n, cudaStream_t stream) { return cast(x, y, n, stream); }
int cast_bf16(const float *x, bf16 *y, int64_t n, cudaStream_t stream) { return cast(x, y, n, stream); }
int scale_by_f32(float *x, const float *factor, int64_t n, cudaStream_t stream) {
    return scale(x, factor, 0.0f, n, stream);
}

#define TS_DEFINE(T, E)                                                                               \
    int fill_##E(T *x, float value, int64_t n, cudaStream_t stream) { return fill(x, value, n, stream); } \
    int scale_##E(T *x, float factor, int64_t n, cudaStream_t stream) {                               \
        return scale(x, nullptr, factor, n, stream);                                                  \
    }                                                                                                 \
    int axpy_##E(T *y, const T *x, float factor, int64_t n, cudaStream_t stream) {                    \
        return multiply_add(y, x, factor, n, stream);                                                 \
    }                                                                                                 \
    int accumulate_##E(float *sum, const T *x, float factor, int64_t n, cudaStream_t stream) {        \
        return multiply_add(sum, x, factor, n, stream);                                               \
    }                                                                                                 \
    int add_##E(const T *a, const T *b, T *y, int64_t n, cudaStream_t stream) {                       \
        return add(a, b, y, n, stream);                                                               \
    }                                                                                                 \
    int bias_add_##E(T *x, const T *b, int64_t R, int64_t C, int64_t stride, cudaStream_t stream) {   \
        return bias_add(x, b, R, C, stride, stream);                                                  \
    }                                                                                                 \
    int dropout_##E(const T *x, T *y, int64_t n, float p, uint64_t seed, uint64_t offset,             \
                    cudaStream_t stream) {                                                            \
        return dropout(x, y, n, p, seed, offset, stream);                                             \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
