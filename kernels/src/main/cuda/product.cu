// General matrix product c = factor·a·b + keep·c with fp32 FMA whatever the storage: for fp32, for
// odd strides, and where no cuBLAS is. Large products of bf16 are cuBLAS's. An element's sum runs
// along k in order.
#include "device.cuh"

namespace TS_NS {
namespace {

constexpr int SIDE = 64, DEPTH = 16, EACH = 4;  // a block's tile of c, steps of k, a thread's tile side

template <class T, class O>
struct Product {
    const T *a, *b;
    O *c;
    int64_t M, N, K, a_row, a_column, b_row, b_column, c_row;
    float factor, keep;
};

// ---- kernels -----------------------------------------------------------------------------------

// SIDE × DEPTH values of a matrix as [depth][side]; neighbouring threads read along the stride of 1.
template <class T>
__device__ __forceinline__ void fetch(const T *from, int64_t side_stride, int64_t depth_stride, int64_t sides,
                                      int64_t depths, float *to) {
    for (int i = (int)threadIdx.x; i < SIDE * DEPTH; i += THREADS) {
        const int side = depth_stride == 1 ? i / DEPTH : i % SIDE, depth = depth_stride == 1 ? i % DEPTH : i / SIDE;
        const bool inside = side < sides && depth < depths;
        to[depth * (SIDE + 4) + side] = inside ? get(from + side * side_stride + depth * depth_stride) : 0.0f;
    }
}

template <class T, class O>
__global__ void __launch_bounds__(THREADS) product_kernel(Product<T, O> p) {
    float *a = shared<float>(), *b = a + DEPTH * (SIDE + 4);
    const int64_t m = (int64_t)blockIdx.x * SIDE, n = (int64_t)blockIdx.y * SIDE;
    const int down = (int)threadIdx.x / 16 * EACH, across = (int)threadIdx.x % 16 * EACH;
    float sums[EACH][EACH] = {};
    for (int64_t k = 0; k < p.K; k += DEPTH) {
        fetch(p.a + m * p.a_row + k * p.a_column, p.a_row, p.a_column, p.M - m, p.K - k, a);
        fetch(p.b + n * p.b_column + k * p.b_row, p.b_column, p.b_row, p.N - n, p.K - k, b);
        __syncthreads();
#pragma unroll
        for (int d = 0; d < DEPTH; d++) {
            float av[EACH], bv[EACH];
            load(a + d * (SIDE + 4) + down, av, true, EACH);
            load(b + d * (SIDE + 4) + across, bv, true, EACH);
#pragma unroll
            for (int i = 0; i < EACH; i++) {
#pragma unroll
                for (int j = 0; j < EACH; j++) sums[i][j] = fmaf(av[i], bv[j], sums[i][j]);
            }
        }
        __syncthreads();
    }
    for (int i = 0; i < EACH; i++) {
        for (int j = 0; j < EACH; j++) {
            if (m + down + i >= p.M || n + across + j >= p.N) continue;
            O *to = p.c + (m + down + i) * p.c_row + n + across + j;
            float x = sums[i][j] * p.factor;
            if (p.keep != 0.0f) x = fmaf(p.keep, get(to), x);
            put(to, x);
        }
    }
}

// ---- launchers ---------------------------------------------------------------------------------

template <class T, class O>
int product(const Product<T, O> &p, cudaStream_t stream) {
    if (p.M < 0 || p.N < 0 || p.K < 0 || p.N > 65535ll * SIDE) return TS_BAD_SHAPE;
    if ((p.a_row != 1 && p.a_column != 1) || (p.b_row != 1 && p.b_column != 1)) return TS_BAD_ARGUMENT;
    const dim3 grid((unsigned)parts(p.M, SIDE), (unsigned)parts(p.N, SIDE));
    const size_t room = 2 * DEPTH * (SIDE + 4) * sizeof(float);
    return launch(product_kernel<T, O>, grid, dim3(THREADS), room, stream, p);
}

}  // namespace

#define TS_DEFINE(name, T, O)                                                                        \
    int product_##name(const T *a, const T *b, O *c, void *, int64_t M, int64_t N, int64_t K,        \
                       int64_t a_row, int64_t a_column, int64_t b_row, int64_t b_column,             \
                       int64_t c_row, float factor, float keep, cudaStream_t stream) {               \
        return product(Product<T, O>{a, b, c, M, N, K, a_row, a_column, b_row, b_column, c_row,      \
                                     factor, keep},                                                  \
                       stream);                                                                      \
    }
TS_DEFINE(f32, float, float)
TS_DEFINE(bf16, bf16, bf16)
TS_DEFINE(bf16_out_f32, bf16, float)

}  // namespace TS_NS
