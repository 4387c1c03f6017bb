// exp, powers of 2, tanh and erf on vectors. Absolute error against libm is below 2 units in the last place
// for exp, 3e-7 for tanh, 2e-7 for erf; tested through the operations that use them.
#pragma once
#include "vec.h"

namespace TS_NS {

// Below the smallest normal number the result is 0, so that no denormal slows a later product.
static inline F exp(F x) {
    F a = max(min(x, set(88.3f)), set(-87.3f));
    F n = round(a * set(1.44269504f));
    F r = fma(n, set(-0.693359375f), a);
    r = fma(n, set(2.12194440e-4f), r);
    F p = fma(r, set(1.9875691500e-4f), set(1.3981999507e-3f));
    p = fma(p, r, set(8.3334519073e-3f));
    p = fma(p, r, set(4.1665795894e-2f));
    p = fma(p, r, set(1.6666665459e-1f));
    p = fma(p, r, set(5.0000001201e-1f));
    p = fma(p * r, r, r) + set(1.0f);
    return times_power2(less(set(-87.3f), x), p, n);
}

// 2^x for x up to 127, 3e-6 of the value off (minimax of degree 4): for results that are rounded to bf16.
static inline F power2(F x) {
    const F n = round(x), r = x - n;
    F p = fma(r, set(9.57010092e-3f), set(5.59178602e-2f));
    p = fma(p, r, set(2.40247449e-1f));
    p = fma(p, r, set(6.93121815e-1f));
    p = fma(p, r, set(9.99999261e-1f));
    return times_power2(less(set(-126.0f), x), p, n);
}

static inline F sigmoid(F x) { return reciprocal(set(1.0f) + exp(set(0.0f) - x)); }

// Near 0 the quotient would lose digits, so an odd polynomial (Taylor) takes over.
static inline F tanh(F x) {
    F far = set(1.0f) - set(2.0f) * reciprocal(exp(x + x) + set(1.0f));
    F s = x * x;
    F p = fma(s, set(62.0f / 2835.0f), set(-17.0f / 315.0f));
    p = fma(p, s, set(2.0f / 15.0f));
    p = fma(p, s, set(-1.0f / 3.0f));
    F near = fma(p * s, x, x);
    return select(less(abs(x), set(0.25f)), near, far);
}

// Abramowitz & Stegun 7.1.26.
static inline F erf(F x) {
    F a = abs(x);
    F t = reciprocal(fma(a, set(0.3275911f), set(1.0f)));
    F p = fma(t, set(1.061405429f), set(-1.453152027f));
    p = fma(p, t, set(1.421413741f));
    p = fma(p, t, set(-0.284496736f));
    p = fma(p, t, set(0.254829592f));
    F y = set(1.0f) - p * t * exp(set(0.0f) - a * a);
    return select(less(x, set(0.0f)), set(0.0f) - y, y);
}

}  // namespace TS_NS
