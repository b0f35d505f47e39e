"""A Prometheus server that scrapes programs in trouble, and what it saw: each alert comes, and goes once all is mended.

The alerts that fire are a copy of the shipped ones that waits for 2 seconds instead of minutes, and in which ranges and
limits of time are shorter. The shipped ones are loaded beside them.
"""

import contextlib
import json
import re
import time
from importlib.resources import files

import yaml

from kind.observed import Observed
from kind.prometheus import Prometheus, Span
from support.eventually import last_answer

OBSERVE = files("genreconcile.observe")
ALERTS = yaml.safe_load((OBSERVE / "alerts.yaml").read_text("utf-8"))
DASHBOARD = json.loads((OBSERVE / "dashboard.json").read_text("utf-8"))
RULES = {rule["alert"]: rule for group in ALERTS["groups"] for rule in group["rules"]}
HASTENED = "hastened"
"""The group of the copy."""
LONG = 120.0
"""Seconds in which every alert has come, or gone, on any machine."""
_SHORTER = {"[5m]": "[10s]", "[15m]": "[15s]", "[1h]": "[60s]", "> 300": "> 5", "> 60": "> 1"}
_WHEN_DOWN = "GenreconcileCacheIsOld"
"""The alert that comes while the server cannot be reached, when some others cannot."""


def hastened():
    """The same rules, in a group of their own, that do not wait for minutes."""
    rules = []
    for rule in RULES.values():
        expression = rule["expr"]
        for long, short in _SHORTER.items():
            expression = expression.replace(long, short)
        assert not re.search(r"\[\d+[mh]\]|> \d{2,}", expression), expression
        rules.append({**rule, "expr": expression, "for": "2s"})
    return {"groups": [{"name": HASTENED, "rules": rules}]}


class Watching:
    """What was seen of the alerts: ``fired`` has the first that came, by name; ``left`` are the names of those that did
    not end; ``span`` is when all that was.
    """

    def __init__(self, prometheus, observed):
        self.prometheus, self.observed = prometheus, observed
        self.fired = {}
        began = time.time()
        self._wait_for_series()
        observed.end("sharded")
        self._wait_until(lambda: observed.meddle() or set(RULES) - self._seen() <= {_WHEN_DOWN})
        observed.front.refuse_connections()
        self._wait_until(lambda: _WHEN_DOWN in self._seen())
        observed.front.listen()
        observed.mend()
        self._wait_until(lambda: not self._now())
        self.left = self._now()
        self.span = Span(began, time.time())

    def _wait_for_series(self):
        """From before the troubles: of what was in sync, and of shards that were held once."""
        for job in ("shop", "denied"):
            selector = f'genreconcile_repairs_total{{job="{job}"}}'
            self._wait_until(lambda selector=selector: self.prometheus.series(selector))
        self._wait_until(lambda: len(self.prometheus.series('genreconcile_shard_held{job="sharded"}')) == 2)

    def _seen(self):
        for name, alerts in self.prometheus.firing(HASTENED).items():
            self.fired.setdefault(name, alerts[0])
        return set(self.fired)

    def _now(self):
        return {rule["name"] for rule in self.prometheus.rules(HASTENED) if rule["state"] != "inactive"}

    @staticmethod
    def _wait_until(check):
        """Or for long: the tests say what has not come."""
        last_answer(check, timeout=LONG, pause=0.3)


@contextlib.contextmanager
def watching(plane, binary, folder, namespace="prometheus"):
    """A Watching at its end, whose server still answers."""
    path = folder / "hastened.yaml"
    path.write_text(yaml.safe_dump(hastened()))
    with (
        Observed(plane, plane.create_namespace(namespace), folder) as observed,
        Prometheus(binary, folder, observed.ports, [OBSERVE / "alerts.yaml", path]) as prometheus,
    ):
        yield Watching(prometheus, observed)
