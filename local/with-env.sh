#!/bin/sh
# with-env.sh FILE COMMAND...: runs the command with the KEY=value lines of FILE in its environment (values are taken as
# they stand, as a container's env file is read).
set -eu
while IFS= read -r line; do
    case "$line" in
    '' | '#'*) ;;
    *) export "${line?}" ;;
    esac
done <"$1"
shift
exec "$@"
