#!/usr/bin/env bash
# verify.sh: from a machine of the programs, is each thing they need reached, and if not, which layer refuses?
# Runs on the machine (README: "From the outside" sends it there), reads /app/.env, changes nothing but one object it removes again.
# One line a step: ok or FAIL, the step, and for a failure the layer to look at. Ends with 1 when a step failed.
set -u
ENV_FILE=${ENV_FILE:-/app/.env}
BUCKET=${BUCKET:-botdevgroup-documents}
TABLES=${TABLES:-"chat_sessions chat_messages"}
RESOLVER=${RESOLVER:-"10.0.10.53 10.0.11.53"}
WAIT=${WAIT:-5}
failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export AWS_PAGER='' AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=2

# A setting of the programs; the environment's own comes first.
setting() {
    local own=${!1:-}
    if [ -n "$own" ]; then echo "$own"; else sed -n "s/^$1=//p" "$ENV_FILE" 2>/dev/null | tail -n 1; fi
}

ok() { printf 'ok   %s\n' "$1"; }
fail() { # fail STEP LAYER TEXT
    printf 'FAIL %s\n     %s\n     %s\n' "$1" "$2" "$(printf %s "$3" | tr '\n' ' ' | cut -c1-400)"
    failed=1
}

# ---- which layer says no. AWS names it in its message ----
layer() {
    case "$1" in
    *"VPC endpoint policy"*) echo "endpoint policy: network.yaml, the endpoint's PolicyDocument" ;;
    *"explicit deny in a resource-based policy"*) echo "bucket policy: bucket-policy.yaml; does the request come through one of the two endpoints it names?" ;;
    *"no resource-based policy allows"*) echo "resource policy: the queue's or the bucket's own policy" ;;
    *"no identity-based policy allows"* | *"explicit deny in an identity-based policy"* | *"no permissions boundary"* | *"service control policy"*)
        echo "IAM: compute.yaml, MachineRole" ;;
    *"Unable to locate credentials"*) echo "IAM: the machine has no instance profile, or the metadata's hop limit is below 2" ;;
    *ExpiredToken* | *InvalidClientTokenId* | *UnrecognizedClient* | *SignatureDoesNotMatch* | *InvalidAccessKeyId*)
        echo "credentials: static keys in $ENV_FILE, or a clock that is wrong" ;;
    *NonExistentQueue* | *QueueDoesNotExist* | *ResourceNotFound* | *NoSuchBucket*)
        echo "name: it does not exist in this region and account" ;;
    *"onnect timeout"* | *"imed out"* | *"Could not connect"* | *"Connection was closed"*)
        echo "security group or route: the endpoint's group must take 443 from the programs' group; without an endpoint, the NAT" ;;
    *AccessDenied* | *"Access Denied"* | *Forbidden* | *"not authorized"*)
        echo "IAM, endpoint policy or bucket policy: the answer does not name the layer; take them in this order" ;;
    *) echo "unknown: see the message" ;;
    esac
}

step() { # step NAME COMMAND...: an AWS call
    local text
    if text=$("${@:2}" 2>&1 >"$scratch/out"); then ok "$1"; else
        fail "$1" "$(layer "$text")" "$text"
        return 1
    fi
}

call() { aws --cli-connect-timeout "$WAIT" --cli-read-timeout 20 "$@"; }

# ---- a port: silence is a group, a refusal is the server ----
port() { # port NAME HOST PORT GROUP
    local code=0
    [ -n "$2" ] || {
        fail "$1" "settings: no host in $ENV_FILE" ""
        return 1
    }
    getent ahosts "$2" >/dev/null || {
        fail "$1" "name service: $2 has no address; is it the name that data.yaml gives out?" ""
        return 1
    }
    timeout "$WAIT" bash -c "exec 3<>/dev/tcp/$2/$3" 2>"$scratch/port" || code=$?
    case $code in
    0) ok "$1 port $3" ;;
    124)
        fail "$1 port $3" "security group: $4 must take $3 from the programs' group, and that one must let it out" "no answer in $WAIT s"
        return 1
        ;;
    *)
        fail "$1 port $3" "server: the network lets it through and nobody listens; a failover, or a stopped server" "$(cat "$scratch/port")"
        return 1
        ;;
    esac
}

storage() {
    local key
    key=verify/$HOSTNAME-$$
    echo verify >"$scratch/in"
    step "S3 list" call s3api list-objects-v2 --bucket "$BUCKET" --max-items 1
    step "S3 put" call s3api put-object --bucket "$BUCKET" --key "$key" --body "$scratch/in" --server-side-encryption AES256 || return
    step "S3 get" call s3api get-object --bucket "$BUCKET" --key "$key" "$scratch/back"
    step "S3 delete" call s3api delete-object --bucket "$BUCKET" --key "$key"
}

tables() {
    local table
    for table in $TABLES; do
        step "DynamoDB $table" call dynamodb get-item --table-name "$table" --key '{"id": {"S": "verify"}}'
    done
}

# The address is said here: older clients take the queue's old host name, which is not the endpoint's.
queue() {
    step "SQS" call --endpoint-url "${AWS_ENDPOINT_URL_SQS:-https://sqs.$AWS_DEFAULT_REGION.amazonaws.com}" \
        sqs get-queue-attributes --queue-url "$(setting SQS_QUEUE_URL)" --attribute-names ApproximateNumberOfMessages
}

database() {
    local host port authority text
    host=$(setting DB_HOST) port=$(setting DB_PORT)
    port "RDS" "$host" "${port:-3306}" DatabaseSecurityGroup || return
    authority=$(setting DB_SSL_CA)
    # The programs' name of the file is one inside the container.
    [ -r "$authority" ] || authority=/app/certs/${authority##*/}
    text=$(timeout "$WAIT" openssl s_client -starttls mysql -connect "$host:${port:-3306}" -CAfile "$authority" -verify_hostname "$host" \
        -verify_return_error </dev/null 2>&1)
    case "$text" in
    *"Verify return code: 0 (ok)"*) ok "RDS TLS" ;;
    *) fail "RDS TLS" "certificate: is $authority the bundle of RDS, and DB_HOST the name in the certificate?" "$(grep -i -m 2 error <<<"$text")" ;;
    esac
}

cache() {
    local url rest host port token text=""
    url=$(setting REDIS_URL)
    rest=${url#*://}
    token=${rest%@*}
    [ "$token" != "$rest" ] || token=
    token=${token#*:}
    rest=${rest##*@} rest=${rest%%/*}
    host=${rest%:*} port=${rest##*:}
    port "Redis" "$host" "$port" CacheSecurityGroup || return
    # The token goes through a pipe: a command line is for all to see. The pause keeps the connection until the answer is in.
    case "$url" in
    rediss:*)
        text=$({ [ -z "$token" ] || printf 'AUTH %s\r\n' "$token"; printf 'PING\r\nQUIT\r\n'; sleep 1; } |
            timeout "$WAIT" openssl s_client -quiet -verify_return_error -verify_hostname "$host" -connect "$host:$port" 2>&1) ;;
    *)
        text=$({ [ -z "$token" ] || printf 'AUTH %s\r\n' "$token"; printf 'PING\r\nQUIT\r\n'; } |
            timeout "$WAIT" bash -c "exec 3<>/dev/tcp/$host/$port; cat >&3; cat <&3" 2>&1) ;;
    esac
    case "$text" in
    *PONG*) ok "Redis PING" ;;
    *WRONGPASS* | *NOAUTH* | *"invalid password"*) fail "Redis PING" "token: /moneymanager/redis/AUTH_TOKEN is not the one the cache has" "" ;;
    *) fail "Redis PING" "TLS: the cache takes only TLS, with a certificate of its own name" "$text" ;;
    esac
}

# Asks one name server for S3's name and prints the first address: the inbound resolver must give one of the VPC.
ask() {
    python3 - "$1" "$2" "$WAIT" <<'END'
import random, socket, struct, sys
server, name, wait = sys.argv[1], sys.argv[2], float(sys.argv[3])
question = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0" + struct.pack(">HH", 1, 1)
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.settimeout(wait)
host, _, port = server.partition(":")
line.sendto(struct.pack(">HHHHHH", random.randrange(65536), 0x0100, 1, 0, 0, 0) + question, (host, int(port or 53)))
answer = line.recv(4096)
at = 12 + len(question)
for _ in range(struct.unpack(">H", answer[6:8])[0]):
    while answer[at] and answer[at] < 192:
        at += answer[at] + 1
    at += 2 if answer[at] else 1
    kind, _, _, size = struct.unpack(">HHIH", answer[at:at + 10])
    at += 10
    if kind == 1:
        print(socket.inet_ntoa(answer[at:at + 4]))
        break
    at += size
END
}

resolver() {
    local server name found
    name=$BUCKET.s3.$(setting AWS_REGION).amazonaws.com
    for server in $RESOLVER; do
        if ! found=$(ask "$server" "$name" 2>"$scratch/ask"); then
            fail "resolver $server" "security group: ResolverSecurityGroup must take 53 from here" "$(tail -n 1 "$scratch/ask")"
        else
            case "$found" in
            10.0.*) ok "resolver $server: S3 is $found" ;;
            *) fail "resolver $server" "endpoint: S3InterfaceEndpoint gives no private names for the inbound resolver" "$name is ${found:-unknown}" ;;
            esac
        fi
    done
}

programs() {
    local answer
    answer=$(cd /app 2>/dev/null && docker-compose exec -T moneymanager-api curl -s -m 10 http://127.0.0.1:8080/api/v1.0/status 2>&1) || {
        fail "programs" "container: moneymanager-api does not run; journalctl -u moneymanager" "$answer"
        return
    }
    printf 'ok   programs: %s\n' "$(printf %s "$answer" | cut -c1-600)"
}

AWS_DEFAULT_REGION=$(setting AWS_REGION)
export AWS_DEFAULT_REGION
steps=("$@")
[ $# -gt 0 ] || steps=(storage tables queue database cache resolver programs)
for name in "${steps[@]}"; do
    case "$name" in
    storage | tables | queue | database | cache | resolver | programs) "$name" ;;
    *)
        echo "verify.sh: there is no step $name" >&2
        exit 2
        ;;
    esac
done
exit $failed
