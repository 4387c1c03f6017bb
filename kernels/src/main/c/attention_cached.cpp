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
    int64_t sequences, heads, key_heads, width, page, pages, q_stride, o_stride;
    Scores scores;

    using U = typename UnitOf<T>::U;
    int64_t pw;

    int64_t group() const { return heads / key_heads; }

    const T *row(const T *cache, int64_t s, int64_t h, int64_t key) const {
        int64_t p = table[s * pages + key / page];
        return cache + ((p * page + key % page) * key_heads + h) * width;
    }

    // ---- few new tokens ----

    // Some key heads of one sequence, and what one thread keeps for their queries.
    struct Heads {
        int64_t s, from, to;
        float *qf, *of, *p, *m, *l;  // queries, outputs, a block of scores, running maxima and sums
    };

    static int64_t direct_bytes(int64_t heads, int64_t pw) {
        return heads * (2 * pw + DIRECT_BLOCK + 2) * (int64_t)sizeof(float);
    }

    Heads heads_of(int64_t s, int64_t from, int64_t to, char *mine) const {
        const int64_t all = (to - from) * group();
        float *qf = (float *)mine, *of = qf + all * pw, *p = of + all * pw, *m = p + all * DIRECT_BLOCK;
        return Heads{s, from, to, qf, of, p, m, m + all};
    }

    // A block of keys: where they lie in the cache, as elements before those of head 0.
    struct Keys {
        int64_t first, count;
        int64_t at[DIRECT_BLOCK];
    };

    Keys keys_from(int64_t s, int64_t first, int64_t end) const {
        Keys k;
        k.first = first;
        k.count = least(end - first, DIRECT_BLOCK);
        int64_t slot = first % page;
        const int32_t *entry = table + s * pages + first / page;
        for (int64_t b = 0; b < k.count; b++) {
            k.at[b] = (*entry * page + slot) * key_heads * width;
            if (++slot == page) slot = 0, entry++;
        }
        return k;
    }

    int64_t first_seen(int64_t position) const {
        return scores.window < 0 || position < scores.window ? 0 : position - scores.window;
    }

    // What is read after the keys `now`: more of the sequence, or the next one's.
    Keys keys_after(const Keys &now, int64_t s, int64_t end) const {
        const int64_t next = now.first + now.count;
        if (next < end) return keys_from(s, next, end);
        if (s + 1 == sequences || cu[s + 2] == cu[s + 1]) return keys_from(s, end, end);
        return keys_from(s + 1, first_seen(lengths[s + 1] - 1), lengths[s + 1]);
    }

    // All heads go through a block of keys together, because these lie side by side; meanwhile the
    // block behind it is asked for, a few lines at a time.
    template <bool CAPPED>
    void direct(int64_t s, int64_t from, int64_t to, char *mine) const {
        const Heads h = heads_of(s, from, to, mine);
        const int64_t fresh = cu[s + 1] - cu[s], all = (to - from) * group();
        for (int64_t t = 0; t < fresh; t++) {
            const int64_t position = lengths[s] - fresh + t, n = cu[s] + t;
            for (int64_t i = 0; i < all; i++) {
                Wide<T>::pack(q + n * q_stride + (from * group() + i) * width, width, h.qf + i * pw);
                h.m[i] = HIDDEN;
                h.l[i] = 0.0f;
            }
            __builtin_memset(h.of, 0, all * pw * sizeof(float));
            Keys now = keys_from(s, first_seen(position), position + 1);
            while (now.count > 0) {
                const Keys after = keys_after(now, s, position + 1);
                for (int64_t kh = from; kh < to; kh++) direct_block<CAPPED>(h, kh, position, now, after);
                if (now.first + now.count > position) break;
                now = after;
            }
            write_outputs(h, n);
        }
    }

    void write_outputs(const Heads &h, int64_t n) const {
        for (int64_t i = 0; i < (h.to - h.from) * group(); i++) {
            const F inverse = set(1.0f / h.l[i]);
            const float *from = h.of + i * pw;
            T *to = o + n * o_stride + (h.from * group() + i) * width;
            TS_FOR_VECTORS(c, width, { put_lanes<whole>(to + c, get_lanes<whole>(from + c, L) * inverse, L); })
        }
    }

    // One key head and a block of keys.
    template <bool CAPPED>
    void direct_block(const Heads &h, int64_t kh, int64_t position, const Keys &now, const Keys &after) const {
        const int64_t G = group(), i = (kh - h.from) * G;
        float *p = h.p + i * DIRECT_BLOCK;
        const T *keys = k_cache + kh * width, *values = v_cache + kh * width;
        for (int64_t r = 0; r < G; r += FEW_ROWS) {
            const Ahead ahead{keys, r == 0 ? after.count : 0, after.at};
            const float *qr = h.qf + (i + r) * pw;
            float *pr = p + r * DIRECT_BLOCK;
            switch (least(G - r, FEW_ROWS)) {
                case 1: dots<1>(keys, now, ahead, qr, pr); break;
                case 2: dots<2>(keys, now, ahead, qr, pr); break;
                case 3: dots<3>(keys, now, ahead, qr, pr); break;
                default: dots<4>(keys, now, ahead, qr, pr);
            }
        }
        for (int64_t r = 0; r < G; r++) {
            float *pr = p + r * DIRECT_BLOCK;
            TS_FOR_VECTORS(b, now.count, {
                put_lanes<whole>(pr + b, score<CAPPED>(get_lanes<whole>(pr + b, L), scores), L);
            })
        }
        lean_block(kh, position - now.first, now.count, p);
        for (int64_t r = 0; r < G; r++) {
            softmax_block(p + r * DIRECT_BLOCK, now.count, h.of + (i + r) * pw, h.m + i + r, h.l + i + r);
        }
        for (int64_t r = 0; r < G; r += FEW_ROWS) {
            const Ahead ahead{values, r == 0 ? after.count : 0, after.at};
            const float *pr = p + r * DIRECT_BLOCK;
            float *to = h.of + (i + r) * pw;
            switch (least(G - r, FEW_ROWS)) {
                case 1: add_values<1>(values, now, ahead, pr, to); break;
                case 2: add_values<2>(values, now, ahead, pr, to); break;
                case 3: add_values<3>(values, now, ahead, pr, to); break;
                default: add_values<4>(values, now, ahead, pr, to);
            }
        }
    }

    // Rows of one head that are read soon: into level 2, for level 1 has no room for a block.
    struct Ahead {
        const T *rows;
        int64_t count;
        const int64_t *at;

        void ask(int64_t from, int64_t width) const {
            for (int64_t b = from; b < least(from + FEW_OUTPUTS, count); b++) {
                const char *row = (const char *)(rows + at[b]);
                for (int64_t i = 0; i < width * (int64_t)sizeof(T); i += 64) __builtin_prefetch(row + i, 0, 2);
            }
        }
    };

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
    void dots(const T *cache, const Keys &now, const Ahead &ahead, const float *qf, float *p) const {
        alignas(64) float sums[16];
        int64_t b = 0;
        for (; b + FEW_OUTPUTS <= now.count; b += FEW_OUTPUTS) {
            ahead.ask(b, width);
            const T *rows[FEW_OUTPUTS];
            for (int i = 0; i < FEW_OUTPUTS; i++) rows[i] = cache + now.at[b + i];
            few_dots<Wide<T>, FEW_OUTPUTS, R, 0>(qf, pw, rows, width, nullptr, sums);
            for (int r = 0; r < R; r++) __builtin_memcpy(p + r * DIRECT_BLOCK + b, sums + r * FEW_OUTPUTS, sizeof(float) * FEW_OUTPUTS);
        }
        for (; b < now.count; b++) {
            const T *row = cache + now.at[b];
            few_dots<Wide<T>, 1, R, 0>(qf, pw, &row, width, nullptr, sums);
            for (int r = 0; r < R; r++) p[r * DIRECT_BLOCK + b] = sums[r];
        }
        for (b = now.count / FEW_OUTPUTS * FEW_OUTPUTS; b < ahead.count; b += FEW_OUTPUTS) ahead.ask(b, width);
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

    template <int R>
    void add_values(const T *cache, const Keys &now, const Ahead &ahead, const float *p, float *of) const {
        int64_t c = 0;
        for (; c + 4 * W <= width; c += 4 * W) add_columns<R, 4>(cache, now, c == 0 ? ahead : Ahead{}, c, p, of);
        for (; c + W <= width; c += W) add_columns<R, 1>(cache, now, Ahead{}, c, p, of);
        for (; c < width; c++) {
            for (int r = 0; r < R; r++) {
                for (int64_t b = 0; b < now.count; b++) {
                    of[r * pw + c] += p[r * DIRECT_BLOCK + b] * get(cache + now.at[b] + c);
                }
            }
        }
    }

    // V vectors of R outputs stay in registers over a block of keys.
    template <int R, int V>
    void add_columns(const T *cache, const Keys &now, const Ahead &ahead, int64_t c, const float *p, float *of) const {
        F a[R][V];
        for (int r = 0; r < R; r++) {
            for (int v = 0; v < V; v++) a[r][v] = load(of + r * pw + c + v * W);
        }
        for (int64_t b = 0; b < now.count; b++) {
            if (b % FEW_OUTPUTS == 0) ahead.ask(b, width);
            const T *row = cache + now.at[b] + c;
            F values[V];
            for (int v = 0; v < V; v++) values[v] = load(row + v * W);
            for (int r = 0; r < R; r++) {
                const F w = set(p[r * DIRECT_BLOCK + b]);
                for (int v = 0; v < V; v++) a[r][v] = fma(values[v], w, a[r][v]);
            }
        }
        for (int r = 0; r < R; r++) {
            for (int v = 0; v < V; v++) store(of + r * pw + c + v * W, a[r][v]);
        }
        for (int64_t b = (now.count + FEW_OUTPUTS - 1) / FEW_OUTPUTS * FEW_OUTPUTS; b < ahead.count; b += FEW_OUTPUTS) {
            ahead.ask(b, width);
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

    // Key heads [from, to) of a sequence.
    template <bool CAPPED>
    void task(int64_t s, int64_t from, int64_t to, char *mine) const {
        if (cu[s + 1] - cu[s] <= DIRECT_TOKENS_MAX) {
            direct<CAPPED>(s, from, to, mine);
        } else {
            for (int64_t kh = from; kh < to; kh++) packed<CAPPED>(s, kh, mine);
        }
    }

    // Many sequences are shared out whole, several in a row to one thread; few by heads.
    void run(char *buffers, int64_t bytes, int threads) const {
        const bool whole = sequences >= 2 * threads;
        const int64_t each = whole ? key_heads : 1, tasks = sequences * key_heads / each;
        const int64_t together = whole && tasks > 4 * threads ? tasks / (4 * threads) : 1;
#pragma omp parallel num_threads(threads)
        {
            char *mine = buffers + omp_get_thread_num() * bytes;
            tiles_begin();
#pragma omp for schedule(dynamic, together)
            for (int64_t t = 0; t < tasks; t++) {
                const int64_t s = t * each / key_heads, from = t * each % key_heads;
                if (scores.softcap > 0.0f) task<true>(s, from, from + each, mine);
                else task<false>(s, from, from + each, mine);
            }
            tiles_end();
        }
    }
};

template <class T>
static int attention_cached(Cached<T> c, void *scratch, int64_t newest, int threads) {
    if (c.sequences < 0 || c.heads <= 0 || c.key_heads <= 0 || c.width <= 0 || c.page <= 0 || threads < 1) return TS_BAD_SHAPE;
    if (c.heads % c.key_heads != 0) return TS_BAD_SHAPE;
    c.pw = round_up(c.width, PAD);
    for (int64_t s = 0; s < c.sequences; s++) {
        int64_t fresh = c.cu[s + 1] - c.cu[s];
        if (fresh < 0 || fresh > newest || fresh > c.lengths[s]) return TS_BAD_ARGUMENT;
        if (c.lengths[s] > c.page * c.pages) return TS_BAD_ARGUMENT;
    }
    int64_t bytes = Cached<T>::direct_bytes(c.heads, c.pw);
    if (newest > DIRECT_TOKENS_MAX) bytes += Cached<T>::packed_bytes(c.pw, c.page * c.pages);
    c.run(aligned(scratch), round_up(bytes, 64), threads);
    return TS_OK;
}

#define TS_DEFINE(T, E)                                                                            \
    int attention_cached_##E(const T *q, T *o, const T *k_cache, const T *v_cache,                 \
                             const int32_t *table, const int32_t *lengths, const int32_t *cu,      \
                             const float *slopes_H, void *scratch, int64_t S, int64_t newest, int64_t heads,              \
                             int64_t key_heads, int64_t width, int64_t page, int64_t pages,        \
                             int64_t q_stride, int64_t o_stride, float scale, float softcap,       \
                             int64_t window, int threads) {                                        \
        return attention_cached(Cached<T>{q, o, k_cache, v_cache, table, lengths, cu, S, heads,    \
                                          key_heads, width, page, pages, q_stride, o_stride,       \
                                          Scores{scale, softcap, window, slopes_H}, 0},            \
                                scratch, newest, threads);                                         \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
