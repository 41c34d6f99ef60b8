"""Autogenerate on a pair of schemas: a folder with the one as a migration and the other as
schema.sql, and a judge that does not trust autogenerate: pg_dump.
"""
import os
import random
import subprocess
import tempfile

from support.daemon import BUILD, program, run_program
from support.random_schema import changed, random_schema, track
from support.schema_dump import difference, schema_dump

ONCE = os.path.join(BUILD, "tests", "campaigns", "autogenerate_once")


def random_pair(number):
    """The SQL of two schemas; every fourth pair has nothing in common but names, and every
    other one has tracked tables."""
    before = random_schema(random.Random(f"{number} before"))
    if number % 2:
        track(before, random.Random(f"{number} tracked before"))
    after = changed(before, random.Random(f"{number} after")) if number % 4 else \
        random_schema(random.Random(f"{number} other"))
    if number % 2:
        track(after, random.Random(f"{number} tracked after"))
    return tuple(schema.sql(random.Random(number)) for schema in (before, after))


class Pair:
    """A pair of schemas, and the databases it is tried in."""

    def __init__(self, cluster, name, before, after):
        self.cluster, self.name, self.before, self.after = cluster, name, before, after

    def check(self):
        """None, or what is wrong."""
        with tempfile.TemporaryDirectory() as folder:
            try:
                return self.generate(folder) or self.judge()
            finally:
                for name in ("left", "right"):
                    self.cluster.drop_database(f"{name}_{self.name}")

    def generate(self, folder):
        os.mkdir(os.path.join(folder, "migrations"))
        self.migration = os.path.join(folder, "migrations", "20260101_0001_before.sql")
        write(self.migration, f"-- upgrade\n{self.before}-- downgrade\n")
        write(os.path.join(folder, "schema.sql"), self.after)
        answer = self.run(folder)
        if answer.returncode == 3:
            self.upgrade = self.downgrade = ""
            return None
        if answer.returncode:
            return answer.stderr
        _, self.upgrade, self.downgrade = answer.stdout.replace("-- downgrade\n", "-- upgrade\n").split("-- upgrade\n")
        write(os.path.join(folder, "migrations", "20260101_0002_after.sql"), answer.stdout)
        again = self.run(folder)
        return None if again.returncode == 3 else f"a second run: {again.stdout}{again.stderr}"

    def run(self, folder):
        return subprocess.run([ONCE, self.cluster.conninfo(), os.path.join(folder, "migrations"), os.path.join(folder, "schema.sql")],
                              capture_output=True, text=True, timeout=120)

    def judge(self):
        left, right = f"left_{self.name}", f"right_{self.name}"
        for name, sql in ((left, self.before), (right, self.after)):
            self.cluster.create_database(name, self.template())
            self.cluster.run(sql, database=name)
        before, wanted = self.dump(left), self.dump(right)
        self.apply(left, self.upgrade)
        wrong = difference(self.dump(left), wanted)
        if wrong:
            return f"after the upgrade:\n{wrong}\n{self.upgrade}"
        self.apply(left, self.downgrade)
        wrong = difference(self.dump(left), before)
        return f"after the downgrade:\n{wrong}\n{self.downgrade}" if wrong else None

    def template(self):
        """A database with schema tidemark where tables are tracked, else an empty one."""
        if "tidemark.track(" not in self.before + self.after:
            return "template0"
        if not self.cluster.value("select count(*) from pg_database where datname = 'with_tracking'"):
            self.cluster.create_database("with_tracking", "template0")
            answer = run_program(program("tidemark"), "-c", "/dev/null", "migrate",
                                 environment={"TIDEMARK_PRIMARY_CONNINFO": self.cluster.conninfo("with_tracking")})
            assert answer.status == 0, answer
        return "with_tracking"

    def apply(self, name, sql):
        if sql:
            self.cluster.run(sql, database=name)

    def dump(self, name):
        return schema_dump(self.cluster.conninfo(name))


def write(path, text):
    with open(path, "w") as out:
        out.write(text)
