// ldmatrix and mma.m16n8k16 of bf16 as the PTX manual draws them: which lane holds what.
#pragma once
#include "emulated.h"

struct EmulatedMatrices {
    uint32_t *to;
    const uint16_t *row;
};

template <bool TURNED>
void emulated_matrices_of(void *const (&lanes)[32]) {
    uint16_t matrix[8][8];
    for (int i = 0; i < 4; i++) {
        for (int r = 0; r < 8; r++) {
            for (int c = 0; c < 8; c++) {
                matrix[TURNED ? c : r][TURNED ? r : c] = ((EmulatedMatrices *)lanes[8 * i + r])->row[c];
            }
        }
        for (int l = 0; l < 32; l++) {
            const uint16_t *pair = &matrix[l / 4][l % 4 * 2];
            ((EmulatedMatrices *)lanes[l])->to[i] = pair[0] | (uint32_t)pair[1] << 16;
        }
    }
}

// Of each of four 8×8 matrices, lane l gets row l / 4, columns 2 (l % 4) and the next.
inline void emulated_matrices(uint32_t (&to)[4], const uint16_t *row, bool turned) {
    EmulatedMatrices mine = {to, row};
    if (reinterpret_cast<uintptr_t>(row) % 16 != 0) __builtin_trap();
    emulated_together(&mine, turned ? emulated_matrices_of<true> : emulated_matrices_of<false>);
}

struct EmulatedMultiplyAdd {
    float *sums;
    const uint32_t *a;
    uint32_t b[2];
};

// Registers of a: columns 0–7 of rows l / 4 and l / 4 + 8, then columns 8–15; of b: rows 0–7 and
// 8–15 of column l / 4; of the sums: rows l / 4 and l / 4 + 8 at columns 2 (l % 4) and the next.
inline void emulated_multiply_add(float (&sums)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    EmulatedMultiplyAdd mine = {sums, a, {b0, b1}};
    emulated_together(&mine, [](void *const (&lanes)[32]) {
        const auto half = [](uint32_t pair, int j) { return __uint_as_float(j == 0 ? pair << 16 : pair & 0xffff0000u); };
        float rows[16][16], columns[16][8];
        for (int l = 0; l < 32; l++) {
            const EmulatedMultiplyAdd &lane = *(EmulatedMultiplyAdd *)lanes[l];
            for (int i = 0; i < 4; i++) {
                for (int j = 0; j < 2; j++) rows[l / 4 + i % 2 * 8][i / 2 * 8 + l % 4 * 2 + j] = half(lane.a[i], j);
            }
            for (int i = 0; i < 2; i++) {
                for (int j = 0; j < 2; j++) columns[i * 8 + l % 4 * 2 + j][l / 4] = half(lane.b[i], j);
            }
        }
        for (int r = 0; r < 16; r++) {
            float sums[8] = {};
            for (int k = 0; k < 16; k++) {
                for (int c = 0; c < 8; c++) sums[c] += rows[r][k] * columns[k][c];
            }
            for (int c = 0; c < 8; c++) ((EmulatedMultiplyAdd *)lanes[r % 8 * 4 + c / 2])->sums[r / 8 * 2 + c % 2] += sums[c];
        }
    });
}
