// How many bytes of scratch each operation needs, for every level.
#include "tiled_room.h"
#include "tunesmith.h"

#define TS_API extern "C" __attribute__((visibility("default")))

static int64_t padded(int64_t n, int64_t step) { return (n + step - 1) / step * step; }
static constexpr int64_t TILE = 64, PAD = 32, UNIT = 4, SLACK = 512;

TS_API int64_t ts_rmsnorm_bwd_scratch(int64_t R, int64_t C) { return padded(R, 64) / 64 * C * 4; }

TS_API int64_t ts_layer_norm_bwd_scratch(int64_t R, int64_t C) { return padded(R, 64) / 64 * C * 8; }

TS_API int64_t ts_sum_squares_scratch(int64_t n) { return padded(n, 65536) / 65536 * 8; }

TS_API int64_t ts_bias_grad_scratch(int64_t R, int64_t C) { return padded(R, 64) / 64 * C * 4; }

static int64_t forward_buffers(int64_t pw) { return (3 * TILE * pw + 2 * TILE * TILE) * 4; }

TS_API int64_t ts_attention_fwd_scratch(int64_t D, int64_t N, int64_t key_heads, int64_t width, int64_t threads) {
    int64_t pw = padded(width, PAD);
    return (D + 1) * 8 + 2 * key_heads * (N + TILE * D) * pw * UNIT + threads * forward_buffers(pw) + SLACK;
}

TS_API int64_t ts_attention_bwd_scratch(int64_t D, int64_t N, int64_t longest, int64_t heads,
                                        int64_t key_heads, int64_t width, int64_t threads) {
    int64_t pw = padded(width, PAD), most = padded(longest, TILE) + TILE;
    int64_t packs = 3 * key_heads * (N + TILE * D) * pw * UNIT;
    int64_t parts = heads > key_heads ? 2 * heads * N * pw * 4 : 0;
    int64_t mine = (5 * most * pw + 2 * most) * 4 + (2 * TILE * pw + 5 * TILE * TILE) * 4;
    return (D + 1) * 8 + packs + parts + threads * mine + SLACK;
}

TS_API int64_t ts_attention_cached_scratch(int64_t, int64_t newest, int64_t context, int64_t heads,
                                           int64_t, int64_t width, int64_t threads) {
    int64_t pw = padded(width, PAD), mine = heads * (2 * pw + 32 + 2) * 4;
    if (newest > 4) mine += 2 * padded(context, TILE) * pw * UNIT + forward_buffers(pw);
    return threads * padded(mine, 64) + SLACK;
}

TS_API int64_t ts_product_scratch(int64_t threads) {
    constexpr int64_t M = 240 + 16, N = 256, K = 192;
    constexpr int64_t plain = ((M + N) * K + M * N) * 4;
    return threads * (plain > TS_TILED_ROOM ? plain : TS_TILED_ROOM) + SLACK;
}

TS_API int64_t ts_panels_linear_scratch(int64_t M, int64_t K, int64_t threads) {
    const int64_t rows = M <= 36 ? M * threads : M < 240 ? M : 240, tiled = padded(M < 480 ? M : 480, 32);
    const int64_t plain = (rows * padded(K, 256) + threads * (240 + 256) * 32) * 4;
    const int64_t tiles = tiled * K * 2 + threads * tiled * 8 * 32 * 4;
    return (plain > tiles ? plain : tiles) + 64;
}

TS_API int64_t ts_linear_small_scratch(int64_t M, int64_t K, int64_t threads) {
    return threads * padded(M * padded(K, PAD) * UNIT, 64) + SLACK;
}
