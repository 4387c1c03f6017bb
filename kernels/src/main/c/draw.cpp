// Drawing one token from a row of logits: temperature, then top-k, top-p and min-p, each among what the one before left.
#include <string.h>

#include <algorithm>

#include "operations.h"
#include "vec_math.h"

namespace TS_NS {

namespace {

constexpr int64_t BLOCK = 512;
// Weights are in (0, 1]: their leading bits sort them into 32 buckets an octave.
constexpr int SHIFT = 18;
constexpr int BUCKETS = (0x3f800000 >> SHIFT) + 1;

struct Row {
    const float *x;
    int64_t n;
    float most;
    float sharpness;

    int64_t blocks() const { return (n + BLOCK - 1) / BLOCK; }
    int64_t length(int64_t block) const { return n - block * BLOCK < BLOCK ? n - block * BLOCK : BLOCK; }
};

// The weights exp((x - most)·sharpness) of n values into w, with their sum.
float weigh(const float *x, float *w, int64_t n, float most, float sharpness) {
    F sums = set(0.0f);
    int64_t i = 0;
    for (; i + W <= n; i += W) {
        F a = exp((load(x + i) - set(most)) * set(sharpness));
        store(w + i, a);
        sums = sums + a;
    }
    float total = sum(sums);
    if (i < n) {
        float rest[W], weights[W];
        for (int64_t j = 0; j < W; j++) rest[j] = i + j < n ? x[i + j] : most;
        store(weights, exp((load(rest) - set(most)) * set(sharpness)));
        for (int64_t j = i; j < n; j++) {
            w[j] = weights[j - i];
            total += w[j];
        }
    }
    return total;
}

float weigh(const Row &row, int64_t block, float *w) {
    return weigh(row.x + block * BLOCK, w, row.length(block), row.most, row.sharpness);
}

// In the order of ids; sums has a place for every block.
int32_t among_all(const Row &row, double uniform, double *sums, int32_t likeliest) {
    float w[BLOCK];
    double total = 0;
    for (int64_t b = 0; b < row.blocks(); b++) {
        sums[b] = weigh(row, b, w);
        total += sums[b];
    }
    double left = uniform * total;
    int64_t b = 0;
    for (; b + 1 < row.blocks() && left >= sums[b]; b++) left -= sums[b];
    weigh(row, b, w);
    int32_t found = likeliest;
    for (int64_t i = 0; i < row.length(b); i++) {
        if (w[i] <= 0) continue;
        found = (int32_t)(b * BLOCK + i);
        left -= w[i];
        if (left < 0) break;
    }
    return found;
}

int bucket(float w) {
    uint32_t bits;
    memcpy(&bits, &w, sizeof bits);
    int leading = (int)(bits >> SHIFT);
    return leading < BUCKETS ? leading : BUCKETS - 1;
}

// Sorts by the largest logit, then by the lowest id.
uint64_t key(float x, int64_t id) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    int32_t ascending = bits ^ ((bits >> 31) & 0x7fffffff);
    return ((uint64_t)~((uint32_t)ascending ^ 0x80000000u) << 32) | (uint64_t)id;
}

// A type of this level, so that no other level gets its sort.
struct Ascending {
    bool operator()(uint64_t a, uint64_t b) const { return a < b; }
};

// In the order of weights, the largest first; keys has a place for every value.
int32_t among_best(const Row &row, double top_p, double min_p, int64_t top_k, double uniform, uint64_t *keys) {
    int64_t counts[BUCKETS] = {0};
    double sums[BUCKETS] = {0};
    float w[BLOCK];
    double total = 0;
    for (int64_t b = 0; b < row.blocks(); b++) {
        total += weigh(row, b, w);
        for (int64_t i = 0; i < row.length(b); i++) {
            int at = bucket(w[i]);
            counts[at]++;
            sums[at] += w[i];
        }
    }
    bool limited = top_k > 0 && top_k < row.n;
    int lowest = 0;
    if (limited || top_p < 1) {
        int64_t count = 0;
        double reached = 0;
        for (lowest = BUCKETS; lowest > 0;) {
            lowest--;
            count += counts[lowest];
            reached += sums[lowest];
            if (limited ? count >= top_k : reached >= top_p * total) break;
        }
        // The sums are rounded: one bucket more holds what a sum in another order may still want.
        if (!limited && lowest > 0) lowest--;
    } else {
        lowest = bucket((float)min_p) - 1;
    }
    int64_t found = 0;
    for (int64_t b = 0; b < row.blocks(); b++) {
        weigh(row, b, w);
        for (int64_t i = 0; i < row.length(b); i++) {
            int64_t id = b * BLOCK + i;
            if (bucket(w[i]) >= lowest) keys[found++] = key(row.x[id], id);
        }
    }
    std::sort(keys, keys + found, Ascending());
    if (limited) {
        found = found < top_k ? found : top_k;
        total = 0;
    }
    auto weight = [&](int64_t i) {
        float one;
        weigh(row.x + (keys[i] & 0xffffffffu), &one, 1, row.most, row.sharpness);
        return (double)one;
    };
    for (int64_t i = 0; limited && i < found; i++) total += weight(i);
    int64_t kept = 0;
    double kept_sum = 0;
    for (; kept < found; kept++) {
        double here = weight(kept);
        if (kept > 0 && ((top_p < 1 && kept_sum >= top_p * total) || here < min_p)) break;
        kept_sum += here;
    }
    double left = uniform * kept_sum;
    for (int64_t i = 0; i < kept; i++) {
        left -= weight(i);
        if (left < 0) return (int32_t)(keys[i] & 0xffffffffu);
    }
    return (int32_t)(keys[kept - 1] & 0xffffffffu);
}

}  // namespace

int draw_f32(const float *x_C, int32_t *column, void *scratch, int64_t C, double temperature, double top_p,
             double min_p, int64_t top_k, double uniform, int) {
    if (C < 1 || C > INT32_MAX) return TS_BAD_SHAPE;
    if (!(temperature > 0) || !(uniform >= 0) || !(uniform < 1)) return TS_BAD_ARGUMENT;
    F most = set(-__builtin_inff()), strange = set(0.0f);
    int64_t i = 0;
    for (; i + W <= C; i += W) {
        F a = load(x_C + i);
        most = max(a, most);
        strange = fma(a, set(0.0f), strange);
    }
    float largest_value = largest(most), zeros = sum(strange);
    for (; i < C; i++) {
        largest_value = x_C[i] > largest_value ? x_C[i] : largest_value;
        zeros += x_C[i] * 0.0f;
    }
    if (zeros != 0.0f) {
        *column = -1;
        return TS_OK;
    }
    Row row = {x_C, C, largest_value, (float)(1 / temperature)};
    bool cut = top_p < 1 || min_p > 0 || (top_k > 0 && top_k < C);
    if (cut) {
        *column = among_best(row, top_p, min_p, top_k, uniform, (uint64_t *)scratch);
    } else {
        int32_t likeliest = 0;
        while (x_C[likeliest] != largest_value) likeliest++;
        *column = among_all(row, uniform, (double *)scratch, likeliest);
    }
    return TS_OK;
}

}  // namespace TS_NS
