// Weights of four bits a value with one scale a block (QLoRA, arXiv 2305.14314), in the bytes of
// bitsandbytes; see src/main/c/four_bit.cpp. The description ts_four_bit lies in host memory, what
// it points to on the device. The 16 values are kept once for every lane, so that lookups of a warp
// never meet in a bank.
#include "few_rows.cuh"

namespace TS_NS {
namespace {

constexpr int VALUES = 8;
constexpr size_t TABLE_ROOM = 16 * 32 * sizeof(float);

// ---- kernels -----------------------------------------------------------------------------------

struct FourBit {
    ts_four_bit w;
    bool simple;  // 8 values from a multiple of 8 on are 4 bytes on a boundary with one scale

    // Every thread of a block calls this before the first load.
    __device__ void prepare() const {
        float *table = shared<float>();
        for (int i = (int)threadIdx.x; i < 16 * 32; i += (int)blockDim.x) table[i] = w.table[i / 32];
        __syncthreads();
    }
    __device__ __forceinline__ float value(int code) const { return shared<float>()[code * 32 + threadIdx.x % 32]; }

    __device__ __forceinline__ float scale(int64_t block) const {
        if (w.scale_codes == nullptr) return w.scales[block];
        // Rounded by itself: a fused product would differ from other readers.
        return __fadd_rn(__fmul_rn(w.scale_map[w.scale_codes[block]], w.scales[block / w.outer]), w.offset);
    }

    // Values i to i + 8, zero from `left` on.
    __device__ __forceinline__ void eight(int64_t i, int64_t left, float (&to)[VALUES]) const {
        if (simple && left >= VALUES && i % VALUES == 0) {
            const uint32_t codes = *reinterpret_cast<const uint32_t *>(w.codes + (i >> 1));
            const float s = scale(i / w.block);
#pragma unroll
            for (int j = 0; j < VALUES; j++) {
                const int shift = (j >> 1) * 8 + ((j & 1) != 0 ? 0 : 4);
                to[j] = value((int)(codes >> shift & 15)) * s;
            }
            return;
        }
        for (int j = 0; j < VALUES; j++) {
            if (j >= left) {
                to[j] = 0.0f;
                continue;
            }
            const uint8_t both = w.codes[(i + j) >> 1];
            to[j] = value(((i + j) & 1) != 0 ? both & 15 : both >> 4) * scale((i + j) / w.block);
        }
    }
};

template <class T>
__global__ void dequantise_kernel(FourBit w, T *y, int64_t n, bool aligned) {
    w.prepare();
    const int64_t step = (int64_t)gridDim.x * THREADS * VALUES;
    for (int64_t i = ((int64_t)blockIdx.x * THREADS + threadIdx.x) * VALUES; i < n; i += step) {
        float v[VALUES];
        w.eight(i, n - i, v);
        store(y + i, v, aligned && n - i >= VALUES, n - i);
    }
}

// Rows of the matrix for few_rows; weights are what T holds.
template <class T>
struct FourBitRows {
    FourBit w;
    int64_t K;

    __device__ __forceinline__ void prepare() const { w.prepare(); }
    __device__ __forceinline__ void load(int64_t n, int64_t k, float (&to)[FEW_VALUES]) const {
        w.eight(n * K + k, K - k, to);
#pragma unroll
        for (int j = 0; j < FEW_VALUES; j++) to[j] = rounded<T>(to[j]);
    }
    __device__ __forceinline__ float bias(int64_t) const { return 0.0f; }
};

// One warp a block of values. bitsandbytes divides in a block that is cut short by the end and
// multiplies by the reciprocal elsewhere; both, and its least scale, decide what a value on a
// border gets.
template <class T>
__global__ void quantise_kernel(const T *x, const float *bounds, const uint8_t *order, uint8_t *codes, float *scales,
                                int64_t n, int64_t block) {
    constexpr float LEAST = 1e-38f;
    const int lane = (int)threadIdx.x % 32;
    const int64_t b = (int64_t)blockIdx.x * (THREADS / 32) + threadIdx.x / 32, begin = b * block;
    if (begin >= n) return;
    const int64_t count = least(n - begin, block);
    const bool cut = count < block;
    float most = 0.0f;
    for (int64_t i = lane; i < count; i += 32) most = fmaxf(most, fabsf(get(x + begin + i)));
    most = warp_max(most);
    const float divisor = most > LEAST ? most : LEAST, factor = 1.0f / divisor;
    if (lane == 0) scales[b] = cut ? divisor : most;
    for (int64_t pair = lane; pair * 2 < count; pair += 32) {
        int both = 0;
        for (int j = 0; j < 2; j++) {
            const int64_t i = pair * 2 + j;
            const float a = i < count ? get(x + begin + i) : 0.0f;
            const float v = cut ? a / divisor : a * factor;
            int rank = 0;
            for (int k = 0; k < 15; k++) rank += v > bounds[k];
            both = both << 4 | order[rank];
        }
        codes[(begin >> 1) + pair] = (uint8_t)both;
    }
}

// ---- launchers ---------------------------------------------------------------------------------

FourBit matrix_of(const ts_four_bit *w) {
    return {*w, w->block % VALUES == 0 && reinterpret_cast<uintptr_t>(w->codes) % 4 == 0};
}

template <class T>
int dequantise(const ts_four_bit *w, T *y, int64_t n, cudaStream_t stream) {
    if (n < 0) return TS_BAD_SHAPE;
    if (n > 0 && (w->block < 1 || (w->scale_codes != nullptr && w->outer < 1))) return TS_BAD_ARGUMENT;
    const int64_t blocks = parts(n, THREADS * VALUES);
    return launch(dequantise_kernel<T>, dim3((unsigned)(blocks < 8192 ? blocks : 8192)), dim3(THREADS), TABLE_ROOM,
                  stream, matrix_of(w), y, n, on_16(y));
}

template <class T>
int linear(const ts_four_bit *w, const T *x, T *y, int64_t M, int64_t N, int64_t K, int64_t x_stride,
                  int64_t y_stride, cudaStream_t stream) {
    const FourBitRows<T> rows{matrix_of(w), K};
    return few_rows(Few<FourBitRows<T>, T, T>{rows, x, y, M, N, K, x_stride, y_stride, 1.0f, 0.0f,
                                              on_16(x, x_stride)},
                    TABLE_ROOM, stream);
}

template <class T>
int quantise(const T *x, const float *bounds, const uint8_t *order, uint8_t *codes, float *scales, int64_t n,
                    int64_t block, cudaStream_t stream) {
    if (n < 0 || block < 2 || (block & 1) != 0) return TS_BAD_SHAPE;
    return launch(quantise_kernel<T>, dim3((unsigned)parts(parts(n, block), THREADS / 32)), dim3(THREADS), 0, stream,
                  x, bounds, order, codes, scales, n, block);
}

}  // namespace

#define TS_DEFINE(T, E)                                                                              \
    int four_bit_dequantise_##E(const ts_four_bit *w, T *y, int64_t n, cudaStream_t stream) {        \
        return dequantise(w, y, n, stream);                                                          \
    }                                                                                                \
    int four_bit_linear_##E(const ts_four_bit *w, const T *x, T *y, int64_t M, int64_t N, int64_t K, \
                            int64_t x_stride, int64_t y_stride, cudaStream_t stream) {               \
        return linear(w, x, y, M, N, K, x_stride, y_stride, stream);                                 \
    }                                                                                                \
    int four_bit_quantise_##E(const T *x, const float *bounds, const uint8_t *order, uint8_t *codes, \
                              float *scales, int64_t n, int64_t block, cudaStream_t stream) {        \
        return quantise(x, bounds, order, codes, scales, n, block, stream);                          \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
