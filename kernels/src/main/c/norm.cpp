// RMSNorm, alone and after a residual addition. kernels reference: r = (mean x² + ε)^−½,
// y = x·r∘(w + o); dx = r(u − x·r²·mean(u∘x)) with u = g∘(w + o); dw = Σ_rows g∘x·r.
#include "operations.h"
#include "parallel.h"
#include "vec.h"

namespace TS_NS {

// Rows of one partial sum of dw. Fixed, so that the order of additions never depends on threads.
constexpr int64_t BLOCK_ROWS = 64;

template <class T>
static inline float mean_square(const T *x, int64_t C) {
    F a = set(0.0f), b = set(0.0f);
    float tail = 0.0f;
    int64_t c = 0;
    for (; c + 2 * W <= C; c += 2 * W) {
        F x0 = load(x + c), x1 = load(x + c + W);
        a = fma(x0, x0, a);
        b = fma(x1, x1, b);
    }
    for (; c < C; c++) tail += get(x + c) * get(x + c);
    return (sum(a + b) + tail) / (float)C;
}

template <class T>
static inline void normalise(const T *x, const T *w, T *y, int64_t C, float r, float offset,
                             int mode) {
    const F rv = set(r), o = set(offset);
    TS_FOR_VECTORS(c, C, {
        F n = get_lanes<whole>(x + c, L) * rv;
        if (w != nullptr) {
            if (mode == 0) n = rounded(n, x);
            n = n * (get_lanes<whole>(w + c, L) + o);
        }
        put_lanes<whole>(y + c, n, L);
    })
}

template <class T>
static int norm_fwd(const T *x, const T *w, T *y, float *rstd, int64_t R, int64_t C, float eps,
                    float offset, int mode, int threads) {
    if (R < 0 || C <= 0) return TS_BAD_SHAPE;
    for_rows(R, C, threads, [&](int64_t r) {
        float k = 1.0f / __builtin_sqrtf(mean_square(x + r * C, C) + eps);
        rstd[r] = k;
        normalise(x + r * C, w, y + r * C, C, k, offset, mode);
    });
    return TS_OK;
}

template <class T>
static int add_norm_fwd(const T *x, const T *res, const T *w, T *s, T *y, float *rstd, int64_t R,
                        int64_t C, float eps, float offset, int mode, int threads) {
    if (R < 0 || C <= 0) return TS_BAD_SHAPE;
    for_rows(R, C, threads, [&](int64_t r) {
        const T *a = x + r * C, *b = res + r * C;
        T *to = s + r * C;
        TS_FOR_VECTORS(c, C, {
            put_lanes<whole>(to + c, get_lanes<whole>(a + c, L) + get_lanes<whole>(b + c, L), L);
        })
        float k = 1.0f / __builtin_sqrtf(mean_square(to, C) + eps);
        rstd[r] = k;
        normalise(to, w, y + r * C, C, k, offset, mode);
    });
    return TS_OK;
}

template <class T>
static inline void row_bwd(const T *g, const T *gs, const T *x, const T *w, T *dx, float *dw,
                           int64_t C, float r, float offset) {
    const F o = set(offset), rv = set(r);
    F dot = set(0.0f);
    TS_FOR_VECTORS(c, C, {
        F gv = get_lanes<whole>(g + c, L), xv = get_lanes<whole>(x + c, L);
        F u = w != nullptr ? gv * (get_lanes<whole>(w + c, L) + o) : gv;
        dot = fma(u, xv, dot);
        if (dw != nullptr) {
            put_lanes<whole>(dw + c, fma(gv, xv * rv, get_lanes<whole>(dw + c, L)), L);
        }
    })
    const F k = set(sum(dot) / (float)C * r * r);
    TS_FOR_VECTORS(c, C, {
        F gv = get_lanes<whole>(g + c, L), xv = get_lanes<whole>(x + c, L);
        F u = w != nullptr ? gv * (get_lanes<whole>(w + c, L) + o) : gv;
        F d = rv * (u - xv * k);
        if (gs != nullptr) d = d + get_lanes<whole>(gs + c, L);
        put_lanes<whole>(dx + c, d, L);
    })
}

template <class T>
static int norm_bwd(const T *g, const T *gs, const T *x, const T *w, const float *rstd, T *dx,
                    float *dw, float *scratch, int64_t R, int64_t C, float offset, int threads) {
    if (R < 0 || C <= 0) return TS_BAD_SHAPE;
    if (dw != nullptr && scratch == nullptr) return TS_BAD_ARGUMENT;
    int64_t blocks = (R + BLOCK_ROWS - 1) / BLOCK_ROWS;
    for_rows(blocks, BLOCK_ROWS * C, threads, [&](int64_t b) {
        float *part = dw != nullptr ? scratch + b * C : nullptr;
        if (part != nullptr) __builtin_memset(part, 0, C * sizeof(float));
        int64_t end = (b + 1) * BLOCK_ROWS < R ? (b + 1) * BLOCK_ROWS : R;
        for (int64_t r = b * BLOCK_ROWS; r < end; r++) {
            const T *gsr = gs != nullptr ? gs + r * C : nullptr;
            row_bwd(g + r * C, gsr, x + r * C, w, dx + r * C, part, C, rstd[r], offset);
        }
    });
    if (dw == nullptr) return TS_OK;
    for (int64_t b = 0; b < blocks; b++) {
        const float *part = scratch + b * C;
        TS_FOR_VECTORS(c, C, {
            put_lanes<whole>(dw + c, get_lanes<whole>(dw + c, L) + get_lanes<whole>(part + c, L), L);
        })
    }
    return TS_OK;
}

#define TS_DEFINE(T, E)                                                                            \
    int rmsnorm_fwd_##E(const T *x, const T *w, T *y, float *rstd, int64_t R, int64_t C,           \
                        float eps, float offset, int mode, int threads) {                          \
        return norm_fwd(x, w, y, rstd, R, C, eps, offset, mode, threads);                          \
    }                                                                                              \
    int add_rmsnorm_fwd_##E(const T *x, const T *res, const T *w, T *s, T *y, float *rstd,         \
                            int64_t R, int64_t C, float eps, float offset, int mode,               \
                            int threads) {                                                         \
        return add_norm_fwd(x, res, w, s, y, rstd, R, C, eps, offset, mode, threads);              \
    }                                                                                              \
    int rmsnorm_bwd_##E(const T *g, const T *gs, const T *x, const T *w, const float *rstd, T *dx, \
                        float *dw, float *scratch, int64_t R, int64_t C, float offset,             \
                        int threads) {                                                             \
        return norm_bwd(g, gs, x, w, rstd, dx, dw, scratch, R, C, offset, threads);                \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
