#!/bin/sh
# Installs the Debian packages named as arguments that are not installed yet: as root
# or through sudo. Without either it prints the list and stops. --quiet says nothing when all is there.
set -eu
quiet=
[ "${1:-}" = --quiet ] && { quiet=1; shift; }
missing=
for package in "$@"; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -z "$missing" ]; then
    [ -n "$quiet" ] || echo "Everything needed is installed."
    exit 0
fi
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1; then
    as_root=sudo
else
    echo "These Debian packages are missing, and there is neither root nor sudo to install them:" >&2
    echo " $missing" >&2
    exit 1
fi
echo "Installing:$missing"
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
