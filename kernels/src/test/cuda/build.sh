#!/usr/bin/env bash
# Compiles src/main/cuda as C++ against emulated.h into a library that tests open like the real one.
# A second library hides device memory from the host and lets work wait until it is asked for; a third
# has one mistake in it, which the tests must find.
# usage: build.sh OBJECTS_DIR LIBRARY_DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
sources=$here/../../main/cuda
objects=$1
library=$2/libtunesmith_cuda_emulated.so
mutant=$2/libtunesmith_cuda_mutant.so
strict=$2/libtunesmith_cuda_strict.so
cxx=${CXX:-g++}
flags="-std=c++17 -O2 -fPIC -ffp-contract=off -fno-strict-aliasing -fvisibility=hidden -Wall -Wextra -Wno-unknown-pragmas -DTS_EMULATED -I$here -I$sources -I$here/../../main/c"

mkdir -p "$objects" "$2"
common=$(cat "$here"/* "$sources"/*.cuh "$sources"/../c/*.h "$sources"/../c/*.def <("$cxx" --version) | sha256sum)
work=()
link=()
for source in "$sources"/*.cu "$sources"/*.cpp "$here"/*.cpp; do
    object="$objects/$(basename "$source").o"
    stamp=$( (echo "$common"; cat "$source") | sha256sum)
    link+=("$object")
    if [ ! -f "$object" ] || [ "$(cat "$object.from" 2>/dev/null)" != "$stamp" ]; then
        rm -f "$object.from"
        work+=("$cxx $flags -x c++ -c '$source' -o '$object' && echo '$stamp' > '$object.from'")
    fi
done
if [ ${#work[@]} -gt 0 ]; then
    echo "compiling ${#work[@]} of ${#link[@]} emulated CUDA objects" >&2
    printf '%s\0' "${work[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c
fi
[ ${#work[@]} -eq 0 ] && [ -f "$library" ] && [ -f "$mutant" ] && [ -f "$strict" ] && exit 0

link_as() { # library objects…
    "$cxx" -shared -static-libgcc -static-libstdc++ -Wl,--no-undefined -Wl,-Bsymbolic "${@:2}" -lm -o "$1.part"
    mv "$1.part" "$1"
}
link_as "$library" "${link[@]}"

"$cxx" $flags -DTS_STRICT -c "$here/emulated.cpp" -o "$objects/strict.cpp.o"
link_as "$strict" "${link[@]/emulated.cpp.o/strict.cpp.o}"

# The rotation goes the wrong way.
sed 's/a \* c - b \* s/a * c + b * s/' "$sources/rope.cu" >"$objects/mutant.cu"
! cmp -s "$sources/rope.cu" "$objects/mutant.cu"
"$cxx" $flags -x c++ -c "$objects/mutant.cu" -o "$objects/mutant.cu.o"
link_as "$mutant" "${link[@]/rope.cu.o/mutant.cu.o}"
