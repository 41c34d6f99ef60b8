# embed_files.awk: turns whole files into one C array of { name, text }, in the order given.
#
#   awk -v array=cache_migrations -f embed_files.awk 0001_a.sql 0002_b.sql > cache_migrations.h

BEGIN {
    print "/* Generated. Do not edit. */"
    print "#include \"lib/base/sql.h\"\n"
    print "static const struct sql " array "[] = {"
}
FNR == 1 {
    if (open) print "    },"
    open = 1
    name = FILENAME
    sub(/.*\//, "", name)
    sub(/\.sql$/, "", name)
    print "    {\"" name "\","
}
{
    gsub(/[\\"]/, "\\\\&")
    print "        \"" $0 "\\n\""
}
END {
    if (open) print "    },"
    print "    {0},"
    print "};"
}
