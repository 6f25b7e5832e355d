#!/usr/bin/env bash
# demo.sh [STACK-DIR]: the main job with curl, as a user's client would do it, against a running stack. API_URL and MAIL_DIR
# may be set instead of naming a stack. Ends with 0 only when every step went as told.
set -eu -o pipefail
cd "$(dirname "$0")/.."
stack=${1:-.local}
if [ -z "${API_URL:-}" ]; then
    if [ ! -f "$stack/env" ]; then
        echo "demo: no stack runs in $stack; start one with make run or make up" >&2
        exit 1
    fi
    API_URL=$(sed -n 's/^API_URL=//p' "$stack/env")
    MAIL_DIR=$(sed -n 's/^MAIL_DIR=//p' "$stack/env")
fi
base=$API_URL/api/v1.0
email="demo-$(date +%s)-$$@example.com"
password=a-demo-password
token=
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

fail() {
    echo "demo: $*" >&2
    exit 1
}

step() { printf '\n== %s\n' "$*"; }

call() { # call STATUS METHOD PATH [BODY]: the answer's body is in $answer
    local status=$1 method=$2 path=$3 code
    shift 3
    local arguments=(-sS -m 20 -o "$answer" -w '%{http_code}' -X "$method" -H 'Content-Type: application/json')
    [ -z "$token" ] || arguments+=(-H "Authorization: Bearer $token")
    [ $# -eq 0 ] || arguments+=(-d "$1")
    code=$(curl "${arguments[@]}" "$base$path") || fail "$method $path: no answer from $base"
    [ "$code" = "$status" ] || fail "$method $path answered $code instead of $status: $(cat "$answer")"
    printf '%s %s -> %s\n' "$method" "$path" "$code"
}

field() { jq -r "$1" "$answer"; }

expect() { # expect WHAT GOT WANTED
    [ "$2" = "$3" ] || fail "$1 is $2, expected $3"
    printf '   %s: %s\n' "$1" "$2"
}

mails() { python3 local/read_mail.py "$MAIL_DIR" "$email" "$@"; }

wait_for_mail() { # wait_for_mail TEXT: prints the mail
    local deadline=$((SECONDS + 30)) found
    while [ $SECONDS -lt $deadline ]; do
        found=$(mails "$1")
        if [ -n "$found" ]; then
            printf '%s\n' "$found"
            return
        fi
        sleep 0.2
    done
    fail "no mail with '$1' came within 30 s"
}

show_jars() {
    call 200 GET /jars
    jq -r '.[] | [.name, .currentBalance, .current.limit, .current.spent, .current.available] | @tsv' "$answer" |
        awk -F '\t' 'BEGIN { printf "   %14s %14s %14s %14s  %s\n", "balance", "limit", "spent", "available", "jar" }
                     { printf "   %14s %14s %14s %14s  %s\n", $2, $3, $4, $5, $1 }'
}

jar() { jq -r ".[] | select(.id == $jar_id) | $1" "$answer"; }

step "Register $email"
call 201 POST /register "{\"fullName\":\"Nguyễn An\",\"email\":\"$email\",\"password\":\"$password\",\"profileImageUrl\":\"\"}"

step "Read the code from the mail and activate the account"
code=$(wait_for_mail '' | grep -oE '\b[0-9]{6}\b' | head -n 1) || fail "the mail holds no code of six digits"
echo "   code $code"
call 200 POST /verify-activation "{\"email\":\"$email\",\"otp\":\"$code\"}"

step "Log in"
call 200 POST /login "{\"email\":\"$email\",\"password\":\"$password\"}"
token=$(field .token)

step "Categories"
call 201 POST /categories '{"name":"Lương","type":"income","icon":"💼"}'
salary=$(field .id)
call 201 POST /categories '{"name":"Nhà cửa","type":"expense","icon":"🏠"}'
home=$(field .id)

step "An income of 20,000,000 fills the six jars"
call 201 POST /incomes "{\"name\":\"Lương tháng\",\"categoryId\":$salary,\"amount\":20000000}"
expect "jars filled" "$(field '.allocations | length')" 6
expect "allocated" "$(field '[.allocations[].amount] | add')" 20000000

step "A small expense of 45,000"
call 200 GET /jars
jar_id=$(field '.[0].id')
call 201 POST /expenses "{\"name\":\"Phở\",\"categoryId\":$home,\"amount\":45000,\"jarId\":$jar_id}"
expect "has a budget" "$(field .budgetStatus.hasBudget)" false

step "The jars before"
show_jars
expect "limit" "$(jar .current.limit)" 11000000
expect "spent" "$(jar .current.spent)" 45000

step "A large expense of 6,500,000"
call 201 POST /expenses "{\"name\":\"Tủ lạnh mới\",\"categoryId\":$home,\"amount\":6500000,\"jarId\":$jar_id}"

step "The mail about it"
mail=$(wait_for_mail 'Tủ lạnh mới')
printf '%s\n' "$mail" | sed 's/^/   | /'

step "The jars after"
show_jars
expect "limit" "$(jar .current.limit)" 11000000
expect "spent" "$(jar .current.spent)" 6545000
expect "available" "$(jar .current.available)" 4455000
expect "balance" "$(jar .currentBalance)" 4455000
call 200 GET /jars/unassigned
expect "unassigned" "$(field .amount)" 0
expect "mails about the large expense" "$(mails 'Tủ lạnh mới' | grep -c '^Subject: ')" 1

printf '\nAll steps went as told.\n'
