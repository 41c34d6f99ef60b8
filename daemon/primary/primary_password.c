#include "daemon/primary/primary_password.h"

#include "daemon/primary/primary_link.h"
#include "lib/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWORD_LIMIT 4096

static void close_file(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

void primary_password_free(char **password)
{
    if (*password)
        explicit_bzero(*password, PASSWORD_LIMIT + 1);
    free(*password);
    *password = NULL;
}

/* A name that leads to no file that may be read is the configuration's mistake. */
static enum outcome refuse_file(const char *path, struct error *err)
{
    bool misnamed =
        errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == EISDIR;

    error_set_errno(err, "read the password file %s", path);
    if (misnamed)
        err->kind = ERROR_INVALID;
    return error_hint(err, "make it, readable for the user that runs this and nobody "
                           "else, or name another as password_file");
}

enum outcome primary_password_read(const char *path, char **out_password,
                                   struct error *err)
{
    OWNED(primary_password_free) char *text = NULL;
    OWNED(close_file) int fd = -1;
    struct stat status;
    ssize_t size;

    if (!path || !*path)
        return OK;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0)
        return refuse_file(path, err);
    if (status.st_mode & (S_IROTH | S_IWOTH)) {
        error_set(err, ERROR_INVALID, "the password file %s may be read by everybody",
                  path);
        return error_hint(err, "chmod 600 %s", path);
    }
    text = calloc(1, PASSWORD_LIMIT + 1);
    if (!text)
        return error_out_of_memory(err);
    size = read(fd, text, PASSWORD_LIMIT);
    if (size < 0)
        return refuse_file(path, err);
    text[strcspn(text, "\r\n")] = '\0';
    if (!*text) {
        error_set(err, ERROR_INVALID, "the first line of the password file %s is empty",
                  path);
        return error_hint(err, "it holds the password and nothing else");
    }
    *out_password = TAKE(text);
    return OK;
}

static const char *option(const PQconninfoOption *options, const char *keyword)
{
    for (; options && options->keyword; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options->val && *options->val ? options->val : NULL;
    return NULL;
}

/* An address: 127.example.com is a name that anybody can have. */
static bool is_loopback(const char *host, size_t length)
{
    return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") >= length;
}

static bool is_local(const char *host, size_t length)
{
    return length == 0 || host[0] == '/' || host[0] == '@' ||
           (length == 9 && strncasecmp(host, "localhost", 9) == 0) ||
           is_loopback(host, length) || (length == 3 && strncmp(host, "::1", 3) == 0);
}

/* host may be a list; it is local when each of them is. */
static bool all_local(const char *hosts)
{
    while (hosts && *hosts) {
        size_t length = strcspn(hosts, ",");

        if (!is_local(hosts, length))
            return false;
        hosts += length + (hosts[length] == ',');
    }
    return true;
}

static enum outcome check_secret(const struct primary_config *config,
                                 const PQconninfoOption *given, struct error *err)
{
    if (!option(given, "password"))
        return OK;
    error_set(err, ERROR_INVALID, "[%s] conninfo holds a password", config->section);
    return error_hint(err,
                      "move it to a file of mode 0600 and name that in [%s] "
                      "password_file",
                      config->section);
}

static const char *either(const PQconninfoOption *given, const PQconninfoOption *defaults,
                          const char *keyword)
{
    const char *value = option(given, keyword);

    return value ? value : option(defaults, keyword);
}

static enum outcome check_host(const struct primary_config *config,
                               const PQconninfoOption *given,
                               const PQconninfoOption *defaults, struct error *err)
{
    const char *host = either(given, defaults, "host");
    const char *address = either(given, defaults, "hostaddr");
    const char *sslmode = either(given, defaults, "sslmode");

    if (config->allow_insecure_tls || (sslmode && strcmp(sslmode, "verify-full") == 0))
        return OK;
    if (all_local(host) && all_local(address))
        return OK;
    error_set(
        err, ERROR_INVALID,
        "the primary's host %s is not local, and sslmode=%s would not prove who answers",
        host ? host : address, sslmode ? sslmode : "prefer");
    return error_hint(err,
                      "put sslmode=verify-full into [%s] conninfo (and sslrootcert if "
                      "needed), or set [primary] allow_insecure_tls = yes",
                      config->section);
}

static void wipe_password(PQconninfoOption *options)
{
    for (; options && options->keyword; options++)
        if (strcmp(options->keyword, "password") == 0 && options->val)
            explicit_bzero(options->val, strlen(options->val));
}

enum outcome primary_check_connection(const struct primary_config *config,
                                      PGconn *connection, struct error *err)
{
    PQconninfoOption *used = PQconninfo(connection);
    enum outcome outcome =
        used ? check_host(config, used, NULL, err) : error_out_of_memory(err);

    wipe_password(used);
    PQconninfoFree(used);
    return outcome;
}

enum outcome primary_check_conninfo(const struct primary_config *config,
                                    struct error *err)
{
    char *reason = NULL;
    PQconninfoOption *given = PQconninfoParse(config->conninfo, &reason);
    PQconninfoOption *defaults;
    enum outcome outcome;

    if (!given) {
        error_set(err, ERROR_INVALID, "[%s] conninfo: %s", config->section,
                  reason ? reason : "out of memory");
        err->message[strcspn(err->message, "\n")] = '\0';
        PQfreemem(reason);
        return error_hint(err,
                          "it reads like: host=db.example.com dbname=app user=tidemark "
                          "sslmode=verify-full");
    }
    defaults = PQconndefaults();
    outcome = check_secret(config, given, err);
    if (outcome == OK)
        outcome = check_host(config, given, defaults, err);
    PQconninfoFree(defaults);
    PQconninfoFree(given);
    return outcome;
}
