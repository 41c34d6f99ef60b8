"""How fast a fresh cache is filled, and how much memory that takes.

Against what a person would do by hand (psql's CSV into sqlite3's .import: every row, no
index) and against the ruler (snapshot_yardstick.c: the same rows in the same order and the
same durability). Rates are rows of the result by seconds of the whole process, so the
primary's tombstones, which only the hand copies, favour nobody.
"""
import os
import subprocess
import time

import workload
from report import median, say
from support.daemon import program

HAND_TABLE = ("create table session (id text primary key not null, owner_id text, title text, model_code text,"
              " points text, settings text, is_archived text, message_count integer, created_at text,"
              " updated_at text, deleted_at text)")
HAND_COPY = (f"copy {workload.TABLE} (id, owner_id, title, model_code, points, settings, is_archived, message_count,"
             " created_at, updated_at, deleted_at) to stdout csv")


def measure(world, report, sizes):
    small, large = world.sessions(sizes.small_rows), world.sessions(sizes.rows)
    rates = {"hand": [], "ruler": [], "bare": [], "ours": []}
    peaks = {small: [], large: []}
    for run in range(1, sizes.runs + 1):
        say(f"snapshot of {sizes.rows} rows, run {run} of {sizes.runs}")
        rates["hand"].append(by_hand(world, large))
        rates["ruler"].append(by_ruler(world, large, "index=1"))
        rates["ours"].append(by_tidemark(world, large, peaks[large]))
        rates["bare"].append(by_ruler(world, large, "index=0"))
        by_tidemark(world, small, peaks[small])
    _report(report, {name: median(values) for name, values in rates.items()},
            median(peaks[small]), median(peaks[large]))


def _report(report, rates, small_peak, large_peak):
    texts = {name: f"{rate / 1000:.1f}k rows/s" for name, rate in rates.items()}
    report.at_least("snapshot: ours / by hand", rates["ours"] / rates["hand"], 2.5, texts["ours"], texts["hand"])
    report.at_least("snapshot: ours / ruler with the same index", rates["ours"] / rates["ruler"], 0.9,
                    texts["ours"], texts["ruler"])
    report.note("snapshot: ours / ruler without any index", rates["ours"] / rates["bare"], texts["ours"],
                texts["bare"])
    report.at_most("snapshot: peak resident memory", large_peak / 2**20, 64, unit="MiB")
    report.at_most("snapshot: that / with few rows", large_peak / small_peak, 1.1,
                   f"{large_peak / 2**20:.1f} MiB", f"{small_peak / 2**20:.1f} MiB")


def _remove(path):
    for suffix in ("", "-wal", "-shm", "-journal"):
        if os.path.exists(path + suffix):
            os.unlink(path + suffix)


def by_hand(world, database):
    path = os.path.join(workload.FOLDER, "hand.db")
    _remove(path)
    subprocess.run(["sqlite3", path, HAND_TABLE], check=True)
    started = time.monotonic()
    copy = subprocess.Popen(["psql", "-X", "-d", world.conninfo(database), "-qc", HAND_COPY], stdout=subprocess.PIPE)
    subprocess.run(["sqlite3", path, ".import --csv /dev/stdin session"], stdin=copy.stdout, check=True)
    took = time.monotonic() - started
    assert copy.wait() == 0
    count = subprocess.run(["sqlite3", path, "select count(*) from session"], check=True, capture_output=True)
    _remove(path)
    return int(count.stdout) / took


def by_ruler(world, database, *options):
    path = os.path.join(workload.FOLDER, "ruler.db")
    started = time.monotonic()
    answer = subprocess.run([workload.ruler("snapshot_yardstick"), world.conninfo(database), path, *options], check=True, capture_output=True, text=True)
    took = time.monotonic() - started
    _remove(path)
    return int(answer.stdout.split()[0]) / took


def by_tidemark(world, database, peaks):
    """`tidemark sync` into a cache that does not exist yet; appends its peak memory in bytes."""
    cache = world.fresh_cache(database)
    started = time.monotonic()
    process = subprocess.Popen([program("tidemark"), "-c", cache.config_path, "sync"], cwd="/",
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peaks.append(watch_peak(process))
    took = time.monotonic() - started
    messages = process.stderr.read()
    assert process.wait() == 0, messages
    rows = cache.value(f"select count(*) from {workload.TABLE}")
    workload.discard(cache)
    return rows / took


def watch_peak(process):
    """VmHWM only rises, so the last look before the end is the peak."""
    peak = 0
    while process.poll() is None:
        with open(f"/proc/{process.pid}/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    peak = int(line.split()[1]) * 1024
        time.sleep(0.02)
    return peak
