"""Those who write what they like into the same namespaces, straight to the API server, as fast as they can."""

import contextlib
import functools
import json
import random
import threading
import time
from collections import Counter, defaultdict, deque

import genreconcile as gr
from faults.soak.beside import Beside
from faults.soak.objects import FOUGHT, KEYS, collections, config
from genreconcile.errors import ClusterError

JSON_PATCH = "application/json-patch+json"
_OFTEN = 3
KEEP = 400
"""Objects of others that are there at a time: memory of a cache grows with the cluster, so the cluster does not."""
_WINDOW = 600.0
"""So often in so many seconds they write one place of one object: they are many, and no opponents."""


class Others(Beside):
    """``threads`` writers; ``rate`` bounds the writes a second of each. ``done`` counts what was accepted, ``foreign``
    has the paths of the objects that they made and left there.
    """

    def __init__(self, kubeconfig, namespaces, count, *, seed, threads=3, rate=60.0):
        self.done, self.refused = Counter(), 0
        self._lock = threading.Lock()
        self._namespaces, self._count, self._rate = namespaces, count, rate
        self._cluster = gr.connect(kubeconfig=str(kubeconfig))
        self.foreign = deque()
        self._written = defaultdict(lambda: defaultdict(list))  # The times of writes, by object and place.
        dice = [random.Random(seed * 1000 + number) for number in range(threads)]  # noqa: S311 - no secret
        super().__init__(*(functools.partial(self._run, own) for own in dice))

    def stop(self):
        super().stop()
        self._cluster.close()

    def _run(self, dice):
        deeds = [self._edit, self._edit, self._edit, self._label, self._annotate, self._delete, self._create]
        while not self._stopping.wait(1 / self._rate):
            namespace, number = dice.choice(self._namespaces), dice.randrange(self._count)
            deed = dice.choice(deeds)
            try:
                is_done = deed(dice, namespace, number)
            except ClusterError:
                self.refused += 1
                continue
            with self._lock:
                self.done[deed.__name__[1:]] += is_done

    def _place(self, namespace, number):
        kinds, rest = collections(namespace), number % 10
        return kinds[{0: 1, 1: 2, 2: 3, 3: 3}.get(rest, 0)] + f"/o-{number}", rest

    def _patch(self, path, operation):
        now, times = time.monotonic(), self._written[path][operation["path"]]
        times[:] = [at for at in times if at > now - _WINDOW]
        if len(times) < _OFTEN:
            times.append(now)
            patch(self._cluster, path, operation)
            return True
        return False

    def _edit(self, dice, namespace, number):
        path, rest = self._place(namespace, number)
        value = dice.randrange(10**6)
        places = {0: ("/data/k", "dGhlaXJz"), 1: ("/spec/ports/0/port", 1 + value % 9999)}
        places |= dict.fromkeys((2, 3), ("/spec/replicas", value))
        where, what = places.get(rest, (f"/data/k{value % KEYS}", str(value)))
        return self._patch(path, {"op": "replace", "path": where, "value": what})

    def _label(self, dice, namespace, number):
        """Out of the selector; the object is expected all the same."""
        path, _ = self._place(namespace, number)
        return self._patch(path, {"op": "replace", "path": "/metadata/labels/app", "value": f"x{dice.randrange(9)}"})

    def _annotate(self, dice, namespace, number):
        path, _ = self._place(namespace, number)
        value = {"note": str(dice.random())}
        return self._patch(path, {"op": "add", "path": "/metadata/annotations", "value": value})

    def _delete(self, dice, namespace, number):
        del dice
        path, _ = self._place(namespace, number)
        self._cluster.request("DELETE", path)
        self._written.pop(path, None)
        return True

    def _create(self, dice, namespace, number):
        """In the scope of the deletion."""
        name, collection = f"foreign-{number}-{dice.randrange(10**6)}", collections(namespace)[0]
        self._cluster.request("POST", collection, body=json.dumps(config(namespace, name)).encode())
        with self._lock:
            self.foreign.append(f"{collection}/{name}")
            oldest = self.foreign.popleft() if len(self.foreign) > KEEP else None
        if oldest is not None:
            self._cluster.request("DELETE", oldest)
        return True


class Opponent(Beside):
    """Writes one field of one object in each namespace every ``pause`` seconds, whatever it was; ``done`` counts."""

    def __init__(self, kubeconfig, namespaces, *, pause=1.0):
        self.done = 0
        self._paths = [f"{collections(namespace)[0]}/{FOUGHT}" for namespace in namespaces]
        self._pause = pause
        self._cluster = gr.connect(kubeconfig=str(kubeconfig))
        super().__init__(self._run)

    def stop(self):
        super().stop()
        self._cluster.close()

    def _run(self):
        while not self._stopping.wait(self._pause):
            for path in self._paths:
                with contextlib.suppress(ClusterError):
                    patch(self._cluster, path, {"op": "replace", "path": "/data/k0", "value": "theirs"})
                    self.done += 1


def patch(cluster, path, operation):
    cluster.request("PATCH", path, body=json.dumps([operation]).encode(), content_type=JSON_PATCH)
