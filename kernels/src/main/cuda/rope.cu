// Rotary embedding in place: [a, b] → [a·c − b·s, b·c + a·s]; the gradient turns the other way.
#include "device.cuh"

namespace TS_NS {
namespace {

struct Turn {
    const float *cos, *sin;
    const int32_t *positions;
    int64_t N, width, half, P;
    int pairing;
    float sign;
};

// ---- kernels -----------------------------------------------------------------------------------

// One block row a token; threads go through the pairs of all query heads, then of all key heads.
template <class T>
__global__ void rope_kernel(T *q, T *k, int64_t heads, int64_t key_heads, int64_t q_stride, int64_t k_stride,
                            Turn t) {
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= (heads + key_heads) * t.half) return;
    const int64_t head = i / t.half, pair = i - head * t.half;
    const bool query = head < heads;
    const int64_t stride = query ? q_stride : k_stride;
    T *base = query ? q + head * t.width : k + (head - heads) * t.width;
    const int64_t first = t.pairing == 0 ? pair : 2 * pair, second = t.pairing == 0 ? pair + t.half : 2 * pair + 1;
    for (int64_t n = blockIdx.y; n < t.N; n += gridDim.y) {
        const int64_t position = t.positions[n];
        const bool known = position >= 0 && position < t.P;
        const float c = known ? t.cos[position * t.half + pair] : nan_value();
        const float s = known ? t.sin[position * t.half + pair] * t.sign : nan_value();
        T *row = base + n * stride;
        const float a = get(row + first), b = get(row + second);
        put(row + first, a * c - b * s);
        put(row + second, b * c + a * s);
    }
}

// ---- launchers ---------------------------------------------------------------------------------

template <class T>
int rope(T *q, T *k, int64_t heads, int64_t key_heads, int64_t rotary, int64_t q_stride, int64_t k_stride,
                const Turn &t, cudaStream_t stream) {
    if (t.N < 0 || heads < 0 || key_heads < 0 || rotary % 2 != 0 || rotary > t.width) return TS_BAD_SHAPE;
    if (t.pairing < 0 || t.pairing > 1) return TS_BAD_ARGUMENT;
    if (k == nullptr) key_heads = 0;
    return launch(rope_kernel<T>, rows_grid(t.N, parts((heads + key_heads) * t.half, THREADS)), dim3(THREADS), 0,
                  stream, q, k, heads, key_heads, q_stride, k_stride, t);
}

}  // namespace

#define TS_DEFINE(T, E)                                                                              \
    int rope_##E(T *q, T *k, const float *cos, const float *sin, const int32_t *positions, int64_t N, \
                 int64_t heads, int64_t key_heads, int64_t width, int64_t rotary, int64_t q_stride,  \
                 int64_t k_stride, int64_t P, int pairing, int backward, cudaStream_t stream) {      \
        return rope(q, k, heads, key_heads, rotary, q_stride, k_stride,                              \
                    Turn{cos, sin, positions, N, width, rotary / 2, P, pairing,                      \
                         backward ? -1.0f : 1.0f},                                                   \
                    stream);                                                                         \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
