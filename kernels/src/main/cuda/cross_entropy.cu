// Cross-entropy of logits rows with the gradient written in place; formulas are those of
// src/main/c/cross_entropy.cpp. One block a row: one pass for maximum, sum and statistics together,
// one for the gradient.
#include "device.cuh"

namespace TS_NS {
namespace {

constexpr int VALUES = 8;

struct Options {
    float scale, softcap, smoothing, z_loss, gradient_scale;
};
struct Inputs {
    const int32_t *labels;
    const float *weights, *entropy_weights;
};
struct Outputs {
    float *losses, *lse, *statistics;
    int32_t *correct;
};

// ---- kernels -----------------------------------------------------------------------------------

__device__ __forceinline__ float shaped(float z, const Options &o) {
    const float x = z * o.scale;
    return o.softcap > 0.0f ? o.softcap * tanhf(x / o.softcap) : x;
}

// Sums over part of a row, relative to its largest value m: Σe, Σe(x − m), Σe² with e = exp(x − m).
struct Sums {
    float m, e, weighted, squares, all;
};

// The two parts as one. An empty part has m = −∞.
__device__ __forceinline__ Sums joined(const Sums &a, const Sums &b) {
    const float m = fmaxf(a.m, b.m);
    const float fa = a.m == m ? 1.0f : expf(a.m - m), fb = b.m == m ? 1.0f : expf(b.m - m);
    const float da = a.e == 0.0f ? 0.0f : a.m - m, db = b.e == 0.0f ? 0.0f : b.m - m;
    return {m, a.e * fa + b.e * fb, (a.weighted + a.e * da) * fa + (b.weighted + b.e * db) * fb,
            a.squares * fa * fa + b.squares * fb * fb, a.all + b.all};
}

__device__ __forceinline__ Sums of_lane(const Sums &s, int distance) {
    return {__shfl_xor_sync(ALL, s.m, distance), __shfl_xor_sync(ALL, s.e, distance),
            __shfl_xor_sync(ALL, s.weighted, distance), __shfl_xor_sync(ALL, s.squares, distance),
            __shfl_xor_sync(ALL, s.all, distance)};
}

// Lane i and lane i ^ d join the same two parts, but in turned order; addition does not mind.
__device__ __forceinline__ Sums warp_joined(Sums s) {
#pragma unroll
    for (int i = 16; i > 0; i >>= 1) s = joined(s, of_lane(s, i));
    return s;
}

template <class T>
__device__ Sums sums_of(const T *z, int64_t V, const Options &o, bool aligned, Sums *room) {
    Sums mine = {-infinity(), 0.0f, 0.0f, 0.0f, 0.0f};
    for (int64_t c = threadIdx.x * VALUES; c < V; c += (int64_t)blockDim.x * VALUES) {
        float x[VALUES];
        load(z + c, x, aligned && V - c >= VALUES, V - c);
        float top = mine.m;
#pragma unroll
        for (int i = 0; i < VALUES; i++) {
            x[i] = c + i < V ? shaped(x[i], o) : -infinity();
            top = fmaxf(top, x[i]);
        }
        if (top > mine.m) mine = joined(mine, Sums{top, 0.0f, 0.0f, 0.0f, 0.0f});
#pragma unroll
        for (int i = 0; i < VALUES; i++) {
            if (c + i >= V) continue;
            const float below = x[i] - mine.m, e = expf(below);
            mine.e += e;
            mine.weighted = fmaf(e, below, mine.weighted);
            mine.squares = fmaf(e, e, mine.squares);
            mine.all += x[i];
        }
    }
    mine = warp_joined(mine);
    const int warps = (int)blockDim.x / 32;
    if (warps == 1) return mine;
    if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = mine;
    __syncthreads();
    const Sums empty = {-infinity(), 0.0f, 0.0f, 0.0f, 0.0f};
    return warp_joined((int)threadIdx.x % 32 < warps ? room[threadIdx.x % 32] : empty);
}

// What the gradient of a row is made of.
struct Slope {
    float k, lse, turn, entropy;
};

__device__ __forceinline__ float gradient_at(float x, bool at_label, const Slope &s, int64_t V, const Options &o) {
    const float p = expf(x - s.lse);
    float d = s.k * (p * (1.0f + 2.0f * o.z_loss * s.lse) - o.smoothing / (float)V);
    if (at_label) d -= s.k * (1.0f - o.smoothing);
    if (s.turn != 0.0f) d -= s.turn * p * (x - s.lse + s.entropy);
    d *= o.scale;
    return o.softcap > 0.0f ? d * (1.0f - (x / o.softcap) * (x / o.softcap)) : d;
}

template <class T>
__global__ void cross_entropy_kernel(T *logits, Inputs in, Outputs out, int64_t R, int64_t V, int64_t stride,
                                     Options o, bool gradient, bool aligned) {
    for (int64_t r = blockIdx.x; r < R; r += gridDim.x) {
        T *z = logits + r * stride;
        __syncthreads();  // the sums of the row before
        const Sums s = sums_of(z, V, o, aligned, shared<Sums>());
        const float rest = logf(s.e), lse = s.m + rest, mean = s.all / (float)V;
        const float entropy = rest - s.weighted / s.e;
        const int32_t label = in.labels[r];
        const bool ignored = label == TS_IGNORED_LABEL, known = ignored || (label >= 0 && label < V);
        const float x = known && !ignored ? shaped(get(z + label), o) : 0.0f;
        if (threadIdx.x == 0) {
            // Differences to the largest first: lse − x' would lose the digits of a confident row.
            const float loss = (1.0f - o.smoothing) * (s.m - x + rest) + o.smoothing * (s.m - mean + rest) +
                               o.z_loss * lse * lse;
            out.losses[r] = ignored ? 0.0f : known ? loss : nan_value();
            if (out.lse != nullptr) out.lse[r] = lse;
            if (out.correct != nullptr) out.correct[r] = known && !ignored && x >= s.m;
            if (out.statistics != nullptr) {
                out.statistics[3 * r] = entropy;
                out.statistics[3 * r + 1] = mean;
                out.statistics[3 * r + 2] = logf(s.squares) - 2.0f * rest;
            }
        }
        if (!gradient) continue;
        __syncthreads();  // all threads have read the label's logit
        const float k = o.gradient_scale * (in.weights != nullptr ? in.weights[r] : 1.0f);
        const float turn = in.entropy_weights != nullptr ? o.gradient_scale * in.entropy_weights[r] : 0.0f;
        const Slope slope = {known ? k : nan_value(), lse, turn, entropy};
        for (int64_t c = threadIdx.x * VALUES; c < V; c += (int64_t)blockDim.x * VALUES) {
            const bool whole = aligned && V - c >= VALUES;
            float d[VALUES];
            load(z + c, d, whole, V - c);
#pragma unroll
            for (int i = 0; i < VALUES; i++) {
                d[i] = ignored ? 0.0f : gradient_at(shaped(d[i], o), c + i == label, slope, V, o);
            }
            store(z + c, d, whole, V - c);
        }
    }
}

// ---- launchers ---------------------------------------------------------------------------------

template <class T>
int cross_entropy(T *logits, const Inputs &in, const Outputs &out, int64_t R, int64_t V, int64_t stride,
                         const Options &o, int gradient, cudaStream_t stream) {
    if (R < 0 || V <= 0 || stride < V) return TS_BAD_SHAPE;
    const dim3 grid((unsigned)(R < 0x7fffffff ? R : 0x7fffffff));
    return launch(cross_entropy_kernel<T>, grid, dim3(threads_for(parts(V, VALUES))), 32 * sizeof(Sums), stream, logits,
                  in, out, R, V, stride, o, gradient != 0, on_16(logits, stride));
}

}  // namespace

#define TS_DEFINE(T, E)                                                                              \
    int cross_entropy_##E(T *logits, const int32_t *labels, const float *weights,                    \
                          const float *entropy_weights, float *losses, float *lse, int32_t *correct, \
                          float *statistics, int64_t R, int64_t V, int64_t stride, float scale,      \
                          float softcap, float smoothing, float z_loss, float gradient_scale,        \
                          int gradient, cudaStream_t stream) {                                       \
        return cross_entropy(logits, Inputs{labels, weights, entropy_weights},                       \
                             Outputs{losses, lse, statistics, correct}, R, V, stride,                \
                             Options{scale, softcap, smoothing, z_loss, gradient_scale}, gradient,   \
                             stream);                                                                \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
