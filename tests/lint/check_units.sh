#!/bin/sh
# The units are sound, and the system service's exposure stays at 1.5 or below.
set -eu
command -v systemd-analyze > /dev/null || { echo "systemd-analyze is missing: units not checked" >&2; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/user"
# The programs of the units need not be installed here.
for unit in tidemarkd.service user/tidemarkd.service; do
    sed 's,^\(Exec[A-Za-z]*=\)/[^ ]*,\1/bin/true,' "systemd/$unit" > "$folder/$unit"
done
complaints=$(
    systemd-analyze verify --man=no "$folder/tidemarkd.service" 2>&1 || echo "verify failed"
    XDG_RUNTIME_DIR=$folder systemd-analyze --user verify --man=no "$folder/user/tidemarkd.service" 2>&1 ||
        echo "verify of the user unit failed"
)
[ -z "$complaints" ] || { echo "$complaints"; exit 1; }
systemd-analyze security --offline=yes --threshold=15 systemd/tidemarkd.service > "$folder/report" ||
    { cat "$folder/report"; echo "systemd/tidemarkd.service is more exposed than 1.5"; exit 1; }
