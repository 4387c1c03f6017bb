// Rotary embedding in place: [a, b] → [a·c − b·s, b·c + a·s]; the gradient turns the other way.
#include "operations.h"
#include "parallel.h"
#include "vec.h"

namespace TS_NS {

template <class T>
static inline void turn_halves(T *x, const float *c, const float *s, int64_t half, F sign) {
    TS_FOR_VECTORS(i, half, {
        F a = get_lanes<whole>(x + i, L), b = get_lanes<whole>(x + half + i, L);
        F cv = get_lanes<whole>(c + i, L), sv = get_lanes<whole>(s + i, L) * sign;
        put_lanes<whole>(x + i, a * cv - b * sv, L);
        put_lanes<whole>(x + half + i, b * cv + a * sv, L);
    })
}

template <class T>
static inline void turn_neighbours(T *x, const float *c, const float *s, int64_t half, float sign) {
    for (int64_t i = 0; i < half; i++) {
        float a = get(x + 2 * i), b = get(x + 2 * i + 1), sv = s[i] * sign;
        put(x + 2 * i, a * c[i] - b * sv);
        put(x + 2 * i + 1, b * c[i] + a * sv);
    }
}

template <class T>
static inline void turn_heads(T *row, int64_t heads, int64_t width, const float *c, const float *s,
                              int64_t half, int pairing, float sign) {
    for (int64_t h = 0; h < heads; h++) {
        if (pairing == 0) turn_halves(row + h * width, c, s, half, set(sign));
        else turn_neighbours(row + h * width, c, s, half, sign);
    }
}

template <class T>
static int rope(T *q, T *k, const float *cos, const float *sin, const int32_t *positions,
                int64_t N, int64_t heads, int64_t key_heads, int64_t width, int64_t rotary,
                int64_t q_stride, int64_t k_stride, int64_t P, int pairing, int backward,
                int threads) {
    if (N < 0 || heads < 0 || key_heads < 0 || rotary % 2 != 0 || rotary > width) return TS_BAD_SHAPE;
    if (pairing < 0 || pairing > 1) return TS_BAD_ARGUMENT;
    for (int64_t n = 0; n < N; n++) {
        if (positions[n] < 0 || positions[n] >= P) return TS_BAD_ARGUMENT;
    }
    const int64_t half = rotary / 2;
    const float sign = backward ? -1.0f : 1.0f;
    for_rows(N, (heads + key_heads) * width, threads, [&](int64_t n) {
        const float *c = cos + positions[n] * half, *s = sin + positions[n] * half;
        turn_heads(q + n * q_stride, heads, width, c, s, half, pairing, sign);
        if (k != nullptr) turn_heads(k + n * k_stride, key_heads, width, c, s, half, pairing, sign);
    });
    return TS_OK;
}

#define TS_DEFINE(T, E)                                                                            \
    int rope_##E(T *q, T *k, const float *cos, const float *sin, const int32_t *positions,         \
                 int64_t N, int64_t heads, int64_t key_heads, int64_t width, int64_t rotary,       \
                 int64_t q_stride, int64_t k_stride, int64_t P, int pairing, int backward,         \
                 int threads) {                                                                    \
        return rope(q, k, cos, sin, positions, N, heads, key_heads, width, rotary, q_stride,       \
                    k_stride, P, pairing, backward, threads);                                      \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
