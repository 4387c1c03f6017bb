// Exports every operation of operations.h as ts_<name>, as src/main/c/dispatch.cpp does: the same
// declarations, so that a launcher with other arguments does not link.
typedef struct CUstream_st *cudaStream_t;
#define TS_NS ts_cuda
#define TS_TEAM cudaStream_t
#include "operations.h"

#define TS_OP(name)                                                                         \
    extern "C" {                                                                            \
    __attribute__((visibility("hidden"))) void *ts_slot_##name = (void *)ts_cuda::name;     \
    }                                                                                       \
    asm(".text\n.globl ts_" #name "\n.type ts_" #name ", @function\n"                       \
        "ts_" #name ":\n\tendbr64\n\tjmp *ts_slot_" #name "(%rip)\n"                        \
        ".size ts_" #name ", .-ts_" #name "\n");
#define TS_CPU(name)
#define TS_CPU_TILED(name)
#define TS_TILED(name) TS_OP(name)
#define TS_PAIRED(name) TS_OP(name)
#include "operations.def"
