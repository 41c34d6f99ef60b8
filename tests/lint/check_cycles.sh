#!/bin/sh
# Headers include one another in one direction only: tsort names any loop.
set -eu
grep -ro --include='*.h' '^#include "[^"]*"' lib daemon | sed 's/:#include "/ /; s/"$//' | tsort >/dev/null
