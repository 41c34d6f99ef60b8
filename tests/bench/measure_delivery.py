"""How long a commit on the primary takes to be seen by a reader of the file.

The clock starts before COMMIT is sent and stops when the reader has read the new value, so
the primary's own commit is in it. The daemon is woken by NOTIFY.
"""
import random
import time

import workload
from report import median, percentile, say

TIMEOUT_S = 30
NAP_S = 0.0001
SAMPLE_ROWS = 100


def measure(world, report, sizes):
    database = world.sessions(sizes.rows)
    daemon = world.fresh_cache(database)
    with daemon, world.cluster.connect(database, autocommit=True) as connection:
        daemon.start().wait_caught_up(300)
        time.sleep(9)  # until the daemon rests and has given back what the copy needed
        report.at_most("idle daemon after the snapshot: resident", daemon.resident_bytes() / 2**20, 16, unit="MiB")
        with connection.cursor() as cursor:
            single_rows(daemon, cursor, report, sizes)
            one_big_transaction(daemon, cursor, report, sizes)
        daemon.stop()
    workload.discard(daemon)


def single_rows(daemon, cursor, report, sizes):
    p50, p99 = [], []
    keys = some_keys(cursor, sizes.commits)
    for run in range(1, sizes.runs + 1):
        say(f"commit to visible, run {run} of {sizes.runs}")
        delays = [one_row(daemon, cursor, key, f"run {run} of {key}") for key in keys]
        p50.append(percentile(delays, 50) * 1000)
        p99.append(percentile(delays, 99) * 1000)
    report.at_most(f"commit to visible, {sizes.commits} commits: p50", median(p50), 3, unit="ms")
    report.at_most(f"commit to visible, {sizes.commits} commits: p99", median(p99), 15, unit="ms")


def some_keys(cursor, count):
    cursor.execute(f"select id::text from {workload.TABLE} where deleted_at is null order by id limit %s", (count,))
    return [row[0] for row in cursor.fetchall()]


def one_row(daemon, cursor, key, title):
    time.sleep(random.uniform(0.005, 0.03))
    cursor.execute("begin")
    cursor.execute(f"update {workload.TABLE} set title = %s where id = %s", (title, key))
    return commit_and_wait(daemon, cursor, title, [key])


def one_big_transaction(daemon, cursor, report, sizes):
    delays = []
    for run in range(1, sizes.runs + 1):
        say(f"one transaction of {sizes.big_rows} rows, run {run} of {sizes.runs}")
        title = f"big run {run}"
        cursor.execute("begin")
        cursor.execute(f"""update {workload.TABLE} set title = %s where id in
            (select id from {workload.TABLE} where deleted_at is null order by md5(id::text) limit %s)
            returning id::text""", (title, sizes.big_rows))
        keys = [row[0] for row in cursor.fetchall()]
        delays.append(commit_and_wait(daemon, cursor, title, random.sample(keys, SAMPLE_ROWS)))
        count = daemon.value(f"select count(*) from {workload.TABLE} where title = ?", (title,))
        assert count == sizes.big_rows, f"the reader saw {count} of {sizes.big_rows} rows"
    report.at_most(f"one transaction of {sizes.big_rows} rows to visible", median(delays), 2, unit="s")


def commit_and_wait(daemon, cursor, title, keys):
    """Seconds from COMMIT until the file has that title in all rows of these keys."""
    reader = daemon.open_cache()
    try:
        version = data_version(reader)
        started = time.monotonic()
        cursor.execute("commit")
        while not all(shows(reader, key, title) for key in keys):
            version = wait_for_change(reader, version, started + TIMEOUT_S)
        return time.monotonic() - started
    finally:
        reader.close()


def shows(reader, key, title):
    found = reader.execute(f"select title from {workload.TABLE} where id = ?", (key,)).fetchone()
    return found is not None and found[0] == title


def data_version(reader):
    return reader.execute("pragma data_version").fetchone()[0]


def wait_for_change(reader, version, deadline):
    """The new data_version, which another connection's commit has moved."""
    while time.monotonic() < deadline:
        now = data_version(reader)
        if now != version:
            return now
        time.sleep(NAP_S)
    raise AssertionError(f"nothing arrived within {TIMEOUT_S} s")
