// C = factor · Σ A · B + keep · C for bf16 by AMX's tiles, sums in fp32.
//
// A thread takes some panels of 32 columns of B, packs them as pairs once into level 2, and lets strips of 32
// rows of A meet them. A piece of a strip stays in level 1 and the panels stream past it: 2 KiB for every four
// tile products. An element of C is summed along all K in an order that depends on these alone.
#pragma once
#include <omp.h>

#include "tile.h"
#include "tiled_room.h"

namespace TS_NS {

// A matrix of which one of the strides is 1.
template <class T>
struct Matrix {
    const T *at;
    int64_t row, column;

    const T *element(int64_t r, int64_t c) const { return at + r * row + c * column; }
    Matrix turned() const { return {at, column, row}; }
};

// One of the products that are summed.
template <class T>
struct Term {
    Matrix<T> a, b;
    int64_t K;
};

#if TS_TILES
constexpr int64_t STRIP = 32;                 // rows of A, and columns of a panel of B
constexpr int64_t PIECE_COLUMNS = 640;        // of A at once: 40 of 48 KiB of level 1
constexpr int64_t BLOCK_COLUMNS = 1600;       // of A and rows of B at once
constexpr int64_t PIECES = 16;                // at once
constexpr int64_t TOGETHER = 16;              // rows of B that are packed side by side
constexpr int64_t PANELS_BYTES = 1024 << 10;  // of packed B, which stay in level 2
constexpr int64_t LONG_ROWS = 352;            // of C whose sums wait for the next block
constexpr int64_t LONG_PANELS = 10;
constexpr int64_t STREAM_BYTES = 2 << 20;     // from this size on C goes past the caches

// What one thread works in.
struct TiledRoom {
    uint32_t *panels;
    bf16 *strip;
    float *sums;

    static constexpr int64_t STRIPS = STRIP * BLOCK_COLUMNS * 2;
    static constexpr int64_t SUMS = LONG_ROWS * LONG_PANELS * STRIP * 4;
    static constexpr int64_t BYTES = PANELS_BYTES + STRIPS + SUMS;
    static_assert(BYTES <= TS_TILED_ROOM, "what scratch.cpp asks for");
    static_assert(SUMS >= PANELS_BYTES / (PIECE_COLUMNS * STRIP * 2) * STRIP * STRIP * 4, "a strip of short sums");

    explicit TiledRoom(char *mine)
        : panels((uint32_t *)mine), strip((bf16 *)(mine + PANELS_BYTES)), sums((float *)(mine + PANELS_BYTES + STRIPS)) {}
};

// Up to 32 elements of a row of memory: 16 units (pairs of bf16).
static inline __m512i pair_line(const bf16 *row, int64_t elements) {
    return _mm512_maskz_loadu_epi16((__mmask32)((1ull << elements) - 1), row);
}

// Elements [16 * half, 16 * half + 16) of two rows side by side.
static inline __m512i paired_lines(__m512i even, __m512i odd, int half) {
    alignas(64) static constexpr uint16_t ORDER[2][32] = {
        {0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47},
        {16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53, 22, 54, 23, 55,
         24, 56, 25, 57, 26, 58, 27, 59, 28, 60, 29, 61, 30, 62, 31, 63}};
    return _mm512_permutex2var_epi16(even, _mm512_load_si512(ORDER[half]), odd);
}

// Columns [k, k + steps) of A and rows of B of one term, `padded` with zeros.
struct Piece {
    const Term<bf16> *term;
    int64_t k, steps, padded;
};

// Goes through the pieces of all terms.
struct Pieces {
    const Term<bf16> *term, *end;
    int64_t k = 0;

    Pieces(const Term<bf16> *terms, int64_t count) : term(terms), end(terms + count) { skip(); }

    void skip() {
        while (term < end && k >= term->K) term++, k = 0;
    }
    bool more() const { return term < end; }
    Piece next() const {
        const int64_t padded = round_up(term->K, 32), parts = (padded + PIECE_COLUMNS - 1) / PIECE_COLUMNS;
        const int64_t steps = least(term->K - k, round_up((padded + parts - 1) / parts, 32));
        return {term, k, steps, round_up(steps, 32)};
    }
    void pass() {
        k += next().steps;
        skip();
    }
};

// Pieces that are packed together.
struct Block {
    Piece pieces[PIECES];
    int64_t at[PIECES];  // columns before each
    int64_t count = 0, columns = 0;

    explicit Block(Pieces &from) {
        while (from.more() && count < PIECES && columns + from.next().padded <= BLOCK_COLUMNS) {
            pieces[count] = from.next();
            at[count] = columns;
            columns += pieces[count++].padded;
            from.pass();
        }
    }

    // The end of the pieces from `first` on that meet the panels at once.
    int64_t visit(int64_t first) const {
        int64_t end = first + 1;
        while (end < count && at[end] + pieces[end].padded - at[first] <= PIECE_COLUMNS) end++;
        return end;
    }
};

template <class O>
struct TiledProduct {
    const Term<bf16> *terms;
    int64_t count;
    O *c;
    int64_t M, N, c_row;
    float factor, keep;
    bool turned;  // C is written as its transpose

    // Rows of B, up to 32 columns a panel from n on, as pairs; panels lie `apart` units.
    static void pack_panels(const Piece &of, int64_t n, int64_t end, int64_t apart, uint32_t *to) {
        const Matrix<bf16> &b = of.term->b;
        if (b.row == 1) {
            for (; n < end; n += STRIP, to += apart) turned_panel(of, n, least(end - n, STRIP), to);
            return;
        }
        // Some rows of all panels at a time: rows are read as they lie.
        for (int64_t i = 0; i < of.padded; i += TOGETHER) {
            uint32_t *line = to + i / 2 * STRIP;
            for (int64_t p = n; p < end; p += STRIP, line += apart) {
                paired_block(b.element(of.k + i, p), b.row, of.steps - i, least(end - p, STRIP), line);
            }
        }
    }

    // Up to TOGETHER rows of up to 32 columns: rows k and k + 1 become one line of units.
    static void paired_block(const bf16 *from, int64_t stride, int64_t steps, int64_t columns, uint32_t *to) {
        for (int64_t s = 0; s < TOGETHER; s += 2, from += 2 * stride, to += STRIP) {
            const __m512i even = pair_line(from, s < steps ? columns : 0);
            const __m512i odd = pair_line(from + stride, s + 1 < steps ? columns : 0);
            _mm512_storeu_si512(to, paired_lines(even, odd, 0));
            _mm512_storeu_si512(to + 16, paired_lines(even, odd, 1));
        }
    }

    // Lines that lie along K, turned: unit (k, n) to line k / 2, place n.
    static void turned_panel(const Piece &of, int64_t n, int64_t width, uint32_t *to) {
        alignas(64) uint32_t lines[16 * 16];
        for (int64_t half = 0; half < STRIP; half += 16) {
            for (int64_t i = 0; i < of.padded; i += 32) {
                for (int64_t c = 0; c < 16; c++) {
                    const int64_t have = half + c < width ? least(of.steps - i, 32) : 0;
                    _mm512_store_si512(lines + c * 16, pair_line(of.term->b.element(of.k + i, n + half + c), have));
                }
                transpose16(lines, 16, to + i / 2 * STRIP + half, STRIP);
            }
        }
    }

    // A strip of a piece, as tiles read it: where it lies, or packed.
    struct Strip {
        const bf16 *at;
        int64_t stride;
    };

    static Strip strip_of(const Piece &of, int64_t m, int64_t rows, bf16 *to) {
        const Matrix<bf16> &a = of.term->a;
        if (a.column == 1 && rows == STRIP && of.steps % 32 == 0) return {a.element(m, of.k), a.row * 2};
        if (a.column == 1) {
            for (int64_t r = 0; r < STRIP; r++) {
                bf16 *row = to + r * of.padded;
                const int64_t have = r < rows ? of.steps : 0;
                if (have > 0) __builtin_memcpy(row, a.element(m + r, of.k), have * sizeof(bf16));
                __builtin_memset(row + have, 0, (of.padded - have) * sizeof(bf16));
            }
            return {to, of.padded * 2};
        }
        alignas(64) uint32_t lines[2][16 * 16];
        for (int64_t i = 0; i < of.padded; i += 32) {
            const bf16 *from = a.element(m, of.k + i);
            for (int64_t s = 0; s < 16; s++, from += 2 * a.column) {
                const __m512i even = pair_line(from, i + 2 * s < of.steps ? rows : 0);
                const __m512i odd = pair_line(from + a.column, i + 2 * s + 1 < of.steps ? rows : 0);
                _mm512_store_si512(lines[0] + s * 16, paired_lines(even, odd, 0));
                _mm512_store_si512(lines[1] + s * 16, paired_lines(even, odd, 1));
            }
            transpose16(lines[0], 16, (uint32_t *)(to + i), of.padded / 2);
            transpose16(lines[1], 16, (uint32_t *)(to + 16 * of.padded + i), of.padded / 2);
        }
        return {to, of.padded * 2};
    }

    struct Task {
        int64_t m, rows, panel, panels;
    };

    // The pieces of a block meet all strips of a task.
    void block(const Task &t, const Block &of, bool first, bool last, const TiledRoom &room) const {
        const int64_t panel = of.columns / 2 * STRIP;
        for (int64_t i = 0; i < of.count; i++) {
            pack_panels(of.pieces[i], t.panel * STRIP, least((t.panel + t.panels) * STRIP, N), panel,
                        room.panels + of.at[i] / 2 * STRIP);
        }
        for (int64_t m = 0; m < t.rows; m += STRIP) {
            const int64_t rows = least(t.rows - m, STRIP);
            Strip strips[PIECES];
            for (int64_t i = 0; i < of.count; i++) {
                strips[i] = strip_of(of.pieces[i], t.m + m, rows, room.strip + of.at[i] * STRIP);
            }
            float *sums = room.sums + (first && last ? 0 : m * t.panels * STRIP);
            for (int64_t i = 0, end; i < of.count; i = end) {
                end = of.visit(i);
                const bool opens = first && i == 0, closes = last && end == of.count;
                for (int64_t p = 0; p < t.panels; p++) {
                    float *to = sums + (opens && closes ? 0 : p * STRIP * STRIP);
                    tiles_open(to, STRIP, !opens);
                    for (int64_t j = i; j < end; j++) {
                        const uint32_t *from = room.panels + p * panel + of.at[j] / 2 * STRIP;
                        tiles_add(strips[j].at, strips[j].stride, from, STRIP, of.pieces[j].padded / 2);
                    }
                    tiles_close(to, STRIP);
                    if (closes) put(t.m + m, rows, (t.panel + p) * STRIP, to);
                }
            }
        }
    }

    // Writes up to 32 × 32 sums whose first is that of row m and column n.
    void put(int64_t m, int64_t rows, int64_t n, const float *sums) const {
        const int64_t width = least(N - n, STRIP);
        if (!turned) return put_rows(m, rows, n, width, sums);
        alignas(64) float other[STRIP * STRIP];
        transpose(sums, STRIP, other, STRIP, STRIP, STRIP);
        put_rows(n, width, m, rows, other);
    }

    void put_rows(int64_t m, int64_t rows, int64_t n, int64_t width, const float *sums) const {
        const F scale = set(factor);
        O *to = c + m * c_row + n;
        if (sizeof(O) == sizeof(bf16) && width == STRIP) {
            const bool stream = keep == 0.0f && M * N * (int64_t)sizeof(O) >= STREAM_BYTES
                                && ((uintptr_t)to | c_row * sizeof(O)) % 64 == 0;
            for (int64_t r = 0; r < rows; r++, sums += STRIP, to += c_row) put_line((bf16 *)to, sums, scale, stream);
            return;
        }
        for (int64_t r = 0; r < rows; r++, sums += STRIP, to += c_row) {
            TS_FOR_VECTORS(i, width, {
                F x = get_lanes<whole>(sums + i, L) * scale;
                if (keep != 0.0f) x = fma(set(keep), get_lanes<whole>(to + i, L), x);
                put_lanes<whole>(to + i, x, L);
            })
        }
    }

    // 32 elements, which are mostly one line of memory.
    void put_line(bf16 *to, const float *sums, F scale, bool stream) const {
        F low = load(sums) * scale, high = load(sums + W) * scale;
        if (keep != 0.0f) {
            low = fma(set(keep), load(to), low);
            high = fma(set(keep), load(to + W), high);
        }
        const __m512i line = (__m512i)_mm512_cvtne2ps_pbh(high, low);
        if (stream) _mm512_stream_si512((__m512i *)to, line);
        else _mm512_storeu_si512(to, line);
    }

    // How the work is cut into tasks: `wide` panels and `tall` rows each.
    struct Cut {
        int64_t wide, tall;
    };

    // As many panels as fit, the same for all threads; where all fit, threads share the rows.
    Cut cut(int threads) const {
        int64_t blocks = 0, columns = 32;
        for (Pieces all(terms, count); all.more(); blocks++) {
            const Block block(all);
            columns = columns < block.columns ? block.columns : columns;
        }
        const int64_t panels = (N + STRIP - 1) / STRIP;
        const int64_t room = PANELS_BYTES / (columns * STRIP * 2), fit = blocks > 1 ? least(room, LONG_PANELS) : room;
        const int64_t share = round_up((M + threads - 1) / threads, STRIP);
        if (blocks == 1 && panels <= fit && M >= ROWS_EACH * N) return Cut{panels, share};
        const int64_t groups = round_up((panels + fit - 1) / fit, threads), wide = (panels + groups - 1) / groups;
        if (blocks > 1) return Cut{wide, LONG_ROWS};
        if (wide * groups * 8 <= panels * 9) return Cut{wide, M};
        return Cut{least(fit, panels), share};
    }
    static constexpr int64_t ROWS_EACH = 2;

    void run(char *scratch, int threads) const {
        const Cut each = cut(threads);
        const int64_t panels = (N + STRIP - 1) / STRIP;
        const int64_t across = (panels + each.wide - 1) / each.wide, down = (M + each.tall - 1) / each.tall;
        const bool alone = across * down == 1 || M * N * terms->K < 64 * 64 * 64;
#pragma omp parallel num_threads(alone ? 1 : threads)
        {
            const TiledRoom room(scratch + omp_get_thread_num() * TiledRoom::BYTES);
            tiles_begin();
#pragma omp for schedule(dynamic)
            for (int64_t i = 0; i < across * down; i++) {
                const int64_t panel = i / down * each.wide, m = i % down * each.tall;
                const Task task{m, least(M - m, each.tall), panel, least(panels - panel, each.wide)};
                bool first = true;
                for (Pieces all(terms, count); all.more(); first = false) {
                    const Block next(all);
                    block(task, next, first, !all.more(), room);
                }
            }
            tiles_end();
            _mm_sfence();
        }
    }
};
#endif

}  // namespace TS_NS
