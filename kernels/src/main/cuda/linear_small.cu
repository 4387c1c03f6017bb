// y = factor·x wᵀ + b + keep·y for few rows of x and weights as they are.
#include "few_rows.cuh"

namespace TS_NS {
namespace {

// ---- kernels -----------------------------------------------------------------------------------

template <class T>
struct Plain {
    const T *w, *b;
    int64_t K;
    bool aligned;

    __device__ __forceinline__ void prepare() const {}
    __device__ __forceinline__ void load(int64_t n, int64_t k, float (&to)[FEW_VALUES]) const {
        ts_cuda::load(w + n * K + k, to, aligned && K - k >= FEW_VALUES, K - k);
    }
    __device__ __forceinline__ float bias(int64_t n) const { return b != nullptr ? get(b + n) : 0.0f; }
};

// ---- launchers ---------------------------------------------------------------------------------

}  // namespace

#define TS_DEFINE(name, S, T, Y)                                                                     \
    int linear_small_##name(const S *x, const T *w, const T *b, Y *y, void *, int64_t M, int64_t N,  \
                            int64_t K, int64_t x_stride, int64_t y_stride, float factor, float keep, \
                            cudaStream_t stream) {                                                   \
        const Plain<T> weights{w, b, K, on_16(w, K)};                                                \
        return few_rows(Few<Plain<T>, S, Y>{weights, x, y, M, N, K, x_stride, y_stride, factor,      \
                                            keep, on_16(x, x_stride)},                               \
                        0, stream);                                                                  \
    }
TS_DEFINE(f32, float, float, float)
TS_DEFINE(bf16, bf16, bf16, bf16)
TS_DEFINE(bf16_out_f32, bf16, bf16, float)
TS_DEFINE(f32_weight_bf16, float, bf16, float)

}  // namespace TS_NS
