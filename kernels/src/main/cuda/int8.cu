// LLM.int8 (arXiv 2208.07339): rows of x and of w as 8-bit integers with a scale a row; columns in
// which x has a large value stay in floats. See src/main/c/int8.cpp.
#include "device.cuh"

namespace TS_NS {
namespace {

constexpr int WARPS = 4;  // outputs of a block
constexpr int ROWS = 4;   // rows of x that share one reading of weights

// ---- kernels -----------------------------------------------------------------------------------

// A value as half precision holds it, which is how x enters the rounding.
__device__ __forceinline__ float half_of(float a) {
    const uint32_t u = __float_as_uint(a), sign = u & 0x80000000u, size = u & 0x7fffffffu;
    if (size > 0x477fefffu) return __uint_as_float(sign | (size > 0x7f800000u ? 0x7fc00000u : 0x7f800000u));
    const float least = 5.9604644775390625e-8f;  // 2^-24
    if (size < 0x38800000u) return rintf(a / least) * least;
    return __uint_as_float(sign | ((size + 0xfffu + ((size >> 13) & 1)) & ~0x1fffu));
}

template <class T>
__global__ void large_kernel(const T *x, uint8_t *large, int64_t M, int64_t K, int64_t x_stride, float limit) {
    const int64_t k = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (k >= K) return;
    bool found = false;
    for (int64_t m = 0; m < M; m++) found |= fabsf(half_of(get(x + m * x_stride + k))) >= limit;
    large[k] = found;
}

// One block a row.
template <class T>
__global__ void rows_kernel(const T *x, int8_t *codes, float *scales, const uint8_t *large, int64_t M, int64_t K,
                            int64_t x_stride, float limit) {
    float *room = shared<float>();
    for (int64_t m = blockIdx.x; m < M; m += gridDim.x) {
        const T *row = x + m * x_stride;
        float most = 0.0f;
        for (int64_t k = threadIdx.x; k < K; k += THREADS) {
            const float size = fabsf(half_of(get(row + k)));
            most = size < limit && size > most ? size : most;
        }
        most = warp_max(most);
        __syncthreads();
        if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = most;
        __syncthreads();
        for (int i = 0; i < THREADS / 32; i++) most = fmaxf(most, room[i]);
        if (threadIdx.x == 0) scales[m] = most;
        const float factor = most > 0.0f ? 127.0f / most : 0.0f;
        for (int64_t k = threadIdx.x; k < K; k += THREADS) {
            const float code = rintf(half_of(get(row + k)) * factor);
            codes[m * K + k] = large[k] != 0 ? 0 : (int8_t)code;
        }
    }
}

// y = codes wᵀ·scales + the large columns of x times those of w. One warp an output; words of four
// codes where rows begin on a boundary of four.
template <class T>
__global__ void linear_kernel(const int8_t *codes, const float *scales, const uint8_t *large, const T *x,
                              const int8_t *w, const float *w_scales, T *y, int64_t M, int64_t N, int64_t K,
                              int64_t x_stride, int64_t y_stride, bool words) {
    const int lane = (int)threadIdx.x % 32;
    const int64_t n = (int64_t)blockIdx.x * WARPS + threadIdx.x / 32;
    if (n >= N) return;
    const int8_t *row = w + n * K;
    for (int64_t m = (int64_t)blockIdx.y * ROWS; m < M; m += (int64_t)gridDim.y * ROWS) {
        int32_t total[ROWS] = {};
        float rest[ROWS] = {};
        for (int64_t k = lane * 4; k < K; k += 128) {
            int word = 0;
            uint32_t flags = 0;
            if (words) {
                word = *reinterpret_cast<const int *>(row + k);
                flags = *reinterpret_cast<const uint32_t *>(large + k);
            } else {
                for (int i = 0; i < 4 && k + i < K; i++) {
                    word |= (int)(uint8_t)row[k + i] << 8 * i;
                    flags |= (uint32_t)large[k + i] << 8 * i;
                }
            }
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                if (m + r >= M) continue;
                const int8_t *mine = codes + (m + r) * K + k;
                int other = 0;
                if (words) {
                    other = *reinterpret_cast<const int *>(mine);
                } else {
                    for (int i = 0; i < 4 && k + i < K; i++) other |= (int)(uint8_t)mine[i] << 8 * i;
                }
                total[r] = __dp4a(word, other, total[r]);
                if (flags == 0) continue;
                for (int i = 0; i < 4; i++) {
                    if ((flags >> 8 * i & 255) == 0) continue;
                    rest[r] += get(x + (m + r) * x_stride + k + i) * ((float)row[k + i] * w_scales[n] / 127.0f);
                }
            }
        }
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            const int32_t dot = warp_sum(total[r]);
            const float more = warp_sum(rest[r]);
            if (lane != 0 || m + r >= M) continue;
            const float exact = (float)((double)dot * scales[m + r] * w_scales[n] / (127.0 * 127.0));
            put(y + (m + r) * y_stride + n, exact + more);
        }
    }
}

// ---- launchers ---------------------------------------------------------------------------------

template <class T>
int rows(const T *x, int8_t *codes, float *scales, uint8_t *large, int64_t M, int64_t K, int64_t x_stride,
                float threshold, cudaStream_t stream) {
    if (M < 0 || K < 0) return TS_BAD_SHAPE;
    const float limit = threshold > 0 ? threshold : INFINITY;
    // Without a threshold no row is looked at, and no column is large.
    const int status = launch_flat(large_kernel<T>, K, stream, x, large, threshold > 0 ? M : 0, K, x_stride, limit);
    if (status != TS_OK) return status;
    return launch(rows_kernel<T>, dim3((unsigned)(M < 0x7fffffff ? M : 0x7fffffff)), dim3(THREADS),
                  32 * sizeof(float), stream, x, codes, scales, large, M, K, x_stride, limit);
}

template <class T>
int linear(const int8_t *codes, const float *scales, const uint8_t *large, const T *x, const int8_t *w,
                  const float *w_scales, T *y, int64_t M, int64_t N, int64_t K, int64_t x_stride, int64_t y_stride,
                  cudaStream_t stream) {
    if (M < 0 || N < 0 || K < 0) return TS_BAD_SHAPE;
    const uintptr_t all = reinterpret_cast<uintptr_t>(codes) | reinterpret_cast<uintptr_t>(large) |
                          reinterpret_cast<uintptr_t>(w) | (uintptr_t)K;
    const int64_t groups = parts(M, ROWS);
    const dim3 grid((unsigned)parts(N, WARPS), (unsigned)(groups < 65535 ? groups : 65535));
    return launch(linear_kernel<T>, grid, dim3(WARPS * 32), 0, stream, codes, scales, large, x, w, w_scales, y, M, N,
                  K, x_stride, y_stride, all % 4 == 0);
}

}  // namespace

#define TS_DEFINE(T, E)                                                                              \
    int int8_rows_##E(const T *x, int8_t *codes, float *scales, uint8_t *large, int64_t M,           \
                      int64_t K, int64_t x_stride, float threshold, cudaStream_t stream) {           \
        return rows(x, codes, scales, large, M, K, x_stride, threshold, stream);                     \
    }                                                                                                \
    int int8_linear_##E(const int8_t *codes, const float *scales, const uint8_t *large, const T *x,  \
                        const int8_t *w, const float *w_scales, T *y, int64_t M, int64_t N,          \
                        int64_t K, int64_t x_stride, int64_t y_stride, cudaStream_t stream) {        \
        return linear(codes, scales, large, x, w, w_scales, y, M, N, K, x_stride, y_stride, stream); \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
