"""A project as a team has it: a folder with migrations and data, and a configuration that names them."""
import json
import os
import subprocess

from support.daemon import CLEAN_ENVIRONMENT, program, run_program, write_configuration


class Project:
    """Files in the world's folder, and the tool run on them."""

    def __init__(self, world, conninfo=None, **keys):
        self.world = world
        self.folder = os.path.join(world.folder, "project")
        self.migrations = os.path.join(self.folder, "migrations")
        self.data = os.path.join(self.folder, "data")
        self.config = os.path.join(self.folder, "tidemark.conf")
        os.makedirs(self.migrations)
        os.makedirs(self.data)
        write_configuration(self.config, {
            "primary": {"conninfo": world.cluster.conninfo(world.database)},
            "cache": {"path": os.path.join(world.folder, "none.db")},
            "migrations": {"conninfo": conninfo, "directory": self.migrations, "data": self.data, **keys}})

    def write(self, name, upgrade, downgrade="", no_transaction=False):
        """One migration file; its path."""
        path = os.path.join(self.migrations, name + ".sql")
        with open(path, "w") as out:
            out.write(f"-- {name}\n" + ("-- no-transaction\n" if no_transaction else "") +
                      f"-- upgrade\n{upgrade}\n-- downgrade\n{downgrade}\n")
        return path

    def write_data(self, name, text):
        with open(os.path.join(self.data, name + ".sql"), "w") as out:
            out.write(text)

    def command(self, *arguments, faults=False):
        return [program("tidemark", faults), "-c", self.config, *arguments]

    def tool(self, *arguments, fault=None, **more):
        environment = {"TIDEMARK_FAULT": fault} if fault else None
        path, *rest = self.command(*arguments, faults=bool(fault))
        return run_program(path, *rest, environment=environment, **more)

    def start(self, *arguments, faults=False):
        return subprocess.Popen(self.command(*arguments, faults=faults), text=True, cwd="/", stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN_ENVIRONMENT)

    def migrate(self, *arguments, **more):
        """Expected to succeed."""
        answer = self.tool("migrate", *arguments, **more)
        assert answer.status == 0, answer
        return answer

    def states(self):
        """{"20261122_0001_a": "applied", …} of the project's own, as history --json says."""
        answer = self.tool("history", "--json")
        assert answer.status == 0, answer
        return {one["name"]: one["state"] for one in answer.document["migrations"] if one["source"] == "project"}

    def record(self, revision, columns="state"):
        return self.world.run(f"select {columns} from tidemark.migration where source = 'project' and revision = %s",
                              (revision,))[0]


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]
