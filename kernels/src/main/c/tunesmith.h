// Types and status codes shared by all translation units. Nothing here generates code, so that
// no instruction of a wide level can leak into a narrow one.
#pragma once
#include <stdint.h>

struct bf16 {
    uint16_t bits;
};

enum ts_status { TS_OK = 0, TS_BAD_SHAPE = 1, TS_BAD_ARGUMENT = 2 };

enum ts_level { TS_SCALAR, TS_AVX2, TS_AVX512, TS_AVX512BF16, TS_AMX, TS_LEVELS };

// A matrix of 4-bit codes: value i is table[code i]·scale of block i / block. A scale is
// scales[b], or scale_map[scale_codes[b]]·scales[b / outer] + offset when scale_codes is given.
struct ts_four_bit {
    const uint8_t *codes;  // two in a byte, the first in the high half
    const float *table;    // 16
    const float *scales;
    const uint8_t *scale_codes;
    const float *scale_map;  // 256
    int64_t block;
    int64_t outer;
    float offset;
};

// A matrix in panels (panels.h) and where its product goes.
struct ts_panels {
    const void *w;
    void *y;
    int64_t n, y_stride;
};

// One of the products that are summed: a and b with the strides of their rows and columns, of which one is 1.
struct ts_term {
    const bf16 *a, *b;
    int64_t k, a_row, a_column, b_row, b_column;
};

// A matrix of codes of 4 bits (two in a byte, the first in the high half, rows begin a byte) or 8:
// a value is (table[code] - zero)·scale of its group, which is
// row_groups[row]·groups + column_groups[column].
struct ts_grouped {
    const uint8_t *codes;
    const float *table;  // 16 or 256
    const int32_t *row_groups;
    const int32_t *column_groups;
    const float *scales;
    const float *zeros;  // null: all 0
    int64_t groups;
    int64_t inputs;
    int64_t bits;
};

// Who works: on the CPU a number of threads, on CUDA a stream.
#ifndef TS_TEAM
#define TS_TEAM int
#endif

constexpr int32_t TS_IGNORED_LABEL = -100;
