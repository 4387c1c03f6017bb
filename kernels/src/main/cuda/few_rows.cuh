// y = factor·x wᵀ + b + keep·y for few rows of x: one warp an output, every weight is read and
// decoded once for up to 8 rows of x. What a weight is, the type Weights knows: its load fills 8
// values of row n from column k on, zero where no column is.
#pragma once
#include "device.cuh"

namespace TS_NS {

constexpr int FEW_VALUES = 8;     // of a lane in one step
constexpr int FEW_AHEAD = 2;      // steps whose weights are asked for together
constexpr int FEW_ROWS_MAX = 8;   // rows of x that share one reading
constexpr int FEW_WARPS = 4;      // outputs of a block

template <class Weights, class S, class Y>
struct Few {
    Weights weights;
    const S *x;
    Y *y;
    int64_t M, N, K, x_stride, y_stride;
    float factor, keep;
    bool aligned;  // of x
};

// ---- kernels -----------------------------------------------------------------------------------

template <int ROWS, class Weights, class S, class Y>
__global__ void few_rows_kernel(Few<Weights, S, Y> f) {
    f.weights.prepare();
    const int64_t n = (int64_t)blockIdx.x * FEW_WARPS + threadIdx.x / 32;
    const int lane = (int)threadIdx.x % 32;
    if (n >= f.N) return;
    for (int64_t m = (int64_t)blockIdx.y * ROWS; m < f.M; m += (int64_t)gridDim.y * ROWS) {
        float sums[ROWS] = {};
        constexpr int64_t STEP = 32 * FEW_VALUES;
        for (int64_t k = lane * FEW_VALUES; k < f.K; k += STEP * FEW_AHEAD) {
            float w[FEW_AHEAD][FEW_VALUES];
#pragma unroll
            for (int a = 0; a < FEW_AHEAD; a++) f.weights.load(n, k + a * STEP, w[a]);
#pragma unroll
            for (int a = 0; a < FEW_AHEAD; a++) {
                const int64_t at = k + a * STEP, left = f.K - at;
                if (left <= 0) continue;
#pragma unroll
                for (int r = 0; r < ROWS; r++) {
                    if (m + r >= f.M) continue;
                    float x[FEW_VALUES];
                    load(f.x + (m + r) * f.x_stride + at, x, f.aligned && left >= FEW_VALUES, left);
#pragma unroll
                    for (int i = 0; i < FEW_VALUES; i++) sums[r] = fmaf(x[i], w[a][i], sums[r]);
                }
            }
        }
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            const float sum = warp_sum(sums[r]);
            if (lane != 0 || m + r >= f.M) continue;
            Y *to = f.y + (m + r) * f.y_stride + n;
            float a = sum * f.factor + f.weights.bias(n);
            if (f.keep != 0.0f) a = fmaf(f.keep, get(to), a);
            put(to, a);
        }
    }
}

// ---- launchers ---------------------------------------------------------------------------------

template <class Weights, class S, class Y>
int few_rows(const Few<Weights, S, Y> &f, size_t room, cudaStream_t stream) {
    if (f.M < 0 || f.N < 0 || f.K < 0) return TS_BAD_SHAPE;
    const int64_t groups = parts(f.M, FEW_ROWS_MAX);
    const dim3 grid((unsigned)parts(f.N, FEW_WARPS), (unsigned)(groups < 65535 ? groups : 65535));
    const dim3 block(FEW_WARPS * 32);
    if (f.M <= 1) return launch(few_rows_kernel<1, Weights, S, Y>, grid, block, room, stream, f);
    if (f.M <= 4) return launch(few_rows_kernel<4, Weights, S, Y>, grid, block, room, stream, f);
    return launch(few_rows_kernel<FEW_ROWS_MAX, Weights, S, Y>, grid, block, room, stream, f);
}

}  // namespace TS_NS
