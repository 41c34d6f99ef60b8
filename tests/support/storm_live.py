"""A storm beside running daemons: nothing waits for anything, daemons are killed at random and
at named points, links break. What comes first is the machine's choice, so a seed gives the
same edits, not the same history.
"""
import time

from support.process import is_alive, wait_until
from support.storm import Failure, Storm

HEALED_S = 30.0


class LiveStorm(Storm):
    def _set_out(self):
        for device in self.devices:
            device.start()

    def _step(self, choose):
        device = choose.choice(self.devices)
        self.server.late_step(choose)
        kind = choose.random()
        if kind < 0.6:
            self.local[device].step(choose)
        elif kind < 0.85:
            self.server.step(choose)
        elif kind < 0.9:
            self._break_the_link(choose)
        elif kind < 0.95:
            self._kill(device, choose)
        time.sleep(choose.choice([0.0, 0.0, 0.01, 0.05]))
        if choose.random() < 0.2:
            self.proxy.heal()  # what is cut stays so until then
        self._revive(choose)

    def _break_the_link(self, choose):
        self.count("cut")
        if choose.random() < 0.5:
            self.proxy.cut_now()
        else:
            self.proxy.cut_after(choose.randint(0, 80), client=choose.random() < 0.5)

    def _kill(self, device, choose):
        self.count("kill")
        self.note(f"kill {self.local[device].name}")
        if is_alive(device.process.pid):
            device.kill()
        else:
            device.wait_end()
        device.start(ready=False, fault=f"{choose.choice(self.points)}:{choose.randint(1, 4)}")

    def _revive(self, choose):
        """A daemon that died at its point comes back, sometimes to die again."""
        for device in self.devices:
            if device.ended():
                status = device.wait_end()
                self.count(f"ended {status}")
                if status != -9:
                    raise Failure(f"the daemon ended with {status}\n{device.log()}")
                device.start(ready=False)

    def heal(self):
        self.server.end_late("commit")
        self.proxy.heal()
        for device in self.devices:
            if is_alive(device.process.pid):
                device.stop()
            else:
                device.wait_end()
            device.start()
        for _ in range(3):
            for device in self.devices:
                wait_until(lambda: device.value("select count(*) from tide_outbox") == 0,
                           lambda: f"the outbox of {self.local[device].name} is empty\n{device.log()}", HEALED_S)
                device.wait_caught_up()
        for device in self.devices:
            wait_until(lambda: device.value("select count(*) from tide_refetch") == 0, "nothing is to be read again", 10)
            device.stop()
