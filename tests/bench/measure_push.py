"""Pushes: many rows that were updated while the daemon rested, until the primary has them.

Ours is from `tidemark resume` to the moment when the ledger on the primary names the push.
The rulers send the same changes to the same table, which is tracked, so that its triggers
work for both: by one statement and round trip for each row, and by arrays of 10,000 rows,
each in one transaction. Over a link with a delay the time is compared with ours on this
machine and ten round trips.
"""
import os
import subprocess
import time

import workload
from delay import Delay
from report import median, say
from support.daemon import program, run_program

ROUND_TRIP_S = 0.020
ARRAY_ROWS = 10_000
LIMIT_S = 300


def measure(world, report, sizes):
    database = world.sessions(sizes.rows)
    daemon = world.fresh_cache(database)
    daemon.sync(timeout_s=300)
    with Delay(world.cluster, ROUND_TRIP_S / 2) as link:
        times = {"ours": [], "delayed": [], "rows": [], "arrays": []}
        for run in range(1, sizes.push_runs + 1):
            say(f"push of {sizes.pushed_rows} rows, run {run} of {sizes.push_runs}")
            keys = some_keys(daemon, sizes.pushed_rows)
            times["rows"].append(by_ruler(world, database, "rows", keys))
            times["arrays"].append(by_ruler(world, database, "arrays", keys))
            for name, conninfo in (("ours", world.conninfo(database)), ("delayed", link.conninfo(database))):
                times[name].append(by_daemon(world, database, daemon, conninfo, keys, f"{name} {run}"))
    workload.discard(daemon)
    ours, delayed, rows, arrays = [median(times[name]) for name in ("ours", "delayed", "rows", "arrays")]
    count = sizes.pushed_rows
    report.at_least(f"push of {count} rows / a round trip each", rows / ours, 5, *rates(count, ours, rows))
    report.at_least(f"push of {count} rows / arrays", arrays / ours, 0.6, *rates(count, ours, arrays))
    limit = 1.3 * ours + 10 * ROUND_TRIP_S
    report.at_most(f"push with a round trip of {ROUND_TRIP_S * 1000:.0f} ms / limit", delayed / limit, 1,
                   f"{delayed:.2f} s", f"{limit:.2f} s")


def rates(count, *seconds):
    return [f"{count / one / 1000:.1f}k rows/s" for one in seconds]


def some_keys(daemon, count):
    return [row[0] for row in daemon.query(
        f"select id from live_{workload.TABLE} order by random() limit ?", (count,))]


def by_ruler(world, database, mode, keys):
    answer = subprocess.run([workload.ruler("push_yardstick"), world.conninfo(database), mode, str(ARRAY_ROWS)],
                            input="\n".join(keys), check=True, capture_output=True, text=True, timeout=LIMIT_S)
    return float(answer.stdout)


def by_daemon(world, database, daemon, conninfo, keys, title):
    daemon.configure({"primary": {"conninfo": conninfo}})
    with daemon, world.cluster.connect(database, autocommit=True) as connection:
        daemon.start().wait_caught_up(timeout_s=LIMIT_S)
        assert daemon.tool("pause").status == 0
        edit(daemon, keys, title)
        with connection.cursor() as cursor:
            before = last_push(cursor)
            start = time.monotonic()
            run_program(program("tidemark"), "-c", daemon.config_path, "resume")
            while last_push(cursor) == before:
                assert time.monotonic() - start < LIMIT_S, daemon.log()
                time.sleep(0.005)
        took = time.monotonic() - start
        daemon.wait_caught_up(timeout_s=LIMIT_S)
        daemon.stop(timeout_s=60)
    return took


def edit(daemon, keys, title):
    cache = daemon.open_cache()
    cache.execute("begin immediate")
    cache.executemany(f"update {workload.TABLE} set title = ?, message_count = ? where id = ?",
                      [(f"Pushed by the daemon, {title}, row {i}", i % 1000, key) for i, key in enumerate(keys)])
    cache.execute("commit")
    cache.close()
    os.sync()


def last_push(cursor):
    cursor.execute("select max(last_push::text) from tidemark.device")
    return cursor.fetchone()[0]
