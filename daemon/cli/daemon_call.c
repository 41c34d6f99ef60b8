#include "daemon/cli/daemon_call.h"

#include "daemon/cli/document_reader.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#include <string.h>
#include <unistd.h>

enum outcome daemon_call_open(const struct config *config, json_t *request,
                              struct control_client **out_client, struct error *err)
{
    OWNED(daemon_call_close) struct control_client *client = NULL;
    enum outcome outcome = FAILED;

    if (!request || json_object_set_new(request, "cache",
                                        json_string(config_text(config, CACHE_PATH)))) {
        json_decref(request);
        return error_out_of_memory(err);
    }
    outcome = control_client_new(&client, config_text(config, CONTROL_SOCKET), err);
    if (outcome == OK)
        outcome = control_client_send(client, request, err);
    json_decref(request);
    if (outcome == OK)
        *out_client = TAKE(client);
    return outcome;
}

enum outcome daemon_call_absent(const struct config *config, struct error *err)
{
    const char *file = config_file(config);

    error_set(err, ERROR_TRANSIENT, "the daemon is not running (nobody listens at %s)",
              config_text(config, CONTROL_SOCKET));
    if (file && strncmp(file, "/etc/", 5) == 0)
        return error_hint(err, "systemctl start tidemarkd");
    return error_hint(err, "systemctl --user start tidemarkd, or: tidemarkd%s%s",
                      file ? " -c " : "", file ? file : "");
}

enum outcome daemon_call_require(const struct config *config, json_t *request,
                                 struct control_client **out_client, struct error *err)
{
    enum outcome outcome = daemon_call_open(config, request, out_client, err);

    return outcome == NOTHING ? daemon_call_absent(config, err) : outcome;
}

enum outcome daemon_call_answer(struct control_client *client, int64_t timeout_us,
                                json_t **out_document, struct error *err)
{
    json_t *document = NULL;
    enum outcome outcome = control_client_receive(client, timeout_us, &document, err);

    if (outcome == NOTHING)
        return error_set(err, ERROR_TRANSIENT, "the daemon did not answer in %lld s",
                         (long long)(timeout_us / US_PER_SECOND));
    if (outcome == FAILED)
        return FAILED;
    if (strcmp(document_text(document, "kind"), "error") == 0) {
        control_error_read(document, err);
        json_decref(document);
        return FAILED;
    }
    *out_document = document;
    return OK;
}
