#include "daemon/primary/field_bytes.h"

#define TEN(tens)                                                                        \
    tens "0" tens "1" tens "2" tens "3" tens "4" tens "5" tens "6" tens "7" tens         \
         "8" tens "9"

const char digit_pairs[201] = TEN("0") TEN("1") TEN("2") TEN("3") TEN("4") TEN("5")
    TEN("6") TEN("7") TEN("8") TEN("9");
