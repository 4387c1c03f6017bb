// LayerNorm: x̂ = (x − mean)·r, r = (variance + ε)^−½, y = x̂∘w + b. dx = r(u − mean(u) − x̂·mean(u∘x̂))
// with u = g∘w; dw = Σ_rows g∘x̂; db = Σ_rows g.
#include "operations.h"
#include "parallel.h"
#include "vec.h"

namespace TS_NS {

// Rows of one partial sum of dw and db. Fixed, so that the order never depends on threads.
constexpr int64_t BLOCK_ROWS = 64;

template <class T>
static inline void statistics(const T *x, int64_t C, float eps, float *mean, float *r) {
    F total = set(0.0f);
    float tail = 0.0f;
    int64_t c = 0;
    for (; c + W <= C; c += W) total = total + load(x + c);
    for (; c < C; c++) tail += get(x + c);
    const float m = (sum(total) + tail) / (float)C;
    const F mv = set(m);
    F squares = set(0.0f);
    tail = 0.0f;
    for (c = 0; c + W <= C; c += W) {
        F d = load(x + c) - mv;
        squares = fma(d, d, squares);
    }
    for (; c < C; c++) tail += (get(x + c) - m) * (get(x + c) - m);
    *mean = m;
    *r = 1.0f / __builtin_sqrtf((sum(squares) + tail) / (float)C + eps);
}

template <class T>
static int norm_fwd(const T *x, const T *w, const T *b, T *y, float *mean, float *rstd, int64_t R, int64_t C,
                    float eps, int threads) {
    if (R < 0 || C <= 0) return TS_BAD_SHAPE;
    for_rows(R, C, threads, [&](int64_t r) {
        const T *from = x + r * C;
        T *to = y + r * C;
        statistics(from, C, eps, mean + r, rstd + r);
        const F m = set(mean[r]), k = set(rstd[r]);
        TS_FOR_VECTORS(c, C, {
            F n = (get_lanes<whole>(from + c, L) - m) * k * get_lanes<whole>(w + c, L);
            if (b != nullptr) n = n + get_lanes<whole>(b + c, L);
            put_lanes<whole>(to + c, n, L);
        })
    });
    return TS_OK;
}

template <class T>
struct LayerNormBackward {
    const T *g, *x, *w;
    const float *mean, *rstd;
    T *dx;
    float *dw, *db;
    int64_t C;

    void row(int64_t r, float *part) const {
        const T *gr = g + r * C, *xr = x + r * C;
        const F m = set(mean[r]), k = set(rstd[r]);
        F all = set(0.0f), along = set(0.0f);
        TS_FOR_VECTORS(c, C, {
            F gv = get_lanes<whole>(gr + c, L);
            F n = (get_lanes<whole>(xr + c, L) - m) * k;
            F u = gv * get_lanes<whole>(w + c, L);
            // Lanes that do not exist hold 0 in u, so that neither sum sees them.
            all = all + u;
            along = fma(u, n, along);
            if (part != nullptr) {
                put_lanes<whole>(part + c, fma(gv, n, get_lanes<whole>(part + c, L)), L);
                put_lanes<whole>(part + C + c, gv + get_lanes<whole>(part + C + c, L), L);
            }
        })
        const F a = set(sum(all) / (float)C), s = set(sum(along) / (float)C);
        TS_FOR_VECTORS(c, C, {
            F n = (get_lanes<whole>(xr + c, L) - m) * k;
            F u = get_lanes<whole>(gr + c, L) * get_lanes<whole>(w + c, L);
            put_lanes<whole>(dx + r * C + c, k * (u - a - n * s), L);
        })
    }

    void add(float *to, const float *part) const {
        if (to == nullptr) return;
        TS_FOR_VECTORS(c, C, {
            put_lanes<whole>(to + c, get_lanes<whole>(to + c, L) + get_lanes<whole>(part + c, L), L);
        })
    }

    int run(float *scratch, int64_t R, int threads) const {
        const bool sums = dw != nullptr || db != nullptr;
        if (R < 0 || C <= 0) return TS_BAD_SHAPE;
        if (sums && scratch == nullptr) return TS_BAD_ARGUMENT;
        const int64_t blocks = (R + BLOCK_ROWS - 1) / BLOCK_ROWS;
        for_rows(blocks, BLOCK_ROWS * C, threads, [&](int64_t b) {
            float *part = sums ? scratch + b * 2 * C : nullptr;
            if (part != nullptr) __builtin_memset(part, 0, 2 * C * sizeof(float));
            const int64_t end = (b + 1) * BLOCK_ROWS < R ? (b + 1) * BLOCK_ROWS : R;
            for (int64_t r = b * BLOCK_ROWS; r < end; r++) row(r, part);
        });
        for (int64_t b = 0; sums && b < blocks; b++) {
            add(dw, scratch + b * 2 * C);
            add(db, scratch + b * 2 * C + C);
        }
        return TS_OK;
    }
};

#define TS_DEFINE(T, E)                                                                            \
    int layer_norm_fwd_##E(const T *x, const T *w, const T *b, T *y, float *mean, float *rstd,     \
                           int64_t R, int64_t C, float eps, int threads) {                         \
        return norm_fwd(x, w, b, y, mean, rstd, R, C, eps, threads);                               \
    }                                                                                              \
    int layer_norm_bwd_##E(const T *g, const T *x, const T *w, const float *mean,                  \
                           const float *rstd, T *dx, float *dw, float *db, float *scratch,         \
                           int64_t R, int64_t C, int threads) {                                    \
        return LayerNormBackward<T>{g, x, w, mean, rstd, dx, dw, db, C}.run(scratch, R, threads);  \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
