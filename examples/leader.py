"""One replica of several writes: python examples/leader.py

The election is that of the Kubernetes client (``kubernetes.leaderelection``); the Reconciler asks before each request
that changes something, and sends none once the lease is lost. What that election does not notice is measured in
docs/operators.md; programs of ``gr.run`` hold a ``gr.Lease`` instead.
"""

from __future__ import annotations

import argparse
import logging
import socket
import threading
from typing import Any

from kubernetes import config
from kubernetes.leaderelection.electionconfig import Config
from kubernetes.leaderelection.leaderelection import LeaderElection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock

import genreconcile as gr


def elect(leading: threading.Event) -> None:
    """Run for the lease ``shop``, in a thread; ``leading`` is set while this replica holds it. Times are in seconds."""
    lock = LeaseLock("shop", "default", f"{socket.gethostname()}-{threading.get_ident()}")
    wishes: Any = Config(lock, 15, 10, 2, onstarted_leading=leading.set, onstopped_leading=leading.clear)
    threading.Thread(target=LeaderElection(wishes).run, daemon=True).start()


def main() -> None:
    """Write as the leader, and then without the lease."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", help="default: as kubectl")
    options = parser.parse_args()
    logging.getLogger("kubernetes").setLevel(logging.ERROR)
    config.load_kube_config(config_file=options.kubeconfig)  # For the election.
    leading = threading.Event()
    elect(leading)
    leading.wait()
    expected = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "led"}, "data": {"replicas": "1"}}
    with gr.Reconciler(gr.connect(kubeconfig=options.kubeconfig), may_write=leading.is_set) as reconciler:
        reconciler.reconcile([expected]).raise_for_failures()
        print("as the leader:", reconciler.reconcile([expected]).summary())
        leading.clear()  # As the election does when it cannot renew the lease.
        expected["data"] = {"replicas": "2"}
        for outcome in reconciler.reconcile([expected]):
            print("without the lease:", outcome)


if __name__ == "__main__":
    main()
