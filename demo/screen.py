"""What the demo prints: headings, facts, and one change seen from both sides."""
import os
import sys
import time

BOLD, DIM, GREEN, RED, PLAIN = "\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m"
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"
MARGIN = 13
sys.stdout.reconfigure(errors="replace")  # a terminal may know no ellipsis


def painted(text, colour):
    return f"{colour}{text}{PLAIN}" if COLOUR else text


def heading(text):
    print(f"\n{painted('== ' + text, BOLD)}", flush=True)


def fact(word, text):
    """One line: a word in the margin, then what there is to say."""
    print(f"{word:<{MARGIN}}{text}", flush=True)


def note(text):
    print(painted(" " * MARGIN + text, DIM), flush=True)


def change(what, primary, file, seconds):
    """The same change on the primary and in the file, and how long it took from one to the other."""
    fact(what, f"primary  {primary}")
    fact("", f"file     {file}")
    fact("", f"         {painted(f'visible {milliseconds(seconds)} after the commit', GREEN)}")


def command(text, output):
    """A command as one would type it, and what it printed."""
    print(f"    $ {painted(text, BOLD)}")
    for line in output.rstrip("\n").split("\n"):
        print(f"    {line}".rstrip())
    sys.stdout.flush()


def milliseconds(seconds):
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def size(count):
    return f"{count / 2**20:.1f} MiB"


def count(number):
    return f"{number:,}".replace(",", " ")


class Stopwatch:
    """with Stopwatch() as watch: … ; watch.seconds"""

    def __enter__(self):
        self.started = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.started
