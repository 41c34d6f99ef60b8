"""Writers that make life hard for a mirror: everything a transaction may do, at once.

    with Load(cluster, "shop", tracked=True) as load:
        load.run_for(20)
    # every transaction has ended, prepared ones too
"""
import os
import random
import threading
import time

import psycopg2
import psycopg2.extensions

TABLES = ["load_a", "load_b", "load_c", "load_d"]

SCHEMA = "".join(f"""
create table {name} (id bigint primary key, note text, amount numeric(12,2) not null default 0,
                     created_at timestamptz not null default now(),
                     updated_at timestamptz not null default now(), deleted_at timestamptz);
insert into {name} (id, note) select n, 'first ' || n from generate_series(1, 200) n;
""" for name in TABLES)

# What an application without tidemark.track() has: now(), the start of the transaction.
STAMP = "create function stamp() returns trigger language plpgsql as " \
        "$$ begin new.updated_at := now(); return new; end $$;" + "".join(
            f"create trigger stamp before insert or update on {name} for each row execute function stamp();"
            for name in TABLES)

KEYS = 600


class Load:
    """`connect` opens a session: through a pooler, perhaps."""

    def __init__(self, cluster, database, tracked, writers=6, seed=None, connect=None):
        self.cluster, self.database, self.tracked = cluster, database, tracked
        self._connect = connect or (lambda: cluster.connect(database, autocommit=True))
        self._stop = threading.Event()
        self._prepared, self._lock = [], threading.Lock()
        self.counts, self.failure = {}, None
        self.seed = seed if seed is not None else int(os.environ.get("TIDEMARK_SEED", time.time_ns() % 10**9))
        self._threads = [threading.Thread(target=self._write, args=(number,), daemon=True)
                         for number in range(writers)]
        if "elsewhere" not in [row[0] for row in cluster.run("select datname::text from pg_database")]:
            cluster.create_database("elsewhere")
            cluster.run("create table busy (n int)", database="elsewhere")

    def start(self):
        for thread in self._threads:
            thread.start()

    def run_for(self, seconds, halfway=None):
        """Works for so long; fails at once when a writer failed. halfway() is called amid the work."""
        self._stop.wait(seconds / 2)
        if halfway:
            halfway()
        self._stop.wait(seconds / 2)
        self.stop()

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            while thread.ident and thread.is_alive():
                self._finish_prepared(everything=True)  # a writer may wait for one, without a limit
                thread.join(0.05)
        self._finish_prepared(everything=True)
        if self.failure:
            raise self.failure

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self.stop()

    # -- one writer --

    ACTIONS = [("single", 20), ("several_tables", 15), ("savepoints", 15), ("exception_block", 10),
               ("two_phase", 8), ("roll_back", 6), ("idle_around", 10), ("vacuum", 2), ("elsewhere", 3),
               ("bulk", 4), ("hard_delete", 6), ("key_change", 6), ("soft_delete", 8), ("truncate", 0.3)]

    def _write(self, number):
        choose = random.Random(self.seed * 100 + number)
        connection = self._connect()
        try:
            with connection.cursor() as cursor:
                while not self._stop.is_set():
                    self._one(cursor, choose)
        except Exception as failure:  # noqa: BLE001 - reported by stop()
            self.failure = failure
            self._stop.set()
        finally:
            connection.close()

    def _one(self, cursor, choose):
        names, weights = zip(*self.ACTIONS)
        name = choose.choices(names, weights)[0]
        if name == "truncate" and not self.tracked:
            return
        try:
            getattr(self, "_" + name)(cursor, choose)
            self.counts[name] = self.counts.get(name, 0) + 1
        except (psycopg2.errors.UniqueViolation, psycopg2.errors.LockNotAvailable,
                psycopg2.errors.DeadlockDetected, psycopg2.errors.ObjectInUse):
            if cursor.connection.info.transaction_status != psycopg2.extensions.TRANSACTION_STATUS_IDLE:
                cursor.execute("rollback")
        self._finish_prepared(everything=False)
        time.sleep(choose.random() * 0.004)

    @staticmethod
    def _begin(cursor):
        cursor.execute("begin; set local lock_timeout = '100ms'")

    @staticmethod
    def _upsert(cursor, choose):
        table = choose.choice(TABLES)
        cursor.execute(f"""insert into {table} (id, note) values (%s, %s)
            on conflict (id) do update set note = excluded.note, amount = {table}.amount + 1, deleted_at = null""",
                       (choose.randint(1, KEYS), f"note {choose.random()}"))

    def _single(self, cursor, choose):
        self._begin(cursor)
        self._upsert(cursor, choose)
        cursor.execute("commit")

    def _several_tables(self, cursor, choose):
        self._begin(cursor)
        for _ in range(choose.randint(2, 5)):
            self._upsert(cursor, choose)
        cursor.execute("commit")

    def _savepoints(self, cursor, choose):
        self._begin(cursor)
        self._upsert(cursor, choose)
        for _ in range(choose.randint(1, 4)):
            cursor.execute("savepoint s")
            self._upsert(cursor, choose)
            cursor.execute(choose.choice(["rollback to savepoint s", "release savepoint s"]))
        if choose.random() < 0.3:
            time.sleep(0.05)
        cursor.execute("commit")

    def _exception_block(self, cursor, choose):
        table = choose.choice(TABLES)
        cursor.execute(f"""do $$ begin
            set local lock_timeout = '100ms';
            begin update {table} set note = 'kept' where id = {choose.randint(1, KEYS)}; exception when others then null; end;
            begin update {table} set note = 'lost' where id = {choose.randint(1, KEYS)};
                  perform 1 / 0; exception when others then null; end;
            end $$""")

    def _two_phase(self, cursor, choose):
        name = f"{self.database} {choose.random()}"
        self._begin(cursor)
        self._upsert(cursor, choose)
        if choose.random() < 0.5:
            cursor.execute("savepoint s")
            self._upsert(cursor, choose)
        with self._lock:
            if len(self._prepared) >= 5:
                cursor.execute("rollback")
                return
            cursor.execute("prepare transaction %s", (name,))
            verb = "commit" if choose.random() < 0.8 else "rollback"
            self._prepared.append((time.monotonic() + choose.uniform(0.05, 1.0), f"{verb} prepared '{name}'"))

    def _finish_prepared(self, everything):
        now = time.monotonic()
        with self._lock:
            due = [entry for entry in self._prepared if everything or entry[0] <= now]
            self._prepared = [entry for entry in self._prepared if entry not in due]
        for _, statement in due:
            self.cluster.run_alone(statement, self.database)

    def _roll_back(self, cursor, choose):
        self._begin(cursor)
        self._upsert(cursor, choose)
        cursor.execute("rollback")

    def _idle_around(self, cursor, choose):
        self._begin(cursor)
        cursor.execute("select now()")
        time.sleep(choose.uniform(0.0, 0.4))
        self._upsert(cursor, choose)
        time.sleep(choose.uniform(0.0, 0.3))
        cursor.execute("commit")

    def _vacuum(self, cursor, choose):
        self.cluster.run_alone(f"vacuum (truncate off) {choose.choice(TABLES)}", self.database)

    def _elsewhere(self, cursor, choose):
        connection = self.cluster.connect("elsewhere", autocommit=False)
        with connection.cursor() as other:
            other.execute("insert into busy values (1)")
            self._upsert(cursor, choose)
            time.sleep(choose.uniform(0.0, 0.2))
        connection.commit()
        connection.close()

    def _bulk(self, cursor, choose):
        first = choose.randint(1, KEYS - 100)
        self._begin(cursor)
        cursor.execute(f"update {choose.choice(TABLES)} set amount = amount + 1 where id between %s and %s",
                       (first, first + choose.randint(20, 100)))
        cursor.execute("commit")

    def _hard_delete(self, cursor, choose):
        self._begin(cursor)
        cursor.execute(f"delete from {choose.choice(TABLES)} where id = %s", (choose.randint(1, KEYS),))
        if choose.random() < 0.3:
            self._upsert(cursor, choose)
        cursor.execute("commit")

    def _key_change(self, cursor, choose):
        self._begin(cursor)
        cursor.execute(f"update {choose.choice(TABLES)} set id = %s where id = %s",
                       (choose.randint(1, KEYS), choose.randint(1, KEYS)))
        cursor.execute("commit")

    def _soft_delete(self, cursor, choose):
        self._begin(cursor)
        cursor.execute(f"update {choose.choice(TABLES)} set deleted_at = now() where id = %s",
                       (choose.randint(1, KEYS),))
        cursor.execute("commit")

    def _truncate(self, cursor, choose):
        table = choose.choice(TABLES)
        self._begin(cursor)
        cursor.execute(f"truncate {table}")
        if choose.random() < 0.5:
            cursor.execute(f"insert into {table} (id, note) select n, 'after' from generate_series(1, 50) n")
        cursor.execute("commit")
