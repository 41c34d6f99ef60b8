#include "daemon/cli/command.h"
#include "daemon/cli/doctor.h"

enum exit_status command_doctor(const struct invocation *invocation)
{
    return doctor_command(invocation->config, invocation->json, invocation->fix_sql);
}
