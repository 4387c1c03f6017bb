// Attention of new tokens against a paged cache, and the copy of new keys and values into it.
//
// Few new tokens: keys and values are read straight from the pages, once for all heads of a
// group. Many (prefill in chunks): a head's pages are packed once and go through the tiles of the
// training kernel.
#include <omp.h>

#include "attention.h"
#include "few_rows.h"
#include "operations.h"

namespace TS_NS {

constexpr int64_t DIRECT_TOKENS_MAX = 4;
constexpr int64_t DIRECT_BLOCK = 32;  // keys between two updates of the running maximum

template <class T>
struct Cached {
    const T *q;
    T *o;
    const T *k_cache, *v_cache;
    const int32_t *table, *lengths, *cu;
    int64_t heads, key_heads, width, page, pages, q_stride, o_stride;
    Scores scores;

    using U = typename UnitOf<T>::U;
    int64_t pw;

    int64_t group() const { return heads / key_heads; }

    const T *row(const T *cache, int64_t s, int64_t h, int64_t key) const {
        int64_t p = table[s * pages + key / page];
        return cache + ((p * page + key % page) * key_heads + h) * width;
    }

    // ---- few new tokens ----

    // Buffers of one thread: queries and outputs of one group in fp32, and a block of scores.
    static int64_t direct_bytes(int64_t group, int64_t pw) {
        return (2 * group * pw + group * DIRECT_BLOCK + 2 * group) * 4;
    }

    template <bool CAPPED>
    void direct(int64_t s, int64_t kh, char *mine) const {
        const int64_t G = group(), fresh = cu[s + 1] - cu[s];
        float *qf = (float *)mine, *of = qf + G * pw, *p = of + G * pw;
        float *m = p + G * DIRECT_BLOCK, *l = m + G;
        for (int64_t t = 0; t < fresh; t++) {
            const int64_t position = lengths[s] - fresh + t, n = cu[s] + t;
            for (int64_t i = 0; i < G; i++) Wide<T>::pack(q + n * q_stride + (kh * G + i) * width, width, qf + i * pw);
            __builtin_memset(of, 0, G * pw * sizeof(float));
            for (int64_t i = 0; i < G; i++) {
                m[i] = HIDDEN;
                l[i] = 0.0f;
            }
            int64_t first = scores.window < 0 || position < scores.window ? 0 : position - scores.window;
            for (int64_t j = first; j <= position; j += DIRECT_BLOCK) {
                int64_t keys = least(position + 1 - j, DIRECT_BLOCK);
                ask_for(v_cache, s, kh, j, keys);
                direct_scores<CAPPED>(s, kh, j, keys, qf, p);
                ask_for(k_cache, s, kh, j + keys, least(position + 1 - j - keys, DIRECT_BLOCK));
                lean_block(kh, position - j, keys, p);
                for (int64_t i = 0; i < G; i++) {
                    softmax_block(p + i * DIRECT_BLOCK, keys, of + i * pw, m + i, l + i);
                }
                direct_values(s, kh, j, keys, p, of);
            }
            T *to = o + n * o_stride + kh * G * width;
            for (int64_t i = 0; i < G; i++) {
                const F inverse = set(1.0f / l[i]);
                const float *from = of + i * pw;
                TS_FOR_VECTORS(c, width, {
                    put_lanes<whole>(to + i * width + c, get_lanes<whole>(from + c, L) * inverse, L);
                })
            }
        }
    }

    // Where keys or values from `key` on lie.
    void block_rows(const T *cache, int64_t s, int64_t kh, int64_t key, int64_t keys, const T **rows) const {
        int64_t slot = key % page;
        const int32_t *entry = table + s * pages + key / page;
        for (int64_t b = 0; b < keys; b++) {
            rows[b] = cache + ((*entry * page + slot) * key_heads + kh) * width;
            if (++slot == page) slot = 0, entry++;
        }
    }

    // The first head of a sequence asks for those of all heads: they lie side by side, and a thread
    // goes through a sequence head after head.
    void ask_for(const T *cache, int64_t s, int64_t kh, int64_t key, int64_t keys) const {
        if (kh > 0) return;
        const T *rows[DIRECT_BLOCK];
        block_rows(cache, s, kh, key, keys, rows);
        for (int64_t b = 0; b < keys; b++) {
            const char *row = (const char *)rows[b];
            for (int64_t at = 0; at < key_heads * width * (int64_t)sizeof(T); at += 64) __builtin_prefetch(row + at);
        }
    }

    template <bool CAPPED>
    void direct_scores(int64_t s, int64_t kh, int64_t j, int64_t keys, const float *qf, float *p) const {
        const T *rows[DIRECT_BLOCK];
        block_rows(k_cache, s, kh, j, keys, rows);
        for (int64_t i = 0; i < group(); i += FEW_ROWS) {
            const float *qi = qf + i * pw;
            float *pi = p + i * DIRECT_BLOCK;
            switch (least(group() - i, FEW_ROWS)) {
                case 1: dots<1>(rows, keys, qi, pi); break;
                case 2: dots<2>(rows, keys, qi, pi); break;
                case 3: dots<3>(rows, keys, qi, pi); break;
                default: dots<4>(rows, keys, qi, pi);
            }
        }
        for (int64_t i = 0; i < group(); i++) {
            float *pi = p + i * DIRECT_BLOCK;
            TS_FOR_VECTORS(b, keys, { put_lanes<whole>(pi + b, score<CAPPED>(get_lanes<whole>(pi + b, L), scores), L); })
        }
    }

    // What the heads of a group take off for the distance of each key of a block.
    void lean_block(int64_t kh, int64_t distance, int64_t keys, float *p) const {
        if (scores.slopes == nullptr) return;
        for (int64_t i = 0; i < group(); i++) {
            const float slope = scores.slopes[kh * group() + i];
            for (int64_t b = 0; b < keys; b++) p[i * DIRECT_BLOCK + b] -= slope * (float)(distance - b);
        }
    }

    // Dot products of R packed queries with a block of keys.
    template <int R>
    void dots(const T *const *rows, int64_t keys, const float *qf, float *p) const {
        alignas(64) float sums[16];
        int64_t b = 0;
        for (; b + FEW_OUTPUTS <= keys; b += FEW_OUTPUTS) {
            few_dots<Wide<T>, FEW_OUTPUTS, R, 0>(qf, pw, rows + b, width, nullptr, sums);
            for (int r = 0; r < R; r++) __builtin_memcpy(p + r * DIRECT_BLOCK + b, sums + r * FEW_OUTPUTS, sizeof(float) * FEW_OUTPUTS);
        }
        for (; b < keys; b++) {
            few_dots<Wide<T>, 1, R, 0>(qf, pw, rows + b, width, nullptr, sums);
            for (int r = 0; r < R; r++) p[r * DIRECT_BLOCK + b] = sums[r];
        }
    }

    void softmax_block(float *p, int64_t keys, float *of, float *m, float *l) const {
        float top = *m;
        int64_t b = 0;
        F tops = set(top), totals = set(0.0f);
        for (; b + W <= keys; b += W) tops = max(load(p + b), tops);
        top = largest(tops);
        for (; b < keys; b++) top = p[b] > top ? p[b] : top;
        float alpha = largest(exp(set(*m - top)));
        TS_FOR_VECTORS(c, keys, {
            put_lanes<whole>(p + c, exp(get_lanes<whole>(p + c, L) - set(top)), L);
            totals = totals + get_lanes<whole>(p + c, L);
        })
        const float total = sum(totals);
        for (int64_t c = 0; c < pw; c += W) store(of + c, load(of + c) * set(alpha));
        *m = top;
        *l = *l * alpha + total;
    }

    void direct_values(int64_t s, int64_t kh, int64_t j, int64_t keys, const float *p, float *of) const {
        const T *rows[DIRECT_BLOCK];
        block_rows(v_cache, s, kh, j, keys, rows);
        for (int64_t i = 0; i < group(); i += FEW_ROWS) {
            const float *pi = p + i * DIRECT_BLOCK;
            float *oi = of + i * pw;
            switch (least(group() - i, FEW_ROWS)) {
                case 1: add_values<1>(rows, keys, pi, oi); break;
                case 2: add_values<2>(rows, keys, pi, oi); break;
                case 3: add_values<3>(rows, keys, pi, oi); break;
                default: add_values<4>(rows, keys, pi, oi);
            }
        }
    }

    template <int R>
    void add_values(const T *const *rows, int64_t keys, const float *p, float *of) const {
        int64_t c = 0;
        for (; c + 4 * W <= width; c += 4 * W) add_columns<R, 4>(rows, keys, c, p, of);
        for (; c + W <= width; c += W) add_columns<R, 1>(rows, keys, c, p, of);
        for (; c < width; c++) {
            for (int r = 0; r < R; r++) {
                for (int64_t b = 0; b < keys; b++) of[r * pw + c] += p[r * DIRECT_BLOCK + b] * get(rows[b] + c);
            }
        }
    }

    // V vectors of R outputs stay in registers over a block of keys.
    template <int R, int V>
    void add_columns(const T *const *rows, int64_t keys, int64_t c, const float *p, float *of) const {
        F a[R][V];
        for (int r = 0; r < R; r++) {
            for (int v = 0; v < V; v++) a[r][v] = load(of + r * pw + c + v * W);
        }
        for (int64_t b = 0; b < keys; b++) {
            F values[V];
            for (int v = 0; v < V; v++) values[v] = load(rows[b] + c + v * W);
            for (int r = 0; r < R; r++) {
                const F w = set(p[r * DIRECT_BLOCK + b]);
                for (int v = 0; v < V; v++) a[r][v] = fma(values[v], w, a[r][v]);
            }
        }
        for (int r = 0; r < R; r++) {
            for (int v = 0; v < V; v++) store(of + r * pw + c + v * W, a[r][v]);
        }
    }

    // ---- many new tokens ----

    static int64_t packed_bytes(int64_t pw, int64_t context) {
        return 2 * round_up(context, TILE) * pw * 4 + ForwardBuffers<U>::bytes(pw);
    }

    template <bool CAPPED>
    void packed(int64_t s, int64_t kh, char *mine) const {
        const int64_t units = pw / PER_UNIT<U>, keys = lengths[s], fresh = cu[s + 1] - cu[s];
        const int64_t room = round_up(page * pages, TILE) * pw;
        U *k_rows = (U *)mine, *v_tiles = k_rows + room;
        char *rest = (char *)(v_tiles + room);
        for (int64_t j = 0; j < keys; j++) {
            pack_rows(row(k_cache, s, kh, j), 0, 1, 1, width, pw, k_rows + j * units);
        }
        __builtin_memset(k_rows + keys * units, 0, (round_up(keys, PAD) - keys) * units * sizeof(U));
        pack_cached_values(s, kh, keys, v_tiles, (U *)rest);
        for (int64_t i = 0; i < fresh; i += TILE) {
            int64_t queries = least(fresh - i, TILE), n = cu[s] + i;
            QueryTile t{queries, round_up(queries, PAD), keys - fresh + i, keys};
            for (int64_t h = kh * group(); h < (kh + 1) * group(); h++) {
                forward_tile<CAPPED>(ForwardBuffers<U>(rest, pw), q + n * q_stride + h * width, q_stride,
                                     k_rows, v_tiles, t, width, pw, scores.of_head(h),
                                     o + n * o_stride + h * width, o_stride, (float *)nullptr);
            }
        }
    }

    void pack_cached_values(int64_t s, int64_t kh, int64_t keys, U *v_tiles, U *spare) const {
        const int64_t units = pw / PER_UNIT<U>, steps = TILE / PER_UNIT<U>;
        for (int64_t j = 0; j < keys; j += TILE) {
            int64_t here = least(keys - j, TILE), padded = round_up(here, PAD);
            U *pairs = spare + TILE * units;
            for (int64_t b = 0; b < here; b++) {
                pack_rows(row(v_cache, s, kh, j + b), 0, 1, 1, width, pw, spare + b * units);
            }
            __builtin_memset(spare + here * units, 0, (padded - here) * units * sizeof(U));
            pack_steps(spare, padded, pw, pairs);
            transpose(pairs, pw, v_tiles + j * (pw * steps / TILE), steps, padded / PER_UNIT<U>, pw);
        }
    }

    void task(int64_t t, char *mine) const {
        int64_t s = t / key_heads, kh = t % key_heads;
        bool few = cu[s + 1] - cu[s] <= DIRECT_TOKENS_MAX;
        if (scores.softcap > 0.0f) {
            if (few) direct<true>(s, kh, mine); else packed<true>(s, kh, mine);
        } else {
            if (few) direct<false>(s, kh, mine); else packed<false>(s, kh, mine);
        }
    }
};

template <class T>
static int attention_cached(Cached<T> c, void *scratch, int64_t S, int64_t newest, int threads) {
    if (S < 0 || c.heads <= 0 || c.key_heads <= 0 || c.width <= 0 || c.page <= 0 || threads < 1) return TS_BAD_SHAPE;
    if (c.heads % c.key_heads != 0) return TS_BAD_SHAPE;
    c.pw = round_up(c.width, PAD);
    for (int64_t s = 0; s < S; s++) {
        int64_t fresh = c.cu[s + 1] - c.cu[s];
        if (fresh < 0 || fresh > newest || fresh > c.lengths[s]) return TS_BAD_ARGUMENT;
        if (c.lengths[s] > c.page * c.pages) return TS_BAD_ARGUMENT;
    }
    int64_t bytes = Cached<T>::direct_bytes(c.group(), c.pw);
    if (newest > DIRECT_TOKENS_MAX) bytes += Cached<T>::packed_bytes(c.pw, c.page * c.pages);
    bytes = round_up(bytes, 64);
    char *buffers = aligned(scratch);
#pragma omp parallel num_threads(threads)
    {
        char *mine = buffers + omp_get_thread_num() * bytes;
        tiles_begin();
#pragma omp for schedule(dynamic, S >= 2 * threads ? c.key_heads : 1)
        for (int64_t t = 0; t < S * c.key_heads; t++) c.task(t, mine);
        tiles_end();
    }
    return TS_OK;
}

#define TS_DEFINE(T, E)                                                                            \
    int attention_cached_##E(const T *q, T *o, const T *k_cache, const T *v_cache,                 \
                             const int32_t *table, const int32_t *lengths, const int32_t *cu,      \
                             const float *slopes_H, void *scratch, int64_t S, int64_t newest, int64_t heads,              \
                             int64_t key_heads, int64_t width, int64_t page, int64_t pages,        \
                             int64_t q_stride, int64_t o_stride, float scale, float softcap,       \
                             int64_t window, int threads) {                                        \
        return attention_cached(Cached<T>{q, o, k_cache, v_cache, table, lengths, cu, heads,       \
                                          key_heads, width, page, pages, q_stride, o_stride,       \
                                          Scores{scale, softcap, window, slopes_H}, 0},                      \
                                scratch, S, newest, threads);                                      \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
