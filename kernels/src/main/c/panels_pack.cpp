// Turns matrices into panels (panels.h, panel_codes.h): of bf16, quantised on the way or not, and of
// blocks as GGUF has them.
#include <string.h>

#include "operations.h"
#include "panel_codes.h"

namespace TS_NS {

// Columns 2j and 2j + 1 of a row are 32 bits in a panel too, so this turns blocks of 16 × 16 of those.
int panels_pack_bf16(const bf16 *w_NK, void *to, int64_t N, int64_t K, int threads) {
    if (N < 0 || K < 0) return TS_BAD_SHAPE;
    const int64_t panels = (N + PANEL_OUTPUTS - 1) / PANEL_OUTPUTS, pairs = K / 2;
    for_rows(panels, PANEL_OUTPUTS * K, threads, [&](int64_t p) {
        uint32_t *panel = (uint32_t *)((char *)to + p * PairForm::bytes(K));
        for (int64_t o = 0; o < PANEL_OUTPUTS; o += 16) {
            const int64_t n = p * PANEL_OUTPUTS + o, rows = least(N - n, 16);
            int64_t j = 0;
            if (rows == 16 && K % 2 == 0) {
                for (; j + 16 <= pairs; j += 16) {
                    transpose16(w_NK + n * K + 2 * j, pairs, panel + j * PANEL_OUTPUTS + o, PANEL_OUTPUTS);
                }
            }
            for (; j < pairs + K % 2; j++) {
                for (int64_t i = 0; i < 16; i++) {
                    uint32_t pair = 0;
                    if (i < rows) __builtin_memcpy(&pair, w_NK + (n + i) * K + 2 * j, j < pairs ? 4 : 2);
                    panel[j * PANEL_OUTPUTS + o + i] = pair;
                }
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
    if (N < 0 || K < 0 || K % ByteForm::UNIT != 0) return TS_BAD_SHAPE;
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

// Goes through the blocks of all rows of a panel: read(block of a row, output, block of the panel).
template <class Form, int64_t BYTES, class Read>
static int pack_blocks(const uint8_t *w, void *to, int64_t N, int64_t K, int threads, Read read) {
    if (N < 0 || K < 0 || K % Form::UNIT != 0) return TS_BAD_SHAPE;
    const int64_t panels = (N + PANEL_OUTPUTS - 1) / PANEL_OUTPUTS, blocks = K / Form::UNIT;
    for_rows(panels, PANEL_OUTPUTS * K, threads, [&](int64_t p) {
        char *panel = (char *)to + p * Form::bytes(K);
        memset(panel, 0, Form::bytes(K));
        for (int64_t o = 0; o < least(N - p * PANEL_OUTPUTS, PANEL_OUTPUTS); o++) {
            const uint8_t *row = w + (p * PANEL_OUTPUTS + o) * blocks * BYTES;
            for (int64_t b = 0; b < blocks; b++) read(row + b * BYTES, o, panel + b * Form::BLOCK);
        }
    });
    return TS_OK;
}

// fp16 scale, 32 fifth bits, 16 bytes with value i below and i + 16 above.
int panels_pack_q5_0(const uint8_t *blocks, void *to, int64_t N, int64_t K, int threads) {
    return pack_blocks<FiveForm, 22>(blocks, to, N, K, threads, [](const uint8_t *from, int64_t o, char *block) {
        memcpy(block + 2 * o, from, 2);
        uint32_t fifth;
        memcpy(&fifth, from + 2, 4);
        for (int64_t k = 0; k < 32; k++) {
            const uint32_t low = from[6 + (k & 15)] >> (k < 16 ? 0 : 4) & 15;
            FiveForm::put_code((uint8_t *)block + FiveForm::CODES_AT + k * FiveForm::COLUMN, o, low | (fifth >> k & 1) << 4);
        }
    });
}

// fp16 scale and least scale, twelve bytes of six-bit factors, 128 bytes of codes: groups 2i below and
// 2i + 1 above.
int panels_pack_q4_k(const uint8_t *blocks, void *to, int64_t N, int64_t K, int threads) {
    using Form = FourPartsForm;
    return pack_blocks<Form, 144>(blocks, to, N, K, threads, [](const uint8_t *from, int64_t o, char *block) {
        memcpy(block + 2 * o, from, 2);
        memcpy(block + 64 + 2 * o, from + 2, 2);
        const uint8_t *parts = from + 4;
        for (int64_t g = 0; g < 8; g++) {
            const bool early = g < 4;
            const int scale = early ? parts[g] & 63 : (parts[g + 4] & 15) | parts[g - 4] >> 6 << 4;
            const int low = early ? parts[g + 4] & 63 : parts[g + 4] >> 4 | parts[g] >> 6 << 4;
            block[Form::PARTS_AT + g * PANEL_OUTPUTS + o] = (char)scale;
            block[Form::LEAST_PARTS_AT + g * PANEL_OUTPUTS + o] = (char)low;
        }
        for (int64_t k = 0; k < 256; k++) {
            const uint32_t code = from[16 + k / 64 * 32 + k % 32] >> (k / 32 % 2 * 4) & 15;
            Form::put_code((uint8_t *)block + Form::CODES_AT + k * Form::COLUMN, o, code);
        }
    });
}

// Of each half of 128 values 64 bytes with low bits, then of each half 32 bytes with the other two,
// then the factors of 16 groups and the fp16 scale.
int panels_pack_q6_k(const uint8_t *blocks, void *to, int64_t N, int64_t K, int threads) {
    using Form = SixPartsForm;
    return pack_blocks<Form, 210>(blocks, to, N, K, threads, [](const uint8_t *from, int64_t o, char *block) {
        memcpy(block + 2 * o, from + 208, 2);
        for (int64_t g = 0; g < 16; g++) block[Form::PARTS_AT + g * PANEL_OUTPUTS + o] = (char)from[192 + g];
        for (int64_t k = 0; k < 256; k++) {
            const int64_t half = k / 128, run = k % 128 / 32, i = k % 32;
            const uint32_t low = from[half * 64 + run % 2 * 32 + i] >> (run / 2 * 4) & 15;
            const uint32_t high = from[128 + half * 32 + i] >> (2 * run) & 3;
            Form::put_code((uint8_t *)block + Form::CODES_AT + k * Form::COLUMN, o, low | high << 4);
        }
    });
}

}  // namespace TS_NS
