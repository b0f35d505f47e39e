"""Requests and CPU of an operator with nothing to do; its watches are renewed all the same, and not counted."""

from __future__ import annotations

import json
import time

import yaml

from benchmarks import processes
from benchmarks.bare import Connection, Refused
from benchmarks.contest import OURS, Contender, Entry, Figures, Missing, hold
from benchmarks.ground import Ground
from benchmarks.workers.controller_idle import FOLDER
from benchmarks.workload import Object

_PARENTS = 100
_SECONDS, _SECONDS_QUICK = 60.0, 3.0
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_PLACE = "/apis/cache.example.com/v1/namespaces/{}/memcacheds"
_SERVED_WITHIN = 30.0


def measure(ground: Ground, seconds: float = 0.0) -> list[Entry]:
    """Two entries, of the Memcached example with a hundred parents, which has run before; ``seconds`` is how long it is
    left alone, 0 for a minute.
    """
    seconds = seconds or (_SECONDS_QUICK if ground.is_quick else _SECONDS)
    namespace = ground.namespace("idle")
    _fill(ground, namespace)
    units = {"controller_idle": "requests", "controller_idle_cpu": "% of a core"}
    contender = Contender(OURS, lambda: _run(ground, namespace, seconds))
    return hold(units, _PARENTS, [contender], ground.repetitions)


def _run(ground: Ground, namespace: str, seconds: float) -> Figures:
    where = ("--kubeconfig", ground.counted, "--namespace", namespace)
    start = ground.audit.count_but_watches()
    with processes.background(processes.worker("controller_idle", *where), ground.file("idle.log")) as process:
        process.wait_ready()
        before = ground.audit.count_but_watches()
        if before == start:
            raise Missing("the audit log shows no request of the process that was to be counted")
        time.sleep(seconds)
        requests = ground.audit.count_but_watches() - before
        answer = process.answer()
    made = ground.server.connect().get(f"/api/v1/namespaces/{namespace}/services")["items"]
    if len(made) != _PARENTS:
        raise Missing(f"the operator has made {len(made)} Services of {_PARENTS}")
    return {"controller_idle": requests, "controller_idle_cpu": 100 * answer["cpu_seconds"] / seconds}


def _fill(ground: Ground, namespace: str) -> None:
    definition, sample = (yaml.safe_load((FOLDER / name).read_text("utf-8")) for name in ("crd.yaml", "sample.yaml"))
    connection = ground.server.connect()
    connection.request("POST", _DEFINITIONS, json.dumps(definition).encode())
    for number in range(_PARENTS):
        metadata = {"name": f"cache-{number}", "namespace": namespace}
        _create(connection, {**sample, "metadata": metadata}, _PLACE.format(namespace))
    connection.close()


def _create(connection: Connection, obj: Object, path: str) -> None:
    """Create an object whose kind may not be served yet."""
    deadline = time.monotonic() + _SERVED_WITHIN
    while True:
        try:
            connection.request("POST", path, json.dumps(obj).encode())
        except Refused:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
