// What all kernels share: types, memory access by 16 bytes, sums of a warp and of a block, launching.
//
// A launcher checks sizes, never the content of arrays: those lie on the device. A label, row number
// or position that is out of range is not followed; what it would have given becomes NaN.
#pragma once
#ifdef TS_EMULATED
#include "emulated_tensor_cores.h"
#else
#include <cuda_runtime.h>
#endif

#define TS_NS ts_cuda
#define TS_TEAM cudaStream_t
#include "operations.h"

namespace TS_NS {

constexpr unsigned ALL = 0xffffffffu;  // lanes of a warp
constexpr int THREADS = 256;           // of a block, where nothing else is better
constexpr int TS_LAUNCH_FAILED = 1000;  // + the runtime's error

// ---- values ------------------------------------------------------------------------------------

__device__ __forceinline__ float get(const float *p) { return *p; }
__device__ __forceinline__ float get(const bf16 *p) { return __uint_as_float((uint32_t)p->bits << 16); }

// Round to nearest even; NaN stays NaN.
__device__ __forceinline__ uint32_t bf16_bits(float a) {
#ifdef TS_EMULATED
    const uint32_t u = __float_as_uint(a);
    return a != a ? 0x7fc0u : (u + ((u >> 16) & 1) + 0x7fff) >> 16;
#else
    uint16_t bits;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(a));
    return bits;
#endif
}
// Two values as bf16, the first in the low half.
__device__ __forceinline__ uint32_t bf16_pair(float low, float high) {
#ifdef TS_EMULATED
    return bf16_bits(low) | bf16_bits(high) << 16;
#else
    uint32_t bits;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
    return bits;
#endif
}
__device__ __forceinline__ void put(float *p, float a) { *p = a; }
__device__ __forceinline__ void put(bf16 *p, float a) { p->bits = (uint16_t)bf16_bits(a); }

// What a T holds after a is stored into it.
template <class T>
__device__ __forceinline__ float rounded(float a);
template <>
__device__ __forceinline__ float rounded<float>(float a) {
    return a;
}
template <>
__device__ __forceinline__ float rounded<bf16>(float a) {
    return __uint_as_float(bf16_bits(a) << 16);
}

__device__ __forceinline__ float nan_value() { return __uint_as_float(0x7fc00000u); }
__device__ __forceinline__ float infinity() { return __uint_as_float(0x7f800000u); }

// ---- 16 bytes at once --------------------------------------------------------------------------

template <class T>
constexpr int PACK = 16 / (int)sizeof(T);

// N values from p on: 16 or 32 bytes at a time when `whole`, which needs p on a boundary of 16.
template <int N>
__device__ __forceinline__ void load(const float *p, float (&to)[N], bool whole, int64_t count) {
    if (whole && N % 4 == 0) {
#pragma unroll
        for (int i = 0; i < N; i += 4) {
            const float4 v = *reinterpret_cast<const float4 *>(p + i);
            to[i] = v.x, to[i + 1] = v.y, to[i + 2] = v.z, to[i + 3] = v.w;
        }
    } else {
#pragma unroll
        for (int i = 0; i < N; i++) to[i] = i < count ? p[i] : 0.0f;
    }
}
template <int N>
__device__ __forceinline__ void load(const bf16 *p, float (&to)[N], bool whole, int64_t count) {
    if (whole && N % 8 == 0) {
#pragma unroll
        for (int i = 0; i < N; i += 8) {
            const uint4 v = *reinterpret_cast<const uint4 *>(p + i);
            const uint32_t words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
            for (int j = 0; j < 4; j++) {
                to[i + 2 * j] = __uint_as_float(words[j] << 16);
                to[i + 2 * j + 1] = __uint_as_float(words[j] & 0xffff0000u);
            }
        }
    } else {
#pragma unroll
        for (int i = 0; i < N; i++) to[i] = i < count ? get(p + i) : 0.0f;
    }
}
template <int N>
__device__ __forceinline__ void store(float *p, const float (&from)[N], bool whole, int64_t count) {
    if (whole && N % 4 == 0) {
#pragma unroll
        for (int i = 0; i < N; i += 4) {
            *reinterpret_cast<float4 *>(p + i) = float4{from[i], from[i + 1], from[i + 2], from[i + 3]};
        }
    } else {
#pragma unroll
        for (int i = 0; i < N; i++) {
            if (i < count) p[i] = from[i];
        }
    }
}
template <int N>
__device__ __forceinline__ void store(bf16 *p, const float (&from)[N], bool whole, int64_t count) {
    if (whole && N % 8 == 0) {
#pragma unroll
        for (int i = 0; i < N; i += 8) {
            *reinterpret_cast<uint4 *>(p + i) =
                uint4{bf16_pair(from[i], from[i + 1]), bf16_pair(from[i + 2], from[i + 3]),
                      bf16_pair(from[i + 4], from[i + 5]), bf16_pair(from[i + 6], from[i + 7])};
        }
    } else {
#pragma unroll
        for (int i = 0; i < N; i++) {
            if (i < count) put(p + i, from[i]);
        }
    }
}

// Whether rows from p on, `stride` elements apart, all begin on a boundary of 16 bytes.
template <class T>
inline bool on_16(const T *p, int64_t stride = 0) {
    return (reinterpret_cast<uintptr_t>(p) | (uintptr_t)(stride * (int64_t)sizeof(T))) % 16 == 0;
}

// ---- warps and blocks --------------------------------------------------------------------------

template <class V>
__device__ __forceinline__ V warp_sum(V v) {
#pragma unroll
    for (int i = 16; i > 0; i >>= 1) v += __shfl_xor_sync(ALL, v, i);
    return v;
}
__device__ __forceinline__ float warp_max(float v) {
#pragma unroll
    for (int i = 16; i > 0; i >>= 1) v = fmaxf(v, __shfl_xor_sync(ALL, v, i));
    return v;
}

// The sum over all threads of a block, in a fixed order; every thread gets it. `room`: 32 values.
template <class V>
__device__ __forceinline__ V block_sum(V v, V *room) {
    v = warp_sum(v);
    const int warps = (int)blockDim.x / 32;
    if (warps == 1) return v;
    __syncthreads();  // room may still be read by a call before
    if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = v;
    __syncthreads();
    v = (int)threadIdx.x % 32 < warps ? room[threadIdx.x % 32] : V(0);
    return warp_sum(v);
}

// Shared memory of the launch.
template <class V>
__device__ __forceinline__ V *shared() {
#ifdef TS_EMULATED
    return reinterpret_cast<V *>(emulated_shared());
#else
    extern __shared__ __align__(128) unsigned char ts_shared_memory[];
    return reinterpret_cast<V *>(ts_shared_memory);
#endif
}

// ---- launching ---------------------------------------------------------------------------------

__host__ __device__ inline int64_t parts(int64_t n, int64_t size) { return (n + size - 1) / size; }
__device__ __forceinline__ int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// The size of a block for rows of that many items: enough warps, none of them idle.
inline int threads_for(int64_t items, int most = 1024) {
    int threads = 32;
    while (threads < most && threads < items) threads *= 2;
    return threads;
}

// Blocks for rows in y (each block strides through them) and columns in x.
inline dim3 rows_grid(int64_t rows, int64_t columns) {
    return dim3((unsigned)columns, (unsigned)(rows < 65535 ? rows : 65535));
}

constexpr size_t SHARED_UNASKED = 48 << 10;  // more must be asked for

template <class... P, class... A>
int launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, cudaStream_t stream, A... arguments) {
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) return TS_OK;
    if (shared > SHARED_UNASKED) {
        const cudaError_t error =
            cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared);
        if (error != cudaSuccess) return TS_LAUNCH_FAILED + (int)error;
    }
#ifdef TS_EMULATED
    emulated_launch(grid, block, shared, stream, [=] { kernel((P)arguments...); });
#else
    kernel<<<grid, block, shared, stream>>>((P)arguments...);
#endif
    const cudaError_t error = cudaGetLastError();
    return error == cudaSuccess ? TS_OK : TS_LAUNCH_FAILED + (int)error;
}

template <class... P, class... A>
int launch_flat(void (*kernel)(P...), int64_t items, cudaStream_t stream, A... arguments) {
    return launch(kernel, dim3((unsigned)parts(items, THREADS)), dim3(THREADS), 0, stream, arguments...);
}

}  // namespace TS_NS
