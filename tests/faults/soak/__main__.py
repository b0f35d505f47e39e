"""``make soak``: minutes of edits by others and faults against a real API server, then the account.

``python -m faults.soak --minutes 10 --seed 0``; exits with 1 where the end state, memory or threads differ.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import genreconcile as gr
from faults.ground.log import Log
from faults.ground.proxy import ProxiedServer
from faults.soak.objects import collections, lasting
from faults.soak.others import Others
from faults.soak.weather import Weather
from genreconcile.testing import ControlPlane

ROOT = Path(__file__).parents[3]
SETTLE = 240.0
GROWTH = 1.15
"""How much larger the second half's memory may be."""


class Counts(Log):
    """Of a long run only the numbers are kept."""

    def __init__(self):
        super().__init__()
        self.verbs = Counter()

    def note(self, request, answer, at):
        del answer, at
        self.verbs[request.verb] += 1


class Engine:
    """The process under test; ``samples`` are what it said."""

    def __init__(self, url, count, namespaces):
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
        command = [sys.executable, "-m", "faults.soak.engine", url, str(count), *namespaces]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
        )
        self.samples = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def _read(self):
        for line in self._process.stdout:
            self.samples.append(json.loads(line))

    def settle(self):
        """Wait until it finds nothing to do; how many seconds that took, None for too many."""
        started, seen = time.monotonic(), len(self.samples)
        self._say("settle")
        while time.monotonic() - started < SETTLE:
            if any(sample["steady"] for sample in self.samples[seen + 2 :]):
                return time.monotonic() - started
            time.sleep(0.2)
        return None

    def end(self):
        """The exit code."""
        self._say("end")
        self._reader.join(60)
        return self._process.wait(60)

    def _say(self, command):
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()


def state(plane, namespaces):
    """Everything in the namespaces, comparable; not through the faults."""
    cluster, found = gr.connect(kubeconfig=str(plane.kubeconfig)), {}
    for path in (path for namespace in namespaces for path in collections(namespace)):
        items = json.loads(cluster.request("GET", path))["items"]
        found |= {f"{path}/{item['metadata']['name']}": lasting(item) for item in items}
    cluster.close()
    return found


def parts(samples, name, count):
    """The medians of so many parts of a run."""
    size = max(len(samples) // count, 1)
    return [statistics.median(sample[name] for sample in samples[size * n : size * (n + 1)]) for n in range(count)]


class Account:
    """What a soak came to; ``calm`` are the samples before the storm and after it."""

    def __init__(self, stormy, calm, settled, is_equal, code):
        self.seconds = stormy[-1]["at"] - stormy[0]["at"]
        self.rss, self.calm, self.settled, self.is_equal, self.code = (
            parts(stormy, "rss", 2),
            calm,
            settled,
            is_equal,
            code,
        )
        self.quarters = parts(stormy, "rss", 4)
        self.grew = {name: stormy[-1][name] - stormy[0][name] for name in ("rounds", "errors", "failed", "written")}

    @property
    def passed(self):
        (first, second), (before, after) = self.rss, (sample["threads"] for sample in self.calm)
        same = self.is_equal and before == after and second < first * GROWTH
        return self.settled is not None and same and self.code == 0

    def rows(self, options, server, others, weather):
        edits, seconds, grew = sum(others.done.values()), self.seconds, self.grew
        yield "duration", f"{seconds:.0f} s, seed {options.seed}"
        yield "Reconcilers", f"{options.reconcilers} on one cache, with {options.objects} objects each"
        yield "edits by others", f"{edits}, {edits / seconds:.0f} a second: {_counts(others.done)}"
        yield "reconciles", f"{grew['rounds']}, of which {grew['errors']} raised"
        yield "objects written", f"{grew['written']}, {grew['written'] / seconds:.0f} a second; {grew['failed']} failed"
        yield "requests of the engine", _counts(server.log.verbs)
        yield "faults injected", f"{sum(weather.done.values())}: {_counts(weather.done)}"
        yield "settled after", "never" if self.settled is None else f"{self.settled:.0f} s"
        yield "end state equal", "yes" if self.is_equal else "NO"
        yield "memory", "{:.0f} MB in the first half, {:.0f} MB in the second".format(*self.rss)
        yield "memory by quarter", ", ".join(f"{size:.0f} MB" for size in self.quarters)
        yield "threads at rest", "{} before, {} after".format(*(sample["threads"] for sample in self.calm))
        yield "exit code", str(self.code)


def soak(options, plane, server):
    """Whether all is as it should be; prints the account."""
    namespaces = [plane.create_namespace(f"soak-{number}") for number in range(options.reconcilers)]
    with Engine(server.url, options.objects, namespaces) as engine:
        assert engine.settle() is not None, "never began"
        before, calm = state(plane, namespaces), engine.samples[-1]
        others = Others(plane.kubeconfig, namespaces, options.objects, seed=options.seed)
        weather = Weather(server, plane, seed=options.seed)
        began = len(engine.samples)
        time.sleep(options.minutes * 60)
        weather.stop()
        others.stop()
        stormy, settled = engine.samples[began:], engine.settle()
        is_equal, last = state(plane, namespaces) == before, engine.samples[-1]
        account = Account(stormy, (calm, last), settled, is_equal, engine.end())
    for name, text in account.rows(options, server, others, weather):
        print(f"{name:<24} {text}")
    return account.passed


def _counts(found):
    return ", ".join(f"{name} {count}" for name, count in sorted(found.items()))


def main():
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reconcilers", type=int, default=8)
    parser.add_argument("--objects", type=int, default=60, help="of each Reconciler")
    options = parser.parse_args()
    with ControlPlane() as plane, ProxiedServer(plane.kubeconfig, seed=options.seed) as server:
        server.log = Counts()
        passed = soak(options, plane, server)
    print("passed" if passed else "FAILED")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
