// Chooses the instruction set once and exports every operation through one table.
//
// An exported name is one jump through its slot, so a call costs nothing extra and a test can
// switch levels in one process. Compiled without any flag for a wide level.
#include <cpuid.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tunesmith.h"

#define TS_NS ts_scalar
#include "operations.h"
#undef TS_NS
#define TS_NS ts_avx2
#include "operations.h"
#undef TS_NS
#define TS_NS ts_avx512
#include "operations.h"
#undef TS_NS
#define TS_NS ts_avx512bf16
#include "operations.h"
#undef TS_NS
#define TS_NS ts_amx
#include "operations.h"
#undef TS_NS

// ---- slots and exports -------------------------------------------------------------------------

#define TS_EXPORT(name)                                               \
    extern "C" {                                                      \
    __attribute__((visibility("hidden"))) void *ts_slot_##name;       \
    }                                                                 \
    asm(".text\n.globl ts_" #name "\n.type ts_" #name ", @function\n" \
        "ts_" #name ":\n\tendbr64\n\tjmp *ts_slot_" #name "(%rip)\n"  \
        ".size ts_" #name ", .-ts_" #name "\n");
#define TS_OP(name) TS_EXPORT(name)
#define TS_TILED(name) TS_EXPORT(name)
#define TS_PAIRED(name) TS_EXPORT(name)
#include "operations.def"

static void fill_scalar() {
#define TS_OP(name) ts_slot_##name = (void *)ts_scalar::name;
#define TS_TILED(name) TS_OP(name)
#define TS_PAIRED(name) TS_OP(name)
#include "operations.def"
}
static void fill_avx2() {
#define TS_OP(name) ts_slot_##name = (void *)ts_avx2::name;
#define TS_TILED(name) TS_OP(name)
#define TS_PAIRED(name) TS_OP(name)
#include "operations.def"
}
static void fill_avx512() {
#define TS_OP(name) ts_slot_##name = (void *)ts_avx512::name;
#define TS_TILED(name) TS_OP(name)
#define TS_PAIRED(name) TS_OP(name)
#include "operations.def"
}
static void fill_avx512bf16() {
#define TS_OP(name) ts_slot_##name = (void *)ts_avx512bf16::name;
#define TS_TILED(name) TS_OP(name)
#define TS_PAIRED(name) TS_OP(name)
#include "operations.def"
}
static void fill_fp32_tiles() {
#define TS_OP(name)
#define TS_TILED(name) ts_slot_##name = (void *)ts_avx512::name;
#define TS_PAIRED(name)
#include "operations.def"
}
static void fill_fp32_pairs() {
#define TS_OP(name)
#define TS_TILED(name)
#define TS_PAIRED(name) ts_slot_##name = (void *)ts_avx512::name;
#include "operations.def"
}
static void fill_amx() {
#define TS_OP(name) ts_slot_##name = (void *)ts_avx512bf16::name;
#define TS_TILED(name) ts_slot_##name = (void *)ts_amx::name;
#define TS_PAIRED(name) TS_OP(name)
#include "operations.def"
}

#if defined(TS_EMULATED_TILES)  // src/test/c
constexpr bool EMULATED_TILES = true;
#else
constexpr bool EMULATED_TILES = false;
#endif

// ---- detection ---------------------------------------------------------------------------------

static uint64_t enabled_state() {
    uint32_t low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static bool tiles_permitted() {
#if defined(__linux__)
    constexpr int ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18;
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
    return false;
#endif
}

static bool has(uint32_t reg, int bit) { return reg >> bit & 1; }

// The processor may have what the hypervisor or kernel does not save: both must agree.
static int best_level() {
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, 27) || !has(c, 28)) return TS_SCALAR;
    const bool fma = has(c, 12), half = has(c, 29);
    const uint64_t state = enabled_state();
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return TS_SCALAR;
    const uint32_t most = a;
    if ((state & 0x6) != 0x6 || !fma || !half || !has(b, 5)) return TS_SCALAR;
    const bool wide = has(b, 16) && has(b, 17) && has(b, 30) && has(b, 31);
    if ((state & 0xe6) != 0xe6 || !wide) return TS_AVX2;
    const bool tiles = has(d, 22) && has(d, 24) && (state & 0x60000) == 0x60000;
    if (most < 1 || !__get_cpuid_count(7, 1, &a, &b, &c, &d) || !has(a, 5)) return TS_AVX512;
    return EMULATED_TILES || (tiles && tiles_permitted()) ? TS_AMX : TS_AVX512BF16;
}

// ---- selection ---------------------------------------------------------------------------------

static int best = TS_SCALAR;
static int current = TS_SCALAR;
static int tiles = TS_SCALAR;

extern "C" __attribute__((visibility("default"))) int ts_cpu_level() { return current; }

// The level whose tile products attention uses; differs from the level where that is faster.
extern "C" __attribute__((visibility("default"))) int ts_cpu_tile_level() { return tiles; }

extern "C" __attribute__((visibility("default"))) int ts_cpu_supports(int level) {
    return level >= TS_SCALAR && level <= best;
}

extern "C" __attribute__((visibility("default"))) int ts_cpu_select(int level) {
    static void (*const fill[TS_LEVELS])() = {fill_scalar, fill_avx2, fill_avx512, fill_avx512bf16, fill_amx};
    if (!ts_cpu_supports(level)) return TS_BAD_ARGUMENT;
    fill[level]();
    current = level;
    tiles = level;
    return TS_OK;
}

// Intel's cores issue VDPBF16PS every second cycle but two fp32 FMA each cycle: 113 against 227
// GFLOP/s a core on Xeon of 2023, so fp32 tiles are faster there. AMD keeps the pairs.
static bool slow_pairs() {
    uint32_t a, b, c, d;
    __get_cpuid(0, &a, &b, &c, &d);
    return b == signature_INTEL_ebx && c == signature_INTEL_ecx && d == signature_INTEL_edx;
}

// TUNESMITH_CPU_ISA lowers the level; a name that is unknown or above the machine leaves the best,
// and Java refuses to start on it.
__attribute__((constructor)) static void choose() {
    static const char *const names[TS_LEVELS] = {"scalar", "avx2", "avx512", "avx512bf16", "amx"};
    best = best_level();
    int level = best;
    const char *forced = getenv("TUNESMITH_CPU_ISA");
    for (int i = 0; forced != nullptr && i <= best; i++) {
        if (strcmp(forced, names[i]) == 0) level = i;
    }
    ts_cpu_select(level);
    if (forced != nullptr || level < TS_AVX512BF16 || !slow_pairs()) return;
    fill_fp32_pairs();
    if (level == TS_AVX512BF16) {
        fill_fp32_tiles();
        tiles = TS_AVX512;
    }
}
