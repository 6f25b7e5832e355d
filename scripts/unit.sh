#!/usr/bin/env bash
# unit.sh BUILD PROGRAM...: runs each cmocka program of BUILD, prints one line for each (and all it said when it failed),
# sums the counts into BUILD/unit.summary and prints them. A program that dies counts as one failed test.
set -u
build=$1
shift
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
[ -f tests/unit/lsan.supp ] && export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=tests/unit/lsan.supp:print_suppressions=0}
mkdir -p "$build"
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

count() { sed -n "s/^\[ *$1 *\] \(.*: \)\{0,1\}\([0-9][0-9]*\) test(s).*/\2/p" "$log" | awk '{ sum += $1 } END { print sum + 0 }'; }

for program; do
    timeout "${UNIT_SECONDS:-120}" "$build/$program" >"$log" 2>&1
    code=$?
    p=$(count PASSED) f=$(count FAILED) s=$(count SKIPPED)
    [ "$code" -eq 0 ] || [ "$f" -gt 0 ] || f=1
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [ "$f" -gt 0 ]; then
        printf 'FAIL %s (%d passed, %d failed, exit %d)\n' "$program" "$p" "$f" "$code"
        grep -v '^\[       OK \]\|^\[ RUN ' "$log" | sed 's/^/     /'
    else
        printf 'ok   %s (%d)\n' "$program" "$p"
    fi
done
printf '%d %d %d\n' "$passed" "$failed" "$skipped" >"$build/unit.summary"
printf 'unit tests: %d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
