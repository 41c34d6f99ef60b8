"""The table of results: measure, ours, yardstick, value, limit, verdict."""
import json
import statistics
import sys

COLUMNS = (46, 18, 18, 10, 10, 0)


class Report:
    def __init__(self):
        self.lines = []
        self._print("measure", "ours", "yardstick", "value", "limit", "")

    def at_least(self, measure, value, limit, ours="", yardstick="", unit=""):
        self._add(measure, value, f">= {limit:g}", value >= limit, ours, yardstick, unit)

    def at_most(self, measure, value, limit, ours="", yardstick="", unit=""):
        self._add(measure, value, f"<= {limit:g}", value <= limit, ours, yardstick, unit)

    def note(self, measure, value, ours="", yardstick="", unit=""):
        """For comparison only."""
        self._add(measure, value, "", None, ours, yardstick, unit)

    @property
    def all_met(self):
        return all(line["ok"] is not False for line in self.lines)

    def write(self, path):
        with open(path, "w") as out:
            json.dump({"v": 1, "kind": "bench", "all_met": self.all_met, "measures": self.lines}, out, indent=1)
            out.write("\n")

    def _add(self, measure, value, limit, met, ours, yardstick, unit):
        self.lines.append({"measure": measure, "ours": ours, "yardstick": yardstick, "value": value, "unit": unit,
                           "limit": limit, "ok": met})
        verdict = {True: "ok", False: "MISSED", None: ""}[met]
        self._print(measure, ours, yardstick, f"{value:.3g}{unit and ' ' + unit}", limit, verdict)

    @staticmethod
    def _print(*cells):
        print(" ".join(f"{cell:<{width}}" for cell, width in zip(cells, COLUMNS)).rstrip(), flush=True)


def say(text):
    """Progress, for people."""
    print(text, file=sys.stderr, flush=True)


def median(values):
    return statistics.median(values)


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
