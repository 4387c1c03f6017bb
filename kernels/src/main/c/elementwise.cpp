// Flat tensors, element by element. Outputs may be inputs.
#include "operations.h"
#include "parallel.h"
#include "vec.h"

namespace TS_NS {

template <class T>
static int fill(T *x, float value, int64_t n, int threads) {
    if (n < 0) return TS_BAD_SHAPE;
    for_blocks(n, threads, [&](int64_t begin, int64_t end) {
        TS_FOR_VECTORS(i, end - begin, { put_lanes<whole>(x + begin + i, set(value), L); })
    });
    return TS_OK;
}

template <class T>
static int scale(T *x, float factor, int64_t n, int threads) {
    if (n < 0) return TS_BAD_SHAPE;
    const F f = set(factor);
    for_blocks(n, threads, [&](int64_t begin, int64_t end) {
        T *a = x + begin;
        TS_FOR_VECTORS(i, end - begin, { put_lanes<whole>(a + i, get_lanes<whole>(a + i, L) * f, L); })
    });
    return TS_OK;
}

// y += factor·x; the types may differ.
template <class S, class T>
static int multiply_add(S *y, const T *x, float factor, int64_t n, int threads) {
    if (n < 0) return TS_BAD_SHAPE;
    const F f = set(factor);
    for_blocks(n, threads, [&](int64_t begin, int64_t end) {
        S *a = y + begin;
        const T *b = x + begin;
        TS_FOR_VECTORS(i, end - begin, {
            put_lanes<whole>(a + i, fma(f, get_lanes<whole>(b + i, L), get_lanes<whole>(a + i, L)), L);
        })
    });
    return TS_OK;
}

template <class T>
static int add(const T *a, const T *b, T *y, int64_t n, int threads) {
    if (n < 0) return TS_BAD_SHAPE;
    for_blocks(n, threads, [&](int64_t begin, int64_t end) {
        const T *p = a + begin, *q = b + begin;
        T *to = y + begin;
        TS_FOR_VECTORS(i, end - begin, {
            put_lanes<whole>(to + i, get_lanes<whole>(p + i, L) + get_lanes<whole>(q + i, L), L);
        })
    });
    return TS_OK;
}

template <class S, class T>
static int cast(const S *x, T *y, int64_t n, int threads) {
    if (n < 0) return TS_BAD_SHAPE;
    for_blocks(n, threads, [&](int64_t begin, int64_t end) {
        const S *from = x + begin;
        T *to = y + begin;
        TS_FOR_VECTORS(i, end - begin, { put_lanes<whole>(to + i, get_lanes<whole>(from + i, L), L); })
    });
    return TS_OK;
}

template <class T>
static int bias_add(T *x, const T *b, int64_t R, int64_t C, int64_t stride, int threads) {
    if (R < 0 || C < 0) return TS_BAD_SHAPE;
    for_rows(R, C, threads, [&](int64_t r) {
        T *row = x + r * stride;
        TS_FOR_VECTORS(c, C, {
            put_lanes<whole>(row + c, get_lanes<whole>(row + c, L) + get_lanes<whole>(b + c, L), L);
        })
    });
    return TS_OK;
}

// 32 random bits of element `counter` in stream `seed` (splitmix64, Steele et al. 2014).
static inline uint32_t random_bits(uint64_t seed, uint64_t counter) {
    uint64_t z = seed + (counter + 1) * 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}

template <class T>
static int dropout(const T *x, T *y, int64_t n, float p, uint64_t seed, uint64_t offset, int threads) {
    if (n < 0) return TS_BAD_SHAPE;
    if (!(p >= 0.0f && p < 1.0f)) return TS_BAD_ARGUMENT;
    const uint64_t dropped = (uint64_t)((double)p * 4294967296.0);
    const float kept = 1.0f / (1.0f - p);
    for_blocks(n, threads, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
            bool keep = random_bits(seed, offset + (uint64_t)i) >= dropped;
            put(y + i, keep ? get(x + i) * kept : 0.0f);
        }
    });
    return TS_OK;
}

int cast_f32(const bf16 *x, float *y, int64_t n, int threads) { return cast(x, y, n, threads); }
int cast_bf16(const float *x, bf16 *y, int64_t n, int threads) { return cast(x, y, n, threads); }
int scale_by_f32(float *x, const float *factor, int64_t n, int threads) {
    return scale(x, *factor, n, threads);
}

#define TS_DEFINE(T, E)                                                                            \
    int fill_##E(T *x, float value, int64_t n, int threads) { return fill(x, value, n, threads); } \
    int scale_##E(T *x, float factor, int64_t n, int threads) {                                    \
        return scale(x, factor, n, threads);                                                       \
    }                                                                                              \
    int axpy_##E(T *y, const T *x, float factor, int64_t n, int threads) {                         \
        return multiply_add(y, x, factor, n, threads);                                             \
    }                                                                                              \
    int accumulate_##E(float *sum, const T *x, float factor, int64_t n, int threads) {             \
        return multiply_add(sum, x, factor, n, threads);                                           \
    }                                                                                              \
    int add_##E(const T *a, const T *b, T *y, int64_t n, int threads) {                            \
        return add(a, b, y, n, threads);                                                           \
    }                                                                                              \
    int bias_add_##E(T *x, const T *b, int64_t R, int64_t C, int64_t stride, int threads) {        \
        return bias_add(x, b, R, C, stride, threads);                                              \
    }                                                                                              \
    int dropout_##E(const T *x, T *y, int64_t n, float p, uint64_t seed, uint64_t offset,          \
                    int threads) {                                                                 \
        return dropout(x, y, n, p, seed, offset, threads);                                         \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
