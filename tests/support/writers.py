"""Applications that write to one cache, each a process of its own: the sqlite3 program, Python
and C, with and without UPSERT. Every one inserts entries, and counts up a counter of its own
and one that all share.

    writers = Writers(daemon, 8, changes=2500)
    writers.wait()          # all have ended; SQLite took every change of theirs
"""
import os
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support.daemon import BUILD  # noqa: E402
from support.process import wait_until  # noqa: E402

SCHEMA = """
create table entry (id text primary key, writer text not null, number int not null,
                    updated_at timestamptz not null default now(), deleted_at timestamptz);
create table counter (id text primary key, n int not null default 0, updated_at timestamptz not null default now());
insert into counter (id) values ('shared');
"""
C_PROGRAM = os.path.join(BUILD, "tests", "writer")
SHARED_EVERY = 10
KINDS = [("c", False), ("python", False), ("shell", False), ("c", True), ("python", True), ("shell", True)]


def statements(name, changes, upsert):
    """What a writer executes; the same as writer.c."""
    on_entry = " on conflict (id) do update set number = excluded.number" if upsert else ""
    for number in range(1, changes + 1):
        counter = name if number % SHARED_EVERY else "shared"
        if number % 2:
            yield f"insert into entry (id, writer, number) values ('{name}-{number}', '{name}', {number}){on_entry}"
        elif upsert:
            yield f"insert into counter (id, n) values ('{counter}', 1) on conflict (id) do update set n = n + 1"
        else:
            yield f"update counter set n = n + 1 where id = '{counter}'"


def in_python(path, name, changes, upsert):
    cache = sqlite3.connect(path, isolation_level=None, timeout=60)
    for statement in statements(name, changes, upsert):
        assert cache.execute(statement).rowcount == 1
    cache.close()


def writer_names(count):
    return [f"{KINDS[number % len(KINDS)][0]}{number}" for number in range(count)]


class Writers:
    def __init__(self, daemon, count, changes):
        self._path, self._changes = daemon.cache_path, changes
        self._folder = daemon.folder
        self.names = writer_names(count)
        self._processes = {name: self._start(name, *KINDS[n % len(KINDS)]) for n, name in enumerate(self.names)}

    def _start(self, name, kind, upsert):
        more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "cwd": "/"}
        if kind == "c":
            command = [C_PROGRAM, self._path, name, str(self._changes), "upsert" if upsert else "plain"]
        elif kind == "python":
            command = ["/usr/bin/python3", "-B", os.path.abspath(__file__), self._path, name, str(self._changes),
                       "upsert" if upsert else "plain"]
        else:
            command = ["sqlite3", "-batch", "-bail", self._path]
            more["stdin"] = self._script(name, upsert)
        return subprocess.Popen(["setpriv", "--pdeathsig=KILL", "--", *command], text=True, **more)

    def _script(self, name, upsert):
        path = os.path.join(self._folder, f"{name}.sql")
        with open(path, "w") as out:
            out.write(".timeout 60000\n" + "".join(f"{text};\n" for text in statements(name, self._changes, upsert)))
        return open(path)

    def running(self):
        return [name for name, process in self._processes.items() if process.poll() is None]

    def wait(self, timeout_s=300):
        wait_until(lambda: not self.running(), lambda: f"{self.running()} have ended", timeout_s, 0.05)
        for name, process in self._processes.items():
            text = process.communicate()[1]
            assert process.returncode == 0, f"{name} ended with {process.returncode}: {text}"

    def kill(self):
        for process in self._processes.values():
            process.kill()
            process.wait()

    # -- what must arrive --

    @property
    def entries(self):
        return {f"{name}-{number}": number for name in self.names for number in range(1, self._changes + 1, 2)}

    @property
    def counters(self):
        shared = sum(number % SHARED_EVERY == 0 for number in range(2, self._changes + 1, 2))
        own = self._changes // 2 - shared
        return {"shared": shared * len(self.names), **dict.fromkeys(self.names, own)}


if __name__ == "__main__":
    in_python(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "upsert")
