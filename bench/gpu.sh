#!/usr/bin/env bash
# Everything that a machine with a GPU can tell, in one run; the figures belong into docs/log.md.
#   bench/gpu.sh pack FILE.tar.gz   on a built checkout: a Java runtime, our classes and their jars in one file
#   bench/gpu.sh [run]              in the unpacked folder, or on the checkout: parity, golden cases, speed
# Each result is one line of JSON, on standard output and in $WORK/results.jsonl; what fails is one
# too, and the next one follows. The output of each part is kept in $WORK.
# cuBLAS and libtorch's attention are found beside an installed PyTorch: TUNESMITH_LIBTORCH names its lib folder.
# Settings: SHAPES, METHODS, TOKENS, STEPS, BATCHES; PARTS (parity sanitizer golden speed); LIMIT seconds
# for a measurement; PEAK_TFLOPS (dense bf16) for GPUs whose name is not known; WORK for models.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
modules="kernels contracts engine testkit bench"

# ---- packing -----------------------------------------------------------------------------------

# Jars of others: our own modules lie beside them as classes.
jars() {
  cat "$here/bench/target/classpath" <(echo :) "$here/kernels/target/test-classpath" | tr ':' '\n' | grep '\.jar$' |
    grep -v -E '/(contracts|kernels|engine|testkit|platform|bench)-[0-9.]+(-SNAPSHOT)?\.jar$' | sort -u
}

pack() {
  local room home file jar module
  for file in bench/target/classpath kernels/target/test-classpath kernels/target/classes/native/linux-x86_64/libtunesmith_cuda.so; do
    [ -e "$here/$file" ] || { echo "$file is missing: kernels/cuda-compiler --install, then ./tunesmith build and ./tunesmith test make it" >&2; return 1; }
  done
  room=$(mktemp -d)
  home=$room/tunesmith
  "${JAVA_HOME:?names a JDK 25}/bin/jlink" --add-modules java.se,jdk.unsupported,jdk.compiler,jdk.zipfs --strip-debug --no-man-pages \
    --no-header-files --output "$home/jre" || return 1
  mkdir -p "$home/lib" "$home/bench" "$home/kernels/src/main" "$home/engine/target/test-classes"
  cp "$here/bench/gpu.sh" "$home/bench/"
  for module in $modules; do
    mkdir -p "$home/$module/target"
    cp -r "$here/$module/target/classes" "$home/$module/target/" || return 1
  done
  cp -r "$here/kernels/target/test-classes" "$home/kernels/target/"
  (cd "$here/engine/target/test-classes" && cp --parents dev/tunesmith/engine/tensor/FlashRouteTest.class "$home/engine/target/test-classes") || return 1
  mkdir -p "$home/golden"
  cp -r "$here/golden/." "$here/engine/src/test/resources/golden/." "$home/golden/"
  for jar in $(jars); do cp -n "$jar" "$home/lib/" || return 1; done
  tar -czf "$1" -C "$room" tunesmith && rm -r "$room" && echo "packed: $1"
}

# ---- running -----------------------------------------------------------------------------------

class_path() {
  local module path=""
  for module in $modules; do path+="$here/$module/target/classes:"; done
  path+="$here/kernels/target/test-classes:$here/engine/target/test-classes:"
  if [ -d "$here/lib" ]; then echo "$path$here/lib/*"; else echo "$path$(jars | tr '\n' ':')"; fi
}

java_run() { # heap, main, arguments
  local heap=$1
  shift
  timeout "${LIMIT:-1800}" "$java" -XX:+UseSerialGC "-Xmx$heap" --enable-native-access=ALL-UNNAMED \
    --sun-misc-unsafe-memory-access=allow -Dtunesmith.home="$here" -cp "$(class_path)" "$@"
}

say() { echo "$1" | tee -a "$work/results.jsonl"; }

# Dense bf16 with fp32 sums, of the makers' data sheets.
peak_tflops() {
  case "$1" in
    *H100*PCIe*) echo 756 ;;
    *H100* | *H200* | *GH200*) echo 989 ;;
    *B200* | *GB200*) echo 2250 ;;
    *A100*) echo 312 ;;
    *L40S*) echo 362 ;;
    *4090*) echo 165 ;;
    *5090*) echo 210 ;;
    *) echo "" ;;
  esac
}

# What was asked for, then the figures of the last line of a log, and the share of the GPU's peak.
measured() { # fields, status, log
  local figures share="" flops
  figures=$(grep '^{' "$3" | tail -n 1)
  if [ "$2" != 0 ] || [ -z "$figures" ]; then
    failed=1
    say "{$1,\"failed\":$2,\"log\":\"$3\",\"reason\":\"$(grep -E -i 'error|exception|tunesmith:|memory' "$3" | head -n 1 | tr -d '"\\' | tr '\t' ' ' | cut -c1-200)\"}"
    return
  fi
  flops=$(sed -n 's/.*"model_tflops":\([0-9.]*\).*/\1/p' <<<"$figures")
  [ -n "$peak" ] && [ -n "$flops" ] && share=$(awk -v f="$flops" -v p="$peak" 'BEGIN { printf "\"mfu\":%.4f,", f / p }')
  say "{$1,$share${figures#\{}"
}

suite() { # label, select options
  local label=$1 log=$work/$1.log
  shift
  (cd "$here/kernels" && java_run 2g org.junit.platform.console.ConsoleLauncher execute --disable-banner --disable-ansi-colors \
    --details=tree "$@") >"$log" 2>&1
  local status=$?
  say "{\"part\":\"$label\",\"passed\":$(counted successful "$log"),\"skipped\":$(counted aborted "$log"),\"failed\":$(counted failed "$log"),\"status\":$status}"
  [ "$status" = 0 ] || failed=1
}
counted() { sed -n "s/^\[ *\([0-9]*\) tests $1 .*/\1/p" "$2" | tail -n 1 | grep . || echo null; }

parity() {
  suite parity --select-package dev.tunesmith.kernels.cpu --include-classname '.*Test'
  suite attention --select-class dev.tunesmith.kernels.torch.FlashAttentionTest --select-class dev.tunesmith.engine.tensor.FlashRouteTest
}

sanitizer() {
  command -v compute-sanitizer >/dev/null || { say '{"part":"sanitizer","skipped":"no compute-sanitizer"}'; return; }
  local log=$work/sanitizer.log status
  (cd "$here/kernels" && compute-sanitizer --tool memcheck --target-processes all "$java" --enable-native-access=ALL-UNNAMED \
    -cp "$(class_path)" org.junit.platform.console.ConsoleLauncher execute --disable-banner --details=summary \
    --select-class dev.tunesmith.kernels.cpu.AttentionTest --select-class dev.tunesmith.kernels.cpu.NormTest) >"$log" 2>&1
  status=$?
  say "{\"part\":\"sanitizer\",\"status\":$status,\"log\":\"$log\"}"
  [ "$status" = 0 ] || failed=1
}

# A fault of a device ends all later work of its process, so each folder has one of its own.
golden() {
  local folder name log passed=0 bad=0 count status
  for folder in $(find "$here/golden" "$here/engine/src/test/resources/golden" -name case.json 2>/dev/null |
    sed -E 's,(/golden/[^/]+/[^/]+)/.*,\1,; s,/case.json$,,' | sort -u); do
    name=$(basename "$(dirname "$folder")")-$(basename "$folder")
    log=$work/golden-$name.log
    java_run 2g dev.tunesmith.bench.Main verify "$folder" >"$log" 2>&1
    status=$?
    count=$(grep -c '^ok ' "$log")
    passed=$((passed + count))
    count=$(grep -c '^FAIL' "$log")
    [ "$status" != 0 ] && [ "$count" = 0 ] && count=1
    bad=$((bad + count))
    [ "$status" = 0 ] || say "{\"part\":\"golden\",\"folder\":\"$name\",\"status\":$status,\"failed\":$count,\"log\":\"$log\"}"
  done
  say "{\"part\":\"golden\",\"passed\":$passed,\"failed\":$bad}"
  [ "$bad" = 0 ] || failed=1
}

train() { # shape, method, tokens
  local batch=1 log=$work/$1-$2-$3.log
  [ "$2" = dpo ] && batch=2
  java_run 4g dev.tunesmith.bench.Main bench train --model "$work/$1" --method "$2" --batch "$batch" --seq "$(($3 / batch))" \
    --steps "${STEPS:-8}" --recompute block >"$log" 2>&1
  measured "\"part\":\"train\",\"shape\":\"$1\",\"method\":\"$2\",\"tokens\":$3" $? "$log"
}

decode() { # shape, prompt, new, batch
  local log=$work/$1-decode-$2-$4.log
  java_run 4g dev.tunesmith.bench.Main bench decode --model "$work/$1" --prompt "$2" --new "$3" --batch "$4" >"$log" 2>&1
  measured "\"part\":\"decode\",\"shape\":\"$1\",\"prompt\":$2,\"new\":$3,\"batch\":$4" $? "$log"
}

speed() {
  local shape method batch
  for shape in ${SHAPES:-qwen05 qwen15 qwen3 llama8}; do
    if [ ! -e "$work/$shape/model.safetensors" ]; then
      TUNESMITH_DEVICE=cpu java_run 4g dev.tunesmith.bench.Main bench model "$shape" "$work/$shape" >"$work/$shape.log" 2>&1 ||
        { failed=1; say "{\"part\":\"model\",\"shape\":\"$shape\",\"failed\":1,\"log\":\"$work/$shape.log\"}"; continue; }
    fi
    for method in ${METHODS:-lora qlora full dpo}; do train "$shape" "$method" "${TOKENS:-4096}"; done
    decode "$shape" "${TOKENS:-4096}" 2 1
    for batch in ${BATCHES:-1 8 32}; do decode "$shape" 512 128 "$batch"; done
  done
  [ "${LONG:-llama8}" = none ] || [ ! -e "$work/${LONG:-llama8}/model.safetensors" ] || train "${LONG:-llama8}" lora 65536
}

run() {
  command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q GPU || { echo "skipped: no GPU (nvidia-smi lists none)"; return 0; }
  java=$here/jre/bin/java
  [ -x "$java" ] || java=${JAVA_HOME:?names a JDK 25}/bin/java
  export TUNESMITH_DEVICE=${TUNESMITH_DEVICE:-cuda:0}
  work=${WORK:-$here/target/gpu}
  failed=0
  mkdir -p "$work"
  local name part
  name=$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | head -n 1)
  peak=${PEAK_TFLOPS:-$(peak_tflops "$name")}
  say "{\"part\":\"machine\",\"gpu\":\"$name\",\"peak_tflops\":${peak:-null},\"libtorch\":\"${TUNESMITH_LIBTORCH:-}\"}"
  for part in ${PARTS:-parity sanitizer golden speed}; do "$part"; done
  [ "$failed" = 0 ] || echo "something failed; see above and $work" >&2
  return "$failed"
}

case ${1:-run} in
  pack) pack "${2:?names the file}" ;;
  run) run ;;
  *) sed -n '2,9p' "${BASH_SOURCE[0]}" | sed 's/^# //' >&2; exit 2 ;;
esac
