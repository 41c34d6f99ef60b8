"""A link with a delay: bytes take so long in each direction, as many as there are.

    with Delay(cluster, one_way_s=0.010) as link:
        link.conninfo("shop")
"""
import collections
import os
import socket
import threading
import time


class Delay:
    def __init__(self, cluster, one_way_s):
        self._upstream = os.path.join(cluster.socket_folder, f".s.PGSQL.{cluster.port}")
        self._one_way_s = one_way_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def conninfo(self, database):
        return f"host=127.0.0.1 port={self.port} dbname={database} user=postgres sslmode=disable gssencmode=disable"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._upstream)
            for source, target in ((client, server), (server, client)):
                Direction(source, target, self._one_way_s)


class Direction:
    """One thread reads and notes when, one writes when that is long enough ago."""

    def __init__(self, source, target, delay_s):
        self._source, self._target, self._delay_s = source, target, delay_s
        self._queue = collections.deque()
        self._filled = threading.Semaphore(0)
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._write, daemon=True).start()

    def _read(self):
        data = b"-"
        while data:
            try:
                data = self._source.recv(1 << 18)
            except OSError:
                data = b""
            self._queue.append((time.monotonic() + self._delay_s, data))
            self._filled.release()

    def _write(self):
        while True:
            self._filled.acquire()
            due, data = self._queue.popleft()
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                if not data:
                    self._target.shutdown(socket.SHUT_WR)
                    return
                self._target.sendall(data)
            except OSError:
                return
