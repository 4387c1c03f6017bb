// The largest value of a row and where it is: greedy decoding.
#include "operations.h"
#include "parallel.h"
#include "vec.h"

namespace TS_NS {

static int32_t largest_of(const float *x, int64_t n) {
    F most = set(-__builtin_inff());
    int64_t i = 0;
    for (; i + W <= n; i += W) most = max(load(x + i), most);
    for (; i < n; i++) most = max(set(x[i]), most);
    const float found = largest(most);
    for (int64_t c = 0; c < n; c++) {
        if (x[c] == found) return (int32_t)c;
    }
    return 0;
}

int largest_f32(const float *x_RC, int32_t *columns_R, int64_t R, int64_t C, int64_t stride, int threads) {
    if (R < 0 || C < 1) return TS_BAD_SHAPE;
    for_rows(R, C, threads, [&](int64_t r) { columns_R[r] = largest_of(x_RC + r * stride, C); });
    return TS_OK;
}

}  // namespace TS_NS
