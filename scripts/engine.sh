#!/usr/bin/env bash
# engine.sh start|stop [DIR]: a Docker engine of one's own for a machine that has none, from Debian's packages, with all its
# data below DIR (/var/tmp/moneymanager-engine). `start` prints the DOCKER_HOST to use:
#   export "$(scripts/engine.sh start)"; make test-compose; scripts/engine.sh stop
# Where no registry can be reached it makes the base image debian:trixie-slim with debootstrap, from this machine's own
# package mirror; its certificate authorities and pip's settings are taken along, so that builds find the packages too.
set -eu
cd "$(dirname "$0")/.."
action=${1:-} dir=${2:-/var/tmp/moneymanager-engine}
base=debian:trixie-slim
export DOCKER_HOST=unix://$dir/docker.sock

say() { echo "engine.sh: $*" >&2; }

alive() { [ -f "$dir/dockerd.pid" ] && kill -0 "$(cat "$dir/dockerd.pid")" 2>/dev/null; }

not_alive() { ! alive; }

wait_until() { # wait_until SECONDS COMMAND...
    local end=$((SECONDS + $1))
    until "${@:2}" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.2
    done
}

start_engine() {
    mkdir -p "$dir"
    setsid dockerd --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/dockerd.pid" \
        -H "$DOCKER_HOST" >"$dir/dockerd.log" 2>&1 </dev/null &
    wait_until 30 docker info || { tail -n 5 "$dir/dockerd.log" >&2 && say "dockerd does not come up" && exit 1; }
}

mirror() { # of this machine, when it is a Debian
    [ "$(. /etc/os-release && echo "$ID")" = debian ] || return 0
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1
}

make_base() {
    say "making $base with debootstrap"
    rm -rf "$dir/base"
    # shellcheck disable=SC2046
    debootstrap --variant=minbase trixie "$dir/base" $(mirror) >"$dir/debootstrap.log" 2>&1 ||
        { tail -n 5 "$dir/debootstrap.log" >&2 && exit 1; }
    # As in the official image: packages leave neither archives, caches nor documentation.
    printf '%s\n' 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };' 'Dir::Cache::pkgcache "";' \
        'Dir::Cache::srcpkgcache "";' >"$dir/base/etc/apt/apt.conf.d/docker-clean"
    printf 'path-exclude /usr/share/%s/*\n' doc man locale >"$dir/base/etc/dpkg/dpkg.cfg.d/docker"
    rm -rf "$dir/base/usr/share/"{doc,man,locale}/*
    mkdir -p "$dir/base/usr/local/share/ca-certificates"
    cp -r /usr/local/share/ca-certificates/. "$dir/base/usr/local/share/ca-certificates/"
    [ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$dir/base/etc/"
    rm -rf "$dir/base/var/cache/apt/archives/"*.deb "$dir/base/var/lib/apt/lists/"*
    tar -C "$dir/base" -c . | docker import - "$base" >/dev/null
    rm -rf "$dir/base"
}

case "$action" in
start)
    [ "$(id -u)" -eq 0 ] || { say "an engine has to be started by root" && exit 1; }
    scripts/install.sh engine >&2
    # Debian 13 has the client in a package of its own.
    command -v docker >/dev/null || scripts/install.sh --as-root docker-cli >&2
    alive || start_engine
    docker image inspect "$base" >/dev/null 2>&1 || timeout 60 docker pull -q "$base" >/dev/null 2>&1 || make_base
    echo "DOCKER_HOST=$DOCKER_HOST"
    ;;
stop)
    alive || exit 0
    kill "$(cat "$dir/dockerd.pid")"
    wait_until 60 not_alive
    # The engine leaves this mount, without which the folder can be removed.
    umount "$dir/exec/netns/default" 2>/dev/null || true
    ;;
*)
    say "start or stop, and a folder"
    exit 2
    ;;
esac
