#!/usr/bin/env bash
# fuzz.sh SOURCE...: runs the fuzzer of each source for FUZZ_SECONDS, starting from its corpus in the repository; what it
# finds on the way stays below build/. One line for each; all it said when it failed. FUZZ_JOBS at a time.
set -u

run_one() {
    name=$(basename "$1" .c)
    found=build/fuzz/corpus/$name corpus=tests/fuzz/corpus/${name#fuzz_} log=build/fuzz/$name.log
    mkdir -p "$found" "$corpus"
    options=(-max_total_time="${FUZZ_SECONDS:-20}" -timeout=10 -rss_limit_mb=1024 -verbosity=0 -print_final_stats=1)
    [ ! -f "tests/fuzz/$name.dict" ] || options+=(-dict="tests/fuzz/$name.dict")
    if "build/fuzz/$name.fuzzer" "${options[@]}" -artifact_prefix="build/fuzz/$name-" "$found" "$corpus" >"$log" 2>&1; then
        printf 'ok   %s (%s inputs)\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: //p' "$log")"
    else
        printf 'FAIL %s\n' "$name"
        grep -v '# Uses:' "$log" | tail -n 60 | sed 's/^/     /'
        return 1
    fi
}
export -f run_one

# shellcheck disable=SC2016  # the inner shell expands it
printf '%s\0' "$@" | xargs -0 -P "${FUZZ_JOBS:-2}" -I{} bash -c 'run_one "$1"' run {}
