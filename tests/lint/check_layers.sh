#!/bin/sh
# Dependencies point downwards only: each folder, then the folders its files may
# include. A folder that is not listed may not be included at all. The second
# table names who may include the headers of a library.
set -eu
layers='
lib/base
lib/db           lib/base
lib/model        lib/base
lib/store        lib/base lib/db lib/model
lib/control      lib/base
lib/repository   lib lib/base lib/db lib/model lib/store lib/control
daemon/loop      lib/base
daemon/observe   lib/base
daemon/primary   lib/base lib/model
daemon/sync      lib/base lib/db lib/model lib/store daemon/primary daemon/loop daemon/observe
daemon/migrate   lib/base daemon/primary
daemon/server    lib/base lib/control daemon/sync daemon/loop daemon/observe
daemon           lib/base lib/db lib/model lib/store lib/control daemon/loop daemon/observe daemon/primary daemon/sync daemon/migrate daemon/server
daemon/cli       lib/base lib/db lib/model lib/store lib/control daemon/loop daemon/observe daemon/primary daemon/sync daemon/migrate daemon
'
libraries='
sqlite3.h      lib/db
libpq-fe.h     daemon/primary
uv.h           daemon/loop daemon/server daemon
ini.h          daemon
systemd/       daemon daemon/observe
'
upward=$(echo "$layers" | while read -r folder below; do
    for file in "$folder"/*.[ch]; do
        [ -f "$file" ] || continue
        sed -n 's,^#include "\(\(lib\|daemon\)\(/[a-z]*\)\?\)/[^/"]*".*,\1,p' "$file" | while read -r target; do
            case " $folder $below " in
            *" $target "*) ;;
            *) echo "$file includes $target" ;;
            esac
        done
    done
done)
foreign=$(echo "$libraries" | while read -r header folders; do
    [ -n "$header" ] || continue
    grep -rl "^#include <$header" lib daemon --include='*.[ch]' 2>/dev/null | while read -r file; do
        case " $folders " in
        *" $(dirname "$file") "*) ;;
        *) echo "$file includes <$header>" ;;
        esac
    done
done)
[ -z "$upward$foreign" ] || { printf '%s\n%s\n' "$upward" "$foreign"; exit 1; }
