// Sums over whole tensors and over rows in two stages: parts that depend on sizes alone, then the
// parts in order. And the clip factor, which stays on the device.
#include "columns.cuh"

namespace TS_NS {
namespace {

constexpr int64_t FLAT_BLOCK = 65536;
constexpr int64_t BLOCK_ROWS = 64;
constexpr int VALUES = 8;

// ---- kernels -----------------------------------------------------------------------------------

template <class T>
__global__ void squares_kernel(const T *x, double *sums, int64_t n, bool aligned) {
    const int64_t begin = (int64_t)blockIdx.x * FLAT_BLOCK;
    const int64_t end = least(begin + FLAT_BLOCK, n);
    float total = 0.0f;  // 256 values: fp32 inside a thread, fp64 between threads
    for (int64_t i = begin + threadIdx.x * VALUES; i < end; i += THREADS * VALUES) {
        float v[VALUES];
        load(x + i, v, aligned && end - i >= VALUES, end - i);
#pragma unroll
        for (int j = 0; j < VALUES; j++) total = fmaf(v[j], v[j], total);
    }
    const double sum = block_sum((double)total, shared<double>());
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

__global__ void add_sums_kernel(const double *sums, int64_t count, double *to) {
    double total = 0.0;
    for (int64_t i = threadIdx.x; i < count; i += THREADS) total += sums[i];
    total = block_sum(total, shared<double>());
    if (threadIdx.x == 0) *to += total;
}

// One thread a column, BLOCK_ROWS rows a block.
template <class T>
__global__ void column_parts_kernel(const T *g, float *part, int64_t R, int64_t C, int64_t stride) {
    const int64_t c = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (c >= C) return;
    for (int64_t b = blockIdx.y; b * BLOCK_ROWS < R; b += gridDim.y) {
        const int64_t end = least((b + 1) * BLOCK_ROWS, R);
        float total = 0.0f;
        for (int64_t r = b * BLOCK_ROWS; r < end; r++) total += get(g + r * stride + c);
        part[b * C + c] = total;
    }
}

__global__ void clip_factor_kernel(const double *sum, float *norm, float *factor, double limit) {
    const double n = sqrt(*sum);
    *norm = (float)n;
    if (!isfinite(n)) *factor = nan_value();
    else *factor = limit > 0.0 && limit < n + 1e-6 ? (float)(limit / (n + 1e-6)) : 1.0f;
}

// ---- launchers ---------------------------------------------------------------------------------

template <class T>
int sum_squares(const T *x, double *to, double *scratch, int64_t n, cudaStream_t stream) {
    if (n < 0) return TS_BAD_SHAPE;
    const int64_t blocks = parts(n, FLAT_BLOCK);
    const size_t room = 32 * sizeof(double);
    const int status = launch(squares_kernel<T>, dim3((unsigned)blocks), dim3(THREADS), room, stream, x, scratch, n,
                              on_16(x));
    if (status != TS_OK) return status;
    return launch(add_sums_kernel, dim3(1), dim3(THREADS), room, stream, scratch, blocks, to);
}

template <class T>
int bias_grad(const T *g, float *db, float *scratch, int64_t R, int64_t C, int64_t stride,
                     cudaStream_t stream) {
    if (R < 0 || C < 0) return TS_BAD_SHAPE;
    const int64_t blocks = parts(R, BLOCK_ROWS);
    const int status = launch(column_parts_kernel<T>, rows_grid(blocks, parts(C, THREADS)), dim3(THREADS), 0, stream,
                              g, scratch, R, C, stride);
    if (status != TS_OK) return status;
    return launch_flat(add_parts_kernel, C, stream, scratch, db, blocks, C);
}

}  // namespace

#define TS_DEFINE(T, E)                                                                              \
    int sum_squares_##E(const T *x, double *to, double *scratch, int64_t n, cudaStream_t stream) {   \
        return sum_squares(x, to, scratch, n, stream);                                               \
    }                                                                                                \
    int bias_grad_##E(const T *g, float *db, float *scratch, int64_t R, int64_t C, int64_t stride,   \
                      cudaStream_t stream) {                                                         \
        return bias_grad(g, db, scratch, R, C, stride, stream);                                      \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS

extern "C" __attribute__((visibility("default"))) int ts_clip_factor(const double *sum, float *norm, float *factor,
                                                                     double limit, cudaStream_t stream) {
    using namespace TS_NS;
    return launch(clip_factor_kernel, dim3(1), dim3(1), 0, stream, sum, norm, factor, limit);
}
