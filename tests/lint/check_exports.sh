#!/bin/sh
# The library exports exactly the functions of its header, links nothing but SQLite and
# jansson, and keeps nothing that changes outside of what callers hand it.
set -eu
build=${1:-build}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sed -n 's/^\(enum tide_result\|void\|int\)[ \n]*\(tide_[a-z_]*\)(.*/\2/p; s/^\(tide_[a-z_]*\)(.*/\1/p' lib/tidemark.h |
    sort > "$folder/header"
nm -D --defined-only "$build/libtidemark.so" | awk '$2 == "T" { sub("@.*", "", $3); print $3 }' | sort > "$folder/shared"
nm --extern-only --defined-only "$build/libtidemark.a" | awk 'NF == 3 { print $3 }' | sort > "$folder/static"
diff -u "$folder/header" "$folder/shared"
diff -u "$folder/header" "$folder/static"
objdump -p "$build/libtidemark.so" | awk '$1 == "NEEDED" { print $2 }' |
    grep -vE '^(libc|libm|libjansson|libsqlite3|libasan|libubsan)\.so' > "$folder/foreign" || true
objdump -t "$build/libtidemark.a" | awk '$0 ~ / O \.(bss|data)(\.[a-zA-Z_].*)?\t/ && $0 !~ /\.data\.rel\.ro/ { print $NF }' > "$folder/changing"
objdump -t "$build/libtidemark.a" | awk '/\*UND\*/ { print $NF }' |
    grep -E '^(v?f?printf|puts|perror|syslog|exit|abort|v?warnx?|v?errx?)$' > "$folder/loud" || true
for list in foreign changing loud; do
    [ ! -s "$folder/$list" ] || { echo "libtidemark, $list:"; cat "$folder/$list"; exit 1; }
done
