"""A push has arrived when the primary says that it has committed, and not before."""
import pytest
from support.process import wait_until
from support.shop import Shop


def rewriting(proxy, old, new, seen=None, while_true=lambda: True):
    """Replaces some of the client's words by others of the same length."""
    assert len(old) == len(new)

    def rewrite(message, from_client):
        if not from_client or old not in message or not while_true():
            return None
        if seen is not None:
            seen.append(message)
        return message.replace(old, new)
    proxy.watch(rewrite)


@pytest.fixture
def proxied(world):
    shop = Shop(world)
    proxy = world.proxy()
    shop.device.configure({"primary": {"conninfo": proxy.conninfo(world.database)}})
    return shop, proxy


def test_a_commit_that_rolls_back_is_no_commit(proxied):
    """The server answers COMMIT in a transaction that has failed with ROLLBACK, and no error."""
    shop, proxy = proxied
    pushing, seen = [], []
    shop.edit("update item set note = 'here' where id = 1", "insert into customer (id, name) values (9, 'new')")

    def roll_back(message, from_client):
        if from_client and b"savepoint tide_push" in message:
            pushing.append(True)
        if from_client and pushing and message.startswith(b"P\0") and b"\0commit;" in message:
            seen.append(message)
            return message.replace(b"commit;", b"abort; ")
        return None
    proxy.watch(roll_back)
    answer = shop.device.tool("sync")
    assert seen and answer.status == 75, answer
    assert shop.world.value("select note from item where id = 1") == "note 1"
    assert shop.pending() == 2, "what did not arrive still waits"
    assert shop.device.value("select count(*) from tide_push") == 0, "the server said no: nothing is in doubt"
    proxy.watch(None)
    shop.sync()
    assert shop.world.run("select note from item where id = 1") == [("here",)]
    assert shop.world.run("select name from customer where id = 9") == [("new",)]
    assert shop.conflicts() == [] and shop.pending() == 0
    shop.assert_equal()


def test_a_commit_that_the_server_does_not_take_leaves_no_transaction_open(proxied):
    """It is refused before it is run, as for want of memory: the next round must not meet what it left."""
    shop, proxy = proxied
    shop.device.start()
    shop.device.wait_caught_up()
    pushing, seen = [], []

    def refuse(message, from_client):
        if from_client and b"savepoint tide_push" in message:
            pushing.append(True)
        if from_client and pushing and not seen and message.startswith(b"P\0") and b"\0commit;" in message:
            seen.append(message)
            return message.replace(b"commit;", b"commix;")
        return None
    proxy.watch(refuse)
    shop.edit("update item set note = 'here' where id = 1")
    wait_until(lambda: seen and shop.world.value("select note from item where id = 1") == "here", shop.device.log, 40)
    assert "aborted" not in shop.device.log(1 << 20)
    shop.device.wait_caught_up()
    assert shop.conflicts() == [] and shop.rejected() == [] and shop.pending() == 0
    shop.assert_equal()


def test_a_push_that_does_not_get_to_its_begin_stops_no_rounds(proxied):
    """BEGIN went through and what follows it did not: the transaction must not stay open."""
    shop, proxy = proxied
    shop.device.start()
    shop.device.wait_caught_up()
    broken, seen = [True], []
    rewriting(proxy, b"set constraints all deferred", b"set constraints nix deferred", seen,
              while_true=lambda: bool(broken))
    shop.edit("update item set note = 'here' where id = 1")
    wait_until(lambda: seen, shop.device.log)
    shop.world.run("update item set total = 77 where id = 2")
    wait_until(lambda: shop.device.query("select 1 from item where id = 2 and total = 77"), shop.device.log, 20)
    assert "aborted" not in shop.device.log(1 << 20)
    broken.clear()
    wait_until(lambda: shop.world.value("select note from item where id = 1") == "here", shop.device.log, 40)
    shop.device.wait_caught_up()
    shop.assert_equal()
