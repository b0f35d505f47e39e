"""Compare long lists that were edited in several ways: CPU seconds of each, and memory."""

from __future__ import annotations

import random
import sys
from typing import Any

import genreconcile as gr
from benchmarks.workers.common import arguments, cpu_seconds, peak_rss, report, reset_peak, rss

_RULES = 800
_TEXTS = 10_000


def main() -> None:
    """Prints rules, texts, texts_five_times, shuffled and different (seconds), and memory (bytes)."""
    options = arguments()
    members = [f"member-{index}" for index in range(_TEXTS)]
    many = [f"member-{index}" for index in range(5 * _TEXTS)]
    others = [f"other-{index}" for index in range(_TEXTS)]
    _seconds(members[:10], others[:10])  # So that nothing is imported while time is taken.
    reset_peak()
    before = rss()
    two_edits = _seconds(members, _edited(members))
    report(
        memory=peak_rss() - before,
        texts=two_edits,
        texts_five_times=_seconds(many, _edited(many)),
        shuffled=_seconds(members, random.Random(1).sample(members, _TEXTS)),  # noqa: S311 - the same in each run
        different=_seconds(members, others),
        rules=_rules(options.kubeconfig, options.namespace),
    )


def _edited(members: list[Any]) -> list[Any]:
    return ["first", *members[1:-1], "last"]


def _seconds(expected: list[str], live: list[str]) -> float:
    """Of a comparison with all that makes a patch of it."""
    begin = cpu_seconds()
    found = gr.diff(_holder(expected), _holder(live))
    seconds = cpu_seconds() - begin
    if not found:
        sys.exit("there is to be a difference")
    return seconds


def _holder(members: list[str]) -> dict[str, Any]:
    metadata = {"name": "a", "namespace": "default", "uid": "u", "resourceVersion": "1"}
    return {"apiVersion": "example.com/v1", "kind": "Holder", "metadata": metadata, "spec": {"members": members}}


def _rules(kubeconfig: str, namespace: str) -> float:
    """The plan for an object whose first and last rule differ from those on the server."""
    with gr.Reconciler(gr.connect(kubeconfig=kubeconfig), namespaces=[namespace]) as reconciler:
        hosts = [f"host-{index}.example.com" for index in range(_RULES)]
        reconciler.reconcile([_routes(hosts, namespace)]).raise_for_failures()
        begin = cpu_seconds()
        plan = reconciler.plan([_routes(_edited(hosts), namespace)])
        seconds = cpu_seconds() - begin
    if plan.counts["update"] != 1:
        sys.exit(f"one object is to be updated: {plan.summary()}")
    return seconds


def _routes(hosts: list[str], namespace: str) -> dict[str, Any]:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    rules = [{"host": host, "http": {"paths": paths}} for host in hosts]
    metadata = {"name": "routes", "namespace": namespace}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": {"rules": rules}}


if __name__ == "__main__":
    main()
