// Times the shipped kernels level by level on the shapes of a 135 M Llama step (2,048 tokens in 4
// documents, width 576, 9 heads, 3 key heads, MLP 1,536, vocabulary 49,152) and of one larger
// attention. Prints the best of several runs after the caches were flushed. Build and run with
// bench.sh; results go into docs/log.md.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <functional>
#include <string>
#include <vector>

#define TS_NS lab
#include "../src/main/c/operations.h"

static void *library;
static int threads = 1;

template <class Fn>
static Fn *find(const char *name, Fn *) {
    void *p = dlsym(library, (std::string("ts_") + name).c_str());
    if (p == nullptr) exit((fprintf(stderr, "no symbol ts_%s\n", name), 1));
    return (Fn *)p;
}
#define KERNEL(name) find(#name, lab::name)

static double now() {
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void *memory(size_t bytes) {
    void *p = aligned_alloc(64, (bytes + 4095) / 64 * 64);
    memset(p, 0, bytes);
    return p;
}

static bf16 *numbers(int64_t n) {
    bf16 *p = (bf16 *)memory(n * 2);
    for (int64_t i = 0; i < n; i++) {
        float f = ((i * 7919) % 1000) / 500.0f - 1.0f;
        uint32_t u;
        memcpy(&u, &f, 4);
        p[i].bits = (uint16_t)(u >> 16);
    }
    return p;
}

static char spoil[16 << 20];

static void report(const char *what, double work, const char *unit, const std::function<int()> &run) {
    double best = 1e9;
    for (int i = 0; i < 7; i++) {
        for (size_t b = 0; b < sizeof spoil; b += 64) spoil[b]++;
        double t = now();
        if (run() != 0) exit((fprintf(stderr, "%s refused\n", what), 1));
        t = now() - t;
        best = t < best ? t : best;
    }
    printf("  %-42s %9.3f ms  %8.1f %s\n", what, best * 1e3, work / best * 1e-9, unit);
}

static void attention(const char *name, int64_t D, int64_t L, int64_t H, int64_t K, int64_t W) {
    int64_t N = D * L, stride = (H + 2 * K) * W;
    bf16 *qkv = numbers(N * stride), *o = numbers(N * H * W), *g = numbers(N * H * W);
    bf16 *dqkv = numbers(N * stride);
    float *lse = (float *)memory(4 * H * N);
    std::vector<int32_t> cu;
    for (int64_t d = 0; d <= D; d++) cu.push_back((int32_t)(d * L));
    void *scratch = memory(512 << 20);
    double flop = 4.0 * N * L * H * W / 2;
    auto fwd = KERNEL(attention_fwd_bf16);
    auto bwd = KERNEL(attention_bwd_bf16);
    std::string label = std::string("attention fwd ") + name;
    report(label.c_str(), flop, "GFLOP/s", [&] {
        return fwd(qkv, qkv + H * W, qkv + (H + K) * W, o, lse, cu.data(), scratch, D, L, H, K, W, stride,
                   stride, stride, H * W, 0.125f, 0, -1, threads);
    });
    label = std::string("attention bwd ") + name;
    report(label.c_str(), 2.5 * flop, "GFLOP/s", [&] {
        return bwd(g, qkv, qkv + H * W, qkv + (H + K) * W, o, lse, cu.data(), dqkv, dqkv + H * W,
                   dqkv + (H + K) * W, scratch, D, L, H, K, W, H * W, stride, stride, stride, H * W,
                   stride, stride, stride, 0.125f, 0, -1, threads);
    });
    free(scratch);
}

static void rows() {
    const int64_t R = 2048, C = 576, M = 1536;
    bf16 *x = numbers(R * C), *y = numbers(R * C), *w = numbers(C), *g = numbers(R * C);
    float *rstd = (float *)memory(4 * R), *dw = (float *)memory(4 * C), *scratch = (float *)memory(1 << 22);
    auto fwd = KERNEL(add_rmsnorm_fwd_bf16);
    report("add+rmsnorm fwd 2048x576", 8.0 * R * C, "GB/s",
           [&] { return fwd(x, g, w, x, y, rstd, R, C, 1e-5f, 0, 0, threads); });
    auto bwd = KERNEL(rmsnorm_bwd_bf16);
    report("rmsnorm bwd 2048x576, frozen weight", 8.0 * R * C, "GB/s",
           [&] { return bwd(g, g, x, w, rstd, y, nullptr, nullptr, R, C, 0, threads); });
    report("rmsnorm bwd 2048x576, trained weight", 8.0 * R * C, "GB/s",
           [&] { return bwd(g, g, x, w, rstd, y, dw, scratch, R, C, 0, threads); });
    bf16 *gate = numbers(R * 2 * M), *h = numbers(R * M);
    auto gated = KERNEL(gated_fwd_bf16);
    report("swiglu fwd 2048x1536", 6.0 * R * M, "GB/s", [&] {
        return gated(gate, gate + M, h, R, M, 2 * M, 2 * M, M, 0, threads);
    });
    auto gated_bwd = KERNEL(gated_bwd_bf16);
    report("swiglu bwd in place 2048x1536", 12.0 * R * M, "GB/s", [&] {
        return gated_bwd(h, gate, gate + M, gate, gate + M, h, R, M, M, 2 * M, 2 * M, 2 * M, 2 * M, M, 0, threads);
    });
    float *table = (float *)memory(4 * 512 * 32);
    std::vector<int32_t> positions;
    for (int64_t n = 0; n < R; n++) positions.push_back((int32_t)(n % 512));
    bf16 *qkv = numbers(R * 960);
    auto rope = KERNEL(rope_bf16);
    report("rope 2048x(9+3)x64", 4.0 * R * 12 * 64, "GB/s", [&] {
        return rope(qkv, qkv + 576, table, table, positions.data(), R, 9, 3, 64, 64, 960, 960, 512, 0, 0, threads);
    });
}

static void heads() {
    const int64_t R = 256, V = 49152;
    bf16 *z = numbers(R * V);
    std::vector<int32_t> labels(R, 7);
    float *losses = (float *)memory(4 * R);
    auto ce = KERNEL(cross_entropy_bf16);
    report("cross-entropy fwd+bwd bf16 256x49152", 4.0 * R * V, "GB/s", [&] {
        return ce(z, labels.data(), nullptr, nullptr, losses, nullptr, nullptr, nullptr, R, V, V, 1, 0, 0, 0, 1, 1, threads);
    });
    float *zf = (float *)memory(4 * 512 * 32000);
    std::vector<int32_t> more(512, 7);
    float *more_losses = (float *)memory(4 * 512);
    auto cef = KERNEL(cross_entropy_f32);
    report("cross-entropy fwd+bwd fp32 512x32000", 8.0 * 512 * 32000, "GB/s", [&] {
        return cef(zf, more.data(), nullptr, nullptr, more_losses, nullptr, nullptr, nullptr, 512, 32000, 32000, 1, 0, 0, 0, 1, 1, threads);
    });
    const int64_t n = 8 << 20;
    bf16 *p = numbers(n), *g = numbers(n);
    float *master = (float *)memory(4 * n), *m = (float *)memory(4 * n), *v = (float *)memory(4 * n);
    auto adamw = KERNEL(adamw_bf16_bf16);
    report("adamw bf16 + master, 8 M", 28.0 * n, "GB/s", [&] {
        return adamw(p, master, g, m, v, nullptr, n, 1e-4, 0.9, 0.999, 1e-8, 0.01, 3, threads);
    });
    auto acc = KERNEL(accumulate_bf16);
    report("fp32 += bf16, 8 M", 10.0 * n, "GB/s", [&] { return acc(m, g, 1.0f, n, threads); });
    auto dropout = KERNEL(dropout_bf16);
    report("dropout bf16, 8 M", 4.0 * n, "GB/s", [&] { return dropout(g, p, n, 0.1f, 1, 2, threads); });
    auto squares = KERNEL(sum_squares_f32);
    double sum = 0;
    report("sum of squares fp32, 8 M", 4.0 * n, "GB/s", [&] { return squares(m, &sum, (double *)v, n, threads); });
}

static void products() {
    const int64_t shapes[][3] = {{2048, 576, 576}, {2048, 1536, 576}, {2048, 576, 1536}, {256, 49152, 576},
                                 {2048, 2048, 2048}, {2048, 16, 576}, {2048, 576, 16}};
    void *scratch = memory(64 << 20);
    auto bf = KERNEL(product_bf16);
    auto wide = KERNEL(product_bf16_out_f32);
    for (auto &s : shapes) {
        int64_t M = s[0], N = s[1], K = s[2];
        bf16 *a = numbers(M * K), *b = numbers(N * K), *c = numbers(2 * M * N);
        std::string name = std::to_string(M) + "x" + std::to_string(N) + "x" + std::to_string(K);
        report(("product bf16 NT " + name).c_str(), 2.0 * M * N * K, "GFLOP/s", [&] {
            return bf(a, b, c, scratch, M, N, K, K, 1, 1, K, N, 1, 0, threads);
        });
        report(("product bf16 NN " + name).c_str(), 2.0 * M * N * K, "GFLOP/s", [&] {
            return bf(a, b, c, scratch, M, N, K, K, 1, N, 1, N, 1, 0, threads);
        });
        report(("product bf16 TN += fp32 " + name).c_str(), 2.0 * M * N * K, "GFLOP/s", [&] {
            return wide(a, b, (float *)c, scratch, M, N, K, 1, M, N, 1, N, 1, 1, threads);
        });
        free(a);
        free(b);
        free(c);
    }
}

static void decoding() {
    const int64_t K = 4096, N = 4096;
    bf16 *w = numbers(N * K), *x = numbers(32 * K), *y = numbers(32 * N);
    void *work = memory(4 << 20);
    auto linear = KERNEL(linear_small_bf16);
    for (int64_t M : {1, 4, 8, 16, 32}) {
        std::string name = "linear_small bf16 4096x4096, M = " + std::to_string(M);
        report(name.c_str(), 2.0 * N * K, "GB/s",
               [&] { return linear(x, w, nullptr, y, work, M, N, K, K, N, 1, 0, threads); });
    }
    const int64_t S = 8, L = 1024, H = 9, KH = 3, D = 64;
    bf16 *kc = numbers(S * L * KH * D), *vc = numbers(S * L * KH * D), *q = numbers(S * H * D), *o = numbers(S * H * D);
    std::vector<int32_t> table, lengths, cu;
    for (int32_t s = 0; s < S; s++) {
        table.push_back(s);
        lengths.push_back(L);
        cu.push_back(s);
    }
    cu.push_back(S);
    void *scratch = memory(64 << 20);
    auto cached = KERNEL(attention_cached_bf16);
    report("attention decode 8 x 1024 cached, 9/3 x 64", 4.0 * S * L * KH * D, "GB/s", [&] {
        return cached(q, o, kc, vc, table.data(), lengths.data(), cu.data(), scratch, S, 1, H, KH, D, L, 1,
                      H * D, H * D, 0.125f, 0, -1, threads);
    });
}

int main(int argc, char **argv) {
    library = dlopen(argv[1], RTLD_NOW);
    if (library == nullptr) exit((fprintf(stderr, "%s\n", dlerror()), 1));
    auto select = (int (*)(int))dlsym(library, "ts_cpu_select");
    auto supports = (int (*)(int))dlsym(library, "ts_cpu_supports");
    const char *names[] = {"scalar", "avx2", "avx512", "avx512bf16", "amx"};
    for (int level = 0; level < TS_LEVELS; level++) {
        bool wanted = argc < 3 || strcmp(argv[2], names[level]) == 0;
        if (!wanted || !supports(level)) continue;
        select(level);
        printf("%s, %d threads\n", names[level], threads);
        attention("4x512, 9/3 heads of 64", 4, 512, 9, 3, 64);
        attention("1x1024, 8/8 heads of 64", 1, 1024, 8, 8, 64);
        attention("1x2048, 8/2 heads of 128", 1, 2048, 8, 2, 128);
        products();
        rows();
        heads();
        decoding();
    }
}
