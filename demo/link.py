"""The network of the demo: passes bytes between a TCP port and PostgreSQL's socket.

    python3 link.py PORT SOCKET

To cut the link, end this process: what is open breaks, and nobody listens any more.
"""
import socket
import sys
import threading


def relay(source, target):
    try:
        while data := source.recv(1 << 18):
            target.sendall(data)
    except OSError:
        pass
    for side in (source, target):
        try:
            side.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, server_path):
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(server_path)
    except OSError:
        client.close()
        return
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for pair in ((client, server), (server, client)):
        threading.Thread(target=relay, args=pair, daemon=True).start()


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=64)
    while True:
        client, _ = listener.accept()
        serve(client, sys.argv[2])


if __name__ == "__main__":
    main()
