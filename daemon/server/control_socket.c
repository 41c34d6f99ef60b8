#include "daemon/server/control_socket.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64

static void close_descriptor(const int *fd)
{
    if (*fd > 0)
        close(*fd);
}

static void free_text(char **text)
{
    free(*text);
}

static enum outcome address_of(const char *path, struct sockaddr_un *out_address,
                               struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(path) + 1;

    if (size > sizeof address.sun_path) {
        error_set(err, ERROR_INVALID, "socket path %s is too long", path);
        return error_hint(err, "set [control] socket to a path below %zu characters",
                          sizeof address.sun_path);
    }
    memcpy(address.sun_path, path, size);
    *out_address = address;
    return OK;
}

/* A user's own runtime folder is nobody else's business; elsewhere the group of the
 * socket must be able to reach it. */
static mode_t folder_mode(const char *path)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");

    if (runtime && runtime[0] && strncmp(path, runtime, strlen(runtime)) == 0)
        return 0700;
    return 0755;
}

static enum outcome make_folders(char *folder, mode_t mode, struct error *err)
{
    for (char *slash = strchr(folder + 1, '/');; slash = strchr(slash + 1, '/')) {
        int made;

        if (slash)
            *slash = '\0';
        made = mkdir(folder, mode);
        if (made != 0 && errno != EEXIST)
            return error_set_errno(err, "make folder %s for the control socket", folder);
        if (!slash)
            return OK;
        *slash = '/';
    }
}

/* Holds off another daemon that starts at the same moment; freed by closing it. */
static enum outcome lock_folder(const char *path, int *out_fd, struct error *err)
{
    OWNED(free_text) char *copy = strdup(path);
    const char *folder;
    mode_t old_mask;
    enum outcome made;
    int fd;

    if (!copy)
        return error_out_of_memory(err);
    folder = dirname(copy);
    old_mask = umask(0);
    made = make_folders((char *)folder, folder_mode(path), err);
    umask(old_mask);
    if (made == FAILED)
        return FAILED;
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, "open folder %s of the control socket", folder);
    if (flock(fd, LOCK_EX) != 0) {
        error_set_errno(err, "lock folder %s of the control socket", folder);
        close(fd);
        return FAILED;
    }
    *out_fd = fd;
    return OK;
}

static enum outcome refuse_living(const char *path, struct error *err)
{
    error_set(err, ERROR_INVALID, "another tidemarkd listens on %s", path);
    return error_hint(err, "stop it, or give this one another [control] socket");
}

/* Makes the place free: nothing there, or only the socket of a dead daemon. */
static enum outcome clear_place(const char *path, const struct sockaddr_un *address,
                                struct error *err)
{
    OWNED(close_descriptor) int probe = -1;
    struct stat file;

    if (lstat(path, &file) != 0) {
        if (errno == ENOENT)
            return OK;
        return error_set_errno(err, "look at control socket %s", path);
    }
    if (!S_ISSOCK(file.st_mode))
        return error_set(err, ERROR_INVALID,
                         "%s exists and is not a socket: not replaced", path);
    probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return error_set_errno(err, "create a socket");
    if (connect(probe, (const struct sockaddr *)address, sizeof *address) == 0 ||
        errno == EAGAIN)
        return refuse_living(path, err);
    if (errno != ECONNREFUSED)
        return error_set_errno(err, "see whether a daemon listens on %s", path);
    if (unlink(path) != 0)
        return error_set_errno(err, "remove the dead control socket %s", path);
    return OK;
}

static enum outcome bind_and_listen(int fd, const struct sockaddr_un *address,
                                    struct error *err)
{
    /* The mode must be right from the first moment, so the umask makes it. */
    mode_t old_mask = umask(0117);
    int bound = bind(fd, (const struct sockaddr *)address, sizeof *address);

    umask(old_mask);
    if (bound != 0)
        return error_set_errno(err, "create control socket %s", address->sun_path);
    if (listen(fd, BACKLOG) != 0)
        return error_set_errno(err, "listen on %s", address->sun_path);
    return OK;
}

static enum outcome remember_file(struct control_socket *control, const char *path,
                                  struct error *err)
{
    struct stat file;

    if (lstat(path, &file) != 0)
        return error_set_errno(err, "look at control socket %s", path);
    control->path = strdup(path);
    if (!control->path)
        return error_out_of_memory(err);
    control->group = file.st_gid;
    control->device = file.st_dev;
    control->inode = file.st_ino;
    return OK;
}

enum outcome control_socket_open(struct control_socket *out_socket, const char *path,
                                 struct error *err)
{
    OWNED(control_socket_release) struct control_socket control = {.fd = -1};
    OWNED(close_descriptor) int folder = -1;
    struct sockaddr_un address;

    if (address_of(path, &address, err) == FAILED ||
        lock_folder(path, &folder, err) == FAILED ||
        clear_place(path, &address, err) == FAILED)
        return FAILED;
    control.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (control.fd < 0)
        return error_set_errno(err, "create a socket");
    if (bind_and_listen(control.fd, &address, err) == FAILED ||
        remember_file(&control, path, err) == FAILED)
        return FAILED;
    *out_socket = control;
    control = (struct control_socket){.fd = -1};
    return OK;
}

void control_socket_unlink(const struct control_socket *control)
{
    struct stat file;

    if (control->path && lstat(control->path, &file) == 0 &&
        file.st_dev == control->device && file.st_ino == control->inode)
        unlink(control->path);
}

void control_socket_release(struct control_socket *control)
{
    close_descriptor(&control->fd);
    free(control->path);
    *control = (struct control_socket){.fd = -1};
}
