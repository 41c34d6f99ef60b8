"""A proxy that writes down what a client of PostgreSQL says, and how often it takes its turn.

A turn is a client that speaks after the server has spoken: a poll of one turn is one round
trip, however many messages it holds.
"""
import os
import selectors
import socket
import threading

from support.proxy import Messages


class Recorder:
    def __init__(self, cluster):
        self._upstream = os.path.join(cluster.socket_folder, f".s.PGSQL.{cluster.port}")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.turns = 0
        self.statements = []  # texts of Parse messages
        threading.Thread(target=self._accept, daemon=True).start()

    def conninfo(self, database):
        return f"host=127.0.0.1 port={self.port} dbname={database} user=postgres sslmode=disable gssencmode=disable"

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        server = socket.socket(socket.AF_UNIX)
        with client, server, selectors.DefaultSelector() as ready:
            server.connect(self._upstream)
            ready.register(client, selectors.EVENT_READ)
            ready.register(server, selectors.EVENT_READ)
            messages, server_spoke = Messages(untyped_first=True), True
            while True:
                for key, _ in ready.select():
                    data = key.fileobj.recv(1 << 18)
                    if not data:
                        return
                    if key.fileobj is server:
                        client.sendall(data)
                        server_spoke = True
                        continue
                    self.turns += server_spoke
                    server_spoke = False
                    self._note(messages.feed(data))
                    server.sendall(data)

    def _note(self, messages):
        for message in messages:
            if message and message[:1] == b"P":
                _name, text, _ = message[5:].split(b"\0", 2)
                self.statements.append(text.decode())
