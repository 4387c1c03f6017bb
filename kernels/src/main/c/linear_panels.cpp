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
        for (int p = 0; p < P; p++) {
            const int64_t from = (n + p) * PANEL_OUTPUTS, width = least(a.n - from, PANEL_OUTPUTS);
            for (int64_t r = 0; r < rows; r++) {
                Y *to = (Y *)a.y + (m + r) * a.y_stride + from;
                const float *sum = sums + (p * rows + r) * PANEL_OUTPUTS;
                TS_FOR_VECTORS(i, width, { put_lanes<whole>(to + i, get_lanes<whole>(sum + i, L), L); })
            }
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

    // Panels [from, to) of all matrices in a row.
    void share(const float *packed, int64_t m, int64_t rows, int64_t from, int64_t to, float *sums) const {
        for (int64_t i = 0, begin = 0; i < count; begin += panels_of(all[i++])) {
            const int64_t first = from > begin ? from - begin : 0, end = least(to - begin, panels_of(all[i]));
            if (first < end) outputs(all[i], packed, m, rows, first, end, sums);
        }
    }

    // Every thread packs few rows for itself: that costs less than waiting for one who does.
    void run(char *scratch, int threads) const {
        int64_t panels = 0;
        for (int64_t i = 0; i < count; i++) panels += panels_of(all[i]);
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
                share(packed, m, rows, panels * t / members, panels * (t + 1) / members, sums);
            }
        }
    }
};

template <class Form, class Y>
static int panelled(const Panelled<Form, Y> &p, void *scratch, int threads) {
    if (p.M < 0 || p.count < 0 || p.K < 1 || threads < 1) return TS_BAD_SHAPE;
    if (p.K % Form::UNIT != 0) return TS_BAD_SHAPE;
    for (int64_t i = 0; i < p.count; i++) {
        if (p.all[i].n < 0) return TS_BAD_SHAPE;
    }
    if (p.M == 0) return TS_OK;
    p.run((char *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63), threads);
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
