// Products of small tiles and the packing they need. A unit U is what one multiply step reads of
// one row: a float, or a pair of bf16 (VDPBF16PS and TDPBF16PS multiply pairs).
//
//   C (M, N) = A (M, K) · B (K, N):  A is rows of units, B has a row of N units for each step.
//
// M is a multiple of 16, N of 16, a row of A of 32 elements; buffers are zero-padded to that.
#pragma once
#include "vec.h"

namespace TS_NS {

#if TS_DOT
using Bf16Unit = uint32_t;
#else
using Bf16Unit = float;
#endif

template <class T> struct UnitOf { using U = float; };
template <> struct UnitOf<bf16> { using U = Bf16Unit; };

template <class U> constexpr int64_t PER_UNIT = 1;
template <> constexpr int64_t PER_UNIT<uint32_t> = 2;

static inline int64_t round_up(int64_t n, int64_t step) { return (n + step - 1) / step * step; }
static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// ---- products ----------------------------------------------------------------------------------

#if TS_VECTOR == 16
constexpr int MM_ROWS = 6, MM_VECTORS = 4;
#elif TS_VECTOR == 8
constexpr int MM_ROWS = 6, MM_VECTORS = 2;
#else
constexpr int MM_ROWS = 2, MM_VECTORS = 4;
#endif

static inline F multiply_step(F c, const float *a, F b) { return fma(set(*a), b, c); }
static inline F load_step(const float *b) { return load(b); }
#if TS_DOT
static inline F multiply_step(F c, const uint32_t *a, __m512i b) {
    return _mm512_dpbf16_ps(c, (__m512bh)_mm512_set1_epi32((int)*a), (__m512bh)b);
}
static inline __m512i load_step(const uint32_t *b) { return _mm512_loadu_si512(b); }
#endif

// R rows and V vectors of C in registers.
template <int R, int V, class U>
static inline void mm_block(const U *A, int64_t lda, const U *B, int64_t ldb, float *C,
                            int64_t ldc, int64_t steps, bool add) {
    F c[R][V];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) c[r][v] = add ? load(C + r * ldc + v * W) : set(0.0f);
    }
    for (int64_t k = 0; k < steps; k++) {
        decltype(load_step(B)) b[V];
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) b[v] = load_step(B + k * ldb + v * W);
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) {
#pragma GCC unroll 8
            for (int v = 0; v < V; v++) c[r][v] = multiply_step(c[r][v], A + r * lda + k, b[v]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) store(C + r * ldc + v * W, c[r][v]);
    }
}

template <int V, class U>
static void mm_columns(const U *A, int64_t lda, const U *B, int64_t ldb, float *C, int64_t ldc,
                       int64_t M, int64_t steps, bool add) {
    int64_t m = 0;
    for (; m + MM_ROWS <= M; m += MM_ROWS) {
        mm_block<MM_ROWS, V>(A + m * lda, lda, B, ldb, C + m * ldc, ldc, steps, add);
    }
    for (; m + 2 <= M; m += 2) mm_block<2, V>(A + m * lda, lda, B, ldb, C + m * ldc, ldc, steps, add);
    if (m < M) mm_block<1, V>(A + m * lda, lda, B, ldb, C + m * ldc, ldc, steps, add);
}

template <class U>
static void mm(const U *A, int64_t lda, const U *B, int64_t ldb, float *C, int64_t ldc, int64_t M,
               int64_t N, int64_t steps, bool add) {
    constexpr int64_t WIDE = MM_VECTORS * W;
    int64_t n = 0;
    for (; n + WIDE <= N; n += WIDE) {
        mm_columns<MM_VECTORS>(A, lda, B + n, ldb, C + n, ldc, M, steps, add);
    }
    for (int64_t rest = N - n; rest > 0; rest -= W, n += W) mm_columns<1>(A, lda, B + n, ldb, C + n, ldc, M, steps, add);
}

#if TS_TILES
// AMX: 2 × 2 tiles of C, each step 16 rows × 32 bf16 of A and 16 pairs × 16 columns of B.
struct TileConfig {
    uint8_t palette = 1, start_row = 0, reserved[14] = {0};
    uint16_t bytes_per_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

static inline void tiles_begin() {
    static const TileConfig config;
    _tile_loadconfig(&config);
}
static inline void tiles_end() { _tile_release(); }

// C (32, 32) lies in tiles 0 to 3 from tiles_open to tiles_close.
static inline void tiles_open(const float *C, int64_t ldc, bool add) {
    if (add) {
        _tile_loadd(0, C, ldc * 4);
        _tile_loadd(1, C + 16, ldc * 4);
        _tile_loadd(2, C + 16 * ldc, ldc * 4);
        _tile_loadd(3, C + 16 * ldc + 16, ldc * 4);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
}

// Adds the product of rows of A that lie `stride` bytes apart; meanwhile it asks for `lines` lines of memory from
// `ahead` on in each 16 steps.
static inline void tiles_add(const void *A, int64_t stride, const uint32_t *B, int64_t ldb, int64_t steps,
                             const char *ahead = nullptr, int lines = 0) {
    const char *upper = (const char *)A, *lower = upper + 16 * stride;
    for (int64_t k = 0; k < steps; k += 16) {
        _tile_loadd(4, upper + k * 4, stride);
        _tile_loadd(5, lower + k * 4, stride);
        _tile_loadd(6, B + k * ldb, ldb * 4);
        _tile_loadd(7, B + k * ldb + 16, ldb * 4);
        for (int i = 0; i < lines; i++, ahead += 64) __builtin_prefetch(ahead);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
}

static inline void tiles_close(float *C, int64_t ldc) {
    _tile_stored(0, C, ldc * 4);
    _tile_stored(1, C + 16, ldc * 4);
    _tile_stored(2, C + 16 * ldc, ldc * 4);
    _tile_stored(3, C + 16 * ldc + 16, ldc * 4);
}

static inline void mm_tiles_wide(const void *A, int64_t stride, const uint32_t *B, int64_t ldb,
                                 float *C, int64_t ldc, int64_t steps, bool add,
                                 const char *ahead = nullptr, int lines = 0) {
    tiles_open(C, ldc, add);
    tiles_add(A, stride, B, ldb, steps, ahead, lines);
    tiles_close(C, ldc);
}

[[maybe_unused]] static void mm(const uint32_t *A, int64_t lda, const uint32_t *B, int64_t ldb,
                                float *C, int64_t ldc, int64_t M, int64_t N, int64_t steps, bool add) {
    bool whole = M % 32 == 0 && N % 32 == 0 && steps % 16 == 0;
    if (!whole) {
        mm<uint32_t>(A, lda, B, ldb, C, ldc, M, N, steps, add);
        return;
    }
    for (int64_t m = 0; m < M; m += 32) {
        for (int64_t n = 0; n < N; n += 32) {
            mm_tiles_wide(A + m * lda, lda * 4, B + n, ldb, C + m * ldc + n, ldc, steps, add);
        }
    }
}
#else
static inline void tiles_begin() {}
static inline void tiles_end() {}
#endif

// ---- packing -----------------------------------------------------------------------------------

#if TS_VECTOR == 16
static inline void transpose16(const void *from, int64_t lds, void *to, int64_t ldd) {
    const uint32_t *s = (const uint32_t *)from;
    uint32_t *d = (uint32_t *)to;
    __m512i r[16], t[16];
    for (int i = 0; i < 16; i++) r[i] = _mm512_loadu_si512(s + i * lds);
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int k = 0; k < 4; k++) {
        t[k] = _mm512_shuffle_i32x4(r[k], r[4 + k], 0x88);
        t[4 + k] = _mm512_shuffle_i32x4(r[k], r[4 + k], 0xdd);
        t[8 + k] = _mm512_shuffle_i32x4(r[8 + k], r[12 + k], 0x88);
        t[12 + k] = _mm512_shuffle_i32x4(r[8 + k], r[12 + k], 0xdd);
    }
    for (int k = 0; k < 4; k++) {
        _mm512_storeu_si512(d + k * ldd, _mm512_shuffle_i32x4(t[k], t[8 + k], 0x88));
        _mm512_storeu_si512(d + (8 + k) * ldd, _mm512_shuffle_i32x4(t[k], t[8 + k], 0xdd));
        _mm512_storeu_si512(d + (4 + k) * ldd, _mm512_shuffle_i32x4(t[4 + k], t[12 + k], 0x88));
        _mm512_storeu_si512(d + (12 + k) * ldd, _mm512_shuffle_i32x4(t[4 + k], t[12 + k], 0xdd));
    }
}
#else
static inline void transpose16(const void *from, int64_t lds, void *to, int64_t ldd) {
    const uint32_t *s = (const uint32_t *)from;
    uint32_t *d = (uint32_t *)to;
    for (int i = 0; i < 16; i++) {
        for (int k = 0; k < 16; k++) d[k * ldd + i] = s[i * lds + k];
    }
}
#endif

// to[c][r] = from[r][c] for 32-bit units; both sides are multiples of 16.
template <class U>
static inline void transpose(const U *from, int64_t lds, U *to, int64_t ldd, int64_t rows, int64_t columns) {
    for (int64_t r = 0; r < rows; r += 16) {
        for (int64_t c = 0; c < columns; c += 16) {
            transpose16(from + r * lds + c, lds, to + c * ldd + r, ldd);
        }
    }
}

// Rows of a tensor as zero-padded rows of units: `rows` real ones of `width`, `padded` in all.
template <class T>
static inline void pack_rows(const T *from, int64_t stride, int64_t rows, int64_t padded,
                             int64_t width, int64_t padded_width, float *to) {
    for (int64_t r = 0; r < padded; r++) {
        float *row = to + r * padded_width;
        int64_t have = r < rows ? width : 0;
        if (have > 0) {
            const T *source = from + r * stride;
            TS_FOR_VECTORS(c, width, { put_lanes<whole>(row + c, get_lanes<whole>(source + c, L), L); })
        }
        for (int64_t c = have; c < padded_width; c++) row[c] = 0.0f;
    }
}

static inline void pack_rows(const bf16 *from, int64_t stride, int64_t rows, int64_t padded,
                             int64_t width, int64_t padded_width, uint32_t *to) {
    for (int64_t r = 0; r < padded; r++) {
        char *row = (char *)(to + r * (padded_width / 2));
        int64_t have = r < rows ? width : 0;
        if (have > 0) __builtin_memcpy(row, from + r * stride, have * 2);
        __builtin_memset(row + have * 2, 0, (padded_width - have) * 2);
    }
}

// Rows of units (rows, width) into the B format whose steps run along the rows.
static inline void pack_steps(const float *rows, int64_t count, int64_t width, float *to) {
    __builtin_memcpy(to, rows, count * width * sizeof(float));
}

static inline void pack_steps(const uint32_t *rows, int64_t count, int64_t width, uint32_t *to) {
    const uint16_t *h = (const uint16_t *)rows;
    for (int64_t r = 0; r < count; r += 2) {
        const uint16_t *even = h + r * width, *odd = even + width;
        uint32_t *row = to + r / 2 * width;
        for (int64_t c = 0; c < width; c++) row[c] = even[c] | (uint32_t)odd[c] << 16;
    }
}

// Two rows of C as the rows of an A and as one step of a B (for pairs) or two steps (for floats).
static inline void put_pair_a(float *a, int64_t lda, F even, F odd) {
    store(a, even);
    store(a + lda, odd);
}
static inline void put_pair_b(float *b, int64_t ldb, F even, F odd) { put_pair_a(b, ldb, even, odd); }
#if TS_DOT
// lda counts units; lanes of one row lie side by side as bf16.
static inline void put_pair_a(uint32_t *a, int64_t lda, F even, F odd) {
    const __m512i rows = (__m512i)_mm512_cvtne2ps_pbh(odd, even);
    _mm256_storeu_si256((__m256i *)a, _mm512_castsi512_si256(rows));
    _mm256_storeu_si256((__m256i *)(a + lda), _mm512_extracti64x4_epi64(rows, 1));
}
static inline void put_pair_b(uint32_t *b, int64_t, F even, F odd) {
    alignas(64) static constexpr uint16_t ORDER[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                       8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const __m512i rows = (__m512i)_mm512_cvtne2ps_pbh(odd, even);
    _mm512_storeu_si512(b, _mm512_permutexvar_epi16(_mm512_load_si512(ORDER), rows));
}
#endif

// Where a lane group that starts at column c lies in the two formats.
template <class U>
static inline U *column_a(U *a, int64_t c) { return a + c / PER_UNIT<U>; }

}  // namespace TS_NS
