"""Faults between the engine and the API server, one after the other, and now and then the server is killed."""

import random
import time
from collections import Counter

from faults.soak.beside import Beside
from support.api import effects, streams

SKY = {
    "connections cut": lambda server: server.cut_connections(),
    "connections ended politely": lambda server: server.cut_connections(reset=False),
    "watch cut in a line": lambda server: server.faults.add(streams.cut(3, line_share=0.5), "watch", times=3),
    "410 event": lambda server: server.faults.add(streams.error_event(410, "Expired", after=2), "watch", times=2),
    "410 on a list": lambda server: server.faults.add(effects.Refuse(410, "Expired"), "list", times=1),
    "events twice": lambda server: server.faults.add(streams.duplicate(), "watch", times=2),
    "429": lambda server: server.faults.add(effects.Refuse(429, retry_after=1), "write", times=5),
    "500": lambda server: server.faults.add(effects.Refuse(500), times=5),
    "503": lambda server: server.faults.add(effects.Refuse(503), times=5),
    "body truncated": lambda server: server.faults.add(effects.Truncate(), "list", "get", "write", times=5),
    "write done, answer lost": lambda server: server.faults.add(effects.CommitThenDrop(), "write", times=5),
    "write reset": lambda server: server.faults.add(effects.Drop(reset=True), "write", times=5),
}
_WATCH_FAULTS = ("watch cut in a line", "410 event", "events twice")


class Weather(Beside):
    """A fault every ``pause`` seconds, and an API server killed every ``outage`` seconds."""

    def __init__(self, server, plane, *, seed, pause=2.0, outage=75.0):
        self.done = Counter()
        self._server, self._plane = server, plane
        self._pause, self._outage = pause, outage
        self._dice = random.Random(seed)  # noqa: S311 - no secret
        super().__init__(self._run)

    def stop(self):
        super().stop()
        self._server.faults.clear()
        self._server.cut_connections()

    def _run(self):
        outage = time.monotonic() + self._outage
        while not self._stopping.wait(self._pause * self._dice.uniform(0.5, 1.5)):
            if time.monotonic() > outage:
                with self._plane.down("kube-apiserver"):
                    self.done["API server killed"] += 1
                outage = time.monotonic() + self._outage
            name = self._dice.choice(sorted(SKY))
            SKY[name](self._server)
            if name in _WATCH_FAULTS:  # For new watches only: so the old ones go.
                self._server.cut_connections()
            self.done[name] += 1
