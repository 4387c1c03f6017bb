// Sums of columns in two stages: a kernel of its own leaves one row of parts for each BLOCK_ROWS rows,
// the kernel here adds them in order.
#pragma once

#include "device.cuh"

namespace TS_NS {
namespace {

// One thread a column: to_C += the sum of part_BC over B blocks.
__global__ void add_parts_kernel(const float *part, float *to, int64_t blocks, int64_t C) {
    const int64_t c = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (c >= C) return;
    float total = to[c];
    for (int64_t b = 0; b < blocks; b++) total += part[b * C + c];
    to[c] = total;
}

}  // namespace
}  // namespace TS_NS
