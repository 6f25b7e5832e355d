#!/bin/bash
# Entry point of the API container: nginx, and behind it on a Unix socket API_PROCESSES (2) processes of moneymanager-api,
# which multiwatch keeps alive. When nginx or the pool dies the container ends with 1 and is started anew; on SIGTERM nginx
# finishes what it has accepted, then the pool finishes what it got, and the container ends with 0.
set -eu
export RUN_DIR=/run/moneymanager
export METRICS_DIR=${METRICS_DIR:-$RUN_DIR}
mkdir -p "$RUN_DIR"
rm -f "$RUN_DIR/api.sock"

# A setting that is missing or wrong ends the container at once, with all faults told.
moneymanager-api --check-config >/dev/null
/usr/local/share/moneymanager/nginx/render.sh "$RUN_DIR/nginx.conf"

status=1 signalled=
trap 'status=0 signalled=yes' TERM INT

spawn-fcgi -n -s "$RUN_DIR/api.sock" -b 1024 -M 0600 -- \
    /usr/bin/multiwatch -r 1000000 -s TERM -f "${API_PROCESSES:-2}" -- /usr/local/bin/moneymanager-api &
pool=$!
nginx -e stderr -c "$RUN_DIR/nginx.conf" -g 'daemon off; worker_shutdown_timeout 20s;' &
front=$!

# `wait` ends early when a signal comes.
finish() {
    kill "-$1" "$2" 2>/dev/null || true
    while kill -0 "$2" 2>/dev/null; do wait "$2" || true; done
}

# A signal may have come before there was anything to wait for.
[ -n "$signalled" ] || wait -n "$pool" "$front" || true
[ -n "$signalled" ] || echo "nginx or the pool of API processes ended by itself" >&2
finish QUIT "$front"
finish TERM "$pool"
exit $status
