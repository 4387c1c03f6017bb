#!/usr/bin/env bash
# Links the CPU kernels once more with AMX's tiles emulated (emulated_tiles.h), and a second time with one
# mistake in it, which the tests must find. The other objects are those of src/main/c/build.sh.
# usage: build.sh NATIVE_OBJECTS_DIR OBJECTS_DIR LIBRARY_DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
sources=$here/../../main/c
native=$1
objects=$2
library=$3/libtunesmith_cpu_tiles.so
mutant=$3/libtunesmith_cpu_tiles_mutant.so
cxx=${CXX:-g++}
common="-std=c++17 -fPIC -fopenmp -fno-exceptions -fno-rtti -fno-math-errno -fvisibility=hidden -fno-plt -Wall -Wextra -Wno-uninitialized -Wno-maybe-uninitialized -DTS_EMULATED_TILES"
wide="-O2 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512bf16 -mfma -mf16c -mprefer-vector-width=512 -DTS_NS=ts_amx -DTS_VECTOR=16 -DTS_DOT=1 -DTS_TILES=1 -include $here/emulated_tiles.h"

mkdir -p "$objects" "$3"
stamp=$(cat "$native"/*.from "$here"/* <("$cxx" --version) | sha256sum)
[ -f "$library" ] && [ -f "$mutant" ] && [ "$(cat "$objects/stamp" 2>/dev/null)" = "$stamp" ] && exit 0
rm -f "$objects/stamp"

# One of four products of each step takes the wrong tile.
rm -rf "$objects/wrong"
mkdir "$objects/wrong"
cp "$sources"/* "$objects/wrong"
sed -i 's/_tile_dpbf16ps(3, 5, 7)/_tile_dpbf16ps(3, 5, 6)/' "$objects/wrong/tile.h"
! cmp -s "$sources/tile.h" "$objects/wrong/tile.h"

echo "compiling the kernels with emulated tiles" >&2
work=("$cxx $common -O2 -c '$sources/dispatch.cpp' -o '$objects/plain-dispatch.o'")
for object in "$native"/amx-*.o; do
    name=$(basename "$object" .o)
    work+=("$cxx $common $wide -c '$sources/${name#amx-}.cpp' -o '$objects/$name.o'")
done
for name in linear_panels product; do
    work+=("$cxx $common $wide -c '$objects/wrong/$name.cpp' -o '$objects/wrong/amx-$name.o'")
done
printf '%s\0' "${work[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c

link_as() { # library folder-of-panels-and-products
    local link=()
    for object in "$native"/*.o; do
        case $(basename "$object") in
            plain-dispatch.o) link+=("$objects/plain-dispatch.o") ;;
            amx-linear_panels.o | amx-product.o) link+=("$2/$(basename "$object")") ;;
            amx-*) link+=("$objects/$(basename "$object")") ;;
            *) link+=("$object") ;;
        esac
    done
    "$cxx" -shared -fopenmp -static-libgcc -static-libstdc++ -Wl,--no-undefined -Wl,-Bsymbolic -Wl,-z,now "${link[@]}" -lm -o "$1.part"
    mv "$1.part" "$1"
}
link_as "$library" "$objects"
link_as "$mutant" "$objects/wrong"
echo "$stamp" >"$objects/stamp"
