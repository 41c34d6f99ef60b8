#include "tests/support/fake_daemon.h"

#include "tests/support/cmocka_all.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STATUS "{\"v\":1,\"kind\":\"status\",\"state\":\"live\",\"tables\":[]}\n"
#define RESULT "{\"v\":1,\"kind\":\"result\",\"ok\":true}\n"
#define CHANGE_SET                                                                       \
    "{\"v\":1,\"kind\":\"change_set\",\"id\":1,\"tables\":[{\"name\":\"note\","          \
    "\"written\":1,\"deleted\":0}]}\n"
#define REFUSAL                                                                          \
    "{\"v\":1,\"kind\":\"error\",\"name\":\"invalid\",\"code\":2,\"message\":\"no\","    \
    "\"hint\":\"\",\"sqlstate\":null}\n"

static const char *answer_to(const char *request)
{
    if (strstr(request, "\"status\""))
        return STATUS;
    if (strstr(request, "\"sync\""))
        return STATUS RESULT;
    return strstr(request, "\"watch\"") ? CHANGE_SET CHANGE_SET : REFUSAL;
}

/* Until the client leaves. A request is short enough to come in one piece. */
static void talk(int fd)
{
    char request[1024];
    ssize_t size;

    while ((size = recv(fd, request, sizeof(request) - 1, 0)) > 0) {
        const char *answer;

        request[size] = '\0';
        answer = answer_to(request);
        (void)!send(fd, answer, strlen(answer), MSG_NOSIGNAL);
    }
    close(fd);
}

static void *serve(void *context)
{
    const struct fake_daemon *daemon = context;
    int fd;

    while ((fd = accept(daemon->listener, NULL, NULL)) >= 0)
        talk(fd);
    return NULL;
}

void fake_daemon_start(struct fake_daemon *daemon, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    assert_true(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path) + 1);
    daemon->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(daemon->listener >= 0);
    assert_int_equal(
        bind(daemon->listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(daemon->listener, 8), 0);
    assert_int_equal(pthread_create(&daemon->thread, NULL, serve, daemon), 0);
}

void fake_daemon_stop(struct fake_daemon *daemon)
{
    shutdown(daemon->listener, SHUT_RDWR);
    pthread_join(daemon->thread, NULL);
    close(daemon->listener);
}
