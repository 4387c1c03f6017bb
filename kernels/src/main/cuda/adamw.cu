// AdamW with decoupled decay, formula and order of operations of torch.optim.AdamW; see
// src/main/c/adamw.cpp. The clip factor is read on the device: no step waits for the host.
#include "device.cuh"

namespace TS_NS {
namespace {

struct Step {
    float keep, to_m, beta2, to_v, root, eps, rate;
};

// ---- kernels -----------------------------------------------------------------------------------

constexpr int VALUES = 8;

template <class T>
__global__ void adamw_kernel(Step s, float *p, bf16 *copy, const T *g, float *m, float *v, const float *clip,
                             int64_t n, bool aligned) {
    const int64_t at = ((int64_t)blockIdx.x * THREADS + threadIdx.x) * VALUES, count = n - at;
    const float factor = clip != nullptr ? *clip : 1.0f;
    if (count <= 0 || !isfinite(factor)) return;
    const bool whole = aligned && count >= VALUES;
    float pv[VALUES], gv[VALUES], mv[VALUES], vv[VALUES];
    load(p + at, pv, whole, count);
    load(g + at, gv, whole, count);
    load(m + at, mv, whole, count);
    load(v + at, vv, whole, count);
#pragma unroll
    for (int i = 0; i < VALUES; i++) {
        const float gradient = gv[i] * factor;
        mv[i] = fmaf(gradient - mv[i], s.to_m, mv[i]);
        vv[i] = fmaf(gradient * gradient, s.to_v, vv[i] * s.beta2);
        pv[i] = pv[i] * s.keep - s.rate * (mv[i] / fmaf(sqrtf(vv[i]), s.root, s.eps));
    }
    store(p + at, pv, whole, count);
    store(m + at, mv, whole, count);
    store(v + at, vv, whole, count);
    if (copy != nullptr) store(copy + at, pv, whole, count);
}

// ---- launchers ---------------------------------------------------------------------------------

Step step_of(double rate, double beta1, double beta2, double eps, double decay, int64_t step) {
    const double correction1 = 1.0 - pow(beta1, (double)step), correction2 = 1.0 - pow(beta2, (double)step);
    return {(float)(1.0 - rate * decay), (float)(1.0 - beta1),           (float)beta2,
            (float)(1.0 - beta2),        (float)(1.0 / sqrt(correction2)), (float)eps,
            (float)(rate / correction1)};
}

template <class T>
int adamw(float *p, bf16 *copy, const T *g, float *m, float *v, const float *clip, int64_t n, double rate,
                 double beta1, double beta2, double eps, double decay, int64_t step, cudaStream_t stream) {
    if (n < 0) return TS_BAD_SHAPE;
    if (step < 1) return TS_BAD_ARGUMENT;
    const bool aligned = on_16(p) && on_16(copy) && on_16(g) && on_16(m) && on_16(v);
    return launch_flat(adamw_kernel<T>, parts(n, VALUES), stream, step_of(rate, beta1, beta2, eps, decay, step), p,
                       copy, g, m, v, clip, n, aligned);
}

}  // namespace

#define TS_DEFINE(T, E)                                                                              \
    int adamw_f32_##E(float *p, const T *g, float *m, float *v, const float *clip, int64_t n,        \
                      double rate, double beta1, double beta2, double eps, double decay,             \
                      int64_t step, cudaStream_t stream) {                                           \
        return adamw(p, (bf16 *)nullptr, g, m, v, clip, n, rate, beta1, beta2, eps, decay, step,     \
                     stream);                                                                        \
    }                                                                                                \
    int adamw_bf16_##E(bf16 *p, float *master, const T *g, float *m, float *v, const float *clip,    \
                       int64_t n, double rate, double beta1, double beta2, double eps, double decay, \
                       int64_t step, cudaStream_t stream) {                                          \
        return adamw(master, p, g, m, v, clip, n, rate, beta1, beta2, eps, decay, step, stream);     \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
