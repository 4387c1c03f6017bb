// Cross-entropy of logits rows with the gradient written in place.
// x' = c·tanh(scale·z/c); loss = (1−ε)(lse − x'_t) + ε(lse − mean x') + λ·lse²;
// dz = k[(1 + 2λ·lse)·softmax − (1−ε)·onehot − ε/V]·scale·(1 − (x'/c)²). With entropy weights u the
// gradient of u·H is added, dH/dx'_j = −p_j(log p_j + H).
#include <math.h>

#include "operations.h"
#include "parallel.h"
#include "vec_math.h"

namespace TS_NS {

struct Options {
    float scale, softcap, smoothing, z_loss;
};

template <bool CAPPED>
static inline F shaped(F z, const Options &o) {
    F x = z * set(o.scale);
    return CAPPED ? set(o.softcap) * tanh(x / set(o.softcap)) : x;
}

struct RowSums {
    float largest, rest, mean;  // lse = largest + rest
};

// What a row's distribution looks like: entropy, mean logit, log Σp².
struct Statistics {
    float entropy, mean, concentration;
};

// What is wanted of one row beside its loss; null where nothing is.
struct Outputs {
    float *loss, *lse, *statistics;
    int32_t *correct;
};

// Largest value first, then Σexp relative to it: two reads of a row that stays in the cache.
template <bool CAPPED, class T>
static RowSums sums_of(const T *z, int64_t V, const Options &o) {
    F top = set(-3.4e38f), total = set(0.0f);
    int64_t body = V - V % W;
    for (int64_t v = 0; v < body; v += W) {
        F x = shaped<CAPPED>(load(z + v), o);
        top = max(top, x);
        if (o.smoothing != 0.0f) total = total + x;  // the mean serves smoothing only
    }
    float big = largest(top), all = sum(total);
    float rest[16];
    for (int64_t v = body; v < V; v++) {
        F x = shaped<CAPPED>(set(get(z + v)), o);
        rest[v - body] = largest(x);
        big = rest[v - body] > big ? rest[v - body] : big;
        all += rest[v - body];
    }
    F e = set(0.0f);
    for (int64_t v = 0; v < body; v += W) e = e + exp(shaped<CAPPED>(load(z + v), o) - set(big));
    float s = sum(e);
    for (int64_t v = body; v < V; v++) s += expf(rest[v - body] - big);
    return {big, logf(s), all / (float)V};
}

template <bool CAPPED, class T>
static Statistics statistics_of(const T *z, int64_t V, const RowSums &s, const Options &o) {
    F weighted = set(0.0f), squares = set(0.0f), total = set(0.0f);
    int64_t body = V - V % W;
    for (int64_t v = 0; v < body; v += W) {
        F x = shaped<CAPPED>(load(z + v), o);
        F below = x - set(s.largest);
        F e = exp(below);
        weighted = fma(e, below, weighted);
        squares = fma(e, e, squares);
        total = total + x;
    }
    float w = sum(weighted), q = sum(squares), all = sum(total);
    for (int64_t v = body; v < V; v++) {
        float x = largest(shaped<CAPPED>(set(get(z + v)), o));
        float e = expf(x - s.largest);
        w += e * (x - s.largest);
        q += e * e;
        all += x;
    }
    return {s.rest - w * expf(-s.rest), all / (float)V, logf(q) - 2.0f * s.rest};
}

// Adds the gradient of the entropy times `turn` to what gradient_of would write.
struct Turn {
    float factor, entropy;
};

template <bool CAPPED, bool TURNED, class T>
static void gradient_of(T *z, int64_t V, int32_t label, float k, float lse, Turn turn,
                        const Options &o) {
    const float before = get(z + label);
    const F soft = set(k * o.scale * (1.0f + 2.0f * o.z_loss * lse));
    const F even = set(k * o.scale * o.smoothing / (float)V);
    const F inverse = set(CAPPED ? 1.0f / o.softcap : 0.0f);
    TS_FOR_VECTORS(v, V, {
        F x = shaped<CAPPED>(get_lanes<whole>(z + v, L), o);
        F factor = soft;
        if (TURNED) factor = factor - set(turn.factor * o.scale) * (x - set(lse - turn.entropy));
        F d = exp(x - set(lse)) * factor - even;
        if (CAPPED) d = d * (set(1.0f) - x * inverse * x * inverse);
        put_lanes<whole>(z + v, d, L);
    })
    float x = largest(shaped<CAPPED>(set(before), o));
    float p = largest(exp(set(x - lse)));
    float d = k * o.scale * (p * (1.0f + 2.0f * o.z_loss * lse) - (1.0f - o.smoothing) -
                             o.smoothing / (float)V);
    if (TURNED) d -= turn.factor * o.scale * p * (x - lse + turn.entropy);
    if (CAPPED) d *= 1.0f - (x / o.softcap) * (x / o.softcap);
    put(z + label, d);
}

template <bool CAPPED, class T>
static void row(T *z, int64_t V, int32_t label, float weight, float entropy_weight,
                const Outputs &out, int gradient, const Options &o) {
    RowSums s = sums_of<CAPPED>(z, V, o);
    const float sum = s.largest + s.rest;
    if (out.lse != nullptr) *out.lse = sum;
    Statistics shape = {0.0f, 0.0f, 0.0f};
    if (out.statistics != nullptr || entropy_weight != 0.0f) {
        shape = statistics_of<CAPPED>(z, V, s, o);
    }
    if (out.statistics != nullptr) {
        out.statistics[0] = shape.entropy;
        out.statistics[1] = shape.mean;
        out.statistics[2] = shape.concentration;
    }
    if (label == TS_IGNORED_LABEL) {
        *out.loss = 0.0f;
        if (out.correct != nullptr) *out.correct = 0;
        if (gradient) __builtin_memset((void *)z, 0, V * sizeof(T));
        return;
    }
    float x = largest(shaped<CAPPED>(set(get(z + label)), o));
    // Differences to the largest first: lse − x' would lose the digits of a confident row.
    *out.loss = (1.0f - o.smoothing) * (s.largest - x + s.rest) +
                o.smoothing * (s.largest - s.mean + s.rest) + o.z_loss * sum * sum;
    if (out.correct != nullptr) *out.correct = x >= s.largest ? 1 : 0;
    if (!gradient) return;
    const Turn turn = {entropy_weight, shape.entropy};
    if (entropy_weight != 0.0f) {
        gradient_of<CAPPED, true>(z, V, label, weight, sum, turn, o);
    } else {
        gradient_of<CAPPED, false>(z, V, label, weight, sum, turn, o);
    }
}

struct Inputs {
    const int32_t *labels;
    const float *weights, *entropy_weights;
};

template <class T>
static int cross_entropy(T *z, const Inputs &in, const Outputs &out, int64_t R, int64_t V,
                         int64_t stride, const Options &o, float gradient_scale, int gradient,
                         int threads) {
    if (R < 0 || V <= 0 || stride < V) return TS_BAD_SHAPE;
    for (int64_t r = 0; r < R; r++) {
        bool inside = in.labels[r] >= 0 && in.labels[r] < V;
        if (!inside && in.labels[r] != TS_IGNORED_LABEL) return TS_BAD_ARGUMENT;
    }
    for_rows(R, V, threads, [&](int64_t r) {
        float k = gradient_scale * (in.weights != nullptr ? in.weights[r] : 1.0f);
        float u = in.entropy_weights != nullptr ? gradient_scale * in.entropy_weights[r] : 0.0f;
        Outputs of_row = {out.loss + r, out.lse != nullptr ? out.lse + r : nullptr,
                          out.statistics != nullptr ? out.statistics + 3 * r : nullptr,
                          out.correct != nullptr ? out.correct + r : nullptr};
        if (o.softcap > 0.0f) {
            row<true>(z + r * stride, V, in.labels[r], k, u, of_row, gradient, o);
        } else {
            row<false>(z + r * stride, V, in.labels[r], k, u, of_row, gradient, o);
        }
    });
    return TS_OK;
}

#define TS_DEFINE(T, E)                                                                            \
    int cross_entropy_##E(T *logits, const int32_t *labels, const float *weights,                  \
                          const float *entropy_weights, float *losses, float *lse,                 \
                          int32_t *correct, float *statistics, int64_t R, int64_t V,               \
                          int64_t stride, float scale, float softcap, float smoothing,             \
                          float z_loss, float gradient_scale, int gradient, int threads) {         \
        return cross_entropy(logits, Inputs{labels, weights, entropy_weights},                     \
                             Outputs{losses, lse, statistics, correct}, R, V, stride,              \
                             Options{scale, softcap, smoothing, z_loss}, gradient_scale, gradient, \
                             threads);                                                             \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
