// RMSNorm, alone and after a residual addition: r = (mean x² + ε)^−½, y = x·r∘(w + o);
// dx = r(u − x·r²·mean(u∘x)) with u = g∘(w + o); dw = Σ_rows g∘x·r. One block a row.
#include "columns.cuh"

namespace TS_NS {
namespace {

constexpr int VALUES = 8;
constexpr int64_t BLOCK_ROWS = 64;  // rows of one partial sum of dw

// ---- kernels -----------------------------------------------------------------------------------

// With `res`, sum = x + res comes first and is what is normalised.
template <class T>
__global__ void forward_kernel(const T *x, const T *res, const T *w, T *sum, T *y, float *rstd, int64_t R, int64_t C,
                               float eps, float offset, int mode, bool aligned) {
    const int64_t step = (int64_t)blockDim.x * VALUES;
    for (int64_t r = blockIdx.x; r < R; r += gridDim.x) {
        const T *row = (res != nullptr ? sum : x) + r * C;
        float squares = 0.0f;
        for (int64_t c = threadIdx.x * VALUES; c < C; c += step) {
            const bool whole = aligned && C - c >= VALUES;
            float v[VALUES];
            load(x + r * C + c, v, whole, C - c);
            if (res != nullptr) {
                float other[VALUES];
                load(res + r * C + c, other, whole, C - c);
#pragma unroll
                for (int i = 0; i < VALUES; i++) v[i] = rounded<T>(v[i] + other[i]);
                store(sum + r * C + c, v, whole, C - c);
            }
#pragma unroll
            for (int i = 0; i < VALUES; i++) squares = fmaf(v[i], v[i], squares);
        }
        const float k = 1.0f / sqrtf(block_sum(squares, shared<float>()) / (float)C + eps);
        if (threadIdx.x == 0) rstd[r] = k;
        for (int64_t c = threadIdx.x * VALUES; c < C; c += step) {  // each thread reads what it wrote
            const bool whole = aligned && C - c >= VALUES;
            float v[VALUES], weight[VALUES];
            load(row + c, v, whole, C - c);
            if (w != nullptr) load(w + c, weight, whole, C - c);
#pragma unroll
            for (int i = 0; i < VALUES; i++) {
                v[i] *= k;
                if (w != nullptr) v[i] = (mode == 0 ? rounded<T>(v[i]) : v[i]) * (weight[i] + offset);
            }
            store(y + r * C + c, v, whole, C - c);
        }
    }
}

template <class T>
__global__ void backward_kernel(const T *g, const T *g_sum, const T *x, const T *w, const float *rstd, T *dx,
                                int64_t R, int64_t C, float offset, bool aligned) {
    const int64_t step = (int64_t)blockDim.x * VALUES;
    for (int64_t r = blockIdx.x; r < R; r += gridDim.x) {
        const float k = rstd[r];
        float along = 0.0f;
        for (int64_t c = threadIdx.x * VALUES; c < C; c += step) {
            const bool whole = aligned && C - c >= VALUES;
            float u[VALUES], v[VALUES], weight[VALUES];
            load(g + r * C + c, u, whole, C - c);
            load(x + r * C + c, v, whole, C - c);
            if (w != nullptr) load(w + c, weight, whole, C - c);
#pragma unroll
            for (int i = 0; i < VALUES; i++) {
                along = fmaf(w != nullptr ? u[i] * (weight[i] + offset) : u[i], v[i], along);
            }
        }
        const float mean = block_sum(along, shared<float>()) / (float)C * k * k;
        for (int64_t c = threadIdx.x * VALUES; c < C; c += step) {
            const bool whole = aligned && C - c >= VALUES;
            float u[VALUES], v[VALUES], more[VALUES];
            load(g + r * C + c, u, whole, C - c);
            load(x + r * C + c, v, whole, C - c);
            if (w != nullptr) {
                load(w + c, more, whole, C - c);
#pragma unroll
                for (int i = 0; i < VALUES; i++) u[i] *= more[i] + offset;
            }
#pragma unroll
            for (int i = 0; i < VALUES; i++) u[i] = k * (u[i] - v[i] * mean);
            if (g_sum != nullptr) {
                load(g_sum + r * C + c, more, whole, C - c);
#pragma unroll
                for (int i = 0; i < VALUES; i++) u[i] += more[i];
            }
            store(dx + r * C + c, u, whole, C - c);
        }
    }
}

// One thread a column, BLOCK_ROWS rows a block.
template <class T>
__global__ void weight_parts_kernel(const T *g, const T *x, const float *rstd, float *part, int64_t R, int64_t C) {
    const int64_t c = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (c >= C) return;
    for (int64_t b = blockIdx.y; b * BLOCK_ROWS < R; b += gridDim.y) {
        const int64_t end = least((b + 1) * BLOCK_ROWS, R);
        float total = 0.0f;
        for (int64_t r = b * BLOCK_ROWS; r < end; r++) total = fmaf(get(g + r * C + c), get(x + r * C + c) * rstd[r], total);
        part[b * C + c] = total;
    }
}

// ---- launchers ---------------------------------------------------------------------------------

dim3 one_block_a_row(int64_t R) { return dim3((unsigned)(R < 0x7fffffff ? R : 0x7fffffff)); }
constexpr size_t ROOM = 32 * sizeof(float);

template <class T>
int norm_fwd(const T *x, const T *res, const T *w, T *sum, T *y, float *rstd, int64_t R, int64_t C, float eps,
                    float offset, int mode, cudaStream_t stream) {
    if (R < 0 || C <= 0) return TS_BAD_SHAPE;
    const bool aligned = on_16(x, C) && on_16(res) && on_16(w) && on_16(sum) && on_16(y);
    return launch(forward_kernel<T>, one_block_a_row(R), dim3(threads_for(parts(C, VALUES))), ROOM, stream, x, res, w,
                  sum, y, rstd, R, C, eps, offset, mode, aligned);
}

// dw first: dx may overwrite g.
template <class T>
int norm_bwd(const T *g, const T *g_sum, const T *x, const T *w, const float *rstd, T *dx, float *dw,
                    float *scratch, int64_t R, int64_t C, float offset, cudaStream_t stream) {
    if (R < 0 || C <= 0) return TS_BAD_SHAPE;
    if (dw != nullptr && scratch == nullptr) return TS_BAD_ARGUMENT;
    int status = TS_OK;
    if (dw != nullptr) {
        const int64_t blocks = parts(R, BLOCK_ROWS);
        status = launch(weight_parts_kernel<T>, rows_grid(blocks, parts(C, THREADS)), dim3(THREADS), 0, stream, g, x,
                        rstd, scratch, R, C);
        if (status == TS_OK) status = launch_flat(add_parts_kernel, C, stream, scratch, dw, blocks, C);
    }
    if (status != TS_OK) return status;
    const bool aligned = on_16(g, C) && on_16(g_sum) && on_16(x) && on_16(w) && on_16(dx);
    return launch(backward_kernel<T>, one_block_a_row(R), dim3(threads_for(parts(C, VALUES))), ROOM, stream, g, g_sum,
                  x, w, rstd, dx, R, C, offset, aligned);
}

}  // namespace

#define TS_DEFINE(T, E)                                                                              \
    int rmsnorm_fwd_##E(const T *x, const T *w, T *y, float *rstd, int64_t R, int64_t C, float eps,  \
                        float offset, int mode, cudaStream_t stream) {                               \
        return norm_fwd(x, (const T *)nullptr, w, (T *)nullptr, y, rstd, R, C, eps, offset, mode,    \
                        stream);                                                                     \
    }                                                                                                \
    int add_rmsnorm_fwd_##E(const T *x, const T *res, const T *w, T *s, T *y, float *rstd,           \
                            int64_t R, int64_t C, float eps, float offset, int mode,                 \
                            cudaStream_t stream) {                                                   \
        return norm_fwd(x, res, w, s, y, rstd, R, C, eps, offset, mode, stream);                     \
    }                                                                                                \
    int rmsnorm_bwd_##E(const T *g, const T *gs, const T *x, const T *w, const float *rstd, T *dx,   \
                        float *dw, float *scratch, int64_t R, int64_t C, float offset,               \
                        cudaStream_t stream) {                                                       \
        return norm_bwd(g, gs, x, w, rstd, dx, dw, scratch, R, C, offset, stream);                   \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
