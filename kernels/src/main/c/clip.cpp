// The factor that brings a gradient's norm down to its limit, left in memory for the optimizer.
#include <math.h>

#include "tunesmith.h"

// factor = min(1, limit / (norm + 1e-6)); not finite when the norm is not; 1 when limit ≤ 0.
extern "C" __attribute__((visibility("default"))) int ts_clip_factor(const double *sum, float *norm,
                                                                     float *factor, double limit, int) {
    double n = sqrt(*sum);
    *norm = (float)n;
    if (!isfinite(n)) {
        *factor = NAN;
    } else {
        *factor = limit > 0.0 && limit < n + 1e-6 ? (float)(limit / (n + 1e-6)) : 1.0f;
    }
    return TS_OK;
}
