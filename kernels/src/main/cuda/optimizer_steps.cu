// Steps of optimizers other than AdamW; formulas and legend are those of src/main/c/optimizer_steps.cpp.
// Nothing is contracted, and only sums are reordered, so that steps without sums give the CPU's
// bits. The clip factor is read on the device: no step waits for the host.
#include "device.cuh"

#define TS_API extern "C" __attribute__((visibility("default")))

namespace TS_NS {
namespace {

constexpr int64_t SUM_ROWS = 64;
constexpr int CODES = 256;

__device__ __forceinline__ float mul(float a, float b) { return __fmul_rn(a, b); }
__device__ __forceinline__ float add(float a, float b) { return __fadd_rn(a, b); }

__device__ __forceinline__ bool usable(const float *clip, float *factor) {
    *factor = clip != nullptr ? *clip : 1.0f;
    return isfinite(*factor);
}

__device__ __forceinline__ void publish(float *p, bf16 *copy, int64_t i, float value) {
    p[i] = value;
    if (copy != nullptr) put(copy + i, value);
}

__device__ __forceinline__ int64_t flat() { return (int64_t)blockIdx.x * THREADS + threadIdx.x; }

// ---- kernels: rounding -------------------------------------------------------------------------

__global__ void round_kernel(const float *x, bf16 *y, int64_t n, uint32_t seed) {
    const int64_t i = flat();
    if (i >= n) return;
    uint32_t h = (uint32_t)i * 0x9e3779b1u + seed;
    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;
    h ^= h >> 16;
    const uint32_t u = __float_as_uint(x[i]);
    const uint32_t up = (u + (h & 0xffffu)) >> 16;
    y[i].bits = (uint16_t)((u & 0x7f800000u) == 0x7f800000u ? u >> 16 : up);
}

// ---- kernels: one number after the other -------------------------------------------------------

struct Target {
    float *p;
    bf16 *copy;
    const float *g;
    const float *clip;
};

struct Lion {
    float rate, b1, to_mix, b2, to_m, keep;
};

__global__ void lion_kernel(Target t, float *m, int64_t n, Lion s) {
    const int64_t i = flat();
    float f;
    if (i >= n || !usable(t.clip, &f)) return;
    const float v = mul(t.g[i], f), mix = add(mul(s.b1, m[i]), mul(s.to_mix, v));
    const float sign = mix > 0.0f ? 1.0f : mix < 0.0f ? -1.0f : 0.0f;
    publish(t.p, t.copy, i, add(mul(t.p[i], s.keep), -mul(s.rate, sign)));
    m[i] = add(mul(s.b2, m[i]), mul(s.to_m, v));
}

struct Descent {
    float rate, momentum, fresh, coupled, keep, limit, look;
};

// m may be null.
__global__ void descent_kernel(Target t, float *m, int64_t n, Descent s) {
    const int64_t i = flat();
    float f;
    if (i >= n || !usable(t.clip, &f)) return;
    const float p = t.p[i], g = t.g[i];
    if (m == nullptr) {
        const float v = g < -s.limit ? -s.limit : g > s.limit ? s.limit : g;
        const float step = mul(s.rate, add(mul(v, f), mul(s.coupled, p)));
        publish(t.p, t.copy, i, add(mul(p, s.keep), -step));
        return;
    }
    const float v = add(mul(g, f), mul(s.coupled, p));
    const float sum = add(mul(s.momentum, m[i]), mul(s.fresh, v));
    m[i] = sum;
    const float d = s.look > 0.0f ? add(v, mul(s.look, sum)) : sum;
    publish(t.p, t.copy, i, add(p, -mul(s.rate, d)));
}

struct Free {
    float rate, mix, pull, to_v, b2, root, eps, decay;
};

__global__ void free_kernel(Target t, float *z, float *v, int64_t n, Free s) {
    const int64_t i = flat();
    float f;
    if (i >= n || !usable(t.clip, &f)) return;
    const float y = t.p[i], g = mul(t.g[i], f);
    const float square = add(mul(s.b2, v[i]), mul(mul(s.to_v, g), g));
    v[i] = square;
    const float d = add(g / add(mul(sqrtf(square), s.root), s.eps), mul(s.decay, y));
    publish(t.p, t.copy, i, add(add(y, mul(s.mix, add(z[i], -y))), mul(s.pull, d)));
    z[i] = add(z[i], -mul(s.rate, d));
}

__global__ void lerp_kernel(float *y, bf16 *copy, const float *z, int64_t n, float factor) {
    const int64_t i = flat();
    if (i >= n) return;
    publish(y, copy, i, add(y[i], mul(factor, add(z[i], -y[i]))));
}

// ---- kernels: rows and columns -----------------------------------------------------------------

// One block a row.
__global__ void row_means_kernel(const float *g, const float *clip, float *rows, int64_t C, float eps) {
    float f, total = 0.0f;
    if (!usable(clip, &f)) return;
    for (int64_t c = threadIdx.x; c < C; c += blockDim.x) {
        const float v = g[blockIdx.x * C + c] * f;
        total += v * v + eps;
    }
    const double sum = block_sum((double)total, shared<double>());
    if (threadIdx.x == 0) rows[blockIdx.x] = (float)(sum / (double)C);
}

// One thread a column, SUM_ROWS rows a block.
__global__ void column_squares_kernel(const float *g, const float *clip, float *part, int64_t R, int64_t C,
                                      float eps) {
    const int64_t c = flat();
    float f;
    if (c >= C || !usable(clip, &f)) return;
    for (int64_t b = blockIdx.y; b * SUM_ROWS < R; b += gridDim.y) {
        const int64_t end = least((b + 1) * SUM_ROWS, R);
        float total = 0.0f;
        for (int64_t r = b * SUM_ROWS; r < end; r++) {
            const float v = g[r * C + c] * f;
            total += v * v + eps;
        }
        part[b * C + c] = total;
    }
}

__global__ void column_means_kernel(const float *clip, float *part, int64_t R, int64_t C, int64_t spans) {
    const int64_t c = flat();
    float f;
    if (c >= C || !usable(clip, &f)) return;
    float total = part[c];
    for (int64_t s = 1; s < spans; s++) total += part[s * C + c];
    part[c] = total / (float)R;
}

struct Sides {
    const float *rows, *columns;
};

// One block a row.
__global__ void scaled_squares_kernel(const float *g, const float *clip, Sides s, double *work, int64_t C) {
    float f;
    if (!usable(clip, &f)) return;
    const float row = s.rows[blockIdx.x];
    double total = 0.0;
    for (int64_t c = threadIdx.x; c < C; c += blockDim.x) {
        const float u = g[blockIdx.x * C + c] * f * row * s.columns[c];
        total += (double)u * u;
    }
    total = block_sum(total, shared<double>());
    if (threadIdx.x == 0) work[blockIdx.x] = total;
}

__global__ void add_rows_kernel(const float *clip, const double *work, int64_t R, double *sum) {
    float f;
    if (!usable(clip, &f)) return;
    double total = 0.0;
    for (int64_t r = threadIdx.x; r < R; r += THREADS) total += work[r];
    total = block_sum(total, shared<double>());
    if (threadIdx.x == 0) *sum = total;
}

// m may be null.
__global__ void factored_kernel(Target t, float *m, Sides s, int64_t R, int64_t C, float rate, float keep, float b1) {
    const int64_t c = flat();
    float f;
    if (c >= C || !usable(t.clip, &f)) return;
    for (int64_t r = blockIdx.y; r < R; r += gridDim.y) {
        const int64_t i = r * C + c;
        float u = mul(mul(mul(t.g[i], f), mul(s.rows[r], rate)), s.columns[c]);
        if (m != nullptr) {
            u = add(mul(b1, m[i]), mul(add(1.0f, -b1), u));
            m[i] = u;
        }
        publish(t.p, t.copy, i, add(mul(t.p[i], keep), -u));
    }
}

__global__ void row_step_kernel(Target t, float *m, const float *rates, int64_t R, int64_t C, float b1, float keep) {
    const int64_t c = flat();
    float f;
    if (c >= C || !usable(t.clip, &f)) return;
    for (int64_t r = blockIdx.y; r < R; r += gridDim.y) {
        const int64_t i = r * C + c;
        const float v = add(m[i], mul(add(mul(t.g[i], f), -m[i]), add(1.0f, -b1)));
        m[i] = v;
        publish(t.p, t.copy, i, add(mul(t.p[i], keep), -mul(rates[r], v)));
    }
}

// ---- kernels: 8-bit moments --------------------------------------------------------------------

struct Book {
    const float *values;    // 256
    const float *middles;   // 255
    const uint8_t *fronts;  // 65536
};

struct Eight {
    float keep, b1, to_m, b2, to_v, root, eps, rate;
};

__device__ __forceinline__ uint8_t code_of(const Book &book, float x) {
    int c = book.fronts[__float_as_uint(x) >> 16];
    while (c < CODES - 1 && x > book.middles[c]) c++;
    while (c > 0 && !(x > book.middles[c - 1])) c--;
    return (uint8_t)c;
}

// The largest of a block of CODES threads; room: a number a warp.
__device__ __forceinline__ float block_max(float v, float *room) {
    v = warp_max(v);
    __syncthreads();
    if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = v;
    __syncthreads();
    return warp_max(room[threadIdx.x % (CODES / 32)]);
}

__device__ __forceinline__ void encode(const Book &book, float x, uint8_t *code, float *largest, bool mine, int64_t count,
                                       float *room) {
    const float most = block_max(mine ? fabsf(x) : 0.0f, room);
    if (threadIdx.x == 0) *largest = most;
    if (!mine) return;
    const float safe = most > 1e-38f ? most : 1e-38f;
    float scaled = count == CODES ? mul(x, 1.0f / safe) : x / safe;
    scaled = scaled > 1.0f ? 1.0f : scaled < -1.0f ? -1.0f : scaled;
    *code = code_of(book, scaled);
}

// One block of threads for each block of codes.
__global__ void __launch_bounds__(CODES) eight_bit_kernel(Target t, uint8_t *codes1, uint8_t *codes2, float *largest1, float *largest2,
                                                          Book first, Book second, int64_t n, Eight s) {
    const int64_t block = blockIdx.x, i = block * CODES + threadIdx.x, count = least(n - block * CODES, CODES);
    float *room = shared<float>();
    float f;
    if (!usable(t.clip, &f)) return;
    const bool mine = (int64_t)threadIdx.x < count;
    float m = 0.0f, v = 0.0f;
    if (mine) {
        const float g = mul(t.g[i], f);
        m = add(mul(s.b1, mul(first.values[codes1[i]], largest1[block])), mul(s.to_m, g));
        v = add(mul(s.b2, mul(second.values[codes2[i]], largest2[block])), mul(mul(s.to_v, g), g));
        const float step = mul(s.rate, m / add(mul(sqrtf(v), s.root), s.eps));
        publish(t.p, t.copy, i, add(mul(t.p[i], s.keep), -step));
    }
    __syncthreads();  // the old scales have been read
    encode(first, m, codes1 + i, largest1 + block, mine, count, room);
    encode(second, v, codes2 + i, largest2 + block, mine, count, room);
}

// ---- launchers ---------------------------------------------------------------------------------

constexpr size_t SUM_ROOM = 32 * sizeof(double);

}  // namespace
}  // namespace TS_NS

using namespace TS_NS;

TS_API int ts_round_random(const float *x, bf16 *y, int64_t n, int64_t seed, cudaStream_t stream) {
    if (n < 0) return TS_BAD_SHAPE;
    return launch_flat(round_kernel, n, stream, x, y, n, (uint32_t)(seed ^ (seed >> 32)));
}

TS_API int ts_lion_step(float *p, bf16 *copy, const float *g, float *m, const float *clip, int64_t n, double rate,
                        double b1, double b2, double decay, cudaStream_t stream) {
    if (n < 0) return TS_BAD_SHAPE;
    const Lion s = {(float)rate, (float)b1, 1.0f - (float)b1, (float)b2, 1.0f - (float)b2, (float)(1 - rate * decay)};
    return launch_flat(lion_kernel, n, stream, Target{p, copy, g, clip}, m, n, s);
}

TS_API int ts_sgd_step(float *p, bf16 *copy, const float *g, float *m, const float *clip, int64_t n, double rate,
                       double momentum, double dampening, double decay, double limit, int nesterov, int coupled,
                       int first, cudaStream_t stream) {
    if (n < 0) return TS_BAD_SHAPE;
    const Descent s = {(float)rate,
                       first != 0 ? 0.0f : (float)momentum,
                       first != 0 ? 1.0f : (float)(1 - dampening),
                       coupled != 0 ? (float)decay : 0.0f,
                       coupled != 0 ? 1.0f : (float)(1 - rate * decay),
                       (float)limit,
                       nesterov != 0 ? (float)momentum : 0.0f};
    return launch_flat(descent_kernel, n, stream, Target{p, copy, g, clip}, m, n, s);
}

TS_API int ts_free_step(float *y, bf16 *copy, const float *g, float *z, float *v, const float *clip, int64_t n,
                        double rate, double mix, double b1, double b2, double eps, double decay, int64_t step,
                        cudaStream_t stream) {
    if (n < 0) return TS_BAD_SHAPE;
    const Free s = {(float)rate,
                    (float)mix,
                    (float)(rate * (b1 * (1 - mix) - 1)),
                    (float)(1 - b2),
                    (float)b2,
                    (float)(1 / sqrt(1 - pow(b2, (double)step))),
                    (float)eps,
                    (float)decay};
    return launch_flat(free_kernel, n, stream, Target{y, copy, g, clip}, z, v, n, s);
}

TS_API int ts_lerp(float *y, bf16 *copy, const float *z, int64_t n, double factor, cudaStream_t stream) {
    if (n < 0) return TS_BAD_SHAPE;
    return launch_flat(lerp_kernel, n, stream, y, copy, z, n, (float)factor);
}

TS_API int ts_mean_squares(const float *g, const float *clip, float *rows, float *columns, int64_t R, int64_t C,
                           double eps, cudaStream_t stream) {
    if (R < 1 || C < 1) return TS_BAD_SHAPE;
    const int64_t spans = parts(R, SUM_ROWS);
    int status = launch(row_means_kernel, dim3((unsigned)R), dim3((unsigned)threads_for(C, 256)), SUM_ROOM, stream, g,
                        clip, rows, C, (float)eps);
    if (status != TS_OK) return status;
    status = launch(column_squares_kernel, rows_grid(spans, parts(C, THREADS)), dim3(THREADS), 0, stream, g, clip,
                    columns, R, C, (float)eps);
    if (status != TS_OK) return status;
    return launch_flat(column_means_kernel, C, stream, clip, columns, R, C, spans);
}

TS_API int ts_factored_squares(const float *g, const float *clip, const float *rows, const float *columns, int64_t R,
                               int64_t C, double *work, double *sum, cudaStream_t stream) {
    if (R < 1 || C < 1) return TS_BAD_SHAPE;
    const int status = launch(scaled_squares_kernel, dim3((unsigned)R), dim3((unsigned)threads_for(C, 256)), SUM_ROOM,
                              stream, g, clip, Sides{rows, columns}, work, C);
    if (status != TS_OK) return status;
    return launch(add_rows_kernel, dim3(1), dim3(THREADS), SUM_ROOM, stream, clip, work, R, sum);
}

TS_API int ts_factored_step(float *p, bf16 *copy, const float *g, float *m, const float *clip, const float *rows,
                            const float *columns, int64_t R, int64_t C, double rate, double keep, double b1,
                            cudaStream_t stream) {
    if (R < 1 || C < 1) return TS_BAD_SHAPE;
    return launch(factored_kernel, rows_grid(R, parts(C, THREADS)), dim3(THREADS), 0, stream,
                  Target{p, copy, g, clip}, m, Sides{rows, columns}, R, C, (float)rate, (float)keep, (float)b1);
}

TS_API int ts_row_step(float *p, bf16 *copy, const float *g, float *m, const float *clip, const float *rates,
                       int64_t R, int64_t C, double b1, double keep, cudaStream_t stream) {
    if (R < 1 || C < 1) return TS_BAD_SHAPE;
    return launch(row_step_kernel, rows_grid(R, parts(C, THREADS)), dim3(THREADS), 0, stream,
                  Target{p, copy, g, clip}, m, rates, R, C, (float)b1, (float)keep);
}

// `books` lies on the host; what it points to does not.
TS_API int ts_eight_bit_step(float *p, bf16 *copy, const float *g, uint8_t *codes1, uint8_t *codes2, float *largest1,
                             float *largest2, const void *const *books, const float *clip, int64_t n, double rate,
                             double b1, double b2, double eps, double decay, int64_t step, cudaStream_t stream) {
    if (n < 0) return TS_BAD_SHAPE;
    if (step < 1) return TS_BAD_ARGUMENT;
    const Book first = {(const float *)books[0], (const float *)books[1], (const uint8_t *)books[2]};
    const Book second = {(const float *)books[3], (const float *)books[4], (const uint8_t *)books[5]};
    const Eight s = {(float)(1 - rate * decay),
                     (float)b1,
                     (float)(1 - b1),
                     (float)b2,
                     (float)(1 - b2),
                     (float)(1 / sqrt(1 - pow(b2, (double)step))),
                     (float)eps,
                     (float)(rate / (1 - pow(b1, (double)step)))};
    return launch(eight_bit_kernel, dim3((unsigned)parts(n, CODES)), dim3(CODES), 32 * sizeof(float), stream,
                  Target{p, copy, g, clip}, codes1, codes2, largest1, largest2, first, second, n, s);
}
