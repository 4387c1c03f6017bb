// The device itself, for Java: memory, streams, copies and the text of errors. This library carries
// the CUDA runtime in itself, so that a machine needs the driver alone.
#include <string.h>

#include "device.cuh"

#define TS_API extern "C" __attribute__((visibility("default")))

static int status(cudaError_t error) { return error == cudaSuccess ? TS_OK : ts_cuda::TS_LAUNCH_FAILED + (int)error; }

// What a status above 1000 means.
TS_API const char *ts_cuda_error(int code) {
    return cudaGetErrorString((cudaError_t)(code - ts_cuda::TS_LAUNCH_FAILED));
}

// The targets that this library has code for, as in "80 86 89 90 100 120"; the last as PTX too.
TS_API const char *ts_cuda_targets() {
#ifdef TS_TARGETS
    return TS_TARGETS;
#else
    return "80";
#endif
}

TS_API int ts_cuda_devices(int *count) { return status(cudaGetDeviceCount(count)); }

// name: 256 bytes; numbers: memory in bytes, capability · 10, multiprocessors.
TS_API int ts_cuda_describe(int device, char *name, int64_t *numbers) {
    cudaDeviceProp properties;
    cudaError_t error = cudaGetDeviceProperties(&properties, device);
    if (error != cudaSuccess) return status(error);
    memcpy(name, properties.name, sizeof properties.name);
    numbers[0] = (int64_t)properties.totalGlobalMem;
    int major = 0, minor = 0, processors = 0;
    error = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
    if (error == cudaSuccess) error = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device);
    if (error == cudaSuccess) error = cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
    numbers[1] = major * 10 + minor;
    numbers[2] = processors;
    return status(error);
}

// Later calls of this thread mean this device.
TS_API int ts_cuda_use(int device) { return status(cudaSetDevice(device)); }

TS_API int ts_cuda_free_memory(int64_t *bytes) {
    size_t free = 0, total = 0;
    const cudaError_t error = cudaMemGetInfo(&free, &total);
    *bytes = (int64_t)free;
    return status(error);
}

TS_API int ts_cuda_allocate(void **address, int64_t bytes) { return status(cudaMalloc(address, (size_t)bytes)); }
TS_API int ts_cuda_release(void *address) { return status(cudaFree(address)); }

// Host memory that copies read and write while the host goes on.
TS_API int ts_cuda_allocate_host(void **address, int64_t bytes) {
    return status(cudaHostAlloc(address, (size_t)bytes, cudaHostAllocDefault));
}
TS_API int ts_cuda_release_host(void *address) { return status(cudaFreeHost(address)); }

TS_API int ts_cuda_open_stream(cudaStream_t *stream) {
    return status(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking));
}
TS_API int ts_cuda_close_stream(cudaStream_t stream) { return status(cudaStreamDestroy(stream)); }

// Waits for all work of the stream; what failed in it is told here.
TS_API int ts_cuda_wait(cudaStream_t stream) { return status(cudaStreamSynchronize(stream)); }

// Either side may be the host's. Rows of `width` bytes.
TS_API int ts_cuda_copy(void *to, int64_t to_stride, const void *from, int64_t from_stride, int64_t width,
                        int64_t rows, cudaStream_t stream) {
    if (width == 0 || rows == 0) return TS_OK;
    if (rows == 1 || (to_stride == width && from_stride == width)) {
        return status(cudaMemcpyAsync(to, from, (size_t)(width * rows), cudaMemcpyDefault, stream));
    }
    return status(cudaMemcpy2DAsync(to, (size_t)to_stride, from, (size_t)from_stride, (size_t)width, (size_t)rows,
                                    cudaMemcpyDefault, stream));
}

TS_API int ts_cuda_clear(void *address, int64_t bytes, cudaStream_t stream) {
    return status(cudaMemsetAsync(address, 0, (size_t)bytes, stream));
}
