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

// Lanes of 32-bit integers beside F.
#if TS_VECTOR
typedef uint32_t U __attribute__((vector_size(4 * TS_VECTOR)));
static inline U mask_of(U bits, uint32_t least) { return (U)(bits >= least); }
static inline U counters(uint32_t first) {
    U u;
    for (int i = 0; i < W; i++) u[i] = (uint32_t)i;
    return u + first;
}
#else
using U = uint32_t;
static inline U mask_of(U bits, uint32_t least) { return bits >= least ? ~0u : 0u; }
static inline U counters(uint32_t first) { return first; }
#endif

// Two rounds of a 32-bit mixer (Wellons' lowbias32), one with each half of the key.
template <class V>
static inline V mixed(V x, uint32_t key) {
    x = x + key;
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    return x ^ (x >> 16);
}

// The key of 2^32 neighbouring elements of a stream (splitmix64, Steele et al. 2014).
static inline uint64_t key_of(uint64_t seed, uint64_t counter) {
    uint64_t z = seed + ((counter >> 32) + 1) * 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

template <class V>
static inline V random_bits(V low, uint64_t key) {
    return mixed(mixed(low, (uint32_t)key), (uint32_t)(key >> 32));
}

template <class T>
static void drop(const T *x, T *y, int64_t n, uint32_t dropped, float kept, uint64_t seed, uint64_t first) {
    uint32_t one;
    __builtin_memcpy(&one, &kept, 4);
    TS_FOR_VECTORS(i, n, {
        const uint64_t counter = first + (uint64_t)i;
        alignas(64) float factor[W];
        if ((uint32_t)counter <= 0xffffffffu - W) {
            U keep = mask_of(random_bits(counters((uint32_t)counter), key_of(seed, counter)), dropped) & one;
            __builtin_memcpy(factor, &keep, sizeof keep);
        } else {  // the key changes within the vector
            for (int j = 0; j < W; j++) {
                uint64_t at = counter + (uint64_t)j;
                factor[j] = random_bits((uint32_t)at, key_of(seed, at)) >= dropped ? kept : 0.0f;
            }
        }
        put_lanes<whole>(y + i, get_lanes<whole>(x + i, L) * load(factor), L);
    })
}

template <class T>
static int dropout(const T *x, T *y, int64_t n, float p, uint64_t seed, uint64_t offset, int threads) {
    if (n < 0) return TS_BAD_SHAPE;
    if (!(p >= 0.0f && p < 1.0f)) return TS_BAD_ARGUMENT;
    const uint32_t dropped = (uint32_t)((double)p * 4294967296.0);
    const float kept = 1.0f / (1.0f - p);
    for_blocks(n, threads, [&](int64_t begin, int64_t end) {
        drop(x + begin, y + begin, end - begin, dropped, kept, seed, offset + (uint64_t)begin);
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
