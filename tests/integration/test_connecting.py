"""What keeps a new user from the primary: each cause is told apart, and the cure is one that works."""
import os
import shutil

import pytest
from support.daemon import program, run_program
from support.process import run_unprivileged, wait_until

DONE, FAILED, USAGE, UNREACHABLE = 0, 1, 2, 75
NO_PGPASS = {"PGPASSFILE": "/nonexistent"}


@pytest.fixture
def shop(world):
    world.run("create table item (id int primary key, updated_at timestamptz not null default now());"
              "insert into item values (1)")
    world.run("do $$ begin if not exists (select from pg_roles where rolname = 'secret_reader') then"
              " create role secret_reader login; end if; end $$")
    world.run("alter role secret_reader password 'open sesame'; grant select on all tables in schema public to secret_reader")
    return world


def secret_conninfo(world):
    return world.cluster.conninfo(world.database, "secret_reader", tcp=True)


def private_file(world, name, text):
    path = os.path.join(world.folder, name)
    with open(path, "w") as out:
        out.write(text)
    os.chmod(path, 0o600)
    return path


def secret_daemon(world, **more):
    return world.daemon(conninfo=secret_conninfo(world), start=False, **more)


def fails(answer, status, *words):
    assert answer.status == status, answer
    for word in words:
        assert word in answer.err, f"no {word!r} in:\n{answer}"


# -- the password --

def test_a_password_that_nobody_gave_is_asked_for(shop):
    daemon = secret_daemon(shop, environment=NO_PGPASS)
    fails(daemon.tool("sync"), FAILED, "no password supplied", "-> user secret_reader needs a password",
          "[primary] password_file", "~/.pgpass", "PGPASSWORD")
    fails(daemon.tool("migrate"), FAILED, "[primary] password_file")
    answer = daemon.tool("doctor")
    assert answer.status != UNREACHABLE and "[primary] password_file" in answer.out, answer


def test_every_way_that_the_advice_names_works(shop):
    password_file = private_file(shop, "password", "open sesame\n")
    pgpass = private_file(shop, "pgpass", "127.0.0.1:*:*:secret_reader:open sesame\n")
    for way in ({"TIDEMARK_PRIMARY_PASSWORD_FILE": password_file}, {"PGPASSFILE": pgpass}, {"PGPASSWORD": "open sesame"}):
        daemon = secret_daemon(shop, environment={**NO_PGPASS, **way})
        daemon.sync()
        shop.assert_equal(daemon, "item")


def test_pgpass_in_the_home_folder_is_read(shop):
    private_file(shop, ".pgpass", "127.0.0.1:*:*:secret_reader:open sesame\n")
    daemon = secret_daemon(shop, environment={"HOME": shop.folder})
    daemon.sync()


def test_the_daemon_without_a_password_is_blocked_until_there_is_one(shop):
    pgpass = os.path.join(shop.folder, "pgpass")
    daemon = secret_daemon(shop, environment={"PGPASSFILE": pgpass})
    daemon.start()
    daemon.wait_state("blocked")
    reason = daemon.status()["reason"]
    assert reason["name"] == "auth" and "[primary] password_file" in reason["hint"], reason
    private_file(shop, "pgpass", "127.0.0.1:*:*:secret_reader:open sesame\n")
    wait_until(lambda: daemon.status()["state"] == "live", daemon.log)


def test_a_password_file_without_a_password(shop):
    daemon = secret_daemon(shop)
    daemon.configure({"primary": {"password_file": private_file(shop, "password", "\nopen sesame\n")}})
    fails(daemon.tool("sync"), USAGE, "password", "is empty")


def test_a_password_file_that_is_missing_says_what_to_do(shop):
    daemon = secret_daemon(shop)
    for path in ("/nowhere/password", shop.folder):
        daemon.configure({"primary": {"password_file": path}})
        fails(daemon.tool("sync"), USAGE, path, "-> ")


# -- the owner's connection, for migrations --

def test_the_owner_of_the_migrations_has_a_password_of_their_own(shop):
    daemon = secret_daemon(shop, environment=NO_PGPASS)
    daemon.configure({"primary": {"conninfo": shop.cluster.conninfo(shop.database)}})
    shop.run(f"grant create on database {shop.database} to secret_reader")
    owner = {"TIDEMARK_MIGRATIONS_CONNINFO": secret_conninfo(shop)}
    fails(daemon.tool("migrate", environment=owner), FAILED, "no password supplied", "[migrations] password_file")
    wrong = private_file(shop, "wrong", "open barley\n")
    fails(daemon.tool("migrate", environment={**owner, "TIDEMARK_MIGRATIONS_PASSWORD_FILE": wrong}), FAILED,
          "[migrations] password_file")
    right = private_file(shop, "right", "open sesame\n")
    answer = daemon.tool("migrate", environment={**owner, "TIDEMARK_MIGRATIONS_PASSWORD_FILE": right})
    assert answer.status == DONE, answer
    assert shop.value("select nspowner::regrole::text from pg_namespace where nspname = 'tidemark'") == "secret_reader"


def test_a_password_in_the_owners_conninfo_is_refused_by_its_name(shop):
    daemon = secret_daemon(shop)
    answer = daemon.tool("migrate", environment={"TIDEMARK_MIGRATIONS_CONNINFO": "dbname=shop password=hush"})
    fails(answer, USAGE, "TIDEMARK_MIGRATIONS_CONNINFO: [migrations] conninfo", "[migrations] password_file")
    assert "[primary]" not in answer.err and "hush" not in answer.err, answer


# -- the way there --

def test_a_host_that_has_no_address(shop):
    daemon = shop.daemon(conninfo="host=no.such.host.invalid dbname=shop user=postgres sslmode=verify-full", start=False)
    fails(daemon.tool("sync"), UNREACHABLE, "no.such.host.invalid", "-> check the host's name in [primary] conninfo", "DNS")


def test_a_server_without_tls(shop):
    daemon = shop.daemon(conninfo=shop.cluster.conninfo(shop.database, tcp=True) + " sslmode=require", start=False)
    fails(daemon.tool("sync"), UNREACHABLE, "SSL", "-> ", "sslmode")


WRONG_WORDS = {
    "port=99999": ("invalid port number", "-> check port in [primary] conninfo"),
    "port=22x": ("22x", "-> check the numbers in [primary] conninfo"),
    "sslmode=bogus": ("bogus", "-> check that word in [primary] conninfo"),
}


@pytest.mark.parametrize("words", WRONG_WORDS)
def test_a_word_of_conninfo_that_makes_no_sense_needs_a_person(shop, words):
    daemon = shop.daemon(conninfo=f"host=127.0.0.1 dbname=shop user=postgres {words}", start=False)
    fails(daemon.tool("sync"), USAGE, *WRONG_WORDS[words])


def test_a_service_that_is_not_known(shop):
    daemon = shop.daemon(conninfo="service=nowhere", start=False)
    fails(daemon.tool("sync"), USAGE, "nowhere", "-> check service in [primary] conninfo")


# -- what the server says at the door --

@pytest.fixture
def visitor(shop, numbers):
    """The configuration of a role of its own, which a test may shut out."""
    role = f"visitor{next(numbers)}"
    shop.run(f"create role {role} login")
    yield shop.daemon(conninfo=shop.cluster.conninfo(shop.database, role), start=False), role
    shop.run(f"drop owned by {role}; drop role {role}")


def test_too_many_connections(shop, visitor):
    daemon, role = visitor
    shop.run(f"alter role {role} connection limit 0")
    fails(daemon.tool("sync"), UNREACHABLE, "too many connections", "-> close other sessions")


def test_a_database_that_may_not_be_entered(shop, visitor):
    daemon, _ = visitor
    shop.run(f"revoke connect on database {shop.database} from public")
    fails(daemon.tool("sync"), FAILED, "permission denied for database", "-> let the database's owner grant connect")


def test_a_database_that_is_closed_opens_again_some_day(shop, visitor):
    daemon, _ = visitor
    shop.cluster.run(f"alter database {shop.database} allow_connections false")
    fails(daemon.tool("sync"), UNREACHABLE, "not currently accepting connections", "-> the database is closed")
    shop.cluster.run(f"alter database {shop.database} allow_connections true")
    daemon.sync()


def test_a_server_that_wants_tls_for_us(throw_away_cluster, world_on):
    cluster = throw_away_cluster()
    world = world_on(cluster)
    with open(os.path.join(cluster.data, "pg_hba.conf"), "w") as rules:
        rules.write("local all all trust\nhostssl all all all trust\n")
    world.run("select pg_reload_conf()")
    daemon = world.daemon(conninfo=cluster.conninfo(world.database, tcp=True), start=False)
    wait_until(lambda: "pg_hba" in daemon.tool("sync").err, "the rules are read")
    fails(daemon.tool("sync"), FAILED, "no encryption", "-> check the server's pg_hba.conf", "sslmode=verify-full in [primary]")


def test_a_role_to_become_that_is_not_there_or_not_ours(shop, visitor):
    daemon, role = visitor
    daemon.configure({"primary": {"role": "nobody_here"}})
    fails(daemon.tool("sync"), FAILED, "nobody_here", "-> check [primary] role")
    daemon.configure({"primary": {"role": "postgres"}})
    fails(daemon.tool("sync"), FAILED, "permission denied", "grant postgres to", "[primary] role")


def test_a_role_that_may_not_make_the_schema_is_sent_to_the_owners_connection(shop, visitor):
    daemon, _ = visitor
    fails(daemon.tool("migrate"), FAILED, "permission denied", "-> ", "[migrations] conninfo")


# -- what is named wrongly here --

def test_a_cache_that_is_a_folder(shop):
    daemon = shop.daemon({"cache": {"path": shop.folder}}, start=False)
    for command in ("sync", "status"):
        fails(daemon.tool(command), FAILED, shop.folder, "-> that is a folder")


def test_a_configuration_that_is_missing_says_how_to_make_one(shop):
    answer = run_program(program("tidemark"), "-c", "/nowhere/none.conf", "status")
    fails(answer, USAGE, "/nowhere/none.conf", "-> `tidemark -c /nowhere/none.conf init` writes one")


def certificate(cluster, name):
    """A certificate that signs itself, and its key, both where the server can read them."""
    paths = [os.path.join(cluster.data, f"{name}.{kind}") for kind in ("crt", "key")]
    run_unprivileged("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                     "-out", paths[0], "-keyout", paths[1])
    return paths


@pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl to make certificates with")
def test_each_way_in_which_tls_fails_has_its_cure(throw_away_cluster, world_on):
    cluster = throw_away_cluster()
    (crt, key), (other, _) = certificate(cluster, "localhost"), certificate(cluster, "example")
    for name, value in (("ssl_cert_file", crt), ("ssl_key_file", key), ("ssl", "on")):
        cluster.run_alone(f"alter system set {name} = '{value}'")
    cluster.restart()
    world = world_on(cluster)
    world.run("create table item (id int primary key, updated_at timestamptz not null default now())")
    authority = private_file(world, "authority.crt", run_unprivileged("cat", crt))
    stranger = private_file(world, "stranger.crt", run_unprivileged("cat", other))

    def answer(host, root):
        conninfo = (f"host={host} hostaddr=127.0.0.1 port={cluster.port} dbname={world.database} user=postgres"
                    f" sslmode=verify-full sslrootcert={root}")
        return world.daemon(conninfo=conninfo, start=False).tool("sync")

    fails(answer("localhost", "/nowhere/root.crt"), USAGE, "/nowhere/root.crt", "-> name the certificate", "[primary] conninfo")
    fails(answer("localhost", stranger), UNREACHABLE, "certificate verify failed", "-> check that sslrootcert")
    fails(answer("example", authority), UNREACHABLE, "does not match host name", "-> let host in [primary] conninfo")
    assert answer("localhost", authority).status == DONE
