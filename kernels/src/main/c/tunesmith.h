// Types and status codes shared by all translation units. Nothing here generates code, so that
// no instruction of a wide level can leak into a narrow one.
#pragma once
#include <stdint.h>

struct bf16 {
    uint16_t bits;
};

enum ts_status { TS_OK = 0, TS_BAD_SHAPE = 1, TS_BAD_ARGUMENT = 2 };

enum ts_level { TS_SCALAR, TS_AVX2, TS_AVX512, TS_AVX512BF16, TS_AMX, TS_LEVELS };

constexpr int32_t TS_IGNORED_LABEL = -100;
