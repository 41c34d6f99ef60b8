"""make bench: how fast tidemark is, measured against yardsticks in the same run.

    bench.py [--quick] [--only NAME]… [--json FILE]

Every ratio is of medians over runs that take turns, so that a busy machine slows both
sides alike. Exit status 0 when all limits are met, 3 when one was missed.
"""
import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]

import measure_capture  # noqa: E402
import measure_delivery  # noqa: E402
import measure_delta  # noqa: E402
import measure_idle  # noqa: E402
import measure_lock  # noqa: E402
import measure_push  # noqa: E402
import measure_snapshot  # noqa: E402
from report import Report  # noqa: E402
from workload import Workload  # noqa: E402

MEASURES = {"snapshot": measure_snapshot, "delivery": measure_delivery, "delta": measure_delta, "idle": measure_idle,
            "push": measure_push, "lock": measure_lock, "capture": measure_capture}


class Sizes:
    """How much is measured."""

    def __init__(self, quick):
        self.runs = 3 if quick else 5
        self.rows = 200_000 if quick else 1_000_000
        self.small_rows = 100_000
        self.commits = 50 if quick else 200
        self.big_rows = self.rows // 10
        self.changed_rows = 1000
        self.push_runs = 3 if quick else 5
        self.pushed_rows = self.rows // 10
        self.bulk_writes = 20_000 if quick else 50_000
        self.single_writes = 2000 if quick else 5000
        self.idle_s = 10 if quick else 30


def arguments():
    parser = argparse.ArgumentParser(description="Measures tidemark against yardsticks in the same run.")
    parser.add_argument("--quick", action="store_true", help="fewer rows and runs")
    parser.add_argument("--only", action="append", choices=MEASURES, metavar="NAME",
                        help=f"one of {', '.join(MEASURES)}; may be repeated")
    parser.add_argument("--json", metavar="FILE", help="write the results there too")
    return parser.parse_args()


def main():
    wanted = arguments()
    sizes = Sizes(wanted.quick)
    report = Report()
    with Workload() as world:
        for name in wanted.only or MEASURES:
            MEASURES[name].measure(world, report, sizes)
    if wanted.json:
        report.write(wanted.json)
    return 0 if report.all_met else 3


if __name__ == "__main__":
    sys.exit(main())
