#!/usr/bin/env bash
# Compiles the CPU kernels into one shared library, once for every instruction set.
# usage: build.sh OBJECTS_DIR LIBRARY
# Each object remembers what it was made from; nothing is compiled twice from the same sources.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
objects=$1
library=$2
cxx=${CXX:-g++}

if [ "$(uname -sm)" != "Linux x86_64" ]; then
    echo "Tunesmith's kernels need Linux on x86-64; this is $(uname -sm)." >&2
    exit 1
fi
if ! command -v "$cxx" >/dev/null; then
    echo "No C++ compiler ('$cxx'). Install one, then build again:" >&2
    echo "  Debian/Ubuntu: sudo apt-get install g++" >&2
    echo "  Fedora:        sudo dnf install gcc-c++ libgomp" >&2
    exit 1
fi
if ! echo | "$cxx" -mamx-bf16 -mavx512bf16 -E - >/dev/null 2>&1; then
    echo "'$cxx' does not know AVX512_BF16 and AMX; GCC 11 or newer is needed (found: $("$cxx" -dumpversion))." >&2
    exit 1
fi

common="-std=c++17 -fPIC -fopenmp -fno-exceptions -fno-rtti -fno-math-errno -fvisibility=hidden -fno-plt -Wall -Wextra -Wno-uninitialized -Wno-maybe-uninitialized"
avx512="-mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c -mprefer-vector-width=512"
declare -A flags=(
    [plain]="-O2"
    [scalar]="-O2 -DTS_NS=ts_scalar -DTS_VECTOR=0"
    [avx2]="-O3 -mavx2 -mfma -mf16c -DTS_NS=ts_avx2 -DTS_VECTOR=8"
    [avx512]="-O3 $avx512 -DTS_NS=ts_avx512 -DTS_VECTOR=16"
    [avx512bf16]="-O3 $avx512 -mavx512bf16 -DTS_NS=ts_avx512bf16 -DTS_VECTOR=16 -DTS_DOT=1"
    [amx]="-O3 $avx512 -mavx512bf16 -mamx-tile -mamx-bf16 -DTS_NS=ts_amx -DTS_VECTOR=16 -DTS_DOT=1 -DTS_TILES=1"
)

mkdir -p "$objects" "$(dirname "$library")"
headers=$(cat "$here"/*.h "$here"/*.def "$here/build.sh" <("$cxx" --version) | sha256sum)
work=()
link=()
plan() { # level source
    local object="$objects/$1-$(basename "$2" .cpp).o" stamp
    stamp=$( (echo "$headers"; cat "$2") | sha256sum)
    link+=("$object")
    if [ ! -f "$object" ] || [ "$(cat "$object.from" 2>/dev/null)" != "$stamp" ]; then
        rm -f "$object.from"
        work+=("$cxx $common ${flags[$1]} -c '$2' -o '$object' && echo '$stamp' > '$object.from'")
    fi
}

for source in "$here"/*.cpp; do
    case $(basename "$source") in
        dispatch.cpp | scratch.cpp | clip.cpp) plan plain "$source" ;;
        attention_*.cpp | linear_panels.cpp | product.cpp) for level in scalar avx2 avx512 avx512bf16 amx; do plan $level "$source"; done ;;
        *) for level in scalar avx2 avx512 avx512bf16; do plan $level "$source"; done ;;
    esac
done

if [ ${#work[@]} -gt 0 ]; then
    echo "compiling ${#work[@]} of ${#link[@]} kernel objects" >&2
    printf '%s\0' "${work[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c
fi
if [ ${#work[@]} -gt 0 ] || [ ! -f "$library" ]; then
    "$cxx" -shared -fopenmp -static-libgcc -static-libstdc++ -Wl,--no-undefined -Wl,-z,now \
        "${link[@]}" -lm -o "$library.part"
    mv "$library.part" "$library"
fi
