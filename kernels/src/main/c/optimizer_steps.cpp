// Steps of optimizers other than AdamW, one tensor at a time. Streams over memory: plain loops that
// the compiler widens, in one clone a vector length. Nothing is contracted or reordered, so every
// clone gives the same bits on every processor and no dispatch by level is needed; of the builds a
// level, only the scalar one emits this file.
//
// Legend: p parameter (fp32 master), copy its rounded bf16 twin or null, g gradient, clip one
// factor for all gradients (not finite: nothing changes), R rows, C columns, keep = 1 − rate·decay.
#include <math.h>
#include <string.h>

#include "tunesmith.h"

#if TS_VECTOR == 0
#pragma GCC optimize("O3", "fp-contract=off", "no-trapping-math")

#define TS_VISIBLE extern "C" __attribute__((visibility("default")))
#define TS_WIDENED __attribute__((target_clones("avx512f", "avx2", "default"), noinline))

constexpr int64_t BLOCK = 16384;
constexpr int64_t SUM_ROWS = 64;

static bool usable(const float *clip, float *factor) {
    *factor = clip != nullptr ? *clip : 1.0f;
    return __builtin_isfinite(*factor);
}

// fn(begin, end) for blocks of n elements; which thread does one changes nothing.
template <class Fn>
static void blocks_of(int64_t n, int64_t block, int threads, Fn fn) {
    int64_t blocks = (n + block - 1) / block;
    if (threads <= 1 || blocks <= 1) {
        for (int64_t b = 0; b < blocks; b++) fn(b * block, (b + 1) * block < n ? (b + 1) * block : n);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t b = 0; b < blocks; b++) fn(b * block, (b + 1) * block < n ? (b + 1) * block : n);
}

static int64_t rows_of_block(int64_t C) { return C >= BLOCK ? 1 : BLOCK / (C > 0 ? C : 1); }

// ---- rounding ------------------------------------------------------------------------------------

TS_WIDENED void ts_nearest(const float *__restrict x, bf16 *__restrict y, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        uint32_t u;
        memcpy(&u, x + i, 4);
        uint32_t r = (u + ((u >> 16) & 1) + 0x7fffu) >> 16;
        y[i].bits = (uint16_t)((u & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : r);
    }
}

// Up with the probability of the part that is cut off. The noise is a function of seed and place
// (a finaliser of MurmurHash3), so that a run can be repeated.
TS_WIDENED void ts_random(const float *__restrict x, bf16 *__restrict y, int64_t first, int64_t n,
                          uint32_t seed) {
    for (int64_t i = 0; i < n; i++) {
        uint32_t h = (uint32_t)(first + i) * 0x9e3779b1u + seed;
        h = (h ^ (h >> 16)) * 0x85ebca6bu;
        h = (h ^ (h >> 13)) * 0xc2b2ae35u;
        h ^= h >> 16;
        uint32_t u;
        memcpy(&u, x + i, 4);
        uint32_t up = (u + (h & 0xffffu)) >> 16;
        y[i].bits = (uint16_t)((u & 0x7f800000u) == 0x7f800000u ? u >> 16 : up);
    }
}

TS_VISIBLE int ts_round_random(const float *x, bf16 *y, int64_t n, int64_t seed, int threads) {
    if (n < 0) return TS_BAD_SHAPE;
    uint32_t mixed = (uint32_t)(seed ^ (seed >> 32));
    blocks_of(n, BLOCK, threads, [&](int64_t a, int64_t b) { ts_random(x + a, y + a, a, b - a, mixed); });
    return TS_OK;
}

static void publish(const float *p, bf16 *copy, int64_t a, int64_t b) {
    if (copy != nullptr) ts_nearest(p + a, copy + a, b - a);
}

// ---- Lion: the sign of an average ----------------------------------------------------------------

TS_WIDENED void ts_lion(float *__restrict p, const float *__restrict g, float *__restrict m,
                        int64_t n, float f, float rate, float b1, float b2, float keep) {
    for (int64_t i = 0; i < n; i++) {
        float v = g[i] * f;
        float mix = b1 * m[i] + (1.0f - b1) * v;
        float sign = mix > 0.0f ? 1.0f : mix < 0.0f ? -1.0f : 0.0f;
        p[i] = p[i] * keep - rate * sign;
        m[i] = b2 * m[i] + (1.0f - b2) * v;
    }
}

TS_VISIBLE int ts_lion_step(float *p, bf16 *copy, const float *g, float *m, const float *clip,
                            int64_t n, double rate, double b1, double b2, double decay,
                            int threads) {
    float f;
    if (n < 0) return TS_BAD_SHAPE;
    if (!usable(clip, &f)) return TS_OK;
    blocks_of(n, BLOCK, threads, [&](int64_t a, int64_t b) {
        ts_lion(p + a, g + a, m + a, b - a, f, (float)rate, (float)b1, (float)b2, (float)(1 - rate * decay));
        publish(p, copy, a, b);
    });
    return TS_OK;
}

// ---- SGD with momentum, as torch.optim has it ----------------------------------------------------

struct Descent {
    float f, rate, momentum, fresh, coupled, keep, limit;
};

TS_WIDENED void ts_plain(float *__restrict p, const float *__restrict g, int64_t n, Descent s) {
    for (int64_t i = 0; i < n; i++) {
        float v = g[i] < -s.limit ? -s.limit : g[i] > s.limit ? s.limit : g[i];
        p[i] = p[i] * s.keep - s.rate * (v * s.f + s.coupled * p[i]);
    }
}

TS_WIDENED void ts_heavy(float *__restrict p, const float *__restrict g, float *__restrict m,
                         int64_t n, Descent s, float look) {
    for (int64_t i = 0; i < n; i++) {
        float v = g[i] * s.f + s.coupled * p[i];
        float sum = s.momentum * m[i] + s.fresh * v;
        m[i] = sum;
        // look: Nesterov's step ahead, otherwise the average itself.
        float d = look > 0.0f ? v + look * sum : sum;
        p[i] = p[i] - s.rate * d;
    }
}

// m may be null. first: the average begins with the gradient, undampened. coupled: L2 instead of
// decoupled decay. limit: largest absolute gradient.
TS_VISIBLE int ts_sgd_step(float *p, bf16 *copy, const float *g, float *m, const float *clip,
                           int64_t n, double rate, double momentum, double dampening, double decay,
                           double limit, int nesterov, int coupled, int first, int threads) {
    float f;
    if (n < 0) return TS_BAD_SHAPE;
    if (!usable(clip, &f)) return TS_OK;
    const Descent s = {f,
                       (float)rate,
                       first != 0 ? 0.0f : (float)momentum,
                       first != 0 ? 1.0f : (float)(1 - dampening),
                       coupled != 0 ? (float)decay : 0.0f,
                       coupled != 0 ? 1.0f : (float)(1 - rate * decay),
                       (float)limit};
    blocks_of(n, BLOCK, threads, [&](int64_t a, int64_t b) {
        if (m == nullptr) {
            ts_plain(p + a, g + a, b - a, s);
        } else {
            ts_heavy(p + a, g + a, m + a, b - a, s, nesterov != 0 ? (float)momentum : 0.0f);
        }
        publish(p, copy, a, b);
    });
    return TS_OK;
}

// ---- Schedule-free AdamW -------------------------------------------------------------------------

struct Free {
    float f, rate, mix, pull, to_v, b2, root, eps, decay;
};

TS_WIDENED void ts_free(float *__restrict y, const float *__restrict g, float *__restrict z,
                        float *__restrict v, int64_t n, Free s) {
    for (int64_t i = 0; i < n; i++) {
        float gi = g[i] * s.f;
        float vi = s.b2 * v[i] + s.to_v * gi * gi;
        v[i] = vi;
        float d = gi / (__builtin_sqrtf(vi) * s.root + s.eps) + s.decay * y[i];
        y[i] = y[i] + s.mix * (z[i] - y[i]) + s.pull * d;
        z[i] = z[i] - s.rate * d;
    }
}

// mix: share of the newest point in the average.
TS_VISIBLE int ts_free_step(float *y, bf16 *copy, const float *g, float *z, float *v,
                            const float *clip, int64_t n, double rate, double mix, double b1,
                            double b2, double eps, double decay, int64_t step, int threads) {
    float f;
    if (n < 0) return TS_BAD_SHAPE;
    if (!usable(clip, &f)) return TS_OK;
    const Free s = {f,
                    (float)rate,
                    (float)mix,
                    (float)(rate * (b1 * (1 - mix) - 1)),
                    (float)(1 - b2),
                    (float)b2,
                    (float)(1 / sqrt(1 - pow(b2, (double)step))),
                    (float)eps,
                    (float)decay};
    blocks_of(n, BLOCK, threads, [&](int64_t a, int64_t b) {
        ts_free(y + a, g + a, z + a, v + a, b - a, s);
        publish(y, copy, a, b);
    });
    return TS_OK;
}

// y += factor·(z − y)
TS_WIDENED void ts_mix(float *__restrict y, const float *__restrict z, int64_t n, float factor) {
    for (int64_t i = 0; i < n; i++) y[i] = y[i] + factor * (z[i] - y[i]);
}

TS_VISIBLE int ts_lerp(float *y, bf16 *copy, const float *z, int64_t n, double factor, int threads) {
    if (n < 0) return TS_BAD_SHAPE;
    blocks_of(n, BLOCK, threads, [&](int64_t a, int64_t b) {
        ts_mix(y + a, z + a, b - a, (float)factor);
        publish(y, copy, a, b);
    });
    return TS_OK;
}

// ---- Second moments of rows and columns (Adafactor, Adam-mini) -----------------------------------

TS_WIDENED void ts_squares(const float *__restrict g, float *__restrict column, float *__restrict row,
                           int64_t C, float f, float eps) {
    // Sixteen sums in a fixed order.
    float part[16] = {0};
    int64_t whole = C - C % 16;
    for (int64_t c = 0; c < whole; c += 16) {
        for (int k = 0; k < 16; k++) {
            float v = g[c + k] * f;
            float square = v * v + eps;
            part[k] += square;
            column[c + k] += square;
        }
    }
    double sum = 0;
    for (int k = 0; k < 16; k++) sum += part[k];
    for (int64_t c = whole; c < C; c++) {
        float v = g[c] * f;
        float square = v * v + eps;
        sum += square;
        column[c] += square;
    }
    *row = (float)(sum / (double)C);
}

// Means of the squares of rows and of columns; columns holds ⌈R/64⌉·C numbers of work, the first C
// of which are the result.
TS_VISIBLE int ts_mean_squares(const float *g, const float *clip, float *rows, float *columns,
                               int64_t R, int64_t C, double eps, int threads) {
    float f;
    if (R < 1 || C < 1) return TS_BAD_SHAPE;
    if (!usable(clip, &f)) return TS_OK;
    int64_t spans = (R + SUM_ROWS - 1) / SUM_ROWS;
    memset(columns, 0, spans * C * sizeof(float));
    blocks_of(R, SUM_ROWS, R * C < BLOCK ? 1 : threads, [&](int64_t a, int64_t b) {
        float *column = columns + a / SUM_ROWS * C;
        for (int64_t r = a; r < b; r++) ts_squares(g + r * C, column, rows + r, C, f, (float)eps);
    });
    for (int64_t s = 1; s < spans; s++) {
        for (int64_t c = 0; c < C; c++) columns[c] += columns[s * C + c];
    }
    for (int64_t c = 0; c < C; c++) columns[c] /= (float)R;
    return TS_OK;
}

TS_WIDENED double ts_scaled_square(const float *__restrict g, const float *__restrict column,
                                   int64_t C, float f, float row) {
    float part[16] = {0};
    int64_t whole = C - C % 16;
    for (int64_t c = 0; c < whole; c += 16) {
        for (int k = 0; k < 16; k++) {
            float u = g[c + k] * f * row * column[c + k];
            part[k] += u * u;
        }
    }
    double sum = 0;
    for (int k = 0; k < 16; k++) sum += part[k];
    for (int64_t c = whole; c < C; c++) {
        float u = g[c] * f * row * column[c];
        sum += (double)u * u;
    }
    return sum;
}

// Sum of the squares of u = g·row·column; work holds R numbers.
TS_VISIBLE int ts_factored_squares(const float *g, const float *clip, const float *rows,
                                   const float *columns, int64_t R, int64_t C, double *work,
                                   double *sum, int threads) {
    float f;
    if (R < 1 || C < 1) return TS_BAD_SHAPE;
    if (!usable(clip, &f)) return TS_OK;
    blocks_of(R, rows_of_block(C), threads, [&](int64_t a, int64_t b) {
        for (int64_t r = a; r < b; r++) work[r] = ts_scaled_square(g + r * C, columns, C, f, rows[r]);
    });
    double total = 0;
    for (int64_t r = 0; r < R; r++) total += work[r];
    *sum = total;
    return TS_OK;
}

TS_WIDENED void ts_factored_row(float *__restrict p, const float *__restrict g,
                                const float *__restrict column, int64_t C, float f, float row,
                                float keep) {
    for (int64_t c = 0; c < C; c++) p[c] = p[c] * keep - g[c] * f * row * column[c];
}

TS_WIDENED void ts_factored_average(float *__restrict p, float *__restrict m,
                                    const float *__restrict g, const float *__restrict column,
                                    int64_t C, float f, float row, float keep, float b1) {
    for (int64_t c = 0; c < C; c++) {
        float v = b1 * m[c] + (1.0f - b1) * (g[c] * f * row * column[c]);
        m[c] = v;
        p[c] = p[c] * keep - v;
    }
}

// p = p·keep − rate·g·row·column, or their average in m where that is not null.
TS_VISIBLE int ts_factored_step(float *p, bf16 *copy, const float *g, float *m, const float *clip,
                                const float *rows, const float *columns, int64_t R, int64_t C,
                                double rate, double keep, double b1, int threads) {
    float f;
    if (R < 1 || C < 1) return TS_BAD_SHAPE;
    if (!usable(clip, &f)) return TS_OK;
    blocks_of(R, rows_of_block(C), threads, [&](int64_t a, int64_t b) {
        for (int64_t r = a; r < b; r++) {
            int64_t at = r * C;
            float row = rows[r] * (float)rate;
            if (m == nullptr) {
                ts_factored_row(p + at, g + at, columns, C, f, row, (float)keep);
            } else {
                ts_factored_average(p + at, m + at, g + at, columns, C, f, row, (float)keep, (float)b1);
            }
        }
        publish(p, copy, a * C, b * C);
    });
    return TS_OK;
}

TS_WIDENED void ts_row_average(float *__restrict p, const float *__restrict g, float *__restrict m,
                               int64_t C, float f, float rate, float b1, float keep) {
    for (int64_t c = 0; c < C; c++) {
        float v = m[c] + (g[c] * f - m[c]) * (1.0f - b1);
        m[c] = v;
        p[c] = p[c] * keep - rate * v;
    }
}

// Momentum with a rate for each row.
TS_VISIBLE int ts_row_step(float *p, bf16 *copy, const float *g, float *m, const float *clip,
                           const float *rates, int64_t R, int64_t C, double b1, double keep,
                           int threads) {
    float f;
    if (R < 1 || C < 1) return TS_BAD_SHAPE;
    if (!usable(clip, &f)) return TS_OK;
    blocks_of(R, rows_of_block(C), threads, [&](int64_t a, int64_t b) {
        for (int64_t r = a; r < b; r++) {
            int64_t at = r * C;
            ts_row_average(p + at, g + at, m + at, C, f, rates[r], (float)b1, (float)keep);
        }
        publish(p, copy, a * C, b * C);
    });
    return TS_OK;
}

// ---- AdamW with 8-bit moments (Dettmers et al. 2022) ---------------------------------------------

constexpr int64_t CODES = 256;

// A code book in rising order: the middle between neighbours, and for each bf16 the code of its
// value, which is at most a few codes from that of any float it is the front of.
struct Book {
    const float *values;   // 256
    const float *middles;  // 255
    const uint8_t *fronts; // 65536
};

static uint8_t code_of(const Book &book, float x) {
    uint32_t u;
    memcpy(&u, &x, 4);
    int c = book.fronts[u >> 16];
    while (c < CODES - 1 && x > book.middles[c]) c++;
    while (c > 0 && !(x > book.middles[c - 1])) c--;
    return (uint8_t)c;
}

static void encode(const Book &book, const float *x, uint8_t *codes, float *largest, int64_t n) {
    float most = 0.0f;
    for (int64_t i = 0; i < n; i++) most = __builtin_fabsf(x[i]) > most ? __builtin_fabsf(x[i]) : most;
    float safe = most > 1e-38f ? most : 1e-38f;
    *largest = most;
    float inverse = 1.0f / safe;
    for (int64_t i = 0; i < n; i++) {
        // A short last block is divided, a whole one multiplied, as bitsandbytes does.
        float scaled = n == CODES ? x[i] * inverse : x[i] / safe;
        scaled = scaled > 1.0f ? 1.0f : scaled < -1.0f ? -1.0f : scaled;
        codes[i] = code_of(book, scaled);
    }
}

struct Eight {
    float f, keep, b1, to_m, b2, to_v, root, eps, rate;
};

TS_WIDENED void ts_eight(float *__restrict p, const float *__restrict g, float *__restrict m,
                         float *__restrict v, int64_t n, Eight s) {
    for (int64_t i = 0; i < n; i++) {
        float gi = g[i] * s.f;
        float mi = s.b1 * m[i] + s.to_m * gi;
        float vi = s.b2 * v[i] + s.to_v * gi * gi;
        m[i] = mi;
        v[i] = vi;
        p[i] = p[i] * s.keep - s.rate * (mi / (__builtin_sqrtf(vi) * s.root + s.eps));
    }
}

// first and second: values, middles and fronts of both code books.
TS_VISIBLE int ts_eight_bit_step(float *p, bf16 *copy, const float *g, uint8_t *codes1,
                                 uint8_t *codes2, float *largest1, float *largest2,
                                 const void *const *books, const float *clip, int64_t n,
                                 double rate, double b1, double b2, double eps, double decay,
                                 int64_t step, int threads) {
    float f;
    if (n < 0) return TS_BAD_SHAPE;
    if (step < 1) return TS_BAD_ARGUMENT;
    if (!usable(clip, &f)) return TS_OK;
    const Book first = {(const float *)books[0], (const float *)books[1], (const uint8_t *)books[2]};
    const Book second = {(const float *)books[3], (const float *)books[4], (const uint8_t *)books[5]};
    const Eight s = {f,
                     (float)(1 - rate * decay),
                     (float)b1,
                     (float)(1 - b1),
                     (float)b2,
                     (float)(1 - b2),
                     (float)(1 / sqrt(1 - pow(b2, (double)step))),
                     (float)eps,
                     (float)(rate / (1 - pow(b1, (double)step)))};
    blocks_of(n, CODES * 16, threads, [&](int64_t a, int64_t b) {
        for (int64_t at = a; at < b; at += CODES) {
            int64_t count = b - at < CODES ? b - at : CODES;
            float m[CODES], v[CODES];
            float scale1 = largest1[at / CODES], scale2 = largest2[at / CODES];
            for (int64_t i = 0; i < count; i++) {
                m[i] = first.values[codes1[at + i]] * scale1;
                v[i] = second.values[codes2[at + i]] * scale2;
            }
            ts_eight(p + at, g + at, m, v, count, s);
            encode(first, m, codes1 + at, largest1 + at / CODES, count);
            encode(second, v, codes2 + at, largest2 + at / CODES, count);
        }
        publish(p, copy, a, b);
    });
    return TS_OK;
}
#endif
