#!/usr/bin/env bash
# lint.sh: the checks that need no running program. Each prints what it found; the exit code tells whether any did.
set -u
cd "$(dirname "$0")/.." || exit
bin=build/venv/bin
failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

files() { git ls-files -co --exclude-standard -- "$@" | while read -r file; do [ -f "$file" ] && echo "$file"; done; }

check() { # check NAME COMMAND...: runs quietly, shows the output of what fails
    if "${@:2}" >"$scratch/out" 2>&1; then
        printf 'ok   %s\n' "$1"
    else
        printf 'FAIL %s\n' "$1"
        sed 's/^/     /' "$scratch/out"
        failed=1
    fi
}

each() { # each COMMAND... < NAMES: nothing to do is fine
    xargs -r "$@"
}

# Names the files; `make format` mends them.
c_format() {
    ! { files '*.c' '*.h' | each "$bin/clang-format" --dry-run 2>&1 | sed -n 's/^\([^ :]*\):.*warning:.*/\1/p' | sort | uniq -c | grep .; }
}

# lib/base < lib/service < lib/store < lib/finance < the programs (an include only ever points down).
include_order() {
    ! {
        files 'lib/*.c' 'lib/*.h' | each grep -nE '#include "(http|handlers|jobs|tasks|fcgi-app|worker)/'
        files 'lib/base/*' | each grep -nE '#include "(service|store|finance)/'
        files 'lib/service/*' | each grep -nE '#include "(store|finance)/'
        files 'lib/store/*' | each grep -nE '#include "finance/'
    } | grep .
}

sql_place() { ! files 'fcgi-app/*.c' 'worker/*.c' 'lib/finance/*.c' | each grep -nE '"[[:space:]]*(SELECT|INSERT INTO|UPDATE|DELETE FROM) '; }

no_floating_money() { ! files 'lib/finance/*.[ch]' 'lib/store/*.[ch]' 'lib/base/money.*' | each grep -nwE 'double|float'; }

shell() { files '*.sh' '.ci/*' | each shellcheck -S warning; }

yaml() { files '*.yml' '*.yaml' | each yamllint -s -d '{extends: relaxed, rules: {line-length: {max: 160}}}'; }

python() { files '*.py' | each "$bin/ruff" check -q --no-cache; }

cpp() {
    files '*.c' | grep '^lib/\|^fcgi-app/\|^worker/' | each cppcheck -q -j2 --std=c11 --error-exitcode=1 --inline-suppr \
        --enable=warning,portability,performance --suppress=missingInclude --suppress=missingIncludeSystem \
        --suppress=normalCheckLevelMaxBranches --suppress=unknownMacro --suppress=unknownEvaluationOrder --suppress=uninitvar -Ilib -Ifcgi-app -Iworker
}

nginx_conf() {
    RUN_DIR=$scratch LISTEN=127.0.0.1:8080 TRUSTED_PROXIES=127.0.0.1,10.0.0.0/8 \
        WEB_ORIGINS=http://localhost:5173,https://app.example.com API_SOCKETS="$scratch/a.sock $scratch/b.sock" \
        ACCESS_LOG=$scratch/access.log ERROR_LOG=$scratch/error.log nginx/render.sh "$scratch/nginx.conf" &&
        PATH=$PATH:/usr/sbin nginx -t -q -e "$scratch/start.log" -c "$scratch/nginx.conf"
}

# Every setting of the programs is explained in .env.example.
settings_listed() {
    ! comm -23 <(grep -oE '^ *\{"[A-Z][A-Z0-9_]+"' lib/service/config.c | grep -oE '[A-Z][A-Z0-9_]+' | sort -u) \
        <(grep -oE '^#? ?[A-Z][A-Z0-9_]+=' .env.example | grep -oE '[A-Z][A-Z0-9_]+' | sort -u) | grep .
}

# A path of one machine or a secret has no place in the repository.
no_private_paths() { ! files | grep -vE '^docs/|\.lock$|^scripts/lint\.sh$' | each grep -nIE '/(work|root|home)/[a-z]'; }

check 'C layout' c_format
check 'includes point down' include_order
check 'SQL only in lib/store' sql_place
check 'no floating point near money' no_floating_money
check 'cppcheck' cpp
check 'shell' shell
check 'YAML' yaml
check 'Python' python
check 'CloudFormation' "$bin/cfn-lint" infra/*.yaml
check 'nginx configuration' nginx_conf
check 'settings are explained' settings_listed
check 'no paths of one machine' no_private_paths
[ ! -f docker-compose.yml ] || check 'compose file and Dockerfiles' "$bin/python" scripts/check_compose.py
exit $failed
