#!/bin/sh
# Nothing stays behind that nobody uses: queries, tables of the cache, functions that only their
# own file calls (they are static) or nobody does.
set -eu
out=$1
words=$(mktemp)
trap 'rm -f "$words"' EXIT
grep -rhoE '[a-z0-9_]+_sql\.[a-z0-9_]+' lib daemon --include='*.c' | sort -u > "$words"
queries=$(for file in lib/*/*.sql daemon/*/*.sql; do
    sed -n "s,^-- name: \(.*\),$(basename "$file" .sql)_sql.\1,p" "$file"
done | sort -u | comm -23 - "$words" | sed 's,.*,no query runs &,')
tables=$(sed -n 's,^create table \([a-z_]*\) (.*,\1,p' migrations/cache/*.sql | while read -r table; do
    grep -rqw "$table" lib daemon --include='*.sql' --include='*.c' || echo "no module uses table $table"
done)
functions=$(for source in lib/*/*.c daemon/*.c daemon/*/*.c; do echo "$out/${source%.c}.o"; done | xargs nm -A | awk '
    $(NF - 1) == "T" { home[$NF] = 1 }
    $(NF - 1) == "U" { used[$NF] = 1 }
    END { for (name in home) if (!(name in used) && name != "main" && name !~ /^tide_/) print name }
' | sort | while read -r name; do
    grep -rqw "$name" tests --include='*.c' || echo "$name() is called by no other file: make it static, or let it go"
done)
[ -z "$queries$tables$functions" ] || { printf '%s\n' "$queries" "$tables" "$functions" | grep .; exit 1; }
