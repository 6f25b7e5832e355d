#!/usr/bin/env bash
# backup.sh ENV_FILE FOLDER: a consistent copy of the database that ENV_FILE names, as FOLDER/NAME-TIME/ with dump.sql.gz and a
# manifest (schema, rows of each table, checksum). The programs run meanwhile; nothing is locked. The folder appears only when all
# of it is there. Prints its path. docs/operations.md says what else belongs to a backup.
set -euo pipefail
# shellcheck source=scripts/database.sh
. "$(dirname "$0")/database.sh"

[ $# -eq 2 ] || fail "usage: backup.sh ENV_FILE FOLDER"
open_database "$1"
began=$(date -u +%Y-%m-%dT%H:%M:%SZ)
folder=$2/$name-$(date -u +%Y%m%dT%H%M%SZ)
part=$folder.part
mkdir -p "$2"
mkdir "$part" || fail "another backup of this second is under way"
trap 'rm -rf "$client" "$part"' EXIT

schema >"$client/schema" || fail "the database cannot be read"
[ -s "$client/schema" ] || fail "there is no schema of ours in $name"
! grep -q '1$' "$client/schema" || fail "a migration has not ended; start a program, or run --migrate, and try again"

# One transaction sees all tables as they were at its begin.
mariadb-dump --defaults-file="$client/options" --single-transaction --quick --skip-lock-tables --no-tablespaces \
    --routines --triggers --events --hex-blob --no-autocommit --skip-add-drop-table "$name" |
    gzip -6 >"$part/dump.sql.gz"

# A change of the schema is no part of that transaction.
schema | cmp -s - "$client/schema" || fail "a migration ran meanwhile; try again"
rows_of_dump "$part/dump.sql.gz" >"$client/rows" || fail "this mariadb-dump writes another form of dump"
{
    echo "format 1"
    echo "database $name"
    echo "began $began"
    echo "server $(sql -e 'SELECT VERSION()')"
    echo "schema $(tail -n 1 "$client/schema" | cut -f 1)"
    echo "schema_sha256 $(sha256sum <"$client/schema" | cut -d ' ' -f 1)"
    echo "dump_sha256 $(sha256sum <"$part/dump.sql.gz" | cut -d ' ' -f 1)"
    sed 's/^/rows /' "$client/rows"
} >"$part/manifest"
mv "$part" "$folder"
say "$(awk '/^rows/ { tables++; rows += $3 } END { print rows " rows of " tables " tables" }' "$folder/manifest")," \
    "$(du -h "$folder/dump.sql.gz" | cut -f 1)"
echo "$folder"
