// AMX tiles in plain C, so that the AMX translation units can be checked on a machine without
// them: emulate_tiles.sh compiles those units with this header forced in front.
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

static thread_local float emulated_tile[8][16][16];

static inline void emulated_load(int t, const void *from, int64_t stride) {
    for (int r = 0; r < 16; r++) memcpy(emulated_tile[t][r], (const char *)from + r * stride, 64);
}
static inline void emulated_store(int t, void *to, int64_t stride) {
    for (int r = 0; r < 16; r++) memcpy((char *)to + r * stride, emulated_tile[t][r], 64);
}
static inline float emulated_half(uint32_t pair, int high) {
    uint32_t u = high ? pair & 0xffff0000u : pair << 16;
    float f;
    memcpy(&f, &u, 4);
    return f;
}
static inline void emulated_dot(int c, int a, int b) {
    for (int m = 0; m < 16; m++) {
        for (int n = 0; n < 16; n++) {
            for (int k = 0; k < 16; k++) {
                uint32_t x, y;
                memcpy(&x, &emulated_tile[a][m][k], 4);
                memcpy(&y, &emulated_tile[b][k][n], 4);
                emulated_tile[c][m][n] += emulated_half(x, 0) * emulated_half(y, 0);
                emulated_tile[c][m][n] += emulated_half(x, 1) * emulated_half(y, 1);
            }
        }
    }
}

#define _tile_loadconfig(config) ((void)(config))
#define _tile_release() memset(emulated_tile, 0xff, sizeof emulated_tile)
#define _tile_loadd(t, from, stride) emulated_load(t, from, stride)
#define _tile_stored(t, to, stride) emulated_store(t, to, stride)
#define _tile_zero(t) memset(emulated_tile[t], 0, sizeof emulated_tile[t])
#define _tile_dpbf16ps(c, a, b) emulated_dot(c, a, b)
