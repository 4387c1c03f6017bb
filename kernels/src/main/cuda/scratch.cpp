// How many bytes of scratch each operation needs on a device; names and arguments are those of
// src/main/c/scratch.cpp, the number of threads means nothing here.
#include <stdint.h>

#define TS_API extern "C" __attribute__((visibility("default")))

static int64_t parts(int64_t n, int64_t size) { return (n + size - 1) / size; }

TS_API int64_t ts_rmsnorm_bwd_scratch(int64_t R, int64_t C) { return parts(R, 64) * C * 4; }

TS_API int64_t ts_layer_norm_bwd_scratch(int64_t R, int64_t C) { return parts(R, 64) * C * 8; }

TS_API int64_t ts_sum_squares_scratch(int64_t n) { return parts(n, 65536) * 8; }

TS_API int64_t ts_bias_grad_scratch(int64_t R, int64_t C) { return parts(R, 64) * C * 4; }

// Tiles live in shared memory.
TS_API int64_t ts_attention_fwd_scratch(int64_t, int64_t, int64_t, int64_t, int64_t) { return 0; }

// One number for each head and token.
TS_API int64_t ts_attention_bwd_scratch(int64_t, int64_t N, int64_t, int64_t heads, int64_t, int64_t, int64_t) {
    return heads * N * 4;
}

TS_API int64_t ts_product_scratch(int64_t) { return 0; }

TS_API int64_t ts_linear_small_scratch(int64_t, int64_t, int64_t) { return 0; }
