#!/usr/bin/env bash
# Builds the library with AMX tiles emulated in plain C and puts it where the module's tests find
# it; run the tests afterwards and the level amx is no longer skipped. Needs AVX512_BF16.
# `touch` a source or clean the module to get the real library back.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
objects=$here/../target/lab/objects
emulated=$here/../target/lab/emulated
"$here/../src/main/c/build.sh" "$objects" "$here/../target/lab/libtunesmith_cpu.so"
rm -rf "$emulated" && mkdir -p "$emulated"
cp "$objects"/*.o "$emulated"
flags="-std=c++17 -fPIC -fopenmp -fno-exceptions -fno-rtti -fvisibility=hidden -w -O2 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512bf16 -mfma"
for source in "$here"/../src/main/c/attention_*.cpp; do
    g++ $flags -include "$here/emulated_tiles.h" -DTS_NS=ts_amx -DTS_VECTOR=16 -DTS_DOT=1 -DTS_TILES=1 \
        -c "$source" -o "$emulated/amx-$(basename "$source" .cpp).o"
done
sed 's/tiles \&\& tiles_permitted() ? TS_AMX : TS_AVX512BF16/TS_AMX/' "$here/../src/main/c/dispatch.cpp" >"$emulated/dispatch.cpp"
g++ $flags -O2 -I"$here/../src/main/c" -c "$emulated/dispatch.cpp" -o "$emulated/plain-dispatch.o"
g++ -shared -fopenmp -static-libgcc -static-libstdc++ "$emulated"/*.o -lm \
    -o "$here/../target/classes/native/linux-x86_64/libtunesmith_cpu.so"
