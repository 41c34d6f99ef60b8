"""Random histories: three devices and the server write at once, syncs die at any point, and
in the end both sides are equal and nothing is lost.

    Storm(world, seed=7).run()      # a failing seed replays: every choice comes from it

Nothing runs beside the driver, so that a seed is a history: syncs are `tidemark sync`, one
at a time, through a proxy that calls back at a message's boundary. There, in the middle of
a push or a pull, the driver writes on either side, cuts the link or kills the process.
"""
import os
import random
import re
import subprocess
import threading

from support.compare import differences
from support.daemon import CLEAN_ENVIRONMENT, ROOT, program
from support.history import History, audit
from support.storm_writers import TABLES, LocalWriter, ServerWriter

SCHEMA = """
create table note (id text primary key, title text unique, body text, n int not null default 0 check (n < 1000),
                   deleted_at timestamptz, updated_at timestamptz not null default now());
create table line (id text primary key, note_id text references note, amount int,
                   deleted_at timestamptz, updated_at timestamptz not null default now());
create table tag (id text primary key, label text, updated_at timestamptz not null default now());
insert into note (id, title, body) select 's' || n, 'seeds' || n, 'first ' || n from generate_series(0, 5) n;
""" + audit(*TABLES)

POLICIES = [("last_write_wins", "client_wins", "last_write_wins"), ("server_wins", "client_wins", "last_write_wins"),
            ("last_write_wins", "last_write_wins", "manual")]
FINISHED, NEEDS_A_PERSON, UNREACHABLE, KILLED = 0, 3, 75, -9


def fault_points(*prefixes):
    """The named crash points of the programs, as their source has them."""
    names = set()
    for folder in ("lib", "daemon"):
        for path, _, files in os.walk(os.path.join(ROOT, folder)):
            for name in files:
                if name.endswith(".c"):
                    with open(os.path.join(path, name)) as source:
                        names |= set(re.findall(r'fault_point\("([^"]+)"\)', source.read()))
    return sorted(name for name in names if name.startswith(prefixes or ""))


def prepare(world):
    """Makes the world's database one that storms are copied from."""
    world.run(SCHEMA)
    world.track(*TABLES)
    world.connection.close()


class Failure(AssertionError):
    pass


class Storm:
    def __init__(self, world, seed, steps=40, calm=False):
        """calm: nothing dies; for histories of edits only."""
        self.world, self.seed, self.steps, self.calm = world, seed, steps, calm
        self.choose = random.Random(seed)
        self.trace, self.counts = [], {}
        self.history = History({"note": "body", "tag": "label"})
        self.proxy = world.proxy()
        self.longest = {True: 40, False: 60}  # messages of a sync, by from_client
        self.points = fault_points("push.", "pull.", "outbox.", "capture.")
        policies = self.choose.choice(POLICIES)
        self.devices = [self._device(number, policy) for number, policy in enumerate(policies)]
        self.local = {device: LocalWriter(self, f"d{number}", device.cache_path)
                      for number, device in enumerate(self.devices)}
        self.server = ServerWriter(self, world)

    def _device(self, number, policy):
        return self.world.daemon(
            {"primary": {"lock_timeout": "200ms", "silence_timeout": "10s"},
             "sync": {"tables": ", ".join(TABLES), "conflict": policy}},
            conninfo=self.proxy.conninfo(self.world.database), start=False)

    def note(self, text):
        self.trace.append(text)

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    # -- the history --

    def run(self):
        for device in self.devices:
            self._sync(device)
        self._set_out()
        for number in range(self.steps):
            self._step(random.Random(f"{self.seed}/{number}"))
        self.heal()
        self.check()
        return self.counts

    def _set_out(self):
        """Before the first step."""

    def _step(self, choose):
        device = choose.choice(self.devices)
        self.server.late_step(choose)
        kind = choose.random()
        if kind < 0.5:
            self.local[device].step(choose)
        elif kind < 0.7:
            self.server.step(choose)
        else:
            self._disturbed_sync(device, choose)

    def _disturbed_sync(self, device, choose):
        kind = choose.random()
        if self.calm or kind < 0.25:
            self._sync(device, hook=self._edits(device, choose) if choose.random() < 0.7 else None)
        elif kind < 0.6:
            self._sync(device, hook=self._edits(device, choose) if choose.random() < 0.4 else None,
                       fault=f"{choose.choice(self.points)}:{choose.choice([1, 1, 1, 2, 3])}")
        else:
            self._sync(device, hook=self._accident(choose))

    def _edits(self, device, choose):
        """Edits at one message's boundary, on this device, another one, or the server."""
        def edit(_):
            for _ in range(choose.randint(1, 3)):
                kind = choose.random()
                if kind < 0.65:
                    self.local[device].step(choose)
                elif kind < 0.95:
                    self.server.step(choose)
                else:
                    self.local[choose.choice(self.devices)].step(choose)
        return At(self, choose, edit)

    def _accident(self, choose):
        def kill(process):
            self.note("  killed there")
            process.kill()

        def cut(_):
            self.note("  cut there")
            raise ConnectionAbortedError("cut by the storm")
        return At(self, choose, choose.choice([kill, cut, cut]))

    # -- one sync --

    def _sync(self, device, hook=None, fault=None):
        name = self.local[device].name
        self.note(f"sync {name} {hook or ''} {fault or ''}")
        self.proxy.heal()
        process = self._start(device, fault)
        if hook:
            hook.process = process
            self.proxy.watch(hook)
        status, text = self._wait(process)
        self.longest[True] = max(self.longest[True], self.proxy.client_messages)
        self.longest[False] = max(self.longest[False], self.proxy.server_messages)
        self.note(f"  exit {status} after {self.proxy.client_messages}/{self.proxy.server_messages} messages {text}")
        self.count(f"exit {status}")
        if hook and hook.failure:
            raise hook.failure
        allowed = {FINISHED, NEEDS_A_PERSON, UNREACHABLE} | ({KILLED} if hook or fault else set())
        if status not in allowed:
            raise Failure(f"tidemark sync of {name} ended with {status}: {text}")
        return status

    def _start(self, device, fault):
        environment = {**CLEAN_ENVIRONMENT, **({"TIDEMARK_FAULT": fault} if fault else {})}
        return subprocess.Popen([program("tidemark", faults=bool(fault)), "-c", device.config_path, "sync"],
                                cwd="/", env=environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def _wait(self, process):
        try:
            text = process.communicate(timeout=3)[1]
        except subprocess.TimeoutExpired:
            self.server.end_late("commit")  # it may hold what the sync waits for
            try:
                text = process.communicate(timeout=30)[1]
            except subprocess.TimeoutExpired:
                process.kill()
                raise Failure(f"tidemark sync does not end: {process.communicate()[1]}") from None
        return process.returncode, text.strip()[-600:]

    # -- the end --

    def heal(self):
        self.server.end_late("commit")
        for _ in range(3):
            for device in self.devices:
                status = self._sync(device)
                if status == UNREACHABLE:
                    raise Failure("a sync with nothing in its way found the primary unreachable")

    def check(self):
        problems = []
        caches = {writer.name: writer.open() for writer in self.local.values()}
        for device, writer in self.local.items():
            problems += [f"{writer.name}: {text}" for text in left_over(caches[writer.name])]
            for table in TABLES:
                problems += [f"{writer.name}: {text}" for text in differences(
                    device.cache_path, self.world.connection, table)]
        problems += self.history.problems(self.world.connection, caches)
        for cache in caches.values():
            self.counts["rejected"] = self.counts.get("rejected", 0) + cache.execute(
                "select count(*) from tide_rejected").fetchone()[0]
            self.counts["conflicts"] = self.counts.get("conflicts", 0) + cache.execute(
                "select count(*) from tide_conflict").fetchone()[0]
            cache.close()
        if problems:
            raise Failure("\n".join(problems[:20]))

    def end(self):
        self.server.close()


def left_over(cache):
    """What a cache may not hold once everything has been synced."""
    limits = {"entries in the outbox": "select count(*) from tide_outbox",
              "pushes in flight": "select count(*) from tide_push",
              "rows to be read again": "select count(*) from tide_refetch",
              "rows to be read again after a push": "select count(*) from tide_push_refetch",
              "rejected rows of an unknown push": "select count(*) from tide_rejected_row where push_id is not null",
              "conflicts of an unknown push": "select count(*) from tide_conflict_row where push_id is not null",
              "open gates": "select sum(open) from tide_gate"}
    found = [f"{cache.execute(sql).fetchone()[0]} {what}" for what, sql in limits.items()]
    sound = cache.execute("pragma quick_check").fetchone()[0]
    return [text for text in found if not text.startswith("0 ")] + ([] if sound == "ok" else [sound])


class At:
    """A proxy's watcher that acts once, before one message."""

    def __init__(self, storm, choose, act):
        self.from_client = choose.random() < 0.5
        self.number = choose.randint(0, storm.longest[self.from_client])
        self.process, self.failure = None, None
        self._storm, self._act = storm, act
        self._seen, self._lock = 0, threading.Lock()

    def __str__(self):
        return f"(at {'client' if self.from_client else 'server'} message {self.number})"

    def __call__(self, message, from_client):
        if from_client != self.from_client:
            return
        with self._lock:
            self._seen += 1
            due = self._seen == self.number + 1
        if not due:
            return
        self._storm.note(f"  at {message[:1]!r} {message[5:60]!r}")
        try:
            self._act(self.process)
        except ConnectionAbortedError:
            raise
        except Exception as failure:  # noqa: BLE001 - raised again by the driver
            self.failure = failure
