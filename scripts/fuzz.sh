#!/usr/bin/env bash
# fuzz.sh SOURCE...: runs the fuzzer of each source for FUZZ_SECONDS, starting from its corpus in the repository; what it
# finds on the way stays below build/.
set -eu
for source; do
    name=$(basename "$source" .c)
    corpus=build/fuzz/corpus/$name
    mkdir -p "$corpus" "tests/fuzz/corpus/${name#fuzz_}"
    echo "$name"
    "build/fuzz/$name.fuzzer" -max_total_time="${FUZZ_SECONDS:-20}" -timeout=5 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="build/fuzz/$name-" "$corpus" "tests/fuzz/corpus/${name#fuzz_}"
done
