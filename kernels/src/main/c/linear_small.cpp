// y = factor·x wᵀ + b + keep·y for few rows of x: every weight is read once.
#include <omp.h>

#include "few_rows.h"
#include "operations.h"

namespace TS_NS {

template <class Form, class S, class T, class Y>
struct Few {
    const S *x;
    const T *w, *b;
    Y *y;
    int64_t M, N, K, x_stride, y_stride;
    float factor, keep;

    using X = typename Form::X;

    int64_t packed() const { return (K + Form::STEP - 1) / Form::STEP * Form::STEP; }

    // O outputs of R rows from row m on.
    template <int O, int R, int LINES>
    void tile(const X *x_packed, int64_t m, int64_t n, int64_t part, float *sums) const {
        const T *rows[O];
        for (int i = 0; i < O; i++) rows[i] = w + (n + i) * K;
        const char *ahead = (const char *)(w + (n + O) * K) + part * (K / Form::STEP) * LINES * 64;
        few_dots<Form, O, R, LINES>(x_packed + m * packed(), packed(), rows, K, ahead, sums);
    }

    template <int O, int LINES>
    void outputs(const X *x_packed, int64_t n) const {
        for (int64_t m = 0; m < M; m += FEW_ROWS) {
            alignas(64) float sums[16];
            const int64_t rows = M - m < FEW_ROWS ? M - m : FEW_ROWS, part = m / FEW_ROWS;
            switch (rows) {
                case 1: tile<O, 1, LINES>(x_packed, m, n, part, sums); break;
                case 2: tile<O, 2, LINES>(x_packed, m, n, part, sums); break;
                case 3: tile<O, 3, LINES>(x_packed, m, n, part, sums); break;
                default: tile<O, 4, LINES>(x_packed, m, n, part, sums);
            }
            for (int64_t r = 0; r < rows; r++) finish<O>(sums + r * O, m + r, n);
        }
    }

    template <int O>
    void finish(const float *sums, int64_t m, int64_t n) const {
        Y *to = y + m * y_stride + n;
        for (int i = 0; i < O; i += W) {
            F a = get_lanes<false>(sums + i, lanes_of<O>()) * set(factor);
            if (b != nullptr) a = a + get_lanes<false>(b + n + i, lanes_of<O>());
            if (keep != 0.0f) a = fma(set(keep), get_lanes<false>(to + i, lanes_of<O>()), a);
            put_lanes<false>(to + i, a, lanes_of<O>());
        }
    }
    template <int O>
    static constexpr int64_t lanes_of() {
        return O < W ? O : W;
    }

    // Few columns of bf16: each lane has an output, so that no lanes need to be added up. Pairs of columns are gathered
    // once for 16 rows of x.
    static constexpr int64_t NARROW_COLUMNS = 32, NARROW_ROWS = 16;
    bool narrow() const {
        return W == 16 && same_type<S, bf16> && same_type<T, bf16> && K <= NARROW_COLUMNS && K % 2 == 0;
    }
#if TS_VECTOR == 16
    void narrow_task(int64_t n, int64_t end) const {
        const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        const __m512i places = _mm512_mullo_epi32(lane, _mm512_set1_epi32((int)(K / 2)));
        for (; n < end; n += W) {
            const int64_t outputs = end - n < W ? end - n : W;
            for (int64_t m = 0; m < M; m += NARROW_ROWS) {
                const int64_t rows = M - m < NARROW_ROWS ? M - m : NARROW_ROWS;
                F a[NARROW_ROWS];
                for (int r = 0; r < NARROW_ROWS; r++) a[r] = set(0.0f);
                for (int64_t k = 0; k < K; k += 2) {
                    const __m512i pairs = _mm512_mask_i32gather_epi32(
                        _mm512_setzero_si512(), lanes(outputs), places, (const void *)(w + n * K + k), 4);
                    if (rows == NARROW_ROWS) {
                        for (int r = 0; r < NARROW_ROWS; r++) a[r] = met(a[r], m + r, k, pairs);
                    } else {
                        for (int64_t r = 0; r < rows; r++) a[r] = met(a[r], m + r, k, pairs);
                    }
                }
                for (int64_t r = 0; r < rows; r++) {
                    alignas(64) float sums[W];
                    store(sums, a[r]);
                    if (outputs == W) {
                        finish<W>(sums, m + r, n);
                    } else {
                        for (int64_t i = 0; i < outputs; i++) finish<1>(sums + i, m + r, n + i);
                    }
                }
            }
        }
    }
    F met(F sum, int64_t m, int64_t k, __m512i pairs) const {
        const S *at = x + m * x_stride + k;
#if TS_DOT
        int32_t both;
        __builtin_memcpy(&both, (const void *)at, sizeof both);
        return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_set1_epi32(both), (__m512bh)pairs);
#else
        const F even = _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
        const F odd = _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32((int)0xffff0000)));
        return fma(set(get(at + 1)), odd, fma(set(get(at)), even, sum));
#endif
    }
#else
    void narrow_task(int64_t, int64_t) const {}
#endif

    // The rows of weights after these are asked for in equal parts by all panels of rows.
    void task(const X *x_packed, int64_t n, int64_t end) const {
        for (; n + FEW_OUTPUTS <= end; n += FEW_OUTPUTS) {
            if (M <= FEW_ROWS) outputs<FEW_OUTPUTS, 4>(x_packed, n);
            else if (M <= 2 * FEW_ROWS) outputs<FEW_OUTPUTS, 2>(x_packed, n);
            else outputs<FEW_OUTPUTS, 1>(x_packed, n);
        }
        for (; n < end; n++) outputs<1, 1>(x_packed, n);
    }

    // Every thread packs x for itself: that costs less than waiting for one who does.
    void run(char *scratch, int threads) const {
        const int64_t tasks = (N + FEW_OUTPUTS_A_TASK - 1) / FEW_OUTPUTS_A_TASK;
        const int team = N * K < PARALLEL_ELEMENTS_MIN ? 1 : threads;
#pragma omp parallel num_threads(team)
        {
            const bool few_columns = narrow();
            X *mine = (X *)(scratch + omp_get_thread_num() * round_up_bytes(M * packed() * sizeof(X)));
            for (int64_t m = 0; m < M && !few_columns; m++) Form::pack(x + m * x_stride, K, mine + m * packed());
#pragma omp for schedule(static) nowait
            for (int64_t t = 0; t < tasks; t++) {
                const int64_t from = t * FEW_OUTPUTS_A_TASK, to = from + FEW_OUTPUTS_A_TASK;
                if (few_columns) narrow_task(from, to < N ? to : N);
                else task(mine, from, to < N ? to : N);
            }
        }
    }

    static int64_t round_up_bytes(int64_t n) { return (n + 63) & ~(int64_t)63; }
};

template <class Form, class S, class T, class Y>
static int linear(const Few<Form, S, T, Y> &few, void *scratch, int threads) {
    if (few.M < 0 || few.N < 0 || few.K < 0 || threads < 1) return TS_BAD_SHAPE;
    few.run((char *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63), threads);
    return TS_OK;
}

#if TS_DOT
using Bf16Form = Paired;
#else
using Bf16Form = Wide<bf16>;
#endif

#define TS_DEFINE(name, Form, S, T, Y)                                                             \
    int linear_small_##name(const S *x, const T *w, const T *b, Y *y, void *scratch, int64_t M,    \
                            int64_t N, int64_t K, int64_t x_stride, int64_t y_stride,              \
                            float factor, float keep, int threads) {                               \
        return linear(Few<Form, S, T, Y>{x, w, b, y, M, N, K, x_stride, y_stride, factor, keep},   \
                      scratch, threads);                                                           \
    }
TS_DEFINE(f32, Wide<float>, float, float, float)
TS_DEFINE(bf16, Bf16Form, bf16, bf16, bf16)
TS_DEFINE(bf16_out_f32, Bf16Form, bf16, bf16, float)
TS_DEFINE(f32_weight_bf16, Wide<bf16>, float, bf16, float)

}  // namespace TS_NS
