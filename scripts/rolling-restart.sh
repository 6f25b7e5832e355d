#!/bin/sh
# rolling-restart.sh [PID...]: starts the API processes anew, one after another, so that no request is lost: a process that
# gets SIGTERM finishes what it has begun, and the pool's socket stays open meanwhile. PID is a multiwatch process; without
# any, every multiwatch of this machine whose children are moneymanager-api. The new processes run the program that is
# installed now, with the environment that multiwatch was started with. Ends with 1, leaving the rest alone, when a new
# process does not come up.
set -eu

wait_s=${ROLLING_WAIT_SECONDS:-20}

children() { cat "/proc/$1/task/$1/children" 2>/dev/null || true; }

name() { cat "/proc/$1/comm" 2>/dev/null || true; }

threads() { sed -n 's/^Threads:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null || true; }

is_api() { case "$(name "$1")" in moneymanager-ap*) return 0 ;; *) return 1 ;; esac; }

pools() {
    for dir in /proc/[0-9]*; do
        pid=${dir#/proc/}
        [ "$(name "$pid")" = multiwatch ] || continue
        for child in $(children "$pid"); do
            if is_api "$child"; then
                echo "$pid"
                break
            fi
        done
    done
}

# A child of the pool that is none of the old ones and has its threads: it serves then.
new_child() { # new_child POOL OLD THREADS
    for child in $(children "$1"); do
        case " $2 " in *" $child "*) continue ;; esac
        if is_api "$child" && [ "$(threads "$child")" -ge "$3" ] 2>/dev/null; then
            echo "$child"
            return
        fi
    done
}

restart() { # restart POOL CHILD
    known=$(children "$1" | tr '\n' ' ')
    # It starts with one or two, and makes all that take requests at once; some others come only when they are needed.
    wanted=$(($(threads "$2") / 2 + 1))
    kill -TERM "$2"
    tries=$((wait_s * 20))
    while [ -e "/proc/$2" ] || [ -z "$(new_child "$1" "$known" "$wanted")" ]; do
        tries=$((tries - 1))
        if [ "$tries" -le 0 ]; then
            echo "rolling-restart.sh: nothing serves in the place of process $2 after $wait_s s" >&2
            exit 1
        fi
        sleep 0.05
    done
    echo "process $2 is replaced by $(new_child "$1" "$known" "$wanted")"
}

# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(pools)
if [ $# -eq 0 ]; then
    echo "rolling-restart.sh: no pool of API processes runs here" >&2
    exit 1
fi
for pool; do
    old=$(children "$pool")
    if [ -z "$old" ]; then
        echo "rolling-restart.sh: process $pool keeps no children" >&2
        exit 1
    fi
    for child in $old; do
        if is_api "$child"; then restart "$pool" "$child"; fi
    done
done
