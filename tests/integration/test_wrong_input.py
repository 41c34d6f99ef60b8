"""Wrong input: each mistake is named, says what to do, and ends with the right status."""
import os
import sqlite3

import pytest
from support.daemon import program, run_program
from support.process import SERVER_USER, free_port, wait_until

DONE, FAILED, USAGE, NEEDS_PERSON, UNREACHABLE = 0, 1, 2, 3, 75
SCHEMA = "create table item (id int primary key, updated_at timestamptz not null default now()); insert into item values (1)"


@pytest.fixture
def shop(world):
    world.run(SCHEMA)
    return world


def fails(answer, status, *words):
    """The status, every word in the message (any case), and nothing on stdout but results."""
    assert answer.status in (status if isinstance(status, tuple) else (status,)), answer
    for word in words:
        assert word.lower() in answer.err.lower(), f"no word of {word!r} in:\n{answer}"


def test_unreachable_host(shop):
    port = free_port()
    daemon = shop.daemon(conninfo=f"host=127.0.0.1 port={port} dbname=shop user=postgres", start=False)
    fails(daemon.tool("sync"), UNREACHABLE, "127.0.0.1", str(port))


def test_a_host_name_that_does_not_exist(shop):
    daemon = shop.daemon(conninfo="host=no.such.host.invalid dbname=shop user=postgres sslmode=verify-full", start=False)
    fails(daemon.tool("sync"), UNREACHABLE, "no.such.host.invalid")


def test_the_daemon_stays_offline_and_gets_on_when_the_primary_comes(throw_away_cluster, world_on):
    cluster = throw_away_cluster()
    world = world_on(cluster)
    world.run(SCHEMA)
    world.connection.close()
    cluster.stop()
    daemon = world.daemon(start=False)
    daemon.start()
    daemon.wait_state("offline")
    status = daemon.status()
    assert status["reason"]["text"] and status["next_try"] and status["since"]
    cluster.start()
    world.connection = cluster.connect(world.database)
    daemon.wait_caught_up()
    world.assert_equal(daemon, "item")


def secret_reader(world, password):
    world.run("do $$ begin if not exists (select from pg_roles where rolname = 'secret_reader') then"
              " create role secret_reader login; end if; end $$")
    world.run("alter role secret_reader password 'open sesame'; grant select on all tables in schema public to secret_reader")
    path = os.path.join(world.folder, "password")
    with open(path, "w") as out:
        out.write(password + "\n")
    os.chmod(path, 0o600)
    return path


def secret_daemon(world, password):
    path = secret_reader(world, password)
    return world.daemon({"primary": {"password_file": path}}, start=False,
                        conninfo=world.cluster.conninfo(world.database, "secret_reader", tcp=True))


def test_the_password_comes_from_a_file(shop):
    daemon = secret_daemon(shop, "open sesame")
    daemon.sync()
    shop.assert_equal(daemon, "item")


def test_bad_password(shop):
    daemon = secret_daemon(shop, "open barley")
    answer = daemon.tool("sync")
    fails(answer, FAILED, "password", "secret_reader")
    assert "barley" not in answer.err


def test_the_daemon_with_a_bad_password_is_blocked_and_says_so(shop):
    daemon = secret_daemon(shop, "open barley")
    daemon.start()
    daemon.wait_state("blocked")
    reason = daemon.status()["reason"]
    assert reason["name"] == "auth" and reason["sqlstate"] == "28P01" and "password" in reason["text"]
    assert "barley" not in daemon.log()


def test_a_password_in_conninfo_is_refused(shop):
    daemon = shop.daemon(conninfo=shop.cluster.conninfo(shop.database) + " password=hush", start=False)
    answer = daemon.tool("sync")
    fails(answer, USAGE, "password", "password_file")
    assert "hush" not in answer.err


def test_a_password_file_that_others_can_read_is_refused(shop):
    daemon = secret_daemon(shop, "open sesame")
    os.chmod(daemon.settings["primary"]["password_file"], 0o644)
    fails(daemon.tool("sync"), (FAILED, USAGE), "password", "chmod")


def test_a_password_file_that_others_can_read_meanwhile_is_refused(shop):
    """It is read for each connection, and so is who may."""
    daemon = secret_daemon(shop, "open sesame")
    daemon.start()
    daemon.wait_caught_up()
    os.chmod(daemon.settings["primary"]["password_file"], 0o644)
    shop.run("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'secret_reader'")
    wait_until(lambda: "may be read by everybody" in daemon.log(), daemon.log)


def test_a_password_file_that_is_missing(shop):
    daemon = secret_daemon(shop, "open sesame")
    os.unlink(daemon.settings["primary"]["password_file"])
    fails(daemon.tool("sync"), (FAILED, USAGE), daemon.settings["primary"]["password_file"])


def test_wrong_database(shop):
    daemon = shop.daemon(conninfo=shop.cluster.conninfo("no_such_shop"), start=False)
    fails(daemon.tool("sync"), (FAILED, USAGE), "no_such_shop")


def test_a_schema_that_does_not_exist(shop):
    daemon = shop.daemon({"primary": {"schema": "no_such_schema"}}, start=False)
    fails(daemon.tool("sync"), (FAILED, USAGE, NEEDS_PERSON), "no_such_schema")


def test_a_table_that_does_not_exist_is_named(shop):
    daemon = shop.daemon({"sync": {"tables": "item, no_such_table"}}, start=False)
    answer = daemon.tool("sync")
    fails(answer, NEEDS_PERSON, "no_such_table")
    shop.assert_equal(daemon, "item")


def test_no_permission_on_one_table_names_it_and_the_rest_goes_on(shop):
    shop.run("create table hidden (id int primary key, updated_at timestamptz not null default now())")
    daemon = secret_daemon(shop, "open sesame")
    shop.run("revoke all on hidden from secret_reader")
    answer = daemon.tool("sync")
    fails(answer, DONE, "hidden", "grant select")  # a glob found it; nobody asked for it by name
    named = daemon.tool("sync", environment={"TIDEMARK_SYNC_TABLES": "item, hidden"})
    fails(named, NEEDS_PERSON, "hidden", "grant select")
    shop.assert_equal(daemon, "item")
    daemon.start()
    daemon.wait_caught_up()
    status = daemon.status()
    entry = next(entry for entry in status["refused"] + status["tables"] if entry["name"] == "hidden")
    assert entry["reason"] and entry.get("state", "failed") == "failed"


def test_permission_withdrawn_while_running_stops_that_table_only(shop):
    shop.run("create table hidden (id int primary key, updated_at timestamptz not null default now()); insert into hidden values (1)")
    daemon = secret_daemon(shop, "open sesame")
    daemon.start()
    daemon.wait_caught_up()
    shop.run("revoke all on hidden from secret_reader; insert into hidden values (2); insert into item values (2)")
    wait_until(lambda: daemon.value("select count(*) from item") == 2, lambda: daemon.log(), 20)
    assert "hidden" in daemon.log() or "hidden" in str(daemon.status())
    shop.run("grant select on hidden to secret_reader")
    wait_until(lambda: not shop.differences(daemon, "hidden"), lambda: daemon.log(), 30)


@pytest.mark.parametrize("sslmode", [None, "prefer", "require", "verify-ca"])
def test_another_host_without_verified_tls_is_refused(shop, sslmode):
    more = f" sslmode={sslmode}" if sslmode else ""
    daemon = shop.daemon(conninfo=f"host=db.example.com hostaddr=192.0.2.1 dbname=shop user=postgres{more}", start=False)
    fails(daemon.tool("sync"), USAGE, "db.example.com", "verify-full")


@pytest.mark.parametrize("conninfo, environment", [("host=localhost,db.example.com", {}), ("host=127.0.0.1 hostaddr=192.0.2.1", {}),
                                                   ("", {"PGHOST": "db.example.com"}), ("host=127.example.com", {}),
                                                   ("host=localhost", {"PGHOSTADDR": "192.0.2.1"})])
def test_a_host_that_only_looks_local_is_another_one(shop, conninfo, environment):
    daemon = shop.daemon(conninfo=f"{conninfo} dbname=shop user=postgres", start=False)
    fails(daemon.tool("sync", environment=environment), USAGE, "verify-full")


def test_a_host_of_a_service_file_is_no_exception(shop):
    """libpq reads it when it connects, which the daemon does as well."""
    path = os.path.join(shop.folder, "services")
    with open(path, "w") as services:
        services.write(f"[far]\nhost=db.example.com\nhostaddr=127.0.0.1\nport={shop.cluster.port}\n"
                       f"[near]\nhost=127.0.0.1\nport={shop.cluster.port}\n")
    far = shop.daemon(conninfo=f"service=far dbname={shop.database} user=postgres", start=False, environment={"PGSERVICEFILE": path})
    fails(far.tool("sync"), USAGE, "db.example.com", "verify-full")
    near = shop.daemon(conninfo=f"service=near dbname={shop.database} user=postgres", start=False, environment={"PGSERVICEFILE": path})
    near.sync()


def test_insecure_tls_is_allowed_when_asked_for(shop):
    conninfo = f"host=db.example.com hostaddr=127.0.0.1 port={shop.cluster.port} dbname={shop.database} user=postgres"
    daemon = shop.daemon({"primary": {"allow_insecure_tls": "yes"}}, conninfo=conninfo, start=False)
    daemon.sync()
    shop.assert_equal(daemon, "item")


def test_tls_that_the_server_has_not_is_named(shop):
    conninfo = shop.cluster.conninfo(shop.database, tcp=True) + " sslmode=require"
    daemon = shop.daemon(conninfo=conninfo, start=False)
    fails(daemon.tool("sync"), (FAILED, UNREACHABLE), "SSL")


# -- the cache file --

def refused_and_untouched(daemon, status, *words):
    with open(daemon.cache_path, "rb") as cache:
        before = cache.read()
    fails(daemon.tool("sync"), status, "cache.db", *words)
    started = run_program(program("tidemarkd"), "-c", daemon.config_path)
    fails(started, status, "cache.db", *words)
    with open(daemon.cache_path, "rb") as cache:
        assert cache.read() == before, "the file was changed"


def test_a_cache_that_is_not_sqlite(shop):
    daemon = shop.daemon(start=False)
    with open(daemon.cache_path, "w") as out:
        out.write("a letter to my aunt\n" * 1000)
    refused_and_untouched(daemon, FAILED, "not")


def test_a_cache_from_a_newer_tidemark(shop):
    daemon = shop.daemon(start=False)
    daemon.sync()
    cache = sqlite3.connect(daemon.cache_path, isolation_level=None)
    cache.execute("pragma user_version = 9999")
    cache.execute("pragma journal_mode = delete")
    cache.close()
    refused_and_untouched(daemon, USAGE, "newer")


def test_a_database_of_another_program(shop):
    daemon = shop.daemon(start=False)
    other = sqlite3.connect(daemon.cache_path, isolation_level=None)
    other.executescript("create table item (id integer primary key, precious text); insert into item values (1, 'mine')")
    other.close()
    refused_and_untouched(daemon, USAGE)


def test_a_damaged_cache_is_said_to_be_damaged(shop):
    shop.run("insert into item select generate_series(2, 5000)")
    daemon = shop.daemon(start=False)
    daemon.sync()
    with open(daemon.cache_path, "r+b") as cache:
        size = os.path.getsize(daemon.cache_path)
        cache.seek(4096)
        cache.write(b"\xa5" * (size - 4096))
    for name in ("-wal", "-shm"):
        if os.path.exists(daemon.cache_path + name):
            os.unlink(daemon.cache_path + name)
    fails(daemon.tool("sync"), FAILED, "cache.db")


def as_nobody_special():
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={SERVER_USER}", f"--regid={SERVER_USER}", "--init-groups", "--"]


def test_a_cache_that_is_read_only(shop):
    daemon = shop.daemon(start=False)
    daemon.sync()
    os.chmod(daemon.cache_path, 0o444)
    os.chmod(daemon.folder, 0o555)
    try:
        answer = daemon.tool("sync", prefix=as_nobody_special())
    finally:
        os.chmod(daemon.folder, 0o755)
    fails(answer, FAILED, "cache.db", "permission")


def test_the_folder_of_the_cache_is_made_where_it_can_be(shop):
    daemon = shop.daemon({"cache": {"path": os.path.join(shop.folder, "new", "cache.db")}}, start=False)
    daemon.sync()
    assert os.path.exists(os.path.join(shop.folder, "new", "cache.db"))
    assert os.stat(os.path.join(shop.folder, "new")).st_mode & 0o777 == 0o750
    daemon = shop.daemon({"cache": {"path": os.path.join(daemon.config_path, "cache.db")}}, start=False)
    fails(daemon.tool("sync"), (FAILED, USAGE), daemon.settings["cache"]["path"])


SMALL_DISK = """
mount -t tmpfs -o size=1500k tmpfs "$1" || exit 77
"$2" -c "$3" sync; echo "first $?"
mount -o remount,size=64m "$1"
"$2" -c "$3" sync; echo "second $?"
sqlite3 "$1/cache.db" "select 'rows ' || count(*) from item"
"""


def test_a_full_disk_is_named_and_space_cures_it(shop):
    shop.run("alter table item add column note text; insert into item (id, note) select n, repeat('x', 100) from generate_series(2, 40000) n")
    disk = os.path.join(shop.folder, "disk")
    os.mkdir(disk)
    daemon = shop.daemon({"cache": {"path": os.path.join(disk, "cache.db")}}, start=False)
    answer = run_program("unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount", "sh", "-c", SMALL_DISK, "sh",
                         disk, program("tidemark"), daemon.config_path)
    if answer.status in (1, 77) and "first" not in answer.out:
        pytest.skip("no rights to mount a small disk: " + answer.err)
    assert "first 1" in answer.out and "second 0" in answer.out and "rows 40000" in answer.out, answer
    assert "full" in answer.err.lower() or "space" in answer.err.lower(), answer


# -- the configuration and the command line --

def configuration(folder, text):
    path = os.path.join(folder, "wrong.conf")
    with open(path, "w") as out:
        out.write(text)
    return path


GOOD = "[primary]\nconninfo = dbname=shop\n[cache]\npath = {folder}/cache.db\n"
MISTAKES = {
    "unknown key": (GOOD + "[sync]\npoll_intervall = 2s\n", ["poll_intervall", "poll_interval", ":6"]),
    "unknown section": (GOOD + "[snyc]\npoll_interval = 2s\n", ["snyc", "sync", ":5"]),
    "not a duration": (GOOD + "[sync]\npoll_interval = soon\n", ["poll_interval", "soon", ":6"]),
    "not a mode": (GOOD + "mode = rw\n", ["mode", "rw", ":5"]),
    "section twice": (GOOD + "[sync]\ntables = *\n[cache]\nmode = 0600\n", ["cache", "twice", ":7"]),
    "no section": ("conninfo = x\n" + GOOD, ["conninfo", ":1"]),
    "no primary": ("[cache]\npath = {folder}/cache.db\n", ["conninfo", "primary"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("name", ["tidemark", "tidemarkd"])
def test_a_mistake_in_the_configuration_is_named_with_its_line(folder, mistake, name):
    text, words = MISTAKES[mistake]
    path = configuration(folder, text.format(folder=folder))
    arguments = ["-c", path] + (["status"] if name == "tidemark" else [])
    answer = run_program(program(name), *arguments)
    words = [word for word in words if word != "twice"]
    fails(answer, USAGE, *[path + word if word.startswith(":") else word for word in words])


def test_a_configuration_that_is_missing(folder):
    answer = run_program(program("tidemark"), "-c", os.path.join(folder, "none.conf"), "status")
    fails(answer, USAGE, "none.conf")


def test_an_environment_variable_overrides_the_file(shop):
    daemon = shop.daemon(conninfo="host=127.0.0.1 port=1 dbname=no", start=False)
    answer = daemon.tool("sync", environment={"TIDEMARK_PRIMARY_CONNINFO": shop.cluster.conninfo(shop.database)})
    assert answer.status == 0, answer


def test_a_mistyped_command_suggests_the_nearest(folder):
    fails(run_program(program("tidemark"), "stauts"), USAGE, "stauts", "status")


def test_an_unknown_option_is_a_usage_error(folder):
    assert run_program(program("tidemark"), "status", "--jsn").status == USAGE
    assert run_program(program("tidemarkd"), "--no-such-option").status == USAGE


@pytest.mark.parametrize("name", ["tidemark", "tidemarkd"])
def test_a_folder_is_no_configuration(folder, name):
    fails(run_program(program(name), "-c", folder, *(["status"] if name == "tidemark" else [])), USAGE, folder, "is a directory")


@pytest.mark.parametrize("kind, status, words", [
    ("text", FAILED, "not an SQLite database"), ("newer", USAGE, "made by a newer tidemark"), ("foreign", USAGE, "another program's database"),
    ("folder", FAILED, "that is a folder"), ("broken", FAILED, "malformed")])
def test_status_says_what_is_wrong_with_the_file(shop, kind, status, words):
    daemon = shop.daemon()
    daemon.wait_caught_up()
    daemon.stop()
    path = daemon.cache_path
    if kind == "newer":
        daemon.query("pragma user_version = 99")
    elif kind == "broken":
        with open(path, "r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (os.path.getsize(path) - 4096))
    else:
        os.remove(path)
        if kind == "folder":
            os.mkdir(path)
        elif kind == "text":
            with open(path, "w") as file:
                file.write("a diary, and no database " * 100)
        else:
            sqlite3.connect(path).execute("create table diary (text)").connection.close()
    answer = daemon.tool("status")
    fails(answer, status, path, words)
    assert "mirrored" not in answer.out + answer.err, answer


def test_init_writes_a_configuration_that_is_valid_and_never_overwrites(shop, folder):
    path = os.path.join(folder, "new.conf")
    first = run_program(program("tidemark"), "-c", path, "init")
    assert first.status == 0 and os.path.getsize(path) > 500, first
    assert os.stat(path).st_mode & 0o777 == 0o600
    shown = run_program(program("tidemark"), "-c", path, "config",
                        environment={"TIDEMARK_PRIMARY_CONNINFO": "dbname=shop", "TIDEMARK_CACHE_PATH": folder + "/c.db"})
    assert shown.status == 0 and "poll_interval" in shown.out, shown
    with open(path) as config:
        before = config.read()
    second = run_program(program("tidemark"), "-c", path, "init")
    assert second.status != 0 and "new.conf" in second.err
    with open(path) as config:
        assert config.read() == before


def test_a_control_socket_path_that_is_too_long_is_refused(shop):
    daemon = shop.daemon({"control": {"socket": "/tmp/" + "x" * 120}}, start=False)
    answer = run_program(program("tidemarkd"), "-c", daemon.config_path)
    fails(answer, (FAILED, USAGE), "socket")
