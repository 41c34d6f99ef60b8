"""The writers of a storm: an application on a device, and the server's own sessions."""
import sqlite3

import psycopg2

TABLES = ["note", "line", "tag"]
TITLES = [f"t{number}" for number in range(8)]
SEEDED = [f"s{number}" for number in range(6)]
TAGS = [f"g{number}" for number in range(1, 7)]


class Party:
    """Counts its values, so that each is the only one of its kind."""

    def __init__(self, storm, name):
        self.storm, self.name, self._number = storm, name, 0

    def fresh(self):
        self._number += 1
        return f"{self.name}.{self._number}"

    def pick(self, choose):
        names, weights = zip(*self.ACTIONS)
        return choose.choices(names, weights)[0]


class LocalWriter(Party):
    """An application on a device: stock sqlite3, one connection for each step."""

    ACTIONS = [("insert_note", 12), ("insert_line", 8), ("change_body", 24), ("change_title", 10), ("delete_note", 8),
               ("restore_note", 4), ("change_n", 5), ("put_tag", 8), ("delete_tag", 6), ("edit_and_back", 5),
               ("change_lines", 4), ("replace_note", 3), ("replace_title", 2), ("move_tag", 2), ("delete_line", 2),
               ("edit_now_back_later", 6), ("transaction", 5), ("unit", 4), ("roll_back", 2), ("touch", 1)]

    def __init__(self, storm, name, path):
        super().__init__(storm, name)
        self._path, self._borrowed = path, None

    def open(self):
        return sqlite3.connect(self._path, isolation_level=None, timeout=5)

    def step(self, choose):
        cache = self.open()
        try:
            self._one(cache, choose, self.pick(choose))
        finally:
            cache.close()

    def _one(self, cache, choose, action):
        """A statement that the cache refuses (a unique index, a CHECK) did nothing."""
        told = []
        try:
            getattr(self, "_" + action)(cache, choose, told)
        except sqlite3.IntegrityError as error:
            self.storm.note(f"{self.name}: {action} refused here: {error}")
            if cache.in_transaction:
                cache.execute("rollback")
            return
        self._tell(action, told)

    def _tell(self, action, told):
        for verb, *details in told:
            getattr(self.storm.history, verb)(self.name, *details)
        self.storm.note(f"{self.name}: {action} {[details for _, *details in told]}")

    @staticmethod
    def _notes(cache):
        return [row[0] for row in cache.execute("select id from note order by id")] or ["none"]

    def _change(self, cache, told, sql, parameters, table, key, value=None):
        if cache.execute(sql, parameters).rowcount:
            told.append(("wrote", table, key, value))

    # -- actions --

    def _insert_note(self, cache, choose, told):
        key, value = f"{self.name}-{self.fresh()}", self.fresh()
        title = choose.choice(TITLES) if choose.random() < 0.3 else key
        self._change(cache, told, "insert into note (id, title, body) values (?, ?, ?)", (key, title, value),
                     "note", key, value)
        if choose.random() < 0.4:
            self._line_of(cache, key, told)

    def _line_of(self, cache, note, told):
        key = f"{self.name}-{self.fresh()}"
        self._change(cache, told, "insert into line (id, note_id, amount) values (?, ?, 1)", (key, note), "line", key)

    def _insert_line(self, cache, choose, told):
        self._line_of(cache, choose.choice(self._notes(cache)), told)

    def _change_body(self, cache, choose, told):
        key, value = choose.choice(self._notes(cache)), self.fresh()
        self._change(cache, told, "update note set body = ? where id = ?", (value, key), "note", key, value)

    def _change_title(self, cache, choose, told):
        key = choose.choice(self._notes(cache))
        self._change(cache, told, "update note set title = ? where id = ?", (choose.choice(TITLES), key), "note", key)

    def _delete_note(self, cache, choose, told):
        key = choose.choice(self._notes(cache))
        self._change(cache, told, "delete from note where id = ?", (key,), "note", key)

    def _restore_note(self, cache, choose, told):
        key = choose.choice(self._notes(cache))
        self._change(cache, told, "update note set deleted_at = null where id = ?", (key,), "note", key)

    def _change_n(self, cache, choose, told):
        key = choose.choice(self._notes(cache))
        self._change(cache, told, "update note set n = ? where id = ?", (choose.choice([5, 7, 2000]), key), "note", key)

    def _put_tag(self, cache, choose, told):
        key, value = choose.choice(TAGS), self.fresh()
        self._change(cache, told, "insert into tag (id, label) values (?, ?)"
                     " on conflict (id) do update set label = excluded.label", (key, value), "tag", key, value)

    def _delete_tag(self, cache, choose, told):
        key = choose.choice(TAGS)
        if cache.execute("delete from tag where id = ?", (key,)).rowcount:
            told.append(("deleted", "tag", key))

    def _move_tag(self, cache, choose, told):
        """A change of key is a delete and an insert."""
        old, new, value = *choose.sample(TAGS, 2), self.fresh()
        if cache.execute("update tag set id = ?, label = ? where id = ?", (new, value, old)).rowcount:
            told += [("deleted", "tag", old), ("wrote", "tag", new, value)]

    def _edit_and_back(self, cache, choose, told):
        key = choose.choice(self._notes(cache))
        cache.execute("begin immediate")
        found = cache.execute("select body from note where id = ?", (key,)).fetchone()
        if found:
            cache.execute("update note set body = 'tmp' where id = ?", (key,))
            self._change(cache, told, "update note set body = ? where id = ?", (found[0], key), "note", key)
        cache.execute("commit")

    def _edit_now_back_later(self, cache, choose, told):
        """Syncs may come in between: what changed there meanwhile must not be hidden by it."""
        if self._borrowed:
            key, old, value = self._borrowed
            self._borrowed = None
            if cache.execute("update note set body = ? where id = ? and body = ?", (old, key, value)).rowcount:
                told.append(("brought_back", "note", key, old))
            return
        key, value = choose.choice(self._notes(cache)), self.fresh()
        found = cache.execute("select body from note where id = ?", (key,)).fetchone()
        if found:
            self._change(cache, told, "update note set body = ? where id = ?", (value, key), "note", key, value)
            self._borrowed = (key, found[0], value)

    def _change_lines(self, cache, choose, told):
        for key, in cache.execute("select id from line order by id limit 2").fetchall():
            self._change(cache, told, "update line set amount = amount + 1 where id = ?", (key,), "line", key)

    def _delete_line(self, cache, choose, told):
        for key, in cache.execute("select id from line order by id desc limit 1").fetchall():
            self._change(cache, told, "delete from line where id = ?", (key,), "line", key)

    @staticmethod
    def _vanishing(cache, key, title):
        """Rows that a replacement pushes out are deleted for good."""
        return [("deleted", "note", other) for other, in
                cache.execute("select id from note where title = ? and id <> ?", (title, key))]

    def _replace_note(self, cache, choose, told):
        key, title, value = choose.choice(self._notes(cache)), choose.choice(TITLES), self.fresh()
        cache.execute("begin immediate")
        vanish = self._vanishing(cache, key, title)
        self._change(cache, told, "insert or replace into note (id, title, body) values (?, ?, ?)",
                     (key, title, value), "note", key, value)
        cache.execute("commit")
        told += vanish

    def _replace_title(self, cache, choose, told):
        key, title = choose.choice(self._notes(cache)), choose.choice(TITLES)
        cache.execute("begin immediate")
        vanish = self._vanishing(cache, key, title)
        if cache.execute("update or replace note set title = ? where id = ?", (title, key)).rowcount:
            told += [("wrote", "note", key), *vanish]
        cache.execute("commit")

    def _touch(self, cache, choose, told):
        key = choose.choice(self._notes(cache))
        self._change(cache, told, "update note set updated_at = '2026-01-01T00:00:00.000000Z' where id = ?", (key,),
                     "note", key)

    # -- several at once --

    SIMPLE = ["insert_note", "insert_line", "change_body", "change_title", "delete_note", "put_tag", "change_n"]

    def _several(self, cache, choose, told):
        for _ in range(choose.randint(2, 4)):
            getattr(self, "_" + choose.choice(self.SIMPLE))(cache, choose, told)

    def _transaction(self, cache, choose, told):
        cache.execute("begin immediate")
        self._several(cache, choose, told)
        cache.execute("commit")

    def _unit(self, cache, choose, told):
        cache.execute("begin immediate")
        cache.execute("insert into tide_unit values ('begin')")
        self._several(cache, choose, told)
        cache.execute("insert into tide_unit values ('end')")
        cache.execute("commit")

    def _roll_back(self, cache, choose, told):
        cache.execute("begin immediate")
        self._several(cache, choose, told)
        cache.execute("rollback")
        told.clear()


class ServerWriter(Party):
    """Sessions of the primary: one of single statements, and two whose transactions stay open."""

    ACTIONS = [("body", 40), ("title", 10), ("soft_delete", 8), ("restore", 4), ("hard_delete", 10), ("delete_tag", 10),
               ("put_tag", 10), ("swap", 8), ("insert", 4), ("n", 4), ("line", 4), ("purge_lines", 3)]

    def __init__(self, storm, world):
        super().__init__(storm, "server")
        self._session = world.connect()
        self._late = [world.connect(autocommit=False) for _ in range(2)]
        with self._session.cursor() as cursor:
            cursor.execute("set lock_timeout = '100ms'")

    def close(self):
        for session in [self._session, *self._late]:
            session.close()

    def step(self, choose):
        action = self.pick(choose)
        try:
            with self._session.cursor() as cursor:
                getattr(self, "_" + action)(cursor, choose)
        except psycopg2.Error as error:
            self.storm.note(f"server: {action} refused: {error.pgcode}")
            with self._session.cursor() as cursor:
                cursor.execute("rollback")

    def _run(self, cursor, table, key, sql, parameters):
        """Told before it is done: it may be refused, but then it was tried."""
        self.storm.history.touched(self.name, table, key)
        cursor.execute(sql, parameters)
        self.storm.note(f"server: {sql % tuple(repr(p) for p in parameters)}: {cursor.rowcount}")

    def _key(self, choose):
        made = sorted({key for table, key in self.storm.history.writers if table == "note"} | set(SEEDED))
        return choose.choice(made)

    def _body(self, cursor, choose):
        key = self._key(choose)
        self._run(cursor, "note", key, "update note set body = %s where id = %s", (self.fresh(), key))

    def _title(self, cursor, choose):
        key = self._key(choose)
        self._run(cursor, "note", key, "update note set title = %s where id = %s", (choose.choice(TITLES), key))

    def _n(self, cursor, choose):
        key = self._key(choose)
        self._run(cursor, "note", key, "update note set n = %s where id = %s", (choose.choice([1, 2, 3]), key))

    def _soft_delete(self, cursor, choose):
        key = self._key(choose)
        self._run(cursor, "note", key, "update note set deleted_at = now() where id = %s", (key,))

    def _restore(self, cursor, choose):
        key = self._key(choose)
        self._run(cursor, "note", key, "update note set deleted_at = null where id = %s", (key,))

    def _hard_delete(self, cursor, choose):
        key = self._key(choose)
        self._run(cursor, "note", key, "delete from note where id = %s", (key,))

    def _delete_tag(self, cursor, choose):
        key = choose.choice(TAGS)
        self._run(cursor, "tag", key, "delete from tag where id = %s", (key,))

    def _put_tag(self, cursor, choose):
        key = choose.choice(TAGS)
        self._run(cursor, "tag", key, "insert into tag values (%s, %s) on conflict (id) do update set label = excluded.label",
                  (key, self.fresh()))

    def _insert(self, cursor, choose):
        key = f"server-{self.fresh()}"
        self._run(cursor, "note", key, "insert into note (id, title, body) values (%s, %s, %s)",
                  (key, choose.choice(TITLES), self.fresh()))

    def _line(self, cursor, choose):
        key = f"server-{self.fresh()}"
        self._run(cursor, "line", key, "insert into line (id, note_id, amount) values (%s, %s, 2)", (key, self._key(choose)))

    def _purge_lines(self, cursor, choose):
        cursor.execute("select id from line order by id")
        for key in [row[0] for row in cursor.fetchall()][:2]:
            self._run(cursor, "line", key, "delete from line where id = %s", (key,))

    def _swap(self, cursor, choose):
        """Two unique values change places."""
        for key in ("s0", "s1"):
            self.storm.history.touched(self.name, "note", key)
        first, second = ("seeds0", "seeds1") if choose.random() < 0.5 else ("seeds1", "seeds0")
        cursor.execute("begin; update note set title = '~tmp' where id = 's0'; update note set title = %s where id = 's1';"
                       "update note set title = %s where id = 's0'; commit", (first, second))
        self.storm.note(f"server: s1 is called {first}, s0 {second}")

    # -- transactions that commit late --

    def late_step(self, choose):
        session, kind = choose.choice(self._late), choose.random()
        try:
            with session.cursor() as cursor:
                if kind < 0.08:
                    cursor.execute("set local lock_timeout = '50ms'")
                    key = choose.choice(TAGS)
                    self._run(cursor, "tag", key, "update tag set label = %s where id = %s", (self.fresh(), key))
                elif kind < 0.14:
                    cursor.execute("set local lock_timeout = '50ms'")
                    self._insert(cursor, choose)
                elif kind < 0.3:
                    session.commit()
        except psycopg2.Error as error:
            self.storm.note(f"server, late: refused: {error.pgcode}")
            session.rollback()

    def end_late(self, how):
        for session in self._late:
            getattr(session, how)()
