"""A proxy between the daemon and PostgreSQL that understands messages, and misbehaves.

    proxy = Proxy(cluster)                 # clients connect to proxy.conninfo("shop")
    proxy.cut_after(17)                    # both sides hang up after the 17th message
    proxy.silent_after(17)                 # the connection stays, nothing more is said
    proxy.trickle(chunk=1, pause_s=0.002)  # every byte on its own
    proxy.refuse(); proxy.heal()
    proxy.watch(function)                  # function(message, from_client) before each one passes

A message is one of the server's (counted from the last heal(), over all connections), or
one of the client's where `client=True`. It listens on TCP and on a Unix socket.
"""
import os
import re
import selectors
import socket
import struct
import threading
import time

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102


class Messages:
    """Cuts a stream into whole messages. The first one of a client has no type byte."""

    def __init__(self, untyped_first):
        self._untyped = untyped_first
        self._buffer = bytearray()

    def feed(self, data):
        self._buffer += data
        while True:
            start = 0 if self._untyped else 1
            if len(self._buffer) < start + 4:
                return
            size = struct.unpack_from("!I", self._buffer, start)[0] + start
            if len(self._buffer) < size:
                return
            message = bytes(self._buffer[:size])
            del self._buffer[:size]
            if self._untyped and struct.unpack_from("!I", message, 4)[0] in (SSL_REQUEST, GSS_REQUEST):
                yield None  # answered by the proxy itself; the startup message is still to come
                continue
            self._untyped = False
            yield message


class Rule:
    """What happens at message number `at` of one direction."""

    def __init__(self, action=None, at=None, client=False, extra_bytes=0):
        self.action, self.at, self.client, self.extra_bytes = action, at, client, extra_bytes


class Proxy:
    def __init__(self, cluster, folder=None):
        self._upstream = os.path.join(cluster.socket_folder, f".s.PGSQL.{cluster.port}")
        self._lock = threading.Lock()
        self._pairs = set()
        self._closed = False
        self.connections = 0
        self.heal()
        self._listeners = [self._listen_tcp()]
        if folder:
            self._listeners.append(self._listen_unix(folder))
        for listener in self._listeners:
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _listen_tcp(self):
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = listener.getsockname()[1]
        return listener

    def _listen_unix(self, folder):
        self.socket_folder = folder
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.path.join(folder, f".s.PGSQL.{self.port}"))
        listener.listen(64)
        return listener

    def conninfo(self, database, user="postgres", local=False):
        host = self.socket_folder if local else "127.0.0.1"
        return f"host={host} port={self.port} dbname={database} user={user} sslmode=disable"

    # -- misbehaving --

    def heal(self):
        with self._lock:
            self.server_messages = self.client_messages = 0
            self._rule, self._chunk, self._pause_s, self._refusing = Rule(), None, 0.0, False
            self._watcher = None

    def cut_after(self, count, client=False, extra_bytes=0):
        """extra_bytes: so much of the next message still gets through."""
        self._set(Rule("cut", count, client, extra_bytes))

    def silent_after(self, count, client=False):
        self._set(Rule("silence", count, client))

    def _set(self, rule):
        with self._lock:
            self.server_messages = self.client_messages = 0
            self._rule = rule

    def watch(self, function):
        """Calls function(message, from_client) in the proxy's thread; while it runs nothing
        passes on that connection. What it raises ends the connection; bytes that it returns pass
        in the message's place."""
        self._watcher = function

    def trickle(self, chunk=1, pause_s=0.001):
        self._chunk, self._pause_s = chunk, pause_s

    def delay(self, pause_s):
        """Each message arrives so much later."""
        self._chunk, self._pause_s = None, pause_s

    def refuse(self):
        """As if nobody listened any more: what is open is cut, what is new is hung up."""
        self._refusing = True
        self.cut_now()

    def cut_now(self):
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            pair.hang_up()

    def close(self):
        self._closed = True
        for listener in self._listeners:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
        self.cut_now()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- the wire --

    def _accept(self, listener):
        while not self._closed:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if self._refusing:
                client.close()
                continue
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        if client.family == socket.AF_INET:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self._upstream)
        except OSError:
            client.close()
            return
        pair = Pair(client, server)
        with self._lock:
            self._pairs.add(pair)
        try:
            self._relay(pair)
        finally:
            pair.hang_up()
            with self._lock:
                self._pairs.discard(pair)

    def _relay(self, pair):
        poll = selectors.DefaultSelector()
        streams = {pair.client: (pair.server, Messages(True), True), pair.server: (pair.client, Messages(False), False)}
        for source in streams:
            poll.register(source, selectors.EVENT_READ)
        with poll:
            while not pair.ended:
                for ready, _ in poll.select(0.2):
                    target, messages, from_client = streams[ready.fileobj]
                    if not self._forward(pair, ready.fileobj, target, messages, from_client):
                        return

    def _forward(self, pair, source, target, messages, from_client):
        try:
            data = source.recv(65536)
            if not data:
                return False
            if pair.silent:
                return True  # swallowed
            for message in messages.feed(data):
                if message is None:
                    source.sendall(b"N")
                elif not self._pass_on(pair, target, message, from_client):
                    return False
        except OSError:
            return False
        return True

    def _pass_on(self, pair, target, message, from_client):
        watcher = self._watcher
        if watcher:
            message = watcher(message, from_client) or message
        action, extra_bytes = self._decide(from_client)
        if action == "silence":
            pair.silent = True
        if action is None and not pair.silent:
            self._send(target, message)
            return True
        if extra_bytes:
            target.sendall(message[:extra_bytes])
        return action != "cut"

    def _decide(self, from_client):
        with self._lock:
            if from_client:
                self.client_messages += 1
            else:
                self.server_messages += 1
            rule = self._rule
            count = self.client_messages if from_client else self.server_messages
            due = rule.action and rule.client == from_client and count > rule.at
            return (rule.action, rule.extra_bytes) if due else (None, 0)

    def _send(self, target, message):
        if self._chunk is None:
            if self._pause_s:
                time.sleep(self._pause_s)
            target.sendall(message)
            return
        for start in range(0, len(message), self._chunk):
            target.sendall(message[start:start + self._chunk])
            time.sleep(self._pause_s)


class Pair:
    def __init__(self, client, server):
        self.client, self.server = client, server
        self.silent = self.ended = False

    def hang_up(self):
        self.ended = True
        for side in (self.client, self.server):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            side.close()


def at_commit(proxy, act):
    """Calls act() when the COMMIT of a push is about to pass. A push is what moves the ledger."""
    seen = {"push": False}

    def watch(message, from_client):
        if from_client and b"tidemark.device" in message:
            seen["push"] = True
        if from_client and seen["push"] and message[:1] in (b"Q", b"P") and re.search(rb"\bcommit\b", message.lower()):
            seen["push"] = False
            act()
    proxy.watch(watch)
