"""Triggers that applications put on mirrored tables write too: every change arrives, as it was meant."""

SCHEMA = """
create table person (id int primary key, email text, slug text);
insert into person values (1, 'one', 'p1'), (2, 'two', 'p2');
"""


def offline(world, triggers):
    """A cache with the application's triggers, and nobody who follows them meanwhile."""
    world.run(SCHEMA)
    world.track("person")
    daemon = world.daemon(start=False)
    daemon.sync()
    connection = daemon.open_cache()
    connection.executescript(triggers)
    connection.close()
    return daemon


def test_a_row_that_a_trigger_completes_arrives(world):
    daemon = offline(world, """
        create trigger complete after insert on person begin
            update person set slug = 'p' || new.id where id = new.id;
        end""")
    daemon.query("insert into person (id, email) values (3, 'three')")
    daemon.sync()
    assert world.run("select id, email, slug from person where id = 3") == [(3, "three", "p3")]
    assert daemon.value("select count(*) from tide_conflict") == 0
    world.assert_equal(daemon, "person")


def test_a_value_that_a_trigger_tidies_up_arrives_without_a_conflict(world):
    """The trigger's own change is made after the one that fired it, and so is its entry."""
    daemon = offline(world, """
        create trigger tidy after update of email on person when new.email <> lower(new.email) begin
            update person set email = lower(new.email) where id = new.id;
        end""")
    daemon.query("update person set email = 'UNO@X' where id = 1")
    assert daemon.value("select base from tide_outbox order by sequence limit 1") == """{"email":"'one'"}"""
    daemon.sync()
    assert world.value("select email from person where id = 1") == "uno@x"
    assert daemon.value("select count(*) from tide_conflict") == 0
    world.assert_equal(daemon, "person")
