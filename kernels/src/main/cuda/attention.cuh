// What the attention kernels share: how a score becomes what the softmax sees, and one tile of
// queries against all keys that it may see (online softmax: Milakov & Gimelshein 2018; Dao 2022).
#pragma once
#include "warp_product.cuh"

namespace TS_NS {

constexpr int64_t BOTH_WAYS = -2;  // a window: all keys of the document, also later ones
constexpr float HIDDEN = -1.0e30f;  // score of an invisible key; finite, so that differences are
constexpr int64_t WIDTH_MAX = 256;

struct Scores {
    float scale, softcap;
    int64_t window;       // earlier keys that are seen; -1: all of them
    const float *slopes;  // by head, what a key loses for each step away (ALiBi); or null

    __device__ __forceinline__ float slope(int64_t head) const { return slopes != nullptr ? slopes[head] : 0.0f; }

    // Scale and soft-cap of a dot product.
    __device__ __forceinline__ float capped(float dot) const {
        const float x = dot * scale;
        return softcap > 0.0f ? softcap * tanhf(x / softcap) : x;
    }
    __device__ __forceinline__ bool visible(int64_t query, int64_t key, int64_t keys) const {
        if (window == BOTH_WAYS) return key < keys;
        return key <= query && (window < 0 || query - key <= window);
    }
    __device__ __forceinline__ float seen(float dot, float slope, int64_t query, int64_t key, int64_t keys) const {
        return visible(query, key, keys) ? capped(dot) - slope * (float)(query - key) : HIDDEN;
    }

    // The keys from which on, and up to which, some query of a tile sees any.
    __device__ __forceinline__ int64_t first_key(int64_t query) const {
        return window < 0 || query < window ? 0 : query - window;
    }
    __device__ __forceinline__ int64_t end_key(int64_t last_query, int64_t keys) const {
        return window == BOTH_WAYS ? keys : least(last_query + 1, keys);
    }
    // The same seen from keys.
    __device__ __forceinline__ int64_t first_query(int64_t key) const { return window == BOTH_WAYS ? 0 : key; }
    __device__ __forceinline__ int64_t end_query(int64_t last_key, int64_t queries) const {
        return window < 0 ? queries : least(last_key + window + 1, queries);
    }
};

// Sizes of the forward tiles: WARPS·16 queries, STEP keys.
template <class T, int WIDTH>
struct ForwardTiles {
    static constexpr int WARPS = sizeof(T) == 2 ? 4 : 2;
    static constexpr int STEP = (sizeof(T) == 2 ? 64 : 32) / (WIDTH > 128 ? 2 : 1);
    static constexpr int ROWS = WARPS * 16;
    static constexpr size_t ROOM = sizeof(T) * ((ROWS + 2 * STEP) * (WIDTH + GAP<T>) + ROWS * (STEP + GAP<T>));
};

// One tile: `queries` rows, the first at position `first`, and `keys` keys. Where keys and values
// of a position lie, key_at and value_at know.
struct QueryTile {
    int64_t queries, first, keys, width;
};

template <int WIDTH, class T, class KeyAt, class ValueAt>
__device__ void forward_tile(const QueryTile &t, const Scores &scores, float slope, const T *q, int64_t q_stride,
                             KeyAt key_at, ValueAt value_at, T *o, int64_t o_stride, float *lse, bool aligned) {
    using Tiles = ForwardTiles<T, WIDTH>;
    constexpr int LD = WIDTH + GAP<T>, LD_P = Tiles::STEP + GAP<T>;
    const int warp = (int)threadIdx.x / 32;
    T *q_tile = shared<T>(), *k_tile = q_tile + Tiles::ROWS * LD, *v_tile = k_tile + Tiles::STEP * LD;
    T *mine = v_tile + Tiles::STEP * LD + warp * 16 * LD_P;
    fetch<Tiles::ROWS, WIDTH>(q_tile, t.queries, t.width, aligned, [&](int r) { return q + r * q_stride; });
    float out[WIDTH / 8][4] = {}, top[2] = {HIDDEN, HIDDEN}, sum[2] = {0.0f, 0.0f};
    const int64_t end = scores.end_key(t.first + t.queries - 1, t.keys);
    for (int64_t j = scores.first_key(t.first) / Tiles::STEP * Tiles::STEP; j < end; j += Tiles::STEP) {
        fetch<Tiles::STEP, WIDTH>(k_tile, t.keys - j, t.width, aligned, [&](int r) { return key_at(j + r); });
        fetch<Tiles::STEP, WIDTH>(v_tile, t.keys - j, t.width, aligned, [&](int r) { return value_at(j + r); });
        __syncthreads();
        float s[Tiles::STEP / 8][4] = {};
        warp_product<false, WIDTH>(s, q_tile + warp * 16 * LD, LD, k_tile, LD);
#pragma unroll
        for (int half = 0; half < 2; half++) {  // rows lane / 4 and lane / 4 + 8
            const int64_t query = t.first + warp * 16 + lane_row() + half * 8;
            float most = top[half];
#pragma unroll
            for (int n = 0; n < Tiles::STEP / 8; n++) {
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    float &x = s[n][half * 2 + i];
                    x = scores.seen(x, slope, query, j + n * 8 + lane_column() + i, t.keys);
                    most = fmaxf(most, x);
                }
            }
            most = fmaxf(most, __shfl_xor_sync(ALL, most, 1));
            most = fmaxf(most, __shfl_xor_sync(ALL, most, 2));
            const float alpha = __expf(top[half] - most);
            top[half] = most;
            float total = 0.0f;
#pragma unroll
            for (int n = 0; n < Tiles::STEP / 8; n++) {
#pragma unroll
                for (int i = 0; i < 2; i++) total += s[n][half * 2 + i] = __expf(s[n][half * 2 + i] - most);
            }
            sum[half] = sum[half] * alpha + total;
#pragma unroll
            for (int n = 0; n < WIDTH / 8; n++) out[n][half * 2] *= alpha, out[n][half * 2 + 1] *= alpha;
        }
        keep(s, mine, LD_P);
        warp_product<true, Tiles::STEP>(out, mine, LD_P, v_tile, LD);
        __syncthreads();  // before the next tile overwrites this one
    }
    const int64_t rows = t.queries - warp * 16;
#pragma unroll
    for (int half = 0; half < 2; half++) {
        sum[half] += __shfl_xor_sync(ALL, sum[half], 1);
        sum[half] += __shfl_xor_sync(ALL, sum[half], 2);
        const int row = lane_row() + half * 8;
        if (lse != nullptr && threadIdx.x % 4 == 0 && row < rows) lse[warp * 16 + row] = top[half] + __logf(sum[half]);
        const float inverse = 1.0f / sum[half];
#pragma unroll
        for (int n = 0; n < WIDTH / 8; n++) out[n][half * 2] *= inverse, out[n][half * 2 + 1] *= inverse;
    }
    write(out, o + warp * 16 * o_stride, o_stride, rows, t.width);
}

// Runs fn.template operator()<WIDTH>() for the least width that holds `width`; fp32, which is for
// oracles and tests, has fewer of them.
template <class T, class Fn>
int with_width(int64_t width, Fn fn) {
    if (width <= 64) return fn.template operator()<64>();
    if constexpr (sizeof(T) == 2) {
        if (width <= 128) return fn.template operator()<128>();
    }
    return fn.template operator()<256>();
}

}  // namespace TS_NS
