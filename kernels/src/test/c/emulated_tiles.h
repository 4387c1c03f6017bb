// AMX's tile instructions in C++, so that kernels that use them are tested on machines without.
// Semantics: Intel 64 and IA-32 Architectures Software Developer's Manual, TDPBF16PS. A tile that is
// used before its thread loaded a configuration, or after it released it, holds NaN.
#pragma once
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_dpbf16ps
#define _tile_loadconfig emulated_tiles::load_config
#define _tile_release emulated_tiles::release
#define _tile_loadd emulated_tiles::load
#define _tile_stored emulated_tiles::store
#define _tile_zero emulated_tiles::zero
#define _tile_dpbf16ps emulated_tiles::multiply

namespace emulated_tiles {

constexpr int ROWS = 16, UNITS = 16;

struct Tiles {
    bool ready;
    uint32_t unit[8][ROWS][UNITS];
};

inline Tiles &tiles() {
    static thread_local Tiles mine;
    return mine;
}

inline void fill(uint32_t value) {
    for (auto &tile : tiles().unit) {
        for (auto &row : tile) {
            for (uint32_t &unit : row) unit = value;
        }
    }
}

// Takes only what the kernels use: eight tiles of 16 rows of 64 bytes.
inline void load_config(const void *config) {
    uint8_t bytes[64];
    memcpy(bytes, config, sizeof bytes);
    bool known = bytes[0] == 1 && bytes[1] == 0;
    for (int tile = 0; tile < 8; tile++) {
        known = known && bytes[16 + 2 * tile] == 64 && bytes[17 + 2 * tile] == 0 && bytes[48 + tile] == 16;
    }
    tiles().ready = known;
    fill(known ? 0 : 0x7fc00000);
}

inline void release() {
    tiles().ready = false;
    fill(0x7fc00000);
}

inline void load(int tile, const void *from, int64_t stride) {
    for (int r = 0; r < ROWS && tiles().ready; r++) memcpy(tiles().unit[tile][r], (const char *)from + r * stride, 64);
}

inline void store(int tile, void *to, int64_t stride) {
    for (int r = 0; r < ROWS; r++) memcpy((char *)to + r * stride, tiles().unit[tile][r], 64);
}

inline void zero(int tile) {
    if (tiles().ready) memset(tiles().unit[tile], 0, sizeof tiles().unit[tile]);
}

inline float of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

inline float flushed(float value) { return __builtin_fabsf(value) < 0x1p-126f ? __builtin_copysignf(0, value) : value; }

// Even and odd elements are summed apart, and both sums then added to c.
inline void multiply(int c, int a, int b) {
    Tiles &all = tiles();
    for (int m = 0; m < ROWS; m++) {
        for (int n = 0; n < UNITS; n++) {
            float even = 0, odd = 0;
            for (int k = 0; k < UNITS; k++) {
                const uint32_t left = all.unit[a][m][k], right = all.unit[b][k][n];
                even = flushed(__builtin_fmaf(flushed(of_bits(left << 16)), flushed(of_bits(right << 16)), even));
                odd = flushed(__builtin_fmaf(flushed(of_bits(left & 0xffff0000)), flushed(of_bits(right & 0xffff0000)), odd));
            }
            const float sum = flushed(flushed(even + odd) + of_bits(all.unit[c][m][n]));
            memcpy(&all.unit[c][m][n], &sum, sizeof sum);
        }
    }
}

}  // namespace emulated_tiles
