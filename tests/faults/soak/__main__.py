"""``make soak``: minutes of edits by others and faults against a real API server, then the account.

``python -m faults.soak --minutes 10 --seed 0``; exits with 1 where the end state or threads differ, memory grows, or
fights are found where there are none or are not found where there are.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import genreconcile as gr
from faults.soak.account import Account
from faults.soak.engine import memory
from faults.soak.objects import FOUGHT, collections, lasting
from faults.soak.others import Opponent, Others
from faults.soak.weather import Weather
from genreconcile.testing import ControlPlane
from support.api.log import Log
from support.api.proxy import ProxiedServer

ROOT = Path(__file__).parents[3]
SETTLE = 240.0


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
    """Everything in the namespaces but what is fought over, comparable; not through the faults."""
    cluster, found = gr.connect(kubeconfig=str(plane.kubeconfig)), {}
    for path in (path for namespace in namespaces for path in collections(namespace)):
        items = json.loads(cluster.request("GET", path))["items"]
        found |= {f"{path}/{_name(item)}": lasting(item) for item in items if _name(item) != FOUGHT}
    cluster.close()
    return found


def _name(item):
    return item["metadata"]["name"]


def soak(options, plane, server):
    """Whether all is as it should be; prints the account."""
    namespaces = [plane.create_namespace(f"soak-{number}") for number in range(options.reconcilers)]
    with Engine(server.url, options.objects, namespaces) as engine:
        assert engine.settle() is not None, "never began"
        before, calm = state(plane, namespaces), engine.samples[-1]
        others = Others(plane.kubeconfig, namespaces, options.objects, seed=options.seed)
        opponent = Opponent(plane.kubeconfig, namespaces)
        weather = Weather(server, plane, seed=options.seed)
        began, own = len(engine.samples), memory()
        time.sleep(options.minutes * 60)
        weather.stop()
        others.stop()
        opponent.stop()
        stormy, settled = engine.samples[began:], engine.settle()
        is_equal, last = state(plane, namespaces) == before, engine.samples[-1]
        account = Account(stormy, (calm, last), settled, is_equal, engine.end())
    for name, text in account.rows(options, server, others, opponent, weather):
        print(f"{name:<24} {text}")
    print(f"{'memory of the harness':<24} {own:.1f} MB at first, {memory():.1f} MB at last")
    return account.passed(options.reconcilers)


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
