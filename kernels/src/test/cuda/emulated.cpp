// Threads of a block as stacks that take turns, device memory that the host cannot see, and streams
// that may run later than they are told; see emulated.h.
#include "emulated.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <map>
#include <vector>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

static void give_up(const char *why) {
    fprintf(stderr, "emulated CUDA, block (%u, %u, %u), thread (%u, %u, %u): %s\n", blockIdx.x, blockIdx.y, blockIdx.z,
            threadIdx.x, threadIdx.y, threadIdx.z, why);
    abort();
}

// ---- stacks that take turns --------------------------------------------------------------------

extern "C" void emulated_switch(void **save, void *load);
asm(R"(
.text
.globl emulated_switch
.hidden emulated_switch
emulated_switch:
    endbr64
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
)");

constexpr size_t STACK = 128 << 10, THREADS_MAX = 1024, SHARED_MAX = 227 << 10, SHARED_FENCE = 4096;
constexpr unsigned char FENCE = 0x5a;

enum Waiting { FOR_NOTHING, FOR_BLOCK, FOR_WARP, FOR_EVER };

struct Thread {
    void *stack;
    Waiting waiting;
    uint3 index;
    unsigned round;  // exchanges of its warp that it took part in
};
struct Warp {
    uint64_t given[32], shown[2][32];
    void *operands[32];
    int arrived, lanes;
};

static char *stacks, *shared_memory;
static Thread threads[THREADS_MAX];
static Warp warps[THREADS_MAX / 32];
static int running;
static void *scheduler;
static const std::function<void()> *body;
static bool backwards, without_barriers;

extern "C" __attribute__((visibility("default"))) int ts_emulated_order(int reversed) { return backwards = reversed != 0; }

// What kernels compute when no barrier waits: tests must find it wrong.
extern "C" __attribute__((visibility("default"))) int ts_emulated_barriers(int wait) { return without_barriers = wait == 0; }

static void wait(Waiting what) {
    threads[running].waiting = what;
    emulated_switch(&threads[running].stack, scheduler);
}

static void thread_main() {
    (*body)();
    wait(FOR_EVER);
}

void __syncthreads() {
    if (!without_barriers) wait(FOR_BLOCK);
}

// Whether this lane is the last of its warp to come; if not, it waits for it.
static bool last_to_come(Thread &me, Warp &warp) {
    me.round++;
    if (++warp.arrived < warp.lanes) {
        wait(FOR_WARP);
        return false;
    }
    return true;
}

static void release(Thread &me, Warp &warp) {
    warp.arrived = 0;
    for (int i = 0; i < warp.lanes; i++) {
        Thread &lane = threads[running / 32 * 32 + i];
        if (lane.round != me.round || (&lane != &me && lane.waiting != FOR_WARP)) {
            give_up("lanes of a warp meet in different places");
        }
        lane.waiting = FOR_NOTHING;
    }
}

const uint64_t *emulated_exchange(uint64_t mine) {
    Thread &me = threads[running];
    Warp &warp = warps[running / 32];
    const unsigned round = me.round;
    warp.given[running % 32] = mine;
    if (last_to_come(me, warp)) {
        memcpy(warp.shown[round & 1], warp.given, sizeof warp.given);
        release(me, warp);
    }
    return warp.shown[round & 1];
}

void emulated_together(void *mine, void (*all)(void *const (&lanes)[32])) {
    Thread &me = threads[running];
    Warp &warp = warps[running / 32];
    warp.operands[running % 32] = mine;
    if (!last_to_come(me, warp)) return;
    all(warp.operands);
    release(me, warp);
}

char *emulated_shared() { return shared_memory; }

static void prepare(int count, size_t shared) {
    if (stacks == nullptr) {
        stacks = (char *)mmap(nullptr, STACK * THREADS_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        shared_memory = (char *)aligned_alloc(128, SHARED_MAX + SHARED_FENCE);
    }
    memset(shared_memory, 0xff, shared);
    memset(shared_memory + shared, FENCE, SHARED_FENCE);
    for (int t = 0; t < count; t++) {
        // As if emulated_switch had been called by thread_main's caller: six registers, where to go
        // on, and a return address that keeps the stack aligned as a call does.
        void **top = (void **)(stacks + (t + 1) * STACK) - 1;
        *top = nullptr;
        *--top = (void *)thread_main;
        for (int i = 0; i < 6; i++) *--top = nullptr;
        const unsigned x = t % blockDim.x, yz = t / blockDim.x;
        threads[t] = {top, FOR_NOTHING, {x, yz % blockDim.y, yz / blockDim.y}, 0};
    }
    for (int w = 0; w * 32 < count; w++) {
        warps[w].arrived = 0;
        warps[w].lanes = count - w * 32 < 32 ? count - w * 32 : 32;
    }
}

static void run_block(int count, size_t shared) {
    prepare(count, shared);
    for (int ended = 0; ended < count;) {
        bool moved = false;
        for (int i = 0; i < count; i++) {
            running = backwards ? count - 1 - i : i;
            Thread &thread = threads[running];
            if (thread.waiting != FOR_NOTHING) continue;
            threadIdx = thread.index;
            emulated_switch(&scheduler, thread.stack);
            moved = true;
            ended += thread.waiting == FOR_EVER;
        }
        if (moved) continue;
        for (int t = 0; t < count; t++) {
            if (threads[t].waiting == FOR_WARP) give_up("some lanes of a warp never come");
        }
        for (int t = 0; t < count; t++) {
            if (threads[t].waiting == FOR_BLOCK) threads[t].waiting = FOR_NOTHING;
        }
    }
    for (size_t i = 0; i < SHARED_FENCE; i++) {
        if ((unsigned char)shared_memory[shared + i] != FENCE) give_up("wrote behind its shared memory");
    }
}

static void run_grid(dim3 grid, dim3 block, size_t shared, const std::function<void()> &what) {
    body = &what;
    gridDim = grid;
    blockDim = block;
    for (unsigned z = 0; z < grid.z; z++) {
        for (unsigned y = 0; y < grid.y; y++) {
            for (unsigned x = 0; x < grid.x; x++) {
                blockIdx = {x, y, z};
                run_block(block.x * block.y * block.z, shared);
            }
        }
    }
}

// ---- device memory -----------------------------------------------------------------------------

// Host and kernels see the same addresses, but the host may not touch them unless it is running a
// kernel or a copy: a Java loop over a device's tensor ends the process instead of seeming to work.
constexpr size_t DEVICE_BYTES = 16ull << 30, PAGE = 4096;
static char *device_memory;
static size_t device_used;
#ifdef TS_STRICT
constexpr bool STRICT = true;
#else
constexpr bool STRICT = false;
#endif
static bool hidden_from_host = STRICT;
static std::map<char *, size_t> device_blocks, device_holes;
static std::map<char *, size_t> pinned;

static void open_device(bool open) {
    if (device_memory == nullptr || !hidden_from_host) return;
    mprotect(device_memory, device_used, open ? PROT_READ | PROT_WRITE : PROT_NONE);
}

static bool on_device(const void *p) {
    return device_memory != nullptr && (char *)p >= device_memory && (char *)p < device_memory + DEVICE_BYTES;
}

static bool is_pinned(const void *p) {
    auto after = pinned.upper_bound((char *)p);
    if (after == pinned.begin()) return false;
    --after;
    return (char *)p < after->first + after->second;
}

cudaError_t cudaMalloc(void **address, size_t bytes) {
    if (device_memory == nullptr) {
        device_memory = (char *)mmap(nullptr, DEVICE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
    bytes = (bytes + PAGE - 1) / PAGE * PAGE;
    char *at = nullptr;
    for (auto hole = device_holes.begin(); hole != device_holes.end() && at == nullptr; ++hole) {
        if (hole->second != bytes) continue;
        at = hole->first;
        device_holes.erase(hole);
        break;
    }
    if (at == nullptr) {
        if (device_used + bytes > DEVICE_BYTES) return cudaErrorMemoryAllocation;
        at = device_memory + device_used;
        device_used += bytes;
        if (!hidden_from_host) mprotect(at, bytes, PROT_READ | PROT_WRITE);
    }
    device_blocks[at] = bytes;
    open_device(true);
    memset(at, 0xff, bytes);
    open_device(false);
    *address = at;
    return cudaSuccess;
}

cudaError_t cudaHostAlloc(void **address, size_t bytes, unsigned) {
    *address = aligned_alloc(PAGE, (bytes + PAGE - 1) / PAGE * PAGE);
    pinned[(char *)*address] = bytes;
    return *address != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaFreeHost(void *address) {
    pinned.erase((char *)address);
    free(address);
    return cudaSuccess;
}

// ---- streams -----------------------------------------------------------------------------------

struct CUstream_st {
    std::vector<std::function<void()>> later;
};
static std::vector<cudaStream_t> streams;
static bool deferring = STRICT;
static cudaError_t last_error = cudaSuccess;

// Host code may see device memory from now on; and work of streams waits until it is asked for.
extern "C" __attribute__((visibility("default"))) int ts_emulated_strict(int strict) {
    hidden_from_host = strict != 0;
    deferring = strict != 0;
    if (device_memory != nullptr) mprotect(device_memory, device_used, strict ? PROT_NONE : PROT_READ | PROT_WRITE);
    return strict;
}

static cudaError_t enqueue(cudaStream_t stream, std::function<void()> work) {
    if (deferring && stream != nullptr) {
        stream->later.push_back(std::move(work));
        return cudaSuccess;
    }
    open_device(true);
    work();
    open_device(false);
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    if (stream == nullptr) return cudaSuccess;
    open_device(true);
    for (size_t i = 0; i < stream->later.size(); i++) stream->later[i]();
    stream->later.clear();
    open_device(false);
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
    *stream = new CUstream_st();
    streams.push_back(*stream);
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    cudaStreamSynchronize(stream);
    for (cudaStream_t &known : streams) known = known == stream ? nullptr : known;
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaFree(void *address) {
    for (cudaStream_t stream : streams) cudaStreamSynchronize(stream);  // as the real one does
    auto block = device_blocks.find((char *)address);
    if (block == device_blocks.end()) return cudaErrorInvalidValue;
    device_holes[block->first] = block->second;
    device_blocks.erase(block);
    return cudaSuccess;
}

cudaError_t emulated_launch(dim3 grid, dim3 block, size_t shared, cudaStream_t stream, std::function<void()> what) {
    const uint64_t count = (uint64_t)block.x * block.y * block.z;
    const bool fits = grid.x > 0 && grid.y > 0 && grid.z > 0 && grid.x <= 0x7fffffffu && grid.y <= 65535 &&
                      grid.z <= 65535 && count > 0 && count <= THREADS_MAX && block.z <= 64 && shared <= SHARED_MAX;
    if (!fits) return last_error = cudaErrorInvalidConfiguration;
    return enqueue(stream, [=] { run_grid(grid, block, shared, what); });
}

// Memory of the host that is not pinned is read before the call returns; pinned memory later.
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
    if (!on_device(from) && !is_pinned(from)) {
        std::vector<char> now((const char *)from, (const char *)from + bytes);
        return enqueue(stream, [=] { memcpy(to, now.data(), bytes); });
    }
    return enqueue(stream, [=] { memmove(to, from, bytes); });
}

cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                              size_t height, cudaMemcpyKind, cudaStream_t stream) {
    if (width > to_pitch || width > from_pitch) return last_error = cudaErrorInvalidValue;
    if (!on_device(from) && !is_pinned(from)) {
        std::vector<char> now((const char *)from, (const char *)from + (height - 1) * from_pitch + width);
        return enqueue(stream, [=] {
            for (size_t r = 0; r < height; r++) memcpy((char *)to + r * to_pitch, now.data() + r * from_pitch, width);
        });
    }
    return enqueue(stream, [=] {
        for (size_t r = 0; r < height; r++) memmove((char *)to + r * to_pitch, (const char *)from + r * from_pitch, width);
    });
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream) {
    return enqueue(stream, [=] { memset(to, value, bytes); });
}

// ---- the device itself -------------------------------------------------------------------------

cudaError_t cudaGetLastError() {
    const cudaError_t error = last_error;
    last_error = cudaSuccess;
    return error;
}
const char *cudaGetErrorString(cudaError_t error) {
    switch (error) {
        case cudaSuccess: return "no error";
        case cudaErrorInvalidValue: return "invalid argument";
        case cudaErrorMemoryAllocation: return "out of memory";
        case cudaErrorInvalidConfiguration: return "invalid configuration argument";
        case cudaErrorInvalidDevice: return "invalid device ordinal";
    }
    return "unknown error";
}
cudaError_t cudaGetDeviceCount(int *count) {
    *count = 1;
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidDevice; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int) {
    snprintf(properties->name, sizeof properties->name, "emulated on the CPU");
    properties->totalGlobalMem = DEVICE_BYTES;
    return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int) {
    *value = attribute == cudaDevAttrMultiProcessorCount ? 4 : attribute == cudaDevAttrComputeCapabilityMajor ? 8 : 0;
    return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t *free, size_t *total) {
    *total = DEVICE_BYTES;
    *free = DEVICE_BYTES - device_used;
    return cudaSuccess;
}

// ---- cuBLAS ------------------------------------------------------------------------------------

static cudaStream_t product_stream;
#define EMULATED_API extern "C" __attribute__((visibility("default")))

EMULATED_API int cublasCreate_v2(void **handle) {
    *handle = &product_stream;
    return 0;
}
EMULATED_API int cublasSetStream_v2(void *, cudaStream_t stream) {
    product_stream = stream;
    return 0;
}

static float element(const void *p, int type, int64_t at) {
    if (type == 0) return ((const float *)p)[at];
    return __uint_as_float((uint32_t)((const uint16_t *)p)[at] << 16);
}

// Matrices lie by columns; types are 0 for fp32 and 14 for bf16.
EMULATED_API int cublasGemmEx(void *, int turn_a, int turn_b, int m, int n, int k, const float *alpha, const void *a,
                              int a_type, int lda, const void *b, int b_type, int ldb, const float *beta, void *c,
                              int c_type, int ldc, int, int) {
    constexpr int INVALID = 7;
    if (m < 0 || n < 0 || k < 0 || lda < (turn_a ? k : m) || ldb < (turn_b ? n : k) || ldc < m) return INVALID;
    const float factor = *alpha, keep = *beta;
    return enqueue(product_stream, [=] {
        for (int j = 0; j < n; j++) {
            for (int i = 0; i < m; i++) {
                float sum = 0.0f;
                for (int l = 0; l < k; l++) {
                    sum += element(a, a_type, turn_a ? l + (int64_t)i * lda : i + (int64_t)l * lda) *
                           element(b, b_type, turn_b ? j + (int64_t)l * ldb : l + (int64_t)j * ldb);
                }
                const int64_t at = i + (int64_t)j * ldc;
                sum = factor * sum + (keep != 0.0f ? keep * element(c, c_type, at) : 0.0f);
                if (c_type == 0) {
                    ((float *)c)[at] = sum;
                } else {
                    const uint32_t u = __float_as_uint(sum);
                    ((uint16_t *)c)[at] = (uint16_t)((u + ((u >> 16) & 1) + 0x7fff) >> 16);
                }
            }
        }
    });
}
