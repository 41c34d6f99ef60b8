"""SQLAlchemy and Django work on a cache as on any database, with models that know nothing of
tidemark; and what they write arrives on the primary.
"""
import subprocess
import sys
import textwrap

import pytest

from support.application import Application
from support.process import wait_until

SCHEMA = """
create table author (
    id uuid primary key default gen_random_uuid(),
    name text not null,
    email text unique,
    active boolean not null default true,
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);
create table book (
    id uuid primary key default gen_random_uuid(),
    author_id uuid not null references author,
    title varchar(80) not null,
    price numeric(8, 2),
    pages integer not null default 0,
    published date,
    facts jsonb,
    updated_at timestamp not null default now()
);
insert into author (id, name, email) values ('00000000-0000-0000-0000-00000000000a', 'Ann', 'ann@x'),
    ('00000000-0000-0000-0000-00000000000b', 'Bob', 'bob@x');
insert into book (id, author_id, title, price, pages) values
    ('00000000-0000-0000-0000-0000000000b1', '00000000-0000-0000-0000-00000000000a', 'First', 9.5, 100),
    ('00000000-0000-0000-0000-0000000000b2', '00000000-0000-0000-0000-00000000000b', 'Second', 12, 200);
"""
ANN, BOB = (f"00000000-0000-0000-0000-00000000000{letter}" for letter in "ab")
FIRST, SECOND = (f"00000000-0000-0000-0000-0000000000b{number}" for number in "12")

SQLALCHEMY = """
    import datetime, sys, uuid
    from decimal import Decimal
    from sqlalchemy import (JSON, Boolean, Column, Date, DateTime, ForeignKey, Integer, Numeric, String, Text, create_engine,
                            event, func, select)
    from sqlalchemy.dialects.sqlite import insert
    from sqlalchemy.orm import declarative_base, relationship, Session

    Base = declarative_base()

    class Author(Base):
        __tablename__ = "author"
        id = Column(String(36), primary_key=True, default=lambda: str(uuid.uuid4()))
        name = Column(Text, nullable=False)
        email = Column(Text, unique=True)
        active = Column(Boolean, nullable=False, default=True)
        books = relationship("Book", back_populates="author", cascade="all, delete-orphan", order_by="Book.title")

    class Book(Base):
        __tablename__ = "book"
        id = Column(String(36), primary_key=True, default=lambda: str(uuid.uuid4()))
        author_id = Column(ForeignKey("author.id"), nullable=False)
        title = Column(String(80), nullable=False)
        price = Column(Numeric(8, 2))
        pages = Column(Integer, nullable=False, default=0)
        published = Column(Date)
        facts = Column(JSON)
        updated_at = Column(DateTime, server_default=func.now(), onupdate=datetime.datetime.utcnow)
        author = relationship(Author, back_populates="books")

    engine = create_engine("sqlite:///" + sys.argv[1])
    event.listen(engine, "connect", lambda connection, record: connection.execute("pragma foreign_keys = on"))
    with Session(engine) as session:
        ann = session.execute(select(Author).where(Author.name == "Ann")).scalar_one()
        assert [book.title for book in ann.books] == ["First"] and ann.active is True
        ann.name = "Anna"
        ann.books.append(Book(title="New", price=Decimal("3.25"), published=datetime.date(2026, 1, 2), facts={"a": [1, "x"]}))
        session.add(Author(name="Cyd", email="cyd@x", books=[Book(title="Cyd's")]))
        session.commit()
        new = session.execute(select(Book).where(Book.title == "New")).scalar_one()
        assert (new.price, new.facts, new.author.name, new.pages) == (Decimal("3.25"), {"a": [1, "x"]}, "Anna", 0)
        new.pages = 7
        session.delete(session.get(Book, "{SECOND}"))
        session.commit()
        session.delete(session.execute(select(Author).where(Author.name == "Bob")).scalar_one())
        session.commit()
        upsert = insert(Author).values(id="{ANN}", name="Anne", email="ann@x", active=False)
        session.execute(upsert.on_conflict_do_update(index_elements=["id"], set_=dict(name=upsert.excluded.name)))
        session.execute(insert(Author).values(name="Dan", email="ann@x").on_conflict_do_nothing())
        session.merge(Book(id="{FIRST}", author_id="{ANN}", title="Merged"))
        session.commit()
        session.add(Author(name="nobody"))
        session.flush()
        session.rollback()
"""

DJANGO = """
    import datetime, sys, uuid
    from decimal import Decimal
    import django
    from django.conf import settings

    settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}},
                       INSTALLED_APPS=[], USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField")
    django.setup()
    from django.db import models, transaction
    from django.utils import timezone

    def key():
        return str(uuid.uuid4())

    class Author(models.Model):
        id = models.CharField(primary_key=True, max_length=36, default=key)
        name = models.TextField()
        email = models.TextField(unique=True, null=True)
        active = models.BooleanField(default=True)
        updated_at = models.DateTimeField(auto_now=True)
        deleted_at = models.DateTimeField(null=True)

        class Meta:
            app_label = "shop"
            db_table = "author"

    class Book(models.Model):
        id = models.CharField(primary_key=True, max_length=36, default=key)
        author = models.ForeignKey(Author, models.CASCADE, related_name="books")
        title = models.CharField(max_length=80)
        price = models.DecimalField(max_digits=8, decimal_places=2, null=True)
        pages = models.IntegerField(default=0)
        published = models.DateField(null=True)
        facts = models.JSONField(null=True)

        class Meta:
            app_label = "shop"
            db_table = "book"

    ann = Author.objects.get(name="Ann")
    assert [book.title for book in ann.books.all()] == ["First"] and ann.active is True
    assert ann.updated_at <= timezone.now() and ann.deleted_at is None
    ann.name = "Anna"
    ann.save()
    ann.books.create(title="New", price=Decimal("3.25"), published=datetime.date(2026, 1, 2), facts={"a": [1, "x"]})
    with transaction.atomic():
        cyd = Author.objects.create(name="Cyd", email="cyd@x")
        cyd.books.create(title="Cyd's")
    new = Book.objects.get(title="New")
    assert (new.price, new.facts, new.author.name) == (Decimal("3.25"), {"a": [1, "x"]}, "Anna")
    assert Book.objects.filter(title="New").update(pages=7) == 1
    assert Book.objects.filter(author__name="Bob").delete() == (1, {"shop.Book": 1})
    assert Author.objects.get(name="Bob").delete() == (1, {"shop.Author": 1})
    author, created = Author.objects.update_or_create(id="{ANN}", defaults={"name": "Anne"})
    assert not created
    Author.objects.bulk_create([Author(name="Dan", email="ann@x")], ignore_conflicts=True)
    Book.objects.update_or_create(id="{FIRST}", defaults={"title": "Merged"})
    try:
        with transaction.atomic():
            Author.objects.create(name="nobody")
            raise KeyError
    except KeyError:
        pass
"""


@pytest.mark.parametrize("script", [SQLALCHEMY, DJANGO], ids=["sqlalchemy", "django"])
def test_an_orm_writes_as_ever_and_the_primary_gets_it(world, script):
    world.run(SCHEMA)
    world.track("author", "book")
    daemon = world.daemon()
    daemon.wait_caught_up()
    daemon.stop()
    for name, value in {"ANN": ANN, "FIRST": FIRST, "SECOND": SECOND}.items():
        script = script.replace("{" + name + "}", value)
    answer = subprocess.run([sys.executable, "-W", "error::ResourceWarning", "-c", textwrap.dedent(script), daemon.cache_path],
                            capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr

    app = Application(daemon.cache_path)
    cyd = app.value("select id from author where name = 'Cyd'")
    pending = {(table, key, op) for table, op, key in app.run(
        "select t.name, op, json_extract(row_key, '$[0]') from tide_outbox join tide_table t using (table_id)")}
    new, cyds = [app.value("select id from book where title = ?", title) for title in ("New", "Cyd's")]
    assert pending == {("author", ANN, "update"), ("author", cyd, "insert"), ("author", BOB, "update"), ("book", new, "insert"),
                       ("book", cyds, "insert"), ("book", new, "update"), ("book", SECOND, "delete"), ("book", FIRST, "update")}
    assert app.run("select name from live_author order by name") == [("Anne",), ("Cyd",)]
    app.db.close()

    daemon.start()
    wait_until(lambda: daemon.value("select count(*) from tide_outbox") == 0, lambda: f"an empty outbox\n{daemon.log()}", 30)
    assert world.run("select name from author where deleted_at is null order by name") == [("Anne",), ("Cyd",)]
    assert world.run("select title, pages, price from book order by title") == [
        ("Cyd's", 0, None), ("Merged", 100, world.value("select 9.50")), ("New", 7, world.value("select 3.25"))]
    daemon.wait_caught_up()
    world.assert_equal(daemon, "author", "book")
