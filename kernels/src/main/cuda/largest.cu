// The largest value of a row and where it is, the first of equals: greedy decoding. One block a row.
#include "device.cuh"

namespace TS_NS {
namespace {

constexpr int BLOCK = 1024;

struct Best {
    float value;
    int32_t column;
};

// ---- kernels -----------------------------------------------------------------------------------

__device__ __forceinline__ Best better(const Best &a, const Best &b) {
    return b.value > a.value || (b.value == a.value && b.column < a.column) ? b : a;
}

__device__ __forceinline__ Best warp_best(Best best) {
#pragma unroll
    for (int i = 16; i > 0; i >>= 1) {
        best = better(best, Best{__shfl_xor_sync(ALL, best.value, i), __shfl_xor_sync(ALL, best.column, i)});
    }
    return best;
}

// A row without a number larger than minus infinity gives its first column.
__global__ void largest_kernel(const float *x, int32_t *columns, int64_t R, int64_t C, int64_t stride) {
    Best *room = shared<Best>();
    for (int64_t r = blockIdx.x; r < R; r += gridDim.x) {
        Best best = {-infinity(), 0};
        for (int64_t c = threadIdx.x; c < C; c += blockDim.x) {
            const float value = x[r * stride + c];
            if (value > best.value) best = {value, (int32_t)c};
        }
        best = warp_best(best);
        __syncthreads();  // the row before
        if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = best;
        __syncthreads();
        if (threadIdx.x != 0) continue;
        for (int w = 1; w < (int)blockDim.x / 32; w++) best = better(best, room[w]);
        columns[r] = best.column;
    }
}

}  // namespace

// ---- launchers ---------------------------------------------------------------------------------

int largest_f32(const float *x, int32_t *columns, int64_t R, int64_t C, int64_t stride, cudaStream_t stream) {
    if (R < 0 || C < 1) return TS_BAD_SHAPE;
    const dim3 grid((unsigned)(R < 0x7fffffff ? R : 0x7fffffff));
    return launch(largest_kernel, grid, dim3(threads_for(C, BLOCK)), 32 * sizeof(Best), stream, x, columns, R, C, stride);
}

}  // namespace TS_NS
