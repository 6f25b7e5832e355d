#!/usr/bin/env bash
# embed.sh OUT.c SYMBOL FILE...: a C file that defines `const struct embedded_file SYMBOL[]` (base/embedded.h), one row a
# file in the order given, named by its base name; the last row is all zero.
set -eu
out=$1 symbol=$2
shift 2
{
    printf '#include "base/embedded.h"\n\nextern const struct embedded_file %s[];\n' "$symbol"
    number=0
    for file; do
        number=$((number + 1))
        printf '\nstatic const unsigned char file_%d[] = {\n' "$number"
        od -An -v -tx1 "$file" | sed 's/ \(..\)/0x\1,/g'
        # The zero behind the text is not counted in its size.
        printf '0x00};\n'
    done
    printf '\nconst struct embedded_file %s[] = {\n' "$symbol"
    number=0
    for file; do
        number=$((number + 1))
        printf '    {"%s", (const char *)file_%d, sizeof file_%d - 1},\n' "${file##*/}" "$number" "$number"
    done
    printf '    {0, 0, 0},\n};\n'
} >"$out.tmp"
mv "$out.tmp" "$out"
