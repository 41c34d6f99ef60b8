"""What tidemark must not be: a mirror that follows a plain `updated_at` cursor.

It shows that the race tests can see lost rows: it loses some in every run.
"""
import threading
import time

from support.compare import SESSION, columns_of, primary_rows, quoted


class PlainCursor:
    def __init__(self, cluster, database, tables, pause_s=0.05):
        self.connection = cluster.connect(database, autocommit=True)
        with self.connection.cursor() as cursor:
            cursor.execute(SESSION)
        self.bound = dict.fromkeys(tables, "-infinity")
        self.rows = {table: {} for table in tables}
        self._pause_s, self._stop = pause_s, threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def pull(self):
        with self.connection.cursor() as cursor:
            for table, rows in self.rows.items():
                cursor.execute(f"select max(updated_at)::text from {quoted(table)} where updated_at > %s", (self.bound[table],))
                newest = cursor.fetchone()[0]
                if newest is None:
                    continue
                columns = columns_of(cursor, quoted(table))
                scope = f"updated_at > '{self.bound[table]}' and updated_at <= '{newest}'"
                rows.update(primary_rows(self.connection, quoted(table), columns, scope)[0])
                self.bound[table] = newest

    def _follow(self):
        while not self._stop.is_set():
            self.pull()
            time.sleep(self._pause_s)

    def stop(self):
        """Ends after one more pull, which had every chance to see everything."""
        self._stop.set()
        self._thread.join()
        self.pull()

    def lost(self):
        """Number of rows that are stale, missing or left over."""
        count = 0
        with self.connection.cursor() as cursor:
            for table, rows in self.rows.items():
                columns = columns_of(cursor, quoted(table))
                truth = primary_rows(self.connection, quoted(table), columns)[0]
                count += sum(rows.get(key) != row for key, row in truth.items())
        return count
