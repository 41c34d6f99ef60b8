"""A disk of a few MiB that fills up: a tmpfs that only processes started through `prefix` see.

    disk = SmallDisk(folder, "3m")      # skips the test where nobody may mount
    daemon = world.daemon({"cache": {"path": disk.path("cache.db")}}, prefix=disk.prefix)
    disk.fill()
    disk.make_room()

It is mounted in a namespace of its own (a user's own namespace, where we are not root), which
ends with the process that holds it: nothing is left behind.
"""
import os
import subprocess

import pytest

HOLD = 'mount -t tmpfs -o size="$1" tmpfs "$2" && echo ready && exec cat'


class SmallDisk:
    def __init__(self, folder, size):
        self.folder = os.path.join(folder, "disk")
        os.makedirs(self.folder, exist_ok=True)
        user = [] if os.geteuid() == 0 else ["--user"]
        self._holder = subprocess.Popen(
            ["unshare", "--mount", *user, *(["--map-root-user"] if user else []), "sh", "-c", HOLD, "sh", size, self.folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self._holder.stdout.readline() != "ready\n":
            pytest.skip("no rights to mount a small disk: " + self._holder.stderr.read())
        self.prefix = ["nsenter", f"--target={self._holder.pid}", "--mount", *user,
                       *(["--preserve-credentials"] if user else []), "--", "setpriv", "--pdeathsig=KILL", "--"]

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *command):
        return subprocess.run([*self.prefix, *command], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)

    def fill(self):
        """Not a byte is left."""
        result = self.run("dd", "if=/dev/zero", "of=" + self.path("fill"), "bs=4k", "oflag=append", "conv=notrunc")
        assert "No space left" in result.stderr, result

    def make_room(self):
        self.run("rm", "-f", self.path("fill"))

    def sql(self, text, cache="cache.db"):
        """By another program, as an application would: (exit status, what it printed)."""
        result = self.run("sqlite3", "-bail", "-cmd", ".timeout 5000", self.path(cache), text)
        return result.returncode, (result.stdout + result.stderr).strip()

    def copy_out(self, target, cache="cache.db"):
        """The cache as it is now, where this process can open it."""
        result = self.run("sqlite3", self.path(cache), f".backup '{target}'")
        assert result.returncode == 0, result
        return target

    def close(self):
        self._holder.stdin.close()
        self._holder.wait(10)
        self._holder.stdout.close()
        self._holder.stderr.close()
