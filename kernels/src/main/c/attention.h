// What the attention kernels share: tile sizes, masks, and the forward pass of one tile.
//
// Scores are kept transposed, S^T (keys, queries): the lanes are queries, so that the online
// softmax (Milakov & Gimelshein 2018; Dao 2022) needs no sum across lanes, and P^T is at once the
// right-hand side of O^T = V^T P^T.
#pragma once
#include <math.h>

#include "tile.h"
#include "vec_math.h"

namespace TS_NS {

constexpr int64_t TILE = 64;       // queries and keys a tile
constexpr int64_t PAD = 32;        // all tile sides are padded to this
constexpr float HIDDEN = -1.0e30f;  // score of an invisible key; finite, so that differences are

constexpr int64_t BOTH_WAYS = -2;  // a window: all keys of the document, also later ones

struct Scores {
    float scale, softcap;
    int64_t window;       // earlier keys that are seen; -1: all of them
    const float *slopes;  // by head, what a key loses for each step away (ALiBi); or null
    float slope = 0.0f;   // that of the head being computed

    bool both_ways() const { return window == BOTH_WAYS; }

    Scores of_head(int64_t h) const {
        Scores mine = *this;
        mine.slope = slopes == nullptr ? 0.0f : slopes[h];
        return mine;
    }

    // Tiles of keys before the first that query `position` sees.
    int64_t first_tile(int64_t position) const {
        int64_t key = window < 0 ? 0 : position - window;
        return key <= 0 ? 0 : key / TILE;
    }
};

static const float LANE_NUMBERS[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// Whether a tile has both visible and invisible pairs. Positions are of the first query and key;
// `all`: keys of the document.
static inline bool needs_mask(const Scores &o, int64_t query, int64_t queries, int64_t key, int64_t keys, int64_t all) {
    if (o.both_ways()) return key + keys > all;
    if (key + keys - 1 > query) return true;
    return o.window >= 0 && key < query + queries - 1 - o.window;
}

// Hides what query lanes (positions from `query`) may not see of one key.
static inline F hide(F s, const Scores &o, int64_t query, int64_t key, int64_t all) {
    if (o.both_ways()) return key < all ? s : set(HIDDEN);
    F lane = load(LANE_NUMBERS);
    F distance = lane + set((float)(query - key));  // exact below 2^24 tokens
    s = select(less(distance, set(0.0f)), set(HIDDEN), s);
    if (o.window >= 0) s = select(less(set((float)o.window), distance), set(HIDDEN), s);
    return s;
}

template <bool CAPPED>
static inline F score(F s, const Scores &o) {
    F x = s * set(o.scale);
    return CAPPED ? set(o.softcap) * tanh(x * set(1.0f / o.softcap)) : x;
}

// What query lanes (positions from `query`) take off for the distance of one key.
static inline F lean(F s, const Scores &o, int64_t query, int64_t key) {
    if (o.slope == 0.0f) return s;
    return s - set(o.slope) * (load(LANE_NUMBERS) + set((float)(query - key)));
}

// Whether probabilities are rounded to bf16 and depend on the scores of a whole tile alone.
template <bool CAPPED, class U>
static inline bool only_scaled(const Scores &o, bool masked) {
    return PER_UNIT<U> == 2 && !CAPPED && !masked && o.slope == 0.0f && o.scale > 0.0f;
}
constexpr float LOG2_E = 1.44269504f;

// Buffers of one thread for forward tiles of heads `pw` wide (padded).
template <class U>
struct ForwardBuffers {
    U *q_rows, *q_steps, *p_steps;
    float *s, *o;

    static int64_t bytes(int64_t pw) { return (3 * TILE * pw + 2 * TILE * TILE) * 4; }

    ForwardBuffers(char *at, int64_t pw) {
        q_rows = (U *)at;
        q_steps = (U *)(at + TILE * pw * 4);
        o = (float *)(at + 2 * TILE * pw * 4);
        s = o + TILE * pw;
        p_steps = (U *)(s + TILE * TILE);
    }
};

// One query tile: `queries` real rows, the first at position `first` among `keys` keys.
struct QueryTile {
    int64_t queries, padded, first, keys;
};

// Turns scores of one key tile and PAD queries, the first at place `from` of its tile, into P^T steps; m, l: running
// maximum and sum of each query; alpha out: factor for everything summed so far.
template <bool CAPPED, class U>
static inline void softmax_tile(float *s, U *p_steps, const Scores &o, const QueryTile &t, int64_t from,
                                int64_t key, int64_t keys, float *m, float *l, float *alpha) {
    const int64_t first = t.first + from;
    const bool masked = needs_mask(o, first, PAD, key, keys, t.keys);
    const bool scaled = only_scaled<CAPPED, U>(o, masked);
    for (int64_t c = 0; c < PAD; c += W) {
        const F before = load(m + from + c);
        F top = before, total = set(0.0f);
        if (scaled) {
            F most = load(s + c), other = load(s + PAD + c);
            for (int64_t j = 2; j < keys; j += 2) {
                most = max(most, load(s + j * PAD + c));
                other = max(other, load(s + (j + 1) * PAD + c));
            }
            top = max(top, max(most, other) * set(o.scale));
        } else {
            for (int64_t j = 0; j < keys; j++) {
                F x = lean(score<CAPPED>(load(s + j * PAD + c), o), o, first + c, key + j);
                if (masked) x = hide(x, o, first + c, key + j, t.keys);
                store(s + j * PAD + c, x);
                top = max(top, x);
            }
        }
        const F factor = set(o.scale * LOG2_E), most = set(0.0f) - top * set(LOG2_E);
        for (int64_t j = 0; j < keys; j += 2) {
            const F x0 = load(s + j * PAD + c), x1 = load(s + (j + 1) * PAD + c);
            const F even = scaled ? power2(fma(x0, factor, most)) : exp(x0 - top);
            const F odd = scaled ? power2(fma(x1, factor, most)) : exp(x1 - top);
            total = total + (even + odd);
            put_pair_b(p_steps + j / PER_UNIT<U> * TILE + from + c, TILE, even, odd);
        }
        F a = exp(before - top);
        store(m + from + c, top);
        store(l + from + c, fma(load(l + from + c), a, total));
        store(alpha + from + c, a);
    }
}

static inline void rescale(float *o, int64_t rows, int64_t columns, const float *alpha) {
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = 0; c < columns; c += W) {
            store(o + r * TILE + c, load(o + r * TILE + c) * load(alpha + c));
        }
    }
}

// O rows of one query tile from packed keys (rows of units) and values (tiles of V^T).
// out: first row of this tile and head; lse: its place or null.
template <bool CAPPED, class T, class U>
static void forward_tile(const ForwardBuffers<U> &b, const T *q, int64_t q_stride, const U *k_rows,
                         const U *v_tiles, const QueryTile &t, int64_t width, int64_t pw,
                         const Scores &o, T *out, int64_t o_stride, float *lse) {
    const int64_t units = pw / PER_UNIT<U>;
    pack_rows(q, q_stride, t.queries, t.padded, width, pw, b.q_rows);
    transpose(b.q_rows, units, b.q_steps, TILE, t.padded, units);
    alignas(64) float m[TILE], l[TILE], alpha[TILE];
    for (int64_t c = 0; c < TILE; c++) {
        m[c] = HIDDEN;
        l[c] = 0.0f;
    }
    const int64_t end = o.both_ways() ? t.keys : least(t.first + t.queries, t.keys);
    bool started = false;
    for (int64_t j = o.first_tile(t.first); j * TILE < end; j++) {
        int64_t keys = least(round_up(t.keys - j * TILE, PAD), TILE);
        for (int64_t c = 0; c < t.padded; c += PAD) {
            mm(k_rows + j * TILE * units, units, b.q_steps + c, TILE, b.s, PAD, keys, PAD, units, false);
            softmax_tile<CAPPED>(b.s, b.p_steps, o, t, c, j * TILE, keys, m, l, alpha);
        }
        if (started) rescale(b.o, pw, t.padded, alpha);
        mm(v_tiles + j * pw * (TILE / PER_UNIT<U>), TILE / PER_UNIT<U>, b.p_steps, TILE, b.o, TILE,
           pw, t.padded, keys / PER_UNIT<U>, started);
        started = true;
    }
    for (int64_t c = 0; c < t.padded; c++) alpha[c] = 1.0f / l[c];
    rescale(b.o, pw, t.padded, alpha);
    float *rows = (float *)b.q_rows;  // q_rows and q_steps together hold TILE × pw floats
    transpose(b.o, TILE, rows, pw, pw, t.padded);
    for (int64_t i = 0; i < t.queries; i++) {
        T *to = out + i * o_stride;
        TS_FOR_VECTORS(c, width, { put_lanes<whole>(to + c, get_lanes<whole>(rows + i * pw + c, L), L); })
        if (lse != nullptr) lse[i] = m[i] + logf(l[i]);
    }
}

// Rows of keys and values of one head (`rows` of them) into the formats of forward_tile.
// spare holds two tiles of units.
template <class T, class U>
static void pack_values(const T *v, int64_t stride, int64_t rows, int64_t width, int64_t pw, U *v_tiles,
                        U *spare) {
    const int64_t units = pw / PER_UNIT<U>, steps = TILE / PER_UNIT<U>;
    for (int64_t j = 0; j < rows; j += TILE) {
        int64_t here = least(rows - j, TILE), padded = round_up(here, PAD);
        U *packed = spare + TILE * units;
        pack_rows(v + j * stride, stride, here, padded, width, pw, spare);
        pack_steps(spare, padded, pw, packed);
        transpose(packed, pw, v_tiles + j / TILE * pw * steps, steps, padded / PER_UNIT<U>, pw);
    }
}

// ---- documents ---------------------------------------------------------------------------------

// Where each document's padded rows and its tasks start; lies in scratch.
struct Documents {
    const int32_t *cu;
    int64_t count;
    int64_t *tasks;  // (count + 1): tasks before each document

    int64_t start(int64_t d) const { return cu[d]; }
    int64_t length(int64_t d) const { return cu[d + 1] - cu[d]; }
    int64_t padded_start(int64_t d) const { return cu[d] + TILE * d; }

    // Checks cu and counts `per_tile` tasks for every tile of queries (or one for each document).
    bool prepare(int64_t per_tile, bool whole, int64_t longest) const {
        tasks[0] = 0;
        for (int64_t d = 0; d < count; d++) {
            if (length(d) < 0 || length(d) > longest) return false;
            int64_t tiles = whole ? (length(d) > 0) : (length(d) + TILE - 1) / TILE;
            tasks[d + 1] = tasks[d] + tiles * per_tile;
        }
        return count == 0 || cu[0] == 0;
    }

    int64_t of_task(int64_t task) const {
        int64_t low = 0, high = count;
        while (high - low > 1) {
            int64_t middle = (low + high) / 2;
            if (tasks[middle] <= task) low = middle; else high = middle;
        }
        return low;
    }
};

static inline char *aligned(void *p) { return (char *)(((uintptr_t)p + 63) & ~(uintptr_t)63); }

}  // namespace TS_NS
