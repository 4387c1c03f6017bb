// y = x wᵀ for matrices in panels (panels.h), for any number of rows of x: decoding, and reading of
// prompts. Matrices that read the same x share one team and one packed x. 32 rows × 49,152 × 576 is bound by FMA, one row by memory; figures are in docs/log.md.
#include "operations.h"
#include "panel_codes.h"

namespace TS_NS {

constexpr int64_t PANEL_ROWS_ALONE = 36;  // up to so many rows of x every thread packs for itself

template <class Form, class Y>
struct Panelled {
    const bf16 *x;
    const ts_panels *all;
    int64_t count, M, K, x_stride;

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
                if (Form::STEP == 2 && K - k < PANEL_COLUMNS && K % 2 == 1) out[K - k] = 0.0f;
            }
        }
    }

    struct Ahead {
        const char *at;
        int lines;
    };

    // What a tile reads and where its sums lie.
    struct Part {
        const float *x;
        const char *panel;
        int64_t k, columns;
        float *sums;
        int64_t sums_panel;

        Part of(const char *other) const { return Part{x, other, k, columns, sums, sums_panel}; }
    };

    template <class Stored, int P, int R, bool KEEP>
    void tile(int64_t rows, const Part &p, Ahead ahead, float *wide) const {
        if constexpr (R > 1) {
            if (rows < R) return tile<Stored, P, R - 1, KEEP>(rows, p, ahead, wide);
        }
        panel_tile<Stored, P, R, KEEP>(p.x, p.panel, panel_bytes(), p.k, p.columns, p.sums, p.sums_panel, p.k > 0,
                                       ahead.at, ahead.lines, wide);
    }

    // The panels after these are asked for in equal parts by all tiles. The first of several tiles
    // leaves the weights of a block of columns to the others as fp32.
    template <int P, int R>
    void group(const ts_panels &a, const float *packed, int64_t m, int64_t rows, int64_t n, float *sums) const {
        const char *panel = (const char *)a.w + n * panel_bytes();
        float *wide = sums + PANEL_ROWS * PANEL_OUTPUTS;
        const int64_t tiles = (rows + R - 1) / R, bytes = P * panel_bytes();
        const int lines = (int)(12 * bytes / (64 * K * tiles));
        for (int64_t k = 0; k < K; k += PANEL_COLUMNS) {
            const int64_t columns = least(K - k, PANEL_COLUMNS);
            for (int64_t r = 0; r < rows; r += R) {
                const char *at = panel + bytes + bytes * k / K + bytes * columns / K * (r / R) / tiles;
                const Ahead ahead{at, lines};
                const Part part{packed + k * rows + r * PANEL_COLUMNS, panel, k, columns, sums + r * PANEL_OUTPUTS,
                                rows * PANEL_OUTPUTS};
                if (P > 1 || tiles == 1) {
                    tile<Form, P, R, false>(rows - r, part, ahead, nullptr);
                } else if (r == 0) {
                    tile<Form, 1, R, true>(rows, part, ahead, wide);
                } else {
                    tile<WideForm, 1, R, false>(rows - r, part.of((const char *)wide), ahead, nullptr);
                }
            }
        }
        for (int p = 0; p < P; p++) put(a, m, rows, n + p, sums + p * rows * PANEL_OUTPUTS);
    }

    // Writes the sums of one panel.
    void put(const ts_panels &a, int64_t m, int64_t rows, int64_t panel, const float *sums) const {
        const int64_t from = panel * PANEL_OUTPUTS, width = least(a.n - from, PANEL_OUTPUTS);
        for (int64_t r = 0; r < rows; r++) {
            Y *to = (Y *)a.y + (m + r) * a.y_stride + from;
            const float *sum = sums + r * PANEL_OUTPUTS;
            TS_FOR_VECTORS(i, width, { put_lanes<whole>(to + i, get_lanes<whole>(sum + i, L), L); })
        }
    }

    template <int P, int R>
    void groups(const ts_panels &a, const float *packed, int64_t m, int64_t rows, int64_t n, int64_t end,
                float *sums) const {
        for (; n + P <= end; n += P) group<P, R>(a, packed, m, rows, n, sums);
        for (; n < end; n++) group<1, R>(a, packed, m, rows, n, sums);
    }

    // Few rows leave registers for several panels, without which each sum would wait for itself.
    void outputs(const ts_panels &a, const float *packed, int64_t m, int64_t rows, int64_t n, int64_t end,
                 float *sums) const {
        if constexpr (W == 16) {
            if (rows == 1) return groups<4, 1>(a, packed, m, rows, n, end, sums);
            if (rows <= 3) return groups<2, 3>(a, packed, m, rows, n, end, sums);
        }
        groups<1, TILE_ROWS>(a, packed, m, rows, n, end, sums);
    }

    static int64_t panels_of(const ts_panels &a) { return (a.n + PANEL_OUTPUTS - 1) / PANEL_OUTPUTS; }

    // Goes through panels [from, to) of all matrices in a row: part(matrix, first panel, behind the last).
    template <class Fn>
    void share(int64_t from, int64_t to, Fn part) const {
        for (int64_t i = 0, begin = 0; i < count; begin += panels_of(all[i++])) {
            const int64_t first = from > begin ? from - begin : 0, end = least(to - begin, panels_of(all[i]));
            if (first < end) part(all[i], first, end);
        }
    }

    int64_t all_panels() const {
        int64_t panels = 0;
        for (int64_t i = 0; i < count; i++) panels += panels_of(all[i]);
        return panels;
    }

    // Every thread packs few rows for itself: that costs less than waiting for one who does.
    void run(char *scratch, int threads) const {
        const int64_t panels = all_panels();
        const int64_t columns = (K + PANEL_COLUMNS - 1) / PANEL_COLUMNS * PANEL_COLUMNS;
        const bool alone = M <= PANEL_ROWS_ALONE;
        const int64_t packed_rows = alone ? M : least(M, PANEL_ROWS);
        const int64_t each = columns * packed_rows * (int64_t)sizeof(float);
        const int team = panels * PANEL_OUTPUTS * K < PARALLEL_ELEMENTS_MIN ? 1 : threads;
#pragma omp parallel num_threads(team)
        {
            const int t = omp_get_thread_num(), members = omp_get_num_threads();
            float *sums = (float *)scratch + t * (PANEL_ROWS + PANEL_COLUMNS) * PANEL_OUTPUTS;
            char *room = scratch + threads * (PANEL_ROWS + PANEL_COLUMNS) * PANEL_OUTPUTS * sizeof(float);
            float *packed = (float *)(room + (alone ? t * each : 0));
            for (int64_t m = 0; m < M; m += PANEL_ROWS) {
                const int64_t rows = least(M - m, PANEL_ROWS);
                if (alone) {
                    pack(m, rows, 0, rows, packed);
                } else {
#pragma omp barrier
                    pack(m, rows, rows * t / members, rows * (t + 1) / members, packed);
#pragma omp barrier
                }
                share(panels * t / members, panels * (t + 1) / members,
                      [&](const ts_panels &a, int64_t first, int64_t end) { outputs(a, packed, m, rows, first, end, sums); });
            }
        }
    }
};

#if TS_TILES
// Many rows and matrices of bf16: products of 32 rows with a panel. A block of columns of x stays in
// level 2 while several panels meet it; of few rows all columns stay there, and weights stream as they lie.
template <class Y>
struct Tiled {
    static constexpr int64_t ROWS_MIN = 16, ROWS = 480, FEW_ROWS = 64, COLUMNS = 512, PANELS = 8;
    const Panelled<PairForm, Y> &of;

    static bool takes(int64_t M, int64_t K) { return M >= ROWS_MIN && K % 32 == 0; }

    // Blocks of columns, each with all rows, which zeros complete to `padded`.
    void pack(int64_t m, int64_t rows, int64_t padded, int64_t from, int64_t to, bf16 *packed) const {
        for (int64_t r = from; r < to; r++) {
            for (int64_t k = 0; k < of.K; k += COLUMNS) {
                const int64_t columns = least(of.K - k, COLUMNS);
                bf16 *out = packed + k * padded + r * columns;
                if (r < rows) __builtin_memcpy(out, of.x + (m + r) * of.x_stride + k, columns * sizeof(bf16));
                else __builtin_memset(out, 0, columns * sizeof(bf16));
            }
        }
    }

    struct Block {
        const bf16 *packed;
        int64_t m, rows, padded;
    };

    void panels(const ts_panels &a, const Block &x, int64_t n, int64_t many, float *sums) const {
        const int64_t bytes = of.panel_bytes(), K = of.K;
        const int lines = (int)(1024 / x.padded);
        for (int64_t k = 0; k < K; k += COLUMNS) {
            const int64_t columns = least(K - k, COLUMNS), block = PairForm::bytes(columns);
            for (int64_t p = 0; p < many; p++) {
                const char *w = (const char *)a.w + (n + p) * bytes + PairForm::bytes(k);
                const char *next = w + (many > 1 ? bytes : block);
                for (int64_t r = 0; r < x.padded; r += 32) {
                    mm_tiles_wide(x.packed + k * x.padded + r * columns, columns * (int64_t)sizeof(bf16),
                                  (const uint32_t *)w, PANEL_OUTPUTS, sums + (p * x.padded + r) * PANEL_OUTPUTS,
                                  PANEL_OUTPUTS, columns / 2, k > 0, next + block / x.padded * r, lines);
                }
            }
        }
        for (int64_t p = 0; p < many; p++) of.put(a, x.m, x.rows, n + p, sums + p * x.padded * PANEL_OUTPUTS);
    }

    void run(char *scratch, int threads) const {
        const int64_t all = of.all_panels(), most = round_up(least(of.M, ROWS), 32);
        const int64_t each = most * PANELS * PANEL_OUTPUTS;
        const int team = all * PANEL_OUTPUTS * of.K < PARALLEL_ELEMENTS_MIN ? 1 : threads;
#pragma omp parallel num_threads(team)
        {
            tiles_begin();
            const int t = omp_get_thread_num(), members = omp_get_num_threads();
            float *sums = (float *)scratch + t * each;
            bf16 *packed = (bf16 *)((float *)scratch + threads * each);
            for (int64_t m = 0; m < of.M; m += ROWS) {
                const int64_t rows = least(of.M - m, ROWS), padded = round_up(rows, 32);
                const int64_t many = padded <= FEW_ROWS ? 1 : PANELS;
#pragma omp barrier
                pack(m, rows, padded, padded * t / members, padded * (t + 1) / members, packed);
#pragma omp barrier
                of.share(all * t / members, all * (t + 1) / members, [&](const ts_panels &a, int64_t first, int64_t end) {
                    for (int64_t n = first; n < end; n += many) {
                        panels(a, Block{packed, m, rows, padded}, n, least(many, end - n), sums);
                    }
                });
            }
            tiles_end();
        }
    }
};
#endif

template <class Form, class Y>
static int panelled(const Panelled<Form, Y> &p, void *scratch, int threads) {
    if (p.M < 0 || p.count < 0 || p.K < 1 || threads < 1) return TS_BAD_SHAPE;
    if (p.K % Form::UNIT != 0) return TS_BAD_SHAPE;
    for (int64_t i = 0; i < p.count; i++) {
        if (p.all[i].n < 0) return TS_BAD_SHAPE;
    }
    if (p.M == 0) return TS_OK;
    char *room = (char *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63);
#if TS_TILES
    if constexpr (Form::STEP == 2) {
        if (Tiled<Y>::takes(p.M, p.K)) return Tiled<Y>{p}.run(room, threads), TS_OK;
    }
#endif
    p.run(room, threads);
    return TS_OK;
}

#define TS_DEFINE(name, Form, Y)                                                                   \
    int panels_linear_##name(const bf16 *x, const ts_panels *all, void *scratch, int64_t count,    \
                             int64_t M, int64_t K, int64_t x_stride, int threads) {                \
        return panelled(Panelled<Form, Y>{x, all, count, M, K, x_stride}, scratch, threads);       \
    }
TS_DEFINE(bf16, PairForm, bf16)
TS_DEFINE(bf16_out_f32, PairForm, float)
TS_DEFINE(q8_0, ByteForm, bf16)
TS_DEFINE(q8_0_out_f32, ByteForm, float)
TS_DEFINE(q5_0, FiveForm, bf16)
TS_DEFINE(q5_0_out_f32, FiveForm, float)
TS_DEFINE(q4_k, FourPartsForm, bf16)
TS_DEFINE(q4_k_out_f32, FourPartsForm, float)
TS_DEFINE(q6_k, SixPartsForm, bf16)
TS_DEFINE(q6_k_out_f32, SixPartsForm, float)

}  // namespace TS_NS
