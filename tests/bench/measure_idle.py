"""What doing nothing costs: polls of many tables that did not change.

Round trips are counted by a proxy (recorder.py): a round trip is a client that speaks after
the server has spoken. The time of a poll is the daemon's own (status, rounds.last_ms),
beside a ruler that asks every table for news in one pipeline, again and again without a
pause, so that its caches are warm and the daemon's are not. Processor time is the
kernel's, in nanoseconds, over all threads.
"""
import os
import subprocess
import time

import workload
from recorder import Recorder
from report import median, say

TABLE_COUNT = 50
POLL = "select * from poll_{:03d} where (updated_at, id) > (now(), 'ffffffff-ffff-ffff-ffff-ffffffffffff')" \
       " order by updated_at, id limit 1000"


def measure(world, report, sizes):
    database = world.many_tables(TABLE_COUNT)
    with Recorder(world.cluster) as recorder:
        round_trips(world, database, recorder, report)
    daemon = world.fresh_cache(database)
    with daemon:
        daemon.start().wait_caught_up()
        time.sleep(9)  # until it rests
        poll_times(world, database, daemon, report, sizes)
        processor(daemon, report, sizes)
        daemon.stop()
    workload.discard(daemon)


def round_trips(world, database, recorder, report):
    say("counting the round trips of idle polls")
    daemon = world.fresh_cache(database, recorder.conninfo(database))
    with daemon:
        daemon.start().wait_caught_up()
        time.sleep(3)
        turns, rounds = recorder.turns, daemon.status()["rounds"]["completed"]
        time.sleep(7)
        turns, rounds = recorder.turns - turns, daemon.status()["rounds"]["completed"] - rounds
        daemon.stop()
    workload.discard(daemon)
    assert rounds > 0, "no poll in seven seconds"
    report.at_most(f"idle poll of {TABLE_COUNT} tables: round trips", turns / rounds, 1,
                   f"{turns} in {rounds} polls")


def poll_times(world, database, daemon, report, sizes):
    statements = "".join(POLL.format(number) + "\n" for number in range(1, TABLE_COUNT + 1))
    ours, ruler = [], []
    for run in range(1, sizes.runs + 1):
        say(f"idle poll, run {run} of {sizes.runs}")
        time.sleep(2)
        ours.append(daemon.status()["rounds"]["last_ms"])
        answer = subprocess.run([workload.ruler("poll_yardstick"), world.conninfo(database), "100"],
                                input=statements, check=True, capture_output=True, text=True)
        ruler.append(float(answer.stdout.split()[0]))
    report.note(f"idle poll of {TABLE_COUNT} tables: ours / ruler", median(ours) / median(ruler),
                f"{median(ours):.2f} ms", f"{median(ruler):.2f} ms")


def processor(daemon, report, sizes):
    say(f"idle for {sizes.idle_s} s")
    before, started = processor_s(daemon.process.pid), time.monotonic()
    time.sleep(sizes.idle_s)
    share = (processor_s(daemon.process.pid) - before) / (time.monotonic() - started)
    report.at_most(f"idle daemon, {TABLE_COUNT} tables: share of a core", share * 100, 0.1, unit="%")
    report.at_most(f"idle daemon, {TABLE_COUNT} tables: resident", daemon.resident_bytes() / 2**20, 16, unit="MiB")


def processor_s(pid):
    total_ns = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as statistics:
            total_ns += int(statistics.read().split()[0])
    return total_ns / 1e9
