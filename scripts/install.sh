#!/usr/bin/env bash
# install.sh [SET...]: installs the Debian or Ubuntu packages that the sets need and are missing, and makes the Python
# environment build/venv from local/requirements.lock. Says what it does; does nothing when nothing is missing.
# Sets: run (build and local stack, included in the others), test, lint, fuzz, bench, valgrind. Alone, without a Python environment:
# build (what the compiler needs), engine (Docker).
set -eu
cd "$(dirname "$0")/.."

build=(gcc make pkg-config libc6-dev libfcgi-dev libmariadb-dev libhiredis-dev libjson-c-dev libcurl4-openssl-dev
    libssl-dev libsodium-dev libjwt-dev libgmime-3.0-dev libesmtp-dev libxml2-dev libpcre2-dev libxlsxwriter-dev
    libminizip-dev libpango1.0-dev util-linux)
run=("${build[@]}" git mariadb-server mariadb-client redis-server nginx spawn-fcgi multiwatch supervisor python3
    python3-venv openssl ca-certificates curl jq procps poppler-utils fonts-dejavu-core)
test=(libcmocka-dev libfaketime)
lint=(shellcheck yamllint cppcheck docker-compose)
fuzz=(clang)
bench=(wrk libcmocka-dev)
valgrind=(valgrind)
engine=(docker.io docker-compose iptables debootstrap debian-archive-keyring ca-certificates)

# No service of these packages may start: the local stack runs its own, on its own ports.
install_as_root() {
    policy=/usr/sbin/policy-rc.d kept=
    if [ -e "$policy" ]; then
        kept=$(mktemp "$policy.XXXXXX")
        cp -p "$policy" "$kept"
    fi
    # shellcheck disable=SC2064
    trap "rm -f $policy; [ -z '$kept' ] || mv '$kept' $policy" EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"

    export DEBIAN_FRONTEND=noninteractive
    apt-get -q -o DPkg::Lock::Timeout=300 update >/dev/null
    apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends install "$@"

    [ -d /run/systemd/system ] || return 0
    for service in mariadb redis-server nginx supervisor docker; do
        for package; do
            case "$package" in "$service" | "$service-server" | "$service.io") systemctl -q disable "$service" || true ;; esac
        done
    done
}

missing_packages() {
    for package; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=
        [ "$state" = installed ] || echo "$package"
    done
}

if [ "${1:-}" = --as-root ]; then
    shift
    install_as_root "$@"
    exit
fi

if ! command -v apt-get >/dev/null; then
    echo "install.sh: this machine has no apt-get; Debian 12 or 13 or a current Ubuntu is needed" >&2
    exit 1
fi

wanted=("${run[@]}")
case "$*" in
build) wanted=("${build[@]}") ;;
engine) wanted=("${engine[@]}") ;;
esac
for set; do
    case "$set" in
    run | build | engine) ;;
    test) wanted+=("${test[@]}") ;;
    lint) wanted+=("${lint[@]}") ;;
    fuzz) wanted+=("${fuzz[@]}" "${test[@]}") ;;
    bench) wanted+=("${bench[@]}") ;;
    valgrind) wanted+=("${valgrind[@]}") ;;
    *)
        echo "install.sh: there is no set '$set'" >&2
        exit 2
        ;;
    esac
done

mapfile -t missing < <(missing_packages "${wanted[@]}")
if [ "${#missing[@]}" -gt 0 ]; then
    echo "Installing ${#missing[@]} packages with apt-get: ${missing[*]}"
    if [ "$(id -u)" -eq 0 ]; then
        "$0" --as-root "${missing[@]}"
    elif command -v sudo >/dev/null; then
        sudo "$0" --as-root "${missing[@]}"
    else
        echo "install.sh: run this as root, or install sudo, or install these packages yourself" >&2
        exit 1
    fi
fi

case "$*" in build | engine) exit ;; esac

venv=build/venv
lock_sum=$(sha256sum local/requirements.lock | cut -d' ' -f1)
python=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if [ "$(cat $venv/.made-from 2>/dev/null)" != "$lock_sum $python" ]; then
    echo "Making the Python environment $venv from local/requirements.lock"
    rm -rf $venv
    /usr/bin/python3 -m venv $venv
    $venv/bin/pip install -q --disable-pip-version-check --no-deps --require-hashes -r local/requirements.lock
    echo "$lock_sum $python" >$venv/.made-from
fi
