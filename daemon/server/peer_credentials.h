/*
 * Peer credentials: who is at the other end of a Unix socket, by the kernel's word.
 *
 * Allowed are root, the daemon's own user, and members of a group (primary or
 * supplementary), which is the group of the socket file.
 */
#ifndef DAEMON_SERVER_PEER_CREDENTIALS_H
#define DAEMON_SERVER_PEER_CREDENTIALS_H

#include "lib/base/error.h"

#include <stddef.h>
#include <sys/types.h>

struct peer_credentials {
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* supplementary ones, as they were when the peer connected */
    size_t group_count;
};

/* ERROR_SYSTEM: the kernel would not say. */
MUST_CHECK enum outcome peer_credentials_read(struct peer_credentials *out_peer,
                                              int socket, struct error *err);
void peer_credentials_release(struct peer_credentials *peer); /* a zeroed one is fine */

/* ERROR_AUTH, with a hint that names the group, for all others. */
MUST_CHECK enum outcome peer_credentials_check(const struct peer_credentials *peer,
                                               uid_t own_user, gid_t group,
                                               struct error *err);

#endif
