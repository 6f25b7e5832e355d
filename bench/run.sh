#!/usr/bin/env bash
# Throughput and latency of the running programs, each beside its floor in the same run. Needs: make build, scripts/install.sh run bench.
# bench/run.sh [--seconds N] [--connections N] [--json FILE]
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build/bench
for floor in list write; do
    # shellcheck disable=SC2046
    cc -std=gnu17 -O2 -Wall -Wextra -o "build/bench/floor_$floor" "bench/floor_$floor.c" bench/floor.c \
        $(pkg-config --cflags --libs libmariadb) -lpthread
done
exec build/venv/bin/python bench/bench.py "$@"
