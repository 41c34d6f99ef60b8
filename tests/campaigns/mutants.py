#!/usr/bin/python3 -B
"""Breaks the program on purpose, one way after the other, and demands that the tests see it.

    make campaign-mutants            # all of them
    make campaign-mutants MUTANT=zero_rows_is_success
    tests/campaigns/mutants.py --check          # does each still know what to break?

Works on a copy of the tree below build/mutants. A mutant that survives is a hole in the tests.
"""
import filecmp
import os
import shutil
import subprocess
import sys

from mutations import MUTATIONS

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TREE = os.path.join(ROOT, "build", "mutants", "tree")
PARTS = ["lib", "daemon", "migrations", "tests"]
TIME_LIMIT_S = 900


def files_of(root):
    return {os.path.relpath(os.path.join(folder, name), root) for part in PARTS for folder, _, names in
            os.walk(os.path.join(root, part)) for name in names if "__pycache__" not in folder} | {"Makefile"}


def fresh_tree():
    """Writes what differs, so that only what a mutation touched is built again."""
    os.makedirs(TREE, exist_ok=True)
    wanted = files_of(ROOT)
    for name in files_of(TREE) - wanted - {"Makefile"}:
        os.unlink(os.path.join(TREE, name))
    for name in wanted:
        source, target = os.path.join(ROOT, name), os.path.join(TREE, name)
        if not os.path.exists(target) or not filecmp.cmp(source, target, shallow=False):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(source, target)
            shutil.copymode(source, target)


def read(root, mutation, path, old):
    with open(os.path.join(root, path)) as source:
        text = source.read()
    if text.count(old) != 1:
        raise SystemExit(f"{mutation.name}: the text to replace is in {path} {text.count(old)} times, not once")
    return text


def check():
    for mutation in MUTATIONS:
        for path, old, _ in mutation.edits:
            read(ROOT, mutation, path, old)


def mutate(mutation):
    for path, old, new in mutation.edits:
        text = read(TREE, mutation, path, old)
        with open(os.path.join(TREE, path), "w") as source:
            source.write(text.replace(old, new))


def run(mutation):
    """The last lines of the tests that saw it, or None when none did."""
    environment = {**os.environ, "TIDEMARK_STORM_SECONDS": "1", "TIDEMARK_STORM_SEEDS": str(mutation.seeds),
                   "TIDEMARK_STORM_FIRST": "1", "MAKEFLAGS": "", "CFLAGS": "-O1 -Wno-error"}
    built = subprocess.run(["make", "-j2", "all", "faults", "build/tests/writer"], cwd=TREE,
                           capture_output=True, text=True, env=environment)
    if built.returncode:
        raise SystemExit(f"{mutation.name} does not build:\n{built.stdout[-2000:]}{built.stderr[-2000:]}")
    tested = subprocess.run(["make", "check-integration", f"PYTEST=-x -k '{mutation.tests}'"], cwd=TREE,
                            capture_output=True, text=True, env=environment, timeout=TIME_LIMIT_S)
    lines = [line for line in tested.stdout.splitlines() if line.startswith(("E  ", "FAILED", "ERROR"))]
    return lines if tested.returncode else None


def main(wanted):
    chosen = [mutation for mutation in MUTATIONS if not wanted or mutation.name in wanted]
    survivors = []
    for mutation in chosen:
        fresh_tree()
        mutate(mutation)
        seen = run(mutation)
        print(f"{'seen    ' if seen else 'SURVIVES'}  {mutation.name}: {mutation.what}", flush=True)
        print("".join(f"          {line[:150]}\n" for line in (seen or [])[:3]), end="", flush=True)
        survivors += [] if seen else [mutation.name]
    shutil.rmtree(TREE, ignore_errors=True) if not survivors else None
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} mutants seen")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(check() if sys.argv[1:] == ["--check"] else main(sys.argv[1:]))
