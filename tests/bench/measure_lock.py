"""How long the daemon keeps the cache's write lock: rows arrive in many transactions while an
application writes. The daemon times every one of its write transactions itself; the
application's own waits are printed beside it.
"""
import threading
import time

import workload
from report import percentile, say

TRANSACTIONS = 500


class Application:
    """Commits one row every few milliseconds, and times each commit."""

    def __init__(self, daemon, keys):
        self._daemon, self._keys = daemon, keys
        self._stopping = threading.Event()
        self.waits = []
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _write(self):
        cache = self._daemon.open_cache(timeout_s=60)
        for number, key in enumerate(self._keys):
            if self._stopping.wait(0.005):
                break
            start = time.monotonic()
            cache.execute(f"update {workload.TABLE} set message_count = ? where id = ?", (number, key))
            self.waits.append(time.monotonic() - start)
        cache.close()

    def stop(self):
        self._stopping.set()
        self._thread.join()
        return self.waits


def measure(world, report, sizes):
    database = world.sessions(sizes.rows)
    daemon = world.fresh_cache(database)
    daemon.sync(timeout_s=300)
    with daemon, world.cluster.connect(database, autocommit=True) as connection:
        daemon.start().wait_caught_up()
        keys = [row[0] for row in daemon.query(f"select id from live_{workload.TABLE} order by random()")]
        count = sizes.pushed_rows // TRANSACTIONS
        say(f"{sizes.pushed_rows} rows in {TRANSACTIONS} transactions beside an application")
        application = Application(daemon, keys[sizes.pushed_rows:])
        with connection.cursor() as cursor:
            for number in range(TRANSACTIONS):
                cursor.execute(f"update {workload.TABLE} set title = %s where id = any(%s::uuid[])",
                               (f"lock {number}", keys[number * count:(number + 1) * count]))
        waits = application.stop()
        daemon.wait_caught_up(timeout_s=300)
        lock = daemon.status()["write_lock"]
        daemon.stop(timeout_s=60)
    workload.discard(daemon)
    report.at_most("write lock of the cache, p99", lock["p99_ms"], 20, f"{lock['p99_ms']:.2f} ms",
                   f"{lock['count']} times", "ms")
    report.note("the same, longest", lock["max_ms"], f"{lock['max_ms']:.2f} ms", "", "ms")
    report.note("an application's commit beside it, p99", percentile(waits, 99) * 1000, unit="ms")
    for step in lock["histogram"]:
        say(f"  up to {step['up_to_ms'] or 'longer':>8} ms  {step['count']:>8}")
