"""An operator for tenants: each team of a tenant gets a namespace, and the tenant a volume that outlives it."""

from collections.abc import Iterator

import genreconcile as gr


def obj(kind: str, name: str, namespace: str, **fields: object) -> gr.Object:
    """An object in a namespace."""
    api_version, _, kind = kind.rpartition("/")
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **fields}


@gr.controller("tenancy.example.com/v1/Tenant", name="tenants", delete_kinds=["Namespace"])
def tenants(parent: gr.Object, ctx: gr.Context) -> Iterator[gr.Object]:
    """Namespaces are deleted with their team, for delete_kinds says so; a PersistentVolumeClaim never is."""
    name, spec = parent["metadata"]["name"], parent["spec"]
    for team in spec["teams"]:
        place = f"{name}-{team}"
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place, "labels": {"tenant": name}}}
        yield obj("v1/ResourceQuota", "team", place, spec={"hard": {"pods": str(spec["pods"])}})
        rules = [{"apiGroups": ["", "apps"], "resources": ["*"], "verbs": ["*"]}]
        yield obj("rbac.authorization.k8s.io/v1/Role", "team", place, rules=rules)
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": spec["archive"]}}}
    yield obj("v1/PersistentVolumeClaim", name, "archive", spec=claim)
    ctx.status["namespaces"] = [f"{name}-{team}" for team in spec["teams"]]


@tenants.on_delete
def wait_for_pods(parent: gr.Object, ctx: gr.Context) -> None:
    """A tenant goes when nothing of it runs any more."""
    for team in parent["spec"]["teams"]:
        if pods := ctx.list("v1/Pod", namespace=f"{parent['metadata']['name']}-{team}"):
            raise gr.Retry(60, f"{len(pods)} Pods of {team} still run")


if __name__ == "__main__":
    gr.run(tenants)
