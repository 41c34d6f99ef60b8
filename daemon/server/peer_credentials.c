#include "daemon/server/peer_credentials.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

static enum outcome read_groups(struct peer_credentials *peer, int socket,
                                struct error *err)
{
    socklen_t size = 0;

    /* The first call fails with ERANGE and says how much room it takes. */
    if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0 || size == 0)
        return OK;
    if (errno != ERANGE)
        return error_set_errno(err, "read the groups of the socket's peer");
    peer->groups = malloc(size);
    if (!peer->groups)
        return error_out_of_memory(err);
    if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &size) != 0)
        return error_set_errno(err, "read the groups of the socket's peer");
    peer->group_count = size / sizeof *peer->groups;
    return OK;
}

enum outcome peer_credentials_read(struct peer_credentials *out_peer, int socket,
                                   struct error *err)
{
    OWNED(peer_credentials_release) struct peer_credentials peer = {0};
    struct ucred credentials;
    socklen_t size = sizeof credentials;

    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return error_set_errno(err, "read the user of the socket's peer");
    peer.uid = credentials.uid;
    peer.gid = credentials.gid;
    if (read_groups(&peer, socket, err) == FAILED)
        return FAILED;
    *out_peer = TAKE(peer);
    return OK;
}

void peer_credentials_release(struct peer_credentials *peer)
{
    free(peer->groups);
    *peer = (struct peer_credentials){0};
}

static bool is_member(const struct peer_credentials *peer, gid_t group)
{
    if (peer->gid == group)
        return true;
    for (size_t i = 0; i < peer->group_count; i++) {
        if (peer->groups[i] == group)
            return true;
    }
    return false;
}

enum outcome peer_credentials_check(const struct peer_credentials *peer, uid_t own_user,
                                    gid_t group, struct error *err)
{
    const struct group *entry;

    if (peer->uid == 0 || peer->uid == own_user || is_member(peer, group))
        return OK;
    entry = getgrgid(group);
    error_set(err, ERROR_AUTH, "user %ld may not control this tidemarkd",
              (long)peer->uid);
    if (entry)
        return error_hint(err, "become a member of group %s, or root", entry->gr_name);
    return error_hint(err, "become a member of group %ld, or root", (long)group);
}
