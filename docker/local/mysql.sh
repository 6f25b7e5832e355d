#!/bin/sh
# The database server of the profile `local`, with the database and the account that the settings name. Data: /state.
set -eu
if [ ! -d /state/mysql ]; then
    mariadb-install-db --no-defaults --datadir=/state --skip-test-db --auth-root-authentication-method=socket \
        --auth-root-socket-user=local >/dev/null
fi
# Read at every start, so a changed password is taken over.
umask 077
cat >/tmp/accounts.sql <<SQL
CREATE DATABASE IF NOT EXISTS $DB_NAME CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE USER IF NOT EXISTS '$DB_USER'@'%';
ALTER USER '$DB_USER'@'%' IDENTIFIED BY '$DB_PASSWORD';
GRANT ALL ON $DB_NAME.* TO '$DB_USER'@'%';
SQL
exec mariadbd --no-defaults --datadir=/state --socket=/tmp/mariadb.sock --pid-file=/tmp/mariadb.pid --port=3306 \
    --bind-address=0.0.0.0 --skip-name-resolve --skip-log-bin --performance-schema=OFF --innodb-buffer-pool-size=96M \
    --innodb-log-file-size=48M --max-connections=300 --character-set-server=utf8mb4 \
    --collation-server=utf8mb4_unicode_ci --default-time-zone=+00:00 --init-file=/tmp/accounts.sql
