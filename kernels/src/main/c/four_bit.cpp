// Weights of four bits a value with one scale a block (QLoRA, arXiv 2305.14314), in the bytes of
// bitsandbytes: a value is table[code]·scale of its block, blocks run over row ends, the first of
// two codes is in the high half of its byte.
#include "coded_rows.h"
#include "operations.h"
#include "parallel.h"
#include "vec.h"

namespace TS_NS {

// ---- decoding ----------------------------------------------------------------------------------

struct Table {
#if TS_VECTOR == 16
    F values;
    explicit Table(const float *t) : values(load(t)) {}

    // W values from W/2 bytes. The permutation looks at the low 4 bits of an index only.
    F at(const uint8_t *p) const {
        I both = _mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)p));
        I index = _mm512_or_si512(_mm512_srli_epi64(both, 4), _mm512_slli_epi64(both, 32));
        return _mm512_permutexvar_ps(index, values);
    }
#elif TS_VECTOR == 8
    F low, high;
    explicit Table(const float *t) : low(load(t)), high(load(t + 8)) {}

    F at(const uint8_t *p) const {
        int32_t four;
        __builtin_memcpy(&four, p, 4);
        I both = _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four));
        I index = _mm256_or_si256(_mm256_srli_epi64(both, 4), _mm256_slli_epi64(both, 32));
        F upper = _mm256_castsi256_ps(_mm256_slli_epi32(index, 28));
        return _mm256_blendv_ps(_mm256_permutevar8x32_ps(low, index),
                                _mm256_permutevar8x32_ps(high, index), upper);
    }
#else
    explicit Table(const float *) {}
#endif
};

static inline float scale_of(const ts_four_bit &w, int64_t block) {
    if (w.scale_codes == nullptr) return w.scales[block];
    float scale = w.scale_map[w.scale_codes[block]] * w.scales[block / w.outer];
    // Rounded by itself: a fused product would differ between levels and from other readers.
    asm("" : "+x"(scale));
    return scale + w.offset;
}

static inline float value_at(const ts_four_bit &w, int64_t i) {
    uint8_t both = w.codes[i >> 1];
    return w.table[(i & 1) != 0 ? both & 15 : both >> 4];
}

// A value as T holds it.
template <class T>
static inline float held(float value) {
    T kept;
    put(&kept, value);
    return get(&kept);
}

// to[0..n) = values from, from + 1, … as T holds them.
template <class T, class O>
static inline void decode(const ts_four_bit &w, const Table &table, int64_t from, int64_t n, const T *as, O *to) {
    const int64_t end = from + n;
    (void)table;
    (void)as;
    for (int64_t i = from; i < end;) {
        const int64_t block = i / w.block;
        const int64_t stop = (block + 1) * w.block < end ? (block + 1) * w.block : end;
        const float s = scale_of(w, block);
#if TS_VECTOR
        if ((i & 1) != 0) {
            put(to + i - from, held<T>(value_at(w, i) * s));
            i++;
        }
        const F scale = set(s);
        for (; i + W <= stop; i += W) store(to + i - from, rounded(table.at(w.codes + (i >> 1)) * scale, as));
#endif
        for (; i < stop; i++) put(to + i - from, held<T>(value_at(w, i) * s));
    }
}

template <class T>
static int dequantise(const ts_four_bit *w, T *y, int64_t n, int threads) {
    if (n < 0) return TS_BAD_SHAPE;
    if (n > 0 && (w->block < 1 || (w->scale_codes != nullptr && w->outer < 1))) return TS_BAD_ARGUMENT;
    for_blocks(n, threads, [&](int64_t begin, int64_t end) {
        decode(*w, Table(w->table), begin, end - begin, y, y + begin);
    });
    return TS_OK;
}

// ---- y = x wᵀ for few rows ---------------------------------------------------------------------

template <class T>
struct Rows {
    const ts_four_bit &w;
    const Table table;
    const int64_t K;

    void operator()(int64_t n, int64_t k, int64_t columns, float *to) const {
        decode(w, table, n * K + k, columns, (const T *)nullptr, to);
    }
};

template <class T>
static int linear(const ts_four_bit *w, const T *x, T *y, int64_t M, int64_t N, int64_t K, int64_t x_stride,
                  int64_t y_stride, int threads) {
    return coded_linear(Rows<T>{*w, Table(w->table), K}, x, y, M, N, K, x_stride, y_stride, threads);
}

// ---- encoding ----------------------------------------------------------------------------------

// bitsandbytes divides in a block that is cut short by the end and multiplies by the reciprocal
// elsewhere; both, and its least scale, decide which code a value on a border gets.
template <class T>
static void encode_block(const T *x, int64_t n, bool cut, const float *bounds, const uint8_t *order, uint8_t *codes,
                         float *scale) {
    constexpr float LEAST = 1e-38f;
    float most = 0.0f;
    for (int64_t i = 0; i < n; i++) most = __builtin_fmaxf(most, __builtin_fabsf(get(x + i)));
    const float divisor = most > LEAST ? most : LEAST, factor = 1.0f / divisor;
    *scale = cut ? divisor : most;
    uint8_t first = 0;
    for (int64_t i = 0; i < n + (n & 1); i++) {
        const float a = i < n ? get(x + i) : 0.0f;
        const float v = cut ? a / divisor : a * factor;
        int rank = 0;
        for (int j = 0; j < 15; j++) rank += v > bounds[j];
        if ((i & 1) == 0) first = order[rank];
        else codes[i >> 1] = (uint8_t)(first << 4 | order[rank]);
    }
}

template <class T>
static int quantise(const T *x, const float *bounds, const uint8_t *order, uint8_t *codes, float *scales, int64_t n,
                    int64_t block, int threads) {
    if (n < 0 || block < 2 || (block & 1) != 0) return TS_BAD_SHAPE;
    const int64_t blocks = (n + block - 1) / block;
    for_rows(blocks, block, threads, [&](int64_t b) {
        const int64_t begin = b * block, left = n - begin;
        encode_block(x + begin, left < block ? left : block, left < block, bounds, order, codes + (begin >> 1),
                     scales + b);
    });
    return TS_OK;
}

#define TS_DEFINE(T, E)                                                                            \
    int four_bit_dequantise_##E(const ts_four_bit *w, T *y, int64_t n, int threads) {              \
        return dequantise(w, y, n, threads);                                                       \
    }                                                                                              \
    int four_bit_linear_##E(const ts_four_bit *w, const T *x, T *y, int64_t M, int64_t N,          \
                            int64_t K, int64_t x_stride, int64_t y_stride, int threads) {          \
        return linear(w, x, y, M, N, K, x_stride, y_stride, threads);                              \
    }                                                                                              \
    int four_bit_quantise_##E(const T *x, const float *bounds, const uint8_t *order,               \
                              uint8_t *codes, float *scales, int64_t n, int64_t block,             \
                              int threads) {                                                       \
        return quantise(x, bounds, order, codes, scales, n, block, threads);                       \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
