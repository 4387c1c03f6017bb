// Weights as codes of 4 or 8 bits with a scale, and perhaps a zero point, a group of values: GPTQ,
// AWQ, HQQ, int8 and fp8 files all become this. A value is (table[code] - zero)·scale.
#include "coded_rows.h"
#include "operations.h"
#include "parallel.h"
#include "vec.h"

namespace TS_NS {

// A value as T holds it.
template <class T>
static inline float kept(float value) {
    T to;
    put(&to, value);
    return get(&to);
}

static inline int code_at(const ts_grouped &w, int64_t row, int64_t column) {
    if (w.bits == 8) return w.codes[row * w.inputs + column];
    const uint8_t both = w.codes[row * ((w.inputs + 1) >> 1) + (column >> 1)];
    return (column & 1) != 0 ? both & 15 : both >> 4;
}

// to[0..n) = values of a row from a column on, as T holds them. Runs of columns with one group are
// looked for first: all but files with shuffled columns have long ones.
template <class T, class O>
static inline void decode(const ts_grouped &w, int64_t row, int64_t from, int64_t n, O *to) {
    const int64_t end = from + n, base = (int64_t)w.row_groups[row] * w.groups;
    for (int64_t i = from; i < end;) {
        const int32_t group = w.column_groups[i];
        int64_t stop = i + 1;
        while (stop < end && w.column_groups[stop] == group) stop++;
        const float scale = w.scales[base + group];
        const float zero = w.zeros != nullptr ? w.zeros[base + group] : 0.0f;
        if (w.bits == 8) {
            const uint8_t *codes = w.codes + row * w.inputs;
            for (int64_t c = i; c < stop; c++) put(to + c - from, kept<T>((w.table[codes[c]] - zero) * scale));
        } else {
            for (int64_t c = i; c < stop; c++) {
                put(to + c - from, kept<T>((w.table[code_at(w, row, c)] - zero) * scale));
            }
        }
        i = stop;
    }
}

template <class T>
static int dequantise(const ts_grouped *w, T *y, int64_t rows, int threads) {
    if (rows < 0 || w->inputs < 0 || (w->bits != 4 && w->bits != 8)) return TS_BAD_SHAPE;
    for_rows(rows, w->inputs, threads, [&](int64_t r) { decode<T>(*w, r, 0, w->inputs, y + r * w->inputs); });
    return TS_OK;
}

template <class T>
struct GroupedRows {
    const ts_grouped &w;

    void operator()(int64_t n, int64_t k, int64_t columns, float *to) const { decode<T>(w, n, k, columns, to); }
};

template <class T>
static int linear(const ts_grouped *w, const T *x, T *y, int64_t M, int64_t N, int64_t x_stride, int64_t y_stride,
                  int threads) {
    return coded_linear(GroupedRows<T>{*w}, x, y, M, N, w->inputs, x_stride, y_stride, threads);
}

#define TS_DEFINE(T, E)                                                                            \
    int grouped_dequantise_##E(const ts_grouped *w, T *y, int64_t rows, int threads) {             \
        return dequantise(w, y, rows, threads);                                                    \
    }                                                                                              \
    int grouped_linear_##E(const ts_grouped *w, const T *x, T *y, int64_t M, int64_t N,            \
                           int64_t x_stride, int64_t y_stride, int threads) {                      \
        return linear(w, x, y, M, N, x_stride, y_stride, threads);                                 \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
