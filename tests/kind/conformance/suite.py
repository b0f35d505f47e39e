"""Every kind of a server, each in a namespace of its own, some at a time.

Usage: suite.py KUBECONFIG [Kind…]      prints one row per kind and, below it, each fault
"""

import json
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import genreconcile as gr
from genreconcile import gojson
from genreconcile.catalog import Catalog
from kind.conformance.given import Given
from kind.conformance.grow import grown
from kind.conformance.library import data, expected
from kind.conformance.row import Row
from kind.conformance.server import Server
from kind.conformance.trial import Trial

WORKERS = 4
LONG = (
    "Pod",
    "PodTemplate",
    "ReplicationController",
    "Deployment",
    "ReplicaSet",
    "DaemonSet",
    "StatefulSet",
    "Job",
    "CronJob",
)


class Suite:
    """All trials on one server."""

    def __init__(self, kubeconfig, rules=None):
        self.cluster = gr.connect(kubeconfig=str(kubeconfig))
        self.catalog = Catalog(self.cluster, rules or gr.Registry.builtin())
        self.schema = gr.Schema.from_cluster(self.cluster)
        version = gojson.loads(self.cluster.request("GET", "/version"))
        self.minor = f"{version['major']}.{version['minor']}"

    def resources(self, kinds=()):
        """The named kinds; with "-" in front, all others."""
        named, rest = set(kinds) - {"-"}, not kinds or "-" in kinds
        return [r for r in self.catalog.discovery.resources() if (r.gvk.kind in named) != rest]

    def namespace(self, resource):
        """A namespace of its own, so that quotas and limits of one kind do not meet the objects of another."""
        name = "-".join(["c", resource.plural, *str(resource.gvk.api_version).replace(".", "-").split("/")])[:63]
        for path, obj in (
            ("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
            (
                f"/api/v1/namespaces/{name}/serviceaccounts",
                {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}},
            ),
        ):
            try:
                Server(self.cluster, resource).send("POST", path, obj)
            except gr.Conflict:
                continue
        return name

    def run(self, resource):
        """The row of one kind."""
        row = Row(str(resource))
        missing = {"create", "patch", "delete", "get"} - resource.verbs
        if missing:
            row.reason = f"cannot be tried: the server offers no {', '.join(sorted(missing))}"
            return row
        if data(resource.gvk).get("untestable"):
            row.reason = data(resource.gvk)["untestable"]
            return row
        begun = time.monotonic()
        namespace = self.namespace(resource) if resource.namespaced else ""
        root, _ = self.catalog.node(resource, {})
        objects = expected(resource, root, namespace, self.minor)
        with Given(self, data(resource.gvk), objects["minimal"]) as given:
            for variant, obj in objects.items():
                self.try_out(Server(self.cluster, resource), row, variant, obj, given)
        row.counts["seconds"] = round(time.monotonic() - begun)
        return row

    def try_out(self, server, row, variant, obj, given):
        """One variant of a kind."""
        try:
            server.remove(obj)
            root, _ = self.catalog.node(server.resource, {})
            whole = grown(server, root, obj, row) if variant == "maximal" else obj
            node, _ = self.catalog.node(server.resource, whole)
            Trial(server, node, row, variant, whole, given.others).run()
        except gr.ReconcileError as error:
            row.fault("error", variant, "", str(error)[:1500])
        except Exception:  # noqa: BLE001 - one kind must not hide the others
            row.fault("error", variant, "", traceback.format_exc()[-1500:])

    def rows(self, kinds=(), done=lambda _row: None):
        """All versions of a kind one after the other, for they are the same objects."""
        together = {}
        for resource in self.resources(kinds):
            together.setdefault((resource.gvk.group, resource.gvk.kind), []).append(resource)
        rows = []

        def work(versions):
            for resource in versions:
                rows.append(self.run(resource))
                done(rows[-1])

        # Longest first: those with pod templates.
        order = sorted(together.values(), key=lambda versions: versions[0].gvk.kind not in LONG)
        with ThreadPoolExecutor(WORKERS) as pool:
            for future in [pool.submit(work, versions) for versions in order]:
                future.result()
        return sorted(rows, key=lambda row: row.gvk)


def show(row):
    """Print a row and its faults."""
    lines = [f"    {fault['what']} {fault['variant']} {fault['path']} {fault['detail'][:700]}" for fault in row.faults]
    lines += [f"    told {entry['variant']} {entry['path']} {' '.join(entry['rules'])}" for entry in row.told]
    lines += [f"    anew {entry['variant']} {entry['path']} {' '.join(entry['rules'])}" for entry in row.anew]
    lines += [f"    one way {entry['variant']} {entry['path']} {entry['detail']}" for entry in row.oneway]
    head = f"{row.gvk} {row.reason or dict(row.counts)} {' '.join(sorted(row.proven))}"
    print("\n".join([head, *lines]), flush=True)


def main():
    rows = Suite(sys.argv[1]).rows(sys.argv[2:], show)
    total = sum((row.counts for row in rows), start=type(rows[0].counts)())
    print(json.dumps(total))


if __name__ == "__main__":
    main()
