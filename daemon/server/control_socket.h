/*
 * Control socket: the listening Unix socket in the file system.
 *
 * Opening makes missing folders, replaces the socket of a daemon that is dead and
 * refuses to take the place of one that lives. Main thread, before other threads start
 * (it sets the umask for a moment).
 */
#ifndef DAEMON_SERVER_CONTROL_SOCKET_H
#define DAEMON_SERVER_CONTROL_SOCKET_H

#include "lib/base/error.h"

#include <sys/types.h>

struct control_socket {
    int fd; /* listening, non-blocking, close-on-exec; 0 and below: none */
    char *path;
    gid_t group; /* of the file: its members may connect */
    dev_t device;
    ino_t inode;
};

/* ERROR_INVALID: another daemon listens there, something else is in the way, or the path
 * is too long for a socket; ERROR_SYSTEM: rights, no such folder. The file's mode is
 * 0660. */
MUST_CHECK enum outcome control_socket_open(struct control_socket *out_socket,
                                            const char *path, struct error *err);

/* Removes the file, if it is still this socket's. fd stays open: its new owner's. */
void control_socket_unlink(const struct control_socket *socket);

void control_socket_release(struct control_socket *socket); /* a zeroed one is fine */

#endif
