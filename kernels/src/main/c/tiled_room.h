// What a thread of a tiled product works in (tiled_product.h).
#pragma once
#include <stdint.h>

constexpr int64_t TS_TILED_ROOM = (1 << 20) + 32 * 1600 * 2 + 352 * 10 * 32 * 4;
