// Attention over packed documents, backward (Dao et al. 2022): D = rowsum(g∘o),
// P = exp(score − lse), dV = Pᵀg, dS = P∘(gVᵀ − D), dQ = scale·dS·K, dK = scale·dSᵀQ.
//
// One task is one head of one document and writes only its own numbers; key gradients of the
// heads of a group are summed afterwards in order of heads. So results do not depend on threads.
#include <omp.h>

#include "attention.h"
#include "operations.h"

namespace TS_NS {

template <class T>
struct Backward {
    const T *g, *q, *k, *v, *o;
    const float *lse;
    Documents documents;
    T *dq, *dk, *dv;
    int64_t heads, key_heads, width;
    int64_t g_stride, q_stride, k_stride, v_stride, o_stride, dq_stride, dk_stride, dv_stride;
    Scores scores;

    using U = typename UnitOf<T>::U;
    int64_t pw, padded_tokens, padded_longest;
    U *k_rows, *v_rows, *k_tiles;
    float *dk_heads, *dv_heads;  // (heads, tokens, pw)
    char *buffers;

    int64_t units() const { return pw / PER_UNIT<U>; }
    int64_t group() const { return heads / key_heads; }
    int64_t tokens() const { return documents.cu[documents.count]; }
    int64_t head_units() const { return padded_tokens * units(); }

    static int64_t buffer_bytes(int64_t pw, int64_t padded_longest) {
        return (5 * padded_longest * pw + 2 * padded_longest) * 4 +
               (2 * TILE * pw + 5 * TILE * TILE) * 4;
    }

    // Buffers of one thread. The first seven cover a whole document.
    struct Mine {
        U *q_steps, *g_steps, *q_pairs, *g_pairs;
        float *dq, *delta, *lse;
        float *dk, *dv, *s, *dp;
        U *p_a, *ds_a, *ds_b;
    };

    Mine mine(int thread) const {
        float *at = (float *)(buffers + thread * buffer_bytes(pw, padded_longest));
        auto take = [&](int64_t n) {
            float *p = at;
            at += n;
            return p;
        };
        int64_t all = padded_longest * pw;
        Mine m;
        m.q_steps = (U *)take(all);
        m.g_steps = (U *)take(all);
        m.q_pairs = (U *)take(all);
        m.g_pairs = (U *)take(all);
        m.dq = take(all);
        m.delta = take(padded_longest);
        m.lse = take(padded_longest);
        m.dk = take(TILE * pw);
        m.dv = take(TILE * pw);
        m.s = take(TILE * TILE);
        m.dp = take(TILE * TILE);
        m.p_a = (U *)take(TILE * TILE);
        m.ds_a = (U *)take(TILE * TILE);
        m.ds_b = (U *)take(TILE * TILE);
        return m;
    }

    // Rows of keys and values, and tiles of K^T, of one key head of one document.
    void pack_keys(int64_t task, const Mine &m) const {
        int64_t d = task / key_heads, h = task % key_heads, n = documents.length(d);
        int64_t at = h * head_units() + documents.padded_start(d) * units(), row = documents.start(d);
        const T *kh = k + row * k_stride + h * width, *vh = v + row * v_stride + h * width;
        pack_rows(kh, k_stride, n, round_up(n, PAD), width, pw, k_rows + at);
        pack_rows(vh, v_stride, n, round_up(n, PAD), width, pw, v_rows + at);
        pack_values(kh, k_stride, n, width, pw, k_tiles + at, m.q_steps);
    }

    // The query side of one head of one document, and D.
    void pack_queries(const Mine &m, int64_t d, int64_t h) const {
        int64_t n = documents.length(d), row = documents.start(d);
        const T *qh = q + row * q_stride + h * width, *gh = g + row * g_stride + h * width;
        const T *oh = o + row * o_stride + h * width;
        U *spare = (U *)m.dq;
        for (int64_t i = 0; i < n; i += TILE) {
            int64_t here = least(n - i, TILE), padded = round_up(here, PAD);
            pack_rows(qh + i * q_stride, q_stride, here, padded, width, pw, spare);
            transpose(spare, units(), m.q_steps + i * units(), TILE, padded, units());
            pack_steps(spare, padded, pw, m.q_pairs + i * units());
            pack_rows(gh + i * g_stride, g_stride, here, padded, width, pw, spare);
            transpose(spare, units(), m.g_steps + i * units(), TILE, padded, units());
            pack_steps(spare, padded, pw, m.g_pairs + i * units());
        }
        for (int64_t i = 0; i < round_up(n, PAD); i++) {
            F a = set(0.0f);
            if (i < n) {
                const T *gr = gh + i * g_stride, *orow = oh + i * o_stride;
                TS_FOR_VECTORS(c, width, { a = fma(get_lanes<whole>(gr + c, L), get_lanes<whole>(orow + c, L), a); })
            }
            m.delta[i] = sum(a);
            m.lse[i] = i < n ? lse[h * tokens() + row + i] : 0.0f;
        }
        __builtin_memset(m.dq, 0, round_up(n, TILE) * pw * sizeof(float));
    }

    // Queries whose probabilities are together before they are multiplied: as many as there is room for.
    static constexpr int64_t SPAN = TILE * PER_UNIT<U>;
    static constexpr int64_t LDA = SPAN / PER_UNIT<U>;

    // P^T and dS^T of PAD keys from `key` and queries from `query` on, to place (k, c) of the span, from the two
    // products in m.s and m.dp.
    template <bool CAPPED>
    void gradients_of_scores(const Mine &m, const Scores &o, int64_t query, int64_t key, int64_t all, int64_t k,
                             int64_t from) const {
        const bool masked = needs_mask(o, query, PAD, key, PAD, all);
        const bool scaled = only_scaled<CAPPED, U>(o, masked);
        for (int64_t c = 0; c < PAD; c += W) {
            const F row_lse = load(m.lse + query + c), row_delta = load(m.delta + query + c);
            const F most = set(0.0f) - row_lse * set(LOG2_E), less_delta = set(0.0f) - row_delta * set(o.scale);
            auto short_way = [&](int64_t j, F *p) {
                *p = power2(fma(load(m.s + j * PAD + c), set(o.scale * LOG2_E), most));
                return *p * fma(load(m.dp + j * PAD + c), set(o.scale), less_delta);
            };
            auto long_way = [&](int64_t j, F *p) {
                F x = score<CAPPED>(load(m.s + j * PAD + c), o);
                F ratio = CAPPED ? x * set(1.0f / o.softcap) : x;
                x = lean(x, o, query + c, key + j);
                if (masked) x = hide(x, o, query + c, key + j, all);
                *p = exp(x - row_lse);
                F ds = *p * (load(m.dp + j * PAD + c) - row_delta) * set(o.scale);
                return CAPPED ? ds * (set(1.0f) - ratio * ratio) : ds;
            };
            for (int64_t j = 0; j < PAD; j += 2) {
                F p0, p1, d0, d1;
                if (scaled) d0 = short_way(j, &p0), d1 = short_way(j + 1, &p1);
                else d0 = long_way(j, &p0), d1 = long_way(j + 1, &p1);
                put_pair_a(column_a(m.p_a, from + c) + (k + j) * LDA, LDA, p0, p1);
                put_pair_a(column_a(m.ds_a, from + c) + (k + j) * LDA, LDA, d0, d1);
                put_pair_b(m.ds_b + (k + j) / PER_UNIT<U> * SPAN + from + c, SPAN, d0, d1);
            }
        }
    }

    // A tile of keys meets a span of queries. Scores exist for PAD × PAD at a time, in level 1.
    template <bool CAPPED>
    void pair_of_tiles(const Mine &m, const Scores &o, int64_t at, int64_t j, int64_t keys, int64_t i,
                       int64_t queries, int64_t all, bool add) const {
        const U *kr = k_rows + at + j * units(), *vr = v_rows + at + j * units(), *kt = k_tiles + at + j * units();
        for (int64_t c = 0; c < queries; c += PAD) {
            const int64_t column = (i + c) / TILE * TILE * units() + c % TILE;
            for (int64_t k = 0; k < keys; k += PAD) {
                mm(kr + k * units(), units(), m.q_steps + column, TILE, m.s, PAD, PAD, PAD, units(), false);
                mm(vr + k * units(), units(), m.g_steps + column, TILE, m.dp, PAD, PAD, PAD, units(), false);
                gradients_of_scores<CAPPED>(m, o, i + c, j + k, all, k, c);
            }
        }
        const int64_t steps = queries / PER_UNIT<U>;
        mm(m.p_a, LDA, m.g_pairs + i * units(), pw, m.dv, pw, keys, pw, steps, add);
        mm(m.ds_a, LDA, m.q_pairs + i * units(), pw, m.dk, pw, keys, pw, steps, add);
        for (int64_t c = 0; c < queries; c += TILE) {
            mm(kt, TILE / PER_UNIT<U>, m.ds_b + c, SPAN, m.dq + (i + c) * pw, TILE, pw, least(queries - c, TILE),
               keys / PER_UNIT<U>, true);
        }
    }

    template <bool CAPPED>
    void head(int64_t task, const Mine &m) const {
        int64_t d = task / heads, h = task % heads, n = documents.length(d), kh = h / group();
        if (n == 0) return;
        pack_queries(m, d, h);
        int64_t at = kh * head_units() + documents.padded_start(d) * units();
        const Scores o = scores.of_head(h);
        for (int64_t j = 0; j < n; j += TILE) {
            int64_t keys = least(round_up(n - j, PAD), TILE), first = o.both_ways() ? 0 : j;
            for (int64_t i = first; i < n; i += SPAN) {
                if (scores.window >= 0 && i - (j + TILE - 1) > scores.window) break;
                int64_t queries = least(round_up(n - i, PAD), SPAN);
                pair_of_tiles<CAPPED>(m, o, at, j, keys, i, queries, n, i != first);
            }
            keep_keys(m, d, h, j, least(n - j, TILE));
        }
        write_queries(m, d, h);
    }

    void keep_keys(const Mine &m, int64_t d, int64_t h, int64_t j, int64_t rows) const {
        int64_t row = documents.start(d) + j;
        if (group() > 1) {
            int64_t at = (h * tokens() + row) * pw;
            __builtin_memcpy(dk_heads + at, m.dk, rows * pw * sizeof(float));
            __builtin_memcpy(dv_heads + at, m.dv, rows * pw * sizeof(float));
            return;
        }
        for (int64_t r = 0; r < rows; r++) {
            copy_row(m.dk + r * pw, dk + (row + r) * dk_stride + h * width);
            copy_row(m.dv + r * pw, dv + (row + r) * dv_stride + h * width);
        }
    }

    void copy_row(const float *from, T *to) const {
        TS_FOR_VECTORS(c, width, { put_lanes<whole>(to + c, get_lanes<whole>(from + c, L), L); })
    }

    void write_queries(const Mine &m, int64_t d, int64_t h) const {
        int64_t n = documents.length(d), row = documents.start(d);
        for (int64_t i = 0; i < n; i += TILE) {
            transpose(m.dq + i * pw, TILE, m.dk, pw, pw, TILE);
            for (int64_t r = 0; r < least(n - i, TILE); r++) {
                copy_row(m.dk + r * pw, dq + (row + i + r) * dq_stride + h * width);
            }
        }
    }

    // Sums the heads of each group for one token.
    void sum_group(int64_t row) const {
        for (int64_t kh = 0; kh < key_heads; kh++) {
            sum_heads(dk_heads, kh, row, dk + row * dk_stride + kh * width);
            sum_heads(dv_heads, kh, row, dv + row * dv_stride + kh * width);
        }
    }

    void sum_heads(const float *parts, int64_t kh, int64_t row, T *to) const {
        TS_FOR_VECTORS(c, width, {
            F a = set(0.0f);
            for (int64_t h = kh * group(); h < (kh + 1) * group(); h++) {
                a = a + get_lanes<whole>(parts + (h * tokens() + row) * pw + c, L);
            }
            put_lanes<whole>(to + c, a, L);
        })
    }

    void run(int threads) const {
        const int64_t packs = documents.count * key_heads, tasks = documents.count * heads;
        const int64_t rows = group() > 1 ? tokens() : 0;
#pragma omp parallel num_threads(threads)
        {
            const Mine m = mine(omp_get_thread_num());
            tiles_begin();
#pragma omp for schedule(dynamic)
            for (int64_t t = 0; t < packs; t++) pack_keys(t, m);
#pragma omp for schedule(dynamic)
            for (int64_t t = 0; t < tasks; t++) {
                if (scores.softcap > 0.0f) head<true>(t, m); else head<false>(t, m);
            }
            tiles_end();
#pragma omp for schedule(static)
            for (int64_t r = 0; r < rows; r++) sum_group(r);
        }
    }
};

template <class T>
static int attention_bwd(Backward<T> b, void *scratch, int64_t longest, int threads) {
    if (b.heads <= 0 || b.key_heads <= 0 || b.width <= 0 || b.documents.count < 0) return TS_BAD_SHAPE;
    if (b.heads % b.key_heads != 0 || threads < 1) return TS_BAD_SHAPE;
    char *at = aligned(scratch);
    b.documents.tasks = (int64_t *)at;
    at = aligned(at + (b.documents.count + 1) * 8);
    if (!b.documents.prepare(b.heads, true, longest)) return TS_BAD_SHAPE;
    using U = typename UnitOf<T>::U;
    b.pw = round_up(b.width, PAD);
    b.padded_longest = round_up(longest, TILE) + TILE;
    b.padded_tokens = b.tokens() + TILE * b.documents.count;
    b.k_rows = (U *)at;
    b.v_rows = b.k_rows + b.key_heads * b.head_units();
    b.k_tiles = b.v_rows + b.key_heads * b.head_units();
    b.dk_heads = (float *)aligned(b.k_tiles + b.key_heads * b.head_units());
    int64_t parts = b.group() > 1 ? b.heads * b.tokens() * b.pw : 0;
    b.dv_heads = b.dk_heads + parts;
    b.buffers = aligned(b.dv_heads + parts);
    b.run(threads);
    return TS_OK;
}

#define TS_DEFINE(T, E)                                                                            \
    int attention_bwd_##E(const T *g, const T *q, const T *k, const T *v, const T *o,              \
                          const float *lse, const int32_t *cu, T *dq, T *dk, T *dv,                \
                          const float *slopes_H, void *scratch, int64_t D, int64_t longest, int64_t heads, int64_t key_heads,            \
                          int64_t width, int64_t g_stride, int64_t q_stride, int64_t k_stride,     \
                          int64_t v_stride, int64_t o_stride, int64_t dq_stride,                   \
                          int64_t dk_stride, int64_t dv_stride, float scale, float softcap,        \
                          int64_t window, int threads) {                                           \
        return attention_bwd(                                                                      \
            Backward<T>{g, q, k, v, o, lse, Documents{cu, D, nullptr}, dq, dk, dv, heads,          \
                        key_heads, width, g_stride, q_stride, k_stride, v_stride, o_stride,        \
                        dq_stride, dk_stride, dv_stride, Scores{scale, softcap, window, slopes_H}, 0, 0, 0, \
                        nullptr, nullptr, nullptr, nullptr, nullptr, nullptr},                     \
            scratch, longest, threads);                                                            \
    }
TS_DEFINE(float, f32)
TS_DEFINE(bf16, bf16)

}  // namespace TS_NS
