// Products of rows of x with a matrix that lies in panels of 32 outputs: all outputs of a panel for
// column 0, then for column 1 and so on. So a weight meets every row of x in one register, nothing is
// turned or summed over lanes, and weights stream from memory in the order in which they lie.
//
// An element is summed column after column, whatever the number of rows, outputs or threads; by tiles
// (linear_panels.cpp) in their own order.
#pragma once
#include <omp.h>

#include "parallel.h"
#include "tile.h"

namespace TS_NS {

constexpr int64_t PANEL_OUTPUTS = 32;
constexpr int64_t PANEL_COLUMNS = 256;  // columns whose x and weights stay in level 1
constexpr int64_t PANEL_ROWS = 240;     // rows of x whose values stay in level 2
constexpr int PANEL_VECTORS = 32 / W;   // vectors of one column of a panel
constexpr int TILE_ROWS = W == 16 ? 12 : W == 8 ? 2 : 4;

// The compiler loads all rows of x first and then has no registers left for sums, unless it may not.
static inline void stay(F &a) {
#if TS_VECTOR == 16
    asm volatile("" : "+v"(a));
#else
    (void)a;
#endif
}

struct Column {
    F v[PANEL_VECTORS];
};

// Two bytes a weight: columns 2j and 2j + 1 of an output lie side by side, as tiles read them (tile.h).
// Behind an odd number of columns follows one of zeros.
struct PairForm {
    static constexpr int64_t STEP = 2, UNIT = 1;
    const uint32_t *pairs, *pair;

    PairForm() = default;
    static int64_t bytes(int64_t columns) { return (columns + 1) / 2 * PANEL_OUTPUTS * sizeof(uint32_t); }
    PairForm(const void *panel, int64_t column) : pairs((const uint32_t *)panel + column / 2 * PANEL_OUTPUTS), pair(pairs) {}
    void begin(int64_t k) { pair = pairs + k / 2 * PANEL_OUTPUTS; }
    template <bool ODD>
    Column column_of() const {
        Column c;
        for (int i = 0; i < PANEL_VECTORS; i++) {
#if TS_VECTOR == 16
            const __m512i both = _mm512_loadu_si512(pair + 16 * i);
            c.v[i] = _mm512_castsi512_ps(ODD ? _mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000))
                                             : _mm512_slli_epi32(both, 16));
#elif TS_VECTOR == 8
            const __m256i both = _mm256_loadu_si256((const __m256i *)(pair + 8 * i));
            c.v[i] = _mm256_castsi256_ps(ODD ? _mm256_and_si256(both, _mm256_set1_epi32((int)0xffff0000))
                                             : _mm256_slli_epi32(both, 16));
#else
            c.v[i] = of_bits(ODD ? pair[i] & 0xffff0000 : pair[i] << 16);
#endif
        }
        return c;
    }
};

// Numbers in fp16.
    static inline F halves(const uint16_t *p) {
#if TS_VECTOR == 16
        return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
#elif TS_VECTOR == 8
        return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
#else
        const uint32_t sign = (uint32_t)(*p >> 15) << 31, exponent = *p >> 10 & 31, part = *p & 1023;
        if (exponent == 0) return (sign ? -1.0f : 1.0f) * (float)part * 0x1p-24f;
        return of_bits(sign | (exponent == 31 ? 255 : exponent + 112) << 23 | part << 13);
#endif
    }

// One byte a weight and a scale in fp16 for 32 columns: the scales of all outputs, then their codes
// column after column (the values of GGUF's Q8_0).
struct ByteForm {
    static constexpr int64_t STEP = 32, UNIT = 32, BLOCK = 64 + 32 * 32;
    const char *panel, *block;
    Column scale;

    ByteForm() = default;
    static int64_t bytes(int64_t columns) { return columns / 32 * BLOCK; }
    ByteForm(const void *p, int64_t column) : panel((const char *)p + column / 32 * BLOCK), block(panel) {}
    void begin(int64_t k) {
        block = panel + k / 32 * BLOCK;
        const uint16_t *of = (const uint16_t *)block;
        for (int i = 0; i < PANEL_VECTORS; i++) scale.v[i] = halves(of + i * W);
    }
    Column column(int64_t k) const {
        Column c;
        const int8_t *p = (const int8_t *)block + 64 + (k & 31) * PANEL_OUTPUTS;
        for (int i = 0; i < PANEL_VECTORS; i++) {
#if TS_VECTOR == 16
            const F code = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(p + 16 * i))));
#elif TS_VECTOR == 8
            const F code = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(p + 8 * i))));
#else
            const F code = (float)p[i];
#endif
            c.v[i] = code * scale.v[i];
        }
        return c;
    }
};

// What another form was widened to, for the rows behind the first.
struct WideForm {
    static constexpr int64_t STEP = 1;
    const float *w;

    WideForm() = default;
    WideForm(const void *block, int64_t) : w((const float *)block) {}
    void begin(int64_t) {}
    Column column(int64_t k) const {
        Column c;
        for (int v = 0; v < PANEL_VECTORS; v++) c.v[v] = load(w + k * PANEL_OUTPUTS + v * W);
        return c;
    }
};

// sums[p][r] = (more ? sums : 0) + x row r · columns of panel p, for P panels and R rows of x. Meanwhile it asks
// for LINES lines of memory from `ahead` on for each 12 columns, and keeps the weights of one panel in `wide`.
template <class Form, int P, int R, bool KEEP>
static inline void panel_tile(const float *x, const char *panel, int64_t panel_bytes, int64_t first, int64_t columns,
                              float *sums, int64_t sums_panel, bool more, const char *ahead, int lines, float *wide) {
    F a[P][R][PANEL_VECTORS];
    for (int p = 0; p < P; p++) {
        for (int r = 0; r < R; r++) {
            for (int v = 0; v < PANEL_VECTORS; v++) {
                const float *from = sums + p * sums_panel + r * PANEL_OUTPUTS + v * W;
                a[p][r][v] = more ? load(from) : set(0.0f);
            }
        }
    }
    Form forms[P];
    for (int p = 0; p < P; p++) forms[p] = Form(panel + p * panel_bytes, first);
    int wait = 0;
    const auto multiply = [&](int p, int64_t c, const Column &w) __attribute__((always_inline)) {
        if constexpr (KEEP) {
            for (int v = 0; v < PANEL_VECTORS; v++) store(wide + c * PANEL_OUTPUTS + v * W, w.v[v]);
        }
        for (int r = 0; r < R; r++) {
            F xv = set(x[r * PANEL_COLUMNS + c]);
            stay(xv);
            for (int v = 0; v < PANEL_VECTORS; v++) a[p][r][v] = fma(xv, w.v[v], a[p][r][v]);
        }
    };
    const auto ask = [&](int more_lines) __attribute__((always_inline)) {
        wait += more_lines;
        for (; wait >= 12; wait -= 12, ahead += 64) __builtin_prefetch(ahead);
    };
    for (int64_t k = 0; k < columns; k += Form::STEP) {
        for (int p = 0; p < P; p++) forms[p].begin(k);
        if constexpr (Form::STEP == 2) {
            for (int p = 0; p < P; p++) multiply(p, k, forms[p].template column_of<false>());
            for (int p = 0; p < P; p++) multiply(p, k + 1, forms[p].template column_of<true>());
            ask(2 * lines);
        } else {
            const int64_t end = Form::STEP == 1 ? k + 1 : least(k + Form::STEP, columns);
            for (int64_t c = k; c < end; c++) {
                for (int p = 0; p < P; p++) multiply(p, c, forms[p].column(c));
                ask(lines);
            }
        }
    }
    for (int p = 0; p < P; p++) {
        for (int r = 0; r < R; r++) {
            for (int v = 0; v < PANEL_VECTORS; v++) {
                store(sums + p * sums_panel + r * PANEL_OUTPUTS + v * W, a[p][r][v]);
            }
        }
    }
}

}  // namespace TS_NS
