"""What local writes cost: the same statements on a mirrored table with our triggers and without.

The ruler is local_yardstick.c, an application of its own. Both sides start from copies of the
same cache and take turns.
"""
import os
import shutil
import sqlite3
import subprocess

import workload
from report import median, say

CASES = [  # case, what it is called, rows per transaction (0: all in one), least ratio of the rates
    ("update", "update, each row its transaction", 1, 0.6),
    ("update", "update, one transaction", 0, 0.5),
    ("update_unstamped", "update without updated_at, one each", 1, None),
    ("update_unstamped", "update without updated_at, one in all", 0, None),
    ("insert", "insert, each row its transaction", 1, 0.6),
    ("insert", "insert, one transaction", 0, 0.4),
    ("upsert", "upsert of rows that are there", 0, None),
    ("delete", "delete of soft-deleted table", 0, None),
]


def measure(world, report, sizes):
    daemon = world.fresh_cache(world.sessions(sizes.small_rows))
    daemon.sync(timeout_s=300)
    with_triggers = settle(daemon.cache_path)
    without = os.path.join(daemon.folder, "without.db")
    shutil.copyfile(with_triggers, without)
    drop_triggers(without)
    for case, title, per_transaction, limit in CASES:
        compare(report, (with_triggers, without), (case, title, per_transaction, limit), sizes)
    workload.discard(daemon)


def settle(path):
    """One file without a WAL."""
    cache = sqlite3.connect(path)
    cache.execute("pragma wal_checkpoint(truncate)")
    cache.close()
    return path


def drop_triggers(path):
    cache = sqlite3.connect(path, isolation_level=None)
    names = cache.execute("select name from sqlite_schema where type = 'trigger' and name like 'tide_capture_%'").fetchall()
    for (name,) in names:
        cache.execute(f'drop trigger "{name}"')
    cache.close()


def compare(report, files, what, sizes):
    case, title, per_transaction, limit = what
    rows = sizes.single_writes if per_transaction else sizes.bulk_writes
    say(f"{title}: {rows} rows, {sizes.runs} runs")
    times = ([], [])
    for _ in range(sizes.runs):
        for file, taken in zip(files, times):
            taken.append(one_run(file, case, rows, per_transaction or rows))
    ours, alone = [rows / median(taken) for taken in times]
    put = report.at_least if limit else (lambda *values, **more: report.note(values[0], values[1], *values[3:], **more))
    put(title, ours / alone, limit, f"{ours:,.0f} rows/s", f"{alone:,.0f} rows/s")


def one_run(file, case, rows, per_transaction):
    copy = file + "-run"
    shutil.copyfile(file, copy)
    answer = subprocess.run([workload.ruler("local_yardstick"), copy, case, str(rows), str(per_transaction)],
                            check=True, capture_output=True, text=True)
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(copy + suffix):
            os.unlink(copy + suffix)
    return float(answer.stdout)
