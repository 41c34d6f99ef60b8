#!/bin/sh
# The README's table of settings is the program's own: same names, same order, same defaults.
set -eu
mkdir -p build
awk -F '"' '
    /\.section = /  { section = $2 == "table" ? "table NAME" : $2 }
    /\.key = /      { name[++count] = "[" section "] " $2 }
    /\.fallback = / { fallback[count] = $2 }
    END { for (i = 1; i <= count; i++) print name[i] "|" fallback[i] }
' daemon/setting_table.c > build/settings_of_program
awk -F ' *[|] *' '/^[|] `\[/ { gsub("`", ""); print $2 "|" $3 }' README.md > build/settings_of_readme
diff -u build/settings_of_program build/settings_of_readme
