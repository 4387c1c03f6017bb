// General matrix product c = factor·a·b + keep·c with fp32 FMA whatever the storage; with AMX, bf16
// goes to tiled_product.h.
//
// Blocks of a and b are converted to fp32 while they are packed, so that bf16 matrices reach the
// rate of fp32 FMA. Where VDPBF16PS is issued at half rate (Intel) this is nearly twice as fast
// as a product of bf16 pairs; figures are in docs/log.md. An element of c is summed in an order
// that depends on K alone: neither the other rows nor the threads change a bit of it.
#include <omp.h>

#include "operations.h"
#include "tiled_product.h"

namespace TS_NS {

constexpr int64_t TS_TERMS_MAX = 8;
constexpr int64_t BLOCK_M = 240, BLOCK_N = 256, BLOCK_K = 192, PANEL = 64;

// A block as fp32 rows `ldd` apart; rows that do not exist are zero.
template <class T>
static void pack_plain(const T *from, int64_t stride, int64_t rows, int64_t columns, float *to, int64_t ldd) {
    for (int64_t r = 0; r < rows; r++) {
        const T *source = from + r * stride;
        float *row = to + r * ldd;
        TS_FOR_VECTORS(c, columns, { put_lanes<whole>(row + c, get_lanes<whole>(source + c, L), L); })
    }
}

// to[r][c] = from[c][r] in blocks of 16; `to` has room for whole blocks.
template <class T>
static void pack_turned(const T *from, int64_t stride, int64_t rows, int64_t columns, float *to, int64_t ldd) {
    alignas(64) float block[16 * 16];
    for (int64_t c = 0; c < columns; c += 16) {
        const int64_t lines = least(columns - c, 16);
        for (int64_t r = 0; r < rows; r += 16) {
            const int64_t width = least(rows - r, 16);
            for (int64_t i = 0; i < lines; i++) {
                const T *source = from + (c + i) * stride + r;
                float *line = block + i * 16;
                TS_FOR_VECTORS(j, width, { put_lanes<whole>(line + j, get_lanes<whole>(source + j, L), L); })
                for (int64_t j = width; j < 16; j++) line[j] = 0.0f;
            }
            for (int64_t i = lines; i < 16; i++) __builtin_memset(block + i * 16, 0, 64);
            transpose16(block, 16, to + r * ldd + c, ldd);
        }
    }
}

template <class T, class O>
struct Product {
    Matrix<T> a, b;
    O *c;
    int64_t M, N, K, c_row;
    float factor, keep;

    struct Buffers {
        float *a, *b, *c;
    };

    void pack_a(int64_t m, int64_t rows, int64_t k, int64_t steps, float *to) const {
        if (a.column == 1) pack_plain(a.element(m, k), a.row, rows, steps, to, BLOCK_K);
        else pack_turned(a.element(m, k), a.column, rows, steps, to, BLOCK_K);
    }

    // Panels of 64 columns, each with `steps` rows; columns that do not exist are zero.
    void pack_b(int64_t n, int64_t columns, int64_t k, int64_t steps, float *to) const {
        for (int64_t p = 0; p < columns; p += PANEL) {
            const int64_t width = least(columns - p, PANEL);
            float *panel = to + p * BLOCK_K;
            if (b.row == 1) {
                pack_turned(b.element(k, n + p), b.column, steps, width, panel, PANEL);
            } else {
                pack_plain(b.element(k, n + p), b.row, steps, width, panel, PANEL);
                for (int64_t r = 0; width < round_up(width, 16) && r < steps; r++) {
                    for (int64_t i = width; i < round_up(width, 16); i++) panel[r * PANEL + i] = 0.0f;
                }
            }
        }
    }

    void block(int64_t m, int64_t n, const Buffers &buffers) const {
        const int64_t rows = least(M - m, BLOCK_M), columns = least(N - n, BLOCK_N);
        for (int64_t k = 0; k < K; k += BLOCK_K) {
            const int64_t steps = least(K - k, BLOCK_K);
            pack_a(m, rows, k, steps, buffers.a);
            pack_b(n, columns, k, steps, buffers.b);
            for (int64_t p = 0; p < columns; p += PANEL) {
                int64_t width = round_up(least(columns - p, PANEL), 16);
                mm(buffers.a, BLOCK_K, buffers.b + p * BLOCK_K, PANEL, buffers.c + p, BLOCK_N, rows,
                   width, steps, k > 0);
            }
        }
        for (int64_t r = 0; r < rows; r++) finish(buffers.c + r * BLOCK_N, c + (m + r) * c_row + n, columns);
    }

    void finish(const float *from, O *to, int64_t columns) const {
        const F scale = set(factor);
        TS_FOR_VECTORS(i, columns, {
            F x = (K > 0 ? get_lanes<whole>(from + i, L) : set(0.0f)) * scale;
            if (keep != 0.0f) x = fma(set(keep), get_lanes<whole>(to + i, L), x);
            put_lanes<whole>(to + i, x, L);
        })
    }

    void run(char *scratch, int threads) const {
        constexpr int64_t each = (BLOCK_M + 16 + BLOCK_N) * BLOCK_K + (BLOCK_M + 16) * BLOCK_N;
        const int64_t down = (M + BLOCK_M - 1) / BLOCK_M, across = (N + BLOCK_N - 1) / BLOCK_N;
        const bool alone = M * N * K < 64 * 64 * 64;
#pragma omp parallel num_threads(alone ? 1 : threads)
        {
            float *mine = (float *)scratch + omp_get_thread_num() * each;
            Buffers buffers{mine, mine + (BLOCK_M + 16) * BLOCK_K, mine + (BLOCK_M + 16 + BLOCK_N) * BLOCK_K};
#pragma omp for schedule(dynamic)
            for (int64_t t = 0; t < down * across; t++) {
                block(t % down * BLOCK_M, t / down * BLOCK_N, buffers);
            }
        }
    }
};

static char *aligned(void *scratch) { return (char *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63); }

#if TS_TILES
// Two matrices that lie along K: the wider becomes panels, which are cheaper to pack.
template <class O>
static int tiled(const Product<bf16, O> &p, char *room, int threads) {
    const bool turned = p.a.row == 1 && p.b.column == 1 && p.M > p.N;
    const Term<bf16> term = turned ? Term<bf16>{p.b.turned(), p.a.turned(), p.K} : Term<bf16>{p.a, p.b, p.K};
    const int64_t M = turned ? p.N : p.M, N = turned ? p.M : p.N;
    TiledProduct<O>{&term, 1, p.c, M, N, p.c_row, p.factor, p.keep, turned}.run(room, threads);
    return TS_OK;
}
#endif

template <class T, class O>
static int product(const Product<T, O> &p, void *scratch, int threads) {
    if (p.M < 0 || p.N < 0 || p.K < 0 || threads < 1) return TS_BAD_SHAPE;
    if ((p.a.row != 1 && p.a.column != 1) || (p.b.row != 1 && p.b.column != 1)) return TS_BAD_ARGUMENT;
    if (p.M == 0 || p.N == 0) return TS_OK;
    char *room = aligned(scratch);
#if TS_TILES
    if constexpr (sizeof(T) == sizeof(bf16)) {
        if (p.K > 0) return tiled(p, room, threads);
    }
#endif
    p.run(room, threads);
    return TS_OK;
}

#define TS_DEFINE(name, T, O)                                                                      \
    int product_##name(const T *a, const T *b, O *c, void *scratch, int64_t M, int64_t N,          \
                       int64_t K, int64_t a_row, int64_t a_column, int64_t b_row,                  \
                       int64_t b_column, int64_t c_row, float factor, float keep, int threads) {   \
        return product(Product<T, O>{{a, a_row, a_column}, {b, b_row, b_column}, c, M, N, K,       \
                                     c_row, factor, keep},                                         \
                       scratch, threads);                                                          \
    }
TS_DEFINE(f32, float, float)
TS_DEFINE(bf16, bf16, bf16)
TS_DEFINE(bf16_out_f32, bf16, float)

int product_sum_bf16(const ts_term *terms, bf16 *c, void *scratch, int64_t count, int64_t M, int64_t N, int64_t c_row,
                     float keep, int threads) {
    if (count < 1 || count > TS_TERMS_MAX) return TS_BAD_ARGUMENT;
#if TS_TILES
    Term<bf16> all[TS_TERMS_MAX];
    for (int64_t i = 0; i < count; i++) {
        const ts_term &t = terms[i];
        if (M < 0 || N < 0 || t.k < 1 || threads < 1) return TS_BAD_SHAPE;
        if ((t.a_row != 1 && t.a_column != 1) || (t.b_row != 1 && t.b_column != 1)) return TS_BAD_ARGUMENT;
        all[i] = {{t.a, t.a_row, t.a_column}, {t.b, t.b_row, t.b_column}, t.k};
    }
    if (M == 0 || N == 0) return TS_OK;
    TiledProduct<bf16>{all, count, c, M, N, c_row, 1.0f, keep, false}.run(aligned(scratch), threads);
    return TS_OK;
#else
    for (int64_t i = 0; i < count; i++, keep = 1.0f) {
        const ts_term &t = terms[i];
        const int status = product_bf16(t.a, t.b, c, scratch, M, N, t.k, t.a_row, t.a_column, t.b_row, t.b_column, c_row,
                                        1.0f, keep, threads);
        if (status != TS_OK) return status;
    }
    return TS_OK;
#endif
}

}  // namespace TS_NS
