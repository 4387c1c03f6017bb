// Splitting rows and flat tensors over threads. Which thread does a part never changes a result.
#pragma once
#include "tunesmith.h"

namespace TS_NS {

constexpr int64_t PARALLEL_ELEMENTS_MIN = 16384;

// fn(row) for every row; one thread does it all when there is too little work to share.
template <class Fn>
static inline void for_rows(int64_t rows, int64_t columns, int threads, Fn fn) {
    if (threads <= 1 || rows <= 1 || rows * columns < PARALLEL_ELEMENTS_MIN) {
        for (int64_t r = 0; r < rows; r++) fn(r);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t r = 0; r < rows; r++) fn(r);
}

// fn(begin, end) for blocks of a flat tensor.
template <class Fn>
static inline void for_blocks(int64_t count, int threads, Fn fn) {
    constexpr int64_t BLOCK = PARALLEL_ELEMENTS_MIN;
    int64_t blocks = (count + BLOCK - 1) / BLOCK;
    for_rows(blocks, BLOCK, threads, [&](int64_t b) {
        int64_t begin = b * BLOCK;
        fn(begin, begin + BLOCK < count ? begin + BLOCK : count);
    });
}

}  // namespace TS_NS
