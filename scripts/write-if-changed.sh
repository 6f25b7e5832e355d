#!/usr/bin/env bash
# write-if-changed.sh FILE < TEXT: keeps FILE's time when its text stays the same, so that make does not rebuild.
set -eu
text=$(cat)
[ -f "$1" ] && [ "$text" = "$(cat "$1")" ] || printf '%s\n' "$text" >"$1"
