"""Autogenerate on random pairs of schemas: the upgrade makes A equal B, the downgrade makes
it A again, a second run finds nothing. pg_dump is the judge.

    autogenerate_pairs.py [FIRST [COUNT]]

A pair is its number; a failing one is run again by that. Exit status 1 when one failed.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support.cluster import Cluster  # noqa: E402
from support.schema_pair import Pair, random_pair  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

def main(first=0, count=500):
    failed = []
    with Cluster(os.path.join(ROOT, "build", "campaign", f"pg-{os.getpid()}"), fsync=False) as cluster:
        for number in range(first, first + count):
            wrong = Pair(cluster, number, *random_pair(number)).check()
            if wrong:
                failed.append(number)
                print(f"pair {number}: {wrong}", flush=True)
            if (number + 1) % 50 == 0:
                print(f"{number + 1 - first} pairs, {len(failed)} failed", flush=True)
        left = cluster.value("select count(*) from pg_database where datname like 'tidemark%'")
        if left:
            failed.append("scratch databases left")
            print(f"{left} scratch databases are left")
    print(f"{count} pairs from {first}: " + (f"{len(failed)} failed: {failed}" if failed else "all proved"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
