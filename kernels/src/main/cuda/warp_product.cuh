// Products of small tiles in shared memory by one warp, fp32 sums in registers.
//
// A warp owns 16 rows of a result. Lane l holds, of each 8 columns n, rows l / 4 and l / 4 + 8 at
// columns n + 2 (l % 4) and the next: what mma.m16n8k16 (sm_80 and later) leaves there. Tiles of
// bf16 go through the tensor cores; tiles of fp32, which only oracles and tests use, through FMA.
#pragma once
#include "device.cuh"

namespace TS_NS {

template <class T>
constexpr int GAP = 16 / (int)sizeof(T);  // behind each row, so that 8 rows lie in different banks

// ---- tensor cores ------------------------------------------------------------------------------

// Four 8×8 matrices of bf16 whose rows lane l points at (matrix l / 8, row l % 8). Lane l gets two
// neighbours of row l / 4 of each; of each transposed matrix with TURNED.
template <bool TURNED>
__device__ __forceinline__ void load_matrices(uint32_t (&to)[4], const bf16 *row) {
#ifdef TS_EMULATED
    emulated_matrices(to, &row->bits, TURNED);
#else
    const uint32_t at = (uint32_t)__cvta_generic_to_shared(row);
    if (TURNED) {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(at) : "memory");
    } else {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(at) : "memory");
    }
#endif
}

// sums (16×8) += a (16×16) · b (16×8).
__device__ __forceinline__ void multiply_add(float (&sums)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
#ifdef TS_EMULATED
    emulated_multiply_add(sums, a, b0, b1);
#else
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#endif
}

// ---- tiles -------------------------------------------------------------------------------------

// Where rows of the result begin, their columns in steps of 8: of this lane.
__device__ __forceinline__ int lane_row() { return (int)threadIdx.x % 32 / 4; }
__device__ __forceinline__ int lane_column() { return (int)threadIdx.x % 4 * 2; }

// sums (16 × 8 NT) += a (16 × DEPTH) · b. Rows of a are `lda` apart; b lies as its columns, each
// DEPTH long and `ldb` apart, or with ROWS_OF_B as DEPTH rows.
template <bool ROWS_OF_B, int DEPTH, int NT>
__device__ __forceinline__ void warp_product(float (&sums)[NT][4], const bf16 *a, int lda, const bf16 *b, int ldb) {
    static_assert(NT % 2 == 0 && DEPTH % 16 == 0, "tiles of 16");
    const int lane = (int)threadIdx.x % 32, matrix = lane / 8, line = lane % 8;
#pragma unroll 4
    for (int k = 0; k < DEPTH; k += 16) {
        uint32_t left[4];
        load_matrices<false>(left, a + (line + matrix % 2 * 8) * lda + k + matrix / 2 * 8);
#pragma unroll
        for (int n = 0; n < NT; n += 2) {
            uint32_t right[4];  // depths 0–7 and 8–15 of columns 8n…, then of 8n + 8…
            if (ROWS_OF_B) {
                load_matrices<true>(right, b + (k + line + matrix % 2 * 8) * ldb + 8 * n + matrix / 2 * 8);
            } else {
                load_matrices<false>(right, b + (8 * n + line + matrix / 2 * 8) * ldb + k + matrix % 2 * 8);
            }
            multiply_add(sums[n], left, right[0], right[1]);
            multiply_add(sums[n + 1], left, right[2], right[3]);
        }
    }
}

template <bool ROWS_OF_B, int DEPTH, int NT>
__device__ __forceinline__ void warp_product(float (&sums)[NT][4], const float *a, int lda, const float *b, int ldb) {
    const float *upper = a + lane_row() * lda, *lower = upper + 8 * lda;
    const int column = lane_column();
#pragma unroll 1
    for (int k = 0; k < DEPTH; k++) {
        const float up = upper[k], low = lower[k];
#pragma unroll
        for (int n = 0; n < NT; n++) {
            const int c = 8 * n + column;
            const float first = ROWS_OF_B ? b[k * ldb + c] : b[c * ldb + k];
            const float second = ROWS_OF_B ? b[k * ldb + c + 1] : b[(c + 1) * ldb + k];
            sums[n][0] = fmaf(up, first, sums[n][0]);
            sums[n][1] = fmaf(up, second, sums[n][1]);
            sums[n][2] = fmaf(low, first, sums[n][2]);
            sums[n][3] = fmaf(low, second, sums[n][3]);
        }
    }
}

// The 16 rows of a warp into shared memory as T, for a product that they are the left side of.
template <int NT>
__device__ __forceinline__ void keep(const float (&sums)[NT][4], bf16 *to, int ld) {
    uint32_t *upper = reinterpret_cast<uint32_t *>(to + lane_row() * ld + lane_column());
    uint32_t *lower = reinterpret_cast<uint32_t *>(to + (lane_row() + 8) * ld + lane_column());
#pragma unroll
    for (int n = 0; n < NT; n++) {
        upper[n * 4] = bf16_pair(sums[n][0], sums[n][1]);
        lower[n * 4] = bf16_pair(sums[n][2], sums[n][3]);
    }
    __syncwarp();
}
template <int NT>
__device__ __forceinline__ void keep(const float (&sums)[NT][4], float *to, int ld) {
#pragma unroll
    for (int n = 0; n < NT; n++) {
        for (int i = 0; i < 4; i++) to[(lane_row() + i / 2 * 8) * ld + 8 * n + lane_column() + i % 2] = sums[n][i];
    }
    __syncwarp();
}

// The rows of a warp to global memory: those below `rows`, columns below `columns`.
template <int NT, class T>
__device__ __forceinline__ void write(const float (&sums)[NT][4], T *to, int64_t stride, int64_t rows, int64_t columns) {
#pragma unroll
    for (int n = 0; n < NT; n++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int r = lane_row() + i / 2 * 8, c = 8 * n + lane_column() + i % 2;
            if (r < rows && c < columns) put(to + r * stride + c, sums[n][i]);
        }
    }
}

// A tile from global memory: ROWS rows of DEPTH values, zero where no row or no column is.
// row_at(r) is where row r begins.
template <int ROWS, int DEPTH, class T, class RowAt>
__device__ __forceinline__ void fetch(T *to, int64_t rows, int64_t width, bool aligned, RowAt row_at) {
    constexpr int VALUES = PACK<T>, PACKS = DEPTH / VALUES;
    for (int i = (int)threadIdx.x; i < ROWS * PACKS; i += (int)blockDim.x) {
        const int r = i / PACKS, c = i % PACKS * VALUES;
        T *place = to + r * (DEPTH + GAP<T>) + c;
        if (aligned && r < rows && c + VALUES <= width) {
            *reinterpret_cast<uint4 *>(place) = *reinterpret_cast<const uint4 *>(row_at(r) + c);
        } else {
            for (int j = 0; j < VALUES; j++) put(place + j, r < rows && c + j < width ? get(row_at(r) + c + j) : 0.0f);
        }
    }
}

}  // namespace TS_NS
