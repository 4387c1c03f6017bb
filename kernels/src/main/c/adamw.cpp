// AdamW with decoupled decay, formula and order of operations of torch.optim.AdamW:
// p ← p(1 − lr·wd); m ← m + (g − m)(1 − β1); v ← β2·v + (1 − β2)g²;
// p ← p − lr/(1 − β1^t) · m / (√v/√(1 − β2^t) + ε).
#include <math.h>

#include "operations.h"
#include "parallel.h"
#include "vec.h"

namespace TS_NS {

struct Step {
    float clip, keep, to_m, beta2, to_v, root, eps, rate;
};

static Step step_of(float clip, double rate, double beta1, double beta2, double eps, double decay,
                    int64_t step) {
    double correction1 = 1.0 - pow(beta1, (double)step);
    double correction2 = 1.0 - pow(beta2, (double)step);
    return {clip,
            (float)(1.0 - rate * decay),
            (float)(1.0 - beta1),
            (float)beta2,
            (float)(1.0 - beta2),
            (float)(1.0 / ::sqrt(correction2)),
            (float)eps,
            (float)(rate / correction1)};
}

template <class T>
static void update(const Step &s, float *p, bf16 *copy, const T *g, float *m, float *v, int64_t n) {
    TS_FOR_VECTORS(i, n, {
        F gv = get_lanes<whole>(g + i, L) * set(s.clip);
        F mv = get_lanes<whole>(m + i, L);
        mv = fma(gv - mv, set(s.to_m), mv);
        F vv = fma(gv * gv, set(s.to_v), get_lanes<whole>(v + i, L) * set(s.beta2));
        F pv = get_lanes<whole>(p + i, L) * set(s.keep);
        pv = pv - set(s.rate) * (mv / fma(sqrt(vv), set(s.root), set(s.eps)));
        put_lanes<whole>(m + i, mv, L);
        put_lanes<whole>(v + i, vv, L);
        put_lanes<whole>(p + i, pv, L);
        if (copy != nullptr) put_lanes<whole>(copy + i, pv, L);
    })
}

template <class T>
static int adamw(float *p, bf16 *copy, const T *g, float *m, float *v, const float *clip, int64_t n,
                 double rate, double beta1, double beta2, double eps, double decay, int64_t step,
                 int threads) {
    if (n < 0) return TS_BAD_SHAPE;
    if (step < 1) return TS_BAD_ARGUMENT;
    float factor = clip != nullptr ? *clip : 1.0f;
    if (!__builtin_isfinite(factor)) return TS_OK;
    const Step s = step_of(factor, rate, beta1, beta2, eps, decay, step);
    for_blocks(n, threads, [&](int64_t begin, int64_t end) {
        bf16 *to = copy != nullptr ? copy + begin : nullptr;
        update(s, p + begin, to, g + begin, m + begin, v + begin, end - begin);
    });
    return TS_OK;
}

#define TS_DEFINE(T, E)                                                                            \
    int adamw_f32_##E(float *p, const T *g, float *m, float *v, const float *clip, int64_t n,      \
                      double rate, double beta1, double beta2, double eps, double decay,           \
                      int64_t step, int threads) {                                                 \
        return adamw(p, (bf16 *)nullptr, g, m, v, clip, n, rate, beta1, beta2, eps, decay, step,   \
                     threads);                                                                     \
    }                                                                                              \
    int adamw_bf16_##E(bf16 *p, float *master, const T *g, float *m, float *v, const float *clip,  \
                       int64_t n, double rate, double beta1, double beta2, double eps,             \
                       double decay, int64_t step, int threads) {                                  \
        return adamw(master, p, g, m, v, clip, n, rate, beta1, beta2, eps, decay, step, threads);  \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
