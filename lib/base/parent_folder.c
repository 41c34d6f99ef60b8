#include "lib/base/parent_folder.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum outcome parent_folder_make(const char *path, mode_t mode, struct error *err)
{
    OWNED(text_free) char *folder = strdup(path);

    if (!folder)
        return error_out_of_memory(err);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, mode) < 0 && errno != EEXIST)
            return error_set_errno(err, "make the folder %s", folder);
        *slash = '/';
    }
    return OK;
}
