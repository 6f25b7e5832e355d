#!/usr/bin/env bash
# deploy.sh [-f FILE] [plan] [STACK...]   deploys all stacks in their order, or those named
# deploy.sh settings FILE                 puts the programs' settings (KEY=value lines) into the parameter store
# deploy.sh refresh                       replaces all machines, one after another, so that they read changed settings
#
# Each stack is moneymanager-NAME, made or changed by a change set; a stack without changes is left alone, so this may run again
# at any time. `plan` shows what would change in stacks that exist. Values of a template's parameters come from FILE
# (infra/settings, NAME=value lines; settings.example explains them), else from an earlier stack's output of the same name,
# else from the template's default.
set -euo pipefail
cd "$(dirname "$0")"

STACKS=(network observability messaging storage registry data compute alarms certificate site bucket-policy)
PREFIX=moneymanager
GROUP=moneymanager
REFRESH_TRIES=${REFRESH_TRIES:-480}
: "${AWS_DEFAULT_REGION:=ap-southeast-1}"
export AWS_DEFAULT_REGION AWS_PAGER=
POLL_SECONDS=${POLL_SECONDS:-5}
umask 077
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# What the programs cannot start without and nobody can make up.
NEEDED_SETTINGS=(SMTP_HOST SMTP_USER SMTP_PASSWORD MAIL_FROM WEB_ORIGINS WEB_BASE_URL)

declare -A value=()     # of parameters, from the file and from outputs
declare -A given=()     # those that stand in the file
declare -A status=()    # of our stacks that exist

say() { printf '%s\n' "$*"; }
die() {
    printf 'deploy.sh: %s\n' "$*" >&2
    exit 1
}

# CloudFront's certificate lives in us-east-1, all else in the region of the environment.
region_of() { if [ "$1" = certificate ]; then echo us-east-1; else echo "$AWS_DEFAULT_REGION"; fi; }

cfn() { # cfn STACK COMMAND...
    local stack=$1
    shift
    aws cloudformation "$@" --region "$(region_of "$stack")"
}

read_file() {
    local line name
    while IFS= read -r line || [ -n "$line" ]; do
        case "$line" in '' | '#'*) continue ;; esac
        name=${line%%=*}
        [ "$name" != "$line" ] || die "$1: not a NAME=value line: $line"
        value[$name]=${line#*=}
        given[$name]=1
    done <"$1"
}

# Of all our stacks in a region, or of the one named: its status, then its outputs.
learn() { # learn REGION [STACK]
    local stack key val which=()
    [ $# -eq 1 ] || which=(--stack-name "$PREFIX-$2")
    while IFS=$'\t' read -r stack key val; do
        stack=${stack#"$PREFIX-"}
        if [ "$key" = : ]; then
            status[$stack]=$val
        elif [ -n "$key" ] && [ -z "${given[$key]:-}" ]; then
            value[$key]=$val
        fi
    done < <(aws cloudformation describe-stacks --region "$1" "${which[@]}" --output json |
        python3 -c 'import json, sys
for stack in json.load(sys.stdin)["Stacks"]:
    if stack["StackName"].startswith(sys.argv[1]):
        print(stack["StackName"], ":", stack["StackStatus"], sep="\t")
        for output in stack.get("Outputs", []):
            print(stack["StackName"], output["OutputKey"], output["OutputValue"], sep="\t")' "$PREFIX-")
}

# Names of the outputs a template declares.
outputs_of() { awk '/^[A-Z]/ { inside = /^Outputs:/ } inside && /^  [A-Za-z]/ { sub(/:.*/, ""); print $1 }' "$1.yaml"; }

# name, tab, y when it has a default else n, tab, description
parameters_of() {
    awk '
    function tell() { if (name != "") printf "%s\t%s\t%s\n", name, has, text }
    /^[A-Z]/ { tell(); name = ""; inside = /^Parameters:/ }
    inside && /^  [A-Za-z]/ { tell(); name = $1; sub(/:.*/, "", name); has = "n"; text = "no description" }
    inside && /[ {]Default:/ { has = "y" }
    inside && /[ {]Description:/ { text = $0; sub(/.*Description: */, "", text); sub(/}$/, "", text) }
    END { tell() }' "$1.yaml"
}

# All that is missing is told at once, before anything is deployed.
check_parameters() {
    local stack name default text missing=0
    local -A promised=()
    for stack in "$@"; do
        while IFS=$'\t' read -r name default text; do
            if [ -n "$name" ] && [ "$default" = n ] && [ -z "${value[$name]:-}" ] && [ -z "${promised[$name]:-}" ]; then
                printf 'deploy.sh: the parameter %s of %s is missing (%s)\n' "$name" "$stack" "$text" >&2
                missing=1
            fi
        done < <(parameters_of "$stack")
        for name in $(outputs_of "$stack"); do promised[$name]=1; done
    done
    [ $missing -eq 0 ] || die "give them in ${file:-infra/settings}; settings.example explains each"
}

# The role or user behind the current key, as policies name it.
deployer() {
    local arn name
    arn=$(aws sts get-caller-identity --query Arn --output text)
    case "$arn" in
    *:assumed-role/*)
        name=${arn#*:assumed-role/}
        aws iam get-role --role-name "${name%%/*}" --query Role.Arn --output text
        ;;
    *) echo "$arn" ;;
    esac
}

# ---- the parameter store: values go through a private file, never through a command line ----
stored() { aws ssm get-parameter --with-decryption --name "$1" --query Parameter.Value --output text 2>/dev/null; }

store() { # store NAME TYPE [once] < value
    python3 -c 'import json, sys; print(json.dumps({"Name": sys.argv[1], "Type": sys.argv[2], "Value": sys.stdin.read(),
        "Tier": "Intelligent-Tiering", "Overwrite": sys.argv[3] != "once"}))' "$1" "$2" "${3:-}" >"$scratch/parameter"
    aws ssm put-parameter --cli-input-json "file://$scratch/parameter" --output text >/dev/null
    rm "$scratch/parameter"
    say "stored   $1"
}

# A secret that exists stays, also when it could not be read just now: the store then refuses the second one.
make_secret() { # make_secret NAME COMMAND...
    stored "$1" >/dev/null || "${@:2}" | tr -d '\n' | store "$1" SecureString once
}

jwt_key() { printf 'k1:%s' "$(openssl rand -hex 32)"; }

declare -A kept=() # settings of the programs in the parameter store

learn_settings() {
    local name val
    while IFS=$'\t' read -r name val; do
        [ -z "$name" ] || kept[${name#/moneymanager/env/}]=$val
    done < <(aws ssm get-parameters-by-path --path /moneymanager/env --with-decryption --query 'Parameters[].[Name,Value]' --output text)
}

store_settings() {
    local line name
    learn_settings
    while IFS= read -r line || [ -n "$line" ]; do
        case "$line" in '' | '#'*) continue ;; esac
        name=${line%%=*}
        [[ $name =~ ^[A-Z][A-Z0-9_]*$ && $name != "$line" ]] || die "$1: not a KEY=value line"
        [ "${kept[$name]:-}" = "${line#*=}" ] || printf %s "${line#*=}" | store "/moneymanager/env/$name" SecureString
    done <"$1"
}

check_settings() {
    local name missing=()
    learn_settings
    for name in "${NEEDED_SETTINGS[@]}"; do [ -n "${kept[$name]:-}" ] || missing+=("$name"); done
    [ ${#missing[@]} -eq 0 ] || die "the programs need ${missing[*]}: put them into the parameter store with 'deploy.sh settings FILE'"
}

# ---- before and after a stack ----
before() {
    case "$1" in
    data)
        make_secret /moneymanager/env/DB_PASSWORD openssl rand -hex 20
        make_secret /moneymanager/redis/AUTH_TOKEN openssl rand -hex 32
        ;;
    compute)
        make_secret /moneymanager/env/JWT_KEYS jwt_key
        check_settings
        # A command substitution drops the last line's end on both sides.
        [ "$(stored /moneymanager/files/docker-compose.yml || true)" = "$(cat ../docker-compose.yml)" ] ||
            store /moneymanager/files/docker-compose.yml String <../docker-compose.yml
        ;;
    bucket-policy) check_endpoints ;;
    esac
}

# A wrong or unfinished endpoint in the policy would lock everybody out.
check_endpoints() {
    local id state
    for id in "${value[S3GatewayEndpointId]}" "${value[S3InterfaceEndpointId]}"; do
        state=$(aws ec2 describe-vpc-endpoints --vpc-endpoint-ids "$id" --query 'VpcEndpoints[0].State' --output text) ||
            die "the endpoint $id does not exist: the bucket's policy stays as it is"
        case "$state" in [Aa]vailable) ;; *) die "the endpoint $id is $state: the bucket's policy stays as it is" ;; esac
    done
}

refresh() { # refresh SKIP_MATCHING
    local id state tries=0
    id=$(aws autoscaling start-instance-refresh --auto-scaling-group-name "$GROUP" --query InstanceRefreshId --output text \
        --preferences "MinHealthyPercentage=100,MaxHealthyPercentage=150,SkipMatching=$1")
    say "refresh  $id: new machines come before old ones go"
    while :; do
        state=$(aws autoscaling describe-instance-refreshes --auto-scaling-group-name "$GROUP" --instance-refresh-ids "$id" \
            --query 'InstanceRefreshes[0].Status' --output text)
        case "$state" in
        Successful) return ;;
        Failed | Cancelled | RollbackFailed | RollbackSuccessful) die "the instance refresh $id ended as $state" ;;
        esac
        tries=$((tries + 1))
        [ $tries -lt "$REFRESH_TRIES" ] || die "the instance refresh $id is still $state"
        sleep "$POLL_SECONDS"
    done
}

why_failed() {
    cfn "$1" describe-stack-events --stack-name "$PREFIX-$1" --output text \
        --query "StackEvents[?contains(ResourceStatus, 'FAILED')] | [0:10].[LogicalResourceId, ResourceStatusReason]" >&2 || true
}

# The parameters of a template that have a value, as CloudFormation takes them. What stands nowhere gets the template's default,
# so the file is the whole truth.
parameters_json() {
    local name
    while IFS=$'\t' read -r name _; do
        [ -z "${value[$name]+set}" ] || printf '%s=%s\n' "$name" "${value[$name]}"
    done < <(parameters_of "$1") | python3 -c 'import json, sys
pairs = [line.rstrip("\n").split("=", 1) for line in sys.stdin]
print(json.dumps([{"ParameterKey": key, "ParameterValue": value} for key, value in pairs]))'
}

# Makes a change set and waits for it; false when there is nothing to change.
make_change_set() { # make_change_set STACK CREATE|UPDATE NAME
    local found
    parameters_json "$1" >"$scratch/parameters"
    cfn "$1" create-change-set --stack-name "$PREFIX-$1" --change-set-name "$3" --change-set-type "$2" \
        --template-body "file://$1.yaml" --parameters "file://$scratch/parameters" --capabilities CAPABILITY_NAMED_IAM \
        --tags Key=Project,Value=moneymanager --output text >/dev/null
    while :; do
        found=$(cfn "$1" describe-change-set --stack-name "$PREFIX-$1" --change-set-name "$3" \
            --query "[Status, StatusReason || '-']" --output text)
        case "$found" in
        CREATE_COMPLETE*) return 0 ;;
        FAILED*"didn't contain changes"* | FAILED*"No updates are to be performed"*)
            cfn "$1" delete-change-set --stack-name "$PREFIX-$1" --change-set-name "$3" --output text >/dev/null
            return 1
            ;;
        FAILED*) die "$PREFIX-$1: $found" ;;
        esac
        sleep "$POLL_SECONDS"
    done
}

show_changes() {
    cfn "$1" describe-change-set --stack-name "$PREFIX-$1" --change-set-name "$2" --output text --query \
        'Changes[].ResourceChange.[Action, LogicalResourceId, ResourceType, Replacement]' | sed 's/^/         /'
}

execute() { # execute STACK CHANGE-SET
    cfn "$1" execute-change-set --stack-name "$PREFIX-$1" --change-set-name "$2" --output text >/dev/null
    while :; do
        learn "$(region_of "$1")" "$1"
        case "${status[$1]}" in
        CREATE_COMPLETE | UPDATE_COMPLETE) return ;;
        REVIEW_IN_PROGRESS | *_IN_PROGRESS) sleep "$POLL_SECONDS" ;;
        *)
            why_failed "$1"
            die "$PREFIX-$1 is ${status[$1]}"
            ;;
        esac
    done
}

deploy() {
    local stack=$1 was kind=UPDATE set
    was=${status[$stack]:-NONE}
    case "$was" in
    NONE | REVIEW_IN_PROGRESS) kind=CREATE ;;
    ROLLBACK_COMPLETE | ROLLBACK_FAILED | DELETE_FAILED | CREATE_FAILED)
        die "$PREFIX-$stack is $was: its creation failed. See its events, delete it, and start again" ;;
    *_IN_PROGRESS) die "$PREFIX-$stack is $was: somebody else works on it" ;;
    esac
    if [ "$plan$kind" = 1CREATE ]; then
        say "new      $PREFIX-$stack"
        return
    fi
    [ "$plan" = 1 ] || before "$stack"
    set=deploy-$(date +%s)-$$
    if ! make_change_set "$stack" $kind "$set"; then
        say "same     $PREFIX-$stack"
    elif [ "$plan" = 1 ]; then
        say "changes  $PREFIX-$stack"
        show_changes "$stack" "$set"
        cfn "$stack" delete-change-set --stack-name "$PREFIX-$stack" --change-set-name "$set" --output text >/dev/null
    else
        say "deploy   $PREFIX-$stack"
        execute "$stack" "$set"
    fi
    if [ "$plan$kind$stack" = 0UPDATEcompute ]; then refresh true; fi
}

file=
plan=0
if [ "${1:-}" = -f ]; then
    file=${2:?-f needs a file}
    [ -r "$OLDPWD/$file" ] && file=$OLDPWD/$file
    shift 2
elif [ -r settings ]; then
    file=settings
fi
case "${1:-}" in
settings)
    settings=${2:?settings needs a file}
    [ -r "$settings" ] || settings=$OLDPWD/$settings
    store_settings "$settings"
    exit
    ;;
refresh)
    refresh false
    exit
    ;;
plan)
    plan=1
    shift
    ;;
esac
wanted=("$@")
[ $# -gt 0 ] || wanted=("${STACKS[@]}")
for stack in "${wanted[@]}"; do
    [ -f "$stack.yaml" ] || die "there is no stack $stack; there are ${STACKS[*]}"
done

[ -z "$file" ] || read_file "$file"
needs_deployer() { [[ " $* " = *" bucket-policy "* ]]; }
if [ -z "${value[DeployerArn]:-}" ] && needs_deployer "${wanted[@]}"; then value[DeployerArn]=$(deployer); fi
# Outputs of what exists already, for runs that name only some stacks.
learn "$AWS_DEFAULT_REGION"
[[ " ${wanted[*]} " != *" certificate "* && " ${wanted[*]} " != *" site "* ]] || learn us-east-1
check_parameters "${wanted[@]}"
for stack in "${wanted[@]}"; do deploy "$stack"; done
