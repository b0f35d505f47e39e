"""A custom resource and its definition in one set, without an adapter: python examples/custom_resource.py

The definition is applied first, and its instances once the server serves them; defaults come from its schema.
"""

from __future__ import annotations

import argparse

import genreconcile as gr

GROUP = "example.genreconcile.dev"
DEFINITION: gr.Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"backups.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"kind": "Backup", "plural": "backups"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "schedule": {"type": "string"},
                                    "keep": {"type": "integer", "default": 7},
                                    "targets": {"type": "array", "items": {"type": "string"}},
                                },
                            }
                        },
                    }
                },
            }
        ],
    },
}


def backup(name: str, schedule: str, targets: list[str]) -> gr.Object:
    """One instance; ``keep`` is left to the default of the schema."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Backup",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "backups"}},
        "spec": {"schedule": schedule, "targets": targets},
    }


def main() -> None:
    """Reconcile: definition and two instances; the same again; one instance changed, one gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", help="default: as kubectl")
    arguments = parser.parse_args()

    both = [DEFINITION, backup("nightly", "0 3 * * *", ["db"]), backup("weekly", "0 5 * * 0", ["db", "files"])]
    one = [DEFINITION, backup("nightly", "30 3 * * *", ["db"])]
    with gr.Reconciler(gr.connect(kubeconfig=arguments.kubeconfig)) as reconciler:
        for wanted in (both, both, one):
            result = reconciler.reconcile(wanted, delete_from_namespace="default", delete_selector={"app": "backups"})
            for outcome in result:
                print(outcome.key, outcome.status, *outcome.change.operations)
            print(result.summary(), end="\n\n")
            result.raise_for_failures()


if __name__ == "__main__":
    main()
