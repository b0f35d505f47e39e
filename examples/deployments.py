"""A set of Deployments, kept exactly as written here: python examples/deployments.py --v=4 --kubeconfig FILE

Creates what is missing, repairs what drifted, and deletes Deployments of this example that are no longer in the set.
"""

from __future__ import annotations

import argparse
import logging

import genreconcile as gr

NAMESPACE = "example"
LABELS = {"app": "test-example"}


def deployment(name: str, image: str, replicas: int) -> gr.Object:
    """One Deployment; what it does not say is as Kubernetes itself fills it in."""
    labels = {**LABELS, "component": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": name, "image": image}]},
            },
        },
    }


def expected(components: dict[str, str]) -> list[gr.Object]:
    """The namespace and one Deployment for each component."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    return [namespace, *(deployment(name, image, replicas=2) for name, image in components.items())]


def main() -> None:
    """Reconcile three times: everything is new, nothing is to do, one component has left the set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", help="default: as kubectl")
    parser.add_argument("--v", type=int, default=0, help="from 4 on, logs what is done")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO if arguments.v >= 4 else logging.WARNING, format="%(name)s: %(message)s")

    components = {"web": "nginx:1.27", "cache": "redis:7.4", "queue": "rabbitmq:4.0"}
    with gr.Reconciler(gr.connect(kubeconfig=arguments.kubeconfig)) as reconciler:
        for wanted in (components, components, {"web": "nginx:1.28", "cache": "redis:7.4"}):
            result = reconciler.reconcile(expected(wanted), delete_from_namespace=NAMESPACE, delete_selector=LABELS)
            for outcome in result:
                print(outcome.key, outcome.status, *outcome.change.operations)
            print(result.summary(), end="\n\n")
            result.raise_for_failures()


if __name__ == "__main__":
    main()
