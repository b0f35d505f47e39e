"""Minutes of a controller in two processes under one Lease: edits by others, faults, and kills; then the account.

``python -m faults.soak.operators --minutes 30 --seed 0``; exits with 1 where the end state differs, an object of others
is gone, memory or threads grow, or the end never comes. In the first half of the time the process that leads is killed
again and again; in the second half both live, so that memory can be told.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import genreconcile as gr
from faults import operating
from faults.soak.__main__ import ROOT, SETTLE, Counts, state
from faults.soak.account import GROWTH, parts
from faults.soak.beside import Beside
from faults.soak.objects import expected
from faults.soak.operator import WORKERS
from faults.soak.others import Opponent, Others
from faults.soak.weather import Weather
from genreconcile.testing import ControlPlane
from support.api.client import Refused
from support.api.proxy import ProxiedServer
from support.eventually import eventually


class Replica:
    """One process; it is started anew when it ends. ``lives`` are the samples of each of its lives."""

    def __init__(self, url, namespace, number):
        self._command = [sys.executable, "-m", "faults.soak.operator", url, namespace]
        self._number = number
        self._is_ending = False
        self.lives, self.codes = [], Counter()
        self._start()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()

    def _start(self):
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
        identity = f"replica-{self._number}-{len(self.lives)}"
        self.process = subprocess.Popen(
            [*self._command, identity], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": path, "MALLOC_ARENA_MAX": "2"},  # As in deploy/Containerfile.
        )  # fmt: skip
        self.lives.append([])

    def _watch(self):
        while True:
            process, samples = self.process, self.lives[-1]
            for line in process.stdout:
                samples.append(json.loads(line))
            self.codes[process.wait()] += 1
            if self._is_ending:
                return
            self._start()

    @property
    def leads(self):
        samples = self.lives[-1]
        return bool(samples) and samples[-1]["leads"]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)

    def end(self):
        """The exit code."""
        self._is_ending = True
        self.process.stdin.close()
        self._watcher.join(60)
        return self.process.returncode


class Killer(Beside):
    """Kills the process that leads every ``pause`` seconds; ``done`` counts."""

    def __init__(self, replicas, *, pause):
        self.done = 0
        self._replicas, self._pause = replicas, pause
        super().__init__(self._run)

    def _run(self):
        while not self._stopping.wait(self._pause):
            for replica in self._replicas:
                if replica.leads:
                    replica.kill()
                    self.done += 1
                    break


class Author(Beside):
    """Edits parents: a child leaves a set, and comes back; ``done`` counts."""

    def __init__(self, admin, wanted, *, seed, pause=1.0):
        self.done = 0
        self._admin, self._wanted, self._pause = admin, wanted, pause
        self._dice = random.Random(seed)  # noqa: S311 - no secret
        super().__init__(self._run)

    def write(self, namespace, objects):
        path = f"/apis/{operating.GROUP}/v1/namespaces/{namespace}/{operating.PLURAL}/{operating.NAME}"
        self._admin.patch(path, {"op": "replace", "path": "/spec/objects", "value": json.dumps(objects)})

    def _run(self):
        while not self._stopping.wait(self._pause):
            namespace = self._dice.choice(sorted(self._wanted))
            objects = list(self._wanted[namespace])
            if self._dice.random() < 0.7:
                objects.pop(self._dice.randrange(len(objects) - 1))
            try:
                self.write(namespace, objects)
                self.done += 1
            except Refused:
                pass


class Ground:
    """What ``faults.operating`` needs of a cluster without faults."""

    def __init__(self, admin, namespace):
        self.admin = admin
        self.namespace = namespace


def is_foreign(path):
    return "/foreign-" in path


def own(found):
    return {path: obj for path, obj in found.items() if not is_foreign(path)}


def soak(options, plane, server):
    """Whether all is as it should be; prints the account."""
    namespaces = [plane.create_namespace(f"soak-{number}") for number in range(options.parents)]
    grounds = {namespace: Ground(server.admin, namespace) for namespace in namespaces}
    operating.define(grounds[namespaces[0]])
    wanted = {namespace: expected(namespace, options.objects) for namespace in namespaces}
    for namespace, ground in grounds.items():
        operating.state(ground, wanted[namespace])
    admin = server.admin
    plane.create_namespace("soak-lease")
    replicas = [Replica(server.url, "soak-lease", number) for number in range(2)]
    try:
        count = options.parents * options.objects
        settle(lambda: len(own(state(plane, namespaces))) >= count, "began")
        before = own(state(plane, namespaces))
        others = Others(plane.kubeconfig, namespaces, options.objects, seed=options.seed, rate=options.rate)
        author = Author(admin, wanted, seed=options.seed)
        beside = [others, author, Opponent(plane.kubeconfig, namespaces), Weather(server, plane, seed=options.seed)]
        killer = Killer(replicas, pause=gr.Lease("soak").duration * 6)
        time.sleep(options.minutes * 30)
        killer.stop()
        lives = [len(replica.lives) for replica in replicas]
        time.sleep(options.minutes * 30)
        for one in reversed(beside):
            one.stop()
        for namespace in namespaces:
            eventually(lambda here=namespace: author.write(here, wanted[here]) or True, despite=(Refused,))
        settled = settle(lambda: own(state(plane, namespaces)) == before, "settled")
        after = state(plane, namespaces)
        last = [max(replica.lives[number - 1 :], key=len) for replica, number in zip(replicas, lives, strict=True)]
    finally:
        codes = [replica.end() for replica in replicas]
    if options.samples:
        Path(options.samples).write_text(json.dumps([replica.lives for replica in replicas]), "ascii")
    foreign = [path for path in others.foreign if path in after]
    quarters = {name: [parts(samples, name, 4) for samples in last] for name in ("rss", "heap", "blocks", "threads")}
    growth = [round(fourth / second, 3) for _, second, _, fourth in quarters["rss"]]
    # Threads of functions are made when they are needed, no more than there are workers.
    threads = [fourth - second for _, second, _, fourth in quarters["threads"]]
    rows = {
        "duration": f"{options.minutes:g} minutes, seed {options.seed}",
        "parents": f"{options.parents} with {options.objects + 1} children each, two processes under one Lease",
        "edits by others": f"{sum(others.done.values())}: {dict(sorted(others.done.items()))}",
        "edits of parents": author.done,
        "faults injected": f"{sum(beside[3].done.values())}: {dict(sorted(beside[3].done.items()))}",
        "processes killed": killer.done,
        "exit codes": [dict(sorted(replica.codes.items())) for replica in replicas],
        "requests of the engine": dict(sorted(server.log.verbs.items())),
        "runs": sum(samples[-1]["runs"] for replica in replicas for samples in replica.lives if samples),
        "settled after": "never" if settled is None else f"{settled:.0f} s",
        "end state equal": "yes" if own(after) == before else "NO",
        "objects of others": f"{len(foreign)} of {len(others.foreign)} are there; made: {others.done['create']}",
        "second half": f"at least {min(map(len, last))} s; memory {growth}, threads more {threads}",
        "memory by quarter": [[round(size, 1) for size in found] for found in quarters["rss"]],
        "the heap's part": [[round(size, 1) for size in found] for found in quarters["heap"]],
        "blocks of Python": quarters["blocks"],
        "threads by quarter": quarters["threads"],
    }
    for name, text in rows.items():
        print(f"{name:<24} {text}")
    is_flat = all(ratio <= GROWTH for ratio in growth) and all(more <= WORKERS for more in threads)
    is_whole = len(foreign) == len(others.foreign) > 0
    return settled is not None and own(after) == before and is_whole and is_flat and codes == [0, 0] and killer.done > 0


def settle(condition, told):
    """Wait until a condition holds twice; the seconds that took, None for too many."""
    started = time.monotonic()
    while time.monotonic() - started < SETTLE:
        if condition():
            time.sleep(2)
            if condition():
                print(f"{told} after {time.monotonic() - started:.0f} s", file=sys.stderr)
                return time.monotonic() - started
        time.sleep(1)
    return None


def main():
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--parents", type=int, default=8)
    parser.add_argument("--objects", type=int, default=40, help="of each parent")
    parser.add_argument("--samples", help="a file for what each life of a process told, as JSON")
    parser.add_argument("--rate", type=float, default=10.0, help="writes a second of each of three others")
    options = parser.parse_args()
    with ControlPlane() as plane, ProxiedServer(plane.kubeconfig, seed=options.seed) as server:
        server.log = Counts()
        passed = soak(options, plane, server)
    print("passed" if passed else "FAILED")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
