// Rows of a table by index, and gradients back into them.
#include "device.cuh"

namespace TS_NS {
namespace {

constexpr int VALUES = 8;

// ---- kernels -----------------------------------------------------------------------------------

// Row n of `to` becomes row rows[n] of `from`, or the other way round.
template <class T, bool SCATTER>
__global__ void move_rows_kernel(const T *from, const int32_t *rows, T *to, int64_t N, int64_t C, int64_t V,
                                 bool aligned) {
    const int64_t c = ((int64_t)blockIdx.x * THREADS + threadIdx.x) * VALUES;
    const bool whole = aligned && C - c >= VALUES;
    for (int64_t n = blockIdx.y; n < N; n += gridDim.y) {
        const int64_t row = rows[n];
        const bool known = row >= 0 && row < V;
        float v[VALUES];
        if (known) {
            load(from + (SCATTER ? n : row) * C + c, v, whole, C - c);
        } else {
#pragma unroll
            for (int i = 0; i < VALUES; i++) v[i] = nan_value();
        }
        if (known || !SCATTER) store(to + (SCATTER ? row : n) * C + c, v, whole, C - c);
    }
}

// The first token of each kind adds the gradients of all its kind, in their order: no two blocks
// touch one number. Columns of a block: THREADS.
template <class T>
__global__ void backward_kernel(const T *g, const int32_t *rows, float *to, int64_t N, int64_t C, int64_t V) {
    const int64_t n = blockIdx.y + (int64_t)blockIdx.z * 32768, lane = threadIdx.x % 32;
    if (n >= N) return;
    const int64_t c = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    const int32_t row = rows[n];
    if (row < 0 || row >= V) return;
    for (int64_t i = 0; i < n; i += 32) {  // every warp looks by itself: no barrier is needed
        if (__ballot_sync(ALL, i + lane < n && rows[i + lane] == row) != 0) return;
    }
    float total = c < C ? to[row * C + c] : 0.0f;
    for (int64_t i = n; i < N; i += 32) {
        unsigned alike = __ballot_sync(ALL, i + lane < N && rows[i + lane] == row);
        for (; alike != 0; alike &= alike - 1) {
            const int64_t token = i + __ffs(alike) - 1;
            if (c < C) total += get(g + token * C + c);
        }
    }
    if (c < C) to[row * C + c] = total;
}

// ---- launchers ---------------------------------------------------------------------------------

template <bool SCATTER, class T>
int move_rows(const T *from, const int32_t *rows, T *to, int64_t N, int64_t C, int64_t V,
                     cudaStream_t stream) {
    if (N < 0 || C < 0) return TS_BAD_SHAPE;
    return launch(move_rows_kernel<T, SCATTER>, rows_grid(N, parts(C, VALUES * THREADS)), dim3(THREADS), 0, stream,
                  from, rows, to, N, C, V, on_16(from, C) && on_16(to, C));
}

template <class T>
int backward(const T *g, const int32_t *rows, float *to, int64_t N, int64_t C, int64_t V,
                    cudaStream_t stream) {
    if (N < 0 || C < 0) return TS_BAD_SHAPE;
    const dim3 grid((unsigned)parts(C, THREADS), (unsigned)(N < 32768 ? N : 32768), (unsigned)parts(N, 32768));
    return launch(backward_kernel<T>, grid, dim3(THREADS), 0, stream, g, rows, to, N, C, V);
}

}  // namespace

#define TS_DEFINE(T, E)                                                                             \
    int gather_rows_##E(const T *table, const int32_t *rows, T *y, int64_t N, int64_t C, int64_t V, \
                        cudaStream_t stream) {                                                      \
        return move_rows<false>(table, rows, y, N, C, V, stream);                                   \
    }                                                                                               \
    int scatter_rows_##E(const T *x, const int32_t *rows, T *y, int64_t N, int64_t C, int64_t V,    \
                         cudaStream_t stream) {                                                     \
        return move_rows<true>(x, rows, y, N, C, V, stream);                                        \
    }                                                                                               \
    int embedding_bwd_##E(const T *g, const int32_t *rows, float *to, int64_t N, int64_t C,         \
                          int64_t V, cudaStream_t stream) {                                         \
        return backward(g, rows, to, N, C, V, stream);                                              \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
