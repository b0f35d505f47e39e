"""The Memcached operator for who has kopf: kopf runs the handler, which brings the children to what they should be."""

import asyncio
from collections.abc import Iterator

import kopf

import genreconcile as gr

KIND = ("cache.example.com", "v1", "memcacheds")


def children(parent: kopf.Body) -> Iterator[gr.Object]:
    """The objects that should exist for this parent."""
    name = parent["metadata"]["name"]
    labels = {"app": "memcached", "memcached": name}
    container = {"name": "memcached", "image": "memcached:1.6.39", "args": ["-m=64"]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": parent["spec"]["size"], "selector": {"matchLabels": labels}, "template": template}
    yield {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels}, "spec": spec}
    spec = {"selector": labels, "ports": [{"port": 11211}]}
    yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "labels": labels}, "spec": spec}


@kopf.on.startup()
def connect(memo: kopf.Memo, **_: object) -> None:
    """One Reconciler, and so one cache, for all parents."""
    memo.reconciler = gr.Reconciler(gr.connect(), field_manager="genreconcile-memcached")


@kopf.on.update(*KIND, field="spec")
@kopf.timer(*KIND, interval=10)  # At once for each parent, and again for what kopf does not see: drift of children.
async def keep(body: kopf.Body, memo: kopf.Memo, name: str, namespace: str | None, **_: object) -> None:
    """Not by kopf.adopt: that gives children the labels of their parent, those of its owner set among them."""
    kopf.append_owner_reference(expected := list(children(body)), owner=body)
    owner = f"memcacheds.cache.example.com/{name}"
    result = await asyncio.to_thread(memo.reconciler.reconcile, expected, namespace=namespace, owner=owner)
    if result.retry_after is not None:
        raise kopf.TemporaryError(result.summary(), delay=result.retry_after)
    result.raise_for_failures()
