// Every operation, declared once and included once a level (TS_NS differs). `dispatch.cpp`
// exports each as ts_<name>. T is the storage type; shapes are in the suffixes:
// N tokens, R rows, C columns, V vocabulary or table rows, H heads, S sequences, D documents.
// Sizes are elements, strides are elements from one row to the next. All sums are fp32 in a fixed
// order. Returns a ts_status.

#include "tunesmith.h"

#define TS_DECLARE(T, E)                                                                           \
    /* y = norm(x)(w + offset); mode 0 llama, 1 gemma; w may be null (ones). */                    \
    int rmsnorm_fwd_##E(const T *x_RC, const T *w_C, T *y_RC, float *rstd_R, int64_t R, int64_t C, \
                        float eps, float offset, int mode, TS_TEAM team);                          \
    /* sum = x + res, which may be x or res. */                                                    \
    int add_rmsnorm_fwd_##E(const T *x_RC, const T *res_RC, const T *w_C, T *sum_RC, T *y_RC,      \
                            float *rstd_R, int64_t R, int64_t C, float eps, float offset,          \
                            int mode, TS_TEAM team);                                               \
    /* dx may be g; g_sum (added to dx) and dw (accumulated) may be null. */                       \
    int rmsnorm_bwd_##E(const T *g_RC, const T *g_sum_RC, const T *x_RC, const T *w_C,             \
                        const float *rstd_R, T *dx_RC, float *dw_C, float *scratch, int64_t R,     \
                        int64_t C, float offset, TS_TEAM team);                                    \
    /* b, dw, db (accumulated) and, without those, scratch may be null; dx may be g. */            \
    int layer_norm_fwd_##E(const T *x_RC, const T *w_C, const T *b_C, T *y_RC, float *mean_R,      \
                           float *rstd_R, int64_t R, int64_t C, float eps, TS_TEAM team);          \
    int layer_norm_bwd_##E(const T *g_RC, const T *x_RC, const T *w_C, const float *mean_R,        \
                           const float *rstd_R, T *dx_RC, float *dw_C, float *db_C,                \
                           float *scratch, int64_t R, int64_t C, TS_TEAM team);                    \
    /* In place on q and k; k may be null. pairing 0 halves, 1 neighbours. */                      \
    int rope_##E(T *q, T *k, const float *cos_PH, const float *sin_PH, const int32_t *positions_N, \
                 int64_t N, int64_t heads, int64_t key_heads, int64_t width, int64_t rotary,       \
                 int64_t q_stride, int64_t k_stride, int64_t P, int pairing, int backward,         \
                 TS_TEAM team);                                                                    \
    /* activation 0 silu, 1 gelu, 2 gelu tanh; outputs may be inputs. */                           \
    int gated_fwd_##E(const T *gate, const T *up, T *h, int64_t R, int64_t C, int64_t gate_stride, \
                      int64_t up_stride, int64_t h_stride, int activation, TS_TEAM team);          \
    int gated_bwd_##E(const T *g, const T *gate, const T *up, T *dgate, T *dup, T *h, int64_t R,   \
                      int64_t C, int64_t g_stride, int64_t gate_stride, int64_t up_stride,         \
                      int64_t dgate_stride, int64_t dup_stride, int64_t h_stride, int activation,  \
                      TS_TEAM team);                                                               \
    /* Over documents cu[d]..cu[d+1]; lse_HN. window -1: all earlier keys, -2: later ones too.     \
       softcap 0: none. slopes_H: taken off for each step between query and key; may be null. */   \
    int attention_fwd_##E(const T *q, const T *k, const T *v, T *o, float *lse_HN,                 \
                          const int32_t *cu_D1, const float *slopes_H, void *scratch, int64_t D,   \
                          int64_t longest, int64_t heads, int64_t key_heads, int64_t width,        \
                          int64_t q_stride, int64_t k_stride, int64_t v_stride, int64_t o_stride, float scale,       \
                          float softcap, int64_t window, TS_TEAM team);                            \
    int attention_bwd_##E(const T *g, const T *q, const T *k, const T *v, const T *o,              \
                          const float *lse_HN, const int32_t *cu_D1, T *dq, T *dk, T *dv,          \
                          const float *slopes_H, void *scratch, int64_t D, int64_t longest,        \
                          int64_t heads, int64_t key_heads, int64_t width, int64_t g_stride, int64_t q_stride,    \
                          int64_t k_stride, int64_t v_stride, int64_t o_stride,                    \
                          int64_t dq_stride, int64_t dk_stride, int64_t dv_stride, float scale,    \
                          float softcap, int64_t window, TS_TEAM team);                            \
    /* Cache pages of (page, key_heads, width); the last tokens of a sequence are the new ones. */ \
    int attention_cached_##E(const T *q, T *o, const T *k_cache, const T *v_cache,                 \
                             const int32_t *table_SP, const int32_t *lengths_S,                    \
                             const int32_t *cu_new_S1, const float *slopes_H, void *scratch,       \
                             int64_t S, int64_t newest, int64_t heads, int64_t key_heads, int64_t width, int64_t page,        \
                             int64_t pages, int64_t q_stride, int64_t o_stride, float scale,       \
                             float softcap, int64_t window, TS_TEAM team);                         \
    /* Copies rows of k and v to slots of the cache; a negative slot is skipped. */                \
    int cache_append_##E(const T *k, const T *v, T *k_cache, T *v_cache, const int64_t *slots_N,   \
                         int64_t N, int64_t key_heads, int64_t width, int64_t k_stride,            \
                         int64_t v_stride, TS_TEAM team);                          \
    /* gradient 1: logits are overwritten. weights, entropy_weights, lse, correct and statistics   \
       (entropy, mean logit and log of the sum of squared probabilities of each row) may be null.  \
     */                                                                                            \
    int cross_entropy_##E(T *logits_RV, const int32_t *labels_R, const float *weights_R,           \
                          const float *entropy_weights_R, float *losses_R, float *lse_R,           \
                          int32_t *correct_R, float *statistics_R3, int64_t R, int64_t V,          \
                          int64_t stride, float scale, float softcap, float smoothing,             \
                          float z_loss, float gradient_scale, int gradient, TS_TEAM team);         \
    /* T is the type of the gradient; *clip not finite: nothing changes. */                        \
    int adamw_f32_##E(float *p, const T *g, float *m, float *v, const float *clip, int64_t n,      \
                      double rate, double beta1, double beta2, double eps, double decay,           \
                      int64_t step, TS_TEAM team);                                                 \
    int adamw_bf16_##E(bf16 *p, float *master, const T *g, float *m, float *v, const float *clip,  \
                       int64_t n, double rate, double beta1, double beta2, double eps,             \
                       double decay, int64_t step, TS_TEAM team);                                  \
    int sum_squares_##E(const T *x, double *sum, double *scratch, int64_t n, TS_TEAM team);        \
    int bias_grad_##E(const T *g_RC, float *db_C, float *scratch, int64_t R, int64_t C,            \
                      int64_t stride, TS_TEAM team);                                               \
    int fill_##E(T *x, float value, int64_t n, TS_TEAM team);                                      \
    int scale_##E(T *x, float factor, int64_t n, TS_TEAM team);                                    \
    int axpy_##E(T *y, const T *x, float factor, int64_t n, TS_TEAM team);                         \
    int accumulate_##E(float *sum, const T *x, float factor, int64_t n, TS_TEAM team);             \
    int add_##E(const T *a, const T *b, T *y, int64_t n, TS_TEAM team);                            \
    int bias_add_##E(T *x_RC, const T *b_C, int64_t R, int64_t C, int64_t stride, TS_TEAM team);   \
    int dropout_##E(const T *x, T *y, int64_t n, float p, uint64_t seed, uint64_t offset,          \
                    TS_TEAM team);                                                                 \
    int gather_rows_##E(const T *table_VC, const int32_t *rows_N, T *y_NC, int64_t N, int64_t C,   \
                        int64_t V, TS_TEAM team);                                                  \
    int scatter_rows_##E(const T *x_NC, const int32_t *rows_N, T *y_VC, int64_t N, int64_t C,      \
                         int64_t V, TS_TEAM team);                                                 \
    int embedding_bwd_##E(const T *g_NC, const int32_t *rows_N, float *dtable_VC, int64_t N,       \
                          int64_t C, int64_t V, TS_TEAM team);                                     \
    /* All n values, row after row. */                                                             \
    int four_bit_dequantise_##E(const ts_four_bit *w, T *y, int64_t n, TS_TEAM team);              \
    /* y_MN = x_MK w_NKᵀ for small M: codes are read once and decoded on the way. */               \
    int four_bit_linear_##E(const ts_four_bit *w_NK, const T *x, T *y, int64_t M, int64_t N,       \
                            int64_t K, int64_t x_stride, int64_t y_stride, TS_TEAM team);          \
    /* Value·(1 / largest of the block) gets code order[j] where it exceeds j of the 15 bounds. */ \
    int four_bit_quantise_##E(const T *x, const float *bounds, const uint8_t *order,               \
                              uint8_t *codes, float *scales, int64_t n, int64_t block,             \
                              TS_TEAM team);                                                       \
    int grouped_dequantise_##E(const ts_grouped *w, T *y, int64_t rows, TS_TEAM team);             \
    int grouped_linear_##E(const ts_grouped *w, const T *x, T *y_MN, int64_t M, int64_t N,         \
                           int64_t x_stride, int64_t y_stride, TS_TEAM team);                      \
    /* large_K marks columns with a value of at least the threshold (0: none); their codes are 0. */ \
    int int8_rows_##E(const T *x, int8_t *codes_MK, float *scales_M, uint8_t *large_K, int64_t M,  \
                      int64_t K, int64_t x_stride, float threshold, TS_TEAM team);                 \
    int int8_linear_##E(const int8_t *codes_MK, const float *scales_M, const uint8_t *large_K,     \
                        const T *x, const int8_t *w_NK, const float *w_scales_N, T *y, int64_t M,  \
                        int64_t N, int64_t K, int64_t x_stride, int64_t y_stride, TS_TEAM team);

namespace TS_NS {
TS_DECLARE(float, f32)
TS_DECLARE(bf16, bf16)

// Converts to the named type from the other one.
int cast_f32(const bf16 *x, float *y, int64_t n, TS_TEAM team);
int cast_bf16(const float *x, bf16 *y, int64_t n, TS_TEAM team);
int scale_by_f32(float *x, const float *factor, int64_t n, TS_TEAM team);

// y_MN = factor·x_MK w_NKᵀ + b + keep·y_MN for small M; b may be null, keep 0 never reads y.
#define TS_DECLARE_SMALL(name, S, T, Y)                                                      \
    int linear_small_##name(const S *x, const T *w_NK, const T *b_N, Y *y, void *scratch,    \
                            int64_t M, int64_t N, int64_t K, int64_t x_stride,               \
                            int64_t y_stride, float factor, float keep, TS_TEAM team);
TS_DECLARE_SMALL(f32, float, float, float)
TS_DECLARE_SMALL(bf16, bf16, bf16, bf16)
TS_DECLARE_SMALL(bf16_out_f32, bf16, bf16, float)
TS_DECLARE_SMALL(f32_weight_bf16, float, bf16, float)
#undef TS_DECLARE_SMALL

// Turns a matrix into panels of 32 outputs (panels.h), in which its bytes lie in the order in which a product reads
// them; q8_0 also quantises, and wants K to be a multiple of 32.
int panels_pack_bf16(const bf16 *w_NK, void *to, int64_t N, int64_t K, TS_TEAM team);
int panels_pack_q8_0(const bf16 *w_NK, void *to, int64_t N, int64_t K, TS_TEAM team);
// The same from N rows of GGUF's blocks of those types; K is a multiple of 32, or of 256 for q4_k and q6_k.
int panels_pack_q5_0(const uint8_t *blocks, void *to, int64_t N, int64_t K, TS_TEAM team);
int panels_pack_q4_k(const uint8_t *blocks, void *to, int64_t N, int64_t K, TS_TEAM team);
int panels_pack_q6_k(const uint8_t *blocks, void *to, int64_t N, int64_t K, TS_TEAM team);

// y_MN = x_MK w_NKᵀ for any M and some matrices that read the same x; y is of type Y. An element's bits depend on
// its row of x, its row of w and K alone.
#define TS_DECLARE_PANELS(name, Y)                                                            \
    int panels_linear_##name(const bf16 *x, const ts_panels *all, void *scratch, int64_t count, \
                             int64_t M, int64_t K, int64_t x_stride, TS_TEAM team);
TS_DECLARE_PANELS(bf16, bf16)
TS_DECLARE_PANELS(bf16_out_f32, float)
TS_DECLARE_PANELS(q8_0, bf16)
TS_DECLARE_PANELS(q8_0_out_f32, float)
TS_DECLARE_PANELS(q5_0, bf16)
TS_DECLARE_PANELS(q5_0_out_f32, float)
TS_DECLARE_PANELS(q4_k, bf16)
TS_DECLARE_PANELS(q4_k_out_f32, float)
TS_DECLARE_PANELS(q6_k, bf16)
TS_DECLARE_PANELS(q6_k_out_f32, float)
#undef TS_DECLARE_PANELS

// The column of the largest value of each row, the first of equals; NaN is never the largest.
int largest_f32(const float *x_RC, int32_t *columns_R, int64_t R, int64_t C, int64_t stride, TS_TEAM team);
// Draws a column with probability ~ exp(x / temperature): among the top_k largest (0: all), of those among the fewest
// that hold a share of top_p, of those among the ones that are min_p times as likely as the likeliest. uniform in [0, 1)
// decides: uncut in the order of columns, else of probability. -1 where not all are finite. scratch: 8·C bytes.
int draw_f32(const float *x_C, int32_t *column, void *scratch, int64_t C, double temperature, double top_p, double min_p,
             int64_t top_k, double uniform, TS_TEAM team);

// c_MN = factor·a_MK·b_KN + keep·c_MN; keep 0 never reads c. One stride of a and one of b is 1.
#define TS_DECLARE_PRODUCT(name, T, O)                                                        \
    int product_##name(const T *a, const T *b, O *c, void *scratch, int64_t M, int64_t N,     \
                       int64_t K, int64_t a_row, int64_t a_column, int64_t b_row,             \
                       int64_t b_column, int64_t c_row, float factor, float keep, TS_TEAM team);
TS_DECLARE_PRODUCT(f32, float, float)
TS_DECLARE_PRODUCT(bf16, bf16, bf16)
TS_DECLARE_PRODUCT(bf16_out_f32, bf16, float)
#undef TS_DECLARE_PRODUCT
// c_MN = Σ a_MK·b_KN + keep·c_MN over terms of different K. Where no tiles multiply, c is rounded behind each term.
int product_sum_bf16(const ts_term *terms, bf16 *c, void *scratch, int64_t count, int64_t M, int64_t N, int64_t c_row,
                     float keep, TS_TEAM team);
}  // namespace TS_NS
#undef TS_DECLARE
