// C = factor · A · B + keep · C for bf16 by AMX's tiles, sums in fp32.
//
// A thread takes some panels of 32 columns of B, packs them as pairs once into level 2, and lets strips of 32
// rows of A meet them. A block of a strip stays in level 1 and the panels stream past it: 2 KiB for every four
// tile products. An element of C is summed along K in an order that depends on K alone.
#pragma once
#include <omp.h>

#include "tile.h"

namespace TS_NS {

// A matrix of which one of the strides is 1.
template <class T>
struct Matrix {
    const T *at;
    int64_t row, column;

    const T *element(int64_t r, int64_t c) const { return at + r * row + c * column; }
};

#if TS_TILES
constexpr int64_t STRIP = 32;                 // rows of A, and columns of a panel of B
constexpr int64_t STRIP_COLUMNS = 640;        // of A at once: 40 of 48 KiB of level 1
constexpr int64_t LONG_COLUMNS = 1536;       // of A and rows of B at once
constexpr int64_t PANELS_BYTES = 384 << 10;  // of packed B, which stay in level 2
constexpr int64_t LONG_ROWS = 256;           // of C whose sums wait for the next LONG_COLUMNS
constexpr int64_t LONG_PANELS = PANELS_BYTES / (LONG_COLUMNS * STRIP * 2);

// What one thread works in.
struct TiledRoom {
    uint32_t *panels;
    bf16 *strip;
    float *sums;

    static constexpr int64_t STRIPS = STRIP * LONG_COLUMNS * 2;
    static constexpr int64_t SUMS = LONG_ROWS * LONG_PANELS * STRIP * 4;
    static constexpr int64_t BYTES = PANELS_BYTES + STRIPS + SUMS;
    static_assert(BYTES <= 4 * ((256 + 256) * 192 + 256 * 256), "no more than other products take (scratch.cpp)");

    explicit TiledRoom(char *mine)
        : panels((uint32_t *)mine), strip((bf16 *)(mine + PANELS_BYTES)), sums((float *)(mine + PANELS_BYTES + STRIPS)) {}
};

// Up to 16 units (pairs of bf16): those of a row of memory, or of two rows side by side.
static inline __m512i pair_line(const bf16 *row, int64_t elements) {
    return _mm512_maskz_loadu_epi16((__mmask32)((1ull << elements) - 1), row);
}

static inline __m512i pair_of_rows(const bf16 *even, const bf16 *odd, int64_t elements) {
    const __mmask16 some = (__mmask16)((1u << elements) - 1);
    const __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(some, even));
    if (odd == nullptr) return low;
    return _mm512_or_si512(low, _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(some, odd)), 16));
}

template <class O>
struct TiledProduct {
    Matrix<bf16> a, b;
    O *c;
    int64_t M, N, K, c_row;
    float factor, keep;

    // `steps` rows of B, up to 32 columns from n on, as pairs; `padded` rows in all.
    void pack_panel(int64_t n, int64_t k, int64_t steps, int64_t padded, uint32_t *to) const {
        const int64_t width = least(N - n, STRIP);
        for (int64_t half = 0; half < STRIP; half += 16) {
            const int64_t columns = width - half < 0 ? 0 : least(width - half, 16);
            for (int64_t i = 0; i < padded; i += 32) {
                uint32_t *block = to + i / 2 * STRIP + half;
                if (b.row == 1) turned_block(b, n + half, columns, k + i, least(steps - i, 32), block, STRIP);
                else paired_block(b.at + (k + i) * b.row + n + half, b.row, least(steps - i, 32), columns, block);
            }
        }
    }

    // Rows k and k + 1 become one line of units.
    static void paired_block(const bf16 *from, int64_t stride, int64_t steps, int64_t columns, uint32_t *to) {
        for (int64_t s = 0; s < 32; s += 2, to += STRIP) {
            const bf16 *even = from + s * stride;
            const bool has = s < steps && columns > 0;
            _mm512_storeu_si512(to, has ? pair_of_rows(even, s + 1 < steps ? even + stride : nullptr, columns)
                                        : _mm512_setzero_si512());
        }
    }

    // Lines that lie along K, turned: unit (k, n) to line k / 2, place n.
    static void turned_block(const Matrix<bf16> &of, int64_t n, int64_t columns, int64_t k, int64_t steps,
                             uint32_t *to, int64_t ldt) {
        alignas(64) uint32_t lines[16 * 16];
        for (int64_t i = 0; i < 16; i++) {
            const bool has = i < columns && steps > 0;
            const bf16 *line = of.at + (n + i) * of.column + k;
            _mm512_store_si512(lines + i * 16, has ? pair_line(line, steps) : _mm512_setzero_si512());
        }
        transpose16(lines, 16, to, ldt);
    }

    // Whether tiles can read rows of A where they lie.
    bool reads_in_place(int64_t rows, int64_t steps) const { return a.column == 1 && rows == STRIP && steps % 32 == 0; }

    void pack_strip(int64_t m, int64_t rows, int64_t k, int64_t steps, int64_t padded, bf16 *to) const {
        if (a.column == 1) {
            for (int64_t r = 0; r < STRIP; r++, to += padded) {
                const int64_t have = r < rows ? steps : 0;
                if (have > 0) __builtin_memcpy(to, a.element(m + r, k), have * sizeof(bf16));
                __builtin_memset(to + have, 0, (padded - have) * sizeof(bf16));
            }
            return;
        }
        alignas(64) uint32_t lines[16 * 16];
        for (int64_t half = 0; half < STRIP; half += 16) {
            const int64_t columns = rows - half < 0 ? 0 : least(rows - half, 16);
            for (int64_t i = 0; i < padded; i += 32) {
                const bf16 *from = a.at + (k + i) * a.column + m + half;
                for (int64_t s = 0; s < 16; s++) {
                    const bool has = i + 2 * s < steps && columns > 0, both = i + 2 * s + 1 < steps;
                    const bf16 *even = from + 2 * s * a.column;
                    _mm512_store_si512(lines + s * 16, has ? pair_of_rows(even, both ? even + a.column : nullptr, columns)
                                                           : _mm512_setzero_si512());
                }
                transpose16(lines, 16, (uint32_t *)(to + half * padded + i), padded / 2);
            }
        }
    }

    struct Task {
        int64_t m, rows, panel, panels;
    };

    // Rows [k, k + steps) of B meet all strips of a task.
    void block(const Task &t, int64_t k, int64_t steps, const TiledRoom &room) const {
        const int64_t padded = round_up(steps, 32), panel = padded / 2 * STRIP;
        const int64_t parts = (padded + STRIP_COLUMNS - 1) / STRIP_COLUMNS;
        const int64_t part = round_up((padded + parts - 1) / parts, 32);
        for (int64_t p = 0; p < t.panels; p++) {
            pack_panel((t.panel + p) * STRIP, k, steps, padded, room.panels + p * panel);
        }
        for (int64_t m = 0; m < t.rows; m += STRIP) {
            const int64_t rows = least(t.rows - m, STRIP);
            const bool in_place = reads_in_place(rows, steps);
            if (!in_place) pack_strip(t.m + m, rows, k, steps, padded, room.strip);
            const bf16 *strip = in_place ? a.element(t.m + m, k) : room.strip;
            const int64_t stride = (in_place ? a.row : padded) * (int64_t)sizeof(bf16);
            float *sums = room.sums + (K > LONG_COLUMNS ? m * t.panels * STRIP : 0);
            for (int64_t i = 0; i < padded; i += part) {
                const bool last = k + steps == K && i + part >= padded;
                for (int64_t p = 0; p < t.panels; p++) {
                    float *of = sums + (part < K ? p * STRIP * STRIP : 0);
                    mm_tiles_wide(strip + i, stride, room.panels + p * panel + i / 2 * STRIP, STRIP, of, STRIP,
                                  least(padded - i, part) / 2, k + i > 0);
                    if (last) put(t.m + m, rows, (t.panel + p) * STRIP, of);
                }
            }
        }
    }

    void put(int64_t m, int64_t rows, int64_t n, const float *sums) const {
        const F scale = set(factor);
        const int64_t width = least(N - n, STRIP);
        for (int64_t r = 0; r < rows; r++, sums += STRIP) {
            O *to = c + (m + r) * c_row + n;
            TS_FOR_VECTORS(i, width, {
                F x = get_lanes<whole>(sums + i, L) * scale;
                if (keep != 0.0f) x = fma(set(keep), get_lanes<whole>(to + i, L), x);
                put_lanes<whole>(to + i, x, L);
            })
        }
    }

    // How the work is cut into tasks: `wide` panels and `tall` rows each.
    struct Cut {
        int64_t wide, tall;
    };

    // As many panels as fit, the same for all threads; few panels meet some of the rows each.
    Cut cut(int threads) const {
        const int64_t panels = (N + STRIP - 1) / STRIP, padded = round_up(least(K, LONG_COLUMNS), 32);
        const int64_t fit = PANELS_BYTES / (padded * STRIP * 2);
        const int64_t blocks = round_up((panels + fit - 1) / fit, threads), wide = (panels + blocks - 1) / blocks;
        if (K > LONG_COLUMNS) return Cut{wide, LONG_ROWS};
        if (wide * blocks * 8 <= panels * 9) return Cut{wide, M};
        return Cut{least(fit, panels), round_up((M + threads - 1) / threads, STRIP)};
    }

    void run(char *scratch, int threads) const {
        const Cut each = cut(threads);
        const int64_t panels = (N + STRIP - 1) / STRIP;
        const int64_t across = (panels + each.wide - 1) / each.wide, down = (M + each.tall - 1) / each.tall;
#pragma omp parallel num_threads(M * N * K < 64 * 64 * 64 ? 1 : threads)
        {
            const TiledRoom room(scratch + omp_get_thread_num() * TiledRoom::BYTES);
            tiles_begin();
#pragma omp for schedule(dynamic)
            for (int64_t i = 0; i < across * down; i++) {
                const int64_t panel = i / down * each.wide, m = i % down * each.tall;
                const Task task{m, least(M - m, each.tall), panel, least(panels - panel, each.wide)};
                for (int64_t k = 0; k < K; k += LONG_COLUMNS) block(task, k, least(K - k, LONG_COLUMNS), room);
            }
            tiles_end();
        }
    }
};
#endif

}  // namespace TS_NS
