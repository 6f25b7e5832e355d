#!/bin/sh
# render.sh OUT: writes nginx.conf from the template beside this script. Settings come from the environment:
#   LISTEN           address and port                       (0.0.0.0:8080)
#   RUN_DIR          pid file and temporary files           (/run/moneymanager)
#   API_SOCKETS      sockets of the API pools, by blanks    ($RUN_DIR/api.sock)
#   TRUSTED_PROXIES  addresses or networks whose X-Forwarded-For is believed, by blanks or commas (none)
#   WEB_ORIGINS      allowed CORS origins, by commas        (none)
#   NGINX_WORKERS    number of worker processes             (auto)
#   NGINX_USER       account of the workers; for a start as root only
#   RESOLVER         name servers for the host of S3, by blanks or commas (those of /etc/resolv.conf)
#   CA_FILE          certificate authorities for S3       (/etc/ssl/certs/ca-certificates.crt)
#   ACCESS_LOG       file and options of the access log     (/dev/stdout)
#   ERROR_LOG        file of the error log                  (/dev/stderr)
set -eu

out=$1
here=$(cd "$(dirname "$0")" && pwd)
run=${RUN_DIR:-/run/moneymanager}
access=${ACCESS_LOG:-/dev/stdout}
servers=${RESOLVER:-$(awk '$1 == "nameserver" && $2 !~ /%/ { print ($2 ~ /:/ ? "[" $2 "]" : $2) }' /etc/resolv.conf 2>/dev/null | tr '\n' ' ')}

# Values end up in a configuration file, so what could end a directive is refused.
case "$run${LISTEN:-}${API_SOCKETS:-}${TRUSTED_PROXIES:-}${WEB_ORIGINS:-}${NGINX_WORKERS:-}${NGINX_USER:-}$servers${CA_FILE:-}$access${ERROR_LOG:-}" in
*[\;\{\}\"\'\$\\]*)
    echo "render.sh: a setting holds one of ; { } \" ' \$ \\" >&2
    exit 2
    ;;
esac

lines() { # lines FORMAT VALUES: one formatted line for each value
    format=$1
    for value in $(printf '%s' "$2" | tr ',' ' '); do
        # shellcheck disable=SC2059
        printf "$format\n" "$value"
    done
}

SERVERS=$(lines '        server unix:%s max_fails=0;' "${API_SOCKETS:-$run/api.sock}")
PROXIES=$(lines '    set_real_ip_from %s;' "${TRUSTED_PROXIES:-}")
# shellcheck disable=SC2016
ORIGINS=$(lines '        "%s" $http_origin;' "${WEB_ORIGINS:-}")
export SERVERS PROXIES ORIGINS
export USER_LINE="${NGINX_USER:+user $NGINX_USER;}" RUN="$run" LISTEN="${LISTEN:-0.0.0.0:8080}"
RESOLVERS=$(echo "$servers" | tr ',' ' ')
[ -z "${RESOLVERS# }" ] || RESOLVERS="    resolver $RESOLVERS valid=30s;"
export RESOLVERS CA="${CA_FILE:-/etc/ssl/certs/ca-certificates.crt}"
export WORKERS="${NGINX_WORKERS:-auto}" ACCESS="$access json buffer=32k flush=1s" ERROR_FILE="${ERROR_LOG:-/dev/stderr}"

awk '
BEGIN {
    split("USER USER_LINE WORKERS WORKERS RUN_DIR RUN ERROR_LOG ERROR_FILE ACCESS_LOG ACCESS LISTEN LISTEN " \
          "TRUSTED_PROXIES PROXIES CORS_ORIGINS ORIGINS API_SERVERS SERVERS RESOLVER RESOLVERS CA_FILE CA", pair, " ")
    for (i = 1; i in pair; i += 2) value[pair[i]] = ENVIRON[pair[i + 1]]
}
{
    for (name in value)
        while ((at = index($0, "@" name "@")) > 0)
            $0 = substr($0, 1, at - 1) value[name] substr($0, at + length(name) + 2)
    print
}' "$here/nginx.conf" >"$out.tmp"
mv "$out.tmp" "$out"
