"""Work beside a test, in threads of its own, for as long as a with block lasts."""
import threading


class Background:
    """Each of `works` runs in its thread and looks at self.stopping again and again. What goes wrong
    there fails the test at the end of the block: a thread that died sees nothing any more."""

    def __init__(self, *works):
        self.stopping, self._failures = threading.Event(), []
        self._threads = [threading.Thread(target=self._run, args=(work,), daemon=True) for work in works]

    def _run(self, work):
        try:
            work()
        except Exception as failure:  # noqa: BLE001 - raised at the end
            self._failures.append(failure)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stopping.set()
        for thread in self._threads:
            thread.join()
        if self._failures and not kind:
            raise self._failures[0]
