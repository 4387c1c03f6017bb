// Gated feed-forward: h = f(gate)·up. Backward: dup = g·f, dgate = g·up·f'.
#include "operations.h"
#include "parallel.h"
#include "vec_math.h"

namespace TS_NS {

struct Point {
    F value, slope;
};

struct Silu {
    static inline Point at(F e) {
        F s = sigmoid(e);
        return {e * s, s * fma(e, set(1.0f) - s, set(1.0f))};
    }
};

struct Gelu {
    static inline Point at(F e) {
        F half = fma(set(0.5f), erf(e * set(0.70710678f)), set(0.5f));
        F density = exp(e * e * set(-0.5f)) * set(0.39894228f);
        return {e * half, fma(e, density, half)};
    }
};

struct GeluTanh {
    static inline Point at(F e) {
        F square = e * e;
        F t = tanh(e * fma(square, set(0.79788456f * 0.044715f), set(0.79788456f)));
        F half = fma(set(0.5f), t, set(0.5f));
        F inner = fma(square, set(0.79788456f * 0.134145f), set(0.79788456f));
        return {e * half, fma(e * set(0.5f) * (set(1.0f) - t * t), inner, half)};
    }
};

template <class A, class T>
static void forward(const T *gate, const T *up, T *h, int64_t R, int64_t C, int64_t gate_stride,
                    int64_t up_stride, int64_t h_stride, int threads) {
    for_rows(R, C, threads, [&](int64_t r) {
        const T *e = gate + r * gate_stride, *u = up + r * up_stride;
        T *to = h + r * h_stride;
        TS_FOR_VECTORS(c, C, {
            F a = A::at(get_lanes<whole>(e + c, L)).value;
            // The two-step model rounds the activation before it multiplies; so do we.
            put_lanes<whole>(to + c, rounded(a, e) * get_lanes<whole>(u + c, L), L);
        })
    });
}

template <class T>
struct Backward {
    const T *g, *gate, *up;
    T *dgate, *dup, *h;
    int64_t R, C, g_stride, gate_stride, up_stride, dgate_stride, dup_stride, h_stride;

    template <class A>
    void run(int threads) const {
        for_rows(R, C, threads, [&](int64_t r) {
            const T *gr = g + r * g_stride, *e = gate + r * gate_stride, *u = up + r * up_stride;
            T *de = dgate + r * dgate_stride, *du = dup + r * dup_stride;
            T *to = h != nullptr ? h + r * h_stride : nullptr;
            TS_FOR_VECTORS(c, C, {
                F gv = get_lanes<whole>(gr + c, L), uv = get_lanes<whole>(u + c, L);
                Point p = A::at(get_lanes<whole>(e + c, L));
                put_lanes<whole>(de + c, gv * uv * p.slope, L);
                put_lanes<whole>(du + c, gv * p.value, L);
                if (to != nullptr) put_lanes<whole>(to + c, rounded(p.value, e) * uv, L);
            })
        });
    }
};

template <class T>
static int gated_fwd(const T *gate, const T *up, T *h, int64_t R, int64_t C, int64_t gate_stride,
                     int64_t up_stride, int64_t h_stride, int activation, int threads) {
    if (R < 0 || C < 0) return TS_BAD_SHAPE;
    switch (activation) {
        case 0: forward<Silu>(gate, up, h, R, C, gate_stride, up_stride, h_stride, threads); break;
        case 1: forward<Gelu>(gate, up, h, R, C, gate_stride, up_stride, h_stride, threads); break;
        case 2: forward<GeluTanh>(gate, up, h, R, C, gate_stride, up_stride, h_stride, threads); break;
        default: return TS_BAD_ARGUMENT;
    }
    return TS_OK;
}

template <class T>
static int gated_bwd(const Backward<T> &work, int activation, int threads) {
    if (work.R < 0 || work.C < 0) return TS_BAD_SHAPE;
    switch (activation) {
        case 0: work.template run<Silu>(threads); break;
        case 1: work.template run<Gelu>(threads); break;
        case 2: work.template run<GeluTanh>(threads); break;
        default: return TS_BAD_ARGUMENT;
    }
    return TS_OK;
}

#define TS_DEFINE(T, E)                                                                            \
    int gated_fwd_##E(const T *gate, const T *up, T *h, int64_t R, int64_t C, int64_t gate_stride, \
                      int64_t up_stride, int64_t h_stride, int activation, int threads) {          \
        return gated_fwd(gate, up, h, R, C, gate_stride, up_stride, h_stride, activation,          \
                         threads);                                                                 \
    }                                                                                              \
    int gated_bwd_##E(const T *g, const T *gate, const T *up, T *dgate, T *dup, T *h, int64_t R,   \
                      int64_t C, int64_t g_stride, int64_t gate_stride, int64_t up_stride,         \
                      int64_t dgate_stride, int64_t dup_stride, int64_t h_stride, int activation,  \
                      int threads) {                                                               \
        return gated_bwd(Backward<T>{g, gate, up, dgate, dup, h, R, C, g_stride, gate_stride,      \
                                     up_stride, dgate_stride, dup_stride, h_stride},               \
                         activation, threads);                                                     \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
