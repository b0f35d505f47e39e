"""An owner set: what left it is deleted, of whatever kind and after a restart: python examples/owner_set.py

The set is an ApplySet (KEP-3659); its parent is the ConfigMap ``shop``, which is created where it is missing.
"""

from __future__ import annotations

import argparse

import genreconcile as gr


def config(name: str) -> gr.Object:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"greeting": "hello"}}


def service(name: str) -> gr.Object:
    """A Service without labels of its own: the set needs none."""
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}}


def main() -> None:
    """Two objects; then, in another process so to say, the Service is not expected any more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", help="default: as kubectl")
    options = parser.parse_args()
    for expected in ([config("settings"), service("web")], [config("settings")]):
        with gr.Reconciler(gr.connect(kubeconfig=options.kubeconfig)) as reconciler:
            plan = reconciler.plan(expected, namespace="default", owner="configmaps/shop")
            print(plan.summary())
            result = reconciler.apply(plan, wait=True)
            for outcome in result:
                print(" ", outcome)
            result.raise_for_failures()


if __name__ == "__main__":
    main()
