#include "daemon/cli/doctor_checks.h"

#include "daemon/cli/human_text.h"
#include "lib/base/cleanup.h"
#include "lib/db/database.h"
#include "lib/db/statement.h"
#include "lib/store/cache.h"

#include <errno.h>
#include <libgen.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DISK_FAIL_BYTES ((int64_t)64 << 20)
#define DISK_WARN_BYTES ((int64_t)1 << 30)
#define WAL_WARN_BYTES ((int64_t)256 << 20)
#define PATH_SIZE 4096

static const struct sql quick_check = {"doctor.quick_check", "PRAGMA quick_check(1)"};
static const struct sql journal_mode = {"doctor.journal_mode", "PRAGMA journal_mode"};

static const char *folder_of(const char *path, char buffer[static PATH_SIZE])
{
    strncpy(buffer, path, PATH_SIZE - 1);
    buffer[PATH_SIZE - 1] = '\0';
    return dirname(buffer);
}

static void report_unusable(struct doctor *doctor, const char *folder)
{
    findings_fail(&doctor->findings, "TM110", "the cache's folder %s: %s", folder,
                  strerror(errno));
    findings_cure(&doctor->findings,
                  "let user %ld write there, or name another file in [cache] path",
                  (long)geteuid());
}

void doctor_check_folder(struct doctor *doctor)
{
    char folder_buffer[PATH_SIZE];
    char parent_buffer[PATH_SIZE];
    const char *folder = folder_of(doctor->engine->cache.path, folder_buffer);
    const char *parent = folder_of(folder, parent_buffer);

    if (access(folder, W_OK | X_OK) == 0)
        findings_ok(&doctor->findings, "folder %s is writable", folder);
    else if (errno != ENOENT)
        report_unusable(doctor, folder);
    else if (access(parent, W_OK | X_OK) == 0)
        findings_ok(&doctor->findings, "folder %s will be made by the first sync",
                    folder);
    else
        report_unusable(doctor, parent);
}

/* Free for us in the cache's folder or, before that is made, the one above; -1: not
 * known. */
static int64_t measure_free_bytes(const char *path)
{
    char folder_buffer[PATH_SIZE];
    char parent_buffer[PATH_SIZE];
    const char *folder = folder_of(path, folder_buffer);
    struct statvfs status;

    if (statvfs(folder, &status) != 0 &&
        statvfs(folder_of(folder, parent_buffer), &status) != 0)
        return -1;
    return (int64_t)(status.f_bavail * status.f_frsize);
}

void doctor_check_disk(struct doctor *doctor)
{
    struct findings *findings = &doctor->findings;
    int64_t free_bytes = measure_free_bytes(doctor->engine->cache.path);

    if (free_bytes < 0)
        return;
    if (free_bytes >= DISK_WARN_BYTES) {
        findings_ok(findings, "disk %s free", human_size(free_bytes).text);
        return;
    }
    if (free_bytes < DISK_FAIL_BYTES)
        findings_fail(findings, "TM101", "disk: only %s free",
                      human_size(free_bytes).text);
    else
        findings_warn(findings, "TM101", "disk: only %s free",
                      human_size(free_bytes).text);
    findings_cure(findings, "make room, or move [cache] path to another disk");
}

/* First column of the first row; "" when there is none. */
static enum outcome ask_file(struct database *db, const struct sql *sql, char *out_text,
                             size_t size, struct error *err)
{
    OWNED(statement_release) struct statement statement = {0};
    enum outcome outcome;

    out_text[0] = '\0';
    if (statement_prepare(&statement, db, sql, err) == FAILED)
        return FAILED;
    outcome = statement_step(&statement, err);
    if (outcome == OK)
        snprintf(out_text, size, "%s", statement_column_text(&statement, 0));
    return outcome;
}

static void check_rights(struct doctor *doctor)
{
    const char *path = doctor->engine->cache.path;
    struct stat status;
    struct passwd *owner;

    if (stat(path, &status) != 0)
        return;
    owner = getpwuid(status.st_uid);
    if (access(path, R_OK | W_OK) == 0) {
        findings_ok(&doctor->findings, "owner %s, mode %04o",
                    owner ? owner->pw_name : "?", (unsigned int)status.st_mode & 07777);
        return;
    }
    findings_fail(&doctor->findings, "TM114", "%s belongs to %s: not writable for us",
                  path, owner ? owner->pw_name : "somebody else");
    findings_cure(&doctor->findings, "run as its owner, or as a member of its group");
}

static void check_content(struct doctor *doctor, struct database *db)
{
    struct findings *findings = &doctor->findings;
    char answer[200];
    struct error err;

    if (ask_file(db, &journal_mode, answer, sizeof(answer), &err) == FAILED) {
        doctor_add_error(doctor, "TM111", &err);
        return;
    }
    if (strcmp(answer, "wal") != 0) {
        findings_warn(findings, "TM112",
                      "journal mode is %s, not WAL: readers and the sync "
                      "hold each other up",
                      answer);
        findings_cure(findings,
                      "no application should change it; tidemarkd sets WAL again "
                      "when it opens the file");
    }
    if (ask_file(db, &quick_check, answer, sizeof(answer), &err) == FAILED) {
        doctor_add_error(doctor, "TM111", &err);
    } else if (strcmp(answer, "ok") != 0) {
        findings_fail(findings, "TM111", "the file is damaged: %s", answer);
        findings_cure(findings,
                      "stop tidemarkd, move the file away, start it: the file is "
                      "copied anew");
    } else {
        findings_ok(findings, "integrity quick_check passed");
    }
}

static void check_sizes(struct doctor *doctor)
{
    struct findings *findings = &doctor->findings;
    struct cache_sizes sizes;

    cache_measure(doctor->engine->cache.path, &sizes);
    if (sizes.wal_bytes <= WAL_WARN_BYTES) {
        findings_ok(findings, "%s: %s, WAL %s", doctor->engine->cache.path,
                    human_size(sizes.file_bytes).text, human_size(sizes.wal_bytes).text);
        return;
    }
    findings_warn(findings, "TM115",
                  "%s: %s, but its WAL is %s: a reader has been open for "
                  "long, or no tidemarkd runs",
                  doctor->engine->cache.path, human_size(sizes.file_bytes).text,
                  human_size(sizes.wal_bytes).text);
    findings_cure(findings, "end the reading transaction: fuser -v '%s'",
                  doctor->engine->cache.path);
}

void doctor_check_file(struct doctor *doctor)
{
    OWNED(cache_release) struct cache cache = {.lock_fd = -1};
    struct error err;
    enum outcome outcome = cache_open_read_only(&cache, doctor->engine->cache.path, &err);

    if (outcome == NOTHING) {
        findings_ok(&doctor->findings, "no cache yet at %s: the first sync makes it",
                    doctor->engine->cache.path);
        return;
    }
    check_rights(doctor);
    if (outcome == FAILED) {
        doctor_add_error(doctor, err.kind == ERROR_INVALID ? "TM113" : "TM111", &err);
        return;
    }
    check_sizes(doctor);
    check_content(doctor, cache.db);
}
