/* Parent folder: the folders that a file needs before it can be made. */
#ifndef LIB_BASE_PARENT_FOLDER_H
#define LIB_BASE_PARENT_FOLDER_H

#include "lib/base/error.h"

#include <sys/types.h>

/* Makes what is missing of the folders above path, each with this mode. */
MUST_CHECK enum outcome parent_folder_make(const char *path, mode_t mode,
                                           struct error *err);

#endif
