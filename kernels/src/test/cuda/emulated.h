// The part of CUDA that src/main/cuda uses, on the CPU: the very same sources are compiled as C++
// against this header, so that their arithmetic, indexing, barriers and odd sizes are run in tests
// on any machine.
//
// One block runs at a time, each of its threads on a stack of its own. A thread runs until it
// waits (for the block at a barrier, for its warp in a shuffle) or ends, so a missing barrier shows
// as a result that depends on the order in which threads are taken; ts_emulated_order turns it
// round. Shared memory is filled with NaN before each block and its end is watched. What no thread
// can get past is named and ends the process, as do lanes that leave their warp alone.
#pragma once
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <functional>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct uint3 {
    unsigned x, y, z;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;

// ---- the runtime -------------------------------------------------------------------------------

typedef struct CUstream_st *cudaStream_t;
enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorInvalidDevice = 101,
};
enum cudaMemcpyKind { cudaMemcpyDefault = 4 };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
enum cudaDeviceAttr {
    cudaDevAttrMultiProcessorCount = 16,
    cudaDevAttrComputeCapabilityMajor = 75,
    cudaDevAttrComputeCapabilityMinor = 76,
};
constexpr unsigned cudaStreamNonBlocking = 1, cudaHostAllocDefault = 0;
struct cudaDeviceProp {
    char name[256];
    size_t totalGlobalMem;
};

cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device);
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device);
cudaError_t cudaMemGetInfo(size_t *free, size_t *total);
cudaError_t cudaMalloc(void **address, size_t bytes);
cudaError_t cudaFree(void *address);
cudaError_t cudaHostAlloc(void **address, size_t bytes, unsigned flags);
cudaError_t cudaFreeHost(void *address);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                              size_t height, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaGetLastError();
const char *cudaGetErrorString(cudaError_t error);
template <class F>
cudaError_t cudaFuncSetAttribute(F *, cudaFuncAttribute, int bytes) {
    return bytes <= 227 * 1024 ? cudaSuccess : cudaErrorInvalidValue;
}

// ---- launches ----------------------------------------------------------------------------------

// Runs body once for every thread of the grid; `stream` may defer it.
cudaError_t emulated_launch(dim3 grid, dim3 block, size_t shared, cudaStream_t stream, std::function<void()> body);
char *emulated_shared();

// ---- what threads of a block do together -------------------------------------------------------

void __syncthreads();
// Gives every lane the 64-bit words of all lanes of its warp.
const uint64_t *emulated_exchange(uint64_t mine);

// The last lane that comes does the work of all, which have told it where their operands are.
void emulated_together(void *mine, void (*all)(void *const (&lanes)[32]));

inline void __syncwarp(unsigned = ~0u) { emulated_exchange(0); }
inline unsigned emulated_lane() {
    return (threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) & 31;
}
template <class T>
inline T emulated_from(const uint64_t *words, unsigned lane) {
    T value;
    memcpy(&value, words + (lane & 31), sizeof value);
    return value;
}
template <class T>
inline const uint64_t *emulated_give(T value) {
    static_assert(sizeof(T) <= 8, "a shuffled value is at most 64 bits");
    uint64_t word = 0;
    memcpy(&word, &value, sizeof value);
    return emulated_exchange(word);
}
template <class T>
inline T __shfl_sync(unsigned, T value, int lane) {
    return emulated_from<T>(emulated_give(value), lane);
}
template <class T>
inline T __shfl_xor_sync(unsigned, T value, int mask) {
    return emulated_from<T>(emulated_give(value), emulated_lane() ^ mask);
}
template <class T>
inline T __shfl_down_sync(unsigned, T value, unsigned by) {
    const unsigned lane = emulated_lane();
    return emulated_from<T>(emulated_give(value), lane + by < 32 ? lane + by : lane);
}
inline unsigned __ballot_sync(unsigned, int yes) {
    const uint64_t *words = emulated_give(yes);
    unsigned bits = 0;
    for (int i = 0; i < 32; i++) bits |= (unsigned)(words[i] != 0) << i;
    return bits;
}

// ---- arithmetic --------------------------------------------------------------------------------

inline uint32_t __float_as_uint(float a) {
    uint32_t u;
    memcpy(&u, &a, 4);
    return u;
}
inline float __uint_as_float(uint32_t u) {
    float a;
    memcpy(&a, &u, 4);
    return a;
}
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fdividef(float a, float b) { return a / b; }
inline float __expf(float a) { return expf(a); }
inline float __logf(float a) { return logf(a); }
inline float __frcp_rn(float a) { return 1.0f / a; }
inline float rsqrtf(float a) { return 1.0f / sqrtf(a); }
inline int __ffs(unsigned a) { return __builtin_ffs((int)a); }
inline int __popc(unsigned a) { return __builtin_popcount(a); }
inline int __dp4a(int a, int b, int c) {
    for (int i = 0; i < 4; i++) c += (int)(int8_t)(a >> 8 * i) * (int8_t)(b >> 8 * i);
    return c;
}
template <class T>
inline T __ldg(const T *p) {
    return *p;
}
using std::max;
using std::min;
