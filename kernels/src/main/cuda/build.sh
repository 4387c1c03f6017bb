#!/usr/bin/env bash
# Compiles the CUDA kernels into one shared library for all targets; needs no GPU. Without a CUDA
# compiler it says so in one line and is done.
# usage: build.sh OBJECTS_DIR LIBRARY
# Each object is made for one target and kept in ~/.cache/tunesmith by what it was made from, so
# that a fresh checkout of the same sources compiles nothing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
objects=$1
library=$2
cache=${TUNESMITH_CACHE:-$HOME/.cache/tunesmith}/cuda-objects
targets="80 86 89 90a 100 120"

if ! bin=$("$here/../../../cuda-compiler"); then
    rm -f "$library"
    exit 0
fi
compiler=$bin/nvcc
flags="-std=c++17 -O3 -Xcompiler -fPIC,-fvisibility=hidden,-fvisibility-inlines-hidden -diag-suppress 177 -I$here/../c"

mkdir -p "$objects" "$(dirname "$library")" "$cache"
listed=$(echo "$targets" | sed 's/a//g')
common=$( (cat "$here"/*.cuh "$here"/../c/operations.h "$here"/../c/tunesmith.h "$here"/../c/*.def; echo "$flags $targets" | sed "s,$here,,g"; "$compiler" --version) | sha256sum)
# Each `arch` is one run of the front end; nothing here needs more than it has.
gencode="-gencode arch=compute_80,code=[sm_80,sm_86,sm_89,sm_100]"
gencode+=" -gencode arch=compute_90a,code=sm_90a -gencode arch=compute_120,code=[sm_120,compute_120]"

link=()
work=()
for source in "$here"/*.cu "$here"/*.cpp; do
    stamp=$( (echo "$common"; cat "$source") | sha256sum | cut -c1-40)
    object=$cache/$(basename "$source")-$stamp.o
    link+=("$object")
    if [ -f "$object" ]; then touch "$object"; continue; fi
    work+=("'$compiler' $flags $gencode -DTS_TARGETS='\"$listed\"' -c '$source' -o '$object.$$' && mv '$object.$$' '$object'")
done
stamp=$(printf '%s\n' "${link[@]}" | sha256sum)
[ -f "$library" ] && [ "$(cat "$objects/cuda.from" 2>/dev/null)" = "$stamp" ] && exit 0
if [ ${#work[@]} -gt 0 ]; then
    echo "compiling ${#work[@]} of ${#link[@]} CUDA sources for $targets" >&2
    # The longest first, so that the last ones do not wait for them.
    printf '%s\n' "${work[@]}" | sort -k1,1 | awk '/attention/ { print; next } { rest[n++] = $0 } END { for (i = 0; i < n; i++) print rest[i] }' |
        tr '\n' '\0' | xargs -0 -n 1 -P "$(nproc)" bash -c
fi
# The runtime goes in, so that a machine needs the driver alone.
"${CXX:-g++}" -shared -static-libgcc -static-libstdc++ -Wl,--no-undefined -Wl,-z,now -Wl,--exclude-libs,ALL \
    "${link[@]}" -L"$bin/../lib64" -L"$bin/../lib" -lcudart_static -ldl -lrt -lpthread -o "$library.part"
mv "$library.part" "$library"
echo "$stamp" >"$objects/cuda.from"
find "$cache" -name '*.o*' -mtime +30 -delete
