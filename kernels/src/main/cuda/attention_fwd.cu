// Attention over packed documents, forward. One block a tile of queries of one head.
#include "attention.cuh"

namespace TS_NS {
namespace {

template <class T>
struct Forward {
    const T *q, *k, *v;
    T *o;
    float *lse;
    const int32_t *cu;
    int64_t documents, heads, key_heads, width, q_stride, k_stride, v_stride, o_stride;
    Scores scores;
    bool aligned;
};

// ---- kernels -----------------------------------------------------------------------------------

template <int WIDTH, class T>
__global__ void __launch_bounds__(ForwardTiles<T, WIDTH>::WARPS * 32) forward_kernel(Forward<T> f) {
    constexpr int ROWS = ForwardTiles<T, WIDTH>::ROWS;
    const int64_t h = blockIdx.y, kh = h / (f.heads / f.key_heads);
    const int64_t tile = gridDim.x - 1 - blockIdx.x;  // the longest rows first
    for (int64_t d = blockIdx.z; d < f.documents; d += gridDim.z) {
        const int64_t start = f.cu[d], keys = f.cu[d + 1] - start, first = tile * ROWS;
        if (first >= keys) continue;
        const T *k = f.k + start * f.k_stride + kh * f.width, *v = f.v + start * f.v_stride + kh * f.width;
        const int64_t row = start + first;
        forward_tile<WIDTH>(
            QueryTile{least(keys - first, ROWS), first, keys, f.width}, f.scores, f.scores.slope(h),
            f.q + row * f.q_stride + h * f.width, f.q_stride, [&](int64_t j) { return k + j * f.k_stride; },
            [&](int64_t j) { return v + j * f.v_stride; }, f.o + row * f.o_stride + h * f.width, f.o_stride,
            f.lse + h * f.cu[f.documents] + row, f.aligned);
    }
}

// ---- launchers ---------------------------------------------------------------------------------

template <class T>
struct Launch {
    const Forward<T> &f;
    int64_t longest;
    cudaStream_t stream;

    template <int WIDTH>
    int operator()() const {
        using Tiles = ForwardTiles<T, WIDTH>;
        const dim3 grid((unsigned)parts(longest, Tiles::ROWS), (unsigned)f.heads,
                        (unsigned)(f.documents < 65535 ? f.documents : 65535));
        return launch(forward_kernel<WIDTH, T>, grid, dim3(Tiles::WARPS * 32), Tiles::ROOM, stream, f);
    }
};

template <class T>
int attention_fwd(Forward<T> f, int64_t longest, cudaStream_t stream) {
    if (f.heads <= 0 || f.key_heads <= 0 || f.width <= 0 || f.documents < 0 || longest < 0) return TS_BAD_SHAPE;
    if (f.heads % f.key_heads != 0 || f.width > WIDTH_MAX || f.heads > 65535) return TS_BAD_SHAPE;
    f.aligned = on_16(f.q, f.q_stride) && on_16(f.k, f.k_stride) && on_16(f.v, f.v_stride) && on_16(f.q, f.width);
    return with_width<T>(f.width, Launch<T>{f, longest, stream});
}

}  // namespace

#define TS_DEFINE(T, E)                                                                              \
    int attention_fwd_##E(const T *q, const T *k, const T *v, T *o, float *lse, const int32_t *cu,   \
                          const float *slopes, void *, int64_t D, int64_t longest, int64_t heads,    \
                          int64_t key_heads, int64_t width, int64_t q_stride, int64_t k_stride,      \
                          int64_t v_stride, int64_t o_stride, float scale, float softcap,            \
                          int64_t window, cudaStream_t stream) {                                     \
        return attention_fwd(Forward<T>{q, k, v, o, lse, cu, D, heads, key_heads, width, q_stride,   \
                                        k_stride, v_stride, o_stride,                                \
                                        Scores{scale, softcap, window, slopes}, false},              \
                             longest, stream);                                                       \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
