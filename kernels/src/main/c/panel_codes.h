// Forms of panels whose weights are codes of four, five or six bits: the values of GGUF's Q4_K, Q5_0
// and Q6_K, bit for bit those that its blocks say.
#pragma once
#include "panels.h"

namespace TS_NS {

// Weight = scale · (code - OFFSET) - least. A code has four bits and HIGH more.
//
// A block has the scales of all outputs in fp16 (and the least values' ones), then, where groups of
// columns have small numbers as factors of those (PARTS), those factors, then codes: of a column 16
// bytes with output i below and i + 16 above, then the other bits of all outputs.
template <int HIGH, int GROUP, bool PARTS, bool LEAST>
struct CodeForm {
    static constexpr int64_t STEP = GROUP, UNIT = PARTS ? 256 : GROUP;
    static constexpr int OFFSET = HIGH == 0 ? 0 : 8 << HIGH;
    static constexpr int64_t PARTS_AT = LEAST ? 128 : 64;
    static constexpr int64_t LEAST_PARTS_AT = PARTS_AT + (PARTS ? UNIT / GROUP * PANEL_OUTPUTS : 0);
    static constexpr int64_t CODES_AT = LEAST_PARTS_AT + (LEAST ? UNIT / GROUP * PANEL_OUTPUTS : 0);
    static constexpr int64_t COLUMN = 16 + 4 * HIGH, BLOCK = CODES_AT + UNIT * COLUMN;
    const char *panel, *block;
    Column scale, less;

    CodeForm() = default;
    static int64_t bytes(int64_t columns) { return columns / UNIT * BLOCK; }
    CodeForm(const void *p, int64_t column) : panel((const char *)p + column / UNIT * BLOCK), block(panel) {}

    void begin(int64_t k) {
        block = panel + k / UNIT * BLOCK;
        const int64_t group = k % UNIT / GROUP * PANEL_OUTPUTS;
        for (int i = 0; i < PANEL_VECTORS; i++) {
            scale.v[i] = halves((const uint16_t *)block + i * W);
            if (PARTS) scale.v[i] = scale.v[i] * small<!LEAST>(block + PARTS_AT + group + i * W);
            if (LEAST) {
                less.v[i] = set(0.0f) - halves((const uint16_t *)(block + 64) + i * W) *
                                            small<false>(block + LEAST_PARTS_AT + group + i * W);
            }
        }
    }

    Column column(int64_t k) const {
        Column c;
        const uint8_t *codes = (const uint8_t *)block + CODES_AT + k % UNIT * COLUMN;
        for (int i = 0; i < PANEL_VECTORS; i++) {
            const F whole = code(codes, i);
            c.v[i] = LEAST ? fma(whole, scale.v[i], less.v[i]) : whole * scale.v[i];
        }
        return c;
    }

#if TS_VECTOR == 16
    template <bool SIGNED>
    static F small(const char *p) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)p);
        return _mm512_cvtepi32_ps(SIGNED ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes));
    }
    static F code(const uint8_t *codes, int i) {
        const __m128i both = _mm_loadu_si128((const __m128i *)codes);
        const __m128i four = _mm_and_si128(i == 0 ? both : _mm_srli_epi16(both, 4), _mm_set1_epi8(15));
        __m512i whole = _mm512_cvtepu8_epi32(four);
        if (HIGH == 1) {
            const __mmask16 below = (__mmask16) ~(high(codes, 0) >> 16 * i);  // codes from 0 to 15
            return _mm512_cvtepi32_ps(_mm512_mask_sub_epi32(whole, below, whole, _mm512_set1_epi32(OFFSET)));
        }
        if (HIGH == 2) {
            const __m512i shift = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
            const __m512i more = _mm512_srlv_epi32(_mm512_set1_epi32((int)high(codes, i)), shift);
            whole = _mm512_or_si512(whole, _mm512_slli_epi32(_mm512_and_si512(more, _mm512_set1_epi32(3)), 4));
        }
        return _mm512_cvtepi32_ps(_mm512_sub_epi32(whole, _mm512_set1_epi32(OFFSET)));
    }
#elif TS_VECTOR == 8
    template <bool SIGNED>
    static F small(const char *p) {
        const __m128i bytes = _mm_loadl_epi64((const __m128i *)p);
        return _mm256_cvtepi32_ps(SIGNED ? _mm256_cvtepi8_epi32(bytes) : _mm256_cvtepu8_epi32(bytes));
    }
    static F code(const uint8_t *codes, int i) {
        const __m128i both = _mm_loadl_epi64((const __m128i *)(codes + 8 * (i & 1)));
        const __m128i four = _mm_and_si128(i < 2 ? both : _mm_srli_epi16(both, 4), _mm_set1_epi8(15));
        __m256i whole = _mm256_cvtepu8_epi32(four);
        if (HIGH > 0) {
            const __m256i lanes = _mm256_add_epi32(_mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0),
                                                   _mm256_set1_epi32(HIGH == 1 ? 8 * i : 8 * (i & 1)));
            const __m256i shift = HIGH == 1 ? lanes : _mm256_slli_epi32(lanes, 1);
            const __m256i word = _mm256_set1_epi32((int)high(codes, HIGH == 1 ? 0 : i / 2));
            const __m256i more = _mm256_and_si256(_mm256_srlv_epi32(word, shift), _mm256_set1_epi32((1 << HIGH) - 1));
            whole = _mm256_or_si256(whole, _mm256_slli_epi32(more, 4));
        }
        return _mm256_cvtepi32_ps(_mm256_sub_epi32(whole, _mm256_set1_epi32(OFFSET)));
    }
#else
    template <bool SIGNED>
    static F small(const char *p) {
        return SIGNED ? (float)*(const int8_t *)p : (float)*(const uint8_t *)p;
    }
    static F code(const uint8_t *codes, int i) {
        int whole = codes[i & 15] >> (i < 16 ? 0 : 4) & 15;
        if (HIGH == 1) whole |= (high(codes, 0) >> i & 1) << 4;
        if (HIGH == 2) whole |= (high(codes, i / 16) >> 2 * (i & 15) & 3) << 4;
        return (float)(whole - OFFSET);
    }
#endif
    static uint32_t high(const uint8_t *codes, int word) {
        uint32_t bits;
        __builtin_memcpy(&bits, codes + 16 + 4 * word, 4);
        return bits;
    }

    // Puts the code of output o into a column that was zero.
    static void put_code(uint8_t *codes, int64_t o, uint32_t code) {
        codes[o & 15] |= (uint8_t)((code & 15) << (o < 16 ? 0 : 4));
        if (HIGH == 0) return;
        const int word = HIGH == 1 ? 0 : (int)(o / 16);
        const uint32_t bits = high(codes, word) | code >> 4 << (HIGH == 1 ? o : 2 * (o & 15));
        __builtin_memcpy(codes + 16 + 4 * word, &bits, 4);
    }
};

using FiveForm = CodeForm<1, 32, false, false>;
using FourPartsForm = CodeForm<0, 32, true, true>;
using SixPartsForm = CodeForm<2, 16, true, false>;

}  // namespace TS_NS
