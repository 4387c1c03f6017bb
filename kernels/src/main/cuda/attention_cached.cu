// Attention of new tokens against a paged cache.
//
// Few new tokens: a block reads part of the keys of one sequence once for up to GROUP query heads,
// eight lanes a key; the parts are joined in order afterwards. Many (prefill in chunks): the tiles
// of attention_fwd.cu, with keys found through the page table.
#include "attention.cuh"

namespace TS_NS {
namespace {

constexpr int64_t DIRECT_TOKENS_MAX = 4;
constexpr int64_t PART_KEYS = 512, PARTS_MAX = 32;  // keys of a block at least, blocks of a row at most
constexpr int WARPS = 4, LANES = 8, TEAMS = WARPS * 32 / LANES;  // lanes of a team share a key

template <class T>
struct Cached {
    const T *q;
    T *o;
    const T *k_cache, *v_cache;
    const int32_t *table, *lengths, *cu;
    float *partial;  // (sequence, new token, head, part): maximum, sum, width outputs
    int64_t sequences, newest, heads, key_heads, width, page, pages, q_stride, o_stride;
    int64_t part_keys, parts;
    Scores scores;
    bool aligned;

    __device__ __forceinline__ const T *row(const T *cache, int64_t s, int64_t kh, int64_t key) const {
        const int64_t p = table[s * pages + key / page];
        return cache + ((p * page + key % page) * key_heads + kh) * width;
    }
    // Lengths that cannot be are not followed.
    __device__ __forceinline__ bool legal(int64_t s) const {
        const int64_t fresh = cu[s + 1] - cu[s];
        return fresh > 0 && fresh <= newest && fresh <= lengths[s] && lengths[s] <= page * pages;
    }
};

// ---- kernels -----------------------------------------------------------------------------------

// Running maximum, sum and outputs of one query head; a lane has PACKS·8 columns of it.
template <int PACKS>
struct Running {
    float top, sum, out[PACKS][8];

    __device__ __forceinline__ void add(const Running &other) {
        const float most = fmaxf(top, other.top), mine = __expf(top - most), its = __expf(other.top - most);
        sum = sum * mine + other.sum * its;
#pragma unroll
        for (int p = 0; p < PACKS; p++) {
#pragma unroll
            for (int i = 0; i < 8; i++) out[p][i] = out[p][i] * mine + other.out[p][i] * its;
        }
        top = most;
    }
};

template <int PACKS, int GROUP, class T>
__global__ void __launch_bounds__(WARPS * 32) few_kernel(Cached<T> c) {
    const int64_t group = c.heads / c.key_heads, bundles = parts(group, GROUP);
    const int64_t kh = blockIdx.y / bundles, h = kh * group + blockIdx.y % bundles * GROUP;
    const int64_t heads = least(GROUP, (kh + 1) * group - h);
    const int team = (int)threadIdx.x / LANES, lane = (int)threadIdx.x % LANES;
    float *room = shared<float>();
    for (int64_t token = blockIdx.z; token < c.sequences * c.newest; token += gridDim.z) {
        const int64_t s = token / c.newest, t = token % c.newest;
        if (!c.legal(s) || t >= c.cu[s + 1] - c.cu[s]) continue;
        const int64_t n = c.cu[s] + t, position = c.lengths[s] - (c.cu[s + 1] - c.cu[s]) + t;
        const int64_t end = c.scores.end_key(position, c.lengths[s]);
        const int64_t from = max(c.scores.first_key(position), (int64_t)blockIdx.x * c.part_keys);
        const int64_t to = least(end, ((int64_t)blockIdx.x + 1) * c.part_keys);
        float q[GROUP][PACKS][8];
        Running<PACKS> mine[GROUP];
#pragma unroll
        for (int g = 0; g < GROUP; g++) {
            mine[g].top = HIDDEN, mine[g].sum = 0.0f;
#pragma unroll
            for (int p = 0; p < PACKS; p++) {
                const int64_t column = (p * LANES + lane) * 8, left = g < heads ? c.width - column : 0;
                load(c.q + n * c.q_stride + (h + g) * c.width + column, q[g][p], c.aligned && left >= 8, left);
#pragma unroll
                for (int i = 0; i < 8; i++) mine[g].out[p][i] = 0.0f;
            }
        }
        // All lanes of a warp go round together, so that they meet in the sums.
        for (int64_t first = from; first < to; first += TEAMS) {
            const int64_t key = first + team;
            const bool real = key < to;
            float k[PACKS][8], v[PACKS][8];
            const T *key_row = c.row(c.k_cache, s, kh, real ? key : from);
            const T *value_row = c.row(c.v_cache, s, kh, real ? key : from);
#pragma unroll
            for (int p = 0; p < PACKS; p++) {
                const int64_t column = (p * LANES + lane) * 8, left = c.width - column;
                load(key_row + column, k[p], c.aligned && left >= 8, left);
                load(value_row + column, v[p], c.aligned && left >= 8, left);
            }
#pragma unroll
            for (int g = 0; g < GROUP; g++) {
                float dot = 0.0f;
#pragma unroll
                for (int p = 0; p < PACKS; p++) {
#pragma unroll
                    for (int i = 0; i < 8; i++) dot = fmaf(q[g][p][i], k[p][i], dot);
                }
#pragma unroll
                for (int i = LANES / 2; i > 0; i >>= 1) dot += __shfl_xor_sync(ALL, dot, i);
                if (!real || g >= heads) continue;
                const float x = c.scores.seen(dot, c.scores.slope(h + g), position, key, c.lengths[s]);
                const float most = fmaxf(mine[g].top, x), alpha = __expf(mine[g].top - most), e = __expf(x - most);
                mine[g].top = most;
                mine[g].sum = mine[g].sum * alpha + e;
#pragma unroll
                for (int p = 0; p < PACKS; p++) {
#pragma unroll
                    for (int i = 0; i < 8; i++) mine[g].out[p][i] = fmaf(e, v[p][i], mine[g].out[p][i] * alpha);
                }
            }
        }
        // Teams in order: each writes its state, and the first team joins them.
        constexpr int STATE = PACKS * 8 + 2;
#pragma unroll
        for (int g = 0; g < GROUP; g++) {
            __syncthreads();
            float *place = room + ((int64_t)team * LANES + lane) * STATE;
            place[0] = mine[g].top, place[1] = mine[g].sum;
            for (int p = 0; p < PACKS * 8; p++) place[2 + p] = mine[g].out[p / 8][p % 8];
            __syncthreads();
            if (team != 0 || g >= heads) continue;
            Running<PACKS> all = mine[g];
            for (int other = 1; other < TEAMS; other++) {
                const float *its = room + ((int64_t)other * LANES + lane) * STATE;
                Running<PACKS> part;
                part.top = its[0], part.sum = its[1];
                for (int p = 0; p < PACKS * 8; p++) part.out[p / 8][p % 8] = its[2 + p];
                all.add(part);
            }
            float *kept = c.partial + ((token * c.heads + h + g) * c.parts + blockIdx.x) * (c.width + 2);
            const float inverse = c.parts == 1 ? 1.0f / all.sum : 1.0f;
            if (c.parts > 1 && lane == 0) kept[0] = all.top, kept[1] = all.sum;
            for (int p = 0; p < PACKS * 8; p++) {
                const int64_t column = (p / 8 * LANES + lane) * 8 + p % 8;
                if (column >= c.width) continue;
                if (c.parts > 1) kept[2 + column] = all.out[p / 8][p % 8];
                else put(c.o + n * c.o_stride + (h + g) * c.width + column, all.out[p / 8][p % 8] * inverse);
            }
        }
    }
}

// One warp a row and head joins its parts in order.
template <class T>
__global__ void join_kernel(Cached<T> c) {
    const int64_t h = blockIdx.y;
    for (int64_t token = (int64_t)blockIdx.x; token < c.sequences * c.newest; token += gridDim.x) {
        const int64_t s = token / c.newest, t = token % c.newest;
        if (!c.legal(s) || t >= c.cu[s + 1] - c.cu[s]) continue;
        const float *all = c.partial + (token * c.heads + h) * c.parts * (c.width + 2);
        float top = HIDDEN;
        for (int64_t p = 0; p < c.parts; p++) top = fmaxf(top, all[p * (c.width + 2)]);
        for (int64_t column = threadIdx.x; column < c.width; column += 32) {
            float sum = 0.0f, out = 0.0f;
            for (int64_t p = 0; p < c.parts; p++) {
                const float *part = all + p * (c.width + 2);
                const float factor = __expf(part[0] - top);
                sum = fmaf(part[1], factor, sum);
                out = fmaf(part[2 + column], factor, out);
            }
            put(c.o + (c.cu[s] + t) * c.o_stride + h * c.width + column, out / sum);
        }
    }
}

template <int WIDTH, class T>
__global__ void __launch_bounds__(ForwardTiles<T, WIDTH>::WARPS * 32) many_kernel(Cached<T> c) {
    constexpr int ROWS = ForwardTiles<T, WIDTH>::ROWS;
    const int64_t h = blockIdx.y, kh = h / (c.heads / c.key_heads), first = (int64_t)blockIdx.x * ROWS;
    for (int64_t s = blockIdx.z; s < c.sequences; s += gridDim.z) {
        const int64_t fresh = c.cu[s + 1] - c.cu[s], keys = c.lengths[s];
        if (!c.legal(s) || first >= fresh) continue;
        const int64_t n = c.cu[s] + first;
        __syncthreads();  // the sequence before
        forward_tile<WIDTH>(
            QueryTile{least(fresh - first, ROWS), keys - fresh + first, keys, c.width}, c.scores, c.scores.slope(h),
            c.q + n * c.q_stride + h * c.width, c.q_stride, [&](int64_t j) { return c.row(c.k_cache, s, kh, j); },
            [&](int64_t j) { return c.row(c.v_cache, s, kh, j); }, c.o + n * c.o_stride + h * c.width, c.o_stride,
            (float *)nullptr, c.aligned);
    }
}

// ---- launchers ---------------------------------------------------------------------------------

int64_t part_keys(int64_t context) { return max(PART_KEYS, parts(context, PARTS_MAX)); }

template <class T>
struct Many {
    const Cached<T> &c;
    cudaStream_t stream;

    template <int WIDTH>
    int operator()() const {
        using Tiles = ForwardTiles<T, WIDTH>;
        const dim3 grid((unsigned)parts(c.newest, Tiles::ROWS), (unsigned)c.heads,
                        (unsigned)(c.sequences < 65535 ? c.sequences : 65535));
        return launch(many_kernel<WIDTH, T>, grid, dim3(Tiles::WARPS * 32), Tiles::ROOM, stream, c);
    }
};

template <class T>
struct FewTokens {
    const Cached<T> &c;
    cudaStream_t stream;

    template <int WIDTH>
    int operator()() const {
        constexpr int PACKS = WIDTH / 64, GROUP = WIDTH > 128 ? 2 : 4;
        const int64_t bundles = c.key_heads * parts(c.heads / c.key_heads, GROUP), tokens = c.sequences * c.newest;
        const dim3 grid((unsigned)c.parts, (unsigned)bundles, (unsigned)(tokens < 65535 ? tokens : 65535));
        const size_t room = TEAMS * LANES * (PACKS * 8 + 2) * sizeof(float);
        const int status = launch(few_kernel<PACKS, GROUP, T>, grid, dim3(WARPS * 32), room, stream, c);
        if (status != TS_OK || c.parts == 1) return status;
        return launch(join_kernel<T>, dim3((unsigned)tokens, (unsigned)c.heads), dim3(32), 0, stream, c);
    }
};

template <class T>
int attention_cached(Cached<T> c, cudaStream_t stream) {
    if (c.sequences < 0 || c.heads <= 0 || c.key_heads <= 0 || c.width <= 0 || c.page <= 0) return TS_BAD_SHAPE;
    if (c.heads % c.key_heads != 0 || c.width > WIDTH_MAX || c.heads > 65535) return TS_BAD_SHAPE;
    c.aligned = on_16(c.q, c.q_stride) && on_16(c.q, c.width) && on_16(c.k_cache) && on_16(c.v_cache);
    if (c.newest > DIRECT_TOKENS_MAX) return with_width<T>(c.width, Many<T>{c, stream});
    c.part_keys = part_keys(c.page * c.pages);
    c.parts = parts(c.page * c.pages, c.part_keys);
    return with_width<T>(c.width, FewTokens<T>{c, stream});
}

}  // namespace

#define TS_DEFINE(T, E)                                                                              \
    int attention_cached_##E(const T *q, T *o, const T *k_cache, const T *v_cache,                   \
                             const int32_t *table, const int32_t *lengths, const int32_t *cu,        \
                             const float *slopes, void *scratch, int64_t S, int64_t newest,          \
                             int64_t heads, int64_t key_heads, int64_t width, int64_t page,          \
                             int64_t pages, int64_t q_stride, int64_t o_stride, float scale,         \
                             float softcap, int64_t window, cudaStream_t stream) {                   \
        return attention_cached(Cached<T>{q, o, k_cache, v_cache, table, lengths, cu,                \
                                          (float *)scratch, S, newest, heads, key_heads, width,      \
                                          page, pages, q_stride, o_stride, 0, 0,                     \
                                          Scores{scale, softcap, window, slopes}, false},            \
                                stream);                                                             \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS

extern "C" __attribute__((visibility("default"))) int64_t ts_attention_cached_scratch(
    int64_t S, int64_t newest, int64_t context, int64_t heads, int64_t, int64_t width, int64_t) {
    using namespace TS_NS;
    if (newest > DIRECT_TOKENS_MAX || context <= 0) return 0;
    const int64_t count = parts(context, part_keys(context));
    return count == 1 ? 0 : S * newest * heads * count * (width + 2) * 4;
}
