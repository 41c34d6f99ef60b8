"""Autogenerate on random pairs of schemas: the upgrade makes A equal B, the downgrade makes
it A again, a second run finds nothing. pg_dump is the judge.

    autogenerate_pairs.py [FIRST [COUNT]]

A pair is its number; a failing one is run again by that. Exit status 1 when one failed.
"""
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support.cluster import Cluster  # noqa: E402
from support.random_schema import changed, random_schema  # noqa: E402
from support.schema_dump import difference, schema_dump  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = os.path.join(ROOT, "build", "tests", "campaigns", "autogenerate_once")


class Pair:
    """A pair of schemas, and the databases it is tried in."""

    def __init__(self, cluster, number):
        self.cluster, self.number = cluster, number
        before = random_schema(random.Random(f"{number} before"))
        after = changed(before, random.Random(f"{number} after")) if number % 4 else \
            random_schema(random.Random(f"{number} other"))
        self.before, self.after = (schema.sql(random.Random(number)) for schema in (before, after))

    def check(self):
        """None, or what is wrong."""
        with tempfile.TemporaryDirectory() as folder:
            try:
                return self.generate(folder) or self.judge()
            finally:
                for name in ("left", "right"):
                    self.cluster.drop_database(f"{name}_{self.number}")

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
        left, right = f"left_{self.number}", f"right_{self.number}"
        for name, sql in ((left, self.before), (right, self.after)):
            self.cluster.create_database(name, "template0")
            self.cluster.run(sql, database=name)
        before, wanted = self.dump(left), self.dump(right)
        self.apply(left, self.upgrade)
        wrong = difference(self.dump(left), wanted)
        if wrong:
            return f"after the upgrade:\n{wrong}\n{self.upgrade}"
        self.apply(left, self.downgrade)
        wrong = difference(self.dump(left), before)
        return f"after the downgrade:\n{wrong}\n{self.downgrade}" if wrong else None

    def apply(self, name, sql):
        if sql:
            self.cluster.run(sql, database=name)

    def dump(self, name):
        return schema_dump(self.cluster.conninfo(name))


def write(path, text):
    with open(path, "w") as out:
        out.write(text)


def main(first=0, count=500):
    failed = []
    with Cluster(os.path.join(ROOT, "build", "campaign", f"pg-{os.getpid()}"), fsync=False) as cluster:
        for number in range(first, first + count):
            wrong = Pair(cluster, number).check()
            if wrong:
                failed.append(number)
                print(f"pair {number}: {wrong}", flush=True)
            if (number + 1) % 50 == 0:
                print(f"{number + 1 - first} pairs, {len(failed)} failed", flush=True)
        left = cluster.value("select count(*) from pg_database where datname like 'tidemark%'")
        if left:
            failed.append("scratch databases left")
            print(f"{left} scratch databases are left")
    print(f"{count} pairs from {first}: " + (f"{len(failed)} failed: {failed}" if failed else "all proved"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
