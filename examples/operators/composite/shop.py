"""A composite: a Shop has a Memcached, which another controller looks after, and the configuration that names it.

genreconcile run memcached.py shop.py
"""

from collections.abc import Iterator

import genreconcile as gr


@gr.controller("shops.example.com/v1/Shop", name="shops")
def shops(parent: gr.Object, ctx: gr.Context) -> Iterator[gr.Object]:
    """Ready when the Memcached is: its Ready condition wakes this controller."""
    name = parent["metadata"]["name"]
    cache = {
        "apiVersion": "cache.example.com/v1",
        "kind": "Memcached",
        "metadata": {"name": name},
        "spec": {"size": parent["spec"]["caches"]},
    }
    yield cache
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {"memcached": f"{name}.{parent['metadata']['namespace']}.svc:11211"},
    }
    live = ctx.get("cache.example.com/v1/Memcached", name)
    ctx.status["nodes"] = (live or {}).get("status", {}).get("nodes", [])


if __name__ == "__main__":
    gr.run(shops)
