// LayerNorm: x̂ = (x − mean)·r, r = (variance + ε)^−½, y = x̂∘w + b. dx = r(u − mean(u) − x̂·mean(u∘x̂))
// with u = g∘w; dw = Σ_rows g∘x̂; db = Σ_rows g. One block a row.
#include "device.cuh"

namespace TS_NS {
namespace {

constexpr int VALUES = 8;
constexpr int64_t BLOCK_ROWS = 64;  // rows of one partial sum of dw and db

// ---- kernels -----------------------------------------------------------------------------------

template <class T>
__global__ void forward_kernel(const T *x, const T *w, const T *b, T *y, float *mean, float *rstd, int64_t R,
                               int64_t C, float eps, bool aligned) {
    const int64_t step = (int64_t)blockDim.x * VALUES;
    for (int64_t r = blockIdx.x; r < R; r += gridDim.x) {
        const T *row = x + r * C;
        float total = 0.0f, squares = 0.0f;
        for (int64_t c = threadIdx.x * VALUES; c < C; c += step) {
            float v[VALUES];
            load(row + c, v, aligned && C - c >= VALUES, C - c);
#pragma unroll
            for (int i = 0; i < VALUES; i++) total += v[i];
        }
        const float m = block_sum(total, shared<float>()) / (float)C;
        for (int64_t c = threadIdx.x * VALUES; c < C; c += step) {
            float v[VALUES];
            load(row + c, v, aligned && C - c >= VALUES, C - c);
#pragma unroll
            for (int i = 0; i < VALUES; i++) squares += c + i < C ? (v[i] - m) * (v[i] - m) : 0.0f;
        }
        const float k = 1.0f / sqrtf(block_sum(squares, shared<float>()) / (float)C + eps);
        if (threadIdx.x == 0) {
            mean[r] = m;
            rstd[r] = k;
        }
        for (int64_t c = threadIdx.x * VALUES; c < C; c += step) {
            const bool whole = aligned && C - c >= VALUES;
            float v[VALUES], weight[VALUES], bias[VALUES] = {};
            load(row + c, v, whole, C - c);
            load(w + c, weight, whole, C - c);
            if (b != nullptr) load(b + c, bias, whole, C - c);
#pragma unroll
            for (int i = 0; i < VALUES; i++) v[i] = (v[i] - m) * k * weight[i] + bias[i];
            store(y + r * C + c, v, whole, C - c);
        }
    }
}

template <class T>
__global__ void backward_kernel(const T *g, const T *x, const T *w, const float *mean, const float *rstd, T *dx,
                                int64_t R, int64_t C, bool aligned) {
    const int64_t step = (int64_t)blockDim.x * VALUES;
    for (int64_t r = blockIdx.x; r < R; r += gridDim.x) {
        const float m = mean[r], k = rstd[r];
        float all = 0.0f, along = 0.0f;
        float u[VALUES], v[VALUES], weight[VALUES];
        for (int64_t c = threadIdx.x * VALUES; c < C; c += step) {
            const bool whole = aligned && C - c >= VALUES;
            load(g + r * C + c, u, whole, C - c);
            load(x + r * C + c, v, whole, C - c);
            load(w + c, weight, whole, C - c);
#pragma unroll
            for (int i = 0; i < VALUES; i++) {  // u is 0 where no column is
                u[i] *= weight[i];
                all += u[i];
                along = fmaf(u[i], (v[i] - m) * k, along);
            }
        }
        const float a = block_sum(all, shared<float>()) / (float)C;
        const float s = block_sum(along, shared<float>()) / (float)C;
        for (int64_t c = threadIdx.x * VALUES; c < C; c += step) {
            const bool whole = aligned && C - c >= VALUES;
            load(g + r * C + c, u, whole, C - c);
            load(x + r * C + c, v, whole, C - c);
            load(w + c, weight, whole, C - c);
#pragma unroll
            for (int i = 0; i < VALUES; i++) u[i] = k * (u[i] * weight[i] - a - (v[i] - m) * k * s);
            store(dx + r * C + c, u, whole, C - c);
        }
    }
}

// One thread a column, BLOCK_ROWS rows a block: C sums of g∘x̂, then C of g.
template <class T>
__global__ void parts_kernel(const T *g, const T *x, const float *mean, const float *rstd, float *part, int64_t R,
                             int64_t C) {
    const int64_t c = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (c >= C) return;
    for (int64_t b = blockIdx.y; b * BLOCK_ROWS < R; b += gridDim.y) {
        const int64_t end = least((b + 1) * BLOCK_ROWS, R);
        float dw = 0.0f, db = 0.0f;
        for (int64_t r = b * BLOCK_ROWS; r < end; r++) {
            const float gradient = get(g + r * C + c);
            dw = fmaf(gradient, (get(x + r * C + c) - mean[r]) * rstd[r], dw);
            db += gradient;
        }
        part[b * 2 * C + c] = dw;
        part[b * 2 * C + C + c] = db;
    }
}

__global__ void add_parts_kernel(const float *part, float *dw, float *db, int64_t blocks, int64_t C) {
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    float *to = i < C ? dw : db;
    if (i >= 2 * C || to == nullptr) return;
    float total = to[i < C ? i : i - C];
    for (int64_t b = 0; b < blocks; b++) total += part[b * 2 * C + i];
    to[i < C ? i : i - C] = total;
}

// ---- launchers ---------------------------------------------------------------------------------

dim3 one_block_a_row(int64_t R) { return dim3((unsigned)(R < 0x7fffffff ? R : 0x7fffffff)); }
constexpr size_t ROOM = 32 * sizeof(float);

template <class T>
int norm_fwd(const T *x, const T *w, const T *b, T *y, float *mean, float *rstd, int64_t R, int64_t C,
                    float eps, cudaStream_t stream) {
    if (R < 0 || C <= 0) return TS_BAD_SHAPE;
    const bool aligned = on_16(x, C) && on_16(w) && on_16(b) && on_16(y);
    return launch(forward_kernel<T>, one_block_a_row(R), dim3(threads_for(parts(C, VALUES))), ROOM, stream, x, w, b, y,
                  mean, rstd, R, C, eps, aligned);
}

// The sums over rows first: dx may overwrite g.
template <class T>
int norm_bwd(const T *g, const T *x, const T *w, const float *mean, const float *rstd, T *dx, float *dw,
                    float *db, float *scratch, int64_t R, int64_t C, cudaStream_t stream) {
    if (R < 0 || C <= 0) return TS_BAD_SHAPE;
    const bool sums = dw != nullptr || db != nullptr;
    if (sums && scratch == nullptr) return TS_BAD_ARGUMENT;
    int status = TS_OK;
    if (sums) {
        const int64_t blocks = parts(R, BLOCK_ROWS);
        status = launch(parts_kernel<T>, rows_grid(blocks, parts(C, THREADS)), dim3(THREADS), 0, stream, g, x, mean,
                        rstd, scratch, R, C);
        if (status == TS_OK) status = launch_flat(add_parts_kernel, 2 * C, stream, scratch, dw, db, blocks, C);
    }
    if (status != TS_OK) return status;
    const bool aligned = on_16(g, C) && on_16(x) && on_16(w) && on_16(dx);
    return launch(backward_kernel<T>, one_block_a_row(R), dim3(threads_for(parts(C, VALUES))), ROOM, stream, g, x, w,
                  mean, rstd, dx, R, C, aligned);
}

}  // namespace

#define TS_DEFINE(T, E)                                                                              \
    int layer_norm_fwd_##E(const T *x, const T *w, const T *b, T *y, float *mean, float *rstd,       \
                           int64_t R, int64_t C, float eps, cudaStream_t stream) {                   \
        return norm_fwd(x, w, b, y, mean, rstd, R, C, eps, stream);                                  \
    }                                                                                                \
    int layer_norm_bwd_##E(const T *g, const T *x, const T *w, const float *mean, const float *rstd, \
                           T *dx, float *dw, float *db, float *scratch, int64_t R, int64_t C,        \
                           cudaStream_t stream) {                                                    \
        return norm_bwd(g, x, w, mean, rstd, dx, dw, db, scratch, R, C, stream);                     \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
