#!/usr/bin/env bash
# Builds the kernels and their bench, then runs it: bench.sh [scalar|avx2|avx512|avx512bf16|amx]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../target/lab
mkdir -p "$build"
"$here/../src/main/c/build.sh" "$build/objects" "$build/libtunesmith_cpu.so"
g++ -O2 -std=c++17 "$here/bench.cpp" -o "$build/bench" -ldl
"$build/bench" "$build/libtunesmith_cpu.so" "$@"
