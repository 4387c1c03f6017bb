// Weights as codes of 4 or 8 bits with a scale, and perhaps a zero point, a group of values; see
// src/main/c/grouped.cpp. The description ts_grouped lies in host memory, what it points to on the
// device.
#include "few_rows.cuh"

namespace TS_NS {
namespace {

constexpr int VALUES = 8;
constexpr size_t TABLE_ROOM = 256 * sizeof(float);

// ---- kernels -----------------------------------------------------------------------------------

struct Grouped {
    ts_grouped w;
    bool simple;  // 8 columns from a multiple of 8 on lie in whole words

    // Every thread of a block calls this before the first load.
    __device__ void prepare() const {
        float *table = shared<float>();
        for (int i = (int)threadIdx.x; i < (w.bits == 8 ? 256 : 16); i += (int)blockDim.x) table[i] = w.table[i];
        __syncthreads();
    }

    __device__ __forceinline__ int code(const uint8_t *row, int64_t column) const {
        if (w.bits == 8) return row[column];
        const uint8_t both = row[column >> 1];
        return (column & 1) != 0 ? both & 15 : both >> 4;
    }

    // Eight columns of a row from k on, zero where no column is.
    template <class T>
    __device__ __forceinline__ void eight(int64_t n, int64_t k, float (&to)[VALUES]) const {
        const uint8_t *row = w.codes + n * (w.bits == 8 ? w.inputs : (w.inputs + 1) >> 1);
        const int64_t base = (int64_t)w.row_groups[n] * w.groups;
        uint32_t words[2] = {0, 0};
        const bool whole = simple && k + VALUES <= w.inputs;
        if (whole && w.bits == 8) {
            const uint2 v = *reinterpret_cast<const uint2 *>(row + k);
            words[0] = v.x, words[1] = v.y;
        } else if (whole) {
            words[0] = *reinterpret_cast<const uint32_t *>(row + (k >> 1));
        }
        int32_t group = -1;
        float scale = 0.0f, zero = 0.0f;
#pragma unroll
        for (int j = 0; j < VALUES; j++) {
            if (k + j >= w.inputs) {
                to[j] = 0.0f;
                continue;
            }
            int code;
            if (!whole) code = this->code(row, k + j);
            else if (w.bits == 8) code = (int)(words[j / 4] >> j % 4 * 8 & 255);
            else code = (int)(words[0] >> ((j >> 1) * 8 + ((j & 1) != 0 ? 0 : 4)) & 15);
            const int32_t mine = w.column_groups[k + j];
            if (mine != group) {
                group = mine;
                scale = w.scales[base + group];
                zero = w.zeros != nullptr ? w.zeros[base + group] : 0.0f;
            }
            to[j] = rounded<T>((shared<float>()[code] - zero) * scale);
        }
    }
};

template <class T>
__global__ void dequantise_kernel(Grouped w, T *y, int64_t rows, bool aligned) {
    w.prepare();
    const int64_t c = ((int64_t)blockIdx.x * THREADS + threadIdx.x) * VALUES, left = w.w.inputs - c;
    if (left <= 0) return;
    for (int64_t r = blockIdx.y; r < rows; r += gridDim.y) {
        float v[VALUES];
        w.template eight<T>(r, c, v);
        store(y + r * w.w.inputs + c, v, aligned && left >= VALUES, left);
    }
}

template <class T>
struct GroupedRows {
    Grouped w;

    __device__ __forceinline__ void prepare() const { w.prepare(); }
    __device__ __forceinline__ void load(int64_t n, int64_t k, float (&to)[FEW_VALUES]) const {
        w.template eight<T>(n, k, to);
    }
    __device__ __forceinline__ float bias(int64_t) const { return 0.0f; }
};

// ---- launchers ---------------------------------------------------------------------------------

Grouped matrix_of(const ts_grouped *w) {
    const int64_t row = w->bits == 8 ? w->inputs : (w->inputs + 1) >> 1, word = w->bits == 8 ? 8 : 4;
    return {*w, row % word == 0 && reinterpret_cast<uintptr_t>(w->codes) % word == 0};
}

template <class T>
int dequantise(const ts_grouped *w, T *y, int64_t rows, cudaStream_t stream) {
    if (rows < 0 || w->inputs < 0 || (w->bits != 4 && w->bits != 8)) return TS_BAD_SHAPE;
    return launch(dequantise_kernel<T>, rows_grid(rows, parts(w->inputs, THREADS * VALUES)), dim3(THREADS), TABLE_ROOM,
                  stream, matrix_of(w), y, rows, on_16(y, w->inputs));
}

template <class T>
int linear(const ts_grouped *w, const T *x, T *y, int64_t M, int64_t N, int64_t x_stride, int64_t y_stride,
                  cudaStream_t stream) {
    if (w->bits != 4 && w->bits != 8) return TS_BAD_SHAPE;
    return few_rows(Few<GroupedRows<T>, T, T>{GroupedRows<T>{matrix_of(w)}, x, y, M, N, w->inputs, x_stride, y_stride,
                                              1.0f, 0.0f, on_16(x, x_stride)},
                    TABLE_ROOM, stream);
}

}  // namespace

#define TS_DEFINE(T, E)                                                                              \
    int grouped_dequantise_##E(const ts_grouped *w, T *y, int64_t rows, cudaStream_t stream) {       \
        return dequantise(w, y, rows, stream);                                                       \
    }                                                                                                \
    int grouped_linear_##E(const ts_grouped *w, const T *x, T *y, int64_t M, int64_t N,              \
                           int64_t x_stride, int64_t y_stride, cudaStream_t stream) {                \
        return linear(w, x, y, M, N, x_stride, y_stride, stream);                                    \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
