// y = x wᵀ for a matrix in panels (panels.h), for any number of rows of x: decoding, and reading of
// prompts. 32 rows × 49,152 × 576 is bound by FMA, one row by memory; figures are in docs/log.md.
#include <string.h>

#include "operations.h"
#include "panels.h"

namespace TS_NS {

constexpr int64_t PANEL_ROWS_ALONE = 36;  // up to so many rows of x every thread packs for itself

template <class Form, class Y>
struct Panelled {
    const bf16 *x;
    const char *w;
    Y *y;
    int64_t M, N, K, x_stride, y_stride;

    int64_t panel_bytes() const { return Form::bytes(K); }

    // Columns in blocks of 256, each with all rows.
    void pack(int64_t m, int64_t rows, int64_t from, int64_t to, float *packed) const {
        for (int64_t r = from; r < to; r++) {
            const bf16 *row = x + (m + r) * x_stride;
            for (int64_t k = 0; k < K; k += PANEL_COLUMNS) {
                float *out = packed + k * rows + r * PANEL_COLUMNS;
                TS_FOR_VECTORS(c, least(K - k, PANEL_COLUMNS), {
                    put_lanes<whole>(out + c, get_lanes<whole>(row + k + c, L), L);
                })
            }
        }
    }

    struct Ahead {
        const char *at;
        int lines;
    };

    template <int P, int R>
    void tile(int64_t rows, const float *at, const char *panel, int64_t k, int64_t columns, float *sums,
              int64_t sums_panel, Ahead ahead) const {
        if constexpr (R > 1) {
            if (rows < R) return tile<P, R - 1>(rows, at, panel, k, columns, sums, sums_panel, ahead);
        }
        panel_tile<Form, P, R>(at, panel, panel_bytes(), k, columns, sums, sums_panel, k > 0, ahead.at, ahead.lines);
    }

    // The panels after these are asked for in equal parts by all tiles.
    template <int P, int R>
    void group(const float *packed, int64_t m, int64_t rows, int64_t n, float *sums) const {
        const char *panel = w + n * panel_bytes();
        const int64_t tiles = (rows + R - 1) / R, bytes = P * panel_bytes();
        const int lines = (int)(12 * bytes / (64 * K * tiles));
        for (int64_t k = 0; k < K; k += PANEL_COLUMNS) {
            const int64_t columns = least(K - k, PANEL_COLUMNS);
            for (int64_t r = 0; r < rows; r += R) {
                const char *ahead = panel + bytes + bytes * k / K + bytes * columns / K * (r / R) / tiles;
                tile<P, R>(rows - r, packed + k * rows + r * PANEL_COLUMNS, panel, k, columns,
                           sums + r * PANEL_OUTPUTS, rows * PANEL_OUTPUTS, Ahead{ahead, lines});
            }
        }
        for (int p = 0; p < P; p++) {
            const int64_t from = (n + p) * PANEL_OUTPUTS, width = least(N - from, PANEL_OUTPUTS);
            for (int64_t r = 0; r < rows; r++) {
                Y *to = y + (m + r) * y_stride + from;
                const float *sum = sums + (p * rows + r) * PANEL_OUTPUTS;
                TS_FOR_VECTORS(i, width, { put_lanes<whole>(to + i, get_lanes<whole>(sum + i, L), L); })
            }
        }
    }

    template <int P, int R>
    void groups(const float *packed, int64_t m, int64_t rows, int64_t n, int64_t end, float *sums) const {
        for (; n + P <= end; n += P) group<P, R>(packed, m, rows, n, sums);
        for (; n < end; n++) group<1, R>(packed, m, rows, n, sums);
    }

    // Few rows leave registers for several panels, without which each sum would wait for itself.
    void outputs(const float *packed, int64_t m, int64_t rows, int64_t n, int64_t end, float *sums) const {
        if constexpr (W == 16) {
            if (rows == 1) return groups<4, 1>(packed, m, rows, n, end, sums);
            if (rows <= 3) return groups<2, 3>(packed, m, rows, n, end, sums);
        }
        groups<1, TILE_ROWS>(packed, m, rows, n, end, sums);
    }

    // Every thread packs few rows for itself: that costs less than waiting for one who does.
    void run(char *scratch, int threads) const {
        const int64_t panels = (N + PANEL_OUTPUTS - 1) / PANEL_OUTPUTS;
        const int64_t columns = (K + PANEL_COLUMNS - 1) / PANEL_COLUMNS * PANEL_COLUMNS;
        const bool alone = M <= PANEL_ROWS_ALONE;
        const int64_t packed_rows = alone ? M : least(M, PANEL_ROWS);
        const int64_t each = columns * packed_rows * (int64_t)sizeof(float);
        const int team = N * K < PARALLEL_ELEMENTS_MIN ? 1 : threads;
#pragma omp parallel num_threads(team)
        {
            const int t = omp_get_thread_num(), all = omp_get_num_threads();
            float *sums = (float *)scratch + t * PANEL_ROWS * PANEL_OUTPUTS;
            char *room = scratch + threads * PANEL_ROWS * PANEL_OUTPUTS * sizeof(float);
            float *packed = (float *)(room + (alone ? t * each : 0));
            for (int64_t m = 0; m < M; m += PANEL_ROWS) {
                const int64_t rows = least(M - m, PANEL_ROWS);
                if (alone) {
                    pack(m, rows, 0, rows, packed);
                } else {
#pragma omp barrier
                    pack(m, rows, rows * t / all, rows * (t + 1) / all, packed);
#pragma omp barrier
                }
                outputs(packed, m, rows, panels * t / all, panels * (t + 1) / all, sums);
            }
        }
    }
};

template <class Form, class Y>
static int panelled(const Panelled<Form, Y> &p, void *scratch, int threads) {
    if (p.M < 0 || p.N < 0 || p.K < 1 || threads < 1) return TS_BAD_SHAPE;
    if (p.K % Form::STEP != 0) return TS_BAD_SHAPE;
    if (p.M == 0 || p.N == 0) return TS_OK;
    p.run((char *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63), threads);
    return TS_OK;
}

#define TS_DEFINE(name, Form, Y)                                                                   \
    int panels_linear_##name(const bf16 *x, const void *w, Y *y, void *scratch, int64_t M,         \
                             int64_t N, int64_t K, int64_t x_stride, int64_t y_stride,             \
                             int threads) {                                                        \
        return panelled(Panelled<Form, Y>{x, (const char *)w, y, M, N, K, x_stride, y_stride},     \
                        scratch, threads);                                                         \
    }
TS_DEFINE(bf16, PairForm, bf16)
TS_DEFINE(bf16_out_f32, PairForm, float)
TS_DEFINE(q8_0, ByteForm, bf16)
TS_DEFINE(q8_0_out_f32, ByteForm, float)

// Place of output o of a panel among the 32 of a column.
static inline int64_t pair_place(int64_t o) { return o < 16 ? 2 * o : 2 * o - 31; }

int panels_pack_bf16(const bf16 *w_NK, void *to, int64_t N, int64_t K, int threads) {
    if (N < 0 || K < 0) return TS_BAD_SHAPE;
    const int64_t panels = (N + PANEL_OUTPUTS - 1) / PANEL_OUTPUTS;
    for_rows(panels, PANEL_OUTPUTS * K, threads, [&](int64_t p) {
        bf16 *panel = (bf16 *)to + p * PANEL_OUTPUTS * K;
        for (int64_t o = 0; o < PANEL_OUTPUTS; o++) {
            const int64_t n = p * PANEL_OUTPUTS + o;
            bf16 *place = panel + pair_place(o);
            if (n < N) {
                for (int64_t k = 0; k < K; k++) place[k * PANEL_OUTPUTS] = w_NK[n * K + k];
            } else {
                for (int64_t k = 0; k < K; k++) place[k * PANEL_OUTPUTS].bits = 0;
            }
        }
    });
    return TS_OK;
}

// Round to nearest even.
static uint16_t to_half(float a) {
    uint32_t u;
    memcpy(&u, &a, 4);
    const uint32_t sign = u >> 16 & 0x8000, exponent = u >> 23 & 255;
    const uint32_t part = (u & 0x7fffff) | 0x800000;
    if (exponent >= 143) return (uint16_t)(sign | (exponent == 255 && (u & 0x7fffff) ? 0x7e00 : 0x7c00));
    const int shift = exponent >= 113 ? 13 : exponent >= 102 ? 126 - (int)exponent : 25;
    if (shift > 24) return (uint16_t)sign;
    const uint32_t kept = part >> shift, rest = part & ((1u << shift) - 1), middle = 1u << (shift - 1);
    const uint32_t up = rest > middle || (rest == middle && (kept & 1));
    const uint32_t base = exponent >= 113 ? (exponent - 113) << 10 : 0;
    return (uint16_t)(sign | (base + kept + up));
}

// As GGUF's Q8_0 quantises: the largest of 32 values of a row becomes 127.
static void quantise_32(const bf16 *values, uint16_t *scale, int8_t *codes) {
    float largest = 0;
    for (int64_t k = 0; k < 32; k++) {
        const float a = __builtin_fabsf(get(values + k));
        largest = a > largest ? a : largest;
    }
    const float step = largest / 127.0f, inverse = step != 0 ? 1.0f / step : 0.0f;
    *scale = to_half(step);
    for (int64_t k = 0; k < 32; k++) {
        codes[k * PANEL_OUTPUTS] = (int8_t)__builtin_roundf(get(values + k) * inverse);
    }
}

int panels_pack_q8_0(const bf16 *w_NK, void *to, int64_t N, int64_t K, int threads) {
    if (N < 0 || K < 0 || K % ByteForm::STEP != 0) return TS_BAD_SHAPE;
    const int64_t panels = (N + PANEL_OUTPUTS - 1) / PANEL_OUTPUTS;
    for_rows(panels, PANEL_OUTPUTS * K, threads, [&](int64_t p) {
        char *block = (char *)to + p * ByteForm::bytes(K);
        for (int64_t k = 0; k < K; k += ByteForm::STEP, block += ByteForm::BLOCK) {
            memset(block, 0, ByteForm::BLOCK);
            for (int64_t o = 0; o < least(N - p * PANEL_OUTPUTS, PANEL_OUTPUTS); o++) {
                const bf16 *row = w_NK + (p * PANEL_OUTPUTS + o) * K + k;
                quantise_32(row, (uint16_t *)block + o, (int8_t *)block + 64 + o);
            }
        }
    });
    return TS_OK;
}

}  // namespace TS_NS
