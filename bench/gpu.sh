#!/usr/bin/env bash
# Everything that a machine with a GPU can tell, in one run; the figures belong into docs/log.md.
#   bench/gpu.sh pack FILE.tar.gz   on a built checkout: a Java runtime, our classes and their jars in one file
#   bench/gpu.sh [run]              in the unpacked folder, or on the checkout: parity, golden cases, speed
# cuBLAS is found beside an installed PyTorch: TUNESMITH_LIBTORCH names its lib folder.
# Settings: SHAPES, METHODS, TOKENS, STEPS; PEAK_TFLOPS (dense bf16 of the GPU) for the MFU; WORK for models.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
modules="kernels contracts engine testkit bench"

pack() {
  local room jar
  room=$(mktemp -d)
  "${JAVA_HOME:?names a JDK 25}/bin/jlink" --add-modules java.se,jdk.unsupported,jdk.compiler,jdk.zipfs --strip-debug --no-man-pages \
    --no-header-files --output "$room/tunesmith/jre" || return 1
  mkdir -p "$room/tunesmith/lib" "$room/tunesmith/bench"
  cp "$here/bench/gpu.sh" "$room/tunesmith/bench/"
  for module in $modules; do
    mkdir -p "$room/tunesmith/$module/target"
    cp -r "$here/$module/target/classes" "$room/tunesmith/$module/target/"
  done
  mkdir -p "$room/tunesmith/kernels/src/main" && cp -r "$here/kernels/target/test-classes" "$room/tunesmith/kernels/target/"
  cp -r "$here/golden" "$room/tunesmith/" 2>/dev/null
  for jar in $(cat "$here/bench/target/classpath" <(echo :) "$here/kernels/target/test-classpath" | tr ':' '\n' | grep '\.jar$'); do [ -f "$jar" ] && cp -n "$jar" "$room/tunesmith/lib/"; done
  tar -czf "$1" -C "$room" tunesmith && rm -r "$room" && echo "packed: $1"
}

class_path() {
  local module path=""
  for module in $modules; do path+="$here/$module/target/classes:"; done
  path+="$here/kernels/target/test-classes"
  if [ -d "$here/lib" ]; then echo "$path:$here/lib/*"; else echo "$path:$(cat "$here/bench/target/classpath"):$(cat "$here/kernels/target/test-classpath")"; fi
}

java_run() { # heap, main, arguments
  local heap=$1
  shift
  "$java" -XX:+UseSerialGC "-Xmx$heap" --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
    -Dtunesmith.home="$here" -cp "$(class_path)" "$@"
}

section() { printf '\n== %s\n' "$*"; }

# One JSON line, with the share of the GPU's peak where that is known.
figures() { # label, JSON
  local share=""
  [ -n "${PEAK_TFLOPS:-}" ] && share=$(sed -n 's/.*"product_tflops":\([0-9.]*\).*/\1/p' <<<"$2" | awk -v p="$PEAK_TFLOPS" '{ printf " mfu %.3f", $1 / p }')
  echo "$1$share $2"
}

run() {
  command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q GPU || { echo "skipped: no GPU (nvidia-smi lists none)"; return 0; }
  java=$here/jre/bin/java
  [ -x "$java" ] || java=${JAVA_HOME:?names a JDK 25}/bin/java
  export TUNESMITH_DEVICE=${TUNESMITH_DEVICE:-cuda:0}
  local work=${WORK:-$here/target/gpu} failed=0 shape method line
  mkdir -p "$work"
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader

  section "parity of the kernels (skipped tests name their reason)"
  (cd "$here/kernels" && java_run 2g org.junit.platform.console.ConsoleLauncher execute --disable-banner --details=summary \
    --select-package dev.tunesmith.kernels.cpu --include-classname '.*Test') || failed=1
  if command -v compute-sanitizer >/dev/null; then
    section "the same under compute-sanitizer"
    (cd "$here/kernels" && compute-sanitizer --tool memcheck --target-processes all "$java" --enable-native-access=ALL-UNNAMED \
      -cp "$(class_path)" org.junit.platform.console.ConsoleLauncher execute --disable-banner --details=summary \
      --select-class dev.tunesmith.kernels.cpu.AttentionTest --select-class dev.tunesmith.kernels.cpu.NormTest) || failed=1
  fi

  section "golden cases"
  java_run 2g dev.tunesmith.bench.Main verify "$here/golden" || failed=1

  for shape in ${SHAPES:-qwen05 qwen15 qwen3 llama8}; do
    [ -e "$work/$shape/config.json" ] || TUNESMITH_DEVICE=cpu java_run 40g dev.tunesmith.bench.Main bench model "$shape" "$work/$shape"
    for method in ${METHODS:-lora qlora full dpo}; do
      section "$shape $method, ${TOKENS:-4096} tokens packed"
      line=$(java_run 4g dev.tunesmith.bench.Main bench train --model "$work/$shape" --method "$method" \
        --batch "$([ "$method" = dpo ] && echo 2 || echo 1)" --seq "${TOKENS:-4096}" --steps "${STEPS:-8}" --recompute block | tail -n 1) || failed=1
      figures "$shape $method" "$line"
    done
    section "$shape decode and prefill"
    for batch in 1 8 32; do
      figures "$shape decode $batch" "$(java_run 4g dev.tunesmith.bench.Main bench decode --model "$work/$shape" --prompt 512 --new 128 --batch "$batch" | tail -n 1)"
    done
  done
  [ "$failed" = 0 ] || echo "something failed; see above" >&2
  return "$failed"
}

case ${1:-run} in
  pack) pack "${2:?names the file}" ;;
  run) run ;;
  *) sed -n '2,6p' "${BASH_SOURCE[0]}" | sed 's/^# //' >&2; exit 2 ;;
esac
