#!/usr/bin/env bash
# test-compose.sh: builds the images, brings up the profile `local` under a project name of its own, runs the demo against
# it, stops both programs, and takes everything down again. Ends with 3 when no Docker engine answers: then nothing was tested.
set -eu
cd "$(dirname "$0")/.."

if ! command -v docker >/dev/null || ! docker info >/dev/null 2>&1; then
    echo "test-compose: no Docker engine answers, so nothing was tested. scripts/engine.sh starts one from Debian's packages." >&2
    exit 3
fi
if docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
elif command -v docker-compose >/dev/null; then
    compose=(docker-compose)
else
    echo "test-compose: a Docker engine answers, but docker-compose is missing, so nothing was tested." >&2
    exit 3
fi

scratch=$(mktemp -d)
docker/local-settings.sh >"$scratch/env"
export ENV_FILE=$scratch/env API_PUBLISH=127.0.0.1: LOCAL_TAG=test
export API_IMAGE=moneymanager-api:test WORKER_IMAGE=moneymanager-worker:test
VERSION=$(git describe --always --dirty 2>/dev/null || echo unknown)
export VERSION
compose+=(-p "mm-test-$$")
programs=(moneymanager-api moneymanager-worker)

compose() { "${compose[@]}" --profile local --profile demo "$@"; }
container() { compose ps -aq "$1"; }
inspect() { docker inspect -f "$2" "$(container "$1")"; }
step() { printf '\n== %s\n' "$*"; }

fail() {
    echo "test-compose: $*" >&2
    exit 1
}

# shellcheck disable=SC2317,SC2329  # reached by the trap
finish() {
    code=$?
    if [ $code -ne 0 ]; then
        compose ps || true
        compose logs --tail=30 || true
    fi
    compose down -v --remove-orphans -t 30 >/dev/null 2>&1 || true
    rm -rf "$scratch"
    exit $code
}
trap finish EXIT
trap 'exit 1' INT TERM

wait_until() { # wait_until WHAT SECONDS COMMAND...
    local end=$((SECONDS + $2))
    until "${@:3}"; do
        [ $SECONDS -lt $end ] || fail "$1 did not come within $2 s"
        sleep 0.5
    done
}

all_healthy() {
    local ids
    ids=$(compose ps -aq)
    # shellcheck disable=SC2086
    ! docker inspect -f '{{.Name}} {{.State.Health.Status}}' $ids | grep -v ' healthy$' >"$scratch/waiting"
}

ready() { compose exec -T moneymanager-api curl -fsS -m 4 -o /dev/null http://127.0.0.1:8080/api/v1.0/status 2>/dev/null; }

step "Build"
compose build >"$scratch/build.log" 2>&1 || { tail -n 40 "$scratch/build.log" >&2 && fail "the images do not build"; }

step "Start"
compose up -d --no-build "${programs[@]}" mysql redis aws metadata smtp
wait_until "a healthy state of all containers" 180 all_healthy
wait_until "the API with its database" 60 ready

step "What the containers may do"
for program in "${programs[@]}"; do
    [ "$(compose exec -T "$program" id -u)" = 10001 ] || fail "$program does not run as its own account"
    ! compose exec -T "$program" sh -c 'echo >/usr/local/written || echo >/written' 2>/dev/null || fail "$program can write to its root"
    compose exec -T "$program" "$program" --version
done
[ "$(inspect moneymanager-worker '{{len .NetworkSettings.Ports}}')" = 0 ] || fail "the worker has a port"
published=$(compose port moneymanager-api 8080)
curl -fsS -m 4 "http://$published/health" || fail "the published port $published does not answer"
echo

step "Demo"
compose run --rm demo

step "Stop"
compose stop -t 40 "${programs[@]}"
for program in "${programs[@]}"; do
    [ "$(inspect "$program" '{{.State.ExitCode}} {{.State.OOMKilled}}')" = '0 false' ] || fail "$program did not end with 0"
done

printf '\nThe images, the profile local and the demo work.\n'
