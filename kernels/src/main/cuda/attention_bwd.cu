// Attention over packed documents, backward (Dao et al. 2022): D = rowsum(g∘o),
// P = exp(score − lse), dV = Pᵀg, dS = P∘(gVᵀ − D), dQ = scale·dS·K, dK = scale·dSᵀQ.
//
// Keys and queries have a kernel each: a block owns a tile and sums everything that goes into it in
// one order, over all heads of a group, so that nothing is added twice and no bit depends on timing.
// That costs the scores twice; no gradient waits in fp32 in memory.
#include "attention.cuh"

namespace TS_NS {
namespace {

// Sizes: WARPS·16 rows of the own side, STEP rows of the other; OUT columns of the result.
template <class T, int WIDTH>
struct BackwardTiles {
    static constexpr int WARPS = (sizeof(T) == 2 ? 4 : 2) / (WIDTH > 128 ? 2 : 1);
    static constexpr int STEP = sizeof(T) == 4 ? 16 : WIDTH > 64 ? 32 : 64;
    static constexpr int OUT = WIDTH > 128 ? 128 : WIDTH;
    static constexpr int ROWS = WARPS * 16, LD = WIDTH + GAP<T>, LD_P = STEP + GAP<T>;
    static constexpr size_t ROOM =
        sizeof(T) * (2 * (ROWS + STEP) * LD + ROWS * LD_P) + sizeof(float) * 2 * (ROWS > STEP ? ROWS : STEP);
};

template <class T>
struct Backward {
    const T *g, *q, *k, *v, *o;
    const float *lse;
    const int32_t *cu;
    T *dq, *dk, *dv;
    float *delta;  // (heads, tokens)
    int64_t documents, heads, key_heads, width;
    int64_t g_stride, q_stride, k_stride, v_stride, o_stride, dq_stride, dk_stride, dv_stride;
    Scores scores;
    bool aligned;
};

// ---- kernels -----------------------------------------------------------------------------------

// One warp a token and head.
template <class T>
__global__ void delta_kernel(Backward<T> b) {
    const int64_t tokens = b.cu[b.documents], h = blockIdx.y;
    const int64_t step = (int64_t)gridDim.x * (THREADS / 32);
    for (int64_t n = (int64_t)blockIdx.x * (THREADS / 32) + threadIdx.x / 32; n < tokens; n += step) {
        float sum = 0.0f;
        for (int64_t c = threadIdx.x % 32; c < b.width; c += 32) {
            sum = fmaf(get(b.g + n * b.g_stride + h * b.width + c), get(b.o + n * b.o_stride + h * b.width + c), sum);
        }
        sum = warp_sum(sum);
        if (threadIdx.x % 32 == 0) b.delta[h * tokens + n] = sum;
    }
}

// P and dS (before the scale of the product with K or Q is applied, which is part of it) of one pair.
struct PairGradient {
    float p, ds;
};
__device__ __forceinline__ PairGradient pair_gradient(const Scores &o, float slope, float dot, float dp, float lse,
                                                      float delta, int64_t query, int64_t key, int64_t keys) {
    if (!o.visible(query, key, keys)) return {0.0f, 0.0f};
    const float x = o.capped(dot), p = __expf(x - slope * (float)(query - key) - lse);
    const float ds = p * (dp - delta) * o.scale;
    return {p, o.softcap > 0.0f ? ds * (1.0f - (x / o.softcap) * (x / o.softcap)) : ds};
}

// A block's tiles and numbers in shared memory.
template <class T, int WIDTH>
struct Room {
    using Tiles = BackwardTiles<T, WIDTH>;
    T *own_a, *own_b, *other_a, *other_b, *mine;
    float *lse, *delta;

    __device__ __forceinline__ Room() {
        own_a = shared<T>();
        own_b = own_a + Tiles::ROWS * Tiles::LD;
        other_a = own_b + Tiles::ROWS * Tiles::LD;
        other_b = other_a + Tiles::STEP * Tiles::LD;
        T *end = other_b + Tiles::STEP * Tiles::LD;
        mine = end + (int)threadIdx.x / 32 * 16 * Tiles::LD_P;
        lse = reinterpret_cast<float *>(end + Tiles::ROWS * Tiles::LD_P);
        delta = lse + (Tiles::ROWS > Tiles::STEP ? Tiles::ROWS : Tiles::STEP);
    }
};

// dK and dV of a tile of keys: rows are keys, columns are queries.
template <int WIDTH, class T>
__global__ void __launch_bounds__(BackwardTiles<T, WIDTH>::WARPS * 32) keys_kernel(Backward<T> b) {
    using Tiles = BackwardTiles<T, WIDTH>;
    const Room<T, WIDTH> room;
    const int warp = (int)threadIdx.x / 32;
    const int64_t group = b.heads / b.key_heads, tokens = b.cu[b.documents];
    const int64_t kh = blockIdx.y / (WIDTH / Tiles::OUT), from = blockIdx.y % (WIDTH / Tiles::OUT) * Tiles::OUT;
    for (int64_t d = blockIdx.z; d < b.documents; d += gridDim.z) {
        const int64_t start = b.cu[d], n = b.cu[d + 1] - start, first = (int64_t)blockIdx.x * Tiles::ROWS;
        if (first >= n) continue;
        const T *k = b.k + (start + first) * b.k_stride + kh * b.width;
        const T *v = b.v + (start + first) * b.v_stride + kh * b.width;
        __syncthreads();  // the document before
        fetch<Tiles::ROWS, WIDTH>(room.own_a, n - first, b.width, b.aligned, [&](int r) { return k + r * b.k_stride; });
        fetch<Tiles::ROWS, WIDTH>(room.own_b, n - first, b.width, b.aligned, [&](int r) { return v + r * b.v_stride; });
        float dk[Tiles::OUT / 8][4] = {}, dv[Tiles::OUT / 8][4] = {};
        const int64_t begin = b.scores.first_query(first) / Tiles::STEP * Tiles::STEP;
        const int64_t end = b.scores.end_query(least(first + Tiles::ROWS, n) - 1, n);
        for (int64_t h = kh * group; h < (kh + 1) * group; h++) {
            const float slope = b.scores.slope(h);
            for (int64_t i = begin; i < end; i += Tiles::STEP) {
                const int64_t row = start + i;
                const T *q = b.q + row * b.q_stride + h * b.width, *g = b.g + row * b.g_stride + h * b.width;
                __syncthreads();  // the tile before has been read
                fetch<Tiles::STEP, WIDTH>(room.other_a, n - i, b.width, b.aligned, [&](int r) { return q + r * b.q_stride; });
                fetch<Tiles::STEP, WIDTH>(room.other_b, n - i, b.width, b.aligned, [&](int r) { return g + r * b.g_stride; });
                for (int r = (int)threadIdx.x; r < Tiles::STEP; r += (int)blockDim.x) {
                    room.lse[r] = i + r < n ? b.lse[h * tokens + row + r] : 0.0f;
                    room.delta[r] = i + r < n ? b.delta[h * tokens + row + r] : 0.0f;
                }
                __syncthreads();
                float s[Tiles::STEP / 8][4] = {}, dp[Tiles::STEP / 8][4] = {};
                warp_product<false, WIDTH>(s, room.own_a + warp * 16 * Tiles::LD, Tiles::LD, room.other_a, Tiles::LD);
                warp_product<false, WIDTH>(dp, room.own_b + warp * 16 * Tiles::LD, Tiles::LD, room.other_b, Tiles::LD);
#pragma unroll
                for (int c = 0; c < Tiles::STEP / 8; c++) {
#pragma unroll
                    for (int e = 0; e < 4; e++) {
                        const int column = 8 * c + lane_column() + e % 2;
                        const int64_t key = first + warp * 16 + lane_row() + e / 2 * 8;
                        PairGradient both = {0.0f, 0.0f};
                        if (i + column < n) {
                            both = pair_gradient(b.scores, slope, s[c][e], dp[c][e], room.lse[column],
                                                 room.delta[column], i + column, key, n);
                        }
                        s[c][e] = both.p;
                        dp[c][e] = both.ds;
                    }
                }
                keep(s, room.mine, Tiles::LD_P);
                warp_product<true, Tiles::STEP>(dv, room.mine, Tiles::LD_P, room.other_b + from, Tiles::LD);
                __syncwarp();
                keep(dp, room.mine, Tiles::LD_P);
                warp_product<true, Tiles::STEP>(dk, room.mine, Tiles::LD_P, room.other_a + from, Tiles::LD);
                __syncwarp();
            }
        }
        const int64_t rows = n - first - warp * 16, place = start + first + warp * 16;
        write(dk, b.dk + place * b.dk_stride + kh * b.width + from, b.dk_stride, rows, b.width - from);
        write(dv, b.dv + place * b.dv_stride + kh * b.width + from, b.dv_stride, rows, b.width - from);
    }
}

// dQ of a tile of queries: rows are queries, columns are keys.
template <int WIDTH, class T>
__global__ void __launch_bounds__(BackwardTiles<T, WIDTH>::WARPS * 32) queries_kernel(Backward<T> b) {
    using Tiles = BackwardTiles<T, WIDTH>;
    const Room<T, WIDTH> room;
    const int warp = (int)threadIdx.x / 32;
    const int64_t h = blockIdx.y, kh = h / (b.heads / b.key_heads), tokens = b.cu[b.documents];
    const int64_t tile = gridDim.x - 1 - blockIdx.x;  // the longest rows first
    const float slope = b.scores.slope(h);
    for (int64_t d = blockIdx.z; d < b.documents; d += gridDim.z) {
        const int64_t start = b.cu[d], n = b.cu[d + 1] - start, first = tile * Tiles::ROWS, row = start + first;
        if (first >= n) continue;
        const T *q = b.q + row * b.q_stride + h * b.width, *g = b.g + row * b.g_stride + h * b.width;
        __syncthreads();  // the document before
        fetch<Tiles::ROWS, WIDTH>(room.own_a, n - first, b.width, b.aligned, [&](int r) { return q + r * b.q_stride; });
        fetch<Tiles::ROWS, WIDTH>(room.own_b, n - first, b.width, b.aligned, [&](int r) { return g + r * b.g_stride; });
        for (int r = (int)threadIdx.x; r < Tiles::ROWS; r += (int)blockDim.x) {
            room.lse[r] = first + r < n ? b.lse[h * tokens + row + r] : 0.0f;
            room.delta[r] = first + r < n ? b.delta[h * tokens + row + r] : 0.0f;
        }
        float dq[WIDTH / 8][4] = {};
        const int64_t end = b.scores.end_key(least(first + Tiles::ROWS, n) - 1, n);
        for (int64_t j = b.scores.first_key(first) / Tiles::STEP * Tiles::STEP; j < end; j += Tiles::STEP) {
            const T *k = b.k + (start + j) * b.k_stride + kh * b.width;
            const T *v = b.v + (start + j) * b.v_stride + kh * b.width;
            __syncthreads();  // the tile before has been read
            fetch<Tiles::STEP, WIDTH>(room.other_a, n - j, b.width, b.aligned, [&](int r) { return k + r * b.k_stride; });
            fetch<Tiles::STEP, WIDTH>(room.other_b, n - j, b.width, b.aligned, [&](int r) { return v + r * b.v_stride; });
            __syncthreads();
            float s[Tiles::STEP / 8][4] = {}, dp[Tiles::STEP / 8][4] = {};
            warp_product<false, WIDTH>(s, room.own_a + warp * 16 * Tiles::LD, Tiles::LD, room.other_a, Tiles::LD);
            warp_product<false, WIDTH>(dp, room.own_b + warp * 16 * Tiles::LD, Tiles::LD, room.other_b, Tiles::LD);
#pragma unroll
            for (int c = 0; c < Tiles::STEP / 8; c++) {
#pragma unroll
                for (int e = 0; e < 4; e++) {
                    const int r = warp * 16 + lane_row() + e / 2 * 8;
                    const int64_t key = j + 8 * c + lane_column() + e % 2;
                    s[c][e] = first + r < n ? pair_gradient(b.scores, slope, s[c][e], dp[c][e], room.lse[r],
                                                            room.delta[r], first + r, key, n).ds
                                            : 0.0f;
                }
            }
            keep(s, room.mine, Tiles::LD_P);
            warp_product<true, Tiles::STEP>(dq, room.mine, Tiles::LD_P, room.other_a, Tiles::LD);
            __syncwarp();
        }
        const int64_t place = row + warp * 16;
        write(dq, b.dq + place * b.dq_stride + h * b.width, b.dq_stride, n - first - warp * 16, b.width);
    }
}

// ---- launchers ---------------------------------------------------------------------------------

template <class T>
struct Launch {
    const Backward<T> &b;
    int64_t longest;
    cudaStream_t stream;

    template <int WIDTH>
    int operator()() const {
        using Tiles = BackwardTiles<T, WIDTH>;
        const unsigned z = (unsigned)(b.documents < 65535 ? b.documents : 65535);
        const unsigned tiles = (unsigned)parts(longest, Tiles::ROWS), block = Tiles::WARPS * 32;
        const dim3 keys(tiles, (unsigned)(b.key_heads * (WIDTH / Tiles::OUT)), z), queries(tiles, (unsigned)b.heads, z);
        const int status = launch(keys_kernel<WIDTH, T>, keys, dim3(block), Tiles::ROOM, stream, b);
        if (status != TS_OK) return status;
        return launch(queries_kernel<WIDTH, T>, queries, dim3(block), Tiles::ROOM, stream, b);
    }
};

template <class T>
int attention_bwd(Backward<T> b, int64_t longest, cudaStream_t stream) {
    if (b.heads <= 0 || b.key_heads <= 0 || b.width <= 0 || b.documents < 0 || longest < 0) return TS_BAD_SHAPE;
    if (b.heads % b.key_heads != 0 || b.width > WIDTH_MAX || b.heads > 32767) return TS_BAD_SHAPE;
    if (b.documents == 0 || longest == 0) return TS_OK;
    b.aligned = on_16(b.q, b.q_stride) && on_16(b.k, b.k_stride) && on_16(b.v, b.v_stride) &&
                on_16(b.g, b.g_stride) && on_16(b.q, b.width);
    const dim3 rows((unsigned)(parts(b.documents * longest, THREADS / 32) < 4096
                                   ? parts(b.documents * longest, THREADS / 32) : 4096),
                    (unsigned)b.heads);
    const int status = launch(delta_kernel<T>, rows, dim3(THREADS), 0, stream, b);
    return status != TS_OK ? status : with_width<T>(b.width, Launch<T>{b, longest, stream});
}

}  // namespace

#define TS_DEFINE(T, E)                                                                              \
    int attention_bwd_##E(const T *g, const T *q, const T *k, const T *v, const T *o,                \
                          const float *lse, const int32_t *cu, T *dq, T *dk, T *dv,                  \
                          const float *slopes, void *scratch, int64_t D, int64_t longest,            \
                          int64_t heads, int64_t key_heads, int64_t width, int64_t g_stride,         \
                          int64_t q_stride, int64_t k_stride, int64_t v_stride, int64_t o_stride,    \
                          int64_t dq_stride, int64_t dk_stride, int64_t dv_stride, float scale,      \
                          float softcap, int64_t window, cudaStream_t stream) {                      \
        return attention_bwd(                                                                        \
            Backward<T>{g, q, k, v, o, lse, cu, dq, dk, dv, (float *)scratch, D, heads, key_heads,   \
                        width, g_stride, q_stride, k_stride, v_stride, o_stride, dq_stride,          \
                        dk_stride, dv_stride, Scores{scale, softcap, window, slopes}, false},        \
            longest, stream);                                                                        \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
