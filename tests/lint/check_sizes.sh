#!/bin/sh
# A file past 600 lines wants a new room; every basename is unique in the tree.
set -eu
long=$(find lib daemon tests demo -name '*.[ch]' -o -name '*.py' -o -name '*.sql' | xargs wc -l |
    awk '$2 != "total" && $1 > 600 { print $2 " has " $1 " lines; 600 is the limit" }')
twice=$(find lib daemon -name '*.[ch]' | sed 's,.*/,,' | sort | uniq -d | grep -vx 'main.c' || true)
[ -z "$long$twice" ] || { printf '%s\n' "$long" ${twice:+"same basename twice: $twice"}; exit 1; }
