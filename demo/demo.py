"""A real PostgreSQL, mirrored into a plain SQLite file, both ways. See `make help`.

KEEP=1 leaves everything running and says how to look at it. Ends with 0 when every
change arrived and both sides are equal at the end, with 1 when not.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests"))

import both_sides  # noqa: E402
import screen  # noqa: E402
import story  # noqa: E402
import writing  # noqa: E402
from screen import Stopwatch, count, fact, heading, note, size  # noqa: E402
from stage import ROOT, STOP, Mismatch, Stage, end_kept_demo, interrupt_on_terminate  # noqa: E402

TABLES = ("llm_factory", "llms", "agent_chat_session", "user_preferences", "points_ledger")


def build_primary(stage):
    heading("The primary: a PostgreSQL of our own")
    with Stopwatch() as watch:
        stage.start_server()
        stage.configure()
    fact("server", f"PostgreSQL {stage.cluster.value('show server_version')}, port {stage.cluster.port}, "
                   f"started in {watch.seconds:.1f} s")
    screen.command("tidemark bootstrap", stage.tool("bootstrap"))
    fact("tracked", f"select tidemark.track('…') for each of {len(TABLES)} tables, in demo/migrations")
    for table in TABLES:
        fact("", f"{table:<20}{count(stage.cluster.value(f'select count(*) from {table}', database='shop')):>9} rows")
    make_role(stage)


def make_role(stage):
    """The owner's part: a role for tidemarkd that reads and writes rows."""
    stage.cluster.run("create role tidemark login; select tidemark.grant_sync('tidemark');"
                      " grant select, insert, update, delete on all tables in schema public to tidemark",
                      database="shop")
    fact("role", "tidemarkd connects as a role that may read and write these tables, and no more")


def copy_everything(stage):
    heading("The first copy: tidemarkd starts, the file appears")
    stage.restore_link()
    with Stopwatch() as watch:
        stage.start_daemon()
        print("    $ tidemark sync", flush=True)
        summary = stage.tool("sync")
    rows = stage.cluster.value("select " + " + ".join(f"(select count(*) from {table})" for table in TABLES),
                               database="shop")
    print(f"    {summary.rstrip()}")
    fact("copied", f"{count(rows)} rows in {watch.seconds:.1f} s, {count(round(rows / watch.seconds))} rows/s, "
                   f"indexes included")
    fact("file", f"{os.path.relpath(stage.cache, ROOT) if stage.cache.startswith(ROOT) else stage.cache}, "
                 f"{size(os.path.getsize(stage.cache))}: plain SQLite")


def compare_everything(stage):
    heading("Both sides, table by table")
    unequal = []
    connection = stage.connect(autocommit=False)
    fact("", f"{'table':<20}{'primary':>9} {'file':>9}  digest of every live row")
    for table in TABLES:
        primary, file, problem = both_sides.compare(connection, stage.cache, table)
        verdict = "equal" if problem is None else f"NOT EQUAL: {problem}"
        fact("", f"{table:<20}{count(len(primary.live)):>9} {count(len(file.live)):>9}  "
                 f"{primary.digest.hexdigest()[:8]} {file.digest.hexdigest()[:8]}  {verdict}")
        if problem:
            unequal.append(f"{table}: {problem}")
    connection.close()
    if unequal:
        raise Mismatch("; ".join(unequal))


def say_how_to_look(stage):
    tidemark = os.path.join(ROOT, "build", "tidemark")
    heading("Left running, because of KEEP=1")
    fact("the file", f"sqlite3 {stage.cache} 'select title, status, cost from live_agent_chat_session limit 5'")
    fact("primary", stage.psql())
    fact("status", f"{tidemark} -c {stage.configuration} status")
    fact("watch", f"{tidemark} -c {stage.configuration} watch")
    fact("the log", stage.log)
    fact("stop it", STOP)


def play(stage):
    began = time.monotonic()
    build_primary(stage)
    copy_everything(stage)
    story.follow_changes(stage)
    story.lose_the_link(stage)
    writing.write_online(stage)
    writing.write_offline(stage)
    compare_everything(stage)
    heading("Done")
    fact("shown", "a first copy, changes both ways, a late commit, lost links, a refused row, a kill; both sides are equal.")
    fact("", f"It took {time.monotonic() - began:.0f} s.")
    if stage.keep:
        stage.keep_up()
        say_how_to_look(stage)


def clean_up_check(stage):
    left = stage.left_behind()
    if left or os.path.exists(stage.folder):
        print(f"demo: left behind: processes {left}, folder {stage.folder}", file=sys.stderr)
        return 1
    note("Nothing is left running, no file is left.")
    return 0


def main():
    interrupt_on_terminate()
    end_kept_demo()
    try:
        with Stage(keep=os.environ.get("KEEP", "0") not in ("", "0")) as stage:
            play(stage)
    except Mismatch as problem:
        print(f"demo: the two sides differ: {problem}", file=sys.stderr)
        return 1
    except (AssertionError, RuntimeError) as problem:
        print(f"demo: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted; everything is stopped and removed", file=sys.stderr)
        return 130
    return 0 if stage.kept_up else clean_up_check(stage)


if __name__ == "__main__":
    sys.exit(main())
