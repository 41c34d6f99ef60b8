"""What a pull costs beyond its query: few changed rows of a large table.

The delta's text is what the daemon itself prepares on the primary, written down by a proxy
while the cache is filled. Alone means: that text with the cursor as a constant, prepared
and run in binary by poll_yardstick.c, which throws the rows away. Ours is from before
COMMIT to visible, so it has the commit and the wake-up in it too.

Rows that are spread over the whole table are the hard case: nearly every one dirties a page
of the table and one of the index on updated_at, and SQLite writes both to its log. Those
that were changed last, as a user's are, lie together in that index at least. The ruler for
both is stock SQLite: one prepared UPDATE of as many such rows of the same file, without a
trigger and without a network.
"""
import sqlite3
import subprocess
import time

import workload
from measure_delivery import commit_and_wait
from recorder import Recorder
from report import median, say

RUNS_ALONE = 5
SCATTERED = "md5(id::text || %s)"
LATEST = "updated_at desc, " + SCATTERED


def measure(world, report, sizes):
    database = world.sessions(sizes.rows)
    with Recorder(world.cluster) as recorder:
        daemon = world.fresh_cache(database, recorder.conninfo(database))
        daemon.sync(timeout_s=300)
        delta = delta_text(recorder.statements)
    daemon.configure({"primary": {"conninfo": world.conninfo(database)}})
    with daemon, world.cluster.connect(database, autocommit=True) as connection:
        daemon.start().wait_caught_up()
        with connection.cursor() as cursor:
            scattered = some_runs(world, daemon, cursor, delta, SCATTERED, sizes)
            latest = some_runs(world, daemon, cursor, delta, LATEST, sizes)
        daemon.stop()
    stock_scattered, stock_latest = by_stock_sqlite(daemon.cache_path, sizes)
    workload.discard(daemon)
    what = f"{sizes.changed_rows} of {sizes.rows} rows"
    report.at_most(f"{what}: ours - delta query alone", scattered[0] - scattered[1], 10,
                   f"{scattered[0]:.2f} ms", f"{scattered[1]:.2f} ms", "ms")
    report.note(f"{what}: that / stock SQLite", (scattered[0] - scattered[1]) / stock_scattered,
                f"{scattered[0] - scattered[1]:.2f} ms", f"{stock_scattered:.2f} ms")
    report.note(f"{what} changed last: ours - query", latest[0] - latest[1],
                f"{latest[0]:.2f} ms", f"{latest[1]:.2f} ms", "ms")
    report.note(f"{what} changed last: that / stock", (latest[0] - latest[1]) / stock_latest,
                f"{latest[0] - latest[1]:.2f} ms", f"{stock_latest:.2f} ms")


def delta_text(statements):
    found = [text for text in statements if "tidemark.deleted_row" in text and workload.TABLE in text]
    assert len(set(found)) == 1, f"one delta query expected, not {found}"
    return found[0]


def some_runs(world, daemon, cursor, delta, order, sizes):
    """Medians: milliseconds to visible, of the query alone."""
    pairs = [one_run(world, daemon, cursor, delta, order, run, sizes) for run in range(1, sizes.runs + 1)]
    return [median(times) * 1000 for times in zip(*pairs)]


def one_run(world, daemon, cursor, delta, order, run, sizes):
    """(seconds to visible, seconds of the query alone)"""
    say(f"{sizes.changed_rows} changed rows, run {run} of {sizes.runs}")
    title = f"delta run {run} by {order[:7]}"
    time.sleep(0.5)  # until the round before has ended
    cursor.execute("select pg_current_snapshot()::text")
    since = cursor.fetchone()[0]
    cursor.execute("begin")
    cursor.execute(f"""update {workload.TABLE} set title = %s where id in
        (select id from {workload.TABLE} where deleted_at is null order by {order} limit %s)
        returning id::text""", (title, title, sizes.changed_rows))
    keys = [row[0] for row in cursor.fetchall()]
    visible = commit_and_wait(daemon, cursor, title, keys[:5] + keys[-5:])
    answer = subprocess.run([workload.ruler("poll_yardstick"), world.conninfo(cursor.connection.info.dbname),
                             str(RUNS_ALONE)], input=delta.replace("\n", " ").replace("$1", f"'{since}'"),
                            check=True, capture_output=True, text=True)
    alone_ms, rows = answer.stdout.split()
    assert int(rows) == sizes.changed_rows, f"the query alone brought {rows} rows"
    return visible, float(alone_ms) / 1000


def by_stock_sqlite(path, sizes):
    """Medians of milliseconds from BEGIN to the end of COMMIT: scattered rows, rows changed last."""
    cache = sqlite3.connect(path, isolation_level=None)
    cache.executescript("pragma synchronous = normal; pragma wal_autocheckpoint = 0; pragma cache_size = -16000")
    for (trigger,) in cache.execute("select name from sqlite_schema where type = 'trigger'").fetchall():
        cache.execute(f'drop trigger "{trigger}"')
    latest = [key for key, in cache.execute(f"select id from {workload.TABLE} order by updated_at desc limit ?",
                                            (sizes.changed_rows,))]
    step = sizes.rows // sizes.changed_rows // 2
    times = {"scattered": [], "latest": []}
    for run in range(sizes.runs):
        scattered = [key for key, in cache.execute(
            f"select id from {workload.TABLE} where rowid % ? = ? limit ?", (step, run, sizes.changed_rows))]
        times["scattered"].append(stock_update(cache, scattered, run))
        times["latest"].append(stock_update(cache, latest, run))
    cache.close()
    return [median(times[rows]) * 1000 for rows in ("scattered", "latest")]


def stock_update(cache, keys, run):
    moment = f"2100-01-01T00:00:{run:02}.000000Z"
    rows = [(f"stock {run}", moment, key) for key in sorted(keys)]
    started = time.monotonic()
    cache.execute("begin immediate")
    cache.executemany(f"update {workload.TABLE} set title = ?, updated_at = ? where id = ?", rows)
    cache.execute("commit")
    return time.monotonic() - started
