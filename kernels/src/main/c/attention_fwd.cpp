// Attention over packed documents, forward. Measured figures are in docs/log.md.
#include <omp.h>

#include "attention.h"
#include "operations.h"

namespace TS_NS {

template <class T>
struct Forward {
    const T *q, *k, *v;
    T *o;
    float *lse;
    Documents documents;
    int64_t heads, key_heads, width, q_stride, k_stride, v_stride, o_stride;
    Scores scores;

    using U = typename UnitOf<T>::U;
    int64_t pw, padded_tokens;
    U *k_rows, *v_tiles;
    char *buffers;

    int64_t head_units() const { return padded_tokens * (pw / PER_UNIT<U>); }

    void pack(int64_t task, char *mine) const {
        int64_t d = task / key_heads, h = task % key_heads, n = documents.length(d);
        int64_t at = h * head_units() + documents.padded_start(d) * (pw / PER_UNIT<U>);
        int64_t row = documents.start(d);
        pack_rows(k + row * k_stride + h * width, k_stride, n, round_up(n, PAD), width, pw, k_rows + at);
        pack_values(v + row * v_stride + h * width, v_stride, n, width, pw, v_tiles + at, (U *)mine);
    }

    template <bool CAPPED>
    void tile(int64_t task, char *mine) const {
        int64_t d = documents.of_task(task), rest = task - documents.tasks[d];
        int64_t h = rest % heads, n = documents.length(d);
        int64_t i = (n - 1) / TILE - rest / heads;  // the longest rows first
        int64_t row = documents.start(d) + i * TILE, kh = h / (heads / key_heads);
        int64_t at = kh * head_units() + documents.padded_start(d) * (pw / PER_UNIT<U>);
        int64_t queries = least(n - i * TILE, TILE);
        QueryTile t{queries, round_up(queries, PAD), i * TILE, n};
        forward_tile<CAPPED>(ForwardBuffers<U>(mine, pw), q + row * q_stride + h * width, q_stride,
                             k_rows + at, v_tiles + at, t, width, pw, scores.of_head(h),
                             o + row * o_stride + h * width, o_stride,
                             lse + h * documents.cu[documents.count] + row);
    }

    void run(int threads) const {
        const int64_t packs = documents.count * key_heads, tiles = documents.tasks[documents.count];
        const int64_t bytes = ForwardBuffers<U>::bytes(pw);
#pragma omp parallel num_threads(threads)
        {
            char *mine = buffers + omp_get_thread_num() * bytes;
            tiles_begin();
#pragma omp for schedule(dynamic)
            for (int64_t t = 0; t < packs; t++) pack(t, mine);
#pragma omp for schedule(dynamic)
            for (int64_t t = 0; t < tiles; t++) {
                if (scores.softcap > 0.0f) tile<true>(t, mine); else tile<false>(t, mine);
            }
            tiles_end();
        }
    }
};

template <class T>
static int attention_fwd(Forward<T> f, void *scratch, int64_t longest, int threads) {
    if (f.heads <= 0 || f.key_heads <= 0 || f.width <= 0 || f.documents.count < 0) return TS_BAD_SHAPE;
    if (f.heads % f.key_heads != 0 || threads < 1) return TS_BAD_SHAPE;
    char *at = aligned(scratch);
    f.documents.tasks = (int64_t *)at;
    at = aligned(at + (f.documents.count + 1) * 8);
    if (!f.documents.prepare(f.heads, false, longest)) return TS_BAD_SHAPE;
    using U = typename UnitOf<T>::U;
    f.pw = round_up(f.width, PAD);
    f.padded_tokens = f.documents.cu[f.documents.count] + TILE * f.documents.count;
    f.k_rows = (U *)at;
    f.v_tiles = f.k_rows + f.key_heads * f.head_units();
    f.buffers = aligned(f.v_tiles + f.key_heads * f.head_units());
    f.run(threads);
    return TS_OK;
}

#define TS_DEFINE(T, E)                                                                            \
    int attention_fwd_##E(const T *q, const T *k, const T *v, T *o, float *lse, const int32_t *cu, \
                          const float *slopes_H, void *scratch, int64_t D, int64_t longest,        \
                          int64_t heads,                                                           \
                          int64_t key_heads, int64_t width, int64_t q_stride, int64_t k_stride,    \
                          int64_t v_stride, int64_t o_stride, float scale, float softcap,          \
                          int64_t window, int threads) {                                           \
        return attention_fwd(                                                                      \
            Forward<T>{q, k, v, o, lse, Documents{cu, D, nullptr}, heads, key_heads, width,        \
                       q_stride, k_stride, v_stride, o_stride, Scores{scale, softcap, window, slopes_H}, 0, \
                       0, nullptr, nullptr, nullptr},                                              \
            scratch, longest, threads);                                                            \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
