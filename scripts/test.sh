#!/usr/bin/env bash
# test.sh api|faults [PYTEST-ARGS...]: builds, runs the unit tests (with `api` and without arguments), then tests/api or
# tests/faults on a fresh stack of their own. The last line is `N passed, M failed, K skipped`.
set -u
cd "$(dirname "$0")/.." || exit
kind=$1
shift
stack=.local-test
[ "$kind" = api ] || stack=.local-$kind
report=build/$kind.xml
started=$(mktemp)
passed=0 failed=0 skipped=0

add() {
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# Runs pytest and adds its counts; false when something failed.
run_pytest() {
    local code
    rm -f "$report"
    build/venv/bin/python -m pytest -q --junitxml="$report" "$@"
    code=$?
    if [ -f "$report" ]; then
        # shellcheck disable=SC2046
        add $(build/venv/bin/python scripts/junit-counts.py "$report")
    fi
    [ $code -eq 0 ] || [ $failed -gt 0 ] || add 0 1 0
    return $code
}

stop() {
    build/venv/bin/python local/stack.py down "$stack"
}

# shellcheck disable=SC2317,SC2329  # reached by the trap
finish() {
    stop >/dev/null 2>&1
    rm -f "$started"
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    [ "$failed" -eq 0 ] || exit 1
}
trap finish EXIT
trap 'failed=$((failed + 1)); exit 1' INT TERM

phase_failed() {
    echo "$1" >&2
    add 0 1 0
    exit 1
}

# One run at a time in a checkout.
mkdir -p build
exec 9>build/.test.lock
flock 9

make -s build || phase_failed "The programs do not build."

if [ "$kind" = api ] && [ $# -eq 0 ]; then
    make -s unit
    if [ build/asan/unit.summary -nt "$started" ]; then
        # shellcheck disable=SC2046
        add $(cat build/asan/unit.summary)
    else
        phase_failed "The unit tests do not build."
    fi
fi

# A stack of a run that was killed may be left; its data is of no use.
stop && rm -rf "$stack"
# Two pools and two workers, so that every test also shows that several of each work together.
build/venv/bin/python local/stack.py up "$stack" --port 0 --processes 1 --pools 2 --workers 2 ||
    phase_failed "The stack did not come up."

# Parallel runners have to agree on the names of the tests, which may print sets.
export PYTHONHASHSEED=0
export MM_STACK_DIR=$PWD/$stack MM_STACK_ENV=$PWD/$stack/env
where=("$@")
[ $# -gt 0 ] || where=("tests/$kind")
how=(-n 0)
[ "$kind" = api ] && how=(-n "${TEST_JOBS:-4}" --dist worksteal)
# The killing of both programs has a stack of its own and mostly waits, so it runs beside the others; first, as it is long.
[ "$kind" = api ] && [ $# -eq 0 ] && where=(-c tests/api/pytest.ini tests/faults/test_kill.py tests/api)
run_pytest "${how[@]}" "${where[@]}" || build/venv/bin/python local/stack.py logs "$stack"
# The other fault tests have stacks of their own: one file after the other on each of two runners.
if [ "$kind" = api ] && [ $# -eq 0 ]; then
    run_pytest -n 2 --dist loadfile --ignore tests/faults/test_kill.py tests/faults
    # The templates and their scripts, with a stand-in of their own.
    run_pytest -n 2 --dist loadfile tests/infra
fi
