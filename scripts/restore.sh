#!/usr/bin/env bash
# restore.sh ENV_FILE BACKUP: brings a backup of backup.sh into the database that ENV_FILE names, then checks it: every table has
# the rows of the manifest, the schema is the backup's, every jar holds the sum of its entries, and jars and unassigned add up to
# incomes minus expenses. Ends with 1 when anything differs. The programs must be stopped. FORCE=1 throws away what is there.
set -euo pipefail
# shellcheck source=scripts/database.sh
. "$(dirname "$0")/database.sh"

[ $# -eq 2 ] || fail "usage: restore.sh ENV_FILE BACKUP"
backup=$2
manifest() { sed -n "s/^$1 //p" "$backup/manifest"; }

if [ ! -f "$backup/manifest" ] || [ ! -f "$backup/dump.sql.gz" ]; then fail "$backup is no whole backup"; fi
[ "$(manifest format)" = 1 ] || fail "$backup has a format that this script does not know"
[ "$(sha256sum <"$backup/dump.sql.gz" | cut -d ' ' -f 1)" = "$(manifest dump_sha256)" ] || fail "$backup/dump.sql.gz was changed or cut"

open_database "$1"
others=$(sql -e 'SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()') ||
    fail "the database $name cannot be reached"
[ "$others" = 0 ] || fail "$others connections use $name: stop the API and the workers first"
sql -e "SELECT CONCAT('DROP TABLE IF EXISTS \`', table_name, '\`;') FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'" >"$client/drop"
if [ -s "$client/drop" ]; then
    [ "${FORCE:-}" = 1 ] || fail "$name is not empty ($(wc -l <"$client/drop") tables); FORCE=1 throws all of it away"
    { echo 'SET FOREIGN_KEY_CHECKS = 0;'; cat "$client/drop"; } | sql
fi

say "bringing in the backup of $(manifest began)"
gzip -dc "$backup/dump.sql.gz" | sql

wrong=0
differs() { say "DIFFERS $*"; wrong=1; }
[ "$(schema | sha256sum | cut -d ' ' -f 1)" = "$(manifest schema_sha256)" ] || differs "the schema is not the backup's"
while read -r table rows; do
    found=$(sql -e "SELECT COUNT(*) FROM \`$table\`") || found=none
    [ "$found" = "$rows" ] || differs "table $table: $found rows instead of $rows"
done < <(manifest rows)

jars=$(sql -e 'SELECT COUNT(*) FROM jars j WHERE balance <> (SELECT COALESCE(SUM(amount), 0) FROM jar_entries e
    WHERE e.household_id = j.household_id AND e.jar_id = j.id)')
[ "$jars" = 0 ] || differs "$jars jars do not hold the sum of their entries"
households=$(sql -e "SELECT COUNT(*) FROM households h WHERE
    unassigned + (SELECT COALESCE(SUM(balance), 0) FROM jars j WHERE j.household_id = h.id)
    <> (SELECT COALESCE(SUM(CASE kind WHEN 'income' THEN amount WHEN 'expense' THEN -amount ELSE 0 END), 0)
        FROM transactions t WHERE t.household_id = h.id AND deleted_at IS NULL)")
[ "$households" = 0 ] || differs "in $households households jars and unassigned are not incomes minus expenses"
[ $wrong = 0 ] || fail "the restored database is not what was saved"
say "$(manifest rows | awk '{ rows += $2 } END { print rows " rows of " NR " tables" }'), all as they were saved; sums are right"
