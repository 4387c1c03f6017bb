// Gated feed-forward: h = f(gate)·up. Backward: dup = g·f, dgate = g·up·f'.
#include "device.cuh"

namespace TS_NS {
namespace {

constexpr int VALUES = 8;

struct Point {
    float value, slope;
};

struct Silu {
    static __device__ __forceinline__ Point at(float e) {
        const float s = 1.0f / (1.0f + __expf(-e));
        return {e * s, s * fmaf(e, 1.0f - s, 1.0f)};
    }
};

struct Gelu {
    static __device__ __forceinline__ Point at(float e) {
        const float half = fmaf(0.5f, erff(e * 0.70710678f), 0.5f);
        const float density = __expf(e * e * -0.5f) * 0.39894228f;
        return {e * half, fmaf(e, density, half)};
    }
};

struct GeluTanh {
    static __device__ __forceinline__ Point at(float e) {
        const float square = e * e;
        const float t = tanhf(e * fmaf(square, 0.79788456f * 0.044715f, 0.79788456f));
        const float half = fmaf(0.5f, t, 0.5f);
        const float inner = fmaf(square, 0.79788456f * 0.134145f, 0.79788456f);
        return {e * half, fmaf(e * 0.5f * (1.0f - t * t), inner, half)};
    }
};

struct Strides {
    int64_t g, gate, up, dgate, dup, h;
};

// ---- kernels -----------------------------------------------------------------------------------

template <class A, class T>
__global__ void forward_kernel(const T *gate, const T *up, T *h, int64_t R, int64_t C, Strides s, bool aligned) {
    const int64_t c = ((int64_t)blockIdx.x * THREADS + threadIdx.x) * VALUES;
    const bool whole = aligned && C - c >= VALUES;
    for (int64_t r = blockIdx.y; r < R; r += gridDim.y) {
        float e[VALUES], u[VALUES];
        load(gate + r * s.gate + c, e, whole, C - c);
        load(up + r * s.up + c, u, whole, C - c);
#pragma unroll
        // The two-step model rounds the activation before it multiplies; so do we.
        for (int i = 0; i < VALUES; i++) u[i] *= rounded<T>(A::at(e[i]).value);
        store(h + r * s.h + c, u, whole, C - c);
    }
}

template <class T>
struct Gradients {
    const T *g, *gate, *up;
    T *dgate, *dup, *h;
};

template <class A, class T>
__global__ void backward_kernel(Gradients<T> t, int64_t R, int64_t C, Strides s, bool aligned) {
    const int64_t c = ((int64_t)blockIdx.x * THREADS + threadIdx.x) * VALUES;
    const bool whole = aligned && C - c >= VALUES;
    for (int64_t r = blockIdx.y; r < R; r += gridDim.y) {
        float g[VALUES], e[VALUES], u[VALUES], h[VALUES];
        load(t.g + r * s.g + c, g, whole, C - c);
        load(t.gate + r * s.gate + c, e, whole, C - c);
        load(t.up + r * s.up + c, u, whole, C - c);
#pragma unroll
        for (int i = 0; i < VALUES; i++) {
            const Point p = A::at(e[i]);
            h[i] = rounded<T>(p.value) * u[i];
            e[i] = g[i] * u[i] * p.slope;
            u[i] = g[i] * p.value;
        }
        store(t.dgate + r * s.dgate + c, e, whole, C - c);
        store(t.dup + r * s.dup + c, u, whole, C - c);
        if (t.h != nullptr) store(t.h + r * s.h + c, h, whole, C - c);
    }
}

// ---- launchers ---------------------------------------------------------------------------------

template <class A, class T>
int forward(const T *gate, const T *up, T *h, int64_t R, int64_t C, Strides s, cudaStream_t stream) {
    const bool aligned = on_16(gate, s.gate) && on_16(up, s.up) && on_16(h, s.h);
    return launch(forward_kernel<A, T>, rows_grid(R, parts(C, VALUES * THREADS)), dim3(THREADS), 0, stream, gate, up,
                  h, R, C, s, aligned);
}

template <class A, class T>
int backward(const Gradients<T> &t, int64_t R, int64_t C, Strides s, cudaStream_t stream) {
    const bool aligned = on_16(t.g, s.g) && on_16(t.gate, s.gate) && on_16(t.up, s.up) && on_16(t.dgate, s.dgate) &&
                         on_16(t.dup, s.dup) && on_16(t.h, s.h);
    return launch(backward_kernel<A, T>, rows_grid(R, parts(C, VALUES * THREADS)), dim3(THREADS), 0, stream, t, R, C,
                  s, aligned);
}

template <class T>
int gated_fwd(const T *gate, const T *up, T *h, int64_t R, int64_t C, Strides s, int activation,
                     cudaStream_t stream) {
    if (R < 0 || C < 0) return TS_BAD_SHAPE;
    switch (activation) {
        case 0: return forward<Silu>(gate, up, h, R, C, s, stream);
        case 1: return forward<Gelu>(gate, up, h, R, C, s, stream);
        case 2: return forward<GeluTanh>(gate, up, h, R, C, s, stream);
        default: return TS_BAD_ARGUMENT;
    }
}

template <class T>
int gated_bwd(const Gradients<T> &t, int64_t R, int64_t C, Strides s, int activation, cudaStream_t stream) {
    if (R < 0 || C < 0) return TS_BAD_SHAPE;
    switch (activation) {
        case 0: return backward<Silu>(t, R, C, s, stream);
        case 1: return backward<Gelu>(t, R, C, s, stream);
        case 2: return backward<GeluTanh>(t, R, C, s, stream);
        default: return TS_BAD_ARGUMENT;
    }
}

}  // namespace

#define TS_DEFINE(T, E)                                                                              \
    int gated_fwd_##E(const T *gate, const T *up, T *h, int64_t R, int64_t C, int64_t gate_stride,   \
                      int64_t up_stride, int64_t h_stride, int activation, cudaStream_t stream) {    \
        return gated_fwd(gate, up, h, R, C, Strides{0, gate_stride, up_stride, 0, 0, h_stride},      \
                         activation, stream);                                                        \
    }                                                                                                \
    int gated_bwd_##E(const T *g, const T *gate, const T *up, T *dgate, T *dup, T *h, int64_t R,     \
                      int64_t C, int64_t g_stride, int64_t gate_stride, int64_t up_stride,           \
                      int64_t dgate_stride, int64_t dup_stride, int64_t h_stride, int activation,    \
                      cudaStream_t stream) {                                                         \
        return gated_bwd(Gradients<T>{g, gate, up, dgate, dup, h}, R, C,                             \
                         Strides{g_stride, gate_stride, up_stride, dgate_stride, dup_stride,         \
                                 h_stride},                                                          \
                         activation, stream);                                                        \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
