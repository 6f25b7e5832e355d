# shellcheck shell=bash
# Sourced by backup.sh and restore.sh: the database that an env file names. Sets `client` (a folder that only we read, removed
# at the end); `sql` runs statements and prints rows as tab-separated lines.

say() { printf '%s\n' "$*" >&2; }
fail() { say "${0##*/}: $*"; exit 1; }

setting() { sed -n "s/^$1=//p" "$env_file" | tail -n 1; }

# A line of an option file; a password on a command line could be read by everyone on the machine.
option() { # option NAME VALUE
    [ -z "$2" ] || printf '%s="%s"\n' "$1" "$(printf %s "$2" | sed 's/[\\"]/\\&/g')"
}

open_database() { # open_database ENV_FILE
    env_file=$1
    [ -r "$env_file" ] || fail "$env_file cannot be read; ENV=FILE names the settings of the programs"
    command -v mariadb-dump >/dev/null || fail "mariadb-client is not installed"
    name=$(setting DB_NAME)
    [ -n "$name" ] || fail "$env_file has no DB_NAME"
    umask 077
    client=$(mktemp -d)
    trap 'rm -rf "$client"' EXIT
    {
        echo '[client]'
        option user "$(setting DB_USER)"
        option password "$(setting DB_PASSWORD)"
        option default-character-set utf8mb4
        if [ -n "$(setting DB_SOCKET)" ]; then
            option socket "$(setting DB_SOCKET)"
        else
            option host "$(setting DB_HOST)"
            option port "$(setting DB_PORT)"
            option ssl-ca "$(setting DB_SSL_CA)"
            [ -z "$(setting DB_SSL_CA)" ] || echo ssl-verify-server-cert
        fi
    } >"$client/options"
}

sql() { mariadb --defaults-file="$client/options" --batch --skip-column-names "$name" "$@"; }

# One line a step of a migration; what was begun and not finished ends with 1.
schema() { sql -e 'SELECT version, step, checksum, done_at IS NULL FROM schema_migrations ORDER BY version, step'; }

# Rows of each table in a dump: mariadb-dump writes each row on a line of its own, and no raw line break inside a value. Ends with
# 1 when it does not.
rows_of_dump() { # rows_of_dump FILE
    gzip -dc "$1" | LC_ALL=C awk -F '`' '
        /^CREATE TABLE `/ { rows[$2] += 0 }
        /^INSERT INTO `/ { table = $2; if ($0 !~ /` VALUES$/) exit bad = 1; next }
        table && /^\(/ { rows[table]++; if (/;$/) table = "" }
        END { if (bad) exit 1; for (table in rows) print table, rows[table] }' | LC_ALL=C sort
}
